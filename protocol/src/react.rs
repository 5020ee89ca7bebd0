//! What central authors when a subject changes (SPEC S4): pure, in the same transaction, each fact
//! unique by (rule, subject, cause). Edges never react.

use std::collections::BTreeSet;

use crate::account::{Account, Code as Chart};
use crate::contest::Contest;
use crate::fact::{Distributed, EarningHeld, Fact, Judged, RtoCharged};
use crate::fold::{Folded, State};
use crate::history::History;
use crate::id::{OpId, Scope, Subject};
use crate::parcel::{Parcel, Status};
use crate::seat::Role;
use crate::taka::Taka;

/// How often a reaction may cause another one.
pub const MAX_DEPTH: usize = 4;

/// What a reaction may look at beside its subject: the earning of a parcel, the parcel of an earning,
/// and strict balances under the lock.
pub trait Books {
    /// The folded state of another subject, if it has facts.
    fn folded(&self, subject: Subject) -> Option<Folded>;
    /// The balance of a strict account, debit positive.
    fn balance(&self, account: Account) -> Taka;
}

/// The facts that follow from the state of `subject`, each with the subject it is about.
#[must_use]
pub fn react(subject: Subject, folded: &Folded, history: &History, books: &impl Books) -> Vec<(Subject, Fact)> {
    let mut facts = judgements(subject, folded, history);
    match &folded.state {
        State::Parcel(parcel) => facts.extend(settle(subject, parcel, books)),
        // The terms may come after the delivery: when a restored central is fed again by its edges.
        State::Earning(earning) => {
            let parcel = earning.terms.as_ref().map(|terms| terms.parcel);
            if let Some((parcel, State::Parcel(state))) = parcel.and_then(|p| Some((p, books.folded(p)?.state))) {
                facts.extend(settle(parcel, &state, books));
            }
        }
        State::Order(_) | State::HandIn(_) | State::Other => {}
    }
    facts
}

/// Every contest is told, once, on the subject itself.
fn judgements(subject: Subject, folded: &Folded, history: &History) -> Vec<(Subject, Fact)> {
    let told: BTreeSet<(OpId, u16)> = history
        .facts
        .iter()
        .filter_map(|seen| match &seen.fact {
            Some(Fact::Judged(judged)) => Some((judged.op, judged.code)),
            _ => None,
        })
        .collect();
    let untold = |contest: &&Contest| !told.contains(&(contest.op, contest.code as u16));
    let judged = |contest: &Contest| Fact::Judged(Judged { op: contest.op, code: contest.code as u16 });
    folded.contests().iter().filter(untold).map(|contest| (subject, judged(contest))).collect()
}

/// A settled parcel distributes its earning or charges its return; a contested one holds it.
fn settle(subject: Subject, parcel: &Parcel, books: &impl Books) -> Vec<(Subject, Fact)> {
    let about = Subject::earning_of(subject);
    let Some(State::Earning(earning)) = books.folded(about).map(|folded| folded.state) else { return Vec::new() };
    let Some(terms) = earning.terms.as_ref() else { return Vec::new() };
    if !parcel.is_settled() {
        let unheld = |contest: &&Contest| !earning.held_for.contains(&contest.op);
        let held = |contest: &Contest| Fact::EarningHeld(EarningHeld { cause: contest.op, code: contest.code as u16 });
        let mut seen = BTreeSet::new();
        return parcel.contests.iter().filter(unheld).filter(|c| seen.insert(c.op)).map(|c| (about, held(c))).collect();
    }
    match (parcel.status, parcel.satisfied_by, parcel.returned_by) {
        (Status::Delivered, Some(cause), _) if earning.distributed_for.is_none() => {
            vec![(about, Fact::Distributed(Distributed { cause }))]
        }
        (Status::Returned, _, Some(cause)) if earning.charged_for.is_none() => {
            let fee = terms.rto_fee.plus(terms.rto_vat);
            // 2020 is a liability: what the vendor has available is its credit balance.
            let has = books.balance(Chart::VendorAvailable.of_owner(terms.vendor)).negated();
            let available = has.min(fee).max(Taka::ZERO);
            vec![(about, Fact::RtoCharged(RtoCharged { cause, available, receivable: fee.minus(available) }))]
        }
        _ => Vec::new(),
    }
}

/// Closure (SPEC S2): the scopes of every author of a fact on the subject, and of every owner of an
/// account named in its journals.
#[must_use]
pub fn audience(folded: &Folded, history: &History) -> BTreeSet<Scope> {
    let authors = history.facts.iter().filter(|seen| !matches!(seen.role, Role::Central | Role::Hub));
    let owners =
        folded.journals.iter().flat_map(|journal| &journal.postings).filter_map(|posting| posting.account.owner);
    authors.map(|seen| seen.party).chain(owners.filter(Subject::is_scope)).collect()
}
