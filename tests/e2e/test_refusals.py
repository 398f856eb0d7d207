"""What every operation that names a function says of a name that it cannot take: one law a section of the
fact sheet, one row an operation.

Facts: aws-lambda.md §4.2 to §4.6, §9.2, §10. A request of each operation is written by botocore's own
serializer from a row below.
"""

import boto3
import pytest
from botocore.serialize import create_serializer
from server import ACCOUNT, REGION
from wire import check_envelope, check_error, check_validation, compact, failed, longest, pattern
from world import RAN

import patterns

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
IPV, RNF, DENIED = "InvalidParameterValueException", "ResourceNotFoundException", "AccessDeniedException"
MODEL = boto3.session.Session(region_name=REGION).client(
    "lambda", aws_access_key_id="-", aws_secret_access_key="-"
).meta.service_model
SERIALIZER = create_serializer("rest-json", include_validation=False)

ALIAS, GRANT = {"Name": "new"}, {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
CONFIG = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-{'0' * 17}"
# By the pattern of the name (§4.2): operation → what else a good request has.
GET = {
    "AddPermission": {"StatementId": "s"} | GRANT,
    "DeleteFunction": {},
    "DeleteFunctionCodeSigningConfig": {},
    "DeleteFunctionEventInvokeConfig": {},
    "GetFunction": {},
    "GetFunctionCodeSigningConfig": {},
    "GetFunctionConfiguration": {},
    "GetFunctionEventInvokeConfig": {},
    "GetPolicy": {},
    "GetRuntimeManagementConfig": {},
    "Invoke": {"Payload": b"{}"},
    "InvokeAsync": {"InvokeArgs": b"{}"},
    "InvokeWithResponseStream": {"Payload": b"{}"},
    "ListFunctionEventInvokeConfigs": {},
    "ListVersionsByFunction": {},
    "PutFunctionCodeSigningConfig": {"CodeSigningConfigArn": CONFIG},
    "PutFunctionEventInvokeConfig": {"MaximumRetryAttempts": 1},
    "PutRuntimeManagementConfig": {"UpdateRuntimeOn": "Auto"},
    "RemovePermission": {"StatementId": "s"},
    "UpdateFunctionEventInvokeConfig": {"MaximumRetryAttempts": 1},
}
CREATE = {
    "CreateAlias": ALIAS | {"FunctionVersion": "1"},
    "GetAlias": ALIAS,
    "UpdateAlias": ALIAS,
    "DeleteAlias": ALIAS,
    "ListAliases": {},
    "UpdateFunctionCode": {"ZipFile": b"PK"},
    "UpdateFunctionConfiguration": {"Description": "new"},
    "PublishVersion": {},
    "CreateFunctionUrlConfig": {"AuthType": "NONE"},
    "GetFunctionUrlConfig": {},
    "UpdateFunctionUrlConfig": {"AuthType": "NONE"},
    "DeleteFunctionUrlConfig": {},
    "ListFunctionUrlConfigs": {},
    "PutFunctionConcurrency": {"ReservedConcurrentExecutions": 1},
    "GetFunctionConcurrency": {},
    "DeleteFunctionConcurrency": {},
    "PutProvisionedConcurrencyConfig": {"Qualifier": "prod", "ProvisionedConcurrentExecutions": 1},
    "GetProvisionedConcurrencyConfig": {"Qualifier": "prod"},
    "DeleteProvisionedConcurrencyConfig": {"Qualifier": "prod"},
    "ListProvisionedConcurrencyConfigs": {},
}
UNQUALIFIED = {
    "GetFunctionRecursionConfig": {},
    "PutFunctionRecursionConfig": {"RecursiveLoop": "Allow"},
}
ALL = GET | CREATE | UNQUALIFIED
NOT_SERVED = {"GetFunctionScalingConfig", "PutFunctionScalingConfig", "ListDurableExecutionsByFunction"}


def takes_qualifier(operation):
    return "Qualifier" in MODEL.operation_model(operation).input_shape.members


QUALIFIED = [operation for operation in ALL if takes_qualifier(operation)]
OF_URLS = [operation for operation in QUALIFIED if "Url" in operation]
PROVISIONED = [operation for operation in QUALIFIED if "Provisioned" in operation]


def call(caller, operation, function, **more):
    """The answer to a good request of the operation but for `function` and `more`."""
    given = {"FunctionName": function} | ALL[operation] | more
    request = SERIALIZER.serialize_to_request(given, MODEL.operation_model(operation))
    body, query = request["body"], request["query_string"]
    return caller.wire.call(request["method"], request["url_path"], query, body, request["headers"])


@pytest.fixture
def root(owner):
    return owner.root


def test_every_operation_that_names_a_function_is_in_the_rows():
    def names_a_function(operation):
        shape = MODEL.operation_model(operation).input_shape
        name = shape.members.get("FunctionName") if shape else None
        return name is not None and name.serialization.get("location") == "uri"

    named = {name for name in MODEL.operation_names if names_a_function(name)}
    assert named == set(ALL) | NOT_SERVED, "what is not served says so: test_constraints.py"


# --- §4.3: what is no name ---------------------------------------------------------------------------

LONG_ILLEGAL = f"arn:aws:lambda:nowhere:{ACCOUNT}:function:{'f' * 100}"
ILLEGAL = [
    "my-function!",
    "two words",
    f"arn:aws:s3:{REGION}:{ACCOUNT}:function:f",
    f"arn:aws:lambda:nowhere:{ACCOUNT}:function:f",
    f"arn:aws:lambda:{REGION}:12345:function:f",
    f"{ARN}:f:1:2",
    f"{ARN}:f:",
    "größe",
]


def expected_pattern(operation):
    if operation in GET:
        return patterns.GET
    return patterns.UNQUALIFIED if operation in UNQUALIFIED else patterns.CREATE


@pytest.mark.parametrize("operation", ALL)
def test_a_name_that_does_not_match_whole_is_refused_with_the_operations_pattern(root, operation):
    rule = pattern(expected_pattern(operation))
    unlike = [*ILLEGAL, "$LATEST", "f:a.b"] + ([] if operation in GET else ["with.dot"])
    for name in unlike + (["f:1", f"{ARN}:f:$LATEST"] if operation in UNQUALIFIED else []):
        check_validation(call(root, operation, name), failed(name, "functionName", rule))
    length = [] if operation in GET else [failed(LONG_ILLEGAL, "functionName", longest(140))]
    check_validation(call(root, operation, LONG_ILLEGAL), *length, failed(LONG_ILLEGAL, "functionName", rule))


@pytest.mark.parametrize("operation", ALL)
def test_a_name_has_a_longest_form(root, operation):
    limit = 256 if operation in GET else 140
    name = "a" * (limit + 1)
    check_validation(call(root, operation, name), failed(name, "functionName", longest(limit)))
    assert call(root, operation, "a" * limit).code != "ValidationException"


# --- §4.4: qualifiers --------------------------------------------------------------------------------

OF_ALIAS = r"((?!^\d+$)^[0-9a-zA-Z-_]+$)"


@pytest.mark.parametrize("operation", QUALIFIED)
def test_a_qualifier_that_is_none_is_refused_before_the_function_is_looked_up(root, fixed, operation):
    rule = patterns.QUALIFIER
    unlike = ["a?b", "a.b", "$latest?"]
    if operation in OF_URLS:
        rule, unlike = OF_ALIAS, [*unlike, "1", "007", "$LATEST", "$latest"]
    elif operation in PROVISIONED:
        rule = "(|[a-zA-Z0-9$_-]+)"
    for function in (fixed, "doesnotexist"):
        for qualifier in unlike:
            refused = failed(qualifier, "qualifier", pattern(rule))
            check_validation(call(root, operation, function, Qualifier=qualifier), refused)
        long = "q" * 129
        check_validation(call(root, operation, function, Qualifier=long), failed(long, "qualifier", longest(128)))
    both = call(root, operation, "my-function!", Qualifier=long)
    name = failed("my-function!", "functionName", pattern(expected_pattern(operation)))
    check_validation(both, name, failed(long, "qualifier", longest(128)))


@pytest.mark.parametrize("operation", OF_URLS)
def test_a_version_in_the_name_has_no_url_either(root, fixed, operation):
    """§4.4: only in the name is the same as only in the parameter."""
    for function in (fixed, "doesnotexist"):
        for qualifier in ("1", "$LATEST"):
            refused = failed(qualifier, "qualifier", pattern(OF_ALIAS))
            check_validation(call(root, operation, f"{function}:{qualifier}"), refused)


@pytest.mark.parametrize("operation", QUALIFIED)
def test_two_qualifiers_that_differ_are_refused_before_anything_is_looked_up(root, fixed, operation):
    text = "The derived qualifier from the function name does not match the specified qualifier."
    pairs = [("prod", "dev"), ("dev", "prod")] + ([] if operation in OF_URLS else [("prod", "1"), ("1", "prod")])
    for function in (fixed, "doesnotexist", f"{ARN}:doesnotexist"):
        for named, qualifier in pairs:
            check_error(call(root, operation, f"{function}:{named}", Qualifier=qualifier), IPV, text)


# --- §4.5: elsewhere ---------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ALL)
def test_a_function_of_another_region_is_not_reachable(root, operation):
    text = "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')"
    for name in (f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:f", f"ap-southeast-1:{ACCOUNT}:function:f"):
        check_error(call(root, operation, name), RNF, text)


# §10: what of the rows authorizes as another action.
ACTIONS = {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"}


@pytest.mark.parametrize("operation", ALL)
def test_a_function_of_another_account_is_closed_without_a_grant(root, owner, other, operation):
    """§9.2, §10: the resource is qualified as the request is; neither answer tells what exists."""
    action = f"lambda:{ACTIONS.get(operation, operation)}"
    stranger = owner.user()
    theirs = f"arn:aws:lambda:{REGION}:{other.id}:function:doesnotexist"
    qualifier = ":prod" if operation in QUALIFIED else ""
    more = {"Qualifier": "prod"} if qualifier else {}
    for caller, arn, side in ((root, theirs, "resource-based"), (stranger, f"{ARN}:doesnotexist", "identity-based")):
        text = (
            f"User: {caller.arn} is not authorized to perform: {action} on resource: {arn}{qualifier} "
            f"because no {side} policy allows the {action} action"
        )
        check_error(call(caller, operation, arn, **more), DENIED, text)


# --- §4.6: what is not there -------------------------------------------------------------------------

NOT_FOUND = f"Function not found: {ARN}:doesnotexist"
NO_RESOURCE, NO_FUNCTION = "The resource you requested does not exist.", "Function does not exist"
NO_EVENTS = f"The function {ARN}:doesnotexist:$LATEST doesn't have an EventInvokeConfig"
NO_ALIAS = f"Cannot find alias arn: {ARN}:doesnotexist:prod"
# operation → its text for a function that is missing; the others say NOT_FOUND.
MISSING = {
    "GetPolicy": NO_RESOURCE,
    "RemovePermission": f"No policy found for: {ARN}:doesnotexist",
    "Invoke": f"{NOT_FOUND}:$LATEST",
    "InvokeWithResponseStream": f"{NOT_FOUND}:$LATEST",
    "InvokeAsync": f"{NOT_FOUND}:$LATEST",
    "CreateAlias": f"{NOT_FOUND}:1",
    "GetAlias": f"Cannot find alias arn: {ARN}:doesnotexist:new",
    "UpdateAlias": f"Alias not found: {ARN}:doesnotexist:new",
    "PutFunctionConcurrency": f"{NOT_FOUND}:$LATEST",
    "PutProvisionedConcurrencyConfig": NO_ALIAS,
    "GetProvisionedConcurrencyConfig": NO_ALIAS,
    "DeleteProvisionedConcurrencyConfig": NO_ALIAS,
    "CreateFunctionUrlConfig": NO_FUNCTION,
    "UpdateFunctionUrlConfig": NO_FUNCTION,
    "ListFunctionUrlConfigs": NO_FUNCTION,
    "GetFunctionUrlConfig": NO_RESOURCE,
    "DeleteFunctionUrlConfig": NO_RESOURCE,
    "PutFunctionEventInvokeConfig": "The function doesn't exist.",
    "UpdateFunctionEventInvokeConfig": "The function doesn't exist.",
    "ListFunctionEventInvokeConfigs": "The function doesn't exist.",
    "GetFunctionEventInvokeConfig": NO_EVENTS,
    "DeleteFunctionEventInvokeConfig": NO_EVENTS,
}


@pytest.mark.parametrize("operation", [name for name in ALL if name != "PutFunctionCodeSigningConfig"])
def test_a_function_that_is_missing_is_told_in_the_operations_words(root, operation):
    more = {"ZipFile": RAN} if operation == "UpdateFunctionCode" else {}
    for name in ("doesnotexist", "function:doesnotexist", f"{ACCOUNT}:doesnotexist", f"{ARN}:doesnotexist"):
        check_error(call(root, operation, name, **more), RNF, MISSING.get(operation, NOT_FOUND))


def test_a_code_signing_configuration_is_looked_up_before_the_function(root):
    answer = call(root, "PutFunctionCodeSigningConfig", "doesnotexist")
    text = f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {CONFIG}."
    assert (answer.status, answer.code) == (404, "CodeSigningConfigNotFoundException")
    assert answer.body == compact({"Type": "User", "Message": text}).encode()
    check_envelope(answer)


# --- §8.3: payloads ----------------------------------------------------------------------------------

PAYLOADS = {"Invoke": "Payload", "InvokeWithResponseStream": "Payload", "InvokeAsync": "InvokeArgs"}
NOT_JSON = "Could not parse request body into json: Could not parse payload into json: "


@pytest.mark.parametrize("operation", PAYLOADS)
@pytest.mark.parametrize("payload", [b"{", b"text", b"{'a':1}", b'{"a":"\xff"}', b"[1,]", b"{} {}"])
def test_a_payload_that_is_not_json_does_not_reach_the_function(root, fixed, operation, payload):
    answer = call(root, operation, fixed, **{PAYLOADS[operation]: payload})
    check_error(answer, "InvalidRequestContentException", answer.json["message"])
    assert answer.json["message"].startswith(NOT_JSON)


# --- §1.3, §1.4: where the facts are silent (docs/gaps.md) -------------------------------------------


def test_shapes_are_checked_before_permissions(owner):
    """Whoever may nothing is told of a bad shape: that tells nothing of what is there."""
    nobody = owner.user()
    for operation in ALL:
        refused = failed("a b", "functionName", pattern(expected_pattern(operation)))
        check_validation(call(nobody, operation, "a b"), refused)


def test_entries_come_in_the_order_of_the_members(root):
    body = {"StatementId": "a.b", "Action": "no", "Principal": "two words", "SourceAccount": "x"}
    answer = call(root, "AddPermission", "my-function!", Qualifier="a b", **body)
    members = [part.split("'")[0] for part in answer.json["message"].split(" at '")[1:]]
    assert members == ["functionName", "statementId", "action", "principal", "sourceAccount", "qualifier"]
