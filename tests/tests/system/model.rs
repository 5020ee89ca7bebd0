//! The world in one process: 2,000 seeds in every run, 100,000 by `./dev model --seeds 100000`.

use getit_tests::model::{self, Report};

const SEEDS: u64 = 2_000;
/// Two threads: as many as the machine that runs the tests has cores.
const THREADS: u64 = 2;

#[test]
fn two_thousand_worlds_converge() {
    let run = |thread: u64| {
        let mut total = Report::default();
        for seed in (1..=SEEDS).filter(|seed| seed % THREADS == thread) {
            let report = std::panic::catch_unwind(|| model::run(seed));
            let Ok(report) = report else { panic!("seed {seed} failed; replay: ./dev model --first {seed} --seeds 1") };
            total.add(&report);
        }
        total
    };
    let total = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().fold(Report::default(), |mut total, thread| {
            total.add(&thread.join().unwrap());
            total
        })
    });
    // A world in which nothing happens proves nothing.
    println!("{total:?}");
    for (what, count) in [
        ("duplicates", total.duplicates),
        ("refused slots", total.refused),
        ("cut sessions", total.cuts),
        ("relays", total.relays),
        ("restores", total.restores),
        ("revocations", total.revoked),
        ("contested", total.contested),
        ("sketches", total.repairs["repairs_by_sketch"]),
        ("ranges", total.repairs["repairs_by_ranges"]),
        ("lists to hubs of before", total.repairs["repairs_by_ids"]),
    ] {
        assert!(count >= 500, "{what}: only {count} in {SEEDS} seeds");
    }
    for rule in ["J4", "J5", "J7", "J8", "J9", "J10", "J11", "J11a", "J12", "J21", "J32"] {
        assert!(total.journals.get(rule).is_some_and(|count| *count >= 25), "{rule}: {:?}", total.journals);
    }
}

/// What a site sees all at once comes with its whole past, over links that carry 4 KB and die.
#[test]
fn a_first_sync_gets_ahead_with_every_link() {
    for seed in 1..=20 {
        let held = model::first_sync(seed, 4_096);
        assert!(held.len() > 3, "seed {seed}: one link was enough: {held:?}");
        // The last link may bring nothing but the roots.
        let ahead = held[..held.len() - 1].is_sorted_by(|before, after| before < after);
        assert!(ahead, "seed {seed}: a link brought nothing: {held:?}");
    }
}
