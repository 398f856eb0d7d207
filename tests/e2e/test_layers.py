"""Layers: what is published is what is shown, to whom it may be shown.

Source: facts/aws-lambda.md §3.
"""

import base64
import hashlib
import json
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from server import ACCOUNT, REGION
from wire import check_error, check_ok, check_validation, failed, longest, one_of, segment
from world import RAN, RUNTIME, allow, deny, error_of, unique, wait_active, wait_updated, zipped

GONE = "The resource you requested does not exist."
TOO_SMALL = "Layer Version Cannot be less than 1"
CONTENT = zipped({"python/shared.py": "VALUE = 1\n"})


def arn(name, version=None, account=ACCOUNT, region=REGION):
    layer = f"arn:aws:lambda:{region}:{account}:layer:{name}"
    return layer if version is None else f"{layer}:{version}"


def path(layer, version=None):
    versions = f"/2018-10-31/layers/{segment(layer)}/versions"
    return versions if version is None else f"{versions}/{version}"


def by_arn(caller, text):
    return caller.wire.call("GET", "/2018-10-31/layers", {"find": "LayerVersion", "Arn": text})


def publish(account, name=None, content=CONTENT, **parameters):
    """A new version of a layer; of a new one without a name."""
    name = name or unique("layer")
    client = account.root.boto()
    return client.publish_layer_version(LayerName=name, Content={"ZipFile": content}, **parameters)


def without(answer, *names):
    return {key: value for key, value in answer.items() if key not in ("ResponseMetadata", *names)}


def fetch(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


# --- Publishing and showing ---------------------------------------------------------------------------


def test_what_is_published_is_what_is_shown(owner):
    name = unique("layer")
    notes = {
        "Description": "shared code",
        "LicenseInfo": "MIT",
        "CompatibleRuntimes": ["python3.13", "go1.x"],
        "CompatibleArchitectures": ["arm64", "x86_64"],
    }
    published = without(publish(owner, name, **notes))
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert fetch(published["Content"]["Location"]) == CONTENT
    assert without(published["Content"], "Location") == {"CodeSha256": digest, "CodeSize": len(CONTENT)}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", published["CreatedDate"])
    own = {"LayerArn": arn(name), "LayerVersionArn": arn(name, 1), "Version": 1, **notes}
    assert without(published, "Content", "CreatedDate") == own
    client = owner.root.boto()
    for shown in (
        client.get_layer_version(LayerName=name, VersionNumber=1),
        client.get_layer_version(LayerName=arn(name), VersionNumber=1),
        client.get_layer_version_by_arn(Arn=arn(name, 1)),
    ):
        assert fetch(shown["Content"].pop("Location")) == CONTENT
        assert without(shown) == published | {"Content": without(published["Content"], "Location")}
    entry = without(published, "Content", "LayerArn")
    assert client.list_layer_versions(LayerName=name)["LayerVersions"] == [entry]
    listed = [one for one in all_layers(client) if one["LayerName"] == name]
    assert listed == [{"LayerName": name, "LayerArn": arn(name), "LatestMatchingVersion": entry}]


def all_layers(client, **parameters):
    return client.get_paginator("list_layers").paginate(**parameters).build_full_result()["Layers"]


def test_what_was_not_given_is_not_shown_but_the_description(owner):
    published = without(publish(owner), "Content", "CreatedDate", "LayerArn", "LayerVersionArn")
    assert published == {"Description": "", "Version": 1}


def test_numbers_rise_and_are_not_given_twice(owner):
    name = unique("layer")
    client = owner.root.boto()
    assert [publish(owner, name)["Version"] for _ in range(2)] == [1, 2]
    for number in (1, 2):
        client.delete_layer_version(LayerName=name, VersionNumber=number)
    assert client.list_layer_versions(LayerName=name)["LayerVersions"] == []
    assert name not in [layer["LayerName"] for layer in all_layers(client)]
    assert publish(owner, arn(name))["LayerVersionArn"] == arn(name, 3)


def test_publishers_at_once_get_different_numbers(owner):
    name = unique("layer")
    with ThreadPoolExecutor(8) as pool:
        numbers = [answer["Version"] for answer in pool.map(lambda _: publish(owner, name), range(16))]
    assert sorted(numbers) == list(range(1, 17))


def test_the_newest_comes_first_page_by_page(owner):
    name = unique("layer")
    for _ in range(5):
        publish(owner, name)
    client = owner.root.boto()
    client.delete_layer_version(LayerName=name, VersionNumber=3)
    pages = client.get_paginator("list_layer_versions").paginate(
        LayerName=name, PaginationConfig={"PageSize": 2}
    )
    assert [[one["Version"] for one in page["LayerVersions"]] for page in pages] == [[5, 4], [2, 1]]
    assert [one["Version"] for one in client.list_layer_versions(LayerName=arn(name))["LayerVersions"]] == [5, 4, 2, 1]


def test_layers_are_listed_by_name_page_by_page(world):
    account = world.account()
    for name in ("b", "a-2", "a", "a_1"):
        publish(account, name)
        publish(account, name)
    pages = account.root.boto().get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 3})
    shown = [
        [(one["LayerName"], one["LatestMatchingVersion"]["Version"]) for one in page["Layers"]] for page in pages
    ]
    assert shown == [[("a", 2), ("a-2", 2), ("a_1", 2)], [("b", 2)]]


