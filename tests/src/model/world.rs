//! The world of the model: who is in it, what goes wrong, and what must hold at the end.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use protocol::burst::ChainPlace;
use protocol::decide::Draft;
use protocol::fact::{EarningOpened, Fact, Line, ParcelCreated, Put, Revoked};
use protocol::fold::State;
use protocol::frame::Cursor;
use protocol::id::{Author, Id16, Incarnation, Kind, Scope, Subject};
use protocol::parcel::Status;
use protocol::seat::{Certificate, Role, Seat};
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::Dice;
use super::central::Central;
use super::edge::Edge;
use super::memory::Memory;
use super::people::{self, Things};
use super::wire::{self, Link};

const SITES: u8 = 2;
const AGENTS: u8 = 4;
const VENDORS: u8 = 2;
const SUBJECTS: usize = 30;
const STEPS: usize = 220;
/// After the faults stop, this many sessions of each edge must be enough.
const SESSIONS: usize = 3;

/// What one seed came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub ops: u64,
    pub duplicates: u64,
    pub refused: u64,
    pub cuts: u64,
    pub relays: u64,
    pub restores: u64,
    pub revoked: u64,
    pub contested: u64,
    pub journals: BTreeMap<&'static str, u64>,
    /// Repairs by rung.
    pub repairs: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Adds another seed's.
    pub fn add(&mut self, other: &Self) {
        self.ops += other.ops;
        self.duplicates += other.duplicates;
        self.refused += other.refused;
        self.cuts += other.cuts;
        self.relays += other.relays;
        self.restores += other.restores;
        self.revoked += other.revoked;
        self.contested += other.contested;
        for (rule, count) in &other.journals {
            *self.journals.entry(rule).or_default() += count;
        }
        for (rung, count) in &other.repairs {
            *self.repairs.entry(rung).or_default() += count;
        }
    }
}

/// Runs the world of `seed`.
///
/// # Panics
/// When something that must hold does not; the message names it.
#[must_use]
pub fn run(seed: u64) -> Report {
    let mut world = World::new(seed);
    for step in 0..STEPS {
        world.step(step);
    }
    world.settle();
    world.verdict()
}

pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) central: Central,
    backup: Option<Central>,
    pub(super) edges: Vec<Edge>,
    parcels: Vec<Subject>,
    clock_ms: u64,
    revoked: Option<Author>,
    report: Report,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let authority = SigningKey::from_bytes(&dice.bytes());
        let seat_of = |role, party: Scope, dice: &mut Dice| {
            let key = SigningKey::from_bytes(&dice.bytes());
            let (classes, grants) = Seat::rights(role, party);
            let mut person = Id16::default();
            person.0.copy_from_slice(&dice.bytes()[..16]);
            let seat = Seat {
                tenant: Id16::default(),
                device: person,
                person,
                party,
                key: key.verifying_key().to_bytes(),
                classes,
                grants,
                cash_ceiling: Taka::whole(100_000),
                issued_ms: 1,
                issuer: [0; 32],
            };
            let certificate = Certificate::issue(&authority, seat).unwrap_or_else(|error| panic!("{error}"));
            (key, certificate)
        };
        let mut memory = Memory::default();
        let (key, certificate) = seat_of(Role::Central, Subject::tenant(), &mut dice);
        let place = ChainPlace::start(certificate.author(), Incarnation([1; 4]));
        let own = certificate.clone();
        memory.add_certificate(certificate);
        let site = |n: u8| Subject::new(Kind::Site, Id16([n; 16]));
        let mut parties: Vec<(Role, Scope)> = (1..=SITES).map(|n| (Role::Site, site(n))).collect();
        parties.extend((1..=AGENTS).map(|n| (Role::Agent, Subject::agent(site(1 + n % SITES), Id16([n; 16])))));
        parties.extend((1..=VENDORS).map(|n| (Role::Vendor, Subject::new(Kind::Vendor, Id16([0x40 + n; 16])))));
        let mut edges = Vec::new();
        for (role, party) in parties {
            let (key, certificate) = seat_of(role, party, &mut dice);
            let author = certificate.author();
            memory.add_certificate(certificate.clone());
            edges.push(Edge {
                author,
                seat: certificate.seat.clone(),
                key,
                authority: authority.verifying_key(),
                memory: Memory::with_certificates([certificate.clone(), own.clone()]),
                place: ChainPlace::start(author, Incarnation([7; 4])),
                own: Vec::new(),
                safe: 0,
                cursor: Cursor::default(),
                compared: None,
                refused: 0,
                repairs: BTreeMap::new(),
            });
        }
        let central = Central { memory, key, log_id: [1; 8], place };
        Self {
            dice,
            central,
            backup: None,
            edges,
            parcels: Vec::new(),
            clock_ms: 1_000,
            revoked: None,
            report: Report::default(),
        }
    }

    pub(super) fn stamp(&mut self) -> Stamp {
        self.clock_ms += 1_000;
        Stamp { now_ms: self.clock_ms, entropy: self.dice.bytes() }
    }

    fn step(&mut self, step: usize) {
        match self.dice.below(100) {
            0..=24 if self.parcels.len() < SUBJECTS / 2 => self.place_order(),
            0..=54 => self.act(),
            55..=84 => {
                let at = self.dice.below(self.edges.len());
                let cut = if self.dice.chance(40) { 6 } else { 0 };
                self.session(at, cut);
            }
            85..=91 => self.relay(),
            92..=93 => self.backup = Some(self.central.clone()),
            94 if step > STEPS / 2 && self.report.restores == 0 => self.restore(),
            95 => self.revoke(),
            _ => self.act(),
        }
    }

    fn place_order(&mut self) {
        let stamp = self.stamp();
        let vendors: Vec<Scope> = self.parties(Role::Vendor);
        let sites: Vec<Scope> = self.parties(Role::Site);
        let (Some(vendor), Some(site)) = (self.dice.pick(&vendors).copied(), self.dice.pick(&sites).copied()) else {
            return;
        };
        let parcel = Subject::new(Kind::Parcel, stamp.id(1));
        let earning = Subject::earning_of(parcel);
        let goods = Taka::from_paisa(100_000 + 37 * self.dice.below(1_000) as i64).unwrap_or_default();
        let (delivery, delivery_vat) = (Taka::whole(60), Taka::whole(9));
        let price = goods.plus(delivery).plus(delivery_vat);
        let due = price.whole_taka();
        let (commission, cod_fee) = (goods.basis_points(1_000), goods.basis_points(100));
        let lines = vec![Line { sku: "RG-0001".to_owned(), qty: 1, unit_price: goods }];
        let order = Subject::new(Kind::Order, stamp.id(0));
        let created = ParcelCreated { order, vendor, site, due, lines, sealed: Vec::new() };
        let terms = EarningOpened {
            parcel,
            vendor,
            goods,
            delivery,
            delivery_vat,
            rounding: price.minus(due),
            commission,
            cod_fee,
            vendor_vat: commission.plus(cod_fee).basis_points(1_500),
            rto_fee: Taka::whole(50),
            rto_vat: Taka::from_paisa(750).unwrap_or_default(),
        };
        let put = |scope, subjects| Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects }) };
        let drafts = [
            Draft { subject: parcel, fact: Fact::ParcelCreated(created) },
            Draft { subject: earning, fact: Fact::EarningOpened(terms) },
            put(vendor, vec![parcel, earning]),
            put(site, vec![parcel]),
        ];
        self.central.author(&drafts, stamp);
        self.parcels.push(parcel);
    }

    fn parties(&self, role: Role) -> Vec<Scope> {
        self.edges.iter().filter(|edge| edge.seat.role() == role).map(|edge| edge.seat.party).collect()
    }

    fn act(&mut self) {
        let stamp = self.stamp();
        let at = self.dice.below(self.edges.len());
        let agents = self.parties(Role::Agent);
        let handins: Vec<Subject> =
            self.edges[at].memory.by_subject.keys().copied().filter(|s| s.kind() == Some(Kind::HandIn)).collect();
        let things = Things { parcels: &self.parcels, handins: &handins, agents: &agents };
        people::act(&mut self.edges[at], &things, &mut self.dice, stamp);
    }

    fn session(&mut self, at: usize, cut_percent: u64) {
        let stamp = self.stamp();
        let revoked = self.revoked == Some(self.edges[at].author);
        // Some hubs are of before the ladder.
        let ladder = !self.dice.chance(15);
        let link = Link { cut_percent, dies_after: usize::MAX, ladder };
        let rested = wire::run(&mut self.edges[at], &mut self.central, &mut self.dice, stamp, &link, revoked);
        self.report.cuts += u64::from(!rested);
    }

    /// Two devices on one LAN: each takes what it may read of the other, both ways.
    fn relay(&mut self) {
        let (a, b) = (self.dice.below(self.edges.len()), self.dice.below(self.edges.len()));
        if a == b {
            return;
        }
        use protocol::session::EdgeStore;
        for (from, to) in [(a, b), (b, a)] {
            let bursts = self.edges[from].relay_to(&self.edges[to].seat.clone());
            let certificates: Vec<Vec<u8>> =
                self.edges[from].memory.certificates.values().map(Certificate::encode).collect();
            let Ok(()) = self.edges[to].add_certificates(&certificates);
            let Ok(unknown) = self.edges[to].receive(bursts);
            assert!(unknown.is_empty(), "a relay hands on the certificates with the bursts");
        }
        self.report.relays += 1;
    }

    /// Central comes back as it was: a new log, a new incarnation of its chain.
    fn restore(&mut self) {
        let Some(mut old) = self.backup.clone() else { return };
        let inc = Incarnation(self.dice.bytes()[..4].try_into().unwrap_or_default());
        old.log_id.copy_from_slice(&self.dice.bytes()[..8]);
        old.place = ChainPlace::start(old.place.author, inc);
        // Revocations are told again by operations after a restore; the model keeps them simple.
        if self.revoked.is_some() && old.memory.revocations.is_empty() {
            return;
        }
        self.central = old;
        self.report.restores += 1;
    }

    fn revoke(&mut self) {
        if self.revoked.is_some() || !self.dice.chance(30) {
            return;
        }
        let stamp = self.stamp();
        let agents: Vec<Author> =
            self.edges.iter().filter(|e| e.seat.role() == Role::Agent).map(|e| e.author).collect();
        let Some(author) = self.dice.pick(&agents).copied() else { return };
        let chains = self.central.memory.chains.iter().filter(|((by, _), _)| *by == author);
        let known = chains.map(|((_, inc), chain)| protocol::fact::Known { inc: *inc, seq: chain.upto }).collect();
        let revoked = Fact::Revoked(Revoked { author, beacon: 0, known });
        self.central.author(&[Draft { subject: Subject::tenant(), fact: revoked }], stamp);
        self.revoked = Some(author);
        self.report.revoked += 1;
    }

    fn settle(&mut self) {
        for _ in 0..SESSIONS {
            for at in 0..self.edges.len() {
                self.session(at, 0);
            }
        }
    }

    fn verdict(mut self) -> Report {
        self.central.memory.sketches_stand();
        for edge in &self.edges {
            let who = edge.seat.party;
            edge.memory.sketches_stand();
            for (rung, count) in &edge.repairs {
                *self.report.repairs.entry(rung).or_default() += count;
            }
            assert_eq!(edge.safe, edge.last(), "{who}: every burst is SAFE");
            // A withdrawn device is drained of what it wrote; it does not feed a restored central otherwise.
            let drained = self.revoked == Some(edge.author);
            let fed = edge.memory.ops.values().filter(|(_, row)| !drained || row.held.author == edge.author);
            for (id, row) in fed.map(|(_, row)| (row.held.id, row)) {
                assert!(self.central.memory.ops.contains_key(&id), "{who}: central holds {id} of {}", row.subject);
            }
            if !drained {
                assert_eq!(edge.compared, Some((true, true)), "{who}: roots and books are equal");
                self.same_rows(edge);
            }
        }
        let trial: Taka = self.central.memory.balances.values().copied().sum();
        assert_eq!(trial, Taka::ZERO, "debits equal credits");
        let subjects: Vec<Subject> = self.central.memory.by_subject.keys().copied().filter(|s| !s.is_scope()).collect();
        let mut effects: BTreeSet<(Subject, &str)> = BTreeSet::new();
        for subject in subjects {
            let Some(folded) = self.central.memory.folded(subject) else { continue };
            self.report.contested += u64::from(!folded.contests().is_empty());
            let posted =
                self.central.memory.standing.get(&subject).into_iter().flatten().filter(|(_, s)| s.is_posted());
            let posted: Vec<_> = posted.map(|(_, standing)| standing.journal.clone()).collect();
            assert_eq!(posted, folded.journals, "{subject}: the log's net is T");
            for journal in &folded.journals {
                *self.report.journals.entry(journal.rule.name()).or_default() += 1;
                let single =
                    matches!(journal.rule.name(), "J5" | "J7" | "J21" | "J4" | "J11" | "J11a" | "J8" | "J9" | "J10");
                assert!(!single || effects.insert((subject, journal.rule.name())), "{subject}: {journal} twice");
            }
            if let State::Parcel(parcel) = &folded.state {
                self.is_distributed(subject, parcel);
                assert!(
                    parcel.created.is_some() || parcel.incomplete || self.report.restores > 0,
                    "{subject} came from somewhere"
                );
            }
        }
        self.report.ops = self.central.memory.ops.len() as u64;
        self.report.duplicates = self.central.memory.duplicates;
        self.report.refused = self.central.memory.refused;
        self.report
    }

    /// What is delivered, paid and beyond doubt is the vendor's, whatever came first.
    fn is_distributed(&self, subject: Subject, parcel: &protocol::parcel::Parcel) {
        let earning = self.central.memory.folded(Subject::earning_of(subject)).map(|folded| folded.state);
        let Some(State::Earning(earning)) = earning else { return };
        let due = parcel.is_settled() && parcel.status == Status::Delivered && earning.terms.is_some();
        assert!(!due || earning.distributed_for.is_some(), "{subject} is delivered and settled, and not distributed");
    }

    /// Equal roots mean equal states, row by row, not only an equal digest.
    fn same_rows(&self, edge: &Edge) {
        let scopes = edge.memory.readable(&edge.seat);
        let open = self.central.memory.members.iter().filter(|(_, of)| {
            of.iter().any(|(scope, (generations, _))| generations.is_member() && scopes.contains(scope))
        });
        for (subject, _) in open {
            assert_eq!(
                edge.memory.folded(*subject),
                self.central.memory.folded(*subject),
                "{subject} at {}",
                edge.seat.party
            );
        }
    }
}
