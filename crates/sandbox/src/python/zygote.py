"""A zygote: an interpreter that has imported Lambda's runtime client and waits to be forked.

It runs before any function, with the rights to enter a jail, and never runs a function itself. Each
packet on standard input asks for one worker: a child enters the namespaces that the worker's keeper
made, gives up every right, and becomes the runtime client, as if it had been started there.

What is a function's own (variables, credentials) is read by the child alone: whatever the zygote has
once read, all later children find in their memory.

Written for Python 3.8 and later. The steps and their order are those of `jail.rs` and `keeper.rs`.
"""

import array
import ctypes
import errno
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import socket
import sys
import time

import awslambdaric.bootstrap
import runtime_client

LIBC = ctypes.CDLL(None, use_errno=True)
MESSAGE_BYTES_MAX = 128 << 10
DESCRIPTORS_MAX = 16
CONTROL_BYTES = socket.CMSG_SPACE(DESCRIPTORS_MAX * array.array("i").itemsize)
# The last number that a capability may get: sets have 64 bits.
CAPABILITIES_MAX = 64
# linux/prctl.h, linux/seccomp.h, linux/capability.h
PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 4, 22, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL, SECCOMP_MODE_FILTER, CAPABILITY_VERSION_3 = 4, 2, 0x20080522
CALLS = {"capset": {"x86_64": 126, "aarch64": 91, "riscv64": 91}, "landlock_restrict_self": 446}


