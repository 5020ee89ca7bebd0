//! The world in one process, many seeds.
fn main() {}
