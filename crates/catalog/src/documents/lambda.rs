//! Functions, published versions and aliases as they are stored.
//!
//! Times are RFC 3339 text, exact to the nanosecond; weights are the shortest text that reads back
//! as the same number.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use portcullis_lambda::{
    Alias, AliasVersion, Architecture, CodePackage, Configuration, ConfigurationChange,
    ConfigurationInput, Deployment, EphemeralStorageMegabytes, Failure, Function, FunctionArn,
    FunctionParts, Lifecycle, LogLevels, LoggingInput, PublishedVersion, Qualifier, RecursiveLoop,
    ReservedConcurrency, Routing, RuntimeUpdates, Tags, TracingMode, VersionNumber, VpcInput,
};
use serde::{Deserialize, Serialize};

use super::layer::{StoredUsedLayer, read_layers, store_layers};
use super::{Document, DocumentError, decode_json, encode_json};

/// The stored text of one member, as the domain's type.
pub(super) fn read<T: FromStr>(what: &'static str, text: &str) -> Result<T, DocumentError>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error| invalid(what, &error))
}

pub(super) fn invalid(what: &'static str, why: &impl fmt::Display) -> DocumentError {
    DocumentError::Invalid { what, why: why.to_string() }
}

pub(super) fn read_version(number: u64) -> Result<VersionNumber, DocumentError> {
    VersionNumber::new(number).ok_or_else(|| invalid("version", &"numbers start at 1"))
}

/// Members that came later are left out at their defaults: what was written before them reads as
/// it was meant.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredConfiguration<'a> {
    #[serde(default, skip_serializing_if = "str::is_empty")]
    description: Cow<'a, str>,
    role: Cow<'a, str>,
    handler: Cow<'a, str>,
    runtime: Cow<'a, str>,
    timeout_seconds: u16,
    memory_megabytes: u16,
    /// Pairs, because the order is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<Vec<(Cow<'a, str>, Cow<'a, str>)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    architecture: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ephemeral_storage_megabytes: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracing_mode: Option<Cow<'a, str>>,
    /// Of a JSON log; a plain text has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json_log_levels: Option<StoredLogLevels<'a>>,
    log_group: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    empty_vpc: bool,
    /// The lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    layers: Vec<StoredUsedLayer<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead_letter_target: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLogLevels<'a> {
    application: Cow<'a, str>,
    system: Cow<'a, str>,
}

/// A value that is stored only where it is not the default.
fn unless_default<T: PartialEq>(value: T, default: &T) -> Option<T> {
    (value != *default).then_some(value)
}

fn store_configuration(configuration: &Configuration) -> StoredConfiguration<'_> {
    StoredConfiguration {
        description: configuration.description().into(),
        role: configuration.role().as_str().into(),
        handler: configuration.handler().as_str().into(),
        runtime: configuration.runtime().as_str().into(),
        timeout_seconds: configuration.timeout().get(),
        memory_megabytes: configuration.memory().get(),
        environment: configuration
            .environment()
            .map(|variables| variables.iter().map(|(name, v)| (name.into(), v.into())).collect()),
        architecture: unless_default(configuration.architecture(), &Architecture::default())
            .map(|architecture| architecture.as_str().into()),
        ephemeral_storage_megabytes: unless_default(
            configuration.ephemeral_storage(),
            &EphemeralStorageMegabytes::DEFAULT,
        )
        .map(EphemeralStorageMegabytes::get),
        tracing_mode: unless_default(configuration.tracing_mode(), &TracingMode::default())
            .map(|mode| mode.as_str().into()),
        json_log_levels: configuration.log_format().levels().map(store_log_levels),
        log_group: configuration.log_group().into(),
        empty_vpc: configuration.has_empty_vpc(),
        layers: store_layers(configuration.layers()),
        dead_letter_target: configuration.dead_letter_target().map(|to| to.to_string().into()),
    }
}

fn store_log_levels(levels: LogLevels) -> StoredLogLevels<'static> {
    let LogLevels { application, system } = levels;
    StoredLogLevels { application: application.as_str().into(), system: system.as_str().into() }
}

