//! The certificate of a seat: one person on one installation, what he may author, hold and put.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

pub use ed25519_dalek::{SigningKey as SeatKey, VerifyingKey as AuthorityKey};

use crate::id::{Author, Id16, Kind, Scope};
use crate::taka::Taka;

/// Largest encoded certificate.
pub const MAX_CERTIFICATE_BYTES: usize = 2_048;
/// Most grants in one certificate.
pub const MAX_GRANTS: usize = 16;

/// The part a person plays. It fixes classes and grants; the wire carries those, not the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Central itself.
    Central,
    /// A sync-hub: carries sessions, authors nothing.
    Hub,
    /// A courier hub.
    Site,
    /// A delivery agent.
    Agent,
    /// A vendor.
    Vendor,
}

impl Role {
    /// The role's word in codes, reports and configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Central => "central",
            Self::Hub => "hub",
            Self::Site => "site",
            Self::Agent => "agent",
            Self::Vendor => "vendor",
        }
    }
}

/// Classes of ops: the upper 4 bits of the header, and a bit of the mask in a certificate.
pub mod class {
    /// Put, Close, revocation, settings.
    pub const CONTROL: u8 = 0;
    /// What central authors: orders, crossings, judgements.
    pub const CENTRAL: u8 = 1;
    /// What a vendor authors.
    pub const VENDOR: u8 = 2;
    /// Custody at a site.
    pub const SITE: u8 = 3;
    /// What a delivery agent authors.
    pub const AGENT: u8 = 4;
    /// What a cashier authors.
    pub const CASHIER: u8 = 5;
    /// What the cashier of a partner's own till authors.
    pub const PARTNER: u8 = 6;
}

/// Rights on a scope.
pub mod bits {
    /// May hold the scope's sets.
    pub const READ: u8 = 1;
    /// May author Put on the scope.
    pub const PUT: u8 = 2;
    /// May carry the scope's ops to and from its holders.
    pub const SERVE: u8 = 4;
    /// May hold the keys of the scope's sealed fields.
    pub const UNSEAL: u8 = 8;
}

/// A right on all scopes of one kind that begin with a prefix (the whole id: one scope).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Grant {
    /// The scope's kind byte.
    #[n(0)]
    pub kind: u8,
    /// The first 0..=16 bytes of the scope's id.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub prefix: Vec<u8>,
    /// [`bits`].
    #[n(2)]
    pub bits: u8,
}

impl Grant {
    /// Whether the grant speaks of `scope`.
    #[must_use]
    pub fn covers(&self, scope: &Scope) -> bool {
        scope.0[0] == self.kind && scope.0[1..].starts_with(&self.prefix)
    }
}

/// What a seat is. Shapes of a certificate's fields; see [`Certificate`] for the signed form.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Seat {
    /// The tenant.
    #[n(0)]
    pub tenant: Id16,
    /// The installation.
    #[n(1)]
    pub device: Id16,
    /// The person; facts of one person may be one act (R1).
    #[n(2)]
    pub person: Id16,
    /// The scope that is this seat's own, and the owner of the accounts it holds cash on.
    #[n(3)]
    pub party: Scope,
    /// Ed25519 public key.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Bit `c` set: may author class `c`.
    #[n(5)]
    pub classes: u16,
    /// Rights on scopes.
    #[n(6)]
    pub grants: Vec<Grant>,
    /// Most cash the person may carry, paisa; the edge's decide and an exception, never a bar.
    #[n(7)]
    pub cash_ceiling: Taka,
    /// When central issued it, ms since 1970.
    #[n(8)]
    pub issued_ms: u64,
    /// The public key of the authority that signed it.
    #[cbor(n(9), with = "minicbor::bytes")]
    pub issuer: [u8; 32],
}

impl Seat {
    /// Whether the seat may author ops of this class.
    #[must_use]
    pub fn may_author(&self, class: u8) -> bool {
        class < 16 && self.classes >> class & 1 == 1
    }

    /// Whether one of the grants gives all of `wanted` on `scope`.
    #[must_use]
    pub fn may(&self, wanted: u8, scope: &Scope) -> bool {
        self.grants.iter().any(|grant| grant.bits & wanted == wanted && grant.covers(scope))
    }

