//! The table language: what the generated modules say about services, operations and shapes.
//!
//! Everything here is `'static` and built at compile time by `const` constructors, so that a table
//! costs no start-up time; only a pattern is compiled on first use.

use std::fmt;
use std::sync::OnceLock;

/// One AWS service, or our own control plane.
#[derive(Debug)]
pub struct Service {
    /// Short name, also the module's: `lambda`, `iam`, `sts`,
    /// `organizations`, `portcullis`.
    pub name: &'static str,
    /// The service part of a credential scope.
    pub signing_name: &'static str,
    /// The API's version, as `Version` of the query protocol has it.
    pub api_version: &'static str,
    /// How requests and answers are written.
    pub protocol: Protocol,
    /// Namespace of query answers; empty for other protocols.
    pub xml_namespace: &'static str,
    /// What the target header begins with, before the dot; empty but for [`Protocol::Json`].
    pub target_prefix: &'static str,
    /// Every operation of the API, served or not, in alphabetical order.
    pub operations: &'static [&'static OperationModel],
    /// The operations grouped by their first path segment, sorted by it; empty but for
    /// [`Protocol::RestJson`].
    pub routes: &'static [RouteGroup],
    /// The exceptions that the model declares, in alphabetical order.
    pub errors: &'static [ErrorModel],
}

impl Service {
    /// Finds an operation by its exact name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&'static OperationModel> {
        let found = self.operations.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        self.operations.get(found).copied()
    }

    /// Finds a declared exception by its shape name (`NoSuchEntityException`).
    #[must_use]
    pub fn error(&self, name: &str) -> Option<&'static ErrorModel> {
        let found = self.errors.binary_search_by(|error| error.name.cmp(name)).ok()?;
        self.errors.get(found)
    }
}

/// How a service writes requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Method and path choose the operation; members travel in path, query, headers, JSON body.
    RestJson,
    /// `Action=…` in a form chooses the operation; answers are XML.
    Query,
    /// JSON 1.1: the header `X-Amz-Target` chooses the operation; everything travels in JSON bodies.
    Json,
}

/// The operations whose path starts with one segment.
#[derive(Debug)]
pub struct RouteGroup {
    /// The first path segment, in Lambda a date such as `2015-03-31`.
    pub first: &'static str,
    /// The operations, those with more literal query conditions first.
    pub operations: &'static [&'static OperationModel],
}

/// One operation of a service: a row of the operation table.
#[derive(Debug)]
pub struct OperationModel {
    /// The service's short name.
    pub service: &'static str,
    /// Position in the service's `operations`; with `service` it identifies the operation.
    pub index: u16,
    /// `AddPermission` and so on.
    pub name: &'static str,
    /// HTTP method, upper case.
    pub method: &'static str,
    /// The path after the host, in segments.
    pub path: &'static [Segment],
    /// Query parameters that the URI itself demands (`find=LayerVersion`).
    pub required_query: &'static [(&'static str, &'static str)],
    /// Status of success.
    pub status: u16,
    /// The input structure; `None` when there is none or the operation is not served.
    pub input: Option<&'static Shape>,
    /// The output structure; `None` when there is none or the operation is not served.
    pub output: Option<&'static Shape>,
    /// The element around a query answer's members; empty if there is none.
    pub result_wrapper: &'static str,
    /// Whether this server carries it out.
    pub served: bool,
    /// What a caller must be allowed to do. A served operation without it needs no permission
    /// (`GetCallerIdentity` only; the generator demands that the overlay says so).
    pub authorization: Option<Authorization>,
}

impl PartialEq for OperationModel {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.service == other.service
    }
}

impl Eq for OperationModel {}

/// One segment of an operation's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Matches itself.
    Literal(&'static str),
    /// Matches any one segment, and names the input member that receives it.
    Label(&'static str),
}

/// The permission that an operation demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The action in a policy: `lambda:InvokeFunction`.
    pub action: &'static str,
    /// How the resource is formed from the request.
    pub resource: ResourceForm,
    /// Whether a resource policy can grant it to callers outside the resource's account
    /// (`[doc] aws-lambda.md §4.7`); if not, only the account's own principals may.
    pub cross_account: bool,
}

