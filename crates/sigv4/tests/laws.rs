//! Laws of signing and verifying: agreement with AWS's own signer, what a change to a signed
//! request does, every refusal with its text, and no panic for any bytes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail so")]

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign as aws_sign,
};
use http::{HeaderName, HeaderValue, Request, request::Parts};
use jiff::Timestamp;
use portcullis_sigv4::{
    Credentials, EMPTY_BODY_SHA256, SignatureError, SigningKey, body_sha256, claim, presign, sign,
};
use proptest::{collection::vec, option, prelude::*, sample::Index, test_runner::TestCaseResult};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const KEY_ID: &str = "AKIDEXAMPLE";
/// 2017-11-26T17:00:54Z.
const NOW: i64 = 1_511_715_654;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn credentials(token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: KEY_ID.to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: token.map(str::to_owned),
    }
}

/// A whole server, as far as this crate goes: one key, one region, one service.
fn authenticate(head: &Parts, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
    let claim = claim(head, now)?;
    claim.check_scope(&["us-east-1"], "lambda")?;
    if claim.access_key_id() != KEY_ID {
        return Err(SignatureError::UnrecognizedClient);
    }
    let scope = claim.scope();
    let key = SigningKey::derive(SECRET, scope.date(), scope.region(), scope.service());
    claim.verify(head, &body_sha256(body), &key)
}

/// A request before it is signed.
#[derive(Clone, Debug)]
struct Unsigned {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    token: Option<String>,
}

impl Unsigned {
    fn head(&self) -> Parts {
        let mut builder = Request::builder().method(self.method.as_str()).uri(&self.uri);
        builder = builder.header("host", "localhost:4566");
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    fn signed(&self, form: Form) -> Parts {
        let mut head = self.head();
        let credentials = credentials(self.token.as_deref());
        let (body, now) = (&self.body, at(NOW));
        match form {
            Form::Header => sign(&mut head, body, &credentials, "us-east-1", "lambda", now),
            Form::Query => presign(&mut head, body, &credentials, "us-east-1", "lambda", now, 900),
        }
        .unwrap();
        head
    }

    /// The same request, signed by AWS's code.
    fn signed_by_aws(&self, form: Form) -> Parts {
        let token = self.token.clone();
        let identity =
            aws_credential_types::Credentials::new(KEY_ID, SECRET, token, None, "test").into();
        let mut settings = SigningSettings::default();
        if form == Form::Query {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(900));
        }
        let parameters = aws_sigv4::sign::v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("lambda")
            .time(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs()))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let head = self.head();
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        let body = SignableBody::Bytes(&self.body);
        let request = SignableRequest::new(&self.method, &self.uri, headers, body).unwrap();
        let (instructions, _) = aws_sign(request, &parameters).unwrap().into_parts();
        let mut request = Request::from_parts(head, ());
        instructions.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Header,
    Query,
}

fn forms() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Header), Just(Form::Query)]
}

/// Text as a client may write it in a path: raw, encoded, encoded needlessly, not in normal form.
fn segments() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        6 => "[a-zA-Z0-9_.~:@!$&'()*+,;=-]{0,12}",
        1 => "[a-zé]{0,4}",
        2 => "(%[0-9A-F]{2}|%[0-9a-f]{2}|[a-z]){0,6}",
        1 => Just(".".to_owned()),
        1 => Just("..".to_owned()),
        1 => Just(String::new()),
    ];
    vec(segment, 0..6).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// Any query of well-formed UTF-8, in any order and any encoding.
fn queries() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        4 => "[a-zA-Z0-9_.~-]{0,8}",
        2 => "[a-zA-Z0-9+!$'()*,;:@/?-]{0,8}",
        2 => "(%2[0-9A-F]|%c3%a9|%C3%A9|%41|[a-z]){0,5}",
        1 => "[a-zé]{0,4}",
        1 => "%[a-z]?",
    ];
    let pair = (text.clone(), option::of(text))
        .prop_map(|(name, value)| name + &value.map(|v| format!("={v}")).unwrap_or_default());
    vec(pair, 0..6).prop_map(|pairs| pairs.join("&"))
}

