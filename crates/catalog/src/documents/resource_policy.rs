//! Resource policies as they are stored.
//!
//! The statements are stored as the JSON that was answered, so that writing and reading a policy of
//! 20 KB copies text and builds no tree.

use std::{borrow::Cow, collections::BTreeMap};

use portcullis_iam::Bindings;
use portcullis_identity::{RoleId, UserId};
use portcullis_lambda::{PolicyHead, PolicyVersion, ResourcePolicy, Statement};
use serde::{Deserialize, Serialize};

use super::{
    Document, DocumentError, FORMAT, json_of,
    lambda::{invalid, read},
};

/// A policy is stored as `{"revision":"…","statements":[{…},{…}]}`, the statements as they were
/// answered, with nothing between the texts. Before them stands `"head":{…},` where the document's
/// start is not that of one that a grant began. A statement whose one principal is bound to a unique
/// id is in an object with it, `{"principal_id":"…","statement":{…}}`; one that names others too, in
/// `{"principal_ids":{"ARN":"…"},"statement":{…}}`.
const POLICY_HEAD: &str = r#"{"revision":""#;
const POLICY_DOCUMENT: &str = r#","head":"#;
const POLICY_STATEMENTS: &str = r#","statements":["#;
const POLICY_TAIL: &str = "]}";
const BOUND_HEAD: &str = r#"{"principal_id":""#;
const BOUND_STATEMENT: &str = r#"","statement":"#;
const MANY_HEAD: &str = r#"{"principal_ids":"#;
const MANY_STATEMENT: &str = r#","statement":"#;
const BOUND_TAIL: &str = "}";

impl Document for ResourcePolicy {
    /// Copies the statements instead of serializing them: the cost is that of a memory copy.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(POLICY_HEAD.as_bytes());
        bytes.extend_from_slice(self.revision().to_string().as_bytes());
        bytes.push(b'"');
        if *self.head() != PolicyHead::default() {
            let PolicyHead { version, id } = self.head();
            let (version, id) = (version.as_str().map(Into::into), id.as_deref().map(Into::into));
            bytes.extend_from_slice(POLICY_DOCUMENT.as_bytes());
            let head = serde_json::to_vec(&StoredHead { version, id });
            bytes.extend(head.unwrap_or_default()); // Two texts always serialize.
        }
        bytes.extend_from_slice(POLICY_STATEMENTS.as_bytes());
        for (index, statement) in self.statements().iter().enumerate() {
            if index > 0 {
                bytes.push(b',');
            }
            put_statement(&mut bytes, statement);
        }
        bytes.extend_from_slice(POLICY_TAIL.as_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        decode_policy(bytes, None)
    }
}

/// The start of a document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredHead<'a> {
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
}

/// What stands before the statements, and the text after it.
fn read_head(text: &str) -> Result<(PolicyHead, &str), DocumentError> {
    let Some(text) = text.strip_prefix(POLICY_DOCUMENT) else {
        return Ok((PolicyHead::default(), text));
    };
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<StoredHead<'_>>();
    let head = values.next().ok_or_else(|| invalid("policy", &"a head without its content"))??;
    let version = PolicyVersion::parse(head.version.as_deref());
    let version = version.map_err(|error| invalid("policy", &error))?;
    let rest = text.get(values.byte_offset()..).unwrap_or_default();
    Ok((PolicyHead { version, id: head.id.map(|id| id.as_ref().into()) }, rest))
}

/// Reads a stored policy, as [`Document::decode`]; the statements that it has in common with `known`,
/// an earlier state of it, are compared instead of parsed.
///
/// A JSON object ends where it ends: where a statement has to begin and the text of a known one
/// stands, parsing would find that one.
///
/// # Errors
/// [`DocumentError`], as there.
pub(crate) fn decode_policy(
    bytes: &[u8],
    known: Option<&ResourcePolicy>,
) -> Result<ResourcePolicy, DocumentError> {
    let text = std::str::from_utf8(json_of(bytes)?).map_err(|error| invalid("policy", &error))?;
    let other = || invalid("policy", &"not in its stored form");
    let parts = text
        .strip_prefix(POLICY_HEAD)
        .and_then(|text| text.strip_suffix(POLICY_TAIL)?.split_once('"'));
    let (revision, rest) = parts.ok_or_else(other)?;
    let (head, rest) = read_head(rest)?;
    let mut rest = rest.strip_prefix(POLICY_STATEMENTS).ok_or_else(other)?;
    // A statement means the same under the same version only.
    let known = known.filter(|known| known.head().version == head.version);
    let mut known = known.map(ResourcePolicy::statements).unwrap_or_default().iter();
    let mut statements = Vec::new();
    loop {
        let (statement, after) = first_statement(rest, head.version, &mut known)?;
        statements.push(statement);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => break,
            None => return Err(invalid("policy", &"text between the statements")),
        }
    }
    let policy = ResourcePolicy::restore(head, statements, read("revision", revision)?);
    policy.map_err(|error| invalid("policy", &error))
}

