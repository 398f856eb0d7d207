"""Every path of the Lambda API in every spelling that a client may give it: one request, and never another.

Facts: aws-lambda.md §1.1 (an ARN's `:` may arrive as `%3A` or raw); RFC 3986 §2.1 (the case of an escape's
digits means nothing).
"""

import re
from urllib.parse import quote, urlencode

import pytest
from test_constraints import MODEL
from world import RAN, allow, deny, error_of, unique

# What else is asked for, by operation.
QUERIES = {
    "GetFunctionEventInvokeConfig": {"Qualifier": "prod"},
    "GetProvisionedConcurrencyConfig": {"Qualifier": "prod"},
    "GetLayerVersionByArn": {"find": "LayerVersion"},
}


def reads():
    """The operations that read by a path with a label."""
    for name in MODEL.operation_names:
        http = MODEL.operation_model(name).http
        if http["method"] == "GET" and "{" in http["requestUri"]:
            yield name


@pytest.fixture(scope="module")
def labels(owner):
    """A value of each label; all that any operation reads of it is there."""
    client, name = owner.root.boto(), owner.versioned()
    client.add_permission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal=owner.id)
    client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    client.put_function_event_invoke_config(FunctionName=name, Qualifier="prod", MaximumRetryAttempts=0)
    layer = client.publish_layer_version(LayerName=unique("layer"), Content={"ZipFile": RAN})["LayerArn"]
    client.add_layer_version_permission(
        LayerName=layer, VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal="*"
    )
    profile = f"arn:aws:signer:us-east-1:{owner.id}:/signing-profiles/p/0123456789"
    signing = client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [profile]})
    queue = f"arn:aws:sqs:us-east-1:{owner.id}:{unique('queue')}"
    mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=queue, Enabled=False)
    arn = owner.arn(name)
    return {
        "FunctionName": arn,
        "Resource": arn,
        "ResourceArn": arn,
        "Name": "prod",
        "LayerName": layer,
        "VersionNumber": "1",
        "CodeSigningConfigArn": signing["CodeSigningConfig"]["CodeSigningConfigArn"],
        "UUID": mapping["UUID"],
        "DurableExecutionArn": f"{arn}:1/durable-execution/n/i",
        "CapacityProviderName": f"arn:aws:lambda:us-east-1:{owner.id}:capacity-provider:c",
    }


def every_byte(text, digits="%{:02X}"):
    return "".join(digits.format(byte) for byte in text.encode())


SPELLINGS = [
    lambda text: quote(text, safe=":"),
    lambda text: quote(text, safe=""),
    lambda text: quote(text, safe="").replace("%3A", "%3a").replace("%2F", "%2f"),
    every_byte,
    lambda text: every_byte(text, "%{:02x}"),
]


def ask(owner, operation, labels, spell):
    template = MODEL.operation_model(operation).http["requestUri"]
    path = re.sub(r"\{(\w+)\+?\}", lambda label: spell(labels[label[1]]), template)
    if query := urlencode(QUERIES.get(operation, {})):
        path += ("&" if "?" in path else "?") + query
    answer = owner.root.wire.call("GET", path)
    # A link to code is signed anew each time.
    return answer.status, answer.code, re.sub(rb'"Location":"[^"]*"', b"", answer.body)


@pytest.mark.parametrize("operation", sorted(reads()))
def test_every_spelling_of_a_path_is_the_same_request_and_is_decoded_once(owner, labels, operation):
    answers = [ask(owner, operation, labels, spell) for spell in SPELLINGS]
    assert len(set(answers)) == 1, answers
    status, code, body = answers[0]
    twice = ask(owner, operation, labels, lambda text: quote(quote(text, safe=""), safe=""))
    if (status, code) == (400, "UnsupportedOperationException"):
        assert twice == answers[0]
        return
    nothing = {"GetProvisionedConcurrencyConfig": (404, "ProvisionedConcurrencyConfigNotFoundException")}
    assert (status, code) == nothing.get(operation, (200, "")), body
    if operation == "GetEventSourceMapping":
        assert twice == answers[0], "nothing of a UUID is encoded"
    else:
        assert twice[:2] == (400, "ValidationException"), twice


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_partition_of_an_arn_is_that_of_its_region(owner, labels, partition):
    """What is decided, and shown, is the one ARN that the function has."""
    arn = labels["FunctionName"].replace("arn:aws:", f"arn:{partition}:")
    user = owner.user(allow("lambda:GetFunctionConfiguration", labels["FunctionName"]))
    assert user.boto().get_function_configuration(FunctionName=arn)["FunctionArn"] == labels["FunctionName"]
    user.permit(allow("*", "*"), deny("lambda:GetFunctionConfiguration", labels["FunctionName"]))
    assert error_of(user.boto().get_function_configuration, FunctionName=arn)[0] == "AccessDeniedException"
