//! Checking one row of an order file: its columns, its numbers, its words.

use csv::StringRecord;
use jiff::Timestamp;

use super::{COLUMNS, FileItem, FileOrder};

/// Why a row is left out: the code and the message of its problem.
pub(super) type Flaw = (&'static str, String);

/// Checks one row by itself, and gives it as an order without items and the item.
pub(super) fn check(line: u64, row: &StringRecord) -> Result<(FileOrder, FileItem), Flaw> {
    // One more than is needed tells a long row; a hostile one may have millions.
    let fields: Vec<&str> = row.iter().take(COLUMNS.len() + 1).collect();
    let Ok(fields) = <[&str; COLUMNS.len()]>::try_from(fields) else {
        return Err((
            "wrong_column_count",
            format!(
                "The row has {} columns where {} are needed: put quotes around a field with a comma, \
                 and keep each row on one line.",
                row.len(),
                COLUMNS.len()
            ),
        ));
    };
    for (&column, field) in COLUMNS.iter().zip(&fields) {
        let limit = if column == "address" { 500 } else { 200 };
        if field.chars().count() > limit {
            return Err(("field_too_long", format!("Shorten `{column}` to at most {limit} characters.")));
        }
        if field.chars().any(char::is_control) {
            return Err((
                "control_character",
                format!("`{column}` holds a character that cannot be seen: type it again."),
            ));
        }
    }
    let [
        order_ref,
        placed_at,
        customer_name,
        phone,
        district,
        upazila,
        address,
        paid,
        delivery,
        vendor,
        sku,
        qty,
        price,
    ] = fields;
    needed("empty_order_ref", "order_ref", order_ref)?;
    needed("empty_vendor", "vendor", vendor)?;
    needed("empty_sku", "sku", sku)?;
    if !is_rfc3339(placed_at) {
        return Err((
            "bad_timestamp",
            format!("placed_at is {}: write it like 2026-11-22T08:00:00+06:00.", shown(placed_at)),
        ));
    }
    let phone = mobile(phone)
        .ok_or_else(|| ("bad_phone", "The phone is not a Bangladeshi mobile: write it like 01712345678.".to_owned()))?;
    let qty = quantity(qty)?;
    let unit_price_paisa = paisa(price)?;
    let (prepaid, pickup) = (payment(paid)?, pickup(delivery)?);
    needed("empty_customer_name", "customer_name", customer_name)?;
    needed("empty_district", "district", district)?;
    needed("empty_upazila", "upazila", upazila)?;
    needed("empty_address", "address", address)?;
    let own = str::to_owned;
    let order = FileOrder {
        order_ref: own(order_ref),
        placed_at: own(placed_at),
        customer_name: own(customer_name),
        phone,
        district: own(district),
        upazila: own(upazila),
        address: own(address),
        prepaid,
        pickup,
        items: Vec::new(),
    };
    Ok((order, FileItem { line, vendor: own(vendor), sku: own(sku), qty, unit_price_paisa }))
}

fn needed(code: &'static str, column: &str, field: &str) -> Result<(), Flaw> {
    if field.is_empty() { Err((code, format!("`{column}` is empty: fill it in."))) } else { Ok(()) }
}

/// A field as a message may show it: quoted, on one line, and not long.
pub(super) fn shown(field: &str) -> String {
    let start: String = field.chars().take(40).collect();
    let more = if start.len() < field.len() { "..." } else { "" };
    format!("`{}{more}`", start.escape_debug())
}

/// Whether the text is a real moment, spelled as RFC 3339 wants it. Jiff alone also takes other
/// forms (no seconds, a zone in brackets), which the readers of `placed_at` need not know.
fn is_rfc3339(text: &str) -> bool {
    let (Some(moment), Some(rest)) = (text.get(..19), text.get(19..)) else {
        return false;
    };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if after.len() == fraction.len() {
                return false;
            }
            after
        }
        None => rest,
    };
    matches_shape(moment, "dddd-dd-ddTdd:dd:dd")
        && (matches_shape(rest, "Z") || matches_shape(rest, "+dd:dd") || matches_shape(rest, "-dd:dd"))
        && text.parse::<Timestamp>().is_ok()
}

/// Whether the text is the shape, where `d` stands for a digit and the rest for itself.
fn matches_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, want)| match want {
            b'd' => byte.is_ascii_digit(),
            _ => byte.eq_ignore_ascii_case(&want),
        })
}

/// The text with Bangla digits as ASCII ones.
fn ascii_digits(text: &str) -> String {
    let ascii = |c| match u32::from(c) {
        code @ 0x09E6..=0x09EF => char::from_digit(code - 0x09E6, 10).unwrap_or(c),
        _ => c,
    };
    text.chars().map(ascii).collect()
}

/// The mobile number as `+8801XXXXXXXXX`, or nothing when it is none.
fn mobile(text: &str) -> Option<String> {
    let mut number = ascii_digits(text);
    number.retain(|c| !matches!(c, ' ' | '-'));
    let own = match number.strip_prefix('+') {
        Some(international) => international.strip_prefix("88")?,
        None if number.len() == 13 => number.strip_prefix("88")?,
        None => &number,
    };
    let real = matches_shape(own, "ddddddddddd") && own.starts_with("01") && own.as_bytes()[2] >= b'3';
    real.then(|| format!("+88{own}"))
}

