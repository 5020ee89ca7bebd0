//! Statements of the bank: their lines are matched by the product's engine with what the books expect, and booked by the
//! rules of `central::reconcile`.

use std::collections::{BTreeMap, BTreeSet};

use central::matching::{self, Open, Policy, Why};
use central::period;
use jiff::civil::Date;
use protocol::decide::Draft;
use protocol::fact::{DepositConfirmed, Entry, Fact, LineBooked, LineIdentified, PayoutConfirmed};
use protocol::fold::State as Fold;
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;

use super::bank::Account;
use super::banking::{ABSURD_TIMES, Decided};
use super::mutant::Mutant;
use super::world::World;

/// More is no fee of a bank.
const LARGEST_CHARGE: Taka = Taka::whole(5_000);

/// Which of our accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Side {
    Settlement = 1,
    Operating = 2,
}

/// What a line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Matched,
    Booked,
    Charge,
    Open,
}

/// A line of a statement, as the table of the product holds it.
#[derive(Clone, Debug)]
pub struct Line {
    pub subject: Subject,
    pub side: Side,
    pub date: Date,
    pub amount: Taka,
    pub reference: String,
    pub ids: Vec<String>,
    pub narration: String,
    pub reversal: bool,
    pub state: State,
    pub things: Vec<Subject>,
}

impl Line {
    fn seen(&self, key: u64) -> matching::Line<'_> {
        matching::Line {
            key,
            date: self.date,
            amount: self.amount,
            reference: &self.reference,
            ids: self.ids.iter().map(String::as_str).collect(),
            counterparty: "",
            text: &self.narration,
            reversal: self.reversal,
        }
    }
}

/// One thing that no line was matched with yet.
#[derive(Clone, Debug)]
pub struct Expected {
    pub subject: Subject,
    pub id: String,
    pub date: Date,
    pub amount: Taka,
    pub ids: Vec<String>,
    /// Whether the books have it already.
    pub is_booked: bool,
}

impl Expected {
    fn wanted(&self, key: u64) -> matching::Expected<'_> {
        matching::Expected {
            key,
            date: self.date,
            amount: self.amount,
            id: &self.id,
            ids: self.ids.iter().map(String::as_str).collect(),
            counterparty: "",
            group: None,
        }
    }

    fn may_be(&self, amount: Taka) -> bool {
        let counted = self.subject.kind() == Some(Kind::Deposit) && !self.is_booked;
        amount == self.amount
            || (counted && amount >= Taka::ZERO && amount.paisa() / ABSURD_TIMES <= self.amount.paisa())
    }
}

impl World {
    /// One of our accounts at the bank.
    pub(super) fn account(&mut self, side: Side) -> &mut Account {
        match side {
            Side::Settlement => &mut self.bank.settlement,
            Side::Operating => &mut self.bank.operating,
        }
    }

