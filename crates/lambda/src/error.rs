//! Every way in which a rule of the Lambda domain can refuse, with the exact text of AWS.
//!
//! `Display` is the message. The groups are those of the wire: one match over [`LambdaError`]
//! gives the status, the code and the shape of the answer. Nothing here knows those.

use crate::{
    CodeSigningConfigArn, EventSourceRefusal, InvalidValue, MappingExists, NotFound,
    RESOURCE_POLICY_BYTES_MAX, Region, StatementId, Target, UNZIPPED_BYTES_MAX, VersionNumber,
};

/// A refusal of the Lambda domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LambdaError {
    /// A value does not have the shape of its type. The API's own validation comes first.
    #[error(transparent)]
    Malformed(#[from] InvalidValue),
    /// A value that the rules do not admit.
    #[error(transparent)]
    InvalidParameter(#[from] InvalidParameter),
    /// An alias cannot share its traffic between `$LATEST` and a version. A group of its own:
    /// AWS sends it without `Type` (`[snap] aws-lambda.md §5.3, §6.6`).
    #[error("$LATEST is not supported for an alias pointing to more than 1 version")]
    WeightedLatest,
    /// A reservation would leave too little for the account's other functions. A group of its own:
    /// AWS sends it without `Type` (`[snap] §5.3, §6.7`).
    #[error(
        "Specified ReservedConcurrentExecutions for function decreases account's \
         UnreservedConcurrentExecution below its minimum value of [{minimum}]."
    )]
    ReservationTooLarge {
        /// The calls that must stay.
        minimum: u32,
    },
    /// A reservation would be smaller than what is provisioned of it. A group of its own, as above
    /// (`[snap] §5.3, §6.7`, with its spaces).
    #[error(
        " ReservedConcurrentExecutions  {asked} should not be lower than function's total \
         provisioned concurrency [{provisioned}]."
    )]
    ReservedUnderProvisioned {
        /// The calls that should be reserved.
        asked: u32,
        /// The workers of all versions.
        provisioned: u64,
    },
    /// Provisioned workers would leave too little for the account's other functions (`[issue]`:
    /// reports of real answers). In the group of [`LambdaError::ReservationTooLarge`].
    #[error(
        "Specified ConcurrentExecutions for function decreases account's \
         UnreservedConcurrentExecution below its minimum value of [{minimum}]."
    )]
    ProvisionedTooLarge {
        /// The calls that must stay.
        minimum: u32,
    },
    /// More provisioned workers than the account has calls (`[impl]`). In the same group.
    #[error(
        "Specified ConcurrentExecutions for function is greater than account's unreserved \
         concurrency [{limit}]."
    )]
    ProvisionedOverAccount {
        /// The account's calls.
        limit: u32,
    },
    /// Nothing is provisioned for the version or alias (`[snap] §6.7`).
    #[error("No Provisioned Concurrency Config found for this function")]
    ProvisionedMissing,
    /// Something named is not there.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// The state of the resource does not admit the change.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The revision that the caller expects is not the current one.
    #[error(transparent)]
    StaleRevision(#[from] StaleRevision),
    /// The policy would be larger than [`RESOURCE_POLICY_BYTES_MAX`] (`[issue] §1.8`).
    #[error(
        "The final policy size ({size}) is bigger than the limit ({RESOURCE_POLICY_BYTES_MAX})."
    )]
    PolicyTooLong {
        /// The size that it would have, in bytes of compact JSON.
        size: usize,
    },
    /// A code-signing configuration is not there, where it is asked for itself. A group of its own:
    /// AWS sends it without `Type` (`[snap] §4.6`, `§5.3`).
    #[error("The Lambda code signing configuration {0} can not be found.")]
    CodeSigningConfigUnknown(CodeSigningConfigArn),
    /// A code-signing configuration is not there, where a function should get it (`[snap] §4.6`).
    #[error(
        "The code signing configuration cannot be found. Check that the provided configuration is \
         not deleted: {0}."
    )]
    CodeSigningConfigMissing(CodeSigningConfigArn),
    /// The code of the function of this name is not signed by whom it should be. Known from reports
    /// of real answers, not recorded in the sheet.
    #[error(
        "Lambda cannot deploy the function. The function or layer might be signed using a signature \
         that the client is not configured to accept. Check the provided signature for {0}."
    )]
    CodeVerificationFailed(Box<str>),
    /// A function cannot be created in another account: AWS sends an access denial whose message
    /// is null (`[snap] §4.5`).
    #[error("")]
    ForeignAccount,
    /// A role of another account cannot be passed, whatever policies say. Text of real answers, not
    /// recorded in the sheet.
    #[error("Cross-account pass role is not allowed.")]
    ForeignRole,
    /// Code is to be read from S3, and the operator named no endpoint of it. Our own text.
    #[error(
        "This server has no S3 endpoint to read S3Bucket and S3Key from. Start it with \
         --s3-endpoint, or send the code as ZipFile."
    )]
    NoS3Endpoint,
    /// A feature of Lambda that this build does not serve: never pretended, named.
    #[error("Portcullis does not support {what} yet.")]
    Unsupported {
        /// The feature, by the name of the parameter.
        what: &'static str,
    },
}

