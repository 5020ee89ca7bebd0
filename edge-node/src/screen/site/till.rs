//! The till: one shift at a time, its expected figure hidden until it is counted.

use protocol::fact::TillReason;
use protocol::id::Subject;
use serde::Serialize;
use ts_rs::TS;

use super::refund::{self, SiteRefund};
use crate::node::{Node, NodeError};
use crate::store::{Rows, StoreError, TillPayment};

/// Shifts that a till shows.
const LATEST: u32 = 8;

/// How the till stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteTill {
    /// The open shift. What should be in the drawer is not here: the count is blind.
    pub open: Option<SiteShift>,
    /// Closed shifts, newest first.
    pub closed: Vec<SiteZ>,
    /// Refunds that customers may fetch here, oldest first.
    pub refunds: Vec<SiteRefund>,
}

/// An open shift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteShift {
    /// Its id.
    #[ts(type = "string")]
    pub shift: Subject,
    /// When it began, by the cashier's clock.
    pub since_ms: u64,
    /// Cash in the drawer at the start.
    pub float_paisa: i64,
    /// The drawer is locked for a while.
    pub suspended: bool,
    /// What was paid out or in besides parcels, oldest first.
    pub payments: Vec<SitePayment>,
}

/// Cash that went out of the drawer or came into it, on a paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SitePayment {
    /// It went out.
    pub out: bool,
    /// How much.
    pub amount_paisa: i64,
    /// Why, a word of `TillReason`; empty for one of a later version.
    pub reason: String,
    /// What the paper is called.
    pub voucher: String,
    /// When, by the cashier's clock.
    pub at_ms: u64,
}

impl From<TillPayment> for SitePayment {
    fn from(paid: TillPayment) -> Self {
        let reason = TillReason::OUT.iter().chain(&TillReason::IN).find(|reason| **reason as u8 == paid.reason);
        Self {
            out: paid.out,
            amount_paisa: paid.amount.paisa(),
            reason: reason.map_or("", |reason| reason.word()).to_owned(),
            voucher: paid.voucher,
            at_ms: paid.at_ms,
        }
    }
}

/// A closed shift: the figures of its Z-report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteZ {
    /// Its id.
    #[ts(type = "string")]
    pub shift: Subject,
    /// Number of the report.
    pub z: u32,
    /// When it began.
    pub since_ms: u64,
    /// When it ended.
    pub until_ms: u64,
    /// Cash in the drawer at the start.
    pub float_paisa: i64,
    /// What was paid out besides parcels.
    pub paid_out_paisa: i64,
    /// What was paid in.
    pub paid_in_paisa: i64,
    /// What should have been there.
    pub expected_paisa: i64,
    /// What was there.
    pub counted_paisa: i64,
}

pub(super) fn state(rows: &Rows<'_>) -> Result<SiteTill, StoreError> {
    let mut till = SiteTill { open: None, closed: Vec::new(), refunds: refund::waiting(rows)? };
    for row in rows.latest_shifts(LATEST)? {
        let (shift, since_ms, float_paisa) = (row.shift, row.opened_ms, row.float.paisa());
        match row.closed {
            None if till.open.is_none() => {
                let payments = row.payments.into_iter().map(SitePayment::from).collect();
                till.open = Some(SiteShift { shift, since_ms, float_paisa, suspended: row.suspended, payments });
            }
            None => {}
            Some(end) => till.closed.push(SiteZ {
                shift,
                z: end.z,
                since_ms,
                until_ms: end.at_ms,
                float_paisa,
                paid_out_paisa: row.paid_out.paisa(),
                paid_in_paisa: row.paid_in.paisa(),
                expected_paisa: end.expected.paisa(),
                counted_paisa: end.counted.paisa(),
            }),
        }
    }
    Ok(till)
}

impl Node {
    /// How the till stands.
    ///
    /// # Errors
    /// The database.
    pub fn site_till(&self) -> Result<SiteTill, NodeError> {
        Ok(self.store().read(state)?)
    }
}
