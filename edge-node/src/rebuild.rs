//! Every view and balance can be dropped and made again, byte-equal, from the ops.

use crate::node::{Node, NodeError};
pub use crate::store::TableDigest;

impl Node {
    /// The digest of every projection, by name of table.
    ///
    /// # Errors
    /// The database.
    pub fn digest(&self) -> Result<Vec<TableDigest>, NodeError> {
        Ok(self.store.digest()?)
    }

    /// Drops every projection and makes it again from the ops.
    ///
    /// # Errors
    /// The database; nothing is changed then.
    pub fn rebuild(&self) -> Result<(), NodeError> {
        Ok(self.store.rebuild()?)
    }
}
