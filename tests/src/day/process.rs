//! A real process of the day: started, killed without mercy, started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::process::{Child, Command};

/// A process that does not answer in this time is broken. Generous: two cores start twenty of them.
const READY: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(40);

/// How to start a process, and the one that runs.
pub struct Process {
    /// Its name in reports and logs.
    pub name: String,
    program: PathBuf,
    arguments: Vec<String>,
    /// Its data folder, with `address.json`.
    pub data: PathBuf,
    log: PathBuf,
    child: Option<Child>,
    apart: bool,
    /// How often it was killed.
    pub kills: u64,
}

impl Process {
    /// A process that is not started yet.
    #[must_use]
    pub fn new(name: &str, program: PathBuf, arguments: &[String], data: &Path, logs: &Path) -> Self {
        let log = logs.join(format!("{name}.log"));
        let (name, data) = (name.to_owned(), data.to_owned());
        Self { name, program, arguments: arguments.to_vec(), data, log, child: None, apart: false, kills: 0 }
    }

    /// In a process group of its own: a Ctrl-C at the terminal reaches this process only, which then
    /// stops that one when its turn comes. It still ends when this process is killed.
    #[must_use]
    pub fn apart(mut self) -> Self {
        let program = std::mem::replace(&mut self.program, PathBuf::from("setpriv"));
        let prefix = ["--pdeathsig=TERM".to_owned(), "--".to_owned(), program.display().to_string()];
        self.arguments = [prefix.as_slice(), &self.arguments].concat();
        self.apart = true;
        self
    }

    /// Starts it and waits until it has written its addresses.
    ///
    /// # Errors
    /// When it ends at once or does not get ready; the log's place is in the message.
    pub async fn start(&mut self) -> anyhow::Result<Value> {
        let address = self.data.join("address.json");
        if address.exists() {
            std::fs::remove_file(&address)?;
        }
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        if self.apart {
            command.process_group(0);
        }
        let child = command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started: build first with ./dev", self.program.display()))?;
        self.child = Some(child);
        let deadline = Instant::now() + READY;
        loop {
            if let Ok(text) = std::fs::read_to_string(&address) {
                return serde_json::from_str(&text).context("address.json");
            }
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                bail!("{} ended with {status}; see {}", self.name, self.log.display());
            }
            if Instant::now() > deadline {
                bail!("{} is not ready after {READY:?}; see {}", self.name, self.log.display());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Its number, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// kill -9.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A process that is gone already was killed by nobody else here.
            let _gone = child.kill().await;
            self.kills += 1;
        }
    }

    /// SIGTERM, and waits for a graceful end.
    pub async fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Some(id) = child.id() {
            let _sent = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        }
        if tokio::time::timeout(Duration::from_secs(15), child.wait()).await.is_err() {
            let _gone = child.kill().await;
        }
    }
}
