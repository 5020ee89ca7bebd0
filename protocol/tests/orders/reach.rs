//! Which rules for pairs and which contest codes a case reached, so that a run can say what it has proved.

use std::collections::BTreeMap;

use protocol::account::Code as Chart;
use protocol::contest::Code;
use protocol::fact::Fact;
use protocol::fold::{Folded, State};
use protocol::history::{History, Seen};
use protocol::journal::Rule;
use protocol::parcel::Status;
use protocol::taka::Taka;

/// A case as it ended.
struct Ended<'a> {
    history: &'a History,
    folded: &'a Folded,
}

/// The table of rules for pairs in FACTS.md, row by row.
const PAIRS: [(&str, fn(&Ended<'_>) -> bool); 25] = [
    ("R1 the same act twice", |ended| ended.acts().any(|(index, _)| ended.history.echoes(index).next().is_some())),
    ("R2 two deliveries", |ended| ended.is_contested(Code::ContestedDelivery) && ended.apart(delivered, delivered)),
    ("R3 cash, and paid to a provider", |ended| {
        let took = |fact: &Fact| took_at_door(fact) || took_at_counter(fact);
        ended.posted(Rule::J24)
            && ended.posted(Rule::J12)
            && ended.apart(took, |fact| matches!(fact, Fact::PaidAtDoor(_)))
    }),
    ("R4 cash at the door and at the counter", |ended| {
        ended.posted(Rule::J12) && ended.apart(took_at_door, took_at_counter)
    }),
    ("R5 delivered, and scanned in knowing of it", |ended| ended.is_contested(Code::BackAfterDelivery)),
    ("R5 a delivery that was none", |ended| ended.parcel().is_some_and(|parcel| !parcel.voided.is_empty())),
    ("R7 cancelled and given, with evidence", |ended| ended.parcel().is_some_and(|parcel| parcel.return_requested)),
    ("R7 cancelled and given, on a tap", |ended| ended.is_contested(Code::CancelledAndDelivered)),
    ("R7 released and given", |ended| ended.is_contested(Code::GoodsAndMoney)),
    ("R8 cancelled, and the vendor did not know", |ended| {
        ended.parcel().is_some_and(|parcel| parcel.status == Status::Cancelled) && ended.apart(cancelled, prepared)
    }),
    ("R8 cancelled under way", |ended| ended.parcel().is_some_and(|parcel| parcel.stop_requested)),
    ("- at the door and over a counter", |ended| {
        ended.is_contested(Code::ContestedDelivery) && ended.apart(delivered, handed_over)
    }),
    ("- two scans of one site", |ended| ended.is_one_place()),
    ("R12 less than due", |ended| ended.posted(Rule::J11a)),
    ("R13 more than due", |ended| ended.posted(Rule::J11)),
    ("R14 offer and count differ", |ended| {
        ended.handin().is_some_and(|(offered, counted)| offered && counted)
            && (ended.posted(Rule::J9) || ended.posted(Rule::J10))
    }),
    ("R15 offer without count", |ended| ended.handin() == Some((true, false))),
    ("R16 count without offer", |ended| ended.handin() == Some((false, true))),
    ("R17 two counts", |ended| ended.is_contested(Code::SecondCount)),
    ("R19 the bank counts less", |ended| ended.posted(Rule::J13b)),
    ("R19 the bank counts more", |ended| ended.posted(Rule::J13a) && ended.posts_to(Chart::CashOver)),
    ("R20 a credit, and its record later", |ended| match &ended.folded.state {
        State::Line(line) => line.word() == "identified",
        _ => false,
    }),
    ("R26 out of a till, and by a provider", |ended| {
        let given = |fact: &Fact| matches!(fact, Fact::CashRefunded(_));
        ended.posted(Rule::J20d)
            && ended.posted(Rule::J37)
            && ended.apart(given, |fact| matches!(fact, Fact::RefundPaid(_)))
    }),
    ("- two records of what is said once", |ended| ended.is_contested(Code::RecordedTwice)),
    ("- any other pair", |ended| ended.is_contested(Code::UnlistedPair)),
];

impl<'a> Ended<'a> {
    fn acts(&self) -> impl Iterator<Item = (usize, &'a Fact)> {
        self.history.acts_of(Some)
    }

    /// Two acts of such kinds, neither knowing of the other.
    fn apart(&self, one: fn(&Fact) -> bool, other: fn(&Fact) -> bool) -> bool {
        let apart = |a: usize, b: usize| self.history.concurrent(a, b);
        let first: Vec<usize> = self.acts().filter(|(_, fact)| one(fact)).map(|(index, _)| index).collect();
        self.acts().any(|(b, fact)| other(fact) && first.iter().any(|a| apart(*a, b)))
    }

    fn is_contested(&self, code: Code) -> bool {
        self.folded.contests().iter().any(|contest| contest.code == code)
    }

    fn posted(&self, rule: Rule) -> bool {
        self.folded.journals.iter().any(|journal| journal.rule == rule)
    }

    fn posts_to(&self, code: Chart) -> bool {
        self.folded.journals.iter().flat_map(|journal| &journal.postings).any(|line| line.account.code == code)
    }

    fn parcel(&self) -> Option<&'a protocol::parcel::Parcel> {
        if let State::Parcel(parcel) = &self.folded.state { Some(parcel) } else { None }
    }

    fn handin(&self) -> Option<(bool, bool)> {
        match &self.folded.state {
            State::HandIn(handin) => Some((handin.offered.is_some(), handin.counted.is_some())),
            _ => None,
        }
    }

    /// Two clerks of one site: one record stands, and the other waits for nobody.
    fn is_one_place(&self) -> bool {
        let by = self.parcel().and_then(|parcel| parcel.status_by);
        let Some((stands, winner)) = self.history.facts.iter().enumerate().find(|(_, seen)| Some(seen.id) == by) else {
            return false;
        };
        let waits = |seen: &Seen| self.folded.contests().iter().any(|contest| contest.op == seen.id);
        self.acts().any(|(index, fact)| {
            let seen = &self.history.facts[index];
            let one_site = seen.party == winner.party && self.history.concurrent(index, stands);
            one_site && lies(fact) && winner.fact.as_ref().is_some_and(lies_or_given) && !waits(seen)
        })
    }
}

fn delivered(fact: &Fact) -> bool {
    matches!(fact, Fact::Delivered(_))
}

fn handed_over(fact: &Fact) -> bool {
    matches!(fact, Fact::HandedOver(_))
}

fn cancelled(fact: &Fact) -> bool {
    matches!(fact, Fact::ParcelCancelled(_))
}

fn prepared(fact: &Fact) -> bool {
    matches!(fact, Fact::Accepted(_) | Fact::Packed(_))
}

fn took_at_door(fact: &Fact) -> bool {
    matches!(fact, Fact::Delivered(delivered) if delivered.collected.is_some_and(|cash| cash > Taka::ZERO))
}

fn took_at_counter(fact: &Fact) -> bool {
    matches!(fact, Fact::CounterPaid(_) | Fact::PartnerPaid(_))
}

fn lies(fact: &Fact) -> bool {
    matches!(fact, Fact::Received(_) | Fact::Shelved(_) | Fact::HoldExpired(_))
}

fn lies_or_given(fact: &Fact) -> bool {
    lies(fact) || handed_over(fact)
}

/// Every contest code.
fn codes() -> impl Iterator<Item = Code> {
    (0..=u16::from(u8::MAX)).filter_map(Code::of)
}

fn names() -> impl Iterator<Item = &'static str> {
    PAIRS.iter().map(|(pair, _)| *pair).chain(codes().map(Code::word))
}

