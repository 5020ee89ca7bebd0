//! Pictures that facts name: pieces from devices, verified when they are whole, opened for those who may look.

use protocol::blob::{self, BlobHeld, BlobId, BlobPart, Media};
use protocol::fact::{Fact, ProofForm, Reading};
use protocol::id::{Author, Subject};
use protocol::op::Op;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use utoipa::ToSchema;

use crate::schema::Id;
use crate::store::{StoreError, unsigned};
use crate::views::Noted;

/// Numbers of `CounterProof` and `DoorProof`.
const KINDS: [u16; 2] = [0x3020, 0x4030];
/// A picture that was not what its name says so often is not taken again.
const MOST_WRONG: i16 = 3;

/// Why a picture is not taken; stable codes.
pub mod refused {
    /// No fact names it, or the fact is of another author.
    pub const UNKNOWN: &str = "unknown_blob";
    /// The piece goes beyond the size that the fact says.
    pub const TOO_LONG: &str = "blob_too_long";
    /// The whole is not what its name says, again and again.
    pub const WRONG: &str = "blob_not_as_named";
}

/// A picture of a parcel, and how much of it has come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProofRow {
    /// Its name, 64 hex digits.
    pub blob: String,
    /// `photo` or `signature`.
    pub form: String,
    /// The media type.
    pub media: String,
    /// The fact that names it, hex.
    pub fact: String,
    /// The seat that took it, hex.
    pub author: String,
    /// Sealed bytes in all.
    pub bytes: i64,
    /// Those that are here.
    pub held_bytes: i64,
    /// All are here, and they are what the fact names.
    pub whole: bool,
}

/// The pictures of a parcel.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Proofs {
    /// Oldest first.
    pub rows: Vec<ProofRow>,
}

/// A picture, opened.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Picture {
    /// Its name, 64 hex digits.
    pub blob: String,
    /// What it is of.
    #[schema(value_type = Id)]
    pub subject: Subject,
    /// The media type.
    pub media: String,
    /// The bytes, base64.
    pub base64: String,
}

/// Why a picture cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotShown {
    /// No fact names it.
    Unknown,
    /// It has not come yet, or not all of it.
    OnItsWay,
    /// Its key was deleted: it is forgotten.
    Forgotten,
}

