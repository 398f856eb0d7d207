//! Why a document was refused: the place and the rule.

use std::fmt;

use portcullis_json::JsonError;
use thiserror::Error;

use crate::document::DocumentKind;
use crate::variable::VariableError;

/// A document that is no policy, or not one of the kind asked for: iam.md §2.
///
/// Its text names the place (`Statement[2] (Sid "s3").Condition.StringEquals`) and the rule that the
/// document breaks there; it quotes at most a few words of the document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}{}{rule}", if place.is_empty() { "" } else { ": " })]
pub struct PolicyError {
    place: String,
    /// Of `place`: where its statement's label ends and the elements begin.
    elements: usize,
    statement: Option<usize>,
    rule: Rule,
}

impl PolicyError {
    /// Where in the document; empty for the document as a whole. Statements count from zero.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The statement that the error is in, counted from zero; `None` outside of all.
    #[must_use]
    pub fn statement(&self) -> Option<usize> {
        self.statement
    }

    /// Where in the statement, or outside of all: `Condition.StringEquals`. Empty for the whole.
    #[must_use]
    pub fn element(&self) -> &str {
        self.place.get(self.elements..).unwrap_or_default()
    }

    /// The rule that is broken, without the place.
    #[must_use]
    pub fn reason(&self) -> String {
        self.rule.to_string()
    }

    /// What IAM itself says of such a document: of a role's trust policy, or of one of those that
    /// users, groups and roles have. It names no place, and for many rules it is the same sentence.
    #[must_use]
    pub fn sentence_of_iam(&self, kind: DocumentKind) -> String {
        if kind == DocumentKind::Trust { self.of_trust_policy() } else { self.of_permissions() }
    }

    fn of_trust_policy(&self) -> String {
        match &self.rule {
            Rule::Json(_) => "This policy contains invalid Json".to_owned(),
            Rule::Missing(element) | Rule::RequiredInThisKind(_, element) => {
                format!("Missing required field {element}")
            }
            Rule::NotInThisKind(_) => format!("Has prohibited field {}", self.element()),
            Rule::UnknownElement(name) => format!("Unknown field {name}"),
            _ => self.of_any(),
        }
    }

    fn of_permissions(&self) -> String {
        match &self.rule {
            Rule::Missing("Action") => "Policy statement must contain actions.".to_owned(),
            Rule::RequiredInThisKind(_, "Resource") => {
                "Policy statement must contain resources.".to_owned()
            }
            Rule::NotInThisKind(_) if self.element() != "Id" => {
                "Policy document should not specify a principal.".to_owned()
            }
            _ => self.of_any(),
        }
    }

    fn of_any(&self) -> String {
        match &self.rule {
            Rule::Action(action) if !action.contains(':') => {
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                    .to_owned()
            }
            Rule::Action(action) if action.matches(':').count() > 1 => {
                "Actions/Condition can contain only one colon.".to_owned()
            }
            Rule::Action(_) | Rule::ShortArn(..) | Rule::Variable(..) => {
                "The policy failed legacy parsing".to_owned()
            }
            Rule::Resource(resource) => {
                format!("Resource {resource} must be in ARN format or \"*\".")
            }
            Rule::Sid(..) => "Statement IDs (SID) must be alpha-numeric. Check that your input \
                              satisfies the regular expression [0-9A-Za-z]*"
                .to_owned(),
            Rule::RepeatedSid(_) => {
                "Statement IDs (SID) in a single policy must be unique.".to_owned()
            }
            Rule::AwsPrincipal(named) => {
                format!("Invalid principal in policy: \"AWS\":\"{named}\"")
            }
            Rule::PrincipalWildcard(named) => {
                let kind = self.element().rsplit('.').next().unwrap_or_default().to_uppercase();
                format!("Invalid principal in policy: \"{kind}\":\"{named}\"")
            }
            Rule::ServicePrincipal(named) => {
                format!("Invalid principal in policy: \"SERVICE\":\"{named}\"")
            }
            _ => "Syntax errors in policy.".to_owned(),
        }
    }

    /// Whether the text is not JSON at all, rather than JSON that is no policy.
    #[must_use]
    pub fn is_syntax(&self) -> bool {
        matches!(self.rule, Rule::Json(_))
    }
}

