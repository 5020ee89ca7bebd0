//! What becomes of a parcel's money, and central's word on it.

use minicbor::{Decode, Encode};

use crate::id::{Id16, OpId, Scope, Subject};
use crate::taka::Taka;

/// The terms of one parcel, frozen when the order is placed (SPEC S9); the vendor's alone.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EarningOpened {
    /// The parcel.
    #[n(0)]
    pub parcel: Subject,
    /// The vendor.
    #[n(1)]
    pub vendor: Scope,
    /// Price of the goods.
    #[n(2)]
    pub goods: Taka,
    /// Delivery fee.
    #[n(3)]
    pub delivery: Taka,
    /// VAT on it.
    #[n(4)]
    pub delivery_vat: Taka,
    /// Odd paisa that the whole-taka due leaves off (J32).
    #[n(5)]
    pub rounding: Taka,
    /// Commission.
    #[n(6)]
    pub commission: Taka,
    /// Fee for handling cash on delivery.
    #[n(7)]
    pub cod_fee: Taka,
    /// VAT on commission and handling.
    #[n(8)]
    pub vendor_vat: Taka,
    /// Fee when the parcel comes back.
    #[n(9)]
    pub rto_fee: Taka,
    /// VAT on it.
    #[n(10)]
    pub rto_vat: Taka,
}

/// The collected due of the parcel is the vendor's and ours, by the frozen terms (J5, J7).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Distributed {
    /// The delivery whose cash satisfied the due.
    #[n(0)]
    pub cause: OpId,
}

/// The earning waits for a ruling.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EarningHeld {
    /// The fact that is contested.
    #[n(0)]
    pub cause: OpId,
    /// Why: see [`crate::contest::Code`].
    #[n(1)]
    pub code: u16,
}

/// What the earning was held for is contested no more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HoldEnded {
    /// What it was held for, as its [`EarningHeld`] says.
    #[n(0)]
    pub cause: OpId,
}

/// The fee of a return, split by what the vendor had available under the lock (J21).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RtoCharged {
    /// The vendor's receipt of the return.
    #[n(0)]
    pub cause: OpId,
    /// From 2020, available earnings.
    #[n(1)]
    pub available: Taka,
    /// From 1150, what the vendor owes.
    #[n(2)]
    pub receivable: Taka,
}

/// Central's word on a fact that is contested; silence after SAFE means it stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Judged {
    /// The fact.
    #[n(0)]
    pub op: OpId,
    /// Why: see [`crate::contest::Code`].
    #[n(1)]
    pub code: u16,
}

/// A ruling without a journal: people looked at what waits of a subject, and what it comes to by its facts is right. It
/// counts for what they could know: any further record that did not know of it lets the contest wait again.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Cleared {
    /// The contested fact.
    #[n(0)]
    pub op: OpId,
    /// What it was contested for: see [`crate::contest::Code`].
    #[n(1)]
    pub code: u16,
    /// Why it is right.
    #[n(2)]
    pub reason: String,
    /// Who says so.
    #[n(3)]
    pub maker: Id16,
    /// The second person, where two are needed.
    #[n(4)]
    pub checker: Option<Id16>,
}

/// A ruling of what a record says of a parcel: people found that it was not so. It counts for nothing any more; cash that
/// was recorded with it is kept apart (J12). Which kinds it may name: [`crate::parcel::may_be_voided`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RecordVoided {
    /// The record.
    #[n(0)]
    pub op: OpId,
    /// How they found out.
    #[n(1)]
    pub reason: String,
    /// Who says so.
    #[n(2)]
    pub maker: Id16,
    /// The second person, where two are needed.
    #[n(3)]
    pub checker: Option<Id16>,
}

/// The terms of one parcel, frozen at placement, for cash and for prepaid orders. It replaces
/// [`EarningOpened`], which is still folded.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TermsFrozen {
    /// The parcel.
    #[n(0)]
    pub parcel: Subject,
    /// The vendor.
    #[n(1)]
    pub vendor: Scope,
    /// Its order: the owner of what was paid ahead (2040).
    #[n(2)]
    pub order: Subject,
    /// Who is paid back when it does not come to a delivery (2050).
    #[n(3)]
    pub customer: Subject,
    /// Paid ahead: the parcel's due is zero.
    #[n(4)]
    pub prepaid: bool,
    /// Price of the goods.
    #[n(5)]
    pub goods: Taka,
    /// Delivery fee.
    #[n(6)]
    pub delivery: Taka,
    /// VAT on it.
    #[n(7)]
    pub delivery_vat: Taka,
    /// Odd paisa that a whole-taka price leaves off (J32).
    #[n(8)]
    pub rounding: Taka,
    /// Commission.
    #[n(9)]
    pub commission: Taka,
    /// Fee for handling cash; zero when paid ahead.
    #[n(10)]
    pub cod_fee: Taka,
    /// VAT on commission and handling.
    #[n(11)]
    pub vendor_vat: Taka,
    /// Fee when the parcel comes back.
    #[n(12)]
    pub rto_fee: Taka,
    /// VAT on it.
    #[n(13)]
    pub rto_vat: Taka,
    /// Return window after the delivery, minutes: nothing matures before it closes.
    #[n(14)]
    pub window_min: u32,
}