    /// The credit on suspense that is this very money, as `central::banking::waiting_line` finds it. What is recorded
    /// before (`exists`) can be named by whoever explains the line, so there the amount alone is enough to make sure.
    pub(super) fn waiting_line(
        &self,
        side: Side,
        reference: &str,
        amount: Taka,
        exists: bool,
    ) -> Result<Option<Subject>, &'static str> {
        let waits = |line: &&Line| {
            line.side == side
                && line.state == State::Booked
                && line.amount > Taka::ZERO
                && (line.reference == reference || line.amount == amount && (line.reference.is_empty() || exists))
        };
        let order = |line: &&Line| (line.reference != reference, line.amount != amount, line.subject);
        match self.lines.values().filter(waits).min_by_key(order) {
            None => Ok(None),
            Some(line) if line.reference == reference && line.amount == amount => Ok(Some(line.subject)),
            Some(_) => Err("line_waits"),
        }
    }

    /// Says of a line on suspense that it is this thing.
    pub(super) fn identify(&mut self, line: Option<Subject>, thing: Subject) -> Option<Draft> {
        let line = line?;
        self.set_line(line, State::Matched, vec![thing]);
        Some(Draft { subject: line, fact: Fact::LineIdentified(LineIdentified { subject: thing }) })
    }

    /// What is expected of an account, each thing that no line was matched with.
    pub(super) fn expected(&self, side: Side) -> Vec<Expected> {
        let mut all = Vec::new();
        for thing in self.awaited(side) {
            let first = self.office.facts_of(&thing.subject).into_iter().map(|(_, at, ..)| at).min();
            all.push(Expected { date: period::day(first.unwrap_or_default()), id: thing.subject.to_string(), ..thing });
        }
        all
    }

    /// The same without its day and its written id.
    pub(super) fn awaited(&self, side: Side) -> impl Iterator<Item = Expected> {
        let of = self.lines.values().filter(move |line| line.side == side && line.state == State::Matched);
        // A credit that is a payout is its return: the transfer itself may be stated later.
        let back = |line: &Line, thing: &Subject| line.amount > Taka::ZERO && thing.kind() == Some(Kind::Payout);
        let of = of.flat_map(|line| line.things.iter().filter(move |thing| !back(line, thing)).copied());
        let matched: BTreeSet<Subject> = of.collect();
        self.office.states.iter().filter_map(move |(subject, folded)| {
            let (amount, ids, is_booked) = self.expects(&folded.state, side)?;
            let ids = ids.into_iter().filter(|id| !id.is_empty()).collect();
            let thing = Expected { subject: *subject, id: String::new(), date: Date::MIN, amount, ids, is_booked };
            (!matched.contains(subject)).then_some(thing)
        })
    }

    fn expects(&self, state: &Fold, side: Side) -> Option<(Taka, Vec<String>, bool)> {
        match (state, side) {
            (Fold::Deposit(deposit), Side::Settlement) if deposit.bank == Some(self.bank.settlement.subject) => {
                let seal = |bag: &protocol::deposit::Banked| match &self.office.states.get(&bag.bag)?.state {
                    Fold::Bag(bag) => Some(bag.seal.clone()),
                    _ => None,
                };
                let ids = [deposit.slip.clone(), deposit.reference.clone()];
                let ids = ids.into_iter().chain(deposit.bags.iter().filter_map(seal)).collect();
                Some((deposit.credited.unwrap_or(deposit.sealed()), ids, deposit.confirmed_by.is_some()))
            }
            (Fold::Payout(payout), Side::Settlement) if payout.total > Taka::ZERO => {
                Some((payout.total.negated(), vec![payout.reference.clone()], payout.confirmed_by.is_some()))
            }
            (Fold::Sweep(sweep), _) => {
                let swept = sweep.swept.as_ref()?;
                let amount = if side == Side::Settlement { swept.amount.negated() } else { swept.amount };
                Some((amount, vec![swept.reference.clone()], true))
            }
            (Fold::Remittance(remittance), Side::Settlement) => {
                let paid = remittance.remitted.as_ref()?;
                Some((paid.net, vec![paid.reference.clone()], true))
            }
            (Fold::Entry(booked), _) => {
                let entered = booked.entered.as_ref()?;
                let amount = match (Entry::of(entered.what)?, side) {
                    (Entry::Settled, Side::Settlement) => entered.amount.minus(entered.part),
                    (Entry::SecurityTaken | Entry::ClaimPaid, Side::Operating) => entered.amount,
                    (Entry::FloatIssued | Entry::PayPaid | Entry::VatPaid, Side::Operating) => entered.amount.negated(),
                    _ => return None,
                };
                Some((amount, vec![entered.reference.clone()], true))
            }
            _ => None,
        }
    }

    /// The next statement of an account goes into the books.
    pub(super) fn import(&mut self, side: Side) -> bool {
        let account = self.account(side);
        let bank = account.subject;
        let fresh = account.state();
        if fresh.is_empty() {
            return false;
        }
        let upto = fresh.iter().map(|(_, entry)| entry.day).max().unwrap_or(Date::MIN);
        for (number, entry) in fresh {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
            id[8..].copy_from_slice(&bank.0[1..9]);
            let subject = Subject::new(Kind::Line, Id16(id));
            let line = Line {
                subject,
                side,
                date: entry.day,
                amount: entry.amount,
                reference: entry.reference,
                ids: entry.ids,
                narration: entry.narration,
                reversal: entry.reversal,
                state: State::Open,
                things: Vec::new(),
            };
            self.lines.insert(subject, line);
        }
        let waits = |line: &&Line| line.side == side && matches!(line.state, State::Open | State::Booked);
        let lines: Vec<Line> = self.lines.values().filter(waits).cloned().collect();
        let expected = self.expected(side);
        let seen: Vec<matching::Line<'_>> = (0..).zip(&lines).map(|(key, line)| line.seen(key)).collect();
        let wanted: Vec<matching::Expected<'_>> = (0..).zip(&expected).map(|(key, thing)| thing.wanted(key)).collect();
        let outcome = matching::reconcile(&seen, &wanted, &Policy::default(), upto);
        let mut plan =
            Plan { bank, mutant: self.mutant, drafts: Vec::new(), rows: BTreeMap::new(), settled: Vec::new() };
        for found in &outcome.matches {
            let (of, things) = (pick(&lines, &found.lines), pick(&expected, &found.expected));
            plan.settle(&of, &things);
        }
        for open in &outcome.open {
            plan.leave(open, &pick(&lines, &open.lines), &pick(&expected, &open.expected));
        }
        for (subject, (state, things)) in plan.rows {
            if let Some(line) = self.lines.get_mut(&subject) {
                (line.state, line.things) = (state, things);
            }
        }
        self.did("import");
        self.record("reconcile", Ok(plan.drafts));
        true
    }

    /// A person says what a line is that the matching left: a charge, or one of our things.
    pub(super) fn explain(&mut self) -> bool {
        let left = |line: &&Line| matches!(line.state, State::Open | State::Booked);
        let left: Vec<Line> = self.lines.values().filter(left).cloned().collect();
        let Some(line) = self.dice.pick(&left).cloned() else { return false };
        let decided = self.decide_explanation(&line);
        self.record("explain", decided)
    }

    pub(super) fn decide_explanation(&mut self, line: &Line) -> Decided {
        let charge = line.narration.contains("charge");
        let account = if line.side == Side::Settlement { &self.bank.settlement } else { &self.bank.operating };
        let bank = account.subject;
        if charge {
            let fits = line.amount < Taka::ZERO && line.state == State::Open;
            if !fits || line.amount.negated() > LARGEST_CHARGE {
                return Err("not_a_charge");
            }
            self.set_line(line.subject, State::Charge, Vec::new());
            return Ok(vec![booked(line, bank, LineBooked::CHARGE)]);
        }
        // Finance looks the line up at the bank, which knows what it is for.
        let truth =
            account.entries.iter().find(|entry| entry.reference == line.reference && entry.amount == line.amount);
        let Some(thing) = truth.and_then(|entry| entry.thing) else { return Err("nobody_knows") };
        if thing.kind() == Some(Kind::Order) {
            return self.decide_paid_ahead(line, thing);
        }
        let same_way = |amount: Taka| (amount > Taka::ZERO) == (line.amount > Taka::ZERO);
        let parts = account.entries.iter().filter(|entry| entry.thing == Some(thing) && same_way(entry.amount));
        if parts.count() > 1 {
            return Err("in_parts");
        }
        if thing.kind() == Some(Kind::Payout) && line.amount > Taka::ZERO {
            return self.decide_credit_of_return(line, thing);
        }
        let expected = self.expected(line.side);
        let Some(thing) = expected.iter().find(|expected| expected.subject == thing) else {
            return Err("unknown_thing");
        };
        if !thing.may_be(line.amount) {
            return Err("amounts_differ");
        }
        let mut plan =
            Plan { bank, mutant: self.mutant, drafts: Vec::new(), rows: BTreeMap::new(), settled: Vec::new() };
        plan.settle(&[line], &[thing]);
        self.set_line(line.subject, State::Matched, vec![thing.subject]);
        Ok(plan.drafts)
    }

    pub(super) fn set_line(&mut self, subject: Subject, state: State, things: Vec<Subject>) {
        if let Some(line) = self.lines.get_mut(&subject) {
            (line.state, line.things) = (state, things);
        }
    }
}

