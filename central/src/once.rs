//! One answer for one `Idempotency-Key`: a retry and a double click get what the first request got. The
//! decision, its facts and the answer are written in one transaction under the intake lock.

use std::sync::Arc;

use protocol::decide::Draft;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use std::future::Future;
use std::pin::Pin;

use crate::intake::{Decided, Decision, Extra, Intake};
use crate::problem::Error;

/// What a caller asks for, and by which key. A dry run has none: it leaves nothing to be repeated.
#[derive(Clone, Debug)]
pub struct Key {
    token: [u8; 16],
    key: String,
    fingerprint: [u8; 32],
}

impl Key {
    /// The key of `request` on the path that `what` names.
    ///
    /// # Errors
    /// When the request cannot be written as JSON.
    pub fn of(token: [u8; 16], key: &str, what: &str, request: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(request).map_err(anyhow::Error::from)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(what.as_bytes()).update(&[0]).update(&body);
        Ok(Self { token, key: key.to_owned(), fingerprint: *hasher.finalize().as_bytes() })
    }

    /// The answer that this key got before.
    async fn before(&self, connection: &mut PgConnection) -> Result<Option<String>, Error> {
        let row: Option<([u8; 32], String)> =
            sqlx::query_as("select body_hash, answer from finance_request where token = $1 and key = $2")
                .bind(self.token)
                .bind(&self.key)
                .fetch_optional(connection)
                .await?;
        match row {
            Some((hash, _)) if hash != self.fingerprint => {
                let next = "Use a new Idempotency-Key for a new request.";
                Err(Error::refuse(409, "idempotency_mismatch", "This key was used for another request.", next))
            }
            Some((_, answer)) => Ok(Some(answer)),
            None => Ok(None),
        }
    }

    /// Remembers the answer, with the facts.
    fn note(self, answer: String, now_ms: u64) -> Extra {
        let kept = Arc::new((self, answer));
        Arc::new(move |connection| {
            let kept = Arc::clone(&kept);
            Box::pin(async move {
                sqlx::query(
                    "insert into finance_request (token, key, body_hash, answer, recorded_at_ms)
                     values ($1, $2, $3, $4, $5)",
                )
                .bind(kept.0.token)
                .bind(&kept.0.key)
                .bind(kept.0.fingerprint)
                .bind(&kept.1)
                .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
                .execute(connection)
                .await
                .map(drop)
            })
        })
    }
}

/// What was recorded, and what the caller is told.
#[derive(Debug)]
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// Whether facts were recorded now; not for a retry, a dry run and a run that found nothing to do.
    pub recorded: bool,
}

/// A decision while it runs: the facts, and the answer.
pub type Work<'t, T> = Pin<Box<dyn Future<Output = Result<(Vec<Draft>, T), Error>> + Send + 't>>;

/// Decides and records under the lock, once for each key.
///
/// # Errors
/// `idempotency_mismatch`, and what `work` refuses.
pub async fn once<T, F>(intake: &Intake, key: Option<Key>, now_ms: u64, work: F) -> Result<Answered<T>, Error>
where
    T: Serialize + DeserializeOwned + 'static,
    F: for<'t> Fn(&'t mut PgConnection) -> Work<'t, T> + Send + Sync + 'static,
{
    let work = Arc::new(work);
    let decision: Decision = Arc::new(move |connection| {
        let (key, work) = (key.clone(), Arc::clone(&work));
        Box::pin(async move {
            if let Some(key) = &key {
                if let Some(answer) = key.before(&mut *connection).await? {
                    return Ok(Decided { answer, ..Decided::default() });
                }
            }
            let (drafts, answer) = {
                let (drafts, answer) = work(&mut *connection).await?;
                (drafts, serde_json::to_string(&answer).map_err(anyhow::Error::from)?)
            };
            let extra = key.map(|key| key.note(answer.clone(), now_ms));
            Ok(Decided { drafts, extra, answer })
        })
    });
    let authored = intake.decide(decision).await?;
    let answer = serde_json::from_str(&authored.answer).map_err(anyhow::Error::from)?;
    Ok(Answered { answer, recorded: !authored.ids.is_empty() })
}
