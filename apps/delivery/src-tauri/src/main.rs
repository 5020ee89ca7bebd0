//! Desktop entry of the delivery app.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    getit_delivery_lib::run();
}
