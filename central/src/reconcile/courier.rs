//! A courier's file: parcels he was paid for and parcels he brings back, line by line, and the one credit at the bank that
//! it comes to. A line names a parcel by the courier's number.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use protocol::decide::Draft;
use protocol::fact::{CourierRemitted, CourierReturned, CourierSource, Fact};
use protocol::id::{Id16, Kind, Subject};
use protocol::taka::Taka;
use sqlx::PgConnection;

use super::expected::Expected;
use super::line::Line;
use super::plan::{Plan, Row, State};
use super::{LineException, LineMatch};
use crate::ledger::paisa;
use crate::problem::Error;
use crate::statement;

/// What a file comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remits {
    pub(super) courier: Subject,
    /// What he collected.
    pub(super) gross: Taka,
    /// What he kept, without VAT.
    pub(super) charge: Taka,
    pub(super) vat: Taka,
    /// What all lines name: the number of the payment, which a bank's statement may repeat.
    pub(super) invoices: Vec<String>,
}

impl Remits {
    /// Σ of lines.
    ///
    /// # Errors
    /// `nothing_remitted`.
    pub(super) fn of<'a>(
        courier: Subject,
        lines: impl Iterator<Item = &'a statement::Line>,
    ) -> Result<Option<Self>, Error> {
        let zero = Taka::ZERO;
        let none = Self { courier, gross: zero, charge: zero, vat: zero, invoices: Vec::new() };
        let (sum, count) = lines.fold((none, 0u32), |(sum, count), line| {
            let of_all = |id: &String| !id.is_empty() && (count == 0 || sum.invoices.contains(id));
            let sum = Self {
                invoices: line.ids.iter().filter(|id| of_all(id)).cloned().collect(),
                gross: sum.gross.plus(line.amount).plus(line.fee),
                charge: sum.charge.plus(line.fee).minus(line.fee_vat),
                vat: sum.vat.plus(line.fee_vat),
                ..sum
            };
            (sum, count + 1)
        });
        if count > 0 && sum.net() <= Taka::ZERO {
            let told = format!("The file collects {} and keeps {}.", sum.gross, sum.charge.plus(sum.vat));
            let next = "Ask the courier for one file of a payment: charges alone are taken off a later one.";
            return Err(Error::refuse(422, "nothing_remitted", told, next));
        }
        Ok((count > 0).then_some(sum))
    }

    /// What arrives at the bank.
    pub(super) fn net(&self) -> Taka {
        self.gross.minus(self.charge).minus(self.vat)
    }

    /// The fact that it arrived.
    pub(super) fn fact(&self, bank: Subject, reference: String) -> Fact {
        let Self { courier, gross, charge, vat, .. } = *self;
        Fact::CourierRemitted(CourierRemitted { courier, bank, gross, charge, vat, reference })
    }
}

/// Keeps what a file comes to, until the bank shows it.
pub(super) async fn keep(
    conn: &mut PgConnection,
    statement: &[u8; 32],
    remits: &Remits,
    day: Date,
) -> Result<(), sqlx::Error> {
    let mut id = [0; 16];
    id.copy_from_slice(&statement[..16]);
    sqlx::query(
        "insert into courier_file (statement, remittance, courier, day, gross_paisa, charge_paisa, vat_paisa,
            invoices)
         values ($1, $2, $3, $4::date, $5, $6, $7, $8)",
    )
    .bind(statement)
    .bind(Subject::new(Kind::Remittance, Id16(id)).0)
    .bind(remits.courier.0)
    .bind(day.to_string())
    .bind(remits.gross.paisa())
    .bind(remits.charge.paisa())
    .bind(remits.vat.paisa())
    .bind(&remits.invoices)
    .execute(conn)
    .await
    .map(drop)
}

