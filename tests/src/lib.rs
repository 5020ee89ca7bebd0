//! What the tests and the day of the demo are made of.

pub mod link;
pub mod order_book;
pub mod order_file;
