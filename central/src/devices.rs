//! Devices: codes, enrolment, the list, revocation (SPEC S10).
//!
//! What a person types or scans is one line:
//!
//! ```text
//! getit1:<central host:port>:<hub host:port>[,<hub host:port>]*:<ca sha256, 64 hex>:<code>
//! ```
//! It reads without doubt from both ends: nothing but addresses holds a colon, an address holds exactly
//! one outside brackets (an IPv6 host stands in brackets), the first address is central's, and the last
//! two parts are hash and code. A system without hubs leaves the part between its colons empty.

use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use ed25519_dalek::{Signature, VerifyingKey};
use protocol::decide::Draft;
use protocol::fact::{Fact, Revoked};
use protocol::id::{Author, Id16, Scope, Subject};
use protocol::seat::{Role, Seat};
use protocol::taka::Taka;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::authority::Authority;
use crate::clock::Clock;
use crate::config::is_host_port;
use crate::finance::{Paged, bad_cursor, written};
use crate::intake::Intake;
use crate::problem::Error;
use crate::schema::{DeviceRole, Id};
use crate::store;

/// How long a code may be used, seconds: the way from the office to the counter.
pub const CODE_SECONDS: i64 = 15 * 60;
/// Longest name of a person, place or installation, characters.
const MAX_NAME: usize = 200;
/// What a proof of possession signs, before code and key.
const PROOF_CONTEXT: &[u8] = b"getit enrol 1";
/// Most cash an agent may carry when operations do not say, paisa: a day's collections.
const DEFAULT_CEILING_PAISA: i64 = 5_000_000;

/// The line by which a device enrols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// `host:port` of central's HTTPS.
    pub central: String,
    /// `host:port` of each hub.
    pub hubs: Vec<String>,
    /// SHA-256 of the root certificate, hex.
    pub ca_sha256: String,
    /// The single-use code.
    pub code: String,
}

impl std::fmt::Display for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "getit1:{}:{}:{}:{}", self.central, self.hubs.join(","), self.ca_sha256, self.code)
    }
}

impl Invitation {
    /// Reads the line; `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, code) = text.trim().strip_prefix("getit1:")?.rsplit_once(':')?;
        let (addresses, ca_sha256) = rest.rsplit_once(':')?;
        let host_end = if addresses.starts_with('[') { addresses.find("]:")? + 1 } else { addresses.find(':')? };
        let port_end = host_end + 1 + addresses.get(host_end + 1..)?.find(':')?;
        let (central, hubs) = (&addresses[..port_end], &addresses[port_end + 1..]);
        let hubs: Vec<String> = hubs.split(',').filter(|hub| !hub.is_empty()).map(str::to_owned).collect();
        let is_hash = ca_sha256.len() == 64 && ca_sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_host_port(central) && hubs.iter().all(|hub| is_host_port(hub)) && is_hash && !code.is_empty()).then(|| {
            Self { central: central.to_owned(), hubs, ca_sha256: ca_sha256.to_ascii_lowercase(), code: code.to_owned() }
        })
    }
}

/// A code is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "site", "name": "Hub" }))]
pub struct CodeRequest {
    /// site, agent or vendor.
    #[schema(value_type = DeviceRole)]
    pub role: Role,
    /// Whose device: as operations know the person or place.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The site: of an agent; of a site, unless its name is given.
    #[schema(value_type = Option<Id>)]
    pub site: Option<Subject>,
    /// The vendor's slug; of a vendor, unless its name is given.
    pub vendor: Option<String>,
    /// Most cash an agent may carry.
    #[schema(minimum = 0, maximum = 100_000_000_000_000i64)]
    pub cash_ceiling_paisa: Option<i64>,
}

/// A code that was made.
#[derive(Debug)]
pub struct NewCode {
    /// The secret.
    pub code: String,
    /// Whose seat it will be.
    pub party: Scope,
    /// Until when, UTC.
    pub expires_at: String,
}

