//! The script: one line, one act. What a person does goes through his own replica's `decide`;
//! `blindly` skips it, as a broken or hostile program would.
//!
//! ```text
//! order O1 of v1: P1 due 1250 and v2: P2 due 500      central places an order (due before rounding)
//! v1 accepts|rejects|packs|takes back P1              s1 receives|returns P1
//! s1 dispatches P1 to a7                              a7 loads P1
//! a7 delivers P1 [cash 1250] [by E3] [confirmed]      a7 fails P1 refused
//! a7 offers H1 1250 [to s1]                           s1 counts H1 1200 [of a7]
//! ... twice [1300]                                    the same tap again, neither after the other
//! a8 offline                                          a8 syncs
//! a7 sends newer|broken|foreign fact on P1            central cancels O1 | revokes a7 | owes v1 30
//! pickup O1 k1 v1 P1 1250                             central places an order to be fetched at k1
//! s1 forwards P1 to k1     k1 shelves P1 A3            k1 expires P1      k1 verifies P1 [wrong]
//! k1 checks P1             k1 takes P1 1250            k1 hands P1 over   step P1
//! print P1        books        ledger P1        refused        holds a7
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use protocol::account::Code as Chart;
use protocol::command::Command;
use protocol::decide::Draft;
use protocol::fact::{
    AttemptReason, Delivered, EarningOpened, Fact, HandInCounted, HandInOffered, Known, Line, OrderCancelled,
    OrderPlaced, ParcelCancelled, ParcelCreated, Put, Revoked, TillReason,
};
use protocol::fold::State;
use protocol::id::{Kind, OpId, Scope, Subject};
use protocol::op::{Op, lane};
use protocol::seat::class;
use protocol::taka::Taka;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use crate::people::{World, id_of};

/// Runs a script, and returns what it printed.
pub(crate) fn run(text: &str) -> String {
    let mut script =
        Script { world: World::new(), names: BTreeMap::new(), vendor_of: BTreeMap::new(), out: String::new() };
    for name in script.world.people.keys().cloned().collect::<Vec<_>>() {
        script.names.insert(name.clone(), script.world.party(&name));
    }
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        script.line(line);
    }
    script.invariants();
    script.out
}

pub(crate) struct Script {
    pub(crate) world: World,
    pub(crate) names: BTreeMap<String, Subject>,
    vendor_of: BTreeMap<String, Scope>,
    pub(crate) out: String,
}

