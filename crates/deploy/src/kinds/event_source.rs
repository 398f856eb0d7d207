//! `AWS::Lambda::EventSourceMapping`.

use http::Method;
use serde_json::{Map, Value, json};

use super::{Made, Row, STACK_TAG, Site, all_tags, only, optional, required, retag};
use crate::{
    DeployError, Server,
    server::{lambda, part},
};

pub(super) const ROW: Row = Row {
    name: "AWS::Lambda::EventSourceMapping",
    properties: &[
        "AmazonManagedKafkaEventSourceConfig",
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "DocumentDBEventSourceConfig",
        "Enabled",
        "EventSourceArn",
        "FilterCriteria",
        "FunctionName",
        "FunctionResponseTypes",
        "KmsKeyArn",
        "LoggingConfig",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "MetricsConfig",
        "ParallelizationFactor",
        "ProvisionedPollerConfig",
        "Queues",
        "ScalingConfig",
        "SelfManagedEventSource",
        "SelfManagedKafkaEventSourceConfig",
        "SourceAccessConfigurations",
        "StartingPosition",
        "StartingPositionTimestamp",
        "Tags",
        "Topics",
        "TumblingWindowInSeconds",
    ],
    replacing: &FIXED,
    naming: &[],
    attributes: &["EventSourceMappingArn", "Id"],
};

/// What only CreateEventSourceMapping takes.
const FIXED: [&str; 8] = [
    "AmazonManagedKafkaEventSourceConfig",
    "EventSourceArn",
    "Queues",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Topics",
];

/// What is said of a mapping in every plan.
pub(super) const REMARK: &str =
    "Portcullis polls no event sources: the mapping is kept, and it invokes nothing";

const ROOT: &str = "/2015-03-31/event-source-mappings";

fn path(made: &Made) -> String {
    format!("{ROOT}/{}", part(&made.physical))
}

fn made(answer: &Value) -> Result<Made, DeployError> {
    let (id, arn) = (required(answer, "UUID")?, required(answer, "EventSourceMappingArn")?);
    Ok(Made::new(id, [("Id", id), ("EventSourceMappingArn", arn)]))
}

