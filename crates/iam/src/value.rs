//! The typed values that condition operators compare. Source: iam.md §5.6.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::choice;

/// Reads `true` or `false` in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else {
        text.eq_ignore_ascii_case("false").then_some(false)
    }
}

/// A decimal number of any length, compared exactly.
///
/// Invariant: digits only; `integer` has no leading zeros, `fraction` no trailing ones; zero is not
/// negative.
#[derive(Clone, Debug)]
pub(crate) struct Decimal<T> {
    pub(crate) negative: bool,
    pub(crate) integer: T,
    pub(crate) fraction: T,
}

impl<'a> Decimal<&'a str> {
    /// Reads `[+-]digits[.digits]` or `[+-].digits`; blanks around it are ignored.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (integer, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(integer) || !digits(fraction) || (integer.is_empty() && fraction.is_empty()) {
            return None;
        }
        let integer = integer.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = integer.is_empty() && fraction.is_empty();
        Some(Self { negative: text.starts_with('-') && !zero, integer, fraction })
    }

    pub(crate) fn to_owned(&self) -> Decimal<Box<str>> {
        let Self { negative, integer, fraction } = *self;
        Decimal { negative, integer: integer.into(), fraction: fraction.into() }
    }
}

impl<T: AsRef<str>> Decimal<T> {
    pub(crate) fn compare<U: AsRef<str>>(&self, other: &Decimal<U>) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_magnitude(other),
            (true, true) => self.compare_magnitude(other).reverse(),
        }
    }

    fn compare_magnitude<U: AsRef<str>>(&self, other: &Decimal<U>) -> Ordering {
        let (mine, theirs) = (self.integer.as_ref(), other.integer.as_ref());
        let integers = mine.len().cmp(&theirs.len()).then_with(|| mine.cmp(theirs));
        integers.then_with(|| self.fraction.as_ref().cmp(other.fraction.as_ref()))
    }
}

/// A moment: seconds since 1970 and nanoseconds; digits beyond the ninth are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    seconds: i64,
    nanoseconds: u32,
}

impl Moment {
    /// Reads `YYYY[-MM[-DD[Thh:mm[:ss[.f]][Z|±hh:mm]]]]` or epoch seconds with optional fraction.
    /// Four digits are a year. Dates that the calendar does not have are refused.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all_digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if all_digits && text.len() != 4 { Self::epoch(text) } else { Self::calendar(text) }
    }

    /// Whole seconds since 1970.
    pub(crate) fn seconds(self) -> i64 {
        self.seconds
    }

    fn epoch(text: &str) -> Option<Self> {
        let (seconds, nanoseconds) = match text.split_once('.') {
            None => (text, 0),
            Some((seconds, digits)) => (seconds, nanoseconds(digits)?),
        };
        Some(Self { seconds: seconds.parse().ok()?, nanoseconds })
    }

    fn calendar(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once('T') {
            None => (text, None),
            Some((date, time)) => (date, Some(time)),
        };
        let mut fields = date.split('-');
        let year = digits(fields.next()?, 4)?;
        let month = fields.next();
        let day = fields.next();
        if fields.next().is_some() || (time.is_some() && day.is_none()) {
            return None;
        }
        let month = month.map_or(Some(1), |month| digits(month, 2))?;
        let day = day.map_or(Some(1), |day| digits(day, 2))?;
        let midnight = days_since_1970(year, month, day)?.checked_mul(86_400)?;
        let (seconds, nanoseconds) = time.map_or(Some((0, 0)), time_of_day)?;
        Some(Self { seconds: midnight.checked_add(seconds)?, nanoseconds })
    }
}

/// Exactly `length` ASCII digits.
fn digits(text: &str, length: usize) -> Option<u32> {
    let legal = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    legal.then(|| text.parse().ok()).flatten()
}

