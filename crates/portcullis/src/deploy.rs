//! `portcullis deploy`: the plan for a person, the question, and the progress.

use std::{
    io::{BufRead as _, IsTerminal as _},
    path::{Path, PathBuf},
};

use portcullis_deploy::{
    Answer, Artifacts, Call, Change, Difference, Event, Parameters, Place, Plan, Planner,
    REQUIREMENTS, Server, StackName, Template, Translation, apply,
};
use portcullis_sandbox::python_tool::python_tool;
use serde_json::{Value, json};

use crate::{
    CliError,
    cli::DeployArguments,
    client::Client,
    console::{printable, say},
};

impl Server for Client {
    fn region(&self) -> &str {
        &self.region
    }

    async fn send(&self, call: Call) -> Result<Answer, String> {
        let kind = call.body.as_ref().map(|(kind, _)| ("content-type", *kind));
        let body = call.body.map(|(_, body)| body).unwrap_or_default();
        let unsigned = self.with(None);
        let (client, service) = call.service.map_or((&unsigned, ""), |service| (self, service));
        let headers = kind.as_slice();
        let answer = Client::call(client, service, call.method, &call.path, headers, body);
        let answer = answer.await.map_err(|error| error.to_string())?;
        Ok(Answer { status: answer.status().as_u16(), body: answer.into_body() })
    }
}

/// Deploys a template, or destroys its stack.
///
/// # Errors
/// [`CliError`] when it is refused, not confirmed, or stops.
pub(crate) async fn run(arguments: &DeployArguments) -> Result<(), CliError> {
    let client = arguments.server.client()?;
    let stack = stack_name(arguments)?;
    let (mut template, artifacts) = read(arguments)?;
    let place = Place::of(&client, &stack).await?;
    template.choose(&place)?;
    let left_out = leave_out(arguments, &mut template)?;
    let planner = Planner::new(&client, &place, &stack, (&template, &artifacts)).await?;
    let plan = planner.plan().await?;
    say!("Stack {stack} at {}", client.endpoint)?;
    left_out.iter().try_for_each(|line| say!("{line}"))?;
    show(&plan)?;
    if arguments.plan {
        return Ok(());
    }
    if !plan.is_empty() && !arguments.yes {
        confirm()?;
    }
    let outputs = apply(planner, &plan, |event| drop(tell(&event))).await?;
    if !outputs.is_empty() {
        say!("\nOutputs")?;
    }
    let mut lines = outputs.iter();
    Ok(lines.try_for_each(|(name, value)| say!("  {} = {}", printable(name), printable(value)))?)
}

/// The stack's name: the given one, else that of the file or folder.
fn stack_name(arguments: &DeployArguments) -> Result<StackName, CliError> {
    let given = arguments.stack_name.clone();
    let name = given.map_or_else(|| usual_name(&arguments.template), Ok)?;
    name.parse().map_err(CliError::StackName)
}

fn usual_name(template: &Path) -> Result<String, CliError> {
    let stem = template.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    match stem.as_deref() {
        Some("template") => {
            let file = template.canonicalize().map_err(failed(template))?;
            let folder = file.parent().and_then(Path::file_name);
            Ok(folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
        }
        stem => Ok(stem.unwrap_or_default().to_owned()),
    }
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> CliError + use<> {
    let name = path.display().to_string();
    move |source| CliError::File { name: name.clone(), source }
}

/// Reads and translates the template; what is to be destroyed has none.
fn read(arguments: &DeployArguments) -> Result<(Template, Artifacts), CliError> {
    let parameters: Parameters = arguments.parameters.iter().cloned().collect();
    if arguments.destroy {
        let nothing = Template::read(&json!({"Resources": {}}), &Parameters::new())?;
        return Ok((nothing, Artifacts::default()));
    }
    // Before anything is installed.
    std::fs::metadata(&arguments.template).map_err(failed(&arguments.template))?;
    let progress = |line: &str| eprintln!("   {}", printable(line));
    let trial = "import samtranslator.translator.transform, yaml";
    let tool = python_tool(REQUIREMENTS, trial, &cache(), progress)?;
    let python = (tool.interpreter.as_path(), tool.packages.as_path());
    let region = arguments.server.region();
    let translation = Translation::of(&arguments.template, &parameters, &region, python)?;
    Ok((Template::read(&translation.template, &parameters)?, translation.artifacts))
}

/// Where what is fetched once is kept, as the XDG rules say.
fn cache() -> PathBuf {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").map(|home| home.join(".cache"));
    let cache = folder("XDG_CACHE_HOME").or_else(home).unwrap_or_else(std::env::temp_dir);
    cache.join("portcullis")
}

/// Refuses what is not served, or leaves it out; answers a line for each that is left out.
fn leave_out(
    arguments: &DeployArguments,
    template: &mut Template,
) -> Result<Vec<String>, CliError> {
    let unserved = template.unserved();
    if unserved.is_empty() {
        return Ok(Vec::new());
    }
    if !arguments.skip_unserved {
        let lines = unserved.iter().map(|(name, kind)| format!("\n  {name} ({kind})"));
        return Err(CliError::Unserved(lines.collect()));
    }
    let followers = template.skip_unserved();
    let unserved =
        unserved.iter().map(|(name, kind)| format!("  skipped {name}: {kind} is not served"));
    let followers =
        followers.iter().map(|name| format!("  skipped {name}: it refers to what is skipped"));
    Ok(unserved.chain(followers).map(|line| printable(&line)).collect())
}

/// The mark and the word of a change.
fn words(change: &Change) -> (&'static str, &'static str) {
    match change {
        Change::Keep => ("=", "unchanged"),
        Change::Create => ("+", "create"),
        Change::Update(_) => ("~", "update"),
        Change::Replace(_) => ("±", "replace"),
        Change::Delete => ("-", "delete"),
        Change::Release => ("*", "keep, no longer of the stack"),
    }
}

fn show(plan: &Plan) -> Result<(), CliError> {
    if plan.is_empty() {
        return Ok(say!("  nothing to change: {} resources", plan.steps.len())?);
    }
    for step in plan.steps.iter().filter(|step| step.change != Change::Keep) {
        let (mark, word) = words(&step.change);
        say!("  {mark} {} ({}): {word}", printable(&step.name), printable(&step.kind))?;
        if let Change::Update(differences) | Change::Replace(differences) = &step.change {
            differences.iter().try_for_each(|one| say!("      {}", printable(&difference(one))))?;
        }
        step.remark.map_or(Ok(()), |remark| say!("      {remark}"))?;
    }
    let kept = plan.steps.iter().filter(|step| step.change == Change::Keep).count();
    Ok(say!("  {kept} unchanged")?)
}

fn difference(one: &Difference) -> String {
    let text = |value: &Option<Value>| value.as_ref().map_or("none".to_owned(), Value::to_string);
    format!("{}: {} → {}", one.property, text(&one.old), text(&one.new))
}

/// Asks whether to go on.
fn confirm() -> Result<(), CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::NotConfirmed(
            "nothing was changed: give --yes where nobody can be asked",
        ));
    }
    say!("Do this? Only 'yes' is taken:")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" {
        return Ok(());
    }
    Err(CliError::NotConfirmed("nothing was changed"))
}

fn tell(event: &Event<'_>) -> std::io::Result<()> {
    match event {
        Event::Begins(step) => say!("{} {} …", words(&step.change).1, printable(&step.name)),
        Event::Done(step, true) => {
            say!("{} {}: done", words(&step.change).1, printable(&step.name))
        }
        Event::Done(step, false) => say!("{}: nothing to change after all", printable(&step.name)),
    }
}
