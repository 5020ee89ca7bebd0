//! The replica's database: SQLite in WAL, `synchronous=FULL`, one writer. Storage decides nothing:
//! it loads a desk for `protocol::intake`, and writes what was taken in one fsynced transaction.

mod agent;
pub mod blobs;
mod boxes;
pub mod closed;
mod desk;
mod digest;
mod documents;
mod found;
mod identity;
mod life;
mod names;
mod near;
mod own;
mod peers;
mod refunds;
mod schema;
mod sets;
mod shelf;
mod site;
mod sketches;
mod strays;
mod taken;
mod vendor;
mod views;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use protocol::id::{Author, Scope};
use protocol::seat::{Certificate, Seat, bits};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::node::random;

pub use agent::{BagRow, OwnFact, OwnOffer, Place};
pub use digest::TableDigest;
pub(crate) use documents::DocumentVersion;
pub use found::Good;
pub(crate) use found::{Found, FoundParcel, Marks};
pub use identity::Identity;
#[cfg(feature = "kiosk")]
pub(crate) use identity::write_secret;
use life::Life;
pub use near::Shown;
pub use own::{ActRow, Hello, OwnPlace, RefusalRow, Standings};
pub use shelf::Shelf;
pub use site::{OfferRow, ShiftEnd, ShiftRow, TillPayment, Whereabouts};
pub use sketches::KEPT_CELLS;
pub use vendor::{Charged, FrozenTerms, HeldRow, PayoutRow, ReturnRow, ShopAct, ShopList, ShopRow};
pub use views::{EarningView, HandInView, ParcelView};

/// The database's file inside the data folder.
pub const FILE: &str = "node.db";
/// Statements that a connection keeps ready: more than a tap has, of which each would be read anew otherwise.
const STATEMENTS: usize = 200;
/// How long a connection waits for another process's lock before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite failed.
    #[error("the database failed ({0}): free disk space, then start again")]
    Sqlite(#[from] rusqlite::Error),
    /// A file beside the database failed.
    #[error("{path} cannot be used ({source}): check the folder's permissions")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Stored bytes are not what was written.
    #[error("the database is damaged ({0}): restore it, or enrol the device again")]
    Damaged(&'static str),
    /// No identity yet.
    #[error("this device is not enrolled: run `edge-node enrol` with a code from operations")]
    NotEnrolled,
    /// The system's random numbers.
    #[error("the system gives no random numbers ({0}): restart the device")]
    Entropy(#[from] getrandom::Error),
    /// There is an identity already.
    #[error("this device is enrolled already: use an empty data folder for another seat")]
    AlreadyEnrolled,
}

impl StoreError {
    /// Whether there is no room on the disk: what was recorded is whole, and nothing more fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Damaged(_) | Self::Entropy(_) | Self::NotEnrolled | Self::AlreadyEnrolled => false,
        }
    }
}

/// The database of one seat.
pub struct Store {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    seats: RwLock<BTreeMap<Author, Seat>>,
    /// Who this replica is.
    pub identity: Identity,
    /// The own seat, from the certificate.
    pub seat: Seat,
    /// The own seat's name.
    pub author: Author,
    /// Verifies every certificate.
    authority: VerifyingKey,
    /// Marks the database as closed when everything else is done.
    /// Where the database is.
    folder: PathBuf,
    _life: Life,
}

/// The rows as one transaction sees them.
pub struct Rows<'a> {
    connection: &'a Connection,
    store: &'a Store,
}

