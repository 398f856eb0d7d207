"""`portcullis who-can`, `lint` and `diff`: by files and by a server."""

import json
import os
import subprocess

import pytest

from asking import ALICE, FUNCTION, INVOKE, allow, error_of, json_of, on_a_terminal, s3, text_of, write
from server import binary, environment, run
from world import allow as allowing

ROOT = {"type": "root", "id": "arn:aws:iam::111111111111:root"}


# --- who-can -----------------------------------------------------------------------------------------


def test_who_can_lists_whom_files_let_in(tmp_path):
    write(tmp_path, f=[s3()], alice=[allow()], none=[], everyone=[allow(Principal="*")])
    of_alice = ["--policy", f"{ALICE}=alice.json"]
    grant, service = ["--resource-policy", "f.json"], {"type": "service", "id": "s3.amazonaws.com"}
    rows = [
        (grant, [service, ROOT]),
        (of_alice, [ROOT, {"type": "principal", "id": ALICE}]),
        ([*grant, *of_alice], [service, ROOT, {"type": "principal", "id": ALICE}]),
        ([*of_alice, "--boundary", f"{ALICE}=none.json"], [ROOT]),
        ([*of_alice, "--scp", "account="], []),
        (["--resource-policy", "everyone.json"], [{"type": "everyone"}, ROOT]),
    ]
    for documents, want in rows:
        for action in (INVOKE, "InvokeFunction"):
            answer = json_of("who-can", action, FUNCTION, *documents, cwd=tmp_path)
            assert [entry["who"] for entry in answer["Entries"]] == want, (documents, answer)
            assert text_of("who-can", action, FUNCTION, *documents, cwd=tmp_path).strip() == answer["Text"].strip()
    (entry, _) = json_of("who-can", INVOKE, "orders", "--resource-account", "1" * 12, *grant, cwd=tmp_path)["Entries"]
    (need,) = entry["ways"][0]["needs"]
    assert need["any_of"][0]["document"] == "f.json" and len(need["any_of"][0]["conditions"]) == 2


def test_who_can_asks_a_server_for_a_functions_name(owner, other):
    name = owner.versioned()
    user = owner.user(allowing(INVOKE, owner.arn(name)))
    owner.root.wire.add_permission(name, {"StatementId": "them", "Action": INVOKE, "Principal": other.id})
    answer = json_of("who-can", INVOKE, name, caller=owner.root)
    who = [entry["who"].get("id") for entry in answer["Entries"]]
    assert user.arn in who and other.id in who
    qualified = json_of("who-can", INVOKE, f"{name}:prod", caller=owner.root)
    assert user.arn not in [entry["who"].get("id") for entry in qualified["Entries"]]
    text = text_of("who-can", INVOKE, owner.arn(name), caller=owner.root)
    assert f"the account {other.id}" in text and user.arn in text
    assert "403" in error_of("who-can", INVOKE, name, caller=owner.user())
    assert "400" in error_of("who-can", "lambda:*", name, caller=owner.root)


def test_who_can_refuses_what_it_cannot_ask(tmp_path):
    write(tmp_path, f=[s3()], bad=[{"Effect": "allow"}])
    rows = [
        ([INVOKE], "required"),
        ([INVOKE, "orders", "--resource-policy", "f.json"], "--resource-account"),
        ([INVOKE, FUNCTION, "--resource-policy", "bad.json"], "bad.json: Statement[0]"),
        (["lambda:Invoke*", FUNCTION, "--resource-policy", "f.json"], "without wildcards"),
        ([INVOKE, FUNCTION, "--resource-policy", "f.json", "--resource-account", "1"], "12 digits"),
        ([INVOKE, FUNCTION, "--policy", "alice=f.json"], "is not a principal"),
        ([INVOKE, FUNCTION, "--policy", f"{ALICE}=f.json"], "f.json: Statement[0]"),
    ]
    for arguments, want in rows:
        error = error_of("who-can", *arguments, cwd=tmp_path)
        assert want in error, (arguments, error)


