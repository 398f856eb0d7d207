"""What is kept of each decision: the log in the data folder, and the answers to those who ask why."""

import json
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from server import ACCOUNT, CANARY, ROOT, until
from wire import Credentials, Request, Wire, segment, send
from world import RAN, World, allow, deny, document, unique

INVOKE = "lambda:InvokeFunction"
F = "/2015-03-31/functions"


def files(server) -> list:
    """The files of the decision log, the oldest first."""
    return sorted((server.data_dir / "decisions").glob("*.jsonl"))


def records(server) -> list[dict]:
    """All that the log holds; a line that is no JSON, as a crash leaves it, is left out."""
    found = []
    for file in files(server):
        for line in file.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def id_of(answer) -> str:
    return answer.headers["x-amzn-requestid"]


def logged(server, *answers) -> list[dict]:
    """The records of these answers' requests, once they are written, in the order of the log."""
    ids = {id_of(answer) for answer in answers}

    def written():
        found = [record for record in records(server) if record["requestId"] in ids]
        return found if {record["requestId"] for record in found} == ids else None

    return until(written, 30, "the decisions in the log")


def ask(caller, request_id):
    return caller.wire.call("GET", f"/_portcullis/decisions/{request_id}", service="portcullis")


def decisions(caller, answer) -> list[dict]:
    told = ask(caller, id_of(answer))
    assert told.status == 200, told.body
    assert told.json["RequestId"] == id_of(answer)
    return told.json["Decisions"]


# --- The log -----------------------------------------------------------------------------------------


def test_every_decision_is_in_the_log_with_who_what_and_why(server, world, owner, other):
    name = owner.function()
    arn = owner.arn(name)
    owner.root.wire.add_permission(
        name, {"StatementId": "s3", "Action": INVOKE, "Principal": "s3.amazonaws.com", "SourceAccount": ACCOUNT}
    )
    user, silent = owner.user(allow("lambda:*", "*")), owner.user()
    denied = owner.user(allow("lambda:*", "*"), deny(INVOKE, "*"))
    session, stranger = owner.session(allow(INVOKE, "*")), other.user(allow("lambda:*", "*"))
    bucket = {"x-amz-source-arn": "arn:aws:s3:::bucket", "x-amz-source-account": ACCOUNT}
    s3 = world.service("s3.amazonaws.com")
    identity, resource = "identity-based policy", "resource-based policy"
    of = {"account": owner.id, "resourceAccount": owner.id, "action": INVOKE, "resource": arn}
    role = f"arn:aws:iam::{owner.id}:role/{session.role}"
    rows = [
        (user, {}, ("User", "Allowed", identity, {"of": user.arn, "name": "own", "index": 0})),
        (silent, {}, ("User", "ImplicitlyDenied", identity, None)),
        (denied, {}, ("User", "ExplicitlyDenied", identity, {"of": denied.arn, "name": "own", "index": 1})),
        (session, {}, ("AssumedRole", "Allowed", identity, {"of": role, "name": "own", "index": 0})),
        (owner.root, {}, ("Root", "Allowed", None, None)),
        (stranger, {}, ("User", "ImplicitlyDenied", resource, None)),
        (s3, bucket, ("Service", "Allowed", resource, {"of": arn, "index": 0, "sid": "s3"})),
    ]
    for caller, headers, (kind, result, policy, statement) in rows:
        answer = caller.wire.dry_run(arn, headers=headers)
        assert answer.status == (204 if result == "Allowed" else 403), (caller.arn, answer.body)
        [record] = logged(server, answer)
        want = of | {"principal": caller.arn, "principalType": kind, "accessKeyId": caller.credentials.key}
        want |= {"sourceIp": "127.0.0.1", "result": result, "policyType": policy, "statement": statement}
        if caller is s3:
            want |= {"account": None, "sourceArn": "arn:aws:s3:::bucket", "sourceAccount": ACCOUNT}
        if caller is stranger:
            want |= {"account": other.id}
        assert {key: record.get(key) for key in want} == want, record
        assert set(record) == {"requestId", "time"} | {key for key, value in want.items() if value is not None}


