//! The parcel: what it is due, where it is, who collected what (B3.2, B3.4, rules R1, R2, R7, R12, R13).
//!
//! Slots: `preparation` latest (accepted, rejected, packed), `custody` latest (who has it, and the
//! status that follows), `due` earliest (which collection satisfied it).

use std::collections::BTreeSet;

use crate::account::Code as Chart;
use crate::contest::{Code, Contest};
use crate::fact::{AttemptReason, Delivered, Fact, ParcelCreated};
use crate::history::{History, MAX_FACTS};
use crate::id::{OpId, Scope, Subject};
use crate::journal::{Journal, Rule};
use crate::seat::Role;
use crate::slot::{self, Claim, Held};
use crate::taka::Taka;

/// A collection beyond this many times the due (and 10,000 taka) is absurd.
const ABSURD_TIMES: i64 = 10;
const ABSURD_FLOOR: Taka = Taka::whole(10_000);
/// From this evidence on, goods that were delivered win over a cancellation (R7).
const EVIDENCE_BEATS_CANCEL: u8 = 2;

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
        }
    }

    /// Whether an order may still be called off without asking anybody.
    #[must_use]
    pub const fn before_dispatch(self) -> bool {
        matches!(self, Self::Placed | Self::Accepted | Self::Packed)
    }
}

/// What the facts of one parcel come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    /// The creating fact.
    pub created: Option<ParcelCreated>,
    /// Where it stands.
    pub status: Status,
    /// The fact that the status is read from.
    pub status_by: Option<OpId>,
    /// Who has it; `None` when the customer has, or nobody knows.
    pub custodian: Option<Scope>,
    /// The agent whose run it is on.
    pub agent: Option<Scope>,
    /// Delivery attempts that failed.
    pub attempts: u32,
    /// The collection that satisfied the due.
    pub satisfied_by: Option<OpId>,
    /// The vendor's receipt of the return.
    pub returned_by: Option<OpId>,
    /// Cash collected by all agents together.
    pub collected: Taka,
    /// Called off while it was under way, and delivered with evidence: to be asked back (R7).
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
}

/// Folds the facts of `subject`, and yields its journals.
#[must_use]
pub fn fold(subject: Subject, history: &History) -> (Parcel, Vec<Journal>) {
    let mut fold =
        Fold { subject, history, parcel: Parcel::default(), contests: BTreeSet::new(), journals: Vec::new() };
    fold.parcel.incomplete = history.incomplete;
    fold.parcel.newer = history.newer;
    fold.create();
    fold.prepare();
    fold.move_custody();
    fold.collect();
    fold.judge();
    fold.parcel.contests = fold.contests.into_iter().collect();
    (fold.parcel, fold.journals)
}

struct Fold<'a> {
    subject: Subject,
    history: &'a History,
    parcel: Parcel,
    contests: BTreeSet<Contest>,
    journals: Vec<Journal>,
}

impl<'a> Fold<'a> {
    fn contest(&mut self, fact: usize, code: Code) {
        self.contests.insert(Contest { op: self.history.facts[fact].id, code });
    }

