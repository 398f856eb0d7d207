"""What an update refuses: the rules that hold when something is made hold when it is changed, in the same
words, and what was there stays.

Facts: aws-lambda.md §3.5, §6.2, §6.5 to §6.7.
"""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

import patterns
import pytest
from server import ACCOUNT, REGION
from wire import NOT_NULL, check_envelope, check_error, check_ok, check_validation, compact, error_body, failed
from wire import longest, one_of, pattern, shortest
from world import RAN, RUNTIME, allow, unique, wait_active, wait_updated, zipped

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
F = "/2015-03-31/functions"
IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"
CONFLICT = "ResourceConflictException"
UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


@pytest.fixture(scope="module")
def fixed(owner):
    """A function with versions 1 and 2, aliases `prod` of 1 and `latest` of `$LATEST`."""
    name, client = owner.versioned(), owner.root.boto()
    client.update_function_code(FunctionName=name, ZipFile=RAN)
    wait_updated(client, name)
    assert client.publish_version(FunctionName=name)["Version"] == "2"
    client.create_alias(FunctionName=name, Name="latest", FunctionVersion="$LATEST")
    return name


def b64(data):
    return base64.b64encode(data).decode()


def unchanged(wire, path, answer):
    """What a read of `path` answered before is what it answers now."""
    assert wire.call("GET", path).body == answer.body


# --- Aliases -----------------------------------------------------------------------------------------

ROUTES = "routingConfig.additionalVersionWeights"
VALUES = (
    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
    "Member must have value greater than or equal to 0.0, Member must not be null]"
)
KEYS = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, "
    "Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"
)
TOO_MANY = "Number of items in AdditionalVersionWeights cannot be greater than 1"
OF_LATEST = "$LATEST is not supported for an alias pointing to more than 1 version"


def own(version):
    return f"Invalid function version {version}. Function version {version} is already included in routing configuration."


def routes(weights, **more):
    return {"RoutingConfig": {"AdditionalVersionWeights": weights}} | more


# (alias, body of UpdateAlias, code, text, without `Type`)
ALIAS_REFUSED = [
    ("prod", {"FunctionVersion": "42"}, RNF, f"Function not found: {ARN}:{{fn}}:42", None),
    ("prod", routes({"2": 0.1, "3": 0.1}), IPV, TOO_MANY, None),
    ("prod", routes({"1": 0.5}), IPV, own(1), None),
    ("prod", routes({"2": 0.5}, FunctionVersion="2"), IPV, own(2), None),
    ("prod", routes({"10": 0.5}), RNF, f"Function not found: {ARN}:{{fn}}:10", None),
    ("prod", routes({"2": 0.5}, FunctionVersion="$LATEST"), IPV, OF_LATEST, True),
    ("latest", routes({"1": 0.5}), IPV, OF_LATEST, True),
]  # fmt: skip


@pytest.mark.parametrize(("alias", "body", "code", "text", "bare"), ALIAS_REFUSED)
def test_an_alias_is_not_changed_to_what_it_cannot_be(wire, fixed, alias, body, code, text, bare):
    path = f"{F}/{fixed}/aliases/{alias}"
    before = wire.call("GET", path)
    check_error(wire.call("PUT", path, body=body), code, text.replace("{fn}", fixed), bare)
    unchanged(wire, path, before)


def test_the_version_of_an_alias_that_has_weights_is_not_changed_to_one_of_them(wire, owner, fixed):
    path = f"{F}/{fixed}/aliases/{unique('weighted')}"
    owner.root.boto().create_alias(
        FunctionName=fixed, Name=path.rsplit("/", 1)[1], FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )  # fmt: skip
    before = wire.call("GET", path)
    check_error(wire.call("PUT", path, body={"FunctionVersion": "2"}), IPV, own(2))
    check_error(wire.call("PUT", path, body={"FunctionVersion": "$LATEST"}), IPV, OF_LATEST, True)
    unchanged(wire, path, before)
    both = wire.call("PUT", path, body=routes({"1": 0.5}, FunctionVersion="2"))
    check_ok(both, 200)


