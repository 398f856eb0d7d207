//! The statements of a document by what they are about, so that a call meets the few that can apply.
//! Source: design.md §5.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::choice;
use crate::context::Value;
use crate::decide::{Action, Call};
use crate::grant::{self, Strength};
use crate::prefixes::{INDEXED_MIN, Outline, Prefixes};
use crate::statement::{Scope, Statement};
use crate::template::{Asked, KeyId, KeyTable, Memory};

/// The statements of one effect, as a tree: those with one action part, of these those with one
/// principal part, of these those with one resource part.
///
/// What statements have in common is thus matched once. A function's policy is mostly grants that
/// differ in one thing, the principal or the source; where they are many, that one thing is looked
/// up rather than tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// Of `actions`: all.
    root: Children,
    /// Their children are in `principals`.
    actions: Box<[Branch]>,
    /// Their children are in `resources`.
    principals: Box<[Branch]>,
    resources: Box<[Leaf]>,
    members: Box<[Member]>,
}

/// Neighbours in a list, and where to find those that a text begins with.
#[derive(Clone, Debug, Default)]
struct Children {
    range: Range<usize>,
    index: Option<Box<Prefixes>>,
}

/// Statements that are the same in one part.
#[derive(Clone, Debug)]
struct Branch {
    /// The statement, by position in the document, whose part stands for all.
    first: usize,
    children: Children,
}

/// Statements that differ in nothing but their conditions and Sids.
#[derive(Clone, Debug)]
struct Leaf {
    first: usize,
    /// Of the scope's keys.
    keys: Places,
    /// In `members`.
    members: Children,
    /// The key whose value the members are found by, if they are indexed.
    key: u32,
}

#[derive(Clone, Debug)]
struct Member {
    /// In the document.
    position: usize,
    /// Of its conditions' keys.
    keys: Places,
}

/// Where a list of condition keys stands in the document's list.
type Places = SmallVec<[u32; 4]>;

impl Children {
    fn new<'a>(range: Range<usize>, outlines: impl Iterator<Item = (Outline<'a>, usize)>) -> Self {
        let index = (range.len() >= INDEXED_MIN).then(|| Box::new(Prefixes::new(outlines)));
        Self { range, index }
    }

    /// Whether `test` holds of a child that can cover `text`.
    #[inline]
    fn any(&self, text: &[u8], test: impl FnMut(usize) -> bool) -> bool {
        match &self.index {
            None => self.range.clone().any(test),
            Some(index) => index.any(text, test),
        }
    }
}

impl Index {
    /// The strongest way in which some statement that applies names the caller, and that statement,
    /// by position in the document; `None` if none does more strongly than `known`. What is
    /// `enough` ends the search.
    #[inline]
    pub(crate) fn found(
        &self,
        document: Document<'_>,
        call: &Call<'_>,
        known: Option<Strength>,
        enough: Strength,
    ) -> Option<(Strength, usize)> {
        if self.members.is_empty() {
            return None;
        }
        let mut search = Search::new(self, document, call, known, enough);
        search.actions();
        search.known.zip(search.found.get())
    }
}

/// What an index is about.
#[derive(Clone, Copy)]
pub(crate) struct Document<'d> {
    pub(crate) statements: &'d [Arc<Statement>],
    /// The condition keys that they ask for, in lower case.
    pub(crate) keys: &'d [Arc<str>],
}

/// One search for statements that apply. Each step says whether the search, or that part of it, is
/// over.
struct Search<'s, 'r> {
    index: &'s Index,
    document: Document<'s>,
    call: &'s Call<'r>,
    known: Option<Strength>,
    enough: Strength,
    /// The statement that `known` is of, once it is the search's own.
    found: Cell<Option<usize>>,
}

impl<'s, 'r> Search<'s, 'r> {
    fn new(
        index: &'s Index,
        document: Document<'s>,
        call: &'s Call<'r>,
        known: Option<Strength>,
        enough: Strength,
    ) -> Self {
        Self { index, document, call, known, enough, found: Cell::new(None) }
    }

    fn actions(&mut self) -> bool {
        let root = &self.index.root;
        match self.call.action() {
            Action::Lower(text) => root.any(text, |at| self.action(at)),
            Action::AsWritten(_) => root.range.clone().any(|at| self.action(at)),
        }
    }

