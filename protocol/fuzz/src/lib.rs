//! Everything in `protocol` that reads bytes of others, each as a function of bytes: `./dev fuzz NAME` drives it, and
//! every test run feeds it the kept corpus (`protocol/tests/corpus.rs`). Whoever adds a decoder adds it here.
//!
//! A decoder may refuse or accept; it may not panic, and what it accepts must come out as it came in where its
//! format has one spelling.

use ed25519_dalek::{SigningKey, VerifyingKey};
use protocol::burst::{Burst, Head};
use protocol::fact::{Fact, Reading};
use protocol::frame::{Frame, HEADER_BYTES, header, unpack_ids};
use protocol::handover::Shown;
use protocol::id::{Author, Id16, Kind, OpId, Subject};
use protocol::op::Op;
use protocol::ranges::{self, Element};
use protocol::seat::Certificate;
use protocol::session::hub::HubSession;
use protocol::sketch::{Sketch, decode_cells};
use protocol::taka::Taka;
use protocol::{bundle, pack, sealed};

/// A decoder's name, and what it does with bytes.
pub type Decoder = (&'static str, fn(&[u8]));

/// All decoders.
pub const ALL: &[Decoder] = &[
    ("frame", frame),
    ("burst", burst),
    ("pack", pack_of),
    ("fact", fact),
    ("certificate", certificate),
    ("cells", cells),
    ("ranges", ranges_of),
    ("session", session),
    ("bundle", bundle_of),
    ("sealed", sealed_field),
    ("text", text),
];

/// The decoder of this name.
#[must_use]
pub fn named(name: &str) -> Option<fn(&[u8])> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, decoder)| *decoder)
}

/// The frames of a stream, as a link cuts them.
fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let Ok((number, length)) = header(*head) else { break };
        let Some((body, rest)) = rest.split_at_checked(length) else { break };
        bytes = rest;
        match Frame::decode(number, body) {
            Ok(frame) => frames.extend(frame),
            Err(_) => break,
        }
    }
    frames
}

fn frame(bytes: &[u8]) {
    for frame in frames(bytes) {
        let encoded = frame.encode();
        assert_eq!(frames(&encoded), [frame], "a frame that was read is written as one that reads the same");
    }
    let _ids = unpack_ids(bytes);
}

fn burst(bytes: &[u8]) {
    if let Ok((head, length)) = Head::decode_front(bytes) {
        assert_eq!(head.encode(), bytes[..length], "a head has one spelling");
    }
    if let Ok(burst) = Burst::decode(bytes) {
        assert_eq!(burst.encode(), bytes, "a burst has one spelling");
        let _digest = burst.digest();
    }
}

fn pack_of(bytes: &[u8]) {
    let Ok(bursts) = pack::unpack(bytes) else { return };
    assert_eq!(pack::unpack(&pack::pack(&bursts)), Ok(bursts), "what was read is packed as what reads the same");
}

fn fact(bytes: &[u8]) {
    if let Ok(op) = Op::decode(bytes) {
        assert_eq!(op.encode(), bytes, "an op has one spelling");
        if let Reading::Known(fact) = Fact::read(op.class_kind, &op.payload) {
            assert_eq!(fact.encode(), op.payload, "a fact has one spelling");
        }
    }
    let Some((kind, payload)) = bytes.split_first_chunk::<2>() else { return };
    let _reading = Fact::read(u16::from_be_bytes(*kind), payload);
}

fn certificate(bytes: &[u8]) {
    let authority: VerifyingKey = SigningKey::from_bytes(&[1; 32]).verifying_key();
    if let Ok(certificate) = Certificate::decode(bytes, &authority) {
        assert_eq!(certificate.encode(), bytes);
    }
    let _author = Certificate::author_of(bytes);
}

fn cells(bytes: &[u8]) {
    let Some(cells) = decode_cells(bytes, 1_024) else { return };
    let count = cells.len();
    let mut theirs = Sketch::default();
    theirs.append(cells);
    let ours = Sketch::of((0..40u8).map(|n| OpId([n; 32]).short()), count);
    let _peeled = ours.minus(&theirs).peel();
}

fn ranges_of(bytes: &[u8]) {
    let elements: Vec<Element> = (0..200u8).map(|n| Element { time_ms: u64::from(n / 3), id: OpId([n; 32]) }).collect();
    let read = ranges::check(bytes);
    let answered = ranges::answer(&elements, bytes);
    assert!(read.is_err() || answered.is_ok(), "what is checked can be answered");
}

/// A hub's half of a session, up to where it asks its store.
fn session(bytes: &[u8]) {
    for mut session in [HubSession::new(Author([1; 8]), false), HubSession::relay(Author([1; 8]), false)] {
        for frame in frames(bytes) {
            if session.handle(frame).is_err() {
                break;
            }
        }
        let _asks = session.log_moved();
    }
}

fn bundle_of(bytes: &[u8]) {
    let _read = bundle::read(bytes);
    let framed = [bundle::MAGIC.as_slice(), bytes].concat();
    let _read = bundle::read(&framed);
}

fn sealed_field(bytes: &[u8]) {
    let parcel = Subject::new(Kind::Parcel, Id16([1; 16]));
    assert!(sealed::open_bytes(&[7; 32], &parcel, 1, bytes).is_none(), "opened by a key that never sealed it");
}

/// What people type and scan.
fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(subject) = Subject::parse(&text) {
        assert_eq!(Subject::parse(&subject.to_string()), Some(subject));
    }
    if let Some(amount) = Taka::parse(&text) {
        assert!(amount.paisa().unsigned_abs() <= Taka::MAX_PAISA.unsigned_abs());
    }
    let _shown = Shown::read(&text);
}
