//! A first sync over links that die after some bytes.

use std::collections::VecDeque;

use protocol::decide::Draft;
use protocol::fact::{Fact, Line, ParcelCreated, Put};
use protocol::frame::Frame;
use protocol::id::{Id16, Kind, Scope, Subject};
use protocol::seat::Role;
use protocol::session::EdgeSession;
use protocol::session::hub::HubSession;
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use crate::model::{Central, Dice, Edge, Parties, frame_of};

/// Parcels that a site sees with one Put: about 30 KB of ops at one position of the log, 12 of them in packs.
const PARCELS: u8 = 200;
/// Links after which it is given up.
const LINKS: usize = 200;

/// How many ops a site holds after each link of `dies_after` bytes, until all is there and compared.
///
/// # Panics
/// When that takes too many links.
#[must_use]
pub fn first_sync(seed: u64, dies_after: usize) -> Vec<usize> {
    let mut dice = Dice::new(seed);
    let Parties { mut central, edges } = Parties::meet(&mut dice);
    let Some(mut edge) = edges.into_iter().find(|edge| edge.seat.role() == Role::Site) else { return Vec::new() };
    let vendor: Scope = Subject::new(Kind::Vendor, Id16([0x41; 16]));
    let parcels: Vec<Subject> = (0..PARCELS).map(|n| Subject::new(Kind::Parcel, Id16([n; 16]))).collect();
    let mut stamp = Stamp { now_ms: 1_000, entropy: dice.bytes() };
    let mut author = |central: &mut Central, subject, fact| {
        stamp = Stamp { now_ms: stamp.now_ms + 1_000, entropy: dice.bytes() };
        central.author(&[Draft { subject, fact }], stamp);
    };
    for parcel in &parcels {
        let order = Subject::new(Kind::Order, Id16([0xee; 16]));
        let lines = vec![Line { sku: "RG-0001".to_owned(), qty: 1, unit_price: Taka::whole(1_000) }];
        // Closure would put each parcel into its site's scope at once.
        let created = ParcelCreated { order, vendor, site: vendor, due: Taka::whole(1_069), lines, sealed: Vec::new() };
        author(&mut central, *parcel, Fact::ParcelCreated(created));
    }
    author(&mut central, edge.seat.party, Fact::Put(Put { generation: 1, subjects: parcels }));
    let mut held = Vec::new();
    while edge.compared != Some((true, true)) {
        assert!(held.len() < LINKS, "seed {seed}: after {LINKS} links {held:?}");
        link(&mut edge, &mut central, dies_after);
        held.push(edge.memory.ops.len());
    }
    held
}

/// One link: it dies after so many bytes of frames, both ways, or comes to rest.
fn link(edge: &mut Edge, central: &mut Central, dies_after: usize) {
    let stamp = Stamp { now_ms: 1, entropy: [7; 32] };
    let (mut at_edge, mut at_hub) = (EdgeSession::default(), HubSession::new(edge.author, false));
    let Ok(frames) = at_edge.start(edge);
    let (mut up, mut down): (VecDeque<_>, VecDeque<Vec<u8>>) =
        (frames.iter().map(Frame::encode).collect(), VecDeque::new());
    let mut carried = 0;
    while let Some((bytes, upwards)) =
        up.pop_front().map(|bytes| (bytes, true)).or_else(|| down.pop_front().map(|bytes| (bytes, false)))
    {
        carried += bytes.len();
        if carried > dies_after {
            return;
        }
        if upwards {
            let mut asks: VecDeque<_> =
                at_hub.handle(frame_of(&bytes)).unwrap_or_else(|violation| panic!("{violation}")).into();
            while let Some(ask) = asks.pop_front() {
                let (frames, more) = at_hub.answer(central.answer(edge.author, &edge.seat.clone(), ask, stamp));
                down.extend(frames.iter().map(Frame::encode));
                asks.extend(more);
            }
        } else {
            let Ok(frames) = at_edge.handle(edge, frame_of(&bytes));
            up.extend(frames.iter().map(Frame::encode));
        }
    }
}
