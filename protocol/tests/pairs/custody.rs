//! Pairs of facts about a parcel, and about cash that is handed in or counted at a till.

use protocol::account::Code as Chart;
use protocol::contest::Code;
use protocol::fact::{
    Accepted, CodeVerified, CounterPaid, CourierDelivered, CourierReturned, Delivered, Fact, HandInCounted,
    HandInOffered, HandedOver, HoldExpired, PaidAtDoor, ParcelCancelled, PartnerPaid, Received, Rejected,
    ReturnReceived, RtoInitiated, Shelved, TillClosed, TillOpened,
};
use protocol::id::{Incarnation, Subject};
use protocol::journal::Rule;

use crate::facts::Scene;
use crate::sets::{A7, A7_AGAIN, A8, CENTRAL, Cast, K1, K1_AGAIN, K2, S1, S1_AGAIN, V1};
use crate::{Row, row, taka};

fn delivered(evidence: u8, collected: i32) -> Fact {
    Fact::Delivered(Delivered { evidence, collected: Some(taka(collected)) })
}

fn shelved(shelf: &str) -> Fact {
    Fact::Shelved(Shelved { shelf: shelf.into() })
}

fn verified(token: u8) -> Fact {
    Fact::CodeVerified(CodeVerified { token: [token; 16] })
}

fn received() -> Fact {
    Fact::Received(Received { pieces: 1 })
}

