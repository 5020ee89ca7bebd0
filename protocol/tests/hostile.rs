//! Bad bytes: cut, padded, flipped, oversized, random, forged, replayed. No decoder panics, and nothing
//! that was changed passes as signed.

#[path = "world/people.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod people;
#[path = "world/store.rs"]
#[allow(dead_code, reason = "shared by several test programs")]
mod store;

use ed25519_dalek::VerifyingKey;
use people::{Person, authority, person};
use proptest::prelude::*;
use protocol::burst::{Burst, BurstError, ChainPlace, Head, MAX_OPS, Slot};
use protocol::fact::{
    Delivered, Fact, HandInOffered, Line, Loaded, MAX_LINES, MAX_PUT_SUBJECTS, ParcelCreated, Put, Reading,
};
use protocol::id::{Id16, Incarnation, Kind, OpId, ShortId, Subject};
use protocol::intake::{Verified, apart, op_of, refused, verify};
use protocol::op::{MAX_AFTER, MAX_OP_BYTES, Op, OpError, lane};
use protocol::seat::{Certificate, CertificateError, MAX_CERTIFICATE_BYTES, Role};
use protocol::taka::Taka;
use protocol::{cbor, sealed, varint};
use store::Store;

fn agent() -> Person {
    let site = Subject::new(Kind::Site, Id16([2; 16]));
    person("agent", Role::Agent, Subject::agent(site, Id16([3; 16])))
}

fn parcel() -> Subject {
    Subject::new(Kind::Parcel, Id16([1; 16]))
}

fn delivered(paisa: i64) -> Fact {
    Fact::Delivered(Delivered { evidence: 1, collected: Taka::from_paisa(paisa) })
}

fn honest() -> Burst {
    let agent = agent();
    let ops = [
        op_of(parcel(), &Fact::Loaded(Loaded {}), vec![ShortId([7; 8])]),
        op_of(parcel(), &delivered(125_000), vec![]),
    ];
    Burst::sign(&agent.key, &agent.place, 1_700_000_000_000, &ops)
}

/// Whether these bytes pass as a burst of the agent.
fn passes(bytes: &[u8]) -> Option<Verified> {
    Burst::decode(bytes).ok().and_then(|burst| verify(burst, &agent().seat).ok())
}

#[test]
fn a_cut_padded_or_flipped_burst_never_passes() {
    let whole = honest().encode();
    assert!(passes(&whole).is_some(), "the valid twin");
    for cut in 0..whole.len() {
        assert!(Burst::decode(&whole[..cut]).is_err(), "cut at {cut}");
    }
    for pad in [vec![0], vec![1], whole.clone()] {
        assert_eq!(Burst::decode(&[whole.as_slice(), &pad].concat()), Err(BurstError::Truncated));
    }
    for bit in 0..whole.len() * 8 {
        let mut bad = whole.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(passes(&bad).is_none(), "bit {bit} flipped");
    }
}

#[test]
fn a_withheld_slot_passes_only_with_its_own_id() {
    let burst = honest();
    let part = burst.withhold(|_| false);
    assert_eq!(passes(&part.encode()).map(|verified| verified.digest), Some(burst.digest()), "the valid twin");
    let mut other = part.clone();
    other.slots.swap(0, 1);
    assert!(passes(&other.encode()).is_none(), "reordered");
    let mut replayed = part;
    replayed.slots[1] = replayed.slots[0].clone();
    assert!(passes(&replayed.encode()).is_none(), "one slot replayed as another");
    let mut swapped = burst;
    swapped.slots.swap(0, 1);
    assert!(passes(&swapped.encode()).is_none(), "ops reordered");
}

#[test]
fn a_forged_or_borrowed_signature_is_refused() {
    let burst = honest();
    let stranger = person("stranger", Role::Agent, agent().seat.party);
    assert_eq!(verify(burst.clone(), &stranger.seat).err(), Some(refused::BAD_SIGNATURE), "another key");
    let Slot::Open(op) = &burst.slots[1] else { panic!("open") };
    let op = Op::decode(op).expect("an op");
    let place = ChainPlace::start(agent().author, Incarnation(*b"inc1"));
    let forged = Burst::sign(&stranger.key, &place, burst.head.time_ms, &[op]);
    assert_eq!(verify(forged, &agent().seat).err(), Some(refused::BAD_SIGNATURE), "signed by a stranger");
    let mut moved = burst.clone();
    moved.head.seq += 1;
    assert!(verify(moved, &agent().seat).is_err(), "the same ops under another number");
    let mut doubled = burst;
    let other = add_order(&doubled.sig[32..]);
    doubled.sig[32..].copy_from_slice(&other);
    assert!(verify(doubled, &agent().seat).is_err(), "a second spelling of the signature: s + L");
}

