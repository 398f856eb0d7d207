//! When something that signs was last used: an access key, or a role by its sessions.

use jiff::Timestamp;

/// When, and for what, a request that was believed was last signed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When; whole minutes.
    pub at: Timestamp,
    /// The service that the signature was made for.
    pub service: Box<str>,
    /// The region that the signature was made for.
    pub region: Box<str>,
}

impl LastUse {
    /// A use at `now`, to the minute.
    #[must_use]
    pub fn new(now: Timestamp, service: &str, region: &str) -> Self {
        Self { at: minute(now), service: service.into(), region: region.into() }
    }

    /// Whether a use at `now` for `service` and `region` is this one, to the minute.
    #[must_use]
    pub fn is_same(&self, now: Timestamp, service: &str, region: &str) -> bool {
        self.at == minute(now) && *self.service == *service && *self.region == *region
    }
}

fn minute(moment: Timestamp) -> Timestamp {
    let second = moment.as_second();
    Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::now;

    #[test]
    fn a_use_is_known_to_the_minute() {
        let used = LastUse::new(now(), "lambda", "us-east-1");
        assert_eq!(used.at.to_string(), "2026-01-02T03:04:00Z");
        let later = |text: &str| used.is_same(text.parse().unwrap(), "lambda", "us-east-1");
        assert_eq!([later("2026-01-02T03:04:59Z"), later("2026-01-02T03:05:00Z")], [true, false]);
        assert!(!used.is_same(now(), "iam", "us-east-1"));
    }
}
