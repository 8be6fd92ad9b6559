"""A tenant made of files: what lies in the folder goes over the wire as it is."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import requests

from pipelines.simulator import SimulatorServer, Tenant, TenantSpec

SPEC = TenantSpec(today=date(2026, 9, 14))
DAY = date(2026, 9, 10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    details = tmp_path / "reports" / "getM365AppUserDetail"
    counts = tmp_path / "reports" / "getM365AppUserCounts"
    details.mkdir(parents=True)
    counts.mkdir(parents=True)
    (details / f"{DAY}.csv").write_bytes(b"not, even\na report\xff")
    (details / "D7.csv").write_bytes(b"D7")
    (counts / "D30.csv").write_bytes(b"D30")
    users = [
        {"id": "b", "displayName": "B", "extra": 1, "manager": {"id": "z", "displayName": "Z"}},
        {"id": "a", "displayName": "Ä", "assignedLicenses": [{"skuId": "s", "disabledPlans": []}]},
    ]
    (tmp_path / "users.json").write_text(json.dumps({"value": users}), encoding="utf-8-sig")
    (tmp_path / "subscribedSkus.json").write_text(json.dumps([{"id": "t_s", "skuId": "s", "odd": True}]))
    (tmp_path / "reportSettings.json").write_text(json.dumps({"displayConcealedNames": True}))
    return tmp_path


def test_files_are_served_as_they_are(folder: Path) -> None:
    tenant = Tenant.from_fixtures(folder, SPEC)
    assert tenant.report_csv(DAY) == b"not, even\na report\xff"
    assert tenant.period_csv("D7") == b"D7"
    assert tenant.user_counts_csv("D30") == b"D30"
    assert [user["id"] for user in tenant.users()] == ["b", "a"]
    assert tenant.report_settings() == {"displayConcealedNames": True}


def test_what_is_absent_is_empty(folder: Path) -> None:
    tenant = Tenant.from_fixtures(folder, SPEC)
    empty = tenant.report_csv(date(2026, 9, 9))
    assert empty.startswith(b"\xef\xbb\xbfReport Refresh Date,User Principal Name,")
    assert empty.count(b"\r\n") == 1
    assert tenant.user_counts_csv("D7").count(b"\r\n") == 1
    assert tenant.deleted_users() == tenant.subscriptions() == tenant.organization() == tenant.groups() == []


def test_over_the_wire(folder: Path) -> None:
    with SimulatorServer(Tenant.from_fixtures(folder, SPEC)) as server, requests.Session() as session:
        session.verify = str(server.ca_bundle)
        session.trust_env = False
        form = {
            "grant_type": "client_credentials",
            "client_id": SPEC.client_id,
            "client_secret": SPEC.client_secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        token = session.post(f"{server.authority_url}/{SPEC.tenant_id}/oauth2/v2.0/token", data=form).json()
        session.headers["Authorization"] = f"Bearer {token['access_token']}"

        def get(path: str) -> requests.Response:
            return session.get(f"{server.graph_url}/v1.0{path}", timeout=5)

        assert get(f"/reports/getM365AppUserDetail(date={DAY})").content == b"not, even\na report\xff"
        assert get("/reports/getM365AppUserDetail(date=2026-09-13)").status_code == 400
        users = get("/users?$select=id,assignedLicenses,department&$expand=manager($select=displayName)").json()[
            "value"
        ]
        assert users == [
            {"id": "a", "assignedLicenses": [{"skuId": "s", "disabledPlans": []}], "department": None},
            {
                "id": "b",
                "assignedLicenses": None,
                "department": None,
                "manager": {"@odata.type": "#microsoft.graph.user", "id": "z", "displayName": "Z"},
            },
        ]
        assert get("/subscribedSkus").json()["value"] == [{"id": "t_s", "skuId": "s", "odd": True}]
        assert get("/admin/reportSettings").json()["displayConcealedNames"] is True
        assert get("/directory/subscriptions").json()["value"] == []
        assert get("/users/delta?$select=id").json()["value"] == [{"id": "a"}, {"id": "b"}]


def test_what_cannot_be_read_is_said(folder: Path) -> None:
    tenant = Tenant.from_fixtures(folder, SPEC)
    (folder / "subscriptions.json").write_text("{")
    with pytest.raises(ValueError, match=r"subscriptions\.json .* is not JSON"):
        tenant.subscriptions()
    (folder / "organization.json").write_text('"x"')
    with pytest.raises(ValueError, match="must hold a list"):
        tenant.organization()
    with pytest.raises(ValueError, match="no folder"):
        Tenant.from_fixtures(folder / "nowhere", SPEC)
    with pytest.raises(TypeError, match="no made-up people"):
        _ = tenant.truth
