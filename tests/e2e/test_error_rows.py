"""Every error row of the fact sheet on Lambda that one request provokes: its status, headers and body, to the byte.

Facts: aws-lambda.md; the number before a row is its section. Rows of §4.2 to §4.6 that hold for every operation
are in test_refusals.py, of §5.4 in test_concurrency.py, of §7.3 in test_url_refusals.py, of §9.2 in
test_denials.py, of §9.4 in test_signatures.py; what needs two requests at once is in test_updates.py.
"""

import json
from dataclasses import dataclass

import pytest
from server import ACCOUNT, REGION
from test_constraints import send
from wire import UUID, compact, failed, longest, pattern, shortest
from world import RAN, unique

import patterns

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
GRANT = {"FunctionName": "{v}", "StatementId": "new", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
LAYER_GRANT = {"LayerName": "{layer}", "VersionNumber": 1, "StatementId": "new", "Action": "lambda:GetLayerVersion", "Principal": "*"}
CREATE = {"FunctionName": "{new}", "Runtime": "python3.12", "Handler": "main.handler", "Role": "{role}", "Code": {"ZipFile": RAN}}
ALIAS = {"FunctionName": "{v}", "Name": "fresh", "FunctionVersion": "1"}
BY_ARN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)"
    r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
)
CONFIG = f"{ARN}:code-signing-config:csc-{'0' * 17}"
MAPPING = "00000000-0000-4000-8000-000000000000"
STALE = "The Revision Id provided does not match the latest Revision Id. Call the {} to retrieve the latest Revision Id"
STALE_POLICY, STALE_LAYER = STALE.format("GetPolicy API"), STALE.format("GetLayerPolicy API")
STALE_FUNCTION = STALE.format("GetFunction/GetAlias API")
NOT_THERE = "The resource you requested does not exist."
NO_POLICY = "No policy is associated with the given resource."
NOT_SAME = "The derived qualifier from the function name does not match the specified qualifier."
TOO_MUCH = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
    "exceeded the 4KB limit. String measured: " + json.dumps({"KEY": "v" * 4096}, separators=(",", ":"))
)
ONLY_FUNCTIONS = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)


@dataclass(frozen=True)
class Error:
    status: int
    code: str
    key: str
    text: str | None
    typed: bool = True


def ipv(text, typed=True):
    return Error(400, "InvalidParameterValueException", "message", text, typed)


def rnf(text, typed=True):
    return Error(404, "ResourceNotFoundException", "Message", text, typed)


def conflict(text):
    return Error(409, "ResourceConflictException", "message", text)


def stale(text):
    return Error(412, "PreconditionFailedException", "message", text)


def invalid(*entries):
    count = f"{len(entries)} validation error{'s' if len(entries) > 1 else ''} detected: "
    return Error(400, "ValidationException", "message", count + "; ".join(entries), typed=False)


def is_null(status, code):
    return Error(status, code, "Message", None, typed=False)


def taken(sid):
    return f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."


def weights(key, value):
    text = (
        "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value "
        "greater than or equal to 0.0, Member must not be null]"
    )
    return ALIAS | {"RoutingConfig": {"AdditionalVersionWeights": {key: value}}}, failed(
        f"{{{key}={value}}}", "routingConfig.additionalVersionWeights", text
    )


