//! One world: who is in it, and what happens next.

use std::collections::BTreeSet;

use protocol::decide::Draft;
use protocol::fact::{Carry, Close, Fact, Known, Revoked};
use protocol::fold::State;
use protocol::id::{Author, Incarnation, Kind, Scope, Subject};
use protocol::parcel::Status;
use protocol::seat::{Certificate, Role, bits};
use protocol::session::EdgeStore;
use protocol::stamp::Stamp;

use super::call::{Call, Fate};
use super::device::{Clock, Device, JUMP_MS};
use super::fault::{Fault, Report};
use super::mutant::Mutant;
use super::verdict;
use super::visit::{self, Ended};
use crate::model::people::{self, Things};
use crate::model::{Central, Dice, KEEP_BEACONS, Parties, order};

/// Steps of one world.
pub const STEPS: u64 = 600;
/// After the faults stop, so many sessions of each device must be enough.
pub const SESSIONS: usize = 3;
const HUBS: usize = 2;
const PARCELS: usize = 24;
/// Closes of one time, about.
const CLOSES: usize = 24;
/// Where the sun stands at the first step, ms since 1970: any day of the project.
const MORNING_MS: u64 = 1_790_000_000_000;
/// Copies of cards that one world makes at most: each is a device more.
const CLONES: usize = 2;
/// Frames after which a session without faults that does not come to rest is a bug.
const ENDLESS: usize = 20_000;

/// A world as it stands.
pub struct World {
    pub(super) dice: Dice,
    pub(super) now_ms: u64,
    pub(super) central: Central,
    old_central: Option<Central>,
    pub(super) devices: Vec<Device>,
    calls: Vec<Call>,
    parcels: Vec<Subject>,
    pub(super) revoked: Option<(Author, Vec<Known>)>,
    clones: usize,
    /// Central's newest beacon, and where its log stood then.
    beacon: (u64, u64),
    mutant: Option<Mutant>,
    pub(super) report: Report,
}

/// Runs the world of `seed`; with a mutant, the product that is wrong in that way.
///
/// # Errors
/// What did not hold, and at which step.
///
/// # Panics
/// When the product itself panics: callers catch that and name the seed.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Result<Report, String> {
    let mut world = World::new(seed, mutant);
    for step in 1..=STEPS {
        world.now_ms += 20 + world.dice.below(1_500) as u64;
        world.pump();
        let touched = world.step(step);
        verdict::at_a_step(&world, touched).map_err(|what| format!("step {step}: {what}"))?;
    }
    world.settle();
    verdict::at_the_end(world)
}

