"""Asynchronous calls: accepted once they are on disk, tried again, told to destinations, never lost.

Facts: aws-lambda.md §8.6. The functions run unisolated, so that they can leave notes for the tests.
"""

import http.client
import json
import re
import time
from urllib.parse import urlsplit

import pytest
from server import until
from test_concurrency import check_throttled
from wire import Request, compact, sign
from world import World, allow, error_of

# Notes each event with its id; fails as often as the event says, by what it noted before.
NOTES = '''
import json, os, pathlib
NOTES = pathlib.Path({folder!r})
def handler(event, context):
    request_id = context.aws_request_id
    before = [json.loads(line) for line in lines()]
    tries = sum(1 for one in before if one["id"] == request_id)
    with (NOTES / "notes").open("a") as notes:
        notes.write(json.dumps(dict(id=request_id, function=context.invoked_function_arn, event=event)) + "\\n")
        notes.flush()
        os.fsync(notes.fileno())
    do = event.get("do") if isinstance(event, dict) else None
    if do == "fail" and tries < event["times"]: raise ValueError("no")
    if do == "wait":
        import time
        while not (NOTES / "go").exists(): time.sleep(0.01)
    return dict(answer=tries)

def lines():
    return (NOTES / "notes").read_text().splitlines() if (NOTES / "notes").exists() else []
'''


class Notes:
    """What the functions of one server have noted."""

    def __init__(self, folder):
        folder.mkdir()
        folder.chmod(0o777)
        self.folder = folder

    @property
    def code(self):
        return NOTES.format(folder=str(self.folder))

    def all(self):
        notes = self.folder / "notes"
        lines = notes.read_text().splitlines(keepends=True) if notes.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]  # The last may still be written.

    def of(self, arn):
        return [one for one in self.all() if one["function"] == arn]

    def wait(self, arn, count, seconds=30):
        return until(lambda: len(self.of(arn)) >= count and self.of(arn), seconds, f"{count} notes of {arn}")


@pytest.fixture
def notes(tmp_path):
    return Notes(tmp_path / "notes")


@pytest.fixture
def start(start_warm_server):
    """A server whose functions run unisolated and whose failed events wait for `delays` seconds."""
    return lambda delays="0,0": start_warm_server(arguments=["--isolation", "none", "--retry-delays", delays])


@pytest.fixture
def account(start):
    return World(start()).owner


def send(account, name, event=None, **parameters):
    """Sends an event; the id of the request."""
    body = compact(event if event is not None else {}).encode()
    answer = account.root.wire.invoke(name, body, headers={"X-Amz-Invocation-Type": "Event"}, **parameters)
    assert (answer.status, answer.body) == (202, b""), answer
    assert "x-amz-executed-version" not in answer.headers
    return answer.headers["x-amzn-requestid"]


def begin(account, name, event, headers=None):
    """Sends a call whose answer nobody waits for, on the connection that it gives."""
    caller, body = account.root, compact(event).encode()
    path = f"/2015-03-31/functions/{name}/invocations"
    request = sign(caller.base, Request("POST", path, body, headers), caller.credentials)
    connection = http.client.HTTPConnection(urlsplit(caller.base).netloc, timeout=60)
    connection.request(request.method, request.path, request.body, request.headers)
    return connection


def telling(account, notes, name, **settings):
    """Lets both outcomes of `name` be told to a new function, as its role may; the function's ARN."""
    role = account.role()
    to = account.function(notes.code)
    account.root.boto("iam").put_role_policy(
        RoleName=role.rsplit("/", 1)[1],
        PolicyName="tell",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow("lambda:InvokeFunction", account.arn(to))]}),
    )
    client = account.root.boto()
    client.update_function_configuration(FunctionName=name, Role=role)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    destinations = {"OnSuccess": {"Destination": account.arn(to)}, "OnFailure": {"Destination": account.arn(to)}}
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=destinations, **settings)
    return account.arn(to)


def test_an_event_runs_with_the_id_of_its_request(account, notes):
    name = account.function(notes.code)
    request_id = send(account, name, {"a": 1})
    assert notes.wait(account.arn(name), 1) == [{"id": request_id, "function": account.arn(name), "event": {"a": 1}}]


def test_a_failed_event_is_tried_again_with_the_same_id_and_told(account, notes):
    name = account.function(notes.code)
    arn, to = account.arn(name), telling(account, notes, name)
    request_id = send(account, name, {"do": "fail", "times": 2})
    assert [one["id"] for one in notes.wait(arn, 3)] == [request_id] * 3
    (told,) = notes.wait(to, 1)
    assert told["id"] != request_id
    record = told["event"]
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{arn}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"do": "fail", "times": 2},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"answer": 2},
    }


