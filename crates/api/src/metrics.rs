//! Counters in the Prometheus text format: requests by operation and status, open for scraping.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use portcullis_catalog::decisions::DecisionStatus;

/// What a request is counted under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    service: &'static str,
    operation: &'static str,
    status: u16,
}

/// The counters of this process.
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    decisions: Gauge,
    unwritten: Gauge,
    failing: Gauge,
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::<Labels, Counter>::default();
        let mut registry = Registry::with_prefix("portcullis");
        registry.register("requests", "Answered requests", requests.clone());
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let decisions = gauge("decisions", "Decisions made since the start");
        let unwritten = gauge("decisions_unwritten", "Decisions that are not in the log yet");
        let failing = gauge("decision_log_failing", "1 while the decision log cannot be written");
        Self { requests, decisions, unwritten, failing, registry }
    }
}

impl Metrics {
    /// Counts one answered request; `operation` is `-` when none was found.
    pub(crate) fn count(&self, service: &'static str, operation: &'static str, status: u16) {
        self.requests.get_or_create(&Labels { service, operation, status }).inc();
    }

    /// The page that a scraper reads.
    pub(crate) fn render(&self, log: &DecisionStatus) -> Result<String, std::fmt::Error> {
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.decisions.set(count(log.recorded));
        self.unwritten.set(count(log.unwritten));
        self.failing.set(log.failure.is_some().into());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{DecisionStatus, Metrics};

    #[test]
    fn a_request_is_counted_under_its_operation_and_status() {
        let metrics = Metrics::default();
        metrics.count("lambda", "GetPolicy", 200);
        metrics.count("lambda", "GetPolicy", 200);
        metrics.count("lambda", "GetPolicy", 403);
        let log = DecisionStatus { recorded: 7, unwritten: 2, failure: Some("full".into()) };
        let page = metrics.render(&log).unwrap();
        for line in ["decisions 7", "decisions_unwritten 2", "decision_log_failing 1"] {
            assert!(page.contains(&format!("portcullis_{line}\n")), "{page}");
        }
        let row = |status, count| {
            format!(
                "portcullis_requests_total{{service=\"lambda\",operation=\"GetPolicy\",\
                 status=\"{status}\"}} {count}"
            )
        };
        assert!(page.contains(&row(200, 2)) && page.contains(&row(403, 1)), "{page}");
    }
}
