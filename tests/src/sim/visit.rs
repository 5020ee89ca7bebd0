//! An agent's device at its site's relay: the words of a session near by, while neither may have a hub.

use std::collections::{BTreeSet, VecDeque};

use protocol::burst::Burst;
use protocol::frame::{Cursor, Frame, OwnHead};
use protocol::id::{Author, Incarnation, OpId, Scope, ShortId};
use protocol::seat::{Seat, bits};
use protocol::session::hub::{Answer, Ask, Difference, HubSession, Page, Told};
use protocol::session::{EdgeSession, EdgeStore};

use crate::model::{Dice, Edge, frame_of};

/// Frames after which a visit that does not come to rest is a bug.
const ENDLESS: usize = 20_000;

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Both hold the same of what both may hold.
    Equal,
    /// The link went.
    Cut,
    /// Some sets stay unequal until central says more.
    Apart,
}

impl Ended {
    /// As reports write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Cut => "cut",
            Self::Apart => "apart",
        }
    }
}

/// One visit; the link goes after some frames with a chance of one in three.
pub fn visit(agent: &mut Edge, site: &mut Edge, revoked: bool, dice: &mut Dice) -> Ended {
    let cut = dice.chance(33);
    let mut left = if cut { dice.below(30) } else { ENDLESS };
    let (mut at_agent, mut at_site) = (EdgeSession::with_relay(), HubSession::relay(agent.author, revoked));
    let Ok(hello) = agent.hello();
    let visitor = (agent.author, agent.seat.clone(), hello.inc, hello.safe);
    let Ok(first) = at_agent.start(agent);
    let mut up: VecDeque<Vec<u8>> = first.iter().map(Frame::encode).collect();
    let mut down: VecDeque<Vec<u8>> = VecDeque::new();
    loop {
        if left == 0 {
            assert!(cut, "a visit without a fault does not come to rest");
            return Ended::Cut;
        }
        left -= 1;
        if let Some(bytes) = up.pop_front() {
            let asks = at_site.handle(frame_of(&bytes)).unwrap_or_else(|violation| panic!("{violation}"));
            let mut asks = VecDeque::from(asks);
            while let Some(ask) = asks.pop_front() {
                let (frames, more) = at_site.answer(answer(site, &visitor, ask));
                down.extend(frames.iter().map(Frame::encode));
                asks.extend(more);
            }
        } else if let Some(bytes) = down.pop_front() {
            let Ok(frames) = at_agent.handle(agent, frame_of(&bytes));
            up.extend(frames.iter().map(Frame::encode));
        } else {
            break;
        }
    }
    if at_agent.is_equal() { Ended::Equal } else { Ended::Apart }
}

/// Whether both hold the same of what both may hold.
pub fn agree(agent: &Edge, site: &Edge) -> bool {
    let shared = |edge: &Edge| {
        let roots = edge.memory.roots.iter().filter(|((scope, _), root)| {
            root.count > 0 && agent.seat.may(bits::READ, scope) && site.seat.may(bits::READ, scope)
        });
        roots.map(|(at, root)| (*at, *root)).collect::<Vec<_>>()
    };
    shared(agent) == shared(site)
}

type Visitor = (Author, Seat, Incarnation, u64);

fn answer(site: &mut Edge, (author, seat, inc, safe): &Visitor, ask: Ask) -> Answer {
    let readable = |scope: Scope| seat.may(bits::READ, &scope);
    match ask {
        Ask::Welcome => {
            let (upto, highest) = held_from(site, *author, *inc, *safe);
            Answer::Welcome(Cursor::default(), vec![OwnHead { inc: *inc, upto, highest, forked: false, digest: None }])
        }
        Ask::Take(bursts) => {
            let own = bursts.iter().filter(|burst| burst.head.author == *author);
            let lives: BTreeSet<Incarnation> = own.map(|burst| burst.head.inc).collect();
            let Ok(_unknown) = site.receive(bursts);
            let from = |life: Incarnation| if life == *inc { *safe } else { 0 };
            let held = lives.into_iter().map(|life| (life, held_from(site, *author, life, from(life)).0));
            Answer::Took(held.collect(), Vec::new())
        }
        Ask::Page(..) => {
            let roots = site.memory.roots.iter().filter(|((scope, _), _)| readable(*scope));
            let roots = roots.map(|((scope, lane), root)| (*scope, *lane, *root)).collect();
            Answer::Page(Page { roots, upto: Told::default(), ..Page::default() })
        }
        Ask::Difference(scope, lane, _) => Answer::Difference(scope, lane, Difference::default()),
        Ask::Cells(scope, lane, cells) => {
            Answer::Cells(scope, lane, readable(scope).then(|| site.memory.sketch(scope, lane, cells)))
        }
        Ask::Elements(scope, lane) => {
            Answer::Elements(scope, lane, readable(scope).then(|| site.memory.elements(scope, lane)))
        }
        Ask::Ops(scope, lane, ids) => {
            let bursts = if readable(scope) { shown(site, scope, lane, &ids) } else { Vec::new() };
            let authors: Vec<Author> = bursts.iter().map(|burst| burst.head.author).collect();
            let certificates = certificates(site, &authors);
            Answer::Ops(scope, lane, Difference { bursts, certificates, ..Difference::default() })
        }
        Ask::Certificates(authors) => Answer::Certificates(certificates(site, &authors)),
        Ask::Boxes(_) => Answer::Boxes(Vec::new()),
        Ask::Names => Answer::Names(Vec::new()),
        Ask::Status(_) | Ask::Blob(_) => Answer::Noted,
    }
}

fn shown(site: &Edge, scope: Scope, lane: u8, ids: &[ShortId]) -> Vec<Burst> {
    let wanted: BTreeSet<&ShortId> = ids.iter().collect();
    let set = site.memory.set(scope, lane).into_iter();
    let ids: BTreeSet<OpId> = set.filter(|id| wanted.contains(&id.short())).collect();
    site.memory.bursts_with(&ids)
}

fn certificates(site: &Edge, authors: &[Author]) -> Vec<(Author, Vec<u8>)> {
    let held = authors.iter().filter_map(|author| site.memory.certificates.get(author).map(|held| (*author, held)));
    held.map(|(author, certificate)| (author, certificate.encode())).collect()
}

/// How far an author's bursts are held here without a gap from `from` on, and the highest.
fn held_from(site: &Edge, author: Author, inc: Incarnation, from: u64) -> (u64, u64) {
    let held = site.memory.numbers(author, inc);
    let mut upto = from;
    while held.contains(&(upto + 1)) {
        upto += 1;
    }
    (upto, held.last().copied().unwrap_or(0).max(upto))
}
