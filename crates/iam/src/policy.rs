//! Compiled documents. What a document means is decided here; what may be written, in `validate.rs`.

use std::sync::Arc;

use portcullis_json::Json;

use crate::binding::Bindings;
use crate::decide::Call;
use crate::document::{self, DocumentKind, Effect};
use crate::error::PolicyError;
use crate::grant::Strength;
use crate::index::{Builder, Document, Index};
use crate::statement::Statement;
use crate::validate;

/// A policy document: parsed, valid for its kind, compiled. Immutable. Source: iam.md §2.
#[derive(Clone, Debug)]
pub struct Policy {
    kind: DocumentKind,
    /// Whether `${…}` are variables in what is added to it.
    variables: bool,
    statements: Box<[Arc<Statement>]>,
    /// Those that deny.
    denies: Index,
    /// Those that allow.
    allows: Index,
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
        Self::read(kind, document::tree(json)?.root())
    }

    /// As [`parse`](Self::parse), of a document whose principals were bound to unique ids.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_bound(
        kind: DocumentKind,
        json: &str,
        bindings: &Bindings,
    ) -> Result<Self, PolicyError> {
        Self::read_bound(kind, document::tree(json)?.root(), bindings)
    }

    /// As [`parse`](Self::parse), of a document that is part of a larger text.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn read(kind: DocumentKind, json: Json<'_, '_>) -> Result<Self, PolicyError> {
        Self::read_bound(kind, json, &Bindings::default())
    }

    fn read_bound(
        kind: DocumentKind,
        json: Json<'_, '_>,
        bindings: &Bindings,
    ) -> Result<Self, PolicyError> {
        let document = document::Document::read(json)?;
        validate::envelope(kind, document.has_id)?;
        for (index, raw) in document.statements.iter().enumerate() {
            validate::statement(kind, document.variables, index, raw)?;
        }
        let policy = Self::assemble(kind, compiled(kind, &document, bindings))?;
        Ok(Self { variables: document.variables, ..policy })
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
        Self::read_unvalidated(kind, document::tree(json)?.root())
    }

    /// As [`parse_unvalidated`](Self::parse_unvalidated), of a document that is part of a larger
    /// text.
    ///
    /// # Errors
    /// As [`parse_unvalidated`](Self::parse_unvalidated).
    pub fn read_unvalidated(kind: DocumentKind, json: Json<'_, '_>) -> Result<Self, PolicyError> {
        let document = document::Document::read(json)?;
        let policy = Self::of(kind, compiled(kind, &document, &Bindings::default()));
        Ok(Self { variables: document.variables, ..policy })
    }

    /// Makes a document of `kind` from statements that were compiled one by one, in this order.
    ///
    /// It decides as the document that has them would. Costs about 0.3 µs a statement, so that a
    /// document that differs from another one in a statement need not be compiled again.
    ///
    /// # Errors
    /// What the statements are not allowed to be together: two with one Sid, an Allow beside others
    /// in a resource control policy. Also a statement that was compiled for another kind.
    pub fn assemble(
        kind: DocumentKind,
        statements: Vec<Arc<Statement>>,
    ) -> Result<Self, PolicyError> {
        let members = statements.iter().enumerate().map(|(index, one)| validate::Member {
            index,
            kind: one.kind(),
            sid: one.sid(),
            effect: one.effect(),
        });
        validate::together(kind, members)?;
        Ok(Self::of(kind, statements))
    }

    fn of(kind: DocumentKind, statements: Vec<Arc<Statement>>) -> Self {
        let of = |effect| {
            statements.iter().enumerate().filter(move |(_, statement)| statement.effect() == effect)
        };
        let mut builder = Builder::default();
        let denies = builder.index(of(Effect::Deny).collect());
        let allows = builder.index(of(Effect::Allow).collect());
        let keys = builder.into_keys();
        let variables = statements.iter().all(|one| one.has_variables());
        Self { kind, variables, statements: statements.into(), denies, allows, keys }
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

    /// The condition keys that the document names, in conditions and variables; in lower case.
    #[must_use]
    pub fn condition_keys(&self) -> &[Arc<str>] {
        &self.keys
    }

    /// Whether `${…}` are variables in what is added to it.
    pub(crate) fn has_variables(&self) -> bool {
        self.variables
    }

    /// A Deny that applies, by its place.
    #[inline]
    pub(crate) fn denying(&self, call: &Call<'_>) -> Option<usize> {
        // However weakly a Deny names the caller, it denies.
        self.denies.found(self.document(), call, None, Strength::Account).map(|(_, at)| at)
    }

    /// The strongest Allow that applies, if it is stronger than `known`, and its place.
    #[inline]
    pub(crate) fn allowing(
        &self,
        call: &Call<'_>,
        known: Option<Strength>,
    ) -> Option<(Strength, usize)> {
        self.allows.found(self.document(), call, known, Strength::Wildcard)
    }

    fn document(&self) -> Document<'_> {
        Document { statements: &self.statements, keys: &self.keys }
    }
}

fn compiled(
    kind: DocumentKind,
    document: &document::Document,
    bindings: &Bindings,
) -> Vec<Arc<Statement>> {
    let variables = document.variables;
    let compile = |(raw, text): (_, &&str)| {
        Arc::new(Statement::compile(kind, variables, raw, text, bindings))
    };
    document.statements.iter().zip(&document.texts).map(compile).collect()
}
