//! Search on the device: parcels, people and goods, in Bangla, in Banglish and by digits, with no network.
//!
//! **Derived.** The index holds words only, is made from the views of the database and from nothing else,
//! and may be deleted at any time. Missing, damaged, of another version or of another database: it is
//! made anew, and answers are what they were, because every score is a whole number that `ask` gives and
//! none comes from statistics. What a hit shows is read from the database.
//!
//! **Fresh.** A trigger marks each changed subject in the transaction of its fact (`store/found`). A
//! query reads the newest marked subjects from the database into a small index in memory and asks both,
//! the marked ones left out of the one on the disk. So the very next query finds a fact, though the
//! commit comes later, some together, on a thread of its own (`keeper`). A kill at any moment leaves the
//! last commit and all marks after it.
//!
//! **Words** (`words`) keep Bangla marks and conjuncts; **sounds** (`sound`) let payaz find পেঁয়াজ; a
//! telephone number is found by its last 3 to 11 digits, a parcel by its id or the label on it.
//!
//! Names and numbers are never logged, and no error carries what was typed.

mod ask;
mod disk;
mod entry;
mod keeper;
mod matches;
mod sound;
mod words;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::id::{Kind, Subject};
use serde::Serialize;
use tantivy::Searcher;
use tantivy::query::Query;

use crate::node::{Node, NodeError};
use crate::store::{Found, FoundParcel, Good, Rows, Store, StoreError};
use ask::{Ask, Need};
use keeper::Keeper;
pub use keeper::{SearchState, SearchStatus};
use matches::{Match, matches};

/// Most hits of one kind.
pub const MAX_HITS: usize = 100;
/// Most marked subjects that a query reads itself (30 ms on a cheap phone); older ones wait for the keeper.
const MAX_FRESH: u32 = 512;
/// Most parcels that are listed for one person.
const MAX_PARCELS: usize = 50;

/// What a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// A customer: all parcels of one telephone number.
    Person,
    /// A parcel.
    Parcel,
    /// A product.
    Good,
}

/// One answer.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// What it is.
    pub kind: HitKind,
    /// The parcel or the product; of a person the parcel that is most likely meant.
    pub subject: Subject,
    /// The customer's name, the label when this device may not know it, or what the good is called.
    pub title: String,
    /// The Bangla name of a good.
    pub title_bn: Option<String>,
    /// Address, or what is inside; code and unit of a good.
    pub detail: String,
    /// The label of the parcel, as written on it: `GT 4471 8823 7`.
    pub label: Option<String>,
    /// The last four digits of the customer's telephone number.
    pub phone_tail: Option<String>,
    /// Word of the parcel's status.
    pub status: Option<String>,
    /// Where it lies.
    pub shelf: Option<String>,
    /// Cash to collect, paisa; of a person for all parcels that are under way.
    pub due_paisa: i64,
    /// All parcels of the person that are held here, those under way first.
    pub parcels: Vec<Subject>,
    /// How well it meets what was asked: comparable within one answer.
    pub score: u32,
}

impl std::fmt::Debug for Hit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hit({:?} {} {})", self.kind, self.subject, self.score)
    }
}

/// The search of one replica.
pub(crate) struct Search {
    keeper: Keeper,
    fresh: Mutex<Option<Arc<Fresh>>>,
}

/// What changed lately, in memory.
struct Fresh {
    marks: Vec<(u64, Subject)>,
    subjects: Arc<BTreeSet<Subject>>,
    searcher: Searcher,
}

