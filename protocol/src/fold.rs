//! From the facts of one subject to its state and its journals T(S). Reads no other subject.

use crate::bag::{self, Bag};
use crate::contest::Contest;
use crate::deposit::{self, Deposit};
use crate::earning::{self, Earning};
use crate::entry::{self, Booked};
use crate::handin::{self, HandIn};
use crate::history::History;
use crate::id::{Kind, Subject};
use crate::journal::Journal;
use crate::line::{self, Line};
use crate::order::{self, Order};
use crate::parcel::{self, Parcel};
use crate::payout::{self, Payout};
use crate::refund::{self, Refund};
use crate::remittance::{self, Remittance};
use crate::ruling::{self, Ruling};
use crate::shift::{self, Shift};
use crate::sweep::{self, Sweep};

/// The version of the fold. A fix that changes an outcome raises it, and comes with a restate job.
/// 2: a cancellation is contested no more by what the vendor or a carrier did not know (R8).
/// 3: claims of custody that overtake each other all stand, and are contested.
/// 4: a scan overtakes only what it can have overtaken in one way; that a courier brings a parcel back moves none that was
/// scanned in already.
/// 5: a scan that has heard of neither of two vans, sent from two windows that did not know of each other, overtakes none.
/// 6: a scan that had heard of one agent's load overtakes no load by another who had not.
/// 7: what was voided says nothing of a parcel (R5); a scan of what was recorded as delivered has a code of its own; a
/// distribution that was taken back may be made again for the same delivery.
pub const RULES: u32 = 7;

/// The state of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A purchase.
    Order(Box<Order>),
    /// A parcel.
    Parcel(Box<Parcel>),
    /// A vendor's earning.
    Earning(Box<Earning>),
    /// A hand-in of cash.
    HandIn(Box<HandIn>),
    /// A shift at a till.
    Shift(Box<Shift>),
    /// A sealed bag of cash.
    Bag(Box<Bag>),
    /// A bank deposit.
    Deposit(Box<Deposit>),
    /// A payout to a vendor.
    Payout(Box<Payout>),
    /// Our own money leaving the settlement account.
    Sweep(Box<Sweep>),
    /// A partner's remittance.
    Remittance(Box<Remittance>),
    /// Money paid back to a customer.
    Refund(Box<Refund>),
    /// A line of a statement that nothing else explains.
    Line(Box<Line>),
    /// What people decided about a difference.
    Ruling(Box<Ruling>),
    /// What finance booked on paper evidence.
    Entry(Box<Booked>),
    /// A subject of a kind that this version does not fold.
    Other,
}

/// State and journals of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// What it comes to.
    pub state: State,
    /// T(S), in order of their keys.
    pub journals: Vec<Journal>,
}

/// Folds `subject`. Total: any set of facts has a state.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> Folded {
    let (state, mut journals) = match subject.kind() {
        Some(Kind::Order) => {
            let (order, journals) = order::fold(subject, history);
            (State::Order(Box::new(order)), journals)
        }
        Some(Kind::Parcel) => {
            let (parcel, journals) = parcel::fold(subject, history);
            (State::Parcel(Box::new(parcel)), journals)
        }
        Some(Kind::Earning) => {
            let (earning, journals) = earning::fold(subject, history);
            (State::Earning(Box::new(earning)), journals)
        }
        Some(Kind::HandIn) => {
            let (handin, journals) = handin::fold(subject, history);
            (State::HandIn(Box::new(handin)), journals)
        }
        Some(Kind::Shift) => {
            let (shift, journals) = shift::fold(subject, history);
            (State::Shift(Box::new(shift)), journals)
        }
        Some(Kind::Bag) => {
            let (bag, journals) = bag::fold(subject, history);
            (State::Bag(Box::new(bag)), journals)
        }
        Some(Kind::Deposit) => {
            let (deposit, journals) = deposit::fold(subject, history);
            (State::Deposit(Box::new(deposit)), journals)
        }
        Some(Kind::Payout) => {
            let (payout, journals) = payout::fold(subject, history);
            (State::Payout(Box::new(payout)), journals)
        }
        Some(Kind::Sweep) => {
            let (sweep, journals) = sweep::fold(subject, history);
            (State::Sweep(Box::new(sweep)), journals)
        }
        Some(Kind::Remittance) => {
            let (remittance, journals) = remittance::fold(subject, history);
            (State::Remittance(Box::new(remittance)), journals)
        }
        Some(Kind::Refund) => {
            let (refund, journals) = refund::fold(subject, history);
            (State::Refund(Box::new(refund)), journals)
        }
        Some(Kind::Line) => {
            let (line, journals) = line::fold(subject, history);
            (State::Line(Box::new(line)), journals)
        }
        Some(Kind::Ruling) => {
            let (ruling, journals) = ruling::fold(subject, history);
            (State::Ruling(Box::new(ruling)), journals)
        }
        Some(Kind::Entry) => {
            let (booked, journals) = entry::fold(subject, history);
            (State::Entry(Box::new(booked)), journals)
        }
        _ => (State::Other, Vec::new()),
    };
    journals.sort_by_key(Journal::key);
    Folded { state, journals }
}

impl Folded {
    /// What waits for a ruling.
    #[must_use]
    pub fn contests(&self) -> &[Contest] {
        match &self.state {
            State::Parcel(parcel) => &parcel.contests,
            State::HandIn(handin) => &handin.contests,
            State::Shift(shift) => &shift.contests,
            State::Bag(bag) => &bag.contests,
            State::Deposit(deposit) => &deposit.contests,
            State::Payout(payout) => &payout.contests,
            State::Sweep(sweep) => &sweep.contests,
            State::Remittance(remittance) => &remittance.contests,
            State::Order(order) => &order.contests,
            State::Refund(refund) => &refund.contests,
            State::Earning(earning) => &earning.contests,
            State::Line(line) => &line.contests,
            State::Ruling(ruling) => &ruling.contests,
            State::Entry(booked) => &booked.contests,
            State::Other => &[],
        }
    }
}
