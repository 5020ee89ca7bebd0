//! The facts of one subject with their causality: who had seen what.

use std::collections::{BTreeMap, BTreeSet};

use crate::contest::Contest;
use crate::fact::{Fact, Reading};
use crate::id::{Author, Id16, OpId, Scope, ShortId};
use crate::op::Op;
use crate::seat::{Role, Seat};

/// More facts than this on one money subject are a sign of abuse; the subject is then contested.
pub const MAX_FACTS: usize = 512;

/// One op of the subject as the fold sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its id.
    pub id: OpId,
    /// The seat that authored it.
    pub author: Author,
    /// The person behind the seat.
    pub person: Id16,
    /// The seat's own scope.
    pub party: Scope,
    /// The seat's role.
    pub role: Role,
    /// The author's claim of the time.
    pub time_ms: u64,
    /// Heads the author held.
    pub after: Vec<ShortId>,
    /// The fact; `None` for a kind of a later version.
    pub fact: Option<Fact>,
    /// Authored by a revoked seat beyond what was known: folded, and contested (SPEC S6).
    pub doubted: bool,
}

impl Seen {
    /// The op by its header and payload; `None` when its payload is broken, for those are apart.
    #[must_use]
    pub fn of(id: OpId, op: &Op, author: Author, seat: &Seat, time_ms: u64, doubted: bool) -> Option<Self> {
        let fact = match Fact::read(op.class_kind, &op.payload) {
            Reading::Known(fact) => Some(fact),
            Reading::Newer => None,
            Reading::Broken => return None,
        };
        let (person, party, role) = (seat.person, seat.party, seat.role());
        Some(Self { id, author, person, party, role, time_ms, after: op.after.clone(), fact, doubted })
    }
}

/// All facts of a subject, by id, with who follows whom.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The facts, in order of id.
    pub facts: Vec<Seen>,
    /// Bit j of row i: fact i follows fact j.
    follows: Vec<Vec<u64>>,
    /// Some fact names a head that is not held.
    pub incomplete: bool,
    /// Some op is of a later version.
    pub newer: bool,
    /// For each fact, the canonical fact of the same act (itself, for the canonical one).
    canonical: Vec<usize>,
}

/// A set of facts of one history, a bit for each index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexes(Vec<u64>);

impl Indexes {
    /// The set of these.
    #[must_use]
    pub fn of(facts: impl Iterator<Item = usize>) -> Self {
        let mut set = Self::default();
        for fact in facts {
            set.0.resize(set.0.len().max(fact / 64 + 1), 0);
            set.0[fact / 64] |= 1 << (fact % 64);
        }
        set
    }

    /// Whether it holds this one.
    #[must_use]
    pub fn holds(&self, fact: usize) -> bool {
        self.0.get(fact / 64).is_some_and(|word| word >> (fact % 64) & 1 == 1)
    }
}

impl History {
    /// Orders the facts of one subject. The order in which they are given does not matter.
    #[must_use]
    pub fn new(mut facts: Vec<Seen>) -> Self {
        facts.sort_by_key(|seen| seen.id);
        facts.dedup_by_key(|seen| seen.id);
        let mut by_short: BTreeMap<ShortId, Vec<usize>> = BTreeMap::new();
        for (index, seen) in facts.iter().enumerate() {
            by_short.entry(seen.id.short()).or_default().push(index);
        }
        let mut incomplete = false;
        let parents: Vec<Vec<usize>> = facts
            .iter()
            .map(|seen| {
                let found = |short: &ShortId| by_short.get(short).cloned().unwrap_or_default();
                incomplete |= seen.after.iter().any(|short| !by_short.contains_key(short));
                seen.after.iter().flat_map(found).collect()
            })
            .collect();
        let follows = ancestors(&parents);
        let newer = facts.iter().any(|seen| seen.fact.is_none());
        let mut history = Self { facts, follows, incomplete, newer, canonical: Vec::new() };
        history.canonical = history.acts();
        history
    }

    /// The same history in which these say nothing, and stand for no act; who had seen what stays.
    #[must_use]
    pub fn without(&self, facts: &Indexes) -> Self {
        let mut left = self.clone();
        for (index, seen) in left.facts.iter_mut().enumerate() {
            if facts.holds(index) {
                (seen.fact, seen.doubted) = (None, false);
            }
        }
        left.canonical = left.acts();
        left
    }

    /// Whether the author of fact `a` had seen fact `b`.
    #[must_use]
    pub fn follows(&self, a: usize, b: usize) -> bool {
        self.follows[a][b / 64] >> (b % 64) & 1 == 1
    }

    /// Everything that these facts had seen, as one set: a slot of a thousand claims is settled in one pass over them.
    #[must_use]
    pub fn known_to(&self, facts: impl Iterator<Item = usize>) -> Indexes {
        let mut known = Indexes(Vec::new());
        for fact in facts {
            let seen = &self.follows[fact];
            known.0.resize(known.0.len().max(seen.len()), 0);
            known.0.iter_mut().zip(seen).for_each(|(all, word)| *all |= word);
        }
        known
    }

    /// Whether fact `a` had seen one of these.
    #[must_use]
    pub fn follows_any(&self, a: usize, facts: &Indexes) -> bool {
        self.follows[a].iter().zip(&facts.0).any(|(seen, wanted)| seen & wanted != 0)
    }

