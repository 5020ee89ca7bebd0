//! Payouts that the bank sends back: the vendor's account was wrong. The vendor may have the money again, and the next
//! run takes it as one line, decided as `central::payouts::give_back` does (J17b).

use protocol::decide::Draft;
use protocol::fact::{Fact, PayoutReturned, ReturnReason};
use protocol::fold::State;
use protocol::id::{Kind, Subject};
use protocol::payout::Payout;
use protocol::taka::Taka;

use super::banking::Decided;
use super::statement::{self, Side};
use super::world::World;

/// A changed account of a vendor is not paid to for so long.
const COOLING_MS: u64 = 72 * 3_600_000;
const REASONS: [ReturnReason; 4] =
    [ReturnReason::NoSuchAccount, ReturnReason::AccountClosed, ReturnReason::NameDiffers, ReturnReason::Other];

/// A transfer to an account that is not the vendor's.
#[derive(Clone, Debug)]
pub struct Bounce {
    pub payout: Subject,
    pub amount: Taka,
    /// The bank's credit, once it has sent the money back.
    pub credit: Option<usize>,
}

impl World {
    /// The bank sends back what it could not deliver, or finance hears that it did.
    pub(super) fn bounce(&mut self) {
        let fresh: Vec<usize> = (0..self.bounces.len()).filter(|at| self.bounces[*at].credit.is_none()).collect();
        match self.dice.pick(&fresh).copied() {
            Some(at) if self.dice.chance(60) => self.bank_sends_back(at),
            _ => self.give_back(),
        }
    }

    pub(super) fn bank_sends_back(&mut self, at: usize) {
        let Bounce { payout, amount, .. } = self.bounces[at];
        let (day, named) = (self.today(), self.dice.chance(80));
        let told = if named { payout.to_string() } else { "a transfer".to_owned() };
        self.bounces[at].credit = Some(self.bank.settlement.entries.len());
        self.bank.settlement.book(day, amount, &format!("/EREF/{told}/RTRN/no account"), Some(payout));
        self.did("bank_sends_back");
    }

    /// Finance reads of a return, and records it before the statement shows it, or after.
    pub(super) fn give_back(&mut self) {
        let back: Vec<Bounce> = self.bounces.iter().filter(|bounce| bounce.credit.is_some()).cloned().collect();
        let Some(Bounce { payout, credit: Some(credit), .. }) = self.dice.pick(&back).cloned() else { return };
        let by_the_bank = self.bank.settlement.entries[credit].reference.clone();
        self.numbers += 1;
        let reference = if self.dice.chance(60) { by_the_bank } else { format!("RTN-{:04}", self.numbers) };
        let reason = REASONS[self.dice.below(REASONS.len())];
        let decided = self.decide_return(payout, reference, reason);
        if self.record("give_back", decided) {
            self.after_return(payout);
        }
    }

    /// Mostly the vendor then says where he has his account now.
    pub(super) fn after_return(&mut self, payout: Subject) {
        let Some(vendor) = self.payout(&payout).and_then(|payout| payout.vendor) else { return };
        if self.dice.chance(35) {
            self.cooling.insert(vendor, self.now_ms + COOLING_MS);
            self.did("change_account");
        }
    }

    pub(super) fn payout(&self, subject: &Subject) -> Option<&Payout> {
        match &self.office.states.get(subject)?.state {
            State::Payout(payout) => Some(payout),
            _ => None,
        }
    }

    fn decide_return(&mut self, subject: Subject, reference: String, reason: ReturnReason) -> Decided {
        let Some(payout) = self.payout(&subject) else { return Err("unknown_payout") };
        if payout.returned_by.is_some() {
            return Err("already_returned");
        }
        let line = match payout.bank {
            Some(_) => self.waiting_line(Side::Settlement, &reference, payout.total, true)?,
            None => None,
        };
        let fact = Fact::PayoutReturned(PayoutReturned { reason: reason as u8, reference });
        let identified = self.identify(line, subject);
        Ok([Draft { subject, fact }].into_iter().chain(identified).collect())
    }

    /// A credit is a payout that came back, as `central::reconcile::explain` decides it.
    pub(super) fn decide_credit_of_return(&mut self, line: &statement::Line, subject: Subject) -> Decided {
        let Some(payout) = self.payout(&subject) else { return Err("unknown_payout") };
        if payout.bank != Some(self.bank.settlement.subject) || payout.total != line.amount {
            return Err("amounts_differ");
        }
        let is_back = payout.returned_by.is_some();
        let mut drafts = Vec::new();
        if is_back {
            // Recorded by hand before: the line is that return, unless another line is.
            if self.brings_back(&subject) {
                return Err("already_returned");
            }
        } else {
            let back = PayoutReturned { reason: ReturnReason::Other as u8, reference: line.reference.clone() };
            drafts.push(Draft { subject, fact: Fact::PayoutReturned(back) });
            self.after_return(subject);
        }
        if line.state == statement::State::Booked {
            drafts.extend(self.identify(Some(line.subject), subject));
        }
        self.set_line(line.subject, statement::State::Matched, vec![subject]);
        Ok(drafts)
    }

    /// Whether a line was found to be the return of a payout.
    fn brings_back(&self, payout: &Subject) -> bool {
        let credit = |line: &&statement::Line| line.amount > Taka::ZERO && line.state == statement::State::Matched;
        self.lines.values().filter(credit).any(|line| line.things.contains(payout))
    }

    /// Returns that the books have and no line has shown.
    pub(super) fn unseen_returns(&self) -> Taka {
        let unseen = self.office.states.iter().filter_map(|(subject, folded)| match &folded.state {
            State::Payout(payout) if payout.returned_by.is_some() && payout.bank.is_some() => {
                (!self.brings_back(subject)).then_some(payout.total)
            }
            _ => None,
        });
        unseen.sum()
    }

    /// Whether the vendor's account was changed lately.
    pub(super) fn is_cooling(&self, vendor: &Subject) -> bool {
        debug_assert_eq!(vendor.kind(), Some(Kind::Vendor));
        self.cooling.get(vendor).is_some_and(|until| self.now_ms < *until)
    }
}
