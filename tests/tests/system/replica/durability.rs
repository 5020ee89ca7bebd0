//! A receipt is a promise: kill -9 at any moment takes none back, and each follows its fsync.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edge_node::{BusinessClock, Node, Receipt};
use protocol::seat::Role;

use super::seats::World;

const KILLS: usize = 200;

/// The binary beside this test; built when it is missing.
pub(super) fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("edge-node");
    if !path.exists() {
        let built = Command::new(env!("CARGO")).args(["build", "-p", "edge-node", "--bin", "edge-node"]).status();
        assert!(built.unwrap().success());
    }
    path
}

/// A site's data folder, with a configuration beside it.
pub(super) fn enrolled(folder: &Path, world: &World) -> PathBuf {
    let data = folder.join("data");
    drop(world.node(&data, Role::Site, world.site, 10));
    let config = folder.join("node.toml");
    std::fs::write(&config, format!("data_dir = {:?}\n", data.display().to_string())).unwrap();
    config
}

/// Starts the loop; `command` is the binary, or what it runs under.
fn write_loop(mut command: Command, config: &Path, world: &World, more: &[&str]) -> Child {
    let agent = world.agent(20).to_string();
    command.arg("write-loop").arg("--config").arg(config).args(["--agent", &agent]).args(more);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

fn act_of(receipt: &Receipt) -> [u8; 16] {
    let act: Vec<u8> = (0..32).step_by(2).map(|at| u8::from_str_radix(&receipt.act[at..at + 2], 16).unwrap()).collect();
    act.try_into().unwrap()
}

#[test]
fn two_hundred_kills_lose_no_receipt() {
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new());
    let config = enrolled(folder.path(), &world);
    let mut given: Vec<Receipt> = Vec::new();
    for round in 0..KILLS {
        let mut child = write_loop(Command::new(binary()), &config, &world, &[]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
        for _ in 0..=round % 7 {
            given.push(serde_json::from_slice(&lines.next().unwrap().unwrap()).unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was printed before the kill came is promised as well; the last line may be torn.
        given.extend(lines.map_while(Result::ok).filter_map(|line| serde_json::from_slice(&line).ok()));
    }
    assert!(given.len() >= KILLS);
    let node = Node::open(&folder.path().join("data"), BusinessClock::default()).unwrap();
    for receipt in &given {
        assert_eq!(node.receipt(act_of(receipt)).unwrap().as_ref(), Some(receipt));
    }
    let hello = node.store().hello().unwrap();
    assert!(hello.last_seq >= given.len() as u64);
    let chain = super::own(&node);
    assert!(chain.windows(2).all(|pair| pair[1].head.prev[..] == pair[0].digest().0[..16]), "an unbroken chain");
    let whole = node.digest().unwrap();
    node.rebuild().unwrap();
    assert_eq!(node.digest().unwrap(), whole);
}

#[test]
fn every_receipt_follows_the_sync_of_its_append() {
    const ACTS: usize = 40;
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new());
    let config = enrolled(folder.path(), &world);
    let trace = folder.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "16", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o"]).arg(&trace);
    strace.arg(binary());
    let ran = write_loop(strace, &config, &world, &["--count", &ACTS.to_string()]).wait_with_output().unwrap();
    assert!(ran.status.success());
    assert_eq!(ran.stdout.iter().filter(|byte| **byte == b'\n').count(), ACTS);
    let (mut appended, mut synced, mut receipts) = (false, false, 0);
    for line in std::fs::read_to_string(trace).unwrap().lines() {
        let log = line.contains("node.db-wal>");
        if log && line.contains("pwrite64(") {
            (appended, synced) = (true, false);
        } else if log && (line.contains("fdatasync(") || line.contains("fsync(")) && line.ends_with("= 0") {
            synced = appended;
        } else if line.contains("write(1<") {
            assert!(appended && synced, "a receipt before its append was on the disk: {line}");
            (appended, synced) = (false, false);
            receipts += 1;
        }
    }
    assert_eq!(receipts, ACTS);
}

#[tokio::test]
async fn the_daemon_says_where_it_is_and_stops_when_told() {
    // Another test of this process may have installed it first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (folder, world) = (tempfile::tempdir().unwrap(), World::new());
    let config = enrolled(folder.path(), &world);
    let run = |more: &str| {
        let mut command = Command::new(binary());
        command.arg("run").arg("--config").arg(&config).env("GETIT_HTTP__LISTEN", more).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let refused = run("0.0.0.0:0").wait_with_output().unwrap();
    assert!(!refused.status.success() && String::from_utf8(refused.stderr).unwrap().contains("http.listen"));

    let child = run("127.0.0.1:0");
    let file = folder.path().join("data/address.json");
    let address = async {
        loop {
            if let Ok(text) = std::fs::read_to_string(&file) {
                break serde_json::from_str::<serde_json::Value>(&text).unwrap()["http"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let address = tokio::time::timeout(Duration::from_secs(20), address).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = client.get(format!("http://{address}/readyz")).send().await.unwrap();
    assert!(ready.status().is_success());
    drop((ready, client));
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
