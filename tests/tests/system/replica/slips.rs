//! A hand-in between two devices that reach nobody and not each other: the offer on the phone's screen, the count on the
//! kiosk's. And every slip that must change nothing.

use edge_node::Node;
use edge_node::slip::TakeSlipError;
use protocol::account::Code as Chart;
use protocol::command::Command;
use protocol::fact::{Denomination, Fact};
use protocol::id::{Kind, Subject};
use protocol::seat::Role;
use protocol::slip::{MAX_CHARS, Slip};
use protocol::taka::Taka;

use super::seats::{World, acquaint, own};
use super::{DUE, Walk, cash, deliver, folder, ops};

/// What the agent offers, beside what he carries.
fn offer(walk: &mut Walk, amount: Taka) -> (Subject, String) {
    let (act, site) = (walk.act(), walk.world.site);
    let receipt = walk.agent.record(act, &Command::Offer { site, amount_paisa: amount }).unwrap();
    let handin = receipt.facts.iter().find(|fact| fact.kind == "HandInOffered").unwrap().subject;
    (handin, walk.agent.slip(handin).unwrap().unwrap().text)
}

fn count(walk: &mut Walk, handin: Subject, counted: Taka) -> String {
    let (act, agent) = (walk.act(), walk.world.agent(20));
    let notes = |taka, pieces| Denomination { taka, pieces };
    let denominations = vec![notes(1_000, 1), notes(200, 1), notes(50, u32::from(counted == DUE))];
    let denominations = denominations.into_iter().filter(|note| note.pieces > 0).collect();
    walk.site.record(act, &Command::Count { handin, agent, counted_paisa: counted, denominations }).unwrap();
    walk.site.slip(handin).unwrap().unwrap().text
}

fn refused(node: &Node, text: &str) -> &'static str {
    let before = ops(node);
    let code = node.take_slip(text).unwrap_err().code().unwrap();
    assert_eq!(ops(node), before, "{code} changed something");
    code
}

fn delivered() -> Walk {
    let mut walk = Walk::new();
    let parcel = walk.parcel;
    walk.by_agent(&deliver(parcel, DUE));
    walk
}

#[test]
fn cash_changes_hands_between_two_devices_that_reach_nobody() {
    let mut walk = delivered();
    let (handin, offered) = offer(&mut walk, DUE);
    assert!(walk.site.site_offers().unwrap().is_empty(), "no network brought it");
    let taken = walk.site.take_slip(&offered).unwrap();
    assert!(taken.news && taken.handin == handin);
    let offers = walk.site.site_offers().unwrap();
    assert_eq!(offers.iter().map(|offer| offer.handin).collect::<Vec<_>>(), [handin]);
    assert_eq!(offers[0].agent, walk.world.agent(20));

    // Short by fifty: the count is what counts, on both devices.
    let counted = count(&mut walk, handin, Taka::whole(1_200));
    assert_eq!(cash(&walk.agent), Taka::ZERO, "what is offered is no longer counted as his");
    let status = |node: &Node| node.store().read(|rows| rows.handins(None, 10)).unwrap()[0].status.clone();
    assert_eq!((status(&walk.site), status(&walk.agent)), ("short".to_owned(), "offered".to_owned()));
    assert!(walk.agent.take_slip(&counted).unwrap().news);
    assert_eq!(status(&walk.agent), "short");
    for node in [&walk.site, &walk.agent] {
        let owed = node.store().read(|rows| rows.balance(Chart::Shortage.of_owner(walk.world.agent(20)))).unwrap();
        assert_eq!(owed, Taka::whole(50));
    }
    // The parcel beside it in the same chain is on no slip.
    let slip = Slip::read(&counted).unwrap();
    let open = slip.bursts.iter().flat_map(|burst| &burst.slots);
    let open = open.filter(|slot| matches!(slot, protocol::burst::Slot::Open(_))).count();
    assert_eq!(open, 2, "the count, and the agent's own list");
}

#[test]
fn a_slip_is_taken_once_however_often_it_is_scanned() {
    let mut walk = delivered();
    let (handin, offered) = offer(&mut walk, DUE);
    assert!(walk.site.take_slip(&offered).unwrap().news);
    let held = ops(&walk.site);
    for again in [offered.clone(), offered.to_lowercase(), format!("  {offered}\r\n")] {
        let taken = walk.site.take_slip(&again).unwrap();
        assert!(!taken.news && taken.handin == handin);
        assert_eq!(ops(&walk.site), held);
    }
    // The network brings the same later: nothing is doubled, and nothing is missing.
    let burst = own(&walk.agent).pop().unwrap();
    walk.spread(burst);
    assert_eq!(walk.site.site_offers().unwrap().len(), 1);
}

