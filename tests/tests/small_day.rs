//! The day of the demo, small, on real processes: what `./dev demo` shows, every time something lands.

use std::fs::File;
use std::process::Command;

use getit_tests::order_book;

/// Enough for every outcome that the verdict asks for.
const ORDERS: usize = 200;

#[test]
fn a_small_day_is_as_it_must_be() {
    let program = env!("CARGO_BIN_EXE_day");
    let binaries = std::path::Path::new(program).parent().unwrap();
    let data = format!("/var/tmp/getit-small-day-{}", std::process::id());
    let orders = tempfile::tempdir().unwrap();
    let file = orders.path().join("orders.csv");
    order_book::write(order_book::SHIPPED_SEED, ORDERS, &mut File::create(&file).unwrap()).unwrap();
    let day = Command::new(program)
        .args(["demo", "--once", "--small", "--data", &data, "--orders"])
        .arg(&file)
        .arg("--bin")
        .arg(binaries)
        .output()
        .unwrap();
    let said = format!("{}\n{}", String::from_utf8_lossy(&day.stdout), String::from_utf8_lossy(&day.stderr));
    // The folder of a day that failed is kept: its logs and databases say why.
    assert!(day.status.success(), "{said}\nthe day's data is in {data}; again: ./dev demo --once --small");
    std::fs::remove_dir_all(&data).unwrap();
}
