//! Reading an order file: CSV, one row a line item.
//!
//! A shop keeps such a file in a spreadsheet, so the reader expects the damage spreadsheets do: a
//! byte order mark, Bangla digits, phones in many spellings, a quote left open. A bad row costs
//! that row and nothing else: it is named by its line, with a stable code and a sentence that says
//! what to do, and the good rows go on.
//!
//! Messages repeat a quantity, a price or a word, never a name, a phone or an address: they go to
//! logs, and a line number is enough to find the row.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Cursor, Read, SeekFrom};
use std::path::{Path, PathBuf};

use thiserror::Error;

mod row;

use row::{Flaw, check, shown};

/// The columns of an order file, in the order the header must give them.
pub const COLUMNS: [&str; 13] = [
    "order_ref",
    "placed_at",
    "customer_name",
    "phone",
    "district",
    "upazila",
    "address",
    "payment",
    "delivery",
    "vendor",
    "sku",
    "qty",
    "unit_price",
];

/// The largest file read, in bytes.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The most problems named. A file of nothing but rubbish would otherwise take many times its own
/// size in messages nobody reads.
pub const MAX_PROBLEMS: usize = 100_000;

/// One order: what its good rows say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOrder {
    /// The reference the file gives the order; unique in [`OrderFile::orders`].
    pub order_ref: String,
    /// When it was placed: RFC 3339, as the file gives it.
    pub placed_at: String,
    /// The customer's name.
    pub customer_name: String,
    /// The customer's mobile, as `+8801XXXXXXXXX` whatever its spelling in the file.
    pub phone: String,
    /// District, as the file gives it: this module does not know geography.
    pub district: String,
    /// Upazila, as the file gives it.
    pub upazila: String,
    /// House, road and area.
    pub address: String,
    /// Who carries the money of an order that is paid ahead; `None` for cash on delivery.
    pub prepaid: Option<&'static str>,
    /// The customer fetches it at a pickup point.
    pub pickup: bool,
    /// The line items, in file order; at least one.
    pub items: Vec<FileItem>,
}

/// One line item of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileItem {
    /// The line of the file it stands on; the header is line 1.
    pub line: u64,
    /// Slug of the vendor who sells it.
    pub vendor: String,
    /// The vendor's code for the good.
    pub sku: String,
    /// How many: 1 to 1,000.
    pub qty: u32,
    /// Price of one, in paisa: 0 to 1,000,000,000.
    pub unit_price_paisa: i64,
}

/// A row that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file; the header is line 1.
    pub line: u64,
    /// A stable name for the kind of problem, in snake case.
    pub code: &'static str,
    /// What to do about it, in a sentence.
    pub message: String,
}

/// A file that was read. Each row under the header is either one item or one problem (its first),
/// up to [`MAX_PROBLEMS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFile {
    /// The orders with a good row, in the order of their first good row.
    pub orders: Vec<FileOrder>,
    /// The rows left out, in file order.
    pub problems: Vec<Problem>,
}

/// Why a file could not be read at all.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file is not there, or may not be opened.
    #[error("cannot open the order file {}", path.display())]
    Open {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file was opened, and reading it failed.
    #[error("cannot read the order file {}", path.display())]
    Read {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is larger than [`MAX_BYTES`].
    #[error("the order file is over {} MiB: split it and read the parts", MAX_BYTES / (1024 * 1024))]
    TooLarge,
    /// The header lacks a column.
    #[error("the header has no column `{column}`: line 1 must be {}", COLUMNS.join(","))]
    MissingColumn {
        /// The first column that is missing.
        column: &'static str,
    },
    /// The header has every column, and something else or another order.
    #[error("column {position} of the header is {found}: line 1 must be {}", COLUMNS.join(","))]
    WrongHeader {
        /// Which column is wrong, counting from 1.
        position: usize,
        /// What stands there.
        found: String,
    },
}

/// Reads the order file at `path`.
///
/// # Errors
/// When the file cannot be opened or read, is over [`MAX_BYTES`], or has a wrong header. Bad rows
/// are no error: see [`OrderFile::problems`].
pub fn read(path: &Path) -> Result<OrderFile, ReadError> {
    let file = File::open(path).map_err(|source| ReadError::Open { path: path.to_owned(), source })?;
    let failed = |source| ReadError::Read { path: path.to_owned(), source };
    if file.metadata().map_err(failed)?.len() > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    // The length above says nothing of a pipe or of a file still growing, so the reading is bounded too.
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    parse(&bytes)
}

/// Reads an order file from its bytes.
///
/// # Errors
/// When the bytes are over [`MAX_BYTES`] or begin with a wrong header.
pub fn parse(bytes: &[u8]) -> Result<OrderFile, ReadError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    // Spreadsheets begin a UTF-8 file with a byte order mark.
    let mut rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let header = next_line(&mut rest).unwrap_or_default();
    check_header(&String::from_utf8_lossy(header))?;

    let mut splitter = Splitter::new();
    let mut reading = Reading::default();
    let mut line = 1;
    while let Some(row) = next_line(&mut rest) {
        line += 1;
        if row.trim_ascii().is_empty() {
            continue;
        }
        if let Err(flaw) = reading.row(line, row, &mut splitter) {
            reading.refuse(line, flaw);
        }
    }
    Ok(reading.finish())
}

