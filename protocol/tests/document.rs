//! Documents: any order and any duplication of changes gives one document; edits merge by field; and
//! bytes that nobody honest wrote change nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::document::product::{self, ProductEdit};
use protocol::document::{By, Document, EditError, Given, MAX_CHANGES, Reason, Value};
use protocol::id::{Author, Id16, Incarnation, Kind, OpId, Subject};
use protocol::refusal::Refusal;
use protocol::seat::Role;
use sha2::Digest;

const INC: Incarnation = Incarnation(*b"inc1");

fn op(n: u64) -> OpId {
    OpId(*blake3::hash(&n.to_be_bytes()).as_bytes())
}

fn by(n: u8) -> By {
    let party = Subject::new(Kind::Vendor, Id16([n; 16]));
    By { author: Author([n; 8]), party, role: Role::Vendor, time_ms: u64::from(n) * 1_000 }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Records an edit of seat `n` on what it sees.
fn edit(seen: &[Given], n: u8, number: u64, fields: &[(&str, Value)]) -> Given {
    let change = Document::of(seen.to_vec()).edit(Author([n; 8]), INC, fields).expect("an edit");
    Given { op: op(number), by: by(n), inc: INC, change }
}

/// What a person sees of a document.
fn seen_of(document: &Document) -> String {
    let names = [product::NAME_EN, product::NAME_BN, product::UNIT, product::PRICE, product::DESCRIPTION];
    let fields: Vec<_> = names.iter().map(|name| document.field(name)).collect();
    format!("{fields:?} {:?} {:?}", document.history(), document.aside())
}

fn start() -> Given {
    let fields = [(product::NAME_EN, text("Rice")), (product::PRICE, Value::Number(10_000))];
    edit(&[], 1, 0, &fields)
}

#[test]
fn two_offline_edits_merge_by_field_and_say_who() {
    let first = start();
    let name = edit(std::slice::from_ref(&first), 2, 1, &[(product::NAME_EN, text("Fine rice"))]);
    let price = edit(std::slice::from_ref(&first), 3, 2, &[(product::PRICE, Value::Number(12_050))]);
    let document = Document::of([price.clone(), first.clone(), name.clone()]);
    let (name_now, price_now) =
        (document.field(product::NAME_EN).expect("set"), document.field(product::PRICE).expect("set"));
    assert_eq!((&name_now.used.value, name_now.used.by, name_now.used.op), (&text("Fine rice"), by(2), name.op));
    assert_eq!((&price_now.used.value, price_now.used.by), (&Value::Number(12_050), by(3)));
    assert!(name_now.others.is_empty() && price_now.others.is_empty());
    let told: Vec<_> = document.history().into_iter().skip(1).flat_map(|revision| revision.alterations).collect();
    let was: BTreeMap<_, _> = told.into_iter().map(|told| (told.field, (told.was, told.now))).collect();
    assert_eq!(was[product::NAME_EN], (vec![text("Rice")], text("Fine rice")));
    assert_eq!(was[product::PRICE], (vec![Value::Number(10_000)], Value::Number(12_050)));
}

#[test]
fn two_edits_of_one_field_are_both_kept_and_a_later_choice_settles_them() {
    let first = start();
    let mut all = vec![first.clone()];
    for n in [2, 3] {
        all.push(edit(std::slice::from_ref(&first), n, u64::from(n), &[(product::NAME_EN, text(&format!("Rice {n}")))]));
    }
    let document = Document::of(all.clone());
    let field = document.field(product::NAME_EN).expect("set");
    let mut both = vec![field.used.value.clone()];
    both.extend(field.others.iter().map(|claim| claim.value.clone()));
    both.sort_by_key(|value| value.text().map(str::to_owned));
    assert_eq!(both, [text("Rice 2"), text("Rice 3")]);
    // Choosing the value in use is an edit as well.
    all.push(edit(&all, 2, 9, &[(product::NAME_EN, field.used.value.clone())]));
    let settled = Document::of(all.clone());
    let chosen = settled.field(product::NAME_EN).expect("set");
    assert_eq!((&chosen.used.value, chosen.used.by, chosen.others.len()), (&field.used.value, by(2), 0));
    assert!(settled.follows(op(9), op(2)) && settled.follows(op(9), op(3)) && !settled.follows(op(2), op(3)));
    let again = settled.edit(Author([2; 8]), INC, &[(product::NAME_EN, field.used.value)]);
    assert_eq!(again, Err(EditError::Nothing));
}

#[test]
fn of_two_changes_at_one_number_only_the_lowest_id_counts() {
    let first = start();
    // A copied device: one seat, one incarnation, one number, two edits.
    let mut one = edit(std::slice::from_ref(&first), 2, 1, &[(product::NAME_EN, text("One"))]);
    let mut two = edit(std::slice::from_ref(&first), 2, 2, &[(product::NAME_EN, text("Two"))]);
    (one.op, two.op) = (OpId([1; 32]), OpId([2; 32]));
    let follower = edit(&[first.clone(), two.clone()], 3, 3, &[(product::PRICE, Value::Number(100))]);
    let orders = [[&first, &one, &two, &follower], [&follower, &two, &one, &first]];
    for order in orders {
        let document = Document::of(order.map(Clone::clone));
        assert_eq!(document.field(product::NAME_EN).expect("set").used.value, text("One"));
        let mut aside: Vec<_> = document.aside().iter().map(|(op, _, reason)| (*op, *reason)).collect();
        aside.sort_by_key(|(_, reason)| *reason);
        assert_eq!(aside, [(two.op, Reason::DoubleNumber), (follower.op, Reason::Waiting)]);
        // Whoever built on the loser would take his own number twice: he is told, nothing is lost.
        let denied = document.edit(Author([3; 8]), INC, &[(product::NAME_EN, text("Three"))]);
        assert_eq!(denied, Err(EditError::Disputed));
    }
}

#[test]
fn nobody_writes_in_anothers_name_and_causes_must_be_true() {
    let first = start();
    let good = edit(std::slice::from_ref(&first), 2, 1, &[(product::NAME_EN, text("Good"))]);
    let mut stolen = good.clone();
    stolen.by = by(3);
    let mut other_life = good.clone();
    other_life.inc = Incarnation(*b"inc2");
    for forged in [stolen, other_life] {
        let document = Document::of([first.clone(), forged.clone()]);
        assert_eq!(document.aside(), [(forged.op, forged.by, Reason::Broken)]);
        assert_eq!(document.field(product::NAME_EN).expect("set").used.value, text("Rice"));
    }
    let late = Document::of([good.clone()]);
    assert!(late.is_empty());
    assert_eq!(late.aside(), [(good.op, good.by, Reason::Waiting)]);
}

#[test]
fn edits_are_refused_before_anything_is_written() {
    let long = "ক".repeat(10_000);
    let refused = |edit: ProductEdit| edit.fields().expect_err("refused");
    let name = |text: &str| ProductEdit { name_en: Some(text.to_owned()), ..ProductEdit::default() };
    let price = |paisa| ProductEdit { price_paisa: Some(paisa), ..ProductEdit::default() };
    assert_eq!(refused(name(&long)).code(), "text_too_long");
    assert_eq!(refused(name(&"🙂".repeat(201))).code(), "text_too_long");
    assert_eq!(refused(name("  ")).code(), "bad_text");
    assert_eq!(refused(name("a\u{0}b")).code(), "bad_text");
    let about = ProductEdit { description: Some(long), ..ProductEdit::default() };
    assert_eq!(refused(about), Refusal::TextTooLong { field: "description", max: 2_000 });
    for paisa in [0, -50, 1, 25, 99, 10_025, i64::MAX, i64::MIN, 1_000_000_050] {
        assert_eq!(refused(price(paisa)), Refusal::BadPrice, "{paisa}");
    }
    assert_eq!(Refusal::BadPrice.to_string(), "bad price: whole or .50, over 0");
    for paisa in [50, 100, 12_050, 1_000_000_000] {
        assert!(price(paisa).fields().is_ok(), "{paisa}");
    }
    // The largest edit that is let through fits an op.
    let wide = |n| Some("🙂".repeat(n));
    let all = ProductEdit {
        name_en: wide(200),
        name_bn: wide(200),
        unit: wide(200),
        price_paisa: Some(50),
        description: wide(2_000),
    };
    let fields = all.fields().expect("within limits");
    let change = Document::of([]).edit(Author([1; 8]), INC, &fields).expect("an edit");
    assert!(change.len() < 12_000, "{}", change.len());
}

#[test]
fn a_document_takes_so_many_changes_and_no_more() {
    let mut all: Vec<Given> = Vec::new();
    let mut document = Document::of([]);
    // One seat a change, none knowing of another: the widest document there is.
    for n in 0..=MAX_CHANGES as u64 {
        let author = Author(n.to_be_bytes());
        let change = Document::of([]).edit(author, INC, &[(product::UNIT, Value::Number(1))]).expect("an edit");
        all.push(Given { op: op(n), by: By { author, ..by(1) }, inc: INC, change });
        if n == 20 {
            document = Document::of(all.clone());
        }
    }
    assert_eq!(document.field(product::UNIT).expect("set").others.len(), 20);
    let full = Document::of(all);
    assert_eq!(full.history().len(), MAX_CHANGES);
    assert_eq!(full.aside().iter().map(|(_, _, reason)| *reason).collect::<Vec<_>>(), [Reason::Full]);
    assert_eq!(full.edit(Author([9; 8]), INC, &[(product::UNIT, Value::Number(2))]), Err(EditError::Full));
}

/// Edits by several seats, each on some of what was written before, like devices that meet at times.
fn histories() -> impl Strategy<Value = Vec<Given>> {
    let step = (1u8..5, 0usize..5, "[a-z]{1,3}", any::<u64>());
    proptest::collection::vec(step, 1..14).prop_map(|steps| {
        let names = [product::NAME_EN, product::NAME_BN, product::UNIT, product::PRICE, product::DESCRIPTION];
        let mut all: Vec<Given> = Vec::new();
        let mut held: BTreeMap<u8, Vec<Given>> = BTreeMap::new();
        for (number, (seat, field, value, meets)) in steps.into_iter().enumerate() {
            // Who comes online brings what he has, and takes what there is.
            if meets % 3 == 0 {
                held.insert(seat, all.clone());
            }
            let seen = held.entry(seat).or_default();
            let document = Document::of(seen.clone());
            let fields = [(names[field], text(&value))];
            let Ok(change) = document.edit(Author([seat; 8]), INC, &fields) else { continue };
            let given = Given { op: op(number as u64), by: by(seat), inc: INC, change };
            seen.push(given.clone());
            all.push(given);
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_duplication_give_one_document(
        (all, order) in histories().prop_flat_map(|all| {
            let indices: Vec<usize> = (0..all.len()).chain(0..all.len()).collect();
            (Just(all), Just(indices).prop_shuffle())
        })
    ) {
        let straight = seen_of(&Document::of(all.clone()));
        let shuffled = seen_of(&Document::of(order.iter().map(|index| all[*index].clone())));
        prop_assert_eq!(straight, shuffled);
        let document = Document::of(all.clone());
        prop_assert!(document.aside().is_empty(), "an honest change was set aside: {:?}", document.aside());
        prop_assert_eq!(document.history().len(), all.len());
    }

    #[test]
    fn mutated_bytes_never_panic_and_change_nothing_else(
        all in histories(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6),
        target in any::<prop::sample::Index>(),
        repair in any::<bool>(),
    ) {
        prop_assume!(!all.is_empty());
        let at = target.index(all.len());
        let mut hostile = all.clone();
        let bytes = &mut hostile[at].change;
        for (place, byte, how) in cuts {
            if bytes.is_empty() { break }
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes[place] ^= 1 << (byte % 8),
                2 => bytes.truncate(place),
                _ => bytes.insert(place, byte),
            }
        }
        if repair {
            mend(bytes);
        }
        let document = Document::of(hostile);
        for name in [product::NAME_EN, product::PRICE] {
            prop_assert!(document.field(name).is_none_or(|field| field.others.len() < all.len()));
        }
        // What was written before it, and does not follow it, is there.
        let kept: Vec<OpId> = document.history().iter().map(|revision| revision.op).collect();
        prop_assert!(all[..at].iter().all(|given| kept.contains(&given.op)));
    }

    #[test]
    fn random_bytes_never_panic(change in proptest::collection::vec(any::<u8>(), 0..400)) {
        let given = Given { op: op(1), by: by(1), inc: INC, change };
        prop_assert!(Document::of([given]).is_empty());
    }
}

/// Makes length and checksum true again, so that the inner layers are reached.
fn mend(bytes: &mut [u8]) {
    if bytes.len() < 12 {
        return;
    }
    let body = if bytes[9] & 0x80 == 0 { 10 } else { 11 };
    let length = bytes.len() - body;
    if body == 10 && length > 127 || body == 11 && !(128..16_384).contains(&length) {
        return;
    }
    if body == 10 {
        bytes[9] = length as u8;
    } else {
        (bytes[9], bytes[10]) = (length as u8 & 0x7f | 0x80, (length >> 7) as u8);
    }
    let sum = sha2::Sha256::digest(&bytes[8..]);
    bytes[4..8].copy_from_slice(&sum[..4]);
}
