//! The operations that the harness calls, signed, over one connection.

use std::{
    io::{Cursor, Write as _},
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::Method;
use jiff::Timestamp;
use portcullis_sigv4::Credentials;
use serde_json::{Value, json};

use crate::{
    Fallible,
    wire::{Answer, Call, Connection},
};

/// The account that a server's root is of unless told otherwise.
pub(crate) const ACCOUNT: &str = "123456789012";

/// What every function runs.
pub(crate) const HANDLER: &str = "def handler(event, context): return event\n";

/// What every call of a function sends; the example in Rust greets whoever it names.
pub(crate) const PAYLOAD: &str = r#"{"name":"you","key2":"value2","key3":"value3"}"#;

/// The role that the functions have.
pub(crate) const ROLE: &str = "bench";

/// Whether the server is well: a call that nobody signs.
pub(crate) const HEALTH: &str = "GET /_portcullis/health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// How long a function may take to become active.
const ACTIVE: Duration = Duration::from_secs(60);

/// A caller on a connection.
#[derive(Debug)]
pub(crate) struct Session {
    address: SocketAddr,
    key: Credentials,
    connection: Connection,
}

impl Session {
    pub(crate) fn new(address: SocketAddr, key: Credentials) -> Fallible<Self> {
        Ok(Self { address, key, connection: Connection::open(address)? })
    }

    /// Signs and sends; the answer, whatever it says.
    pub(crate) fn send(&mut self, call: &Call) -> Fallible<Answer> {
        let request = call.sign(self.address, &self.key, Timestamp::now())?;
        self.connection.send(&request)
    }

    /// The same; any status but a success is an error with the server's answer.
    fn call(&mut self, call: &Call) -> Fallible<Answer> {
        let answer = self.send(call)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let body = String::from_utf8_lossy(&answer.body);
        Err(format!("{} {}: {} {body}", call.method, call.path, answer.status).into())
    }

    /// One action of IAM.
    fn iam(&mut self, action: &str, parameters: &[(&str, &str)]) -> Fallible<Answer> {
        self.call(&query("iam", action, "2010-05-08", parameters))
    }

    /// A role that functions can have.
    pub(crate) fn create_role(&mut self, name: &str) -> Fallible<()> {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }]});
        let trust = trust.to_string();
        self.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)])?;
        Ok(())
    }

    /// Creates a role that this caller may assume, and assumes it; the session's credentials.
    pub(crate) fn assume_new_role(&mut self, role: &str, session: &str) -> Fallible<Credentials> {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": ACCOUNT},
            "Action": "sts:AssumeRole",
        }]});
        let trust = trust.to_string();
        self.iam("CreateRole", &[("RoleName", role), ("AssumeRolePolicyDocument", &trust)])?;
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", session)];
        credentials(self.call(&sts("AssumeRole", &parameters))?)
    }

    /// Temporary credentials of the caller itself.
    pub(crate) fn session_token(&mut self) -> Fallible<Credentials> {
        credentials(self.call(&sts("GetSessionToken", &[]))?)
    }

    /// Creates a user who has nothing.
    pub(crate) fn create_bare_user(&mut self, name: &str) -> Fallible<()> {
        self.iam("CreateUser", &[("UserName", name)])?;
        Ok(())
    }

    /// Creates a user with one inline policy; its key.
    pub(crate) fn create_user(&mut self, name: &str, policy: &Value) -> Fallible<Credentials> {
        let (user, policy) = (("UserName", name), policy.to_string());
        self.iam("CreateUser", &[user])?;
        let document = ("PolicyDocument", policy.as_str());
        self.iam("PutUserPolicy", &[user, ("PolicyName", "own"), document])?;
        credentials(self.iam("CreateAccessKey", &[user])?)
    }

    /// Creates a function whose package is `zip`, in base64.
    pub(crate) fn create_function(&mut self, name: &str, runtime: &str, zip: &str) -> Fallible<()> {
        self.create_function_with(name, runtime, zip, 3)
    }

    /// The same, with this time-out in seconds.
    pub(crate) fn create_function_with(
        &mut self,
        name: &str,
        runtime: &str,
        zip: &str,
        timeout: u32,
    ) -> Fallible<()> {
        let body = json!({
            "FunctionName": name,
            "Runtime": runtime,
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}"),
            "Handler": "index.handler",
            "Timeout": timeout,
            "Code": {"ZipFile": zip},
        });
        self.call(&lambda(Method::POST, "", body.to_string()))?;
        Ok(())
    }

    /// Deletes a function with all that belongs to it.
    pub(crate) fn delete_function(&mut self, name: &str) -> Fallible<()> {
        self.call(&lambda(Method::DELETE, &format!("/{name}"), ""))?;
        Ok(())
    }

    /// Calls the function with this payload; the answer must be a success.
    pub(crate) fn invoke_with(&mut self, name: &str, payload: &str) -> Fallible<Answer> {
        self.call(&lambda(Method::POST, &format!("/{name}/invocations"), payload))
    }

    /// Waits until the function can be called.
    pub(crate) fn await_active(&mut self, name: &str) -> Fallible<()> {
        let until = Instant::now() + ACTIVE;
        loop {
            let answer = self.call(&lambda(Method::GET, &format!("/{name}/configuration"), ""))?;
            let configuration: Value = serde_json::from_slice(&answer.body)?;
            match configuration.get("State").and_then(Value::as_str) {
                Some("Active") => return Ok(()),
                Some("Pending") if Instant::now() < until => {
                    thread::sleep(Duration::from_millis(5));
                }
                _ => return Err(format!("{name} is not active: {configuration}").into()),
            }
        }
    }

    /// Grants another account the right to call; how long that took.
    pub(crate) fn add_permission(&mut self, function: &str, statement: &str) -> Fallible<Duration> {
        let grant = json!({
            "StatementId": statement,
            "Action": "lambda:InvokeFunction",
            "Principal": "223456789012",
        });
        self.grant(function, &grant)
    }

    /// Makes a grant; how long that took.
    pub(crate) fn grant(&mut self, function: &str, grant: &Value) -> Fallible<Duration> {
        let call = lambda(Method::POST, &format!("/{function}/policy"), grant.to_string());
        Ok(self.call(&call)?.time)
    }

    /// Takes the grant back.
    pub(crate) fn remove_permission(&mut self, function: &str, statement: &str) -> Fallible<()> {
        self.call(&lambda(Method::DELETE, &format!("/{function}/policy/{statement}"), ""))?;
        Ok(())
    }

    /// The function's policy; the answer's body as it is.
    pub(crate) fn get_policy(&mut self, function: &str) -> Fallible<Vec<u8>> {
        Ok(self.call(&get_policy(function))?.body)
    }

    /// One page of the list, by the path of [`functions_page`]: how many functions it has, and where
    /// the next one begins.
    pub(crate) fn list_functions(&mut self, path: &str) -> Fallible<(usize, Option<String>)> {
        let page: Value = serde_json::from_slice(&self.call(&read(path))?.body)?;
        let count = page.get("Functions").and_then(Value::as_array).ok_or("no functions")?.len();
        let marker = page.get("NextMarker").and_then(Value::as_str).map(Into::into);
        Ok((count, marker))
    }

    /// Calls the function, which answers what it was sent; how long that took.
    pub(crate) fn invoke(&mut self, function: &str) -> Fallible<Duration> {
        self.invoke_for(function, PAYLOAD)
    }

    /// The same of a function that answers this JSON.
    pub(crate) fn invoke_for(&mut self, function: &str, want: &str) -> Fallible<Duration> {
        let answer = self.call(&invocation(function))?;
        let same =
            serde_json::from_slice::<Value>(&answer.body)? == serde_json::from_str::<Value>(want)?;
        let body = String::from_utf8_lossy(&answer.body);
        same.then_some(answer.time).ok_or_else(|| format!("the function answered {body}").into())
    }
}

