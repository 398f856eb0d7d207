//! What a statement may be about: callers, actions, resources and condition keys to try it with.
//!
//! Nothing here is certain; whoever tries a suggestion checks what it does.

use std::collections::HashSet;

use crate::analysis::call::{Held, Judge, Keys};
use crate::analysis::words::Words;
use crate::analysis::written::{PrincipalName, WrittenCondition, WrittenStatement};
use crate::arn::Arn;
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

    /// What the key may hold, or not hold (`None`), to satisfy the condition or to break it.
    pub(crate) fn suggestions(&self, words: &Words, keys: &mut Keys) -> Vec<Option<Held>> {
        let mut texts: Vec<String> = Vec::new();
        for value in self.condition.values() {
            texts.extend(self.texts(value, words, keys));
        }
        texts.extend(general(self.condition.operator().base, words));
        let set = self.condition.operator().set != SetOperator::None;
        let all = set.then(|| Some(Held::Multiple(texts.iter().take(8).cloned().collect())));
        let one =
            |text: String| Some(if set { Held::Multiple(vec![text]) } else { Held::Single(text) });
        std::iter::once(None).chain(texts.into_iter().map(one)).chain(all).collect()
    }

    /// Values of the key by one value of the condition.
    fn texts(&self, value: &str, words: &Words, keys: &mut Keys) -> Vec<String> {
        match self.condition.operator().base {
            Base::StringEquals | Base::StringEqualsIgnoreCase | Base::Bool => {
                words.texts(value, self.variables, false, keys)
            }
            Base::StringLike if value.starts_with("arn:") && value.matches(':').count() >= 5 => {
                words.arns(value, self.variables, words.account(), keys)
            }
            Base::StringLike => words.texts(value, self.variables, true, keys),
            Base::Arn => words.arns(value, self.variables, words.account(), keys),
            Base::Numeric(_) => {
                let number: i64 = value.trim().parse().unwrap_or(0);
                let near = [number.saturating_sub(1), number.saturating_add(1)];
                std::iter::once(value.to_owned()).chain(near.map(|one| one.to_string())).collect()
            }
            Base::IpAddress => vec![value.split('/').next().unwrap_or(value).to_owned()],
            Base::Date(_) | Base::Binary => vec![value.to_owned()],
            Base::Null => Vec::new(),
        }
    }
}

/// Values that no condition needs to name.
fn general(base: Base, words: &Words) -> Vec<String> {
    let fixed: &[&str] = match base {
        Base::Numeric(_) => &["0", "-1", "1000000000"],
        Base::Date(_) => &["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"],
        Base::Bool => &["true", "false"],
        Base::Binary => &["ZXhhbXBsZQ=="],
        Base::IpAddress => &["203.0.113.77", "198.51.100.7", "2001:db8::77"],
        Base::Arn => &["arn:aws:s3:::"],
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::Null => &[""],
    };
    let word = if base == Base::Arn { words.word() } else { "" };
    let text = matches!(
        base,
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::Null
    );
    let mut all: Vec<String> = fixed.iter().map(|one| format!("{one}{word}")).collect();
    if text {
        all.insert(0, words.word().to_owned());
    }
    all
}

/// Callers that a statement may be about, on a resource of `account`.
pub(crate) fn principals(
    statement: &WrittenStatement,
    account: &str,
    words: &Words,
) -> Vec<Principal> {
    let word = words.word();
    let user = |account: &str| format!("arn:aws:iam::{account}:user/{word}");
    let mut texts: Vec<String> = named_by_conditions(statement, word);
    for name in statement.principals().filter(|_| !statement.excludes_principals()) {
        texts.extend(callers(name, word));
    }
    let open = statement.names_everyone() || statement.excludes_principals();
    let unasked = statement.principals().next().is_none();
    if open || unasked {
        let anyone =
            ["anonymous".to_owned(), format!("{word}.amazonaws.com"), user(words.account())];
        texts.extend(anyone.into_iter().filter(|_| open));
        texts.push(user(account));
        texts.push(format!("arn:aws:sts::{account}:assumed-role/{word}/{word}"));
    }
    texts.iter().filter_map(|text| Principal::parse(text).ok()).collect()
}

/// Callers that one principal names.
fn callers(name: PrincipalName<'_>, word: &str) -> Vec<String> {
    match name {
        PrincipalName::Service(service) => vec![service.to_owned()],
        PrincipalName::Aws(value) if is_account_id(value) => {
            vec![format!("arn:aws:iam::{value}:user/{word}"), format!("arn:aws:iam::{value}:root")]
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
        PrincipalName::Everyone | PrincipalName::Federated(_) | PrincipalName::CanonicalUser(_) => {
            Vec::new()
        }
    }
}

/// Callers that fit the conditions: a service where it has to act for a resource, users of the
/// accounts and with the ARNs that are asked for.
fn named_by_conditions(statement: &WrittenStatement, word: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for condition in statement.conditions().filter(|one| one.requires_key()) {
        let key = condition.key().to_ascii_lowercase();
        if key.starts_with("aws:source") && (key.ends_with("arn") || key.contains("account")) {
            texts.push(format!("{word}.amazonaws.com"));
        }
        for value in condition.values() {
            if key == "aws:principalarn" {
                texts.extend(callers(PrincipalName::Aws(&value.replace(['*', '?'], "x")), word));
            } else if key == "aws:principalaccount" && is_account_id(value) {
                texts.push(format!("arn:aws:iam::{value}:user/{word}"));
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

/// Actions that a statement may be about; `known` are those that some document names, `named` tells
/// those that the other document does.
pub(crate) fn actions(
    statement: &WrittenStatement,
    words: &Words,
    known: &[&str],
    named: impl Fn(&str) -> bool,
) -> Vec<String> {
    let (element, values) = statement.actions();
    let mut all: Vec<String> = match element {
        "Action" => {
            let patterns = telling(values, named).into_iter();
            patterns.flat_map(|pattern| words.actions(pattern, known)).collect()
        }
        _ => words.actions("*", known),
    };
    all.retain(|action| statement.has_action(action));
    all
}

/// Resources that a statement may be about, each with the account that owns it; `known` are those
/// that some document names, `named` tells those that the other document does.
pub(crate) fn resources(
    statement: &WrittenStatement,
    words: &Words,
    known: &[&str],
    named: impl Fn(&str) -> bool,
    keys: &mut Keys,
) -> Vec<(String, String)> {
    let (element, values) = statement.resources();
    let variables = statement.has_variables();
    let mut accounts = vec![words.account().to_owned()];
    accounts.extend(accounts_named(statement));
    let mut all: Vec<String> = Vec::new();
    match (statement.kind(), element) {
        (DocumentKind::Trust, _) => {
            all.extend(
                accounts.iter().map(|id| format!("arn:aws:iam::{id}:role/{}", words.word())),
            );
        }
        (_, "Resource") => {
            for pattern in telling(values, named) {
                let arns = |id: &String| words.arns(pattern, variables, id, keys);
                all.extend(accounts.iter().flat_map(arns));
            }
        }
        _ => {
            all.extend(accounts.iter().flat_map(|id| words.arns("*", false, id, keys)));
            all.push("*".to_owned());
            let known = known.iter().take(8);
            all.extend(
                known.flat_map(|pattern| words.arns(pattern, variables, words.account(), keys)),
            );
        }
    }
    let mut seen = HashSet::new();
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
