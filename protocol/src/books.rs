//! The books of a replica over the subjects it holds: sums by account, compared only at equal roots
//! and an equal version of the fold (SPEC S4).

use std::collections::BTreeMap;

use crate::account::Account;
use crate::taka::Taka;

/// What both sides compare: BLAKE3 over the sorted sums that are not zero, cut to 16 bytes.
#[must_use]
pub fn digest(sums: &BTreeMap<Account, Taka>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("getit books 1");
    for (account, sum) in sums.iter().filter(|(_, sum)| **sum != Taka::ZERO) {
        hasher.update(&(account.code as u16).to_be_bytes());
        hasher.update(account.owner.as_ref().map_or(&[], |owner| owner.0.as_slice()));
        hasher.update(&sum.paisa().to_be_bytes());
    }
    let mut out = [0; 16];
    out.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    out
}
