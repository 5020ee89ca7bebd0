//! Sessions frame by frame: what ends a repair that cannot succeed, and what a hub does not take.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use protocol::account::Account;
use protocol::blob::{BlobHeld, BlobId, BlobPart, LEAST_PART_BYTES, MAX_PART_BYTES};
use protocol::burst::Burst;
use protocol::frame::{
    CodeBox, Cursor, Frame, Hello, LADDER, PageEnd, PartyName, Ranges, RefusedSlot, Roots, Safe, SetRoot, Sketch,
    SubjectKey, Want, Welcome, pack_ids,
};
use protocol::id::{Author, Digest, Id16, Incarnation, Kind, OpId, Scope, ShortId, Subject};
use protocol::op::lane;
use protocol::ranges::{self, Element};
use protocol::root::Root;
use protocol::session::hub::{Answer, Ask, Difference, HubSession, Page, Violation};
use protocol::session::ladder::{MAX_CELLS, MAX_OPEN_SETS, Rung};
use protocol::session::{EdgeSession, EdgeStore, Life, MAX_REPAIRS, STAY_UNEQUAL, Standing};
use protocol::sketch::{self, Cell};
use protocol::taka::Taka;

#[path = "session/chains.rs"]
mod chains;

/// A device that holds some ids, and takes nothing.
#[derive(Default)]
struct Stubborn {
    elements: Vec<Element>,
    notes: Vec<String>,
    rungs: Vec<&'static str>,
    /// What central, or a relay, was believed.
    told: Vec<&'static str>,
    /// What others wrote about closed subjects.
    strays: Vec<Vec<u8>>,
    /// Its chains: of each life the bursts, of which `safe` are; the last life is the current one.
    chains: Vec<(Life, Vec<Burst>)>,
    /// Of an earlier life, at once; 0: all.
    earlier_at_once: usize,
    /// The log it knows.
    cursor: Cursor,
    lowered: Vec<(Incarnation, u64)>,
    /// A picture, and how much of it central holds.
    picture: Vec<u8>,
    sent_of_picture: usize,
}

fn site(n: u8) -> Scope {
    Subject::new(Kind::Site, Id16([n; 16]))
}

fn element(n: u64) -> Element {
    let mut id = [7; 32];
    id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Element { time_ms: n / 3, id: OpId(id) }
}

fn shorts(elements: &[Element]) -> Vec<ShortId> {
    elements.iter().map(|element| element.id.short()).collect()
}

fn root(elements: &[Element]) -> Root {
    let mut root = Root::default();
    elements.iter().for_each(|element| root.join(&element.id));
    root
}

type Done<T> = Result<T, Infallible>;

impl EdgeStore for Stubborn {
    type Error = Infallible;

    fn hello(&self) -> Done<Hello> {
        let Some((life, bursts)) = self.chains.last() else { return Ok(Hello::default()) };
        let (last, cursor) = (bursts.len() as u64, self.cursor);
        Ok(Hello { inc: life.inc, last, safe: life.safe, cursor, ..Hello::default() })
    }
    fn own_bursts_after(&self, seq: u64, _: usize) -> Done<Vec<Vec<u8>>> {
        let bursts = self.chains.last().map(|(_, bursts)| bursts.as_slice()).unwrap_or_default();
        Ok(bursts.iter().filter(|burst| burst.head.seq > seq).map(Burst::encode).collect())
    }
    fn receive(&mut self, _: Vec<Burst>) -> Done<BTreeSet<Author>> {
        Ok(BTreeSet::new())
    }
    fn add_certificates(&mut self, _: &[Vec<u8>]) -> Done<()> {
        Ok(())
    }
    fn add_keys(&mut self, _: &[SubjectKey]) -> Done<()> {
        Ok(())
    }
    fn add_boxes(&mut self, _: &[CodeBox]) -> Done<()> {
        Ok(())
    }
    fn lives(&self) -> Done<Vec<Life>> {
        Ok(self.chains.iter().map(|(life, _)| *life).collect())
    }
    fn own_digests(&self, inc: Incarnation, seq: u64) -> Done<Vec<Digest>> {
        let own = self.chains.iter().filter(|(life, _)| life.inc == inc).flat_map(|(_, bursts)| bursts);
        Ok(own.filter(|burst| burst.head.seq == seq).map(Burst::digest).collect())
    }
    fn note_restored(&mut self) -> Done<()> {
        self.told.push("restored");
        Ok(())
    }

