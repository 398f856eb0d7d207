//! Starting workers: what each is given, and what must be taken away after it.

use std::any::Any;
use std::collections::BTreeSet;
use std::ffi::{CString, OsString};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::unix::AsyncFd;

use crate::cgroups::{Group, Groups, Limits, Shortage};
use crate::host::Own;
use crate::isolation::{
    Confinement, Isolation, Keeping, Places, needs_user_namespace, trusted, views_of,
};
use crate::jail::{BOOTSTRAP, LAYERS, PROCESSES_MAX, TASK_ROOT};
use crate::numbers::{Number, Numbers};
use crate::outside::{self, Outside, Way};
use crate::protocol::{Hello, Launch, ZygoteLaunch};
use crate::spawner::{SpawnError, Spawned, Spawner, prepare};
use crate::specification::{Program, RuntimeCommand, Settings, WorkerSpec};
use crate::zygotes::{self, Zygotes};

/// Starts the workers of one sandbox.
pub(crate) struct Starter {
    spawner: Arc<Spawner>,
    zygotes: Arc<Zygotes>,
    keeping: Keeping,
    groups: Groups,
    numbers: Numbers,
    outside: Option<Arc<Outside>>,
}

/// A worker that has been started.
pub(crate) struct Started {
    pub(crate) control: AsyncFd<OwnedFd>,
    pub(crate) listener: TcpListener,
    /// The worker's way to the outside, if it has one.
    pub(crate) way: Option<Way>,
    pub(crate) belongings: Belongings,
}

/// What is a worker's own on the host, until it is gone.
pub(crate) struct Belongings {
    group: Group,
    _number: Number,
    held: Option<Box<dyn Any + Send>>,
}

impl Belongings {
    /// Tells, until they are taken away, whether the worker's memory was too little.
    pub(crate) fn shortage(&self) -> Shortage {
        self.group.shortage()
    }

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
            let spawner = Arc::new(Spawner::new(program, Hello::default()));
            let (keeping, groups, zygotes) = (Keeping::open(), Groups::default(), Arc::default());
            return Self { spawner, zygotes, keeping, groups, numbers, outside: None };
        }
        let (groups, mut lacking) = Groups::open();
        let way_out = Outside::new(settings.reach.clone());
        lacking.extend(way_out.as_ref().and_then(|_| outside::lacking()));
        let hello = Hello {
            user_namespace: needs_user_namespace(),
            cgroups: groups.folders().into_iter().map(PathBuf::into_os_string).collect(),
        };
        let spawner = Spawner::new(program, hello);
        let counts_memory = groups.count("memory");
        let keeping = Keeping::new(settings.isolation, &spawner, counts_memory, lacking);
        let (spawner, zygotes) = (Arc::new(spawner), Arc::default());
        Self { spawner, zygotes, keeping, groups, numbers, outside: way_out }
    }

    pub(crate) fn confinement(&self) -> &Confinement {
        &self.keeping.confinement
    }

    pub(crate) fn places(
        &self,
        code_dir: &Path,
        layers_dir: Option<&Path>,
        client_dir: Option<&Path>,
    ) -> Places {
        self.keeping.places(code_dir, layers_dir, client_dir)
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
        let mut launch = self.launch(spec, &environment, &number)?;
        let zygote = self.zygote(&spec.runtime).filter(|_| can_be_forked(spec));
        if let (Some(command), Some(_)) = (&spec.runtime.zygote, &zygote) {
            launch.zygote = Some(command.work.clone());
        }
        let limits = Limits {
            memory_mb: spec.memory_mb.into(),
            tmp_mb: spec.ephemeral_mb.into(),
            processes: PROCESSES_MAX,
        };
        let group = self.groups.make(number.value(), &limits).map_err(prepare("control group"))?;
        let mut descriptors = vec![output.as_fd()];
        descriptors.extend(zygote.as_ref().map(|zygote| zygote.as_fd()));
        descriptors.extend(group.joins().iter().map(AsFd::as_fd));
        let Spawned { control, listener } = self.spawner.spawn(launch, &descriptors).await?;
        let way = self.outside.as_ref().map(|outside| outside.way(&spec.function));
        let belongings = Belongings { group, _number: number, held };
        Ok(Started { control, listener, way, belongings })
    }

    fn launch(
        &self,
        spec: &WorkerSpec,
        own: &[(String, String)],
        number: &Number,
    ) -> Result<Launch, SpawnError> {
        let mut jail = self.keeping.jail_of(spec, number.value());
        if let (Some(jail), Some(_)) = (&mut jail, &self.outside) {
            jail.views.extend(trusted());
        }
        let directory = if jail.is_some() { Path::new(TASK_ROOT) } else { &spec.code_dir };
        let launch = Launch {
            programs: programs(spec, directory, jail.is_some()),
            arguments: spec.runtime.arguments.iter().map(Into::into).collect(),
            // The later value of a name is the one that counts.
            environment: [words(&spec.environment), words(own)].concat(),
            endpoint: spec.host.is_some(),
            proxy: self.outside.is_some(),
            directory: directory.as_os_str().to_owned(),
            jail,
            zygote: None,
        };
        refuse_nul(&launch)?;
        Ok(launch)
    }

    /// The zygote of a runtime, if it has one that is ready; else one is started.
    pub(crate) fn zygote(&self, runtime: &RuntimeCommand) -> Option<zygotes::Connection> {
        let command = runtime.zygote.as_ref().filter(|_| self.keeping.is_jailed())?;
        let Program::Host(program) = &runtime.program else { return None };
        let key = (program.clone(), runtime.client_dir.clone());
        self.zygotes.get(key, &self.spawner, || ZygoteLaunch {
            program: program.as_os_str().to_owned(),
            arguments: command.arguments.iter().map(Into::into).collect(),
            environment: words(&command.environment),
            views: views_of(runtime),
        })
    }

    /// Ends all workers and the process that starts them; waits until they are gone.
    pub(crate) async fn close(&self) {
        self.zygotes.close();
        self.spawner.close().await;
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        self.zygotes.close();
    }
}

