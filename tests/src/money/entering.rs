//! Entering: finance books papers, and a second person agrees where two have to, decided as `central::entries` does. Some
//! read a paper wrong, enter one twice, or have no authority to.

use protocol::account::{Account, Code};
use protocol::decide::Draft;
use protocol::entry::{Way, way};
use protocol::fact::{Entered, Entry, Fact};
use protocol::fold::State;
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;

use super::mutant::Mutant;
use super::paper::Proposal;
use super::roster::{PARTNER, TILLS};
use super::ruling::TWO_PEOPLE_FROM;
use super::statement::Side;
use super::street::{Place, grow};
use super::world::World;

impl World {
    /// Somebody in finance takes a paper from the desk.
    pub(super) fn enter(&mut self) {
        match self.dice.below(10) {
            0 => self.enter_again(),
            1 => self.misread(),
            2 => self.enter_untrue(),
            _ => {
                if let Some(number) = self.dice.pick(&self.desk.open()).copied() {
                    self.enter_paper(number);
                }
            }
        }
    }

    /// Somebody enters a paper, or proposes to.
    pub(super) fn enter_paper(&mut self, number: u32) {
        let maker = self.somebody_in_finance();
        if self.desk.open().contains(&number) {
            self.read_notice(number);
        }
        let Some(entered) = self.desk.papers.get(&number).map(|paper| paper.entered(maker)) else { return };
        let entry = Subject::new(Kind::Entry, self.stamp().id(1));
        match self.check_entry(&entered, None) {
            Err(code) => {
                self.refused("enter", code);
                self.tear_up(number, code);
            }
            Ok(_) if entry_needs_two(&entered) && self.mutant != Some(Mutant::OneSigns) => {
                self.desk.proposals.push(Proposal { paper: number, entry, entered });
                self.did("propose_entry");
            }
            Ok((_, line)) => self.post_entry(number, entry, entered, line),
        }
    }

    /// What finance wrote itself and may not do is torn up; of what has happened the paper stays.
    fn tear_up(&mut self, number: u32, code: &str) {
        let waits = self.desk.proposals.iter().any(|proposal| proposal.paper == number);
        let torn = |paper: &super::paper::Paper| paper.own && paper.entry.is_none();
        if code != "reference_used" && !waits && self.desk.papers.get(&number).is_some_and(torn) {
            self.desk.papers.remove(&number);
        }
    }

    /// A paper that was entered or proposed is taken for a new one.
    fn enter_again(&mut self) {
        let open = self.desk.open();
        let done: Vec<u32> = self.desk.papers.keys().filter(|number| !open.contains(number)).copied().collect();
        if let Some(number) = self.dice.pick(&done).copied() {
            self.enter_paper(number);
        }
    }

    /// A paper is read wrong: more than there is, or what does not fit.
    fn misread(&mut self) {
        let Some(number) = self.dice.pick(&self.desk.open()).copied() else { return };
        let maker = self.somebody_in_finance();
        let Some(mut wrong) = self.desk.papers.get(&number).map(|paper| paper.entered(maker)) else { return };
        if let Some(late) = self.charged_too_late(&wrong) {
            return self.enter_wrong(late);
        }
        match (self.dice.below(3), self.most(&wrong)) {
            (0, _) => wrong.owner = Subject::tenant(),
            (_, Some(most)) => wrong.amount = most.plus(Taka::whole(1)),
            (_, None) => wrong.part = wrong.amount.plus(Taka::whole(1)),
        }
        self.enter_wrong(wrong);
    }

    /// The most that can be entered of what something holds.
    fn most(&self, entered: &Entered) -> Option<Taka> {
        match Entry::of(entered.what)? {
            Entry::LossCharged | Entry::LossClaimed => Some(self.unanswered(entered.other.unwrap_or(entered.owner))),
            Entry::Settled => Some(self.unsettled(entered.provider)),
            Entry::ChargedBack | Entry::ChargedBackEarly => Some(self.disputable(entered).left),
            _ => way(entered)?.held.map(|account| self.held(account).max(Taka::ZERO)),
        }
    }