pub(crate) fn of_parcels(cast: &Cast) -> Vec<Row> {
    let cash = |who| Chart::AgentCash.of_owner(cast.party(who));
    let paid = |amount| Fact::PartnerPaid(PartnerPaid { amount: taka(amount) });
    let counter = Fact::CounterPaid(CounterPaid { amount: taka(1_250) });
    let handed = || Fact::HandedOver(HandedOver {});
    let cancelled = || Fact::ParcelCancelled(ParcelCancelled { by: 1 });
    let expired = Fact::HoldExpired(HoldExpired {});
    let courier = Subject::bank("c");
    let owed = Chart::CourierReceivable.of_owner(courier);
    let by_courier = |amount| Fact::CourierDelivered(CourierDelivered { courier, collected: taka(amount), source: 1 });
    let back = || Fact::CourierReturned(CourierReturned { courier, source: 2 });
    let by_phone = |reference: &str, amount| {
        Fact::PaidAtDoor(PaidAtDoor { provider: 1, reference: reference.into(), amount: taka(amount) })
    };
    let given_for_nothing = || Fact::Delivered(Delivered { evidence: 3, collected: None });
    let (bkash, short) = (Chart::Bkash.whole(), Chart::Shortage.of_owner(cast.party(A7)));
    vec![
        Row {
            word: Some("delivered"),
            posts: &[Rule::J4],
            at: vec![(cash(A7), 1_250)],
            ..row(
                "R1 two windows of one person",
                Scene::Door,
                vec![(A7, delivered(3, 1_250), &[]), (A7_AGAIN, delivered(3, 1_250), &[])],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J4, Rule::J12],
            waits: &[Code::ContestedDelivery, Code::NotInCustody, Code::DuplicateMoney],
            at: vec![(cash(A7), 1_250), (cash(A8), 1_300)],
            ..row(
                "R2 at one rank of evidence, the agent of the run",
                Scene::Door,
                vec![(A8, delivered(2, 1_300), &[]), (A7, delivered(2, 1_250), &[])],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J14],
            at: vec![(owed, 1_250)],
            ..row("a courier delivers", Scene::Courier, vec![(CENTRAL, by_courier(1_250), &[])])
        },
        Row {
            word: Some("with_courier"),
            at: vec![(owed, 0)],
            ..row(
                "R21 a courier delivers, and takes it back",
                Scene::Courier,
                vec![(CENTRAL, by_courier(1_250), &[]), (CENTRAL, back(), &[0])],
            )
        },
        Row {
            word: Some("at_hub"),
            ..row(
                "R21 and the hub scans it in",
                Scene::Courier,
                vec![(CENTRAL, by_courier(1_250), &[]), (CENTRAL, back(), &[0]), (S1, received(), &[0, 1])],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J14],
            waits: &[Code::UnlistedPair],
            at: vec![(owed, 1_250)],
            ..row(
                "a courier delivers, and the hub scans it in, neither knowing of the other",
                Scene::Courier,
                vec![(CENTRAL, by_courier(1_250), &[]), (S1, received(), &[])],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J12, Rule::J24],
            waits: &[Code::DuplicateMoney],
            at: vec![(cash(A7), 1_250), (bkash, 1_250)],
            ..row(
                "R3 he takes the cash, and the customer has paid at a provider",
                Scene::Door,
                vec![(A7, delivered(3, 1_250), &[]), (CENTRAL, by_phone("TRX-1", 1_250), &[])],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J24],
            at: vec![(cash(A7), 0), (bkash, 1_250), (short, 0)],
            ..row(
                "R3 he was shown the phone and took nothing, and the provider's word comes after",
                Scene::Door,
                vec![(A7, delivered(3, 0), &[]), (CENTRAL, by_phone("TRX-1", 1_250), &[0])],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J4, Rule::J12],
            waits: &[Code::DuplicateMoney],
            at: vec![(cash(A7), 1_250), (bkash, 1_250)],
            ..row(
                "he took the cash, and then the customer pays at a provider",
                Scene::Door,
                vec![(A7, delivered(3, 1_250), &[]), (CENTRAL, by_phone("TRX-1", 1_250), &[0])],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J24],
            at: vec![(bkash, 1_250)],
            ..row(
                "one payment recorded twice",
                Scene::Door,
                vec![
                    (CENTRAL, by_phone("TRX-1", 1_250), &[]),
                    (CENTRAL, by_phone("TRX-1", 1_250), &[]),
                    (A7, given_for_nothing(), &[0]),
                ],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J12, Rule::J24],
            waits: &[Code::DuplicateMoney],
            at: vec![(bkash, 2_500)],
            ..row(
                "two payments at providers",
                Scene::Door,
                vec![
                    (CENTRAL, by_phone("TRX-1", 1_250), &[]),
                    (CENTRAL, by_phone("TRX-2", 1_250), &[0]),
                    (A7, given_for_nothing(), &[0, 1]),
                ],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J4, Rule::J12],
            waits: &[Code::CaptureDiffers],
            at: vec![(cash(A7), 1_250), (bkash, 1_000)],
            ..row(
                "less than the due at a provider pays for nothing",
                Scene::Door,
                vec![(CENTRAL, by_phone("TRX-1", 1_000), &[]), (A7, delivered(3, 1_250), &[0])],
            )
        },
        Row {
            word: Some("returned"),
            posts: &[Rule::J12],
            at: vec![(bkash, 1_250)],
            ..row(
                "paid at a provider, and the goods go back",
                Scene::Door,
                vec![
                    (CENTRAL, by_phone("TRX-1", 1_250), &[]),
                    (S1, received(), &[0]),
                    (S1, Fact::RtoInitiated(RtoInitiated { reason: 5 }), &[1]),
                    (V1, Fact::ReturnReceived(ReturnReceived {}), &[2]),
                ],
            )
        },
        Row {
            word: Some("at_hub"),
            posts: &[Rule::J4],
            waits: &[Code::BackAfterDelivery],
            at: vec![(cash(A7), 1_250)],
            ..row(
                "R5 a scan that knew of the delivery",
                Scene::Door,
                vec![(A7, delivered(3, 1_250), &[]), (S1, received(), &[0])],
            )
        },
        Row {
            word: Some("delivered"),
            posts: &[Rule::J4],
            waits: &[Code::UnlistedPair],
            at: vec![(cash(A7), 1_250)],
            ..row(
                "a scan and a delivery, neither knowing of the other",
                Scene::Door,
                vec![(A7, delivered(3, 1_250), &[]), (S1, received(), &[])],
            )
        },
        Row {
            word: Some("cancelled"),
            ..row(
                "R8 the vendor refused what was called off",
                Scene::Vendor,
                vec![(V1, Fact::Rejected(Rejected { reason: 1 }), &[]), (CENTRAL, cancelled(), &[])],
            )
        },
        Row {
            waits: &[Code::UnlistedPair],
            ..row(
                "the vendor takes it on and refuses it",
                Scene::Vendor,
                vec![(V1, Fact::Accepted(Accepted {}), &[]), (V1, Fact::Rejected(Rejected { reason: 1 }), &[])],
            )
        },
        Row {
            word: Some("shelved"),
            ..row(
                "two clerks of one site shelve it",
                Scene::Counter,
                vec![(K1, shelved("B"), &[]), (K1_AGAIN, shelved("C"), &[])],
            )
        },
        Row {
            word: Some("collected"),
            posts: &[Rule::J4p],
            at: vec![(Chart::Till.of_owner(cast.party(K1)), 1_250)],
            ..row(
                "handed over while a second clerk ends the hold",
                Scene::Counter,
                vec![(K1, verified(7), &[]), (K1, counter, &[0]), (K1, handed(), &[0, 1]), (K1_AGAIN, expired, &[])],
            )
        },
        Row {
            waits: &[Code::UnlistedPair],
            ..row("scans of two sites", Scene::Counter, vec![(K1, shelved("B"), &[]), (S1, received(), &[])])
        },
        Row {
            word: Some("collected"),
            posts: &[Rule::J11c],
            waits: &[Code::CodeMismatch, Code::UnverifiedHandover],
            at: vec![(Chart::Shortage.of_owner(cast.party(K1)), 1_250)],
            ..row(
                "handed over on a code that is not its own",
                Scene::Counter,
                vec![(K1, verified(8), &[]), (K1, handed(), &[0])],
            )
        },
        Row {
            word: Some("shelved"),
            posts: &[Rule::J11],
            at: vec![(Chart::PartnerReceivable.of_owner(cast.party(K2)), 1_300)],
            ..row("R13 a partner takes more than due", Scene::Partner, vec![(K2, paid(1_300), &[])])
        },
        Row {
            word: Some("shelved"),
            posts: &[Rule::J11a],
            at: vec![
                (Chart::PartnerReceivable.of_owner(cast.party(K2)), 1_200),
                (Chart::Shortage.of_owner(cast.party(K2)), 50),
            ],
            ..row("R12 a partner takes less than due", Scene::Partner, vec![(K2, paid(1_200), &[])])
        },
        Row {
            word: Some("shelved"),
            posts: &[Rule::J12, Rule::J36],
            waits: &[Code::DuplicateMoney],
            at: vec![(Chart::PartnerReceivable.of_owner(cast.party(K2)), 2_500)],
            ..row("a partner takes it again", Scene::Partner, vec![(K2, paid(1_250), &[]), (K2, paid(1_250), &[0])])
        },
    ]
}