/// Takes the next line off `rest`, without its end (`\n`, `\r\n` or `\r`).
///
/// The file is cut into lines before the CSV reader sees it: a quote left open then spoils its own
/// line, where a reader of the whole file would take every row after it into one field.
fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let bytes = *rest;
    if bytes.is_empty() {
        return None;
    }
    let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
        *rest = &[];
        return Some(bytes);
    };
    let skip = if bytes[end..].starts_with(b"\r\n") { 2 } else { 1 };
    *rest = &bytes[end + skip..];
    Some(&bytes[..end])
}

/// Splits lines into fields, one after the other. It keeps one CSV reader for all of them, since
/// building a reader costs more than reading a line with it.
struct Splitter<'a> {
    reader: csv::Reader<Cursor<&'a [u8]>>,
    record: csv::StringRecord,
}

impl<'a> Splitter<'a> {
    fn new() -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(Cursor::default());
        Self { reader, record: csv::StringRecord::new() }
    }

    /// The fields of a line, spaces around them taken off.
    fn split(&mut self, line: &'a str) -> &csv::StringRecord {
        *self.reader.get_mut() = Cursor::new(line.as_bytes());
        // The seek makes the reader forget the line before. Nothing here fails on text in memory;
        // if it did, the row would have no fields, and be named for that.
        let start = self.reader.seek_raw(SeekFrom::Start(0), csv::Position::new());
        if start.and_then(|()| self.reader.read_record(&mut self.record)).is_err() {
            self.record.clear();
        }
        &self.record
    }
}

fn check_header(line: &str) -> Result<(), ReadError> {
    let mut splitter = Splitter::new();
    let found = splitter.split(line);
    if let Some(column) = COLUMNS.into_iter().find(|column| !found.iter().any(|name| name == *column)) {
        return Err(ReadError::MissingColumn { column });
    }
    for (at, name) in found.iter().enumerate() {
        if COLUMNS.get(at).is_none_or(|column| *column != name) {
            return Err(ReadError::WrongHeader { position: at + 1, found: shown(name) });
        }
    }
    Ok(())
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    file: OrderFile,
    /// Where in `file.orders` a reference stands.
    by_ref: HashMap<String, usize>,
    last_line: u64,
    unnamed: u64,
}

impl Reading {
    /// Adds one row to its order.
    fn row<'a>(&mut self, line: u64, row: &'a [u8], splitter: &mut Splitter<'a>) -> Result<(), Flaw> {
        let text = std::str::from_utf8(row)
            .map_err(|_| ("not_utf8", "The row is not UTF-8 text: save the file as CSV UTF-8.".to_owned()))?;
        let (order, item) = check(line, splitter.split(text))?;
        let Some(&at) = self.by_ref.get(&order.order_ref) else {
            self.by_ref.insert(order.order_ref.clone(), self.file.orders.len());
            self.file.orders.push(FileOrder { items: vec![item], ..order });
            return Ok(());
        };
        let known = &mut self.file.orders[at];
        let pairs: [(&str, &String, &String); 8] = [
            ("placed_at", &known.placed_at, &order.placed_at),
            ("customer_name", &known.customer_name, &order.customer_name),
            ("phone", &known.phone, &order.phone),
            ("district", &known.district, &order.district),
            ("upazila", &known.upazila, &order.upazila),
            ("address", &known.address, &order.address),
            ("payment", &paid(known), &paid(&order)),
            ("delivery", &fetched(known), &fetched(&order)),
        ];
        if let Some((column, ..)) = pairs.into_iter().find(|(_, first, this)| first != this) {
            let first = known.items.first().map_or(line, |item| item.line);
            return Err((
                "customer_disagrees",
                format!(
                    "The row has another `{column}` than line {first} of the same order {}: make them equal, \
                     or give the row an order_ref of its own.",
                    shown(&order.order_ref)
                ),
            ));
        }
        known.items.push(item);
        Ok(())
    }

    fn refuse(&mut self, line: u64, (code, message): Flaw) {
        if self.file.problems.len() < MAX_PROBLEMS {
            self.file.problems.push(Problem { line, code, message });
        } else {
            self.unnamed += 1;
            self.last_line = line;
        }
    }

    fn finish(mut self) -> OrderFile {
        if self.unnamed > 0 {
            self.file.problems.push(Problem {
                line: self.last_line,
                code: "more_problems",
                message: format!(
                    "{} more rows up to this line have problems: mend those named and read the file again.",
                    self.unnamed
                ),
            });
        }
        self.file
    }
}

