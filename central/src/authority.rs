//! The certificate authority (SPEC S10): one Ed25519 key in `DATA/ca.key` signs seats (who may author
//! what) and X.509 certificates (who may connect). Central's own author key lies beside it.
//!
//! X.509 dates run from 2020 to 2100: a device with a wrong clock must still connect, and whether a
//! device is welcome is judged by its seat, never by a date.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use ed25519_dalek::{SigningKey, VerifyingKey};
use protocol::id::{Id16, Subject};
use protocol::seat::{Certificate, CertificateError, Role, Seat};
use protocol::taka::Taka;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, SubjectPublicKeyInfo, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// PKCS#8 of an Ed25519 key is this, then the 32 bytes of its seed (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// A SubjectPublicKeyInfo of an Ed25519 key is this, then the 32 bytes of the key (RFC 8410).
const SPKI_PREFIX: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// The name hubs are checked by: a hub has no DNS name that an offline site could rely on.
pub const HUB_NAME: &str = "getit-hub";

/// Why the authority cannot work.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file of the data folder.
    #[error("{path}: {source}: check that the folder exists and that this user may write it")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A key file is not a key.
    #[error("{0} is damaged: restore it from the backup; a new key would orphan every device")]
    Damaged(PathBuf),
    /// Others may read a key.
    #[error("{0} may be read by others: run chmod 600 on it, and consider the key known")]
    Exposed(PathBuf),
    /// No entropy.
    #[error("the system gives no random bytes: {0}")]
    Entropy(#[from] getrandom::Error),
    /// X.509.
    #[error("the certificate cannot be made: {0}")]
    X509(#[from] rcgen::Error),
    /// TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The seat's key.
    #[error(transparent)]
    Seat(#[from] CertificateError),
}

/// The authority's keys, open.
pub struct Authority {
    key: SigningKey,
    issuer: Issuer<'static, KeyPair>,
    ca_der: Vec<u8>,
}

impl Authority {
    /// Opens the authority of a data folder; makes it at the first start.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub fn open(data_dir: &Path) -> Result<Self, AuthorityError> {
        std::fs::create_dir_all(data_dir)
            .map_err(|source| AuthorityError::File { path: data_dir.to_owned(), source })?;
        let key = key_file(&data_dir.join("ca.key"))?;
        let pair = key_pair(&key)?;
        let params = ca_params();
        let ca_path = data_dir.join("ca.pem");
        if !ca_path.exists() {
            write_new(&ca_path, params.self_signed(&pair)?.pem().as_bytes(), 0o644)?;
        }
        let pem = read(&ca_path)?;
        let ca_der = <CertificateDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_slice(&pem)
            .map_err(|_| AuthorityError::Damaged(ca_path))?
            .to_vec();
        Ok(Self { key, issuer: Issuer::new(params, pair), ca_der })
    }

    /// The key that verifies seats.
    #[must_use]
    pub fn public_key(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// The root certificate, DER.
    #[must_use]
    pub fn ca_der(&self) -> &[u8] {
        &self.ca_der
    }

    /// SHA-256 of the root certificate, hex: what an enrolment code pins.
    #[must_use]
    pub fn ca_sha256(&self) -> String {
        sha256(&self.ca_der).map_or_else(String::new, |hash| HEXLOWER.encode(&hash))
    }

    /// Signs a seat.
    ///
    /// # Errors
    /// [`CertificateError::WeakKey`].
    pub fn seat(&self, seat: Seat) -> Result<Certificate, CertificateError> {
        Certificate::issue(&self.key, seat)
    }

    /// The X.509 certificate (DER) of an installation with this Ed25519 key.
    ///
    /// # Errors
    /// [`AuthorityError::X509`].
    pub fn device(&self, key: &[u8; 32], role: Role) -> Result<Vec<u8>, AuthorityError> {
        let public = SubjectPublicKeyInfo::from_der(&[SPKI_PREFIX.as_slice(), key].concat())?;
        let name = if role == Role::Hub { HUB_NAME.to_owned() } else { format!("getit-{}", role.word()) };
        let params = leaf_params(&HEXLOWER.encode(&key[..8]), vec![name])?;
        Ok(params.signed_by(&public, &self.issuer)?.der().to_vec())
    }

    /// Makes a key and a certificate for a hub and writes them where only their owner can read them.
    ///
    /// # Errors
    /// See [`AuthorityError`]; a file that is there already is not overwritten.
    pub fn write_hub_identity(&self, path: &Path) -> Result<(), AuthorityError> {
        let key = fresh_key()?;
        let certificate = self.device(&key.verifying_key().to_bytes(), Role::Hub)?;
        let identity = serde_json::json!({
            "authority": HEXLOWER.encode(&self.ca_der),
            "authority_key": HEXLOWER.encode(&self.public_key().to_bytes()),
            "certificate": HEXLOWER.encode(&certificate),
            "key": HEXLOWER.encode(&key.to_bytes()),
        });
        write_new(path, identity.to_string().as_bytes(), 0o600)
    }

    /// TLS for central's own listener: a new key at every start, signed by the authority. Devices pin
    /// the authority, so nothing is lost with the key.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub fn server(&self, names: &[String]) -> Result<rustls::ServerConfig, AuthorityError> {
        let pair = key_pair(&fresh_key()?)?;
        let mut known = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        known.extend(names.iter().filter(|name| !known.contains(name)).cloned().collect::<Vec<_>>());
        let leaf = leaf_params("getit central", known)?.signed_by(&pair, &self.issuer)?;
        let chain = vec![leaf.der().clone(), CertificateDer::from(self.ca_der.clone())];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Central as an author: its key (`DATA/author.key`) and its certificate, made at first start.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub fn author(&self, data_dir: &Path, now_ms: u64) -> Result<(SigningKey, Certificate), AuthorityError> {
        let key = key_file(&data_dir.join("author.key"))?;
        let path = data_dir.join("author.cert");
        if !path.exists() {
            let mut id = [0; 32];
            getrandom::fill(&mut id)?;
            let half = |bytes: &[u8]| Id16(std::array::from_fn(|at| bytes[at]));
            let (classes, grants) = Seat::rights(Role::Central, Subject::tenant());
            let certificate = self.seat(Seat {
                tenant: Subject::tenant().id(),
                device: half(&id[..16]),
                person: half(&id[16..]),
                party: Subject::tenant(),
                key: key.verifying_key().to_bytes(),
                classes,
                grants,
                cash_ceiling: Taka::ZERO,
                issued_ms: now_ms,
                issuer: [0; 32],
            })?;
            write_new(&path, &certificate.encode(), 0o644)?;
        }
        let certificate = Certificate::decode(&read(&path)?, &self.public_key())?;
        if certificate.seat.key != key.verifying_key().to_bytes() {
            return Err(AuthorityError::Damaged(path));
        }
        Ok((key, certificate))
    }
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "GetIt authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    dated(params)
}

fn leaf_params(common_name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Any installation may have to serve another one on a LAN.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(dated(params))
}

fn dated(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params
}

fn key_pair(key: &SigningKey) -> Result<KeyPair, rcgen::Error> {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8(key)), &PKCS_ED25519)
}

