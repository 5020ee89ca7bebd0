//! Where the columns of a mapping are in a CSV file: its delimiter, its header row, the index of each column.

use csv::{ReaderBuilder, StringRecord};

use super::mapping::{Amounts, Column, Mapping};
use super::{Unreadable, tidy};

/// How many rows from the top may hold the header row.
const HEADER_WITHIN: usize = 30;
/// The most delimiters of a text line.
const MAX_COLUMNS: usize = 2_000;
/// The delimiters that are tried, in this order.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The header row and the places of the columns.
#[derive(Debug)]
pub(super) struct Places {
    /// The delimiter of the file.
    pub delimiter: u8,
    /// How many records stand before the first row, the header row included.
    pub rows_before: usize,
    /// The cells of the header row as [`heading`] makes them.
    pub header: Vec<String>,
    /// The account that is named above the header row.
    pub account: String,
    /// Column of the date.
    pub date: usize,
    /// Columns of the amount.
    pub amounts: AmountPlaces,
    /// Column of the balance.
    pub balance: Option<usize>,
    /// Column of the reference.
    pub reference: Option<usize>,
    /// Columns of other ids.
    pub ids: Vec<usize>,
    /// Column of the counterparty.
    pub counterparty: Option<usize>,
    /// Columns of the narration.
    pub text: Vec<usize>,
    /// Column of the currency.
    pub currency: Option<usize>,
    /// Column of the status.
    pub status: Option<usize>,
}

/// [`Amounts`] by index.
#[derive(Debug)]
pub(super) enum AmountPlaces {
    /// Debit, credit.
    InOut(usize, usize),
    /// The signed amount.
    Signed(usize),
    /// Amount, mark.
    Marked(usize, usize),
    /// Gross, fees, VAT, net.
    Settlement(usize, Vec<usize>, Option<usize>, Option<usize>),
}

impl AmountPlaces {
    /// Every column in which an amount may stand.
    pub(super) fn all(&self) -> Vec<usize> {
        match self {
            Self::InOut(one, other) => vec![*one, *other],
            Self::Signed(amount) | Self::Marked(amount, _) => vec![*amount],
            Self::Settlement(gross, fees, vat, net) => {
                [*gross].into_iter().chain(fees.iter().copied()).chain(*vat).chain(*net).collect()
            }
        }
    }
}

/// A header as it is compared: without case, blanks, ASCII punctuation and the unit `(BDT)`.
pub(super) fn heading(cell: &str) -> String {
    let cell = ["(BDT)", "(Tk)", "(Tk.)", "(৳)"].iter().find_map(|unit| cell.trim().strip_suffix(unit)).unwrap_or(cell);
    let kept = |c: &char| !c.is_whitespace() && !c.is_control() && !c.is_ascii_punctuation() && *c != '\u{feff}';
    cell.chars().filter(kept).flat_map(char::to_lowercase).collect()
}

/// A reader of the records of a text with a delimiter.
pub(super) fn records<R: std::io::Read>(text: R, delimiter: u8) -> csv::Reader<R> {
    ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text)
}

impl Places {
    /// Finds the header row.
    ///
    /// # Errors
    /// `no_header_row` with the columns that are missing, `column_twice` if a header stands in two columns.
    pub(super) fn find(text: &str, mapping: &Mapping) -> Result<Self, Unreadable> {
        refuse_too_wide(text)?;
        let mut least_missing: Option<Vec<String>> = None;
        for delimiter in DELIMITERS {
            let mut account = String::new();
            let rows = records(text.as_bytes(), delimiter).into_records().map_while(Result::ok);
            for (index, record) in rows.take(HEADER_WITHIN).enumerate() {
                let mut search = Search::of(&record);
                let places = search.places(mapping);
                if search.missing.is_empty() {
                    search.refuse_twice()?;
                    let (header, rows_before) = (search.header, index.saturating_add(1));
                    return Ok(Self { delimiter, rows_before, header, account, ..places });
                }
                if account.is_empty() {
                    account = mapping.account.as_ref().and_then(|label| labelled(&record, label)).unwrap_or_default();
                }
                if least_missing.as_ref().is_none_or(|least| search.missing.len() < least.len()) {
                    least_missing = Some(search.missing);
                }
            }
        }
        Err(no_header_row(mapping, &least_missing.unwrap_or_default()))
    }
}

/// A reader keeps the place of every cell, so one endless row would take many times the memory of its file.
fn refuse_too_wide(text: &str) -> Result<(), Unreadable> {
    let is_wide = |line: &str| line.bytes().filter(|byte| DELIMITERS.contains(byte)).count() > MAX_COLUMNS;
    let Some((_, at)) = text.lines().zip(1..).find(|(line, _)| is_wide(line)) else { return Ok(()) };
    Err(Unreadable::line(
        at,
        "too_many_columns",
        format!("Line {at} has more than {MAX_COLUMNS} columns."),
        "Check that the file is a statement and export it again, unedited.",
    ))
}

/// What stands after a label, in its own cell (`Account No: 15`) or in the next one.
fn labelled(record: &StringRecord, label: &Column) -> Option<String> {
    let is_label = |text: &str| label.0.iter().any(|label| heading(label) == heading(text));
    let mut cells = record.iter();
    while let Some(cell) = cells.next() {
        if is_label(cell) {
            return cells.map(tidy).find(|cell| !cell.is_empty());
        }
        if let Some((_, value)) = cell.split_once(':').filter(|(before, _)| is_label(before)) {
            return Some(tidy(value)).filter(|value| !value.is_empty());
        }
    }
    None
}

