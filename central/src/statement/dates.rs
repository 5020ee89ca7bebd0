//! Dates as statements write them.

use jiff::civil::Date;

use super::Unreadable;
use super::amount::with_ascii_digits;

/// The ways in which a CSV column may write its dates, the preferred first.
///
/// Day before month comes before month before day, because Bangladesh writes the day first: 03/04/2026 is in April.
const FORMS: [&str; 16] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d/%m/%y",
    "%d-%m-%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %b %y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m/%d/%Y",
    "%m-%d-%Y",
];

/// The dates of a column, all in the one form that fits the whole of it. Cells come with their place in the file.
///
/// # Errors
/// `not_a_date` for a cell that no form fits, `mixed_dates` if each fits one but no one fits all.
pub(super) fn column(cells: &[(u32, &str)]) -> Result<Vec<Date>, Unreadable> {
    let cells: Vec<(u32, String)> = cells.iter().map(|(at, cell)| (*at, date_part(cell))).collect();
    for form in FORMS {
        let dates: Option<Vec<Date>> = cells.iter().map(|(_, cell)| in_form(form, cell)).collect();
        if let Some(dates) = dates {
            return Ok(dates);
        }
    }
    let unreadable = cells.iter().find(|(_, cell)| !FORMS.iter().any(|form| in_form(form, cell).is_some()));
    Err(unreadable.map_or_else(mixed, |(at, _)| not_a_date(*at)))
}

/// Whether a cell is a date in any form.
pub(super) fn is_date(cell: &str) -> bool {
    let cell = date_part(cell);
    FORMS.iter().any(|form| in_form(form, &cell).is_some())
}

/// An ISO date or date-time of an XML file.
pub(super) fn iso(text: &str) -> Option<Date> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest_is_time_or_zone = rest.is_empty() || rest.starts_with(['T', 'Z', '+', '-']);
    in_form("%Y-%m-%d", date).filter(|_| rest_is_time_or_zone)
}

/// `YYMMDD` of a SWIFT message, of this century.
pub(super) fn swift(text: &str) -> Option<Date> {
    (text.len() == 6).then(|| in_form("%Y%m%d", &format!("20{text}"))).flatten()
}

/// `MMDD` of a SWIFT message: the booking date next to its value date, which may lie across the turn of the year.
pub(super) fn swift_booked(text: &str, valued: Date) -> Option<Date> {
    let (month, day) = text.split_at_checked(2)?;
    let month: i8 = month.parse().ok()?;
    let year = match valued.month().checked_sub(month)? {
        7.. => valued.year().checked_add(1)?,
        ..=-7 => valued.year().checked_sub(1)?,
        _ => valued.year(),
    };
    Date::new(year, month, day.parse().ok()?).ok()
}

/// The refusal of an entry without a date that can be read.
pub(super) fn not_a_date(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "not_a_date",
        format!("Line {at} has no date that can be read."),
        "Look at the date there: it must be one such as 31/12/2026, 31-Dec-2026 or 2026-12-31. Correct the export.",
    )
}

fn mixed() -> Unreadable {
    Unreadable::file(
        "mixed_dates",
        "The dates of the file are written in more than one way, so day and month cannot be told for sure.",
        "Give the date column one format, best YYYY-MM-DD, for the whole file and upload it again.",
    )
}

/// The cell without its time of day: what stands before the blank or `T` in front of the first colon.
fn date_part(cell: &str) -> String {
    let cell = with_ascii_digits(cell);
    let before_colon = cell.split_once(':').map(|(before, _)| before);
    let date =
        before_colon.and_then(|before| before.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix([' ', 'T']));
    date.unwrap_or(&cell).trim().trim_end_matches(',').to_owned()
}

fn in_form(form: &str, text: &str) -> Option<Date> {
    // The longest form has 18 characters; the library also takes signs and blanks, which no date here has.
    if text.len() > 20 || text.starts_with(['+', '-', ' ']) || text.contains("  ") {
        return None;
    }
    Date::strptime(form, text).ok().filter(|date| (2000..=2099).contains(&date.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_form_is_read_with_the_day_first() {
        for cell in [
            "03/04/2026",
            "03-04-2026",
            "3/4/2026",
            "03-Apr-26",
            "03-APR-2026",
            "2026-04-03",
            "2026-04-03T23:59:59+06:00",
            "03/04/2026 10:15 PM",
            "03/04/2026, 10:15",
            "03 Apr 2026 10:15:00",
            "০৩/০৪/২০২৬",
            "April 3, 2026",
        ] {
            let dates = column(&[(1, cell)]);
            assert_eq!(dates.as_deref(), Ok(&[jiff::civil::date(2026, 4, 3)][..]), "{cell}");
        }
    }

    #[test]
    fn month_first_is_taken_only_if_the_whole_column_cannot_be_day_first() {
        let dates = column(&[(1, "03/04/2026"), (2, "03/25/2026")]).unwrap();
        assert_eq!(dates[0], jiff::civil::date(2026, 3, 4));
    }

    #[test]
    fn a_column_in_two_forms_and_a_cell_in_none_are_refused() {
        assert_eq!(column(&[(1, "25/04/2026"), (2, "04/25/2026")]).unwrap_err().code, "mixed_dates");
        assert_eq!(column(&[(1, "25/04/2026"), (2, "2026-04-25")]).unwrap_err().code, "mixed_dates");
        for cell in ["31/02/2026", "soon", "01/02/1926", "", "2026-13-40", "01/02/20266", "-01/02/2026"] {
            let refusal = column(&[(1, "25/04/2026"), (7, cell)]).unwrap_err();
            assert_eq!((refusal.code, refusal.at), ("not_a_date", Some(7)), "{cell}");
        }
    }

    #[test]
    fn booking_date_of_swift_lies_next_to_its_value_date() {
        let value = |text| swift(text).unwrap();
        assert_eq!(swift_booked("0102", value("261231")), Some(jiff::civil::date(2027, 1, 2)));
        assert_eq!(swift_booked("1231", value("270102")), Some(jiff::civil::date(2026, 12, 31)));
        assert_eq!(swift_booked("1126", value("261125")), Some(jiff::civil::date(2026, 11, 26)));
        assert_eq!(swift_booked("0231", value("260225")), None);
        assert_eq!((swift("261301"), swift("26110"), swift("26110১")), (None, None, None));
    }

    #[test]
    fn xml_dates_are_iso_dates_or_date_times() {
        assert_eq!(iso("2026-11-01T10:00:00+06:00"), Some(jiff::civil::date(2026, 11, 1)));
        assert_eq!(iso("2026-11-01"), Some(jiff::civil::date(2026, 11, 1)));
        assert_eq!((iso("2026-11-1"), iso("01/11/2026"), iso("2026-11-01x")), (None, None, None));
    }
}