/// The properties under the names that the API has for them.
fn body(properties: &Value) -> Map<String, Value> {
    let mut body = only(properties, ROW.properties);
    body.remove("Tags");
    if let Some(key) = body.remove("KmsKeyArn") {
        body.insert("KMSKeyArn".to_owned(), key);
    }
    if let Some(servers) =
        properties.pointer("/SelfManagedEventSource/Endpoints/KafkaBootstrapServers")
    {
        let endpoints = json!({"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}});
        body.insert("SelfManagedEventSource".to_owned(), endpoints);
    }
    body
}

pub(super) async fn create<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Made, DeployError> {
    let mut wanted = body(properties);
    wanted.insert("Tags".to_owned(), json!(all_tags(site, properties)));
    match lambda(site.server, Method::POST, ROOT.to_owned(), Some(&wanted.into())).await {
        Err(error) if error.is_presence() => match ours(site, properties).await? {
            // Of a deployment that ended before it could write it down.
            Some(found) => update(site, &found, &json!({}), properties).await,
            None => Err(error),
        },
        answer => made(&answer?),
    }
}

/// The mapping of the same source to the same function, if this stack made it.
async fn ours<S: Server>(
    site: &Site<'_, S>,
    properties: &Value,
) -> Result<Option<Made>, DeployError> {
    let mut path = format!("{ROOT}?FunctionName={}", part(required(properties, "FunctionName")?));
    if let Some(source) = optional(properties, "EventSourceArn") {
        path.push_str(&format!("&EventSourceArn={}", part(source)));
    }
    let wanted = body(properties);
    let fixed = ["SelfManagedEventSource", "Topics", "Queues"];
    let mut next = Some(path.clone());
    while let Some(page) = next.take() {
        let answer = lambda(site.server, Method::GET, page, None).await?;
        for one in super::items(&answer, "EventSourceMappings") {
            let same = fixed.iter().all(|name| one.get(*name) == wanted.get(*name));
            let found = made(one)?;
            if same && is_tagged(site, &found).await? {
                return Ok(Some(found));
            }
        }
        let marker = optional(&answer, "NextMarker");
        next = marker.map(|marker| format!("{path}&Marker={}", part(marker)));
    }
    Ok(None)
}

async fn is_tagged<S: Server>(site: &Site<'_, S>, found: &Made) -> Result<bool, DeployError> {
    let path = format!("/2017-03-31/tags/{}", part(arn(found)));
    let answer = lambda(site.server, Method::GET, path, None).await?;
    Ok(answer.pointer("/Tags").and_then(|tags| optional(tags, STACK_TAG)) == Some(site.stack))
}

fn arn(made: &Made) -> &str {
    made.attributes.get("EventSourceMappingArn").and_then(Value::as_str).unwrap_or_default()
}

/// What a property that is no longer there goes back to.
fn usual(name: &str, properties: &Value) -> Option<Value> {
    let is_queue = optional(properties, "EventSourceArn").is_some_and(|arn| arn.contains(":sqs:"));
    match name {
        "BatchSize" => Some(json!(if is_queue { 10 } else { 100 })),
        "BisectBatchOnFunctionError" => Some(json!(false)),
        "DestinationConfig" => Some(json!({"OnFailure": {}})),
        "Enabled" => Some(json!(true)),
        "FilterCriteria" | "ProvisionedPollerConfig" | "ScalingConfig" => Some(json!({})),
        "FunctionResponseTypes" | "SourceAccessConfigurations" => Some(json!([])),
        "KMSKeyArn" => Some(json!("")),
        "MaximumBatchingWindowInSeconds" | "TumblingWindowInSeconds" => Some(json!(0)),
        "MaximumRecordAgeInSeconds" | "MaximumRetryAttempts" => Some(json!(-1)),
        "MetricsConfig" => Some(json!({"Metrics": []})),
        "ParallelizationFactor" => Some(json!(1)),
        _ => None,
    }
}

pub(super) async fn update<S: Server>(
    site: &Site<'_, S>,
    made: &Made,
    old: &Value,
    new: &Value,
) -> Result<Made, DeployError> {
    let (before, mut after) = (body(old), body(new));
    for gone in before.keys().filter(|name| !body(new).contains_key(*name)) {
        let value = usual(gone, new).ok_or_else(|| {
            DeployError::Template(format!("the property {gone} of a mapping cannot be taken away"))
        })?;
        after.insert(gone.clone(), value);
    }
    after.retain(|name, value| before.get(name) != Some(value) && !FIXED.contains(&name.as_str()));
    if !after.is_empty() {
        lambda(site.server, Method::PUT, path(made), Some(&after.into())).await?;
    }
    retag(site, arn(made), old, new).await?;
    Ok(made.clone())
}

pub(super) async fn delete(server: &impl Server, made: &Made) -> Result<(), DeployError> {
    lambda(server, Method::DELETE, path(made), None).await.map(drop)
}

pub(super) async fn find(server: &impl Server, made: &Made) -> Result<bool, DeployError> {
    lambda(server, Method::GET, path(made), None).await.map(|_| true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FIXED, ROW, body, usual};

    #[test]
    fn properties_get_the_names_of_the_api() {
        let given = json!({
            "FunctionName": "f",
            "KmsKeyArn": "arn:aws:kms:us-east-1:111111111111:key/k",
            "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": ["k1:9092"]}},
            "Tags": [{"Key": "a", "Value": "b"}],
            "Topics": ["t"],
        });
        let want = json!({
            "FunctionName": "f",
            "KMSKeyArn": "arn:aws:kms:us-east-1:111111111111:key/k",
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k1:9092"]}},
            "Topics": ["t"],
        });
        assert_eq!(serde_json::Value::from(body(&given)), want);
    }

    #[test]
    fn a_property_is_fixed_or_goes_back_to_something_or_is_needed() {
        let needed = ["DocumentDBEventSourceConfig", "FunctionName", "LoggingConfig", "Tags"];
        for name in ROW.properties {
            let api_name = if *name == "KmsKeyArn" { "KMSKeyArn" } else { name };
            let known = [
                FIXED.contains(name),
                usual(api_name, &json!({})).is_some(),
                needed.contains(name),
            ];
            assert_eq!(known.into_iter().filter(|one| *one).count(), 1, "{name}");
        }
        let of = |arn: &str| usual("BatchSize", &json!({"EventSourceArn": arn}));
        assert_eq!(of("arn:aws:sqs:us-east-1:111111111111:q"), Some(json!(10)));
        assert_eq!(of("arn:aws:kinesis:us-east-1:111111111111:stream/s"), Some(json!(100)));
    }
}
