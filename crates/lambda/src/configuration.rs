//! The configuration of a function: what `CreateFunction` and `UpdateFunctionConfiguration` set.

use crate::settings::{Description, LogFormatChange, LogGroup};
use crate::{
    Architecture, DeadLetters, Environment, EphemeralStorageMegabytes, FunctionArn, Handler,
    InvalidParameter, InvalidValue, LambdaError, Layers, LogFormat, LoggingInput, MemoryMegabytes,
    RoleArn, Runtime, Target, TimeoutSeconds, TracingMode, VpcInput,
};

/// The settings of a request as they came: every one optional, nothing believed yet.
///
/// `None` is a member that the request did not have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigurationInput {
    /// `Description`
    pub description: Option<String>,
    /// `Role`
    pub role: Option<String>,
    /// `Handler`
    pub handler: Option<String>,
    /// `Runtime`
    pub runtime: Option<String>,
    /// `Timeout`, seconds.
    pub timeout: Option<i64>,
    /// `MemorySize`, megabytes.
    pub memory_size: Option<i64>,
    /// `Environment.Variables`, in the order of the request.
    pub environment: Option<Vec<(String, String)>>,
    /// `Architectures`
    pub architectures: Option<Vec<String>>,
    /// `EphemeralStorage.Size`, megabytes.
    pub ephemeral_storage: Option<i64>,
    /// `TracingConfig.Mode`
    pub tracing_mode: Option<String>,
    /// `SnapStart.ApplyOn`
    pub snap_start: Option<String>,
    /// `LoggingConfig`
    pub logging: Option<LoggingInput>,
    /// `VpcConfig`
    pub vpc: Option<VpcInput>,
    /// `DeadLetterConfig.TargetArn`
    pub dead_letter_target: Option<String>,
    /// `KMSKeyArn`
    pub kms_key: Option<String>,
    /// The ARNs of `FileSystemConfigs`.
    pub file_systems: Option<Vec<String>>,
    /// `PackageType`
    pub package_type: Option<String>,
    /// Whether there is a non-empty `ImageConfig`.
    pub image: bool,
    /// Whether there is a `DurableConfig`.
    pub durable: bool,
    /// Whether there is a `TenancyConfig`.
    pub tenancy: bool,
    /// Whether there is a `CapacityProviderConfig`.
    pub capacity_provider: bool,
}

impl ConfigurationInput {
    /// Refuses what this build does not serve; the plain defaults that clients send pass.
    fn check_served(&self) -> Result<(), LambdaError> {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        let other =
            |text: &Option<String>, served: &str| text.as_ref().is_some_and(|t| t != served);
        let rows = [
            (other(&self.snap_start, Configuration::SNAP_START), "SnapStart"),
            (other(&self.package_type, Configuration::PACKAGE_TYPE), "container images"),
            (given(&self.kms_key), "KMSKeyArn"),
            (some(&self.file_systems), "FileSystemConfigs"),
            (self.image, "ImageConfig"),
            (self.durable, "DurableConfig"),
            (self.tenancy, "TenancyConfig"),
            (self.capacity_provider, "CapacityProviderConfig"),
            (self.vpc.as_ref().is_some_and(|vpc| vpc != &VpcInput::default()), "VpcConfig"),
        ];
        match rows.into_iter().find(|(asked, _)| *asked) {
            Some((_, what)) => Err(LambdaError::Unsupported { what }),
            None => Ok(()),
        }
    }
}

/// Checked settings; `None` leaves a setting as it is, or at its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationChange {
    description: Option<Description>,
    role: Option<RoleArn>,
    handler: Option<Handler>,
    runtime: Option<Runtime>,
    timeout: Option<TimeoutSeconds>,
    memory: Option<MemoryMegabytes>,
    environment: Option<Environment>,
    architecture: Option<Architecture>,
    ephemeral_storage: Option<EphemeralStorageMegabytes>,
    tracing_mode: Option<TracingMode>,
    log_format: LogFormatChange,
    log_group: Option<LogGroup>,
    empty_vpc: bool,
    layers: Option<Layers>,
    dead_letters: Option<DeadLetters>,
}

impl ConfigurationChange {
    /// The role, if the request sets one: the caller needs `iam:PassRole` for it.
    #[must_use]
    pub fn role(&self) -> Option<&RoleArn> {
        self.role.as_ref()
    }

    /// The change, and these layers in place of those that were, if any are given.
    #[must_use]
    pub fn using(self, layers: Option<Layers>) -> Self {
        Self { layers, ..self }
    }

    /// Where events go that are given up, if the request sets it.
    #[must_use]
    pub fn dead_letters(&self) -> Option<&DeadLetters> {
        self.dead_letters.as_ref()
    }

