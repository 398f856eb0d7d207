//! The time of a request, in ISO 8601's basic format: `20150830T123600Z`.

use std::fmt;

use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// A moment in whole seconds, with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BasicDate {
    second: i64,
    text: String,
}

impl BasicDate {
    /// The whole second that `time` falls in.
    pub(crate) fn new(time: Timestamp) -> Self {
        let civil = Offset::UTC.to_datetime(time);
        let text = civil.strftime("%Y%m%dT%H%M%SZ").to_string();
        Self { second: time.as_second(), text }
    }

    /// `YYYYMMDD'T'HHMMSS'Z'`, and nothing else.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let &[y1, y2, y3, y4, m1, m2, d1, d2, b'T', h1, h2, i1, i2, s1, s2, b'Z'] = text else {
            return None;
        };
        let year = i16::from(two_digits(y1, y2)?) * 100 + i16::from(two_digits(y3, y4)?);
        let [month, day, hour, minute, second] = [(m1, m2), (d1, d2), (h1, h2), (i1, i2), (s1, s2)]
            .map(|(tens, ones)| two_digits(tens, ones));
        let civil = DateTime::new(year, month?, day?, hour?, minute?, second?, 0).ok()?;
        let time = Offset::UTC.to_timestamp(civil).ok()?;
        Some(Self { second: time.as_second(), text: str::from_utf8(text).ok()?.to_owned() })
    }

    /// What a `Date` header may hold: the basic format, or HTTP's own (RFC 9110 §5.6.7).
    pub(crate) fn parse_http(text: &[u8]) -> Option<Self> {
        let http = || jiff::fmt::rfc2822::parse(str::from_utf8(text).ok()?).ok();
        Self::parse(text).or_else(|| Some(Self::new(http()?.timestamp())))
    }

    /// Seconds since the epoch.
    pub(crate) fn second(&self) -> i64 {
        self.second
    }

    /// This moment, moved by `seconds`; unmoved where the calendar ends.
    pub(crate) fn plus(&self, seconds: i64) -> Self {
        let moved = self.second.checked_add(seconds).map(Timestamp::from_second);
        moved.and_then(Result::ok).map_or_else(|| self.clone(), Self::new)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// `YYYYMMDD`: the part that a credential scope repeats.
    pub(crate) fn day(&self) -> &str {
        self.text.split_once('T').map_or("", |(day, _)| day)
    }
}

impl fmt::Display for BasicDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<i8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| (byte - b'0').cast_signed());
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_moment_are_each_other() {
        let date = BasicDate::parse(b"20150830T123600Z").unwrap();
        assert_eq!(date.second(), 1_440_938_160);
        assert_eq!(BasicDate::new(Timestamp::from_second(1_440_938_160).unwrap()), date);
        assert_eq!(date.day(), "20150830");
        assert_eq!(date.plus(-300).as_str(), "20150830T123100Z");
    }

    #[test]
    fn http_dates_are_read_only_where_allowed() {
        let http = b"Sun, 30 Aug 2015 12:36:00 GMT";
        assert_eq!(BasicDate::parse_http(http), BasicDate::parse(b"20150830T123600Z"));
        assert_eq!(BasicDate::parse(http), None);
    }

    #[test]
    fn no_other_text_is_a_date() {
        let wrong: [&[u8]; 9] = [
            b"",
            b"20150830",
            b"20150830T123600",
            b"2015-08-30T12:36:00Z",
            b"20151330T123600Z",
            b"20150230T123600Z",
            b"20150830t123600z",
            b"2015083\xffT123600Z",
            b"20150830T123600Z ",
        ];
        for text in wrong {
            assert_eq!(BasicDate::parse(text), None, "{}", text.escape_ascii());
        }
    }
}