def test_decisions_of_every_service_are_in_the_log(server, owner):
    user = owner.user()
    calls = [
        ("iam", "Action=ListUsers&Version=2010-05-08", "iam:ListUsers"),
        ("iam", "Action=GetUser&Version=2010-05-08&UserName=x", "iam:GetUser"),
        (
            "sts",
            f"Action=AssumeRole&Version=2011-06-15&RoleSessionName=s-1&RoleArn=arn%3Aaws%3Aiam%3A%3A{ACCOUNT}%3Arole%2Fx",
            "sts:AssumeRole",
        ),
    ]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for service, body, action in calls:
        answer = user.wire.call("POST", "/", body=body.encode(), headers=form, service=service)
        assert answer.status == 403
        [record] = logged(server, answer)
        assert (record["action"], record["result"]) == (action, "ImplicitlyDenied")


def test_a_request_that_needs_several_permissions_has_several_records(server, owner):
    user = owner.user(allow(["lambda:CreateFunction", "lambda:TagResource"], "*"))
    body = {
        "FunctionName": unique("fn"),
        "Runtime": "python3.11",
        "Handler": "main.handler",
        "Role": owner.lambda_role,
        "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
        "Tags": {"team": "blue"},
    }
    answer = user.wire.call("POST", F, body=body)
    assert answer.status == 403
    got = [(record["action"], record["result"]) for record in logged(server, answer)]
    assert got == [
        ("lambda:TagResource", "Allowed"),
        ("lambda:CreateFunction", "Allowed"),
        ("iam:PassRole", "ImplicitlyDenied"),
    ]


def test_no_secret_token_or_payload_is_ever_written(start_server):
    """Into the logs; the store holds keys, for that is what it is for."""
    server = start_server(PORTCULLIS_LOG="trace")
    owner = World(server).owner
    name = owner.function(Environment={"Variables": {"SECRET": "canary-of-the-environment"}})
    user, session = owner.user(allow("lambda:*", "*")), owner.session(allow("lambda:*", "*"))
    payload = json.dumps("canary-of-the-payload").encode()
    for caller in (user, session, owner.root):
        answer = caller.wire.dry_run(name, headers={"User-Agent": "canary-of-a-header"})
        [record] = logged(server, answer)
        assert record["accessKeyId"] == caller.credentials.key
        assert ask(caller, id_of(answer)).status in (200, 403)
        caller.wire.invoke("missing", payload)
    secrets = [caller.credentials.secret for caller in (user, session, owner.root)]
    secrets += [session.credentials.token, session.credentials.token[:60], CANARY]
    secrets += ["canary-of-the-payload", "canary-of-a-header", "canary-of-the-environment"]
    server.terminate()
    written = server.output() + "".join(file.read_text() for file in files(server))
    for secret in secrets:
        assert secret not in written


def test_only_the_server_s_user_reads_the_log(server, owner):
    logged(server, owner.root.wire.dry_run("missing"))
    folder = server.data_dir / "decisions"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in files(server):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_decisions_of_many_callers_at_once_are_all_there_once(server, owner):
    users = [owner.user() for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(users[n % 4].wire.dry_run, f"missing-{n}") for n in range(400)]
        answers = [call.result() for call in calls]
    found = logged(server, *answers)
    assert sorted(record["requestId"] for record in found) == sorted(map(id_of, answers))
    resource = {record["requestId"]: record["resource"] for record in found}
    for n, answer in enumerate(answers):
        assert resource[id_of(answer)] == owner.arn(f"missing-{n}")


