//! Pickup points: where they are, and which are near.

use protocol::id::Subject;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::problem::Error;
use crate::schema::Id;

/// Most points in one answer.
pub const MAX_POINTS: u16 = 100;
const DEFAULT_POINTS: u16 = 20;

/// Where to look, from the query of `GET /api/v1/points`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Near {
    /// A district by name, or `lat,lon` in degrees; two decimals are enough, more are dropped.
    pub near: String,
    /// How many, at most 100.
    #[serde(default)]
    pub limit: Option<u16>,
    /// How many to leave out: those of earlier pages.
    #[serde(default)]
    pub skip: Option<u32>,
}

/// A pickup point.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Point {
    /// Its id, for `deliver_to`.
    #[schema(value_type = Id)]
    pub point: Subject,
    /// Its name.
    pub name: String,
    /// Its district.
    pub district: Option<String>,
    /// When it is open, as it says itself.
    pub opening: String,
    /// Millionths of a degree north.
    pub lat_microdeg: i32,
    /// Millionths of a degree east.
    pub lon_microdeg: i32,
    /// How far, about; none when a district was asked for.
    pub distance_m: Option<i64>,
}

/// Points, nearest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Points {
    /// The page.
    pub points: Vec<Point>,
    /// What to skip for the next page; none on the last one.
    pub next_skip: Option<u32>,
}

type Row = ([u8; 17], String, Option<String>, String, i32, i32, Option<i64>);

/// Points near a place.
///
/// # Errors
/// `bad_place`, `bad_limit`.
pub async fn near(pool: &PgPool, asked: &Near) -> Result<Points, Error> {
    let limit = asked.limit.unwrap_or(DEFAULT_POINTS);
    if limit == 0 || limit > MAX_POINTS {
        return Err(Error::refuse(422, "bad_limit", "The limit is not from 1 to 100.", "Ask for fewer points."));
    }
    let skip = asked.skip.unwrap_or_default();
    let place = place_of(&asked.near)?;
    let (lat, lon, district) = match &place {
        Place::At(lat, lon) => (Some(*lat), Some(*lon), None),
        Place::District(name) => (None, None, Some(name.as_str())),
    };
    // In one country a degree of latitude is 111 km everywhere, one of longitude 111 km times the cosine.
    let rows: Vec<Row> = sqlx::query_as(
        "select subject, name, district, opening, lat_udeg, lon_udeg,
            round(0.111195 * sqrt(pow((lat_udeg - $1::float8), 2)
                + pow((lon_udeg - $2::float8) * cos(radians($1::float8 / 1e6)), 2)))::bigint as distance
         from site where kind = 'point' and ($3::text is null or district = $3)
         order by distance nulls last, name limit $4 offset $5",
    )
    .bind(lat)
    .bind(lon)
    .bind(district)
    .bind(i64::from(limit) + 1)
    .bind(i64::from(skip))
    .fetch_all(pool)
    .await?;
    let more = rows.len() > usize::from(limit);
    let read = |(point, name, district, opening, lat_microdeg, lon_microdeg, distance_m): Row| Point {
        point: Subject(point),
        name,
        district,
        opening,
        lat_microdeg,
        lon_microdeg,
        distance_m,
    };
    let points = rows.into_iter().take(usize::from(limit)).map(read).collect();
    Ok(Points { points, next_skip: more.then(|| skip.saturating_add(u32::from(limit))) })
}

enum Place {
    /// Millionths of a degree, coarse.
    At(i32, i32),
    District(String),
}

/// A place that cannot be looked at.
pub(crate) fn bad_place() -> Error {
    let next = "Send near=Dhaka, or near=23.78,90.41.";
    Error::refuse(422, "bad_place", "The place is neither a district nor a position.", next)
}

/// Where a caller stands is nobody's business: two decimals of a degree, a kilometre, are kept.
fn place_of(text: &str) -> Result<Place, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(bad_place());
    }
    match text.split_once(',') {
        None => Ok(Place::District(text.to_lowercase())),
        Some((lat, lon)) => {
            let lat = degrees(lat, 90).ok_or_else(bad_place)?;
            let lon = degrees(lon, 180).ok_or_else(bad_place)?;
            Ok(Place::At(lat, lon))
        }
    }
}

/// Degrees with a point, in millionths, cut to two decimals.
fn degrees(text: &str, most: i32) -> Option<i32> {
    let text = text.trim();
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return None;
    }
    let hundredths: i32 = format!("{part:0<2}").get(..2)?.parse().ok()?;
    let whole: i32 = whole.parse().ok().filter(|whole| *whole <= most)?;
    Some(sign * (whole * 1_000_000 + hundredths * 10_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_and_made_coarse() {
        assert_eq!(
            (degrees("23.789", 90), degrees("-90.4", 180), degrees("7", 90)),
            (Some(23_780_000), Some(-90_400_000), Some(7_000_000))
        );
        for junk in ["", "x", "91", "1.2.3", "+5", "1e3", "--4", "4.", "২৩"] {
            assert_eq!(degrees(junk, 90), None, "{junk}");
        }
    }
}
