//! What a changed document newly allows and denies, and no longer does: by statement, and by
//! example.

use serde::Serialize;

use crate::analysis::call::{Call, Held, Keys};
use crate::analysis::covers::{Comparer, never_applies};
use crate::analysis::finding::Spot;
use crate::analysis::form::Form;
use crate::analysis::style::{Paint, Style};
use crate::analysis::witness::{Search, Side};
use crate::analysis::words::Words;
use crate::analysis::written::{PrincipalName, WrittenPolicy, WrittenStatement};
use crate::decide::Decision;
use crate::document::{DocumentKind, Effect};
use crate::error::{PolicyError, excerpt};
use crate::principal::Principal;

/// How many pairs of characters proving two documents equal may look at.
const STEPS_MAX: usize = 10_000_000;

/// The difference between two documents.
///
/// As JSON: `outcome`, and `changes` with one entry a statement that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Of all changes together.
    pub outcome: Outcome,
    /// Statements that are in one document only, or in both but changed.
    pub changes: Vec<Change>,
}

/// What is known of a change's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Surely none: every statement of each document is covered by the other.
    Equivalent,
    /// None was found, and none was ruled out: not to be taken for [`Equivalent`](Self::Equivalent).
    NoDifferenceFound,
    /// There are calls that the documents decide differently; each example is one.
    Different,
}

/// A statement that is not the same in both documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What happened to it.
    pub kind: ChangeKind,
    /// Whether it allows or denies (afterwards, if that changed).
    pub effect: &'static str,
    /// Where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Spot>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Spot>,
    /// The elements that differ, of a changed statement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<&'static str>,
    /// What is known of its effect.
    pub outcome: Outcome,
    /// What of it no example can show, because it has no callers here: `Principal.Federated`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmodelled: Vec<&'static str>,
    /// Calls that the documents decide differently, because of this change.
    pub examples: Vec<Example>,
}

/// What happened to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Only the new document has it.
    Added,
    /// Only the old document has it.
    Removed,
    /// Both have it, by its Sid, and it says something else.
    Changed,
}

/// A call that two documents decide differently. Both have been asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// In which way.
    pub kind: ExampleKind,
    /// Who calls.
    pub principal: String,
    /// Whether the caller's own policies allow the call, in the example.
    pub identity_allows: bool,
    /// What is called.
    pub action: String,
    /// On what.
    pub resource: String,
    /// Whose that is: 12 digits.
    pub resource_account: String,
    /// The request's condition keys; those that are not here are absent.
    pub context: Keys,
    /// The decision under the old document: `Allowed`, `ImplicitlyDenied` or `ExplicitlyDenied`.
    pub before: &'static str,
    /// The decision under the new document.
    pub after: &'static str,
}

/// How the decisions about a call differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExampleKind {
    /// Was not allowed, is allowed.
    NewlyAllowed,
    /// Was allowed, is not.
    NoLongerAllowed,
    /// Was not allowed and is now denied, whatever else allows.
    NewlyDenied,
    /// Was denied; is still not allowed, but could be.
    NoLongerDenied,
}

/// Compares two documents of `kind`, by what they say alone: in the examples every other policy
/// that has a say allows, or is silent where that is what lets the difference show.
///
/// A difference is searched for by calls at the edges of all that the documents say: by their
/// principals, actions, resources, and the values on both sides of each value of a condition. The
/// search is bounded: for each changed statement at most 1,500 combinations of caller, action and
/// resource, 6,000 decisions, 60,000 values of condition keys, and the first 64 entries of a list,
/// those first that the other document lacks. What is neither found nor ruled out is
/// [`Outcome::NoDifferenceFound`].
///
/// Takes some milliseconds for full function policies of which a few statements changed.
///
/// # Errors
/// If one of the documents cannot be understood: as
/// [`Policy::parse_unvalidated`](crate::Policy::parse_unvalidated).
pub fn diff(kind: DocumentKind, old: &str, new: &str) -> Result<Difference, PolicyError> {
    let (before, after) = (WrittenPolicy::parse(kind, old)?, WrittenPolicy::parse(kind, new)?);
    let (old_side, new_side) = (Side::new(&before, old)?, Side::new(&after, new)?);
    let words = Words::new([old, new]);
    let documents = Documents {
        old: &before,
        new: &after,
        lost: Search::new(&old_side, &new_side, &words),
        gained: Search::new(&new_side, &old_side, &words),
        old_side: &old_side,
        new_side: &new_side,
        proof: Proof::new(&before, &after),
    };
    let pairs = pairs(&before, &after);
    let changes: Vec<Change> = pairs.into_iter().map(|pair| documents.change(pair)).collect();
    let outcome = if changes.iter().any(|change| change.outcome == Outcome::Different) {
        Outcome::Different
    } else if changes.iter().all(|change| change.outcome == Outcome::Equivalent) {
        Outcome::Equivalent
    } else {
        Outcome::NoDifferenceFound
    };
    Ok(Difference { outcome, changes })
}

