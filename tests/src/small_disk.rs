//! A small real disk, to be filled: a tmpfs in a mount namespace of its own, so that it needs no rights and
//! nothing is left mounted.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What takes the room.
const BALLAST: &str = "ballast";
/// Written at a time while the disk is filled.
const CHUNK: [u8; 4096] = [0; 4096];

/// A disk of a few megabytes. It is gone when this is dropped.
pub struct SmallDisk {
    /// Holds the namespace: it waits for the end of its standard input, so it ends with this process too.
    holder: Child,
    place: PathBuf,
}

impl SmallDisk {
    /// Mounts one of `bytes` on `place`, which is an empty folder; only programs of
    /// [`SmallDisk::arguments`] see it there.
    ///
    /// # Errors
    /// When the system gives no namespaces of its own to a plain user.
    pub async fn mount(place: &Path, bytes: u64) -> anyhow::Result<Self> {
        let script = r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec cat"#;
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", &bytes.to_string()])
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("unshare does not start: run ./dev setup")?;
        let mut said = String::new();
        let out = holder.stdout.take().context("unshare has no output")?;
        BufReader::new(out).read_line(&mut said).await?;
        anyhow::ensure!(said.trim() == "mounted", "a small disk cannot be mounted: user namespaces are switched off");
        Ok(Self { holder, place: place.to_owned() })
    }

    /// Arguments for `nsenter`, by which `program` sees the disk.
    ///
    /// # Errors
    /// When the holder is gone.
    pub fn arguments(&self, program: &Path) -> anyhow::Result<Vec<String>> {
        let target = self.holder.id().context("the small disk is gone")?.to_string();
        let arguments = ["--target", &target, "--user", "--mount", "--preserve-credentials"].map(str::to_owned);
        Ok(arguments.into_iter().chain([program.display().to_string()]).collect())
    }

    /// Where this process finds what lies on the disk.
    ///
    /// # Errors
    /// When the holder is gone.
    pub fn seen_from_outside(&self) -> anyhow::Result<PathBuf> {
        let target = self.holder.id().context("the small disk is gone")?;
        let inside = self.place.strip_prefix("/").unwrap_or(&self.place);
        Ok(PathBuf::from(format!("/proc/{target}/root")).join(inside))
    }

    /// Writes until nothing more fits.
    ///
    /// # Errors
    /// When writing ends for another reason than a full disk.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut file = std::fs::File::create(self.seen_from_outside()?.join(BALLAST))?;
        loop {
            match file.write_all(&CHUNK) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives so many bytes of the room back.
    ///
    /// # Errors
    /// When it was not filled.
    pub fn give_back(&self, bytes: u64) -> anyhow::Result<()> {
        let file = std::fs::OpenOptions::new().write(true).open(self.seen_from_outside()?.join(BALLAST))?;
        let length = file.metadata()?.len();
        Ok(file.set_len(length.saturating_sub(bytes))?)
    }

    /// Gives all the room back.
    ///
    /// # Errors
    /// When it was not filled.
    pub fn free(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.seen_from_outside()?.join(BALLAST))?)
    }
}