@pytest.mark.parametrize(
    ("runtime", "architecture", "versions"),
    [
        (None, None, [3, 2, 1]),
        ("python3.13", None, [2, 1]),
        ("python3.12", None, [1]),
        (None, "arm64", [2]),
        ("python3.13", "x86_64", [1]),
        ("python3.12", "arm64", []),
    ],
)
def test_lists_show_what_says_that_it_is_for_what_is_asked(world, filtered, runtime, architecture, versions):
    asked = {"CompatibleRuntime": runtime, "CompatibleArchitecture": architecture}
    asked = {key: value for key, value in asked.items() if value}
    client = filtered.root.boto()
    listed = client.list_layer_versions(LayerName="l", **asked)["LayerVersions"]
    assert [one["Version"] for one in listed] == versions
    newest = [one["LatestMatchingVersion"]["Version"] for one in client.list_layers(**asked)["Layers"]]
    assert newest == versions[:1]


@pytest.fixture(scope="module")
def filtered(world):
    account = world.account()
    runtimes = ["python3.12", "python3.13"]
    publish(account, "l", CompatibleRuntimes=runtimes, CompatibleArchitectures=["x86_64"])
    publish(account, "l", CompatibleRuntimes=["python3.13"], CompatibleArchitectures=["arm64"])
    publish(account, "l")
    return account


def test_layers_survive_a_restart(start_server):
    from world import World

    server = start_server()
    account = World(server).owner
    published = publish(account, "l", Description="kept")
    publish(account, "l")
    account.root.boto().delete_layer_version(LayerName="l", VersionNumber=2)
    server.end()
    again = World(start_server(server.data_dir)).owner
    shown = again.root.boto().get_layer_version(LayerName="l", VersionNumber=1)
    assert fetch(shown["Content"]["Location"]) == CONTENT
    assert without(shown, "Content") == without(published, "Content")
    assert publish(again, "l")["Version"] == 3


def test_the_accounts_code_size_counts_layers(world):
    account = world.account()
    usage = lambda: account.root.boto().get_account_settings()["AccountUsage"]["TotalCodeSize"]  # noqa: E731
    assert usage() == 0
    publish(account, "l")
    publish(account, "l")
    assert usage() == 2 * len(CONTENT)
    account.root.boto().delete_layer_version(LayerName="l", VersionNumber=1)
    assert usage() == len(CONTENT)


# --- Refusals -----------------------------------------------------------------------------------------


