//! Compiled strings with variables, and the values that a request gives to them. Source: iam.md §6.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::choice;
use crate::context::{Context, Value};
use crate::glob::{self, Glob, Token};
use crate::variable::{self, PartKind};

/// Names a condition key of what was compiled together: a place in its list of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(usize);

/// What compiling strings needs and gathers.
pub(crate) struct Compiler {
    /// Whether `${…}` are variables.
    pub(crate) variables: bool,
    keys: KeyTable,
}

impl Compiler {
    pub(crate) fn new(variables: bool) -> Self {
        Self { variables, keys: KeyTable::default() }
    }

    /// The id of `key`; names that differ only in case are one key.
    pub(crate) fn key(&mut self, key: &str) -> KeyId {
        KeyId(self.keys.place(&key.to_lowercase().into()))
    }

    /// The keys that were asked for, in lower case; a [`KeyId`] is a place among them.
    pub(crate) fn into_keys(self) -> Box<[Arc<str>]> {
        self.keys.into_names()
    }
}

/// Gathers condition keys, in lower case, each once.
#[derive(Default)]
pub(crate) struct KeyTable {
    names: Vec<Arc<str>>,
    places: HashMap<Arc<str>, usize>,
}

impl KeyTable {
    /// Where `name` stands in the table.
    pub(crate) fn place(&mut self, name: &Arc<str>) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len();
        self.names.push(name.clone());
        self.places.insert(name.clone(), place);
        place
    }

    pub(crate) fn into_names(self) -> Box<[Arc<str>]> {
        self.names.into()
    }
}

/// The values of one document's keys in one request, each asked of the context at most once.
pub(crate) struct Asked<'e> {
    context: &'e dyn Context,
    keys: &'e [Arc<str>],
    known: SmallVec<[OnceCell<Option<Value<'e>>>; 8]>,
}

impl<'e> Asked<'e> {
    /// `keys` are the document's, in lower case.
    pub(crate) fn new(context: &'e dyn Context, keys: &'e [Arc<str>]) -> Self {
        Self { context, keys, known: keys.iter().map(|_| OnceCell::new()).collect() }
    }

    /// The values as seen by what was compiled with keys of its own: `places` says where each of
    /// those stands among the document's.
    #[inline]
    pub(crate) fn at<'v>(&'v self, places: &'v [usize]) -> Values<'v, 'e> {
        Values { asked: self, places }
    }

    /// The value of a key; `None` if it is missing, also for an empty list.
    #[inline]
    fn get(&self, place: usize) -> Option<&Value<'e>> {
        let (key, known) = self.keys.get(place).zip(self.known.get(place))?;
        known.get_or_init(|| self.context.get(key).filter(|value| !is_missing(value))).as_ref()
    }
}

/// The values of the keys of what was compiled together.
pub(crate) struct Values<'v, 'e> {
    asked: &'v Asked<'e>,
    places: &'v [usize],
}

impl<'v, 'e> Values<'v, 'e> {
    /// The value of a key; `None` if it is missing, also for an empty list.
    #[inline]
    pub(crate) fn get(&self, id: KeyId) -> Option<&'v Value<'e>> {
        self.asked.get(*self.places.get(id.0)?)
    }

    /// What a variable stands for: the value of a single-valued key.
    fn variable(&self, id: KeyId) -> Option<&'v str> {
        match self.get(id)? {
            Value::Single(text) => Some(text),
            Value::Multiple(_) => None,
        }
    }
}

fn is_missing(value: &Value<'_>) -> bool {
    match value {
        Value::Single(text) => choice::EMPTY_STRING_IS_MISSING && text.is_empty(),
        Value::Multiple(values) => values.is_empty(),
    }
}

/// A compiled string, with or without variables.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Template {
    /// Without variables.
    Fixed(Glob),
    Variables(Box<[Part]>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Fixed(Token<Box<str>>),
    Variable { key: KeyId, default: Option<Box<str>> },
}

