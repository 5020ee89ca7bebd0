//! Refusals: the business says no, before anything is recorded. Each says what to do next.

use crate::id::Subject;
use crate::taka::Taka;

/// Why a command is not recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
pub enum Refusal {
    /// Nothing of this id is held here.
    #[error("{0} is not known here: scan it again, or sync first")]
    Unknown(Subject),
    /// The command is not for a seat of this role.
    #[error("this device may not do that: sign in as {0}")]
    WrongRole(&'static str),
    /// The parcel is not in the state the command needs.
    #[error("{parcel} is {status}: {next}")]
    WrongState {
        /// Which.
        parcel: Subject,
        /// The word of its status.
        status: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// Somebody else holds it.
    #[error("{0} is not in your hands: load it first, or give it to whoever has it on his run")]
    NotYours(Subject),
    /// Goods without their cash.
    #[error("{due} taka are due on {parcel}: enter what the customer paid")]
    CashNeeded {
        /// Which.
        parcel: Subject,
        /// How much.
        due: Taka,
    },
    /// The amount is not the due, and nobody said that it is meant.
    #[error("{due} taka are due, you entered {entered}: confirm the difference, or enter the amount again")]
    AmountDiffers {
        /// How much is due.
        due: Taka,
        /// What was entered.
        entered: Taka,
    },
    /// Not an amount of cash.
    #[error("the amount must be from 0 to 1,000,000,000,000 taka")]
    BadAmount,
    /// An evidence rank that does not exist, or that a tap cannot claim.
    #[error("the evidence must be from 1 (tap) to 5 (customer's code)")]
    BadEvidence,
    /// More cash than the agent holds.
    #[error("you hold {held} taka, you entered {entered}: count again")]
    MoreThanHeld {
        /// What he holds, open offers taken off.
        held: Taka,
        /// What was entered.
        entered: Taka,
    },
    /// Too much cash in the bag to take more parcels.
    #[error("you hold {held} taka, the limit is {ceiling}: hand in cash first")]
    OverCeiling {
        /// What he holds.
        held: Taka,
        /// The most he may.
        ceiling: Taka,
    },
    /// The notes do not add up to the count.
    #[error("the notes add up to {notes} taka, you entered {entered}: count again")]
    NotesDiffer {
        /// Σ of the notes.
        notes: Taka,
        /// What was entered.
        entered: Taka,
    },
    /// The hand-in was counted before.
    #[error("{0} is counted already: nothing is left to count")]
    AlreadyCounted(Subject),
    /// The scope named is not one this seat serves.
    #[error("{0} does not belong to this site: choose one of its own agents")]
    ForeignAgent(Subject),
    /// Nothing, or too much, in one command.
    #[error("a command takes from 1 to {0} parcels: split it")]
    BadCount(usize),
    /// Not a price of one piece.
    #[error("bad price: whole or .50, over 0")]
    BadPrice,
    /// A text that is longer than its field.
    #[error("{field} takes up to {max} characters: shorten it")]
    TextTooLong {
        /// Which field.
        field: &'static str,
        /// The most characters.
        max: usize,
    },
    /// An empty text where one is needed, or one with control characters.
    #[error("{field} is empty or not plain text: enter it again")]
    BadText {
        /// Which field.
        field: &'static str,
    },
    /// Every field has its value already.
    #[error("nothing is changed: edit a field first")]
    NothingChanged,
    /// The document takes no more changes.
    #[error("{0} was changed too often to be changed again: call operations")]
    DocumentFull(Subject),
    /// An earlier edit of this device cannot be placed.
    #[error("an earlier edit of {0} on this device is disputed: call operations")]
    DocumentDisputed(Subject),
    /// Another vendor's product.
    #[error("{0} is not one of your products: choose it from your list")]
    ForeignProduct(Subject),
    /// The personal fields of the parcel do not open here.
    #[error("the details of {0} cannot be read on this device: sync first, or ask the site that has it")]
    NoKey(Subject),
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_subject",
            Self::WrongRole(_) => "wrong_role",
            Self::WrongState { .. } => "wrong_state",
            Self::NotYours(_) => "not_yours",
            Self::CashNeeded { .. } => "cash_needed",
            Self::AmountDiffers { .. } => "amount_differs",
            Self::BadAmount => "bad_amount",
            Self::BadEvidence => "bad_evidence",
            Self::MoreThanHeld { .. } => "more_than_held",
            Self::OverCeiling { .. } => "over_ceiling",
            Self::NotesDiffer { .. } => "notes_differ",
            Self::AlreadyCounted(_) => "already_counted",
            Self::ForeignAgent(_) => "foreign_agent",
            Self::BadCount(_) => "bad_count",
            Self::BadPrice => "bad_price",
            Self::TextTooLong { .. } => "text_too_long",
            Self::BadText { .. } => "bad_text",
            Self::NothingChanged => "nothing_changed",
            Self::DocumentFull(_) => "document_full",
            Self::DocumentDisputed(_) => "document_disputed",
            Self::ForeignProduct(_) => "foreign_product",
            Self::NoKey(_) => "no_key",
        }
    }
}
