//! What must hold: some of it at every moment, all of it when the faults are over.

use std::collections::{BTreeMap, BTreeSet};

use protocol::account::{Account, Code as Chart};
use protocol::burst::Head;
use protocol::contest::Code;
use protocol::fold::State;
use protocol::id::{Incarnation, Subject};
use protocol::intake::OpRow;
use protocol::parcel::Status;
use protocol::seat::bits;
use protocol::taka::Taka;

use super::device::Device;
use super::fault::{Fault, Report};
use super::world::World;
use crate::model::Memory;

/// Rules of which one subject has one journal, whatever happens.
const ONCE: [&str; 9] = ["J4", "J5", "J7", "J8", "J9", "J10", "J11", "J11a", "J21"];

/// What holds after every step; `touched` is the device that something happened to.
pub(super) fn at_a_step(world: &World, touched: Option<usize>) -> Result<(), String> {
    let trial: Taka = world.central.memory.balances.values().copied().sum();
    if trial != Taka::ZERO {
        return Err(format!("the trial balance is {trial}"));
    }
    let Some(device) = touched.and_then(|at| world.devices.get(at)) else { return Ok(()) };
    safe_is_held(world, device)?;
    outbox_is_whole(device)
}

/// What a device was told to be SAFE is in central's log: once it was welcomed there as it is now.
fn safe_is_held(world: &World, device: &Device) -> Result<(), String> {
    if !device.met {
        return Ok(());
    }
    for (inc, safe) in device.edge.safe_of_all() {
        let held = world.central.memory.chains.get(&(device.edge.author, inc)).map_or(0, |chain| chain.upto);
        if held < safe {
            return Err(format!("{} holds SAFE up to {safe} of {inc}, and central has {held}", device.edge.seat.party));
        }
    }
    Ok(())
}

/// Whatever was written here and is not SAFE goes out again.
fn outbox_is_whole(device: &Device) -> Result<(), String> {
    let edge = &device.edge;
    let safe: BTreeMap<Incarnation, u64> = edge.safe_of_all().collect();
    let mut outbox: BTreeSet<(Incarnation, u64)> = BTreeSet::new();
    for bytes in edge.outbox() {
        let (head, _) = Head::decode_front(bytes).map_err(|error| error.to_string())?;
        outbox.insert((head.inc, head.seq));
    }
    for (inc, seq) in &edge.wrote {
        let is_safe = safe.get(inc).is_some_and(|safe| seq <= safe);
        if !is_safe && !outbox.contains(&(*inc, *seq)) {
            return Err(format!("{} wrote {seq} of {inc}, which is neither SAFE nor waiting", edge.seat.party));
        }
    }
    Ok(())
}

/// What holds when every fault is over and everybody has talked.
pub(super) fn at_the_end(mut world: World) -> Result<Report, String> {
    world.central.memory.sketches_stand(|_| true);
    for device in &world.devices {
        device.edge.memory.sketches_stand(|scope| device.edge.seat.may(bits::READ, scope));
        for (rung, count) in &device.edge.repairs {
            *world.report.repairs.entry(rung).or_default() += count;
        }
        for (word, count) in [("let_go", device.edge.memory.let_go), ("differed", device.edge.memory.differed)] {
            *world.report.closing.entry(word).or_default() += count;
        }
        let who = device.edge.seat.party;
        let drained = world.revoked.as_ref().is_some_and(|(author, _)| *author == device.edge.author);
        let waiting = device.edge.outbox().count();
        ensure(waiting == 0, || format!("{who} still has {waiting} bursts waiting"))?;
        // A withdrawn device is drained of what it wrote; it does not feed a restored central otherwise.
        for (id, (_, row)) in &device.edge.memory.ops {
            let fed = !drained || row.held.author == device.edge.author;
            let held = world.central.memory.ops.contains_key(id);
            ensure(held || !fed, || {
                format!("{who} holds {id}, and central does not: {}", place_of(&world, device, row))
            })?;
        }
        if !drained {
            ensure(device.edge.compared == Some((true, true)), || {
                format!("{who} does not have equal roots and books: {:?}", device.edge.compared)
            })?;
            same_rows(&world, device)?;
            same_position(&world, device)?;
            only_its_own(&world, device)?;
        }
    }
    let of = world.central.memory.members.values().flat_map(BTreeMap::values);
    let again = of.filter(|(held, _)| held.is_member() && held.close > 0).count() as u64;
    *world.report.closing.entry("opened_again").or_default() += again;
    books(&world)?;
    signatures(&world)?;
    withdrawn(&world)?;
    subjects(&mut world)?;
    let forks = world.central.memory.chains.values().filter(|chain| chain.forked).count() as u64;
    let lied = world.report.faults.contains_key(Fault::LyingDisk.word());
    ensure(forks == 0 || lied, || format!("{forks} chains have a number twice, and no disk lied"))?;
    world.report.forks = forks;
    world.report.facts = world.central.memory.ops.len() as u64;
    world.report.duplicates = world.central.memory.duplicates;
    world.report.refused += world.central.memory.refused;
    Ok(world.report)
}

