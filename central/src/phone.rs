//! Bangladeshi mobile numbers, in the spellings that people use.

use protocol::taka::digit_value;

/// Longest spelling that is looked at, characters.
const MAX_SPELLING: usize = 40;

/// `+8801XXXXXXXXX`, from `01712345678`, `+8801712345678`, `8801712345678`, with dashes, dots, spaces
/// or brackets, in ASCII or Bangla digits. `None` for anything else.
#[must_use]
pub fn normalise(text: &str) -> Option<String> {
    let text = text.trim();
    if text.chars().count() > MAX_SPELLING {
        return None;
    }
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let mut digits = String::new();
    for sign in rest.chars() {
        match digit_value(sign) {
            Some(digit) => digits.push(char::from_digit(u32::try_from(digit).ok()?, 10)?),
            None if matches!(sign, '-' | ' ' | '.' | '(' | ')' | '\u{a0}' | '\u{2011}' | '\u{2013}') => {}
            None => return None,
        }
    }
    let national = match digits.strip_prefix("880") {
        Some(rest) => format!("0{rest}"),
        None if plus => return None,
        None => digits,
    };
    // 013 to 019 are the mobile operators.
    let operator = national.as_bytes().get(2).is_some_and(|digit| (b'3'..=b'9').contains(digit));
    (national.len() == 11 && national.starts_with("01") && operator).then(|| format!("+88{national}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_spellings_are_one_number() {
        for text in
            ["01712345678", "+8801712345678", "8801712345678", "01712-345 678", "০১৭১২৩৪৫৬৭৮", " +৮৮০ ১৭১২-৩৪৫৬৭৮ "]
        {
            assert_eq!(normalise(text).as_deref(), Some("+8801712345678"), "{text}");
        }
        for text in [
            "",
            "0171234567",
            "017123456789",
            "02712345678",
            "01212345678",
            "+4401712345678",
            "01712x45678",
            "1712345678",
            "+01712345678",
        ] {
            assert_eq!(normalise(text), None, "{text}");
        }
    }
}
