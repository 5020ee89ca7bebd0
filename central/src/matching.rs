//! Matches the lines of a bank, wallet or courier statement with what our books expect.
//!
//! Pure: no clock, no randomness, no input or output. Stages run in a fixed order, from the strongest evidence to the
//! weakest, each on what the stages before left over. What stays open becomes a typed exception; nothing is guessed.
//! The order of the input never changes the answer.

mod desk;
mod left;
mod names;
mod several;
mod single;
mod sums;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use jiff::civil::Date;

use protocol::taka::Taka;

pub(crate) use names::without_check;

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The caller's key, unique among the lines.
    pub key: u64,
    /// The booking date.
    pub date: Date,
    /// Positive when credited to us, negative when debited.
    pub amount: Taka,
    /// The reference of the bank or wallet; may be empty.
    pub reference: &'a str,
    /// Other ids of the line, such as a `TrxID` or a consignment number.
    pub ids: Vec<&'a str>,
    /// Who paid or was paid; may be empty.
    pub counterparty: &'a str,
    /// The narration.
    pub text: &'a str,
    /// Whether the statement marks the line as the reversal of another one.
    pub reversal: bool,
}

/// One thing the books expect to see on a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The caller's key, unique among the expected things.
    pub key: u64,
    /// The date on which the books expect the money.
    pub date: Date,
    /// The amount as the statement would show it.
    pub amount: Taka,
    /// Our own id, printed on slips and transfers.
    pub id: &'a str,
    /// Foreign ids: slip number, `TrxID`, consignment, seal.
    pub ids: Vec<&'a str>,
    /// Who pays or is paid; may be empty.
    pub counterparty: &'a str,
    /// The name shared by things that may be credited as one.
    pub group: Option<&'a str>,
}

/// How far the matching may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Days between a line and an expected thing that no id connects; also the days until a thing is overdue.
    pub window_days: i16,
    /// Days between a line and an expected thing that a foreign id connects.
    pub longest_window_days: i16,
    /// The most parts of a sum that is searched for.
    pub most_in_a_sum: usize,
    /// The most steps of one search for a sum.
    pub most_tries: u32,
}

impl Default for Policy {
    /// 2 days, 30 days, 12 parts, and enough tries for every sum out of 12 candidates.
    fn default() -> Self {
        Self { window_days: 2, longest_window_days: 30, most_in_a_sum: 12, most_tries: 10_000 }
    }
}

/// The evidence of a match, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// The line carries our own id, and the amounts are equal.
    IdAndAmount,
    /// The line carries a foreign id we know, and the amounts are equal.
    ReferenceAndAmount,
    /// Equal amount and counterparty within the window, and no other candidate on either side.
    WindowAndCounterparty,
    /// Several expected things add up to one line.
    OneLineManyExpected,
    /// Several lines name one expected thing and add up to it.
    ManyLinesOneExpected,
    /// A line and its reversal; nothing expected takes part.
    Reversed,
}

/// Lines and expected things that belong together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// Keys of the lines, ascending.
    pub lines: Vec<u64>,
    /// Keys of the expected things, ascending.
    pub expected: Vec<u64>,
    /// The evidence.
    pub by: By,
}

/// Why something stays open, in the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// More than one answer, or one with too little evidence: a person decides.
    AmbiguousMatch,
    /// A foreign id agrees, but the dates are too far apart.
    DateOutOfWindow,
    /// An id agrees, but the amount does not.
    AmountDiff,
    /// A further line for a thing that is matched already.
    DuplicateMoney,
    /// A line nobody expects.
    MissingOurs,
    /// An expected thing that is overdue and has no line.
    MissingTheirs,
}

/// An exception for a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Open {
    /// The reason.
    pub why: Why,
    /// Keys of the lines, ascending.
    pub lines: Vec<u64>,
    /// Keys of the expected things, ascending; the candidates of an ambiguous match.
    pub expected: Vec<u64>,
    /// Lines less expected for [`Why::AmountDiff`] and [`Why::DateOutOfWindow`]; zero for the others.
    pub difference: Taka,
}

/// The answer. Every list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What belongs together, by evidence and then by key.
    pub matches: Vec<Match>,
    /// The exceptions, by reason and then by key.
    pub open: Vec<Open>,
    /// Keys of expected things that are not overdue yet.
    pub waiting: Vec<u64>,
}

/// Matches `lines` with `expected`; `upto` is the last day the statement covers.
///
/// Every line and every expected thing is in at most one match. Every line is in exactly one match or exception. Every
/// expected thing is in exactly one match, exception or `waiting`, except that a candidate of an ambiguous match may be
/// named by several exceptions.
#[must_use]
pub fn reconcile(lines: &[Line<'_>], expected: &[Expected<'_>], policy: &Policy, upto: Date) -> Outcome {
    let mut desk = desk::Desk::new(lines, expected, policy);
    // A late stage may take the rival of an earlier candidate, so the stages repeat until nothing moves.
    loop {
        let before = desk.matches.len();
        desk.forget_doubts();
        single::by_id(&mut desk, names::Kind::Own, By::IdAndAmount);
        single::by_id(&mut desk, names::Kind::Foreign, By::ReferenceAndAmount);
        single::by_window(&mut desk);
        several::named_sums(&mut desk);
        several::whole_groups(&mut desk);
        several::window_sums(&mut desk);
        several::many_lines(&mut desk);
        if desk.matches.len() == before {
            left::reversals(&mut desk);
        }
        if desk.matches.len() == before {
            return left::outcome(&desk, upto);
        }
    }
}
