//! The parcel: what it is due, where it is, who collected what (B3.2, B3.4, B3.8, rules R1, R2, R4, R7,
//! R8, R12, R13).
//!
//! Slots: `preparation` latest (accepted, rejected, packed), `custody` latest (who has it, and the
//! status that follows), `pickup` latest (which point, which lock), `due` earliest (which collection
//! satisfied it).

mod courier;
mod custody;
mod due;
mod overtaken;
mod voided;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::contest::{Code, Contest};
use crate::fact::{AttemptReason, Fact, ParcelCreated, PickupChosen};
use crate::history::{History, MAX_FACTS};
use crate::id::{OpId, Scope, Subject};
use crate::journal::Journal;
use crate::seat::Role;
use crate::slot::{self, Claim};
use crate::taka::Taka;

pub use courier::{Carried, Carrying};
use voided::Voided;
pub use voided::may_be_voided;

/// Evidence of a hand-over whose customer showed the parcel's code: every replica checks the token.
const EVIDENCE_CODE: u8 = 5;
/// Evidence of a hand-over after a look at the customer's papers. Less than E3, which needs the
/// customer's own code; more than a tap, for a second person's word and a fixed counter stand behind it.
const EVIDENCE_PAPERS: u8 = 2;
/// Evidence of a delivery that a courier answered for when he was asked, or paid for.
const EVIDENCE_COURIER: u8 = 2;
/// Evidence of a hand-over with neither.
const EVIDENCE_TAP: u8 = 1;

/// Where a parcel stands, derived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Status {
    /// The creating fact is not here yet.
    #[default]
    Unknown,
    Placed,
    Accepted,
    Rejected,
    Packed,
    AtHub,
    OnRun,
    Loaded,
    Attempted,
    Refused,
    Delivered,
    ReturnInitiated,
    Returned,
    Cancelled,
    /// Another company carries it.
    WithCourier,
    /// Sent to another site, and not received there.
    InTransit,
    /// Received at its pickup point.
    AtPoint,
    /// On a shelf of its pickup point.
    Shelved,
    /// Nobody came for it in time.
    HoldExpired,
    /// Handed over at the counter.
    Collected,
}

impl Status {
    /// The word of views and of the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Placed => "placed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Packed => "packed",
            Self::AtHub => "at_hub",
            Self::OnRun => "on_run",
            Self::Loaded => "loaded",
            Self::Attempted => "attempted",
            Self::Refused => "refused",
            Self::Delivered => "delivered",
            Self::ReturnInitiated => "return_initiated",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
            Self::WithCourier => "with_courier",
            Self::InTransit => "in_transit",
            Self::AtPoint => "at_point",
            Self::Shelved => "shelved",
            Self::HoldExpired => "hold_expired",
            Self::Collected => "collected",
        }
    }

    /// Whether an order may still be called off without asking anybody.
    #[must_use]
    pub const fn before_dispatch(self) -> bool {
        matches!(self, Self::Placed | Self::Accepted | Self::Rejected | Self::Packed)
    }

    /// Whether the customer has the goods.
    #[must_use]
    pub const fn is_with_customer(self) -> bool {
        matches!(self, Self::Delivered | Self::Collected)
    }
}

/// How the customer at the counter was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// By his papers.
    Identity,
    /// By the parcel's code.
    Code,
}

impl Proof {
    /// The word of views.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Code => "code",
        }
    }
}

/// What the counter does next with a parcel that lies there. Each step is a fact of its own, so a power
/// cut between any two leaves the next one readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Ask for the code.
    Verify,
    /// Take the due.
    TakeCash,
    /// Give the goods.
    HandOver,
}

impl Step {
    /// The word of views.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::TakeCash => "take_cash",
            Self::HandOver => "hand_over",
        }
    }
}

/// Who gave the goods to the customer, and when he says it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// The fact.
    pub op: OpId,
    /// The agent, the site or the courier.
    pub by: Subject,
    /// The author's claim of the time.
    pub at_ms: u64,
}

