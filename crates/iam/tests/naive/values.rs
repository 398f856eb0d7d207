//! Patterns, variables and the types that operators compare: iam.md §3.1, §5.6, §6.

use std::cmp::Ordering;
use std::net::IpAddr;

use serde_json::Value;

use super::Keys;

/// A character of a pattern; `true`: it may be a wildcard.
type PatternCharacter = (char, bool);

/// A text in which `*` and `?` are wildcards.
pub(super) fn pattern(text: &str) -> Vec<PatternCharacter> {
    text.chars().map(|c| (c, true)).collect()
}

/// §3.1, by the definition: which beginnings of `text` the pattern so far covers.
pub(super) fn glob(pattern: &[PatternCharacter], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut covered = vec![false; text.len() + 1];
    covered[0] = true;
    for part in pattern {
        let before = covered.clone();
        for end in 0..covered.len() {
            covered[end] = match part {
                ('*', true) => before[..=end].contains(&true),
                ('?', true) => end > 0 && before[end - 1],
                (c, _) => end > 0 && before[end - 1] && text[end - 1] == *c,
            };
        }
    }
    covered[text.len()]
}

/// Splits at the first five colons that are not within `${…}`.
pub(super) fn fields(text: &str, variables: bool) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let piece = match variable(rest).filter(|_| variables) {
            Some((whole, _)) => whole,
            None => &rest[..rest.chars().next().unwrap().len_utf8()],
        };
        if piece == ":" && fields.len() < 6 {
            fields.push(String::new());
        } else {
            fields.last_mut().unwrap().push_str(piece);
        }
        rest = &rest[piece.len()..];
    }
    fields
}

/// §3.3 rule 3 and §5.6: field by field; a variable works in the sixth only.
pub(super) fn arn_covers(fields: &[String], arn: &str, keys: &Keys, variables: bool) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let head = (0..5).all(|index| {
        !(variables && fields[index].contains("${")) && glob(&pattern(&fields[index]), parts[index])
    });
    head && expand(&fields[5], keys, variables).is_some_and(|tail| glob(&tail, parts[5]))
}

/// What a variable is.
enum Variable<'a> {
    Escape(char),
    Key { name: &'a str, default: Option<&'a str> },
}

/// The variable that `text` begins with, and its whole text.
fn variable(text: &str) -> Option<(&str, Variable<'_>)> {
    let body = text.strip_prefix("${")?;
    let escape = body.chars().next()?;
    if matches!(escape, '*' | '?' | '$') && body[1..].starts_with('}') {
        return Some((&text[..4], Variable::Escape(escape)));
    }
    let end = body.find(['}', ','])?;
    if body[end..].starts_with('}') {
        let variable = Variable::Key { name: &body[..end], default: None };
        return Some((&text[..2 + end + 1], variable));
    }
    let default = body[end..].strip_prefix(", '")?;
    let length = default.find("'}")?;
    let variable = Variable::Key { name: &body[..end], default: Some(&default[..length]) };
    Some((&text[..2 + end + 3 + length + 2], variable))
}

/// §6: replaces variables; `None` for want of a value. Substituted characters are no wildcards.
pub(super) fn expand(text: &str, keys: &Keys, variables: bool) -> Option<Vec<PatternCharacter>> {
    let mut expanded = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let Some((whole, found)) = variable(rest).filter(|_| variables) else {
            expanded.push((c, true));
            rest = &rest[c.len_utf8()..];
            continue;
        };
        match found {
            Variable::Escape(c) => expanded.push((c, false)),
            Variable::Key { name, default } => {
                let value = match keys.get(&name.to_lowercase()) {
                    Some(Value::String(value)) => Some(value.as_str()),
                    _ => default,
                };
                expanded.extend(value?.chars().map(|c| (c, false)));
            }
        }
        rest = &rest[whole.len()..];
    }
    Some(expanded)
}

