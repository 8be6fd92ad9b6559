"""Writing the page of one build, from the database that was just written for it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import jinja2

from pipelines.publish.page.apps import apps_view
from pipelines.publish.page.banners import banners
from pipelines.publish.page.facts import Facts
from pipelines.publish.page.health import dictionary_view, health_view
from pipelines.publish.page.licence_view import licences_view
from pipelines.publish.page.model import View, plain
from pipelines.publish.page.names import PAGE_NAME
from pipelines.publish.page.overview import overview
from pipelines.publish.page.platforms import platforms_view
from pipelines.publish.page.read import ALL, PERIODS, Published
from pipelines.publish.page.suite import suite_view
from pipelines.publish.page.vega import vega_script
from pipelines.publish.page.where import departments_view
from pipelines.publish.pseudonyms import PSEUDONYMS

_HERE = Path(__file__).parent
_SCRIPTS = ("table.js", "choice.js", "filters.js", "chart.js", "page.js")  # each uses those before it
_AMBER_DAYS, _RED_DAYS = 4, 7


def write_page(database: Path, today: date, keep: Path | None = None) -> Path:
    """Write the page beside the published database that it reads; returns its path.

    today: the day taken for today, from which the lag of the data is counted. keep: where the drawing library is
    kept, put together, from one run to the next.
    """
    path = database.with_name(PAGE_NAME)
    with Published(database) as db:
        path.write_text(render(content(db, today), keep), encoding="utf-8")
    return path


def content(db: Published, today: date) -> dict[str, Any]:
    """Everything that the page shows, as plain data."""
    info = {row["name"]: row["value"] for row in db.records("select * from publish_info", needs=["publish_info"])}
    tenants = db.records("select * from tenants order by tenant_id", needs=["tenants"])
    dictionary = _as_data(dictionary_view(db))
    return {
        "build": info.get("build", ""),
        "audience": _audience(info),
        "publish_id": info.get("publish_id", ""),
        "made_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "amber_days": _AMBER_DAYS,
        "red_days": _RED_DAYS,
        "periods": list(PERIODS),
        "tenants": [_tenant(Facts(db, tenant), today, dictionary) for tenant in tenants],
    }


def _audience(info: dict[str, Any]) -> str:
    """Who may see this page."""
    if info.get("build") != "admin":
        return "May be shared: no names, small groups hidden"
    if info.get("people") == PSEUDONYMS:
        return "Administrators only: people under pseudonyms"
    return "Administrators only: names people"


def _tenant(facts: Facts, today: date, dictionary: dict[str, Any]) -> dict[str, Any]:
    through = facts.tenant.get("data_through")
    views = [make(facts) for make in (overview, apps_view, suite_view, departments_view, platforms_view)]
    views += [licences_view(facts), health_view(facts)]
    return {
        "id": facts.id,
        "name": facts.tenant.get("name") or facts.tenant.get("domain") or facts.id,
        "data_through": plain(through),
        "loaded_at": plain(facts.tenant.get("last_synced_at")),
        "lag_days": (today - through).days if through else None,
        "banners": banners(facts),
        "departments": [ALL, *facts.departments],
        "protected": facts.protected_departments,
        "apps": {app: name for app, name in facts.names.items() if app != "suite"},
        "views": [*(_as_data(view) for view in views), dictionary],
    }


def _as_data(view: View) -> dict[str, Any]:
    found: dict[str, Any] = plain(asdict(view))
    return found


def render(page: dict[str, Any], keep: Path | None = None) -> str:
    """The page's HTML. All data stand in one JSON block; nothing of it becomes markup."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    scripts = [vega_script(keep), *((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS)]
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hashes(scripts)}",
            f"style-src {_hashes([style])}",
            "img-src data:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return environment.get_template("page.html.j2").render(
        policy=policy, style=style, scripts=scripts, data=embedded(page), page=page
    )


def embedded(data: object) -> str:
    """JSON that may stand inside a script element: no text of it can end the element or open a comment."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hashes(texts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
