//! What all replicas of GetIt must agree on. Pure: no IO, no clock, no randomness, no async, no logging.
//!
//! Reading order: [`id`], [`taka`], [`op`], [`burst`], [`seat`] (bytes); [`fact`], [`history`], [`slot`]
//! and the folds (meaning); [`journal`] (money).
#![warn(missing_docs)]
#![deny(clippy::float_arithmetic)]

pub mod account;
pub mod bag;
pub mod blob;
pub mod books;
pub mod bundle;
pub mod burst;
pub mod cbor;
pub mod command;
pub mod contest;
pub mod decide;
pub mod deposit;
pub mod document;
pub mod earning;
pub mod entry;
pub mod fact;
pub mod fold;
pub mod frame;
pub mod handin;
pub mod handover;
pub mod history;
pub mod id;
pub mod intake;
pub mod journal;
pub mod ledger;
pub mod line;
pub mod op;
pub mod order;
pub mod pack;
pub mod parcel;
pub mod payout;
pub mod ranges;
pub mod react;
mod record;
pub mod refund;
pub mod refusal;
pub mod remittance;
pub mod root;
pub mod ruling;
pub mod sealed;
pub mod seat;
pub mod session;
pub mod shift;
pub mod sketch;
pub mod slip;
pub mod slot;
pub mod stamp;
pub mod sweep;
pub mod taka;
pub mod varint;
