//! Splitting ARNs into their six fields.

/// An Amazon Resource Name, split at its first five colons and otherwise unchecked.
///
/// The sixth field keeps the rest, colons included. Fields may be empty (`arn:aws:s3:::bucket`).
/// Source: iam.md §3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    text: &'a str,
    /// Where the first five colons are.
    colons: [usize; 5],
}

impl<'a> Arn<'a> {
    /// Splits `text`; `None` if it has fewer than six fields or does not begin with `arn:`.
    #[must_use]
    pub fn split(text: &'a str) -> Option<Self> {
        let mut found = memchr::memchr_iter(b':', text.as_bytes());
        let mut colons = [0; 5];
        for colon in &mut colons {
            *colon = found.next()?;
        }
        text.starts_with("arn:").then_some(Self { text, colons })
    }

    /// The first five fields with all their colons: `arn:aws:lambda:us-east-1:123456789012:`.
    #[must_use]
    pub fn head(&self) -> &'a str {
        let [.., last] = self.colons;
        self.between(0, last + 1)
    }

    /// The first five fields: prefix, partition, service, region, account.
    #[must_use]
    pub fn fields(&self) -> [&'a str; 5] {
        let [first, ..] = self.colons;
        let prefix = self.between(0, first);
        [prefix, self.partition(), self.service(), self.region(), self.account()]
    }

    /// Colons are ASCII, hence between characters.
    fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// `aws`, `aws-cn`, …
    #[must_use]
    pub fn partition(&self) -> &'a str {
        let [before, after, ..] = self.colons;
        self.between(before + 1, after)
    }

    /// `lambda`, `s3`, …
    #[must_use]
    pub fn service(&self) -> &'a str {
        let [_, before, after, ..] = self.colons;
        self.between(before + 1, after)
    }

    /// The region; empty for global resources.
    #[must_use]
    pub fn region(&self) -> &'a str {
        let [_, _, before, after, _] = self.colons;
        self.between(before + 1, after)
    }

    /// The account; empty for resources such as S3 buckets.
    #[must_use]
    pub fn account(&self) -> &'a str {
        let [.., before, after] = self.colons;
        self.between(before + 1, after)
    }

    /// Everything after the fifth colon, for example `function:orders:prod`.
    #[must_use]
    pub fn resource(&self) -> &'a str {
        let [.., last] = self.colons;
        self.between(last + 1, self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Arn;

    #[track_caller]
    fn check(text: &str, want: Option<(&str, &str)>) {
        let got = Arn::split(text);
        if let Some(arn) = got {
            assert_eq!(format!("{}:{}", arn.fields().join(":"), arn.resource()), text);
        }
        assert_eq!(got.map(|arn| (arn.head(), arn.resource())), want, "{text}");
    }

    #[test]
    #[rustfmt::skip]
    fn an_arn_splits_at_its_first_five_colons() {
        check("arn:aws:lambda:r:1:function:f:prod", Some(("arn:aws:lambda:r:1:", "function:f:prod")));
        check("arn:aws:s3:::bucket/key",            Some(("arn:aws:s3:::", "bucket/key")));
        check("arn:ä:ö:ü:ß:é",                      Some(("arn:ä:ö:ü:ß:", "é")));
        check("arn:aws:s3:::",                      Some(("arn:aws:s3:::", "")));
        check("arn:aws:s3::",                       None);
        check("*",                                  None);
        check("",                                   None);
        check("xrn:aws:s3:::bucket",                None);
    }
}
