//! Statements that finance people upload, read into one typed form.
//!
//! Pure: bytes in, a [`Statement`] or one refusal out. A file is accepted whole or refused whole, because half of a
//! statement in the books is worse than none. No refusal holds a name, a phone number or a narration.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use protocol::taka::Taka;

mod amount;
mod camt;
mod dates;
mod effect;
mod encoding;
#[cfg(test)]
mod examples;
mod mapping;
mod mt940;
mod narrative;
mod pages;
mod places;
#[cfg(test)]
mod properties;
mod table;
mod xml;

pub(crate) use amount::with_ascii_digits;
pub use mapping::{Amounts, Column, Mapping, Status};

/// The largest file, in bytes: 20 MiB.
pub const MAX_BYTES: usize = 20 * 1024 * 1024;
/// The most entries of one file.
pub const MAX_LINES: usize = 200_000;
/// The longest text of a line in characters; a longer one is cut, not refused.
pub const MAX_TEXT: usize = 400;
/// The most ids of one line.
pub const MAX_IDS: usize = 200;

/// The codes of [`Unreadable`], for whoever documents them.
pub const CODES: [&str; 39] = [
    "amount_too_large",
    "bad_balance",
    "bad_field",
    "broken_xml",
    "column_twice",
    "debit_and_credit",
    "does_not_add_up",
    "empty_file",
    "file_too_large",
    "foreign_currency",
    "line_twice",
    "mixed_dates",
    "mixed_encoding",
    "no_amount",
    "no_balance",
    "no_direction",
    "no_header_row",
    "no_statement",
    "not_a_date",
    "not_a_text_file",
    "not_an_amount",
    "open_quote",
    "reversed_sign",
    "row_width",
    "settlement_does_not_add_up",
    "several_accounts",
    "statements_do_not_follow",
    "too_many_columns",
    "too_many_decimals",
    "too_many_ids",
    "too_many_lines",
    "truncated",
    "unknown_encoding",
    "unknown_format",
    "unknown_status",
    "wrong_order",
    "xml_entity",
    "xml_too_deep",
    "xml_with_dtd",
];

/// What kind of file a statement came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// ISO 20022 bank-to-customer statement, any version; 02 and 08 are tested.
    Camt053,
    /// SWIFT customer statement message.
    Mt940,
    /// Comma-separated values by a [`Mapping`].
    Csv,
}

/// How to read a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// camt.053 or MT940, told apart by the first lines. A CSV file is not guessed, it needs its mapping.
    Auto,
    /// As camt.053.
    Camt053,
    /// As MT940.
    Mt940,
    /// As CSV with the columns of this mapping.
    Csv(Box<Mapping>),
}

/// A statement of one account, oldest line first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The kind of file.
    pub format: Format,
    /// The account as the file names it, empty if it does not.
    pub account: String,
    /// The statement's number as the file names it, empty if it does not; `first - last` if the file holds several.
    pub number: String,
    /// The balance before the first line, if told. Negative: overdrawn.
    pub opening: Option<Taka>,
    /// The balance after the last line, if told. Where both are told, opening + the amounts of all lines = closing.
    pub closing: Option<Taka>,
    /// Entries that the file lists but that are not booked (pending, failed). They are left out of `lines`.
    pub pending: u32,
    /// The booked entries.
    pub lines: Vec<Line>,
}

/// One booked entry of a statement.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it stands, from 1: the text line of an MT940 or CSV file; the entry of a camt.053 file, which often is one
    /// long text line.
    pub at: u32,
    /// The booking date as written; date-times are not moved to another zone.
    pub date: Date,
    /// Positive: credited to us, negative: debited. Of a settlement: what arrived, net.
    pub amount: Taka,
    /// What the sender kept of the gross (wallet fee, courier's charge), VAT on it included: gross = amount + fee.
    /// Zero for bank statements, where fees are lines of their own.
    pub fee: Taka,
    /// The VAT within `fee`, if told apart, else zero.
    pub fee_vat: Taka,
    /// The sender's own id of the line (bank's reference, `TrxID`, consignment), empty if none.
    pub reference: String,
    /// Every other id that the line names: `EndToEndId`, `TxId`, `InstrId`, cheque or slip number, merchant's order id.
    pub ids: Vec<String>,
    /// Who, as written. Personal data: never in an error or log.
    pub counterparty: String,
    /// Narration, at most [`MAX_TEXT`] characters. Personal data too.
    pub text: String,
    /// Whether this takes back an earlier entry. `amount` is still the effect on the account.
    pub reversal: bool,
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Unreadable {
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// Where, counted as [`Line::at`], if it is one place.
    pub at: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub next: String,
}

/// Reads a statement.
///
/// # Errors
/// One [`Unreadable`] for the whole file, of the first thing that is wrong.
pub fn read(bytes: &[u8], as_: &Reading) -> Result<Statement, Unreadable> {
    let text = encoding::text(bytes)?;
    match as_ {
        Reading::Camt053 => pages::join(Format::Camt053, camt::pages(&text)?),
        Reading::Mt940 => pages::join(Format::Mt940, mt940::pages(&text)?),
        Reading::Csv(mapping) => pages::join(Format::Csv, vec![table::page(&text, mapping)?]),
        Reading::Auto if text.trim_start().starts_with('<') => pages::join(Format::Camt053, camt::pages(&text)?),
        Reading::Auto if mt940::begins(&text) => pages::join(Format::Mt940, mt940::pages(&text)?),
        Reading::Auto => Err(Unreadable::file(
            "unknown_format",
            "The file is neither camt.053 nor MT940.",
            "If it is a CSV file, choose which bank, wallet or courier it comes from and upload it again.",
        )),
    }
}

