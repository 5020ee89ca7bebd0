//! The app as a library, so that a phone build can enter through `mobile_entry_point`. A window on an
//! edge-node replica: it holds no state of its own.

mod commands;

use std::path::PathBuf;
use std::sync::Arc;

use edge_node::face::Face;
use tauri::{Manager, RunEvent};
use tokio::sync::watch;

/// Names another data folder: two shops on one machine, and tests.
const DATA_DIR: &str = "GETIT_APP_DATA";

/// Opens the window and runs until it is closed.
///
/// # Errors
/// When the window system cannot be reached.
#[cfg_attr(mobile, tauri::mobile_entry_point)]
pub fn run() {
    let stop = watch::Sender::new(false);
    let stopping = stop.subscribe();
    let app = tauri::Builder::default()
        .setup(move |app| {
            let dir = match std::env::var_os(DATA_DIR) {
                Some(dir) => PathBuf::from(dir),
                None => app.path().app_data_dir()?,
            };
            let face = Arc::new(Face::vendor(dir));
            app.manage(Arc::clone(&face));
            tauri::async_runtime::spawn(face.sync(stopping));
            Ok(())
        })
        .invoke_handler(tauri::generate_handler![
            commands::enrol,
            commands::device_status,
            commands::waiting_acts,
            commands::record,
            commands::receipt,
            commands::vendor_orders,
            commands::vendor_products,
            commands::vendor_product,
            commands::vendor_edit_product,
            commands::vendor_money,
            commands::vendor_payout,
        ])
        .build(tauri::generate_context!());
    let app = match app {
        Ok(app) => app,
        Err(error) => panic!("the window could not be opened: {error}; is DISPLAY set?"),
    };
    app.run(move |_, event| {
        if let RunEvent::Exit = event {
            stop.send_replace(true);
        }
    });
}
