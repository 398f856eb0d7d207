//! `portcullis quickstart`: the main job in a minute, over the real wire.
//!
//! Starts a server on an empty data folder, deploys a function, sends the two requests of the
//! AddPermission reference page, and shows who may call, who may not, and why.

use std::{io::Write as _, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use http::{Method, Response};
use portcullis_sandbox::Confinement;
use portcullis_sigv4::Credentials;
use serde_json::{Value, json};

use crate::{
    CliError,
    cli::QuickstartArguments,
    client::Client,
    console::say,
    serve::{self, Running},
};

/// The account that owns the function; the other two are strangers to it.
const OWNER: &str = "123456789012";
const FRIEND: &str = "223456789012";
const STRANGER: &str = "333456789012";

/// The function, its role, and the bucket of the reference page.
const FUNCTION: &str = "my-function";
const ROLE: &str = "my-function-role";
const BUCKET: &str = "arn:aws:s3:::my-bucket-1xpuxmplzrlbh/*";

/// The code that is deployed: it answers who asked for what.
const HANDLER: &str =
    "def handler(event, context):\n    return {'hello': event.get('name', 'world')}\n";

/// How long a new function may take to become active before the quickstart gives up.
const ACTIVE_MAX: Duration = Duration::from_secs(30);

/// Runs the whole show; serves on afterwards unless told not to.
///
/// # Errors
/// [`CliError`] naming the step that failed, with the server's answer.
pub(crate) async fn run(arguments: &QuickstartArguments) -> Result<(), CliError> {
    let runtime = serve::prepare_runtime().await?;
    let running = serve::start_quickstart(arguments).await?;
    let shown = show(&running, runtime).await;
    if shown.is_ok() && !arguments.exit {
        paste_lines(&running)?;
        running.until_signal().await;
    }
    running.stop().await?;
    shown
}

/// Everything between the start and the lines to paste.
async fn show(running: &Running, runtime: &str) -> Result<(), CliError> {
    let confinement = running.confinement();
    if matches!(confinement, Confinement::Refused { .. }) {
        return Err(CliError::NotIsolated(confinement.clone()));
    }
    say!("   {confinement}")?;
    let owner = Step(running.root_client());
    say!("\n1. Deploying {FUNCTION} ({runtime}) from a zip")?;
    deploy(&owner, runtime).await?;
    say!("\n2. Granting, with the two requests of the AddPermission reference page")?;
    grant(&owner).await?;
    say!("\n3. Making callers: keys for the S3 service and for two other accounts")?;
    let callers = Callers::make(&owner).await?;
    say!("\n4. Who may call, who may not, and why\n")?;
    let table = call_all(&owner, &callers).await?;
    Ok(say!("{table}")?)
}

/// Calls that must succeed for the show to go on.
struct Step(Client);

impl Step {
    /// One call of `service`; any answer but a success ends the quickstart with that answer.
    async fn call(
        &self,
        service: &str,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>, CliError> {
        let kind =
            if service == "iam" { "application/x-www-form-urlencoded" } else { "application/json" };
        let headers = [("content-type", kind)];
        let answer = self.0.call(service, method.clone(), path, &headers, body).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let step = format!("{method} {path}");
        Err(CliError::Step { step, answer: text(&answer) })
    }

    async fn lambda(&self, method: Method, path: &str, body: &Value) -> Result<Value, CliError> {
        let answer = self.call("lambda", method, path, body.to_string()).await?;
        Ok(serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    /// One IAM action in the query protocol; answers the XML.
    async fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Result<String, CliError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-05-08");
        form.extend_pairs(parameters);
        Ok(text(&self.call("iam", Method::POST, "/", form.finish()).await?))
    }

    /// The same server, called with another key.
    fn with(&self, credentials: Credentials) -> Self {
        Self(self.0.with(Some(credentials)))
    }
}

/// Role, function, and the wait until it is active.
async fn deploy(owner: &Step, runtime: &str) -> Result<(), CliError> {
    let trust = allow(
        &json!({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}),
    );
    owner.iam("CreateRole", &[("RoleName", ROLE), ("AssumeRolePolicyDocument", &trust)]).await?;
    let function = json!({
        "FunctionName": FUNCTION,
        "Runtime": runtime,
        "Role": format!("arn:aws:iam::{OWNER}:role/{ROLE}"),
        "Handler": "index.handler",
        "Timeout": 10,
        "Code": {"ZipFile": BASE64_STANDARD.encode(zip("index.py", HANDLER)?)},
    });
    let created = owner.lambda(Method::POST, "/2015-03-31/functions", &function).await?;
    say!("   {}", at(&created, "/FunctionArn").unwrap_or_default())?;
    active(owner).await
}

/// Polls the state, as the SDKs' waiters do.
async fn active(owner: &Step) -> Result<(), CliError> {
    let path = format!("/2015-03-31/functions/{FUNCTION}/configuration");
    let poll = async {
        loop {
            let now = owner.lambda(Method::GET, &path, &Value::Null).await?;
            match at(&now, "/State") {
                Some("Pending") => tokio::time::sleep(Duration::from_millis(20)).await,
                Some("Active") => return Ok(()),
                _ => return Err(CliError::Step { step: "deploy".into(), answer: now.to_string() }),
            }
        }
    };
    let late = || CliError::Step { step: "deploy".into(), answer: "still Pending".into() };
    tokio::time::timeout(ACTIVE_MAX, poll).await.unwrap_or_else(|_| Err(late()))
}

/// The two grants; prints each statement as the server answered it.
async fn grant(owner: &Step) -> Result<(), CliError> {
    let s3 = json!({
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceAccount": OWNER,
        "SourceArn": BUCKET,
        "StatementId": "s3",
    });
    let account = json!({
        "Action": "lambda:InvokeFunction",
        "Principal": FRIEND,
        "StatementId": "xaccount",
    });
    for request in [s3, account] {
        let path = format!("/2015-03-31/functions/{FUNCTION}/policy");
        let granted = owner.lambda(Method::POST, &path, &request).await?;
        say!("   {}", at(&granted, "/Statement").unwrap_or_default())?;
    }
    Ok(())
}

/// The keys of everyone who calls.
struct Callers {
    s3: Credentials,
    friend_with_policy: Credentials,
    friend_without_policy: Credentials,
    stranger: Credentials,
}

impl Callers {
    async fn make(owner: &Step) -> Result<Self, CliError> {
        let s3 = service_key(owner, "s3.amazonaws.com").await?;
        let friend = owner.with(root_key(owner, FRIEND).await?);
        let friend_with_policy = user_key(&friend, "alice").await?;
        let policy = allow(&json!({
            "Action": "lambda:InvokeFunction",
            "Resource": format!("arn:aws:lambda:*:{OWNER}:function:{FUNCTION}"),
        }));
        let parameters =
            [("UserName", "alice"), ("PolicyName", "invoke"), ("PolicyDocument", policy.as_str())];
        friend.iam("PutUserPolicy", &parameters).await?;
        let friend_without_policy = user_key(&friend, "bob").await?;
        let stranger = root_key(owner, STRANGER).await?;
        say!(
            "   s3.amazonaws.com; {FRIEND}: alice (may invoke), bob (no policy); {STRANGER}: root"
        )?;
        Ok(Self { s3, friend_with_policy, friend_without_policy, stranger })
    }
}

async fn service_key(owner: &Step, service: &str) -> Result<Credentials, CliError> {
    let body = json!({"ServiceName": service}).to_string();
    let answer = owner.call("portcullis", Method::POST, "/_portcullis/access-keys", body).await?;
    json_key(&answer)
}

async fn root_key(owner: &Step, account: &str) -> Result<Credentials, CliError> {
    let path = format!("/_portcullis/accounts/{account}/root-access-keys");
    json_key(&owner.call("portcullis", Method::POST, &path, "{}").await?)
}

fn json_key(answer: &Response<Bytes>) -> Result<Credentials, CliError> {
    let parsed: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    let member = |pointer| at(&parsed, pointer).map(str::to_owned);
    let (id, secret) = (member("/AccessKey/AccessKeyId"), member("/AccessKey/SecretAccessKey"));
    credentials(id, secret, || text(answer))
}

/// A user of the caller's account, and a key for it.
async fn user_key(account: &Step, name: &str) -> Result<Credentials, CliError> {
    account.iam("CreateUser", &[("UserName", name)]).await?;
    let xml = account.iam("CreateAccessKey", &[("UserName", name)]).await?;
    let element = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        rest.split_once("</").map(|(value, _)| value.to_owned())
    };
    credentials(element("AccessKeyId"), element("SecretAccessKey"), || xml.clone())
}

fn credentials(
    id: Option<String>,
    secret: Option<String>,
    answer: impl Fn() -> String,
) -> Result<Credentials, CliError> {
    match (id, secret) {
        (Some(access_key_id), Some(secret_access_key)) => {
            Ok(Credentials { access_key_id, secret_access_key, session_token: None })
        }
        _ => Err(CliError::Step { step: "create an access key".into(), answer: answer() }),
    }
}

/// Makes every call of the show and lays the answers out.
async fn call_all(owner: &Step, callers: &Callers) -> Result<Table, CliError> {
    let photo = "arn:aws:s3:::my-bucket-1xpuxmplzrlbh/photo.jpg";
    let elsewhere = "arn:aws:s3:::another-bucket/photo.jpg";
    let s3 = Some(callers.s3.clone());
    let forged = Credentials {
        secret_access_key: "not-the-secret".into(),
        ..callers.friend_with_policy.clone()
    };
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["caller", "call", "result"]);
    let mut row = async |who: &str, how: &str, key: Option<Credentials>, source: &[_]| {
        let result = invoke(&owner.0.with(key), source).await?;
        table.add_row([who, how, &result]);
        Ok::<(), CliError>(())
    };
    let [arn, account] = ["x-amz-source-arn", "x-amz-source-account"];
    row("S3 service", "right bucket and account", s3.clone(), &[(arn, photo), (account, OWNER)])
        .await?;
    row("S3 service", "wrong bucket", s3.clone(), &[(arn, elsewhere), (account, OWNER)]).await?;
    row("S3 service", "wrong account", s3.clone(), &[(arn, photo), (account, STRANGER)]).await?;
    row("S3 service", "without source", s3, &[]).await?;
    row(FRIEND, "alice, whose policy allows it", Some(callers.friend_with_policy.clone()), &[])
        .await?;
    row(FRIEND, "bob, who has no policy", Some(callers.friend_without_policy.clone()), &[]).await?;
    row(STRANGER, "root", Some(callers.stranger.clone()), &[]).await?;
    row("nobody", "unsigned", None, &[]).await?;
    row("a forger", "alice's key id, another secret", Some(forged), &[]).await?;
    Ok(table)
}

/// One Invoke; what the caller sees, in a line.
async fn invoke(caller: &Client, source: &[(&'static str, &str)]) -> Result<String, CliError> {
    let arn = format!("arn:aws:lambda:{}:{OWNER}:function:{FUNCTION}", caller.region);
    let path = format!("/2015-03-31/functions/{arn}/invocations");
    let answer =
        caller.call("lambda", Method::POST, &path, source, r#"{"name":"portcullis"}"#).await?;
    let verdict = if answer.status().is_success() { "allowed" } else { "DENIED" };
    Ok(format!("{verdict} {}\n{}", answer.status().as_u16(), message(&answer)))
}

/// The message of an error, else the whole body.
fn message(answer: &Response<Bytes>) -> String {
    let parsed: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    let message = parsed.get("Message").or_else(|| parsed.get("message"));
    message.and_then(Value::as_str).map_or_else(|| text(answer), str::to_owned)
}

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8_lossy(answer.body()).into_owned()
}

/// A policy document with one Allow statement of these members.
fn allow(members: &Value) -> String {
    let mut statement = json!({"Effect": "Allow"});
    if let (Some(statement), Some(members)) = (statement.as_object_mut(), members.as_object()) {
        statement.extend(members.clone());
    }
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// The text at a JSON pointer.
fn at<'a>(json: &'a Value, pointer: &str) -> Option<&'a str> {
    json.pointer(pointer)?.as_str()
}

/// A zip that holds one file.
fn zip(name: &str, content: &str) -> Result<Vec<u8>, CliError> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(name, zip::write::SimpleFileOptions::default().unix_permissions(0o644))?;
    archive.write_all(content.as_bytes())?;
    Ok(archive.finish()?.into_inner())
}

/// What to paste to go on with one's own tools.
fn paste_lines(running: &Running) -> Result<(), CliError> {
    let endpoint = running.endpoint().to_string();
    let Credentials { access_key_id, secret_access_key, .. } = running.root_credentials();
    let region = running.region();
    Ok(say!(
        "\n5. Serving on {endpoint} until Ctrl-C. Use your own tools, unchanged:\n
# every tool\n\
export AWS_ENDPOINT_URL={endpoint}\n\
export AWS_ACCESS_KEY_ID={access_key_id}\n\
export AWS_SECRET_ACCESS_KEY={secret_access_key}\n\
export AWS_REGION={region} AWS_DEFAULT_REGION={region}\n
# AWS CLI\n\
aws lambda get-policy --function-name {FUNCTION}\n\
echo '{{\"name\":\"you\"}}' | aws lambda invoke --function-name {FUNCTION} \\\n  \
    --payload fileb:///dev/stdin /dev/stdout\n
# boto3\n\
python3 -c 'import boto3; print(boto3.client(\"lambda\").invoke(FunctionName=\"{FUNCTION}\")[\"Payload\"].read())'\n
# Terraform\n\
resource \"aws_lambda_permission\" \"from_terraform\" {{\n  \
  statement_id  = \"from-terraform\"\n  \
  action        = \"lambda:InvokeFunction\"\n  \
  function_name = \"{FUNCTION}\"\n  \
  principal     = \"events.amazonaws.com\"\n  \
  source_arn    = \"arn:aws:events:{region}:{OWNER}:rule/my-rule\"\n\
}}\n"
    )?)
}
