//! Documents as they are written, for those who read them rather than decide by them.

use portcullis_json::compact;

use crate::analysis::condition_keys::{Bearers, GLOBAL_KEYS};
use crate::analysis::finding::Spot;
use crate::analysis::restriction;
use crate::document::{
    self, DocumentKind, Effect, PrincipalType, RawCondition, RawStatement, Reading, Who,
};
use crate::error::PolicyError;
use crate::glob::glob;
use crate::operator::{Base, Operator, SetOperator};
use crate::size::SizeLimit;
use crate::validate;

/// A document as it is written: what can be read of it, and what is wrong with the rest.
pub struct WrittenPolicy {
    kind: DocumentKind,
    variables: bool,
    has_version: bool,
    has_id: bool,
    /// As its limit counts them.
    characters: usize,
    statements: Vec<WrittenStatement>,
    errors: Vec<PolicyError>,
}

impl WrittenPolicy {
    /// Reads as much of a document of `kind` as can be read.
    #[must_use]
    pub fn read(kind: DocumentKind, json: &str) -> Self {
        let tree = document::tree(json);
        match tree.as_ref().map_err(Clone::clone).and_then(|tree| Reading::of(tree.root())) {
            Ok(reading) => Self::of(kind, json, reading),
            Err(error) => Self {
                kind,
                variables: false,
                has_version: false,
                has_id: false,
                characters: 0,
                statements: Vec::new(),
                errors: vec![error],
            },
        }
    }

    /// Reads a document of `kind` all of which can be understood; whether it might be written so
    /// is not asked.
    ///
    /// # Errors
    /// As [`Policy::parse_unvalidated`](crate::Policy::parse_unvalidated).
    pub fn parse(kind: DocumentKind, json: &str) -> Result<Self, PolicyError> {
        let written = Self::read(kind, json);
        match written.errors.into_iter().next() {
            None => Ok(Self { errors: Vec::new(), ..written }),
            Some(error) => Err(error),
        }
    }

    fn of(kind: DocumentKind, json: &str, reading: Reading<'_>) -> Self {
        let Reading { variables, has_version, has_id, mut errors, .. } = reading;
        let mut statements = Vec::new();
        for (index, (json, raw)) in reading.statements.into_iter().enumerate() {
            match raw {
                Err(error) => errors.push(error),
                Ok(raw) => {
                    let json = compact(json).into_owned();
                    statements.push(WrittenStatement { kind, variables, index, json, raw });
                }
            }
        }
        let characters = characters(kind, json);
        Self { kind, variables, has_version, has_id, characters, statements, errors }
    }

    /// What it is attached to.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// Whether `${…}` are variables in it: under the version 2012-10-17 only.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.variables
    }

    /// Whether it says which version of the language it is written in.
    #[must_use]
    pub fn has_version(&self) -> bool {
        self.has_version
    }

    /// The statements that could be read, in the order of the document.
    #[must_use]
    pub fn statements(&self) -> &[WrittenStatement] {
        &self.statements
    }

    /// Why parts of it could not be read.
    #[must_use]
    pub fn errors(&self) -> &[PolicyError] {
        &self.errors
    }

    /// The rules of its kind of document that what could be read of it breaks, its length aside:
    /// those by which a document is refused.
    pub(crate) fn refusals(&self) -> Vec<PolicyError> {
        let (kind, statements) = (self.kind, &self.statements);
        let members = statements.iter().map(|one| validate::Member {
            index: one.index,
            kind,
            sid: one.sid(),
            effect: one.effect(),
        });
        let whole = [validate::envelope(kind, self.has_id), validate::together(kind, members)];
        let each = statements
            .iter()
            .map(|one| validate::statement(kind, one.variables, one.index, &one.raw));
        whole.into_iter().chain(each).filter_map(Result::err).collect()
    }

    /// How long it is, as [`SizeLimit`] counts.
    pub(crate) fn characters(&self) -> usize {
        self.characters
    }
}

/// The length of a document as the limit of its kind counts it.
fn characters(kind: DocumentKind, json: &str) -> usize {
    let limit = SizeLimit::of(kind);
    match kind {
        DocumentKind::Resource => limit.counted(&compact(json)), // as it is stored
        _ => limit.counted(json),
    }
}

/// One statement as it is written.
pub struct WrittenStatement {
    kind: DocumentKind,
    variables: bool,
    index: usize,
    json: String,
    raw: RawStatement,
}

