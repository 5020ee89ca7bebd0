//! The agent's desk: into the bag, at the door, and cash back to the hub.

use super::{Desk, Draft, Shelf, counted, not_called_off, not_given, one};
use crate::fact::{AttemptReason, Attempted, Delivered, Fact, HandInOffered, Loaded, Put};
use crate::id::{Kind, Scope, Subject};
use crate::parcel::{Parcel, Status};
use crate::refusal::Refusal;
use crate::seat::Role;
use crate::stamp::Stamp;
use crate::taka::Taka;

impl<S: Shelf> Desk<'_, S> {
    fn in_my_bag(&self, subject: Subject) -> Result<Parcel, Refusal> {
        self.role(Role::Agent)?;
        let parcel = self.parcel(subject)?;
        not_given(subject, &parcel)?;
        if !matches!(parcel.status, Status::Loaded | Status::Attempted) || parcel.custodian != Some(self.seat.party) {
            return Err(match parcel.status {
                Status::Loaded | Status::Attempted | Status::OnRun => Refusal::NotYours(subject),
                status => Refusal::WrongState { parcel: subject, status: status.word(), next: "load it first" },
            });
        }
        Ok(parcel)
    }

    pub(super) fn deliver(
        &self,
        subject: Subject,
        evidence: u8,
        collected: Option<Taka>,
        confirmed: bool,
    ) -> Result<Vec<Draft>, Refusal> {
        let parcel = self.in_my_bag(subject)?;
        not_called_off(subject, &parcel)?;
        // Paid at a provider, or by somebody else's hand: nothing is to be taken, and what was taken all the same is told.
        let due = if parcel.paid { Taka::ZERO } else { parcel.due() };
        if !(1..=5).contains(&evidence) {
            return Err(Refusal::BadEvidence);
        }
        match collected {
            Some(amount) if !amount.is_cash() => return Err(Refusal::BadAmount),
            Some(entered) if entered != due && !confirmed => return Err(Refusal::AmountDiffers { due, entered }),
            None if due > Taka::ZERO => return Err(Refusal::CashNeeded { parcel: subject, due }),
            _ => {}
        }
        one(subject, Fact::Delivered(Delivered { evidence, collected }))
    }

    pub(super) fn load(&self, parcels: &[Subject]) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Agent)?;
        counted(parcels)?;
        let (held, ceiling) = (self.shelf.cash_on_hand(), self.seat.cash_ceiling);
        if held > ceiling {
            return Err(Refusal::OverCeiling { held, ceiling });
        }
        let load = |parcel: &Subject| {
            let state = self.parcel(*parcel)?;
            not_called_off(*parcel, &state)?;
            state.in_one_of(*parcel, &[Status::OnRun], "ask the hub to put it on your run")?;
            if state.agent != Some(self.seat.party) {
                return Err(Refusal::NotYours(*parcel));
            }
            Ok(Draft { subject: *parcel, fact: Fact::Loaded(Loaded {}) })
        };
        parcels.iter().map(load).collect()
    }

    pub(super) fn fail(&self, subject: Subject, reason: AttemptReason) -> Result<Vec<Draft>, Refusal> {
        self.in_my_bag(subject)?;
        one(subject, Fact::Attempted(Attempted { reason: reason as u8 }))
    }

    pub(super) fn offer(&self, site: Scope, amount: Taka, stamp: &Stamp) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Agent)?;
        if !amount.is_cash() || amount == Taka::ZERO {
            return Err(Refusal::BadAmount);
        }
        if site.kind() != Some(Kind::Site) || site.0[1..9] != self.seat.party.0[1..9] {
            return Err(Refusal::Unknown(site));
        }
        let held = self.shelf.cash_on_hand();
        if amount > held {
            return Err(Refusal::MoreThanHeld { held, entered: amount });
        }
        let handin = Subject::new(Kind::HandIn, stamp.id(0));
        let (inc, upto) = self.shelf.chain();
        let put = |scope| Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects: vec![handin] }) };
        let offer = Fact::HandInOffered(HandInOffered { site, amount, inc, upto });
        Ok(vec![put(self.seat.party), put(site), Draft { subject: handin, fact: offer }])
    }
}
