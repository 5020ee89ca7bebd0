//! Everything that is tested across crates, in one binary: it links once.

mod system {
    mod rules;
}
