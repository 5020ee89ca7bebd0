//! Rulings: finance proposes what becomes of a difference, a second person agrees where two have to, decided as
//! `central::rulings` does.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::Code;
use protocol::decide::Draft;
use protocol::fact::{Fact, How, Ruled};
use protocol::fold::State;
use protocol::id::{Id16, Kind, OpId, Subject};
use protocol::journal::Rule;
use protocol::ruling::{Way, way};
use protocol::taka::Taka;

use super::mutant::Mutant;
use super::roster::{TILLS, VENDORS};
use super::world::World;

/// From so much on, and for whatever is given up, two people have to agree.
pub(super) const TWO_PEOPLE_FROM: Taka = Taka::whole(5_000);
/// Surplus cash that nobody has claimed for so long is income, ms.
const UNCLAIMED_AFTER_MS: u64 = 90 * 24 * 3_600_000;
/// Rules that end a difference.
const ENDS: [Rule; 13] = [
    Rule::J9a,
    Rule::J9b,
    Rule::J9c,
    Rule::J10a,
    Rule::J10b,
    Rule::J10c,
    Rule::J11b,
    Rule::J12b,
    Rule::J12c,
    Rule::J12d,
    Rule::J27d,
    Rule::J35,
    Rule::J37a,
];

/// One difference, as `finance.difference` shows it.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub code: Code,
    pub owner: Subject,
    pub cause: OpId,
    pub since_ms: u64,
    pub amount: Taka,
    pub open: Taka,
}

impl World {
    /// Every difference with what is still open of it.
    pub(super) fn differences(&self) -> Vec<Difference> {
        let mut sums: BTreeMap<(Code, Subject, Subject, OpId), (u64, Taka)> = BTreeMap::new();
        for row in &self.office.log {
            let journal = &row.entry.journal;
            if ENDS.contains(&journal.rule) {
                continue;
            }
            for line in &journal.postings {
                let Some(owner) = line.account.owner else { continue };
                let amount = match line.account.code {
                    Code::Shortage | Code::CustomerReceivable => line.amount,
                    Code::CashOver | Code::OverCollected => line.amount.negated(),
                    _ => continue,
                };
                let sum = sums
                    .entry((line.account.code, owner, journal.subject, journal.cause))
                    .or_insert((row.at_ms, Taka::ZERO));
                sum.1 = sum.1.plus(amount);
            }
        }
        let ruled = self.ruled();
        let difference =
            |((code, owner, _, cause), (since_ms, amount)): ((Code, Subject, Subject, OpId), (u64, Taka))| {
                let ruled = ruled.get(&(cause, owner, code)).copied().unwrap_or_default();
                Difference { code, owner, cause, since_ms, amount, open: amount.minus(ruled) }
            };
        let all = sums.into_iter().map(difference);
        all.filter(|one| one.amount != Taka::ZERO || one.open != Taka::ZERO).collect()
    }

    /// What was ruled of each difference.
    fn ruled(&self) -> BTreeMap<(OpId, Subject, Code), Taka> {
        let mut ruled = BTreeMap::new();
        for folded in self.office.states.values() {
            let State::Ruling(ruling) = &folded.state else { continue };
            let Some(said) = ruling.ruled.as_ref() else { continue };
            let code = match How::of(said.how) {
                _ if said.owner.kind() == Some(Kind::Customer) => Code::CustomerReceivable,
                Some(
                    How::Repaid
                    | How::WrittenOff
                    | How::FromPay
                    | How::FromSecurity
                    | How::Expensed
                    | How::Conceded
                    | How::ConcededByVendor,
                ) => Code::Shortage,
                Some(How::ToCustomer | How::ToGiver | How::Unclaimed) => Code::CashOver,
                _ => Code::OverCollected,
            };
            super::street::grow(&mut ruled, (said.cause, said.owner, code), said.amount);
        }
        ruled
    }

