//! Sketches of central's sets, in memory: made when a device first asks, and moved on with the log.
//!
//! Nothing here is trusted. The log tells what joined a set, not what left it or came back, so after each
//! move the ids are counted and summed and compared with central's own root of the same snapshot; a
//! sketch that does not stand there is made anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use central::replication::{self, Joined, ReplicationError};
use central::store::Pool;
use protocol::id::Scope;
use protocol::root::Root;
use protocol::seat::Seat;
use protocol::session::ladder::MAX_CELLS;
use protocol::sketch::Sketch;

/// Cells of all sketches together, 24 bytes each: 24 MB, or 1,024 sets. The one that was not asked for the
/// longest goes first.
const MOST_CELLS: usize = 1 << 20;

#[derive(Clone)]
struct Kept {
    position: u64,
    root: Root,
    sketch: Sketch,
    /// When it was last asked for, in questions.
    used: u64,
}

/// All that are kept.
pub(crate) struct Sketches {
    kept: Mutex<BTreeMap<(Scope, u8), Kept>>,
    most_cells: usize,
}

impl Sketches {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), most_cells: MOST_CELLS }
    }

    /// The sketch of a set as central holds it now.
    pub(crate) async fn of(
        &self,
        pool: &Pool,
        seat: &Seat,
        scope: Scope,
        lane: u8,
    ) -> Result<Sketch, ReplicationError> {
        let known = self.kept().get(&(scope, lane)).cloned();
        let since = known.as_ref().map_or(0, |known| known.position);
        let joined = replication::joined(pool, seat, scope, lane, since).await?;
        let moved = known.map(|known| known.moved(&joined)).filter(|moved| moved.root == joined.root);
        let kept = match moved {
            Some(moved) => moved,
            None => {
                metrics::counter!("getit_hub_sketches_built").increment(1);
                let whole = if since == 0 { joined } else { replication::joined(pool, seat, scope, lane, 0).await? };
                let kept = Kept::empty().moved(&whole);
                if kept.root != whole.root {
                    // The devices find the same, and say that roots stay unequal.
                    tracing::error!(%scope, lane, "central's root is not that of its ops: run `central rebuild`");
                    return Ok(kept.sketch);
                }
                kept
            }
        };
        let sketch = kept.sketch.clone();
        self.keep(scope, lane, kept);
        Ok(sketch)
    }

    fn keep(&self, scope: Scope, lane: u8, kept: Kept) {
        let mut all = self.kept();
        let used = all.values().map(|kept| kept.used).max().unwrap_or(0) + 1;
        all.insert((scope, lane), Kept { used, ..kept });
        while all.values().map(|kept| kept.sketch.cells().len()).sum::<usize>() > self.most_cells {
            let oldest = all.iter().min_by_key(|(_, kept)| kept.used).map(|(at, _)| *at);
            let Some(oldest) = oldest else { break };
            all.remove(&oldest);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Scope, u8), Kept>> {
        // A panic while it was held left whole entries: each is put in at once.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn empty() -> Self {
        Self { position: 0, root: Root::default(), sketch: Sketch::empty(MAX_CELLS), used: 0 }
    }

    fn moved(mut self, joined: &Joined) -> Self {
        for id in &joined.ids {
            self.root.join(id);
            self.sketch.join(id.short());
        }
        self.position = joined.position;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::id::{Id16, Kind, OpId, Subject};

    fn site(n: u8) -> Scope {
        Subject::new(Kind::Site, Id16([n; 16]))
    }

    #[test]
    fn the_longest_unasked_goes_first() {
        let sketches = Sketches { most_cells: 2 * MAX_CELLS, ..Sketches::new() };
        sketches.keep(site(1), 1, Kept::empty());
        sketches.keep(site(2), 1, Kept::empty());
        sketches.keep(site(1), 1, Kept::empty());
        sketches.keep(site(3), 1, Kept::empty());
        let left: Vec<Scope> = sketches.kept().keys().map(|(scope, _)| *scope).collect();
        assert_eq!(left, [site(1), site(3)]);
    }

    #[test]
    fn what_comes_back_is_noticed() {
        let ids = [OpId([1; 32]), OpId([2; 32])];
        let mut root = Root::default();
        ids.iter().for_each(|id| root.join(id));
        let whole = Kept::empty().moved(&Joined { position: 5, root, ids: ids.to_vec() });
        assert_eq!(whole.root, root);
        // A subject that was closed and put again is told as joined, though it never left for us.
        let again = whole.moved(&Joined { position: 9, root, ids: vec![ids[0]] });
        assert_ne!(again.root, root, "so the sketch is made anew");
    }
}
