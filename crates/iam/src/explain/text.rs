//! Explanations as text for a person: what decided, what missed, what to do.

use std::fmt::Write as _;

use super::{
    Actual, Applied, DocumentReference, Explanation, Held, Homonym, Miss, MissedPart, Naming,
    Nearest, StatementReference, TypeTrace, Verdict, Way,
};
use crate::analysis::{Paint, Style};
use crate::decide::{Decision, PolicyType};

impl Explanation<'_> {
    /// The explanation for a person, in lines; the first says what was decided.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let mut page = Page { style, text: String::new() };
        page.head(self);
        for one in &self.trace {
            page.type_trace(one);
        }
        if let Some(nearest) = &self.nearest {
            page.nearest(nearest);
        }
        page.ways(self);
        page.text
    }
}

/// The text so far. Writing to it cannot fail.
struct Page {
    style: Style,
    text: String,
}

impl Page {
    fn line(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.text, "{line}");
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        self.style.paint(paint, text)
    }

    fn head(&mut self, all: &Explanation<'_>) {
        let place = all.deciding.map(|one| self.place(&one, all.name(one.document)));
        let by = place.map(|place| format!(" by {place}"));
        let (paint, word, why) = match all.decision {
            Decision::Allowed => {
                let root = || ": the root user needs no grant in its own account".to_owned();
                (Paint::Good, "Allowed", by.unwrap_or_else(root))
            }
            Decision::ImplicitlyDenied(kind) => {
                (Paint::Bad, "Denied", format!(": no {kind} allows it"))
            }
            Decision::ExplicitlyDenied(kind) => {
                let some = || format!(": {} denies it", with_article(kind));
                (Paint::Bad, "Denied", by.unwrap_or_else(some))
            }
        };
        let word = self.paint(paint, word);
        self.line(format_args!("{word}{why}"));
        let (resource, account) = (shown(&all.resource), shown(&all.resource_account));
        self.line(format_args!("  caller    {}", shown(&all.caller)));
        self.line(format_args!("  action    {}", shown(&all.action)));
        self.line(format_args!("  resource  {resource} (account {account})"));
        self.line("");
    }

    fn type_trace(&mut self, one: &TypeTrace<'_>) {
        let (paint, says) = match one.verdict {
            Verdict::Denies => (Paint::Bad, "denies"),
            Verdict::Allows => (Paint::Good, "allows"),
            Verdict::Silent => (Paint::Doubtful, "silent"),
            Verdict::Absent | Verdict::Irrelevant => (Paint::Faint, "not asked"),
        };
        let reason = one.reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let says = self.paint(paint, &format!("{says}{reason}"));
        self.line(format_args!("{:24}{says}", one.policy_type.to_string()));
        for applied in &one.denies {
            self.applied("denies", applied);
            applied.conditions.iter().for_each(|condition| self.held(condition));
        }
        for applied in &one.allows {
            self.applied("allows", applied);
        }
        for level in &one.silent_levels {
            self.line(format_args!("  nothing allows at level {level}, where 0 is the root"));
        }
    }

    fn applied(&mut self, what: &str, applied: &Applied<'_>) {
        let place = self.place(&applied.reference, applied.document_name.as_deref());
        let named = match applied.names_caller {
            Naming::Account => ", to the account: its administrator decides",
            Naming::Parent => ", to the role or user behind the session",
            Naming::Everyone | Naming::Itself | Naming::Service => "",
        };
        self.line(format_args!("  {what}: {place}{named}"));
    }

    /// A condition of a Deny: what one may change to be spared.
    fn held(&mut self, held: &Held) {
        let (expected, actual) = (expected(&held.expected), actual(&held.actual));
        let (operator, key) = (&held.operator, shown(&held.key));
        self.line(format_args!("    as {operator} {key} {expected} holds: {actual}"));
    }

    /// `statement "s3" of NAME`, or by its number.
    fn place(&self, reference: &StatementReference<'_>, name: Option<&str>) -> String {
        let statement = match reference.sid {
            Some(sid) if !sid.is_empty() => format!("\"{}\"", shown(sid)),
            _ => (reference.statement + 1).to_string(),
        };
        let statement = self.paint(Paint::Strong, &format!("statement {statement}"));
        let named = name.map_or_else(|| document(reference.document), shown);
        format!("{statement} of {named}")
    }

    fn nearest(&mut self, nearest: &Nearest<'_>) {
        let place = self.place(&nearest.reference, nearest.document_name.as_deref());
        let parts = match nearest.misses.len() {
            1 => "one part".to_owned(),
            count => format!("{count} parts"),
        };
        self.line("");
        self.line(format_args!("Nearest: {place} would allow it, but for {parts}"));
        for miss in &nearest.misses {
            self.miss(miss);
        }
    }

    fn miss(&mut self, miss: &Miss) {
        let part = match &miss.part {
            MissedPart::Action => "action".to_owned(),
            MissedPart::Principal => "principal".to_owned(),
            MissedPart::Resource => "resource".to_owned(),
            MissedPart::Condition { operator, key } => {
                format!("condition {operator} {}", shown(key))
            }
        };
        let not = if miss.negated { "anything but " } else { "" };
        let (expected, actual) = (expected(&miss.expected), actual(&miss.actual));
        self.line(format_args!("  {}", self.paint(Paint::Strong, &part)));
        self.line(format_args!("    expected  {not}{expected}"));
        self.line(format_args!("    actual    {actual}"));
        if let Some(parting) = &miss.parting {
            let end = |rest: &str| if rest.is_empty() { "its end".to_owned() } else { shown(rest) };
            let (expected, actual) = (end(&parting.pattern_rest), end(&parting.actual_rest));
            self.line(format_args!("    they part at byte {}: {expected} | {actual}", parting.at));
        }
        if let Some(homonym) = &miss.homonym {
            self.homonym(homonym);
        }
        if let Some(note) = &miss.note {
            self.line(format_args!("    note      {}", shown(note)));
        }
    }

    /// The names fit, and so the ids are told.
    fn homonym(&mut self, homonym: &Homonym) {
        let Homonym { principal, expected_id, actual_id } = homonym;
        let actual_id = actual_id.as_deref().unwrap_or("(not known)");
        self.line(format_args!("    expected id  {}", shown(expected_id)));
        self.line(format_args!("    actual id    {}", shown(actual_id)));
        self.line(format_args!(
            "    note      {} was made anew: the policy means who had the name before",
            shown(principal)
        ));
    }

    fn ways(&mut self, all: &Explanation<'_>) {
        match (all.decision, all.ways.as_slice()) {
            (Decision::Allowed, _) => {}
            (Decision::ExplicitlyDenied(_), _) => {
                self.line("");
                self.line("To allow it, change or remove what denies: no grant outweighs a Deny.");
            }
            (Decision::ImplicitlyDenied(_), []) => {
                self.line("");
                self.line("No single grant would allow it.");
            }
            (Decision::ImplicitlyDenied(_), [first, others @ ..]) => {
                self.way("To allow it, add", first);
                for other in others {
                    self.way("Or add", other);
                }
            }
        }
    }

    fn way(&mut self, verb: &str, way: &Way) {
        self.line("");
        for (at, grant) in way.grants.iter().enumerate() {
            let verb = if at == 0 { verb } else { "and" };
            let level = grant.level.map(|level| format!(", level {level}")).unwrap_or_default();
            let kind = with_article(grant.policy_type);
            self.line(format_args!("{verb} to {kind}{level}:"));
            self.line(format_args!("  {}", shown(&grant.statement)));
            if let Some(warning) = grant.warning {
                let word = self.paint(Paint::Doubtful, "careful");
                self.line(format_args!("  {word}: {warning}"));
            }
            if let Some(command) = &grant.command {
                self.line(format_args!("  {}", self.paint(Paint::Strong, &shown(command))));
            }
        }
    }
}

/// A text that others wrote, on one line and without what a terminal obeys: documents and requests
/// may hold anything.
fn shown(text: &str) -> String {
    let shown = |one: char| {
        let escaped = one.is_control().then(|| one.escape_default());
        let plain = Some(one).filter(|_| escaped.is_none());
        escaped.into_iter().flatten().chain(plain)
    };
    text.chars().flat_map(shown).collect()
}

fn expected(values: &[String]) -> String {
    if values.is_empty() { "(nothing is listed)".to_owned() } else { shown(&values.join(" or ")) }
}

fn actual(actual: &Actual) -> String {
    match actual {
        Actual::Text(text) => shown(text),
        Actual::List(texts) => shown(&texts.join(", ")),
        Actual::Missing => "(not in the request)".to_owned(),
    }
}

fn with_article(kind: PolicyType) -> String {
    let article = if kind == PolicyType::Identity { "an" } else { "a" };
    format!("{article} {kind}")
}

/// A document without a name, by its place.
fn document(reference: DocumentReference) -> String {
    let level = reference.level.map(|level| format!(" at level {level}")).unwrap_or_default();
    format!("{} {}{level}", reference.policy_type, reference.document + 1)
}