/// A value that the rules do not admit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParameter {
    /// `[snap] aws-lambda.md §4.4`
    #[error("The derived qualifier from the function name does not match the specified qualifier.")]
    QualifierMismatch,
    /// `[snap] §4.3`: looks like a validation error and is not one.
    #[error(
        "1 validation error detected: Value '{0}' at 'functionName' failed to satisfy constraint: \
         Member must have length less than or equal to 64"
    )]
    FunctionNameTooLong(Box<str>),
    /// `[snap] §1.8`
    #[error("We currently do not support adding policies for $LATEST.")]
    LatestPolicy,
    /// `[snap] §1.8`
    #[error("The provided principal was invalid. Please check the principal and try again.")]
    Principal,
    /// `[issue] §1.7`
    #[error("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")]
    UrlAuthTypeAction,
    /// `[gap] §1.7`
    #[error("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")]
    InvokedViaUrlAction,
    /// The statement would not be a valid policy, for instance a source ARN with an open `${`.
    /// Our own text: AWS' is not recorded.
    #[error("The statement is not a valid resource policy: {0}")]
    Statement(Box<str>),
    /// A whole policy that is none of a resource. Our own text: AWS' is not recorded (`[gap]`).
    #[error("The policy is not a valid resource policy: {0}")]
    Policy(Box<str>),
    /// A grant that anybody could use through a service, on a server that is set to refuse such
    /// grants. Our own text.
    #[error("This server refuses grants to services that do not say for whose resource. {0}")]
    ConfusedDeputy(Box<str>),
    /// The same for a grant that anybody can use themselves. Our own text.
    #[error("This server refuses grants to everyone. {0}")]
    PublicGrant(Box<str>),
    /// `[snap] §4.4`
    #[error("$LATEST version cannot be deleted without deleting the function.")]
    LatestDeletion,
    /// `[snap 2024] §4.4`
    #[error("Deletion of aliases is not currently supported.")]
    AliasDeletion,
    /// `[snap] §6.5`
    #[error(
        "CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({actual}). Please \
         try again with the CodeSHA256 in $LATEST."
    )]
    CodeSha256 {
        /// What the caller expects.
        given: Box<str>,
        /// What `$LATEST` has.
        actual: Box<str>,
    },
    /// `[snap] §6.6`
    #[error("Number of items in AdditionalVersionWeights cannot be greater than 1")]
    TooManyWeights,
    /// `[snap] §6.6`
    #[error(
        "Invalid function version {0}. Function version {0} is already included in routing \
         configuration."
    )]
    OwnVersionWeight(VersionNumber),
    /// `[snap] §6.7`
    #[error(
        "Value {value} at 'runtime' failed to satisfy constraint: Member must satisfy enum value \
         set: [{known}] or be a valid ARN",
        known = crate::Runtime::list()
    )]
    Runtime {
        /// The runtime that was asked for.
        value: Box<str>,
    },
    /// Known from AWS, not recorded in the sheet.
    #[error(
        "Runtime and Handler are mandatory parameters for functions created with deployment packages."
    )]
    RuntimeAndHandlerMissing,
    /// `[tf][issue] §6.7`
    #[error("The role defined for the function cannot be assumed by Lambda.")]
    RoleNotAssumable,
    /// Above the quota, below the model's own maximum of 32768. Not recorded in the sheet.
    #[error(
        "'MemorySize' value failed to satisfy constraint: Member must have value less than or \
         equal to 10240"
    )]
    MemoryTooLarge,
    /// As [`InvalidParameter::MemoryTooLarge`], with the same reserve.
    #[error(
        "'EphemeralStorage.Size' value failed to satisfy constraint: Member must have value less \
         than or equal to 10240"
    )]
    EphemeralStorageTooLarge,
    /// `[issue]`: reports of real answers. A log in plain text has no levels.
    #[error(
        "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from your \
         request or change the LogFormat to \"JSON\" and try again."
    )]
    LevelsOfText,
    /// Known from AWS, not recorded in the sheet.
    #[error("Please provide a source for function code.")]
    NoCode,
    /// `[issue]`: reports of real answers.
    #[error("Please do not provide other FunctionCode parameters when providing a ZipFile.")]
    CodeTwice,
    /// An object without its bucket, or the reverse. Our own text: AWS' is not recorded.
    #[error("Please provide both S3Bucket and S3Key.")]
    ObjectIncomplete,
    /// S3 does not give the object that is to be the code (`[issue]`: reports of real answers).
    #[error("Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")]
    Object {
        /// As S3 names it.
        code: Box<str>,
        /// As S3 says it.
        message: Box<str>,
    },
    /// Of a layer version; the text is our own.
    #[error("Please provide a source for layer content.")]
    NoLayerContent,
    /// `[snap] §3.5`
    #[error("Cannot reference more than 5 layers.")]
    TooManyLayers,
    /// `[snap] §3.5`; carries the ARN as given.
    #[error("Layer version {0} does not exist.")]
    LayerMissing(Box<str>),
    /// `[snap] §3.5`; carries the function's region.
    #[error(
        "Layers are not in the same region as the function. Layers are expected to be in region {0}."
    )]
    LayersElsewhere(Region),
    /// `[snap] §3.5`
    #[error(
        "Two different versions of the same layer are not allowed to be referenced in the same \
         function. {first} and {second} are versions of the same layer."
    )]
    TwoVersionsOfLayer {
        /// The one that came first.
        first: Box<str>,
        /// The one after it.
        second: Box<str>,
    },
    /// `[issue]`: reports of real answers.
    #[error(
        "Function code combined with layers exceeds the maximum allowed size of \
         {UNZIPPED_BYTES_MAX} bytes. The actual size is {bytes} bytes."
    )]
    CodeAndLayersTooLarge {
        /// Of all files, unpacked.
        bytes: u64,
    },
    /// `[snap] §3.5`
    #[error("Layer Version Cannot be less than 1")]
    LayerVersionNumber,
    /// `[snap] §6.7`
    #[error("Could not unzip uploaded file. Please check your file, then try to upload again.")]
    BadZip,
    /// A zip without a file. `[issue]`: reports of real answers.
    #[error("Uploaded file must be a non-empty zip")]
    EmptyZip,
    /// `[snap] §6.7`
    #[error("Unzipped size must be smaller than 262144000 bytes")]
    UnzippedTooLarge,
    /// `[snap] §6.7`; carries the environment as compact JSON.
    #[error(
        "Lambda was unable to configure your environment variables because the environment \
         variables you have provided exceeded the 4KB limit. String measured: {0}"
    )]
    EnvironmentTooLarge(Box<str>),
    /// Known from AWS, not recorded in the sheet; carries the names, joined by `, `.
    #[error(
        "Lambda was unable to configure your environment variables because the environment \
         variables you have provided contains reserved keys that are currently not supported for \
         modification. Reserved keys used in this request: {0}"
    )]
    ReservedEnvironment(Box<str>),
    /// `[snap] §6.7`
    #[error("Number of tags exceeds resource tag limit.")]
    TooManyTags,
    /// `[snap] §6.7`
    #[error(
        "Tags on function aliases and versions are not supported. Please specify a function ARN."
    )]
    QualifiedTags,
    /// `[snap] §6.7`
    #[error(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support \
         this operation. Please specify either a function name or an unqualified function ARN."
    )]
    QualifiedConcurrency,
    /// `[snap] §6.7`, of `PutProvisionedConcurrencyConfig`.
    #[error("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")]
    ProvisionedLatest,
    /// `[snap] §6.7`, of `GetProvisionedConcurrencyConfig` and `DeleteProvisionedConcurrencyConfig`.
    #[error("The function resource provided must be an alias or a published version.")]
    NotPublished,
    /// `[snap] §6.7`
    #[error(
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned \
         version"
    )]
    ProvisionedVersion,
    /// `[snap] §6.7`
    #[error("Version is pointed by a Provisioned Concurrency alias")]
    ProvisionedByAlias,
    /// `[snap] §6.7`
    #[error(
        "Requested Provisioned Concurrency should not be greater than the \
         reservedConcurrentExecution for function"
    )]
    ProvisionedOverReserved,
    /// `[issue]`: reports of real answers. An alias with two versions is not provisioned.
    #[error("Invalid alias configuration for Provisioned Concurrency")]
    ProvisionedRouting,
    /// `[snap] §8.6`
    #[error("You must specify at least one of error handling or destination setting.")]
    NoEventInvokeSetting,
    /// `[snap] §8.6`
    #[error("The destination ARN {0} is invalid.")]
    DestinationMissing(Box<str>),
    /// `[snap] §8.6`
    #[error("You can't specify the function as a destination for itself.")]
    OwnDestination,
    /// `[snap] §8.6`; carries the whole configuration in AWS's notation.
    #[error("The provided destination config {0} is invalid.")]
    DestinationsInvalid(Box<str>),
    /// `[snap] §6.7`: an empty map for `TagResource`.
    #[error("An error occurred and the request cannot be processed.")]
    EmptyTags,
    /// IAM's text for it; Lambda's own is not recorded.
    #[error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
    AmbiguousTagKey,
    /// The text that other AWS services send for it; Lambda's own is not recorded.
    #[error("aws: prefixed tag key names are not allowed for external use.")]
    ReservedTagKey,
    /// The documented limits, 1-128 and 0-256 characters; the text is our own.
    #[error("Tag keys must have 1 to 128 characters and tag values at most 256.")]
    TagLength,
    /// A runtime to be held at no version. Our own text.
    #[error("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")]
    RuntimeVersionMissing,
    /// A runtime version in a mode, which it carries, that is not `Manual`. Our own text.
    #[error("RuntimeVersionArn cannot be given when UpdateRuntimeOn is {0}.")]
    RuntimeVersionUnused(Box<str>),
    /// A runtime version of another runtime, or of none. Our own text.
    #[error("The runtime version {0} is not one of this function's runtime on this server.")]
    RuntimeVersionUnknown(Box<str>),
    /// A parameter of an event source mapping.
    #[error(transparent)]
    EventSource(#[from] EventSourceRefusal),
}

