//! The form of a case: one JSON object. What it holds is taken apart here and judged elsewhere.
//!
//! Fields that the form does not have (`note`, `tags`, `expected`) are passed over, but not one that
//! looks like a policy type: a misspelled one must not be taken for one that is off.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON string, borrowed from the line unless it has escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// One case, taken apart. `null` stands for an absent field.
#[derive(Default)]
pub(crate) struct Form<'a> {
    pub(crate) id: Option<&'a RawValue>,
    pub(crate) principal: Option<Text<'a>>,
    pub(crate) action: Option<Text<'a>>,
    pub(crate) resource: Option<ResourceForm<'a>>,
    pub(crate) context: Option<Entries<'a>>,
    pub(crate) documents: DocumentsForm<'a>,
}

/// The documents of a case, not read yet.
#[derive(Default)]
pub(crate) struct DocumentsForm<'a> {
    pub(crate) identity_policies: Option<Vec<&'a RawValue>>,
    pub(crate) resource_policy: Option<&'a RawValue>,
    pub(crate) permission_boundaries: Option<Vec<&'a RawValue>>,
    pub(crate) session_policies: Option<Vec<&'a RawValue>>,
    pub(crate) service_control_policies: Option<Vec<Level<'a>>>,
    pub(crate) resource_control_policies: Option<Vec<Level<'a>>>,
}

/// `{"arn":…,"accountId":…}`
#[derive(Deserialize)]
pub(crate) struct ResourceForm<'a> {
    #[serde(borrow)]
    pub(crate) arn: Text<'a>,
    #[serde(borrow, rename = "accountId")]
    pub(crate) account_id: Text<'a>,
}

/// `{"orgIdentifier":…,"policies":[…]}`: one level of an organization. No policies allow nothing.
#[derive(Deserialize)]
pub(crate) struct Level<'a> {
    #[serde(borrow, default)]
    pub(crate) policies: Vec<&'a RawValue>,
}

/// `{"name":…,"policy":{…}}`, or a document itself, which has a `Statement`.
#[derive(Deserialize)]
pub(crate) struct Entry<'a> {
    #[serde(borrow)]
    pub(crate) policy: Option<&'a RawValue>,
    #[serde(rename = "Statement")]
    pub(crate) statement: Option<IgnoredAny>,
}

/// The entries of an object, in order, with repetitions.
pub(crate) struct Entries<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Form<'a> {
    /// Fills the fields from `line`; after an error those that stood before it are filled.
    pub(crate) fn read(&mut self, line: &'a str) -> Result<(), serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(line);
        self.deserialize(&mut deserializer)?;
        deserializer.end()
    }
}

impl<'de> DeserializeSeed<'de> for &mut Form<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Form<'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a case, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            self.take(&name, &mut map)?;
        }
        Ok(())
    }
}

impl<'de> Form<'de> {
    #[rustfmt::skip]
    fn take<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let documents = &mut self.documents;
        match name {
            "id" => put(&mut self.id, "id", map),
            "principal" => put(&mut self.principal, "principal", map),
            "action" => put(&mut self.action, "action", map),
            "resource" => put(&mut self.resource, "resource", map),
            "context" => put(&mut self.context, "context", map),
            "identityPolicies" => put(&mut documents.identity_policies, "identityPolicies", map),
            "resourcePolicy" => put(&mut documents.resource_policy, "resourcePolicy", map),
            "permissionBoundaries" => put(&mut documents.permission_boundaries, "permissionBoundaries", map),
            "sessionPolicies" => put(&mut documents.session_policies, "sessionPolicies", map),
            "serviceControlPolicies" => put(&mut documents.service_control_policies, "serviceControlPolicies", map),
            "resourceControlPolicies" => put(&mut documents.resource_control_policies, "resourceControlPolicies", map),
            other => pass_over(other, map),
        }
    }
}

fn put<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *slot = map.next_value()?;
    Ok(())
}

fn pass_over<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<(), A::Error> {
    let lower = name.to_ascii_lowercase();
    if ["polic", "boundar", "context"].iter().any(|word| lower.contains(word)) {
        let fields = "identityPolicies, resourcePolicy, permissionBoundaries, sessionPolicies, \
                      serviceControlPolicies, resourceControlPolicies and context";
        let name: String = name.chars().take(80).collect();
        return Err(A::Error::custom(format!("unknown field {name:?}; the fields are {fields}")));
    }
    map.next_value::<IgnoredAny>().map(|_| ())
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of condition keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((Text(key), value)) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Entries(entries))
    }
}