fn pkcs8(key: &SigningKey) -> Vec<u8> {
    [PKCS8_PREFIX.as_slice(), key.as_bytes()].concat()
}

fn fresh_key() -> Result<SigningKey, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Reads a key file (PKCS#8, DER in hex), or makes it with a new key.
/// Central's author key from central's data folder: what a hub lets central author with.
///
/// # Errors
/// When there is none (central has never started there), when others can read it, or when it is damaged.
pub fn author_key(data_dir: &Path) -> Result<SigningKey, AuthorityError> {
    let path = data_dir.join("author.key");
    read(&path)?;
    key_file(&path)
}

fn key_file(path: &Path) -> Result<SigningKey, AuthorityError> {
    if !path.exists() {
        let text = HEXLOWER.encode(&pkcs8(&fresh_key()?)) + "\n";
        write_new(path, text.as_bytes(), 0o600)?;
    }
    let file = |source| AuthorityError::File { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(AuthorityError::Exposed(path.to_owned()));
    }
    let damaged = || AuthorityError::Damaged(path.to_owned());
    let text = read(path)?;
    let der = HEXLOWER.decode(text.trim_ascii()).map_err(|_| damaged())?;
    let seed = der.strip_prefix(PKCS8_PREFIX.as_slice()).and_then(|seed| seed.try_into().ok()).ok_or_else(damaged)?;
    Ok(SigningKey::from_bytes(&seed))
}

fn read(path: &Path) -> Result<Vec<u8>, AuthorityError> {
    std::fs::read(path).map_err(|source| AuthorityError::File { path: path.to_owned(), source })
}

/// Writes a file whole or not at all. Of two processes that start at once, the first one's stays.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), AuthorityError> {
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let attempt = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let linked = std::fs::hard_link(&draft, path);
        std::fs::remove_file(&draft)?;
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    };
    attempt().map_err(|source| AuthorityError::File { path: path.to_owned(), source })
}

