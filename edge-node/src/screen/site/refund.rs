//! Refunds that customers fetch at this till.

use protocol::id::Subject;
use protocol::refund::Refund;
use serde::Serialize;
use ts_rs::TS;

use super::code_of;
use crate::store::{Rows, StoreError};

/// A refund for this till. Whose it is, is not here: whoever shows its code may have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteRefund {
    /// Its id.
    #[ts(type = "string")]
    pub refund: Subject,
    /// As people write it.
    pub code: String,
    /// How much is to be given.
    pub amount_paisa: i64,
    /// `reserved`; `given`, `paid` by a provider, `withdrawn` or `overpaid` when nothing is to be given any more.
    pub status: &'static str,
}

impl SiteRefund {
    pub(super) fn of(subject: Subject, refund: &Refund) -> Self {
        let amount_paisa = refund.reserved.as_ref().map_or(0, |kept| kept.amount.paisa());
        Self { refund: subject, code: code_of(&subject), amount_paisa, status: refund.word() }
    }
}

/// Those that nobody has paid, oldest first.
pub(super) fn waiting(rows: &Rows<'_>) -> Result<Vec<SiteRefund>, StoreError> {
    Ok(rows.waiting_refunds()?.iter().map(|(subject, refund)| SiteRefund::of(*subject, refund)).collect())
}
