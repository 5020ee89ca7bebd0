//! What all replicas of GetIt must agree on. Pure: no IO, no clock, no randomness, no async, no logging.
//!
//! Reading order: [`id`], [`taka`], [`op`], [`burst`], [`seat`] (bytes); [`fact`], [`history`], [`slot`]
//! and the folds (meaning); [`journal`] (money).
#![warn(missing_docs)]
#![deny(clippy::float_arithmetic)]

pub mod account;
pub mod books;
pub mod burst;
pub mod cbor;
pub mod command;
pub mod contest;
pub mod decide;
pub mod document;
pub mod earning;
pub mod fact;
pub mod fold;
pub mod frame;
pub mod handin;
pub mod history;
pub mod id;
pub mod intake;
pub mod journal;
pub mod ledger;
pub mod op;
pub mod order;
pub mod parcel;
pub mod react;
pub mod refusal;
pub mod root;
pub mod sealed;
pub mod seat;
pub mod session;
pub mod slot;
pub mod stamp;
pub mod taka;
pub mod varint;