/// The search for the columns of a mapping in one row.
struct Search {
    header: Vec<String>,
    missing: Vec<String>,
    twice: Vec<String>,
}

impl Search {
    fn of(record: &StringRecord) -> Self {
        let mut header: Vec<String> = record.iter().map(heading).collect();
        while header.last().is_some_and(String::is_empty) {
            header.pop();
        }
        Self { header, missing: Vec::new(), twice: Vec::new() }
    }

    /// The index of a column; 0 and a note if there is none.
    fn index(&mut self, column: &Column) -> usize {
        for name in &column.0 {
            let wanted = heading(name);
            let mut found = self.header.iter().enumerate().filter(|(_, cell)| **cell == wanted).map(|(index, _)| index);
            if let Some(index) = found.next() {
                if found.next().is_some() {
                    self.twice.push(name.clone());
                }
                return index;
            }
        }
        self.missing.push(column.0.first().cloned().unwrap_or_else(|| "(a column without a name)".to_owned()));
        0
    }

    fn indices(&mut self, columns: &[Column]) -> Vec<usize> {
        columns.iter().map(|column| self.index(column)).collect()
    }

    fn optional(&mut self, column: Option<&Column>) -> Option<usize> {
        column.map(|column| self.index(column))
    }

    /// The column of the VAT on what was kept. Where a net is told, a file may leave it out: every row is added up.
    fn told_apart(&mut self, vat: Option<&Column>, checked: bool) -> Option<usize> {
        let vat = vat?;
        let there = vat.0.iter().any(|name| self.header.contains(&heading(name)));
        (there || !checked).then(|| self.index(vat))
    }

    fn places(&mut self, mapping: &Mapping) -> Places {
        Places {
            delimiter: b',',
            rows_before: 0,
            header: Vec::new(),
            account: String::new(),
            date: self.index(&mapping.date),
            amounts: self.amounts(&mapping.amounts),
            balance: self.optional(mapping.balance.as_ref()),
            reference: self.optional(mapping.reference.as_ref()),
            ids: self.indices(&mapping.ids),
            counterparty: self.optional(mapping.counterparty.as_ref()),
            text: self.indices(&mapping.text),
            currency: self.optional(mapping.currency.as_ref()),
            status: self.optional(mapping.status.as_ref().map(|status| &status.column)),
        }
    }

    fn amounts(&mut self, amounts: &Amounts) -> AmountPlaces {
        match amounts {
            Amounts::InOut { debit, credit } => AmountPlaces::InOut(self.index(debit), self.index(credit)),
            Amounts::Signed(amount) => AmountPlaces::Signed(self.index(amount)),
            Amounts::Marked { amount, mark, .. } => AmountPlaces::Marked(self.index(amount), self.index(mark)),
            Amounts::Settlement { gross, fees, vat, net } => AmountPlaces::Settlement(
                self.index(gross),
                self.indices(fees),
                self.told_apart(vat.as_ref(), net.is_some()),
                self.optional(net.as_ref()),
            ),
        }
    }

    fn refuse_twice(&self) -> Result<(), Unreadable> {
        let Some(name) = self.twice.first() else { return Ok(()) };
        Err(Unreadable::file(
            "column_twice",
            format!("The file has more than one column \u{201c}{name}\u{201d}."),
            "Delete the column that is not meant, or name the right one in the mapping.",
        ))
    }
}

fn no_header_row(mapping: &Mapping, missing: &[String]) -> Unreadable {
    Unreadable::file(
        "no_header_row",
        format!(
            "None of the first {HEADER_WITHIN} rows has all columns of a {} file. Missing in the closest: {}.",
            mapping.name,
            missing.join(", ")
        ),
        "Check that the file is of this kind and has its header row; if the sender changed its headers, change the mapping.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_row_is_found_below_a_preamble_with_any_delimiter() {
        for delimiter in [",", ";", "\t", "|"] {
            let text = "Bank\n\nA/C No: 15,x\nDATE,particulars ,Ref. No,Withdrawal (BDT),Deposit(Tk.),Balance,\n";
            let places = Places::find(&text.replace(',', delimiter), &Mapping::bank()).unwrap();
            assert_eq!((places.rows_before, places.account.as_str(), places.balance), (3, "15", Some(5)));
        }
    }

    #[test]
    fn missing_doubled_and_endless_columns_are_refused() {
        let refusal = Places::find("Date,Particulars,Ref No,Deposit\n", &Mapping::bank()).unwrap_err();
        assert_eq!(refusal.code, "no_header_row");
        assert!(refusal.message.ends_with("Missing in the closest: Withdrawal, Balance."), "{}", refusal.message);
        let twice = "Date,Date,Particulars,Ref No,Withdrawal,Deposit,Balance\n";
        assert_eq!(Places::find(twice, &Mapping::bank()).unwrap_err().code, "column_twice");
        let wide = ",".repeat(MAX_COLUMNS + 1);
        assert_eq!(Places::find(&wide, &Mapping::bank()).unwrap_err().code, "too_many_columns");
    }

    #[test]
    fn a_header_row_below_the_thirtieth_row_is_not_found() {
        let text = "x\n".repeat(30) + "Date,Particulars,Ref No,Withdrawal,Deposit,Balance\n";
        assert_eq!(Places::find(&text, &Mapping::bank()).unwrap_err().code, "no_header_row");
    }
}
