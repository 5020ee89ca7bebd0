//! The working state: what is sorted, what is taken, what is doubtful.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::names::{Kind, Names, Parties};
use super::sums::union;
use super::{By, Expected, Line, Policy};
use protocol::taka::Taka;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// What the stages need to know of a line or an expected thing.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    /// The caller's key.
    pub key: u64,
    /// The date as a number of days.
    pub day: i64,
    /// The amount with its sign.
    pub amount: Taka,
    /// The number of the counterparty; 0 when there is none.
    pub party: usize,
    /// Whether it is a line marked as a reversal.
    pub reversal: bool,
}

/// A match in indices.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// Indices of the lines, ascending.
    pub lines: Vec<usize>,
    /// Indices of the expected things, ascending.
    pub expected: Vec<usize>,
    /// The evidence.
    pub by: By,
}

/// The state of one run. All indices are those of `lines` and `expected`, which are sorted by day and key.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    /// The lines.
    pub lines: Vec<Fact>,
    /// The expected things.
    pub expected: Vec<Fact>,
    /// How far to reach.
    pub policy: &'a Policy,
    /// Who names whom.
    pub names: Names,
    /// What is decided.
    pub matches: Vec<Pair>,
    /// For each expected thing, the match that took it.
    pub taken_by: Vec<Option<usize>>,
    line_taken: Vec<bool>,
    doubts: BTreeMap<usize, usize>,
    sets: Vec<Vec<usize>>,
    set_numbers: BTreeMap<Vec<usize>, usize>,
    doubted: BTreeSet<usize>,
}

impl<'a> Desk<'a> {
    /// Sorts the input, so that its order has no influence on anything after.
    pub(super) fn new(lines: &[Line<'_>], expected: &[Expected<'_>], policy: &'a Policy) -> Self {
        let mut parties = Parties::default();
        let lines = sorted(lines, |l| {
            (l.date, l.key, l.amount, l.reference, l.counterparty, l.text, l.reversal, sorted(&l.ids, |id| *id))
        });
        let expected =
            sorted(expected, |e| (e.date, e.key, e.amount, e.id, e.counterparty, e.group, sorted(&e.ids, |id| *id)));
        let line_facts: Vec<Fact> = lines
            .iter()
            .map(|l| Fact {
                key: l.key,
                day: day(l.date),
                amount: l.amount,
                party: parties.number(l.counterparty),
                reversal: l.reversal,
            })
            .collect();
        let things: Vec<Fact> = expected
            .iter()
            .map(|e| Fact {
                key: e.key,
                day: day(e.date),
                amount: e.amount,
                party: parties.number(e.counterparty),
                reversal: false,
            })
            .collect();
        let names = Names::new(&lines, &expected, |l, e| opposed(line_facts[l].amount, things[e].amount));
        Self {
            line_taken: vec![false; lines.len()],
            taken_by: vec![None; expected.len()],
            lines: line_facts,
            expected: things,
            policy,
            names,
            matches: Vec::new(),
            doubts: BTreeMap::new(),
            sets: Vec::new(),
            set_numbers: BTreeMap::new(),
            doubted: BTreeSet::new(),
        }
    }

    /// Lines in no match, doubtful or not.
    pub(super) fn left_lines(&self) -> impl Iterator<Item = usize> {
        (0..self.lines.len()).filter(|line| !self.line_taken[*line])
    }

    /// Lines a stage may still match.
    pub(super) fn free_lines(&self) -> impl Iterator<Item = usize> {
        self.left_lines().filter(|line| !self.doubts.contains_key(line))
    }

    /// Whether the line is in no match.
    pub(super) fn is_left(&self, line: usize) -> bool {
        !self.line_taken[line]
    }

    /// Whether the expected thing is in no match.
    pub(super) fn is_free(&self, thing: usize) -> bool {
        self.taken_by[thing].is_none()
    }

    /// Whether the line is kept from this round.
    pub(super) fn is_doubtful(&self, line: usize) -> bool {
        self.doubts.contains_key(&line)
    }

    /// Whether the thing is a candidate of an ambiguous match.
    pub(super) fn is_doubted(&self, thing: usize) -> bool {
        self.doubted.contains(&thing)
    }

    /// Decides a match. Both lists must be free.
    pub(super) fn take(&mut self, mut lines: Vec<usize>, mut expected: Vec<usize>, by: By) {
        lines.sort_unstable();
        expected.sort_unstable();
        for line in &lines {
            self.line_taken[*line] = true;
        }
        for thing in &expected {
            self.taken_by[*thing] = Some(self.matches.len());
        }
        self.matches.push(Pair { lines, expected, by });
    }

