//! What the simulator of money found in custody, as small as it gets.

use protocol::blob::BlobId;
use protocol::contest::Code;
use protocol::fact::{
    Cleared, Consigned, CourierReturned, Delivered, Dispatched, Fact, Forwarded, HoldExpired, Loaded, ParcelCancelled,
    ParcelCreated, PickupChosen, Proof, Received, RecordVoided, Shelved,
};
use protocol::fold::{State, fold};
use protocol::history::{History, Seen};
use protocol::id::{Author, Id16, Kind, OpId, Scope, Subject};
use protocol::parcel::Parcel;
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

/// Who carries the parcel of these tests.
struct Road {
    hub: Scope,
    point: Scope,
    agent: Scope,
    courier: Scope,
}

impl Road {
    fn new() -> Self {
        let subject = |kind, n| Subject::new(kind, Id16([n; 16]));
        Self {
            hub: subject(Kind::Site, 1),
            point: subject(Kind::Site, 3),
            agent: subject(Kind::Agent, 5),
            courier: Subject::bank("courier"),
        }
    }

    /// Facts 1 and 2: it is made, and is to be fetched at the point.
    fn begun(&self) -> Vec<Seen> {
        let subject = |kind, n| Subject::new(kind, Id16([n; 16]));
        let created = ParcelCreated {
            order: subject(Kind::Order, 8),
            vendor: subject(Kind::Vendor, 4),
            site: self.hub,
            due: Taka::ZERO,
            lines: Vec::new(),
            sealed: Vec::new(),
        };
        let chosen = PickupChosen { point: self.point, lock: [0; 16], hold_days: 7 };
        let tenant = Subject::tenant();
        vec![
            seen(1, Role::Central, tenant, &[], Fact::ParcelCreated(created)),
            seen(2, Role::Central, tenant, &[], Fact::PickupChosen(chosen)),
        ]
    }

    fn scan(&self, n: u8, site: Scope, after: &[u8]) -> Seen {
        seen(n, Role::Site, site, after, Fact::Received(Received { pieces: 1 }))
    }

    fn send(&self, n: u8, from: Scope, to: Scope, after: &[u8]) -> Seen {
        seen(n, Role::Site, from, after, Fact::Forwarded(Forwarded { to }))
    }

    fn load(&self, n: u8, after: &[u8]) -> Seen {
        seen(n, Role::Agent, self.agent, after, Fact::Loaded(Loaded {}))
    }

    fn end(&self, facts: Vec<Seen>) -> Parcel {
        let facts = self.begun().into_iter().chain(facts).collect();
        let parcel = Subject::new(Kind::Parcel, Id16([9; 16]));
        let State::Parcel(state) = fold(parcel, &History::new(facts)).state else { panic!("a parcel") };
        *state
    }
}

/// The same by another clerk: no second tap of one act.
fn colleague(seen: Seen) -> Seen {
    Seen { person: Id16([0x77; 16]), ..seen }
}

fn place(state: &Parcel) -> (&'static str, bool, Option<Scope>) {
    (state.status.word(), state.is_settled(), state.custodian)
}

/// Hub and point each scanned the parcel in and sent it to the other, before either had heard of the other. Each scan
/// would overtake the other side's claims: the parcel is in a van all the same, and somebody has to look (seed 92 of
/// `./dev sim --money`).
#[test]
fn two_sites_that_send_it_to_each_other_wait_for_a_person() {
    let road = Road::new();
    let (hub, point) = (road.hub, road.point);
    let state = road.end(vec![
        seen(3, Role::Central, Subject::tenant(), &[1, 2], Fact::ParcelCancelled(ParcelCancelled { by: 1 })),
        road.scan(4, hub, &[1, 2]),
        road.send(5, hub, point, &[4]),
        road.scan(6, point, &[3]),
        road.send(7, point, hub, &[6]),
    ]);
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
    let road = Road::new();
    let (hub, point) = (road.hub, road.point);
    let way = |scan_knows: &[u8]| {
        road.end(vec![
            road.scan(3, hub, &[1, 2]),
            road.send(4, hub, point, &[3]),
            road.scan(5, point, &[4]),
            road.send(6, point, hub, &[5]),
            road.scan(7, hub, &[6]),
            road.send(8, hub, point, &[7]),
            colleague(road.scan(9, point, scan_knows)),
        ])
    };
    assert_eq!(place(&way(&[6])), ("at_point", true, Some(point)));
    for knows in [&[2u8][..], &[4], &[5]] {
        assert!(!way(knows).is_settled(), "{knows:?}: {:?}", place(&way(knows)));
    }
}