def test_files_are_bounded_in_size_and_number(start_server):
    arguments = ("--decision-log-file-bytes", "4096", "--decision-log-files", "3")
    server = start_server(arguments=arguments)
    root = World(server).owner.root
    answers = [root.wire.dry_run(f"missing-{n}") for n in range(60)]
    logged(server, answers[-1])
    kept = files(server)
    assert len(kept) == 3
    assert all(file.stat().st_size <= 4096 for file in kept)
    assert [int(file.stem) for file in kept] == list(range(int(kept[0].stem), int(kept[0].stem) + 3))
    ids = [record["requestId"] for record in records(server)]
    assert ids == [id_of(answer) for answer in answers][-len(ids) :]
    assert len(ids) > 12


def test_a_log_that_cannot_be_written_is_said_loudly_and_loses_nothing(start_server, tmp_path):
    server = start_server(PORTCULLIS_DECISION_LOG_FILE_BYTES="4096", PORTCULLIS_DECISION_LOG_FILES="1000")
    root = World(server).owner.root
    folder, away = server.data_dir / "decisions", tmp_path / "away"
    answers = [root.wire.dry_run("missing")]
    logged(server, *answers)
    folder.rename(away)
    answers += [root.wire.dry_run(f"missing-{n}") for n in range(30)]
    until(lambda: not server.healthy(), 30, "unhealthy")
    metrics = send(server.base, Request("GET", "/_portcullis/metrics")).body.decode()
    assert "portcullis_decision_log_failing 1\n" in metrics
    assert "decision log cannot be written" in server.output()
    told = ask(root, id_of(answers[-1]))
    assert told.status == 200, "what is decided meanwhile is known"
    away.rename(folder)
    until(server.healthy, 30, "healthy again")
    assert [id_of(answer) for answer in answers] == [record["requestId"] for record in logged(server, *answers)]


def test_an_impossible_setting_is_refused_at_start(start_server):
    for arguments in (("--decision-log-files", "0"), ("--decision-log-file-bytes", "5")):
        server = start_server(ready=False, arguments=arguments)
        assert server.process.wait(30) == 2
        assert arguments[0] in server.output()


# --- Restarts ----------------------------------------------------------------------------------------


def test_the_log_goes_on_after_a_stop_and_after_a_kill(start_server):
    server = start_server()
    root = World(server).owner.root
    first = [root.wire.dry_run(f"missing-{n}") for n in range(20)]
    server.terminate()
    assert [record["requestId"] for record in records(server)] == [id_of(answer) for answer in first]
    server = start_server(server.data_dir)
    root = World(server).owner.root
    second = root.wire.dry_run("missing")
    logged(server, second)
    server.kill()
    with files(server)[-1].open("a") as file:
        file.write('{"requestId":"00000000-torn')
    server = start_server(server.data_dir)
    root = World(server).owner.root
    third = root.wire.dry_run("missing")
    logged(server, *first, second, third)
    for answer in (first[7], second, third):
        [decision] = decisions(root, answer)
        assert decision["Record"]["requestId"] == id_of(answer)


# --- Who is told why ---------------------------------------------------------------------------------


def test_the_owner_of_the_resource_learns_what_was_decided(server, owner):
    name = owner.function()
    user = owner.user()
    answer = user.wire.dry_run(name)
    [decision] = decisions(owner.root, answer)
    assert [decision["Record"]] == logged(server, answer)
    auditor = owner.user(allow("portcullis:GetDecision", "*"))
    assert decisions(auditor, answer)[0]["Record"] == decision["Record"]


def explained(caller, answer) -> dict:
    [decision] = decisions(caller, answer)
    return decision["Explanation"]