/// The fraction of a second that `digits` (at least one) write after the point.
fn nanoseconds(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let places = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    Some(places.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
}

/// `hh:mm[:ss[.f]][Z|±hh:mm]` as seconds after midnight UTC, perhaps negative, and nanoseconds.
fn time_of_day(text: &str) -> Option<(i64, u32)> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        None => (text, choice::OFFSET_OF_A_MISSING_ZONE),
        Some(at) => {
            let (clock, zone) = text.split_at_checked(at)?;
            (clock, zone_offset(zone)?)
        }
    };
    let mut fields = clock.splitn(3, ':');
    let hours_minutes = hours_and_minutes(fields.next()?, fields.next()?)?;
    let (second, nanoseconds) = fields.next().map_or(Some((0, 0)), seconds)?;
    Some((hours_minutes + i64::from(second) - offset, nanoseconds))
}

/// `ss[.f]`.
fn seconds(text: &str) -> Option<(u32, u32)> {
    let (second, nanoseconds) = match text.split_once('.') {
        None => (text, 0),
        Some((second, digits)) => (second, nanoseconds(digits)?),
    };
    let second = digits(second, 2)?;
    (second <= choice::SECOND_MAX).then_some((second, nanoseconds))
}

/// Seconds in `hh` hours and `mm` minutes of a day.
fn hours_and_minutes(hours: &str, minutes: &str) -> Option<i64> {
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(i64::from(hours * 3_600 + minutes * 60))
}

/// `Z` or `±hh:mm`, in seconds east of Greenwich.
fn zone_offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
    Some(sign * hours_and_minutes(hours, minutes)?)
}

/// Days from 1 January 1970 in the proleptic Gregorian calendar; `None` if there is no such day.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<i64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last; then months of 153 days in five.
    let year = i64::from(year) - i64::from(month <= 2);
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = i64::from((153 * month + 2) / 5 + day - 1);
    Some(365 * year + leap_days + day_of_year - 719_468)
}

/// A range of addresses: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `address[/prefix]`; without a prefix it is that one address. Host bits are ignored.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(text) => digits(text, text.len().clamp(1, 3))?,
        };
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// An address of the range, and how many of its bits all others share with it.
    pub(crate) fn parts(self) -> (IpAddr, u32) {
        (self.address, self.prefix)
    }

    /// Whether all addresses of `other` are in the range.
    pub(crate) fn covers(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    /// Whether `address` is in the range. The families never contain each other's addresses.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(theirs)) => {
                let differ = mine.to_bits() ^ theirs.to_bits();
                differ.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(mine), IpAddr::V6(theirs)) => {
                let differ = mine.to_bits() ^ theirs.to_bits();
                differ.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

/// Many ranges, searched by their beginnings.
///
/// Invariant: the ranges, first and last address as numbers, are sorted and do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Networks {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for Network { address, prefix } in networks {
            match address {
                IpAddr::V4(address) => {
                    let hosts = u32::MAX.checked_shr(prefix).unwrap_or(0);
                    v4.push((address.to_bits() & !hosts, address.to_bits() | hosts));
                }
                IpAddr::V6(address) => {
                    let hosts = u128::MAX.checked_shr(prefix).unwrap_or(0);
                    v6.push((address.to_bits() & !hosts, address.to_bits() | hosts));
                }
            }
        }
        Self { v4: apart(v4), v6: apart(v6) }
    }
}

impl Networks {
    /// Whether `address` is in one of the ranges.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => is_within(&self.v4, address.to_bits()),
            IpAddr::V6(address) => is_within(&self.v6, address.to_bits()),
        }
    }

    /// Whether the ranges together are all addresses of a family.
    pub(crate) fn has_whole_family(&self) -> bool {
        let v4 = self.v4.iter().try_fold(0, |next: u64, (first, last)| {
            (u64::from(*first) == next).then(|| u64::from(*last) + 1)
        });
        let mut v6 = self.v6.iter();
        let mut covered = v6.next().filter(|(first, _)| *first == 0).map(|(_, last)| *last);
        for (first, last) in v6 {
            covered = covered.filter(|end| end.checked_add(1) == Some(*first)).map(|_| *last);
        }
        v4 == Some(1 << 32) || covered == Some(u128::MAX)
    }
}

