//! The sealed field: personal data that can be forgotten by forgetting a key (SPEC S8).
//!
//! ```text
//! sealed = 1 | nonce 24 | XChaCha20-Poly1305(K_S, CBOR{name, phone, address, note}) | tag 16
//! ```
//! The additional data is subject ‖ kind, so that a field moved to another op does not open.

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use minicbor::{Decode, Encode};

use crate::id::Subject;
use crate::op::MAX_OP_BYTES;

const VERSION: u8 = 1;
/// Longest sealed field.
pub const MAX_SEALED_BYTES: usize = 4_096;

/// The person behind a parcel. Shown on screens of those who hold the key, never logged.
#[derive(Clone, PartialEq, Eq, Encode, Decode, serde::Serialize, serde::Deserialize)]
pub struct Personal {
    /// Name as given.
    #[n(0)]
    pub name: String,
    /// `+8801XXXXXXXXX`.
    #[n(1)]
    pub phone: String,
    /// Address, district and upazila included.
    #[n(2)]
    pub address: String,
    /// Anything else for the door.
    #[n(3)]
    pub note: String,
}

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Personal(..)")
    }
}

/// Seals `personal` for the op of `subject` and `class_kind`.
#[must_use]
pub fn seal(key: &[u8; 32], nonce: &[u8; 24], subject: &Subject, class_kind: u16, personal: &Personal) -> Vec<u8> {
    seal_bytes(key, nonce, subject, class_kind, &crate::cbor::encode(personal))
}

/// Seals other bytes in the same form: the change of a personal document.
#[must_use]
pub fn seal_bytes(key: &[u8; 32], nonce: &[u8; 24], subject: &Subject, class_kind: u16, message: &[u8]) -> Vec<u8> {
    let aad = additional(subject, class_kind);
    let cipher = XChaCha20Poly1305::new(&(*key).into());
    let sealed = cipher.encrypt(&(*nonce).into(), Payload { msg: message, aad: &aad }).unwrap_or_default();
    [&[VERSION], nonce.as_slice(), &sealed].concat()
}

/// Opens a sealed field; `None` when the key, the place or the bytes are not those it was sealed with.
#[must_use]
pub fn open(key: &[u8; 32], subject: &Subject, class_kind: u16, sealed: &[u8]) -> Option<Personal> {
    if sealed.len() > MAX_SEALED_BYTES {
        return None;
    }
    crate::cbor::decode(&open_bytes(key, subject, class_kind, sealed)?)
}

/// Opens what [`seal_bytes`] sealed; `None` as [`open`].
#[must_use]
pub fn open_bytes(key: &[u8; 32], subject: &Subject, class_kind: u16, sealed: &[u8]) -> Option<Vec<u8>> {
    if sealed.len() > MAX_OP_BYTES {
        return None;
    }
    open_any(key, subject, class_kind, sealed)
}

/// The same of any length: the caller has held it to a limit.
pub(crate) fn open_any(key: &[u8; 32], subject: &Subject, class_kind: u16, sealed: &[u8]) -> Option<Vec<u8>> {
    let (head, message) = sealed.split_first_chunk::<25>()?;
    if head[0] != VERSION {
        return None;
    }
    let nonce: [u8; 24] = head[1..].try_into().ok()?;
    let aad = additional(subject, class_kind);
    let cipher = XChaCha20Poly1305::new(&(*key).into());
    cipher.decrypt(&nonce.into(), Payload { msg: message, aad: &aad }).ok()
}

fn additional(subject: &Subject, class_kind: u16) -> Vec<u8> {
    [subject.0.as_slice(), &class_kind.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id16, Kind};

    #[test]
    fn opens_only_with_its_key_in_its_place() {
        let subject = Subject::new(Kind::Parcel, Id16([1; 16]));
        let personal =
            Personal {
                name: "রহিম".into(), phone: "+8801712345678".into(), address: "ঢাকা".into(), note: String::new()
            };
        let sealed = seal(&[7; 32], &[9; 24], &subject, 0x1010, &personal);
        assert_eq!(open(&[7; 32], &subject, 0x1010, &sealed), Some(personal));
        assert_eq!(open(&[8; 32], &subject, 0x1010, &sealed), None);
        assert_eq!(open(&[7; 32], &subject, 0x1011, &sealed), None);
        assert_eq!(open(&[7; 32], &Subject::new(Kind::Parcel, Id16([2; 16])), 0x1010, &sealed), None);
        for cut in 0..sealed.len() {
            assert_eq!(open(&[7; 32], &subject, 0x1010, &sealed[..cut]), None);
        }
    }
}
