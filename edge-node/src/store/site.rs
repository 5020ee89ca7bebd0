//! What a counter looks up: parcels by where they are, a label, its agents, open offers, its shifts.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use protocol::account::Code;
use protocol::fact::Fact;
use protocol::id::{Kind, Label, Scope, Subject};
use protocol::parcel::Parcel;
use protocol::sealed::{self, Personal};
use protocol::shift::{self, Shift};
use protocol::taka::Taka;
use rusqlite::{OptionalExtension, Row, named_params, params};

use super::{Rows, StoreError, signed, unsigned};

/// The kind of a parcel's creating fact: part of what its sealed field is bound to.
const PARCEL_CREATED: u16 = 0x1010;
const TILL_OPENED: u16 = 0x5010;

/// Which parcels a list of the counter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// On the way here: to be scanned in.
    Expected,
    /// Here, whatever is to be done with it.
    Here,
    /// Here, and waiting for its customer.
    Shelf,
    /// Here, and the hold is over.
    HoldOver,
    /// On a run of one of the site's agents.
    OnRun,
}

impl Whereabouts {
    /// What makes a row of the list, in SQL; `:me` is the own site.
    const fn condition(self) -> &'static str {
        match self {
            Self::Expected => {
                "((status IN ('placed', 'accepted', 'packed') AND site = :me)
                 OR (status = 'in_transit' AND custodian IS NOT :me))"
            }
            Self::Here => "(status IN ('at_hub', 'at_point', 'shelved', 'hold_expired') AND custodian = :me)",
            Self::Shelf => "(status IN ('at_point', 'shelved') AND custodian = :me)",
            Self::HoldOver => "(status = 'hold_expired' AND custodian = :me)",
            Self::OnRun => "(status IN ('on_run', 'loaded', 'attempted') AND agent BETWEEN :from AND :to)",
        }
    }
}

/// A shift of the own till, as its facts tell.
#[derive(Clone, Debug)]
pub struct ShiftRow {
    /// Its id.
    pub shift: Subject,
    /// When it began, by the cashier's clock.
    pub opened_ms: u64,
    /// Cash in the drawer at the start.
    pub float: Taka,
    /// The drawer is locked for a while.
    pub suspended: bool,
    /// What was paid out of the drawer besides parcels.
    pub paid_out: Taka,
    /// What was paid into it.
    pub paid_in: Taka,
    /// Each of these payments, in the order of recording; a double tap is one.
    pub payments: Vec<TillPayment>,
    /// How it ended, if it did.
    pub closed: Option<ShiftEnd>,
}

/// Cash that went out of the drawer or came into it, on a paper.
#[derive(Clone, Debug)]
pub struct TillPayment {
    /// It went out.
    pub out: bool,
    /// How much.
    pub amount: Taka,
    /// Why; a number of [`protocol::fact::TillReason`].
    pub reason: u8,
    /// What the paper is called.
    pub voucher: String,
    /// When, by the cashier's clock.
    pub at_ms: u64,
}

/// How a shift ended.
#[derive(Clone, Debug)]
pub struct ShiftEnd {
    /// Number of the Z-report.
    pub z: u32,
    /// What the till's account said.
    pub expected: Taka,
    /// What was counted.
    pub counted: Taka,
    /// When.
    pub at_ms: u64,
}

/// An agent's open offer of cash.
#[derive(Clone, Copy, Debug)]
pub struct OfferRow {
    /// Its id.
    pub handin: Subject,
    /// Who gives.
    pub agent: Scope,
    /// When he said so.
    pub at_ms: u64,
}

