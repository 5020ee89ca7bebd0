//! One small test for each stage and each exception.

use jiff::civil::{Date, date};

use super::*;

const NO_IDS: [&str; 0] = [];

fn june(day: i8) -> Date {
    date(2025, 6, day)
}

fn line(key: u64, day: i8, taka: i32) -> Line<'static> {
    Line {
        key,
        date: june(day),
        amount: Taka::whole(taka),
        reference: "",
        ids: NO_IDS.to_vec(),
        counterparty: "",
        text: "",
        reversal: false,
    }
}

fn thing(key: u64, day: i8, taka: i32, id: &'static str) -> Expected<'static> {
    Expected {
        key,
        date: june(day),
        amount: Taka::whole(taka),
        id,
        ids: NO_IDS.to_vec(),
        counterparty: "",
        group: None,
    }
}

fn run(lines: &[Line<'_>], expected: &[Expected<'_>]) -> Outcome {
    reconcile(lines, expected, &Policy::default(), june(30))
}

fn found(by: By, lines: &[u64], expected: &[u64]) -> Vec<Match> {
    vec![Match { lines: lines.to_vec(), expected: expected.to_vec(), by }]
}

fn open(why: Why, lines: &[u64], expected: &[u64], taka: i32) -> Open {
    Open { why, lines: lines.to_vec(), expected: expected.to_vec(), difference: Taka::whole(taka) }
}

fn bags() -> Vec<Expected<'static>> {
    [(1, 500, "P-1"), (2, 300, "P-2"), (3, 150, "P-3")]
        .map(|(key, taka, id)| Expected { group: Some("DEP-77"), ..thing(key, 10, taka, id) })
        .to_vec()
}

#[test]
fn our_id_in_the_reference_an_id_or_the_narration_matches() {
    let named = [
        Line { reference: " p-17 ", ..line(1, 20, 500) },
        Line { ids: vec!["X", "P-17"], ..line(1, 20, 500) },
        Line { text: "NPSB/from Karim (p-17)", ..line(1, 20, 500) },
    ];
    for line in named {
        let outcome = run(&[line], &[thing(7, 10, 500, "P-17")]);
        assert_eq!(outcome.matches, found(By::IdAndAmount, &[1], &[7]));
        assert_eq!((outcome.open, outcome.waiting), (vec![], vec![]));
    }
}

#[test]
fn an_id_inside_a_longer_word_is_no_id() {
    for text in ["P-170", "XP-17", "P-17-2", "P17", "P 17"] {
        let outcome = run(&[Line { text, ..line(1, 20, 500) }], &[thing(7, 10, 500, "P-17")]);
        assert_eq!(outcome.matches, [], "{text}");
    }
}

#[test]
fn a_foreign_id_matches_within_the_longest_window() {
    let expected = [Expected { ids: vec!["9KX01", "S1"], ..thing(7, 1, 500, "P-17") }];
    for named in [
        Line { reference: "9kx01", ..line(1, 20, 500) },
        Line { ids: vec!["s1"], ..line(1, 20, 500) },
        Line { text: "bKash TrxID 9KX01", ..line(1, 20, 500) },
    ] {
        assert_eq!(run(&[named], &expected).matches, found(By::ReferenceAndAmount, &[1], &[7]));
    }
}

#[test]
fn a_short_foreign_id_in_the_narration_is_no_id() {
    let expected = [Expected { ids: vec!["S1"], ..thing(7, 1, 500, "P-17") }];
    assert_eq!(run(&[Line { text: "slip S1", ..line(1, 20, 500) }], &expected).matches, []);
}

#[test]
fn a_late_line_is_out_of_window_only_for_foreign_ids() {
    let late = |reference| Line { reference, date: date(2025, 7, 5), ..line(1, 1, 500) };
    let expected = [Expected { ids: vec!["SLIP-9"], ..thing(7, 1, 500, "P-17") }];
    let outcome = run(&[late("SLIP-9")], &expected);
    assert_eq!(outcome.matches, []);
    assert_eq!(outcome.open, [open(Why::DateOutOfWindow, &[1], &[7], 0)]);
    assert_eq!(run(&[late("P-17")], &expected).matches, found(By::IdAndAmount, &[1], &[7]));
}

#[test]
fn the_window_and_the_counterparty_match_when_nothing_else_fits() {
    let expected = [Expected { counterparty: "Karim & Sons", ..thing(7, 10, 500, "P-17") }];
    let from = |counterparty, day| run(&[Line { counterparty, ..line(1, day, 500) }], &expected);
    assert_eq!(from("KARIM SONS.", 12).matches, found(By::WindowAndCounterparty, &[1], &[7]));
    for (counterparty, day) in [("Karim Sons", 13), ("Rahim", 10)] {
        let outcome = from(counterparty, day);
        assert_eq!(outcome.open, [open(Why::MissingOurs, &[1], &[], 0), open(Why::MissingTheirs, &[], &[7], 0)]);
    }
}

