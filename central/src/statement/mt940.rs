//! MT940, the SWIFT customer statement message.
//!
//! Source: SWIFT Standards MT, category 9. An own reader, because the crate `mt940` 1.1.1 panics on an entry date that
//! is none (`0230`), takes the year of the entry date from the value date even across the turn of the year, refuses
//! Bangla and many other characters of narratives, and brings `clap`, `chrono` and `pest` with it.

use jiff::civil::Date;

use super::amount::swift;
use super::dates::{self, not_a_date};
use super::narrative::{Narrative, unfolded};
use super::pages::{self, Page, truncated};
use super::{Line, Unreadable, is_placeholder, tidy};
use protocol::taka::Taka;

/// How many lines a bank may put before the first message.
const PREAMBLE: usize = 30;
/// How many text lines of a field are kept; SWIFT allows six.
const FIELD_LINES: usize = 100;

/// Whether a text looks like MT940 from its first lines.
pub(super) fn begins(text: &str) -> bool {
    text.lines().take(PREAMBLE).any(|line| line.starts_with(":20:") || line.starts_with("{1:"))
}

/// The statements of an MT940 text.
pub(super) fn pages(text: &str) -> Result<Vec<Page>, Unreadable> {
    let mut messages = Messages::default();
    let mut field: Option<Field<'_>> = None;
    for (line, at) in text.lines().zip(1..) {
        match Piece::of(line) {
            Piece::More(text) => field.iter_mut().for_each(|field| field.add(text)),
            Piece::Tag(tag, value) => {
                let before = field.replace(Field { at, tag, lines: vec![value] });
                before.map_or(Ok(()), |field| messages.take(&field))?;
            }
            Piece::End => field.take().map_or(Ok(()), |field| messages.take(&field))?,
        }
    }
    field.map_or(Ok(()), |field| messages.take(&field))?;
    if messages.stage == Stage::Outside { Ok(messages.pages) } else { Err(truncated()) }
}

/// What one text line is.
enum Piece<'t> {
    /// The begin of a field.
    Tag(&'t str, &'t str),
    /// The continuation of one.
    More(&'t str),
    /// The end of a message or an envelope around it.
    End,
}

impl<'t> Piece<'t> {
    fn of(line: &'t str) -> Self {
        let inside = line.rsplit_once("{4:").map(|(_, text)| text).filter(|text| !text.is_empty());
        let text = if line.starts_with('{') { inside.unwrap_or("}") } else { line };
        if text.starts_with('}') || text.starts_with("-}") || text.trim_end() == "-" {
            return Self::End;
        }
        let tagged = text.strip_prefix(':').and_then(|rest| rest.split_once(':'));
        match tagged {
            Some((tag, value)) if is_tag(tag) => Self::Tag(tag, value),
            _ => Self::More(text),
        }
    }
}

/// Two digits and perhaps a letter, or `NS`.
fn is_tag(tag: &str) -> bool {
    let (digits, letter) = tag.split_at_checked(2).unwrap_or_default();
    let numbered = digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() == 2;
    tag == "NS" || (numbered && letter.len() <= 1 && letter.bytes().all(|b| b.is_ascii_uppercase()))
}

/// A field with all its text lines; `at` is the number of the first.
struct Field<'t> {
    at: u32,
    tag: &'t str,
    lines: Vec<&'t str>,
}

impl<'t> Field<'t> {
    /// Adds a text line unless there are far more than SWIFT allows; fields of several lines only hold words.
    fn add(&mut self, line: &'t str) {
        if self.lines.len() < FIELD_LINES {
            self.lines.push(line);
        }
    }

    fn first(&self) -> &str {
        self.lines.first().map_or("", |line| line.trim())
    }
}

/// Where in a message the reader is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// Before `:20:` or after the closing balance.
    #[default]
    Outside,
    /// Before the opening balance.
    Head,
    /// Among the entries.
    Entries,
}

#[derive(Default)]
struct Messages {
    pages: Vec<Page>,
    page: Page,
    stage: Stage,
    entries: usize,
    /// The entry that `:86:` may still explain, and what that said so far.
    entry: Option<(Line, String)>,
}