impl Search {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { keeper: Keeper::new(dir), fresh: Mutex::default() }
    }

    /// Something may have changed.
    pub(crate) fn wake(&self) {
        self.keeper.wake();
    }

    /// What was marked after `upto`, in memory.
    fn fresh(&self, store: &Store, upto: u64) -> Result<Arc<Fresh>, NodeError> {
        let mut kept = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let (marks, found) = store.read(|rows| {
            let marks = rows.newest_marks(upto, MAX_FRESH)?;
            if kept.as_ref().is_some_and(|kept| kept.marks == marks) {
                return Ok((marks, None));
            }
            let found = marks.iter().filter_map(|(_, subject)| rows.found(subject).transpose());
            let found = found.collect::<Result<Vec<_>, _>>()?;
            Ok::<_, StoreError>((marks, Some(found)))
        })?;
        if let (Some(kept), None) = (kept.as_ref(), &found) {
            return Ok(Arc::clone(kept));
        }
        let searcher =
            disk::in_memory(&found.unwrap_or_default()).map_err(|_| NodeError::Broken("an index in memory"))?;
        let subjects = Arc::new(marks.iter().map(|(_, subject)| *subject).collect());
        let fresh = Arc::new(Fresh { marks, subjects, searcher });
        *kept = Some(Arc::clone(&fresh));
        Ok(fresh)
    }
}

/// Both indexes, for one query.
struct Both<'a> {
    keeper: &'a Keeper,
    fresh: Arc<Fresh>,
    committed: Option<Searcher>,
}

impl Both<'_> {
    /// Everything that meets the query, best first.
    fn ask(&mut self, query: &dyn Query) -> Result<Vec<Match>, NodeError> {
        let mut found = matches(&self.fresh.searcher, query, &Arc::default())
            .map_err(|_| NodeError::Broken("a query that the index does not take"))?;
        if let Some(searcher) = &self.committed {
            // A file that was damaged after it was opened may be anything: reading it may also panic.
            let asked = AssertUnwindSafe(|| matches(searcher, query, &self.fresh.subjects));
            match std::panic::catch_unwind(asked) {
                Ok(Ok(more)) => found.extend(more),
                Ok(Err(_)) | Err(_) => {
                    tracing::warn!("the search index does not answer: it is made anew");
                    self.committed = None;
                    self.keeper.damaged();
                }
            }
        }
        found.sort_by_cached_key(Match::order);
        Ok(found)
    }
}

impl Node {
    /// Searches parcels, people and goods; at most `limit` hits of each kind, the best first over all.
    /// Any text is allowed; what holds no word or digit finds nothing.
    ///
    /// # Errors
    /// The database.
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<Hit>, NodeError> {
        self.search.keeper.start(&self.store);
        let Some(ask) = Ask::of(text) else { return Ok(Vec::new()) };
        let limit = limit.min(MAX_HITS);
        // In this order: what a commit brings in meanwhile is then in both, never in neither.
        let upto = self.search.keeper.committed().map_or(0, |(_, upto)| upto);
        let fresh = self.search.fresh(&self.store, upto)?;
        let committed = self.search.keeper.committed().map(|(searcher, _)| searcher);
        if !fresh.marks.is_empty() {
            self.search.wake();
        }
        let mut both = Both { keeper: &self.search.keeper, fresh, committed };
        let (_, fields) = entry::schema();
        let mut need = Need::All;
        let mut things = both.ask(&*ask.query(&fields, need))?;
        if things.is_empty() {
            need = Need::Any;
            things = both.ask(&*ask.query(&fields, need))?;
        }
        let mut people = both.ask(&*ask.people(&fields, need))?;
        let mut seen = BTreeSet::new();
        people.retain(|found| found.who != 0 && seen.len() < limit && seen.insert(found.who));
        self.hits(&mut both, &fields, &things, &people, limit)
    }

    fn hits(
        &self,
        both: &mut Both<'_>,
        fields: &entry::Fields,
        things: &[Match],
        people: &[Match],
        limit: usize,
    ) -> Result<Vec<Hit>, NodeError> {
        let of_kind = |kind: Kind| things.iter().filter(move |found| found.subject.kind() == Some(kind)).take(limit);
        let mut hits: Vec<Hit> = Vec::new();
        self.store.read(|rows| {
            for found in of_kind(Kind::Parcel).chain(of_kind(Kind::Product)) {
                hits.extend(rows.found(&found.subject)?.map(|row| Hit::of(&row, found.score)));
            }
            Ok::<_, StoreError>(())
        })?;
        for person in people {
            let Some(customer) = self.store.read(|rows| customer_of(rows, &person.subject))? else { continue };
            let Some(query) = ask::of_number(fields, &customer) else { continue };
            let mut parcels = both.ask(&*query)?;
            parcels.truncate(MAX_PARCELS);
            hits.extend(self.store.read(|rows| Hit::of_person(rows, person, &parcels))?);
        }
        hits.sort_by_key(|hit| (std::cmp::Reverse(hit.score), hit.kind));
        Ok(hits)
    }

