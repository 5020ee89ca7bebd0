//! What finance itself wants to happen: cash for a till, pay, taxes, what a vendor owes, what a customer takes as credit,
//! and who pays for what was lost. Each is a paper of its own, and what it says happens when it is entered.

use protocol::account::Code;
use protocol::fact::Entry;
use protocol::id::{Kind, Subject};
use protocol::taka::Taka;

use super::mutant::Mutant;
use super::paper::Paper;
use super::roster::{TILLS, VENDORS, place_of};
use super::street::Place;
use super::world::World;

/// What an agent is paid for a parcel.
const PAY: i32 = 30;

impl World {
    /// Finance writes a paper.
    pub(super) fn instruct(&mut self) {
        let paper = match self.dice.below(16) {
            0 | 1 => self.float(),
            2..=4 => self.pay_earned(),
            5 => self.pay_owed(),
            6 => self.vat_owed(),
            7 | 8 => self.netting(),
            9 | 10 => self.store_credit(),
            _ => self.loss(),
        };
        if let Some(paper) = paper {
            self.did("instruct");
            self.file(Paper { own: true, ..paper });
        }
    }

    /// What the operating account truly has.
    fn at_disposal(&self) -> Taka {
        self.bank.operating.balance()
    }

    fn part_of(&mut self, whole: Taka) -> Taka {
        let half = Taka::from_paisa(whole.paisa() / 2).unwrap_or_default();
        if half > Taka::ZERO && self.dice.chance(35) { half } else { whole }
    }

    fn float(&mut self) -> Option<Paper> {
        let site = self.dice.pick(&TILLS).copied()?;
        let hundreds = i32::try_from(if self.dice.chance(15) { 50 } else { 2 + self.dice.below(15) }).ok()?;
        let amount = Taka::whole(100 * hundreds);
        let fits = amount <= self.at_disposal();
        let other = Some(self.bank.operating.subject);
        fits.then(|| Paper { other, ..Paper::of(Entry::FloatIssued, site, amount) })
    }

    fn pay_earned(&mut self) -> Option<Paper> {
        let agent = self.dice.pick(&self.agents()).copied()?;
        // Now and then a whole season's.
        let parcels = i32::try_from(if self.dice.chance(8) { 180 } else { 1 + self.dice.below(15) }).ok()?;
        Some(Paper::of(Entry::PayAccrued, agent, Taka::whole(PAY * parcels)))
    }

    fn pay_owed(&mut self) -> Option<Paper> {
        let owed = |agent: &Subject| self.office.balance(Code::AgentPayable.of_owner(*agent)).negated();
        let owed: Vec<(Subject, Taka)> =
            self.agents().into_iter().map(|agent| (agent, owed(&agent))).filter(|(_, o)| *o > Taka::ZERO).collect();
        let (agent, owed) = self.dice.pick(&owed).copied()?;
        let amount = self.part_of(owed);
        let other = Some(self.bank.operating.subject);
        (amount <= self.at_disposal()).then(|| Paper { other, ..Paper::of(Entry::PayPaid, agent, amount) })
    }

    fn vat_owed(&mut self) -> Option<Paper> {
        let owed = self.office.balance(Code::Vat.whole()).negated();
        let amount = self.part_of(owed);
        let fits = amount > Taka::ZERO && amount <= self.at_disposal();
        fits.then(|| Paper::of(Entry::VatPaid, self.bank.operating.subject, amount))
    }

    /// What a vendor owes is kept from what he may have, as far as that goes.
    fn netting(&mut self) -> Option<Paper> {
        let blind = self.mutant == Some(Mutant::NettedBlindly);
        let of = |vendor: &Subject| {
            let owes = self.office.balance(Code::VendorReceivable.of_owner(*vendor));
            let has = self.office.balance(Code::VendorAvailable.of_owner(*vendor)).negated();
            (*vendor, if blind { owes } else { owes.min(has) })
        };
        let all: Vec<(Subject, Taka)> = VENDORS.iter().map(of).filter(|(_, amount)| *amount > Taka::ZERO).collect();
        let (vendor, amount) = self.dice.pick(&all).copied()?;
        let amount = self.part_of(amount);
        Some(Paper::of(Entry::Netted, vendor, amount))
    }

    fn store_credit(&mut self) -> Option<Paper> {
        let owed = self.office.central.memory.balances.iter();
        let owed = owed.filter(|(account, sum)| account.code == Code::RefundsPayable && **sum < Taka::ZERO);
        let owed = owed.filter_map(|(account, sum)| Some((account.owner?, sum.negated())));
        // What waits at a till is nobody's to give away.
        let owed: Vec<(Subject, Taka)> = owed.filter(|(owner, _)| owner.kind() == Some(Kind::Customer)).collect();
        let (customer, owed) = self.dice.pick(&owed).copied()?;
        // Mostly all of it: credit is for buying something.
        let amount = if self.dice.chance(75) { owed } else { self.part_of(owed) };
        Some(Paper::of(Entry::CreditIssued, customer, amount))
    }

    /// A parcel that nobody finds: the vendor is paid for it, and then somebody answers for it.
    fn loss(&mut self) -> Option<Paper> {
        let lost = self.street.goods.iter().filter_map(|(parcel, goods)| match goods.place {
            Place::Lost { by } => Some((*parcel, goods.vendor, by)),
            _ => None,
        });
        let lost: Vec<(Subject, Subject, Subject)> = lost.collect();
        let unpaid = |parcel: &Subject| self.unanswered(*parcel) > Taka::ZERO;
        let asked: Vec<_> = lost.iter().filter(|(parcel, ..)| unpaid(parcel)).copied().collect();
        let first = !asked.is_empty() && self.dice.chance(60);
        let (parcel, vendor, by) = self.dice.pick(if first { &asked } else { &lost }).copied()?;
        let paid = |paper: &Paper| paper.what == Entry::LossPaid && paper.other == Some(parcel);
        if !self.desk.papers.values().any(paid) {
            let goods = self.market.terms.get(&parcel)?.goods;
            return Some(Paper { other: Some(parcel), ..Paper::of(Entry::LossPaid, vendor, goods) });
        }
        let open = self.unanswered(parcel);
        if open <= Taka::ZERO {
            return None;
        }
        let amount = self.part_of(open);
        if self.dice.chance(50) {
            return Some(Paper::of(Entry::LossClaimed, parcel, amount));
        }
        let of_here: Vec<Subject> = self.agents().into_iter().filter(|a| place_of(a) == place_of(&by)).collect();
        let owner = self.dice.pick(&of_here).copied().filter(|_| self.dice.chance(50)).unwrap_or(by);
        Some(Paper { other: Some(parcel), ..Paper::of(Entry::LossCharged, owner, amount) })
    }
}
