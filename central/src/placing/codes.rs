//! Handover codes: what a customer shows at the counter. The code and the token are in no op. The box
//! that the point opens with the six digits costs 64 MiB and about a tenth of a second of CPU, so it is
//! made after the answer, one at a time, and is there long before a parcel reaches its point.

use std::time::Duration;

use protocol::handover::{self, DIGITS};
use protocol::id::{Scope, Subject};
use sqlx::{PgConnection, PgPool};

/// How often codes without a box are looked for. A parcel takes hours to reach its point.
const LOOK: Duration = Duration::from_secs(1);

/// What opens one parcel.
#[derive(Clone)]
pub struct Code {
    /// The parcel.
    pub parcel: Subject,
    /// Where it is to be fetched.
    pub point: Scope,
    /// Six digits.
    pub code: String,
    /// What the digits stand for.
    pub token: [u8; 16],
}

/// Keeps the codes of an order, with its facts.
pub(crate) async fn keep(connection: &mut PgConnection, codes: &[Code]) -> Result<(), sqlx::Error> {
    for code in codes {
        sqlx::query("insert into handover_code (parcel, point, code, token) values ($1, $2, $3, $4)")
            .bind(code.parcel.0)
            .bind(code.point.0)
            .bind(&code.code)
            .bind(code.token)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Makes the boxes, until the pool is closed. What is left over by a stop is made after the next start.
pub(crate) async fn make_boxes(pool: PgPool) {
    loop {
        match next_box(&pool).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(LOOK).await,
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) => {
                tracing::warn!(%error, "a handover code has no box yet");
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

type Open = ([u8; 17], String, [u8; 16]);

async fn next_box(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let row: Option<Open> =
        sqlx::query_as("select parcel, code, token from handover_code where sealed is null order by parcel limit 1")
            .fetch_optional(pool)
            .await?;
    let Some((parcel, code, token)) = row else { return Ok(false) };
    let seal = move || {
        let digits: [u8; DIGITS] = code.as_bytes().try_into().ok()?;
        handover::seal(&Subject(parcel), &digits, &token)
    };
    // A box that cannot be made is empty: the customer's square still opens the parcel.
    let sealed = tokio::task::spawn_blocking(seal).await.ok().flatten().unwrap_or_default();
    sqlx::query("update handover_code set sealed = $2 where parcel = $1")
        .bind(parcel)
        .bind(sealed)
        .execute(pool)
        .await?;
    Ok(true)
}