    fn lacking_boxes(&self, _: usize) -> Done<Vec<Subject>> {
        Ok(Vec::new())
    }

    fn set_names(&mut self, _: &[PartyName]) -> Done<()> {
        self.told.push("names");
        Ok(())
    }

    fn earlier_bursts(&self, _: usize) -> Done<Vec<Vec<u8>>> {
        let earlier = self.chains.len().saturating_sub(1);
        let most = if self.earlier_at_once == 0 { usize::MAX } else { self.earlier_at_once };
        let waiting = |(life, bursts): &(Life, Vec<Burst>)| {
            let waiting = bursts.iter().filter(|burst| burst.head.seq > life.safe).take(most);
            waiting.map(Burst::encode).collect::<Vec<_>>()
        };
        Ok(self.chains[..earlier].iter().flat_map(waiting).collect())
    }
    fn set_safe(&mut self, inc: Incarnation, upto: u64) -> Done<()> {
        self.told.push("safe");
        let of_life = self.chains.iter_mut().filter(|(life, _)| life.inc == inc);
        of_life.for_each(|(life, _)| life.safe = life.safe.max(upto));
        Ok(())
    }
    fn set_held(&mut self, _: Incarnation, _: u64) -> Done<()> {
        self.told.push("held");
        Ok(())
    }
    fn certificates(&self, _: &[Author]) -> Done<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }
    fn lower_safe(&mut self, inc: Incarnation, upto: u64) -> Done<()> {
        self.lowered.push((inc, upto));
        self.chains.iter_mut().filter(|(life, _)| life.inc == inc).for_each(|(life, _)| life.safe = upto);
        Ok(())
    }
    fn set_cursor(&mut self, _: Cursor, _: Option<u64>) -> Done<()> {
        self.told.push("cursor");
        Ok(())
    }
    fn note_refused(&mut self, _: &RefusedSlot) -> Done<()> {
        self.told.push("refused");
        Ok(())
    }
    fn new_incarnation(&mut self) -> Done<()> {
        self.told.push("new life");
        self.chains.push((chains::life(99), Vec::new()));
        Ok(())
    }
    fn standing(&self) -> Done<Standing> {
        let roots = BTreeMap::from([((site(1), lane::MONEY), root(&self.elements))]);
        Ok(Standing { roots, strays: self.strays.clone(), upto: 7 })
    }
    fn short_ids(&self, _: Scope, _: u8) -> Done<Vec<ShortId>> {
        Ok(shorts(&self.elements))
    }
    fn cells(&self, _: Scope, _: u8, from: usize, upto: usize) -> Done<(u64, Vec<Cell>)> {
        let sketch = sketch::Sketch::of(shorts(&self.elements), upto);
        Ok((sketch.count(), sketch.cells()[from..].to_vec()))
    }
    fn elements(&self, _: Scope, _: u8) -> Done<Vec<Element>> {
        Ok(self.elements.clone())
    }
    fn note_repair(&mut self, rung: Rung) -> Done<()> {
        self.rungs.push(rung.name());
        Ok(())
    }
    fn bursts_with(&self, _: &[ShortId]) -> Done<Vec<Vec<u8>>> {
        Ok(Vec::new())
    }
    fn books(&self) -> Done<BTreeMap<Account, Taka>> {
        Ok(BTreeMap::new())
    }
    fn set_proven(&mut self, upto: u64) -> Done<()> {
        assert_eq!(upto, 7);
        self.told.push("proven");
        self.strays.clear();
        Ok(())
    }
    fn note_compared(&mut self, _: u64, _: bool, _: bool, proven: Option<u64>) -> Done<()> {
        assert!(self.strays.is_empty() || proven.is_none(), "nothing is proven while strays wait");
        self.told.push("compared");
        Ok(())
    }
    fn next_part(&self, most: usize) -> Done<Option<BlobPart>> {
        let left = self.picture.get(self.sent_of_picture..).filter(|left| !left.is_empty());
        Ok(left.map(|left| BlobPart {
            blob: BlobId([7; 32]),
            offset: self.sent_of_picture as u64,
            bytes: left[..left.len().min(most)].to_vec().into(),
        }))
    }
    fn set_blob_held(&mut self, held: &BlobHeld) -> Done<()> {
        self.sent_of_picture = usize::try_from(held.upto).expect("small");
        Ok(())
    }
    fn note(&mut self, code: &str, _: &str) -> Done<()> {
        self.notes.push(code.to_owned());
        Ok(())
    }
    fn waiting(&self) -> Done<(u64, u64)> {
        Ok((0, 0))
    }
}

