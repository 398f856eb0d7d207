"""A template in a folder of its own, and what `portcullis deploy` does with it."""

import json
import re
import shutil
from pathlib import Path

from server import root_variables, run
from world import RUNTIME, unique

SAM = Path(__file__).parent / "sam"


class Stack:
    """A template in a folder of its own, and what `portcullis deploy` does with it."""

    def __init__(self, server, account, folder, friend="223456789012"):
        self.server, self.account, self.name = server, account, unique("stack")
        self.folder = Path(shutil.copytree(SAM, folder / "app"))
        self.template = self.folder / "template.yaml"
        self.change("PYTHON", RUNTIME)
        self.change("FRIEND", friend)

    def change(self, old, new, file="template.yaml"):
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def run(self, *arguments, code=0):
        done = run(
            "deploy", str(self.template), "--stack-name", self.name, "--endpoint-url", self.server.base,
            *arguments, timeout=300, **root_variables(self.account.root.credentials),
        )  # fmt: skip
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def write(self, template):
        """Puts a template in the place of the one that it began with: an object, text or bytes."""
        data = template if isinstance(template, (str, bytes)) else json.dumps(template)
        self.template.write_bytes(data if isinstance(data, bytes) else data.encode())

    def deploy(self, *arguments):
        return self.run("--yes", *arguments)

    def outputs(self, *arguments):
        text = self.deploy(*arguments).partition("\nOutputs\n")[2]
        return dict(line.strip().split(" = ", 1) for line in text.splitlines())


def plan_of(text):
    """What a plan would do: the names by the verb."""
    found = {}
    for name, verb in re.findall(r"^  [+~±*-] (\S+) \([\w:]+\): (\w+)", text, re.M):
        found.setdefault(verb, set()).add(name)
    return found


def invoke(caller, function):
    return json.loads(caller.boto().invoke(FunctionName=function)["Payload"].read())


def listed(client, operation, member):
    """All of a list, of which one answer is a page: other tests' things are in it too."""
    return [one for page in client.get_paginator(operation).paginate() for one in page[member]]