def test_an_explanation_names_what_missed_and_what_would_mend_it(owner, world, server):
    name = owner.function()
    arn = owner.arn(name)
    s3 = world.service("s3.amazonaws.com")
    grant = {"StatementId": "photos", "Action": INVOKE, "Principal": "s3.amazonaws.com"}
    owner.root.wire.add_permission(name, grant | {"SourceArn": "arn:aws:s3:::photos", "SourceAccount": ACCOUNT})
    answer = s3.wire.dry_run(
        arn, headers={"x-amz-source-arn": "arn:aws:s3:::videos", "x-amz-source-account": ACCOUNT}
    )
    assert answer.status == 403
    why = explained(owner.root, answer)
    assert why["nearest"]["sid"] == "photos" and why["nearest"]["document_name"] == arn
    [miss] = why["nearest"]["misses"]
    assert (miss["expected"], miss["actual"]) == (["arn:aws:s3:::photos"], "arn:aws:s3:::videos")
    [grant] = why["ways"][0]["grants"]
    assert grant["command"].startswith("aws lambda add-permission --function-name")
    assert "--source-arn arn:aws:s3:::videos" in grant["command"] and server.base in grant["command"]
    [decision] = decisions(owner.root, answer)
    assert decision["Text"].startswith("Denied: no resource-based policy allows it")


def test_a_decision_is_explained_by_the_policies_that_made_it(owner):
    """Whatever was changed since: the policies, the tags, the user, the function."""
    name = owner.function(Tags={"team": "blue"})
    mine = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    user = owner.user(allow(INVOKE, "*", mine))
    arn = owner.arn(name)
    allowed = user.wire.dry_run(name)
    assert allowed.status == 204
    before = explained(owner.root, allowed)
    owner.root.boto().tag_resource(Resource=arn, Tags={"team": "red"})
    denied = user.wire.dry_run(name)
    assert denied.status == 403
    missed = explained(owner.root, denied)
    user.permit(deny("*", "*"))
    owner.root.boto().delete_function(FunctionName=name)
    iam = owner.root.boto("iam")
    user_name = user.arn.rsplit("/", 1)[1]
    iam.delete_user_policy(UserName=user_name, PolicyName="own")
    iam.delete_access_key(UserName=user_name, AccessKeyId=user.credentials.key)
    iam.delete_user(UserName=user_name)
    assert explained(owner.root, allowed) == before
    # No policy of the function is a way any more, now that it is gone.
    own = [way for way in missed["ways"] if way["grants"][0]["policy_type"] == "identity-based policy"]
    assert explained(owner.root, denied) == missed | {"ways": own}
    assert before["decision"] == "Allowed", before
    [miss] = missed["nearest"]["misses"]
    assert (miss["key"], miss["expected"], miss["actual"]) == ("aws:ResourceTag/team", ["blue"], "red")


def test_an_explanation_for_the_owner_hides_what_another_account_s_policies_say(owner, other):
    name = owner.function()
    arn = owner.arn(name)
    owner.root.wire.add_permission(name, {"StatementId": "them", "Action": INVOKE, "Principal": other.id})
    own = {"StringEquals": {"aws:username": "the-secret-structure-of-others"}}
    rows = [
        (other.user(allow(INVOKE, "*", own)), "ImplicitlyDenied", "silent"),
        (other.user(allow(INVOKE, arn)), "Allowed", "allows"),
        (other.user(allow(INVOKE, arn), deny("*", "*", {"Bool": {"aws:SecureTransport": "false"}})), "ExplicitlyDenied", "denies"),
    ]
    for caller, decision, verdict in rows:
        answer = caller.wire.dry_run(arn)
        [told] = decisions(owner.root, answer)
        why = told["Explanation"]
        assert why["decision"] == decision
        [identity] = [one for one in why["trace"] if one["policy_type"] == "identity-based policy"]
        assert identity["verdict"] == verdict
        for hidden in ("the-secret-structure", "SecureTransport", '"own"'):
            assert hidden not in json.dumps(told) and hidden not in told["Text"]
        for statement in identity["allows"] + identity["denies"]:
            assert statement["document_name"] == f"the account {other.id}, not shown here"


