//! The condition keys that a request itself brings: its time, its network, its parameters.
//!
//! Source: iam.md §9.3, §9.5, §9.6. A key that does not apply is absent, never empty. Nothing is
//! built before a policy asks for it.

use std::{borrow::Cow, net::IpAddr};

use http::{HeaderMap, header};
use jiff::Timestamp;
use portcullis_catalog::{decisions::address_text, tag_value, time_key};
use portcullis_iam::{Context, Value};
use portcullis_identity::{Caller, PolicyArn};

/// Keys that an operation's parameters give, such as `lambda:Principal`; names in lower case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters<'a> {
    /// Single-valued keys.
    pub(crate) single: Vec<(&'static str, Cow<'a, str>)>,
    /// Tags that the request gives: `aws:RequestTag/*` and `aws:TagKeys`.
    pub(crate) tags: Vec<(&'a str, &'a str)>,
    /// Whether they are those of what the request makes: `aws:ResourceTag/*` too.
    pub(crate) of_new: bool,
    /// Keys of the tags that the next session inherits: `sts:TransitiveTagKeys`.
    pub(crate) transitive_tag_keys: Vec<&'a str>,
    /// Tags that the request removes: `aws:TagKeys` only.
    pub(crate) removed_tags: &'a [String],
    /// Layers that the request gives a function: `lambda:Layer`.
    pub(crate) layers: &'a [String],
}

impl<'a> Parameters<'a> {
    /// One single-valued key, if it has a value.
    pub(crate) fn with(
        mut self,
        key: &'static str,
        value: Option<impl Into<Cow<'a, str>>>,
    ) -> Self {
        debug_assert!(!Caller::alone_tells(key), "{key} is not asked of a request");
        self.single.extend(value.map(|value| (key, value.into())));
        self
    }

    /// The permissions boundary that the request gives, or that what it changes has.
    pub(crate) fn bounded(self, boundary: Option<&'a PolicyArn>) -> Self {
        self.with("iam:permissionsboundary", boundary.map(PolicyArn::as_str))
    }

    /// The tags that the request gives.
    pub(crate) fn tagged(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.tags.extend(tags);
        self
    }

    /// The tags that the request makes something with: as good as that one's (iam.md §9.4).
    pub(crate) fn creating(self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { of_new: true, ..self.tagged(tags) }
    }

    /// The layers that the request gives a function, if it gives any.
    pub(crate) fn layered(self, layers: Option<&'a [String]>) -> Self {
        Self { layers: layers.unwrap_or_default(), ..self }
    }

    fn layers(&self) -> Option<Value<'_>> {
        let layers: Vec<_> = self.layers.iter().map(|arn| Cow::Borrowed(arn.as_str())).collect();
        (!layers.is_empty()).then_some(Value::Multiple(layers.into()))
    }

    /// The keys of session tags that are to be inherited.
    pub(crate) fn transitive(mut self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        self.transitive_tag_keys.extend(keys);
        self
    }

    fn tag_keys(&self) -> Option<Value<'_>> {
        let given = self.tags.iter().map(|(key, _)| Cow::Borrowed(*key));
        let removed = self.removed_tags.iter().map(|key| Cow::Borrowed(key.as_str()));
        let keys: Vec<_> = given.chain(removed).collect();
        (!keys.is_empty()).then_some(Value::Multiple(keys.into()))
    }

    /// The tag of what the request makes that a condition key names, in everybody's words or in IAM's.
    fn tag_of_new<'k>(&self, key: &'k str) -> Option<&'k str> {
        let tag = key.strip_prefix("aws:resourcetag/");
        tag.or_else(|| key.strip_prefix("iam:resourcetag/")).filter(|_| self.of_new)
    }

    fn get(&self, key: &str) -> Option<Value<'_>> {
        if key == "aws:tagkeys" {
            return self.tag_keys();
        }
        if key == "lambda:layer" {
            return self.layers();
        }
        if key == "sts:transitivetagkeys" {
            let keys: Vec<_> = self.transitive_tag_keys.iter().map(|key| (*key).into()).collect();
            return (!keys.is_empty()).then_some(Value::Multiple(keys.into()));
        }
        if let Some(tag) = key.strip_prefix("aws:requesttag/").or_else(|| self.tag_of_new(key)) {
            return tag_value(self.tags.iter().copied(), tag);
        }
        let found = self.single.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| Value::Single(Cow::Borrowed(value)))
    }
}

