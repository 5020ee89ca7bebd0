//! Which line names which expected thing.

use std::collections::BTreeMap;

use super::{Expected, Line};

/// A foreign id this short may stand in a narration by chance.
const LEAST_IN_TEXT: usize = 5;

/// Which id of the expected thing a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Our own id.
    Own,
    /// A slip number, `TrxID`, consignment or seal.
    Foreign,
}

/// Everything lines say about expected things and about each other. Indices follow the order of the slices given.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// For each line, the things it names, ascending.
    pub direct: Vec<Vec<(usize, Kind)>>,
    /// For each line, the groups it names, ascending.
    pub groups: Vec<Vec<usize>>,
    /// For each line, its folded reference and ids, ascending.
    pub marks: Vec<Vec<String>>,
    /// For each expected thing, its group.
    pub group_of: Vec<Option<usize>>,
    /// For each group, its things, ascending.
    pub members: Vec<Vec<usize>>,
}

impl Names {
    /// Reads all names once. `opposed` tells that a line and a thing have different signs: they never belong together.
    pub(super) fn new(lines: &[&Line<'_>], expected: &[&Expected<'_>], opposed: impl Fn(usize, usize) -> bool) -> Self {
        let mut names = Self::default();
        let groups = names.read_groups(expected);
        let things = index(expected);
        for (place, line) in lines.iter().enumerate() {
            let marks = marks(line);
            let mut direct: Vec<(usize, Kind)> = Vec::new();
            let mut in_groups: Vec<usize> = Vec::new();
            let mut note = |word: &str, short: bool| {
                let known = things.get(word).into_iter().flatten();
                direct
                    .extend(known.filter(|(thing, kind)| !(opposed(place, *thing) || short && *kind == Kind::Foreign)));
                in_groups.extend(groups.get(word).filter(|_| !short));
            };
            for mark in &marks {
                note(mark, false);
            }
            for word in words(line.text) {
                note(&word, word.chars().count() < LEAST_IN_TEXT);
            }
            direct.sort_unstable();
            direct.dedup_by_key(|link| link.0);
            in_groups.retain(|group| {
                names.members.get(*group).is_some_and(|members| members.iter().any(|thing| !opposed(place, *thing)))
            });
            in_groups.sort_unstable();
            in_groups.dedup();
            names.direct.push(direct);
            names.groups.push(in_groups);
            names.marks.push(marks);
        }
        names
    }

    fn read_groups(&mut self, expected: &[&Expected<'_>]) -> BTreeMap<String, usize> {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for (place, thing) in expected.iter().enumerate() {
            let name = fold(thing.group.unwrap_or_default());
            if name.is_empty() {
                self.group_of.push(None);
                continue;
            }
            let fresh = groups.len();
            let group = *groups.entry(name).or_insert(fresh);
            if group == fresh {
                self.members.push(Vec::new());
            }
            if let Some(members) = self.members.get_mut(group) {
                members.push(place);
            }
            self.group_of.push(Some(group));
        }
        groups
    }
}

/// A number for each counterparty after normalising; 0 when there is none to go by.
#[derive(Debug, Default)]
pub(super) struct Parties(BTreeMap<String, usize>);

impl Parties {
    /// The number of `name`, which ignores case, spaces and punctuation.
    pub(super) fn number(&mut self, name: &str) -> usize {
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if plain.is_empty() {
            return 0;
        }
        let fresh = self.0.len() + 1;
        *self.0.entry(plain).or_insert(fresh)
    }
}

fn index(expected: &[&Expected<'_>]) -> BTreeMap<String, Vec<(usize, Kind)>> {
    let mut things: BTreeMap<String, Vec<(usize, Kind)>> = BTreeMap::new();
    for (place, thing) in expected.iter().enumerate() {
        let foreign = thing.ids.iter().map(|id| (*id, Kind::Foreign));
        for (id, kind) in std::iter::once((thing.id, Kind::Own)).chain(foreign) {
            let id = fold(id);
            let said = without_check(&id).to_owned();
            if kind == Kind::Own && said != id {
                things.entry(said).or_default().push((place, kind));
            }
            if !id.is_empty() {
                things.entry(id).or_default().push((place, kind));
            }
        }
    }
    things
}

fn marks(line: &Line<'_>) -> Vec<String> {
    let mut marks: Vec<String> = std::iter::once(&line.reference).chain(&line.ids).map(|id| fold(id)).collect();
    marks.retain(|mark| !mark.is_empty());
    marks.sort_unstable();
    marks.dedup();
    marks
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-')
        .map(|word| word.trim_matches('-'))
        .filter(|word| !word.is_empty())
        .map(fold)
}

/// One of our ids as a narration keeps it: its check may be `*`, `~`, `$` or `=`, which end a word, and which banks leave
/// out of what they print.
pub(crate) fn without_check(id: &str) -> &str {
    id.trim_end_matches(['*', '~', '$', '='])
}

fn fold(id: &str) -> String {
    id.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_hyphens() {
        let found: Vec<String> = words("NPSB/Paid for P-17, (-x-) ").collect();
        assert_eq!(found, ["npsb", "paid", "for", "p-17", "x"]);
    }

    #[test]
    fn an_id_is_found_whatever_its_check_is() {
        for id in ["Y01M8EFAGR8TD9D74PVJXXYMKEM$", "Y01M8EFAGR8TD9D74PVJXXYMKEMU", "Y01M8EFAGR8TD9D74PVJXXYMKEM="] {
            let thing = Expected {
                key: 0,
                date: jiff::civil::Date::MIN,
                amount: protocol::taka::Taka::whole(1),
                id,
                ids: Vec::new(),
                counterparty: "",
                group: None,
            };
            let things = index(&[&thing]);
            let text = format!("BEFTN {id} to meghna");
            assert!(words(&text).any(|word| things.get(&word) == Some(&vec![(0, Kind::Own)])), "{id}");
            assert_eq!(things.get(&fold(id)), Some(&vec![(0, Kind::Own)]), "{id} as a reference");
        }
    }

    #[test]
    fn parties_ignore_case_spaces_and_punctuation() {
        let mut parties = Parties::default();
        assert_eq!(parties.number("M/S. Karim & Co"), parties.number("ms KARIM co."));
        assert_ne!(parties.number("Karim"), parties.number("Rahim"));
        assert_eq!(parties.number(" -. "), 0);
    }
}
