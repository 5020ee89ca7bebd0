//! Reports of a stretch of time: VAT by period and rule, and settlement with price and charges apart, as Bangladesh Bank
//! wants to see them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use protocol::account::Code;
use protocol::journal::Rule;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::period;
use crate::problem::Error;
use crate::store::signed;

/// Longest stretch of one report, days.
const MAX_DAYS: i32 = 400;

/// VAT that one rule moved in one month.
#[derive(Debug, Serialize, ToSchema)]
pub struct VatRow {
    /// The month.
    pub period: String,
    /// By which rule.
    pub rule: String,
    /// What it is on.
    pub what: String,
    /// Charged, paisa.
    pub charged_paisa: i64,
    /// Taken back or paid, paisa.
    pub taken_back_paisa: i64,
}

/// VAT of a stretch of months.
#[derive(Debug, Serialize, ToSchema)]
pub struct Vat {
    /// By month and rule.
    pub rows: Vec<VatRow>,
    /// Charged less taken back: what 2070 moved.
    pub total_paisa: i64,
}

/// VAT from one month to another, both whole.
///
/// # Errors
/// The database's, and `bad_period`.
pub async fn vat(conn: &mut PgConnection, from: &str, to: &str) -> Result<Vat, Error> {
    let month = |text: &str| text.len() == 7 && format!("{text}-01").parse::<Date>().is_ok();
    if !month(from) || !month(to) || from > to {
        let next = "Write the months as in 2026-11, the earlier one in `from`.";
        return Err(Error::refuse(400, "bad_period", "These are not two months.", next));
    }
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
        "select j.period, j.rule, coalesce(-sum(p.amount_paisa) filter (where p.amount_paisa < 0), 0)::bigint,
            coalesce(sum(p.amount_paisa) filter (where p.amount_paisa > 0), 0)::bigint
         from posting p join journal_log j on j.position = p.position
         where p.account_code = $1 and j.period between $2 and $3
         group by j.period, j.rule order by j.period, j.rule",
    )
    .bind(i32::from(Code::Vat as u16))
    .bind(from)
    .bind(to)
    .fetch_all(conn)
    .await?;
    let total_paisa = rows.iter().fold(0_i64, |sum, row| sum.saturating_add(row.2).saturating_sub(row.3));
    let row = |(period, rule, charged_paisa, taken_back_paisa): (String, String, i64, i64)| {
        let what = on_what(&rule).to_owned();
        VatRow { period, rule, what, charged_paisa, taken_back_paisa }
    };
    Ok(Vat { rows: rows.into_iter().map(row).collect(), total_paisa })
}

fn on_what(rule: &str) -> &'static str {
    match Rule::of(rule) {
        Some(Rule::J5 | Rule::J6) => "delivery",
        Some(Rule::J7) => "commission and handling",
        Some(Rule::J17c) => "payout fee",
        Some(Rule::J20a | Rule::J20b) => "commission on returned goods",
        Some(Rule::J21) => "return fee",
        Some(Rule::J21a) => "delivery of a return paid ahead",
        Some(Rule::J33) => "paid",
        _ => "other",
    }
}

/// One day of a settlement report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettlementDay {
    /// The day, in Dhaka.
    pub day: String,
    /// Price of goods that vendors earned, paisa.
    pub price_paisa: i64,
    /// Price of goods that customers brought back, paisa.
    pub returned_paisa: i64,
    /// Charges of ours with their VAT, paisa.
    pub charges_paisa: i64,
    /// Paid to vendors, less what came back, paisa.
    pub paid_paisa: i64,
}

/// Settlement of a stretch of days.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Settlement {
    /// The first day.
    pub from: String,
    /// The last.
    pub to: String,
    /// Price of goods that vendors earned, paisa.
    pub price_paisa: i64,
    /// Price of goods that customers brought back, paisa.
    pub returned_paisa: i64,
    /// Delivery.
    pub delivery_paisa: i64,
    /// VAT on all of ours.
    pub vat_paisa: i64,
    /// Commission, less what was given back on returned goods.
    pub commission_paisa: i64,
    /// Handling of cash.
    pub handling_paisa: i64,
    /// Fees for returns.
    pub return_fees_paisa: i64,
    /// Fees for payouts.
    pub payout_fees_paisa: i64,
    /// Odd paisa that we bear.
    pub rounding_paisa: i64,
    /// Paid to vendors, less what came back.
    pub paid_to_vendors_paisa: i64,
    /// By day; days on which nothing moved are left out.
    pub rows: Vec<SettlementDay>,
}