/// Makes a code.
///
/// # Errors
/// `unknown_site`, `unknown_vendor`, `bad_role`, `bad_name`, `bad_amount`.
pub async fn new_code(pool: &PgPool, clock: &Clock, request: &CodeRequest) -> Result<NewCode, Error> {
    let name = checked_name(&request.name)?;
    let ceiling = request.cash_ceiling_paisa.unwrap_or(DEFAULT_CEILING_PAISA);
    if !Taka::from_paisa(ceiling).is_some_and(Taka::is_cash) {
        let next = "Give cash_ceiling_paisa in paisa, from 0.";
        return Err(Error::refuse(422, "bad_amount", "The ceiling is not an amount of cash.", next));
    }
    let mut connection = pool.acquire().await?;
    let stamp = clock.stamp()?;
    let person = stamp.id(0);
    let (party, site) = match request.role {
        Role::Site => {
            let site = known_site(&mut connection, request.site, name).await?;
            (site, Some(site))
        }
        Role::Agent => {
            let next = "Give `site`, the id of the agent's courier hub.";
            let named =
                request.site.ok_or_else(|| Error::refuse(422, "site_needed", "An agent belongs to a site.", next))?;
            let site = known_site(&mut connection, Some(named), name).await?;
            (Subject::agent(site, person), Some(site))
        }
        Role::Vendor => {
            (known_vendor(&mut connection, request.vendor.as_deref().map(checked_name).transpose()?, name).await?, None)
        }
        Role::Central | Role::Hub => {
            let next = "Use site, agent or vendor; a hub gets its identity from `central hub-identity`.";
            return Err(Error::refuse(422, "bad_role", "No device can be enrolled as this.", next));
        }
    };
    let code = BASE32_NOPAD.encode(&stamp.key(1)[..16]);
    let (expires_at,): (String,) = sqlx::query_as(
        "insert into enrol_code (hash, role, party, person, site, name, cash_ceiling_paisa, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 second')
         returning to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
    )
    .bind(hash(&code))
    .bind(request.role.word())
    .bind(party.0)
    .bind(person.0)
    .bind(site.map(|site| site.0))
    .bind(name)
    .bind(ceiling)
    .bind(CODE_SECONDS)
    .fetch_one(&mut *connection)
    .await?;
    Ok(NewCode { code, party, expires_at })
}

/// A name as operations give it: not empty, not long, without control characters.
pub(crate) fn checked_name(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let next = "Give a name of 1 to 200 characters.";
        return Err(Error::refuse(422, "bad_name", "The name is empty, too long or not text.", next));
    }
    Ok(name)
}

async fn known_site(connection: &mut PgConnection, id: Option<Scope>, name: &str) -> Result<Scope, Error> {
    let row: Option<([u8; 17],)> =
        sqlx::query_as("select subject from site where subject = $1 or ($1 is null and name = $2)")
            .bind(id.map(|id| id.0))
            .bind(name)
            .fetch_optional(connection)
            .await?;
    row.map(|row| Subject(row.0)).ok_or_else(|| {
        let next = "Create it with POST /api/v1/sites, then give its id as `site`.";
        Error::refuse(404, "unknown_site", "This site is not known.", next)
    })
}

async fn known_vendor(connection: &mut PgConnection, slug: Option<&str>, name: &str) -> Result<Scope, Error> {
    let row: Option<([u8; 17],)> = sqlx::query_as("select subject from vendor where slug = coalesce($1, $2)")
        .bind(slug)
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Subject(row.0)).ok_or_else(|| {
        let next = "Create it with POST /api/v1/vendors, then give its slug as `vendor`.";
        Error::refuse(404, "unknown_vendor", "This vendor is not known.", next)
    })
}

