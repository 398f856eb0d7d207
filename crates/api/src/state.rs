//! What every request can reach: the catalog, the code, the sandbox, and who this server is.

use std::{path::PathBuf, sync::Arc};

use portcullis_catalog::{Catalog, UrlRule, decisions::Decisions, effects::Resolved};
use portcullis_identity::{AccountId, Partition};
use portcullis_lambda::{AccountConcurrency, Region, RetryDelays, UrlDomain};
use portcullis_logs::FunctionLogs;
use portcullis_sandbox::{Event, Outcome, Sandbox};
use portcullis_store::Blobs;

use crate::{
    code_link::LinkKey,
    error::ApiError,
    events::Events,
    execution::Execution,
    function_host::FunctionSessions,
    memory::Memory,
    metrics::Metrics,
    objects::{Objects, S3Settings},
    oidc_keys::OidcKeys,
    opened_sessions::OpenedSessions,
};

/// What the operator decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region that this endpoint is.
    pub region: Region,
    /// The account that runs the server: owner of the control operations.
    pub account: AccountId,
    /// The domain under which function URLs have their hosts: `ID.lambda-url.REGION.DOMAIN`.
    pub url_domain: UrlDomain,
    /// What a call through a function URL needs.
    pub url_rule: UrlRule,
    /// Whether a grant is refused that strangers can use, by a service or themselves.
    pub deny_confused_deputy: bool,
    /// The keys of the issuers whose tokens are believed.
    pub oidc_keys: OidcKeys,
    /// Where code packages are read that requests name by bucket and key, if anywhere.
    pub s3: Option<S3Settings>,
    /// How many calls of each account run at once.
    pub account_concurrency: AccountConcurrency,
    /// How long a failed event waits before it is tried again.
    pub retry_delays: RetryDelays,
    /// Where code is unpacked.
    pub code_dir: PathBuf,
    /// Where the clients of the runtimes are kept.
    pub runtimes_dir: PathBuf,
}

/// What every request can reach.
pub struct State {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) blobs: Blobs,
    pub(crate) decisions: Arc<Decisions>,
    pub(crate) execution: Execution,
    pub(crate) function_sessions: FunctionSessions,
    pub(crate) opened_sessions: OpenedSessions,
    pub(crate) events: Arc<Events>,
    pub(crate) metrics: Metrics,
    pub(crate) memory: Memory,
    pub(crate) links: LinkKey,
    pub(crate) region: Region,
    pub(crate) account: AccountId,
    pub(crate) partition: Partition,
    pub(crate) url_domain: UrlDomain,
    pub(crate) url_rule: UrlRule,
    pub(crate) deny_confused_deputy: bool,
    pub(crate) oidc_keys: OidcKeys,
    pub(crate) objects: Option<Objects>,
}

impl State {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        catalog: Arc<Catalog>,
        blobs: Blobs,
        decisions: Arc<Decisions>,
        sandbox: Sandbox,
        logs: FunctionLogs,
        settings: Settings,
    ) -> Self {
        let Settings { region, account, url_domain, url_rule, code_dir, runtimes_dir, .. } =
            settings;
        let partition = Partition::of_region(region.as_str());
        Self {
            links: LinkKey::of(&catalog),
            execution: Execution::new(
                sandbox,
                code_dir,
                runtimes_dir,
                region.clone(),
                settings.account_concurrency,
                logs,
            ),
            function_sessions: FunctionSessions::default(),
            opened_sessions: OpenedSessions::new(partition),
            events: Arc::new(Events::new(settings.retry_delays)),
            metrics: Metrics::default(),
            memory: Memory::default(),
            partition,
            catalog,
            blobs,
            decisions,
            region,
            account,
            url_domain,
            url_rule,
            deny_confused_deputy: settings.deny_confused_deputy,
            oidc_keys: settings.oidc_keys,
            objects: settings.s3.map(Objects::new),
        }
    }

    /// Runs one event on the version behind `resolved`, within the limits of its account.
    ///
    /// # Errors
    /// Those of [`Execution::run`].
    pub(crate) async fn run(&self, resolved: &Resolved, event: Event) -> Result<Outcome, ApiError> {
        self.execution.run(&self.catalog, &self.blobs, resolved, event).await
    }
}
