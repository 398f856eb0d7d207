//! `--refresh`: derives `models/*.json` from the `botocore` package in PyPI.
//!
//! The derived files keep names, types, locations, constraints, bindings and error codes of what the
//! served operations need, and the list of all operations; documentation is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::model::{ErrorShape, Http, Member, Metadata, Model, Operation, Shape};
use super::overlay::Overlay;
use super::{CodegenError, overlay, read, write};

/// The one place that names the version of the models.
const BOTOCORE_VERSION: &str = "1.44.8";

/// The services that come from botocore, with the API version that its folders have.
const SOURCES: [(&str, &str); 4] = [
    ("lambda", "2015-03-31"),
    ("iam", "2010-05-08"),
    ("sts", "2011-06-15"),
    ("organizations", "2016-11-28"),
];

/// Unpacks the models of a downloaded package: package, target folder, then `SERVICE/VERSION`…
const UNPACK: &str = r#"
import gzip, pathlib, sys, zipfile
package, target, *services = sys.argv[1:]
target = pathlib.Path(target)
archive = zipfile.ZipFile(package)
for service in services:
    data = archive.read(f"botocore/data/{service}/service-2.json.gz")
    (target / f"{service.split('/')[0]}.json").write_bytes(gzip.decompress(data))
for name in archive.namelist():
    if name.endswith(("dist-info/LICENSE.txt", "dist-info/NOTICE")):
        (target / pathlib.PurePath(name).name).write_bytes(archive.read(name))
"#;

/// botocore's own form, as far as we read it.
#[derive(Deserialize)]
struct Source {
    metadata: Metadata,
    operations: BTreeMap<String, SourceOperation>,
    shapes: BTreeMap<String, SourceShape>,
}