    /// Somebody in finance looks at a difference and says what becomes of it.
    pub(super) fn rule(&mut self) {
        let open: Vec<Difference> = self.differences().into_iter().filter(|one| one.open > Taka::ZERO).collect();
        let doubtful = open.iter().filter(|one| one.code == Code::OverCollected && self.is_doubtful(one));
        let doubtful: Vec<Difference> = doubtful.copied().collect();
        let first = !doubtful.is_empty() && self.dice.chance(85);
        // Who let the price down is asked while he remembers it.
        let let_down = self.short_at_door();
        let let_down: Vec<Difference> = open.iter().filter(|one| let_down.contains(&one.cause)).copied().collect();
        // And who was paid twice while he answers his phone.
        let twice: Vec<Difference> = open.iter().filter(|one| one.code == Code::CustomerReceivable).copied().collect();
        let of = match first {
            true => &doubtful,
            false if !twice.is_empty() && self.dice.chance(85) => &twice,
            false if !let_down.is_empty() && self.dice.chance(45) => &let_down,
            false => &open,
        };
        let Some(one) = self.dice.pick(of).copied() else { return };
        let [has_pay, has_security] =
            [Code::AgentPayable, Code::Security].map(|code| self.office.balance(code.of_owner(one.owner)) < Taka::ZERO);
        let (how, other) = match one.code {
            // The customer says that he asked, and was let off; now and then it is another vendor who is named.
            Code::Shortage if self.short_at_door().contains(&one.cause) && self.dice.chance(70) => {
                match self.dice.below(5) {
                    0 | 1 => (How::Conceded, None),
                    2 | 3 => (How::ConcededByVendor, self.seller(one.cause)),
                    _ => (How::ConcededByVendor, self.dice.pick(&VENDORS).copied()),
                }
            }
            Code::Shortage => match self.dice.below(100) {
                0..=57 if has_pay => (How::FromPay, None),
                35..=64 if has_security => (How::FromSecurity, None),
                // The paper of what a till paid out is there, or is believed to be.
                _ if self.dice.chance(if self.was_paid_out(&one) { 75 } else { 4 }) => (How::Expensed, None),
                // He is believed to have something with us, and has not.
                50..=53 => (How::FromPay, None),
                0..=74 => (How::Repaid, Some(self.a_till(one.owner))),
                _ => (How::WrittenOff, None),
            },
            // What he was paid twice: he is asked for it, or it is kept from what we have of his.
            Code::CustomerReceivable => {
                let has = |code: Code| self.office.balance(code.of_owner(one.owner)) < Taka::ZERO;
                match self.dice.below(10) {
                    0..=5 if has(Code::RefundsPayable) => (How::FromRefunds, None),
                    3..=6 if has(Code::StoreCredit) => (How::FromCredit, None),
                    // He is believed to have something with us, and has not.
                    7 => (How::FromRefunds, None),
                    0..=6 => (How::Repaid, Some(self.a_till(one.owner))),
                    _ => (How::WrittenOff, None),
                }
            }
            Code::CashOver if self.now_ms >= one.since_ms.saturating_add(UNCLAIMED_AFTER_MS) => (How::Unclaimed, None),
            Code::CashOver => match self.dice.below(5) {
                0 => (How::ToCustomer, self.any_customer()),
                1 | 2 => (How::ToGiver, Some(self.a_till(one.owner))),
                _ => (How::Unclaimed, None),
            },
            _ => match self.collector(one.cause) {
                Some(agent) if self.is_in_error(&one, agent) => {
                    // Now and then finance has not looked whether he has handed in since.
                    let blindly = self.dice.chance(8);
                    let since = self.has_handed_in_since(one.cause, agent) != blindly;
                    (if since { How::OwedToAgent } else { How::RecordedInError }, Some(agent))
                }
                _ => (How::ExcessToCustomer, self.customer_of(one.owner)),
            },
        };
        let half = Taka::from_paisa(one.open.paisa() / 2).unwrap_or_default();
        let amount = match self.dice.below(10) {
            0 | 1 if half > Taka::ZERO => half,
            // A slip of the finger: refused.
            2 => one.open.plus(Taka::whole(5)),
            _ => one.open,
        };
        // Mostly finance looks how much we hold of his, and keeps no more.
        let ours = match how {
            How::FromPay => Some(Code::AgentPayable),
            How::FromSecurity => Some(Code::Security),
            How::FromRefunds => Some(Code::RefundsPayable),
            How::FromCredit => Some(Code::StoreCredit),
            _ => None,
        };
        let held = ours.map(|code| self.office.balance(code.of_owner(one.owner)).negated());
        let amount = held.filter(|held| *held > Taka::ZERO).map_or(amount, |held| amount.min(held));
        let amount = if self.mutant == Some(Mutant::RulingUnchecked) { amount.plus(one.open) } else { amount };
        let maker = Id16([0x31 + u8::try_from(self.dice.below(2)).unwrap_or(0); 16]);
        let reason = "looked into".to_owned();
        let ruled =
            Ruled { how: how as u8, cause: one.cause, owner: one.owner, other, amount, reason, maker, checker: None };
        match self.check(&ruled) {
            Err(code) => self.refused("rule", code),
            Ok(way) if !self.is_there(&ruled, &way) => self.refused("rule", "drawer_too_low"),
            Ok(_) if self.needs_two(&ruled) => {
                self.proposals.push(ruled);
                self.did("propose");
            }
            Ok(way) => self.post_ruling(ruled, &way),
        }
    }

