//! The counter of a pickup point: scan in, shelve, ask for the code, take the cash, hand over, and send back what nobody
//! fetched.

use protocol::command::Command;
use protocol::id::{Scope, Subject};
use protocol::parcel::{Parcel, Status, Step};
use protocol::taka::Taka;

use super::street::Place;
use super::world::World;

impl World {
    /// One thing that the person at a device of a pickup point does.
    pub(super) fn counter(&mut self, at: usize) -> bool {
        if self.market.fetching && self.dice.chance(25) && self.give_refund(at) {
            return true;
        }
        if !self.devices[at].is_partner() && self.dice.chance(20) && self.till(at) {
            return true;
        }
        let me = self.devices[at].party();
        for parcel in self.known(at) {
            let (Some(state), Some(goods)) = (self.devices[at].parcel(parcel), self.street.goods.get(&parcel)) else {
                continue;
            };
            let (place, hub) = (goods.place, goods.hub);
            let done = match place {
                Place::Van { to, .. } if to == me => self.take_in(at, parcel, me),
                Place::Site(site) if site == me => self.at_shelf(at, parcel, &state, hub),
                // The customer fetches the second piece, and the other window knows nothing of the first.
                Place::Customer if self.dice.chance(25) => {
                    let done = self.at_window(at, parcel, &state);
                    if done {
                        self.street.mistake(&parcel);
                    }
                    done
                }
                _ => false,
            };
            if done {
                return true;
            }
        }
        !self.devices[at].is_partner() && self.till(at)
    }

    fn take_in(&mut self, at: usize, parcel: Subject, me: Scope) -> bool {
        let scanned = self.tap(at, &Command::Receive { parcel, pieces: 1 }, "receive_at_point");
        if scanned {
            self.street.place(&parcel, Place::Site(me));
        }
        scanned
    }

    fn at_shelf(&mut self, at: usize, parcel: Subject, state: &Parcel, hub: Scope) -> bool {
        match state.status {
            // The other window scanned it in, and this one has not heard.
            Status::InTransit | Status::AtHub if self.dice.chance(50) => {
                self.tap(at, &Command::Receive { parcel, pieces: 1 }, "receive_again")
            }
            Status::HoldExpired => self.forward(at, parcel, hub),
            Status::AtPoint | Status::Shelved if state.stop_requested => self.forward(at, parcel, hub),
            Status::AtPoint | Status::Shelved if self.dice.chance(7) => {
                self.tap(at, &Command::ExpireHold { parcel }, "expire_hold")
            }
            Status::AtPoint if self.dice.chance(50) => {
                let shelf = format!("A-{}", 1 + self.dice.below(9));
                self.tap(at, &Command::Shelve { parcel, shelf }, "shelve")
            }
            Status::AtPoint | Status::Shelved => self.at_window(at, parcel, state),
            _ => false,
        }
    }

    /// The customer stands there: the next of the three steps.
    fn at_window(&mut self, at: usize, parcel: Subject, state: &Parcel) -> bool {
        let me = self.devices[at].party();
        match state.step() {
            Some(Step::Verify) => self.verify(at, parcel),
            Some(Step::TakeCash) => {
                let due = state.due();
                if self.dice.chance(8) {
                    // Too little and too much are refused.
                    let wrong = if self.dice.chance(50) { due.plus(Taka::whole(20)) } else { Taka::ZERO };
                    self.tap(at, &Command::TakeCash { parcel, amount_paisa: wrong }, "take_cash");
                }
                let taken = self.tap(at, &Command::TakeCash { parcel, amount_paisa: due }, "take_cash");
                if taken {
                    self.street.collect(parcel, me, due);
                }
                taken
            }
            Some(Step::HandOver) => {
                let given = self.tap(at, &Command::HandOver { parcel }, "hand_over");
                if given {
                    self.street.place(&parcel, Place::Customer);
                }
                given
            }
            None => false,
        }
    }

    fn verify(&mut self, at: usize, parcel: Subject) -> bool {
        let Some(goods) = self.street.goods.get(&parcel) else { return false };
        let token = goods.token;
        match self.dice.below(100) {
            0..=14 => {
                let stamp = self.stamp();
                let checked = self.devices[at].tap_locked(&Command::CheckIdentity { parcel }, stamp);
                self.noted("check_identity", checked)
            }
            15..=22 => {
                let wrong = hex(&[0xab; 16]);
                self.tap(at, &Command::VerifyCode { parcel, token: wrong }, "verify_code")
            }
            _ => self.tap(at, &Command::VerifyCode { parcel, token: hex(&token) }, "verify_code"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