# (body, entries)
ALIAS_INVALID = [
    (routes({"2": 2.0}), [("{2=2.0}", ROUTES, VALUES)]),
    (routes({"2": -0.5}), [("{2=-0.5}", ROUTES, VALUES)]),
    (routes({"prod": 0.5}), [("{prod=0.5}", ROUTES, KEYS)]),
    (routes({"prod": 1.5}), [("{prod=1.5}", ROUTES, KEYS), ("{prod=1.5}", ROUTES, VALUES)]),
    ({"Description": "d" * 257}, [("d" * 257, "description", longest(256))]),
    ({"FunctionVersion": "prod"}, [("prod", "functionVersion", pattern(r"(\$LATEST(\.PUBLISHED)?|[0-9]+)"))]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "entries"), ALIAS_INVALID)
@pytest.mark.parametrize("alias", ["prod", "doesnotexist"])
def test_every_broken_constraint_of_an_aliass_change_is_named(wire, fixed, alias, body, entries):
    answer = wire.call("PUT", f"{F}/{fixed}/aliases/{alias}", body=body)
    check_validation(answer, *[failed(*one) for one in entries])


# --- Configurations ----------------------------------------------------------------------------------

LAYER = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:"
    r"[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
)
LAYERS = (
    "Member must satisfy constraint: [Member must have length less than or equal to 2048, "
    f"Member must have length greater than or equal to 1, {pattern(LAYER)}, Member must not be null]"
)
MIN, MAX = "Member must have value greater than or equal to", "Member must have value less than or equal to"
# Of both operations: (members, entries)
INVALID = [
    ({"Role": "not-a-role"}, [("not-a-role", "role", pattern(patterns.ROLE))]),
    ({"Timeout": 0}, [("0", "timeout", f"{MIN} 1")]),
    ({"Timeout": 901}, [("901", "timeout", f"{MAX} 900")]),
    ({"MemorySize": 127}, [("127", "memorySize", f"{MIN} 128")]),
    ({"EphemeralStorage": {"Size": 511}}, [("511", "ephemeralStorage.size", f"{MIN} 512")]),
    ({"TracingConfig": {"Mode": "Off"}}, [("Off", "tracingConfig.mode", one_of("Active", "PassThrough"))]),
    ({"Layers": ["layer"]}, [("[layer]", "layers", LAYERS)]),
    ({"Description": "d" * 257}, [("d" * 257, "description", longest(256))]),
    ({"Timeout": 0, "MemorySize": 1}, [("0", "timeout", f"{MIN} 1"), ("1", "memorySize", f"{MIN} 128")]),
]


def creation(role, **changes):
    body = {"FunctionName": unique("fn"), "Runtime": RUNTIME, "Handler": "main.handler"}
    return body | {"Role": role, "Code": {"ZipFile": b64(RAN)}} | changes


@pytest.mark.parametrize(("members", "entries"), INVALID)
def test_every_broken_constraint_of_a_configuration_is_named(wire, owner, fixed, members, entries):
    path = f"{F}/{fixed}/configuration"
    before = wire.call("GET", path)
    made = wire.call("POST", F, body=creation(owner.lambda_role, **members))
    for answer in (made, wire.call("PUT", path, body=members)):
        check_validation(answer, *[failed(*one) for one in entries])
    unchanged(wire, path, before)


@pytest.mark.parametrize("which", ["missing", "not for Lambda"])
def test_a_new_role_must_be_one_that_lambda_may_assume(wire, owner, fixed, which):
    missing = f"arn:aws:iam::{ACCOUNT}:role/no-such-role"
    role = missing if which == "missing" else f"arn:aws:iam::{ACCOUNT}:role/{owner.session().role}"
    path = f"{F}/{fixed}/configuration"
    before = wire.call("GET", path)
    refused = "The role defined for the function cannot be assumed by Lambda."
    check_error(wire.call("PUT", path, body={"Role": role}), IPV, refused)
    unchanged(wire, path, before)


