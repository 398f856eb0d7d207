//! Laws of event source mappings, with a row for each source and each refusal.

use serde_json::{Value, json};

use super::*;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
const FIFO: &str = "arn:aws:sqs:us-east-1:123456789012:q.fifo";
const STREAM: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
const TABLE: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-01-01T00:00:00.000";
const CLUSTER: &str = "arn:aws:kafka:us-east-1:123456789012:cluster/c/1-2";
const BROKER: &str = "arn:aws:mq:us-east-1:123456789012:broker:b:b-1";
const DOCUMENTS: &str = "arn:aws:rds:us-east-1:123456789012:cluster:d";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn settings(of: &Value) -> Settings {
    let named = |(name, value): (&String, &Value)| (Setting::named(name).unwrap(), value.clone());
    of.as_object().unwrap().iter().map(named).collect()
}

fn input(of: &Value) -> MappingInput {
    MappingInput { enabled: None, settings: settings(of) }
}

fn mapping(id: u128, of: &Value) -> Result<EventSourceMapping, LambdaError> {
    let (region, account) = ("us-east-1".parse().unwrap(), "123456789012".parse().unwrap());
    let arn = EventSourceMappingArn::new(&region, &account, uuid::Uuid::from_u128(id));
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f".parse().unwrap();
    EventSourceMapping::create(arn, function, &input(of), Tags::default(), at(1000))
}

/// What each source takes at least.
fn least(source: &str) -> Value {
    let password = json!([{"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:x"}]);
    match source {
        QUEUE | FIFO => json!({"EventSourceArn": source}),
        STREAM | TABLE => json!({"EventSourceArn": source, "StartingPosition": "LATEST"}),
        CLUSTER => json!({"EventSourceArn": source, "StartingPosition": "LATEST", "Topics": ["t"]}),
        BROKER => {
            json!({"EventSourceArn": source, "Queues": ["q"], "SourceAccessConfigurations": password})
        }
        DOCUMENTS => json!({
            "EventSourceArn": source, "StartingPosition": "LATEST",
            "SourceAccessConfigurations": password,
            "DocumentDBEventSourceConfig": {"DatabaseName": "d"},
        }),
        servers => json!({
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [servers]}},
            "StartingPosition": "LATEST", "Topics": ["t"],
            "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:s"}],
        }),
    }
}

const SOURCES: [&str; 8] =
    [QUEUE, FIFO, STREAM, TABLE, CLUSTER, "own.example:9092", BROKER, DOCUMENTS];

/// `of` with the members of `with`; a null takes one away.
fn and(mut of: Value, with: &Value) -> Value {
    let members = of.as_object_mut().unwrap();
    for (name, value) in with.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    of
}

#[track_caller]
fn refused(source: &str, with: &Value, want: &str) {
    let error = mapping(1, &and(least(source), with)).unwrap_err();
    assert_eq!(error.to_string(), want, "{source} {with}");
}

#[test]
fn each_source_is_mapped_with_its_least() {
    for source in SOURCES {
        mapping(1, &least(source)).unwrap_or_else(|error| panic!("{source}: {error}"));
    }
}

