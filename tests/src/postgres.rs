//! A private Postgres: a cluster in one folder, a Unix socket, no TCP port. As root it runs as the
//! user `postgres`, for a server refuses to be root. It ends with the process that started it, however
//! that ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions};

/// A server that is not ready by then never will be: recovery after a kill takes seconds.
const READY: Duration = Duration::from_secs(60);
/// A fast shutdown writes a checkpoint; then it is killed.
const STOP: Duration = Duration::from_secs(30);
/// How often the rim looks whether the server is ready or gone.
const LOOK: Duration = Duration::from_millis(50);
/// Connections of all processes of a day together.
const MAX_CONNECTIONS: u32 = 200;
/// Where the sockets are: a path over 107 bytes fails, and the user postgres must reach it.
const SOCKETS: &str = "/var/tmp";
const SUPERUSER: &str = "postgres";

/// A Postgres server for one run: a private one, or the one that `DATABASE_URL` names.
#[derive(Debug)]
pub struct Cluster {
    base: PgConnectOptions,
    server: Option<Server>,
}

#[derive(Debug)]
struct Server {
    stop: mpsc::Sender<()>,
    keeper: Mutex<Option<JoinHandle<()>>>,
    sockets: PathBuf,
    /// Held while the server runs; the system lets it go when the process dies.
    _lock: File,
}

impl Cluster {
    /// Starts the cluster in the folder `data`, which is made if it is not there.
    ///
    /// # Errors
    /// When another run holds the folder, when Postgres is not installed, or when it does not start;
    /// the message says what to do.
    pub fn start(data: &Path) -> Result<Self> {
        fs::create_dir_all(data).with_context(|| format!("{} could not be made", data.display()))?;
        let data = data.canonicalize()?;
        let lock = hold(&data)?;
        let user = RunAs::find()?;
        let programs = programs()?;
        let sockets = socket_folder(&data, &user)?;
        let cluster = data.join("cluster");
        if !cluster.join("PG_VERSION").exists() {
            make(&programs, &cluster, &user)?;
        }
        let (stop, stopped) = mpsc::channel();
        let (started, ready) = mpsc::channel();
        let keeper = {
            let command = user.command(&programs.join("postgres"), true);
            let (cluster, sockets, programs) = (cluster.clone(), sockets.clone(), programs.clone());
            let log = data.join("postgres.log");
            thread::Builder::new().name("postgres keeper".into()).spawn(move || {
                keep(command, &programs, &cluster, &sockets, &log, &started, &stopped);
            })?
        };
        let outcome = ready.recv().unwrap_or_else(|_| Err(anyhow!("the keeper of Postgres ended early")));
        let server = Server { stop, keeper: Mutex::new(Some(keeper)), sockets: sockets.clone(), _lock: lock };
        outcome?;
        let base = PgConnectOptions::new_without_pgpass().socket(&sockets).username(SUPERUSER).database("postgres");
        Ok(Self { base, server: Some(server) })
    }

    /// The server that a URL names, which is left running.
    ///
    /// # Errors
    /// When it is not a URL of Postgres.
    pub fn given(url: &str) -> Result<Self> {
        let base = PgConnectOptions::from_str(url).context("DATABASE_URL is not a Postgres URL")?;
        Ok(Self { base, server: None })
    }

