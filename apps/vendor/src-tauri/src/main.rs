//! Desktop entry of the vendor app.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    getit_vendor_lib::run();
}
