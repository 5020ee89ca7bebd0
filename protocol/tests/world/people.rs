//! Central, a courier hub, agents and vendors with real seats, each with a replica of its own: an
//! edge holds only what its scopes hold, and of that only what it has fetched.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use protocol::account::Code as Chart;
use protocol::burst::{Burst, ChainPlace, Slot};
use protocol::command::Command;
use protocol::decide::{Draft, Shelf, decide};
use protocol::fold::{Folded, State};
use protocol::id::{Author, Id16, Incarnation, Kind, OpId, Scope, ShortId, Subject};
use protocol::intake::{Clerk, Verified, op_of, verify};
use protocol::op::Op;
use protocol::refusal::Refusal;
use protocol::seat::{Certificate, Role, Seat, bits};
use protocol::shift::Shift;
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use crate::store::Store;

/// One seat with its replica.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) key: SigningKey,
    pub(crate) seat: Seat,
    pub(crate) author: Author,
    pub(crate) place: ChainPlace,
    pub(crate) store: Store,
    pub(crate) online: bool,
    outbox: Vec<Burst>,
}

/// Everybody.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) central: Person,
    pub(crate) people: BTreeMap<String, Person>,
    ticks: u64,
}

/// 16 bytes that a word stands for in a test.
pub(crate) fn id_of(word: &str) -> Id16 {
    let mut id = Id16([0; 16]);
    id.0.copy_from_slice(&blake3::hash(word.as_bytes()).as_bytes()[..16]);
    id
}

/// The authority of all tests.
pub(crate) fn authority() -> SigningKey {
    SigningKey::from_bytes(&blake3::derive_key("getit test authority", b""))
}

/// The seat of a role.
pub(crate) fn person(name: &str, role: Role, party: Scope) -> Person {
    let key = SigningKey::from_bytes(&blake3::derive_key("getit test key", name.as_bytes()));
    let (classes, grants) = Seat::rights(role, party);
    let seat = Seat {
        tenant: id_of("tenant"),
        device: id_of(name),
        person: id_of(name),
        party,
        key: key.verifying_key().to_bytes(),
        classes,
        grants,
        cash_ceiling: Taka::whole(50_000),
        issued_ms: 1_700_000_000_000,
        issuer: [0; 32],
    };
    let certificate = Certificate::issue(&authority(), seat).expect("the key is strong");
    let author = certificate.author();
    let place = ChainPlace::start(author, Incarnation(*b"inc1"));
    Person { key, seat: certificate.seat, author, place, store: Store::default(), online: true, outbox: Vec::new() }
}

impl World {
    /// Central, hub s1, agents a7, a8, a9 of it, pickup points k1 (ours) and k2 (a partner's), vendors v1, v2.
    pub(crate) fn new() -> Self {
        let site = Subject::new(Kind::Site, id_of("s1"));
        let mut people = BTreeMap::new();
        people.insert("s1".to_owned(), person("s1", Role::Site, site));
        for name in ["a7", "a8", "a9"] {
            people.insert(name.to_owned(), person(name, Role::Agent, Subject::agent(site, id_of(name))));
        }
        for name in ["k1", "k2"] {
            people.insert(name.to_owned(), person(name, Role::Site, Subject::new(Kind::Site, id_of(name))));
        }
        let partner = people.get_mut("k2").expect("just inserted");
        (partner.seat.classes, partner.seat.grants) = Seat::partner_rights(partner.seat.party);
        for name in ["v1", "v2"] {
            people.insert(name.to_owned(), person(name, Role::Vendor, Subject::new(Kind::Vendor, id_of(name))));
        }
        let mut world = Self { central: person("central", Role::Central, Subject::tenant()), people, ticks: 0 };
        let everybody = world.people.values().chain([&world.central]);
        let seats: BTreeMap<Author, Seat> = everybody.map(|person| (person.author, person.seat.clone())).collect();
        world.people.values_mut().for_each(|person| person.store.seats = seats.clone());
        world.central.store.seats = seats;
        world
    }

    /// The scope of a person or place.
    pub(crate) fn party(&self, name: &str) -> Scope {
        self.people.get(name).unwrap_or_else(|| panic!("nobody is called {name}")).seat.party
    }

    /// Fresh time and entropy.
    pub(crate) fn stamp(&mut self) -> Stamp {
        self.ticks += 1;
        let entropy = blake3::derive_key("getit test entropy", &self.ticks.to_be_bytes());
        Stamp { now_ms: 1_700_000_000_000 + self.ticks * 60_000, entropy }
    }

    /// Asks the person's own replica; on a yes the drafts are still to be recorded.
    pub(crate) fn decide(&mut self, name: &str, command: &Command) -> Result<Vec<Draft>, Refusal> {
        let stamp = self.stamp();
        let person = &self.people[name];
        decide(&person.seat, command, person, &stamp)
    }

    /// Records each list of drafts as a burst of its own; all of them after the same heads, as a
    /// finger does that taps twice.
    pub(crate) fn record(&mut self, name: &str, taps: &[Vec<Draft>]) {
        let heads = |person: &Person, draft: &Draft| person.heads(draft.subject);
        let person = &self.people[name];
        let op = |draft: &Draft| op_of(draft.subject, &draft.fact, heads(person, draft));
        let bursts: Vec<Vec<Op>> = taps.iter().map(|drafts| drafts.iter().map(op).collect()).collect();
        bursts.iter().for_each(|ops| self.record_ops(name, ops));
    }

    /// Records one burst of these ops, whatever they say.
    pub(crate) fn record_ops(&mut self, name: &str, ops: &[Op]) {
        let stamp = self.stamp();
        let person = self.people.get_mut(name).expect("checked by party");
        let burst = Burst::sign(&person.key, &person.place, stamp.now_ms, ops);
        person.place = person.place.then(burst.digest());
        person.store.take(vec![Verified::of_own(burst.clone())], None);
        person.outbox.push(burst);
        if person.online {
            self.sync(name);
        }
    }

