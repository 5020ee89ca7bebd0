//! What central authors when a subject changes (SPEC S4): pure, in the same transaction, each fact
//! unique by (rule, subject, cause). Edges never react.

use std::collections::BTreeSet;

use crate::account::{Account, Code as Chart};
use crate::contest::{Code, Contest};
use crate::earning::{Earning, Prepaid, Terms};
use crate::fact::{
    ChargeReversed, Distributed, DistributionReversed, EarningClawedBack, EarningHeld, EscrowReleased, Fact, HoldEnded,
    Judged, RtoCharged,
};
use crate::fold::{Folded, State};
use crate::history::History;
use crate::id::{OpId, Scope, Subject};
use crate::parcel::{Parcel, Status};
use crate::seat::Role;
use crate::taka::Taka;

/// How often a reaction may cause another one.
pub const MAX_DEPTH: usize = 4;

/// What a reaction may look at beside its subject: the earning of a parcel, the parcel of an earning,
/// the parcels of an order that is paid, and balances under the lock: strict ones and escrow.
pub trait Books {
    /// The folded state of another subject, if it has facts.
    fn folded(&self, subject: Subject) -> Option<Folded>;
    /// The balance of a strict account or of an escrow, debit positive.
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
        // Paid after the goods moved or were called off: what waited for the money goes on.
        State::Order(order) if is_paid(history) => {
            let mut left = Left { books, taken: Taka::ZERO };
            for parcel in order.placed.iter().flat_map(|placed| &placed.parcels) {
                if let Some(State::Parcel(state)) = books.folded(*parcel).map(|folded| folded.state) {
                    let settled = settle(*parcel, &state, &left);
                    left.take(*parcel, &settled);
                    facts.extend(settled);
                }
            }
        }
        _ => {}
    }
    facts
}

/// The books, less what the parcels of one order take out of its escrow in one go: none of them finds there what another one
/// has taken.
struct Left<'a, B> {
    books: &'a B,
    taken: Taka,
}

impl<B: Books> Left<'_, B> {
    fn take(&mut self, parcel: Subject, settled: &[(Subject, Fact)]) {
        let empties = |(_, fact): &(Subject, Fact)| matches!(fact, Fact::Distributed(_) | Fact::EscrowReleased(_));
        let earning = self.books.folded(Subject::earning_of(parcel)).map(|folded| folded.state);
        if let (true, Some(State::Earning(earning))) = (settled.iter().any(empties), earning) {
            self.taken = self.taken.plus(earning.terms.map_or(Taka::ZERO, |terms| terms.price()));
        }
    }
}

impl<B: Books> Books for Left<'_, B> {
    fn folded(&self, subject: Subject) -> Option<Folded> {
        self.books.folded(subject)
    }

    fn balance(&self, account: Account) -> Taka {
        let there = self.books.balance(account);
        // A liability: what is taken out of it is a debit.
        if account.code == Chart::Escrow { there.plus(self.taken) } else { there }
    }
}

fn is_paid(history: &History) -> bool {
    history.facts.iter().any(|seen| matches!(&seen.fact, Some(fact) if fact.pays_ahead()))
}

/// Whether central has something to tell of the contests of a subject.
#[must_use]
pub fn is_untold(subject: Subject, folded: &Folded, history: &History) -> bool {
    !judgements(subject, folded, history).is_empty()
}

/// Every contest is told, once, on the subject itself; that of an earning was told by the hold that named it.
fn judgements(subject: Subject, folded: &Folded, history: &History) -> Vec<(Subject, Fact)> {
    if matches!(folded.state, State::Earning(_)) {
        return Vec::new();
    }
    let told: BTreeSet<(OpId, u16)> = history
        .facts
        .iter()
        .filter_map(|seen| match &seen.fact {
            Some(Fact::Judged(judged)) => Some((judged.op, judged.code)),
            _ => None,
        })
        .collect();
    // Which fact is one too many changes with every further one, that it is full does not.
    let is_full = |code: u16| code == Code::SubjectFull as u16;
    let full_told = told.iter().any(|(_, code)| is_full(*code));
    let untold = |contest: &&Contest| {
        let code = contest.code as u16;
        !(told.contains(&(contest.op, code)) || full_told && is_full(code))
    };
    let judged = |contest: &Contest| Fact::Judged(Judged { op: contest.op, code: contest.code as u16 });
    folded.contests().iter().filter(untold).map(|contest| (subject, judged(contest))).collect()
}