fn requests() -> impl Strategy<Value = Unsigned> {
    let method = prop_oneof!["GET", "PUT", "POST", "DELETE", "[A-Z]{1,7}"];
    let header = ("x-(amz-)?[a-z]{1,3}", "[ -~]{0,24}");
    let body = vec(any::<u8>(), 0..64);
    let token = option::of("[a-zA-Z0-9+/]{1,40}={0,2}");
    (method, segments(), queries(), vec(header, 0..5), body, token).prop_map(
        |(method, path, query, headers, body, token)| {
            let mark = if query.is_empty() { "" } else { "?" };
            let uri = format!("http://localhost:4566{path}{mark}{query}");
            Unsigned { method, uri, headers, body, token }
        },
    )
}

proptest! {
    #[test]
    fn what_aws_signs_we_verify(request in requests(), form in forms()) {
        let head = request.signed_by_aws(form);
        prop_assert_eq!(authenticate(&head, &request.body, at(NOW)), Ok(()));
    }

    #[test]
    fn we_sign_as_aws_does(request in requests(), form in forms()) {
        let (ours, theirs) = (request.signed(form), request.signed_by_aws(form));
        match form {
            Form::Header => prop_assert_eq!(&ours.headers, &theirs.headers),
            Form::Query => {
                let signature = |head: &Parts| {
                    let pairs = head.uri.query().unwrap().split('&');
                    pairs.filter(|pair| pair.starts_with("X-Amz-Signature=")).collect::<String>()
                };
                prop_assert_eq!(signature(&ours), signature(&theirs));
            }
        }
        prop_assert_eq!(authenticate(&ours, &request.body, at(NOW)), Ok(()));
    }

    #[test]
    fn any_change_to_a_signed_byte_is_noticed(
        form in forms(),
        segment in "[a-z0-9]{1,9}",
        query in "[a-z0-9]{1,9}=[a-z0-9]{1,9}&[a-z0-9]{1,9}=[a-z0-9]{1,9}",
        value in "[a-z0-9]{1,9}",
        body in vec(any::<u8>(), 1..9),
        token in option::of("[a-zA-Z0-9]{1,40}"),
        place in any::<Index>(),
        change in 1..36u8,
    ) {
        let uri = format!("/2015-03-31/functions/{segment}?{query}");
        let headers = vec![("x-amz-invocation-type".to_owned(), value)];
        let request = Unsigned { method: "PUT".to_owned(), uri, headers, body, token };
        every_part_matters(&request, form, place, change)?;
    }

    #[test]
    fn no_bytes_panic(
        authorization in vec(header_bytes(), 0..3),
        date in option::of(header_bytes()),
        hash in option::of(header_bytes()),
        query in option::of(query_noise()),
        second in any::<i32>(),
    ) {
        let mut builder = Request::get(format!("/?{}", query.unwrap_or_default()));
        let headers = authorization.into_iter().map(|value| ("authorization", value));
        let others = [("x-amz-date", date), ("x-amz-content-sha256", hash)];
        let others = others.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in headers.chain(others) {
            builder = builder.header(name, value);
        }
        let head = builder.body(()).unwrap().into_parts().0;
        prop_assert!(authenticate(&head, b"", at(i64::from(second))).is_err());
    }
}

/// Bytes that a header may hold: noise, and pieces of the real thing in any order.
fn header_bytes() -> impl Strategy<Value = HeaderValue> {
    let noise = vec(prop_oneof![0x20..0x7fu8, 0x80..=0xffu8], 0..40);
    let bytes = prop_oneof![noise, authorization_pieces().prop_map(String::into_bytes)];
    bytes.prop_map(|bytes| HeaderValue::from_bytes(&bytes).unwrap())
}

fn authorization_pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("AWS4-HMAC-SHA256 ".to_owned()),
        Just("Credential=AKIDEXAMPLE/20171126/us-east-1/lambda/aws4_request".to_owned()),
        Just("SignedHeaders=host;x-amz-date".to_owned()),
        Just(format!("Signature={EMPTY_BODY_SHA256}")),
        Just("20171126T170054Z".to_owned()),
        "Credential=[a-z/]{0,9}",
        "SignedHeaders=[a-zA-Z;]{0,9}",
        "Signature=[0-9a-fG]{0,70}",
        "[ ,=\t/;]{1,3}",
    ];
    vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

