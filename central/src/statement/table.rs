//! A CSV file by its mapping.

use std::io::Read;

use csv::StringRecord;
use jiff::civil::Date;

use super::amount::written;
use super::dates::{self, not_a_date};
use super::effect::{Effect, no_amount};
use super::mapping::Mapping;
use super::pages::{self, Page, does_not_add_up};
use super::places::{Places, heading, records};
use super::{Line, Unreadable, is_placeholder, tidy};
use protocol::taka::{Taka, digit_value};

/// Follows the text of the file, to see whether a quoted cell swallowed the end of it.
const END_MARK: &str = "\n\u{1}";
/// How a cell of a row of totals begins, as [`heading`] makes it.
const TOTALS: [&str; 5] = ["total", "grandtotal", "subtotal", "মোট", "সর্বমোট"];

/// The statement of a CSV text.
pub(super) fn page(text: &str, mapping: &Mapping) -> Result<Page, Unreadable> {
    let places = Places::find(text, mapping)?;
    let account = places.account.clone();
    let mut table = Table { mapping, places, rows: Vec::new(), pending: 0, footer: None };
    table.take_all(text)?;
    let Table { rows, pending, .. } = table;
    let within = rows.get(1..rows.len().saturating_sub(1)).unwrap_or_default();
    if let Some(row) = within.iter().find(|row| row.effect.is_none()) {
        return Err(no_amount(row.at));
    }
    let mut rows = oldest_first(dated(rows)?)?;
    let closing = rows.last().and_then(|row| row.balance);
    let opening = rows.first().and_then(|row| Some(row.balance?.minus(row.amount())));
    // A row without an amount at either end only tells a balance, which is checked by now.
    rows.pop_if(|row| row.effect.is_none() && row.balance.is_some());
    let balance_row = rows.first().is_some_and(|row| row.effect.is_none() && row.balance.is_some());
    let rows = rows.into_iter().skip(usize::from(balance_row));
    let lines = rows.map(Row::line).collect::<Result<Vec<Line>, Unreadable>>()?;
    Ok(Page { account, number: String::new(), opening, closing, lines, pending })
}

/// A row of the table; one without effect tells only a balance.
struct Row {
    at: u32,
    date_cell: String,
    date: Option<Date>,
    effect: Option<Effect>,
    balance: Option<Taka>,
    reference: String,
    ids: Vec<String>,
    counterparty: String,
    text: String,
}

impl Row {
    fn amount(&self) -> Taka {
        self.effect.as_ref().map_or(Taka::ZERO, |effect| effect.amount)
    }

    fn line(self) -> Result<Line, Unreadable> {
        let effect = self.effect.ok_or_else(|| no_amount(self.at))?;
        let mut line = Line {
            at: self.at,
            date: self.date.ok_or_else(|| not_a_date(self.at))?,
            amount: effect.amount,
            fee: effect.fee,
            fee_vat: effect.fee_vat,
            reference: self.reference,
            ids: Vec::new(),
            counterparty: self.counterparty,
            text: self.text,
            reversal: false,
        };
        for id in &self.ids {
            if !line.add_id(id) {
                return Err(pages::too_many_ids(line.at));
            }
        }
        Ok(line)
    }
}

struct Table<'m> {
    mapping: &'m Mapping,
    places: Places,
    rows: Vec<Row>,
    pending: u32,
    /// The first row that looks like the foot of the table.
    footer: Option<u32>,
}

