//! Vendors: they accept, reject, pack, and take back what comes back.

use protocol::command::Command;
use protocol::id::Subject;
use protocol::parcel::Status;

use super::street::Place;
use super::world::World;

impl World {
    /// One thing that the vendor at a device does.
    pub(super) fn vendor(&mut self, at: usize) -> bool {
        for parcel in self.known(at) {
            let Some(state) = self.devices[at].parcel(parcel) else { continue };
            let place = self.street.place_of(&parcel);
            let (command, act) = match state.status {
                Status::Placed if self.dice.chance(8) => (Command::Reject { parcel, reason: 1 }, "reject"),
                Status::Placed => (Command::Accept { parcel }, "accept"),
                Status::Accepted if self.dice.chance(5) => (Command::Reject { parcel, reason: 3 }, "reject"),
                Status::Accepted => (Command::Pack { parcel, pieces: 1 }, "pack"),
                Status::ReturnInitiated if matches!(place, Some(Place::Returning(_))) => {
                    (Command::TakeBack { parcel }, "take_back")
                }
                _ => continue,
            };
            if self.tap(at, &command, act) {
                self.after_vendor(parcel, act, place);
                return true;
            }
        }
        false
    }

    fn after_vendor(&mut self, parcel: Subject, act: &str, place: Option<Place>) {
        match (act, place) {
            ("pack", Some(Place::Vendor { .. })) => self.street.place(&parcel, Place::Vendor { packed: true }),
            ("take_back", _) => self.street.place(&parcel, Place::Returned),
            _ => {}
        }
    }
}