/// What was paid ahead for the parcel is the customer's again: J19 when it was cancelled, J21a when it
/// came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EscrowReleased {
    /// The cancellation, or the vendor's receipt of the return.
    #[n(0)]
    pub cause: OpId,
    /// 1 cancelled, 2 returned.
    #[n(1)]
    pub how: u8,
}

/// The vendor may have it: the return window is closed and the money confirmed (J16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Matured {
    /// The bank's confirmation that covers it, or the capture of a prepaid order.
    #[n(0)]
    pub cause: OpId,
    /// How much, as distributed.
    #[n(1)]
    pub net: Taka,
}

/// The customer brought goods back, and they were taken (J20, J20a, J20b). Amounts are decided under the lock.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReturnAccepted {
    /// The return: what central called it when it was asked for. Each counts once.
    #[n(0)]
    pub ret: Id16,
    /// Who gets the price back (2050).
    #[n(1)]
    pub customer: Subject,
    /// What came back.
    #[n(2)]
    pub lines: Vec<ReturnedPieces>,
    /// What the customer gets for it.
    #[n(3)]
    pub goods: Taka,
    /// Of it the commission that we give back.
    #[n(4)]
    pub commission: Taka,
    /// Of it the VAT on that.
    #[n(5)]
    pub vat: Taka,
    /// Borne by the earning before it matured (2010).
    #[n(6)]
    pub held: Taka,
    /// Borne by the earning after it matured and before it was paid out (2020).
    #[n(7)]
    pub available: Taka,
    /// What the vendor owes for it (1150).
    #[n(8)]
    pub receivable: Taka,
    /// Why; see [`ReturnCause`].
    #[n(9)]
    pub reason: u8,
    /// Who counted the pieces: an opaque id of the caller.
    #[n(10)]
    pub maker: Id16,
}

/// Pieces of one kind that came back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ReturnedPieces {
    /// Stock keeping unit.
    #[n(0)]
    pub sku: String,
    /// How many the customer wanted to return.
    #[n(1)]
    pub asked: u16,
    /// How many were counted in and taken: these count (R32).
    #[n(2)]
    pub counted: u16,
    /// What one cost when it was ordered.
    #[n(3)]
    pub unit_price: Taka,
}

/// Why goods come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ReturnCause {
    /// The customer does not want it after all.
    ChangedMind = 1,
    /// Broken.
    Damaged = 2,
    /// Not what was ordered.
    WrongItem = 3,
    /// Not what was described.
    NotAsDescribed = 4,
    /// Anything else.
    Other = 5,
}

impl ReturnCause {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::ChangedMind, Self::Damaged, Self::WrongItem, Self::NotAsDescribed, Self::Other];

    /// The reason of a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as u8 == number)
    }
}

/// What an earning was distributed for did not happen: a courier took back that he had delivered (R21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DistributionReversed {
    /// The delivery, as the distribution names it.
    #[n(0)]
    pub cause: OpId,
}

/// A return was charged to the vendor, and no return stands: the fee is not owed (J21 is taken back).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ChargeReversed {
    /// The vendor's receipt, as the charge names it.
    #[n(0)]
    pub cause: OpId,
    /// What of the fee the vendor owed (1150) and owes no more, because it was kept since: it goes back into what he may
    /// have (J20f). Decided under the lock.
    #[n(1)]
    pub receivable: Taka,
}

/// What an earning was distributed for did not happen, and the vendor may have the money already (R21): J5 to J7, J16 and
/// J32 are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EarningClawedBack {
    /// The delivery, as the distribution names it.
    #[n(0)]
    pub cause: OpId,
    /// What it matured for.
    #[n(1)]
    pub matured: OpId,
    /// What is not there any more because it was paid out: the vendor owes it (J20f). Decided under the lock.
    #[n(2)]
    pub receivable: Taka,
}