def test_what_is_not_there_is_not_found_and_deleted_in_peace(owner):
    name = publish(owner)["LayerArn"].rsplit(":", 1)[1]
    wire = owner.root.wire
    for layer in (name, "nothing", arn(name)):
        check_error(wire.call("GET", path(layer, 9)), "ResourceNotFoundException", GONE)
        answer = wire.call("DELETE", path(layer, 9))
        check_ok(answer, 204)
        assert answer.body == b""
    for text in (arn(name, 9), arn("nothing", 1), arn(name, 0), "arn:aws:lambda:::awslayer:AmazonLinux1803"):
        check_error(by_arn(owner.root, text), "ResourceNotFoundException", GONE)
    answer = wire.call("GET", path("nothing"))
    assert (answer.status, answer.body) == (200, b'{"LayerVersions":[]}')


@pytest.mark.parametrize("number", [0, -1])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_versions_are_counted_from_one(owner, method, number):
    answer = owner.root.wire.call(method, path("l", number))
    check_error(answer, "InvalidParameterValueException", TOO_SMALL)


def test_layers_of_another_region_are_not_here(owner):
    foreign = arn("l", region="eu-west-3")
    answer = owner.root.wire.call("POST", path(foreign), body={"Content": {"ZipFile": base64.b64encode(CONTENT).decode()}})
    check_error(answer, "ResourceNotFoundException", GONE)
    check_error(owner.root.wire.call("GET", path(foreign, 1)), "ResourceNotFoundException", GONE)


VERSION_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:"
    r"[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
)


def test_a_malformed_arn_is_told_the_pattern(owner):
    check_validation(
        by_arn(owner.root, "l:1"),
        failed("l:1", "arn", f"Member must satisfy regular expression pattern: {VERSION_PATTERN}"),
    )


def test_words_that_are_no_runtimes_are_told_so(owner):
    wire = owner.root.wire
    answer = wire.call("GET", path("l"), {"CompatibleRuntime": "no", "CompatibleArchitecture": "x86"})
    message = answer.json["message"]
    assert (answer.status, answer.code) == (400, "ValidationException")
    assert message.startswith("2 validation errors detected: ")
    assert failed("x86", "compatibleArchitecture", one_of("x86_64", "arm64")) in message
    assert "Value 'no' at 'compatibleRuntime' failed to satisfy constraint: Member must satisfy enum value set: [" in message
    body = {"Content": {"ZipFile": ""}, "CompatibleRuntimes": ["no"]}
    answer = wire.call("POST", path("l"), body=body)
    assert "Value '[no]' at 'compatibleRuntimes' failed to satisfy constraint" in answer.json["message"]


def test_content_that_is_none_is_refused(owner):
    wire = owner.root.wire
    rows = [
        ({}, "InvalidParameterValueException", "Please provide a source for layer content."),
        ({"ZipFile": base64.b64encode(b"no zip").decode()}, "InvalidParameterValueException",
         "Could not unzip uploaded file. Please check your file, then try to upload again."),
    ]  # fmt: skip
    for content, code, message in rows:
        check_error(wire.call("POST", path("l"), body={"Content": content}), code, message)
    big = zipped({"zeros": "\0" * 262_144_001})
    refused = error_of(publish, owner, content=big)
    assert refused == ("InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes")
    notes = {"Content": {"ZipFile": base64.b64encode(CONTENT).decode()}, "LicenseInfo": "l" * 513}
    check_validation(wire.call("POST", path("l"), body=notes), failed("l" * 513, "licenseInfo", longest(512)))
    assert all(one["LayerName"] != "l" for one in all_layers(owner.root.boto()))


# --- Who may ------------------------------------------------------------------------------------------