    fn fact(&self, index: usize) -> Option<&'a Fact> {
        self.history.facts[index].fact.as_ref()
    }

    fn deliveries(&self) -> Vec<(usize, &'a Delivered)> {
        let pick = |fact: &'a Fact| if let Fact::Delivered(delivered) = fact { Some(delivered) } else { None };
        self.history.acts_of(pick).collect()
    }

    fn create(&mut self) {
        let pick = |fact: &'a Fact| if let Fact::ParcelCreated(created) = fact { Some(created) } else { None };
        let claims = self.claims(|fact| matches!(fact, Fact::ParcelCreated(_)));
        let winner = slot::earliest(self.history, &claims).map(|held| held.winner.fact);
        self.parcel.created =
            self.history.acts_of(pick).find(|(index, _)| Some(*index) == winner).map(|(_, c)| c.clone());
    }

    /// Slot `preparation`: what the vendor says until the parcel moves.
    fn prepare(&mut self) {
        let claims = self.claims(|fact| {
            matches!(
                fact,
                Fact::ParcelCreated(_)
                    | Fact::Accepted(_)
                    | Fact::Rejected(_)
                    | Fact::Packed(_)
                    | Fact::ParcelCancelled(_)
            )
        });
        if let Some(held) = slot::latest(self.history, &claims) {
            self.parcel.status = self.status_of(held.winner.fact);
            self.parcel.status_by = Some(self.history.facts[held.winner.fact].id);
            self.parcel.custodian = self.parcel.created.as_ref().map(|created| created.vendor);
            // A cancellation and a vendor's fact that do not know of each other: no rule yet (R8).
            held.rivals.iter().for_each(|rival| self.contest(rival.fact, Code::UnlistedPair));
        }
    }

    /// Slot `custody`: who has the parcel.
    fn move_custody(&mut self) {
        let claims = self.standing_claims();
        let cancels = self.cancels_in_time();
        let Some(held) = slot::latest(self.history, &[claims.as_slice(), &cancels].concat()) else {
            return;
        };
        self.parcel.status = self.status_of(held.winner.fact);
        self.parcel.status_by = Some(self.history.facts[held.winner.fact].id);
        self.settle_rivals(&held);
        self.follow_deliveries(&claims);
        self.parcel.attempts = self.claims(|fact| matches!(fact, Fact::Attempted(_))).len() as u32;
        let author = self.history.facts[held.winner.fact].party;
        match self.fact(held.winner.fact) {
            Some(Fact::Received(_) | Fact::RtoInitiated(_) | Fact::Loaded(_) | Fact::Attempted(_)) => {
                self.parcel.custodian = Some(author);
            }
            Some(Fact::Dispatched(_)) => self.parcel.custodian = Some(author),
            Some(Fact::ReturnReceived(_)) => {
                self.parcel.custodian = Some(author);
                self.parcel.returned_by = Some(self.history.facts[held.winner.fact].id);
            }
            Some(Fact::Delivered(_)) => self.parcel.custodian = None,
            // A cancellation moves nothing: whoever had it last still has it.
            _ => {
                if let Some(last) = slot::latest(self.history, &claims) {
                    self.parcel.custodian = Some(self.history.facts[last.winner.fact].party);
                }
            }
        }
        let on_run =
            matches!(self.parcel.status, Status::OnRun | Status::Loaded | Status::Attempted | Status::Delivered);
        self.parcel.agent = if on_run { self.run_agent() } else { None };
    }

    /// Cancellations that compete for the slot. One that knew of a delivery comes too late to undo it:
    /// the goods are to be asked back (R7).
    fn cancels_in_time(&mut self) -> Vec<Claim> {
        let deliveries = self.claims(|fact| matches!(fact, Fact::Delivered(_)));
        let mut in_time = Vec::new();
        for cancel in self.claims(|fact| matches!(fact, Fact::ParcelCancelled(_))) {
            let known = deliveries.iter().filter(|delivery| self.history.follows(cancel.fact, delivery.fact));
            match known.max_by_key(|delivery| delivery.evidence) {
                Some(delivery) if delivery.evidence >= EVIDENCE_BEATS_CANCEL => self.parcel.return_requested = true,
                Some(delivery) => self.contest(delivery.fact, Code::CancelledAndDelivered),
                None => in_time.push(cancel),
            }
        }
        in_time
    }

    /// Claims of custody, without what an agent recorded on a run whose parcel the hub has scanned in
    /// again, neither knowing of the other: he came back before his phone had synced. The scan says
    /// where the parcel is; the attempt still counts. A delivery is never left out.
    fn standing_claims(&self) -> Vec<Claim> {
        let claims = self.claims(moves_custody);
        let scans = self.claims(|fact| matches!(fact, Fact::Received(_)));
        let runs = self.claims(|fact| matches!(fact, Fact::Dispatched(_)));
        let scanned_in = |claim: &Claim| {
            let on_the_road = matches!(self.fact(claim.fact), Some(Fact::Loaded(_) | Fact::Attempted(_)));
            let of_one_run = |scan: &Claim| {
                self.history.concurrent(claim.fact, scan.fact)
                    && runs.iter().any(|run| {
                        self.history.follows(claim.fact, run.fact) && self.history.follows(scan.fact, run.fact)
                    })
            };
            on_the_road && scans.iter().any(of_one_run)
        };
        claims.iter().filter(|claim| !scanned_in(claim)).copied().collect()
    }

    /// The agent of the latest run sheet.
    fn run_agent(&self) -> Option<Scope> {
        let runs = self.claims(|fact| matches!(fact, Fact::Dispatched(_)));
        match slot::latest(self.history, &runs).and_then(|run| self.fact(run.winner.fact)) {
            Some(Fact::Dispatched(dispatched)) => Some(dispatched.agent),
            _ => None,
        }
    }

    /// Every pair of claims that neither knew the other has a rule, or is contested.
    fn settle_rivals(&mut self, held: &Held) {
        for rival in &held.rivals {
            match (self.fact(held.winner.fact), self.fact(rival.fact)) {
                (Some(Fact::Delivered(_)), Some(Fact::Delivered(_))) => {
                    self.contest(rival.fact, Code::ContestedDelivery)
                }
                (Some(Fact::Delivered(won)), Some(Fact::ParcelCancelled(_))) => {
                    if won.evidence >= EVIDENCE_BEATS_CANCEL {
                        self.parcel.return_requested = true;
                    } else {
                        self.contest(held.winner.fact, Code::CancelledAndDelivered);
                    }
                }
                _ => self.contest(rival.fact, Code::UnlistedPair),
            }
        }
    }

    /// A delivery is by whoever held the parcel, and nothing moves it afterwards.
    fn follow_deliveries(&mut self, claims: &[Claim]) {
        for (delivery, _) in self.deliveries() {
            if !self.held_custody(delivery) {
                self.contest(delivery, Code::NotInCustody);
            }
            for claim in claims.iter().filter(|claim| self.history.follows(claim.fact, delivery)) {
                self.contest(claim.fact, Code::UnlistedPair);
            }
            for (other, _) in self.deliveries() {
                if self.history.concurrent(delivery, other) && other > delivery {
                    self.contest(other, Code::ContestedDelivery);
                }
            }
        }
    }

    /// Whether the author of a delivery had the parcel, as far as he knew.
    fn held_custody(&self, delivery: usize) -> bool {
        let before = self.claims(moves_custody).into_iter().filter(|claim| self.history.follows(delivery, claim.fact));
        let before: Vec<Claim> = before.collect();
        slot::latest(self.history, &before).is_some_and(|held| {
            let loaded = matches!(self.fact(held.winner.fact), Some(Fact::Loaded(_) | Fact::Attempted(_)));
            loaded && self.history.facts[held.winner.fact].person == self.history.facts[delivery].person
        })
    }

    /// Slot `due`: the first collection satisfies it, every other one is the customer's money.
    fn collect(&mut self) {
        let Some(created) = self.parcel.created.clone() else { return };
        let mut taken: Vec<(usize, Taka)> = Vec::new();
        for (index, delivered) in self.deliveries() {
            let mut amount = delivered.collected;
            for echo in self.history.echoes(index) {
                if let Some(Fact::Delivered(again)) = self.fact(echo) {
                    if again.collected != delivered.collected {
                        self.contest(echo, Code::DoubleTapDiffers);
                    }
                    amount = amount.max(again.collected);
                }
            }
            if let Some(amount) = amount {
                taken.push((index, amount));
            }
        }
        let claims: Vec<Claim> = taken.iter().map(|(index, _)| self.claim(*index)).collect();
        let canonical = slot::earliest(self.history, &claims).map(|held| held.winner.fact);
        for (index, amount) in taken {
            self.parcel.collected = self.parcel.collected.plus(amount);
            if absurd(amount, created.due) {
                self.contest(index, Code::AbsurdAmount);
            }
            self.post_collection(index, amount, created.due, Some(index) == canonical);
        }
        if canonical.is_none() && created.due > Taka::ZERO {
            let claims: Vec<Claim> = self.deliveries().iter().map(|(index, _)| self.claim(*index)).collect();
            if let Some(held) = slot::earliest(self.history, &claims) {
                let seen = &self.history.facts[held.winner.fact];
                self.parcel.satisfied_by = Some(seen.id);
                let debit = [(Chart::Shortage.of_owner(seen.party), created.due)];
                self.post(Rule::J11c, seen.id, &debit, &[(Chart::Clearing.of_owner(self.subject), created.due)]);
            }
        }
    }

    fn post_collection(&mut self, index: usize, amount: Taka, due: Taka, canonical: bool) {
        let seen = &self.history.facts[index];
        let cash = (Chart::AgentCash.of_owner(seen.party), amount);
        let clearing = Chart::Clearing.of_owner(self.subject);
        let over = Chart::OverCollected.of_owner(self.subject);
        if !canonical {
            if amount > Taka::ZERO {
                self.contest(index, Code::DuplicateMoney);
            }
            self.post(Rule::J12, seen.id, &[cash], &[(over, amount)]);
            return;
        }
        self.parcel.satisfied_by = Some(seen.id);
        if amount == due {
            self.post(Rule::J4, seen.id, &[cash], &[(clearing, due)]);
        } else if amount > due {
            self.post(Rule::J11, seen.id, &[cash], &[(clearing, due), (over, amount.minus(due))]);
        } else {
            let owed = (Chart::Shortage.of_owner(seen.party), due.minus(amount));
            self.post(Rule::J11a, seen.id, &[cash, owed], &[(clearing, due)]);
        }
    }

    fn post(
        &mut self,
        rule: Rule,
        cause: OpId,
        debits: &[(crate::account::Account, Taka)],
        credits: &[(crate::account::Account, Taka)],
    ) {
        let journal = Journal::new(self.subject, rule, cause, debits, credits);
        // No money, no journal: a parcel with nothing due, a second delivery that took nothing.
        if !journal.postings.is_empty() {
            self.journals.push(journal);
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
        let evidence = match &seen.fact {
            Some(Fact::Delivered(delivered)) => delivered.evidence,
            _ => 0,
        };
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

    fn status_of(&self, index: usize) -> Status {
        match self.fact(index) {
            Some(Fact::ParcelCreated(_)) => Status::Placed,
            Some(Fact::Accepted(_)) => Status::Accepted,
            Some(Fact::Rejected(_)) => Status::Rejected,
            Some(Fact::Packed(_)) => Status::Packed,
            Some(Fact::Received(_)) => Status::AtHub,
            Some(Fact::Dispatched(_)) => Status::OnRun,
            Some(Fact::Loaded(_)) => Status::Loaded,
            Some(Fact::Attempted(attempt)) if AttemptReason::is_refusal(attempt.reason) => Status::Refused,
            Some(Fact::Attempted(_)) => Status::Attempted,
            Some(Fact::Delivered(_)) => Status::Delivered,
            Some(Fact::RtoInitiated(_)) => Status::ReturnInitiated,
            Some(Fact::ReturnReceived(_)) => Status::Returned,
            Some(Fact::ParcelCancelled(_)) => Status::Cancelled,
            _ => Status::Unknown,
        }
    }
}

fn moves_custody(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Received(_)
            | Fact::Dispatched(_)
            | Fact::Loaded(_)
            | Fact::Attempted(_)
            | Fact::Delivered(_)
            | Fact::RtoInitiated(_)
            | Fact::ReturnReceived(_)
    )
}

fn absurd(amount: Taka, due: Taka) -> bool {
    amount > ABSURD_FLOOR && amount.paisa() / ABSURD_TIMES > due.paisa()
}