/// Answers for a central that holds `elements` in every set and has no ops to give.
fn answer(elements: &[Element], ask: Ask) -> Answer {
    match ask {
        Ask::Cells(scope, lane, cells) => Answer::Cells(scope, lane, Some(sketch::Sketch::of(shorts(elements), cells))),
        Ask::Elements(scope, lane) => Answer::Elements(scope, lane, Some(elements.to_vec())),
        Ask::Ops(scope, lane, _) => Answer::Ops(scope, lane, Difference::default()),
        Ask::Welcome => Answer::Welcome(Cursor::default(), Vec::new()),
        Ask::Page(..) => Answer::Page(Page::default()),
        other => panic!("{other:?}"),
    }
}

/// A hub that has greeted a device.
fn greeted() -> HubSession {
    let mut hub = HubSession::new(Author([1; 8]), false);
    assert_eq!(hub.handle(Frame::Hello(Hello::default())).map(|asks| asks.len()), Ok(1));
    hub.answer(answer(&[], Ask::Welcome));
    hub
}

/// What the hub says to a frame.
fn said(hub: &mut HubSession, elements: &[Element], frame: Frame) -> Result<Vec<Frame>, Violation> {
    let mut asks = hub.handle(frame)?;
    let mut said = Vec::new();
    while !asks.is_empty() {
        let (frames, more) = hub.answer(answer(elements, asks.remove(0)));
        said.extend(frames);
        asks.extend(more);
    }
    Ok(said)
}

/// Lets a device compare once and repair until it asks for the roots again; the frames it sent.
fn compare(edge: &mut EdgeSession, device: &mut Stubborn, hub: &mut HubSession, central: &[Element]) -> Vec<Frame> {
    let theirs = root(central);
    let set = SetRoot { scope: site(1), lane: lane::MONEY, count: theirs.count, root: theirs.wire() };
    let Ok(mut open) = edge.handle(device, Frame::Roots(Roots { sets: vec![set], ..Roots::default() }));
    let mut sent = Vec::new();
    while !open.is_empty() {
        let frame = open.remove(0);
        sent.push(frame.clone());
        if matches!(frame, Frame::Check(_) | Frame::Status(_)) {
            continue;
        }
        for frame in said(hub, central, frame).expect("an honest device") {
            let Ok(more) = edge.handle(device, frame);
            open.extend(more);
        }
    }
    sent
}

fn begun(device: &mut Stubborn, ladder: Option<u8>) -> EdgeSession {
    let mut edge = EdgeSession::default();
    let Ok(_) = edge.start(device);
    let Ok(_) = edge.handle(device, Frame::Welcome(Welcome { ladder, ..Welcome::default() }));
    edge
}

#[test]
fn repairs_that_change_nothing_end_and_say_so() {
    let mut device = Stubborn { elements: (0..100).map(element).collect(), ..Stubborn::default() };
    let central: Vec<Element> = (3..100).map(element).collect();
    let (mut edge, mut hub) = (begun(&mut device, Some(LADDER)), greeted());
    for round in 0..MAX_REPAIRS {
        let sent = compare(&mut edge, &mut device, &mut hub, &central);
        assert!(matches!(sent[1], Frame::Sketch(_)), "round {round}: {sent:?}");
        assert_eq!(sent.last(), Some(&Frame::Check(0)), "round {round}");
    }
    assert_eq!(device.notes, Vec::<String>::new());
    for _ in 0..3 {
        assert_eq!(compare(&mut edge, &mut device, &mut hub, &central).len(), 1, "only the status");
    }
    assert_eq!(device.notes, [STAY_UNEQUAL], "said once");
    assert_eq!(device.rungs, ["repairs_by_sketch"; MAX_REPAIRS as usize]);
    assert!(!edge.is_equal());
}

