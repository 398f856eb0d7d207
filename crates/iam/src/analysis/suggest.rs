//! What a statement may be about: callers, actions, resources and condition keys to try it with.
//!
//! Nothing here is certain; whoever tries a suggestion checks what it does.

use std::collections::HashSet;

use crate::analysis::call::{Held, Judge, Keys};
use crate::analysis::natural;
use crate::analysis::near;
use crate::analysis::words::Words;
use crate::analysis::written::{PrincipalName, WrittenCondition, WrittenStatement};
use crate::arn::Arn;
use crate::arn_pattern;
use crate::decide::Request;
use crate::document::{DocumentKind, RawCondition};
use crate::operator::{Base, SetOperator};
use crate::principal::{Entity, EntityArn, Principal, is_account_id};

/// One condition, ready to be tried.
pub(crate) struct Check<'a> {
    pub(crate) condition: WrittenCondition<'a>,
    /// The condition's key in lower case.
    pub(crate) key: String,
    variables: bool,
    judge: Option<Judge>,
}

impl<'a> Check<'a> {
    pub(crate) fn of(statement: &'a WrittenStatement) -> Vec<Self> {
        let variables = statement.has_variables();
        let check = |(condition, raw): (WrittenCondition<'a>, &RawCondition)| Self {
            condition,
            key: raw.key.to_lowercase(),
            variables,
            judge: Judge::of_condition(variables, raw),
        };
        statement.conditions().zip(&statement.raw().conditions).map(check).collect()
    }

    /// Whether it holds in the request.
    pub(crate) fn holds(&self, request: &Request<'_>) -> bool {
        self.judge.as_ref().is_some_and(|judge| judge.applies(request))
    }

    /// Whether it depends on other keys than its own.
    pub(crate) fn names_others(&self) -> bool {
        self.variables && self.condition.values().iter().any(|value| value.contains("${"))
    }

    /// What the key may hold, or not hold (`None`), to satisfy the condition or to break it: for
    /// each of its first values, those that match it and those that just do not. `named` tells the
    /// values that the other document has too; those that it lacks come first.
    pub(crate) fn suggestions(
        &self,
        words: &Words,
        keys: &mut Keys,
        named: impl Fn(&str) -> bool,
    ) -> Vec<Option<Held>> {
        let (mut texts, mut near) = (Vec::new(), Vec::new());
        for value in telling(self.condition.values(), named) {
            let (matching, other) = self.texts(value, words, keys);
            texts.extend(matching);
            near.extend(other);
        }
        let sample = sample(&texts, &near);
        texts.extend(general(self.condition.operator().base, words));
        texts.extend(near);
        let mut seen = HashSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        let set = self.condition.operator().set != SetOperator::None;
        let lists = if set { lists(&sample) } else { Vec::new() };
        let one =
            |text: String| Some(if set { Held::Multiple(vec![text]) } else { Held::Single(text) });
        std::iter::once(None)
            .chain(texts.into_iter().map(one))
            .chain(lists.into_iter().map(|list| Some(Held::Multiple(list))))
            .collect()
    }

    /// Values of the key by one value of the condition: those that match it, and those around it.
    fn texts(&self, value: &str, words: &Words, keys: &mut Keys) -> (Vec<String>, Vec<String>) {
        let base = self.condition.operator().base;
        let around = |texts: Vec<String>| {
            let near = texts.first().map(|first| near::texts(first, words.word()));
            (texts, near.unwrap_or_default())
        };
        match base {
            Base::StringEquals | Base::StringEqualsIgnoreCase | Base::Bool => {
                around(words.texts(value, self.variables, false, keys))
            }
            Base::StringLike if !(value.starts_with("arn:") && value.matches(':').count() >= 5) => {
                around(words.texts(value, self.variables, true, keys))
            }
            Base::StringLike | Base::Arn => self.arns(value, words, keys),
            Base::Numeric(_) => (near::numbers(value), Vec::new()),
            Base::IpAddress => (near::addresses(value), Vec::new()),
            Base::Date(_) => (near::moments(value), Vec::new()),
            Base::Binary => (vec![value.to_owned()], Vec::new()),
            Base::Null => (Vec::new(), Vec::new()),
        }
    }

    /// ARNs that a value matches, and those that differ from the first of them in one field each.
    fn arns(&self, value: &str, words: &Words, keys: &mut Keys) -> (Vec<String>, Vec<String>) {
        let fields = arn_pattern::fields(value, self.variables);
        let shape = natural::shape_of_service(fields.get(2).copied().unwrap_or("*"));
        let arns = words.arns(value, self.variables, (&shape, words.account()), keys);
        let Some(first) = arns.first() else { return (arns, Vec::new()) };
        let mut near = near::texts(first, words.word());
        let fields: Vec<&str> = first.splitn(6, ':').collect();
        let other = ["", "aws-cn", words.word(), "eu-west-3", words.account(), words.word()];
        for (at, other) in other.iter().enumerate().skip(1) {
            let mut fields = fields.clone();
            if let Some(field) = fields.get_mut(at) {
                *field = other;
            }
            near.push(fields.join(":"));
        }
        (arns, near)
    }
}

