//! The desk of a site: scans, run sheets, the way to and from a pickup point, and counting cash.

use super::{Desk, Draft, Shelf, counted, not_called_off, one, till};
use crate::fact::{
    AttemptReason, Denomination, Dispatched, Fact, Forwarded, HandInCounted, Put, Received, RtoInitiated,
};
use crate::fold::State;
use crate::handin::HandIn;
use crate::id::{Kind, Scope, Subject};
use crate::parcel::{Parcel, Status};
use crate::refusal::Refusal;
use crate::seat::Role;
use crate::stamp::Stamp;
use crate::taka::Taka;

impl<S: Shelf> Desk<'_, S> {
    /// Scanned in. A van may be faster than the network: what the sender recorded need not be here yet.
    pub(super) fn receive(&self, subject: Subject, pieces: u8) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Site)?;
        let parcel = self.parcel(subject)?;
        self.belongs_here(subject, &parcel)?;
        let lies = [Status::AtHub, Status::AtPoint, Status::Shelved, Status::HoldExpired];
        let elsewhere = lies.contains(&parcel.status) && parcel.custodian != Some(self.seat.party);
        let under_way = [
            Status::Placed,
            Status::Accepted,
            Status::Packed,
            Status::OnRun,
            Status::Loaded,
            Status::Attempted,
            Status::Refused,
            Status::Cancelled,
            Status::InTransit,
            Status::WithCourier,
        ];
        if parcel.status.is_with_customer() {
            return Err(Refusal::RecordedDelivered(subject));
        }
        if !elsewhere {
            parcel.in_one_of(subject, &under_way, "it is here already, or done")?;
        }
        one(subject, Fact::Received(Received { pieces }))
    }

    /// The goods are here, whatever is recorded: somebody tapped on the wrong parcel, or lied. Both records stand until
    /// operations have asked the customer (R5).
    pub(super) fn receive_back(&self, subject: Subject, pieces: u8) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Site)?;
        let parcel = self.parcel(subject)?;
        self.belongs_here(subject, &parcel)?;
        parcel.in_one_of(subject, &[Status::Delivered, Status::Collected], "scan it in as any other")?;
        one(subject, Fact::Received(Received { pieces }))
    }

    /// A parcel goes through its hub and, when the customer fetches it, its point; nowhere else.
    fn belongs_here(&self, subject: Subject, parcel: &Parcel) -> Result<(), Refusal> {
        let (hub, point) = (parcel.created.as_ref().map(|c| c.site), parcel.pickup.as_ref().map(|p| p.point));
        let here = Some(self.seat.party);
        match point.or(hub) {
            Some(site) if hub != here && point != here => Err(Refusal::WrongSite { parcel: subject, site }),
            _ => Ok(()),
        }
    }

    /// The parcel goes back to its vendor.
    pub(super) fn send_back(&self, subject: Subject, reason: AttemptReason) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Site)?;
        self.parcel(subject)?.in_one_of(subject, &[Status::AtHub], "scan it in first")?;
        one(subject, Fact::RtoInitiated(RtoInitiated { reason: reason as u8 }))
    }

    /// Hub to point, or back when nobody is to have it there. Both hold the parcel since it was placed,
    /// so nothing is Put.
    pub(super) fn forward(&self, parcels: &[Subject], to: Scope) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Site)?;
        counted(parcels)?;
        parcels.iter().map(|parcel| self.forward_one(*parcel, to)).collect()
    }

    fn forward_one(&self, subject: Subject, to: Scope) -> Result<Draft, Refusal> {
        let parcel = self.parcel(subject)?;
        let (hub, point) = (parcel.created.as_ref().map(|c| c.site), parcel.pickup.as_ref().map(|p| p.point));
        let outward = point == Some(to);
        let known = (outward && hub == Some(self.seat.party)) || (hub == Some(to) && point == Some(self.seat.party));
        if to == self.seat.party || !known {
            let site = point.or(hub).unwrap_or(to);
            return Err(Refusal::WrongSite { parcel: subject, site });
        }
        if outward {
            not_called_off(subject, &parcel)?;
            if parcel.hold_expired {
                return Err(Refusal::HoldEnded(subject));
            }
            parcel.in_one_of(subject, &[Status::AtHub], "scan it in first")?;
        } else if parcel.stop_requested {
            let lies = [Status::AtPoint, Status::Shelved, Status::HoldExpired];
            parcel.in_one_of(subject, &lies, "scan it in first")?;
        } else {
            parcel.in_one_of(subject, &[Status::HoldExpired], "end its hold first")?;
        }
        Ok(Draft { subject, fact: Fact::Forwarded(Forwarded { to }) })
    }

    pub(super) fn dispatch(&self, parcels: &[Subject], agent: Scope, stamp: &Stamp) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Site)?;
        counted(parcels)?;
        if agent.kind() != Some(Kind::Agent) || agent.0[1..9] != self.seat.party.0[1..9] {
            return Err(Refusal::ForeignAgent(agent));
        }
        let run = stamp.id(0);
        let mut drafts = Vec::with_capacity(parcels.len() + 1);
        let mut generations: std::collections::BTreeMap<u32, Vec<Subject>> = std::collections::BTreeMap::new();
        for parcel in parcels {
            let may = [Status::AtHub, Status::OnRun, Status::Loaded, Status::Attempted];
            let state = self.parcel(*parcel)?;
            not_called_off(*parcel, &state)?;
            if let Some(pickup) = &state.pickup {
                return Err(Refusal::WrongSite { parcel: *parcel, site: pickup.point });
            }
            state.in_one_of(*parcel, &may, "scan it in first")?;
            let (member, generation) = self.shelf.membership(agent, *parcel);
            if !member {
                generations.entry(generation).or_default().push(*parcel);
            }
            drafts.push(Draft { subject: *parcel, fact: Fact::Dispatched(Dispatched { agent, run }) });
        }
        let put = |(generation, subjects)| Draft { subject: agent, fact: Fact::Put(Put { generation, subjects }) };
        drafts.extend(generations.into_iter().map(put));
        Ok(drafts)
    }

    pub(super) fn count(
        &self,
        handin: Subject,
        agent: Scope,
        counted: Taka,
        denominations: &[Denomination],
    ) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Site)?;
        if self.seat.is_partner() {
            return Err(Refusal::WrongRole("a cashier of our own"));
        }
        if !counted.is_cash() {
            return Err(Refusal::BadAmount);
        }
        till::add_up(denominations, counted)?;
        self.drawer_in_use()?;
        if handin.kind() != Some(Kind::HandIn) {
            return Err(Refusal::Unknown(handin));
        }
        if agent.kind() != Some(Kind::Agent) || agent.0[1..9] != self.seat.party.0[1..9] {
            return Err(Refusal::ForeignAgent(agent));
        }
        // A count without the offer moves what was counted (R16): the offer may still be on the phone.
        let state = match self.shelf.folded(handin).map(|folded| folded.state) {
            Some(State::HandIn(state)) => *state,
            _ => HandIn::default(),
        };
        if state.counted.is_some() {
            return Err(Refusal::AlreadyCounted(handin));
        }
        let count = HandInCounted { agent, counted, denominations: denominations.to_vec() };
        let mut drafts = vec![Draft { subject: handin, fact: Fact::HandInCounted(count) }];
        for scope in [self.seat.party, agent] {
            let (member, generation) = self.shelf.membership(scope, handin);
            if !member {
                drafts.push(Draft { subject: scope, fact: Fact::Put(Put { generation, subjects: vec![handin] }) });
            }
        }
        Ok(drafts)
    }
}
