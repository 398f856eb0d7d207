//! Layers and their versions as they are stored.

use std::borrow::Cow;

use portcullis_lambda::{
    CodePackage, CompatibleRuntime, Layer, LayerInput, LayerNotes, LayerVersion, Layers, UsedLayer,
};
use serde::{Deserialize, Serialize};

use super::{
    Document, DocumentError, decode_json, encode_json,
    lambda::{invalid, read, read_version},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLayer<'a> {
    arn: Cow<'a, str>,
    next_version: u64,
}

impl Document for Layer {
    fn encode(&self) -> Vec<u8> {
        let next_version = self.next_version.get();
        encode_json(&StoredLayer { arn: self.arn.as_str().into(), next_version })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredLayer<'_> = decode_json(bytes)?;
        let next_version = read_version(stored.next_version)?;
        Ok(Self { arn: read("arn", &stored.arn)?, next_version })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLayerVersion<'a> {
    arn: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    description: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    license: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    runtimes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    architectures: Vec<String>,
    code_sha256: Cow<'a, str>,
    code_size: u64,
    unzipped_bytes: u64,
    created: Cow<'a, str>,
}

impl Document for LayerVersion {
    fn encode(&self) -> Vec<u8> {
        let Self { arn, notes, content, created } = self;
        let runtimes = notes.runtimes().iter().map(CompatibleRuntime::to_string);
        let architectures = notes.architectures().iter().map(|one| one.as_str().to_owned());
        encode_json(&StoredLayerVersion {
            arn: arn.as_str().into(),
            description: notes.description().into(),
            license: notes.license().map(Into::into),
            runtimes: runtimes.collect(),
            architectures: architectures.collect(),
            code_sha256: content.sha256.to_string().into(),
            code_size: content.size,
            unzipped_bytes: content.unzipped_bytes,
            created: created.to_string().into(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let stored: StoredLayerVersion<'_> = decode_json(bytes)?;
        let content = CodePackage {
            sha256: read("code digest", &stored.code_sha256)?,
            size: stored.code_size,
            unzipped_bytes: stored.unzipped_bytes,
        };
        let arn = read("arn", &stored.arn)?;
        let created = read("time of creation", &stored.created)?;
        let input = LayerInput {
            description: Some(stored.description.into()),
            license_info: stored.license.map(Into::into),
            compatible_runtimes: stored.runtimes,
            compatible_architectures: stored.architectures,
        };
        let notes = LayerNotes::try_from(&input).map_err(|error| invalid("layer", &error))?;
        Ok(Self { arn, notes, content, created })
    }
}

/// A layer version as a function uses it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredUsedLayer<'a> {
    arn: Cow<'a, str>,
    code_sha256: Cow<'a, str>,
    code_size: u64,
    unzipped_bytes: u64,
}

/// The layers of a function, the lowest first.
pub(super) fn store_layers(layers: &Layers) -> Vec<StoredUsedLayer<'_>> {
    let store = |UsedLayer { arn, content }: &UsedLayer| StoredUsedLayer {
        arn: arn.to_string().into(),
        code_sha256: content.sha256.to_string().into(),
        code_size: content.size,
        unzipped_bytes: content.unzipped_bytes,
    };
    layers.as_slice().iter().map(store).collect()
}

/// What [`store_layers`] stored.
pub(super) fn read_layers(stored: Vec<StoredUsedLayer<'_>>) -> Result<Layers, DocumentError> {
    let read_one = |one: StoredUsedLayer<'_>| {
        let content = CodePackage {
            sha256: read("code digest", &one.code_sha256)?,
            size: one.code_size,
            unzipped_bytes: one.unzipped_bytes,
        };
        Ok(UsedLayer { arn: read("arn", &one.arn)?, content })
    };
    let layers = stored.into_iter().map(read_one).collect::<Result<_, DocumentError>>()?;
    Layers::restore(layers).map_err(|error| invalid("layers", &error))
}

#[cfg(test)]
mod tests {
    use portcullis_lambda::CodeSha256;

    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:layer:l";

