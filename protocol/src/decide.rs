//! Command → facts, by the state as this replica knows it. Pure: the same call at the same state
//! gives the same facts.

mod till;

use crate::command::{Command, MAX_PARCELS};
use crate::fact::{
    Accepted, AttemptReason, Attempted, Delivered, Dispatched, Fact, HandInCounted, HandInOffered, Loaded, Packed, Put,
    Received, Rejected, ReturnReceived, RtoInitiated,
};
use crate::fold::{Folded, State};
use crate::handin::HandIn;
use crate::id::{Incarnation, Kind, Scope, Subject};
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
        Command::Receive { parcel, pieces } => {
            desk.role(Role::Site)?;
            let state = desk.parcel(*parcel)?;
            let may = [
                Status::Placed,
                Status::Accepted,
                Status::Packed,
                Status::OnRun,
                Status::Loaded,
                Status::Attempted,
                Status::Refused,
                Status::Cancelled,
            ];
            state.in_one_of(*parcel, &may, "it is here already, or done")?;
            one(*parcel, Fact::Received(Received { pieces: *pieces }))
        }
        Command::Dispatch { parcels, agent } => desk.dispatch(parcels, *agent, stamp),
        Command::Return { parcel, reason } => {
            desk.role(Role::Site)?;
            desk.parcel(*parcel)?.in_one_of(*parcel, &[Status::AtHub], "scan it in first")?;
            one(*parcel, Fact::RtoInitiated(RtoInitiated { reason: *reason as u8 }))
        }
        Command::Count { handin, agent, counted_paisa, denominations } => {
            desk.role(Role::Site)?;
            desk.count(*handin, *agent, *counted_paisa, denominations)
        }
        Command::Forward { .. }
        | Command::Shelve { .. }
        | Command::ExpireHold { .. }
        | Command::VerifyCode { .. }
        | Command::CheckIdentity { .. }
        | Command::TakeCash { .. }
        | Command::HandOver { .. } => Err(Refusal::WrongRole(Role::Site.word())),
        Command::OpenTill { float_paisa } => desk.open_till(*float_paisa, stamp),
        Command::CloseTill { shift, counted_paisa, denominations } => {
            desk.close_till(*shift, *counted_paisa, denominations)
        }
        Command::Load { parcels } => desk.load(parcels),
        Command::Deliver { parcel, evidence, collected_paisa, confirm_difference } => {
            desk.deliver(*parcel, *evidence, *collected_paisa, *confirm_difference)
        }
        Command::Fail { parcel, reason } => {
            desk.in_my_bag(*parcel)?;
            one(*parcel, Fact::Attempted(Attempted { reason: *reason as u8 }))
        }
        Command::Offer { site, amount_paisa } => desk.offer(*site, *amount_paisa, stamp),
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

    fn in_my_bag(&self, subject: Subject) -> Result<Parcel, Refusal> {
        self.role(Role::Agent)?;
        let parcel = self.parcel(subject)?;
        if !matches!(parcel.status, Status::Loaded | Status::Attempted) || parcel.custodian != Some(self.seat.party) {
            return Err(match parcel.status {
                Status::Loaded | Status::Attempted | Status::OnRun => Refusal::NotYours(subject),
                status => Refusal::WrongState { parcel: subject, status: status.word(), next: "load it first" },
            });
        }
        Ok(parcel)
    }

    fn deliver(
        &self,
        subject: Subject,
        evidence: u8,
        collected: Option<Taka>,
        confirmed: bool,
    ) -> Result<Vec<Draft>, Refusal> {
        let parcel = self.in_my_bag(subject)?;
        let due = parcel.due();
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

    fn load(&self, parcels: &[Subject]) -> Result<Vec<Draft>, Refusal> {
        self.role(Role::Agent)?;
        counted(parcels)?;
        let (held, ceiling) = (self.shelf.cash_on_hand(), self.seat.cash_ceiling);
        if held > ceiling {
            return Err(Refusal::OverCeiling { held, ceiling });
        }
        let load = |parcel: &Subject| {
            let state = self.parcel(*parcel)?;
            state.in_one_of(*parcel, &[Status::OnRun], "ask the hub to put it on your run")?;
            if state.agent != Some(self.seat.party) {
                return Err(Refusal::NotYours(*parcel));
            }
            Ok(Draft { subject: *parcel, fact: Fact::Loaded(Loaded {}) })
        };
        parcels.iter().map(load).collect()
    }

    fn dispatch(&self, parcels: &[Subject], agent: Scope, stamp: &Stamp) -> Result<Vec<Draft>, Refusal> {
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
            self.parcel(*parcel)?.in_one_of(*parcel, &may, "scan it in first")?;
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

    fn offer(&self, site: Scope, amount: Taka, stamp: &Stamp) -> Result<Vec<Draft>, Refusal> {
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

    fn count(
        &self,
        handin: Subject,
        agent: Scope,
        counted: Taka,
        denominations: &[crate::fact::Denomination],
    ) -> Result<Vec<Draft>, Refusal> {
        if !counted.is_cash() {
            return Err(Refusal::BadAmount);
        }
        till::add_up(denominations, counted)?;
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
