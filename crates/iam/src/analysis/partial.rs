//! Statements against calls of which not all is known: what surely holds, what surely does not,
//! and what depends.

use std::cell::Cell;

use crate::analysis::call::Judge;
use crate::analysis::condition_keys::{Bearers, ConditionKey, GLOBAL_KEYS};
use crate::analysis::suggest::Check;
use crate::analysis::who_can::{Document, Question, Via};
use crate::analysis::written::{WrittenCondition, WrittenStatement};
use crate::binding::Bindings;
use crate::context::{Context, Value};
use crate::decide::Request;
use crate::document::DocumentKind;
use crate::error::excerpt;
use crate::grant::PrincipalPart;
use crate::principal::{Principal, PrincipalKind};

/// Who calls, as far as that is known.
#[derive(Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// Anyone at all.
    Anyone,
    /// Some service.
    Service,
    /// Someone of an account.
    OfAccount,
    /// This one.
    One(&'a Principal),
}

impl Caller<'_> {
    /// Whether the caller surely never has a key with these bearers. Source: iam.md §9.
    fn never_has(self, bearers: Bearers) -> bool {
        use PrincipalKind::{Anonymous, Federated, User};
        let kind = match self {
            Self::Anyone => return false,
            Self::Service => Some(PrincipalKind::Service),
            Self::OfAccount => None,
            Self::One(principal) => Some(principal.kind()),
        };
        let service = kind == Some(PrincipalKind::Service);
        match bearers {
            Bearers::Anyone => false,
            Bearers::AllButServices => service,
            Bearers::Accounts => service || matches!(kind, Some(Anonymous | Federated)),
            Bearers::Users => kind.is_some_and(|kind| kind != User),
            Bearers::Services => !service,
        }
    }
}

/// What is known of a call's condition keys.
pub(crate) struct Facts<'a> {
    pub(crate) caller: Caller<'a>,
    /// What is known of this caller in particular.
    pub(crate) keys: Option<&'a dyn Context>,
    pub(crate) question: &'a Question<'a>,
}

/// What is known of one key.
enum Known<'a> {
    Value(Value<'a>),
    Absent,
    Unknown,
}

impl Facts<'_> {
    fn known(&self, key: &str) -> Known<'_> {
        if let Some(value) = self.keys.and_then(|keys| keys.get(key)) {
            return Known::Value(value);
        }
        if let Some(value) = self.of_caller(key).or_else(|| self.question.keys.get(key)) {
            return Known::Value(value);
        }
        if key == "aws:resourceaccount" {
            return Known::Value(Value::Single(self.question.resource_account.into()));
        }
        let mut all = self.question.condition_keys.iter().chain(&GLOBAL_KEYS);
        let never = |known: &&ConditionKey| known.is(key) && self.caller.never_has(known.bearers);
        if all.any(|known| never(&known)) { Known::Absent } else { Known::Unknown }
    }

    /// The keys that a caller's name determines. Source: iam.md §9.1.
    fn of_caller(&self, key: &str) -> Option<Value<'_>> {
        let Caller::One(principal) = self.caller else { return None };
        let text = principal.as_str();
        let kind = principal.kind();
        let value = match (key, kind) {
            (
                "aws:principalarn",
                PrincipalKind::User
                | PrincipalKind::Role
                | PrincipalKind::Root
                | PrincipalKind::FederatedUser,
            ) => text,
            ("aws:principalaccount", PrincipalKind::Anonymous) => "anonymous",
            ("aws:principalaccount", _) => principal.account()?,
            ("aws:principaltype", kind) => principal_type(kind)?,
            ("aws:principalisawsservice", PrincipalKind::Service) => "true",
            ("aws:principalisawsservice", PrincipalKind::Anonymous | PrincipalKind::Federated) => {
                return None;
            }
            ("aws:principalisawsservice", _) => "false",
            ("aws:principalservicename", PrincipalKind::Service) => text,
            ("aws:username", PrincipalKind::User) => text.rsplit('/').next()?,
            _ => return None,
        };
        Some(Value::Single(value.into()))
    }
}

/// The value of `aws:PrincipalType`; AWS documents none for services.
fn principal_type(kind: PrincipalKind) -> Option<&'static str> {
    match kind {
        PrincipalKind::Root => Some("Account"),
        PrincipalKind::User => Some("User"),
        PrincipalKind::FederatedUser => Some("FederatedUser"),
        PrincipalKind::Role | PrincipalKind::RoleSession => Some("AssumedRole"),
        PrincipalKind::Anonymous => Some("Anonymous"),
        PrincipalKind::Service | PrincipalKind::Federated => None,
    }
}

/// A context that notes whether something was asked that is not known.
struct Partial<'a> {
    facts: &'a Facts<'a>,
    unknown: Cell<bool>,
}

