//! Everything that is tested across crates, in one binary: it links once.

#[cfg(test)]
mod system {
    mod api;
    mod damage;
    mod intake;
    mod model;
    mod replica;
    mod rules;
    mod up;
    mod walk;
}
