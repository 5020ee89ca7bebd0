//! Money: integer paisa, BDT only.

use std::fmt;
use std::iter::Sum;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// An amount of money in paisa (1/100 taka). Negative amounts are credits.
///
/// The bound keeps every amount exact in an IEEE double (2^53), because screens are JavaScript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[cbor(transparent)]
#[serde(transparent)]
pub struct Taka(#[n(0)] i64);

impl Taka {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// The largest amount of a fact: 10^12 taka in paisa.
    pub const MAX_PAISA: i64 = 100_000_000_000_000;

    /// An amount from paisa; `None` beyond ±[`Taka::MAX_PAISA`].
    #[must_use]
    pub const fn from_paisa(paisa: i64) -> Option<Self> {
        if paisa > Self::MAX_PAISA || paisa < -Self::MAX_PAISA { None } else { Some(Self(paisa)) }
    }

    /// An amount of whole taka that the program itself writes down.
    ///
    /// # Panics
    /// At compile time or in a test, when the literal is beyond the bound.
    #[must_use]
    pub const fn whole(taka: i32) -> Self {
        Self(taka as i64 * 100)
    }

    /// The amount in paisa.
    #[must_use]
    pub const fn paisa(self) -> i64 {
        self.0
    }

    /// Sum that stays inside i64: totals of many amounts may pass the bound of a single fact.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference, with the same bound as [`Taka::plus`].
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The amount with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// Whether this may stand in a fact as an amount of cash: not negative and inside the bound.
    #[must_use]
    pub const fn is_cash(self) -> bool {
        self.0 >= 0 && self.0 <= Self::MAX_PAISA
    }

    /// `rate` basis points of the amount, rounded half up to the paisa.
    #[must_use]
    pub fn basis_points(self, rate: u32) -> Self {
        let scaled = i128::from(self.0) * i128::from(rate) + 5_000;
        Self(i64::try_from(scaled.div_euclid(10_000)).unwrap_or(i64::MAX))
    }

    /// The amount without its odd paisa: cash on delivery is always whole taka, rounded down (J32).
    #[must_use]
    pub const fn whole_taka(self) -> Self {
        Self(self.0 - self.0.rem_euclid(100))
    }

    /// Reads what a person types: `1250`, `1,250`, `1250.50`, `১২৫০`, with or without ৳.
    ///
    /// Returns `None` for anything else, for more than two decimals, and beyond the bound.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('৳').trim();
        let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, cents) = text.split_once('.').map_or((text, ""), |parts| parts);
        if whole.is_empty() || cents.chars().count() > 2 {
            return None;
        }
        let mut paisa: i64 = 0;
        for digit in whole.chars().filter(|c| *c != ',') {
            paisa = paisa.checked_mul(10)?.checked_add(digit_value(digit)?)?;
        }
        for place in 0..2 {
            let digit = cents.chars().nth(place).map_or(Some(0), digit_value)?;
            paisa = paisa.checked_mul(10)?.checked_add(digit)?;
        }
        Self::from_paisa(sign * paisa)
    }
}

/// The value of an ASCII or Bangla digit.
#[must_use]
pub fn digit_value(digit: char) -> Option<i64> {
    match digit {
        '0'..='9' => Some(i64::from(digit as u32 - '0' as u32)),
        '০'..='৯' => Some(i64::from(digit as u32 - '০' as u32)),
        _ => None,
    }
}

impl fmt::Display for Taka {
    /// `1,069.00` with the groups of three that receipts use; the currency sign is the screen's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let digits = (magnitude / 100).to_string();
        let mut grouped = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad_integral(true, "", &format!("{sign}{grouped}.{:02}", magnitude % 100))
    }
}

impl Sum for Taka {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type_and_nothing_else() {
        for (text, paisa) in [("1250", 125_000), (" ৳1,250.5 ", 125_050), ("১২৫০", 125_000), ("0.05", 5), ("-3", -300)]
        {
            assert_eq!(Taka::parse(text).map(Taka::paisa), Some(paisa), "{text}");
        }
        for text in ["", "abc", "1.234", "1e9", "১২x", "99999999999999999999", "1000000000001", ".", "--1", "1 250"]
        {
            assert_eq!(Taka::parse(text), None, "{text}");
        }
    }

    #[test]
    fn rounds_half_up_and_prints_groups() {
        assert_eq!(Taka::from_paisa(106_900).unwrap().basis_points(150).paisa(), 1_604);
        assert_eq!(Taka::from_paisa(123_456_789).unwrap().to_string(), "1,234,567.89");
        assert_eq!(Taka::from_paisa(-5).unwrap().to_string(), "-0.05");
        assert_eq!(Taka::from_paisa(106_940).unwrap().whole_taka().paisa(), 106_900);
    }
}
