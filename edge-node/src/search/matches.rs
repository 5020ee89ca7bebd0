//! Collects what a query meets, with what the order of answers is made of.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::id::Subject;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::query::{EnableScoring, Query};
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

use super::entry::{COLUMNS, subject_of};

/// A subject that a query meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) subject: Subject,
    pub(super) score: u32,
    pub(super) open: bool,
    /// Stands for the customer's number; 0 for none.
    pub(super) who: u64,
}

impl Match {
    /// Best first; among equals what is open, then the newest id. Total: no two subjects are equal in it.
    pub(super) fn order(&self) -> impl Ord + use<> {
        Reverse((self.score, self.open, self.subject))
    }
}

/// Everything that `query` meets, `without` some subjects, in no order.
pub(super) fn matches(
    searcher: &Searcher,
    query: &dyn Query,
    without: &Arc<BTreeSet<Subject>>,
) -> tantivy::Result<Vec<Match>> {
    let collector = All { without: Arc::clone(without) };
    let weight = query.weight(EnableScoring::enabled_from_searcher(searcher))?;
    // An index in memory is one segment even when it holds nothing, and an automaton's query panics on
    // a segment without documents (tantivy 0.27, `BitSetDocSet`).
    let segments = searcher.segment_readers().iter().zip(0..).filter(|(segment, _)| segment.max_doc() > 0);
    let fruits = segments.map(|(segment, ordinal)| collector.collect_segment(&*weight, ordinal, segment));
    collector.merge_fruits(fruits.collect::<tantivy::Result<_>>()?)
}

struct All {
    without: Arc<BTreeSet<Subject>>,
}

struct Segment {
    columns: [Column<u64>; COLUMNS.len()],
    without: Arc<BTreeSet<Subject>>,
    found: Vec<Match>,
}

impl Collector for All {
    type Fruit = Vec<Match>;
    type Child = Segment;

    fn for_segment(&self, _: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<Segment> {
        let column = |name| reader.fast_fields().u64(name);
        let [kind, high, low, open, who] = COLUMNS;
        let columns = [column(kind)?, column(high)?, column(low)?, column(open)?, column(who)?];
        Ok(Segment { columns, without: Arc::clone(&self.without), found: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, fruits: Vec<Vec<Match>>) -> tantivy::Result<Vec<Match>> {
        Ok(fruits.into_iter().flatten().collect())
    }
}

impl SegmentCollector for Segment {
    type Fruit = Vec<Match>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let [kind, high, low, open, who] = self.columns.each_ref().map(|column| column.first(doc).unwrap_or(0));
        let subject = subject_of(kind, high, low);
        if !self.without.contains(&subject) {
            // Scores are sums of whole numbers, far below 2^24.
            self.found.push(Match { subject, score: score as u32, open: open == 1, who });
        }
    }

    fn harvest(self) -> Vec<Match> {
        self.found
    }
}
