//! Splitting ARNs into their six fields.

/// An Amazon Resource Name, split at its first five colons and otherwise unchecked.
///
/// The sixth field keeps the rest, colons included. Fields may be empty (`arn:aws:s3:::bucket`).
/// Source: iam.md §3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    head: &'a str,
    fields: [&'a str; 5],
    resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits `text`; `None` if it has fewer than six fields or does not begin with `arn:`.
    #[must_use]
    pub fn split(text: &'a str) -> Option<Self> {
        let mut rest = text;
        let mut fields = [""; 5];
        for field in &mut fields {
            // Fields are short: looking at each byte beats a search that is made for long texts.
            let colon = rest.bytes().position(|byte| byte == b':')?;
            (*field, rest) = (rest.get(..colon)?, rest.get(colon + 1..)?);
        }
        let head = text.get(..text.len().checked_sub(rest.len())?)?;
        let arn = Self { head, fields, resource: rest };
        (arn.prefix() == "arn").then_some(arn)
    }

    /// The first five fields with all their colons: `arn:aws:lambda:us-east-1:123456789012:`.
    #[must_use]
    pub fn head(&self) -> &'a str {
        self.head
    }

    /// The first five fields: prefix, partition, service, region, account.
    #[must_use]
    pub fn fields(&self) -> &[&'a str; 5] {
        &self.fields
    }

    fn prefix(&self) -> &'a str {
        let [prefix, ..] = self.fields;
        prefix
    }

    /// `aws`, `aws-cn`, …
    #[must_use]
    pub fn partition(&self) -> &'a str {
        let [_, partition, ..] = self.fields;
        partition
    }

    /// `lambda`, `s3`, …
    #[must_use]
    pub fn service(&self) -> &'a str {
        let [_, _, service, ..] = self.fields;
        service
    }

    /// The region; empty for global resources.
    #[must_use]
    pub fn region(&self) -> &'a str {
        let [_, _, _, region, _] = self.fields;
        region
    }

    /// The account; empty for resources such as S3 buckets.
    #[must_use]
    pub fn account(&self) -> &'a str {
        let [_, _, _, _, account] = self.fields;
        account
    }

    /// Everything after the fifth colon, for example `function:orders:prod`.
    #[must_use]
    pub fn resource(&self) -> &'a str {
        self.resource
    }
}

#[cfg(test)]
mod tests {
    use super::Arn;

    #[track_caller]
    fn check(text: &str, want: Option<(&str, &str)>) {
        let got = Arn::split(text);
        assert_eq!(got.map(|arn| (arn.head(), arn.resource())), want, "{text}");
    }

    #[test]
    #[rustfmt::skip]
    fn an_arn_splits_at_its_first_five_colons() {
        check("arn:aws:lambda:r:1:function:f:prod", Some(("arn:aws:lambda:r:1:", "function:f:prod")));
        check("arn:aws:s3:::bucket/key",            Some(("arn:aws:s3:::", "bucket/key")));
        check("arn:aws:s3:::",                      Some(("arn:aws:s3:::", "")));
        check("arn:aws:s3::",                       None);
        check("*",                                  None);
        check("",                                   None);
        check("xrn:aws:s3:::bucket",                None);
    }
}
