//! Pictures: they wait for everything else, go on where a link left them, and are what their fact names.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use edge_node::{BusinessClock, Node, RecordError};
use getit_tests::link::{Link, LinkProfile, Trace};
use protocol::blob::{BlobHeld, BlobId, BlobPart};
use protocol::fact::ProofForm;
use protocol::id::Subject;
use protocol::refusal::Refusal;

use super::house::{Crew, DUE, Edge, House, soon};

/// A picture of so many bytes, no two alike.
fn picture(n: u32, bytes: usize) -> Vec<u8> {
    let mut picture = vec![0xff, 0xd8, 0xff, 0xe0];
    let mut state = n.wrapping_mul(2_654_435_761).wrapping_add(1);
    while picture.len() < bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        picture.extend_from_slice(&state.to_be_bytes());
    }
    picture.truncate(bytes);
    picture
}

fn prove(edge: &Edge, n: u8, parcel: Subject, picture: &[u8]) {
    edge.node.prove([n; 16], parcel, ProofForm::Photo, picture).unwrap();
}

fn waiting(edge: &Edge) -> (u64, u64) {
    let counts = edge.node.store().read(|rows| rows.blob_counts()).unwrap();
    (counts.waiting, counts.waiting_bytes)
}

async fn all_gone(edge: &Edge) {
    soon("every picture is at central", async || {
        let (count, bytes) = waiting(edge);
        (count == 0).then_some(()).ok_or(format!("{count} pictures, {bytes} bytes"))
    })
    .await;
}