    /// One cluster for all tests of this binary: that of `DATABASE_URL`, or a private one that ends
    /// with the binary.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let start = || match std::env::var("DATABASE_URL") {
            Ok(url) => Self::given(&url),
            Err(_) => {
                clear_leftovers();
                Self::start(&PathBuf::from(format!("{SOCKETS}/{TEST_FOLDER}{}", std::process::id())))
            }
        };
        SHARED.get_or_init(|| start().map_err(|error| format!("{error:#}"))).as_ref().map_err(|e| anyhow!(e.clone()))
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        match &self.server {
            Some(server) => format!("postgres://{SUPERUSER}@localhost/{database}?host={}", server.sockets.display()),
            None => self.base.clone().database(database).to_url_lossy().to_string(),
        }
    }

    /// Makes a database, if it is not there.
    ///
    /// # Errors
    /// When the name is not of lower-case letters, digits and `_`, or Postgres refuses.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            bail!("{name:?} is not a database name: use lower-case letters, digits and _");
        }
        let pool = PgPoolOptions::new().max_connections(1).connect_with(self.base.clone()).await?;
        let there: Option<(i32,)> =
            sqlx::query_as("SELECT 1 FROM pg_database WHERE datname = $1").bind(name).fetch_optional(&pool).await?;
        if there.is_none() {
            sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await?;
        }
        pool.close().await;
        Ok(())
    }

    /// A new database of its own for one test, and a pool on it, connected as the product connects.
    ///
    /// # Errors
    /// See [`Cluster::create_database`].
    pub async fn fresh_database(&self) -> Result<(String, PgPool)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.create_database(&name).await?;
        let url = self.url(&name);
        let pool = central::store::connect(&url, 8).await?;
        Ok((url, pool))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The keeper may be gone already: then there is nothing to stop.
        let _gone = self.stop.send(());
        if let Ok(mut keeper) = self.keeper.lock() {
            drop(keeper.take().map(JoinHandle::join));
        }
        drop(fs::remove_dir_all(&self.sockets));
    }
}

/// Prefix of the folders of test clusters; the process id follows.
const TEST_FOLDER: &str = "getit-test-pg-";

/// A test binary cannot clean up after its statics: the next one clears what dead processes left.
fn clear_leftovers() {
    let Ok(entries) = fs::read_dir(SOCKETS) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(TEST_FOLDER)).and_then(|id| id.parse::<u32>().ok());
        if id.is_some_and(|id| !Path::new(&format!("/proc/{id}")).exists()) && hold(&entry.path()).is_ok() {
            drop(fs::remove_dir_all(socket_path(&entry.path())));
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Takes the folder for this process.
fn hold(data: &Path) -> Result<File> {
    let path = data.join("cluster.lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    lock.try_lock().map_err(|_| {
        anyhow!("{} is in use by another run: stop that one, or set GETIT_DATA to another folder", data.display())
    })?;
    Ok(lock)
}

/// Whom the server runs as.
struct RunAs {
    /// Set when this process is root.
    other: Option<(u32, u32)>,
}

impl RunAs {
    fn find() -> Result<Self> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(Self { other: None });
        }
        let users = fs::read_to_string("/etc/passwd")?;
        let ids = |line: &str| {
            let mut fields = line.split(':');
            let (name, uid, gid) = (fields.next()?, fields.nth(1)?, fields.next()?);
            (name == SUPERUSER).then_some((uid.parse().ok()?, gid.parse().ok()?))
        };
        let other = users.lines().find_map(ids);
        Ok(Self { other: Some(other.context("there is no user postgres: install the package postgresql")?) })
    }

    /// `program` as that user; with `tied`, it gets a signal when the thread that starts it ends.
    fn command(&self, program: &Path, tied: bool) -> Command {
        let mut command = Command::new("setpriv");
        if let Some((uid, gid)) = self.other {
            command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".into()]);
        }
        if tied {
            // SIGINT is Postgres's fast shutdown.
            command.arg("--pdeathsig=INT");
        }
        command.arg("--").arg(program).current_dir("/").env_remove("PGDATA");
        command
    }

    fn own(&self, path: &Path) -> io::Result<()> {
        self.other.map_or(Ok(()), |(uid, gid)| std::os::unix::fs::chown(path, Some(uid), Some(gid)))
    }
}

/// The folder of the server's programs: `GETIT_POSTGRES_BIN`, or the newest that Debian installed.
fn programs() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("GETIT_POSTGRES_BIN") {
        return Ok(folder.into());
    }
    let versions = fs::read_dir("/usr/lib/postgresql").map(|entries| entries.flatten().collect::<Vec<_>>());
    let version = |entry: &fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
    let newest = versions.unwrap_or_default().iter().filter_map(version).max();
    newest
        .map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")))
        .filter(|folder| folder.join("postgres").exists())
        .context("Postgres is not installed: run `apt-get install postgresql`, or set GETIT_POSTGRES_BIN")
}

