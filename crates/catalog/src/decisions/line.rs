//! How a decision is written: one line of JSON, in the log and in answers alike.

use std::{io::Write as _, mem};

use jiff::{Timestamp, tz::Offset};
use portcullis_iam::{Decision, PolicyType, PrincipalKind};
use portcullis_identity::{AccessKeyId, AccountId, Caller};

use super::{
    question::{Deciding, Outcome},
    record::{Decided, address_text},
};

/// Appends the line of `decided`, with its line feed. Fields that do not apply are absent. Never
/// secrets, tokens or payloads.
///
/// By hand rather than by a serializer: a line a decision is a good part of what deciding costs.
pub(crate) fn write(decided: &Decided, lines: &mut Vec<u8>) {
    let mut line = Object::open(lines);
    write_call(decided, &mut line);
    write_result(decided, &mut line);
    line.close();
    lines.push(b'\n');
}

/// Who called, when, from where, and for what.
fn write_call(Decided { origin, question, .. }: &Decided, line: &mut Object<'_>) {
    let caller = question.caller();
    line.text(name!("requestId"), origin.request_id.as_str());
    line.time(name!("time"), origin.time);
    // An ARN, the name of a service, or `anonymous`.
    line.text(name!("principal"), caller.arn());
    line.text(name!("principalType"), principal_type(caller));
    line.some(name!("account"), caller.account().as_ref().map(AccountId::as_str));
    line.some(name!("accessKeyId"), origin.access_key_id.as_ref().map(AccessKeyId::as_str));
    line.text(name!("sourceIp"), &address_text(origin.source));
    // For what a service called.
    let (source_arn, source_account) = caller.source();
    line.some(name!("sourceArn"), source_arn);
    line.some(name!("sourceAccount"), source_account);
    line.text(name!("action"), question.action());
    line.text(name!("resource"), question.resource());
    line.some(
        name!("resourceAccount"),
        question.resource_account().as_ref().map(AccountId::as_str),
    );
}

/// What came of it, and by what.
fn write_result(decided: &Decided, line: &mut Object<'_>) {
    let (outcome, deciding) = (decided.outcome, decided.statement());
    line.text(name!("result"), result(outcome));
    // What allowed, or what a denial is put down to.
    let policy_type = outcome.denied_by().or(deciding.as_ref().map(|one| one.policy_type));
    line.some(name!("policyType"), policy_type.map(PolicyType::as_str));
    // Why a denial has no policy type that says it all.
    line.some(name!("reason"), reason(outcome));
    // Of implicit denials, and of root in its own account, there is none.
    if let Some(Deciding { policy, statement, sid, .. }) = deciding {
        let mut place = line.object(name!("statement"));
        // The ARN of a user, group, role, session, function or managed policy.
        place.text(name!("of"), policy.of());
        // The name of an inline policy.
        place.some(name!("name"), policy.name());
        // Its place in the document, from 0.
        place.number(name!("index"), statement);
        place.some(name!("sid"), sid);
        place.close();
    }
}

/// The name of a field, as it stands after the field before.
macro_rules! name {
    ($name:literal) => {
        Name(concat!(",\"", $name, "\":"))
    };
}
use name;

/// A comma, a name in quotes, and a colon.
#[derive(Clone, Copy)]
struct Name(&'static str);

/// A JSON object that is being written.
struct Object<'b> {
    bytes: &'b mut Vec<u8>,
    is_empty: bool,
}

impl<'b> Object<'b> {
    fn open(bytes: &'b mut Vec<u8>) -> Self {
        bytes.push(b'{');
        Self { bytes, is_empty: true }
    }

    fn close(self) {
        self.bytes.push(b'}');
    }

    fn name(&mut self, Name(name): Name) {
        let comma = usize::from(mem::take(&mut self.is_empty));
        self.bytes.extend_from_slice(name.as_bytes().get(comma..).unwrap_or_default());
    }

    fn text(&mut self, name: Name, value: &str) {
        self.name(name);
        if needs_escape(value) {
            // Text always serializes, and memory takes it.
            let _ = serde_json::to_writer(&mut *self.bytes, value);
            return;
        }
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(b'"');
    }

