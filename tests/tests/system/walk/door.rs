//! Who gets in: the authority's certificates only, seats only; of a revoked seat, what it recorded.

use std::net::SocketAddr;
use std::sync::Arc;

use central::authority::Authority;
use ed25519_dalek::SigningKey;
use protocol::command::Command;
use protocol::fact::{Accepted, Fact, Packed};
use protocol::frame::{Frame, Hello, Safe};
use protocol::intake::op_of;
use protocol::seat::Role;
use protocol_quic::{HUB_NAME, Identity};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint};
use rustls::pki_types::CertificateDer;

use super::hostile::{Pen, after, answered, bursts};
use super::house::{House, soon};
use super::raw::{Raw, identity_of};

/// Whether the hub says WELCOME to this identity; its side of the handshake ends after ours.
async fn is_welcome(identity: &Identity, hub: SocketAddr) -> bool {
    let endpoint = protocol_quic::device(identity, "127.0.0.1:0".parse().unwrap()).unwrap();
    let Ok(mut link) = protocol_quic::connect(&endpoint, hub).await else { return false };
    // It may be gone by now: then there is no answer either.
    let _gone = link.send(&[Frame::Hello(Hello::default())]).await;
    matches!(link.next().await, Ok(Some(Frame::Welcome(_))))
}

async fn is_welcome_without_certificate(authority: &[u8], hub: SocketAddr) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(authority.to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut tls = tls.with_no_client_auth();
    tls.alpn_protocols = vec![protocol_quic::ALPN.to_vec()];
    let mut endpoint = Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    endpoint.set_default_client_config(ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap())));
    let Ok(connection) = endpoint.connect(hub, HUB_NAME).unwrap().await else { return false };
    let Ok((mut send, mut receive)) = connection.open_bi().await else { return false };
    let _gone = send.write_all(&Frame::Hello(Hello::default()).encode()).await;
    receive.read_exact(&mut [0; 5]).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_only_seats_of_this_authority_get_in() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let vendor = house.vendor().await;
    let ours = Authority::open(&house.central_dir()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let theirs = Authority::open(folder.path()).unwrap();
    let before = house.digests().await;
    let right = identity_of(&vendor.node);
    let key = SigningKey::from_bytes(&right.key).verifying_key().to_bytes();
    // The seat's own key, but another authority's word for it; it believes ours, so it gets that far.
    let foreign = Identity { certificate: theirs.device(&key, Role::Vendor).unwrap(), ..right.clone() };
    assert!(!is_welcome(&foreign, hub.quic).await);
    // A device of another system does not believe our hub.
    let elsewhere = Identity { authority: theirs.ca_der().to_vec(), ..foreign };
    assert!(!is_welcome(&elsewhere, hub.quic).await);
    assert!(!is_welcome_without_certificate(ours.ca_der(), hub.quic).await);
    let nobody = SigningKey::from_bytes(&[8; 32]);
    let certificate = ours.device(&nobody.verifying_key().to_bytes(), Role::Agent).unwrap();
    let seatless = Identity { certificate: certificate.clone(), key: nobody.to_bytes(), ..right.clone() };
    assert!(!is_welcome(&seatless, hub.quic).await);
    // A certificate that is known, without its key.
    let stolen = Identity { key: nobody.to_bytes(), ..right.clone() };
    assert!(
        protocol_quic::device(&stolen, "127.0.0.1:0".parse().unwrap()).is_err() || !is_welcome(&stolen, hub.quic).await
    );
    assert!(is_welcome(&right, hub.quic).await);
    assert_eq!(house.digests().await, before);
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_revoked_device_is_drained_and_told_nothing() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let mut vendor = house.vendor().await;
    let parcel = house.place("1").await;
    vendor.go_online(hub.quic);
    vendor.sees(parcel, "placed").await;
    house.settled(&[&vendor]).await;
    vendor.go_offline().await;
    vendor.tap(&Command::Accept { parcel }).await;
    let path = format!("/devices/{}/revoke", vendor.node.author());
    house.operate("POST", &path, &serde_json::Value::Null).await;
    house.place("2").await;
    let held = vendor.node.store().read(|rows| rows.op_counts()).unwrap().0;
    vendor.go_online(hub.quic);
    soon("the outbox", async || {
        let waiting = vendor.node.store().outbox_len().unwrap();
        (waiting == 0).then_some(()).ok_or(format!("{waiting}"))
    })
    .await;
    vendor.go_offline().await;
    assert_eq!(vendor.node.store().read(|rows| rows.op_counts()).unwrap().0, held, "it was given something");

    let (mut raw, welcome) = Raw::welcomed(&vendor.node, hub.quic).await;
    assert!(welcome.drain);
    let Some(Frame::Notice(notice)) = raw.next().await else { panic!("no notice") };
    assert_eq!(notice.code, "revoked");
    let mut pen = Pen::of(&vendor.node);
    let burst = pen.write(&[after(&house, parcel, &Fact::Packed(Packed { pieces: 1 })).await]);
    raw.say(&[bursts(&[&burst]), Frame::Check(0), Frame::WantCertificates(Vec::new())]).await;
    let (_, before) = raw.until(|frame| matches!(frame, Frame::Certificates(_))).await;
    assert_eq!(before, [Frame::Safe(Safe { inc: pen.place.inc, upto: 1 })]);
    hub.stop().await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn walk_a_session_ends_when_its_seat_is_revoked() {
    let house = House::start().await;
    let hub = house.hub("hub-1").await;
    let vendor = house.vendor().await;
    let parcel = house.place("1").await;
    let (mut raw, welcome) = Raw::welcomed(&vendor.node, hub.quic).await;
    assert!(!welcome.drain);
    raw.until(|frame| matches!(frame, Frame::Roots(_))).await;
    let path = format!("/devices/{}/revoke", vendor.node.author());
    house.operate("POST", &path, &serde_json::Value::Null).await;
    house.place("2").await;
    while let Some(frame) = raw.next().await {
        let given = matches!(frame, Frame::Bursts(_) | Frame::Keys(_) | Frame::Roots(_));
        assert!(!given, "a revoked device was given {frame:?}");
    }
    assert_eq!(raw.closed().await, "revoked");
    // What it still has is taken by a session of its own.
    let (mut raw, _) = Raw::welcomed(&vendor.node, hub.quic).await;
    let mut pen = Pen::of(&vendor.node);
    let burst = pen.write(&[op_of(parcel, &Fact::Accepted(Accepted {}), Vec::new())]);
    let (safe, refused) = answered(&mut raw, &[&burst]).await;
    assert_eq!((safe, refused), (vec![Safe { inc: pen.place.inc, upto: 1 }], vec![]));
    hub.stop().await;
    house.stop().await;
}
