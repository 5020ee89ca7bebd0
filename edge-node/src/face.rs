//! An app on a seat: what every window does before its first screen. It holds the data folder, opens the
//! node or enrols, and keeps the node in touch with the hubs. The windows only pass calls on.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use data_encoding::BASE64;
use protocol::command::Command;
use protocol::fact::ProofForm;
use protocol::id::Subject;
use protocol::seat::Role;
use serde_json::Value;
use tokio::sync::watch;

use crate::clock::BusinessClock;
use crate::enrol;
use crate::hold::Hold;
use crate::lan::{self, Lan};
use crate::node::Node;
use crate::screen::refused::Refused;
use crate::screen::waiting::{ActReceipt, act_of};
use crate::sync;

/// Longest wait between tries to reach a hub: somebody looks at the screen when the network is back.
const BACKOFF_MOST: Duration = Duration::from_secs(10);
/// What operations lists the device under, when it says nothing else.
const DEVICE_NAME: &str = "app";

/// One app's seat.
pub struct Face {
    dir: PathBuf,
    role: Role,
    node: RwLock<Option<Arc<Node>>>,
    hold: RwLock<Option<Hold>>,
    opened: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    lan: Lan,
}

impl Face {
    /// The app of `role` on the data in `dir`. Nothing is opened before the first call.
    #[must_use]
    pub fn new(dir: PathBuf, role: Role) -> Self {
        let (opened, stop) = (watch::Sender::new(false), watch::Sender::new(false));
        Self { dir, role, node: RwLock::new(None), hold: RwLock::new(None), opened, stop, lan: Lan::default() }
    }

    /// With relays near by at fixed addresses, beside those that are found: for networks without multicast.
    #[must_use]
    pub fn with_relays(mut self, relays: Vec<SocketAddr>) -> Self {
        self.lan.relays = relays;
        self
    }

    /// The agent's app.
    #[must_use]
    pub fn agent(dir: PathBuf) -> Self {
        Self::new(dir, Role::Agent)
    }

    /// The vendor's app.
    #[must_use]
    pub fn vendor(dir: PathBuf) -> Self {
        Self::new(dir, Role::Vendor)
    }

    /// The open node; opened now if it was not.
    ///
    /// # Errors
    /// `not_enrolled`, `second_instance`, `other_device`, `other_role`, `damaged`, `disk_full`.
    pub fn node(&self) -> Result<Arc<Node>, Refused> {
        if let Some(node) = self.node.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return Ok(Arc::clone(node));
        }
        let mut place = self.node.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(node) = place.as_ref() {
            return Ok(Arc::clone(node));
        }
        self.hold()?;
        let node = Node::open(&self.dir, BusinessClock::default())?;
        if node.seat().role() != self.role {
            return Err(Refused::of("other_role", "this data is of another app", "use the app that it belongs to"));
        }
        let node = Arc::new(node);
        *place = Some(Arc::clone(&node));
        self.opened.send_replace(true);
        Ok(node)
    }

    /// Enrols with a code from operations, and opens the node.
    ///
    /// # Errors
    /// `enrol_code`, `enrol_no_network`, `enrol_refused`, `already_enrolled`, and those of [`Face::node`].
    pub async fn enrol(&self, code: &str) -> Result<(), Refused> {
        self.hold()?;
        enrol::enrol(code, &self.dir, DEVICE_NAME).await?;
        self.node().map(drop)
    }

    /// Records what a person asked for; see [`Node::record`].
    ///
    /// # Errors
    /// The refusal; `malformed` when the screen is at fault.
    pub fn record(&self, act: &str, command: Value) -> Result<ActReceipt, Refused> {
        let act = act_of(act)?;
        // Kind of the fault only: the text may hold what a person typed.
        let command: Command = serde_json::from_value(command).map_err(|_| Refused::malformed("no such command"))?;
        Ok(ActReceipt::of(&self.node()?.record(act, &command)?))
    }

    /// Keeps a picture of a parcel, base64; see [`Node::prove`].
    ///
    /// # Errors
    /// The refusal; `malformed` when the screen is at fault.
    pub fn prove(&self, act: &str, parcel: &str, form: Value, picture: &str) -> Result<ActReceipt, Refused> {
        let (act, parcel) = (act_of(act)?, subject_of(parcel)?);
        let form: ProofForm = serde_json::from_value(form).map_err(|_| Refused::malformed("no such form"))?;
        let picture = BASE64.decode(picture.as_bytes()).map_err(|_| Refused::malformed("not base64"))?;
        Ok(ActReceipt::of(&self.node()?.prove(act, parcel, form, &picture)?))
    }

    /// The receipt of an act as it stands now.
    ///
    /// # Errors
    /// `not_found`; the database.
    pub fn receipt(&self, act: &str) -> Result<ActReceipt, Refused> {
        let receipt = self.node()?.receipt(act_of(act)?)?;
        let missing = || Refused::of("not_found", "no such act was recorded here", "go back");
        receipt.as_ref().map(ActReceipt::of).ok_or_else(missing)
    }

    /// Keeps the node in touch with its hubs, from when it is opened until [`Face::stop`].
    pub async fn sync(self: Arc<Self>) {
        let mut opened = self.opened.subscribe();
        if opened.wait_for(|opened| *opened).await.is_err() {
            return;
        }
        if let Ok(node) = self.node() {
            let hubs = node.identity().hubs.clone();
            let stop = self.stop.subscribe();
            let near = lan::start(&node, &self.lan, &stop);
            sync::run(node, hubs, BACKOFF_MOST, stop).await;
            near.ended().await;
        }
    }

    /// Ends the link to the hubs: the window is closing.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn hold(&self) -> Result<(), Refused> {
        let mut hold = self.hold.write().unwrap_or_else(PoisonError::into_inner);
        if hold.is_none() {
            *hold = Some(Hold::take(&self.dir)?);
        }
        Ok(())
    }
}

/// Reads an id as a screen writes it.
///
/// # Errors
/// `malformed`.
pub fn subject_of(text: &str) -> Result<Subject, Refused> {
    Subject::parse(text).ok_or_else(|| Refused::malformed("not an id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_not_enrolled_and_a_second_window_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (Face::agent(folder.path().to_owned()), Face::agent(folder.path().to_owned()));
        assert_eq!(first.node().map(drop).unwrap_err().code, "not_enrolled");
        assert_eq!(second.node().map(drop).unwrap_err().code, "second_instance");
        assert_eq!(first.record("x", Value::Null).unwrap_err().code, "malformed");
        assert_eq!(first.record(&"00".repeat(16), Value::Null).unwrap_err().code, "malformed");
        let prove = |parcel, form: &str, picture| first.prove(&"00".repeat(16), parcel, form.into(), picture);
        assert_eq!(prove("P1", "photo", "").unwrap_err().code, "malformed");
    }
}
