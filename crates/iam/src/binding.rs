//! Principals bound to unique ids: a user or role that is made anew under an old name has none of
//! what was granted to its predecessor. Source: iam.md §4.1, aws-lambda.md §1.5.
//!
//! A stored document keeps its text, with the ARNs in it, and beside it the [`Bindings`]: which
//! unique id each ARN meant when the document was stored. Calls are decided by the ids.

use std::borrow::Cow;
use std::ops::Range;

use portcullis_json::{Json, Layer, Tree};

use crate::document::PrincipalType;
use crate::principal::{Entity, EntityArn};
use crate::validate::is_unique_id;

/// What is known of the users and roles that ARNs and unique ids name.
pub trait Entities {
    /// Whom a text names: the ARN of a user, of a role or of a session of one, or a unique id.
    /// Texts of other forms are never asked about.
    fn identify(&self, text: &str) -> Identified;

    /// The ARN that the user or role with this unique id has now; `None` if it is gone.
    fn arn_of(&self, id: &str) -> Option<Cow<'_, str>>;
}

/// Whom a principal names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identified {
    /// The user or role of this unique id, or a session of the role.
    As(Box<str>),
    /// Nobody: where it would be known, it is not.
    Nobody,
    /// Somebody of whom nothing can be known here.
    Unknown,
}

/// Knows nobody: names stay names.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEntities;

impl Entities for NoEntities {
    fn identify(&self, _: &str) -> Identified {
        Identified::Unknown
    }

    fn arn_of(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

/// A principal that names nobody, as `{"AWS": text}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid principal in policy: \"AWS\":\"{0}\"")]
pub struct NoSuchPrincipal(pub Box<str>);

/// The unique ids that the principals of a document were bound to when it was stored. Most
/// documents bind none; few bind many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(Box<[(Box<str>, Box<str>)]>);

impl FromIterator<(Box<str>, Box<str>)> for Bindings {
    /// From principals, as they are written, and their ids.
    fn from_iter<I: IntoIterator<Item = (Box<str>, Box<str>)>>(pairs: I) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.sort_unstable();
        pairs.dedup();
        Self(pairs.into())
    }
}

impl Bindings {
    /// Binds the principals of a document that is to be stored.
    ///
    /// # Errors
    /// [`NoSuchPrincipal`], the first one. A session of a role that there is not binds nothing:
    /// AWS does not say what it does then.
    pub fn of(document: &str, entities: &dyn Entities) -> Result<Self, NoSuchPrincipal> {
        let bound = places(document).into_iter().map(|(_, principal)| {
            let id = identify(&principal, entities)?;
            Ok(id.map(|id| (principal.into(), id)))
        });
        bound.filter_map(Result::transpose).collect()
    }

    /// The binding of one principal, as [`of`](Self::of).
    ///
    /// # Errors
    /// [`NoSuchPrincipal`].
    pub fn of_one(principal: &str, entities: &dyn Entities) -> Result<Self, NoSuchPrincipal> {
        let id = identify(principal, entities)?;
        Ok(id.map(|id| (principal.into(), id)).into_iter().collect())
    }

    /// The id that a principal was bound to.
    #[must_use]
    pub fn get(&self, principal: &str) -> Option<&str> {
        let place = self.0.binary_search_by(|(text, _)| (**text).cmp(principal)).ok()?;
        self.0.get(place).map(|(_, id)| &**id)
    }

    /// The principals as they are written, and the ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(text, id)| (&**text, &**id))
    }

    /// Whether every principal is bound to somebody who is still there.
    #[must_use]
    pub fn all_live(&self, entities: &dyn Entities) -> bool {
        self.iter().all(|(_, id)| entities.arn_of(id).is_some())
    }

    /// How a principal is shown: under the ARN that it has now; as its unique id if it is gone.
    #[must_use]
    pub fn shown<'a>(&'a self, principal: &'a str, entities: &'a dyn Entities) -> Cow<'a, str> {
        let Some(id) = self.get(principal) else { return principal.into() };
        match entities.arn_of(id) {
            None => id.into(),
            // Roles cannot be renamed, so their sessions' ARNs stay.
            Some(_) if is_session(principal) => principal.into(),
            Some(arn) => arn,
        }
    }

    /// Whether all are shown as they are written.
    #[must_use]
    pub fn shows_as_written(&self, entities: &dyn Entities) -> bool {
        self.iter().all(|(text, _)| self.shown(text, entities) == text)
    }

    /// A whole document as it is shown: as it is written but for the principals.
    #[must_use]
    pub fn show<'a>(&self, document: &'a str, entities: &dyn Entities) -> Cow<'a, str> {
        if self.shows_as_written(entities) {
            return document.into();
        }
        let mut shown = String::with_capacity(document.len());
        let mut end = 0;
        for (place, principal) in places(document) {
            let now = self.shown(&principal, entities);
            if now != principal {
                shown.push_str(document.get(end..place.start).unwrap_or_default());
                // A path may have quotes and backslashes.
                shown.push_str(&serde_json::Value::from(&*now).to_string());
                end = place.end;
            }
        }
        shown.push_str(document.get(end..).unwrap_or_default());
        shown.into()
    }
}

/// The unique id that a principal is to be bound to; `None` where it names what has none.
fn identify(principal: &str, entities: &dyn Entities) -> Result<Option<Box<str>>, NoSuchPrincipal> {
    if !has_id(principal) {
        return Ok(None);
    }
    match entities.identify(principal) {
        Identified::As(id) => Ok(Some(id)),
        Identified::Nobody if !is_session(principal) => Err(NoSuchPrincipal(principal.into())),
        Identified::Nobody | Identified::Unknown => Ok(None),
    }
}

/// Whether a principal names something that has a unique id, or is one.
fn has_id(principal: &str) -> bool {
    let entity = EntityArn::parse(principal).map(|arn| arn.entity);
    let named = matches!(entity, Some(Entity::User | Entity::Role(_) | Entity::Session { .. }));
    named || is_unique_id(principal)
}

/// Whether a principal is a session of a role.
pub(crate) fn is_session(principal: &str) -> bool {
    let entity = EntityArn::parse(principal).map(|arn| arn.entity);
    matches!(entity, Some(Entity::Session { .. }))
}

/// Where the `AWS` principals of a document stand, quotes included, and what they say. None in what
/// is no policy document.
fn places(document: &str) -> Vec<(Range<usize>, String)> {
    let Ok(tree) = Tree::parse(document) else { return Vec::new() };
    let statements = entries(tree.root(), |name| name == "Statement");
    let statements = statements.into_iter().flat_map(|json| json.one_or_many());
    let principals = statements
        .flat_map(|json| entries(json, |name| matches!(name, "Principal" | "NotPrincipal")));
    let aws = principals.flat_map(|json| {
        entries(json, |name| PrincipalType::parse(name) == Some(PrincipalType::Aws))
    });
    let values = aws.flat_map(|json| json.one_or_many());
    let text = |json: Json<'_, '_>| match json.layer() {
        Ok(Layer::String(text)) => Some((json.place(), text.into_owned())),
        _ => None,
    };
    values.filter_map(text).collect()
}

/// The values of an object under the keys that `wanted` admits; of anything else none.
fn entries<'t, 'a>(json: Json<'t, 'a>, wanted: impl Fn(&str) -> bool) -> Vec<Json<'t, 'a>> {
    match json.layer() {
        Ok(Layer::Object(entries)) => {
            let wanted = entries.into_iter().filter(|(name, _)| wanted(name));
            wanted.map(|(_, json)| json).collect()
        }
        _ => Vec::new(),
    }
}