/// How many values are tried in lists of one another.
const LISTED_MAX: usize = 10;

/// Some values that match and some that do not.
fn sample(texts: &[String], near: &[String]) -> Vec<String> {
    let half = LISTED_MAX / 2;
    let matching = texts.iter().take(LISTED_MAX - half.min(near.len()));
    matching.chain(near.iter().take(half)).cloned().collect()
}

/// The lists of none, of all and of each two.
fn lists(texts: &[String]) -> Vec<Vec<String>> {
    let mut lists = vec![Vec::new(), texts.to_vec()];
    for (at, one) in texts.iter().enumerate() {
        let others = texts.iter().skip(at + 1);
        lists.extend(others.map(|other| vec![one.clone(), other.clone()]));
    }
    lists
}

/// Values that no condition needs to name.
fn general(base: Base, words: &Words) -> Vec<String> {
    let fixed: &[&str] = match base {
        Base::Numeric(_) => &["0", "-1", "1000000000"],
        Base::Date(_) => &["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"],
        Base::Bool => &["true", "false"],
        Base::Binary => &["ZXhhbXBsZQ=="],
        Base::IpAddress => &["203.0.113.77", "198.51.100.7", "2001:db8::77"],
        Base::Arn => return vec![format!("arn:aws:s3:::{}", words.word())],
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::Null => {
            return vec![words.word().to_owned(), String::new()];
        }
    };
    fixed.iter().map(|text| (*text).to_owned()).collect()
}

