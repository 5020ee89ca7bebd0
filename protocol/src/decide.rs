//! Command → facts, by the state as this replica knows it. Pure: the same call at the same state
//! gives the same facts.

mod agent;
mod counter;
mod site;
mod till;

use crate::command::{Command, MAX_PARCELS};
use crate::fact::{Accepted, AttemptReason, Fact, Packed, Proof, Rejected, ReturnReceived};
use crate::fold::{Folded, State};
use crate::id::{Incarnation, Scope, Subject};
use crate::parcel::{Parcel, Status};
use crate::refusal::Refusal;
use crate::seat::{Role, Seat};
use crate::shift::Shift;
use crate::stamp::Stamp;
use crate::taka::Taka;

/// What a decision may look at.
pub trait Shelf {
    /// The state of a subject that is held here.
    fn folded(&self, subject: Subject) -> Option<Folded>;
    /// Whether `subject` is a member of `scope`, and the generation a new Put needs.
    fn membership(&self, scope: Scope, subject: Subject) -> (bool, u32);
    /// Cash on the seat's own account, open offers taken off.
    fn cash_on_hand(&self) -> Taka;
    /// What the account of the seat's own till says here.
    fn till_balance(&self) -> Taka;
    /// The shifts of the seat's own till that are held here.
    fn shifts(&self) -> Vec<(Subject, Shift)>;
    /// Whether the code of a parcel was wrong too often at this counter.
    fn code_locked(&self, parcel: Subject) -> bool;
    /// The seat's chain: incarnation and last burst.
    fn chain(&self) -> (Incarnation, u64);
}

/// A fact to be recorded, with the subject it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is about; for Put, the scope.
    pub subject: Subject,
    /// What happened.
    pub fact: Fact,
}

/// Decides `command` for a person on `seat`.
///
/// # Errors
/// The [`Refusal`] that the person sees; nothing is recorded then.
pub fn decide(seat: &Seat, command: &Command, shelf: &impl Shelf, stamp: &Stamp) -> Result<Vec<Draft>, Refusal> {
    let desk = Desk { seat, shelf };
    match command {
        Command::Accept { parcel } => {
            desk.vendor(*parcel, &[Status::Placed], "only a new parcel can be accepted")?;
            one(*parcel, Fact::Accepted(Accepted {}))
        }
        Command::Reject { parcel, reason } => {
            desk.vendor(*parcel, &[Status::Placed, Status::Accepted], "ask the courier hub to send it back")?;
            one(*parcel, Fact::Rejected(Rejected { reason: *reason }))
        }
        Command::Pack { parcel, pieces } => {
            desk.vendor(*parcel, &[Status::Accepted], "accept it first")?;
            one(*parcel, Fact::Packed(Packed { pieces: *pieces }))
        }
        Command::TakeBack { parcel } => {
            desk.vendor(*parcel, &[Status::ReturnInitiated], "the courier hub has not sent it back")?;
            one(*parcel, Fact::ReturnReceived(ReturnReceived {}))
        }
        Command::Receive { parcel, pieces } => desk.receive(*parcel, *pieces),
        Command::ReceiveBack { parcel, pieces } => desk.receive_back(*parcel, *pieces),
        Command::Dispatch { parcels, agent } => desk.dispatch(parcels, *agent, stamp),
        Command::Return { parcel, reason } => desk.send_back(*parcel, *reason),
        Command::Count { handin, agent, counted_paisa, denominations } => {
            desk.count(*handin, *agent, *counted_paisa, denominations)
        }
        Command::Forward { parcels, to } => desk.forward(parcels, *to),
        Command::Shelve { parcel, shelf } => desk.shelve(*parcel, shelf),
        Command::ExpireHold { parcel } => desk.expire_hold(*parcel),
        Command::VerifyCode { parcel, token } => desk.verify_code(*parcel, token),
        Command::CheckIdentity { parcel } => desk.check_identity(*parcel),
        Command::TakeCash { parcel, amount_paisa } => desk.take_cash(*parcel, *amount_paisa),
        Command::HandOver { parcel } => desk.hand_over(*parcel),
        Command::OpenTill { float_paisa } => desk.open_till(*float_paisa, stamp),
        Command::CloseTill { shift, counted_paisa, denominations } => {
            desk.close_till(*shift, *counted_paisa, denominations)
        }
        Command::PayOut { shift, amount_paisa, reason, voucher } => {
            desk.pay_out(*shift, *amount_paisa, *reason, voucher)
        }
        Command::PayIn { shift, amount_paisa, reason, voucher } => desk.pay_in(*shift, *amount_paisa, *reason, voucher),
        Command::RefundCash { refund, code } => desk.refund_cash(*refund, code),
        Command::SuspendTill { shift } => desk.suspend_till(*shift),
        Command::ResumeTill { shift } => desk.resume_till(*shift),
        Command::Load { parcels } => desk.load(parcels),
        Command::Deliver { parcel, evidence, collected_paisa, confirm_difference } => {
            desk.deliver(*parcel, *evidence, *collected_paisa, *confirm_difference)
        }
        Command::Fail { parcel, reason } => desk.fail(*parcel, *reason),
        Command::Offer { site, amount_paisa } => desk.offer(*site, *amount_paisa, stamp),
    }
}

