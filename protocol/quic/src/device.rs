//! A device on the way to its hubs: it comes back often, so what a hub remembers of it saves a round trip.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, ZeroRttAccepted};
use rustls::client::Resumption;

use crate::link::{Link, LinkError};
use crate::tls::{self, Identity, TlsError};
use crate::{HUB_NAME, transport};

/// Tickets that are kept of one hub; each is used once, and every session brings new ones.
const TICKETS: usize = 4;

/// A device's side of all its links to hubs.
///
/// The first flight of a link to a hub that was met before travels with the handshake (0-RTT, RFC 9001): HELLO and the
/// outbox, which may arrive twice without harm. A hub that does not know the ticket any more drops that flight, and
/// [`Early::again`] begins anew on the same connection. Tickets live as long as this value: rustls gives them to no
/// disk.
pub struct Device {
    endpoint: Endpoint,
    tls: rustls::ClientConfig,
    /// By hub: each knows only the tickets that it gave.
    hubs: Mutex<BTreeMap<SocketAddr, ClientConfig>>,
}

/// A link that was usable before the hub had answered.
pub struct Early {
    connection: Connection,
    accepted: ZeroRttAccepted,
}

impl Early {
    /// After [`LinkError::is_early_rejected`]: the session's stream anew, once the handshake is whole.
    ///
    /// # Errors
    /// [`LinkError`] when the handshake fails.
    pub async fn again(self) -> Result<Link, LinkError> {
        let _rejected = self.accepted.await;
        let (send, receive) = self.connection.open_bi().await?;
        Ok(Link::new(self.connection, send, receive, false))
    }
}

impl Device {
    /// A device that connects from `local`, and is never connected to.
    ///
    /// # Errors
    /// [`TlsError`] for unusable certificates, or when no socket can be opened.
    pub fn new(identity: &Identity, local: SocketAddr) -> Result<Self, TlsError> {
        let endpoint = Endpoint::client(local).map_err(TlsError::Bind)?;
        Ok(Self { endpoint, tls: tls::client(identity)?, hubs: Mutex::default() })
    }

    /// Connects to a hub and opens the session's stream: at once, when the hub was met before.
    ///
    /// # Errors
    /// [`LinkError`] when the hub does not answer or is not of the authority.
    pub async fn connect(&self, hub: SocketAddr) -> Result<(Link, Option<Early>), LinkError> {
        let config = self.towards(hub)?;
        let connecting = self.endpoint.connect_with(config, hub, HUB_NAME);
        let connecting = connecting.map_err(|error| LinkError::Connect(error.to_string()))?;
        let (connection, early) = match connecting.into_0rtt() {
            Ok((connection, accepted)) => (connection.clone(), Some(Early { connection, accepted })),
            Err(connecting) => (connecting.await?, None),
        };
        let (send, receive) = connection.open_bi().await?;
        Ok((Link::new(connection, send, receive, early.is_some()), early))
    }

    /// Closes all links.
    pub fn close(&self, reason: &str) {
        self.endpoint.close(0u32.into(), reason.as_bytes());
    }

    fn towards(&self, hub: SocketAddr) -> Result<ClientConfig, LinkError> {
        let mut hubs = self.hubs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = hubs.get(&hub) {
            return Ok(config.clone());
        }
        let mut tls = self.tls.clone();
        tls.resumption = Resumption::in_memory_sessions(TICKETS);
        tls.enable_early_data = true;
        let crypto = QuicClientConfig::try_from(tls).map_err(|error| LinkError::Connect(error.to_string()))?;
        let mut config = ClientConfig::new(Arc::new(crypto));
        config.transport_config(transport());
        hubs.insert(hub, config.clone());
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use protocol::frame::Frame;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ED25519};
    use rustls::pki_types::PrivatePkcs8KeyDer;

    use super::*;