LAYER, VERSION = arn("guarded"), arn("guarded", 1)
CALLS = {
    "PublishLayerVersion": (LAYER, lambda c: c.publish_layer_version(LayerName="guarded", Content={"ZipFile": CONTENT})),
    "ListLayerVersions": (LAYER, lambda c: c.list_layer_versions(LayerName="guarded")),
    "ListLayers": ("*", lambda c: c.list_layers()),
    "GetLayerVersion": (VERSION, lambda c: c.get_layer_version(LayerName="guarded", VersionNumber=1)),
    "DeleteLayerVersion": (VERSION, lambda c: c.delete_layer_version(LayerName="guarded", VersionNumber=1)),
}  # fmt: skip


@pytest.mark.parametrize("operation", CALLS)
def test_each_operation_needs_its_own_action_on_its_own_resource(owner, operation):
    publish(owner, "guarded")
    resource, call = CALLS[operation]
    caller = owner.user(allow("lambda:*", "*"), deny(f"lambda:{operation}", resource))
    refused = error_of(call, caller.boto())
    assert refused == (
        "AccessDeniedException",
        f"User: {caller.arn} is not authorized to perform: lambda:{operation} on resource: {resource} "
        "with an explicit deny in an identity-based policy",
    )
    call(caller.permit(allow(f"lambda:{operation}", resource)).boto())


def test_get_by_arn_needs_the_permission_of_get(owner):
    text = publish(owner)["LayerVersionArn"]
    caller = owner.user(allow("lambda:GetLayerVersion", text))
    check_ok(by_arn(caller, text), 200)
    other = publish(owner)["LayerVersionArn"]
    code, message = error_of(caller.boto().get_layer_version_by_arn, Arn=other)
    assert code == "AccessDeniedException"
    assert f"lambda:GetLayerVersion on resource: {other} because no identity-based policy" in message


@pytest.mark.parametrize("operation", [name for name in CALLS if name != "ListLayers"])
def test_nobody_has_to_do_with_layers_of_another_account(owner, other, operation):
    name = unique("layer")
    publish(owner, name)
    wire = other.root.wire
    call = {
        "PublishLayerVersion": lambda: wire.call("POST", path(arn(name)), body={"Content": {"ZipFile": ""}}),
        "ListLayerVersions": lambda: wire.call("GET", path(arn(name))),
        "GetLayerVersion": lambda: wire.call("GET", path(arn(name), 1)),
        "DeleteLayerVersion": lambda: wire.call("DELETE", path(arn(name), 1)),
    }[operation]
    answer = call()
    assert (answer.status, answer.code) == (403, "AccessDeniedException")
    assert f"because no resource-based policy allows the lambda:{operation} action" in answer.json["Message"]
    assert other.root.boto().list_layer_versions(LayerName=name)["LayerVersions"] == []
    owner.root.boto().get_layer_version(LayerName=name, VersionNumber=1)


# --- What a version's policy grants -------------------------------------------------------------------

STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve "
    "the latest Revision Id"
)


def policy_path(layer, version, sid=None):
    policy = f"{path(layer, version)}/policy"
    return policy if sid is None else f"{policy}/{sid}"


def grant(account, layer, version=1, sid="s", principal="*", revision=None, **more):
    body = {"StatementId": sid, "Action": "lambda:GetLayerVersion", "Principal": principal, **more}
    return account.root.wire.call("POST", policy_path(layer, version), {"RevisionId": revision}, body)


def policy_of(account, layer, version=1):
    return account.root.wire.call("GET", policy_path(layer, version))


def revoke(account, layer, version=1, sid="s", revision=None):
    return account.root.wire.call("DELETE", policy_path(layer, version, sid), {"RevisionId": revision})


@pytest.fixture
def layer(owner):
    """The name of a new layer with one version."""
    return publish(owner)["LayerArn"].rsplit(":", 1)[1]


