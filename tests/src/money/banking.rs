//! Finance between the till and the bank: bags, deposits, confirmations by hand, sweeps and partners' remittances, each
//! decided as `central::banking` does, by the balances as they stand; and what is carried meanwhile.

use std::collections::BTreeSet;

use protocol::account::{Account as BookAccount, Code};
use protocol::decide::Draft;
use protocol::fact::{BagIn, BagSealed, DepositConfirmed, Deposited, Entry, Fact, MAX_BAGS, PartnerRemitted, Swept};
use protocol::fold::State;
use protocol::id::{Kind, Scope, Subject};
use protocol::taka::Taka;

use super::mutant::Mutant;
use super::roster::{PARTNER, TILLS};
use super::statement::Side;
use super::world::World;

/// A credit beyond this many times what was sealed in is a slip of the finger.
pub const ABSURD_TIMES: i64 = 10;
/// What a partner keeps of a remittance.
const PARTNER_FEE: Taka = Taka::whole(15);

/// What finance decides: facts, or the code of the refusal.
pub type Decided = Result<Vec<Draft>, &'static str>;

/// Bags that were brought to the bank, and are not in the books as a deposit.
#[derive(Clone, Debug)]
pub struct Brought {
    pub slip: String,
    pub bags: Vec<Subject>,
    /// The bank's entries for it.
    pub entries: Vec<usize>,
}

impl World {
    /// Cash leaves a till in a sealed bag (J13); what the seal says and what is inside may differ.
    pub(super) fn seal(&mut self) {
        let most_of = |site: &Scope| self.office.balance(Code::Till.of_owner(*site)).min(self.street.pile(site));
        let full: Vec<Scope> = TILLS.into_iter().filter(|site| most_of(site) > Taka::ZERO).collect();
        let Some(site) = self.dice.pick(&full).copied() else { return };
        let most = self.office.balance(Code::Till.of_owner(site)).min(self.street.pile(&site));
        let part = self.dice.chance(30);
        let amount = if part { Taka::from_paisa(most.paisa() / 2).unwrap_or_default().whole_taka() } else { most };
        self.seal_as(site, amount);
    }

    /// Seals so much of a till.
    pub(super) fn seal_as(&mut self, site: Scope, amount: Taka) {
        let stamp = self.stamp();
        let bag = Subject::new(Kind::Bag, stamp.id(1));
        self.numbers += 1;
        // Now and then the number is read wrong.
        let number = if self.dice.chance(5) { self.numbers.saturating_sub(2) } else { self.numbers };
        let seal = format!("A-{number:04}");
        let decided = self.decide_bag(bag, site, &seal, amount);
        if !self.record("seal", decided) {
            return;
        }
        let inside = match self.dice.below(100) {
            0..=4 if amount > Taka::whole(100) => amount.minus(Taka::whole(30)),
            5..=9 if self.street.pile(&site) > amount.plus(Taka::whole(20)) => amount.plus(Taka::whole(20)),
            _ => amount,
        };
        self.street.carry(site, bag, inside);
        if self.mutant == Some(Mutant::SealedTwice) {
            let again = Subject::new(Kind::Bag, stamp.id(2));
            let fact = Fact::BagSealed(BagSealed { site, seal, amount });
            self.record("seal", Ok(vec![Draft { subject: again, fact }]));
        }
    }

    fn decide_bag(&self, bag: Subject, site: Scope, seal: &str, amount: Taka) -> Decided {
        if amount < Taka::from_paisa(1).unwrap_or_default() {
            return Err("bad_amount");
        }
        let used = |state: &State| matches!(state, State::Bag(bag) if bag.seal == seal);
        if self.office.states.values().any(|folded| used(&folded.state)) {
            return Err("seal_used");
        }
        if amount > self.office.balance(Code::Till.of_owner(site)) {
            return Err("more_than_held");
        }
        let fact = Fact::BagSealed(BagSealed { site, seal: seal.to_owned(), amount });
        Ok(vec![Draft { subject: bag, fact }])
    }

    /// Bags whose cash is still ours to carry.
    pub(super) fn bags_at_hand(&self) -> Vec<Subject> {
        let gone: BTreeSet<Subject> = self.brought.iter().flat_map(|brought| brought.bags.clone()).collect();
        let deposited = self.deposited();
        let bag = |subject: &&Subject| subject.kind() == Some(Kind::Bag);
        let believed = self.mutant == Some(Mutant::StolenDeposited);
        let stolen = |bag: &Subject| self.street.stolen.contains(bag) && !believed;
        let at_hand = |bag: &&Subject| !gone.contains(bag) && !deposited.contains(bag) && !stolen(bag);
        self.office.states.keys().filter(bag).filter(at_hand).copied().collect()
    }

