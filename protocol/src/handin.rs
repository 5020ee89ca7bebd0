//! The hand-in: an agent's cash becomes the till's when the cashier has counted it (R14, R15, R16).
//!
//! Slots: `offer` earliest, `count` earliest. Custody moves on the count, by the counted amount.

use std::collections::BTreeSet;

use crate::account::Code as Chart;
use crate::contest::{Code, Contest};
use crate::fact::{Fact, HandInCounted, HandInOffered};
use crate::history::{History, MAX_FACTS};
use crate::id::{OpId, Scope, Subject};
use crate::journal::{Journal, Rule};
use crate::slot::{self, Claim};
use crate::taka::Taka;

/// What the facts of one hand-in come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandIn {
    /// Who gives.
    pub agent: Option<Scope>,
    /// To which site.
    pub site: Option<Scope>,
    /// What he says it is.
    pub offered: Option<Taka>,
    /// What the cashier counted.
    pub counted: Option<Taka>,
    /// The count that moved custody.
    pub counted_by: Option<OpId>,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl HandIn {
    /// `offered`, `counted`, `short`, `over`, or `unknown` while neither fact is here.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.offered, self.counted) {
            (None, None) => "unknown",
            (Some(_), None) => "offered",
            (Some(offered), Some(counted)) if counted < offered => "short",
            (Some(offered), Some(counted)) if counted > offered => "over",
            (_, Some(_)) => "counted",
        }
    }
}

/// Folds the facts of one hand-in, and yields its journals.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (HandIn, Vec<Journal>) {
    let mut handin = HandIn { incomplete: history.incomplete, newer: history.newer, ..HandIn::default() };
    let mut contests: BTreeSet<Contest> = BTreeSet::new();
    let mut contest = |index: usize, code| {
        contests.insert(Contest { op: history.facts[index].id, code });
    };
    let offers: Vec<(usize, &HandInOffered)> =
        history.acts_of(|fact| if let Fact::HandInOffered(offer) = fact { Some(offer) } else { None }).collect();
    let counts: Vec<(usize, &HandInCounted)> =
        history.acts_of(|fact| if let Fact::HandInCounted(count) = fact { Some(count) } else { None }).collect();
    let claim = |index: &usize| Claim { fact: *index, evidence: 0, authority: 0 };
    let first = |indexes: Vec<usize>| {
        let claims: Vec<Claim> = indexes.iter().map(claim).collect();
        slot::earliest(history, &claims).map(|held| held.winner.fact)
    };
    let offer = first(offers.iter().map(|(index, _)| *index).collect());
    let count = first(counts.iter().map(|(index, _)| *index).collect());

    for (index, fact) in &offers {
        if Some(*index) == offer {
            handin.agent = Some(history.facts[*index].party);
            handin.site = Some(fact.site);
            handin.offered = Some(fact.amount);
        } else {
            contest(*index, Code::UnlistedPair);
        }
        for echo in history.echoes(*index) {
            if matches!(&history.facts[echo].fact, Some(Fact::HandInOffered(again)) if again.amount != fact.amount) {
                contest(echo, Code::DoubleTapDiffers);
            }
        }
    }
    let mut journals = Vec::new();
    for (index, fact) in &counts {
        if Some(*index) != count {
            // R17: the first count stands; the second is money to be explained.
            contest(*index, Code::SecondCount);
            continue;
        }
        let till = history.facts[*index].party;
        if handin.agent.is_some_and(|agent| agent != fact.agent) || handin.site.is_some_and(|site| site != till) {
            contest(*index, Code::WrongGiver);
        }
        let counted = amount_of(history, *index, fact, &mut contest);
        handin.counted = Some(counted);
        handin.counted_by = Some(history.facts[*index].id);
        journals.push(move_cash(subject, history.facts[*index].id, fact.agent, till, handin.offered, counted));
        handin.agent = Some(fact.agent);
        handin.site = Some(till);
    }
    for (index, seen) in history.facts.iter().enumerate() {
        if seen.doubted {
            contest(index, Code::RevokedAuthor);
        }
    }
    if history.facts.len() > MAX_FACTS {
        contest(MAX_FACTS, Code::SubjectFull);
    }
    journals.retain(|journal| !journal.postings.is_empty());
    handin.contests = history.waiting(contests);
    (handin, journals)
}

/// The counted amount; a double tap with two amounts owes the larger one.
fn amount_of(history: &History, index: usize, fact: &HandInCounted, contest: &mut impl FnMut(usize, Code)) -> Taka {
    let mut counted = fact.counted;
    for echo in history.echoes(index) {
        if let Some(Fact::HandInCounted(again)) = &history.facts[echo].fact {
            if again.counted != fact.counted {
                contest(echo, Code::DoubleTapDiffers);
                counted = counted.max(again.counted);
            }
        }
    }
    counted
}

/// J8, J9 or J10. A count without an offer moves just what was counted; the late offer turns it.
fn move_cash(
    subject: Subject,
    cause: OpId,
    agent: Scope,
    till: Scope,
    offered: Option<Taka>,
    counted: Taka,
) -> Journal {
    let given = offered.unwrap_or(counted);
    let cash = Chart::AgentCash.of_owner(agent);
    let till = (Chart::Till.of_owner(till), counted);
    if counted < given {
        let short = (Chart::Shortage.of_owner(agent), given.minus(counted));
        Journal::new(subject, Rule::J9, cause, &[till, short], &[(cash, given)])
    } else if counted > given {
        let over = (Chart::CashOver.of_owner(agent), counted.minus(given));
        Journal::new(subject, Rule::J10, cause, &[till], &[(cash, given), over])
    } else {
        Journal::new(subject, Rule::J8, cause, &[till], &[(cash, given)])
    }
}
