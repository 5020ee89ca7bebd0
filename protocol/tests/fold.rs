//! The fold and the ledger over generated lives: any order, repeated, in pieces, among strangers.
//! Invariants are named by their number in the domain's list (B4.2).
#![allow(clippy::print_stdout, reason = "the share of contested cases is part of the proof")]

#[path = "world/lives.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod lives;
#[path = "world/people.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod people;
#[path = "world/store.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod store;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use lives::{DUE, Life};
use people::{Person, World, person};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use protocol::account::Code as Chart;
use protocol::fold::{Folded, State};
use protocol::id::{Author, Incarnation, Kind, Subject};
use protocol::intake::{Clerk, Verified, Wanted, not_well_authored, take};
use protocol::journal::{Journal, Rule};
use protocol::ledger::{self, Entry, net};
use protocol::op::{Op, lane};
use protocol::seat::{Role, Seat, class};
use protocol::stamp::Stamp;
use protocol::taka::Taka;
use store::Store;

/// Generated cases of each property.
const CASES: u32 = 400;

fn runner(seed: u8) -> TestRunner {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
}

fn seats(cast: &[Person]) -> BTreeMap<Author, Seat> {
    cast.iter().map(|person| (person.author, person.seat.clone())).collect()
}

fn edge(cast: &[Person]) -> Store {
    Store { seats: seats(cast), ..Store::default() }
}

/// Central, with its own chain for what it authors.
struct Central {
    person: Person,
    store: Store,
}

impl Central {
    fn new(cast: &[Person]) -> Self {
        let mut person = cast[cast.len() - 1].clone();
        person.place.inc = Incarnation(*b"live");
        Self { person, store: edge(cast) }
    }

    fn clerk(&self) -> Clerk<'_> {
        Clerk { key: &self.person.key, place: self.person.place, stamp: Stamp { now_ms: 1, entropy: [1; 32] } }
    }

    fn take(&mut self, bursts: Vec<Verified>) {
        let clerk =
            Clerk { key: &self.person.key, place: self.person.place, stamp: Stamp { now_ms: 1, entropy: [1; 32] } };
        let taken = self.store.take(bursts, Some(clerk));
        self.person.place = taken.place.expect("a clerk returns his place");
    }
}

/// `items` in an order that `keys` choose.
fn shuffled<T: Clone>(items: &[T], keys: &[u64]) -> Vec<T> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| keys[index % keys.len()].rotate_left(u32::try_from(index % 64).expect("below 64")));
    order.into_iter().map(|index| items[index].clone()).collect()
}

/// Some bursts first with a slot withheld, some twice, all in the end.
fn in_pieces(bursts: &[Verified], keys: &[u64]) -> Vec<Verified> {
    let mut pieces = Vec::new();
    for (index, verified) in shuffled(bursts, keys).into_iter().enumerate() {
        let key = keys[index % keys.len()];
        if key % 3 == 0 {
            let kept = verified.ids[usize::try_from(key / 3).unwrap_or(0) % verified.ids.len()];
            pieces.push(Verified::of_own(verified.burst.withhold(|id| *id == kept)));
        }
        pieces.extend(vec![verified; 1 + usize::from(key % 5 == 0)]);
    }
    let rest: Vec<u64> = keys.iter().rev().map(|key| key.rotate_left(7)).collect();
    pieces.extend(shuffled(bursts, &rest).into_iter().filter(|verified| verified.burst.head.seq % 3 == 0));
    pieces
}

/// The ledger after each burst of an order; what it reversed; and the end.
fn post_all(cast: &[Person], subject: Subject, bursts: &[Verified]) -> (Folded, Vec<Entry>, Store) {
    let (mut store, mut standing, mut posted) = (edge(cast), BTreeMap::new(), Vec::new());
    let mut folded = store.fold(subject);
    for verified in bursts {
        store.take(vec![verified.clone()], None);
        folded = store.fold(subject);
        let entries = ledger::difference(&standing, &folded.journals);
        ledger::stand(&mut standing, &entries);
        posted.extend(entries);
        let again = ledger::difference(&standing, &folded.journals);
        assert!(again.is_empty(), "invariant 3: a replay posts nothing");
        assert_net_by_key(&posted, &folded.journals);
    }
    (folded, posted, store)
}