/// A statement of the old document and one of the new, either of which may be missing.
type Pair<'a> = (Option<&'a WrittenStatement>, Option<&'a WrittenStatement>);

/// The statements that are not the same in both documents.
fn pairs<'a>(old: &'a WrittenPolicy, new: &'a WrittenPolicy) -> Vec<Pair<'a>> {
    let mut olds: Vec<&WrittenStatement> = old.statements().iter().collect();
    let mut news: Vec<&WrittenStatement> = new.statements().iter().collect();
    news.retain(|new| match olds.iter().position(|old| says_same(old, new)) {
        None => true,
        Some(at) => {
            olds.swap_remove(at);
            false
        }
    });
    olds.sort_by_key(|old| old.index());
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for old in olds {
        let sid = old.sid().filter(|sid| !sid.is_empty());
        let at = sid.and_then(|sid| news.iter().position(|new| new.sid() == Some(sid)));
        pairs.push((Some(old), at.map(|at| news.remove(at))));
    }
    pairs.extend(news.into_iter().map(|new| (None, Some(new))));
    pairs
}

/// Whether two statements say the same, whatever their ids.
fn says_same(old: &WrittenStatement, new: &WrittenStatement) -> bool {
    let variables = old.has_variables() == new.has_variables() || !old.json().contains("${");
    variables && elements(old, new).is_empty()
}

/// The elements that differ, ids aside.
fn elements(old: &WrittenStatement, new: &WrittenStatement) -> Vec<&'static str> {
    let (old, new) = (old.raw(), new.raw());
    let differ = [
        ("Effect", old.effect != new.effect),
        ("Principal", old.principal != new.principal),
        ("Action", old.action != new.action),
        ("Resource", old.resource != new.resource),
        ("Condition", old.conditions != new.conditions),
    ];
    differ.into_iter().filter(|(_, differ)| *differ).map(|(name, _)| name).collect()
}

/// What is needed to judge a change.
struct Documents<'s, 'a> {
    old: &'a WrittenPolicy,
    new: &'a WrittenPolicy,
    old_side: &'s Side<'a>,
    new_side: &'s Side<'a>,
    /// For what only the old document says.
    lost: Search<'s, 'a>,
    /// For what only the new document says.
    gained: Search<'s, 'a>,
    proof: Proof<'a>,
}

impl Documents<'_, '_> {
    fn change(&self, (old, new): Pair<'_>) -> Change {
        let position = |policy: &WrittenPolicy, statement: &WrittenStatement| {
            let same = |one: &WrittenStatement| one.index() == statement.index();
            policy.statements().iter().position(same)
        };
        let lost = old.and_then(|old| self.lost.witness(position(self.old, old)?));
        let gained = new.and_then(|new| self.gained.witness(position(self.new, new)?));
        let examples: Vec<Example> =
            gained.into_iter().chain(lost).filter_map(|call| self.example(call)).collect();
        let covered = || {
            old.is_none_or(|old| self.proof.covered(old, Document::New))
                && new.is_none_or(|new| self.proof.covered(new, Document::Old))
        };
        let outcome = if !examples.is_empty() {
            Outcome::Different
        } else if covered() {
            Outcome::Equivalent
        } else {
            Outcome::NoDifferenceFound
        };
        let both = old.zip(new);
        Change {
            kind: match (old, new) {
                (None, _) => ChangeKind::Added,
                (Some(_), None) => ChangeKind::Removed,
                (Some(_), Some(_)) => ChangeKind::Changed,
            },
            effect: new.or(old).map_or("Allow", |one| effect_name(one.effect())),
            old: old.map(WrittenStatement::spot),
            new: new.map(WrittenStatement::spot),
            elements: both.map(|(old, new)| elements(old, new)).unwrap_or_default(),
            outcome,
            unmodelled: unmodelled(old.into_iter().chain(new)),
            examples,
        }
    }

    /// The call as an example, if the documents do differ about it.
    fn example(&self, call: Call) -> Option<Example> {
        let (before, after) = (self.old_side.decide(&call), self.new_side.decide(&call));
        let (before, after) = (decision_name(before), decision_name(after));
        let kind = match (before, after) {
            (before, after) if before == after => return None,
            (_, "Allowed") => ExampleKind::NewlyAllowed,
            ("Allowed", _) => ExampleKind::NoLongerAllowed,
            (_, "ExplicitlyDenied") => ExampleKind::NewlyDenied,
            _ => ExampleKind::NoLongerDenied,
        };
        Some(Example {
            kind,
            principal: call.principal.to_string(),
            identity_allows: call.own_allows,
            action: call.action,
            resource: call.resource,
            resource_account: call.account,
            context: call.keys,
            before,
            after,
        })
    }
}

