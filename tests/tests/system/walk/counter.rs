//! A clerk's hands at a pickup point: a real edge-node on a small real disk, its page in a real browser.
//! Wrong codes and foreign scans, a power cut between two steps, a second window, a full disk in the middle
//! of the cash, and at night the till.

use getit_tests::window::{Window, id};
use protocol::command::Command;
use protocol::taka::Taka;
use serde_json::json;

use super::house::{DUE, House, soon};
use super::machine::Machine;

async fn count(window: &Window, notes: &[(u32, &str)]) {
    for (note, pieces) in notes {
        window.write(&id(&format!("note-{note}")), pieces).await.unwrap();
    }
}

fn step(name: &str) -> String {
    format!("{}[data-now=\"{name}\"]", id("steps"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_gives_a_parcel_through_a_power_cut_and_a_full_disk() {
    let hub_address = getit_tests::address::reserve().unwrap();
    let house = House::telling(&[hub_address.to_string()]).await;
    let hub = house.hub_at("hub-1", hub_address).await;
    let point = house.point("Kazipara").await;
    let (mut vendor, mut courier) = (house.vendor().await, house.courier().await);
    vendor.go_online(hub.quic);
    courier.go_online(hub.quic);
    let folder = tempfile::tempdir().unwrap();
    let wish = json!({ "role": "site", "name": "Kazipara", "site": point });
    let mut kiosk = Machine::open(&house, "kiosk", &wish, folder.path()).await;

    // A parcel for the point, and one that stays at the hub.
    let (parcel, code) = house.place_at(point, "1").await;
    let elsewhere = house.place("2").await;
    vendor.tap(&Command::Accept { parcel }).await;
    vendor.tap(&Command::Pack { parcel, pieces: 1 }).await;
    courier.sees(parcel, "packed").await;
    courier.tap(&Command::Receive { parcel, pieces: 1 }).await;
    courier.tap(&Command::Forward { parcels: vec![parcel], to: point }).await;
    soon("the parcel on the kiosk's list", async || {
        let home = kiosk.get("site/home").await;
        (home["expected"] == 1).then_some(()).ok_or(home.to_string())
    })
    .await;

    // The morning: the drawer is empty, and a second window is told who has the till.
    let clerk = Window::browser("clerk", 1366, 900).await.unwrap();
    kiosk.show(&clerk).await;
    clerk.press(&id("nav-till")).await.unwrap();
    clerk.press(&id("till-open")).await.unwrap();
    clerk.press(&id("till-count-submit")).await.unwrap();
    clerk.find(&id("till-running")).await.unwrap();
    let second = Window::browser("second window", 1366, 900).await.unwrap();
    kiosk.show(&second).await;
    second.find(&id("second-window")).await.unwrap();
    second.picture("kiosk-second-window").await.unwrap();
    second.close().await.unwrap();

    // It is scanned in, and laid on a shelf.
    clerk.press(&id("nav-receive")).await.unwrap();
    clerk.find(&id("receive-scan")).await.unwrap();
    let label = parcel.label().to_string();
    for strange in ["https://example.com/offer", &elsewhere.label().to_string()] {
        clerk.scan(strange).await.unwrap();
        clerk.until(&id("scan-outcome"), |text| !text.is_empty()).await.unwrap();
        assert!(!clerk.shows(&id("received-panel")).await.unwrap(), "{strange} was taken for a parcel");
    }
    clerk.scan(&label).await.unwrap();
    clerk.find(&id("shelf-input")).await.unwrap();
    clerk.write(&id("shelf-input"), "C-14").await.unwrap();
    clerk.press(&id("shelve")).await.unwrap();
    clerk.until(&id("received-panel"), |text| text.contains("C-14")).await.unwrap();

    // The customer comes: a wrong code, then the right one.
    clerk.press(&id("nav-handover")).await.unwrap();
    clerk.find(&id("handover-scan")).await.unwrap();
    clerk.scan(&label).await.unwrap();
    clerk.find(&step("code")).await.unwrap();
    let wrong = if code.starts_with('1') { "211111" } else { "111111" };
    clerk.scan(wrong).await.unwrap();
    clerk.find(&id("code-error")).await.unwrap();
    clerk.picture("kiosk-wrong-code").await.unwrap();
    clerk.scan(&code).await.unwrap();
    clerk.find(&step("parcel")).await.unwrap();

    // The power goes. The step that was done stays done, and the page says where to go on.
    kiosk.process.kill().await;
    clerk.find(&id("silent")).await.unwrap();
    clerk.picture("kiosk-no-node").await.unwrap();
    clerk.close().await.unwrap();
    kiosk.process.start().await.unwrap();
    let clerk = Window::browser("clerk after the power cut", 1366, 900).await.unwrap();
    kiosk.show(&clerk).await;
    clerk.press(&id("nav-handover")).await.unwrap();
    clerk.find(&id("handover-scan")).await.unwrap();
    clerk.scan(&label).await.unwrap();
    clerk.find(&id("resumed")).await.unwrap();
    clerk.find(&step("parcel")).await.unwrap();
    clerk.press(&id("label-seen")).await.unwrap();
    clerk.find(&step("cash")).await.unwrap();
    clerk.write(&id("gave-cash"), "১৫০০").await.unwrap();
    clerk.until(&id("give-back"), |text| text.contains("431") || text.contains("৪৩১")).await.unwrap();
    clerk.picture("kiosk-cash").await.unwrap();

    // The disk is full when he takes the cash: he is told so, and nothing is recorded.
    kiosk.disk.fill().unwrap();
    clerk.press(&id("took")).await.unwrap();
    clerk.find(&id("refusal")).await.unwrap();
    assert_eq!(clerk.text(&id("refusal-code")).await.unwrap(), "disk_full");
    clerk.picture("kiosk-disk-full").await.unwrap();
    let read = kiosk.get(&format!("site/parcels/{parcel}")).await;
    assert_eq!((&read["handover"]["step"], &read["handover"]["paid"]), (&json!("take_cash"), &json!(false)), "{read}");
    kiosk.disk.free().unwrap();
    // "Try again" does the same act once more.
    clerk.press(&id("repair")).await.unwrap();
    clerk.find(&step("give")).await.unwrap();
    clerk.press(&id("gave")).await.unwrap();
    clerk.find(&step("done")).await.unwrap();
    clerk.picture("kiosk-given").await.unwrap();
    courier.sees(parcel, "collected").await;

    // A van is paid out of the drawer, on paper, and over lunch the drawer is locked.
    let left = DUE.minus(Taka::whole(69));
    clerk.press(&id("nav-till")).await.unwrap();
    clerk.press(&id("till-pay-out")).await.unwrap();
    clerk.write(&id("till-amount"), "৬৯").await.unwrap();
    clerk.press(&id("why-transport")).await.unwrap();
    clerk.write(&id("till-voucher"), "V-0042").await.unwrap();
    clerk.picture("kiosk-till-pay-out").await.unwrap();
    clerk.press(&id("till-pay")).await.unwrap();
    clerk.until(&id("till-payments"), |text| text.contains("V-0042")).await.unwrap();
    clerk.press(&id("till-suspend")).await.unwrap();
    clerk.find(&id("till-resume")).await.unwrap();
    clerk.picture("kiosk-till-suspended").await.unwrap();
    let locked = &kiosk.get("site/till").await["open"];
    assert_eq!(
        (&locked["suspended"], &locked["payments"][0]["amount_paisa"]),
        (&json!(true), &json!(6_900)),
        "{locked}"
    );
    clerk.press(&id("till-resume")).await.unwrap();

    // Once, whatever happened between: in the drawer and in the books.
    clerk.press(&id("till-close")).await.unwrap();
    count(&clerk, &[(1_000, "1")]).await;
    clerk.press(&id("till-count-submit")).await.unwrap();
    clerk.find(&format!("{}[data-z=\"1\"]", id("till-z"))).await.unwrap();
    clerk.picture("kiosk-till-closed").await.unwrap();
    let till = kiosk.get("site/till").await;
    let z = &till["closed"][0];
    assert_eq!((&z["expected_paisa"], &z["counted_paisa"]), (&json!(left.paisa()), &json!(left.paisa())), "{z}");
    assert_eq!(z["paid_out_paisa"], json!(6_900), "{z}");
    soon("what was paid out, under the site's name", async || {
        let open = house.finance("differences?status=open&account=1140").await;
        let paid =
            open["rows"].as_array().unwrap().iter().any(|row| row["rule"] == "J27b" && row["open_paisa"] == 6_900);
        paid.then_some(()).ok_or(open.to_string())
    })
    .await;
    soon("the cash in the books", async || {
        let posted = house.finance(&format!("journals/{parcel}")).await;
        let taken = posted["rows"].as_array().unwrap().iter().filter(|row| row["rule"] == "J4p").count();
        (taken == 1).then_some(()).ok_or(posted.to_string())
    })
    .await;
    assert_eq!(house.finance("trial-balance").await["total_paisa"], 0);

    clerk.close().await.unwrap();
    kiosk.process.stop().await;
    house.settled(&[&vendor, &courier]).await;
    vendor.go_offline().await;
    courier.go_offline().await;
    hub.stop().await;
    house.stop().await;
}
