//! Finding a call that two documents decide differently.
//!
//! A call is made from a statement of one of them, and changed until no statement of the other one
//! gives the same answer. Whatever is found has been decided by both documents.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;

use crate::analysis::call::{Call, Judge, Keys};
use crate::analysis::natural;
use crate::analysis::suggest::{self, Check};
use crate::analysis::words::Words;
use crate::analysis::written::{PrincipalName, WrittenCondition, WrittenPolicy, WrittenStatement};
use crate::decide::Decision;
use crate::document::{DocumentKind, Effect, RawStatement};
use crate::error::PolicyError;
use crate::principal::Principal;

/// How many calls are decided for one statement before the search is given up, and how many of
/// them with one caller, action and resource.
const TRIES_MAX: usize = 6_000;
const TRIES_PER_BASE_MAX: usize = 150;

/// How many values of condition keys are tried for one statement.
const VALUES_MAX: usize = 60_000;

/// How many callers, actions and resources are tried together, and of each.
const BASES_MAX: usize = 1_500;
const SUGGESTIONS_MAX: usize = 96;

/// How many statements one call may be made to evade.
const EVASIONS_MAX: usize = 64;

/// A document, ready to be tried.
pub(crate) struct Side<'a> {
    kind: DocumentKind,
    judge: Judge,
    probes: Vec<Probe<'a>>,
}

/// A statement, ready to be tried.
struct Probe<'a> {
    statement: &'a WrittenStatement,
    /// `None` if it is about no call.
    judge: Option<Judge>,
    /// The same, conditions aside.
    open: Option<Judge>,
    checks: Vec<Check<'a>>,
}

impl<'a> Side<'a> {
    /// `json` is the text of `written`.
    pub(crate) fn new(written: &'a WrittenPolicy, json: &str) -> Result<Self, PolicyError> {
        let judge = |statement: &WrittenStatement, raw: &RawStatement| {
            Judge::of_statement(written.kind(), statement.has_variables(), raw)
        };
        let probe = |statement: &'a WrittenStatement| Probe {
            statement,
            judge: judge(statement, statement.raw()),
            open: judge(
                statement,
                &RawStatement { conditions: Vec::new(), ..statement.raw().clone() },
            ),
            checks: Check::of(statement),
        };
        let judge = Judge::new(written.kind(), json)?;
        Ok(Self {
            kind: written.kind(),
            judge,
            probes: written.statements().iter().map(probe).collect(),
        })
    }

    pub(crate) fn decide(&self, call: &Call) -> Decision {
        self.judge.decide(&call.request(), call.own_allows)
    }

    /// The statements with this effect that are about the call.
    fn about(&self, call: &Call, effect: Effect) -> impl Iterator<Item = &Probe<'a>> {
        let with = move |probe: &&Probe<'a>| probe.statement.effect() == effect;
        self.probes.iter().filter(with).filter(|probe| probe.applies(call))
    }
}

impl Probe<'_> {
    fn applies(&self, call: &Call) -> bool {
        self.judge.as_ref().is_some_and(|judge| judge.applies(&call.request()))
    }
}

/// What is asked of a call: of some conditions that they hold, of others that they do not.
#[derive(Default)]
struct Asked<'c, 'a> {
    /// By key, in lower case.
    by_key: BTreeMap<&'c str, Vec<(&'c Check<'a>, bool)>>,
    /// Those that depend on other keys, too.
    coupled: Vec<(&'c Check<'a>, bool)>,
}

impl<'c, 'a> Asked<'c, 'a> {
    fn push(&mut self, check: &'c Check<'a>, wanted: bool) {
        self.by_key.entry(&check.key).or_default().push((check, wanted));
        if check.names_others() {
            self.coupled.push((check, wanted));
        }
    }

    fn pop(&mut self, check: &'c Check<'a>) {
        self.by_key.entry(&check.key).or_default().pop();
        if check.names_others() {
            self.coupled.pop();
        }
    }

    fn of(&self, key: &str) -> &[(&'c Check<'a>, bool)] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }
}

