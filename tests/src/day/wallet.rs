//! The providers of the day: bKash, Nagad and Rocket keep what customers pay there, and state it to their merchant as CSV in
//! the columns that `central/src/statement/mapping.rs` assumes of them. They know nothing of the books.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use protocol::taka::Taka;

/// What a provider keeps of a payment, in parts of 10,000.
pub const FEE_BP: u32 = 150;

/// A provider whose statement has a layout, by its name in central's API, with its header row and the word for a payment
/// that went through.
const LAYOUTS: [(&str, &str, &str); 3] = [
    ("bkash", "Date,TrxID,Customer Wallet,Merchant Invoice,Amount,Charge,Net Amount,Status", ",Completed"),
    ("nagad", "Date,Transaction ID,Customer Account,Order ID,Amount,Charge,VAT,Net Amount,Status", ",Success"),
    ("rocket", "Date,TxnId,Sender Account,Reference,Amount,Fee,Net Amount", ""),
];

#[derive(Debug)]
struct Entry {
    provider: String,
    day: Date,
    reference: String,
    invoice: String,
    /// Negative: it went back to the customer.
    gross: Taka,
}

/// All providers.
#[derive(Debug, Default)]
pub struct Wallets(Mutex<Vec<Entry>>);

impl Wallets {
    /// The providers whose statements can be read.
    pub fn providers() -> impl Iterator<Item = &'static str> {
        LAYOUTS.iter().map(|(name, ..)| *name)
    }

    /// A customer pays, or is paid back where `gross` is negative.
    pub fn book(&self, provider: &str, day: Date, reference: &str, invoice: &str, gross: Taka) {
        let (provider, reference, invoice) = (provider.to_owned(), reference.to_owned(), invoice.to_owned());
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry { provider, day, reference, invoice, gross });
    }

    /// A provider's statement of the day, with how many lines it has; nothing of one that nobody used.
    pub fn statement(&self, provider: &str) -> Option<(String, u64)> {
        let (_, header, done) = LAYOUTS.iter().find(|(name, ..)| *name == provider)?;
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut text, mut lines) = (format!("{header}\n"), 0);
        for entry in entries.iter().filter(|entry| entry.provider == provider) {
            let fee = match entry.gross < Taka::ZERO {
                true => entry.gross.negated().basis_points(FEE_BP).negated(),
                false => entry.gross.basis_points(FEE_BP),
            };
            let vat = if provider == "nagad" { ",0.00" } else { "" };
            let (gross, net) = (plain(entry.gross), plain(entry.gross.minus(fee)));
            let (day, reference, invoice) = (entry.day, &entry.reference, &entry.invoice);
            // A String takes whatever is written into it.
            let _ = writeln!(text, "{day},{reference},01700000000,{invoice},{gross},{}{vat},{net}{done}", plain(fee));
            lines += 1;
        }
        (lines > 0).then_some((text, lines))
    }
}

fn plain(amount: Taka) -> String {
    let paisa = amount.paisa().unsigned_abs();
    let sign = if amount < Taka::ZERO { "-" } else { "" };
    format!("{sign}{}.{:02}", paisa / 100, paisa % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use central::statement::{Mapping, Reading, read};

    #[test]
    fn the_statement_of_each_provider_reads_back() {
        let wallets = Wallets::default();
        let day = jiff::civil::date(2026, 11, 23);
        for provider in Wallets::providers() {
            wallets.book(provider, day, "TRX-1", "O-1", Taka::whole(1_069));
            wallets.book(provider, day, "REFUND-1", "O-1", Taka::whole(-1_069));
            let (text, lines) = wallets.statement(provider).unwrap();
            let reading = Reading::Csv(Box::new(Mapping::built_in(provider).unwrap()));
            let read = read(text.as_bytes(), &reading).unwrap();
            let gross: Vec<Taka> = read.lines.iter().map(|line| line.amount.plus(line.fee)).collect();
            assert_eq!((gross, lines), (vec![Taka::whole(1_069), Taka::whole(-1_069)], 2), "{provider}");
            assert_eq!(read.lines[0].reference, "TRX-1");
        }
        assert_eq!(wallets.statement("card"), None);
    }
}
