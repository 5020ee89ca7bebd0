//! Entry of the process.
fn main() {}
