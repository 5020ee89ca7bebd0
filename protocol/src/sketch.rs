//! The sketch of a set: cells from which two replicas read off how their sets differ, at a cost that
//! follows the difference and not the sets (SPEC S2).
//!
//! A rateless IBLT: every id is added to cell 0 and to ever rarer cells after it, cell `i` holding an
//! id with a chance of 1 / (1 + i/2). Two sketches are subtracted cell by cell; what both sides hold is
//! gone then, and a cell with one id left gives it away. About 1.4 cells for each difference are
//! enough, and when they are not, more cells are added to those that are there. Bytes, mapping and
//! vectors are in FORMAT.md.

use std::collections::BTreeSet;

use crate::id::ShortId;
use crate::intake::Move;
use crate::varint;

/// Most cells a sketch may have. The mapping counts in 64 bits up to here, and no set needs more:
/// ranges take over long before.
pub const MOST_CELLS: usize = 1 << 20;
/// Bytes that a cell takes at least: ids 8, checksums 4, count 1.
const LEAST_CELL_BYTES: usize = 13;

/// What was added to one place: xor of ids, xor of their checksums, and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    ids: u64,
    check: u32,
    count: i64,
}

impl Cell {
    fn add(&mut self, mixed: &Mixed, times: i64) {
        self.ids ^= mixed.id;
        self.check ^= mixed.check;
        self.count = self.count.wrapping_add(times);
    }

    /// Whether one id alone seems to be left.
    const fn is_single(&self) -> bool {
        self.count == 1 || self.count == -1
    }

    fn minus(&self, other: &Self) -> Self {
        Self { ids: self.ids ^ other.ids, check: self.check ^ other.check, count: self.count.wrapping_sub(other.count) }
    }
}

/// An id with its checksum and the places it goes to.
struct Mixed {
    id: u64,
    check: u32,
    seed: u64,
}

impl Mixed {
    fn of(id: ShortId) -> Self {
        let mut input = *b"getit cell 1\0\0\0\0\0\0\0\0";
        input[12..].copy_from_slice(&id.0);
        let hash = blake3::hash(&input);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let bytes = hash.as_bytes();
        Self { id: u64::from_be_bytes(id.0), check: number(&bytes[..4]) as u32, seed: number(&bytes[4..12]) }
    }

    /// The cells below `end` that hold the id.
    fn places(&self, end: usize) -> Places {
        Places { state: self.seed, next: 0, end: end.min(MOST_CELLS) as u64 }
    }
}

/// Cell 0, then gaps that grow with the place.
struct Places {
    state: u64,
    next: u64,
    end: u64,
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.next >= self.end {
            return None;
        }
        let place = self.next;
        // splitmix64, then gap = ceil((place + 3/2) · (2^32 / (root + 1) − 1)) in whole numbers. The
        // place is below 2^20, so that nothing overflows.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.state;
        drawn = (drawn ^ drawn >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ drawn >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let root = (drawn ^ drawn >> 31).isqrt();
        let gap = ((2 * place + 3) * (u64::from(u32::MAX) - root)).div_ceil(2 * (root + 1));
        // An id that fell on one cell twice would be gone from it.
        self.next = place + gap.max(1);
        Some(place as usize)
    }
}

/// The first cells of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    cells: Vec<Cell>,
}

/// What a difference of two sketches gives away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peeled {
    /// All of it: ids of the minuend alone, ids of the subtrahend alone, both sorted.
    Decoded {
        /// Only the first set holds these.
        ours: Vec<ShortId>,
        /// Only the second set holds these.
        theirs: Vec<ShortId>,
    },
    /// More cells are needed.
    NotYet,
    /// No two sets have this difference: the cells are not of one moment, or somebody made them up.
    Impossible,
}

impl Sketch {
    /// The first `cells` cells of the empty set.
    #[must_use]
    pub fn empty(cells: usize) -> Self {
        Self { cells: vec![Cell::default(); cells.min(MOST_CELLS)] }
    }

    /// The first `cells` cells of these ids.
    #[must_use]
    pub fn of(ids: impl IntoIterator<Item = ShortId>, cells: usize) -> Self {
        let mut sketch = Self::empty(0);
        sketch.extend(ids, cells);
        sketch
    }

    /// Takes `id` in.
    pub fn join(&mut self, id: ShortId) {
        self.change(id, 1);
    }

    /// Takes `id` out.
    pub fn leave(&mut self, id: ShortId) {
        self.change(id, -1);
    }

