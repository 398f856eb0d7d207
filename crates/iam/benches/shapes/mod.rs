//! Calls and the documents that decide them, in the shapes that policies take: for measuring, and
//! for holding that deciding allocates nothing.

use std::fmt;

use portcullis_iam::{
    Decision, DocumentKind, MapContext, Policies, Policy, Principal, Request, decide,
};

pub(crate) const ACCOUNT: &str = "111111111111";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:orders";
pub(crate) const USER: &str = "arn:aws:iam::111111111111:user/alice";

/// Longest policy of a function, in bytes. Source: iam.md §2.4.
const FULL_BYTES: usize = 20_480;

/// A call, its documents, and how it is decided.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// Longest that the decision may take at the median, in nanoseconds.
    pub(crate) goal: u32,
    pub(crate) allowed: bool,
    pub(crate) principal: Principal,
    pub(crate) action: String,
    pub(crate) context: MapContext,
    pub(crate) identity: Vec<Policy>,
    pub(crate) boundary: Vec<Policy>,
    pub(crate) session: Option<Vec<Policy>>,
    pub(crate) service_control: Option<Vec<Vec<Policy>>>,
    pub(crate) resource: Vec<Policy>,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (up to {} ns)", self.name, self.goal)
    }
}

impl Shape {
    pub(crate) fn new(name: &'static str, goal: u32, caller: &str, context: MapContext) -> Self {
        Self {
            name,
            goal,
            allowed: true,
            principal: Principal::parse(caller).unwrap_or_else(|error| unreachable!("{error}")),
            action: "lambda:InvokeFunction".to_owned(),
            context,
            identity: Vec::new(),
            boundary: Vec::new(),
            session: None,
            service_control: None,
            resource: Vec::new(),
        }
    }

    fn denied(self) -> Self {
        Self { allowed: false, ..self }
    }

    pub(crate) fn identity(self, text: &str) -> Self {
        Self { identity: vec![parse(DocumentKind::Identity, text)], ..self }
    }

    fn resource(self, text: &str) -> Self {
        Self { resource: vec![parse(DocumentKind::Resource, text)], ..self }
    }

    /// What `ask` makes of the call and its documents.
    pub(crate) fn ask<R>(&self, ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> R) -> R {
        let (identity, boundary) = (borrow(&self.identity), borrow(&self.boundary));
        let (session, resource) = (self.session.as_deref().map(borrow), borrow(&self.resource));
        let levels: Option<Vec<Vec<&Policy>>> =
            self.service_control.as_ref().map(|levels| levels.iter().map(|l| borrow(l)).collect());
        let levels: Option<Vec<&[&Policy]>> =
            levels.as_ref().map(|levels| levels.iter().map(Vec::as_slice).collect());
        let request = Request {
            principal: &self.principal,
            action: &self.action,
            resource: FUNCTION,
            resource_account: ACCOUNT,
            context: &self.context,
        };
        let policies = Policies {
            identity: &identity,
            boundary: &boundary,
            session: session.as_deref(),
            service_control: levels.as_deref(),
            resource: &resource,
            ..Policies::default()
        };
        let decided = decide(&request, &policies);
        assert_eq!(decided == Decision::Allowed, self.allowed, "{self}: {decided:?}");
        ask(&request, &policies)
    }
}

fn borrow(pool: &[Policy]) -> Vec<&Policy> {
    pool.iter().collect()
}

fn parse(kind: DocumentKind, text: &str) -> Policy {
    Policy::parse(kind, text).unwrap_or_else(|error| unreachable!("{error}: {text}"))
}