fn query_noise() -> impl Strategy<Value = String> {
    let pair = prop_oneof![
        "X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)=[a-zA-Z0-9!$%&'()*+,./:;=?@_~-]{0,12}",
        Just("X-Amz-Algorithm=AWS4-HMAC-SHA256".to_owned()),
        Just("X-Amz-Credential=AKIDEXAMPLE/20171126/us-east-1/lambda/aws4_request".to_owned()),
        Just("X-Amz-Date=20171126T170054Z".to_owned()),
        Just("X-Amz-SignedHeaders=host".to_owned()),
        Just("X-Amz-Expires=604800".to_owned()),
        Just(format!("X-Amz-Signature={EMPTY_BODY_SHA256}")),
        "(%[0-9a-fA-F]{0,2}|[a-zA-Z0-9!$%&'()*+,./:;=?@_~-]){0,9}",
    ];
    vec(pair, 0..9).prop_map(|pairs| pairs.join("&"))
}

/// Changes one letter or digit in each part of a signed request, one part at a time.
fn every_part_matters(request: &Unsigned, form: Form, place: Index, change: u8) -> TestCaseResult {
    let head = request.signed(form);
    let mut tries = vec![];
    let mut other = head.clone();
    other.uri = changed(&head.uri.to_string(), place, change).parse().unwrap();
    tries.push(other);
    let mut other = head.clone();
    other.method = changed(head.method.as_str(), place, change).as_bytes().try_into().unwrap();
    tries.push(other);
    for name in head.headers.keys() {
        let value = changed(head.headers[name].to_str().unwrap(), place, change);
        let mut other = head.clone();
        other.headers.insert(name, HeaderValue::from_str(&value).unwrap());
        tries.push(other);
    }
    for other in &tries {
        prop_assert!(authenticate(other, &request.body, at(NOW)).is_err(), "{other:?}");
    }
    let mut body = request.body.clone();
    body[place.index(request.body.len())] ^= change;
    prop_assert_eq!(authenticate(&head, &body, at(NOW)), Err(SignatureError::Mismatch));
    prop_assert_eq!(authenticate(&head, &request.body, at(NOW)), Ok(()));
    Ok(())
}

/// Puts another letter or digit in the place of one. The scheme's words count too.
fn changed(text: &str, place: Index, change: u8) -> String {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let index = |byte: u8| ALPHABET.iter().position(|&b| b == byte.to_ascii_lowercase());
    let mut bytes = text.as_bytes().to_vec();
    let places: Vec<_> = (0..bytes.len()).filter(|&at| index(bytes[at]).is_some()).collect();
    let at = places[place.index(places.len())];
    bytes[at] = ALPHABET[(index(bytes[at]).unwrap() + usize::from(change)) % ALPHABET.len()];
    String::from_utf8(bytes).unwrap()
}

/// The signed request that every row below spoils in one way.
fn signed(form: Form) -> Parts {
    let uri = "/2015-03-31/functions/f/policy?Qualifier=1".to_owned();
    let token = Some("token".to_owned());
    Unsigned { method: "GET".to_owned(), uri, headers: vec![], body: vec![], token }.signed(form)
}

fn set(head: &mut Parts, name: &'static str, value: &[u8]) {
    head.headers.insert(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
}

fn replace_in_authorization(head: &mut Parts, from: &str, to: &str) {
    let value = head.headers["authorization"].to_str().unwrap().replacen(from, to, 1);
    set(head, "authorization", value.as_bytes());
}

fn replace_in_query(head: &mut Parts, from: &str, to: &str) {
    head.uri = head.uri.to_string().replacen(from, to, 1).parse().unwrap();
}

#[track_caller]
fn check(head: &Parts, now: i64, code: &str, text: &str) {
    let error = authenticate(head, b"", at(now)).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, text));
}

