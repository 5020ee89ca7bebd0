//! What of a subject goes into the index. Names and numbers are there as words only: what a screen
//! shows is read from the database, so that it is never older than the answer.

use protocol::id::{Kind, Subject};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{TantivyDocument, Term};

use super::sound::sound;
use super::words::{tails, words};
use crate::store::{Found, FoundParcel, Good};

/// Raised whenever words, sounds or fields change their meaning: an index of another version is made anew.
pub(super) const VERSION: u32 = 1;

/// Statuses after which nobody asks for a parcel in a hurry: they come after the others.
const ENDED: &[&str] = &["delivered", "collected", "returned", "cancelled", "rejected"];

/// A field of words and its twin of sounds.
#[derive(Clone, Copy)]
pub(super) struct Spoken {
    pub(super) words: Field,
    pub(super) sounds: Field,
}

/// The fields of the index.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    subject: Field,
    kind: Field,
    high: Field,
    low: Field,
    open: Field,
    who: Field,
    /// Ids, labels, codes of goods: whole.
    pub(super) code: Field,
    /// The last 3 to 11 digits of a telephone number.
    pub(super) tail: Field,
    /// The customer's name.
    pub(super) name: Spoken,
    /// The address.
    pub(super) place: Spoken,
    /// What the goods are called.
    pub(super) thing: Spoken,
}

/// The fields that a collector reads, by name.
pub(super) const COLUMNS: [&str; 5] = ["kind", "high", "low", "open", "who"];

/// The schema and its fields.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    // Words are cut before they come here, and every score is our own: no positions, no lengths.
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let text = TextOptions::default().set_indexing_options(indexing);
    let subject = builder.add_bytes_field("subject", INDEXED);
    let [kind, high, low, open, who] = COLUMNS.map(|name| builder.add_u64_field(name, FAST));
    let mut word = |name: &str| builder.add_text_field(name, text.clone());
    let (code, tail) = (word("code"), word("tail"));
    let mut spoken =
        |words_name: &str, sounds_name: &str| Spoken { words: word(words_name), sounds: word(sounds_name) };
    let name = spoken("name", "name_sound");
    let place = spoken("place", "place_sound");
    let thing = spoken("thing", "thing_sound");
    let fields = Fields { subject, kind, high, low, open, who, code, tail, name, place, thing };
    (builder.build(), fields)
}

/// A finer key beside the others in one field: no key begins with this.
pub(super) fn fine_term(key: &str) -> String {
    format!("={key}")
}

/// A code as it is compared: capital letters and digits only.
pub(super) fn code_of(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).take(40).collect()
}

impl Fields {
    /// The term of a subject: takes its entry out.
    pub(super) fn term(&self, subject: &Subject) -> Term {
        Term::from_field_bytes(self.subject, &subject.0)
    }

    /// The entry of what was found in the database.
    pub(super) fn entry(&self, found: &Found) -> TantivyDocument {
        match found {
            Found::Parcel(parcel) => self.parcel(parcel),
            Found::Good(good) => self.good(good),
        }
    }

    fn parcel(&self, parcel: &FoundParcel) -> TantivyDocument {
        let open = !ENDED.contains(&parcel.status.as_str());
        let who = parcel.customer.as_ref().map_or(0, |customer| who_of(&customer.phone));
        let mut entry = self.head(&parcel.subject, open, who);
        entry.add_text(self.code, parcel.subject.to_string());
        entry.add_text(self.code, parcel.subject.label().plain());
        if let Some(order) = parcel.order {
            entry.add_text(self.code, order.to_string());
        }
        for line in &parcel.lines {
            entry.add_text(self.code, code_of(&line.sku));
            speak(&mut entry, self.thing, &line.sku);
            if let Some(good) = &line.good {
                speak(&mut entry, self.thing, &good.name_en);
                speak(&mut entry, self.thing, &good.name_bn);
            }
        }
        if let Some(customer) = &parcel.customer {
            tails(&customer.phone).iter().for_each(|tail| entry.add_text(self.tail, tail));
            speak(&mut entry, self.name, &customer.name);
            speak(&mut entry, self.place, &customer.address);
        }
        entry
    }

    fn good(&self, good: &Good) -> TantivyDocument {
        let mut entry = self.head(&good.subject, true, 0);
        entry.add_text(self.code, good.subject.to_string());
        entry.add_text(self.code, code_of(&good.sku));
        for text in [&good.sku, &good.name_en, &good.name_bn, &good.unit] {
            speak(&mut entry, self.thing, text);
        }
        entry
    }

    fn head(&self, subject: &Subject, open: bool, who: u64) -> TantivyDocument {
        let (high, low) = halves(subject);
        let mut entry = TantivyDocument::default();
        entry.add_bytes(self.subject, &subject.0);
        entry.add_u64(self.kind, subject.0[0].into());
        entry.add_u64(self.high, high);
        entry.add_u64(self.low, low);
        entry.add_u64(self.open, open.into());
        entry.add_u64(self.who, who);
        entry
    }
}

/// Stands for a telephone number inside this index; 0 for none.
pub(super) fn who_of(phone: &str) -> u64 {
    let Some(number) = tails(phone).pop() else { return 0 };
    let hash = blake3::derive_key("getit search who 1", number.as_bytes());
    u64::from_be_bytes(*hash.first_chunk().unwrap_or(&[0; 8])).max(1)
}

fn halves(subject: &Subject) -> (u64, u64) {
    let id = u128::from_be_bytes(subject.id().0);
    ((id >> 64) as u64, id as u64)
}

/// The subject whose columns these are.
pub(super) fn subject_of(kind: u64, high: u64, low: u64) -> Subject {
    let mut bytes = [0; protocol::id::SUBJECT_LEN];
    bytes[0] = u8::try_from(kind).unwrap_or(Kind::Tenant as u8);
    bytes[1..].copy_from_slice(&(u128::from(high) << 64 | u128::from(low)).to_be_bytes());
    Subject(bytes)
}

fn speak(entry: &mut TantivyDocument, field: Spoken, text: &str) {
    for word in words(text) {
        let sound = sound(&word);
        sound.keys.iter().for_each(|key| entry.add_text(field.sounds, key));
        sound.fine.iter().for_each(|key| entry.add_text(field.sounds, fine_term(key)));
        entry.add_text(field.words, word);
    }
}
