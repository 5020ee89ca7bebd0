//! One replica with no network: a tap, its receipt, its projections, and what a kill cannot take.
// A test that cannot go on stops; clippy knows test functions, not what they share.
#![allow(clippy::unwrap_used)]

mod counter;
mod durability;
mod handover;
mod kiosk;
mod search;
mod seats;
mod slips;
mod vendor_screen;

use edge_node::{BusinessClock, Node, RecordError, Standing};
use protocol::account::Code as Chart;
use protocol::burst::{Burst, Slot};
use protocol::command::Command;
use protocol::contest::Code;
use protocol::fact::{AttemptReason, Fact, Judged};
use protocol::id::{Id16, Kind, OpId, Scope, Subject};
use protocol::intake::op_of;
use protocol::op::lane;
use protocol::seat::Role;
use protocol::taka::Taka;
use seats::{World, acquaint, own};
use tempfile::TempDir;

const DUE: Taka = Taka::whole(1_250);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn deliver(parcel: Subject, paid: Taka) -> Command {
    Command::Deliver { parcel, evidence: 1, collected_paisa: Some(paid), confirm_difference: paid != DUE }
}

/// A site, an agent with a loaded parcel, and every burst that was written on the way.
struct Walk {
    world: World,
    site: Node,
    agent: Node,
    parcel: Subject,
    bursts: Vec<Burst>,
    acts: u8,
    _folders: Vec<TempDir>,
}

impl Walk {
    fn new() -> Self {
        Self::of(World::new())
    }

    fn of(mut world: World) -> Self {
        let folders = vec![folder(), folder()];
        let site = world.node(folders[0].path(), Role::Site, world.site, 10);
        let agent = world.node(folders[1].path(), Role::Agent, world.agent(20), 20);
        acquaint(&[&site, &agent]);
        let (parcel, placed) = world.parcel(30, DUE);
        let mut walk = Self { world, site, agent, parcel, bursts: Vec::new(), acts: 0, _folders: folders };
        walk.spread(placed);
        let to = walk.world.agent(20);
        walk.at_site(&Command::Receive { parcel, pieces: 1 });
        walk.at_site(&Command::Dispatch { parcels: vec![parcel], agent: to });
        walk.by_agent(&Command::Load { parcels: vec![parcel] });
        walk
    }

    fn act(&mut self) -> [u8; 16] {
        self.acts += 1;
        [self.acts; 16]
    }

    fn spread(&mut self, burst: Burst) {
        self.site.receive(vec![burst.clone()]).unwrap();
        self.agent.receive(vec![burst.clone()]).unwrap();
        self.bursts.push(burst);
    }

    fn at_site(&mut self, command: &Command) {
        let act = self.act();
        self.site.record(act, command).unwrap();
        let last = own(&self.site).pop().unwrap();
        self.spread(last);
    }

    fn by_agent(&mut self, command: &Command) -> [u8; 16] {
        let act = self.act();
        self.agent.record(act, command).unwrap();
        let last = own(&self.agent).pop().unwrap();
        self.spread(last);
        act
    }
}

fn ops(node: &Node) -> u64 {
    node.store().read(|rows| rows.op_counts()).unwrap().0
}

fn cash(node: &Node) -> Taka {
    node.store().read(|rows| rows.cash_on_hand()).unwrap()
}

#[test]
fn a_tap_gives_a_receipt_and_the_second_tap_gives_it_again() {
    let mut walk = Walk::new();
    let act = walk.act();
    let woken = walk.agent.subscribe();
    let first = walk.agent.record(act, &deliver(walk.parcel, DUE)).unwrap();
    assert!(woken.has_changed().unwrap());
    assert_eq!((first.standing, first.facts.len()), (Standing::OnDevice, 1));
    assert_eq!((first.facts[0].kind.as_str(), first.facts[0].subject), ("Delivered", walk.parcel));
    assert_eq!(cash(&walk.agent), DUE);
    let held = ops(&walk.agent);
    // Also with another amount: the act is what was tapped, not what it says.
    let again = walk.agent.record(act, &deliver(walk.parcel, Taka::whole(1))).unwrap();
    assert_eq!((again, ops(&walk.agent)), (first.clone(), held));

    let hello = walk.agent.store().hello().unwrap();
    assert_eq!((hello.last_seq, hello.safe_upto, walk.agent.store().outbox_len().unwrap()), (2, 0, 2));
    walk.agent.store().set_safe(hello.inc, 2).unwrap();
    let standing = |node: &Node| node.receipt(act).unwrap().unwrap().standing;
    assert_eq!(standing(&walk.agent), Standing::OnDevice);
    walk.agent.store().note_compared(7, true, true, None).unwrap();
    assert_eq!((standing(&walk.agent), walk.agent.store().outbox_len().unwrap()), (Standing::InTheBooks, 0));
    walk.agent.store().lower_safe(hello.inc, 1).unwrap();
    assert_eq!((standing(&walk.agent), walk.agent.store().outbox_len().unwrap()), (Standing::OnDevice, 1));

    let op = own(&walk.agent)[1].ids()[0];
    let judged = Fact::Judged(Judged { op, code: Code::NotInCustody as u16 });
    let burst = walk.world.central_says(&[op_of(walk.parcel, &judged, vec![op.short()])]);
    walk.agent.receive(vec![burst]).unwrap();
    let receipt = walk.agent.receipt(act).unwrap().unwrap();
    let attention = receipt.attention.unwrap();
    assert_eq!((receipt.standing, attention.code.as_str()), (Standing::NeedsAttention, "not_in_custody"));
    assert_eq!(attention.next, Code::NotInCustody.next_step());
    assert!(walk.agent.receipt([99; 16]).unwrap().is_none());
}