ROWS = [
    # 1.7, 1.8: AddPermission
    ("1.7", "AddPermission", GRANT | {"FunctionUrlAuthType": "NONE"}, ipv("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")),
    ("1.7", "AddPermission", GRANT | {"Action": "lambda:GetFunction", "InvokedViaFunctionUrl": True}, ipv("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")),
    ("1.8", "AddPermission", GRANT | {"StatementId": "example.com"}, invalid(failed("example.com", "statementId", pattern(patterns.STATEMENT_ID)))),
    ("1.8", "AddPermission", GRANT | {"Qualifier": "with-?-char"}, invalid(failed("with-?-char", "qualifier", pattern(patterns.QUALIFIER)))),
    ("1.8", "AddPermission", GRANT | {"FunctionName": "{v}:prod", "Qualifier": "42"}, ipv(NOT_SAME)),
    ("1.8", "AddPermission", GRANT | {"Qualifier": "$LATEST"}, ipv("We currently do not support adding policies for $LATEST.")),
    ("1.8", "AddPermission", GRANT | {"FunctionName": "{v}:$LATEST"}, ipv("We currently do not support adding policies for $LATEST.")),
    ("1.8", "AddPermission", GRANT | {"Principal": "invalid.nonaws.com"}, ipv("The provided principal was invalid. Please check the principal and try again.")),
    ("1.8", "AddPermission", GRANT | {"FunctionName": "doesnotexist"}, rnf("Function not found: {arn}:function:doesnotexist")),
    ("1.8", "AddPermission", GRANT | {"Qualifier": "42"}, rnf("Function not found: {arn}:function:{v}:42")),
    ("1.8", "AddPermission", GRANT | {"Qualifier": "none"}, rnf("Cannot find alias arn: {arn}:function:{v}:none")),
    ("1.8", "AddPermission", GRANT | {"Qualifier": "with-$-x"}, rnf("Function not found: {arn}:function:{v}:with-$-x")),
    ("1.8", "AddPermission", GRANT | {"StatementId": "s3"}, conflict(taken("s3"))),
    ("1.8", "AddPermission", GRANT | {"RevisionId": "wrong"}, stale(STALE_POLICY)),
    ("1.8", "AddPermission", GRANT | {"FunctionName": "{plain}", "RevisionId": "wrong"}, stale(STALE_POLICY)),
    ("1.8", "AddPermission", GRANT | {"FunctionName": "{full}"}, Error(400, "PolicyLengthExceededException", "message", "The final policy size ({size}) is bigger than the limit (20480).")),
    # 2: GetPolicy, RemovePermission
    ("2.1", "GetPolicy", {"FunctionName": "doesnotexist"}, rnf(NOT_THERE)),
    ("2.1", "GetPolicy", {"FunctionName": "{v}", "Qualifier": "42"}, rnf(NOT_THERE)),
    ("2.1", "GetPolicy", {"FunctionName": "{v}", "Qualifier": "1"}, rnf(NOT_THERE)),
    ("2.1", "GetPolicy", {"FunctionName": "{v}", "Qualifier": "$LATEST"}, rnf(NOT_THERE)),
    ("2.1", "GetPolicy", {"FunctionName": "{plain}"}, rnf(NOT_THERE)),
    ("2.2", "RemovePermission", {"FunctionName": "doesnotexist", "StatementId": "s3"}, rnf("No policy found for: {arn}:function:doesnotexist")),
    ("2.2", "RemovePermission", {"FunctionName": "{v}", "Qualifier": "42", "StatementId": "s3"}, rnf("No policy found for: {arn}:function:{v}:42")),
    ("2.2", "RemovePermission", {"FunctionName": "{v}", "Qualifier": "none", "StatementId": "s3"}, rnf("Cannot find alias arn: {arn}:function:{v}:none")),
    ("2.2", "RemovePermission", {"FunctionName": "{plain}", "StatementId": "s3"}, rnf(NO_POLICY)),
    ("2.2", "RemovePermission", {"FunctionName": "{v}", "StatementId": "non-existent"}, rnf("Statement non-existent is not found in resource policy.")),
    ("2.2", "RemovePermission", {"FunctionName": "{v}", "StatementId": "s3", "RevisionId": "wrong"}, stale(STALE_POLICY)),
    # 3: layers
    ("3.3", "AddLayerVersionPermission", LAYER_GRANT | {"Action": "*"}, invalid(failed("*", "action", pattern("lambda:GetLayerVersion")))),
    ("3.3", "AddLayerVersionPermission", LAYER_GRANT | {"VersionNumber": 9}, rnf("Layer version {arn}:layer:{layer}:9 does not exist.")),
    ("3.3", "GetLayerVersionPolicy", {"LayerName": "{layer}", "VersionNumber": 9}, rnf("Layer version {arn}:layer:{layer}:9 does not exist.")),
    ("3.3", "RemoveLayerVersionPermission", {"LayerName": "none", "VersionNumber": 1, "StatementId": "s"}, rnf("Layer version {arn}:layer:none:1 does not exist.")),
    ("3.3", "GetLayerVersionPolicy", {"LayerName": "{bare}", "VersionNumber": 1}, rnf(NO_POLICY)),
    ("3.3", "AddLayerVersionPermission", LAYER_GRANT | {"StatementId": "s1"}, conflict(taken("s1"))),
    ("3.3", "AddLayerVersionPermission", LAYER_GRANT | {"RevisionId": "wrong"}, stale(STALE_LAYER)),
    ("3.3", "RemoveLayerVersionPermission", {"LayerName": "{layer}", "VersionNumber": 1, "StatementId": "s1", "RevisionId": "wrong"}, stale(STALE_LAYER)),
    ("3.3", "RemoveLayerVersionPermission", {"LayerName": "{layer}", "VersionNumber": 1, "StatementId": "doesnotexist"}, rnf("Statement doesnotexist is not found in resource policy.")),
    ("3.5", "GetLayerVersion", {"LayerName": "{layer}", "VersionNumber": 0}, ipv("Layer Version Cannot be less than 1")),
    ("3.5", "DeleteLayerVersion", {"LayerName": "{layer}", "VersionNumber": -1}, ipv("Layer Version Cannot be less than 1")),
    ("3.5", "GetLayerVersion", {"LayerName": "{layer}", "VersionNumber": 9}, rnf(NOT_THERE)),
    ("3.5", "GetLayerVersionByArn", {"Arn": "{arn}:layer:{layer}:9"}, rnf(NOT_THERE)),
    ("3.5", "GetLayerVersionByArn", {"Arn": "{arn}:layer:{layer}"}, invalid(failed("{arn}:layer:{layer}", "arn", pattern(BY_ARN)))),
    ("3.5", "CreateFunction", CREATE | {"Layers": ["{arn}:layer:none:1"]}, ipv("Layer version {arn}:layer:none:1 does not exist.")),
    ("3.5", "CreateFunction", CREATE | {"Layers": ["{arn}:layer:{layer}:1", "{arn}:layer:{layer}:2"]}, ipv("Two different versions of the same layer are not allowed to be referenced in the same function. {arn}:layer:{layer}:1 and {arn}:layer:{layer}:2 are versions of the same layer.")),
    ("3.5", "CreateFunction", CREATE | {"Layers": [f"{ARN}:layer:l{n}:1" for n in range(6)]}, ipv("Cannot reference more than 5 layers.")),
    ("3.5", "CreateFunction", CREATE | {"Layers": [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:l:1"]}, ipv(f"Layers are not in the same region as the function. Layers are expected to be in region {REGION}.")),
    # 4: names and qualifiers
    ("4.3", "GetFunction", {"FunctionName": "my-function!"}, invalid(failed("my-function!", "functionName", pattern(patterns.GET)))),
    ("4.3", "CreateFunction", CREATE | {"FunctionName": "my-function!"}, invalid(failed("my-function!", "functionName", pattern(patterns.CREATE)))),
    ("4.3", "GetFunction", {"FunctionName": "{v}", "Qualifier": "q" * 129}, invalid(failed("q" * 129, "qualifier", longest(128)))),
    ("4.3", "GetFunction", {"FunctionName": "n" * 65}, rnf(f"Function not found: {{arn}}:function:{'n' * 65}")),
    ("4.3", "CreateFunction", CREATE | {"FunctionName": "n" * 65}, ipv(f"1 validation error detected: {failed('n' * 65, 'functionName', longest(64))}")),
    ("4.3", "GetFunction", {"FunctionName": "{arn}:function"}, rnf("Function not found: {arn}:function:function")),
    ("4.4", "GetFunction", {"FunctionName": "{v}:1", "Qualifier": "2"}, ipv(NOT_SAME)),
    ("4.4", "DeleteFunctionUrlConfig", {"FunctionName": "{v}:prod", "Qualifier": "other"}, ipv(NOT_SAME)),
    ("4.4", "GetFunction", {"FunctionName": "{v}", "Qualifier": "$latest"}, rnf("Function not found: {arn}:function:{v}:$latest")),
    ("4.4", "DeleteFunction", {"FunctionName": "doesnotexist", "Qualifier": "$LATEST"}, ipv("$LATEST version cannot be deleted without deleting the function.")),
    ("4.4", "DeleteFunction", {"FunctionName": "{v}", "Qualifier": "prod"}, ipv("Deletion of aliases is not currently supported.")),
    ("4.4", "DeleteFunction", {"FunctionName": "doesnotexist", "Qualifier": "7"}, rnf("Function not found: {arn}:function:doesnotexist")),
    ("4.4", "CreateFunctionUrlConfig", {"FunctionName": "doesnotexist", "Qualifier": "1", "AuthType": "NONE"}, invalid(failed("1", "qualifier", pattern(r"((?!^\d+$)^[0-9a-zA-Z-_]+$)")))),
    ("4.5", "GetFunction", {"FunctionName": f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:f"}, rnf(f"Functions from 'ap-southeast-1' are not reachable in this region ('{REGION}')")),
    ("4.5", "CreateFunction", CREATE | {"FunctionName": f"arn:aws:lambda:{REGION}:111122223333:function:f"}, is_null(403, "AccessDeniedException")),
    # 4.6: versions and aliases that are missing
    ("4.6", "GetFunction", {"FunctionName": "{v}", "Qualifier": "7"}, rnf("Function not found: {arn}:function:{v}:7")),
    ("4.6", "GetFunctionConfiguration", {"FunctionName": "{v}", "Qualifier": "none"}, rnf("Function not found: {arn}:function:{v}:none")),
    ("4.6", "Invoke", {"FunctionName": "{v}", "Qualifier": "7", "Payload": b"{}"}, rnf("Function not found: {arn}:function:{v}:7")),
    ("4.6", "Invoke", {"FunctionName": "{v}", "Qualifier": "none", "Payload": b"{}"}, rnf("Function not found: {arn}:function:{v}:none")),
    ("4.6", "GetAlias", {"FunctionName": "{v}", "Name": "none"}, rnf("Cannot find alias arn: {arn}:function:{v}:none")),
    ("4.6", "UpdateAlias", {"FunctionName": "{v}", "Name": "none"}, rnf("Alias not found: {arn}:function:{v}:none")),
    ("4.6", "UpdateAlias", {"FunctionName": "{v}", "Name": "prod", "FunctionVersion": "7"}, rnf("Function not found: {arn}:function:{v}:7")),
    ("4.6", "CreateAlias", ALIAS | {"FunctionVersion": "7"}, rnf("Function not found: {arn}:function:{v}:7")),
    ("4.6", "PutProvisionedConcurrencyConfig", {"FunctionName": "{v}", "Qualifier": "7", "ProvisionedConcurrentExecutions": 1}, rnf("Function not found: {arn}:function:{v}:7")),
    ("4.6", "GetProvisionedConcurrencyConfig", {"FunctionName": "{v}", "Qualifier": "none"}, rnf("Cannot find alias arn: {arn}:function:{v}:none")),
    ("4.6", "CreateFunctionUrlConfig", {"FunctionName": "{v}", "Qualifier": "none", "AuthType": "NONE"}, rnf("Function does not exist")),
    ("4.6", "GetFunctionUrlConfig", {"FunctionName": "{v}", "Qualifier": "prod"}, rnf(NOT_THERE)),
    ("4.6", "UpdateFunctionUrlConfig", {"FunctionName": "{plain}", "AuthType": "NONE"}, rnf(NOT_THERE)),
    ("4.6", "PutFunctionEventInvokeConfig", {"FunctionName": "{v}", "Qualifier": "none", "MaximumRetryAttempts": 1}, rnf("The function doesn't exist.")),
    ("4.6", "GetFunctionEventInvokeConfig", {"FunctionName": "{v}", "Qualifier": "prod"}, rnf("The function {arn}:function:{v}:prod doesn't have an EventInvokeConfig")),
    ("4.6", "UpdateFunctionEventInvokeConfig", {"FunctionName": "{plain}", "MaximumRetryAttempts": 1}, rnf("The function {arn}:function:{plain}:$LATEST doesn't have an EventInvokeConfig")),
    ("4.6", "ListTags", {"Resource": "{arn}:function:doesnotexist"}, rnf("Function not found: {arn}:function:doesnotexist")),
    ("4.6", "TagResource", {"Resource": f"{{arn}}:event-source-mapping:{MAPPING}", "Tags": {"a": "b"}}, rnf(f"Event source mapping not found: {{arn}}:event-source-mapping:{MAPPING}")),
    ("4.6", "UntagResource", {"Resource": "{arn}:capacity-provider:none", "TagKeys": ["a"]}, rnf("Capacity provider not found: {arn}:capacity-provider:none")),
    ("4.6", "GetEventSourceMapping", {"UUID": MAPPING}, rnf(NOT_THERE)),
    ("4.6", "UpdateEventSourceMapping", {"UUID": MAPPING, "BatchSize": 1}, rnf(NOT_THERE)),
    ("4.6", "DeleteEventSourceMapping", {"UUID": MAPPING}, rnf(NOT_THERE)),
    ("4.6", "CreateEventSourceMapping", {"FunctionName": "doesnotexist", "EventSourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}, ipv("Function does not exist")),
    ("4.6", "GetCodeSigningConfig", {"CodeSigningConfigArn": CONFIG}, rnf(f"The Lambda code signing configuration {CONFIG} can not be found.", typed=False)),
    ("4.6", "UpdateCodeSigningConfig", {"CodeSigningConfigArn": CONFIG}, rnf(f"The Lambda code signing configuration {CONFIG} can not be found.", typed=False)),
    ("4.6", "ListFunctionsByCodeSigningConfig", {"CodeSigningConfigArn": CONFIG}, rnf(f"The Lambda code signing configuration {CONFIG} can not be found.", typed=False)),
    ("4.6", "PutFunctionCodeSigningConfig", {"FunctionName": "doesnotexist", "CodeSigningConfigArn": CONFIG}, Error(404, "CodeSigningConfigNotFoundException", "Message", f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {CONFIG}.")),
    # 6.4, 6.5: revisions and versions
    ("6.4", "UpdateFunctionCode", {"FunctionName": "{v}", "ZipFile": RAN, "RevisionId": "wrong"}, stale(STALE_FUNCTION)),
    ("6.4", "UpdateFunctionConfiguration", {"FunctionName": "{v}", "Timeout": 9, "RevisionId": "wrong"}, stale(STALE_FUNCTION)),
    ("6.4", "PublishVersion", {"FunctionName": "{v}", "RevisionId": "wrong"}, stale(STALE_FUNCTION)),
    ("6.4", "UpdateAlias", {"FunctionName": "{v}", "Name": "prod", "RevisionId": "wrong"}, stale(STALE_FUNCTION)),
    ("6.5", "PublishVersion", {"FunctionName": "{v}", "CodeSha256": "wrong"}, ipv("CodeSHA256 (wrong) is different from current CodeSHA256 in $LATEST ({sha}). Please try again with the CodeSHA256 in $LATEST.")),
    # 6.6: aliases
    ("6.6", "CreateAlias", ALIAS | {"Name": "prod"}, conflict("Alias already exists: {arn}:function:{v}:prod")),
    ("6.6", "CreateAlias", ALIAS | {"Name": "2024"}, invalid(failed("2024", "name", pattern(patterns.ALIAS)))),
    ("6.6", "CreateAlias", ALIAS | {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1, "2": 0.1}}}, ipv("Number of items in AdditionalVersionWeights cannot be greater than 1")),
    ("6.6", "CreateAlias", weights("2", 2.0)[0], invalid(weights("2", 2.0)[1])),
    ("6.6", "CreateAlias", weights("1", 0.5)[0], ipv("Invalid function version 1. Function version 1 is already included in routing configuration.")),
    ("6.6", "CreateAlias", weights("10", 0.5)[0], rnf("Function not found: {arn}:function:{v}:10")),
    ("6.6", "CreateAlias", weights("1", 0.5)[0] | {"FunctionVersion": "$LATEST"}, ipv("$LATEST is not supported for an alias pointing to more than 1 version", typed=False)),
    ("6.6", "CreateAlias", weights("x", 0.5)[0], invalid(failed("{{x=0.5}}", "routingConfig.additionalVersionWeights", f"Map keys must satisfy constraint: [{longest(1024)}, {shortest(1)}, {pattern('[0-9]+')}]"))),
    # 6.7
    ("6.7", "CreateFunction", CREATE | {"FunctionName": "{v}"}, conflict("Function already exist: {v}")),
    ("6.7", "CreateFunction", CREATE | {"Role": "r"}, invalid(failed("r", "role", pattern(patterns.ROLE)))),
    ("6.7", "CreateFunction", CREATE | {"Role": f"arn:aws:iam::{ACCOUNT}:role/none"}, ipv("The role defined for the function cannot be assumed by Lambda.")),
    ("6.7", "CreateFunction", CREATE | {"Architectures": ["x86_64", "arm64"]}, invalid(failed("[x86_64, arm64]", "architectures", longest(1)))),
    ("6.7", "CreateFunction", CREATE | {"Architectures": ["X86_64"]}, invalid(failed("[X86_64]", "architectures", "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"))),
    ("6.7", "CreateFunction", CREATE | {"Code": {"ZipFile": b"no zip"}}, ipv("Could not unzip uploaded file. Please check your file, then try to upload again.")),
    ("6.7", "UpdateFunctionCode", {"FunctionName": "{v}", "ZipFile": b"no zip"}, ipv("Could not unzip uploaded file. Please check your file, then try to upload again.")),
    ("6.7", "CreateFunction", CREATE | {"Environment": {"Variables": {"KEY": "v" * 4096}}}, ipv(TOO_MUCH)),
    ("6.7", "TagResource", {"Resource": "{arn}:function:{v}", "Tags": {f"k{n}": "v" for n in range(51)}}, ipv("Number of tags exceeds resource tag limit.")),
    ("6.7", "CreateFunction", CREATE | {"Tags": {f"k{n}": "v" for n in range(51)}}, ipv("Number of tags exceeds resource tag limit.")),
    ("6.7", "TagResource", {"Resource": "{arn}:function:{v}:prod", "Tags": {"a": "b"}}, ipv("Tags on function aliases and versions are not supported. Please specify a function ARN.")),
    ("6.7", "ListTags", {"Resource": "{arn}:function:{v}:$LATEST"}, ipv("Tags on function aliases and versions are not supported. Please specify a function ARN.")),
    ("6.7", "ListTags", {"Resource": "arn:aws:s3:::b"}, invalid(failed("arn:aws:s3:::b", "resource", pattern(patterns.TAGGED)))),
    ("6.7", "TagResource", {"Resource": "{arn}:function:{v}", "Tags": {}}, ipv("An error occurred and the request cannot be processed.")),
    ("6.7", "PutFunctionConcurrency", {"FunctionName": "{v}:1", "ReservedConcurrentExecutions": 1}, ipv(ONLY_FUNCTIONS)),
    ("6.7", "PutFunctionConcurrency", {"FunctionName": "{v}", "ReservedConcurrentExecutions": 100_000}, ipv("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].", typed=False)),
    ("6.7", "GetProvisionedConcurrencyConfig", {"FunctionName": "{v}", "Qualifier": "1"}, Error(404, "ProvisionedConcurrencyConfigNotFoundException", "message", "No Provisioned Concurrency Config found for this function")),
    ("6.7", "GetProvisionedConcurrencyConfig", {"FunctionName": "{v}", "Qualifier": "$LATEST"}, ipv("The function resource provided must be an alias or a published version.")),
    ("6.7", "DeleteProvisionedConcurrencyConfig", {"FunctionName": "{v}", "Qualifier": "$LATEST"}, ipv("The function resource provided must be an alias or a published version.")),
    ("6.7", "PutProvisionedConcurrencyConfig", {"FunctionName": "{v}", "Qualifier": "$LATEST", "ProvisionedConcurrentExecutions": 1}, ipv("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")),
    # 7.1
    ("7.1", "CreateFunctionUrlConfig", {"FunctionName": "{v}", "AuthType": "NONE"}, conflict("Failed to create function url config for [functionArn = {arn}:function:{v}]. Error message:  FunctionUrlConfig exists for this Lambda function")),
    ("7.1", "CreateFunctionUrlConfig", {"FunctionName": "{plain}", "AuthType": "NONE", "InvokeMode": "x"}, invalid(failed("x", "invokeMode", "Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]"))),
    # 8.3, 8.6
    ("8.3", "Invoke", {"FunctionName": "{v}", "Payload": b'"' + b"a" * 6_294_147 + b'"'}, Error(413, "RequestTooLargeException", "message", "6294149 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)")),
    ("8.3", "Invoke", {"FunctionName": "{v}", "InvocationType": "Event", "Payload": b'"' + b"a" * 1_048_575 + b'"'}, Error(413, "RequestTooLargeException", "message", "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)")),
    ("8.3", "Invoke", {"FunctionName": "{closed}", "Payload": b"{}"}, Error(429, "TooManyRequestsException", "message", "Rate Exceeded.")),
    ("8.6", "PutFunctionEventInvokeConfig", {"FunctionName": "{v}"}, ipv("You must specify at least one of error handling or destination setting.")),
    ("8.6", "PutFunctionEventInvokeConfig", {"FunctionName": "{v}", "DestinationConfig": {"OnFailure": {"Destination": "{arn}:function:doesnotexist"}}}, ipv("The destination ARN {arn}:function:doesnotexist is invalid.")),
    ("8.6", "PutFunctionEventInvokeConfig", {"FunctionName": "{v}", "DestinationConfig": {"OnSuccess": {"Destination": "{arn}:function:{v}"}}}, ipv("You can't specify the function as a destination for itself.")),
    ("8.6", "PutFunctionEventInvokeConfig", {"FunctionName": "{v}", "DestinationConfig": {"OnSuccess": {"Destination": f"arn:aws:iam::{ACCOUNT}:role/r"}}}, ipv(f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam::{ACCOUNT}:role/r), onFailure=null) is invalid.")),
]


@pytest.fixture(scope="module")
def names(owner):
    """What the rows are about: `{v}` has a version, an alias, a policy and a URL; `{full}` a full policy."""
    client = owner.root.boto()
    v, plain, full, closed = owner.versioned(), owner.function(), owner.function(), owner.function()
    client.add_permission(FunctionName=v, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    client.create_function_url_config(FunctionName=v, AuthType="NONE")
    client.put_function_concurrency(FunctionName=closed, ReservedConcurrentExecutions=0)
    layer, bare = (owner.layer({"a": "a"}).split(":")[6] for _ in range(2))
    client.publish_layer_version(LayerName=layer, Content={"ZipFile": RAN})
    client.add_layer_version_permission(LayerName=layer, VersionNumber=1, StatementId="s1", Action="lambda:GetLayerVersion", Principal="*")
    statement = {"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": owner.arn(full)}
    document = {"Version": "2012-10-17", "Id": "", "Statement": [statement]}
    document["Id"] = "x" * (20480 - len(compact(document)))
    client.put_resource_policy(ResourceArn=owner.arn(full), Policy=compact(document))
    added = {"Sid": "new", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": owner.arn(full)}
    sha = client.get_function_configuration(FunctionName=v)["CodeSha256"]
    return {
        "v": v, "plain": plain, "full": full, "closed": closed, "layer": layer, "bare": bare, "new": unique("new"),
        "role": owner.lambda_role, "arn": ARN, "sha": sha, "size": str(20480 + len("," + compact(added))),
    }  # fmt: skip


def filled(value, names):
    """`value` with the names in the place of `{…}`; doubled braces become one."""
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"{{{name}}}", text)
        return value.replace("{{", "{").replace("}}", "}")
    if isinstance(value, dict):
        return {name: filled(one, names) for name, one in value.items()}
    return [filled(one, names) for one in value] if isinstance(value, list) else value


def body_of(error, names) -> bytes:
    body = {"Type": "User"} if error.typed else {}
    if error.status == 429:
        body = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"} | body
    return compact(body | {error.key: error.text and filled(error.text, names)}).encode()


@pytest.mark.parametrize(
    ("operation", "parameters", "error"), [row[1:] for row in ROWS], ids=[f"{row[0]}-{row[1]}-{n}" for n, row in enumerate(ROWS)]
)
def test_an_error_row_is_answered_to_the_byte(owner, names, operation, parameters, error):
    answer = send(owner.root.wire, operation, filled(parameters, names))
    want = body_of(error, names)
    assert (answer.status, answer.code, answer.body) == (error.status, error.code, want)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert UUID.match(headers.pop("x-amzn-requestid"))
    headers.pop("date")
    retry = {"retry-after": "1"} if error.status == 429 else {}
    plain = {"content-type": "application/json", "content-length": str(len(want)), "x-amzn-errortype": error.code}
    assert headers == plain | retry


@pytest.mark.parametrize(("method", "path"), [("GET", "/2015-03-31/nothing"), ("PATCH", "/2015-03-31/functions"), ("GET", "/1999-01-01/functions")])
def test_5_5_what_no_operation_has_is_told(owner, method, path):
    answer = owner.root.wire.call(method, path)
    want = {"Message": "Unable to determine service/operation name to be authorized"}
    assert (answer.status, answer.code, answer.body) == (403, "AccessDeniedException", compact(want).encode())


def test_8_3_a_payload_that_is_no_json_is_told(owner, names):
    answer = owner.root.wire.invoke(names["v"], b"no json")
    got = json.loads(answer.body)
    assert (answer.status, answer.code, list(got), got["Type"]) == (400, "InvalidRequestContentException", ["Type", "message"], "User")
    assert got["message"].startswith("Could not parse request body into json: Could not parse payload into json: ")


def test_every_section_with_error_rows_has_some():
    assert sorted({row[0] for row in ROWS}) == ["1.7", "1.8", "2.1", "2.2", "3.3", "3.5", "4.3", "4.4", "4.5", "4.6", "6.4", "6.5", "6.6", "6.7", "7.1", "8.3", "8.6"]
