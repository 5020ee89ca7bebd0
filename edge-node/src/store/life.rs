//! Whether this database is what it was when it was last open. A copy, a restored backup and a disk that lost
//! what it had promised would number bursts that exist already elsewhere, so they begin a new incarnation
//! before their first write (SPEC S1). What both sides wrote is kept; nothing is written twice in one name.
//!
//! Three marks tell them. Each opening writes a fresh number into the database and into a file beside it:
//! they differ when only one of the two came back. The place of the file on its disk tells a copied folder.
//! And a file that was not closed before the machine went down tells a power cut.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, params};

use super::{FILE, StoreError};
use crate::hold;

/// Beside the database: `<number> <boot> open|closed`.
const LIFE_FILE: &str = "node.life";
/// Linux's name of the time since the machine last came up; other systems have none, and there the first
/// two marks must do.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Why the database is not taken for what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The folder was copied from elsewhere.
    Copied,
    /// The database is of another opening than the file beside it.
    SetBack,
    /// The machine went down while it was open.
    PowerCut,
}

/// What the database says of its last opening.
struct Known {
    number: String,
    place: String,
}

/// What the file beside it says.
struct Beside {
    number: String,
    boot: String,
    closed: bool,
}

/// An opening; the file says that it is closed when this is dropped.
pub(super) struct Life {
    path: PathBuf,
    number: String,
    boot: String,
}

impl Life {
    /// Looks at the marks and makes new ones; with a doubt, `inc` is the incarnation that begins.
    pub(super) fn begin(
        connection: &mut Connection,
        dir: &Path,
        number: [u8; 8],
        inc: [u8; 4],
    ) -> Result<(Self, Option<Doubt>), StoreError> {
        let place = place(&dir.join(FILE))?;
        let boot = std::fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned();
        let life = Self { path: dir.join(LIFE_FILE), number: HEXLOWER.encode(&number), boot };
        let known = connection
            .query_row("SELECT number, place FROM life", [], |row| {
                Ok(Known { number: row.get(0)?, place: row.get(1)? })
            })
            .optional()?;
        let doubt = known.and_then(|known| doubt(&known, life.beside().as_ref(), &place, &life.boot));
        match life.mark(connection, &place, doubt.is_some().then_some(inc)) {
            // A full disk stops writing, not reading. The old marks hold until there is room.
            Err(error) if error.is_full() && doubt.is_none() => {}
            marked => marked?,
        }
        Ok((life, doubt))
    }

    fn mark(&self, connection: &mut Connection, place: &str, begun: Option<[u8; 4]>) -> Result<(), StoreError> {
        // The file goes first: a crash between the two is a doubt, and a doubt costs four bytes.
        self.write("open")?;
        let transaction = connection.transaction()?;
        let keep = "INSERT OR REPLACE INTO life (one, number, place) VALUES (1, ?1, ?2)";
        transaction.execute(keep, params![self.number, place])?;
        if let Some(inc) = begun {
            transaction.execute("UPDATE identity SET inc = ?1", params![inc])?;
        }
        Ok(transaction.commit()?)
    }

    fn beside(&self) -> Option<Beside> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let mut words = text.split(' ').map(str::to_owned);
        let (number, boot) = (words.next()?, words.next()?);
        Some(Beside { number, boot, closed: words.next()?.trim() == "closed" })
    }

    fn write(&self, state: &str) -> Result<(), StoreError> {
        let io = |source| StoreError::Io { path: self.path.clone(), source };
        let draft = self.path.with_extension("life.new");
        let mut file = File::create(&draft).map_err(io)?;
        file.write_all(format!("{} {} {state}\n", self.number, self.boot).as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        std::fs::rename(draft, &self.path).map_err(io)
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Another process of this machine may have opened it since: then that one closes it.
        if self.beside().is_some_and(|beside| beside.number == self.number) {
            if let Err(error) = self.write("closed") {
                tracing::info!(%error, "the database is not marked as closed: the next start begins a new incarnation");
            }
        }
    }
}

fn doubt(known: &Known, beside: Option<&Beside>, place: &str, boot: &str) -> Option<Doubt> {
    if known.place != place {
        return Some(Doubt::Copied);
    }
    let Some(beside) = beside.filter(|beside| beside.number == known.number) else { return Some(Doubt::SetBack) };
    (!beside.closed && beside.boot != boot).then_some(Doubt::PowerCut)
}

/// Where a file lies: the machine, and its number on the disk, which a copy does not share.
fn place(path: &Path) -> Result<String, StoreError> {
    let found = std::fs::metadata(path).map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&found);
    #[cfg(not(unix))]
    let number = found.created().ok();
    Ok(format!("{} {number:?}", hold::machine()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(number: &str, boot: &str, closed: bool) -> Option<Beside> {
        Some(Beside { number: number.to_owned(), boot: boot.to_owned(), closed })
    }

    #[test]
    fn a_copy_a_restore_and_a_power_cut_are_told_and_a_kill_is_not() {
        let known = Known { number: "7".to_owned(), place: "here 12".to_owned() };
        for (file, place, boot, expected) in [
            (beside("7", "monday", true), "here 12", "monday", None),
            (beside("7", "monday", true), "here 12", "tuesday", None),
            (beside("7", "monday", false), "here 12", "monday", None),
            (beside("7", "monday", false), "here 12", "tuesday", Some(Doubt::PowerCut)),
            (beside("6", "monday", true), "here 12", "monday", Some(Doubt::SetBack)),
            (None, "here 12", "monday", Some(Doubt::SetBack)),
            (beside("7", "monday", true), "here 13", "monday", Some(Doubt::Copied)),
            (beside("7", "monday", true), "there 12", "monday", Some(Doubt::Copied)),
        ] {
            assert_eq!(doubt(&known, file.as_ref(), place, boot), expected, "{place} {boot}");
        }
    }
}