/// What the facts of one parcel come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    /// The creating fact.
    pub created: Option<ParcelCreated>,
    /// The point it is to be fetched at, and the lock of its code.
    pub pickup: Option<PickupChosen>,
    /// Where it stands.
    pub status: Status,
    /// The fact that the status is read from.
    pub status_by: Option<OpId>,
    /// Who has it; `None` when the customer has, or nobody knows.
    pub custodian: Option<Scope>,
    /// The agent whose run it is on.
    pub agent: Option<Scope>,
    /// The site it is on its way to.
    pub bound_for: Option<Scope>,
    /// Its shelf, while it lies on one.
    pub shelf: Option<String>,
    /// When the pickup point says it scanned it in: the hold runs from there.
    pub held_since_ms: Option<u64>,
    /// Nobody came for it in time: it is not sent to the point again.
    pub hold_expired: bool,
    /// How the customer at the counter was known.
    pub verified: Option<Proof>,
    /// Nothing is to be collected any more: somebody took the due, or it was paid ahead.
    pub paid: bool,
    /// Deliveries of couriers that they took back (R21): nothing that followed from them stands.
    pub taken_back: Vec<OpId>,
    /// Deliveries that people found to be none (R5), and the payments at a provider that stand for them: nothing that
    /// followed from them stands.
    pub voided: Vec<OpId>,
    /// The courier who carries or carried it last.
    pub carried: Option<Carried>,
    /// Who gave it to the customer.
    pub given: Option<Given>,
    /// Delivery attempts that failed.
    pub attempts: u32,
    /// The collection that satisfied the due; with nothing due, the delivery or hand-over itself.
    pub satisfied_by: Option<OpId>,
    /// The vendor's receipt of the return.
    pub returned_by: Option<OpId>,
    /// The cancellation.
    pub cancelled_by: Option<OpId>,
    /// Cash collected by all agents and counters together.
    pub collected: Taka,
    /// Called off while it was under way: whoever has it brings it back (R8).
    pub stop_requested: bool,
    /// Called off, and given to the customer with evidence: to be asked back (R7).
    pub return_requested: bool,
    /// What waits for a ruling.
    pub contests: Vec<Contest>,
    /// A head is not held: provisional.
    pub incomplete: bool,
    /// An op is of a later version: provisional.
    pub newer: bool,
}

impl Parcel {
    /// Whether anything of this parcel may mature, be distributed or charged.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.contests.is_empty() && !self.incomplete && !self.newer && self.created.is_some()
    }

    /// Cash to collect.
    #[must_use]
    pub fn due(&self) -> Taka {
        self.created.as_ref().map_or(Taka::ZERO, |created| created.due)
    }

    /// Whether nothing is due on it because the order was paid ahead.
    #[must_use]
    pub fn is_prepaid(&self) -> bool {
        self.created.as_ref().is_some_and(|created| created.due == Taka::ZERO)
    }

    /// Whether the goods are with the customer and their due is satisfied: its earning may be distributed.
    #[must_use]
    pub fn is_fulfilled(&self) -> bool {
        self.status.is_with_customer() && self.satisfied_by.is_some()
    }

    /// What the counter does next; `None` when the parcel does not lie at its point.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        if !matches!(self.status, Status::AtPoint | Status::Shelved) {
            return None;
        }
        Some(match (self.verified, self.paid) {
            (None, _) => Step::Verify,
            (Some(_), false) => Step::TakeCash,
            (Some(_), true) => Step::HandOver,
        })
    }
}

/// The lock of a handover code: `BLAKE3(subject ‖ token)[..16]`. Whoever shows the token may have the
/// parcel, and no replica needs a secret to check it.
#[must_use]
pub fn lock_of(subject: &Subject, token: &[u8]) -> [u8; 16] {
    let mut lock = [0; 16];
    lock.copy_from_slice(&blake3::hash(&[subject.0.as_slice(), token].concat()).as_bytes()[..16]);
    lock
}

