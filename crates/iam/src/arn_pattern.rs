//! ARN patterns: six fields, matched one by one. Source: iam.md §3.3, §5.6.

use smallvec::SmallVec;

use crate::arn::Arn;
use crate::choice;
use crate::glob::Glob;
use crate::prefixes::{Outline, Outlined};
use crate::template::{Compiler, Template, Values};
use crate::variable::{self, PartKind};

/// Splits a pattern at its first five colons, but never inside a variable (where there are any).
pub(crate) fn fields(text: &str, variables: bool) -> SmallVec<[&str; 6]> {
    let variables = variables && variable::occurs_in(text);
    let mut colons = colons(text, variables).take(5);
    let mut fields = SmallVec::new();
    let mut start = 0;
    loop {
        let colon = colons.next();
        fields.extend(text.get(start..colon.unwrap_or(text.len())));
        match colon {
            Some(colon) => start = colon + 1,
            None => return fields,
        }
    }
}

/// Where the colons outside of variables are.
fn colons(text: &str, variables: bool) -> impl Iterator<Item = usize> {
    let mut skipped = SmallVec::<[std::ops::Range<usize>; 4]>::new();
    let mut start = 0;
    for part in variable::parts(text).filter(|_| variables) {
        let end = start + part.raw.len();
        if part.kind != PartKind::Text {
            skipped.push(start..end);
        }
        start = end;
    }
    text.match_indices(':')
        .map(|(at, _)| at)
        .filter(move |at| !skipped.iter().any(|range| range.contains(at)))
}

/// A compiled ARN pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ArnPattern {
    /// Without wildcards and variables: the whole ARN.
    Exact(Box<str>),
    Parts {
        head: Head,
        resource: Template,
    },
}

/// The first five fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Head {
    /// No wildcards: the fields with all their colons, compared at once.
    Exact(Box<str>),
    /// Those before the first that has a wildcard, with their colons; and of the others, by
    /// position, those that are not simply `*`.
    Fields { exact: Box<str>, globs: Box<[(usize, Glob)]> },
    /// A variable, which works only in the sixth field: matches nothing.
    Never,
}

impl Head {
    /// Compiles the first five fields of `text`; those that it lacks are `*`.
    fn new(text: &str, fields: [&str; 5], compiler: &Compiler) -> Self {
        if fields.iter().any(|field| compiler.finds_variables_in(field)) {
            return Self::Never;
        }
        let wild = |field: &&str| field.contains(['*', '?']);
        let exact = fields.iter().take_while(|field| !wild(field));
        let (count, length) = exact.fold((0, 0), |(n, length), f| (n + 1, length + f.len() + 1));
        let exact = match text.get(..length) {
            Some(exact) => exact.into(),
            None => format!("{text}:").into(), // all of them, and no colon after the last
        };
        if count == fields.len() {
            return Self::Exact(exact);
        }
        let globs = fields.into_iter().map(Glob::new).enumerate().skip(count);
        let globs = globs.filter(|(_, glob)| *glob != Glob::Any).collect();
        Self::Fields { exact, globs }
    }
}

impl ArnPattern {
    /// Compiles `text`, an ARN of these fields; those that it lacks are `*`.
    fn new(text: &str, fields: [&str; 6], compiler: &mut Compiler) -> Self {
        if fields.iter().all(|field| !field.contains(['*', '?', '$'])) {
            return Self::Exact(text.into());
        }
        let [prefix, partition, service, region, account, resource] = fields;
        let head = [prefix, partition, service, region, account];
        let resource = Template::pattern(resource, compiler);
        let head = Head::new(text, head, compiler);
        match (&head, resource.fixed_text()) {
            (Head::Exact(head), Some(resource)) => Self::Exact(format!("{head}{resource}").into()),
            _ => Self::Parts { head, resource },
        }
    }

    /// An ARN as the value of a condition; `None` if it does not have the six fields of an ARN.
    pub(crate) fn value(text: &str, compiler: &mut Compiler) -> Option<Self> {
        let fields = fields(text, compiler.variables);
        let six = <[&str; 6]>::try_from(&*fields).ok().filter(|six| choice::is_arn(six));
        six.map(|six| Self::new(text, six, compiler))
    }

