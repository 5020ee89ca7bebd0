//! The moving part of a link: its sockets, flows and the two queues that everything goes through.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::LinkBytes;
use super::shaper::{Shaper, Verdict};

/// The largest UDP payload.
const DATAGRAM: usize = 65_507;

/// A refused datagram comes back as an error of the next receive. The pause only keeps an error
/// that never ends from taking a core.
const ERROR_PAUSE: Duration = Duration::from_millis(1);

/// What the tasks of a link share.
pub(super) struct Shared {
    epoch: Instant,
    idle: Duration,
    most_flows: usize,
    targets: Mutex<Vec<SocketAddr>>,
    cut: AtomicBool,
    pub(super) up: Direction,
    pub(super) down: Direction,
    dropped: AtomicU64,
    duplicated: AtomicU64,
    flows: Mutex<Flows>,
}

/// One socket twice: tokio's to wait on, and the plain one to send from under a lock. A send on the
/// loopback does not block, and tokio's own `try_send` fails on a socket that its driver has not
/// seen yet.
pub(super) struct Socket {
    receive: UdpSocket,
    pub(super) send: std::net::UdpSocket,
}

impl Socket {
    pub(super) fn bind() -> io::Result<Self> {
        let send = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        send.set_nonblocking(true)?;
        Ok(Self { receive: UdpSocket::from_std(send.try_clone()?)?, send })
    }
}

#[derive(Default)]
struct Flows {
    /// By target and client.
    open: HashMap<(usize, SocketAddr), Flow>,
    closed: bool,
}

struct Flow {
    socket: Arc<Socket>,
    last_used: Instant,
    task: AbortHandle,
}

pub(super) struct Direction {
    queue: Mutex<Queue>,
    /// Told when something is due before all that was waiting.
    wake: Notify,
    delivered: AtomicU64,
}

struct Queue {
    shaper: Shaper,
    /// By due time, then in the order of arrival.
    waiting: BinaryHeap<Reverse<Waiting>>,
    arrivals: u64,
}

struct Waiting {
    due: (Duration, u64),
    socket: Arc<Socket>,
    to: To,
    data: Arc<[u8]>,
}

#[derive(Clone, Copy)]
enum To {
    /// The target of this index as it is when the datagram gets there.
    Target(usize),
    Client(SocketAddr),
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Waiting {}

impl Direction {
    fn new(shaper: Shaper) -> Self {
        let queue = Queue { shaper, waiting: BinaryHeap::new(), arrivals: 0 };
        Self { queue: Mutex::new(queue), wake: Notify::new(), delivered: AtomicU64::new(0) }
    }

    /// Puts a datagram on its way, or drops it.
    fn offer(&self, shared: &Shared, socket: &Arc<Socket>, to: To, data: &[u8]) {
        let mut queue = lock(&self.queue);
        // Read under the lock, so that nothing gets in behind a cut.
        if shared.is_cut() {
            return shared.count_dropped(1);
        }
        let Verdict::Deliver { at, again } = queue.shaper.admit(shared.epoch.elapsed(), data.len()) else {
            return shared.count_dropped(1);
        };
        shared.duplicated.fetch_add(u64::from(again.is_some()), Ordering::SeqCst);
        let data = Arc::from(data);
        let first = queue.waiting.peek().map(|Reverse(waiting)| waiting.due);
        for at in std::iter::once(at).chain(again) {
            queue.arrivals += 1;
            let due = (at, queue.arrivals);
            let waiting = Waiting { due, socket: socket.clone(), to, data: Arc::clone(&data) };
            queue.waiting.push(Reverse(waiting));
        }
        if first != queue.waiting.peek().map(|Reverse(waiting)| waiting.due) {
            self.wake.notify_one();
        }
    }

    /// Sends all that is due, in order; answers when the next is. The lock is held over the sends,
    /// so that nothing is delivered after [`Shared::cut`] has returned.
    fn send_due(&self, shared: &Shared) -> Option<Instant> {
        let mut queue = lock(&self.queue);
        let now = shared.epoch.elapsed();
        loop {
            let due = queue.waiting.peek()?.0.due.0;
            if due > now {
                // Further off than a clock reaches is as good as never.
                return shared.epoch.checked_add(due);
            }
            let Reverse(Waiting { socket, to, data, .. }) = queue.waiting.pop()?;
            let address = match to {
                To::Target(index) => lock(&shared.targets)[index],
                To::Client(client) => client,
            };
            let bytes = data.len() as u64;
            // Counted first, so that whoever receives it finds it counted.
            self.delivered.fetch_add(bytes, Ordering::SeqCst);
            if socket.send.send_to(&data, address).is_err() {
                self.delivered.fetch_sub(bytes, Ordering::SeqCst);
                shared.count_dropped(1);
            }
        }
    }
}

impl Shared {
    pub(super) fn new(targets: Vec<SocketAddr>, [up, down]: [Shaper; 2], idle: Duration, most_flows: usize) -> Self {
        Self {
            epoch: Instant::now(),
            idle,
            most_flows,
            targets: Mutex::new(targets),
            cut: AtomicBool::new(false),
            up: Direction::new(up),
            down: Direction::new(down),
            dropped: AtomicU64::new(0),
            duplicated: AtomicU64::new(0),
            flows: Mutex::default(),
        }
    }