pub(crate) fn document(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// A document of so many statements as a function's policy may have; `last` comes after the others.
fn full_with(last: Option<String>, statement: impl Fn(usize) -> String) -> String {
    let room = FULL_BYTES - document(&Vec::from_iter(last.clone())).len();
    let mut used = 0;
    let fits = |one: &String| {
        used += one.len() + 1;
        used <= room
    };
    let statements = (0..).map(statement).take_while(fits).chain(last);
    document(&statements.collect::<Vec<_>>())
}

pub(crate) fn full(statement: impl Fn(usize) -> String) -> String {
    full_with(None, statement)
}

/// A grant as AddPermission writes it; the parts are JSON.
fn grant(sid: &str, principal: &str, action: &str, condition: &str) -> String {
    format!(
        r#"{{"Sid":"{sid}","Effect":"Allow","Principal":{principal},"Action":"lambda:{action}","Resource":"{FUNCTION}","Condition":{condition}}}"#
    )
}

/// A grant to S3 for one bucket.
pub(crate) fn bucket_grant(n: usize) -> String {
    let condition = format!(
        r#"{{"StringEquals":{{"AWS:SourceAccount":"{ACCOUNT}"}},"ArnLike":{{"AWS:SourceArn":"arn:aws:s3:::bucket-{n}"}}}}"#
    );
    grant(&format!("s{n}"), r#"{"Service":"s3.amazonaws.com"}"#, "InvokeFunction", &condition)
}

fn gateway_grant(n: usize) -> String {
    let condition = format!(
        r#"{{"ArnLike":{{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3d4e5/*/GET/orders{n}"}}}}"#
    );
    let principal = r#"{"Service":"apigateway.amazonaws.com"}"#;
    grant(&format!("g{n}"), principal, "InvokeFunction", &condition)
}

/// Five grants: to S3, API Gateway, EventBridge, an organization's account, and a function URL.
fn five_grants() -> String {
    let rule = format!(
        r#"{{"ArnLike":{{"AWS:SourceArn":"arn:aws:events:us-east-1:{ACCOUNT}:rule/nightly"}}}}"#
    );
    let organization = r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}"#;
    let url = r#"{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}"#;
    let account = r#"{"AWS":"arn:aws:iam::222222222222:root"}"#;
    document(&[
        bucket_grant(1),
        gateway_grant(1),
        grant("events", r#"{"Service":"events.amazonaws.com"}"#, "InvokeFunction", &rule),
        grant("partner", account, "InvokeFunction", organization),
        grant("url", r#""*""#, "InvokeFunctionUrl", url),
    ])
}

/// What a user may: read, invoke from one network, and not delete.
const OWN: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Sid":"Read","Effect":"Allow","Action":["lambda:Get*","lambda:List*"],"Resource":"*"},
    {"Sid":"Invoke","Effect":"Allow","Action":"lambda:InvokeFunction",
     "Resource":"arn:aws:lambda:*:111111111111:function:*",
     "Condition":{"Bool":{"aws:SecureTransport":"true"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}},
    {"Sid":"NoDelete","Effect":"Deny","Action":"lambda:Delete*","Resource":"*"}]}"#;

pub(crate) fn user_context() -> MapContext {
    MapContext::from_iter([
        ("aws:SourceIp", "203.0.113.7"),
        ("aws:SecureTransport", "true"),
        ("aws:username", "alice"),
        ("aws:PrincipalArn", USER),
        ("aws:RequestedRegion", "us-east-1"),
    ])
}

fn source(arn: &str) -> MapContext {
    MapContext::from_iter([
        ("aws:SourceArn", arn),
        ("aws:SourceAccount", ACCOUNT),
        ("aws:SecureTransport", "true"),
    ])
}

/// All shapes.
pub(crate) fn all() -> Vec<Shape> {
    let mut all = small();
    all.extend(full_grants());
    all.extend(full_identity());
    all.extend(full_lists());
    all.push(all_layers());
    all
}

fn small() -> Vec<Shape> {
    let one =
        format!(r#"{{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"{FUNCTION}"}}"#);
    let to_s3 = grant("s3", r#"{"Service":"s3.amazonaws.com"}"#, "InvokeFunction", "{}");
    let bucket = || source("arn:aws:s3:::bucket-1");
    vec![
        Shape::new("one_statement", 60, USER, user_context()).identity(&document(&[one])),
        Shape::new("one_grant", 60, "s3.amazonaws.com", bucket()).resource(&document(&[to_s3])),
        Shape::new("typical_user", 250, USER, user_context())
            .identity(OWN)
            .resource(&five_grants()),
        Shape::new("typical_service", 250, "s3.amazonaws.com", bucket()).resource(&five_grants()),
        Shape::new("typical_stranger", 250, "sns.amazonaws.com", bucket())
            .resource(&five_grants())
            .denied(),
    ]
}

/// Policies of functions that are full of grants.
fn full_grants() -> Vec<Shape> {
    let by_bucket = full(bucket_grant);
    let by_principal = full(|n| {
        let role =
            format!(r#"{{"AWS":"arn:aws:iam::{:012}:role/caller-{n}"}}"#, 200_000_000_000 + n);
        grant(&format!("p{n}"), &role, "InvokeFunction", "{}")
    });
    let by_service = full(|n| {
        let service = format!(r#"{{"Service":"service{}.amazonaws.com"}}"#, n % 20);
        let arn = format!(r#"{{"ArnLike":{{"AWS:SourceArn":"arn:aws:service:::thing-{n}"}}}}"#);
        grant(&format!("m{n}"), &service, "InvokeFunction", &arn)
    });
    let shape = |name, caller: &str, arn: &str| Shape::new(name, 2_000, caller, source(arn));
    let route = "arn:aws:execute-api:us-east-1:111111111111:a1b2c3d4e5/prod/GET/orders7";
    vec![
        shape("full_by_bucket", "s3.amazonaws.com", "arn:aws:s3:::bucket-60").resource(&by_bucket),
        shape("full_by_bucket_missing", "s3.amazonaws.com", "arn:aws:s3:::bucket-800")
            .resource(&by_bucket)
            .denied(),
        Shape::new("full_by_bucket_user", 2_000, USER, user_context())
            .identity(OWN)
            .resource(&by_bucket),
        shape("full_by_principal", "arn:aws:sts::200000000007:assumed-role/caller-7/s", "")
            .identity(OWN_OF_PARTNER)
            .resource(&by_principal),
        shape("full_by_service", "service7.amazonaws.com", "arn:aws:service:::thing-47")
            .resource(&by_service),
        shape("full_by_route", "apigateway.amazonaws.com", route).resource(&full(gateway_grant)),
    ]
}

const OWN_OF_PARTNER: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}]}"#;

/// One of the words, again from the first after the last.
pub(crate) fn nth(words: &[&'static str], n: usize) -> &'static str {
    words.iter().cycle().nth(n).copied().unwrap_or_default()
}

/// Identity-based policies as long as a function's, of many statements.
fn full_identity() -> Vec<Shape> {
    let wide = || Some(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#.to_owned());
    let deny = |resource: &str| {
        format!(r#"{{"Effect":"Deny","Action":"lambda:*","Resource":"{resource}"}}"#)
    };
    let deny_list = full_with(wide(), |n| {
        deny(&format!("arn:aws:lambda:*:*:function:${{aws:username}}-{n}-*"))
    });
    let deny_words = full_with(wide(), |n| {
        let words = ["payments", "mailers", "returns", "reports", "admin", "audit", "trades"];
        let (one, other) = (nth(&words, n), nth(&words, n / 7));
        deny(&format!("arn:aws:lambda:*:*:function:{one}-{other}-*"))
    });
    let by_action = full_with(wide(), |n| {
        let verb = nth(&["Get", "List", "Put", "Invoke"], n);
        format!(
            r#"{{"Effect":"Deny","Action":["lambda:*{verb}*Thing{n}*","s{n}:*"],"Resource":"*"}}"#
        )
    });
    let by_function = full(|n| {
        let name = if n == 99 { "orders".to_owned() } else { format!("f{n}") };
        let arn = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}");
        format!(r#"{{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"{arn}"}}"#)
    });
    let shape = |name| Shape::new(name, 2_000, USER, user_context());
    vec![
        shape("full_deny_list").identity(&deny_list),
        shape("full_deny_words").identity(&deny_words),
        shape("full_wildcard_actions").identity(&by_action),
        shape("full_by_function").identity(&by_function),
    ]
}

/// Policies of one statement with a list that fills them.
fn full_lists() -> Vec<Shape> {
    let list = |item: &dyn Fn(usize) -> String, last: String, bytes: usize| {
        let count = (FULL_BYTES - 400) / (bytes + 3);
        let items: Vec<_> = (0..count).map(item).chain([last]).collect();
        format!(r#"["{}"]"#, items.join(r#"",""#))
    };
    let accounts = list(&|n| format!("{:012}", 300_000_000_000_usize + n), ACCOUNT.to_owned(), 12);
    let networks =
        list(&|n| format!("10.{}.{}.0/24", n / 250, n % 250), "203.0.113.0/24".to_owned(), 14);
    let users = list(&|n| format!("arn:aws:iam::{ACCOUNT}:user/u{n:04}"), USER.to_owned(), 36);
    let functions = list(
        &|n| format!("arn:aws:lambda:*:*:function:f{n:04}*"),
        "arn:aws:lambda:*:*:function:or*".to_owned(),
        36,
    );
    let actions = list(&|n| format!("lambda:*Thing{n:04}"), "lambda:*".to_owned(), 17);
    let own = |action: &str, resource: &str, condition: &str| {
        document(&[format!(
            r#"{{"Effect":"Allow","Action":{action},"Resource":{resource},"Condition":{condition}}}"#
        )])
    };
    let s3 = r#"{"Service":"s3.amazonaws.com"}"#;
    let by_account = grant(
        "a",
        s3,
        "InvokeFunction",
        &format!(r#"{{"StringEquals":{{"aws:SourceAccount":{accounts}}}}}"#),
    );
    let by_user = grant("u", &format!(r#"{{"AWS":{users}}}"#), "InvokeFunction", "{}");
    let shape = |name| Shape::new(name, 2_000, USER, user_context());
    vec![
        Shape::new("full_accounts", 2_000, "s3.amazonaws.com", source("arn:aws:s3:::b"))
            .resource(&document(&[by_account])),
        shape("full_principals").resource(&document(&[by_user])),
        shape("full_networks").identity(&own(
            r#""*""#,
            r#""*""#,
            &format!(r#"{{"IpAddress":{{"aws:SourceIp":{networks}}}}}"#),
        )),
        shape("full_resources").identity(&own(r#""*""#, &functions, "{}")),
        shape("full_actions").identity(&own(&actions, r#""*""#, "{}")),
    ]
}

/// A typical user with a boundary, a session policy and two levels of service control policies.
fn all_layers() -> Shape {
    use DocumentKind::{Boundary, ServiceControl, Session};
    let full_access =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let regions = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:*","sts:*","organizations:*"],
        "Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}}}]}"#;
    let boundary = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:*","s3:*","logs:*"],"Resource":"*"}]}"#;
    let session = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction",
        "Resource":"arn:aws:lambda:us-east-1:111111111111:function:*"}]}"#;
    let level = |texts: &[&str]| texts.iter().map(|text| parse(ServiceControl, text)).collect();
    Shape {
        boundary: vec![parse(Boundary, boundary)],
        session: Some(vec![parse(Session, session)]),
        service_control: Some(vec![level(&[full_access]), level(&[full_access, regions])]),
        ..Shape::new("all_layers", 600, USER, user_context()).identity(OWN).resource(&five_grants())
    }
}