    /// Takes in what joined, takes out what left.
    pub fn shift(&mut self, shift: Move) {
        match shift {
            Move::Joined(id) => self.join(id.short()),
            Move::Left(id) => self.leave(id.short()),
        }
    }

    fn change(&mut self, id: ShortId, times: i64) {
        let mixed = Mixed::of(id);
        for place in mixed.places(self.cells.len()) {
            self.cells[place].add(&mixed, times);
        }
    }

    /// Adds the cells up to `cells`; `ids` are all ids of the set.
    pub fn extend(&mut self, ids: impl IntoIterator<Item = ShortId>, cells: usize) {
        let from = self.cells.len();
        if from >= cells.min(MOST_CELLS) {
            return;
        }
        self.cells.resize(cells.min(MOST_CELLS), Cell::default());
        for id in ids {
            let mixed = Mixed::of(id);
            for place in mixed.places(self.cells.len()).skip_while(|place| *place < from) {
                self.cells[place].add(&mixed, 1);
            }
        }
    }

    /// A sketch that was received in parts, each read by [`decode_cells`].
    pub fn append(&mut self, cells: Vec<Cell>) {
        self.cells.extend(cells);
        self.cells.truncate(MOST_CELLS);
    }

    /// Its cells.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Its first cells.
    #[must_use]
    pub fn first(mut self, cells: usize) -> Self {
        self.cells.truncate(cells);
        self
    }

    /// The number of ids in the set, as cell 0 counts them.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.cells.first().map_or(0, |cell| u64::try_from(cell.count).unwrap_or(0))
    }

    /// This set without the other: as many cells as both have.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self { cells: self.cells.iter().zip(&other.cells).map(|(cell, other)| cell.minus(other)).collect() }
    }

    /// Reads off what is left after [`Sketch::minus`]. Every cell gives at most one id, so that cells
    /// which somebody made up end it, too.
    #[must_use]
    pub fn peel(mut self) -> Peeled {
        let end = self.cells.len();
        let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
        let mut single: Vec<usize> = (0..end).filter(|place| self.cells[*place].is_single()).collect();
        while let Some(place) = single.pop() {
            let cell = self.cells[place];
            if !cell.is_single() {
                continue;
            }
            let id = ShortId(cell.ids.to_be_bytes());
            let mixed = Mixed::of(id);
            let goes_here = mixed.check == cell.check && mixed.places(place + 1).last() == Some(place);
            if !goes_here {
                continue;
            }
            let twice = ours.contains(&id) || theirs.contains(&id);
            if twice || ours.len() + theirs.len() == end {
                return Peeled::Impossible;
            }
            if cell.count > 0 {
                ours.insert(id)
            } else {
                theirs.insert(id)
            };
            for place in mixed.places(end) {
                self.cells[place].add(&mixed, -cell.count);
                if self.cells[place].is_single() {
                    single.push(place);
                }
            }
        }
        let nothing = Cell::default();
        match self.cells.first() {
            // Cell 0 holds every id: with nothing in it there is nothing in the others.
            Some(first) if *first == nothing => {
                if self.cells.iter().any(|cell| *cell != nothing) {
                    return Peeled::Impossible;
                }
                Peeled::Decoded { ours: ours.into_iter().collect(), theirs: theirs.into_iter().collect() }
            }
            _ => Peeled::NotYet,
        }
    }
}

/// Cells as they travel and are stored.
#[must_use]
pub fn encode_cells(cells: &[Cell]) -> Vec<u8> {
    let mut out = Vec::with_capacity(cells.len() * (LEAST_CELL_BYTES + 1));
    for cell in cells {
        out.extend_from_slice(&cell.ids.to_be_bytes());
        out.extend_from_slice(&cell.check.to_be_bytes());
        // Zigzag: small numbers of either sign take one byte.
        varint::put(&mut out, (cell.count << 1 ^ cell.count >> 63).cast_unsigned());
    }
    out
}