fn socket_path(data: &Path) -> PathBuf {
    // FNV-1a: a short name that differs for each folder; the lock file is what protects.
    let hash = data
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    PathBuf::from(format!("{SOCKETS}/getit-pg-{hash:016x}"))
}

fn socket_folder(data: &Path, user: &RunAs) -> Result<PathBuf> {
    let path = socket_path(data);
    // Left by a killed run, or put there by somebody else: made anew either way.
    if path.symlink_metadata().is_ok() {
        fs::remove_dir_all(&path).with_context(|| format!("{} is in the way: remove it", path.display()))?;
    }
    fs::DirBuilder::new().mode(0o700).create(&path)?;
    user.own(&path)?;
    Ok(path)
}

fn make(programs: &Path, cluster: &Path, user: &RunAs) -> Result<()> {
    // What an interrupted initdb left is no cluster.
    if cluster.exists() {
        fs::remove_dir_all(cluster)?;
    }
    fs::create_dir(cluster)?;
    fs::set_permissions(cluster, fs::Permissions::from_mode(0o700))?;
    user.own(cluster)?;
    let mut initdb = user.command(&programs.join("initdb"), false);
    initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username", SUPERUSER, "--pgdata"]);
    let made = initdb.arg(cluster).stdin(Stdio::null()).output().context("setpriv or initdb could not be run")?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        bail!("initdb failed in {}; the user postgres must be able to enter it: {said}", cluster.display());
    }
    Ok(())
}

/// Runs the server until told to stop. The thread lives as long: the server is tied to it.
fn keep(
    mut command: Command,
    programs: &Path,
    cluster: &Path,
    sockets: &Path,
    log: &Path,
    started: &mpsc::Sender<Result<()>>,
    stopped: &mpsc::Receiver<()>,
) {
    let mut server = match launch(&mut command, cluster, sockets, log) {
        Ok(server) => server,
        Err(error) => return drop(started.send(Err(error))),
    };
    let ready = wait_ready(&mut server, programs, sockets, log);
    let failed = ready.is_err();
    drop(started.send(ready));
    if !failed {
        // An error means that the cluster was dropped: the same as being told.
        let _told = stopped.recv();
    }
    stop(&mut server);
}

fn launch(command: &mut Command, cluster: &Path, sockets: &Path, log: &Path) -> Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    command.arg("-D").arg(cluster).arg("-k").arg(sockets);
    for setting in ["listen_addresses=", "fsync=on", "synchronous_commit=on", "shared_buffers=128MB"] {
        command.args(["-c", setting]);
    }
    command.arg("-c").arg(format!("max_connections={MAX_CONNECTIONS}"));
    // A Ctrl-C at the terminal must not stop it under those who use it: it ends with this process.
    command.process_group(0);
    let server = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
    server.context("setpriv or postgres could not be run")
}

fn wait_ready(server: &mut Child, programs: &Path, sockets: &Path, log: &Path) -> Result<()> {
    let until = Instant::now() + READY;
    loop {
        if let Some(status) = server.try_wait()? {
            bail!("Postgres ended at once ({status}): see {}", log.display());
        }
        let mut asks = Command::new(programs.join("pg_isready"));
        asks.arg("--quiet").arg("--host").arg(sockets).args(["--dbname", "postgres", "--username", SUPERUSER]);
        if asks.status()?.success() {
            return Ok(());
        }
        if Instant::now() > until {
            bail!("Postgres is not ready after {} s: see {}", READY.as_secs(), log.display());
        }
        thread::sleep(LOOK);
    }
}

fn stop(server: &mut Child) {
    let asked = Command::new("kill").args(["-INT", &server.id().to_string()]).status();
    let until = Instant::now() + STOP;
    while asked.is_ok() && Instant::now() < until {
        if !matches!(server.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(LOOK);
    }
    // It did not go by itself; its log replays at the next start.
    drop(server.kill());
    drop(server.wait());
}