    fn published(input: &LayerInput) -> (Layer, LayerVersion) {
        let sha256 = CodeSha256::new([7; 32]);
        let content = CodePackage { sha256, size: 42, unzipped_bytes: 99 };
        let notes = LayerNotes::try_from(input).unwrap();
        let created = "2026-01-02T03:04:05.000000006Z".parse().unwrap();
        Layer::new(ARN.parse().unwrap()).publish(notes, content, created)
    }

    fn rich() -> LayerInput {
        LayerInput {
            description: Some("d".into()),
            license_info: Some("MIT".into()),
            compatible_runtimes: vec!["python3.13".into(), "go1.x".into()],
            compatible_architectures: vec!["arm64".into()],
        }
    }

    /// If this fails, data on disks can no longer be read: give the new form another format number
    /// and keep reading the old one.
    #[track_caller]
    fn check_golden<T: Document + PartialEq + std::fmt::Debug>(value: &T, json: &str) {
        let bytes = value.encode();
        assert_eq!(String::from_utf8_lossy(&bytes), format!("\u{1}{json}"));
        assert_eq!(&T::decode(&bytes).unwrap(), value);
    }

    #[test]
    fn the_stored_form_of_a_layer_is_fixed() {
        let (layer, version) = published(&rich());
        check_golden(&layer, &format!(r#"{{"arn":"{ARN}","next_version":2}}"#));
        let common = r#""code_sha256":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","code_size":42,"unzipped_bytes":99,"created":"2026-01-02T03:04:05.000000006Z"}"#;
        check_golden(
            &version,
            &format!(
                r#"{{"arn":"{ARN}:1","description":"d","license":"MIT","runtimes":["python3.13","go1.x"],"architectures":["arm64"],{common}"#
            ),
        );
        let (_, bare) = published(&LayerInput::default());
        check_golden(&bare, &format!(r#"{{"arn":"{ARN}:1",{common}"#));
    }

    #[test]
    fn the_stored_form_of_the_layers_of_a_function_is_fixed() {
        let used = |name: &str| {
            let sha256 = CodeSha256::new([7; 32]);
            let content = CodePackage { sha256, size: 42, unzipped_bytes: 99 };
            UsedLayer { arn: format!("{ARN}{name}:1").parse().unwrap(), content }
        };
        let layers = Layers::restore(vec![used("b"), used("a")]).unwrap();
        let json = serde_json::to_string(&store_layers(&layers)).unwrap();
        let one = |name| {
            format!(
                r#"{{"arn":"{ARN}{name}:1","code_sha256":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","code_size":42,"unzipped_bytes":99}}"#
            )
        };
        assert_eq!(json, format!("[{},{}]", one("b"), one("a")));
        assert_eq!(read_layers(serde_json::from_str(&json).unwrap()).unwrap(), layers);
        let twice = json.replace("layer:lb", "layer:la");
        assert!(read_layers(serde_json::from_str(&twice).unwrap()).is_err());
    }

    #[test]
    fn damage_is_not_read_as_something_else() {
        let (layer, version) = published(&rich());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (layer, version) = (text(layer.encode()), text(version.encode()));
        for (from, to) in [("\":2}", "\":0}"), ("layer:l", "layer:l:1")] {
            assert!(Layer::decode(layer.replace(from, to).as_bytes()).is_err(), "{from} {to}");
        }
        for (from, to) in [
            (":1\"", ":0\""),
            ("layer:l:1", "layer:l"),
            ("arm64", "arm65"),
            ("python3.13", "Python"),
            ("BwcH", ""),
            ("\"d\"", &format!("\"{}\"", "d".repeat(257))),
            ("MIT", &"M".repeat(513)),
            ("created", "create"),
        ] {
            assert!(LayerVersion::decode(version.replace(from, to).as_bytes()).is_err(), "{from}");
        }
    }
}
