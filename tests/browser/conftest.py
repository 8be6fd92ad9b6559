"""A real release of a small simulated company, and a browser that can reach nothing but its files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.publish.page.names import PAGE_NAME
from pipelines.publish.page.write import write_page
from pipelines.warehouse.publish import DATABASE_NAME
from tests.integration.conftest import TODAY
from tests.synced import Synced

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
HOSTILE = "</script><img src=x onerror=alert(1)> =1+1 \U0001f600 \u05e9\u05dc\u05d5\u05dd"


NO_FIGURE = "\u2013"


def figure(text: str) -> int | None:
    """The number that a cell shows; None where it shows none."""
    return None if text in (NO_FIGURE, "hidden") else int(text.replace(",", ""))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser nothing here can run, and says so."""
    if CHROMIUM is None:
        reason = "no browser: apt-get install chromium"
        for item in items:
            if Path(str(item.path)).is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class Release:
    """Both builds of one release."""

    folder: Path

    def page(self, build: str) -> Path:
        return self.folder / build / PAGE_NAME

    def query(self, build: str, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / build / DATABASE_NAME), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="session")
def release(synced_company: Synced) -> Release:
    """What the sync of a small company published."""
    return Release((synced_company.data_dir / "published").resolve().parent)


@pytest.fixture
def altered(release: Release, tmp_path: Path) -> Callable[..., Path]:
    """The page of a copy of the release's database after some statements."""

    def make(*statements: str, build: str = "admin") -> Path:
        database = tmp_path / DATABASE_NAME
        shutil.copy(release.folder / build / DATABASE_NAME, database)
        database.chmod(0o600)
        with duckdb.connect(str(database)) as con:
            for statement in statements:
                con.execute(statement)
        return write_page(database, TODAY)

    return make


@dataclass
class Opened:
    """A page that is open, with what it tried to do."""

    page: Any
    errors: list[str]
    requests: list[str]

    def show(self, view: str) -> None:
        """Go to a view, with its choices, and wait until all is drawn."""
        self.page.evaluate("view => { location.hash = view }", view)
        self.ready()

    def ready(self) -> None:
        """Wait until what the address says is drawn."""
        self.until("document.documentElement.dataset.ready === (location.hash || '#')")

    def until(self, expression: str) -> None:
        """Wait until an expression is true. Playwright's own waiting would evaluate text, which the page forbids."""
        deadline = time.monotonic() + 30
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(20)

    def panel(self, name: str) -> Any:
        return self.page.locator(f"#panel-{name}")

    def rows(self, name: str) -> list[list[str]]:
        """The cells of a panel's table, which is opened when it stands behind a chart."""
        self.panel(name).locator("details:not([open]) > summary").evaluate_all("all => all.forEach(one => one.click())")
        self.panel(name).locator("tbody tr").first.wait_for()
        more = self.panel(name).locator("button.more")
        if more.is_visible():
            more.click()
        return self.page.evaluate(
            """id => [...document.querySelectorAll(`#panel-${id} tbody tr`)]
            .map(row => [...row.children].map(cell => cell.textContent))""",
            name,
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_file(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Open a file from disk, offline. Nothing else may be asked for, and nothing may go wrong."""
    contexts = []
    seen: list[Opened] = []

    def make(path: Path, address: str = "", **options: Any) -> Opened:
        context = browser.new_context(accept_downloads=True, **{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        opened = Opened(context.new_page(), [], [])
        seen.append(opened)
        opened.page.on("console", lambda message: opened.errors.append(message.text))
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on("dialog", lambda dialog: (opened.errors.append("dialog"), dialog.dismiss()))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        context.set_offline(True)
        opened.page.goto(f"{path.as_uri()}{address}")
        return opened

    yield make
    for context in contexts:
        context.close()
    for opened in seen:
        assert opened.errors == [], f"the console is silent, but for {opened.errors}"
        foreign = [url for url in opened.requests if not url.startswith(("file:", "blob:", "data:"))]
        assert foreign == [], "no request leaves the page"


@pytest.fixture
def open_page(open_file: Callable[..., Opened]) -> Callable[..., Opened]:
    """Open a view of a page and wait until it is drawn."""

    def make(path: Path, view: str = "overview", **options: Any) -> Opened:
        opened = open_file(path, f"#{view}", **options)
        opened.ready()
        return opened

    return make


@contextmanager
def downloaded(opened: Opened, panel: str) -> Iterator[str]:
    """The text of a panel's CSV."""
    with opened.page.expect_download() as info:
        opened.panel(panel).locator("button.csv").click()
    yield info.value.path().read_text(encoding="utf-8-sig")
