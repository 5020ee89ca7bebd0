//! Sets of conflicting facts about one subject: who wrote what, and what each author knew of the others.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use protocol::burst::{Burst, ChainPlace, Head, MAX_OPS, Slot};
use protocol::fact::{Fact, Known, Put, RecordVoided, Revoked};
use protocol::history::MAX_FACTS;
use protocol::id::{Author, Incarnation, Kind, ShortId, Subject};
use protocol::intake::{Verified, op_of};
use protocol::op::{MAX_AFTER, Op, lane};
use protocol::seat::{Role, Seat, class};

use crate::facts::{self, Scene};
use crate::people::{Person, World, id_of, person};

/// A repeatable row of numbers (splitmix64).
pub(crate) struct Roll(u64);

impl Roll {
    /// The row of one case of a seed.
    pub(crate) fn of(seed: u64, case: u64) -> Self {
        Self(seed.wrapping_mul(0xd129_0d3f_51b3_5b4d) ^ case.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The first phone of agent a7.
pub(crate) const A7: usize = 0;
/// His second one: the same person at another seat.
pub(crate) const A7_AGAIN: usize = 1;
/// Another agent of the hub.
pub(crate) const A8: usize = 2;
/// The hub.
pub(crate) const S1: usize = 3;
/// A second clerk of the hub.
pub(crate) const S1_AGAIN: usize = 4;
/// Our own pickup point.
pub(crate) const K1: usize = 5;
/// A second clerk of it.
pub(crate) const K1_AGAIN: usize = 6;
/// A partner's pickup point.
pub(crate) const K2: usize = 7;
/// The vendor.
pub(crate) const V1: usize = 8;
/// Central.
pub(crate) const CENTRAL: usize = 9;
const NAMES: [&str; 10] = ["a7", "a7 again", "a8", "s1", "s1 again", "k1", "k1 again", "k2", "v1", "central"];

/// Everybody who writes.
pub(crate) struct Cast {
    pub(crate) people: Vec<Person>,
    pub(crate) seats: BTreeMap<Author, Seat>,
}

impl Cast {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let named = |name: &str| world.people[name].clone();
        let mut again = named("a7");
        again.author = Author(*b"a7 again");
        again.seat.device = id_of("a7 again");
        let clerk = |name, of: &str| person(name, Role::Site, world.party(of));
        let people = vec![
            named("a7"),
            again,
            named("a8"),
            named("s1"),
            clerk("s1 again", "s1"),
            named("k1"),
            clerk("k1 again", "k1"),
            named("k2"),
            named("v1"),
            world.central.clone(),
        ];
        let seats = people.iter().map(|person| (person.author, person.seat.clone())).collect();
        Self { people, seats }
    }

    pub(crate) fn party(&self, who: usize) -> Subject {
        self.people[who].seat.party
    }
}

/// Facts about one subject, in an order in which they could have been written.
#[derive(Clone)]
pub(crate) struct Set {
    pub(crate) scene: Scene,
    pub(crate) subject: Subject,
    pub(crate) bursts: Vec<Verified>,
    /// Bit j of number i: who wrote burst i knew burst j.
    pub(crate) knew: Vec<u64>,
    /// So many bursts at the front are the undisputed way that led to the conflict.
    pub(crate) way: usize,
    heads: Vec<Vec<ShortId>>,
    places: Vec<ChainPlace>,
    authors: Vec<usize>,
}

impl Set {
    /// The undisputed way of a scene, about the subject of a name.
    pub(crate) fn start(scene: Scene, name: &str, cast: &Cast) -> Self {
        let subject = Subject::new(scene.kind(), id_of(name));
        let subject = if scene == Scene::Earning { Subject::earning_of(subject) } else { subject };
        let place = |person: &Person| ChainPlace::start(person.author, Incarnation(*b"life"));
        let places = cast.people.iter().map(place).collect();
        let (bursts, knew, heads, authors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut set = Self { scene, subject, bursts, knew, way: 0, heads, places, authors };
        for (who, facts) in facts::way(scene, subject, cast) {
            let all = set.all();
            set.record(cast, who, &facts, all, false);
        }
        set.way = set.bursts.len();
        set
    }

    /// One more fact, by somebody who knows the way and these of the facts after it.
    pub(crate) fn says(&mut self, who: usize, fact: Fact, knows: &[usize], cast: &Cast) {
        let way = (1u64 << self.way) - 1;
        let knew = knows.iter().map(|index| index + self.way);
        let knew = knew.fold(way, |knew, index| knew | self.knew[index] | 1 << index);
        self.record(cast, who, &[fact], knew, false);
    }

    /// The way of the scene, and `conflicts` facts on top of it.
    pub(crate) fn write(scene: Scene, conflicts: usize, cast: &Cast, roll: &mut Roll) -> Self {
        let mut set = Self::start(scene, &format!("{scene:?} {}", roll.next()), cast);
        let mut last: Option<(usize, u64)> = None;
        while set.bursts.len() < set.way + conflicts {
            match roll.below(50) {
                0 | 1 => {
                    set.revoke(cast, roll);
                    continue;
                }
                2 if set.bursts.len() > set.way => {
                    set.record_newer(cast, roll);
                    continue;
                }
                3..=5 if scene.kind() == Kind::Parcel && set.bursts.len() > set.way => {
                    set.void(cast, roll);
                    continue;
                }
                _ => {}
            }
            let (who, knew) = match last {
                // A finger that taps twice, or two windows of one person: neither knows of the other.
                Some(tap) if roll.chance(15) => tap,
                _ => {
                    let who = roll.one(facts::hands(scene));
                    (who, set.learnt(who, cast, roll))
                }
            };
            let fact = facts::fact(scene, set.subject, who, cast, roll);
            let listed = roll.chance(25);
            set.record(cast, who, &[fact], knew, listed);
            last = Some((who, knew));
        }
        set
    }

    /// More facts than a subject may have, in bursts as full as they get, none knowing of another.
    pub(crate) fn crowd(scene: Scene, cast: &Cast, roll: &mut Roll) -> Self {
        let mut set = Self::write(scene, 0, cast, roll);
        for _ in 0..=MAX_FACTS / MAX_OPS {
            let who = roll.one(facts::hands(scene));
            let facts: Vec<Fact> = (0..MAX_OPS).map(|_| facts::fact(scene, set.subject, who, cast, roll)).collect();
            set.record(cast, who, &facts, 0, false);
        }
        set
    }

    fn all(&self) -> u64 {
        (1u64 << self.bursts.len()) - 1
    }

    /// What an author has seen when he writes: mostly what he wrote himself, the way, and some of the others.
    fn learnt(&self, who: usize, cast: &Cast, roll: &mut Roll) -> u64 {
        if roll.chance(20) {
            return self.all();
        }
        let way = (1u64 << self.way) - 1;
        let mut knows = if roll.chance(95) { way } else { 0 };
        let person = cast.people[who].seat.person;
        for (index, verified) in self.bursts.iter().enumerate() {
            let own = cast.seats[&verified.burst.head.author].person == person && roll.chance(85);
            if own || roll.chance(12) {
                knows |= self.knew[index] | 1 << index;
            }
        }
        knows
    }

    fn record(&mut self, cast: &Cast, who: usize, facts: &[Fact], knew: u64, listed: bool) {
        let after = self.heads_of(knew);
        let mut ops: Vec<Op> = facts.iter().map(|fact| op_of(self.subject, fact, after.clone())).collect();
        let about = ops.len();
        let role = cast.people[who].seat.role();
        if listed && matches!(role, Role::Agent | Role::Site) {
            let put = Fact::Put(Put { generation: 1, subjects: vec![self.subject] });
            ops.push(op_of(cast.party(who), &put, Vec::new()));
        }
        self.sign(who, &ops, about, knew);
    }

    /// A kind of a later version: kept, not folded, and nothing is settled on it.
    fn record_newer(&mut self, cast: &Cast, roll: &mut Roll) {
        let who = roll.one(facts::hands(self.scene));
        let author = cast.people[who].seat.role();
        let of = match author {
            Role::Agent => class::AGENT,
            Role::Site => class::SITE,
            Role::Vendor => class::VENDOR,
            _ => class::CENTRAL,
        };
        let knew = self.all();
        let (class_kind, after) = (u16::from(of) << 12 | 0xfff, self.heads_of(knew));
        let op = Op { class_kind, lane_flags: lane::MONEY, subject: self.subject, after, payload: vec![1] };
        self.sign(who, &[op], 1, knew);
    }

    /// One of the seats had been withdrawn: what it wrote beyond a point is doubted. No beacon: what an author wrote
    /// who had heard it is apart only where the withdrawal came first.
    fn revoke(&mut self, cast: &Cast, roll: &mut Roll) {
        let who = roll.one(facts::hands(self.scene));
        if who == CENTRAL {
            return;
        }
        let inc = self.places[who].inc;
        let seq = roll.below(3) as u64;
        let known = vec![Known { inc, seq }];
        let revoked = Revoked { author: cast.people[who].author, beacon: 0, known };
        let op = op_of(Subject::tenant(), &Fact::Revoked(revoked), Vec::new());
        self.sign(CENTRAL, &[op], 0, 0);
    }

    /// People found that one of the records was not so: any of them, also of kinds that stay as they are.
    fn void(&mut self, cast: &Cast, roll: &mut Roll) {
        let about = self.way + roll.below(self.bursts.len() - self.way);
        let Some(op) = self.bursts[about].ids.first().copied() else { return };
        let (maker, reason) = (id_of("maker"), "asked the customer".to_owned());
        let void = RecordVoided { op, reason, maker, checker: None };
        let knew = if roll.chance(80) { self.all() } else { self.knew[about] };
        self.record(cast, CENTRAL, &[Fact::RecordVoided(void)], knew, false);
    }

    /// The ops that nobody among the known ones had seen.
    fn heads_of(&self, knew: u64) -> Vec<ShortId> {
        let known = (0..self.bursts.len()).filter(|index| knew >> index & 1 == 1);
        let covered = known.clone().fold(0, |covered, index| covered | self.knew[index]);
        let heads = known.filter(|index| covered >> index & 1 == 0);
        let mut heads: Vec<ShortId> = heads.flat_map(|index| self.heads[index].clone()).collect();
        heads.truncate(MAX_AFTER);
        heads
    }

    /// Signatures are checked before intake, by tests of their own; here they would be most of the time.
    fn sign(&mut self, who: usize, ops: &[Op], about: usize, knew: u64) {
        let place = &mut self.places[who];
        let mut prev = [0; 16];
        if let Some(digest) = place.prev {
            prev.copy_from_slice(&digest.0[..16]);
        }
        let (time_ms, n) = (1_000 + self.bursts.len() as u64, u8::try_from(ops.len()).expect("few"));
        let head = Head { author: place.author, inc: place.inc, seq: place.seq, prev, time_ms, beacon: 0, n };
        let slots = ops.iter().map(|op| Slot::Open(op.encode())).collect();
        let verified = Verified::of_own(Burst { head, sig: [0; 64], slots });
        *place = place.then(verified.digest);
        self.authors.push(who);
        self.heads.push(verified.ids[..about].iter().map(|id| id.short()).collect());
        self.knew.push(knew);
        self.bursts.push(verified);
    }

    /// The set for a person.
    pub(crate) fn tell(&self) -> String {
        let mut told = format!("{:?} {}, the first {} undisputed\n", self.scene, self.subject, self.way);
        for (index, verified) in self.bursts.iter().enumerate() {
            let known: Vec<usize> = (0..index).filter(|other| self.knew[index] >> other & 1 == 1).collect();
            write!(told, "{index:>3} {:9} knowing {known:?}", NAMES[self.authors[index]]).expect("a string");
            for slot in &verified.burst.slots {
                let Slot::Open(bytes) = slot else { continue };
                let op = Op::decode(bytes).expect("written here");
                write!(told, " | {:?}", Fact::read(op.class_kind, &op.payload)).expect("a string");
            }
            told.push('\n');
        }
        told
    }

    /// Whether everything arrives after what its author had seen, where the first `held` were there before.
    pub(crate) fn is_possible(&self, held: usize, order: &[usize]) -> bool {
        let mut here = (1u64 << held) - 1;
        order.iter().all(|index| {
            let seen = self.knew[*index] & !here == 0;
            here |= 1 << index;
            seen
        })
    }
}
