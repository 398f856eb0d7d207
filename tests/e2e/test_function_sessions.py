"""Functions run as sessions of their roles, and what they call here is decided as those sessions."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from server import ACCOUNT
from wire import Credentials
from world import TRUST_LAMBDA, Caller, World, allow, document, error_of, trusting, unique, wait_updated

# Signs by itself, so that no SDK has to be packed.
CODE = '''
import datetime, hashlib, hmac, os, urllib.error, urllib.request

def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

def call(service, method, path, body=""):
    env, now = os.environ, datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    endpoint, day = env["AWS_ENDPOINT_URL"], now[:8]
    headers = {"host": endpoint.split("//")[1], "x-amz-date": now, "x-amz-security-token": env["AWS_SESSION_TOKEN"]}
    if body:
        headers["content-type"] = "application/x-www-form-urlencoded"
    digest = lambda text: hashlib.sha256(text.encode()).hexdigest()
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\\n" for name in sorted(headers))
    canonical = "\\n".join([method, path, "", lines, names, digest(body)])
    scope = f"{day}/{env['AWS_REGION']}/{service}/aws4_request"
    key = ("AWS4" + env["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = sign(key, part)
    signature = sign(key, "\\n".join(["AWS4-HMAC-SHA256", now, scope, digest(canonical)])).hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={env['AWS_ACCESS_KEY_ID']}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return send(endpoint + path, method, headers, body)

def send(url, method, headers, body=""):
    request = urllib.request.Request(url, body.encode() or None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]

def handler(event, context):
    os.environ.update(event.get("as", {}))
    if "variables" in event:
        return {name: os.environ.get(name) for name in event["variables"]}
    if "page" in event:
        return send(os.environ["AWS_ENDPOINT_URL"] + event["page"], "GET", {})
    return call(*event["call"])
'''
WHO = ["sts", "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15"]
LIST = ["lambda", "GET", "/2015-03-31/functions"]
CREDENTIALS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
UNKNOWN = "UnrecognizedClientException"


def invoked(owner, function, **event):
    answer = owner.root.wire.invoke(function, json.dumps(event).encode(), timeout=300)
    assert answer.status == 200 and "x-amz-function-error" not in answer.headers, answer
    return json.loads(answer.body)


def made(owner, *statements, trust=TRUST_LAMBDA, **parameters):
    """A function that makes calls, and the name of its role, which these statements allow."""
    role = owner.role(trust)
    name = role.rsplit("/", 1)[1]
    if statements:
        iam = owner.root.boto("iam")
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return owner.function(CODE, role=role, **parameters), name


def credentials_of(owner, function) -> Caller:
    values = invoked(owner, function, variables=CREDENTIALS)
    return Caller(owner.base, "", Credentials(*(values[name] for name in CREDENTIALS)))


def test_a_function_is_a_session_of_its_role_called_like_it(owner):
    function, role = made(owner)
    status, text = invoked(owner, function, call=WHO)
    assert status == 200 and f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{function}</Arn>" in text, text
    assert credentials_of(owner, function).credentials.key.startswith("ASIA")


def test_what_a_function_calls_is_decided_by_its_role(owner):
    permitted, _ = made(owner, allow("lambda:ListFunctions", "*"))
    assert invoked(owner, permitted, call=LIST)[0] == 200
    nothing, role = made(owner)
    status, text = invoked(owner, nothing, call=LIST)
    assert (status, f":assumed-role/{role}/{nothing} is not authorized" in text) == (403, True), text


def test_a_call_knows_the_function_that_it_comes_from(owner):
    name = unique("fn")
    own = {"ArnEquals": {"lambda:SourceFunctionArn": owner.arn(name)}}
    by = owner.user()
    trust = {
        "Version": "2012-10-17",
        "Statement": TRUST_LAMBDA["Statement"] + trusting(by.arn)["Statement"],
    }
    function, role = made(owner, allow("lambda:ListFunctions", "*", own), trust=trust, name=name)
    assert invoked(owner, function, call=LIST)[0] == 200
    other = owner.function(CODE, role=f"arn:aws:iam::{ACCOUNT}:role/{role}")
    assert invoked(owner, other, call=LIST)[0] == 403
    # A session of the same role and name that no function runs as, and its header that says otherwise.
    session = owner.session(role_arn=f"arn:aws:iam::{ACCOUNT}:role/{role}", by=by, name=name)
    client = session.boto()
    client.meta.events.register(
        "before-sign.lambda", lambda request, **_: request.headers.add_header("x-amz-source-arn", owner.arn(name))
    )
    assert error_of(client.list_functions)[0] == "AccessDeniedException"


def test_a_function_may_call_a_function_that_its_role_may(owner):
    callee = owner.function()
    function, _ = made(owner, allow("lambda:InvokeFunction", owner.arn(callee)))
    path = f"/2015-03-31/functions/{callee}/invocations"
    assert invoked(owner, function, call=["lambda", "POST", path]) == [200, '"ran"']
    path = f"/2015-03-31/functions/{function}/invocations"
    assert invoked(owner, function, call=["lambda", "POST", path])[0] == 403


def until_refused(caller):
    """Waits until the credentials are worth nothing."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            caller.boto().list_functions()
        except ClientError as error:
            if error.response["Error"]["Code"] == UNKNOWN:
                return
            raise
    raise AssertionError("the session did not end")


