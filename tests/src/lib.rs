//! What the tests and the day of the demo are made of.
#![allow(unreachable_pub, reason = "nothing depends on this crate: `pub` here means used by another file")]

pub mod address;
pub mod bare;
pub mod bench;
pub mod check;
pub mod day;
pub mod link;
pub mod model;
pub mod money;
pub mod order_book;
pub mod order_file;
pub mod postgres;
pub mod sim;
pub mod small_disk;
pub mod up;
pub mod window;
