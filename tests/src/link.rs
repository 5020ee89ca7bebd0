//! A mobile link on the loopback: a UDP relay between an edge node and its hubs.
//!
//! The edge is told the relay's addresses instead of the hubs'. What it sends to any of them shares
//! one radio: one queue up and one down, each at the rate of a recorded [`Trace`], with delay,
//! jitter, loss and duplication. Like a NAT, every client address has its own port towards the hub.
//! ECN marks are not carried, and tokio's timer delivers up to a millisecond late.

mod relay;
mod shaper;
mod trace;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use relay::{Shared, Socket, deliver, read_front};
use shaper::Chance;
pub use shaper::{LinkProfile, Shaper, Verdict};
pub use trace::{Trace, TraceError};

/// A flow silent for this long is forgotten: longer than the QUIC idle timeouts in use.
const IDLE: Duration = Duration::from_mins(2);

/// An edge has a socket or two; more than this are leftovers of restarts. The longest silent goes
/// first.
const MOST_FLOWS: usize = 64;

/// What a link has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkBytes {
    /// UDP payload bytes delivered from the edge to the hubs, copies included.
    pub up: u64,
    /// UDP payload bytes delivered from the hubs to the edge, copies included.
    pub down: u64,
    /// Datagrams dropped, whatever the reason: queue, loss, cut or a send that failed.
    pub dropped: u64,
    /// Datagrams of which a copy was made.
    pub duplicated: u64,
}

/// A running relay. Stopped when dropped.
pub struct Link {
    name: String,
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    tasks: Vec<AbortHandle>,
}

impl Link {
    /// Binds one port of 127.0.0.1 per target and relays between them on the current tokio runtime.
    /// The seed decides loss, duplication and jitter. Targets must be IPv4.
    ///
    /// # Errors
    /// A port that cannot be bound, with the name of the link.
    pub async fn start(name: &str, targets: &[SocketAddr], profile: LinkProfile, seed: u64) -> io::Result<Self> {
        Self::bounded(name, targets, profile, seed, (IDLE, MOST_FLOWS))
            .map_err(|error| io::Error::new(error.kind(), format!("link {name}: {error}")))
    }

    fn bounded(
        name: &str,
        targets: &[SocketAddr],
        profile: LinkProfile,
        seed: u64,
        (idle, most_flows): (Duration, usize),
    ) -> io::Result<Self> {
        let fronts = targets.iter().map(|_| Socket::bind()).collect::<io::Result<Vec<_>>>()?;
        let addresses = fronts.iter().map(|front| front.send.local_addr()).collect::<io::Result<_>>()?;
        let mut seeds = Chance::new(seed);
        let shapers = [profile.clone(), profile].map(|profile| Shaper::new(profile, seeds.next()));
        let shared = Arc::new(Shared::new(targets.to_vec(), shapers, idle, most_flows));
        let up = tokio::spawn(deliver(shared.clone(), |shared| &shared.up));
        let down = tokio::spawn(deliver(shared.clone(), |shared| &shared.down));
        let mut tasks = vec![up.abort_handle(), down.abort_handle()];
        for (index, front) in fronts.into_iter().enumerate() {
            tasks.push(tokio::spawn(read_front(shared.clone(), index, Arc::new(front))).abort_handle());
        }
        Ok(Self { name: name.to_owned(), addresses, shared, tasks })
    }

    /// What the edge is told to connect to: one address per target, in order.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Sends what comes for a target to another address from now on, what is on its way included.
    /// Answers of the old one no longer pass.
    ///
    /// # Panics
    /// When there is no target `index`.
    pub fn set_target(&self, index: usize, target: SocketAddr) {
        self.shared.set_target(index, target);
    }

    /// Drops every datagram, both ways and on its way too, until [`Link::restore`].
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Ends a cut. The trace has gone on meanwhile.
    pub fn restore(&self) {
        self.shared.restore();
    }

