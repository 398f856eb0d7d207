"""The jail, looked at from the inside by a function that wants out, and the host afterwards.

Each attempt must fail, and while it is made other functions and the server answer on. A host that can
isolate is needed: elsewhere the server runs no function, and these tests fail.

A server that is root makes jails for users of their own; one that is not makes them within a user
namespace. Both are attacked.
"""

import ctypes
import json
import os
import resource
import shutil
import socket
import stat
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server import Server, binary, until
from wire import check_ok, compact
from world import RUNTIME, World, wait_updated, zipped

# A user that owns nothing.
NOBODY = 65534
# Root without its rights.
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")

# Runs what its event asks for, as any attacker could who may deploy code; `error` is the refusal.
HOSTILE = '''
import ctypes, errno, mmap, os, signal, socket, subprocess, sys, threading, time
INSTANCE, KEPT = os.urandom(8).hex(), []
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result

def handler(event, context):
    try:
        scope = dict(globals(), event=event, context=context)
        exec(event.get("do", ""), scope)
        return {"got": scope.get("got")}
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}", "errno": getattr(error, "errno", None)}
'''


def cast(server):
    """Root's wire of the server's account, an attacker's function and somebody else's."""
    owner = World(server).owner
    return owner, owner.function(code=zipped(HOSTILE)), owner.function(code=zipped(HOSTILE))


@pytest.fixture(scope="module")
def kept_by_users(shared_server, warm):
    return (shared_server, *cast(shared_server))


