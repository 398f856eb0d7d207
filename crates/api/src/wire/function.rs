//! Functions on the wire: the configuration object of `aws-lambda.md §6.1` to `§6.3`.

use portcullis_lambda::{
    Configuration, Deployment, FunctionArn, Qualifier, Region, Target,
};
use portcullis_model::lambda::types::{
    Architecture, EnvironmentResponse, EphemeralStorage, FunctionConfiguration, LogFormat,
    LoggingConfig, PackageType, RuntimeVersionConfig, SnapStartApplyOn, SnapStartOptimizationStatus,
    SnapStartResponse, TracingConfigResponse, TracingMode, VpcConfigResponse,
};

/// What a configuration object is made of.
pub(crate) struct Described<'a> {
    /// Function and qualifier as the answer's ARN shows them.
    pub(crate) target: &'a Target,
    /// `$LATEST` or the number of the version.
    pub(crate) version: &'a Qualifier,
    pub(crate) deployment: &'a Deployment,
    pub(crate) region: &'a Region,
}

impl Described<'_> {
    /// The whole object, with the states.
    pub(crate) fn whole(&self) -> FunctionConfiguration {
        let lifecycle = &self.deployment.lifecycle;
        let (state_reason, state_reason_code) = both(lifecycle.state_reason());
        let (update_reason, update_reason_code) = both(lifecycle.last_update_status_reason());
        FunctionConfiguration {
            state: Some(lifecycle.state().to_owned()),
            state_reason,
            state_reason_code,
            last_update_status: lifecycle.last_update_status().map(str::to_owned),
            last_update_status_reason: update_reason,
            last_update_status_reason_code: update_reason_code,
            ..self.listed()
        }
    }

    /// The object as lists show it: without the states.
    pub(crate) fn listed(&self) -> FunctionConfiguration {
        let Deployment { configuration, code, last_modified, revision, .. } = self.deployment;
        FunctionConfiguration {
            function_name: Some(self.function().name().to_owned()),
            function_arn: Some(self.target.to_string()),
            code_size: i64::try_from(code.size).ok(),
            last_modified: Some(last_modified.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()),
            code_sha256: Some(code.sha256.to_string()),
            version: Some(self.version.to_string()),
            revision_id: Some(revision.to_string()),
            runtime_version_config: Some(RuntimeVersionConfig {
                runtime_version_arn: Some(configuration.runtime().version_arn(self.region)),
                error: None,
            }),
            ..settings(configuration)
        }
    }

    fn function(&self) -> &FunctionArn {
        &self.target.function
    }
}

/// The part that the user configured, with its defaults.
fn settings(configuration: &Configuration) -> FunctionConfiguration {
    FunctionConfiguration {
        runtime: Some(configuration.runtime().as_str().to_owned()),
        role: Some(configuration.role().to_string()),
        handler: Some(configuration.handler().to_string()),
        description: Some(configuration.description().to_owned()),
        timeout: Some(configuration.timeout().get().into()),
        memory_size: Some(configuration.memory().get().into()),
        vpc_config: configuration.has_empty_vpc().then(no_vpc),
        environment: configuration.environment().map(|environment| EnvironmentResponse {
            variables: Some(environment.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()),
            error: None,
        }),
        tracing_config: Some(TracingConfigResponse { mode: Some(TracingMode::PassThrough) }),
        package_type: Some(PackageType::Zip),
        architectures: Some(vec![Architecture::X86_64]),
        ephemeral_storage: Some(EphemeralStorage {
            size: Configuration::EPHEMERAL_STORAGE_MEGABYTES.into(),
        }),
        snap_start: Some(SnapStartResponse {
            apply_on: Some(SnapStartApplyOn::None),
            optimization_status: Some(SnapStartOptimizationStatus::Off),
        }),
        logging_config: Some(LoggingConfig {
            log_format: Some(LogFormat::Text),
            log_group: Some(configuration.log_group().to_owned()),
            ..LoggingConfig::default()
        }),
        ..FunctionConfiguration::default()
    }
}

/// What an empty `VpcConfig` is echoed as.
fn no_vpc() -> VpcConfigResponse {
    VpcConfigResponse {
        subnet_ids: Some(Vec::new()),
        security_group_ids: Some(Vec::new()),
        vpc_id: Some(String::new()),
        ipv6_allowed_for_dual_stack: Some(false),
    }
}

/// A reason and its code, or neither.
fn both(reason: Option<(&str, &'static str)>) -> (Option<String>, Option<String>) {
    reason.map(|(text, code)| (text.to_owned(), code.to_owned())).unzip()
}