#[test]
fn a_source_takes_its_parameters_and_no_others() {
    let values = [
        ("ParallelizationFactor", json!(2), vec![STREAM, TABLE]),
        ("TumblingWindowInSeconds", json!(2), vec![STREAM, TABLE]),
        ("BisectBatchOnFunctionError", json!(true), vec![STREAM, TABLE, CLUSTER, SOURCES[5]]),
        ("MaximumRetryAttempts", json!(2), vec![STREAM, TABLE, CLUSTER, SOURCES[5]]),
        ("MaximumRecordAgeInSeconds", json!(60), vec![STREAM, TABLE, CLUSTER, SOURCES[5]]),
        ("ScalingConfig", json!({"MaximumConcurrency": 2}), vec![QUEUE, FIFO]),
        ("Topics", json!(["t"]), vec![CLUSTER, SOURCES[5]]),
        ("Queues", json!(["q"]), vec![BROKER]),
        ("LoggingConfig", json!({"SystemLogLevel": "INFO"}), vec![CLUSTER, SOURCES[5]]),
        (
            "DestinationConfig",
            json!({"OnFailure": {"Destination": TOPIC}}),
            vec![STREAM, TABLE, CLUSTER, SOURCES[5]],
        ),
        (
            "ProvisionedPollerConfig",
            json!({"MinimumPollers": 2}),
            vec![QUEUE, FIFO, CLUSTER, SOURCES[5]],
        ),
        (
            "MetricsConfig",
            json!({"Metrics": ["EventCount"]}),
            vec![QUEUE, FIFO, STREAM, TABLE, CLUSTER, SOURCES[5]],
        ),
        ("MetricsConfig", json!({"Metrics": ["ErrorCount"]}), vec![CLUSTER, SOURCES[5]]),
        (
            "FunctionResponseTypes",
            json!(["ReportBatchItemFailures"]),
            vec![QUEUE, FIFO, STREAM, TABLE, CLUSTER, SOURCES[5]],
        ),
        ("FilterCriteria", json!({"Filters": [{"Pattern": "{\"a\":[1]}"}]}), SOURCES.to_vec()),
    ];
    for (name, value, takers) in values {
        for source in SOURCES {
            let made = mapping(1, &and(least(source), &json!({ name: value })));
            let unsupported =
                format!("Unsupported {name} parameter for given event source mapping type.");
            match takers.contains(&source) {
                true => assert!(made.is_ok(), "{name} {source}: {made:?}"),
                false => assert_eq!(made.unwrap_err().to_string(), unsupported, "{source}"),
            }
        }
    }
}