    /// The runtime, if the request sets one.
    #[must_use]
    pub fn runtime(&self) -> Option<Runtime> {
        self.runtime
    }
}

/// Reads an optional text as a typed value.
fn parsed<T: std::str::FromStr>(text: Option<&String>) -> Result<Option<T>, LambdaError>
where
    LambdaError: From<T::Err>,
{
    Ok(text.map(|text| text.parse()).transpose()?)
}

impl TryFrom<ConfigurationInput> for ConfigurationChange {
    type Error = LambdaError;

    fn try_from(input: ConfigurationInput) -> Result<Self, LambdaError> {
        let logging = input.logging.as_ref();
        let change = Self {
            description: parsed(input.description.as_ref())?,
            role: parsed(input.role.as_ref())?,
            handler: parsed(input.handler.as_ref())?,
            runtime: parsed(input.runtime.as_ref())?,
            timeout: input.timeout.map(TimeoutSeconds::new).transpose()?,
            memory: input.memory_size.map(MemoryMegabytes::new).transpose()?,
            environment: input.environment.clone().map(Environment::new).transpose()?,
            architecture: input.architectures.as_deref().map(Architecture::sole).transpose()?,
            ephemeral_storage: input
                .ephemeral_storage
                .map(EphemeralStorageMegabytes::new)
                .transpose()?,
            tracing_mode: parsed(input.tracing_mode.as_ref())?,
            log_format: logging.map(LogFormatChange::try_from).transpose()?.unwrap_or_default(),
            log_group: parsed(logging.and_then(|logging| logging.log_group.as_ref()))?,
            empty_vpc: input.vpc.is_some(),
            layers: None,
            dead_letters: parsed(input.dead_letter_target.as_ref())?,
        };
        input.check_served()?;
        Ok(change)
    }
}

/// The settings of one version of a function, all valid and all served.
///
/// What this build serves in one form only is an associated constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    description: Description,
    role: RoleArn,
    handler: Handler,
    runtime: Runtime,
    timeout: TimeoutSeconds,
    memory: MemoryMegabytes,
    environment: Option<Environment>,
    architecture: Architecture,
    ephemeral_storage: EphemeralStorageMegabytes,
    tracing_mode: TracingMode,
    log_format: LogFormat,
    log_group: LogGroup,
    empty_vpc: bool,
    layers: Layers,
    dead_letters: DeadLetters,
}

impl Configuration {
    /// The one `SnapStart.ApplyOn` served.
    pub const SNAP_START: &'static str = "None";
    /// The one package type served.
    pub const PACKAGE_TYPE: &'static str = "Zip";

    /// The configuration of a new function, with the defaults of `[snap] aws-lambda.md §6.1`.
    ///
    /// # Errors
    /// [`InvalidParameter::RuntimeAndHandlerMissing`]; [`InvalidValue`] without a role;
    /// [`InvalidParameter::LevelsOfText`].
    pub fn create(arn: &FunctionArn, change: ConfigurationChange) -> Result<Self, LambdaError> {
        let (Some(runtime), Some(handler)) = (change.runtime, change.handler) else {
            return Err(InvalidParameter::RuntimeAndHandlerMissing.into());
        };
        let no_role = || InvalidValue::new("role", "", "must not be null");
        let log_group = || format!("/aws/lambda/{}", arn.name()).parse();
        Ok(Self {
            description: change.description.map_or_else(|| "".parse(), Ok)?,
            role: change.role.ok_or_else(no_role)?,
            handler,
            runtime,
            timeout: change.timeout.unwrap_or(TimeoutSeconds::DEFAULT),
            memory: change.memory.unwrap_or(MemoryMegabytes::DEFAULT),
            environment: change.environment,
            architecture: change.architecture.unwrap_or_default(),
            ephemeral_storage: change
                .ephemeral_storage
                .unwrap_or(EphemeralStorageMegabytes::DEFAULT),
            tracing_mode: change.tracing_mode.unwrap_or_default(),
            log_format: LogFormat::default().changed(change.log_format)?,
            log_group: change.log_group.map_or_else(log_group, Ok)?,
            empty_vpc: change.empty_vpc,
            layers: change.layers.unwrap_or_default(),
            dead_letters: change.dead_letters.unwrap_or_default(),
        })
    }