/// Where an op stands that one replica has and the other lacks: what a reader of the message asks first.
fn place_of(world: &World, device: &Device, row: &OpRow) -> String {
    let (held, central) = (&row.held, &world.central.memory);
    let chain = central.chains.get(&(held.author, held.inc)).cloned().unwrap_or_default();
    let open = |memory: &Memory| {
        let of = memory.members.get(&row.subject).into_iter().flatten();
        of.map(|(scope, (g, _))| format!("{scope} {}/{}", g.put, g.close)).collect::<Vec<_>>().join(", ")
    };
    format!(
        "{:#06x} of {}, number {} of {} by {}, whose chain stands at {} there (forked: {}, beyond: {:?}); put/closed here {}; there {}",
        row.class_kind,
        row.subject,
        held.seq,
        held.inc,
        held.author,
        chain.upto,
        chain.forked,
        chain.beyond.keys().collect::<Vec<_>>(),
        open(&device.edge.memory),
        open(central),
    )
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Equal roots mean equal states, row by row, not only an equal digest.
fn same_rows(world: &World, device: &Device) -> Result<(), String> {
    let scopes = device.edge.memory.readable(&device.edge.seat);
    for (subject, of) in &world.central.memory.members {
        let open = of.iter().any(|(scope, (generations, _))| generations.is_member() && scopes.contains(scope));
        let same = || device.edge.memory.folded(*subject) == world.central.memory.folded(*subject);
        ensure(!open || same(), || format!("{subject} at {} is not what it is in central", device.edge.seat.party))?;
    }
    Ok(())
}

/// The cash in a device's own hands is what central says, whatever was closed meanwhile.
fn same_position(world: &World, device: &Device) -> Result<(), String> {
    let party = device.edge.seat.party;
    for account in [Chart::AgentCash.of_owner(party), Chart::Till.of_owner(party)] {
        let central = world.central.memory.balances.get(&account).copied().unwrap_or_default();
        let here = device.edge.memory.position_of(account);
        ensure(here == central, || {
            let apart = apart_on(world, device, account);
            format!("{party} has {here} on {account}, and central {central}: {}", apart.join("; "))
        })?;
    }
    Ok(())
}

/// The subjects by which they differ.
fn apart_on(world: &World, device: &Device, account: Account) -> Vec<String> {
    let (ours, theirs) = (&device.edge.memory, &world.central.memory);
    let subjects: BTreeSet<Subject> = ours.by_subject.keys().chain(theirs.by_subject.keys()).copied().collect();
    let of = |memory: &Memory, subject: &Subject| {
        let nets = memory.carried.get(subject).cloned().unwrap_or_else(|| memory.nets(*subject));
        nets.get(&account).copied().unwrap_or_default()
    };
    let differ = subjects.into_iter().filter(|subject| !subject.is_scope() && of(ours, subject) != of(theirs, subject));
    let told = |subject: Subject| {
        let open = |memory: &Memory| {
            let of = memory.members.get(&subject).into_iter().flatten();
            of.map(|(scope, (held, _))| format!("{scope} {}/{}", held.put, held.close)).collect::<Vec<_>>().join(" ")
        };
        let (left, ops) = (ours.carried.contains_key(&subject), ours.by_subject.get(&subject).map_or(0, Vec::len));
        let (here, there) = (of(ours, &subject), of(theirs, &subject));
        format!("{subject} {here} here ({ops} ops, left {left}, {}), {there} there ({})", open(ours), open(theirs))
    };
    differ.map(told).collect()
}

/// A device holds what its scopes hold, and what it wrote.
fn only_its_own(world: &World, device: &Device) -> Result<(), String> {
    let seat = &device.edge.seat;
    for (_, row) in device.edge.memory.ops.values() {
        let readable = |subject: &Subject| {
            let of = world.central.memory.members.get(subject);
            of.is_some_and(|of| of.keys().any(|scope| seat.may(bits::READ, scope)))
        };
        let its = row.held.author == device.edge.author
            || seat.may(bits::READ, &row.subject)
            || seat.may(bits::PUT, &row.subject)
            || readable(&row.subject);
        ensure(its, || format!("{} holds a record of {}, which is none of its business", seat.party, row.subject))?;
    }
    Ok(())
}

/// The balances are the sums of what stands posted, account by account.
fn books(world: &World) -> Result<(), String> {
    let mut sums: BTreeMap<Account, Taka> = BTreeMap::new();
    let standing = world.central.memory.standing.values().flat_map(BTreeMap::values).filter(|s| s.is_posted());
    for posting in standing.flat_map(|standing| &standing.journal.postings) {
        let sum = sums.entry(posting.account).or_default();
        *sum = sum.plus(posting.amount);
    }
    for (account, balance) in &world.central.memory.balances {
        let sum = sums.get(account).copied().unwrap_or_default();
        ensure(*balance == sum, || format!("{account} has {balance}, and its journals come to {sum}"))?;
    }
    Ok(())
}

/// Nobody speaks in another's name, anywhere.
fn signatures(world: &World) -> Result<(), String> {
    let stores = world.devices.iter().map(|device| &device.edge.memory).chain([&world.central.memory]);
    for memory in stores {
        if let Some(author) = memory.forged() {
            return Err(format!("a burst in the name of {author} has another's signature"));
        }
    }
    Ok(())
}

/// What a withdrawn seat wrote beyond what was known of it waits for a ruling.
fn withdrawn(world: &World) -> Result<(), String> {
    let Some((author, known)) = &world.revoked else { return Ok(()) };
    let is_known = |inc: Incarnation, seq: u64| known.iter().any(|known| known.inc == inc && seq <= known.seq);
    for (_, row) in world.central.memory.ops.values() {
        let beyond = row.held.author == *author && !is_known(row.held.inc, row.held.seq);
        if !beyond || row.held.apart.is_some() || row.subject.is_scope() {
            continue;
        }
        let folded = world.central.memory.folded(row.subject);
        let told = folded.is_some_and(|folded| {
            // A kind of a later version is shown as such.
            let newer = matches!(&folded.state, State::Parcel(parcel) if parcel.newer);
            newer || folded.contests().iter().any(|contest| contest.code == Code::RevokedAuthor)
        });
        ensure(told, || format!("{} of a withdrawn seat on {} counts like any other", row.held.id, row.subject))?;
    }
    Ok(())
}

/// Every subject: what is posted is T, once; and what is beyond doubt reaches the vendor.
fn subjects(world: &mut World) -> Result<(), String> {
    let subjects: Vec<Subject> =
        world.central.memory.by_subject.keys().copied().filter(|subject| !subject.is_scope()).collect();
    let mut effects: BTreeSet<(Subject, &str)> = BTreeSet::new();
    let restored = world.report.faults.contains_key(Fault::RestoreCentral.word());
    for subject in subjects {
        let Some(folded) = world.central.memory.folded(subject) else { continue };
        world.report.contested += u64::from(!folded.contests().is_empty());
        let standing = world.central.memory.standing.get(&subject).into_iter().flatten();
        let posted: Vec<_> = standing.filter(|(_, s)| s.is_posted()).map(|(_, s)| s.journal.clone()).collect();
        ensure(posted == folded.journals, || format!("{subject}: the log's net is not T"))?;
        for journal in &folded.journals {
            *world.report.journals.entry(journal.rule.name()).or_default() += 1;
            let first = effects.insert((subject, journal.rule.name()));
            ensure(first || !ONCE.contains(&journal.rule.name()), || format!("{subject}: {journal} twice"))?;
        }
        let State::Parcel(parcel) = &folded.state else { continue };
        ensure(parcel.created.is_some() || parcel.incomplete || restored, || format!("{subject} came from nowhere"))?;
        let earning = world.central.memory.folded(Subject::earning_of(subject)).map(|folded| folded.state);
        if let Some(State::Earning(earning)) = earning {
            let due = parcel.is_settled() && parcel.status == Status::Delivered && earning.terms.is_some();
            ensure(!due || earning.distributed_for.is_some(), || format!("{subject} is settled and not distributed"))?;
        }
    }
    Ok(())
}
