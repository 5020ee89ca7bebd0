//! From text to words. A word is a run of letters, marks and digits: Bangla vowel signs and the hasanta
//! of conjuncts are marks, so চট্টগ্রাম is one word.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Most letters of a text that are read; nobody types more, and nothing longer helps to find it.
pub(super) const MAX_CHARS: usize = 2_000;
/// Most letters of a word that count.
const MAX_WORD: usize = 40;
/// Most words of a text that count.
const MAX_WORDS: usize = 64;

/// One spelling of what looks equal: composed as Unicode composes it (which also unifies the two
/// spellings of য়, ড়, ঢ়), without joiners, small letters, digits of both scripts as ASCII.
pub(super) fn normal(text: &str) -> String {
    text.chars().take(MAX_CHARS).nfc().filter(|c| !is_joiner(*c)).map(digit).flat_map(char::to_lowercase).collect()
}

/// The words of a text.
pub(super) fn words(text: &str) -> Vec<String> {
    let normal = normal(text);
    let runs = normal.split(|c: char| !is_of_word(c)).filter(|word| word.chars().any(char::is_alphanumeric));
    runs.take(MAX_WORDS).map(|word| word.chars().take(MAX_WORD).collect()).collect()
}

/// The digits of a text in which nothing but digits and the usual separators of telephone numbers
/// stands; `None` for any other text.
pub(super) fn digits(text: &str) -> Option<String> {
    let normal = normal(text);
    let plain = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-().".contains(c);
    (normal.chars().all(plain)).then(|| normal.chars().filter(char::is_ascii_digit).collect())
}

/// A telephone number as it is dialled inside the country: 01712345678.
pub(super) fn national(digits: &str) -> &str {
    let digits = digits.strip_prefix("00").unwrap_or(digits);
    match digits.strip_prefix("88") {
        Some(rest) if rest.starts_with('0') && digits.len() > 4 => rest,
        _ => digits,
    }
}

/// What of a telephone number is asked for: its last 3 to 11 digits.
pub(super) fn tails(phone: &str) -> Vec<String> {
    let digits: String = normal(phone).chars().filter(char::is_ascii_digit).collect();
    let number = national(&digits);
    (3..=11.min(number.len())).map(|length| number[number.len() - length..].to_owned()).collect()
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Zero-width characters: keyboards differ in whether they write them.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn digit(c: char) -> char {
    match c {
        '০'..='৯' => char::from_u32(c as u32 - '০' as u32 + '0' as u32).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bangla_marks_and_conjuncts_stay_in_their_word() {
        for (text, expected) in [
            ("চট্টগ্রাম", &["চট্টগ্রাম"][..]),
            ("বাসা ১৭৮, শিব মোড়", &["বাসা", "178", "শিব", "মোড\u{9bc}"]),
            ("বিআর-২৮ চাল", &["বিআর", "28", "চাল"]),
            ("ক\u{9cd}\u{200d}ষ", &["ক\u{9cd}ষ"]),
            ("Miniket RICE (5kg)", &["miniket", "rice", "5kg"]),
            ("🙂 --- ।", &[]),
            ("", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(words("য\u{9bc}"), words("\u{9df}"), "two spellings of য়");
        assert_eq!(words("ড\u{9bc} ঢ\u{9bc}"), words("\u{9dc} \u{9dd}"));
        assert_eq!(words("কো"), words("ক\u{9c7}\u{9be}"), "a vowel in two halves");
        assert_eq!(words(&"ক".repeat(10_000)), ["ক".repeat(MAX_WORD)]);
        assert_eq!(words(&"ab ".repeat(10_000)).len(), MAX_WORDS);
    }

    #[test]
    fn telephone_numbers_are_one_however_written() {
        for text in
            ["+8801712345678", "8801712345678", "01712345678", "+88 01712-345678", "০১৭১২৩৪৫৬৭৮", "00880 1712 345678"]
        {
            let digits = digits(text).unwrap();
            assert_eq!(national(&digits), "01712345678", "{text}");
            assert_eq!(tails(text).last().unwrap(), "01712345678");
            assert_eq!((tails(text)[0].as_str(), tails(text).len()), ("678", 9));
        }
        assert_eq!((national("8888"), national("880"), national("8801")), ("8888", "880", "8801"));
        assert_eq!(digits("12a"), None);
        assert_eq!(tails("12"), [""; 0]);
    }
}