/// Sorts ranges, each of which is apart from any other or within it, and drops those within.
fn apart<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Box<[(T, T)]> {
    ranges.sort_unstable_by_key(|(first, last)| (*first, std::cmp::Reverse(*last)));
    ranges.dedup_by(|later, kept| later.1 <= kept.1);
    ranges.into()
}

fn is_within<T: Ord + Copy>(ranges: &[(T, T)], address: T) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| address <= *last)
}

/// Reads a request's address: an address, never a range.
pub(crate) fn caller_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(choice::caller_address)
}

/// Decodes base64 (RFC 4648 §4, padding required, unused bits zero).
///
/// There is one such text for given bytes, so texts that are base64 compare as what they encode.
pub(crate) fn base64(text: &str) -> Option<Box<[u8]>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_numbers(left: &str, right: &str, want: Option<Ordering>) {
        let got = Decimal::parse(left).zip(Decimal::parse(right)).map(|(l, r)| l.compare(&r));
        assert_eq!(got, want, "{left} {right}");
    }

    #[test]
    #[rustfmt::skip]
    fn numbers_compare_as_numbers() {
        use Ordering::{Equal, Greater, Less};
        check_numbers("10",     "10.0",   Some(Equal));
        check_numbers("9",      "10",     Some(Less));
        check_numbers("-9",     "-10",    Some(Greater));
        check_numbers("-0",     "+0.0",   Some(Equal));
        check_numbers(" 007 ",  "7.",     Some(Equal));
        check_numbers(".5",     "0.50",   Some(Equal));
        check_numbers("0.05",   "0.5",    Some(Less));
        check_numbers("-1",     "1",      Some(Less));
        check_numbers("9007199254740993", "9007199254740992", Some(Greater));
        for text in ["", ".", "+", "1e3", "0x10", "1,000", "Infinity", "NaN", "1 2", "--1", "1.2.3", "٣", "true"] {
            check_numbers(text, "1", None);
        }
    }

    #[track_caller]
    fn check_moment(text: &str, want: Option<(i64, u32)>) {
        assert_eq!(Moment::parse(text).map(|m| (m.seconds, m.nanoseconds)), want, "{text}");
    }

    #[test]
    #[rustfmt::skip]
    fn dates_are_moments() {
        check_moment("1970",                      Some((0, 0)));
        check_moment("1970-02",                   Some((31 * 86_400, 0)));
        check_moment("2024-02-29",                Some((1_709_164_800, 0)));
        check_moment("2024-02-29T12:30Z",         Some((1_709_209_800, 0)));
        check_moment("2024-02-29T12:30:05",       Some((1_709_209_805, 0)));
        check_moment("2024-02-29T12:30:05.25Z",   Some((1_709_209_805, 250_000_000)));
        check_moment("2024-02-29T13:30:05+01:00", Some((1_709_209_805, 0)));
        check_moment("1969-12-31T23:59:59Z",      Some((-1, 0)));
        check_moment("0000-01-01",                Some((-62_167_219_200, 0)));
        check_moment("9999-12-31T23:59:59Z",      Some((253_402_300_799, 0)));
        check_moment("1709209805",                Some((1_709_209_805, 0)));
        check_moment("1709209805.1234567891",     Some((1_709_209_805, 123_456_789)));
        check_moment("2024",                      Some((1_704_067_200, 0)));
        check_moment("20240",                     Some((20_240, 0)));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1.2.3",
            "2023-02-29",
            "2024-02-30",
            "2024-13",
            "2024-00",
            "2024-1-1",
            "2024-01-00",
            "2024-01-01T",
            "2024-01-01T24:00Z",
            "2024-01-01T12Z",
            "T12:00Z",
            "2024-01-01T12:60Z",
            "2024-01-01T12:00:60Z",
            "2024-01-01t12:00Z",
            "2024-01T12:00Z",
            "2024-01-01T12:00+0100",
            "2024-01-01T12:00+24:00",
            "2024-01-01T12:00:00.Z",
            "2024-01-01T12:00:00ZZ",
            "2024-01-01 12:00",
            " 2024",
            "99999999999999999999",
            "-1",
            "2024-01-01-01",
            "2100-02-29",
            "+2024",
        ] {
            check_moment(text, None);
        }
    }

    #[track_caller]
    fn check_network(range: &str, address: &str, want: Option<bool>) {
        let got = Network::parse(range).zip(caller_address(address));
        assert_eq!(got.map(|(range, address)| range.contains(address)), want, "{range} {address}");
        let many = |(range, address)| Networks::from_iter([range]).contain(address);
        assert_eq!(got.map(many), want, "{range} {address}");
    }

    #[test]
    #[rustfmt::skip]
    fn ranges_contain_addresses_of_their_family() {
        check_network("203.0.113.0/24",   "203.0.113.77",          Some(true));
        check_network("203.0.113.77/24",  "203.0.113.1",           Some(true));
        check_network("203.0.113.0/24",   "203.0.114.1",           Some(false));
        check_network("203.0.113.7",      "203.0.113.7",           Some(true));
        check_network("203.0.113.7",      "203.0.113.6",           Some(false));
        check_network("0.0.0.0/0",        "255.255.255.255",       Some(true));
        check_network("0.0.0.0/0",        "::1",                   Some(false));
        check_network("::/0",             "2001:db8::1",           Some(true));
        check_network("::/0",             "1.2.3.4",               Some(false));
        check_network("2001:db8::/32",    "2001:0DB8:0:0::1",      Some(true));
        check_network("2001:db8::1",      "2001:db8:0:0:0:0:0:1",  Some(true));
        check_network("1.2.3.0/24",       "::ffff:1.2.3.4",        Some(true));
        for range in ["", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "::/129", "1.2.3.4/+8", "01.2.3.4", "1.2.3.4/8/8", "::1%eth0", "*"] {
            check_network(range, "1.2.3.4", None);
        }
        check_network("1.2.3.4", "1.2.3.4/32", None);
    }

    #[test]
    #[rustfmt::skip]
    fn a_text_encodes_bytes_or_is_not_base64() {
        for text in ["", "QUJD", "QUI=", "QQ==", "+/+/"] { assert!(base64(text).is_some(), "{text}"); }
        for text in ["Q", "QUJ", "QUI", "QUJ=", "QR==", "QQ= =", "QUJD ", "-_-_", "=", "QQ==QQ=="] { assert!(base64(text).is_none(), "{text}"); }
    }

    fn network() -> impl Strategy<Value = Network> {
        let v4 = (0_u32..40, 26_u32..=32);
        let v6 = (0_u128..40, 122_u32..=128);
        let whole = prop_oneof![Just("0.0.0.0/0"), Just("::/0"), Just("255.255.255.255")];
        prop_oneof![
            8 => v4.prop_map(|(bits, prefix)| Network { address: IpAddr::V4(bits.into()), prefix }),
            8 => v6.prop_map(|(bits, prefix)| Network { address: IpAddr::V6(bits.into()), prefix }),
            1 => whole.prop_map(|text| Network::parse(text).unwrap()),
        ]
    }

    proptest! {
        #[test]
        fn many_networks_contain_what_some_network_does(all in prop::collection::vec(network(), 0..20), bits in 0_u32..44, last: bool) {
            let bits = if last { !bits } else { bits };
            let networks: Networks = all.iter().copied().collect();
            for address in [IpAddr::V4(bits.into()), IpAddr::V6(u128::from(bits).into())] {
                let want = all.iter().any(|network| network.contains(address));
                prop_assert_eq!(networks.contain(address), want, "{} in {:?}", address, all);
            }
        }

        #[test]
        fn decimals_order_as_integers_do(left in any::<i32>(), right in any::<i32>()) {
            let (l, r) = (left.to_string(), right.to_string());
            check_numbers(&l, &r, Some(left.cmp(&right)));
        }

        #[test]
        fn each_day_follows_the_one_before(year in 0_u32..9_999, month in 1_u32..=12) {
            let first = days_since_1970(year, month, 1);
            let last = (28..=31).rev().find_map(|day| days_since_1970(year, month, day));
            let (after_year, after_month) =
                if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            prop_assert!(first < last);
            prop_assert_eq!(last.map(|day| day + 1), days_since_1970(after_year, after_month, 1));
        }
    }
}
