//! The verdict of a day, and what it must come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a day came to. Amounts are paisa; credits are positive where the name says what is owed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// Orders placed.
    pub orders: u64,
    /// Parcels of them.
    pub parcels: u64,
    /// Parcels that reached their customer, at the door or over a counter.
    pub delivered: u64,
    /// Those of them that were fetched at a pickup point.
    pub collected_at_point: u64,
    /// Orders that were paid ahead.
    pub prepaid: u64,
    /// Parcels called off before they moved.
    pub cancelled: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// Parcels that are back at their vendor.
    pub returned: u64,
    /// Parcels that wait for a ruling.
    pub contested: u64,
    /// Distinct ops that edges authored, wherever they are held.
    pub ops_total: u64,
    /// Those of them that stand in Postgres, byte for byte.
    pub ops_safe: u64,
    /// Ops that their author believes safe and central does not hold.
    pub safe_ops_missing: u64,
    /// Ops that came to central again.
    pub duplicates_received: u64,
    /// Journals that stand although their effect was posted before, by business key.
    pub effects_applied_twice: u64,
    /// Sum of all postings.
    pub trial_balance_paisa: i64,
    /// Cash taken at doors.
    pub cash_collected_paisa: i64,
    /// Cash in tills (1120).
    pub cash_in_tills_paisa: i64,
    /// Cash that the bank has confirmed (J13a, J13b).
    pub cash_banked_paisa: i64,
    /// What vendors were sent (J17a), less what came back (J17b).
    pub paid_out_paisa: i64,
    /// Owed to vendors (2010, 2020, 2030).
    pub vendor_payable_paisa: i64,
    /// Missing cash, owed by name (1140).
    pub cash_short_paisa: i64,
    /// Cash that nobody explains (2090).
    pub cash_over_paisa: i64,
    /// Lines of statements that are what the books expected, or a charge.
    pub matched_lines: u64,
    /// Lines that nobody has explained yet: each stands under its own name, or waits for a word.
    pub unmatched_lines: u64,
    /// Differences whose end is open, each with its owner.
    pub exceptions_open: u64,
    /// Rulings on differences.
    pub exceptions_ruled: u64,
    /// Cash collected, less what is banked, in a named hand, or a difference with an owner.
    pub cash_unaccounted_paisa: i64,
    /// Piles of the script less the accounts 1010, 1040, 1110 and 1120, without sign, over all who hold.
    pub world_cash_diff_paisa: i64,
    /// Standing journals by rule.
    pub journals: BTreeMap<String, u64>,
    /// Every edge.
    pub nodes: Vec<NodeVerdict>,
    /// Exceptions by kind.
    pub exceptions: Vec<ExceptionCount>,
    /// Everything that is not as it must be, each with the node and the id.
    pub problems: Vec<String>,
}

/// What one edge came to.
#[derive(Clone, Debug, Serialize)]
pub struct NodeVerdict {
    /// Its name.
    pub node: String,
    /// Its role.
    pub role: String,
    /// Ops that it authored.
    pub ops: u64,
    /// How often it was killed.
    pub kills: u64,
    /// Own bursts that central has not acknowledged.
    pub waiting: u64,
    /// Its sets are central's sets, id by id, and both sides' roots are those of the sets.
    pub root_equal: bool,
    /// Its ledger rows are central's, line by line.
    pub books_equal: bool,
}

/// Exceptions of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct ExceptionCount {
    /// The kind.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// What a day has to reach at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Orders.
    pub orders: u64,
    /// Parcels delivered, in percent.
    pub delivered_percent: u64,
    /// Failed attempts.
    pub failed: u64,
    /// Parcels returned.
    pub returned: u64,
    /// Parcels fetched at a pickup point.
    #[serde(default)]
    pub collected_at_point: u64,
    /// Orders paid ahead.
    #[serde(default)]
    pub prepaid: u64,
    /// Parcels called off.
    #[serde(default)]
    pub cancelled: u64,
    /// Paisa at the bank, and paid out: at least.
    #[serde(default)]
    pub banked_paisa: u64,
    /// Journals of missing cash.
    pub short: u64,
    /// Journals of cash that is too much.
    pub over: u64,
    /// Contested parcels.
    pub contested: u64,
    /// Matched lines of statements.
    #[serde(default)]
    pub lines: u64,
    /// Rulings.
    #[serde(default)]
    pub ruled: u64,
    /// Ops that came again.
    pub duplicates: u64,
    /// Ops that every node authored.
    pub ops: u64,
    /// kill -9 of every node.
    pub kills: u64,
    /// At least one journal of each rule of [`RULES`].
    pub journals: bool,
}

