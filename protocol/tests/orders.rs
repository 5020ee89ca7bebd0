//! Facts arrive in any order: state, contests and journals of a subject follow from the set of its facts alone.
//! `GETIT_ORDERS_SEED=7` rolls other sets, `GETIT_ORDERS_CASE=123` runs one of them.
#![allow(clippy::print_stdout, reason = "what the cases reached is part of the proof")]

#[path = "orders/ends.rs"]
mod ends;
#[path = "orders/facts.rs"]
mod facts;
#[path = "world/people.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod people;
#[path = "orders/reach.rs"]
mod reach;
#[path = "orders/sets.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod sets;
#[path = "world/store.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod store;

use std::collections::BTreeMap;

use ends::{End, at_central, in_batches};
use facts::Scene;
use protocol::fold::Folded;
use protocol::id::Subject;
use reach::Tally;
use sets::{Cast, Roll, Set};

/// Which sets are rolled.
const SEED: u64 = 1;
/// Sets of seven facts, all of whose orders of arrival are taken; those of fewer facts are on the way.
const WHOLE_SETS: u64 = 24;
/// Every so many of those orders arrive in batches as well, with repetitions.
const CUT: u64 = 5;
/// Every so many of them arrive at central, which signs what it answers.
const TO_CENTRAL: u64 = 100;
/// Random pairs of a set of up to 20 facts and an order.
const PAIRS: u64 = 100_000;
/// Orders of each of those sets.
const ORDERS: u64 = 5;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

fn seed() -> u64 {
    setting("GETIT_ORDERS_SEED").unwrap_or(SEED)
}

/// All cases, or the one that is asked for.
fn cases(all: u64) -> std::ops::Range<u64> {
    setting("GETIT_ORDERS_CASE").map_or(0..all, |one| one..one + 1)
}

/// Stops with what is needed to see the case again.
fn broken(test: &str, case: u64, set: &Set, fault: &str) -> ! {
    let seed = seed();
    panic!(
        "seed {seed}, case {case}\n{}{fault}\nreplay: GETIT_ORDERS_SEED={seed} \
         GETIT_ORDERS_CASE={case} cargo test -p protocol --test orders {test}",
        set.tell()
    )
}

/// Every order of arrival of one set, step by step.
struct Walk<'a> {
    set: &'a Set,
    /// So many of its bursts were there before.
    held: usize,
    /// The end of each part of the set, in whichever order it came first.
    ends: BTreeMap<u64, Folded>,
    order: Vec<usize>,
    orders: u64,
    possible: u64,
    corrected: u64,
}

impl Walk<'_> {
    /// One more fact arrives at `end`, in turn each of those that are left.
    fn step(&mut self, end: &End, left: u64, whole: &mut dyn FnMut(&[usize], &Folded, u64)) -> Result<(), String> {
        let folded = end.folded();
        let first = self.ends.entry(left).or_insert_with(|| folded.clone());
        if first != folded {
            return Err(format!("state and T are\n{folded:#?}\nand in another order were\n{first:#?}"));
        }
        if left == 0 {
            end.compare(folded)?;
            whole(&self.order, folded, self.orders);
            self.orders += 1;
            self.possible += u64::from(self.set.is_possible(self.held, &self.order));
            self.corrected += u64::from(end.is_corrected());
            return Ok(());
        }
        for index in (0..self.set.bursts.len()).filter(|index| left >> index & 1 == 1) {
            let mut next = end.clone();
            next.take(vec![self.set.bursts[index].clone()]);
            self.order.push(index);
            self.step(&next, left & !(1 << index), whole)?;
            self.order.pop();
        }
        Ok(())
    }
}

