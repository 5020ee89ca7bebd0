//! What central took back of an earning because it did not happen after all: a distribution, before or after the vendor might
//! have it, and the fee of a return. What is taken back posts nothing any more. Where the vendor was paid meanwhile, or the
//! fee was kept from him, what he owes bears the difference (J20f).

use std::collections::BTreeSet;

use super::{Terms, adds_up};
use crate::account::Code as Chart;
use crate::fact::{ChargeReversed, EarningClawedBack, Fact};
use crate::history::History;
use crate::id::{OpId, Subject};
use crate::journal::{Journal, Rule};
use crate::taka::Taka;

/// Which facts of an earning count no more, and what the vendor owes for it.
#[derive(Debug, Default)]
pub(super) struct TakenBack {
    /// Facts, by their place in the history.
    facts: BTreeSet<usize>,
    /// What was not there any more, by the fact that took it back.
    owed: Vec<(OpId, Taka)>,
}

impl TakenBack {
    /// Each fact takes back what it has heard of and none before it took: what is charged, or matures, after it stands
    /// again. One that finds nothing which comes to what it says takes nothing back.
    pub(super) fn of(history: &History, terms: &Terms) -> Self {
        let mut all = Self::default();
        let mut backs: Vec<(usize, usize)> = Vec::new();
        for (index, seen) in history.facts.iter().enumerate() {
            if let Some(Fact::DistributionReversed(_) | Fact::ChargeReversed(_) | Fact::EarningClawedBack(_)) =
                &seen.fact
            {
                let heard = (0..history.facts.len()).filter(|other| history.follows(index, *other)).count();
                backs.push((heard, index));
            }
        }
        // Whoever has heard of another one has heard of more.
        backs.sort_unstable();
        for (_, index) in backs {
            let (taken, owed) = match &history.facts[index].fact {
                Some(Fact::DistributionReversed(back)) => (all.distributed(back.cause, index, history), Taka::ZERO),
                Some(Fact::ChargeReversed(back)) => (all.charges(back, index, history, terms), back.receivable),
                Some(Fact::EarningClawedBack(back)) => (all.matured(back, index, history, terms), back.receivable),
                _ => continue,
            };
            if !taken.is_empty() {
                all.facts.extend(taken);
                all.owed.push((history.facts[index].id, owed));
            }
        }
        all
    }

    /// The charge that a fact takes back.
    fn charges(&self, back: &ChargeReversed, at: usize, history: &History, terms: &Terms) -> Vec<usize> {
        self.heard(at, history, &|fact| {
            matches!(fact, Fact::RtoCharged(charge) if charge.cause == back.cause
                && adds_up(charge, terms) && back.receivable <= charge.receivable)
        })
    }

    /// The distribution that a fact takes back, with what matured of it: all of it.
    fn matured(&self, back: &EarningClawedBack, at: usize, history: &History, terms: &Terms) -> Vec<usize> {
        let share = terms.share();
        let distributed = self.distributed(back.cause, at, history);
        let matured = self.heard(
            at,
            history,
            &|fact| matches!(fact, Fact::Matured(of) if of.cause == back.matured && of.net == share),
        );
        let there = !distributed.is_empty() && !matured.is_empty() && back.receivable <= share;
        if there { [distributed, matured].concat() } else { Vec::new() }
    }

    /// The distribution of a delivery that a fact takes back.
    fn distributed(&self, cause: OpId, at: usize, history: &History) -> Vec<usize> {
        self.heard(at, history, &|fact| matches!(fact, Fact::Distributed(of) if of.cause == cause))
    }

    /// Facts that another one had heard of and that still count.
    fn heard(&self, at: usize, history: &History, wanted: &dyn Fn(&Fact) -> bool) -> Vec<usize> {
        let is = |index: &usize| {
            let fact = history.facts[*index].fact.as_ref();
            history.follows(at, *index) && !self.facts.contains(index) && fact.is_some_and(wanted)
        };
        (0..history.facts.len()).filter(is).collect()
    }

    /// Whether the fact at a place counts.
    pub(super) fn leaves(&self, index: usize) -> bool {
        !self.facts.contains(&index)
    }

    /// J20f.
    pub(super) fn journals(&self, subject: Subject, terms: &Terms) -> impl Iterator<Item = Journal> {
        let owes = Chart::VendorReceivable.of_owner(terms.vendor);
        let may_have = Chart::VendorAvailable.of_owner(terms.vendor);
        self.owed.iter().map(move |(cause, amount)| {
            Journal::new(subject, Rule::J20f, *cause, &[(owes, *amount)], &[(may_have, *amount)])
        })
    }
}
