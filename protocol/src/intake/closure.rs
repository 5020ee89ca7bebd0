//! Closure: who has to hold a subject (SPEC S2), by central at intake.

use std::collections::{BTreeMap, BTreeSet};

use super::{Clerk, Intake, op_of};
use crate::fact::{Fact, MAX_PUT_SUBJECTS, Put};
use crate::history::History;
use crate::id::{Kind, Scope, Subject};
use crate::react;

impl Intake {
    /// Puts the subjects, and the documents of parcels among them, where they have to be.
    pub(super) fn close_audience(&mut self, clerk: &mut Clerk<'_>, subjects: &BTreeSet<Subject>) {
        let mut wanted: BTreeSet<(Scope, Subject)> = BTreeSet::new();
        for subject in subjects {
            let Some(folded) = self.taken.folded.get(subject) else { continue };
            let history = self.history(*subject);
            wanted.extend(react::audience(folded, &history).into_iter().map(|scope| (scope, *subject)));
            // A late fact on what was closed: it is open again wherever it was.
            let members = self.desk.members.get(subject).into_iter().flatten();
            wanted.extend(members.filter(|(_, held)| held.close > 0).map(|(scope, _)| (*scope, *subject)));
            match subject.kind() {
                Some(Kind::Parcel) => {
                    let details = [Subject::note_of(*subject), Subject::address_of(*subject)];
                    let written = details.into_iter().filter(|detail| self.desk.ops.contains_key(detail));
                    wanted.extend(written.flat_map(|detail| self.company(*subject).map(move |scope| (scope, detail))));
                }
                Some(Kind::Note | Kind::Address) => {
                    let parcel = parcel_of(&history);
                    let company = parcel.into_iter().flat_map(|parcel| self.company(parcel));
                    wanted.extend(company.map(|scope| (scope, *subject)));
                }
                _ => {}
            }
        }
        self.put(clerk, wanted);
    }

    /// A Close of a life of central's that is over: its database was restored, and may lack what the subject was
    /// closed upon. Devices still hold that for as long as a copy may be old, and send it of what is open only.
    pub(super) fn reopen_forgotten(&mut self, clerk: &mut Clerk<'_>) {
        let current = clerk.place.inc;
        let forgotten = std::mem::take(&mut self.closed).into_iter().filter(|(inc, ..)| *inc != current);
        let wanted = forgotten.map(|(_, scope, subject)| (scope, subject)).collect();
        self.put(clerk, wanted);
    }

    /// Puts what is not open there yet.
    fn put(&mut self, clerk: &mut Clerk<'_>, wanted: BTreeSet<(Scope, Subject)>) {
        let mut puts: BTreeMap<(Scope, u32), Vec<Subject>> = BTreeMap::new();
        for (scope, subject) in wanted {
            let held = self.desk.members.get(&subject).and_then(|scopes| scopes.get(&scope)).copied();
            let held = held.unwrap_or_default();
            if !held.is_member() {
                puts.entry((scope, held.close + 1)).or_default().push(subject);
            }
        }
        let mut ops = Vec::new();
        for ((scope, generation), subjects) in puts {
            for part in subjects.chunks(MAX_PUT_SUBJECTS) {
                let put = Fact::Put(Put { generation, subjects: part.to_vec() });
                ops.push(op_of(scope, &put, Vec::new()));
            }
        }
        self.author(clerk, ops);
    }

    /// The scopes a parcel's note and address go to: those it is in, but for its vendor's, which may
    /// not open them.
    fn company(&self, parcel: Subject) -> impl Iterator<Item = Scope> + '_ {
        let members = self.desk.members.get(&parcel).into_iter().flatten();
        let reads = |scope: &Scope| matches!(scope.kind(), Some(Kind::Site | Kind::Agent));
        members.filter(move |(scope, held)| held.is_member() && reads(scope)).map(|(scope, _)| *scope)
    }
}

/// The parcel that a note or an address belongs to, as its changes name it.
fn parcel_of(history: &History) -> Option<Subject> {
    history.facts.iter().find_map(|seen| match &seen.fact {
        Some(Fact::DetailEntered(edit) | Fact::SiteDetailChanged(edit) | Fact::AgentDetailChanged(edit)) => {
            Some(edit.parcel)
        }
        _ => None,
    })
}