    fn some(&mut self, name: Name, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// As text, in UTC, to the microsecond.
    fn time(&mut self, name: Name, time: Timestamp) {
        self.name(name);
        let civil = Offset::UTC.to_datetime(time);
        let (year, microsecond) = (civil.year(), civil.subsec_nanosecond() / 1_000);
        if !(0..=9999).contains(&year) {
            let _ = write!(self.bytes, "\"{time:.6}\"");
            return;
        }
        let mut text = *b"\"0000-00-00T00:00:00.000000Z\"";
        for (place, number) in [
            (1..5, year.into()),
            (6..8, civil.month().into()),
            (9..11, civil.day().into()),
            (12..14, civil.hour().into()),
            (15..17, civil.minute().into()),
            (18..20, civil.second().into()),
            (21..27, microsecond),
        ] {
            put_digits(text.get_mut(place).unwrap_or_default(), number);
        }
        self.bytes.extend_from_slice(&text);
    }

    fn number(&mut self, name: Name, value: usize) {
        self.name(name);
        let _ = write!(self.bytes, "{value}");
    }

    fn object(&mut self, name: Name) -> Object<'_> {
        self.name(name);
        Object::open(self.bytes)
    }
}

/// Fills `digits` with the last decimal digits of a number that is not negative.
fn put_digits(digits: &mut [u8], mut number: i32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// Whether JSON writes the text other than as it is. Looks at every byte, which is faster than to
/// stop at the first.
fn needs_escape(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | (byte < 0x20) | matches!(byte, b'"' | b'\\'))
}

fn principal_type(caller: &Caller) -> &'static str {
    match caller.principal().kind() {
        PrincipalKind::User => "User",
        PrincipalKind::Role => "Role",
        PrincipalKind::RoleSession => "AssumedRole",
        PrincipalKind::FederatedUser => "FederatedUser",
        PrincipalKind::Root => "Root",
        PrincipalKind::Service => "Service",
        PrincipalKind::Federated => "WebIdentityUser",
        PrincipalKind::Anonymous => "Anonymous",
    }
}

fn result(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Decided(Decision::Allowed) => "Allowed",
        Outcome::Decided(Decision::ExplicitlyDenied(_)) => "ExplicitlyDenied",
        Outcome::Decided(Decision::ImplicitlyDenied(_))
        | Outcome::Unreadable
        | Outcome::Closed
        | Outcome::NotAcrossAccounts => "ImplicitlyDenied",
    }
}

fn reason(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Decided(_) => None,
        Outcome::Unreadable => Some("a policy that applies cannot be evaluated"),
        Outcome::Closed => Some("the account of the caller or of the resource is closed"),
        Outcome::NotAcrossAccounts => Some("no policy can grant this to another account"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, Object, needs_escape};

    fn check(text: &str) {
        let mut bytes = Vec::new();
        let mut object = Object::open(&mut bytes);
        object.text(name!("a"), text);
        object.some(name!("absent"), None);
        object.number(name!("n"), 7);
        let mut inner = object.object(name!("o"));
        inner.some(name!("b"), Some(text));
        inner.close();
        object.close();
        let want = serde_json::json!({"a": text, "n": 7, "o": {"b": text}}).to_string();
        assert_eq!(String::from_utf8(bytes).unwrap(), want, "{text:?}");
    }

    #[test]
    fn a_time_is_as_it_is_displayed() {
        for text in [
            "2026-11-25T16:50:23.000000Z",
            "1999-01-02T03:04:05.678901Z",
            "-000004-01-02T03:04:05.000001Z",
            "0000-12-31T23:59:59.999999999Z",
        ] {
            let time: jiff::Timestamp = text.parse().unwrap();
            let mut bytes = Vec::new();
            Object::open(&mut bytes).time(name!("t"), time);
            assert_eq!(String::from_utf8(bytes).unwrap(), format!(r#"{{"t":"{time:.6}""#));
        }
    }

    #[test]
    fn an_object_is_what_a_serializer_makes_of_it() {
        for byte in 0..=0x7f_u8 {
            check(&char::from(byte).to_string());
            check(&format!("before{}after", char::from(byte)));
        }
        for text in ["", "arn:aws:lambda:us-east-1:123456789012:function:f", "é\u{2028}\u{10ffff}"]
        {
            assert!(!needs_escape(text));
            check(text);
        }
    }
}