/// A settled parcel distributes its earning, gives back what was paid ahead or charges its return; a
/// contested one holds it.
fn settle(subject: Subject, parcel: &Parcel, books: &impl Books) -> Vec<(Subject, Fact)> {
    let about = Subject::earning_of(subject);
    let Some(State::Earning(earning)) = books.folded(about).map(|folded| folded.state) else { return Vec::new() };
    let Some(terms) = earning.terms.as_ref() else { return Vec::new() };
    if let Some(cause) = earning.distributed_for.filter(|cause| did_not_happen(parcel, cause)) {
        // Goods that the customer has given back himself cannot come back from the courier: a person finds out.
        if earning.returned.goods == Taka::ZERO {
            let fact = match earning.matured_for {
                None => Fact::DistributionReversed(DistributionReversed { cause }),
                Some(matured) => claw_back(cause, matured, terms, books),
            };
            return vec![(about, fact)];
        }
    }
    if !parcel.is_settled() {
        let unheld = |contest: &&Contest| !earning.held_for.contains(&contest.op);
        let held = |contest: &Contest| Fact::EarningHeld(EarningHeld { cause: contest.op, code: contest.code as u16 });
        let mut seen = BTreeSet::new();
        return parcel.contests.iter().filter(unheld).filter(|c| seen.insert(c.op)).map(|c| (about, held(c))).collect();
    }
    if let (Some(cause), Some(owed), None) = (earning.charged_for, earning.charge_owed, parcel.returned_by) {
        return vec![(about, reverse_charge(cause, owed, terms, books))];
    }
    if earning.released_for.is_some() && parcel.status.is_with_customer() {
        return goods_and_money(about, parcel, &earning);
    }
    let open = earning.distributed_for.is_none() && earning.released_for.is_none();
    let fact = match &terms.prepaid {
        Some(paid) if open && is_covered(terms, paid, books) => settle_prepaid(parcel),
        None if open && parcel.status.is_with_customer() => distributed(parcel.satisfied_by),
        None if parcel.status == Status::Returned && earning.charged_for.is_none() => {
            parcel.returned_by.map(|cause| charge(cause, terms, books))
        }
        _ => None,
    };
    match fact {
        // What is settled knowing of a hold ends it.
        Some(fact) => vec![(about, fact)],
        None => holds_over(&earning).map(|cause| (about, Fact::HoldEnded(HoldEnded { cause }))).collect(),
    }
}

/// Whether the delivery was taken back by its courier (R21), or voided (R5).
fn did_not_happen(parcel: &Parcel, delivery: &OpId) -> bool {
    parcel.taken_back.contains(delivery) || parcel.voided.contains(delivery)
}

/// What an earning is held for, of a parcel that waits for nothing any more. What only the earning tells stays.
fn holds_over(earning: &Earning) -> impl Iterator<Item = OpId> {
    let own = |cause: &&OpId| !earning.contests.iter().any(|contest| contest.op == **cause);
    earning.held_for.iter().filter(own).copied()
}

/// Whether the escrow holds what this parcel costs: the money may come after the goods.
fn is_covered(terms: &Terms, paid: &Prepaid, books: &impl Books) -> bool {
    // 2040 is a liability: what is in it is its credit balance.
    books.balance(Chart::Escrow.of_owner(paid.order)).negated() >= terms.price()
}

/// Money that was paid ahead is the vendor's when the goods arrived, the customer's when they will not.
fn settle_prepaid(parcel: &Parcel) -> Option<Fact> {
    let released = |cause, how| Fact::EscrowReleased(EscrowReleased { cause, how });
    match parcel.status {
        Status::Delivered | Status::Collected => distributed(parcel.satisfied_by.or(parcel.status_by)),
        Status::Cancelled | Status::Rejected => parcel.status_by.map(|cause| released(cause, 1)),
        Status::Returned => parcel.returned_by.map(|cause| released(cause, 2)),
        _ => None,
    }
}

/// The release stands: the customer was told of it. That the goods are with the customer too is named, once.
fn goods_and_money(about: Subject, parcel: &Parcel, earning: &Earning) -> Vec<(Subject, Fact)> {
    let given = parcel.status_by.filter(|given| earning.contests.iter().all(|contest| contest.op != *given));
    let held = |cause| Fact::EarningHeld(EarningHeld { cause, code: Code::GoodsAndMoney as u16 });
    given.map(|cause| (about, held(cause))).into_iter().collect()
}

fn distributed(cause: Option<OpId>) -> Option<Fact> {
    cause.map(|cause| Fact::Distributed(Distributed { cause }))
}

/// The fee of a return, from what the vendor has and then from what the vendor owes.
fn charge(cause: OpId, terms: &Terms, books: &impl Books) -> Fact {
    let fee = terms.rto_fee.plus(terms.rto_vat);
    // 2020 is a liability: what the vendor has available is its credit balance.
    let has = books.balance(Chart::VendorAvailable.of_owner(terms.vendor)).negated();
    let available = has.min(fee).max(Taka::ZERO);
    Fact::RtoCharged(RtoCharged { cause, available, receivable: fee.minus(available) })
}

/// What the vendor may have is taken back; what he was paid of it he owes.
fn claw_back(cause: OpId, matured: OpId, terms: &Terms, books: &impl Books) -> Fact {
    let has = books.balance(Chart::VendorAvailable.of_owner(terms.vendor)).negated().max(Taka::ZERO);
    let receivable = terms.share().minus(has).max(Taka::ZERO);
    Fact::EarningClawedBack(EarningClawedBack { cause, matured, receivable })
}

/// The fee of a return that was none. What was kept of it since he may have again.
fn reverse_charge(cause: OpId, owed: Taka, terms: &Terms, books: &impl Books) -> Fact {
    let owes = books.balance(Chart::VendorReceivable.of_owner(terms.vendor)).max(Taka::ZERO);
    let receivable = owed.minus(owes).max(Taka::ZERO);
    Fact::ChargeReversed(ChargeReversed { cause, receivable })
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
