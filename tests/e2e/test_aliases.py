"""Aliases: what is answered, how they are refused, how they are paged.

Facts: aws-lambda.md §4, §6.
"""

import patterns
import pytest
from test_functions import ARN, F, IPV, RNF
from wire import NOT_NULL, UUID, check_error, check_ok, check_validation, failed, pattern
from world import RAN, wait_updated


def alias(name, alias_name, version="1", **more):
    return {
        "AliasArn": f"{ARN}:{name}:{alias_name}",
        "Name": alias_name,
        "FunctionVersion": version,
        "Description": "",
    } | more


def check_alias(answer, status, expected):
    check_ok(answer, status)
    got = answer.json
    assert UUID.match(got.pop("RevisionId"))
    assert got == expected


def publish_another(client, name):
    client.update_function_code(FunctionName=name, ZipFile=RAN)
    wait_updated(client, name)
    return client.publish_version(FunctionName=name)["Version"]


def test_an_alias_is_made_read_changed_listed_and_deleted(owner, wire, client):
    name = owner.function()
    client.publish_version(FunctionName=name)
    assert publish_another(client, name) == "2"
    path = f"{F}/{name}/aliases"
    made = wire.call("POST", path, body={"Name": "blue", "FunctionVersion": "1"})
    check_alias(made, 201, alias(name, "blue"))
    assert wire.call("GET", f"{path}/blue").json == made.json
    changed = wire.call("PUT", f"{path}/blue", body={"FunctionVersion": "2", "Description": "d"})
    check_alias(changed, 200, alias(name, "blue", "2", Description="d"))
    check_alias(wire.call("POST", path, body={"Name": "2024-01-02", "FunctionVersion": "$LATEST"}), 201,
                alias(name, "2024-01-02", "$LATEST"))  # fmt: skip
    assert {a["Name"] for a in wire.call("GET", path).json["Aliases"]} == {"blue", "2024-01-02"}
    of_two = wire.call("GET", path, {"FunctionVersion": "2"}).json["Aliases"]
    assert [a["Name"] for a in of_two] == ["blue"]
    for _ in range(2):
        check_ok(wire.call("DELETE", f"{path}/blue"), 204)
    assert wire.call("GET", f"{path}/blue").status == 404


def test_weights_are_kept_and_cleared(owner, wire, client):
    name = owner.function()
    client.publish_version(FunctionName=name)
    publish_another(client, name)
    path = f"{F}/{name}/aliases"
    weights = {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.25}}}
    check_alias(wire.call("POST", path, body={"Name": "a", "FunctionVersion": "1"} | weights), 201,
                alias(name, "a", **weights))  # fmt: skip
    none = {"RoutingConfig": {"AdditionalVersionWeights": {}}}
    check_alias(wire.call("PUT", f"{path}/a", body=none), 200, alias(name, "a"))
    check_alias(wire.call("POST", path, body={"Name": "b", "FunctionVersion": "1"} | none), 201, alias(name, "b"))


def weighted(weights, **more):
    return {"Name": "new", "FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": weights}} | more


# (body of CreateAlias, code, text, without `Type`)
ALIAS_REFUSED = [
    (
        {"Name": "prod", "FunctionVersion": "1"},
        "ResourceConflictException",
        f"Alias already exists: {ARN}:{{fn}}:prod",
        False,
    ),
    ({"Name": "new", "FunctionVersion": "42"}, RNF, f"Function not found: {ARN}:{{fn}}:42", False),
    (
        weighted({"2": 0.1, "3": 0.1}),
        IPV,
        "Number of items in AdditionalVersionWeights cannot be greater than 1",
        False,
    ),
    (
        weighted({"1": 0.5}),
        IPV,
        "Invalid function version 1. Function version 1 is already included in routing configuration.",
        False,
    ),
    (weighted({"10": 0.5}), RNF, f"Function not found: {ARN}:{{fn}}:10", False),
    (
        weighted({"1": 0.5}, FunctionVersion="$LATEST"),
        IPV,
        "$LATEST is not supported for an alias pointing to more than 1 version",
        True,
    ),
]


@pytest.mark.parametrize(("body", "code", "text", "bare"), ALIAS_REFUSED)
def test_a_refused_alias_has_its_exact_answer(wire, fixed, body, code, text, bare):
    answer = wire.call("POST", f"{F}/{fixed}/aliases", body=body)
    check_error(answer, code, text.replace("{fn}", fixed), bare or None)
    assert wire.call("GET", f"{F}/{fixed}/aliases/new").status == 404


WEIGHT = (
    "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
    "Member must have value greater than or equal to 0.0, Member must not be null]"
)
KEY = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, "
    "Member must have length greater than or equal to 1, "
    "Member must satisfy regular expression pattern: [0-9]+]"
)
ROUTES = "routingConfig.additionalVersionWeights"


@pytest.mark.parametrize(
    ("body", "entries"),
    [
        ({"Name": "123", "FunctionVersion": "1"}, [("123", "name", pattern(patterns.ALIAS))]),
        ({"Name": "a.b", "FunctionVersion": "1"}, [("a.b", "name", pattern(patterns.ALIAS))]),
        ({"Name": "new"}, [(None, "functionVersion", NOT_NULL)]),
        (weighted({"2": 2.0}), [("{2=2.0}", ROUTES, WEIGHT)]),
        (weighted({"prod": 0.5}), [("{prod=0.5}", ROUTES, KEY)]),
    ],
)
def test_every_broken_constraint_of_an_alias_is_named(wire, fixed, body, entries):
    check_validation(wire.call("POST", f"{F}/{fixed}/aliases", body=body), *[failed(*one) for one in entries])


# (method, path, body, text)
ALIAS_MISSING = [
    ("GET", "{fn}/aliases/none", None, f"Cannot find alias arn: {ARN}:{{fn}}:none"),
    ("GET", "doesnotexist/aliases/none", None, f"Cannot find alias arn: {ARN}:doesnotexist:none"),
    ("PUT", "{fn}/aliases/none", {"Description": "x"}, f"Alias not found: {ARN}:{{fn}}:none"),
    ("PUT", "doesnotexist/aliases/none", {"Description": "x"}, f"Alias not found: {ARN}:doesnotexist:none"),
    ("PUT", "{fn}/aliases/prod", {"FunctionVersion": "42"}, f"Function not found: {ARN}:{{fn}}:42"),
    (
        "POST",
        "doesnotexist/aliases",
        {"Name": "a", "FunctionVersion": "1"},
        f"Function not found: {ARN}:doesnotexist:1",
    ),
    ("DELETE", "doesnotexist/aliases/none", None, f"Function not found: {ARN}:doesnotexist"),
]


@pytest.mark.parametrize(("method", "path", "body", "text"), ALIAS_MISSING)
def test_a_missing_alias_is_named_exactly(wire, fixed, method, path, body, text):
    payload = b"" if body is None else body
    answer = wire.call(method, f"{F}/{path.format(fn=fixed)}", body=payload)
    check_error(answer, RNF, text.format(fn=fixed))


def test_aliases_are_paged(owner, client):
    name = owner.versioned()
    for letter in "abcd":
        client.create_alias(FunctionName=name, Name=letter, FunctionVersion="1")
    seen, marker = [], None
    for _ in range(6):
        page = client.list_aliases(FunctionName=name, MaxItems=2, **({"Marker": marker} if marker else {}))
        assert len(page["Aliases"]) <= 2
        seen += [one["Name"] for one in page["Aliases"]]
        marker = page.get("NextMarker")
        if marker is None:
            break
    assert sorted(seen) == ["a", "b", "c", "d", "prod"]