#[test]
fn what_is_in_no_set_goes_out_once_and_is_proven_by_the_check_behind_it() {
    let mut device = Stubborn { strays: vec![vec![1; 40], vec![2; 40]], ..Stubborn::default() };
    let mut edge = begun(&mut device, Some(LADDER));
    let roots = |answers| Frame::Roots(Roots { answers, ..Roots::default() });
    let strays = |frames: &[Frame]| frames.iter().any(|frame| matches!(frame, Frame::Bursts(of) if of.len() == 2));
    let Ok(sent) = edge.handle(&mut device, roots(None));
    assert!(strays(&sent), "{sent:?}");
    assert_eq!(sent.last(), Some(&Frame::Check(1)));
    for before in [None, Some(0)] {
        let Ok(sent) = edge.handle(&mut device, roots(before));
        assert!(!strays(&sent) && !device.told.contains(&"proven"), "these roots left before they came: {sent:?}");
    }
    let Ok(sent) = edge.handle(&mut device, roots(Some(1)));
    assert!(!strays(&sent) && device.told.contains(&"proven"), "{sent:?}");

    let mut hub = HubSession::new(Author([1; 8]), false);
    said(&mut hub, &[], Frame::Hello(Hello::default())).expect("an honest device");
    let last = |frames: Vec<Frame>| match frames.last() {
        Some(Frame::Roots(roots)) => roots.answers,
        other => panic!("{other:?}"),
    };
    assert_eq!(last(said(&mut hub, &[], Frame::Check(0)).unwrap()), None);
    assert_eq!(last(said(&mut hub, &[], Frame::Check(2)).unwrap()), Some(2));
    assert_eq!(last(said(&mut hub, &[], Frame::Check(1)).unwrap()), Some(2), "what was handled stays handled");
}

#[test]
fn the_rung_follows_the_difference() {
    let rungs = |ours: &[Element], theirs: &[Element], ladder| {
        let mut device = Stubborn { elements: ours.to_vec(), ..Stubborn::default() };
        device.elements.sort_unstable();
        let (mut edge, mut hub) = (begun(&mut device, ladder), greeted());
        let mut central = theirs.to_vec();
        central.sort_unstable();
        if ladder.is_some() {
            let sent = compare(&mut edge, &mut device, &mut hub, &central);
            assert_eq!(sent.last(), Some(&Frame::Check(0)), "{} {}: {sent:?}", ours.len(), theirs.len());
        } else {
            let set = SetRoot { scope: site(1), lane: lane::MONEY, count: 1, root: [0; 16] };
            let Ok(sent) = edge.handle(&mut device, Frame::Roots(Roots { sets: vec![set], ..Roots::default() }));
            assert!(matches!(sent[1], Frame::Ids(_)), "{sent:?}");
            let want = Want { scope: site(1), lane: lane::MONEY, ids: pack_ids(&[]) };
            assert_eq!(edge.handle(&mut device, Frame::Want(want)), Ok(vec![Frame::Check(0)]));
        }
        device.rungs
    };
    let all: Vec<Element> = (0..2_000).map(element).collect();
    assert_eq!(rungs(&all[..1_990], &all, Some(LADDER)), ["repairs_by_sketch"]);
    let more = rungs(&all[..1_940], &all[60..], Some(LADDER));
    assert!(more.len() > 1 && more[..2] == ["repairs_by_sketch", "repairs_by_more_cells"], "{more:?}");
    // As many on either side: the counts do not tell that a quarter differs.
    let fallen = rungs(&all[..1_500], &all[500..], Some(LADDER));
    assert_eq!(fallen.first(), Some(&"repairs_by_sketch"));
    assert_eq!(fallen.last(), Some(&"repairs_by_ranges"));
    assert_eq!(rungs(&all, &all[..1_000], Some(LADDER)), ["repairs_by_ranges"]);
    assert_eq!(rungs(&all[..40], &[], Some(LADDER)), ["repairs_by_ranges"]);
    assert_eq!(rungs(&all[..40], &all, None), ["repairs_by_ids"]);
    // Two ops of one short id: the sketches are equal, the roots are not.
    let (mut ours, mut theirs) = (all[..50].to_vec(), all[..50].to_vec());
    ours.push(Element { time_ms: 3, id: OpId([9; 32]) });
    let mut twin = OpId([9; 32]);
    twin.0[12] = 1;
    theirs.push(Element { time_ms: 3, id: twin });
    assert_eq!(rungs(&ours, &theirs, Some(LADDER)), ["repairs_by_sketch", "repairs_by_ranges"]);
}

