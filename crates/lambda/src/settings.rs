//! The single settings of a function: each a type that holds only what Lambda accepts.

use std::fmt;

use crate::names::{is_digits, text_type};
use crate::{InvalidParameter, InvalidValue, LambdaError};

text_type! {
    /// A description: at most 256 characters, counted as Java does (UTF-16 units).
    ///
    /// Source: `[model]` shape `Description`.
    pub(crate) Description, "description", "at most 256 characters", |text| text.encode_utf16().count() <= 256
}

text_type! {
    /// What the runtime loads and calls: `module.function`. 1 to 128 characters, no white space.
    ///
    /// Source: `[model]` shape `Handler`, pattern `[^\s]+`.
    pub Handler, "handler", "1 to 128 characters without white space or NUL",
    |text| (1..=128).contains(&text.encode_utf16().count())
        && !text.bytes().any(|b| b.is_ascii_whitespace() || matches!(b, 0x0B | 0))
}

text_type! {
    /// The execution role:
    /// `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`.
    ///
    /// Source: `[snap] aws-lambda.md §6.7`.
    pub RoleArn, "role", "the ARN of an IAM role", is_role_arn
}

text_type! {
    /// A log group: 1 to 512 of `[.-_/#A-Za-z0-9]`.
    ///
    /// Source: `[model]` shape `LogGroup`.
    pub(crate) LogGroup, "log group", "1 to 512 of [.-_/#A-Za-z0-9]",
    |text| (1..=512).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_/#".contains(&b))
}

/// The pattern of [`RoleArn`].
fn is_role_arn(text: &str) -> bool {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = fields.as_slice() else { return false };
    let name = resource.strip_prefix("role").unwrap_or_default();
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&b);
    is_partition(partition)
        && account.len() == 12
        && is_digits(account)
        && !name.is_empty()
        && name.bytes().all(legal)
}

/// `(aws[a-zA-Z-]*)?`
fn is_partition(text: &str) -> bool {
    let letters = |rest: &str| rest.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    text.is_empty() || text.strip_prefix("aws").is_some_and(letters)
}

impl RoleArn {
    /// The account that owns the role: 12 digits.
    #[must_use]
    pub fn account(&self) -> &str {
        self.as_str().split(':').nth(4).unwrap_or_default()
    }
}

/// Longest that one invocation may run: whole seconds, 1 to 900 (`[doc] aws-lambda.md §8.5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeoutSeconds(u16);

impl TimeoutSeconds {
    /// What a function has that does not say (`[snap] §6.1`).
    pub const DEFAULT: Self = Self(3);

    /// Checks a time-out.
    ///
    /// # Errors
    /// [`InvalidValue`] outside 1 to 900.
    pub fn new(seconds: i64) -> Result<Self, InvalidValue> {
        let refusal = || InvalidValue::new("timeout", &seconds.to_string(), "1 to 900 seconds");
        let legal = u16::try_from(seconds).ok().filter(|seconds| (1..=900).contains(seconds));
        legal.map(Self).ok_or_else(refusal)
    }

    /// The seconds.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

/// Memory of one worker: whole megabytes, 128 to 10240 (`[doc] aws-lambda.md §8.5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemoryMegabytes(u16);

impl MemoryMegabytes {
    /// What a function has that does not say (`[snap] §6.1`).
    pub const DEFAULT: Self = Self(128);

    /// Checks a memory size.
    ///
    /// # Errors
    /// [`InvalidValue`] under 128, [`InvalidParameter::MemoryTooLarge`] over 10240: the model
    /// admits up to 32768, the quota does not.
    pub fn new(megabytes: i64) -> Result<Self, LambdaError> {
        let text = || megabytes.to_string();
        match u16::try_from(megabytes) {
            Ok(legal @ 128..=10240) => Ok(Self(legal)),
            _ if megabytes > 10240 => Err(InvalidParameter::MemoryTooLarge.into()),
            _ => Err(InvalidValue::new("memory size", &text(), "128 to 10240 MB").into()),
        }
    }

    /// The megabytes.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

/// Size of a worker's `/tmp`: whole megabytes, 512 to 10240 (`[doc] aws-lambda.md §8.5`). Kept and
/// shown; nothing enforces it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EphemeralStorageMegabytes(u16);

impl EphemeralStorageMegabytes {
    /// What a function has that does not say (`[snap] §6.1`).
    pub const DEFAULT: Self = Self(512);

