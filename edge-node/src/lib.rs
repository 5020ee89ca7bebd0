//! A replica on SQLite: the library inside every app, and the daemon behind every kiosk.
//!
//! Reading order: [`node`] and [`record`] (a tap), [`store`] (rows), [`exchange`] (what a session
//! needs), [`lan`] (sync without an uplink), [`rebuild`], [`enrol`]; the daemon is `kiosk` and `config`.
#![warn(missing_docs)]

pub mod bundle;
pub mod clock;
#[cfg(feature = "kiosk")]
pub mod config;
pub mod document;
pub mod enrol;
pub mod exchange;
pub mod face;
pub mod handover;
pub mod hold;
#[cfg(feature = "kiosk")]
pub mod kiosk;
pub mod lan;
pub mod node;
mod pin;
pub mod proof;
pub mod rebuild;
pub mod receipt;
pub mod record;
pub mod screen;
pub mod search;
pub mod slip;
pub mod store;
pub mod sync;

pub use clock::BusinessClock;
pub use node::Node;
pub use receipt::{Receipt, Standing};
pub use record::RecordError;