RUNTIMES = (
    "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, "
    "python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, "
    "java11, dotnet6, nodejs18.x, provided.al2, java8.al2"
)


@pytest.mark.parametrize("runtime", ["python2.7", RUNTIME.title(), "provided"])
def test_a_runtime_is_one_of_the_recorded_set(wire, owner, fixed, runtime):
    text = (
        f"Value {runtime} at 'runtime' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{RUNTIMES}] or be a valid ARN"
    )
    check_error(wire.call("PUT", f"{F}/{fixed}/configuration", body={"Runtime": runtime}), IPV, text)
    check_error(wire.call("POST", F, body=creation(owner.lambda_role, Runtime=runtime)), IPV, text)


# --- Code --------------------------------------------------------------------------------------------

ARCHITECTURES = f"Member must satisfy constraint: [{one_of('x86_64', 'arm64')}, {NOT_NULL}]"


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        (["x86_64", "arm64"], ("[x86_64, arm64]", "architectures", longest(1))),
        ([], ("[]", "architectures", shortest(1))),
        (["X86_64"], ("[X86_64]", "architectures", ARCHITECTURES)),
    ],
)
def test_code_is_for_one_architecture(wire, fixed, given, entry):
    path = f"{F}/{fixed}/configuration"
    before = wire.call("GET", path)
    answer = wire.call("PUT", f"{F}/{fixed}/code", body={"ZipFile": b64(RAN), "Architectures": given})
    check_validation(answer, failed(*entry))
    unchanged(wire, path, before)


def test_code_that_no_function_can_have_does_not_replace_any(wire, fixed):
    path = f"{F}/{fixed}/configuration"
    before = wire.call("GET", path)
    bomb = zipped({"main.py": "x = 1", **{f"{n}.bin": "\0" * 45_000_000 for n in range(6)}})
    empty = "Uploaded file must be a non-empty zip"
    for package, text in (
        (b"PK", UNZIP),
        (b"", empty),
        (zipped({}), empty),
        (zipped({"folder/": ""}), empty),
        (bomb, "Unzipped size must be smaller than 262144000 bytes"),
    ):
        check_error(wire.call("PUT", f"{F}/{fixed}/code", body={"ZipFile": b64(package)}), IPV, text)
    unchanged(wire, path, before)


def test_a_package_has_a_largest_form(wire, owner, fixed):
    """§5.2: the text is recorded; the code and its key are not."""
    package = b64(b"\0" * 52_428_801)
    text = "Zipped size must be smaller than 52428800 bytes"
    path = f"{F}/{fixed}/configuration"
    before = wire.call("GET", path)
    for answer in (
        wire.call("PUT", f"{F}/{fixed}/code", body={"ZipFile": package}),
        wire.call("POST", F, body=creation(owner.lambda_role, Code={"ZipFile": package})),
    ):
        assert (answer.status, answer.code) == (413, "RequestEntityTooLargeException")
        assert answer.body == error_body("RequestEntityTooLargeException", text)
        check_envelope(answer)
    unchanged(wire, path, before)


