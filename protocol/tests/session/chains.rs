//! A device's own chains: how they go out, and what an answer by number says of them.

use ed25519_dalek::SigningKey;
use protocol::burst::{Burst, ChainPlace};
use protocol::frame::{Cursor, Frame, Hello, OwnHead, PACKS, Safe, Welcome};
use protocol::id::{Author, Id16, Incarnation, Kind, Subject};
use protocol::op::{Op, lane};
use protocol::pack::{pack, unpack};
use protocol::session::hub::{Answer, Ask, HubSession, Page};
use protocol::session::{EdgeSession, Life};

use crate::Stubborn;

pub(crate) fn life(n: u8) -> Life {
    Life { inc: Incarnation([n; 4]), safe: 0, forked: false }
}

/// So many bursts of one life; `salt` makes another chain of the same numbers.
fn chain(life: &Life, count: u8, salt: u64) -> Vec<Burst> {
    let key = SigningKey::from_bytes(&[3; 32]);
    let mut place = ChainPlace::start(Author([1; 8]), life.inc);
    let write = |n: u8| {
        let subject = Subject::new(Kind::Parcel, Id16([n; 16]));
        let op = Op { class_kind: 0x3001, lane_flags: lane::MONEY, subject, after: Vec::new(), payload: vec![n; 40] };
        let burst = Burst::sign(&key, &place, 1_000 + salt + u64::from(n), &[op]);
        place = place.then(burst.digest());
        burst
    };
    (0..count).map(write).collect()
}

fn with_chain(life: Life, count: u8, salt: u64) -> Stubborn {
    Stubborn { chains: vec![(life, chain(&life, count, salt))], ..Stubborn::default() }
}

fn head_of(bursts: &[Burst], inc: Incarnation) -> OwnHead {
    let (upto, last) = (bursts.len() as u64, bursts.last().expect("a burst"));
    OwnHead { inc, upto, highest: upto, forked: false, digest: last.digest().0.first_chunk().copied() }
}

/// The bursts in these frames, and whether they came in packs.
fn carried(frames: &[Frame]) -> (Vec<Burst>, bool) {
    let mut packs = false;
    let bursts = frames.iter().flat_map(|frame| match frame {
        Frame::Packed(bytes) => {
            packs = true;
            unpack(bytes).expect("a pack")
        }
        Frame::Bursts(bursts) => bursts.iter().map(|bytes| Burst::decode(bytes).expect("a burst")).collect(),
        _ => Vec::new(),
    });
    (bursts.collect(), packs)
}

#[test]
fn bursts_go_in_packs_and_once_more_plain_to_who_does_not_read_them() {
    let device = with_chain(life(5), 40, 0);
    let own = device.chains[0].1.clone();
    for relay in [false, true] {
        let session = || if relay { EdgeSession::with_relay() } else { EdgeSession::default() };
        let (mut device, mut reads) = (with_chain(life(5), 40, 0), session());
        let Ok(first) = reads.start(&device);
        assert!(matches!(&first[0], Frame::Hello(hello) if hello.packs == Some(PACKS)));
        assert_eq!(carried(&first), (own.clone(), true));
        let Ok(more) = reads.handle(&mut device, Frame::Welcome(Welcome { packs: Some(PACKS), ..Welcome::default() }));
        assert_eq!(carried(&more).0, [], "relay {relay}: they are on their way");
        let mut of_before = session();
        let Ok(_) = of_before.start(&device);
        let Ok(again) = of_before.handle(&mut device, Frame::Welcome(Welcome::default()));
        assert_eq!(carried(&again), (own.clone(), false), "relay {relay}");
    }
    // The other way, too: a hub packs for who says that it reads packs.
    for packs in [None, Some(PACKS)] {
        let mut hub = HubSession::new(Author([9; 8]), false);
        hub.handle(Frame::Hello(Hello { packs, ..Hello::default() })).expect("HELLO");
        let page = Page { bursts: own.clone(), ..Page::default() };
        assert_eq!(carried(&hub.answer(Answer::Page(page)).0), (own.clone(), packs.is_some()));
        let asks = hub.handle(Frame::Packed(pack(&own).into())).expect("a pack");
        assert!(matches!(&asks[..], [Ask::Take(bursts)] if *bursts == own));
        let mut cut = pack(&own);
        cut.pop();
        assert_eq!(hub.handle(Frame::Packed(cut.into())).expect_err("cut").code(), "pack_malformed");
    }
}

