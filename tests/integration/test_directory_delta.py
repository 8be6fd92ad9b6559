"""Large tenants: changes instead of everybody, and everybody again when the link has expired."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pipelines.simulator import Tenant
from tests.integration.conftest import TODAY, Rig, tenant


def asked(rig: Rig) -> list[str]:
    """The reads of people since the log was emptied: full reads by page, delta reads."""
    paths = [record.path for record in rig.server.requests if record.path.startswith("/v1.0/users")]
    return ["delta" if "delta" in path else "full" for path in paths]


def known_people(rig: Rig) -> set[tuple]:
    """Who is there by the newest states: id, name, department, manager, account, licences."""
    return set(
        rig.query(
            """
            with newest as (
                select * from raw.users qualify row_number() over (partition by user_key order by observed_at desc) = 1
            )
            select user_id, user_principal_name, department, manager_id, account_enabled,
                (select count(*) from raw.user_licenses as l
                 where l.user_key = n.user_key and l.observed_at = n.observed_at)
            from newest as n where is_present
            """
        )
    )


def true_people(served: Tenant) -> set[tuple]:
    return {
        (
            user["id"], user["userPrincipalName"], user["department"], (user.get("manager") or {}).get("id"),
            user["accountEnabled"], len(user["licenseAssignmentStates"]),
        )
        for user in served.users()
    }  # fmt: skip


def test_changes_are_read_and_an_expired_link_leads_to_a_full_read(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(tenant())
    rig.overrides["delta_users"] = 10
    rig.extract()
    rig.load()
    assert "delta" not in asked(rig), "how large the tenant is is known after the first read"

    rig.server.requests.clear()
    rig.server.tenant = rig.server.tenant.with_today(TODAY + timedelta(days=1))
    rig.extract()
    rig.load()
    assert asked(rig)[0] == "delta", "the link is taken before the full read"
    assert "full" in asked(rig)

    for days in (3, 5):
        rig.server.requests.clear()
        rig.server.tenant = rig.server.tenant.with_today(TODAY + timedelta(days=days))
        rig.extract()
        rig.load()
        assert set(asked(rig)) == {"delta"}
        # A manager is told by full reads only; everything else follows the changes.
        assert {row[:3] + row[4:] for row in known_people(rig)} == {
            row[:3] + row[4:] for row in true_people(rig.server.tenant)
        }

    rig.server.requests.clear()
    rig.server.tenant = rig.server.tenant.with_today(TODAY + timedelta(days=20))
    rig.extract()
    rig.load()
    assert "full" in asked(rig), "everybody at least once a week"
    assert known_people(rig) == true_people(rig.server.tenant)


def test_a_refused_link_leads_to_a_full_read_in_the_same_run(make_rig: Callable[..., Rig]) -> None:
    from pipelines.simulator import Rule

    rig = make_rig(tenant())
    rig.overrides["delta_users"] = 10
    for days in (0, 1):
        rig.server.tenant = rig.server.tenant.with_today(TODAY + timedelta(days=days))
        rig.extract()
        rig.load()
    for status, code in ((400, "syncStateNotFound"), (410, "resyncRequired")):
        rig.server.faults.add(
            Rule(path=r"users/delta\?.*deltatoken=(?!latest)", status=status, code=code, message="Gone.")
        )
        rig.server.requests.clear()
        rig.extract()
        rig.load()
        assert {"delta", "full"} == set(asked(rig))
        assert known_people(rig) == true_people(rig.server.tenant)
