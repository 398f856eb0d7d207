//! One permission as `AddPermission` takes it, and the statement that it becomes.

use std::str::FromStr;

use serde::Serialize;

use crate::names::{is_digits, text_type};
use crate::{
    AccountId, InvalidParameter, InvalidValue, LambdaError, LayerVersionArn, Region, StatementId,
};

text_type! {
    /// An action of a grant: `lambda:[*]|lambda:[a-zA-Z]+|[*]` (`[model] aws-lambda.md §1.2`).
    GrantAction, "action", "*, lambda:* or lambda:NAME", is_action
}

text_type! {
    /// A principal as given: `[^\s]+`; what it means is checked later.
    PrincipalText, "principal", "not empty, without white space",
    |text| !text.is_empty() && !text.bytes().any(|b| b.is_ascii_whitespace() || b == 0x0B)
}

text_type! {
    /// The ARN of the source of an event, in the live form (`[snap] aws-lambda.md §1.2`).
    SourceArn, "source ARN", "an ARN", is_source_arn
}

text_type! {
    /// `EventSourceToken`: at most 256 of `[a-zA-Z0-9._\-]` (`[model]`).
    EventSourceToken, "event source token", "1 to 256 of [a-zA-Z0-9._-]",
    |text| (1..=256).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

text_type! {
    /// `PrincipalOrgID`: `o-[a-z0-9]{10,32}` (`[model]`).
    OrganizationId, "organization id", "o- and 10 to 32 of [a-z0-9]", is_organization
}

/// The pattern of [`GrantAction`].
fn is_action(text: &str) -> bool {
    let name = text.strip_prefix("lambda:").unwrap_or_default();
    text == "*"
        || name == "*"
        || (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// The pattern of [`OrganizationId`].
fn is_organization(text: &str) -> bool {
    let id = text.strip_prefix("o-").unwrap_or_default();
    (10..=32).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// `arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:(REGION)?:(\d{12})?:(.*)`, where `.` is no line end.
fn is_source_arn(text: &str) -> bool {
    let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = fields.as_slice() else {
        return false;
    };
    partition.strip_prefix("aws").is_some_and(word)
        && !service.is_empty()
        && word(service)
        && (region.is_empty() || region.parse::<Region>().is_ok())
        && (account.is_empty() || account.parse::<AccountId>().is_ok())
        && !resource.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// How a function URL authenticates its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UrlAuthType {
    /// It does not.
    None,
    /// By signature.
    AwsIam,
}

impl UrlAuthType {
    /// `NONE` or `AWS_IAM`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::AwsIam => "AWS_IAM",
        }
    }
}

impl FromStr for UrlAuthType {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let refusal = || InvalidValue::new("function URL auth type", text, "NONE or AWS_IAM");
        let all = [Self::None, Self::AwsIam];
        all.into_iter().find(|kind| kind.as_str() == text).ok_or_else(refusal)
    }
}

/// Who is granted, by the rules of `[snap] aws-lambda.md §1.5`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GrantPrincipal {
    /// `*`: everyone, anonymous callers too.
    Everyone,
    /// A service: `s3.amazonaws.com`, regional forms too. Kept as given.
    Service(Box<str>),
    /// A whole account, as its administrator decides.
    Account(AccountId),
    /// The root, a user, a role, a role session or a federated user by its ARN, kept as given.
    Arn(Box<str>),
}

/// Service principals outside `amazonaws.com` (`iam.md §4.1, D24`).
const OTHER_SERVICES: [&str; 2] = ["alexa-appkit.amazon.com", "alexa-connectedhome.amazon.com"];

impl GrantPrincipal {
    /// Reads a principal for a resource of `partition`. That the named user or role exists is for
    /// the identity side to say.
    ///
    /// # Errors
    /// [`InvalidParameter::Principal`] for everything else, among them wildcards inside an ARN
    /// and ARNs of another partition.
    pub fn parse(text: &str, partition: &str) -> Result<Self, LambdaError> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if let Ok(account) = text.parse() {
            return Ok(Self::Account(account));
        }
        if is_service(text) {
            return Ok(Self::Service(text.into()));
        }
        if is_principal_arn(text, partition) {
            return Ok(Self::Arn(text.into()));
        }
        Err(InvalidParameter::Principal.into())
    }

    /// The `Principal` element.
    fn element(&self, partition: &str) -> PrincipalElement {
        match self {
            Self::Everyone => PrincipalElement::Everyone("*"),
            Self::Service(name) => PrincipalElement::Service { service: name.to_string() },
            Self::Account(id) => {
                PrincipalElement::Aws { aws: format!("arn:{partition}:iam::{id}:root") }
            }
            Self::Arn(arn) => PrincipalElement::Aws { aws: arn.to_string() },
        }
    }
}

