"""The documentation of the models, as every release has it, in a browser that is offline."""

from __future__ import annotations

import getpass
from collections.abc import Callable

import pytest

from pipelines.publish.page.names import DOCS_NAME
from tests.browser.conftest import Opened, Release
from tests.integration.conftest import ROOT


def test_a_model_is_explained_offline_and_in_silence(release: Release, open_file: Callable[..., Opened]) -> None:
    opened = open_file(release.folder / "shareable" / DOCS_NAME, "#!/model/model.m365_usage.app_usage_daily")
    opened.page.get_by_text("One row per app and calendar day").first.wait_for()
    rows = opened.page.evaluate(
        """() => [...document.querySelectorAll('table')[0].querySelectorAll('tr')]
        .map(row => [...row.querySelectorAll('td')].slice(0, 2).map(cell => cell.innerText.trim()))
        .filter(cells => cells.length === 2 && cells[0])"""
    )
    expected = release.query(
        "admin",
        "select column_name, type from data_dictionary where table_name = 'app_usage_daily' order by position",
    )
    assert [tuple(cells) for cells in rows] == expected


@pytest.mark.parametrize("build", ["shareable", "admin"])
def test_it_names_nobody_and_no_place(release: Release, build: str) -> None:
    text = (release.folder / build / DOCS_NAME).read_text(encoding="utf-8")
    # A mailbox may be called Info.
    people = release.query("admin", "select user_principal_name, nullif(display_name, 'Info') from users")
    assert [name for row in people for name in row if name and name in text] == []
    places = [str(ROOT), str(release.folder.parents[1]), "/home/", f"/{getpass.getuser()}/"]
    assert [place for place in places if place in text] == []
    assert '"send_anonymous_usage_stats":false' in text
