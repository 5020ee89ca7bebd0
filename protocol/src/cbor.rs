//! Deterministic CBOR: one meaning, one spelling.

use minicbor::{Decode, Encode};

/// The bytes of `value`. Writing to memory cannot fail.
#[must_use]
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    let written = minicbor::encode(value, &mut out);
    debug_assert!(written.is_ok(), "a Vec takes every byte");
    out
}

/// Reads a value that fills `bytes` and is spelled as [`encode`] spells it; `None` otherwise.
#[must_use]
pub fn decode<T: for<'b> Decode<'b, ()> + Encode<()>>(bytes: &[u8]) -> Option<T> {
    let value: T = minicbor::decode(bytes).ok()?;
    (encode(&value) == bytes).then_some(value)
}