def test_nobody_else_learns_that_there_was_a_decision(server, world, owner, other):
    user = owner.user()
    answer = user.wire.dry_run(owner.function())
    known, unknown = id_of(answer), str(uuid.uuid4())
    denied = ask(user, known)
    assert (denied.status, denied.code) == (403, "AccessDeniedException")
    assert "portcullis:GetDecision" in denied.json["Message"]
    unsigned = send(server.base, Request("GET", f"/_portcullis/decisions/{known}"))
    assert (unsigned.status, unsigned.code) == (403, "MissingAuthenticationTokenException")
    service = ask(world.service("s3.amazonaws.com"), known)
    assert (service.status, service.code) == (403, "AccessDeniedException")
    told = [ask(other.root, id) for id in (known, unknown)]
    for one, id in zip(told, (known, unknown)):
        text = f"No decision about a resource of this account is kept for the request {id}."
        assert (one.status, one.code, one.json) == (404, "ResourceNotFoundException", {"Type": "User", "Message": text})


def test_the_owner_learns_of_strangers_but_not_their_keys(owner, other):
    stranger = other.user(allow(INVOKE, "*"))
    answer = stranger.wire.dry_run(owner.arn(owner.function()))
    [decision] = decisions(owner.root, answer)
    assert decision["Record"]["principal"] == stranger.arn
    assert "accessKeyId" not in decision["Record"]
    assert ask(other.root, id_of(answer)).status == 404, "the caller's account does not own the resource"


def test_an_id_that_is_none_is_refused(owner):
    assert ask(owner.root, "not-an-id").code == "ValidationException"


def test_what_is_no_longer_in_memory_is_found_in_the_log(start_server):
    server = start_server(PORTCULLIS_DECISIONS_IN_MEMORY="2")
    root = World(server).owner.root
    for _ in range(20):  # Also one that is on its way from memory to the log.
        first = root.wire.dry_run("missing")
        for n in range(3):
            root.wire.dry_run(f"missing-{n}")
        [decision] = decisions(root, first)
        assert [decision["Record"]] == logged(server, first)
        assert "Explanation" not in decision, "the policies that decided are gone"


@pytest.mark.parametrize("protocol", ["json", "xml"])
def test_a_denial_within_an_account_says_how_to_ask_why(owner, other, world, server, protocol):
    name = owner.arn(owner.function())

    def call(caller):
        if protocol == "json":
            return caller.wire.dry_run(name)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = b"Action=ListUsers&Version=2010-05-08"
        return caller.wire.call("POST", "/", body=body, headers=form, service="iam")

    denied = call(owner.user())
    assert denied.status == 403
    assert denied.headers["x-portcullis-explain"] == id_of(denied)
    assert "x-portcullis-explain" not in call(owner.root).headers
    if protocol == "json":
        strangers = [other.user(allow(INVOKE, "*")), world.service("s3.amazonaws.com")]
        for stranger in strangers:
            answer = call(stranger)
            assert answer.status == 403 and "x-portcullis-explain" not in answer.headers
        forged = Wire(server.base, Credentials(ROOT.key, "not-the-secret"))
        assert "x-portcullis-explain" not in forged.dry_run(name).headers


# --- Supposed calls ----------------------------------------------------------------------------------


def control(caller, operation, **body):
    return caller.wire.call("POST", f"/_portcullis/{operation}", body=body, service="portcullis")


def suppose(caller, principal, resource, action=INVOKE, **context):
    body = {"Principal": principal, "Action": action, "Resource": resource, "Context": context}
    answer = control(caller, "explain", **body)
    assert answer.status == 200, answer.body
    return answer.json


def test_a_supposed_call_is_decided_as_the_real_one_is(owner, other, world):
    name = owner.versioned(Tags={"team": "blue"})
    arn = owner.arn(name)
    source = {"x-amz-source-arn": "arn:aws:s3:::photos", "x-amz-source-account": ACCOUNT}
    owner.root.wire.add_permission(
        name, {"StatementId": "s3", "Action": INVOKE, "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::photos"}
    )
    owner.root.wire.add_permission(name, {"StatementId": "them", "Action": INVOKE, "Principal": other.id})
    blue = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    rows = [
        (owner.user(allow(INVOKE, "*", blue)), {}),
        (owner.user(allow(INVOKE, "*", {"StringEquals": {"aws:username": "else"}})), {}),
        (owner.user(allow("*", "*"), deny(INVOKE, "*")), {}),
        (owner.session(allow(INVOKE, arn)), {}),
        (owner.root, {}),
        (other.user(allow(INVOKE, "*")), {}),
        (world.service("s3.amazonaws.com"), source),
        (world.service("sns.amazonaws.com"), source),
    ]
    for caller, headers in rows:
        context = {"aws:SourceArn": [headers["x-amz-source-arn"]]} if headers else {}
        for resource in (arn, f"{arn}:prod"):
            real = caller.wire.dry_run(resource, headers=headers)
            told = suppose(owner.root, caller.arn, resource, **context)
            assert (told["Explanation"]["decision"] == "Allowed") == (real.status == 204), (caller.arn, resource, told)