    /// Whether this covers `text`; `arn` is `text` split, `None` if it is no ARN. Splitting is put
    /// off, because most texts are told by their first fields.
    #[inline]
    pub(crate) fn matches<'a>(
        &self,
        text: &'a str,
        arn: impl FnOnce() -> Option<Arn<'a>>,
        values: &Values<'_, '_>,
    ) -> bool {
        match self {
            Self::Exact(exact) => **exact == *text,
            // The head has five colons, so what begins with it has six fields.
            Self::Parts { head: Head::Exact(head), resource } => {
                text.strip_prefix(&**head).is_some_and(|rest| resource.matches(rest, values))
            }
            Self::Parts { head: Head::Fields { exact, globs }, resource } => {
                let covers = |arn: &Arn<'_>| {
                    let field = |at: usize| arn.fields().get(at).copied().unwrap_or_default();
                    globs.iter().all(|(at, glob)| glob.matches(field(*at).as_bytes()))
                        && resource.matches(arn.resource(), values)
                };
                text.starts_with(&**exact) && arn().is_some_and(|arn| covers(&arn))
            }
            Self::Parts { head: Head::Never, .. } => false,
        }
    }
}

impl Outlined for ArnPattern {
    fn outline(&self) -> Outline<'_> {
        match self {
            Self::Exact(text) => Outline::exact(text),
            Self::Parts { head: Head::Exact(head), resource } => resource.outline().after(head),
            Self::Parts { head: Head::Fields { exact, .. }, resource } => {
                resource.outline().without_begin().after(exact)
            }
            Self::Parts { head: Head::Never, .. } => Outline::default(),
        }
    }
}

/// An entry of Resource or NotResource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ResourcePattern {
    /// `*`: every request, also one without a resource.
    Any,
    Arn(ArnPattern),
    /// No ARN: matches nothing.
    Never,
}

/// An entry of Resource or NotResource, taken apart.
pub(crate) enum Entry<'a> {
    Any,
    /// The fields of an ARN; those that are not written are `*`.
    Arn([&'a str; 6]),
    Never,
}

impl<'a> Entry<'a> {
    pub(crate) fn split(text: &'a str, variables: bool) -> Self {
        if !text.is_empty() && text.bytes().all(|byte| byte == b'*') {
            return Self::Any;
        }
        let fields = fields(text, variables);
        let Some(&prefix) = fields.first() else { return Self::Never };
        let complete = fields.len() == 6;
        let wildcard = complete && prefix.contains(['*', '?']);
        if !wildcard && (prefix != "arn" || fields.len() < 2) {
            return Self::Never;
        }
        Self::Arn(std::array::from_fn(|at| fields.get(at).copied().unwrap_or("*")))
    }
}

impl ResourcePattern {
    pub(crate) fn new(text: &str, compiler: &mut Compiler) -> Self {
        match Entry::split(text, compiler.variables) {
            Entry::Any => Self::Any,
            Entry::Arn(fields) => Self::Arn(ArnPattern::new(text, fields, compiler)),
            Entry::Never => Self::Never,
        }
    }

    /// Whether this covers the request's resource, an ARN or `*`; `arn` is `text` split.
    #[inline]
    pub(crate) fn matches<'a>(
        &self,
        text: &'a str,
        arn: impl FnOnce() -> Option<Arn<'a>>,
        values: &Values<'_, '_>,
    ) -> bool {
        match self {
            Self::Any => true,
            Self::Arn(pattern) => pattern.matches(text, arn, values),
            Self::Never => false,
        }
    }
}

impl Outlined for ResourcePattern {
    fn outline(&self) -> Outline<'_> {
        match self {
            Self::Arn(pattern) => pattern.outline(),
            Self::Any | Self::Never => Outline::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ResourcePattern, fields};
    use crate::arn::Arn;
    use crate::context::MapContext;
    use crate::prefixes::Outlined as _;
    use crate::template::{Asked, Compiler, Memory};

