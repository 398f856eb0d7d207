//! The typed structs and enums, and the operations' marker types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::CodegenError;
use super::model::{Member, Merged, Shape};
use super::names::{constant, field, is_pascal_of_field, variant};
use super::shapes::location;

/// Rust type names by shape name.
type Names = BTreeMap<String, String>;

/// The `operation` module: one marker type for each served operation.
pub(crate) fn operations(merged: &Merged, names: &Names) -> String {
    let mut out = String::from(
        "/// The served operations as types.\npub mod operation {\n\
         use super::{rows, types};\nuse crate::operation::Operation;\nuse crate::shape::OperationModel;\n",
    );
    for (name, operation) in merged.served() {
        let of = |shape: &Option<String>| {
            let name = shape.as_ref().and_then(|shape| names.get(shape));
            name.map_or_else(|| "()".to_owned(), |name| format!("types::{name}"))
        };
        let (input, output) = (of(&operation.input), of(&operation.output));
        let row = constant(name);
        let _ = write!(
            out,
            "/// `{name}`.\n#[derive(Clone, Copy, Debug)]\npub struct {name};\n\
             impl Operation for {name} {{ const MODEL: &'static OperationModel = &rows::{row}; \
             type Input = {input}; type Output = {output}; }}\n"
        );
    }
    out.push_str("}\n\n");
    out
}

/// The `types` module: one struct a structure, one enum a closed enum.
pub(crate) fn types(merged: &Merged, names: &Names) -> Result<String, CodegenError> {
    let reach = Reach::of(merged)?;
    let mut body = String::new();
    for (shape_name, shape) in &merged.model.shapes {
        let writer = Writer { merged, names, reach: &reach, shape_name, shape };
        if shape.kind == "structure" {
            body.push_str(&writer.structure()?);
        } else if !shape.choices.is_empty() {
            body.push_str(&writer.enumeration()?);
        }
    }
    let uses = uses(&body);
    Ok(format!(
        "/// The typed inputs, outputs and their parts.\npub mod types {{\n{uses}\n{body}}}\n\n"
    ))
}

/// The imports that `body` needs.
fn uses(body: &str) -> String {
    let rows = [
        ("BTreeMap", "use std::collections::BTreeMap;"),
        ("fmt", "use std::fmt;"),
        ("Blob", "use crate::value::Blob;"),
        ("EpochSeconds", "use crate::value::EpochSeconds;"),
        ("Timestamp", "use crate::value::Timestamp;"),
    ];
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words: BTreeSet<&str> = body.split(|c| !is_part(c)).collect();
    let needed = rows.iter().filter(|(word, _)| words.contains(word)).map(|(_, line)| *line);
    let serde = ["Deserialize", "Serialize"].into_iter().filter(|name| words.contains(name));
    let serde = serde.collect::<Vec<_>>().join(", ");
    let lines: Vec<&str> = needed.collect();
    format!("{}\nuse serde::{{{serde}}};\n", lines.join("\n"))
}

/// Which shapes inputs and outputs lead to.
struct Reach {
    inputs: BTreeSet<String>,
    outputs: BTreeSet<String>,
}

impl Reach {
    fn of(merged: &Merged) -> Result<Self, CodegenError> {
        let inputs = merged.served().filter_map(|(_, row)| row.input.clone()).collect();
        let outputs = merged.served().filter_map(|(_, row)| row.output.clone()).collect();
        Ok(Self { inputs: closure(merged, inputs)?, outputs: closure(merged, outputs)? })
    }
}

fn closure(merged: &Merged, mut roots: Vec<String>) -> Result<BTreeSet<String>, CodegenError> {
    let mut seen = BTreeSet::new();
    while let Some(name) = roots.pop() {
        if seen.insert(name.clone()) {
            roots.extend(merged.shape(&name)?.references().map(str::to_owned));
        }
    }
    Ok(seen)
}

/// Writes the type of one shape.
struct Writer<'a> {
    merged: &'a Merged,
    names: &'a Names,
    reach: &'a Reach,
    shape_name: &'a str,
    shape: &'a Shape,
}