@pytest.mark.parametrize(
    ("given", "principal", "condition"),
    [
        ({"Principal": "*"}, '"*"', ""),
        ({"Principal": "111122223333"}, '{"AWS":"arn:aws:iam::111122223333:root"}', ""),
        ({"Principal": "arn:aws:iam::111122223333:root"}, '{"AWS":"arn:aws:iam::111122223333:root"}', ""),
        ({"Principal": "*", "OrganizationId": "o-t194hfs8cz"}, '"*"',
         ',"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-t194hfs8cz"}}'),
    ],
)  # fmt: skip
def test_a_grant_becomes_the_statement_that_aws_writes(owner, layer, given, principal, condition):
    body = {"StatementId": "s_1-a", "Action": "lambda:GetLayerVersion", **given}
    answer = owner.root.wire.call("POST", policy_path(layer, 1), body=body)
    check_ok(answer, 201)
    statement = (
        f'{{"Sid":"s_1-a","Effect":"Allow","Principal":{principal},"Action":"lambda:GetLayerVersion",'
        f'"Resource":"{arn(layer, 1)}"{condition}}}'
    )
    assert list(answer.json) == ["Statement", "RevisionId"]
    assert answer.json["Statement"] == statement
    shown = policy_of(owner, layer)
    check_ok(shown, 200)
    assert shown.json == {
        "Policy": f'{{"Version":"2012-10-17","Id":"default","Statement":[{statement}]}}',
        "RevisionId": answer.json["RevisionId"],
    }


def test_every_change_has_a_revision_and_only_the_newest_fits(owner, layer):
    check_error(grant(owner, layer, revision="wrong"), "PreconditionFailedException", STALE)
    first = grant(owner, layer, sid="a").json["RevisionId"]
    second = grant(owner, layer, sid="b", revision=first).json["RevisionId"]
    assert first != second
    check_error(grant(owner, layer, sid="c", revision=first), "PreconditionFailedException", STALE)
    check_error(revoke(owner, layer, sid="a", revision=first), "PreconditionFailedException", STALE)
    check_ok(revoke(owner, layer, sid="a", revision=second), 204)
    third = policy_of(owner, layer).json["RevisionId"]
    assert third not in (first, second)
    check_ok(revoke(owner, layer, sid="b", revision=third), 204)
    check_error(policy_of(owner, layer), "ResourceNotFoundException", "No policy is associated with the given resource.")


def test_what_cannot_be_granted_is_refused_as_on_aws(owner, layer):
    for call in (grant, revoke, policy_of):
        for name, version in ((layer, 2), ("nothing", 1)):
            missing = f"Layer version {arn(name, version)} does not exist."
            check_error(call(owner, name, version), "ResourceNotFoundException", missing)
        check_error(call(owner, layer, 0), "InvalidParameterValueException", TOO_SMALL)
    none = "No policy is associated with the given resource."
    check_error(policy_of(owner, layer), "ResourceNotFoundException", none)
    check_error(revoke(owner, layer), "ResourceNotFoundException", none)
    check_ok(grant(owner, layer), 201)
    used = (
        "The statement id (s) provided already exists. Please provide a new statement id, or remove the "
        "existing statement."
    )
    check_error(grant(owner, layer), "ResourceConflictException", used)
    gone = "Statement doesnotexist is not found in resource policy."
    check_error(revoke(owner, layer, sid="doesnotexist"), "ResourceNotFoundException", gone)
    body = {"StatementId": "t", "Action": "*", "Principal": "*"}
    answer = owner.root.wire.call("POST", policy_path(layer, 1), body=body)
    check_validation(
        answer, failed("*", "action", "Member must satisfy regular expression pattern: lambda:GetLayerVersion")
    )
    answer = grant(owner, layer, sid="t", principal="s3.amazonaws.com")
    assert (answer.status, answer.code) == (400, "ValidationException")
    foreign = grant(owner, layer, sid="t", principal="arn:aws-cn:iam::111122223333:root")
    invalid = "The provided principal was invalid. Please check the principal and try again."
    check_error(foreign, "InvalidParameterValueException", invalid)


def test_a_policy_has_a_longest_form(owner, layer):
    size, count = 0, 0
    while (answer := grant(owner, layer, sid=f"{count:0100d}")).status == 201:
        count += 1
    assert (answer.status, answer.code) == (400, "PolicyLengthExceededException")
    size = len(policy_of(owner, layer).json["Policy"])
    assert size <= 20480 < size + 300