    /// Checks a size.
    ///
    /// # Errors
    /// [`InvalidValue`] under 512, [`InvalidParameter::EphemeralStorageTooLarge`] over 10240: the
    /// model admits up to 32768, the quota does not.
    pub fn new(megabytes: i64) -> Result<Self, LambdaError> {
        let text = || megabytes.to_string();
        match u16::try_from(megabytes) {
            Ok(legal @ 512..=10240) => Ok(Self(legal)),
            _ if megabytes > 10240 => Err(InvalidParameter::EphemeralStorageTooLarge.into()),
            _ => {
                Err(InvalidValue::new("ephemeral storage size", &text(), "512 to 10240 MB").into())
            }
        }
    }

    /// The megabytes.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

/// An enumeration whose values are words of the API.
macro_rules! word_type {
    (
        $(#[$doc:meta])*
        $name:ident, $what:literal, $rule:literal,
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The word that the API has for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidValue;
            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(InvalidValue::new($what, text, $rule)),
                }
            }
        }
    };
}

word_type! {
    /// The instruction set that a function says its code is for. Kept and shown only: a function
    /// from a zip runs on the host's own processor, whatever it says, so native code in the package
    /// must be for that one.
    ///
    /// Source: `[model]` shape `Architecture`; the default is `[snap] aws-lambda.md §6.1`.
    Architecture, "architecture", "x86_64 or arm64",
    /// 64-bit x86.
    #[default]
    X86_64 = "x86_64",
    /// 64-bit ARM.
    Arm64 = "arm64",
}

impl Architecture {
    /// The architecture of a request, which is a list of one.
    ///
    /// # Errors
    /// [`InvalidValue`] for another number of them, or another word.
    pub fn sole(list: &[String]) -> Result<Self, InvalidValue> {
        match list {
            [one] => one.parse(),
            _ => Err(InvalidValue::new("architecture", &list.join(", "), "exactly one")),
        }
    }
}

word_type! {
    /// Whether Lambda samples traces. Kept and shown only: there is no X-Ray daemon, and a worker
    /// gets the trace id of its call in both modes.
    ///
    /// Source: `[model]` shape `TracingMode`; the default is `[snap] aws-lambda.md §6.1`.
    TracingMode, "tracing mode", "PassThrough or Active",
    /// As the caller's trace header says.
    #[default]
    PassThrough = "PassThrough",
    /// Lambda decides.
    Active = "Active",
}

word_type! {
    /// The least severe of the function's own log records that is kept.
    ///
    /// Source: `[model]` shape `ApplicationLogLevel`.
    ApplicationLogLevel, "application log level", "TRACE, DEBUG, INFO, WARN, ERROR or FATAL",
    /// Finer than debugging.
    Trace = "TRACE",
    /// For debugging.
    Debug = "DEBUG",
    /// The normal course.
    #[default]
    Info = "INFO",
    /// Unexpected, and survived.
    Warn = "WARN",
    /// An operation failed.
    Error = "ERROR",
    /// The worker cannot go on.
    Fatal = "FATAL",
}

word_type! {
    /// The least severe of Lambda's own log records that is kept. Kept and shown only: the lines
    /// about a call (`START`, `END`, `REPORT`) are written always, as plain text.
    ///
    /// Source: `[model]` shape `SystemLogLevel`.
    SystemLogLevel, "system log level", "DEBUG, INFO or WARN",
    /// For debugging.
    Debug = "DEBUG",
    /// The normal course.
    #[default]
    Info = "INFO",
    /// Unexpected.
    Warn = "WARN",
}

/// How a worker writes its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain text, all of it: there are no levels. The default (`[snap] aws-lambda.md §6.1`).
    #[default]
    Text,
    /// One JSON object a record, down to these levels.
    Json(LogLevels),
}

/// The levels of a JSON log, both `INFO` by default (`[doc]`, "Log-level filtering").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogLevels {
    /// For what the function's code logs.
    pub application: ApplicationLogLevel,
    /// For what Lambda logs.
    pub system: SystemLogLevel,
}

