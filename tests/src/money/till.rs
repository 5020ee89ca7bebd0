//! Tills: cashiers count what agents hand in, open and close their drawers, pay out of them and into them on paper, and lock
//! them for a while. Some count wrong, some twice, some what nobody has offered, and two close one shift.

use protocol::command::Command;
use protocol::decide::Shelf;
use protocol::fact::TillReason;
use protocol::id::{Kind, Scope, Subject};
use protocol::taka::Taka;

use super::street::Bundle;
use super::world::World;

impl World {
    /// The cashier of a courier hub: cash that is handed in, or the drawer.
    pub(super) fn cashier(&mut self, at: usize) -> bool {
        if self.market.fetching && self.dice.chance(25) && self.give_refund(at) {
            return true;
        }
        match self.dice.below(100) {
            0..=64 => self.count(at),
            65..=71 => self.count_without_offer(at),
            _ => self.till(at),
        }
    }

    fn bundle_here(&mut self, at: usize, counted: bool) -> Option<(Subject, Bundle)> {
        let me = self.devices[at].party();
        let here = |bundle: &Bundle| bundle.site == me && bundle.counted == counted;
        let bundles: Vec<(Subject, Bundle)> =
            self.street.bundles.iter().filter(|(_, b)| here(b)).map(|(id, b)| (*id, b.clone())).collect();
        self.dice.pick(&bundles).cloned()
    }

    /// Counts what lies on the counter. The bundle may have been counted by somebody else: his slip lies beside it.
    pub(super) fn count(&mut self, at: usize) -> bool {
        let again = self.dice.chance(15);
        let Some((handin, bundle)) = self.bundle_here(at, again) else { return false };
        let counted = match self.dice.below(100) {
            0..=6 => bundle.cash.minus(Taka::whole(40)).max(Taka::ZERO),
            7..=12 => bundle.cash.plus(Taka::whole(20)),
            _ => bundle.cash,
        };
        self.count_as(at, handin, bundle.agent, counted)
    }

    /// Counts a hand-in as so much.
    pub(super) fn count_as(&mut self, at: usize, handin: Subject, agent: Scope, counted_paisa: Taka) -> bool {
        let named = if self.dice.chance(1) { self.other_agent(agent) } else { agent };
        let command = Command::Count { handin, agent: named, counted_paisa, denominations: Vec::new() };
        let again = self.street.bundles.get(&handin).is_some_and(|bundle| bundle.counted);
        let counted = self.tap(at, &command, if again { "count_again" } else { "count" });
        if counted {
            let cash = self.street.bundles.get(&handin).map(|bundle| bundle.cash);
            self.street.count(&handin);
            if self.street.silent.contains(&handin) && cash != Some(counted_paisa) {
                // Nothing says what he gave but the count, and of two counts the smaller id stands.
                self.crossed.insert(agent);
            }
            if named != agent {
                self.crossed.extend([named, agent]);
                self.did("count_names_another");
            }
        }
        counted
    }

    fn other_agent(&mut self, agent: Scope) -> Scope {
        let place = super::roster::place_of(&agent);
        let mut others =
            self.agents().into_iter().filter(|other| *other != agent && super::roster::place_of(other) == place);
        others.next_back().unwrap_or(agent)
    }

    /// The agent's phone is dead: the cashier counts what he brings, and the count alone moves it.
    fn count_without_offer(&mut self, at: usize) -> bool {
        let me = self.devices[at].party();
        let place = super::roster::place_of(&me);
        let rich =
            |agent: &Scope| super::roster::place_of(agent) == place && self.street.pile(agent) > Taka::whole(300);
        let agents: Vec<Scope> = self.agents().into_iter().filter(rich).collect();
        let Some(agent) = self.dice.pick(&agents).copied() else { return false };
        let stamp = self.stamp();
        let handin = Subject::new(Kind::HandIn, stamp.id(3));
        let cash = Taka::from_paisa(self.street.pile(&agent).paisa() / 2).unwrap_or_default().whole_taka();
        let command = Command::Count { handin, agent, counted_paisa: cash, denominations: Vec::new() };
        let counted = self.tap_at(at, &command, "count_without_offer", stamp);
        if counted {
            self.street.put_on_counter(handin, agent, me, cash);
            self.street.silent.insert(handin);
            self.street.count(&handin);
        }
        counted
    }