/// `[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?`, or one of the few others.
fn is_service(text: &str) -> bool {
    let label = |label: &str| {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(legal)
    };
    let name = text.strip_suffix(".cn").unwrap_or(text).strip_suffix(".amazonaws.com");
    name.is_some_and(|name| name.split('.').all(label)) || OTHER_SERVICES.contains(&text)
}

/// The ARN of a caller, without wildcards, of this partition.
fn is_principal_arn(text: &str, partition: &str) -> bool {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", given, service, "", account, resource] = fields.as_slice() else { return false };
    let path: Vec<&str> = resource.split('/').collect();
    let shape = matches!(
        (*service, path.as_slice()),
        ("iam", ["root"] | ["user" | "role", _, ..])
            | ("sts", ["assumed-role", _, _] | ["federated-user", _])
    );
    let name = |name: &&str| {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
        !name.is_empty() && name.bytes().all(legal)
    };
    shape
        && *given == partition
        && account.len() == 12
        && is_digits(account)
        && path.iter().all(name)
}

/// The parameters of `AddPermission` as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantInput {
    /// `StatementId`
    pub statement_id: String,
    /// `Action`
    pub action: String,
    /// `Principal`
    pub principal: String,
    /// `SourceArn`
    pub source_arn: Option<String>,
    /// `SourceAccount`
    pub source_account: Option<String>,
    /// `EventSourceToken`
    pub event_source_token: Option<String>,
    /// `PrincipalOrgID`
    pub principal_org_id: Option<String>,
    /// `FunctionUrlAuthType`
    pub function_url_auth_type: Option<String>,
    /// `InvokedViaFunctionUrl`
    pub invoked_via_function_url: Option<bool>,
}

/// A permission whose parameters have the right shape. What they mean together is checked by
/// [`ResourcePolicy::add`](crate::ResourcePolicy::add), because AWS reports a stale revision and a
/// used id before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    statement_id: StatementId,
    action: GrantAction,
    principal: PrincipalText,
    source_arn: Option<SourceArn>,
    source_account: Option<AccountId>,
    event_source_token: Option<EventSourceToken>,
    principal_org_id: Option<OrganizationId>,
    function_url_auth_type: Option<UrlAuthType>,
    invoked_via_function_url: bool,
}

/// Reads an optional text as a typed value.
fn parsed<T: FromStr<Err = InvalidValue>>(
    text: Option<&String>,
) -> Result<Option<T>, InvalidValue> {
    text.map(|text| text.parse()).transpose()
}

impl TryFrom<&GrantInput> for Grant {
    type Error = InvalidValue;

    fn try_from(input: &GrantInput) -> Result<Self, InvalidValue> {
        Ok(Self {
            statement_id: input.statement_id.parse()?,
            action: input.action.parse()?,
            principal: input.principal.parse()?,
            source_arn: parsed(input.source_arn.as_ref())?,
            source_account: parsed(input.source_account.as_ref())?,
            event_source_token: parsed(input.event_source_token.as_ref())?,
            principal_org_id: parsed(input.principal_org_id.as_ref())?,
            function_url_auth_type: parsed(input.function_url_auth_type.as_ref())?,
            // Absent and `false` write the same: no condition (`aws-lambda.md §1.6`).
            invoked_via_function_url: input.invoked_via_function_url.unwrap_or(false),
        })
    }
}

impl Grant {
    /// The id of the statement.
    #[must_use]
    pub fn statement_id(&self) -> &StatementId {
        &self.statement_id
    }

    /// The principal as given: the condition key `lambda:Principal` of the call itself.
    #[must_use]
    pub fn principal(&self) -> &str {
        self.principal.as_str()
    }

    /// The condition key `lambda:FunctionUrlAuthType` of the call itself.
    #[must_use]
    pub fn function_url_auth_type(&self) -> Option<UrlAuthType> {
        self.function_url_auth_type
    }

    /// The statement that grants this on `resource`, an ARN of this partition, as compact JSON.
    ///
    /// # Errors
    /// [`InvalidParameter::Principal`], then the combinations of `aws-lambda.md §1.7`.
    pub(crate) fn statement_json(
        &self,
        resource: String,
        partition: &str,
    ) -> Result<String, LambdaError> {
        let principal = GrantPrincipal::parse(self.principal.as_str(), partition)?;
        self.check_combination()?;
        let element = StatementElement {
            sid: self.statement_id.as_str(),
            effect: "Allow",
            principal: principal.element(partition),
            action: self.action.as_str(),
            resource,
            condition: self.condition(),
        };
        #[expect(clippy::expect_used, reason = "a struct of texts has no failing serializer")]
        Ok(serde_json::to_string(&element).expect("a statement serializes"))
    }

