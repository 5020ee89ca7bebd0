//! Everything that is tested across crates, in one binary: it links once.

#[cfg(test)]
mod system {
    mod api;
    mod damage;
    mod intake;
    mod money;
    mod replica;
    mod rules;
    mod screen;
    mod sim;
    mod up;
    mod walk;
}
