//! What the books say of themselves: which accounts are bounded, what two replicas compare, what is provisional.
#![allow(clippy::unwrap_used, reason = "a test stops at once")]

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::{Account, Code};
use protocol::books;
use protocol::fold::{State, fold};
use protocol::history::History;
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;

/// Every kind of subject that has a state of its own.
const KINDS: [Kind; 14] = [
    Kind::Order,
    Kind::Parcel,
    Kind::Earning,
    Kind::HandIn,
    Kind::Shift,
    Kind::Bag,
    Kind::Deposit,
    Kind::Payout,
    Kind::Sweep,
    Kind::Remittance,
    Kind::Refund,
    Kind::Line,
    Kind::Ruling,
    Kind::Entry,
];

/// Whether a head is lacking, and whether something is of a later version.
fn provisional(state: &State) -> (bool, bool) {
    match state {
        State::Order(of) => (of.incomplete, of.newer),
        State::Parcel(of) => (of.incomplete, of.newer),
        State::Earning(of) => (of.incomplete, of.newer),
        State::HandIn(of) => (of.incomplete, of.newer),
        State::Shift(of) => (of.incomplete, of.newer),
        State::Bag(of) => (of.incomplete, of.newer),
        State::Deposit(of) => (of.incomplete, of.newer),
        State::Payout(of) => (of.incomplete, of.newer),
        State::Sweep(of) => (of.incomplete, of.newer),
        State::Remittance(of) => (of.incomplete, of.newer),
        State::Refund(of) => (of.incomplete, of.newer),
        State::Line(of) => (of.incomplete, of.newer),
        State::Ruling(of) => (of.incomplete, of.newer),
        State::Entry(of) => (of.incomplete, of.newer),
        State::Other => panic!("this kind has a state"),
    }
}

#[test]
fn whatever_is_provisional_says_so() {
    for kind in KINDS {
        let subject = Subject::new(kind, Id16([7; 16]));
        for (incomplete, newer) in [(false, false), (true, false), (false, true)] {
            let mut history = History::new(Vec::new());
            (history.incomplete, history.newer) = (incomplete, newer);
            assert_eq!(provisional(&fold(subject, &history).state), (incomplete, newer), "{kind:?}");
        }
    }
}

/// Only central takes from these, and never more than they hold (B4).
#[test]
fn the_bounded_accounts_are_the_ones_that_central_pays_from() {
    let bounded: Vec<u16> = Code::ALL.iter().filter(|code| code.is_strict()).map(|code| *code as u16).collect();
    assert_eq!(bounded, [1150, 2020, 2030, 2050]);
    let watched: Vec<u16> = Code::ALL.iter().filter(|code| code.is_watched()).map(|code| *code as u16).collect();
    assert_eq!(watched, [1010, 1040, 1110, 1120, 1140]);
}

#[test]
fn an_account_is_known_by_its_number_and_no_other() {
    let known: BTreeSet<u16> = Code::ALL.iter().map(|code| *code as u16).collect();
    assert_eq!(known.len(), Code::ALL.len(), "one number, one account");
    for number in 0..=u16::MAX {
        assert_eq!(Code::of(number).map(|code| code as u16), known.contains(&number).then_some(number));
    }
}

/// What two replicas compare follows every account, owner and amount, and no zero.
#[test]
fn books_are_equal_when_every_sum_is() {
    let owner = |n: u8| Some(Subject::new(Kind::Parcel, Id16([n; 16])));
    let till = |n, paisa| (Account { code: Code::Till, owner: owner(n) }, Taka::from_paisa(paisa).unwrap());
    let bag = (Account { code: Code::AgentCash, owner: owner(1) }, Taka::whole(5));
    let of = |sums: &[(Account, Taka)]| books::digest(&sums.iter().copied().collect::<BTreeMap<_, _>>());
    let books = of(&[till(1, 500), bag]);
    assert_eq!(of(&[bag, till(1, 500), till(2, 0)]), books, "what comes to nothing is not compared");
    for other in [&[till(1, 501), bag][..], &[till(2, 500), bag], &[till(1, -500), bag], &[bag], &[]] {
        assert_ne!(of(other), books, "{other:?}");
    }
}
