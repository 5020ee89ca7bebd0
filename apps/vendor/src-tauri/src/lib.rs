//! The app as a library, so that a phone build can enter through `mobile_entry_point`.

/// Opens the window and runs until it is closed.
///
/// # Errors
/// When the window system cannot be reached.
#[cfg_attr(mobile, tauri::mobile_entry_point)]
pub fn run() {
    if let Err(error) = tauri::Builder::default().run(tauri::generate_context!()) {
        panic!("the window could not be opened: {error}; is DISPLAY set?");
    }
}