    /// A second person looks at what was proposed.
    pub(super) fn agree(&mut self) {
        if self.proposals.is_empty() {
            return;
        }
        let at = self.dice.below(self.proposals.len());
        let mut ruled = self.proposals[at].clone();
        let checker = Id16([0x31 + u8::try_from(self.dice.below(3)).unwrap_or(0); 16]);
        if checker == ruled.maker {
            return self.refused("agree", "same_person");
        }
        ruled.checker = Some(checker);
        match self.check(&ruled) {
            // It does not stand any more: it is withdrawn.
            Err(code) => {
                self.proposals.remove(at);
                self.refused("agree", code);
            }
            Ok(way) if !self.is_there(&ruled, &way) => self.refused("agree", "drawer_too_low"),
            Ok(way) => {
                self.proposals.remove(at);
                self.post_ruling(ruled, &way);
            }
        }
    }

    /// Nobody gives out of a drawer what is not in it.
    fn is_there(&self, ruled: &Ruled, way: &Way) -> bool {
        let gives = ruled.how == How::ToGiver as u8;
        way.credit.owner.is_none_or(|till| !gives || self.street.pile(&till) >= ruled.amount)
    }

    fn post_ruling(&mut self, ruled: Ruled, way: &Way) {
        let (how, amount) = (How::of(ruled.how), ruled.amount);
        let stamp = self.stamp();
        let ruling = Subject::new(Kind::Ruling, stamp.id(1));
        let word = how.map_or("", How::word);
        self.record(word, Ok(vec![Draft { subject: ruling, fact: Fact::Ruled(ruled) }]));
        // Cash moves with two of the ways.
        match (how, way.debit.owner, way.credit.owner) {
            (Some(How::Repaid), Some(till), _) => self.street.come(till, amount),
            (Some(How::ToGiver), _, Some(till)) => self.street.come(till, amount.negated()),
            _ => {}
        }
    }

    /// Whether a second person has to agree; what was ruled or proposed of this difference before counts.
    fn needs_two(&self, ruled: &Ruled) -> bool {
        let same = |other: &&Ruled| other.cause == ruled.cause && other.owner == ruled.owner;
        let before: Taka = self
            .office
            .states
            .values()
            .filter_map(|folded| match &folded.state {
                State::Ruling(ruling) => ruling.ruled.as_ref(),
                _ => None,
            })
            .filter(same)
            .chain(self.proposals.iter().filter(same))
            .map(|other| other.amount)
            .sum();
        let gives_up =
            [How::WrittenOff, How::Conceded, How::ConcededByVendor].iter().any(|how| ruled.how == *how as u8);
        gives_up || before.plus(ruled.amount) >= TWO_PEOPLE_FROM
    }