    /// This configuration with `change` over it.
    ///
    /// # Errors
    /// [`InvalidParameter::LevelsOfText`]
    pub fn changed(&self, change: ConfigurationChange) -> Result<Self, InvalidParameter> {
        let old = self.clone();
        Ok(Self {
            description: change.description.unwrap_or(old.description),
            role: change.role.unwrap_or(old.role),
            handler: change.handler.unwrap_or(old.handler),
            runtime: change.runtime.unwrap_or(old.runtime),
            timeout: change.timeout.unwrap_or(old.timeout),
            memory: change.memory.unwrap_or(old.memory),
            environment: change.environment.or(old.environment),
            architecture: change.architecture.unwrap_or(old.architecture),
            ephemeral_storage: change.ephemeral_storage.unwrap_or(old.ephemeral_storage),
            tracing_mode: change.tracing_mode.unwrap_or(old.tracing_mode),
            log_format: old.log_format.changed(change.log_format)?,
            log_group: change.log_group.unwrap_or(old.log_group),
            empty_vpc: change.empty_vpc || old.empty_vpc,
            layers: change.layers.unwrap_or(old.layers),
            dead_letters: change.dead_letters.unwrap_or(old.dead_letters),
        })
    }

    /// This configuration for code that says what it is for, or does not.
    pub(crate) fn built_for(&self, architecture: Option<Architecture>) -> Self {
        Self { architecture: architecture.unwrap_or(self.architecture), ..self.clone() }
    }

    /// This configuration with another description, as a published version may have.
    pub(crate) fn described(&self, description: Option<Description>) -> Self {
        let description = description.unwrap_or_else(|| self.description.clone());
        Self { description, ..self.clone() }
    }

    /// `Description`, empty if none was given.
    #[must_use]
    pub fn description(&self) -> &str {
        self.description.as_str()
    }

    /// The execution role.
    #[must_use]
    pub fn role(&self) -> &RoleArn {
        &self.role
    }

    /// What the runtime calls.
    #[must_use]
    pub fn handler(&self) -> &Handler {
        &self.handler
    }