/// An empty list is missing, an empty text is not.
pub(super) fn is_missing(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// Whether one policy value matches one value of the call; `None` is a type error. `base` is in
/// lower case, without its negation.
pub(super) fn compare(
    base: &str,
    policy: &str,
    x: &str,
    keys: &Keys,
    variables: bool,
) -> Option<bool> {
    if let Some(comparison) = base.strip_prefix("numeric") {
        return Some(ordered(comparison, number(x)?.partial_cmp(&number(policy)?)?));
    }
    if let Some(comparison) = base.strip_prefix("date") {
        return Some(ordered(comparison, date(x)?.cmp(&date(policy)?)));
    }
    let expanded = expand(policy, keys, variables);
    let plain = expanded.as_ref().map(|text| text.iter().map(|(c, _)| *c).collect::<String>());
    match base {
        "stringequals" => Some(plain.is_some_and(|text| text == x)),
        "stringequalsignorecase" => {
            let fold = |text: &str| text.to_lowercase().replace('ς', "σ");
            Some(plain.is_some_and(|text| fold(&text) == fold(x)))
        }
        "stringlike" => Some(expanded.is_some_and(|pattern| glob(&pattern, x))),
        "bool" => {
            let x = boolean(x)?;
            plain.map_or(Some(false), |text| boolean(&text).map(|text| text == x))
        }
        "binaryequals" => Some(bytes(policy)? == bytes(x)?),
        "ipaddress" => in_range(policy, x.parse::<IpAddr>().ok()?.to_canonical()),
        "arnequals" | "arnlike" => {
            let fields = fields(policy, variables);
            let is_arn = |text: &str| text.starts_with("arn:") && text.matches(':').count() >= 5;
            let both = fields.len() == 6 && fields[0] == "arn" && is_arn(x);
            both.then(|| arn_covers(&fields, x, keys, variables))
        }
        other => panic!("{other}"),
    }
}

fn ordered(comparison: &str, ordering: Ordering) -> bool {
    match comparison {
        "equals" => ordering.is_eq(),
        "lessthan" => ordering.is_lt(),
        "lessthanequals" => ordering.is_le(),
        "greaterthan" => ordering.is_gt(),
        "greaterthanequals" => ordering.is_ge(),
        other => panic!("{other}"),
    }
}

/// `^[+-]?(\d+(\.\d*)?|\.\d+)$` after trimming.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let legal = digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.chars().any(|c| c.is_ascii_digit())
        && digits.matches('.').count() <= 1;
    legal.then(|| text.parse().ok()).flatten()
}

/// Nanoseconds since 1970, by completing the text and leaving the calendar to a library.
fn date(text: &str) -> Option<i128> {
    if !text.is_ascii() {
        return None;
    }
    let digits = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if digits && text.len() != 4 {
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let fraction = (!fraction.is_empty() && !fraction.contains('.')).then_some(fraction)?;
        let nanoseconds = format!("{fraction:0<9}");
        return Some(
            i128::from(seconds.parse::<i64>().ok()?) * 1_000_000_000
                + nanoseconds[..9].parse::<i128>().ok()?,
        );
    }
    let (day, time) = text.split_once('T').map_or((text, None), |(d, t)| (d, Some(t)));
    let day = match day.len() {
        4 if time.is_none() => format!("{day}-01-01"),
        7 if time.is_none() => format!("{day}-01"),
        10 => day.to_owned(),
        _ => return None,
    };
    let time = time.unwrap_or("00:00Z");
    let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone);
    let zone_is_legal = matches!(zone, "" | "Z") || (zone.len() == 6 && &zone[3..4] == ":");
    let clock = if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() };
    let legal = zone_is_legal && clock.len() >= 8 && &clock[6..8] <= "59";
    let zone = if zone.is_empty() { "Z" } else { zone };
    let timestamp: jiff::Timestamp = format!("{day}T{clock}{zone}").parse().ok()?;
    legal.then(|| timestamp.as_nanosecond())
}

fn boolean(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

/// RFC 4648 §4, character by character.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (symbols, padding) =
        (text.trim_end_matches('='), text.len() - text.trim_end_matches('=').len());
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bits = String::new();
    for c in symbols.chars() {
        bits.push_str(&format!("{:06b}", alphabet.find(c)?));
    }
    let unused = [0, 2, 4][padding];
    let (bits, rest) = bits.split_at(bits.len() - unused);
    let byte = |at: usize| u8::from_str_radix(&bits[at..at + 8], 2).unwrap();
    (!rest.contains('1')).then(|| (0..bits.len()).step_by(8).map(byte).collect())
}

/// Both as bits, the first of which have to be the same.
fn in_range(range: &str, x: IpAddr) -> Option<bool> {
    let (base, length) = range.split_once('/').map_or((range, None), |(b, l)| (b, Some(l)));
    let base: IpAddr = base.parse().ok()?;
    let bits = |address| match address {
        IpAddr::V4(address) => format!("{:032b}", address.to_bits()),
        IpAddr::V6(address) => format!("{:0128b}", address.to_bits()),
    };
    let (base, x) = (bits(base), bits(x));
    let length: usize = length.map_or(Some(base.len()), |length| length.parse().ok())?;
    let prefix = base.get(..length)?;
    Some(base.len() == x.len() && prefix == &x[..length])
}
