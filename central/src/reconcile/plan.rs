//! From what was matched to what is recorded: pure.

use std::collections::BTreeSet;

use protocol::decide::Draft;
use protocol::fact::{
    CourierDelivered, CourierSource, DepositConfirmed, Fact, LineBooked, LineIdentified, PayoutConfirmed,
};
use protocol::id::{Kind, Subject};
use protocol::taka::Taka;

use super::expected::Expected;
use super::line::Line;
use super::{LineException, LineMatch, Side, booked};
use crate::matching::{By, Open, Outcome, Why};
use crate::problem::Error;

/// What a line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is what its things say.
    Matched,
    /// It stands in the books under its own name.
    Booked,
    /// Nobody has said what it is.
    Open,
}

impl State {
    /// The word of the table.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Booked => "booked",
            Self::Open => "open",
        }
    }
}

/// What one line comes to, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) state: State,
    pub(super) why: &'static str,
    pub(super) things: Vec<Subject>,
}

/// What is to be recorded, and what the answer says.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) drafts: Vec<Draft>,
    /// One for each line, in their order.
    pub(super) rows: Vec<Row>,
    pub(super) matches: Vec<LineMatch>,
    pub(super) exceptions: Vec<LineException>,
    /// What the drafts move on the account.
    pub(super) moved: Taka,
    /// What the books have already and no statement has shown yet.
    pub(super) unseen: Taka,
}

struct Making<'a> {
    bank: Subject,
    side: Side,
    lines: &'a [Line],
    expected: &'a [Expected],
    /// What earlier lines were matched with.
    seen: &'a [Expected],
    plan: Plan,
    /// Things that were settled with a difference: no overdue one among them.
    settled: BTreeSet<u64>,
}

/// The plan of an outcome whose keys are places in `lines` and `expected`; `seen` are things of earlier lines.
pub(super) fn of(
    bank: Subject,
    side: Side,
    lines: &[Line],
    expected: &[Expected],
    seen: &[Expected],
    outcome: &Outcome,
) -> Plan {
    let none = Row { state: State::Open, why: "missing_ours", things: Vec::new() };
    let rows = vec![none; lines.len()];
    let (drafts, matches, exceptions) = (Vec::new(), Vec::new(), Vec::new());
    let plan = Plan { drafts, rows, matches, exceptions, moved: Taka::ZERO, unseen: Taka::ZERO };
    let mut making = Making { bank, side, lines, expected, seen, plan, settled: BTreeSet::new() };
    for found in &outcome.matches {
        making.settle(&found.lines, &found.expected, by(found.by));
    }
    for open in &outcome.open {
        making.leave(open);
    }
    let unseen = (0..).zip(expected).filter(|(key, thing)| thing.is_booked && !making.settled.contains(key));
    making.plan.unseen = unseen.map(|(_, thing)| thing.amount).sum();
    making.plan
}

const fn by(by: By) -> &'static str {
    match by {
        By::IdAndAmount => "id",
        By::ReferenceAndAmount => "reference",
        By::WindowAndCounterparty => "counterparty",
        By::OneLineManyExpected => "sum",
        By::ManyLinesOneExpected => "parts",
        By::Reversed => "reversed",
    }
}

const fn why(why: Why) -> &'static str {
    match why {
        Why::AmbiguousMatch => "ambiguous_match",
        Why::DateOutOfWindow => "date_out_of_window",
        Why::AmountDiff => "amount_diff",
        Why::DuplicateMoney => "duplicate_money",
        Why::MissingOurs => "missing_ours",
        Why::MissingTheirs => "missing_theirs",
    }
}

impl<'a> Making<'a> {
    fn lines_of(&self, keys: &[u64]) -> Vec<(usize, &'a Line)> {
        let at = |key: &u64| usize::try_from(*key).ok().and_then(|at| Some((at, self.lines.get(at)?)));
        keys.iter().filter_map(at).collect()
    }