    /// The runtime.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.runtime
    }

    /// The longest that an invocation may run.
    #[must_use]
    pub fn timeout(&self) -> TimeoutSeconds {
        self.timeout
    }

    /// The memory of a worker.
    #[must_use]
    pub fn memory(&self) -> MemoryMegabytes {
        self.memory
    }

    /// The environment; `None` when none was ever set, which AWS shows differently from an empty
    /// one (`[snap] §6.1`).
    #[must_use]
    pub fn environment(&self) -> Option<&Environment> {
        self.environment.as_ref()
    }

    /// What the code is for.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The size of a worker's `/tmp`.
    #[must_use]
    pub fn ephemeral_storage(&self) -> EphemeralStorageMegabytes {
        self.ephemeral_storage
    }

    /// Whether Lambda samples traces.
    #[must_use]
    pub fn tracing_mode(&self) -> TracingMode {
        self.tracing_mode
    }

    /// How a worker writes its log.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        self.log_format
    }

    /// The log group, `/aws/lambda/NAME` by default.
    #[must_use]
    pub fn log_group(&self) -> &str {
        self.log_group.as_str()
    }

    /// The layers, the lowest first.
    #[must_use]
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// The function that gets events that are given up, if there is one.
    #[must_use]
    pub fn dead_letter_target(&self) -> Option<&Target> {
        self.dead_letters.target()
    }

    /// Whether an empty `VpcConfig` was sent, and is to be echoed.
    #[must_use]
    pub fn has_empty_vpc(&self) -> bool {
        self.empty_vpc
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApplicationLogLevel, LogLevels, SystemLogLevel};

    fn arn() -> FunctionArn {
        "arn:aws:lambda:us-east-1:123456789012:function:f".parse().unwrap()
    }

    fn minimal() -> ConfigurationInput {
        ConfigurationInput {
            role: Some("arn:aws:iam::123456789012:role/r".into()),
            handler: Some("app.handler".into()),
            runtime: Some("python3.13".into()),
            ..ConfigurationInput::default()
        }
    }

    fn create(input: ConfigurationInput) -> Result<Configuration, LambdaError> {
        Configuration::create(&arn(), input.try_into()?)
    }

    #[test]
    fn defaults_are_those_of_aws() {
        let configuration = create(minimal()).unwrap();
        assert_eq!(configuration.description(), "");
        assert_eq!(configuration.timeout().get(), 3);
        assert_eq!(configuration.memory().get(), 128);
        assert_eq!(configuration.environment(), None);
        assert_eq!(configuration.architecture(), Architecture::X86_64);
        assert_eq!(configuration.ephemeral_storage().get(), 512);
        assert_eq!(configuration.tracing_mode(), TracingMode::PassThrough);
        assert_eq!(configuration.log_format(), LogFormat::Text);
        assert_eq!(configuration.log_group(), "/aws/lambda/f");
        assert!(!configuration.has_empty_vpc());
    }

    #[test]
    fn plain_defaults_that_clients_send_are_accepted() {
        let input = ConfigurationInput {
            snap_start: Some("None".into()),
            package_type: Some("Zip".into()),
            logging: Some(LoggingInput {
                log_format: Some("Text".into()),
                log_group: Some("/mine".into()),
                ..LoggingInput::default()
            }),
            vpc: Some(VpcInput::default()),
            dead_letter_target: Some(String::new()),
            kms_key: Some(String::new()),
            file_systems: Some(vec![]),
            environment: Some(vec![]),
            ..minimal()
        };
        let configuration = create(input).unwrap();
        assert_eq!(configuration.log_group(), "/mine");
        assert_eq!(configuration.environment(), Some(&Environment::default()));
        assert!(configuration.has_empty_vpc());
    }

    #[track_caller]
    fn check_unsupported(what: &'static str, set: impl FnOnce(&mut ConfigurationInput)) {
        let mut input = minimal();
        set(&mut input);
        assert_eq!(create(input), Err(LambdaError::Unsupported { what }));
    }

    #[test]
    #[rustfmt::skip]
    fn what_is_not_served_is_refused_by_name() {
        let text = |text: &str| Some(text.to_owned());
        let list = |text: &str| Some(vec![text.to_owned()]);
        check_unsupported("SnapStart", |i| i.snap_start = text("PublishedVersions"));
        check_unsupported("container images", |i| i.package_type = text("Image"));
        check_unsupported("DeadLetterConfig with targets that are not functions", |i| i.dead_letter_target = text("arn:aws:sqs:us-east-1:123456789012:q"));
        check_unsupported("KMSKeyArn", |i| i.kms_key = text("arn"));
        check_unsupported("FileSystemConfigs", |i| i.file_systems = list("arn"));
        check_unsupported("ImageConfig", |i| i.image = true);
        check_unsupported("DurableConfig", |i| i.durable = true);
        check_unsupported("TenancyConfig", |i| i.tenancy = true);
        check_unsupported("CapacityProviderConfig", |i| i.capacity_provider = true);
        check_unsupported("VpcConfig", |i| i.vpc = Some(VpcInput { subnet_ids: vec!["s".into()], ..VpcInput::default() }));
    }

    #[test]
    fn a_zip_function_has_a_runtime_and_a_handler() {
        let missing = Err(InvalidParameter::RuntimeAndHandlerMissing.into());
        assert_eq!(create(ConfigurationInput { runtime: None, ..minimal() }), missing);
        assert_eq!(create(ConfigurationInput { handler: None, ..minimal() }), missing);
    }

    #[test]
    fn a_change_touches_what_it_names() {
        let old = create(minimal()).unwrap();
        let same = old.changed(ConfigurationChange::default());
        assert_eq!(same, Ok(old.clone()));
        let input = ConfigurationInput { timeout: Some(9), ..ConfigurationInput::default() };
        let new = old.changed(input.try_into().unwrap()).unwrap();
        assert_eq!((new.timeout().get(), new.handler()), (9, old.handler()));
    }

    /// The host's means honour none of these; they are kept all the same, until they are changed.
    fn kept() -> ConfigurationInput {
        ConfigurationInput {
            architectures: Some(vec!["arm64".into()]),
            ephemeral_storage: Some(10240),
            tracing_mode: Some("Active".into()),
            logging: Some(LoggingInput {
                log_format: Some("JSON".into()),
                application_log_level: Some("TRACE".into()),
                system_log_level: Some("WARN".into()),
                log_group: None,
            }),
            ..minimal()
        }
    }

    #[test]
    fn settings_that_only_the_host_could_honour_are_kept() {
        let made = create(kept()).unwrap();
        let changed = create(minimal()).unwrap().changed(kept().try_into().unwrap()).unwrap();
        for configuration in
            [&made, &changed, &changed.changed(minimal().try_into().unwrap()).unwrap()]
        {
            assert_eq!(configuration.architecture(), Architecture::Arm64);
            assert_eq!(configuration.ephemeral_storage().get(), 10240);
            assert_eq!(configuration.tracing_mode(), TracingMode::Active);
            let application = ApplicationLogLevel::Trace;
            let levels = LogLevels { application, system: SystemLogLevel::Warn };
            assert_eq!(configuration.log_format(), LogFormat::Json(levels));
        }
    }

    #[test]
    fn levels_need_json_at_creation_and_at_a_change() {
        let input = ConfigurationInput {
            logging: Some(LoggingInput {
                application_log_level: Some("DEBUG".into()),
                ..LoggingInput::default()
            }),
            ..minimal()
        };
        let refused = InvalidParameter::LevelsOfText;
        assert_eq!(create(input.clone()), Err(refused.clone().into()));
        let text = create(minimal()).unwrap();
        assert_eq!(text.changed(input.clone().try_into().unwrap()), Err(refused));
        assert!(create(kept()).unwrap().changed(input.try_into().unwrap()).is_ok());
    }
}