/// Callers that a statement may be about, on a resource of `account` in `partition`; `known` are
/// those that some document names.
pub(crate) fn principals(
    statement: &WrittenStatement,
    (partition, account): (&str, &str),
    words: &Words,
    known: &[PrincipalName<'_>],
) -> Vec<Principal> {
    let word = words.word();
    let user = |account: &str| format!("arn:{partition}:iam::{account}:user/{word}");
    let mut texts: Vec<String> = named_by_conditions(statement, account, word);
    for name in statement.principals().filter(|_| !statement.excludes_principals()) {
        texts.extend(callers(name, partition, word));
    }
    let open = statement.names_everyone() || statement.excludes_principals();
    let unasked = statement.principals().next().is_none();
    if open || unasked {
        let anyone =
            ["anonymous".to_owned(), format!("{word}.amazonaws.com"), user(words.account())];
        texts.extend(anyone.into_iter().filter(|_| open));
        texts.push(user(account));
        texts.push(format!("arn:{partition}:sts::{account}:assumed-role/{word}/{word}"));
    }
    texts.extend(known.iter().flat_map(|name| callers(*name, partition, word)));
    let mut seen = HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts.iter().filter_map(|text| Principal::parse(text).ok()).collect()
}

/// Callers that one principal names.
fn callers(name: PrincipalName<'_>, partition: &str, word: &str) -> Vec<String> {
    match name {
        PrincipalName::Service(name) | PrincipalName::Federated(name) => vec![name.to_owned()],
        PrincipalName::Aws(value) if is_account_id(value) => {
            let user = format!("arn:{partition}:iam::{value}:user/{word}");
            vec![user, format!("arn:{partition}:iam::{value}:root")]
        }
        PrincipalName::Aws(value) => match EntityArn::parse(value) {
            Some(EntityArn { partition, account, entity: Entity::Root }) => {
                vec![format!("arn:{partition}:iam::{account}:user/{word}"), value.to_owned()]
            }
            Some(EntityArn { partition, account, entity: Entity::Role(role) }) => {
                let name = role.rsplit('/').next().unwrap_or(role);
                vec![format!("arn:{partition}:sts::{account}:assumed-role/{name}/{word}")]
            }
            Some(_) => vec![value.to_owned()],
            None => Vec::new(),
        },
        PrincipalName::Everyone | PrincipalName::CanonicalUser(_) => Vec::new(),
    }
}

/// Callers that fit the conditions: a service where it has to act for a resource, users of the
/// accounts and with the ARNs that are asked for.
fn named_by_conditions(statement: &WrittenStatement, account: &str, word: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for condition in statement.conditions().filter(|one| one.requires_key()) {
        let key = condition.key().to_ascii_lowercase();
        if key.starts_with("aws:source") && (key.ends_with("arn") || key.contains("account")) {
            texts.push(format!("{word}.amazonaws.com"));
        }
        for value in condition.values() {
            if key == "aws:principalarn" {
                let name = value.replace('*', word).replace('?', "x");
                texts.extend(callers(PrincipalName::Aws(&name), "aws", word));
            } else if key == "aws:principalaccount" && is_account_id(value) {
                texts.push(format!("arn:aws:iam::{value}:user/{word}"));
            } else if key == "aws:username" {
                let name = value.replace('*', word).replace('?', "x");
                texts.push(format!("arn:aws:iam::{account}:user/{name}"));
            } else if key == "aws:principalservicename" {
                texts.push(value.clone());
            }
        }
    }
    texts
}

/// How many entries of a list are tried, and how long they may be, in bytes: of what is longer than
/// any name on AWS, some other entry has to show the difference.
const ENTRIES_MAX: usize = 64;
const ENTRY_BYTES_MAX: usize = 2_048;

/// The entries of a list to try: first those that make the difference most likely, because the
/// other document does not name them.
fn telling(values: &[String], named: impl Fn(&str) -> bool) -> Vec<&str> {
    let short = |value: &&str| value.len() <= ENTRY_BYTES_MAX;
    let all = values.iter().map(String::as_str).filter(short);
    let (old, new): (Vec<&str>, Vec<&str>) = all.partition(|value| named(value));
    new.into_iter().chain(old).take(ENTRIES_MAX).collect()
}

/// Actions that a statement may be about: out of each entry of its list, and of each in `known`,
/// which are those of all documents; `named` tells those that the other document has.
pub(crate) fn actions(
    statement: &WrittenStatement,
    words: &Words,
    known: &[&str],
    named: impl Fn(&str) -> bool,
) -> Vec<String> {
    let (element, values) = statement.actions();
    let literal = |text: &&&str| !text.contains(['*', '?']);
    let literals: Vec<&str> = known.iter().filter(literal).copied().collect();
    let mut all = match element {
        "Action" => telling(values, named),
        _ => vec!["*"],
    };
    all.extend(known.iter().take(ENTRIES_MAX));
    let mut seen = HashSet::new();
    let actions = all.into_iter().flat_map(|pattern| words.actions(pattern, &literals));
    actions.filter(|one| statement.has_action(one) && seen.insert(one.to_lowercase())).collect()
}

/// Resources that a statement may be about in a call of `action`, each with the account that owns
/// it; `known` are the entries of all documents, `named` tells those that the other document has.
pub(crate) fn resources(
    statement: &WrittenStatement,
    action: &str,
    words: &Words,
    known: &[&str],
    named: impl Fn(&str) -> bool,
    keys: &mut Keys,
) -> Vec<(String, String)> {
    let (element, values) = statement.resources();
    let variables = statement.has_variables();
    let mut accounts = vec![words.account().to_owned()];
    accounts.extend(accounts_named(statement));
    let shape = natural::shape(action);
    let mut patterns = match (statement.kind(), element) {
        (DocumentKind::Trust, _) => vec!["arn:aws:iam::*:role/*"],
        (_, "Resource") => telling(values, named),
        _ => vec!["*"],
    };
    if statement.kind() != DocumentKind::Trust {
        patterns.extend(known.iter().take(ENTRIES_MAX));
    }
    let mut seen = HashSet::new();
    let mut all: Vec<String> = Vec::new();
    for pattern in patterns {
        for account in &accounts {
            all.extend(words.arns(pattern, variables, (&shape, account), keys));
        }
        all.extend((pattern == "*").then(|| "*".to_owned()));
    }
    all.retain(|arn| seen.insert(arn.clone()));
    all.iter().flat_map(|arn| owners(arn, &accounts)).collect()
}

/// The accounts of the principals that a statement names, the first few.
fn accounts_named(statement: &WrittenStatement) -> impl Iterator<Item = String> {
    let account = |name| match name {
        PrincipalName::Aws(value) if is_account_id(value) => Some(value.to_owned()),
        PrincipalName::Aws(value) => EntityArn::parse(value).map(|arn| arn.account.to_owned()),
        _ => None,
    };
    statement.principals().filter_map(account).take(2)
}

/// A resource with the account that its ARN says, else with each that may own it.
fn owners(arn: &str, accounts: &[String]) -> Vec<(String, String)> {
    let account = Arn::split(arn).map(|arn| arn.account().to_owned());
    match account.filter(|account| is_account_id(account)) {
        Some(account) => vec![(arn.to_owned(), account)],
        None => accounts.iter().map(|account| (arn.to_owned(), account.clone())).collect(),
    }
}