/// SHA-256 by the TLS provider: no second implementation for one digest.
fn sha256(bytes: &[u8]) -> Option<Vec<u8>> {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    suite.tls13().map(|suite| suite.common.hash_provider.hash(bytes).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use rustls::client::danger::ServerCertVerifier;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("getit-authority-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn keeps_its_keys_and_signs_the_same_author_after_a_restart() {
        let data = folder("keeps");
        let first = Authority::open(&data).unwrap();
        let (_, author) = first.author(&data, 5).unwrap();
        let again = Authority::open(&data).unwrap();
        assert_eq!(first.public_key(), again.public_key());
        assert_eq!(first.ca_der(), again.ca_der());
        assert_eq!(again.author(&data, 9).unwrap().1, author);
        assert_eq!(author.seat.role(), Role::Central);
        assert_eq!(again.ca_sha256().len(), 64);
        assert_eq!(std::fs::metadata(data.join("ca.key")).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(data.join("ca.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Authority::open(&data), Err(AuthorityError::Exposed(_))));
        std::fs::remove_dir_all(&data).unwrap();
    }

    #[test]
    fn issues_to_good_keys_and_refuses_weak_ones() {
        let data = folder("issues");
        let authority = Authority::open(&data).unwrap();
        let key = fresh_key().unwrap().verifying_key().to_bytes();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(authority.ca_der().to_vec())).unwrap();
        let roots = Arc::new(roots);
        let now = rustls::pki_types::UnixTime::now();
        let as_client = rustls::server::WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
        let as_client = as_client.build().unwrap();
        let as_server = rustls::client::WebPkiServerVerifier::builder_with_provider(roots, provider).build().unwrap();
        let hub_name = rustls::pki_types::ServerName::try_from(HUB_NAME).unwrap();
        for (role, is_hub) in [(Role::Hub, true), (Role::Agent, false)] {
            let leaf = CertificateDer::from(authority.device(&key, role).unwrap());
            as_client.verify_client_cert(&leaf, &[], now).unwrap();
            assert_eq!(as_server.verify_server_cert(&leaf, &[], &hub_name, &[], now).is_ok(), is_hub);
        }
        authority.server(&["central.example.org".to_owned()]).unwrap();
        let (_, mut author) = authority.author(&data, 1).unwrap();
        author.seat.key = [0; 32];
        assert_eq!(authority.seat(author.seat), Err(CertificateError::WeakKey));
        std::fs::remove_dir_all(&data).unwrap();
    }
}