impl WrittenStatement {
    /// Reads a statement that stands alone, as if it were the first of a document of `kind` and of
    /// the version 2012-10-17.
    ///
    /// # Errors
    /// As [`WrittenPolicy::parse`].
    pub fn parse(kind: DocumentKind, json: &str) -> Result<Self, PolicyError> {
        let raw = RawStatement::parse_alone(json)?;
        Ok(Self { kind, variables: true, index: 0, json: json.to_owned(), raw })
    }
}

/// An entry of Principal or NotPrincipal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalName<'a> {
    /// `"*"` or `{"AWS": "*"}`.
    Everyone,
    /// Of the type AWS: an account id, an ARN, or the unique id of what was deleted.
    Aws(&'a str),
    /// A service's name.
    Service(&'a str),
    /// An identity provider, which calls nothing but AssumeRoleWith….
    Federated(&'a str),
    /// An account, in the way of S3 only.
    CanonicalUser(&'a str),
}

impl<'a> PrincipalName<'a> {
    fn new(kind: PrincipalType, value: &'a str) -> Self {
        match kind {
            PrincipalType::Aws if value == "*" => Self::Everyone,
            PrincipalType::Aws => Self::Aws(value),
            PrincipalType::Service => Self::Service(value),
            PrincipalType::Federated => Self::Federated(value),
            PrincipalType::CanonicalUser => Self::CanonicalUser(value),
        }
    }

    /// The type's name in documents, and the value.
    #[must_use]
    pub fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::Everyone => ("AWS", "*"),
            Self::Aws(value) => ("AWS", value),
            Self::Service(value) => ("Service", value),
            Self::Federated(value) => ("Federated", value),
            Self::CanonicalUser(value) => ("CanonicalUser", value),
        }
    }
}

impl WrittenStatement {
    /// Its position in the document, from zero.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its id, if it has one.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.raw.sid.as_deref()
    }

    /// Whether it allows or denies.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.raw.effect
    }

    /// Whether it allows.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.raw.effect == Effect::Allow
    }

    /// Its text without white space between the tokens, which is what Lambda stores and counts.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Where it is.
    #[must_use]
    pub fn spot(&self) -> Spot {
        let sid = self.raw.sid.clone();
        Spot { statement: Some(self.index), sid, ..Spot::default() }
    }

    /// What its Principal or NotPrincipal lists; nothing if it has neither.
    pub fn principals(&self) -> impl Iterator<Item = PrincipalName<'_>> {
        let who = self.raw.principal.as_ref().map(|principal| &principal.who);
        let everyone = matches!(who, Some(Who::Everyone)).then_some(PrincipalName::Everyone);
        let listed = match who {
            Some(Who::Listed(list)) => list.as_slice(),
            Some(Who::Everyone) | None => &[],
        };
        let listed = listed.iter().map(|(kind, value)| PrincipalName::new(*kind, value));
        everyone.into_iter().chain(listed)
    }

    /// Whether it has NotPrincipal: all but those listed.
    #[must_use]
    pub fn excludes_principals(&self) -> bool {
        self.raw.principal.as_ref().is_some_and(|principal| principal.negated)
    }

    /// Whether its Principal is everyone.
    #[must_use]
    pub fn names_everyone(&self) -> bool {
        let everyone = |name| name == PrincipalName::Everyone;
        !self.excludes_principals() && self.principals().any(everyone)
    }

    /// The element's name and its entries: `Action` or `NotAction`.
    #[must_use]
    pub fn actions(&self) -> (&'static str, &[String]) {
        let listed = &self.raw.action;
        (if listed.negated { "NotAction" } else { "Action" }, &listed.values)
    }

    /// Whether it is about `action`, for example `lambda:InvokeFunction`.
    #[must_use]
    pub fn has_action(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let covers = |pattern: &String| glob(&pattern.to_ascii_lowercase(), &action);
        self.raw.action.values.iter().any(covers) != self.raw.action.negated
    }

    /// The element's name and its entries: `Resource` or `NotResource`; trust policies have none.
    #[must_use]
    pub fn resources(&self) -> (&'static str, &[String]) {
        match &self.raw.resource {
            None => ("Resource", &[]),
            Some(listed) if listed.negated => ("NotResource", &listed.values),
            Some(listed) => ("Resource", &listed.values),
        }
    }

    /// Its conditions, each one key under one operator. All of them have to hold.
    pub fn conditions(&self) -> impl Iterator<Item = WrittenCondition<'_>> {
        self.raw.conditions.iter().map(|raw| WrittenCondition { statement: self, raw })
    }

    /// The conditions on `key`.
    pub fn conditions_on(&self, key: &str) -> impl Iterator<Item = WrittenCondition<'_>> {
        self.conditions().filter(move |condition| condition.key().eq_ignore_ascii_case(key))
    }

    /// Whether some condition [keeps strangers out](WrittenCondition::restricts) by `key`.
    #[must_use]
    pub fn restricts(&self, key: &str) -> bool {
        self.conditions_on(key).any(|condition| condition.restricts())
    }

    /// Whether a condition leaves services only of those whom it names.
    #[must_use]
    pub fn is_for_services(&self) -> bool {
        self.conditions().any(WrittenCondition::is_for_services)
    }

    /// Whether `${…}` are variables in it.
    pub(crate) fn has_variables(&self) -> bool {
        self.variables
    }

    pub(crate) fn kind(&self) -> DocumentKind {
        self.kind
    }

    pub(crate) fn raw(&self) -> &RawStatement {
        &self.raw
    }
}

