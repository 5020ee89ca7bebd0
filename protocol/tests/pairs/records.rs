//! Pairs of facts that central records: at the bank, on an order, on an earning.

use protocol::account::Code as Chart;
use protocol::contest::Code;
use protocol::fact::{
    BagIn, BagSealed, CreditSpent, DepositConfirmed, Deposited, Distributed, EarningHeld, EscrowReleased, Fact,
    LineBooked, LineIdentified, Matured, OrderPlaced, PartnerRemitted, PaymentCaptured, PayoutConfirmed, PayoutCreated,
    PayoutLine, RefundPaid, Ruled, Swept, TermsFrozen,
};
use protocol::id::{Id16, Kind, OpId, Subject};
use protocol::journal::Rule;
use protocol::taka::Taka;

use crate::facts::Scene;
use crate::people::id_of;
use crate::sets::{A7, CENTRAL, Cast, K2, S1, V1};
use crate::{Row, row, taka};

pub(crate) fn of_records(cast: &Cast) -> Vec<Row> {
    let (site, bank, reference) = (cast.party(S1), Subject::bank("b"), || "line".to_owned());
    let bag = |n: u8| BagIn { bag: Subject::new(Kind::Bag, Id16([n; 16])), site, amount: taka(500) };
    let deposited = |bags| Fact::Deposited(Deposited { bank, slip: "7".into(), bags });
    let confirmed =
        |credited| Fact::DepositConfirmed(DepositConfirmed { reference: reference(), credited: taka(credited) });
    let sealed = |amount| Fact::BagSealed(BagSealed { site, seal: "S".into(), amount: taka(amount) });
    let lines = || vec![PayoutLine { earning: Subject::new(Kind::Earning, id_of("E")), net: taka(1_000) }];
    let created = |total| {
        let (vendor, lines, total) = (cast.party(V1), lines(), taka(total));
        Fact::PayoutCreated(PayoutCreated { vendor, lines, total })
    };
    let sent = || Fact::PayoutConfirmed(PayoutConfirmed { bank, reference: reference() });
    let swept = |amount| {
        Fact::Swept(Swept { from: bank, to: Subject::bank("c"), amount: taka(amount), reference: reference() })
    };
    let remitted = |net| {
        let (site, net, commission) = (cast.party(K2), taka(net), taka(15));
        Fact::PartnerRemitted(PartnerRemitted { site, bank, net, commission, reference: reference() })
    };
    let refunded = |amount| {
        let (customer, amount) = (Subject::customer(id_of("C")), taka(amount));
        Fact::RefundPaid(RefundPaid { customer, amount, provider: 1, reference: reference() })
    };
    let booked = |amount| {
        let (amount, what) = (taka(amount), LineBooked::CREDIT);
        Fact::LineBooked(LineBooked { bank, side: 1, amount, what, reference: reference() })
    };
    let identified = || Fact::LineIdentified(LineIdentified { subject: cast.party(K2) });
    let ruled = |how, amount| {
        let (cause, owner, other) = (OpId([1; 32]), cast.party(A7), Some(site));
        let (amount, reason, maker) = (taka(amount), reference(), id_of("maker"));
        Fact::Ruled(Ruled { how, cause, owner, other, amount, reason, maker, checker: None })
    };
    let placed = || {
        let (customer, total) = (id_of("C"), taka(1_250));
        Fact::OrderPlaced(OrderPlaced { customer, parcels: Vec::new(), total, sealed: Vec::new() })
    };
    let captured = |reference: &str, amount| {
        let (reference, amount) = (reference.to_owned(), taka(amount));
        Fact::PaymentCaptured(PaymentCaptured { provider: 1, reference, amount })
    };
    let customer = Subject::customer(id_of("B"));
    let spent = |amount| Fact::CreditSpent(CreditSpent { customer, amount: taka(amount) });
    let twice = |rule, scene, one: Fact, other: Fact, posts, account, amount| Row {
        posts,
        waits: &[Code::RecordedTwice],
        at: vec![(account, amount)],
        ..row(rule, scene, vec![(CENTRAL, one, &[]), (CENTRAL, other, &[0])])
    };
    let (settled, escrow) =
        (Chart::Settlement.of_owner(bank), |name| Chart::Escrow.of_owner(Subject::new(Kind::Order, id_of(name))));
    vec![
        twice("a bag", Scene::Bag, sealed(1_000), sealed(500), &[Rule::J13], Chart::Till.of_owner(site), -1_000),
        twice("a sweep", Scene::Sweep, swept(1_000), swept(500), &[Rule::J18], settled, -1_000),
        twice("a remittance", Scene::Remittance, remitted(1_000), remitted(500), &[Rule::J36a], settled, 1_000),
        twice("a refund", Scene::Refund, refunded(1_000), refunded(500), &[Rule::J19a], Chart::Bkash.whole(), -1_000),
        twice("a line", Scene::Line, booked(1_000), booked(500), &[Rule::J29], settled, 1_000),
        twice(
            "a payout",
            Scene::Payout,
            created(1_000),
            created(500),
            &[Rule::J17],
            Chart::VendorAvailable.of_owner(cast.party(V1)),
            1_000,
        ),
        twice("a ruling", Scene::Ruling, ruled(1, 100), ruled(4, 50), &[Rule::J9b], Chart::Till.of_owner(site), 100),
        twice(
            "a deposit without a word of the bank",
            Scene::Deposit,
            deposited(vec![bag(1)]),
            deposited(vec![bag(2)]),
            &[],
            settled,
            0,
        ),
        Row {
            word: Some("confirmed"),
            posts: &[Rule::J17, Rule::J17a],
            waits: &[Code::RecordedTwice],
            at: vec![(settled, -1_000)],
            ..row(
                "a payout that the bank sent twice",
                Scene::Payout,
                vec![(CENTRAL, created(1_000), &[]), (CENTRAL, sent(), &[0]), (CENTRAL, sent(), &[0, 1])],
            )
        },
        Row {
            word: Some("short"),
            posts: &[Rule::J13b],
            waits: &[Code::RecordedTwice],
            at: vec![(settled, 900), (Chart::Shortage.of_owner(site), 100)],
            ..row(
                "R19 two confirmations of one deposit",
                Scene::Deposit,
                vec![
                    (CENTRAL, deposited(vec![bag(1), bag(2)]), &[]),
                    (CENTRAL, confirmed(900), &[0]),
                    (CENTRAL, confirmed(1_000), &[0, 1]),
                ],
            )
        },
        Row {
            waits: &[Code::RecordedTwice],
            at: vec![(settled, 0)],
            ..row(
                "a deposit that names one bag twice",
                Scene::Deposit,
                vec![(CENTRAL, deposited(vec![bag(1), bag(1)]), &[]), (CENTRAL, confirmed(1_000), &[0])],
            )
        },
        Row {
            word: Some("identified"),
            waits: &[Code::RecordedTwice],
            at: vec![(settled, 0)],
            ..row(
                "R20 a credit that is identified twice",
                Scene::Line,
                vec![(CENTRAL, booked(1_000), &[]), (CENTRAL, identified(), &[0]), (CENTRAL, identified(), &[0, 1])],
            )
        },
        Row {
            posts: &[Rule::J2],
            waits: &[Code::CaptureDiffers],
            at: vec![(escrow("paid ahead, another amount"), -1_200)],
            ..row(
                "paid ahead, another amount",
                Scene::Order,
                vec![(CENTRAL, placed(), &[]), (CENTRAL, captured("9F12AB", 1_200), &[0])],
            )
        },
        Row {
            posts: &[Rule::J2, Rule::J12],
            waits: &[Code::DuplicateMoney],
            at: vec![(Chart::Bkash.whole(), 2_500), (escrow("paid ahead twice"), -1_250)],
            ..row(
                "paid ahead twice",
                Scene::Order,
                vec![
                    (CENTRAL, placed(), &[]),
                    (CENTRAL, captured("9F12AB", 1_250), &[0]),
                    (CENTRAL, captured("9F12AC", 1_250), &[0, 1]),
                    (CENTRAL, captured("9F12AB", 1_250), &[0]),
                ],
            )
        },
        Row {
            posts: &[Rule::J12, Rule::J30a],
            waits: &[Code::DuplicateMoney],
            at: vec![
                (Chart::StoreCredit.of_owner(customer), 1_250),
                (Chart::Bkash.whole(), 1_250),
                (escrow("paid ahead with credit, and again"), -1_250),
            ],
            ..row(
                "paid ahead with credit, and again",
                Scene::Order,
                vec![
                    (CENTRAL, placed(), &[]),
                    (CENTRAL, spent(1_250), &[0]),
                    (CENTRAL, captured("9F12AC", 1_250), &[0, 1]),
                    // Central says so once of one customer's credit.
                    (CENTRAL, spent(1_250), &[0]),
                ],
            )
        },
    ]
}

