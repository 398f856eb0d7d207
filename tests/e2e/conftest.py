"""Fixtures: one server that most tests share, and servers of a test's own for those that end them.

Every process is ended by its id by the fixture that started it, also when the test fails.
"""

import pytest

from server import Server
from stacks import Stack
from world import World


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory):
    """The shared server. Names of functions, users and roles are unique, so tests do not meet."""
    place = tmp_path_factory.mktemp("shared")
    started = Server(place / "data", place / "logs")
    try:
        yield started.wait_until_ready()
    finally:
        started.end()


@pytest.fixture(scope="session")
def server(shared_server):
    return shared_server


@pytest.fixture(scope="session")
def world(shared_server):
    return World(shared_server)


@pytest.fixture(scope="session")
def owner(world):
    """The account of the server's root."""
    return world.owner


@pytest.fixture
def wire(owner):
    return owner.root.wire


@pytest.fixture
def client(owner):
    return owner.root.boto()


@pytest.fixture
def iam(owner):
    return owner.root.boto("iam")


@pytest.fixture(scope="module")
def fixed(owner):
    """A function with version 1 and alias `prod`, for requests that change nothing."""
    return owner.versioned()


@pytest.fixture(scope="session")
def other(world):
    """Another account."""
    return world.account()


@pytest.fixture(scope="session")
def role(owner):
    """A role that Lambda may assume."""
    return owner.lambda_role


@pytest.fixture(scope="session")
def warm(shared_server, world):
    """The runtime client is installed: the first call, which may install it, has been answered."""
    name = world.owner.function()
    answer = world.owner.root.wire.invoke(name, b"{}", timeout=300)
    assert (answer.status, answer.body) == (200, b'"ran"'), answer
    return shared_server.data_dir / "runtimes"


@pytest.fixture
def start_server(tmp_path):
    """Starts servers of the test's own; a second start with the same folder is a restart."""
    started = []

    def start(data_dir=None, *, ready=True, **settings):
        data_dir = data_dir or tmp_path / "data"
        one = Server(data_dir, tmp_path / f"logs-{len(started)}", **settings)
        started.append(one)
        return one.wait_until_ready() if ready else one

    try:
        yield start
    finally:
        for one in started:
            one.end()


@pytest.fixture
def start_warm_server(start_server, tmp_path, warm):
    """As `start_server`, with the shared server's runtime client: nothing is installed again."""

    def start(data_dir=None, **settings):
        data_dir = data_dir or tmp_path / "data"
        data_dir.mkdir(parents=True, exist_ok=True)
        if warm.is_dir() and not (data_dir / "runtimes").exists():
            (data_dir / "runtimes").symlink_to(warm, target_is_directory=True)
        return start_server(data_dir, **settings)

    return start


@pytest.fixture
def stack(server, owner, other, tmp_path):
    made = Stack(server, owner, tmp_path, other.id)
    yield made
    made.deploy("--destroy")
