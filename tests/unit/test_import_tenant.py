"""Whose files they are, and what the command prints."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.cli.import_ import import_tenant, print_result
from pipelines.imports.importer import ImportedThing, ImportResult
from pipelines.imports.items import ImportItem
from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.records import Verdict

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
TENANTS = "".join(
    f'[[tenant]]\nname = "{name}"\ntenant_id = "{tenant_id}"\nclient_id = "{ONE}"\nclient_secret_env = "SECRET"\n'
    for name, tenant_id in (("Fabrikam", ONE), ("Contoso", TWO))
)


def settings(folder: Path, **values: object) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **values)  # type: ignore[arg-type, call-arg]


def landed(folder: Path, *tenants: str) -> None:
    for tenant in tenants:
        (folder / "landing" / tenant).mkdir(parents=True)


def test_nothing_tells_the_tenant(tmp_path: Path) -> None:
    assert import_tenant(settings(tmp_path), None) == "imported"


def test_the_only_tenant_landed(tmp_path: Path) -> None:
    landed(tmp_path, ONE)
    assert import_tenant(settings(tmp_path), None) == ONE
    landed(tmp_path, TWO)
    with pytest.raises(SettingsError, match=f"Say with --tenant whose files these are: {ONE}, {TWO}"):
        import_tenant(settings(tmp_path), None)
    assert import_tenant(settings(tmp_path), TWO.upper()) == TWO


def test_the_tenant_of_the_settings_needs_no_app_registration(tmp_path: Path) -> None:
    landed(tmp_path, TWO)
    assert import_tenant(settings(tmp_path, tenant_id=ONE.upper()), None) == ONE
    assert import_tenant(settings(tmp_path, tenant_id=ONE), "fabrikam.example") == "fabrikam.example"


def test_tenants_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tenants.toml"
    path.write_text(TENANTS)
    both = settings(tmp_path, tenants_file=path)
    assert import_tenant(both, "contoso") == TWO
    assert import_tenant(both, "another.example") == "another.example"
    with pytest.raises(SettingsError, match="Say with --tenant"):
        import_tenant(both, None)
    path.write_text(TENANTS[: TENANTS.index("[[tenant]]", 5)])
    assert import_tenant(both, None) == ONE


@pytest.mark.parametrize("tenant", ["../escape", "a/b", "", "x", "Fabrikam GmbH"])
def test_odd_tenants_are_refused(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(SettingsError, match="--tenant must be"):
        import_tenant(settings(tmp_path), tenant)


def test_one_line_per_file() -> None:
    def item(*names: str, **facts: object) -> ImportItem:
        known: dict[str, object] = {
            "files": tuple(map(Path, names)), "rows": (1234,) * len(names), "source": "users", "what": "people",
            "body": Path("x"), "kind": "jsonl", "as_of": date(2026, 10, 30),
        }  # fmt: skip
        return ImportItem(**known | facts)  # type: ignore[arg-type]

    console = Console(file=io.StringIO(), width=40)
    report = item("[bold]day.csv", source="getM365AppUserDetail", what="use", rows=(1,), report_date=date(2026, 10, 1))
    things = (
        ImportedThing(item("page1.json", "page2.json", notes=("without licences",)), fetch_id="1"),
        ImportedThing(report, fetch_id="2", is_concealed=True),
        ImportedThing(item("old.csv"), why_not="imported already (on 2026-10-01)"),
        ImportedThing(item("new.csv"), fetch_id="3"),
    )
    found = {"1": Verdict("applied"), "2": Verdict("held", "It would remove 40 % of the rows.")}
    print_result(console, ONE, ImportResult(things, (Path("none.json"),)), found)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.splitlines() == [
        f"Tenant {ONE}",
        "  page1.json     people                     2026-10-30  1,234 rows  applied (without licences)",
        "  page2.json     people                     2026-10-30  1,234 rows  applied (without licences)",
        "  [bold]day.csv  use                        2026-10-01       1 row  "
        "held (It would remove 40 % of the rows; names concealed)",
        "  old.csv        people                     2026-10-30  1,234 rows  imported already (on 2026-10-01)",
        "  new.csv        people                     2026-10-30  1,234 rows  landed, not loaded yet",
        "  none.json      an answer without objects                  0 rows  nothing to import",
    ]