#[derive(Deserialize)]
struct SourceOperation {
    http: Http,
    input: Option<Member>,
    output: Option<SourceOutput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceOutput {
    shape: String,
    result_wrapper: Option<String>,
}

#[derive(Deserialize)]
struct SourceShape {
    #[serde(flatten)]
    shape: Shape,
    #[serde(default)]
    exception: bool,
    error: Option<SourceError>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SourceError {
    code: Option<String>,
    http_status_code: Option<u16>,
}

/// Fetches the package and writes the stripped models with their licence.
pub(crate) fn refresh(root: &Path) -> Result<(), CodegenError> {
    let target = root.join("target").join(format!("botocore-{BOTOCORE_VERSION}"));
    fetch(&target)?;
    let models = root.join("models");
    for (service, version) in SOURCES {
        let path = target.join(service).with_extension("json");
        let source: Source = serde_json::from_str(&read(&path)?)
            .map_err(|error| CodegenError::Form { path, message: error.to_string() })?;
        let model = strip(service, version, source, &overlay::read(root, service)?)?;
        let mut text = serde_json::to_string_pretty(&model)
            .map_err(|error| CodegenError::Rule(error.to_string()))?;
        text.push('\n');
        write(&models.join(service).with_extension("json"), &text)?;
    }
    write(&models.join("LICENSE"), &read(&target.join("LICENSE.txt"))?)?;
    write(&models.join("NOTICE"), &notice(&read(&target.join("NOTICE"))?))
}

/// The NOTICE of the derived files: the original's, and what was changed.
fn notice(original: &str) -> String {
    format!(
        "{}\n\nThe files lambda.json, iam.json, sts.json and organizations.json in this folder are derived\n\
         from the service models of botocore {BOTOCORE_VERSION} (Apache License 2.0, see LICENSE), modified: documentation\n\
         removed; shapes kept only for the operations that this project serves. `cargo xtask codegen\n\
         --refresh` makes them.\n",
        original.trim_end()
    )
}

fn fetch(target: &Path) -> Result<(), CodegenError> {
    std::fs::create_dir_all(target)
        .map_err(|source| CodegenError::File { path: target.to_path_buf(), source })?;
    let requirement = format!("botocore=={BOTOCORE_VERSION}");
    let directory = target.to_string_lossy();
    python(&["-m", "pip", "download", &requirement, "--no-deps", "--quiet", "--dest", &directory])?;
    let package = wheel(target)?;
    let services = SOURCES.map(|(service, version)| format!("{service}/{version}"));
    let package = package.to_string_lossy();
    let mut arguments = vec!["-c", UNPACK, &package, &directory];
    arguments.extend(services.iter().map(String::as_str));
    python(&arguments)
}

fn wheel(target: &Path) -> Result<PathBuf, CodegenError> {
    let path = target.join(format!("botocore-{BOTOCORE_VERSION}-py3-none-any.whl"));
    let message = "pip downloaded no wheel of this name".to_owned();
    if path.exists() { Ok(path) } else { Err(CodegenError::Form { path, message }) }
}

fn python(arguments: &[&str]) -> Result<(), CodegenError> {
    let failed = |message| CodegenError::Program { program: "python3", message };
    let status = Command::new("python3").args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Keeps what the served operations need.
fn strip(
    service: &str,
    version: &str,
    mut source: Source,
    overlay: &Overlay,
) -> Result<Model, CodegenError> {
    let errors = errors(&source.shapes);
    let operations: BTreeMap<_, _> = std::mem::take(&mut source.operations)
        .into_iter()
        .map(|(name, operation)| {
            let served = overlay.served.contains(&name);
            (name, strip_operation(operation, served))
        })
        .collect();
    let roots = operations.values().flat_map(|row| [row.input.clone(), row.output.clone()]);
    let shapes = reachable(roots.flatten().collect(), source.shapes)?;
    let origin = format!("botocore {BOTOCORE_VERSION}, botocore/data/{service}/{version}");
    let mut metadata = source.metadata;
    metadata.signing_name.get_or_insert_with(|| service.to_owned());
    let source = format!("{origin}/service-2.json.gz; modified: documentation removed");
    Ok(Model { source, metadata, operations, shapes, errors })
}

fn strip_operation(source: SourceOperation, served: bool) -> Operation {
    let (output, wrapper) = source.output.map_or((None, None), |output| {
        let wrapper = output.result_wrapper;
        (Some(output.shape), wrapper)
    });
    Operation {
        http: source.http,
        input: source.input.map(|input| input.shape).filter(|_| served),
        output: output.filter(|_| served),
        result_wrapper: wrapper.filter(|_| served),
        authorization: None,
        served,
        cross_account: false,
    }
}

fn errors(shapes: &BTreeMap<String, SourceShape>) -> BTreeMap<String, ErrorShape> {
    let exceptions = shapes.iter().filter(|(_, shape)| shape.exception);
    exceptions.map(|(name, shape)| (name.clone(), error(name, shape))).collect()
}

fn error(name: &str, shape: &SourceShape) -> ErrorShape {
    let error = shape.error.as_ref();
    let key = shape.shape.members.keys().find(|name| name.eq_ignore_ascii_case("message"));
    ErrorShape {
        code: error.and_then(|error| error.code.clone()).unwrap_or_else(|| name.to_owned()),
        status: error.and_then(|error| error.http_status_code).unwrap_or(400),
        message_key: key.map_or("message", String::as_str).to_owned(),
    }
}

/// The shapes that `roots` lead to.
fn reachable(
    mut roots: Vec<String>,
    mut shapes: BTreeMap<String, SourceShape>,
) -> Result<BTreeMap<String, Shape>, CodegenError> {
    let mut kept = BTreeMap::new();
    let mut seen = BTreeSet::new();
    while let Some(name) = roots.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let absent = || CodegenError::Rule(format!("botocore names no shape {name}"));
        let shape = shapes.remove(&name).ok_or_else(absent)?.shape;
        roots.extend(shape.references().map(str::to_owned));
        kept.insert(name, shape);
    }
    Ok(kept)
}