    /// Holds a ruling against the books.
    fn check(&self, ruled: &Ruled) -> Result<Way, &'static str> {
        let how = How::of(ruled.how);
        let Some((how, way)) = how.and_then(|how| Some((how, way(how, ruled.owner, ruled.other)?))) else {
            return Err("bad_ruling");
        };
        let same =
            |one: &&Difference| one.cause == ruled.cause && one.owner == ruled.owner && one.code == way.difference.code;
        let all = self.differences();
        let Some(one) = all.iter().find(same) else { return Err("unknown_difference") };
        if self.mutant == Some(Mutant::RulingUnchecked) {
            return Ok(way);
        }
        if ruled.amount > one.open {
            return Err("more_than_open");
        }
        // A late record may have moved the difference to another cause: the account has to hold the amount, too.
        let stands = self.office.balance(way.difference);
        let owes = matches!(way.difference.code, Code::Shortage | Code::CustomerReceivable);
        let stands = if owes { stands } else { stands.negated() };
        if ruled.amount > stands {
            return Err("more_than_open");
        }
        match how {
            How::ToGiver if ruled.amount > self.office.balance(way.credit) => Err("more_than_held"),
            How::FromPay | How::FromSecurity | How::FromRefunds | How::FromCredit
                if ruled.amount > self.office.balance(way.debit).negated() =>
            {
                Err("more_than_held")
            }
            How::Expensed if !self.was_paid_out(one) && self.mutant != Some(Mutant::AnyExpense) => Err("not_paid_out"),
            How::Conceded | How::ConcededByVendor if !self.short_at_door().contains(&one.cause) => {
                Err("not_short_at_door")
            }
            How::ConcededByVendor
                if self.seller(one.cause) != ruled.other && self.mutant != Some(Mutant::AnyVendor) =>
            {
                Err("not_the_vendor")
            }
            How::Unclaimed if self.now_ms < one.since_ms.saturating_add(UNCLAIMED_AFTER_MS) => Err("too_young"),
            How::ToCustomer if !self.market.deals.values().any(|deal| Some(deal.customer) == ruled.other) => {
                Err("not_the_customer")
            }
            How::ExcessToCustomer if ruled.other != self.customer_of(ruled.owner) => Err("not_the_customer"),
            How::RecordedInError | How::OwedToAgent if self.collector(ruled.cause) != ruled.other => {
                Err("not_the_collector")
            }
            How::RecordedInError if self.handed_in(ruled) => Err("handed_in_since"),
            How::OwedToAgent if !self.handed_in(ruled) => Err("not_handed_in"),
            How::RecordedInError if ruled.amount > self.office.balance(way.credit) => Err("more_than_held"),
            _ => Ok(way),
        }
    }

    /// The deliveries at which an agent took less than the due.
    fn short_at_door(&self) -> BTreeSet<OpId> {
        let short = self.office.log.iter().map(|row| &row.entry.journal).filter(|journal| journal.rule == Rule::J11a);
        short.map(|journal| journal.cause).collect()
    }

    /// Whose parcel a fact was about, by what the shop knows.
    pub(super) fn seller(&self, cause: OpId) -> Option<Subject> {
        let of = self.office.log.iter().map(|row| &row.entry.journal).find(|journal| journal.cause == cause)?;
        self.market.terms.get(&of.subject).map(|terms| terms.vendor)
    }

    /// Whether a till paid it out.
    fn was_paid_out(&self, one: &Difference) -> bool {
        self.office.log.iter().any(|row| row.entry.journal.cause == one.cause && row.entry.journal.rule == Rule::J27b)
    }

    /// The agent who recorded a collection.
    fn collector(&self, cause: OpId) -> Option<Subject> {
        let of = self.office.log.iter().map(|row| &row.entry.journal).filter(|journal| journal.cause == cause);
        let mut lines = of.flat_map(|journal| &journal.postings);
        lines.find(|line| line.account.code == Code::AgentCash && line.amount > Taka::ZERO)?.account.owner
    }

    /// The customer says that he did not pay, and was believed.
    fn is_in_error(&self, one: &Difference, agent: Subject) -> bool {
        self.street.unpaid.contains(&(one.owner, agent))
    }

    /// Whether the books have a count of his cash that came after a record of his.
    fn has_handed_in_since(&self, record: OpId, agent: Subject) -> bool {
        let recorded = self.office.position(&record);
        self.office.states.values().any(|folded| match &folded.state {
            State::HandIn(handin) => {
                let counted = handin.counted_by.map(|by| self.office.position(&by));
                handin.agent == Some(agent) && counted.is_some_and(|counted| counted > recorded)
            }
            _ => false,
        })
    }

    fn handed_in(&self, ruled: &Ruled) -> bool {
        ruled.other.is_some_and(|agent| self.has_handed_in_since(ruled.cause, agent))
    }

    /// Somebody says that this was not paid.
    fn is_doubtful(&self, one: &Difference) -> bool {
        self.collector(one.cause).is_some_and(|agent| self.street.unpaid.contains(&(one.owner, agent)))
    }

    fn customer_of(&self, owner: Subject) -> Option<Subject> {
        let of_order = self.market.deals.get(&owner).map(|deal| deal.customer);
        of_order.or_else(|| self.market.terms.get(&owner).map(|terms| terms.customer))
    }

    fn any_customer(&mut self) -> Option<Subject> {
        let all: Vec<Subject> = self.market.deals.values().map(|deal| deal.customer).collect();
        self.dice.pick(&all).copied()
    }

    /// The till that is nearest to somebody.
    fn a_till(&self, owner: Subject) -> Subject {
        let near = |till: &&Subject| super::roster::place_of(till) == super::roster::place_of(&owner);
        TILLS.iter().find(near).copied().unwrap_or(TILLS[0])
    }
}
