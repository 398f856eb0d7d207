//! Counters in the Prometheus text format: requests by operation and status, open for scraping.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

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
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::<Labels, Counter>::default();
        let mut registry = Registry::with_prefix("portcullis");
        registry.register("requests", "Answered requests", requests.clone());
        Self { requests, registry }
    }
}

impl Metrics {
    /// Counts one answered request; `operation` is `-` when none was found.
    pub(crate) fn count(&self, service: &'static str, operation: &'static str, status: u16) {
        self.requests.get_or_create(&Labels { service, operation, status }).inc();
    }

    /// The page that a scraper reads.
    pub(crate) fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn a_request_is_counted_under_its_operation_and_status() {
        let metrics = Metrics::default();
        metrics.count("lambda", "GetPolicy", 200);
        metrics.count("lambda", "GetPolicy", 200);
        metrics.count("lambda", "GetPolicy", 403);
        let page = metrics.render().unwrap();
        let row = |status, count| {
            format!(
                "portcullis_requests_total{{service=\"lambda\",operation=\"GetPolicy\",\
                 status=\"{status}\"}} {count}"
            )
        };
        assert!(page.contains(&row(200, 2)) && page.contains(&row(403, 1)), "{page}");
    }
}