/// A device enrols.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "AAAAAAAAAAAAAAAAAAAAAAAAAA",
    "public_key": "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
    "proof": "00".repeat(64),
    "device_name": "phone",
}))]
pub struct EnrolRequest {
    /// The code.
    pub code: String,
    /// Its Ed25519 public key, hex.
    #[schema(min_length = 64, max_length = 64)]
    pub public_key: String,
    /// Its signature over `getit enrol 1` ‖ code ‖ key, hex.
    #[schema(min_length = 128, max_length = 128)]
    pub proof: String,
    /// What the installation is called.
    #[schema(min_length = 1, max_length = 200)]
    pub device_name: String,
}

/// What an enrolled device gets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Enrolled {
    /// Its seat certificate, base64.
    pub certificate: String,
    /// Its X.509 certificate (DER), base64.
    pub x509: String,
    /// The root certificate (DER), base64.
    pub ca: String,
    /// The key that verifies seats, hex.
    pub authority_key: String,
    /// Central's own seat certificate, base64.
    pub central_certificate: String,
    /// Where the hubs are.
    pub hubs: Vec<String>,
}

/// What enrolment needs beside the database.
pub struct Registrar<'a> {
    /// The authority.
    pub authority: &'a Authority,
    /// Central's certificate, encoded.
    pub central_certificate: &'a [u8],
    /// `host:port` of each hub.
    pub hubs: &'a [String],
    /// Time of issue.
    pub clock: &'a Clock,
}

type CodeRow = (String, [u8; 17], [u8; 16], Option<[u8; 17]>, String, i64, bool, bool);

