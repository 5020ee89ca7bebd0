//! Who has the parcel, from the vendor's shelf to the customer's hand.

use minicbor::{Decode, Encode};

use crate::blob::BlobId;
use crate::id::{Id16, Scope};
use crate::taka::Taka;

/// The vendor takes the parcel on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Accepted {}

/// The vendor cannot.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Rejected {
    /// 1 out of stock, 2 price wrong, 3 other.
    #[n(0)]
    pub reason: u8,
}

/// The parcel is ready.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Packed {
    /// Pieces in the group.
    #[n(0)]
    pub pieces: u8,
}

/// The vendor has the returned parcel in hand.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReturnReceived {}

/// Scanned in at the author's site.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Received {
    /// Pieces seen.
    #[n(0)]
    pub pieces: u8,
}

/// On an agent's run sheet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Dispatched {
    /// The agent's scope.
    #[n(0)]
    pub agent: Scope,
    /// The run sheet.
    #[n(1)]
    pub run: Id16,
}

/// The parcel goes back to its vendor.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RtoInitiated {
    /// See [`AttemptReason`].
    #[n(0)]
    pub reason: u8,
}

/// The agent has the parcel in his bag.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Loaded {}

/// The goods reached the customer; the cash that came with it is part of the same fact.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Delivered {
    /// E1..E5 of the evidence ranks.
    #[n(0)]
    pub evidence: u8,
    /// Cash collected.
    #[n(1)]
    pub collected: Option<Taka>,
}

/// The delivery did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Attempted {
    /// See [`AttemptReason`].
    #[n(0)]
    pub reason: u8,
}

/// Why a delivery did not happen; the closed list of B3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)]
pub enum AttemptReason {
    Unavailable = 1,
    Unreachable = 2,
    AskedReschedule = 3,
    CashNotReady = 4,
    Refused = 5,
    RefusedDamaged = 6,
    WrongItem = 7,
    AddressWrong = 8,
    AddressIncomplete = 9,
    OutOfArea = 10,
    PremisesClosed = 11,
    AskedPickup = 12,
    FakeOrder = 13,
    Unsafe = 14,
    Hartal = 15,
}

impl AttemptReason {
    /// Whether the customer turned the parcel away for good.
    #[must_use]
    pub const fn is_refusal(reason: u8) -> bool {
        reason == Self::Refused as u8 || reason == Self::RefusedDamaged as u8 || reason == Self::FakeOrder as u8
    }
}

/// On its way to another site: a pickup point, or back from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Forwarded {
    /// Which site.
    #[n(0)]
    pub to: Scope,
}

/// Where it lies at the author's site.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Shelved {
    /// The shelf, as written on it.
    #[n(0)]
    pub shelf: String,
}

/// Nobody came for it in time: it goes back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HoldExpired {}

/// The customer showed the code of this parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CodeVerified {
    /// What opens the lock of [`PickupChosen`]; every replica checks it.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub token: [u8; 16],
}

/// The code is locked or lost: somebody looked at the customer's papers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IdentityChecked {}

/// The goods left over the counter.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HandedOver {}

/// A picture that was taken of it: the fact says which, and the blob follows when the line has time.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Proof {
    /// See [`ProofForm`].
    #[n(0)]
    pub form: u8,
    /// The blob.
    #[n(1)]
    pub blob: BlobId,
    /// Bytes of the blob, seal included.
    #[n(2)]
    pub bytes: u32,
    /// See [`crate::blob::Media`].
    #[n(3)]
    pub media: u8,
}

/// A picture of the site's.
pub type CounterProof = Proof;
/// A picture of the agent's.
pub type DoorProof = Proof;

/// What the picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ProofForm {
    /// The goods where they were left, or the door.
    Photo = 1,
    /// What the customer drew with a finger.
    Signature = 2,
}

impl ProofForm {
    /// The word of a number, as views write it.
    #[must_use]
    pub const fn word(number: u8) -> &'static str {
        match number {
            1 => "photo",
            2 => "signature",
            _ => "other",
        }
    }
}
