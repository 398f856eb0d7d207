//! JSON as it was written: what `serde_json` reads is cut and nothing else, and put together again
//! from its layers it is the same value; without white space it still is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_json::{Json, Layer, Tree, compact};
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    let known: Result<&RawValue, _> = serde_json::from_str(text);
    let tree = Tree::parse(text);
    assert_eq!(tree.is_ok(), known.is_ok(), "{known:?}");
    let (Ok(tree), Ok(known)) = (tree, known) else { return };
    assert_eq!(tree.root().text(), known.get());
    // Deep nesting is for `Tree` only; keys that are repeated are not for `Value`.
    let value = serde_json::from_str::<Value>(text);
    let (Ok(value), Some(rebuilt)) = (value, rebuilt(tree.root(), 100)) else {
        return;
    };
    assert_eq!(rebuilt, value);
    let compact = compact(text);
    assert_eq!(serde_json::from_str::<Value>(&compact).expect("it is JSON"), value);
    assert!(compact.len() <= text.len());
});

/// The value, read layer by layer; `None` for one that has repeated keys, or is nested too deep.
fn rebuilt(json: Json<'_, '_>, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    Some(match json.layer().ok()? {
        Layer::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| Some((key.into_owned(), rebuilt(value, depth)?)))
                .collect::<Option<_>>()?,
        ),
        Layer::Array(items) => items.map(|item| rebuilt(item, depth)).collect::<Option<_>>()?,
        Layer::String(text) => Value::String(text.into_owned()),
        Layer::Scalar(text) => serde_json::from_str(text).ok()?,
        Layer::Null => Value::Null,
    })
}