#[test]
fn a_slot_that_central_refused_needs_attention() {
    let mut walk = Walk::new();
    let act = walk.by_agent(&deliver(walk.parcel, DUE));
    let hello = walk.agent.store().hello().unwrap();
    walk.agent.store().note_refused(hello.inc, hello.last_seq, 0, "class_not_yours", 5).unwrap();
    let receipt = walk.agent.receipt(act).unwrap().unwrap();
    assert_eq!(receipt.standing, Standing::NeedsAttention);
    assert_eq!(receipt.attention.unwrap().code, "class_not_yours");
}

#[test]
fn cash_follows_the_delivery_the_offer_and_the_count() {
    let mut walk = Walk::new();
    walk.by_agent(&deliver(walk.parcel, DUE));
    let (site, agent) = (walk.world.site, walk.world.agent(20));
    walk.by_agent(&Command::Offer { site, amount_paisa: Taka::whole(1_000) });
    assert_eq!(cash(&walk.agent), Taka::whole(250), "an open offer is not on hand any more");
    let handin = walk.agent.store().read(|rows| rows.handins(None, 10)).unwrap()[0].handin;
    let count = Command::Count { handin, agent, counted_paisa: Taka::whole(990), denominations: Vec::new() };
    walk.at_site(&count);
    assert_eq!(cash(&walk.agent), Taka::whole(250));
    let balance = |code: Chart, owner| walk.site.store().read(|rows| rows.balance(code.of_owner(owner))).unwrap();
    assert_eq!(balance(Chart::Till, site), Taka::whole(990));
    assert_eq!(balance(Chart::Shortage, agent), Taka::whole(10));
    assert_eq!(walk.site.store().books().unwrap(), walk.agent.store().books().unwrap());
}

#[test]
fn a_refusal_changes_nothing() {
    let mut walk = Walk::new();
    let parcel = walk.parcel;
    let before = (walk.agent.digest().unwrap(), ops(&walk.agent), walk.agent.store().hello().unwrap());
    let unknown = Subject::new(Kind::Parcel, Id16([77; 16]));
    let site = walk.world.site;
    let no = |amount| Command::Deliver { parcel, evidence: 1, collected_paisa: amount, confirm_difference: false };
    for (command, code) in [
        (no(Some(Taka::whole(1_200))), "amount_differs"),
        (no(None), "cash_needed"),
        (no(Taka::from_paisa(-1)), "bad_amount"),
        (deliver(unknown, DUE), "unknown_subject"),
        (Command::Load { parcels: vec![parcel] }, "wrong_state"),
        (Command::Load { parcels: Vec::new() }, "bad_count"),
        (Command::Receive { parcel, pieces: 1 }, "wrong_role"),
        (Command::Offer { site, amount_paisa: Taka::whole(1) }, "more_than_held"),
        (Command::Fail { parcel: unknown, reason: AttemptReason::Unsafe }, "unknown_subject"),
    ] {
        let act = walk.act();
        let refused = walk.agent.record(act, &command);
        let Err(RecordError::Refusal(refusal)) = refused else { panic!("{command:?}: {refused:?}") };
        assert_eq!(refusal.code(), code);
        assert!(walk.agent.receipt(act).unwrap().is_none());
        let after = (walk.agent.digest().unwrap(), ops(&walk.agent), walk.agent.store().hello().unwrap());
        assert_eq!(before, after, "{code}");
    }
}

