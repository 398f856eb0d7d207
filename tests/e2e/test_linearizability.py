"""Permissions and aliases under concurrency: what several clients were told could have happened in one order.

`LINEARIZABILITY_OPERATIONS` is the number of operations, 3,000 unless told otherwise.
"""

import http.client
import json
import multiprocessing.connection
import os
import random
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest

from linearizability import Alias, Operation, step, violation
from wire import Request, compact, segment, sign, with_query
from world import unique

F = "/2015-03-31/functions"
CLIENTS = 8
OPERATIONS = int(os.environ.get("LINEARIZABILITY_OPERATIONS", "3000"))
# Of all clients together on one alias: long enough for all to meet, short enough to search.
OPERATIONS_OF_AN_ALIAS = 500
SIDS = ("a", "b", "c", "d")
PATIENCE_SECONDS = 120


# --- The checker ----------------------------------------------------------------------------------------

BEGIN = Alias("r0", "old")
GOOD = [
    ("nothing", []),
    ("reads of the beginning", [(0, 1, ("alias",), ("old", "r0")), (0, 1, ("policy",), ("missing",))]),
    ("a grant, then a read of it", [(0, 1, ("add", "a", None), ("done",)), (2, 3, ("policy",), (("a",), "p1"))]),
    ("a read during a grant that does not see it", [(0, 9, ("add", "a", None), ("done",)), (2, 3, ("policy",), ("missing",))]),
    ("a read during a grant that sees it", [(0, 9, ("add", "a", None), ("done",)), (2, 3, ("policy",), (("a",), "p1"))]),
    (
        "two grants at once, seen in the order in which they did not begin",
        [(0, 5, ("add", "a", None), ("done",)), (1, 5, ("add", "b", None), ("done",)), (6, 7, ("policy",), (("b", "a"), "p"))],
    ),
    (
        "one of two wins a revision",
        [(0, 5, ("update", "x", "r0"), ("x", "r1")), (0, 5, ("update", "y", "r0"), ("stale",)), (6, 7, ("alias",), ("x", "r1"))],
    ),
    ("the alias's revision begins a policy", [(0, 1, ("add", "a", "r0"), ("done",)), (2, 3, ("add", "b", "r0"), ("stale",))]),
    (
        "a change of the alias leaves its policy's revision",
        [
            (0, 1, ("add", "a", None), ("done",)),
            (2, 3, ("policy",), (("a",), "p")),
            (4, 5, ("update", "x", None), ("x", "r1")),
            (6, 7, ("remove", "a", "p"), ("done",)),
            (8, 9, ("add", "a", "r1"), ("done",)),
        ],
    ),
]
BAD = [
    ("a stale read", [(0, 1, ("add", "a", None), ("done",)), (2, 3, ("policy",), ("missing",))]),
    (
        "a read that goes back",
        [(0, 9, ("add", "a", None), ("done",)), (1, 2, ("policy",), (("a",), "p")), (3, 4, ("policy",), ("missing",))],
    ),
    ("a read of what nobody wrote", [(0, 1, ("policy",), (("a",), "p"))]),
    (
        "a lost grant",
        [(0, 5, ("add", "a", None), ("done",)), (0, 5, ("add", "b", None), ("done",)), (6, 7, ("policy",), (("b",), "p"))],
    ),
    (
        "a lost withdrawal",
        [(0, 1, ("add", "a", None), ("done",)), (2, 3, ("remove", "a", None), ("done",)), (4, 5, ("policy",), (("a",), "p"))],
    ),
    (
        "two winners of one revision of the alias",
        [(0, 5, ("update", "x", "r0"), ("x", "r1")), (0, 5, ("update", "y", "r0"), ("y", "r2"))],
    ),
    (
        "two winners of one revision of the policy",
        [
            (0, 1, ("add", "a", None), ("done",)),
            (2, 3, ("policy",), (("a",), "p")),
            (4, 9, ("add", "b", "p"), ("done",)),
            (4, 9, ("remove", "a", "p"), ("done",)),
        ],
    ),
    ("two who begin a policy", [(0, 5, ("add", "a", "r0"), ("done",)), (0, 5, ("add", "b", "r0"), ("done",))]),
    ("no winner of a revision", [(0, 5, ("update", "x", "r0"), ("stale",)), (0, 5, ("update", "y", "r0"), ("stale",))]),
    ("one grant twice", [(0, 5, ("add", "a", None), ("done",)), (0, 5, ("add", "a", None), ("done",))]),
    ("a conflict with nothing", [(0, 1, ("add", "a", None), ("exists",))]),
    (
        "a lost change of the alias",
        [(0, 1, ("update", "x", None), ("x", "r1")), (2, 3, ("update", "y", None), ("y", "r2")), (4, 5, ("alias",), ("x", "r1"))],
    ),
    (
        "a revision that comes back",
        [
            (0, 1, ("add", "a", None), ("done",)),
            (2, 3, ("policy",), (("a",), "p")),
            (4, 5, ("remove", "a", None), ("done",)),
            (6, 7, ("add", "a", None), ("done",)),
            (8, 9, ("policy",), (("a",), "p")),
        ],
    ),
    (
        "a revision of two states",
        [
            (0, 1, ("add", "a", None), ("done",)),
            (2, 3, ("policy",), (("a",), "p")),
            (4, 5, ("add", "b", None), ("done",)),
            (6, 7, ("policy",), (("a", "b"), "p")),
        ],
    ),
    ("a change that was not made", [(0, 1, ("update", "x", None), ("y", "r1"))]),
]


