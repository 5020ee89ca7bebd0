//! Names of things: subjects, scopes, seats, incarnations, ops; and how they are written for people.

use std::fmt;

use minicbor::{Decode, Encode};

/// 16 bytes that name one thing: 48 bits of claimed milliseconds, then 80 random bits of the stamp.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Id16(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

/// The 32-byte id of an op, and so of the fact it carries (SPEC S1: derived from head and op bytes).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct OpId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

/// The first 8 bytes of an [`OpId`]: how `after` and IDS name ops.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ShortId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 8]);

/// A seat: the first 8 bytes of the BLAKE3 of its certificate. One person on one installation.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Author(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 8]);

/// One life of a database: random at birth, after a restore and after a roll-back.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Incarnation(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 4]);

/// The digest of a burst (SPEC S1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Digest(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

macro_rules! hex_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), ":"))?;
                fmt::Display::fmt(self, f)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    )*};
}
hex_debug!(Id16, OpId, ShortId, Author, Incarnation, Digest);

impl OpId {
    /// The prefix by which `after` and IDS name this op.
    #[must_use]
    pub fn short(&self) -> ShortId {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0[..8]);
        ShortId(short)
    }
}

/// What kind of thing a subject is; the first byte of every subject on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Scope that everyone holds: revocations and settings.
    Tenant = 1,
    /// Scope of a pickup point or courier hub.
    Site = 2,
    /// Scope of one delivery agent; its first 8 bytes are those of his site.
    Agent = 3,
    /// Scope of one vendor.
    Vendor = 4,
    /// Scope of a site's catalogue.
    Catalogue = 5,
    /// A purchase, of one or more parcels.
    Order = 0x10,
    /// The group of pieces that share one due.
    Parcel = 0x11,
    /// What a vendor earns on one parcel; its id is derived from the parcel's.
    Earning = 0x12,
    /// One handing-in of cash by an agent.
    HandIn = 0x13,
    /// A till shift.
    Shift = 0x14,
    /// A sealed bag.
    Bag = 0x15,
    /// A bank deposit.
    Deposit = 0x16,
    /// A line of a bank statement.
    Line = 0x17,
    /// A payout.
    Payout = 0x18,
    /// A refund.
    Refund = 0x19,
    /// A stock grant.
    Grant = 0x1a,
    /// Our own money leaving the settlement account.
    Sweep = 0x1b,
    /// A partner's remittance.
    Remittance = 0x1c,
    /// An account at a bank; its id is derived from the account's short name.
    Bank = 0x1d,
    /// A customer, opaque.
    Customer = 0x1e,
    /// What people decided about a difference.
    Ruling = 0x1f,
    /// A product document.
    Product = 0x20,
    /// What is to be known at the door: a document, its id derived from the parcel's.
    Note = 0x21,
    /// The corrected address of a parcel: a document, its id derived from the parcel's.
    Address = 0x22,
    /// What finance booked on paper evidence.
    Entry = 0x23,
    /// Goods that a customer brings back: central's own number for it, no facts are about it.
    Return = 0x24,
}

impl Kind {
    /// Every kind with the letter that leads its written id.
    pub const LETTERS: [(Self, char); 26] = [
        (Self::Tenant, 'T'),
        (Self::Site, 'S'),
        (Self::Agent, 'A'),
        (Self::Vendor, 'V'),
        (Self::Catalogue, 'C'),
        (Self::Order, 'O'),
        (Self::Parcel, 'P'),
        (Self::Earning, 'E'),
        (Self::HandIn, 'H'),
        (Self::Shift, 'K'),
        (Self::Bag, 'B'),
        (Self::Deposit, 'D'),
        (Self::Line, 'L'),
        (Self::Payout, 'Y'),
        (Self::Refund, 'R'),
        (Self::Grant, 'G'),
        (Self::Product, 'X'),
        (Self::Sweep, 'W'),
        (Self::Remittance, 'M'),
        (Self::Bank, 'Q'),
        (Self::Customer, 'U'),
        (Self::Note, 'N'),
        (Self::Address, 'J'),
        (Self::Ruling, 'F'),
        (Self::Entry, 'Z'),
        (Self::Return, 'I'),
    ];

    fn letter(self) -> char {
        Self::LETTERS.iter().find(|(kind, _)| *kind == self).map_or('?', |(_, letter)| *letter)
    }

    /// The kind of a wire byte, if this version knows it.
    #[must_use]
    pub fn of(byte: u8) -> Option<Self> {
        Self::LETTERS.iter().map(|(kind, _)| *kind).find(|kind| *kind as u8 == byte)
    }
}

/// The unit of audience, of causality and of fold: a type byte and 16 bytes.
///
/// The type byte is kept raw, so that subjects of kinds of a later version travel through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Subject(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 17]);