    fn action(&mut self, at: usize) -> bool {
        let Some((scope, branch)) = self.branch(&self.index.actions, at) else { return false };
        scope.has_action(self.call.action()) && {
            let children = &branch.children;
            match &children.index {
                None => children.range.clone().any(|at| self.principal(at)),
                Some(index) => {
                    grant::any_naming(index, self.call.caller(), |at| self.principal(at))
                }
            }
        }
    }

    fn principal(&mut self, at: usize) -> bool {
        let Some((scope, branch)) = self.branch(&self.index.principals, at) else { return false };
        let strength = scope.strength(self.call);
        if strength <= self.known {
            return false;
        }
        let (context, keys) = (self.call.context(), self.document.keys);
        let applies = if keys.is_empty() {
            self.resources(branch, &Asked::forgetful(context, keys))
        } else {
            let memory = Memory::default();
            self.resources(branch, &Asked::new(context, keys, &memory))
        };
        if applies {
            self.known = strength;
        }
        self.known >= Some(self.enough)
    }

    fn resources(&self, branch: &Branch, asked: &Asked<'_, '_>) -> bool {
        branch.children.any(self.call.resource().as_bytes(), |at| self.resource(at, asked))
    }

    fn resource(&self, at: usize, asked: &Asked<'_, '_>) -> bool {
        let Some(leaf) = self.index.resources.get(at) else { return false };
        let Some(first) = self.document.statements.get(leaf.first) else { return false };
        if !first.scope().has_resource(self.call, &asked.at(&leaf.keys)) {
            return false;
        }
        let members = &leaf.members;
        let Some(index) = &members.index else {
            return members.range.clone().any(|at| self.member(at, asked));
        };
        let spare = OnceCell::new();
        match asked.get(leaf.key, &spare) {
            Some(Value::Single(text)) => index.any(text.as_bytes(), |at| self.member(at, asked)),
            Some(Value::Multiple(_)) if choice::PLAIN_OPERATOR_HOLDS_ON_A_LIST => {
                members.range.clone().any(|at| self.member(at, asked))
            }
            // Those that require nothing of the key.
            Some(Value::Multiple(_)) | None => index.any(b"", |at| self.member(at, asked)),
        }
    }

    fn member(&self, at: usize, asked: &Asked<'_, '_>) -> bool {
        let Some(member) = self.index.members.get(at) else { return false };
        let statement = self.document.statements.get(member.position);
        let holds = statement.is_some_and(|statement| statement.holds(&asked.at(&member.keys)));
        if holds {
            self.found.set(Some(member.position));
        }
        holds
    }

    fn branch(&self, level: &'s [Branch], at: usize) -> Option<(&'s Scope, &'s Branch)> {
        let branch = level.get(at)?;
        Some((self.document.statements.get(branch.first)?.scope(), branch))
    }
}

/// A statement and its position in the document.
type Placed<'a> = (usize, &'a Arc<Statement>);

/// Makes indexes, and the list of the condition keys that they ask for.
#[derive(Default)]
pub(crate) struct Builder<'a> {
    keys: KeyTable,
    /// The last list of keys and its places: neighbours mostly have the same.
    last: (&'a [Arc<str>], Places),
    principals: Vec<Branch>,
    resources: Vec<Leaf>,
    members: Vec<Member>,
}

/// Statements that are the same in some parts.
type Group<'g, 'a> = &'g [Placed<'a>];

impl<'a> Builder<'a> {
    /// The index of some statements of a document.
    ///
    /// Two parts of one hash, which nobody meets by chance, may be scattered over several branches:
    /// that costs time and changes nothing.
    pub(crate) fn index(&mut self, mut statements: Vec<Placed<'a>>) -> Index {
        statements.sort_by_key(|(_, statement)| statement.scope().hashes());
        let groups = grouped(&statements, Scope::has_action_of);
        let root = children(0, &groups, Scope::action_outlines);
        let actions = groups.iter().filter_map(|group| self.action(group)).collect();
        Index {
            root,
            actions,
            principals: std::mem::take(&mut self.principals).into(),
            resources: std::mem::take(&mut self.resources).into(),
            members: std::mem::take(&mut self.members).into(),
        }
    }

    /// The condition keys of all indexes, in lower case.
    pub(crate) fn into_keys(self) -> Box<[Arc<str>]> {
        self.keys.into_names()
    }