    /// Somebody enters what never was.
    fn enter_untrue(&mut self) {
        let maker = self.somebody_in_finance();
        let paper = |what, owner, other| {
            let amount = Taka::whole(1);
            let reference = "hearsay".to_owned();
            let (provider, part) = (if what == Entry::ChargedBack { 1 } else { 0 }, Taka::ZERO);
            Entered { what: what as u8, owner, other, provider, amount, part, reference, maker, checker: None }
        };
        let bank = Some(self.bank.operating.subject);
        let parcels: Vec<Subject> = self.street.goods.keys().copied().collect();
        let parcel = self.dice.pick(&parcels).copied();
        let untrue = match (self.dice.below(6), parcel) {
            (0, _) => {
                let bags: Vec<Subject> = self.deposited().into_iter().collect();
                self.dice.pick(&bags).map(|bag| paper(Entry::BagStolen, *bag, None))
            }
            (1, _) => Some(paper(Entry::PayAccrued, super::roster::agent(PARTNER, 99), None)),
            (2, _) => Some(paper(Entry::FloatIssued, Subject::new(Kind::Site, Id16([99; 16])), bank)),
            (3, Some(parcel)) => {
                let vendor = self.other_vendor(parcel);
                Some(paper(Entry::LossPaid, vendor, Some(parcel)))
            }
            (4, Some(parcel)) if self.street.place_of(&parcel) == Some(Place::Customer) => {
                let is_over = self.parcel(parcel).is_some_and(|parcel| parcel.status.is_with_customer());
                let vendor = self.street.goods.get(&parcel).map(|goods| goods.vendor);
                vendor.filter(|_| is_over).map(|vendor| paper(Entry::LossPaid, vendor, Some(parcel)))
            }
            (5, Some(parcel)) if self.unanswered(parcel) <= Taka::ZERO => {
                Some(paper(Entry::LossCharged, TILLS[0], Some(parcel)))
            }
            _ => None,
        };
        if let Some(untrue) = untrue {
            self.enter_wrong(untrue);
        }
    }

    fn other_vendor(&self, parcel: Subject) -> Subject {
        let own = self.street.goods.get(&parcel).map(|goods| goods.vendor);
        super::roster::VENDORS.iter().copied().find(|vendor| Some(*vendor) != own).unwrap_or_else(Subject::tenant)
    }

    /// Enters what no paper says. It has to be refused; when it is not, the audit finds an entry without a paper.
    fn enter_wrong(&mut self, wrong: Entered) {
        let entry = Subject::new(Kind::Entry, self.stamp().id(1));
        let decided = self.check_entry(&wrong, None);
        let decided = decided.map(|_| vec![Draft { subject: entry, fact: Fact::Entered(wrong) }]);
        self.record("enter_wrong", decided);
    }

    /// Somebody whose seat is not central's records an entry on his device: pay for himself.
    pub(super) fn enter_without_authority(&mut self, at: usize) {
        let (me, stamp) = (self.devices[at].party(), self.stamp());
        let entry = Subject::new(Kind::Entry, stamp.id(1));
        let (maker, checker) = (Id16([0x31; 16]), Some(Id16([0x32; 16])));
        let (amount, part, reference) = (Taka::whole(9_000), Taka::ZERO, "forged".to_owned());
        let what = Entry::PayAccrued as u8;
        let entered = Entered { what, owner: me, other: None, provider: 0, amount, part, reference, maker, checker };
        self.devices[at].write(entry, Fact::Entered(entered), stamp);
        self.desk.forged.push(entry);
        self.did("enter_without_authority");
    }

    /// A second person looks at what was proposed, agrees, or takes it back.
    pub(super) fn sign(&mut self) {
        if !self.desk.proposals.is_empty() {
            let at = self.dice.below(self.desk.proposals.len());
            let withdraws = self.dice.chance(8);
            self.sign_one(at, withdraws);
        }
    }

