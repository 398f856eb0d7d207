//! Compiled strings with variables, and the values that a request gives to them. Source: iam.md §6.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::choice;
use crate::context::{Context, Value};
use crate::glob::{self, Glob, Token, Tokens};
use crate::prefixes::{Outline, Outlined};
use crate::variable::{self, PartKind};

/// Names a condition key of what was compiled together: a place in its list of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(u32);

impl KeyId {
    /// The place in the list of keys.
    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }
}

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

    /// Whether `text` has variables, or what begins like one.
    pub(crate) fn finds_variables_in(&self, text: &str) -> bool {
        self.variables && variable::occurs_in(text)
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
    places: HashMap<Arc<str>, u32>,
}

impl KeyTable {
    /// Where `name` stands in the table.
    pub(crate) fn place(&mut self, name: &Arc<str>) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        // Documents are far shorter than what a `u32` counts.
        let place = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.places.insert(name.clone(), place);
        place
    }

    pub(crate) fn into_names(self) -> Box<[Arc<str>]> {
        self.names.into()
    }
}

/// So many values are remembered; the keys beyond are asked for each time.
const REMEMBERED: usize = 8;

/// What a context answered to a key, once it was asked; `None` is a missing key.
pub(crate) type Answer<'e> = OnceCell<Option<Value<'e>>>;

/// Room for the values of a document's first keys.
#[derive(Default)]
pub(crate) struct Memory<'e>([Answer<'e>; REMEMBERED]);

/// The values of one document's keys in one request, asked of the context when they are needed.
pub(crate) struct Asked<'v, 'e> {
    context: &'e dyn Context,
    keys: &'e [Arc<str>],
    /// Of the first keys.
    known: &'v [Answer<'e>],
}

impl<'v, 'e> Asked<'v, 'e> {
    /// `keys` are the document's, in lower case.
    #[inline]
    pub(crate) fn new(
        context: &'e dyn Context,
        keys: &'e [Arc<str>],
        memory: &'v Memory<'e>,
    ) -> Self {
        Self { context, keys, known: &memory.0 }
    }

    /// The same, without memory: each key is asked for whenever it is needed.
    #[inline]
    pub(crate) fn forgetful(context: &'e dyn Context, keys: &'e [Arc<str>]) -> Self {
        Self { context, keys, known: &[] }
    }

    /// The values as seen by what was compiled with keys of its own: `places` says where each of
    /// those stands among the document's.
    #[inline]
    pub(crate) fn at<'p>(&'p self, places: &'p [u32]) -> Values<'p, 'e> {
        Values { asked: self, places }
    }

    /// The value of a key; `None` if it is missing, also for an empty list. One that is not
    /// remembered is put into `spare`.
    #[inline]
    pub(crate) fn get<'a>(&'a self, place: u32, spare: &'a Answer<'e>) -> Option<&'a Value<'e>> {
        let place = place as usize;
        let known = self.known.get(place).unwrap_or(spare);
        let ask = || self.context.get(self.keys.get(place)?).filter(|value| !is_missing(value));
        known.get_or_init(ask).as_ref()
    }
}

/// The values of the keys of what was compiled together.
pub(crate) struct Values<'v, 'e> {
    asked: &'v Asked<'v, 'e>,
    places: &'v [u32],
}

impl<'e> Values<'_, 'e> {
    /// The value of a key, as [`Asked::get`].
    #[inline]
    pub(crate) fn get<'a>(&'a self, id: KeyId, spare: &'a Answer<'e>) -> Option<&'a Value<'e>> {
        self.asked.get(*self.places.get(id.place())?, spare)
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
        if !compiler.finds_variables_in(text) {
            return Self::Fixed(Glob::new(text));
        }
        Self::compile(text, compiler, |text| glob::tokens(text).collect())
    }

    /// Compiles a string in which `*` and `?` stand for themselves.
    pub(crate) fn literal(text: &str, compiler: &mut Compiler) -> Self {
        if !compiler.finds_variables_in(text) {
            return Self::Fixed(Glob::exact(text));
        }
        Self::compile(text, compiler, |text| vec![Token::Text(text)])
    }

    /// Compiles a string that has variables.
    fn compile<'t>(
        text: &'t str,
        compiler: &mut Compiler,
        tokens: impl Fn(&'t str) -> Vec<Token<&'t str>>,
    ) -> Self {
        let mut builder = Builder::default();
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
    #[inline]
    pub(crate) fn matches(&self, text: &str, values: &Values<'_, '_>) -> bool {
        match self {
            Self::Fixed(glob) => glob.matches(text.as_bytes()),
            Self::Variables(parts) => glob::matches(parts, text.as_bytes(), values),
        }
    }

    /// Whether `test` holds of every piece of the text of a [`Template::literal`], in order, until
    /// it fails; `false` for want of a variable's value. (A string with wildcards has no text.)
    pub(crate) fn all_pieces(
        &self,
        values: &Values<'_, '_>,
        mut test: impl FnMut(&str) -> bool,
    ) -> bool {
        let mut piece = |token: Option<Token<&str>>| match token {
            Some(Token::Text(text)) => test(text),
            Some(Token::Run | Token::One) | None => false,
        };
        match self {
            Self::Fixed(Glob::Exact(text)) => piece(Some(Token::Text(text))),
            Self::Fixed(Glob::Any | Glob::Prefix(_) | Glob::Tokens(_)) => false,
            Self::Variables(parts) => parts.iter().all(|part| values.with(part, &mut piece)),
        }
    }

    /// The one text that this covers, if it is one.
    pub(crate) fn fixed_text(&self) -> Option<&str> {
        match self {
            Self::Fixed(Glob::Exact(text)) => Some(text),
            Self::Fixed(_) | Self::Variables(_) => None,
        }
    }
}

impl Outlined for Template {
    fn outline(&self) -> Outline<'_> {
        match self {
            Self::Fixed(glob) => glob.outline(),
            Self::Variables(parts) => glob::outline(parts.iter().map(|part| match part {
                Part::Fixed(Token::Text(text)) => Some(&**text),
                Part::Fixed(Token::Run | Token::One) | Part::Variable { .. } => None,
            })),
        }
    }
}

/// A variable stands for the value of a single-valued key, or its default.
impl Tokens<Part> for Values<'_, '_> {
    #[inline]
    fn with<R>(&self, part: &Part, use_it: impl FnOnce(Option<Token<&str>>) -> R) -> R {
        match part {
            Part::Fixed(token) => use_it(Some(token.borrow())),
            Part::Variable { key, default } => {
                let spare = OnceCell::new();
                let value = match self.get(*key, &spare) {
                    Some(Value::Single(text)) => Some(&**text),
                    Some(Value::Multiple(_)) | None => default.as_deref(),
                };
                use_it(value.map(Token::Text))
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
