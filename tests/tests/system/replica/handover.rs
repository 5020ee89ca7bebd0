//! The counter's code on a real replica: five tries, whatever is pulled between them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Program, Stdio};

use edge_node::{BusinessClock, Node, RecordError};
use protocol::command::Command;
use protocol::fact::{Fact, PickupChosen};
use protocol::frame::CodeBox;
use protocol::handover::{self, MAX_TRIES};
use protocol::id::Subject;
use protocol::intake::op_of;
use protocol::parcel::lock_of;
use protocol::refusal::Refusal;
use protocol::seat::Role;

use super::seats::World;
use super::{DUE, folder};

const TOKEN: [u8; 16] = [7; 16];
/// Names the replica to a child of this test, which tries one code and waits to be killed.
const TRY_IN: &str = "GETIT_TEST_TRY_IN";
const TRY_PARCEL: &str = "GETIT_TEST_TRY_PARCEL";

/// A parcel on the shelf of the site, which is its point, with its box.
fn shelved(site: &Node, world: &mut World, n: u8, code: &[u8; 6]) -> Subject {
    let (parcel, placed) = world.parcel(n, DUE);
    let pickup = PickupChosen { point: world.site, lock: lock_of(&parcel, &TOKEN), hold_days: 7 };
    let chosen = world.central_says(&[op_of(parcel, &Fact::PickupChosen(pickup), Vec::new())]);
    site.receive(vec![placed, chosen]).unwrap();
    site.record([n; 16], &Command::Receive { parcel, pieces: 1 }).unwrap();
    site.record([n + 1; 16], &Command::Shelve { parcel, shelf: "A3".into() }).unwrap();
    let sealed = handover::seal(&parcel, code, &TOKEN).unwrap();
    site.store().add_boxes(&[CodeBox { subject: parcel, sealed: sealed.into() }]).unwrap();
    parcel
}

fn code_of(error: RecordError) -> Refusal {
    match error {
        RecordError::Refusal(refusal) => refusal,
        RecordError::Error(error) => panic!("{error}"),
    }
}

#[test]
fn a_code_is_counted_compared_and_recorded_once() {
    let (place, mut world) = (folder(), World::new());
    let site = world.node(place.path(), Role::Site, world.site, 10);
    let parcel = shelved(&site, &mut world, 30, b"204881");
    let other = shelved(&site, &mut world, 40, b"733120");
    let ops = |node: &Node| node.store().read(|rows| rows.op_counts()).unwrap();
    let before = ops(&site);
    let said = |act: u8, parcel, text: &str| code_of(site.try_code([act; 16], parcel, text).unwrap_err());
    // What is no code, and what is not at this counter, costs no try.
    for junk in ["", "20488", "GT 4471 8823 7", "কোড", &"9".repeat(10_000)] {
        assert_eq!(said(50, parcel, junk), Refusal::NotACode);
    }
    assert_eq!(said(51, parcel, "08080808080808080808080808080808").code(), "code_mismatch");
    assert_eq!(said(52, parcel, "111111"), Refusal::CodeWrong { left: MAX_TRIES - 1 });
    assert_eq!(said(53, parcel, "733 120").code(), "code_other");
    assert_eq!(ops(&site), before, "nothing was recorded");
    let receipt = site.try_code([54; 16], parcel, "২০৪ ৮৮১").unwrap();
    assert_eq!(receipt.facts[0].kind, "CodeVerified");
    assert_eq!(site.try_code([54; 16], parcel, "000000").unwrap(), receipt, "the same tap again");
    assert_eq!(said(55, parcel, "204881").code(), "wrong_state");
    // The other parcel's tries are its own, and its square opens it at once.
    let scanned = site.try_code([56; 16], other, &"07".repeat(16)).unwrap();
    assert_eq!(scanned.facts[0].subject, other);
    let view = site.store().read(|rows| rows.parcels(Some("shelved"), None, 9)).unwrap();
    assert_eq!(view.iter().map(|row| row.step.as_deref()).collect::<Vec<_>>(), [Some("take_cash"), Some("take_cash")]);
}

#[test]
fn five_tries_survive_a_kill_after_each() {
    if let (Some(dir), Ok(parcel)) = (std::env::var_os(TRY_IN), std::env::var(TRY_PARCEL)) {
        return try_and_wait(Path::new(&dir), Subject::parse(&parcel).unwrap());
    }
    let (place, mut world) = (folder(), World::new());
    let site = world.node(place.path(), Role::Site, world.site, 10);
    let parcel = shelved(&site, &mut world, 30, b"204881");
    drop(site);
    // As the runner names it: the path of this module without its crate.
    let (_, module) = module_path!().split_once("::").unwrap();
    let this = format!("{module}::five_tries_survive_a_kill_after_each");
    for left in (0..MAX_TRIES).rev() {
        let mut child = Program::new(std::env::current_exe().unwrap())
            .args([this.as_str(), "--exact", "--nocapture"])
            .env(TRY_IN, place.path())
            .env(TRY_PARCEL, parcel.to_string())
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let told = lines.filter_map(|line| line.split_once("tried: ").map(|(_, told)| told.to_owned())).next().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let wanted = if left == 0 { "code_locked".to_owned() } else { format!("code_wrong {left}") };
        assert_eq!(told, wanted);
    }
    // Locked, also for the right code and with the clock turned back; papers are for this.
    let site = Node::open(place.path(), BusinessClock::default()).unwrap();
    assert_eq!(code_of(site.try_code([60; 16], parcel, "204881").unwrap_err()), Refusal::CodeLocked);
    let again = CodeBox { subject: parcel, sealed: handover::seal(&parcel, b"204881", &TOKEN).unwrap().into() };
    site.store().add_boxes(&[again]).unwrap();
    assert_eq!(code_of(site.try_code([61; 16], parcel, "204881").unwrap_err()), Refusal::CodeLocked);
    site.record([62; 16], &Command::CheckIdentity { parcel }).unwrap();
    site.record([63; 16], &Command::TakeCash { parcel, amount_paisa: DUE }).unwrap();
    site.record([64; 16], &Command::HandOver { parcel }).unwrap();
}

/// The child: one wrong code, its answer on a line, then it waits for the kill.
fn try_and_wait(dir: &Path, parcel: Subject) {
    let site = Node::open(dir, BusinessClock::default()).unwrap();
    let told = match code_of(site.try_code([99; 16], parcel, "000000").unwrap_err()) {
        Refusal::CodeWrong { left } => format!("code_wrong {left}"),
        refusal => refusal.code().to_owned(),
    };
    println!("tried: {told}");
    // The parent holds the other end: this ends only when it is killed or gone.
    let _ = std::io::stdin().read_line(&mut String::new());
}
