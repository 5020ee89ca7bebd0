//! What finance books on paper evidence: settlements, floats, pay, claims, taxes, securities.

use minicbor::{Decode, Encode};

use crate::id::{Id16, Subject};
use crate::taka::Taka;

/// Money moved, and a paper says so: a provider's settlement, a receipt, a police report, a return.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Entered {
    /// What; see [`Entry`].
    #[n(0)]
    pub what: u8,
    /// Whose account it is about; each [`Entry`] says of which kind.
    #[n(1)]
    pub owner: Subject,
    /// The other side, where the entry has one.
    #[n(2)]
    pub other: Option<Subject>,
    /// The provider of a settlement or a chargeback, as in `PaymentCaptured`; else 0.
    #[n(3)]
    pub provider: u8,
    /// How much in all.
    #[n(4)]
    pub amount: Taka,
    /// Of it what goes another way: the fee of a settlement, our share of a chargeback; else nothing.
    #[n(5)]
    pub part: Taka,
    /// What the paper is called; one paper of a kind is entered once.
    #[n(6)]
    pub reference: String,
    /// Whose proposal it is: an opaque id of the caller.
    #[n(7)]
    pub maker: Id16,
    /// Who agreed, where two have to.
    #[n(8)]
    pub checker: Option<Id16>,
}

/// What can be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Entry {
    /// J3: a provider paid out what it had taken for us, less its fee. Owner: the settlement account.
    Settled = 1,
    /// J27: cash for change goes into a till. Owner: the site; other: the operating account.
    FloatIssued = 2,
    /// J28: an agent earned pay. Owner: the agent.
    PayAccrued = 3,
    /// J28: it was paid. Owner: the agent; other: the operating account.
    PayPaid = 4,
    /// J33: VAT was paid. Owner: the operating account.
    VatPaid = 5,
    /// J35: an agent or a site left a security. Owner: whose; other: the operating account.
    SecurityTaken = 6,
    /// J26: a bag was stolen on its way; the insurer is asked. Owner: the bag.
    BagStolen = 7,
    /// J26: the insurer or the courier paid a claim. Owner: the bag or parcel; other: the operating account.
    ClaimPaid = 8,
    /// J26: nobody pays it. Owner: the bag or parcel.
    ClaimLost = 9,
    /// J25: a parcel was lost with us, the vendor is paid for it. Owner: the vendor; other: the parcel.
    LossPaid = 10,
    /// J25a: a person answers for it. Owner: the agent or site; other: the parcel.
    LossCharged = 11,
    /// J25a: the insurer or the courier is asked for it. Owner: the parcel.
    LossClaimed = 12,
    /// J20c: what a vendor owes is kept from what the vendor may have. Owner: the vendor.
    Netted = 13,
    /// J30: a customer takes credit in place of a refund. Owner: the customer.
    CreditIssued = 14,
    /// J31: a payment was charged back whose goods the vendor has been credited for, or which was refunded before. Owner:
    /// the vendor; other: the order; part: our share.
    ChargedBack = 15,
    /// J31: a payment was charged back that is still the customer's: in escrow, or owed back to him. Owner: the order
    /// (escrow), or the customer with the order as the other side (what is owed back).
    ChargedBackEarly = 16,
}

impl Entry {
    /// All of them, with their words in the API.
    pub const ALL: [(Self, &'static str); 16] = [
        (Self::Settled, "settled"),
        (Self::FloatIssued, "float_issued"),
        (Self::PayAccrued, "pay_accrued"),
        (Self::PayPaid, "pay_paid"),
        (Self::VatPaid, "vat_paid"),
        (Self::SecurityTaken, "security_taken"),
        (Self::BagStolen, "bag_stolen"),
        (Self::ClaimPaid, "claim_paid"),
        (Self::ClaimLost, "claim_lost"),
        (Self::LossPaid, "loss_paid"),
        (Self::LossCharged, "loss_charged"),
        (Self::LossClaimed, "loss_claimed"),
        (Self::Netted, "netted"),
        (Self::CreditIssued, "credit_issued"),
        (Self::ChargedBack, "charged_back"),
        (Self::ChargedBackEarly, "charged_back_early"),
    ];

    /// The entry of a number in a fact; `None` for one of a later version.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.iter().map(|(entry, _)| *entry).find(|entry| *entry as u8 == number)
    }

    /// The word in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(entry, _)| *entry == self).map_or("", |(_, word)| word)
    }
}
