//! Functions on the wire: the configuration object of `aws-lambda.md §6.1` to `§6.3`.

use portcullis_lambda as domain;
use portcullis_lambda::{Configuration, Deployment, FunctionArn, Qualifier, Region, Target};
use portcullis_model::lambda::types::{
    ApplicationLogLevel, Architecture, DeadLetterConfig, EnvironmentResponse, EphemeralStorage,
    FunctionConfiguration, Layer, LogFormat, LoggingConfig, PackageType, RuntimeVersionConfig,
    SnapStartApplyOn, SnapStartOptimizationStatus, SnapStartResponse, SystemLogLevel,
    TracingConfigResponse, TracingMode, VpcConfigResponse,
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
            variables: Some(
                environment.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            ),
            error: None,
        }),
        tracing_config: Some(TracingConfigResponse {
            mode: Some(tracing_mode(configuration.tracing_mode())),
        }),
        package_type: Some(PackageType::Zip),
        architectures: Some(vec![architecture(configuration.architecture())]),
        ephemeral_storage: Some(EphemeralStorage {
            size: configuration.ephemeral_storage().get().into(),
        }),
        snap_start: Some(SnapStartResponse {
            apply_on: Some(SnapStartApplyOn::None),
            optimization_status: Some(SnapStartOptimizationStatus::Off),
        }),
        logging_config: Some(logging(configuration)),
        layers: layers(configuration.layers()),
        dead_letter_config: configuration
            .dead_letter_target()
            .map(|target| DeadLetterConfig { target_arn: Some(target.to_string()) }),
        ..FunctionConfiguration::default()
    }
}

/// The layers, where there are any.
fn layers(layers: &domain::Layers) -> Option<Vec<Layer>> {
    let show = |used: &domain::UsedLayer| Layer {
        arn: Some(used.arn.to_string()),
        code_size: i64::try_from(used.content.size).ok(),
        ..Layer::default()
    };
    let layers = layers.as_slice();
    (!layers.is_empty()).then(|| layers.iter().map(show).collect())
}

/// The levels are shown with a JSON log only.
fn logging(configuration: &Configuration) -> LoggingConfig {
    let levels = configuration.log_format().levels();
    LoggingConfig {
        log_format: Some(if levels.is_some() { LogFormat::Json } else { LogFormat::Text }),
        application_log_level: levels.map(|levels| application_level(levels.application)),
        system_log_level: levels.map(|levels| system_level(levels.system)),
        log_group: Some(configuration.log_group().to_owned()),
    }
}

pub(super) fn architecture(architecture: domain::Architecture) -> Architecture {
    match architecture {
        domain::Architecture::X86_64 => Architecture::X86_64,
        domain::Architecture::Arm64 => Architecture::Arm64,
    }
}

fn tracing_mode(mode: domain::TracingMode) -> TracingMode {
    match mode {
        domain::TracingMode::PassThrough => TracingMode::PassThrough,
        domain::TracingMode::Active => TracingMode::Active,
    }
}

fn application_level(level: domain::ApplicationLogLevel) -> ApplicationLogLevel {
    match level {
        domain::ApplicationLogLevel::Trace => ApplicationLogLevel::Trace,
        domain::ApplicationLogLevel::Debug => ApplicationLogLevel::Debug,
        domain::ApplicationLogLevel::Info => ApplicationLogLevel::Info,
        domain::ApplicationLogLevel::Warn => ApplicationLogLevel::Warn,
        domain::ApplicationLogLevel::Error => ApplicationLogLevel::Error,
        domain::ApplicationLogLevel::Fatal => ApplicationLogLevel::Fatal,
    }
}

fn system_level(level: domain::SystemLogLevel) -> SystemLogLevel {
    match level {
        domain::SystemLogLevel::Debug => SystemLogLevel::Debug,
        domain::SystemLogLevel::Info => SystemLogLevel::Info,
        domain::SystemLogLevel::Warn => SystemLogLevel::Warn,
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
