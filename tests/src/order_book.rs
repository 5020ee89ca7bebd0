//! Writing an order file of one morning: the one the demo ships, and larger ones to measure with.
//!
//! The goods, the places and the names are those under `data/`; who orders what is drawn from a
//! seed, so that a file is known by two numbers and every machine writes the same bytes. The
//! phones are drawn too: none was taken from a person.

use std::io;

/// The seed of the shipped file.
pub const SHIPPED_SEED: u64 = 1;
/// How many orders the shipped file holds.
pub const SHIPPED_ORDERS: usize = 1100;

const CATALOGUE: &str = include_str!("../data/catalogue.csv");
const DISTRICTS: &str = include_str!("../data/geography/districts.csv");
const UPAZILAS: &str = include_str!("../data/geography/upazilas.csv");
const NAMES: &str = include_str!("../data/names/names-bn.json");

/// Where the customers live, and how many parts of the orders each district gets: riders set out
/// from Dhaka, so what a morning brings lies around it.
const SERVED: [(&str, u64); 6] =
    [("Dhaka", 50), ("Gazipur", 16), ("Narayanganj", 16), ("Munshiganj", 7), ("Narsingdi", 6), ("Manikganj", 5)];

/// The morning begins at 08:00 and takes orders for four hours.
const OPENS: usize = 8 * 3600;
const OPEN_FOR: usize = 4 * 3600;

/// Of a thousand orders, how many are fetched at a pickup point.
const PICKUP_PER_MILLE: u64 = 200;
/// Of a thousand orders, how many are paid ahead.
const PREPAID_PER_MILLE: u64 = 160;

/// Writes an order file of `orders` orders to `out`. The same seed and count give the same bytes.
///
/// # Errors
/// When `out` fails, or when the data this program carries is damaged.
pub fn write(seed: u64, orders: usize, out: &mut impl io::Write) -> io::Result<()> {
    let world = World::load()?;
    let mut draw = Draw(seed);
    let mut file = csv::Writer::from_writer(out);
    file.write_record(crate::order_file::COLUMNS)?;
    for number in 0..orders {
        world.order(&mut draw, number, orders, &mut file)?;
    }
    file.flush()
}

/// One good of the catalogue.
/// English name, Bangla name and unit of every good of the shipped catalogue, by its SKU.
#[must_use]
pub fn catalogue_names() -> std::collections::BTreeMap<String, (String, String, String)> {
    let mut reader = csv::Reader::from_reader(CATALOGUE.as_bytes());
    let named = |row: csv::StringRecord| {
        let text = |column: usize| row.get(column).map(str::to_owned);
        Some((text(1)?, (text(2)?, text(3)?, text(4)?)))
    };
    reader.records().filter_map(Result::ok).filter_map(named).collect()
}

struct Good {
    sku: String,
    price: String,
}

/// A district with the names of its upazilas.
struct District {
    name: &'static str,
    weight: u64,
    upazilas: Vec<String>,
}

/// What orders are drawn from.
struct World {
    /// The vendors in catalogue order, each with its goods.
    vendors: Vec<(String, Vec<Good>)>,
    districts: Vec<District>,
    male: Vec<String>,
    female: Vec<String>,
    last: Vec<String>,
    areas: Vec<String>,
    streets: Vec<String>,
}

impl World {
    fn load() -> io::Result<Self> {
        let names: serde_json::Value = serde_json::from_str(NAMES)?;
        let words = |key: &str| -> io::Result<Vec<String>> {
            let list = names[key].as_array().into_iter().flatten();
            let list: Vec<_> = list.filter_map(|word| word.as_str().map(str::to_owned)).collect();
            filled(list, key)
        };
        Ok(Self {
            vendors: vendors()?,
            districts: districts()?,
            male: words("male")?,
            female: words("female")?,
            last: words("last")?,
            areas: words("areas")?,
            streets: words("street_suffixes")?,
        })
    }

    /// Draws order `number` of `total` and writes its rows.
    fn order(
        &self,
        draw: &mut Draw,
        number: usize,
        total: usize,
        file: &mut csv::Writer<impl io::Write>,
    ) -> io::Result<()> {
        let order_ref = format!("GI-{:05}", number + 1);
        let placed_at = placed_at(draw, number, total);
        let first = if draw.chance(500) { &self.male } else { &self.female };
        let name = format!("{} {}", draw.one(first), draw.one(&self.last));
        let phone = phone(draw);
        let district = self.district(draw);
        let upazila = draw.one(&district.upazilas);
        let address = self.address(draw);
        let delivery = if draw.chance(PICKUP_PER_MILLE) { "pickup" } else { "door" };
        let prepaid = draw.chance(PREPAID_PER_MILLE);
        let payment = if prepaid { draw.one(&["bkash", "bkash", "nagad", "rocket", "card"]) } else { "cod" };
        for (vendor, good) in self.basket(draw) {
            let qty = draw.one(&["1", "1", "1", "1", "2", "2", "2", "3", "4", "৫"]);
            file.write_record([
                &order_ref,
                &placed_at,
                &name,
                &phone,
                district.name,
                upazila,
                &address,
                payment,
                delivery,
                vendor,
                &good.sku,
                qty,
                &price(draw, &good.price),
            ])?;
        }
        Ok(())
    }