/// The rule that a document breaks. Strings are excerpts of the document. Source: iam.md §2.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Rule {
    #[error("not valid JSON: {0}")]
    Json(String),
    #[error("the document has {bytes} bytes, more than {max}")]
    TooLong { bytes: usize, max: usize },
    #[error("the key \"{0}\" occurs more than once")]
    Repeated(String),
    #[error("the key \"{0}\" occurs more than once, in different case")]
    RepeatedIgnoringCase(String),
    #[error("has to be {0}")]
    Shape(&'static str),
    #[error("unknown element \"{0}\"")]
    UnknownElement(String),
    #[error("the element {0} is missing")]
    Missing(&'static str),
    #[error("{0} and Not{0} exclude each other")]
    Both(&'static str),
    #[error("\"{0}\" is not a version; use \"2012-10-17\" or \"2008-10-17\"")]
    Version(String),
    #[error("\"{0}\" is not an effect; use \"Allow\" or \"Deny\"")]
    Effect(String),
    #[error("unknown condition operator \"{0}\"")]
    UnknownOperator(String),
    #[error("unknown principal type \"{0}\"; use AWS, Service, Federated or CanonicalUser")]
    UnknownPrincipalType(String),
    #[error("not an element of this kind of document ({0})")]
    NotInThisKind(DocumentKind),
    #[error("this kind of document ({0}) requires the element {1}")]
    RequiredInThisKind(DocumentKind, &'static str),
    #[error("\"{0}\" is not a Sid; {1}")]
    Sid(String, &'static str),
    #[error("compiled for another kind of document ({0})")]
    OtherKind(DocumentKind),
    #[error("another statement has the Sid \"{0}\"")]
    RepeatedSid(String),
    #[error("\"{0}\" is not an action; use \"*\" or \"service:Name\", wildcards only in the name")]
    Action(String),
    #[error("\"{0}\" is not a resource; use \"*\" or an ARN that begins with \"arn:\"")]
    Resource(String),
    #[error("the ARN \"{0}\" has fewer than six fields; a {1} does not complete it")]
    ShortArn(String, DocumentKind),
    #[error("the variable in \"{0}\" {1}")]
    Variable(String, VariableError),
    #[error("NotPrincipal is supported with Deny only")]
    NotPrincipalWithAllow,
    #[error("a wildcard within a principal is not supported: \"{0}\"")]
    PrincipalWildcard(String),
    #[error(
        "\"{0}\" is not a principal; use \"*\", an account id, or the ARN of an account, user, role, \
         role session or federated user"
    )]
    AwsPrincipal(String),
    #[error("\"{0}\" is not a service principal; use a name such as \"s3.amazonaws.com\"")]
    ServicePrincipal(String),
    #[error("\"{0}\" is not a principal")]
    OtherPrincipal(String),
    #[error("the key \"{0}\" has to name a tag: {0}/key")]
    BareTagKey(String),
    #[error("a resource control policy names only the principal \"*\"")]
    PrincipalOfResourceControl,
    #[error("a resource control policy only denies; RCPFullAWSAccess is the one exception")]
    AllowInResourceControl,
    #[error("a resource control policy must not deny the action \"*\"")]
    AnyActionInResourceControl,
}

/// How much of a document an error quotes, in characters: enough to find it, no more.
const EXCERPT_CHARACTERS_MAX: usize = 80;

/// The beginning of `text`, for errors.
pub(crate) fn excerpt(text: &str) -> String {
    let mut excerpt: String = text.chars().take(EXCERPT_CHARACTERS_MAX).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt.escape_debug().to_string()
}

impl Rule {
    pub(crate) fn json(error: &JsonError) -> Self {
        match error {
            JsonError::Syntax(error) => Self::Json(excerpt(&error.to_string())),
            JsonError::TooLong(_) => Self::Json(error.to_string()),
            JsonError::Malformed => Self::Json("malformed".to_owned()),
            JsonError::Repeated(key) => Self::Repeated(excerpt(key)),
        }
    }
}

/// A place in a document, as a chain of steps from the document inwards. Costs nothing until an
/// error is made.
pub(crate) enum Place<'a> {
    Document,
    Statement { index: usize, sid: Option<&'a str> },
    Element { parent: &'a Place<'a>, name: &'a str },
}

impl<'a> Place<'a> {
    pub(crate) fn element(&'a self, name: &'a str) -> Self {
        Place::Element { parent: self, name }
    }

    /// The error that `rule` is broken here.
    pub(crate) fn breaks(&self, rule: Rule) -> PolicyError {
        let (statement, label) = self.statement();
        PolicyError { place: self.to_string(), elements: label, statement, rule }
    }

    /// The statement that the place is in, and how much of the place's text is its label and the
    /// point after that.
    fn statement(&self) -> (Option<usize>, usize) {
        match self {
            Place::Document => (None, 0),
            Place::Statement { index, .. } => (Some(*index), self.to_string().len() + 1),
            Place::Element { parent, .. } => parent.statement(),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Document => Ok(()),
            Place::Statement { index, sid: None } => write!(f, "Statement[{index}]"),
            Place::Statement { index, sid: Some(sid) } => {
                write!(f, "Statement[{index}] (Sid \"{}\")", excerpt(sid))
            }
            Place::Element { parent: Place::Document, name } => f.write_str(&excerpt(name)),
            Place::Element { parent, name } => write!(f, "{parent}.{}", excerpt(name)),
        }
    }
}
