//! What is owed to the vendor: what can be paid, what is held and why, what is on its way, and each
//! payout down to its parcels. From the local books, which equal central's where the roots are equal.

use protocol::account::Code;
use protocol::fact::{PayoutLine, ReturnedPieces};
use protocol::id::{Kind, Subject};
use protocol::taka::Taka;
use serde::Serialize;
use ts_rs::TS;

use super::VendorTerms;
use crate::node::Node;
use crate::screen::refused::Refused;
use crate::store::{Charged, HeldRow, PayoutRow, ReturnRow, Rows, StoreError};

/// Held parcels of one list.
const MOST_HELD: usize = 200;
/// Returns of one list.
const MOST_RETURNS: usize = 100;
/// Payouts of one list: more than a year of daily ones.
const MOST_PAYOUTS: usize = 400;

/// Why money is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HeldWhy {
    /// Somebody has to look at it.
    Contested,
    /// The customer may still give it back.
    ReturnWindow,
    /// The cash is not confirmed by the bank.
    WithCourier,
}

/// Money of one parcel that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorHeld {
    /// What stands on the parcel's label.
    pub label: Option<String>,
    /// How much, paisa.
    pub paisa: i64,
    /// Why.
    pub why: HeldWhy,
    /// When the return window closes.
    pub until_ms: Option<u64>,
}

/// A payout in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorPayout {
    /// Which.
    #[ts(type = "string")]
    pub payout: Subject,
    /// What a person reads out.
    pub label: String,
    /// How much, paisa.
    pub total_paisa: i64,
    /// When it was made.
    pub at_ms: u64,
    /// When the bank sent it.
    pub sent_ms: Option<u64>,
    /// The bank's reference.
    pub reference: Option<String>,
    /// When the bank sent it back: the vendor may have it again, in a payout to come.
    pub returned_ms: Option<u64>,
    /// Why: 1 no such account, 2 closed, 3 another name, 4 not told.
    pub returned_reason: Option<u8>,
    /// Parcels that it pays.
    pub parcels: u32,
    /// Returns that it takes off.
    pub deductions: u32,
}

/// Goods that a customer brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorReturn {
    /// What stands on the parcel's label.
    pub label: Option<String>,
    /// When they were taken back.
    pub at_ms: u64,
    /// What came.
    pub lines: Vec<VendorReturnLine>,
    /// Why: 1 changed his mind, 2 damaged, 3 wrong item, 4 not as described, 5 another reason.
    pub reason: u8,
    /// What the customer gets, paisa.
    pub goods_paisa: i64,
    /// The commission on it and its VAT, which the shop gets back, paisa.
    pub fees_back_paisa: i64,
    /// What it costs the shop, paisa.
    pub net_paisa: i64,
    /// Of that what its earning did not cover: the shop owes it, paisa.
    pub owed_paisa: i64,
}

/// Pieces of one kind that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorReturnLine {
    /// The vendor's number of the goods.
    pub sku: String,
    /// How many the customer wanted to return.
    pub asked: u16,
    /// How many were counted in.
    pub counted: u16,
}

/// What is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorMoney {
    /// Account 2020, paisa; below zero it is netted from what comes.
    pub can_be_paid_paisa: i64,
    /// Account 2010, paisa: the sum of what is held.
    pub held_paisa: i64,
    /// Account 2030, paisa.
    pub being_sent_paisa: i64,
    /// Account 1150, paisa: fees that were more than what could be paid.
    pub owed_paisa: i64,
    /// Held with the courier, paisa.
    pub with_courier_paisa: i64,
    /// Held in the return window, paisa.
    pub return_window_paisa: i64,
    /// Held because somebody has to look, paisa.
    pub contested_paisa: i64,
    /// What is held, the oldest reason first.
    pub held: Vec<VendorHeld>,
    /// What customers brought back, the newest first.
    pub returns: Vec<VendorReturn>,
    /// Payouts, the newest first.
    pub payouts: Vec<VendorPayout>,
    /// How far this device has heard; `None` when it heard nothing yet.
    pub as_of_ms: Option<u64>,
    /// At the last comparison the books here and at central were equal.
    pub equal: bool,
}

/// What a line of a payout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PayoutLineOf {
    /// What was earned on a parcel.
    Parcel,
    /// The fee for one that came back.
    ReturnFee,
    /// That fee, given back: nothing came back after all.
    FeeBack,
    /// What was earned on a parcel, taken back: it came back after the vendor might have the money.
    TakenBack,
    /// An earlier payout that the bank sent back.
    ReturnedPayout,
    /// The price of a parcel that we lost.
    LostParcel,
    /// Something that the vendor owed.
    Owed,
    /// What sending the payout costs, with VAT.
    PayoutFee,
}