/// How many cases reached what.
#[derive(Default)]
pub(crate) struct Tally {
    reached: BTreeMap<&'static str, u64>,
    cases: u64,
    contested: u64,
    corrected: u64,
    troubled: u64,
}

impl Tally {
    /// Counts so many orders of one set by its end; of so many the ledger had to take something back.
    pub(crate) fn count(&mut self, history: &History, folded: &Folded, orders: u64, corrected: u64) {
        let is_contested = !folded.contests().is_empty();
        self.cases += orders;
        self.contested += if is_contested { orders } else { 0 };
        self.corrected += corrected;
        self.troubled += if is_contested { orders } else { corrected };
        let ended = Ended { history, folded };
        let pairs = PAIRS.iter().filter(|(_, holds)| holds(&ended)).map(|(pair, _)| *pair);
        let codes = codes().filter(|code| ended.is_contested(*code)).map(Code::word);
        for name in pairs.chain(codes) {
            *self.reached.entry(name).or_default() += orders;
        }
    }

    /// Percent of the cases that ended contested or corrected.
    pub(crate) fn share(&self) -> u64 {
        100 * self.troubled / self.cases.max(1)
    }

    /// How many cases were hard.
    pub(crate) fn headline(&self) -> String {
        let (troubled, cases, share) = (self.troubled, self.cases, self.share());
        let of = format!("({} contested, {} corrected)", self.contested, self.corrected);
        format!("{troubled} of {cases} ended contested or corrected: {share} % {of}")
    }

    /// How often each rule and each code was reached.
    pub(crate) fn tell(&self) -> String {
        let line = |name| format!("{:>9}  {name}\n", self.reached.get(name).copied().unwrap_or_default());
        names().map(line).collect()
    }

    /// Rules and codes that no case reached.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        names().filter(|name| !self.reached.contains_key(name)).collect()
    }
}
