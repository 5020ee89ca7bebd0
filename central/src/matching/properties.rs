//! What holds for every statement, for a planted true world, and for a large one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

const START: Date = date(2025, 6, 1);
const UPTO: Date = date(2025, 8, 30);
const WORDS: [&str; 7] = ["P-1", "P-2", "P-3", "SLIP-1", "SLIP-2", "DEP-1", "DEP-2"];

static NAMES: LazyLock<Vec<[String; 4]>> = LazyLock::new(|| {
    (0..10_000).map(|n| [format!("P-{n}"), format!("TRX{n:05}"), format!("DEP-{n}"), format!("Payer {n}")]).collect()
});

fn later(days: i32) -> Date {
    START.checked_add(days.days()).unwrap()
}

/// Few ids, amounts, names and days, so that everything collides with everything.
fn any_line() -> impl Strategy<Value = Line<'static>> {
    let words = (select(vec!["", "", "", "P-1", "SLIP-1", "DEP-1"]), subsequence(&WORDS[..], 0..2));
    let text = select(vec!["", "", "", "for P-2", "of P-3/SLIP-1", "slip-2 P-1", "DEP-2", "XP-1"]);
    let who = select(vec!["", "Karim", "karim.", "Rahim"]);
    (0..45_i32, -3..9_i32, words, text, who, any::<bool>()).prop_map(
        |(day, hundreds, (reference, ids), text, counterparty, reversal)| Line {
            key: 0,
            date: later(day),
            amount: Taka::whole(hundreds * 100),
            reference,
            ids,
            counterparty,
            text,
            reversal,
        },
    )
}

fn any_expected() -> impl Strategy<Value = Expected<'static>> {
    let ids = (select(vec!["", "P-1", "P-2", "P-3", "P-4", "P-5"]), subsequence(&WORDS[3..5], 0..2));
    let group = select(vec![None, None, Some("DEP-1"), Some("DEP-2")]);
    (0..45_i32, -3..9_i32, ids, select(vec!["", "Karim", "Rahim"]), group).prop_map(
        |(day, hundreds, (id, ids), counterparty, group)| Expected {
            key: 0,
            date: later(day),
            amount: Taka::whole(hundreds * 100),
            id,
            ids,
            counterparty,
            group,
        },
    )
}

type Statement = (Vec<Line<'static>>, Vec<Expected<'static>>);

fn any_statement() -> impl Strategy<Value = Statement> {
    (vec(any_line(), 0..25), vec(any_expected(), 0..25)).prop_map(|(mut lines, mut expected)| {
        (0..).zip(&mut lines).for_each(|(key, line)| line.key = key);
        (100..).zip(&mut expected).for_each(|(key, thing)| thing.key = key);
        (lines, expected)
    })
}

fn run((lines, expected): &Statement, upto: Date) -> Outcome {
    reconcile(lines, expected, &Policy::default(), upto)
}

