//! Running the translator of SAM templates, a Python program.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{Artifacts, DeployError, Parameters};

/// The packages that the translator needs, with their versions.
pub const REQUIREMENTS: &str = "aws-sam-translator==1.115.0 pyyaml==6.0.4";

/// What is said of a result that is none, as one with a number of a thousand digits.
const UNREADABLE: &str = "what it makes of the template cannot be read";

const PROGRAM: &str = include_str!("translate.py");

/// A template as CloudFormation's JSON, and the code that it names.
#[derive(Clone, Debug)]
pub struct Translation {
    /// The template.
    pub template: Value,
    /// The zips of its folders.
    pub artifacts: Artifacts,
}

impl Translation {
    /// Translates the file `template` by `python`, which finds the packages in the folder
    /// `packages`. Blocking.
    ///
    /// # Errors
    /// [`DeployError`] when the translator cannot run, refuses, or a folder cannot be read.
    pub fn of(
        template: &Path,
        parameters: &Parameters,
        region: &str,
        (python, packages): (&Path, &Path),
    ) -> Result<Self, DeployError> {
        let mut command = Command::new(python);
        command.args(["-B", "-c", PROGRAM]).arg(template).arg(region);
        command.arg(json!(parameters).to_string()).env("PYTHONPATH", packages);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| DeployError::Translator(error.to_string()))?;
        let folder = template.parent().unwrap_or(Path::new("."));
        converse(child, |places| Artifacts::pack(folder, places))
    }
}

/// Answers the translator's question for the addresses of folders, and takes its result.
fn converse(
    mut child: Child,
    pack: impl FnOnce(&[String]) -> Result<Artifacts, DeployError>,
) -> Result<Translation, DeployError> {
    let (Some(mut question), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(DeployError::Translator("it has no pipes".to_owned()));
    };
    let mut answers = BufReader::new(answers).lines().map_while(Result::ok);
    let mut next = move || {
        let line = answers.next()?;
        serde_json::from_str::<Value>(&line).ok()
    };
    let mut result = next();
    let mut artifacts = Artifacts::default();
    if let Some(folders) = result.as_ref().and_then(|line| line.get("Folders")) {
        let places: Vec<String> = serde_json::from_value(folders.clone()).unwrap_or_default();
        artifacts = pack(&places).inspect_err(|_| drop(child.kill()))?;
        // When it has ended, its own words tell why.
        let _ = writeln!(question, "{}", json!(artifacts.addresses()));
        result = next();
    }
    drop(question);
    let ended = child.wait_with_output();
    match result {
        Some(Value::Object(mut result)) if result.contains_key("Template") => {
            Ok(Translation { template: result.remove("Template").unwrap_or_default(), artifacts })
        }
        Some(Value::Object(result)) if result.contains_key("Error") => {
            let why = result.get("Error").and_then(Value::as_str).unwrap_or_default();
            Err(DeployError::Template(why.to_owned()))
        }
        _ => {
            let said = ended.map(|ended| String::from_utf8_lossy(&ended.stderr).into_owned());
            let said = said.unwrap_or_else(|error| error.to_string());
            let is_silent = said.is_empty();
            Err(DeployError::Translator(if is_silent { UNREADABLE.to_owned() } else { said }))
        }
    }
}