impl Script {
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["pickup", order, point, vendor, parcel, due] => self.place_pickup(order, point, vendor, parcel, due),
            ["step", parcel] => self.step(parcel),
            ["order", order, "prepaid", vendor, parcel, price] => self.place_prepaid(order, vendor, parcel, price),
            ["order", order, rest @ ..] => self.place(order, &rest.join(" ")),
            ["print", name] => self.print(name),
            ["books"] => self.books(),
            ["ledger", name] => self.ledger(name),
            ["refused"] => self.refused(),
            ["holds", name] => self.holds(name),
            ["central", "cancels", order] => self.cancel(order),
            ["central", "revokes", name] => self.revoke(name),
            ["central", "owes", vendor, amount] => self.owe(vendor, taka(amount)),
            ["central", rest @ ..] => self.finance(rest),
            [name, "offline"] => self.world.people.get_mut(*name).expect("a person").online = false,
            [name, "syncs"] => self.world.sync(name),
            [name, "sends", what, "fact", "on", subject] => self.send(name, what, subject),
            [name, "blindly", rest @ ..] => self.act(name, rest, true),
            [name, rest @ ..] => self.act(name, rest, false),
            [] => {}
        }
    }

    pub(crate) fn subject(&self, name: &str) -> Subject {
        *self.names.get(name).unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    /// Central places an order: order, parcels and earnings, each Put where it belongs.
    fn place(&mut self, order: &str, rest: &str) {
        let about = Subject::new(Kind::Order, id_of(order));
        self.names.insert(order.to_owned(), about);
        let site = self.subject("s1");
        let (mut parcels, mut total, mut drafts, mut routes) = (Vec::new(), Taka::ZERO, Vec::new(), BTreeMap::new());
        for part in rest.strip_prefix("of ").expect("order O1 of v1: P1 due 1250").split(" and ") {
            let (vendor, rest) = part.split_once(": ").expect("v1: P1 due 1250");
            let (name, price) = rest.split_once(" due ").expect("P1 due 1250");
            let (vendor, parcel) = (self.subject(vendor), Subject::new(Kind::Parcel, id_of(name)));
            let (price, earning) = (taka(price), Subject::earning_of(parcel));
            self.names.insert(name.to_owned(), parcel);
            self.names.insert(name.replace('P', "E"), earning);
            self.vendor_of.insert(name.to_owned(), vendor);
            let due = price.whole_taka();
            total = total.plus(due);
            parcels.push(parcel);
            let lines = vec![Line { sku: "goods".into(), qty: 1, unit_price: price }];
            let created = ParcelCreated { order: about, vendor, site, due, lines, sealed: Vec::new() };
            drafts.push(Draft { subject: parcel, fact: Fact::ParcelCreated(created) });
            let terms = terms(parcel, vendor, price);
            drafts.push(Draft { subject: earning, fact: Fact::EarningOpened(terms) });
            routes.entry(vendor).or_insert_with(Vec::new).extend([parcel, earning]);
            routes.entry(site).or_insert_with(Vec::new).push(parcel);
        }
        let placed = OrderPlaced { customer: id_of("customer"), parcels, total, sealed: Vec::new() };
        drafts.insert(0, Draft { subject: about, fact: Fact::OrderPlaced(placed) });
        let put = |(scope, subjects)| Draft { subject: scope, fact: Fact::Put(Put { generation: 1, subjects }) };
        drafts.extend(routes.into_iter().map(put));
        self.world.central_authors(&drafts);
    }

    fn cancel(&mut self, order: &str) {
        let about = self.subject(order);
        let State::Order(state) = self.world.central.store.fold(about).state else { panic!("{order} is no order") };
        let mut drafts = vec![Draft { subject: about, fact: Fact::OrderCancelled(OrderCancelled { by: 1 }) }];
        for parcel in state.placed.expect("placed").parcels {
            drafts.push(Draft { subject: parcel, fact: Fact::ParcelCancelled(ParcelCancelled { by: 1 }) });
        }
        self.world.central_authors(&drafts);
    }

    fn revoke(&mut self, name: &str) {
        let author = self.world.people[name].author;
        let chains = self.world.central.store.chains.iter().filter(|((who, _), _)| *who == author);
        let known = chains.map(|((_, inc), chain)| Known { inc: *inc, seq: chain.upto }).collect();
        let revoked = Fact::Revoked(Revoked { author, beacon: 0, known });
        self.world.central_authors(&[Draft { subject: Subject::tenant(), fact: revoked }]);
    }

    /// Maturing comes with a later version; what it leaves on 2020 is set by hand.
    fn owe(&mut self, vendor: &str, amount: Taka) {
        let account = Chart::VendorAvailable.of_owner(self.subject(vendor));
        self.world.central.store.balances.insert(account, amount.negated());
    }

    /// An op that this version cannot read, or that its author may not write.
    fn send(&mut self, name: &str, what: &str, subject: &str) {
        let subject = self.subject(subject);
        let after = self.world.people[name].heads(subject);
        let class = match what {
            "foreign" => class::CENTRAL,
            _ => class::AGENT,
        };
        let kind = if what == "broken" { 0x002 } else { 0xfff };
        let payload = b"\xffnot what the kind promises".to_vec();
        let op = Op { class_kind: u16::from(class) << 12 | kind, lane_flags: lane::MONEY, subject, after, payload };
        self.world.record_ops(name, &[op]);
    }

    fn act(&mut self, name: &str, words: &[&str], blindly: bool) {
        let (words, again) = match words.iter().position(|word| *word == "twice") {
            Some(at) => (&words[..at], Some(words.get(at + 1).map(|amount| taka(amount)))),
            None => (words, None),
        };
        let drafts = if blindly { Ok(self.blind(name, words)) } else { self.decided(name, words) };
        let drafts = match drafts {
            Ok(drafts) => drafts,
            Err(refusal) => {
                let said = self.named(&refusal.to_string());
                writeln!(self.out, "{name} {}: {} - {said}", words.join(" "), refusal.code()).unwrap();
                return;
            }
        };
        if let (["offers" | "opens", handin, ..], Some(draft)) =
            (words, drafts.iter().find(|draft| !draft.subject.is_scope()))
        {
            self.names.insert((*handin).to_owned(), draft.subject);
        }
        let mut taps = vec![drafts];
        if let Some(amount) = again {
            let second = taps[0].iter().map(|draft| with_amount(draft, amount)).collect();
            taps.push(second);
        }
        self.world.record(name, &taps);
    }

    fn decided(&mut self, name: &str, words: &[&str]) -> Result<Vec<Draft>, protocol::refusal::Refusal> {
        let command = self.command(words);
        self.world.decide(name, &command)
    }

    fn command(&self, words: &[&str]) -> Command {
        let after = |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1).copied());
        let parcel = |name: &str| self.subject(name);
        match words {
            ["accepts", p] => Command::Accept { parcel: parcel(p) },
            ["rejects", p] => Command::Reject { parcel: parcel(p), reason: 1 },
            ["packs", p] => Command::Pack { parcel: parcel(p), pieces: 1 },
            ["takes", "back", p] => Command::TakeBack { parcel: parcel(p) },
            ["receives", "back", p] => Command::ReceiveBack { parcel: parcel(p), pieces: 1 },
            ["receives", p] => Command::Receive { parcel: parcel(p), pieces: 1 },
            ["returns", p] => Command::Return { parcel: parcel(p), reason: AttemptReason::Refused },
            ["dispatches", p, "to", agent] => {
                Command::Dispatch { parcels: vec![parcel(p)], agent: self.subject(agent) }
            }
            ["loads", p] => Command::Load { parcels: vec![parcel(p)] },
            ["delivers", p, ..] => Command::Deliver {
                parcel: parcel(p),
                evidence: after("by").map_or(1, |rank| rank.trim_start_matches('E').parse().expect("E1..E5")),
                collected_paisa: after("cash").map(taka),
                confirm_difference: words.contains(&"confirmed"),
            },
            ["fails", p, reason] => Command::Fail { parcel: parcel(p), reason: reason_of(reason) },
            ["offers", _, amount, ..] => {
                Command::Offer { site: self.subject(after("to").unwrap_or("s1")), amount_paisa: taka(amount) }
            }
            ["counts", h, amount, ..] => {
                let handin = self.subject(h);
                let agent = after("of").map(|name| self.subject(name)).or_else(|| {
                    match self.world.people["s1"].store.fold(handin).state {
                        State::HandIn(state) => state.agent,
                        _ => None,
                    }
                });
                let agent = agent.expect("an offer, or of a7");
                Command::Count { handin, agent, counted_paisa: taka(amount), denominations: Vec::new() }
            }
            ["opens", _, float] => Command::OpenTill { float_paisa: taka(float) },
            ["closes", shift, counted] => {
                Command::CloseTill { shift: parcel(shift), counted_paisa: taka(counted), denominations: Vec::new() }
            }
            ["pays", amount, "out", "at", shift] => Command::PayOut {
                shift: parcel(shift),
                amount_paisa: taka(amount),
                reason: TillReason::Transport,
                voucher: "V-1".to_owned(),
            },
            ["pays", amount, "in", "at", shift] => Command::PayIn {
                shift: parcel(shift),
                amount_paisa: taka(amount),
                reason: TillReason::OwnMoney,
                voucher: "V-2".to_owned(),
            },
            ["suspends", shift] => Command::SuspendTill { shift: parcel(shift) },
            ["resumes", shift] => Command::ResumeTill { shift: parcel(shift) },
            other => self.at_counter(other).unwrap_or_else(|| panic!("no such act: {}", other.join(" "))),
        }
    }

    /// The fact of a command as it stands, with no decision before it.
    fn blind(&mut self, name: &str, words: &[&str]) -> Vec<Draft> {
        let party = self.world.party(name);
        if let ["opens" | "closes" | "pays" | "suspends" | "resumes", ..] = words {
            let (subject, fact) = self.blind_till(words);
            let put = Fact::Put(Put { generation: 1, subjects: vec![subject] });
            return vec![Draft { subject: party, fact: put }, Draft { subject, fact }];
        }
        let (subject, fact) = match self.command(words) {
            Command::Deliver { parcel, evidence, collected_paisa, .. } => {
                (parcel, Fact::Delivered(Delivered { evidence, collected: collected_paisa }))
            }
            Command::Count { handin, agent, counted_paisa, denominations } => {
                (handin, Fact::HandInCounted(HandInCounted { agent, counted: counted_paisa, denominations }))
            }
            Command::Offer { site, amount_paisa } => {
                let handin = Subject::new(Kind::HandIn, id_of(words[1]));
                let put = Fact::Put(Put { generation: 1, subjects: vec![handin] });
                let place = self.world.people[name].place;
                let offer = HandInOffered { site, amount: amount_paisa, inc: place.inc, upto: place.seq - 1 };
                let offer = Draft { subject: handin, fact: Fact::HandInOffered(offer) };
                return vec![Draft { subject: party, fact: put.clone() }, Draft { subject: site, fact: put }, offer];
            }
            command => {
                let drafts = self.blind_at_counter(name, &command);
                return drafts.unwrap_or_else(|| panic!("nothing blind about {command:?}"));
            }
        };
        vec![Draft { subject, fact }]
    }

    /// Names instead of ids.
    fn named(&self, text: &str) -> String {
        let replace = |text: String, (name, subject): (&String, &Subject)| text.replace(&subject.to_string(), name);
        self.names.iter().fold(text.to_owned(), replace)
    }

    pub(crate) fn name_of(&self, scope: Option<Scope>) -> String {
        scope.map_or_else(|| "-".to_owned(), |scope| self.named(&scope.to_string()))
    }

    /// `Delivered by a7`.
    pub(crate) fn op_name(&self, subject: Subject, id: OpId) -> String {
        let history = self.world.central.store.history(subject);
        let seen = history.facts.iter().find(|seen| seen.id == id);
        let Some(seen) = seen else { return "an op not held".to_owned() };
        let fact = seen.fact.as_ref().map_or("a newer kind", Fact::name);
        format!("{fact} by {}", self.name_of(Some(seen.party)))
    }

    fn print(&mut self, name: &str) {
        let subject = self.subject(name);
        let folded = self.world.central.store.fold(subject);
        let mut line = name.to_owned();
        let provisional = match &folded.state {
            State::Parcel(p) => {
                write!(line, ": {} due {} collected {}", p.status.word(), p.due(), p.collected).unwrap();
                write!(line, ", with {}, run of {}", self.name_of(p.custodian), self.name_of(p.agent)).unwrap();
                if let Some(shelf) = &p.shelf {
                    write!(line, ", shelf {shelf}").unwrap();
                }
                if p.stop_requested {
                    line.push_str(", stop requested");
                }
                if p.return_requested {
                    line.push_str(", return requested");
                }
                (p.incomplete, p.newer)
            }
            State::HandIn(h) => {
                write!(line, ": {} {} to {}", h.word(), self.name_of(h.agent), self.name_of(h.site)).unwrap();
                let amount = |amount: Option<Taka>| amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string());
                write!(line, ", offered {}, counted {}", amount(h.offered), amount(h.counted)).unwrap();
                (h.incomplete, h.newer)
            }
            State::Earning(e) => {
                write!(line, ": {} net {}", e.word(), e.net).unwrap();
                (e.incomplete, e.newer)
            }
            State::Order(o) => {
                let total = o.placed.as_ref().map_or(Taka::ZERO, |placed| placed.total);
                write!(line, ": {} total {total}", if o.cancelled { "cancelled" } else { "placed" }).unwrap();
                (o.incomplete, o.newer)
            }
            State::Other => panic!("{name} does not fold"),
            money => self.tell_money(money, &mut line),
        };
        if provisional.0 {
            line.push_str(", incomplete");
        }
        if provisional.1 {
            line.push_str(", newer");
        }
        writeln!(self.out, "{line}").unwrap();
        let mut contests: Vec<String> = folded
            .contests()
            .iter()
            .map(|contest| format!("  {}: {}", contest.code.word(), self.op_name(subject, contest.op)))
            .collect();
        contests.sort();
        let mut journals: Vec<_> = folded.journals.iter().collect();
        journals.sort_by_key(|journal| journal.rule);
        let journals = journals.iter().map(|journal| format!("  {}", self.named(&journal.to_string())));
        let lines: Vec<String> = contests.into_iter().chain(journals).collect();
        lines.iter().for_each(|line| writeln!(self.out, "{line}").unwrap());
        let apart = self.world.central.store.ops.get(&subject).into_iter().flatten().filter_map(|op| op.apart.clone());
        let apart: Vec<String> = apart.collect();
        apart.iter().for_each(|code| writeln!(self.out, "  apart: {code}").unwrap());
    }

    fn books(&mut self) {
        let balances = self.world.central.store.balances.iter().filter(|(_, sum)| **sum != Taka::ZERO);
        let mut lines: Vec<String> = balances.map(|(account, sum)| self.named(&format!("  {account} {sum}"))).collect();
        lines.sort();
        lines.iter().for_each(|line| writeln!(self.out, "{line}").unwrap());
        let sum: Taka =
            self.world.central.store.entries.iter().flat_map(|e| &e.journal.postings).map(|p| p.amount).sum();
        writeln!(self.out, "  trial balance {sum}").unwrap();
    }

    fn ledger(&mut self, name: &str) {
        let subject = self.subject(name);
        let entries = self.world.central.store.entries.iter().filter(|entry| entry.journal.subject == subject);
        let word = |rev: u32| if rev % 2 == 0 { "posts" } else { "reverses" };
        let line = |entry: &protocol::ledger::Entry| {
            self.named(&format!("  rev {} {} {}", entry.rev, word(entry.rev), entry.journal))
        };
        let lines: Vec<String> = entries.map(line).collect();
        lines.iter().for_each(|line| writeln!(self.out, "{line}").unwrap());
    }

    fn refused(&mut self) {
        let lines: Vec<&str> = self.world.central.store.refused.iter().map(|row| row.code).collect();
        writeln!(self.out, "  refused: {}", lines.join(", ")).unwrap();
    }

    fn holds(&mut self, name: &str) {
        let held = self.world.people[name].store.ops.keys().map(|subject| self.named(&subject.to_string()));
        let mut held: Vec<String> = held.collect();
        held.sort();
        writeln!(self.out, "{name} holds {}", held.join(" ")).unwrap();
    }

    /// Holds after every script (B4.2: 1, 3, 7, 13): balanced, T equals the ledger, replay posts nothing.
    fn invariants(&self) {
        let central = &self.world.central.store;
        for subject in central.ops.keys() {
            let folded = central.fold(*subject);
            assert!(folded.journals.iter().all(protocol::journal::Journal::is_balanced));
            let standing = central.standing.get(subject).cloned().unwrap_or_default();
            assert_eq!(protocol::ledger::difference(&standing, &folded.journals), Vec::new(), "replay of {subject}");
            if let State::Order(order) = folded.state {
                let placed = order.placed.expect("an order is placed");
                let due = |parcel: &Subject| match central.fold(*parcel).state {
                    State::Parcel(parcel) => parcel.due(),
                    _ => Taka::ZERO,
                };
                assert_eq!(placed.parcels.iter().map(due).sum::<Taka>(), placed.total, "children add up");
            }
        }
        for (name, person) in self.world.people.iter().filter(|(_, person)| person.online) {
            for subject in person.store.ops.keys() {
                assert_eq!(person.store.fold(*subject), central.fold(*subject), "{name} on {subject}");
            }
            for (at, root) in person.store.roots.iter().filter(|((scope, _), _)| person.seat.may(1, scope)) {
                assert_eq!(Some(root), central.roots.get(at), "{name}: root of {} lane {}", at.0, at.1);
            }
        }
    }
}

