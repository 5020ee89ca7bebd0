//! One world of money: who is in it, and what happens next.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use central::period;
use jiff::civil::Date;
use protocol::command::Command;
use protocol::decide::Draft;
use protocol::fold::State;
use protocol::id::{Kind, Scope, Subject};
use protocol::parcel::Parcel;
use protocol::refusal::Refusal;
use protocol::seat::{Role, bits};
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::bank::Bank;
use super::banking::{Brought, Decided};
use super::bounce::Bounce;
use super::courier::Couriers;
use super::device::{Device, Line as Link, shuffle};
use super::market::Market;
use super::month::Closed;
use super::mutant::Mutant;
use super::office::Office;
use super::paper::Desk;
use super::report::Report;
use super::returned::Returns;
use super::roster::{self, PARTNER, POINT};
use super::statement::{Line, Side};
use super::street::Street;
use super::tally::Tally;
use super::verdict;
use crate::model::Dice;

/// Steps of one world, before its evening.
pub const STEPS: u64 = 440;
/// Where the sun stands at the first step, ms since 1970: any day of the project.
const MORNING_MS: u64 = 1_790_000_000_000;
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// A world as it stands.
pub struct World {
    pub(super) dice: Dice,
    pub(super) now_ms: u64,
    pub(super) mutant: Option<Mutant>,
    pub(super) office: Office,
    pub(super) devices: Vec<Device>,
    pub(super) market: Market,
    pub(super) street: Street,
    pub(super) bank: Bank,
    /// Lines of statements, as finance's table holds them.
    pub(super) lines: BTreeMap<Subject, Line>,
    /// Bags at the bank whose deposit is not in the books.
    pub(super) brought: Vec<Brought>,
    /// Remittances at the bank that are not in the books: reference, gross, the bank's entry.
    pub(super) remitted: Vec<(String, Taka, usize)>,
    /// Rulings that wait for a second person.
    pub(super) proposals: Vec<protocol::fact::Ruled>,
    /// Papers on finance's desk.
    pub(super) desk: Desk,
    /// Transfers to accounts that are not the vendors'.
    pub(super) bounces: Vec<Bounce>,
    /// Vendors whose account was changed, and until when nothing is paid to it.
    pub(super) cooling: BTreeMap<Scope, u64>,
    pub(super) returns: Returns,
    pub(super) couriers: Couriers,
    pub(super) closed: Vec<Closed>,
    /// Subjects of which something was recorded that no command records.
    pub(super) misrecorded: BTreeSet<Subject>,
    /// Agents one of whom was counted as the other, or for nothing.
    pub(super) crossed: BTreeSet<Scope>,
    /// The last number that finance wrote on anything.
    pub(super) numbers: u32,
    pub(super) tally: Tally,
    pub(super) report: Report,
}

/// Runs the world of `seed`; with a mutant, one in which the money is wrong in that way.
///
/// # Errors
/// What did not hold, and at which step.
///
/// # Panics
/// When the product itself panics: callers catch that and name the seed.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Result<Report, String> {
    let mut world = World::new(seed, mutant);
    for step in 1..=STEPS {
        world.pass_time();
        world.step();
        verdict::at_a_step(&mut world).map_err(|what| format!("step {step}: {what}{}", world.facts_named_in(&what)))?;
    }
    world.evening()?;
    verdict::at_a_step(&mut world).map_err(|what| format!("evening: {what}"))?;
    super::closing::at_the_end(world).map_err(|what| format!("at the end: {what}"))
}

/// Clocks that are wrong: set a month ahead, a few hours back, or never set (R29).
const CLOCKS: [i64; 3] = [30 * DAY_MS as i64, -5 * 3_600_000, -(MORNING_MS as i64)];

impl World {
    fn new(seed: u64, mutant: Option<Mutant>) -> Self {
        let mut dice = Dice::new(seed);
        let (central, mut devices) = roster::enrol(&mut dice);
        for device in &mut devices {
            if dice.chance(15) {
                device.clock_off_ms = CLOCKS[dice.below(CLOCKS.len())];
            }
        }
        let report = Report { seeds: 1, steps: STEPS, ..Report::default() };
        Self {
            dice,
            now_ms: MORNING_MS,
            mutant,
            office: Office::new(central, mutant),
            devices,
            market: Market::of(seed),
            street: Street::default(),
            bank: Bank::default(),
            lines: BTreeMap::new(),
            brought: Vec::new(),
            remitted: Vec::new(),
            proposals: Vec::new(),
            desk: Desk::default(),
            bounces: Vec::new(),
            cooling: BTreeMap::new(),
            returns: Returns::default(),
            couriers: Couriers::of(seed),
            closed: Vec::new(),
            misrecorded: BTreeSet::new(),
            crossed: BTreeSet::new(),
            numbers: 0,
            tally: Tally::default(),
            report,
        }
    }