/// s + L, the other spelling that a lax verifier takes.
fn add_order(s: &[u8]) -> [u8; 32] {
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10u8,
    ];
    let (mut out, mut carry) = ([0; 32], 0u16);
    for (index, byte) in out.iter_mut().enumerate() {
        let sum = u16::from(s[index]) + u16::from(order[index]) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    out
}

#[test]
fn bursts_keep_to_their_limits() {
    let agent = agent();
    let op = op_of(parcel(), &delivered(1), vec![]);
    let of = |count: usize| Burst::sign(&agent.key, &agent.place, 1, &vec![op.clone(); count]).encode();
    assert!(passes(&of(MAX_OPS)).is_some(), "64 ops");
    assert_eq!(Burst::decode(&of(MAX_OPS + 1)), Err(BurstError::Count), "65 ops");
    assert_eq!(Burst::decode(&of(0)), Err(BurstError::Count), "no op");
    let zero = ChainPlace { seq: 0, ..agent.place };
    assert_eq!(
        Burst::decode(&Burst::sign(&agent.key, &zero, 1, std::slice::from_ref(&op)).encode()),
        Err(BurstError::Count),
        "seq 0"
    );
    let mut version = of(1);
    version[0] = 2;
    assert_eq!(Burst::decode(&version), Err(BurstError::Version));
    let head = honest().head.encode().len();
    let mut tag = honest().encode();
    tag[head + 64] = 2;
    assert_eq!(Burst::decode(&tag), Err(BurstError::SlotTag));
    let codes =
        [BurstError::Version, BurstError::Truncated, BurstError::Count, BurstError::SlotTag].map(BurstError::code);
    assert_eq!(codes, ["burst_version", "burst_truncated", "burst_count", "burst_slot"]);
}

#[test]
fn ops_keep_to_their_limits() {
    let op = |payload: usize, heads: usize, lane_flags: u8| Op {
        class_kind: 0x4002,
        lane_flags,
        subject: parcel(),
        after: vec![ShortId([1; 8]); heads],
        payload: vec![0; payload],
    };
    // 21 fixed, 2 of length.
    let room = MAX_OP_BYTES - 23;
    assert!(Op::decode(&op(room, 0, 1).encode()).is_ok(), "16 KiB");
    assert_eq!(Op::decode(&op(room + 1, 0, 1).encode()), Err(OpError::TooLarge));
    assert!(Op::decode(&op(0, MAX_AFTER, 1).encode()).is_ok(), "8 heads");
    assert_eq!(Op::decode(&op(0, MAX_AFTER + 1, 1).encode()), Err(OpError::TooManyHeads));
    for number in 0..lane::COUNT {
        assert!(Op::decode(&op(0, 0, number).encode()).is_ok(), "lane {number}");
    }
    for number in lane::COUNT..16 {
        assert_eq!(Op::decode(&op(0, 0, number).encode()), Err(OpError::UnknownLane), "lane {number}");
    }
    let mut endless = op(0, 0, 1).encode();
    endless.pop();
    endless.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    assert_eq!(Op::decode(&endless), Err(OpError::TooLarge), "a length of 2^64 - 1 takes no memory");
}

#[test]
fn a_number_has_one_spelling() {
    let whole = honest();
    let head = whole.head.encode();
    // seq 1 at byte 13, spelled in two bytes.
    let long = [&head[..13], &[0x81, 0x00], &head[14..]].concat();
    assert_eq!(Head::decode_front(&long), Err(BurstError::Truncated));
    assert_eq!(varint::get(&[0x80, 0x80, 0x00]), None);
    assert_eq!(varint::get(&[0x7f]), Some((127, 1)));
    // CBOR: the same payload with a longer integer, and with an endless array, is broken.
    let fact = delivered(5);
    assert_eq!(fact.encode(), [0x82, 0x01, 0x05]);
    for bad in [&[0x82, 0x18, 0x01, 0x05][..], &[0x9f, 0x01, 0x05, 0xff], &[0x82, 0x01, 0x05, 0x00], &[0x83, 1, 5, 0]] {
        assert_eq!(Fact::read(0x4002, bad), Reading::Broken, "{bad:02x?}");
    }
}