#[test]
fn a_changed_row_shows_and_the_rebuild_heals_it() {
    let mut walk = Walk::new();
    walk.by_agent(&deliver(walk.parcel, Taka::whole(1_200)));
    let site = walk.world.site;
    walk.by_agent(&Command::Offer { site, amount_paisa: Taka::whole(500) });
    let whole = walk.site.digest().unwrap();
    assert!(whole.iter().filter(|table| table.rows > 0).count() >= 5, "{whole:?}");
    walk.site.rebuild().unwrap();
    assert_eq!(walk.site.digest().unwrap(), whole);
    let file = walk._folders[0].path().join("node.db");
    let damage = rusqlite::Connection::open(file).unwrap();
    for (table, change) in [
        ("local_ledger", "UPDATE local_ledger SET amount_paisa = amount_paisa + 1 WHERE line = 0"),
        ("member", "UPDATE member SET put_gen = 9"),
        ("root", "DELETE FROM root WHERE lane = 1"),
        ("view_parcel", "UPDATE view_parcel SET status = 'returned'"),
        ("view_handin", "DELETE FROM view_handin"),
    ] {
        assert!(damage.execute(change, []).unwrap() > 0, "{change}");
        let hurt = walk.site.digest().unwrap();
        let differ: Vec<&str> = hurt.iter().zip(&whole).filter(|(a, b)| a != b).map(|(a, _)| a.table).collect();
        assert_eq!(differ, [table]);
        walk.site.rebuild().unwrap();
        assert_eq!(walk.site.digest().unwrap(), whole, "{change}");
    }
}

#[test]
fn a_program_with_other_rules_folds_everything_anew_before_it_is_read() {
    let mut walk = Walk::new();
    walk.by_agent(&deliver(walk.parcel, Taka::whole(1_200)));
    let whole = walk.site.digest().unwrap();
    let Walk { site, agent, _folders: folders, .. } = walk;
    drop((site, agent));
    let open = || Node::open(folders[0].path(), BusinessClock::default()).unwrap();
    let status = "UPDATE view_parcel SET status = 'returned'";
    // By the same rules nothing is folded again; by others everything is.
    for (made_by, heals) in [
        ("UPDATE counter SET value = value WHERE name LIKE '%rules'", false),
        ("DELETE FROM counter WHERE name LIKE '%rules'", true),
    ] {
        let file = rusqlite::Connection::open(folders[0].path().join("node.db")).unwrap();
        assert!(file.execute(status, []).unwrap() > 0 && file.execute(made_by, []).unwrap() == 1, "{made_by}");
        drop(file);
        assert_eq!(open().digest().unwrap() == whole, heals, "{made_by}");
    }
}

/// Enough chance for shuffles, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn any_order_any_repeat_any_piece_gives_one_state() {
    let mut walk = Walk::new();
    let rival_folder = folder();
    let rival_party = walk.world.agent(21);
    let rival = walk.world.node(rival_folder.path(), Role::Agent, rival_party, 21);
    acquaint(&[&walk.site, &walk.agent, &rival]);
    // The site gives the parcel to a second agent without knowing that the first delivered it.
    let (parcel, site, act) = (walk.parcel, walk.world.site, walk.act());
    walk.agent.record(act, &deliver(parcel, DUE)).unwrap();
    walk.at_site(&Command::Dispatch { parcels: vec![parcel], agent: rival_party });
    rival.receive(walk.bursts.clone()).unwrap();
    rival.record([200; 16], &Command::Load { parcels: vec![parcel] }).unwrap();
    rival.record([201; 16], &deliver(parcel, DUE)).unwrap();
    rival.record([202; 16], &Command::Offer { site, amount_paisa: DUE }).unwrap();
    let late = own(&walk.agent).pop().unwrap();
    own(&rival).into_iter().chain([late]).for_each(|burst| walk.spread(burst));
    let whole = walk.site.digest().unwrap();
    let certificates: Vec<Vec<u8>> =
        [&walk.site, &walk.agent, &rival].map(|node| node.identity().certificate.clone()).to_vec();

    for seed in 0..12 {
        let mut dice = Dice(seed);
        let place = folder();
        // A second device at the same site holds the same sets.
        let other = walk.world.node(place.path(), Role::Site, walk.world.site, 11);
        other.store().add_certificates(&certificates).unwrap();
        let mut pieces: Vec<Burst> = Vec::new();
        for burst in &walk.bursts {
            let ids = burst.ids();
            // Each op alone, then the whole again.
            pieces.extend(ids.iter().map(|id| burst.withhold(|seen: &OpId| seen == id)));
            pieces.push(burst.clone());
        }
        for at in (1..pieces.len()).rev() {
            pieces.swap(at, dice.roll(at + 1));
        }
        let mut rest = pieces.as_slice();
        let (mut taken, mut duplicates) = (0, 0);
        while !rest.is_empty() {
            let (batch, left) = rest.split_at(1 + dice.roll(rest.len().min(5)));
            let received = other.receive(batch.to_vec()).unwrap();
            taken += received.taken;
            duplicates += received.duplicates;
            rest = left;
        }
        assert_eq!(taken, ops(&walk.site));
        assert_eq!(duplicates, taken, "every op came twice");
        assert_eq!(other.digest().unwrap(), whole, "seed {seed}");
        other.rebuild().unwrap();
        assert_eq!(other.digest().unwrap(), whole, "seed {seed}, rebuilt");
    }
    let view = walk.site.store().read(|rows| rows.parcels(None, None, 10)).unwrap().pop().unwrap();
    assert!(!view.contested.is_empty(), "two agents had it: {view:?}");
}

