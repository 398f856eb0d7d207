//! The shape table.

use std::fmt::Write as _;

use serde_json::Number;

use super::CodegenError;
use super::emit::shape_imports;
use super::model::{Member, Merged, Shape};
use super::names::constant;
use super::pattern;

/// One static a shape, one a pattern.
pub(crate) fn shapes(merged: &Merged) -> Result<String, CodegenError> {
    let mut body = String::new();
    for (name, shape) in &merged.model.shapes {
        let expression = expression(merged, name, shape)?;
        let sensitive = if shape.sensitive { ".sensitive()" } else { "" };
        let _ = writeln!(
            body,
            "pub(super) static {}: Shape = {expression}{sensitive};",
            constant(name)
        );
        if let Some(text) = &shape.pattern {
            body.push_str(&pattern_static(&merged.service, name, text)?);
        }
    }
    let words = ["Bounds", "Location", "Member", "Pattern", "Shape", "Text"];
    let imports = shape_imports(&words, &body);
    Ok(format!("/// The shape table.\nmod shapes {{\n{imports}{body}}}\n"))
}

fn pattern_static(service: &str, name: &str, text: &str) -> Result<String, CodegenError> {
    let translation = pattern::translate(text)
        .map_err(|why| CodegenError::Rule(format!("{service}: pattern of {name}: {why}")))?;
    Ok(format!(
        "static {}_PATTERN: Pattern = Pattern::new({}, {}, {});\n",
        constant(name),
        raw(text),
        raw(&translation.text),
        translation.look_around
    ))
}

/// A raw string literal.
fn raw(text: &str) -> String {
    format!("r#\"{text}\"#").replace("r#\"\"#", "\"\"")
}

fn expression(merged: &Merged, name: &str, shape: &Shape) -> Result<String, CodegenError> {
    let inner = |member: &Option<Member>| {
        let absent = || CodegenError::Rule(format!("{}: {name} lacks its parts", merged.service));
        member.as_ref().map(|member| constant(&member.shape)).ok_or_else(absent)
    };
    let bounds = bounds(shape, |number| number.to_string());
    let flattened = shape.flattened;
    Ok(match shape.kind.as_str() {
        "structure" => format!("Shape::structure({name:?}, &[{}])", members(shape)),
        "list" => {
            let element = inner(&shape.member)?;
            format!("Shape::list({name:?}, &{element}, {bounds}, {flattened})")
        }
        "map" => {
            let (key, value) = (inner(&shape.key)?, inner(&shape.value)?);
            format!("Shape::map({name:?}, &{key}, &{value}, {bounds})")
        }
        "string" => format!("Shape::string({name:?}, {})", text(name, shape)),
        "integer" => format!("Shape::integer({name:?}, {bounds})"),
        "long" => format!("Shape::long({name:?}, {bounds})"),
        "double" | "float" => {
            let bounds = self::bounds(shape, float);
            format!("Shape::double({name:?}, {bounds})")
        }
        "boolean" => format!("Shape::boolean({name:?})"),
        "blob" => format!("Shape::blob({name:?}, {bounds})"),
        "timestamp" => format!("Shape::timestamp({name:?})"),
        kind => return Err(CodegenError::Rule(format!("{name}: unknown type {kind}"))),
    })
}

fn float(number: &Number) -> String {
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn option(number: Option<&Number>, print: impl Fn(&Number) -> String) -> String {
    number.map_or_else(|| "None".to_owned(), |number| format!("Some({})", print(number)))
}

fn bounds(shape: &Shape, print: impl Fn(&Number) -> String) -> String {
    let (min, max) = (option(shape.min.as_ref(), &print), option(shape.max.as_ref(), &print));
    format!("Bounds {{ min: {min}, max: {max} }}")
}

fn text(name: &str, shape: &Shape) -> String {
    let mut out = String::from("Text::ANY");
    if shape.min.is_some() || shape.max.is_some() {
        let print = |number: Option<&Number>| option(number, ToString::to_string);
        let _ =
            write!(out, ".length({}, {})", print(shape.min.as_ref()), print(shape.max.as_ref()));
    }
    if shape.pattern.is_some() {
        let _ = write!(out, ".pattern(&{}_PATTERN)", constant(name));
    }
    if !shape.choices.is_empty() {
        let _ = write!(out, ".choices(&{:?})", shape.choices);
    }
    if shape.pattern_hides_length {
        out.push_str(".pattern_hides_length()");
    }
    out
}

fn members(shape: &Shape) -> String {
    shape.members.iter().map(|(name, member)| member_row(shape, name, member)).collect()
}

fn member_row(shape: &Shape, name: &str, member: &Member) -> String {
    let mut out = format!("Member::body({name:?}, &{})", constant(&member.shape));
    if let Some(location) = location(shape, name, member) {
        let wire = member.location_name.as_deref().unwrap_or(name);
        let _ = write!(out, ".at(Location::{location}, {wire:?})");
    }
    if shape.required.iter().any(|required| required == name) {
        out.push_str(".required()");
    }
    out.push(',');
    out
}

/// The `Location` variant of a member that is not in the body.
pub(crate) fn location(shape: &Shape, name: &str, member: &Member) -> Option<&'static str> {
    match member.location.as_deref() {
        Some("uri") => Some("Label"),
        Some("querystring") => Some("Query"),
        Some("header") => Some("Header"),
        Some("statusCode") => Some("StatusCode"),
        _ if shape.payload.as_deref() == Some(name) => Some("Payload"),
        _ => member.location_name.is_some().then_some("Body"),
    }
}