/// The net of the history by key is T, with no key beside it.
fn assert_net_by_key(posted: &[Entry], journals: &[Journal]) {
    let mut by_key: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in posted {
        assert!(entry.journal.is_balanced(), "invariant 1: {}", entry.journal);
        by_key.entry(entry.journal.key()).or_default().extend(entry.journal.postings.iter().copied());
    }
    let by_key: BTreeMap<_, _> = by_key.into_iter().map(|(key, postings)| (key, net(&postings))).collect();
    let by_key: BTreeMap<_, _> = by_key.into_iter().filter(|(_, net)| !net.is_empty()).collect();
    let wanted = journals.iter().map(|journal| (journal.key(), net(&journal.postings)));
    let wanted: BTreeMap<_, _> = wanted.filter(|(_, net)| !net.is_empty()).collect();
    assert_eq!(by_key, wanted, "net by key equals T");
    let revisions: BTreeSet<[u8; 16]> = posted.iter().map(|entry| entry.journal.key().revision(entry.rev)).collect();
    assert_eq!(revisions.len(), posted.len(), "invariant 3: journal ids are unique");
}

#[test]
fn any_order_repeated_and_in_pieces_gives_equal_folds_and_journals() {
    let world = World::new();
    let cast = lives::cast(&world);
    let (cases, troubled) = (Cell::new(0u32), Cell::new(0u32));
    let keys = || prop::collection::vec(any::<u64>(), 24);
    let input = (0..4u8, lives::steps(9), keys(), keys());
    let outcome = runner(1).run(&input, |(kind, steps, one, two)| {
        let life = match kind {
            0 => lives::parcel("P", &cast, &steps),
            1 => lives::handin("H", &cast, &steps),
            _ => lives::pickup("P", &cast, &steps, kind == 2),
        };
        let (folded, _, store) = post_all(&cast, life.subject, &life.bursts);
        let mut corrected = false;
        for keys in [&one, &two] {
            let (other, posted, other_store) = post_all(&cast, life.subject, &in_pieces(&life.bursts, keys));
            prop_assert_eq!(&other, &folded, "invariant 13: state and journals");
            prop_assert_eq!(&other_store.roots, &store.roots, "roots");
            prop_assert_eq!(&other_store.members, &store.members, "memberships");
            corrected |= posted.iter().any(|entry| entry.rev % 2 == 1);
        }
        cases.set(cases.get() + 1);
        troubled.set(troubled.get() + u32::from(corrected || !folded.contests().is_empty()));
        Ok(())
    });
    outcome.unwrap_or_else(|broken| panic!("{broken}"));
    let share = 100 * troubled.get() / cases.get();
    println!("{} of {} generated cases ended contested or corrected: {share} %", troubled.get(), cases.get());
    assert!(share >= 30, "only {share} % of the cases are hard: the generator has gone soft");
}

