//! `portcullis serve`: puts the parts together, serves until a signal, drains.

use std::{
    fs::DirBuilder,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use portcullis_api::{OidcKeys, OidcKeysError, S3Settings, Server, Settings, State, listen};
use portcullis_catalog::{
    CONSTANT_DECISION, Catalog, CatalogError, Failure, UrlRule,
    decisions::{DecisionSettings, Decisions},
    effects::{RootKey, StartRefusal},
};
use portcullis_identity::{AccountId, Partition, generate};
use portcullis_lambda::{AccountConcurrency, Region, RetryDelays, UrlDomain};
use portcullis_logs::FunctionLogs;
use portcullis_sandbox::{Confinement, Reach, Sandbox, SandboxError, python, unpack};
use portcullis_sigv4::Credentials;
use portcullis_store::{Blobs, SqliteStore, StoreError};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    task::JoinHandle,
};

use crate::{
    cli::{
        DecisionLogArguments, FunctionLogArguments, Isolation, QuickstartArguments, ServeArguments,
    },
    client::{Client, ClientError, Endpoint},
    console::say,
    logs,
    root_credentials::{self, RootCredentialsError},
    s3,
    sealing_key::{self, SealingError, SealingKeySource},
};

/// The data folder of the quickstart's server lies here, and the runtime clients are kept here.
const HOME: &str = "portcullis-data";

/// A root secret that is shorter than this is warned of. Ours have 40 characters.
const SECRET_CHARACTERS_SAFE: usize = 16;

/// How long workers may take to end once every call is answered.
const WORKERS_GRACE: Duration = Duration::from_secs(2);