fn cells(scope: Scope, from: u32, count: usize) -> Frame {
    let cells = sketch::encode_cells(sketch::Sketch::empty(count).cells()).into();
    Frame::Sketch(Sketch { scope, lane: lane::MONEY, count: 0, from, cells })
}

fn message(scope: Scope, ranges: Vec<u8>) -> Frame {
    Frame::Ranges(Ranges { scope, lane: lane::MONEY, ranges: ranges.into(), want: pack_ids(&[]) })
}

#[test]
fn a_hub_ends_a_session_whose_repair_cannot_be() {
    let central: Vec<Element> = (0..1_000).map(element).collect();
    let code = |frames: &[Frame]| {
        let mut hub = greeted();
        let mut said = frames.iter().map(|frame| said(&mut hub, &central, frame.clone()));
        said.find_map(Result::err).map_or("", Violation::code)
    };
    assert_eq!(code(&[cells(site(1), 0, 64), cells(site(1), 64, 64)]), "", "the twin");
    assert_eq!(code(&[cells(site(1), 0, 0)]), "sketch_malformed");
    assert_eq!(code(&[cells(site(1), 5, 8)]), "sketch_malformed", "cells after none");
    assert_eq!(code(&[cells(site(1), 0, 64), cells(site(1), 63, 8)]), "sketch_malformed");
    assert_eq!(code(&[cells(site(1), 0, MAX_CELLS + 1)]), "sketch_malformed");
    let cut = Sketch { scope: site(1), lane: 1, count: 0, from: 0, cells: vec![1; 20].into() };
    assert_eq!(code(&[Frame::Sketch(cut)]), "sketch_malformed");
    assert_eq!(code(&[message(site(1), vec![7])]), "ranges_malformed");
    assert_eq!(code(&[message(site(1), vec![0, 0, 0, 0])]), "ranges_unsorted");
    assert_eq!(code(&[message(site(1), vec![0; ranges::MOST_BYTES + 1])]), "ranges_too_many");
    let many: Vec<Frame> = (0..=MAX_OPEN_SETS as u8).map(|n| cells(site(n), 0, 64)).collect();
    assert_eq!(code(&many[1..]), "", "the twin");
    assert_eq!(code(&many), "too_many_sets");
}

#[test]
fn what_is_none_of_the_devices_is_answered_and_not_served() {
    let mut hub = greeted();
    for frame in [cells(site(9), 0, 64), message(site(9), ranges::open(&[]))] {
        let asks = hub.handle(frame).expect("honest");
        let refused = match &asks[..] {
            [Ask::Cells(scope, lane, _)] => Answer::Cells(*scope, *lane, None),
            [Ask::Elements(scope, lane)] => Answer::Elements(*scope, *lane, None),
            other => panic!("{other:?}"),
        };
        let want = Want { scope: site(9), lane: lane::MONEY, ids: pack_ids(&[]) };
        let (frames, asks) = hub.answer(refused);
        assert_eq!(frames, [Frame::Want(want)]);
        assert!(asks.is_empty());
    }
}

#[test]
fn a_relay_cannot_make_anything_safe() {
    let mut device = Stubborn::default();
    let mut session = EdgeSession::with_relay();
    let Ok(_) = session.start(&device);
    let (inc, upto) = (Incarnation::default(), 7);
    let Ok(_) = session.handle(&mut device, Frame::Welcome(Welcome { ladder: Some(LADDER), ..Welcome::default() }));
    let refused = RefusedSlot { author: Author([1; 8]), inc, seq: 1, slot: None, code: "no".to_owned() };
    let cursor = Cursor { log_id: [9; 8], position: 900, within: None };
    for lie in [
        Frame::Safe(Safe { inc, upto }),
        Frame::Refused(refused),
        Frame::Names(Vec::new()),
        Frame::PageEnd(PageEnd { cursor, more: false, beacon: None }),
    ] {
        let Ok(answer) = session.handle(&mut device, lie);
        assert_eq!(answer, []);
    }
    assert_eq!(device.told, Vec::<&str>::new());
    let Ok(_) = session.handle(&mut device, Frame::Held(Safe { inc, upto }));
    assert_eq!(device.told, ["held"], "what it holds it may say");
    // A hub has no such word.
    let mut session = EdgeSession::default();
    let Ok(_) = session.handle(&mut device, Frame::Held(Safe { inc, upto: 9 }));
    assert_eq!(device.told, ["held"]);
}

