//! Carries a protocol session over QUIC: certificates, endpoints, and a link that speaks frames.
//!
//! Both sides show an X.509 certificate of the same authority, whose key is the seat's own Ed25519 key:
//! who a device is comes from the handshake, not from what it says.
#![warn(missing_docs)]

mod device;
mod link;
mod tls;

pub use device::{Device, Early};
pub use link::{Link, LinkError, LinkSender};
pub use tls::{Identity, TlsError};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};
pub use quinn::{Endpoint as QuicEndpoint, Incoming};

/// The protocol's name and version in the handshake.
pub const ALPN: &[u8] = b"getit/1";
/// The name in every hub's certificate: a device trusts the authority, not an address.
pub const HUB_NAME: &str = "getit-hub";
/// The name in the certificate of every site's device, which may serve its agents as a relay.
pub const RELAY_NAME: &str = "getit-site";
/// A link without a word for this long is gone. Longer than a tunnel, shorter than a shift.
const IDLE: Duration = Duration::from_secs(45);
/// Keeps the mapping of a mobile network's address translation open.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// What a first packet takes on the networks we serve; loss is judged by three times this until measured. At a second
/// (RFC 9002) both sides of a line of 64 kbit/s and 800 ms repeat their padded first packets before an answer can be
/// there: 5 kB each way, of every connection.
const INITIAL_RTT: Duration = Duration::from_millis(450);
/// Bytes a peer may send on a stream before we have read them: bounds memory for a hostile one.
const STREAM_WINDOW: u32 = 512 * 1024;
/// Devices whose last session a hub remembers, so that their next first flight travels with the handshake.
const REMEMBERED: usize = 8_192;
/// Bytes we hold for a slow link; more would make a cash fact wait behind a page.
const SEND_WINDOW: u64 = 256 * 1024;

/// A device that is only told to come later has this long for its handshake.
const TURNING_AWAY: Duration = Duration::from_secs(5);

fn transport() -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok())
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        .mtu_discovery_config(None)
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(STREAM_WINDOW))
        .send_window(SEND_WINDOW)
        .enable_segmentation_offload(false);
    Arc::new(transport)
}

/// A hub's endpoint on `listen`, which takes devices of the identity's authority.
///
/// # Errors
/// [`TlsError`] for unusable certificates or an address that cannot be bound.
pub fn listen(listen: SocketAddr, identity: &Identity) -> Result<Endpoint, TlsError> {
    let config = serving(identity)?;
    // The same key after a restart: devices of the life before are reset at their next packet instead of
    // talking to nobody until the idle time is over.
    let mut reset = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    reset.update(b"getit stateless reset 1");
    reset.update(&identity.key);
    let reset = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, reset.finish().as_ref());
    let endpoint = EndpointConfig::new(Arc::new(reset));
    let socket = std::net::UdpSocket::bind(listen).map_err(TlsError::Bind)?;
    let runtime = quinn::default_runtime().ok_or(TlsError::Runtime)?;
    Endpoint::new(endpoint, Some(config), socket, runtime).map_err(TlsError::Bind)
}

/// How a hub serves, with a memory of its own for devices that it has met.
fn serving(identity: &Identity) -> Result<ServerConfig, TlsError> {
    let mut tls = tls::server(identity)?;
    // Kept in memory, and taken out when used: a first flight that is played again finds no ticket.
    tls.session_storage = rustls::server::ServerSessionMemoryCache::new(REMEMBERED);
    tls.max_early_data_size = u32::MAX;
    let crypto = QuicServerConfig::try_from(tls).map_err(|_| TlsError::Cipher)?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(transport());
    Ok(config)
}

/// A device's endpoint: it connects, and is never connected to.
///
/// # Errors
/// [`TlsError`] for unusable certificates, or when no socket can be opened.
pub fn device(identity: &Identity, local: SocketAddr) -> Result<Endpoint, TlsError> {
    let tls = tls::client(identity)?;
    let crypto = QuicClientConfig::try_from(tls).map_err(|_| TlsError::Cipher)?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport());
    let mut endpoint = Endpoint::client(local).map_err(TlsError::Bind)?;
    endpoint.set_default_client_config(config);
    Ok(endpoint)
}

/// Connects a device to a hub and opens the session's stream.
///
/// # Errors
/// [`LinkError`] when the hub does not answer or is not of the authority.
pub async fn connect(endpoint: &Endpoint, hub: SocketAddr) -> Result<Link, LinkError> {
    connect_to(endpoint, hub, HUB_NAME).await.map(|(_, link)| link)
}

/// Connects a device to a relay and opens the session's stream; returns the relay's public key with the link.
///
/// # Errors
/// [`LinkError`] when the relay does not answer or is not of the authority.
pub async fn connect_relay(endpoint: &Endpoint, relay: SocketAddr) -> Result<([u8; 32], Link), LinkError> {
    let (connection, link) = connect_to(endpoint, relay, RELAY_NAME).await?;
    Ok((peer_key(&connection)?, link))
}

async fn connect_to(endpoint: &Endpoint, address: SocketAddr, name: &str) -> Result<(Connection, Link), LinkError> {
    let connecting = endpoint.connect(address, name).map_err(|error| LinkError::Connect(error.to_string()))?;
    let connection = connecting.await?;
    let (send, receive) = connection.open_bi().await?;
    Ok((connection.clone(), Link::new(connection, send, receive, false)))
}

/// Accepts the session's stream of a device; returns its public key with the link.
///
/// # Errors
/// [`LinkError`] when the handshake fails: an unknown certificate, or none.
pub async fn accept(incoming: Incoming) -> Result<([u8; 32], Link), LinkError> {
    let (connection, whole) = incoming.accept()?.into_0rtt().map_err(|_| LinkError::NoCertificate)?;
    // A ticket tells who comes before the handshake is over; without one it has to be waited for.
    let early = connection.peer_identity().is_some();
    if !early {
        // Whether early bytes were taken, which says nothing of whether the handshake was.
        let _taken = whole.await;
        if let Some(ended) = connection.close_reason() {
            return Err(ended.into());
        }
    }
    let key = peer_key(&connection)?;
    let (send, receive) = connection.accept_bi().await?;
    Ok((key, Link::new(connection, send, receive, early)))
}

/// Tells a device that there is no room for it, and when there will be. Its handshake is all that is done for it.
pub async fn turn_away(incoming: Incoming, after: Duration) {
    let Ok(connecting) = incoming.accept() else { return };
    if let Ok(Ok(connection)) = tokio::time::timeout(TURNING_AWAY, connecting).await {
        link::busy(&connection, after);
        // What is closed and dropped at once may never be said.
        let _said = tokio::time::timeout(TURNING_AWAY, connection.closed()).await;
    }
}

/// The key that the handshake has proved.
fn peer_key(connection: &Connection) -> Result<[u8; 32], LinkError> {
    let chain = connection
        .peer_identity()
        .and_then(|any| any.downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>().ok());
    let leaf = chain.as_ref().and_then(|chain| chain.first()).ok_or(LinkError::NoCertificate)?;
    tls::ed25519_key(leaf).ok_or(LinkError::NoCertificate)
}