#[test]
fn payloads_keep_to_their_limits() {
    let read = |fact: &Fact| Fact::read(fact.class_kind(), &fact.encode());
    for paisa in [0, Taka::MAX_PAISA] {
        assert!(matches!(read(&delivered(paisa)), Reading::Known(_)));
    }
    let cash = |paisa: i64| cbor::encode(&(1u8, Some(paisa)));
    for paisa in [-1, Taka::MAX_PAISA + 1, i64::MIN, i64::MAX] {
        assert_eq!(Fact::read(0x4002, &cash(paisa)), Reading::Broken, "{paisa}");
    }
    for evidence in [0u8, 6, 255] {
        assert_eq!(Fact::read(0x4002, &cbor::encode(&(evidence, Some(1i64)))), Reading::Broken);
    }
    let put = |count: usize| Fact::Put(Put { generation: 1, subjects: vec![parcel(); count] });
    assert!(matches!(read(&put(MAX_PUT_SUBJECTS)), Reading::Known(_)));
    assert_eq!(read(&put(MAX_PUT_SUBJECTS + 1)), Reading::Broken);
    assert_eq!(read(&Fact::Put(Put { generation: 0, subjects: vec![] })), Reading::Broken);
    let line = Line { sku: "x".into(), qty: 1, unit_price: Taka::ZERO };
    let created = |count| {
        let (order, scope) = (Subject::new(Kind::Order, Id16([1; 16])), agent().seat.party);
        let lines = vec![line.clone(); count];
        Fact::ParcelCreated(ParcelCreated { order, vendor: scope, site: scope, due: Taka::ZERO, lines, sealed: vec![] })
    };
    assert!(matches!(read(&created(MAX_LINES)), Reading::Known(_)));
    assert_eq!(read(&created(MAX_LINES + 1)), Reading::Broken);
    assert_eq!(Fact::read(0x4fff, b"anything"), Reading::Newer, "an unknown kind is not broken");
}

#[test]
fn certificates_are_taken_whole_or_not_at_all() {
    let authority = authority();
    let issued = Certificate::issue(&authority, agent().seat).expect("strong");
    let bytes = issued.encode();
    assert!(Certificate::decode(&bytes, &authority.verifying_key()).is_ok(), "the valid twin");
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Certificate::decode(&bad, &authority.verifying_key()).is_err(), "bit {bit}");
    }
    for cut in 0..bytes.len() {
        assert!(Certificate::decode(&bytes[..cut], &authority.verifying_key()).is_err(), "cut at {cut}");
    }
    let long = [bytes.as_slice(), &[0; MAX_CERTIFICATE_BYTES]].concat();
    assert_eq!(Certificate::decode(&long, &authority.verifying_key()), Err(CertificateError::Damaged));
    let foreign = agent().key.verifying_key();
    assert_eq!(Certificate::decode(&bytes, &foreign), Err(CertificateError::ForeignIssuer));
    let mut weak = agent().seat;
    weak.key = [0; 32];
    weak.key[0] = 1;
    assert!(VerifyingKey::from_bytes(&weak.key).is_ok_and(|key| key.is_weak()), "the neutral element");
    assert_eq!(Certificate::issue(&authority, weak), Err(CertificateError::WeakKey));
}

#[test]
fn a_replay_counts_and_changes_nothing() {
    let agent = agent();
    let mut store = Store::default();
    store.seats.insert(agent.author, agent.seat.clone());
    let burst = passes(&honest().encode()).expect("valid");
    let first = store.take(vec![burst.clone()], None);
    let before = store.clone();
    let again = store.take(vec![burst.clone(), burst], None);
    assert_eq!((first.duplicates, again.duplicates), (0, 4));
    assert_eq!((first.ops.len(), again.ops.len(), again.bursts.len()), (2, 0, 0));
    assert_eq!((&store.ops, &store.roots, &store.chains), (&before.ops, &before.roots, &before.chains));
}

#[test]
fn two_bursts_of_one_number_both_fold_and_bar_the_incarnation() {
    let agent = agent();
    let mut store = Store::default();
    store.seats.insert(agent.author, agent.seat.clone());
    let other = Burst::sign(&agent.key, &agent.place, 1, &[op_of(parcel(), &delivered(7), vec![])]);
    let taken = store.take(vec![Verified::of_own(honest()), Verified::of_own(other)], None);
    assert_eq!(taken.ops.len(), 3);
    assert!(taken.chains[&(agent.author, agent.place.inc)].forked);
}