def test_an_event_that_always_fails_is_given_up_after_its_retries(account, notes):
    name = account.function(notes.code)
    arn, to = account.arn(name), telling(account, notes, name, MaximumRetryAttempts=1)
    request_id = send(account, name, {"do": "fail", "times": 9})
    (told,) = notes.wait(to, 1)
    context = told["event"]["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 2)
    assert told["event"]["responseContext"]["functionError"] == "Unhandled"
    assert told["event"]["responsePayload"]["errorMessage"] == "no"
    assert [one["id"] for one in notes.of(arn)] == [request_id] * 2


def test_an_event_that_would_be_too_old_at_its_next_attempt_is_given_up(start, notes):
    account = World(start("61,61")).owner
    name = account.function(notes.code)
    arn, to = account.arn(name), telling(account, notes, name, MaximumEventAgeInSeconds=60)
    request_id = send(account, name, {"do": "fail", "times": 9})
    (told,) = notes.wait(to, 1)
    context = told["event"]["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)
    assert told["event"]["responseContext"]["functionError"] == "Unhandled"
    assert [one["id"] for one in notes.of(arn)] == [request_id]


def test_a_function_that_never_runs_has_its_events_told_at_once(account, notes):
    name = account.function(notes.code)
    to = telling(account, notes, name)
    account.root.boto().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(account, name)
    (told,) = notes.wait(to, 1)
    context = told["event"]["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("ZeroReservedConcurrency", 0)
    assert "responseContext" not in told["event"]
    assert notes.of(account.arn(name)) == []


def test_an_event_of_a_function_that_was_deleted_does_not_run_in_one_of_the_same_name(start, notes):
    server = start("15,15")  # However slow the machine is, the other function is there before the next attempt.
    account = World(server).owner
    name = account.function(notes.code)
    request_id = send(account, name, {"do": "fail", "times": 9})
    notes.wait(account.arn(name), 1)
    account.root.boto().delete_function(FunctionName=name)
    account.function(notes.code, name=name)
    dropped = re.compile(f'an event is dropped .*{request_id}.*another one made')
    until(lambda: dropped.search(server.output()), 90, "the event is dropped")
    assert len(notes.all()) == 1
    send(account, name)
    notes.wait(account.arn(name), 2)


def test_a_throttled_event_waits_and_is_not_counted(account, notes):
    name = account.function(notes.code)
    arn, to = account.arn(name), telling(account, notes, name, MaximumRetryAttempts=0)
    account.root.boto().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    sent = {send(account, name, {"do": "wait"}) for _ in range(3)}
    notes.wait(arn, 1)
    (notes.folder / "go").touch()
    told = notes.wait(to, 3)
    assert {one["event"]["requestContext"]["requestId"] for one in told} == sent
    assert {one["event"]["requestContext"]["condition"] for one in told} == {"Success"}


def test_a_call_whose_caller_has_left_counts_until_it_has_ended(account, notes):
    name = account.function(notes.code)
    account.root.boto().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    connection = begin(account, name, {"do": "wait"})
    notes.wait(account.arn(name), 1)
    connection.close()
    # As long as the server needs to see it gone, and a while longer.
    for _ in range(20):
        check_throttled(account.root.wire.invoke(name, b"{}"), "ReservedFunctionConcurrentInvocationLimitExceeded")
        time.sleep(0.05)
    (notes.folder / "go").touch()
    until(lambda: account.root.wire.invoke(name, b"{}").status == 200, 30, "its place comes back")


def test_events_of_a_function_with_few_places_follow_each_other(account, notes):
    """Each takes the place that the last one leaves; if it waited for a while, that were a second or more."""
    name = account.function(notes.code)
    account.root.boto().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    events = 40
    for number in range(events):
        send(account, name, {"number": number})
    notes.wait(account.arn(name), 1)
    notes.wait(account.arn(name), events, events - 1)


@pytest.mark.parametrize("kind", ["Terminate", "Allow"])
def test_a_loop_of_events_ends_unless_the_functions_allow_it(start, notes, kind):
    server = start()
    account = World(server).owner
    client, role = account.root.boto(), account.role()
    names = [account.function(notes.code, role=role) for _ in range(2)]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("lambda:InvokeFunction", "*")]})
    account.root.boto("iam").put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="tell", PolicyDocument=policy)
    for name, other in (names, names[::-1]):
        client.put_function_recursion_config(FunctionName=name, RecursiveLoop=kind)
        destination = {"OnSuccess": {"Destination": account.arn(other)}}
        client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=destination)
    send(account, names[0])
    if kind == "Terminate":
        until(lambda: "a loop of events is ended" in server.output(), 60, "the end of the loop")
        assert len(notes.all()) == 17
    else:
        until(lambda: len(notes.all()) >= 19, 60, "more rounds than a loop has")
        client.delete_function_event_invoke_config(FunctionName=names[0])