    /// The facts of everything that a violation names, as central has them: what whoever looks into it asks first.
    fn facts_named_in(&self, what: &str) -> String {
        let mut told = String::new();
        for subject in what.split([' ', ':', ',', '{', '}']).filter_map(Subject::parse) {
            let history = self.office.central.memory.history(subject);
            let seats = history.facts.iter().map(|seen| (seen.id, (seen.party, seen.person, seen.after.clone())));
            let seats: BTreeMap<_, _> = seats.collect();
            for (position, time_ms, id, fact) in self.office.facts_of(&subject) {
                let (by, after) = seats.get(&id).map_or_else(Default::default, |(party, person, after)| {
                    (format!("{party} {person:?}"), format!("{after:?}"))
                });
                let _ =
                    write!(told, "\n  {subject} {position} {time_ms} {:?} by {by} after {after}: {fact:?}", id.short());
            }
            for journal in self.tally.standing(&subject) {
                let _ = write!(told, "\n  {journal}");
            }
        }
        told
    }

    /// Minutes mostly, a night now and then, and at times weeks in which nobody does anything.
    fn pass_time(&mut self) {
        self.now_ms += match self.dice.below(100) {
            0..=1 => DAY_MS * (8 + self.dice.below(20) as u64),
            2..=9 => DAY_MS,
            _ => MINUTE_MS * (1 + self.dice.below(90) as u64),
        };
    }

    /// Central's time and chance; its clock is set back a little now and then.
    pub(super) fn stamp(&mut self) -> Stamp {
        let back = if self.dice.chance(3) { MINUTE_MS * self.dice.below(30) as u64 } else { 0 };
        Stamp { now_ms: self.now_ms.saturating_sub(back), entropy: self.dice.bytes() }
    }

    pub(super) fn today(&self) -> Date {
        period::day(self.now_ms)
    }

    /// One thing happens.
    fn step(&mut self) {
        let at = self.somebody();
        match self.dice.below(222) {
            0..=13 => self.order(),
            14..=19 => self.pay(),
            20..=21 => self.cancel(),
            22..=118 => self.turn(at),
            119..=148 => self.talk(),
            149..=156 => self.meet(at),
            157 if self.dice.chance(50) => self.misrecord(at),
            _ => self.finance(),
        }
    }

    /// A device: those of hubs and agents are in use more often than others.
    fn somebody(&mut self) -> usize {
        let at = self.dice.below(self.devices.len());
        let busy = matches!(self.devices[at].role(), Role::Agent) || self.devices[at].party() == roster::HUB;
        if busy || self.dice.chance(60) { at } else { self.dice.below(self.devices.len()) }
    }

    /// Somebody does what there is to do where he stands, often with a network before or after it.
    fn turn(&mut self, at: usize) {
        if self.dice.chance(4) {
            // No network for a day or two, but who comes by hands on what he has heard.
            self.devices[at].dark_until_ms = self.now_ms + DAY_MS * (1 + self.dice.below(3) as u64);
        }
        if self.dice.chance(45) {
            self.connect(at, Link::Whole);
        }
        if self.devices[at].role() == Role::Agent && self.dice.chance(20) {
            self.meet(at);
        }
        for _ in 0..1 + self.dice.below(4) {
            let device = &self.devices[at];
            let did = match (device.role(), device.party()) {
                (Role::Vendor, _) => self.vendor(at),
                (Role::Agent, _) => self.agent(at),
                (_, POINT | PARTNER) => self.counter(at),
                _ => self.clerk(at),
            };
            if !did {
                break;
            }
        }
        if self.dice.chance(35) {
            self.connect(at, Link::Whole);
        }
    }

    /// Some devices find a network.
    fn talk(&mut self) {
        for _ in 0..1 + self.dice.below(3) {
            let at = self.dice.below(self.devices.len());
            let link = match self.dice.below(10) {
                0 => Link::Up,
                1 => Link::Down,
                _ => Link::Whole,
            };
            self.connect(at, link);
        }
    }

    pub(super) fn connect(&mut self, at: usize, link: Link) {
        if self.devices[at].dark_until_ms > self.now_ms {
            return;
        }
        let stamp = self.stamp();
        self.devices[at].exchange(&mut self.office, link, &mut self.dice, stamp);
    }

