//! The environment of a function, whole. Source: `[snap]` aws-lambda.md §6.8.

use std::path::Path;

use crate::jail::LAYERS;
use crate::runtimes::Family;

/// The variables that a function finds its credentials in.
const CREDENTIALS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// The variable that says why a worker was started.
const INITIALIZATION_TYPE: &str = "AWS_LAMBDA_INITIALIZATION_TYPE";

/// Credentials of the function's role, which each worker has of its own.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: &'a str,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: &'a str,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: &'a str,
}

impl Credentials<'_> {
    /// As a function finds them.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let values = [self.access_key_id, self.secret_access_key, self.session_token];
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        CREDENTIALS.into_iter().zip(values).map(own).collect()
    }
}

/// What the environment of a function is made from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The function's bare name.
    pub function_name: &'a str,
    /// `$LATEST` or a number.
    pub version: &'a str,
    /// Lambda's name of the runtime (`python3.11`).
    pub runtime: &'a str,
    /// The handler as configured.
    pub handler: &'a str,
    /// Configured memory in MiB.
    pub memory_mb: u32,
    /// The region.
    pub region: &'a str,
    /// The log group (`/aws/lambda/NAME` unless configured).
    pub log_group: &'a str,
    /// The log stream.
    pub log_stream: &'a str,
    /// The application log level (`TRACE` to `FATAL`) of a function that logs JSON; none for one
    /// that logs plain text.
    pub json_log_level: Option<&'a str>,
    /// Where the worker finds its code: `/var/task`, as on Lambda, but for workers without a jail.
    pub task_root: &'a Path,
    /// Where the worker finds its layers, if it has any: `/opt`, but for workers without a jail.
    pub layers_root: Option<&'a Path>,
    /// Where the worker finds the runtime client: `/var/runtime`, but for workers without a jail.
    pub runtime_dir: &'a Path,
    /// The variables that the user configured. They win over what Lambda lets a user change
    /// (`PATH`, `LANG`, …), and lose against reserved names.
    pub user_variables: &'a [(String, String)],
}

/// Every variable that Lambda sets, but for the role's credentials, which are each worker's own, and
/// two: `AWS_LAMBDA_RUNTIME_API` comes from the sandbox, `_X_AMZN_TRACE_ID` from the runtime client
/// with each event. For Python, `PYTHONPATH` has the layers and then the runtime client behind the
/// user's own entries.
/// The format and level of a JSON log are those that AWS' runtime
/// clients read; with plain text neither is set, as recorded, and the user's own stay.
#[must_use]
pub fn standard_environment(facts: &Facts<'_>) -> Vec<(String, String)> {
    let mut variables = Variables::default();
    changeable(facts.task_root, facts.layers_root, facts.runtime_dir, &mut variables);
    if Family::of(facts.runtime) == Some(Family::Node) {
        variables.set("NODE_PATH", node_path(facts));
    }
    for (name, value) in facts.user_variables {
        variables.set(name, value.clone());
    }
    if Family::of(facts.runtime) == Some(Family::Python) {
        let own = variables.get("PYTHONPATH").map(str::to_owned);
        let layers = facts.layers_root.iter().flat_map(|layers| {
            let python = layers.join("python");
            [python.join("lib").join(facts.runtime).join("site-packages"), python]
        });
        let found = layers.chain([facts.runtime_dir.to_owned()]);
        let path = own.into_iter().chain(found.map(|folder| folder.display().to_string()));
        variables.set("PYTHONPATH", path.collect::<Vec<_>>().join(":"));
    }
    reserved(facts, &mut variables);
    variables.0
}

/// Where `require` looks for packages, as in AWS's images: layers of this version, of any, the
/// runtime's own, the code.
fn node_path(facts: &Facts<'_>) -> String {
    let version = facts.runtime.trim_start_matches("nodejs").trim_end_matches(".x");
    let (task, runtime) = (facts.task_root.display(), facts.runtime_dir.display());
    let layers = facts.layers_root.unwrap_or(Path::new(LAYERS)).display();
    format!(
        "{layers}/nodejs/node{version}/node_modules:{layers}/nodejs/node_modules:\
         {runtime}/node_modules:{runtime}:{task}"
    )
}