impl Table<'_> {
    fn take_all(&mut self, text: &str) -> Result<(), Unreadable> {
        let mut reader = records(text.as_bytes().chain(END_MARK.as_bytes()), self.places.delimiter);
        let mut record = StringRecord::new();
        let mut count = 0_usize;
        while reader.read_record(&mut record).map_err(|_| open_quote())? {
            let start = record.position().map_or(0, csv::Position::byte);
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            if start >= text.len() {
                return Ok(());
            }
            count = count.saturating_add(1);
            pages::room(count)?;
            if count > self.places.rows_before {
                // The reader counts blank lines to the record that follows them.
                let blank = text.get(start..).unwrap_or_default().bytes().take_while(|b| *b == b'\n').count();
                let line = record.position().map_or(0, csv::Position::line);
                let at = u32::try_from(line).unwrap_or(u32::MAX).saturating_add(u32::try_from(blank).unwrap_or(0));
                self.take(at, &record)?;
            }
        }
        Err(open_quote())
    }

    fn take(&mut self, at: u32, record: &StringRecord) -> Result<(), Unreadable> {
        let cell = |index: usize| record.get(index).unwrap_or_default().trim();
        if record.iter().all(|cell| cell.trim().is_empty()) || self.is_header_again(record) {
            return Ok(());
        }
        let has_date = cell(self.places.date).chars().any(|c| digit_value(c).is_some());
        let opens = self.rows.is_empty() && !has_date && !self.has_amount(record);
        if !opens && self.is_footer(record, has_date) {
            self.footer = self.footer.or(Some(at));
            return Ok(());
        }
        if let Some(footer) = self.footer {
            // What looked like the foot of the table is a row in the middle of it.
            return Err(not_a_date(footer));
        }
        if !opens {
            self.check_width(at, record)?;
            if !has_date {
                return Err(not_a_date(at));
            }
        }
        if !opens && self.is_left_out(at, record)? {
            self.pending = self.pending.saturating_add(1);
            return Ok(());
        }
        let currency = self.places.currency.map(cell).filter(|_| !opens);
        if let Some(foreign) = currency.filter(|currency| !currency.eq_ignore_ascii_case("BDT")) {
            return Err(pages::foreign_currency(Some(at), foreign));
        }
        let row = self.row(at, record)?;
        // A note above the first row, without date, amount and balance, is part of the preamble.
        if !opens || row.balance.is_some() {
            self.rows.push(row);
        }
        Ok(())
    }

    fn row(&self, at: u32, record: &StringRecord) -> Result<Row, Unreadable> {
        let cell = |index: usize| record.get(index).unwrap_or_default();
        let effect = Effect::of(at, record, &self.places.amounts, &self.mapping.amounts)?;
        let balance =
            self.places.balance.map(|index| written(cell(index)).map_err(|fault| fault.at(at))).transpose()?;
        let balance = balance.flatten();
        if self.places.balance.is_some() && balance.is_none() && effect.is_some() {
            return Err(no_balance(at));
        }
        let words: Vec<&str> = self.places.text.iter().map(|index| cell(*index)).collect();
        let reference = self.places.reference.map(|index| tidy(cell(index)));
        Ok(Row {
            at,
            date_cell: cell(self.places.date).trim().to_owned(),
            date: None,
            effect,
            balance,
            reference: reference.filter(|reference| !is_placeholder(reference)).unwrap_or_default(),
            ids: self.places.ids.iter().map(|index| cell(*index).to_owned()).collect(),
            counterparty: self.places.counterparty.map(|index| tidy(cell(index))).unwrap_or_default(),
            text: tidy(&words.join(" ")),
        })
    }

    /// Some banks repeat the header row on every page.
    fn is_header_again(&self, record: &StringRecord) -> bool {
        let header = &self.places.header;
        record.iter().map(heading).take(header.len()).eq(header.iter().cloned())
    }

    fn has_amount(&self, record: &StringRecord) -> bool {
        let filled = |index: usize| record.get(index).is_some_and(|cell| !cell.trim().is_empty());
        self.places.amounts.all().into_iter().any(filled)
    }

    /// Totals, notes and closing words below the table.
    fn is_footer(&self, record: &StringRecord, has_date: bool) -> bool {
        if has_date {
            let is_alone = record.iter().filter(|cell| !cell.trim().is_empty()).count() == 1;
            // A row that is cut off within its date is alone too, but begins with a digit.
            let is_note = |cell: &str| !cell.trim().starts_with(|c| digit_value(c).is_some()) && !dates::is_date(cell);
            return is_alone && record.get(self.places.date).is_some_and(is_note);
        }
        let says_total = |cell: &str| TOTALS.iter().any(|total| heading(cell).starts_with(total));
        !self.has_amount(record) || record.iter().any(says_total)
    }

    /// A row with fewer cells was cut off; one with more has a comma that is not in quotes.
    fn check_width(&self, at: u32, record: &StringRecord) -> Result<(), Unreadable> {
        let width = self.places.header.len();
        let extra = record.iter().skip(width).any(|cell| !cell.trim().is_empty());
        if record.len() >= width && !extra {
            return Ok(());
        }
        Err(Unreadable::line(
            at,
            "row_width",
            format!("Line {at} has {} cells where the header row has {width}.", record.len()),
            "A comma within a cell must be in quotes, and no row may be cut off. Export the file again, unedited.",
        ))
    }

    fn is_left_out(&self, at: u32, record: &StringRecord) -> Result<bool, Unreadable> {
        let Some((status, index)) = self.mapping.status.as_ref().zip(self.places.status) else { return Ok(false) };
        let cell = heading(record.get(index).unwrap_or_default());
        let is_among = |names: &[String]| names.iter().any(|name| heading(name) == cell);
        if is_among(&status.booked) {
            return Ok(false);
        }
        if is_among(&status.left_out) { Ok(true) } else { Err(pages::unknown_status(at)) }
    }
}

