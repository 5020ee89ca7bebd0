//! Who has a data folder: one process at a time, on the machine on which it was enrolled. Two copies of one
//! seat would write two histories in one name.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

const LOCK_FILE: &str = "app.lock";
const MARK_FILE: &str = "device.mark";
/// Systemd's id of an installation; other systems have none, and there only the lock holds.
const MACHINE_ID: &str = "/etc/machine-id";

/// The exclusive hold on a data folder; given back when dropped, also by a crash.
#[derive(Debug)]
pub struct Hold {
    _lock: File,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Another window has it.
    #[error("the app is open in another window: use that one, or close it first")]
    SecondInstance,
    /// It was copied from another machine.
    #[error("this data belongs to another device: enrol this one with a code of its own")]
    OtherDevice,
    /// The folder cannot be written.
    #[error("the data folder cannot be used ({0}): check free space and permissions")]
    Io(#[from] std::io::Error),
}

impl Hold {
    /// Takes `dir`, which is made if it is missing.
    ///
    /// # Errors
    /// [`HoldError`].
    pub fn take(dir: &Path) -> Result<Self, HoldError> {
        Self::take_on(dir, &machine())
    }

    fn take_on(dir: &Path, machine: &str) -> Result<Self, HoldError> {
        std::fs::create_dir_all(dir)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(dir.join(LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(HoldError::SecondInstance),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mark = dir.join(MARK_FILE);
        match std::fs::read_to_string(&mark) {
            Ok(text) if !text.is_empty() && text != machine => return Err(HoldError::OtherDevice),
            Ok(text) if text == machine => {}
            _ => std::fs::write(&mark, machine)?,
        }
        Ok(Self { _lock: lock })
    }
}

/// A name of this machine that tells nothing else of it.
pub(crate) fn machine() -> String {
    let id = std::fs::read_to_string(MACHINE_ID).unwrap_or_default();
    if id.trim().is_empty() {
        return String::new();
    }
    blake3::Hash::from(blake3::derive_key("getit data folder 1", id.trim().as_bytes())).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_process_and_one_machine() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new");
        let hold = Hold::take_on(&dir, "one").unwrap();
        assert!(matches!(Hold::take_on(&dir, "one"), Err(HoldError::SecondInstance)));
        drop(hold);
        assert!(matches!(Hold::take_on(&dir, "two"), Err(HoldError::OtherDevice)));
        drop(Hold::take_on(&dir, "one").unwrap());
    }

    #[test]
    fn a_folder_without_a_mark_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MARK_FILE), "").unwrap();
        drop(Hold::take_on(folder.path(), "one").unwrap());
        assert!(matches!(Hold::take_on(folder.path(), "two"), Err(HoldError::OtherDevice)));
    }
}
