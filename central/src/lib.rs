//! Central: Postgres, intake, projections and ledger; the HTTP API and the certificate authority.

pub mod authority;
pub mod banking;
pub mod clock;
pub mod config;
pub mod devices;
pub mod documents;
pub mod finance;
pub mod http;
pub mod intake;
pub mod ledger;
pub mod market;
pub mod maturing;
pub mod once;
pub mod payments;
pub mod payouts;
pub mod phone;
pub mod placing;
pub mod points;
pub mod problem;
pub mod rebuild;
pub mod replication;
mod schema;
pub mod store;
pub mod terms;
pub mod tokens;
pub mod vendors;
pub mod views;