pub(crate) fn taka(text: &str) -> Taka {
    Taka::parse(text).unwrap_or_else(|| panic!("{text} is no amount"))
}

fn reason_of(word: &str) -> AttemptReason {
    let reason: Result<AttemptReason, WordError> = AttemptReason::deserialize(word.into_deserializer());
    reason.unwrap_or_else(|_| panic!("{word} is no reason"))
}

fn with_amount(draft: &Draft, amount: Option<Taka>) -> Draft {
    let mut again = draft.clone();
    match (&mut again.fact, amount) {
        (Fact::Delivered(delivered), Some(amount)) => delivered.collected = Some(amount),
        (Fact::CounterPaid(paid), Some(amount)) => paid.amount = amount,
        (Fact::TillPaidOut(paid), Some(amount)) => paid.amount = amount,
        (Fact::HandInCounted(count), Some(amount)) => count.counted = amount,
        (Fact::HandInOffered(offer), Some(amount)) => offer.amount = amount,
        _ => {}
    }
    again
}

/// The reference terms of the domain: delivery 60 + VAT 9, commission 10 %, handling 1 %, VAT 15 %,
/// return fee 50 + VAT 7.50.
pub(crate) fn terms(parcel: Subject, vendor: Scope, price: Taka) -> EarningOpened {
    let (delivery, delivery_vat) = (Taka::whole(60), Taka::whole(9));
    let goods = price.minus(delivery).minus(delivery_vat);
    let (commission, cod_fee) = (goods.basis_points(1_000), goods.basis_points(100));
    EarningOpened {
        parcel,
        vendor,
        goods,
        delivery,
        delivery_vat,
        rounding: price.minus(price.whole_taka()),
        commission,
        cod_fee,
        vendor_vat: commission.basis_points(1_500).plus(cod_fee.basis_points(1_500)),
        rto_fee: Taka::whole(50),
        rto_vat: Taka::from_paisa(750).expect("small"),
    }
}