@pytest.fixture(scope="module")
def kept_by_user_namespace(warm, request):
    if os.getuid() != 0:
        return request.getfixturevalue("kept_by_users")
    place = Path(tempfile.mkdtemp(prefix="portcullis-nobody-"))
    request.addfinalizer(lambda: shutil.rmtree(place, ignore_errors=True))
    shutil.copytree(warm, place / "data" / "runtimes")
    shutil.copy(binary(), place / "portcullis")
    for path in [place, *place.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    started = Server(
        place / "data",
        place / "logs",
        prefix=("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        program=place / "portcullis",
        PATH="/usr/local/bin:/usr/bin:/bin",
        HOME=str(place),
    )
    request.addfinalizer(started.end)
    started.wait_until_ready()
    made = cast(started)
    if attempt(made[0].root.wire, made[1], "got = 1").get("errorType") == "Runtime.NotAvailable":
        pytest.skip(f"no {RUNTIME} that every user of this machine may run")
    return (started, *made)


KEPT = ["kept_by_users", "kept_by_user_namespace"] if os.getuid() == 0 else ["kept_by_user_namespace"]


@pytest.fixture(scope="module", params=KEPT)
def scene(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def server(scene):
    return scene[0]


@pytest.fixture
def owner(scene):
    return scene[1]


@pytest.fixture
def hostile(scene):
    return scene[2]


@pytest.fixture
def neighbour(scene):
    return scene[3]


@pytest.fixture
def wire(owner):
    return owner.root.wire


def attempt(wire, function, do, **event) -> dict:
    answer = wire.invoke(function, compact({"do": do} | event).encode())
    check_ok(answer, 200)
    return answer.json


def got(wire, function, do, **event):
    """What an attempt that must succeed got."""
    answer = attempt(wire, function, do, **event)
    assert set(answer) == {"got"}, answer
    return answer["got"]


def check_refused(answer, *words):
    """It failed, in one of these words."""
    assert "error" in answer, answer
    assert any(word in answer["error"] for word in words), answer


# --- Files -------------------------------------------------------------------------------------------


def test_the_root_holds_what_lambda_has_and_nothing_else(wire, hostile):
    listed = got(wire, hostile, "got = sorted(os.listdir('/'))")
    system = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "sbin", "tmp", "usr", "var"}
    # An interpreter outside of /usr is shown at its own place, with the folders above it and nothing in them.
    runtime = {Path(sys.base_prefix).parts[1]}
    assert set(listed) <= system | runtime, listed
    etc = {"alternatives", "group", "hosts", "ld.so.cache", "nsswitch.conf", "passwd", "resolv.conf"}
    assert set(got(wire, hostile, "got = os.listdir('/etc')")) <= etc
    assert got(wire, hostile, "got = os.listdir('/tmp')") == []
    assert got(wire, hostile, "got = os.listdir('/opt')") == []
    assert got(wire, hostile, "got = sorted(os.listdir('/dev'))") == sorted(
        ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero"]
    )


HIDDEN = [
    "/etc/shadow",
    "/etc/hostname",
    "/root",
    "/home",
    "/boot",
    "/sys/kernel",
    "/sys/fs/cgroup",
    "/run",
    "/var/lib",
    "/var/log",
    "/dev/mem",
    "/dev/kmsg",
    "/dev/shm",
    "/dev/tty",
    "/dev/vda",
    "/proc/kcore",
    "/proc/kmsg",
    "/proc/1/environ",
    "/proc/1/mem",
    "/proc/1/maps",
    "/proc/1/root/etc",
    "/proc/1/cwd",
    "/proc/1/fd",
    "/proc/1/ns/net",
]


@pytest.mark.parametrize("path", HIDDEN)
def test_what_belongs_to_the_host_cannot_be_read(wire, hostile, path):
    look = "got = os.listdir(event['path']) if os.path.isdir(event['path']) else open(event['path'], 'rb').read(100).hex()"
    answer = attempt(wire, hostile, look, path=path)
    if path == "/root" and answer.get("got") == [".pyenv"]:
        return  # the way to the interpreter, and nothing beside it
    check_refused(answer, "No such file", "Permission denied", "Operation not permitted")


def test_the_servers_own_files_cannot_be_read(wire, server, hostile, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("of the host")
    canary.chmod(0o777)
    places = [server.data_dir, server.out, canary, *server.data_dir.iterdir(), Path.cwd()]
    for place in places:
        for way in ["", "/proc/self/root", "/var/task/../..", "/proc/1/root", "/proc/self/cwd/../.."]:
            answer = attempt(wire, hostile, "got = os.stat(event['path']).st_ino", path=f"{way}{place}")
            check_refused(answer, "No such file", "Permission denied", "Not a directory")


def test_a_link_in_the_code_leads_nowhere(owner, wire, hostile):
    for target in ["/etc/shadow", "/proc/1/root", "../../../../etc/shadow"]:
        make = "os.path.lexists('/tmp/link') and os.unlink('/tmp/link'); os.symlink(event['target'], '/tmp/link'); got = open('/tmp/link').read()"
        check_refused(attempt(wire, hostile, make, target=target), "No such file", "Permission denied", "Is a directory")


READ_ONLY = ["/x", "/etc/x", "/etc/passwd", "/usr/x", "/usr/bin/x", "/lib/x", "/var/x", "/var/task/x", "/var/task/main.py", "/var/runtime/x", "/opt/x", "/dev/x", "/proc/sysrq-trigger", "/proc/self/oom_score_adj", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward"]  # fmt: skip


@pytest.mark.parametrize("path", READ_ONLY)
def test_only_tmp_can_be_written(wire, hostile, path):
    check_refused(attempt(wire, hostile, "open(event['path'], 'a').write('x')", path=path), "Read-only file system", "Permission denied", "No such file")
    answer = attempt(wire, hostile, "os.chmod(event['path'], 0o777)", path=path)
    check_refused(answer, "Read-only file system", "Permission denied", "No such file", "Operation not permitted")


def identity(wire, hostile):
    """Ids and groups of a worker, which must not have anything more."""
    status = got(wire, hostile, "got = open('/proc/self/status').read()")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
        assert int(fields[name], 16) == 0, name
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    users, groups = set(fields["Uid"].split()), set(fields["Gid"].split())
    assert len(users) == len(groups) == 1
    return users | groups, fields["Groups"].split()


def test_nothing_in_the_jail_gives_rights(wire, hostile):
    identity(wire, hostile)
    flags = "got = {place: os.statvfs(place).f_flag for place in ('/', '/usr', '/tmp', '/var/task', '/proc')}"
    for place, flag in got(wire, hostile, flags).items():
        assert flag & os.ST_NOSUID, place
        assert bool(flag & os.ST_RDONLY) == (place != "/tmp"), place


@pytest.mark.skipif(os.getuid() != 0, reason="only root may choose users")
def test_a_worker_is_a_user_of_its_own(kept_by_users):
    _, owner, hostile, neighbour = kept_by_users
    ids = []
    for function in (hostile, neighbour):
        own, groups = identity(owner.root.wire, function)
        assert len(own) == 1 and not groups
        ids += [int(id) for id in own]
    assert ids[0] != ids[1] and min(ids) > 60_000


def test_tmp_is_private_and_is_kept_for_the_next_event_only(wire, hostile, neighbour):
    write = "open('/tmp/secret', 'w').write('mine'); got = os.getpid(), INSTANCE"
    mine = got(wire, hostile, write)
    assert got(wire, hostile, "got = open('/tmp/secret').read(), INSTANCE") == ["mine", mine[1]]
    # The neighbour has the same process ids, and another everything.
    theirs = got(wire, neighbour, "got = os.getpid(), INSTANCE, os.listdir('/tmp')")
    assert theirs[0] == mine[0] and theirs[1] != mine[1] and theirs[2] == []
    got(wire, hostile, "os.unlink('/tmp/secret')")


def test_a_full_tmp_is_the_functions_own_trouble(owner, wire, hostile):
    fill = """
written = 0
try:
    with open('/tmp/full', 'wb', buffering=0) as file:
        while written < 2 << 30: written += file.write(bytes(1 << 20))
except OSError as error: got = written >> 20, error.errno
finally: os.unlink('/tmp/full')
"""
    for size, function in [(512, hostile), (600, owner.function(code=zipped(HOSTILE), Timeout=30, EphemeralStorage={"Size": 600}))]:
        written, errno = got(wire, function, fill)
        assert size - 2 <= written <= size and errno == 28, (written, errno)
    files = """
count = 0
os.makedirs('/tmp/many')
try:
    while count < 1 << 20:
        os.mknod(f'/tmp/many/{count}'); count += 1
except OSError as error: got = count, error.errno
subprocess.run(['rm', '-rf', '/tmp/many'])
"""
    count, errno = got(wire, hostile, files)
    assert count <= 512 << 20 and errno in (28, 12), (count, errno)


# --- Network -----------------------------------------------------------------------------------------


@pytest.fixture
def listener():
    with socket.create_server(("0.0.0.0", 0)) as listening:
        yield listening.getsockname()[1]


def own_address() -> str:
    """An address of this host that others reach, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


def test_nothing_but_the_runtime_api_can_be_reached(wire, server, hostile, listener):
    loopback = ("127.0.0.1", "127.0.0.2", "localhost")
    ports = (urlsplit(server.base).port, listener)
    closed = [(host, port) for host in (*loopback, own_address()) for port in ports]
    outside = [("169.254.169.254", 80), ("192.0.2.1", 53), ("8.8.8.8", 53), ("255.255.255.255", 9)]
    for address in closed + outside:
        answer = attempt(wire, hostile, "socket.create_connection(tuple(event['to']), 5)", to=address)
        check_refused(answer, "Connection refused", "Network is unreachable", "Permission denied")
        datagram = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', tuple(event['to']))"
        if address[0] not in loopback:
            check_refused(attempt(wire, hostile, datagram, to=address), "Network is unreachable", "Permission denied")
    check_refused(attempt(wire, hostile, "socket.getaddrinfo('example.com', 80)"), "gaierror")
    names = got(wire, hostile, "got = [line.split(':')[0].strip() for line in open('/proc/net/dev') if ':' in line]")
    assert "lo" in names and got(wire, hostile, "got = open('/proc/net/route').read().count('\\n')") == 1
    assert got(wire, hostile, "got = os.environ['AWS_LAMBDA_RUNTIME_API']") == "127.0.0.1:9001"


def test_no_socket_of_the_host_can_be_reached_by_name(wire, hostile, tmp_path):
    for name in ["\0portcullis-test", str(tmp_path / "socket")]:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(name)
            listening.listen()
            answer = attempt(wire, hostile, "socket.socket(socket.AF_UNIX).connect(event['name'])", name=name)
            check_refused(answer, "Connection refused", "No such file", "Operation not permitted")


@pytest.mark.parametrize(
    "kind",
    [
        "socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP",
        "socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW",
        "socket.AF_INET, socket.SOCK_SEQPACKET, 132",
        "socket.AF_INET6, socket.SOCK_STREAM, 132",
        "socket.AF_INET, socket.SOCK_DGRAM, 136",
        "socket.AF_PACKET, socket.SOCK_RAW, 3",
        "socket.AF_VSOCK, socket.SOCK_STREAM, 0",
        "socket.AF_ALG, socket.SOCK_SEQPACKET, 0",
        "socket.AF_NETLINK, socket.SOCK_RAW, 0",
        "socket.AF_NETLINK, socket.SOCK_RAW, 9",
        "socket.AF_NETLINK, socket.SOCK_RAW, 15",
    ],
)
def test_no_socket_below_tcp_and_udp(wire, hostile, kind):
    answer = attempt(wire, hostile, f"socket.socket({kind})")
    check_refused(answer, "Operation not permitted", "Function not implemented", "Permission denied")


def test_a_worker_cannot_speak_for_another(wire, hostile, neighbour):
    """The Runtime API of a worker takes answers to its own event, and nobody else's."""
    post = """
import http.client
connection = http.client.HTTPConnection('127.0.0.1:9001')
connection.request('POST', f"/2018-06-01/runtime/invocation/{event['id']}/response", b'"forged"')
response = connection.getresponse()
got = response.status, response.read().decode()
"""
    with ThreadPoolExecutor() as pool:
        running = pool.submit(got, wire, neighbour, "time.sleep(2); got = 'real'")
        status, body = got(wire, hostile, post, id="8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        assert status == 400 and "InvalidRequestID" in body
        assert running.result() == "real"


# Answers at a time, each but for its end. The ends come in turn: the last tells what was said to the others.
UPLOADS = """
path, size, others = f'/2018-06-01/runtime/invocation/{context.aws_request_id}/response', 6 << 20, 13
head = f'POST {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nExpect: 100-continue\\r\\nContent-Length: {size}\\r\\n\\r\\n'
sockets = [socket.create_connection(('127.0.0.1', 9001)) for _ in range(others + 1)]
for one in sockets:
    one.sendall(head.encode())
    one.recv(25, socket.MSG_WAITALL)  # It has its turn.
    one.sendall(b'"' + b'x' * (size - 2 - 3 * others))
time.sleep(1)  # As many as are kept are there at the same time.
told = b''
for one in sockets[:-1]:
    one.sendall(b'x' * 3 * others + b'"')
    told += one.makefile('rb').readline().split()[1]
sockets[-1].sendall(told + b'"')
sockets[-1].recv(1)
os._exit(0)
"""


def test_a_worker_has_one_answer_in_the_servers_memory(owner, wire, server, hostile):
    """However many it sends at a time: the newest is the one that counts."""
    got(wire, hostile, "got = 1")
    status, workers = Path(f"/proc/{server.process.pid}/status"), 4

    def memory(kind):
        return int(status.read_text().split(f"{kind}:")[1].split()[0]) >> 10

    if os.getuid() == 0:
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the peak is what it has now
    before = memory("VmRSS")
    with ThreadPoolExecutor(workers) as pool:
        answers = list(pool.map(lambda _: wire.invoke(hostile, compact({"do": UPLOADS}).encode()), range(workers)))
    for answer in answers:
        assert len(answer.body) == 6 << 20 and answer.body.endswith(b"x" + b"403" * 13 + b'"'), answer.body[-80:]
    # With all that the allocator and connections keep for a while it is half of all those answers.
    assert os.getuid() != 0 or memory("VmHWM") - before < workers * 14 * 6, (before, memory("VmHWM"))


# --- System calls ------------------------------------------------------------------------------------

# Numbers of x86-64 (asm/unistd_64.h).
CALLS = {
    "ptrace(attach to the keeper)": "call(101, 16, 1, 0, 0)",
    "ptrace(trace me)": "call(101, 0, 0, 0, 0)",
    "process_vm_readv": "call(310, 1, 0, 0, 0, 0, 0)",
    "process_vm_writev": "call(311, 1, 0, 0, 0, 0, 0)",
    "kcmp": "call(312, 1, os.getpid(), 0, 0, 0)",
    "pidfd_getfd": "call(438, os.pidfd_open(1), 0, 0)",
    "mount(tmpfs)": "call(165, b'tmpfs', b'/tmp', b'tmpfs', 0, 0)",
    "mount(remount)": "call(165, b'none', b'/', b'none', 32, 0)",
    "umount": "call(166, b'/proc', 2)",
    "pivot_root": "call(155, b'/tmp', b'/tmp')",
    "chroot": "call(161, b'/tmp')",
    "fsopen": "call(430, b'tmpfs', 0)",
    "open_tree": "call(428, -100, b'/', 1)",
    "move_mount": "call(429, -100, b'/tmp', -100, b'/opt', 0)",
    "mount_setattr": "call(442, -100, b'/', 0, 0, 0)",
    "unshare(user)": "call(272, 0x10000000)",
    "unshare(mount)": "call(272, 0x20000)",
    "setns": "call(308, os.open('/proc/self/ns/net', os.O_RDONLY), 0)",
    "clone(user)": "call(56, 0x10000000 | 17, 0, 0, 0, 0)",
    "clone(for the parent)": "call(56, 0x8000 | 17, 0, 0, 0, 0) or os._exit(0)",
    "clone3": "call(435, 0, 0)",
    "keyctl": "call(250, 0, -3, 0)",
    "add_key": "call(248, b'user', b'a', b'b', 1, -3)",
    "request_key": "call(249, b'user', b'a', 0, -3)",
    "bpf": "call(321, 0, 0, 0)",
    "perf_event_open": "call(298, 0, 0, -1, -1, 0)",
    "userfaultfd": "call(323, 0)",
    "io_uring_setup": "call(425, 1, ctypes.create_string_buffer(120))",
    "limit of cores, for the old": "import resource; resource.prlimit(0, resource.RLIMIT_CORE, (0, 0))",
    "seccomp(filter)": "call(317, 1, 0, 0)",
    "prctl(filter)": "call(157, 22, 2, 0, 0, 0)",
    "socket's filter": "socket.socket(socket.AF_UNIX).setsockopt(socket.SOL_SOCKET, 26, bytes(16))",
    "socket's times": "socket.socket().setsockopt(socket.SOL_SOCKET, 37, 0x110)",
    "socket's keys": "socket.socket().setsockopt(socket.IPPROTO_TCP, 14, bytes(16))",
    "socket's group": "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).setsockopt(socket.IPPROTO_IPV6, 20, bytes([255, 2, *bytes(13), 9, 1, 0, 0, 0]))",
    "lease of a file": "import fcntl; fcntl.fcntl(os.open('/tmp/leased', os.O_CREAT | os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)",
    "attribute of a file": "open('/tmp/file', 'w').close(); os.setxattr('/tmp/file', 'user.a', b'')",
    "attribute of an open file": "os.setxattr(os.open('/tmp/file', os.O_CREAT | os.O_RDWR), 'system.posix_acl_access', b'')",
    "huge pages": "mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)",
    "huge pages(memfd)": "os.memfd_create('x', os.MFD_HUGETLB)",
    "huge pages(shmget)": "call(29, 0, 2 << 20, 0o5600)",
    "io_setup": "call(206, 1, ctypes.create_string_buffer(8))",
    "syncfs": "call(306, os.open('/usr', os.O_RDONLY))",
    "init_module": "call(175, 0, 0, b'')",
    "finit_module": "call(313, 0, b'', 0)",
    "kexec_load": "call(246, 0, 0, 0, 0)",
    "reboot": "call(169, 0xfee1dead, 672274793, 0, 0)",
    "swapon": "call(167, b'/tmp/x', 0)",
    "settimeofday": "call(164, 0, 0)",
    "clock_settime": "time.clock_settime(time.CLOCK_REALTIME, 0)",
    "sethostname": "socket.sethostname('evil')",
    "syslog": "call(103, 10, 0, 0)",
    "acct": "call(163, 0)",
    "iopl": "call(172, 3)",
    "open_by_handle_at": "call(304, 3, ctypes.create_string_buffer(128), 0)",
    "fanotify_init": "call(300, 0, 0)",
    "quotactl": "call(179, 0, 0, 0, 0)",
    "personality": "call(135, 0x0400000)",
    "mknod(device)": "os.mknod('/tmp/memory', 0o20666, os.makedev(1, 1))",
    "mknod(disk)": "os.mknod('/tmp/disk', 0o60666, os.makedev(254, 0))",
    "setuid": "os.setuid(0)",
    "setgid": "os.setgid(0)",
    "setgroups": "os.setgroups([0])",
    "setresuid": "os.setresuid(0, 0, 0)",
    "chown": "open('/tmp/owned', 'w'); os.chown('/tmp/owned', 0, 0)",
    "setrlimit": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100_000, 100_000))",
    "nice": "os.nice(-5)",
    "realtime": "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))",
    "ioctl(type for others)": "import fcntl; fcntl.ioctl(1, 0x5412, b'x')",
    "write a foreign process": "open('/proc/1/mem', 'r+b')",
    "trace by file": "open('/proc/1/task/1/syscall').read()",
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls by their numbers")
@pytest.mark.parametrize("name", CALLS)
def test_what_reaches_past_a_process_is_refused(wire, hostile, name):
    refusals = ["Operation not permitted", "Function not implemented", "Permission denied", "not allowed"]
    refusals += ["Operation not supported"] if name.startswith("attribute") else []
    # In a user namespace other users are not forbidden: there are none.
    refusals += ["Invalid argument"] if name in ("setuid", "setgid", "setresuid", "chown") else []
    check_refused(attempt(wire, hostile, CALLS[name]), *refusals, "Read-only file system")


def test_a_limit_of_cores_is_taken_and_stays(wire, hostile):
    """Of a core of one byte there is none, and a `core_pattern` that is a program is not run for it either. A hard
    limit of 0, by which it is, takes a right to raise."""
    ask = "import resource; before = resource.getrlimit(resource.RLIMIT_CORE); resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
    ask += "run = subprocess.run(['sh', '-ec', 'ulimit -c 0']); got = [run.returncode, before, resource.getrlimit(resource.RLIMIT_CORE)]"
    status, before, after = got(wire, hostile, ask)
    assert status == 0 and before == after
    assert before == [1, 1] or resource.getrlimit(resource.RLIMIT_CORE)[1] == 0


def test_a_set_user_id_program_gives_nothing(wire, hostile):
    programs = [path for path in ["/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd"] if Path(path).exists()]
    for program in programs:
        assert Path(program).stat().st_mode & stat.S_ISUID
        run = "run = subprocess.run([event['program'], *event['more']], capture_output=True, text=True, stdin=subprocess.DEVNULL); got = run.returncode"
        more = {"/usr/bin/su": ["-c", "id"], "/usr/bin/mount": ["-t", "tmpfs", "x", "/tmp"], "/usr/bin/passwd": ["root"]}
        assert got(wire, hostile, run, program=program, more=more[program]) != 0
    own = "import shutil; shutil.copy('/usr/bin/id', '/tmp/id'); os.chmod('/tmp/id', 0o6777); got = subprocess.run(['/tmp/id', '-u'], capture_output=True, text=True).stdout"
    assert got(wire, hostile, own).strip() == str(got(wire, hostile, "got = os.getuid()"))


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls by their numbers")
def test_memory_and_queues_that_are_shared_by_name_stay_in_the_jail(wire, hostile, neighbour):
    """System V's by a key that everybody knows, POSIX' by a name: neither a neighbour nor the host finds it."""
    key, name = 0x504F5254, "portcullis-test"
    create = 0o1000 | 0o666
    shared = got(wire, hostile, "got = call(29, event['key'], 4096, event['flags'])", key=key, flags=create)
    find = "call(29, event['key'], 0, 0)"
    assert got(wire, hostile, f"got = {find}", key=key) == shared
    check_refused(attempt(wire, neighbour, find, key=key), "No such file")
    assert ctypes.CDLL(None).shmget(key, 0, 0) == -1
    got(wire, hostile, "call(31, event['id'], 0, 0)", id=shared)
    queue = "got = call(240, event['name'].encode(), event['flags'], 0o666, 0)"
    if "got" in attempt(wire, hostile, queue, name=name, flags=os.O_CREAT | os.O_RDWR):
        check_refused(attempt(wire, neighbour, queue, name=name, flags=os.O_RDWR), "No such file")
        got(wire, hostile, "call(241, event['name'].encode())", name=name)


# --- Processes ---------------------------------------------------------------------------------------


def test_a_worker_has_every_namespace_to_itself(wire, server, hostile, neighbour):
    """But that of users, which only a server makes that is not root: root's workers are users of their own."""
    for function in (hostile, neighbour):
        assert got(wire, function, "got = 1") == 1

    def of(pid):
        return {kind: os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("mnt", "pid", "net", "ipc", "uts", "cgroup")}

    # The keeper of a worker is the first process of its jail.
    jails = [of(pid) for pid in jailed(server.process.pid)]
    own = of(server.process.pid)
    assert len({jail["pid"] for jail in jails}) >= 2
    for jail in jails:
        assert not set(jail.values()) & set(own.values())
        others = [other for other in jails if other["pid"] != jail["pid"]]
        assert not any(set(jail.values()) & set(other.values()) for other in others)


def test_a_worker_sees_its_own_processes_only(wire, hostile):
    assert got(wire, hostile, "got = sorted(int(p) for p in os.listdir('/proc') if p.isdigit())") == [1, 2]
    pid, parent, session = got(wire, hostile, "got = os.getpid(), os.getppid(), os.getsid(0)")
    # The parent is the keeper, or a zygote outside of the jail, which has no number in it.
    assert pid == session == 2 and parent in (0, 1)


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM", "SIGSTOP", "SIGCHLD", "SIGSEGV", "SIGUSR1"])
def test_signals_to_the_keeper_do_nothing(wire, hostile, signal):
    before = got(wire, hostile, "got = INSTANCE")
    answer = attempt(wire, hostile, f"os.kill(1, signal.{signal})")
    assert answer == {"got": None} or "Operation not permitted" in answer["error"], answer
    assert got(wire, hostile, "got = INSTANCE") == before


def test_the_keeper_does_not_answer_to_its_worker(wire, hostile):
    """Same user, same namespace: and yet neither its descriptors nor its limits."""
    for attack in ["os.listdir('/proc/1/fd')", "os.readlink('/proc/1/exe')", "open('/proc/1/environ').read()"]:
        check_refused(attempt(wire, hostile, attack), "Permission denied")


def test_neither_the_server_nor_other_workers_can_be_looked_into(wire, server, hostile, neighbour):
    """Their processes have numbers on the host, which mean nothing in the jail."""
    got(wire, neighbour, "KEPT.append('a secret of the neighbour'); got = INSTANCE")
    kept = got(wire, neighbour, "got = INSTANCE, KEPT")
    instance = got(wire, hostile, "got = INSTANCE")
    host = [os.getpid(), server.process.pid, *descendants(server.process.pid)]
    assert len(host) >= 5, "the server, its spawner, and two keepers with a worker each, or a zygote's"
    attacks = [
        "open(f'/proc/{pid}/mem', 'rb')",
        "os.listdir(f'/proc/{pid}/root/tmp')",
        "os.readlink(f'/proc/{pid}/exe')",
        "os.kill(pid, signal.SIGSTOP)",
        "os.kill(pid, signal.SIGKILL)",
        "os.killpg(pid, signal.SIGKILL)",
        "os.pidfd_open(pid)",
        "call(101, 16, pid, 0, 0)",
        "call(310, pid, 0, 0, 0, 0, 0)",
        "os.setpriority(os.PRIO_PROCESS, pid, 19)",
    ]
    tries = """
got = []
for pid in event["host"]:
    for attack in event["attacks"]:
        try: exec(attack); got.append(f"{attack} of {pid} succeeded")
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESRCH, errno.EPERM, errno.ENOSYS): got.append(f"{attack}: {error}")
"""
    attacks = attacks if os.uname().machine == "x86_64" else [one for one in attacks if "call(" not in one]
    assert got(wire, hostile, tries, host=host, attacks=attacks) == []
    assert got(wire, neighbour, "got = INSTANCE, KEPT") == kept
    assert got(wire, hostile, "got = INSTANCE") == instance


def answers_meanwhile(wire, function, is_done):
    """Another function and the server answer while an attack runs, each time within half a minute."""
    rounds = 0
    while not is_done() or rounds < 3:
        start = time.monotonic()
        assert got(wire, function, "got = 'here'") == "here"
        check_ok(wire.call("GET", "/2015-03-31/functions/"), 200)
        assert time.monotonic() - start < 30
        rounds += 1


ATTACKS = {
    "fork bomb": (
        "while True:\n  try: os.fork()\n  except OSError: time.sleep(0.01)",
        ("Sandbox.Timedout", "Runtime.ExitError"),
    ),
    "threads": (
        "while True:\n  try: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n  except RuntimeError: time.sleep(0.1)",
        ("Sandbox.Timedout", "Runtime.ExitError"),
    ),
    "memory bomb": ("while True: KEPT.append(bytearray(16 << 20))", ("Runtime.ExitError",)),
    "memory bomb in children": (
        "for _ in range(8):\n  if os.fork() == 0:\n    try:\n      while True: KEPT.append(bytearray(16 << 20))\n    finally: os._exit(1)\nos.wait()\nwhile True: time.sleep(1)",
        ("Sandbox.Timedout", "Runtime.ExitError"),
    ),
    "shared memory": (
        "while True: KEPT.append(mmap.mmap(-1, 16 << 20)); KEPT[-1].write(b'x' * (16 << 20))",
        ("Runtime.ExitError",),
    ),
    "busy processes": (
        "for _ in range(32):\n  if os.fork() == 0:\n    while True: pass\nwhile True: pass",
        ("Sandbox.Timedout",),
    ),
    "full disk": (
        "with open('/tmp/full', 'wb', buffering=0) as file:\n  while True: file.write(bytes(1 << 20))",
        ("No space left on device",),
    ),
    "endless output": ("while True: os.write(1, b'x' * 65536)", ("Sandbox.Timedout",)),
    "descriptors": (
        "try:\n  while True: KEPT.append(os.open('/dev/null', 0))\nfinally:\n  count = len(KEPT)\n  while KEPT: os.close(KEPT.pop())\n  assert count < 1024",
        ("Too many open files",),
    ),
    "escape into the background": (
        "for _ in range(16):\n  if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n      while True: time.sleep(1)\n    os._exit(0)\nos._exit(7)",
        ("Runtime.ExitError",),
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_the_host_is_contained(owner, wire, server, neighbour, name):
    do, ends = ATTACKS[name]
    if "`memory` controller" in server.output():
        if name == "shared memory":
            pytest.skip("without control groups memory is limited a process, and shared memory not at all")
        ends += ("MemoryError",)
    attacker = owner.function(code=zipped(HOSTILE), Timeout=2 if "Sandbox.Timedout" in ends else 20)
    with ThreadPoolExecutor() as pool:
        attack = pool.submit(attempt, wire, attacker, do)
        answers_meanwhile(wire, neighbour, attack.done)
        answer = attack.result(timeout=60)
    assert any(end in json.dumps(answer) for end in ends), answer
    # And the attacker's next event is served as if nothing had been.
    assert got(wire, attacker, "got = len(KEPT) < 1024") is True
    alone = "got = len([p for p in os.listdir('/proc') if p.isdigit()])"
    until(lambda: got(wire, attacker, alone) == 2, 30, "all processes of the attack are gone")
    until(lambda: len(descendants(server.process.pid)) < 200, 30, "nobody keeps what is left of them")


# What is done, and whether that is too much.
HOLDS = {
    "less": ("KEPT.append(bytearray(64 << 20)); time.sleep(1); KEPT.clear()", False),
    "more": ("KEPT.append(bytearray(192 << 20)); time.sleep(60)", True),
    "more in two processes": ("os.fork(); KEPT.append(bytearray(96 << 20)); time.sleep(60)", True),
    "files of more": (
        "for n in range(40):\n  with open(f'/tmp/{n}', 'wb') as file: file.write(bytes(8 << 20))\ntime.sleep(1)",
        False,
    ),
}


@pytest.mark.parametrize("name", HOLDS)
def test_a_function_has_its_memory_and_its_files_beside_it(owner, wire, server, name):
    """`MemorySize` is 128 MB, `EphemeralStorage` 512: neither may be had for the other."""
    if "`memory` controller" in server.output():
        pytest.skip("without control groups memory is limited a process")
    do, killed = HOLDS[name]
    function = owner.function(code=zipped(HOSTILE), Timeout=20)
    assert got(wire, function, "got = 0") == 0
    answer = attempt(wire, function, do)
    assert ("signal: killed" in json.dumps(answer)) == killed, answer
    assert got(wire, function, "got = len(KEPT)") == 0


def test_memory_that_short_events_take_is_not_kept(owner, wire, server):
    """Each is over before anybody looks; 128 MB are eight times what one takes."""
    if "`memory` controller" in server.output():
        pytest.skip("without control groups memory is limited a process")
    function = owner.function(code=zipped(HOSTILE), Timeout=20)
    held = []
    for _ in range(30):
        answer = attempt(wire, function, "KEPT.append(bytearray(16 << 20)); got = len(KEPT)")
        assert "got" in answer or "signal: killed" in answer["errorMessage"], answer
        held.append(answer.get("got", 0))
        time.sleep(0.05)
    assert 4 < max(held) < 16, held


def test_a_worker_of_many_sessions_leaves_nothing(owner, wire, server):
    """What a function started goes with it, wherever it hid."""
    function = owner.function(code=zipped(HOSTILE), Timeout=3)
    start = "for n in range(5):\n  if os.fork() == 0:\n    os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    while True: time.sleep(1)\nos._exit(1)"
    before = set(descendants(server.process.pid))
    answer = attempt(wire, function, start)
    assert answer["errorType"] == "Runtime.ExitError"
    until(lambda: not set(descendants(server.process.pid)) - before, 30, "no process is left")


# --- The host afterwards -----------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    except OSError:
        pass  # it, or this thread of it, has ended
    return found


def descendants(pid: int) -> list[int]:
    """Every process below this one."""
    found = children(pid)
    for child in list(found):
        found += descendants(child)
    return found


def jailed(pid: int) -> list[int]:
    """Processes below this one that have a namespace of their own kind."""
    found = []
    for one in descendants(pid):
        try:
            if os.readlink(f"/proc/{one}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                found.append(one)
        except OSError:
            pass  # it has ended
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def groups_of(pid: int) -> list[str]:
    """Control groups of a server."""
    top = "/sys/fs/cgroup"
    return [place for place, folders, _ in os.walk(top) if os.path.basename(place).startswith(f"portcullis-{pid}-")]


def mounts() -> list[str]:
    return sorted(line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())


# How a server ends; a terminated one would let a running call finish.
ENDS = {
    "terminated": (lambda server: server.terminate(), False),
    "killed": (lambda server: server.kill(), True),
    "stopped, then killed": (lambda server: (os.kill(server.process.pid, 19), server.kill()), True),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_server_that_ends_leaves_nothing(start_warm_server, end):
    (end_it, while_running), before = ENDS[end], mounts()
    server = start_warm_server()
    owner = World(server).owner
    wire, name = owner.root.wire, owner.function(code=zipped(HOSTILE), Timeout=60)
    assert got(wire, name, "os.fork() or time.sleep(600); got = 1") == 1

    def call():
        try:
            return attempt(wire, name, "os.fork() or time.sleep(600); time.sleep(50)")
        except Exception as error:  # the server goes away meanwhile
            return error

    with ThreadPoolExecutor() as pool:
        if while_running:
            pool.submit(call)
        # A keeper, its worker and its children.
        count = 4 if while_running else 3
        until(lambda: len(jailed(server.process.pid)) == count, 30, "a worker with children")
        below = descendants(server.process.pid)
        assert mounts() == before
        end_it(server)
    until(lambda: not any(map(alive, below)), 30, "every process is gone")
    until(lambda: not groups_of(server.process.pid), 30, "every control group is gone")
    assert mounts() == before


def test_callers_that_waited_for_what_was_replaced_leave_no_worker(start_warm_server):
    """They still run, on workers that end long before those that idle would."""
    server = start_warm_server()
    owner = World(server).owner
    wire, client = owner.root.wire, owner.root.boto()
    for _ in range(3):
        name = owner.function("import time\ndef handler(event, context):\n    time.sleep(0.2); return 1\n")
        with ThreadPoolExecutor(24) as pool:
            # None of them finds the function ready to run, and most wait for a start.
            calls = [pool.submit(wire.invoke, name, b"{}") for _ in range(24)]
            client.update_function_configuration(FunctionName=name, Description="another")
            wait_updated(client, name)
            assert wire.invoke(name, b"{}").json == 1
            assert [call.result().json for call in calls] == [1] * len(calls)
        client.delete_function(FunctionName=name)
        until(lambda: not jailed(server.process.pid), 30, "every worker is gone")


def spawner_of(server) -> int:
    for pid in children(server.process.pid):
        if b"__spawner" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("no spawner")


def test_a_spawner_that_is_killed_is_replaced(start_warm_server):
    server = start_warm_server()
    owner = World(server).owner
    wire, name = owner.root.wire, owner.function(code=zipped(HOSTILE), Timeout=30)
    first = got(wire, name, "got = INSTANCE")
    for _ in range(3):
        below = descendants(server.process.pid)
        os.kill(spawner_of(server), 9)
        until(lambda: not any(map(alive, below)), 30, "its workers end with it")
        second = got(wire, name, "got = INSTANCE")
        assert second != first
        first = second
    assert "another is started" in server.output()
    assert server.terminate() == 0


def test_groups_of_a_server_killed_with_its_spawner_go_at_the_next_start(start_warm_server):
    server = start_warm_server()
    owner = World(server).owner
    got(owner.root.wire, owner.function(code=zipped(HOSTILE)), "got = 1")
    spawner, pid = spawner_of(server), server.process.pid
    if not groups_of(pid):
        pytest.skip("this host has no control groups for us")
    os.kill(spawner, 19)
    server.kill()
    os.kill(spawner, 9)
    assert groups_of(pid)
    start_warm_server(server.data_dir)
    until(lambda: not groups_of(pid), 30, "swept")