def test_a_session_ends_with_its_worker(owner):
    function, _ = made(owner, allow("lambda:ListFunctions", "*"))
    session = credentials_of(owner, function)
    session.boto().list_functions()
    assert credentials_of(owner, function) == session
    client = owner.root.boto()
    client.update_function_configuration(FunctionName=function, Description="another")
    wait_updated(client, function)
    later = credentials_of(owner, function)
    assert later != session
    until_refused(session)
    later.boto().list_functions()
    client.delete_function(FunctionName=function)
    until_refused(later)


def test_a_session_ends_with_its_role(owner):
    function, role = made(owner, allow("lambda:ListFunctions", "*"))
    session = credentials_of(owner, function)
    iam = owner.root.boto("iam")
    iam.delete_role_policy(RoleName=role, PolicyName="own")
    iam.delete_role(RoleName=role)
    assert error_of(session.boto().list_functions)[0] == UNKNOWN
    owner.role(TRUST_LAMBDA, name=role)
    assert error_of(session.boto().list_functions)[0] == UNKNOWN


DENIED = {"Effect": "Deny", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    "trust",
    [
        trusting(f"arn:aws:iam::{ACCOUNT}:root"),
        TRUST_LAMBDA | {"Statement": [*TRUST_LAMBDA["Statement"], DENIED]},
    ],
)
def test_a_role_that_lambda_may_not_assume_gives_no_credentials(owner, trust):
    function, role = made(owner)
    owner.root.boto("iam").update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    assert set(invoked(owner, function, variables=CREDENTIALS).values()) == {None}


def test_a_function_may_have_another_endpoint(owner):
    elsewhere = "http://127.0.0.1:1"
    function, _ = made(owner, Environment={"Variables": {"AWS_ENDPOINT_URL": elsewhere}})
    assert invoked(owner, function, variables=["AWS_ENDPOINT_URL"]) == {"AWS_ENDPOINT_URL": elsewhere}


def test_credentials_that_are_not_its_own_are_worth_nothing(owner):
    """What a function can reach of the server answers as to anybody: by whole credentials that live."""
    allowed = allow("lambda:ListFunctions", "*")
    functions = [made(owner)[0], *(made(owner, allowed)[0] for _ in range(2))]
    mine, theirs, former = (invoked(owner, one, variables=CREDENTIALS) for one in functions)
    owner.root.boto().delete_function(FunctionName=functions[2])
    until_refused(Caller(owner.base, "", Credentials(*former.values())))
    key, secret, token = CREDENTIALS
    rows = [
        ({}, "is not authorized to perform"),
        (former, "The security token included in the request is invalid"),
        ({key: "ASIAMADEUP0000000000"}, "The security token included in the request is invalid"),
        ({key: theirs[key]}, "The security token included in the request is invalid"),
        ({token: theirs[token]}, "The security token included in the request is invalid"),
        ({token: ""}, "The security token included in the request is invalid"),
        ({secret: theirs[secret]}, "The request signature we calculated does not match"),
    ]
    for others, message in rows:
        status, text = invoked(owner, functions[0], call=LIST, **{"as": mine | others})
        assert status == 403 and message in text, (others, text)


def test_a_function_reads_no_page_of_the_operator(owner):
    function, _ = made(owner)
    assert invoked(owner, function, page="/_portcullis/metrics")[0] == 404
    assert invoked(owner, function, page="/2015-03-31/functions")[0] == 403


def test_credentials_are_in_no_log(start_warm_server, tmp_path):
    server = start_warm_server()
    owner = World(server).owner
    function, _ = made(owner)
    session = credentials_of(owner, function)
    assert invoked(owner, function, call=LIST)[0] == 403
    server.end()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and "runtimes" not in path.parts]
    assert written
    for path in written:
        content = path.read_bytes()
        for secret in (session.credentials.secret, session.credentials.token):
            assert secret.encode() not in content, path


def test_a_restart_ends_the_sessions_of_functions(start_warm_server):
    server = start_warm_server()
    owner = World(server).owner
    function, _ = made(owner, allow("lambda:ListFunctions", "*"))
    session = credentials_of(owner, function)
    session.boto().list_functions()
    server.end()
    again = World(start_warm_server(server.data_dir)).owner
    earlier = Caller(again.base, "", session.credentials)
    assert error_of(earlier.boto().list_functions)[0] == UNKNOWN
    assert invoked(again, function, call=LIST)[0] == 200
