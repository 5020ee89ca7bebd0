//! The chart of accounts, as far as this version posts (B4).

use std::fmt;

use crate::id::Subject;

/// An account: a code of the chart and, for accounts kept by entity, whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Code of the chart.
    pub code: Code,
    /// The entity; a scope for persons and places, a parcel for the clearing accounts.
    pub owner: Option<Subject>,
}

macro_rules! chart {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $title:literal;)*) => {
        /// A code of the chart of accounts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Code { $($(#[$doc])* $name = $number,)* }

        impl Code {
            /// All codes this version knows, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The account's name in the books.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

chart! {
    /// Cash in an agent's bag.
    AgentCash = 1110, "Agent cash custody";
    /// Cash in a till.
    Till = 1120, "Till";
    /// What a person owes for missing cash.
    Shortage = 1140, "Cash shortage receivable";
    /// What a vendor owes.
    VendorReceivable = 1150, "Vendor receivable";
    /// What a vendor earned and may not have yet.
    VendorHeld = 2010, "Vendor payable, held";
    /// What a vendor may have.
    VendorAvailable = 2020, "Vendor payable, available";
    /// Collected and not yet distributed.
    Clearing = 2045, "Collections clearing";
    /// VAT on our own services.
    Vat = 2070, "VAT payable";
    /// Cash that is more than it should be.
    CashOver = 2090, "Suspense, cash over";
    /// What customers paid twice or too much.
    OverCollected = 2095, "Over-collections refundable";
    /// Commission.
    Commission = 4010, "Commission";
    /// Delivery fees.
    Delivery = 4020, "Delivery fees";
    /// Fees for handling cash.
    CodHandling = 4030, "COD handling fees";
    /// Fees for returns.
    RtoFee = 4040, "Return fees";
    /// Odd paisa.
    Rounding = 5090, "Rounding";
}

impl Code {
    /// The code of a number; `None` for one of a later version.
    #[must_use]
    pub fn of(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| *code as u16 == number)
    }

    /// Only central decides on these, under the lock; a breach is a refusal and nothing posts.
    #[must_use]
    pub const fn is_strict(self) -> bool {
        matches!(self, Self::VendorAvailable | Self::VendorReceivable)
    }

    /// Facts always post to these; below zero is an exception.
    #[must_use]
    pub const fn is_watched(self) -> bool {
        matches!(self, Self::AgentCash | Self::Till | Self::Shortage)
    }

    /// This entity's account.
    #[must_use]
    pub const fn of_owner(self, owner: Subject) -> Account {
        Account { code: self, owner: Some(owner) }
    }

    /// The account that has no entities.
    #[must_use]
    pub const fn whole(self) -> Account {
        Account { code: self, owner: None }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code as u16)?;
        self.owner.map_or(Ok(()), |owner| write!(f, "{{{owner}}}"))
    }
}
