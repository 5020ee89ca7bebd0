//! The handover code: six digits that a customer says at a counter which may be without network.
//!
//! ```text
//! lock = BLAKE3(subject ‖ token)[..16]                                      open, in `PickupChosen`
//! box  = 1 | XChaCha20-Poly1305(Argon2id(code, subject, 64 MiB, t = 3), token) | tag 16
//! ```
//! The token is 16 random bytes; whoever shows it may have the parcel, and every replica can check it by
//! the lock. The customer's phone shows it as a square to scan. The six digits are for those who only get
//! a message: the counter opens the box with them. The box travels to the point's devices by session
//! frame, never in an op, so that it is held only where it is of use; each guess costs 64 MiB and three
//! passes, and the counter allows five.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use data_encoding::HEXLOWER_PERMISSIVE;

use crate::id::Subject;

const VERSION: u8 = 1;
/// Memory of one guess, KiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over it.
const PASSES: u32 = 3;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Wrong codes before a parcel's code is locked at a counter.
pub const MAX_TRIES: u32 = 5;

/// What somebody typed or scanned at the counter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Six digits.
    Code([u8; DIGITS]),
    /// The token itself.
    Token([u8; 16]),
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(..)")
    }
}

impl Shown {
    /// Reads six digits, in Latin or Bangla, or the 32 hex digits of a token; spaces and dashes are skipped.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > 256 {
            return None;
        }
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(latin).collect();
        if let Ok(code) = <[u8; DIGITS]>::try_from(plain.as_bytes()) {
            return code.iter().all(u8::is_ascii_digit).then_some(Self::Code(code));
        }
        let token = HEXLOWER_PERMISSIVE.decode(plain.as_bytes()).ok()?;
        token.try_into().ok().map(Self::Token)
    }
}

/// A Bangla digit as a Latin one; all else as it is.
pub(crate) fn latin(c: char) -> char {
    match c {
        '\u{9e6}'..='\u{9ef}' => char::from(b'0' + u8::try_from(u32::from(c) - 0x9e6).unwrap_or_default()),
        other => other,
    }
}

/// A code of six digits from random bytes. The bias of the remainder is below 1 in 10^13.
#[must_use]
pub fn code_of(random: [u8; 8]) -> String {
    format!("{:06}", u64::from_be_bytes(random) % 1_000_000)
}

/// Locks `token` up with the six digits. Costs 64 MiB and about a tenth of a second: not for a request.
#[must_use]
pub fn seal(subject: &Subject, code: &[u8; DIGITS], token: &[u8; 16]) -> Option<Vec<u8>> {
    let sealed = cipher(subject, code)?.encrypt(&[0; 24].into(), Payload { msg: token, aad: &subject.0 }).ok()?;
    Some([&[VERSION], sealed.as_slice()].concat())
}

/// The token in `sealed`, when these are its six digits. Costs what sealing costs.
#[must_use]
pub fn open(subject: &Subject, code: &[u8; DIGITS], sealed: &[u8]) -> Option<[u8; 16]> {
    let (version, message) = sealed.split_first()?;
    if *version != VERSION {
        return None;
    }
    let opened = cipher(subject, code)?.decrypt(&[0; 24].into(), Payload { msg: message, aad: &subject.0 }).ok()?;
    opened.try_into().ok()
}

/// One key seals one token of one parcel, so the nonce is constant.
fn cipher(subject: &Subject, code: &[u8; DIGITS]) -> Option<XChaCha20Poly1305> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).ok()?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(code, &subject.0, &mut key).ok()?;
    Some(XChaCha20Poly1305::new(&key.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id16, Kind};

    #[test]
    fn the_box_opens_with_its_digits_only_and_for_its_parcel_only() {
        let subject = Subject::new(Kind::Parcel, Id16([1; 16]));
        let sealed = seal(&subject, b"204881", &[7; 16]).unwrap();
        assert_eq!(open(&subject, b"204881", &sealed), Some([7; 16]));
        assert_eq!(open(&subject, b"204882", &sealed), None);
        assert_eq!(open(&Subject::new(Kind::Parcel, Id16([2; 16])), b"204881", &sealed), None);
        assert_eq!(open(&subject, b"204881", &[]), None);
        assert_eq!(open(&subject, b"204881", &sealed[..9]), None);
    }

    #[test]
    fn codes_are_read_in_both_scripts_and_tokens_as_hex() {
        assert_eq!(Shown::read("204 881"), Some(Shown::Code(*b"204881")));
        assert_eq!(Shown::read(" ২০৪-৮৮১ "), Some(Shown::Code(*b"204881")));
        assert_eq!(Shown::read("0A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"), Some(Shown::Token([10; 16])));
        for junk in ["", "20488", "2048811", "abcdef", "০x৪৮৮১", "GT 4471 8823 7", &"9".repeat(10_000)] {
            assert_eq!(Shown::read(junk), None, "{junk}");
        }
        assert_eq!(code_of([0, 0, 0, 0, 0, 0, 0, 7]), "000007");
    }
}
