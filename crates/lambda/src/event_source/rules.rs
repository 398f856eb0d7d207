//! What a source asks of the parameters of its mapping, beyond their shapes.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    EventSourceRefusal as Refusal, Setting, Settings, SourceKind, filter, settings::FIXED_MEMBERS,
};
use crate::LambdaError;

/// Most filters of a mapping: the default quota (`[doc]`, "Lambda quotas").
const FILTERS_MAX: usize = 5;

/// What records can be sent to that no function took.
const DESTINATION_SERVICES: [&str; 3] = ["sqs", "sns", "s3"];

/// Checks all parameters of a mapping of `kind`, defaults aside.
///
/// # Errors
/// [`Refusal`]; [`LambdaError::Unsupported`] for a key to encrypt filters with.
pub(super) fn check(
    kind: SourceKind,
    settings: &Settings,
    now: Timestamp,
) -> Result<(), LambdaError> {
    if settings.get(Setting::KmsKeyArn).is_some() {
        return Err(LambdaError::Unsupported { what: "KMSKeyArn of event source mappings" });
    }
    let checks = [
        check_required(kind, settings),
        check_suitable(kind, settings),
        check_position(kind, settings, now),
        check_batch(kind, settings),
        check_filters(settings),
        check_failures(kind, settings),
        check_access(kind, settings),
        check_pollers(kind, settings),
    ];
    Ok(checks.into_iter().collect::<Result<(), Refusal>>()?)
}

/// Checks that an update leaves what stays as it was made.
///
/// # Errors
/// [`Refusal::Fixed`].
pub(super) fn check_update(old: &Settings, given: &Settings) -> Result<(), Refusal> {
    for setting in [Setting::ManagedKafkaConfig, Setting::SelfManagedKafkaConfig] {
        for member in FIXED_MEMBERS {
            let of = |settings: &Settings| settings.get(setting)?.get(member).cloned();
            if of(given).is_some_and(|new| of(old).as_ref() != Some(&new)) {
                return Err(Refusal::Fixed(member));
            }
        }
    }
    match access_types(given).any(|kind| kind == "VIRTUAL_HOST") {
        true => Err(Refusal::Fixed("VIRTUAL_HOST")),
        false => Ok(()),
    }
}

