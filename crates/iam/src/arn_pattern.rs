//! ARN patterns: six fields, matched one by one. Source: iam.md §3.3, §5.6.

use smallvec::SmallVec;

use crate::arn::Arn;
use crate::glob::Glob;
use crate::template::{Compiler, Template, Values};
use crate::variable::{self, PartKind};

/// Splits a pattern at its first five colons, but never inside a variable (where there are any).
pub(crate) fn fields(text: &str, variables: bool) -> SmallVec<[&str; 6]> {
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
pub(crate) struct ArnPattern {
    head: Head,
    resource: Template,
}

/// The first five fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Head {
    /// No wildcards: the fields with all their colons, compared at once.
    Exact(Box<str>),
    Fields(Box<[Glob; 5]>),
    /// A variable, which works only in the sixth field: matches nothing.
    Never,
}

impl ArnPattern {
    fn new(head: [&str; 5], resource: &str, compiler: &mut Compiler) -> Self {
        let head = if compiler.variables && head.iter().any(|field| field.contains("${")) {
            Head::Never
        } else if head.iter().any(|field| field.contains(['*', '?'])) {
            Head::Fields(Box::new(head.map(Glob::new)))
        } else {
            Head::Exact(head.iter().flat_map(|field| [field, ":"]).collect::<String>().into())
        };
        Self { head, resource: Template::pattern(resource, compiler) }
    }

    /// An ARN as the value of a condition; `None` if it does not have the six fields of an ARN.
    pub(crate) fn value(text: &str, compiler: &mut Compiler) -> Option<Self> {
        match *fields(text, compiler.variables) {
            [prefix, partition, service, region, account, resource] if prefix == "arn" => {
                let head = [prefix, partition, service, region, account];
                Some(Self::new(head, resource, compiler))
            }
            _ => None,
        }
    }

    pub(crate) fn matches(&self, arn: &Arn<'_>, values: &Values<'_, '_>) -> bool {
        let head = match &self.head {
            Head::Exact(exact) => **exact == *arn.head(),
            Head::Fields(globs) => {
                globs.iter().zip(arn.fields()).all(|(g, field)| g.matches(field))
            }
            Head::Never => false,
        };
        head && self.resource.matches(arn.resource(), values)
    }
}

impl ArnPattern {
    /// Whether this covers `text`, the value of a condition key; `arn` is `text` split, `None` if
    /// it is no ARN. Splitting is put off, because most texts are told by their first fields.
    pub(crate) fn matches_text<'a>(
        &self,
        text: &'a str,
        arn: impl FnOnce() -> Option<Arn<'a>>,
        values: &Values<'_, '_>,
    ) -> bool {
        match &self.head {
            // The head has five colons, so what begins with it has six fields.
            Head::Exact(exact) => text
                .strip_prefix(&**exact)
                .is_some_and(|resource| self.resource.matches(resource, values)),
            Head::Fields(_) | Head::Never => arn().is_some_and(|arn| self.matches(&arn, values)),
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
            Entry::Arn([prefix, partition, service, region, account, resource]) => {
                let head = [prefix, partition, service, region, account];
                Self::Arn(ArnPattern::new(head, resource, compiler))
            }
            Entry::Never => Self::Never,
        }
    }

    /// Whether this covers the request's resource; `None` is a request without one.
    pub(crate) fn matches(&self, resource: Option<&Arn<'_>>, values: &Values<'_, '_>) -> bool {
        match self {
            Self::Any => true,
            Self::Arn(pattern) => resource.is_some_and(|arn| pattern.matches(arn, values)),
            Self::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ResourcePattern, fields};
    use crate::arn::Arn;
    use crate::context::MapContext;
    use crate::template::{Asked, Compiler};

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
        let (asked, places) = (Asked::new(&context, &keys), Vec::from_iter(0..keys.len()));
        let got = pattern_.matches(Arn::split(resource).as_ref(), &asked.at(&places));
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
