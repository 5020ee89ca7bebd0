//! Text scripts as tests: what people do, one line an act, and what their facts come to in state,
//! contests and journals. Real seats, real bursts, real intake; see `world/words.rs` for the words.
//! Accept what changed on purpose with `UPDATE_EXPECT=1 cargo test -p protocol --test script`.
#![allow(clippy::unwrap_used, reason = "a test stops at once")]

#[path = "world/bank.rs"]
mod bank;
#[path = "world/counter.rs"]
mod counter;
#[path = "world/people.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod people;
#[path = "world/store.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod store;
#[path = "world/words.rs"]
mod words;

#[path = "script/banking.rs"]
mod banking;
#[path = "script/courier.rs"]
mod courier;
#[path = "script/entry.rs"]
mod entry;
#[path = "script/handin.rs"]
mod handin;
#[path = "script/money.rs"]
mod money;
#[path = "script/pairs.rs"]
mod pairs;
#[path = "script/pickup.rs"]
mod pickup;
#[path = "script/provider.rs"]
mod provider;
#[path = "script/refund.rs"]
mod refund;
#[path = "script/ruling.rs"]
mod ruling;
#[path = "script/voided.rs"]
mod voided;

use expect_test::Expect;

/// The way of P1 of v1 at 1,250 into the bag of a7.
const LOADED: &str = "
    order O1 of v1: P1 due 1250
    v1 accepts P1
    v1 packs P1
    s1 receives P1
    s1 dispatches P1 to a7
    a7 loads P1
";

/// P1 in the bag of a7, who is offline, and then also in the bag of a8.
const TWO_BAGS: &str = "
    a7 offline
    s1 dispatches P1 to a8
    a8 loads P1
    a8 offline
";

/// The way of P1 of v1 at 1,250 onto a shelf of the point k1.
const SHELVED: &str = "
    pickup O1 k1 v1 P1 1250
    v1 accepts P1
    v1 packs P1
    s1 receives P1
    s1 forwards P1 to k1
    k1 receives P1
    k1 shelves P1 A3
";

fn check(script: &[&str], expected: &Expect) {
    expected.assert_eq(&words::run(&script.join("\n")));
}
