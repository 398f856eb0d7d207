"""Code in a bucket: read by the operator's keys, for whom the caller's own policies let read it.

Messages as AWS sends them; a bucket belongs to the operator's account unless the server was told otherwise.
"""

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from bucket import READER, Announced, Broken, Bucket, Slow, Truncated
from server import ACCOUNT, Server, root_variables, run
from wire import check_error
from world import RUNTIME, World, allow, deny, error_of, unique, wait_active, wait_updated, zipped

CREATE = [allow(["lambda:*", "iam:PassRole"], "*")]
DENIED = (
    "Your access has been denied by S3, please make sure your request credentials have permission to GetObject "
    "for {}. S3 Error Code: AccessDenied. S3 Error Message: {}"
)


def package(answer):
    return zipped(f"def handler(event, context):\n    return {answer!r}\n")


def digest(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@pytest.fixture(scope="module")
def bucket():
    made = Bucket()
    yield made
    made.close()


def variables(bucket, **more):
    return {
        "PORTCULLIS_S3_ENDPOINT": bucket.url,
        "PORTCULLIS_S3_ACCESS_KEY_ID": READER.key,
        "PORTCULLIS_S3_SECRET_ACCESS_KEY": READER.secret,
        "NO_PROXY": "127.0.0.1",
        **more,
    }


@pytest.fixture(scope="module")
def reading(bucket, tmp_path_factory, warm):
    """A server that reads from `bucket`, where `theirs` is another account's."""
    place = tmp_path_factory.mktemp("s3")
    (place / "data").mkdir()
    if warm.is_dir():
        (place / "data" / "runtimes").symlink_to(warm, target_is_directory=True)
    given = variables(bucket, PORTCULLIS_S3_BUCKET_OWNER="theirs=223456789012", PORTCULLIS_LOG="debug")
    server = Server(place / "data", place / "logs", **given)
    try:
        yield server.wait_until_ready()
    finally:
        server.end()


@pytest.fixture(scope="module")
def here(reading):
    return World(reading)


def create(caller, role, key, name=None, bucket="code", **code):
    name = name or unique("s3")
    caller.boto().create_function(
        FunctionName=name, Role=role, Runtime=RUNTIME, Handler="main.handler",
        Code={"S3Bucket": bucket, "S3Key": key, **code},
    )  # fmt: skip
    return name


# --- What is served -----------------------------------------------------------------------------------


def test_functions_and_layers_have_their_code_from_a_bucket(bucket, here):
    owner, key = here.owner, "releases/f 1+2%41=ü.zip"
    first, second = bucket.put(key, package("first")), bucket.put(key, package("second"))
    client = owner.root.boto()
    name = create(owner.root, owner.lambda_role, key)
    wait_active(client, name)
    assert client.get_function_configuration(FunctionName=name)["CodeSha256"] == digest(package("second"))
    assert owner.root.wire.invoke(name).json == "second"
    updated = client.update_function_code(FunctionName=name, S3Bucket="code", S3Key=key, S3ObjectVersion=first)
    assert updated["CodeSha256"] == digest(package("first"))
    wait_updated(client, name)
    assert owner.root.wire.invoke(name).json == "first"
    content = {"S3Bucket": "code", "S3Key": key, "S3ObjectVersion": second, "S3ObjectStorageMode": "COPY"}
    layer = client.publish_layer_version(LayerName=unique("layer"), Content=content)
    assert layer["Content"]["CodeSha256"] == digest(package("second"))


def test_what_is_larger_than_a_request_comes_from_a_bucket(bucket, here):
    noise = hashlib.shake_256(b"noise").digest(60_000_000)
    large = zipped({"noise.bin": noise, "main.py": "def handler(event, context):\n    return 'large'\n"})
    assert len(large) > 52_428_800
    bucket.put("large.zip", large)
    name = create(here.owner.root, here.owner.lambda_role, "large.zip")
    shown = here.owner.root.boto().get_function_configuration(FunctionName=name)
    assert (shown["CodeSize"], shown["CodeSha256"]) == (len(large), digest(large))


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Handler: main.handler, Runtime: %s}
Resources:
  Newest:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: "s3://code/sam.zip"}
  First:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: {Bucket: code, Key: sam.zip, Version: v1}}