/// What a source cannot be without.
fn check_required(kind: SourceKind, settings: &Settings) -> Result<(), Refusal> {
    let required: &[(Setting, &'static str)] = match kind {
        SourceKind::SelfManagedKafka => {
            &[(Setting::SourceAccess, "sourceAccessConfigurations"), (Setting::Topics, "topics")]
        }
        SourceKind::ManagedKafka => &[(Setting::Topics, "topics")],
        SourceKind::Mq => {
            &[(Setting::SourceAccess, "sourceAccessConfigurations"), (Setting::Queues, "queues")]
        }
        SourceKind::DocumentDb => &[
            (Setting::SourceAccess, "sourceAccessConfigurations"),
            (Setting::DocumentDbConfig, "documentDBEventSourceConfig"),
        ],
        _ => &[],
    };
    let missing = required.iter().find(|(setting, _)| settings.get(*setting).is_none());
    let has_database = settings.text(Setting::DocumentDbConfig, "/DatabaseName").is_some();
    match missing {
        Some((_, name)) => Err(Refusal::Missing(name)),
        None if kind == SourceKind::DocumentDb && !has_database => {
            Err(Refusal::Missing("databaseName"))
        }
        None => Ok(()),
    }
}

/// That the source takes each parameter, and each choice of those that leave one.
fn check_suitable(kind: SourceKind, settings: &Settings) -> Result<(), Refusal> {
    let is_queue = matches!(kind, SourceKind::Queue | SourceKind::FifoQueue);
    let is_kafka = matches!(kind, SourceKind::ManagedKafka | SourceKind::SelfManagedKafka);
    if let Some((strange, _)) = settings.iter().find(|(setting, _)| !setting.suits(kind)) {
        return Err(match strange {
            Setting::StartingPosition if is_queue => Refusal::PositionOfQueue,
            strange => Refusal::Unsupported(strange.name()),
        });
    }
    if settings.text(Setting::DestinationConfig, "/OnSuccess/Destination").is_some() {
        return Err(Refusal::Unsupported("DestinationConfig"));
    }
    let metrics = settings.texts(Setting::MetricsConfig);
    let group = settings.text(Setting::ProvisionedPollers, "/PollerGroupName");
    match is_kafka {
        false if metrics.iter().any(|metric| *metric != "EventCount") => {
            Err(Refusal::Unsupported("MetricsConfig"))
        }
        false if group.is_some() => Err(Refusal::Unsupported("PollerGroupName")),
        _ => Ok(()),
    }
}

/// Where reading starts: streams must say so, the others cannot.
fn check_position(kind: SourceKind, settings: &Settings, now: Timestamp) -> Result<(), Refusal> {
    let position = settings.text(Setting::StartingPosition, "");
    let timestamp = settings.get(Setting::StartingTimestamp).and_then(Value::as_f64);
    let shares = is_shared(settings);
    let refused = [Setting::StartingPosition, Setting::StartingTimestamp, Setting::BatchingWindow];
    let needless = refused.into_iter().find(|setting| settings.get(*setting).is_some());
    match (position, timestamp) {
        _ if shares => needless.map_or(Ok(()), |it| Err(Refusal::Unsupported(it.name()))),
        (None, _) if Setting::StartingPosition.suits(kind) => Err(Refusal::NoPosition),
        (Some("AT_TIMESTAMP"), _) if kind == SourceKind::DynamoDb => {
            let arn = settings.text(Setting::EventSourceArn, "").unwrap_or_default();
            Err(Refusal::Position(arn.into()))
        }
        (Some("AT_TIMESTAMP"), None) => Err(Refusal::NoTimestamp),
        (Some("AT_TIMESTAMP"), Some(time)) if time > now.as_duration().as_secs_f64() => {
            Err(Refusal::FutureTimestamp)
        }
        (Some("AT_TIMESTAMP"), Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => Err(Refusal::UnusedTimestamp),
    }
}

/// Whether a Kafka source reads as a member of a share group.
fn is_shared(settings: &Settings) -> bool {
    settings.text(Setting::SelfManagedKafkaConfig, "/ConsumptionMode") == Some("Queue")
}

/// How many records a batch has, and how long it is waited for.
fn check_batch(kind: SourceKind, settings: &Settings) -> Result<(), Refusal> {
    let size = settings.number(Setting::BatchSize).unwrap_or(1);
    let window = settings.number(Setting::BatchingWindow).unwrap_or(0);
    match kind {
        SourceKind::FifoQueue if size > 10 => Err(Refusal::BatchOfFifo),
        SourceKind::FifoQueue if window > 0 => Err(Refusal::WindowOfFifo),
        SourceKind::Queue if size > 10 && window == 0 => Err(Refusal::WindowOfLargeBatch),
        _ => Ok(()),
    }
}

fn check_filters(settings: &Settings) -> Result<(), Refusal> {
    let criteria = settings.get(Setting::FilterCriteria);
    let filters = criteria.and_then(|criteria| criteria.get("Filters")?.as_array());
    let filters = filters.map_or(&[][..], Vec::as_slice);
    if filters.len() > FILTERS_MAX {
        return Err(Refusal::TooManyFilters(FILTERS_MAX));
    }
    let is_legal = |filter: &Value| {
        filter.get("Pattern").and_then(Value::as_str).is_some_and(filter::is_pattern)
    };
    if filters.iter().all(is_legal) { Ok(()) } else { Err(Refusal::FilterPattern) }
}

/// What becomes of records that the function does not take.
fn check_failures(kind: SourceKind, settings: &Settings) -> Result<(), Refusal> {
    if settings.number(Setting::MaximumRecordAge).is_some_and(|age| (0..60).contains(&age)) {
        return Err(Refusal::RecordAge);
    }
    if is_shared(settings) && settings.number(Setting::MaximumRetryAttempts) == Some(-1) {
        return Err(Refusal::Unsupported(Setting::MaximumRetryAttempts.name()));
    }
    let destination = settings.text(Setting::DestinationConfig, "/OnFailure/Destination");
    let is_stream = matches!(kind, SourceKind::Kinesis | SourceKind::DynamoDb);
    let is_legal = |text: &str| match text.strip_prefix("kafka://") {
        Some(topic) => !is_stream && !topic.is_empty(),
        None => {
            text.split(':').nth(2).is_some_and(|service| DESTINATION_SERVICES.contains(&service))
        }
    };
    match destination {
        Some(text) if !text.is_empty() && !is_legal(text) => Err(Refusal::Destination(text.into())),
        _ => Ok(()),
    }
}

/// The types of the ways to get to a source.
fn access_types(settings: &Settings) -> impl Iterator<Item = &str> {
    let configurations = settings.get(Setting::SourceAccess).and_then(Value::as_array);
    configurations.into_iter().flatten().filter_map(|one| one.get("Type")?.as_str())
}

/// How to get to a source: by what it knows, and whole.
fn check_access(kind: SourceKind, settings: &Settings) -> Result<(), Refusal> {
    let types: Vec<&str> = access_types(settings).collect();
    if let Some(strange) = types.iter().find(|access| !is_access_of(kind, access)) {
        return Err(Refusal::AccessType((*strange).into()));
    }
    let configurations = settings.get(Setting::SourceAccess).and_then(Value::as_array);
    for one in configurations.into_iter().flatten() {
        let access = one.get("Type").and_then(Value::as_str).unwrap_or_default();
        let has_uri = one.get("URI").is_some_and(|uri| !uri.is_null());
        let needs_uri = !matches!(access, "IAM_AUTH" | "IAM_OAUTHBEARER_AUTH");
        if has_uri != needs_uri || !is_accompanied(access, &types) {
            return Err(Refusal::AccessIncomplete(access.into()));
        }
    }
    let needs_password = matches!(kind, SourceKind::Mq | SourceKind::DocumentDb);
    match needs_password && !types.contains(&"BASIC_AUTH") {
        true => Err(Refusal::Missing("BASIC_AUTH")),
        false => Ok(()),
    }
}

/// Which kinds of access a source has (`[model]`, documentation of `SourceAccessConfiguration`).
fn is_access_of(kind: SourceKind, access: &str) -> bool {
    match kind {
        SourceKind::ManagedKafka => {
            matches!(access, "SASL_SCRAM_512_AUTH" | "CLIENT_CERTIFICATE_TLS_AUTH")
        }
        SourceKind::SelfManagedKafka => access != "VIRTUAL_HOST",
        SourceKind::Mq => matches!(access, "BASIC_AUTH" | "VIRTUAL_HOST"),
        SourceKind::DocumentDb => access == "BASIC_AUTH",
        _ => false,
    }
}

/// Whether what an access needs beside it is there (as [`is_access_of`]).
fn is_accompanied(access: &str, all: &[&str]) -> bool {
    let has = |other: &str| all.contains(&other);
    match access {
        "OAUTHBEARER_SCOPE" | "OAUTHBEARER_LOGICAL_CLUSTER" | "OAUTHBEARER_IDENTITY_POOL" => {
            has("OAUTHBEARER_AUTH")
        }
        "OAUTHBEARER_AUDIENCE" => has("OAUTHBEARER_AUTH") || has("IAM_OAUTHBEARER_AUTH"),
        "IAM_OAUTHBEARER_AUTH" => has("OAUTHBEARER_AUDIENCE") && !has("OAUTHBEARER_AUTH"),
        _ => true,
    }
}

/// How many pollers there should be (`[model]`, documentation of `ProvisionedPollerConfig`).
fn check_pollers(kind: SourceKind, settings: &Settings) -> Result<(), Refusal> {
    let Some(pollers) = settings.get(Setting::ProvisionedPollers) else { return Ok(()) };
    if settings.get(Setting::ScalingConfig).is_some() {
        return Err(Refusal::ScaledPollers);
    }
    let is_queue = matches!(kind, SourceKind::Queue | SourceKind::FifoQueue);
    let (least, most) = if is_queue { (2, 10_000) } else { (1, 2_000) };
    let number = |name| pollers.get(name).and_then(Value::as_i64);
    let minimum = number("MinimumPollers").unwrap_or(least);
    let maximum = number("MaximumPollers").unwrap_or(200.max(minimum));
    match least <= minimum && minimum <= maximum && maximum <= most {
        true => Ok(()),
        false => Err(Refusal::Pollers),
    }
}