/// The state of the resource does not admit the change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// `[issue] aws-lambda.md §6.7` (sic); carries the function's name.
    #[error("Function already exist: {0}")]
    FunctionExists(Box<str>),
    /// `[snap] §6.6`
    #[error("Alias already exists: {0}")]
    AliasExists(Target),
    /// `[snap] §1.8`
    #[error(
        "The statement id ({0}) provided already exists. Please provide a new statement id, or \
         remove the existing statement."
    )]
    StatementExists(StatementId),
    /// `[snap] §7.1`, with its two spaces.
    #[error(
        "Failed to create function url config for [functionArn = {0}]. Error message:  \
         FunctionUrlConfig exists for this Lambda function"
    )]
    UrlExists(Target),
    /// `[snap] §6.2`; the unqualified ARN.
    #[error(
        "The operation cannot be performed at this time. An update is in progress for resource: {0}"
    )]
    UpdateInProgress(Target),
    /// `[issue] §6.2`
    #[error(
        "The operation cannot be performed at this time. The function is currently in the \
         following state: {0}"
    )]
    State(&'static str),
    /// A whole policy was put or deleted by a caller whose leave was judged by what it was before.
    /// `[model]` has the code; the text is our own.
    #[error("The policy was changed by another request at the same time. Please try again.")]
    PolicyChanged,
    /// `[doc]` says that it is refused; the text is our own.
    #[error("The code signing configuration {0} is used by functions and cannot be deleted.")]
    CodeSigningConfigInUse(CodeSigningConfigArn),
    /// `[issue]`: reports of real answers; carries the aliases' names, joined by `, `.
    #[error("Unable to delete version because the following aliases reference it: [{0}]")]
    VersionInUse(Box<str>),
    /// Of an event source mapping.
    #[error(transparent)]
    MappingExists(#[from] MappingExists),
}

/// The revision that the caller expects is not the current one. No final period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StaleRevision {
    /// Of a policy (`[snap] aws-lambda.md §1.8`).
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API \
         to retrieve the latest Revision Id"
    )]
    Policy,
    /// Of the policy of a layer version; the operation's name is AWS's (`[snap] §3.3`, sic).
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy \
         API to retrieve the latest Revision Id"
    )]
    LayerPolicy,
    /// Of a function, version or alias (`[snap] §6.4`).
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the \
         GetFunction/GetAlias API to retrieve the latest Revision Id"
    )]
    Function,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FunctionArn, Qualifier};

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    #[track_caller]
    fn check(error: impl Into<LambdaError>, text: &str) {
        assert_eq!(error.into().to_string(), text);
    }

    #[test]
    #[rustfmt::skip]
    fn the_texts_of_policies_are_exact() {
        check(InvalidParameter::QualifierMismatch, "The derived qualifier from the function name does not match the specified qualifier.");
        check(InvalidParameter::LatestPolicy, "We currently do not support adding policies for $LATEST.");
        check(InvalidParameter::Principal, "The provided principal was invalid. Please check the principal and try again.");
        check(InvalidParameter::UrlAuthTypeAction, "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action");
        check(InvalidParameter::InvokedViaUrlAction, "InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action");
        check(Conflict::StatementExists("s3".parse().unwrap()), "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement.");
        check(StaleRevision::Policy, "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id");
        check(LambdaError::PolicyTooLong { size: 20749 }, "The final policy size (20749) is bigger than the limit (20480).");
    }

    #[test]
    #[rustfmt::skip]
    fn the_texts_of_functions_are_exact() {
        let function: FunctionArn = ARN.parse().unwrap();
        let whole = Target::unqualified(function.clone());
        let prod = Target::qualified(function, Qualifier::parse("prod"));
        check(InvalidParameter::LatestDeletion, "$LATEST version cannot be deleted without deleting the function.");
        check(InvalidParameter::AliasDeletion, "Deletion of aliases is not currently supported.");
        check(InvalidParameter::CodeSha256 { given: "a".into(), actual: "b".into() }, "CodeSHA256 (a) is different from current CodeSHA256 in $LATEST (b). Please try again with the CodeSHA256 in $LATEST.");
        check(InvalidParameter::TooManyWeights, "Number of items in AdditionalVersionWeights cannot be greater than 1");
        check(InvalidParameter::OwnVersionWeight(VersionNumber::FIRST), "Invalid function version 1. Function version 1 is already included in routing configuration.");
        check(LambdaError::ReservationTooLarge { minimum: 100 }, "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].");
        check(LambdaError::ReservedUnderProvisioned { asked: 1, provisioned: 2 }, " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].");
        check(LambdaError::ProvisionedTooLarge { minimum: 100 }, "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].");
        check(LambdaError::ProvisionedOverAccount { limit: 1000 }, "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000].");
        check(LambdaError::ProvisionedMissing, "No Provisioned Concurrency Config found for this function");
        check(InvalidParameter::ProvisionedLatest, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
        check(InvalidParameter::NotPublished, "The function resource provided must be an alias or a published version.");
        check(InvalidParameter::ProvisionedVersion, "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version");
        check(InvalidParameter::ProvisionedByAlias, "Version is pointed by a Provisioned Concurrency alias");
        check(InvalidParameter::ProvisionedOverReserved, "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function");
        check(InvalidParameter::NoEventInvokeSetting, "You must specify at least one of error handling or destination setting.");
        check(InvalidParameter::QualifiedConcurrency, "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.");
        check(LambdaError::WeightedLatest, "$LATEST is not supported for an alias pointing to more than 1 version");
        check(InvalidParameter::Runtime { value: "Python3.9".into() }, "Value Python3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2] or be a valid ARN");
        check(InvalidParameter::RoleNotAssumable, "The role defined for the function cannot be assumed by Lambda.");
        check(InvalidParameter::LevelsOfText, r#"LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again."#);
        check(InvalidParameter::NoCode, "Please provide a source for function code.");
        check(InvalidParameter::CodeTwice, "Please do not provide other FunctionCode parameters when providing a ZipFile.");
        check(InvalidParameter::Object { code: "NoSuchKey".into(), message: "The specified key does not exist.".into() }, "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.");
        check(InvalidParameter::BadZip, "Could not unzip uploaded file. Please check your file, then try to upload again.");
        check(InvalidParameter::EmptyZip, "Uploaded file must be a non-empty zip");
        check(InvalidParameter::UnzippedTooLarge, "Unzipped size must be smaller than 262144000 bytes");
        check(InvalidParameter::EnvironmentTooLarge("{}".into()), "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {}");
        check(InvalidParameter::ReservedEnvironment("AWS_REGION".into()), "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION");
        check(InvalidParameter::TooManyTags, "Number of tags exceeds resource tag limit.");
        check(InvalidParameter::QualifiedTags, "Tags on function aliases and versions are not supported. Please specify a function ARN.");
        check(InvalidParameter::EmptyTags, "An error occurred and the request cannot be processed.");
        check(Conflict::FunctionExists("f".into()), "Function already exist: f");
        check(Conflict::AliasExists(prod), &format!("Alias already exists: {ARN}:prod"));
        check(Conflict::UrlExists(whole.clone()), &format!("Failed to create function url config for [functionArn = {ARN}]. Error message:  FunctionUrlConfig exists for this Lambda function"));
        check(Conflict::UpdateInProgress(whole), &format!("The operation cannot be performed at this time. An update is in progress for resource: {ARN}"));
        check(Conflict::State("Pending"), "The operation cannot be performed at this time. The function is currently in the following state: Pending");
        check(StaleRevision::Function, "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id");
        check(LambdaError::Unsupported { what: "Layers" }, "Portcullis does not support Layers yet.");
    }
}