    /// Signs a proposal, as far as the one who does is another than who proposed it.
    pub(super) fn sign_one(&mut self, at: usize, withdraws: bool) {
        let Some(Proposal { paper, entry, mut entered }) = self.desk.proposals.get(at).cloned() else { return };
        if withdraws {
            self.desk.proposals.remove(at);
            self.tear_up(paper, "withdrawn");
            return self.did("withdraw_entry");
        }
        let checker = self.somebody_in_finance();
        if checker == entered.maker && self.mutant != Some(Mutant::MakerSigns) {
            return self.refused("sign", "same_person");
        }
        entered.checker = Some(checker);
        match self.check_entry(&entered, Some(entry)) {
            Err(code) => {
                // It does not stand any more: it is withdrawn.
                self.desk.proposals.remove(at);
                self.refused("sign", code);
                self.tear_up(paper, code);
            }
            Ok((_, line)) => {
                self.desk.proposals.remove(at);
                self.post_entry(paper, entry, entered, line);
            }
        }
    }

    fn somebody_in_finance(&mut self) -> Id16 {
        Id16([0x31 + u8::try_from(self.dice.below(3)).unwrap_or(0); 16])
    }

    fn post_entry(&mut self, number: u32, entry: Subject, entered: Entered, line: Option<Subject>) {
        let word = Entry::of(entered.what).map_or("", Entry::word);
        let identified = self.identify(line, entry);
        let entered = Draft { subject: entry, fact: Fact::Entered(entered) };
        self.record(word, Ok([entered].into_iter().chain(identified).collect()));
        let Some(paper) = self.desk.papers.get_mut(&number) else { return };
        paper.entry = Some(entry);
        let paper = paper.clone();
        if let Some((side, at)) = paper.credit {
            self.account(side).entries[at].thing = Some(entry);
        }
        let (amount, reference, charged) = (paper.amount, paper.reference.clone(), paper.clone());
        match paper.what {
            Entry::FloatIssued => {
                self.transfer(amount, "cash for a till", entry, reference);
                self.street.come(paper.owner, amount);
            }
            Entry::PayPaid => self.transfer(amount, "pay", entry, reference),
            Entry::VatPaid => self.transfer(amount, "VAT", entry, reference),
            Entry::CreditIssued => grow(&mut self.street.refunded, paper.owner, amount),
            Entry::ChargedBack | Entry::ChargedBackEarly => self.charged_back(&charged),
            _ => {}
        }
    }

    /// Our own money leaves the operating account.
    fn transfer(&mut self, amount: Taka, narration: &str, entry: Subject, reference: String) {
        let (day, named) = (self.today(), self.dice.chance(85));
        let booked = self.bank.operating.book(day, amount.negated(), narration, Some(entry));
        booked.ids.extend(named.then_some(reference));
    }

