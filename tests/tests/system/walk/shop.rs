//! A vendor's hands in her own window: she enrols, accepts and packs, edits a product in a power cut's
//! darkness while her other device edits it too, and sees what she is owed. And windows on data that is not
//! theirs.

use std::path::{Path, PathBuf};

use getit_tests::link::{Link, LinkProfile, Trace};
use getit_tests::window::{Display, Window, id};
use protocol::command::Command;
use protocol::document::product::ProductEdit;
use protocol::id::Subject;
use serde_json::json;

use super::super::screen::binary;
use super::house::{Crew, House, soon};

async fn open(app: &str, display: &Display, data: &Path) -> Window {
    let settings = [("GETIT_APP_DATA", data.display().to_string())];
    Window::app(app, display, &binary(&format!("getit-{app}")), &settings).await.unwrap()
}

fn row(parcel: Subject, status: &str) -> String {
    format!("{}[data-subject=\"{parcel}\"][data-status=\"{status}\"]", id("order-row"))
}

/// Replaces what a field holds at once, as a paste does.
async fn paste(window: &Window, css: &str, text: &str) {
    let script = "const e = document.querySelector(arguments[0]); e.value = arguments[1];
        e.dispatchEvent(new InputEvent('input', { bubbles: true }));";
    window.find(css).await.unwrap();
    window.script(script, &[json!(css), json!(text)]).await.unwrap();
}

