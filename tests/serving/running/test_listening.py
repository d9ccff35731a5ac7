"""Workers that inherit one listening socket, and the socket that each listens on instead."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.running.listening import listen_apart

CLIENTS = 64
FEWEST = CLIENTS // 4  # of a worker that should have half; fewer is a chance of one in ten thousand
WORKER = """
import socket, sys
from serving.running.listening import listen_apart

listen_apart()
listening, taken = socket.socket(fileno=int(sys.argv[2])), []
print("ready", flush=True)
sys.stdin.readline()
listening.setblocking(False)
try:
    while True:
        taken.append(listening.accept())
except BlockingIOError:
    print(len(taken))
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not spread connections over sockets")


@pytest.fixture
def inherited() -> Iterator[socket.socket]:
    """The socket that a supervisor opens."""
    with socket.socket() as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.bind(("127.0.0.1", 0))
        shared.listen(CLIENTS)
        yield shared


class Worker:
    """A process that counts the connections that it got until it is told to stop."""

    def __init__(self, shared: socket.socket) -> None:
        descriptor = shared.fileno()
        command = [sys.executable, "-c", WORKER, "--fd", str(descriptor)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, pass_fds=[descriptor], stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def stopped(self) -> int:
        """How many it got."""
        return int(self._process.communicate("stop\n")[0])


def test_each_of_two_workers_gets_about_half_of_the_connections_that_come_at_once(inherited: socket.socket) -> None:
    workers = [Worker(inherited) for _ in range(2)]
    with ExitStack() as clients:
        _connect(clients, inherited, CLIENTS)
        counts = [worker.stopped() for worker in workers]
    assert sum(counts) == CLIENTS
    assert min(counts) >= FEWEST


def test_a_worker_that_is_started_again_listens_as_the_first_did(inherited: socket.socket) -> None:
    first, other = Worker(inherited), Worker(inherited)
    first.stopped()
    again = Worker(inherited)
    with ExitStack() as clients:
        _connect(clients, inherited, CLIENTS)
        counts = [worker.stopped() for worker in (again, other)]
    assert sum(counts) == CLIENTS
    assert min(counts) >= FEWEST


def test_where_no_worker_is_left_clients_are_refused_and_do_not_wait(inherited: socket.socket) -> None:
    Worker(inherited).stopped()
    with ExitStack() as clients, pytest.raises(ConnectionRefusedError):
        _connect(clients, inherited, 1)


def test_without_a_descriptor_nothing_changes(inherited: socket.socket) -> None:
    listen_apart(["worker", "--port", "3000"])
    assert inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_where_there_is_no_second_socket_the_shared_one_stays(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as shared, socket.socket(socket.AF_UNIX) as client:
        shared.bind(str(tmp_path / "service.sock"))
        shared.listen()
        listen_apart(["worker", "--fd", str(shared.fileno())])
        client.connect(shared.getsockname())
        with shared.accept()[0] as taken:
            client.send(b"heard")
            assert taken.recv(5) == b"heard"


def _connect(clients: ExitStack, shared: socket.socket, number: int) -> None:
    for _ in range(number):
        clients.enter_context(socket.create_connection(shared.getsockname(), timeout=5))