def test_a_destination_that_the_role_may_not_call_is_not_told(start, notes):
    server = start()
    account = World(server).owner
    name, to = account.function(notes.code), account.arn(account.function(notes.code))
    client = account.root.boto()
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": to}})
    send(account, name)

    def about_destination():
        logs = sorted((server.data_dir / "decisions").glob("*.jsonl"))
        lines = [line for log in logs for line in log.read_text().splitlines()]
        return [line for line in lines if to in line and "lambda:InvokeFunction" in line]

    (decided,) = until(about_destination, 30, "the decision about the destination")
    role = account.lambda_role.rsplit("/", 1)[1]
    assert f"assumed-role/{role}/{name}" in decided and "ImplicitlyDenied" in decided, decided
    assert notes.of(to) == []


def test_whoever_may_not_call_cannot_send_events(account, notes):
    name = account.function(notes.code)
    user = account.user()
    call = user.boto().invoke
    assert error_of(call, FunctionName=name, InvocationType="Event")[0] == "AccessDeniedException"
    user.permit(allow("lambda:InvokeFunction", account.arn(name)))
    assert call(FunctionName=name, InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
    assert len(notes.wait(account.arn(name), 1)) == 1


def test_the_old_operation_sends_events_under_its_own_action(account, notes):
    name = account.function(notes.code)
    user = account.user(allow("lambda:InvokeFunction", account.arn(name)))
    send_old = user.boto().invoke_async
    assert error_of(send_old, FunctionName=name, InvokeArgs=b"{}")[0] == "AccessDeniedException"
    user.permit(allow("lambda:InvokeAsync", account.arn(name)))
    assert send_old(FunctionName=name, InvokeArgs=b'{"old":1}')["Status"] == 202
    assert notes.wait(account.arn(name), 1)[0]["event"] == {"old": 1}


def test_what_cannot_be_an_event_is_refused(account, notes):
    name = account.function(notes.code)
    event = {"X-Amz-Invocation-Type": "Event"}
    for size in (1_048_577, 6_291_457):
        large = account.root.wire.invoke(name, b'"' + b"x" * (size - 2) + b'"', headers=event)
        text = f"{size} byte payload is too large for the Event invocation type (limit 1048576 bytes)"
        assert (large.status, large.json["message"]) == (413, text)
    largest = account.root.wire.invoke(name, b'"' + b'\\"' * 524_287 + b'"', headers=event)
    assert largest.status == 202
    assert len(notes.wait(account.arn(name), 1)[0]["event"]) == 524_287
    assert account.root.wire.invoke(name, b"{", headers=event).code == "InvalidRequestContentException"
    assert account.root.wire.invoke("missing", b"{}", headers=event).code == "ResourceNotFoundException"


def test_no_accepted_event_is_lost_when_the_server_is_killed(start, notes):
    server = start("1,1")
    account = World(server).owner
    name = account.function(notes.code)
    arn, to = account.arn(name), telling(account, notes, name)
    sent = [send(account, name, {"do": "wait"}) for _ in range(20)]
    failing = send(account, name, {"do": "fail", "times": 1})
    notes.wait(arn, 3)
    server.kill()
    (notes.folder / "go").touch()
    again = start("0,0")
    try:
        want = {*sent, failing}
        until(lambda: {one["event"]["requestContext"]["requestId"] for one in notes.of(to)} == want, 60, "every event has been told")
        assert {one["id"] for one in notes.of(arn)} == want
    finally:
        assert again.terminate() == 0
    # What has ended stays ended.
    count = len(notes.all())
    send(World(start()).owner, name, {"do": "last"})
    until(lambda: len(notes.all()) >= count + 2, 30, "the last event and its record")
    assert len(notes.all()) == count + 2


def test_an_event_whose_sender_has_left_is_not_kept_for_nothing(start, notes):
    """It may be accepted or not; but what is, runs without a restart."""
    server = start()
    account = World(server).owner
    name = account.function(notes.code)
    for number in range(60):
        connection = begin(account, name, {"number": number, "long": "x" * 200_000}, {"X-Amz-Invocation-Type": "Event"})
        time.sleep(number % 6 / 1000)  # While it is received, or kept, or after that.
        connection.close()
    for _ in range(2):
        last = send(account, name)
        until(lambda: any(one["id"] == last for one in notes.all()), 60, "the last event runs")
    assert server.terminate() == 0
    ran = {one["id"] for one in notes.all()}
    again = World(start()).owner
    last = send(again, name)
    until(lambda: any(one["id"] == last for one in notes.all()), 60, "the last event runs")
    assert {one["id"] for one in notes.all()} - ran == {last}


def test_an_event_that_waits_for_its_retry_survives_a_stop(start, notes):
    server = start("3,3")
    account = World(server).owner
    name = account.function(notes.code)
    arn = account.arn(name)
    request_id = send(account, name, {"do": "fail", "times": 1})
    notes.wait(arn, 1)
    assert server.terminate() == 0
    assert len(notes.of(arn)) == 1
    start()
    assert [one["id"] for one in notes.wait(arn, 2)] == [request_id] * 2


# --- Dead letters --------------------------------------------------------------------------------------


def sending_letters(account, notes, *statements, **settings):
    """A function whose dead letters go to another, and whose role has these statements; both names."""
    role = account.role()
    # It notes the letter's attributes too, and does not fail as the letter says.
    code = notes.code.replace("event=event", "event=[event, context.client_context.custom]")
    to = account.function(code.replace('raise ValueError("no")', "pass"))
    account.root.boto("iam").put_role_policy(
        RoleName=role.rsplit("/", 1)[1],
        PolicyName="send",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements or [allow("lambda:InvokeFunction", account.arn(to))]}),
    )
    letters = {"TargetArn": account.arn(to)}
    name = account.function(notes.code, role=role, DeadLetterConfig=letters)
    client = account.root.boto()
    assert client.get_function_configuration(FunctionName=name)["DeadLetterConfig"] == letters
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0, **settings)
    return name, to