fn paid(order: &FileOrder) -> String {
    order.prepaid.unwrap_or("cod").to_owned()
}

fn fetched(order: &FileOrder) -> String {
    if order.pickup { "pickup" } else { "door" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "R1,2026-11-22T08:00:00+06:00,রহিম উদ্দিন,01712345678,Dhaka,Savar,\"বাসা ১, রোড ২\",cod,door,rahim-grocery,RG-0001,2,425.50";

    fn file(rows: &[&str]) -> OrderFile {
        parse(format!("{}\n{}\n", COLUMNS.join(","), rows.join("\n")).as_bytes()).unwrap()
    }

    /// The good row with one column changed.
    fn with(column: &str, value: &str) -> String {
        let mut splitter = Splitter::new();
        let row = splitter.split(GOOD).iter().zip(COLUMNS);
        let row = row.map(|(field, name)| if name == column { value } else { field });
        row.map(|field| format!("\"{field}\"")).collect::<Vec<_>>().join(",")
    }

    /// The code a change to the good row gets, or "good".
    fn code(column: &str, value: &str) -> &'static str {
        let read = file(&[&with(column, value)]);
        assert_eq!(read.orders.len() + read.problems.len(), 1);
        read.problems.first().map_or("good", |problem| problem.code)
    }

    #[test]
    fn a_good_row_is_read_whole() {
        let read = file(&[GOOD, &with("sku", "RG-0002")]);
        assert_eq!(read.problems, []);
        let [order] = &read.orders[..] else { panic!("{read:?}") };
        assert_eq!((&*order.phone, &*order.address), ("+8801712345678", "বাসা ১, রোড ২"));
        let [first, second] = &order.items[..] else { panic!("{order:?}") };
        assert_eq!((first.line, first.qty, first.unit_price_paisa), (2, 2, 42_550));
        assert_eq!((second.line, &*second.sku), (3, "RG-0002"));
    }

    #[test]
    fn every_kind_of_bad_field_has_its_code() {
        // Column, code, and the values that get it.
        let table = "
            order_ref|empty_order_ref|
            vendor|empty_vendor|
            sku|empty_sku|
            customer_name|empty_customer_name|
            district|empty_district|
            upazila|empty_upazila|
            address|empty_address|
            placed_at|bad_timestamp|;2026-11-22;২০২৬-১১-২২T০৮:০০:০০Z
            phone|bad_phone|;01212345678
            qty|good|1000;১০০০
            qty|qty_zero|0;০
            qty|qty_negative|-2
            qty|qty_not_a_number|;two;2.0;+1;1 0
            qty|qty_too_large|1001;99999999999999999999
            unit_price|price_not_a_number|;x
            unit_price|price_negative|-1
            unit_price|price_too_precise|1.005
            unit_price|price_too_large|10000000.01
            payment|good|COD; cod;prepaid;bkash;nagad;rocket;card
            payment|unknown_payment|;barter
            delivery|good|pickup
            delivery|unknown_delivery|;drone";
        for row in table.trim().lines() {
            let [column, want, values] = *row.trim().split('|').collect::<Vec<_>>() else { panic!("{row}") };
            for value in values.split(';') {
                assert_eq!(code(column, value), want, "{column} {value}");
            }
        }
        for (column, limit) in [("customer_name", 200), ("address", 500)] {
            assert_eq!(code(column, &"আ".repeat(limit)), "good");
            assert_eq!(code(column, &"আ".repeat(limit + 1)), "field_too_long");
        }
        assert_eq!(code("sku", "RG\u{0}1"), "control_character");
    }

    #[test]
    fn a_bad_row_costs_only_itself() {
        let other = with("customer_name", "করিম");
        let bad = with("qty", "0");
        let read = file(&["\"open,quote", &bad, "", GOOD, &other, "a,b\r", GOOD]);
        let found: Vec<_> = read.problems.iter().map(|problem| (problem.line, problem.code)).collect();
        assert_eq!(
            found,
            [(2, "wrong_column_count"), (3, "qty_zero"), (6, "customer_disagrees"), (7, "wrong_column_count")]
        );
        let lines: Vec<_> = read.orders.iter().flat_map(|order| &order.items).map(|item| item.line).collect();
        assert_eq!((read.orders.len(), lines), (1, vec![5, 8]));
        // The same customer in another spelling of the phone is the same customer.
        assert_eq!(file(&[GOOD, &with("phone", "+880 1712-345678")]).problems, []);
    }

    #[test]
    fn a_file_of_bad_rows_is_all_problems() {
        let rows: Vec<_> = COLUMNS.iter().map(|column| with(column, "\u{7}")).collect();
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        let read = file(&rows);
        assert_eq!((read.orders.len(), read.problems.len()), (0, COLUMNS.len()));
        let endless = file(&vec!["x"; MAX_PROBLEMS + 7]);
        let last = endless.problems.last().unwrap();
        assert_eq!((endless.problems.len(), last.code), (MAX_PROBLEMS + 1, "more_problems"));
        assert!(last.message.starts_with("7 more"), "{}", last.message);
    }

    #[test]
    fn hostile_bytes_spoil_only_their_rows() {
        let header = COLUMNS.join(",");
        for end in ["\n", "\r\n", "\r"] {
            let mut bytes = format!("\u{feff}{header}{end}{GOOD}{end}").into_bytes();
            bytes.extend(b"\xFF\xFE\x00,\x80\"");
            bytes.extend(format!("{end}{GOOD}").bytes());
            let read = parse(&bytes).unwrap();
            assert_eq!(read.orders[0].items.iter().map(|item| item.line).collect::<Vec<_>>(), [2, 4]);
            assert_eq!((read.problems[0].line, read.problems[0].code), (3, "not_utf8"));
        }
        // Any byte anywhere: never a panic, and each row is an item or a problem.
        let mut state = 7_u32;
        for _ in 0..2000 {
            let mut row = GOOD.as_bytes().to_vec();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let [byte, _, _, high] = (state >> 3).to_le_bytes();
                let at = (state >> 9) as usize % row.len();
                row[at] = byte ^ high;
            }
            let bytes = [header.as_bytes(), b"\n", &row].concat();
            let read = parse(&bytes).unwrap();
            assert!(read.orders.len() + read.problems.len() >= 1);
        }
    }

    #[test]
    fn a_wrong_header_is_named() {
        let header = COLUMNS.join(",");
        let missing = |bytes: &[u8]| match parse(bytes) {
            Err(ReadError::MissingColumn { column }) => column,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(b""), "order_ref");
        assert_eq!(missing(b"\xFF\xFEo\0r\0"), "order_ref");
        assert_eq!(missing(header.replace("phone,", "").as_bytes()), "phone");
        let swapped = header.replace("vendor,sku", "sku,vendor");
        assert!(matches!(parse(swapped.as_bytes()), Err(ReadError::WrongHeader { position: 10, .. })));
        let extra = format!("{header},note");
        assert!(matches!(parse(extra.as_bytes()), Err(ReadError::WrongHeader { position: 14, .. })));
        assert!(matches!(read(Path::new("/no/such/orders.csv")), Err(ReadError::Open { .. })));
        assert_eq!(parse(header.as_bytes()).unwrap(), OrderFile::default());
    }

    #[test]
    fn a_file_too_large_is_refused_before_it_is_read() {
        let path = std::env::temp_dir().join(format!("getit-orders-{}.csv", std::process::id()));
        // A file with a length and no contents takes no room on the disk.
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let refused = read(&path);
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(refused, Err(ReadError::TooLarge)));
        assert!(matches!(parse(&vec![0; MAX_BYTES as usize + 1]), Err(ReadError::TooLarge)));
    }
}
