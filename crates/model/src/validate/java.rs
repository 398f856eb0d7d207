//! Values as Java's `toString` prints them, which is how messages show them.

use serde_json::Value;

use crate::shape::{Kind, Shape};

/// Characters of one printed value; a longer one is cut, so that a message stays bounded.
const PRINTED_MAX: usize = 65_536;

/// `[a, b]`, `{k=2.0}`, `text`.
pub(super) fn print(shape: &Shape, value: &Value) -> String {
    let mut text = whole(shape, value);
    if let Some((cut, _)) = text.char_indices().nth(PRINTED_MAX) {
        text.truncate(cut);
        text.push_str("...");
    }
    text
}

fn whole(shape: &Shape, value: &Value) -> String {
    if shape.sensitive {
        return "***Sensitive Data Redacted***".to_owned();
    }
    match (&shape.kind, value) {
        (_, Value::String(text)) => text.clone(),
        (Kind::Double(_), Value::Number(number)) => double(number.as_f64().unwrap_or_default()),
        (Kind::List { element, .. }, Value::Array(values)) => {
            let parts: Vec<String> = values.iter().map(|value| whole(element, value)).collect();
            format!("[{}]", parts.join(", "))
        }
        (Kind::Map { value: inner, .. }, Value::Object(entries)) => {
            let part = |(key, value): (&String, &Value)| format!("{key}={}", whole(inner, value));
            format!("{{{}}}", entries.iter().map(part).collect::<Vec<_>>().join(", "))
        }
        (Kind::Structure(members), Value::Object(entries)) => {
            let given = members.iter().filter_map(|member| {
                let value = entries.get(member.name)?;
                Some(format!("{}={}", member.name, whole(member.shape, value)))
            });
            format!("{{{}}}", given.collect::<Vec<_>>().join(", "))
        }
        (_, other) => other.to_string(),
    }
}

/// `Double.toString`: at least one decimal, scientific outside 10⁻³..10⁷.
pub(super) fn double(number: f64) -> String {
    let magnitude = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    #[rustfmt::skip]
    fn doubles_print_as_in_java() {
        let rows = [
            (2.0, "2.0"), (-1.0, "-1.0"), (0.0, "0.0"), (0.25, "0.25"), (0.001, "0.001"),
            (1e-4, "1.0E-4"), (1.5e10, "1.5E10"), (1e7, "1.0E7"), (9_999_999.0, "9999999.0"),
        ];
        for (number, want) in rows {
            assert_eq!(double(number), want);
        }
    }
}