/// How the resource ARN of a request is formed (aws-lambda.md §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceForm {
    /// `*`: no single resource.
    Any,
    /// The function's ARN without a qualifier (F).
    Function,
    /// The function's ARN with the qualifier, when the request carried one (FQ).
    QualifiedFunction,
    /// The function and the code-signing configuration: both must be allowed.
    FunctionAndCodeSigningConfig,
    /// A layer without version (L).
    Layer,
    /// One version of a layer (LV).
    LayerVersion,
    /// An event-source mapping (ESM).
    EventSourceMapping,
    /// A code-signing configuration (CSC).
    CodeSigningConfig,
    /// A capacity provider (CP).
    CapacityProvider,
    /// A durable execution (DX).
    DurableExecution,
    /// The ARN that the path carries.
    ArnInPath,
    /// An IAM user: `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
    User,
    /// An IAM group: `arn:aws:iam::ACCOUNT:group/PATH/NAME`.
    Group,
    /// A managed policy: `arn:aws:iam::OWNER:policy/PATH/NAME`.
    Policy,
    /// An OpenID Connect provider: `arn:aws:iam::ACCOUNT:oidc-provider/ISSUER`.
    OidcProvider,
    /// An IAM user, group or role, by its ARN.
    UserGroupOrRole,
    /// An IAM role: `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
    Role,
    /// A federated user: `arn:aws:sts::ACCOUNT:federated-user/NAME`.
    FederatedUser,
    /// An account of an organization: `arn:aws:organizations::MANAGEMENT:account/ORGANIZATION/ID`.
    OrganizationAccount,
    /// An organizational unit: `arn:aws:organizations::MANAGEMENT:ou/ORGANIZATION/ID`.
    OrganizationalUnit,
    /// The root of an organization or an organizational unit.
    RootOrOrganizationalUnit,
    /// An account or an organizational unit of an organization.
    AccountOrOrganizationalUnit,
    /// The root of an organization.
    OrganizationRoot,
    /// The root, an organizational unit or an account of an organization.
    PolicyTarget,
    /// A root, organizational unit, account or policy of an organization.
    TaggedPartOfOrganization,
    /// A policy: `arn:aws:organizations::MANAGEMENT:policy/ORGANIZATION/TYPE/ID`, or AWS's own.
    OrganizationPolicy,
}

/// An exception that the model declares.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorModel {
    /// The shape's name: `NoSuchEntityException`.
    pub name: &'static str,
    /// The code on the wire: `NoSuchEntity`.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The key of the text in a JSON body: `message` or `Message`.
    pub message_key: &'static str,
}

/// The type of a value, with its constraints.
#[derive(Debug)]
pub struct Shape {
    /// The model's name for it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Whether a value must not be repeated in messages and logs.
    pub sensitive: bool,
}

/// What a shape is.
#[derive(Debug)]
pub enum Kind {
    /// Named members.
    Structure(&'static [Member]),
    /// A sequence.
    List {
        /// The type of each element.
        element: &'static Shape,
        /// Number of elements.
        length: Bounds<u64>,
        /// Whether the query protocol and XML write it without the `member` level.
        flattened: bool,
    },
    /// String keys to values.
    Map {
        /// The type of each key.
        key: &'static Shape,
        /// The type of each value.
        value: &'static Shape,
        /// Number of entries.
        length: Bounds<u64>,
    },
    /// Text.
    String(Text),
    /// 32-bit whole number.
    Integer(Bounds<i64>),
    /// 64-bit whole number.
    Long(Bounds<i64>),
    /// Floating point.
    Double(Bounds<f64>),
    /// `true` or `false`.
    Boolean,
    /// Bytes, base64 in JSON and XML; bounds in bytes.
    Blob(Bounds<u64>),
    /// A moment, as ISO 8601 text.
    Timestamp,
}

/// Constraints of a string.
#[derive(Debug)]
pub struct Text {
    /// Length in characters.
    pub length: Bounds<u64>,
    /// Must match the whole value.
    pub pattern: Option<&'static Pattern>,
    /// The only values allowed, in the order in which the service prints them; empty means any.
    pub choices: &'static [&'static str],
    /// A length that is too large is reported only when the pattern holds (aws-lambda.md §1.2).
    pub pattern_hides_length: bool,
}

/// Inclusive limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds<T> {
    /// Smallest allowed.
    pub min: Option<T>,
    /// Largest allowed.
    pub max: Option<T>,
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The member's name: also its key in a bound value and in JSON.
    pub name: &'static str,
    /// Its name where it travels: header, query parameter or label.
    pub wire_name: &'static str,
    /// Its type.
    pub shape: &'static Shape,
    /// Where it travels.
    pub location: Location,
    /// Whether it must be there.
    pub required: bool,
}

/// Where a member travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the body: JSON, form or XML.
    Body,
    /// In the path.
    Label,
    /// In the query string.
    Query,
    /// In a header.
    Header,
    /// It is the status of the answer.
    StatusCode,
    /// It is the whole body, as bytes; never copied into a bound value.
    Payload,
}

