//! Books that a program with other rules left behind: what would change is said, what differs is posted, the rest is left
//! alone.

use central::restate;
use protocol::account::Code;
use protocol::fact::HandedOver;
use protocol::fold::RULES;
use protocol::journal::{Journal, Rule};
use protocol::ledger::Entry;

use super::*;

impl Town {
    /// As an older program would have left it: cash of a delivery that these rules do not see posted a second time, a
    /// contest that it did not see, a status that it read otherwise.
    async fn grow_old(&mut self) {
        let bursts = self.walk().await;
        self.intake.take(bursts).await.unwrap();
        let rival = Fact::HandedOver(HandedOver {});
        let rival = self.site.burst(vec![op_of(self.parcel, &rival, Vec::new())]);
        self.intake.take(vec![rival]).await.unwrap();
        let loaded = self.id_of(0x4001).await;
        let agent = self.agent.seat.party;
        let line = |code: Code, owner, paisa| protocol::journal::Posting {
            account: code.of_owner(owner),
            amount: Taka::from_paisa(paisa).unwrap(),
        };
        let journal = Journal {
            subject: self.parcel,
            rule: Rule::J4,
            cause: loaded,
            postings: vec![line(Code::AgentCash, agent, 5_000), line(Code::Clearing, self.parcel, -5_000)],
        };
        central::ledger::post_alone(&self.pool, &[Entry { rev: 0, journal }], NOW_MS + 1_000).await.unwrap();
        for older in [
            "UPDATE op SET apart = 'told_by_nobody' WHERE class_kind = 4144",
            "UPDATE view_handin SET state = 'offered'",
            "UPDATE log_head SET rules = 3",
        ] {
            assert!(sqlx::query(older).execute(&self.pool).await.unwrap().rows_affected() > 0, "{older}");
        }
    }

    /// Digests of the projections, without the list of what is apart: that this scene set facts apart was told nobody.
    async fn views(&self) -> Vec<rebuild::TableDigest> {
        let all = rebuild::digest(&self.pool).await.unwrap();
        all.into_iter().filter(|(table, ..)| *table != "exception").collect()
    }

    async fn id_of(&self, kind: i32) -> OpId {
        let (id,): ([u8; 32],) =
            sqlx::query_as("SELECT id FROM op WHERE class_kind = $1").bind(kind).fetch_one(&self.pool).await.unwrap();
        OpId(id)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_fix_of_the_fold_what_differs_is_posted_and_the_rest_is_left_alone() {
    let mut town = Town::new().await;
    assert_eq!(restate::folded_by(&town.pool).await.unwrap(), RULES);
    town.grow_old().await;
    let (records, projections) =
        (rebuild::digest_of_records(&town.pool).await.unwrap(), rebuild::digest(&town.pool).await.unwrap());

    let plan = restate::plan(&town.pool).await.unwrap();
    let [changed] = &plan.changed[..] else { panic!("{:?}", plan.changed) };
    assert_eq!((changed.subject, changed.contested), (town.parcel, true));
    assert_eq!((&changed.taken_back[..], &changed.posted[..]), (&["J4"][..], &[][..] as &[&str]));
    let fifty = Taka::whole(50);
    assert_eq!(plan.moved, [(Code::AgentCash, fifty.negated()), (Code::Clearing, fifty)].into());
    // A plan writes nothing.
    assert_eq!(rebuild::digest_of_records(&town.pool).await.unwrap(), records);
    assert_eq!(rebuild::digest(&town.pool).await.unwrap(), projections);
    assert_eq!(restate::folded_by(&town.pool).await.unwrap(), 3);

    assert_eq!(restate::restate(&town.pool, &town.intake).await.unwrap(), plan);
    assert_eq!(restate::folded_by(&town.pool).await.unwrap(), RULES);
    assert!(rebuild::verify_log(&town.pool).await.unwrap().is_sound());
    assert_eq!(town.number("SELECT count(*) FROM journal_log WHERE rule = 'J4' AND rev = 1").await, 1);
    let told = "SELECT count(*) FILTER (WHERE apart IS NULL) - count(*) FILTER (WHERE apart IS NOT NULL) FROM op
                WHERE class_kind = 4144";
    assert_eq!(town.number(told).await, 0);
    assert_eq!(town.text("SELECT state FROM view_handin").await, "counted");
    let healed = town.views().await;
    rebuild::rebuild(&town.pool).await.unwrap();
    assert_eq!(town.views().await, healed);

    let again = restate::restate(&town.pool, &town.intake).await.unwrap();
    assert!(again.changed.is_empty() && again.subjects == plan.subjects, "{again:?}");
}