    /// The branch of statements with one action part; `None` without any.
    fn action(&mut self, group: Group<'_, 'a>) -> Option<Branch> {
        let (first, _) = *group.first()?;
        let groups = grouped(group, Scope::has_principal_of);
        let branches: SmallVec<[_; 4]> =
            groups.iter().filter_map(|group| self.principal(group)).collect();
        let children = children(self.principals.len(), &groups, Scope::principal_outlines);
        self.principals.extend(branches);
        Some(Branch { first, children })
    }

    /// Of these the branch of those with one principal part.
    fn principal(&mut self, group: Group<'_, 'a>) -> Option<Branch> {
        let (first, _) = *group.first()?;
        let groups = grouped(group, Scope::has_resource_of);
        let leaves: SmallVec<[_; 4]> = groups.iter().filter_map(|group| self.leaf(group)).collect();
        let children = children(self.resources.len(), &groups, Scope::resource_outlines);
        self.resources.extend(leaves);
        Some(Branch { first, children })
    }

    /// Of these those with one resource part.
    fn leaf(&mut self, group: Group<'_, 'a>) -> Option<Leaf> {
        let (first, statement) = *group.first()?;
        let keys = self.places(statement.scope().keys());
        let (key, members) = self.members(group);
        Some(Leaf { first, keys, members, key })
    }

    /// The members of a leaf, and the key whose value they are found by.
    fn members(&mut self, group: Group<'_, 'a>) -> (u32, Children) {
        let start = self.members.len();
        for (position, statement) in group {
            let keys = self.places(statement.keys());
            self.members.push(Member { position: *position, keys });
        }
        let members = self.members.get(start..).unwrap_or_default();
        let asked = if members.len() < INDEXED_MIN { None } else { telling(group, members) };
        let Some(key) = asked else {
            return (0, Children { range: start..self.members.len(), index: None });
        };
        let texts =
            group.iter().zip(members).enumerate().flat_map(|(at, ((_, statement), member))| {
                required(statement, member, key).into_iter().map(move |text| (text, start + at))
            });
        (key, Children::new(start..self.members.len(), texts))
    }

    fn places(&mut self, keys: &'a [Arc<str>]) -> Places {
        if self.last.0 != keys {
            self.last = (keys, keys.iter().map(|key| self.keys.place(key)).collect());
        }
        self.last.1.clone()
    }
}

/// Splits neighbours that are not the same.
fn grouped<'g, 'a>(
    all: Group<'g, 'a>,
    same: impl Fn(&Scope, &Scope) -> bool,
) -> SmallVec<[Group<'g, 'a>; 4]> {
    all.chunk_by(|(_, left), (_, right)| same(left.scope(), right.scope())).collect()
}

/// The children that groups become, from position `start`; `outlines` are those of their part.
fn children<'a, O: Iterator<Item = Outline<'a>>>(
    start: usize,
    groups: &[Group<'_, 'a>],
    outlines: impl Fn(&'a Scope) -> O,
) -> Children {
    let scopes = groups.iter().filter_map(|group| Some(group.first()?.1.scope()));
    let pairs = (start..).zip(scopes);
    let pairs = pairs.flat_map(|(at, scope)| outlines(scope).map(move |outline| (outline, at)));
    Children::new(start..start + groups.len(), pairs)
}

/// The key whose value tells most members apart, if there is one.
fn telling(group: Group<'_, '_>, members: &[Member]) -> Option<u32> {
    let mut last = HashMap::<u32, (Outline<'_>, usize)>::new();
    for ((_, statement), member) in group.iter().zip(members) {
        for (key, mut outlines) in statement.required() {
            let Some((place, outline)) = member.keys.get(key.place()).zip(outlines.next()) else {
                continue;
            };
            let (known, changes) = last.entry(*place).or_default();
            if *known != outline {
                (*known, *changes) = (outline, *changes + 1);
            }
        }
    }
    let telling = last.into_iter().filter(|(_, (_, changes))| *changes > 1);
    telling.max_by_key(|(place, (_, changes))| (*changes, *place)).map(|(place, _)| place)
}

/// Outlines one of which the value of a key has to have, so that the member can hold.
fn required<'a>(statement: &'a Statement, member: &Member, key: u32) -> SmallVec<[Outline<'a>; 1]> {
    let is_key = |id: &KeyId| member.keys.get(id.place()) == Some(&key);
    match statement.required().find(|(id, _)| is_key(id)) {
        Some((_, outlines)) => outlines.collect(),
        None => SmallVec::from_iter([Outline::default()]),
    }
}