/// Spends a code on a key.
///
/// # Errors
/// `code_unknown`, `code_used`, `code_expired`, `bad_key`, `bad_proof`, `key_used`, `bad_name`.
pub async fn enrol(pool: &PgPool, registrar: &Registrar<'_>, request: &EnrolRequest) -> Result<Enrolled, Error> {
    let code = request.code.trim().to_ascii_uppercase();
    let key = possessed_key(&code, request)?;
    let device_name = checked_name(&request.device_name)?;
    let mut tx = pool.begin().await?;
    let row: Option<CodeRow> = sqlx::query_as(
        "select role, party, person, site, name, cash_ceiling_paisa, used_at is not null, expires_at < now()
         from enrol_code where hash = $1 for update",
    )
    .bind(hash(&code))
    .fetch_optional(&mut *tx)
    .await?;
    let again = "Ask operations for a new code.";
    let Some((word, party, person, site, name, ceiling, used, expired)) = row else {
        return Err(Error::refuse(404, "code_unknown", "This code is not known.", again));
    };
    if used {
        return Err(Error::refuse(409, "code_used", "This code was used before.", again));
    }
    if expired {
        return Err(Error::refuse(410, "code_expired", "This code is older than 15 minutes.", again));
    }
    let role = [Role::Site, Role::Agent, Role::Vendor, Role::Hub].into_iter().find(|role| role.word() == word);
    let role = role.ok_or_else(|| anyhow::anyhow!("the table enrol_code holds the unknown role {word}"))?;
    let partner: Option<(bool,)> =
        sqlx::query_as("select partner from site where subject = $1").bind(party).fetch_optional(&mut *tx).await?;
    // At a partner's point the till is his.
    let (classes, grants) = match (role, partner) {
        (Role::Site, Some((true,))) => Seat::partner_rights(Subject(party)),
        _ => Seat::rights(role, Subject(party)),
    };
    let seat = Seat {
        tenant: Subject::tenant().id(),
        device: registrar.clock.stamp()?.id(0),
        person: Id16(person),
        party: Subject(party),
        key,
        classes,
        grants,
        cash_ceiling: Taka::from_paisa(ceiling).unwrap_or_default(),
        issued_ms: registrar.clock.now_ms(),
        issuer: [0; 32],
    };
    let certificate = registrar.authority.seat(seat).map_err(|_| weak_key())?;
    let x509 = registrar.authority.device(&key, role)?;
    let author = certificate.author();
    let (taken,): (bool,) =
        sqlx::query_as("select exists (select from seat where public_key = $1)").bind(key).fetch_one(&mut *tx).await?;
    if taken {
        let next = "Make a new key on the device and enrol again; the code is still good.";
        return Err(Error::refuse(409, "key_used", "This key belongs to another seat.", next));
    }
    store::add_seat(&mut tx, &certificate, device_name).await?;
    sqlx::query("insert into enrolled (author, name, site) values ($1, $2, $3)")
        .bind(author.0)
        .bind(name)
        .bind(site)
        .execute(&mut *tx)
        .await?;
    sqlx::query("update enrol_code set used_at = now(), author = $2 where hash = $1")
        .bind(hash(&code))
        .bind(author.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    tracing::info!(%author, role = role.word(), "device enrolled");
    Ok(Enrolled {
        certificate: BASE64.encode(&certificate.encode()),
        x509: BASE64.encode(&x509),
        ca: BASE64.encode(registrar.authority.ca_der()),
        authority_key: HEXLOWER.encode(registrar.authority.public_key().as_bytes()),
        central_certificate: BASE64.encode(registrar.central_certificate),
        hubs: registrar.hubs.to_vec(),
    })
}

/// The key, if it is strong and the caller has its secret half.
fn possessed_key(code: &str, request: &EnrolRequest) -> Result<[u8; 32], Error> {
    let hex = |text: &str| HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok();
    let key: Option<[u8; 32]> = hex(&request.public_key).and_then(|key| key.try_into().ok());
    let key = key.ok_or_else(|| {
        let next = "Send the 32 bytes of an Ed25519 public key as 64 hex digits.";
        Error::refuse(422, "bad_key", "The public key is not one.", next)
    })?;
    let verifying = VerifyingKey::from_bytes(&key).ok().filter(|key| !key.is_weak()).ok_or_else(weak_key)?;
    let proof: Option<[u8; 64]> = hex(&request.proof).and_then(|proof| proof.try_into().ok());
    let proven = proof.is_some_and(|proof| {
        let message = [PROOF_CONTEXT, code.as_bytes(), &key].concat();
        verifying.verify_strict(&message, &Signature::from_bytes(&proof)).is_ok()
    });
    if !proven {
        let next = "Sign the bytes `getit enrol 1`, the code and the 32 bytes of the key, with the key's secret half.";
        return Err(Error::refuse(422, "bad_proof", "The proof is not a signature by this key.", next));
    }
    Ok(key)
}

fn weak_key() -> Error {
    Error::refuse(422, "weak_key", "The key verifies more than one signature.", "Make a new key with a good generator.")
}

fn hash(code: &str) -> [u8; 32] {
    blake3::derive_key("getit enrol code 1", code.as_bytes())
}

/// One device, as operations see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Device {
    /// Its name as an author, hex.
    pub author: String,
    /// Its role.
    pub role: String,
    /// Its scope.
    #[schema(value_type = Option<Id>)]
    pub party: Option<String>,
    /// Whose it is.
    pub name: Option<String>,
    /// Its site, for sites and agents.
    #[schema(value_type = Option<Id>)]
    pub site: Option<String>,
    /// What the installation is called.
    pub device_name: String,
    /// When it was enrolled, UTC.
    pub issued_at: String,
    /// When it was last in a session, UTC.
    pub last_seen: Option<String>,
    /// Bursts that it had not brought by then.
    pub waiting: Option<i64>,
    /// Whether its roots were equal then.
    pub root_equal: Option<bool>,
    /// Whether its books were equal then.
    pub books_equal: Option<bool>,
    /// When it was revoked, UTC.
    pub revoked_at: Option<String>,
}

#[derive(sqlx::FromRow)]
struct DeviceRow {
    author: String,
    role: String,
    party: Vec<u8>,
    name: Option<String>,
    site: Option<Vec<u8>>,
    device_name: String,
    issued_at: String,
    last_seen: Option<String>,
    waiting: Option<i64>,
    root_equal: Option<bool>,
    books_equal: Option<bool>,
    revoked_at: Option<String>,
}