/// Folds the facts of `subject`, and yields its journals.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Parcel, Vec<Journal>) {
    let voided = Voided::of(history);
    let history = voided.leave(history);
    let mut fold = Fold {
        subject,
        history: &history,
        parcel: Parcel::default(),
        contests: BTreeSet::new(),
        journals: Vec::new(),
        holder: None,
        run_agent: OnceCell::new(),
    };
    fold.parcel.incomplete = history.incomplete;
    fold.parcel.newer = history.newer;
    fold.create();
    fold.verify();
    fold.prepare();
    fold.move_custody();
    fold.call_off();
    fold.collect();
    fold.keep_voided_cash(&voided);
    fold.follow_courier();
    fold.parcel.voided = voided.undelivered(&fold.parcel, &history);
    fold.judge();
    fold.parcel.contests = history.waiting(fold.contests);
    (fold.parcel, fold.journals)
}

struct Fold<'a> {
    subject: Subject,
    history: &'a History,
    parcel: Parcel,
    contests: BTreeSet<Contest>,
    journals: Vec<Journal>,
    /// Who said last where the parcel is: at equal causality his collection is the one that counts (R4).
    holder: Option<Scope>,
    /// The agent of the latest run sheet, found once: every claim asks for him.
    run_agent: OnceCell<Option<Scope>>,
}

impl<'a> Fold<'a> {
    fn contest(&mut self, fact: usize, code: Code) {
        self.contests.insert(Contest { op: self.history.facts[fact].id, code });
    }

