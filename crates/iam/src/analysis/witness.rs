//! Finding a call that two documents decide differently.
//!
//! A call is made from a statement of one of them, and changed until no statement of the other one
//! gives the same answer. Whatever is found has been decided by both documents.

use std::cell::Cell;
use std::collections::HashSet;

use crate::analysis::call::{Call, Judge, Keys};
use crate::analysis::suggest::{self, Check};
use crate::analysis::words::Words;
use crate::analysis::written::{WrittenPolicy, WrittenStatement};
use crate::decide::Decision;
use crate::document::{DocumentKind, Effect};
use crate::error::PolicyError;
use crate::principal::Principal;

/// How many calls are tried for one statement before the search is given up.
const TRIES_MAX: usize = 3_000;

/// How many calls one search starts from.
const BASES_MAX: usize = 800;

/// How many statements of the other document one call may be changed to evade.
const EVASIONS_MAX: usize = 24;

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
    checks: Vec<Check<'a>>,
}

impl<'a> Side<'a> {
    /// `json` is the text of `written`.
    pub(crate) fn new(written: &'a WrittenPolicy, json: &str) -> Result<Self, PolicyError> {
        let probe = |statement: &'a WrittenStatement| Probe {
            statement,
            judge: Judge::of_statement(written.kind(), statement.has_variables(), statement.raw()),
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

/// A search for calls to which a statement of `own` makes a difference that `other` does not.
pub(crate) struct Search<'s, 'a> {
    own: &'s Side<'a>,
    other: &'s Side<'a>,
    words: &'s Words,
    /// Actions and resources that the documents name, to try where a statement leaves all open.
    actions: Vec<&'a str>,
    resources: Vec<&'a str>,
    /// The entries of the other document's lists of actions and resources.
    named: HashSet<&'a str>,
    tries: Cell<usize>,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(crate) fn new(own: &'s Side<'a>, other: &'s Side<'a>, words: &'s Words) -> Self {
        let all = || own.probes.iter().chain(&other.probes).map(|probe| probe.statement);
        let literal = |text: &&str| !text.contains(['*', '?']);
        let actions = all().flat_map(|one| one.actions().1).map(String::as_str).filter(literal);
        let resources = all().flat_map(|one| one.resources().1).map(String::as_str);
        let lists =
            |probe: &Probe<'a>| [probe.statement.actions().1, probe.statement.resources().1];
        let named = other.probes.iter().flat_map(lists).flatten().map(String::as_str);
        let (actions, resources, named) = (actions.collect(), resources.collect(), named.collect());
        Self { own, other, words, actions, resources, named, tries: Cell::new(0) }
    }

    /// A call that `own` allows because of the statement at `position` and `other` does not; for a
    /// Deny, one that `own` denies explicitly and `other` does not.
    pub(crate) fn witness(&self, position: usize) -> Option<Call> {
        let probe = self.own.probes.get(position)?;
        self.tries.set(TRIES_MAX);
        self.bases(probe)
            .into_iter()
            .take_while(|_| self.another())
            .filter_map(|base| self.satisfied(probe, base))
            .find_map(|mut call| self.evade(probe, &mut call, EVASIONS_MAX).then_some(call))
    }

    /// Whether the search may go on, one try further.
    fn another(&self) -> bool {
        let left = self.tries.get();
        self.tries.set(left.saturating_sub(1));
        left > 0
    }

    /// Calls that the statement may be about, conditions aside.
    fn bases(&self, probe: &Probe<'a>) -> Vec<Call> {
        let statement = probe.statement;
        let mut keys = Keys::default();
        let named = |text: &str| self.named.contains(text);
        let actions = suggest::actions(statement, self.words, &self.actions, named);
        let resources =
            suggest::resources(statement, self.words, &self.resources, named, &mut keys);
        let mut bases = Vec::new();
        for (resource, account) in &resources {
            for principal in suggest::principals(statement, account, self.words) {
                let own: &[bool] =
                    if self.asks_own_policies(&principal) { &[false, true] } else { &[false] };
                for (action, own_allows) in
                    actions.iter().flat_map(|a| own.iter().map(move |o| (a, *o)))
                {
                    bases.push(Call {
                        principal: principal.clone(),
                        own_allows,
                        action: action.clone(),
                        resource: resource.clone(),
                        account: account.clone(),
                        keys: keys.clone(),
                    });
                    if bases.len() >= BASES_MAX {
                        return bases;
                    }
                }
            }
        }
        bases
    }

    /// Whether it matters what the caller's own policies allow: not if the documents are of them.
    fn asks_own_policies(&self, principal: &Principal) -> bool {
        let beside = matches!(self.own.kind, DocumentKind::Resource | DocumentKind::Trust);
        beside && principal.account().is_some()
    }

    /// The call with condition keys that satisfy the statement's conditions, if such are found.
    fn satisfied(&self, probe: &Probe<'a>, mut call: Call) -> Option<Call> {
        for check in &probe.checks {
            if !check.holds(&call.request()) && !self.satisfies(probe, &check.key, &mut call) {
                return None;
            }
        }
        probe.applies(&call).then_some(call)
    }

    /// Gives the key a value that satisfies all the statement's conditions on it.
    fn satisfies(&self, probe: &Probe<'a>, key: &str, call: &mut Call) -> bool {
        let all: Vec<&Check<'a>> = probe.checks.iter().filter(|check| check.key == key).collect();
        for check in &all {
            for held in check.suggestions(self.words, &mut call.keys) {
                let old = call.keys.set(check.condition.key(), held);
                if all.iter().all(|check| check.holds(&call.request())) {
                    return true;
                }
                call.keys.set(check.condition.key(), old);
            }
        }
        false
    }

    /// Changes the call until the documents differ about it; if they cannot be made to, it is as it
    /// was, but for keys that variables name.
    fn evade(&self, probe: &Probe<'a>, call: &mut Call, evasions: usize) -> bool {
        let effect = probe.statement.effect();
        let (own, other) = (self.own.decide(call), self.other.decide(call));
        if differs(effect, own, other) {
            return true;
        }
        let denied = matches!(own, Decision::ExplicitlyDenied(_)) && effect == Effect::Allow;
        let blocker = if denied {
            self.own.about(call, Effect::Deny).next()
        } else {
            self.other.about(call, effect).next()
        };
        let Some((blocker, evasions)) = blocker.zip(evasions.checked_sub(1)) else { return false };
        for check in &blocker.checks {
            for held in check.suggestions(self.words, &mut call.keys) {
                if !self.another() {
                    return false;
                }
                let old = call.keys.set(check.condition.key(), held);
                let evades = !check.holds(&call.request()) && probe.applies(call);
                if evades && self.evade(probe, call, evasions) {
                    return true;
                }
                call.keys.set(check.condition.key(), old);
            }
        }
        false
    }
}

/// Whether the effect shows in the first decision and not in the second.
fn differs(effect: Effect, own: Decision, other: Decision) -> bool {
    let denied = |decision| matches!(decision, Decision::ExplicitlyDenied(_));
    match effect {
        Effect::Allow => own.is_allowed() && !other.is_allowed(),
        Effect::Deny => denied(own) && !denied(other),
    }
}
