//! Seals: where the journal log stood at the end of a day or a month, signed by central. The hash chain shows that
//! a row was changed; somebody who may write to the database could compute the chain anew, but not central's signature.
//! Whom the database names as central it could name otherwise, too: a copy of a seal that is kept elsewhere, with its
//! certificate, is the proof against that.

use ed25519_dalek::{Signature, Signer, VerifyingKey};
use serde::Serialize;
use sqlx::postgres::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::finance::Paged;
use crate::intake::ClerkKey;
use crate::period;
use crate::problem::Error;
use crate::store::{LogHead, StoreError, seat_of, signed, unsigned};

/// Where the log stood, and what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// A day (`2026-11-25`) or a month (`2026-11`).
    pub name: String,
    /// The last journal inside.
    pub position: u64,
    /// The hash of its row.
    pub hash: [u8; 32],
    /// BLAKE3 of the month's trial balance; zeros for a day.
    pub totals: [u8; 32],
}

impl Seal {
    /// What is signed: BLAKE3 over name, position, hash and totals, under a name of its own.
    fn message(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("getit seal 1");
        hasher.update(&(self.name.len() as u64).to_be_bytes()).update(self.name.as_bytes());
        hasher.update(&self.position.to_be_bytes()).update(&self.hash).update(&self.totals);
        *hasher.finalize().as_bytes()
    }

    /// Signs and keeps it; a name that is sealed stays as it is.
    pub(crate) async fn keep(&self, conn: &mut PgConnection, key: &ClerkKey, now_ms: u64) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO seal (name, position, hash, totals, author, signature, sealed_at)
             VALUES ($1, $2, $3, $4, $5, $6, timestamptz 'epoch' + $7 * interval '1 millisecond')
             ON CONFLICT DO NOTHING",
        )
        .bind(&self.name)
        .bind(signed(self.position))
        .bind(self.hash)
        .bind(self.totals)
        .bind(key.author.0)
        .bind(key.key.sign(&self.message()).to_bytes())
        .bind(signed(now_ms))
        .execute(conn)
        .await
        .map(drop)
    }
}

/// Seals the last day that has journals, once it is over. Nothing is posted at a time of that day any more, whatever
/// the clock does.
pub(crate) async fn seal_day(
    conn: &mut PgConnection,
    head: &mut LogHead,
    key: &ClerkKey,
    now_ms: u64,
) -> Result<(), sqlx::Error> {
    let last = period::day(head.journal_ms);
    if head.journals == 0 || last >= period::day(now_ms) {
        return Ok(());
    }
    let seal = Seal { name: last.to_string(), position: head.journals, hash: head.journal_hash, totals: [0; 32] };
    seal.keep(conn, key, now_ms).await?;
    head.journal_ms = head.journal_ms.max(period::begins_ms(period::day(now_ms)));
    Ok(())
}

/// A seal as whoever keeps it elsewhere needs it: with central's certificate of that time it can be checked by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct SealRow {
    /// A day (`2026-11-25`) or a month (`2026-11`).
    pub name: String,
    /// The last journal inside.
    pub position: i64,
    /// The hash of its row, hex.
    pub hash: String,
    /// BLAKE3 of a month's trial balance, hex; zeros for a day.
    pub totals: String,
    /// Central's seat that signed it, hex.
    pub author: String,
    /// Ed25519 over BLAKE3 with the key derivation `getit seal 1` of: length of the name (8 bytes), name, position (8
    /// bytes), hash, totals. Hex.
    pub signature: String,
    /// Central's certificate, hex: the authority's signature, then the seat with its public key.
    pub certificate: String,
}