    /// Two devices near each other hand on what the other may read.
    fn meet(&mut self, at: usize) {
        let party = self.devices[at].party();
        let near = |other: &usize| *other != at && self.devices[*other].edge.seat.may(bits::READ, &party);
        let near: Vec<usize> = (0..self.devices.len()).filter(near).collect();
        let Some(to) = self.dice.pick(&near).copied() else { return };
        let Ok([one, other]) = self.devices.get_disjoint_mut([at, to]) else { return };
        one.hand_on(other, &mut self.dice);
        other.hand_on(one, &mut self.dice);
        self.did("meet");
    }

    /// Somebody in finance does one thing.
    fn finance(&mut self) {
        if self.beside() {
            return;
        }
        // Another company carries parcels in some worlds only: in the others people do more of everything else.
        match self.dice.below(if self.couriers.are_here { 97 } else { 61 }) {
            0..=4 => self.seal(),
            5..=7 => drop(self.bring(false)),
            8 => self.record_late_deposit(),
            9 => self.confirm_by_hand(),
            10..=13 => drop(self.import(Side::Settlement)),
            14 => drop(self.import(Side::Operating)),
            15 | 16 => drop(self.explain()),
            17..=19 => self.mature(),
            20 | 21 => self.pay_out(),
            22 => self.confirm_payout(),
            23 => self.sweep(),
            24 | 25 => self.remit(),
            26 | 27 => self.refund(),
            28..=30 => self.rule(),
            31 | 32 => self.agree(),
            33 => self.close_month(),
            34 | 35 => self.bank_books(),
            36..=39 => self.happen(),
            40..=44 => self.instruct(),
            45..=47 => self.enter(),
            48..=51 => self.sign(),
            52..=54 => self.customer_returns(),
            55 | 56 => self.count_return(),
            61.. => self.courier(),
            _ => self.bounce(),
        }
    }

    pub(super) fn did(&mut self, act: &'static str) {
        self.report.did(act);
    }

    pub(super) fn refused(&mut self, act: &str, code: &str) {
        *self.report.refused.entry(format!("{act}: {code}")).or_default() += 1;
    }

    /// Finance records what it decided; a refusal changes nothing (invariant 12).
    pub(super) fn record(&mut self, act: &'static str, decided: Decided) -> bool {
        match decided {
            Err(code) => {
                self.refused(act, code);
                false
            }
            Ok(drafts) if drafts.is_empty() => false,
            Ok(drafts) => {
                self.author(&drafts);
                self.did(act);
                true
            }
        }
    }

    fn author(&mut self, drafts: &[Draft]) {
        let stamp = self.stamp();
        self.office.author(drafts, stamp);
    }

    /// Somebody taps on a device.
    pub(super) fn tap(&mut self, at: usize, command: &Command, act: &'static str) -> bool {
        let mut stamp = self.stamp();
        stamp.now_ms = self.devices[at].clock(stamp.now_ms);
        self.tap_at(at, command, act, stamp)
    }

    pub(super) fn tap_at(&mut self, at: usize, command: &Command, act: &'static str, stamp: Stamp) -> bool {
        let done = self.devices[at].tap(command, stamp);
        self.noted(act, done)
    }

    pub(super) fn noted(&mut self, act: &'static str, done: Result<(), Refusal>) -> bool {
        match done {
            Ok(()) => {
                self.did(act);
                true
            }
            Err(refusal) => {
                self.refused(act, refusal.code());
                false
            }
        }
    }

    /// The parcels that a device knows, in any order.
    pub(super) fn known(&mut self, at: usize) -> Vec<Subject> {
        let all = self.devices[at].edge.memory.by_subject.keys();
        let mut parcels: Vec<Subject> = all.filter(|subject| subject.kind() == Some(Kind::Parcel)).copied().collect();
        shuffle(&mut parcels, &mut self.dice);
        parcels
    }

    /// Every agent, once.
    pub(super) fn agents(&self) -> Vec<Scope> {
        let of = self.devices.iter().filter(|device| device.role() == Role::Agent);
        let agents: BTreeSet<Scope> = of.map(Device::party).collect();
        agents.into_iter().collect()
    }

    /// A parcel as central sees it.
    pub(super) fn parcel(&self, subject: Subject) -> Option<&Parcel> {
        match &self.office.states.get(&subject)?.state {
            State::Parcel(parcel) => Some(parcel),
            _ => None,
        }
    }
}