/// A search for calls to which a statement of `own` makes a difference that `other` does not.
///
/// From each caller, action and resource that the documents suggest, as long as the bounds above
/// allow: the keys are given values that satisfy the statement's conditions; as long as a statement
/// hides the difference, one of its conditions after the other is asked not to hold, beside all
/// that was asked before. Each key's values are those that just match, or just do not, a value of
/// the conditions that are asked.
pub(crate) struct Search<'s, 'a> {
    own: &'s Side<'a>,
    other: &'s Side<'a>,
    words: &'s Words,
    /// What the documents name, to try where a statement leaves all open.
    actions: Vec<&'a str>,
    resources: Vec<&'a str>,
    principals: Vec<PrincipalName<'a>>,
    /// The entries of the other document's lists of actions and resources, and of values.
    named: HashSet<&'a str>,
    tries: Cell<usize>,
    values: Cell<usize>,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(crate) fn new(own: &'s Side<'a>, other: &'s Side<'a>, words: &'s Words) -> Self {
        let all = || other.probes.iter().chain(&own.probes).map(|probe| probe.statement);
        let actions = all().flat_map(|one| one.actions().1).map(String::as_str);
        let resources = all().flat_map(|one| one.resources().1).map(String::as_str);
        let mut named = HashSet::new();
        for statement in other.probes.iter().map(|probe| probe.statement) {
            let values = statement.conditions().flat_map(WrittenCondition::values);
            let lists = statement.actions().1.iter().chain(statement.resources().1);
            named.extend(lists.chain(values).map(String::as_str));
        }
        Self {
            own,
            other,
            words,
            actions: distinct(actions),
            resources: distinct(resources),
            principals: distinct(all().flat_map(WrittenStatement::principals)),
            named,
            tries: Cell::new(0),
            values: Cell::new(0),
        }
    }

    /// A call that `own` allows because of the statement at `position` and `other` does not; for a
    /// Deny, one that `own` denies explicitly and `other` does not.
    pub(crate) fn witness(&self, position: usize) -> Option<Call> {
        let probe = self.own.probes.get(position)?;
        self.values.set(VALUES_MAX);
        let mut left = TRIES_MAX;
        let mut asked = Asked::default();
        probe.checks.iter().for_each(|check| asked.push(check, true));
        for base in self.bases(probe) {
            let turns = left.min(TRIES_PER_BASE_MAX);
            self.tries.set(turns);
            let found = self
                .satisfied(base, &asked)
                .and_then(|call| self.evade(probe, call, &mut asked, EVASIONS_MAX));
            left -= turns - self.tries.get();
            if found.is_some() || left == 0 {
                return found;
            }
        }
        None
    }

    /// Calls that the statement is about, conditions aside: first those that could be sent, and of
    /// them those that are made of the first suggestions.
    fn bases(&self, probe: &Probe<'a>) -> Vec<Call> {
        let statement = probe.statement;
        let mut keys = Keys::default();
        let named = |text: &str| self.named.contains(text);
        let mut actions = suggest::actions(statement, self.words, &self.actions, named);
        actions.truncate(SUGGESTIONS_MAX);
        let mut bases: Vec<(bool, usize, Call)> = Vec::new();
        for (by_action, action) in actions.iter().enumerate() {
            let known = &self.resources;
            let resources =
                suggest::resources(statement, action, self.words, known, named, &mut keys);
            let resources = resources.into_iter().take(SUGGESTIONS_MAX).enumerate();
            for (by_resource, (resource, account)) in resources {
                let rank = by_action + by_resource;
                let sendable = natural::fits(action, &resource);
                let place = Place { action, resource: &resource, account: &account, keys: &keys };
                let calls = self.callers(probe, &place).into_iter();
                bases.extend(calls.map(|(by, call)| (!sendable, rank + by, call)));
            }
            if bases.len() > BASES_MAX * 4 {
                break;
            }
        }
        bases.sort_by_key(|(unsendable, rank, _)| (*unsendable, *rank));
        bases.into_iter().take(BASES_MAX).map(|(_, _, call)| call).collect()
    }