/// Appends a statement and the unique ids of its principals.
fn put_statement(bytes: &mut Vec<u8>, statement: &Statement) {
    let json = statement.json();
    let mut put = |parts: [&str; 5]| {
        parts.iter().for_each(|part| bytes.extend_from_slice(part.as_bytes()));
    };
    if *statement.bindings() == Bindings::default() {
        return put([json, "", "", "", ""]);
    }
    if let Some(id) = statement.unique_id() {
        return put([BOUND_HEAD, id, BOUND_STATEMENT, json, BOUND_TAIL]);
    }
    let ids: BTreeMap<&str, &str> = statement.bindings().iter().collect();
    // Texts always serialize.
    let ids = serde_json::to_string(&ids).unwrap_or_default();
    put([MANY_HEAD, &ids, MANY_STATEMENT, json, BOUND_TAIL]);
}

/// Whom the principals of a stored statement are bound to.
enum Bound<'t> {
    Nobody,
    One(&'t str),
    Many(Bindings),
}

impl Bound<'_> {
    fn are_those_of(&self, known: &Statement) -> bool {
        match self {
            Self::Nobody => *known.bindings() == Bindings::default(),
            Self::One(id) => known.unique_id() == Some(id),
            Self::Many(bindings) => known.bindings() == bindings,
        }
    }

    fn bind(self, version: PolicyVersion, statement: Statement) -> Statement {
        match self {
            Self::Nobody => statement,
            Self::One(id) => statement.bound_to(version, id),
            Self::Many(bindings) => statement.bound(version, bindings),
        }
    }
}

/// The unique ids that stand before a statement, and the text from the statement on.
fn read_bound(text: &str) -> Result<(Bound<'_>, &str), DocumentError> {
    let missing = || invalid("statement", &"the object with its unique ids is not whole");
    if let Some(rest) = text.strip_prefix(BOUND_HEAD) {
        let (id, text) = rest.split_once(BOUND_STATEMENT).ok_or_else(missing)?;
        return Ok((Bound::One(principal_id(id)?), text));
    }
    let Some(rest) = text.strip_prefix(MANY_HEAD) else { return Ok((Bound::Nobody, text)) };
    let mut values = serde_json::Deserializer::from_str(rest).into_iter();
    let ids: BTreeMap<String, String> = values.next().ok_or_else(missing)??;
    ids.values().try_for_each(|id| principal_id(id).map(drop))?;
    let text = rest.get(values.byte_offset()..).and_then(|it| it.strip_prefix(MANY_STATEMENT));
    let ids = ids.into_iter().map(|(principal, id)| (principal.into(), id.into())).collect();
    Ok((Bound::Many(ids), text.ok_or_else(missing)?))
}

/// The statement that `text` begins with, and what follows it. `known` are statements in the order
/// in which they may come; those before the one that is found are passed over.
fn first_statement<'t>(
    text: &'t str,
    version: PolicyVersion,
    known: &mut std::slice::Iter<'_, Statement>,
) -> Result<(Statement, &'t str), DocumentError> {
    let (bound, text) = read_bound(text)?;
    let is_alone = matches!(bound, Bound::Nobody);
    let mut same = known.filter(|known| bound.are_those_of(known));
    let (statement, after) =
        match same.find_map(|known| Some((known, text.strip_prefix(known.json())?))) {
            Some((known, after)) => (known.clone(), after),
            None => {
                let read = Statement::split_first(text, version);
                let (statement, after) = read.map_err(|error| invalid("statement", &error))?;
                (bound.bind(version, statement), after)
            }
        };
    let after = if is_alone { Some(after) } else { after.strip_prefix(BOUND_TAIL) };
    let missing = || invalid("statement", &"the object with its unique ids does not end");
    Ok((statement, after.ok_or_else(missing)?))
}