impl Context for Partial<'_> {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        match self.facts.known(key) {
            Known::Value(value) => Some(value),
            Known::Absent => None,
            Known::Unknown => {
                self.unknown.set(true);
                None
            }
        }
    }
}

/// A statement about the action in question, ready to be asked.
pub(crate) struct Rule<'a> {
    document: &'a str,
    pub(crate) statement: &'a WrittenStatement,
    pub(crate) principal: PrincipalPart,
    /// `None` in a trust policy, whose resource is what it is attached to.
    resource: Option<Judge>,
    checks: Vec<Check<'a>>,
}

/// Whether a statement is about a call.
pub(crate) enum Answer {
    No,
    /// If these hold; surely, if there are none.
    If(Vec<String>),
}

impl<'a> Rule<'a> {
    /// The statements of these documents that are about the action.
    pub(crate) fn of(documents: &[Document<'a>], action: &str) -> Vec<Self> {
        let statements = documents.iter().flat_map(|document| {
            document.policy.statements().iter().map(|statement| (document.name, statement))
        });
        let about = statements.filter(|(_, statement)| statement.has_action(action));
        about.filter_map(|(document, statement)| Self::new(document, statement)).collect()
    }

    fn new(document: &'a str, statement: &'a WrittenStatement) -> Option<Self> {
        use DocumentKind::{Resource, ResourceControl, Trust};
        let (raw, kind) = (statement.raw(), statement.kind());
        let named = matches!(kind, Resource | ResourceControl | Trust);
        let resource = match &raw.resource {
            None if kind == Trust => None,
            None => return None,
            Some(listed) => Some(Judge::of_resource(statement.has_variables(), listed)?),
        };
        Some(Self {
            document,
            statement,
            principal: PrincipalPart::new(
                raw.principal.as_ref(),
                raw.effect,
                named,
                &Bindings::default(),
            ),
            resource,
            checks: Check::of(statement),
        })
    }

    /// Whether the statement is about the call in question, the caller aside.
    pub(crate) fn answer(&self, facts: &Facts<'_>) -> Answer {
        let mut open = Vec::new();
        if let Some(resource) = &self.resource {
            match ask(facts, |request| resource.applies(request)) {
                Some(true) => {}
                Some(false) => return Answer::No,
                None => open.push(self.resource_text()),
            }
        }
        for check in &self.checks {
            match ask(facts, |request| check.holds(request)) {
                Some(true) => {}
                Some(false) => return Answer::No,
                None => open.push(condition_text(check.condition)),
            }
        }
        Answer::If(open)
    }

    /// The statement as the way to a permission or denial, if these hold.
    pub(crate) fn via(&self, conditions: Vec<String>) -> Via {
        Via {
            document: self.document.to_owned(),
            statement: self.statement.index(),
            sid: self.statement.sid().map(str::to_owned),
            conditions,
        }
    }

    fn resource_text(&self) -> String {
        let (element, values) = self.statement.resources();
        format!("{element} {}", alternatives(values))
    }
}

/// The answer to a question about the call; `None` if it depends on what is not known.
fn ask(facts: &Facts<'_>, question: impl Fn(&Request<'_>) -> bool) -> Option<bool> {
    let partial = Partial { facts, unknown: Cell::new(false) };
    let anyone = ANYONE.as_ref()?;
    let request = Request {
        principal: match facts.caller {
            Caller::One(principal) => principal,
            Caller::Anyone | Caller::Service | Caller::OfAccount => anyone,
        },
        action: facts.question.action,
        resource: facts.question.resource,
        resource_account: facts.question.resource_account,
        context: &partial,
    };
    let answer = question(&request);
    (!partial.unknown.get()).then_some(answer)
}

/// Stands for a caller of whom nothing is known; what is asked does not depend on it.
static ANYONE: std::sync::LazyLock<Option<Principal>> =
    std::sync::LazyLock::new(|| Principal::parse("anonymous").ok());

/// A condition for a person: `ArnLike AWS:SourceArn "arn:aws:s3:::photos"`.
fn condition_text(condition: WrittenCondition<'_>) -> String {
    let (operator, key) = (condition.operator_name(), excerpt(condition.key()));
    format!("{operator} {key} {}", alternatives(condition.values()))
}

/// How many values a text names.
const NAMED_MAX: usize = 8;

/// `"a" or "b"`.
fn alternatives(values: &[String]) -> String {
    let named = values.iter().take(NAMED_MAX).map(|value| format!("\"{}\"", excerpt(value)));
    let more = values.len().checked_sub(NAMED_MAX).filter(|more| *more > 0);
    let more = more.map(|more| format!("one of {more} more"));
    named.chain(more).collect::<Vec<_>>().join(" or ")
}
