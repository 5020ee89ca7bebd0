//! Journals: the balanced postings that facts yield. T(S) is the list of them for one subject.

use std::fmt;

use crate::account::Account;
use crate::id::{OpId, Subject};
use crate::taka::Taka;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// The rule by which a journal is posted; names are those of the domain's posting table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// All rules of this version.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// `J4`, `J11a` ...
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

rules! {
    /// Paid ahead, at a provider.
    J2;
    /// A provider paid out what it had taken.
    J3;
    /// The due collected in full by an agent.
    J4;
    /// The due taken into our own till.
    J4p;
    /// The collected due distributed.
    J5;
    /// What was paid ahead distributed.
    J6;
    /// Commission and handling charged to the vendor.
    J7;
    /// Exact cash handed in.
    J8;
    /// Short cash at hand-in.
    J9;
    /// Missing cash kept from an agent's pay.
    J9a;
    /// Missing cash brought to a till.
    J9b;
    /// Missing cash given up.
    J9c;
    /// Over cash at hand-in.
    J10;
    /// Over cash that belongs to a customer.
    J10a;
    /// Over cash that was the giver's own.
    J10b;
    /// Over cash that nobody claimed.
    J10c;
    /// More collected than due.
    J11;
    /// Less collected than due, without approval: the agent owes.
    J11a;
    /// Less was taken with leave: the vendor or we bear it.
    J11b;
    /// Delivered, and no cash produced: the agent owes.
    J11c;
    /// A second real collection: the customer's money.
    J12;
    /// A second collection, to be refunded.
    J12b;
    /// A second collection that was a record only.
    J12c;
    /// A collection that was a record only, for which its agent was charged.
    J12d;
    /// Till to sealed bag.
    J13;
    /// The bank credited a deposit.
    J13a;
    /// The bank counted less than was sealed in.
    J13b;
    /// What a bank charged.
    J13c;
    /// A courier gave the goods to the customer, and owes the due.
    J14;
    /// A courier remitted, less what he keeps.
    J14a;
    /// An earning matured.
    J16;
    /// A payout is on its way.
    J17;
    /// The bank sent a payout.
    J17a;
    /// The bank sent a payout back.
    J17b;
    /// The vendor bears what a payout costs.
    J17c;
    /// Our own money swept out of the settlement account.
    J18;
    /// Paid ahead, and cancelled before it moved.
    J19;
    /// Paid back by hand.
    J19a;
    /// Goods came back, and what is left of their earning bears it.
    J20;
    /// The commission on what came back, given back.
    J20a;
    /// Goods came back after the vendor was paid for them.
    J20b;
    /// What a vendor owes, kept from what he may have.
    J20c;
    /// A refund paid out of a till.
    J20d;
    /// A refund kept apart for a till to pay.
    J20e;
    /// What is taken back of an earning or a fee after it was paid or kept: the vendor's debt bears it.
    J20f;
    /// Fee for a parcel that came back.
    J21;
    /// Paid ahead, and came back.
    J21a;
    /// The due paid at a provider, at the door or before.
    J24;
    /// A vendor paid for a parcel that we lost.
    J25;
    /// Who answers for a lost parcel.
    J25a;
    /// A stolen bag, and what becomes of the claim.
    J26;
    /// Cash for change put into a till.
    J27;
    /// A till closed short or over.
    J27a;
    /// Cash paid out of a till.
    J27b;
    /// Cash paid into a till.
    J27c;
    /// What a till paid out was for us.
    J27d;
    /// An agent's pay, earned and paid.
    J28;
    /// A credit at the bank that nobody has identified.
    J29;
    /// A credit at the bank that is a customer's payment ahead.
    J29a;
    /// Credit with us in place of a refund.
    J30;
    /// Credit with us that pays for an order.
    J30a;
    /// A card payment charged back.
    J31;
    /// The odd paisa that a whole-taka due leaves off.
    J32;
    /// VAT paid.
    J33;
    /// A security taken, or kept for what is missing.
    J35;
    /// The due taken into a partner's till.
    J36;
    /// A partner remitted.
    J36a;
    /// A refund that was paid twice: the customer owes the second.
    J37;
    /// What a customer owed of a second refund, given back or given up.
    J37a;
}

impl Rule {
    /// The rule of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}

/// One line of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Posting {
    /// Where.
    pub account: Account,
    /// Debit positive, credit negative.
    pub amount: Taka,
}

/// The balanced postings of one rule for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// What it is about.
    pub subject: Subject,
    /// By which rule.
    pub rule: Rule,
    /// The canonical fact it follows from.
    pub cause: OpId,
    /// Lines, zero ones left out.
    pub postings: Vec<Posting>,
}

/// The name of a journal whatever its amounts: BLAKE3(subject ‖ rule ‖ cause)[..16] (SPEC S5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 16]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Journal {
    /// A journal of debits and credits given as positive amounts.
    #[must_use]
    pub fn new(
        subject: Subject,
        rule: Rule,
        cause: OpId,
        debits: &[(Account, Taka)],
        credits: &[(Account, Taka)],
    ) -> Self {
        let debit = debits.iter().map(|(account, amount)| Posting { account: *account, amount: *amount });
        let credit = credits.iter().map(|(account, amount)| Posting { account: *account, amount: amount.negated() });
        let postings = debit.chain(credit).filter(|posting| posting.amount != Taka::ZERO).collect();
        let journal = Self { subject, rule, cause, postings };
        debug_assert!(journal.is_balanced(), "{journal}");
        journal
    }

    /// Invariant 1: debits equal credits.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.postings.iter().map(|posting| posting.amount).sum::<Taka>() == Taka::ZERO
    }

    /// See [`Key`].
    #[must_use]
    pub fn key(&self) -> Key {
        let mut input = self.subject.0.to_vec();
        input.extend_from_slice(self.rule.name().as_bytes());
        input.extend_from_slice(&self.cause.0);
        Key(half(&input))
    }
}

impl Key {
    /// The id of revision `rev` of this journal: even posts, odd reverses the one before.
    #[must_use]
    pub fn revision(self, rev: u32) -> [u8; 16] {
        half(&[self.0.as_slice(), &rev.to_be_bytes()].concat())
    }
}

fn half(input: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&blake3::hash(input).as_bytes()[..16]);
    out
}

impl fmt::Display for Journal {
    /// `J4  Dr 1110{A…} 1,069.00  Cr 2045{P…} 1,069.00`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule.name())?;
        for posting in &self.postings {
            let (side, amount) =
                if posting.amount < Taka::ZERO { ("Cr", posting.amount.negated()) } else { ("Dr", posting.amount) };
            write!(f, "  {side} {} {amount}", posting.account)?;
        }
        Ok(())
    }
}