/// The `LoggingConfig` that a request for it would have had.
fn read_logging(log_group: Cow<'_, str>, levels: Option<StoredLogLevels<'_>>) -> LoggingInput {
    let log_format = levels.is_some().then(|| "JSON".to_owned());
    let (application, system) =
        levels.map(|levels| (levels.application.into(), levels.system.into())).unzip();
    LoggingInput {
        log_format,
        application_log_level: application,
        system_log_level: system,
        log_group: Some(log_group.into()),
    }
}

/// Goes the way of a request, so that what is read is what a request could have made.
fn read_configuration(
    function: &FunctionArn,
    stored: StoredConfiguration<'_>,
) -> Result<Configuration, DocumentError> {
    let layers = read_layers(stored.layers)?;
    let pair = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into(), value.into());
    let input = ConfigurationInput {
        description: Some(stored.description.into()),
        role: Some(stored.role.into()),
        handler: Some(stored.handler.into()),
        runtime: Some(stored.runtime.into()),
        timeout: Some(stored.timeout_seconds.into()),
        memory_size: Some(stored.memory_megabytes.into()),
        environment: stored.environment.map(|pairs| pairs.into_iter().map(pair).collect()),
        architectures: stored.architecture.map(|one| vec![one.into()]),
        ephemeral_storage: stored.ephemeral_storage_megabytes.map(i64::from),
        tracing_mode: stored.tracing_mode.map(Cow::into_owned),
        logging: Some(read_logging(stored.log_group, stored.json_log_levels)),
        vpc: stored.empty_vpc.then(VpcInput::default),
        dead_letter_target: stored.dead_letter_target.map(Cow::into_owned),
        ..ConfigurationInput::default()
    };
    let change = ConfigurationChange::try_from(input);
    let change = change.map_err(|error| invalid("configuration", &error))?.using(Some(layers));
    Configuration::create(function, change).map_err(|error| invalid("configuration", &error))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredLifecycle<'a> {
    Pending,
    Active,
    Updating,
    Failed(StoredFailure<'a>),
    UpdateFailed(StoredFailure<'a>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFailure<'a> {
    code: Cow<'a, str>,
    reason: Cow<'a, str>,
}

fn store_lifecycle(lifecycle: &Lifecycle) -> StoredLifecycle<'_> {
    fn failure(failure: &Failure) -> StoredFailure<'_> {
        StoredFailure { code: failure.code.as_str().into(), reason: (&*failure.reason).into() }
    }
    match lifecycle {
        Lifecycle::Pending => StoredLifecycle::Pending,
        Lifecycle::Active => StoredLifecycle::Active,
        Lifecycle::Updating => StoredLifecycle::Updating,
        Lifecycle::Failed(why) => StoredLifecycle::Failed(failure(why)),
        Lifecycle::UpdateFailed(why) => StoredLifecycle::UpdateFailed(failure(why)),
    }
}

fn read_lifecycle(stored: &StoredLifecycle<'_>) -> Result<Lifecycle, DocumentError> {
    let failure = |why: &StoredFailure<'_>| -> Result<Failure, DocumentError> {
        Ok(Failure { code: read("failure code", &why.code)?, reason: (&*why.reason).into() })
    };
    Ok(match stored {
        StoredLifecycle::Pending => Lifecycle::Pending,
        StoredLifecycle::Active => Lifecycle::Active,
        StoredLifecycle::Updating => Lifecycle::Updating,
        StoredLifecycle::Failed(why) => Lifecycle::Failed(failure(why)?),
        StoredLifecycle::UpdateFailed(why) => Lifecycle::UpdateFailed(failure(why)?),
    })
}

/// How a runtime is updated where nothing is stored.
const AUTO: &str = "Auto";

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDeployment<'a> {
    configuration: StoredConfiguration<'a>,
    code_sha256: Cow<'a, str>,
    code_size: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    code_unzipped_bytes: u64,
    lifecycle: StoredLifecycle<'a>,
    last_modified: Cow<'a, str>,
    revision: Cow<'a, str>,
    generation: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runtime_updates: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runtime_version: Option<Cow<'a, str>>,
}

