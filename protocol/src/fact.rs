//! Facts: what happened, as immutable payloads. The catalogue beside this crate (FACTS.md) says for
//! each kind who may author it, what it claims and what it yields; a test holds the two together.

use minicbor::{Decode, Encode};

use crate::id::{Author, Id16, Incarnation, OpId, Scope, Subject};
use crate::op::lane;
use crate::taka::Taka;

/// Most subjects one Put or Close names: keeps an op under its limit.
pub const MAX_PUT_SUBJECTS: usize = 256;
/// Most lines of one parcel.
pub const MAX_LINES: usize = 64;
/// Longest open text (a stock keeping unit, a unit of measure), bytes.
pub const MAX_TEXT: usize = 200;

/// Makes `subject` members of the scope that is the op's subject.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Put {
    /// Generation: highest Close generation seen + 1.
    #[n(0)]
    pub generation: u32,
    /// The subjects.
    #[n(1)]
    pub subjects: Vec<Subject>,
}

/// Ends memberships. Format only in this version: nothing is dropped yet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Close {
    /// Generation: ends every Put of this generation and below.
    #[n(0)]
    pub generation: u32,
    /// The subjects.
    #[n(1)]
    pub subjects: Vec<Subject>,
    /// What the closed subjects leave on accounts: code, owner, net paisa.
    #[n(2)]
    pub carry: Vec<Carry>,
}

/// Net of one account over closed subjects.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Carry {
    /// Account code.
    #[n(0)]
    pub code: u16,
    /// Account owner, if the account has one.
    #[n(1)]
    pub owner: Option<Subject>,
    /// Net, debit positive.
    #[n(2)]
    pub net: Taka,
}

/// A seat may author no more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Revoked {
    /// The seat.
    #[n(0)]
    pub author: Author,
    /// Bursts that had seen this beacon are apart; 0 while beacons do not exist.
    #[n(1)]
    pub beacon: u64,
    /// The chains as central knew them: bursts up to there are fine.
    #[n(2)]
    pub known: Vec<Known>,
}

/// A chain up to a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Known {
    /// The incarnation.
    #[n(0)]
    pub inc: Incarnation,
    /// The last burst.
    #[n(1)]
    pub seq: u64,
}

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
    ParcelCreated = 0x1010, lane::ORDERS;
    ParcelCancelled = 0x1011, lane::ORDERS;
    EarningOpened = 0x1020, lane::MONEY;
    Distributed = 0x1021, lane::MONEY;
    EarningHeld = 0x1022, lane::MONEY;
    RtoCharged = 0x1023, lane::MONEY;
    Judged = 0x1030, lane::MONEY;
    Accepted = 0x2001, lane::ORDERS;
    Rejected = 0x2002, lane::ORDERS;
    Packed = 0x2003, lane::ORDERS;
    ReturnReceived = 0x2004, lane::MONEY;
    Received = 0x3001, lane::MONEY;
    Dispatched = 0x3002, lane::MONEY;
    RtoInitiated = 0x3003, lane::MONEY;
    Loaded = 0x4001, lane::MONEY;
    Delivered = 0x4002, lane::MONEY;
    Attempted = 0x4003, lane::MONEY;
    HandInOffered = 0x4010, lane::MONEY;
    HandInCounted = 0x5001, lane::MONEY;
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
            Self::Delivered(delivered) => {
                (1..=5).contains(&delivered.evidence) && delivered.collected.is_none_or(Taka::is_cash)
            }
            Self::HandInOffered(offer) => offer.amount.is_cash(),
            Self::HandInCounted(count) => count.counted.is_cash() && count.denominations.len() <= MAX_LINES,
            _ => true,
        }
    }
}
