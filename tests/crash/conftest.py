"""Runs that are killed, and disks that fill up: on the workplace of the integration tests."""

from tests.integration.conftest import make_rig

__all__ = ["make_rig"]
