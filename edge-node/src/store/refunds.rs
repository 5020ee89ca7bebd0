//! Refunds that wait at the own till, as the counter reads them.

use protocol::fold::{State, fold};
use protocol::id::Subject;
use protocol::refund::{Refund, RefundCode};
use rusqlite::params;

use super::{Rows, StoreError};

/// Number of `RefundReserved`.
const REFUND_RESERVED: u16 = 0x1071;
/// Refunds that are looked at, newest first: more than wait at any till; older ones are closed.
const MOST: u32 = 500;

impl Rows<'_> {
    /// Refunds for the own till that nobody has paid, oldest first.
    ///
    /// # Errors
    /// The database.
    pub fn waiting_refunds(&self) -> Result<Vec<(Subject, Refund)>, StoreError> {
        let mut all = self.refunds()?;
        all.retain(|(_, refund)| refund.waits());
        all.reverse();
        Ok(all)
    }

    /// The refund for the own till that this code opens, paid or not.
    ///
    /// # Errors
    /// The database.
    pub fn refund_of(&self, code: &RefundCode) -> Result<Option<(Subject, Refund)>, StoreError> {
        let opens = |(subject, refund): &(Subject, Refund)| {
            refund.reserved.as_ref().is_some_and(|kept| kept.is_opened_by(code, subject))
        };
        Ok(self.refunds()?.into_iter().find(opens))
    }

    fn refunds(&self) -> Result<Vec<(Subject, Refund)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subject FROM op WHERE class_kind = ?1 AND apart IS NULL GROUP BY subject
             ORDER BY max(n) DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![REFUND_RESERVED, MOST], |row| row.get(0).map(Subject))?;
        let subjects: Vec<Subject> = rows.collect::<Result<_, _>>()?;
        let mut refunds = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let State::Refund(refund) = fold(subject, &self.history(&subject)?).state else { continue };
            if refund.reserved.as_ref().is_some_and(|kept| kept.point == self.store.seat.party) {
                refunds.push((subject, *refund));
            }
        }
        Ok(refunds)
    }
}
