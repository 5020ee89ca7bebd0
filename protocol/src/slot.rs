//! Slots: how competing claims of one subject are settled (SPEC S4). A comparison by causality,
//! evidence and authority is not transitive, so nothing is sorted by it: first causality keeps the
//! claims that nothing supersedes, then the rank picks among those.

use std::cmp::Reverse;

use crate::history::{History, Indexes};

/// A fact that wants a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Index of the fact in its history.
    pub fact: usize,
    /// E0..E5.
    pub evidence: u8,
    /// Higher is nearer to the thing: whoever held custody.
    pub authority: u8,
}

/// Who holds a slot, and who was not superseded but ranked lower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The claim that stands.
    pub winner: Claim,
    /// Claims concurrent with it; each has a named consequence.
    pub rivals: Vec<Claim>,
}

/// The slot is what was said last: claims that no other claim follows, then the highest rank.
#[must_use]
pub fn latest(history: &History, claims: &[Claim]) -> Option<Held> {
    let known = history.known_to(claims.iter().map(|claim| claim.fact));
    held(history, claims, |claim| !known.holds(claim.fact))
}

/// The slot is what was said first: claims that follow no other claim, then the highest rank.
#[must_use]
pub fn earliest(history: &History, claims: &[Claim]) -> Option<Held> {
    let all = Indexes::of(claims.iter().map(|claim| claim.fact));
    held(history, claims, |claim| !history.follows_any(claim.fact, &all))
}

fn held(history: &History, claims: &[Claim], stands: impl Fn(&Claim) -> bool) -> Option<Held> {
    let mut standing: Vec<Claim> = claims.iter().filter(|claim| stands(claim)).copied().collect();
    let rank = |claim: &Claim| (Reverse(claim.evidence), Reverse(claim.authority), history.facts[claim.fact].id);
    standing.sort_by_key(rank);
    let (winner, rivals) = standing.split_first()?;
    Some(Held { winner: *winner, rivals: rivals.to_vec() })
}