#[test]
fn equal_roots_of_a_relay_end_the_visit_without_a_word_to_central() {
    let mut device = Stubborn::default();
    let mut session = EdgeSession::with_relay();
    let Ok(_) = session.start(&device);
    let Ok(_) = session.handle(&mut device, Frame::Welcome(Welcome { ladder: Some(LADDER), ..Welcome::default() }));
    let Ok(answer) = session.handle(&mut device, Frame::Roots(Roots::default()));
    assert_eq!((answer, session.is_equal()), (Vec::new(), true));
    assert_eq!(device.told, Vec::<&str>::new(), "no standing is noted");
}

/// Central's roots, as the device has them.
fn equal_roots(device: &Stubborn) -> Frame {
    let ours = root(&device.elements);
    let set = SetRoot { scope: site(1), lane: lane::MONEY, count: ours.count, root: ours.wire() };
    Frame::Roots(Roots { sets: vec![set], ..Roots::default() })
}

fn parts(frames: &[Frame]) -> Vec<&BlobPart> {
    frames.iter().filter_map(|frame| if let Frame::BlobPart(part) = frame { Some(part) } else { None }).collect()
}

#[test]
fn a_picture_goes_piece_by_piece_when_everything_else_is_through() {
    let elements: Vec<Element> = (0..9).map(element).collect();
    let mut device = Stubborn { elements, picture: vec![5; 3 * LEAST_PART_BYTES], ..Stubborn::default() };
    for (blobs, relay) in [(None, false), (Some(1), true)] {
        // A hub of before, and a relay, are sent none.
        let mut session = if relay { EdgeSession::with_relay() } else { EdgeSession::default() };
        let Ok(_) = session.start(&device);
        let Ok(_) = session.handle(&mut device, Frame::Welcome(Welcome { blobs, ..Welcome::default() }));
        let roots = equal_roots(&device);
        let Ok(frames) = session.handle(&mut device, roots);
        assert!(parts(&frames).is_empty());
    }
    let mut session = EdgeSession::default();
    let Ok(_) = session.start(&device);
    let Ok(frames) = session.handle(&mut device, Frame::Welcome(Welcome { blobs: Some(1), ..Welcome::default() }));
    assert!(parts(&frames).is_empty(), "nothing was compared yet");
    let roots = equal_roots(&device);
    let Ok(frames) = session.handle(&mut device, roots);
    assert_eq!(parts(&frames).iter().map(|part| part.bytes.len()).collect::<Vec<_>>(), [LEAST_PART_BYTES]);
    let Ok(frames) = session.wake(&device);
    assert!(parts(&frames).is_empty(), "one piece is on the way");
    // The line is quick: the rest comes at once.
    session.part_took(30);
    let held = |upto: usize| BlobHeld { blob: BlobId([7; 32]), upto: upto as u64, refused: None };
    let Ok(frames) = session.handle(&mut device, Frame::BlobHeld(held(LEAST_PART_BYTES)));
    let [part] = parts(&frames)[..] else { panic!("{frames:?}") };
    assert_eq!((part.offset as usize, part.bytes.len()), (LEAST_PART_BYTES, 2 * LEAST_PART_BYTES));
    // Central lost what it had: it says where to go on.
    let Ok(frames) = session.handle(&mut device, Frame::BlobHeld(held(0)));
    assert_eq!(parts(&frames).first().map(|part| part.offset), Some(0));
    let Ok(frames) = session.handle(&mut device, Frame::BlobHeld(held(3 * LEAST_PART_BYTES)));
    assert!(parts(&frames).is_empty(), "it is whole");
}

#[test]
fn a_hub_takes_pieces_of_a_size_and_none_of_a_withdrawn_device() {
    let part =
        |bytes: usize| Frame::BlobPart(BlobPart { blob: BlobId([7; 32]), offset: 0, bytes: vec![0; bytes].into() });
    assert_eq!(greeted().handle(part(MAX_PART_BYTES + 1)).expect_err("too large").code(), "blob_part_too_large");
    assert!(matches!(greeted().handle(part(MAX_PART_BYTES)).expect("a piece")[..], [Ask::Blob(_)]));
    let mut drained = HubSession::new(Author([1; 8]), true);
    drained.handle(Frame::Hello(Hello::default())).expect("HELLO");
    assert_eq!(drained.handle(part(10)).expect("ignored").len(), 0);
}