/// A subject that is a scope: sets are kept by scope.
pub type Scope = Subject;

/// Length of a subject on the wire.
pub const SUBJECT_LEN: usize = 17;

impl Subject {
    /// The subject of this kind and id.
    #[must_use]
    pub fn new(kind: Kind, id: Id16) -> Self {
        let mut bytes = [0; SUBJECT_LEN];
        bytes[0] = kind as u8;
        bytes[1..].copy_from_slice(&id.0);
        Self(bytes)
    }

    /// The kind, if this version knows it.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(self.0[0])
    }

    /// The 16 bytes after the type.
    #[must_use]
    pub fn id(&self) -> Id16 {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[1..]);
        Id16(id)
    }

    /// Whether this names a scope rather than a thing inside one.
    #[must_use]
    pub fn is_scope(&self) -> bool {
        self.0[0] < 0x10
    }

    /// The subject of these bytes; `None` unless there are 17.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The scope that everyone holds.
    #[must_use]
    pub fn tenant() -> Self {
        Self::new(Kind::Tenant, Id16([0; 16]))
    }

    /// The scope of an agent of `site`: 8 bytes of the site, then 8 of the person. A site's
    /// certificate thus covers its agents by prefix, also those who join after it was issued.
    #[must_use]
    pub fn agent(site: Self, person: Id16) -> Self {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&site.0[1..9]);
        id[8..].copy_from_slice(&blake3::hash(&person.0).as_bytes()[..8]);
        Self::new(Kind::Agent, Id16(id))
    }

    /// The earning of a parcel. Its id is derived, so that central needs no table to find it.
    #[must_use]
    pub fn earning_of(parcel: Self) -> Self {
        Self::derived(Kind::Earning, "getit earning 1", &parcel.0)
    }

    /// An account at a bank, by the short name that finance gives it.
    #[must_use]
    pub fn bank(name: &str) -> Self {
        Self::derived(Kind::Bank, "getit bank 1", name.as_bytes())
    }

    /// A customer, by the opaque id of his orders.
    #[must_use]
    pub fn customer(id: Id16) -> Self {
        Self::new(Kind::Customer, id)
    }

    /// The document of a vendor's product.
    #[must_use]
    pub fn product(vendor: Self, sku: &str) -> Self {
        Self::derived(Kind::Product, "getit product 1", &[&vendor.0, sku.as_bytes()].concat())
    }

    /// The delivery note of a parcel.
    #[must_use]
    pub fn note_of(parcel: Self) -> Self {
        Self::derived(Kind::Note, "getit note 1", &parcel.0)
    }

    /// The corrected address of a parcel.
    #[must_use]
    pub fn address_of(parcel: Self) -> Self {
        Self::derived(Kind::Address, "getit address 1", &parcel.0)
    }

    fn derived(kind: Kind, context: &str, from: &[u8]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::derive_key(context, from)[..16]);
        Self::new(kind, Id16(id))
    }

    /// What stands on the parcel's label: 8 base-32 digits of a hash of the subject and a check digit.
    /// Two parcels may share one (one chance in 10^12 a pair): whoever reads it asks which.
    #[must_use]
    pub fn label(&self) -> Label {
        let hash = blake3::derive_key("getit label 1", &self.0);
        let value = hash[..5].iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        Label(value)
    }

    /// Reads the written form (see `Display`), in either case, with `O`/`I`/`L` taken as digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = text.trim().chars();
        let letter = chars.next()?.to_ascii_uppercase();
        let (kind, _) = Kind::LETTERS.into_iter().find(|(_, l)| *l == letter)?;
        let body: Vec<char> = chars.collect();
        if body.len() != TEXT_DIGITS + 1 {
            return None;
        }
        let mut value: u128 = 0;
        for (index, c) in body[..TEXT_DIGITS].iter().enumerate() {
            let digit = crockford_value(*c)?;
            if index == 0 && digit > 7 {
                return None;
            }
            value = value << 5 | u128::from(digit);
        }
        (CHECK[(value % 37) as usize] as char == body[TEXT_DIGITS].to_ascii_uppercase())
            .then(|| Self::new(kind, Id16(value.to_be_bytes())))
    }
}

/// The short code on a parcel's label: 40 bits, written `GT 4471 8823 7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u64);

/// What a scan or a typed text is, as far as its form tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// A label.
    Label(Label),
    /// A whole id.
    Subject(Subject),
    /// The form of a label, with a digit that is wrong.
    WrongDigit,
    /// Nothing of ours.
    NotOurs,
}

impl Label {
    const DIGITS: usize = 8;

