//! Changes to documents.

use minicbor::{Decode, Encode};

/// One change to a document that people edit together; the bytes are Automerge's, sealed where the
/// document is personal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Changed {
    /// See [`crate::document`].
    #[cbor(n(0), with = "minicbor::bytes")]
    pub change: Vec<u8>,
}

/// Central enters a product, or changes what operations asked for.
pub type ProductEntered = Changed;
/// A vendor edits a product.
pub type ProductChanged = Changed;
/// Central writes a delivery note or corrects an address.
pub type DetailEntered = Changed;
/// A site does.
pub type SiteDetailChanged = Changed;
/// An agent does.
pub type AgentDetailChanged = Changed;