pub(crate) fn of_tills(cast: &Cast) -> Vec<Row> {
    let offered = |amount| {
        let (site, inc) = (cast.party(S1), Incarnation(*b"life"));
        Fact::HandInOffered(HandInOffered { site, amount: taka(amount), inc, upto: 1 })
    };
    let counted = |amount| {
        let (agent, denominations) = (cast.party(A7), Vec::new());
        Fact::HandInCounted(HandInCounted { agent, counted: taka(amount), denominations })
    };
    let opened = || Fact::TillOpened(TillOpened { float: taka(1_000) });
    let closed = |counted| {
        let (expected, denominations) = (taka(1_000), Vec::new());
        Fact::TillClosed(TillClosed { z: 1, expected, counted: taka(counted), denominations })
    };
    let till = Chart::Till.of_owner(cast.party(S1));
    let short = Chart::Shortage.of_owner(cast.party(S1));
    vec![
        Row {
            word: Some("offered"),
            waits: &[Code::UnlistedPair],
            ..row(
                "a second offer that knew the first",
                Scene::HandIn,
                vec![(A7, offered(1_250), &[]), (A7, offered(1_300), &[0])],
            )
        },
        Row {
            word: Some("offered"),
            waits: &[Code::DoubleTapDiffers],
            ..row(
                "R1 an offer tapped twice with two amounts",
                Scene::HandIn,
                vec![(A7, offered(1_250), &[]), (A7, offered(1_300), &[])],
            )
        },
        Row {
            word: Some("counted"),
            posts: &[Rule::J8],
            waits: &[Code::SecondCount],
            at: vec![(till, 1_250), (Chart::AgentCash.of_owner(cast.party(A7)), -1_250)],
            ..row(
                "R17 two clerks count one after the other",
                Scene::HandIn,
                vec![(A7, offered(1_250), &[]), (S1, counted(1_250), &[0]), (S1_AGAIN, counted(1_200), &[0, 1])],
            )
        },
        Row {
            word: Some("short"),
            posts: &[Rule::J27a],
            waits: &[Code::DoubleTapDiffers],
            at: vec![(till, -100), (short, 100)],
            ..row(
                "R1 a close tapped twice: the smaller count stands",
                Scene::Shift,
                vec![(S1, opened(), &[]), (S1, closed(1_000), &[0]), (S1, closed(900), &[0])],
            )
        },
        Row {
            word: Some("closed"),
            waits: &[Code::UnlistedPair],
            ..row(
                "a shift that another site closes",
                Scene::Shift,
                vec![(S1, opened(), &[]), (K1, closed(1_000), &[0])],
            )
        },
        Row {
            word: Some("open"),
            waits: &[Code::RecordedTwice],
            ..row("a shift opened by two clerks", Scene::Shift, vec![(S1, opened(), &[]), (S1_AGAIN, opened(), &[])])
        },
        Row {
            word: Some("short"),
            posts: &[Rule::J27a],
            waits: &[Code::RecordedTwice],
            at: vec![(short, 100)],
            ..row(
                "R18 a close after the close",
                Scene::Shift,
                vec![(S1, opened(), &[]), (S1, closed(900), &[0]), (S1_AGAIN, closed(1_000), &[0, 1])],
            )
        },
    ]
}
