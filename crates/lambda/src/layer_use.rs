//! The layers of a function: those that are asked for, and what they are once they are found.

use crate::{
    CodePackage, InvalidParameter, InvalidValue, LambdaError, LayerVersionArn, Region,
    UNZIPPED_BYTES_MAX,
};

/// Most layers of a function (`[snap] aws-lambda.md §3.5`).
pub const LAYERS_MAX: usize = 5;

/// The layers that a request asks for, in order. They need not exist.
///
/// Invariant: at most [`LAYERS_MAX`], of the function's region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLayers(Vec<LayerVersionArn>);

impl WantedLayers {
    /// Reads the ARNs of a request.
    ///
    /// # Errors
    /// [`InvalidParameter::TooManyLayers`], [`InvalidParameter::LayersElsewhere`]; and
    /// [`InvalidParameter::LayerMissing`] for an ARN that no layer has here, such as AWS's own.
    pub fn new(arns: &[String], region: &Region) -> Result<Self, LambdaError> {
        if arns.len() > LAYERS_MAX {
            return Err(InvalidParameter::TooManyLayers.into());
        }
        let read = |text: &String| {
            let missing = |_| InvalidParameter::LayerMissing(text.as_str().into());
            let arn: LayerVersionArn = text.parse().map_err(missing)?;
            match arn.layer().region() == region {
                true => Ok(arn),
                false => Err(InvalidParameter::LayersElsewhere(region.clone())),
            }
        };
        Ok(Self(arns.iter().map(read).collect::<Result<_, InvalidParameter>>()?))
    }

    /// The layers, in the order asked for.
    pub fn iter(&self) -> impl Iterator<Item = &LayerVersionArn> {
        self.0.iter()
    }

    /// What the layers are, by what `find` knows of each.
    ///
    /// # Errors
    /// [`InvalidParameter::LayerMissing`], [`InvalidParameter::TwoVersionsOfLayer`].
    pub fn found(
        &self,
        find: impl Fn(&LayerVersionArn) -> Option<CodePackage>,
    ) -> Result<Layers, InvalidParameter> {
        let mut found: Vec<UsedLayer> = Vec::with_capacity(self.0.len());
        for arn in &self.0 {
            let missing = || InvalidParameter::LayerMissing(arn.as_str().into());
            let content = find(arn).ok_or_else(missing)?;
            if let Some(other) = found.iter().find(|other| other.arn.layer() == arn.layer()) {
                let (first, second) = (other.arn.as_str().into(), arn.as_str().into());
                return Err(InvalidParameter::TwoVersionsOfLayer { first, second });
            }
            found.push(UsedLayer { arn: arn.clone(), content });
        }
        Ok(Layers(found))
    }
}

/// A layer version as a function uses it: so that it goes on when the version is deleted
/// (`[snap] aws-lambda.md §3.4`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedLayer {
    /// Its name.
    pub arn: LayerVersionArn,
    /// Its files.
    pub content: CodePackage,
}

/// The layers of a function, the lowest first: what a later one has lies over what an earlier has.
///
/// Invariant: at most [`LAYERS_MAX`], of different layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers(Vec<UsedLayer>);

impl Layers {
    /// The layers as they were stored.
    ///
    /// # Errors
    /// [`InvalidValue`] when the invariant does not hold.
    pub fn restore(layers: Vec<UsedLayer>) -> Result<Self, InvalidValue> {
        let mut names: Vec<_> = layers.iter().map(|used| used.arn.layer()).collect();
        names.sort_unstable();
        let unique = names.windows(2).all(|pair| !matches!(pair, [a, b] if a == b));
        if unique && layers.len() <= LAYERS_MAX {
            return Ok(Self(layers));
        }
        Err(InvalidValue::new("list of layers", "", "at most 5, of different layers"))
    }

    /// The layers, the lowest first.
    #[must_use]
    pub fn as_slice(&self) -> &[UsedLayer] {
        &self.0
    }