# --- lint --------------------------------------------------------------------------------------------


def test_lint_ends_by_what_it_found(tmp_path):
    write(tmp_path, clean=[s3()], deputy=[s3(Condition={})], noted=[s3(), s3(Sid="again")], broken="{", bad=[{"Effect": "x"}])
    rows = [
        ("clean", [], 0),
        ("deputy", [], 1),
        ("deputy", ["--fail-on", "error"], 0),
        ("broken", [], 1),
        ("broken", ["--fail-on", "error"], 1),
        ("bad", [], 1),
        ("bad", ["--fail-on", "never"], 0),
    ]
    for name, flags, status in rows:
        answer = json_of("lint", f"{name}.json", *flags, cwd=tmp_path, status=status)
        assert (name == "clean") == (answer["Findings"] == []), answer
        text_of("lint", f"{name}.json", *flags, cwd=tmp_path, status=status)
    (finding,) = json_of("lint", "deputy.json", cwd=tmp_path, status=1)["Findings"]
    assert (finding["rule"], finding["severity"], finding["sid"]) == ("confused-deputy", "warning", "s3")
    text = text_of("lint", "deputy.json", cwd=tmp_path, status=1)
    assert text.startswith('warning[confused-deputy] Statement[0] (Sid "s3")') and "remedy:" in text
    assert "0 errors, 1 warning, 0 notes" in text
    assert on_a_terminal("lint", "deputy.json", cwd=tmp_path, TERM="xterm").startswith("\x1b[33mwarning")


@pytest.mark.parametrize(
    ("statement", "flags", "kind"),
    [
        (allow(), [], "identity-based policy"),
        (s3(), [], "resource-based policy"),
        ({"Effect": "Allow", "Principal": {"AWS": "1" * 12}, "Action": "sts:AssumeRole"}, [], "role trust policy"),
        (allow(), ["--kind", "scp"], "service control policy"),
        (allow(), ["--kind", "boundary"], "permissions boundary"),
    ],
)
def test_lint_tells_what_it_takes_the_policy_for(statement, flags, kind):
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    answer = json_of("lint", "-", *flags, "--fail-on", "never", stdin=document)
    assert answer["Kind"] == kind
    wrapped = json.dumps({"PolicyDocument": json.loads(document)})
    assert json_of("lint", "-", *flags, "--fail-on", "never", stdin=wrapped) == answer


def test_lint_reads_a_functions_policy_from_a_server(owner):
    name = owner.versioned()
    grant = {"StatementId": "open", "Action": INVOKE, "Principal": "sns.amazonaws.com"}
    owner.root.wire.add_permission(name, grant, qualifier="prod")
    for arguments in (["--function", f"{name}:prod"], [f"function:{name}:prod"], ["--function", owner.arn(name, "prod")]):
        answer = json_of("lint", *arguments, caller=owner.root, status=1)
        assert [finding["rule"] for finding in answer["Findings"]] == ["confused-deputy"]
    assert "404" in error_of("lint", "--function", name, caller=owner.root)
    assert "403" in error_of("lint", "--function", f"{name}:prod", caller=owner.user())


def test_lint_has_one_policy(tmp_path):
    write(tmp_path, p=[allow()])
    assert "required" in error_of("lint", cwd=tmp_path)
    assert "cannot be used with" in error_of("lint", "p.json", "--function", "f", cwd=tmp_path)
    assert "No such file" in error_of("lint", "missing.json", cwd=tmp_path)


# --- diff --------------------------------------------------------------------------------------------