/// What a user may change. Source: developer guide, "Defined runtime environment variables",
/// the list of unreserved ones.
fn changeable(
    task_root: &Path,
    layers_root: Option<&Path>,
    runtime_dir: &Path,
    variables: &mut Variables,
) {
    let (task, runtime) = (task_root.display(), runtime_dir.display());
    let layers = layers_root.unwrap_or(Path::new(LAYERS)).display();
    variables.set("LANG", "en_US.UTF-8");
    let path = format!("/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:{layers}/bin");
    variables.set("PATH", path);
    variables.set(
        "LD_LIBRARY_PATH",
        format!(
            "/var/lang/lib:/lib64:/usr/lib64:{runtime}:{runtime}/lib:{task}:{task}/lib:{layers}/lib"
        ),
    );
    variables.set("TZ", ":UTC");
    variables.set("PWD", task.to_string());
    variables.set("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR");
    variables.set("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000");
}

/// The environment of a worker that is kept ready, made from that of one started on demand.
#[must_use]
pub fn provisioned_environment(on_demand: &[(String, String)]) -> Vec<(String, String)> {
    let mut variables = Variables(on_demand.to_vec());
    variables.set(INITIALIZATION_TYPE, "provisioned-concurrency");
    variables.0
}

/// What every function has that changes nothing of it, and the way to the runtime client.
pub(crate) fn of_python_zygote(task_root: &Path, runtime_dir: &Path) -> Vec<(String, String)> {
    let mut variables = Variables::default();
    changeable(task_root, None, runtime_dir, &mut variables);
    variables.set("PYTHONPATH", runtime_dir.display().to_string());
    variables.0
}

/// What nobody may change. Source: the same page, the list of reserved ones.
fn reserved(facts: &Facts<'_>, variables: &mut Variables) {
    variables.set("_HANDLER", facts.handler);
    variables.set("AWS_DEFAULT_REGION", facts.region);
    variables.set("AWS_REGION", facts.region);
    variables.remove("AWS_EXECUTION_ENV");
    // The same list: not defined for what brings its runtime along.
    if Family::of(facts.runtime) != Some(Family::Provided) {
        variables.set("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", facts.runtime));
    }
    variables.set("AWS_LAMBDA_FUNCTION_NAME", facts.function_name);
    variables.set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", facts.memory_mb.to_string());
    variables.set("AWS_LAMBDA_FUNCTION_VERSION", facts.version);
    variables.set(INITIALIZATION_TYPE, "on-demand");
    variables.set("AWS_LAMBDA_LOG_GROUP_NAME", facts.log_group);
    variables.set("AWS_LAMBDA_LOG_STREAM_NAME", facts.log_stream);
    variables.set("LAMBDA_TASK_ROOT", facts.task_root.display().to_string());
    variables.set("LAMBDA_RUNTIME_DIR", facts.runtime_dir.display().to_string());
    if let Some(level) = facts.json_log_level {
        variables.set("AWS_LAMBDA_LOG_FORMAT", "JSON");
        variables.set("AWS_LAMBDA_LOG_LEVEL", level);
    }
    for name in ["AWS_LAMBDA_RUNTIME_API", "_X_AMZN_TRACE_ID"] {
        variables.remove(name);
    }
    for name in CREDENTIALS {
        variables.remove(name);
    }
}

/// Names with values; a name set again replaces its value.
#[derive(Default)]
struct Variables(Vec<(String, String)>);

impl Variables {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.0.push((name.to_owned(), value.into()));
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| other != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(user: &[(&str, &str)], json_log_level: Option<&str>) -> Vec<(String, String)> {
        environment_of("python3.11", user, json_log_level)
    }

