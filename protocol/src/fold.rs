//! From the facts of one subject to its state and its journals T(S). Reads no other subject.

use crate::contest::Contest;
use crate::earning::{self, Earning};
use crate::handin::{self, HandIn};
use crate::history::History;
use crate::id::{Kind, Subject};
use crate::journal::Journal;
use crate::order::{self, Order};
use crate::parcel::{self, Parcel};

/// The version of the fold. A fix that changes an outcome raises it, and comes with a restate job.
pub const RULES: u32 = 1;

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
        Some(Kind::Order) => (State::Order(Box::new(order::fold(history))), Vec::new()),
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
            State::Order(_) | State::Earning(_) | State::Other => &[],
        }
    }
}