    fn district(&self, draw: &mut Draw) -> &District {
        let mut left = draw.below(self.districts.iter().map(|district| district.weight).sum());
        // The weights add up to more than `left`, so the search ends before the last is passed.
        let mut chosen = &self.districts[0];
        for district in &self.districts {
            chosen = district;
            if left < district.weight {
                break;
            }
            left -= district.weight;
        }
        chosen
    }

    /// House, road and area, as people write them here.
    fn address(&self, draw: &mut Draw) -> String {
        let house = bangla(&(1 + draw.below(180)).to_string());
        let road = bangla(&(1 + draw.below(28)).to_string());
        let area = format!("{} {}", draw.one(&self.areas), draw.one(&self.streets));
        match draw.below(4) {
            0 => format!("বাসা {house}, {area}"),
            1 => format!("বাড়ি নং {house}, রোড {road}, {area}"),
            2 => {
                let floor = draw.one(&["নিচতলা", "২য় তলা", "৩য় তলা", "৪র্থ তলা", "৫ম তলা"]);
                format!("{floor}, বাসা {house}, রোড {road}, {area}")
            }
            _ => format!("বাসা {house}, রোড {road}, {area}"),
        }
    }

    /// One to three vendors and one to five goods, no good twice, sorted by vendor as a shop's
    /// export is.
    fn basket(&self, draw: &mut Draw) -> Vec<(&str, &Good)> {
        let wanted = *draw.one(&[1, 1, 1, 1, 1, 2, 2, 2, 3, 3]);
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < wanted.min(self.vendors.len()) {
            let vendor = draw.index(self.vendors.len());
            if !chosen.contains(&vendor) {
                chosen.push(vendor);
            }
        }
        // Every chosen vendor sells one good; the rest fall to any of them.
        let mut picked: Vec<(usize, usize)> = Vec::new();
        let extra = draw.index(6 - chosen.len());
        for turn in 0..chosen.len() + extra {
            let vendor = chosen.get(turn).copied().unwrap_or_else(|| *draw.one(&chosen));
            let pick = (vendor, draw.index(self.vendors[vendor].1.len()));
            // A good drawn twice is left at one row: the basket is that much smaller.
            if !picked.contains(&pick) {
                picked.push(pick);
            }
        }
        picked.sort_unstable();
        picked
            .into_iter()
            .map(|(vendor, good)| {
                let (name, goods) = &self.vendors[vendor];
                (name.as_str(), &goods[good])
            })
            .collect()
    }
}

/// The vendors of the catalogue with their goods.
fn vendors() -> io::Result<Vec<(String, Vec<Good>)>> {
    let mut vendors: Vec<(String, Vec<Good>)> = Vec::new();
    for row in csv::Reader::from_reader(CATALOGUE.as_bytes()).into_deserialize() {
        let (vendor, sku, _, _, _, price): (String, String, String, String, String, String) = row?;
        match vendors.last_mut() {
            Some((last, goods)) if *last == vendor => goods.push(Good { sku, price }),
            _ => vendors.push((vendor, vec![Good { sku, price }])),
        }
    }
    filled(vendors, "catalogue.csv")
}

/// The districts served, each with its upazilas. They are joined by id, since several districts
/// have an upazila of one name.
fn districts() -> io::Result<Vec<District>> {
    let rows =
        |text: &'static str| csv::Reader::from_reader(text.as_bytes()).into_records().collect::<Result<Vec<_>, _>>();
    let (districts, upazilas) = (rows(DISTRICTS)?, rows(UPAZILAS)?);
    let mut served = Vec::new();
    for (name, weight) in SERVED {
        let id = districts.iter().find(|row| &row[2] == name).map(|row| &row[0]);
        let own = upazilas.iter().filter(|row| Some(&row[1]) == id);
        let own = own.map(|row| row[2].to_owned()).collect();
        served.push(District { name, weight, upazilas: filled(own, name)? });
    }
    Ok(served)
}