/// Why the server does not start, or did not stop well; each names what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The keys of an issuer cannot be used.
    #[error("--oidc-keys: {0}")]
    OidcKeys(#[from] OidcKeysError),
    /// A flag or variable has an impossible value.
    #[error("{flag}: {why}")]
    Flag {
        /// Which.
        flag: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The data folder cannot be made.
    #[error("cannot make the data folder {path}: {source}")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store cannot be opened, or its secrets cannot.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The folder of code packages cannot be opened.
    #[error("cannot open the store: {0}")]
    Store(#[from] StoreError),
    /// Decisions could not be kept.
    #[error("cannot open the decision log {folder}: {source}")]
    DecisionLog {
        /// Its folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The catalog cannot be read from the store.
    #[error("cannot read the store: {0}")]
    Catalog(#[from] CatalogError),
    /// The root credentials are not usable.
    #[error("cannot use the root credentials: {0}")]
    RootKey(#[from] StartRefusal),
    /// Their file is not usable.
    #[error(transparent)]
    RootCredentials(#[from] RootCredentialsError),
    /// No fresh credentials can be made.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] generate::NoRandomness),
    /// Functions could not run.
    #[error("cannot prepare to run functions: {0}")]
    Sandbox(#[from] SandboxError),
    /// No Python function can run on this host.
    #[error(transparent)]
    Python(#[from] python::PythonError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its own address is not one.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The terminal or a signal handler failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<Failure<StartRefusal>> for ServeError {
    fn from(failure: Failure<StartRefusal>) -> Self {
        match failure {
            Failure::Rule(refusal) => refusal.into(),
            Failure::Catalog(error) => error.into(),
        }
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`] when the server cannot start, or loses connections while it drains.
pub(crate) async fn run(arguments: &ServeArguments) -> Result<(), ServeError> {
    let signals = Signals::new()?;
    let configuration = Configuration::of_arguments(arguments)?;
    let running = Running::start(configuration).await?;
    announce(&running)?;
    signals.any().await;
    running.stop().await
}

/// Makes the newest Python runtime of this host ready, saying what it does; answers its name.
///
/// # Errors
/// [`ServeError::Python`] with the remedy.
pub(crate) async fn prepare_runtime() -> Result<&'static str, ServeError> {
    let runtimes = Path::new(HOME).join("runtimes");
    say!("Looking for a Python that can run functions, and for its Lambda runtime client")?;
    let find = tokio::task::spawn_blocking(python::newest_here);
    let runtime = find.await.map_err(std::io::Error::other)??;
    let progress = |line: &str| drop(say!("   {line}"));
    let found = python::Python::new(runtimes).prepare(runtime, progress).await?;
    say!("   {runtime}: {}", found.interpreter.display())?;
    Ok(runtime)
}

/// A server for the quickstart, on an empty folder that goes with it.
///
/// # Errors
/// [`ServeError`] when it cannot start.
pub(crate) async fn start_quickstart(
    arguments: &QuickstartArguments,
) -> Result<Running, ServeError> {
    let home = Path::new(HOME);
    make_private(home)?;
    let folder = tempfile::Builder::new().prefix("quickstart-").tempdir_in(home)?;
    let configuration = Configuration {
        listen: free(arguments.listen),
        data_dir: folder.path().to_owned(),
        runtimes_dir: home.join("runtimes"),
        region: parse("region", "us-east-1")?,
        account: parse("account", "123456789012")?,
        url_domain: parse("domain", "localhost")?,
        url_rule: UrlRule::default(),
        deny_confused_deputy: false,
        oidc_keys: OidcKeys::default(),
        s3: None,
        account_concurrency: AccountConcurrency::default(),
        retry_delays: RetryDelays::default(),
        root: None,
        sealing_key: SealingKeySource::default(),
        decision_log: DecisionLogArguments::default(),
        function_log: FunctionLogArguments::default(),
        isolation: arguments.isolation,
        function_network: Reach::default(),
    };
    say!("Starting a server on an empty data folder ({})", folder.path().display())?;
    Ok(Running { folder: Some(folder), ..Running::start(configuration).await? })
}

/// `listen`, or a free port where that one is taken.
fn free(listen: SocketAddr) -> SocketAddr {
    match std::net::TcpListener::bind(listen) {
        Ok(_) => listen,
        Err(_) => SocketAddr::new(listen.ip(), 0),
    }
}

/// Everything that a server is started with; valid.
struct Configuration {
    listen: SocketAddr,
    data_dir: PathBuf,
    runtimes_dir: PathBuf,
    region: Region,
    account: AccountId,
    url_domain: UrlDomain,
    url_rule: UrlRule,
    deny_confused_deputy: bool,
    oidc_keys: OidcKeys,
    s3: Option<S3Settings>,
    account_concurrency: AccountConcurrency,
    retry_delays: RetryDelays,
    /// Given root credentials; generated or read from the data folder when absent.
    root: Option<Credentials>,
    sealing_key: SealingKeySource,
    decision_log: DecisionLogArguments,
    function_log: FunctionLogArguments,
    isolation: Isolation,
    function_network: Reach,
}

impl Configuration {
    fn of_arguments(arguments: &ServeArguments) -> Result<Self, ServeError> {
        if arguments.store != "sqlite" {
            let why = format!("this build stores in `sqlite` only, not in `{}`", arguments.store);
            return Err(ServeError::Flag { flag: "--store", why });
        }
        if CONSTANT_DECISION && !arguments.listen.ip().is_loopback() {
            let why = "this build decides nothing: it listens on loopback only".to_owned();
            return Err(ServeError::Flag { flag: "--listen", why });
        }
        let given = (&arguments.root_access_key_id, &arguments.root_secret_access_key);
        let root = match given {
            (Some(id), Some(secret)) => Some(Credentials {
                access_key_id: id.clone(),
                secret_access_key: secret.clone(),
                session_token: None,
            }),
            _ => None,
        };
        Ok(Self {
            listen: arguments.listen,
            data_dir: arguments.data_dir.clone(),
            runtimes_dir: arguments.data_dir.join("runtimes"),
            region: parse("--region", &arguments.region)?,
            account: parse("--account-id", &arguments.account_id)?,
            url_domain: parse("--function-url-domain", &arguments.function_url_domain)?,
            url_rule: match arguments.function_url_single_grant {
                true => UrlRule::UrlGrantAlone,
                false => UrlRule::BothGrants,
            },
            deny_confused_deputy: arguments.deny_confused_deputy,
            oidc_keys: OidcKeys::read(&arguments.oidc_keys)?,
            s3: s3::settings(&arguments.s3, &arguments.region)?,
            retry_delays: parse("--retry-delays", &arguments.retry_delays)?,
            account_concurrency: parse("--account-concurrency", &arguments.account_concurrency)?,
            root,
            sealing_key: sealing_key_of(arguments)?,
            decision_log: arguments.decision_log.clone(),
            function_log: arguments.function_log.clone(),
            isolation: arguments.isolation,
            function_network: arguments.function_network.iter().copied().collect(),
        })
    }
}

fn sealing_key_of(arguments: &ServeArguments) -> Result<SealingKeySource, ServeError> {
    Ok(match (&arguments.sealing_key, &arguments.sealing_key_file) {
        (Some(key), _) => SealingKeySource::Given(parse("--sealing-key", key)?),
        (None, Some(path)) => SealingKeySource::File(path.clone()),
        (None, None) => SealingKeySource::DataFolder,
    })
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    flag: &'static str,
    text: &str,
) -> Result<T, ServeError> {
    text.parse().map_err(|why: T::Err| ServeError::Flag { flag, why: why.to_string() })
}

/// Most files that a server has open at a time.
const FILES_MAX: u64 = 65_536;

/// Lets this process open as many files as it may: the 1,024 that shells and service managers start
/// with are for programs that use `select`. Functions have limits of their own.
fn allow_more_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(FILES_MAX).min(FILES_MAX);
    if current.is_some_and(|current| current < wanted) {
        // Never refused below the maximum; if it is, all stays as it was.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}

/// Makes a folder that only we may look into; one that is there stays as it is.
pub(crate) fn make_private(path: &Path) -> Result<(), ServeError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| ServeError::DataDir { path: path.to_owned(), source })
}

/// A server that serves.
pub(crate) struct Running {
    endpoint: Endpoint,
    region: Region,
    root: Credentials,
    /// Whether the root credentials were made at this start.
    new_root: bool,
    confinement: Confinement,
    /// Whether functions may reach anything of the outside.
    reaches_outside: bool,
    server: Server,
    store: Arc<SqliteStore>,
    decisions: Arc<Decisions>,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<listen::Drained>,
    /// A data folder that goes with the server, once it has stopped.
    folder: Option<tempfile::TempDir>,
}

impl Running {
    async fn start(configuration: Configuration) -> Result<Self, ServeError> {
        let Configuration {
            listen,
            data_dir,
            root,
            decision_log,
            deny_confused_deputy,
            oidc_keys,
            ..
        } = configuration;
        let Configuration {
            region, account, url_domain, url_rule, runtimes_dir, isolation, ..
        } = configuration;
        let Configuration { account_concurrency, retry_delays, function_log, .. } = configuration;
        let Configuration { sealing_key, s3, function_network, .. } = configuration;
        make_private(&data_dir)?;
        allow_more_files();
        // Before there is any secret: whatever ends this process, no core shows one, and no other
        // process of its user may look into it. A program that it starts is as usual.
        set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(std::io::Error::from)?;
        let (store, sealed) = sealing_key::open(&data_dir, &sealing_key).await?;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|source| ServeError::Listen { address: listen, source })?;
        let endpoint = format!("http://{}", listener.local_addr()?).parse()?;
        let (root, new_root) = root_of(root, &data_dir)?;
        let partition = Partition::of_region(region.as_str());
        let catalog = Catalog::open(Arc::new(sealed), partition).await?;
        catalog.start(account, &root_key(&root)?, jiff::Timestamp::now()).await?;
        let blobs = Blobs::open(&data_dir.join("code"))?;
        let reaches_outside = !function_network.is_empty();
        let sandbox = sandbox_settings(isolation, function_network, account_concurrency);
        let sandbox = Sandbox::new(sandbox)?;
        let confinement = sandbox.confinement().clone();
        let code_dir = unpacked(&data_dir);
        let settings = Settings {
            region: region.clone(),
            account,
            url_domain,
            url_rule,
            deny_confused_deputy,
            oidc_keys,
            s3,
            account_concurrency,
            retry_delays,
            code_dir,
            runtimes_dir,
        };
        let decisions = open_decisions(&data_dir, &decision_log)?;
        let logs = open_function_logs(&data_dir, &function_log)?;
        let state = State::new(catalog, blobs, decisions.clone(), sandbox, logs, settings);
        let server = Server::new(state);
        let (shutdown, signal) = oneshot::channel();
        let serving = tokio::spawn(listen::serve(
            listener,
            server.clone(),
            listen::Limits::default(),
            async { drop(signal.await) },
        ));
        let folder = None;
        Ok(Self {
            endpoint,
            region,
            root,
            new_root,
            confinement,
            reaches_outside,
            server,
            store,
            decisions,
            shutdown,
            serving,
            folder,
        })
    }

    /// Drains: no new calls, running ones finish, workers end, the store closes.
    ///
    /// Calls that outlive the grace are logged and cut.
    ///
    /// # Errors
    /// A temporary data folder that cannot be removed.
    pub(crate) async fn stop(self) -> Result<(), ServeError> {
        let _ = self.shutdown.send(()); // The receiver is gone only if serving ended by itself.
        match self.serving.await {
            Ok(listen::Drained::Whole) => {}
            Ok(listen::Drained::Cut(calls)) => {
                tracing::warn!(calls, "calls did not finish in time and were cut");
            }
            Err(error) => tracing::error!(%error, "serving ended badly"),
        }
        self.server.shutdown(WORKERS_GRACE).await;
        self.store.close().await;
        self.decisions.close().await;
        if let Some(folder) = self.folder {
            unpack::remove(folder.path())?;
        }
        Ok(())
    }

    /// Waits for SIGTERM or SIGINT.
    pub(crate) async fn until_signal(&self) {
        if let Ok(signals) = Signals::new() {
            signals.any().await;
        }
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The region that it is.
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// The default account's root.
    pub(crate) fn root_credentials(&self) -> &Credentials {
        &self.root
    }

    /// How it keeps functions from this host.
    pub(crate) fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// A client that calls it as root.
    pub(crate) fn root_client(&self) -> Client {
        Client {
            endpoint: self.endpoint.clone(),
            region: self.region.to_string(),
            credentials: Some(self.root.clone()),
        }
    }
}

/// The decision log in the data folder.
fn open_decisions(
    data_dir: &Path,
    arguments: &DecisionLogArguments,
) -> Result<Arc<Decisions>, ServeError> {
    let folder = data_dir.join("decisions");
    let &DecisionLogArguments { file_bytes, files, in_memory } = arguments;
    let settings = DecisionSettings { folder: folder.clone(), file_bytes, files, in_memory };
    Decisions::open(settings).map_err(|source| ServeError::DecisionLog { folder, source })
}

/// The logs of functions in the data folder.
fn open_function_logs(
    data_dir: &Path,
    arguments: &FunctionLogArguments,
) -> Result<FunctionLogs, ServeError> {
    let &FunctionLogArguments { file_bytes, files } = arguments;
    Ok(FunctionLogs::open(logs::folder(data_dir), file_bytes, files)?)
}

/// How many accounts may be at their limit at once before there is no call left for another one.
const ACCOUNTS_AT_LIMIT: usize = 4;

/// The whole server has a limit, too: no account can use it up.
fn sandbox_settings(
    isolation: Isolation,
    reach: Reach,
    account_concurrency: AccountConcurrency,
) -> portcullis_sandbox::Settings {
    let isolation = isolation.into();
    let of_one = usize::try_from(account_concurrency.get()).unwrap_or(usize::MAX);
    let concurrency_limit = of_one.saturating_mul(ACCOUNTS_AT_LIMIT);
    portcullis_sandbox::Settings { isolation, reach, concurrency_limit, ..Default::default() }
}

/// Where code is unpacked: a folder of this boot of the machine. What was unpacked before a power
/// loss may not have reached the disk whole; it is removed, and unpacked again when needed.
fn unpacked(data_dir: &Path) -> PathBuf {
    let all = data_dir.join("unpacked");
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let now = all.join(format!("boot-{}", boot.trim()));
    let earlier = std::fs::read_dir(&all).into_iter().flatten().flatten();
    for folder in earlier.map(|entry| entry.path()).filter(|folder| *folder != now) {
        if let Err(error) = unpack::remove(&folder) {
            tracing::warn!(%error, folder = %folder.display(), "cannot remove unpacked code");
        }
    }
    now
}

/// The given root credentials, else those of the data folder, else new ones, kept there.
fn root_of(given: Option<Credentials>, data_dir: &Path) -> Result<(Credentials, bool), ServeError> {
    if let Some(given) = given {
        return Ok((given, false));
    }
    if let Some(kept) = root_credentials::read_if_any(data_dir)? {
        return Ok((kept, false));
    }
    let new = Credentials {
        access_key_id: generate::access_key_id()?.as_str().to_owned(),
        secret_access_key: generate::secret_access_key()?.expose().to_owned(),
        session_token: None,
    };
    root_credentials::write(data_dir, &new)?;
    Ok((new, true))
}

fn root_key(root: &Credentials) -> Result<RootKey, ServeError> {
    Ok(RootKey {
        id: parse("PORTCULLIS_ROOT_ACCESS_KEY_ID", &root.access_key_id)?,
        secret: parse("PORTCULLIS_ROOT_SECRET_ACCESS_KEY", &root.secret_access_key)?,
    })
}

/// Says where the server is; the generated root credentials once, and never again.
fn announce(running: &Running) -> Result<(), ServeError> {
    if CONSTANT_DECISION {
        say!("THIS BUILD DECIDES NOTHING: every call is allowed. It is for measuring only.")?;
    }
    match &running.confinement {
        Confinement::Jailed { lacking } if lacking.is_empty() => {
            tracing::info!("{}", running.confinement);
        }
        confinement => tracing::warn!("{confinement}"),
    }
    if running.confinement == Confinement::Open && running.reaches_outside {
        tracing::warn!("`--function-network` keeps nothing from functions without isolation");
    }
    if running.root.secret_access_key.len() < SECRET_CHARACTERS_SAFE {
        tracing::warn!("the root secret is short enough to be guessed: use it on loopback only");
    }
    if running.new_root {
        say!("generated root credentials (kept in the data folder, shown only now):")?;
        say!("  AWS_ACCESS_KEY_ID={}", running.root.access_key_id)?;
        say!("  AWS_SECRET_ACCESS_KEY={}", running.root.secret_access_key)?;
    }
    Ok(say!("listening on {}", running.endpoint)?)
}

/// The signals that end a server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn any(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Logs go to standard error; `PORTCULLIS_LOG` says which (`usual` unless set).
pub(crate) fn log_to_stderr(usual: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PORTCULLIS_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| usual.into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}
