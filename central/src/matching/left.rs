//! What the stages leave: reversals, and the exceptions by precedence.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::desk::{Desk, Fact, day};
use super::{By, Match, Open, Outcome, Why};
use protocol::taka::Taka;

/// Stage 6: a line marked as a reversal goes with a line of the opposite amount and the same reference or id.
///
/// Of several such lines an ordinary one, and then the nearest by date, is taken.
pub(super) fn reversals(desk: &mut Desk<'_>) {
    let mut marked: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for line in desk.left_lines() {
        for mark in &desk.names.marks[line] {
            marked.entry(mark).or_default().push(line);
        }
    }
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    let mut pairs = Vec::new();
    for line in desk.left_lines().filter(|line| desk.lines[*line].reversal) {
        if gone.contains(&line) {
            continue;
        }
        let fact = &desk.lines[line];
        let opposite = fact.amount.negated();
        let others = desk.names.marks[line].iter().filter_map(|mark| marked.get(mark.as_str())).flatten().copied();
        let partner = others
            .filter(|other| *other != line && !gone.contains(other) && desk.lines[*other].amount == opposite)
            .min_by_key(|other| (desk.lines[*other].reversal, (desk.lines[*other].day - fact.day).abs(), *other));
        if let Some(partner) = partner {
            gone.extend([line, partner]);
            pairs.push(vec![line, partner]);
        }
    }
    for pair in pairs {
        desk.take(pair, Vec::new(), By::Reversed);
    }
}

/// The answer in the caller's keys.
pub(super) fn outcome(desk: &Desk<'_>, upto: Date) -> Outcome {
    let mut book = Book { desk, open: Vec::new(), lines: BTreeSet::new(), things: BTreeSet::new() };
    for (lines, candidates) in desk.doubtful() {
        book.add(Why::AmbiguousMatch, &lines, &candidates);
    }
    disagreements(&mut book);
    for line in desk.left_lines() {
        if !book.lines.contains(&line) {
            let why = if is_duplicate(desk, line) { Why::DuplicateMoney } else { Why::MissingOurs };
            book.add(why, &[line], &[]);
        }
    }
    let mut waiting = Vec::new();
    for (thing, fact) in desk.expected.iter().enumerate() {
        if !desk.is_free(thing) || book.things.contains(&thing) {
            continue;
        }
        if day(upto) - fact.day > i64::from(desk.policy.window_days) {
            book.add(Why::MissingTheirs, &[], &[thing]);
        } else {
            waiting.push(fact.key);
        }
    }
    let mut open = book.open;
    open.sort_unstable();
    waiting.sort_unstable();
    let mut matches: Vec<Match> = desk
        .matches
        .iter()
        .map(|pair| Match {
            lines: keys(&pair.lines, &desk.lines),
            expected: keys(&pair.expected, &desk.expected),
            by: pair.by,
        })
        .collect();
    matches.sort_unstable_by(|a, b| (a.by, &a.lines, &a.expected).cmp(&(b.by, &b.lines, &b.expected)));
    Outcome { matches, open, waiting }
}

/// The exceptions so far and what they have named.
struct Book<'d, 'a> {
    desk: &'d Desk<'a>,
    open: Vec<Open>,
    lines: BTreeSet<usize>,
    things: BTreeSet<usize>,
}

impl Book<'_, '_> {
    fn add(&mut self, why: Why, lines: &[usize], things: &[usize]) {
        let desk = self.desk;
        let difference = match why {
            Why::DateOutOfWindow | Why::AmountDiff => {
                let shown: Taka = lines.iter().map(|line| desk.lines[*line].amount).sum();
                shown.minus(things.iter().map(|thing| desk.expected[*thing].amount).sum())
            }
            _ => Taka::ZERO,
        };
        let (line_keys, thing_keys) = (keys(lines, &desk.lines), keys(things, &desk.expected));
        self.open.push(Open { why, lines: line_keys, expected: thing_keys, difference });
        self.lines.extend(lines);
        self.things.extend(things);
    }
}

/// Lines that name free things which they do not match: one exception for all that hang together.
fn disagreements(book: &mut Book<'_, '_>) {
    let desk = book.desk;
    let mut unseen: BTreeMap<usize, Vec<(usize, bool)>> = BTreeMap::new();
    let mut named_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for line in desk.free_lines() {
        let named = desk.named(line);
        for (thing, _) in &named {
            named_by.entry(*thing).or_default().push(line);
        }
        if !named.is_empty() {
            unseen.insert(line, named);
        }
    }
    while let Some((first, _)) = unseen.first_key_value() {
        let mut to_see = vec![*first];
        let (mut lines, mut things, mut late) = (Vec::new(), BTreeSet::new(), false);
        while let Some(line) = to_see.pop() {
            let Some(named) = unseen.remove(&line) else { continue };
            lines.push(line);
            for (thing, thing_late) in named {
                late |= thing_late;
                if things.insert(thing) {
                    to_see.extend(named_by.get(&thing).into_iter().flatten());
                }
            }
        }
        let things: Vec<usize> = things.into_iter().collect();
        book.add(if late { Why::DateOutOfWindow } else { Why::AmountDiff }, &lines, &things);
    }
}

/// Whether the line names something that is matched already, and brings its amount or that of its whole match again.
fn is_duplicate(desk: &Desk<'_>, line: usize) -> bool {
    let amount = desk.lines[line].amount;
    let total = |thing: usize| -> Option<Taka> {
        let pair = desk.matches.get(desk.taken_by[thing]?)?;
        Some(pair.lines.iter().map(|taken| desk.lines[*taken].amount).sum())
    };
    let direct = desk.names.direct[line].iter().map(|link| link.0);
    let grouped = desk.names.groups[line].iter().flat_map(|group| desk.names.members[*group].iter().copied());
    direct.clone().any(|thing| !desk.is_free(thing) && desk.expected[thing].amount == amount)
        || direct.chain(grouped).any(|thing| total(thing) == Some(amount))
}

fn keys(indices: &[usize], facts: &[Fact]) -> Vec<u64> {
    let mut keys: Vec<u64> = indices.iter().map(|index| facts[*index].key).collect();
    keys.sort_unstable();
    keys
}
