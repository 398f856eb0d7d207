//! Starting workers: what each is given, and what must be taken away after it.

use std::any::Any;
use std::ffi::CString;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tokio::io::unix::AsyncFd;

use crate::cgroups::{Group, Groups, Limits};
use crate::host::Own;
use crate::isolation::{Confinement, Isolation, Keeping, Places, needs_user_namespace};
use crate::jail::{PROCESSES_MAX, TASK_ROOT};
use crate::numbers::{Number, Numbers};
use crate::protocol::{Hello, Launch};
use crate::spawner::{SpawnError, Spawned, Spawner, prepare};
use crate::specification::{Settings, WorkerSpec};

/// Starts the workers of one sandbox.
pub(crate) struct Starter {
    spawner: Spawner,
    keeping: Keeping,
    groups: Groups,
    numbers: Numbers,
}

/// A worker that has been started.
pub(crate) struct Started {
    pub(crate) control: AsyncFd<OwnedFd>,
    pub(crate) listener: TcpListener,
    pub(crate) belongings: Belongings,
}

/// What is a worker's own on the host, until it is gone.
pub(crate) struct Belongings {
    group: Group,
    _number: Number,
    held: Option<Box<dyn Any + Send>>,
}

impl Belongings {
    /// Takes them away, after the worker has ended.
    pub(crate) async fn remove(self) {
        self.group.remove().await;
        drop(self.held);
    }
}

impl Starter {
    /// Finds out what the host can do. Blocking, for some milliseconds.
    pub(crate) fn new(settings: &Settings) -> Self {
        let (program, numbers) = (settings.spawner.clone(), Numbers::default());
        if settings.isolation == Isolation::None {
            let spawner = Spawner::new(program, Hello::default());
            return Self { spawner, keeping: Keeping::open(), groups: Groups::default(), numbers };
        }
        let (groups, lacking) = Groups::open();
        let hello = Hello {
            user_namespace: needs_user_namespace(),
            cgroups: groups.folders().into_iter().map(PathBuf::into_os_string).collect(),
        };
        let spawner = Spawner::new(program, hello);
        let counts_memory = groups.count("memory");
        let keeping = Keeping::new(settings.isolation, &spawner, counts_memory, lacking);
        Self { spawner, keeping, groups, numbers }
    }

    pub(crate) fn confinement(&self) -> &Confinement {
        &self.keeping.confinement
    }

    pub(crate) fn places(&self, code_dir: &Path, client_dir: &Path) -> Places {
        self.keeping.places(code_dir, client_dir)
    }

    /// Starts one worker, whose output goes to `output`.
    ///
    /// # Errors
    /// When the host cannot make it; nothing is left of it then.
    pub(crate) async fn start(
        &self,
        spec: &WorkerSpec,
        output: &OwnedFd,
    ) -> Result<Started, SpawnError> {
        let number = self.numbers.take();
        let Own { environment, held } =
            spec.host.as_ref().map(|host| host.provide()).unwrap_or_default();
        let launch = self.launch(spec, environment, &number)?;
        let limits = Limits {
            memory_mb: spec.memory_mb.into(),
            tmp_mb: spec.ephemeral_mb.into(),
            processes: PROCESSES_MAX,
        };
        let group = self.groups.make(number.value(), &limits).map_err(prepare("control group"))?;
        let Spawned { control, listener } =
            self.spawner.spawn(launch, output.as_fd(), group.joins()).await?;
        Ok(Started { control, listener, belongings: Belongings { group, _number: number, held } })
    }

    fn launch(
        &self,
        spec: &WorkerSpec,
        own: Vec<(String, String)>,
        number: &Number,
    ) -> Result<Launch, SpawnError> {
        let jail = self.keeping.jail_of(spec, number.value());
        let directory = if jail.is_some() { Path::new(TASK_ROOT) } else { &spec.code_dir };
        let launch = Launch {
            program: Some(spec.runtime.program.as_os_str().to_owned()),
            arguments: spec.runtime.arguments.iter().map(Into::into).collect(),
            environment: spec
                .environment
                .iter()
                .cloned()
                .chain(own) // The later value of a name is the one that counts.
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            endpoint: spec.host.is_some(),
            directory: directory.as_os_str().to_owned(),
            jail,
        };
        refuse_nul(&launch)?;
        Ok(launch)
    }

    /// Ends all workers and the process that starts them; waits until they are gone.
    pub(crate) async fn close(&self) {
        self.spawner.close().await;
    }
}

/// The kernel takes no word that has a NUL byte in it.
fn refuse_nul(launch: &Launch) -> Result<(), SpawnError> {
    let pairs = launch.environment.iter().flat_map(|(name, value)| [name, value]);
    let words = launch.program.iter().chain(&launch.arguments).chain([&launch.directory]);
    for word in words.chain(pairs) {
        CString::new(word.as_bytes())?;
    }
    Ok(())
}
