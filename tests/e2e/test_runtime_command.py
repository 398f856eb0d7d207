"""`portcullis runtime`: which runtimes a host has, what is missing, and whether they run functions."""

import json

import pytest
from server import run
from world import RUNTIME

NOWHERE = {"PATH": "/nonexistent", "PYENV_ROOT": "/nonexistent", "HOME": "/nonexistent"}


@pytest.fixture
def data_dir(tmp_path, warm):
    """A data folder that has the shared server's runtime clients."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "runtimes").symlink_to(warm, target_is_directory=True)
    return tmp_path / "data"


def listed(data_dir, **variables):
    done = run("runtime", "list", "--output", "json", "--data-dir", data_dir, **variables)
    assert done.returncode == 0, done.stderr
    return {entry["Runtime"]: entry for entry in json.loads(done.stdout)}


def doctor(data_dir, *names, **variables):
    done = run("runtime", "doctor", *names, "--data-dir", data_dir, **variables)
    return done.returncode, done.stdout


def test_the_list_tells_what_is_ready_and_by_what(data_dir, tmp_path):
    ready = listed(data_dir)[RUNTIME]
    assert ready["State"] == "ready"
    assert ready["Program"].startswith("/") and ready["Client"].startswith("awslambdaric ")
    fresh = listed(tmp_path / "fresh")[RUNTIME]
    assert fresh == ready | {"State": "installable"}
    assert not (tmp_path / "fresh").exists()
    text = run("runtime", "list", "--data-dir", data_dir).stdout
    (line,) = (line for line in text.splitlines() if line.split()[0] == RUNTIME)
    assert line.split() == [RUNTIME, "ready", ready["Program"], *ready["Client"].split()]


def test_a_host_without_interpreters_has_what_functions_bring_along(data_dir):
    found = listed(data_dir, **NOWHERE)
    assert {name for name, entry in found.items() if entry["State"] == "ready"} == {"provided.al2023", "provided.al2"}
    assert f"apt-get install {RUNTIME}" in found[RUNTIME]["Reason"]


def test_what_is_ready_is_installed_again_without_effect(data_dir):
    before = listed(data_dir)
    done = run("runtime", "install", RUNTIME, "provided.al2023", "--data-dir", data_dir)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{RUNTIME}: ready (/")
    assert second == "provided.al2023: ready (the function's own bootstrap)"
    assert listed(data_dir) == before


@pytest.mark.parametrize(
    ("name", "variables", "words"),
    [
        ("java21", {}, "java21 is not a runtime that can run here"),
        ("python2.7", {}, "python2.7 is not a runtime that can run here"),
        (RUNTIME, NOWHERE, f"Install it (Debian: `apt-get install {RUNTIME}"),
        (RUNTIME, {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_NO_INDEX": "1"}, "set PIP_INDEX_URL"),
    ],
    ids=["unserved", "old", "no-interpreter", "no-index"],
)
def test_what_cannot_be_installed_tells_the_remedy_and_leaves_nothing(tmp_path, name, variables, words):
    done = run("runtime", "install", name, "--data-dir", tmp_path / "data", **variables)
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert list((tmp_path / "data").glob("runtimes/*")) == []


def test_the_doctor_runs_a_function(data_dir):
    status, text = doctor(data_dir, RUNTIME, "provided.al2023", "provided.al2")
    lines = text.splitlines()
    assert status == 0, text
    assert lines[0].startswith("functions run isolated from this host")
    assert lines[1:] == [f"{name}: runs functions" for name in (RUNTIME, "provided.al2023", "provided.al2")]


def test_the_doctor_sees_a_client_that_is_broken(tmp_path):
    runtimes = tmp_path / "data" / "runtimes"
    client = listed(tmp_path / "data")[RUNTIME]["Client"].split()[1]
    tag = RUNTIME.removeprefix("python").replace(".", "")
    broken = runtimes / f"awslambdaric-{client}-cp{tag}"
    broken.mkdir(parents=True)
    status, text = doctor(tmp_path / "data", RUNTIME)
    assert status == 1
    assert f"{RUNTIME}: a function that must work failed: " in text and "awslambdaric" in text, text
    assert f"remove {broken} and run `portcullis runtime install {RUNTIME}`" in text, text


@pytest.mark.parametrize(("name", "words"), [("java21", "not a runtime"), (RUNTIME, f"`portcullis runtime install {RUNTIME}`")])
def test_the_doctor_fails_for_a_named_runtime_that_is_not_ready(tmp_path, name, words):
    status, text = doctor(tmp_path / "data", name)
    assert status == 1 and words in text, text


def test_without_names_the_doctor_minds_only_what_should_run(tmp_path):
    status, text = doctor(tmp_path / "data", **NOWHERE)
    assert status == 0, text
    assert "provided.al2023: runs functions" in text