/// A line of a payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct PayoutParcel {
    /// What it is.
    pub of: PayoutLineOf,
    /// The earlier payout, of a returned one.
    #[ts(type = "string | null")]
    pub payout: Option<Subject>,
    /// What stands on the parcel's label, or what the earlier payout is called; `None` when it is not held here.
    pub label: Option<String>,
    /// What it adds, paisa; negative for a return that was charged.
    pub net_paisa: i64,
    /// How it comes to that.
    pub terms: Option<VendorTerms>,
    /// What was taken off for goods that came back before it was paid, commission given back, paisa.
    pub returned_paisa: i64,
    /// Of a parcel that was earned: what earlier payments and charges of it leave to settle beside that, paisa.
    pub earlier_paisa: i64,
}

/// A payout with its parcels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct VendorPayoutDetail {
    /// As in the list.
    pub payout: VendorPayout,
    /// What it pays.
    pub parcels: Vec<PayoutParcel>,
    /// What it takes off.
    pub deductions: Vec<PayoutParcel>,
}

impl Node {
    /// What is owed.
    ///
    /// # Errors
    /// The database.
    pub fn vendor_money(&self) -> Result<VendorMoney, Refused> {
        let (vendor, now_ms) = (self.seat().party, self.now_ms());
        let (linked, since_ms) = self.contact();
        let money = self.store().read(|rows| {
            let payouts = rows.payouts_of(vendor)?;
            let mut being_sent = 0;
            for payout in &payouts {
                being_sent -= rows.balance(Code::PayoutInFlight.of_owner(payout.payout))?.paisa();
            }
            let held: Vec<VendorHeld> = rows
                .held_by_parcel()?
                .into_iter()
                .map(|row| held_of(rows, &row, now_ms))
                .collect::<Result<_, StoreError>>()?;
            let sum = |why| held.iter().filter(|held| held.why == why).map(|held| held.paisa).sum::<i64>();
            let as_of_ms = match (linked, since_ms) {
                (true, _) => Some(now_ms),
                (false, Some(since)) => Some(now_ms.saturating_sub(since)),
                (false, None) => rows.last_heard_ms()?,
            };
            let mut money = VendorMoney {
                can_be_paid_paisa: -rows.balance(Code::VendorAvailable.of_owner(vendor))?.paisa(),
                held_paisa: -rows.balance(Code::VendorHeld.of_owner(vendor))?.paisa(),
                being_sent_paisa: being_sent,
                owed_paisa: rows.balance(Code::VendorReceivable.of_owner(vendor))?.paisa(),
                with_courier_paisa: sum(HeldWhy::WithCourier),
                return_window_paisa: sum(HeldWhy::ReturnWindow),
                contested_paisa: sum(HeldWhy::Contested),
                held,
                returns: rows.returns()?.iter().take(MOST_RETURNS).map(return_of).collect(),
                payouts: payouts.iter().take(MOST_PAYOUTS).map(payout_of).collect(),
                as_of_ms,
                equal: rows.standings()?.books_equal,
            };
            money.held.sort_by(|a, b| (a.why, a.until_ms, &a.label).cmp(&(b.why, b.until_ms, &b.label)));
            money.held.truncate(MOST_HELD);
            Ok::<_, StoreError>(money)
        })?;
        Ok(money)
    }

    /// One payout with its parcels.
    ///
    /// # Errors
    /// `not_found`; the database.
    pub fn vendor_payout(&self, payout: Subject) -> Result<VendorPayoutDetail, Refused> {
        let found = self.store().read(|rows| {
            let Some(row) = rows.payout_of(self.seat().party, payout)? else { return Ok(None) };
            let mut lines = Vec::with_capacity(row.created.lines.len());
            for line in &row.created.lines {
                let terms = rows.frozen_terms(&line.earning)?;
                let of = line_of(line, &rows.charged_to(&line.earning)?);
                let returned = rows.returns_of(&line.earning)?;
                let taken = returned.iter().map(|(_, one)| one.held.plus(one.available)).sum::<Taka>().paisa();
                let earned = terms.as_ref().filter(|_| of == PayoutLineOf::Parcel).map(VendorTerms::of);
                let payout = (of == PayoutLineOf::ReturnedPayout).then_some(line.earning);
                let parcel = terms.as_ref().map(|terms| terms.parcel);
                lines.push(PayoutParcel {
                    of,
                    payout,
                    label: parcel.or(payout).map(|named| named.label().to_string()),
                    net_paisa: line.net.paisa(),
                    terms: terms.as_ref().map(VendorTerms::of),
                    returned_paisa: taken,
                    earlier_paisa: earned.map_or(0, |terms| line.net.paisa() - (terms.net_paisa - taken)),
                });
            }
            lines.extend(fee_of(&row));
            let (parcels, deductions) = lines.into_iter().partition(|line| line.net_paisa >= 0);
            Ok::<_, StoreError>(Some(VendorPayoutDetail { payout: payout_of(&row), parcels, deductions }))
        })?;
        found.ok_or_else(|| Refused::of("not_found", "no such payout is known here", "go back"))
    }
}

