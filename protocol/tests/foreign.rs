//! Bugs that others had with money and with duplicates, and what comes of the same thing here. Above each test:
//! what the report says, and its address.
#![allow(clippy::unwrap_used, reason = "a test stops at once")]

#[path = "world/bank.rs"]
mod bank;
#[path = "world/counter.rs"]
mod counter;
#[path = "world/people.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod people;
#[path = "foreign/shop.rs"]
mod shop;
#[path = "world/store.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod store;
#[path = "world/words.rs"]
mod words;

use people::id_of;
use protocol::account::Code as Chart;
use protocol::contest::Code;
use protocol::fact::{
    Attempted, Delivered, EscrowReleased, Fact, HandInOffered, OrderPlaced, PaymentCaptured, PayoutConfirmed,
    PayoutCreated, PayoutLine, Received, RefundPaid, ReturnReceived, RtoInitiated, TermsFrozen,
};
use protocol::fold::State;
use protocol::id::{Kind, OpId, Subject};
use protocol::journal::Rule;
use protocol::parcel::Status;
use protocol::taka::Taka;
use shop::{DUE, Shop, draft};

/// Delivered at the door, and paid.
fn paid() -> Fact {
    Fact::Delivered(Delivered { evidence: 3, collected: Some(DUE) })
}

// "saved offline, and synced twice: two invoices" https://github.com/BrainWise-DEV/POSNext/issues/50
#[test]
fn posnext_50_an_upload_that_is_repeated_posts_nothing_more() {
    let mut shop = Shop::new();
    let parcel = shop.loaded("P");
    shop.offline("a7");
    shop.writes("a7", parcel, paid());
    let bursts = shop.bursts_of("a7");
    shop.upload(&bursts);
    let (entries, balances) = (shop.entries(), shop.balances());
    assert_eq!(shop.at(Chart::AgentCash.of_owner(shop.party("a7"))), DUE);
    // The answer is lost on the way: the phone sends all of it again.
    let again = shop.upload(&bursts);
    assert!(again.duplicates > 0 && again.ops.is_empty());
    assert_eq!((shop.entries(), shop.balances()), (entries, balances));
}

// "orders placed offline are duplicated when a second tab syncs" https://github.com/odoo/odoo/issues/152259
#[test]
fn odoo_152259_two_windows_that_send_the_same_orders_make_one_of_each() {
    let mut shop = Shop::new();
    let parcels = ["P", "Q"].map(|name| shop.loaded(name));
    shop.offline("a7");
    parcels.iter().for_each(|parcel| shop.writes("a7", *parcel, paid()));
    let one = shop.bursts_of("a7");
    let other: Vec<_> = one.iter().rev().cloned().collect();
    // Both windows at once, then one of them once more.
    shop.upload(&[one.clone(), other.clone()].concat());
    shop.upload(&other);
    for parcel in parcels {
        let state = shop.parcel(parcel);
        assert_eq!((state.status, state.collected, state.contests.len()), (Status::Delivered, DUE, 0));
        assert_eq!(shop.rules(parcel), [Rule::J4]);
    }
    assert_eq!(shop.at(Chart::AgentCash.of_owner(shop.party("a7"))), DUE.plus(DUE));
}

// "a duplicated tab counts from 1 again, and its order is missing" https://github.com/odoo/odoo/issues/71455
#[test]
fn odoo_71455_two_windows_that_count_alike_lose_no_order() {
    let mut shop = Shop::new();
    let parcels = ["P", "Q"].map(|name| shop.loaded(name));
    // The same number of one chain, twice.
    let twins = parcels.map(|parcel| shop.signs_at_its_place("a7", parcel, paid()));
    assert_eq!(twins[0].burst.head.seq, twins[1].burst.head.seq);
    for twin in twins {
        shop.upload(&[twin]);
    }
    for parcel in parcels {
        assert_eq!((shop.parcel(parcel).status, shop.rules(parcel)), (Status::Delivered, vec![Rule::J4]));
    }
    assert!(shop.chain_of("a7").forked, "and somebody is told that the device counts twice");
}

