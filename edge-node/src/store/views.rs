//! The views of screens: one row for each subject, replaced whenever it is folded.

use protocol::contest::Contest;
use protocol::earning::Earning;
use protocol::fact::Fact;
use protocol::handin::HandIn;
use protocol::id::{OpId, Scope, Subject};
use protocol::parcel::{Parcel, Proof, Step};
use protocol::sealed::{self, Personal};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Rows, StoreError, signed};

/// The kind of a parcel's creating fact: part of what its sealed field is bound to.
pub(super) const PARCEL_CREATED: u16 = 0x1010;

/// A parcel as screens show it.
#[derive(Clone, Debug, Serialize)]
pub struct ParcelView {
    /// Its id.
    pub parcel: Subject,
    /// Its order.
    pub order: Option<Subject>,
    /// Its vendor.
    pub vendor: Option<Scope>,
    /// The courier hub.
    pub site: Option<Scope>,
    /// Cash to collect, paisa.
    pub due_paisa: i64,
    /// `[{sku, qty, unit_price_paisa}]`.
    pub lines: serde_json::Value,
    /// Word of the status.
    pub status: String,
    /// Who has it.
    pub custodian: Option<Scope>,
    /// Whose run it is on.
    pub agent: Option<Scope>,
    /// Failed attempts.
    pub attempts: u32,
    /// Cash collected, paisa.
    pub collected_paisa: i64,
    /// To be asked back from the customer.
    pub return_requested: bool,
    /// Called off while it was under way: bring it back.
    pub stop_requested: bool,
    /// Paid ahead: take nothing.
    pub prepaid: bool,
    /// The pickup point it is to be fetched at.
    pub point: Option<Scope>,
    /// Its shelf there.
    pub shelf: Option<String>,
    /// What the counter does next: `verify`, `take_cash` or `hand_over`.
    pub step: Option<String>,
    /// How the customer at the counter was known: `code` or `identity`.
    pub verified: Option<String>,
    /// Nothing is to be collected any more.
    pub paid: bool,
    /// Since when it lies at its point, by the clerk's clock.
    pub held_since_ms: Option<i64>,
    /// Who gave it to the customer.
    pub given_by: Option<Scope>,
    /// When, by that author's clock.
    pub given_at_ms: Option<i64>,
    /// Stable codes of what waits for a ruling.
    pub contested: Vec<String>,
    /// A head is missing, or an op is of a later version.
    pub provisional: bool,
    /// Name, phone, address and note, when this device holds the key.
    pub customer: Option<Personal>,
}

/// A hand-in as screens show it.
#[derive(Clone, Debug, Serialize)]
pub struct HandInView {
    /// Its id.
    pub handin: Subject,
    /// Who gives.
    pub agent: Option<Scope>,
    /// To which site.
    pub site: Option<Scope>,
    /// What he says it is, paisa.
    pub offered_paisa: Option<i64>,
    /// What was counted, paisa.
    pub counted_paisa: Option<i64>,
    /// Word of the status.
    pub status: String,
    /// Stable codes of what waits for a ruling.
    pub contested: Vec<String>,
    /// A head is missing, or an op is of a later version.
    pub provisional: bool,
}

/// An earning as screens show it.
#[derive(Clone, Debug, Serialize)]
pub struct EarningView {
    /// Its id.
    pub earning: Subject,
    /// The parcel it is for.
    pub parcel: Option<Subject>,
    /// Whose.
    pub vendor: Option<Scope>,
    /// Price of the goods, paisa.
    pub goods_paisa: i64,
    /// What the vendor gets of it, paisa.
    pub net_paisa: i64,
    /// Word of the status.
    pub status: String,
    /// A head is missing, or an op is of a later version.
    pub provisional: bool,
}

