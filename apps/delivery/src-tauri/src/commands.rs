//! The calls of the page, passed on to the node. Each runs beside the window's thread: a tap is answered
//! after its fsync, and the window never waits for a disk.

use std::sync::Arc;

use edge_node::face::{Face, subject_of};
use edge_node::screen::agent::{AgentMoney, AgentRun, AgentStopDetail};
use edge_node::screen::refused::Refused;
use edge_node::screen::waiting::{ActReceipt, DeviceStatus, WaitingAct};
use edge_node::slip::{HandInSlip, SlipTaken};
use serde_json::Value;
use tauri::State;

type Seat<'a> = State<'a, Arc<Face>>;

#[tauri::command(async)]
pub(crate) fn status(face: Seat<'_>) -> Result<DeviceStatus, Refused> {
    face.node()?.device_status()
}

#[tauri::command]
pub(crate) async fn enrol(face: Seat<'_>, code: String) -> Result<(), Refused> {
    face.enrol(&code).await
}

#[tauri::command(async)]
pub(crate) fn run(face: Seat<'_>) -> Result<AgentRun, Refused> {
    face.node()?.agent_run()
}

#[tauri::command(async)]
pub(crate) fn stop(face: Seat<'_>, parcel: &str) -> Result<AgentStopDetail, Refused> {
    face.node()?.agent_stop(subject_of(parcel)?)
}

#[tauri::command(async)]
pub(crate) fn record(face: Seat<'_>, act: &str, command: Value) -> Result<ActReceipt, Refused> {
    face.record(act, command)
}

#[tauri::command(async)]
pub(crate) fn prove(
    face: Seat<'_>,
    act: &str,
    parcel: &str,
    form: Value,
    picture: &str,
) -> Result<ActReceipt, Refused> {
    face.prove(act, parcel, form, picture)
}

#[tauri::command(async)]
pub(crate) fn receipt(face: Seat<'_>, act: &str) -> Result<ActReceipt, Refused> {
    face.receipt(act)
}

#[tauri::command(async)]
pub(crate) fn waiting(face: Seat<'_>) -> Result<Vec<WaitingAct>, Refused> {
    face.node()?.waiting_acts()
}

#[tauri::command(async)]
pub(crate) fn money(face: Seat<'_>) -> Result<AgentMoney, Refused> {
    face.node()?.agent_money()
}

#[tauri::command(async)]
pub(crate) fn slip(face: Seat<'_>, handin: &str) -> Result<Option<HandInSlip>, Refused> {
    Ok(face.node()?.slip(subject_of(handin)?)?)
}

#[tauri::command(async)]
pub(crate) fn take_slip(face: Seat<'_>, text: &str) -> Result<SlipTaken, Refused> {
    Ok(face.node()?.take_slip(text)?)
}
