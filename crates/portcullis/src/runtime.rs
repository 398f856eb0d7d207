//! `portcullis runtime`: the runtimes that functions can have on this host.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use comfy_table::{Table, presets::NOTHING};
use portcullis_sandbox::{
    Confinement, Sandbox, Settings,
    runtimes::{self, Equipment, Runtimes, Standing},
};
use serde_json::{Value, json};

use crate::{
    CliError,
    cli::{DoctorArguments, InstallArguments, ListArguments, Output, RuntimeCommand},
    console::{printable, say},
    serve::{ServeError, make_private},
};

/// Does what is asked for.
///
/// # Errors
/// [`CliError`] when a runtime cannot be had, or nothing can be tried.
pub(crate) async fn run(command: &RuntimeCommand) -> Result<ExitCode, CliError> {
    match command {
        RuntimeCommand::List(arguments) => list(arguments).map(|()| ExitCode::SUCCESS),
        RuntimeCommand::Install(arguments) => install(arguments).await.map(|()| ExitCode::SUCCESS),
        RuntimeCommand::Doctor(arguments) => doctor(arguments).await,
    }
}

fn kept_in(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("runtimes")
}

fn list(arguments: &ListArguments) -> Result<(), CliError> {
    let runtimes = Runtimes::new(kept_in(&arguments.kept.data_dir));
    let all = runtimes::names().map(|name| (name, runtimes.inspect(name)));
    match arguments.output.output {
        Output::Json => {
            let all: Vec<Value> = all.map(|(name, standing)| as_json(name, &standing)).collect();
            Ok(say!("{}", Value::from(all))?)
        }
        Output::Text => {
            let mut table = Table::new();
            table.load_style(NOTHING).set_header(["RUNTIME", "STATE", "PROGRAM", "CLIENT"]);
            for (name, standing) in all {
                let (state, equipment) = parts(&standing);
                let program = equipment.map(program).unwrap_or_default();
                let client = equipment.and_then(|have| have.client.clone()).unwrap_or_default();
                table.add_row([name, state, &program, &client]);
            }
            Ok(say!("{}", printable(&table.trim_fmt()))?)
        }
    }
}

/// The state's name, and what there is.
fn parts(standing: &Standing) -> (&'static str, Option<&Equipment>) {
    match standing {
        Standing::Ready(equipment) => ("ready", Some(equipment)),
        Standing::Installable(equipment) => ("installable", Some(equipment)),
        Standing::Missing(_) => ("missing", None),
    }
}

fn program(equipment: &Equipment) -> String {
    let shown = equipment.program.as_ref().map(|program| program.display().to_string());
    let own = if equipment.client.is_some() { "" } else { "the function's own bootstrap" };
    shown.unwrap_or_else(|| own.to_owned())
}

fn as_json(name: &str, standing: &Standing) -> Value {
    let (state, equipment) = parts(standing);
    let mut entry = json!({"Runtime": name, "State": state});
    let mut put = |member: &str, value: Option<String>| {
        if let (Some(value), Some(entry)) = (value, entry.as_object_mut()) {
            entry.insert(member.to_owned(), value.into());
        }
    };
    put("Program", equipment.and_then(|have| Some(have.program.as_ref()?.display().to_string())));
    put("Client", equipment.and_then(|have| have.client.clone()));
    if let Standing::Missing(error) = standing {
        put("Reason", Some(error.to_string()));
    }
    entry
}

async fn install(arguments: &InstallArguments) -> Result<(), CliError> {
    make_private(&arguments.kept.data_dir)?;
    let runtimes = Runtimes::new(kept_in(&arguments.kept.data_dir));
    for name in &arguments.runtimes {
        fetch(&runtimes, name).await?;
        let standing = runtimes.inspect(name);
        let (state, equipment) = parts(&standing);
        let client = equipment.and_then(|have| have.client.as_deref());
        let by = equipment.map(program).into_iter().chain(client.map(str::to_owned));
        say!("{name}: {state} ({})", printable(&by.collect::<Vec<_>>().join(", ")))?;
    }
    Ok(())
}

async fn fetch(runtimes: &Runtimes, name: &str) -> Result<runtimes::Runtime, CliError> {
    let progress = |line: &str| drop(say!("   {}", printable(line)));
    let prepared = runtimes.install(name, progress).await;
    prepared.map_err(|error| CliError::Runtime { runtime: name.to_owned(), error })
}

async fn doctor(arguments: &DoctorArguments) -> Result<ExitCode, CliError> {
    let settings = Settings { isolation: arguments.isolation.into(), ..Settings::default() };
    let sandbox = Sandbox::new(settings).map_err(ServeError::from)?;
    say!("{}", printable(&sandbox.confinement().to_string()))?;
    let runtimes = Runtimes::new(kept_in(&arguments.kept.data_dir));
    let named = !arguments.runtimes.is_empty();
    let all = runtimes::names().map(str::to_owned).filter(|_| !named);
    let (mut runs, mut fails) = (0, 0);
    for name in all.chain(arguments.runtimes.iter().cloned()) {
        let standing = runtimes.inspect(&name);
        let trouble = examine(&sandbox, &runtimes, &name, &standing).await;
        say!("{name}: {}", printable(trouble.as_deref().unwrap_or("runs functions")))?;
        match (&trouble, standing) {
            (None, _) => runs += 1,
            (Some(_), Standing::Ready(_)) => fails += 1,
            (Some(_), _) => fails += usize::from(named),
        }
    }
    sandbox.shutdown(Duration::ZERO).await;
    Ok(if fails == 0 && runs > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What keeps functions of a runtime from running.
async fn examine(
    sandbox: &Sandbox,
    runtimes: &Runtimes,
    name: &str,
    standing: &Standing,
) -> Option<String> {
    match standing {
        Standing::Missing(error) => Some(error.to_string()),
        Standing::Installable(_) => Some(format!(
            "not installed; `portcullis runtime install {name}` fetches what is missing"
        )),
        Standing::Ready(_) if matches!(sandbox.confinement(), Confinement::Refused { .. }) => {
            Some("is there, but functions do not run (see above)".to_owned())
        }
        Standing::Ready(_) => {
            // Nothing is left to fetch.
            let runtime = match runtimes.prepare(name, |_| {}).await {
                Ok(runtime) => runtime,
                Err(error) => return Some(error.to_string()),
            };
            runtimes::try_out(sandbox, &runtime, name).await.err().map(|error| error.to_string())
        }
    }
}