impl LogFormat {
    /// The word that the API has for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Json(_) => "JSON",
        }
    }

    /// The levels, if the format has levels.
    #[must_use]
    pub fn levels(self) -> Option<LogLevels> {
        match self {
            Self::Text => None,
            Self::Json(levels) => Some(levels),
        }
    }

    /// This format with `change` over it. Naming the format anew resets the levels that are not
    /// named with it (`[impl]`, not verified against AWS).
    ///
    /// # Errors
    /// [`InvalidParameter::LevelsOfText`]
    pub(crate) fn changed(self, change: LogFormatChange) -> Result<Self, InvalidParameter> {
        let LogFormatChange { format, application, system } = change;
        match format.unwrap_or(self) {
            Self::Text if application.is_some() || system.is_some() => {
                Err(InvalidParameter::LevelsOfText)
            }
            Self::Text => Ok(Self::Text),
            Self::Json(old) => Ok(Self::Json(LogLevels {
                application: application.unwrap_or(old.application),
                system: system.unwrap_or(old.system),
            })),
        }
    }
}

impl std::str::FromStr for LogFormat {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "Text" => Ok(Self::Text),
            "JSON" => Ok(Self::Json(LogLevels::default())),
            _ => Err(InvalidValue::new("log format", text, "Text or JSON")),
        }
    }
}

/// What a request says of [`LogFormat`]: each member legal by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogFormatChange {
    /// The format, with its default levels.
    pub(crate) format: Option<LogFormat>,
    pub(crate) application: Option<ApplicationLogLevel>,
    pub(crate) system: Option<SystemLogLevel>,
}

impl TryFrom<&LoggingInput> for LogFormatChange {
    type Error = InvalidValue;

    fn try_from(input: &LoggingInput) -> Result<Self, InvalidValue> {
        let LoggingInput { log_format, application_log_level, system_log_level, log_group: _ } =
            input;
        Ok(Self {
            format: log_format.as_deref().map(str::parse).transpose()?,
            application: application_log_level.as_deref().map(str::parse).transpose()?,
            system: system_log_level.as_deref().map(str::parse).transpose()?,
        })
    }
}

/// Largest environment, in bytes of its compact JSON object.
///
/// Source: `[snap] aws-lambda.md §6.7`: "4KB limit", and the "string measured" is that JSON.
pub const ENVIRONMENT_BYTES_MAX: usize = 4096;

/// The environment variables of a function, in the order given.
///
/// Invariant: names are unique, match `[a-zA-Z]([a-zA-Z0-9_])+` and are not reserved by Lambda;
/// values hold no NUL; the whole is at most [`ENVIRONMENT_BYTES_MAX`]. `Debug` shows no values:
/// they may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl Environment {
    /// Names that Lambda itself sets, in the order of its documentation (`[doc]`). Names that
    /// begin with `_` do not match the pattern, so they are not listed.
    const RESERVED: [&str; 16] = [
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    ];

    /// Checks the variables of a request.
    ///
    /// # Errors
    /// [`InvalidValue`] for a name or value that is no variable,
    /// [`InvalidParameter::ReservedEnvironment`], [`InvalidParameter::EnvironmentTooLarge`].
    pub fn new(variables: Vec<(String, String)>) -> Result<Self, LambdaError> {
        check_variables(&variables)?;
        let environment = Self(variables);
        let reserved = environment.iter().map(|(name, _)| name);
        let reserved: Vec<&str> = reserved.filter(|name| Self::RESERVED.contains(name)).collect();
        if !reserved.is_empty() {
            return Err(InvalidParameter::ReservedEnvironment(reserved.join(", ").into()).into());
        }
        let json = environment.to_json();
        if json.len() > ENVIRONMENT_BYTES_MAX {
            return Err(InvalidParameter::EnvironmentTooLarge(json.into()).into());
        }
        Ok(environment)
    }

    /// The variables, in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The variables as one compact JSON object.
    fn to_json(&self) -> String {
        let members = self.0.iter().map(|(name, value)| (name.clone(), value.clone().into()));
        serde_json::Value::Object(members.collect()).to_string()
    }
}

/// Each variable by itself, and that no name comes twice.
fn check_variables(variables: &[(String, String)]) -> Result<(), InvalidValue> {
    let mut seen = std::collections::BTreeSet::new();
    for (name, value) in variables {
        if !is_variable_name(name) {
            let rule = "[a-zA-Z]([a-zA-Z0-9_])+";
            return Err(InvalidValue::new("environment variable name", name, rule));
        }
        if !seen.insert(name) {
            return Err(InvalidValue::new("environment variable name", name, "given once"));
        }
        if value.contains('\0') {
            return Err(InvalidValue::new("environment variable", name, "no NUL in the value"));
        }
    }
    Ok(())
}