async fn value(window: &Window, css: &str) -> String {
    let script = "return document.querySelector(arguments[0])?.value ?? '';";
    window.script(script, &[json!(css)]).await.unwrap().as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_packs_edits_and_sees_what_she_is_owed() {
    let hub_address = getit_tests::address::reserve().unwrap();
    let road = Link::start("road", &[hub_address], LinkProfile::clean(Trace::constant(2_000_000)), 1).await.unwrap();
    let house = House::telling(&[road.addresses()[0].to_string()]).await;
    let hub = house.hub_at("hub-1", hub_address).await;
    // The crew's vendor is her second device.
    let mut crew = Crew::enrol(&house).await;
    crew.go_online(hub.quic);
    let parcel = house.place("1").await;

    let display = Display::start().await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("vendor");
    let app = open("vendor", &display, &data).await;
    app.write(&id("enrol-code"), "getit1:not-a-code").await.unwrap();
    app.press(&id("enrol-submit")).await.unwrap();
    app.find(&id("enrol-error")).await.unwrap();
    let code = json!({ "role": "vendor", "name": "Meghna", "vendor": "meghna" });
    let code = house.operate("POST", "/devices/codes", &code).await;
    app.write(&id("enrol-code"), code["code"].as_str().unwrap()).await.unwrap();
    app.press(&id("enrol-submit")).await.unwrap();

    // The order is there: she accepts and packs it.
    app.find(&row(parcel, "placed")).await.unwrap();
    app.until(&id("you-get"), |text| !text.is_empty()).await.unwrap();
    app.picture("vendor-order").await.unwrap();
    app.press(&id("accept")).await.unwrap();
    app.press(&id("tab-to_pack")).await.unwrap();
    app.find(&row(parcel, "accepted")).await.unwrap();
    app.press(&id("pack")).await.unwrap();
    crew.site.sees(parcel, "packed").await;

    // The network goes. She changes the price here; her other device changes the name.
    app.press(&id("go-products")).await.unwrap();
    app.press(&id("product-row")).await.unwrap();
    app.find(&id("product-price")).await.unwrap();
    road.cut();
    for (css, bad) in
        [("product-price", "99999999999999999999"), ("product-price", "−5"), ("product-name-en", &"🎁".repeat(10_000))]
    {
        let before = value(&app, &id(css)).await;
        paste(&app, &id(css), bad).await;
        app.find(&id(&css.replace("product-", "fault-"))).await.unwrap();
        assert!(app.shows(&format!("{}[disabled]", id("product-save"))).await.unwrap(), "{css}");
        paste(&app, &id(css), &before).await;
    }
    app.write(&id("product-price"), "১২০০.৫০").await.unwrap();
    app.press(&id("product-save")).await.unwrap();
    app.find(&format!("{}[data-place=\"device\"]", id("product-place"))).await.unwrap();
    app.picture("vendor-price-offline").await.unwrap();
    let rice = Subject::product(crew.vendor.party(), "RICE");
    let renamed = ProductEdit { name_en: Some("Fine rice".to_owned()), ..ProductEdit::default() };
    crew.vendor.node.edit_product([1; 16], rice, &renamed).unwrap();
    road.restore();

    // Both edits stand on both devices, and the page says what changed.
    app.find(&format!("{}[data-count=\"1\"]", id("merged"))).await.unwrap();
    app.until(&id("change"), |text| text.contains("Fine rice")).await.unwrap();
    assert_eq!(value(&app, &id("product-name-en")).await, "Fine rice");
    app.picture("vendor-merged").await.unwrap();
    soon("the price at the other device", async || {
        let view = crew.vendor.node.product(rice).unwrap().unwrap();
        let price = view.price_paisa.and_then(|field| field.used.value);
        (price == Some(120_050)).then_some(()).ok_or(format!("{price:?}"))
    })
    .await;

    // Delivered and paid at the door: what she earned is held until the return window is over.
    crew.site.tap(&Command::Receive { parcel, pieces: 1 }).await;
    crew.site.tap(&Command::Dispatch { parcels: vec![parcel], agent: crew.agent.party() }).await;
    crew.agent.sees(parcel, "on_run").await;
    crew.agent.tap(&Command::Load { parcels: vec![parcel] }).await;
    crew.deliver(parcel).await;
    app.press(&id("go-money")).await.unwrap();
    let held = soon("the earning in the books", async || {
        let owed = house.finance("vendor-payable").await;
        let held = owed["rows"][0]["held_paisa"].as_i64();
        held.filter(|paisa| *paisa > 0).ok_or(owed.to_string())
    })
    .await;
    // Her screen says what finance says.
    app.until(&id("held"), |text| paisa(text) == Some(held)).await.unwrap();
    app.picture("vendor-money").await.unwrap();

    // A second window on one seat, the other app on it, and a copy from another machine: each is told.
    blocked("vendor", "second_instance", &display, &data).await;
    app.close().await.unwrap();
    let copy = copied(&data, &place.path().join("copy"));
    blocked("delivery", "other_role", &display, &copy).await;
    let foreign = copied(&data, &place.path().join("foreign"));
    std::fs::write(foreign.join("device.mark"), "the mark of another machine").unwrap();
    blocked("vendor", "other_device", &display, &foreign).await;

    house.settled(&crew.all()).await;
    crew.go_offline().await;
    hub.stop().await;
    house.stop().await;
}

/// A copy of a data folder, as somebody carries it elsewhere.
fn copied(data: &Path, to: &Path) -> PathBuf {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(data).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    to.to_owned()
}

async fn blocked(app: &str, code: &str, display: &Display, data: &Path) {
    let window = open(app, display, data).await;
    window.find(&format!("{}[data-code=\"{code}\"]", id("blocked"))).await.unwrap();
    assert!(!window.text("body").await.unwrap().contains(code), "a code alone is no sentence");
    window.picture(&format!("{app}-{code}")).await.unwrap();
    window.close().await.unwrap();
}

/// The amount of a text like `৳১,২৫০.৫০`, in either script.
fn paisa(text: &str) -> Option<i64> {
    let digit =
        |c: char| c.to_digit(10).or_else(|| ('০'..='৯').zip(0..).find(|(bangla, _)| *bangla == c).map(|(_, n)| n));
    let (whole, rest) = text.split_whitespace().next()?.split_once('.')?;
    let digits = |part: &str| part.chars().filter_map(digit).fold(0, |sum, digit| sum * 10 + i64::from(digit));
    Some(digits(whole) * 100 + digits(rest))
}