def gets(caller, layer, version=1):
    """Whether both ways to a version of the owner's layer are open; they never differ."""
    by_name = caller.wire.call("GET", path(arn(layer), version)).status
    assert by_arn(caller, arn(layer, version)).status == by_name
    return {200: True, 403: False}[by_name]


def test_a_grant_admits_exactly_whom_it_names_to_exactly_its_version(world, owner, layer):
    granted, stranger = world.account(), world.account()
    publish(owner, layer)
    assert not gets(granted.root, layer)
    check_ok(grant(owner, layer, principal=granted.id), 201)
    member = granted.user()
    assert gets(granted.root, layer)
    assert not gets(member, layer), "its own account has not allowed it"
    assert gets(member.permit(allow("lambda:GetLayerVersion", arn(layer, 1))), layer)
    assert not gets(granted.root, layer, 2), "another version"
    assert not gets(stranger.root, layer)
    assert fetch(member.boto().get_layer_version(LayerName=arn(layer), VersionNumber=1)["Content"]["Location"]) == CONTENT
    wire = granted.root.wire
    for answer in (
        wire.call("GET", path(arn(layer))),
        wire.call("DELETE", path(arn(layer), 1)),
        wire.call("GET", policy_path(arn(layer), 1)),
        wire.call("DELETE", policy_path(arn(layer), 1, "s")),
    ):
        assert (answer.status, answer.code) == (403, "AccessDeniedException")
    check_ok(revoke(owner, layer), 204)
    assert not gets(granted.root, layer)
    check_ok(grant(owner, layer), 201)
    assert gets(stranger.root, layer)


def test_a_grant_to_an_organization_admits_nobody_who_is_in_none(owner, other, layer):
    check_ok(grant(owner, layer, OrganizationId="o-t194hfs8cz"), 201)
    assert not gets(other.root, layer)


def test_a_policy_goes_with_its_version(owner, other, layer):
    check_ok(grant(owner, layer), 201)
    owner.root.boto().delete_layer_version(LayerName=layer, VersionNumber=1)
    missing = f"Layer version {arn(layer, 1)} does not exist."
    check_error(policy_of(owner, layer), "ResourceNotFoundException", missing)
    assert not gets(other.root, layer)


def test_grants_survive_a_restart(start_server):
    from world import World

    server = start_server()
    world = World(server)
    publish(world.owner, "l")
    revision = grant(world.owner, "l", principal="*").json["RevisionId"]
    server.end()
    world = World(start_server(server.data_dir))
    assert policy_of(world.owner, "l").json["RevisionId"] == revision
    assert gets(world.account().root, "l")


# --- Use ----------------------------------------------------------------------------------------------

LOOK = """
import importlib, os, sys
def handler(event, context):
    if "read" in event:
        with open(event["read"]) as file:
            return file.read()
    if "names" in event:
        return sorted(os.listdir(event["names"]))
    if "write" in event:
        open(event["write"], "w")
    return importlib.import_module(event["import"]).VALUE
"""


def invoke(account, function, event, qualifier=None):
    answer = account.root.wire.invoke(function, json.dumps(event).encode(), qualifier, timeout=300)
    assert answer.status == 200, answer
    return answer.json


def layer_of(account, files, name=None):
    """The ARN of a new layer version with these files."""
    return publish(account, name, zipped(files))["LayerVersionArn"]


def change_layers(account, function, *layers):
    client = account.root.boto()
    answer = client.update_function_configuration(FunctionName=function, Layers=list(layers))
    wait_updated(client, function)
    return answer