/// Makes a row for every picture that these ops name; one that is named twice is its first fact's.
pub(crate) async fn note(conn: &mut PgConnection, ops: &[Noted<'_>]) -> Result<(), sqlx::Error> {
    let named = |noted: &Noted<'_>| {
        // Nearly every op is of another kind: its number is in front.
        let kind = noted.bytes.first_chunk::<2>().map(|kind| u16::from_be_bytes(*kind));
        kind.filter(|kind| KINDS.contains(kind) && noted.apart.is_none())?;
        let op = Op::decode(noted.bytes).ok()?;
        match Fact::read(op.class_kind, &op.payload) {
            Reading::Known(Fact::DoorProof(proof) | Fact::CounterProof(proof)) => {
                Some((noted.id, noted.subject, noted.author, op.class_kind, proof))
            }
            _ => None,
        }
    };
    for (op, subject, author, class_kind, proof) in ops.iter().filter_map(named) {
        sqlx::query(
            "INSERT INTO blob (id, op, subject, author, class_kind, form, media, bytes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(proof.blob.0)
        .bind(op.0)
        .bind(subject.0)
        .bind(author.0)
        .bind(i32::from(class_kind))
        .bind(i16::from(proof.form))
        .bind(i16::from(proof.media))
        .bind(i64::from(proof.bytes))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Takes a piece of `author`'s: what is held then, and where the next begins. A piece that does not begin there is
/// left out, so that any piece may come twice.
///
/// # Errors
/// The database's; nothing is changed then.
pub async fn take(pool: &PgPool, author: Author, part: &BlobPart) -> Result<BlobHeld, StoreError> {
    let mut tx = pool.begin().await?;
    // The device keeps its file until the whole is held: only that is worth a flush.
    sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *tx).await?;
    let row: Option<(i64, i64, i16, bool)> = sqlx::query_as(
        "SELECT bytes, upto, wrong, whole_at IS NOT NULL FROM blob WHERE id = $1 AND author = $2 FOR UPDATE",
    )
    .bind(part.blob.0)
    .bind(author.0)
    .fetch_optional(&mut *tx)
    .await?;
    let held = |upto: i64| BlobHeld { blob: part.blob, upto: unsigned(upto), refused: None };
    let no = |code: &str| BlobHeld { blob: part.blob, upto: 0, refused: Some(code.to_owned()) };
    let Some((bytes, upto, wrong, whole)) = row else { return Ok(no(refused::UNKNOWN)) };
    if wrong >= MOST_WRONG {
        return Ok(no(refused::WRONG));
    }
    if whole || part.offset != unsigned(upto) || part.bytes.is_empty() {
        return Ok(held(upto));
    }
    let end = upto.saturating_add(i64::try_from(part.bytes.len()).unwrap_or(i64::MAX));
    if end > bytes {
        return Ok(no(refused::TOO_LONG));
    }
    sqlx::query("INSERT INTO blob_part (blob, start, bytes) VALUES ($1, $2, $3)")
        .bind(part.blob.0)
        .bind(upto)
        .bind(part.bytes.as_slice())
        .execute(&mut *tx)
        .await?;
    let mut answer = held(end);
    if end < bytes {
        sqlx::query("UPDATE blob SET upto = $2 WHERE id = $1").bind(part.blob.0).bind(end).execute(&mut *tx).await?;
    } else if BlobId::of(&whole_of(&mut tx, &part.blob).await?) == part.blob {
        sqlx::query("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
        sqlx::query("UPDATE blob SET upto = bytes, whole_at = now() WHERE id = $1")
            .bind(part.blob.0)
            .execute(&mut *tx)
            .await?;
        metrics::counter!("blobs_whole_total").increment(1);
    } else {
        sqlx::query("DELETE FROM blob_part WHERE blob = $1").bind(part.blob.0).execute(&mut *tx).await?;
        sqlx::query("UPDATE blob SET upto = 0, wrong = wrong + 1 WHERE id = $1")
            .bind(part.blob.0)
            .execute(&mut *tx)
            .await?;
        metrics::counter!("blobs_wrong_total").increment(1);
        answer = if wrong + 1 >= MOST_WRONG { no(refused::WRONG) } else { held(0) };
    }
    tx.commit().await?;
    Ok(answer)
}

async fn whole_of(conn: &mut PgConnection, blob: &BlobId) -> Result<Vec<u8>, sqlx::Error> {
    let parts: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT bytes FROM blob_part WHERE blob = $1 ORDER BY start")
        .bind(blob.0)
        .fetch_all(conn)
        .await?;
    Ok(parts.into_iter().flat_map(|(bytes,)| bytes).collect())
}

/// The pictures of a parcel, oldest first.
///
/// # Errors
/// The database's.
pub async fn of_parcel(pool: &PgPool, parcel: &Subject) -> Result<Proofs, sqlx::Error> {
    type Columns = ([u8; 32], i16, i16, [u8; 32], [u8; 8], i64, i64, bool);
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT id, form, media, op, author, bytes, upto, whole_at IS NOT NULL FROM blob WHERE subject = $1
         ORDER BY first_at, id",
    )
    .bind(parcel.0)
    .fetch_all(pool)
    .await?;
    let row = |(id, form, media, op, author, bytes, held_bytes, whole): Columns| ProofRow {
        blob: BlobId(id).to_string(),
        form: ProofForm::word(u8::try_from(form).unwrap_or_default()).to_owned(),
        media: mime(media).to_owned(),
        fact: protocol::id::OpId(op).to_string(),
        author: Author(author).to_string(),
        bytes,
        held_bytes,
        whole,
    };
    Ok(Proofs { rows: rows.into_iter().map(row).collect() })
}

fn mime(media: i16) -> &'static str {
    u8::try_from(media).ok().and_then(Media::numbered).map_or("application/octet-stream", Media::mime)
}

/// A picture, opened with the key of its subject.
///
/// # Errors
/// The database's.
pub async fn picture(pool: &PgPool, id: &BlobId) -> Result<Result<Picture, NotShown>, sqlx::Error> {
    let mut conn = pool.acquire().await?;
    let row: Option<([u8; 17], i32, i16, bool, Option<[u8; 32]>)> = sqlx::query_as(
        "SELECT blob.subject, class_kind, media, whole_at IS NOT NULL, key
         FROM blob LEFT JOIN subject_key USING (subject) WHERE id = $1",
    )
    .bind(id.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some((subject, class_kind, media, whole, key)) = row else { return Ok(Err(NotShown::Unknown)) };
    let Some(key) = key else { return Ok(Err(NotShown::Forgotten)) };
    if !whole {
        return Ok(Err(NotShown::OnItsWay));
    }
    let (subject, sealed) = (Subject(subject), whole_of(&mut conn, id).await?);
    let class_kind = u16::try_from(class_kind).unwrap_or_default();
    // Sealed with another key than central's: nobody can look at it.
    let Some(bytes) = blob::open(&key, &subject, class_kind, &sealed) else { return Ok(Err(NotShown::Forgotten)) };
    let base64 = data_encoding::BASE64.encode(&bytes);
    Ok(Ok(Picture { blob: id.to_string(), subject, media: mime(media).to_owned(), base64 }))
}
