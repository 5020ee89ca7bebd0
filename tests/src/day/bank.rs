//! The bank of the day: keeps an account as a bank does, and states it as a bank does, in MT940 (the format is told in
//! `central/src/statement/mt940.rs`). It knows nothing of the books.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use protocol::taka::Taka;

/// Longest reference that a customer may give with a line (SWIFT, field 61).
const REFERENCE: usize = 16;

#[derive(Debug)]
struct Entry {
    day: Date,
    amount: Taka,
    /// What the customer wrote on the slip, if it fits.
    reference: String,
    narration: String,
}

#[derive(Debug, Default)]
struct Account {
    entries: Vec<Entry>,
    /// How many entries were stated, and the balance then.
    stated: usize,
    balance: Taka,
    statements: u32,
}

/// One account.
#[derive(Debug, Default)]
pub struct Bank(Mutex<Account>);

impl Bank {
    /// Books money in (positive) or out.
    pub fn book(&self, day: Date, amount: Taka, reference: &str, narration: &str) {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reference = if reference.is_empty() || reference.len() > REFERENCE { "NONREF" } else { reference };
        let (reference, narration) = (reference.to_owned(), narration.to_owned());
        account.entries.push(Entry { day, amount, reference, narration });
    }

    /// The statement of what was booked since the last one; nothing when nothing was.
    pub fn statement(&self) -> Option<String> {
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = account.entries.get(account.stated)?.day;
        account.statements += 1;
        let mut text = format!(
            ":20:DAY{}\r\n:25:1501203456789001\r\n:28C:{}/1\r\n:60F:{}\r\n",
            account.statements,
            account.statements,
            balance(first, account.balance)
        );
        let (mut held, mut last) = (account.balance, first);
        for (at, entry) in account.entries.iter().enumerate().skip(account.stated) {
            let mark = if entry.amount < Taka::ZERO { 'D' } else { 'C' };
            let (day, amount) = (compact(entry.day), comma(entry.amount));
            // A String takes whatever is written into it.
            let _ = write!(text, ":61:{day}{mark}{amount}NTRF{}//FT{:06}\r\n", entry.reference, at + 1);
            let _ = write!(text, ":86:{}\r\n", entry.narration);
            held = held.plus(entry.amount);
            last = entry.day;
        }
        let _ = write!(text, ":62F:{}\r\n-", balance(last, held));
        (account.balance, account.stated) = (held, account.entries.len());
        Some(text)
    }
}

fn balance(day: Date, amount: Taka) -> String {
    let mark = if amount < Taka::ZERO { 'D' } else { 'C' };
    format!("{mark}{}BDT{}", compact(day), comma(amount))
}

fn compact(day: Date) -> String {
    format!("{:02}{:02}{:02}", day.year() % 100, day.month(), day.day())
}

fn comma(amount: Taka) -> String {
    let paisa = amount.paisa().unsigned_abs();
    format!("{},{:02}", paisa / 100, paisa % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use central::statement::{Reading, read};

    #[test]
    fn a_statement_of_the_bank_reads_back_and_the_next_begins_where_it_ended() {
        let bank = Bank::default();
        let day = jiff::civil::date(2026, 11, 23);
        bank.book(day, Taka::whole(1_069), "SLIP-1", "Cash deposit");
        bank.book(day, Taka::whole(-115), "", "Account maintenance charge");
        let first = read(bank.statement().unwrap().as_bytes(), &Reading::Auto).unwrap();
        let amounts: Vec<Taka> = first.lines.iter().map(|line| line.amount).collect();
        assert_eq!(amounts, [Taka::whole(1_069), Taka::whole(-115)]);
        assert!(first.lines[0].ids.contains(&"SLIP-1".to_owned()), "{:?}", first.lines[0].ids);
        assert_eq!(bank.statement(), None);
        bank.book(day, Taka::whole(-500), "", "/EREF/REMIT-S01/REMI/partner");
        let second = read(bank.statement().unwrap().as_bytes(), &Reading::Auto).unwrap();
        assert_eq!((second.opening, second.closing), (first.closing, Some(Taka::whole(454))));
        assert_eq!(second.lines[0].ids, ["REMIT-S01"]);
    }
}
