//! Aliases on the wire.

use std::collections::BTreeMap;

use portcullis_lambda::Alias;
use portcullis_model::lambda::types::{AliasConfiguration, AliasRoutingConfiguration};

/// What every alias operation answers.
pub(crate) fn output(alias: &Alias) -> AliasConfiguration {
    let routing = alias.routing().map(|routing| {
        let weight = [(routing.version().to_string(), routing.weight())];
        AliasRoutingConfiguration { additional_version_weights: Some(BTreeMap::from(weight)) }
    });
    AliasConfiguration {
        alias_arn: Some(alias.target().to_string()),
        name: Some(alias.name().to_string()),
        function_version: Some(alias.version().qualifier().to_string()),
        description: Some(alias.description().to_owned()),
        routing_config: routing,
        revision_id: Some(alias.revision().to_string()),
    }
}

/// The weights of a request: absent when it says nothing of routing.
pub(crate) fn weights(routing: Option<AliasRoutingConfiguration>) -> Option<Vec<(String, f64)>> {
    let routing = routing?;
    Some(routing.additional_version_weights.unwrap_or_default().into_iter().collect())
}
