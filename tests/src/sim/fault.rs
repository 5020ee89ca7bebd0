//! What goes wrong, and how often it did.

use std::collections::BTreeMap;

use serde::Serialize;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// A kind of trouble.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As reports write it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

faults! {
    /// A line of a few kilobits a second.
    SlowLine = "slow_line";
    /// Packets lost in a row: frames come late.
    BurstLoss = "burst_loss";
    /// A frame came twice.
    Duplicate = "duplicate";
    /// Bursts carried over a LAN or a bundle, newest first.
    Reorder = "reorder";
    /// An agent's device met its site's relay, with or without the link to the end.
    Visit = "visit";
    /// A line that died in both directions.
    Cut = "cut";
    /// A line on which one direction is deaf.
    OneWayCut = "one_way_cut";
    /// A device killed between two of its transactions.
    KillDevice = "kill_device";
    /// A transaction that was under way when the power went: it never was.
    TornWrite = "torn_write";
    /// A hub killed with its sessions, after a commit and before its answer.
    KillHub = "kill_hub";
    /// A disk without room.
    FullDisk = "full_disk";
    /// A phone that came back from a backup.
    RestoreDevice = "restore_device";
    /// A disk that lost what it had promised, and nobody noticed.
    LyingDisk = "lying_disk";
    /// A card copied into a second phone.
    Clone = "clone";
    /// A clock that stands at 1970.
    DeadClock = "dead_clock";
    /// A clock that jumped by years.
    ClockJump = "clock_jump";
    /// A hub of before the ladder of repair and before packs.
    OldHub = "old_hub";
    /// A seat that was withdrawn.
    Revocation = "revocation";
    /// Facts of a later version, broken ones, and ones their author may not make.
    StrangeFact = "strange_fact";
    /// A burst in somebody else's name.
    Forgery = "forgery";
    /// Central back from an old copy.
    RestoreCentral = "restore_central";
}

/// What one seed, or many, came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Worlds.
    pub seeds: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// Ops in central's log at the end.
    pub facts: u64,
    /// Sessions that came to rest by themselves.
    pub rested: u64,
    /// Ops that were taken a second time, and had no second effect.
    pub duplicates: u64,
    /// Slots that were refused.
    pub refused: u64,
    /// Subjects that wait for a ruling at the end.
    pub contested: u64,
    /// Numbers at which two bursts were seen.
    pub forks: u64,
    /// Sets that were repaired, by the way in which they were.
    pub repairs: BTreeMap<&'static str, u64>,
    /// Visits at a relay, by how they ended.
    pub visits: BTreeMap<&'static str, u64>,
    /// Memberships that central closed and opened again, subjects that devices let go of, and those of them that had
    /// come to other amounts there.
    pub closing: BTreeMap<&'static str, u64>,
    /// How often each kind of trouble happened.
    pub faults: BTreeMap<&'static str, u64>,
    /// Journals at the end, by rule.
    pub journals: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Something went wrong.
    pub fn happened(&mut self, fault: Fault) {
        *self.faults.entry(fault.word()).or_default() += 1;
    }

    /// Adds another seed's.
    pub fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.steps += other.steps;
        self.facts += other.facts;
        self.rested += other.rested;
        self.duplicates += other.duplicates;
        self.refused += other.refused;
        self.contested += other.contested;
        self.forks += other.forks;
        let counts = [
            (&mut self.repairs, &other.repairs),
            (&mut self.visits, &other.visits),
            (&mut self.closing, &other.closing),
            (&mut self.faults, &other.faults),
            (&mut self.journals, &other.journals),
        ];
        for (of, from) in counts {
            for (word, count) in from {
                *of.entry(word).or_default() += count;
            }
        }
    }
}
