"""`portcullis simulate`: the cases of the policy engine through the program itself."""

import gzip
import json
import subprocess
import threading
from pathlib import Path

import pytest

from server import binary, environment

CASES = Path(__file__).parents[2] / "crates/iam/tests/cases"


def simulate(lines, *arguments, timeout=120):
    return subprocess.run(
        [binary(), "simulate", *arguments],
        input=lines,
        env=environment(),
        capture_output=True,
        timeout=timeout,
        check=False,
    )


def answers(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def case(**changes):
    everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    usual = {
        "principal": "arn:aws:iam::111111111111:user/alice",
        "action": "lambda:InvokeFunction",
        "resource": {"arn": "*", "accountId": "111111111111"},
        "context": {},
        "identityPolicies": [everything],
    }
    return usual | changes


@pytest.mark.parametrize("name", ["edge.jsonl", "generated-1500.jsonl.gz"])
def test_every_case_is_decided_as_expected(name):
    path = CASES / name
    lines = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    cases = [json.loads(line) for line in lines.splitlines()]
    result = simulate(lines)
    assert (result.returncode, result.stderr) == (0, b"")
    assert answers(result) == [{"id": case["id"], "decision": case["expected"]} for case in cases]


def test_a_case_that_cannot_be_read_is_denied_and_the_rest_goes_on():
    bad = {"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}
    rows = [case(id="a"), case(id="b", identityPolicies=[{"policy": bad}]), case(id="c", principal=None), case(id="d")]
    lines = "\r\n\n".join(json.dumps(row) for row in rows) + "\nnot JSON"
    result = simulate(lines.encode())
    got = answers(result)
    assert [(row["id"], row["decision"], "error" in row) for row in got] == [
        ("a", "Allowed", False),
        ("b", "ImplicitlyDenied", True),
        ("c", "ImplicitlyDenied", True),
        ("d", "Allowed", False),
        (8, "ImplicitlyDenied", True),
    ]
    assert got[1]["error"].startswith('line 3, identityPolicies[0]: Statement[0].Effect: "allow" is not an effect')
    assert result.returncode == 1
    assert result.stderr.decode().startswith("portcullis: 3 of 5 cases could not be read; the first: line 3, ")


def test_no_cases_are_no_error():
    result = simulate(b"\n\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_each_case_is_answered_while_the_writer_waits():
    process = subprocess.Popen(
        [binary(), "simulate"], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        for number in range(3):
            process.stdin.write(json.dumps(case(id=str(number))).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"id": str(number), "decision": "Allowed"}
        process.stdin.close()
        assert process.wait(60) == 0
    finally:
        watchdog.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def test_a_reader_that_has_enough_ends_it_quietly():
    line = (json.dumps(case()) + "\n").encode()
    process = subprocess.Popen(
        [binary(), "simulate"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        process.stdout.close()
        try:
            for _ in range(10_000):
                process.stdin.write(line)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended before it had read all
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
    finally:
        watchdog.cancel()
        process.kill()
        process.stderr.close()
        process.wait()


def test_memory_does_not_grow_with_the_input():
    """The peak after 30,000 cases, each with a policy of its own and a line of 4 MB among them, is small."""
    process = subprocess.Popen(
        [binary(), "simulate"], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        process.stdin.write(b"x" * 9_000_000 + b"\n")
        for number in range(30_000):
            policy = {"Statement": {"Sid": f"s{number}", "Effect": "Allow", "Action": "*", "Resource": f"*{number}"}}
            process.stdin.write(json.dumps(case(identityPolicies=[policy])).encode() + b"\n")
        process.stdin.flush()
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
        process.stdin.close()
        assert process.wait(60) == 1  # the long line
        assert peak < 40_000, f"{peak} KiB"
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()


def test_what_aws_would_not_let_anyone_write_is_refused_when_asked():
    twice = {"Sid": "s", "Effect": "Allow", "Action": "*", "Resource": "*"}
    line = json.dumps(case(identityPolicies=[{"Statement": [twice, twice]}])).encode()
    assert answers(simulate(line)) == [{"id": 1, "decision": "Allowed"}]
    (answer,) = answers(simulate(line, "--strict"))
    assert answer["decision"] == "ImplicitlyDenied"
    assert 'another statement has the Sid "s"' in answer["error"]


def test_an_explanation_tells_the_statement_or_what_would_allow():
    named = [{"name": "mine", "policy": case()["identityPolicies"][0]}]
    arn = "arn:aws:lambda:us-east-1:111111111111:function:orders"
    resource = {"arn": arn, "accountId": "111111111111"}
    rows = [
        case(identityPolicies=named),
        case(principal="s3.amazonaws.com", resource=resource, context={"aws:SourceArn": "arn:aws:s3:::photos"}),
        {"principal": "nobody"},
    ]
    result = simulate("\n".join(json.dumps(row) for row in rows).encode(), "--explain")
    allowed, denied, refused = answers(result)
    assert allowed["explanation"]["deciding"] == {"policy_type": "identity-based policy", "document": 0, "statement": 0}
    assert allowed["explanation"]["trace"][3]["allows"][0]["document_name"] == "mine"
    (way,) = denied["explanation"]["ways"]
    assert "aws lambda add-permission" in way["grants"][0]["command"]
    assert "--source-arn arn:aws:s3:::photos" in way["grants"][0]["command"]
    assert "explanation" not in refused