impl World {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut dice = Dice::new(seed);
        let Parties { mut central, edges } = Parties::meet(&mut dice);
        central.broken = mutant;
        let mut devices: Vec<Device> = edges.into_iter().map(Device::new).collect();
        devices.iter_mut().for_each(|device| device.edge.broken = mutant);
        let (calls, parcels) = (Vec::new(), Vec::new());
        let report = Report { seeds: 1, steps: STEPS, ..Report::default() };
        let (old_central, revoked, clones, now_ms) = (None, None, 0, MORNING_MS);
        let beacon = (0, 0);
        Self { dice, now_ms, central, old_central, devices, calls, parcels, revoked, clones, beacon, mutant, report }
    }

    /// Central's own time and chance.
    fn stamp(&mut self) -> Stamp {
        Stamp { now_ms: self.now_ms, entropy: self.dice.bytes() }
    }

    /// One thing happens; returns the device it happened to.
    fn step(&mut self, step: u64) -> Option<usize> {
        let at = self.dice.below(self.devices.len());
        match self.dice.below(200) {
            0..=24 if self.parcels.len() < PARCELS => self.place_order(),
            0..=84 => self.act(at),
            85..=129 => self.connect(at),
            130..=133 => self.relay(at),
            134..=137 => self.visit(at),
            138..=143 => self.cut(),
            144..=148 => self.deafen(),
            149..=153 => self.kill_device(at),
            154..=157 => self.kill_hub(),
            158..=161 => self.devices[at].backup = Some(self.devices[at].edge.clone()),
            162..=164 => self.restore_device(at),
            165..=166 => self.clone_device(at),
            167..=170 => self.fill(at),
            171..=173 => self.set_clock(at),
            174..=176 => self.slow_down(at),
            177..=180 => self.forge(at),
            181..=183 => self.old_central = Some(self.central.clone()),
            184 if step > STEPS / 2 => self.restore_central(),
            185 => self.revoke(),
            186..=188 => self.tick(),
            189..=191 => self.close(),
            _ => self.act(at),
        }
        (at < self.devices.len()).then_some(at)
    }

    /// Everything that has arrived by now is worked on.
    fn pump(&mut self) {
        let mut index = 0;
        while index < self.calls.len() {
            let mut ends = self.calls[index].is_silent(self.now_ms);
            let due = |due: Option<u64>, now| due.is_some_and(|due| due <= now);
            while !ends {
                let (up, down) = (self.calls[index].up.next_due(), self.calls[index].down.next_due());
                if due(up, self.now_ms) {
                    ends = !self.at_hub(index, Fate::Lives);
                } else if due(down, self.now_ms) && !self.devices[self.calls[index].device].full {
                    ends = !self.at_device(index, Fate::Lives);
                } else {
                    // A full disk ends the session: the node could not keep what came.
                    ends = due(down, self.now_ms);
                    break;
                }
            }
            if self.calls[index].rests() {
                self.report.rested += 1;
            }
            if ends {
                self.calls.remove(index);
            } else {
                index += 1;
            }
        }
    }

    fn at_hub(&mut self, index: usize, fate: Fate) -> bool {
        let at = (self.now_ms, self.stamp());
        let call = &mut self.calls[index];
        let device = &self.devices[call.device];
        // With the mutant every fifth commit meets a kill.
        let mutant = self.mutant == Some(Mutant::SafeBeforeCommit) && self.dice.chance(20);
        let fate = if mutant { Fate::Torn } else { fate };
        call.at_hub(device, &mut self.central, fate, at, (&mut self.dice, &mut self.report))
    }

    fn at_device(&mut self, index: usize, fate: Fate) -> bool {
        let call = &mut self.calls[index];
        let device = &mut self.devices[call.device];
        call.at_device(device, fate, self.now_ms, (&mut self.dice, &mut self.report))
    }

    fn place_order(&mut self) {
        let stamp = self.stamp();
        let (vendors, sites) = (self.of(Role::Vendor), self.of(Role::Site));
        let (Some(vendor), Some(site)) = (self.dice.pick(&vendors).copied(), self.dice.pick(&sites).copied()) else {
            return;
        };
        let (parcel, drafts) = order(vendor, site, stamp, &mut self.dice);
        self.central.author(&drafts, stamp);
        self.parcels.push(parcel);
    }

    fn of(&self, role: Role) -> Vec<Scope> {
        let of = |device: &&Device| device.edge.seat.role() == role;
        let parties: BTreeSet<Scope> = self.devices.iter().filter(of).map(|device| device.edge.seat.party).collect();
        parties.into_iter().collect()
    }

    fn act(&mut self, at: usize) {
        if self.devices[at].full {
            return;
        }
        let agents = self.of(Role::Agent);
        let device = &mut self.devices[at];
        let stamp = device.stamp(self.now_ms, &mut self.dice);
        let handins: Vec<Subject> =
            device.edge.memory.by_subject.keys().copied().filter(|s| s.kind() == Some(Kind::HandIn)).collect();
        let things = Things { parcels: &self.parcels, handins: &handins, agents: &agents };
        if people::act(&mut device.edge, &things, &mut self.dice, stamp) {
            self.report.happened(Fault::StrangeFact);
        }
        if let Some(call) = self.calls.iter_mut().find(|call| call.device == at) {
            call.wake(&self.devices[at], self.now_ms);
        }
    }

    /// An hour of central's time is over.
    fn tick(&mut self) {
        self.beacon = (self.beacon.0 + 1, self.central.memory.position);
        self.central.place.beacon = self.beacon.0;
    }

    /// Central closes what is settled, and of which nothing came since the last beacon.
    fn close(&mut self) {
        // A restored central waits with that until its devices have fed it: longer than these worlds last.
        if self.report.faults.contains_key(Fault::RestoreCentral.word()) {
            return;
        }
        let memory = &self.central.memory;
        let quiet = |subject: &Subject| {
            let last = memory.by_subject[subject].iter().map(|id| memory.ops[id].0).max();
            !subject.is_scope() && last.is_some_and(|last| last <= self.beacon.1)
        };
        let mut drafts = Vec::new();
        for subject in memory.by_subject.keys().filter(|subject| quiet(subject)) {
            let settled = match memory.folded(*subject).map(|folded| folded.state) {
                Some(State::Parcel(parcel)) => {
                    parcel.is_settled() && matches!(parcel.status, Status::Delivered | Status::Returned)
                }
                Some(State::HandIn(handin)) => handin.counted.is_some() && handin.contests.is_empty(),
                Some(State::Earning(earning)) => earning.distributed_for.is_some() && earning.contests.is_empty(),
                _ => false,
            };
            if !settled || drafts.len() > CLOSES {
                continue;
            }
            let left = memory.nets(*subject).into_iter();
            let carry: Vec<Carry> =
                left.map(|(account, net)| Carry { code: account.code as u16, owner: account.owner, net }).collect();
            let open = memory.members.get(subject).into_iter().flatten().filter(|(_, (held, _))| held.is_member());
            drafts.extend(open.map(|(scope, (held, _))| {
                let close = Close { generation: held.put, subjects: vec![*subject], carry: carry.clone() };
                Draft { subject: *scope, fact: Fact::Close(close) }
            }));
        }
        if drafts.is_empty() {
            return;
        }
        let stamp = self.stamp();
        *self.report.closing.entry("closed").or_default() += drafts.len() as u64;
        self.central.author(&drafts, stamp);
    }

    fn is_revoked(&self, at: usize) -> bool {
        self.revoked.as_ref().is_some_and(|(author, _)| *author == self.devices[at].edge.author)
    }

    fn connect(&mut self, at: usize) {
        if self.calls.iter().any(|call| call.device == at) || self.devices[at].full {
            return;
        }
        let (hub, revoked) = ((self.dice.below(HUBS), self.dice.chance(10)), self.is_revoked(at));
        if hub.1 {
            self.report.happened(Fault::OldHub);
        }
        self.calls.push(Call::begin((at, &self.devices[at]), hub, revoked, self.now_ms));
    }

    /// Two devices on one LAN, or a bundle file: each takes what it may read of the other, newest first.
    fn relay(&mut self, at: usize) {
        let to = self.dice.below(self.devices.len());
        if at == to || self.devices[at].full || self.devices[to].full {
            return;
        }
        for (from, to) in [(at, to), (to, at)] {
            let mut bursts = self.devices[from].edge.relay_to(&self.devices[to].edge.seat.clone());
            bursts.reverse();
            let certificates: Vec<Vec<u8>> =
                self.devices[from].edge.memory.certificates.values().map(Certificate::encode).collect();
            let Ok(()) = self.devices[to].edge.add_certificates(&certificates);
            let Ok(unknown) = self.devices[to].edge.receive(bursts);
            assert!(unknown.is_empty(), "a relay hands on the certificates with the bursts");
        }
        self.report.happened(Fault::Reorder);
    }

    /// An agent comes by his site, whose node is a relay.
    fn visit(&mut self, at: usize) {
        let serves = |device: &Device, party: &Scope| !device.full && device.edge.seat.may(bits::SERVE, party);
        let party = self.devices[at].edge.seat.party;
        let sites = (0..self.devices.len()).filter(|to| *to != at && serves(&self.devices[*to], &party));
        let sites: Vec<usize> = sites.collect();
        let Some(to) = self.dice.pick(&sites).copied() else { return };
        if self.devices[at].full || self.devices[at].edge.seat.role() != Role::Agent {
            return;
        }
        let known = self.devices[to].edge.memory.revocations.contains_key(&self.devices[at].edge.author);
        let Ok([agent, site]) = self.devices.get_disjoint_mut([at, to]) else { return };
        let ended = visit::visit(&mut agent.edge, &mut site.edge, known, &mut self.dice);
        assert!(ended != Ended::Equal || visit::agree(&agent.edge, &site.edge), "a visit says equal, and it is not so");
        self.report.happened(Fault::Visit);
        *self.report.visits.entry(ended.word()).or_default() += 1;
    }

    fn cut(&mut self) {
        if !self.calls.is_empty() {
            let at = self.dice.below(self.calls.len());
            self.calls.remove(at);
            self.report.happened(Fault::Cut);
        }
    }

    fn deafen(&mut self) {
        let at = self.dice.below(self.calls.len());
        if let Some(call) = self.calls.get_mut(at) {
            let line = if self.dice.chance(50) { &mut call.up } else { &mut call.down };
            line.deaf = true;
            self.report.happened(Fault::OneWayCut);
        }
    }

    /// The power goes while the next frame is worked on.
    fn kill_device(&mut self, at: usize) {
        let Some(index) = self.calls.iter().position(|call| call.device == at) else { return };
        let (fate, fault) =
            if self.dice.chance(50) { (Fate::Torn, Fault::TornWrite) } else { (Fate::Dies, Fault::KillDevice) };
        if let Some(due) = self.calls[index].down.next_due() {
            self.now_ms = self.now_ms.max(due);
            self.at_device(index, fate);
            self.report.happened(fault);
        }
        self.calls.remove(index);
    }

    /// Its sessions go with it; one of them had just committed, or was about to.
    fn kill_hub(&mut self) {
        let hub = self.dice.below(HUBS);
        if let Some(index) = self.calls.iter().position(|call| call.hub == hub && call.up.next_due().is_some()) {
            self.now_ms = self.now_ms.max(self.calls[index].up.next_due().unwrap_or_default());
            let fate = if self.dice.chance(50) { Fate::Torn } else { Fate::Dies };
            self.at_hub(index, fate);
            self.report.happened(Fault::KillHub);
        }
        self.calls.retain(|call| call.hub != hub);
    }

    /// An older database comes back, and is known as such; or the disk lied, and nobody knows.
    fn restore_device(&mut self, at: usize) {
        let Some(old) = self.devices[at].backup.clone() else { return };
        self.calls.retain(|call| call.device != at);
        let device = &mut self.devices[at];
        let lost = device.edge.place != old.place;
        device.edge = old;
        device.met = false;
        if !lost {
            return;
        }
        if self.dice.chance(60) {
            if self.mutant != Some(Mutant::NumberReused) {
                device.begin_anew(&mut self.dice);
            }
            self.report.happened(Fault::RestoreDevice);
        } else if self.mutant.is_none() {
            self.report.happened(Fault::LyingDisk);
        } else {
            // Only what a mutant breaks may fork a chain.
            device.begin_anew(&mut self.dice);
        }
    }

    fn clone_device(&mut self, at: usize) {
        if self.clones == CLONES || self.is_revoked(at) {
            return;
        }
        let mut copy = Device::new(self.devices[at].edge.clone());
        if self.mutant != Some(Mutant::NumberReused) {
            copy.begin_anew(&mut self.dice);
        }
        self.devices.push(copy);
        self.clones += 1;
        self.report.happened(Fault::Clone);
    }

    fn fill(&mut self, at: usize) {
        let device = &mut self.devices[at];
        device.full = !device.full;
        if device.full {
            self.report.happened(Fault::FullDisk);
        }
    }

    fn set_clock(&mut self, at: usize) {
        let (clock, fault) = match self.dice.below(3) {
            0 => (Clock::Dead, Some(Fault::DeadClock)),
            1 => (Clock::Off(if self.dice.chance(50) { JUMP_MS } else { -JUMP_MS }), Some(Fault::ClockJump)),
            _ => (Clock::Right, None),
        };
        self.devices[at].clock = clock;
        fault.into_iter().for_each(|fault| self.report.happened(fault));
    }

    fn slow_down(&mut self, at: usize) {
        self.devices[at].slow = !self.devices[at].slow;
        if self.devices[at].slow {
            self.report.happened(Fault::SlowLine);
        }
    }

    /// Somebody writes in the device's name, with a key that is not its.
    fn forge(&mut self, at: usize) {
        let Some(parcel) = self.dice.pick(&self.parcels).copied() else { return };
        let stamp = self.stamp();
        let burst = people::forgery(&self.devices[at].edge, parcel, stamp);
        let refused = self.central.take(vec![burst.clone()], stamp);
        let to = self.dice.below(self.devices.len());
        let Ok(_unknown) = self.devices[to].edge.receive(vec![burst]);
        self.report.refused += refused.len() as u64;
        self.report.happened(Fault::Forgery);
    }

    /// Central comes back as it was: a new log, a new incarnation of its chain.
    fn restore_central(&mut self) {
        let Some(mut old) = self.old_central.clone() else { return };
        // A copy that is older than the time for which devices keep what was closed is not to be fed again.
        if old.place.beacon + KEEP_BEACONS <= self.beacon.0 {
            return;
        }
        // Operations tell a revocation again after a restore; the model keeps them simple.
        if self.revoked.is_some() && old.memory.revocations.is_empty()
            || self.report.faults.contains_key("restore_central")
        {
            return;
        }
        let mut inc = Incarnation([0; 4]);
        inc.0.copy_from_slice(&self.dice.bytes()[..4]);
        old.log_id.copy_from_slice(&self.dice.bytes()[..8]);
        old.begin(inc);
        old.place.beacon = self.beacon.0;
        self.central = old;
        self.calls.clear();
        self.devices.iter_mut().for_each(|device| device.met = false);
        self.report.happened(Fault::RestoreCentral);
    }

    fn revoke(&mut self) {
        if self.revoked.is_some() || self.dice.chance(60) {
            return;
        }
        let stamp = self.stamp();
        let agents = self.devices.iter().filter(|device| device.edge.seat.role() == Role::Agent);
        let agents: Vec<Author> = agents.map(|device| device.edge.author).collect();
        let Some(author) = self.dice.pick(&agents).copied() else { return };
        let chains = self.central.memory.chains.iter().filter(|((by, _), _)| *by == author);
        let known: Vec<Known> = chains.map(|((_, inc), chain)| Known { inc: *inc, seq: chain.upto }).collect();
        self.tick();
        let revoked = Fact::Revoked(Revoked { author, beacon: self.beacon.0, known: known.clone() });
        self.central.author(&[Draft { subject: Subject::tenant(), fact: revoked }], stamp);
        let devices = &self.devices;
        self.calls.retain(|call| devices[call.device].edge.author != author);
        self.revoked = Some((author, known));
        self.report.happened(Fault::Revocation);
    }

    /// The faults are over: every device talks until it rests, a few times.
    fn settle(&mut self) {
        self.calls.clear();
        for device in &mut self.devices {
            (device.full, device.slow) = (false, false);
        }
        for _ in 0..SESSIONS {
            // Whatever is closed is let go of in the end.
            (0..=KEEP_BEACONS).for_each(|_| self.tick());
            for at in 0..self.devices.len() {
                self.connect(at);
                for _ in 0..ENDLESS {
                    let Some(call) = self.calls.first() else { break };
                    let due = [call.up.next_due(), call.down.next_due()].into_iter().flatten().min();
                    let Some(due) = due else { break };
                    self.now_ms = self.now_ms.max(due);
                    self.pump();
                }
                assert!(self.calls.iter().all(Call::rests), "the session of device {at} does not come to rest");
                self.calls.clear();
            }
        }
    }
}