    pub(super) fn deposited(&self) -> BTreeSet<Subject> {
        let bags = self.office.states.values().filter_map(|folded| match &folded.state {
            State::Deposit(deposit) => Some(deposit.bags.iter().map(|bag| bag.bag)),
            _ => None,
        });
        bags.flatten().collect()
    }

    /// Bags are brought to the bank, which counts them; the books may hear of it later.
    pub(super) fn bring(&mut self, all: bool) -> bool {
        let mut bags = self.bags_at_hand();
        if bags.is_empty() {
            return false;
        }
        super::device::shuffle(&mut bags, &mut self.dice);
        bags.truncate(if all { MAX_BAGS } else { 1 + self.dice.below(3) });
        self.numbers += 1;
        let slip = format!("SLIP-{:04}", self.numbers);
        let inside: Taka = bags.iter().map(|bag| self.street.pile(bag)).sum();
        for bag in &bags {
            let pile = self.street.pile(bag);
            self.street.come(*bag, pile.negated());
        }
        // What the bank says is what is credited, whatever was in the bags.
        let credited = match self.dice.below(100) {
            0..=11 if inside > Taka::whole(600) => inside.minus(Taka::whole(500)),
            12..=17 => inside.plus(Taka::whole(100)),
            _ => inside,
        };
        let day = self.today();
        let parts = credited == inside && inside > Taka::whole(400) && self.dice.chance(8);
        let half = Taka::from_paisa(credited.paisa() / 3).unwrap_or_default().whole_taka();
        let amounts = if parts { vec![half, credited.minus(half)] } else { vec![credited] };
        let named = parts || self.dice.chance(80);
        let mut entries = Vec::new();
        for amount in amounts {
            entries.push(self.bank.settlement.entries.len());
            let entry = self.bank.settlement.book(day, amount, "Cash deposit at the counter", None);
            entry.ids.extend(named.then(|| slip.clone()));
        }
        self.did("bring");
        self.brought.push(Brought { slip, bags, entries });
        if self.dice.chance(70) || all {
            self.record_deposit(self.brought.len() - 1);
        }
        true
    }

    /// The books hear of a deposit; the bank's credit may have been there before.
    pub(super) fn record_late_deposit(&mut self) {
        if self.dice.chance(15) {
            self.deposit_stolen_bag();
        }
        if !self.brought.is_empty() {
            let at = self.dice.below(self.brought.len());
            self.record_deposit(at);
        }
    }

    /// A slip names a bag that finance knows to be stolen: refused.
    fn deposit_stolen_bag(&mut self) {
        let stolen = self.entries().filter(|(_, entered)| entered.what == Entry::BagStolen as u8);
        let stolen: Vec<Subject> = stolen.map(|(_, entered)| entered.owner).collect();
        let Some(bag) = self.dice.pick(&stolen).copied() else { return };
        let deposit = Subject::new(Kind::Deposit, self.stamp().id(1));
        let brought = Brought { slip: "SLIP-STOLEN".to_owned(), bags: vec![bag], entries: Vec::new() };
        let decided = self.decide_deposit(deposit, &brought);
        self.record("deposit_stolen", decided);
    }

    pub(super) fn record_deposit(&mut self, at: usize) {
        let Some(brought) = self.brought.get(at).cloned() else { return };
        let stamp = self.stamp();
        let deposit = Subject::new(Kind::Deposit, stamp.id(1));
        let decided = self.decide_deposit(deposit, &brought);
        if self.record("deposit", decided) {
            for entry in &brought.entries {
                self.bank.settlement.entries[*entry].thing = Some(deposit);
            }
            self.brought.remove(at);
        }
    }

    fn decide_deposit(&self, deposit: Subject, brought: &Brought) -> Decided {
        let deposited = self.deposited();
        let mut bags = Vec::new();
        for bag in &brought.bags {
            let Some(State::Bag(state)) = self.office.states.get(bag).map(|folded| &folded.state) else {
                return Err("unknown_bag");
            };
            let Some(site) = state.site else { return Err("unknown_bag") };
            let stolen = self.entries().any(|(_, e)| e.what == Entry::BagStolen as u8 && e.owner == *bag);
            if stolen && self.mutant != Some(Mutant::StolenDeposited) {
                return Err("bag_stolen");
            }
            if deposited.contains(bag) {
                return Err("bag_deposited");
            }
            bags.push(BagIn { bag: *bag, site, amount: state.amount });
        }
        let (bank, slip) = (self.bank.settlement.subject, brought.slip.clone());
        Ok(vec![Draft { subject: deposit, fact: Fact::Deposited(Deposited { bank, slip, bags }) }])
    }

