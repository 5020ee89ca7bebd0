//! Addresses on this machine for programs that are started later, or again at the same place.
//!
//! Asking the kernel for a free port and giving it back is a race: whatever else opens a socket before the program
//! starts may be given the same one (it did, on a busy machine). These ports lie below the range that the kernel gives
//! out by itself, no two callers in this process get the same one, and processes begin at different places.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// How many ports below the kernel's own range are used.
const PORTS: u32 = 6_000;
/// Where Linux begins to give ports out, unless it says otherwise.
const KERNEL_FROM: u32 = 32_768;

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// An address on which nothing listens, neither by TCP nor by UDP, and which nobody else is told.
///
/// # Errors
///
/// None of the ports is free.
pub fn reserve() -> io::Result<SocketAddr> {
    let first = kernel_from().saturating_sub(PORTS).max(1_024);
    // Apart by a prime that does not divide the number of ports, so that neighbours in process ids are far from each other.
    let start = std::process::id().wrapping_mul(2_311);
    for _ in 0..PORTS {
        let step = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(first + start.wrapping_add(step) % PORTS).map_err(io::Error::other)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("no port from {first} to {} is free", first + PORTS)))
}

/// The first port that the kernel gives out by itself.
fn kernel_from() -> u32 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(KERNEL_FROM)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_who_ask_at_once_are_told_the_same_and_the_kernel_gives_out_none_of_them() {
        let asked: Vec<_> =
            (0..8).map(|_| std::thread::spawn(|| (0..50).map(|_| reserve().unwrap()).collect::<Vec<_>>())).collect();
        let told: Vec<SocketAddr> = asked.into_iter().flat_map(|asking| asking.join().unwrap()).collect();
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), 400);
        assert!(told.iter().all(|address| u32::from(address.port()) < kernel_from()));
    }
}