fn pick<'a, T>(all: &'a [T], keys: &[u64]) -> Vec<&'a T> {
    keys.iter().filter_map(|key| all.get(usize::try_from(*key).ok()?)).collect()
}

fn booked(line: &Line, bank: Subject, what: u8) -> Draft {
    let (amount, reference, side) = (line.amount, line.reference.clone(), line.side as u8);
    Draft { subject: line.subject, fact: Fact::LineBooked(LineBooked { bank, side, amount, what, reference }) }
}

/// What is to be recorded of a statement.
struct Plan {
    bank: Subject,
    mutant: Option<Mutant>,
    drafts: Vec<Draft>,
    rows: BTreeMap<Subject, (State, Vec<Subject>)>,
    settled: Vec<Subject>,
}

impl Plan {
    /// These lines are these things.
    fn settle(&mut self, lines: &[&Line], things: &[&Expected]) {
        let subjects: Vec<Subject> = things.iter().map(|thing| thing.subject).collect();
        self.settled.extend(&subjects);
        let reference = lines.first().map_or_else(String::new, |line| line.reference.clone());
        let total: Taka = lines.iter().map(|line| line.amount).sum();
        for thing in things.iter().filter(|thing| !thing.is_booked) {
            let sealed = self.mutant == Some(Mutant::SealBelieved);
            let credited = if things.len() == 1 && !sealed { total } else { thing.amount };
            let (bank, reference) = (self.bank, reference.clone());
            let fact = match thing.subject.kind() {
                Some(Kind::Deposit) => Fact::DepositConfirmed(DepositConfirmed { reference, credited }),
                Some(Kind::Payout) => Fact::PayoutConfirmed(PayoutConfirmed { bank, reference }),
                _ => continue,
            };
            self.drafts.push(Draft { subject: thing.subject, fact });
        }
        let waited = |line: &&&Line| line.state == State::Booked;
        let reversing = lines.iter().find(|line| line.state != State::Booked).map(|line| line.subject);
        if let Some(subject) = subjects.first().copied().or(reversing) {
            let fact = Fact::LineIdentified(LineIdentified { subject });
            let identified =
                lines.iter().filter(waited).map(|line| Draft { subject: line.subject, fact: fact.clone() });
            if self.mutant != Some(Mutant::SuspenseStays) {
                self.drafts.extend(identified);
            }
        }
        for line in lines {
            self.rows.insert(line.subject, (State::Matched, subjects.clone()));
        }
    }

    /// These did not fit.
    fn leave(&mut self, open: &Open, lines: &[&Line], things: &[&Expected]) {
        // The bank counted a deposit and found another amount: its figure is booked, the difference has an owner (R19).
        if let (Why::AmountDiff, [line], [thing]) = (open.why, lines, things) {
            if thing.may_be(line.amount) && !self.settled.contains(&thing.subject) {
                return self.settle(lines, things);
            }
        }
        for line in lines {
            let credit = line.amount > Taka::ZERO;
            if credit && line.state != State::Booked {
                self.drafts.push(booked(line, self.bank, LineBooked::CREDIT));
            }
            let state = if credit { State::Booked } else { State::Open };
            self.rows.insert(line.subject, (state, things.iter().map(|thing| thing.subject).collect()));
        }
    }
}
