//! Code-signing configurations on the wire: what the operations take, and what they show.

use portcullis_lambda as domain;
use portcullis_lambda::{CodeSigningInput, UntrustedArtifact};
use portcullis_model::lambda::types::{
    AllowedPublishers, CodeSigningConfig, CodeSigningPolicies, CodeSigningPolicy,
    CreateCodeSigningConfigInput, UpdateCodeSigningConfigInput,
};

/// What `CreateCodeSigningConfig` asks for.
pub(crate) fn create(input: CreateCodeSigningConfigInput) -> CodeSigningInput {
    let publishers = Some(input.allowed_publishers);
    asked(input.description, publishers, input.code_signing_policies.as_ref())
}

/// What `UpdateCodeSigningConfig` asks for.
pub(crate) fn update(input: UpdateCodeSigningConfigInput) -> CodeSigningInput {
    asked(input.description, input.allowed_publishers, input.code_signing_policies.as_ref())
}

fn asked(
    description: Option<String>,
    publishers: Option<AllowedPublishers>,
    policies: Option<&CodeSigningPolicies>,
) -> CodeSigningInput {
    let untrusted = policies.and_then(|policies| policies.untrusted_artifact_on_deployment);
    CodeSigningInput {
        description,
        publishers: publishers.map(|publishers| publishers.signing_profile_version_arns),
        untrusted: untrusted.map(|policy| match policy {
            CodeSigningPolicy::Warn => UntrustedArtifact::Warn,
            CodeSigningPolicy::Enforce => UntrustedArtifact::Enforce,
        }),
    }
}

/// A configuration as every operation shows it.
pub(crate) fn shown(config: &domain::CodeSigningConfig) -> CodeSigningConfig {
    CodeSigningConfig {
        code_signing_config_id: config.arn().id().to_owned(),
        code_signing_config_arn: config.arn().to_string(),
        description: config.description().map(str::to_owned),
        allowed_publishers: AllowedPublishers {
            signing_profile_version_arns: config.publishers().to_vec(),
        },
        code_signing_policies: CodeSigningPolicies {
            untrusted_artifact_on_deployment: Some(match config.untrusted() {
                UntrustedArtifact::Warn => CodeSigningPolicy::Warn,
                UntrustedArtifact::Enforce => CodeSigningPolicy::Enforce,
            }),
        },
        last_modified: config.modified().strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
    }
}