#[test]
fn money_subjects_fold_alike_in_any_order_and_stay_in_balance() {
    let world = World::new();
    let cast = lives::cast(&world);
    let input = (0..lives::MONEY.len(), lives::steps(8), prop::collection::vec(any::<u64>(), 24));
    let posted = std::cell::RefCell::new(BTreeSet::new());
    let outcome = runner(9).run(&input, |(kind, steps, keys)| {
        let life = lives::money(lives::MONEY[kind], &cast, &steps);
        let (folded, _, store) = post_all(&cast, life.subject, &life.bursts);
        let (other, _, other_store) = post_all(&cast, life.subject, &in_pieces(&life.bursts, &keys));
        prop_assert_eq!(&other, &folded, "invariant 13: state and journals");
        prop_assert_eq!(&other_store.roots, &store.roots, "roots");
        // Whatever was recorded, an effect stands once.
        let rules: Vec<Rule> = folded.journals.iter().map(|journal| journal.rule).collect();
        let ways = [Rule::J5, Rule::J6, Rule::J19, Rule::J21a];
        prop_assert!(rules.iter().filter(|rule| ways.contains(rule)).count() <= 1, "money goes one way");
        // But for a till, which pays out and in as often as it has to, for goods that come back in parts, and for what is
        // taken back.
        let often =
            |rule: &&Rule| matches!(rule, Rule::J20 | Rule::J20a | Rule::J20b | Rule::J20f | Rule::J27b | Rule::J27c);
        let once: Vec<&Rule> = rules.iter().filter(|rule| !often(rule)).collect();
        prop_assert_eq!(once.iter().collect::<BTreeSet<_>>().len(), once.len(), "no rule twice");
        posted.borrow_mut().extend(rules);
        Ok(())
    });
    outcome.unwrap_or_else(|broken| panic!("{broken}"));
    let money = [Rule::J6, Rule::J13, Rule::J13a, Rule::J13b, Rule::J16, Rule::J17, Rule::J17a, Rule::J18, Rule::J19];
    let money =
        [&money[..], &[Rule::J20, Rule::J20a, Rule::J20b, Rule::J21a, Rule::J27a, Rule::J27b, Rule::J27c, Rule::J36a]]
            .concat();
    let missing: Vec<&Rule> = money.iter().filter(|rule| !posted.borrow().contains(rule)).collect();
    assert!(missing.is_empty(), "no generated case posted {missing:?}: the generator has gone soft");
}

#[test]
fn central_comes_to_equal_states_and_t_whatever_arrives_first() {
    let world = World::new();
    let cast = lives::cast(&world);
    let input = (any::<bool>(), lives::steps(8), lives::steps(6), prop::collection::vec(any::<u64>(), 24));
    let outcome = runner(2).run(&input, |(fetched, of_parcel, of_handin, keys)| {
        let write = |steps: &[lives::Step]| {
            if fetched { lives::pickup("P", &cast, steps, false) } else { lives::parcel("P", &cast, steps) }
        };
        let (parcel, handin) = (write(&of_parcel), lives::handin("H", &cast, &of_handin));
        let all = [parcel.bursts.clone(), handin.bursts.clone()].concat();
        let (mut first, mut second) = (Central::new(&cast), Central::new(&cast));
        for verified in &all {
            first.take(vec![verified.clone()]);
            books_hold(&first.store);
        }
        second.take(in_pieces(&all, &keys));
        books_hold(&second.store);
        for subject in [parcel.subject, handin.subject] {
            prop_assert_eq!(first.store.fold(subject), second.store.fold(subject), "invariant 13 at central");
        }
        refusals_change_nothing(&mut first, &parcel);
        Ok(())
    });
    outcome.unwrap_or_else(|broken| panic!("{broken}"));
}

/// Invariants 1, 2, 3, 4, 5, 6, 18 and 20 on central's tables.
fn books_hold(store: &Store) {
    let lines = store.entries.iter().flat_map(|entry| &entry.journal.postings);
    assert_eq!(lines.clone().map(|line| line.amount).sum::<Taka>(), Taka::ZERO, "1: debits equal credits");
    let of = |code: Chart| lines.clone().filter(move |line| line.account.code == code).map(|line| line.amount);
    for (account, balance) in &store.balances {
        assert!(account.code != Chart::VendorReceivable || *balance >= Taka::ZERO, "2: {account}");
        assert!(account.code != Chart::VendorAvailable || *balance <= Taka::ZERO, "2: {account}");
    }
    let ids: BTreeSet<[u8; 16]> = store.entries.iter().map(|entry| entry.journal.key().revision(entry.rev)).collect();
    assert_eq!(ids.len(), store.entries.len(), "3: journal ids are unique");
    let mut cash = Taka::ZERO;
    for subject in store.ops.keys() {
        let folded = store.fold(*subject);
        let standing = store.standing.get(subject).cloned().unwrap_or_default();
        assert!(ledger::difference(&standing, &folded.journals).is_empty(), "3: replay of {subject}");
        match &folded.state {
            State::Parcel(parcel) => {
                cash = cash.plus(parcel.collected);
                parcel_holds(store, *subject, &folded);
            }
            State::HandIn(handin) => {
                let counted = handin.counted.unwrap_or_default();
                cash = cash.plus(counted).minus(handin.offered.filter(|_| handin.counted.is_some()).unwrap_or(counted));
            }
            _ => {}
        }
    }
    let held: Taka = of(Chart::AgentCash).chain(of(Chart::Till)).chain(of(Chart::PartnerReceivable)).sum();
    assert_eq!(held, cash, "4: bags and tills hold what was collected, less short, plus over");
}

