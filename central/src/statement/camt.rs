//! camt.053, the ISO 20022 bank-to-customer statement.
//!
//! Source: ISO 20022 message definitions camt.053.001.02 and .08. Elements are found by their path of local names,
//! which is the same in both but for the status (`Sts`, later `Sts/Cd`) and names (`Dbtr/Nm`, later `Dbtr/Pty/Nm`).

use super::amount::{decimal, reversed_sign};
use super::dates::{iso, not_a_date};
use super::pages::{self, Page};
use super::xml::{Visitor, walk};
use super::{Line, MAX_IDS, Unreadable, is_placeholder, tidy};
use protocol::taka::Taka;

/// The statements of a camt.053 text.
pub(super) fn pages(text: &str) -> Result<Vec<Page>, Unreadable> {
    let mut file = File::default();
    walk(text, &mut file)?;
    Ok(file.pages)
}

#[derive(Default)]
struct File {
    pages: Vec<Page>,
    page: Page,
    balance: Balance,
    entry: Entry,
    entries: usize,
    /// Whether the opening balance is `PRCD`, which gives way to an `OPBD`.
    previous: bool,
}

#[derive(Default)]
struct Balance {
    code: String,
    amount: String,
    currency: String,
    direction: String,
}

/// An entry as text: one that is not booked may lack or break what a booked one must have.
#[derive(Default)]
struct Entry {
    amount: String,
    currency: String,
    direction: String,
    reversal: String,
    status: String,
    booked: String,
    valued: String,
    reference: String,
    transactions: u32,
    transaction_reference: String,
    debtor: String,
    creditor: String,
    text: String,
    ids: Vec<String>,
}