/// Settlement from one day to another, both whole.
///
/// # Errors
/// The database's, and `bad_time`.
pub async fn settlement(conn: &mut PgConnection, from: &str, to: &str) -> Result<Settlement, Error> {
    let day = |text: &str| text.parse::<Date>().ok().filter(|_| text.len() == 10);
    let bad = || {
        let next = "Write the days as in 2026-11-25, the earlier one in `from`, at most 400 days apart.";
        Error::refuse(400, "bad_time", "These are not two days.", next)
    };
    let (first, last) = (day(from).ok_or_else(bad)?, day(to).ok_or_else(bad)?);
    let days = first.until(last).map(|span| span.get_days()).map_err(|_| bad())?;
    let end = last.tomorrow().map_err(|_| bad())?;
    if !(0..MAX_DAYS).contains(&days) {
        return Err(bad());
    }
    let rows: Vec<(String, i32, String, i64)> = sqlx::query_as(
        "select (j.posted_at at time zone interval '6 hours')::date::text as day, p.account_code, j.rule,
            sum(p.amount_paisa)::bigint
         from journal_log j join posting p on p.position = j.position
         where j.posted_at >= to_timestamp($1::bigint / 1000.0) and j.posted_at < to_timestamp($2::bigint / 1000.0)
           and p.account_code = any($3)
         group by 1, 2, 3 order by 1, 2, 3",
    )
    .bind(signed(period::begins_ms(first)))
    .bind(signed(period::begins_ms(end)))
    .bind(READ.map(|code| i32::from(code as u16)).to_vec())
    .fetch_all(conn)
    .await?;
    let mut told = Settlement { from: from.to_owned(), to: to.to_owned(), ..Settlement::default() };
    let mut by_day: BTreeMap<String, SettlementDay> = BTreeMap::new();
    for (day, account, rule, amount) in rows {
        let of_day = by_day.entry(day).or_default();
        told.add(of_day, account, Rule::of(&rule), amount);
    }
    told.rows = by_day.into_iter().map(|(day, row)| SettlementDay { day, ..row }).collect();
    Ok(told)
}

const READ: [Code; 10] = [
    Code::Settlement,
    Code::VendorHeld,
    Code::RefundsPayable,
    Code::Vat,
    Code::Commission,
    Code::Delivery,
    Code::CodHandling,
    Code::RtoFee,
    Code::PayoutFee,
    Code::Rounding,
];

impl Settlement {
    fn add(&mut self, day: &mut SettlementDay, account: i32, rule: Option<Rule>, amount: i64) {
        let code = u16::try_from(account).ok().and_then(Code::of);
        let (sum, of_day, amount) = match (code, rule) {
            (Some(Code::VendorHeld), Some(Rule::J5 | Rule::J6)) => {
                (&mut self.price_paisa, &mut day.price_paisa, -amount)
            }
            (Some(Code::RefundsPayable), Some(Rule::J20 | Rule::J20b)) => {
                (&mut self.returned_paisa, &mut day.returned_paisa, -amount)
            }
            (Some(Code::Settlement), Some(Rule::J17a | Rule::J17b)) => {
                (&mut self.paid_to_vendors_paisa, &mut day.paid_paisa, -amount)
            }
            (Some(Code::Vat), rule) if rule != Some(Rule::J33) => {
                (&mut self.vat_paisa, &mut day.charges_paisa, -amount)
            }
            (Some(Code::Commission), _) => (&mut self.commission_paisa, &mut day.charges_paisa, -amount),
            (Some(Code::Delivery), _) => (&mut self.delivery_paisa, &mut day.charges_paisa, -amount),
            (Some(Code::CodHandling), _) => (&mut self.handling_paisa, &mut day.charges_paisa, -amount),
            (Some(Code::RtoFee), _) => (&mut self.return_fees_paisa, &mut day.charges_paisa, -amount),
            (Some(Code::PayoutFee), _) => (&mut self.payout_fees_paisa, &mut day.charges_paisa, -amount),
            (Some(Code::Rounding), _) => {
                self.rounding_paisa = self.rounding_paisa.saturating_add(amount);
                return;
            }
            _ => return,
        };
        *sum = sum.saturating_add(amount);
        *of_day = of_day.saturating_add(amount);
    }
}
