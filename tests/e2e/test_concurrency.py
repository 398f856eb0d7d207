"""How many calls run at once: reservations, the account's limit, throttling, and what the account uses.

Facts: aws-lambda.md §5.4, §6.3, §6.7, §8.3. The functions really run.
"""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from wire import check_error, check_ok, compact
from world import RAN, World, allow, error_of

IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"
WAITS = "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n    return 'waited'\n"
QUALIFIED = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)


def path(function, year=2017):
    date = "2017-10-31" if year == 2017 else "2019-09-30"
    return f"/{date}/functions/{function}/concurrency"


def put(account, function, calls):
    return account.root.wire.call("PUT", path(function), body=compact({"ReservedConcurrentExecutions": calls}).encode())


def throttled(reason):
    return f'{{"Reason":"{reason}","Type":"User","message":"Rate Exceeded."}}'.encode()


def check_throttled(answer, reason):
    assert (answer.status, answer.body) == (429, throttled(reason))
    assert answer.headers["x-amzn-errortype"] == "TooManyRequestsException"
    assert answer.headers["retry-after"] == "1"


@pytest.fixture
def single(start_warm_server):
    """A server with an account of its own and a limit of three calls."""
    return World(start_warm_server(arguments=["--account-concurrency", "3"])).owner


def test_a_reservation_is_put_shown_and_given_up(owner):
    name, client = owner.versioned(), owner.root.boto()
    assert owner.root.wire.call("GET", path(name, 2019)).body == b"{}"
    assert "Concurrency" not in client.get_function(FunctionName=name)
    answer = put(owner, name, 7)
    assert (answer.status, answer.body) == (200, b'{"ReservedConcurrentExecutions":7}')
    shown = client.get_function_concurrency(FunctionName=name)
    assert shown["ReservedConcurrentExecutions"] == 7
    assert client.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 7}
    assert "Concurrency" not in client.get_function(FunctionName=name, Qualifier="1")
    for _ in range(2):
        answer = owner.root.wire.call("DELETE", path(name))
        assert (answer.status, answer.body) == (204, b"")
    assert owner.root.wire.call("GET", path(name, 2019)).body == b"{}"


def test_what_cannot_be_reserved_is_refused_as_on_aws(owner):
    name = owner.versioned()
    client = owner.root.boto()
    missing = owner.arn("missing")
    check_error(put(owner, "missing", 1), RNF, f"Function not found: {missing}:$LATEST")
    check_error(owner.root.wire.call("GET", path("missing", 2019)), RNF, f"Function not found: {missing}")
    check_error(owner.root.wire.call("DELETE", path("missing")), RNF, f"Function not found: {missing}")
    for call in (client.get_function_concurrency, client.delete_function_concurrency):
        assert error_of(call, FunctionName=owner.arn(name, "prod")) == (IPV, QUALIFIED)
    check_error(put(owner, owner.arn(name, "1"), 1), IPV, QUALIFIED)
    negative = put(owner, name, -1)
    assert negative.status == 400 and b"'reservedConcurrentExecutions' failed to satisfy constraint" in negative.body
    reserved = client.get_account_settings()["AccountLimit"]
    free = reserved["UnreservedConcurrentExecutions"] - 100
    answer = put(owner, name, free + 1)
    text = (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        "below its minimum value of [100]."
    )
    assert (answer.status, json.loads(answer.body)) == (400, {"message": text})
    assert answer.headers["x-amzn-errortype"] == IPV


def test_two_functions_cannot_both_reserve_the_last_calls(world):
    account = world.account()
    names = [account.function() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda name: put(account, name, 500).status, names))
    assert sorted(statuses) == [200, 400, 400, 400]
    limit = account.root.boto().get_account_settings()["AccountLimit"]
    assert limit["UnreservedConcurrentExecutions"] == 500


def test_the_account_shows_what_it_uses(world):
    account = world.account()
    client = account.root.boto()
    assert client.get_account_settings()["AccountUsage"] == {"TotalCodeSize": 0, "FunctionCount": 0}
    account.versioned()
    settings = client.get_account_settings()
    assert settings["AccountUsage"] == {"TotalCodeSize": 2 * len(RAN), "FunctionCount": 1}
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 80530636800,
        "CodeSizeUnzipped": 262144000,
        "CodeSizeZipped": 52428800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 1000,
    }
    user = account.user()
    assert error_of(user.boto().get_account_settings)[0] == "AccessDeniedException"
    user.permit(allow("lambda:GetAccountSettings", "*"))
    assert user.boto().get_account_settings()["AccountUsage"]["FunctionCount"] == 1


@pytest.mark.usefixtures("warm")
def test_a_function_with_nothing_reserved_for_it_does_not_run(owner):
    name = owner.versioned()
    assert put(owner, name, 0).status == 200
    for qualifier in (None, "$LATEST", "1", "prod"):
        check_throttled(owner.root.wire.invoke(name, b"{}", qualifier), "ReservedFunctionConcurrentInvocationLimitExceeded")
    assert owner.root.wire.dry_run(name).status == 204
    assert owner.root.wire.call("DELETE", path(name)).status == 204
    check_ok(owner.root.wire.invoke(name, b"{}"), 200)


def check_together(account, functions, places, reason):
    """Of calls at once, each longer than it takes to send them all, as many run as there are places."""
    with ThreadPoolExecutor(len(functions)) as pool:
        answers = list(pool.map(lambda name: account.root.wire.invoke(name, b'{"seconds":5}'), functions))
    refused = [answer for answer in answers if answer.status != 200]
    assert len(answers) - len(refused) == places
    for answer in refused:
        check_throttled(answer, reason)
    # The places come back.
    for name in set(functions):
        check_ok(account.root.wire.invoke(name, b'{"seconds":0}'), 200)


@pytest.mark.usefixtures("warm")
def test_a_function_runs_as_often_as_is_reserved_and_its_places_come_back(owner):
    name = owner.function(WAITS)
    assert put(owner, name, 2).status == 200
    check_together(owner, [name] * 5, 2, "ReservedFunctionConcurrentInvocationLimitExceeded")


@pytest.mark.usefixtures("warm")
def test_functions_without_reservation_share_the_accounts_limit(single):
    functions = [single.function(WAITS), single.function(WAITS)]
    check_together(single, functions * 3, 3, "ConcurrentInvocationLimitExceeded")


def test_an_account_at_its_limit_leaves_calls_to_another(start_warm_server):
    server = start_warm_server(arguments=["--account-concurrency", "3"])
    world = World(server)
    busy, other = world.owner, world.account()
    functions = [busy.function(WAITS, Timeout=900), other.function(WAITS)]
    check_ok(other.root.wire.invoke(functions[1], b'{"seconds":0}'), 200)  # It is warm from here on.
    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(busy.root.wire.invoke, functions[0], b'{"seconds":600}') for _ in range(5)]
        refused = [call.result() for call in itertools.islice(as_completed(calls), 2)]
        try:
            assert [answer.status for answer in refused] == [429, 429]
            check_ok(other.root.wire.invoke(functions[1], b'{"seconds":0}'), 200)
            assert sum(not call.done() for call in calls) == 3, "the others still run"
        finally:
            server.kill()  # Which ends them.


def test_a_reservation_survives_a_restart(start_server):
    first = start_server()
    account = World(first).owner
    name = account.function()
    assert put(account, name, 3).status == 200
    first.kill()
    again = World(start_server()).owner
    client = again.root.boto()
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 3
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 997
