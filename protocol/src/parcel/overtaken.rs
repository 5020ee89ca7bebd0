//! Claims of custody that a scan has overtaken, neither knowing of the other: the scan says where the parcel is.
//!
//! Whoever scans has the parcel in his hands, but which way it came he may not have heard. A claim is left out only when
//! there is one way in which the scan can have come to be. Where there are two, all claims stand: those that did not
//! know of each other are contested, and a person looks.

use std::collections::BTreeMap;

use super::Fold;
use super::custody::{ends_its_way, lies_at_site, moves_custody};
use crate::fact::Fact;
use crate::history::Indexes;
use crate::id::Scope;
use crate::slot::{self, Claim};

/// The vans that a scan may have come by, by the scan: each was sent to its site, neither knowing of the other.
type Vans = BTreeMap<usize, Vec<usize>>;

/// By run sheet and agent, the loads by which he took the parcel from the shelf once more.
type Runs = BTreeMap<usize, BTreeMap<Scope, Vec<usize>>>;

impl Fold<'_> {
    /// Claims of custody, without those that a scan has overtaken. A delivery is never left out, but one that its
    /// courier took back.
    ///
    /// - What an agent recorded on a run whose parcel the hub has scanned in again: he came back before
    ///   his phone had synced. The attempt still counts. What he took from the shelf once more by the same run sheet
    ///   may be after the scan, and so may what he took without having heard of a load by somebody else that the scan
    ///   had heard of: it may be the other one who came back.
    /// - What a site recorded before it sent the parcel to the site that scanned it in: the van was
    ///   faster than the network.
    /// - What the other window of a clerk who scanned at two had heard of: the act knows what either knew.
    /// - That a courier brings it back, recorded by somebody who knew that it had been scanned in.
    pub(super) fn standing_claims(&self) -> Vec<Claim> {
        let given_back = |claim: &Claim| self.is_taken_back(claim.fact) || self.is_told_after_scan(claim.fact);
        let claims: Vec<Claim> = self.claims(moves_custody).into_iter().filter(|claim| !given_back(claim)).collect();
        let scans = self.claims(|fact| matches!(fact, Fact::Received(_)));
        let runs = self.claims(|fact| matches!(fact, Fact::Dispatched(_)));
        let vans = self.vans(&scans, &claims);
        let loads = self.loads();
        let again = self.loads_again(&runs, &loads);
        let arrived = |claim: &Claim, scan: &Claim| {
            let before = |van: &usize| claim.fact == *van || self.history.follows(*van, claim.fact);
            vans.get(&scan.fact).is_some_and(|vans| vans.iter().any(before))
        };
        let heard = |claim: &Claim, scan: &Claim| {
            self.history.echoes(scan.fact).any(|echo| self.history.follows(echo, claim.fact))
        };
        let overtaken = |claim: &Claim| {
            let concurrent = |scan: &&Claim| self.history.concurrent(claim.fact, scan.fact);
            let by = |scan: &Claim| {
                self.came_back(claim, scan, &again, &loads) || arrived(claim, scan) || heard(claim, scan)
            };
            !self.fact(claim.fact).is_some_and(ends_its_way) && scans.iter().filter(concurrent).any(by)
        };
        let standing: Vec<Claim> = claims.iter().filter(|claim| !overtaken(claim)).copied().collect();
        // Scans that overtake each other in a ring of three sites and more: somebody has it, so all claims stand.
        if standing.is_empty() { claims } else { standing }
    }

    /// Everything by which an agent took the parcel from a shelf, in order of id.
    fn loads(&self) -> Vec<usize> {
        let is_load = |index: &usize| matches!(self.fact(*index), Some(Fact::Loaded(_)));
        (0..self.history.facts.len()).filter(is_load).collect()
    }

    /// The loads of each run sheet, by agent, that are not his first by it as far as he knew: he took the parcel from the
    /// shelf once more. Found once, so that a run of thousands of loads folds in no time.
    fn loads_again(&self, runs: &[Claim], loads: &[usize]) -> Runs {
        let of_run = |run: &Claim| {
            let mut by_agent: BTreeMap<Scope, Vec<usize>> = BTreeMap::new();
            for load in loads.iter().filter(|load| self.history.follows(**load, run.fact)) {
                by_agent.entry(self.history.facts[*load].party).or_default().push(*load);
            }
            for loads in by_agent.values_mut() {
                let all = Indexes::of(loads.iter().copied());
                loads.retain(|load| self.history.follows_any(*load, &all));
            }
            (run.fact, by_agent)
        };
        runs.iter().map(of_run).collect()
    }

    /// Whether an agent's load or attempt is of a run whose parcel a scan has taken in since: both follow its run sheet. Not
    /// what he recorded since he took it from the shelf again, nor when the scan may be of a load by another that he had
    /// not heard of.
    fn came_back(&self, claim: &Claim, scan: &Claim, again: &Runs, loads: &[usize]) -> bool {
        if !matches!(self.fact(claim.fact), Some(Fact::Loaded(_) | Fact::Attempted(_))) {
            return false;
        }
        let party = self.history.facts[claim.fact].party;
        let of_run = |by_agent: &BTreeMap<Scope, Vec<usize>>| {
            let loads = by_agent.get(&party).into_iter().flatten().copied();
            let unheard = Indexes::of(loads.filter(|load| self.history.concurrent(*load, scan.fact)));
            !unheard.holds(claim.fact) && !self.history.follows_any(claim.fact, &unheard)
        };
        let of_both = |run: usize| self.history.follows(claim.fact, run) && self.history.follows(scan.fact, run);
        let person = self.history.facts[claim.fact].person;
        let by_another =
            |load: &usize| self.history.facts[*load].person != person && self.history.follows(scan.fact, *load);
        again.iter().any(|(run, by_agent)| of_both(*run) && of_run(by_agent))
            && self.history.follows_all(claim.fact, &Indexes::of(loads.iter().copied().filter(by_another)))
    }

    /// By which van each scan came, as far as that can only have been one way. Not of a scan
    ///
    /// - by somebody for whom it was there already, or on an earlier van: it says nothing of a later one;
    /// - that may be a colleague's scan of an earlier van;
    /// - that has heard of neither of two vans, one after the other: of the later one; neither knowing of the other: of both,
    ///   for it came by one of them;
    /// - that the other end's scan overtakes in the same way: each may have been first.
    fn vans(&self, scans: &[Claim], claims: &[Claim]) -> Vans {
        let sent = self.claims(|fact| matches!(fact, Fact::Forwarded(_)));
        let mut vans = Vans::new();
        if sent.is_empty() {
            return vans;
        }
        for scan in scans.iter().filter(|scan| !self.was_awaited(scan.fact, claims)) {
            let here = self.history.facts[scan.fact].party;
            let to_here = |van: &&Claim| matches!(self.fact(van.fact), Some(Fact::Forwarded(to)) if to.to == here);
            let unheard = |van: &&Claim| self.history.concurrent(van.fact, scan.fact);
            let unheard: Vec<&Claim> = sent.iter().filter(to_here).filter(unheard).collect();
            let all = Indexes::of(unheard.iter().map(|van| van.fact));
            let first = unheard.into_iter().filter(|van| !self.history.follows_any(van.fact, &all));
            let by: Vec<usize> =
                first.filter(|van| !self.is_another_vans(scan, van, scans, &sent)).map(|van| van.fact).collect();
            vans.insert(scan.fact, if by.len() > 1 { Vec::new() } else { by });
        }
        let beaten_by = |scan: usize| {
            let beats = |by: &[usize]| by.iter().any(|van| *van == scan || self.history.follows(*van, scan));
            Indexes::of(vans.iter().filter(|(_, by)| beats(by)).map(|(other, _)| *other))
        };
        let one_way = |(scan, by): (&usize, &Vec<usize>)| {
            let rivals = beaten_by(*scan);
            (*scan, by.iter().filter(|van| !self.history.follows_any(**van, &rivals)).copied().collect())
        };
        vans.iter().map(one_way).collect()
    }

    /// Whether, as far as its clerk knew, the parcel of a scan lay at his site already or was on its way there.
    fn was_awaited(&self, scan: usize, claims: &[Claim]) -> bool {
        let here = self.history.facts[scan].party;
        let windows: Vec<usize> = self.history.echoes(scan).chain([scan]).collect();
        let knew = |claim: &&Claim| windows.iter().any(|window| self.history.follows(*window, claim.fact));
        let known: Vec<Claim> = claims.iter().filter(knew).copied().collect();
        let Some(held) = slot::latest(self.history, &known) else { return false };
        [held.winner].iter().chain(&held.rivals).any(|last| match self.fact(last.fact) {
            Some(Fact::Forwarded(forwarded)) => forwarded.to == here,
            Some(fact) => lies_at_site(fact) && self.history.facts[last.fact].party == here,
            None => false,
        })
    }

    /// Whether a scan may be of another van than this one: a second clerk of the site, neither knowing of the other, scanned
    /// in one that he had heard of, and had not heard of this one.
    fn is_another_vans(&self, scan: &Claim, van: &Claim, scans: &[Claim], vans: &[Claim]) -> bool {
        let here = self.history.facts[scan.fact].party;
        let beside = |other: &&Claim| {
            self.history.facts[other.fact].party == here
                && self.history.concurrent(scan.fact, other.fact)
                && !self.history.follows(other.fact, van.fact)
        };
        let to_here = |sent: &Claim| matches!(self.fact(sent.fact), Some(Fact::Forwarded(to)) if to.to == here);
        let answers = |other: &Claim| vans.iter().any(|van| to_here(van) && self.history.follows(other.fact, van.fact));
        scans.iter().filter(beside).any(answers)
    }

    /// Whether this says that a courier brings the parcel back, and whoever recorded it knew of a scan that was made
    /// after he had taken it, as far as the record of that knew: the goods are there. It still takes back his delivery.
    fn is_told_after_scan(&self, fact: usize) -> bool {
        let Some(Fact::CourierReturned(back)) = self.fact(fact) else { return false };
        let knew = |index: &usize| self.history.follows(fact, *index);
        let known: Vec<usize> = (0..self.history.facts.len()).filter(knew).collect();
        let taken =
            |index: &usize| matches!(self.fact(*index), Some(Fact::Consigned(of)) if of.courier == back.courier);
        let taken: Vec<usize> = known.iter().copied().filter(taken).collect();
        let scan = |index: &&usize| matches!(self.fact(**index), Some(Fact::Received(_)));
        let since = |scan: &usize| !taken.iter().any(|taken| self.history.follows(*taken, *scan));
        !taken.is_empty() && known.iter().filter(scan).any(since)
    }
}