/// Reads cells; `None` when the bytes are cut or hold more than `most`.
#[must_use]
pub fn decode_cells(mut bytes: &[u8], most: usize) -> Option<Vec<Cell>> {
    let mut cells = Vec::with_capacity(most.min(bytes.len() / LEAST_CELL_BYTES));
    while !bytes.is_empty() {
        let (ids, rest) = bytes.split_first_chunk::<8>()?;
        let (check, rest) = rest.split_first_chunk::<4>()?;
        let (zigzag, used) = varint::get(rest)?;
        if cells.len() == most {
            return None;
        }
        let count = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        cells.push(Cell { ids: u64::from_be_bytes(*ids), check: u32::from_be_bytes(*check), count });
        bytes = &rest[used..];
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER as HEX;
    use proptest::prelude::*;

    /// splitmix64: a trial follows from one number.
    struct Dice(u64);

    impl Dice {
        fn draw(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        }

        fn ids(&mut self, n: usize) -> Vec<ShortId> {
            (0..n).map(|_| ShortId(self.draw().to_be_bytes())).collect()
        }
    }

    fn sorted(ids: &[ShortId]) -> Vec<ShortId> {
        ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The fewest cells with which a difference of `d` decodes.
    fn needed(d: usize, seed: u64) -> usize {
        let mut dice = Dice(seed);
        let (ours, theirs) = (dice.ids(d / 2), dice.ids(d - d / 2));
        let all = 4 * d + 64;
        let whole = Sketch::of(ours.iter().copied(), all).minus(&Sketch::of(theirs.iter().copied(), all));
        let decodes = |cells: usize| {
            let part = Sketch { cells: whole.cells[..cells].to_vec() };
            match part.peel() {
                Peeled::Decoded { ours: a, theirs: b } => {
                    assert_eq!((a, b), (sorted(&ours), sorted(&theirs)), "seed {seed}, {cells} cells");
                    true
                }
                Peeled::NotYet => false,
                Peeled::Impossible => panic!("an honest difference is possible: seed {seed}, {cells} cells"),
            }
        };
        // What decodes with some cells decodes with more.
        let (mut low, mut high) = (0, all);
        assert!(decodes(all), "seed {seed}, d {d}");
        while low + 1 < high {
            let middle = (low + high) / 2;
            if decodes(middle) { high = middle } else { low = middle }
        }
        high
    }

    #[test]
    fn a_difference_costs_less_than_two_cells() {
        // The figures of the mapping itself: five differences share their few cells more often than the rest.
        for (d, trials, most_percent) in [
            (5, 2_000, 185),
            (10, 600, 175),
            (20, 400, 175),
            (50, 300, 175),
            (300, 60, 150),
            (700, 30, 150),
            (1_000, 20, 150),
        ] {
            let mut cells: Vec<usize> = (0..trials).map(|trial| needed(d, 1_000 * d as u64 + trial)).collect();
            cells.sort_unstable();
            let sum: usize = cells.iter().sum();
            let percent = 100 * sum / (d * cells.len());
            let p95 = cells[cells.len() * 95 / 100];
            #[allow(clippy::print_stdout, reason = "the figures are what one runs this for")]
            {
                println!("d {d}: {percent}/100 cells a difference, p95 {p95}, worst {} cells", cells[cells.len() - 1]);
            }
            assert!(percent <= most_percent, "d {d}: {percent}/100 cells a difference");
        }
    }

    #[test]
    fn an_id_goes_where_the_format_says() {
        let mut vectors = String::new();
        for id in [[0; 8], [1, 2, 3, 4, 5, 6, 7, 8], [0xff; 8]] {
            let mixed = Mixed::of(ShortId(id));
            let places: Vec<String> = mixed.places(1_024).map(|place| place.to_string()).collect();
            let (id, check, seed) = (HEX.encode(&id), mixed.check, mixed.seed);
            vectors += &format!("{id}  {check:08x}  {seed:016x}  {}\n", places.join(" "));
        }
        let two = [ShortId([1, 2, 3, 4, 5, 6, 7, 8]), ShortId([0xff; 8])];
        vectors += &format!("{}\n", HEX.encode(&encode_cells(Sketch::of(two, 3).cells())));
        assert!(include_str!("../FORMAT.md").contains(&vectors), "FORMAT.md lacks the vectors\n{vectors}");
    }

    #[test]
    fn places_thin_out_as_the_mapping_says() {
        const IDS: usize = 20_000;
        let mut held = [0usize; 1_024];
        for id in Dice(7).ids(IDS) {
            Mixed::of(id).places(1_024).for_each(|place| held[place] += 1);
        }
        assert_eq!(held[0], IDS);
        for place in [1, 2, 10, 100, 1_000] {
            let expected = 2 * IDS / (2 + place);
            let near: usize = held[place.max(3) - 3..(place + 4).min(1_024)].iter().sum::<usize>() / 7;
            assert!(place < 10 || near.abs_diff(expected) * 4 < expected, "cell {place}: {near} for {expected}");
        }
        let all: usize = held.iter().sum();
        assert!((12 * IDS..15 * IDS).contains(&all), "an id touches {} cells of 1,024", all / IDS);
    }

    #[test]
    fn what_cannot_be_is_said() {
        let mut dice = Dice(11);
        let ours = Sketch::of(dice.ids(3), 64);
        let mut theirs = Sketch::of(dice.ids(3), 64);
        theirs.cells[60].ids ^= 1;
        assert_ne!(ours.minus(&theirs).peel(), Peeled::Decoded { ours: vec![], theirs: vec![] });
        let mut left = Sketch::empty(64);
        left.cells[9] = Cell { ids: 5, check: 5, count: 2 };
        assert_eq!(left.peel(), Peeled::Impossible, "cell 0 is empty and cell 9 is not");
        assert_eq!(Sketch::empty(0).peel(), Peeled::NotYet);
    }

    fn any_cell() -> impl Strategy<Value = Cell> {
        (any::<u64>(), any::<u32>(), prop_oneof![-2i64..3, any::<i64>()], any::<bool>()).prop_map(
            |(id, check, count, honest)| {
                let mixed = Mixed::of(ShortId(id.to_be_bytes()));
                Cell { ids: id, check: if honest { mixed.check } else { check }, count }
            },
        )
    }

    proptest! {
        #[test]
        fn any_two_sets_decode(
            both in prop::collection::btree_set(any::<u64>(), 0..200),
            ours in prop::collection::btree_set(any::<u64>(), 0..40),
            theirs in prop::collection::btree_set(any::<u64>(), 0..40),
        ) {
            let short = |id: &u64| ShortId(id.to_be_bytes());
            let a: BTreeSet<ShortId> = both.iter().chain(&ours).map(short).collect();
            let b: BTreeSet<ShortId> = both.iter().chain(&theirs).map(short).collect();
            let (mut cells, mut at_a, mut at_b) = (0, Sketch::empty(0), Sketch::empty(0));
            loop {
                cells = (2 * cells).max(16);
                prop_assert!(cells <= 1_024, "{} cells are not enough", cells / 2);
                at_a.extend(a.iter().copied(), cells);
                at_b.extend(b.iter().copied(), cells);
                match at_a.minus(&at_b).peel() {
                    Peeled::NotYet => {}
                    Peeled::Impossible => prop_assert!(false, "two sets are possible"),
                    Peeled::Decoded { ours, theirs } => {
                        prop_assert_eq!(ours, a.difference(&b).copied().collect::<Vec<_>>());
                        prop_assert_eq!(theirs, b.difference(&a).copied().collect::<Vec<_>>());
                        break;
                    }
                }
            }
        }

        #[test]
        fn joining_and_leaving_knows_no_order(
            ids in prop::collection::btree_set(any::<u64>(), 0..60),
            gone in prop::collection::vec(any::<u64>(), 0..30),
            cells in 1usize..300,
        ) {
            let stay: Vec<ShortId> = ids.iter().map(|id| ShortId(id.to_be_bytes())).collect();
            let gone: Vec<ShortId> = gone.iter().map(|id| ShortId(id.to_be_bytes())).collect();
            let scratch = Sketch::of(stay.iter().copied(), cells);
            let mut moved = Sketch::empty(cells);
            gone.iter().for_each(|id| moved.leave(*id));
            stay.iter().rev().for_each(|id| moved.join(*id));
            gone.iter().rev().for_each(|id| moved.join(*id));
            prop_assert_eq!(&moved, &scratch);
            prop_assert_eq!(moved.count(), stay.len() as u64);
            let mut grown = Sketch::of(stay.iter().copied(), cells / 3);
            grown.extend(stay.iter().copied(), cells);
            prop_assert_eq!(&grown, &scratch);
            let bytes = encode_cells(scratch.cells());
            prop_assert_eq!(decode_cells(&bytes, cells), Some(scratch.cells.clone()));
            prop_assert_eq!(decode_cells(&bytes, cells - 1), None);
            prop_assert_eq!(decode_cells(&bytes[..bytes.len() - 1], cells), None);
        }

        #[test]
        fn made_up_cells_end_and_give_away_only_what_has_its_checksum(
            cells in prop::collection::vec(any_cell(), 0..300),
        ) {
            let most = cells.len();
            if let Peeled::Decoded { ours, theirs } = (Sketch { cells }).peel() {
                prop_assert!(ours.len() + theirs.len() <= most);
            }
        }

        #[test]
        fn any_bytes_are_cells_or_not(bytes in prop::collection::vec(any::<u8>(), 0..400), most in 0usize..40) {
            if let Some(cells) = decode_cells(&bytes, most) {
                prop_assert!(cells.len() <= most);
                prop_assert_eq!(encode_cells(&cells), bytes);
            }
        }
    }
}