/// Every device.
///
/// # Errors
/// The database's, and `bad_page`.
pub async fn list(pool: &PgPool, after: Option<&str>, limit: i64) -> Result<Paged<Device>, Error> {
    let after = after.map_or(Ok(Vec::new()), |hex| HEXLOWER.decode(hex.as_bytes()).map_err(|_| bad_cursor()))?;
    let rows: Vec<DeviceRow> = sqlx::query_as(
        "select encode(s.author, 'hex') author, s.role, s.party, e.name, e.site, s.device_name,
            to_char(s.issued_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') issued_at,
            to_char(d.last_seen at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') last_seen,
            d.waiting, d.root_equal, d.books_equal,
            to_char(s.revoked_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') revoked_at
         from seat s left join enrolled e using (author) left join device_status d using (author)
         where s.role <> 'central' and s.author > $1 order by s.author limit $2",
    )
    .bind(after)
    .bind(limit + 1)
    .fetch_all(pool)
    .await?;
    let device = |row: DeviceRow| Device {
        author: row.author,
        role: row.role,
        party: written(&row.party),
        name: row.name,
        site: row.site.as_deref().and_then(written),
        device_name: row.device_name,
        issued_at: row.issued_at,
        last_seen: row.last_seen,
        waiting: row.waiting,
        root_equal: row.root_equal,
        books_equal: row.books_equal,
        revoked_at: row.revoked_at,
    };
    Ok(Paged::of(rows.into_iter().map(device).collect(), limit, |device| device.author.clone()))
}

/// Revokes a seat: what it authored up to now, as far as central holds it, stands. Doing it again
/// changes nothing. Returns the moment, UTC.
///
/// # Errors
/// `unknown_device`.
pub async fn revoke(pool: &PgPool, intake: &Intake, author: Author) -> Result<String, Error> {
    let missing = || {
        let next = "Copy the author from GET /api/v1/devices.";
        Error::refuse(404, "unknown_device", "There is no device of this author.", next)
    };
    if let Some(before) = revoked_at(pool, author).await?.ok_or_else(missing)? {
        return Ok(before);
    }
    // The intake fills in the chains as they are held, and marks the seat, under its lock.
    let revoked = Fact::Revoked(Revoked { author, beacon: 0, known: Vec::new() });
    intake.author(vec![Draft { subject: Subject::tenant(), fact: revoked }], Vec::new(), None).await?;
    Ok(revoked_at(pool, author).await?.flatten().unwrap_or_default())
}

async fn revoked_at(pool: &PgPool, author: Author) -> Result<Option<Option<String>>, sqlx::Error> {
    let row: Option<(Option<String>,)> = sqlx::query_as(
        "select to_char(revoked_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
         from seat where author = $1 and role <> 'central'",
    )
    .bind(author.0)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| row.0))
}

/// The author of 16 hex digits.
#[must_use]
pub fn parse_author(text: &str) -> Option<Author> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).map(Author)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_reads_as_it_was_written() {
        let hash = "ab".repeat(32);
        for (central, hubs) in [
            ("127.0.0.1:8443", vec!["127.0.0.1:7443", "127.0.0.1:7444"]),
            ("[::1]:8443", vec!["[2001:db8::1]:7443"]),
            ("central.example.org:443", vec![]),
        ] {
            let invitation = Invitation {
                central: central.to_owned(),
                hubs: hubs.into_iter().map(str::to_owned).collect(),
                ca_sha256: hash.clone(),
                code: "ABCDEF234".to_owned(),
            };
            assert_eq!(Invitation::parse(&invitation.to_string()), Some(invitation.clone()), "{invitation}");
        }
        for junk in [
            "",
            "getit1:",
            "getit1:a:1:b:2:c",
            "getit2:a:1::abc:code",
            &format!("getit1:a::{hash}:CODE"),
            "getit1:[::1",
        ] {
            assert_eq!(Invitation::parse(junk), None, "{junk}");
        }
    }
}