/// The rules of which a whole day has a journal each.
pub const RULES: [&str; 31] = [
    "J2", "J3", "J4", "J4p", "J5", "J6", "J7", "J8", "J9", "J9b", "J9c", "J10", "J11", "J11a", "J12", "J13", "J13a",
    "J13c", "J16", "J17", "J17a", "J17b", "J18", "J19", "J19a", "J21", "J24", "J29", "J29a", "J36", "J36a",
];
/// Journals of missing cash.
const SHORT: [&str; 3] = ["J9", "J11a", "J11c"];
/// Journals of cash that is too much.
const OVER: [&str; 2] = ["J10", "J11"];

impl Thresholds {
    /// Those of the demo.
    #[must_use]
    pub const fn demo() -> Self {
        Self {
            orders: 1_000,
            delivered_percent: 80,
            failed: 20,
            returned: 20,
            collected_at_point: 100,
            prepaid: 100,
            cancelled: 20,
            banked_paisa: 1,
            short: 3,
            over: 3,
            contested: 3,
            lines: 8,
            ruled: 4,
            duplicates: 100,
            ops: 1,
            kills: 1,
            journals: true,
        }
    }

    /// Those of a short day of a test: what its size leaves of each kind is chance.
    #[must_use]
    pub const fn small() -> Self {
        Self {
            orders: 10,
            delivered_percent: 40,
            failed: 0,
            returned: 0,
            collected_at_point: 1,
            prepaid: 1,
            cancelled: 0,
            banked_paisa: 1,
            short: 0,
            over: 0,
            contested: 0,
            lines: 2,
            ruled: 0,
            duplicates: 0,
            ops: 0,
            kills: 0,
            journals: false,
        }
    }
}

impl Verdict {
    /// Why the day is not as it must be; nothing when it is. Every problem is a failure.
    #[must_use]
    pub fn failures(&self, thresholds: &Thresholds) -> Vec<String> {
        let mut failures = self.problems.clone();
        let mut must = |holds: bool, sentence: String| {
            if !holds {
                failures.push(sentence);
            }
        };
        let of = |rules: &[&str]| rules.iter().filter_map(|rule| self.journals.get(*rule)).sum::<u64>();
        for (name, is, least) in [
            ("orders", self.orders, thresholds.orders),
            ("failed_attempts", self.failed_attempts, thresholds.failed),
            ("returned", self.returned, thresholds.returned),
            ("collected_at_point", self.collected_at_point, thresholds.collected_at_point),
            ("prepaid", self.prepaid, thresholds.prepaid),
            ("cancelled", self.cancelled, thresholds.cancelled),
            ("cash_banked_paisa", self.cash_banked_paisa.max(0).unsigned_abs(), thresholds.banked_paisa),
            ("paid_out_paisa", self.paid_out_paisa.max(0).unsigned_abs(), thresholds.banked_paisa),
            ("contested", self.contested, thresholds.contested),
            ("matched_lines", self.matched_lines, thresholds.lines),
            ("exceptions_ruled", self.exceptions_ruled, thresholds.ruled),
            ("duplicates_received", self.duplicates_received, thresholds.duplicates),
            ("journals of missing cash", of(&SHORT), thresholds.short),
            ("journals of cash over", of(&OVER), thresholds.over),
        ] {
            must(is >= least, format!("{name} is {is}; at least {least} are needed"));
        }
        let delivered = self.delivered * 100 >= self.parcels * thresholds.delivered_percent;
        let percent = thresholds.delivered_percent;
        must(delivered, format!("{} of {} parcels are delivered: under {percent} %", self.delivered, self.parcels));
        for rule in RULES.iter().filter(|rule| thresholds.journals && !self.journals.contains_key(**rule)) {
            must(false, format!("no journal of {rule} stands"));
        }
        must(
            self.ops_safe == self.ops_total,
            format!("ops_safe is {} and ops_total {}", self.ops_safe, self.ops_total),
        );
        for (name, is) in [
            ("safe_ops_missing", i128::from(self.safe_ops_missing)),
            ("effects_applied_twice", i128::from(self.effects_applied_twice)),
            ("trial_balance_paisa", i128::from(self.trial_balance_paisa)),
            ("world_cash_diff_paisa", i128::from(self.world_cash_diff_paisa)),
            ("cash_unaccounted_paisa", i128::from(self.cash_unaccounted_paisa)),
        ] {
            must(is == 0, format!("{name} is {is}; it must be 0"));
        }
        must(!self.nodes.is_empty(), "the day has no node".to_owned());
        for node in &self.nodes {
            let name = &node.node;
            must(node.ops >= thresholds.ops, format!("{name}: authored {} ops", node.ops));
            must(node.kills >= thresholds.kills, format!("{name}: killed {} times", node.kills));
            must(node.waiting == 0, format!("{name}: waiting is {}", node.waiting));
            must(node.root_equal, format!("{name}: root_equal is false"));
            must(node.books_equal, format!("{name}: books_equal is false"));
        }
        failures
    }
}