#[test]
fn what_is_not_well_authored_is_refused_and_what_is_broken_is_apart() {
    let agent = agent();
    let mut store = Store::default();
    store.seats.insert(agent.author, agent.seat.clone());
    let put = |generation| Fact::Put(Put { generation, subjects: vec![parcel()] });
    let elsewhere = Subject::new(Kind::Vendor, Id16([9; 16]));
    let op = |class_kind, lane_flags, subject, payload: &[u8]| Op {
        class_kind,
        lane_flags,
        subject,
        after: vec![],
        payload: payload.to_vec(),
    };
    let inc = agent.place.inc;
    let offer = Fact::HandInOffered(HandInOffered { site: agent.seat.party, amount: Taka::ZERO, inc, upto: 0 });
    let ops = [
        op_of(agent.seat.party, &put(1), vec![]),
        op_of(elsewhere, &put(1), vec![]),
        op(0x1011, lane::ORDERS, parcel(), &[0x81, 1]),
        op(0x4001, lane::CONTROL, parcel(), &[0x80]),
        op(0x0002, lane::CONTROL, agent.seat.party, &[0x83, 1, 0x80, 0x80]),
        op(0x4001, lane::MONEY, parcel(), b"\xff"),
        op_of(parcel(), &offer, vec![]),
        op(0x4abc, lane::MONEY, parcel(), b"\xff"),
    ];
    let taken = store.take(vec![Verified::of_own(Burst::sign(&agent.key, &agent.place, 1, &ops))], None);
    let codes: Vec<(u8, &str)> = taken.refused.iter().map(|row| (row.slot, row.code)).collect();
    assert_eq!(codes, [(1, refused::PUT), (2, refused::CLASS), (3, refused::CONTROL), (4, refused::CLASS)]);
    let held: Vec<(u8, Option<&str>)> = taken.ops.iter().map(|row| (row.slot, row.held.apart.as_deref())).collect();
    assert_eq!(held, [(0, None), (5, Some(apart::BROKEN)), (6, Some(apart::SUBJECT)), (7, None)]);
    assert_eq!(taken.chains[&(agent.author, inc)].upto, 1, "a refused slot counts as answered");
    let root = taken.roots[&(agent.seat.party, lane::MONEY)];
    assert_eq!(root.count, 3, "apart and unknown ops are in the set, refused ones are not");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in any::<u16>()) {
        prop_assert!(passes(&bytes).is_none());
        let _ = Op::decode(&bytes).map(|op| prop_assert_eq_bytes(&op.encode(), &bytes));
        let _ = Head::decode_front(&bytes);
        prop_assert!(Certificate::decode(&bytes, &authority().verifying_key()).is_err());
        prop_assert_eq!(sealed::open(&[7; 32], &parcel(), 0x1010, &bytes), None);
        let _ = varint::get(&bytes);
        let _ = Subject::parse(&String::from_utf8_lossy(&bytes));
        let _ = Taka::parse(&String::from_utf8_lossy(&bytes));
        for (number, _, _) in Fact::KINDS {
            if let Reading::Known(fact) = Fact::read(*number, &bytes) {
                prop_assert_eq!(fact.encode(), bytes.clone(), "one spelling");
            }
        }
        let _ = Fact::read(kind, &bytes);
    }

    #[test]
    fn a_damaged_burst_never_passes(at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), new in prop::collection::vec(any::<u8>(), 1..40)) {
        let whole = honest().encode();
        let start = at.index(whole.len());
        let end = start + cut.index(whole.len() - start + 1);
        let bad = [&whole[..start], &new, &whole[end..]].concat();
        if bad != whole {
            prop_assert!(passes(&bad).is_none());
        }
        if let Ok(burst) = Burst::decode(&bad) {
            prop_assert_eq!(burst.encode(), bad, "one spelling");
        }
    }

    #[test]
    fn ops_come_back(class_kind in any::<u16>(), lane in 0u8..6, flags in 0u8..16, id in any::<[u8; 17]>(), heads in prop::collection::vec(any::<[u8; 8]>(), 0..9), payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let after = heads.into_iter().map(ShortId).collect();
        let op = Op { class_kind, lane_flags: flags << 4 | lane, subject: Subject(id), after, payload };
        prop_assert_eq!(Op::decode(&op.encode()), Ok(op));
    }

    #[test]
    fn hostile_subjects_fold_without_panic(ids in prop::collection::vec((any::<u8>(), any::<[u8; 8]>()), 0..20)) {
        // Forged heads that name each other, or nothing: a fold is total.
        let agent = agent();
        let mut store = Store::default();
        store.seats.insert(agent.author, agent.seat.clone());
        let mut place = agent.place;
        for (amount, head) in ids {
            let burst = Burst::sign(&agent.key, &place, 1, &[op_of(parcel(), &delivered(i64::from(amount)), vec![ShortId(head)])]);
            place = place.then(burst.digest());
            store.take(vec![Verified::of_own(burst)], None);
        }
        prop_assert!(store.fold(parcel()).journals.iter().all(protocol::journal::Journal::is_balanced));
        let _ = OpId([0; 32]).short();
    }
}

fn prop_assert_eq_bytes(one: &[u8], other: &[u8]) {
    assert_eq!(one, other, "one spelling");
}