/// One key under one operator.
#[derive(Clone, Copy)]
pub struct WrittenCondition<'a> {
    statement: &'a WrittenStatement,
    raw: &'a RawCondition,
}

impl<'a> WrittenCondition<'a> {
    /// The condition key, as written.
    #[must_use]
    pub fn key(self) -> &'a str {
        &self.raw.key
    }

    /// The operator with its prefix and suffix, as written.
    #[must_use]
    pub fn operator_name(self) -> &'a str {
        &self.raw.operator_name
    }

    /// The values, any of which suffices (or, negated, none of which may match).
    #[must_use]
    pub fn values(self) -> &'a [String] {
        &self.raw.values
    }

    /// Its place in its statement: `Condition.StringEquals.aws:PrincipalOrgID`.
    #[must_use]
    pub fn element(self) -> String {
        format!("Condition.{}.{}", self.raw.operator_name, self.raw.key)
    }

    /// Whether it is one of the `…Not…` operators.
    #[must_use]
    pub fn is_negated(self) -> bool {
        self.raw.operator.negated
    }

    /// Whether its values are ARN patterns.
    #[must_use]
    pub fn is_arn(self) -> bool {
        self.raw.operator.base == Base::Arn
    }

    /// Whether `*` and `?` in its values are wildcards.
    #[must_use]
    pub fn has_wildcards(self) -> bool {
        matches!(self.raw.operator.base, Base::Arn | Base::StringLike)
    }

    /// Whether it cannot hold in a request without the key.
    #[must_use]
    pub fn requires_key(self) -> bool {
        let Operator { set, base, negated, if_exists } = self.raw.operator;
        match (base, set) {
            (Base::Null, _) => {
                let missing = |value: &String| value.eq_ignore_ascii_case("true");
                !self.raw.values.iter().any(missing)
            }
            _ if if_exists => false,
            (_, SetOperator::All) => false,
            (_, SetOperator::Any) => true,
            (_, SetOperator::None) => !negated,
        }
    }

    /// Whether it holds for one owner's values of its key only (an account named whole, an ARN with
    /// its account, an organization), and never without the key, by itself or by another condition
    /// of the statement. If not, it keeps no stranger out.
    #[must_use]
    pub fn restricts(self) -> bool {
        let same_key = || self.statement.conditions_on(self.key());
        !self.raw.operator.negated
            && restriction::is_fixed(self.raw, self.statement.variables)
            && same_key().any(WrittenCondition::requires_key)
    }

    /// Whether no caller but a service meets it.
    fn is_for_services(self) -> bool {
        let truth = |value: &String| value.eq_ignore_ascii_case("true");
        let known = GLOBAL_KEYS.iter().find(|known| known.is(self.key()));
        let of_services = known.is_some_and(|known| known.bearers == Bearers::Services);
        let says_so = self.key().eq_ignore_ascii_case("aws:PrincipalIsAWSService")
            && !self.is_negated()
            && self.raw.operator.base != Base::Null
            && self.raw.values.iter().all(truth);
        self.requires_key() && (of_services || says_so)
    }

    pub(crate) fn operator(self) -> Operator {
        self.raw.operator
    }
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn only_what_no_string_holds_is_dropped() {
        for (json, want) in [
            ("{ \"a\" :\n[ 1, 2 ] }", "{\"a\":[1,2]}"),
            (r#"{"a b": "c \" d \\" , "e": ""}"#, r#"{"a b":"c \" d \\","e":""}"#),
            (r#""\\\" x" "#, r#""\\\" x""#),
        ] {
            assert_eq!(compact(json), want);
        }
    }
}
