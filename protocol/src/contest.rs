//! What the fold cannot settle by itself: named, kept, shown.

use crate::id::OpId;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $word:literal, $next:literal;)*) => {
        /// Why a subject is contested. Numbers are wire format, words are the stable codes of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Code { $($(#[$doc])* $name = $number,)* }

        impl Code {
            /// The stable word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What the person does next.
            #[must_use]
            pub const fn next_step(self) -> &'static str {
                match self { $(Self::$name => $next,)* }
            }

            /// The code of a number in a fact; `None` for one of a later version.
            #[must_use]
            pub const fn of(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// R2: two persons say they delivered the parcel.
    ContestedDelivery = 1, "contested_delivery", "Two people say they delivered this. The supervisor will call both.";
    /// R7: delivered on a tap alone, and cancelled, neither knowing of the other.
    CancelledAndDelivered = 2, "cancelled_and_delivered", "The order was cancelled while it was on its way. Keep the cash; operations will call.";
    /// A custody step by somebody who did not hold the parcel.
    NotInCustody = 3, "not_in_custody", "The parcel was not on your run. Keep the cash; the supervisor will sort out whose it was.";
    /// A pair of facts that no rule settles.
    UnlistedPair = 4, "unlisted_pair", "Two records of this parcel do not fit together. The supervisor will look at both.";
    /// R1 with two amounts: the larger one is owed.
    DoubleTapDiffers = 5, "double_tap_differs", "This was recorded twice with two amounts. The larger one counts until the supervisor rules.";
    /// A second count of one hand-in.
    SecondCount = 6, "second_count", "This hand-in was counted twice. The first count stands; finance will look at the second.";
    /// The count names another giver than the offer.
    WrongGiver = 7, "wrong_giver", "The count names another agent than the offer. Finance will look at both.";
    /// Authored after the seat was revoked.
    RevokedAuthor = 8, "revoked_author", "The device that recorded this had been withdrawn. Security will look at it.";
    /// An amount that no parcel costs.
    AbsurdAmount = 9, "absurd_amount", "The amount cannot be right. The supervisor will call.";
    /// A second real collection (J12): the money is the customer's.
    DuplicateMoney = 10, "duplicate_money", "The customer paid twice. The second payment is to be given back.";
    /// More facts than a subject may have.
    SubjectFull = 11, "subject_full", "Too many records on one thing. Operations will look at the device.";
    /// A handover code that does not open the parcel's lock.
    CodeMismatch = 12, "code_mismatch", "The code that was recorded is not this parcel's. The supervisor will call the customer.";
    /// Handed over with neither code nor papers.
    UnverifiedHandover = 13, "unverified_handover", "The parcel was handed over without a code. The supervisor will call the customer.";
    /// A payment that is not the order's total.
    CaptureDiffers = 14, "capture_differs", "What was paid is not what the order costs. Finance will look at the payment.";
    /// Paid ahead and called off, so the customer's money was released; and then the goods were given all the same.
    GoodsAndMoney = 15, "goods_and_money", "The customer has the goods and gets the money back. Operations will ask for one of the two.";
    /// Scanned in at a site by somebody who knew that it was recorded as delivered (R5).
    BackAfterDelivery = 16, "back_after_delivery", "This was recorded as delivered, and a hub has it. Operations will call the customer, and say which of the two is so.";
    /// A second record of what a subject says once.
    RecordedTwice = 20, "recorded_twice", "This was recorded twice. The first record stands; finance will look at the second.";
}

/// One contest on a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contest {
    /// The fact that waits for a ruling.
    pub op: OpId,
    /// Why.
    pub code: Code,
}