impl Rows<'_> {
    pub(super) fn put_parcel(&self, subject: &Subject, parcel: &Parcel) -> Result<(), StoreError> {
        let created = parcel.created.as_ref();
        let line = |line: &protocol::fact::Line| serde_json::json!({"sku": line.sku, "qty": line.qty, "unit_price_paisa": line.unit_price.paisa()});
        let lines: Vec<_> = created.map(|created| created.lines.iter().map(line).collect()).unwrap_or_default();
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO view_parcel (subject, order_id, vendor, site, due_paisa, lines, status,
                 custodian, agent, attempts, satisfied_by, returned_by, collected_paisa, return_requested, contested,
                 incomplete, newer, sealed, point, shelf, step, verified, paid, held_since_ms, given_by, given_at_ms,
                 stop_requested, prepaid)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                 ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)",
            )?
            .execute(params![
                subject.0,
                created.map(|created| created.order.0),
                created.map(|created| created.vendor.0),
                created.map(|created| created.site.0),
                parcel.due().paisa(),
                serde_json::Value::Array(lines).to_string(),
                parcel.status.word(),
                parcel.custodian.map(|scope| scope.0),
                parcel.agent.map(|scope| scope.0),
                parcel.attempts,
                parcel.satisfied_by.map(|id| id.0),
                parcel.returned_by.map(|id| id.0),
                parcel.collected.paisa(),
                parcel.return_requested,
                words(&parcel.contests),
                parcel.incomplete,
                parcel.newer,
                created.map(|created| created.sealed.as_slice()),
                parcel.pickup.as_ref().map(|pickup| pickup.point.0),
                parcel.shelf,
                parcel.step().map(Step::word),
                parcel.verified.map(Proof::word),
                parcel.paid,
                parcel.held_since_ms.map(signed),
                parcel.given.map(|given| given.by.0),
                parcel.given.map(|given| signed(given.at_ms)),
                parcel.stop_requested,
                parcel.is_prepaid()
            ])?;
        Ok(())
    }

    pub(super) fn put_handin(&self, subject: &Subject, handin: &HandIn) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO view_handin (subject, agent, site, offered_paisa, counted_paisa, status,
                 counted_by, contested, incomplete, newer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                subject.0,
                handin.agent.map(|scope| scope.0),
                handin.site.map(|scope| scope.0),
                handin.offered.map(|amount| amount.paisa()),
                handin.counted.map(|amount| amount.paisa()),
                handin.word(),
                handin.counted_by.map(|id| id.0),
                words(&handin.contests),
                handin.incomplete,
                handin.newer
            ])?;
        Ok(())
    }

    pub(super) fn put_earning(&self, subject: &Subject, earning: &Earning) -> Result<(), StoreError> {
        let terms = earning.terms.as_ref();
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO view_earning (subject, parcel, vendor, goods_paisa, net_paisa, status,
                 distributed_for, charged_for, held, incomplete, newer)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                subject.0,
                terms.map(|terms| terms.parcel.0),
                terms.map(|terms| terms.vendor.0),
                terms.map_or(0, |terms| terms.goods.paisa()),
                earning.net.paisa(),
                earning.word(),
                earning.distributed_for.map(|id| id.0),
                earning.charged_for.map(|id| id.0),
                signed(earning.held_for.len() as u64),
                earning.incomplete,
                earning.newer
            ])?;
        Ok(())
    }

    /// Parcels in order of id, after `after`; of one status, if one is named.
    ///
    /// # Errors
    /// The database.
    pub fn parcels(
        &self,
        status: Option<&str>,
        after: Option<Subject>,
        limit: u32,
    ) -> Result<Vec<ParcelView>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subject, order_id, vendor, site, due_paisa, lines, status, custodian, agent, attempts,
             collected_paisa, return_requested, contested, incomplete OR newer, sealed, subject_key.key, point, shelf,
             step, verified, paid, held_since_ms, given_by, given_at_ms, stop_requested, prepaid
             FROM view_parcel LEFT JOIN subject_key USING (subject)
             WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR subject > ?2) ORDER BY subject LIMIT ?3",
        )?;
        let read = |row: &Row<'_>| {
            let parcel = Subject(row.get(0)?);
            let (sealed, key): (Option<Vec<u8>>, Option<[u8; 32]>) = (row.get(14)?, row.get(15)?);
            let opened = key.zip(sealed).and_then(|(key, sealed)| sealed::open(&key, &parcel, PARCEL_CREATED, &sealed));
            Ok(ParcelView {
                parcel,
                order: subject_at(row, 1)?,
                vendor: subject_at(row, 2)?,
                site: subject_at(row, 3)?,
                due_paisa: row.get(4)?,
                lines: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default(),
                status: row.get(6)?,
                custodian: subject_at(row, 7)?,
                agent: subject_at(row, 8)?,
                attempts: row.get(9)?,
                collected_paisa: row.get(10)?,
                return_requested: row.get(11)?,
                point: subject_at(row, 16)?,
                shelf: row.get(17)?,
                step: row.get(18)?,
                verified: row.get(19)?,
                paid: row.get(20)?,
                held_since_ms: row.get(21)?,
                given_by: subject_at(row, 22)?,
                given_at_ms: row.get(23)?,
                stop_requested: row.get(24)?,
                prepaid: row.get(25)?,
                contested: split(row.get(12)?),
                provisional: row.get(13)?,
                customer: opened,
            })
        };
        let rows = statement.query_map(params![status, after.map(|after| after.0), limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The phone of a parcel's customer, when this device holds the key.
    ///
    /// # Errors
    /// The database.
    pub fn phone_of(&self, parcel: &Subject) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sealed, subject_key.key FROM view_parcel JOIN subject_key USING (subject) WHERE subject = ?1",
        )?;
        let read = |row: &Row<'_>| Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, [u8; 32]>(1)?));
        let found = statement.query_row(params![parcel.0], read).optional()?;
        let opened = found.and_then(|(sealed, key)| sealed::open(&key, parcel, PARCEL_CREATED, &sealed?));
        Ok(opened.map(|personal| personal.phone))
    }

    /// Hand-ins in order of id, after `after`.
    ///
    /// # Errors
    /// The database.
    pub fn handins(&self, after: Option<Subject>, limit: u32) -> Result<Vec<HandInView>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subject, agent, site, offered_paisa, counted_paisa, status, contested, incomplete OR newer
             FROM view_handin WHERE ?1 IS NULL OR subject > ?1 ORDER BY subject LIMIT ?2",
        )?;
        let read = |row: &Row<'_>| {
            Ok(HandInView {
                handin: Subject(row.get(0)?),
                agent: subject_at(row, 1)?,
                site: subject_at(row, 2)?,
                offered_paisa: row.get(3)?,
                counted_paisa: row.get(4)?,
                status: row.get(5)?,
                contested: split(row.get(6)?),
                provisional: row.get(7)?,
            })
        };
        Ok(statement.query_map(params![after.map(|after| after.0), limit], read)?.collect::<Result<_, _>>()?)
    }

    /// Earnings in order of id, after `after`.
    ///
    /// # Errors
    /// The database.
    pub fn earnings(&self, after: Option<Subject>, limit: u32) -> Result<Vec<EarningView>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subject, parcel, vendor, goods_paisa, net_paisa, status, incomplete OR newer
             FROM view_earning WHERE ?1 IS NULL OR subject > ?1 ORDER BY subject LIMIT ?2",
        )?;
        let read = |row: &Row<'_>| {
            Ok(EarningView {
                earning: Subject(row.get(0)?),
                parcel: subject_at(row, 1)?,
                vendor: subject_at(row, 2)?,
                goods_paisa: row.get(3)?,
                net_paisa: row.get(4)?,
                status: row.get(5)?,
                provisional: row.get(6)?,
            })
        };
        Ok(statement.query_map(params![after.map(|after| after.0), limit], read)?.collect::<Result<_, _>>()?)
    }

    /// Central's judgement of one of these ops, if there is one: its code.
    ///
    /// # Errors
    /// The database.
    pub fn judgement(&self, subject: &Subject, op: &OpId) -> Result<Option<u16>, StoreError> {
        let judged = self.history(subject)?.facts.into_iter().find_map(|seen| match seen.fact {
            Some(Fact::Judged(judged)) if judged.op == *op => Some(judged.code),
            _ => None,
        });
        Ok(judged)
    }

    /// A named counter.
    ///
    /// # Errors
    /// The database.
    pub fn counter(&self, name: &str) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM counter WHERE name = ?1")?;
        let value: Option<i64> = statement.query_row(params![name], |row| row.get(0)).optional()?;
        Ok(value.map_or(0, super::unsigned))
    }
}

fn subject_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Subject>> {
    Ok(row.get::<_, Option<[u8; 17]>>(index)?.map(Subject))
}

fn words(contests: &[Contest]) -> String {
    let mut words: Vec<&str> = contests.iter().map(|contest| contest.code.word()).collect();
    words.dedup();
    words.join(",")
}

fn split(words: String) -> Vec<String> {
    words.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