#[track_caller]
fn check_header(spoil: impl Fn(&mut Parts), code: &str, text: &str) {
    let mut head = signed(Form::Header);
    spoil(&mut head);
    check(&head, NOW, code, text);
}

/// A row whose text ends with the header as it was received.
#[track_caller]
fn check_echo(authorization: &str, dated: bool, text: &str) {
    let spoil = |head: &mut Parts| {
        set(head, "authorization", authorization.as_bytes());
        if !dated {
            head.headers.remove("x-amz-date");
        }
    };
    let text = text.replace("{}", authorization);
    check_header(spoil, "IncompleteSignatureException", &text);
}

#[track_caller]
fn check_query(from: &str, to: &str, code: &str, text: &str) {
    let mut head = signed(Form::Query);
    replace_in_query(&mut head, from, to);
    check(&head, NOW, code, text);
}

const INCOMPLETE: &str = "IncompleteSignatureException";
const INVALID: &str = "InvalidSignatureException";
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your AWS Secret Access Key and signing method. Consult the service \
    documentation for details.";

#[test]
fn a_request_without_a_signature_has_no_token() {
    let unsigned = |head: &mut Parts| drop(head.headers.remove("authorization"));
    check_header(unsigned, "MissingAuthenticationTokenException", "Missing Authentication Token");
}

#[test]
#[rustfmt::skip]
fn an_unreadable_authorization_header_says_what_is_missing() {
    const C: &str = "Authorization header requires 'Credential' parameter. ";
    const S: &str = "Authorization header requires 'Signature' parameter. ";
    const H: &str = "Authorization header requires 'SignedHeaders' parameter. ";
    const D: &str = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    const P: &str = "not a valid key=value pair (missing equal-sign) in Authorization header";
    check_echo("AWS4-HMAC-SHA256", false, &format!("{C}{S}{H}{D}Authorization={{}}"));
    check_echo("AWS4-HMAC-SHA256", true, &format!("{C}{S}{H}Authorization={{}}"));
    check_echo("", true, &format!("{C}{S}{H}Authorization={{}}"));
    check_echo("Basic dXNlcjpw==", true, &format!("{C}{S}{H}Authorization={{}}"));
    check_echo("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b", true, &format!("{S}Authorization={{}}"));
    check_echo("AWS4-HMAC-SHA256 Credential=,SignedHeaders=b,Signature=c", true, &format!("{C}Authorization={{}}"));
    check_echo("AWS4-HMAC-SHA256 Credential=a\tSignedHeaders= Signature=c", true, &format!("{H}Authorization={{}}"));
    check_echo("AWS4-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=c", false, &format!("{D}Authorization={{}}"));
    check_echo("Bearer token", true, &format!("'token' {P}: '{{}}'."));
    check_echo("AWS4-HMAC-SHA256 Credential=not valid/b", true, &format!("'valid/b' {P}: '{{}}'."));
    check_echo("AWS4-HMAC-SHA256 Signature=a, Signature=a", true, "'Signature' must be given once.");
}

#[test]
fn white_space_and_other_parameters_do_not_matter() {
    let tidy = signed(Form::Header);
    let text = tidy.headers["authorization"].to_str().unwrap();
    for (from, to) in [(", ", ","), (", ", "   ,\t "), (", ", " "), (" Cred", " x=y, Cred")] {
        let mut head = tidy.clone();
        set(&mut head, "authorization", text.replace(from, to).as_bytes());
        assert_eq!(authenticate(&head, b"", at(NOW)), Ok(()), "{from:?} {to:?}");
    }
}

#[test]
#[rustfmt::skip]
fn a_header_that_cannot_be_read_is_refused() {
    let long = format!("AWS4-HMAC-SHA256 Credential={}", "a".repeat(9000));
    check_header(|head| set(head, "authorization", long.as_bytes()),
        INCOMPLETE, "Authorization header is longer than 8192 bytes.");
    check_header(|head| set(head, "authorization", b"AWS4-HMAC-SHA256 Credential=\xff"),
        INCOMPLETE, "Authorization header is not text in UTF-8.");
    check_header(|head| set(head, "x-amz-security-token", b"\xff"),
        INCOMPLETE, "A part of the signature is not text in UTF-8.");
    for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
        let twice = |head: &mut Parts| assert!(head.headers.append(name, head.headers[name].clone()));
        check_header(twice, INCOMPLETE, &format!("Header '{name}' must be given once."));
    }
}

