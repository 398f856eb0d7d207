"""Secrets in the store: its files alone do not give them away, and nothing else of the server's does."""

import base64
import json
import sqlite3
import stat

import pytest

from server import ACCOUNT, ROOT
from wire import Credentials
from world import World, boto, unique

# Where the key itself is, and what the server is told to keep.
KEPT = {"sealing-key", "root-credentials.json"}


def written(folder):
    """Every file that the server wrote, but for those that are to have secrets."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in KEPT]
    assert any(path.name == "store.sqlite3" for path in files)
    return {path: path.read_bytes() for path in files}


def check_hidden(folder, *secrets):
    for path, content in written(folder).items():
        for secret in secrets:
            forms = [secret.encode(), base64.b64encode(secret.encode()), json.dumps(secret).encode()]
            assert not any(form in content for form in forms), path


def account_of(server, credentials):
    return boto(server.base, "sts", credentials).get_caller_identity()["Account"]


def key_of_user(server):
    iam, name = boto(server.base, "iam", server.root), unique("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def change_store(data_dir, change):
    with sqlite3.connect(data_dir / "store.sqlite3") as database:
        change(database)
    database.close()


def test_no_file_of_a_running_or_stopped_server_has_a_secret(start_server, tmp_path):
    server = start_server()
    key = key_of_user(server)
    session = boto(server.base, "sts", key).get_session_token()["Credentials"]
    assert account_of(server, key) == ACCOUNT
    secrets = (key.secret, ROOT.secret, session["SecretAccessKey"], session["SessionToken"])
    check_hidden(tmp_path, *secrets)
    server.terminate()
    check_hidden(tmp_path, *secrets)
    mode = (server.data_dir / "sealing-key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    again = start_server(server.data_dir)
    assert account_of(again, key) == ACCOUNT
    held = Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    assert account_of(again, held) == ACCOUNT


def test_secrets_of_an_earlier_build_are_sealed_at_start(start_server, tmp_path):
    server = start_server()
    server.terminate()
    secret, id = "OfAnEarlierBuild/" + "x" * 23, "AKIAEARLIERBUILD2345"
    plain = {"id": id, "secret": secret, "owner": {"root": {"account": ACCOUNT}}, "status": "active", "created": "2026-01-02T03:04:05Z"}
    value = b"\x01" + json.dumps(plain, separators=(",", ":")).encode()

    def as_it_was(database):
        database.execute("DELETE FROM entry WHERE key = CAST('sealed' AS BLOB)")
        row = (f"key/{id}".encode(), 1, 1, len(value), value)
        database.execute("INSERT INTO entry (key, created, modified, size, value) VALUES (?, ?, ?, ?, ?)", row)

    change_store(server.data_dir, as_it_was)
    assert any(secret.encode() in content for content in written(tmp_path).values())
    again = start_server(server.data_dir)
    assert account_of(again, Credentials(id, secret)) == ACCOUNT
    check_hidden(tmp_path, secret)
    again.terminate()
    check_hidden(tmp_path, secret)
    assert account_of(start_server(server.data_dir), Credentials(id, secret)) == ACCOUNT


OTHER = base64.b64encode(bytes(range(32))).decode()


def test_with_another_key_or_none_the_server_does_not_start_and_loses_nothing(start_server):
    server = start_server()
    key = key_of_user(server)
    server.terminate()
    kept = server.data_dir / "sealing-key"
    right = kept.read_text()

    def refused(why, **settings):
        before = (server.data_dir / "store.sqlite3").read_bytes()
        failed = start_server(server.data_dir, ready=False, **settings)
        assert failed.process.wait(30) != 0
        assert why in failed.output()
        assert (server.data_dir / "store.sqlite3").read_bytes() == before

    refused("sealed with another sealing key", PORTCULLIS_SEALING_KEY=OTHER)
    refused("a sealing key is base64 of 32 random bytes", PORTCULLIS_SEALING_KEY=right.strip()[2:])
    kept.write_text(OTHER)
    refused("sealed with another sealing key")
    kept.unlink()
    refused("their key is missing")
    assert not kept.exists()
    refused("cannot use the sealing key in", PORTCULLIS_SEALING_KEY_FILE=str(kept))
    again = start_server(server.data_dir, PORTCULLIS_SEALING_KEY=right.strip())
    assert account_of(again, key) == ACCOUNT


@pytest.mark.parametrize("how", ["PORTCULLIS_SEALING_KEY", "PORTCULLIS_SEALING_KEY_FILE"])
def test_a_key_may_be_kept_elsewhere(start_server, tmp_path, how):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(OTHER + "\n")
    given = {how: OTHER if how.endswith("KEY") else str(elsewhere)}
    server = start_server(**given)
    key = key_of_user(server)
    assert not (server.data_dir / "sealing-key").exists()
    server.terminate()
    check_hidden(server.data_dir, key.secret, OTHER)
    assert account_of(start_server(server.data_dir, **given), key) == ACCOUNT


def test_a_sealed_secret_opens_in_its_own_place_only(start_server):
    server = start_server()
    first, second = key_of_user(server), key_of_user(server)
    server.terminate()

    def swap(database):
        rows = database.execute("SELECT key, value, size FROM entry WHERE key IN (?, ?)", (f"key/{first.key}".encode(), f"key/{second.key}".encode())).fetchall()
        for (at, _, _), (_, value, size) in zip(rows, reversed(rows), strict=True):
            database.execute("UPDATE entry SET value = ?, size = ? WHERE key = ?", (value, size, at))

    change_store(server.data_dir, swap)
    again = start_server(server.data_dir)
    for key in (first, Credentials(first.key, second.secret)):
        with pytest.raises(Exception, match="InvalidClientTokenId"):
            account_of(again, key)
    assert "cannot be read" in again.output()
    assert World(again).account()
