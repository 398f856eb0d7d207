//! The keys that an issuer signs its tokens with, as a JSON Web Key Set, and proofs with them.
//! Source: RFC 7517, RFC 7518 §3 and §6.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;

use crate::error::InvalidValue;

/// How a token is signed. There is no "none" here, and nothing that a shared secret proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Es256,
    Es384,
}

impl Algorithm {
    /// The algorithm of a token's `alg`; `None` for one that no token may have.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            _ => return None,
        })
    }
}

/// A public key of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PublicKey {
    id: Option<Box<str>>,
    /// What it may be used with, where the set says so.
    algorithm: Option<Box<str>>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    /// Modulus and exponent.
    Rsa(Vec<u8>, Vec<u8>),
    /// Uncompressed points.
    P256(Vec<u8>),
    P384(Vec<u8>),
}

impl PublicKey {
    /// Whether the signature is this key's. The key decides which algorithms it can have, so that
    /// no token chooses how it is looked at.
    fn proves(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if self.algorithm.as_deref().is_some_and(|own| Algorithm::of(own) != Some(algorithm)) {
            return false;
        }
        let proof = match (&self.material, algorithm) {
            (Material::Rsa(n, e), Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512) => {
                let parameters = match algorithm {
                    Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
                    _ => &RSA_PKCS1_2048_8192_SHA256,
                };
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (Material::P256(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Material::P384(point), Algorithm::Es384) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
            }
            _ => return false,
        };
        proof.is_ok()
    }
}

/// What a proof with a key set came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A key of the set signed it.
    Good,
    /// The key that is meant did not.
    Bad,
    /// The set has no such key: it may be an old one.
    UnknownKey,
}

/// The public keys of one issuer. Keys of other kinds than are served here, and keys that are not for
/// signatures, are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// Reads a JSON Web Key Set.
    ///
    /// # Errors
    /// [`InvalidValue`] for what is no key set, or has no key that can prove a token.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidValue> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(text)
            .map_err(|error| InvalidValue::new(format!("It is no JSON Web Key Set: {error}.")))?;
        let keys: Vec<_> = set.keys.into_iter().filter_map(read_key).collect();
        if keys.is_empty() {
            let text = "The key set has no RSA or P-256 or P-384 key for signatures.";
            return Err(InvalidValue::new(text));
        }
        Ok(Self(keys))
    }

    /// Whether `message` is signed by the key `id`, or by any key where a token does not say.
    pub(crate) fn prove(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Proof {
        let meant = |key: &&PublicKey| id.is_none() || key.id.as_deref() == id;
        let mut meant = self.0.iter().filter(meant).peekable();
        if meant.peek().is_none() {
            return Proof::UnknownKey;
        }
        let proven = meant.any(|key| key.proves(algorithm, message, signature));
        if proven { Proof::Good } else { Proof::Bad }
    }
}

/// One key of a set; `None` for one that proves nothing here.
fn read_key(value: serde_json::Value) -> Option<PublicKey> {
    #[derive(Deserialize)]
    struct Written {
        kty: String,
        kid: Option<String>,
        alg: Option<String>,
        #[serde(rename = "use")]
        purpose: Option<String>,
        crv: Option<String>,
        n: Option<String>,
        e: Option<String>,
        x: Option<String>,
        y: Option<String>,
    }
    let key: Written = serde_json::from_value(value).ok()?;
    if key.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
    let point = |length: usize| {
        let (x, y) = (bytes(&key.x)?, bytes(&key.y)?);
        let fits = x.len() == length && y.len() == length;
        fits.then(|| [&[4][..], &x, &y].concat())
    };
    let material = match (key.kty.as_str(), key.crv.as_deref()) {
        ("RSA", None) => Material::Rsa(bytes(&key.n)?, bytes(&key.e)?),
        ("EC", Some("P-256")) => Material::P256(point(32)?),
        ("EC", Some("P-384")) => Material::P384(point(48)?),
        _ => return None,
    };
    Some(PublicKey { id: key.kid.map(Into::into), algorithm: key.alg.map(Into::into), material })
}
