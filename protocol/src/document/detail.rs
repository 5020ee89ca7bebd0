//! What is to be known at the door: the delivery note and the corrected address of a parcel. Both are
//! personal: their changes travel sealed with the parcel's key, and whoever has no key keeps them shut.

use super::Value;
use super::product::plain;
use crate::refusal::Refusal;

/// The text of a delivery note.
pub const TEXT: &str = "text";
/// District of an address.
pub const DISTRICT: &str = "district";
/// Upazila of an address.
pub const UPAZILA: &str = "upazila";
/// House, road and area of an address.
pub const LINE: &str = "line";
/// What one sees on the way there.
pub const LANDMARK: &str = "landmark";

/// Longest delivery note, characters.
pub const MAX_NOTE_CHARS: usize = 1_000;
/// Longest line of an address, characters.
pub const MAX_ADDRESS_CHARS: usize = 300;

/// The fields of a delivery note.
///
/// # Errors
/// [`Refusal::TextTooLong`], [`Refusal::BadText`].
pub fn note(text: &str) -> Result<Vec<(&'static str, Value)>, Refusal> {
    Ok(vec![(TEXT, Value::Text(plain(TEXT, text, MAX_NOTE_CHARS, true)?))])
}

/// A correction of an address: what is named is set, the rest stays.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AddressEdit {
    /// District.
    pub district: Option<String>,
    /// Upazila.
    pub upazila: Option<String>,
    /// House, road and area.
    pub line: Option<String>,
    /// What one sees on the way there; may be empty.
    pub landmark: Option<String>,
}

impl std::fmt::Debug for AddressEdit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddressEdit(..)")
    }
}

impl AddressEdit {
    /// The fields to set.
    ///
    /// # Errors
    /// [`Refusal::TextTooLong`], [`Refusal::BadText`].
    pub fn fields(&self) -> Result<Vec<(&'static str, Value)>, Refusal> {
        let named =
            [(DISTRICT, &self.district), (UPAZILA, &self.upazila), (LINE, &self.line), (LANDMARK, &self.landmark)];
        let mut fields = Vec::new();
        for (name, text) in named {
            let Some(text) = text else { continue };
            let text = plain(name, text, MAX_ADDRESS_CHARS, false)?;
            if text.is_empty() && name != LANDMARK {
                return Err(Refusal::BadText { field: name });
            }
            fields.push((name, Value::Text(text)));
        }
        Ok(fields)
    }
}