    /// Reads a label in any spacing and case, with or without the leading `GT`.
    #[must_use]
    pub fn scan(text: &str) -> Scanned {
        if let Some(subject) = Subject::parse(text) {
            return Scanned::Subject(subject);
        }
        if text.len() > 64 {
            return Scanned::NotOurs;
        }
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let plain = plain.to_ascii_uppercase();
        let mut digits: Vec<char> = plain.chars().collect();
        // A label may itself begin with G and T: only a longer text can have them in front.
        if digits.len() == Self::DIGITS + 3 && plain.starts_with("GT") {
            digits.drain(..2);
        }
        if digits.len() != Self::DIGITS + 1 {
            return Scanned::NotOurs;
        }
        let mut value = 0u64;
        for digit in &digits[..Self::DIGITS] {
            let Some(digit) = crockford_value(*digit) else { return Scanned::NotOurs };
            value = value << 5 | u64::from(digit);
        }
        if CHECK[(value % 37) as usize] as char == digits[Self::DIGITS] {
            Scanned::Label(Self(value))
        } else {
            Scanned::WrongDigit
        }
    }

    /// The nine digits without `GT` and spaces: how a label is indexed.
    #[must_use]
    pub fn plain(self) -> String {
        let digit = |index: usize| CHECK[(self.0 >> (index * 5) & 31) as usize] as char;
        let mut text: String = (0..Self::DIGITS).rev().map(digit).collect();
        text.push(CHECK[(self.0 % 37) as usize] as char);
        text
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.plain();
        write!(f, "GT {} {} {}", &plain[..4], &plain[4..8], &plain[8..])
    }
}

/// 26 base-32 digits hold 130 bits, enough for the 128 of an id.
const TEXT_DIGITS: usize = 26;
/// Crockford's alphabet: 32 digits, then the five extra symbols that only the check may be.
/// The digits of written ids and codes.
pub(crate) const CROCKFORD: &[u8] = CHECK.split_at(32).0;
const CHECK: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

pub(crate) fn crockford_value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    CHECK[..32].iter().position(|digit| *digit as char == c).and_then(|at| u8::try_from(at).ok())
}

impl fmt::Display for Subject {
    /// Type letter, 26 Crockford base-32 digits, check digit (mod 37).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.id().0);
        let mut text = String::with_capacity(TEXT_DIGITS + 2);
        text.push(self.kind().map_or('?', Kind::letter));
        for index in (0..TEXT_DIGITS).rev() {
            text.push(CHECK[(value >> (index * 5) & 31) as usize] as char);
        }
        text.push(CHECK[(value % 37) as usize] as char);
        f.pad(&text)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an id: a letter, 26 digits and a check digit"))
    }
}

impl serde::Serialize for OpId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_ids_come_back_and_a_wrong_digit_is_refused() {
        for (kind, letter) in Kind::LETTERS {
            let subject = Subject::new(kind, Id16(*b"\xff0123456789abcde"));
            let text = subject.to_string();
            assert!(text.starts_with(letter));
            assert_eq!(Subject::parse(&text), Some(subject));
            assert_eq!(Subject::parse(&text.to_lowercase()), Some(subject));
            for at in 1..text.len() {
                let mut wrong = text.clone().into_bytes();
                wrong[at] = if wrong[at] == b'7' { b'8' } else { b'7' };
                let wrong = String::from_utf8(wrong).unwrap();
                assert_ne!(Subject::parse(&wrong), Some(subject), "{wrong}");
            }
        }
        for junk in ["", "P", "P123", "পার্সেল", &"P".repeat(28), "Z00000000000000000000000000"] {
            assert_eq!(Subject::parse(junk), None, "{junk}");
        }
    }

    #[test]
    fn labels_are_read_in_any_spacing_and_a_wrong_digit_is_told() {
        for n in 0..200u8 {
            let label = Subject::new(Kind::Parcel, Id16([n; 16])).label();
            let text = label.to_string();
            for spelled in [text.clone(), text.to_lowercase(), text.replace(' ', ""), label.plain()] {
                assert_eq!(Label::scan(&spelled), Scanned::Label(label), "{spelled}");
            }
            let digit = if &text[3..4] == "7" { "8" } else { "7" };
            let wrong = format!("GT {digit}{}", &text[4..]);
            assert_eq!(Label::scan(&wrong), Scanned::WrongDigit, "{wrong}");
        }
        for junk in ["", "GT", "8801712345678", "GT 1234", "পার্সেল নয়", "https://example.com/x"] {
            assert_eq!(Label::scan(junk), Scanned::NotOurs, "{junk}");
        }
    }

    #[test]
    fn an_agent_carries_the_prefix_of_his_site() {
        let site = Subject::new(Kind::Site, Id16([9; 16]));
        let agent = Subject::agent(site, Id16([1; 16]));
        assert_eq!(agent.0[1..9], site.0[1..9]);
        assert_ne!(agent, Subject::agent(site, Id16([2; 16])));
    }
}
