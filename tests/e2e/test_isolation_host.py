"""What a worker could take of the host that the kernel counts for no worker: for all, or by user.

The jail itself: test_isolation.py. Both ways to make one are attacked, as there.
"""

import os

import pytest

from test_isolation import HOSTILE, attempt, got, kept_by_user_namespace, kept_by_users, owner, scene, server, wire
from world import zipped

__all__ = ["kept_by_user_namespace", "kept_by_users", "owner", "scene", "server", "wire"]

# Connections whose other end nobody reads, until they take nothing more; then what they took, in MiB.
UNREAD = """
taken, listening = 0, socket.create_server(("127.0.0.1", 0), backlog=64)
for _ in range(100):
    for end in (socket.create_connection(listening.getsockname()), listening.accept()[0]):
        KEPT.append(end)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF): end.setsockopt(socket.SOL_SOCKET, option, 4 << 20)
        end.setblocking(False)
        try:
            while True: taken += end.send(bytes(1 << 16))
        except BlockingIOError: pass
got = taken >> 20
"""


def test_what_connections_hold_counts_as_the_functions(owner, wire, server):
    """Within the jail, too, where they reach nobody: the host has one stock of memory for all."""
    if "`memory` controller" in server.output():
        pytest.skip("without control groups only the host's own limit holds")
    answer = attempt(wire, owner.function(code=zipped(HOSTILE), MemorySize=128), UNREAD)
    assert answer.get("got", 128) < 128, answer


# Descriptors that are sent and not taken, as many as the kernel lets be.
IN_FLIGHT = """
nothing, sent = os.open("/dev/null", os.O_RDONLY), 0
try:
    while True:
        KEPT.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
        socket.send_fds(KEPT[-1][0], [b"x"], [nothing] * 250)
        sent += 250
except OSError as error:
    got = sent, error.errno
"""


def test_descriptors_on_their_way_keep_no_worker_from_starting(owner, wire):
    """The kernel counts them by user, and where the server is not root all workers are one."""
    sent, why = got(wire, owner.function(code=zipped(HOSTILE)), IN_FLIGHT)
    assert sent > 1000, os.strerror(why)
    for _ in range(2):
        assert got(wire, owner.function(code=zipped(HOSTILE)), "got = 1") == 1


KEPT_BY_NETWORK = {"core/tstamp_allow_data": "0", "core/optmem_max": "8192", "ipv4/tcp_max_tw_buckets": "4096"}


@pytest.mark.parametrize("name", KEPT_BY_NETWORK)
def test_a_jails_network_keeps_little_that_no_limit_counts(owner, wire, name):
    """Copies of what was sent, options, connections that ended. Older kernels have one setting for all."""
    read = "path = f'/proc/sys/net/{event[\"name\"]}'; got = open(path).read().strip() if os.path.exists(path) else None"
    assert got(wire, owner.function(code=zipped(HOSTILE)), read, name=name) in (None, KEPT_BY_NETWORK[name])