#[test]
#[rustfmt::skip]
fn a_date_is_in_basic_format_or_refused() {
    for date in ["201", "2017-11-26T17:00:54Z", "20171126T170054", "Sun, 26 Nov 2017 17:00:54 GMT", ""] {
        check_header(|head| set(head, "x-amz-date", date.as_bytes()), INCOMPLETE,
            &format!("Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"));
    }
}

#[test]
#[rustfmt::skip]
fn a_signature_is_good_for_five_minutes_around_its_date() {
    let head = signed(Form::Header);
    for now in [NOW - 300, NOW, NOW + 300] {
        assert_eq!(authenticate(&head, b"", at(now)), Ok(()));
    }
    let next = at(NOW + 300) + Duration::from_millis(999);
    assert_eq!(authenticate(&head, b"", next), Ok(()), "seconds are what both sides print");
    check(&head, NOW + 301, INVALID,
        "Signature expired: 20171126T170054Z is now earlier than 20171126T170055Z (20171126T170555Z - 5 min.)");
    check(&head, NOW - 301, INVALID,
        "Signature not yet current: 20171126T170054Z is still later than 20171126T170053Z (20171126T165553Z + 5 min.)");
    check_header(|head| set(head, "x-amz-date", b"20171126T165425Z"), INVALID,
        "Signature expired: 20171126T165425Z is now earlier than 20171126T165554Z (20171126T170054Z - 5 min.)");
}

#[test]
#[rustfmt::skip]
fn a_presigned_request_lives_as_long_as_it_says() {
    let head = signed(Form::Query);
    for now in [NOW - 300, NOW, NOW + 900] {
        assert_eq!(authenticate(&head, b"", at(now)), Ok(()));
    }
    check(&head, NOW + 901, INVALID,
        "Signature expired: 20171126T170054Z is now earlier than 20171126T170055Z (20171126T171555Z - 15 min.)");
    check(&head, NOW - 301, INVALID,
        "Signature not yet current: 20171126T170054Z is still later than 20171126T170053Z (20171126T165553Z + 5 min.)");
    check_query("Expires=900", "Expires=604800", INVALID, MISMATCH);
    for expires in ["0", "604801", "-1", "+1", "1.5", "99999999999999999999", "%C2%B2"] {
        let shown = if expires == "+1" { " 1" } else { &expires.replace("%C2%B2", "²") };
        check_query("Expires=900", &format!("Expires={expires}"), INCOMPLETE,
            &format!("X-Amz-Expires must be a number of seconds from 1 to 604800, got '{shown}'."));
    }
}

#[test]
#[rustfmt::skip]
fn an_incomplete_query_says_what_is_missing() {
    for name in ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"] {
        let text = format!("AWS query-string parameters must include '{name}'. Re-examine the query-string parameters.");
        check_query(name, "Other", INCOMPLETE, &text);
        check_query(&format!("{name}="), &format!("{name}=&{name}="), INCOMPLETE, &twice(name));
    }
    check_query("X-Amz-Signature=", "X-Amz-Signature=%FF", INCOMPLETE, "A part of the signature is not text in UTF-8.");
    check_query("Date=2017", "Date=17", INCOMPLETE,
        "Date must be in ISO-8601 'basic format'. Got '171126T170054Z'. See http://en.wikipedia.org/wiki/ISO_8601");
}

fn twice(name: &str) -> String {
    format!("'{name}' must be given once.")
}

#[test]
fn header_and_query_form_exclude_each_other() {
    let text =
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.";
    let pairs =
        ["X-Amz-Algorithm=a", "X-Amz-Signature=a", "X-Amz-Signature", "X%2DA%6dz-Signature=a"];
    for pair in pairs {
        check_header(|head| replace_in_query(head, "Q", &format!("{pair}&Q")), INVALID, text);
    }
}

