//! After a fix of the fold ([`protocol::fold::RULES`] is one more): what was folded by older rules is folded by these.
//!
//! Nothing is changed in place. A journal that the facts do not come to any more is taken back in the open month and the
//! right one posted behind it, as for a late fact; what is contested now is told; views are written anew. What comes to
//! the same is left alone: its subject stays closed, and no device hears of it. [`plan`] says what would change.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::Code;
use protocol::fold::{self, Folded, RULES, State};
use protocol::id::{Author, Subject};
use protocol::intake::history_of;
use protocol::ledger;
use protocol::react;
use protocol::taka::Taka;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;

use crate::intake::{Intake, IntakeError};
use crate::ledger::standing;
use crate::rebuild::subjects;
use crate::store::{self, StoreError, load};
use crate::views;

/// Subjects folded in one transaction.
const CHUNK: usize = 256;

/// What differs by the rules of this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restated {
    /// Subjects that were folded.
    pub subjects: u64,
    /// Those that come to something else.
    pub changed: Vec<Changed>,
    /// What moves by that, by account of the chart; debit positive.
    pub moved: BTreeMap<Code, Taka>,
}

/// One subject that comes to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub subject: Subject,
    /// The rules of journals that are taken back.
    pub taken_back: Vec<&'static str>,
    /// The rules of journals that are posted.
    pub posted: Vec<&'static str>,
    /// Whether a contest of it was not told yet.
    pub contested: bool,
    /// The parcel of an earning: what follows from both is decided with both.
    beside: Option<Subject>,
}

/// The rules by which the books were folded last as a whole.
///
/// # Errors
/// See [`StoreError`].
pub async fn folded_by(pool: &PgPool) -> Result<u32, StoreError> {
    let (rules,): (i32,) = sqlx::query_as("SELECT rules FROM log_head").fetch_one(pool).await?;
    Ok(u32::try_from(rules).unwrap_or_default())
}

/// Folds everything, and says what would change. Writes nothing.
///
/// # Errors
/// See [`StoreError`].
pub async fn plan(pool: &PgPool) -> Result<Restated, StoreError> {
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let mut restated = Restated::default();
    for chunk in subjects(&mut tx).await?.chunks(CHUNK) {
        restated.look_at(&mut tx, chunk).await?;
    }
    Ok(restated)
}

/// Folds everything, and records what differs through `intake`. Ended early, it goes on when it is run again: what has
/// been recorded does not differ any more.
///
/// # Errors
/// See [`IntakeError`].
pub async fn restate(pool: &PgPool, intake: &Intake) -> Result<Restated, IntakeError> {
    let mut restated = Restated::default();
    let all = subjects(&mut *pool.acquire().await?).await?;
    for chunk in all.chunks(CHUNK) {
        let before = restated.changed.len();
        let mut tx = pool.begin().await?;
        store::lock(&mut tx).await?;
        let mut folded = restated.look_at(&mut tx, chunk).await?;
        let changed = &restated.changed[before..];
        changed.iter().for_each(|changed| drop(folded.remove(&changed.subject)));
        views::write(&mut tx, &folded).await?;
        tx.commit().await?;
        let again: BTreeSet<Subject> =
            changed.iter().flat_map(|changed| [Some(changed.subject), changed.beside]).flatten().collect();
        if !again.is_empty() {
            intake.fold_again(again).await?;
        }
    }
    let rules = i32::try_from(RULES).unwrap_or(i32::MAX);
    sqlx::query("UPDATE log_head SET rules = $1").bind(rules).execute(pool).await?;
    Ok(restated)
}

impl Restated {
    async fn look_at(
        &mut self,
        conn: &mut PgConnection,
        chunk: &[[u8; 17]],
    ) -> Result<BTreeMap<Subject, Folded>, StoreError> {
        let ops = load::ops(conn, chunk).await?;
        let authors: BTreeSet<Author> = ops.values().flatten().map(|held| held.author).collect();
        let seats = load::seats(conn, &authors, &mut load::Seats::new()).await?;
        let revocations = load::revocations(conn, &authors).await?;
        let standing = standing(conn, chunk).await?;
        let mut all = BTreeMap::new();
        for (subject, held) in &ops {
            let history = history_of(held, &seats, &revocations);
            let folded = fold::fold(*subject, &history);
            let stands = standing.get(subject).cloned().unwrap_or_default();
            let entries = ledger::difference(&stands, &folded.journals);
            let contested = react::is_untold(*subject, &folded, &history);
            self.subjects += 1;
            if !entries.is_empty() || contested {
                for posting in entries.iter().flat_map(|entry| &entry.journal.postings) {
                    let sum = self.moved.entry(posting.account.code).or_default();
                    *sum = sum.plus(posting.amount);
                }
                let of = |even: bool| {
                    let of = entries.iter().filter(|entry| (entry.rev % 2 == 0) == even);
                    of.map(|entry| entry.journal.rule.name()).collect()
                };
                let (taken_back, posted, beside) = (of(false), of(true), parcel_of(&folded));
                self.changed.push(Changed { subject: *subject, taken_back, posted, contested, beside });
            }
            all.insert(*subject, folded);
        }
        Ok(all)
    }
}

fn parcel_of(folded: &Folded) -> Option<Subject> {
    match &folded.state {
        State::Earning(earning) => earning.terms.as_ref().map(|terms| terms.parcel),
        _ => None,
    }
}
