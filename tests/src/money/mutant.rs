//! Ways in which the money could be wrong, each at one seam: the finance desk of the model, or what the checker is
//! given to look at. One that is not caught shows a place where nobody looks.

use protocol::account::Code;
use protocol::intake::Taken;
use protocol::journal::{Posting, Rule};
use protocol::ledger::Entry;
use protocol::taka::Taka;

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// One way to be wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant { $($(#[$doc])* $name,)* }

        impl Mutant {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As the command line writes it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

mutants! {
    /// A payout run does not look at what earlier payouts hold.
    PaidTwice = "earning_paid_twice";
    /// A ruling does not look at what is open of its difference.
    RulingUnchecked = "ruling_ignores_balance";
    /// Of an offer and a count that differ the offer is posted.
    GiverBelieved = "giver_believed";
    /// The same cash is sealed into a second bag.
    SealedTwice = "bag_sealed_twice";
    /// What a provider was paid at the door is not posted.
    PhoneDropped = "j24_dropped";
    /// A refund that is paid twice is posted once.
    SecondRefundDropped = "j37_dropped";
    /// What was paid out and taken back since is not owed by its vendor.
    ClawbackDropped = "j20f_dropped";
    /// An order is paid with credit that is not there.
    CreditUnchecked = "credit_unchecked";
    /// A second collection is not posted.
    SecondDropped = "j12_dropped";
    /// Maturing does not look at holds and contests.
    HoldIgnored = "hold_ignored";
    /// Maturing does not wait for the bank.
    BankIgnored = "bank_ignored";
    /// A deposit is booked at what the seals say.
    SealBelieved = "deposit_at_sealed";
    /// What is posted late counts in the month in which its fact was recorded, closed or not.
    MonthReopened = "month_reopened";
    /// A refund is paid again, whatever is owed.
    RefundTwice = "refund_twice";
    /// What was collected beyond the due goes with the due.
    ExcessKept = "excess_left_out";
    /// The odd paisa are not posted.
    PaisaLost = "rounding_dropped";
    /// A credit that was identified stays on suspense.
    SuspenseStays = "suspense_stays";
    /// The VAT on the vendor's fees is posted as commission.
    VatShort = "vat_as_commission";
    /// A till's count is posted the wrong way round.
    TillTurned = "till_turned";
    /// A payment is recorded a second time under another reference.
    CapturedTwice = "captured_twice";
    /// One paper is entered a second time.
    EnteredTwice = "paper_entered_twice";
    /// What needs two people is posted with the word of one.
    OneSigns = "second_signature_missing";
    /// Who proposed an entry agrees to it himself.
    MakerSigns = "maker_signs_himself";
    /// A payout that came back is a line of every later run.
    ReturnPaidTwice = "return_paid_twice";
    /// A payout that came back is not given back to its vendor.
    ReturnKept = "return_not_given_back";
    /// A payout with a fee is posted without it.
    PayoutFeeForgotten = "payout_fee_forgotten";
    /// A float is posted the wrong way round.
    FloatTurned = "float_turned";
    /// What a provider keeps of a settlement is booked as come to the bank.
    FeeForgotten = "provider_fee_forgotten";
    /// What a vendor owes is kept whatever he has.
    NettedBlindly = "netted_blindly";
    /// A return does not look at what came back before.
    ReturnsForgotten = "returns_forgotten";
    /// A return is taken from an earning that is in a payout.
    PaidOutTaken = "return_of_paid_out_taken";
    /// The commission on what came back is kept.
    CommissionKept = "commission_kept";
    /// What is asked back matures.
    AskIgnored = "return_asked_and_matured";
    /// What a courier keeps is taken off what he remits for.
    CourierNet = "courier_net";
    /// A chargeback is the vendor's and ours, whatever the customer is still owed.
    BackTwice = "charged_back_and_refunded";
    /// A price that was let down is any vendor's.
    AnyVendor = "conceded_by_any_vendor";
    /// Whatever is missing may be an expense.
    AnyExpense = "any_expense";
    /// What a till paid out is not owed by anybody.
    PaidOutLost = "paid_out_lost";
    /// A bag that was stolen is deposited too.
    StolenDeposited = "stolen_bag_deposited";
}

impl Mutant {
    /// The one with this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mutant| mutant.word() == word)
    }

    /// What becomes of a batch on its way into the books.
    pub fn twist(self, taken: &mut Taken) {
        let entries = &mut taken.entries;
        match self {
            Self::SecondDropped => entries.retain(|entry| entry.journal.rule != Rule::J12),
            Self::SecondRefundDropped => entries.retain(|entry| entry.journal.rule != Rule::J37),
            Self::ClawbackDropped => entries.retain(|entry| entry.journal.rule != Rule::J20f),
            Self::PhoneDropped => entries.retain(|entry| entry.journal.rule != Rule::J24),
            Self::PaisaLost => entries.retain(|entry| entry.journal.rule != Rule::J32),
            Self::GiverBelieved => of(entries, Rule::J9).for_each(|entry| believe(&mut entry.journal.postings)),
            Self::ExcessKept => of(entries, Rule::J11).for_each(|entry| keep_excess(&mut entry.journal.postings)),
            Self::VatShort => of(entries, Rule::J7).for_each(|entry| hide_vat(&mut entry.journal.postings)),
            Self::CommissionKept => entries.retain(|entry| entry.journal.rule != Rule::J20a),
            Self::PaidOutLost => entries.retain(|entry| entry.journal.rule != Rule::J27b),
            Self::ReturnKept => entries.retain(|entry| entry.journal.rule != Rule::J17b),
            Self::PayoutFeeForgotten => entries.retain(|entry| entry.journal.rule != Rule::J17c),
            Self::FloatTurned => of(entries, Rule::J27).for_each(|entry| turn(&mut entry.journal.postings)),
            Self::FeeForgotten => of(entries, Rule::J3).for_each(|entry| forget_fee(&mut entry.journal.postings)),
            Self::TillTurned => of(entries, Rule::J27a).for_each(|entry| turn(&mut entry.journal.postings)),
            _ => {}
        }
    }
}

fn of(entries: &mut [Entry], rule: Rule) -> impl Iterator<Item = &mut Entry> {
    entries.iter_mut().filter(move |entry| entry.journal.rule == rule)
}

/// The till gets all that was offered, and nobody owes anything.
fn believe(postings: &mut Vec<Posting>) {
    move_into(postings, Code::Shortage, Code::Till);
}

fn keep_excess(postings: &mut Vec<Posting>) {
    move_into(postings, Code::OverCollected, Code::Clearing);
}

fn hide_vat(postings: &mut Vec<Posting>) {
    move_into(postings, Code::Vat, Code::Commission);
}

fn forget_fee(postings: &mut Vec<Posting>) {
    move_into(postings, Code::ProviderFees, Code::Settlement);
}

fn move_into(postings: &mut Vec<Posting>, from: Code, to: Code) {
    let moved: Taka = postings.iter().filter(|line| line.account.code == from).map(|line| line.amount).sum();
    let Some(line) = postings.iter_mut().find(|line| line.account.code == to) else { return };
    line.amount = line.amount.plus(moved);
    postings.retain(|line| line.account.code != from);
}

fn turn(postings: &mut [Posting]) {
    postings.iter_mut().for_each(|line| line.amount = line.amount.negated());
}