/// `[a-zA-Z]([a-zA-Z0-9_])+` (`[model]` shape `EnvironmentVariableName`).
fn is_variable_name(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    name.len() >= 2
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(legal)
}

/// `LoggingConfig` as requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggingInput {
    /// `Text` or `JSON`.
    pub log_format: Option<String>,
    /// `TRACE` to `FATAL`.
    pub application_log_level: Option<String>,
    /// `DEBUG` to `WARN`.
    pub system_log_level: Option<String>,
    /// The log group's name.
    pub log_group: Option<String>,
}

/// `VpcConfig` as requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VpcInput {
    /// Subnet ids.
    pub subnet_ids: Vec<String>,
    /// Security group ids.
    pub security_group_ids: Vec<String>,
    /// Whether IPv6 goes out.
    pub ipv6_allowed_for_dual_stack: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_an_iam_role_arn() {
        let role: RoleArn = "arn:aws:iam::123456789012:role/path/r".parse().unwrap();
        assert_eq!(role.account(), "123456789012");
        for legal in ["arn:aws-cn:iam::123456789012:role/r", "arn::iam::123456789012:role/r"] {
            assert!(legal.parse::<RoleArn>().is_ok(), "{legal}");
        }
        for bad in [
            "",
            "r",
            "arn:aws:iam::123456789012:user/r",
            "arn:aws:iam::12345678901:role/r",
            "arn:aws:iam::123456789012:role",
            "arn:aws:iam:us-east-1:123456789012:role/r",
            "arn:aws:iam::123456789012:role/r r",
            "arn:aws:sts::123456789012:assumed-role/r/s",
            "arn:aws:iam::123456789012:role/r:x",
        ] {
            assert!(bad.parse::<RoleArn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        for (seconds, legal) in [(0, false), (1, true), (900, true), (901, false), (-1, false)] {
            assert_eq!(TimeoutSeconds::new(seconds).is_ok(), legal, "{seconds}");
        }
        for (megabytes, legal) in [(127, false), (128, true), (10240, true), (70000, false)] {
            assert_eq!(MemoryMegabytes::new(megabytes).is_ok(), legal, "{megabytes}");
        }
        let too_large = Err(InvalidParameter::MemoryTooLarge.into());
        assert_eq!(MemoryMegabytes::new(10241), too_large);
        for (megabytes, legal) in [(511, false), (512, true), (10240, true), (70000, false)] {
            assert_eq!(EphemeralStorageMegabytes::new(megabytes).is_ok(), legal, "{megabytes}");
        }
        let too_large = Err(InvalidParameter::EphemeralStorageTooLarge.into());
        assert_eq!(EphemeralStorageMegabytes::new(10241), too_large);
    }

    #[track_caller]
    fn check_words<T>(words: &[&str], text: fn(T) -> &'static str)
    where
        T: std::str::FromStr<Err = InvalidValue> + Copy + fmt::Debug + PartialEq,
    {
        for word in words {
            assert_eq!(word.parse::<T>().map(text).as_ref(), Ok(word));
            for bad in [word.to_lowercase(), word.to_uppercase(), format!("{word} "), String::new()]
            {
                assert!(words.contains(&&*bad) || bad.parse::<T>().is_err(), "{bad}");
            }
        }
    }

    #[test]
    #[rustfmt::skip]
    fn words_are_read_back_and_case_counts() {
        check_words(&["x86_64", "arm64"], Architecture::as_str);
        check_words(&["PassThrough", "Active"], TracingMode::as_str);
        check_words(&["Text", "JSON"], LogFormat::as_str);
        check_words(&["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], ApplicationLogLevel::as_str);
        check_words(&["DEBUG", "INFO", "WARN"], SystemLogLevel::as_str);
    }

    #[test]
    fn a_function_has_one_architecture() {
        let sole = |list: &[&str]| {
            Architecture::sole(&list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()).ok()
        };
        assert_eq!(sole(&["arm64"]), Some(Architecture::Arm64));
        assert_eq!(sole(&[]), None);
        assert_eq!(sole(&["x86_64", "arm64"]), None);
        assert_eq!(sole(&["riscv"]), None);
    }

    /// `format`, application level, system level; `None` stands for a member not given, and for a
    /// refusal.
    #[track_caller]
    fn check_logging(old: LogFormat, change: [Option<&str>; 3], want: Option<(&str, &str)>) {
        let [log_format, application_log_level, system_log_level] =
            change.map(|member| member.map(str::to_owned));
        let input =
            LoggingInput { log_format, application_log_level, system_log_level, log_group: None };
        let got = LogFormatChange::try_from(&input).unwrap();
        let got = old.changed(got).map(|format| match format.levels() {
            None => ("Text", ""),
            Some(levels) => (levels.application.as_str(), levels.system.as_str()),
        });
        assert_eq!(got, want.ok_or(InvalidParameter::LevelsOfText));
    }

    #[test]
    #[rustfmt::skip]
    fn json_has_levels_and_text_has_none() {
        let text = LogFormat::Text;
        let json = LogFormat::Json(LogLevels { application: ApplicationLogLevel::Error, system: SystemLogLevel::Warn });
        check_logging(text, [None, None, None],                         Some(("Text", "")));
        check_logging(text, [Some("JSON"), None, None],                 Some(("INFO", "INFO")));
        check_logging(text, [Some("JSON"), Some("TRACE"), None],        Some(("TRACE", "INFO")));
        check_logging(text, [Some("JSON"), Some("FATAL"), Some("WARN")], Some(("FATAL", "WARN")));
        check_logging(text, [None, Some("INFO"), None],                 None);
        check_logging(text, [Some("Text"), None, Some("INFO")],         None);
        check_logging(json, [None, None, None],                         Some(("ERROR", "WARN")));
        check_logging(json, [None, Some("DEBUG"), None],                Some(("DEBUG", "WARN")));
        check_logging(json, [None, None, Some("DEBUG")],                Some(("ERROR", "DEBUG")));
        check_logging(json, [Some("JSON"), None, None],                 Some(("INFO", "INFO")));
        check_logging(json, [Some("Text"), None, None],                 Some(("Text", "")));
        check_logging(json, [Some("Text"), Some("INFO"), None],         None);
    }

    fn environment(variables: &[(&str, &str)]) -> Result<Environment, LambdaError> {
        Environment::new(variables.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect())
    }

    #[test]
    fn no_value_of_a_variable_is_in_debug_output() {
        let shown = format!("{:?}", environment(&[("KEY", "s3cr3t")]).unwrap());
        assert!(shown.contains("KEY") && !shown.contains("s3cr3t"), "{shown}");
    }

    #[test]
    fn a_handler_can_be_an_argument_of_a_program() {
        for (text, legal) in [("main.handler", true), ("a b", false), ("a\0b", false)] {
            assert_eq!(text.parse::<Handler>().is_ok(), legal, "{text:?}");
        }
    }

    #[test]
    fn an_environment_of_exactly_4_kb_fits() {
        let fill = ENVIRONMENT_BYTES_MAX - r#"{"KEY":""}"#.len();
        assert!(environment(&[("KEY", &"v".repeat(fill))]).is_ok());
        let long = "v".repeat(fill + 1);
        let error = environment(&[("KEY", &long)]).unwrap_err();
        let measured = format!(r#"{{"KEY":"{long}"}}"#);
        assert_eq!(error, InvalidParameter::EnvironmentTooLarge(measured.into()).into());
    }

    #[test]
    fn reserved_names_are_listed_as_given() {
        let error = environment(&[("AWS_REGION", "x"), ("MINE", "y"), ("AWS_ACCESS_KEY_ID", "z")]);
        let want = InvalidParameter::ReservedEnvironment("AWS_REGION, AWS_ACCESS_KEY_ID".into());
        assert_eq!(error, Err(want.into()));
    }

    #[test]
    fn a_variable_has_a_name_once_and_a_value_without_nul() {
        assert!(environment(&[("ab", ""), ("AB", "ü")]).is_ok());
        for bad in ["", "a", "_ab", "1ab", "a-b", "a=b", "ab\0"] {
            assert!(environment(&[(bad, "x")]).is_err(), "{bad}");
        }
        assert!(environment(&[("ab", "x"), ("ab", "y")]).is_err());
        assert!(environment(&[("ab", "x\0y")]).is_err());
    }
}
