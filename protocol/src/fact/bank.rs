//! From the till to the bank, and from the bank to the vendor.

use minicbor::{Decode, Encode};

use crate::id::{Scope, Subject};
use crate::taka::Taka;

/// Cash left a till in a sealed bag (J13).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BagSealed {
    /// Whose till.
    #[n(0)]
    pub site: Scope,
    /// Number of the seal.
    #[n(1)]
    pub seal: String,
    /// How much.
    #[n(2)]
    pub amount: Taka,
}

/// Bags were brought to the bank; nothing is posted until it confirms.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Deposited {
    /// The settlement account; see [`Subject::bank`].
    #[n(0)]
    pub bank: Subject,
    /// Number of the slip.
    #[n(1)]
    pub slip: String,
    /// Which bags, with what is in them.
    #[n(2)]
    pub bags: Vec<BagIn>,
}

/// One bag of a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BagIn {
    /// The bag.
    #[n(0)]
    pub bag: Subject,
    /// Who sealed it, and answers for what is missing.
    #[n(1)]
    pub site: Scope,
    /// How much was sealed in.
    #[n(2)]
    pub amount: Taka,
}

/// The bank's statement shows the deposit (J13a; less than was sealed in: J13b).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DepositConfirmed {
    /// The line of the statement.
    #[n(0)]
    pub reference: String,
    /// How much the bank credited.
    #[n(1)]
    pub credited: Taka,
}

/// Earnings of one vendor are on their way to the vendor's account (J17).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PayoutCreated {
    /// Whose.
    #[n(0)]
    pub vendor: Scope,
    /// Which earnings, each in one payout only; a charged return counts against.
    #[n(1)]
    pub lines: Vec<PayoutLine>,
    /// Σ of the lines.
    #[n(2)]
    pub total: Taka,
}

/// The same of a payout that its vendor bears the cost of (J17, J17c).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PayoutWithFee {
    /// Whose.
    #[n(0)]
    pub vendor: Scope,
    /// As of [`PayoutCreated`].
    #[n(1)]
    pub lines: Vec<PayoutLine>,
    /// What sending it costs, by the settings of that day.
    #[n(2)]
    pub fee: Taka,
    /// VAT on the fee.
    #[n(3)]
    pub vat: Taka,
    /// Σ of the lines, less fee and VAT: what the bank sends.
    #[n(4)]
    pub total: Taka,
}

/// One line of a payout: an earning, a payout that came back, or an entry that adds to what the vendor may have or takes
/// from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PayoutLine {
    /// The earning, the payout that came back, or the entry.
    #[n(0)]
    pub earning: Subject,
    /// What it adds; negative for a return that was charged and for what was netted.
    #[n(1)]
    pub net: Taka,
}

/// The bank sent it (J17a).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PayoutConfirmed {
    /// From which settlement account.
    #[n(0)]
    pub bank: Subject,
    /// The bank's reference (UTR).
    #[n(1)]
    pub reference: String,
}

/// The bank sent it back (J17b): the vendor may have it again, in a payout to come.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PayoutReturned {
    /// Why; see [`ReturnReason`].
    #[n(0)]
    pub reason: u8,
    /// The bank's reference of the return.
    #[n(1)]
    pub reference: String,
}

/// Why a bank sends a payout back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ReturnReason {
    /// There is no account of this number.
    NoSuchAccount = 1,
    /// The account is closed or blocked.
    AccountClosed = 2,
    /// The name on the account is another.
    NameDiffers = 3,
    /// The bank gave another reason, or none.
    Other = 4,
}

impl ReturnReason {
    /// The reason of a number on the wire; `None` for one of a later version.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::NoSuchAccount),
            2 => Some(Self::AccountClosed),
            3 => Some(Self::NameDiffers),
            4 => Some(Self::Other),
            _ => None,
        }
    }
}

/// Our own money left the settlement account (J18).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Swept {
    /// The settlement account, 1010.
    #[n(0)]
    pub from: Subject,
    /// The operating account, 1020.
    #[n(1)]
    pub to: Subject,
    /// How much.
    #[n(2)]
    pub amount: Taka,
    /// The bank's reference.
    #[n(3)]
    pub reference: String,
}

/// A partner remitted what he took for us, less his commission (J36a).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PartnerRemitted {
    /// The partner's point.
    #[n(0)]
    pub site: Scope,
    /// The settlement account.
    #[n(1)]
    pub bank: Subject,
    /// What arrived.
    #[n(2)]
    pub net: Taka,
    /// What he kept for himself.
    #[n(3)]
    pub commission: Taka,
    /// The line of the statement.
    #[n(4)]
    pub reference: String,
}

/// A line of a bank's statement that no other fact speaks of (J13c, J29).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LineBooked {
    /// The account whose statement it is.
    #[n(0)]
    pub bank: Subject,
    /// Which side of the books the account is on: 1 settlement (1010), 2 operating (1020).
    #[n(1)]
    pub side: u8,
    /// How much: credited to us positive, debited negative.
    #[n(2)]
    pub amount: Taka,
    /// What it is booked as: see [`LineBooked::CREDIT`] and [`LineBooked::CHARGE`].
    #[n(3)]
    pub what: u8,
    /// The bank's reference.
    #[n(4)]
    pub reference: String,
}

impl LineBooked {
    /// A credit that nobody has identified yet.
    pub const CREDIT: u8 = 1;
    /// What the bank charged for its services.
    pub const CHARGE: u8 = 2;

    /// Whether sign, side and purpose go together.
    #[must_use]
    pub fn is_coherent(&self) -> bool {
        let signed = match self.what {
            Self::CREDIT => self.amount.is_cash(),
            Self::CHARGE => self.amount.negated().is_cash(),
            _ => false,
        };
        signed && self.amount != Taka::ZERO && (1..=2).contains(&self.side)
    }
}

/// Whose the credit of a line is: the thing named says so with a posting of its own, and the line's is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LineIdentified {
    /// A deposit, a remittance.
    #[n(0)]
    pub subject: Subject,
}
