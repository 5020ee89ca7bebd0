//! Tells the sessions that the log has grown, each only of what concerns it.

use std::sync::Arc;
use std::time::Duration;

use central::replication::{self, Touched};
use central::store::Pool;
use protocol::seat::Seat;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

/// Without a notification, the log is looked at this often: a notification can be lost with its
/// connection.
const SLOW_POLL: Duration = Duration::from_secs(5);
/// The log grows in bursts: sessions are told once of what came within this time.
const COALESCE: Duration = Duration::from_millis(50);
/// Moves that a busy session may be behind; one that is behind by more looks for itself.
const BEHIND: usize = 64;

/// Moves of the log.
#[derive(Clone)]
pub(crate) struct Moves(broadcast::Sender<Arc<Touched>>);

impl Moves {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }

    /// From now on.
    pub(crate) fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// One session's ear.
pub(crate) struct Listener(broadcast::Receiver<Arc<Touched>>);

impl Listener {
    /// Waits until the log moves where `seat` reads; `false` when the hub is stopping. What is dropped
    /// unfinished has lost nothing but moves of others.
    pub(crate) async fn concerning(&mut self, seat: &Seat) -> bool {
        loop {
            let concerned = match self.0.recv().await {
                Ok(touched) => touched.concerns(seat),
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return false,
            };
            if concerned {
                // One look at the log answers all that is waiting.
                self.0 = self.0.resubscribe();
                return true;
            }
        }
    }
}

/// Follows the log: by notification, and by a slow look of its own.
pub(crate) async fn follow(pool: Pool, moves: Moves, mut stopped: watch::Receiver<bool>) {
    loop {
        // The place is taken after the ear is open: nothing falls between them.
        let opened = async {
            let log = replication::watch(&pool).await?;
            Ok::<_, replication::ReplicationError>((log, replication::end_of_log(&pool).await?))
        };
        let Ok((mut log, mut place)) = opened.await else {
            tracing::warn!("the log cannot be watched; trying again");
            tokio::select! {
                () = tokio::time::sleep(SLOW_POLL) => continue,
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        };
        tell(&moves, Touched::All);
        loop {
            tokio::select! {
                grown = log.grown() => if grown.is_err() { break },
                () = tokio::time::sleep(SLOW_POLL) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
            match replication::touched(&pool, place).await {
                Ok((end, touched)) => {
                    if end != place {
                        tell(&moves, touched);
                    }
                    place = end;
                }
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be read; trying again");
                    break;
                }
            }
            tokio::time::sleep(COALESCE).await;
        }
    }
}

fn tell(moves: &Moves, touched: Touched) {
    // Nobody listens while no device is there.
    let _nobody = moves.0.send(Arc::new(touched));
}