def test_diff_ends_by_whether_calls_are_decided_differently(tmp_path):
    wider = s3(Condition={"StringEquals": {"AWS:SourceAccount": "111111111111"}})
    write(tmp_path, old=[s3()], same=[s3()], wider=[wider], empty=[], bad=[{"Effect": "x"}])
    assert json_of("diff", "old.json", "same.json", cwd=tmp_path) == {"outcome": "equivalent", "changes": []}
    answer = json_of("diff", "old.json", "wider.json", cwd=tmp_path, status=1)
    assert answer["outcome"] == "different"
    (change,) = answer["changes"]
    assert (change["kind"], change["elements"]) == ("changed", ["Condition"])
    assert [example["kind"] for example in change["examples"]] == ["newly-allowed"]
    lost = text_of("diff", "old.json", "empty.json", cwd=tmp_path, status=1)
    assert lost.startswith('- Statement[0] (Sid "s3") removed') and "no longer allowed s3.amazonaws.com" in lost
    gained = text_of("diff", "empty.json", "old.json", cwd=tmp_path, status=1)
    assert "newly allowed s3.amazonaws.com" in gained
    for arguments, want in [
        (["old.json"], "required"),
        (["old.json", "bad.json"], "bad.json: Statement[0]"),
        (["bad.json", "old.json"], "bad.json: Statement[0]"),
        (["-", "-"], "only once"),
        (["old.json", "missing.json"], "No such file"),
    ]:
        error = error_of("diff", *arguments, cwd=tmp_path, stdin='{"Statement":[]}')
        assert want in error, (arguments, error)


def test_a_difference_that_is_neither_found_nor_ruled_out_has_a_status_of_its_own(tmp_path):
    def half(*ranges):
        return s3(Condition={"IpAddress": {"aws:SourceIp": list(ranges)}})

    def saml(provider):
        principal = {"Federated": f"arn:aws:iam::111111111111:saml-provider/{provider}"}
        return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithSAML"}

    write(tmp_path, whole=[half("10.0.0.0/8")], halves=[half("10.0.0.0/9", "10.128.0.0/9")], less=[half("10.0.0.0/9")])
    write(tmp_path, x=[saml("x")], y=[saml("y")])
    assert json_of("diff", "whole.json", "halves.json", cwd=tmp_path, status=3)["outcome"] == "no-difference-found"
    assert "not proven" in text_of("diff", "whole.json", "halves.json", cwd=tmp_path, status=3)
    assert "newly allowed" in text_of("diff", "less.json", "halves.json", cwd=tmp_path, status=1)
    federated = text_of("diff", "--kind", "trust", "x.json", "y.json", cwd=tmp_path, status=3)
    assert "(Federated) than OpenID Connect are not modelled" in federated


def test_diff_compares_a_functions_policy_with_a_file(owner, tmp_path):
    name = owner.function()
    grant = {"StatementId": "s3", "Action": INVOKE, "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::photos"}
    owner.root.wire.add_permission(name, grant)
    policy = owner.root.wire.get_policy(name)
    (tmp_path / "now.json").write_bytes(policy.body)
    write(tmp_path, none=[])
    source = f"function:{name}"
    assert json_of("diff", source, "now.json", caller=owner.root, cwd=tmp_path)["outcome"] == "equivalent"
    assert json_of("diff", source, "none.json", caller=owner.root, cwd=tmp_path, status=1)["outcome"] == "different"


# --- All ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["lint", "f.json"], ["diff", "f.json", "f.json"]], ids=["lint", "diff"])
def test_what_could_not_be_asked_is_no_finding(tmp_path, command):
    write(tmp_path, f=[s3()])
    assert "PORTCULLIS_REGIN" in error_of(*command, cwd=tmp_path, PORTCULLIS_REGIN="eu-west-1")


@pytest.mark.parametrize("command", [["lint", "f.json"], ["diff", "f.json", "g.json"]], ids=["lint", "diff"])
def test_whoever_does_not_read_a_finding_to_its_end_gets_its_status(tmp_path, command):
    write(tmp_path, f=[s3(Condition={})], g=[s3()])
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([binary(), *command], cwd=tmp_path, env=environment(), stdout=writer, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("command", ["simulate", "explain", "who-can", "lint", "diff"])
def test_help_has_examples_and_says_how_it_ends(command):
    result = run(command, "--help")
    assert result.returncode == 0
    assert f"Examples:\n  portcullis {command}" in result.stdout
    assert "Exit status: 0" in result.stdout
