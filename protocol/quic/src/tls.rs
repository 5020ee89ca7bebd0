//! TLS on both sides: one authority, mutual certificates, one crypto provider.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::ALPN;

/// What one side shows, and whom it believes.
#[derive(Clone)]
pub struct Identity {
    /// The authority's certificate, DER.
    pub authority: Vec<u8>,
    /// Own certificate, DER.
    pub certificate: Vec<u8>,
    /// Own Ed25519 secret key.
    pub key: [u8; 32],
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// Why an endpoint cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates do not fit together.
    #[error("the certificates cannot be used: enrol again")]
    Certificates(#[source] rustls::Error),
    /// The authority's certificate does not work as one.
    #[error("the authority's certificate cannot be used: enrol again")]
    Authority(#[source] rustls::Error),
    /// No verifier can be made.
    #[error("the authority's certificate cannot verify devices: enrol again")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
    /// The provider has no cipher for QUIC.
    #[error("the crypto provider has no cipher suite for QUIC")]
    Cipher,
    /// The address is taken or not ours.
    #[error("the UDP address cannot be bound: is another process on it?")]
    Bind(#[source] std::io::Error),
    /// Called outside a runtime.
    #[error("no async runtime")]
    Runtime,
}

/// The time that devices verify with: a device whose clock is dead must still connect (SPEC S10). The
/// hub judges grants by its own clock.
#[derive(Debug)]
struct FixedTime;

/// 2030-01-01: inside the wide dates of every certificate the authority issues.
const FIXED_UNIX_SECONDS: u64 = 1_893_456_000;

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(FIXED_UNIX_SECONDS)))
    }
}

/// PKCS #8 of an Ed25519 secret key (RFC 8410): a fixed prefix and the 32 bytes.
fn pkcs8(key: &[u8; 32]) -> PrivateKeyDer<'static> {
    const PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from([PREFIX.as_slice(), key].concat()))
}

fn roots(identity: &Identity) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(identity.authority.clone())).map_err(TlsError::Authority)?;
    Ok(Arc::new(roots))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

pub(crate) fn server(identity: &Identity) -> Result<ServerConfig, TlsError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(identity)?, provider())
        .build()
        .map_err(TlsError::Verifier)?;
    let chain = vec![CertificateDer::from(identity.certificate.clone())];
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Certificates)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, pkcs8(&identity.key))
        .map_err(TlsError::Certificates)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

pub(crate) fn client(identity: &Identity) -> Result<ClientConfig, TlsError> {
    let chain = vec![CertificateDer::from(identity.certificate.clone())];
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(FixedTime))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Certificates)?
        .with_root_certificates(roots(identity)?)
        .with_client_auth_cert(chain, pkcs8(&identity.key))
        .map_err(TlsError::Certificates)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// The Ed25519 public key in a certificate that the handshake has verified.
pub(crate) fn ed25519_key(certificate: &[u8]) -> Option<[u8; 32]> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    const ED25519: &str = "1.3.101.112";
    let key = parsed.public_key();
    (key.algorithm.algorithm.to_id_string() == ED25519).then_some(())?;
    key.subject_public_key.data.as_ref().try_into().ok()
}