#[test]
#[rustfmt::skip]
fn each_refusal_has_its_text() {
    let unsupported = |name| format!("Unsupported {name} parameter for given event source mapping type.");
    let unknown = "Unrecognized event source, must be kinesis, dynamodb stream or sqs. Unsupported source arn : ";
    let no_position = "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.";
    let filter = "Invalid filter pattern definition.";
    let pollers = "MinimumPollers and MaximumPollers of ProvisionedPollerConfig are out of range.";
    refused(QUEUE, &json!({"EventSourceArn": null}), "Unrecognized event source.");
    refused(QUEUE, &json!({"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a:1"]}}}), "EventSourceArn and SelfManagedEventSource cannot be given together.");
    for arn in [TOPIC, "arn:aws:dynamodb:us-east-1:123456789012:table/t", "arn:aws:kinesis:us-east-1:123456789012:s", "arn:aws:sqs:us-east-1:123456789012:", "arn:aws:lambda:us-east-1:123456789012:function:f"] {
        refused(QUEUE, &json!({"EventSourceArn": arn}), &format!("{unknown}{arn}"));
    }
    let elsewhere = QUEUE.replace("us-east-1", "eu-west-1");
    refused(QUEUE, &json!({"EventSourceArn": elsewhere}), &format!("The event source {elsewhere} is not in the region of the function."));
    refused(QUEUE, &json!({"StartingPosition": "LATEST"}), "StartingPosition is not valid for SQS event sources.");
    refused(QUEUE, &json!({"BatchSize": 11}), "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10");
    refused(FIFO, &json!({"BatchSize": 11}), "Batch size must be less than or equal to 10 for FIFO queues.");
    refused(FIFO, &json!({"MaximumBatchingWindowInSeconds": 1}), "Batching window is not supported for FIFO queues.");
    refused(QUEUE, &json!({"KMSKeyArn": "arn:aws:kms:us-east-1:1:key/k"}), "Portcullis does not support KMSKeyArn of event source mappings yet.");
    for source in [STREAM, TABLE, CLUSTER, DOCUMENTS, "own.example:9092"] {
        refused(source, &json!({"StartingPosition": null}), no_position);
        refused(source, &json!({"StartingPositionTimestamp": 1}), "StartingPositionTimestamp is only supported when StartingPosition is AT_TIMESTAMP.");
    }
    refused(TABLE, &json!({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1}), &format!("Unsupported starting position for arn type: {TABLE}"));
    refused(STREAM, &json!({"StartingPosition": "AT_TIMESTAMP"}), "StartingPositionTimestamp is required when StartingPosition is AT_TIMESTAMP.");
    refused(STREAM, &json!({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1001.0}), "StartingPositionTimestamp cannot be in the future.");
    refused(STREAM, &json!({"MaximumRecordAgeInSeconds": 59}), "MaximumRecordAgeInSeconds must be -1 or between 60 and 604800.");
    refused(STREAM, &json!({"DestinationConfig": {"OnSuccess": {"Destination": TOPIC}}}), &unsupported("DestinationConfig"));
    refused(STREAM, &json!({"DestinationConfig": {"OnFailure": {"Destination": "kafka://t"}}}), "The destination kafka://t is invalid: it must be an SQS queue, an SNS topic or an S3 bucket.");
    refused(STREAM, &json!({"FilterCriteria": {"Filters": [{}]}}), filter);
    refused(STREAM, &json!({"FilterCriteria": {"Filters": [{"Pattern": "{\"a\":1}"}]}}), filter);
    refused(STREAM, &json!({"FilterCriteria": {"Filters": vec![json!({"Pattern": "{\"a\":[1]}"}); 6]}}), "An event source mapping can have at most 5 filters.");
    refused(CLUSTER, &json!({"Topics": null}), "Required 'topics' parameter is missing.");
    refused(BROKER, &json!({"Queues": null}), "Required 'queues' parameter is missing.");
    refused(BROKER, &json!({"SourceAccessConfigurations": [{"Type": "VIRTUAL_HOST", "URI": "/"}]}), "Required 'BASIC_AUTH' parameter is missing.");
    refused(DOCUMENTS, &json!({"DocumentDBEventSourceConfig": {"CollectionName": "c"}}), "Required 'databaseName' parameter is missing.");
    refused("a:1", &json!({"SourceAccessConfigurations": null}), "Required 'sourceAccessConfigurations' parameter is missing.");
    refused(CLUSTER, &json!({"SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "s"}]}), "Source access type VPC_SUBNET is not supported for given event source mapping type.");
    for list in [json!([{"Type": "VPC_SUBNET"}]), json!([{"Type": "IAM_AUTH", "URI": "x"}]), json!([{"Type": "OAUTHBEARER_SCOPE", "URI": "x"}])] {
        let kind = list[0]["Type"].as_str().unwrap().to_owned();
        refused("a:1", &json!({"SourceAccessConfigurations": list}), &format!("Source access type {kind} needs another one beside it, or a URI, or must have none."));
    }
    refused("a:1", &json!({"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}}), &unsupported("StartingPosition"));
    refused(QUEUE, &json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}}), pollers);
    refused(CLUSTER, &json!({"ProvisionedPollerConfig": {"MinimumPollers": 5, "MaximumPollers": 4}}), pollers);
    refused(QUEUE, &json!({"ProvisionedPollerConfig": {"PollerGroupName": "g"}}), &unsupported("PollerGroupName"));
    refused(QUEUE, &json!({"ProvisionedPollerConfig": {"MinimumPollers": 2}, "ScalingConfig": {"MaximumConcurrency": 2}}), "ScalingConfig and ProvisionedPollerConfig cannot be given together.");
}

#[test]
fn defaults_are_those_of_the_source() {
    let shown =
        |source, setting| mapping(1, &least(source)).unwrap().settings.get(setting).cloned();
    assert_eq!(shown(QUEUE, Setting::BatchSize), Some(json!(10)));
    assert_eq!(shown(STREAM, Setting::BatchSize), Some(json!(100)));
    assert_eq!(shown(STREAM, Setting::MaximumRetryAttempts), Some(json!(-1)));
    assert_eq!(shown(CLUSTER, Setting::MaximumRetryAttempts), None);
    assert_eq!(shown(CLUSTER, Setting::BatchingWindow), None);
    let group = json!({"ConsumerGroupId": uuid::Uuid::from_u128(1).to_string()});
    assert_eq!(shown(CLUSTER, Setting::ManagedKafkaConfig), Some(group));
}

#[test]
fn an_update_changes_what_it_names_and_empty_values_take_away() {
    let filter = json!({"FilterCriteria": {"Filters": [{"Pattern": "{\"a\":[1]}"}]}});
    let first = mapping(1, &and(least(QUEUE), &filter)).unwrap();
    let change = |of: Value| first.updated(None, &input(&of), at(2000));
    let (second, state) = change(json!({"BatchSize": 5})).unwrap();
    assert_eq!(state, MappingState::Updating);
    assert_eq!(
        (second.modified(), second.settings.number(Setting::BatchSize)),
        (at(2000), Some(5))
    );
    assert_eq!(
        second.settings.get(Setting::FilterCriteria),
        first.settings.get(Setting::FilterCriteria)
    );
    let (bare, _) = change(json!({"FilterCriteria": {"Filters": []}})).unwrap();
    assert_eq!(bare.settings.get(Setting::FilterCriteria), None);
    assert!(change(json!({"BatchSize": 11})).is_err());
    let off = MappingInput { enabled: Some(false), ..MappingInput::default() };
    let (off, state) = first.updated(None, &off, at(1)).unwrap();
    assert_eq!((off.enabled(), state, off.modified()), (false, MappingState::Disabling, at(1000)));
    assert_eq!((first.state_reason(), off.state_reason()), (NOT_POLLED, "USER_INITIATED"));
}

#[test]
fn what_a_kafka_source_was_made_with_stays() {
    let group = json!({"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"}});
    let first = mapping(1, &and(least(CLUSTER), &group)).unwrap();
    let change = |config: Value| {
        first.updated(None, &input(&json!({"AmazonManagedKafkaEventSourceConfig": config})), at(2))
    };
    let (same, _) = change(json!({})).unwrap();
    assert_eq!(same.settings, first.settings);
    let error = change(json!({"ConsumerGroupId": "h"})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "ConsumerGroupId cannot be changed after the event source mapping is created."
    );
}

#[test]
#[rustfmt::skip]
fn mappings_overlap_that_share_source_and_function() {
    let other = json!({"Topics": ["u"]});
    let rows = [
        (least(QUEUE), least(QUEUE), Some("An event source mapping with SQS arn (\" QUEUE \") and function (\" f \") already exists. Please update or delete the existing mapping with UUID NUMBER")),
        (least(STREAM), least(STREAM), Some("The event source arn (\" STREAM \") and function (\" f \") provided mapping already exists. Please update or delete the existing mapping with UUID NUMBER")),
        (least("a:1"), least("a:1"), Some("An event source mapping with event source (\"a:1\"), function (\"arn:aws:lambda:us-east-1:123456789012:function:f\"), topics (\"t\") already exists. Please update or delete the existing mapping with UUID NUMBER")),
        (least(QUEUE), least(FIFO), None),
        (least("a:1"), least("b:1"), None),
        (least("a:1"), and(least("a:1"), &other), None),
        (least(CLUSTER), and(least(CLUSTER), &other), None),
        (least(BROKER), and(least(BROKER), &json!({"Queues": ["r"]})), None),
    ];
    for (there, wanted, want) in rows {
        let (there, wanted) = (mapping(1, &there).unwrap(), mapping(2, &wanted).unwrap());
        let id = uuid::Uuid::from_u128(1).to_string();
        let want = want.map(|text| text.replace("QUEUE", QUEUE).replace("STREAM", STREAM).replace("NUMBER", &id));
        let found = wanted.overlaps(&there).then(|| wanted.conflict(&there).to_string());
        assert_eq!(found, want);
        assert!(!there.overlaps(&there), "a mapping does not overlap itself");
    }
}
