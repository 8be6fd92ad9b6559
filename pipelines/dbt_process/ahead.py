"""dbt, loaded ahead of time: a process that waits for its arguments while a run still fetches and loads.

Loading dbt takes two seconds of a core that has nothing else to do then. Whoever starts dbt later hands its arguments,
environment and outputs over a socket in a folder of its own; where nobody waits, dbt is loaded then.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from pipelines.dbt_process.lifetime import PARENT_VARIABLE
from pipelines.dbt_process.run import load_dbt, run_dbt

WAIT = "--wait"
# Holds the path of the socket.
WAITING_VARIABLE = "M365_DBT_WAITING"
_LENGTH_BYTES = 8
_STARTED = b"1"
_LAST_CLOSED = 512


@contextlib.contextmanager
def dbt_ahead() -> Iterator[None]:
    """While this lasts, a dbt waits for work of this process or its children; one already waiting is enough."""
    if os.environ.get(WAITING_VARIABLE) or not hasattr(socket, "send_fds"):
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="m365-dbt-"))
    path = folder / "socket"
    environment = {**os.environ, PARENT_VARIABLE: str(os.getpid())}
    waiting = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "pipelines.dbt_process", WAIT, str(path)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.environ[WAITING_VARIABLE] = str(path)
    try:
        yield
    finally:
        os.environ.pop(WAITING_VARIABLE, None)
        waiting.kill()
        waiting.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_work(path: str) -> NoReturn:
    """Load dbt, then do the one piece of work that comes through the socket."""
    import fcntl  # not on Windows, where nobody waits

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        load_dbt()
        connection, _ = listener.accept()
    # A second one finds nobody and loads dbt itself.
    Path(path).unlink(missing_ok=True)
    header, outputs, _, _ = socket.recv_fds(connection, _LENGTH_BYTES, 2)
    work = json.loads(_receive(connection, int.from_bytes(header, "big")))
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    os.environ.clear()
    os.environ.update(work["environment"])
    os.chdir(work["folder"])
    connection.sendall(_STARTED)
    finished = threading.Event()
    threading.Thread(target=_end_with_client, args=(connection, finished), daemon=True).start()
    # The caller may go on when this process is gone, and with it the lock on the warehouse: the system closes the
    # copy of the highest number last.
    fcntl.fcntl(connection, fcntl.F_DUPFD, _LAST_CLOSED)
    code = run_dbt(work["arguments"])
    finished.set()
    connection.sendall(bytes([code]))
    sys.exit(code)


def hand_over(arguments: list[str]) -> int | None:
    """Have the waiting dbt do the work; returns its exit code, None where nobody waits."""
    path = os.environ.pop(WAITING_VARIABLE, "")
    if not path:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
        except OSError:
            return None
        work = json.dumps({"arguments": arguments, "environment": dict(os.environ), "folder": str(Path.cwd())}).encode()
        socket.send_fds(connection, [len(work).to_bytes(_LENGTH_BYTES, "big")], [1, 2])
        connection.sendall(work)
        with contextlib.suppress(KeyboardInterrupt):
            if not connection.recv(1):
                return None
            code = connection.recv(1)
            connection.recv(1)
            return code[0] if code else 1
    return 130


def _receive(connection: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length and (data := connection.recv(length - len(received))):
        received += data
    return bytes(received)


def _end_with_client(connection: socket.socket, finished: threading.Event) -> None:
    """Whoever handed the work over was stopped: so is this."""
    gone = True
    # Reset, not closed, where it was stopped before it read that the work has begun.
    with contextlib.suppress(ConnectionResetError):
        gone = not connection.recv(1)
    if gone and not finished.is_set():
        os._exit(1)