#[test]
fn what_is_missing_is_found_by_root_and_repaired_by_ids() {
    let mut walk = Walk::new();
    walk.by_agent(&deliver(walk.parcel, DUE));
    let place = folder();
    let other = walk.world.node(place.path(), Role::Site, walk.world.site, 11);
    let strangers = other.receive(walk.bursts.clone()).unwrap();
    assert_eq!(strangers.unknown_authors.len(), 2);
    acquaint(&[&walk.site, &walk.agent, &other]);
    let (last, before) = walk.bursts.split_last().unwrap();
    other.receive(before.to_vec()).unwrap();
    let key: (Scope, u8) = (walk.world.site, lane::MONEY);
    let (ours, theirs) = (walk.site.store().roots().unwrap(), other.store().roots().unwrap());
    assert_ne!(ours[&key], theirs[&key]);
    let (ours, theirs) =
        (walk.site.store().short_ids(key.0, key.1).unwrap(), other.store().short_ids(key.0, key.1).unwrap());
    assert!(ours.is_sorted());
    let missing: Vec<_> = ours.into_iter().filter(|id| !theirs.contains(id)).collect();
    assert_eq!(missing, [last.ids()[0].short()]);
    let repair = walk.site.store().bursts_with(&missing).unwrap();
    assert_eq!(repair, [last.encode()], "byte-identical");

    let mut forged = last.clone();
    forged.sig[3] ^= 1;
    let mut bent = last.clone();
    let Slot::Open(bytes) = &mut bent.slots[0] else { panic!("the op is open") };
    *bytes.last_mut().unwrap() ^= 1;
    let still = other.digest().unwrap();
    assert_eq!(other.receive(vec![forged, bent]).unwrap().refused, 2);
    assert_eq!(other.digest().unwrap(), still);

    other.receive(repair.iter().map(|burst| Burst::decode(burst).unwrap()).collect()).unwrap();
    assert_eq!(other.store().roots().unwrap(), walk.site.store().roots().unwrap());
    assert_eq!(other.store().books().unwrap(), walk.site.store().books().unwrap());
    assert_eq!(other.digest().unwrap(), walk.site.digest().unwrap());
}

#[test]
fn a_new_incarnation_starts_at_one_and_the_old_outbox_stays() {
    let mut walk = Walk::new();
    let before = walk.agent.store().hello().unwrap();
    let inc = walk.agent.new_incarnation().unwrap();
    assert_ne!(inc, before.inc);
    walk.by_agent(&deliver(walk.parcel, DUE));
    let burst = own(&walk.agent).pop().unwrap();
    assert_eq!((burst.head.inc, burst.head.seq, burst.head.prev), (inc, 1, [0; 16]));
    let old = own_of(&walk.agent, before.inc);
    assert!(burst.head.time_ms >= old.last().unwrap().head.time_ms);
    assert_eq!(walk.agent.store().outbox_len().unwrap(), 2);
    let waiting = walk.agent.store().waiting_incarnations().unwrap();
    assert_eq!(waiting.len(), 2);
    walk.agent.store().set_safe(before.inc, 1).unwrap();
    assert_eq!(walk.agent.store().waiting_incarnations().unwrap(), [(inc, 0)]);
}

fn own_of(node: &Node, inc: protocol::id::Incarnation) -> Vec<Burst> {
    let bytes = node.store().own_bursts_of(inc, 0, usize::MAX).unwrap();
    bytes.iter().map(|burst| Burst::decode(burst).unwrap()).collect()
}