/// Frozen terms of P of O, in whole taka: of goods at 1,000 the vendor gets 879; a return costs 57.
pub(crate) fn terms(cast: &Cast, prepaid: bool, goods: i32) -> Fact {
    Fact::TermsFrozen(TermsFrozen {
        parcel: Subject::new(Kind::Parcel, id_of("P")),
        vendor: cast.party(V1),
        order: Subject::new(Kind::Order, id_of("O")),
        customer: Subject::customer(id_of("C")),
        prepaid,
        goods: taka(goods),
        delivery: taka(60),
        delivery_vat: taka(9),
        rounding: Taka::ZERO,
        commission: taka(100),
        cod_fee: taka(10),
        vendor_vat: taka(11),
        rto_fee: taka(50),
        rto_vat: taka(7),
        window_min: 0,
    })
}

pub(crate) fn of_earnings(cast: &Cast) -> Vec<Row> {
    let parcel = Subject::new(Kind::Parcel, id_of("P"));
    let (order, customer) = (Subject::new(Kind::Order, id_of("O")), Subject::customer(id_of("C")));
    let terms = |prepaid, goods| terms(cast, prepaid, goods);
    let distributed = |cause: u8| Fact::Distributed(Distributed { cause: OpId([cause; 32]) });
    let released = || Fact::EscrowReleased(EscrowReleased { cause: OpId([3; 32]), how: 1 });
    let held = |code: Code| Fact::EarningHeld(EarningHeld { cause: OpId([4; 32]), code: code as u16 });
    let matured = |net| Fact::Matured(Matured { cause: OpId([5; 32]), net: taka(net) });
    let (vendor_held, available) =
        (Chart::VendorHeld.of_owner(cast.party(V1)), Chart::VendorAvailable.of_owner(cast.party(V1)));
    vec![
        Row {
            word: Some("distributed"),
            posts: &[Rule::J5, Rule::J7],
            at: vec![(Chart::Clearing.of_owner(parcel), 1_069), (vendor_held, -879)],
            ..row(
                "R36 terms are those of the placement",
                Scene::Earning,
                vec![
                    (CENTRAL, terms(false, 1_000), &[]),
                    (CENTRAL, terms(false, 900), &[0]),
                    (CENTRAL, distributed(1), &[0, 1]),
                    (CENTRAL, distributed(2), &[0, 1, 2]),
                ],
            )
        },
        Row {
            word: Some("distributed"),
            posts: &[Rule::J6, Rule::J7],
            at: vec![(Chart::Escrow.of_owner(order), 1_069), (Chart::RefundsPayable.of_owner(customer), 0)],
            ..row(
                "paid ahead and distributed, then called off",
                Scene::Earning,
                vec![
                    (CENTRAL, terms(true, 1_000), &[]),
                    (CENTRAL, distributed(1), &[0]),
                    (CENTRAL, released(), &[0, 1]),
                ],
            )
        },
        Row {
            word: Some("held"),
            posts: &[Rule::J19],
            waits: &[Code::GoodsAndMoney],
            at: vec![(Chart::RefundsPayable.of_owner(customer), -1_069), (vendor_held, 0)],
            ..row(
                "R7 released, and the goods given",
                Scene::Earning,
                vec![
                    (CENTRAL, terms(true, 1_000), &[]),
                    (CENTRAL, released(), &[0]),
                    (CENTRAL, held(Code::GoodsAndMoney), &[0, 1]),
                ],
            )
        },
        Row {
            word: Some("held"),
            posts: &[Rule::J5, Rule::J7],
            at: vec![(vendor_held, -879)],
            ..row(
                "held after it was distributed",
                Scene::Earning,
                vec![
                    (CENTRAL, terms(false, 1_000), &[]),
                    (CENTRAL, distributed(1), &[0]),
                    (CENTRAL, held(Code::ContestedDelivery), &[0, 1]),
                ],
            )
        },
        Row {
            word: Some("distributed"),
            posts: &[Rule::J5, Rule::J7],
            at: vec![(vendor_held, -879)],
            ..row(
                "held, and then released from it",
                Scene::Earning,
                vec![
                    (CENTRAL, terms(false, 1_000), &[]),
                    (CENTRAL, held(Code::ContestedDelivery), &[0]),
                    (CENTRAL, distributed(1), &[0, 1]),
                ],
            )
        },
        Row {
            word: Some("matured"),
            posts: &[Rule::J5, Rule::J7, Rule::J16],
            at: vec![(vendor_held, 0), (available, -879)],
            ..row(
                "matured twice",
                Scene::Earning,
                vec![
                    (CENTRAL, terms(false, 1_000), &[]),
                    (CENTRAL, distributed(1), &[0]),
                    (CENTRAL, matured(879), &[0, 1]),
                    (CENTRAL, matured(879), &[0, 1, 2]),
                ],
            )
        },
        Row {
            word: Some("distributed"),
            posts: &[Rule::J5, Rule::J7],
            at: vec![(vendor_held, -879), (available, 0)],
            ..row(
                "matured with another amount than was distributed",
                Scene::Earning,
                vec![
                    (CENTRAL, terms(false, 1_000), &[]),
                    (CENTRAL, distributed(1), &[0]),
                    (CENTRAL, matured(1_000), &[0, 1]),
                ],
            )
        },
    ]
}
