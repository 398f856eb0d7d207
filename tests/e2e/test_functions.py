"""Functions, versions and tags: what is answered, which revision changes, how it is refused.

Exact where a recording exists (facts/aws-lambda.md §4, §6); shapes otherwise.
"""

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import patterns
import pytest
from server import ACCOUNT, REGION
from wire import (
    UUID,
    check_error,
    check_ok,
    check_validation,
    failed,
    longest,
    pattern,
)
from world import RAN, RUNTIME, unique, wait_active, wait_updated, zipped

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
F = "/2015-03-31/functions"
TAGS = "/2017-03-31/tags"
STALE = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)
MISMATCH = "The derived qualifier from the function name does not match the specified qualifier."
OTHER_REGION = "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')"
IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000\Z")
RUNTIME_ARN = re.compile(r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\Z")


def b64(data):
    return base64.b64encode(data).decode()


def without_metadata(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def configuration(client, function, qualifier=None):
    where = {"Qualifier": qualifier} if qualifier else {}
    return without_metadata(client.get_function_configuration(FunctionName=function, **where))


def revision(client, function, qualifier=None):
    return configuration(client, function, qualifier)["RevisionId"]


# --- Create and read ---------------------------------------------------------------------------------


def creation(name, **changes):
    """The body of CreateFunction; a member changed to None is left out, not sent as null."""
    body = {
        "FunctionName": name,
        "Runtime": RUNTIME,
        "Role": None,
        "Handler": "main.handler",
        "Code": {"ZipFile": b64(RAN)},
    } | changes
    return {key: value for key, value in body.items() if value is not None}


def check_configuration(got, expected):
    """Exactly the expected members, and the volatile ones well formed."""
    got = dict(got)
    assert UUID.match(got.pop("RevisionId"))
    assert TIME.match(got.pop("LastModified"))
    runtime = got.pop("RuntimeVersionConfig")
    assert set(runtime) == {"RuntimeVersionArn"}
    assert RUNTIME_ARN.match(runtime["RuntimeVersionArn"])
    assert got == expected


def defaults(name, role, package=RAN):
    return {
        "FunctionName": name,
        "FunctionArn": f"{ARN}:{name}",
        "Runtime": RUNTIME,
        "Role": role,
        "Handler": "main.handler",
        "CodeSize": len(package),
        "CodeSha256": b64(hashlib.sha256(package).digest()),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
    }


PENDING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
ACTIVE = {"State": "Active", "LastUpdateStatus": "Successful"}


def test_a_created_function_is_pending_with_every_default_and_then_active(wire, client, role):
    name = unique("fn")
    answer = wire.call("POST", F, body=creation(name, Role=role))
    check_ok(answer, 201)
    check_configuration(answer.json, defaults(name, role) | PENDING)
    wait_active(client, name)
    answer = wire.call("GET", f"{F}/{name}/configuration")
    check_ok(answer, 200)
    check_configuration(answer.json, defaults(name, role) | ACTIVE)
    answer = wire.call("GET", f"{F}/{name}")
    check_ok(answer, 200)
    assert set(answer.json) == {"Configuration", "Code"}
    check_configuration(answer.json["Configuration"], defaults(name, role) | ACTIVE)
    assert answer.json["Code"]["RepositoryType"] == "S3"


SETTINGS = [
    {"Description": "what it is for: größer ☃"},
    {"Timeout": 900},
    {"MemorySize": 256},
    {"Architectures": ["arm64"]},
    {"Environment": {"Variables": {"A1": "1", "B_": "two words", "CC": "größer ☃"}}},
    {"Environment": {"Variables": {}}},
    {"EphemeralStorage": {"Size": 1024}},
    {"TracingConfig": {"Mode": "Active"}},
    {"Handler": "package.module.function"},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_setting_is_kept_as_given(wire, client, role, settings):
    name = unique("fn")
    answer = wire.call("POST", F, body=creation(name, Role=role, **settings))
    check_ok(answer, 201)
    check_configuration(answer.json, defaults(name, role) | settings | PENDING)
    wait_active(client, name)
    answer = wire.call("GET", f"{F}/{name}/configuration")
    check_configuration(answer.json, defaults(name, role) | settings | ACTIVE)


# (what CreateFunction is given, what is shown)
LOGGING = [
    ({"LogFormat": "Text"}, {"LogFormat": "Text"}),
    ({"LogFormat": "JSON"}, {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}),
    (
        {"LogFormat": "JSON", "ApplicationLogLevel": "TRACE"},
        {"LogFormat": "JSON", "ApplicationLogLevel": "TRACE", "SystemLogLevel": "INFO"},
    ),
    (
        {"LogFormat": "JSON", "ApplicationLogLevel": "FATAL", "SystemLogLevel": "WARN", "LogGroup": "/mine"},
        {"LogFormat": "JSON", "ApplicationLogLevel": "FATAL", "SystemLogLevel": "WARN", "LogGroup": "/mine"},
    ),
]


@pytest.mark.parametrize(("given", "shown"), LOGGING)
def test_a_json_log_has_levels_and_a_text_log_has_none(wire, role, given, shown):
    name = unique("fn")
    answer = wire.call("POST", F, body=creation(name, Role=role, LoggingConfig=given))
    check_ok(answer, 201)
    assert answer.json["LoggingConfig"] == {"LogGroup": f"/aws/lambda/{name}"} | shown


LEVELS_OF_TEXT = (
    'LogLevel is not supported when LogFormat is set to "Text". '
    'Remove LogLevel from your request or change the LogFormat to "JSON" and try again.'
)


@pytest.mark.parametrize("logging", [{"ApplicationLogLevel": "INFO"}, {"LogFormat": "Text", "SystemLogLevel": "WARN"}])
def test_a_text_log_is_refused_with_a_level(owner, wire, client, fixed, logging):
    name = unique("fn")
    answer = wire.call("POST", F, body=creation(name, Role=owner.lambda_role, LoggingConfig=logging))
    check_error(answer, IPV, LEVELS_OF_TEXT)
    assert wire.call("GET", f"{F}/{name}").status == 404
    before = configuration(client, fixed)
    check_error(wire.call("PUT", f"{F}/{fixed}/configuration", body={"LoggingConfig": logging}), IPV, LEVELS_OF_TEXT)
    assert configuration(client, fixed) == before


LOGS = """
import logging

def handler(event, context):
    logging.getLogger().warning("unexpected: %s", event)
    logging.getLogger().error("failed: %s", event)
"""


@pytest.mark.parametrize(("level", "kept"), [("INFO", ["WARNING", "ERROR"]), ("ERROR", ["ERROR"])])
def test_a_json_log_is_written_as_json_from_its_level_up(owner, wire, level, kept):
    name = owner.function(LOGS, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": level})
    answer = wire.invoke(name, '"größer"'.encode(), headers={"X-Amz-Log-Type": "Tail"})
    check_ok(answer, 200)
    log = base64.b64decode(answer.headers["x-amz-log-result"]).decode()
    records = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    records = [record for record in records if not record.get("type", "").startswith("platform.")]
    assert [record["level"] for record in records] == kept, log
    assert records[-1]["message"] == "failed: größer"
    assert {record["requestId"] for record in records} == {answer.headers["x-amzn-requestid"]}


def test_publish_at_creation_answers_version_1_under_the_unqualified_arn(client, role):
    name = unique("fn")
    made = client.create_function(
        FunctionName=name, Role=role, Code={"ZipFile": RAN}, Runtime=RUNTIME, Handler="main.handler", Publish=True
    )
    assert (made["Version"], made["FunctionArn"]) == ("1", f"{ARN}:{name}")
    wait_active(client, name)
    versions = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]


@pytest.mark.parametrize("form", ["{name}", "function:{name}", ACCOUNT + ":function:{name}", ARN + ":{name}"])
def test_a_function_is_made_read_and_deleted_under_every_form_of_its_name(wire, client, role, form):
    name = unique("fn")
    given = form.format(name=name)
    made = wire.call("POST", F, body=creation(given, Role=role))
    check_ok(made, 201)
    assert made.json["FunctionName"] == name
    assert made.json["FunctionArn"] == f"{ARN}:{name}"
    wait_active(client, name)
    assert configuration(client, given)["FunctionArn"] == f"{ARN}:{name}"
    check_ok(wire.call("DELETE", f"{F}/{given}"), 204)
    assert wire.call("GET", f"{F}/{name}").status == 404


@pytest.mark.parametrize(
    ("qualifier", "suffix", "version"),
    [(None, "", "$LATEST"), ("$LATEST", ":$LATEST", "$LATEST"), ("1", ":1", "1"), ("prod", ":prod", "1")],
)
def test_the_arn_of_the_answer_is_the_one_addressed(client, fixed, qualifier, suffix, version):
    for got in (
        configuration(client, fixed, qualifier),
        configuration(client, f"{fixed}:{qualifier}" if qualifier else fixed),
        client.get_function(FunctionName=fixed, **({"Qualifier": qualifier} if qualifier else {}))["Configuration"],
    ):
        assert got["FunctionArn"] == f"{ARN}:{fixed}{suffix}"
        assert got["Version"] == version


# --- The package -------------------------------------------------------------------------------------


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def altered(url):
    """Every way to change one part of a link."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    for index, (key, value) in enumerate(query):
        # A number becomes a larger one: the first thing to try on an expiry.
        changed = str(int(value) + 1) if value.isdigit() else ("1" if value[:1] == "0" else "0") + value[1:]
        yield key, query[:index] + [(key, changed)] + query[index + 1 :]
        yield f"no {key}", query[:index] + query[index + 1 :]
    yield "no query", []


def test_the_code_link_gives_the_exact_package_and_only_as_signed(owner, client):
    package = zipped({"main.py": "def handler(event, context):\n    return 'linked'\n", "data/ü.txt": "x" * 5000})
    name = owner.function(package)
    url = client.get_function(FunctionName=name)["Code"]["Location"]
    assert fetch(url) == (200, package)
    parts = urlsplit(url)
    assert parts.query, "the link carries no proof"
    for what, query in altered(url):
        status, body = fetch(urlunsplit(parts._replace(query=urlencode(query))))
        assert 400 <= status < 500, what
        assert body != package, what
    assert fetch(url) == (200, package)


def test_the_code_link_of_one_function_does_not_open_another(owner, client):
    first, second = owner.function(zipped("A = 1")), owner.function(zipped("B = 2"))
    links = [urlsplit(client.get_function(FunctionName=name)["Code"]["Location"]) for name in (first, second)]
    assert links[0].path != links[1].path or links[0].query != links[1].query
    if links[0].path != links[1].path:
        status, body = fetch(urlunsplit(links[0]._replace(path=links[1].path)))
        assert 400 <= status < 500
        assert body != zipped("B = 2")


def test_the_code_of_a_version_stays_as_published(owner, client):
    old, new = zipped("OLD = 1"), zipped("NEW = 1")
    name = owner.function(old)
    client.publish_version(FunctionName=name)
    client.update_function_code(FunctionName=name, ZipFile=new)
    wait_updated(client, name)
    assert fetch(client.get_function(FunctionName=name)["Code"]["Location"]) == (200, new)
    link = client.get_function(FunctionName=name, Qualifier="1")["Code"]["Location"]
    assert fetch(link) == (200, old)


# --- Updates and revisions ---------------------------------------------------------------------------

UPDATING = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}


def test_an_update_is_in_progress_and_then_successful(owner, wire, client):
    name = owner.function(Timeout=3)
    answer = wire.call("PUT", f"{F}/{name}/configuration", body={"Description": "new", "Timeout": 7})
    check_ok(answer, 200)
    changed = defaults(name, owner.lambda_role) | {"Description": "new", "Timeout": 7}
    check_configuration(answer.json, changed | UPDATING)
    wait_updated(client, name)
    check_configuration(wire.call("GET", f"{F}/{name}/configuration").json, changed | ACTIVE)
    package = zipped("NEW = 1")
    answer = wire.call("PUT", f"{F}/{name}/code", body={"ZipFile": b64(package)})
    check_ok(answer, 200)
    code = {"CodeSize": len(package), "CodeSha256": b64(hashlib.sha256(package).digest())}
    check_configuration(answer.json, changed | code | UPDATING)
    wait_updated(client, name)
    check_configuration(wire.call("GET", f"{F}/{name}/configuration").json, changed | code | ACTIVE)


# (member of a configuration, its values one update after the other, what is shown after each)
CHANGED = [
    ("EphemeralStorage", [{"Size": 10240}, {"Size": 512}], [{"Size": 10240}, {"Size": 512}]),
    ("TracingConfig", [{"Mode": "Active"}, {}, {"Mode": "PassThrough"}],
     [{"Mode": "Active"}, {"Mode": "Active"}, {"Mode": "PassThrough"}]),
    ("LoggingConfig",
     [{"LogFormat": "JSON", "LogGroup": "/mine"}, {"SystemLogLevel": "WARN"}, {"LogFormat": "JSON"}, {"LogFormat": "Text"}],
     [{"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": "/mine"},
      {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN", "LogGroup": "/mine"},
      {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": "/mine"},
      {"LogFormat": "Text", "LogGroup": "/mine"}]),
]  # fmt: skip


@pytest.mark.parametrize(("member", "values", "shown"), CHANGED)
def test_a_setting_stays_until_it_is_changed(owner, client, member, values, shown):
    name = owner.function()
    for value, expected in zip(values, shown, strict=True):
        client.update_function_configuration(FunctionName=name, **{member: value})
        wait_updated(client, name)
        client.update_function_configuration(FunctionName=name, Timeout=9)
        wait_updated(client, name)
        assert configuration(client, name)[member] == expected


def test_new_code_may_be_for_another_architecture(owner, client):
    name = owner.function()
    for given, shown in [({}, "x86_64"), ({"Architectures": ["arm64"]}, "arm64"), ({}, "arm64")]:
        answer = client.update_function_code(FunctionName=name, ZipFile=RAN, Publish=True, **given)
        assert answer["Architectures"] == [shown]
        wait_updated(client, name)
        assert configuration(client, name)["Architectures"] == [shown]
    versions = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Architectures"] for version in versions] == [["arm64"], ["x86_64"], ["arm64"], ["arm64"]]


@pytest.mark.parametrize("form", ["{name}", ACCOUNT + ":function:{name}", ARN + ":{name}"])
def test_an_update_takes_every_form_of_the_name(owner, client, form):
    name = owner.function()
    client.update_function_configuration(FunctionName=form.format(name=name), Description="new")
    wait_updated(client, name)
    assert configuration(client, name)["Description"] == "new"


def test_an_update_that_publishes_describes_the_new_version(owner, client):
    name = owner.function()
    answer = client.update_function_code(FunctionName=name, ZipFile=zipped("NEW = 1"), Publish=True)
    assert answer["Version"] == "1"
    assert (answer["State"], answer["StateReasonCode"]) == ("Pending", "Creating")
    assert "LastUpdateStatus" not in answer


def test_becoming_active_changes_the_revision(client, role):
    name = unique("fn")
    made = client.create_function(
        FunctionName=name, Role=role, Code={"ZipFile": RAN}, Runtime=RUNTIME, Handler="main.handler"
    )
    wait_active(client, name)
    assert revision(client, name) != made["RevisionId"]


# What is done to a function with version 1 and alias `prod`: (name, call, does $LATEST's revision change?)
EVENTS = [
    ("update the code", lambda c, f: c.update_function_code(FunctionName=f, ZipFile=RAN), True),
    ("update nothing", lambda c, f: c.update_function_configuration(FunctionName=f), True),
    ("tag", lambda c, f: c.tag_resource(Resource=f"{ARN}:{f}", Tags={"a": "b"}), True),
    ("untag", lambda c, f: c.untag_resource(Resource=f"{ARN}:{f}", TagKeys=["a"]), True),
    ("publish nothing new", lambda c, f: c.publish_version(FunctionName=f), False),
    ("make an alias", lambda c, f: c.create_alias(FunctionName=f, Name="new", FunctionVersion="1"), False),
    ("update an alias", lambda c, f: c.update_alias(FunctionName=f, Name="prod", Description="x"), False),
    ("read", lambda c, f: c.get_function(FunctionName=f), False),
]


@pytest.mark.parametrize(("what", "call", "changes"), EVENTS)
def test_the_revision_of_a_function_changes_exactly_with_the_function(owner, client, what, call, changes):
    name = owner.versioned()
    before, version = revision(client, name), revision(client, name, "1")
    call(client, name)
    wait_updated(client, name)
    assert (revision(client, name) != before) == changes, what
    assert revision(client, name, "1") == version, what


@pytest.mark.parametrize("call", ["update_function_code", "update_function_configuration"])
def test_an_update_changes_the_revision_when_accepted_and_again_when_complete(owner, client, call):
    name = owner.function()
    before = revision(client, name)
    parameters = {"ZipFile": RAN} if call == "update_function_code" else {}
    accepted = getattr(client, call)(FunctionName=name, **parameters)["RevisionId"]
    wait_updated(client, name)
    assert len({before, accepted, revision(client, name)}) == 3


def test_a_new_version_changes_the_functions_revision_and_has_its_own(owner, client):
    name = owner.function()
    before = revision(client, name)
    published = client.publish_version(FunctionName=name)
    assert (published["State"], published["LastUpdateStatus"]) == ("Active", "Successful")
    assert published["FunctionArn"] == f"{ARN}:{name}:1"
    after = revision(client, name)
    assert len({before, after, published["RevisionId"]}) == 3
    assert revision(client, name, "1") == published["RevisionId"]


def test_updating_an_alias_changes_its_revision_even_with_equal_values(owner, client):
    name = owner.versioned()
    before = client.get_alias(FunctionName=name, Name="prod")["RevisionId"]
    client.update_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    assert client.get_alias(FunctionName=name, Name="prod")["RevisionId"] != before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/code", {"ZipFile": b64(RAN)}),
        ("PUT", "/configuration", {"Description": "x"}),
        ("POST", "/versions", {}),
        ("PUT", "/aliases/prod", {"Description": "x"}),
    ],
)
def test_a_stale_revision_is_refused_and_the_current_one_is_accepted(owner, wire, client, method, path, body):
    name = owner.versioned()
    before = configuration(client, name)
    answer = wire.call(method, f"{F}/{name}{path}", body=body | {"RevisionId": "wrong"})
    check_error(answer, "PreconditionFailedException", STALE)
    assert configuration(client, name) == before
    current = before["RevisionId"]
    if "aliases" in path:
        current = client.get_alias(FunctionName=name, Name="prod")["RevisionId"]
    answer = wire.call(method, f"{F}/{name}{path}", body=body | {"RevisionId": current})
    assert answer.status in (200, 201), answer.body


# --- Refusals by name and qualifier ------------------------------------------------------------------

LONG_NAME, LONG_QUALIFIER = "a" * 65, "q" * 129
ILLEGAL = [
    "my-function!",
    "arn:aws:iam::123456789012:role/r",
    "arn:aws:lambda:nowhere:123456789012:function:f",
    "arn:aws:lambda:us-east-1:12345:function:f",
    "arn:aws:lambda:us-east-1:123456789012:function:f:1:2",
]
READS = [("GET", "{name}"), ("GET", "{name}/configuration"), ("DELETE", "{name}"), ("GET", "{name}/versions")]


@pytest.mark.parametrize(("method", "path"), READS)
@pytest.mark.parametrize("name", ILLEGAL)
def test_an_illegal_name_is_refused_with_the_live_pattern(wire, method, path, name):
    answer = wire.call(method, f"{F}/{path.format(name=name.replace('/', '%2F'))}")
    check_validation(answer, failed(name, "functionName", pattern(patterns.GET)))


@pytest.mark.parametrize(("method", "path"), READS[:3])
def test_an_illegal_qualifier_is_refused(wire, fixed, method, path):
    path = f"{F}/{path.format(name=fixed)}"
    check_validation(
        wire.call(method, path, {"Qualifier": "a?b"}), failed("a?b", "qualifier", pattern(patterns.QUALIFIER))
    )
    check_validation(
        wire.call(method, path, {"Qualifier": LONG_QUALIFIER}), failed(LONG_QUALIFIER, "qualifier", longest(128))
    )


@pytest.mark.parametrize(("method", "path"), READS[:3])
def test_two_failures_are_two_entries(wire, method, path):
    check_validation(
        wire.call(method, f"{F}/{path.format(name='my-function!')}", {"Qualifier": LONG_QUALIFIER}),
        failed("my-function!", "functionName", pattern(patterns.GET)),
        failed(LONG_QUALIFIER, "qualifier", longest(128)),
    )


WRONG_REGION = f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:{{fn}}"
# (function, qualifier, code, text)
NOT_FOUND = [
    ("doesnotexist", None, RNF, f"Function not found: {ARN}:doesnotexist"),
    ("doesnotexist", "1", RNF, f"Function not found: {ARN}:doesnotexist:1"),
    ("doesnotexist:prod", None, RNF, f"Function not found: {ARN}:doesnotexist:prod"),
    ("{fn}", "42", RNF, f"Function not found: {ARN}:{{fn}}:42"),
    ("{fn}", "no-alias", RNF, f"Function not found: {ARN}:{{fn}}:no-alias"),
    ("{fn}", "$latest", RNF, f"Function not found: {ARN}:{{fn}}:$latest"),
    (LONG_NAME, None, RNF, f"Function not found: {ARN}:{LONG_NAME}"),
    ("with.dot", None, RNF, f"Function not found: {ARN}:with.dot"),
    (ARN, None, RNF, f"Function not found: {ARN}:function"),
    ("doesnotexist:prod", "1", IPV, MISMATCH),
    ("{fn}:prod", "$LATEST", IPV, MISMATCH),
    (WRONG_REGION, None, RNF, OTHER_REGION),
]


@pytest.mark.parametrize("path", ["{name}", "{name}/configuration"])
@pytest.mark.parametrize(("function", "qualifier", "code", "text"), NOT_FOUND)
def test_what_is_not_there_is_named_exactly(wire, fixed, path, function, qualifier, code, text):
    path = f"{F}/{path.format(name=function.format(fn=fixed))}"
    check_error(wire.call("GET", path, {"Qualifier": qualifier}), code, text.format(fn=fixed))


LATEST_KEPT = "$LATEST version cannot be deleted without deleting the function."
NOT_DELETED = [
    ("doesnotexist", None, RNF, f"Function not found: {ARN}:doesnotexist"),
    ("doesnotexist", "1", RNF, f"Function not found: {ARN}:doesnotexist"),
    ("{fn}", "$LATEST", IPV, LATEST_KEPT),
    ("doesnotexist", "$LATEST", IPV, LATEST_KEPT),
    ("{fn}", "prod", IPV, "Deletion of aliases is not currently supported."),
    ("{fn}:prod", "1", IPV, MISMATCH),
    (LONG_NAME, None, RNF, f"Function not found: {ARN}:{LONG_NAME}"),
    (WRONG_REGION, None, RNF, OTHER_REGION),
]


@pytest.mark.parametrize(("function", "qualifier", "code", "text"), NOT_DELETED)
def test_what_cannot_be_deleted_stays(wire, client, fixed, function, qualifier, code, text):
    before = configuration(client, fixed)
    answer = wire.call("DELETE", f"{F}/{function.format(fn=fixed)}", {"Qualifier": qualifier})
    check_error(answer, code, text.format(fn=fixed))
    assert configuration(client, fixed) == before


def test_a_deletion_takes_versions_and_aliases_along_and_is_final(owner, wire, client):
    name = owner.versioned()
    answer = wire.call("DELETE", f"{F}/{name}")
    check_ok(answer, 204)
    assert answer.body == b""
    for qualifier in (None, "1", "prod"):
        assert wire.call("GET", f"{F}/{name}", {"Qualifier": qualifier}).status == 404
    assert wire.call("DELETE", f"{F}/{name}").status == 404
    owner.function(name=name)
    assert [v["Version"] for v in client.list_versions_by_function(FunctionName=name)["Versions"]] == ["$LATEST"]
    assert client.list_aliases(FunctionName=name)["Aliases"] == []


def test_deleting_an_unknown_version_is_fine_and_repeatable(wire, fixed):
    for _ in range(2):
        check_ok(wire.call("DELETE", f"{F}/{fixed}", {"Qualifier": "42"}), 204)


# --- Versions ----------------------------------------------------------------------------------------


def test_version_numbers_rise_and_are_never_used_again(owner, client):
    name = owner.function()
    assert client.publish_version(FunctionName=name, Description="one")["Version"] == "1"
    again = client.publish_version(FunctionName=name, Description="ignored")
    assert (again["Version"], again["Description"]) == ("1", "one")
    for expected in ("2", "3"):
        client.update_function_code(FunctionName=name, ZipFile=RAN)
        wait_updated(client, name)
        assert client.publish_version(FunctionName=name)["Version"] == expected
        client.delete_function(FunctionName=name, Qualifier=expected)
    versions = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]


def test_a_version_is_immutable(owner, client):
    name = owner.function(Description="old")
    client.publish_version(FunctionName=name)
    before = configuration(client, name, "1")
    client.update_function_configuration(FunctionName=name, Description="new", Timeout=9)
    wait_updated(client, name)
    assert configuration(client, name, "1") == before
    assert configuration(client, name)["Description"] == "new"


def test_publishing_other_code_than_expected_is_refused(owner, wire, client):
    name = owner.function()
    actual = configuration(client, name)["CodeSha256"]
    given = b64(hashlib.sha256(b"other").digest())
    text = (
        f"CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({actual}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )
    check_error(wire.call("POST", f"{F}/{name}/versions", body={"CodeSha256": given}), IPV, text)
    check_ok(wire.call("POST", f"{F}/{name}/versions", body={"CodeSha256": actual}), 201)


def test_versions_are_listed_ascending_with_latest_first_and_without_state(owner, client):
    name = owner.function()
    for _ in range(3):
        client.update_function_code(FunctionName=name, ZipFile=RAN)
        wait_updated(client, name)
        client.publish_version(FunctionName=name)
    listed = without_metadata(client.list_versions_by_function(FunctionName=name))
    assert set(listed) == {"Versions"}
    arns = [version["FunctionArn"] for version in listed["Versions"]]
    assert arns == [f"{ARN}:{name}:{q}" for q in ("$LATEST", "1", "2", "3")]
    assert not [key for version in listed["Versions"] for key in version if "Stat" in key]
    paged, marker = [], None
    while True:
        more = {"Marker": marker} if marker else {}
        page = client.list_versions_by_function(FunctionName=name, MaxItems=3, **more)
        assert len(page["Versions"]) <= 3
        paged += [version["Version"] for version in page["Versions"]]
        marker = page.get("NextMarker")
        if not marker:
            assert "NextMarker" not in page
            break
    assert paged == ["$LATEST", "1", "2", "3"]


# --- Lists -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def populated(world):
    """An account of its own with five functions, the first with a version."""
    account = world.account()
    names = [account.function(name=f"listed-{letter}") for letter in "cabed"]
    account.root.boto().publish_version(FunctionName=names[0])
    return account, sorted(names)


def test_functions_are_listed_without_state_under_unqualified_arns(populated):
    account, names = populated
    listed = without_metadata(account.root.boto().list_functions())
    assert set(listed) == {"Functions"}
    assert sorted(f["FunctionArn"] for f in listed["Functions"]) == [account.arn(name) for name in names]
    states = {"State", "StateReason", "StateReasonCode"}
    for function in listed["Functions"]:
        assert not states & set(function)
        assert not [key for key in function if key.startswith("LastUpdateStatus")]


def test_every_version_is_listed_when_asked_for(populated):
    account, names = populated
    listed = account.root.boto().list_functions(FunctionVersion="ALL")["Functions"]
    expected = [account.arn(name, "$LATEST") for name in names] + [account.arn("listed-c", "1")]
    assert sorted(f["FunctionArn"] for f in listed) == sorted(expected)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_pages_cover_every_function_once(populated, size):
    account, names = populated
    client, seen, marker = account.root.boto(), [], None
    for _ in range(len(names) + 1):
        page = client.list_functions(MaxItems=size, **({"Marker": marker} if marker else {}))
        assert len(page["Functions"]) <= size
        seen += [function["FunctionName"] for function in page["Functions"]]
        marker = page.get("NextMarker")
        if marker is None:
            break
    assert sorted(seen) == names
    assert marker is None


def test_a_page_of_nothing_is_refused(wire):
    answer = wire.call("GET", F, {"MaxItems": 0})
    entry = failed("0", "maxItems", "Member must have value greater than or equal to 1")
    check_validation(answer, entry)


def test_an_account_lists_its_own_functions_only(owner, populated):
    account, names = populated
    owner.function()
    assert len(account.root.boto().list_functions()["Functions"]) == len(names)


# --- Tags --------------------------------------------------------------------------------------------


def test_tags_are_given_read_and_taken(owner, wire, client):
    name = owner.function(Tags={"made": "here"})
    path = f"{TAGS}/{ARN}:{name}"
    assert client.get_function(FunctionName=name)["Tags"] == {"made": "here"}
    check_ok(wire.call("POST", path, body={"Tags": {"a": "1", "b": "2"}}), 204)
    assert wire.call("GET", path).json == {"Tags": {"made": "here", "a": "1", "b": "2"}}
    check_ok(wire.call("POST", path, body={"Tags": {"a": "new"}}), 204)
    check_ok(wire.call("DELETE", path + "?tagKeys=b&tagKeys=unknown&tagKeys=made"), 204)
    assert wire.call("GET", path).json == {"Tags": {"a": "new"}}
    check_ok(wire.call("DELETE", path + "?tagKeys=a"), 204)
    answer = wire.call("GET", path)
    check_ok(answer, 200)
    assert answer.body == b'{"Tags":{}}'
    assert "Tags" not in client.get_function(FunctionName=name)


TOO_MANY = {f"k{n}": "v" for n in range(51)}
QUALIFIED = "Tags on function aliases and versions are not supported. Please specify a function ARN."
# (method, resource, body, code, text)
TAGS_REFUSED = [
    ("GET", f"{ARN}:doesnotexist", None, RNF, f"Function not found: {ARN}:doesnotexist"),
    ("POST", f"{ARN}:doesnotexist", {"Tags": {"a": "b"}}, RNF, f"Function not found: {ARN}:doesnotexist"),
    ("DELETE", f"{ARN}:doesnotexist?tagKeys=a", None, RNF, f"Function not found: {ARN}:doesnotexist"),
    ("POST", f"{ARN}:{{fn}}", {"Tags": TOO_MANY}, IPV, "Number of tags exceeds resource tag limit."),
    ("POST", f"{ARN}:{{fn}}", {"Tags": {}}, IPV, "An error occurred and the request cannot be processed."),
    ("GET", f"{ARN}:{{fn}}:1", None, IPV, QUALIFIED),
    ("POST", f"{ARN}:{{fn}}:prod", {"Tags": {"a": "b"}}, IPV, QUALIFIED),
    ("POST", f"{ARN}:{{fn}}:$LATEST", {"Tags": {"a": "b"}}, IPV, QUALIFIED),
    ("DELETE", f"{ARN}:{{fn}}:1?tagKeys=a", None, IPV, QUALIFIED),
]


@pytest.mark.parametrize(("method", "resource", "body", "code", "text"), TAGS_REFUSED)
def test_refused_tags_have_their_exact_answer(wire, fixed, method, resource, body, code, text):
    payload = b"" if body is None else body
    answer = wire.call(method, f"{TAGS}/{resource.format(fn=fixed)}", body=payload)
    check_error(answer, code, text.format(fn=fixed))
    assert wire.call("GET", f"{TAGS}/{ARN}:{fixed}").json == {"Tags": {}}


def test_a_tag_on_something_else_is_a_validation_exception(wire):
    arn = "arn:aws:s3:::bucket"
    check_validation(wire.call("GET", f"{TAGS}/{arn}"), failed(arn, "resource", pattern(patterns.TAGGED)))


def test_too_many_tags_at_creation_make_nothing(wire, role):
    name = unique("fn")
    answer = wire.call("POST", F, body=creation(name, Role=role, Tags=TOO_MANY))
    check_error(answer, IPV, "Number of tags exceeds resource tag limit.")
    assert wire.call("GET", f"{F}/{name}").status == 404


# --- What is not served ------------------------------------------------------------------------------

# Each row goes when its operation comes.
NOT_SERVED = [
    ("ListCapacityProviders", "GET", "/2025-11-30/capacity-providers", None),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "method", "path", "body"), NOT_SERVED)
def test_what_is_not_served_says_so_by_name(wire, fixed, operation, method, path, body):
    payload = b"" if body is None else body
    answer = wire.call(method, path.format(fn=fixed), body=payload)
    assert (answer.status, answer.code) == (400, "UnsupportedOperationException"), answer.body
    assert operation in answer.body.decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2015-03-31/nothing"),
        ("GET", "/"),
        ("PATCH", "/2015-03-31/functions/f"),
        ("GET", "/2015-03-31/functions/f/policy/s/more"),
        ("GET", "/1999-01-01/functions"),
    ],
)
def test_an_unknown_path_or_method_is_an_exact_403(wire, method, path):
    check_error(
        wire.call(method, path),
        "AccessDeniedException",
        "Unable to determine service/operation name to be authorized",
    )


@pytest.mark.parametrize("path", ["/2015-03-31/functions/%zz", "/2015-03-31/functions/%", "/2015-03-31/functions/%ff"])
def test_a_malformed_path_is_refused_and_never_a_500(wire, path):
    assert 400 <= wire.call("GET", path).status < 500