/// What sending it costs, as a line of its own.
fn fee_of(row: &PayoutRow) -> Option<PayoutParcel> {
    let cost = row.created.fee.plus(row.created.vat);
    (cost > Taka::ZERO).then(|| PayoutParcel {
        of: PayoutLineOf::PayoutFee,
        payout: None,
        label: None,
        net_paisa: cost.negated().paisa(),
        terms: None,
        returned_paisa: 0,
        earlier_paisa: 0,
    })
}

/// By the amount where an earning has more than one thing that it can be.
fn line_of(line: &PayoutLine, charged: &Charged) -> PayoutLineOf {
    match (line.earning.kind(), line.net.paisa() < 0) {
        (Some(Kind::Payout), _) => PayoutLineOf::ReturnedPayout,
        (Some(Kind::Entry), false) => PayoutLineOf::LostParcel,
        (Some(Kind::Entry), true) => PayoutLineOf::Owed,
        (_, false) if charged.fees_back.contains(&line.net) => PayoutLineOf::FeeBack,
        (_, false) => PayoutLineOf::Parcel,
        (_, true) if charged.earned_back && !charged.fees.contains(&line.net.negated()) => PayoutLineOf::TakenBack,
        (_, true) => PayoutLineOf::ReturnFee,
    }
}

fn held_of(rows: &Rows<'_>, row: &HeldRow, now_ms: u64) -> Result<VendorHeld, StoreError> {
    let window_min = rows.frozen_terms(&row.earning)?.and_then(|terms| terms.window_min);
    let closes = row.delivered_ms.zip(window_min).map(|(at, minutes)| at + u64::from(minutes) * 60_000);
    let until_ms = closes.filter(|closes| *closes > now_ms);
    let why = match (row.contested, until_ms) {
        (true, _) => HeldWhy::Contested,
        (false, Some(_)) => HeldWhy::ReturnWindow,
        (false, None) => HeldWhy::WithCourier,
    };
    Ok(VendorHeld { label: row.parcel.map(|parcel| parcel.label().to_string()), paisa: row.paisa, why, until_ms })
}

fn return_of(row: &ReturnRow) -> VendorReturn {
    let one = &row.accepted;
    let line =
        |line: &ReturnedPieces| VendorReturnLine { sku: line.sku.clone(), asked: line.asked, counted: line.counted };
    VendorReturn {
        label: row.parcel.map(|parcel| parcel.label().to_string()),
        at_ms: row.at_ms,
        lines: one.lines.iter().map(line).collect(),
        reason: one.reason,
        goods_paisa: one.goods.paisa(),
        fees_back_paisa: one.commission.plus(one.vat).paisa(),
        net_paisa: one.held.plus(one.available).plus(one.receivable).paisa(),
        owed_paisa: one.receivable.paisa(),
    }
}

fn payout_of(row: &PayoutRow) -> VendorPayout {
    let count = |below: bool| row.created.lines.iter().filter(|line| (line.net.paisa() < 0) == below).count();
    VendorPayout {
        payout: row.payout,
        label: row.payout.label().to_string(),
        total_paisa: row.created.total.paisa(),
        at_ms: row.at_ms,
        sent_ms: row.sent.as_ref().map(|(at_ms, _)| *at_ms),
        reference: row.sent.as_ref().map(|(_, reference)| reference.clone()),
        returned_ms: row.returned.map(|(at_ms, _)| at_ms),
        returned_reason: row.returned.map(|(_, reason)| reason),
        parcels: u32::try_from(count(false)).unwrap_or(u32::MAX),
        deductions: u32::try_from(count(true) + usize::from(fee_of(row).is_some())).unwrap_or(u32::MAX),
    }
}
