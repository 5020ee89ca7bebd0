//! What holds for any file: no panic, no half statement, and what was written is read.

use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use proptest::collection::vec;
use proptest::prelude::*;

use super::examples::{BANK, BKASH, CAMT_02, CAMT_08, MT940, PATHAO};
use super::{Mapping, Reading, Statement, Unreadable, read};
use protocol::taka::Taka;

/// Every reading, so that any bytes meet every parser.
fn readings() -> Vec<Reading> {
    let built_in = Mapping::BUILT_IN.iter().filter_map(|name| Mapping::built_in(name));
    let mut readings: Vec<Reading> = built_in.map(|mapping| Reading::Csv(Box::new(mapping))).collect();
    readings.extend([Reading::Auto, Reading::Camt053, Reading::Mt940]);
    readings
}

/// A statement adds up and names its lines apart; a refusal says what and what next.
fn is_sound(outcome: &Result<Statement, Unreadable>) -> bool {
    match outcome {
        Ok(statement) => {
            let sum: i128 = statement.lines.iter().map(|line| i128::from(line.amount.paisa())).sum();
            let told = statement.opening.zip(statement.closing);
            let mut keys = statement.keys();
            keys.sort_unstable();
            keys.dedup();
            told.is_none_or(|(opening, closing)| i128::from(opening.paisa()) + sum == i128::from(closing.paisa()))
                && keys.len() == statement.lines.len()
                && statement.lines.iter().all(|line| line.text.chars().count() <= super::MAX_TEXT)
        }
        Err(refusal) => {
            let is_code = refusal.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            is_code && !refusal.message.is_empty() && !refusal.next.is_empty()
        }
    }
}

/// One change of a file: at a place out of 65536, remove (0), insert (1) or replace (2) a byte.
type Change = (u16, u8, u8);

fn changed(text: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (place, kind, byte) in changes {
        let index = usize::from(*place) * bytes.len() / 65_536;
        match kind {
            0 if index < bytes.len() => drop(bytes.remove(index)),
            1 => bytes.insert(index, *byte),
            _ => bytes.iter_mut().skip(index).take(1).for_each(|place| *place = *byte),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    // Half of the bytes are those that the formats are made of.
    let telling = prop::sample::select(b"<>&;:,\"\n\r/-+.0123456789CDR{}?\xff\x00".to_vec());
    vec((any::<u16>(), 0_u8..3, prop_oneof![any::<u8>(), telling]), 1..6)
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_every_outcome_is_sound(bytes in vec(any::<u8>(), 0..400)) {
        for reading in readings() {
            prop_assert!(is_sound(&read(&bytes, &reading)));
        }
    }

    #[test]
    fn changed_files_never_panic_and_every_outcome_is_sound(changes in changes(), cut in any::<u16>()) {
        for (text, name) in [(CAMT_02, ""), (CAMT_08, ""), (MT940, ""), (BANK, "bank"), (BKASH, "bkash"), (PATHAO, "pathao")] {
            let mut bytes = changed(text, &changes);
            if cut % 4 == 0 {
                bytes.truncate(usize::from(cut) * bytes.len() / 65_536);
            }
            let mapping = Mapping::built_in(name);
            let reading = mapping.map_or(Reading::Auto, |mapping| Reading::Csv(Box::new(mapping)));
            prop_assert!(is_sound(&read(&bytes, &reading)));
        }
    }

    #[test]
    fn what_is_written_in_any_format_is_read_back(lines in vec((0_i32..20, 1_i64..1_000_000_000, any::<bool>()), 0..20)) {
        let lines = written_lines(&lines);
        for (text, reading) in [
            (as_camt(&lines), Reading::Auto),
            (as_mt940(&lines), Reading::Auto),
            (as_csv(&lines), Reading::Csv(Box::new(Mapping::bank()))),
        ] {
            let statement = read(text.as_bytes(), &reading);
            let statement = statement.map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
            let back: Vec<(Date, Taka)> = statement.lines.iter().map(|line| (line.date, line.amount)).collect();
            prop_assert_eq!(&back, &lines);
        }
    }
}

/// Lines in the order of their dates, across a turn of the year.
fn written_lines(steps: &[(i32, i64, bool)]) -> Vec<(Date, Taka)> {
    let mut day = date(2026, 12, 1);
    let mut lines = Vec::new();
    for (days, paisa, credit) in steps {
        day = day.checked_add(days.days()).unwrap();
        lines.push((day, Taka::from_paisa(if *credit { *paisa } else { -paisa }).unwrap()));
    }
    lines
}

fn plain(amount: Taka, point: char) -> String {
    let paisa = amount.paisa().unsigned_abs();
    format!("{}{point}{:02}", paisa / 100, paisa % 100)
}

fn total(lines: &[(Date, Taka)]) -> Taka {
    lines.iter().map(|(_, amount)| *amount).sum()
}

fn as_camt(lines: &[(Date, Taka)]) -> String {
    let mark = |amount: Taka| if amount < Taka::ZERO { "DBIT" } else { "CRDT" };
    let mut text = "<Document><BkToCstmrStmt><Stmt><Id>1</Id>".to_owned();
    for (code, balance) in [("OPBD", Taka::ZERO), ("CLBD", total(lines))] {
        let (amount, mark) = (plain(balance, '.'), mark(balance));
        let _ = write!(
            text,
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"BDT\">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd></Bal>"
        );
    }
    for (day, amount) in lines {
        let (figure, mark) = (plain(*amount, '.'), mark(*amount));
        let _ = write!(
            text,
            "<Ntry><Amt Ccy=\"BDT\">{figure}</Amt><CdtDbtInd>{mark}</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>{day}</Dt></BookgDt></Ntry>"
        );
    }
    text + "</Stmt></BkToCstmrStmt></Document>"
}

fn as_mt940(lines: &[(Date, Taka)]) -> String {
    let mark = |amount: Taka| if amount < Taka::ZERO { 'D' } else { 'C' };
    let mut text = ":20:X\n:25:1\n:28C:1/1\n:60F:C261201BDT0,00\n".to_owned();
    for (day, amount) in lines {
        let (value, booked) = (day.strftime("%y%m%d"), day.strftime("%m%d"));
        let _ = writeln!(text, ":61:{value}{booked}{}T{}NTRFNONREF\n:86:words", mark(*amount), plain(*amount, ','));
    }
    let total = total(lines);
    text + &format!(":62F:{}270101BDT{}\n", mark(total), plain(total, ','))
}

fn as_csv(lines: &[(Date, Taka)]) -> String {
    let mut text = "Date,Particulars,Ref No,Withdrawal,Deposit,Balance\n".to_owned();
    let mut balance = Taka::ZERO;
    for (day, amount) in lines {
        balance = balance.plus(*amount);
        let (day, figure) = (day.strftime("%d-%b-%y"), plain(*amount, '.'));
        let (debit, credit) = if *amount < Taka::ZERO { (figure.as_str(), "") } else { ("", figure.as_str()) };
        let _ = writeln!(text, "{day},words,,{debit},{credit},\"{balance}\"");
    }
    text
}
