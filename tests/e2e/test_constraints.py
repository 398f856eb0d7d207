"""Every constraint of the model on what a Lambda operation takes is checked, and told in the service's words.

Facts: aws-lambda.md §1.3. The constraints come from botocore's model, so that none can be forgotten; what the
live service is known to do otherwise is a row of `OTHERWISE`, with its own test elsewhere.
"""

import re
from urllib.parse import quote, urlencode

import pytest
from botocore.serialize import create_serializer
from server import ACCOUNT, REGION
from test_refusals import ALL, ARN, CONFIG, MODEL
from wire import check_envelope, longest, shortest

SERIALIZER = create_serializer("rest-json", include_validation=False)
PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/p/0123456789"
LAYER = {"LayerName": "l", "VersionNumber": 1}
RESOURCE = {"ResourceArn": f"{ARN}:f"}
MAPPING = {"UUID": "00000000-0000-4000-8000-000000000007"}
# operation → a request that breaks no constraint
GOOD = {name: {"FunctionName": "f"} | rest for name, rest in ALL.items()} | {
    "CreateFunction": {
        "FunctionName": "f",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/r",
        "Code": {"ZipFile": b"PK"},
        "Runtime": "python3.12",
        "Handler": "main.handler",
    },
    "ListFunctions": {},
    "GetAccountSettings": {},
    "CreateCodeSigningConfig": {"AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]}},
    "GetCodeSigningConfig": {"CodeSigningConfigArn": CONFIG},
    "UpdateCodeSigningConfig": {"CodeSigningConfigArn": CONFIG},
    "DeleteCodeSigningConfig": {"CodeSigningConfigArn": CONFIG},
    "ListFunctionsByCodeSigningConfig": {"CodeSigningConfigArn": CONFIG},
    "ListCodeSigningConfigs": {},
    "PublishLayerVersion": {"LayerName": "l", "Content": {"ZipFile": b"PK"}},
    "GetLayerVersion": LAYER,
    "DeleteLayerVersion": LAYER,
    "GetLayerVersionPolicy": LAYER,
    "AddLayerVersionPermission": LAYER | {"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"},
    "RemoveLayerVersionPermission": LAYER | {"StatementId": "s"},
    "GetLayerVersionByArn": {"Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l:1"},
    "ListLayers": {},
    "ListLayerVersions": {"LayerName": "l"},
    "CreateEventSourceMapping": {"FunctionName": "f"},
    "GetEventSourceMapping": MAPPING,
    "UpdateEventSourceMapping": MAPPING,
    "DeleteEventSourceMapping": MAPPING,
    "ListEventSourceMappings": {},
    "ListTags": {"Resource": f"{ARN}:f"},
    "TagResource": {"Resource": f"{ARN}:f", "Tags": {"a": "b"}},
    "UntagResource": {"Resource": f"{ARN}:f", "TagKeys": ["a"]},
    "PutResourcePolicy": RESOURCE | {"Policy": "{}"},
    "GetResourcePolicy": RESOURCE,
    "DeleteResourcePolicy": RESOURCE,
}
# (shape or member, kind of constraint) → what holds instead; None where nothing is checked in this way.
OTHERWISE = {
    ("Timeout", "max"): 900,
    ("MemorySize", "max"): 10240,
    ("EphemeralStorageSize", "max"): 10240,
    ("Runtime", "enum"): None,
    ("NamespacedFunctionName", "max"): None,
    ("Action", "max"): None,
}
STRANGE = "! !"


def otherwise(shape, kind):
    return OTHERWISE.get((shape.name, kind), shape.metadata.get(kind))


def broken_numbers(shape):
    for kind, step, word in (("min", -1, "greater"), ("max", 1, "less")):
        bound = otherwise(shape, kind)
        if bound is not None:
            yield bound + step, f"Member must have value {word} than or equal to {bound}"


def broken_texts(shape, may_be_empty):
    choices = otherwise(shape, "enum")
    if choices:
        yield STRANGE, "Member must satisfy enum value set: ["
    if shape.metadata.get("pattern") and not re.fullmatch(shape.metadata["pattern"], STRANGE) and not shape.enum:
        yield STRANGE, "Member must satisfy regular expression pattern: "
    most, least = otherwise(shape, "max"), otherwise(shape, "min")
    if most is not None and most <= 4096:
        yield "a" * (most + 1), longest(most)
    if least and may_be_empty:
        yield "", shortest(least)


def broken_lists(shape):
    most, least = shape.metadata.get("max"), shape.metadata.get("min")
    if most is not None and shape.member.type_name == "string":
        yield ["a"] * (most + 1), longest(most)
    if least:
        yield [], shortest(least)
    for value, _ in broken_texts(shape.member, True) if shape.member.type_name == "string" else ():
        yield [value], "Member must satisfy constraint: ["


def broken(shape, is_body):
    if shape.type_name in ("integer", "long", "double", "float"):
        yield from broken_numbers(shape)
    elif shape.type_name == "string":
        yield from broken_texts(shape, is_body)
    elif shape.type_name == "list" and is_body:
        yield from broken_lists(shape)


def within(path, value):
    """`value` at a path of members, and nothing beside it."""
    for member in reversed(path):
        value = {member: value}
    return value


def cases(structure, path=()):
    """(path, value that breaks a constraint, the constraint's text) of every member of a structure."""
    for name, shape in structure.members.items():
        here = (*path, name)
        location = shape.serialization.get("location")
        if shape.type_name == "structure" and len(here) < 4:
            yield from cases(shape, here)
        is_streamed = structure.serialization.get("payload") == name
        for value, constraint in () if is_streamed else broken(shape, location is None):
            yield here, value, constraint


def merged(good, more):
    both = dict(good)
    for name, value in more.items():
        both[name] = merged(both[name], value) if isinstance(value, dict) and isinstance(both.get(name), dict) else value
    return both


def send(wire, operation, parameters):
    request = SERIALIZER.serialize_to_request(parameters, MODEL.operation_model(operation))
    path, query = request["url_path"], urlencode(request["query_string"], doseq=True, quote_via=quote)
    if query:
        path += f"{'&' if '?' in path else '?'}{query}"
    return wire.call(request["method"], path, body=request["body"], headers=request["headers"])


def lower_first(name):
    return name[0].lower() + name[1:]


def check_refused(answer, path, constraint, value):
    member = ".".join(map(lower_first, path))
    assert (answer.status, answer.code) == (400, "ValidationException"), (path, value, answer.body)
    check_envelope(answer)
    assert list(answer.json) == ["message"], answer.body
    assert f" at '{member}' failed to satisfy constraint: {constraint}" in answer.json["message"], (path, value, answer.body)


@pytest.mark.parametrize("operation", GOOD)
def test_every_constraint_of_the_model_is_checked(owner, operation):
    wire, shape = owner.root.wire, MODEL.operation_model(operation).input_shape
    answer = send(wire, operation, GOOD[operation])
    assert answer.code != "ValidationException", answer.body
    for path, value, constraint in cases(shape):
        refused = send(wire, operation, merged(GOOD[operation], within(path, value)))
        check_refused(refused, path, constraint, value)


@pytest.mark.parametrize("operation", GOOD)
def test_every_member_that_is_required_is_missed(owner, operation):
    shape = MODEL.operation_model(operation).input_shape
    for name in shape.required_members:
        member = shape.members[name]
        if member.serialization.get("location") == "uri" or shape.serialization.get("payload") == name:
            continue
        less = {key: value for key, value in GOOD[operation].items() if key != name}
        check_refused(send(owner.root.wire, operation, less), (name,), "Member must not be null", None)


def test_every_operation_that_is_served_has_a_row(owner):
    for operation in MODEL.operation_names:
        if operation in GOOD:
            continue
        shape = MODEL.operation_model(operation).input_shape
        values = {"string": "a" * 12, "structure": {}, "list": [], "map": {}, "integer": 1, "blob": b""}
        given = {name: values[shape.members[name].type_name] for name in shape.required_members}
        if "DurableExecutionArn" in given:
            given["DurableExecutionArn"] = f"{ARN}:f:1/durable-execution/n/i"
        answer = send(owner.root.wire, operation, given)
        assert (answer.status, answer.code) == (400, "UnsupportedOperationException"), (operation, answer.body)