def test_a_dry_run_checks_and_shows_the_code_and_keeps_nothing(wire, owner, fixed):
    """`DryRun`: the package and the permission are checked, the answer has the package's hash and size."""
    path, code = f"{F}/{fixed}/configuration", zipped("def handler(event, context):\n    return 'dry'\n")
    before, versions = wire.call("GET", path), wire.call("GET", f"{F}/{fixed}/versions").body
    package = {"ZipFile": b64(code), "DryRun": True}
    shown = before.json | {"CodeSha256": b64(hashlib.sha256(code).digest()), "CodeSize": len(code)}
    for more, also in (
        ({}, {}),
        ({"Publish": True}, {}),
        ({"RevisionId": before.json["RevisionId"]}, {}),
        ({"Architectures": ["arm64"]}, {"Architectures": ["arm64"]}),
    ):
        answer = wire.call("PUT", f"{F}/{fixed}/code", body=package | more)
        check_ok(answer, 200)
        assert answer.json == shown | also, more
    assert wire.call("GET", f"{F}/{fixed}/versions").body == versions, "no version is published"
    user = owner.user()
    assert user.wire.call("PUT", f"{F}/{fixed}/code", body=package).code == "AccessDeniedException"
    user.permit(allow("lambda:UpdateFunctionCode", owner.arn(fixed)))
    assert user.wire.call("PUT", f"{F}/{fixed}/code", body=package).json == shown
    unchanged(wire, path, before)


STALE = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)


@pytest.mark.parametrize(
    ("name", "more", "code", "text"),
    [
        ("{fn}", {"ZipFile": b64(b"PK")}, IPV, UNZIP),
        ("{fn}", {"RevisionId": "00000000-0000-4000-8000-000000000000"}, "PreconditionFailedException", STALE),
        ("doesnotexist", {}, RNF, f"Function not found: {ARN}:doesnotexist"),
    ],
)
def test_a_dry_run_is_refused_as_the_update_is(wire, fixed, name, more, code, text):
    for dry in (True, False):
        body = {"ZipFile": b64(RAN), "DryRun": dry} | more
        check_error(wire.call("PUT", f"{F}/{name.replace('{fn}', fixed)}/code", body=body), code, text)


def test_an_update_during_an_update_is_refused(wire, owner):
    """§6.2. An update takes milliseconds: of many at once, one meets another before long."""
    name = owner.function()
    text = f"The operation cannot be performed at this time. An update is in progress for resource: {ARN}:{name}"

    def update(timeout):
        return wire.call("PUT", f"{F}/{name}/configuration", body={"Timeout": timeout})

    refused = []
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            answers = list(pool.map(update, range(1, 9)))
            refused += [answer for answer in answers if answer.status != 200]
            if refused:
                break
    assert refused, "no two of 400 updates met"
    for answer in refused:
        check_error(answer, CONFLICT, text)


# --- Names -------------------------------------------------------------------------------------------


def test_an_arn_without_a_name_makes_the_function_called_function(world):
    """§4.3: the pattern takes it so."""
    account = world.account()
    wire = account.root.wire
    whole = account.arn("x").removesuffix(":x")
    made = wire.call("POST", F, body=creation(account.lambda_role, FunctionName=whole))
    check_ok(made, 201)
    assert (made.json["FunctionName"], made.json["FunctionArn"]) == ("function", account.arn("function"))
    wait_active(account.root.boto(), "function")
    again = wire.call("POST", F, body=creation(account.lambda_role, FunctionName="function"))
    check_error(again, CONFLICT, "Function already exist: function")
    check_ok(wire.call("DELETE", f"{F}/{whole}"), 204)


# --- Tags --------------------------------------------------------------------------------------------


def test_tags_are_counted_with_those_that_are_there(wire, owner):
    name = owner.function(Tags={f"k{n}": "v" for n in range(49)})
    path = f"/2017-03-31/tags/{owner.arn(name)}"
    before = wire.call("GET", path)
    too_many = wire.call("POST", path, body={"Tags": {"new-1": "v", "new-2": "v"}})
    check_error(too_many, IPV, "Number of tags exceeds resource tag limit.")
    unchanged(wire, path, before)
    check_ok(wire.call("POST", path, body={"Tags": {"k1": "other", "new-1": "v"}}), 204)
    check_error(wire.call("POST", path, body={"Tags": {"new-2": "v"}}), IPV, "Number of tags exceeds resource tag limit.")
    assert compact(wire.call("GET", path).json).count(":") == 51