#[test]
fn a_slip_fits_a_code_that_a_phone_can_show() {
    let mut walk = delivered();
    let (handin, offered) = offer(&mut walk, DUE);
    walk.site.take_slip(&offered).unwrap();
    let counted = count(&mut walk, handin, DUE);
    println!("letters: offer {}, count {}", offered.len(), counted.len());
    for slip in [&offered, &counted] {
        // 1,022 letters fit version 18 at level L: 89 modules.
        assert!(slip.len() <= 1_022, "{} letters", slip.len());
        assert!(slip.bytes().all(|letter| matches!(letter, b'A'..=b'Z' | b'0'..=b'9' | b':')));
    }
}

#[test]
fn a_slip_for_somebody_else_or_of_nobody_changes_nothing() {
    let mut walk = delivered();
    let (handin, offered) = offer(&mut walk, DUE);
    // The phone itself, another agent, a site elsewhere.
    let folders = [folder(), folder()];
    let other = walk.world.node(folders[0].path(), Role::Agent, walk.world.agent(21), 21);
    acquaint(&[&walk.site, &walk.agent, &other]);
    assert_eq!(refused(&walk.agent, &offered), "slip_not_ours");
    assert_eq!(refused(&other, &offered), "slip_not_ours");
    walk.site.take_slip(&offered).unwrap();
    let counted = count(&mut walk, handin, DUE);
    assert_eq!(refused(&other, &counted), "slip_not_ours");
    assert_eq!(refused(&walk.site, &counted), "slip_not_ours", "its own");
    // A device of another system.
    let mut foreign = Walk::of(World::under(9));
    let parcel = foreign.parcel;
    foreign.by_agent(&deliver(parcel, DUE));
    let (_, alien) = offer(&mut foreign, DUE);
    assert_eq!(refused(&walk.site, &alien), "slip_unknown_maker");
    // What the node has nothing to say of.
    assert!(other.slip(handin).unwrap().is_none());
    assert!(walk.agent.slip(walk.parcel).unwrap().is_none());
    assert!(walk.agent.slip(Subject::new(Kind::HandIn, protocol::id::Id16([9; 16]))).unwrap().is_none());
}

#[test]
fn a_slip_that_was_touched_changes_nothing() {
    let mut walk = delivered();
    let (_, offered) = offer(&mut walk, DUE);
    for text in ["", "SLIP1:", "SLIP2:AAAA", "https://example.com", "GT 4471 8823 7", "৳১,২৫০"] {
        assert!(["slip_foreign", "slip_damaged"].contains(&refused(&walk.site, text)), "{text}");
    }
    assert_eq!(refused(&walk.site, &format!("SLIP1:{}", "A".repeat(MAX_CHARS))), "slip_too_large");
    for at in (6..offered.len()).step_by(29) {
        let mut letters = offered.clone().into_bytes();
        letters[at] = if letters[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(refused(&walk.site, &String::from_utf8(letters).unwrap()), "slip_damaged", "letter {at}");
        assert_eq!(refused(&walk.site, &offered[..at]), "slip_damaged", "cut at {at}");
    }
    // Whoever computes the check anew still has no key: another amount, and another's name on it.
    let mut forged = Slip::read(&offered).unwrap();
    let op = forged.bursts[0].slots.iter_mut().find_map(|slot| match slot {
        protocol::burst::Slot::Open(bytes) => {
            let op = protocol::op::Op::decode(bytes).unwrap();
            (op.subject.kind() == Some(Kind::HandIn)).then_some((bytes, op))
        }
        protocol::burst::Slot::Withheld(_) => None,
    });
    let (bytes, mut op) = op.unwrap();
    let protocol::fact::Reading::Known(Fact::HandInOffered(mut said)) = Fact::read(op.class_kind, &op.payload) else {
        panic!("the offer is on it");
    };
    said.amount = Taka::whole(1);
    op.payload = protocol::intake::op_of(op.subject, &Fact::HandInOffered(said), op.after.clone()).payload;
    *bytes = op.encode();
    assert_eq!(refused(&walk.site, &forged.write()), "slip_forged");
    let mut borrowed = Slip::read(&offered).unwrap();
    borrowed.certificate = walk.site.identity().certificate.clone();
    assert!(["slip_forged", "slip_not_ours"].contains(&refused(&walk.site, &borrowed.write())));
    // More than one thing on one slip.
    let mut more = Slip::read(&offered).unwrap();
    more.bursts.extend(own(&walk.agent).into_iter().take(1));
    assert_eq!(refused(&walk.site, &more.write()), "slip_no_handin");
    assert!(walk.site.take_slip(&offered).unwrap().news, "and the true one is taken after all of them");
}

#[test]
fn a_slip_of_a_seat_that_was_taken_back_changes_nothing() {
    let mut walk = delivered();
    let (_, offered) = offer(&mut walk, DUE);
    let burst = walk.world.revokes(&walk.agent);
    walk.site.receive(vec![burst]).unwrap();
    assert!(matches!(walk.site.take_slip(&offered), Err(TakeSlipError::UnknownMaker)));
    assert!(walk.site.site_offers().unwrap().is_empty());
}
