"""`portcullis explain`: past calls and supposed ones, by a server and by files."""

import json
import re

import pytest

from asking import ALICE, FUNCTION, INVOKE, allow, ask, error_of, json_of, on_a_terminal, s3, text_of, write
from world import allow as allowing
from world import World, trusting, unique


def supposed(principal=ALICE, action=INVOKE, resource=FUNCTION, **context):
    flags = ["explain", "--principal", principal, "--action", action, "--resource", resource]
    for key, values in context.items():
        for value in values if isinstance(values, list) else [values]:
            flags += ["--context", f"aws:{key}={value}"]
    return flags


# --- By files ----------------------------------------------------------------------------------------


def test_files_decide_as_what_they_are_given_as(tmp_path):
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}
    write(tmp_path, all=[allow()], none=[], no=[deny], f=[s3()], trust=[trust])
    role = supposed(action="sts:AssumeRole", resource="arn:aws:iam::111111111111:role/r")
    identity, photos = ["--identity-policy", "all.json"], {"SourceArn": "arn:aws:s3:::photos", "SourceAccount": "1" * 12}
    rows = [
        (supposed(), ["--identity-policy", "none.json"], "ImplicitlyDenied"),
        (supposed(), identity, "Allowed"),
        (supposed(), ["--policy", "all.json"], "Allowed"),
        (supposed(), [*identity, "--policy", "no.json"], "ExplicitlyDenied"),
        (supposed(), [*identity, "--boundary", "none.json"], "ImplicitlyDenied"),
        (supposed(), [*identity, "--session-policy", "none.json"], "ImplicitlyDenied"),
        (supposed(), [*identity, "--scp", "root=all.json", "--scp", "prod=all.json"], "Allowed"),
        (supposed(), [*identity, "--scp", "root=all.json", "--scp", "prod="], "ImplicitlyDenied"),
        (supposed("s3.amazonaws.com", **photos), ["--resource-policy", "f.json"], "Allowed"),
        (supposed("s3.amazonaws.com"), ["--resource-policy", "f.json"], "ImplicitlyDenied"),
        (role, [*identity, "--trust-policy", "trust.json"], "Allowed"),
        (role, ["--trust-policy", "trust.json"], "ImplicitlyDenied"),
        (supposed(resource="orders"), identity, "Allowed"),
    ]
    for question, documents, want in rows:
        answer = json_of(*question, *documents, cwd=tmp_path)
        assert answer["Explanation"]["decision"] == want, (question, documents, answer)
        word = "Allowed" if want == "Allowed" else "Denied"
        assert answer["Text"].startswith(word)
        assert text_of(*question, *documents, cwd=tmp_path).strip() == answer["Text"].strip()


def test_a_denial_tells_the_nearest_statement_and_the_grant_that_would_do(tmp_path):
    write(tmp_path, f=[s3()])
    question = supposed("s3.amazonaws.com", SourceArn="arn:aws:s3:::music", SourceAccount="111111111111")
    text = text_of(*question, "--resource-policy", "f.json", cwd=tmp_path)
    assert 'Nearest: statement "s3" of f.json' in text
    assert "expected  arn:aws:s3:::photos" in text and "actual    arn:aws:s3:::music" in text
    command = next(line for line in text.splitlines() if "aws lambda add-permission" in line)
    assert "--source-arn arn:aws:s3:::music" in command and FUNCTION in command


def test_a_document_may_be_an_answer_of_aws_on_standard_input(tmp_path):
    write(tmp_path, f=[s3(Condition={})])
    answer = json.dumps({"Policy": (tmp_path / "f.json").read_text(), "RevisionId": "1"})
    question = [*supposed("s3.amazonaws.com"), "--resource-policy", "-"]
    told = json_of(*question, stdin=answer)
    assert told["Explanation"]["decision"] == "Allowed"
    assert "standard input" in told["Text"]
    assert "only once" in error_of(*question, "--trust-policy", "-", stdin=answer)


def test_several_values_of_a_key_are_a_list(tmp_path):
    any_of = {"ForAnyValue:StringEquals": {"aws:TagKeys": "b"}}
    write(tmp_path, p=[allow(Condition=any_of)], q=[allow(Condition={"StringEquals": {"aws:TagKeys": "b"}})])
    for values, file, want in [
        (["a", "b"], "p.json", "Allowed"),
        ("b", "q.json", "Allowed"),
        (["a", "b"], "q.json", "ImplicitlyDenied"),
    ]:
        answer = json_of(*supposed(TagKeys=values), "--policy", file, cwd=tmp_path)
        assert answer["Explanation"]["decision"] == want, (values, file)