    /// Holds an entry against the books and the papers before it, as `central::entries::check` does; with its way the
    /// line on suspense that it is.
    fn check_entry(&self, entered: &Entered, own: Option<Subject>) -> Result<(Way, Option<Subject>), &'static str> {
        let way = way(entered).ok_or("bad_entry")?;
        self.is_new(entered, own)?;
        let blind = self.mutant == Some(Mutant::NettedBlindly) && entered.what == Entry::Netted as u8;
        if let Some(account) = way.held.filter(|_| !blind) {
            self.holds(account, entered.amount)?;
        }
        let what = Entry::of(entered.what).ok_or("bad_entry")?;
        let credited = match what {
            Entry::Settled => Some((Side::Settlement, entered.amount.minus(entered.part))),
            Entry::SecurityTaken | Entry::ClaimPaid => Some((Side::Operating, entered.amount)),
            _ => None,
        };
        let line = match credited {
            Some((side, amount)) => self.waiting_line(side, &entered.reference, amount, false)?,
            None => None,
        };
        match what {
            Entry::Netted if !blind => self.holds(Code::VendorAvailable.of_owner(entered.owner), entered.amount)?,
            Entry::FloatIssued | Entry::SecurityTaken | Entry::PayAccrued => self.is_known(entered.owner)?,
            Entry::LossPaid => self.is_lost(entered)?,
            Entry::LossCharged | Entry::LossClaimed => {
                let parcel = entered.other.unwrap_or(entered.owner);
                if parcel != entered.owner {
                    self.is_known(entered.owner)?;
                }
                if entered.amount > self.unanswered(parcel) {
                    return Err("more_than_lost");
                }
            }
            Entry::BagStolen if self.deposited().contains(&entered.owner) => return Err("bag_deposited"),
            Entry::Settled if entered.amount > self.unsettled(entered.provider) => return Err("more_than_held"),
            Entry::ChargedBack => self.is_nobody_elses(entered)?,
            Entry::ChargedBackEarly => self.is_the_customers(entered)?,
            _ => {}
        }
        Ok((way, line))
    }

    /// All entries, with their subjects.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Subject, &Entered)> {
        let (from, to) = (Id16([0; 16]), Id16([0xff; 16]));
        let all = self.office.states.range(Subject::new(Kind::Entry, from)..=Subject::new(Kind::Entry, to));
        all.filter_map(|(subject, folded)| match &folded.state {
            State::Entry(booked) => Some((*subject, booked.entered.as_ref()?)),
            _ => None,
        })
    }

    /// One paper of a kind is entered once, also while an earlier one waits.
    fn is_new(&self, entered: &Entered, own: Option<Subject>) -> Result<(), &'static str> {
        let waiting = self.desk.proposals.iter().map(|proposal| (proposal.entry, &proposal.entered));
        let same = |(subject, other): (Subject, &Entered)| {
            (other.what, &other.reference, other.owner, other.provider)
                == (entered.what, &entered.reference, entered.owner, entered.provider)
                && own != Some(subject)
        };
        let used = self.entries().chain(waiting).any(same);
        if used && self.mutant != Some(Mutant::EnteredTwice) { Err("reference_used") } else { Ok(()) }
    }

    fn held(&self, account: Account) -> Taka {
        let balance = self.office.balance(account);
        if (account.code as u16) < 2_000 { balance } else { balance.negated() }
    }

    fn holds(&self, account: Account, amount: Taka) -> Result<(), &'static str> {
        if amount > self.held(account) { Err("more_than_held") } else { Ok(()) }
    }

    fn is_known(&self, party: Subject) -> Result<(), &'static str> {
        if party.kind() == Some(Kind::Site) {
            return if TILLS.contains(&party) || party == PARTNER { Ok(()) } else { Err("unknown_site") };
        }
        if self.agents().contains(&party) { Ok(()) } else { Err("unknown_agent") }
    }

    /// The vendor's parcel is still with us, and was not paid as lost before.
    fn is_lost(&self, entered: &Entered) -> Result<(), &'static str> {
        let parcel = entered.other.ok_or("unknown_parcel")?;
        let state = self.parcel(parcel).ok_or("unknown_parcel")?;
        if state.created.as_ref().map(|created| created.vendor) != Some(entered.owner) {
            return Err("not_the_vendor");
        }
        let paid = |other: &Entered| other.what == Entry::LossPaid as u8 && other.other == Some(parcel);
        if self.entries().any(|(_, other)| paid(other)) {
            return Err("loss_paid");
        }
        let ended = ["delivered", "collected", "returned", "cancelled", "rejected"].contains(&state.status.word());
        if ended { Err("not_lost") } else { Ok(()) }
    }

    /// What was paid for a lost parcel and nobody answers for yet.
    pub(super) fn unanswered(&self, parcel: Subject) -> Taka {
        let of = |entered: &Entered| match Entry::of(entered.what) {
            Some(Entry::LossPaid) => entered.amount,
            Some(Entry::LossCharged | Entry::LossClaimed) => entered.amount.negated(),
            _ => Taka::ZERO,
        };
        let about = self.entries().filter(|(_, entered)| entered.other.unwrap_or(entered.owner) == parcel);
        about.map(|(_, entered)| of(entered)).sum()
    }
}

/// What a provider says by itself needs one person; what is given up needs two, however little it is.
fn entry_needs_two(entered: &Entered) -> bool {
    match Entry::of(entered.what) {
        Some(Entry::Settled) => false,
        Some(Entry::ClaimLost | Entry::LossPaid | Entry::BagStolen | Entry::ChargedBack | Entry::ChargedBackEarly) => {
            true
        }
        _ => entered.amount >= TWO_PEOPLE_FROM,
    }
}