impl Rows<'_> {
    /// Parcels of a list in order of id, after `after`; of one agent, if one is named.
    ///
    /// # Errors
    /// The database.
    pub fn parcels_by_place(
        &self,
        list: Whereabouts,
        agent: Option<Scope>,
        after: Option<Subject>,
        limit: u32,
    ) -> Result<Vec<Subject>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT subject FROM view_parcel WHERE {} AND (:agent IS NULL OR agent = :agent)
             AND (:after IS NULL OR subject > :after) AND :me = :me AND :from <= :to ORDER BY subject LIMIT :limit",
            list.condition()
        ))?;
        let (from, to) = self.agents_range();
        let asked = named_params! {
            ":me": self.store.seat.party.0, ":from": from.0, ":to": to.0, ":limit": limit,
            ":agent": agent.map(|agent| agent.0), ":after": after.map(|after| after.0),
        };
        let rows = statement.query_map(asked, |row| row.get(0).map(Subject))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many parcels a list has.
    ///
    /// # Errors
    /// The database.
    pub fn count_by_place(&self, list: Whereabouts) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT count(*) FROM view_parcel WHERE {} AND :me = :me AND :from <= :to",
            list.condition()
        ))?;
        let (from, to) = self.agents_range();
        let asked = named_params! {":me": self.store.seat.party.0, ":from": from.0, ":to": to.0};
        Ok(unsigned(statement.query_row(asked, |row| row.get(0))?))
    }

    /// Agent scopes begin with their site's first 8 bytes.
    fn agents_range(&self) -> (Scope, Scope) {
        let (mut from, mut to) = ([0u8; 17], [0xffu8; 17]);
        for end in [&mut from, &mut to] {
            end[0] = Kind::Agent as u8;
            end[1..9].copy_from_slice(&self.store.seat.party.0[1..9]);
        }
        (Subject(from), Subject(to))
    }

    /// The customer of a parcel, when this device holds the key.
    ///
    /// # Errors
    /// The database.
    pub fn customer(&self, subject: &Subject, parcel: &Parcel) -> Result<Option<Personal>, StoreError> {
        let Some(created) = &parcel.created else { return Ok(None) };
        let mut statement = self.connection.prepare_cached("SELECT key FROM subject_key WHERE subject = ?1")?;
        let key: Option<[u8; 32]> = statement.query_row(params![subject.0], |row| row.get(0)).optional()?;
        Ok(key.and_then(|key| sealed::open(&key, subject, PARCEL_CREATED, &created.sealed)))
    }

    /// Parcels that wear this label: nearly always one. Labels are hashes and are not stored: ten
    /// thousand parcels are read through in a few milliseconds.
    ///
    /// # Errors
    /// The database.
    pub fn labelled(&self, label: Label) -> Result<Vec<Subject>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT subject FROM view_parcel ORDER BY subject")?;
        let mut found = Vec::new();
        for subject in statement.query_map([], |row| row.get(0).map(Subject))? {
            let subject = subject?;
            if subject.label() == label {
                found.push(subject);
            }
        }
        Ok(found)
    }

    /// Agents of the own site of whom anything is known: a certificate, or a membership.
    ///
    /// # Errors
    /// The database.
    pub fn agents_of_site(&self) -> Result<BTreeSet<Scope>, StoreError> {
        let (from, to) = self.agents_range();
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT scope FROM member WHERE scope BETWEEN ?1 AND ?2")?;
        let rows = statement.query_map(params![from.0, to.0], |row| row.get(0).map(Subject))?;
        let mut agents: BTreeSet<Scope> = rows.collect::<Result<_, _>>()?;
        let seats = self.store.seats.read().unwrap_or_else(PoisonError::into_inner);
        agents.extend(seats.values().map(|seat| seat.party).filter(|party| (from..=to).contains(party)));
        Ok(agents)
    }

    /// Cash in an agent's hands as this replica knows it, his open offers taken off.
    ///
    /// # Errors
    /// The database.
    pub fn cash_of_agent(&self, agent: Scope) -> Result<Taka, StoreError> {
        let held = self.balance(Code::AgentCash.of_owner(agent))?;
        let mut statement = self.connection.prepare_cached(
            "SELECT coalesce(sum(offered_paisa), 0) FROM view_handin WHERE agent = ?1 AND status = 'offered'",
        )?;
        let offered: i64 = statement.query_row(params![agent.0], |row| row.get(0))?;
        Ok(Taka::from_paisa(held.paisa().saturating_sub(offered)).unwrap_or(held))
    }

    /// Offers to the own site that nobody has counted, oldest first.
    ///
    /// # Errors
    /// The database.
    pub fn open_offers(&self, limit: u32) -> Result<Vec<OfferRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subject, agent, (SELECT coalesce(min(time_ms), 0) FROM op WHERE op.subject = view_handin.subject) at
             FROM view_handin WHERE status = 'offered' AND site = ?1 AND agent IS NOT NULL ORDER BY at, subject LIMIT ?2",
        )?;
        let read = |row: &Row<'_>| {
            Ok(OfferRow { handin: Subject(row.get(0)?), agent: Subject(row.get(1)?), at_ms: unsigned(row.get(2)?) })
        };
        let rows = statement.query_map(params![self.store.seat.party.0, limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The latest shifts of the own till, newest first.
    ///
    /// # Errors
    /// The database.
    pub fn latest_shifts(&self, limit: u32) -> Result<Vec<ShiftRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subject FROM op WHERE class_kind = ?1 AND apart IS NULL GROUP BY subject
             ORDER BY max(n) DESC LIMIT ?2",
        )?;
        let rows =
            statement.query_map(params![TILL_OPENED, signed(u64::from(limit))], |row| row.get(0).map(Subject))?;
        let subjects: Vec<Subject> = rows.collect::<Result<_, _>>()?;
        let mut shifts = Vec::with_capacity(subjects.len());
        for shift in subjects {
            let mut found = None;
            let mut closed = None;
            let history = self.history(&shift)?;
            let mut payments = Vec::new();
            let acts = (0..history.facts.len()).filter(|index| history.is_canonical(*index));
            for seen in acts.map(|index| &history.facts[index]).filter(|seen| seen.party == self.store.seat.party) {
                let paid = |out, amount, reason, voucher: &str| {
                    let (at_ms, voucher) = (seen.time_ms, voucher.to_owned());
                    TillPayment { out, amount, reason, voucher, at_ms }
                };
                match &seen.fact {
                    Some(Fact::TillOpened(opened)) if found.is_none() => {
                        found = Some((seen.time_ms, opened.float));
                    }
                    Some(Fact::TillClosed(end)) if closed.is_none() => {
                        let (z, expected, counted) = (end.z, end.expected, end.counted);
                        closed = Some(ShiftEnd { z, expected, counted, at_ms: seen.time_ms });
                    }
                    Some(Fact::TillPaidOut(p)) => payments.push(paid(true, p.amount, p.reason, &p.voucher)),
                    Some(Fact::TillPaidIn(p)) => payments.push(paid(false, p.amount, p.reason, &p.voucher)),
                    _ => {}
                }
            }
            payments.sort_by_key(|payment| payment.at_ms);
            let Some((opened_ms, float)) = found else { continue };
            let Shift { suspended, paid_out, paid_in, .. } = shift::fold(shift, &history).0;
            shifts.push(ShiftRow { shift, opened_ms, float, suspended, paid_out, paid_in, payments, closed });
        }
        Ok(shifts)
    }

    /// The fact of this written id on `subject`.
    ///
    /// # Errors
    /// The database.
    pub fn fact_of(&self, subject: &Subject, id: &str) -> Result<Option<Fact>, StoreError> {
        let facts = self.history(subject)?.facts;
        Ok(facts.into_iter().find(|seen| seen.id.to_string() == id).and_then(|seen| seen.fact))
    }
}
