//! The index may be lost, damaged or killed: the answers stay.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use edge_node::search::{Hit, SearchState};
use edge_node::{BusinessClock, Node};

use super::super::durability::{binary, enrolled};
use super::{Counter, PATIENCE, Sent, arrive};

const QUERIES: &[&str] =
    &["rahima", "রহিমা", "4521", "karim", "mirpur", "চট্টগ্রাম", "RG-0019", "ra", "01700", "rahimo", "nobody mirpur"];

fn answers(node: &Node) -> Vec<Vec<Hit>> {
    QUERIES.iter().map(|query| node.search(query, 100).unwrap()).collect()
}

/// Fills up to `most` parcels of people, and returns how they came.
fn fill(counter: &mut Counter, most: u8) -> Vec<Sent> {
    let names = ["রহিমা বেগম", "Rahim Uddin", "Karim Chowdhury", "করিমা আক্তার", "Salma Khatun"];
    let places = ["মিরপুর, ঢাকা", "Agrabad, Chattogram", "House 12, Mirpur", "আগ্রাবাদ, চট্টগ্রাম"];
    let wanted = counter.parcels..most;
    let next = |n: u8| {
        let at = usize::from(n);
        let phone = format!("+88017{:08}", at * 4_521);
        let sent = counter.send(names[at % 5], &phone, places[at % 4], &format!("RG-{:04}", at % 30));
        counter.arrive(&sent);
        sent
    };
    wanted.map(next).collect()
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

fn open(dir: &Path) -> Node {
    Node::open(dir, BusinessClock::default()).unwrap()
}

#[test]
fn an_index_that_is_lost_or_damaged_is_made_anew_and_answers_equally() {
    let mut counter = Counter::new();
    fill(&mut counter, 120);
    counter.settled();
    fill(&mut counter, 150);
    let before = answers(&counter.node);
    for (query, hits) in QUERIES.iter().zip(&before) {
        assert!(!hits.is_empty(), "every query finds something: {query}");
    }
    counter.settled();
    assert_eq!(answers(&counter.node), before, "committed");
    let (data, folder) = (counter.data(), counter.data().join("search"));
    let Counter { node, folder: _kept, .. } = counter;
    drop(node);
    // Marks are dropped, so that nothing but the index can answer.
    let database = rusqlite::Connection::open(data.join("node.db")).unwrap();
    database
        .execute_batch("UPDATE search_place SET dropped = (SELECT max(n) FROM search_mark); DELETE FROM search_mark")
        .unwrap();
    let again = |what: &str| {
        let node = open(&data);
        let status = node.settle_search(PATIENCE);
        assert_eq!(status.state, SearchState::Ready, "{what}");
        assert_eq!(answers(&node), before, "{what}");
        status
    };
    assert_eq!(again("whole").total, 0, "a whole index is not made anew");
    type Hurt = fn(&Path);
    let damages: [(&str, Hurt); 5] = [
        ("flipped in the middle", |path| {
            change(path, |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            })
        }),
        ("flipped at the end", |path| change(path, |bytes| *bytes.last_mut().unwrap() ^= 0x10)),
        ("cut", |path| change(path, |bytes| bytes.truncate(bytes.len() / 2))),
        ("empty", |path| change(path, Vec::clear)),
        ("gone", |path| fs::remove_file(path).unwrap()),
    ];
    for (damage, hurt) in damages {
        // The names differ after each rebuild, the kinds of file do not.
        let kinds: BTreeSet<String> = files(&folder).iter().map(|path| kind(path)).collect();
        assert!(kinds.len() >= 6, "{kinds:?}");
        for wanted in kinds.iter().filter(|kind| !kind.ends_with("lock")) {
            let files = files(&folder);
            let Some(path) = files.iter().find(|path| kind(path) == *wanted) else { continue };
            hurt(path);
            again(&format!("{wanted} {damage}"));
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    let status = again("no folder");
    assert_eq!((status.done, status.total), (150, 150));
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "no folder at all").unwrap();
    again("a file in place of the folder");
    change(&folder.join("meta.json"), |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap().replace("\"payload\": \"1 ", "\"payload\": \"0 ");
        *bytes = text.replace("\"payload\":\"1 ", "\"payload\":\"0 ").into_bytes();
    });
    assert_eq!(again("another version").total, 150);
    database.execute_batch("UPDATE search_place SET id = randomblob(16)").unwrap();
    assert_eq!(again("another database").total, 150);
}

fn kind(path: &Path) -> String {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    name.split_once('.')
        .map_or(name.clone(), |(front, end)| if front.len() == 32 { end.to_owned() } else { name.clone() })
}

fn change(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn killed_in_the_middle_of_a_commit_it_answers_equally_after_the_restart() {
    const KILLS: usize = 12;
    // The twin gets the same facts and is never killed.
    let mut twin = Counter::new();
    let config = enrolled(twin.folder.path().join("killed").as_path(), &twin.world);
    let data = twin.folder.path().join("killed/data");
    let folder = data.join("search");
    let killed = open(&data);
    fill(&mut twin, 60).iter().for_each(|sent| arrive(&killed, sent));
    drop(killed);
    let mut inside = 0;
    for round in 0..KILLS {
        let sent = twin.send(&format!("রহিমা খাতুন {round}"), &format!("+88019{round:08}"), "মিরপুর", "RG-0019");
        twin.arrive(&sent);
        let node = open(&data);
        arrive(&node, &sent);
        drop(node);
        let mut process = Process::new(binary());
        process.arg("search-loop").arg("--config").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let (before, list) = (files(&folder), fs::read(folder.join("meta.json")).ok());
        let mut child = process.spawn().unwrap();
        // A new file of the index: a commit is under way.
        let is_new = |path: &PathBuf| !before.contains(path) && kind(path).len() < 6;
        while !files(&folder).iter().any(is_new) {
            assert!(child.try_wait().unwrap().is_none(), "the loop ended by itself");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        inside += usize::from(fs::read(folder.join("meta.json")).ok() == list);
        let node = open(&data);
        assert_eq!(answers(&node), answers(&twin.node), "round {round}, at once");
        if round % 3 == 0 {
            assert_eq!(node.settle_search(PATIENCE).state, SearchState::Ready);
            assert_eq!(answers(&node), answers(&twin.node), "round {round}, settled");
        }
    }
    assert!(inside > KILLS / 2, "only {inside} of {KILLS} kills came before the commit was done");
}
