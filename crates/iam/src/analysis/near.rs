//! Values on both sides of the line that a condition's value draws: those that just match, and
//! those that just do not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::value::{Decimal, Moment, Network};

/// The same text in other case, as far as it differs.
pub(crate) fn cases(text: &str) -> impl Iterator<Item = String> {
    let other = [text.to_uppercase(), text.to_lowercase()];
    let text = text.to_owned();
    other.into_iter().filter(move |one| *one != text)
}

/// Texts that differ from this one by little: one character less, `word` more, the case.
pub(crate) fn texts(text: &str, word: &str) -> Vec<String> {
    let mut shorter = text.to_owned();
    let less = shorter.pop().is_some().then_some(shorter);
    let more = [format!("{text}{word}"), format!("{word}{text}")];
    cases(text).chain(less).chain(more).collect()
}

/// Addresses of a range, written `address[/prefix]`: the first and the last, those of the other
/// half of the next wider range, and the ones just outside.
pub(crate) fn addresses(range: &str) -> Vec<String> {
    let Some(network) = Network::parse(range) else { return vec![range.to_owned()] };
    let (address, prefix) = network.parts();
    let (bits, length): (u128, u32) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let all = u128::MAX >> (128 - length);
    let ones = |count: u32| u128::MAX.checked_shr(128 - count).unwrap_or(0);
    let host = ones(length.saturating_sub(prefix));
    let (first, last) = (bits & !host, bits | host);
    let half = if prefix == 0 { 0 } else { host + 1 };
    let (before, after) = (first.checked_sub(1), last.checked_add(1).filter(|one| *one <= all));
    let inside = [Some(first), Some(last)];
    let outside = [Some(first ^ half), Some(last ^ half), before, after];
    let write = |bits: u128| match u32::try_from(bits) {
        Ok(bits) if length == 32 => Ipv4Addr::from_bits(bits).to_string(),
        _ => Ipv6Addr::from_bits(bits).to_string(),
    };
    inside.into_iter().chain(outside).flatten().map(write).collect()
}

/// Numbers at and around one: itself, the next integers, and those that are less than one away.
pub(crate) fn numbers(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    let Some(number) = Decimal::parse(text) else { return all };
    let digits = number.fraction.len().min(9);
    let scale = 10_i128.pow(u32::try_from(digits).unwrap_or(0) + 1);
    let part = number.fraction.get(..digits).unwrap_or_default();
    let written = format!("{}{part}0", number.integer);
    let Ok(magnitude) = written.parse::<i128>() else { return all };
    let value = if number.negative { -magnitude } else { magnitude };
    for step in [scale, -scale, 5, -5] {
        let Some(near) = value.checked_add(step) else { continue };
        let (sign, size) = (if near < 0 { "-" } else { "" }, near.unsigned_abs());
        let scale = scale.unsigned_abs();
        let fraction = format!("{:0width$}", size % scale, width = digits + 1);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        all.push(format!("{sign}{}{point}{fraction}", size / scale));
    }
    all
}

/// Moments at and around one, to the second.
pub(crate) fn moments(text: &str) -> Vec<String> {
    let seconds = Moment::parse(text).map(|moment| moment.seconds());
    let near = seconds.into_iter().flat_map(|at| [at.checked_add(1), at.checked_sub(1)]).flatten();
    // Four digits would be a year.
    let near = near.filter(|at| *at > 9_999).map(|at| at.to_string());
    std::iter::once(text.to_owned()).chain(near).collect()
}

#[cfg(test)]
mod tests {
    use super::{addresses, moments, numbers};

    #[test]
    #[rustfmt::skip]
    fn values_lie_on_both_sides_of_the_line() {
        for (got, want) in [
            (addresses("1.2.3.0/24"), vec!["1.2.3.0", "1.2.3.255", "1.2.2.0", "1.2.2.255", "1.2.2.255", "1.2.4.0"]),
            (addresses("0.0.0.0/0"),  vec!["0.0.0.0", "255.255.255.255", "0.0.0.0", "255.255.255.255"]),
            (addresses("1.2.3.4"),    vec!["1.2.3.4", "1.2.3.4", "1.2.3.5", "1.2.3.5", "1.2.3.3", "1.2.3.5"]),
            (addresses("::/0"),       vec!["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
            (addresses("2001:db8::/127"), vec!["2001:db8::", "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::2"]),
            (addresses("no"),         vec!["no"]),
            (numbers("10"),           vec!["10", "11", "9", "10.5", "9.5"]),
            (numbers("-9.5"),         vec!["-9.5", "-8.5", "-10.5", "-9.45", "-9.55"]),
            (numbers("0"),            vec!["0", "1", "-1", "0.5", "-0.5"]),
            (numbers("x"),            vec!["x"]),
            (moments("2024-01-01T00:00:00Z"), vec!["2024-01-01T00:00:00Z", "1704067201", "1704067199"]),
        ] {
            assert_eq!(got, want);
        }
    }
}