    /// `[issue][gap] aws-lambda.md §1.7`
    fn check_combination(&self) -> Result<(), LambdaError> {
        let action = self.action.as_str();
        if self.function_url_auth_type.is_some() && action != "lambda:InvokeFunctionUrl" {
            return Err(InvalidParameter::UrlAuthTypeAction.into());
        }
        if self.invoked_via_function_url && action != "lambda:InvokeFunction" {
            return Err(InvalidParameter::InvokedViaUrlAction.into());
        }
        Ok(())
    }

    /// The conditions, in the order of `[snap] aws-lambda.md §1.6`.
    fn condition(&self) -> Option<ConditionElement<'_>> {
        let string_equals = StringEquals {
            source_account: self.source_account.as_ref().map(AccountId::as_str),
            event_source_token: self.event_source_token.as_ref().map(EventSourceToken::as_str),
            function_url_auth_type: self.function_url_auth_type.map(UrlAuthType::as_str),
            principal_org_id: self.principal_org_id.as_ref().map(OrganizationId::as_str),
        };
        let condition = ConditionElement {
            string_equals: Some(string_equals).filter(|equals| *equals != StringEquals::default()),
            bool: self.invoked_via_function_url.then_some(Bool { invoked_via_url: "true" }),
            arn_like: self.source_arn.as_ref().map(|arn| ArnLike { source_arn: arn.as_str() }),
        };
        Some(condition).filter(|condition| *condition != ConditionElement::default())
    }
}

/// The parameters of `AddLayerVersionPermission` as they came; its action can only be one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerGrantInput {
    /// `StatementId`
    pub statement_id: String,
    /// `Principal`
    pub principal: String,
    /// `OrganizationId`
    pub organization_id: Option<String>,
}

/// A permission to show and use a layer version (`aws-lambda.md §3.2`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerGrant(Grant);

impl TryFrom<LayerGrantInput> for LayerGrant {
    type Error = InvalidValue;

    fn try_from(input: LayerGrantInput) -> Result<Self, InvalidValue> {
        let grant = GrantInput {
            statement_id: input.statement_id,
            action: "lambda:GetLayerVersion".to_owned(),
            principal: input.principal,
            principal_org_id: input.organization_id,
            ..GrantInput::default()
        };
        Grant::try_from(&grant).map(Self)
    }
}

impl LayerGrant {
    /// The id of the statement.
    #[must_use]
    pub fn statement_id(&self) -> &StatementId {
        &self.0.statement_id
    }

    /// The statement that grants this on `version`, as compact JSON.
    ///
    /// # Errors
    /// [`InvalidParameter::Principal`], of a principal of another partition.
    pub(crate) fn statement_json(&self, version: &LayerVersionArn) -> Result<String, LambdaError> {
        let partition = version.layer().region().partition();
        self.0.statement_json(version.to_string(), partition.as_str())
    }
}

// The statement as JSON. The order of the fields is the order of the keys.

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatementElement<'a> {
    sid: &'a str,
    effect: &'a str,
    principal: PrincipalElement,
    action: &'a str,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<ConditionElement<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PrincipalElement {
    Everyone(&'static str),
    Service {
        #[serde(rename = "Service")]
        service: String,
    },
    Aws {
        #[serde(rename = "AWS")]
        aws: String,
    },
}

#[derive(Serialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct ConditionElement<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_equals: Option<StringEquals<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bool: Option<Bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn_like: Option<ArnLike<'a>>,
}

#[derive(Serialize, Default, PartialEq)]
struct StringEquals<'a> {
    #[serde(rename = "AWS:SourceAccount", skip_serializing_if = "Option::is_none")]
    source_account: Option<&'a str>,
    #[serde(rename = "lambda:EventSourceToken", skip_serializing_if = "Option::is_none")]
    event_source_token: Option<&'a str>,
    #[serde(rename = "lambda:FunctionUrlAuthType", skip_serializing_if = "Option::is_none")]
    function_url_auth_type: Option<&'a str>,
    #[serde(rename = "aws:PrincipalOrgID", skip_serializing_if = "Option::is_none")]
    principal_org_id: Option<&'a str>,
}

#[derive(Serialize, PartialEq)]
struct Bool {
    #[serde(rename = "lambda:InvokedViaFunctionUrl")]
    invoked_via_url: &'static str,
}

#[derive(Serialize, PartialEq)]
struct ArnLike<'a> {
    #[serde(rename = "AWS:SourceArn")]
    source_arn: &'a str,
}
