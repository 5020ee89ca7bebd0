//! Agents: they load, stand at doors, collect what they get, and hand it in.

use protocol::command::Command;
use protocol::fact::AttemptReason;
use protocol::id::{Kind, Scope, Subject};
use protocol::parcel::{Parcel, Status};
use protocol::taka::Taka;

use protocol::decide::Shelf;

use super::street::Place;
use super::world::World;

/// What happened at the door: what was recorded, and what was really paid.
struct Door {
    recorded: Option<Taka>,
    paid: Taka,
    act: &'static str,
}

impl World {
    /// One thing that the agent at a device does.
    pub(super) fn agent(&mut self, at: usize) -> bool {
        if self.dice.chance(14) && self.offer(at) {
            return true;
        }
        for parcel in self.known(at) {
            let Some(state) = self.devices[at].parcel(parcel) else { continue };
            if self.is_to_be_heard(at, &parcel) {
                continue;
            }
            let (me, place) = (self.devices[at].party(), self.street.place_of(&parcel));
            let here = matches!(place, Some(Place::Agent { agent, .. }) if agent == me);
            let done = match state.status {
                Status::OnRun if state.agent == Some(me) => self.load(at, parcel, place),
                // Called off, on his phone: he brings it back.
                Status::Loaded | Status::Attempted if state.stop_requested => here && self.bring_back(at, parcel),
                Status::Loaded | Status::Attempted if state.custodian == Some(me) => {
                    // A label without goods: he took another box, or never had this one.
                    let again = self.street.gave(&parcel, &me);
                    let goes = here || state.pickup.is_some() || self.dice.chance(60);
                    goes && !again && self.door(at, parcel, &state, here)
                }
                _ => false,
            };
            if done {
                return true;
            }
        }
        self.offer(at)
    }

    fn load(&mut self, at: usize, parcel: Subject, place: Option<Place>) -> bool {
        let there = matches!(place, Some(Place::Site(site)) if site == hub_of(self.devices[at].party()));
        let one_of_two = self.devices[at].parcel(parcel).is_some_and(|state| state.pickup.is_some());
        if !there && !one_of_two && self.dice.chance(40) {
            return false;
        }
        let me = self.devices[at].party();
        let loaded = self.tap(at, &Command::Load { parcels: vec![parcel] }, "load");
        let first = self.devices.iter().position(|device| device.party() == me) == Some(at);
        if loaded && there {
            self.street.place(&parcel, Place::Agent { agent: me, back: false });
        }
        // The other phone may not have heard that he had it, and brought it back.
        if loaded && !(there && first) {
            self.street.mistake(&parcel);
        }
        loaded
    }

    fn bring_back(&mut self, at: usize, parcel: Subject) -> bool {
        let me = self.devices[at].party();
        let back = self.tap(at, &Command::Fail { parcel, reason: AttemptReason::Refused }, "bring_back");
        if back {
            self.street.place(&parcel, Place::Agent { agent: me, back: true });
        }
        back
    }

    fn door(&mut self, at: usize, parcel: Subject, state: &Parcel, here: bool) -> bool {
        let me = self.devices[at].party();
        if here && self.market.taps_wrong && self.dice.chance(18) {
            return self.says_given(at, parcel, state);
        }
        if here && self.dice.chance(22) {
            let reasons = [AttemptReason::Unavailable, AttemptReason::Refused, AttemptReason::CashNotReady];
            let reason = reasons[self.dice.below(reasons.len())];
            let failed = self.tap(at, &Command::Fail { parcel, reason }, "fail");
            if failed {
                self.street.place(&parcel, Place::Agent { agent: me, back: true });
            }
            return failed;
        }
        // Paid at a provider, on his phone: he takes nothing. What his phone has not heard he believes, or not.
        let shown = self.market.phoned.contains_key(&parcel) && !state.paid && self.dice.chance(60);
        let door = match shown {
            true => Door { recorded: Some(Taka::ZERO), paid: Taka::ZERO, act: "deliver_shown_phone" },
            false => self.what_is_paid(if state.paid { Taka::ZERO } else { state.due() }, here),
        };
        let evidence = 1 + u8::try_from(self.dice.below(4)).unwrap_or(0);
        let command = Command::Deliver { parcel, evidence, collected_paisa: door.recorded, confirm_difference: true };
        if !self.tap(at, &command, door.act) {
            return false;
        }
        self.street.collect(parcel, me, door.paid);
        self.street.given(&parcel, me);
        if door.paid < door.recorded.unwrap_or_default() {
            self.street.unpaid.insert((parcel, me));
        }
        if here {
            self.street.place(&parcel, Place::Customer);
        } else {
            self.street.mistake(&parcel);
        }
        self.tap_on_second_phone(at, parcel, &door, evidence);
        true
    }