#[test]
fn every_order_of_up_to_seven_facts_comes_to_one_end() {
    let cast = Cast::new();
    let (mut tally, mut possible) = (Tally::default(), 0);
    let mut sizes: BTreeMap<usize, u64> = BTreeMap::new();
    for case in cases(WHOLE_SETS) {
        let mut roll = Roll::of(seed(), case);
        let scene = Scene::WEIGHTED[case as usize % Scene::COUNT];
        // In the first round the way is held already; then it is among what arrives, in any order.
        let bare = case as usize / Scene::COUNT % 2 == 1;
        let way = facts::way(scene, Subject::tenant(), &cast).len();
        let conflicts = if bare { 7 - way } else { 7 };
        let set = Set::write(scene, conflicts, &cast, &mut roll);
        let mut start = End::new(&cast, &set);
        let held = if bare { 0 } else { set.way };
        if held > 0 {
            start.take(set.bursts[..held].to_vec());
        }
        let left = ((1u64 << set.bursts.len()) - 1) & !((1 << held) - 1);
        *sizes.entry(left.count_ones() as usize).or_default() += 1;
        let mut walk =
            Walk { set: &set, held, ends: BTreeMap::new(), order: Vec::new(), orders: 0, possible: 0, corrected: 0 };
        let mut pieces = |order: &[usize], wanted: &Folded, number: u64| {
            if number % CUT != 0 {
                return;
            }
            let mut roll = Roll::of(seed() ^ case, number);
            let whole: Vec<usize> = (0..held).chain(order.iter().copied()).collect();
            let batches = in_batches(&set.bursts, &whole, &mut roll);
            let mut end = End::new(&cast, &set);
            batches.iter().for_each(|batch| end.take(batch.clone()));
            let mut compared = end.compare(wanted);
            if number % TO_CENTRAL == 0 {
                compared = compared.and_then(|()| at_central(&cast, &batches, set.subject, wanted));
            }
            if let Err(fault) = compared {
                broken("every_order", case, &set, &format!("in batches, arrived as {whole:?}: {fault}"));
            }
        };
        if let Err(fault) = walk.step(&start, left, &mut pieces) {
            broken("every_order", case, &set, &format!("arrived as {:?}: {fault}", walk.order));
        }
        let end = &walk.ends[&0];
        possible += walk.possible;
        start.take(set.bursts.clone());
        tally.count(&start.history(), end, walk.orders, walk.corrected);
    }
    println!("seed {}, sets as (facts, how many) {sizes:?}, {possible} orders causally possible", seed());
    println!("every order: {}", tally.headline());
    assert!(tally.share() >= 50, "only {} % of the orders are hard: the generator has gone soft", tally.share());
}

/// A set, and how it ends when all of it arrives as it was written.
fn in_one_batch(set: &Set, cast: &Cast) -> (Folded, End) {
    let mut end = End::new(cast, set);
    end.take(set.bursts.clone());
    (end.folded().clone(), end)
}

/// The set in a random order, in batches, with repetitions; at central too when `central`.
fn in_random_order(set: &Set, wanted: &Folded, central: bool, cast: &Cast, roll: &mut Roll) -> Result<End, String> {
    let mut order: Vec<usize> = (0..set.bursts.len()).collect();
    roll.shuffle(&mut order);
    let batches = in_batches(&set.bursts, &order, roll);
    let mut end = End::new(cast, set);
    batches.iter().for_each(|batch| end.take(batch.clone()));
    let fault = |fault: String| format!("arrived as {order:?}: {fault}");
    end.compare(wanted).map_err(fault)?;
    if central {
        at_central(cast, &batches, set.subject, wanted).map_err(fault)?;
    }
    Ok(end)
}

#[test]
fn random_orders_of_up_to_twenty_facts_come_to_one_end() {
    let (cast, mut tally) = (Cast::new(), Tally::default());
    for case in cases(PAIRS / ORDERS) {
        let mut roll = Roll::of(!seed(), case);
        let scene = roll.one(&Scene::WEIGHTED);
        let way = facts::way(scene, Subject::tenant(), &cast).len();
        // Mostly a few: twenty facts of one subject are a rare sight.
        let conflicts = 2 + roll.below(19 - way).min(roll.below(19 - way));
        let set = Set::write(scene, conflicts, &cast, &mut roll);
        let (wanted, first) = in_one_batch(&set, &cast);
        let mut corrected = 0;
        for number in 0..ORDERS {
            match in_random_order(&set, &wanted, number == 0 && case % 16 == 0, &cast, &mut roll) {
                Ok(end) => corrected += u64::from(end.is_corrected()),
                Err(fault) => broken("random_orders", case, &set, &fault),
            }
        }
        tally.count(&first.history(), &wanted, ORDERS, corrected);
    }
    // More facts than a subject may have. Not at central: what it judges is one fact more, and moves the mark.
    for (case, scene) in [Scene::Door, Scene::HandIn, Scene::Order, Scene::Bag].into_iter().enumerate() {
        let mut roll = Roll::of(!seed(), case as u64);
        let set = Set::crowd(scene, &cast, &mut roll);
        let (wanted, first) = in_one_batch(&set, &cast);
        match in_random_order(&set, &wanted, false, &cast, &mut roll) {
            Ok(end) => tally.count(&first.history(), &wanted, 1, u64::from(end.is_corrected())),
            Err(fault) => broken("random_orders", case as u64, &set, &fault),
        }
    }
    println!("seed {}, random orders: {}\n{}", seed(), tally.headline(), tally.tell());
    if setting("GETIT_ORDERS_CASE").is_none() {
        assert!(tally.share() >= 50, "only {} % of the cases are hard: the generator has gone soft", tally.share());
        assert!(tally.missing().is_empty(), "no case reached {:?}: the generator has gone soft", tally.missing());
    }
}
