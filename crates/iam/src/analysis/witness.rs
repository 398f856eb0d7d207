//! Finding a call that two documents decide differently.
//!
//! A call is made from a statement of one of them, and changed until no statement of the other one
//! gives the same answer. Whatever is found has been decided by both documents.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::rc::Rc;

use crate::analysis::call::{Call, Judge, Keys};
use crate::analysis::natural;
use crate::analysis::suggest::{self, Check};
use crate::analysis::words::Words;
use crate::analysis::written::{PrincipalName, WrittenCondition, WrittenPolicy, WrittenStatement};
use crate::decide::{Decision, Request};
use crate::document::{DocumentKind, Effect};
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
const SUGGESTIONS_MAX: usize = 64;

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
    /// Whom and what it is about, the rest aside.
    callers: Option<Judge>,
    resources: Option<Judge>,
    checks: Vec<Check<'a>>,
}

impl<'a> Side<'a> {
    /// `json` is the text of `written`.
    pub(crate) fn new(written: &'a WrittenPolicy, json: &str) -> Result<Self, PolicyError> {
        let probe = |statement: &'a WrittenStatement| {
            let (variables, raw) = (statement.has_variables(), statement.raw());
            let resources = raw.resource.as_ref();
            Probe {
                statement,
                judge: Judge::of_statement(written.kind(), variables, raw),
                callers: Judge::of_callers(written.kind(), raw),
                resources: resources.and_then(|listed| Judge::of_resource(variables, listed)),
                checks: Check::of(statement),
            }
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
        let ground = self.ground(probe);
        for base in ground.bases() {
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

    /// Callers, actions and resources that the statement is about.
    fn ground(&self, probe: &Probe<'a>) -> Ground {
        let named = |text: &str| self.named.contains(text);
        let mut actions = suggest::actions(probe.statement, self.words, &self.actions, named);
        actions.truncate(SUGGESTIONS_MAX);
        let mut ground = Ground::default();
        for action in actions {
            let shape = natural::shape(&action).into_owned();
            if !ground.places.contains_key(&shape) {
                let places = self.places(probe, &action, &mut ground);
                ground.places.insert(shape.clone(), places);
            }
            ground.actions.push((action, shape));
        }
        ground
    }

    /// What the statement is about in calls of an action, and who may call there.
    fn places(&self, probe: &Probe<'a>, action: &str, ground: &mut Ground) -> Vec<Place> {
        let named = |text: &str| self.named.contains(text);
        let (statement, keys) = (probe.statement, &mut ground.keys);
        let resources =
            suggest::resources(statement, action, self.words, &self.resources, named, keys);
        let mut places = Vec::new();
        for (resource, account) in resources {
            let partition = resource.split(':').nth(1).unwrap_or("aws").to_owned();
            let home = (partition, account.clone());
            let callers = ground.callers.entry(home).or_insert_with_key(|(partition, account)| {
                self.callers(probe, (partition, account)).into()
            });
            let Some((principal, _)) = callers.first() else { continue };
            let call = Call {
                principal: principal.clone(),
                own_allows: false,
                action: action.to_owned(),
                resource,
                account,
                keys: ground.keys.clone(),
            };
            let judge = probe.resources.as_ref();
            if judge.is_none_or(|judge| judge.applies(&call.request())) {
                let Call { resource, account, .. } = call;
                places.push(Place { resource, account, callers: Rc::clone(callers) });
            }
            if places.len() >= SUGGESTIONS_MAX {
                break;
            }
        }
        places
    }

    /// Whom the statement is about, on a resource of this partition and account; each of them with
    /// and without permission by own policies, where that matters.
    fn callers(&self, probe: &Probe<'a>, home: (&str, &str)) -> Vec<(Principal, bool)> {
        let all = suggest::principals(probe.statement, home, self.words, &self.principals);
        let keys = Keys::default();
        let named = |principal: &Principal| {
            let (action, resource) = ("example:Example", "arn:aws:s3:::example");
            let context = &keys;
            let request =
                Request { principal, action, resource, resource_account: home.1, context };
            probe.callers.as_ref().is_some_and(|judge| judge.applies(&request))
        };
        let mut callers = Vec::new();
        for principal in all.into_iter().filter(named).take(SUGGESTIONS_MAX) {
            let asked = self.asks_own_policies(&principal);
            callers.push((principal.clone(), false));
            callers.extend(asked.then_some((principal, true)));
        }
        callers
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

/// What calls are made of: in each list, the most telling first.
#[derive(Default)]
struct Ground {
    /// Each with the shape of the resources that it is called on.
    actions: Vec<(String, String)>,
    /// By that shape.
    places: HashMap<String, Vec<Place>>,
    /// By partition and account.
    callers: HashMap<(String, String), Callers>,
    /// What variables in resources stand for.
    keys: Keys,
}

/// Callers, with whether their own policies allow the call.
type Callers = Rc<[(Principal, bool)]>;

/// What a call is made on, and by whom.
struct Place {
    resource: String,
    account: String,
    callers: Callers,
}

impl Ground {
    /// Calls without conditions: first those that could be sent, and of them those that are made of
    /// the first of each list.
    fn bases(&self) -> impl Iterator<Item = Call> {
        let mut bases = Vec::new();
        for (by_action, (action, shape)) in self.actions.iter().enumerate() {
            let places = self.places.get(shape).map_or(&[][..], Vec::as_slice);
            for (by_place, place) in places.iter().enumerate() {
                let unsendable = !natural::fits(action, &place.resource);
                for (by_caller, caller) in place.callers.iter().enumerate() {
                    let rank = by_action + by_place + by_caller;
                    bases.push(((unsendable, rank), action, place, caller));
                }
            }
        }
        bases.sort_by_key(|(rank, ..)| *rank);
        bases.into_iter().take(BASES_MAX).map(|(_, action, place, (principal, own_allows))| Call {
            principal: principal.clone(),
            own_allows: *own_allows,
            action: action.clone(),
            resource: place.resource.clone(),
            account: place.account.clone(),
            keys: self.keys.clone(),
        })
    }
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