    pub(super) fn set_target(&self, index: usize, target: SocketAddr) {
        lock(&self.targets)[index] = target;
    }

    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for direction in [&self.up, &self.down] {
            let mut queue = lock(&direction.queue);
            self.count_dropped(queue.waiting.len());
            queue.waiting.clear();
            queue.shaper.clear();
        }
    }

    pub(super) fn restore(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    pub(super) fn bytes(&self) -> LinkBytes {
        LinkBytes {
            up: self.up.delivered.load(Ordering::SeqCst),
            down: self.down.delivered.load(Ordering::SeqCst),
            dropped: self.dropped.load(Ordering::SeqCst),
            duplicated: self.duplicated.load(Ordering::SeqCst),
        }
    }

    /// Ends all flows and opens no more.
    pub(super) fn close(&self) {
        let mut flows = lock(&self.flows);
        flows.closed = true;
        flows.open.drain().for_each(|(_, flow)| flow.task.abort());
    }

    #[cfg(test)]
    pub(super) fn flows_open(&self) -> usize {
        lock(&self.flows).open.len()
    }

    #[cfg(test)]
    pub(super) fn on_the_way(&self) -> usize {
        [&self.up, &self.down].map(|direction| lock(&direction.queue).waiting.len()).iter().sum()
    }

    fn count_dropped(&self, datagrams: usize) {
        self.dropped.fetch_add(datagrams as u64, Ordering::SeqCst);
    }

    /// The socket a client's datagrams leave by, opened at its first. None when stopped, or out of
    /// sockets.
    fn flow(self: &Arc<Self>, key: (usize, SocketAddr), front: &Arc<Socket>) -> Option<Arc<Socket>> {
        let mut flows = lock(&self.flows);
        if flows.closed {
            return None;
        }
        let now = Instant::now();
        if let Some(flow) = flows.open.get_mut(&key) {
            flow.last_used = now;
            return Some(flow.socket.clone());
        }
        if flows.open.len() >= self.most_flows {
            let oldest = flows.open.iter().min_by_key(|(_, flow)| flow.last_used).map(|(key, _)| *key);
            if let Some(flow) = oldest.and_then(|key| flows.open.remove(&key)) {
                flow.task.abort();
            }
        }
        let socket = Arc::new(Socket::bind().ok()?);
        let reader = read_flow(self.clone(), key, socket.clone(), front.clone());
        let task = tokio::spawn(reader).abort_handle();
        flows.open.insert(key, Flow { socket: socket.clone(), last_used: now, task });
        Some(socket)
    }

    /// Until when a flow may stay silent; forgets it and answers None when that has passed.
    fn keep(&self, key: (usize, SocketAddr)) -> Option<Instant> {
        let mut flows = lock(&self.flows);
        let until = flows.open.get(&key)?.last_used + self.idle;
        if until <= Instant::now() {
            flows.open.remove(&key);
            return None;
        }
        Some(until)
    }
}

/// One timer per direction, however much is on its way; asleep while nothing is.
pub(super) async fn deliver(shared: Arc<Shared>, direction: fn(&Shared) -> &Direction) {
    let direction = direction(&shared);
    loop {
        match direction.send_due(&shared) {
            None => direction.wake.notified().await,
            Some(next) => {
                // Woken or due, the queue is looked at again.
                let _ = timeout_at(next, direction.wake.notified()).await;
            }
        }
    }
}

pub(super) async fn read_front(shared: Arc<Shared>, index: usize, front: Arc<Socket>) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let Ok((len, client)) = front.receive.recv_from(&mut buffer).await else {
            sleep(ERROR_PAUSE).await;
            continue;
        };
        match shared.flow((index, client), &front) {
            Some(socket) => shared.up.offer(&shared, &socket, To::Target(index), &buffer[..len]),
            None => shared.count_dropped(1),
        }
    }
}

async fn read_flow(shared: Arc<Shared>, key: (usize, SocketAddr), socket: Arc<Socket>, front: Arc<Socket>) {
    let (index, client) = key;
    let mut buffer = vec![0; DATAGRAM];
    while let Some(until) = shared.keep(key) {
        let (len, from) = match timeout_at(until, socket.receive.recv_from(&mut buffer)).await {
            Ok(Ok(received)) => received,
            Ok(Err(_)) => {
                sleep(ERROR_PAUSE).await;
                continue;
            }
            Err(_) => continue,
        };
        // The socket is not connected, so that a target can change; a stray datagram is no answer.
        if from != lock(&shared.targets)[index] {
            continue;
        }
        if let Some(flow) = lock(&shared.flows).open.get_mut(&key) {
            flow.last_used = Instant::now();
        }
        shared.down.offer(&shared, &front, To::Client(client), &buffer[..len]);
    }
}

/// A panic elsewhere leaves nothing half done in here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
