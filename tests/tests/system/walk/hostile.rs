//! What a device may not say, on a real link: each is refused with its code, its valid twin is taken,
//! nothing else has changed, and the others are served.

use std::net::SocketAddr;

use ed25519_dalek::SigningKey;
use edge_node::Node;
use protocol::burst::{Burst, ChainPlace};
use protocol::fact::{Accepted, Fact, HandInOffered, Packed, Put, Received};
use protocol::frame::{Frame, Hello, MAX_FRAME_BYTES, Ranges, RefusedSlot, Safe, Sketch, Welcome};
use protocol::id::{Author, Id16, Incarnation, Kind, Scope, ShortId, Subject};
use protocol::intake::op_of;
use protocol::op::{Op, lane};
use protocol::taka::Taka;

use super::house::House;
use super::raw::Raw;

const NOW_MS: u64 = 1_795_312_800_000;
const INC: Incarnation = Incarnation([7; 4]);

/// Signs bursts as the seat of a node, in an incarnation of its own.
pub(super) struct Pen<'a> {
    pub(super) node: &'a Node,
    pub(super) place: ChainPlace,
}

impl<'a> Pen<'a> {
    pub(super) fn of(node: &'a Node) -> Self {
        Self { node, place: ChainPlace::start(node.author(), INC) }
    }

    pub(super) fn write(&mut self, ops: &[Op]) -> Burst {
        let burst = Burst::sign(&self.node.identity().key, &self.place, NOW_MS, ops);
        self.place = self.place.then(burst.digest());
        burst
    }
}

/// The fact after what central holds of the subject.
pub(super) async fn after(house: &House, subject: Subject, fact: &Fact) -> Op {
    let heads: Vec<([u8; 32],)> = sqlx::query_as("SELECT id FROM op WHERE subject = $1 ORDER BY position DESC LIMIT 1")
        .bind(subject.0)
        .fetch_all(house.pool())
        .await
        .unwrap();
    let short = |(id,): &([u8; 32],)| ShortId(std::array::from_fn(|at| id[at]));
    op_of(subject, fact, heads.iter().map(short).collect())
}

pub(super) fn bursts(bursts: &[&Burst]) -> Frame {
    Frame::Bursts(bursts.iter().map(|burst| burst.encode().into()).collect())
}

/// Sends bursts; the SAFEs and refusals that answer them.
pub(super) async fn answered(raw: &mut Raw, sent: &[&Burst]) -> (Vec<Safe>, Vec<RefusedSlot>) {
    // What comes before the answer to this question answers the bursts.
    raw.say(&[bursts(sent), Frame::WantCertificates(Vec::new())]).await;
    let (_, before) = raw.until(|frame| *frame == Frame::Certificates(Vec::new())).await;
    let (mut safe, mut refused) = (Vec::new(), Vec::new());
    for frame in before {
        match frame {
            Frame::Safe(at) => safe.push(at),
            Frame::Refused(slot) => refused.push(slot),
            _ => {}
        }
    }
    (safe, refused)
}

fn safe(upto: u64) -> Vec<Safe> {
    vec![Safe { inc: INC, upto }]
}

/// Says some bytes first, and tells with which code the hub ends it.
async fn code_for(node: &Node, hub: SocketAddr, hello: bool, bytes: &[u8], finish: bool) -> String {
    let mut raw = if hello { Raw::welcomed(node, hub).await.0 } else { Raw::of(node, hub).await };
    raw.write(bytes).await;
    if finish {
        raw.send.finish().unwrap();
    }
    raw.closed().await
}

