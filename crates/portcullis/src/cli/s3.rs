//! The flags of `serve` about the store that code packages are read from.

use std::path::PathBuf;

use clap::Args;

/// Where code is read that requests name by bucket and key.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct S3Arguments {
    /// S3-compatible store that S3Bucket and S3Key are read from: http://HOST[:PORT] or
    /// https://HOST[:PORT]. Callers need s3:GetObject on the object by their own policies.
    #[arg(
        long = "s3-endpoint",
        id = "s3_endpoint",
        env = "PORTCULLIS_S3_ENDPOINT",
        value_name = "URL"
    )]
    pub(crate) endpoint: Option<String>,
    /// The store's region; the server's when absent.
    #[arg(
        long = "s3-region",
        id = "s3_region",
        env = "PORTCULLIS_S3_REGION",
        value_name = "REGION",
        requires = "s3_endpoint"
    )]
    pub(crate) region: Option<String>,
    /// Access key id that the store is read with.
    #[arg(
        long = "s3-access-key-id",
        id = "s3_access_key_id",
        env = "PORTCULLIS_S3_ACCESS_KEY_ID",
        value_name = "ID",
        requires_all = ["s3_endpoint", "s3_secret_access_key"],
        hide_env_values = true
    )]
    pub(crate) access_key_id: Option<String>,
    /// Its secret. Give it in the environment: a command line can be seen by other users.
    #[arg(
        long = "s3-secret-access-key",
        id = "s3_secret_access_key",
        env = "PORTCULLIS_S3_SECRET_ACCESS_KEY",
        value_name = "SECRET",
        requires = "s3_access_key_id",
        hide_env_values = true
    )]
    pub(crate) secret_access_key: Option<String>,
    /// File with both: JSON with AccessKeyId and SecretAccessKey.
    #[arg(
        long = "s3-credentials-file",
        id = "s3_credentials_file",
        env = "PORTCULLIS_S3_CREDENTIALS_FILE",
        value_name = "FILE",
        requires = "s3_endpoint",
        conflicts_with = "s3_access_key_id"
    )]
    pub(crate) credentials_file: Option<PathBuf>,
    /// Account that a bucket belongs to, whose callers may be allowed to read it; else it is the
    /// operator's. May be given several times; in the environment, commas part them.
    #[arg(
        long = "s3-bucket-owner",
        id = "s3_bucket_owner",
        env = "PORTCULLIS_S3_BUCKET_OWNER",
        value_name = "BUCKET=ACCOUNT",
        value_delimiter = ',',
        requires = "s3_endpoint"
    )]
    pub(crate) bucket_owners: Vec<String>,
}
