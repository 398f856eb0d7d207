"""How events are handled: the five operations, their errors, and what they belong to.

Facts: aws-lambda.md §4.6, §8.6.
"""

import datetime

import pytest
from wire import check_error, check_validation, compact
from world import RAN, allow, error_of

IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"
UNKNOWN = "The function doesn't exist."
EMPTY = {"OnSuccess": {}, "OnFailure": {}}


def missing(arn):
    return f"The function {arn} doesn't have an EventInvokeConfig"


def call(account, method, function, body=None, qualifier=None, rest=""):
    path = f"/2019-09-25/functions/{function}/event-invoke-config{rest}"
    query = {"Qualifier": qualifier} if qualifier else None
    return account.root.wire.call(method, path, query=query, body=compact(body).encode() if body is not None else b"")


def without_time(config):
    changed = config["LastModified"]
    assert abs(datetime.datetime.now(datetime.timezone.utc) - changed) < datetime.timedelta(minutes=5)
    return {key: value for key, value in config.items() if key not in ("LastModified", "ResponseMetadata")}


def test_put_replaces_update_merges_and_delete_forgets(owner):
    name, to = owner.function(), owner.arn(owner.function())
    client = owner.root.boto()
    latest = owner.arn(name, "$LATEST")
    put = client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    assert without_time(put) == {"FunctionArn": latest, "MaximumRetryAttempts": 0, "DestinationConfig": EMPTY}
    sent = call(owner, "GET", name).json
    assert isinstance(sent["LastModified"], float) and list(sent) == [
        "LastModified",
        "FunctionArn",
        "MaximumRetryAttempts",
        "DestinationConfig",
    ]
    merged = client.update_function_event_invoke_config(
        FunctionName=name, MaximumEventAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": to}}
    )
    want = {
        "FunctionArn": latest,
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": to}},
    }
    assert without_time(merged) == want
    assert without_time(client.get_function_event_invoke_config(FunctionName=name)) == want
    replaced = client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": f"{to}:prod"}}
    )
    shown = {"OnSuccess": {"Destination": f"{to}:prod"}, "OnFailure": {}}
    assert without_time(replaced) == {"FunctionArn": latest, "DestinationConfig": shown}
    deleted = call(owner, "DELETE", name)
    assert (deleted.status, deleted.body) == (204, b"")
    for method in ("GET", "DELETE"):
        check_error(call(owner, method, name), RNF, missing(latest))
    check_error(call(owner, "POST", name, {"MaximumRetryAttempts": 1}), RNF, missing(latest))


def test_every_version_and_alias_has_its_own(owner):
    name, client = owner.versioned(), owner.root.boto()
    for attempts, qualifier in enumerate(("prod", "1", None)):
        parameters = {"Qualifier": qualifier} if qualifier else {}
        client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=attempts, **parameters)
    listed = client.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
    got = [(one["FunctionArn"], one["MaximumRetryAttempts"]) for one in listed]
    assert got == [(owner.arn(name, "$LATEST"), 2), (owner.arn(name, "1"), 1), (owner.arn(name, "prod"), 0)]
    pages = client.get_paginator("list_function_event_invoke_configs").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 1}
    )
    paged = [one["FunctionArn"] for page in pages for one in page["FunctionEventInvokeConfigs"]]
    assert paged == [arn for arn, _ in got]
    # What is published has none; what is deleted leaves none behind.
    client.update_function_code(FunctionName=name, ZipFile=RAN)
    client.delete_alias(FunctionName=name, Name="prod")
    client.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    check_error(call(owner, "GET", name, qualifier="prod"), RNF, missing(owner.arn(name, "prod")))


def test_what_cannot_be_configured_is_refused_as_on_aws(owner):
    name = owner.function()
    gone = owner.arn("missing")
    check_error(call(owner, "PUT", name, {}), IPV, "You must specify at least one of error handling or destination setting.")
    one = {"MaximumRetryAttempts": 1}
    check_error(call(owner, "PUT", "missing", one), RNF, UNKNOWN)
    check_error(call(owner, "POST", "missing", one), RNF, UNKNOWN)
    check_error(call(owner, "GET", "missing", rest="/list"), RNF, UNKNOWN)
    check_error(call(owner, "PUT", name, one, qualifier="prod"), RNF, UNKNOWN)
    check_error(call(owner, "PUT", name, one, qualifier="7"), RNF, UNKNOWN)
    check_error(call(owner, "GET", "missing"), RNF, missing(owner.arn("missing", "$LATEST")))
    check_error(call(owner, "DELETE", name, qualifier="prod"), RNF, missing(owner.arn(name, "prod")))

    def to(destination, when="OnFailure"):
        return call(owner, "PUT", name, {"DestinationConfig": {when: {"Destination": destination}}})

    check_error(to(gone), IPV, f"The destination ARN {gone} is invalid.")
    check_error(to(owner.arn(name, "$LATEST")), IPV, "You can't specify the function as a destination for itself.")
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
    wrong = f"DestinationConfig(onSuccess=OnSuccess(destination={table}), onFailure=null)"
    check_error(to(table, "OnSuccess"), IPV, f"The provided destination config {wrong} is invalid.")
    queue = to("arn:aws:sqs:us-east-1:123456789012:q")
    assert (queue.status, queue.code) == (400, "UnsupportedOperationException")
    refused = call(owner, "PUT", name, {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 59})
    check_validation(
        refused,
        "Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2",
        "Value '59' at 'maximumEventAgeInSeconds' failed to satisfy constraint: "
        "Member must have value greater than or equal to 60",
    )


@pytest.mark.parametrize("operation", ["put", "update", "get", "delete", "list"])
def test_each_operation_needs_its_own_grant(owner, operation):
    name = owner.function()
    owner.root.boto().put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    user = owner.user()
    suffix = "configs" if operation == "list" else "config"
    method = getattr(user.boto(), f"{operation}_function_event_invoke_{suffix}")
    settings = {"MaximumRetryAttempts": 2} if operation in ("put", "update") else {}
    assert error_of(method, FunctionName=name, **settings)[0] == "AccessDeniedException"
    action = f"lambda:{operation.title()}FunctionEventInvoke{suffix.title()}"
    user.permit(allow(action, owner.arn(name)))
    method(FunctionName=name, **settings)