    /// Numbers a set of candidates, so that many lines can share it.
    pub(super) fn set(&mut self, mut candidates: Vec<usize>) -> usize {
        candidates.sort_unstable();
        candidates.dedup();
        if let Some(known) = self.set_numbers.get(&candidates) {
            return *known;
        }
        self.doubted.extend(&candidates);
        self.sets.push(candidates.clone());
        self.set_numbers.insert(candidates, self.sets.len() - 1);
        self.sets.len() - 1
    }

    /// Keeps a line from the stages that follow in this round, because more than one answer is possible.
    pub(super) fn doubt(&mut self, line: usize, set: usize) {
        let set = match self.doubts.get(&line) {
            Some(before) if *before != set => {
                let both = union(self.sets[*before].clone(), &self.sets[set]);
                self.set(both)
            }
            _ => set,
        };
        self.doubts.insert(line, set);
    }

    /// Starts a round.
    pub(super) fn forget_doubts(&mut self) {
        self.doubts.clear();
        self.sets.clear();
        self.set_numbers.clear();
        self.doubted.clear();
    }

    /// The doubtful lines of this round with their candidates: lines with the same candidates together.
    pub(super) fn doubtful(&self) -> Vec<(Vec<usize>, Vec<usize>)> {
        let mut by_set: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (line, set) in self.doubts.iter().filter(|(line, _)| self.is_left(**line)) {
            by_set.entry(*set).or_default().push(*line);
        }
        let mut doubtful = Vec::new();
        for (set, lines) in by_set {
            let candidates = &self.sets[set];
            if candidates.is_empty() {
                doubtful.extend(lines.into_iter().map(|line| (vec![line], Vec::new())));
            } else {
                doubtful.push((lines, candidates.clone()));
            }
        }
        doubtful
    }

    /// Days between a line and an expected thing.
    pub(super) fn days(&self, line: usize, thing: usize) -> i64 {
        (self.lines[line].day - self.expected[thing].day).abs()
    }

    /// Whether line and thing are too far apart even for a foreign id: such numbers are used again.
    pub(super) fn is_late(&self, line: usize, thing: usize, kind: Kind) -> bool {
        kind == Kind::Foreign && self.days(line, thing) > i64::from(self.policy.longest_window_days)
    }

    /// Whether the line names something, free or taken: then no weaker evidence may lead it elsewhere.
    pub(super) fn speaks(&self, line: usize) -> bool {
        let equal = |thing: usize| self.expected[thing].amount == self.lines[line].amount;
        let direct = &self.names.direct[line];
        !self.names.groups[line].is_empty()
            || direct.iter().any(|(thing, kind)| !self.is_late(line, *thing, *kind) || equal(*thing))
    }

    /// The free things a line names and whether they are late: those it names itself, else those of its groups.
    pub(super) fn named(&self, line: usize) -> Vec<(usize, bool)> {
        let direct: Vec<(usize, bool)> = self.names.direct[line]
            .iter()
            .filter(|(thing, _)| self.is_free(*thing))
            .map(|(thing, kind)| (*thing, self.is_late(line, *thing, *kind)))
            .collect();
        if !direct.is_empty() {
            return direct;
        }
        let members = self.names.groups[line].iter().flat_map(|group| self.group(*group, line));
        members.map(|thing| (thing, self.is_late(line, thing, Kind::Foreign))).collect()
    }

    /// The free things of a group with the sign of the line.
    pub(super) fn group(&self, group: usize, line: usize) -> Vec<usize> {
        let fits =
            |thing: &usize| self.is_free(*thing) && !opposed(self.expected[*thing].amount, self.lines[line].amount);
        self.names.members[group].iter().copied().filter(fits).collect()
    }

    /// For each expected thing, whether weaker evidence may take it: it is free, and no line left over names it.
    pub(super) fn unclaimed(&self) -> Vec<bool> {
        let mut unclaimed: Vec<bool> = (0..self.expected.len()).map(|thing| self.is_free(thing)).collect();
        for line in self.left_lines() {
            for (thing, _) in self.named(line).into_iter().filter(|(_, late)| !late) {
                unclaimed[thing] = false;
            }
        }
        unclaimed
    }
}

/// The date as a number of days.
pub(super) fn day(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24
}

/// Whether the signs differ: a credit, a debit and nothing are three different things.
pub(super) fn opposed(one: Taka, other: Taka) -> bool {
    one.cmp(&Taka::ZERO) != other.cmp(&Taka::ZERO)
}

fn sorted<'s, T, K: Ord>(items: &'s [T], key: impl Fn(&'s T) -> K) -> Vec<&'s T> {
    let mut items: Vec<&'s T> = items.iter().collect();
    items.sort_by_cached_key(|item| key(item));
    items
}
