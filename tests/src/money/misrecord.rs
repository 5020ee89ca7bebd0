//! What no command would record: a bug, an old version, or malice. Central copes with it, the verdict holds all the same,
//! and coverage does not count what follows from it.

use protocol::fact::{Delivered, Fact, HandInCounted, HandedOver, Loaded, ReturnReceived};
use protocol::id::{Kind, Subject};
use protocol::op::{Op, lane};
use protocol::seat::Role;
use protocol::taka::Taka;

use super::street::Place;
use super::world::World;

impl World {
    /// A device records something that its person did not do, or may not.
    pub(super) fn misrecord(&mut self, at: usize) {
        if self.devices[at].role() == Role::Agent && self.dice.chance(20) {
            return self.enter_without_authority(at);
        }
        let known = self.known(at);
        let Some(parcel) = known.first().copied() else { return };
        let due = self.street.goods.get(&parcel).map_or(Taka::ZERO, |goods| goods.due);
        let (role, stamp) = (self.devices[at].role(), self.stamp());
        let act = match (role, self.dice.below(5)) {
            // A parcel that was never on his run, and no cash.
            (Role::Agent, 0) => {
                let collected = Some(Taka::whole(900));
                self.devices[at].write(parcel, Fact::Delivered(Delivered { evidence: 1, collected }), stamp);
                "misrecord_delivery"
            }
            // The goods are gone, and nobody was asked for the cash (J11c).
            (Role::Agent, 1) => {
                let given = Fact::Delivered(Delivered { evidence: 2, collected: None });
                self.devices[at].write(parcel, given, stamp);
                "misrecord_without_cash"
            }
            // Somebody leant on the keys.
            (Role::Agent, 2) => {
                let collected = due.paisa().checked_mul(100).and_then(Taka::from_paisa);
                self.devices[at].write(parcel, Fact::Delivered(Delivered { evidence: 1, collected }), stamp);
                "misrecord_absurd"
            }
            // Over the counter without a code, without papers, and without the cash.
            (Role::Site, 0 | 1) => {
                self.devices[at].write(parcel, Fact::HandedOver(HandedOver {}), stamp);
                if self.street.place_of(&parcel) == Some(Place::Site(self.devices[at].party())) {
                    self.street.place(&parcel, Place::Customer);
                }
                "hand_over_with_nothing"
            }
            // A count of what nobody brought.
            (Role::Site, 2) if !self.devices[at].is_partner() => {
                let Some(agent) = self.dice.pick(&self.agents()).copied() else { return };
                let handin = Subject::new(Kind::HandIn, stamp.id(9));
                let count = HandInCounted { agent, counted: Taka::whole(70), denominations: Vec::new() };
                self.devices[at].write(handin, Fact::HandInCounted(count), stamp);
                self.misrecorded.insert(handin);
                self.crossed.insert(agent);
                self.did("misrecord_count");
                return;
            }
            // A class that is not the seat's: a refused slot.
            (_, 3) => {
                let foreign = if role == Role::Vendor {
                    Fact::Loaded(Loaded {})
                } else {
                    Fact::ReturnReceived(ReturnReceived {})
                };
                self.devices[at].write(parcel, foreign, stamp);
                "misrecord_foreign_class"
            }
            // A payload that its kind does not have, or a kind of a later version.
            _ => {
                let class = match role {
                    Role::Vendor => 0x2000,
                    Role::Site => 0x3000,
                    _ => 0x4000,
                };
                let newer = self.dice.chance(20);
                let (kind, payload) = if newer { (0x0ffe, vec![1, 2, 3]) } else { (0x0001, vec![0xff]) };
                let op = Op {
                    class_kind: class | kind,
                    lane_flags: lane::MONEY,
                    subject: parcel,
                    after: Vec::new(),
                    payload,
                };
                self.devices[at].edge.write_ops(&[op], stamp);
                "misrecord_broken"
            }
        };
        if let Some(goods) = self.street.goods.get_mut(&parcel) {
            goods.misrecorded = true;
        }
        self.misrecorded.extend([parcel, Subject::earning_of(parcel)]);
        self.did(act);
    }
}