    /// The role, from the kind of the party and the classes.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.party.kind() {
            Some(Kind::Site) => Role::Site,
            Some(Kind::Agent) => Role::Agent,
            Some(Kind::Vendor) => Role::Vendor,
            _ if self.may_author(class::CENTRAL) => Role::Central,
            _ => Role::Hub,
        }
    }

    /// Whether the seat stands at the counter of a partner, whose till is his own (J36).
    #[must_use]
    pub fn is_partner(&self) -> bool {
        self.may_author(class::PARTNER)
    }

    /// Classes and grants at the counter of a partner: those of a site, with what he takes on his own
    /// account in place of our till. He counts no hand-ins and opens no shift.
    #[must_use]
    pub fn partner_rights(party: Scope) -> (u16, Vec<Grant>) {
        let (classes, grants) = Self::rights(Role::Site, party);
        (classes & !(1 << class::CASHIER) | 1 << class::PARTNER, grants)
    }

    /// Classes and grants of a role.
    #[must_use]
    pub fn rights(role: Role, party: Scope) -> (u16, Vec<Grant>) {
        let tenant = Grant { kind: Kind::Tenant as u8, prefix: Vec::new(), bits: bits::READ };
        let own = |rights| Grant { kind: party.0[0], prefix: party.0[1..].to_vec(), bits: rights };
        let mask = |classes: &[u8]| classes.iter().fold(0u16, |mask, class| mask | 1 << class);
        match role {
            Role::Central => {
                let kinds = [Kind::Tenant, Kind::Site, Kind::Agent, Kind::Vendor, Kind::Catalogue];
                let all = bits::READ | bits::PUT | bits::SERVE | bits::UNSEAL;
                let every = |kind| Grant { kind: kind as u8, prefix: Vec::new(), bits: all };
                (mask(&[class::CONTROL, class::CENTRAL]), kinds.map(every).to_vec())
            }
            Role::Hub => (0, Vec::new()),
            Role::Site => {
                let held = bits::READ | bits::PUT | bits::SERVE | bits::UNSEAL;
                let agents = Grant { kind: Kind::Agent as u8, prefix: party.0[1..9].to_vec(), bits: held };
                (mask(&[class::CONTROL, class::SITE, class::CASHIER]), vec![tenant, own(held), agents])
            }
            Role::Agent => {
                // An agent puts what he makes (a hand-in) into his site's scope, which he does not hold.
                let mut site = party.0[1..9].to_vec();
                site.truncate(8);
                let site = Grant { kind: Kind::Site as u8, prefix: site, bits: bits::PUT };
                let held = bits::READ | bits::PUT | bits::UNSEAL;
                (mask(&[class::CONTROL, class::AGENT]), vec![tenant, own(held), site])
            }
            Role::Vendor => (mask(&[class::VENDOR]), vec![tenant, own(bits::READ)]),
        }
    }
}

/// A seat's certificate: the CBOR of [`Seat`] and the authority's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What it says.
    pub seat: Seat,
    /// `seat` as signed.
    body: Vec<u8>,
    /// The authority's signature over `body`.
    sig: [u8; 64],
}

/// Why a certificate is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not the form of a certificate.
    #[error("the certificate is damaged: enrol the device again")]
    Damaged,
    /// Signed by somebody else.
    #[error("the certificate was not issued by this system: enrol the device here")]
    ForeignIssuer,
    /// A key that verifies more than one signature.
    #[error("the key is weak: enrol again with a new one")]
    WeakKey,
}

impl Certificate {
    /// Issues a certificate.
    ///
    /// # Errors
    /// [`CertificateError::WeakKey`] for a key that must not be enrolled.
    pub fn issue(authority: &SigningKey, mut seat: Seat) -> Result<Self, CertificateError> {
        strong_key(&seat.key)?;
        seat.issuer = authority.verifying_key().to_bytes();
        let body = crate::cbor::encode(&seat);
        let sig = authority.sign(&body).to_bytes();
        Ok(Self { seat, body, sig })
    }

    /// The bytes that are stored and sent: 64 of signature, then the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.sig.as_slice(), &self.body].concat()
    }

    /// Reads and verifies a certificate.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn decode(bytes: &[u8], authority: &VerifyingKey) -> Result<Self, CertificateError> {
        let (sig, body) = bytes.split_first_chunk::<64>().ok_or(CertificateError::Damaged)?;
        if bytes.len() > MAX_CERTIFICATE_BYTES {
            return Err(CertificateError::Damaged);
        }
        authority.verify_strict(body, &Signature::from_bytes(sig)).map_err(|_| CertificateError::ForeignIssuer)?;
        let seat: Seat = crate::cbor::decode(body).ok_or(CertificateError::Damaged)?;
        let well_formed = seat.grants.len() <= MAX_GRANTS
            && seat.grants.iter().all(|grant| grant.prefix.len() <= 16)
            && seat.issuer == authority.to_bytes();
        if !well_formed {
            return Err(CertificateError::Damaged);
        }
        strong_key(&seat.key)?;
        Ok(Self { seat, body: body.to_vec(), sig: *sig })
    }

    /// The name under which the seat authors: BLAKE3(certificate)[..8].
    #[must_use]
    pub fn author(&self) -> Author {
        Self::author_of(&self.encode())
    }

    /// The author of an encoded certificate, verified or not.
    #[must_use]
    pub fn author_of(bytes: &[u8]) -> Author {
        let mut author = Author([0; 8]);
        author.0.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
        author
    }
}

fn strong_key(key: &[u8; 32]) -> Result<VerifyingKey, CertificateError> {
    let key = VerifyingKey::from_bytes(key).map_err(|_| CertificateError::WeakKey)?;
    if key.is_weak() { Err(CertificateError::WeakKey) } else { Ok(key) }
}
