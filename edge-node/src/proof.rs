//! A picture of a parcel: sealed, on the disk, and named by a fact. It leaves when everything else is through.

use protocol::blob::{self, BlobId, MAX_BLOB_BYTES, Media};
use protocol::decide;
use protocol::fact::{Proof, ProofForm};
use protocol::id::Subject;
use protocol::refusal::Refusal;
use protocol::seat::Role;

use crate::node::{Node, NodeError, random};
use crate::receipt::Receipt;
use crate::record::RecordError;
use crate::store::Shelf;
use crate::store::blobs::MOST_BYTES;

/// Bytes that a seal adds.
const SEAL_BYTES: usize = 1 + 24 + 16;
/// Largest picture that is taken: the page makes it smaller before.
pub const MAX_PICTURE_BYTES: usize = MAX_BLOB_BYTES - SEAL_BYTES;

impl Node {
    /// Keeps a picture of a parcel and records it. The same act again gives the first receipt and keeps nothing.
    ///
    /// # Errors
    /// [`RecordError::Refusal`] when it is no picture, too large, of a parcel that is not this person's, or when the
    /// device keeps too many that have not left yet; nothing is kept then.
    pub fn prove(
        &self,
        act: [u8; 16],
        parcel: Subject,
        form: ProofForm,
        picture: &[u8],
    ) -> Result<Receipt, RecordError> {
        if let Some(receipt) = self.receipt(act)? {
            return Ok(receipt);
        }
        let media = Media::of(picture).ok_or(Refusal::NoPicture)?;
        if picture.len() > MAX_PICTURE_BYTES {
            return Err(Refusal::PictureTooLarge(MAX_PICTURE_BYTES / (1024 * 1024)).into());
        }
        let key = self.store().read(|rows| rows.key_of(&parcel))?.ok_or(Refusal::Unknown(parcel))?;
        let kind = if self.seat().role() == Role::Site { COUNTER_PROOF } else { DOOR_PROOF };
        let sealed = blob::seal(&key, &random().map_err(NodeError::from)?, &parcel, kind, picture);
        let size = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        let kept = self.store().make_room_for_blob(u64::from(size), self.now_ms())?;
        if kept + u64::from(size) > MOST_BYTES {
            return Err(Refusal::TooManyPictures.into());
        }
        let blob = BlobId::of(&sealed);
        let proof = Proof { form: form as u8, blob, bytes: size, media: media as u8 };
        self.store().write_blob(&blob, &sealed)?;
        let recorded = self.record_drafts(act, |rows, own, stamp| {
            let shelf = Shelf::new(rows, (own.place.inc, own.place.seq - 1));
            let decided = decide::prove(self.seat(), &shelf, parcel, proof);
            shelf.intact()?;
            rows.put_blob(&blob, &parcel, u64::from(size), own.place.seq, stamp.now_ms)?;
            Ok(decided?)
        });
        if recorded.is_err() {
            self.store().remove_blob(&blob);
        }
        recorded
    }
}

const COUNTER_PROOF: u16 = 0x3020;
const DOOR_PROOF: u16 = 0x4030;