/// Another order of the same things.
fn scramble<T>(items: &mut [T], seed: u64, key: impl Fn(&T) -> u64) {
    items.sort_by_key(|item| (key(item) ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ seed);
}

fn scrambled((lines, expected): &Statement, seed: u64) -> Statement {
    let (mut lines, mut expected) = (lines.clone(), expected.clone());
    scramble(&mut lines, seed, |line| line.key);
    scramble(&mut expected, seed.rotate_left(9), |thing| thing.key);
    (lines, expected)
}

/// Whether the line names the thing, its group included; written apart from the code under test.
fn names(line: &Line<'_>, thing: &Expected<'_>) -> bool {
    let said = format!("{} {} {}", line.reference, line.ids.join(" "), line.text).replace('/', " ").to_uppercase();
    let said: BTreeSet<&str> = said.split(' ').collect();
    let known = thing.ids.iter().copied().chain([thing.id]).chain(thing.group);
    line.amount.paisa().signum() == thing.amount.paisa().signum()
        && known.filter(|id| !id.is_empty()).any(|id| said.contains(id))
}

/// What is left of a statement, without the lines that only name what is matched: they are duplicates at heart, and
/// without the thing they name nothing would keep them from a weaker match.
fn leftovers((lines, expected): &Statement, outcome: &Outcome) -> Statement {
    let used: BTreeSet<u64> = outcome.matches.iter().flat_map(|m| m.lines.iter().chain(&m.expected)).copied().collect();
    let (taken, free): (Vec<_>, Vec<_>) = expected.iter().cloned().partition(|thing| used.contains(&thing.key));
    let own = |l: &Line<'_>, e: &Expected<'_>| names(l, &Expected { ids: vec![], group: None, ..e.clone() });
    let near = |l: &Line<'_>, e: &Expected<'_>| own(l, e) || (l.date - e.date).get_days().abs() <= 30;
    let stays = |line: &Line<'_>| {
        !taken.iter().any(|thing| names(line, thing)) || free.iter().any(|e| names(line, e) && near(line, e))
    };
    (lines.iter().filter(|line| !used.contains(&line.key) && stays(line)).cloned().collect(), free)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_input_is_nothing(world in any_statement(), seed in any::<u64>()) {
        prop_assert_eq!(run(&world, later(30)), run(&scrambled(&world, seed), later(30)));
    }

    #[test]
    fn every_key_is_answered_once(world in any_statement()) {
        let outcome = run(&world, later(30));
        let mut lines: BTreeMap<u64, usize> = BTreeMap::new();
        let mut things: BTreeMap<u64, usize> = BTreeMap::new();
        let matched = outcome.matches.iter().map(|m| (&m.lines, &m.expected));
        let mut candidates: BTreeSet<u64> = BTreeSet::new();
        for (l, e) in matched.clone().chain(outcome.open.iter().map(|o| (&o.lines, &o.expected))) {
            for key in l {
                *lines.entry(*key).or_default() += 1;
            }
            for key in e {
                *things.entry(*key).or_default() += 1;
            }
        }
        for key in &outcome.waiting {
            *things.entry(*key).or_default() += 1;
        }
        outcome.open.iter().filter(|o| o.why == Why::AmbiguousMatch).for_each(|o| candidates.extend(&o.expected));
        for line in &world.0 {
            prop_assert_eq!(lines.get(&line.key), Some(&1));
        }
        for thing in &world.1 {
            let count = things.get(&thing.key).copied().unwrap_or_default();
            prop_assert!(count == 1 || count > 1 && candidates.contains(&thing.key), "{} {}", thing.key, count);
        }
        for (_, e) in matched {
            prop_assert!(e.iter().all(|key| !candidates.contains(key) && !outcome.waiting.contains(key)));
        }
    }

    #[test]
    fn the_sums_of_a_match_are_equal(world in any_statement()) {
        for one in run(&world, later(30)).matches {
            let lines: Vec<Taka> = world.0.iter().filter(|l| one.lines.contains(&l.key)).map(|l| l.amount).collect();
            let things: Vec<Taka> =
                world.1.iter().filter(|e| one.expected.contains(&e.key)).map(|e| e.amount).collect();
            prop_assert_eq!(lines.iter().copied().sum::<Taka>(), things.iter().copied().sum::<Taka>());
            let mixed = lines.iter().chain(&things).any(|a| *a < Taka::ZERO)
                && lines.iter().chain(&things).any(|a| *a > Taka::ZERO);
            prop_assert!(things.is_empty() == (one.by == By::Reversed) && (one.by == By::Reversed || !mixed));
        }
    }

    #[test]
    fn a_second_run_over_the_leftovers_finds_nothing(world in any_statement()) {
        let left = leftovers(&world, &run(&world, later(30)));
        prop_assert_eq!(run(&left, later(30)).matches, vec![]);
    }

    #[test]
    fn a_planted_world_comes_back(
        plants in vec((any_plant(), 1..50_000_i32, 0..20_i32), 0..60),
        seed in any::<u64>(),
    ) {
        let (world, planted) = plant(&plants);
        prop_assert_eq!(run(&scrambled(&world, seed), UPTO), planted);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Plant {
    Plain,
    Reference,
    Window,
    Split,
    Merged,
    Missing,
    Doubled,
    Short,
    Late,
    Stranger,
    Reversal,
}

fn any_plant() -> impl Strategy<Value = Plant> {
    use Plant::{Doubled, Late, Merged, Missing, Plain, Reference, Reversal, Short, Split, Stranger, Window};
    select(vec![Plain, Reference, Window, Split, Merged, Missing, Doubled, Short, Late, Stranger, Reversal])
}

/// A world of which everything is known, and the answer it must give.
fn plant(plants: &[(Plant, i32, i32)]) -> (Statement, Outcome) {
    let (mut lines, mut expected, mut outcome) = (Vec::new(), Vec::new(), Outcome::default());
    for (place, (kind, taka, day)) in plants.iter().copied().enumerate() {
        let [own, foreign, group, payer] = &NAMES[place];
        let key = 10 * place as u64;
        let line = |nth: u64, days: i32, taka: i32, reference: &'static str, counterparty: &'static str| Line {
            key: key + nth,
            date: later(day + days),
            amount: Taka::whole(taka),
            reference,
            ids: vec!["BANK"],
            counterparty,
            text: "cash transfer",
            reversal: kind == Plant::Reversal && nth == 1,
        };
        let thing = |nth: u64, taka: i32| Expected {
            key: key + nth,
            date: later(day),
            amount: Taka::whole(taka),
            id: if nth == 0 { own } else { "" },
            ids: vec![foreign],
            counterparty: payer,
            group: Some(group.as_str()).filter(|_| matches!(kind, Plant::Merged)),
        };
        let (shown, known) = match kind {
            Plant::Plain => (vec![line(0, 40, taka, own, "")], vec![thing(0, taka)]),
            Plant::Reference => (vec![line(0, 9, taka, foreign, "")], vec![thing(0, taka)]),
            Plant::Window => (vec![line(0, 2, taka, "", payer)], vec![thing(0, taka)]),
            Plant::Split => {
                let parts = vec![line(0, 0, taka, own, ""), line(1, 5, 7, own, ""), line(2, 9, 2 * taka, own, "")];
                (parts, vec![thing(0, 3 * taka + 7)])
            }
            Plant::Merged => {
                let bags = vec![thing(0, taka), thing(1, 3), thing(2, 2 * taka)];
                (vec![line(0, 3, 3 * taka + 3, group, "")], bags)
            }
            Plant::Missing => (vec![], vec![thing(0, taka)]),
            Plant::Doubled => (vec![line(0, 0, taka, own, payer), line(1, 1, taka, own, payer)], vec![thing(0, taka)]),
            Plant::Short => (vec![line(0, 0, taka, own, payer)], vec![thing(0, taka + 9)]),
            Plant::Late => (vec![line(0, 31, taka, foreign, payer)], vec![thing(0, taka)]),
            Plant::Stranger => (vec![line(0, 0, taka, "", "Nobody")], vec![]),
            Plant::Reversal => (vec![line(0, 0, taka, group, payer), line(1, 1, -taka, group, payer)], vec![]),
        };
        answer(&mut outcome, kind, &shown, &known);
        // Only the reversal marks its lines by reference alone; "BANK" on both would pair any two.
        lines.extend(shown.into_iter().map(|l| Line { ids: if l.reversal { vec![] } else { l.ids }, ..l }));
        expected.extend(known);
    }
    outcome.open.sort_unstable();
    outcome.matches.sort_unstable_by(|a, b| (a.by, &a.lines).cmp(&(b.by, &b.lines)));
    ((lines, expected), outcome)
}

fn answer(outcome: &mut Outcome, kind: Plant, shown: &[Line<'_>], known: &[Expected<'_>]) {
    let lines: Vec<u64> = shown.iter().map(|l| l.key).collect();
    let expected: Vec<u64> = known.iter().map(|e| e.key).collect();
    let by = match kind {
        Plant::Plain | Plant::Doubled => By::IdAndAmount,
        Plant::Reference => By::ReferenceAndAmount,
        Plant::Window => By::WindowAndCounterparty,
        Plant::Split => By::ManyLinesOneExpected,
        Plant::Merged => By::OneLineManyExpected,
        Plant::Reversal => By::Reversed,
        Plant::Missing | Plant::Short | Plant::Late | Plant::Stranger => {
            let (why, difference) = match kind {
                Plant::Missing => (Why::MissingTheirs, 0),
                Plant::Short => (Why::AmountDiff, -9),
                Plant::Late => (Why::DateOutOfWindow, 0),
                _ => (Why::MissingOurs, 0),
            };
            outcome.open.push(Open { why, lines, expected, difference: Taka::whole(difference) });
            return;
        }
    };
    let (first, second) = lines.split_at(if matches!(kind, Plant::Doubled) { 1 } else { lines.len() });
    if let [again] = second {
        let (why, lines) = (Why::DuplicateMoney, vec![*again]);
        outcome.open.push(Open { why, lines, expected: vec![], difference: Taka::ZERO });
    }
    outcome.matches.push(Match { lines: first.to_vec(), expected, by });
}

#[test]
fn ten_thousand_lines_and_things() {
    use Plant::{Doubled, Merged, Missing, Plain, Reference, Reversal, Short, Split, Stranger, Window};
    let kinds = [Plain, Reference, Window, Split, Merged, Missing, Doubled, Short, Stranger, Reversal];
    let plants: Vec<(Plant, i32, i32)> =
        (0..9_000_i32).zip(kinds.into_iter().cycle()).map(|(n, kind)| (kind, n % 977 + 10, n % 31)).collect();
    let (mut world, planted) = plant(&plants);
    // The rest is a crowd of one counterparty and amount, which only a person can tell apart.
    for key in 0..1_000 {
        let n = i32::try_from(key).unwrap();
        let (date, amount, counterparty) = (later(n % 31), Taka::whole(500), "Crowd");
        let plain = Line { key: 200_000 + key, date, amount, counterparty, ..world.0[0].clone() };
        let thing = Expected { key: 200_000 + key, date, amount, counterparty, id: "", ..world.1[0].clone() };
        world.0.push(Line { reference: "", ids: vec![], ..plain });
        world.1.push(Expected { ids: vec![], group: None, ..thing });
    }
    let clock = std::time::Instant::now();
    let outcome = run(&scrambled(&world, 7), UPTO);
    println!("{} lines, {} expected: {:?}", world.0.len(), world.1.len(), clock.elapsed());
    assert_eq!((world.0.len(), world.1.len()), (12_700, 10_000));
    assert_eq!(outcome.matches, planted.matches);
    assert_eq!((outcome.matches.len(), outcome.open.len(), outcome.waiting.len()), (6_300, 3_631, 0));
}
