//! What the simulator of money found in custody, as small as it gets.

use protocol::contest::Code;
use protocol::fact::{Delivered, Fact, Forwarded, ParcelCancelled, ParcelCreated, PickupChosen, Received};
use protocol::fold::{State, fold};
use protocol::history::{History, Seen};
use protocol::id::{Author, Id16, Kind, OpId, Scope, Subject};
use protocol::seat::Role;
use protocol::taka::Taka;

fn seen(n: u8, role: Role, party: Scope, after: &[u8], fact: Fact) -> Seen {
    let (id, author) = (OpId([n; 32]), Author([n; 8]));
    let after = after.iter().map(|n| OpId([*n; 32]).short()).collect();
    Seen {
        id,
        author,
        person: Id16([party.0[1]; 16]),
        party,
        role,
        time_ms: 1,
        after,
        fact: Some(fact),
        doubted: false,
    }
}

/// Hub and point each scanned the parcel in and sent it to the other, before either had heard of the other. Each scan
/// overtakes the other side's claims: the parcel is in a van all the same, and somebody has to look (seed 92 of
/// `./dev sim --money`).
#[test]
fn two_sites_that_send_it_to_each_other_wait_for_a_person() {
    let subject = |kind, n| Subject::new(kind, Id16([n; 16]));
    let (hub, point, vendor) = (subject(Kind::Site, 1), subject(Kind::Site, 3), subject(Kind::Vendor, 4));
    let (parcel, order) = (subject(Kind::Parcel, 9), subject(Kind::Order, 8));
    let created = ParcelCreated { order, vendor, site: hub, due: Taka::ZERO, lines: Vec::new(), sealed: Vec::new() };
    let tenant = Subject::tenant();
    let facts = vec![
        seen(1, Role::Central, tenant, &[], Fact::ParcelCreated(created)),
        seen(2, Role::Central, tenant, &[], Fact::PickupChosen(PickupChosen { point, lock: [0; 16], hold_days: 7 })),
        seen(3, Role::Central, tenant, &[1, 2], Fact::ParcelCancelled(ParcelCancelled { by: 1 })),
        seen(4, Role::Site, hub, &[1, 2], Fact::Received(Received { pieces: 1 })),
        seen(5, Role::Site, hub, &[4], Fact::Forwarded(Forwarded { to: point })),
        seen(6, Role::Site, point, &[3], Fact::Received(Received { pieces: 1 })),
        seen(7, Role::Site, point, &[6], Fact::Forwarded(Forwarded { to: hub })),
    ];
    let State::Parcel(state) = fold(parcel, &History::new(facts)).state else { panic!("a parcel") };
    assert_eq!((state.status.word(), state.stop_requested), ("in_transit", true));
    assert!(state.custodian == Some(hub) || state.custodian == Some(point), "{:?}", state.custodian);
    let codes: Vec<Code> = state.contests.iter().map(|contest| contest.code).collect();
    assert!(!state.is_settled() && codes.contains(&Code::UnlistedPair), "{codes:?}");
}

/// A point scanned a van in at one window and sent the parcel back; it comes a second time, and a window that heard of the
/// first van only, or of nothing, scans it. That may be the first arrival once more or the second one: the second van does not
/// vanish, and somebody looks. A window that knows that it went back is right about the second van.
#[test]
fn a_scan_that_may_be_of_an_earlier_van_does_not_overtake_a_later_one() {
    let subject = |kind, n| Subject::new(kind, Id16([n; 16]));
    let (hub, point, vendor) = (subject(Kind::Site, 1), subject(Kind::Site, 3), subject(Kind::Vendor, 4));
    let created = ParcelCreated {
        order: subject(Kind::Order, 8),
        vendor,
        site: hub,
        due: Taka::ZERO,
        lines: Vec::new(),
        sealed: Vec::new(),
    };
    let tenant = Subject::tenant();
    let received = || Fact::Received(Received { pieces: 1 });
    let way = |scan_knows: &[u8]| {
        let facts = vec![
            seen(1, Role::Central, tenant, &[], Fact::ParcelCreated(created.clone())),
            seen(
                2,
                Role::Central,
                tenant,
                &[],
                Fact::PickupChosen(PickupChosen { point, lock: [0; 16], hold_days: 7 }),
            ),
            seen(3, Role::Site, hub, &[1, 2], received()),
            seen(4, Role::Site, hub, &[3], Fact::Forwarded(Forwarded { to: point })),
            seen(5, Role::Site, point, &[4], received()),
            seen(6, Role::Site, point, &[5], Fact::Forwarded(Forwarded { to: hub })),
            seen(7, Role::Site, hub, &[6], received()),
            seen(8, Role::Site, hub, &[7], Fact::Forwarded(Forwarded { to: point })),
            // Another clerk of the point, so that it is no second tap of the first scan.
            Seen { person: Id16([0x77; 16]), ..seen(9, Role::Site, point, scan_knows, received()) },
        ];
        let State::Parcel(state) = fold(subject(Kind::Parcel, 9), &History::new(facts)).state else {
            panic!("a parcel")
        };
        (state.status.word(), state.is_settled(), state.custodian)
    };
    assert_eq!(way(&[6]), ("at_point", true, Some(point)));
    for knows in [&[2u8][..], &[4], &[5]] {
        assert!(!way(knows).1, "{knows:?}: {:?}", way(knows));
    }
}