Outputs:
  Newest: {Value: !Ref Newest}
  First: {Value: !Ref First}
"""


def test_a_template_has_its_code_in_a_bucket(bucket, here, reading, tmp_path):
    bucket.objects["sam.zip"] = [package("first"), package("newest")]
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE % RUNTIME)
    deploy = ["deploy", str(template), "--stack-name", unique("s3"), "--endpoint-url", reading.base, "--yes"]
    for told in ("create", "nothing to change"):
        done = run(*deploy, timeout=300, **root_variables(here.owner.root.credentials))
        assert done.returncode == 0 and told in done.stdout, (done.stdout, done.stderr)
    outputs = dict(line.strip().split(" = ", 1) for line in done.stdout.partition("\nOutputs\n")[2].splitlines())
    wire = here.owner.root.wire
    assert {name: wire.invoke(function).json for name, function in outputs.items()} == {"Newest": "newest", "First": "first"}


# --- What is refused, and changes nothing -------------------------------------------------------------

S3_SAYS = "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}"
REFUSED = {
    "missing key": ("missing.zip", {}, S3_SAYS.format("NoSuchKey", "The specified key does not exist.")),
    "missing bucket": ("f.zip", {"S3Bucket": "nowhere"}, S3_SAYS.format("NoSuchBucket", "The specified bucket does not exist")),
    "missing version": ("f.zip", {"S3ObjectVersion": "v9"}, S3_SAYS.format("NoSuchVersion", "The specified version does not exist.")),
    "of another region": (Broken("PermanentRedirect"), {}, S3_SAYS.format("PermanentRedirect", "Please send all future requests to this endpoint.")),
    "an error of the store": (Broken("InternalError"), {}, S3_SAYS.format("InternalError", "We encountered an internal error. Please try again.")),
    "an answer that is none": (Broken("InternalError", b"<html>"), {}, S3_SAYS.format("InternalError", "The store answered with the status 500.")),
    "an endless error": (Broken("InternalError", b"<" * 3_000_000), {}, S3_SAYS.format("InternalError", "The store answered with the status 500.")),
    "truncated": (Truncated(package("t")), {}, S3_SAYS.format("IncompleteBody", "The object did not arrive whole.")),
    "too large": (Announced(262_144_001), {}, "Unzipped size must be smaller than 262144000 bytes"),
    "no zip": (b"no zip", {}, "Could not unzip uploaded file. Please check your file, then try to upload again."),
    "empty": (b"", {}, "Uploaded file must be a non-empty zip"),
    "without a file": (zipped({}), {}, "Uploaded file must be a non-empty zip"),
    "a key alone": ("f.zip", {"S3Bucket": None}, "Please provide both S3Bucket and S3Key."),
    "a bucket alone": (None, {}, "Please provide both S3Bucket and S3Key."),
    "a zip, too": ("f.zip", {"ZipFile": base64.b64encode(package("z")).decode()}, "Please do not provide other FunctionCode parameters when providing a ZipFile."),
}  # fmt: skip


@pytest.fixture(scope="module")
def standing(bucket, here):
    """A function that no refusal may change."""
    bucket.put("f.zip", package("f"))
    name = create(here.owner.root, here.owner.lambda_role, "f.zip")
    wait_active(here.owner.root.boto(), name)
    return name


def given(bucket, label, key, more):
    if key is not None and not isinstance(key, str):
        bucket.put(f"{label}.zip", key)
        key = f"{label}.zip"
    code = {"S3Bucket": "code", "S3Key": key, **more}
    return {name: value for name, value in code.items() if value is not None}


@pytest.mark.parametrize("label", REFUSED)
def test_an_object_that_does_not_come_is_told_as_aws_does_and_changes_nothing(label, bucket, here, standing):
    key, more, message = REFUSED[label]
    code, wire, name = given(bucket, label, key, more), here.owner.root.wire, unique("refused")
    body = {"FunctionName": name, "Role": here.owner.lambda_role, "Runtime": RUNTIME, "Handler": "h.h", "Code": code}
    check_error(wire.call("POST", "/2015-03-31/functions", body=body), "InvalidParameterValueException", message)
    assert wire.call("GET", f"/2015-03-31/functions/{name}").status == 404
    before = wire.call("GET", f"/2015-03-31/functions/{standing}/configuration").json
    answer = wire.call("PUT", f"/2015-03-31/functions/{standing}/code", body=code)
    check_error(answer, "InvalidParameterValueException", message)
    assert wire.call("GET", f"/2015-03-31/functions/{standing}/configuration").json == before
    answer = wire.call("POST", f"/2018-10-31/layers/{name}/versions", body={"Content": code})
    check_error(answer, "InvalidParameterValueException", message)
    assert here.owner.root.boto().list_layer_versions(LayerName=name)["LayerVersions"] == []


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ({"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/f:1"}, "ImageUri"),
        ({"S3Bucket": "code", "S3Key": "f.zip", "S3ObjectStorageMode": "REFERENCE"}, "S3ObjectStorageMode REFERENCE"),
        ({"S3Bucket": "code", "S3Key": "/f.zip"}, "an S3Key that begins or ends with a slash"),
        ({"S3Bucket": "code", "S3Key": "a/../f.zip"}, "an S3Key that begins or ends with a slash"),
    ],
)
def test_what_is_not_served_is_named(code, what, here, standing):
    answer = here.owner.root.wire.call("PUT", f"/2015-03-31/functions/{standing}/code", body=code)
    assert (answer.status, answer.code) == (400, "UnsupportedOperationException")
    assert answer.json["message"].startswith(f"Portcullis does not support {what}")


def test_a_slow_store_keeps_only_whoever_waits_for_it(bucket, here):
    slow, owner = Slow(package("slow")), here.owner
    bucket.put("slow.zip", slow)
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(create, owner.root, owner.lambda_role, "slow.zip")
        assert slow.begun.wait(30)
        assert owner.root.boto().get_account_settings()["AccountUsage"]["FunctionCount"] >= 0
        assert not made.done()
        slow.released.set()
        name = made.result(60)
    wait_active(owner.root.boto(), name)
    assert owner.root.wire.invoke(name).json == "slow"


# --- Who may ------------------------------------------------------------------------------------------

OBJECT = "arn:aws:s3:::code/guarded/f.zip"
READ = allow("s3:GetObject", "arn:aws:s3:::code/guarded/*")
MAY = {
    "nothing of S3": ([], None, False),
    "this object": ([READ], None, True),
    "other objects": ([allow("s3:GetObject", "arn:aws:s3:::code/other/*")], None, False),
    "the bucket alone": ([allow("s3:GetObject", "arn:aws:s3:::code")], None, False),
    "all but this": ([allow("s3:*", "*"), deny("s3:GetObject", OBJECT)], None, False),
    "the newest, asked for a version": ([READ], "v1", False),
    "versions, asked for one": ([allow("s3:GetObjectVersion", OBJECT)], "v1", True),
    "versions, asked for the newest": ([allow("s3:GetObjectVersion", OBJECT)], None, False),
    "this version": ([allow("s3:GetObjectVersion", OBJECT, {"StringEquals": {"s3:VersionId": "v1"}})], "v1", True),
    "another version": ([allow("s3:GetObjectVersion", OBJECT, {"StringEquals": {"s3:VersionId": "v2"}})], "v1", False),
}


@pytest.mark.parametrize("label", MAY)
def test_callers_read_what_their_own_policies_let_them(label, bucket, here):
    statements, version, allowed = MAY[label]
    bucket.objects["guarded/f.zip"] = [package("guarded")]
    caller = here.owner.user(*CREATE, *statements)
    more = {"S3ObjectVersion": version} if version else {}
    bucket.asked.clear()
    if allowed:
        create(caller, here.owner.lambda_role, "guarded/f.zip", **more)
        return
    code, message = error_of(create, caller, here.owner.lambda_role, "guarded/f.zip", **more)
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    start = DENIED.format("code/guarded/f.zip", f"User: {caller.arn} is not authorized to perform: {action} on resource: {OBJECT} ")
    assert (code, message[: len(start)]) == ("AccessDeniedException", start)
    assert bucket.asked == [], "the store is not asked before the caller is known to be allowed"


def test_a_denial_can_be_explained(here, reading):
    caller = here.owner.user(*CREATE)
    body = {"FunctionName": unique("f"), "Role": here.owner.lambda_role, "Runtime": RUNTIME, "Handler": "h.h"}
    body["Code"] = {"S3Bucket": "code", "S3Key": "guarded/f.zip"}
    answer = caller.wire.call("POST", "/2015-03-31/functions", body=body)
    assert (answer.status, answer.code) == (403, "AccessDeniedException")
    root = root_variables(here.owner.root.credentials)
    done = run("explain", answer.headers["x-portcullis-explain"], "--endpoint-url", reading.base, **root)
    assert "s3:GetObject" in done.stdout and OBJECT in done.stdout, done.stdout + done.stderr


def test_a_bucket_is_of_one_account_and_no_other_reads_it(bucket, here):
    """The operator's keys read every bucket; the root of no account becomes their user by it."""
    bucket.objects["guarded/f.zip"] = [package("guarded")]
    stranger = here.account()
    assert stranger.id == "223456789012"
    bucket.asked.clear()
    code, message = error_of(create, stranger.root, stranger.lambda_role, "guarded/f.zip")
    assert code == "AccessDeniedException" and "no resource-based policy allows the s3:GetObject action" in message
    code, _ = error_of(create, here.owner.root, here.owner.lambda_role, "f.zip", bucket="theirs")
    assert (code, bucket.asked) == ("AccessDeniedException", [])
    bucket.name = "theirs"
    try:
        create(stranger.root, stranger.lambda_role, "guarded/f.zip", bucket="theirs")
    finally:
        bucket.name = "code"


