//! What people do in the model: mostly what the commands allow, sometimes what they do not.

use ed25519_dalek::SigningKey;
use protocol::burst::Burst;
use protocol::command::Command;
use protocol::decide::{Draft, Shelf};
use protocol::fact::{
    Accepted, AttemptReason, Attempted, Delivered, Fact, HandInCounted, Loaded, Put, Received, ReturnReceived,
};
use protocol::fold::State;
use protocol::id::{Kind, Scope, Subject};
use protocol::intake::op_of;
use protocol::op::{Op, lane};
use protocol::seat::Role;
use protocol::stamp::Stamp;
use protocol::taka::Taka;

use super::Dice;
use super::edge::Edge;

/// What the people of one device may name.
pub struct Things<'a> {
    pub parcels: &'a [Subject],
    pub handins: &'a [Subject],
    pub agents: &'a [Scope],
}

/// Tries before a person finds nothing to do.
const TRIES: usize = 12;

/// One act of the person on `edge`; `true` when no command would have recorded it.
pub fn act(edge: &mut Edge, things: &Things<'_>, dice: &mut Dice, stamp: Stamp) -> bool {
    let known: Vec<Subject> =
        things.parcels.iter().copied().filter(|p| edge.memory.by_subject.contains_key(p)).collect();
    if dice.chance(6) {
        misrecord(edge, &known, things, dice, stamp);
        return true;
    }
    for attempt in 0..TRIES {
        // A refusal is what a person would see; nothing is recorded then.
        if command(edge, &known, things, dice, attempt == 0).is_some_and(|command| edge.record(&command, stamp).is_ok())
        {
            return false;
        }
    }
    false
}

/// A burst in the name of `edge`, signed by somebody who has not its key.
pub fn forgery(edge: &Edge, parcel: Subject, stamp: Stamp) -> Burst {
    let stranger = SigningKey::from_bytes(&stamp.key(1));
    let fact = Fact::Loaded(Loaded {});
    Burst::sign(&stranger, &edge.place, stamp.now_ms, &[op_of(parcel, &fact, Vec::new())])
}

fn command(edge: &Edge, known: &[Subject], things: &Things<'_>, dice: &mut Dice, may_offer: bool) -> Option<Command> {
    let parcel = *dice.pick(known)?;
    let reasons = [AttemptReason::Unavailable, AttemptReason::Refused, AttemptReason::CashNotReady];
    let reason = *dice.pick(&reasons)?;
    let home: Vec<Scope> = things.agents.iter().copied().filter(|a| a.0[1..9] == edge.seat.party.0[1..9]).collect();
    Some(match (edge.seat.role(), dice.below(8)) {
        (Role::Vendor, 0..=3) => Command::Accept { parcel },
        (Role::Vendor, 4 | 5) => Command::Pack { parcel, pieces: 1 },
        (Role::Vendor, _) => Command::TakeBack { parcel },
        (Role::Site, 0 | 1) => Command::Receive { parcel, pieces: 1 },
        (Role::Site, 2..=4) => Command::Dispatch { parcels: vec![parcel], agent: *dice.pick(&home)? },
        (Role::Site, 5) => Command::Return { parcel, reason },
        (Role::Site, _) => {
            let handin = *dice.pick(things.handins)?;
            let State::HandIn(state) = edge.memory.folded(handin)?.state else { return None };
            let (agent, offered) = (state.agent?, state.offered?);
            let counted_paisa = match dice.below(4) {
                0 => offered.minus(Taka::whole(100)),
                1 => offered.plus(Taka::whole(100)),
                _ => offered,
            };
            Command::Count { handin, agent, counted_paisa, denominations: Vec::new() }
        }
        (Role::Agent, 0..=2) => Command::Load { parcels: vec![parcel] },
        (Role::Agent, 3..=5) => {
            let State::Parcel(state) = edge.memory.folded(parcel)?.state else { return None };
            let due = state.due();
            let paid = match dice.below(6) {
                0 => due.minus(Taka::whole(50)),
                1 => due.plus(Taka::whole(31)),
                _ => due,
            };
            let evidence = 1 + u8::try_from(dice.below(3)).unwrap_or(0);
            Command::Deliver { parcel, evidence, collected_paisa: Some(paid), confirm_difference: true }
        }
        (Role::Agent, 6) => Command::Fail { parcel, reason },
        // Counting the bag folds everything the agent holds: once an act is enough.
        (Role::Agent, _) if may_offer => {
            let amount_paisa = edge.cash_on_hand();
            Command::Offer { site: site_of(edge), amount_paisa }
        }
        _ => return None,
    })
}

