"""Stories told with the AWS command line: what a user types, and what comes of it.

A story is a text file of these lines:

    # A remark.
    > trust.json                            a file of the folder in which the commands run, up to an empty line
    {"Version": ...}
    $ aws iam create-user --user-name ann   a command as it is typed; a `\\` at the end of a line goes on
      User.Path = "/"                       what a JMESPath expression finds in the answer, as JSON
      id := User.UserId                     ... and a name for it, for later lines: ${id}; `secret` and `token`
                                            are names of what nobody else may ever see
      ! NoSuchEntity: The user ...          or the error that it must end in, whole unless it ends with an ellipsis

A command that prints anything has at least one line about it, one without such lines prints nothing.
The command line is the real one, run within this process: its own would take it most of a second.
"""

import contextlib
import io
import json
import re
import shlex
from dataclasses import dataclass, field
from string import Template

import jmespath
from awscli.clidriver import create_clidriver
from botocore import xform_name

# What version 1 of the command line ends with when a service refuses.
REFUSED = 255


@dataclass
class Command:
    """One command of a story, and what must come of it."""

    place: str
    text: str
    values: list = field(default_factory=list)
    names: list = field(default_factory=list)
    error: str | None = None

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)[1:]


def story(path):
    """The files and the commands of a story, in order: pairs of a name and a text, and `Command`s."""
    lines = iter(enumerate(path.read_text().splitlines(), 1))
    steps = []
    for number, line in lines:
        place = f"{path.name}:{number}"
        if line.startswith("> "):
            text = iter(lambda: next(lines)[1], "")
            steps.append((line[2:], "\n".join(text)))
        elif line.startswith("$ "):
            while line.endswith("\\"):
                line = line[:-1] + next(lines)[1].strip()
            steps.append(Command(place, line[2:]))
        elif line.startswith("  "):
            outcome(steps[-1], line.strip())
        else:
            assert not line or line.startswith("#"), f"{place}: {line}"
    return steps


def outcome(command, line):
    """Adds one line about what comes of the command."""
    if line.startswith("! "):
        command.error = line[2:]
    elif named := re.fullmatch(r"(\w+) := (.+)", line):
        command.names.append(named.groups())
    else:
        expression, _, value = line.partition(" = ")
        command.values.append((expression, value))


class Teller:
    """Tells stories as one caller; other callers are profiles that the stories configure."""

    def __init__(self, folder, **known):
        self.folder, self.known, self.drivers, self.secrets = folder, known, {}, set()

    def tell(self, steps):
        for step in steps:
            if isinstance(step, Command):
                self.run(step)
            else:
                name, text = step
                (self.folder / name).write_text(self.filled(text))

    def filled(self, text):
        """The text with the names known so far; a `$` of its own, as in policies, stays."""
        return Template(text).safe_substitute(self.known)

    def run(self, command):
        words = [self.filled(word) for word in command.words]
        code, out, err = self.aws(words)
        said = f"{command.place}: {words}\n{code}\n{out}\n{err}"
        if command.error:
            assert code == REFUSED and not out and tells(err, words, self.filled(command.error)), said
            return
        assert code == 0 and not err, said
        assert bool(out) == bool(command.values or command.names), f"what is printed is looked at: {said}"
        answer = json.loads(out) if out else None
        for expression, value in command.values:
            found = jmespath.search(self.filled(expression), answer)
            assert found == json.loads(self.filled(value)), f"{expression} is {json.dumps(found)}: {said}"
        for name, expression in command.names:
            self.known[name] = jmespath.search(self.filled(expression), answer)
            assert isinstance(self.known[name], str), f"{name}: {said}"
            if name in ("secret", "token"):
                self.secrets.add(self.known[name])

    def aws(self, words):
        """Exit code and output of the command line."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = self.driver(words).main(words)
        return code, out.getvalue(), err.getvalue()

    def driver(self, words):
        """The command line, loaded once a profile, whose credentials it keeps; anew to write a profile."""
        if words[0] == "configure":
            return create_clidriver()
        profile = words[words.index("--profile") + 1] if "--profile" in words else None
        if profile not in self.drivers:
            self.drivers[profile] = create_clidriver()
        return self.drivers[profile]


def tells(err, words, want):
    """Whether the command line says of this command that it was refused with this code and text."""
    code, _, text = want.partition(": ")
    operation = words[1].replace("-", "")
    said = re.search(r"An error occurred \((\w+)\) when calling the (\w+) operation: (.*)", err, re.S)
    if not said or (said[1], said[2].lower()) != (code, operation):
        return False
    whole = said[3].strip()
    return whole.startswith(text[:-1]) if text.endswith("…") else whole == text


def operations_run(steps, service, names, *, refused):
    """Which operations of `names` the commands run, those that must be refused or the others."""
    by_command = {xform_name(name, "-"): name for name in names}
    commands = [step for step in steps if isinstance(step, Command) and bool(step.error) == refused]
    typed = [words for words in (command.words for command in commands) if words[0] == service]
    return {by_command[words[1]] for words in typed if words[1] in by_command}
