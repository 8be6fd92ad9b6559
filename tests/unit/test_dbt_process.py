"""dbt as a child process: loaded ahead, never left behind, parsed once for all warehouses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.dbt_process.ahead import WAITING_VARIABLE, dbt_ahead
from tests.dbt_run import PROJECT, run_dbt

COMMAND = [sys.executable, "-m", "pipelines.dbt_process"]


@pytest.fixture
def waiting() -> Iterator[Path]:
    with dbt_ahead():
        path = Path(os.environ[WAITING_VARIABLE])
        wait_for(path.exists)
        yield path
    assert not path.parent.exists()


def wait_for(condition: object, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def test_the_waiting_dbt_does_the_work_with_the_callers_environment(waiting: Path, tmp_path: Path) -> None:
    done = run_dbt(
        tmp_path / "warehouse.duckdb", "show", "--inline", "select '{{ env_var(\"DO_NOT_TRACK\") }}x' as told",
        "--log-format", "json", today="2026-10-30",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1x" in done.stdout
    assert not waiting.exists()


def test_its_exit_code_is_passed_on(waiting: Path, tmp_path: Path) -> None:
    done = run_dbt(tmp_path / "warehouse.duckdb", "show", "--inline", "select nonsense", today="2026-10-30")
    assert done.returncode == 2
    assert "nonsense" in done.stdout
    assert not done.stderr
    assert not waiting.exists()


def test_whoever_waits_for_it_may_be_stopped_and_so_is_dbt(waiting: Path, tmp_path: Path) -> None:
    pids = waiting_pids()
    caller = subprocess.Popen(
        [*COMMAND, *endless(tmp_path)], env={**os.environ, "M365_WAREHOUSE": str(tmp_path / "warehouse.duckdb")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    wait_for(lambda: not waiting.exists())
    caller.send_signal(signal.SIGTERM)
    caller.communicate(timeout=10)
    wait_for(lambda: not any(is_running(pid) for pid in pids))


def test_so_it_is_where_the_caller_was_stopped_before_it_heard_that_work_has_begun(
    waiting: Path, tmp_path: Path
) -> None:
    pids = waiting_pids()
    work = {
        "arguments": endless(tmp_path), "folder": str(tmp_path),
        "environment": {**os.environ, "M365_WAREHOUSE": str(tmp_path / "warehouse.duckdb")},
    }  # fmt: skip
    sent = json.dumps(work).encode()
    with socket.socket(socket.AF_UNIX) as caller, (tmp_path / "output").open("w") as output:
        caller.connect(str(waiting))
        socket.send_fds(caller, [len(sent).to_bytes(8, "big")], [output.fileno(), output.fileno()])
        caller.sendall(sent)
        assert caller.recv(1, socket.MSG_PEEK), "closed with this unread, the other side sees a reset"
    wait_for(lambda: not any(is_running(pid) for pid in pids), seconds=10)


def test_where_nobody_waits_dbt_is_loaded_then(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(WAITING_VARIABLE, str(tmp_path / "nobody"))
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "duckdb" in done.stdout


def test_nothing_waits_longer_than_its_parent(tmp_path: Path) -> None:
    script = (
        "import os, sys, time\nfrom pipelines.dbt_process.ahead import dbt_ahead\n"
        "with dbt_ahead():\n    print(os.environ['M365_DBT_WAITING'], flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        waiting = children(parent.pid)
        parent.kill()
    assert waiting
    wait_for(lambda: not any(is_running(pid) for pid in waiting))


def test_a_project_parsed_once_is_parsed_for_every_warehouse(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        done = run_dbt(folder / "warehouse.duckdb", "ls", "--select", "apps", today="2026-10-30")
        assert done.returncode == 0, done.stdout
        assert "apps" in done.stdout
        assert "Unable to do partial parsing" not in done.stdout


def endless(folder: Path) -> list[str]:
    """Arguments of a dbt that does not end by itself."""
    statement = "select count(*) from range(1000000000000) as r"
    folders = [f"--project-dir={PROJECT}", f"--profiles-dir={PROJECT}", f"--target-path={folder}"]
    return ["show", "--inline", statement, *folders, f"--log-path={folder}"]


def waiting_pids() -> set[int]:
    return {pid for pid in children(os.getpid()) if "--wait" in command_line(pid)}


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