    /// Finance reads a credit off a screen of the bank before its statement comes, and confirms the deposit.
    pub(super) fn confirm_by_hand(&mut self) {
        let entries = self.bank.settlement.entries.iter();
        let seen: Vec<(Subject, Taka, String)> = entries
            .filter_map(|entry| Some((entry.thing?, entry.amount, entry.reference.clone())))
            .filter(|(thing, ..)| thing.kind() == Some(Kind::Deposit))
            .collect();
        // One that came in parts is left to the statement.
        let whole = |thing: &Subject| seen.iter().filter(|(other, ..)| other == thing).count() == 1;
        let whole: Vec<_> = seen.iter().filter(|(thing, ..)| whole(thing)).cloned().collect();
        let Some((deposit, credited, reference)) = self.dice.pick(&whole).cloned() else { return };
        let decided = self.decide_confirmation(deposit, credited, reference);
        self.record("confirm_deposit", decided);
    }

    fn decide_confirmation(&mut self, deposit: Subject, credited: Taka, reference: String) -> Decided {
        let Some(State::Deposit(state)) = self.office.states.get(&deposit).map(|folded| &folded.state) else {
            return Err("unknown_deposit");
        };
        if state.credited.is_some() {
            return Err("already_confirmed");
        }
        let sealed = state.sealed();
        if credited.paisa() / ABSURD_TIMES > sealed.paisa() {
            return Err("absurd_amount");
        }
        self.unused_reference(&reference)?;
        let line = self.waiting_line(Side::Settlement, &reference, credited, true)?;
        let credited = if self.mutant == Some(Mutant::SealBelieved) { sealed } else { credited };
        let fact = Fact::DepositConfirmed(DepositConfirmed { reference, credited });
        let identified = self.identify(line, deposit);
        Ok([Draft { subject: deposit, fact }].into_iter().chain(identified).collect())
    }