impl Visitor for File {
    const NAMES: &'static [&'static str] = &[
        "Document",
        "BkToCstmrStmt",
        "Stmt",
        "Id",
        "Acct",
        "IBAN",
        "Othr",
        "Ccy",
        "Bal",
        "Tp",
        "CdOrPrtry",
        "Cd",
        "Amt",
        "CdtDbtInd",
        "Ntry",
        "RvslInd",
        "Sts",
        "BookgDt",
        "ValDt",
        "Dt",
        "DtTm",
        "AcctSvcrRef",
        "AddtlNtryInf",
        "NtryDtls",
        "TxDtls",
        "Refs",
        "EndToEndId",
        "TxId",
        "InstrId",
        "UETR",
        "ChqNb",
        "ClrSysRef",
        "RltdPties",
        "Dbtr",
        "Cdtr",
        "Pty",
        "Nm",
        "RmtInf",
        "Ustrd",
        "Strd",
        "CdtrRefInf",
        "Ref",
        "RfrdDocInf",
        "Nb",
        "AddtlTxInf",
    ];

    fn open(&mut self, path: &[&'static str], currency: Option<&str>) -> Result<(), Unreadable> {
        match path {
            ["Document", "BkToCstmrStmt", "Stmt"] => (self.page, self.previous) = (Page::default(), false),
            ["Document", "BkToCstmrStmt", "Stmt", "Bal"] => self.balance = Balance::default(),
            ["Document", "BkToCstmrStmt", "Stmt", "Bal", "Amt"] => {
                currency.unwrap_or_default().clone_into(&mut self.balance.currency);
            }
            ["Document", "BkToCstmrStmt", "Stmt", "Ntry"] => {
                self.entries = self.entries.saturating_add(1);
                pages::room(self.entries)?;
                self.entry = Entry::default();
            }
            ["Document", "BkToCstmrStmt", "Stmt", "Ntry", "Amt"] => {
                currency.unwrap_or_default().clone_into(&mut self.entry.currency);
            }
            ["Document", "BkToCstmrStmt", "Stmt", "Ntry", "NtryDtls", "TxDtls"] => {
                self.entry.transactions = self.entry.transactions.saturating_add(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &[&'static str], text: &str) -> Result<(), Unreadable> {
        let ["Document", "BkToCstmrStmt", "Stmt", rest @ ..] = path else { return Ok(()) };
        match rest {
            [] => {
                self.pages.push(std::mem::take(&mut self.page));
                pages::room(self.pages.len())?;
            }
            ["Id"] => self.page.number = tidy(text),
            ["Acct", "Id", "IBAN"] | ["Acct", "Id", "Othr", "Id"] => self.page.account = tidy(text),
            ["Acct", "Ccy"] if text != "BDT" => return Err(pages::foreign_currency(None, text)),
            ["Bal"] => return self.end_of_balance(),
            ["Bal", inner @ ..] => self.balance.take(inner, text),
            ["Ntry"] => return self.end_of_entry(),
            ["Ntry", inner @ ..] if !text.is_empty() => self.entry.take(inner, text),
            _ => {}
        }
        Ok(())
    }
}

impl File {
    fn end_of_balance(&mut self) -> Result<(), Unreadable> {
        let Balance { code, amount, currency, direction } = std::mem::take(&mut self.balance);
        let is_opening = matches!(code.as_str(), "OPBD" | "PRCD");
        if !is_opening && code != "CLBD" {
            return Ok(());
        }
        if currency != "BDT" {
            return Err(pages::foreign_currency(None, &currency));
        }
        let amount = decimal(&amount).ok().filter(|amount| amount.is_cash()).ok_or_else(bad_balance)?;
        let amount = match direction.as_str() {
            "CRDT" => amount,
            "DBIT" => amount.negated(),
            _ => return Err(bad_balance()),
        };
        let place = if is_opening { &mut self.page.opening } else { &mut self.page.closing };
        if code == "PRCD" && place.is_some() {
            return Ok(());
        }
        let gives_way = code == "OPBD" && self.previous;
        if place.is_some_and(|known| known != amount) && !gives_way {
            return Err(bad_balance());
        }
        *place = Some(amount);
        self.previous = code == "PRCD" || (self.previous && !is_opening);
        Ok(())
    }

    fn end_of_entry(&mut self) -> Result<(), Unreadable> {
        let entry = std::mem::take(&mut self.entry);
        let at = pages::room(self.entries)?;
        match entry.status.as_str() {
            "BOOK" => self.page.lines.push(entry.line(at)?),
            "PDNG" | "INFO" | "FUTR" => self.page.pending = self.page.pending.saturating_add(1),
            _ => return Err(pages::unknown_status(at)),
        }
        Ok(())
    }
}

impl Balance {
    fn take(&mut self, path: &[&'static str], text: &str) {
        let place = match path {
            ["Tp", "CdOrPrtry", "Cd"] => &mut self.code,
            ["Amt"] => &mut self.amount,
            ["CdtDbtInd"] => &mut self.direction,
            _ => return,
        };
        text.clone_into(place);
    }
}

impl Entry {
    fn take(&mut self, path: &[&'static str], text: &str) {
        let place = match path {
            ["Amt"] => &mut self.amount,
            ["CdtDbtInd"] => &mut self.direction,
            ["RvslInd"] => &mut self.reversal,
            ["Sts"] | ["Sts", "Cd"] => &mut self.status,
            ["BookgDt", "Dt" | "DtTm"] => &mut self.booked,
            ["ValDt", "Dt" | "DtTm"] => &mut self.valued,
            ["AcctSvcrRef"] => &mut self.reference,
            ["AddtlNtryInf"] => return add_words(&mut self.text, text),
            ["NtryDtls", "TxDtls", inner @ ..] => return self.take_transaction(inner, text),
            _ => return,
        };
        text.clone_into(place);
    }

    fn take_transaction(&mut self, path: &[&'static str], text: &str) {
        match path {
            ["Refs", "AcctSvcrRef"] => text.clone_into(&mut self.transaction_reference),
            ["Refs", "EndToEndId" | "TxId" | "InstrId" | "UETR" | "ChqNb" | "ClrSysRef"]
            | ["RmtInf", "Strd", "CdtrRefInf", "Ref"]
            | ["RmtInf", "Strd", "RfrdDocInf", "Nb"] => self.take_id(tidy(text)),
            ["RltdPties", "Dbtr", "Nm"] | ["RltdPties", "Dbtr", "Pty", "Nm"] => self.debtor = tidy(text),
            ["RltdPties", "Cdtr", "Nm"] | ["RltdPties", "Cdtr", "Pty", "Nm"] => self.creditor = tidy(text),
            ["RmtInf", "Ustrd"] | ["AddtlTxInf"] => add_words(&mut self.text, text),
            _ => {}
        }
    }

    /// Keeps one id more than a line can have, so that the line is refused.
    fn take_id(&mut self, id: String) {
        if self.ids.len() <= MAX_IDS && !is_placeholder(&id) && !self.ids.contains(&id) {
            self.ids.push(id);
        }
    }

    fn line(self, at: u32) -> Result<Line, Unreadable> {
        if self.currency != "BDT" {
            return Err(pages::foreign_currency(Some(at), &self.currency));
        }
        let amount = decimal(&self.amount).map_err(|fault| fault.at(at))?;
        if amount < Taka::ZERO {
            return Err(reversed_sign(at));
        }
        let reversal = matches!(self.reversal.as_str(), "true" | "1");
        let credit = match self.direction.as_str() {
            "CRDT" => true,
            "DBIT" => false,
            _ => return Err(no_direction(at)),
        };
        let date = if self.booked.is_empty() { &self.valued } else { &self.booked };
        let single_reference = if self.transactions == 1 { self.transaction_reference.as_str() } else { "" };
        let mut line = Line {
            at,
            date: iso(date).ok_or_else(|| not_a_date(at))?,
            // The indicator tells the effect on the account also of a reversal.
            amount: if credit { amount } else { amount.negated() },
            fee: Taka::ZERO,
            fee_vat: Taka::ZERO,
            reference: tidy(if self.reference.is_empty() { single_reference } else { &self.reference }),
            ids: Vec::new(),
            // A reversal names the parties of the payment that it takes back.
            counterparty: if credit == reversal { self.creditor } else { self.debtor },
            text: tidy(&self.text),
            reversal,
        };
        if is_placeholder(&line.reference) {
            line.reference.clear();
        }
        for id in self.ids.iter().chain([&self.transaction_reference]) {
            if !line.add_id(id) {
                return Err(pages::too_many_ids(at));
            }
        }
        Ok(line)
    }
}

fn add_words(text: &mut String, words: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(words);
}

fn no_direction(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "no_direction",
        format!("Line {at} does not tell whether it is a credit or a debit."),
        "Download the statement from the bank again; report it to the bank if it stays so.",
    )
}

fn bad_balance() -> Unreadable {
    Unreadable::file(
        "bad_balance",
        "A balance of the statement cannot be read, or it is told twice with different figures.",
        "Download the statement from the bank again; report it to the bank if it stays so.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::examples::{CAMT_02, CAMT_08};
    use super::super::{Reading, Statement, read};
    use super::*;

    fn refusal(text: &str) -> Unreadable {
        read(text.as_bytes(), &Reading::Auto).unwrap_err()
    }

    fn checked(text: &str) -> Statement {
        read(text.as_bytes(), &Reading::Auto).unwrap()
    }

    #[test]
    fn version_02_gives_amounts_dates_ids_and_the_payer() {
        let statement = checked(CAMT_02);
        assert_eq!(statement.account, "1501203456789001");
        assert_eq!((statement.lines.len(), statement.pending), (3, 1));
        let paid = &statement.lines[0];
        assert_eq!((paid.date, paid.amount), (jiff::civil::date(2026, 11, 1), Taka::from_paisa(125_050).unwrap()));
        assert_eq!((paid.reference.as_str(), paid.counterparty.as_str()), ("BR-0001", "Rahima Khatun"));
        assert_eq!(paid.ids, ["E2E-1", "TX-1"]);
        assert_eq!(paid.text, "GI-7K3Q9 সার্ভিস & delivery");
    }

    #[test]
    fn a_reversal_has_the_sign_of_its_effect_and_keeps_its_party() {
        let reversal = &checked(CAMT_02).lines[2];
        assert!(reversal.reversal);
        assert_eq!((reversal.amount, reversal.counterparty.as_str()), (Taka::whole(-100), "Karim Mia"));
    }

    #[test]
    fn version_08_with_prefixes_reads_the_same_way() {
        let statement = checked(CAMT_08);
        assert_eq!(statement.lines.iter().map(|line| line.amount.paisa()).collect::<Vec<_>>(), [50_000, -20_000]);
        assert_eq!(statement.lines[0].counterparty, "Salma Begum");
        assert_eq!((statement.lines[1].reference.as_str(), statement.pending), ("BR-8", 1));
    }

    #[test]
    fn wrong_statements_are_refused() {
        let amount = r#"<Amt Ccy="BDT">1250.50</Amt>"#;
        for (from, to, code) in [
            (amount, r#"<Amt Ccy="USD">1250.50</Amt>"#, "foreign_currency"),
            (amount, r#"<Amt Ccy="BDT">-1250.50</Amt>"#, "reversed_sign"),
            (amount, r#"<Amt Ccy="BDT">1250.505</Amt>"#, "too_many_decimals"),
            (amount, r#"<Amt Ccy="BDT">99999999999999</Amt>"#, "amount_too_large"),
            (amount, r#"<Amt Ccy="BDT">1251.50</Amt>"#, "does_not_add_up"),
            ("<Sts>BOOK</Sts>", "<Sts>DONE</Sts>", "unknown_status"),
            ("<Dt>2026-11-01</Dt></BookgDt>", "<Dt>2026-11-31</Dt></BookgDt>", "not_a_date"),
            ("<Ccy>BDT</Ccy>", "<Ccy>EUR</Ccy>", "foreign_currency"),
            ("<Cd>CLBD</Cd>", "<Cd>OPBD</Cd>", "bad_balance"),
            ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<Sts>", "no_direction"),
            ("BkToCstmrStmt", "BkToCstmrAcctRpt", "no_statement"),
        ] {
            assert!(CAMT_02.contains(from), "{from}");
            assert_eq!(refusal(&CAMT_02.replace(from, to)).code, code, "{to}");
        }
        let half = CAMT_02.get(..CAMT_02.len() / 2).unwrap();
        assert_eq!(refusal(half).code, "truncated");
    }

    #[test]
    fn an_entry_of_very_many_payments_is_refused() {
        let ids: Vec<String> = (0..300).map(|n| format!("<Refs><TxId>T{n}</TxId></Refs>")).collect();
        let many = format!("<NtryDtls><TxDtls>{}</TxDtls></NtryDtls></Ntry>", ids.concat());
        assert_eq!(refusal(&CAMT_02.replacen("</Ntry>", &many, 1)).code, "too_many_ids");
    }
}
