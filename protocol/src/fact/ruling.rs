//! What people decide about a difference.

use minicbor::{Decode, Encode};

use crate::id::{Id16, OpId, Subject};
use crate::taka::Taka;

/// A difference found its end: made good, written off, given to whom it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ruled {
    /// How; see [`How`].
    #[n(0)]
    pub how: u8,
    /// The fact that the difference follows from: the cause of its journal.
    #[n(1)]
    pub cause: OpId,
    /// Whose difference: a person, a place, a parcel or an order.
    #[n(2)]
    pub owner: Subject,
    /// The other side, where the way has one: a till's site, a customer, an agent, a vendor.
    #[n(3)]
    pub other: Option<Subject>,
    /// How much of it.
    #[n(4)]
    pub amount: Taka,
    /// Why, in the words of whoever ruled; no names, phones or addresses.
    #[n(5)]
    pub reason: String,
    /// Whose proposal it is: an opaque id of the caller.
    #[n(6)]
    pub maker: Id16,
    /// Who agreed, where two have to.
    #[n(7)]
    pub checker: Option<Id16>,
}

/// The ways a difference can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum How {
    /// J9b, J37a: missing cash was brought to a till, by whoever owes it.
    Repaid = 1,
    /// J9c, J37a: it is given up.
    WrittenOff = 2,
    /// J10a: cash that is too much belongs to a customer.
    ToCustomer = 3,
    /// J10b: cash that is too much was the giver's own, and goes back out of a till.
    ToGiver = 4,
    /// J10c: nobody has claimed cash that is too much.
    Unclaimed = 5,
    /// J12b: what a customer paid twice or too much is to be refunded.
    ExcessToCustomer = 6,
    /// J12c: the second collection was a record only, no cash.
    RecordedInError = 7,
    /// J9a: missing cash is kept from what the agent earned.
    FromPay = 8,
    /// J35: missing cash is kept from the security that was left with us.
    FromSecurity = 9,
    /// J27d: what a site paid out of its till was for us, and the paper is there.
    Expensed = 10,
    /// J11b: less was taken at the door with our leave, and we bear it.
    Conceded = 11,
    /// J11b: less was taken at the door with the vendor's leave, who bears it.
    ConcededByVendor = 12,
    /// J37a: what a customer was refunded twice is kept from what he is still to be paid back.
    FromRefunds = 13,
    /// J37a: it is kept from his credit with us.
    FromCredit = 14,
    /// J12d: there was no cash, and the agent has made it good since: it is owed to him with his pay.
    OwedToAgent = 15,
}

impl How {
    /// All of them, with their words in the API.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::Repaid, "repaid"),
        (Self::WrittenOff, "written_off"),
        (Self::ToCustomer, "to_customer"),
        (Self::ToGiver, "to_giver"),
        (Self::Unclaimed, "unclaimed"),
        (Self::ExcessToCustomer, "excess_to_customer"),
        (Self::RecordedInError, "recorded_in_error"),
        (Self::FromPay, "from_pay"),
        (Self::FromSecurity, "from_security"),
        (Self::Expensed, "expensed"),
        (Self::Conceded, "conceded"),
        (Self::ConcededByVendor, "conceded_by_vendor"),
        (Self::FromRefunds, "from_refunds"),
        (Self::FromCredit, "from_credit"),
        (Self::OwedToAgent, "owed_to_agent"),
    ];

    /// The way of a number in a fact; `None` for one of a later version.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.iter().map(|(how, _)| *how).find(|how| *how as u8 == number)
    }

    /// The word in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(how, _)| *how == self).map_or("", |(_, word)| word)
    }
}