/// The rows with their dates, all read in one form.
fn dated(mut rows: Vec<Row>) -> Result<Vec<Row>, Unreadable> {
    let with_effect = rows.iter().filter(|row| row.effect.is_some());
    let cells: Vec<(u32, &str)> = with_effect.map(|row| (row.at, row.date_cell.as_str())).collect();
    let dates = dates::column(&cells)?;
    for (row, date) in rows.iter_mut().filter(|row| row.effect.is_some()).zip(dates) {
        row.date = Some(date);
    }
    Ok(rows)
}

/// The rows in the order in which they were booked; balances decide if there are any, else dates.
fn oldest_first(mut rows: Vec<Row>) -> Result<Vec<Row>, Unreadable> {
    let dates: Vec<Date> = rows.iter().filter_map(|row| row.date).collect();
    let falls = dates.first() > dates.last();
    let turned = if rows.iter().any(|row| row.balance.is_some()) {
        let (as_is, turned) = (follows(rows.iter()), follows(rows.iter().rev()));
        match (as_is, turned) {
            (Ok(()), Ok(())) => falls,
            (Ok(()), Err(_)) => false,
            (Err(_), Ok(())) => true,
            (Err(as_is), Err(turned)) => return Err(if falls { turned } else { as_is }),
        }
    } else {
        falls && dates.is_sorted_by(|one, next| one >= next)
    };
    if turned {
        rows.reverse();
    }
    Ok(rows)
}

/// Whether each row's balance is that of the row before it and its own amount.
fn follows<'r>(rows: impl Iterator<Item = &'r Row>) -> Result<(), Unreadable> {
    let mut before: Option<Taka> = None;
    for row in rows {
        let balance = row.balance.ok_or_else(|| no_balance(row.at))?;
        let sum = before.map(|before| i128::from(before.paisa()) + i128::from(row.amount().paisa()));
        if let Some(sum) = sum.filter(|sum| *sum != i128::from(balance.paisa())) {
            return Err(does_not_add_up(Some(row.at), balance, sum));
        }
        before = Some(balance);
    }
    Ok(())
}

fn no_balance(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "no_balance",
        format!("Line {at} has no balance although the file has a column for it."),
        "Export the file again with the balance of every line.",
    )
}

