//! How a hub learns that the log has grown, and whom it concerns.

use std::collections::BTreeSet;

use protocol::id::{Scope, Subject};
use protocol::seat::{Seat, bits};
use sqlx::postgres::{PgListener, PgPool};

use super::{ReplicationError, snapshot};
use crate::store::{self, signed};

/// Tells when the log has grown.
pub struct LogWatch(PgListener);

/// Starts to watch the log.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn watch(pool: &PgPool) -> Result<LogWatch, ReplicationError> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(store::LOG_CHANNEL).await?;
    Ok(LogWatch(listener))
}

impl LogWatch {
    /// Waits for the next batch and gives the position after it. A notice may be lost while the
    /// connection is renewed: callers poll slowly beside it.
    ///
    /// # Errors
    /// When the connection is lost and cannot be renewed.
    pub async fn grown(&mut self) -> Result<u64, ReplicationError> {
        let notice = self.0.recv().await?;
        Ok(notice.payload().parse().unwrap_or(0))
    }
}

/// Whom a stretch of the log concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Readers of these scopes.
    Scopes(BTreeSet<Scope>),
    /// Everybody: a seat was revoked, and with it what stands in the books, or it is another log.
    All,
}

impl Touched {
    /// Whether `seat` may read any of it.
    #[must_use]
    pub fn concerns(&self, seat: &Seat) -> bool {
        match self {
            Self::All => true,
            Self::Scopes(scopes) => scopes.iter().any(|scope| seat.may(bits::READ, scope)),
        }
    }
}

/// A place in one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    log_id: [u8; 8],
    position: u64,
}

/// Where the log ends.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn end_of_log(pool: &PgPool) -> Result<Place, ReplicationError> {
    let mut conn = pool.acquire().await?;
    let head = store::log_head(&mut conn).await?;
    Ok(Place { log_id: head.log_id, position: head.position })
}

/// Whom the log after `after` concerns, and where it ends now. Asked once for all sessions of a hub, so that
/// a device pays nothing for what the others do.
///
/// # Errors
/// See [`ReplicationError`].
pub async fn touched(pool: &PgPool, after: Place) -> Result<(Place, Touched), ReplicationError> {
    let mut tx = snapshot(pool).await?;
    let head = store::log_head(&mut tx).await?;
    let end = Place { log_id: head.log_id, position: head.position };
    if end == after {
        return Ok((end, Touched::Scopes(BTreeSet::new())));
    }
    let (revoked,): (bool,) = sqlx::query_as("SELECT EXISTS (SELECT 1 FROM revocation WHERE position > $1)")
        .bind(signed(after.position))
        .fetch_one(&mut *tx)
        .await?;
    if revoked || end.log_id != after.log_id || end.position < after.position {
        return Ok((end, Touched::All));
    }
    // A scope's own log is read by its readers, and every subject by those of the scopes it is in.
    let rows: Vec<([u8; 17],)> = sqlx::query_as(
        "WITH news AS MATERIALIZED (SELECT DISTINCT subject FROM op WHERE position > $1)
         SELECT subject FROM news
         UNION SELECT member.scope FROM news JOIN member ON member.subject = news.subject",
    )
    .bind(signed(after.position))
    .fetch_all(&mut *tx)
    .await?;
    Ok((end, Touched::Scopes(rows.into_iter().map(|(scope,)| Subject(scope)).collect())))
}
