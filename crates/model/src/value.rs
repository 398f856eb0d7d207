//! The wire scalars that JSON has no type for: bytes and moments.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes; base64 with padding on the wire. `Debug` prints their number only: they may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(BlobVisitor)
    }
}

struct BlobVisitor;

impl Visitor<'_> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Blob, E> {
        STANDARD.decode(text).map(Blob).map_err(E::custom)
    }
}

/// A moment in whole seconds; ISO 8601 in UTC on the wire: `2026-11-25T08:00:00Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub jiff::Timestamp);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A moment in milliseconds; seconds since 1970 as a number on the wire: `1764057600.123`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EpochSeconds(pub jiff::Timestamp);

impl Serialize for EpochSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "exact until the year 287396")]
        let milliseconds = self.0.as_millisecond() as f64;
        serializer.serialize_f64(milliseconds / 1000.0)
    }
}

impl<'de> Deserialize<'de> for EpochSeconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MomentVisitor).map(Self)
    }
}

/// Seconds as a number, or ISO 8601, which JSON bodies may have too.
struct MomentVisitor;

impl Visitor<'_> for MomentVisitor {
    type Value = jiff::Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since 1970")
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Self::Value, E> {
        jiff::Timestamp::from_second(seconds).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Self::Value, E> {
        self.visit_i64(i64::try_from(seconds).map_err(E::custom)?)
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Self::Value, E> {
        let since = jiff::SignedDuration::try_from_secs_f64(seconds).map_err(E::custom)?;
        jiff::Timestamp::from_duration(since).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{EpochSeconds, Timestamp};

    #[test]
    fn a_moment_is_read_from_each_of_its_forms() {
        let read = |text: &str| serde_json::from_str::<EpochSeconds>(text).ok();
        let moment = "2026-11-25T08:00:00Z".parse().map(EpochSeconds).ok();
        for text in ["1795593600", "1795593600.0", "1.7955936e9", r#""2026-11-25T08:00:00Z""#] {
            assert_eq!(read(text), moment, "{text}");
        }
        for text in ["18446744073709551615", "1e300", "-1e18", r#""soon""#, "null", "true"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_has_the_form_of_its_protocol() {
        let moment: jiff::Timestamp = "2026-11-25T08:00:00.1239Z".parse().unwrap();
        let text = |value: serde_json::Result<String>| value.unwrap();
        assert_eq!(text(serde_json::to_string(&EpochSeconds(moment))), "1795593600.123");
        assert_eq!(text(serde_json::to_string(&Timestamp(moment))), r#""2026-11-25T08:00:00Z""#);
    }
}
