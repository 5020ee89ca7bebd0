//! The simulator of money: worlds whose books, facts, streets and banks come to the same, and mutants that do not.

use getit_tests::money::mutant::Mutant;
use getit_tests::money::{self, Report, STEPS};

/// `./dev sim --money --seeds 2000` for more.
const SEEDS: u64 = 100;
/// A mutant that lives through so many worlds is not caught.
const MUTANT_SEEDS: u64 = 600;

fn worlds(first: u64, count: u64) -> Report {
    let mut total = Report::default();
    for seed in first..first + count {
        match money::seed(seed, None) {
            Ok(report) => total.add(&report),
            Err(what) => panic!("seed {seed}: {what}\n  replay: ./dev sim --money --first {seed} --seeds 1"),
        }
    }
    total
}

#[test]
fn the_books_are_the_street_and_the_bank() {
    const { assert!(STEPS >= 150) };
    let total = worlds(1, SEEDS);
    // A world in which nothing is paid proves nothing.
    println!("{total:?}");
    let by_people =
        ["J2", "J4", "J4p", "J5", "J6", "J7", "J8", "J9", "J10", "J13", "J13a", "J16", "J17", "J17a", "J27a"];
    let by_paper = [
        "J3", "J11b", "J17b", "J20d", "J20e", "J24", "R3", "cleared", "J26", "J27", "J28", "J29a", "J30", "J30a",
        "J31", "J33", "J35",
    ];
    // What a bank returns or an insurer pays is rarer than what people do at a counter.
    let wanted = by_people.map(|rule| (rule, 5)).into_iter().chain(by_paper.map(|rule| (rule, 3)));
    for (rule, least) in wanted {
        assert!(total.coverage.get(rule).is_some_and(|count| *count >= least), "{rule}: {:?}", total.coverage);
    }
    // Nor does one in which finance is refused nothing.
    for no in ["enter: reference_used", "enter_wrong: more_than_held", "enter_wrong: bad_entry", "sign: same_person"] {
        assert!(total.refused.contains_key(no), "{no}: {:?}", total.refused);
    }
}

#[test]
fn one_seed_is_one_world_of_money() {
    assert_eq!(money::seed(7, None), money::seed(7, None));
}

#[test]
fn every_mutant_of_the_money_is_caught() {
    for mutant in Mutant::ALL {
        let caught =
            (1..=MUTANT_SEEDS).find_map(|seed| money::seed(seed, Some(*mutant)).err().map(|what| (seed, what)));
        let Some((seed, what)) = caught else { panic!("{} lives through {MUTANT_SEEDS} worlds", mutant.word()) };
        println!("{} is caught by seed {seed}: {what}", mutant.word());
    }
}