impl Store {
    /// Opens the database of an enrolled device in `dir`.
    ///
    /// # Errors
    /// [`StoreError::NotEnrolled`] when there is none.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Err(StoreError::NotEnrolled);
        }
        let mut writer = connect(&path)?;
        schema::migrate(&mut writer)?;
        let identity = identity::load(&writer, dir)?.ok_or(StoreError::NotEnrolled)?;
        let authority =
            VerifyingKey::from_bytes(&identity.authority_key).map_err(|_| StoreError::Damaged("authority key"))?;
        let own = Certificate::decode(&identity.certificate, &authority)
            .map_err(|_| StoreError::Damaged("own certificate"))?;
        let (life, doubt) = Life::begin(&mut writer, dir, random()?, random()?)?;
        if let Some(doubt) = doubt {
            tracing::warn!(?doubt, "this database may be older than what left it: a new incarnation begins");
        }
        let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        reader.busy_timeout(BUSY_TIMEOUT)?;
        reader.set_prepared_statement_cache_capacity(STATEMENTS);
        let store = Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            seats: RwLock::new(BTreeMap::new()),
            author: own.author(),
            seat: own.seat,
            identity,
            authority,
            folder: dir.to_owned(),
            _life: life,
        };
        store.load_seats()?;
        store.mend_rules()?;
        store.mend_sketches()?;
        store.sweep_blobs()?;
        Ok(store)
    }

    /// Makes the database of a newly enrolled device in `dir`, with a new incarnation.
    ///
    /// # Errors
    /// [`StoreError::AlreadyEnrolled`]; disk and database.
    pub fn create(dir: &Path, identity: &Identity, inc: [u8; 4]) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|source| StoreError::Io { path: dir.to_owned(), source })?;
        private(&dir.join(FILE)).map_err(|source| StoreError::Io { path: dir.join(FILE), source })?;
        let mut writer = connect(&dir.join(FILE))?;
        schema::migrate(&mut writer)?;
        identity::save(&mut writer, dir, identity, inc)?;
        drop(writer);
        Self::open(dir)
    }

    /// Reads in one snapshot, beside the writer.
    ///
    /// # Errors
    /// Whatever `read` returns; the database.
    pub fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&Rows<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut connection = lock(&self.reader);
        let snapshot = connection.transaction().map_err(StoreError::from)?;
        read(&Rows { connection: &snapshot, store: self })
    }

    /// Writes in one transaction. It is on the disk when this returns `Ok`; else nothing changed.
    ///
    /// # Errors
    /// Whatever `write` returns; the database.
    pub fn write<T, E: From<StoreError>>(&self, write: impl FnOnce(&Rows<'_>) -> Result<T, E>) -> Result<T, E> {
        self.write_on(&mut lock(&self.writer), write)
    }

    /// Writes what central told and would tell again: in one transaction, but a power cut may take it back,
    /// with everything that was written so after it. A later [`Store::write`] keeps all before it: the log is
    /// one. So a session costs no flush of the disk, and a tap beside it does not wait for any but its own.
    ///
    /// # Errors
    /// Whatever `write` returns; the database.
    pub fn write_told<T, E: From<StoreError>>(&self, write: impl FnOnce(&Rows<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut connection = lock(&self.writer);
        flush(&connection, "NORMAL")?;
        let written = self.write_on(&mut connection, write);
        flush(&connection, "FULL")?;
        written
    }

    /// Everything that was written before is on the disk when this returns.
    ///
    /// # Errors
    /// The database.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.write(|rows| rows.count("settled", 1))
    }

    fn write_on<T, E: From<StoreError>>(
        &self,
        connection: &mut Connection,
        write: impl FnOnce(&Rows<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        let value = write(&Rows { connection: &transaction, store: self })?;
        transaction.commit().map_err(StoreError::from)?;
        Ok(value)
    }

    /// The seat of an author whose certificate is held.
    #[must_use]
    pub fn seat_of(&self, author: &Author) -> Option<Seat> {
        self.seats.read().unwrap_or_else(PoisonError::into_inner).get(author).cloned()
    }

    /// Whether the own seat may hold the sets of `scope`.
    #[must_use]
    pub fn may_read(&self, scope: &Scope) -> bool {
        self.seat.may(bits::READ, scope)
    }

    /// Keeps certificates that the authority signed; returns how many were new, and how many were not
    /// taken because somebody else signed them or they are damaged.
    ///
    /// # Errors
    /// The database.
    pub fn add_certificates(&self, certificates: &[Vec<u8>]) -> Result<(usize, usize), StoreError> {
        let read: Vec<Certificate> =
            certificates.iter().filter_map(|bytes| Certificate::decode(bytes, &self.authority).ok()).collect();
        let rejected = certificates.len() - read.len();
        let fresh: Vec<Certificate> =
            read.into_iter().filter(|certificate| self.seat_of(&certificate.author()).is_none()).collect();
        if fresh.is_empty() {
            return Ok((0, rejected));
        }
        self.write_told(|rows| fresh.iter().try_for_each(|c| rows.put_certificate(c.author(), &c.encode())))?;
        let mut seats = self.seats.write().unwrap_or_else(PoisonError::into_inner);
        let added = fresh.len();
        seats.extend(fresh.into_iter().map(|certificate| (certificate.author(), certificate.seat)));
        Ok((added, rejected))
    }

    fn load_seats(&self) -> Result<(), StoreError> {
        let mut stored = self.read(|rows| rows.certificates())?;
        stored.push(self.identity.certificate.clone());
        stored.push(self.identity.central_certificate.clone());
        let mut seats = BTreeMap::new();
        for bytes in stored {
            let certificate =
                Certificate::decode(&bytes, &self.authority).map_err(|_| StoreError::Damaged("certificate"))?;
            seats.insert(certificate.author(), certificate.seat);
        }
        *self.seats.write().unwrap_or_else(PoisonError::into_inner) = seats;
        Ok(())
    }
}

/// Makes an empty file that only its owner can read: the database holds keys of sealed fields. SQLite
/// gives its `-wal` and `-shm` files the mode of the database.
fn private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: a commit returns after the log is on the disk. A receipt depends on it.
    flush(&connection, "FULL")?;
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    Ok(connection)
}