/// The hub sent it, had it back without a scan at the point, and sent it again. A scan there that has heard of neither van is
/// of one of them: the second van does not vanish.
#[test]
fn a_scan_that_heard_of_neither_of_two_vans_does_not_overtake_the_later_one() {
    let road = Road::new();
    let (hub, point) = (road.hub, road.point);
    let way = |again: bool| {
        let mut facts = vec![road.scan(3, hub, &[1, 2]), road.send(4, hub, point, &[3]), road.scan(7, point, &[1, 2])];
        if again {
            facts.extend([colleague(road.scan(5, hub, &[4])), road.send(6, hub, point, &[5])]);
        }
        road.end(facts)
    };
    assert_eq!(place(&way(false)), ("at_point", true, Some(point)));
    assert!(!way(true).is_settled(), "{:?}", place(&way(true)));
}

/// Two windows of the hub sent a parcel to the point, neither knowing of the other, and the point scanned it in and had heard of
/// neither: it came by one of the vans, and the other one may be on its way with it by now (seed 561 of `./dev sim --money`).
#[test]
fn a_scan_that_heard_of_neither_of_two_windows_overtakes_none_of_their_vans() {
    let road = Road::new();
    let (hub, point) = (road.hub, road.point);
    let way = |twice: bool| {
        let mut facts = vec![
            road.scan(3, hub, &[1, 2]),
            road.send(4, hub, point, &[3]),
            road.scan(5, point, &[4]),
            road.send(6, point, hub, &[5]),
            road.scan(7, hub, &[4]),
            road.send(8, hub, point, &[7]),
            road.scan(11, point, &[6]),
        ];
        if twice {
            facts.extend([colleague(road.scan(9, hub, &[4])), colleague(road.send(10, hub, point, &[9]))]);
        }
        road.end(facts)
    };
    assert_eq!(place(&way(false)), ("at_point", true, Some(point)));
    assert!(!way(true).is_settled(), "{:?}", place(&way(true)));
}

/// Two windows scanned a parcel in, one of which had heard of the van: both scans are of that van. The parcel went back from
/// the first window and came on a second van, and the other window does not hide it (seed 609 of `./dev sim --money`).
#[test]
fn a_scan_at_another_window_does_not_hide_a_second_van() {
    let road = Road::new();
    let (hub, point) = (road.hub, road.point);
    // One clerk at two windows, or two clerks.
    let way = |person: u8, goes_on: bool| {
        let mut facts = vec![
            road.scan(5, hub, &[1, 2]),
            road.send(6, hub, point, &[5]),
            // Of one clerk the smaller id stands for both scans, and knows of nothing.
            Seen { person: Id16([person; 16]), ..road.scan(3, point, &[1, 2]) },
            road.scan(7, point, &[6]),
        ];
        if goes_on {
            facts.extend([road.send(8, point, hub, &[7]), road.scan(9, hub, &[6]), road.send(10, hub, point, &[9])]);
        }
        road.end(facts)
    };
    let same = point.0[1];
    for person in [same, 0x77] {
        assert_eq!(place(&way(person, false)), ("at_point", true, Some(point)));
        assert!(!way(person, true).is_settled(), "{:?}", place(&way(person, true)));
    }
}

/// The point had it, shelved it at one window and sent it back from another; the hub scanned it in twice and sent it twice,
/// and nobody had heard of the other site. The hub's scans and the point's overtook each other, and the shelf alone was left,
/// without a contest, while the parcel was in the second van.
#[test]
fn scans_of_two_sites_that_overtake_each_other_leave_no_shelf_alone() {
    let road = Road::new();
    let (hub, point) = (road.hub, road.point);
    let state = road.end(vec![
        road.scan(3, hub, &[1, 2]),
        road.send(4, hub, point, &[3]),
        road.scan(5, point, &[1, 2]),
        seen(6, Role::Site, point, &[5], Fact::Shelved(Shelved { shelf: "A1".to_owned() })),
        colleague(seen(7, Role::Site, point, &[5], Fact::HoldExpired(HoldExpired {}))),
        colleague(road.send(8, point, hub, &[7])),
        Seen { person: Id16([0x66; 16]), ..road.scan(9, hub, &[1, 2]) },
        Seen { person: Id16([0x66; 16]), ..road.send(10, hub, point, &[9]) },
    ]);
    assert!(!state.is_settled(), "{:?}", place(&state));
}