    fn fact(&self, index: usize) -> Option<&'a Fact> {
        self.history.facts[index].fact.as_ref()
    }

    fn create(&mut self) {
        let claims = self.claims(|fact| matches!(fact, Fact::ParcelCreated(_)));
        let winner = slot::earliest(self.history, &claims).and_then(|held| self.fact(held.winner.fact));
        if let Some(Fact::ParcelCreated(created)) = winner {
            self.parcel.created = Some(created.clone());
        }
        let claims = self.claims(|fact| matches!(fact, Fact::PickupChosen(_)));
        let winner = slot::latest(self.history, &claims).and_then(|held| self.fact(held.winner.fact));
        if let Some(Fact::PickupChosen(pickup)) = winner {
            self.parcel.pickup = Some(pickup.clone());
        }
    }

    /// Who the customer at the counter is: a token that opens the lock, or papers that were looked at.
    fn verify(&mut self) {
        for (index, seen) in self.history.facts.iter().enumerate() {
            match &seen.fact {
                Some(Fact::CodeVerified(_)) if self.opens(index) => self.parcel.verified = Some(Proof::Code),
                Some(Fact::CodeVerified(_)) => self.contest(index, Code::CodeMismatch),
                Some(Fact::IdentityChecked(_)) if self.parcel.verified.is_none() => {
                    self.parcel.verified = Some(Proof::Identity);
                }
                _ => {}
            }
        }
    }

    /// Whether the fact shows the token of this parcel's lock.
    fn opens(&self, index: usize) -> bool {
        match (self.fact(index), &self.parcel.pickup) {
            (Some(Fact::CodeVerified(code)), Some(pickup)) => lock_of(&self.subject, &code.token) == pickup.lock,
            _ => false,
        }
    }

    /// Slot `preparation`: what the vendor says until the parcel moves. A cancellation wins over it,
    /// whether the vendor knew of it or not (R8): nothing has left his shelf.
    fn prepare(&mut self) {
        let cancels = self.claims(|fact| matches!(fact, Fact::ParcelCancelled(_)));
        self.parcel.cancelled_by =
            slot::earliest(self.history, &cancels).map(|held| self.history.facts[held.winner.fact].id);
        let claims = self.claims(|fact| {
            matches!(fact, Fact::ParcelCreated(_) | Fact::Accepted(_) | Fact::Rejected(_) | Fact::Packed(_))
        });
        if let Some(held) = slot::latest(self.history, &claims) {
            self.parcel.status = self.status_of(held.winner.fact);
            self.parcel.status_by = Some(self.history.facts[held.winner.fact].id);
            self.parcel.custodian = self.parcel.created.as_ref().map(|created| created.vendor);
            if cancels.is_empty() {
                held.rivals.iter().for_each(|rival| self.contest(rival.fact, Code::UnlistedPair));
            }
        }
        if !cancels.is_empty() {
            self.parcel.status = Status::Cancelled;
            self.parcel.status_by = self.parcel.cancelled_by;
        }
    }

    /// Contests that hang on a single fact.
    fn judge(&mut self) {
        for index in 0..self.history.facts.len() {
            if self.history.facts[index].doubted {
                self.contest(index, Code::RevokedAuthor);
            }
        }
        if self.history.facts.len() > MAX_FACTS {
            self.contest(MAX_FACTS, Code::SubjectFull);
        }
    }

    fn claims(&self, wanted: fn(&Fact) -> bool) -> Vec<Claim> {
        let pick = move |fact: &'a Fact| wanted(fact).then_some(fact);
        self.history.acts_of(pick).map(|(index, _)| self.claim(index)).collect()
    }

    fn claim(&self, index: usize) -> Claim {
        let seen = &self.history.facts[index];
        let evidence = self.evidence(index);
        // R2: at equal evidence, the agent whose run sheet held the parcel.
        let on_his_run = evidence > 0 && self.run_agent() == Some(seen.party);
        let authority = match seen.role {
            Role::Central => 3,
            Role::Site => 2,
            _ if on_his_run => 2,
            _ => 1,
        };
        Claim { fact: index, evidence, authority }
    }

    /// How sure it is that the goods reached the customer; 0 for what does not say so.
    fn evidence(&self, index: usize) -> u8 {
        let knew = |proof: &dyn Fn(usize) -> bool| {
            (0..self.history.facts.len()).any(|other| self.history.follows(index, other) && proof(other))
        };
        match self.fact(index) {
            Some(Fact::Delivered(delivered)) => delivered.evidence,
            Some(Fact::CourierDelivered(_)) => EVIDENCE_COURIER,
            Some(Fact::HandedOver(_)) if knew(&|other| self.opens(other)) => EVIDENCE_CODE,
            Some(Fact::HandedOver(_)) if knew(&|other| matches!(self.fact(other), Some(Fact::IdentityChecked(_)))) => {
                EVIDENCE_PAPERS
            }
            Some(Fact::HandedOver(_)) => EVIDENCE_TAP,
            _ => 0,
        }
    }

    fn status_of(&self, index: usize) -> Status {
        match self.fact(index) {
            Some(Fact::ParcelCreated(_)) => Status::Placed,
            Some(Fact::Accepted(_)) => Status::Accepted,
            Some(Fact::Rejected(_)) => Status::Rejected,
            Some(Fact::Packed(_)) => Status::Packed,
            Some(Fact::Received(_)) if self.is_point(index) => Status::AtPoint,
            Some(Fact::Received(_)) => Status::AtHub,
            Some(Fact::Forwarded(_)) => Status::InTransit,
            Some(Fact::Shelved(_)) => Status::Shelved,
            Some(Fact::HoldExpired(_)) => Status::HoldExpired,
            Some(Fact::HandedOver(_)) => Status::Collected,
            Some(Fact::Dispatched(_)) => Status::OnRun,
            Some(Fact::Loaded(_)) => Status::Loaded,
            Some(Fact::Attempted(attempt)) if AttemptReason::is_refusal(attempt.reason) => Status::Refused,
            Some(Fact::Attempted(_)) => Status::Attempted,
            Some(Fact::Delivered(_) | Fact::CourierDelivered(_)) => Status::Delivered,
            Some(Fact::Consigned(_) | Fact::CourierReturned(_)) => Status::WithCourier,
            Some(Fact::RtoInitiated(_)) => Status::ReturnInitiated,
            Some(Fact::ReturnReceived(_)) => Status::Returned,
            _ => Status::Unknown,
        }
    }

    /// Whether the fact was written at the parcel's pickup point.
    fn is_point(&self, index: usize) -> bool {
        self.parcel.pickup.as_ref().is_some_and(|pickup| pickup.point == self.history.facts[index].party)
    }
}