#[test]
#[rustfmt::skip]
fn what_means_something_must_be_signed() {
    const TAIL: &str = "must be a 'SignedHeader' in the AWS Authorization.";
    check_header(|head| replace_in_authorization(head, "host;", ""), INVALID, &format!("'Host' or ':authority' {TAIL}"));
    check_header(|head| replace_in_authorization(head, ";x-amz-date", ""), INVALID, &format!("'X-Amz-Date' {TAIL}"));
    check_header(|head| replace_in_authorization(head, ";x-amz-security-token", ""), INVALID, &format!("'X-Amz-Security-Token' {TAIL}"));
    check_header(|head| set(head, "x-amz-source-arn", b"a"), INVALID, &format!("'X-Amz-Source-Arn' {TAIL}"));
    let mut head = signed(Form::Query);
    set(&mut head, "x-amz-invocation-type", b"Event");
    check(&head, NOW, INVALID, &format!("'X-Amz-Invocation-Type' {TAIL}"));
}

#[test]
fn what_means_nothing_may_come_unsigned() {
    for form in [Form::Header, Form::Query] {
        let mut head = signed(form);
        for name in ["x-amz-cf-id", "x-amz-user-agent", "x-amzn-trace-id", "via", "date"] {
            set(&mut head, name, b"a");
        }
        assert_eq!(authenticate(&head, b"", at(NOW)), Ok(()));
    }
}