#[test]
fn a_number_that_a_disk_forgot_is_not_safe_because_central_has_one_of_it() {
    // Central holds four of the numbers; the fourth there is not the fourth here, whatever they count.
    let theirs = [chain(&life(5), 3, 0), chain(&life(5), 4, 7)].concat();
    let mut device = with_chain(life(5), 4, 0);
    let mut session = EdgeSession::default();
    let Ok(_) = session.start(&device);
    let heads = vec![head_of(&theirs[3..], life(5).inc)];
    let Ok(frames) =
        session.handle(&mut device, Frame::Welcome(Welcome { heads, packs: Some(1), ..Welcome::default() }));
    assert_eq!(
        (device.told.as_slice(), device.lowered.as_slice()),
        (["new life"].as_slice(), [(life(5).inc, 0)].as_slice())
    );
    assert_eq!(carried(&frames).0, device.chains[0].1, "all of that life goes out again");
    // The same chain is safe by its number.
    let mut honest = with_chain(life(5), 4, 7);
    let mut session = EdgeSession::default();
    let Ok(_) = session.start(&honest);
    let heads = vec![head_of(&theirs[3..], life(5).inc)];
    let Ok(_) = session.handle(&mut honest, Frame::Welcome(Welcome { heads, packs: Some(1), ..Welcome::default() }));
    assert_eq!(honest.told, ["safe"]);
}

#[test]
fn a_life_with_a_number_twice_goes_out_whole_after_a_restore() {
    for (log_id, forked, there, whole) in [
        ([1; 8], true, false, false),
        ([2; 8], true, false, true),
        ([2; 8], false, true, true),
        ([2; 8], false, false, false),
    ] {
        let over = Life { safe: 4, forked, ..life(5) };
        let bursts = chain(&over, 4, 0);
        let mut device = with_chain(over, 4, 0);
        device.chains.push((life(6), Vec::new()));
        device.cursor.log_id = [1; 8];
        let mut session = EdgeSession::default();
        let Ok(_) = session.start(&device);
        let heads = vec![OwnHead { forked: there, ..head_of(&bursts, over.inc) }];
        let cursor = Cursor { log_id, ..Cursor::default() };
        let welcome = Welcome { heads, cursor, packs: Some(1), ..Welcome::default() };
        let Ok(frames) = session.handle(&mut device, Frame::Welcome(welcome));
        assert_eq!(carried(&frames).0.len(), if whole { 4 } else { 0 }, "{log_id:?} {forked} {there}");
        assert_eq!(device.told.contains(&"restored"), log_id == [2; 8]);
    }
}

#[test]
fn an_answer_by_number_makes_safe_what_went_and_nothing_beyond() {
    let over = life(5);
    let mut device = with_chain(over, 9, 0);
    device.chains.push((life(6), Vec::new()));
    device.earlier_at_once = 4;
    let mut session = EdgeSession::default();
    let numbers = |frames: &[Frame]| carried(frames).0.iter().map(|burst| burst.head.seq).collect::<Vec<_>>();
    let Ok(first) = session.start(&device);
    assert_eq!(numbers(&first), [1, 2, 3, 4]);
    // Central counts nine of that life: bursts that the disk forgot, and of which none is among these.
    let says = |inc, upto| Frame::Safe(Safe { inc, upto });
    let Ok(next) = session.handle(&mut device, says(over.inc, 9));
    assert_eq!((device.chains[0].0.safe, numbers(&next)), (4, vec![5, 6, 7, 8]));
    let Ok(last) = session.handle(&mut device, says(over.inc, 9));
    assert_eq!((device.chains[0].0.safe, numbers(&last)), (8, vec![9]));
    let Ok(none) = session.handle(&mut device, says(over.inc, 9));
    assert_eq!((device.chains[0].0.safe, numbers(&none)), (9, Vec::new()));
    // Nobody asked: such an answer says nothing.
    device.chains[0].0.safe = 0;
    let Ok(none) = session.handle(&mut device, says(over.inc, 9));
    assert_eq!((device.chains[0].0.safe, numbers(&none)), (0, Vec::new()));
}

#[test]
fn a_life_of_which_central_lacks_a_part_is_not_sent_again_and_again() {
    let over = life(5);
    let mut device = with_chain(over, 9, 0);
    device.chains.push((life(6), Vec::new()));
    device.earlier_at_once = 4;
    let mut session = EdgeSession::default();
    let Ok(_) = session.start(&device);
    let Ok(frames) = session.handle(&mut device, Frame::Safe(Safe { inc: over.inc, upto: 2 }));
    assert_eq!((device.chains[0].0.safe, carried(&frames).0.len()), (2, 0));
    let Ok(again) = EdgeSession::default().start(&device);
    assert_eq!(carried(&again).0.iter().map(|burst| burst.head.seq).collect::<Vec<_>>(), [3, 4, 5, 6]);
}

#[test]
fn what_lies_between_and_is_not_here_is_not_safe_because_what_follows_went() {
    // The disk forgot 1 to 6; 7 to 9 came back from elsewhere. Central holds none of them yet.
    let over = life(5);
    let mut device = with_chain(over, 9, 0);
    device.chains[0].1.drain(..6);
    device.chains.push((life(6), Vec::new()));
    let mut session = EdgeSession::default();
    let Ok(first) = session.start(&device);
    assert_eq!(carried(&first).0.iter().map(|burst| burst.head.seq).collect::<Vec<_>>(), [7, 8, 9]);
    let Ok(_) = session.handle(&mut device, Frame::Safe(Safe { inc: over.inc, upto: 0 }));
    assert_eq!(device.chains[0].0.safe, 0);
}