/// What no example can show of the statements: identity providers whose bearers never call.
fn unmodelled<'a>(statements: impl Iterator<Item = &'a WrittenStatement>) -> Vec<&'static str> {
    let never_calls = |name| match name {
        PrincipalName::Federated(provider) => Principal::parse(provider).is_err(),
        _ => false,
    };
    let found = statements.flat_map(WrittenStatement::principals).any(never_calls);
    found.then_some("Principal.Federated").into_iter().collect()
}

fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    }
}

fn decision_name(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "Allowed",
        Decision::ImplicitlyDenied(_) => "ImplicitlyDenied",
        Decision::ExplicitlyDenied(_) => "ExplicitlyDenied",
    }
}

/// Shows that a statement changes nothing: it never applies, or the other document has one that
/// covers it.
struct Proof<'a> {
    comparer: Comparer,
    old: Vec<Form<'a>>,
    new: Vec<Form<'a>>,
}

#[derive(Clone, Copy)]
enum Document {
    Old,
    New,
}

impl<'a> Proof<'a> {
    fn new(old: &'a WrittenPolicy, new: &'a WrittenPolicy) -> Self {
        let forms = |policy: &'a WrittenPolicy| policy.statements().iter().map(Form::of).collect();
        Self { comparer: Comparer::new(STEPS_MAX), old: forms(old), new: forms(new) }
    }

    fn covered(&self, statement: &WrittenStatement, by: Document) -> bool {
        let forms = match by {
            Document::Old => &self.old,
            Document::New => &self.new,
        };
        let form = Form::of(statement);
        never_applies(&form) || forms.iter().any(|wide| self.comparer.covers(wide, &form))
    }
}

impl Difference {
    /// The difference for a person: a paragraph a change, then what all of them come to.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut text: String = self.changes.iter().map(|change| change.text(style)).collect();
        let outcome = match self.outcome {
            Outcome::Equivalent if self.changes.is_empty() => "The documents say the same.",
            Outcome::Equivalent => "The documents are written differently and decide alike.",
            Outcome::NoDifferenceFound => {
                "No call was found that the documents decide differently, but they are not proven to \
                 decide alike: there may be one."
            }
            Outcome::Different => "The documents decide differently.",
        };
        text.push_str(&style.paint(Paint::Strong, outcome));
        text.push('\n');
        text
    }
}

impl Change {
    fn text(&self, style: Style) -> String {
        let spot = |spot: &Option<Spot>| spot.as_ref().map(Spot::text).unwrap_or_default();
        let (head, paint) = match self.kind {
            ChangeKind::Added => (format!("+ {} added", spot(&self.new)), Paint::Good),
            ChangeKind::Removed => (format!("- {} removed", spot(&self.old)), Paint::Bad),
            ChangeKind::Changed => {
                let elements = match self.elements.as_slice() {
                    [] => "Version".to_owned(),
                    elements => elements.join(", "),
                };
                (format!("~ {} changed: {elements}", spot(&self.new)), Paint::Doubtful)
            }
        };
        let mut text = format!("{} ({})\n", style.paint(paint, &head), self.effect);
        for example in &self.examples {
            text.push_str(&example.text(style));
        }
        match self.outcome {
            Outcome::Equivalent => text.push_str("  surely changes nothing\n"),
            Outcome::NoDifferenceFound => text.push_str("  no difference found, none ruled out\n"),
            Outcome::Different => {}
        }
        if !self.unmodelled.is_empty() {
            text.push_str("  callers of other identity providers (Federated) than OpenID Connect are not modelled\n");
        }
        text
    }
}

impl Example {
    fn text(&self, style: Style) -> String {
        let (kind, paint) = match self.kind {
            ExampleKind::NewlyAllowed => ("newly allowed", Paint::Good),
            ExampleKind::NoLongerAllowed => ("no longer allowed", Paint::Bad),
            ExampleKind::NewlyDenied => ("newly denied", Paint::Bad),
            ExampleKind::NoLongerDenied => ("no longer denied", Paint::Good),
        };
        let own = if self.identity_allows { " (whose own policies allow it)" } else { "" };
        let mut text = format!(
            "  {} {}{own}: {} on {}\n",
            style.paint(paint, kind),
            excerpt(&self.principal),
            excerpt(&self.action),
            excerpt(&self.resource)
        );
        for (key, held) in self.context.iter() {
            let value = match held {
                Held::Single(value) => format!("\"{}\"", excerpt(value)),
                Held::Multiple(values) => {
                    let values: Vec<String> =
                        values.iter().map(|value| format!("\"{}\"", excerpt(value))).collect();
                    format!("[{}]", values.join(", "))
                }
            };
            text.push_str(&format!("    with {} = {value}\n", excerpt(key)));
        }
        text.push_str(&format!("    before: {}, after: {}\n", self.before, self.after));
        text
    }
}