    fn things_of(&self, keys: &[u64]) -> Vec<&'a Expected> {
        let at = |key: &u64| usize::try_from(*key).ok().and_then(|at| self.expected.get(at));
        keys.iter().filter_map(at).collect()
    }

    /// These lines are these things.
    fn settle(&mut self, lines: &[u64], things: &[u64], by: &'static str) {
        let (lines, of) = (self.lines_of(lines), self.things_of(things));
        self.settled.extend(things);
        let subjects: Vec<Subject> = of.iter().map(|thing| thing.subject).collect();
        let seen: Vec<&Line> = lines.iter().map(|(_, line)| *line).collect();
        let drafts = settle(self.bank, &seen, &of);
        let total: Taka = seen.iter().map(|line| line.amount).sum();
        let suspense: Taka = seen.iter().filter(|line| line.is_booked).map(|line| line.amount).sum();
        let fresh = of.iter().filter(|thing| !thing.is_booked);
        let moved = fresh.map(|thing| said_of(thing, of.len(), total)).sum();
        self.plan.moved = self.plan.moved.plus(moved);
        // A credit that stood on suspense leaves it, for the thing says the same money.
        self.plan.moved = self.plan.moved.minus(suspense);
        self.plan.drafts.extend(drafts);
        for (at, _) in &lines {
            self.plan.rows[*at] = Row { state: State::Matched, why: by, things: subjects.clone() };
        }
        let lines = seen.iter().map(|line| line.subject).collect();
        let amount_paisa = total.paisa();
        self.plan.matches.push(LineMatch { lines, things: subjects, by: by.to_owned(), amount_paisa });
    }

    /// These did not fit.
    fn leave(&mut self, open: &Open) {
        let (lines, mut things) = (self.lines_of(&open.lines), self.things_of(&open.expected));
        let mut reason = open.why;
        let mut told = None;
        if let (Why::MissingOurs, [(_, line)]) = (reason, lines.as_slice()) {
            if let Some(thing) = self.seen.iter().find(|thing| line.repeats(thing)) {
                (reason, things) = (Why::DuplicateMoney, vec![thing]);
            } else if let Some(thing) = self.seen.iter().chain(self.expected).find(|thing| line.returns(thing)) {
                // Finance confirms it: until then the money waits on suspense by its line.
                (told, things) = (Some("payout_returned"), vec![thing]);
            }
        }
        let word = told.unwrap_or(why(reason));
        // The bank counted a deposit and found another amount: its figure is booked, the difference has an owner (R19).
        if let (Why::AmountDiff, [(_, line)], [thing]) = (reason, lines.as_slice(), things.as_slice()) {
            if thing.may_be(line.amount) && !self.settled.contains(&open.expected[0]) {
                return self.settle(&open.lines, &open.expected, "amount_diff");
            }
        }
        for (at, line) in &lines {
            // What a provider holds is booked from what it says of the payment; suspense is for banks.
            let credit = line.amount > Taka::ZERO && self.side.is_bank();
            if credit && !line.is_booked {
                self.plan.drafts.push(booked(line, self.bank, self.side, LineBooked::CREDIT));
                self.plan.moved = self.plan.moved.plus(line.amount);
            }
            let state = if credit { State::Booked } else { State::Open };
            let things = things.iter().map(|thing| thing.subject).collect();
            self.plan.rows[*at] = Row { state, why: word, things };
        }
        let of_lines: Taka = lines.iter().map(|(_, line)| line.amount).sum();
        let of_things: Taka = things.iter().map(|thing| thing.amount).sum();
        self.plan.exceptions.push(LineException {
            why: word.to_owned(),
            lines: lines.iter().map(|(_, line)| line.subject).collect(),
            things: things.iter().map(|thing| thing.subject).collect(),
            amount_paisa: if lines.is_empty() { of_things } else { of_lines }.paisa(),
            difference_paisa: open.difference.paisa(),
        });
    }
}

/// The facts by which lines are things: what the bank says of those that wait, and the end of what stood on suspense.
pub(super) fn settle(bank: Subject, lines: &[&Line], things: &[&Expected]) -> Vec<Draft> {
    let reference = lines.first().map_or_else(String::new, |line| line.name());
    let total: Taka = lines.iter().map(|line| line.amount).sum();
    let mut drafts = Vec::new();
    for thing in things.iter().filter(|thing| !thing.is_booked) {
        let (reference, credited) = (reference.clone(), said_of(thing, things.len(), total));
        let fact = match thing.subject.kind() {
            Some(Kind::Deposit) => Fact::DepositConfirmed(DepositConfirmed { reference, credited }),
            Some(Kind::Payout) => Fact::PayoutConfirmed(PayoutConfirmed { bank, reference }),
            // Its file pays for a parcel of which the courier had not answered: the file says so (R21).
            Some(Kind::Parcel) => {
                let source = CourierSource::File as u8;
                Fact::CourierDelivered(CourierDelivered { courier: bank, collected: credited, source })
            }
            Some(Kind::Remittance) => match &thing.remits {
                Some(remits) => remits.fact(bank, reference),
                None => continue,
            },
            _ => continue,
        };
        drafts.push(Draft { subject: thing.subject, fact });
    }
    // A credit that the bank took back is explained by the line that takes it back.
    let reversing = || lines.iter().find(|line| !line.is_booked).map(|line| line.subject);
    if let Some(subject) = things.first().map(|thing| thing.subject).or_else(reversing) {
        let fact = Fact::LineIdentified(LineIdentified { subject });
        let booked = lines.iter().filter(|line| line.is_booked);
        drafts.extend(booked.map(|line| Draft { subject: line.subject, fact: fact.clone() }));
    }
    drafts
}

/// What the bank says of one thing among `things` that together are `total`. Of several it says of none that it was short.
const fn said_of(thing: &Expected, things: usize, total: Taka) -> Taka {
    if things == 1 { total } else { thing.amount }
}

/// More is no fee of a bank.
const LARGEST_CHARGE: Taka = Taka::whole(5_000);

/// The fact by which a debit is a charge of the bank.
pub(super) fn charge(line: &Line, bank: Subject, side: Side) -> Result<Draft, Error> {
    if !side.is_bank() {
        let next = "Enter the settlement with its fee: POST /api/v1/finance/entries.";
        return Err(Error::refuse(
            409,
            "not_a_charge",
            "What a provider or courier keeps is part of its settlement.",
            next,
        ));
    }
    if line.amount.negated() > LARGEST_CHARGE {
        let told = format!("At most {LARGEST_CHARGE} taka are taken as a fee; {} left.", line.amount.negated());
        return Err(Error::refuse(409, "not_a_charge", told, "Ask the bank for whom it was, and name the thing."));
    }
    if line.amount < Taka::ZERO && !line.is_booked {
        return Ok(booked(line, bank, side, LineBooked::CHARGE));
    }
    let next = "Only money that left the account can be a charge; of a credit name the thing that it is.";
    Err(Error::refuse(409, "not_a_charge", "The line is no debit.", next))
}
