//! The evening: everybody comes home, every device talks until there is nothing to say, all cash is counted, everything is
//! at the bank, and its last statements are in the books. What is different then stands on somebody's account.

use protocol::account::Code;
use protocol::command::Command;
use protocol::decide::Shelf;
use protocol::id::{Scope, Subject};
use protocol::seat::Role;
use protocol::taka::Taka;

use super::agent::hub_of;
use super::device::Line as Link;
use super::roster::TILLS;
use super::statement::Side;
use super::verdict;
use super::world::World;

/// Rounds of talking after which everybody holds what he should.
const ROUNDS: usize = 6;
/// Of so many people one is another than who proposed it.
const DESK_ROUNDS: usize = 8;
/// Offers that nobody counts are left lying, in so many of a hundred cases (R15).
const LEFT_LYING: u64 = 25;

impl World {
    pub(super) fn evening(&mut self) -> Result<(), String> {
        self.devices.iter_mut().for_each(|device| device.dark_until_ms = 0);
        self.converge()?;
        self.look("talking")?;
        self.unlock_drawers()?;
        for at in (0..self.brought.len()).rev() {
            self.record_deposit(at);
        }
        while let Some((reference, gross, entry)) = self.remitted.pop() {
            let before = self.remitted.len();
            self.record_remittance(reference, gross, entry);
            if self.remitted.len() > before {
                break;
            }
        }
        self.clear_the_desk();
        self.look("clearing the desk")?;
        self.hand_everything_in()?;
        self.look("handing in")?;
        self.close_tills()?;
        self.look("closing the tills")?;
        self.pay_once_more();
        self.look("the last payouts")?;
        self.bring(true);
        for side in [Side::Settlement, Side::Operating] {
            self.import(side);
        }
        for line in self.lines.values().cloned().collect::<Vec<_>>() {
            let left = self.lines.get(&line.subject).is_some_and(|now| now.state == line.state);
            let open = matches!(line.state, super::statement::State::Open | super::statement::State::Booked);
            if left && open {
                let decided = self.decide_explanation(&line);
                self.record("explain", decided);
            }
        }
        self.look("the bank")?;
        self.converge()
    }

    /// Every paper is entered, as far as the books let it, and every proposal finds a second person.
    fn clear_the_desk(&mut self) {
        for number in self.desk.open() {
            self.enter_paper(number);
        }
        for _ in 0..DESK_ROUNDS {
            for at in (0..self.desk.proposals.len()).rev() {
                self.sign_one(at, false);
            }
        }
    }

    /// What the bank could not deliver comes back, mostly, and the last run takes it along.
    fn pay_once_more(&mut self) {
        self.mature();
        for at in 0..self.bounces.len() {
            if self.bounces[at].credit.is_none() && self.dice.chance(70) {
                self.bank_sends_back(at);
            }
            self.give_back();
        }
        self.pay_out();
    }

    fn look(&mut self, what: &str) -> Result<(), String> {
        verdict::at_a_step(self).map_err(|wrong| format!("after {what}: {wrong}"))
    }

    /// Every device talks until there is nothing to say.
    pub(super) fn converge(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let before = self.office.central.memory.position;
            for at in 0..self.devices.len() {
                self.connect(at, Link::Whole);
            }
            let waiting: usize = self.devices.iter().map(super::device::Device::waiting).sum();
            if self.office.central.memory.position == before && waiting == 0 {
                return Ok(());
            }
        }
        let waiting: Vec<Subject> =
            self.devices.iter().filter(|device| device.waiting() > 0).map(super::device::Device::party).collect();
        Err(format!("there is no end of talking: {waiting:?} wait"))
    }

    /// The first device of a party.
    fn device_of(&self, party: Scope) -> Option<usize> {
        self.devices.iter().position(|device| device.party() == party)
    }

    /// Every agent comes home: what lies on counters is counted, and then what he still has.
    fn hand_everything_in(&mut self) -> Result<(), String> {
        let open: Vec<Subject> =
            self.street.bundles.iter().filter(|(_, bundle)| !bundle.counted).map(|(handin, _)| *handin).collect();
        for handin in open {
            let Some(bundle) = self.street.bundles.get(&handin).cloned() else { continue };
            let even =
                self.street.of_agent(&bundle.agent) == self.office.balance(Code::AgentCash.of_owner(bundle.agent));
            if even && self.dice.chance(LEFT_LYING) {
                continue;
            }
            let Some(at) = self.device_of(bundle.site) else { continue };
            self.count_exactly(at, handin, bundle.agent, bundle.cash);
        }
        self.converge()?;
        let agents: Vec<usize> = (0..self.devices.len()).filter(|at| self.devices[*at].role() == Role::Agent).collect();
        for at in agents {
            let me = self.devices[at].party();
            let held = self.devices[at].edge.cash_on_hand();
            if self.device_of(me) != Some(at) || held <= Taka::ZERO || !self.hand_in(at, held, true) {
                continue;
            }
            let last = self.street.bundles.iter().filter(|(_, bundle)| bundle.agent == me && !bundle.counted);
            let handins: Vec<(Subject, Taka)> = last.map(|(handin, bundle)| (*handin, bundle.cash)).collect();
            self.converge()?;
            let Some(clerk) = self.device_of(hub_of(me)) else { continue };
            for (handin, cash) in handins {
                let old = self.devices[clerk].edge.folded(handin).is_none();
                if !old {
                    self.count_exactly(clerk, handin, me, cash);
                }
            }
        }
        self.converge()
    }

    fn count_exactly(&mut self, at: usize, handin: Subject, agent: Scope, counted_paisa: Taka) {
        let command = Command::Count { handin, agent, counted_paisa, denominations: Vec::new() };
        if self.tap(at, &command, "count") {
            self.street.count(&handin);
        }
    }

    /// Cash is counted into drawers that are in use.
    fn unlock_drawers(&mut self) -> Result<(), String> {
        for site in TILLS {
            let Some(at) = self.device_of(site) else { continue };
            let shifts = self.devices[at].edge.shifts();
            let locked: Vec<Subject> =
                shifts.iter().filter(|(_, shift)| shift.is_open() && shift.suspended).map(|(of, _)| *of).collect();
            for shift in locked {
                self.lock_or_unlock(at, shift);
            }
        }
        self.converge()
    }

    /// Every drawer is counted by somebody who has heard everything.
    fn close_tills(&mut self) -> Result<(), String> {
        for site in TILLS {
            let Some(at) = self.device_of(site) else { continue };
            let drawer = self.street.pile(&site).max(Taka::ZERO);
            for _ in 0..8 {
                let shifts = self.devices[at].edge.shifts();
                let open = shifts.iter().find(|(_, shift)| shift.is_open()).map(|(subject, _)| *subject);
                let Some(shift) = open else { break };
                let command = Command::CloseTill { shift, counted_paisa: drawer, denominations: Vec::new() };
                self.tap(at, &command, "close_till");
            }
            // Facts of a shift that came after its report show at the next one (R18).
            self.tap(at, &Command::OpenTill { float_paisa: drawer }, "open_till");
            let shifts = self.devices[at].edge.shifts();
            let open = shifts.iter().find(|(_, shift)| shift.is_open()).map(|(subject, _)| *subject);
            if let Some(shift) = open {
                let command = Command::CloseTill { shift, counted_paisa: drawer, denominations: Vec::new() };
                self.tap(at, &command, "close_till");
            }
        }
        self.converge()
    }
}
