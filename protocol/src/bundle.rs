//! A bundle: bursts in a file, for places that no network reaches. Somebody carries it.
//!
//! ```text
//! bundle = "GETITB1\n" | frame*
//! ```
//! Frames as on the wire (see [`crate::frame`]): first CERTIFICATES with the maker's own, then CERTIFICATES and
//! BURSTS, at the end CHECK with the number of bursts: a file that was cut says so. Every burst is signed by
//! its author; a bundle proves nothing itself, and needs no protection but that of who may read it. Keys of
//! sealed fields never travel in it. Whoever takes it, takes it like a session: twice, or in another order
//! than others, gives the same.

use minicbor::bytes::ByteVec;

use crate::burst::Burst;
use crate::frame::{Frame, HEADER_BYTES, bursts_frames_from, header};

/// How a bundle begins.
pub const MAGIC: &[u8; 8] = b"GETITB1\n";
/// Largest bundle that is read: half a million facts.
pub const MAX_BYTES: usize = 128 * 1024 * 1024;
/// Most certificates in one bundle: every device of a district.
const MAX_CERTIFICATES: usize = 10_000;
/// Bytes of bursts in one frame.
const FRAME_BYTES: usize = 64 * 1024;

/// What a bundle carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The certificate of the device that made it.
    pub maker: Vec<u8>,
    /// Certificates of authors.
    pub certificates: Vec<Vec<u8>>,
    /// Bursts.
    pub bursts: Vec<Burst>,
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Another file.
    #[error("this file is no bundle of GetIt: choose the file that a device exported")]
    Foreign,
    /// Over [`MAX_BYTES`].
    #[error("the bundle is larger than 128 MB: export it again from the device")]
    TooLarge,
    /// The end is missing.
    #[error("the bundle is not whole: copy it again, or export it again from the device")]
    Cut,
    /// A part of it cannot be read.
    #[error("the bundle is damaged: copy it again, or export it again from the device")]
    Damaged,
}

impl BundleError {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Foreign => "bundle_foreign",
            Self::TooLarge => "bundle_too_large",
            Self::Cut => "bundle_cut",
            Self::Damaged => "bundle_damaged",
        }
    }
}

/// A bundle as a file.
#[must_use]
pub fn write(maker: &[u8], certificates: Vec<Vec<u8>>, bursts: Vec<Vec<u8>>) -> Vec<u8> {
    let count = bursts.len() as u64;
    let certificates = certificates.into_iter().map(ByteVec::from).collect();
    let mut bytes = MAGIC.to_vec();
    bytes.extend(Frame::Certificates(vec![maker.to_vec().into()]).encode());
    bytes.extend(Frame::Certificates(certificates).encode());
    bursts_frames_from(FRAME_BYTES, bursts).iter().for_each(|frame| bytes.extend(frame.encode()));
    bytes.extend(Frame::Check(count).encode());
    bytes
}

/// Reads a file as a bundle, whole: nothing of a damaged one is taken. Signatures are for who takes it.
///
/// # Errors
/// See [`BundleError`].
pub fn read(bytes: &[u8]) -> Result<Bundle, BundleError> {
    if bytes.len() > MAX_BYTES {
        return Err(BundleError::TooLarge);
    }
    let mut rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(BundleError::Foreign)?;
    let mut bundle = Bundle::default();
    loop {
        let (frame, after) = next(rest)?;
        rest = after;
        match frame {
            // A frame of a later version.
            None => {}
            Some(Frame::Certificates(certificates)) if bundle.maker.is_empty() => {
                let maker = certificates.into_iter().next().ok_or(BundleError::Damaged)?;
                bundle.maker = maker.into();
            }
            Some(Frame::Certificates(certificates)) => {
                bundle.certificates.extend(certificates.into_iter().map(Vec::from));
                if bundle.certificates.len() > MAX_CERTIFICATES {
                    return Err(BundleError::Damaged);
                }
            }
            Some(Frame::Bursts(bursts)) => {
                for burst in &bursts {
                    bundle.bursts.push(Burst::decode(burst).map_err(|_| BundleError::Damaged)?);
                }
            }
            Some(Frame::Check(count)) => {
                let whole = rest.is_empty() && count == bundle.bursts.len() as u64 && !bundle.maker.is_empty();
                return if whole { Ok(bundle) } else { Err(BundleError::Damaged) };
            }
            Some(_) => return Err(BundleError::Damaged),
        }
    }
}

fn next(bytes: &[u8]) -> Result<(Option<Frame>, &[u8]), BundleError> {
    let (head, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(BundleError::Cut)?;
    let (number, length) = header(*head).map_err(|_| BundleError::Damaged)?;
    let (body, rest) = rest.split_at_checked(length).ok_or(BundleError::Cut)?;
    let frame = Frame::decode(number, body).map_err(|_| BundleError::Damaged)?;
    Ok((frame, rest))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::burst::ChainPlace;
    use crate::fact::{Fact, Put};
    use crate::id::{Author, Id16, Incarnation, Kind, Subject};
    use crate::intake::op_of;

    fn bursts(count: u64) -> Vec<Vec<u8>> {
        let key = SigningKey::from_bytes(&[5; 32]);
        let mut place = ChainPlace::start(Author([3; 8]), Incarnation([1; 4]));
        let mut bursts = Vec::new();
        for n in 0..count {
            let site = Subject::new(Kind::Site, Id16([2; 16]));
            let put = Fact::Put(Put { generation: 1, subjects: vec![site] });
            let burst = Burst::sign(&key, &place, 1_000 + n, &[op_of(site, &put, Vec::new())]);
            place.seq += 1;
            place.prev = Some(burst.digest());
            bursts.push(burst.encode());
        }
        bursts
    }

    #[test]
    fn what_is_written_is_read_and_a_part_is_not() {
        for count in [0, 1, 700] {
            let file = write(b"maker", vec![b"one".to_vec()], bursts(count));
            let bundle = read(&file).unwrap();
            assert_eq!((bundle.maker.as_slice(), bundle.certificates.len()), (b"maker".as_slice(), 1));
            let again: Vec<Vec<u8>> = bundle.bursts.iter().map(Burst::encode).collect();
            assert_eq!(again, bursts(count), "byte for byte");
        }
        let file = write(b"maker", Vec::new(), bursts(3));
        for end in 0..file.len() {
            let error = read(&file[..end]).unwrap_err();
            let expected = if end < MAGIC.len() { BundleError::Foreign } else { BundleError::Cut };
            assert_eq!(error, expected, "cut at {end}");
        }
    }

    #[test]
    fn hostile_files_are_told() {
        let file = write(b"maker", Vec::new(), bursts(2));
        assert_eq!(read(&[&file[..], b"x"].concat()), Err(BundleError::Damaged));
        assert_eq!(read(b"PK\x03\x04 a photograph"), Err(BundleError::Foreign));
        let count = [MAGIC.as_slice(), &Frame::Certificates(vec![b"m".to_vec().into()]).encode()].concat();
        let short = [count.as_slice(), &Frame::Check(7).encode()].concat();
        assert_eq!(read(&short), Err(BundleError::Damaged), "counts seven and brings none");
        let claims = [count.as_slice(), &[4, 0xff, 0xff, 0xff, 0xff]].concat();
        assert_eq!(read(&claims), Err(BundleError::Damaged), "claims four gigabytes");
        // Whatever byte is changed: an answer, and never a panic.
        for at in 0..file.len() {
            let mut bent = file.clone();
            bent[at] ^= 0x55;
            let _told = read(&bent);
        }
    }
}
