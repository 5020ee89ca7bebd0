//! Certificates of authors, as sessions need them to verify bursts before the lock.

use std::collections::BTreeMap;
use std::sync::RwLock;

use central::replication;
use central::store::Pool;
use protocol::burst::Burst;
use protocol::frame::RefusedSlot;
use protocol::id::Author;
use protocol::intake::{self, Verified, refused};
use protocol::seat::{AuthorityKey, Certificate, Seat};

/// Certificates never change, so those that were seen are kept. Bounded by the number of devices.
pub(crate) struct Seats {
    authority: AuthorityKey,
    known: RwLock<BTreeMap<Author, Seat>>,
}

impl Seats {
    pub(crate) fn new(authority: AuthorityKey) -> Self {
        Self { authority, known: RwLock::default() }
    }

    pub(crate) fn decode(&self, certificate: &[u8]) -> Option<Certificate> {
        Certificate::decode(certificate, &self.authority).ok()
    }

    fn get(&self, author: &Author) -> Option<Seat> {
        self.known.read().ok()?.get(author).cloned()
    }

    async fn load(&self, pool: &Pool, authors: &[Author]) -> Result<(), replication::ReplicationError> {
        let unknown: Vec<Author> = authors.iter().copied().filter(|author| self.get(author).is_none()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let certificates = replication::certificates(pool, &unknown).await?;
        if let Ok(mut known) = self.known.write() {
            for certificate in certificates.iter().filter_map(|bytes| self.decode(bytes)) {
                known.insert(certificate.author(), certificate.seat);
            }
        }
        Ok(())
    }

    /// Checks bursts: what may be taken, and what is refused as a whole.
    pub(crate) async fn verify(
        &self,
        pool: &Pool,
        bursts: Vec<Burst>,
    ) -> Result<(Vec<Verified>, Vec<RefusedSlot>), replication::ReplicationError> {
        let mut authors: Vec<Author> = bursts.iter().map(|burst| burst.head.author).collect();
        authors.sort_unstable();
        authors.dedup();
        self.load(pool, &authors).await?;
        let (mut verified, mut refusals) = (Vec::new(), Vec::new());
        for burst in bursts {
            let (author, inc, seq) = (burst.head.author, burst.head.inc, burst.head.seq);
            let digest = burst.digest();
            let checked =
                self.get(&author).ok_or(refused::UNKNOWN_AUTHOR).and_then(|seat| intake::verify(burst, &seat));
            match checked {
                Ok(burst) => verified.push(burst),
                Err(code) => {
                    metrics::counter!("getit_hub_refused_bursts", "code" => code).increment(1);
                    replication::note_refused(pool, author, digest, code).await?;
                    refusals.push(RefusedSlot { author, inc, seq, slot: None, code: code.to_owned() });
                }
            }
        }
        Ok((verified, refusals))
    }
}