// "pending orders are not synced at closing, but into a rescue session" https://github.com/odoo/odoo/issues/203431
#[test]
fn odoo_203431_what_waits_in_the_device_is_in_its_close() {
    let told = words::run(
        "pickup O1 k1 v1 P1 1250
         v1 accepts P1
         v1 packs P1
         s1 receives P1
         s1 forwards P1 to k1
         k1 receives P1
         k1 shelves P1 A3
         k1 opens K1 0
         k1 offline
         k1 verifies P1
         k1 takes P1 1250
         k1 closes K1 1250
         k1 syncs
         print K1
         print P1",
    );
    assert!(told.contains("K1: closed at k1, z 1, expected 1,250.00, counted 1,250.00\n"), "{told}");
    assert!(told.contains("J4p  Dr 1120{k1} 1,250.00  Cr 2045{P1} 1,250.00"), "{told}");
    assert!(!told.contains("J27a"), "nothing is over because the cash had not been synced: {told}");
}

// "paid while the server is unreachable, then reopened by another's sync" https://github.com/odoo/odoo/pull/288974
#[test]
fn odoo_288974_a_page_from_central_does_not_reopen_what_was_paid_offline() {
    let mut shop = Shop::new();
    let parcel = shop.loaded("P");
    shop.offline("a7");
    shop.writes("a7", parcel, paid());
    assert_eq!(shop.parcel(parcel).status, Status::Loaded, "central does not know yet");
    shop.page_to("a7");
    let State::Parcel(on_phone) = shop.world.people["a7"].store.fold(parcel).state else { panic!("a parcel") };
    assert_eq!((on_phone.status, on_phone.collected), (Status::Delivered, DUE));
    shop.world.sync("a7");
    assert_eq!((shop.parcel(parcel).status, shop.rules(parcel)), (Status::Delivered, vec![Rule::J4]));
}

// "receipts were printed, the sales never synced, no error" https://github.com/frappe/erpnext/issues/11745
#[test]
fn erpnext_11745_a_record_that_never_came_is_seen_as_a_gap() {
    let mut shop = Shop::new();
    let parcels = ["P", "Q"].map(|name| shop.loaded(name));
    let before = shop.chain_of("a7").upto;
    shop.offline("a7");
    parcels.iter().for_each(|parcel| shop.writes("a7", *parcel, paid()));
    let (site, place) = (shop.party("s1"), shop.world.people["a7"].place);
    let handin = Subject::new(Kind::HandIn, id_of("H"));
    let offer = HandInOffered { site, amount: DUE.plus(DUE), inc: place.inc, upto: place.seq - 1 };
    shop.writes("a7", handin, Fact::HandInOffered(offer));
    let bursts = shop.bursts_of("a7");
    let [.., first, lost, last] = bursts.as_slice() else { panic!("three bursts") };
    shop.upload(&[first.clone(), last.clone()]);
    let chain = shop.chain_of("a7");
    assert_eq!(chain.upto, before + 1, "what lies behind the gap is not answered as safe");
    assert!(chain.beyond.contains_key(&last.burst.head.seq) && place.seq - 1 > chain.upto, "the offer names the gap");
    shop.upload(std::slice::from_ref(lost));
    let chain = shop.chain_of("a7");
    assert_eq!((chain.upto, chain.beyond.len()), (before + 3, 0));
    assert_eq!(shop.at(Chart::AgentCash.of_owner(shop.party("a7"))), DUE.plus(DUE));
}

// "a record is lost and no conflict is listed" https://github.com/Tangerine-Community/Tangerine/issues/2722
#[test]
fn tangerine_2722_both_records_stay_and_the_conflict_is_listed() {
    // The script ends with every device that is online holding what central holds.
    let told = words::run(
        "order O1 of v1: P1 due 1250
         v1 accepts P1
         v1 packs P1
         s1 receives P1
         s1 dispatches P1 to a7
         a7 loads P1
         a7 offline
         s1 dispatches P1 to a8
         a8 loads P1
         a8 offline
         a7 delivers P1 cash 1250 by E2
         a8 delivers P1 cash 1250 by E2
         a7 syncs
         a8 syncs
         a7 syncs
         print P1",
    );
    assert!(told.contains("contested_delivery: Delivered by a7"), "{told}");
    assert!(told.contains("J4  Dr 1110{a8} 1,250.00") && told.contains("J12  Dr 1110{a7} 1,250.00"), "{told}");
}