    /// Opens the drawer, or closes it with what is in it.
    pub(super) fn till(&mut self, at: usize) -> bool {
        let me = self.devices[at].party();
        let drawer = self.street.pile(&me).max(Taka::ZERO);
        let shifts = self.devices[at].edge.shifts();
        let open = shifts.iter().find(|(_, shift)| shift.is_open()).map(|(subject, _)| *subject);
        let Some(shift) = open else {
            return self.tap(at, &Command::OpenTill { float_paisa: drawer }, "open_till");
        };
        match self.dice.below(100) {
            0..=9 => return self.pay_from_till(at, shift, drawer),
            10..=15 => return self.pay_into_till(at, shift),
            16..=19 => return self.lock_or_unlock(at, shift),
            20..=69 => return false,
            _ => {}
        }
        let counted_paisa = match self.dice.below(100) {
            0..=7 => drawer.minus(Taka::whole(30)).max(Taka::ZERO),
            8..=15 => drawer.plus(Taka::whole(10)),
            _ => drawer,
        };
        self.close_as(at, shift, counted_paisa)
    }

    /// A van, tape, tea: cash leaves the drawer, and a paper says for what. Some try to take what is not there.
    fn pay_from_till(&mut self, at: usize, shift: Subject, drawer: Taka) -> bool {
        let me = self.devices[at].party();
        let reasons = TillReason::OUT;
        let reason = reasons[self.dice.below(reasons.len())];
        let tens = i32::try_from(2 + self.dice.below(30)).unwrap_or(2);
        let most = self.devices[at].edge.till_balance();
        let amount_paisa = match self.dice.below(10) {
            0 => most.plus(Taka::whole(10)).max(Taka::whole(10)),
            _ => Taka::whole(10 * tens).min(drawer).min(most),
        };
        self.numbers += 1;
        let voucher = format!("V-{:05}", self.numbers);
        let paid = self.tap(at, &Command::PayOut { shift, amount_paisa, reason, voucher }, "pay_out");
        if paid {
            self.street.come(me, amount_paisa.negated());
        }
        paid
    }

    /// Somebody puts his own notes in, or change is brought.
    fn pay_into_till(&mut self, at: usize, shift: Subject) -> bool {
        let me = self.devices[at].party();
        let reasons = TillReason::IN;
        let reason = reasons[self.dice.below(reasons.len())];
        let amount_paisa = Taka::whole(i32::try_from(10 * (1 + self.dice.below(50))).unwrap_or(10));
        self.numbers += 1;
        let voucher = format!("V-{:05}", self.numbers);
        let paid = self.tap(at, &Command::PayIn { shift, amount_paisa, reason, voucher }, "pay_in");
        if paid {
            self.street.come(me, amount_paisa);
        }
        paid
    }

    /// The cashier goes to lunch, or comes back.
    pub(super) fn lock_or_unlock(&mut self, at: usize, shift: Subject) -> bool {
        let shifts = self.devices[at].edge.shifts();
        let is_locked = shifts.iter().any(|(of, state)| *of == shift && state.suspended);
        if is_locked {
            return self.tap(at, &Command::ResumeTill { shift }, "resume_till");
        }
        self.tap(at, &Command::SuspendTill { shift }, "suspend_till")
    }

    /// Closes a shift; the person at the other window may do so at the same time.
    pub(super) fn close_as(&mut self, at: usize, shift: Subject, counted_paisa: Taka) -> bool {
        let me = self.devices[at].party();
        let command = Command::CloseTill { shift, counted_paisa, denominations: Vec::new() };
        let other = (0..self.devices.len()).find(|other| *other != at && self.devices[*other].party() == me);
        if let Some(other) = other.filter(|_| self.dice.chance(25)) {
            self.tap(other, &command, "close_till_twice");
        }
        self.tap(at, &command, "close_till")
    }
}