/// An agent came back, the hub scanned the parcel in, and he took it from the shelf again by the same run sheet, his phone
/// dark. The scan says that he came back, and nothing of what he did since.
#[test]
fn a_scan_does_not_overtake_what_was_taken_from_the_shelf_again() {
    let road = Road::new();
    let (hub, agent) = (road.hub, road.agent);
    let way = |again: bool| {
        let mut facts = vec![
            road.scan(3, hub, &[1, 2]),
            seen(4, Role::Site, hub, &[3], Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) })),
            road.load(5, &[4]),
            road.scan(6, hub, &[4]),
        ];
        if again {
            facts.push(road.load(7, &[5]));
        }
        road.end(facts)
    };
    assert_eq!(place(&way(false)), ("at_hub", true, Some(hub)));
    assert!(!way(true).is_settled(), "{:?}", place(&way(true)));
}

/// Two agents have a run sheet each. One takes the parcel and brings it back, and the hub scans it in; the other takes it from
/// the shelf, and his phone has heard of none of it: that may be after the scan (seed 1202 of `./dev sim --money`). When he had
/// heard of the other's load, he must have had it after him, and the scan is of his return.
#[test]
fn a_scan_of_one_agents_return_does_not_overtake_what_another_took() {
    let road = Road::new();
    let (hub, agent) = (road.hub, road.agent);
    let other = Subject::new(Kind::Agent, Id16([6; 16]));
    let run = |n: u8, agent: Scope, after: &[u8]| {
        seen(n, Role::Site, hub, after, Fact::Dispatched(Dispatched { agent, run: Id16([n; 16]) }))
    };
    let taken = |n: u8, after: &[u8]| seen(n, Role::Agent, other, after, Fact::Loaded(Loaded {}));
    let way = |other_knew: &[u8], scan_knew: &[u8]| {
        road.end(vec![
            road.scan(3, hub, &[1, 2]),
            run(4, other, &[3]),
            run(5, agent, &[4]),
            road.load(6, &[5]),
            road.scan(7, hub, scan_knew),
            taken(8, other_knew),
        ])
    };
    assert!(!way(&[4], &[6]).is_settled(), "{:?}", place(&way(&[4], &[6])));
    assert_eq!(place(&way(&[6], &[6])), ("at_hub", true, Some(hub)));
}

/// A courier brings a parcel back and the hub scans it in; only then is he asked, and says that it comes back. The goods are
/// where they were scanned. A scan that may be of before he had it waits for a person.
#[test]
fn that_a_courier_brings_it_back_moves_nothing_that_was_scanned_in() {
    let road = Road::new();
    let (hub, courier, tenant) = (road.hub, road.courier, Subject::tenant());
    let way = |scan_knows: &[u8], said_knows: &[u8]| {
        let consigned = Consigned { courier, consignment: "C-1".to_owned() };
        let returned = CourierReturned { courier, source: 1 };
        road.end(vec![
            road.scan(3, hub, &[1, 2]),
            seen(4, Role::Central, tenant, &[3], Fact::Consigned(consigned)),
            colleague(road.scan(5, hub, scan_knows)),
            seen(6, Role::Central, tenant, said_knows, Fact::CourierReturned(returned)),
        ])
    };
    assert_eq!(place(&way(&[4], &[5])), ("at_hub", true, Some(hub)));
    assert_eq!(way(&[4], &[5]).carried.unwrap().state.word(), "returned");
    assert!(!way(&[1], &[4, 5]).is_settled(), "{:?}", place(&way(&[1], &[4, 5])));
    // Nobody has scanned it: he has it.
    let consigned = Consigned { courier, consignment: "C-1".to_owned() };
    let state = road.end(vec![
        road.scan(3, hub, &[1, 2]),
        seen(4, Role::Central, tenant, &[3], Fact::Consigned(consigned)),
        seen(6, Role::Central, tenant, &[4], Fact::CourierReturned(CourierReturned { courier, source: 1 })),
    ]);
    assert_eq!(place(&state), ("with_courier", true, Some(courier)));
}