/// The unique id of a user or role.
fn principal_id(text: &str) -> Result<&str, DocumentError> {
    let user = text.parse::<UserId>().map(drop);
    user.or_else(|_| text.parse::<RoleId>().map(drop))
        .map(|()| text)
        .map_err(|error| invalid("principal_id", &error))
}

#[cfg(test)]
mod tests {
    use portcullis_lambda::RevisionId;

    use super::*;

    fn revision(number: u8) -> RevisionId {
        format!("00000000-0000-0000-0000-0000000000{number:02x}").parse().unwrap()
    }

    #[track_caller]
    fn check_round_trip(policy: &ResourcePolicy) {
        assert_eq!(&ResourcePolicy::decode(&policy.encode()).unwrap(), policy);
    }

    #[test]
    fn the_stored_form_of_a_whole_policy_is_fixed() {
        let text = r#"{ "Version": "2008-10-17", "Id": "a \"\n", "Statement":
            { "Effect": "Deny", "Principal": "*", "Action": ["lambda:*"], "Resource": "*" } }"#;
        let whole = |text: &str| ResourcePolicy::document(text, revision(5)).unwrap();
        let json = r#"{"revision":"00000000-0000-0000-0000-000000000005","head":{"version":"2008-10-17","id":"a \"\n"},"statements":[{"Effect":"Deny","Principal":"*","Action":["lambda:*"],"Resource":"*"}]}"#;
        let bytes = whole(text).encode();
        assert_eq!(std::str::from_utf8(&bytes[1..]).unwrap(), json);
        check_round_trip(&whole(text));
        check_round_trip(&whole(&text.replace(r#""Version": "2008-10-17","#, "")));
        check_round_trip(&whole(&text.replace("2008", "2012")));
        for length in 0..bytes.len() {
            assert!(ResourcePolicy::decode(&bytes[..length]).is_err(), "cut to {length}");
        }
        for (from, to) in [("2008-10-17", "2008"), ("\"head\"", "\"tail\"")] {
            let damaged = json.replace(from, to);
            assert!(ResourcePolicy::decode(damaged.as_bytes()).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn the_same_text_under_another_version_is_read_anew() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"*","Condition":{"StringEquals":{"aws:UserAgent":"${aws:username}"}}}]}"#;
        let whole = |text: &str| ResourcePolicy::document(text, revision(5)).unwrap();
        let (new, old) = (whole(text), whole(&text.replace("2012-10-17", "2008-10-17")));
        let read = decode_policy(&old.encode(), Some(&new)).unwrap();
        let compiled = |policy: &ResourcePolicy| {
            std::sync::Arc::as_ptr(policy.statements()[0].compiled().unwrap())
        };
        assert_ne!(compiled(&read), compiled(&new));
        assert_eq!(compiled(&decode_policy(&new.encode(), Some(&new)).unwrap()), compiled(&new));
    }

    #[test]
    fn the_unique_ids_of_several_principals_are_stored_with_them() {
        let (alice, role) =
            ("arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:role/r");
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","NotPrincipal":{{"AWS":["{alice}","{role}"]}},"Action":"*","Resource":"*"}}}}"#
        );
        let policy = ResourcePolicy::document(&text, revision(5)).unwrap();
        let ids = [(alice, "AIDAJQABLZS4A3QDU576Q"), (role, "AROAJQABLZS4A3QDU576Q")];
        let ids: Bindings = ids.map(|(arn, id)| (arn.into(), id.into())).into_iter().collect();
        let statement = policy.statements()[0].clone().bound(PolicyVersion::V2012, ids);
        let head = policy.head().clone();
        let bound = ResourcePolicy::restore(head, vec![statement], revision(5)).unwrap();
        check_round_trip(&bound);
        assert_ne!(bound, policy);
        let stored = String::from_utf8(bound.encode()).unwrap();
        let want = r#""statements":[{"principal_ids":{"arn:aws:iam::123456789012:role/r":"AROA"#;
        assert!(stored.contains(want), "{stored}");
        let known = decode_policy(&bound.encode(), Some(&policy)).unwrap();
        assert_eq!(known, bound, "the same text to nobody in particular is another statement");
        for (from, to) in [("AIDA", "AKIA"), ("}}]}", "}]}"), (r#","statement":"#, ",")] {
            let damaged = stored.replace(from, to);
            assert!(ResourcePolicy::decode(damaged.as_bytes()).is_err(), "{from} -> {to}");
        }
    }
}