def test_a_function_finds_its_layers_under_opt_the_last_on_top(owner, warm):
    version = f"python/lib/{RUNTIME}/site-packages/deep.py"
    lower = layer_of(owner, {"python/a.py": "VALUE = 'lower'", "python/b.py": "VALUE = 'b'", "data/x": "lower"})
    upper = layer_of(owner, {"python/a.py": "VALUE = 'upper'", version: "VALUE = 'deep'", "data/y": "upper"})
    name = owner.function(code=LOOK, Layers=[lower, upper])
    assert [invoke(owner, name, {"import": module}) for module in ("a", "b", "deep")] == ["upper", "b", "deep"]
    assert invoke(owner, name, {"read": "/opt/data/x"}) == "lower"
    assert invoke(owner, name, {"names": "/opt/data"}) == ["x", "y"]
    assert invoke(owner, name, {"write": "/opt/new"})["errorType"] == "OSError"
    change_layers(owner, name, upper, lower)
    assert invoke(owner, name, {"import": "a"}) == "lower", "the other way round"
    change_layers(owner, name, lower)
    assert invoke(owner, name, {"names": "/opt/data"}) == ["x"]
    change_layers(owner, name)
    assert invoke(owner, name, {"names": "/opt"}) == []


def test_the_functions_own_code_comes_first(owner, warm):
    layer = layer_of(owner, {"python/own.py": "VALUE = 'layer'", "python/other.py": "VALUE = 'layer'"})
    code = zipped({"main.py": LOOK, "own.py": "VALUE = 'code'"})
    name = owner.function(code=code, Layers=[layer], Environment={"Variables": {"PYTHONPATH": "/var/task/lib"}})
    assert [invoke(owner, name, {"import": module}) for module in ("own", "other")] == ["code", "layer"]


def test_layers_are_shown_and_kept_until_others_are_given(owner):
    first, second = (publish(owner)["LayerVersionArn"] for _ in range(2))
    shown = [{"Arn": first, "CodeSize": len(CONTENT)}, {"Arn": second, "CodeSize": len(CONTENT)}]
    client = owner.root.boto()
    name = owner.function(Layers=[first, second])
    assert client.get_function(FunctionName=name)["Configuration"]["Layers"] == shown
    assert client.get_function_configuration(FunctionName=name)["Layers"] == shown
    client.update_function_configuration(FunctionName=name, Timeout=4)
    wait_updated(client, name)
    assert client.publish_version(FunctionName=name)["Layers"] == shown
    assert change_layers(owner, name, second)["Layers"] == shown[1:]
    assert "Layers" not in change_layers(owner, name)
    assert "Layers" not in client.get_function_configuration(FunctionName=name)
    assert client.get_function_configuration(FunctionName=name, Qualifier="1")["Layers"] == shown


def test_a_deleted_version_goes_on_working_where_it_is_used(start_warm_server):
    from world import World

    server = start_warm_server()
    account = World(server).owner
    layer = layer_of(account, {"python/a.py": "VALUE = 1"}, "l")
    name = account.function(code=LOOK, Layers=[layer])
    account.root.boto().delete_layer_version(LayerName="l", VersionNumber=1)
    assert invoke(account, name, {"import": "a"}) == 1
    server.end()
    account = World(start_warm_server(server.data_dir)).owner
    assert invoke(account, name, {"import": "a"}) == 1
    client = account.root.boto()
    assert client.get_function_configuration(FunctionName=name)["Layers"][0]["Arn"] == layer
    refused = error_of(account.function, Layers=[layer])
    assert refused == ("InvalidParameterValueException", f"Layer version {layer} does not exist.")


def test_layers_that_a_function_cannot_have_are_refused(owner):
    name = unique("layer")
    one, two = (publish(owner, name)["LayerVersionArn"] for _ in range(2))
    region = "Layers are not in the same region as the function. Layers are expected to be in region us-east-1."
    different = (
        "Two different versions of the same layer are not allowed to be referenced in the same function. "
        f"{two} and {one} are versions of the same layer."
    )
    rows = [
        ([arn(name, 9)], f"Layer version {arn(name, 9)} does not exist."),
        ([two, one], different),
        ([one] * 6, "Cannot reference more than 5 layers."),
        ([arn(name, 1, region="eu-west-3")], region),
    ]
    function = owner.function()
    update = owner.root.boto().update_function_configuration
    for layers, message in rows:
        want = ("InvalidParameterValueException", message)
        assert error_of(owner.function, Layers=layers) == want
        assert error_of(update, FunctionName=function, Layers=layers) == want
    assert "Layers" not in owner.root.boto().get_function_configuration(FunctionName=function)