    /// Central authors these drafts in one burst, and reacts.
    pub(crate) fn central_authors(&mut self, drafts: &[Draft]) {
        let stamp = self.stamp();
        let central = &mut self.central;
        let op = |draft: &Draft| op_of(draft.subject, &draft.fact, central.heads(draft.subject));
        let ops: Vec<Op> = drafts.iter().map(op).collect();
        let burst = Burst::sign(&central.key, &central.place, stamp.now_ms, &ops);
        central.place = central.place.then(burst.digest());
        central.intake(vec![Verified::of_own(burst)], stamp);
        self.fan_out();
    }

    /// Sends what waits, and fetches what is there.
    pub(crate) fn sync(&mut self, name: &str) {
        let stamp = self.stamp();
        let person = self.people.get_mut(name).expect("checked by party");
        person.online = true;
        let sent: Vec<Burst> = std::mem::take(&mut person.outbox);
        let check = |burst: &Burst| {
            let arrived = Burst::decode(&burst.encode()).expect("sent whole");
            verify(arrived, &person.seat).expect("signed by its author")
        };
        let verified = sent.iter().map(check).collect();
        self.central.intake(verified, stamp);
        self.fan_out();
    }

    fn fan_out(&mut self) {
        for person in self.people.values_mut().filter(|person| person.online) {
            person.fetch(&self.central.store);
        }
    }
}

impl Person {
    /// The heads of a subject as this replica holds it; scopes have none.
    pub(crate) fn heads(&self, subject: Subject) -> Vec<ShortId> {
        if subject.is_scope() { Vec::new() } else { self.store.history(subject).heads() }
    }

    fn intake(&mut self, bursts: Vec<Verified>, stamp: Stamp) {
        let clerk = Clerk { key: &self.key, place: self.place, stamp };
        let taken = self.store.take(bursts, Some(clerk));
        self.place = taken.place.expect("a clerk returns his place");
    }

    /// Fetches whatever of `from` the seat's scopes hold; the rest of each burst stays withheld.
    fn fetch(&mut self, from: &Store) {
        let mut batch = Vec::new();
        for digest in &from.log {
            let (burst, ids, _) = &from.bursts[digest];
            let answered = self.store.bursts.get(digest).map_or(0, |(_, _, answered)| *answered);
            let seen: Vec<OpId> = burst
                .slots
                .iter()
                .zip(ids)
                .enumerate()
                .filter(|(index, (slot, _))| answered >> index & 1 == 0 && self.may_see(from, slot))
                .map(|(_, (_, id))| *id)
                .collect();
            if seen.is_empty() {
                continue;
            }
            let part = burst.withhold(|id| seen.contains(id));
            let seat = &self.store.seats[&burst.head.author];
            let arrived = Burst::decode(&part.encode()).expect("sent whole");
            batch.push(verify(arrived, seat).expect("signed by its author"));
        }
        if !batch.is_empty() {
            self.store.take(batch, None);
        }
    }

    fn may_see(&self, from: &Store, slot: &Slot) -> bool {
        let Slot::Open(bytes) = slot else { return false };
        let subject = Op::decode(bytes).expect("held").subject;
        if subject.is_scope() {
            return self.seat.may(bits::READ, &subject);
        }
        let scopes = from.members.get(&subject).into_iter().flatten();
        scopes.filter(|(_, generations)| generations.is_member()).any(|(scope, _)| self.seat.may(bits::READ, scope))
    }
}

impl Shelf for Person {
    fn folded(&self, subject: Subject) -> Option<Folded> {
        self.store.ops.get(&subject).map(|_| self.store.fold(subject))
    }

    fn membership(&self, scope: Scope, subject: Subject) -> (bool, u32) {
        let held = self.store.members.get(&subject).and_then(|scopes| scopes.get(&scope)).copied().unwrap_or_default();
        (held.is_member(), held.close + 1)
    }

    fn cash_on_hand(&self) -> Taka {
        let mine = Chart::AgentCash.of_owner(self.seat.party);
        let mut cash = Taka::ZERO;
        for subject in self.store.ops.keys() {
            let folded = self.store.fold(*subject);
            let postings = folded.journals.iter().flat_map(|journal| &journal.postings);
            cash = cash.plus(postings.filter(|posting| posting.account == mine).map(|posting| posting.amount).sum());
            if let State::HandIn(handin) = &folded.state {
                if let (Some(offered), None, true) =
                    (handin.offered, handin.counted, handin.agent == Some(self.seat.party))
                {
                    cash = cash.minus(offered);
                }
            }
        }
        cash
    }

    fn till_balance(&self) -> Taka {
        let mine = Chart::Till.of_owner(self.seat.party);
        let folds = self.store.ops.keys().map(|subject| self.store.fold(*subject));
        let postings = folds.flat_map(|folded| folded.journals).flat_map(|journal| journal.postings);
        postings.filter(|posting| posting.account == mine).map(|posting| posting.amount).sum()
    }

    fn shifts(&self) -> Vec<(Subject, Shift)> {
        let own = |subject: &Subject| match self.store.fold(*subject).state {
            State::Shift(shift) if shift.site == Some(self.seat.party) => Some((*subject, *shift)),
            _ => None,
        };
        self.store.ops.keys().filter_map(own).collect()
    }

    fn code_locked(&self, _: Subject) -> bool {
        true
    }

    fn chain(&self) -> (Incarnation, u64) {
        (self.place.inc, self.place.seq - 1)
    }
}
