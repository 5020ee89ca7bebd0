#![no_main]

#[path = "../../src/statement.rs"]
#[allow(dead_code)]
mod statement;

use protocol::taka::Taka;
use statement::{Mapping, Reading, read};

// The first byte says as what the rest is read. A file is refused with a code and a next step, or it adds up.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((how, file)) = bytes.split_first() else { return };
    let names = Mapping::BUILT_IN;
    let reading = match usize::from(*how) % (names.len() + 3) {
        0 => Reading::Auto,
        1 => Reading::Camt053,
        2 => Reading::Mt940,
        at => Reading::Csv(Box::new(Mapping::built_in(names[at - 3]).unwrap())),
    };
    match read(file, &reading) {
        Err(refused) => assert!(statement::CODES.contains(&refused.code) && !refused.next.is_empty()),
        Ok(statement) => {
            let sum: Taka = statement.lines.iter().map(|line| line.amount).sum();
            if let (Some(opening), Some(closing)) = (statement.opening, statement.closing) {
                assert_eq!(opening.plus(sum), closing);
            }
            assert_eq!(statement.keys().len(), statement.lines.len());
        }
    }
});