    fn what_is_paid(&mut self, due: Taka, here: bool) -> Door {
        if due == Taka::ZERO {
            return Door { recorded: None, paid: Taka::ZERO, act: "deliver_prepaid" };
        }
        let exact = Door { recorded: Some(due), paid: due, act: "deliver_exact" };
        match self.dice.below(100) {
            0..=8 => {
                let short = due.minus(Taka::whole(50));
                Door { recorded: Some(short), paid: short, act: "deliver_short" }
            }
            9..=18 => {
                let over = due.plus(Taka::whole(31));
                Door { recorded: Some(over), paid: over, act: "deliver_over" }
            }
            19..=23 => Door { recorded: Some(Taka::ZERO), paid: Taka::ZERO, act: "deliver_without_cash" },
            // He taps the wrong parcel, or promises himself to be paid tomorrow.
            24..=26 => Door { paid: Taka::ZERO, act: "deliver_unpaid", ..exact },
            27..=80 if !here => Door { paid: Taka::ZERO, act: "deliver_in_error", ..exact },
            _ => exact,
        }
    }

    /// He tapped on his other phone too: the same act, perhaps with another amount.
    fn tap_on_second_phone(&mut self, at: usize, parcel: Subject, door: &Door, evidence: u8) {
        let me = self.devices[at].edge.seat.person;
        let second = (0..self.devices.len()).find(|other| *other != at && self.devices[*other].edge.seat.person == me);
        let Some(second) = second.filter(|_| self.dice.chance(45)) else { return };
        let again = match door.recorded {
            Some(amount) if self.dice.chance(20) => Some(amount.plus(Taka::whole(10))),
            other => other,
        };
        let command = Command::Deliver { parcel, evidence, collected_paisa: again, confirm_difference: true };
        self.tap(second, &command, "deliver_on_two_phones");
    }

    /// Says how much he hands in, and puts on the counter what he has.
    pub(super) fn offer(&mut self, at: usize) -> bool {
        let me = self.devices[at].party();
        let first = self.devices.iter().position(|device| device.party() == me) == Some(at);
        // What he gave away while his phone was dead he does not offer, whatever the phone says.
        let unheard = self.street.silent.iter().filter(|handin| self.devices[at].edge.folded(**handin).is_none());
        let gone: Taka =
            unheard.filter_map(|id| self.street.bundles.get(id)).filter(|b| b.agent == me).map(|b| b.cash).sum();
        let held = self.devices[at].edge.cash_on_hand().minus(gone);
        if !first || held <= Taka::ZERO || self.street.pile(&me) <= Taka::ZERO {
            return false;
        }
        let all = self.dice.chance(70);
        let half = Taka::from_paisa(held.paisa() / 2).unwrap_or_default().whole_taka();
        let amount = if all || half == Taka::ZERO { held } else { half };
        let pile = self.street.pile(&me);
        match self.dice.below(100) {
            0..=13 if pile > Taka::whole(100) => self.street.lose(me, Taka::whole(100)),
            14..=23 => self.street.lose(me, Taka::whole(-50)),
            _ => {}
        }
        self.hand_in(at, amount, all)
    }

    /// The offer of `amount`, with all cash there is or just about so much.
    pub(super) fn hand_in(&mut self, at: usize, amount: Taka, all: bool) -> bool {
        let me = self.devices[at].party();
        let site = hub_of(me);
        let stamp = self.stamp();
        if !self.tap_at(at, &Command::Offer { site, amount_paisa: amount }, "offer", stamp) {
            return false;
        }
        let pile = self.street.pile(&me).max(Taka::ZERO);
        let cash = if all { pile } else { amount.min(pile) };
        self.street.put_on_counter(Subject::new(Kind::HandIn, stamp.id(0)), me, site, cash);
        true
    }
}

/// The hub of an agent: its id is the agent's first half twice.
#[must_use]
pub fn hub_of(agent: Scope) -> Scope {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&agent.0[1..9]);
    id[8..].copy_from_slice(&agent.0[1..9]);
    Subject::new(Kind::Site, protocol::id::Id16(id))
}
