//! Tokens of OpenID Connect issuers: read, proven, and believed as far as an account's provider goes.
//! Source: STS API reference, `AssumeRoleWithWebIdentity`; RFC 7519; OpenID Connect Core §2. Texts as
//! quoted in public reports; those that could not be verified say so at the error.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use portcullis_iam::Value;
use serde::{Deserialize, Serialize};

use crate::error::IdentityError;
use crate::key_set::{Algorithm, KeySet, Proof};
use crate::marks::SessionMarks;
use crate::oidc_provider::{IssuerName, OidcProvider};
use crate::token_marks::marks_of;

/// Most seconds that an issuer's clock may be before ours. Not documented; AWS allows some minutes.
const CLOCK_SKEW_SECONDS: i64 = 300;
/// Longest subject, audience or authorized party, in characters. Source: STS model,
/// `webIdentitySubjectType`.
const CLAIM_CHARACTERS_MAX: usize = 255;
/// Most characters of all authentication methods: they are carried in the session's token.
const METHODS_CHARACTERS_MAX: usize = 1_024;
/// The issuer whose audiences AWS reads in its own way.
const GOOGLE: &str = "accounts.google.com";

/// Who a token says that its bearer is; what a session keeps of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebIdentity {
    issuer: Box<str>,
    subject: Box<str>,
    audience: Box<str>,
    /// Of the token's own audiences the one that counts, where that is not the client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_audience: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorized_party: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    methods: Vec<Box<str>>,
}

impl WebIdentity {
    /// The issuer's name, without `https://`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`: whom the issuer means.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client id that the token is for.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// What the key `aud` is: with Google, whose tokens name an audience of the client's choice, the
    /// authorized party if there is one. Source: IAM user guide, "Available keys for AWS OIDC
    /// federation", `aud` and `oaud`.
    fn client(&self) -> &str {
        let party = self.authorized_party.as_deref().filter(|_| *self.issuer == *GOOGLE);
        party.unwrap_or(&self.audience)
    }

    /// The value of a condition key `ISSUER:NAME`, in lower case. Source: IAM user guide, "Available
    /// keys for AWS OIDC federation". `oaud` is documented for Google alone, and says here for every
    /// issuer what the token's own audience is.
    #[must_use]
    pub fn condition_key(&self, key: &str) -> Option<Value<'_>> {
        let prefix = key.get(..self.issuer.len())?;
        let name = key.get(self.issuer.len()..)?.strip_prefix(':')?;
        if !prefix.eq_ignore_ascii_case(&self.issuer) {
            return None;
        }
        let text = |text| Some(Value::Single(Cow::Borrowed(text)));
        match name {
            "aud" => text(self.client()),
            "oaud" => text(self.original_audience.as_deref().unwrap_or(&self.audience)),
            "sub" => text(&*self.subject),
            "azp" => text(self.authorized_party.as_deref()?),
            "amr" if !self.methods.is_empty() => {
                let methods: Vec<_> = self.methods.iter().map(|one| (&**one).into()).collect();
                Some(Value::Multiple(methods.into()))
            }
            _ => None,
        }
    }
}

/// A token as it was sent: read, nothing of it proven.
#[derive(Debug)]
pub struct WebIdentityToken<'t> {
    signed: &'t str,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key_id: Option<String>,
    claims: Claims,
    issuer: IssuerName,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood: none are.
    crit: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: OneOrMany,
    exp: Seconds,
    iat: Option<Seconds>,
    nbf: Option<Seconds>,
    azp: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// A moment as RFC 7519 has it: seconds since 1970, perhaps with a fraction.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
struct Seconds(f64);

impl Seconds {
    fn is_after(self, second: i64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "exact for 285 million years")]
        let other = second as f64;
        self.0 > other
    }
}

fn not_a_token() -> IdentityError {
    let text = "The ID Token provided is not a valid JWT. (You may see this error if you sent an \
                Access Token)";
    IdentityError::InvalidIdentityToken(text.to_owned())
}