def test_an_event_that_is_given_up_is_sent_to_the_dead_letter_function(account, notes):
    name, to = sending_letters(account, notes)
    event = {"do": "fail", "times": 9}
    request_id = send(account, name, event)
    (letter,) = notes.wait(account.arn(to), 1)
    assert letter["id"] != request_id
    assert letter["event"] == [event, {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "no"}]


def test_what_succeeds_is_no_dead_letter_and_both_are_told_of_what_does_not(account, notes):
    name, to = sending_letters(account, notes)
    told = telling_besides(account, name, notes)
    send(account, name, {"fine": True})
    request_id = send(account, name, {"do": "fail", "times": 9})
    (record,) = notes.wait(told, 1)
    assert record["event"]["requestContext"]["requestId"] == request_id
    (letter,) = notes.wait(account.arn(to), 1)
    assert letter["event"][1]["RequestID"] == request_id


def telling_besides(account, name, notes):
    """A function that is told of failures of `name`, whose role may call everything from now on."""
    client = account.root.boto()
    to = account.arn(account.function(notes.code))
    role = client.get_function_configuration(FunctionName=name)["Role"].rsplit("/", 1)[1]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("lambda:InvokeFunction", "*")]})
    account.root.boto("iam").put_role_policy(RoleName=role, PolicyName="tell", PolicyDocument=policy)
    client.update_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": to}}
    )
    return to


def test_a_dead_letter_goes_only_where_the_role_may_call(account, notes):
    name, to = sending_letters(account, notes, allow("lambda:GetFunction", "*"))
    told = telling_besides(account, name, notes)
    role = account.root.boto().get_function_configuration(FunctionName=name)["Role"].rsplit("/", 1)[1]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("lambda:InvokeFunction", told)]})
    account.root.boto("iam").put_role_policy(RoleName=role, PolicyName="tell", PolicyDocument=policy)
    send(account, name, {"do": "fail", "times": 9})
    notes.wait(told, 1)  # In the same step as the letter, had there been one.
    send(account, name, {"do": "fail", "times": 9})
    notes.wait(told, 2)
    assert notes.of(account.arn(to)) == []


def test_dead_letters_are_configured_changed_and_taken_away(account, notes):
    client = account.root.boto()
    name, to = account.function(), account.function()
    other = account.function()

    def update(target):
        return error_of(
            client.update_function_configuration, FunctionName=name, DeadLetterConfig={"TargetArn": target}
        )

    for service in ("sqs", "sns"):
        code, message = update(f"arn:aws:{service}:us-east-1:{account.id}:it")
        assert code == "UnsupportedOperationException" and "DeadLetterConfig" in message
    missing = account.arn("missing")
    assert update(missing) == ("InvalidParameterValueException", f"The destination ARN {missing} is invalid.")
    own = "You can't specify the function as a destination for itself."
    assert update(account.arn(name)) == ("InvalidParameterValueException", own)
    for target in (to, other):
        letters = {"TargetArn": account.arn(target)}
        shown = client.update_function_configuration(FunctionName=name, DeadLetterConfig=letters)
        assert shown["DeadLetterConfig"] == letters
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    version = client.publish_version(FunctionName=name)
    assert version["DeadLetterConfig"] == letters
    shown = client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": ""})
    assert "DeadLetterConfig" not in shown
