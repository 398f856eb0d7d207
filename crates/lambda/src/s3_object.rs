//! An object in a bucket: where a request may have its code instead of in its body.

use std::fmt;

use crate::InvalidParameter;

/// Names an object, or one version of it. It need not exist. `Display`: `BUCKET/KEY`.
///
/// Invariant: the bucket has 3 to 63 of `[0-9A-Za-z.-_]` and no dot at its end, the key 1 to 1024
/// bytes, the version at least one. Source: `[model]` shapes `S3Bucket`, `S3Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Object {
    bucket: Box<str>,
    key: Box<str>,
    version: Option<Box<str>>,
}

impl S3Object {
    /// The object that the members of a request name.
    ///
    /// # Errors
    /// [`InvalidParameter::ObjectIncomplete`] for a bucket or a key without the other;
    /// [`InvalidParameter::Object`] for texts that can name none, which validation should have
    /// refused.
    pub fn new(
        bucket: Option<String>,
        key: Option<String>,
        version: Option<String>,
    ) -> Result<Self, InvalidParameter> {
        let (Some(bucket), Some(key)) = (bucket, key) else {
            return Err(InvalidParameter::ObjectIncomplete);
        };
        if !is_bucket(&bucket) {
            let message = "The specified bucket is not valid.".into();
            return Err(InvalidParameter::Object { code: "InvalidBucketName".into(), message });
        }
        if key.is_empty() {
            return Err(InvalidParameter::ObjectIncomplete);
        }
        if key.len() > KEY_BYTES_MAX {
            let message = "Your key is too long".into();
            return Err(InvalidParameter::Object { code: "KeyTooLongError".into(), message });
        }
        let version = version.filter(|version| !version.is_empty()).map(Into::into);
        Ok(Self { bucket: bucket.into(), key: key.into(), version })
    }

    /// Its bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The version that is meant; the newest if none is named.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// `arn:PARTITION:s3:::BUCKET/KEY`; it has no account, and no version.
    #[must_use]
    pub fn arn(&self, partition: &str) -> String {
        format!("arn:{partition}:s3:::{self}")
    }
}

impl fmt::Display for S3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.key)
    }
}

/// Most bytes of a key: the limit of S3.
const KEY_BYTES_MAX: usize = 1024;

/// Whether a bucket may have this name.
#[must_use]
pub fn is_bucket(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (3..=63).contains(&name.len()) && name.bytes().all(legal) && !name.ends_with('.')
}

/// A caller may not read an object. AWS reads it as the caller, and passes on what S3 says.
///
/// Source: `[issue]`, reports of real answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Your access has been denied by S3, please make sure your request credentials have permission \
     to GetObject for {object}. S3 Error Code: AccessDenied. S3 Error Message: {message}"
)]
pub struct ObjectDenied {
    /// Which.
    pub object: S3Object,
    /// What S3 says, or who decided in its place.
    pub message: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bucket: &str, key: &str, want: Result<&str, &str>) {
        let given = |text: &str| (text != "-").then(|| text.to_owned());
        let got = S3Object::new(given(bucket), given(key), None);
        let got = got.map(|object| object.arn("aws")).map_err(|error| error.to_string());
        match (got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want, "{bucket} {key}"),
            (Err(got), Err(want)) => assert!(got.contains(want), "{bucket} {key}: {got}"),
            (got, _) => panic!("{bucket} {key}: {got:?}"),
        }
    }

    #[test]
    #[rustfmt::skip]
    fn an_object_has_a_bucket_and_a_key_that_s3_could_have() {
        check("code",             "f.zip",              Ok("arn:aws:s3:::code/f.zip"));
        check("my.code-1_A",      "a/b c/*?${x}ü.zip",  Ok("arn:aws:s3:::my.code-1_A/a/b c/*?${x}ü.zip"));
        check("code",             &"k".repeat(1024),    Ok(&format!("arn:aws:s3:::code/{}", "k".repeat(1024))));
        check("code",             &"k".repeat(1025),    Err("KeyTooLongError"));
        check("code",             &"ü".repeat(513),     Err("KeyTooLongError"));
        check("code",             "",                   Err("S3Key"));
        check("code",             "-",                  Err("S3Key"));
        check("-",                "f.zip",              Err("S3Bucket"));
        check("-",                "-",                  Err("S3Bucket"));
        for bucket in ["", "ab", "...", "co/de", "co de", "code.", "cödé", &"b".repeat(64)] {
            check(bucket,         "f.zip",              Err("InvalidBucketName"));
        }
    }

    #[test]
    fn a_version_is_told_and_no_part_of_the_name() {
        let of = |version: Option<&str>| {
            S3Object::new(Some("code".into()), Some("k".into()), version.map(Into::into)).unwrap()
        };
        assert_eq!((of(Some("v1")).version(), of(None).version()), (Some("v1"), None));
        assert_eq!(of(Some("v1")).arn("aws"), of(None).arn("aws"));
        assert_eq!(of(Some("")).version(), None);
    }
}
