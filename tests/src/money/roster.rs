//! Who is in a world of money: central, two courier hubs, a pickup point of our own, one of a partner, agents and
//! vendors. Two of the people have two devices each, and two counters have two people each.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use protocol::burst::ChainPlace;
use protocol::frame::Cursor;
use protocol::id::{Id16, Incarnation, Kind, Scope, Subject};
use protocol::seat::{Certificate, Role, Seat};
use protocol::taka::Taka;

use super::device::Device;
use crate::model::{Central, Dice, Edge, Memory};

/// A courier hub; the points and the first agents belong to it.
pub const HUB: Scope = site(1);
/// The other hub.
pub const OTHER_HUB: Scope = site(2);
/// A pickup point of our own.
pub const POINT: Scope = site(3);
/// A partner's.
pub const PARTNER: Scope = site(4);
/// Whose till is ours.
pub const TILLS: [Scope; 3] = [HUB, OTHER_HUB, POINT];
/// The vendors.
pub const VENDORS: [Scope; 2] = [party(Kind::Vendor, 0x41), party(Kind::Vendor, 0x42)];

const fn party(kind: Kind, n: u8) -> Scope {
    let mut bytes = [n; 17];
    bytes[0] = kind as u8;
    Subject(bytes)
}

const fn site(n: u8) -> Scope {
    party(Kind::Site, n)
}

/// An agent's scope, by his hub and his number.
#[must_use]
pub fn agent(hub: Scope, n: u8) -> Scope {
    Subject::agent(hub, Id16([n; 16]))
}

/// One seat: person, part, scope, and the most cash he may carry.
struct Chair {
    person: u8,
    role: Role,
    party: Scope,
    partner: bool,
    ceiling: Taka,
}

fn chairs() -> Vec<Chair> {
    let far = Taka::whole(100_000);
    let chair = |person, role, party, ceiling| Chair { person, role, party, partner: false, ceiling };
    vec![
        chair(1, Role::Site, HUB, far),
        chair(1, Role::Site, HUB, far),
        chair(2, Role::Site, HUB, far),
        chair(3, Role::Site, OTHER_HUB, far),
        chair(4, Role::Site, POINT, far),
        chair(5, Role::Site, POINT, far),
        Chair { person: 6, role: Role::Site, party: PARTNER, partner: true, ceiling: far },
        chair(11, Role::Agent, agent(HUB, 11), far),
        chair(11, Role::Agent, agent(HUB, 11), far),
        chair(12, Role::Agent, agent(HUB, 12), far),
        // He may carry little, and has to hand in before he loads again.
        chair(13, Role::Agent, agent(OTHER_HUB, 13), Taka::whole(3_000)),
        chair(14, Role::Agent, agent(OTHER_HUB, 14), far),
        chair(21, Role::Vendor, VENDORS[0], far),
        chair(22, Role::Vendor, VENDORS[1], far),
        chair(23, Role::Vendor, VENDORS[1], far),
    ]
}

/// Everybody is enrolled: central, and a device for each chair.
pub fn enrol(dice: &mut Dice) -> (Central, Vec<Device>) {
    let authority = SigningKey::from_bytes(&dice.bytes());
    let mut seat_of = |chair: &Chair| {
        let key = SigningKey::from_bytes(&dice.bytes());
        let rights = if chair.partner { Seat::partner_rights } else { |party| Seat::rights(Role::Site, party) };
        let (classes, grants) =
            if chair.role == Role::Site { rights(chair.party) } else { Seat::rights(chair.role, chair.party) };
        let mut device = Id16::default();
        device.0.copy_from_slice(&dice.bytes()[..16]);
        let seat = Seat {
            tenant: Id16::default(),
            device,
            person: Id16([chair.person; 16]),
            party: chair.party,
            key: key.verifying_key().to_bytes(),
            classes,
            grants,
            cash_ceiling: chair.ceiling,
            issued_ms: 1,
            issuer: [0; 32],
        };
        let certificate = Certificate::issue(&authority, seat).unwrap_or_else(|error| panic!("{error}"));
        (key, certificate)
    };
    let of_central =
        Chair { person: 0, role: Role::Central, party: Subject::tenant(), partner: false, ceiling: Taka::ZERO };
    let (key, own) = seat_of(&of_central);
    let mut memory = Memory::default();
    memory.add_certificate(own.clone());
    let place = ChainPlace::start(own.author(), Incarnation([1; 4]));
    let mut devices = Vec::new();
    for chair in chairs() {
        let (key, certificate) = seat_of(&chair);
        memory.add_certificate(certificate.clone());
        let author = certificate.author();
        let edge = Edge {
            author,
            seat: certificate.seat.clone(),
            key,
            authority: authority.verifying_key(),
            memory: Memory::with_certificates([certificate, own.clone()]).of(author),
            place: ChainPlace::start(author, Incarnation([7; 4])),
            own: Vec::new(),
            safe: 0,
            earlier: Vec::new(),
            wrote: BTreeSet::new(),
            last_ms: 0,
            broken: None,
            cursor: Cursor::default(),
            compared: None,
            refused: 0,
            repairs: BTreeMap::new(),
        };
        devices.push(Device::new(edge));
    }
    (Central { memory, key, log_id: [1; 8], place, broken: None }, devices)
}

/// The first half of an id, which a site shares with its agents.
pub type Place = [u8; 8];

/// The place of a site or of one of its agents.
#[must_use]
pub fn place_of(party: &Scope) -> Place {
    let mut place = [0; 8];
    place.copy_from_slice(&party.0[1..9]);
    place
}
