//! What a hub shows to devices, and the key with which it lets central author.

use std::path::Path;

use anyhow::Context;
use protocol::seat::Certificate;
use serde::{Deserialize, Serialize};

/// A hub's identity, as `central hub-identity` writes it (mode 0600). Hex throughout.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The authority's X.509 certificate, DER.
    pub authority: String,
    /// The key that verifies seats.
    pub authority_key: String,
    /// The hub's own X.509 certificate, DER.
    pub certificate: String,
    /// The hub's Ed25519 secret key.
    pub key: String,
}

impl Identity {
    /// Reads an identity.
    ///
    /// # Errors
    /// When the file is missing or damaged.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("{} cannot be read: make it with `central hub-identity --out {}`", path.display(), path.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} is damaged: make it again", path.display()))
    }

    /// For the QUIC endpoint.
    #[must_use]
    pub fn quic(&self) -> protocol_quic::Identity {
        protocol_quic::Identity {
            authority: unhex(&self.authority),
            certificate: unhex(&self.certificate),
            key: unhex(&self.key).try_into().unwrap_or([0; 32]),
        }
    }

    /// The key that verifies seats.
    ///
    /// # Errors
    /// When it is no key.
    pub fn authority_key(&self) -> anyhow::Result<protocol::seat::AuthorityKey> {
        let bytes: [u8; 32] = unhex(&self.authority_key).try_into().ok().context("the authority's key is damaged")?;
        protocol::seat::AuthorityKey::from_bytes(&bytes).context("the authority's key is damaged")
    }
}

/// Central's own certificate, beside its key.
///
/// # Errors
/// When it is missing or of another authority.
pub fn author_certificate(central_dir: &Path, identity: &Identity) -> anyhow::Result<Certificate> {
    let path = central_dir.join("author.cert");
    let bytes = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Certificate::decode(&bytes, &identity.authority_key()?)?)
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