fn framed(number: u8, length: u32, body: &[u8]) -> Vec<u8> {
    [&[number], length.to_be_bytes().as_slice(), body].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_wrong_frames_end_the_session_with_their_code_and_nothing_else() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let vendor = house.vendor().await;
    let mut agent = house.agent("agent").await;
    agent.go_online(hub.quic);
    house.place("1").await;
    let before = house.digests().await;
    let limit = u32::try_from(MAX_FRAME_BYTES).unwrap();
    let hello = Frame::Hello(Hello::default()).encode();
    let hub_only = Frame::Welcome(Welcome::default()).encode();
    let not_a_burst = Frame::Bursts(vec![vec![1, 2, 3].into()]).encode();
    let later_burst = Frame::Bursts(vec![vec![9; 200].into()]).encode();
    let check = Frame::Check(0).encode();
    // After HELLO or not, what is said, whether the stream ends there, the code.
    let (scope, money) = (vendor.party(), lane::MONEY);
    let half = Sketch { scope, lane: money, count: 1, from: 0, cells: vec![1; 20].into() };
    let later = Sketch { scope, lane: money, count: 1, from: 64, cells: vec![0; 13].into() };
    let backwards = Ranges { scope, lane: money, ranges: vec![0, 0, 0, 0].into(), want: Vec::new().into() };
    let claims = Ranges { ranges: vec![2, 0, 0xff, 0xff, 0xff, 0x7f].into(), ..backwards.clone() };
    let cases: [(&str, bool, Vec<u8>, bool, &str); 17] = [
        ("a malformed HELLO", false, framed(1, 3, &[0x83, 1, 2]), false, "frame_malformed"),
        ("a malformed body", true, framed(4, 2, &[0xff, 0]), false, "frame_malformed"),
        ("an empty body", true, framed(9, 0, &[]), false, "frame_malformed"),
        ("a length over the limit", true, framed(4, limit + 1, &[]), false, "frame_too_large"),
        ("the longest length", false, framed(99, u32::MAX, &[]), false, "frame_too_large"),
        ("a frame before HELLO", false, check.clone(), false, "no_hello"),
        ("HELLO twice", true, hello.clone(), false, "two_hellos"),
        ("a frame that only hubs send", true, hub_only, false, "wrong_side"),
        ("bytes that are no burst", true, not_a_burst, false, "burst_truncated"),
        ("a burst of a later version", true, later_burst, false, "burst_version"),
        ("cells that are cut", true, Frame::Sketch(half).encode(), false, "sketch_malformed"),
        ("cells after none", true, Frame::Sketch(later).encode(), false, "sketch_malformed"),
        ("ranges after the end", true, Frame::Ranges(backwards).encode(), false, "ranges_unsorted"),
        ("a list of more than there is", true, Frame::Ranges(claims).encode(), false, "ranges_malformed"),
        ("a frame cut in its body", true, framed(4, 100, &[1; 10]), true, ""),
        ("a frame cut in its header", true, vec![4, 0, 0], true, ""),
        ("the longest frame, never sent", true, framed(4, limit, &[]), true, ""),
    ];
    for (what, greeted, bytes, finish, code) in cases {
        assert_eq!(code_for(&vendor.node, hub.quic, greeted, &bytes, finish).await, code, "{what}");
    }
    for seed in 0u64..24 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        let noise: Vec<u8> = noise.take(40 + 200 * seed as usize).collect();
        let mut raw = Raw::of(&vendor.node, hub.quic).await;
        // The hub may have ended it before all is written.
        let _ended = raw.send.write_all(&noise).await;
        let _ended = raw.send.finish();
        let code = raw.closed().await;
        assert!(["", "frame_too_large", "frame_malformed", "no_hello"].contains(&code.as_str()), "{code}");
    }
    assert_eq!(house.digests().await, before);
    // The twins: the same kinds of frame, right ones; a frame of a later version is skipped.
    let (mut raw, _) = Raw::welcomed(&vendor.node, hub.quic).await;
    raw.until(|frame| matches!(frame, Frame::Roots(_))).await;
    raw.write(&framed(99, 4, &[1, 2, 3, 4])).await;
    raw.write(&check).await;
    raw.until(|frame| matches!(frame, Frame::Roots(_))).await;
    house.place("2").await;
    house.settled(&[&agent]).await;
    agent.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_wrong_bursts_are_refused_and_their_twins_are_safe() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let vendor = house.vendor().await;
    let mut agent = house.agent("agent").await;
    agent.go_online(hub.quic);
    let parcel = house.place("1").await;
    let before = house.digests().await;
    let (mut raw, _) = Raw::welcomed(&vendor.node, hub.quic).await;
    let mut pen = Pen::of(&vendor.node);

    let accept = pen.write(&[after(&house, parcel, &Fact::Accepted(Accepted {})).await]);
    let mut forged = accept.clone();
    forged.sig[3] ^= 1;
    let whole = |burst: &Burst, code: &str| {
        let head = &burst.head;
        vec![RefusedSlot { author: head.author, inc: head.inc, seq: head.seq, slot: None, code: code.to_owned() }]
    };
    assert_eq!(answered(&mut raw, &[&forged]).await, (vec![], whole(&forged, "bad_signature")));
    let mut changed = accept.clone();
    changed.head.time_ms += 1;
    assert_eq!(answered(&mut raw, &[&changed]).await, (vec![], whole(&changed, "bad_signature")));
    let stranger = SigningKey::from_bytes(&[5; 32]);
    let nobody = ChainPlace::start(Author([9; 8]), INC);
    let unknown = Burst::sign(&stranger, &nobody, NOW_MS, &[op_of(parcel, &Fact::Accepted(Accepted {}), vec![])]);
    assert_eq!(answered(&mut raw, &[&unknown]).await, (vec![], whole(&unknown, "unknown_author")));
    // In the name of another seat, with the own key.
    let posed = ChainPlace::start(agent.node.author(), INC);
    let posed = Burst::sign(
        &vendor.node.identity().key,
        &posed,
        NOW_MS,
        &[op_of(parcel, &Fact::Accepted(Accepted {}), vec![])],
    );
    assert_eq!(answered(&mut raw, &[&posed]).await, (vec![], whole(&posed, "bad_signature")));
    assert_eq!(house.digests().await, before);
    assert_eq!(answered(&mut raw, &[&accept]).await, (safe(1), vec![]));

    // A refused slot is answered: the chain goes on, the fact is nowhere. What is kept is that it came.
    let kept = ["burst", "chain", "exception"];
    let before = house.digests_but(&kept).await;
    let slot = |burst: &Burst, code: &str| {
        let head = &burst.head;
        vec![RefusedSlot { author: head.author, inc: head.inc, seq: head.seq, slot: Some(0), code: code.to_owned() }]
    };
    let outside = pen.write(&[after(&house, parcel, &Fact::Received(Received { pieces: 1 })).await]);
    assert_eq!(answered(&mut raw, &[&outside]).await, (safe(2), slot(&outside, "class_not_yours")));
    let put = |scope: Scope, subject| op_of(scope, &Fact::Put(Put { generation: 1, subjects: vec![subject] }), vec![]);
    let control = pen.write(&[put(vendor.party(), parcel)]);
    assert_eq!(answered(&mut raw, &[&control]).await, (safe(3), slot(&control, "class_not_yours")));
    assert_eq!(house.digests_but(&kept).await, before);
    let pack = pen.write(&[after(&house, parcel, &Fact::Packed(Packed { pieces: 1 })).await]);
    assert_eq!(answered(&mut raw, &[&pack]).await, (safe(4), vec![]));

    // Scope: an agent puts into his own scope and his site's, into no other.
    let second = house.agent("second").await;
    let (mut raw, _) = Raw::welcomed(&second.node, hub.quic).await;
    let mut pen = Pen::of(&second.node);
    let before = house.digests_but(&kept).await;
    let theirs = pen.write(&[put(vendor.party(), parcel)]);
    assert_eq!(answered(&mut raw, &[&theirs]).await, (safe(1), slot(&theirs, "put_not_yours")));
    let colleague = pen.write(&[put(agent.party(), parcel)]);
    assert_eq!(answered(&mut raw, &[&colleague]).await, (safe(2), slot(&colleague, "put_not_yours")));
    let mut on_a_scope = op_of(second.party(), &Fact::Put(Put { generation: 1, subjects: vec![] }), vec![]);
    on_a_scope.lane_flags = lane::MONEY;
    let wrong_lane = pen.write(&[on_a_scope]);
    assert_eq!(answered(&mut raw, &[&wrong_lane]).await, (safe(3), slot(&wrong_lane, "control_subject")));
    assert_eq!(house.digests_but(&kept).await, before);
    let handin = Subject::new(Kind::HandIn, Id16([3; 16]));
    let offered = HandInOffered { site: house.site, amount: Taka::whole(1), inc: INC, upto: 3 };
    let offer = op_of(handin, &Fact::HandInOffered(offered), vec![]);
    let right = pen.write(&[offer, put(second.party(), handin), put(house.site, handin)]);
    assert_eq!(answered(&mut raw, &[&right]).await, (safe(4), vec![]));

    house.place("2").await;
    house.settled(&[&agent]).await;
    agent.go_offline().await;
    hub.stop().await;
    house.stop().await;
}
