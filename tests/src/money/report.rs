//! What one seed, or many, came to.

use std::collections::BTreeMap;

use protocol::journal::Rule;
use serde::Serialize;

/// Outcomes of pairs of facts, by the names of the catalogue (FACTS.md, "Rules for pairs"); those that have none there
/// are written in words.
pub const PAIRS: [&str; 25] = [
    "R1",
    "R2",
    "R4",
    "R5",
    "R5_scan",
    "R7",
    "R7_goods_and_money",
    "R8_vendor",
    "R8_under_way",
    "door_and_counter",
    "one_site",
    "R12",
    "R13",
    "R14",
    "R15",
    "R16",
    "R17",
    "R18",
    "R19",
    "R20",
    "R21",
    "R24",
    "R32",
    "recorded_twice",
    "unlisted_pair",
];

/// The figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Worlds.
    pub seeds: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// Facts in central's log at the end.
    pub facts: u64,
    /// Rows of the journal log at the end.
    pub journals: u64,
    /// What people did, and how often.
    pub acts: BTreeMap<&'static str, u64>,
    /// What people were refused, and how often.
    pub refused: BTreeMap<String, u64>,
    /// Journals and outcomes that followed from people acting.
    pub coverage: BTreeMap<&'static str, u64>,
    /// What is left at the end, by what it is.
    pub left: BTreeMap<&'static str, u64>,
    /// Faults of the product that are known and not mended.
    pub known_faults: BTreeMap<&'static str, u64>,
}

impl Report {
    /// A person did something.
    pub fn did(&mut self, act: &'static str) {
        *self.acts.entry(act).or_default() += 1;
    }

    /// Something was reached.
    pub fn reached(&mut self, what: &'static str) {
        *self.coverage.entry(what).or_default() += 1;
    }

    /// A known fault of the product showed.
    pub fn fault(&mut self, what: &'static str) {
        *self.known_faults.entry(what).or_default() += 1;
    }

    /// Something is left at the end.
    pub fn leaves(&mut self, what: &'static str) {
        *self.left.entry(what).or_default() += 1;
    }

    /// Everything that is to be reached.
    #[must_use]
    pub fn wanted() -> Vec<&'static str> {
        Rule::ALL.iter().map(|rule| rule.name()).chain(PAIRS).collect()
    }

    /// What was reached less than `least` times.
    #[must_use]
    pub fn short_of(&self, least: u64) -> Vec<(&'static str, u64)> {
        let count = |what| self.coverage.get(what).copied().unwrap_or_default();
        Self::wanted().into_iter().map(|what| (what, count(what))).filter(|(_, count)| *count < least).collect()
    }

    /// Adds another seed's.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.facts += other.facts;
        self.journals += other.journals;
        let counts = [
            (&mut self.acts, &other.acts),
            (&mut self.coverage, &other.coverage),
            (&mut self.left, &other.left),
            (&mut self.known_faults, &other.known_faults),
        ];
        for (of, from) in counts {
            for (word, count) in from {
                *of.entry(word).or_default() += count;
            }
        }
        for (word, count) in &other.refused {
            *self.refused.entry(word.clone()).or_default() += count;
        }
    }
}