    /// How the index stands.
    #[must_use]
    pub fn search_status(&self) -> SearchStatus {
        self.search.keeper.status()
    }

    /// Has every entry written again, while the old ones answer.
    ///
    /// # Errors
    /// The database.
    pub fn refresh_search(&self) -> Result<(), NodeError> {
        self.store.mark_all()?;
        self.search.wake();
        Ok(())
    }

    /// Opens the index, and waits until it holds everything, at most for `most`.
    #[must_use]
    pub fn settle_search(&self, most: Duration) -> SearchStatus {
        self.search.keeper.start(&self.store);
        self.search.wake();
        self.search.keeper.settle(most)
    }
}

fn customer_of(rows: &Rows<'_>, parcel: &Subject) -> Result<Option<String>, StoreError> {
    Ok(match rows.found(parcel)? {
        Some(Found::Parcel(parcel)) => parcel.customer.map(|customer| customer.phone),
        _ => None,
    })
}

impl Hit {
    fn of(found: &Found, score: u32) -> Self {
        match found {
            Found::Parcel(parcel) => Self::of_parcel(parcel, score),
            Found::Good(good) => Self::of_good(good, score),
        }
    }

    fn of_parcel(parcel: &FoundParcel, score: u32) -> Self {
        let label = parcel.subject.label().to_string();
        let customer = parcel.customer.as_ref();
        let goods = || parcel.lines.iter().map(|line| line.good.as_ref().map_or(&line.sku, |good| &good.name_en));
        Self {
            kind: HitKind::Parcel,
            subject: parcel.subject,
            title: customer.map_or_else(|| label.clone(), |customer| customer.name.clone()),
            title_bn: None,
            detail: customer
                .map_or_else(|| goods().cloned().collect::<Vec<_>>().join(", "), |customer| customer.address.clone()),
            label: Some(label),
            phone_tail: customer.and_then(|customer| tail_of(&customer.phone)),
            status: Some(parcel.status.clone()),
            shelf: parcel.shelf.clone(),
            due_paisa: parcel.due_paisa,
            parcels: Vec::new(),
            score,
        }
    }

    fn of_good(good: &Good, score: u32) -> Self {
        Self {
            kind: HitKind::Good,
            subject: good.subject,
            title: good.name_en.clone(),
            title_bn: Some(good.name_bn.clone()),
            detail: format!("{}, {}", good.sku, good.unit),
            label: None,
            phone_tail: None,
            status: None,
            shelf: None,
            due_paisa: 0,
            parcels: Vec::new(),
            score,
        }
    }

    /// A person, as the parcel by which he was found says who he is.
    fn of_person(rows: &Rows<'_>, person: &Match, parcels: &[Match]) -> Result<Option<Self>, StoreError> {
        let Some(Found::Parcel(parcel)) = rows.found(&person.subject)? else { return Ok(None) };
        let mut hit = Self::of_parcel(&parcel, person.score);
        hit.due_paisa = 0;
        for found in parcels {
            let Some(Found::Parcel(held)) = rows.found(&found.subject)? else { continue };
            hit.parcels.push(held.subject);
            if found.open {
                hit.due_paisa = hit.due_paisa.saturating_add(held.due_paisa);
            }
        }
        (hit.kind, hit.label, hit.status, hit.shelf) = (HitKind::Person, None, None, None);
        Ok(Some(hit))
    }
}

fn tail_of(phone: &str) -> Option<String> {
    words::tails(phone).into_iter().nth(1)
}