fn store_deployment(deployment: &Deployment) -> StoredDeployment<'_> {
    StoredDeployment {
        configuration: store_configuration(&deployment.configuration),
        code_sha256: deployment.code.sha256.to_string().into(),
        code_size: deployment.code.size,
        code_unzipped_bytes: deployment.code.unzipped_bytes,
        lifecycle: store_lifecycle(&deployment.lifecycle),
        last_modified: deployment.last_modified.to_string().into(),
        revision: deployment.revision.to_string().into(),
        generation: deployment.generation.to_string().into(),
        runtime_updates: unless_default(deployment.runtime_updates.mode(), &AUTO).map(Into::into),
        runtime_version: deployment.runtime_updates.version_arn().map(Into::into),
    }
}

fn read_deployment(
    function: &FunctionArn,
    stored: StoredDeployment<'_>,
) -> Result<Deployment, DocumentError> {
    Ok(Deployment {
        configuration: read_configuration(function, stored.configuration)?,
        code: CodePackage {
            sha256: read("code digest", &stored.code_sha256)?,
            size: stored.code_size,
            unzipped_bytes: stored.code_unzipped_bytes,
        },
        lifecycle: read_lifecycle(&stored.lifecycle)?,
        last_modified: read("time of modification", &stored.last_modified)?,
        revision: read("revision", &stored.revision)?,
        generation: read("generation", &stored.generation)?,
        runtime_updates: RuntimeUpdates::restore(
            stored.runtime_updates.as_deref().unwrap_or(AUTO),
            stored.runtime_version.as_deref(),
        )
        .map_err(|error| invalid("runtime updates", &error))?,
    })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFunction<'a> {
    arn: Cow<'a, str>,
    latest: StoredDeployment<'a>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    created: Cow<'a, str>,
    next_version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published_as: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserved_concurrency: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recursive_loop: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code_signing: Option<Cow<'a, str>>,
}