def test_a_refusal_by_the_store_does_not_tell_whose_keys_they_are(bucket, here, standing):
    bucket.put("forbidden.zip", Broken("AccessDenied"))
    answer = here.owner.root.wire.call(
        "PUT", f"/2015-03-31/functions/{standing}/code", body={"S3Bucket": "code", "S3Key": "forbidden.zip"}
    )
    assert (answer.status, answer.code) == (403, "AccessDeniedException")
    assert answer.json["Message"] == DENIED.format("code/forbidden.zip", "Access Denied")


# --- How the server is told ---------------------------------------------------------------------------


def test_without_a_store_the_remedy_is_named(server, owner):
    body = {"Content": {"S3Bucket": "code", "S3Key": "f.zip"}}
    answer = owner.root.wire.call("POST", f"/2018-10-31/layers/{unique('layer')}/versions", body=body)
    assert (answer.status, answer.code) == (400, "UnsupportedOperationException")
    assert "--s3-endpoint" in answer.json["message"]


def test_keys_of_a_file_and_wrong_keys(bucket, start_server, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"AccessKeyId": READER.key, "SecretAccessKey": "wrong"}))
    given = variables(bucket, PORTCULLIS_S3_CREDENTIALS_FILE=str(keys), PORTCULLIS_LOG="trace")
    given |= {"PORTCULLIS_S3_ACCESS_KEY_ID": None, "PORTCULLIS_S3_SECRET_ACCESS_KEY": None}
    bucket.put("f.zip", package("f"))
    wrong = start_server(**given)
    refused = error_of(create, World(wrong).owner.root, f"arn:aws:iam::{ACCOUNT}:role/none", "f.zip")
    assert refused == ("AccessDeniedException", DENIED.format("code/f.zip", "Access Denied"))
    assert "SignatureDoesNotMatch" in wrong.output(), "the operator is told"
    wrong.end()
    keys.write_text(json.dumps({"AccessKeyId": READER.key, "SecretAccessKey": READER.secret}))
    right = start_server(**given)
    owner = World(right).owner
    create(owner.root, owner.lambda_role, "f.zip")
    assert READER.secret not in right.output()


def test_a_store_that_is_not_there_is_told(start_server, bucket):
    gone = Bucket()
    gone.close()
    owner = World(start_server(**variables(gone))).owner
    refused = error_of(create, owner.root, owner.lambda_role, "f.zip")
    assert refused == ("InvalidParameterValueException", S3_SAYS.format("ServiceUnavailable", "The store did not answer."))


def test_a_store_without_keys_is_refused_at_start(start_server):
    server = start_server(ready=False, PORTCULLIS_S3_ENDPOINT="http://127.0.0.1:1")
    assert server.process.wait(30) != 0
    assert "PORTCULLIS_S3_ACCESS_KEY_ID" in server.output()
