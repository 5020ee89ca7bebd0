//! Facts: what happened, as immutable payloads. The catalogue beside this crate (FACTS.md) says for
//! each kind who may author it, what it claims and what it yields; a test holds the two together.

mod about;
mod bank;
mod cash;
mod control;
mod courier;
mod custody;
mod document;
mod earning;
mod entry;
mod ruling;
mod sale;

pub use bank::*;
pub use cash::*;
pub use control::*;
pub use courier::*;
pub use custody::*;
pub use document::*;
pub use earning::*;
pub use entry::*;
pub use ruling::*;
pub use sale::*;

use crate::blob::{MAX_BLOB_BYTES, Media};
use crate::id::{Kind, Subject};
use crate::op::lane;
use crate::taka::Taka;

/// Most subjects one Put or Close names: keeps an op under its limit.
pub const MAX_PUT_SUBJECTS: usize = 256;
/// Most lines of one parcel.
pub const MAX_LINES: usize = 64;
/// Longest open text (a stock keeping unit, a unit of measure), bytes.
pub const MAX_TEXT: usize = 200;
/// Most bags in one deposit.
pub const MAX_BAGS: usize = 64;
/// Most earnings in one payout: the op stays under its limit.
pub const MAX_PAYOUT_LINES: usize = 400;
/// Most pieces of one note in a count: more is a slip of the finger.
pub const MAX_NOTES: u32 = 10_000;

macro_rules! facts {
    ($($name:ident = $number:literal, $lane:expr;)*) => {
        /// A fact of a kind this version knows.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Fact { $($name($name),)* }

        impl Fact {
            /// Every kind: number (class in the upper 4 bits), name, lane.
            pub const KINDS: &'static [(u16, &'static str, u8)] = &[$(($number, stringify!($name), $lane),)*];

            /// The number of this fact's kind, as in an op's header.
            #[must_use]
            pub const fn class_kind(&self) -> u16 {
                match self { $(Self::$name(_) => $number,)* }
            }

            /// The name of this fact's kind.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// The lane this kind travels in.
            #[must_use]
            pub const fn lane(&self) -> u8 {
                match self { $(Self::$name(_) => $lane,)* }
            }

            /// The payload bytes.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(payload) => crate::cbor::encode(payload),)* }
            }

            fn decode_payload(class_kind: u16, payload: &[u8]) -> Reading {
                match class_kind {
                    $($number => crate::cbor::decode(payload).map(Self::$name).map_or(Reading::Broken, Reading::Known),)*
                    _ => Reading::Newer,
                }
            }
        }
    };
}

facts! {
    Put = 0x0001, lane::CONTROL;
    Close = 0x0002, lane::CONTROL;
    Revoked = 0x0003, lane::CONTROL;
    OrderPlaced = 0x1001, lane::ORDERS;
    OrderCancelled = 0x1002, lane::ORDERS;
    PaymentCaptured = 0x1003, lane::MONEY;
    TransferCaptured = 0x1004, lane::MONEY;
    CreditSpent = 0x1005, lane::MONEY;
    ParcelCreated = 0x1010, lane::ORDERS;
    ParcelCancelled = 0x1011, lane::ORDERS;
    PickupChosen = 0x1012, lane::ORDERS;
    Consigned = 0x1013, lane::MONEY;
    CourierDelivered = 0x1014, lane::MONEY;
    CourierReturned = 0x1015, lane::MONEY;
    PaidAtDoor = 0x1016, lane::MONEY;
    EarningOpened = 0x1020, lane::MONEY;
    Distributed = 0x1021, lane::MONEY;
    EarningHeld = 0x1022, lane::MONEY;
    RtoCharged = 0x1023, lane::MONEY;
    TermsFrozen = 0x1024, lane::MONEY;
    EscrowReleased = 0x1025, lane::MONEY;
    Matured = 0x1026, lane::MONEY;
    ReturnAccepted = 0x1027, lane::MONEY;
    DistributionReversed = 0x1028, lane::MONEY;
    HoldEnded = 0x1029, lane::MONEY;
    ChargeReversed = 0x102a, lane::MONEY;
    EarningClawedBack = 0x102b, lane::MONEY;
    Judged = 0x1030, lane::MONEY;
    Cleared = 0x1031, lane::MONEY;
    RecordVoided = 0x1032, lane::MONEY;
    BagSealed = 0x1040, lane::MONEY;
    Deposited = 0x1041, lane::MONEY;
    DepositConfirmed = 0x1042, lane::MONEY;
    PayoutCreated = 0x1050, lane::MONEY;
    PayoutConfirmed = 0x1051, lane::MONEY;
    PayoutReturned = 0x1052, lane::MONEY;
    PayoutWithFee = 0x1053, lane::MONEY;
    Swept = 0x1060, lane::MONEY;
    PartnerRemitted = 0x1061, lane::MONEY;
    CourierRemitted = 0x1062, lane::MONEY;
    RefundPaid = 0x1070, lane::MONEY;
    RefundReserved = 0x1071, lane::MONEY;
    RefundWithdrawn = 0x1072, lane::MONEY;
    ProductEntered = 0x1080, lane::CATALOGUE;
    DetailEntered = 0x1081, lane::NOTES;
    LineBooked = 0x1090, lane::MONEY;
    LineIdentified = 0x1091, lane::MONEY;
    Ruled = 0x1092, lane::MONEY;
    Entered = 0x1093, lane::MONEY;
    Accepted = 0x2001, lane::ORDERS;
    Rejected = 0x2002, lane::ORDERS;
    Packed = 0x2003, lane::ORDERS;
    ReturnReceived = 0x2004, lane::MONEY;
    ProductChanged = 0x2010, lane::CATALOGUE;
    Received = 0x3001, lane::MONEY;
    Dispatched = 0x3002, lane::MONEY;
    RtoInitiated = 0x3003, lane::MONEY;
    Forwarded = 0x3004, lane::MONEY;
    Shelved = 0x3005, lane::MONEY;
    HoldExpired = 0x3006, lane::MONEY;
    CodeVerified = 0x3007, lane::MONEY;
    HandedOver = 0x3008, lane::MONEY;
    IdentityChecked = 0x3009, lane::MONEY;
    SiteDetailChanged = 0x3010, lane::NOTES;
    CounterProof = 0x3020, lane::BLOBS;
    Loaded = 0x4001, lane::MONEY;
    Delivered = 0x4002, lane::MONEY;
    Attempted = 0x4003, lane::MONEY;
    HandInOffered = 0x4010, lane::MONEY;
    AgentDetailChanged = 0x4020, lane::NOTES;
    DoorProof = 0x4030, lane::BLOBS;
    HandInCounted = 0x5001, lane::MONEY;
    CounterPaid = 0x5002, lane::MONEY;
    TillOpened = 0x5010, lane::MONEY;
    TillClosed = 0x5011, lane::MONEY;
    TillPaidOut = 0x5012, lane::MONEY;
    TillPaidIn = 0x5013, lane::MONEY;
    TillSuspended = 0x5014, lane::MONEY;
    TillResumed = 0x5015, lane::MONEY;
    CashRefunded = 0x5016, lane::MONEY;
    PartnerPaid = 0x6001, lane::MONEY;
}