/// The list, or an error when there is nothing in it to draw.
fn filled<T>(list: Vec<T>, what: &str) -> io::Result<Vec<T>> {
    if list.is_empty() {
        let message = format!("the data of the order book holds nothing for {what}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(list)
}

/// A moment in the order's own slot of the morning: later orders are never earlier.
fn placed_at(draw: &mut Draw, number: usize, total: usize) -> String {
    let (start, end) = (OPEN_FOR * number / total, OPEN_FOR * (number + 1) / total);
    let second = OPENS + start + draw.index((end - start).max(1));
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("2026-11-22T{hour:02}:{minute:02}:{:02}+06:00", second % 60)
}

/// A mobile number, in one of the spellings people use.
fn phone(draw: &mut Draw) -> String {
    let operator = 3 + draw.below(7);
    let (first, second) = (draw.below(10_000), draw.below(10_000));
    let number = format!("01{operator}{first:04}{second:04}");
    match draw.below(8) {
        0 => format!("+88{number}"),
        1 => format!("88{number}"),
        2 => format!("01{operator}-{first:04} {second:04}"),
        3 => bangla(&number),
        _ => number,
    }
}

/// The price in one of the spellings a spreadsheet gives it.
fn price(draw: &mut Draw, taka: &str) -> String {
    match draw.below(8) {
        0 => bangla(taka),
        1 => format!("{taka}.00"),
        _ => taka.to_owned(),
    }
}

/// The text with Bangla digits for ASCII ones.
fn bangla(text: &str) -> String {
    let digits = ['০', '১', '২', '৩', '৪', '৫', '৬', '৭', '৮', '৯'];
    text.chars().map(|c| c.to_digit(10).map_or(c, |digit| digits[digit as usize])).collect()
}

/// SplitMix64. It stands here, and not in a crate, because a crate may change what a seed gives,
/// and the shipped file with it.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number under `bound`. The remainder's bias is far under what such small bounds show.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self, len: usize) -> usize {
        // It fits: it is under `len`.
        self.below(len as u64) as usize
    }

    fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of a list that is not empty.
    fn one<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.index(list.len())]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::order_file;

    const SHIPPED: &[u8] = include_bytes!("../data/orders.csv");

    fn written(seed: u64, orders: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(seed, orders, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_shipped_file_is_what_its_seed_gives() {
        // No `assert_eq!`: it would print both files.
        assert!(
            written(SHIPPED_SEED, SHIPPED_ORDERS) == SHIPPED,
            "data/orders.csv is not what write gives: run `day orders > tests/data/orders.csv`"
        );
    }

    #[test]
    fn the_shipped_file_is_a_morning_worth_showing() {
        let read = order_file::parse(SHIPPED).unwrap();
        assert!(read.orders.len() >= 1000, "{} orders", read.orders.len());
        assert_eq!(read.problems, []);
        let of = |wanted: fn(&order_file::FileOrder) -> bool| read.orders.iter().filter(|order| wanted(order)).count();
        assert!(of(|order| order.pickup) >= 150 && of(|order| order.prepaid.is_some()) >= 130);
        let mut sold_by = BTreeSet::new();
        let mut parcels = 0;
        for order in &read.orders {
            let vendors: BTreeSet<_> = order.items.iter().map(|item| &item.vendor).collect();
            assert!((1..=3).contains(&vendors.len()) && (1..=5).contains(&order.items.len()));
            parcels += vendors.len();
            sold_by.extend(vendors);
        }
        assert!(parcels > read.orders.len() * 3 / 2, "{parcels} parcels");
        assert!(sold_by.len() >= 8, "{sold_by:?}");
        assert!(read.orders.is_sorted_by_key(|order| &order.placed_at));
    }

    #[test]
    fn every_item_is_in_the_catalogue_at_its_price() {
        let mut prices = BTreeMap::new();
        for (vendor, goods) in vendors().unwrap() {
            for good in goods {
                let price: i64 = good.price.parse().unwrap();
                let known = prices.insert((vendor.clone(), good.sku), price * 100);
                assert_eq!(known, None, "a SKU stands twice in the catalogue");
            }
        }
        for order in order_file::parse(SHIPPED).unwrap().orders {
            for item in order.items {
                assert_eq!(prices.get(&(item.vendor, item.sku)), Some(&item.unit_price_paisa));
            }
        }
    }

    #[test]
    fn any_size_and_seed_is_readable() {
        assert_ne!(written(1, 20), written(2, 20));
        for (seed, orders) in [(0, 0), (u64::MAX, 1), (7, 20_000)] {
            let read = order_file::parse(&written(seed, orders)).unwrap();
            assert_eq!((read.problems.len(), read.orders.len()), (0, orders));
        }
    }
}
