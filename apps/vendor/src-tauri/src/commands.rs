//! What the page may ask: each command is one function of the node, off the window's thread.

use std::sync::Arc;

use edge_node::face::{Face, subject_of};
use edge_node::node::Node;
use edge_node::screen::refused::Refused;
use edge_node::screen::vendor::money::{VendorMoney, VendorPayoutDetail};
use edge_node::screen::vendor::product::{VendorProduct, VendorProducts};
use edge_node::screen::vendor::{VendorList, VendorOrders};
use edge_node::screen::waiting::{ActReceipt, DeviceStatus, WaitingAct, act_of};
use protocol::document::product::ProductEdit;
use serde_json::Value;
use tauri::State;

type App<'a> = State<'a, Arc<Face>>;

/// Runs `work` where the disk may be waited for.
async fn blocking<T: Send + 'static>(
    app: &App<'_>,
    work: impl FnOnce(&Face) -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let face = Arc::clone(app);
    let done = tokio::task::spawn_blocking(move || work(&face)).await;
    done.unwrap_or_else(|_| Err(Refused::of("machinery_failed", "the call broke", "try once more")))
}

async fn with_node<T: Send + 'static>(
    app: &App<'_>,
    work: impl FnOnce(&Node) -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    blocking(app, move |face| work(&*face.node()?)).await
}

#[tauri::command]
pub async fn enrol(app: App<'_>, code: String) -> Result<(), Refused> {
    app.enrol(code.trim()).await
}

#[tauri::command]
pub async fn device_status(app: App<'_>) -> Result<DeviceStatus, Refused> {
    with_node(&app, Node::device_status).await
}

#[tauri::command]
pub async fn waiting_acts(app: App<'_>) -> Result<Vec<WaitingAct>, Refused> {
    with_node(&app, Node::waiting_acts).await
}

#[tauri::command]
pub async fn record(app: App<'_>, act: String, command: Value) -> Result<ActReceipt, Refused> {
    blocking(&app, move |face| face.record(&act, command)).await
}

#[tauri::command]
pub async fn receipt(app: App<'_>, act: String) -> Result<ActReceipt, Refused> {
    blocking(&app, move |face| face.receipt(&act)).await
}

#[tauri::command]
pub async fn vendor_orders(app: App<'_>, list: VendorList, limit: u32) -> Result<VendorOrders, Refused> {
    with_node(&app, move |node| node.vendor_orders(list, limit)).await
}

#[tauri::command]
pub async fn vendor_products(app: App<'_>, find: String) -> Result<VendorProducts, Refused> {
    with_node(&app, move |node| node.vendor_products(&find)).await
}

#[tauri::command]
pub async fn vendor_product(app: App<'_>, product: String) -> Result<VendorProduct, Refused> {
    with_node(&app, move |node| node.vendor_product(subject_of(&product)?)).await
}

#[tauri::command]
pub async fn vendor_edit_product(
    app: App<'_>,
    act: String,
    product: String,
    edit: ProductEdit,
) -> Result<ActReceipt, Refused> {
    with_node(&app, move |node| node.vendor_edit_product(act_of(&act)?, subject_of(&product)?, &edit)).await
}

#[tauri::command]
pub async fn vendor_money(app: App<'_>) -> Result<VendorMoney, Refused> {
    with_node(&app, Node::vendor_money).await
}

#[tauri::command]
pub async fn vendor_payout(app: App<'_>, payout: String) -> Result<VendorPayoutDetail, Refused> {
    with_node(&app, move |node| node.vendor_payout(subject_of(&payout)?)).await
}