/// What a payload turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A fact.
    Known(Fact),
    /// A kind of a later version: kept, forwarded, not folded.
    Newer,
    /// Not the payload its kind promises: apart.
    Broken,
}

impl Fact {
    /// Reads a payload, and holds it to the limits of its kind.
    #[must_use]
    pub fn read(class_kind: u16, payload: &[u8]) -> Reading {
        match Self::decode_payload(class_kind, payload) {
            Reading::Known(fact) if !fact.within_limits() => Reading::Broken,
            reading => reading,
        }
    }

    fn within_limits(&self) -> bool {
        match self {
            Self::Put(put) => put.subjects.len() <= MAX_PUT_SUBJECTS && put.generation > 0,
            Self::Close(close) => close.subjects.len() <= MAX_PUT_SUBJECTS,
            Self::OrderPlaced(order) => order.parcels.len() <= MAX_LINES && order.total.is_cash(),
            Self::ParcelCreated(parcel) => {
                let line = |line: &Line| line.unit_price.is_cash() && line.sku.len() <= MAX_TEXT;
                parcel.due.is_cash() && parcel.lines.len() <= MAX_LINES && parcel.lines.iter().all(line)
            }
            Self::EarningOpened(terms) => {
                let amounts = [terms.goods, terms.delivery, terms.delivery_vat, terms.rounding, terms.commission];
                let fees = [terms.cod_fee, terms.vendor_vat, terms.rto_fee, terms.rto_vat];
                amounts.iter().chain(&fees).all(|amount| amount.is_cash())
            }
            Self::RtoCharged(charge) => charge.available.is_cash() && charge.receivable.is_cash(),
            Self::ChargeReversed(back) => back.receivable.is_cash(),
            Self::EarningClawedBack(back) => back.receivable.is_cash(),
            Self::Delivered(delivered) => {
                (1..=5).contains(&delivered.evidence) && delivered.collected.is_none_or(Taka::is_cash)
            }
            Self::TermsFrozen(terms) => {
                let amounts = [terms.goods, terms.delivery, terms.delivery_vat, terms.rounding, terms.commission];
                let fees = [terms.cod_fee, terms.vendor_vat, terms.rto_fee, terms.rto_vat];
                amounts.iter().chain(&fees).all(|amount| amount.is_cash())
            }
            Self::EscrowReleased(released) => (1..=2).contains(&released.how),
            Self::Matured(matured) => matured.net.is_cash(),
            Self::ReturnAccepted(one) => {
                let borne = [one.held, one.available, one.receivable];
                let line = |line: &ReturnedPieces| {
                    line.unit_price.is_cash() && line.sku.len() <= MAX_TEXT && line.counted <= line.asked
                };
                [one.goods, one.commission, one.vat].iter().chain(&borne).all(|amount| amount.is_cash())
                    && one.lines.len() <= MAX_LINES
                    && one.lines.iter().all(line)
                    && ReturnCause::of(one.reason).is_some()
            }
            Self::PaymentCaptured(payment) => {
                payment.amount.is_cash()
                    && payment.reference.len() <= MAX_TEXT
                    && Provider::of(payment.provider).is_some()
            }
            Self::PaidAtDoor(paid) => {
                paid.amount.is_cash() && paid.reference.len() <= MAX_TEXT && Provider::of(paid.provider).is_some()
            }
            Self::TransferCaptured(paid) => {
                let named = paid.bank.kind() == Some(Kind::Bank) && paid.line.kind() == Some(Kind::Line);
                paid.amount.is_cash() && paid.reference.len() <= MAX_TEXT && named
            }
            Self::CreditSpent(spent) => spent.amount.is_cash() && spent.customer.kind() == Some(Kind::Customer),
            Self::RefundPaid(refund) => {
                refund.amount.is_cash() && refund.reference.len() <= MAX_TEXT && Provider::of(refund.provider).is_some()
            }
            Self::RefundReserved(kept) => kept.amount.is_cash() && kept.point.kind() == Some(Kind::Site),
            Self::CounterProof(proof) | Self::DoorProof(proof) => {
                (1..=MAX_BLOB_BYTES).contains(&(proof.bytes as usize)) && Media::numbered(proof.media).is_some()
            }
            Self::Shelved(shelved) => shelved.shelf.len() <= MAX_TEXT,
            Self::CounterPaid(paid) => paid.amount.is_cash(),
            Self::PartnerPaid(paid) => paid.amount.is_cash(),
            Self::TillOpened(opened) => opened.float.is_cash(),
            Self::TillClosed(closed) => closed.counted.is_cash() && closed.denominations.len() <= MAX_LINES,
            Self::TillPaidOut(paid) => paid.amount.is_cash() && paid.voucher.len() <= MAX_TEXT,
            Self::TillPaidIn(paid) => paid.amount.is_cash() && paid.voucher.len() <= MAX_TEXT,
            Self::BagSealed(bag) => bag.amount.is_cash() && bag.seal.len() <= MAX_TEXT,
            Self::Deposited(deposit) => {
                let bags = &deposit.bags;
                bags.len() <= MAX_BAGS && bags.iter().all(|bag| bag.amount.is_cash()) && deposit.slip.len() <= MAX_TEXT
            }
            Self::DepositConfirmed(line) => line.credited.is_cash() && line.reference.len() <= MAX_TEXT,
            Self::PayoutCreated(payout) => payout.total.is_cash() && payout.lines.len() <= MAX_PAYOUT_LINES,
            Self::PayoutWithFee(payout) => {
                let amounts = [payout.total, payout.fee, payout.vat];
                amounts.iter().all(|amount| amount.is_cash()) && payout.lines.len() <= MAX_PAYOUT_LINES
            }
            Self::PayoutConfirmed(sent) => sent.reference.len() <= MAX_TEXT,
            Self::PayoutReturned(back) => back.reference.len() <= MAX_TEXT,
            Self::Swept(sweep) => sweep.amount.is_cash() && sweep.reference.len() <= MAX_TEXT,
            Self::PartnerRemitted(paid) => {
                paid.net.is_cash() && paid.commission.is_cash() && paid.reference.len() <= MAX_TEXT
            }
            Self::Consigned(one) => one.consignment.len() <= MAX_TEXT && is_courier(one.courier),
            Self::CourierDelivered(one) => {
                one.collected.is_cash() && is_courier(one.courier) && CourierSource::of(one.source).is_some()
            }
            Self::CourierReturned(one) => is_courier(one.courier) && CourierSource::of(one.source).is_some(),
            Self::CourierRemitted(paid) => {
                [paid.gross, paid.charge, paid.vat, paid.net()].iter().all(|amount| amount.is_cash())
                    && paid.reference.len() <= MAX_TEXT
                    && is_courier(paid.courier)
            }
            Self::LineBooked(line) => line.is_coherent() && line.reference.len() <= MAX_TEXT,
            Self::Cleared(cleared) => cleared.reason.len() <= MAX_TEXT,
            Self::RecordVoided(void) => void.reason.len() <= MAX_TEXT,
            Self::Ruled(ruled) => ruled.amount.is_cash() && ruled.reason.len() <= MAX_TEXT,
            Self::Entered(entered) => {
                entered.amount.is_cash() && entered.part.is_cash() && entered.reference.len() <= MAX_TEXT
            }
            Self::ProductEntered(edit) | Self::ProductChanged(edit) => edit.sku.len() <= MAX_TEXT,
            Self::HandInOffered(offer) => offer.amount.is_cash(),
            Self::HandInCounted(count) => count.counted.is_cash() && count.denominations.len() <= MAX_LINES,
            _ => true,
        }
    }
}

/// A courier is named as a bank is: by an id of his short name.
fn is_courier(subject: Subject) -> bool {
    subject.kind() == Some(Kind::Bank)
}
