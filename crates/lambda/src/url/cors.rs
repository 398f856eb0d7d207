//! Which pages of other origins a browser lets call a function URL, and what it shows them.
//!
//! Source: `aws-lambda.md §7.1` (limits), `§7.6`; where that is silent, the Fetch standard: an origin
//! and a header match ignoring case, `*` stands for all.

use crate::InvalidValue;

/// Most entries of `AllowOrigins`, `AllowHeaders`, `ExposeHeaders`: `[model] §7.1`.
const ENTRIES_MAX: usize = 100;

/// Most entries of `AllowMethods`, and most characters of one: `[model] §7.1`.
const METHODS_MAX: usize = 6;

/// Longest origin in characters: `[model] §7.1`.
const ORIGIN_MAX: usize = 253;

/// Longest header name in characters: `[model] §7.1`.
const HEADER_MAX: usize = 1024;

/// Longest time that a browser may keep a preflight's answer, in seconds: `[model] §7.1`.
const MAX_AGE_SECONDS_MAX: i64 = 86_400;

/// A CORS configuration as a request has it: what is absent was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsInput {
    /// `AllowCredentials`
    pub allow_credentials: Option<bool>,
    /// `AllowHeaders`
    pub allow_headers: Option<Vec<String>>,
    /// `AllowMethods`
    pub allow_methods: Option<Vec<String>>,
    /// `AllowOrigins`
    pub allow_origins: Option<Vec<String>>,
    /// `ExposeHeaders`
    pub expose_headers: Option<Vec<String>>,
    /// `MaxAge`, seconds.
    pub max_age: Option<i64>,
}

/// A CORS configuration within its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors(CorsInput);

impl TryFrom<CorsInput> for Cors {
    type Error = InvalidValue;

    fn try_from(input: CorsInput) -> Result<Self, InvalidValue> {
        check_list("AllowOrigins", input.allow_origins.as_deref(), ENTRIES_MAX, 1..=ORIGIN_MAX)?;
        check_list("AllowMethods", input.allow_methods.as_deref(), METHODS_MAX, 0..=METHODS_MAX)?;
        check_list("AllowHeaders", input.allow_headers.as_deref(), ENTRIES_MAX, 0..=HEADER_MAX)?;
        check_list("ExposeHeaders", input.expose_headers.as_deref(), ENTRIES_MAX, 0..=HEADER_MAX)?;
        match input.max_age {
            Some(age) if !(0..=MAX_AGE_SECONDS_MAX).contains(&age) => {
                Err(InvalidValue::new("MaxAge", &age.to_string(), "0 to 86400 seconds"))
            }
            _ => Ok(Self(input)),
        }
    }
}

/// That a list has at most `entries` texts, each as long as `characters` admits and such as a header
/// can hold.
fn check_list(
    what: &'static str,
    list: Option<&[String]>,
    entries: usize,
    characters: std::ops::RangeInclusive<usize>,
) -> Result<(), InvalidValue> {
    let list = list.unwrap_or_default();
    let legal = |text: &&String| {
        characters.contains(&text.chars().count())
            && text.bytes().all(|b| (b' '..0x7f).contains(&b))
    };
    if list.len() > entries {
        return Err(InvalidValue::new(what, &format!("{} entries", list.len()), "fewer entries"));
    }
    match list.iter().find(|text| !legal(text)) {
        Some(text) => Err(InvalidValue::new(what, text, "shorter, visible ASCII")),
        None => Ok(()),
    }
}

/// What a browser asks before a call of another origin's page.
#[derive(Clone, Copy, Debug)]
pub struct Preflight<'a> {
    /// `Origin`
    pub origin: &'a str,
    /// `Access-Control-Request-Method`
    pub method: &'a str,
    /// `Access-Control-Request-Headers`
    pub headers: Option<&'a str>,
}

/// A header of an answer: its name in lower case, and its value.
pub type CorsHeader = (&'static str, String);

impl Cors {
    /// The members, as they were given.
    #[must_use]
    pub fn members(&self) -> &CorsInput {
        &self.0
    }

    /// Whether nothing was given: no configuration at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == CorsInput::default()
    }

    /// The headers that every answer to a request from `origin` gets; none for an origin that the
    /// configuration does not name.
    #[must_use]
    pub fn headers(&self, origin: &str) -> Vec<CorsHeader> {
        let Some(mut headers) = self.admitted(origin) else { return Vec::new() };
        headers.extend(joined("access-control-expose-headers", self.0.expose_headers.as_ref()));
        headers
    }

    /// The headers that answer a preflight. Where credentials are allowed, `*` is told as what is
    /// asked for: to browsers it is a mere word then.
    #[must_use]
    pub fn preflight(&self, asked: &Preflight<'_>) -> Vec<CorsHeader> {
        let Some(mut headers) = self.admitted(asked.origin) else { return Vec::new() };
        let told = |name, list: Option<&Vec<String>>, asked: Option<&str>| {
            let all = list.is_some_and(|list| list.iter().any(|one| one == "*"));
            match all && self.allows_credentials() {
                true => asked.map(|asked| (name, asked.to_owned())),
                false => joined(name, list),
            }
        };
        let (methods, names) = (self.0.allow_methods.as_ref(), self.0.allow_headers.as_ref());
        headers.extend(told("access-control-allow-methods", methods, Some(asked.method)));
        headers.extend(told("access-control-allow-headers", names, asked.headers));
        let age = self.0.max_age.map(|age| ("access-control-max-age", age.to_string()));
        headers.extend(age);
        headers
    }

    fn allows_credentials(&self) -> bool {
        self.0.allow_credentials == Some(true)
    }

    /// The headers that name the origin; `None` for one that is not named. `*` is told as `*`,
    /// unless credentials are allowed: browsers refuse the two together.
    fn admitted(&self, origin: &str) -> Option<Vec<CorsHeader>> {
        let origins = self.0.allow_origins.as_deref()?;
        let credentials = self.allows_credentials();
        let everyone = origins.iter().any(|allowed| allowed == "*");
        if !everyone && !origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            return None;
        }
        let told = if everyone && !credentials { "*" } else { origin };
        let mut headers = vec![("access-control-allow-origin", told.to_owned())];
        if told != "*" {
            headers.push(("vary", "Origin".to_owned()));
        }
        if credentials {
            headers.push(("access-control-allow-credentials", "true".to_owned()));
        }
        Some(headers)
    }
}

