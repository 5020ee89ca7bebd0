//! Clerks of the courier hubs: they scan in, send out with agents and vans, and send back. Two of them may do the same
//! thing on two devices that have not heard of each other.

use protocol::command::Command;
use protocol::decide::{Draft, Shelf};
use protocol::fact::{AttemptReason, Dispatched, Fact, Put};
use protocol::id::{Scope, Subject};
use protocol::parcel::{Parcel, Status};

use super::roster::place_of;
use super::street::Place;
use super::world::World;

impl World {
    /// One thing that the clerk at a device of a courier hub does.
    pub(super) fn clerk(&mut self, at: usize) -> bool {
        if self.dice.chance(30) && self.cashier(at) {
            return true;
        }
        for parcel in self.known(at) {
            let (Some(state), Some(place)) = (self.devices[at].parcel(parcel), self.street.place_of(&parcel)) else {
                continue;
            };
            if self.scan(at, parcel, &state, place) || self.send(at, parcel, &state, place) {
                return true;
            }
        }
        self.cashier(at)
    }

    /// What stands at the door is scanned in; what lies there already, perhaps once more by somebody else.
    fn scan(&mut self, at: usize, parcel: Subject, state: &Parcel, place: Place) -> bool {
        let me = self.devices[at].party();
        let hub = self.street.goods.get(&parcel).map(|goods| goods.hub);
        let comes = match place {
            Place::Vendor { packed } => {
                let likely = if state.status == Status::Cancelled { 10 } else { 90 };
                hub == Some(me) && self.dice.chance(if packed { likely } else { 12 })
            }
            Place::Agent { agent, back: true } => place_of(&agent) == place_of(&me),
            Place::Van { to, .. } => to == me,
            Place::Courier { back: true } => hub == Some(me),
            // It lies here; a second person with a scanner does not know that it was scanned.
            Place::Site(site) => site == me && self.dice.chance(15),
            _ => false,
        };
        let given = state.status.is_with_customer();
        if place == Place::Customer && given && hub == Some(me) && self.market.taps_wrong && self.dice.chance(2) {
            return self.scan_another_label(at, parcel);
        }
        let (command, act) = match place {
            _ if given => (Command::ReceiveBack { parcel, pieces: 1 }, "receive_back"),
            Place::Site(site) if site == me => (Command::Receive { parcel, pieces: 1 }, "receive_again"),
            _ => (Command::Receive { parcel, pieces: 1 }, "receive"),
        };
        let scanned = comes && self.tap(at, &command, act);
        if scanned {
            self.street.place(&parcel, Place::Site(me));
        }
        if scanned && act == "receive_again" && state.status != Status::AtHub {
            // It is on a run that has not left yet: the scan looks like one of a parcel that came back.
            self.street.mistake(&parcel);
        }
        scanned
    }

    fn send(&mut self, at: usize, parcel: Subject, state: &Parcel, place: Place) -> bool {
        let me = self.devices[at].party();
        let here = place == Place::Site(me);
        match state.status {
            Status::AtHub if here && (state.stop_requested || state.hold_expired || self.gives_up(state)) => {
                self.return_it(at, parcel)
            }
            Status::AtHub if here && state.pickup.is_some() => match &state.pickup {
                // A kiosk of before there were pickup points sends it out with an agent.
                Some(_) if self.dice.chance(7) => self.dispatch_blindly(at, parcel),
                Some(pickup) => self.forward(at, parcel, pickup.point),
                None => false,
            },
            // One piece of the group went with the van, and this clerk, who has not heard, sends out the other.
            Status::AtHub if state.pickup.is_some() && self.dice.chance(25) => {
                let sent = self.dispatch_blindly(at, parcel);
                self.street.mistake(&parcel);
                sent
            }
            Status::AtHub if here => self.dispatch(at, parcel, "dispatch"),
            // It is still on the shelf, and the run of before has not come for it; or two runs are given one parcel.
            Status::OnRun if here && self.dice.chance(12) => self.dispatch(at, parcel, "dispatch_again"),
            Status::Loaded | Status::Attempted if self.dice.chance(20) => self.dispatch_over(at, parcel, place),
            _ => false,
        }
    }

    /// It is on somebody's run: he came by and left it on the desk, or the clerk believes so.
    fn dispatch_over(&mut self, at: usize, parcel: Subject, place: Place) -> bool {
        let me = self.devices[at].party();
        let sent = self.dispatch(at, parcel, "dispatch_over");
        match place {
            Place::Agent { .. } if sent && self.dice.chance(40) => self.street.place(&parcel, Place::Site(me)),
            Place::Site(site) if site == me => {}
            _ if sent => self.street.mistake(&parcel),
            _ => {}
        }
        sent
    }

    fn gives_up(&mut self, state: &Parcel) -> bool {
        state.attempts > 0 && self.dice.chance(45) || self.dice.chance(4)
    }

    fn return_it(&mut self, at: usize, parcel: Subject) -> bool {
        let me = self.devices[at].party();
        let back = self.tap(at, &Command::Return { parcel, reason: AttemptReason::Refused }, "return");
        if back {
            self.street.place(&parcel, Place::Returning(me));
        }
        back
    }

    pub(super) fn forward(&mut self, at: usize, parcel: Subject, to: Scope) -> bool {
        let me = self.devices[at].party();
        let sent = self.tap(at, &Command::Forward { parcels: vec![parcel], to }, "forward");
        if sent {
            self.street.place(&parcel, Place::Van { from: me, to });
        }
        sent
    }

    fn dispatch(&mut self, at: usize, parcel: Subject, act: &'static str) -> bool {
        let Some(agent) = self.one_of_my_agents(at) else { return false };
        let sent = self.tap(at, &Command::Dispatch { parcels: vec![parcel], agent }, act);
        if sent && self.dice.chance(40) {
            self.show(at, agent);
        }
        sent
    }

    /// The agent stands there: his phone hears of the run from the kiosk.
    fn show(&mut self, at: usize, agent: Scope) {
        let phone = self.devices.iter().position(|device| device.party() == agent);
        let Some(phone) = phone.filter(|phone| *phone != at) else { return };
        let Ok([kiosk, phone]) = self.devices.get_disjoint_mut([at, phone]) else { return };
        kiosk.hand_on(phone, &mut self.dice);
    }

    /// What the product of a version before did: it did not ask where the customer fetches the parcel.
    fn dispatch_blindly(&mut self, at: usize, parcel: Subject) -> bool {
        let Some(agent) = self.one_of_my_agents(at) else { return false };
        let stamp = self.stamp();
        let device = &mut self.devices[at];
        let mut drafts =
            vec![Draft { subject: parcel, fact: Fact::Dispatched(Dispatched { agent, run: stamp.id(0) }) }];
        let (member, generation) = device.edge.membership(agent, parcel);
        if !member {
            drafts.push(Draft { subject: agent, fact: Fact::Put(Put { generation, subjects: vec![parcel] }) });
        }
        device.edge.write(&drafts, stamp);
        self.did("dispatch_by_old_kiosk");
        self.show(at, agent);
        true
    }

    fn one_of_my_agents(&mut self, at: usize) -> Option<Scope> {
        let place = place_of(&self.devices[at].party());
        let mine: Vec<Scope> = self.agents().into_iter().filter(|agent| place_of(agent) == place).collect();
        self.dice.pick(&mine).copied()
    }
}
