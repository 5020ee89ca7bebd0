//! A first sync over links that die after some bytes.

use protocol::decide::Draft;
use protocol::fact::{Fact, Line, ParcelCreated, Put};
use protocol::id::{Id16, Kind, Scope, Subject};
use protocol::seat::Role;
use protocol::taka::Taka;

use super::wire::{self, Link};
use super::world::World;

/// Parcels that a site sees with one Put: about 9 KB of ops at one position of the log.
const PARCELS: u8 = 60;
/// Links after which it is given up.
const LINKS: usize = 200;

/// How many ops a site holds after each link of `dies_after` bytes, until all is there and compared.
///
/// # Panics
/// When that takes too many links.
#[must_use]
pub fn first_sync(seed: u64, dies_after: usize) -> Vec<usize> {
    let mut world = World::new(seed);
    let at = world.edges.iter().position(|edge| edge.seat.role() == Role::Site).unwrap_or_default();
    let site = world.edges[at].seat.party;
    let vendor: Scope = Subject::new(Kind::Vendor, Id16([0x41; 16]));
    let parcels: Vec<Subject> = (0..PARCELS).map(|n| Subject::new(Kind::Parcel, Id16([n; 16]))).collect();
    for parcel in &parcels {
        let stamp = world.stamp();
        let order = Subject::new(Kind::Order, stamp.id(0));
        let lines = vec![Line { sku: "RG-0001".to_owned(), qty: 1, unit_price: Taka::whole(1_000) }];
        // Closure would put each parcel into its site's scope at once.
        let created = ParcelCreated { order, vendor, site: vendor, due: Taka::whole(1_069), lines, sealed: Vec::new() };
        world.central.author(&[Draft { subject: *parcel, fact: Fact::ParcelCreated(created) }], stamp);
    }
    let stamp = world.stamp();
    let put = Fact::Put(Put { generation: 1, subjects: parcels });
    world.central.author(&[Draft { subject: site, fact: put }], stamp);
    let mut held = Vec::new();
    let link = Link { cut_percent: 0, dies_after, ladder: true };
    while world.edges[at].compared != Some((true, true)) {
        assert!(held.len() < LINKS, "seed {seed}: after {LINKS} links {held:?}");
        let stamp = world.stamp();
        wire::run(&mut world.edges[at], &mut world.central, &mut world.dice, stamp, &link, false);
        held.push(world.edges[at].memory.ops.len());
    }
    held
}