fn joined(name: &'static str, list: Option<&Vec<String>>) -> Option<CorsHeader> {
    list.filter(|list| !list.is_empty()).map(|list| (name, list.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(ToString::to_string).collect())
    }

    fn cors(origins: &[&str], credentials: Option<bool>) -> Cors {
        let input = CorsInput {
            allow_credentials: credentials,
            allow_headers: list(&["x-a", "x-b"]),
            allow_methods: list(&["GET", "PUT"]),
            allow_origins: list(origins),
            expose_headers: list(&["x-c"]),
            max_age: Some(60),
        };
        Cors::try_from(input).unwrap()
    }

    #[track_caller]
    fn check(cors: &Cors, origin: &str, answers: &str, preflight: &str) {
        let asked = Preflight { origin, method: "PATCH", headers: Some("x-a, x-z") };
        assert_eq!(told(&cors.headers(origin)), answers);
        assert_eq!(told(&cors.preflight(&asked)), preflight);
    }

    fn told(headers: &[CorsHeader]) -> String {
        let each = headers.iter().map(|(name, value)| format!("{name}: {value}"));
        each.collect::<Vec<_>>().join(" | ").replace("access-control-", "")
    }

    #[test]
    fn an_origin_is_told_only_if_it_is_named() {
        let rest = "allow-methods: GET,PUT | allow-headers: x-a,x-b | max-age: 60";
        let one = "allow-origin: https://a.example | vary: Origin";
        let named = cors(&["https://a.example"], None);
        check(
            &named,
            "https://a.example",
            &format!("{one} | expose-headers: x-c"),
            &format!("{one} | {rest}"),
        );
        check(&named, "https://b.example", "", "");
        let all = cors(&["*"], Some(false));
        check(
            &all,
            "https://b.example",
            "allow-origin: * | expose-headers: x-c",
            &format!("allow-origin: * | {rest}"),
        );
        let credentials = cors(&["*"], Some(true));
        let told = "allow-origin: https://b.example | vary: Origin | allow-credentials: true";
        check(
            &credentials,
            "https://b.example",
            &format!("{told} | expose-headers: x-c"),
            &format!("{told} | {rest}"),
        );
        check(&Cors::try_from(CorsInput::default()).unwrap(), "https://a.example", "", "");
    }

    #[test]
    fn with_credentials_everything_is_told_as_what_is_asked_for() {
        let everything = |credentials| CorsInput {
            allow_credentials: credentials,
            allow_headers: list(&["*"]),
            allow_methods: list(&["*"]),
            allow_origins: list(&["https://a"]),
            ..CorsInput::default()
        };
        let check = |credentials, headers, want: &str| {
            let cors = Cors::try_from(everything(credentials)).unwrap();
            let asked = Preflight { origin: "https://a", method: "PATCH", headers };
            assert_eq!(told(&cors.preflight(&asked)), want);
        };
        let one = "allow-origin: https://a | vary: Origin";
        let all = format!("{one} | allow-methods: * | allow-headers: *");
        check(None, Some("x-a, x-z"), &all);
        let asked = format!("{one} | allow-credentials: true | allow-methods: PATCH");
        check(Some(true), Some("x-a, x-z"), &format!("{asked} | allow-headers: x-a, x-z"));
        check(Some(true), None, &asked);
    }

    #[track_caller]
    fn check_refused(input: &CorsInput) {
        assert!(Cors::try_from(input.clone()).is_err(), "{input:?}");
    }

    #[test]
    fn a_configuration_has_limits() {
        let none = CorsInput::default;
        check_refused(&CorsInput { max_age: Some(86_401), ..none() });
        check_refused(&CorsInput { max_age: Some(-1), ..none() });
        check_refused(&CorsInput { allow_methods: list(&["DELETED"]), ..none() });
        check_refused(&CorsInput { allow_methods: list(&["GET"; 7]), ..none() });
        check_refused(&CorsInput { allow_origins: list(&[""]), ..none() });
        check_refused(&CorsInput { allow_origins: list(&["a\r\nb"]), ..none() });
        check_refused(&CorsInput { allow_headers: list(&["x"; 101]), ..none() });
        check_refused(&CorsInput { expose_headers: list(&[&"x".repeat(1025)]), ..none() });
    }
}