def operations(rows):
    return [Operation(*row) for row in rows]


@pytest.mark.parametrize(("what", "rows"), GOOD)
def test_the_checker_finds_an_order_where_there_is_one(what, rows):
    assert violation(operations(rows), step, BEGIN) is None, what


@pytest.mark.parametrize(("what", "rows"), BAD)
def test_the_checker_refuses(what, rows):
    assert violation(operations(rows), step, BEGIN), what


class Imaginary:
    """A service of one thread, that answers as it should."""

    def __init__(self, chance):
        self.chance, self.revisions = chance, 0
        self.alias, self.sids, self.policy_revision = ("old", "r0"), [], None

    def fresh(self):
        self.revisions += 1
        return f"r{self.revisions}"

    def call(self):
        kind = self.chance.choice(["add", "remove", "policy", "update", "alias"])
        known = [None, self.alias[1], self.policy_revision, "r1"]
        expected = self.chance.choice(known)
        return {"policy": ("policy",), "alias": ("alias",), "update": ("update", f"d{self.revisions}", expected)}.get(
            kind, (kind, self.chance.choice(SIDS), expected)
        )

    def answer(self, call):
        kind, *rest = call
        if kind == "alias":
            return self.alias
        if kind == "policy":
            return (tuple(self.sids), self.policy_revision) if self.sids else ("missing",)
        subject, expected = rest
        current = self.policy_revision if kind != "update" and self.sids else self.alias[1]
        if kind == "remove" and not self.sids:
            return ("missing",)
        if expected not in (None, current):
            return ("stale",)
        if kind == "update":
            self.alias = (subject, self.fresh())
            return self.alias
        if (subject in self.sids) == (kind == "add"):
            return ("exists",) if kind == "add" else ("missing",)
        (self.sids.append if kind == "add" else self.sids.remove)(subject)
        self.policy_revision = self.fresh() if self.sids else None
        return ("done",)


def imagined(seed, count=300):
    """A history with a known order, in which up to eight operations overlap."""
    chance = random.Random(seed)
    service, history = Imaginary(chance), []
    read = None
    for moment in range(0, 10 * count, 10):
        # Only what was read before may be expected: that is all that a client can know.
        call = service.call()
        if call[-1] == service.policy_revision and call[0] in ("add", "remove") and read != service.policy_revision:
            call = (*call[:-1], None)
        answer = service.answer(call)
        read = service.policy_revision if call[0] == "policy" else read
        before, behind = (0, 0) if call[-1] is not None or call[0] == "policy" else (chance.randrange(35), chance.randrange(35))
        history.append(Operation(moment - before, moment + 1 + behind, call, answer))
    return history


@pytest.mark.parametrize("seed", range(20))
def test_the_checker_finds_the_order_of_what_happened_in_one(seed):
    assert violation(imagined(seed), step, BEGIN) is None


@pytest.mark.parametrize("seed", range(20))
def test_the_checker_finds_one_wrong_answer_among_many(seed):
    """A read that shows what was never there, at any place of the history."""
    history = imagined(seed)
    reads = [index for index, operation in enumerate(history) if operation.call == ("policy",)]
    index = random.Random(seed).choice(reads)
    history[index] = history[index]._replace(answer=(("never",), "r-never"))
    assert violation(history, step, BEGIN)


# --- The service ----------------------------------------------------------------------------------------


