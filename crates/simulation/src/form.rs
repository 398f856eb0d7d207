//! The form of a case: one JSON object. What it holds is taken apart here and judged elsewhere.
//!
//! Fields that the form does not have (`note`, `tags`, `expected`) are passed over, but not one that
//! looks like a policy type: a misspelled one must not be taken for one that is off.

use std::borrow::Cow;
use std::fmt;

use portcullis_json::{Entries, Items, Json, Layer};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::CaseError;

/// One case, taken apart. `null` stands for an absent field.
#[derive(Default)]
pub(crate) struct Form<'t, 'a> {
    /// As written.
    pub(crate) id: Option<&'a str>,
    pub(crate) principal: Option<Cow<'a, str>>,
    pub(crate) action: Option<Cow<'a, str>>,
    pub(crate) resource: Option<ResourceForm<'a>>,
    pub(crate) context: Option<Json<'t, 'a>>,
    pub(crate) documents: DocumentsForm<'t, 'a>,
}

/// `{"arn":…,"accountId":…}`
pub(crate) struct ResourceForm<'a> {
    pub(crate) arn: Cow<'a, str>,
    pub(crate) account_id: Cow<'a, str>,
}

/// The documents of a case, not read yet.
#[derive(Default)]
pub(crate) struct DocumentsForm<'t, 'a> {
    pub(crate) identity_policies: Option<Items<'t, 'a>>,
    pub(crate) resource_policy: Option<Json<'t, 'a>>,
    pub(crate) permission_boundaries: Option<Items<'t, 'a>>,
    pub(crate) session_policies: Option<Items<'t, 'a>>,
    pub(crate) service_control_policies: Option<Items<'t, 'a>>,
    pub(crate) resource_control_policies: Option<Items<'t, 'a>>,
}

impl<'t, 'a> Form<'t, 'a> {
    /// Takes the fields of a case apart.
    pub(crate) fn read(json: Json<'t, 'a>) -> Result<Self, CaseError> {
        let mut form = Self::default();
        for (name, value) in object(json).map_err(|rule| CaseError::new("", rule))? {
            if value.text() != "null" {
                form.take(&name, value).map_err(|rule| CaseError::new(excerpt(&name), rule))?;
            }
        }
        Ok(form)
    }

    #[rustfmt::skip]
    fn take(&mut self, name: &str, value: Json<'t, 'a>) -> Result<(), String> {
        let documents = &mut self.documents;
        match name {
            "id" => self.id = Some(id(value)?),
            "principal" => self.principal = Some(text(value)?),
            "action" => self.action = Some(text(value)?),
            "resource" => self.resource = Some(ResourceForm::read(value)?),
            "context" => self.context = Some(value),
            "identityPolicies" => documents.identity_policies = Some(list(value)?),
            "resourcePolicy" => documents.resource_policy = Some(value),
            "permissionBoundaries" => documents.permission_boundaries = Some(list(value)?),
            "sessionPolicies" => documents.session_policies = Some(list(value)?),
            "serviceControlPolicies" => documents.service_control_policies = Some(list(value)?),
            "resourceControlPolicies" => documents.resource_control_policies = Some(list(value)?),
            _ => return pass_over(name),
        }
        Ok(())
    }
}

fn pass_over(name: &str) -> Result<(), String> {
    let lower = name.to_ascii_lowercase();
    if ["polic", "boundar", "context"].iter().any(|word| lower.contains(word)) {
        let fields = "identityPolicies, resourcePolicy, permissionBoundaries, sessionPolicies, \
                      serviceControlPolicies, resourceControlPolicies and context";
        return Err(format!("is not a field; the fields are {fields}"));
    }
    Ok(())
}

impl<'a> ResourceForm<'a> {
    fn read(json: Json<'_, 'a>) -> Result<Self, String> {
        let (mut arn, mut account_id) = (None, None);
        for (name, value) in object(json)? {
            let text = || text(value).map_err(|rule| format!("{name} {rule}"));
            match &*name {
                "arn" => arn = Some(text()?),
                "accountId" => account_id = Some(text()?),
                _ => {}
            }
        }
        let missing = |name| format!("{name} is missing");
        Ok(Self {
            arn: arn.ok_or_else(|| missing("arn"))?,
            account_id: account_id.ok_or_else(|| missing("accountId"))?,
        })
    }
}

/// The entries of an object, or the rule that is broken.
pub(crate) fn object<'t, 'a>(json: Json<'t, 'a>) -> Result<Entries<'t, 'a>, String> {
    match json.layer() {
        Ok(Layer::Object(entries)) => Ok(entries),
        Ok(_) => Err("has to be an object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The items of a list, or the rule that is broken.
pub(crate) fn list<'t, 'a>(json: Json<'t, 'a>) -> Result<Items<'t, 'a>, String> {
    match json.layer() {
        Ok(Layer::Array(items)) => Ok(items),
        Ok(_) => Err("has to be a list".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What a string says, or the rule that is broken.
pub(crate) fn text<'a>(json: Json<'_, 'a>) -> Result<Cow<'a, str>, String> {
    match json.layer() {
        Ok(Layer::String(text)) => Ok(text),
        Ok(_) => Err("has to be a string".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// An id as written: a string or a number.
fn id<'a>(json: Json<'_, 'a>) -> Result<&'a str, String> {
    let id = json.text();
    if is_id(id) { Ok(id) } else { Err("has to be a string or a number".to_owned()) }
}

fn is_id(json: &str) -> bool {
    json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
}

/// The beginning of `text`, for errors.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect::<String>().escape_debug().to_string()
}

/// The id of a line that is no case, as far as it can be found: before what is broken.
pub(crate) fn id_of_broken(line: &str) -> Option<&str> {
    let mut id = None;
    let mut deserializer = serde_json::Deserializer::from_str(line);
    // What is wrong with the line is known.
    let _ = IdSeed(&mut id).deserialize(&mut deserializer);
    id.map(RawValue::get).filter(|id| is_id(id))
}

struct IdSeed<'s, 'a>(&'s mut Option<&'a RawValue>);

impl<'a> DeserializeSeed<'a> for IdSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for IdSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Name>()? {
            match name {
                Name::Id => *self.0 = Some(map.next_value()?),
                Name::Other => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Name {
    Id,
    #[serde(other)]
    Other,
}