/// What a worker may execute, best first. Without a jail, `/opt` is the host's own.
fn programs(spec: &WorkerSpec, task_root: &Path, jailed: bool) -> Vec<OsString> {
    match &spec.runtime.program {
        Program::Host(program) => vec![program.into()],
        Program::Bootstrap => {
            let layers = if jailed { Some(Path::new(LAYERS)) } else { spec.layers_dir.as_deref() };
            let folders = [Some(task_root), layers].into_iter().flatten();
            folders.map(|folder| folder.join(BOOTSTRAP).into_os_string()).collect()
        }
    }
}

fn words(pairs: &[(String, String)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Variables that programs and the C library read only when they start. `PYTHONPATH` is not one of
/// them here: a zygote's child follows it.
const READ_AT_START: [&str; 7] =
    ["PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "GLIBC_TUNABLES", "OPENSSL_"];

/// Whether a zygote's child would be as a worker of this function: whatever is read at the start has
/// the value that the zygote had. The loader looks only once whether `/opt/lib` is there.
fn can_be_forked(spec: &WorkerSpec) -> bool {
    let matters = |(name, _): &&(String, String)| {
        name != "PYTHONPATH" && READ_AT_START.iter().any(|start| name.starts_with(start))
    };
    let libraries = spec.layers_dir.as_ref().is_some_and(|layers| layers.join("lib").exists());
    !libraries
        && spec.runtime.zygote.as_ref().is_some_and(|zygote| {
            let wanted: BTreeSet<_> = spec.environment.iter().filter(matters).collect();
            wanted == zygote.environment.iter().filter(matters).collect()
        })
}

/// The kernel takes no word that has a NUL byte in it.
fn refuse_nul(launch: &Launch) -> Result<(), SpawnError> {
    let pairs = launch.environment.iter().flat_map(|(name, value)| [name, value]);
    let words = launch.programs.iter().chain(&launch.arguments).chain([&launch.directory]);
    for word in words.chain(pairs) {
        CString::new(word.as_bytes())?;
    }
    Ok(())
}