impl Messages {
    fn take(&mut self, field: &Field<'_>) -> Result<(), Unreadable> {
        if field.tag == "86" {
            if let Some((_, narrative)) = &mut self.entry {
                if !narrative.is_empty() {
                    narrative.push(' ');
                }
                narrative.push_str(&unfolded(&field.lines));
            }
            return Ok(());
        }
        self.end_of_entry()?;
        match (field.tag, self.stage) {
            ("20", Stage::Outside) => (self.page, self.stage) = (Page::default(), Stage::Head),
            ("20", _) => return Err(truncated()),
            ("25" | "25P", Stage::Head) => self.page.account = tidy(field.first()),
            ("28" | "28C", Stage::Head) => self.page.number = tidy(field.first()),
            ("60F" | "60M", Stage::Head) => {
                self.page.opening = Some(balance(field)?);
                self.stage = Stage::Entries;
            }
            ("61", Stage::Entries) => {
                self.entries = self.entries.saturating_add(1);
                pages::room(self.entries)?;
                self.entry = Some((entry(field)?, String::new()));
            }
            ("62F" | "62M", Stage::Entries) => {
                self.page.closing = Some(balance(field)?);
                self.pages.push(std::mem::take(&mut self.page));
                pages::room(self.pages.len())?;
                self.stage = Stage::Outside;
            }
            ("25" | "25P" | "28" | "28C" | "60F" | "60M" | "61" | "62F" | "62M", _) => {
                return Err(wrong_order(field.at));
            }
            _ => {}
        }
        Ok(())
    }

    fn end_of_entry(&mut self) -> Result<(), Unreadable> {
        let Some((mut line, told)) = self.entry.take() else { return Ok(()) };
        let narrative = Narrative::of(&told);
        for id in &narrative.ids {
            if !line.add_id(id) {
                return Err(pages::too_many_ids(line.at));
            }
        }
        line.counterparty = narrative.counterparty;
        // Until now the text holds the supplementary details.
        line.text = tidy(&format!("{} {}", narrative.text, line.text));
        self.page.lines.push(line);
        Ok(())
    }
}

/// `:60F:`, `:62F:` and their like: `C|D`, `YYMMDD`, currency, amount.
fn balance(field: &Field<'_>) -> Result<Taka, Unreadable> {
    let unclear = || unclear_field(field);
    let (mark, rest) = field.first().split_at_checked(1).ok_or_else(unclear)?;
    let (date, rest) = rest.split_at_checked(6).ok_or_else(unclear)?;
    let (currency, amount) = rest.split_at_checked(3).ok_or_else(unclear)?;
    dates::swift(date).ok_or_else(|| not_a_date(field.at))?;
    if currency != "BDT" {
        return Err(pages::foreign_currency(Some(field.at), currency));
    }
    let amount = swift(amount).map_err(|fault| fault.at(field.at))?;
    match mark {
        "C" => Ok(amount),
        "D" => Ok(amount.negated()),
        _ => Err(unclear()),
    }
}

/// `:61:`: value date, booking date, mark, funds code, amount, type, references, supplementary details.
fn entry(field: &Field<'_>) -> Result<Line, Unreadable> {
    let unclear = || unclear_field(field);
    let (date, rest) = booking_date(field)?;
    let marks = [("RC", false, true), ("RD", true, true), ("C", true, false), ("D", false, false)];
    let mark = marks.iter().find_map(|(mark, credit, reversal)| Some((rest.strip_prefix(mark)?, *credit, *reversal)));
    let (rest, credit, reversal) = mark.ok_or_else(unclear)?;
    // The funds code is the third letter of the currency.
    let rest = rest.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(rest);
    let kind = rest.find(|c: char| !c.is_ascii_digit() && c != ',').ok_or_else(unclear)?;
    let (amount, rest) = rest.split_at_checked(kind).ok_or_else(unclear)?;
    let amount = swift(amount).map_err(|fault| fault.at(field.at))?;
    let (kind, references) = rest.split_at_checked(4).ok_or_else(unclear)?;
    if !kind.starts_with(['N', 'F', 'S']) || !kind.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(unclear());
    }
    let (ours, banks) = references.split_once("//").unwrap_or((references, ""));
    let reference = Some(tidy(banks)).filter(|reference| !is_placeholder(reference)).unwrap_or_default();
    let mut line = Line {
        at: field.at,
        date,
        amount: if credit { amount } else { amount.negated() },
        fee: Taka::ZERO,
        fee_vat: Taka::ZERO,
        reference,
        ids: Vec::new(),
        counterparty: String::new(),
        text: unfolded(field.lines.get(1..).unwrap_or_default()),
        reversal,
    };
    line.add_id(ours);
    Ok(line)
}

/// The booking date, which is the value date unless an entry date follows, and what comes after the dates.
fn booking_date<'f>(field: &'f Field<'_>) -> Result<(Date, &'f str), Unreadable> {
    let none = || not_a_date(field.at);
    let (valued, rest) = field.first().split_at_checked(6).ok_or_else(none)?;
    let valued = dates::swift(valued).ok_or_else(none)?;
    match rest.split_at_checked(4) {
        Some((booked, after)) if booked.bytes().all(|b| b.is_ascii_digit()) => {
            Ok((dates::swift_booked(booked, valued).ok_or_else(none)?, after))
        }
        _ => Ok((valued, rest)),
    }
}