    fn environment_of(
        runtime: &str,
        user: &[(&str, &str)],
        json_log_level: Option<&str>,
    ) -> Vec<(String, String)> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let user_variables: Vec<_> = user.iter().map(own).collect();
        standard_environment(&Facts {
            function_name: "f",
            version: "$LATEST",
            runtime,
            handler: "index.handler",
            memory_mb: 128,
            region: "us-east-1",
            log_group: "/aws/lambda/f",
            log_stream: "2026/11/25/[$LATEST]0123",
            json_log_level,
            task_root: Path::new("/task"),
            layers_root: None,
            runtime_dir: Path::new("/runtime"),
            user_variables: &user_variables,
        })
    }

    #[test]
    fn layers_are_found_behind_what_is_the_users_own() {
        let check = |runtime, user: &[(&str, &str)], name, want: &str| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let user_variables: Vec<_> = user.iter().map(own).collect();
            let environment = standard_environment(&Facts {
                function_name: "f",
                version: "1",
                runtime,
                handler: "h",
                memory_mb: 128,
                region: "us-east-1",
                log_group: "g",
                log_stream: "s",
                json_log_level: None,
                task_root: Path::new("/task"),
                layers_root: Some(Path::new("/layers")),
                runtime_dir: Path::new("/runtime"),
                user_variables: &user_variables,
            });
            check_value(&environment, name, Some(want));
        };
        let layers = "/layers/python/lib/python3.13/site-packages:/layers/python";
        check("python3.13", &[], "PYTHONPATH", &format!("{layers}:/runtime"));
        let own = [("PYTHONPATH", "/own")];
        check("python3.13", &own, "PYTHONPATH", &format!("/own:{layers}:/runtime"));
        check("provided.al2023", &own, "PYTHONPATH", "/own");
        let path = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/layers/bin";
        check("provided.al2023", &[], "PATH", path);
    }

    #[track_caller]
    fn check(user: &[(&str, &str)], name: &str, want: Option<&str>) {
        check_value(&environment(user, None), name, want);
    }

    #[track_caller]
    fn check_value(environment: &[(String, String)], name: &str, want: Option<&str>) {
        let values: Vec<_> = environment.iter().filter(|(other, _)| other == name).collect();
        assert_eq!(
            values.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
            Vec::from_iter(want)
        );
    }

    #[test]
    #[rustfmt::skip]
    fn users_change_what_is_theirs_and_nothing_else() {
        check(&[],                                 "PATH", Some("/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"));
        check(&[("PATH", "/x")],                   "PATH", Some("/x"));
        check(&[("MINE", "1")],                    "MINE", Some("1"));
        check(&[("MINE", "1"), ("MINE", "2")],     "MINE", Some("2"));
        check(&[("_HANDLER", "evil")],             "_HANDLER", Some("index.handler"));
        check(&[("AWS_ACCESS_KEY_ID", "evil")],    "AWS_ACCESS_KEY_ID", None);
        check(&[("AWS_LAMBDA_RUNTIME_API", "x")],  "AWS_LAMBDA_RUNTIME_API", None);
        check(&[],                                 "PYTHONPATH", Some("/runtime"));
        check(&[("PYTHONPATH", "/task/lib")],      "PYTHONPATH", Some("/task/lib:/runtime"));
    }

    #[test]
    #[rustfmt::skip]
    fn each_runtime_finds_its_own_libraries_and_name() {
        for (runtime, name, value) in [
            ("python3.8",       "AWS_EXECUTION_ENV", Some("AWS_Lambda_python3.8")),
            ("nodejs22.x",      "AWS_EXECUTION_ENV", Some("AWS_Lambda_nodejs22.x")),
            ("nodejs22.x",      "NODE_PATH",         Some("/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/runtime/node_modules:/runtime:/task")),
            ("python3.8",       "NODE_PATH",         None),
            ("provided.al2",    "AWS_EXECUTION_ENV", None),
            ("provided.al2023", "AWS_EXECUTION_ENV", None),
            ("provided.al2023", "PYTHONPATH",        Some("/own")),
        ] {
            let user = [("AWS_EXECUTION_ENV", "own"), ("PYTHONPATH", "/own")];
            check_value(&environment_of(runtime, &user, None), name, value);
        }
    }

    /// The names are those that `awslambdaric` reads.
    #[test]
    #[rustfmt::skip]
    fn a_json_log_has_its_format_and_level_and_a_text_log_neither() {
        let own = [("AWS_LAMBDA_LOG_FORMAT", "own"), ("AWS_LAMBDA_LOG_LEVEL", "own")];
        for (user, level, format_want, level_want) in [
            (&[][..], None,          None,         None),
            (&own,    None,          Some("own"),  Some("own")),
            (&[],     Some("TRACE"), Some("JSON"), Some("TRACE")),
            (&own,    Some("FATAL"), Some("JSON"), Some("FATAL")),
        ] {
            let environment = environment(user, level);
            check_value(&environment, "AWS_LAMBDA_LOG_FORMAT", format_want);
            check_value(&environment, "AWS_LAMBDA_LOG_LEVEL", level_want);
        }
    }

    #[test]
    fn a_function_finds_its_credentials_where_sdks_look() {
        let credentials =
            Credentials { access_key_id: "ASIA", secret_access_key: "s", session_token: "t" };
        let want = [
            ("AWS_ACCESS_KEY_ID", "ASIA"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_SESSION_TOKEN", "t"),
        ];
        assert_eq!(credentials.environment(), want.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn everything_that_lambda_sets_is_there() {
        let mut names: Vec<_> = environment(&[], None).into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(
            names.join(" "),
            "AWS_DEFAULT_REGION AWS_EXECUTION_ENV \
             AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION \
             AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME \
             AWS_REGION AWS_XRAY_CONTEXT_MISSING \
             AWS_XRAY_DAEMON_ADDRESS LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT LANG LD_LIBRARY_PATH PATH \
             PWD PYTHONPATH TZ _HANDLER"
        );
    }
}