def test_what_is_supposed_comes_before_what_is_known(owner):
    name = owner.function()
    user = owner.user(allow(INVOKE, "*", {"StringEquals": {"aws:ResourceTag/team": "blue"}}))
    assert suppose(owner.root, user.arn, owner.arn(name))["Explanation"]["decision"] == "ImplicitlyDenied"
    told = suppose(owner.root, user.arn, owner.arn(name), **{"aws:ResourceTag/team": ["blue"]})
    assert told["Explanation"]["decision"] == "Allowed"


def test_policies_of_another_account_are_not_asked_but_taken_to_allow(owner, other):
    name = owner.function()
    owner.root.wire.add_permission(name, {"StatementId": "them", "Action": INVOKE, "Principal": other.id})
    silent = other.user()
    for principal in (silent.arn, f"arn:aws:iam::{other.id}:user/nobody"):
        told = suppose(owner.root, principal, owner.arn(name))
        assert told["Explanation"]["decision"] == "Allowed"
        assert told["Assumed"] == f"The policies of the account {other.id} are taken to allow the call."


def test_what_no_policy_grants_to_another_account_is_not_supposed_to_be_granted(owner, other):
    """A policy may say `lambda:*` of another account: most of it holds for the own account alone."""
    arn = owner.arn(owner.function())
    owner.root.wire.add_permission(arn, {"StatementId": "them", "Action": "lambda:*", "Principal": other.id})
    concurrency = f"/2019-09-30/functions/{segment(arn)}/concurrency"
    for action, path, allowed in [
        ("lambda:GetFunction", f"{F}/{segment(arn)}", True),
        ("lambda:GetFunctionConcurrency", concurrency, False),
    ]:
        assert (other.root.wire.call("GET", path).status == 200) == allowed
        told = suppose(owner.root, other.root.arn, arn, action)
        assert (told["Explanation"]["decision"] == "Allowed") == allowed, told
        reason = None if allowed else "No resource-based policy can grant this action to another account."
        assert (told.get("Reason"), "ways" in told["Explanation"]) == (reason, False)
        who = control(owner.root, "who-can", Action=action, Resource=arn).json["Entries"]
        assert any(entry["who"].get("id") == other.id for entry in who) == allowed, who