    const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    fn key_pair(secret: [u8; 32]) -> KeyPair {
        const PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let der = PrivatePkcs8KeyDer::from([PREFIX.as_slice(), &secret].concat());
        KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ED25519).unwrap()
    }

    /// A hub and a device of one authority.
    fn identities() -> (Identity, Identity) {
        let authority = key_pair([1; 32]);
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&authority).unwrap();
        let issuer = Issuer::new(params, authority);
        let issue = |secret: [u8; 32], name: &str| {
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = params.signed_by(&key_pair(secret), &issuer).unwrap();
            Identity { authority: root.der().to_vec(), certificate: certificate.der().to_vec(), key: secret }
        };
        (issue([2; 32], HUB_NAME), issue([3; 32], "getit-agent"))
    }

    /// Answers every frame with itself, and says whether the link was early.
    fn echo(endpoint: Endpoint) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            while let Some(incoming) = endpoint.accept().await {
                tokio::spawn(async move {
                    let (_, mut link) = crate::accept(incoming).await.unwrap();
                    let early = u64::from(link.is_early());
                    while let Ok(Some(frame)) = link.next().await {
                        let Frame::Check(n) = frame else { continue };
                        link.send(&[Frame::Check(10 * n + early)]).await.unwrap();
                    }
                });
            }
        })
    }

    async fn ask(device: &Device, hub: SocketAddr) -> Result<Option<Frame>, LinkError> {
        let (mut link, early) = device.connect(hub).await?;
        let mut answer = asked(&mut link).await;
        if let (Err(error), Some(early)) = (&answer, early)
            && error.is_early_rejected()
        {
            answer = asked(&mut early.again().await?).await;
        }
        answer
    }

    async fn asked(link: &mut Link) -> Result<Option<Frame>, LinkError> {
        link.send(&[Frame::Check(4)]).await?;
        tokio::time::timeout(Duration::from_secs(10), link.next()).await.expect("an answer")
    }

    #[tokio::test]
    async fn a_hub_that_was_met_hears_the_first_flight_with_the_handshake() {
        let (hub, device) = identities();
        let listening = crate::listen(HERE, &hub).unwrap();
        let address = listening.local_addr().unwrap();
        let serving = echo(listening.clone());
        let device = Device::new(&device, HERE).unwrap();
        assert_eq!(ask(&device, address).await.unwrap(), Some(Frame::Check(40)), "a whole handshake");
        // A whole handshake brings two tickets; a session as short as these ends before it brings any.
        for _ in 0..2 {
            assert_eq!(ask(&device, address).await.unwrap(), Some(Frame::Check(41)), "early, and by whom is known");
        }
        assert_eq!(ask(&device, address).await.unwrap(), Some(Frame::Check(40)), "no ticket is used twice");
        // As after a restart: the hub knows no ticket.
        listening.set_server_config(Some(crate::serving(&hub).unwrap()));
        assert_eq!(ask(&device, address).await.unwrap(), Some(Frame::Check(40)), "whole, on the same connection");
        assert_eq!(ask(&device, address).await.unwrap(), Some(Frame::Check(41)));
        serving.abort();
    }
    #[tokio::test]
    async fn a_device_without_room_is_told_when_to_come_again() {
        let (hub, device) = identities();
        let listening = crate::listen(HERE, &hub).unwrap();
        let address = listening.local_addr().unwrap();
        let turning = tokio::spawn(async move {
            while let Some(incoming) = listening.accept().await {
                crate::turn_away(incoming, Duration::from_millis(1_234)).await;
            }
        });
        let device = Device::new(&device, HERE).unwrap();
        for met in [false, true] {
            let error = ask(&device, address).await.unwrap_err();
            assert_eq!(error.retry_after(), Some(Duration::from_millis(1_234)), "met before: {met}: {error}");
        }
        turning.abort();
    }
    #[tokio::test]
    async fn behind_a_fact_goes_what_tells_that_it_was_lost() {
        use protocol::frame::NOTHING;

        let (hub, device) = identities();
        let listening = crate::listen(HERE, &hub).unwrap();
        let address = listening.local_addr().unwrap();
        let fact = Frame::Bursts(vec![vec![7; 40].into()]);
        let wanted = [fact.encode().as_slice(), &NOTHING, &NOTHING, &NOTHING].concat();
        let reading = tokio::spawn(async move {
            let connection = listening.accept().await.unwrap().await.unwrap();
            let (_, mut receive) = connection.accept_bi().await.unwrap();
            let mut read = vec![1; wanted.len()];
            receive.read_exact(&mut read).await.unwrap();
            assert_eq!(read, wanted);
        });
        let device = Device::new(&device, HERE).unwrap();
        let (link, _) = device.connect(address).await.unwrap();
        let (mut sender, _frames) = link.split(1);
        sender.send(std::slice::from_ref(&fact)).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the nudges").unwrap();
    }
    #[tokio::test]
    async fn a_session_that_is_dropped_leaves_no_connection_behind() {
        let (hub, device) = identities();
        let listening = crate::listen(HERE, &hub).unwrap();
        let address = listening.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let connection = listening.accept().await.unwrap().await.unwrap();
            connection.closed().await
        });
        let device = Device::new(&device, HERE).unwrap();
        let (mut sender, frames) = device.connect(address).await.unwrap().0.split(1);
        sender.send(&[Frame::Check(4)]).await.unwrap();
        drop((sender, frames));
        let ended = tokio::time::timeout(Duration::from_secs(10), serving).await.expect("it is kept alive");
        assert!(matches!(ended.unwrap(), quinn::ConnectionError::ApplicationClosed(_)));
    }
}
