//! Lists as files for spreadsheets (RFC 4180): whoever asks for `text/csv` gets the rows of a page under the names of their
//! fields, and the next page as a `Link`. What is no list stays JSON, and so does every no. The document tells of it in words:
//! a second type of content would make every list of a generated client a list or a text.

use std::fmt;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LINK, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::problem::Error;

/// What a list answers besides JSON.
pub(super) const CSV: &str = "text/csv";
/// The largest page that becomes a file: a thousand rows of a few kilobytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Spreadsheets read a file as UTF-8 only behind this mark; without it Bangla names are garbage there.
const MARK: &str = "\u{feff}";

/// A page, as far as it becomes a file.
#[derive(serde::Deserialize)]
struct Page {
    rows: Vec<Row>,
    #[serde(default)]
    next: Option<String>,
}

/// One row, its fields in the order in which they were written.
struct Row(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Row(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Turns the page into a file, where one was asked for.
pub(super) async fn as_asked(request: Request, next: Next) -> Response {
    let wanted = is_wanted(request.headers());
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    response.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    if !wanted || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MOST_BYTES).await else {
        return Error::from(anyhow::anyhow!("a page is larger than a file may be")).into_response();
    };
    let Some((text, next)) = file(&bytes) else { return Response::from_parts(parts, Body::from(bytes)) };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Some(link) = next.and_then(|next| HeaderValue::from_str(&linked(&uri, &next)).ok()) {
        parts.headers.insert(LINK, link);
    }
    Response::from_parts(parts, Body::from(text))
}

/// Whether the file is preferred: JSON is given to whoever takes both alike, or anything.
fn is_wanted(headers: &HeaderMap) -> bool {
    let weight = |kind: &str| {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let one = accepted.flat_map(|value| value.split(',')).find_map(|one| {
            let mut parts = one.split(';').map(str::trim);
            let named = parts.next()?.eq_ignore_ascii_case(kind);
            let q = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
            named.then_some(q.unwrap_or(0.0))
        });
        one.unwrap_or(0.0)
    };
    weight(CSV) > weight("application/json")
}

/// The file of a page, and what to give as `after` for the next one; `None` of what is no list.
fn file(page: &[u8]) -> Option<(String, Option<String>)> {
    let page: Page = serde_json::from_slice(page).ok()?;
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in page.rows.iter().flat_map(|row| &row.0) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Some((MARK.to_owned(), None));
    }
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(&names).ok()?;
    for row in &page.rows {
        let cell =
            |name: &&str| row.0.iter().find(|(of, _)| of == name).map_or_else(String::new, |(_, cell)| told(cell));
        writer.write_record(names.iter().map(cell)).ok()?;
    }
    let text = String::from_utf8(writer.into_inner().ok()?).ok()?;
    Some((format!("{MARK}{text}"), page.next))
}

/// A cell. A text that a spreadsheet would take for a formula stands behind an apostrophe; numbers are ours, and add up.
fn told(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The next page at the same address.
fn linked(uri: &Uri, next: &str) -> String {
    let kept =
        uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty() && !part.starts_with("after="));
    let after = format!("after={}", escaped(next));
    let query: Vec<&str> = kept.chain([after.as_str()]).collect();
    format!("</api/v1{}?{}>; rel=\"next\"", uri.path().trim_start_matches("/api/v1"), query.join("&"))
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_fields_in_order_and_are_no_formulas() {
        let page = r#"{"rows":[{"z":"=1+1","a":-5,"n":null},{"z":"চাল, \"5\"","a":7,"more":[1]}],"next":"a/b"}"#;
        let (text, next) = file(page.as_bytes()).expect("a list");
        assert_eq!(text, "\u{feff}z,a,n,more\r\n'=1+1,-5,,\r\n\"চাল, \"\"5\"\"\",7,,[1]\r\n");
        assert_eq!(next.as_deref(), Some("a/b"));
        assert_eq!(file(br#"{"rows":[]}"#).expect("a list").0, "\u{feff}");
        for page in ["{}", "[1]", r#"{"rows":[1]}"#, "x"] {
            assert!(file(page.as_bytes()).is_none(), "{page}");
        }
    }

    #[test]
    fn a_file_is_given_to_whoever_prefers_it() {
        for (accept, wanted) in [
            ("text/csv", true),
            ("TEXT/CSV, application/json;q=0.5", true),
            ("application/json, text/csv", false),
            ("*/*", false),
            ("", false),
            ("text/csv;q=0", false),
            ("text/csv;q=x", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(is_wanted(&headers), wanted, "{accept}");
        }
    }

    #[test]
    fn the_next_page_is_at_the_same_address() {
        let uri: Uri = "/finance/lines?limit=2&after=old&status=open".parse().expect("an address");
        let told = "</api/v1/finance/lines?limit=2&status=open&after=1010.Q0%2B>; rel=\"next\"";
        assert_eq!(linked(&uri, "1010.Q0+"), told);
    }
}
