//! Bundles: what this node holds as a file, and files of its own devices taken in.

use std::collections::BTreeSet;

use protocol::bundle::{self, Bundle, BundleError};
use protocol::id::Author;
use protocol::seat::bits;
use serde::Serialize;

use crate::node::{Node, NodeError};

/// Bursts that are taken in one transaction.
const AT_ONCE: usize = 256;

/// Why a file is not taken; nothing of it is kept then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its maker is no device of this system.
    #[error("the bundle was not made by a device of this system: take it to the place it belongs to")]
    UnknownMaker,
    /// It is of another place: its scopes are not held here, so nobody would send it on.
    #[error("the bundle is of another place: take it there, or to central")]
    NotOurs,
    /// The database.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl ImportError {
    /// The stable code; `None` for machinery.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Bundle(error) => Some(error.code()),
            Self::UnknownMaker => Some("bundle_unknown_maker"),
            Self::NotOurs => Some("bundle_not_ours"),
            Self::Node(_) => None,
        }
    }
}

/// What became of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Bursts in it.
    pub bursts: u64,
    /// Facts that were new here.
    pub taken: u64,
    /// Facts that were held before.
    pub duplicates: u64,
    /// Bursts with a wrong signature or of an author without certificate, and facts that nobody may write.
    pub refused: u64,
}

impl Node {
    /// Everything this node holds and central may lack, as a file: all bursts but central's own.
    ///
    /// # Errors
    /// The database.
    pub fn export_bundle(&self) -> Result<Vec<u8>, NodeError> {
        let central = protocol::seat::Certificate::author_of(&self.identity().central_certificate);
        let bursts = self.store.bursts_but_of(central)?;
        let authors: BTreeSet<Author> = bursts.iter().map(|(author, _)| *author).collect();
        let authors: Vec<Author> = authors.into_iter().collect();
        let certificates = self.store.certificates_of(&authors)?.into_iter().map(|(_, bytes)| bytes).collect();
        let bursts = bursts.into_iter().map(|(_, bytes)| bytes).collect();
        Ok(bundle::write(&self.identity().certificate, certificates, bursts))
    }

    /// Takes a file that a device of this place made. Twice is as good as once.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn import_bundle(&self, file: &[u8]) -> Result<Imported, ImportError> {
        let Bundle { maker, certificates, bursts } = bundle::read(file)?;
        let made = self.store.certificate(&maker).ok_or(ImportError::UnknownMaker)?;
        if !self.seat().may(bits::READ, &made.seat.party) {
            return Err(ImportError::NotOurs);
        }
        let mut authors = certificates;
        authors.push(maker);
        self.store.add_certificates(&authors).map_err(NodeError::from)?;
        let mut imported = Imported { bursts: bursts.len() as u64, ..Imported::default() };
        let mut bursts = bursts.into_iter().peekable();
        while bursts.peek().is_some() {
            let part: Vec<_> = bursts.by_ref().take(AT_ONCE).collect();
            let received = self.receive_relayed(part)?;
            imported.taken += received.taken;
            imported.duplicates += received.duplicates;
            imported.refused += received.refused + received.unknown_authors.len() as u64;
        }
        Ok(imported)
    }
}