class Instructions(ctypes.Structure):
    """`struct sock_fprog`: a filter of system calls."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def checked(result):
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def prctl(option, *arguments):
    checked(LIBC.prctl(ctypes.c_int(option), *map(ctypes.c_ulong, (*arguments, 0, 0, 0, 0)[:4])))


def give_up_rights(user):
    """As `identity.rs`."""
    for capability in range(CAPABILITIES_MAX):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            break  # past the last one that this kernel knows
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    call = CALLS["capset"][os.uname().machine]
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    checked(LIBC.syscall(ctypes.c_long(call), header, (ctypes.c_uint32 * 6)()))


def restrict(rules, filter_):
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if rules is not None:
        call = ctypes.c_long(CALLS["landlock_restrict_self"])
        checked(LIBC.syscall(call, ctypes.c_int(rules), ctypes.c_uint(0)))
    program = Instructions(len(filter_) // 8, filter_)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))


def enter(own, descriptors, filter_):
    """Everything up to the moment in which this process is the worker."""
    # The first, of processes, is entered by the fork.
    for namespace in descriptors["namespaces"][1:]:
        checked(LIBC.setns(ctypes.c_int(namespace), ctypes.c_int(0)))
    os.setsid()
    for group in descriptors["groups"]:
        os.write(group, b"0")
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (descriptors["output"], 1), (descriptors["output"], 2)):
        os.dup2(source, target)
    for name, value in own["limits"]:
        resource.setrlimit(getattr(resource, name), (value, value))
    give_up_rights(own["user"])
    restrict(descriptors["rules"], filter_)
    os.chdir(own["directory"])
    coerced = {name: value for name, value in os.environ.items() if name == "LC_CTYPE"}
    os.environ.clear()
    # The interpreter sets the first itself where the host has no such locale as `LANG` (PEP 538).
    os.environ.update(coerced)
    os.environ.update(own["environment"])
    time.tzset()


def settle(own):
    """Makes the interpreter as it would be, had it been started for this function."""
    path = [own["directory"], *filter(None, os.environ.get("PYTHONPATH", "").split(":"))]
    sys.path[:] = path + STANDARD_PATH
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    sys.argv[:] = [MODULE, *own["arguments"]]
    if {"AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"} & set(os.environ):
        importlib.reload(awslambdaric.bootstrap)  # it reads them when it is imported


def close_but(kept):
    """Closes every descriptor that is none of these."""
    edges = [-1, *sorted(kept), resource.getrlimit(resource.RLIMIT_NOFILE)[0]]
    for low, high in zip(edges, edges[1:]):
        if low + 1 < high:  # `closerange(0, 0)` closes all
            os.closerange(low + 1, high)


def work(descriptors, received, filter_):
    """The child: becomes the worker, or goes; then its keeper starts another in another way."""
    keeper, own, wanted = socket.socket(fileno=descriptors["keeper"]), None, b""
    try:
        # First: until it has the worker's restrictions, nobody may look into it.
        prctl(PR_SET_DUMPABLE, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # The zygote's connections are not for its children; standard output leads nowhere.
        os.dup2(1, 0)
        close_but({0, 1, 2, *received})
        own, _ = receive(keeper)
        enter(own, descriptors, filter_)
        keeper.send(json.dumps({"Ready": {"pid": os.getpid()}}).encode())
        # Nothing happens unless the keeper still wants it.
        wanted = keeper.recv(1)
        # Its own files in /proc are its own again.
        prctl(PR_SET_DUMPABLE, 1)
    except BaseException as error:
        wanted = b""
        os.write(2, f"portcullis: a zygote's child failed: {error!r}\n".encode())
    if not wanted:
        os._exit(1)
    keeper.detach()
    close_but({0, 1, 2})
    settle(own)


def is_wanted(keeper):
    """Whether the keeper waits: one that has given up has another worker in the jail by now."""
    poll = select.poll()
    poll.register(keeper, 0)
    return not poll.poll(0)


def sort(order, received):
    """The descriptors by their use, in the order of `zygote.rs`."""
    rest = list(received)

    def take(count):
        return [rest.pop(0) for _ in range(count)]

    keeper, output = take(2)
    namespaces = take(order["namespaces"])
    rules = take(1)[0] if order["rules"] else None
    return {"keeper": keeper, "output": output, "namespaces": namespaces, "rules": rules, "groups": rest}


def receive(server):
    """The next message with its descriptors; `None` once there will be none."""
    data, ancillary, flags, _ = server.recvmsg(MESSAGE_BYTES_MAX, CONTROL_BYTES, socket.MSG_CMSG_CLOEXEC)
    received = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received.frombytes(content[: len(content) - len(content) % received.itemsize])
    if flags & socket.MSG_CTRUNC:
        # More workers than descriptors: a worker without all of its own (a control group) is none.
        received = close_all(received)
    return (json.loads(data), received) if data else (None, received)


def close_all(descriptors):
    for descriptor in descriptors:
        os.close(descriptor)
    return array.array("i")


class Zygote:
    """The process that is forked, and what it must not leave to its children."""

    def __init__(self):
        self.server = socket.socket(fileno=os.dup(0))
        self.ours, self.wake = socket.socketpair()
        self.ours.setblocking(False)
        self.wake.setblocking(False)
        # By process id, the connections with the keepers of the workers.
        self.workers = {}
        self.filter = b""

    def serve(self):
        """Forks workers until the server is gone; returns in each worker."""
        self.filter = bytes(receive(self.server)[0]["filter"])
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake.fileno(), warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self.server, select.POLLIN)
        poll.register(self.ours, select.POLLIN)
        # What there is now is never garbage: collecting would copy its pages in every child.
        gc.collect()
        gc.freeze()
        self.server.send(b'"Ready"')
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self.ours.fileno() in ready:
                self.ours.recv(4096)
                self.reap()
            if self.server.fileno() in ready and self.take():
                return

    def take(self):
        """Takes one order; true in its worker."""
        order, received = receive(self.server)
        if order is None:
            os._exit(0)
        if received and is_wanted(received[0]):
            descriptors = sort(order, received)
            if self.fork(descriptors) == 0:
                self.let_go()
                work(descriptors, received, self.filter)
                return True
        close_all(received)
        return False

    def fork(self, descriptors):
        """Gives 0 in the child; what fails closes the connection, by which the keeper knows."""
        try:
            # Before there is a child: all that can fail.
            told = os.dup(descriptors["keeper"])
            try:
                # Meant for children alone: this process stays where it is.
                checked(LIBC.setns(ctypes.c_int(descriptors["namespaces"][0]), ctypes.c_int(0)))
                pid = os.fork()
            except OSError:
                os.close(told)
                raise
        except OSError as error:
            os.write(2, f"portcullis: a zygote cannot fork: {error}\n".encode())
            return -1
        if pid:
            self.workers[pid] = socket.socket(fileno=told)
        return pid

    def let_go(self):
        """In a child: the descriptors are closed by number later, not by these objects' ends."""
        for connection in (self.server, self.ours, self.wake, *self.workers.values()):
            connection.detach()

    def reap(self):
        """Tells keepers how their workers ended."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return  # no child is left
            if pid == 0:
                return
            if pid not in self.workers:
                continue  # no worker was ever told of it
            if os.WIFSIGNALED(status):
                how = {"Signal": os.WTERMSIG(status)}
            else:
                how = {"Code": os.WEXITSTATUS(status)}
            end = {"exit": how, "peak_kib": usage.ru_maxrss}
            with self.workers.pop(pid) as keeper:
                try:
                    keeper.send(json.dumps({"Ended": end}).encode(), socket.MSG_DONTWAIT)
                except OSError:
                    pass  # it is gone


MODULE = "awslambdaric"
# What an interpreter has by itself: without this script's folder, and without the runtime client's.
STANDARD_PATH = [path for path in sys.path if path not in ("", "/var/runtime")]
Zygote().serve()
runpy.run_module(MODULE, run_name="__main__", alter_sys=True)