/// The credentials in an answer of IAM or STS.
fn credentials(answer: Answer) -> Fallible<Credentials> {
    let xml = String::from_utf8(answer.body)?;
    let element = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        Some(rest.split_once('<')?.0.to_owned())
    };
    let missing = "an answer without credentials";
    Ok(Credentials {
        access_key_id: element("AccessKeyId").ok_or(missing)?,
        secret_access_key: element("SecretAccessKey").ok_or(missing)?,
        session_token: element("SessionToken"),
    })
}

/// The call that asks who calls.
pub(crate) fn caller_identity() -> Call {
    sts("GetCallerIdentity", &[])
}

/// One action of STS.
fn sts(action: &str, parameters: &[(&str, &str)]) -> Call {
    query("sts", action, "2011-06-15", parameters)
}

/// One action of a service of the Query protocol.
fn query(service: &'static str, action: &str, version: &str, rest: &[(&str, &str)]) -> Call {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("Action", action), ("Version", version)])
        .extend_pairs(rest)
        .finish();
    Call { service, method: Method::POST, path: "/".to_owned(), body, header: None }
}

/// The call of a function.
pub(crate) fn invocation(function: &str) -> Call {
    lambda(Method::POST, &format!("/{function}/invocations"), PAYLOAD)
}

/// The call that reads a function's policy.
pub(crate) fn get_policy(function: &str) -> Call {
    lambda(Method::GET, &format!("/{function}/policy"), "")
}

/// The call that reads a function.
pub(crate) fn get_function(function: &str) -> Call {
    lambda(Method::GET, &format!("/{function}"), "")
}

/// The path of the list of functions, from `marker` on.
pub(crate) fn functions_page(entries: usize, marker: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("MaxItems", &entries.to_string());
    query.extend_pairs(marker.map(|marker| ("Marker", marker)));
    format!("/?{}", query.finish())
}

/// A read of what `path` says, below the functions.
pub(crate) fn read(path: &str) -> Call {
    lambda(Method::GET, path, "")
}

/// The call that asks whether the function may be called, and does not call it.
pub(crate) fn dry_run(function: &str) -> Call {
    let header = Some(("x-amz-invocation-type", "DryRun"));
    Call { header, ..lambda(Method::POST, &format!("/{function}/invocations"), "") }
}

/// A call of what is below the functions.
pub(crate) fn function_call(method: Method, path: &str, body: String) -> Call {
    lambda(method, path, body)
}

fn lambda(method: Method, path: &str, body: impl Into<String>) -> Call {
    let path = format!("/2015-03-31/functions{path}");
    Call { service: "lambda", method, path, body: body.into(), header: None }
}

/// A package with this Python code in it, in base64.
pub(crate) fn package_of(code: &str) -> Fallible<String> {
    File { name: "index.py", content: code.into(), mode: 0o644 }.package()
}

/// The code of a function.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
}

impl File {
    /// A package of it alone, in base64.
    pub(crate) fn package(&self) -> Fallible<String> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().unix_permissions(self.mode);
        archive.start_file(self.name, options)?;
        archive.write_all(&self.content)?;
        Ok(BASE64_STANDARD.encode(archive.finish()?.into_inner()))
    }
}
