//! Changes to documents.

use minicbor::{Decode, Encode};

use crate::id::{Scope, Subject};

/// One change to a product.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProductChange {
    /// Whose product: with the sku it names the subject, and a vendor's seat changes only its own.
    #[n(0)]
    pub vendor: Scope,
    /// The vendor's stock keeping unit.
    #[n(1)]
    pub sku: String,
    /// Automerge's bytes; see [`crate::document`].
    #[cbor(n(2), with = "minicbor::bytes")]
    pub change: Vec<u8>,
}

/// One change to the delivery note or to the address of a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DetailChange {
    /// The parcel: it goes where the parcel goes.
    #[n(0)]
    pub parcel: Subject,
    /// Automerge's bytes, sealed with the parcel's key; see [`crate::sealed`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sealed: Vec<u8>,
}

/// Central enters a product, or changes what operations asked for.
pub type ProductEntered = ProductChange;
/// A vendor edits a product.
pub type ProductChanged = ProductChange;
/// Central writes a delivery note or corrects an address.
pub type DetailEntered = DetailChange;
/// A site does.
pub type SiteDetailChanged = DetailChange;
/// An agent does.
pub type AgentDetailChanged = DetailChange;
