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
    /// Customers' money at the bank: what is owed to vendors and customers.
    Settlement = 1010, "Bank, COD settlement";
    /// Our own money at the bank.
    Operating = 1020, "Bank, operating";
    /// Receivable from bKash.
    Bkash = 1030, "bKash receivable";
    /// Receivable from Nagad.
    Nagad = 1031, "Nagad receivable";
    /// Receivable from Rocket.
    Rocket = 1032, "Rocket receivable";
    /// Receivable from the card acquirer.
    Card = 1033, "Card receivable";
    /// Cash in a sealed bag.
    InTransit = 1040, "Cash in transit to bank";
    /// Cash in an agent's bag.
    AgentCash = 1110, "Agent cash custody";
    /// Cash in a till.
    Till = 1120, "Till";
    /// What a courier collected for us.
    CourierReceivable = 1130, "Courier COD receivable";
    /// What a person owes for missing cash.
    Shortage = 1140, "Cash shortage receivable";
    /// What a vendor owes.
    VendorReceivable = 1150, "Vendor receivable";
    /// What a courier or an insurer is asked for, by the bag or parcel that was lost.
    Claims = 1160, "Claims receivable";
    /// VAT that others charged us, to be set off against ours.
    InputVat = 1170, "Input VAT";
    /// What a partner's point took for us.
    PartnerReceivable = 1180, "Pickup-point partner receivable";
    /// What a customer was paid back twice, and owes.
    CustomerReceivable = 1190, "Customer receivable";
    /// What a vendor earned and may not have yet.
    VendorHeld = 2010, "Vendor payable, held";
    /// What a vendor may have.
    VendorAvailable = 2020, "Vendor payable, available";
    /// Sent to vendors, and not yet out of the bank.
    PayoutInFlight = 2030, "Payouts in flight";
    /// Paid ahead, for goods that have not moved.
    Escrow = 2040, "Customer prepayments in escrow";
    /// Collected and not yet distributed.
    Clearing = 2045, "Collections clearing";
    /// To be paid back to customers.
    RefundsPayable = 2050, "Refunds payable";
    /// What customers may spend with us in place of a refund.
    StoreCredit = 2060, "Store credit";
    /// VAT on our own services.
    Vat = 2070, "VAT payable";
    /// Credited by a bank, and nobody knows for what yet.
    Unidentified = 2080, "Suspense, unidentified receipts";
    /// Cash that is more than it should be.
    CashOver = 2090, "Suspense, cash over";
    /// What customers paid twice or too much.
    OverCollected = 2095, "Over-collections refundable";
    /// What an agent earned.
    AgentPayable = 2110, "Agent earnings payable";
    /// What agents and sites left with us.
    Security = 2120, "Security deposits held";
    /// Commission.
    Commission = 4010, "Commission";
    /// Delivery fees.
    Delivery = 4020, "Delivery fees";
    /// Fees for handling cash.
    CodHandling = 4030, "COD handling fees";
    /// Fees for returns.
    RtoFee = 4040, "Return fees";
    /// Fees for payouts.
    PayoutFee = 4050, "Payout fees";
    /// Cash that was too much, and that nobody claimed.
    UnclaimedOver = 4060, "Unclaimed cash over";
    /// What providers keep of a settlement.
    ProviderFees = 5010, "Provider fees";
    /// What carrying for us costs.
    CourierCost = 5020, "Courier cost";
    /// What agents earn.
    AgentIncentive = 5030, "Agent incentive";
    /// What sites pay out of their tills for us.
    SiteExpense = 5045, "Site expenses";
    /// Missing cash that was given up.
    ShortWrittenOff = 5050, "Cash short written off";
    /// What was lost, stolen or charged back.
    Loss = 5060, "Loss and damage";
    /// What banks charge.
    BankCharges = 5070, "Bank charges";
    /// What we let customers have.
    Goodwill = 5080, "Goodwill";
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
        matches!(self, Self::VendorAvailable | Self::VendorReceivable | Self::PayoutInFlight | Self::RefundsPayable)
    }

    /// Facts always post to these; below zero is an exception.
    #[must_use]
    pub const fn is_watched(self) -> bool {
        matches!(self, Self::AgentCash | Self::Till | Self::Shortage | Self::InTransit | Self::Settlement)
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