/// The site of an agent in the model: its id is the prefix twice.
fn site_of(edge: &Edge) -> Scope {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&edge.seat.party.0[1..9]);
    id[8..].copy_from_slice(&edge.seat.party.0[1..9]);
    Subject::new(Kind::Site, protocol::id::Id16(id))
}

/// What no command would record: a bug, an old version, or malice. Central must cope.
fn misrecord(edge: &mut Edge, known: &[Subject], things: &Things<'_>, dice: &mut Dice, stamp: Stamp) {
    let Some(parcel) = dice.pick(known).copied() else { return };
    let good = match edge.seat.role() {
        Role::Vendor => Fact::Accepted(Accepted {}),
        Role::Site => Fact::Received(Received { pieces: 1 }),
        _ => Fact::Loaded(Loaded {}),
    };
    match dice.below(6) {
        // A class that is not the seat's, beside an op that is fine: a refused slot.
        0 => {
            let foreign = Fact::ReturnReceived(ReturnReceived {});
            let foreign = if edge.seat.role() == Role::Vendor { Fact::Loaded(Loaded {}) } else { foreign };
            edge.write(&[draft(parcel, good), draft(parcel, foreign)], stamp);
        }
        // A Put on a scope that is not the seat's: a refused slot.
        1 => {
            let foreign = Subject::new(Kind::Vendor, protocol::id::Id16([0xee; 16]));
            let put = Fact::Put(Put { generation: 1, subjects: vec![parcel] });
            edge.write(&[draft(foreign, put), draft(parcel, good)], stamp);
        }
        // A parcel that was never on the author's run.
        2 if edge.seat.role() == Role::Agent => {
            let collected = Some(Taka::whole(900));
            edge.write(&[draft(parcel, Fact::Delivered(Delivered { evidence: 1, collected }))], stamp);
        }
        3 if edge.seat.role() == Role::Agent => {
            edge.write(&[draft(parcel, Fact::Attempted(Attempted { reason: 1 }))], stamp);
        }
        // A count of a hand-in that nobody offered.
        4 if edge.seat.role() == Role::Site => {
            let Some(agent) = dice.pick(things.agents).copied() else { return };
            let handin = Subject::new(Kind::HandIn, stamp.id(9));
            let count = HandInCounted { agent, counted: Taka::whole(700), denominations: Vec::new() };
            let put = Fact::Put(Put { generation: 1, subjects: vec![handin] });
            edge.write(&[draft(handin, Fact::HandInCounted(count)), draft(edge.seat.party, put)], stamp);
        }
        // A kind of a later version, and a broken payload of a known one.
        _ => {
            let class = good.class_kind() & 0xf000;
            let newer = Op {
                class_kind: class | 0x0fff,
                lane_flags: lane::MONEY,
                subject: parcel,
                after: Vec::new(),
                payload: vec![1, 2, 3],
            };
            let broken = Op {
                class_kind: good.class_kind(),
                lane_flags: lane::MONEY,
                subject: parcel,
                after: Vec::new(),
                payload: vec![0xff],
            };
            edge.write_ops(&[if dice.chance(50) { newer } else { broken }], stamp);
        }
    }
}

fn draft(subject: Subject, fact: Fact) -> Draft {
    Draft { subject, fact }
}