/// A picture of a parcel, sealed and kept: by the agent who has it or had it, or by the site that holds it.
///
/// # Errors
/// The reason, and what to do next; nothing is recorded then.
pub fn prove(seat: &Seat, shelf: &impl Shelf, parcel: Subject, proof: Proof) -> Result<Vec<Draft>, Refusal> {
    let state = Desk { seat, shelf }.parcel(parcel)?;
    match seat.role() {
        Role::Agent if state.agent == Some(seat.party) || state.custodian == Some(seat.party) => {
            one(parcel, Fact::DoorProof(proof))
        }
        Role::Agent => Err(Refusal::NotYours(parcel)),
        Role::Site => one(parcel, Fact::CounterProof(proof)),
        _ => Err(Refusal::WrongRole("an agent or a courier hub")),
    }
}

fn one(subject: Subject, fact: Fact) -> Result<Vec<Draft>, Refusal> {
    Ok(vec![Draft { subject, fact }])
}

impl Parcel {
    fn in_one_of(&self, parcel: Subject, may: &[Status], next: &'static str) -> Result<(), Refusal> {
        if may.contains(&self.status) {
            return Ok(());
        }
        Err(Refusal::WrongState { parcel, status: self.status.word(), next })
    }
}

struct Desk<'a, S> {
    seat: &'a Seat,
    shelf: &'a S,
}

impl<S: Shelf> Desk<'_, S> {
    fn role(&self, role: Role) -> Result<(), Refusal> {
        if self.seat.role() == role { Ok(()) } else { Err(Refusal::WrongRole(role.word())) }
    }

    fn parcel(&self, subject: Subject) -> Result<Parcel, Refusal> {
        match self.shelf.folded(subject).map(|folded| folded.state) {
            Some(State::Parcel(parcel)) if parcel.created.is_some() => Ok(*parcel),
            _ => Err(Refusal::Unknown(subject)),
        }
    }

    fn vendor(&self, subject: Subject, may: &[Status], next: &'static str) -> Result<(), Refusal> {
        self.role(Role::Vendor)?;
        let parcel = self.parcel(subject)?;
        if parcel.created.as_ref().is_none_or(|created| created.vendor != self.seat.party) {
            return Err(Refusal::NotYours(subject));
        }
        parcel.in_one_of(subject, may, next)
    }
}

/// What is said of a parcel that must not go on to its customer: he called it off.
fn not_called_off(subject: Subject, parcel: &Parcel) -> Result<(), Refusal> {
    if parcel.stop_requested || parcel.status == Status::Cancelled {
        return Err(Refusal::Cancelled(subject));
    }
    Ok(())
}

/// What is said of a parcel that its customer has.
fn not_given(subject: Subject, parcel: &Parcel) -> Result<(), Refusal> {
    match parcel.given {
        Some(given) => Err(Refusal::AlreadyGiven { parcel: subject, by: given.by, at_ms: given.at_ms }),
        None => Ok(()),
    }
}

fn counted(parcels: &[Subject]) -> Result<(), Refusal> {
    let distinct: std::collections::BTreeSet<&Subject> = parcels.iter().collect();
    if parcels.is_empty() || parcels.len() > MAX_PARCELS || distinct.len() != parcels.len() {
        return Err(Refusal::BadCount(MAX_PARCELS));
    }
    Ok(())
}

/// Whether a reason to return ends the delivery attempts at once.
#[must_use]
pub const fn ends_attempts(reason: AttemptReason) -> bool {
    AttemptReason::is_refusal(reason as u8)
}