// "the same refund request always succeeds, and moves the balance" https://github.com/blnkfinance/blnk/issues/152
#[test]
fn blnk_152_a_refund_that_is_recorded_again_pays_once() {
    let mut shop = Shop::new();
    let (refund, customer) = (Subject::new(Kind::Refund, id_of("R")), Subject::customer(id_of("C")));
    let paid = || RefundPaid { customer, amount: DUE, provider: 1, reference: "9F12AC".into() };
    for _ in 0..3 {
        shop.world.central_authors(&[draft(refund, Fact::RefundPaid(paid()))]);
    }
    assert_eq!(shop.at(Chart::Bkash.whole()), DUE.negated());
    assert_eq!(shop.codes(refund), [Code::RecordedTwice, Code::RecordedTwice]);
}

// "an inflight transaction can be voided more than once" https://github.com/blnkfinance/blnk/pull/43 closes issues/41
#[test]
fn blnk_43_what_was_held_is_given_back_once() {
    let mut shop = Shop::new();
    let earning = shop.prepaid_terms("P");
    for how in [1, 1, 2] {
        let released = EscrowReleased { cause: OpId([how; 32]), how };
        shop.world.central_authors(&[draft(earning, Fact::EscrowReleased(released))]);
    }
    assert_eq!(shop.rules(earning), [Rule::J19]);
    assert_eq!(shop.at(Chart::RefundsPayable.of_owner(Subject::customer(id_of("C")))), DUE.negated());
}

// "a rejected transaction is applied when its commit is sent" https://github.com/blnkfinance/blnk/issues/182
#[test]
fn blnk_182_a_payout_that_does_not_stand_cannot_be_confirmed() {
    let mut shop = Shop::new();
    let (payout, vendor) = (Subject::new(Kind::Payout, id_of("Y")), shop.party("v1"));
    let lines = vec![PayoutLine { earning: Subject::earning_of(payout), net: DUE }];
    let created = PayoutCreated { vendor, lines, total: DUE.plus(DUE) };
    let confirmed = PayoutConfirmed { bank: Subject::bank("b"), reference: "UTR 1".into() };
    shop.world.central_authors(&[draft(payout, Fact::PayoutCreated(created))]);
    shop.world.central_authors(&[draft(payout, Fact::PayoutConfirmed(confirmed))]);
    assert!(shop.rules(payout).is_empty());
    assert_eq!(shop.at(Chart::Settlement.of_owner(Subject::bank("b"))), Taka::ZERO);
}

/// A parcel that went out and came back to its vendor's door; he has not signed for it.
fn sent_back(shop: &mut Shop, name: &str) -> Subject {
    let parcel = shop.loaded(name);
    shop.writes("a7", parcel, Fact::Attempted(Attempted { reason: 5 }));
    shop.writes("s1", parcel, Fact::Received(Received { pieces: 1 }));
    shop.writes("s1", parcel, Fact::RtoInitiated(RtoInitiated { reason: 5 }));
    parcel
}

// "checks read the balance without what is in flight: overdrawn" https://github.com/blnkfinance/blnk/issues/181
#[test]
fn blnk_181_what_a_payout_has_in_flight_is_not_spent_again() {
    let mut shop = Shop::new();
    let vendor = shop.party("v1");
    let (available, owed) = (Chart::VendorAvailable.of_owner(vendor), Chart::VendorReceivable.of_owner(vendor));
    shop.world.central.store.balances.insert(available, Taka::whole(-1_000));
    let payout = Subject::new(Kind::Payout, id_of("Y"));
    let lines = vec![PayoutLine { earning: Subject::earning_of(payout), net: Taka::whole(1_000) }];
    let created = PayoutCreated { vendor, lines, total: Taka::whole(1_000) };
    shop.world.central_authors(&[draft(payout, Fact::PayoutCreated(created))]);
    // Not confirmed by the bank; and now a fee is to be taken from what the vendor has.
    let parcel = sent_back(&mut shop, "P");
    shop.writes("v1", parcel, Fact::ReturnReceived(ReturnReceived {}));
    assert_eq!(shop.rules(Subject::earning_of(parcel)), [Rule::J21]);
    assert_eq!((shop.at(available), shop.at(owed)), (Taka::ZERO, shop::RTO_FEE));
}

