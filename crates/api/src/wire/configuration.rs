//! The settings of a function as requests give them.

use portcullis_lambda as domain;
use portcullis_lambda::{
    ConfigurationChange, ConfigurationInput, LambdaError, LoggingInput, VpcInput,
};
use portcullis_model::lambda::types::{
    Architecture, CreateFunctionInput, DeadLetterConfig, Environment, FileSystemConfig,
    LoggingConfig, UpdateFunctionCodeInput, UpdateFunctionConfigurationInput, VpcConfig,
};

/// The settings that both requests have, under the same names in two generated types.
macro_rules! settings_of {
    ($input:expr) => {
        ConfigurationInput {
            description: $input.description.clone(),
            handler: $input.handler.clone(),
            runtime: $input.runtime.clone(),
            timeout: $input.timeout.map(i64::from),
            memory_size: $input.memory_size.map(i64::from),
            environment: environment($input.environment.as_ref()),
            ephemeral_storage: $input.ephemeral_storage.as_ref().map(|kept| kept.size.into()),
            tracing_mode: $input
                .tracing_config
                .as_ref()
                .and_then(|tracing| tracing.mode)
                .map(|mode| mode.as_str().to_owned()),
            snap_start: $input
                .snap_start
                .as_ref()
                .and_then(|snap| snap.apply_on)
                .map(|apply_on| apply_on.as_str().to_owned()),
            logging: $input.logging_config.as_ref().map(logging),
            vpc: $input.vpc_config.as_ref().map(vpc),
            dead_letter_target: $input.dead_letter_config.as_ref().map(dead_letter_target),
            kms_key: non_empty($input.kms_key_arn.as_ref()),
            file_systems: file_systems($input.file_system_configs.as_deref()),
            image: $input.image_config.as_ref().is_some_and(|image| *image != Default::default()),
            durable: $input.durable_config.is_some(),
            capacity_provider: $input.capacity_provider_config.is_some(),
            ..ConfigurationInput::default()
        }
    };
}

/// The settings of `CreateFunction`.
///
/// # Errors
/// Those of the domain: what is out of range, and what is not supported yet.
pub(crate) fn of_create(input: &CreateFunctionInput) -> Result<ConfigurationChange, LambdaError> {
    unsupported(&[
        (input.publish_to.is_some(), "PublishTo"),
        (input.runtime_config.is_some(), "RuntimeConfig"),
        (input.accelerator_config.is_some(), "AcceleratorConfig"),
    ])?;
    ConfigurationChange::try_from(ConfigurationInput {
        role: Some(input.role.clone()),
        architectures: input.architectures.as_deref().map(architectures),
        package_type: input.package_type.map(|kind| kind.as_str().to_owned()),
        tenancy: input.tenancy_config.is_some(),
        ..settings_of!(input)
    })
}

/// The settings of `UpdateFunctionConfiguration`.
///
/// # Errors
/// Those of the domain: what is out of range, and what is not supported yet.
pub(crate) fn of_update(
    input: &UpdateFunctionConfigurationInput,
) -> Result<ConfigurationChange, LambdaError> {
    unsupported(&[
        (input.runtime_config.is_some(), "RuntimeConfig"),
        (input.accelerator_config.is_some(), "AcceleratorConfig"),
    ])?;
    let settings = settings_of!(input);
    ConfigurationChange::try_from(ConfigurationInput { role: input.role.clone(), ..settings })
}

/// The one setting of `UpdateFunctionCode`.
///
/// # Errors
/// The domain's, for a list that is not of one.
pub(crate) fn of_code_update(
    input: &UpdateFunctionCodeInput,
) -> Result<Option<domain::Architecture>, LambdaError> {
    let words = input.architectures.as_deref().map(architectures);
    Ok(words.as_deref().map(domain::Architecture::sole).transpose()?)
}

/// Refuses the first parameter that is given and not served.
pub(crate) fn unsupported(given: &[(bool, &'static str)]) -> Result<(), LambdaError> {
    match given.iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(LambdaError::Unsupported { what }),
        None => Ok(()),
    }
}

/// The words of a list of architectures.
fn architectures(list: &[Architecture]) -> Vec<String> {
    list.iter().map(|one| one.as_str().to_owned()).collect()
}

/// An empty text means none, as Terraform sends it.
fn non_empty(arn: Option<&String>) -> Option<String> {
    arn.filter(|arn| !arn.is_empty()).cloned()
}

/// An empty text takes away what was set.
fn dead_letter_target(config: &DeadLetterConfig) -> String {
    config.target_arn.clone().unwrap_or_default()
}

fn environment(environment: Option<&Environment>) -> Option<Vec<(String, String)>> {
    Some(environment?.variables.clone().unwrap_or_default().into_iter().collect())
}

fn file_systems(configs: Option<&[FileSystemConfig]>) -> Option<Vec<String>> {
    configs.map(|configs| configs.iter().map(|config| config.arn.clone()).collect())
}

fn logging(config: &LoggingConfig) -> LoggingInput {
    LoggingInput {
        log_format: config.log_format.map(|value| value.as_str().to_owned()),
        application_log_level: config.application_log_level.map(|value| value.as_str().to_owned()),
        system_log_level: config.system_log_level.map(|value| value.as_str().to_owned()),
        log_group: config.log_group.clone(),
    }
}

fn vpc(config: &VpcConfig) -> VpcInput {
    VpcInput {
        subnet_ids: config.subnet_ids.clone().unwrap_or_default(),
        security_group_ids: config.security_group_ids.clone().unwrap_or_default(),
        ipv6_allowed_for_dual_stack: config.ipv6_allowed_for_dual_stack.unwrap_or(false),
    }
}