#[test]
fn two_candidates_are_never_guessed() {
    let of_karim = |key, id| Expected { counterparty: "Karim", ..thing(key, 10, 500, id) };
    let from_karim = |key| Line { counterparty: "Karim", ..line(key, 10, 500) };
    let outcome = run(&[from_karim(1)], &[of_karim(7, "A-1"), of_karim(8, "A-2")]);
    assert_eq!((outcome.matches, outcome.open), (vec![], vec![open(Why::AmbiguousMatch, &[1], &[7, 8], 0)]));
    let outcome = run(&[from_karim(1), from_karim(2)], &[of_karim(7, "A-1")]);
    assert_eq!((outcome.matches, outcome.open), (vec![], vec![open(Why::AmbiguousMatch, &[1, 2], &[7], 0)]));
    let both = Line { text: "A-1 or A-2", ..line(1, 10, 500) };
    let outcome = run(&[both], &[of_karim(7, "A-1"), of_karim(8, "A-2")]);
    assert_eq!((outcome.matches, outcome.open), (vec![], vec![open(Why::AmbiguousMatch, &[1], &[7, 8], 0)]));
}

#[test]
fn an_amount_alone_is_never_enough() {
    let outcome = run(&[line(1, 10, 500)], &[thing(7, 10, 500, "P-17")]);
    assert_eq!(outcome.open, [open(Why::AmbiguousMatch, &[1], &[7], 0)]);
}

#[test]
fn an_id_takes_the_rival_away() {
    let of_karim = |key, id| Expected { counterparty: "Karim", ..thing(key, 10, 500, id) };
    let lines = [
        Line { counterparty: "Karim", ..line(1, 10, 500) },
        Line { counterparty: "Karim", text: "A-1", ..line(2, 10, 500) },
    ];
    let outcome = run(&lines, &[of_karim(7, "A-1"), of_karim(8, "A-2")]);
    assert_eq!(outcome.matches[0], found(By::IdAndAmount, &[2], &[7])[0]);
    assert_eq!(outcome.matches[1], found(By::WindowAndCounterparty, &[1], &[8])[0]);
}

#[test]
fn a_deposit_of_three_bags_is_one_line() {
    for (text, day) in [("cash dep-77", 25), ("slip of P-2", 25), ("", 11)] {
        let outcome = run(&[Line { text, ..line(1, day, 950) }], &bags());
        assert_eq!(outcome.matches, found(By::OneLineManyExpected, &[1], &[1, 2, 3]), "{text}");
        assert_eq!(outcome.open, []);
    }
}

#[test]
fn a_deposit_without_one_bag_leaves_that_bag() {
    for text in ["DEP-77", "P-1 P-3", ""] {
        let outcome = run(&[Line { text, ..line(1, 10, 650) }], &bags());
        assert_eq!(outcome.matches, found(By::OneLineManyExpected, &[1], &[1, 3]), "{text}");
        assert_eq!(outcome.open, [open(Why::MissingTheirs, &[], &[2], 0)]);
    }
}

#[test]
fn a_sum_of_one_counterparty_matches_once_and_two_sums_are_ambiguous() {
    let of_pathao = |key, taka, id| Expected { counterparty: "Pathao", ..thing(key, 10, taka, id) };
    let mut expected = vec![of_pathao(1, 500, "P-1"), of_pathao(2, 300, "P-2"), of_pathao(3, 90, "P-3")];
    let lines = [Line { counterparty: "PATHAO", ..line(1, 11, 590) }];
    assert_eq!(run(&lines, &expected).matches, found(By::OneLineManyExpected, &[1], &[1, 3]));
    expected.push(of_pathao(4, 290, "P-4"));
    let outcome = run(&lines, &expected);
    assert_eq!(outcome.matches, []);
    assert_eq!(outcome.open[0], open(Why::AmbiguousMatch, &[1], &[1, 2, 3, 4], 0));
}

#[test]
fn a_search_that_hits_its_bound_is_ambiguous() {
    let expected = [(1, 70, "P-1"), (2, 50, "P-2"), (3, 30, "P-3"), (4, 29, "P-4")]
        .map(|(key, taka, id)| Expected { counterparty: "Pathao", ..thing(key, 10, taka, id) });
    let lines = [Line { counterparty: "Pathao", ..line(1, 10, 111) }];
    let bounded = reconcile(&lines, &expected, &Policy { most_tries: 1, ..Policy::default() }, june(30));
    assert_eq!(bounded.open, [open(Why::AmbiguousMatch, &[1], &[1, 2, 3, 4], 0)]);
    assert_eq!(run(&lines, &expected).open[0].why, Why::MissingOurs);
}

