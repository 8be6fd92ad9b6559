"""Licence periods when nobody syncs for days: as near the truth as what was seen allows, and never beyond it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.simulator import Tenant, TenantSpec
from tests.truth.conftest import MODELS_ONLY, periods
from tests.truth.expected import Company
from tests.truth.history import TODAY, simulate

# Mondays and Thursdays only, and for three weeks not at all.
PAUSE = (date(2026, 8, 24), date(2026, 9, 14))


def is_skipped(day: date) -> bool:
    return day != TODAY and (day.weekday() not in (0, 3) or PAUSE[0] <= day <= PAUSE[1])


@pytest.mark.soak
def test_periods_begin_when_the_service_says_and_end_when_it_was_seen(tmp_path: Path) -> None:
    tenant = Tenant(TenantSpec(seed=6, users=250, today=TODAY))
    history = simulate(tenant, tmp_path, 100, thrifty=True, settle_days=3, skip=is_skipped)
    history.rules_dir.mkdir()
    history.build(*MODELS_ONLY, "--select", "+license_assignment_history", "+users")
    company = Company(tenant, history.days[0])
    deleted = {person.user_id: person.deleted for person in company.truth.people}
    wanted = set()
    for held in company.assignments:
        seen = [day for day in history.days if held.covers(day)]
        if not seen:
            continue
        end = held.valid_to
        if end is not None and end != deleted[held.user_id]:
            # A licence that was taken away was missed at the next look; of a deletion the directory knows the day.
            end = next(day for day in history.days if day >= end)
        wanted.add((held.user_id, held.sku_id, held.assigned_by_group, held.valid_from, end))
    found = {(user, sku, group, begun, ended) for user, sku, group, _, _, _, begun, ended in periods(history)}
    assert found == wanted
    assert any(ended is not None and ended - timedelta(days=1) not in history.days for *_, ended in wanted)
