//! From the bytes of a file to its text.

use std::borrow::Cow;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{MAX_BYTES, Unreadable};

/// The text with `\n` as its only line end and without a byte order mark.
///
/// Taken are UTF-8, UTF-16 with a byte order mark, and Windows-1252, which Excel writes on older machines.
pub(super) fn text(bytes: &[u8]) -> Result<String, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable::file(
            "file_too_large",
            format!("The file has {} bytes; the limit is {MAX_BYTES}.", bytes.len()),
            "Export a shorter period and upload the files one by one.",
        ));
    }
    refuse_other_kinds(bytes)?;
    let text = decoded(bytes)?;
    if text.contains('\0') {
        return Err(unknown_encoding());
    }
    if text.trim().is_empty() {
        return Err(Unreadable::file(
            "empty_file",
            "The file is empty.",
            "Export the statement again and check that the file has content before you upload it.",
        ));
    }
    Ok(if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.into_owned() })
}

/// Workbooks and PDF are what people upload by mistake, so they get a sentence of their own.
fn refuse_other_kinds(bytes: &[u8]) -> Result<(), Unreadable> {
    let kind = if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        "an Excel workbook or an archive"
    } else if bytes.starts_with(b"%PDF") {
        "a PDF"
    } else {
        return Ok(());
    };
    Err(Unreadable::file(
        "not_a_text_file",
        format!("The file is {kind}, not a statement in text form."),
        "Open it and save it as CSV (UTF-8), or download camt.053, MT940 or CSV from the bank.",
    ))
}

fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    let (encoding, mark) = encoding_rs::Encoding::for_bom(bytes).unwrap_or((UTF_8, 0));
    let body = bytes.get(mark..).unwrap_or_default();
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(body) {
        return Ok(text);
    }
    if encoding == UTF_16LE || encoding == UTF_16BE {
        return Err(unknown_encoding());
    }
    if mark > 0 || body.utf8_chunks().any(|chunk| !chunk.valid().is_ascii()) {
        return Err(Unreadable::file(
            "mixed_encoding",
            "The file is UTF-8 in some places and something else in others, so names and figures may be wrong.",
            "Export the statement again without editing it, or save it as CSV (UTF-8) from the original.",
        ));
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(body);
    // Windows-1252 leaves five bytes without a character; the decoder turns them into C1 controls.
    if text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c)) { Err(unknown_encoding()) } else { Ok(text) }
}

fn unknown_encoding() -> Unreadable {
    Unreadable::file(
        "unknown_encoding",
        "The characters of the file cannot be told: it is not UTF-8, UTF-16 with a mark, or Windows-1252.",
        "Save the file as CSV (UTF-8), or download it from the bank again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_utf8_utf16_with_a_mark_and_windows_1252() {
        let utf16: Vec<u8> = "\u{feff}৳ ৫".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16_be: Vec<u8> = "\u{feff}৳ ৫".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, want) in [
            ("৳ ৫".as_bytes(), "৳ ৫"),
            ("\u{feff}৳ ৫".as_bytes(), "৳ ৫"),
            (&utf16, "৳ ৫"),
            (&utf16_be, "৳ ৫"),
            (b"Caf\xe9 \x93x\x94", "Café “x”"),
            (b"a\r\nb\rc\n", "a\nb\nc\n"),
        ] {
            assert_eq!(text(bytes).as_deref(), Ok(want));
        }
    }

    #[test]
    fn refuses_what_is_not_text_of_one_known_encoding() {
        let large = vec![b'a'; MAX_BYTES + 1];
        let cases: [(&[u8], &str); 10] = [
            (b"", "empty_file"),
            (b" \r\n\t", "empty_file"),
            (&large, "file_too_large"),
            (b"PK\x03\x04 xlsx", "not_a_text_file"),
            (b"%PDF-1.7", "not_a_text_file"),
            (b"\xe0\xa7\xb3 Caf\xe9", "mixed_encoding"),
            (b"\xef\xbb\xbfCaf\xe9", "mixed_encoding"),
            (b"a\x81b", "unknown_encoding"),
            (b"a\0b\0", "unknown_encoding"),
            (b"\xff\xfea", "unknown_encoding"),
        ];
        for (bytes, code) in cases {
            assert_eq!(text(bytes).unwrap_err().code, code);
        }
    }
}
