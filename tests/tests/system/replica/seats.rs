//! Seats, an authority and a central for replicas in tests.

use std::path::Path;

use ed25519_dalek::SigningKey;
use edge_node::store::Identity;
use edge_node::{BusinessClock, Node};
use protocol::burst::{Burst, ChainPlace};
use protocol::fact::{Fact, Line, ParcelCreated, Put, Revoked};
use protocol::id::{Id16, Incarnation, Kind, Scope, Subject};
use protocol::intake::op_of;
use protocol::op::Op;
use protocol::seat::{Certificate, Role, Seat};
use protocol::taka::Taka;

/// One system: its authority, its central, one site, one vendor.
pub(super) struct World {
    authority: SigningKey,
    central_key: SigningKey,
    central: Certificate,
    place: ChainPlace,
    pub(super) site: Scope,
    pub(super) vendor: Scope,
}

impl World {
    pub(super) fn new() -> Self {
        Self::under(1)
    }

    /// A system of its own: certificates of one authority say nothing to another.
    pub(super) fn under(authority: u8) -> Self {
        let authority = SigningKey::from_bytes(&[authority; 32]);
        let central_key = SigningKey::from_bytes(&[2; 32]);
        let central = issue(&authority, &central_key, Role::Central, Subject::tenant(), 2);
        let place = ChainPlace::start(central.author(), Incarnation([2; 4]));
        let site = Subject::new(Kind::Site, Id16([3; 16]));
        let vendor = Subject::new(Kind::Vendor, Id16([4; 16]));
        Self { authority, central_key, central, place, site, vendor }
    }

    pub(super) fn agent(&self, person: u8) -> Scope {
        Subject::agent(self.site, Id16([person; 16]))
    }

    /// A new replica of a seat; `n` names person and device.
    pub(super) fn node(&self, dir: &Path, role: Role, party: Scope, n: u8) -> Node {
        let key = SigningKey::from_bytes(&[n; 32]);
        let certificate = issue(&self.authority, &key, role, party, n).encode();
        let identity = Identity {
            certificate,
            key,
            x509: vec![1],
            ca: vec![2],
            authority_key: self.authority.verifying_key().to_bytes(),
            central_certificate: self.central.encode(),
            hubs: vec!["127.0.0.1:7443".to_owned()],
        };
        Node::create(dir, &identity, BusinessClock::default()).unwrap()
    }

    /// Central places a parcel and routes it.
    pub(super) fn parcel(&mut self, n: u8, due: Taka) -> (Subject, Burst) {
        let parcel = Subject::new(Kind::Parcel, Id16([n; 16]));
        let created = Fact::ParcelCreated(ParcelCreated {
            order: Subject::new(Kind::Order, Id16([n; 16])),
            vendor: self.vendor,
            site: self.site,
            due,
            lines: vec![Line { sku: "rice-5kg".to_owned(), qty: 1, unit_price: due }],
            sealed: Vec::new(),
        });
        let put = |scope| op_of(scope, &Fact::Put(Put { generation: 1, subjects: vec![parcel] }), Vec::new());
        let ops = [put(self.vendor), put(self.site), op_of(parcel, &created, Vec::new())];
        (parcel, self.central_says(&ops))
    }

    /// Central takes a seat back.
    pub(super) fn revokes(&mut self, node: &Node) -> Burst {
        let revoked = Fact::Revoked(Revoked { author: node.author(), beacon: 0, known: Vec::new() });
        self.central_says(&[op_of(Subject::tenant(), &revoked, Vec::new())])
    }

    pub(super) fn central_says(&mut self, ops: &[Op]) -> Burst {
        let burst = Burst::sign(&self.central_key, &self.place, 1_700_000_000_000, ops);
        self.place = self.place.then(burst.digest());
        burst
    }
}

fn issue(authority: &SigningKey, key: &SigningKey, role: Role, party: Scope, n: u8) -> Certificate {
    let (classes, grants) = Seat::rights(role, party);
    let seat = Seat {
        tenant: Id16::default(),
        device: Id16([n; 16]),
        person: Id16([n; 16]),
        party,
        key: key.verifying_key().to_bytes(),
        classes,
        grants,
        cash_ceiling: Taka::whole(50_000),
        issued_ms: 1,
        issuer: [0; 32],
    };
    Certificate::issue(authority, seat).unwrap()
}

/// Each learns the certificates of the others.
pub(super) fn acquaint(nodes: &[&Node]) {
    for node in nodes {
        let others: Vec<Vec<u8>> = nodes.iter().map(|other| other.identity().certificate.clone()).collect();
        node.store().add_certificates(&others).unwrap();
    }
}

/// Everything that a node wrote.
pub(super) fn own(node: &Node) -> Vec<Burst> {
    let bytes = node.store().own_bursts_after(0, usize::MAX).unwrap();
    bytes.iter().map(|burst| Burst::decode(burst).unwrap()).collect()
}