/// When a commit returns: FULL after the log is on the disk, NORMAL before.
fn flush(connection: &Connection, how: &str) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "synchronous", how)?)
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic inside a transaction rolled it back: the connection is good.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite has signed numbers only; numbers of the protocol stay under 2^63 by its limits.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use protocol::id::{Id16, Kind, Subject};
    use protocol::seat::Role;
    use protocol::taka::Taka;

    use super::*;

    fn certificate(authority: &SigningKey, n: u8, role: Role) -> (SigningKey, Vec<u8>) {
        let key = SigningKey::from_bytes(&[n; 32]);
        let party = Subject::new(Kind::Site, Id16([n; 16]));
        let (classes, grants) = Seat::rights(role, party);
        let (device, person) = (Id16([n; 16]), Id16([n; 16]));
        let seat = Seat {
            tenant: Id16::default(),
            device,
            person,
            party,
            key: key.verifying_key().to_bytes(),
            classes,
            grants,
            cash_ceiling: Taka::ZERO,
            issued_ms: 1,
            issuer: [0; 32],
        };
        (key, Certificate::issue(authority, seat).unwrap().encode())
    }

    fn store(dir: &Path) -> Store {
        let authority = SigningKey::from_bytes(&[1; 32]);
        let (key, own) = certificate(&authority, 3, Role::Site);
        let identity = Identity {
            certificate: own,
            key,
            x509: vec![1],
            ca: vec![2],
            authority_key: authority.verifying_key().to_bytes(),
            central_certificate: certificate(&authority, 2, Role::Central).1,
            hubs: Vec::new(),
        };
        Store::create(dir, &identity, [1; 4]).unwrap()
    }

    #[test]
    fn what_is_told_is_not_flushed_and_the_next_tap_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let flushes = || lock(&store.writer).query_row("PRAGMA synchronous", [], |row| row.get::<_, u8>(0)).unwrap();
        let seen = |rows: &Rows<'_>| {
            Ok::<_, StoreError>(rows.connection.query_row("PRAGMA synchronous", [], |row| row.get::<_, u8>(0))?)
        };
        assert_eq!((store.write_told(seen).unwrap(), flushes()), (1, 2), "NORMAL within, FULL after it");
        assert_eq!(store.write(seen).unwrap(), 2);
        let failed: Result<(), StoreError> = store.write_told(|_| Err(StoreError::Damaged("no")));
        assert!(failed.is_err());
        assert_eq!(flushes(), 2, "also when it fails");
    }

    #[test]
    fn a_full_disk_is_told_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let keep = |n: u8| store.write(|rows| rows.put_act(&[n; 16], &"x".repeat(40_000), 1));
        let pages = |most: u32| lock(&store.writer).pragma_update(None, "max_page_count", most).unwrap();
        keep(1).unwrap();
        // The file may not grow any more: what SQLite says then is what it says of a full disk.
        pages(1);
        let error = keep(2).unwrap_err();
        assert!(error.is_full(), "{error}");
        let held = |n: u8| store.read(|rows| rows.act(&[n; 16])).unwrap().is_some();
        assert_eq!((held(1), held(2)), (true, false));
        pages(1_000_000);
        keep(2).unwrap();
        assert_eq!((held(1), held(2)), (true, true));
        assert!(!StoreError::NotEnrolled.is_full());
    }
}