    /// One line of a statement settles one thing.
    fn unused_reference(&self, reference: &str) -> Result<(), &'static str> {
        let used = self.office.states.values().any(|folded| match &folded.state {
            State::Deposit(deposit) => deposit.reference == reference,
            State::Remittance(paid) => paid.remitted.as_ref().is_some_and(|paid| paid.reference == reference),
            _ => false,
        });
        if used { Err("reference_used") } else { Ok(()) }
    }

    /// Our own money leaves the settlement account (J18).
    pub(super) fn sweep(&mut self) {
        // Fees and the VAT on them are ours, as far as they were not swept before.
        let ours = [Code::Commission, Code::Delivery, Code::CodHandling, Code::RtoFee, Code::PayoutFee, Code::Vat];
        let ours: Taka = ours.iter().map(|code| self.office.total(*code)).sum::<Taka>().negated();
        let paid = self.desk.papers.values().filter(|paper| paper.what == Entry::VatPaid && paper.entry.is_some());
        let ours = ours.plus(paid.map(|paper| paper.amount).sum());
        let held = self.office.balance(Code::Settlement.of_owner(self.bank.settlement.subject));
        let swept = self.office.states.values().filter_map(|folded| match &folded.state {
            State::Sweep(sweep) => sweep.swept.as_ref().map(|swept| swept.amount),
            _ => None,
        });
        let ours = ours.minus(swept.sum()).min(held);
        let third = Taka::from_paisa(ours.paisa() / 2).unwrap_or_default().whole_taka();
        self.numbers += 1;
        let (reference, stamp) = (format!("SWEEP-{:04}", self.numbers), self.stamp());
        let sweep = Subject::new(Kind::Sweep, stamp.id(1));
        let decided = self.decide_sweep(sweep, third, &reference);
        if !self.record("sweep", decided) {
            return;
        }
        let (day, named) = (self.today(), self.dice.chance(85));
        let entry = self.bank.settlement.book(day, third.negated(), "to our own account", Some(sweep));
        entry.ids.extend(named.then(|| reference.clone()));
        let entry = self.bank.operating.book(day, third, "from the settlement account", Some(sweep));
        entry.ids.extend(named.then_some(reference));
    }

    fn decide_sweep(&self, sweep: Subject, amount: Taka, reference: &str) -> Decided {
        if amount <= Taka::ZERO {
            return Err("bad_amount");
        }
        let (from, to) = (self.bank.settlement.subject, self.bank.operating.subject);
        self.bank_holds(amount)?;
        let fact = Fact::Swept(Swept { from, to, amount, reference: reference.to_owned() });
        Ok(vec![Draft { subject: sweep, fact }])
    }

    /// A bank account is never booked below zero.
    pub(super) fn bank_holds(&self, amount: Taka) -> Result<(), &'static str> {
        let account: BookAccount = Code::Settlement.of_owner(self.bank.settlement.subject);
        if amount > self.office.balance(account) { Err("bank_too_low") } else { Ok(()) }
    }

    /// A partner transfers what he took, less his commission; finance hears of it now, or when the statement comes.
    pub(super) fn remit(&mut self) {
        if let Some((reference, gross, entry)) = self.remitted.pop() {
            self.record_remittance(reference, gross, entry);
            return;
        }
        let gross = self.street.partners.get(&PARTNER).copied().unwrap_or_default();
        if gross <= PARTNER_FEE {
            return;
        }
        self.numbers += 1;
        let (reference, day) = (format!("REMIT-{:04}", self.numbers), self.today());
        let at = self.bank.settlement.entries.len();
        let entry = self.bank.settlement.book(day, gross.minus(PARTNER_FEE), "a partner remits", None);
        entry.ids.push(reference.clone());
        self.street.remit(PARTNER);
        self.did("partner_remits");
        if self.dice.chance(80) {
            self.record_remittance(reference, gross, at);
        } else {
            self.remitted.push((reference, gross, at));
        }
    }

    pub(super) fn record_remittance(&mut self, reference: String, gross: Taka, entry: usize) {
        let stamp = self.stamp();
        let remittance = Subject::new(Kind::Remittance, stamp.id(1));
        let net = gross.minus(PARTNER_FEE);
        let decided = self.decide_remittance(remittance, net, &reference);
        if self.record("remit", decided) {
            self.bank.settlement.entries[entry].thing = Some(remittance);
        } else {
            // His device has not told yet what he took.
            self.remitted.push((reference, gross, entry));
        }
    }

    fn decide_remittance(&mut self, remittance: Subject, net: Taka, reference: &str) -> Decided {
        let owed = self.office.balance(Code::PartnerReceivable.of_owner(PARTNER));
        if net.plus(PARTNER_FEE) > owed {
            return Err("more_than_owed");
        }
        self.unused_reference(reference)?;
        let line = self.waiting_line(Side::Settlement, reference, net, false)?;
        let (site, bank, commission) = (PARTNER, self.bank.settlement.subject, PARTNER_FEE);
        let reference = reference.to_owned();
        let fact = Fact::PartnerRemitted(PartnerRemitted { site, bank, net, commission, reference });
        let identified = self.identify(line, remittance);
        Ok([Draft { subject: remittance, fact }].into_iter().chain(identified).collect())
    }

    /// The bank errs and charges: credits of strangers, some of them taken back, and fees.
    pub(super) fn bank_books(&mut self) {
        let day = self.today();
        match self.dice.below(4) {
            0 => {
                let amount = Taka::whole(700 + i32::try_from(self.dice.below(50)).unwrap_or(0));
                self.bank.settlement.book(day, amount, "NPSB from a stranger", None);
                self.did("bank_unknown_credit");
            }
            1 => {
                let last = self.bank.settlement.entries.iter().rev();
                let known: BTreeSet<&str> = last.clone().filter(|e| e.reversal).map(|e| e.reference.as_str()).collect();
                let wrong = last.clone().find(|entry| {
                    entry.narration.contains("stranger") && !known.contains(entry.reference.as_str()) && !entry.reversal
                });
                let Some(wrong) = wrong.cloned() else { return };
                let entry =
                    self.bank.settlement.book(day, wrong.amount.negated(), "NPSB from a stranger, taken back", None);
                (entry.reference, entry.reversal) = (wrong.reference, true);
                self.did("bank_takes_back");
            }
            2 => {
                self.bank.settlement.book(day, Taka::whole(-115), "Account maintenance charge", None);
                self.did("bank_charge");
            }
            _ => {
                self.bank.operating.book(day, Taka::whole(-60), "Account maintenance charge", None);
                self.did("bank_charge");
            }
        }
    }
}
