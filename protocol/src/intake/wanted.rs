//! What a store has to load for a batch.

use std::collections::BTreeSet;

use super::Verified;
use crate::burst::Slot;
use crate::fact::{Fact, Reading};
use crate::id::{Author, Digest, Incarnation, Kind, OpId, Subject};
use crate::op::Op;

/// What a batch touches: what a store has to load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Certificates.
    pub authors: BTreeSet<Author>,
    /// Bursts that may be held already.
    pub digests: BTreeSet<Digest>,
    /// Chains.
    pub chains: BTreeSet<(Author, Incarnation)>,
    /// Subjects, with all their ops and memberships. Central adds the earnings of parcels.
    pub subjects: BTreeSet<Subject>,
    /// Ids of control ops in the batch: they may be held already.
    pub control_ids: BTreeSet<OpId>,
    /// Revoked authors: every subject they wrote on is folded anew.
    pub revoked: BTreeSet<Author>,
}

impl Wanted {
    /// What these bursts touch.
    #[must_use]
    pub fn by(bursts: &[Verified]) -> Self {
        let mut wanted = Self::default();
        for verified in bursts {
            let head = &verified.burst.head;
            wanted.authors.insert(head.author);
            wanted.digests.insert(verified.digest);
            wanted.chains.insert((head.author, head.inc));
            for (slot, id) in verified.burst.slots.iter().zip(&verified.ids) {
                let Slot::Open(bytes) = slot else { continue };
                let Ok(op) = Op::decode(bytes) else { continue };
                if op.subject.is_scope() {
                    wanted.control_ids.insert(*id);
                    match Fact::read(op.class_kind, &op.payload) {
                        Reading::Known(Fact::Put(put)) => wanted.subjects.extend(put.subjects),
                        Reading::Known(Fact::Close(close)) => wanted.subjects.extend(close.subjects),
                        Reading::Known(Fact::Revoked(revoked)) => {
                            wanted.revoked.insert(revoked.author);
                        }
                        _ => {}
                    }
                } else {
                    wanted.subjects.insert(op.subject);
                    match Fact::read(op.class_kind, &op.payload) {
                        // Terms that arrive after the delivery settle their parcel.
                        Reading::Known(Fact::EarningOpened(terms)) => {
                            wanted.subjects.insert(terms.parcel);
                        }
                        // A note goes where its parcel is.
                        Reading::Known(
                            Fact::DetailEntered(edit) | Fact::SiteDetailChanged(edit) | Fact::AgentDetailChanged(edit),
                        ) => {
                            wanted.subjects.insert(edit.parcel);
                        }
                        _ => {}
                    }
                }
            }
        }
        let parcels: Vec<Subject> =
            wanted.subjects.iter().copied().filter(|s| s.kind() == Some(Kind::Parcel)).collect();
        wanted.beside(&parcels);
        wanted
    }

    /// What changes together with parcels: their earnings, and the documents that travel with them.
    pub fn beside(&mut self, parcels: &[Subject]) {
        let beside = |parcel: &Subject| {
            [Subject::earning_of(*parcel), Subject::note_of(*parcel), Subject::address_of(*parcel)]
        };
        self.subjects.extend(parcels.iter().flat_map(beside));
    }
}