/// The seals by name.
///
/// # Errors
/// The database's.
pub async fn seals(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<SealRow>, Error> {
    let rows: Vec<(String, i64, String, String, String, String, String)> = sqlx::query_as(
        "SELECT s.name, s.position, encode(s.hash, 'hex'), encode(s.totals, 'hex'), encode(s.author, 'hex'),
                encode(s.signature, 'hex'), coalesce(encode(seat.certificate, 'hex'), '')
         FROM seal s LEFT JOIN seat ON seat.author = s.author
         WHERE s.name COLLATE \"C\" > $1 ORDER BY s.name COLLATE \"C\" LIMIT $2",
    )
    .bind(after.unwrap_or(""))
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let row = |(name, position, hash, totals, author, signature, certificate)| SealRow {
        name,
        position,
        hash,
        totals,
        author,
        signature,
        certificate,
    };
    Ok(Paged::of(rows.into_iter().map(row).collect(), limit, |row: &SealRow| row.name.clone()))
}

/// BLAKE3 over a trial balance: account, debit and credit in paisa, by account.
pub(crate) fn totals(rows: &[(i32, i64, i64)]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("getit closed month 1");
    for (account, debit, credit) in rows {
        hasher.update(&account.to_be_bytes()).update(&debit.to_be_bytes()).update(&credit.to_be_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// A seal that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub name: String,
    /// Rows up to this one are as they were sealed before.
    pub sound_upto: u64,
    /// Where it was set.
    pub position: u64,
    /// What is wrong with it.
    pub why: Why,
}

/// Why a seal does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The seal itself was changed, or somebody else signed it.
    Signature,
    /// The rows before it are not those that were sealed.
    Log,
    /// The closed month's trial balance is not the one that was sealed.
    Totals,
    /// It is not there: a day that has journals, or the month that is closed.
    Missing,
}

type Columns = (String, i64, [u8; 32], [u8; 32], [u8; 64], Option<Vec<u8>>, Option<[u8; 32]>);

/// The first seal that does not hold, in the order of the log.
///
/// # Errors
/// See [`StoreError`].
pub(crate) async fn first_broken(conn: &mut PgConnection) -> Result<Option<Broken>, StoreError> {
    let seals: Vec<Columns> = sqlx::query_as(
        "SELECT s.name, s.position, s.hash, s.totals, s.signature, seat.certificate, j.hash
         FROM seal s LEFT JOIN seat ON seat.author = s.author AND seat.role = 'central'
              LEFT JOIN journal_log j ON j.position = s.position
         ORDER BY s.position, s.name COLLATE \"C\"",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut sound_upto = 0;
    for (name, position, hash, totals, signature, certificate, row) in seals {
        let seal = Seal { name, position: unsigned(position), hash, totals };
        let why = if !is_signed(&seal, &signature, certificate.as_deref())? {
            Some(Why::Signature)
        } else if row != Some(hash) && !(position == 0 && row.is_none()) {
            Some(Why::Log)
        } else if totals != [0; 32] && totals != closed_totals(conn, &seal.name).await? {
            Some(Why::Totals)
        } else {
            None
        };
        if let Some(why) = why {
            return Ok(Some(Broken { name: seal.name, sound_upto, position: seal.position, why }));
        }
        sound_upto = seal.position;
    }
    let missing = missing(conn).await?;
    Ok(missing.map(|name| Broken { name, sound_upto, position: sound_upto, why: Why::Missing }))
}

/// A day since the first seal that has journals and is over, or the month up to which the books are closed, without one.
async fn missing(conn: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT name FROM (
             SELECT DISTINCT day::text AS name FROM day_balance
             WHERE day::text COLLATE \"C\" > (SELECT min(name COLLATE \"C\") FROM seal WHERE length(name) = 10)
               AND day < (SELECT max(day) FROM day_balance)
             UNION ALL SELECT closed_through FROM log_head WHERE closed_through <> ''
         ) AS wanted
         WHERE NOT EXISTS (SELECT 1 FROM seal WHERE seal.name = wanted.name) ORDER BY name COLLATE \"C\" LIMIT 1",
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(name,)| name))
}

fn is_signed(seal: &Seal, signature: &[u8; 64], certificate: Option<&[u8]>) -> Result<bool, StoreError> {
    let Some(certificate) = certificate else { return Ok(false) };
    let key = VerifyingKey::from_bytes(&seat_of(certificate)?.key);
    let signature = Signature::from_bytes(signature);
    Ok(key.is_ok_and(|key| key.verify_strict(&seal.message(), &signature).is_ok()))
}

async fn closed_totals(conn: &mut PgConnection, month: &str) -> Result<[u8; 32], sqlx::Error> {
    let rows: Vec<(i32, i64, i64)> = sqlx::query_as(
        "SELECT account_code, debit_paisa, credit_paisa FROM closed_balance WHERE period = $1 ORDER BY account_code",
    )
    .bind(month)
    .fetch_all(conn)
    .await?;
    Ok(totals(&rows))
}
