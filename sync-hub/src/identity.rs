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
    ///
    /// # Errors
    /// When a field is damaged.
    pub fn quic(&self) -> anyhow::Result<protocol_quic::Identity> {
        Ok(protocol_quic::Identity {
            authority: unhex(&self.authority)?,
            certificate: unhex(&self.certificate)?,
            key: unhex(&self.key)?.try_into().ok().context(DAMAGED)?,
        })
    }

    /// The key that verifies seats.
    ///
    /// # Errors
    /// When it is no key.
    pub fn authority_key(&self) -> anyhow::Result<protocol::seat::AuthorityKey> {
        let bytes: [u8; 32] = unhex(&self.authority_key)?.try_into().ok().context(DAMAGED)?;
        protocol::seat::AuthorityKey::from_bytes(&bytes).context(DAMAGED)
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

const DAMAGED: &str = "identity.json is damaged: make it again with `central hub-identity`";

fn unhex(text: &str) -> anyhow::Result<Vec<u8>> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok().context(DAMAGED)
}
