//! Commands: what a person asks for. Promised as JSON to the screens.

use serde::{Deserialize, Serialize};

use crate::fact::{AttemptReason, Denomination, TillReason};
use crate::id::{Scope, Subject};
use crate::taka::Taka;

/// Most parcels in one command: one burst holds them and the Put that routes them.
pub const MAX_PARCELS: usize = 32;

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Vendor: takes the parcel on.
    Accept {
        /// Which.
        parcel: Subject,
    },
    /// Vendor: cannot.
    Reject {
        /// Which.
        parcel: Subject,
        /// 1 out of stock, 2 price wrong, 3 other.
        reason: u8,
    },
    /// Vendor: ready to be fetched.
    Pack {
        /// Which.
        parcel: Subject,
        /// Pieces in the group.
        pieces: u8,
    },
    /// Vendor: the returned parcel is back.
    TakeBack {
        /// Which.
        parcel: Subject,
    },
    /// Site: scanned in.
    Receive {
        /// Which.
        parcel: Subject,
        /// Pieces seen.
        pieces: u8,
    },
    /// Site: scanned in, though it is recorded as given to the customer (R5).
    ReceiveBack {
        /// Which.
        parcel: Subject,
        /// Pieces seen.
        pieces: u8,
    },
    /// Site: on an agent's run sheet.
    Dispatch {
        /// Which, up to [`MAX_PARCELS`].
        parcels: Vec<Subject>,
        /// Whose run.
        agent: Scope,
    },
    /// Site: the parcel goes back to its vendor.
    Return {
        /// Which.
        parcel: Subject,
        /// Why.
        reason: AttemptReason,
    },
    /// Site: counts cash that an agent hands in.
    Count {
        /// Which hand-in.
        handin: Subject,
        /// Who gives.
        agent: Scope,
        /// How much it is.
        counted_paisa: Taka,
        /// By which notes; may be empty.
        #[serde(default)]
        denominations: Vec<Denomination>,
    },
    /// Site: on the way to another site.
    Forward {
        /// Which, up to [`MAX_PARCELS`].
        parcels: Vec<Subject>,
        /// Where to.
        to: Scope,
    },
    /// Site: where it lies.
    Shelve {
        /// Which.
        parcel: Subject,
        /// As written on the shelf.
        shelf: String,
    },
    /// Site: nobody came for it in time.
    ExpireHold {
        /// Which.
        parcel: Subject,
    },
    /// Site: the customer showed the parcel's code; hex of its 16 bytes.
    VerifyCode {
        /// Which.
        parcel: Subject,
        /// What the code opens.
        token: String,
    },
    /// Site: the customer's papers were looked at in place of the code.
    CheckIdentity {
        /// Which.
        parcel: Subject,
    },
    /// Site: cash taken at the counter; exactly the due.
    TakeCash {
        /// Which.
        parcel: Subject,
        /// How much.
        amount_paisa: Taka,
    },
    /// Site: the goods left over the counter.
    HandOver {
        /// Which.
        parcel: Subject,
    },
    /// Site: a shift at the till begins.
    OpenTill {
        /// Cash in the drawer.
        float_paisa: Taka,
    },
    /// Site: the shift ends, with the drawer counted.
    CloseTill {
        /// Which shift.
        shift: Subject,
        /// How much there is.
        counted_paisa: Taka,
        /// By which notes; may be empty.
        #[serde(default)]
        denominations: Vec<Denomination>,
    },
    /// Site: cash leaves the drawer for something that finance is to pay.
    PayOut {
        /// Of which shift.
        shift: Subject,
        /// How much.
        amount_paisa: Taka,
        /// What for.
        reason: TillReason,
        /// What its paper is called.
        voucher: String,
    },
    /// Site: cash comes into the drawer that is for no parcel.
    PayIn {
        /// Of which shift.
        shift: Subject,
        /// How much.
        amount_paisa: Taka,
        /// Why.
        reason: TillReason,
        /// What its paper is called.
        voucher: String,
    },
    /// Site: the customer showed the code of his refund, and is given the cash.
    RefundCash {
        /// Which refund.
        refund: Subject,
        /// As written: 16 letters and digits.
        code: String,
    },
    /// Site: the drawer is locked for a while.
    SuspendTill {
        /// Which shift.
        shift: Subject,
    },
    /// Site: the drawer is in use again.
    ResumeTill {
        /// Which shift.
        shift: Subject,
    },
    /// Agent: the parcels are in the bag.
    Load {
        /// Which, up to [`MAX_PARCELS`].
        parcels: Vec<Subject>,
    },
    /// Agent: at the door.
    Deliver {
        /// Which.
        parcel: Subject,
        /// 1 tap, 2 photo and place, 3 scan, 4 online code, 5 customer's code.
        evidence: u8,
        /// Cash taken.
        collected_paisa: Option<Taka>,
        /// The person saw that the amount is not the due.
        #[serde(default)]
        confirm_difference: bool,
    },
    /// Agent: it did not happen.
    Fail {
        /// Which.
        parcel: Subject,
        /// Why.
        reason: AttemptReason,
    },
    /// Agent: hands cash in.
    Offer {
        /// To which site.
        site: Scope,
        /// How much.
        amount_paisa: Taka,
    },
}

impl Command {
    /// The subjects the decision reads.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::Accept { parcel }
            | Self::Reject { parcel, .. }
            | Self::Pack { parcel, .. }
            | Self::TakeBack { parcel }
            | Self::Receive { parcel, .. }
            | Self::ReceiveBack { parcel, .. }
            | Self::Return { parcel, .. }
            | Self::Deliver { parcel, .. }
            | Self::Shelve { parcel, .. }
            | Self::ExpireHold { parcel }
            | Self::VerifyCode { parcel, .. }
            | Self::CheckIdentity { parcel }
            | Self::TakeCash { parcel, .. }
            | Self::HandOver { parcel }
            | Self::Fail { parcel, .. } => vec![*parcel],
            Self::Dispatch { parcels, .. } | Self::Forward { parcels, .. } | Self::Load { parcels } => parcels.clone(),
            Self::CloseTill { shift, .. }
            | Self::PayOut { shift, .. }
            | Self::PayIn { shift, .. }
            | Self::SuspendTill { shift }
            | Self::ResumeTill { shift } => vec![*shift],
            Self::Count { handin, .. } => vec![*handin],
            Self::RefundCash { refund, .. } => vec![*refund],
            Self::Offer { .. } | Self::OpenTill { .. } => Vec::new(),
        }
    }
}