/// The keys of one request.
pub(crate) struct RequestKeys<'a> {
    /// Where it came from.
    pub(crate) peer: IpAddr,
    /// When it was received.
    pub(crate) now: Timestamp,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// The endpoint's region.
    pub(crate) region: &'a str,
    /// Whether a service calls: its address tells nothing, and only it brings a source's token.
    pub(crate) by_service: bool,
    /// What its parameters give.
    pub(crate) parameters: &'a Parameters<'a>,
}

impl RequestKeys<'_> {
    /// The value of a header that is there once: of several, a signature does not say which is
    /// which, since it covers them joined.
    fn header(&self, name: &str) -> Option<Value<'_>> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
        Some(Value::Single(value.into()))
    }
}

impl Context for RequestKeys<'_> {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        let owned = |text: String| Some(Value::Single(text.into()));
        match key {
            "aws:sourceip" if self.by_service => None,
            "aws:sourceip" => owned(address_text(self.peer)),
            "aws:securetransport" | "aws:viaawsservice" => Some(Value::Single("false".into())),
            "aws:currenttime" | "aws:epochtime" => time_key(key, self.now),
            "aws:requestedregion" => Some(Value::Single(self.region.into())),
            "aws:useragent" => self.header(header::USER_AGENT.as_str()),
            "aws:referer" => self.header(header::REFERER.as_str()),
            "lambda:eventsourcetoken" if self.by_service => self.header(EVENT_SOURCE_TOKEN),
            _ => self.parameters.get(key),
        }
    }
}

/// The signed header in which a calling service brings its source's token (design.md §6).
const EVENT_SOURCE_TOKEN: &str = "x-amz-event-source-token";

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use jiff::Timestamp;
    use portcullis_iam::{Context, Value};

    use super::{Parameters, RequestKeys};

    #[track_caller]
    fn check(by_service: bool, key: &str, want: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", "Boto3/1.44".parse().unwrap());
        headers.insert("x-amz-event-source-token", "t-1".parse().unwrap());
        headers.insert("x-amz-source-arn", "arn:aws:s3:::b".parse().unwrap());
        headers.append("referer", "a".parse().unwrap());
        headers.append("referer", "b".parse().unwrap());
        let parameters = Parameters::default()
            .with("lambda:principal", Some("s3.amazonaws.com"))
            .with("lambda:functionurlauthtype", None::<&str>)
            .tagged([("Team", "blue"), ("Größe", "M"), ("ÄRA", "1")]);
        let keys = RequestKeys {
            peer: "::ffff:127.0.0.1".parse().unwrap(),
            now: Timestamp::from_second(1_700_000_000).unwrap(),
            headers: &headers,
            region: "eu-west-1",
            by_service,
            parameters: &parameters,
        };
        let want = want.map(|want| Value::Single(want.into()));
        assert_eq!(keys.get(key), want, "{key}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_request_brings_its_own_keys_and_no_others() {
        check(false, "aws:sourceip",                Some("127.0.0.1"));
        check(true,  "aws:sourceip",                None);
        check(false, "aws:currenttime",             Some("2023-11-14T22:13:20Z"));
        check(false, "aws:epochtime",               Some("1700000000"));
        check(false, "aws:requestedregion",         Some("eu-west-1"));
        check(false, "aws:useragent",               Some("Boto3/1.44"));
        check(false, "aws:referer",                 None);
        check(false, "aws:securetransport",         Some("false"));
        check(false, "aws:requesttag/team",         Some("blue"));
        check(false, "aws:requesttag/größe",        Some("M"));
        check(false, "aws:requesttag/ära",          Some("1"));
        check(false, "aws:requesttag/other",        None);
        check(false, "aws:resourcetag/team",        None);
        check(false, "lambda:principal",            Some("s3.amazonaws.com"));
        check(false, "lambda:functionurlauthtype",  None);
        check(true,  "lambda:eventsourcetoken",     Some("t-1"));
        check(false, "lambda:eventsourcetoken",     None);
        check(false, "aws:sourcearn",               None);
        check(true,  "aws:sourcearn",               None);
    }
}
