//! Amounts as banks, wallets and couriers write them. Never floats.

use super::Unreadable;
use protocol::taka::{Taka, digit_value};

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not a figure, or its commas stand where no writer of amounts puts them.
    Unclear,
    /// More than two decimals.
    TooPrecise,
    /// Beyond [`Taka::MAX_PAISA`].
    TooLarge,
}

/// An amount in a cell of a CSV file; `None` for an empty cell or a dash.
///
/// Takes Bangla digits, lakh and western groups, `৳`, `BDT`, `Tk`, `/-`, a minus, brackets for minus, `Cr` and `Dr`.
pub(super) fn written(cell: &str) -> Result<Option<Taka>, Fault> {
    let plain = with_ascii_digits(cell).replace(['\u{a0}', '\u{202f}'], " ").replace('−', "-").to_ascii_uppercase();
    let text = plain.trim();
    if text.is_empty() || text == "-" {
        return Ok(None);
    }
    let (text, signs) = unwrapped(text);
    let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
    let amount = figure(&ungrouped(whole).ok_or(Fault::Unclear)?, cents)?;
    match signs {
        0 => Ok(Some(amount)),
        1 => Ok(Some(amount.negated())),
        _ => Err(Fault::Unclear),
    }
}

/// An amount of an XML file: digits, a point, digits.
pub(super) fn decimal(text: &str) -> Result<Taka, Fault> {
    let (text, negative) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
    figure(whole, cents).map(|amount| if negative { amount.negated() } else { amount })
}

/// An amount of an MT940 file: digits, a comma, perhaps digits (SWIFT format `15d`).
pub(super) fn swift(text: &str) -> Result<Taka, Fault> {
    let (whole, cents) = text.split_once(',').ok_or(Fault::Unclear)?;
    figure(whole, cents)
}

/// The text with ASCII digits instead of Bangla ones.
pub(crate) fn with_ascii_digits(text: &str) -> String {
    text.chars()
        .map(|c| match digit_value(c).and_then(|value| u32::try_from(value).ok()) {
            Some(value) => char::from_digit(value, 10).unwrap_or(c),
            None => c,
        })
        .collect()
}

impl Fault {
    /// The refusal of the entry that holds the amount.
    pub(super) fn at(self, at: u32) -> Unreadable {
        match self {
            Self::Unclear => Unreadable::line(
                at,
                "not_an_amount",
                format!("Line {at} has an amount that cannot be read."),
                "Look at the amount there: it must be a figure such as 1,00,000.00. Export the file again, unedited.",
            ),
            Self::TooPrecise => Unreadable::line(
                at,
                "too_many_decimals",
                format!("Line {at} has an amount with more than two decimals."),
                "Amounts are taka and paisa. Export the file again with amounts as the bank booked them.",
            ),
            Self::TooLarge => Unreadable::line(
                at,
                "amount_too_large",
                format!("Line {at} has an amount beyond {}.", Taka::from_paisa(Taka::MAX_PAISA).unwrap_or_default()),
                "Check that the amount is right and that the columns of the file are not shifted.",
            ),
        }
    }
}

/// The refusal of a negative amount where another field tells the direction.
pub(super) fn reversed_sign(at: u32) -> Unreadable {
    Unreadable::line(
        at,
        "reversed_sign",
        format!("Line {at} has a negative amount although the direction is told elsewhere."),
        "Ask the sender which of the two is meant, or use a mapping with one signed amount column.",
    )
}

/// The figure without currency, sign and brackets, and how many marks make it negative.
fn unwrapped(text: &str) -> (&str, u32) {
    let (mut text, mut signs) = (text, 0);
    loop {
        let before = text;
        for mark in ["৳", "BDT", "TK.", "TK", "/-", "CR"] {
            text = text.strip_prefix(mark).or_else(|| text.strip_suffix(mark)).unwrap_or(text).trim();
        }
        let minus = text.strip_prefix('-').or_else(|| text.strip_suffix("DR"));
        let minus = minus.or_else(|| text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')));
        if let Some(rest) = minus {
            (text, signs) = (rest.trim(), signs + 1);
        }
        if text.len() == before.len() || signs > 1 {
            return (text, signs);
        }
    }
}

/// Removes group commas: `1,00,000` and `100,000`, but not `12,50`, which is a decimal comma elsewhere.
fn ungrouped(whole: &str) -> Option<String> {
    let mut groups = whole.rsplit(',');
    let last = groups.next()?;
    let others: Vec<&str> = groups.collect();
    let Some((first, middle)) = others.split_last() else { return Some(last.to_owned()) };
    let even = |size: usize| middle.iter().all(|group| group.len() == size) && (1..=size).contains(&first.len());
    (last.len() == 3 && (even(2) || even(3))).then(|| whole.replace(',', ""))
}

fn figure(whole: &str, cents: &str) -> Result<Taka, Fault> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(cents) {
        return Err(Fault::Unclear);
    }
    if cents.len() > 2 {
        return Err(Fault::TooPrecise);
    }
    Taka::parse(&format!("{whole}.{cents}")).ok_or(Fault::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_amounts_as_written_in_bangladesh() {
        for (cell, paisa) in [
            ("1,00,000.00", 10_000_000),
            ("12,34,56,789.5", 12_345_678_950),
            ("100,000", 10_000_000),
            ("৳ ১,২৫০.৫০", 125_050),
            ("BDT 500", 50_000),
            ("500/-", 50_000),
            ("Tk. 0.05", 5),
            ("-৳5", -500),
            ("৳-5", -500),
            ("(1,250.00)", -125_000),
            ("1,250.00 Cr", 125_000),
            ("1,250.00 Dr", -125_000),
            ("\u{a0}7\u{a0}", 700),
        ] {
            assert_eq!(written(cell).unwrap().map(Taka::paisa), Some(paisa), "{cell}");
        }
        assert_eq!((written(" "), written("-")), (Ok(None), Ok(None)));
    }

    #[test]
    fn refuses_unclear_too_precise_and_too_large_amounts() {
        for cell in
            ["12,50", "1,0,0", ",500", "1,2345", "1.2.3", "1e5", "five", "--5", "(-5)", "5-", "+5", ".", "1 250"]
        {
            assert_eq!(written(cell), Err(Fault::Unclear), "{cell}");
        }
        assert_eq!(written("1.234"), Err(Fault::TooPrecise));
        assert_eq!(written("1000000000001"), Err(Fault::TooLarge));
        assert_eq!(written("99999999999999999999999999"), Err(Fault::TooLarge));
    }

    #[test]
    fn reads_swift_amounts_only_with_their_comma() {
        assert_eq!(swift("1250,5").map(Taka::paisa), Ok(125_050));
        assert_eq!(swift("1250,").map(Taka::paisa), Ok(125_000));
        for text in ["1250", ",50", "1.250,00", "1,2,3", "-1,"] {
            assert_eq!(swift(text), Err(Fault::Unclear), "{text}");
        }
        assert_eq!(swift("1,123"), Err(Fault::TooPrecise));
    }

    #[test]
    fn reads_xml_decimals() {
        assert_eq!(decimal("1250.50").map(Taka::paisa), Ok(125_050));
        assert_eq!(decimal("-3").map(Taka::paisa), Ok(-300));
        assert_eq!(decimal("1,000"), Err(Fault::Unclear));
    }
}
