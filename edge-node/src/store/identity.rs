//! Who this replica is: what enrolment brought, and the key that never leaves the device.

use std::io::Write;
use std::path::Path;

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;

const KEY_FILE: &str = "seat.key";

/// What enrolment brought.
#[derive(Clone)]
pub struct Identity {
    /// The seat's certificate, encoded.
    pub certificate: Vec<u8>,
    /// The seat's key.
    pub key: SigningKey,
    /// The seat's X.509 certificate, DER; its key is [`Identity::key`].
    pub x509: Vec<u8>,
    /// The authority's X.509 certificate, DER.
    pub ca: Vec<u8>,
    /// The authority's Ed25519 public key: signs seats.
    pub authority_key: [u8; 32],
    /// Central's certificate, encoded.
    pub central_certificate: Vec<u8>,
    /// Addresses of sync-hubs, `host:port`.
    pub hubs: Vec<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

pub(super) fn load(connection: &Connection, dir: &Path) -> Result<Option<Identity>, StoreError> {
    let read = "SELECT certificate, key_file, x509, ca, authority_key, central_certificate, hubs FROM identity";
    let row = connection
        .query_row(read, [], |row| {
            let parts: (Vec<u8>, String, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let rest: ([u8; 32], Vec<u8>, String) = (row.get(4)?, row.get(5)?, row.get(6)?);
            Ok((parts, rest))
        })
        .optional()?;
    let Some(((certificate, key_file, x509, ca), (authority_key, central_certificate, hubs))) = row else {
        return Ok(None);
    };
    let path = dir.join(key_file);
    let text = std::fs::read_to_string(&path).map_err(|source| StoreError::Io { path, source })?;
    let bytes = HEXLOWER.decode(text.trim().as_bytes()).map_err(|_| StoreError::Damaged("seat key"))?;
    let key = SigningKey::from_bytes(&bytes.try_into().map_err(|_| StoreError::Damaged("seat key"))?);
    let hubs = hubs.split(',').filter(|hub| !hub.is_empty()).map(str::to_owned).collect();
    Ok(Some(Identity { certificate, key, x509, ca, authority_key, central_certificate, hubs }))
}

pub(super) fn save(
    connection: &mut Connection,
    dir: &Path,
    identity: &Identity,
    inc: [u8; 4],
) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    let held: i64 = transaction.query_row("SELECT count(*) FROM identity", [], |row| row.get(0))?;
    if held > 0 {
        return Err(StoreError::AlreadyEnrolled);
    }
    // The key goes to the disk first: a row without its key would be a dead device.
    write_secret(&dir.join(KEY_FILE), &HEXLOWER.encode(&identity.key.to_bytes()))?;
    transaction.execute(
        "INSERT INTO identity (one, certificate, key_file, x509, ca, authority_key, central_certificate, hubs, inc)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            identity.certificate,
            KEY_FILE,
            identity.x509,
            identity.ca,
            identity.authority_key,
            identity.central_certificate,
            identity.hubs.join(","),
            inc
        ],
    )?;
    transaction.commit()?;
    Ok(())
}

/// Writes a file that only its owner may read, and waits until it is on the disk.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), StoreError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(io)?;
    file.write_all(text.as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    // The name as well: a key whose folder entry is lost is lost.
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}