impl<'t> WebIdentityToken<'t> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`IdentityError::InvalidIdentityToken`] for what is none, or is signed in a way that none is.
    pub fn parse(text: &'t str) -> Result<Self, IdentityError> {
        Self::read(text).ok_or_else(not_a_token)
    }

    fn read(text: &'t str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decoded(header)?).ok()?;
        let claims: Claims = serde_json::from_slice(&decoded(claims)?).ok()?;
        if header.crit.is_some() {
            return None;
        }
        Some(Self {
            signed,
            signature: decoded(signature)?,
            algorithm: Algorithm::of(&header.alg)?,
            key_id: header.kid,
            issuer: IssuerName::of_url(&claims.iss).ok()?,
            claims,
        })
    }

    /// The issuer that it names.
    #[must_use]
    pub fn issuer(&self) -> &IssuerName {
        &self.issuer
    }

    /// The refusal where the account has no provider of the issuer.
    #[must_use]
    pub fn without_provider(&self) -> IdentityError {
        let text =
            format!("No OpenIDConnect provider found in your account for {}", self.claims.iss);
        IdentityError::InvalidIdentityToken(text)
    }

    /// The refusal where the issuer's keys are not known.
    #[must_use]
    pub fn without_key(&self) -> IdentityError {
        let text = "Couldn't retrieve verification key from your identity provider,  please \
                    reference AssumeRoleWithWebIdentity documentation for requirements";
        IdentityError::InvalidIdentityToken(text.to_owned())
    }

    /// Whether a key of the issuer signed the token; `None` if `keys` has no such key, which newer
    /// ones may have.
    #[must_use]
    pub fn is_signed_by(&self, keys: &KeySet) -> Option<bool> {
        let id = self.key_id.as_deref();
        match keys.prove(id, self.algorithm, self.signed.as_bytes(), &self.signature) {
            Proof::Good => Some(true),
            Proof::Bad => Some(false),
            Proof::UnknownKey => None,
        }
    }

    /// Who the bearer is, if `provider` believes it now. Whether the token is its issuer's is proven
    /// before, by [`is_signed_by`](Self::is_signed_by).
    ///
    /// # Errors
    /// [`IdentityError::ExpiredIdentityToken`]; [`IdentityError::InvalidIdentityToken`] for an audience
    /// that the provider has not; [`IdentityError::RejectedClaim`] for a token of the future, and for
    /// claims that are empty or too long.
    pub fn believed(
        &self,
        provider: &OidcProvider,
        now: Timestamp,
    ) -> Result<WebIdentity, IdentityError> {
        self.check_times(now.as_second())?;
        let claims = &self.claims;
        let methods = claims.amr.iter().map(|one| one.chars().count()).sum::<usize>();
        let is_text = |text: &str| (1..=CLAIM_CHARACTERS_MAX).contains(&text.chars().count());
        if !is_text(&claims.sub) {
            return Err(IdentityError::RejectedClaim("sub"));
        }
        if claims.azp.as_deref().is_some_and(|azp| !is_text(azp)) {
            return Err(IdentityError::RejectedClaim("azp"));
        }
        if methods > METHODS_CHARACTERS_MAX {
            return Err(IdentityError::RejectedClaim("amr"));
        }
        let audience = self.audience(provider)?;
        let original = self.original_audience(provider).filter(|original| *original != audience);
        Ok(WebIdentity {
            issuer: self.issuer.as_str().into(),
            subject: claims.sub.as_str().into(),
            audience: audience.into(),
            original_audience: original.map(Into::into),
            authorized_party: claims.azp.as_deref().map(Into::into),
            methods: claims.amr.iter().map(|one| one.as_str().into()).collect(),
        })
    }

    /// What the bearer's session is to be marked with.
    ///
    /// # Errors
    /// [`IdentityError::RejectedClaim`] for claims about marks that make none.
    pub fn marks(&self) -> Result<SessionMarks, IdentityError> {
        marks_of(&self.claims.others)
    }

    fn check_times(&self, now: i64) -> Result<(), IdentityError> {
        let Claims { exp, iat, nbf, .. } = &self.claims;
        if !exp.is_after(now) {
            return Err(IdentityError::ExpiredIdentityToken(format!(
                "Token expired: current date/time {now} must be before the expiration date/time {}",
                exp.0
            )));
        }
        let latest = now.saturating_add(CLOCK_SKEW_SECONDS);
        let is_later = |moment: &Option<Seconds>| moment.is_some_and(|one| one.is_after(latest));
        match (iat, nbf) {
            (None, _) => Err(IdentityError::RejectedClaim("iat")),
            _ if is_later(iat) => Err(IdentityError::RejectedClaim("iat")),
            _ if is_later(nbf) => Err(IdentityError::RejectedClaim("nbf")),
            _ => Ok(()),
        }
    }

    /// Of the token's own audiences the first that the provider has, or else the first.
    fn original_audience(&self, provider: &OidcProvider) -> Option<&str> {
        let all = self.claims.aud.all();
        let has = |id: &&String| provider.client_ids.iter().any(|known| **known == ***id);
        all.iter().find(has).or(all.first()).map(String::as_str)
    }

    /// The client id that the token is for: of several audiences the authorized party, or else the
    /// first that the provider has.
    fn audience(&self, provider: &OidcProvider) -> Result<&str, IdentityError> {
        let has = |id: &str| provider.client_ids.iter().any(|known| **known == *id);
        let all = self.claims.aud.all();
        let party = self.claims.azp.as_deref().filter(|_| all.len() > 1);
        let found = match party {
            Some(party) => Some(party).filter(|party| has(party)),
            None => all.iter().map(String::as_str).find(|one| has(one)),
        };
        let wrong = || IdentityError::InvalidIdentityToken("Incorrect token audience".to_owned());
        found.ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{account, now};
    use crate::tags::Tags;

    fn provider() -> OidcProvider {
        OidcProvider {
            account: account(),
            issuer: "idp.example.com".parse().unwrap(),
            client_ids: vec!["app".into(), "other".into()],
            thumbprints: Vec::new(),
            created: now(),
            tags: Tags::default(),
        }
    }

    /// A token with these claims beside the usual ones; its signature is nobody's.
    fn token(header: &str, more: &str) -> String {
        let at = now().as_second();
        let claims = format!(
            r#"{{"iss":"https://idp.example.com","sub":"bob","aud":"app","iat":{at},"exp":{}{more}}}"#,
            at + 600
        );
        let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
        format!("{}.{}.AAAA", encode(header), encode(&claims))
    }

    /// The usual token with its claims written otherwise.
    fn changed(from: &str, to: &str) -> String {
        let text = token(RS, "");
        let parts: Vec<&str> = text.split('.').collect();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        assert!(claims.contains(from), "{claims}");
        format!("{}.{}.AAAA", parts[0], URL_SAFE_NO_PAD.encode(claims.replace(from, to)))
    }

    fn believed(text: &str) -> Result<WebIdentity, IdentityError> {
        WebIdentityToken::parse(text)?.believed(&provider(), now())
    }

    const RS: &str = r#"{"alg":"RS256","kid":"k"}"#;

    #[test]
    #[rustfmt::skip]
    fn a_token_is_three_parts_signed_in_a_known_way_by_an_https_issuer() {
        assert!(believed(&token(RS, "")).is_ok());
        let iss = |url: &str| changed("https://idp.example.com", url);
        for text in [
            "", ".", "..", "a.b.c", "opaque-access-token",
            &token(r#"{"alg":"none"}"#, ""), &token(r#"{"alg":"HS256"}"#, ""), &token("{}", ""),
            &token(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#, ""),
            &iss("http://idp.example.com"), &iss("idp.example.com"), &iss("https://idp.example.com:1"),
            &token(RS, r#","exp":1"#),
        ] {
            let code = WebIdentityToken::parse(text).err().map(|error| error.code());
            assert_eq!(code, Some("InvalidIdentityToken"), "{text}");
        }
    }

    #[track_caller]
    fn check(provider: &OidcProvider, aud: &str, want: Option<&str>) {
        let text = changed(r#""aud":"app""#, aud);
        let token = WebIdentityToken::parse(&text).unwrap();
        let got = token.believed(provider, now()).ok();
        assert_eq!(got.as_ref().map(WebIdentity::audience), want, "{aud}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_token_is_for_a_client_of_the_provider() {
        let none = OidcProvider { client_ids: Vec::new(), ..provider() };
        check(&provider(), r#""aud":"app""#,                        Some("app"));
        check(&provider(), r#""aud":"App""#,                        None);
        check(&provider(), r#""aud":["x","other"]"#,                Some("other"));
        check(&provider(), r#""aud":["x","y"]"#,                    None);
        check(&provider(), r#""aud":[]"#,                           None);
        check(&provider(), r#""aud":["app","x"],"azp":"other""#,    Some("other"));
        check(&provider(), r#""aud":["app","x"],"azp":"x""#,        None);
        check(&none,       r#""aud":"app""#,                        None);
    }

    #[test]
    #[rustfmt::skip]
    fn a_token_is_of_now_and_says_who() {
        let at = now().as_second();
        let exp = format!(r#""exp":{}"#, at + 600);
        let iat = format!(r#""iat":{at}"#);
        let code = |text: &str| believed(text).err().map(|error| error.code());
        assert_eq!(code(&changed(&exp, &format!(r#""exp":{}"#, at + 1))), None);
        assert_eq!(code(&changed(&exp, &format!(r#""exp":{at}"#))), Some("ExpiredTokenException"));
        assert_eq!(code(&changed(&exp, r#""exp":1.5"#)), Some("ExpiredTokenException"));
        assert_eq!(code(&changed(&iat, &format!(r#""iat":{}"#, at + 300))), None);
        assert_eq!(code(&changed(&iat, &format!(r#""iat":{}"#, at + 301))), Some("IDPRejectedClaim"));
        assert_eq!(code(&changed(&iat, r#""x":1"#)), Some("IDPRejectedClaim"));
        assert_eq!(code(&token(RS, &format!(r#","nbf":{}"#, at + 301))), Some("IDPRejectedClaim"));
        assert_eq!(code(&changed(r#""bob""#, r#""""#)), Some("IDPRejectedClaim"));
    }

    #[test]
    fn its_claims_are_condition_keys_of_the_issuer() {
        let identity = believed(&token(RS, r#","azp":"app","amr":["mfa","pwd"]"#)).unwrap();
        let single = |key: &str| match identity.condition_key(key) {
            Some(Value::Single(text)) => Some(text.into_owned()),
            _ => None,
        };
        assert_eq!(single("idp.example.com:aud").as_deref(), Some("app"));
        assert_eq!(single("idp.example.com:sub").as_deref(), Some("bob"));
        assert_eq!(single("idp.example.com:azp").as_deref(), Some("app"));
        assert!(matches!(identity.condition_key("idp.example.com:amr"), Some(Value::Multiple(_))));
        for key in ["idp.example.co:sub", "idp.example.com:iss", "idp.example.com", "aws:sub", ""] {
            assert!(identity.condition_key(key).is_none(), "{key}");
        }
    }

    #[track_caller]
    fn audiences(issuer: &str, claims: &str, want: [&str; 2]) {
        let provider = OidcProvider { issuer: issuer.parse().unwrap(), ..provider() };
        let text = changed(r#""aud":"app""#, claims);
        let parts: Vec<&str> = text.split('.').collect();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let claims = claims.replace("idp.example.com", issuer);
        let text = format!("{}.{}.AAAA", parts[0], URL_SAFE_NO_PAD.encode(&claims));
        let identity = WebIdentityToken::parse(&text).unwrap().believed(&provider, now()).unwrap();
        let got =
            ["aud", "oaud"].map(|name| match identity.condition_key(&format!("{issuer}:{name}")) {
                Some(Value::Single(text)) => text.into_owned(),
                other => format!("{other:?}"),
            });
        assert_eq!(got, want, "{claims}");
    }

    #[test]
    #[rustfmt::skip]
    fn the_client_and_the_token_s_own_audience_are_two_keys() {
        let (idp, google) = ("idp.example.com", "accounts.google.com");
        audiences(idp,    r#""aud":"app""#,                             ["app", "app"]);
        audiences(idp,    r#""aud":"app","azp":"17""#,                  ["app", "app"]);
        audiences(idp,    r#""aud":["x","app"],"azp":"other""#,         ["other", "app"]);
        audiences(idp,    r#""aud":["x","y"],"azp":"other""#,           ["other", "x"]);
        audiences(idp,    r#""aud":["x","other"]"#,                     ["other", "other"]);
        audiences(google, r#""aud":"app""#,                             ["app", "app"]);
        audiences(google, r#""aud":"app","azp":"17""#,                  ["17", "app"]);
    }

    /// RFC 7515, appendix A.3: a signature and its key that others made.
    #[test]
    fn a_signature_is_the_key_s_or_nobody_s() {
        let set = r#"{"keys":[{"kty":"oct","k":"AA"},{"kty":"EC","crv":"P-256","kid":"k",
            "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
        let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                      Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = URL_SAFE_NO_PAD
            .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .unwrap();
        let keys = KeySet::parse(set.as_bytes()).unwrap();
        let prove = |id, algorithm, message: &str| {
            keys.prove(id, algorithm, message.as_bytes(), &signature)
        };
        assert_eq!(prove(None, Algorithm::Es256, signed), Proof::Good);
        assert_eq!(prove(Some("k"), Algorithm::Es256, signed), Proof::Good);
        assert_eq!(prove(Some("x"), Algorithm::Es256, signed), Proof::UnknownKey);
        assert_eq!(prove(None, Algorithm::Rs256, signed), Proof::Bad);
        assert_eq!(prove(None, Algorithm::Es384, signed), Proof::Bad);
        assert_eq!(prove(None, Algorithm::Es256, &signed.replace("eyJp", "eyJq")), Proof::Bad);
        for text in ["", "{}", "[]", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AA"}]}"#] {
            assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
