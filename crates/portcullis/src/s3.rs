//! The store that code packages are read from, by the flags of `serve`.

use std::path::Path;

use portcullis_api::{BucketOwners, S3Settings};
use portcullis_sigv4::Credentials;

use crate::{cli::S3Arguments, root_credentials, serve::ServeError};

/// What the flags say, if they name a store; `region` is the server's.
///
/// # Errors
/// [`ServeError::Flag`]: a value that is none, or no keys to read with.
pub(crate) fn settings(
    arguments: &S3Arguments,
    region: &str,
) -> Result<Option<S3Settings>, ServeError> {
    let Some(endpoint) = &arguments.endpoint else { return Ok(None) };
    let flag = |flag, why: String| ServeError::Flag { flag, why };
    let owners = BucketOwners::read(&arguments.bucket_owners);
    Ok(Some(S3Settings {
        endpoint: endpoint.parse().map_err(|why| flag("--s3-endpoint", format!("{why}")))?,
        region: arguments.region.as_deref().unwrap_or(region).to_owned(),
        credentials: credentials(arguments)?,
        owners: owners.map_err(|why| flag("--s3-bucket-owner", why.to_string()))?,
    }))
}

/// The keys, from the flags, the environment or the file.
fn credentials(arguments: &S3Arguments) -> Result<Credentials, ServeError> {
    let S3Arguments { access_key_id, secret_access_key, credentials_file, .. } = arguments;
    match (access_key_id, secret_access_key, credentials_file) {
        (Some(id), Some(secret), _) => Ok(Credentials {
            access_key_id: id.clone(),
            secret_access_key: secret.clone(),
            session_token: None,
        }),
        (_, _, Some(path)) => of_file(path),
        _ => Err(ServeError::Flag {
            flag: "--s3-endpoint",
            why: "no keys to read with; set PORTCULLIS_S3_ACCESS_KEY_ID and \
                  PORTCULLIS_S3_SECRET_ACCESS_KEY, or --s3-credentials-file"
                .to_owned(),
        }),
    }
}

fn of_file(path: &Path) -> Result<Credentials, ServeError> {
    let failed = |why: String| {
        let why = format!("{}: {why}", path.display());
        ServeError::Flag { flag: "--s3-credentials-file", why }
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let malformed = || failed("it is not JSON with AccessKeyId and SecretAccessKey".to_owned());
    root_credentials::of_text(&text).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `want`: the access key id, or a part of the error.
    #[track_caller]
    fn check(arguments: &S3Arguments, want: Result<Option<&str>, &str>) {
        let got = settings(arguments, "eu-central-1").map_err(|error| error.to_string());
        match (got, want) {
            (Ok(got), Ok(want)) => {
                let id = got.as_ref().map(|got| got.credentials.access_key_id.as_str());
                assert_eq!(id, want);
                assert!(got.is_none_or(|got| got.region == "eu-central-1"));
            }
            (Err(got), Err(want)) => assert!(got.contains(want), "{got}"),
            (got, want) => panic!("{got:?}, not {want:?}"),
        }
    }

    #[test]
    fn a_store_is_named_whole_or_the_server_does_not_start() {
        let some = |text: &str| Some(text.to_owned());
        let keyed = |endpoint: &str, owners: &[&str]| S3Arguments {
            endpoint: some(endpoint),
            access_key_id: some("AKIA"),
            secret_access_key: some("secret"),
            bucket_owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
            ..S3Arguments::default()
        };
        check(&S3Arguments::default(), Ok(None));
        check(&keyed("http://127.0.0.1:9000", &[]), Ok(Some("AKIA")));
        check(&keyed("https://s3.example.com/", &["their-code=223456789012"]), Ok(Some("AKIA")));
        for endpoint in
            ["", "s3.example.com", "ftp://a", "http://a/b", "http://a/?b", "http://u:p@a"]
        {
            check(&keyed(endpoint, &[]), Err("--s3-endpoint"));
        }
        for owners in [&["code"][..], &["=1"], &["code=x"], &["c/d=223456789012"]] {
            check(&keyed("http://a", owners), Err("write BUCKET=ACCOUNT"));
        }
        let twice = ["code=223456789012", "code=123456789012"];
        check(&keyed("http://a", &twice), Err("more than once"));
        let keyless = S3Arguments { endpoint: some("http://a"), ..S3Arguments::default() };
        check(&keyless, Err("PORTCULLIS_S3_ACCESS_KEY_ID"));
        let folder = tempfile::tempdir().unwrap();
        let file = |text: &str| {
            let path = folder.path().join("keys.json");
            std::fs::write(&path, text).unwrap();
            S3Arguments { credentials_file: Some(path), ..keyless.clone() }
        };
        check(&file(r#"{"AccessKeyId":"AKIB","SecretAccessKey":"s"}"#), Ok(Some("AKIB")));
        check(&file(r#"{"AccessKeyId":"AKIB"}"#), Err("is not JSON with AccessKeyId"));
        let missing = Some("/no/such/file".into());
        check(&S3Arguments { credentials_file: missing, ..keyless }, Err("/no/such/file"));
    }
}
