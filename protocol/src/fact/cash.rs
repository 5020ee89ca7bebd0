//! Cash at the counter and in the till.

use minicbor::{Decode, Encode};

use crate::id::{Incarnation, Scope};
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