/// Two windows scanned a parcel in, one of which had heard of the van: both scans are of that van. The parcel went back from
/// the first window and came on a second van, and the other window does not hide it (seed 609 of `./dev sim --money`).
#[test]
fn a_scan_at_another_window_does_not_hide_a_second_van() {
    let subject = |kind, n| Subject::new(kind, Id16([n; 16]));
    let (hub, point, vendor) = (subject(Kind::Site, 1), subject(Kind::Site, 3), subject(Kind::Vendor, 4));
    let created = ParcelCreated {
        order: subject(Kind::Order, 8),
        vendor,
        site: hub,
        due: Taka::ZERO,
        lines: Vec::new(),
        sealed: Vec::new(),
    };
    let tenant = Subject::tenant();
    let received = || Fact::Received(Received { pieces: 1 });
    // One clerk at two windows, or two clerks.
    let way = |person: u8, goes_on: bool| {
        let mut facts = vec![
            seen(1, Role::Central, tenant, &[], Fact::ParcelCreated(created.clone())),
            seen(
                2,
                Role::Central,
                tenant,
                &[],
                Fact::PickupChosen(PickupChosen { point, lock: [0; 16], hold_days: 7 }),
            ),
            seen(5, Role::Site, hub, &[1, 2], received()),
            seen(6, Role::Site, hub, &[5], Fact::Forwarded(Forwarded { to: point })),
            // Of one clerk the smaller id stands for both scans, and knows of nothing.
            Seen { person: Id16([person; 16]), ..seen(3, Role::Site, point, &[1, 2], received()) },
            seen(7, Role::Site, point, &[6], received()),
        ];
        if goes_on {
            facts.extend([
                seen(8, Role::Site, point, &[7], Fact::Forwarded(Forwarded { to: hub })),
                seen(9, Role::Site, hub, &[6], received()),
                seen(10, Role::Site, hub, &[9], Fact::Forwarded(Forwarded { to: point })),
            ]);
        }
        let State::Parcel(state) = fold(subject(Kind::Parcel, 9), &History::new(facts)).state else {
            panic!("a parcel")
        };
        (state.status.word(), state.is_settled(), state.custodian)
    };
    let same = point.0[1];
    for person in [same, 0x77] {
        assert_eq!(way(person, false), ("at_point", true, Some(point)));
        assert!(!way(person, true).1, "{:?}", way(person, true));
    }
}

/// One agent's device can send as many facts as it likes: what a fold costs must not grow with their cube (it took 40
/// seconds of central's lock once; now it is hundredths of one).
#[test]
fn a_parcel_of_two_thousand_deliveries_folds() {
    let subject = |kind, n| Subject::new(kind, Id16([n; 16]));
    let (hub, vendor, agent) = (subject(Kind::Site, 1), subject(Kind::Vendor, 4), subject(Kind::Agent, 5));
    let created = ParcelCreated {
        order: subject(Kind::Order, 8),
        vendor,
        site: hub,
        due: Taka::whole(1_250),
        lines: Vec::new(),
        sealed: Vec::new(),
    };
    let id = |n: usize| {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        OpId(id)
    };
    let mut facts =
        vec![Seen { id: id(0), ..seen(1, Role::Central, Subject::tenant(), &[], Fact::ParcelCreated(created)) }];
    for n in 1..2_048 {
        let delivered = Fact::Delivered(Delivered { evidence: 1, collected: Some(Taka::whole(1_250)) });
        facts.push(Seen { id: id(n), after: vec![id(n - 1).short()], ..seen(5, Role::Agent, agent, &[], delivered) });
    }
    let State::Parcel(state) = fold(subject(Kind::Parcel, 9), &History::new(facts)).state else { panic!("a parcel") };
    let full = state.contests.iter().filter(|contest| contest.code == Code::SubjectFull).count();
    assert_eq!((state.status.word(), full), ("delivered", 1));
}
