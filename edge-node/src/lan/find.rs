//! How a device finds the relay of its site: multicast DNS (RFC 6762, 6763), service `_getit._udp`.
//!
//! A relay announces the first 8 bytes of its site's id, which its agents' ids begin with too. Who may be
//! trusted is not said here: both sides show certificates before they show anything else.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use data_encoding::HEXLOWER;
use mdns_sd::{IfKind, ServiceDaemon, ServiceEvent, ServiceInfo};
use protocol::id::Scope;
use tokio::sync::watch;

const SERVICE: &str = "_getit._udp.local.";
/// The part of a site's id that its agents' ids begin with.
const SITE_BYTES: std::ops::Range<usize> = 1..9;
/// Relays that a device remembers at once: anybody on the network can announce.
const MAX_RELAYS: usize = 8;

/// What a site is announced under.
fn name_of(party: &Scope) -> String {
    HEXLOWER.encode(&party.0[SITE_BYTES])
}

/// An announcement; it ends when this is dropped.
pub struct Announced(ServiceDaemon);

impl Drop for Announced {
    fn drop(&mut self) {
        // The daemon's own thread says goodbye; there is nothing to do when it is gone already.
        let _gone = self.0.shutdown();
    }
}

/// Announces the relay of `site` on all networks of this machine.
///
/// # Errors
/// When no multicast socket can be opened.
pub fn announce(site: &Scope, port: u16) -> Result<Announced, mdns_sd::Error> {
    let daemon = ServiceDaemon::new()?;
    daemon.enable_interface(IfKind::LoopbackV4)?;
    let name = name_of(site);
    let info = ServiceInfo::new(SERVICE, &name, &format!("getit-{name}.local."), (), port, None)?.enable_addr_auto();
    daemon.register(info)?;
    Ok(Announced(daemon))
}

/// Keeps `relays` at what is announced for the site of `agent`, behind those that are known by configuration,
/// until `stop` turns true.
pub async fn follow(
    agent: Scope,
    known: Vec<SocketAddr>,
    relays: watch::Sender<Vec<SocketAddr>>,
    mut stop: watch::Receiver<bool>,
) {
    let browsing = ServiceDaemon::new().and_then(|daemon| {
        daemon.enable_interface(IfKind::LoopbackV4)?;
        let events = daemon.browse(SERVICE)?;
        Ok((daemon, events))
    });
    let (daemon, events) = match browsing {
        Ok(browsing) => browsing,
        Err(error) => {
            tracing::warn!(%error, "relays near by cannot be looked for; those of the configuration still work");
            let _stopped = stop.wait_for(|stop| *stop).await;
            return;
        }
    };
    let wanted = name_of(&agent);
    let mut found: BTreeMap<String, Vec<SocketAddr>> = BTreeMap::new();
    loop {
        let event = tokio::select! {
            event = events.recv_async() => event,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match event {
            Ok(ServiceEvent::ServiceResolved(service))
                if service.get_fullname().starts_with(&wanted)
                    && (found.len() < MAX_RELAYS || found.contains_key(service.get_fullname())) =>
            {
                let ips = service.get_addresses().iter().map(|ip| ip.to_ip_addr()).filter(IpAddr::is_ipv4);
                let port = service.get_port();
                found.insert(service.get_fullname().to_owned(), ips.map(|ip| SocketAddr::new(ip, port)).collect());
            }
            Ok(ServiceEvent::ServiceRemoved(_, name)) => {
                found.remove(&name);
            }
            Ok(_) => continue,
            Err(_) => break,
        }
        let mut all = known.clone();
        all.extend(found.values().flatten().copied().take(MAX_RELAYS));
        relays.send_if_modified(|now| {
            if *now == all {
                false
            } else {
                *now = all.clone();
                true
            }
        });
    }
    // As above: its thread may be gone.
    let _gone = daemon.shutdown();
}
