"""The command with which a service account signs in, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.integration.conftest import Rig, tenant

COMMAND = str(Path(sys.executable).with_name("m365-usage"))


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig(tenant(users=20))


def test_login_shows_a_code_and_keeps_the_sign_in(rig: Rig) -> None:
    environment = {**rig.environment(), "M365_AUTH": "device_code", "M365_CLIENT_SECRET": ""}
    with subprocess.Popen(
        [COMMAND, "login"], env=environment, cwd=rig.data_dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        found = re.search(r"open the page (\S+) and enter the code (\w+)", process.stdout.readline())
        assert found
        page, code = found.groups()
        requests.post(page, data={"code": code}, verify=str(rig.server.ca_bundle), timeout=10)
        assert process.wait(30) == 0
        assert process.stderr.read() == f"Signed in to tenant {rig.server.tenant.spec.tenant_id}.\n"
    (cache,) = (rig.data_dir / "sign-in").glob("*.json")
    assert cache.stat().st_mode & 0o777 == 0o600


def test_login_is_for_device_codes_only(rig: Rig) -> None:
    done = rig.command("login")
    assert done.returncode == 2
    assert "signs in by client secret; only device_code needs somebody to sign in" in done.stderr