    #[test]
    #[rustfmt::skip]
    fn a_pattern_splits_outside_of_variables() {
        for (text, variables, want) in [
            ("arn:aws:s3:::b:c",                true,  vec!["arn", "aws", "s3", "", "", "b:c"]),
            ("arn:aws:s3",                      true,  vec!["arn", "aws", "s3"]),
            ("arn:${a:b}:s3:::${aws:username}", true,  vec!["arn", "${a:b}", "s3", "", "", "${aws:username}"]),
            ("arn:${a:b, 'c:}'}:s3:::",         true,  vec!["arn", "${a:b, 'c:}'}", "s3", "", "", ""]),
            ("arn:${a:b}:s3:::x",               false, vec!["arn", "${a", "b}", "s3", "", ":x"]),
            ("",                                true,  vec![""]),
        ] {
            assert_eq!(fields(text, variables).as_slice(), want, "{text}");
        }
    }

    #[track_caller]
    fn check(pattern: &str, resource: &str, want: bool) {
        let context = MapContext::from_iter([("aws:username", "alice"), ("aws:star", "*")]);
        let mut compiler = Compiler::new(true);
        let pattern_ = ResourcePattern::new(pattern, &mut compiler);
        let keys = compiler.into_keys();
        let (memory, places) = (Memory::default(), [0, 1]);
        let asked = Asked::new(&context, &keys, &memory);
        let got = pattern_.matches(resource, || Arn::split(resource), &asked.at(&places));
        assert!(!got || resource.starts_with(&*pattern_.outline().begin), "{pattern}");
        assert_eq!(got, want, "{pattern} on {resource}");
    }

    #[test]
    #[rustfmt::skip]
    fn resources_match_field_by_field() {
        let orders = "arn:aws:lambda:us-east-1:111111111111:function:orders";
        let alias = "arn:aws:lambda:us-east-1:111111111111:function:orders:prod";
        check("*",                                       "*",     true);
        check("**",                                      orders,  true);
        check("arn:*",                                   "*",     false);
        check(orders,                                    "*",     false);
        check(orders,                                    orders,  true);
        check(orders,                                    alias,   false);
        check(alias,                                     orders,  false);
        check("arn:aws:lambda:us-east-1:111111111111:function:orders:*", alias,  true);
        check("arn:aws:lambda:us-east-1:111111111111:function:orders:*", orders, false);
        check("arn:aws:lambda:us-east-1:111111111111:function:orders*",  alias,  true);
        check("arn:aws:lambda:us-east-1:111111111111:function:Orders",   orders, false);
        check("arn:aws:lambda:us-east-1:111111111111:functi*:orders",    orders, true);
        check("arn:aws:lambda:*:111111111111:function:orders",           orders, true);
        check("arn:aws:lambda:us-????-1:111111111111:function:orders",   orders, true);
        check("arn:aws:lambda:*:function:orders",        orders,  false);
        check("arn:aws:LAMBDA:*:*:function:orders",      orders,  false);
        check("arn:*:lambda:*:*:function:orders",        orders,  true);
        check("a*:aws:lambda:*:*:function:orders",       orders,  true);
        check("arn:aws:lambda",                          orders,  true);
        check("arn:aws:s3",                              orders,  false);
        check("arn",                                     orders,  false);
        check("a*",                                      orders,  false);
        check("lambda",                                  orders,  false);
        check("",                                        orders,  false);
        check("arn:aws:s3:::${aws:username}/*",          "arn:aws:s3:::alice/x",  true);
        check("arn:aws:s3:::${AWS:UserName}/*",          "arn:aws:s3:::bob/x",    false);
        check("arn:aws:s3:::${aws:star}",                "arn:aws:s3:::x",        false);
        check("arn:aws:s3:::${aws:star}",                "arn:aws:s3:::*",        true);
        check("arn:aws:s3:::${aws:none}",                "arn:aws:s3:::",         false);
        check("arn:aws:s3:::${aws:none, 'x'}",           "arn:aws:s3:::x",        true);
        check("arn:aws:s3:::${aws:none, '*'}",           "arn:aws:s3:::x",        false);
        check("arn:aws:s3:::${*}",                       "arn:aws:s3:::*",        true);
        check("arn:aws:s3:::${*}",                       "arn:aws:s3:::x",        false);
        check("arn:aws:${aws:star}:::x",                 "arn:aws:*:::x",         false);
    }
}