#[test]
#[rustfmt::skip]
fn an_unknown_algorithm_or_credential_is_refused() {
    const FIVE: &str = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got";
    check_header(|head| replace_in_authorization(head, "SHA256", "SHA512"), INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'.");
    check_query("HMAC-SHA256", "ECDSA", INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS4-ECDSA'.");
    let scope = "AKIDEXAMPLE/20171126/us-east-1/lambda/aws4_request";
    for wrong in ["a/b/c/d", "a", "/20171126/us-east-1/lambda/aws4_request", "a//us-east-1/lambda/aws4_request", "a/b/c/d/e/f", "a/b/c/d/"] {
        check_header(|head| replace_in_authorization(head, scope, wrong), INCOMPLETE, &format!("{FIVE} '{wrong}'"));
    }
    check_header(|head| replace_in_authorization(head, "AKID", "AKIE"),
        "UnrecognizedClientException", "The security token included in the request is invalid.");
}

#[test]
#[rustfmt::skip]
fn a_scope_names_every_part_that_is_wrong() {
    const REGION: &str = "Credential should be scoped to a valid region, not 'x'. ";
    const SERVICE: &str = "Credential should be scoped to correct service: 'lambda'. ";
    const END: &str = "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. ";
    const DATE: &str = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20171126', from '20171126T170054Z'.";
    check_header(|head| replace_in_authorization(head, "us-east-1", "x"), INVALID, REGION);
    check_header(|head| replace_in_authorization(head, "lambda", "iam"), INVALID, SERVICE);
    check_header(|head| replace_in_authorization(head, "aws4_request", "e"), INVALID, END);
    check_header(|head| replace_in_authorization(head, "20171126", "b"), INVALID, DATE);
    check_header(|head| replace_in_authorization(head, "20171126/us-east-1/lambda/aws4_request", "b/x/d/e"),
        INVALID, &[REGION, SERVICE, END, DATE].concat());
}

#[test]
#[rustfmt::skip]
fn everything_else_is_a_mismatch() {
    check_header(|head| replace_in_authorization(head, "Signature=", "Signature=a"), INVALID, MISMATCH);
    check_header(|head| replace_in_authorization(head, "host;x-amz-date", "x-amz-date;host"), INVALID, MISMATCH);
    check_header(|head| replace_in_authorization(head, "host;", "host;host;"), INVALID, MISMATCH);
    check_header(|head| replace_in_authorization(head, "host;", "Host;"), INVALID, MISMATCH);
    check_header(|head| replace_in_authorization(head, "host;", ";host;"), INVALID, MISMATCH);
    check_header(|head| replace_in_authorization(head, "host;", "host;not a name;"), INCOMPLETE, &not_a_pair());
    check_header(|head| replace_in_authorization(head, "host;", "host;via;"), INVALID, MISMATCH);
    check_header(|head| drop(head.headers.remove("host")), INVALID, MISMATCH);
    check_header(|head| drop(head.headers.remove("x-amz-security-token")), INVALID, MISMATCH);
}

fn not_a_pair() -> String {
    let mut head = signed(Form::Header);
    replace_in_authorization(&mut head, "host;", "host;not a name;");
    let text = head.headers["authorization"].to_str().unwrap();
    format!(
        "'a' not a valid key=value pair (missing equal-sign) in Authorization header: '{text}'."
    )
}

#[test]
fn a_declared_body_hash_must_be_that_of_the_body() {
    let body = b"body";
    let declared = |hash: &str| {
        let headers = vec![("x-amz-content-sha256".to_owned(), hash.to_owned())];
        let request = Unsigned {
            method: "POST".to_owned(),
            uri: "/".to_owned(),
            headers,
            body: body.to_vec(),
            token: None,
        };
        authenticate(&request.signed(Form::Header), body, at(NOW))
    };
    assert_eq!(declared(&body_sha256(body)), Ok(()));
    let wrong = [
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        EMPTY_BODY_SHA256,
        "",
    ];
    for hash in wrong {
        assert_eq!(declared(hash), Err(SignatureError::Mismatch), "{hash}");
    }
}

#[test]
fn an_unsigned_payload_is_refused_however_it_was_signed() {
    let mut head = signed(Form::Header);
    set(&mut head, "x-amz-content-sha256", b"UNSIGNED-PAYLOAD");
    replace_in_authorization(&mut head, "host;", "host;x-amz-content-sha256;");
    check(&head, NOW, INVALID, MISMATCH);
}

#[test]
fn a_date_header_stands_in_for_x_amz_date() {
    let mut head = signed(Form::Header);
    let date = head.headers.remove("x-amz-date").unwrap();
    head.headers.insert("date", date);
    replace_in_authorization(&mut head, ";x-amz-date", "");
    check(&head, NOW, INVALID, MISMATCH); // Read, and not what was signed.
    set(&mut head, "date", b"Sun, 26 Nov 2017 16:54:25 GMT");
    let text = "Signature expired: 20171126T165425Z is now earlier than 20171126T165554Z (20171126T170054Z - 5 min.)";
    check(&head, NOW, INVALID, text);
}

#[test]
fn a_claim_tells_who_what_and_over_what() {
    for (form, presigned) in [(Form::Header, false), (Form::Query, true)] {
        let claim = claim(&signed(form), at(NOW)).unwrap();
        let scope = claim.scope();
        let read = (claim.access_key_id(), claim.session_token(), claim.is_presigned());
        assert_eq!(read, (KEY_ID, Some("token"), presigned));
        assert_eq!(
            (scope.date(), scope.region(), scope.service()),
            ("20171126", "us-east-1", "lambda")
        );
        assert!(claim.signs_header("Host"));
        assert_eq!(claim.signs_header("x-amz-date"), !presigned);
        assert!(!claim.signs_header("ost"));
    }
}

#[test]
fn what_cannot_be_signed_is_an_error() {
    use portcullis_sigv4::SigningError::{NoHost, Unprintable};
    let sign_it = |uri: &str, token: &str| {
        let mut head = Request::get(uri).body(()).unwrap().into_parts().0;
        sign(&mut head, b"", &credentials(Some(token)), "us-east-1", "lambda", at(NOW))
    };
    assert_eq!(sign_it("/", "token"), Err(NoHost));
    assert_eq!(sign_it("http://localhost/", "a\nb"), Err(Unprintable));
    assert_eq!(sign_it("http://localhost/", "token"), Ok(()));
}

#[test]
fn secrets_are_not_printed() {
    let key = SigningKey::derive(SECRET, "20171126", "us-east-1", "lambda");
    let head = signed(Form::Header);
    let printed = format!("{:?} {key:?} {:?}", credentials(Some("s3ss10n")), head.headers);
    assert!(!printed.contains(SECRET) && !printed.contains("s3ss10n"), "{printed}");
}
