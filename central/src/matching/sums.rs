//! The bounded search for parts that add up to a whole.

use protocol::taka::Taka;

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No parts add up.
    Nothing,
    /// Exactly one set of parts adds up.
    One(Vec<usize>),
    /// At least two sets add up; the parts of the first two.
    Several(Vec<usize>),
    /// The bound was hit; the parts of the set found so far, if any.
    GaveUp(Vec<usize>),
}

/// Candidates of one sign, largest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    parts: Vec<(Taka, usize)>,
    /// The total of each part and all behind it.
    totals: Vec<Taka>,
}

impl Pool {
    /// A pool of the candidates' sizes; those without an amount are left out, because they fit into any sum.
    pub(super) fn new(candidates: impl IntoIterator<Item = (usize, Taka)>) -> Self {
        let mut parts: Vec<(Taka, usize)> =
            candidates.into_iter().map(|(index, amount)| (size(amount), index)).filter(|p| p.0 != Taka::ZERO).collect();
        parts.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut total = Taka::ZERO;
        let mut totals: Vec<Taka> = parts.iter().rev().map(|part| grow(&mut total, part.0)).collect();
        totals.reverse();
        Self { parts, totals }
    }

    /// The indices of all parts.
    pub(super) fn members(&self) -> Vec<usize> {
        self.parts.iter().map(|part| part.1).collect()
    }

    /// Looks for sets of at most `most` parts that add up to `whole` and that `fits` accepts.
    ///
    /// `tries` is used up step by step, so that several searches can share one bound.
    pub(super) fn find(
        &self,
        whole: Taka,
        most: usize,
        tries: &mut u32,
        mut fits: impl FnMut(&[usize]) -> bool,
    ) -> Found {
        let mut rest = size(whole);
        let mut chosen: Vec<usize> = Vec::new();
        let mut first: Option<Vec<usize>> = None;
        let mut at = 0;
        loop {
            let next = self.next(at, rest).filter(|_| chosen.len() < most);
            if let Some((place, amount)) = next {
                if *tries == 0 {
                    return Found::GaveUp(first.unwrap_or_default());
                }
                *tries -= 1;
                chosen.push(place);
                rest = rest.minus(amount);
                at = place + 1;
                if rest == Taka::ZERO {
                    let set = self.set(&chosen);
                    if fits(&set) {
                        match first {
                            None => first = Some(set),
                            Some(known) => return Found::Several(union(known, &set)),
                        }
                    }
                }
            } else {
                let Some(place) = chosen.pop() else { break };
                rest = rest.plus(self.parts.get(place).map_or(Taka::ZERO, |part| part.0));
                at = place + 1;
            }
        }
        first.map_or(Found::Nothing, Found::One)
    }

    /// The first part from `at` on that is not larger than `rest`, when the parts from there can still reach it.
    fn next(&self, at: usize, rest: Taka) -> Option<(usize, Taka)> {
        let behind = self.parts.get(at..)?;
        let place = at + behind.partition_point(|part| part.0 > rest);
        let reachable = self.totals.get(place).is_some_and(|total| *total >= rest) && rest != Taka::ZERO;
        self.parts.get(place).filter(|_| reachable).map(|part| (place, part.0))
    }

    fn set(&self, places: &[usize]) -> Vec<usize> {
        let mut set: Vec<usize> = places.iter().filter_map(|place| self.parts.get(*place)).map(|part| part.1).collect();
        set.sort_unstable();
        set
    }
}

/// Both sets as one, sorted.
pub(super) fn union(mut one: Vec<usize>, other: &[usize]) -> Vec<usize> {
    one.extend_from_slice(other);
    one.sort_unstable();
    one.dedup();
    one
}

fn size(amount: Taka) -> Taka {
    if amount < Taka::ZERO { amount.negated() } else { amount }
}

fn grow(total: &mut Taka, by: Taka) -> Taka {
    *total = total.plus(by);
    *total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(amounts: &[i32]) -> Pool {
        Pool::new(amounts.iter().enumerate().map(|(index, taka)| (index, Taka::whole(*taka))))
    }

    fn find(amounts: &[i32], whole: i32, most: usize, mut tries: u32) -> Found {
        pool(amounts).find(Taka::whole(whole), most, &mut tries, |_| true)
    }

    #[test]
    fn finds_the_only_sum() {
        assert_eq!(find(&[500, 300, 120, 90], 420, 12, 100), Found::One(vec![1, 2]));
        assert_eq!(find(&[-500, -300, -120], -620, 12, 100), Found::One(vec![0, 2]));
        assert_eq!(find(&[500, 300], 900, 12, 100), Found::Nothing);
    }

    #[test]
    fn names_the_parts_of_two_sums() {
        assert_eq!(find(&[500, 300, 200], 500, 12, 100), Found::Several(vec![0, 1, 2]));
        assert_eq!(find(&[300, 200, 200], 500, 12, 100), Found::Several(vec![0, 1, 2]));
    }

    #[test]
    fn obeys_both_bounds() {
        assert_eq!(find(&[4, 2, 1], 7, 2, 100), Found::Nothing);
        assert_eq!(find(&[40, 20, 10, 7, 6], 29, 12, 1), Found::GaveUp(vec![]));
    }

    #[test]
    fn leaves_out_what_has_no_amount() {
        assert_eq!(find(&[0, 5, 3], 8, 12, 100), Found::One(vec![1, 2]));
    }
}