fn parcel_holds(store: &Store, subject: Subject, folded: &Folded) {
    let State::Parcel(parcel) = &folded.state else { return };
    let canonical = [Rule::J4, Rule::J4p, Rule::J36, Rule::J11, Rule::J11a, Rule::J11c];
    let satisfied = folded.journals.iter().filter(|journal| canonical.contains(&journal.rule)).count();
    assert!(satisfied <= 1, "6: a due is satisfied once");
    let net = net(folded.journals.iter().flat_map(|journal| &journal.postings));
    let at = |account| net.get(&account).copied().unwrap_or_default();
    let clearing = at(Chart::Clearing.of_owner(subject)).negated();
    assert_eq!(clearing, if satisfied == 1 { DUE } else { Taka::ZERO }, "6: exactly the due is cleared");
    let owed: Taka = net.iter().filter(|(account, _)| account.code == Chart::Shortage).map(|(_, sum)| *sum).sum();
    let extra = parcel.collected.plus(owed).minus(clearing);
    assert_eq!(at(Chart::OverCollected.of_owner(subject)).negated(), extra, "6: extra money is in 2095");
    if parcel.created.is_some() && !parcel.incomplete {
        assert_eq!(parcel.custodian.is_none(), parcel.status.is_with_customer(), "18: one custodian, {parcel:?}");
    }
    let State::Earning(earning) = store.fold(Subject::earning_of(subject)).state else { return };
    let in_books = store.balances.get(&Chart::Clearing.of_owner(subject)).copied().unwrap_or_default();
    if parcel.is_settled() && parcel.is_fulfilled() {
        assert!(earning.distributed_for.is_some(), "5: a settled delivery is distributed, {parcel:?}");
        assert_eq!(in_books, Taka::ZERO, "5 and 20: clearing is empty, no paisa left");
    }
}

/// Invariant 12: a refused op and a forged burst leave every table as it was.
fn refusals_change_nothing(central: &mut Central, life: &Life) {
    let agent = &central.store.seats.values().find(|seat| seat.role() == Role::Agent).cloned().expect("an agent");
    let author = *central.store.seats.iter().find(|(_, seat)| *seat == agent).expect("listed").0;
    let writer = ["a7", "a8", "a9"].into_iter().map(|name| person(name, Role::Agent, agent.party));
    let key = writer.map(|person| person.key).find(|key| key.verifying_key().to_bytes() == agent.key).expect("its key");
    let forbidden = Op {
        class_kind: u16::from(class::CENTRAL) << 12 | 0x011,
        lane_flags: lane::ORDERS,
        subject: life.subject,
        after: Vec::new(),
        payload: vec![0x81, 1],
    };
    assert!(not_well_authored(&forbidden, agent).is_some());
    let place = protocol::burst::ChainPlace::start(author, Incarnation(*b"evil"));
    let burst = protocol::burst::Burst::sign(&key, &place, 1, &[forbidden]);
    let before = central.store.clone();
    central.take(vec![protocol::intake::verify(burst.clone(), agent).expect("well signed")]);
    let after = &central.store;
    assert_eq!(after.refused.len(), before.refused.len() + 1, "12: counted");
    assert_eq!(
        (&after.balances, &after.entries, &after.roots, &after.members, &after.ops, &after.standing),
        (&before.balances, &before.entries, &before.roots, &before.members, &before.ops, &before.standing),
        "12: a refusal leaves the books as they were"
    );
    let mut forged = burst;
    forged.sig[0] ^= 1;
    assert!(protocol::intake::verify(forged, agent).is_err(), "12: a forged burst never reaches a table");
}

