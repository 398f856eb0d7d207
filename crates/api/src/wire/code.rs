//! Where requests have their code: in their body, or in a bucket.

use portcullis_lambda::{InvalidParameter, LambdaError, S3Object};
use portcullis_model::{
    Blob,
    lambda::types::{FunctionCode, LayerVersionContentInput, S3ObjectStorageMode},
};

use super::configuration::unsupported;

/// Where the code of a function or a layer is.
pub(crate) enum CodeSource {
    /// In the request.
    Zip(Blob),
    /// In a bucket.
    Object(S3Object),
}

/// The code of a function.
///
/// # Errors
/// None, or two of them; what is not served of it; those of [`S3Object::new`].
pub(crate) fn of_function(code: FunctionCode) -> Result<CodeSource, LambdaError> {
    unsupported(&[
        (code.image_uri.is_some(), "ImageUri"),
        (code.source_kms_key_arn.is_some(), "SourceKMSKeyArn"),
    ])?;
    let members = Members {
        zip: code.zip_file,
        bucket: code.s3_bucket,
        key: code.s3_key,
        version: code.s3_object_version,
        mode: code.s3_object_storage_mode,
    };
    members.source(InvalidParameter::NoCode)
}

/// The content of a layer.
///
/// # Errors
/// As [`of_function`].
pub(crate) fn of_layer(content: LayerVersionContentInput) -> Result<CodeSource, LambdaError> {
    let members = Members {
        zip: content.zip_file,
        bucket: content.s3_bucket,
        key: content.s3_key,
        version: content.s3_object_version,
        mode: content.s3_object_storage_mode,
    };
    members.source(InvalidParameter::NoLayerContent)
}

/// What both have, as given.
struct Members {
    zip: Option<Blob>,
    bucket: Option<String>,
    key: Option<String>,
    version: Option<String>,
    mode: Option<S3ObjectStorageMode>,
}

impl Members {
    fn source(self, none: InvalidParameter) -> Result<CodeSource, LambdaError> {
        let Self { zip, bucket, key, version, mode } = self;
        let reference = mode.is_some_and(|mode| mode.as_str() != "COPY");
        unsupported(&[(reference, "S3ObjectStorageMode REFERENCE")])?;
        let names_object = bucket.is_some() || key.is_some() || version.is_some();
        match zip {
            Some(_) if names_object => Err(InvalidParameter::CodeTwice.into()),
            Some(zip) => Ok(CodeSource::Zip(zip)),
            None if names_object => Ok(CodeSource::Object(S3Object::new(bucket, key, version)?)),
            None => Err(none.into()),
        }
    }
}
