//! The answers of the query protocol: XML as IAM and STS write it.

use serde_json::Value;

use crate::shape::{Kind, Member, OperationModel, Service, Shape};

/// Renders the answer of a query operation; `output` is its typed output as JSON.
///
/// Members follow the model's order; absent members have no element; an empty list is `<Users/>`.
#[must_use]
pub fn xml(
    service: &Service,
    operation: &OperationModel,
    output: &Value,
    request_id: &str,
) -> String {
    let mut out = Writer { text: String::with_capacity(1024) };
    let response = format!("{}Response", operation.name);
    out.open_with(&response, service.xml_namespace);
    let members = match operation.output.map(|shape| &shape.kind) {
        Some(Kind::Structure(members)) => *members,
        _ => &[],
    };
    if operation.result_wrapper.is_empty() {
        out.members(members, output);
    } else {
        out.element(operation.result_wrapper, |out| out.members(members, output));
    }
    out.element("ResponseMetadata", |out| out.text_element("RequestId", request_id));
    out.close(&response);
    out.text
}

/// Renders an error of a query service. `code` is the wire code (`NoSuchEntity`); an error with a
/// status under 500 is the sender's.
#[must_use]
pub fn xml_error(
    service: &Service,
    status: u16,
    code: &str,
    message: &str,
    request_id: &str,
) -> String {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let mut out = Writer::default();
    out.open_with("ErrorResponse", service.xml_namespace);
    out.element("Error", |out| {
        out.text_element("Type", kind);
        out.text_element("Code", code);
        out.text_element("Message", message);
    });
    out.text_element("RequestId", request_id);
    out.close("ErrorResponse");
    out.text
}

#[derive(Default)]
struct Writer {
    text: String,
}

impl Writer {
    fn open(&mut self, name: &str) {
        self.text.extend(["<", name, ">"]);
    }

    fn open_with(&mut self, name: &str, namespace: &str) {
        self.text.extend(["<", name, " xmlns=\"", namespace, "\">"]);
    }

    fn close(&mut self, name: &str) {
        self.text.extend(["</", name, ">"]);
    }

    /// An element; `<name/>` when nothing is inside.
    fn element(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.open(name);
        let before = self.text.len();
        inside(self);
        if self.text.len() == before {
            self.text.pop();
            self.text.push_str("/>");
        } else {
            self.close(name);
        }
    }

    fn text_element(&mut self, name: &str, text: &str) {
        self.element(name, |out| out.text(text));
    }

    /// Escaped text; what XML 1.0 cannot hold becomes U+FFFD.
    fn text(&mut self, text: &str) {
        let legal = |character: char| match character {
            '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' => character,
            '\u{10000}'.. => character,
            _ => char::REPLACEMENT_CHARACTER,
        };
        if text.bytes().all(is_plain) {
            return self.text.push_str(text);
        }
        let text: String = text.chars().map(legal).collect();
        self.text.push_str(&quick_xml::escape::escape(text));
    }

    fn members(&mut self, members: &[Member], object: &Value) {
        for member in members {
            let Some(value) = object.get(member.name).filter(|value| !value.is_null()) else {
                continue;
            };
            self.named(member.wire_name, member.shape, value);
        }
    }

    fn named(&mut self, name: &str, shape: &Shape, value: &Value) {
        match (&shape.kind, value) {
            (Kind::List { element, flattened: true, .. }, Value::Array(values)) => {
                for value in values {
                    self.named(name, element, value);
                }
            }
            _ => self.element(name, |out| out.value(shape, value)),
        }
    }

    fn value(&mut self, shape: &Shape, value: &Value) {
        match (&shape.kind, value) {
            (Kind::Structure(members), _) => self.members(members, value),
            (Kind::List { element, .. }, Value::Array(values)) => {
                for value in values {
                    self.element("member", |out| out.value(element, value));
                }
            }
            (Kind::Map { value: inner, .. }, Value::Object(entries)) => {
                for (key, value) in entries {
                    self.element("entry", |out| {
                        out.text_element("key", key);
                        out.element("value", |out| out.value(inner, value));
                    });
                }
            }
            (_, Value::String(text)) => self.text(text),
            (_, other) => self.text(&other.to_string()),
        }
    }
}

/// Whether XML has this character of ASCII as it is: nearly all texts have no other.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'<' | b'>' | b'&' | b'\'' | b'"')
}

#[cfg(test)]
mod tests;
