//! A device: a replica that is offline for a while, and then talks to central in its own order: late, twice, in part.

use protocol::burst::Burst;
use protocol::command::Command;
use protocol::decide::{Draft, Shelf, decide};
use protocol::fold::{Folded, State};
use protocol::id::{Incarnation, Scope, Subject};
use protocol::parcel::Parcel;
use protocol::refusal::Refusal;
use protocol::seat::{Certificate, Role};
use protocol::session::EdgeStore;
use protocol::session::hub::{Answer, Ask, Told};
use protocol::shift::Shift;
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::office::Office;
use crate::model::{Dice, Edge};

/// Bytes of a page: small, so that a device is often given only a part of what is due to it.
const PAGE_BYTES: usize = 24_000;
/// Pages of one exchange.
const PAGES: usize = 64;

/// A device.
pub struct Device {
    pub edge: Edge,
    /// It has no network before.
    pub dark_until_ms: u64,
    /// How far its clock is ahead of the time that it is, ms; behind it, below zero (R29).
    pub clock_off_ms: i64,
    /// How far central's log was told to it.
    told: Told,
}

/// How much of an exchange comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// All of it, both ways.
    Whole,
    /// It only sends, a part of it, in any order.
    Up,
    /// It only hears, and perhaps not to the end.
    Down,
}

impl Device {
    pub fn new(edge: Edge) -> Self {
        Self { edge, dark_until_ms: 0, clock_off_ms: 0, told: Told::default() }
    }

    /// What its clock shows when it is `now_ms`.
    pub fn clock(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.clock_off_ms)
    }

    pub fn role(&self) -> Role {
        self.edge.seat.role()
    }

    pub fn party(&self) -> Scope {
        self.edge.seat.party
    }

    pub fn is_partner(&self) -> bool {
        self.edge.seat.is_partner()
    }

    /// A parcel as this device knows it.
    pub fn parcel(&self, subject: Subject) -> Option<Parcel> {
        match self.edge.memory.folded(subject)?.state {
            State::Parcel(parcel) if parcel.created.is_some() => Some(*parcel),
            _ => None,
        }
    }

    /// Records what its person asks for. A refusal writes nothing, which is looked at here (invariant 12).
    pub fn tap(&mut self, command: &Command, stamp: Stamp) -> Result<(), Refusal> {
        let before = self.edge.place;
        let done = self.edge.record(command, stamp);
        assert!(
            done.is_ok() != (before == self.edge.place),
            "a refused command leaves the chain as it was: {command:?}"
        );
        done
    }

    /// As [`Device::tap`], at a counter where the code of every parcel was wrong too often.
    pub fn tap_locked(&mut self, command: &Command, stamp: Stamp) -> Result<(), Refusal> {
        let drafts = decide(&self.edge.seat, command, &Locked(&self.edge), &stamp)?;
        self.edge.write(&drafts, stamp);
        Ok(())
    }

    /// Records what no command would.
    pub fn write(&mut self, subject: Subject, fact: protocol::fact::Fact, stamp: Stamp) {
        self.edge.write(&[Draft { subject, fact }], stamp);
    }

    /// Talks to central.
    pub fn exchange(&mut self, office: &mut Office, line: Line, dice: &mut Dice, stamp: Stamp) {
        let down_first = dice.chance(50);
        if line != Line::Up && down_first {
            self.hear(office, line, dice, stamp);
        }
        if line != Line::Down {
            self.send(office, line, dice, stamp);
        }
        if line != Line::Up && !down_first {
            self.hear(office, line, dice, stamp);
        }
    }

    fn send(&mut self, office: &mut Office, line: Line, dice: &mut Dice, stamp: Stamp) {
        let waiting = self.edge.outbox().filter_map(|bytes| Burst::decode(bytes).ok());
        let mut bursts: Vec<Burst> = waiting.collect();
        // What central has already comes once more.
        if let Some(again) = dice.pick(&self.edge.own).filter(|_| dice.chance(20)) {
            bursts.extend(Burst::decode(again));
        }
        if line == Line::Up || dice.chance(30) {
            shuffle(&mut bursts, dice);
        }
        if line == Line::Up && bursts.len() > 1 {
            bursts.truncate(1 + dice.below(bursts.len()));
        }
        let apart = dice.chance(25);
        if apart {
            for burst in bursts {
                office.take(vec![burst], stamp);
            }
        } else {
            office.take(bursts, stamp);
        }
        let inc = self.edge.place.inc;
        let Ok(()) = self.edge.set_safe(inc, office.held(self.edge.author, inc));
    }

    fn hear(&mut self, office: &mut Office, line: Line, dice: &mut Dice, stamp: Stamp) {
        for _ in 0..PAGES {
            let seat = self.edge.seat.clone();
            let ask = Ask::Page(self.told, PAGE_BYTES);
            let Answer::Page(page) = office.central.answer(self.edge.author, &seat, ask, stamp) else { return };
            let certificates: Vec<Vec<u8>> = page.certificates.into_iter().map(|(_, bytes)| bytes).collect();
            let Ok(()) = self.edge.add_certificates(&certificates);
            let mut bursts = page.bursts;
            if dice.chance(30) {
                shuffle(&mut bursts, dice);
            }
            let Ok(unknown) = self.edge.receive(bursts);
            assert!(unknown.is_empty(), "a page brings the certificates of its bursts");
            self.told = page.upto;
            if !page.more || (line == Line::Down && dice.chance(40)) {
                return;
            }
        }
    }

    /// Hands on to a device near by what that one may read: newest first, and perhaps not all of it.
    pub fn hand_on(&self, to: &mut Self, dice: &mut Dice) {
        let mut bursts = self.edge.relay_to(&to.edge.seat);
        bursts.reverse();
        if dice.chance(30) && bursts.len() > 1 {
            bursts.truncate(1 + dice.below(bursts.len()));
        }
        let certificates: Vec<Vec<u8>> = self.edge.memory.certificates.values().map(Certificate::encode).collect();
        let Ok(()) = to.edge.add_certificates(&certificates);
        let Ok(unknown) = to.edge.receive(bursts);
        assert!(unknown.is_empty(), "a relay hands on the certificates with the bursts");
    }

    /// Bursts that central has not acknowledged.
    pub fn waiting(&self) -> usize {
        self.edge.outbox().count()
    }
}

pub fn shuffle<T>(of: &mut [T], dice: &mut Dice) {
    for at in (1..of.len()).rev() {
        let other = dice.below(at + 1);
        of.swap(at, other);
    }
}

/// A counter at which codes are locked.
struct Locked<'a>(&'a Edge);

impl Shelf for Locked<'_> {
    fn folded(&self, subject: Subject) -> Option<Folded> {
        self.0.folded(subject)
    }

    fn membership(&self, scope: Scope, subject: Subject) -> (bool, u32) {
        self.0.membership(scope, subject)
    }

    fn cash_on_hand(&self) -> Taka {
        self.0.cash_on_hand()
    }

    fn till_balance(&self) -> Taka {
        self.0.till_balance()
    }

    fn shifts(&self) -> Vec<(Subject, Shift)> {
        self.0.shifts()
    }

    fn code_locked(&self, _: Subject) -> bool {
        true
    }

    fn chain(&self) -> (Incarnation, u64) {
        self.0.chain()
    }
}
