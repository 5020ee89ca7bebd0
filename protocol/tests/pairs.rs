//! What two facts that meet come to: the outcome of each rule for pairs that no script tells, in every order of
//! arrival. The scripts have the others.

#[path = "pairs/custody.rs"]
mod custody;
#[path = "orders/ends.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod ends;
#[path = "orders/facts.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod facts;
#[path = "world/people.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod people;
#[path = "pairs/records.rs"]
mod records;
#[path = "pairs/refunds.rs"]
mod refunds;
#[path = "orders/sets.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod sets;
#[path = "world/store.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod store;
#[path = "pairs/taken_back.rs"]
mod taken_back;
#[path = "pairs/vans.rs"]
mod vans;

use ends::End;
use facts::Scene;
use protocol::account::Account;
use protocol::contest::Code;
use protocol::fact::Fact;
use protocol::fold::{Folded, State};
use protocol::journal::Rule;
use protocol::ledger::net;
use protocol::taka::Taka;
use sets::{Cast, Set};

/// Facts that meet, and what they come to.
struct Row {
    rule: &'static str,
    scene: Scene,
    /// Who says what, knowing which of those before; all know the way of the scene.
    says: Vec<(usize, Fact, &'static [usize])>,
    /// The state in a word; none where the smaller id decides.
    word: Option<&'static str>,
    posts: &'static [Rule],
    waits: &'static [Code],
    /// Some of what is then on accounts, in taka.
    at: Vec<(Account, i32)>,
}

/// A row of which nothing is expected yet.
fn row(rule: &'static str, scene: Scene, says: Vec<(usize, Fact, &'static [usize])>) -> Row {
    Row { rule, scene, says, word: None, posts: &[], waits: &[], at: Vec::new() }
}

fn taka(whole: i32) -> Taka {
    Taka::whole(whole)
}

fn word(folded: &Folded) -> &'static str {
    match &folded.state {
        State::Parcel(parcel) => parcel.status.word(),
        State::HandIn(handin) => handin.word(),
        State::Earning(earning) => earning.word(),
        State::Shift(shift) => shift.word(),
        State::Deposit(deposit) => deposit.word(),
        State::Payout(payout) => payout.word(),
        State::Line(line) => line.word(),
        State::Refund(refund) => refund.word(),
        _ => "",
    }
}

/// The facts in the order of `order`, one by one.
fn arrive(set: &Set, order: &[usize], cast: &Cast) -> Folded {
    let mut end = End::new(cast, set);
    order.iter().for_each(|index| end.take(vec![set.bursts[*index].clone()]));
    end.folded().clone()
}

fn check(row: &Row, cast: &Cast) -> Result<(), String> {
    let mut set = Set::start(row.scene, row.rule, cast);
    row.says.iter().for_each(|(who, fact, knows)| set.says(*who, fact.clone(), knows, cast));
    let all: Vec<usize> = (0..set.bursts.len()).collect();
    let folded = arrive(&set, &all, cast);
    let mut posts: Vec<Rule> = folded.journals.iter().map(|journal| journal.rule).collect();
    posts.sort_unstable();
    let mut waits: Vec<Code> = folded.contests().iter().map(|contest| contest.code).collect();
    waits.sort_unstable();
    let found = (word(&folded), posts.as_slice(), waits.as_slice());
    let wanted = (row.word.unwrap_or(found.0), row.posts, row.waits);
    if found != wanted {
        return Err(format!("{} comes to {found:?}, not {wanted:?}", row.rule));
    }
    let net = net(folded.journals.iter().flat_map(|journal| &journal.postings));
    for (account, taka) in &row.at {
        let there = net.get(account).copied().unwrap_or_default();
        if there != Taka::whole(*taka) {
            return Err(format!("{} leaves {there} on {account}, not {taka}", row.rule));
        }
    }
    for order in permutations(&all[set.way..]) {
        // What happened on the way comes first, and then last.
        for whole in [[&all[..set.way], &order[..]].concat(), [&order[..], &all[..set.way]].concat()] {
            if arrive(&set, &whole, cast) != folded {
                return Err(format!("{} comes to another end as {whole:?}\n{}", row.rule, set.tell()));
            }
        }
    }
    Ok(())
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    let Some((first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let put = |tail: Vec<usize>| {
        (0..=tail.len()).map(move |at| [&tail[..at], &[*first], &tail[at..]].concat()).collect::<Vec<_>>()
    };
    permutations(rest).into_iter().flat_map(put).collect()
}

/// Every row, so that one that fails does not hide the next.
fn check_all(rows: impl Fn(&Cast) -> Vec<Row>) {
    let cast = Cast::new();
    let faults: Vec<String> = rows(&cast).iter().filter_map(|row| check(row, &cast).err()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pairs_of_a_parcel() {
    check_all(custody::of_parcels);
}

#[test]
fn pairs_of_cash_at_a_till() {
    check_all(custody::of_tills);
}

#[test]
fn pairs_of_a_refund() {
    check_all(refunds::of_refunds);
}

#[test]
fn pairs_of_what_central_records() {
    check_all(records::of_records);
}

#[test]
fn pairs_of_an_earning() {
    check_all(records::of_earnings);
    check_all(taken_back::of_earnings);
}
