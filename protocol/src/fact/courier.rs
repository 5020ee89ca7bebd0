//! Parcels that another company carries for us, and the cash that it collects.

use minicbor::{Decode, Encode};

use crate::id::Subject;
use crate::taka::Taka;

/// The courier has the parcel and gave it a number of his own.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Consigned {
    /// Which courier; see [`Subject::bank`].
    #[n(0)]
    pub courier: Subject,
    /// His number of it.
    #[n(1)]
    pub consignment: String,
}

/// The courier gave the goods to the customer, and owes the due from then on (J14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CourierDelivered {
    /// Which courier.
    #[n(0)]
    pub courier: Subject,
    /// What he says he collected.
    #[n(1)]
    pub collected: Taka,
    /// See [`CourierSource`].
    #[n(2)]
    pub source: u8,
}

/// The customer does not have the goods: the courier brings them back. After a delivery it takes that back (R21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CourierReturned {
    /// Which courier.
    #[n(0)]
    pub courier: Subject,
    /// See [`CourierSource`].
    #[n(1)]
    pub source: u8,
}

/// Where the courier said it. What only a webhook says is asked again before it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum CourierSource {
    /// He was asked, and answered.
    Query = 1,
    /// In the file of what he remits.
    File = 2,
}

impl CourierSource {
    /// The source of a number on the wire; `None` for one of a later version.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Query),
            2 => Some(Self::File),
            _ => None,
        }
    }
}

/// What a courier collected for us arrived, less what he keeps (J14a).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CourierRemitted {
    /// Which courier.
    #[n(0)]
    pub courier: Subject,
    /// The settlement account.
    #[n(1)]
    pub bank: Subject,
    /// What he collected, by his file.
    #[n(2)]
    pub gross: Taka,
    /// What he kept for carrying, without VAT.
    #[n(3)]
    pub charge: Taka,
    /// The VAT on it.
    #[n(4)]
    pub vat: Taka,
    /// The line of the statement.
    #[n(5)]
    pub reference: String,
}

impl CourierRemitted {
    /// What arrived.
    #[must_use]
    pub fn net(&self) -> Taka {
        self.gross.minus(self.charge).minus(self.vat)
    }
}