#[test]
fn partials_add_up() {
    let part = |key, day, taka| Line { text: "part of P-17", ..line(key, day, taka) };
    let outcome = run(&[part(1, 10, 200), part(2, 20, 250), part(3, 28, 50)], &[thing(7, 10, 500, "P-17")]);
    assert_eq!((outcome.matches, outcome.open), (found(By::ManyLinesOneExpected, &[1, 2, 3], &[7]), vec![]));
}

#[test]
fn partials_that_do_not_add_up_are_one_difference() {
    let part = |key, taka| Line { text: "part of P-17", ..line(key, 10, taka) };
    let outcome = run(&[part(1, 200), part(2, 250)], &[thing(7, 10, 500, "P-17")]);
    assert_eq!((outcome.matches, outcome.open), (vec![], vec![open(Why::AmountDiff, &[1, 2], &[7], -50)]));
}

#[test]
fn a_doubled_partial_is_ambiguous() {
    let part = |key, taka| Line { text: "part of P-17", ..line(key, 10, taka) };
    let outcome = run(&[part(1, 200), part(2, 300), part(3, 300)], &[thing(7, 10, 500, "P-17")]);
    assert_eq!((outcome.matches, outcome.open), (vec![], vec![open(Why::AmbiguousMatch, &[1, 2, 3], &[7], 0)]));
}

#[test]
fn a_reversal_goes_with_its_line() {
    let lines = [
        Line { reference: "T9", ..line(1, 10, 500) },
        Line { ids: vec!["t9"], reversal: true, ..line(2, 11, -500) },
        Line { reference: "T9", ..line(3, 11, -500) },
    ];
    let outcome = run(&lines, &[]);
    assert_eq!(outcome.matches, found(By::Reversed, &[1, 2], &[]));
    assert_eq!(outcome.open, [open(Why::MissingOurs, &[3], &[], 0)]);
}

#[test]
fn a_wrong_amount_and_a_short_deposit_are_differences() {
    let outcome = run(&[Line { text: "P-17", ..line(1, 10, 450) }], &[thing(7, 10, 500, "P-17")]);
    assert_eq!(outcome.open, [open(Why::AmountDiff, &[1], &[7], -50)]);
    let outcome = run(&[Line { text: "DEP-77", ..line(1, 10, 940) }], &bags());
    assert_eq!(outcome.open, [open(Why::AmountDiff, &[1], &[1, 2, 3], -10)]);
}

#[test]
fn a_duplicate_line_is_not_led_to_another_thing() {
    let twin = |key, day| Line { counterparty: "Karim", text: "P-17", ..line(key, day, 500) };
    let expected = [thing(7, 10, 500, "P-17"), Expected { counterparty: "Karim", ..thing(8, 11, 500, "P-18") }];
    let outcome = run(&[twin(1, 12), twin(2, 11)], &expected);
    assert_eq!(outcome.matches, found(By::IdAndAmount, &[2], &[7]));
    assert_eq!(outcome.open, [open(Why::DuplicateMoney, &[1], &[], 0), open(Why::MissingTheirs, &[], &[8], 0)]);
}

#[test]
fn a_deposit_credited_twice_is_a_duplicate() {
    let deposit = |key| Line { text: "DEP-77", ..line(key, 10, 950) };
    let outcome = run(&[deposit(1), deposit(2)], &bags());
    assert_eq!(outcome.matches, found(By::OneLineManyExpected, &[1], &[1, 2, 3]));
    assert_eq!(outcome.open, [open(Why::DuplicateMoney, &[2], &[], 0)]);
}

#[test]
fn what_is_not_overdue_waits() {
    let outcome = run(&[], &[thing(7, 27, 500, "P-1"), thing(8, 28, 500, "P-2"), thing(9, 30, 500, "P-3")]);
    assert_eq!((outcome.open, outcome.waiting), (vec![open(Why::MissingTheirs, &[], &[7], 0)], vec![8, 9]));
}

#[test]
fn a_credit_never_matches_an_expected_debit() {
    let outcome = run(&[Line { text: "P-17", ..line(1, 10, 500) }], &[thing(7, 10, -500, "P-17")]);
    assert_eq!(outcome.open, [open(Why::MissingOurs, &[1], &[], 0), open(Why::MissingTheirs, &[], &[7], 0)]);
}