// "entries of one batch are each checked against the same stock" https://github.com/medusajs/medusa/issues/16502
#[test]
fn medusa_16502_two_of_one_batch_do_not_spend_the_same_balance() {
    let mut shop = Shop::new();
    let vendor = shop.party("v1");
    let (available, owed) = (Chart::VendorAvailable.of_owner(vendor), Chart::VendorReceivable.of_owner(vendor));
    shop.world.central.store.balances.insert(available, shop::RTO_FEE.negated());
    let parcels = ["P", "Q"].map(|name| sent_back(&mut shop, name));
    shop.offline("v1");
    parcels.iter().for_each(|parcel| shop.writes("v1", *parcel, Fact::ReturnReceived(ReturnReceived {})));
    shop.world.sync("v1");
    for parcel in parcels {
        assert_eq!(shop.rules(Subject::earning_of(parcel)), [Rule::J21]);
    }
    assert_eq!((shop.at(available), shop.at(owed)), (Taka::ZERO, shop::RTO_FEE), "one fee was there, one is owed");
}

// "captured twice at once; then a good order is refunded" https://github.com/medusajs/medusa/issues/13301
#[test]
fn medusa_13301_a_capture_that_is_told_twice_is_one_and_nothing_goes_back() {
    let mut shop = Shop::new();
    let order = Subject::new(Kind::Order, id_of("O"));
    let placed = OrderPlaced { customer: id_of("C"), parcels: Vec::new(), total: DUE, sealed: Vec::new() };
    let captured = |reference: &str| {
        draft(order, Fact::PaymentCaptured(PaymentCaptured { provider: 1, reference: reference.into(), amount: DUE }))
    };
    shop.world.central_authors(&[draft(order, Fact::OrderPlaced(placed))]);
    // Told by the provider and by the page, neither knowing of the other; and once more later.
    shop.world.central_authors(&[captured("9F12AB"), captured("9F12AB")]);
    shop.world.central_authors(&[captured("9F12AB")]);
    assert_eq!((shop.rules(order), shop.codes(order)), (vec![Rule::J2], vec![]));
    assert_eq!(shop.at(Chart::Escrow.of_owner(order)), DUE.negated());
    // A second payment is another matter: it is the customer's.
    shop.world.central_authors(&[captured("9F12AC")]);
    assert_eq!(shop.at(Chart::Escrow.of_owner(order)), DUE.negated());
    assert_eq!(shop.at(Chart::OverCollected.of_owner(order)), DUE.negated());
    assert_eq!(shop.codes(order), [Code::DuplicateMoney]);
}

// "splitting re-priced delivery: charged twice; refunded, still paid" https://github.com/spree/spree/pull/14622
#[test]
fn spree_14622_terms_stay_as_frozen_and_what_was_given_back_is_not_paid() {
    let mut shop = Shop::new();
    let earning = shop.prepaid_terms("P");
    let frozen = shop.terms_of(earning);
    let again = TermsFrozen { delivery: Taka::whole(120), ..shop.frozen("P") };
    shop.world.central_authors(&[draft(earning, Fact::TermsFrozen(again))]);
    assert_eq!(shop.terms_of(earning), frozen);
    let (released, cause) = (EscrowReleased { cause: OpId([1; 32]), how: 1 }, OpId([2; 32]));
    shop.world.central_authors(&[draft(earning, Fact::EscrowReleased(released))]);
    let distributed = protocol::fact::Distributed { cause };
    shop.world.central_authors(&[draft(earning, Fact::Distributed(distributed))]);
    let State::Earning(state) = shop.world.central.store.fold(earning).state else { panic!("an earning") };
    assert_eq!((state.word(), state.net), ("released", Taka::ZERO));
    assert_eq!(shop.at(Chart::VendorHeld.of_owner(shop.party("v1"))), Taka::ZERO);
}

// "the same top-up sent twice is charged twice" https://github.com/getlago/lago-api/issues/5870
#[test]
fn lago_5870_cash_that_is_entered_twice_is_taken_once() {
    let told = words::run(
        "pickup O1 k1 v1 P1 1250
         s1 receives P1
         s1 forwards P1 to k1
         k1 receives P1
         k1 shelves P1 A3
         k1 verifies P1
         k1 takes P1 1250 twice
         print P1
         books",
    );
    assert!(told.contains("collected 1,250.00") && told.contains("1120{k1} 1,250.00\n"), "{told}");
    assert!(!told.contains("J12") && !told.contains("duplicate_money"), "{told}");
}