    /// The calls there that the statement is about, with how far down the list the caller is.
    fn callers(&self, probe: &Probe<'a>, place: &Place<'_>) -> Vec<(usize, Call)> {
        let partition = place.resource.split(':').nth(1).unwrap_or("aws");
        let home = (partition, place.account);
        let principals = suggest::principals(probe.statement, home, self.words, &self.principals);
        let mut calls = Vec::new();
        for (rank, principal) in principals.iter().take(SUGGESTIONS_MAX).enumerate() {
            let own: &[bool] =
                if self.asks_own_policies(principal) { &[false, true] } else { &[false] };
            for own_allows in own {
                let call = Call {
                    principal: principal.clone(),
                    own_allows: *own_allows,
                    action: place.action.to_owned(),
                    resource: place.resource.to_owned(),
                    account: place.account.to_owned(),
                    keys: place.keys.clone(),
                };
                if probe.open.as_ref().is_some_and(|open| open.applies(&call.request())) {
                    calls.push((rank, call));
                }
            }
        }
        calls
    }

    /// Whether it matters what the caller's own policies allow: not if the documents are of them.
    fn asks_own_policies(&self, principal: &Principal) -> bool {
        let beside = matches!(self.own.kind, DocumentKind::Resource | DocumentKind::Trust);
        beside && principal.account().is_some()
    }

    /// The call with condition keys of which all holds that is asked, if such are found.
    fn satisfied(&self, mut call: Call, asked: &Asked<'_, 'a>) -> Option<Call> {
        for (key, checks) in &asked.by_key {
            let holds =
                |(check, wanted): &(&Check<'a>, bool)| check.holds(&call.request()) == *wanted;
            if !checks.iter().all(holds) && !self.assign(key, &mut call, asked, false) {
                return None;
            }
        }
        Some(call)
    }

    /// Gives the key a value that suits what is asked of it; `coupled` is whether it has to suit
    /// what is asked of other keys by its name, too.
    fn assign(&self, key: &str, call: &mut Call, asked: &Asked<'_, 'a>, coupled: bool) -> bool {
        let checks = asked.of(key);
        let coupled = if coupled { asked.coupled.as_slice() } else { &[] };
        let named = |text: &str| self.named.contains(text);
        for (check, _) in checks {
            for held in check.suggestions(self.words, &mut call.keys, named) {
                let left = self.values.get();
                if left == 0 {
                    return false;
                }
                self.values.set(left - 1);
                let old = call.keys.set(check.condition.key(), held);
                let mut all = checks.iter().chain(coupled);
                if all.all(|(check, wanted)| check.holds(&call.request()) == *wanted) {
                    return true;
                }
                call.keys.set(check.condition.key(), old);
            }
        }
        false
    }

    /// The call, changed until the documents differ about it.
    fn evade<'c>(
        &'c self,
        probe: &Probe<'a>,
        call: Call,
        asked: &mut Asked<'c, 'a>,
        evasions: usize,
    ) -> Option<Call> {
        let left = self.tries.get();
        self.tries.set(left.checked_sub(1)?);
        let effect = probe.statement.effect();
        let (own, other) = (self.own.decide(&call), self.other.decide(&call));
        if differs(effect, own, other) {
            return Some(call);
        }
        let blocker = if !shows(effect, own) {
            // Of an Allow, a Deny in its own document; else nothing that a key could mend.
            let mut denies = self.own.about(&call, Effect::Deny);
            denies.next().filter(|_| effect == Effect::Allow)
        } else {
            self.other.about(&call, effect).next()
        };
        let (blocker, evasions) = blocker.zip(evasions.checked_sub(1))?;
        for check in &blocker.checks {
            asked.push(check, false);
            let mut changed = call.clone();
            let evades = self.assign(&check.key, &mut changed, asked, true);
            let found = evades.then(|| self.evade(probe, changed, asked, evasions)).flatten();
            asked.pop(check);
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// What a call is made on.
struct Place<'p> {
    action: &'p str,
    resource: &'p str,
    account: &'p str,
    keys: &'p Keys,
}

/// Each once, in the order of the first.
fn distinct<T: Copy + Eq + Hash>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    all.filter(|one| seen.insert(*one)).collect()
}

/// Whether the decision may be due to a statement with this effect.
fn shows(effect: Effect, decision: Decision) -> bool {
    match effect {
        Effect::Allow => decision.is_allowed(),
        Effect::Deny => matches!(decision, Decision::ExplicitlyDenied(_)),
    }
}

/// Whether the effect shows in the first decision and not in the second.
fn differs(effect: Effect, own: Decision, other: Decision) -> bool {
    shows(effect, own) && !shows(effect, other)
}