fn open_quote() -> Unreadable {
    Unreadable::file(
        "open_quote",
        "A quoted cell is not closed, so where the last rows begin cannot be told.",
        "Export the file again, unedited; a quote within a quoted cell must be doubled.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::examples::BANK;
    use super::super::{Amounts, Column, Reading, Statement, read};
    use super::*;

    fn bank(text: &str) -> Result<Statement, Unreadable> {
        read(text.as_bytes(), &Reading::Csv(Box::new(Mapping::bank())))
    }

    fn amounts(statement: &Statement) -> Vec<i64> {
        statement.lines.iter().map(|line| line.amount.paisa()).collect()
    }

    #[test]
    fn a_bank_file_with_preamble_opening_row_and_total_is_read() {
        let statement = bank(BANK).unwrap();
        assert_eq!(statement.account, "1501203456789001");
        assert_eq!(amounts(&statement), [125_050, -50_000, 1_000]);
        assert_eq!(
            statement.opening.zip(statement.closing).map(|(o, c)| (o.paisa(), c.paisa())),
            Some((10_000_000, 10_076_050))
        );
        let first = &statement.lines[0];
        assert_eq!((first.at, first.date, first.reference.as_str()), (6, jiff::civil::date(2026, 11, 1), "FT-1"));
        assert_eq!(first.text, "GI-7K3Q9, Rahima Khatun");
        assert_eq!(statement.lines[1].at, 8, "a quoted cell of two text lines counts as two");
    }

    #[test]
    fn a_newest_first_file_is_turned_by_its_balances_or_by_its_dates() {
        let head = "Date,Particulars,Ref No,Withdrawal,Deposit,Balance\n";
        let text = format!("{head}02/11/2026,c,,,5,115\n02/11/2026,b,,,10,110\n01/11/2026,a,,,100,100\n");
        let statement = bank(&text).unwrap();
        assert_eq!((amounts(&statement), statement.opening), (vec![10_000, 1_000, 500], Some(Taka::ZERO)));
        let no_balance = Mapping { balance: None, ..Mapping::bank() };
        let read = read(text.as_bytes(), &Reading::Csv(Box::new(no_balance))).unwrap();
        assert_eq!(amounts(&read), [10_000, 1_000, 500]);
    }

    #[test]
    fn wrong_tables_are_refused() {
        let foot = "Total,,,500.00,\"1,260.50\",\n";
        for (from, to, code) in [
            ("\"1,00,750.50\"", "\"1,00,750.60\"", "does_not_add_up"),
            ("৫০০.০০,0.00", "৫০০.০০,৫০০.০০", "debit_and_credit"),
            ("৫০০.০০,0.00", ",", "no_amount"),
            ("৫০০.০০,0.00", "-500,", "reversed_sign"),
            ("৫০০.০০,0.00", "\"5,00\",", "not_an_amount"),
            ("৫০০.০০,0.00", "500.001,", "too_many_decimals"),
            ("৫০০.০০,0.00", "99999999999999,", "amount_too_large"),
            ("\"1,00,750.50\"", "", "no_balance"),
            ("\"1,00,750.50\"", "1,00,750.50", "row_width"),
            (",\"1,00,750.50\"", "", "row_width"),
            ("\"1,260.50\"", "\"1,260.50", "open_quote"),
            ("02/11/2026,Profit", "2026-11-02,Profit", "mixed_dates"),
            ("02/11/2026,Profit", "31/11/2026,Profit", "not_a_date"),
            ("02/11/2026,Profit", ",Profit", "not_a_date"),
            ("02/11/2026,Cheque", "Sum,Cheque", "not_a_date"),
            ("Withdrawal", "Out", "no_header_row"),
            (foot, ",,,500,,\n", "not_a_date"),
        ] {
            assert!(BANK.contains(from), "{from}");
            let refusal = bank(&BANK.replace(from, to)).unwrap_err();
            assert_eq!(refusal.code, code, "{to}: {}", refusal.message);
        }
        let twice = BANK.replace("FT-2", "FT-1").replace("৫০০.০০,0.00,\"1,00,750.50", ",\"1,250.50\",\"1,02,501.00");
        let twice = twice.replace("02/11", "01/11").replace("1,00,760.50", "1,02,511.00");
        assert_eq!(bank(&twice).unwrap_err().code, "line_twice");
    }

    #[test]
    fn notes_page_headers_and_blank_rows_are_left_out() {
        let header = "Date,Particulars,Ref No,Withdrawal,Deposit,Balance\n";
        let page_break = BANK.replace("02/11/2026,Cheque", &format!("\n{header},,,,,\n02/11/2026,Cheque"));
        let noted = page_break + "Printed on 03/11/2026\n,No signature needed,,,,\n";
        let statement = bank(&noted).unwrap();
        assert_eq!(amounts(&statement), amounts(&bank(BANK).unwrap()));
        assert_eq!(statement.lines[1].at, 11);
    }

    #[test]
    fn another_currency_is_refused_and_no_refusal_shows_a_cell() {
        let amounts = Amounts::Signed(Column::any(&["Amount"]));
        let currency = Some(Column::any(&["Currency"]));
        let mapping =
            Mapping { amounts, currency, balance: None, reference: None, text: Vec::new(), ..Mapping::bank() };
        for (shown, cell) in [(true, "USD"), (false, "Rahima 01711000000")] {
            let text = format!("Date,Amount,Currency\n01/11/2026,5,{cell}\n");
            let refusal = read(text.as_bytes(), &Reading::Csv(Box::new(mapping.clone()))).unwrap_err();
            assert_eq!((refusal.code, refusal.message.contains(cell)), ("foreign_currency", shown));
        }
    }
}
