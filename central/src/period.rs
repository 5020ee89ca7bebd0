//! Days and months of the books. They are cut at midnight in Dhaka, by central's clock, and used nowhere else.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};

use crate::store::signed;

/// Asia/Dhaka has no summer time: days are cut at UTC+6.
const DHAKA_HOURS: i8 = 6;

fn dhaka() -> TimeZone {
    TimeZone::fixed(Offset::constant(DHAKA_HOURS))
}

/// The day in Dhaka at a time, ms since 1970.
#[must_use]
pub fn day(at_ms: u64) -> Date {
    let at = Timestamp::from_millisecond(signed(at_ms)).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(dhaka()).date()
}

/// When a day begins in Dhaka, ms since 1970; 0 for days before that.
#[must_use]
pub fn begins_ms(day: Date) -> u64 {
    let begin = day.to_zoned(dhaka()).map_or(0, |begin| begin.timestamp().as_millisecond());
    u64::try_from(begin).unwrap_or(0)
}

/// A month of the books: what a journal counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// Its first day.
    first: Date,
}

impl Month {
    /// The month in Dhaka at a time, ms since 1970.
    #[must_use]
    pub fn at(at_ms: u64) -> Self {
        Self { first: day(at_ms).first_of_month() }
    }

    /// Reads `2026-11`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-').filter(|(year, month)| year.len() == 4 && month.len() == 2)?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| text.parse::<i16>().ok().filter(|_| digits(text));
        let first = Date::new(number(year)?, i8::try_from(number(month)?).ok()?, 1).ok()?;
        Some(Self { first })
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self { first: self.first.checked_add(Span::new().months(1)).unwrap_or(self.first) }
    }

    /// When it is over, ms since 1970.
    #[must_use]
    pub fn ends_ms(self) -> u64 {
        begins_ms(self.next().first)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_are_cut_at_midnight_in_dhaka() {
        // 2026-10-31T17:59:59.999Z and one millisecond later.
        assert_eq!((day(1_793_469_599_999).to_string(), Month::at(1_793_469_599_999).to_string()), {
            ("2026-10-31".to_owned(), "2026-10".to_owned())
        });
        assert_eq!(Month::at(1_793_469_600_000).to_string(), "2026-11");
        assert_eq!(begins_ms(day(1_793_469_600_000)), 1_793_469_600_000);
        assert_eq!(Month::at(1_793_469_599_999).ends_ms(), 1_793_469_600_000);
        assert_eq!(Month::at(0).to_string(), "1970-01");
    }

    #[test]
    fn a_month_is_read_as_it_is_written_and_nothing_else_is() {
        for text in ["2026-11", "1999-01", "2026-12"] {
            assert_eq!(Month::parse(text).map(|month| month.to_string()).as_deref(), Some(text));
        }
        for text in ["", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "+026-11", "২০২৬-১১"]
        {
            assert_eq!(Month::parse(text), None, "{text}");
        }
        assert_eq!(Month::parse("2026-12").map(|month| month.next().to_string()).as_deref(), Some("2027-01"));
    }
}
