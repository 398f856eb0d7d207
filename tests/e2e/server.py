"""The program under test as a process: started on a free port, watched, and always ended by its id."""

import contextlib
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from wire import Credentials

ROOT = Credentials("AKIAPORTCULLISROOT00", "e2e/root+secret/never/used/anywhere/else")
ACCOUNT = "123456789012"
REGION = "us-east-1"
# A variable of the server's that no function may ever see.
CANARY = "canary-7d1f3c-of-the-server"
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)", re.IGNORECASE)
# The first start in a debug build on a busy machine, with room.
START_SECONDS = 60


def binary() -> str:
    path = os.environ.get("PORTCULLIS_BINARY")
    if not path or not Path(path).is_file():
        raise RuntimeError("set PORTCULLIS_BINARY to the portcullis binary (cargo xtask test does)")
    return str(Path(path).resolve())


def environment(**extra) -> dict:
    """Ours, without what would steer the program or the SDKs; proxies and pip settings stay."""
    steering = ("PORTCULLIS_", "AWS_", "PYTHON", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return kept | {name: value for name, value in extra.items() if value is not None}


def root_variables(credentials=ROOT) -> dict:
    return {
        "PORTCULLIS_ROOT_ACCESS_KEY_ID": credentials.key,
        "PORTCULLIS_ROOT_SECRET_ACCESS_KEY": credentials.secret,
    }


def until(condition, seconds, what):
    """Polls `condition` until it is true and returns its value; fails at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def run(*arguments, cwd=None, timeout=60, **variables):
    """The program, run to its end."""
    return subprocess.run(
        [binary(), *arguments],
        cwd=cwd,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Server:
    """A running `portcullis serve`."""

    def __init__(self, data_dir, logs, *, root=ROOT, arguments=(), prefix=(), program=None, **variables):
        self.data_dir, self.root = Path(data_dir), root
        self.out, self.err = Path(logs) / "stdout.log", Path(logs) / "stderr.log"
        Path(logs).mkdir(parents=True, exist_ok=True)
        given = root_variables(root) if root else {}
        command = [*prefix, program or binary(), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.data_dir), *arguments]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                cwd=logs,
                env=environment(CANARY=CANARY, **given, **variables),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.base = ""

    def output(self) -> str:
        return self.out.read_text(errors="replace") + self.err.read_text(errors="replace")

    def wait_until_ready(self):
        def listening():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.output()}")
            return LISTENING.search(self.out.read_text(errors="replace"))

        self.base = until(listening, START_SECONDS, "the line with the address")[1]
        until(self.healthy, START_SECONDS, "healthy")
        return self

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base}/_portcullis/health", timeout=30) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def terminate(self, seconds=30) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        """`kill -9`: nothing is flushed."""
        self.process.kill()
        self.process.wait(30)

    def end(self):
        """Ends the process whatever its condition."""
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.terminate(15)
        if self.process.poll() is None:
            self.kill()