/// What couriers' files say is on its way to a settlement account; to which, no file says.
pub(super) async fn on_the_way(conn: &mut PgConnection) -> Result<Vec<Expected>, Error> {
    type Columns = ([u8; 17], String, [u8; 17], Option<String>, i64, i64, i64, Vec<String>);
    let rows: Vec<Columns> = sqlx::query_as(
        "select f.remittance, f.day::text, f.courier, b.name, f.gross_paisa, f.charge_paisa, f.vat_paisa,
            f.invoices
         from courier_file f left join bank b on b.subject = f.courier
         where not exists (select 1 from view_remittance v where v.subject = f.remittance)
         order by f.day, f.remittance",
    )
    .fetch_all(conn)
    .await?;
    let expected = |(remittance, day, courier, name, gross, charge, vat, invoices): Columns| {
        let (gross, charge, vat) = (paisa(gross), paisa(charge), paisa(vat));
        let remits = Remits { courier: Subject(courier), gross, charge, vat, invoices };
        Some(Expected {
            subject: Subject(remittance),
            id: Subject(remittance).to_string(),
            date: day.parse().ok()?,
            amount: remits.net(),
            ids: remits.invoices.clone(),
            counterparty: name.unwrap_or_default(),
            is_booked: false,
            remits: Some(remits),
        })
    };
    Ok(rows.into_iter().filter_map(expected).collect())
}

/// A parcel that a line of nothing names.
pub(super) struct ComesBack {
    /// The line's place.
    at: usize,
    /// None where the courier's number is nobody's.
    parcel: Option<Subject>,
    /// Nothing follows: he has said so before, or it was paid ahead, and he charges for carrying it either way.
    is_known: bool,
    /// How the line was matched.
    by: &'static str,
}

/// The lines that collected nothing: parcels that come back, or that were paid ahead. The file outranks what the courier answered before (R21).
pub(super) async fn come_back(
    conn: &mut PgConnection,
    courier: Subject,
    lines: &[Line],
) -> Result<Vec<ComesBack>, Error> {
    let back: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].amount == Taka::ZERO).collect();
    let said: Vec<&str> = back.iter().flat_map(|at| numbers(&lines[*at])).collect();
    let rows: Vec<(String, [u8; 17], bool, bool)> = sqlx::query_as(
        "select consignment, subject, carrying = 'returned', due_paisa = 0 from view_parcel
         where courier = $1 and consignment = any($2)",
    )
    .bind(courier.0)
    .bind(said)
    .fetch_all(conn)
    .await?;
    let named = |(number, parcel, known, prepaid): (String, [u8; 17], bool, bool)| {
        let by = if prepaid && !known { "carried" } else { "came_back" };
        (number, (Subject(parcel), known || prepaid, by))
    };
    let parcels: BTreeMap<String, (Subject, bool, &'static str)> = rows.into_iter().map(named).collect();
    let of = |at: usize| {
        let named = numbers(&lines[at]).find_map(|number| parcels.get(number));
        let (parcel, is_known, by) =
            named.map_or((None, false, ""), |(parcel, known, by)| (Some(*parcel), *known, *by));
        ComesBack { at, parcel, is_known, by }
    };
    Ok(back.into_iter().map(of).collect())
}

/// Whether the file brings this parcel back.
pub(super) fn brings_back(back: &[ComesBack], parcel: Subject) -> bool {
    back.iter().any(|one| one.parcel == Some(parcel))
}

/// Adds what the lines of nothing come to.
pub(super) fn tell(courier: Subject, lines: &[Line], back: &[ComesBack], plan: &mut Plan) {
    let mut told = BTreeSet::new();
    for one in back {
        let line = lines[one.at].subject;
        let Some(parcel) = one.parcel else {
            plan.exceptions.push(LineException {
                why: "missing_ours".to_owned(),
                lines: vec![line],
                things: Vec::new(),
                amount_paisa: 0,
                difference_paisa: 0,
            });
            continue;
        };
        if !one.is_known && told.insert(parcel) {
            let fact = Fact::CourierReturned(CourierReturned { courier, source: CourierSource::File as u8 });
            plan.drafts.push(Draft { subject: parcel, fact });
        }
        plan.rows[one.at] = Row { state: State::Matched, why: one.by, things: vec![parcel] };
        let by = one.by.to_owned();
        plan.matches.push(LineMatch { lines: vec![line], things: vec![parcel], by, amount_paisa: 0 });
    }
}

fn numbers(line: &Line) -> impl Iterator<Item = &str> {
    std::iter::once(line.reference.as_str()).chain(line.ids.iter().map(String::as_str)).filter(|id| !id.is_empty())
}