def test_colours_are_for_terminals_that_want_them(tmp_path):
    write(tmp_path, p=[allow()])
    question = [*supposed(), "--policy", "p.json"]
    assert "\x1b[" not in text_of(*question, cwd=tmp_path)
    assert on_a_terminal(*question, cwd=tmp_path, TERM="xterm").startswith("\x1b[32mAllowed")
    for variables in ({"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}):
        assert on_a_terminal(*question, cwd=tmp_path, **variables).startswith("Allowed")


def test_a_question_that_is_wrong_has_no_answer(tmp_path):
    big = '{"Version":"2012-10-17","Statement":[]}' + " " * 1_048_576
    write(tmp_path, p=[allow()], bad='{"Statement":{"Effect":"allow"}}', broken="{", big=big)
    (tmp_path / "latin.json").write_bytes(b"\xff")
    policy = ["--policy", "p.json"]
    rows = [
        ([], "required"),
        (["--principal", ALICE], "required"),
        ([*supposed()[1:], "id"], "cannot be used with"),
        (["id", *policy], "a past request was decided by the server's documents"),
        ([*supposed("alice")[1:], *policy], '"alice" is not a principal'),
        ([*supposed(action="lambda:*")[1:], *policy], "action: has to be service:Name"),
        ([*supposed(resource="a b")[1:], *policy], "neither an ARN nor the name of a function"),
        ([*supposed("s3.amazonaws.com", resource="arn:aws:s3:::b")[1:], *policy], "--resource-account"),
        ([*supposed()[1:], "--context", "x", *policy], "has to be KEY=VALUE"),
        ([*supposed()[1:], "--scp", "x"], "has to be LEVEL=FILE"),
        ([*supposed()[1:], "--policy", "missing.json"], "cannot read missing.json: No such file"),
        ([*supposed()[1:], "--policy", "bad.json"], "bad.json: Statement[0].Effect"),
        ([*supposed()[1:], "--policy", "broken.json"], "broken.json: not valid JSON"),
        ([*supposed()[1:], "--policy", "big.json"], "cannot read big.json: it has more than 1048576 bytes"),
        ([*supposed()[1:], "--policy", "latin.json"], "UTF-8"),
    ]
    for arguments, want in rows:
        error = error_of("explain", *arguments, cwd=tmp_path)
        assert want in error, (arguments, error)


# --- By a server -------------------------------------------------------------------------------------


def test_a_past_request_is_explained_to_the_owner(owner):
    name = owner.function()
    user = owner.user()
    denied = user.wire.dry_run(name)
    id = denied.headers["x-amzn-requestid"]
    text = text_of("explain", id, caller=owner.root)
    assert text.startswith("Denied: no identity-based policy allows it")
    assert f"caller    {user.arn}" in text and owner.arn(name) in text
    answer = json_of("explain", id, caller=owner.root)
    assert answer["RequestId"] == id
    assert answer["Decisions"][0]["Explanation"]["decision"] == "ImplicitlyDenied"
    assert "403" in error_of("explain", id, caller=user)
    assert "404" in error_of("explain", "00000000-0000-4000-8000-000000000000", caller=owner.root)
    assert "400" in error_of("explain", "no-id", caller=owner.root)


def test_a_request_whose_documents_are_gone_still_has_its_record(start_server):
    first = start_server()
    owner = World(first).owner
    user = owner.user(allowing(INVOKE, "*"))
    id = user.wire.dry_run("missing").headers["x-amzn-requestid"]
    first.terminate()
    second = start_server(first.data_dir)
    text = text_of("explain", id, caller=World(second).owner.root)
    assert text.startswith("Allowed by identity-based policy, statement ")
    assert f"caller    {user.arn}" in text and f"action    {INVOKE}" in text
    assert "no longer in memory" in text


def test_a_user_or_role_made_anew_is_told_whom_the_policy_means(owner):
    iam, name = owner.root.boto("iam"), owner.function()
    user, by, role = owner.user(), owner.user(), unique("role")
    role_arn = owner.role(trusting(by.arn), name=role)
    for sid, arn in [("user", user.arn), ("role", role_arn)]:
        grant = {"StatementId": sid, "Action": INVOKE, "Principal": arn}
        assert owner.root.wire.add_permission(name, grant).status == 201
    user_name = user.arn.rsplit("/", 1)[1]

    def ids():
        user_id = iam.get_user(UserName=user_name)["User"]["UserId"]
        return {"user": user_id, "role": iam.get_role(RoleName=role)["Role"]["RoleId"]}

    before = ids()
    iam.delete_access_key(UserName=user_name, AccessKeyId=user.credentials.key)
    iam.delete_user(UserName=user_name)
    iam.delete_role(RoleName=role)
    user = owner.user(name=user_name)
    assert owner.role(trusting(by.arn), name=role) == role_arn
    after, session = ids(), owner.session(role_arn=role_arn, by=by)
    for sid, caller, principal in [("user", user, user.arn), ("role", session, role_arn)]:
        want = {"principal": principal, "expected_id": before[sid], "actual_id": after[sid]}
        denied = caller.wire.dry_run(name)
        past = json_of("explain", denied.headers["x-amzn-requestid"], caller=owner.root)
        for told in (past["Decisions"][0], json_of(*supposed(caller.arn, resource=name), caller=owner.root)):
            [miss] = told["Explanation"]["nearest"]["misses"]
            assert (told["Explanation"]["nearest"]["sid"], miss.get("homonym")) == (sid, want), told
        text = text_of(*supposed(caller.arn, resource=name), caller=owner.root)
        assert f"expected id  {before[sid]}" in text and f"actual id    {after[sid]}" in text


@pytest.mark.parametrize("qualifier", [None, "prod"])
def test_a_supposed_call_is_decided_by_the_servers_documents(owner, qualifier):
    name = owner.versioned()
    grant = {"StatementId": "s3", "Action": INVOKE, "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::photos"}
    owner.root.wire.add_permission(name, grant, qualifier=qualifier)
    resource = f"{name}:{qualifier}" if qualifier else name
    for bucket, want in [("photos", "Allowed"), ("music", "ImplicitlyDenied")]:
        question = supposed("s3.amazonaws.com", resource=resource, SourceArn=f"arn:aws:s3:::{bucket}")
        answer = json_of(*question, caller=owner.root)
        assert answer["Explanation"]["decision"] == want
        assert answer["Explanation"]["resource"] == owner.arn(name, qualifier)
        assert text_of(*question, caller=owner.root).strip() == answer["Text"].strip()


def test_a_grant_is_proposed_only_on_what_is_there(owner):
    name, user = owner.versioned(), owner.user()
    for resource, action, is_there in [
        (name, INVOKE, True),
        (f"{name}:1", INVOKE, True),
        (f"{name}:prod", INVOKE, True),
        (f"{name}:99", INVOKE, False),
        (f"{name}:other", INVOKE, False),
        (unique("f"), INVOKE, False),
        (unique("f"), "lambda:CreateFunction", False),
    ]:
        answer = json_of(*supposed(user.arn, action, resource), caller=owner.root)["Explanation"]
        types = [grant["policy_type"] for way in answer["ways"] for grant in way["grants"]]
        assert types == ["identity-based policy", "resource-based policy"][: 1 + is_there], (resource, answer)
        assert ("aws lambda add-permission" in json.dumps(answer)) == is_there, (resource, answer)


def test_what_is_assumed_of_another_account_is_told(owner, other):
    name = owner.function()
    owner.root.wire.add_permission(name, {"StatementId": "them", "Action": INVOKE, "Principal": other.id})
    stranger = f"arn:aws:iam::999999999999:user/{unique('u')}"
    owner.root.wire.add_permission(name, {"StatementId": "all", "Action": INVOKE, "Principal": "999999999999"})
    text = text_of(*supposed(stranger, resource=name), caller=owner.root)
    assert re.search(r"account 999999999999 are taken to allow", text)


def test_a_server_that_is_not_there_is_no_answer(owner):
    error = error_of(*supposed(), PORTCULLIS_ENDPOINT_URL="http://127.0.0.1:1", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    assert "cannot connect to 127.0.0.1:1" in error
    assert "data-dir" in error_of(*supposed(), PORTCULLIS_DATA_DIR="/nonexistent")
    asked = ask(*supposed(resource="*"), AWS_ENDPOINT_URL=owner.base, **keys(owner.root))
    assert asked.returncode == 0, asked
    assert "is not an endpoint URL" in error_of(*supposed(), AWS_ENDPOINT_URL="https://x", **keys(owner.root))


def keys(caller):
    return {"AWS_ACCESS_KEY_ID": caller.credentials.key, "AWS_SECRET_ACCESS_KEY": caller.credentials.secret}