    /// Whether `code` and the layers together are small enough to be unpacked. Code without layers
    /// was measured when it came.
    ///
    /// # Errors
    /// [`InvalidParameter::CodeAndLayersTooLarge`]
    pub(crate) fn check_size(&self, code: CodePackage) -> Result<(), InvalidParameter> {
        let sizes = self.0.iter().map(|used| used.content.unzipped_bytes);
        let bytes = sizes.fold(code.unzipped_bytes, u64::saturating_add);
        match self.0.is_empty() || bytes <= UNZIPPED_BYTES_MAX {
            true => Ok(()),
            false => Err(InvalidParameter::CodeAndLayersTooLarge { bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(name: &str) -> String {
        format!("arn:aws:lambda:us-east-1:123456789012:layer:{name}")
    }

    fn package(unzipped_bytes: u64) -> CodePackage {
        CodePackage::of(b"", unzipped_bytes)
    }

    /// What becomes of these ARNs where `l` and `m` have a version 1 and `l` a version 2.
    fn found(arns: &[String]) -> Result<Layers, LambdaError> {
        let there = [arn("l:1"), arn("l:2"), arn("m:1")];
        let wanted = WantedLayers::new(arns, &"us-east-1".parse().unwrap())?;
        let find = |arn: &LayerVersionArn| there.contains(&arn.to_string()).then(|| package(1));
        Ok(wanted.found(find)?)
    }

    #[track_caller]
    fn check(arns: &[&str], want: Result<(), &str>) {
        let arns: Vec<_> = arns.iter().map(ToString::to_string).collect();
        let got = found(&arns).map(|layers| {
            let used: Vec<_> = layers.as_slice().iter().map(|used| used.arn.to_string()).collect();
            assert_eq!(used, arns);
        });
        assert_eq!(got.map_err(|error| error.to_string()), want.map_err(str::to_owned), "{arns:?}");
    }

    #[test]
    fn the_layers_of_a_function_are_few_different_here_and_there() {
        let (l1, l2, m1) = (arn("l:1"), arn("l:2"), arn("m:1"));
        check(&[], Ok(()));
        check(&[&m1, &l2], Ok(()));
        check(&[l1.as_str(); 6], Err("Cannot reference more than 5 layers."));
        let elsewhere = l1.replace("us-east-1", "eu-west-3");
        let region = "Layers are not in the same region as the function. Layers are expected to be in \
                      region us-east-1.";
        check(&[&elsewhere], Err(region));
        let two = format!(
            "Two different versions of the same layer are not allowed to be referenced in the same \
             function. {l2} and {l1} are versions of the same layer."
        );
        check(&[&l2, &m1, &l1], Err(&two));
        for missing in [arn("l:3"), arn("n:1"), "arn:aws:lambda:::awslayer:AmazonLinux1803".into()]
        {
            check(&[&missing], Err(&format!("Layer version {missing} does not exist.")));
        }
    }

    #[track_caller]
    fn check_size(code: u64, layers: &[u64], want: Option<&str>) {
        let used = layers.iter().enumerate().map(|(number, bytes)| UsedLayer {
            arn: arn(&format!("l{number}:1")).parse().unwrap(),
            content: package(*bytes),
        });
        let layers = Layers::restore(used.collect()).unwrap();
        let got = layers.check_size(package(code)).err().map(|error| error.to_string());
        assert_eq!(got.as_deref(), want);
    }

    #[test]
    fn code_and_layers_share_one_limit() {
        check_size(1, &[262_143_998, 1], None);
        check_size(u64::MAX, &[], None);
        let large = "Function code combined with layers exceeds the maximum allowed size of 262144000 \
                     bytes. The actual size is 262144001 bytes.";
        check_size(1, &[262_143_999, 1], Some(large));
    }

    #[test]
    fn only_few_and_different_layers_are_restored() {
        let used =
            |name: String| UsedLayer { arn: arn(&name).parse().unwrap(), content: package(1) };
        let many = |count| (0..count).map(|number| used(format!("l{number}:1"))).collect();
        assert!(Layers::restore(many(5)).is_ok());
        assert!(Layers::restore(many(6)).is_err());
        assert!(Layers::restore(vec![used("l:1".into()), used("l:2".into())]).is_err());
    }
}