impl Document for Function {
    fn encode(&self) -> Vec<u8> {
        let parts = self.parts();
        encode_json(&StoredFunction {
            arn: parts.arn.as_str().into(),
            latest: store_deployment(&parts.latest),
            tags: parts.tags.iter().map(|(key, value)| (key.into(), value.into())).collect(),
            created: parts.created.to_string().into(),
            next_version: parts.next_version.get(),
            published_as: parts.published_as.map(VersionNumber::get),
            reserved_concurrency: parts.reserved.map(ReservedConcurrency::get),
            recursive_loop: unless_default(parts.recursive_loop, &RecursiveLoop::default())
                .map(|recursive_loop| recursive_loop.as_str().into()),
            code_signing: parts.code_signing.as_ref().map(|arn| arn.as_str().into()),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredFunction<'_> = decode_json(bytes)?;
        let arn: FunctionArn = read("arn", &stored.arn)?;
        let parts = FunctionParts {
            latest: read_deployment(&arn, stored.latest)?,
            arn,
            tags: Tags::new(stored.tags).map_err(|error| invalid("tags", &error))?,
            created: read("time of creation", &stored.created)?,
            next_version: read_version(stored.next_version)?,
            published_as: stored.published_as.map(read_version).transpose()?,
            reserved: stored.reserved_concurrency.map(read_reserved).transpose()?,
            recursive_loop: stored
                .recursive_loop
                .map_or(Ok(RecursiveLoop::default()), |text| read("recursive loop", &text))?,
            code_signing: stored
                .code_signing
                .map(|arn| read("code-signing configuration", &arn))
                .transpose()?,
        };
        Self::restore(parts).map_err(|error| invalid("function", &error))
    }
}

fn read_reserved(calls: u32) -> Result<ReservedConcurrency, DocumentError> {
    ReservedConcurrency::new(calls.into()).map_err(|error| invalid("reservation", &error))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredVersion<'a> {
    function: Cow<'a, str>,
    number: u64,
    deployment: StoredDeployment<'a>,
}

impl Document for PublishedVersion {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredVersion {
            function: self.function.as_str().into(),
            number: self.number.get(),
            deployment: store_deployment(&self.deployment),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredVersion<'_> = decode_json(bytes)?;
        let function = read("function", &stored.function)?;
        let deployment = read_deployment(&function, stored.deployment)?;
        Ok(Self { function, number: read_version(stored.number)?, deployment })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAlias<'a> {
    function: Cow<'a, str>,
    name: Cow<'a, str>,
    /// `$LATEST` or a number.
    version: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    description: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    routing: Option<StoredRouting<'a>>,
    revision: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRouting<'a> {
    version: u64,
    /// Text, because a JSON number need not read back as the same one.
    weight: Cow<'a, str>,
}

fn store_routing(routing: Routing) -> StoredRouting<'static> {
    let weight = routing.weight().to_string().into();
    StoredRouting { version: routing.version().get(), weight }
}

fn read_routing(stored: &StoredRouting<'_>) -> Result<Routing, DocumentError> {
    let weight = read("weight", &stored.weight)?;
    let routing = Routing::new(read_version(stored.version)?, weight);
    routing.map_err(|error| invalid("routing", &error))
}

fn read_alias_version(text: &str) -> Result<AliasVersion, DocumentError> {
    match Qualifier::parse(text) {
        Qualifier::Latest => Ok(AliasVersion::Latest),
        Qualifier::Version(number) => Ok(AliasVersion::Number(number)),
        Qualifier::Alias(_) | Qualifier::Unresolvable(_) => {
            Err(invalid("alias version", &"neither $LATEST nor a number"))
        }
    }
}

impl Document for Alias {
    fn encode(&self) -> Vec<u8> {
        encode_json(&StoredAlias {
            function: self.function().as_str().into(),
            name: self.name().as_str().into(),
            version: self.version().qualifier().to_string().into(),
            description: self.description().into(),
            routing: self.routing().map(store_routing),
            revision: self.revision().to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredAlias<'_> = decode_json(bytes)?;
        let alias = Self::restore(
            read("function", &stored.function)?,
            read("name", &stored.name)?,
            read_alias_version(&stored.version)?,
            &stored.description,
            stored.routing.as_ref().map(read_routing).transpose()?,
            read("revision", &stored.revision)?,
        );
        alias.map_err(|error| invalid("alias", &error))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_iam::NoEntities;
    use portcullis_lambda::{
        AliasInput, CodeSha256, FailureCode, Fresh, Grant, GrantInput, PolicyHead, PolicyVersion,
        ResourcePolicy, RevisionId, Statement, Target,
    };
    use proptest::prelude::*;

    use super::{super::resource_policy::decode_policy, *};

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    const TIME: &str = "2026-01-02T03:04:05.000000006Z";

    fn revision(number: u8) -> RevisionId {
        format!("00000000-0000-0000-0000-0000000000{number:02x}").parse().unwrap()
    }

    fn fresh(number: u8) -> Fresh {
        Fresh { now: TIME.parse().unwrap(), revision: revision(number) }
    }

    fn input() -> ConfigurationInput {
        ConfigurationInput {
            role: Some("arn:aws:iam::123456789012:role/r".into()),
            handler: Some("app.handler".into()),
            runtime: Some("python3.13".into()),
            ..ConfigurationInput::default()
        }
    }

    fn logging(format: &str, levels: Option<(&str, &str)>) -> LoggingInput {
        let (application, system) = levels.unzip();
        LoggingInput {
            log_format: Some(format.into()),
            application_log_level: application.map(Into::into),
            system_log_level: system.map(Into::into),
            log_group: None,
        }
    }

    fn function(input: ConfigurationInput, tags: BTreeMap<String, String>) -> Function {
        let code = CodePackage { sha256: CodeSha256::new([7; 32]), size: 42, unzipped_bytes: 0 };
        let tags = Tags::new(tags).unwrap();
        let change = input.try_into().unwrap();
        Function::create(ARN.parse().unwrap(), change, code, tags, fresh(1)).unwrap()
    }

    fn alias(description: &str, weights: Option<Vec<(String, f64)>>) -> Alias {
        let input = AliasInput {
            name: "prod".parse().unwrap(),
            function_version: Qualifier::parse("1"),
            description: Some(description.into()),
            weights,
        };
        Alias::create(&ARN.parse().unwrap(), input, &|_| true, false, revision(4)).unwrap()
    }

    fn policy(grants: &[GrantInput]) -> ResourcePolicy {
        let target = Target::unqualified(ARN.parse().unwrap());
        let add = |policy: Option<ResourcePolicy>, input: &GrantInput| {
            let grant = Grant::try_from(input).unwrap();
            let current = policy.as_ref();
            let added = ResourcePolicy::add(
                current,
                &target,
                revision(1),
                &grant,
                None,
                revision(5),
                &NoEntities,
            );
            Some(added.unwrap())
        };
        grants.iter().fold(None, add).unwrap()
    }

    /// The policy, its statements bound to these ids in turn.
    fn bound_policy(grants: &[GrantInput], ids: &[Option<String>]) -> ResourcePolicy {
        let (ids, user) = (ids.iter().cycle(), "arn:aws:iam::123456789012:user/u");
        let to_user = |(grant, id): (&GrantInput, &Option<String>)| match id {
            Some(_) => GrantInput { principal: user.into(), ..grant.clone() },
            None => grant.clone(),
        };
        let policy = policy(&grants.iter().zip(ids.clone()).map(to_user).collect::<Vec<_>>());
        let bind = |(statement, id): (Statement, &Option<String>)| match id {
            Some(id) => statement.bound_to(PolicyVersion::V2012, id),
            None => statement,
        };
        let statements = policy.statements().iter().cloned().zip(ids).map(bind).collect();
        ResourcePolicy::restore(PolicyHead::default(), statements, policy.revision()).unwrap()
    }

    #[test]
    fn a_bound_statement_is_stored_in_an_object_with_the_id() {
        let id = "AIDAJQABLZS4A3QDU576Q";
        let policy = bound_policy(&[grant("s", "arn:aws:s3:::b")], &[Some(id.into())]);
        let json = policy.statements()[0].json();
        let stored = |id: &str| {
            let statement = format!(r#"{{"principal_id":"{id}","statement":{json}}}"#);
            let revision = revision(5);
            format!("\u{1}{{\"revision\":\"{revision}\",\"statements\":[{statement}]}}")
        };
        assert_eq!(String::from_utf8(policy.encode()).unwrap(), stored(id));
        assert_eq!(ResourcePolicy::decode(stored(id).as_bytes()).unwrap(), policy);
        for bad in ["", "alice", "AKIAJQABLZS4A3QDU576"] {
            assert!(ResourcePolicy::decode(stored(bad).as_bytes()).is_err(), "{bad}");
        }
        for cut in [stored(id).replace("}}]}", "}]}"), stored(id).replace(r#""statement":"#, "")] {
            assert!(ResourcePolicy::decode(cut.as_bytes()).is_err(), "{cut}");
        }
    }

    fn grant(sid: &str, source_arn: &str) -> GrantInput {
        GrantInput {
            statement_id: sid.into(),
            action: "lambda:InvokeFunction".into(),
            principal: "s3.amazonaws.com".into(),
            source_arn: Some(source_arn.into()),
            ..GrantInput::default()
        }
    }

    #[track_caller]
    fn check_round_trip<T: Document + PartialEq + fmt::Debug>(value: &T) {
        assert_eq!(&T::decode(&value.encode()).unwrap(), value);
    }

    /// If one of these fails, data on disks can no longer be read: give the new form another
    /// format number and keep reading the old one.
    #[track_caller]
    fn check_golden<T: Document + PartialEq + fmt::Debug>(value: &T, json: &str) {
        let bytes = value.encode();
        assert_eq!(bytes.first(), Some(&1));
        assert_eq!(String::from_utf8_lossy(&bytes[1..]), json);
        check_round_trip(value);
    }

    #[test]
    fn the_stored_form_of_a_function_is_fixed() {
        let rich = ConfigurationInput {
            description: Some("d".into()),
            environment: Some(vec![("ZZ".into(), "1".into()), ("AA".into(), "2".into())]),
            architectures: Some(vec!["arm64".into()]),
            ephemeral_storage: Some(1024),
            tracing_mode: Some("Active".into()),
            logging: Some(logging("JSON", Some(("DEBUG", "WARN")))),
            vpc: Some(VpcInput::default()),
            ..input()
        };
        let function = function(rich, BTreeMap::from([("k".into(), "v".into())]));
        let (function, _) = function.publish_with_update(fresh(2));
        check_golden(
            &function,
            r#"{"arn":"arn:aws:lambda:us-east-1:123456789012:function:f","latest":{"configuration":{"description":"d","role":"arn:aws:iam::123456789012:role/r","handler":"app.handler","runtime":"python3.13","timeout_seconds":3,"memory_megabytes":128,"environment":[["ZZ","1"],["AA","2"]],"architecture":"arm64","ephemeral_storage_megabytes":1024,"tracing_mode":"Active","json_log_levels":{"application":"DEBUG","system":"WARN"},"log_group":"/aws/lambda/f","empty_vpc":true},"code_sha256":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","code_size":42,"lifecycle":"pending","last_modified":"2026-01-02T03:04:05.000000006Z","revision":"00000000-0000-0000-0000-000000000001","generation":"00000000-0000-0000-0000-000000000001"},"tags":{"k":"v"},"created":"2026-01-02T03:04:05.000000006Z","next_version":2,"published_as":1}"#,
        );
    }

    #[test]
    fn what_came_later_is_stored_where_it_is_not_the_default() {
        let plain = function(input(), BTreeMap::new());
        let held = RuntimeUpdates::Manual("arn:aws:lambda:us-east-1::runtime:0".into());
        let changed = plain.looping(RecursiveLoop::Allow).updating_runtime(held);
        check_round_trip(&changed);
        let text = String::from_utf8(changed.encode()).unwrap();
        for part in [
            r#","runtime_updates":"Manual","runtime_version":"arn:aws:lambda:us-east-1::runtime:0"}"#,
            r#","recursive_loop":"Allow"}"#,
        ] {
            assert!(text.contains(part), "{part} is in {text}");
        }
        let arn = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdefg";
        check_round_trip(&plain.signed_by(Some(arn.parse().unwrap())));
        check_round_trip(&plain.updating_runtime(RuntimeUpdates::FunctionUpdate));
        check_damage(&changed, &[("\"Manual\"", "\"Auto\""), ("\"Allow\"", "\"allow\"")]);
    }

    #[test]
    fn the_stored_form_of_a_version_is_fixed() {
        let (_, version) = function(input(), BTreeMap::new()).publish_with_update(fresh(2));
        let failure =
            Failure { code: FailureCode::InvalidZipFileException, reason: "no file".into() };
        check_golden(
            &version.settle(Err(failure)).unwrap(),
            r#"{"function":"arn:aws:lambda:us-east-1:123456789012:function:f","number":1,"deployment":{"configuration":{"role":"arn:aws:iam::123456789012:role/r","handler":"app.handler","runtime":"python3.13","timeout_seconds":3,"memory_megabytes":128,"log_group":"/aws/lambda/f"},"code_sha256":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","code_size":42,"lifecycle":{"failed":{"code":"InvalidZipFileException","reason":"no file"}},"last_modified":"2026-01-02T03:04:05.000000006Z","revision":"00000000-0000-0000-0000-000000000002","generation":"00000000-0000-0000-0000-000000000002"}}"#,
        );
    }

    #[test]
    fn the_stored_form_of_an_alias_is_fixed() {
        check_golden(
            &alias("d", Some(vec![("2".into(), 0.1)])),
            r#"{"function":"arn:aws:lambda:us-east-1:123456789012:function:f","name":"prod","version":"1","description":"d","routing":{"version":2,"weight":"0.1"},"revision":"00000000-0000-0000-0000-000000000004"}"#,
        );
    }

    #[test]
    fn the_stored_form_of_a_policy_is_fixed() {
        check_golden(
            &policy(&[grant("a", "arn:aws:s3:::a"), grant("b", "arn:aws:s3:::b\"\u{e9}")]),
            r#"{"revision":"00000000-0000-0000-0000-000000000005","statements":[{"Sid":"a","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::a"}}},{"Sid":"b","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b\"é"}}}]}"#,
        );
    }

    /// Every prefix of the bytes, and the bytes with one text in them replaced by another.
    #[track_caller]
    fn check_damage<T: Document + fmt::Debug>(value: &T, replacements: &[(&str, &str)]) {
        let bytes = value.encode();
        for length in 0..bytes.len() {
            assert!(T::decode(&bytes[..length]).is_err(), "cut to {length}");
        }
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in replacements {
            assert!(text.contains(from), "{from} is in {text}");
            let damaged = text.replace(from, to);
            assert!(T::decode(damaged.as_bytes()).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let function = function(input(), BTreeMap::new());
        let (function, version) = function.publish_with_update(fresh(2));
        let configuration = [
            ("\u{1}{", "\u{2}{"),
            ("\u{1}{", "\u{1}[{"),
            ("python3.13", "python2.7"),
            ("\"timeout_seconds\":3", "\"timeout_seconds\":0"),
            ("\"memory_megabytes\":128", "\"memory_megabytes\":1"),
            ("\"code_size\":42", "\"code_size\":-1"),
            ("\"lifecycle\":\"pending\"", "\"lifecycle\":\"sleeping\""),
            ("2026-01-02", "2026-13-02"),
            ("00000000-0000", "0000000x-0000"),
            ("\"code_size\"", "\"unknown\":1,\"code_size\""),
            (":function:f", ":function:f:1"),
        ];
        check_damage(&function, &configuration);
        let kept = ConfigurationInput {
            architectures: Some(vec!["arm64".into()]),
            ephemeral_storage: Some(1024),
            tracing_mode: Some("Active".into()),
            logging: Some(logging("JSON", Some(("ERROR", "WARN")))),
            ..input()
        };
        check_damage(
            &self::function(kept, BTreeMap::new()),
            &[
                ("\"arm64\"", "\"arm65\""),
                ("_megabytes\":1024", "_megabytes\":511"),
                ("\"Active\"", "\"active\""),
                ("\"ERROR\"", "\"SEVERE\""),
                ("\"WARN\"", "\"ERROR\""),
                (",\"system\":\"WARN\"", ""),
            ],
        );
        check_damage(&function, &[("\"next_version\":2", "\"next_version\":1")]);
        check_damage(&function, &[("\"next_version\":2", "\"next_version\":0")]);
        check_damage(&version, &configuration);
        check_damage(&version, &[("\"number\":1", "\"number\":0")]);
        check_damage(
            &alias("d", Some(vec![("2".into(), 0.1)])),
            &[
                ("\"prod\"", "\"42\""),
                ("\"version\":\"1\"", "\"version\":\"2\""),
                ("\"version\":\"1\"", "\"version\":\"$LATEST\""),
                ("\"version\":\"1\"", "\"version\":\"other\""),
                ("\"weight\":\"0.1\"", "\"weight\":\"1.1\""),
                ("\"weight\":\"0.1\"", "\"weight\":\"NaN\""),
            ],
        );
        check_damage(
            &policy(&[grant("a", "arn:aws:s3:::a"), grant("b", "arn:aws:s3:::b")]),
            &[
                ("\"Sid\":\"b\"", "\"Sid\":\"a\""),
                ("\"Sid\":\"b\"", "\"Sid\":1"),
                ("\"Effect\"", "\"Efect\""),
                ("arn:aws:s3:::b", &"b".repeat(20480)),
            ],
        );
        let empty =
            b"\x01{\"revision\":\"00000000-0000-0000-0000-000000000005\",\"statements\":[]}";
        assert!(ResourcePolicy::decode(empty).is_err(), "a policy without statements");
    }

    fn inputs() -> impl Strategy<Value = ConfigurationInput> {
        let variables =
            proptest::collection::btree_map("[a-zA-Z][a-zA-Z0-9_]{1,8}", "\\PC{0,9}", 0..4);
        let variables = proptest::option::of(variables.prop_map(|map| map.into_iter().collect()));
        let parts = ("\\PC{0,20}", 1..=900i64, 128..=10240i64, variables, any::<bool>());
        (parts, kept()).prop_map(|((description, timeout, memory, environment, vpc), kept)| {
            ConfigurationInput {
                description: Some(description),
                timeout: Some(timeout),
                memory_size: Some(memory),
                environment,
                vpc: vpc.then(VpcInput::default),
                ..kept
            }
        })
    }

    /// What is kept without being enforced, default or not.
    fn kept() -> impl Strategy<Value = ConfigurationInput> {
        use proptest::{option::of, sample::select};
        let levels = (
            select(vec!["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
            select(vec!["DEBUG", "INFO", "WARN"]),
        );
        let parts = (
            of(select(vec!["x86_64", "arm64"])),
            of(512..=10240i64),
            of(select(vec!["PassThrough", "Active"])),
            of(levels),
        );
        parts.prop_map(|(architecture, storage, tracing, levels)| ConfigurationInput {
            architectures: architecture.map(|one| vec![one.into()]),
            ephemeral_storage: storage,
            tracing_mode: tracing.map(Into::into),
            logging: Some(logging(if levels.is_some() { "JSON" } else { "Text" }, levels)),
            ..input()
        })
    }

    fn outcomes() -> impl Strategy<Value = Option<Result<(), Failure>>> {
        let failure = "\\PC{0,20}"
            .prop_map(|reason| Failure { code: FailureCode::InternalError, reason: reason.into() });
        proptest::option::of(prop_oneof![Just(Ok(())), failure.prop_map(Err)])
    }

    proptest! {
        #[test]
        fn functions_and_versions_read_back_as_written(
            input in inputs(),
            tags in proptest::collection::btree_map("[b-z]{1,9}", "\\PC{0,9}", 0..5),
            update in any::<bool>(),
            first in outcomes(),
            second in outcomes(),
        ) {
            let mut function = function(input, tags);
            if let Some(outcome) = first {
                function = function.settle(outcome, revision(2)).unwrap();
                if update {
                    let code = CodePackage::of(b"other", 7);
                    function = function.update_code(code, None, None, fresh(3)).unwrap();
                }
            }
            check_round_trip(&function);
            let (function, version) = function.publish_with_update(fresh(4));
            check_round_trip(&function);
            check_round_trip(&version);
            if let Some(version) = second.and_then(|outcome| version.settle(outcome)) {
                check_round_trip(&version);
            }
        }

        #[test]
        fn aliases_read_back_as_written(
            description in "\\PC{0,20}",
            weight in proptest::option::of(0.0..=1.0f64),
        ) {
            check_round_trip(&alias(&description, weight.map(|weight| vec![("2".into(), weight)])));
        }

        #[test]
        fn policies_read_back_as_written(
            grants in proptest::collection::btree_map("[a-zA-Z0-9_-]{1,9}", "[^$\\r\\n\u{85}\u{2028}\u{2029}*?]{0,20}", 1..9),
            bound in proptest::collection::vec(proptest::option::of("A(ID|RO)A[A-C]{17}"), 1..4),
        ) {
            let sources = grants.iter().map(|(sid, name)| (sid, format!("arn:aws:s3:::{name}")));
            let inputs: Vec<_> = sources.map(|(sid, source)| grant(sid, &source)).collect();
            let policy = policy(&inputs);
            check_round_trip(&policy);
            check_round_trip(&bound_policy(&inputs, &bound));
            let document: serde_json::Value = serde_json::from_str(&policy.to_json()).unwrap();
            prop_assert_eq!(document["Statement"].as_array().unwrap().len(), inputs.len());
        }

        #[test]
        fn what_is_known_changes_nothing_about_what_is_read(
            names in proptest::collection::vec("[a-e]", 1..9),
            known in proptest::collection::vec("[a-e]", 0..9),
            bound in proptest::collection::vec(proptest::option::of("AIDA[A-C]{17}"), 1..4),
            at in any::<proptest::sample::Index>(),
            byte in proptest::option::of(any::<u8>()),
        ) {
            let unique = |names: &[String]| {
                let mut seen = std::collections::BTreeSet::new();
                let names = names.iter().filter(|name| seen.insert(*name));
                names.map(|name| grant(name, &format!("arn:aws:s3:::{name}"))).collect::<Vec<_>>()
            };
            let (names, known) = (unique(&names), unique(&known));
            let known = (!known.is_empty()).then(|| bound_policy(&known, &bound));
            let mut bytes = bound_policy(&names, &bound).encode();
            if let Some(byte) = byte {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let read = |known| decode_policy(&bytes, known).map_err(|error| error.to_string());
            prop_assert_eq!(read(known.as_ref()), read(None));
        }
    }
}
