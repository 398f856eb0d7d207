//! Compiled documents. What a document means is decided here; what may be written, in `validate.rs`.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::decide::{Call, Verdict};
use crate::document::{Document, DocumentKind, Effect};
use crate::error::PolicyError;
use crate::statement::Statement;
use crate::template::{Asked, KeyTable};
use crate::validate;

/// A policy document: parsed, valid for its kind, compiled. Immutable.
#[derive(Clone, Debug)]
pub struct Policy {
    kind: DocumentKind,
    statements: Box<[Arc<Statement>]>,
    /// The statements by what they are about: an index, complete and in any order.
    groups: Box<[Group]>,
    /// The condition keys that the document asks for, in lower case.
    keys: Box<[Arc<str>]>,
}

impl Policy {
    /// Reads a document that is to be attached as `kind`.
    ///
    /// Whatever is accepted is enforced: an element, operator or form that has no meaning here is
    /// an error. Sizes other than [`DOCUMENT_BYTES_MAX`](crate::DOCUMENT_BYTES_MAX) are for the
    /// caller to check.
    ///
    /// # Errors
    /// The first rule of iam.md §2 that the document breaks, and where.
    pub fn parse(kind: DocumentKind, json: &str) -> Result<Self, PolicyError> {
        let document = Document::parse(json)?;
        validate::envelope(kind, &document)?;
        for (index, raw) in document.statements.iter().enumerate() {
            validate::statement(kind, document.variables, index, raw)?;
        }
        Self::assemble(kind, compiled(kind, &document))
    }

    /// Reads a document that was accepted elsewhere and is only to be understood, for simulations.
    ///
    /// Keeps the grammar (unknown elements and operators, repeated keys and the like are errors)
    /// but not the rules for writing: `{"Service": "*"}` matches nobody, a resource that is no ARN
    /// matches nothing, an incomplete ARN is completed, NotPrincipal with Allow reaches nobody.
    ///
    /// # Errors
    /// The first rule of iam.md §2.1 that the document breaks, and where.
    pub fn parse_unvalidated(kind: DocumentKind, json: &str) -> Result<Self, PolicyError> {
        Ok(Self::of(kind, compiled(kind, &Document::parse(json)?)))
    }

    /// Makes a document of `kind` from statements that were compiled one by one, in this order.
    ///
    /// It decides as the document that has them would. Costs about 0.1 µs a statement, so that a
    /// document that differs from another one in a statement need not be compiled again.
    ///
    /// # Errors
    /// What the statements are not allowed to be together: two with one Sid, an Allow beside others
    /// in a resource control policy. Also a statement that was compiled for another kind.
    pub fn assemble(
        kind: DocumentKind,
        statements: Vec<Arc<Statement>>,
    ) -> Result<Self, PolicyError> {
        validate::together(kind, &statements)?;
        Ok(Self::of(kind, statements))
    }

    fn of(kind: DocumentKind, statements: Vec<Arc<Statement>>) -> Self {
        let (groups, keys) = index(&statements);
        Self { kind, statements: statements.into(), groups, keys }
    }

    /// What the document was parsed as.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The statements in the order of the document.
    #[must_use]
    pub fn statements(&self) -> &[Arc<Statement>] {
        &self.statements
    }

    /// Adds what this document says about the call to `verdict`, which has not denied yet.
    pub(crate) fn judge(&self, call: &Call<'_>, verdict: &mut Verdict) {
        let asked = Asked::new(call.context(), &self.keys);
        for group in &self.groups {
            let Some(first) = self.statements.get(group.first) else { continue };
            let known = if first.effect() == Effect::Allow { verdict.allow } else { None };
            let strength = first.scope().names(call, &asked.at(&group.keys), known);
            if strength.is_none() || !group.members.iter().any(|one| self.holds(one, &asked)) {
                continue;
            }
            match first.effect() {
                Effect::Allow => verdict.allow = strength,
                Effect::Deny => {
                    verdict.deny = true;
                    return;
                }
            }
        }
    }

    fn holds(&self, member: &Member, asked: &Asked<'_>) -> bool {
        let statement = self.statements.get(member.position);
        statement.is_some_and(|statement| statement.holds(&asked.at(&member.keys)))
    }
}

fn compiled(kind: DocumentKind, document: &Document) -> Vec<Arc<Statement>> {
    let each = document.statements.iter();
    each.map(|raw| Arc::new(Statement::compile(kind, document.variables, raw))).collect()
}

/// Where a list of condition keys stands in the document's list.
type Places = SmallVec<[usize; 4]>;

/// The statements that differ in nothing but their conditions and Sids.
///
/// A function's policy is mostly that: one grant a source, all of them about the same call, which is
/// thus matched once and not once a statement.
#[derive(Clone, Debug)]
struct Group {
    /// The statement, by position, whose scope stands for all.
    first: usize,
    /// Of the scope's keys.
    keys: Places,
    members: SmallVec<[Member; 1]>,
}

#[derive(Clone, Debug)]
struct Member {
    /// In the document.
    position: usize,
    /// Of its conditions' keys.
    keys: Places,
}

/// Groups the statements by scope, and lists the condition keys of all.
///
/// Two scopes of one hash, which nobody meets by chance, may be scattered over several groups: that
/// costs time and changes nothing.
fn index(statements: &[Arc<Statement>]) -> (Box<[Group]>, Box<[Arc<str>]>) {
    let mut keys = Merger::default();
    let mut order: Vec<Indexed<'_>> = statements.iter().enumerate().collect();
    order.sort_by_key(|(_, statement)| statement.scope_hash());
    let same_scope = |(_, left): &Indexed<'_>, (_, right): &Indexed<'_>| {
        left.scope_hash() == right.scope_hash() && left.scope() == right.scope()
    };
    let groups = order.chunk_by(same_scope);
    let groups = groups.filter_map(|members| Group::new(members, &mut keys)).collect();
    (groups, keys.table.into_names())
}

/// A statement and its position.
type Indexed<'a> = (usize, &'a Arc<Statement>);

impl Group {
    /// `None` without members.
    fn new<'a>(members: &[Indexed<'a>], keys: &mut Merger<'a>) -> Option<Self> {
        let (first, statement) = *members.first()?;
        let own = keys.places(statement.scope().keys());
        let member = |(position, statement): &Indexed<'a>| Member {
            position: *position,
            keys: keys.places(statement.keys()),
        };
        Some(Self { first, keys: own, members: members.iter().map(member).collect() })
    }
}

/// Merges the statements' lists of condition keys into that of the document.
#[derive(Default)]
struct Merger<'a> {
    table: KeyTable,
    /// The last list and its places: neighbours mostly have the same.
    last: (&'a [Arc<str>], Places),
}

impl<'a> Merger<'a> {
    fn places(&mut self, keys: &'a [Arc<str>]) -> Places {
        if self.last.0 != keys {
            self.last = (keys, keys.iter().map(|key| self.table.place(key)).collect());
        }
        self.last.1.clone()
    }
}