fn unclear_field(field: &Field<'_>) -> Unreadable {
    Unreadable::line(
        field.at,
        "bad_field",
        format!("Field :{}: at text line {} does not have the form that MT940 gives it.", field.tag, field.at),
        "Download the statement from the bank again and do not edit it; report it to the bank if it stays so.",
    )
}

fn wrong_order(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "wrong_order",
        format!("The field at text line {at} stands where no MT940 statement has it."),
        "Check that no part of the file is missing or doubled, and download it again.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::examples::MT940;
    use super::super::{Reading, Statement, read};
    use super::*;

    fn checked(text: &str) -> Statement {
        read(text.as_bytes(), &Reading::Auto).unwrap()
    }

    fn refusal(text: &str) -> Unreadable {
        read(text.as_bytes(), &Reading::Auto).unwrap_err()
    }

    #[test]
    fn two_messages_that_follow_one_another_are_one_statement() {
        let statement = checked(MT940);
        assert_eq!(statement.number, "305/1 - 305/2");
        assert_eq!(statement.opening.zip(statement.closing), Some((Taka::whole(1000), Taka::whole(1941))));
        let amounts: Vec<i64> = statement.lines.iter().map(|line| line.amount.paisa()).collect();
        assert_eq!(amounts, [125_050, -25_000, -10_000, 4_050]);
    }

    #[test]
    fn a_line_gives_booking_date_references_and_words() {
        let line = &checked(MT940).lines[0];
        assert_eq!((line.at, line.date), (6, jiff::civil::date(2027, 1, 1)));
        assert_eq!((line.reference.as_str(), line.counterparty.as_str()), ("BR-0001", "Rahima Khatun"));
        assert_eq!(line.ids, ["INV-77", "E2E-1"]);
        assert_eq!(line.text, "TRANSFER GI-7K3Q9 thank you Supplement 1");
    }

    #[test]
    fn reversals_have_the_sign_of_their_effect() {
        let statement = checked(MT940);
        let reversals: Vec<_> = statement.lines.iter().filter(|line| line.reversal).collect();
        assert_eq!(reversals.len(), 2);
        assert_eq!((reversals[0].amount, reversals[1].amount > Taka::ZERO), (Taka::whole(-100), true));
        assert_eq!(reversals[0].ids, ["0000123", "E2E-9"]);
    }

    #[test]
    fn wrong_statements_are_refused() {
        for (from, to, code) in [
            ("C1250,50NTRF", "C1250,51NTRF", "does_not_add_up"),
            ("C1250,50NTRF", "C1250.50NTRF", "not_an_amount"),
            ("C1250,50NTRF", "C-1250,50NTRF", "not_an_amount"),
            ("C1250,50NTRF", "C1250,505NTRF", "too_many_decimals"),
            ("C1250,50NTRF", "C9999999999999,NTRF", "amount_too_large"),
            ("C1250,50NTRF", "X1250,50NTRF", "bad_field"),
            ("C1250,50NTRF", "EC1250,50NTRF", "bad_field"),
            (":61:2612310101C", ":61:2612310230C", "not_a_date"),
            (":61:2612310101C", ":61:2613310101C", "not_a_date"),
            (":60F:C261231BDT", ":60F:C261231USD", "foreign_currency"),
            (":60M:C270101BDT2000,50", ":60M:C270101BDT2000,40", "does_not_add_up"),
            (":62M:C270101BDT2000,50", ":64:C270101BDT2000,50", "truncated"),
            (":20:STMT-2\r\n", "", "wrong_order"),
            ("/2\r\n:60M", "/2\r\n:25:1\r\n:60M", "several_accounts"),
        ] {
            assert!(MT940.contains(from), "{from}");
            assert_eq!(refusal(&MT940.replace(from, to)).code, code, "{to}");
        }
        assert_eq!(refusal(MT940.split_once(":62F:").unwrap().0).code, "truncated");
        assert_eq!(read(b":64:x", &Reading::Mt940).unwrap_err().code, "no_statement");
    }

    #[test]
    fn a_reference_may_come_again_with_another_amount() {
        assert_eq!(checked(&MT940.replace("BR-0004", "BR-0003")).lines.len(), 4);
    }

    #[test]
    fn a_gap_between_messages_is_refused() {
        let gap = MT940.replace("D270101", "C270101").replace(":60M:C270101BDT2000,50", ":60M:C270101BDT2010,50");
        let gap = gap.replace(":62F:C270102BDT1941,00", ":62F:C270102BDT1951,00");
        assert_eq!(refusal(&gap).code, "statements_do_not_follow");
    }
}
