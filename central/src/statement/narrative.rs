//! The narrative of an MT940 entry, field `:86:`: plain words, `?20` subfields or `/EREF/` codes.
//!
//! Source: the `?nn` subfields are those of the German banking industry (DK Anlage 3), the slash codes those of SWIFT
//! and of the Dutch banks. Both are read by name; what is not known stays in the text.

use super::tidy;

/// Lines of this length were cut by the bank in the middle of a word.
const FOLD: usize = 65;
/// How many bytes of a narrative are read; SWIFT allows 390 characters.
const MAX_TOLD: usize = 16 * 1024;

/// Slash codes whose value is an id.
const ID_CODES: [&str; 7] = ["EREF", "KREF", "IREF", "PREF", "MREF", "INV", "CHQ"];
/// Slash codes whose value is who.
const NAME_CODES: [&str; 4] = ["NAME", "ORDP", "BENM", "CNTP"];
/// Slash codes whose value is the payer's words.
const WORD_CODES: [&str; 2] = ["REMI", "SVWZ"];

/// What a narrative says. Personal, so it has no `Debug`.
#[derive(Default)]
pub(super) struct Narrative {
    /// Who, if told apart.
    pub counterparty: String,
    /// The words.
    pub text: String,
    /// Ids in the order of the narrative.
    pub ids: Vec<String>,
}

/// The lines as one; a blank goes between them where the line end was not just the end of the room.
pub(super) fn unfolded(lines: &[&str]) -> String {
    let mut out = String::new();
    let mut was_full = true;
    for line in lines {
        if !was_full {
            out.push(' ');
        }
        out.push_str(line.trim_end());
        was_full = line.chars().count() >= FOLD || line.is_empty();
    }
    out
}

impl Narrative {
    /// Reads an unfolded narrative.
    pub(super) fn of(told: &str) -> Self {
        let told = told.get(..told.floor_char_boundary(MAX_TOLD)).unwrap_or_default();
        let after_code = told.get(3..).filter(|_| told.bytes().take(3).all(|b| b.is_ascii_digit()));
        let subfields = after_code.unwrap_or(told);
        if is_subfield(subfields) {
            return Self::of_subfields(subfields);
        }
        if told.starts_with('/') {
            return Self::of_codes(told);
        }
        Self { text: tidy(told), ..Self::default() }
    }

    fn of_subfields(told: &str) -> Self {
        let mut found = Self::default();
        let (mut words, mut name, mut purpose) = (String::new(), String::new(), String::new());
        for part in split_before(told, is_subfield) {
            let (number, value) =
                part.strip_prefix('?').and_then(|part| part.split_at_checked(2)).unwrap_or(("", part));
            match number.parse::<u8>().unwrap_or_default() {
                20..=29 | 60..=63 => match value.split_at_checked(5) {
                    Some((code, rest)) if code.ends_with('+') => found.keyword(code, rest, &mut purpose),
                    _ => purpose.push_str(value),
                },
                32 | 33 => name.push_str(value),
                10 | 30 | 31 | 34 => {}
                _ => {
                    words.push_str(value);
                    words.push(' ');
                }
            }
        }
        found.counterparty = tidy(&name);
        found.text = tidy(&(words + &purpose));
        found
    }

    /// `EREF+...` within a purpose subfield.
    fn keyword(&mut self, code: &str, value: &str, purpose: &mut String) {
        if ID_CODES.contains(&code.trim_end_matches('+')) {
            self.ids.push(tidy(value));
        } else if code == "SVWZ+" {
            purpose.push_str(value);
        } else {
            purpose.push_str(code);
            purpose.push_str(value);
        }
    }

    fn of_codes(told: &str) -> Self {
        let mut found = Self::default();
        let mut words = String::new();
        for part in split_before(told, |rest| slash_code(rest).is_some()) {
            let Some(code) = slash_code(part) else { continue };
            let value = part.get(code.len().saturating_add(2)..).unwrap_or_default().trim_matches('/');
            if ID_CODES.contains(&code) {
                found.ids.push(tidy(value));
            } else if NAME_CODES.contains(&code) {
                found.counterparty = tidy(value);
            } else {
                words.push_str(value);
                words.push(' ');
            }
        }
        found.text = tidy(if words.is_empty() && found.ids.is_empty() { told } else { &words });
        found
    }
}

/// The text in parts, each of which begins where `begins` holds for the rest of the text.
fn split_before(text: &str, begins: impl Fn(&str) -> bool) -> Vec<&str> {
    let starts = text.match_indices(['?', '/']).map(|(place, _)| place);
    let mut starts: Vec<usize> = starts.filter(|place| text.get(*place..).is_some_and(&begins)).collect();
    starts.push(text.len());
    let mut from = 0;
    let mut parts = Vec::new();
    for place in starts {
        parts.extend(text.get(from..place).filter(|part| !part.is_empty()));
        from = place;
    }
    parts
}

/// Whether a text begins with `?` and two digits.
fn is_subfield(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('?') && chars.by_ref().take(2).filter(char::is_ascii_digit).count() == 2
}

/// The known code between the slashes that a text begins with.
fn slash_code(text: &str) -> Option<&str> {
    let (code, _) = text.strip_prefix('/')?.split_once('/')?;
    let known = ID_CODES.iter().chain(&NAME_CODES).chain(&WORD_CODES).any(|known| *known == code);
    known.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrative(told: &str) -> (String, String, Vec<String>) {
        let Narrative { counterparty, text, ids } = Narrative::of(told);
        (counterparty, text, ids)
    }

    #[test]
    fn subfields_are_put_together_across_their_cuts() {
        let told = "166?00CREDIT?20EREF+E-1?21SVWZ+GI-7K?223Q9 paid?31BD99?32Rahima?33 Khatun";
        let want = ("Rahima Khatun".to_owned(), "CREDIT GI-7K3Q9 paid".to_owned(), vec!["E-1".to_owned()]);
        assert_eq!(narrative(told), want);
    }

    #[test]
    fn slash_codes_give_ids_name_and_words_that_may_hold_slashes() {
        let told = "/EREF/E-1/INV/2026/11/7/NAME/Karim Mia/REMI/for a/b";
        let ids = vec!["E-1".to_owned(), "2026/11/7".to_owned()];
        assert_eq!(narrative(told), ("Karim Mia".to_owned(), "for a/b".to_owned(), ids));
    }

    #[test]
    fn plain_words_stay_as_they_are() {
        for told in ["Cash deposit ?", "/unknown/ words", "নগদ জমা", "12", "?2"] {
            assert_eq!(narrative(told), (String::new(), told.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn an_endless_narrative_is_cut_between_characters() {
        let told = "ব/INV/".repeat(MAX_TOLD);
        assert!(Narrative::of(&told).text.starts_with("ব/INV/"));
    }

    #[test]
    fn a_full_line_goes_on_without_a_blank() {
        let full = "x".repeat(FOLD);
        assert_eq!(unfolded(&[&full, "y", "z"]), format!("{full}y z"));
    }
}
