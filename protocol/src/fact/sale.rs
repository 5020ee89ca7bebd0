//! What a customer and a vendor agree on, and what is paid ahead.

use minicbor::{Decode, Encode};

use crate::id::{Id16, Scope, Subject};
use crate::taka::Taka;

/// A customer ordered. Personal fields are sealed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OrderPlaced {
    /// The customer, opaque.
    #[n(0)]
    pub customer: Id16,
    /// One parcel for each vendor.
    #[n(1)]
    pub parcels: Vec<Subject>,
    /// Σ of the parcels' dues.
    #[n(2)]
    pub total: Taka,
    /// See [`crate::sealed`].
    #[cbor(n(3), with = "minicbor::bytes")]
    pub sealed: Vec<u8>,
}

/// The customer or operations called the order off.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OrderCancelled {
    /// 1 customer, 2 operations.
    #[n(0)]
    pub by: u8,
}

/// A parcel is expected: what a vendor packs and an agent collects for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ParcelCreated {
    /// Its order.
    #[n(0)]
    pub order: Subject,
    /// The vendor's scope.
    #[n(1)]
    pub vendor: Scope,
    /// The courier hub it goes through.
    #[n(2)]
    pub site: Scope,
    /// Cash to collect, whole taka.
    #[n(3)]
    pub due: Taka,
    /// What is in it.
    #[n(4)]
    pub lines: Vec<Line>,
    /// See [`crate::sealed`].
    #[cbor(n(5), with = "minicbor::bytes")]
    pub sealed: Vec<u8>,
}

/// One line of goods.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Line {
    /// Stock keeping unit.
    #[n(0)]
    pub sku: String,
    /// Pieces.
    #[n(1)]
    pub qty: u32,
    /// Price of one, as agreed when the order was placed.
    #[n(2)]
    pub unit_price: Taka,
}

/// Central's half of an order's cancellation, on each parcel.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ParcelCancelled {
    /// 1 customer, 2 operations.
    #[n(0)]
    pub by: u8,
}

/// Money for an order arrived at a provider, before the goods move (J2). Finance records it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PaymentCaptured {
    /// See [`Provider`].
    #[n(0)]
    pub provider: u8,
    /// The provider's own id of the payment; one pays one order.
    #[n(1)]
    pub reference: String,
    /// How much.
    #[n(2)]
    pub amount: Taka,
}

/// The customer paid a parcel's due without cash, at its door or before it came (J24): central says so on the provider's
/// word, so that nobody asks him for cash.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PaidAtDoor {
    /// See [`Provider`].
    #[n(0)]
    pub provider: u8,
    /// The provider's own id of the payment; one pays one parcel.
    #[n(1)]
    pub reference: String,
    /// How much.
    #[n(2)]
    pub amount: Taka,
}

/// A bank's statement shows money for an order before the goods move (J29a): the customer sent it to our account. Finance
/// says so of the line.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TransferCaptured {
    /// The settlement account.
    #[n(0)]
    pub bank: Subject,
    /// The line of the statement; one pays one order.
    #[n(1)]
    pub line: Subject,
    /// The bank's reference.
    #[n(2)]
    pub reference: String,
    /// How much.
    #[n(3)]
    pub amount: Taka,
}

/// A customer pays for an order with credit that he took in place of a refund (J30a).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CreditSpent {
    /// Whose credit: the customer of the order that was refunded.
    #[n(0)]
    pub customer: Scope,
    /// How much of it.
    #[n(1)]
    pub amount: Taka,
}

/// Who carries customers' money that is not cash; the accounts 1030 to 1033 of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Provider {
    Bkash = 1,
    Nagad = 2,
    Rocket = 3,
    Card = 4,
}

impl Provider {
    /// The provider of a number on the wire.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Bkash),
            2 => Some(Self::Nagad),
            3 => Some(Self::Rocket),
            4 => Some(Self::Card),
            _ => None,
        }
    }
}

/// The customer will fetch the parcel at a pickup point.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PickupChosen {
    /// Which.
    #[n(0)]
    pub point: Scope,
    /// BLAKE3(subject ‖ token)[..16]: whoever shows the token may have the parcel.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub lock: [u8; 16],
    /// Days on the shelf before it goes back.
    #[n(2)]
    pub hold_days: u8,
}

/// What a customer is owed is kept apart, so that the till of a pickup point may pay it for a code (J20e).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RefundReserved {
    /// Whom; see [`Subject::customer`].
    #[n(0)]
    pub customer: Subject,
    /// How much, whole taka.
    #[n(1)]
    pub amount: Taka,
    /// Whose till.
    #[n(2)]
    pub point: Scope,
    /// BLAKE3(subject ‖ code)[..16]; see [`crate::refund::RefundCode`].
    #[cbor(n(3), with = "minicbor::bytes")]
    pub lock: [u8; 16],
}

/// What was kept apart for a till is owed to the customer again, and the code is good no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RefundWithdrawn {}

/// Central paid a customer back by hand (J19a).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RefundPaid {
    /// Whom; see [`Subject::customer`].
    #[n(0)]
    pub customer: Subject,
    /// How much.
    #[n(1)]
    pub amount: Taka,
    /// See [`Provider`].
    #[n(2)]
    pub provider: u8,
    /// The provider's id of the refund.
    #[n(3)]
    pub reference: String,
}
