//! Every decoder on the kept corpus (`protocol/fuzz/corpus`), whole, and on bytes made from it: the part of
//! `./dev fuzz` that every test run repeats.

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a library to libFuzzer, a module here")]
mod decoders;

use std::path::PathBuf;

/// Bent twins of each file of the corpus.
const TWINS: u64 = 40;

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.map(|entry| entry.expect("a readable folder").path());
    files.map(|path| (path.clone(), std::fs::read(&path).expect("a readable file"))).collect()
}

/// A repeatable row of numbers (splitmix64).
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31) as usize
}

#[test]
fn no_decoder_panics_on_the_corpus_or_its_bent_twins() {
    for (name, decoder) in decoders::ALL {
        let files = corpus(name);
        assert!(files.len() >= 3, "{name} has {} files in its corpus", files.len());
        for (path, bytes) in &files {
            println!("{name}: {}", path.display());
            decoder(bytes);
            let mut state = bytes.len() as u64;
            for _ in 0..TWINS {
                let mut bent = bytes.clone();
                for _ in 0..=next(&mut state) % 3 {
                    match next(&mut state) % 3 {
                        0 => bent.truncate(next(&mut state) % (bent.len() + 1)),
                        1 => bent.push(next(&mut state) as u8),
                        _ if bent.is_empty() => {}
                        _ => {
                            let at = next(&mut state) % bent.len();
                            bent[at] ^= 1 << (next(&mut state) % 8);
                        }
                    }
                }
                decoder(&bent);
            }
        }
    }
}

#[test]
fn every_decoder_has_a_target_of_its_name() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    for (name, _) in decoders::ALL {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} has no [[bin]] in protocol/fuzz");
        assert!(decoders::named(name).is_some());
    }
    assert_eq!(manifest.matches("[[bin]]").count(), decoders::ALL.len());
}