    /// Whether the link is cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.shared.is_cut()
    }

    /// The counters so far. Whoever got a datagram finds it counted.
    #[must_use]
    pub fn bytes(&self) -> LinkBytes {
        self.shared.bytes()
    }

    /// Ends the tasks for good and gives up the ports soon after. Counters stay readable.
    pub fn stop(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.shared.close();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Link");
        out.field("name", &self.name).field("addresses", &self.addresses);
        out.field("cut", &self.is_cut()).field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::UdpSocket;
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    /// Only a hang gets here.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn clean() -> LinkProfile {
        LinkProfile::clean(Trace::constant(1_000_000_000))
    }

    async fn socket() -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
    }

    /// A hub that answers with its name before what it got, and with the port that it saw after it.
    async fn hub(name: &'static str) -> SocketAddr {
        let socket = socket().await;
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 2_048];
            while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..len]);
                let answer = format!("{name} {text} {}", from.port());
                socket.send_to(answer.as_bytes(), from).await.unwrap();
            }
        });
        address
    }

    async fn receive(client: &UdpSocket) -> String {
        let mut buffer = [0; 2_048];
        let (len, _) = timeout(PATIENCE, client.recv_from(&mut buffer)).await.unwrap().unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    }

    async fn ask(client: &UdpSocket, to: SocketAddr, text: &str) -> String {
        client.send_to(text.as_bytes(), to).await.unwrap();
        receive(client).await
    }

    async fn until(mut done: impl FnMut() -> bool) {
        let spin = async {
            while !done() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, spin).await.unwrap();
    }

    fn port(answer: &str) -> &str {
        answer.rsplit(' ').next().unwrap()
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_and_are_counted() {
        let link = Link::start("edge", &[hub("a").await, hub("b").await], clean(), 1).await.unwrap();
        let client = socket().await;
        let [a, b] = link.addresses() else { panic!("{link:?}") };
        let first = ask(&client, *a, "hello").await;
        assert!(first.starts_with("a hello "), "{first}");
        let expected = LinkBytes { up: 5, down: first.len() as u64, ..LinkBytes::default() };
        assert_eq!(link.bytes(), expected);
        let second = ask(&client, *b, "hi").await;
        assert!(second.starts_with("b hi "), "{second}");
        assert_eq!(link.bytes().up, 7);
        // A client keeps its port towards a hub.
        assert_eq!(port(&ask(&client, *a, "again").await), port(&first));
    }

    #[tokio::test]
    async fn cut_drops_both_ways_and_restore_passes() {
        let link = Link::start("edge", &[hub("a").await], clean(), 1).await.unwrap();
        let client = socket().await;
        let to = link.addresses()[0];
        ask(&client, to, "before").await;
        let before = link.bytes();
        link.cut();
        assert!(link.is_cut());
        client.send_to(b"lost", to).await.unwrap();
        until(|| link.bytes().dropped == 1).await;
        link.restore();
        assert!(ask(&client, to, "after").await.starts_with("a after"));
        assert_eq!(link.bytes().up, before.up + 5);
    }

    #[tokio::test]
    async fn cut_drops_what_is_on_its_way() {
        let mut profile = clean();
        profile.delay_each_way = Duration::from_hours(1);
        let link = Link::start("edge", &[hub("a").await], profile, 1).await.unwrap();
        let client = socket().await;
        for _ in 0..3 {
            client.send_to(b"slow", link.addresses()[0]).await.unwrap();
        }
        until(|| link.shared.on_the_way() == 3).await;
        link.cut();
        assert_eq!(link.bytes(), LinkBytes { dropped: 3, ..LinkBytes::default() });
        assert_eq!(link.shared.on_the_way(), 0);
    }

    #[tokio::test]
    async fn rate_and_delay_take_their_time() {
        let mut profile = LinkProfile::clean(Trace::constant(1_000_000));
        profile.delay_each_way = Duration::from_millis(10);
        let target = socket().await;
        let link = Link::start("edge", &[target.local_addr().unwrap()], profile, 1).await.unwrap();
        let client = socket().await;
        let start = tokio::time::Instant::now();
        for number in 0..25 {
            client.send_to(format!("{number:01000}").as_bytes(), link.addresses()[0]).await.unwrap();
        }
        for number in 0..25 {
            assert_eq!(receive(&target).await, format!("{number:01000}"));
        }
        assert!(start.elapsed() >= Duration::from_millis(210), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn copies_and_losses_are_counted() {
        let target = socket().await;
        let mut profile = clean();
        profile.loss_ppm = 300_000;
        profile.duplicate_ppm = 200_000;
        let link = Link::start("edge", &[target.local_addr().unwrap()], profile.clone(), 5).await.unwrap();
        let client = socket().await;
        let mut got = 0;
        for sent in 1..=200 {
            client.send_to(b"x", link.addresses()[0]).await.unwrap();
            // One at a time, as the socket buffers are not part of the emulated link.
            until(|| {
                let LinkBytes { up, dropped, duplicated, .. } = link.bytes();
                up + dropped == sent + duplicated
            })
            .await;
            while got < link.bytes().up {
                assert_eq!(receive(&target).await, "x");
                got += 1;
            }
        }
        // The seed decides, so the arithmetic alone tells what happened.
        let mut up = Shaper::new(profile, Chance::new(5).next());
        let mut expected = LinkBytes::default();
        for _ in 0..200 {
            match up.admit(Duration::ZERO, 1) {
                Verdict::Deliver { again, .. } => {
                    expected.up += 1 + u64::from(again.is_some());
                    expected.duplicated += u64::from(again.is_some());
                }
                Verdict::Full | Verdict::Lost => expected.dropped += 1,
            }
        }
        assert_eq!(link.bytes(), expected);
        assert!(expected.dropped > 40 && expected.duplicated > 20, "{expected:?}");
    }

    #[tokio::test]
    async fn target_changes_and_a_dead_one_is_survived() {
        let dead = socket().await.local_addr().unwrap();
        let link = Link::start("edge", &[dead], clean(), 1).await.unwrap();
        let client = socket().await;
        let to = link.addresses()[0];
        for _ in 0..3 {
            client.send_to(b"refused", to).await.unwrap();
        }
        until(|| link.bytes().up == 21).await;
        link.set_target(0, hub("a").await);
        let first = ask(&client, to, "one").await;
        assert!(first.starts_with("a one"), "{first}");
        link.set_target(0, hub("b").await);
        let second = ask(&client, to, "two").await;
        assert!(second.starts_with("b two") && port(&second) == port(&first), "{second}");
    }

    #[tokio::test]
    async fn flows_are_bounded_in_number() {
        let targets = [hub("a").await];
        let link = Link::bounded("edge", &targets, clean(), 1, (IDLE, 2)).unwrap();
        let to = link.addresses()[0];
        let clients = [socket().await, socket().await, socket().await];
        let mut ports = Vec::new();
        for client in &clients {
            ports.push(port(&ask(client, to, "x").await).to_owned());
        }
        assert_eq!(link.shared.flows_open(), 2);
        assert_eq!(port(&ask(&clients[2], to, "x").await), ports[2]);
        // The first was the longest silent; coming back it takes the place of the second.
        ask(&clients[0], to, "x").await;
        assert_eq!(link.shared.flows_open(), 2);
        assert_eq!(port(&ask(&clients[2], to, "x").await), ports[2]);
    }

    #[tokio::test]
    async fn silent_flows_end_and_so_does_a_stopped_link() {
        let targets = [hub("a").await];
        let short = Duration::from_millis(20);
        let link = Link::bounded("edge", &targets, clean(), 1, (short, 2)).unwrap();
        let client = socket().await;
        client.send_to(b"x", link.addresses()[0]).await.unwrap();
        until(|| link.bytes().up == 1).await;
        until(|| link.shared.flows_open() == 0).await;
        link.stop();
        until(|| Arc::strong_count(&link.shared) == 1).await;
    }
}