/// A pattern in Java's dialect, with its translation.
pub struct Pattern {
    /// The text that a message prints.
    pub text: &'static str,
    translation: &'static str,
    look_around: bool,
    compiled: OnceLock<Matcher>,
}

enum Matcher {
    Plain(regex::Regex),
    LookAround(fancy_regex::Regex),
    /// The translation does not compile: nothing matches. A test shows that no table has one.
    Invalid,
}

impl Pattern {
    /// `text` is what the live service prints, `translation` the same in Rust's dialect;
    /// `look_around` chooses the engine.
    #[must_use]
    pub const fn new(text: &'static str, translation: &'static str, look_around: bool) -> Self {
        Self { text, translation, look_around, compiled: OnceLock::new() }
    }

    /// Whether the pattern matches the whole of `value`.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match self.compiled.get_or_init(|| self.compile()) {
            Matcher::Plain(regex) => regex.is_match(value),
            // An exhausted backtracking budget counts as a mismatch: fail closed.
            Matcher::LookAround(regex) => regex.is_match(value).unwrap_or(false),
            Matcher::Invalid => false,
        }
    }

    /// Whether the translation compiles.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !matches!(self.compile(), Matcher::Invalid)
    }

    fn compile(&self) -> Matcher {
        let whole = format!(r"\A(?:{})\z", self.translation);
        if self.look_around {
            fancy_regex::Regex::new(&whole).map_or(Matcher::Invalid, Matcher::LookAround)
        } else {
            regex::Regex::new(&whole).map_or(Matcher::Invalid, Matcher::Plain)
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

/// No limits on a length.
pub(crate) const ANY_LENGTH: Bounds<u64> = Bounds { min: None, max: None };

/// Constructors that keep the generated tables short.
impl Shape {
    const fn of(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, sensitive: false }
    }

    pub(crate) const fn structure(name: &'static str, members: &'static [Member]) -> Self {
        Self::of(name, Kind::Structure(members))
    }

    pub(crate) const fn list(
        name: &'static str,
        element: &'static Self,
        length: Bounds<u64>,
        flattened: bool,
    ) -> Self {
        Self::of(name, Kind::List { element, length, flattened })
    }

    pub(crate) const fn map(
        name: &'static str,
        key: &'static Self,
        value: &'static Self,
        length: Bounds<u64>,
    ) -> Self {
        Self::of(name, Kind::Map { key, value, length })
    }

    pub(crate) const fn string(name: &'static str, text: Text) -> Self {
        Self::of(name, Kind::String(text))
    }

    pub(crate) const fn integer(name: &'static str, bounds: Bounds<i64>) -> Self {
        Self::of(name, Kind::Integer(bounds))
    }

    pub(crate) const fn long(name: &'static str, bounds: Bounds<i64>) -> Self {
        Self::of(name, Kind::Long(bounds))
    }

    pub(crate) const fn double(name: &'static str, bounds: Bounds<f64>) -> Self {
        Self::of(name, Kind::Double(bounds))
    }

    pub(crate) const fn boolean(name: &'static str) -> Self {
        Self::of(name, Kind::Boolean)
    }

    pub(crate) const fn blob(name: &'static str, length: Bounds<u64>) -> Self {
        Self::of(name, Kind::Blob(length))
    }

    pub(crate) const fn timestamp(name: &'static str) -> Self {
        Self::of(name, Kind::Timestamp)
    }

    pub(crate) const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }
}

impl Text {
    pub(crate) const ANY: Self =
        Self { length: ANY_LENGTH, pattern: None, choices: &[], pattern_hides_length: false };

    pub(crate) const fn length(mut self, min: Option<u64>, max: Option<u64>) -> Self {
        self.length = Bounds { min, max };
        self
    }

    pub(crate) const fn pattern(mut self, pattern: &'static Pattern) -> Self {
        self.pattern = Some(pattern);
        self
    }

    pub(crate) const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    pub(crate) const fn pattern_hides_length(mut self) -> Self {
        self.pattern_hides_length = true;
        self
    }
}

impl Member {
    pub(crate) const fn body(name: &'static str, shape: &'static Shape) -> Self {
        Self { name, wire_name: name, shape, location: Location::Body, required: false }
    }

    pub(crate) const fn at(mut self, location: Location, wire_name: &'static str) -> Self {
        self.location = location;
        self.wire_name = wire_name;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

#[cfg(test)]
pub(crate) mod tests;
