//! The till: one shift at a time, its expected figure hidden until it is counted.

use protocol::id::Subject;
use serde::Serialize;
use ts_rs::TS;

use crate::node::{Node, NodeError};
use crate::store::{Rows, StoreError};

/// Shifts that a till shows.
const LATEST: u32 = 8;

/// How the till stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SiteTill {
    /// The open shift. What should be in the drawer is not here: the count is blind.
    pub open: Option<SiteShift>,
    /// Closed shifts, newest first.
    pub closed: Vec<SiteZ>,
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
    /// What should have been there.
    pub expected_paisa: i64,
    /// What was there.
    pub counted_paisa: i64,
}

pub(super) fn state(rows: &Rows<'_>) -> Result<SiteTill, StoreError> {
    let mut till = SiteTill { open: None, closed: Vec::new() };
    for row in rows.latest_shifts(LATEST)? {
        let (shift, since_ms, float_paisa) = (row.shift, row.opened_ms, row.float.paisa());
        match row.closed {
            None if till.open.is_none() => till.open = Some(SiteShift { shift, since_ms, float_paisa }),
            None => {}
            Some(end) => till.closed.push(SiteZ {
                shift,
                z: end.z,
                since_ms,
                until_ms: end.at_ms,
                float_paisa,
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