/// A voided record takes the other tap of its act with it when whoever voided it had heard of that; a tap that comes unheard
/// may be of another day, and stands.
#[test]
fn what_is_voided_is_what_people_had_heard_of() {
    let road = Road::new();
    let (hub, agent, tenant) = (road.hub, road.agent, Subject::tenant());
    let given = |n: u8| {
        let delivered = Fact::Delivered(Delivered { evidence: 3, collected: None });
        colleague(seen(n, Role::Agent, agent, &[5], delivered))
    };
    let end = |heard: &[u8]| {
        let (reason, maker) = ("the customer has nothing".to_owned(), Id16([0x31; 16]));
        let void = Fact::RecordVoided(RecordVoided { op: OpId([6; 32]), reason, maker, checker: None });
        road.end(vec![
            road.scan(3, hub, &[1, 2]),
            seen(4, Role::Site, hub, &[3], Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) })),
            colleague(road.load(5, &[4])),
            given(6),
            road.scan(7, hub, &[6]),
            seen(8, Role::Central, tenant, heard, void),
            given(9),
        ])
    };
    let both = end(&[7, 9]);
    assert_eq!(place(&both), ("at_hub", true, Some(hub)));
    assert_eq!(both.voided, [OpId([6; 32]), OpId([9; 32])]);
    let one = end(&[7]);
    assert_eq!(one.voided, [OpId([6; 32])]);
    assert_eq!(one.given.map(|given| given.op), Some(OpId([9; 32])), "the tap that nobody had heard of stands");
    assert!(!one.is_settled(), "and a person looks at it: {:?}", one.contests);
}

/// People looked at two deliveries and left the one that stands: the parcel waits no more, as long as nobody recorded anything
/// that they had not seen. What is recorded with knowledge of it changes nothing about it.
#[test]
fn what_people_looked_at_waits_again_when_something_unseen_comes() {
    let road = Road::new();
    let (hub, agent, tenant) = (road.hub, road.agent, Subject::tenant());
    let given = |n: u8, by: Scope, after: &[u8]| {
        let delivered = Fact::Delivered(Delivered { evidence: 3, collected: None });
        colleague(seen(n, Role::Agent, by, after, delivered))
    };
    let cleared = |op: u8, code: Code| {
        let (reason, maker) = ("asked both".to_owned(), Id16([0x31; 16]));
        Fact::Cleared(Cleared { op: OpId([op; 32]), code: code as u16, reason, maker, checker: None })
    };
    let way = |more: &[Seen]| {
        let mut facts = vec![
            road.scan(3, hub, &[1, 2]),
            seen(4, Role::Site, hub, &[3], Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) })),
            colleague(road.load(5, &[4])),
            given(6, agent, &[5]),
            road.scan(7, hub, &[4]),
        ];
        facts.extend(more.iter().cloned());
        road.end(facts)
    };
    let open = way(&[]);
    assert!(open.contests.len() == 1 && !open.is_settled(), "{:?}", open.contests);
    let of = open.contests[0];
    let clearing = |code: Code| seen(8, Role::Central, tenant, &[6, 7], cleared(of.op.0[0], code));
    assert!(way(&[clearing(of.code)]).is_settled());
    // It names one contest, by fact and code.
    assert!(!way(&[clearing(Code::AbsurdAmount)]).is_settled());
    // A picture moves nothing, and is something to look at.
    let picture = |after: &[u8]| {
        let proof = Proof { form: 1, blob: BlobId([9; 32]), bytes: 9_000, media: 1 };
        colleague(seen(9, Role::Agent, agent, after, Fact::DoorProof(proof)))
    };
    assert!(way(&[clearing(of.code), picture(&[6])]).contests.contains(&of));
    assert!(way(&[clearing(of.code), picture(&[8])]).is_settled());
    // A fact that says so without having seen what it clears clears nothing.
    let blind = Seen { after: vec![OpId([5; 32]).short()], ..clearing(of.code) };
    assert!(!way(&[blind]).is_settled());
}

/// He loads one parcel of one run two thousand times, each time after the last or after the run sheet alone, and the hub has
/// scanned it in meanwhile (it took seconds once).
#[test]
fn a_parcel_of_two_thousand_loads_folds() {
    let road = Road::new();
    let (hub, agent) = (road.hub, road.agent);
    let id = |n: usize| {
        let mut id = [0xff; 32];
        id[..8].copy_from_slice(&(0xff00_0000_0000_0000 | n as u64).to_be_bytes());
        OpId(id)
    };
    for chained in [true, false] {
        let mut facts = vec![
            road.scan(3, hub, &[1, 2]),
            seen(4, Role::Site, hub, &[3], Fact::Dispatched(Dispatched { agent, run: Id16([1; 16]) })),
            Seen { id: id(0), ..road.load(5, &[4]) },
            road.scan(6, hub, &[4]),
        ];
        for n in 1..2_040 {
            let after = id(if chained { n - 1 } else { 0 }).short();
            facts.push(Seen { id: id(n), after: vec![after], ..road.load(5, &[]) });
        }
        let state = road.end(facts);
        let codes: Vec<Code> = state.contests.iter().map(|contest| contest.code).collect();
        assert!(codes.contains(&Code::SubjectFull) && codes.contains(&Code::UnlistedPair), "{codes:?}");
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
