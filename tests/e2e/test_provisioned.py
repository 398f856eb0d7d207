"""Provisioned concurrency: workers of a version that are started before anybody calls, and stay.

Facts: aws-lambda.md §4.6, §6.7, §8.3. The functions really run.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from server import until
from wire import check_error, check_ok, compact
from world import World, allow, error_of, wait_updated, zipped

IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"
PCNF = "ProvisionedConcurrencyConfigNotFoundException"
NONE = "No Provisioned Concurrency Config found for this function"
PUBLISHED_ONLY = "The function resource provided must be an alias or a published version."
UNPUBLISHED = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."

# Says how its worker was started, and which one it is: `boot` is another in each process.
TELLS = """
import os, time, uuid
BOOT = str(uuid.uuid4())
def handler(event, context):
    time.sleep(event.get('seconds', 0))
    if event.get('exit'):
        os._exit(1)
    return {'how': os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], 'boot': BOOT, 'tag': TAG}
"""
PROVISIONED, ON_DEMAND = "provisioned-concurrency", "on-demand"
# Or a call that waits for its worker's start would be given one that is done with another call.
LONGER_THAN_A_START = {"seconds": 6}


def code(tag):
    return zipped(TELLS + f"TAG = {tag!r}\n")


def path(function, qualifier):
    return f"/2019-09-30/functions/{function}/provisioned-concurrency?Qualifier={quote(qualifier)}"


def put(account, function, qualifier, count):
    body = compact({"ProvisionedConcurrentExecutions": count}).encode()
    return account.root.wire.call("PUT", path(function, qualifier), body=body)


def get(account, function, qualifier):
    return account.root.boto().get_provisioned_concurrency_config(FunctionName=function, Qualifier=qualifier)


def wait_for(account, function, qualifier, status):
    until(lambda: get(account, function, qualifier)["Status"] == status, 60, f"{function}:{qualifier} is {status}")
    return get(account, function, qualifier)


def provision(account, function, qualifier, count):
    answer = put(account, function, qualifier, count)
    assert answer.status == 202, answer.body
    return wait_for(account, function, qualifier, "READY")


def publish(account, function, tag):
    client = account.root.boto()
    client.update_function_code(FunctionName=function, ZipFile=code(tag))
    wait_updated(client, function)
    return client.publish_version(FunctionName=function)["Version"]


def call(account, function, qualifier=None, event=None):
    answer = account.root.wire.invoke(function, json.dumps(event or {}).encode(), qualifier)
    check_ok(answer, 200)
    return json.loads(answer.body)


@pytest.fixture
def tells(owner, warm):
    """A function with version 1 and the alias `prod` to it."""
    return owner.versioned(code=code("one"))


def test_workers_are_started_before_anybody_calls(owner, tells):
    answer = put(owner, tells, "1", 2)
    assert answer.status == 202
    shown = json.loads(answer.body)
    modified = shown.pop("LastModified")
    assert modified.endswith("+0000") and len(modified) == len("2026-01-01T00:00:00+0000")
    assert shown == {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    ready = wait_for(owner, tells, "1", "READY")
    assert ready["AvailableProvisionedConcurrentExecutions"] == ready["AllocatedProvisionedConcurrentExecutions"] == 2
    assert ready["LastModified"] == modified and "StatusReason" not in ready
    # Whoever calls the version, through its alias or not, finds them; whoever calls another does not.
    for qualifier in ("1", "prod"):
        assert call(owner, tells, qualifier)["how"] == PROVISIONED
    assert call(owner, tells)["how"] == ON_DEMAND


def test_what_exceeds_the_workers_runs_on_demand(owner, tells):
    provision(owner, tells, "1", 2)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: call(owner, tells, "1", LONGER_THAN_A_START), range(4)))
    assert sorted(answer["how"] for answer in answers) == [ON_DEMAND] * 2 + [PROVISIONED] * 2
    assert call(owner, tells, "1")["how"] == PROVISIONED


def test_a_worker_that_dies_is_replaced(owner, tells):
    provision(owner, tells, "1", 1)
    first = call(owner, tells, "1")
    assert call(owner, tells, "1")["boot"] == first["boot"]
    died = owner.root.wire.invoke(tells, b'{"exit":true}', "1")
    assert died.headers["x-amz-function-error"] == "Unhandled"
    wait_for(owner, tells, "1", "READY")

    def replaced():
        answer = call(owner, tells, "1")
        return answer["how"] == PROVISIONED and answer["boot"] != first["boot"]

    until(replaced, 30, "another worker is kept ready")


def test_more_and_fewer_workers_are_kept(owner, tells):
    provision(owner, tells, "1", 1)
    assert provision(owner, tells, "1", 3)["AllocatedProvisionedConcurrentExecutions"] == 3
    provision(owner, tells, "1", 1)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: call(owner, tells, "1", LONGER_THAN_A_START), range(3)))
    assert [answer["how"] for answer in answers].count(PROVISIONED) == 1


def test_a_function_that_cannot_start_fails_and_says_why(owner, warm):
    name = owner.versioned(code=zipped("raise RuntimeError('never')\n"))
    assert put(owner, name, "1", 1).status == 202
    failed = wait_for(owner, name, "1", "FAILED")
    assert failed["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert failed["AvailableProvisionedConcurrentExecutions"] == 0
    listed = owner.root.boto().list_provisioned_concurrency_configs(FunctionName=name)
    (entry,) = listed["ProvisionedConcurrencyConfigs"]
    assert (entry["Status"], entry["FunctionArn"]) == ("FAILED", owner.arn(name, "1"))


def test_deleting_lets_the_workers_go(owner, tells):
    provision(owner, tells, "prod", 1)
    for _ in range(2):
        answer = owner.root.wire.call("DELETE", path(tells, "prod"))
        assert (answer.status, answer.body) == (204, b"")
    check_error(owner.root.wire.call("GET", path(tells, "prod")), PCNF, NONE)
    until(lambda: call(owner, tells, "prod")["how"] == ON_DEMAND, 30, "the workers are gone")


def test_an_alias_takes_its_workers_along(owner, tells):
    client = owner.root.boto()
    second = publish(owner, tells, "two")
    provision(owner, tells, "prod", 1)
    assert call(owner, tells, "prod")["tag"] == "one"
    client.update_alias(FunctionName=tells, Name="prod", FunctionVersion=second)

    def moved():
        answer = call(owner, tells, "prod")
        assert answer["tag"] == "two"
        return answer["how"] == PROVISIONED

    until(moved, 30, "the workers are of the new version")
    assert call(owner, tells, "1")["how"] == ON_DEMAND
    client.delete_alias(FunctionName=tells, Name="prod")
    assert client.list_provisioned_concurrency_configs(FunctionName=tells)["ProvisionedConcurrencyConfigs"] == []
    until(lambda: call(owner, tells, second)["how"] == ON_DEMAND, 30, "the workers went with the alias")


def test_a_version_has_workers_of_one_configuration_at_the_most(owner, tells):
    client = owner.root.boto()
    second = publish(owner, tells, "two")
    client.create_alias(FunctionName=tells, Name="also", FunctionVersion="1")
    client.create_alias(FunctionName=tells, Name="other", FunctionVersion=second)
    assert put(owner, tells, "1", 1).status == 202
    taken = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    check_error(put(owner, tells, "prod", 1), IPV, taken)
    assert owner.root.wire.call("DELETE", path(tells, "1")).status == 204
    assert put(owner, tells, "prod", 1).status == 202
    check_error(put(owner, tells, "1", 1), IPV, "Version is pointed by a Provisioned Concurrency alias")
    check_error(put(owner, tells, "also", 1), IPV, taken)
    assert put(owner, tells, second, 1).status == 202
    check_error(put(owner, tells, "other", 1), IPV, taken)
    moved = error_of(client.update_alias, FunctionName=tells, Name="prod", FunctionVersion=second)
    assert moved == (IPV, taken)
    split = {"AdditionalVersionWeights": {second: 0.5}}
    shared = error_of(client.update_alias, FunctionName=tells, Name="prod", RoutingConfig=split)
    assert shared == (IPV, "Invalid alias configuration for Provisioned Concurrency")
    listed = client.list_provisioned_concurrency_configs(FunctionName=tells)["ProvisionedConcurrencyConfigs"]
    assert [entry["FunctionArn"] for entry in listed] == [owner.arn(tells, second), owner.arn(tells, "prod")]


def test_a_version_is_deleted_with_its_workers(owner, tells):
    client = owner.root.boto()
    second = publish(owner, tells, "two")
    provision(owner, tells, second, 1)
    client.delete_function(FunctionName=tells, Qualifier=second)
    assert client.list_provisioned_concurrency_configs(FunctionName=tells)["ProvisionedConcurrencyConfigs"] == []
    check_error(owner.root.wire.call("GET", path(tells, second)), RNF, f"Function not found: {owner.arn(tells, second)}")


def test_what_cannot_be_provisioned_is_refused_as_on_aws(owner, tells):
    wire = owner.root.wire
    check_error(put(owner, tells, "$LATEST", 1), IPV, UNPUBLISHED)
    check_error(put(owner, "missing", "$LATEST", 1), IPV, UNPUBLISHED)
    for method in ("GET", "DELETE"):
        check_error(wire.call(method, path(tells, "$LATEST")), IPV, PUBLISHED_ONLY)
    for qualifier, text in (("7", "Function not found: "), ("gone", "Cannot find alias arn: ")):
        for function in (tells, "missing"):
            want = text + owner.arn(function, qualifier)
            check_error(put(owner, function, qualifier, 1), RNF, want)
            for method in ("GET", "DELETE"):
                check_error(wire.call(method, path(function, qualifier)), RNF, want)
    check_error(wire.call("GET", path(tells, "1")), PCNF, NONE)
    missing = wire.call("GET", "/2019-09-30/functions/missing/provisioned-concurrency?List=ALL")
    check_error(missing, RNF, f"Function not found: {owner.arn('missing')}")
    none = put(owner, tells, "1", 0)
    assert none.status == 400 and b"'provisionedConcurrentExecutions' failed to satisfy constraint" in none.body


def test_workers_are_taken_out_of_what_the_account_has(world):
    account = world.account()
    client = account.root.boto()
    names = [account.versioned(), account.versioned()]

    def unreserved():
        return client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]

    def check_untyped(answer, text):
        assert (answer.status, json.loads(answer.body)) == (400, {"message": text}), answer.body
        assert answer.headers["x-amzn-errortype"] == IPV

    assert put(account, names[0], "1", 3).status == 202
    assert unreserved() == 997
    # Of a function with a reservation they are part of it.
    client.put_function_concurrency(FunctionName=names[0], ReservedConcurrentExecutions=5)
    assert unreserved() == 995
    over = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    check_error(put(account, names[0], "1", 6), IPV, over)
    reserve = compact({"ReservedConcurrentExecutions": 2}).encode()
    answer = account.root.wire.call("PUT", f"/2017-10-31/functions/{names[0]}/concurrency", body=reserve)
    check_untyped(answer, " ReservedConcurrentExecutions  2 should not be lower than function's total provisioned concurrency [3].")
    client.delete_function_concurrency(FunctionName=names[0])
    assert unreserved() == 997
    check_untyped(
        put(account, names[1], "1", 898),
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
        "minimum value of [100].",
    )
    check_untyped(
        put(account, names[1], "1", 1001),
        "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000].",
    )
    client.delete_function(FunctionName=names[0])
    assert unreserved() == 1000


def test_reserved_calls_that_are_provisioned_are_kept_from_other_versions(owner, tells):
    client = owner.root.boto()
    client.put_function_concurrency(FunctionName=tells, ReservedConcurrentExecutions=1)
    provision(owner, tells, "1", 1)
    refused = owner.root.wire.invoke(tells, b"{}")
    assert refused.status == 429
    assert json.loads(refused.body)["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert call(owner, tells, "1")["how"] == PROVISIONED


def test_each_operation_asks_for_its_own_permission(owner, tells):
    user, function = owner.user(), owner.arn(tells)
    client = user.boto()
    of_version = {"FunctionName": tells, "Qualifier": "1"}
    rows = [
        ("PutProvisionedConcurrencyConfig", f"{function}:1", client.put_provisioned_concurrency_config,
         {**of_version, "ProvisionedConcurrentExecutions": 1}),
        ("GetProvisionedConcurrencyConfig", f"{function}:1", client.get_provisioned_concurrency_config, of_version),
        ("ListProvisionedConcurrencyConfigs", function, client.list_provisioned_concurrency_configs,
         {"FunctionName": tells}),
        ("DeleteProvisionedConcurrencyConfig", f"{function}:1", client.delete_provisioned_concurrency_config, of_version),
    ]  # fmt: skip
    for action, resource, operation, parameters in rows:
        assert error_of(operation, **parameters)[0] == "AccessDeniedException", action
        user.permit(allow(f"lambda:{action}", resource))
        operation(**parameters)


def test_a_restart_brings_the_workers_back(start_warm_server):
    first = start_warm_server()
    account = World(first).owner
    name = account.versioned(code=code("one"))
    provision(account, name, "prod", 2)
    first.kill()
    again = World(start_warm_server()).owner
    wait_for(again, name, "prod", "READY")
    assert call(again, name, "prod")["how"] == PROVISIONED