impl Writer<'_> {
    fn name(&self) -> Result<&str, CodegenError> {
        name_of(self.names, self.shape_name)
    }

    /// The serde derives that the uses of this shape need.
    fn serde(&self) -> Vec<&'static str> {
        let mut derives = Vec::new();
        if self.reach.inputs.contains(self.shape_name) {
            derives.push("Deserialize");
        }
        if self.reach.outputs.contains(self.shape_name) {
            derives.push("Serialize");
        }
        derives
    }

    /// The members that the struct has: a payload travels apart.
    fn members(&self) -> impl Iterator<Item = (&String, &Member)> {
        let members = self.shape.members.iter();
        members.filter(|(name, _)| self.shape.payload.as_deref() != Some(name.as_str()))
    }

    fn structure(&self) -> Result<String, CodegenError> {
        let name = self.name()?;
        let secret = self.secret_members()?;
        let mut derives = vec!["Clone", "PartialEq"];
        if secret.is_empty() {
            derives.push("Debug");
        }
        if has_default(self.merged, self.shape)? {
            derives.push("Default");
        }
        derives.extend(self.serde());
        let mut out = format!(
            "/// `{}` of the model.\n#[derive({})]\n#[serde(rename_all = \"PascalCase\")]\npub struct {name} {{\n",
            self.shape_name,
            derives.join(", ")
        );
        for (member_name, member) in self.members() {
            out.push_str(&self.field(member_name, member)?);
        }
        out.push_str("}\n");
        if !secret.is_empty() {
            out.push_str(&self.debug(name, &secret));
        }
        Ok(out)
    }

    fn field(&self, name: &str, member: &Member) -> Result<String, CodegenError> {
        let required = self.shape.required.iter().any(|required| required == name);
        let rust = rust_type(self.merged, self.names, &member.shape)?;
        let rust = if required { rust } else { format!("Option<{rust}>") };
        let mut attributes = Vec::new();
        if !is_pascal_of_field(name) {
            attributes.push(format!("rename = {name:?}"));
        }
        if self.serde().contains(&"Serialize") {
            if location(self.shape, name, member).is_some_and(|place| place != "Body") {
                attributes.push("skip_serializing".to_owned());
            } else if !required {
                attributes.push("skip_serializing_if = \"Option::is_none\"".to_owned());
            }
        }
        let attributes = attributes.join(", ");
        let line =
            if attributes.is_empty() { attributes } else { format!("#[serde({attributes})]\n") };
        Ok(format!("{line}pub {}: {rust},\n", field(name)))
    }

    /// The members whose values must not be printed.
    fn secret_members(&self) -> Result<BTreeSet<&str>, CodegenError> {
        let mut secret = BTreeSet::new();
        for (name, member) in self.members() {
            let shape = self.merged.shape(&member.shape)?;
            // A blob's own `Debug` prints its length only.
            if shape.sensitive && shape.kind != "blob" {
                secret.insert(name.as_str());
            }
        }
        Ok(secret)
    }

    fn debug(&self, name: &str, secret: &BTreeSet<&str>) -> String {
        let fields = self.members().map(|(member, _)| {
            let field = field(member);
            if secret.contains(member.as_str()) {
                format!(".field({field:?}, &\"[redacted]\")")
            } else {
                format!(".field({field:?}, &self.{field})")
            }
        });
        format!(
            "impl fmt::Debug for {name} {{ fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{ \
             f.debug_struct({name:?}){}.finish() }} }}\n",
            fields.collect::<String>()
        )
    }

    fn enumeration(&self) -> Result<String, CodegenError> {
        let name = self.name()?;
        let mut derives = vec!["Clone", "Copy", "Debug", "PartialEq", "Eq", "Hash"];
        derives.extend(self.serde());
        let mut variants = String::new();
        let mut arms = String::new();
        for value in &self.shape.choices {
            let variant = variant(value);
            if variant != *value {
                let _ = writeln!(variants, "#[serde(rename = {value:?})]");
            }
            let _ = writeln!(variants, "{variant},");
            let _ = writeln!(arms, "Self::{variant} => {value:?},");
        }
        Ok(format!(
            "/// `{}` of the model.\n#[derive({})]\npub enum {name} {{\n{variants}}}\n\
             impl {name} {{\n/// The value on the wire.\n#[must_use]\n\
             pub const fn as_str(self) -> &'static str {{ match self {{ {arms} }} }} }}\n",
            self.shape_name,
            derives.join(", ")
        ))
    }
}

fn name_of<'a>(names: &'a Names, shape: &str) -> Result<&'a str, CodegenError> {
    let absent = || CodegenError::Rule(format!("no type for shape {shape}"));
    names.get(shape).map(String::as_str).ok_or_else(absent)
}

fn rust_type(merged: &Merged, names: &Names, name: &str) -> Result<String, CodegenError> {
    let shape = merged.shape(name)?;
    let inner = |member: &Option<Member>| {
        let member = member.as_ref().map_or("", |member| &member.shape);
        rust_type(merged, names, member)
    };
    Ok(match shape.kind.as_str() {
        "list" => format!("Vec<{}>", inner(&shape.member)?),
        "map" => format!("BTreeMap<String, {}>", inner(&shape.value)?),
        "string" if shape.choices.is_empty() => "String".to_owned(),
        "integer" => "i32".to_owned(),
        "long" => "i64".to_owned(),
        "double" | "float" => "f64".to_owned(),
        "boolean" => "bool".to_owned(),
        "blob" => "Blob".to_owned(),
        "timestamp" => timestamp_type(merged, shape).to_owned(),
        _ => name_of(names, name)?.to_owned(),
    })
}

/// A moment in the form that the shape asks for, or else the protocol's own.
fn timestamp_type(merged: &Merged, shape: &Shape) -> &'static str {
    let is_json = merged.model.metadata.protocol.ends_with("json");
    match shape.timestamp_format.as_deref() {
        None if is_json => "EpochSeconds",
        _ => "Timestamp",
    }
}

/// Whether `Default` can be derived: no required member is an enum, at any depth.
fn has_default(merged: &Merged, shape: &Shape) -> Result<bool, CodegenError> {
    for name in &shape.required {
        let Some(member) = shape.members.get(name) else { continue };
        let inner = merged.shape(&member.shape)?;
        let is_enum = inner.kind == "string" && !inner.choices.is_empty();
        if is_enum || (inner.kind == "structure" && !has_default(merged, inner)?) {
            return Ok(false);
        }
    }
    Ok(true)
}
