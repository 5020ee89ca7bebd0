//! The way of a parcel on the real parts: central over HTTP on Postgres, hubs over QUIC with
//! certificates, replicas on SQLite; and what happens when parts lie, lose something or come back.
// A test that cannot go on stops; clippy knows test functions, not what they share.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod admission;
mod again;
mod closing;
mod counter;
mod documents;
mod door;
mod hands;
mod hostile;
mod house;
mod ladder;
mod lan;
mod lives;
mod machine;
mod online;
mod proofs;
mod raw;
mod refund;
mod repair;
mod scenarios;
mod shop;
