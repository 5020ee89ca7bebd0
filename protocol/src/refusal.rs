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
    /// The till has a shift already, in another window or by another person.
    #[error("the till is open as {0}: close that shift first")]
    TillOpenElsewhere(Subject),
    /// The shift is closed: its Z-report stands.
    #[error("{0} is closed already: what is found now belongs to the next shift")]
    ShiftNotOpen(Subject),
    /// The drawer is locked: nothing goes in or out.
    #[error("the till is suspended in {0}: resume the shift first")]
    TillSuspended(Subject),
    /// The drawer is not locked.
    #[error("{0} is not suspended: go on")]
    TillInUse(Subject),
    /// More than the drawer can have; how much that is, is not told before the count.
    #[error("{entered} taka are more than the till has taken: check the amount, or count the drawer")]
    MoreThanTill {
        /// What was entered.
        entered: Taka,
    },
    /// Not the code of any refund.
    #[error("this is no refund code: 16 letters and digits, as on the customer's phone")]
    NotARefundCode,
    /// Somebody paid it, or it was withdrawn.
    #[error("{0} is paid or withdrawn already: give nothing, and let the customer call us")]
    RefundEnded(Subject),
    /// The customer called the parcel off.
    #[error("the customer cancelled {0}: do not hand it over, bring it back")]
    Cancelled(Subject),
    /// The customer has it already.
    #[error("{parcel} was given to the customer by {by} already: take no money")]
    AlreadyGiven {
        /// Which.
        parcel: Subject,
        /// The agent or the site that gave it.
        by: Subject,
        /// When, by its author's clock, ms since 1970.
        at_ms: u64,
    },
    /// A site scans in what is recorded as given to the customer.
    #[error("{0} is recorded as given to the customer: look at the label, and say that it is back if it is")]
    RecordedDelivered(Subject),
    /// The parcel is another site's.
    #[error("{parcel} belongs to {site}: set it aside")]
    WrongSite {
        /// Which.
        parcel: Subject,
        /// Where it belongs.
        site: Subject,
    },
    /// The hold of the parcel is over.
    #[error("the hold of {0} is over: put it with what goes back")]
    HoldEnded(Subject),
    /// Nobody has shown yet that the parcel is his.
    #[error("ask for the code of {0} first")]
    NotVerified(Subject),
    /// The code is still to be tried.
    #[error("ask for the code of {0}: papers are for when the code is locked")]
    CodeFirst(Subject),
    /// What was scanned is another parcel's code.
    #[error("this is not the code of {0}: ask the customer for the message about this parcel")]
    CodeMismatch(Subject),
    /// Neither six digits nor a token.
    #[error("this is no handover code: six digits, or the square on the customer's phone")]
    NotACode,
    /// Nothing is due any more.
    #[error("{0} is paid already: take nothing")]
    Paid(Subject),
    /// Less than the due, where only the due will do.
    #[error("{due} taka are due, you entered {entered}: count again")]
    Less {
        /// How much is due.
        due: Taka,
        /// What was entered.
        entered: Taka,
    },
    /// More than the due.
    #[error("{due} taka are due, you entered {entered}: give the rest back")]
    More {
        /// How much is due.
        due: Taka,
        /// What was entered.
        entered: Taka,
    },
    /// Not the name of a shelf.
    #[error("the shelf is 1 to {0} characters, as written on its sign")]
    BadShelf(usize),
    /// The six digits do not open the parcel's code.
    #[error("the code does not match: {left} tries left")]
    CodeWrong {
        /// Tries before it is locked.
        left: u32,
    },
    /// The six digits are those of another parcel that lies here.
    #[error("this code is for another parcel: ask for the message on the phone ending {tail}, {left} tries left")]
    CodeOther {
        /// The last digits of that parcel's phone.
        tail: String,
        /// Tries before it is locked.
        left: u32,
    },
    /// Wrong too often.
    #[error("the code is locked: look at the customer's papers and get a supervisor's PIN")]
    CodeLocked,
    /// The box of the code has not reached this counter.
    #[error("the code of {0} has not arrived here: scan the square on the customer's phone, or sync first")]
    NoBox(Subject),
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
    /// Cash comes into a till for this, or goes out for it, and not the other way.
    #[error("no cash goes this way for the reason {0}: choose another one, or `other` and say it on the paper")]
    WrongReason(&'static str),
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
    /// Not a JPEG, PNG or WebP.
    #[error("this is no picture that can be kept: take a photo, or choose a JPEG, PNG or WebP file")]
    NoPicture,
    /// Larger than a blob may be.
    #[error("the picture is larger than {0} MB: take it again, smaller")]
    PictureTooLarge(usize),
    /// Too many wait for a line.
    #[error("this device keeps as many pictures as it may: bring it to a network, then take it again")]
    TooManyPictures,
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
            Self::TillOpenElsewhere(_) => "till_open_elsewhere",
            Self::ShiftNotOpen(_) => "shift_not_open",
            Self::TillSuspended(_) => "till_suspended",
            Self::TillInUse(_) => "till_in_use",
            Self::MoreThanTill { .. } => "more_than_till",
            Self::NotARefundCode => "not_a_refund_code",
            Self::RefundEnded(_) => "refund_ended",
            Self::Cancelled(_) => "cancelled",
            Self::AlreadyGiven { .. } => "delivered",
            Self::RecordedDelivered(_) => "recorded_delivered",
            Self::WrongSite { .. } => "wrong_site",
            Self::HoldEnded(_) => "hold_ended",
            Self::NotVerified(_) => "not_verified",
            Self::CodeFirst(_) => "code_first",
            Self::CodeMismatch(_) => "code_mismatch",
            Self::NotACode => "not_a_code",
            Self::Paid(_) => "paid",
            Self::Less { .. } => "less",
            Self::More { .. } => "more",
            Self::BadShelf(_) => "bad_shelf",
            Self::CodeWrong { .. } => "code_wrong",
            Self::CodeOther { .. } => "code_other",
            Self::CodeLocked => "code_locked",
            Self::NoBox(_) => "no_box",
            Self::BadCount(_) => "bad_count",
            Self::BadPrice => "bad_price",
            Self::TextTooLong { .. } => "text_too_long",
            Self::BadText { .. } => "bad_text",
            Self::WrongReason(_) => "wrong_reason",
            Self::NothingChanged => "nothing_changed",
            Self::DocumentFull(_) => "document_full",
            Self::DocumentDisputed(_) => "document_disputed",
            Self::ForeignProduct(_) => "foreign_product",
            Self::NoKey(_) => "no_key",
            Self::NoPicture => "no_picture",
            Self::PictureTooLarge(_) => "picture_too_large",
            Self::TooManyPictures => "too_many_pictures",
        }
    }
}