async fn shown(house: &House, parcel: Subject) -> Vec<Vec<u8>> {
    let mut pictures = Vec::new();
    let list = house.operate("GET", &format!("/proofs/of/{parcel}"), &serde_json::Value::Null).await;
    for row in list["rows"].as_array().unwrap() {
        assert_eq!(row["whole"], true, "{row}");
        let path = format!("/proofs/{}", row["blob"].as_str().unwrap());
        let picture = house.operate("GET", &path, &serde_json::Value::Null).await;
        assert_eq!(picture["media"], "image/jpeg");
        pictures.push(data_encoding::BASE64.decode(picture["base64"].as_str().unwrap().as_bytes()).unwrap());
    }
    pictures
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_thirty_photos_wait_for_one_cash_fact_and_go_on_after_a_cut() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let (first, second) = (house.place("1").await, house.place("2").await);
    crew.bring_to_agent(first).await;
    crew.bring_to_agent(second).await;
    house.settled(&crew.all()).await;
    crew.agent.go_offline().await;
    let pictures: Vec<Vec<u8>> = (0..30).map(|n| picture(n, 20_000)).collect();
    for (n, picture) in (1..).zip(&pictures) {
        prove(&crew.agent, n, first, picture);
    }
    prove(&crew.agent, 1, first, &pictures[7]);
    assert_eq!(waiting(&crew.agent).0, 30, "the same act again keeps nothing");

    // A slow line: what waits takes half a minute of it.
    let profile =
        LinkProfile { delay_each_way: Duration::from_millis(100), ..LinkProfile::clean(Trace::constant(160_000)) };
    let line = Link::start("slow", &[hub.quic], profile, 1).await.unwrap();
    let far: SocketAddr = line.addresses()[0];
    crew.agent.go_online(far);
    let total = waiting(&crew.agent).1;
    soon("some of it has gone", async || {
        let left = waiting(&crew.agent).1;
        (left < total).then_some(()).ok_or(format!("{left} bytes"))
    })
    .await;
    let act = crew.deliver(first).await;
    soon("the cash is safe", async || {
        let receipt = crew.agent.node.receipt(act).unwrap().unwrap();
        (receipt.standing == edge_node::Standing::InTheBooks).then_some(()).ok_or(format!("{receipt:?}"))
    })
    .await;
    let left = waiting(&crew.agent);
    assert!(left.0 > 20, "pictures waited behind it, not before it: {left:?}");

    // The line dies; nothing that central holds is sent again.
    line.cut();
    let sent = line.bytes().up;
    let before = waiting(&crew.agent).1;
    crew.agent.go_offline().await;
    line.restore();
    crew.agent.go_online(hub.quic);
    all_gone(&crew.agent).await;
    assert!(before < total && sent > 0);
    assert_eq!(shown(&house, first).await.len(), 30);
    let mut found = shown(&house, first).await;
    let mut expected = pictures.clone();
    found.sort();
    expected.sort();
    assert!(found == expected, "what is shown is what was taken");
    let (whole, pieces): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE whole_at IS NOT NULL), (SELECT sum(octet_length(bytes))::bigint FROM blob_part)
         FROM blob",
    )
    .fetch_one(house.pool())
    .await
    .unwrap();
    assert_eq!((whole, pieces as u64), (30, total), "no piece is kept twice");

    // Central comes back from a copy that knows every fact, and half of the pictures only by name.
    crew.go_offline().await;
    let lost = "DELETE FROM blob_part WHERE blob IN (SELECT id FROM blob ORDER BY id LIMIT 15)";
    sqlx::query(lost).execute(house.pool()).await.unwrap();
    let unknown = "UPDATE blob SET upto = 0, whole_at = NULL WHERE id NOT IN (SELECT blob FROM blob_part)";
    assert_eq!(sqlx::query(unknown).execute(house.pool()).await.unwrap().rows_affected(), 15);
    central::rebuild::new_log(house.pool()).await.unwrap();
    // And the device was killed while it kept another: a file without a record.
    let (orphan, half) = (crew.agent.dir.join("blobs").join("ab".repeat(32)), crew.agent.dir.join("blobs/x.part"));
    std::fs::write(&orphan, "never recorded").unwrap();
    std::fs::write(&half, "not even whole").unwrap();
    crew.agent.node = Arc::new(Node::open(&crew.agent.dir, BusinessClock::default()).unwrap());
    assert!(!orphan.exists() && !half.exists(), "what no fact names takes no room");
    crew.go_online(hub.quic);
    soon("every picture is whole again", async || {
        let whole = "SELECT count(*) FROM blob WHERE whole_at IS NOT NULL";
        let whole: i64 = sqlx::query_scalar(whole).fetch_one(house.pool()).await.unwrap();
        (whole == 30).then_some(()).ok_or(format!("{whole} of 30"))
    })
    .await;
    all_gone(&crew.agent).await;
    let mut found = shown(&house, first).await;
    found.sort();
    assert!(found == expected, "and is what it was");
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_picture_that_is_none_is_refused_and_a_lie_about_one_is_not_kept() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let (parcel, foreign) = (house.place("1").await, house.place("2").await);
    crew.bring_to_agent(parcel).await;
    house.settled(&crew.all()).await;
    let no = |parcel, picture: &[u8]| match crew.agent.node.prove([99; 16], parcel, ProofForm::Photo, picture) {
        Err(RecordError::Refusal(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(no(parcel, b"GIF89a"), Refusal::NoPicture);
    assert_eq!(no(parcel, b""), Refusal::NoPicture);
    assert!(matches!(no(parcel, &picture(1, 9 * 1024 * 1024)), Refusal::PictureTooLarge(_)));
    assert!(matches!(no(foreign, &picture(1, 900)), Refusal::Unknown(_)), "he has no key of it");
    assert_eq!(waiting(&crew.agent), (0, 0));
    let files = std::fs::read_dir(crew.agent.dir.join("blobs")).map_or(0, Iterator::count);
    assert_eq!(files, 0, "nothing of a refused picture stays");

    // The line costs: the fact goes, the picture waits.
    crew.agent.node.set_metered(true);
    prove(&crew.agent, 1, parcel, &picture(1, 50_000));
    house.settled(&crew.all()).await;
    assert_eq!(waiting(&crew.agent).0, 1);
    let list = house.operate("GET", &format!("/proofs/of/{parcel}"), &serde_json::Value::Null).await;
    assert_eq!((&list["rows"][0]["whole"], &list["rows"][0]["held_bytes"]), (&false.into(), &0.into()));

    // What a broken or hostile program sends in the meantime.
    let agent = crew.agent.node.author();
    let blob = BlobId::parse(list["rows"][0]["blob"].as_str().unwrap()).unwrap();
    let bytes = usize::try_from(list["rows"][0]["bytes"].as_i64().unwrap()).unwrap();
    let send = async |author, blob, offset: usize, bytes: Vec<u8>| {
        let part = BlobPart { blob, offset: offset as u64, bytes: bytes.into() };
        central::blobs::take(house.pool(), author, &part).await.unwrap()
    };
    let held = |upto: usize| BlobHeld { blob, upto: upto as u64, refused: None };
    let code = |held: BlobHeld| held.refused.unwrap_or_default();
    assert_eq!(code(send(agent, BlobId([1; 32]), 0, vec![1; 9]).await), "unknown_blob");
    assert_eq!(code(send(crew.site.node.author(), blob, 0, vec![1; 9]).await), "unknown_blob", "not his");
    assert_eq!(code(send(agent, blob, 0, vec![1; bytes + 1]).await), "blob_too_long");
    assert_eq!(send(agent, blob, 5, vec![1; 9]).await, held(0), "a gap is left out");
    assert_eq!(send(agent, blob, 0, vec![1; 9]).await, held(9));
    assert_eq!(send(agent, blob, 0, vec![1; 9]).await, held(9), "twice is once");
    assert_eq!(send(agent, blob, 9, vec![1; bytes - 9]).await, held(0), "it is not what it is called");

    crew.agent.node.set_metered(false);
    all_gone(&crew.agent).await;
    assert_eq!(shown(&house, parcel).await, [picture(1, 50_000)]);

    // The key goes, and the picture with it.
    sqlx::query("DELETE FROM subject_key WHERE subject = $1").bind(parcel.0).execute(house.pool()).await.unwrap();
    let opened = central::blobs::picture(house.pool(), &blob).await.unwrap();
    assert_eq!(opened.unwrap_err(), central::blobs::NotShown::Forgotten);
    crew.deliver(parcel).await;
    crew.hand_in(DUE).await;
    house.settled(&crew.all()).await;
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}