#[test]
fn strangers_on_the_desk_change_nothing() {
    let world = World::new();
    let cast = lives::cast(&world);
    let input = (lives::steps(7), lives::steps(7), lives::steps(7), lives::steps(5));
    let outcome = runner(3).run(&input, |(of_mine, of_handin, of_other, of_third)| {
        let mine = [lives::parcel("P", &cast, &of_mine), lives::handin("H", &cast, &of_handin)];
        let strangers = [lives::parcel("Q", &cast, &of_other), lives::handin("I", &cast, &of_third)];
        let (mut alone, mut among) = (Central::new(&cast), Central::new(&cast));
        strangers.iter().for_each(|life| among.take(life.bursts.clone()));
        let batch: Vec<Verified> = mine.iter().flat_map(|life| life.bursts.clone()).collect();
        // Strangers arrive in the same batch as well.
        let mixed: Vec<Verified> = batch.iter().cloned().chain(strangers[0].bursts.iter().cloned()).collect();
        let everything: BTreeSet<Subject> =
            among.store.ops.keys().copied().chain(Wanted::by(&mixed).subjects).collect();
        let desk = among.store.desk_of(&everything, &Wanted::by(&mixed));
        let taken_among = take(desk, mixed, Some(among.clerk()));
        let taken_alone = take(alone.store.desk(&Wanted::by(&batch)), batch, Some(alone.clerk()));
        alone.store.write(&taken_alone);
        let earning = Subject::earning_of(mine[0].subject);
        for subject in [mine[0].subject, mine[1].subject, earning] {
            let of = |taken: &protocol::intake::Taken| taken.folded.get(&subject).cloned();
            prop_assert_eq!(of(&taken_alone), of(&taken_among));
            let entries = |taken: &protocol::intake::Taken| {
                let mine = taken.entries.iter().filter(|entry| entry.journal.subject == subject);
                mine.cloned().collect::<Vec<Entry>>()
            };
            prop_assert_eq!(entries(&taken_alone), entries(&taken_among));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|broken| panic!("{broken}"));
}

/// Every order of every 5 of these facts, all concurrent, on a parcel that is in the bag of a7.
#[test]
fn every_order_of_five_conflicting_facts_of_a_parcel() {
    use protocol::fact::{Attempted, Delivered, Fact, ParcelCancelled, Received, RtoInitiated};
    let world = World::new();
    let cast = lives::cast(&world);
    let base = lives::parcel("P", &cast, &[]);
    let delivered = |evidence, taka| Fact::Delivered(Delivered { evidence, collected: Some(Taka::whole(taka)) });
    let facts = [
        (0, delivered(1, 1_250)),
        (0, delivered(1, 1_300)),
        (1, delivered(3, 1_250)),
        (2, delivered(2, 1_200)),
        (1, Fact::Attempted(Attempted { reason: 2 })),
        (3, Fact::Received(Received { pieces: 1 })),
        (5, Fact::RtoInitiated(RtoInitiated { reason: 5 })),
        (6, Fact::ParcelCancelled(ParcelCancelled { by: 1 })),
    ];
    every_order(&cast, &base, &facts);
}

/// The same at the counter of a point, with a cancellation and a delivery at the door.
#[test]
fn every_order_of_five_conflicting_facts_at_a_counter() {
    use protocol::fact::{
        CodeVerified, CounterPaid, Delivered, Fact, HandedOver, HoldExpired, ParcelCancelled, Shelved,
    };
    let world = World::new();
    let cast = lives::cast(&world);
    let base = lives::pickup("P", &cast, &[], false);
    let taken = |taka| Fact::CounterPaid(CounterPaid { amount: Taka::whole(taka) });
    let facts = [
        (3, Fact::CodeVerified(CodeVerified { token: [7; 16] })),
        (3, taken(1_250)),
        (5, taken(1_300)),
        (3, Fact::HandedOver(HandedOver {})),
        (5, Fact::HoldExpired(HoldExpired {})),
        (5, Fact::Shelved(Shelved { shelf: "C".into() })),
        (0, Fact::Delivered(Delivered { evidence: 3, collected: Some(Taka::whole(1_250)) })),
        (6, Fact::ParcelCancelled(ParcelCancelled { by: 1 })),
    ];
    every_order(&cast, &base, &facts);
}

/// The same of offers and counts of one hand-in.
#[test]
fn every_order_of_five_conflicting_facts_of_a_handin() {
    use protocol::fact::{Fact, HandInCounted, HandInOffered};
    let world = World::new();
    let cast = lives::cast(&world);
    let base = lives::handin("H", &cast[..], &[]);
    assert_eq!(base.subject.kind(), Some(Kind::HandIn));
    let (site, inc) = (cast[3].seat.party, Incarnation(*b"inc1"));
    let offer = |taka| Fact::HandInOffered(HandInOffered { site, amount: Taka::whole(taka), inc, upto: 1 });
    let count = |agent: usize, taka| {
        let agent = cast[agent].seat.party;
        Fact::HandInCounted(HandInCounted { agent, counted: Taka::whole(taka), denominations: Vec::new() })
    };
    let facts = [
        (0, offer(1_250)),
        (0, offer(1_300)),
        (1, offer(1_250)),
        (3, count(0, 1_250)),
        (3, count(0, 1_200)),
        (5, count(0, 1_250)),
        (5, count(1, 1_400)),
    ];
    every_order(&cast, &base, &facts);
}

fn every_order(cast: &[Person], base: &Life, facts: &[(usize, protocol::fact::Fact)]) {
    let mut start = edge(cast);
    start.take(base.bursts.clone(), None);
    let known = start.fold(base.subject).journals;
    let mut concurrent = Vec::new();
    for (who, fact) in facts {
        // Each writes on what the base left, and knows of none of the others.
        let mut alone = base.clone();
        alone.write(*who, &[protocol::decide::Draft { subject: base.subject, fact: fact.clone() }]);
        concurrent.extend(alone.bursts.pop());
    }
    let mut ends: BTreeMap<BTreeSet<usize>, Folded> = BTreeMap::new();
    let mut orders = 0u32;
    for chosen in (0..1usize << facts.len()).filter(|mask| mask.count_ones() == 5) {
        let chosen: Vec<usize> = (0..facts.len()).filter(|index| chosen >> index & 1 == 1).collect();
        for order in permutations(&chosen) {
            orders += 1;
            let (mut store, mut standing, mut posted) = (start.clone(), BTreeMap::new(), Vec::new());
            posted.extend(ledger::difference(&standing, &known));
            ledger::stand(&mut standing, &posted);
            for upto in 1..=order.len() {
                store.take(vec![concurrent[order[upto - 1]].clone()], None);
                let folded = store.folded[&base.subject].clone();
                let entries = ledger::difference(&standing, &folded.journals);
                ledger::stand(&mut standing, &entries);
                posted.extend(entries);
                assert_net_by_key(&posted, &folded.journals);
                let so_far: BTreeSet<usize> = order[..upto].iter().copied().collect();
                assert_eq!(ends.entry(so_far).or_insert_with(|| folded.clone()), &folded, "order {order:?} at {upto}");
            }
        }
    }
    println!("{orders} orders of 5 of {} facts, {} sets of facts", facts.len(), ends.len());
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in items.iter().enumerate() {
        let rest: Vec<usize> =
            items.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, item)| *item).collect();
        all.extend(permutations(&rest).into_iter().map(|tail| [vec![*first], tail].concat()));
    }
    all
}
