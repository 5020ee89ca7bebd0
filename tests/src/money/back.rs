//! Records that were not so (R5), in every eighth world: an agent says that he gave away what he brings back, a clerk scans in
//! a label of what its customer has. Who has asked the customer voids the record, decided as `central::voids` does.

use protocol::burst::Burst;
use protocol::command::Command;
use protocol::decide::Draft;
use protocol::fact::{Fact, RecordVoided};
use protocol::fold::State;
use protocol::id::{Id16, OpId, Subject};
use protocol::parcel::{Parcel, may_be_voided};
use protocol::taka::Taka;

use super::banking::Decided;
use super::street::Place;
use super::world::World;

impl World {
    /// He stands at a door where nobody is, taps that he gave it, and brings it back.
    pub(super) fn says_given(&mut self, at: usize, parcel: Subject, state: &Parcel) -> bool {
        let me = self.devices[at].party();
        let recorded = if state.paid { Taka::ZERO } else { state.due() };
        let collected_paisa = (state.due() > Taka::ZERO).then_some(recorded);
        let command = Command::Deliver { parcel, evidence: 1, collected_paisa, confirm_difference: true };
        if !self.tap(at, &command, "deliver_nothing") {
            return false;
        }
        if recorded > Taka::ZERO {
            self.street.unpaid.insert((parcel, me));
        }
        self.street.place(&parcel, Place::Agent { agent: me, back: true });
        self.not_so(at, parcel);
        true
    }

    /// The label of a parcel that its customer has, on another box.
    pub(super) fn scan_another_label(&mut self, at: usize, parcel: Subject) -> bool {
        let scanned = self.tap(at, &Command::ReceiveBack { parcel, pieces: 1 }, "receive_another");
        if scanned {
            self.not_so(at, parcel);
        }
        scanned
    }

    /// What the device recorded last is not so.
    fn not_so(&mut self, at: usize, parcel: Subject) {
        let last = self.devices[at].edge.own.last().and_then(|bytes| Burst::decode(bytes).ok());
        let op = last.and_then(|burst| burst.ids().first().copied());
        if let (Some(goods), Some(op)) = (self.street.goods.get_mut(&parcel), op) {
            goods.not_so.insert(op);
        }
    }

    /// Something that is not so was recorded of it, and this phone has not heard: he, or a colleague, tapped on another one, and
    /// it lets the parcel be. Two acts of one person that did not know of each other would be one act (R1).
    pub(super) fn is_to_be_heard(&self, at: usize, parcel: &Subject) -> bool {
        let heard = |op: &OpId| self.devices[at].edge.memory.ops.contains_key(op);
        self.street.goods.get(parcel).is_some_and(|goods| !goods.not_so.iter().all(heard))
    }

    /// Somebody has asked the customer.
    pub(super) fn void(&mut self) {
        let held = |op: &&OpId| self.office.central.memory.ops.contains_key(op);
        let of = |(parcel, goods): (&Subject, &super::street::Goods)| -> Vec<(Subject, OpId)> {
            goods.not_so.iter().filter(held).map(|op| (*parcel, *op)).collect()
        };
        let open: Vec<(Subject, OpId)> = self.street.goods.iter().flat_map(of).collect();
        let Some((parcel, op)) = self.dice.pick(&open).copied() else { return };
        // A bank that took the money back has its own papers; nobody calls the customer then.
        if self.is_disputed(&parcel) {
            return;
        }
        let decided = self.decide_voiding(parcel, op);
        self.record("void", decided);
    }

    fn decide_voiding(&self, parcel: Subject, op: OpId) -> Decided {
        let history = self.office.central.memory.history(parcel);
        let record = history.facts.iter().find(|seen| seen.id == op).ok_or("unknown_record")?;
        let fact = record.fact.as_ref().filter(|fact| may_be_voided(fact)).ok_or("not_voidable")?;
        let voids = |seen: &protocol::history::Seen| matches!(&seen.fact, Some(Fact::RecordVoided(v)) if v.op == op);
        if history.facts.iter().any(voids) {
            return Err("already_voided");
        }
        let earning = self.office.states.get(&Subject::earning_of(parcel)).map(|folded| &folded.state);
        let returned = matches!(earning, Some(State::Earning(of)) if of.returned.goods > Taka::ZERO);
        if returned && matches!(fact, Fact::Delivered(_)) {
            return Err("goods_returned");
        }
        let (reason, maker) = ("the customer has nothing".to_owned(), Id16([0x31; 16]));
        let fact = Fact::RecordVoided(RecordVoided { op, reason, maker, checker: None });
        Ok(vec![Draft { subject: parcel, fact }])
    }
}