impl Template {
    /// Compiles a string in which `*` and `?` are wildcards.
    pub(crate) fn pattern(text: &str, compiler: &mut Compiler) -> Self {
        Self::compile(text, compiler, |text| glob::tokens(text).collect())
    }

    /// Compiles a string in which `*` and `?` stand for themselves.
    pub(crate) fn literal(text: &str, compiler: &mut Compiler) -> Self {
        Self::compile(text, compiler, |text| vec![Token::Text(text)])
    }

    fn compile<'t>(
        text: &'t str,
        compiler: &mut Compiler,
        tokens: impl Fn(&'t str) -> Vec<Token<&'t str>>,
    ) -> Self {
        let mut builder = Builder::default();
        if !compiler.variables {
            tokens(text).into_iter().for_each(|token| builder.token(token));
            return builder.build();
        }
        for part in variable::parts(text) {
            match part.kind {
                PartKind::Text => tokens(part.raw).into_iter().for_each(|t| builder.token(t)),
                PartKind::Escape(text) => builder.token(Token::Text(text)),
                PartKind::Malformed(_) => builder.token(Token::Text(part.raw)),
                PartKind::Variable { name, default } => {
                    builder.variable(compiler.key(name), default);
                }
            }
        }
        builder.build()
    }

    /// Whether this covers `text`. Substituted text is literal; a variable without a value and
    /// default covers nothing.
    pub(crate) fn matches(&self, text: &str, values: &Values<'_, '_>) -> bool {
        match self {
            Self::Fixed(glob) => glob.matches(text),
            Self::Variables(parts) => glob::matches(parts, text, |part| part.token(values)),
        }
    }

    /// The text of a [`Template::literal`]; `None` for want of a variable's value. (A string with
    /// wildcards has no text.)
    pub(crate) fn text<'a>(&'a self, values: &'a Values<'_, '_>) -> Option<Cow<'a, str>> {
        match self {
            Self::Fixed(Glob::Exact(text)) => Some(Cow::Borrowed(text)),
            Self::Fixed(Glob::Any | Glob::Prefix(_) | Glob::Tokens(_)) => None,
            Self::Variables(parts) => {
                let text = |part: &'a Part| match part.token(values)? {
                    Token::Text(text) => Some(text),
                    Token::Run | Token::One => None,
                };
                parts.iter().map(text).collect::<Option<String>>().map(Cow::Owned)
            }
        }
    }
}

impl Part {
    /// The part with its variable's value in place; `None` if it has neither value nor default.
    fn token<'a>(&'a self, values: &'a Values<'_, '_>) -> Option<Token<&'a str>> {
        match self {
            Self::Fixed(token) => Some(token.borrow()),
            Self::Variable { key, default } => {
                values.variable(*key).or(default.as_deref()).map(Token::Text)
            }
        }
    }
}

/// Gathers parts; neighbouring texts become one.
#[derive(Default)]
struct Builder {
    parts: Vec<Part>,
    text: String,
    variables: bool,
}

impl Builder {
    fn token(&mut self, token: Token<&str>) {
        match token {
            Token::Text(text) => self.text.push_str(text),
            Token::Run => self.part(Part::Fixed(Token::Run)),
            Token::One => self.part(Part::Fixed(Token::One)),
        }
    }

    fn variable(&mut self, key: KeyId, default: Option<&str>) {
        self.variables = true;
        self.part(Part::Variable { key, default: default.map(Into::into) });
    }

    fn part(&mut self, part: Part) {
        self.end_text();
        self.parts.push(part);
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.parts.push(Part::Fixed(Token::Text(text.into())));
        }
    }

    fn build(mut self) -> Template {
        self.end_text();
        if self.variables {
            return Template::Variables(self.parts.into());
        }
        let token = |part| match part {
            Part::Fixed(token) => Some(token),
            Part::Variable { .. } => None,
        };
        Template::Fixed(Glob::from_tokens(self.parts.into_iter().filter_map(token).collect()))
    }
}
