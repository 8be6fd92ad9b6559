"""The company that several files of tests begin with; what each group of tests took, at the end of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.synced import Synced


@pytest.fixture(scope="session")
def synced_company(tmp_path_factory: pytest.TempPathFactory) -> Synced:
    """A company after its first sync, the same for all processes; nobody changes its folder."""
    # Not every environment that runs tests has all that this needs.
    from tests.synced import synced_once

    return synced_once(tmp_path_factory.getbasetemp())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each folder of tests: how many, and their time, over all processes that ran them."""
    tests: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                group = PurePosixPath(report.nodeid.partition("::")[0]).parent.name
                tests[group] += report.when == "call"
                seconds[group] += report.duration
    if tests:
        terminalreporter.section("time per group")
        for group, time in seconds.most_common():
            terminalreporter.write_line(f"{group:<12} {tests[group]:>5} tests {time:>7.1f} s")