def test_code_and_layers_share_one_limit(owner):
    half = "\0" * 131_072_000
    layer = layer_of(owner, {"zeros": half})
    fits, large = zipped({"zeros": half}), zipped({"zeros": half, "main.py": "#"})
    refused = (
        "InvalidParameterValueException",
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual "
        "size is 262144001 bytes.",
    )
    assert error_of(owner.function, code=large, Layers=[layer]) == refused
    client = owner.root.boto()
    name = owner.function(code=large)
    assert error_of(client.update_function_configuration, FunctionName=name, Layers=[layer]) == refused
    client.update_function_code(FunctionName=name, ZipFile=fits)
    wait_updated(client, name)
    change_layers(owner, name, layer)
    assert error_of(client.update_function_code, FunctionName=name, ZipFile=large) == refused


def test_whoever_gives_a_function_a_layer_must_be_allowed_to_get_it(owner, other, layer):
    """And the layer's owner, if it is another account, must have granted it."""
    text = arn(layer, 1)
    maker = other.user(allow(["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration", "iam:PassRole"], "*"))
    role = other.lambda_role
    client = maker.boto()
    settings = {"Runtime": RUNTIME, "Handler": "main.handler", "Role": role, "Code": {"ZipFile": RAN}}
    denied = f"User: {maker.arn} is not authorized to perform: lambda:GetLayerVersion on resource: {text} because no "

    def refused(kind):
        code, message = error_of(client.create_function, FunctionName=unique("fn"), Layers=[text], **settings)
        assert (code, message) == ("AccessDeniedException", f"{denied}{kind} allows the lambda:GetLayerVersion action")

    refused("identity-based policy")
    maker.permit(allow("lambda:GetLayerVersion", text), name="layer")
    refused("resource-based policy")
    check_ok(grant(owner, layer, principal=other.id), 201)
    name = unique("fn")
    assert client.create_function(FunctionName=name, Layers=[text], **settings)["Layers"][0]["Arn"] == text
    wait_active(other.root.boto(), name)
    check_ok(revoke(owner, layer), 204)
    code, _ = error_of(client.update_function_configuration, FunctionName=name, Layers=[text])
    assert code == "AccessDeniedException"
    assert client.update_function_configuration(FunctionName=name, Timeout=5)["Layers"][0]["Arn"] == text


def test_policies_know_the_layers_of_a_request(owner, layer):
    """`ForAllValues` with `lambda:Layer` is how AWS's guide keeps functions to one's own layers."""
    own = {"ForAllValues:StringLike": {"lambda:Layer": [arn("own-*", "*")]}}
    some = {"Null": {"lambda:Layer": "false"}}
    maker = owner.user(
        allow("lambda:CreateFunction", "*", own | some), allow(["lambda:GetLayerVersion", "iam:PassRole"], "*")
    )
    mine = layer_of(owner, {"a": "1"}, unique("own"))
    settings = {"Runtime": RUNTIME, "Handler": "main.handler", "Role": owner.lambda_role, "Code": {"ZipFile": RAN}}
    client = maker.boto()
    client.create_function(FunctionName=unique("fn"), Layers=[mine], **settings)
    for layers in ([arn(layer, 1)], [mine, arn(layer, 1)], []):
        code, message = error_of(client.create_function, FunctionName=unique("fn"), Layers=layers, **settings)
        assert (code, "lambda:CreateFunction on resource" in message) == ("AccessDeniedException", True)