/// Whether the text is digits, and at least one.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn quantity(text: &str) -> Result<u32, Flaw> {
    const MOST: u32 = 1000;
    let number = ascii_digits(text);
    let flaw = |code, advice| Err((code, format!("qty is {}: {advice}.", shown(text))));
    if number.strip_prefix('-').is_some_and(is_number) {
        return flaw("qty_negative", "write how many are ordered, 1 or more");
    }
    if !is_number(&number) {
        return flaw("qty_not_a_number", "write a whole number, digits only");
    }
    // Digits that do not fit are a number too large.
    match number.parse().unwrap_or(u32::MAX) {
        0 => flaw("qty_zero", "write how many are ordered, or take the row out"),
        qty if qty > MOST => flaw("qty_too_large", "write at most 1000, and order more in another row"),
        qty => Ok(qty),
    }
}

/// A price in taka with at most two decimals, as paisa. Floats never touch money.
fn paisa(text: &str) -> Result<i64, Flaw> {
    const MOST: i64 = 10_000_000 * 100;
    let number = ascii_digits(text);
    let flaw = |code, advice| Err((code, format!("unit_price is {}: {advice}.", shown(text))));
    let (sign, number) = number.strip_prefix('-').map_or(("", &*number), |rest| ("-", rest));
    let (taka, decimals) = number.split_once('.').unwrap_or((number, "0"));
    if !is_number(taka) || !is_number(decimals) {
        return flaw("price_not_a_number", "write taka in digits, like 1250 or 1250.50, without commas");
    }
    if sign == "-" {
        return flaw("price_negative", "write the price of one, 0 or more");
    }
    if decimals.len() > 2 {
        return flaw("price_too_precise", "write at most two decimals, since a taka is 100 paisa");
    }
    // Digits that do not fit are a number too large; one decimal is tens of paisa.
    let cents: i64 = decimals.parse().unwrap_or(0);
    let cents = if decimals.len() == 1 { cents * 10 } else { cents };
    match taka.parse::<i64>().ok().and_then(|taka| taka.checked_mul(100)?.checked_add(cents)) {
        Some(price) if price <= MOST => Ok(price),
        _ => flaw("price_too_large", "write at most 10000000 taka"),
    }
}

/// How the order is paid: `None` in cash, otherwise the provider's word in the API.
fn payment(text: &str) -> Result<Option<&'static str>, Flaw> {
    let known = [
        ("cod", None),
        ("prepaid", Some("bkash")),
        ("bkash", Some("bkash")),
        ("nagad", Some("nagad")),
        ("rocket", Some("rocket")),
        ("card", Some("card")),
    ];
    let found = known.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, provider)| *provider).ok_or_else(|| {
        let advice = "write cod, prepaid, bkash, nagad, rocket or card";
        ("unknown_payment", format!("payment is {}: {advice}.", shown(text)))
    })
}

/// Whether the customer fetches it at a pickup point.
fn pickup(text: &str) -> Result<bool, Flaw> {
    match text {
        _ if text.eq_ignore_ascii_case("door") => Ok(false),
        _ if text.eq_ignore_ascii_case("pickup") => Ok(true),
        _ => Err(("unknown_delivery", format!("delivery is {}: write door or pickup.", shown(text)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_read_in_every_spelling_and_no_other() {
        let good = "01712345678;+8801712345678;8801712345678;017-1234 5678;০১৭১২৩৪৫৬৭৮;+৮৮০ ১৭১২-৩৪৫৬৭৮";
        for phone in good.split(';') {
            assert_eq!(mobile(phone).as_deref(), Some("+8801712345678"), "{phone}");
        }
        let bad = ";+;1712345678;01212345678;0171234567;017123456789;+01712345678;8901712345678;\
                   0171234567x;০১৭১২৩৪৫৬৭;+88+8801712345678;٠١٧١٢٣٤٥٦٧٨;01712345678 / 01812345678";
        for phone in bad.split(';') {
            assert_eq!(mobile(phone), None, "{phone}");
        }
    }

    #[test]
    fn prices_are_exact() {
        let good = "0=0;0.05=5;0.5=50;১২৫০.৫০=125050;10000000=1000000000;10000000.00=1000000000;007=700";
        for (text, want) in good.split(';').filter_map(|pair| pair.split_once('=')) {
            assert_eq!(paisa(text).unwrap(), want.parse::<i64>().unwrap(), "{text}");
        }
        for (want, texts) in [
            ("price_not_a_number", ";.;.5;5.;1,250;1.2.3;+5;1e3;NaN;৳৫;--1;- 1;1 000"),
            ("price_negative", "-1;-০.৫০"),
            ("price_too_precise", "1.005;1.000"),
            ("price_too_large", "10000000.01;10000001;92233720368547758;99999999999999999999"),
        ] {
            for text in texts.split(';') {
                assert_eq!(paisa(text).unwrap_err().0, want, "{text}");
            }
        }
    }

    #[test]
    fn only_a_real_moment_in_rfc_3339_is_one() {
        let good = "2026-11-22T08:00:00+06:00;2026-11-22T02:00:00Z;2026-11-22t02:00:00.25z";
        for text in good.split(';') {
            assert!(is_rfc3339(text), "{text}");
        }
        let bad = ";2026-11-22;2026-02-30T08:00:00Z;2026-11-22T24:00:00Z;2026-11-22T08:00:00;\
                   2026-11-22T08:00Z;2026-11-22T08:00:00.Z;2026-11-22 08:00:00+06:00;\
                   2026-11-22T08:00:00+06:00[Asia/Dhaka];2026-11-22T08:00:00+06;22/11/2026 08:00";
        for text in bad.split(';') {
            assert!(!is_rfc3339(text), "{text}");
        }
    }

    #[test]
    fn a_message_shows_a_field_short_and_on_one_line() {
        assert_eq!(shown("চাল"), "`চাল`");
        assert_eq!(shown("a\nb\u{202e}"), r"`a\nb\u{202e}`");
        assert_eq!(shown(&"x".repeat(99)), format!("`{}...`", "x".repeat(40)));
    }
}
