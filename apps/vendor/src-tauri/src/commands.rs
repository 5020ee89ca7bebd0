//! The calls of the page, passed on to the node. Each runs beside the window's thread: a tap is answered
//! after its fsync, and the window never waits for a disk.

use std::sync::Arc;

use edge_node::document::ProductEdit;
use edge_node::face::{Face, subject_of};
use edge_node::screen::refused::Refused;
use edge_node::screen::vendor::money::{VendorMoney, VendorPayoutDetail};
use edge_node::screen::vendor::product::{VendorProduct, VendorProducts};
use edge_node::screen::vendor::{VendorList, VendorOrders};
use edge_node::screen::waiting::{ActReceipt, DeviceStatus, WaitingAct, act_of};
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
pub(crate) fn record(face: Seat<'_>, act: &str, command: Value) -> Result<ActReceipt, Refused> {
    face.record(act, command)
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
pub(crate) fn orders(face: Seat<'_>, list: VendorList, limit: u32) -> Result<VendorOrders, Refused> {
    face.node()?.vendor_orders(list, limit)
}

#[tauri::command(async)]
pub(crate) fn products(face: Seat<'_>, find: &str) -> Result<VendorProducts, Refused> {
    face.node()?.vendor_products(find)
}

#[tauri::command(async)]
pub(crate) fn product(face: Seat<'_>, product: &str) -> Result<VendorProduct, Refused> {
    face.node()?.vendor_product(subject_of(product)?)
}

#[tauri::command(async)]
pub(crate) fn edit_product(face: Seat<'_>, act: &str, product: &str, edit: ProductEdit) -> Result<ActReceipt, Refused> {
    face.node()?.vendor_edit_product(act_of(act)?, subject_of(product)?, &edit)
}

#[tauri::command(async)]
pub(crate) fn money(face: Seat<'_>) -> Result<VendorMoney, Refused> {
    face.node()?.vendor_money()
}

#[tauri::command(async)]
pub(crate) fn payout(face: Seat<'_>, payout: &str) -> Result<VendorPayoutDetail, Refused> {
    face.node()?.vendor_payout(subject_of(payout)?)
}