    /// Whether fact `a` had seen all of these.
    #[must_use]
    pub fn follows_all(&self, a: usize, facts: &Indexes) -> bool {
        let seen = self.follows[a].iter().copied().chain(std::iter::repeat(0));
        facts.0.iter().zip(seen).all(|(wanted, seen)| wanted & !seen == 0)
    }

    /// Whether neither had seen the other.
    #[must_use]
    pub fn concurrent(&self, a: usize, b: usize) -> bool {
        a != b && !self.follows(a, b) && !self.follows(b, a)
    }

    /// The ids that nothing follows: what the next fact on the subject names in `after`.
    #[must_use]
    pub fn heads(&self) -> Vec<ShortId> {
        let all = 0..self.facts.len();
        let is_head = |index: &usize| !all.clone().any(|other| self.follows(other, *index));
        let mut heads: Vec<ShortId> = all.clone().filter(is_head).map(|index| self.facts[index].id.short()).collect();
        heads.truncate(crate::op::MAX_AFTER);
        heads
    }

    /// What of these contests waits: not what people looked at and left as it is. A clearing counts as long as no device
    /// recorded anything that whoever cleared had not seen.
    #[must_use]
    pub fn waiting(&self, contests: BTreeSet<Contest>) -> Vec<Contest> {
        let is_new = |at: usize, other: usize| {
            !matches!(self.facts[other].role, Role::Central | Role::Hub) && self.concurrent(at, other)
        };
        let stands = |at: &usize| !(0..self.facts.len()).any(|other| is_new(*at, other));
        let clears = |at: &usize| matches!(self.facts[*at].fact, Some(Fact::Cleared(_)));
        let clearings: Vec<usize> = (0..self.facts.len()).filter(clears).filter(stands).collect();
        let is_cleared = |contest: &Contest| {
            clearings.iter().any(|at| match &self.facts[*at].fact {
                Some(Fact::Cleared(one)) => {
                    let knew = |seen: usize| self.facts[seen].id == contest.op && self.follows(*at, seen);
                    one.op == contest.op && one.code == contest.code as u16 && (0..self.facts.len()).any(knew)
                }
                _ => false,
            })
        };
        contests.into_iter().filter(|contest| clearings.is_empty() || !is_cleared(contest)).collect()
    }

    /// Facts that stand for an act of their own, in order of id (R1: a double tap is one act).
    pub fn acts_of<'a, T: 'a>(
        &'a self,
        pick: impl Fn(&'a Fact) -> Option<&'a T> + 'a,
    ) -> impl Iterator<Item = (usize, &'a T)> {
        self.facts.iter().enumerate().filter_map(move |(index, seen)| {
            if self.canonical[index] != index {
                return None;
            }
            seen.fact.as_ref().and_then(&pick).map(|fact| (index, fact))
        })
    }

    /// Whether the fact is the one that stands for its act.
    #[must_use]
    pub fn is_canonical(&self, index: usize) -> bool {
        self.canonical[index] == index
    }

    /// The other facts of the same act.
    pub fn echoes(&self, canonical: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.facts.len()).filter(move |index| *index != canonical && self.canonical[*index] == canonical)
    }

    /// Two facts of one person, same kind, neither after the other, are one act; smallest id canonical.
    fn acts(&self) -> Vec<usize> {
        let mut canonical: Vec<usize> = Vec::with_capacity(self.facts.len());
        for (index, seen) in self.facts.iter().enumerate() {
            let kind = seen.fact.as_ref().map(Fact::class_kind);
            let same = |earlier: &usize| {
                let other = &self.facts[*earlier];
                canonical[*earlier] == *earlier
                    && kind.is_some()
                    && seen.role != Role::Central
                    && other.person == seen.person
                    && other.fact.as_ref().map(Fact::class_kind) == kind
                    && self.concurrent(index, *earlier)
            };
            let stands_for = (0..index).find(same).unwrap_or(index);
            canonical.push(stands_for);
        }
        canonical
    }
}

/// Transitive closure of `parents`, as bit rows. A hash cannot name its own descendant, so there is
/// no cycle; a forged prefix that made one is cut by visiting each fact once.
fn ancestors(parents: &[Vec<usize>]) -> Vec<Vec<u64>> {
    let words = parents.len().div_ceil(64);
    let mut rows = vec![vec![0u64; words]; parents.len()];
    let mut done = vec![false; parents.len()];
    let mut entered = vec![false; parents.len()];
    let mut stack: Vec<(usize, bool)> = Vec::new();
    for start in 0..parents.len() {
        stack.push((start, false));
        while let Some((index, leaving)) = stack.pop() {
            if leaving {
                for parent in parents[index].iter().filter(|parent| **parent != index && done[**parent]) {
                    let (row, of_parent) = borrow_two(&mut rows, index, *parent);
                    row.iter_mut().zip(of_parent.iter()).for_each(|(word, add)| *word |= add);
                    rows[index][parent / 64] |= 1 << (parent % 64);
                }
                done[index] = true;
            } else if !entered[index] {
                entered[index] = true;
                stack.push((index, true));
                stack.extend(parents[index].iter().filter(|parent| !entered[**parent]).map(|parent| (*parent, false)));
            }
        }
    }
    rows
}

fn borrow_two(rows: &mut [Vec<u64>], a: usize, b: usize) -> (&mut Vec<u64>, &Vec<u64>) {
    if a < b {
        let (left, right) = rows.split_at_mut(b);
        (&mut left[a], &right[0])
    } else {
        let (left, right) = rows.split_at_mut(a);
        (&mut right[0], &left[b])
    }
}
