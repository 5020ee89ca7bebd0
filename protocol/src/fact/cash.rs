//! Cash at the counter and in the till.

use minicbor::{Decode, Encode};

use crate::id::{Incarnation, Scope};
use crate::refund::RefundCode;
use crate::taka::Taka;

/// The agent hands cash in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HandInOffered {
    /// To which site.
    #[n(0)]
    pub site: Scope,
    /// How much he says it is.
    #[n(1)]
    pub amount: Taka,
    /// The giver's chain.
    #[n(2)]
    pub inc: Incarnation,
    /// The giver's last burst before this one: what central must hold before it judges a gap.
    #[n(3)]
    pub upto: u64,
}

/// The cashier's count: custody moves on it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HandInCounted {
    /// Who gave it.
    #[n(0)]
    pub agent: Scope,
    /// How much it is.
    #[n(1)]
    pub counted: Taka,
    /// Notes and coins: value in whole taka, pieces.
    #[n(2)]
    pub denominations: Vec<Denomination>,
}

/// So many notes or coins of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, serde::Serialize, serde::Deserialize)]
pub struct Denomination {
    /// Face value, whole taka.
    #[n(0)]
    pub taka: u32,
    /// How many.
    #[n(1)]
    pub pieces: u32,
}

/// Cash taken at the counter, into our own till (J4p).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CounterPaid {
    /// How much.
    #[n(0)]
    pub amount: Taka,
}

/// Cash taken at the counter of a partner, who owes it to us (J36).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PartnerPaid {
    /// How much.
    #[n(0)]
    pub amount: Taka,
}

/// A shift at the author's till begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TillOpened {
    /// Cash in the drawer at the start, as counted.
    #[n(0)]
    pub float: Taka,
}

/// Cash left the drawer for something else than a hand-over (J27b): whose paper it is, finance looks up; until it accepts
/// that, the site answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TillPaidOut {
    /// How much.
    #[n(0)]
    pub amount: Taka,
    /// What for; see [`TillReason`].
    #[n(1)]
    pub reason: u8,
    /// What the paper is called: the number of the voucher or of the bill. No names, phones or addresses.
    #[n(2)]
    pub voucher: String,
}

/// Cash came into the drawer that nobody paid for a parcel (J27c): it is kept apart until it is clear whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TillPaidIn {
    /// How much.
    #[n(0)]
    pub amount: Taka,
    /// Why; see [`TillReason`].
    #[n(1)]
    pub reason: u8,
    /// What the paper is called.
    #[n(2)]
    pub voucher: String,
}

/// A customer showed the code of his refund, and was given it out of the drawer (J20d): as much as was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CashRefunded {
    /// What opens the lock of [`RefundReserved`](super::RefundReserved); every replica checks it.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub code: [u8; RefundCode::BYTES],
}

/// The drawer is locked for a while: no cash goes in or out until the shift is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TillSuspended {}

/// The drawer is in use again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TillResumed {}

/// Why cash goes into or out of a drawer besides parcels and hand-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum TillReason {
    /// Out: a van, a rickshaw, fuel.
    Transport = 1,
    /// Out: tape, bags, paper.
    Supplies = 2,
    /// Out: tea and food.
    Refreshment = 3,
    /// Out: something was mended.
    Repair = 4,
    /// In or out: notes for change.
    Change = 5,
    /// In: somebody's own money.
    OwnMoney = 6,
    /// In: found at the counter.
    Found = 7,
    /// In or out: the paper says it.
    Other = 9,
}

impl TillReason {
    /// Why cash may leave.
    pub const OUT: [Self; 6] =
        [Self::Transport, Self::Supplies, Self::Refreshment, Self::Repair, Self::Change, Self::Other];
    /// Why cash may come in.
    pub const IN: [Self; 4] = [Self::Change, Self::OwnMoney, Self::Found, Self::Other];

    /// The word in the API and in papers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Supplies => "supplies",
            Self::Refreshment => "refreshment",
            Self::Repair => "repair",
            Self::Change => "change",
            Self::OwnMoney => "own_money",
            Self::Found => "found",
            Self::Other => "other",
        }
    }
}

/// The shift ends: the drawer is counted before the expected figure is seen (J27a).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TillClosed {
    /// Number of the Z-report; counts up at one till.
    #[n(0)]
    pub z: u32,
    /// What the till's account says on this replica.
    #[n(1)]
    pub expected: Taka,
    /// How much there is.
    #[n(2)]
    pub counted: Taka,
    /// By which notes.
    #[n(3)]
    pub denominations: Vec<Denomination>,
}
