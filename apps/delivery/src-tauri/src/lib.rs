//! The app as a library, so that a phone build can enter through `mobile_entry_point`.

mod commands;

use std::path::PathBuf;
use std::sync::Arc;

use edge_node::face::Face;
use tauri::{Manager, RunEvent};

/// Puts the data somewhere else than the system's place for it: tests, and several seats on one machine.
const DATA_DIR: &str = "GETIT_APP_DATA";

/// Relays near by at fixed addresses, `host:port` with commas between: networks without multicast, and tests.
const RELAYS: &str = "GETIT_APP_RELAYS";

/// Opens the window and runs until it is closed.
///
/// # Errors
/// When the window system cannot be reached.
#[cfg_attr(mobile, tauri::mobile_entry_point)]
pub fn run() {
    let app = tauri::Builder::default()
        .setup(|app| {
            let dir = std::env::var_os(DATA_DIR).map(PathBuf::from);
            let dir = dir.map_or_else(|| app.path().app_data_dir(), Ok)?;
            let relays = std::env::var(RELAYS).unwrap_or_default();
            let relays = relays.split(',').filter_map(|relay| relay.trim().parse().ok()).collect();
            let face = Arc::new(Face::agent(dir).with_relays(relays));
            app.manage(Arc::clone(&face));
            tauri::async_runtime::spawn(face.sync());
            Ok(())
        })
        .invoke_handler(tauri::generate_handler![
            commands::status,
            commands::enrol,
            commands::run,
            commands::stop,
            commands::record,
            commands::prove,
            commands::receipt,
            commands::waiting,
            commands::money,
            commands::slip,
            commands::take_slip,
        ])
        .build(tauri::generate_context!());
    match app {
        Ok(app) => app.run(|app, event| {
            if let RunEvent::Exit = event {
                app.state::<Arc<Face>>().stop();
            }
        }),
        Err(error) => panic!("the window could not be opened: {error}; is DISPLAY set?"),
    }
}
