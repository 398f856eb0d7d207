"""Refusals of CreateFunction: nothing is made by a creation that is refused.

Facts: aws-lambda.md §4, §6.
"""

import io
import zipfile
from pathlib import Path

import patterns
import pytest
from server import ACCOUNT
from test_functions import ARN, F, IPV, LONG_NAME, OTHER_REGION, RNF, WRONG_REGION, b64, configuration, creation
from wire import NOT_NULL, check_error, check_validation, compact, failed, longest, one_of, pattern, shortest
from world import RAN, TRUST_LAMBDA, error_of, unique, zipped

GOOD_ROLE = "arn:aws:iam::123456789012:role/shape-only"
LONG_ARN = f"{ARN}:{'f' * 100}"
LONG_ILLEGAL = f"arn:aws:lambda:nowhere:123456789012:function:{'f' * 100}"
MAX_140, NAME_PATTERN = longest(140), pattern(patterns.CREATE)

# (changes, entries)
INVALID = [
    ({"FunctionName": "my-function!"}, [("my-function!", "functionName", NAME_PATTERN)]),
    ({"FunctionName": "with.dot"}, [("with.dot", "functionName", NAME_PATTERN)]),
    ({"FunctionName": LONG_ARN}, [(LONG_ARN, "functionName", MAX_140)]),
    (
        {"FunctionName": LONG_ILLEGAL},
        [(LONG_ILLEGAL, "functionName", MAX_140), (LONG_ILLEGAL, "functionName", NAME_PATTERN)],
    ),
    ({"FunctionName": f"f:{'q' * 140}"}, [(f"f:{'q' * 140}", "functionName", MAX_140)]),
    ({"FunctionName": None}, [(None, "functionName", NOT_NULL)]),
    ({"Role": None}, [(None, "role", NOT_NULL)]),
    ({"Code": None}, [(None, "code", NOT_NULL)]),
    ({"Role": "not-a-role"}, [("not-a-role", "role", pattern(patterns.ROLE))]),
    ({"Timeout": 0}, [("0", "timeout", "Member must have value greater than or equal to 1")]),
    ({"MemorySize": 127}, [("127", "memorySize", "Member must have value greater than or equal to 128")]),
    (
        {"EphemeralStorage": {"Size": 511}},
        [("511", "ephemeralStorage.size", "Member must have value greater than or equal to 512")],
    ),
    ({"TracingConfig": {"Mode": "active"}}, [("active", "tracingConfig.mode", one_of("Active", "PassThrough"))]),
    ({"LoggingConfig": {"LogFormat": "json"}}, [("json", "loggingConfig.logFormat", one_of("JSON", "Text"))]),
    ({"Description": "d" * 257}, [("d" * 257, "description", longest(256))]),
    ({"Architectures": ["x86_64", "arm64"]}, [("[x86_64, arm64]", "architectures", longest(1))]),
    ({"Architectures": []}, [("[]", "architectures", shortest(1))]),
    (
        {"Architectures": ["X86_64"]},
        [
            (
                "[X86_64]",
                "architectures",
                f"Member must satisfy constraint: [{one_of('x86_64', 'arm64')}, {NOT_NULL}]",
            )
        ],
    ),
    (
        {"Role": "not-a-role", "Timeout": 0, "FunctionName": "my-function!"},
        [
            ("my-function!", "functionName", NAME_PATTERN),
            ("not-a-role", "role", pattern(patterns.ROLE)),
            ("0", "timeout", "Member must have value greater than or equal to 1"),
        ],
    ),
]


@pytest.mark.parametrize(("changes", "entries"), INVALID)
def test_every_broken_constraint_of_a_creation_is_in_one_exception(wire, changes, entries):
    name = unique("fn")
    answer = wire.call("POST", F, body=creation(name, **({"Role": GOOD_ROLE} | changes)))
    check_validation(answer, *[failed(*entry) for entry in entries])
    assert wire.call("GET", f"{F}/{name}").status == 404


UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
TRUNCATED = RAN[: len(RAN) // 2]


@pytest.mark.parametrize("package", [b"not a zip", TRUNCATED, b"PK\x03\x04" + b"\0" * 60, RAN[:-8]])
def test_a_malformed_package_is_refused_and_makes_nothing(wire, role, package):
    name = unique("fn")
    answer = wire.call("POST", F, body=creation(name, Role=role, Code={"ZipFile": b64(package)}))
    check_error(answer, IPV, UNZIP)
    assert wire.call("GET", f"{F}/{name}").status == 404


def test_a_malformed_package_does_not_replace_a_good_one(owner, wire, client):
    name = owner.function()
    before = configuration(client, name)
    check_error(wire.call("PUT", f"{F}/{name}/code", body={"ZipFile": b64(b"not a zip")}), IPV, UNZIP)
    assert configuration(client, name) == before


def test_a_package_that_unpacks_to_more_than_250_mb_is_refused(wire, role):
    name = unique("fn")
    bomb = zipped({"main.py": "x = 1", **{f"{n}.bin": "\0" * 45_000_000 for n in range(6)}})
    answer = wire.call("POST", F, body=creation(name, Role=role, Code={"ZipFile": b64(bomb)}))
    check_error(answer, IPV, "Unzipped size must be smaller than 262144000 bytes")
    assert wire.call("GET", f"{F}/{name}").status == 404


FILE, LINK, DEVICE = 0o100644, 0o120777, 0o020644
WAYS_OUT = {
    "climbs": [("../escaped", FILE, "x")],
    "climbs far": [("../../../../escaped", FILE, "x")],
    "climbs within": [("a/../../escaped", FILE, "x")],
    "absolute": [("/tmp/escaped", FILE, "x")],
    "link out": [("out", LINK, "/etc/passwd")],
    "link up": [("out", LINK, "../escaped")],
    "through a link": [("out", LINK, ".."), ("out/escaped", FILE, "x")],
    "device": [("null", DEVICE, "")],
    "twice": [("twice", FILE, "1"), ("twice", FILE, "2")],
    "twice by another name": [("twice", FILE, "1"), ("./twice", FILE, "2")],
    "file and folder": [("both", FILE, "1"), ("both/escaped", FILE, "2")],
}


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_package_keeps_to_its_folder(owner, server, wire, client, role, way):
    """Refused with nothing made, by whatever operation; nothing is ever written outside."""
    buffer, name = io.BytesIO(), unique("fn")
    with zipfile.ZipFile(buffer, "w") as archive:
        for entry, mode, text in [("main.py", FILE, "def handler(event, context): pass"), *WAYS_OUT[way]]:
            info = zipfile.ZipInfo(entry)
            info.external_attr = mode << 16
            archive.writestr(info, text)
    code = {"ZipFile": b64(buffer.getvalue())}
    check_error(wire.call("POST", F, body=creation(name, Role=role, Code=code)), IPV, UNZIP)
    assert wire.call("GET", f"{F}/{name}").status == 404
    check_error(wire.call("POST", f"/2018-10-31/layers/{name}/versions", body={"Content": code}), IPV, UNZIP)
    there = owner.function()
    before = configuration(client, there)
    check_error(wire.call("PUT", f"{F}/{there}/code", body=code), IPV, UNZIP)
    assert configuration(client, there) == before
    assert list(server.data_dir.parent.rglob("escaped")) == [] and not Path("/tmp/escaped").exists()


def test_a_name_of_65_characters_is_refused_in_the_services_own_words(wire, role):
    entry = failed(LONG_NAME, "functionName", longest(64))
    answer = wire.call("POST", F, body=creation(LONG_NAME, Role=role))
    check_error(answer, IPV, f"1 validation error detected: {entry}")


def test_a_function_exists_once(owner, wire, role):
    name = owner.function()
    answer = wire.call("POST", F, body=creation(name, Role=role))
    check_error(answer, "ResourceConflictException", f"Function already exist: {name}")


def test_an_arn_of_another_region_makes_nothing_here(wire, role):
    answer = wire.call("POST", F, body=creation(WRONG_REGION.format(fn="f"), Role=role))
    check_error(answer, RNF, OTHER_REGION)


def test_a_role_that_lambda_may_not_assume_is_refused(owner, wire):
    trusted_by_no_service = owner.session().arn.split("/")[1]
    for role in (
        f"arn:aws:iam::{ACCOUNT}:role/no-such-role",
        f"arn:aws:iam::{ACCOUNT}:role/{trusted_by_no_service}",
    ):
        answer = wire.call("POST", F, body=creation(unique("fn"), Role=role))
        check_error(answer, IPV, "The role defined for the function cannot be assumed by Lambda.")


@pytest.mark.parametrize("key, past", [("aws:CurrentTime", "2020-01-01T00:00:00Z"), ("aws:EpochTime", "1577836800")])
def test_lambda_assumes_roles_at_the_time_that_it_is(owner, key, past):
    before, after = ({operator: {key: past}} for operator in ("DateLessThan", "DateGreaterThan"))
    [may] = TRUST_LAMBDA["Statement"]
    must_not = may | {"Effect": "Deny"}
    for runs, statements in (
        (True, [may | {"Condition": after}]),
        (False, [may | {"Condition": before}]),
        (True, [may, must_not | {"Condition": before}]),
        (False, [may, must_not | {"Condition": after}]),
    ):
        role = owner.role(TRUST_LAMBDA | {"Statement": statements})
        assert owner.function(role=role) if runs else error_of(owner.function, role=role)[0] == IPV


@pytest.mark.parametrize("runtime", ["python2.7", "Python3.11", "cobol"])
def test_an_unknown_runtime_is_refused(wire, role, runtime):
    answer = wire.call("POST", F, body=creation(unique("fn"), Role=role, Runtime=runtime))
    message = answer.json["message"]
    check_error(answer, IPV, message)
    start = f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
    assert message.startswith(start)
    assert message.endswith("] or be a valid ARN")


def test_an_environment_over_4_kb_is_refused_and_printed(owner, wire, client, role):
    variables = {"BIG": "v" * 4096}
    text = (
        "Lambda was unable to configure your environment variables because the environment variables you have "
        f"provided exceeded the 4KB limit. String measured: {compact(variables)}"
    )
    answer = wire.call("POST", F, body=creation(unique("fn"), Role=role, Environment={"Variables": variables}))
    check_error(answer, IPV, text)
    name = owner.function()
    before = configuration(client, name)
    answer = wire.call("PUT", f"{F}/{name}/configuration", body={"Environment": {"Variables": variables}})
    check_error(answer, IPV, text)
    assert configuration(client, name) == before


@pytest.mark.parametrize("body", [b"{", b"[1]", b"", b"\xff", b'{"FunctionName":"half'])
def test_a_creation_that_is_not_a_json_object_is_a_400(wire, body):
    answer = wire.call("POST", F, body=body)
    assert answer.status == 400, answer
    assert answer.code, answer
