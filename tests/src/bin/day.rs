//! The day of the demo, and the check of a finished day.
fn main() {}
