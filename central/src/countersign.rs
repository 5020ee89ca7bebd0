//! Two people sign for one thing: what the first one said waits in the table `clearing` until a second one sends the same.

use protocol::id::{Id16, OpId, Subject};
use sqlx::PgConnection;

use crate::problem::Error;
use crate::store::signed;

/// What is signed for: a contest, or that a record was not so.
pub(crate) struct Signing<'a> {
    /// The thing.
    pub(crate) subject: Subject,
    /// The fact of it.
    pub(crate) op: OpId,
    /// The word of the contest, or `void`.
    pub(crate) word: &'a str,
    /// Why, as this person says.
    pub(crate) reason: String,
    /// Who says so now.
    pub(crate) by: Id16,
}

/// Who signed.
pub(crate) enum Signed {
    /// Everybody who has to.
    Whole {
        /// The first one, and why.
        maker: Id16,
        /// What he wrote.
        reason: String,
        /// The second one, where two are needed.
        checker: Option<Id16>,
    },
    /// The first of two.
    Waits,
}

/// Signs for it, where `two` people have to with whoever signed before.
///
/// # Errors
/// `same_person`; the database's.
pub(crate) async fn sign(conn: &mut PgConnection, what: Signing<'_>, two: bool, now_ms: u64) -> Result<Signed, Error> {
    if !two {
        return Ok(Signed::Whole { maker: what.by, reason: what.reason, checker: None });
    }
    let (seen,): (i64,) = sqlx::query_as("select coalesce(max(position), 0) from op where subject = $1")
        .bind(what.subject.0)
        .fetch_one(&mut *conn)
        .await?;
    let first: Option<([u8; 16], String, i64)> = sqlx::query_as(
        "select maker, reason, seen_position from clearing where subject = $1 and op = $2 and code = $3",
    )
    .bind(what.subject.0)
    .bind(what.op.0)
    .bind(what.word)
    .fetch_optional(&mut *conn)
    .await?;
    // He signed for what he had read: what came since, he has not.
    let first = first.filter(|(.., read)| *read == seen);
    if first.as_ref().is_some_and(|(maker, ..)| *maker == what.by.0) {
        let next = "Ask somebody else to look at it and to send the same: one person cannot sign twice.";
        return Err(Error::refuse(409, "same_person", "You signed for this yourself.", next));
    }
    sqlx::query("delete from clearing where subject = $1 and op = $2 and code = $3")
        .bind(what.subject.0)
        .bind(what.op.0)
        .bind(what.word)
        .execute(&mut *conn)
        .await?;
    if let Some((maker, reason, _)) = first {
        return Ok(Signed::Whole { maker: Id16(maker), reason, checker: Some(what.by) });
    }
    sqlx::query(
        "insert into clearing (subject, op, code, reason, maker, seen_position, proposed_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(what.subject.0)
    .bind(what.op.0)
    .bind(what.word)
    .bind(what.reason)
    .bind(what.by.0)
    .bind(seen)
    .bind(signed(now_ms))
    .execute(conn)
    .await?;
    Ok(Signed::Waits)
}
