//! The states, folded anew from central's ops, and beside them the views that central stored.

use std::collections::{BTreeMap, BTreeSet};

use protocol::fold::{self, Folded, State};
use protocol::id::Subject;
use protocol::intake::{HeldOp, history_of};
use protocol::journal::Journal;
use protocol::parcel::Status;
use protocol::taka::Taka;

use super::postgres_rows::CentralRows;

/// What the ops of central come to.
pub(super) struct States(BTreeMap<Subject, Folded>);

/// How many of what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) orders: u64,
    pub(super) parcels: u64,
    pub(super) delivered: u64,
    pub(super) failed_attempts: u64,
    pub(super) returned: u64,
    pub(super) collected_at_point: u64,
    pub(super) prepaid: u64,
    pub(super) cancelled: u64,
    pub(super) contested: u64,
}

impl States {
    /// Folds every subject.
    pub(super) fn of(central: &CentralRows) -> Self {
        let mut ops: BTreeMap<Subject, Vec<HeldOp>> = BTreeMap::new();
        for op in central.ops.values().filter(|op| !op.subject.is_scope()) {
            ops.entry(op.subject).or_default().push(op.held.clone());
        }
        let fold = |(subject, ops): (Subject, Vec<HeldOp>)| {
            (subject, fold::fold(subject, &history_of(&ops, &central.seats, &central.revocations)))
        };
        Self(ops.into_iter().map(fold).collect())
    }

    /// T of every subject.
    pub(super) fn journals(&self) -> BTreeMap<Subject, Vec<Journal>> {
        self.0.iter().map(|(subject, folded)| (*subject, folded.journals.clone())).collect()
    }

    /// Counts the states.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for folded in self.0.values() {
            match &folded.state {
                State::Order(order) => {
                    counts.orders += u64::from(order.placed.is_some());
                    counts.prepaid += u64::from(order.captured > Taka::ZERO);
                }
                State::Parcel(parcel) => {
                    counts.parcels += u64::from(parcel.created.is_some());
                    let collected = parcel.status == Status::Collected;
                    counts.delivered += u64::from(collected || parcel.status == Status::Delivered);
                    counts.collected_at_point += u64::from(collected);
                    counts.cancelled += u64::from(parcel.status == Status::Cancelled);
                    counts.returned += u64::from(parcel.status == Status::Returned);
                    counts.contested += u64::from(!parcel.contests.is_empty());
                    counts.failed_attempts += u64::from(parcel.attempts);
                }
                _ => {}
            }
        }
        counts
    }

    /// Names every stored view that is not what its subject folds to.
    pub(super) fn check_views(&self, central: &CentralRows, problems: &mut Vec<String>) {
        let mut parcels = BTreeMap::new();
        let mut earnings = BTreeMap::new();
        let mut handins = BTreeMap::new();
        let mut orders = BTreeMap::new();
        for (subject, folded) in &self.0 {
            match &folded.state {
                State::Order(order) => drop(orders.insert(*subject, (order.placed.is_some(), order.cancelled))),
                State::Parcel(parcel) => {
                    let (due, collected) = (parcel.due().paisa(), parcel.collected.paisa());
                    let status = parcel.status.word().to_owned();
                    let view = (status, !parcel.contests.is_empty(), due, collected, i64::from(parcel.attempts));
                    parcels.insert(*subject, view);
                }
                State::Earning(earning) => {
                    earnings.insert(*subject, (earning.word().to_owned(), earning.net.paisa()));
                }
                State::HandIn(handin) => {
                    handins.insert(*subject, (handin.word().to_owned(), handin.counted.map(|paid| paid.paisa())));
                }
                _ => {}
            }
        }
        compare("view_order", &central.orders, &orders, problems);
        compare("view_parcel", &central.parcels, &parcels, problems);
        compare("view_earning", &central.earnings, &earnings, problems);
        compare("view_handin", &central.handins, &handins, problems);
    }
}

fn compare<V: PartialEq + std::fmt::Debug>(
    table: &str,
    stored: &BTreeMap<Subject, V>,
    folded: &BTreeMap<Subject, V>,
    problems: &mut Vec<String>,
) {
    let subjects: BTreeSet<&Subject> = stored.keys().chain(folded.keys()).collect();
    for subject in subjects {
        let (stored, folded) = (stored.get(subject), folded.get(subject));
        if stored != folded {
            problems
                .push(format!("central: {table} of {subject} is stored as {stored:?}; its facts fold to {folded:?}"));
        }
    }
}