impl Statement {
    /// The idempotency key of every line within the account, in the order of `lines`, no two equal.
    ///
    /// The same line gets the same key when statements overlap, as long as each statement holds whole days.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let mut keys = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let count = seen.entry(line.key(0)).or_default();
            keys.push(line.key(*count));
            *count = count.saturating_add(1);
        }
        keys
    }
}

impl Line {
    /// The idempotency key of the line within an account, for the caller to hash together with the account.
    ///
    /// With a reference: reference, date and amount, because banks book a fee or a reversal under the reference of
    /// its payment. Without: date, amount, text and `repeat`, the running index from 0 among lines equal in these.
    #[must_use]
    pub fn key(&self, repeat: u32) -> String {
        let (date, paisa) = (self.date, self.amount.paisa());
        if self.reference.is_empty() {
            format!("line\u{1f}{date}\u{1f}{paisa}\u{1f}{}\u{1f}{repeat}", self.text)
        } else {
            format!("reference\u{1f}{date}\u{1f}{paisa}\u{1f}{}", self.reference)
        }
    }

    /// Every id that the line names, its reference first.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let reference = Some(self.reference.as_str()).filter(|reference| !reference.is_empty());
        reference.into_iter().chain(self.ids.iter().map(String::as_str))
    }

    /// Adds an id unless it is a placeholder or known already; `false` if there are too many.
    fn add_id(&mut self, id: &str) -> bool {
        let id = tidy(id);
        if is_placeholder(&id) || id == self.reference || self.ids.contains(&id) {
            return true;
        }
        self.ids.push(id);
        self.ids.len() <= MAX_IDS
    }
}

impl fmt::Debug for Line {
    /// Leaves out what is personal, so that a careless log line cannot leak it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("at", &self.at)
            .field("date", &self.date)
            .field("amount", &self.amount)
            .field("fee", &self.fee)
            .field("reversal", &self.reversal)
            .finish_non_exhaustive()
    }
}

impl Unreadable {
    /// A refusal of the file as a whole.
    fn file(code: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        debug_assert!(CODES.contains(&code), "{code} is not documented");
        Self { code, at: None, message: message.into(), next: next.into() }
    }

    /// A refusal because of one entry.
    fn line(at: u32, code: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        debug_assert!(CODES.contains(&code), "{code} is not documented");
        Self { code, at: Some(at), message: message.into(), next: next.into() }
    }
}

/// One line of text without control characters, cut to [`MAX_TEXT`] characters.
fn tidy(raw: &str) -> String {
    let mut out = String::new();
    for word in raw.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > MAX_TEXT * 4 {
            break;
        }
    }
    out.char_indices().nth(MAX_TEXT).map(|(end, _)| end).into_iter().for_each(|end| out.truncate(end));
    out
}

/// What senders write where they have no id.
fn is_placeholder(id: &str) -> bool {
    matches!(
        id.to_ascii_uppercase().as_str(),
        "" | "-" | "--" | "0" | "N/A" | "NA" | "NIL" | "NULL" | "NONE" | "NONREF" | "NOTPROVIDED" | "NOT PROVIDED"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(reference: &str, text: &str) -> Line {
        Line {
            at: 1,
            date: jiff::civil::date(2026, 11, 1),
            amount: Taka::whole(5),
            fee: Taka::ZERO,
            fee_vat: Taka::ZERO,
            reference: reference.to_owned(),
            ids: Vec::new(),
            counterparty: "Rahima Khatun".to_owned(),
            text: text.to_owned(),
            reversal: false,
        }
    }

    #[test]
    fn equal_lines_without_a_reference_get_different_keys_and_the_same_keys_again() {
        let lines = vec![line("", "cash"), line("", "cash"), line("R1", "cash"), line("R1", "other text")];
        let statement = Statement {
            format: Format::Csv,
            account: String::new(),
            number: String::new(),
            opening: None,
            closing: None,
            pending: 0,
            lines,
        };
        let keys = statement.keys();
        assert_ne!(keys[0], keys[1]);
        assert_eq!(keys[2], keys[3], "the reference decides, not the narration");
        assert_eq!(keys, statement.keys());
    }

    #[test]
    fn debug_output_of_a_line_shows_no_name_and_no_narration() {
        let shown = format!("{:?}", line("R1", "from 01711000000"));
        assert!(!shown.contains("Rahima") && !shown.contains("01711000000"), "{shown}");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_control_characters_become_spaces() {
        assert_eq!(tidy(&"ব".repeat(500)).chars().count(), MAX_TEXT);
        assert_eq!(tidy(" a\u{0}b\r\n\tc "), "a b c");
    }

    #[test]
    fn a_file_of_no_known_format_is_refused_with_a_next_step() {
        let refusal = read(b"Date,Amount\n01/11/2026,5\n", &Reading::Auto).unwrap_err();
        assert_eq!(refusal.code, "unknown_format");
        assert!(!refusal.next.is_empty());
    }
}