def test_supposed_calls_know_what_real_ones_find_on_their_resource(owner, other):
    """Policies of layers, tags of whatever has some, and the type of a function's URL."""
    aws, iam = owner.root.boto("lambda"), owner.root.boto("iam")
    layer = aws.publish_layer_version(LayerName=unique("layer"), Content={"ZipFile": RAN})
    grant = {"StatementId": "them", "Action": "lambda:GetLayerVersion", "Principal": other.id}
    aws.add_layer_version_permission(LayerName=layer["LayerArn"], VersionNumber=layer["Version"], **grant)
    name = owner.function()
    aws.create_function_url_config(FunctionName=name, AuthType="NONE")
    open_url = {"StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    owner.root.wire.add_permission(name, open_url)
    blue, tags = {"StringEquals": {"aws:ResourceTag/team": "blue"}}, [{"Key": "team", "Value": "blue"}]
    user, policy = unique("tagged"), unique("tagged")
    user = iam.create_user(UserName=user, Tags=tags)["User"]["Arn"]
    policy = iam.create_policy(PolicyName=policy, PolicyDocument=document(allow("s3:*", "*")), Tags=tags)["Policy"]["Arn"]
    reader = owner.user(allow(["iam:GetUser", "iam:GetPolicy"], "*", blue)).arn
    plain = owner.user().arn
    for principal, action, resource, allowed in [
        (other.root.arn, "lambda:GetLayerVersion", layer["LayerVersionArn"], True),
        (other.root.arn, "lambda:DeleteLayerVersion", layer["LayerVersionArn"], False),
        ("anonymous", "lambda:InvokeFunctionUrl", owner.arn(name), True),
        ("anonymous", "lambda:InvokeFunctionUrl", owner.arn(owner.function()), False),
        (reader, "iam:GetUser", user, True),
        (reader, "iam:GetUser", plain, False),
        (reader, "iam:GetPolicy", policy, True),
        (reader, "iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", False),
    ]:
        told = suppose(owner.root, principal, resource, action)
        assert (told["Explanation"]["decision"] == "Allowed") == allowed, (principal, action, resource, told)
    readers = control(owner.root, "who-can", Action=grant["Action"], Resource=layer["LayerVersionArn"]).json["Entries"]
    assert {"type": "account", "id": other.id} in [entry["who"] for entry in readers]


def test_only_the_owner_supposes_calls(owner, other):
    arn = owner.arn(owner.function())
    for operation in ("explain", "who-can"):
        body = {"Principal": owner.root.arn, "Action": INVOKE, "Resource": arn}
        body = body if operation == "explain" else {key: body[key] for key in ("Action", "Resource")}
        foreign = control(other.root, operation, **body)
        assert (foreign.status, foreign.code) == (400, "InvalidParameterValueException")
        assert foreign.json["message"] == f"The resource {arn} is not one of this account."
        assert control(owner.user(), operation, **body).status == 403
    nobody = control(owner.root, "explain", Principal=f"arn:aws:iam::{owner.id}:user/nobody", Action=INVOKE, Resource=arn)
    assert nobody.json["message"] == f"The account has no principal arn:aws:iam::{owner.id}:user/nobody."
    assert control(owner.root, "explain", Principal="?", Action=INVOKE, Resource=arn).status == 400


def test_who_can_names_those_who_can(start_server):
    world = World(start_server())
    owner, other = world.owner, world.account()
    name = owner.function()
    arn = owner.arn(name)
    owner.root.wire.add_permission(name, {"StatementId": "them", "Action": INVOKE, "Principal": other.id})
    owner.root.wire.add_permission(
        name, {"StatementId": "s3", "Action": INVOKE, "Principal": "s3.amazonaws.com", "SourceAccount": ACCOUNT}
    )
    may = owner.user(allow(INVOKE, arn))
    iam = owner.root.boto("iam")
    iam.create_group(GroupName="callers")
    iam.put_group_policy(GroupName="callers", PolicyName="p", PolicyDocument=document(allow(INVOKE, "*")))
    member = owner.user()
    iam.add_user_to_group(GroupName="callers", UserName=member.arn.rsplit("/", 1)[1])
    owner.user(), owner.user(allow(INVOKE, "*"), deny("*", "*")), other.user(allow("*", "*"))
    answer = control(owner.root, "who-can", Action=INVOKE, Resource=arn)
    assert answer.status == 200, answer.body
    got = {(entry["who"]["type"], entry["who"].get("id")) for entry in answer.json["Entries"]}
    assert got == {
        ("account", other.id),
        ("service", "s3.amazonaws.com"),
        ("root", owner.root.arn),
        ("principal", may.arn),
        ("principal", member.arn),
    }
    assert "s3.amazonaws.com" in answer.json["Text"] and f"p of arn:aws:iam::{owner.id}:group/callers" in answer.json["Text"]


# --- Grants that are doubtful ------------------------------------------------------------------------

S3 = {"StatementId": "s", "Action": INVOKE, "Principal": "s3.amazonaws.com"}
DEPUTY = "confused-deputy: Anyone with an account can have s3.amazonaws.com call this function"
BUCKET = S3 | {"SourceArn": "arn:aws:s3:::bucket"}
OPEN_GRANTS = [
    (S3, DEPUTY),
    (S3 | {"SourceArn": "arn:aws:s3:::*"}, DEPUTY),
    (S3 | {"SourceArn": "arn:aws:s3:::bucket*"}, DEPUTY),
    (S3 | {"SourceArn": "arn:aws:sns:us-east-1::*"}, DEPUTY),
    (S3 | {"EventSourceToken": "token"}, DEPUTY),
    (S3 | {"Principal": "*"}, "public-grant: Everyone may do this"),
    (BUCKET, "source-arn-without-account: "),
    (
        S3 | {"SourceArn": f"arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3/*/GET/{{proxy+}}"},
        "Write * in the place of the braces and what is in them.",
    ),
]
GOOD_GRANTS = [
    S3 | {"SourceArn": "arn:aws:s3:::bucket", "SourceAccount": ACCOUNT},
    S3 | {"SourceAccount": ACCOUNT},
    S3 | {"Principal": "223456789012"},
]


@pytest.mark.parametrize(("grant", "warning"), OPEN_GRANTS)
def test_a_doubtful_grant_is_made_and_warned_of(server, owner, grant, warning):
    name, sid = owner.function(), unique("doubtful")
    answer = owner.root.wire.add_permission(name, grant | {"StatementId": sid})
    assert answer.status == 201, answer.body
    told = answer.headers["x-portcullis-warning"]
    assert warning in told and len(told) <= 1024 and told.isascii() and told.isprintable()
    assert "?" not in told, "nothing in it had to be replaced"
    policy = json.loads(owner.root.wire.get_policy(name).json["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == [sid]
    [line] = [line for line in server.output().splitlines() if sid in line]
    assert "WARN" in line and "a doubtful grant was made" in line and id_of(answer) in line


@pytest.mark.parametrize("grant", GOOD_GRANTS)
def test_a_grant_without_doubts_has_no_warning(owner, grant):
    answer = owner.root.wire.add_permission(owner.function(), grant)
    assert answer.status == 201 and "x-portcullis-warning" not in answer.headers


@pytest.mark.parametrize("variable", [True, False])
def test_a_server_can_be_set_to_refuse_confused_deputies(start_server, variable):
    if variable:
        server = start_server(PORTCULLIS_DENY_CONFUSED_DEPUTY="true")
    else:
        server = start_server(arguments=("--deny-confused-deputy",))
    owner = World(server).owner
    name = owner.function()
    refused = owner.root.wire.add_permission(name, S3)
    assert (refused.status, refused.code) == (400, "InvalidParameterValueException")
    assert refused.json["message"].startswith(
        "This server refuses grants to services that do not say for whose resource. Anyone with an account can "
        "have s3.amazonaws.com call this function"
    )
    assert owner.root.wire.get_policy(name).status == 404
    for grant in (grant for grant, warning in OPEN_GRANTS if warning == DEPUTY):
        assert owner.root.wire.add_permission(name, grant).json["message"] == refused.json["message"], grant
    public = owner.root.wire.add_permission(name, S3 | {"Principal": "*"})
    assert public.status == 400
    assert public.json["message"].startswith("This server refuses grants to everyone. Everyone may do this")
    assert owner.root.wire.get_policy(name).status == 404
    url = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    half = {"Action": INVOKE, "Principal": "*", "InvokedViaFunctionUrl": True}
    allowed = GOOD_GRANTS + [BUCKET, url, half]
    for number, grant in enumerate(allowed):
        answer = owner.root.wire.add_permission(name, grant | {"StatementId": f"s-{number}"})
        assert answer.status == 201, (grant, answer.body)
    stranger = owner.user().wire.add_permission(name, S3)
    assert stranger.status == 403, "who may not grant hears nothing of the setting"