class Client:
    """Signed calls on one connection, each with its moments."""

    def __init__(self, base, credentials, alias, seed):
        self.base, self.credentials = base, credentials
        self.connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=PATIENCE_SECONDS)
        self.path, (self.function, self.name) = "", alias
        self.chance, self.known = random.Random(seed), {"policy": [], "alias": []}

    def send(self, method, path, query=None, body=None):
        body = compact(body).encode() if body is not None else b""
        request = sign(self.base, Request(method, with_query(f"{F}/{self.function}{path}", query), body), self.credentials)
        start = time.monotonic_ns()
        self.connection.request(method, request.path, body or None, request.headers)
        response = self.connection.getresponse()
        answer = response.read()
        return (start, time.monotonic_ns()), response.status, json.loads(answer or b"null")

    def expected(self, kind):
        """Nothing, what this client saw last, or something that it saw before."""
        seen = self.known[kind]
        return self.chance.choice([None, seen[-1], seen[-1], self.chance.choice(seen)]) if seen else None

    def operation(self) -> Operation:
        kind = self.chance.choice(["add", "add", "remove", "remove", "policy", "policy", "update", "alias"])
        return getattr(self, kind)()

    def add(self):
        sid, expected = self.chance.choice(SIDS), self.expected(self.chance.choice(["policy", "policy", "alias"]))
        grant = {"StatementId": sid, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
        body = grant | ({"RevisionId": expected} if expected else {})
        when, status, _ = self.send("POST", "/policy", {"Qualifier": self.name}, body)
        return Operation(*when, ("add", sid, expected), ({201: "done", 409: "exists", 412: "stale"}[status],))

    def remove(self):
        sid, expected = self.chance.choice(SIDS), self.expected("policy")
        query = {"Qualifier": self.name, "RevisionId": expected}
        when, status, _ = self.send("DELETE", f"/policy/{segment(sid)}", query)
        return Operation(*when, ("remove", sid, expected), ({204: "done", 404: "missing", 412: "stale"}[status],))

    def policy(self):
        when, status, answer = self.send("GET", "/policy", {"Qualifier": self.name})
        if status == 404:
            return Operation(*when, ("policy",), ("missing",))
        assert status == 200, answer
        self.known["policy"].append(answer["RevisionId"])
        sids = tuple(statement["Sid"] for statement in json.loads(answer["Policy"])["Statement"])
        return Operation(*when, ("policy",), (sids, answer["RevisionId"]))

    def update(self):
        description, expected = unique(f"by-{os.getpid()}"), self.expected("alias")
        body = {"Description": description} | ({"RevisionId": expected} if expected else {})
        when, status, answer = self.send("PUT", f"/aliases/{self.name}", body=body)
        return Operation(*when, ("update", description, expected), self.alias_of(status, answer))

    def alias(self):
        when, status, answer = self.send("GET", f"/aliases/{self.name}")
        return Operation(*when, ("alias",), self.alias_of(status, answer))

    def alias_of(self, status, answer):
        if status == 412:
            return ("stale",)
        assert status == 200, answer
        self.known["alias"].append(answer["RevisionId"])
        return (answer["Description"], answer["RevisionId"])


def client_process(base, credentials, aliases, number, barrier, pipe):
    """One of the clients: all go from alias to alias together."""
    try:
        for alias in aliases:
            client = Client(base, credentials, alias, f"{alias}{number}")
            barrier.wait(PATIENCE_SECONDS)
            history = [client.operation() for _ in range(OPERATIONS_OF_AN_ALIAS // CLIENTS)]
            pipe.send((alias, history))
            client.connection.close()
        pipe.send(None)
    except BaseException as error:
        barrier.abort()
        pipe.send(repr(error))
        raise


def histories(base, credentials, aliases):
    """What the clients were told, by alias."""
    processes = multiprocessing.get_context("fork")
    barrier, found, pipes, started = processes.Barrier(CLIENTS), {alias: [] for alias in aliases}, [], []
    for number in range(CLIENTS):
        ours, theirs = processes.Pipe(duplex=False)
        arguments = (base, credentials, aliases, number, barrier, theirs)
        started.append(processes.Process(target=client_process, args=arguments, daemon=True))
        started[-1].start()
        theirs.close()
        pipes.append(ours)
    while pipes:
        for pipe in multiprocessing.connection.wait(pipes):
            message = pipe.recv()
            assert not isinstance(message, str), message
            if message is None:
                pipes.remove(pipe)
            else:
                found[message[0]] += message[1]
    for process in started:
        process.join(PATIENCE_SECONDS)
    return found


def made_aliases(account, count):
    """Aliases of one function, with what each is at the beginning."""
    function, client = account.versioned(), account.root.boto()
    made = {}
    for number in range(count):
        name = f"alias-{number}"
        answer = client.create_alias(FunctionName=function, Name=name, FunctionVersion="1", Description="old")
        made[function, name] = Alias(answer["RevisionId"], "old")
    return made


def overlapping(history) -> int:
    """Operations that began before an earlier one had ended."""
    history = sorted(history)
    return sum(later.start < earlier.end for earlier, later in zip(history, history[1:]))


def test_concurrent_changes_could_have_happened_one_after_the_other(owner, server):
    made = made_aliases(owner, -(-OPERATIONS // OPERATIONS_OF_AN_ALIAS))
    found = histories(server.base, owner.root.credentials, list(made))
    answers = Counter()
    for alias, history in found.items():
        assert violation(history, step, made[alias]) is None, violation(history, step, made[alias])
        answers.update((operation.call[0], *operation.answer[-1:]) for operation in history if len(operation.answer) == 1)
    everything = [operation for history in found.values() for operation in history]
    assert len(everything) >= OPERATIONS * 0.9
    assert overlapping(everything) > len(everything) / 4, "they did not meet"
    outcomes = {("add", "done"), ("add", "exists"), ("add", "stale"), ("remove", "done"), ("remove", "missing"),
                ("remove", "stale"), ("policy", "missing"), ("update", "stale")}  # fmt: skip
    assert outcomes <= set(answers), answers
