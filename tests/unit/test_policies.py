"""Policies: what the file may say, and whom each kind is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from unit_import import empty_warehouse

from pipelines.actions.plan import Target, in_order
from pipelines.actions.planning.making import make_plan, make_step
from pipelines.actions.policies.candidates import Directory, candidates, left_on, read_directory
from pipelines.actions.policies.file import Leaver, Policy, load_policies
from pipelines.actions.policies.run import PolicyResult, State
from pipelines.defs.actions.assets import metadata_of
from pipelines.notify.message import Mood
from pipelines.notify.policies import policy_message, tell_of_policies
from pipelines.settings import Settings
from pipelines.sign_in import SettingsError

ROOT = Path(__file__).resolve().parents[2]
TENANT = "t"
TODAY = date(2026, 10, 30)


def written(folder: Path, text: str) -> tuple[Policy, ...]:
    (folder / "policies.toml").write_text(text, encoding="utf-8")
    return load_policies(folder)


def one(folder: Path, text: str) -> Policy:
    (policy,) = written(folder, f'[[policy]]\nname = "p"\n{text}')
    return policy


# --- the file -----------------------------------------------------------------------------------------------


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert load_policies(tmp_path) == ()


def test_a_policy_only_plans_unless_it_says_more(tmp_path: Path) -> None:
    policy = one(tmp_path, 'kind = "disabled_licensed"')
    assert (policy.apply, policy.tenant, policy.limit(25)) == ("plan", None, 25)


@pytest.mark.parametrize(("said", "most", "limit"), [(10, 25, 10), (100, 25, 25), (None, 7, 7), (5, 0, 0)])
def test_no_policy_raises_the_limit(tmp_path: Path, said: int | None, most: int, limit: int) -> None:
    text = 'kind = "disabled_licensed"\n' + (f"max_changes = {said}" if said else "")
    assert one(tmp_path, text).limit(most) == limit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "vacation"', "line 1: there is no such kind; it is one of disabled_licensed"),
        ("days = 3", "line 1: kind is missing"),
        ('kind = "disabled_licensed"\ndaze = 3', "line 1: daze is nothing that this kind of policy has"),
        ('kind = "disabled_licensed"\ndays = -1', "days: Input should be greater than or equal to 0"),
        ('kind = "disabled_licensed"\napply = "always"', "apply: Input should be 'plan' or 'auto'"),
        ('kind = "disabled_licensed"\nmax_changes = 0', "max_changes: Input should be greater than or equal to 1"),
        ('kind = "left_department"\nskus = ["E3"]', "department is missing"),
        ('kind = "left_department"\ndepartment = "Sales"', "names neither skus nor groups"),
        ('kind = "joiner_without_licence"', "skus is missing"),
        ('kind = "leaver"\nmark = "department"', "needs a value"),
        ('kind = "leaver"\nmark = "disabled"\nvalue = "x"', "takes no value"),
        ("kind = ", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        one(tmp_path, text)
    assert words in str(refused.value)
    assert str(tmp_path / "policies.toml") in str(refused.value)


def test_the_line_is_that_of_the_policy(tmp_path: Path) -> None:
    good = '# policies\n\n[[policy]]\nname = "a"\nkind = "disabled_licensed"\n\n'
    with pytest.raises(SettingsError, match=r"policies.toml, line 7: name must be small letters"):
        written(tmp_path, good + '[[policy]]\nname = "B b"\nkind = "disabled_licensed"\n')
    with pytest.raises(SettingsError, match=r"line 7: another policy is called a, too"):
        written(tmp_path, good + '[[policy]]\nname = "a"\nkind = "disabled_licensed"\n')
    with pytest.raises(SettingsError, match=r"write each policy as a table of its own"):
        written(tmp_path, '[policies]\nname = "a"\n')


def test_the_example_can_be_used() -> None:
    found = load_policies(ROOT / "docs" / "rules")
    assert [policy.kind for policy in found] == [
        "disabled_licensed", "left_department", "joiner_without_licence", "leaver",
    ]  # fmt: skip
    assert {policy.apply for policy in found} == {"plan"}, "nobody copies an example and has things changed"


# --- whom they are about ------------------------------------------------------------------------------------

_STATES = """
insert into raw.users by name
select 't' as tenant_id, user_key, 'u' || user_key as user_id, observed_on + interval 5 hour as observed_at,
    observed_on, is_present, name || '@x.example' as user_principal_name, account_enabled, department, manager_id,
    'Member' as user_type, employee_type, created_at, 'h' as state_hash
from (values
    -- ann: disabled, enabled again, disabled since the 10th, changed on the 20th
    (1, date '2026-08-01', true, 'ann', false, 'Sales', 'm', null, timestamptz '2020-01-01 00:00:00+00'),
    (1, date '2026-09-01', true, 'ann', true, 'Sales', 'm', null, timestamptz '2020-01-01 00:00:00+00'),
    (1, date '2026-10-10', true, 'ann', false, 'Sales', 'm', null, timestamptz '2020-01-01 00:00:00+00'),
    (1, date '2026-10-20', true, 'ann', false, 'Sales', null, 'Left', timestamptz '2020-01-01 00:00:00+00'),
    -- bob: from Sales to Legal on the 15th; no manager was ever known
    (2, date '2026-08-01', true, 'bob', true, 'Sales', null, null, timestamptz '2020-01-01 00:00:00+00'),
    (2, date '2026-10-15', true, 'bob', true, 'Legal', null, null, timestamptz '2020-01-01 00:00:00+00'),
    -- cat: from Sales long ago, and on from Legal to Leavers lately
    (3, date '2026-07-01', true, 'cat', true, 'Sales', 'm', null, timestamptz '2020-01-01 00:00:00+00'),
    (3, date '2026-08-01', true, 'cat', true, 'Legal', 'm', null, timestamptz '2020-01-01 00:00:00+00'),
    (3, date '2026-10-25', true, 'cat', true, 'Leavers', 'm', null, timestamptz '2020-01-01 00:00:00+00'),
    -- dan: new, without licence; eve: new, with one; fay: new, disabled; gus: gone
    (4, date '2026-10-29', true, 'dan', true, 'sales', 'm', null, timestamptz '2026-10-28 09:00:00+00'),
    (5, date '2026-10-29', true, 'eve', true, 'Sales', 'm', null, timestamptz '2026-10-28 09:00:00+00'),
    (6, date '2026-10-29', true, 'fay', false, 'Sales', 'm', null, timestamptz '2026-10-28 09:00:00+00'),
    (7, date '2026-08-01', true, 'gus', false, 'Sales', 'm', null, timestamptz '2020-01-01 00:00:00+00'),
    (7, date '2026-10-29', false, 'gus', false, 'Sales', 'm', null, timestamptz '2020-01-01 00:00:00+00')
) as t (user_key, observed_on, is_present, name, account_enabled, department, manager_id, employee_type, created_at);
insert into raw.user_licenses by name
select 't' as tenant_id, user_key, observed_on + interval 5 hour as observed_at, sku_id, 'Active' as state
from (values (1, date '2026-10-20', 'E3'), (2, date '2026-10-15', 'e3'), (3, date '2026-10-25', 'e3'),
    (5, date '2026-10-29', 'e3'), (7, date '2026-08-01', 'e3')) as t (user_key, observed_on, sku_id);
create table main.license_inventory (tenant_id varchar, sku_id varchar, sku_part_number varchar, product_name varchar,
    is_free boolean, unit_price decimal(18, 6), currency varchar);
create table main.users (tenant_id varchar, user_key integer, account_kind varchar);
insert into main.users select * from (values ('t', 1, 'member'), ('t', 2, 'member'), ('t', 3, null));
insert into main.license_inventory values ('t', 'e3', 'SPE_E3', 'Microsoft 365 E3', false, 36, 'EUR');
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as con:
        con.execute("set timezone = 'UTC'")
        con.execute(_STATES)
        yield con


def directory(con: duckdb.DuckDBPyConnection, rules: Path) -> Directory:
    return read_directory(con, TENANT, rules, TODAY)


def about(con: duckdb.DuckDBPyConnection, rules: Path, text: str) -> list[str]:
    policy = one(rules, text)
    return [person.user_principal_name.split("@")[0] for person in candidates(policy, directory(con, rules))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('kind = "disabled_licensed"\ndays = 20', ["ann"]),
        ('kind = "disabled_licensed"\ndays = 21', []),
        ('kind = "left_department"\ndepartment = "sales "\nskus = ["SPE_E3"]', ["bob"]),
        ('kind = "left_department"\ndepartment = "Legal"\nskus = ["SPE_E3"]', ["cat"]),
        ('kind = "left_department"\ndepartment = "Sales"\ndays = 15\nskus = ["SPE_E3"]', []),
        ('kind = "joiner_without_licence"\nskus = ["SPE_E3"]', ["dan"]),
        ('kind = "joiner_without_licence"\nskus = ["SPE_E3"]\ndays = 2', []),
        ('kind = "joiner_without_licence"\nskus = ["SPE_E3"]\ndepartment = "Sales"', ["dan"]),
        ('kind = "joiner_without_licence"\nskus = ["SPE_E3"]\ndepartment = "Legal"', []),
        ('kind = "leaver"\nmark = "disabled"\ndays = 20', ["ann"]),
        ('kind = "leaver"\nmark = "manager_gone"', ["ann"]),
        ('kind = "leaver"\nmark = "manager_gone"\ndays = 11', []),
        ('kind = "leaver"\nmark = "department"\nvalue = "leavers"', ["cat"]),
        ('kind = "leaver"\nmark = "department"\nvalue = "leavers"\ndays = 6', []),
        ('kind = "leaver"\nmark = "employee_type"\nvalue = "left"', ["ann"]),
    ],
)
def test_whom_a_policy_is_about(con: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, names: list[str]) -> None:
    assert about(con, tmp_path, text) == names


def test_time_counts_from_the_last_change(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    people = {person.user_id: person for person in directory(con, tmp_path).people}
    assert "u7" not in people, "nobody who is gone"
    assert people["u1"].disabled_since == date(2026, 10, 10)
    leaver = one(tmp_path, 'kind = "leaver"\nmark = "employee_type"\nvalue = "Left"')
    assert isinstance(leaver, Leaver)
    assert left_on(leaver, people["u1"]) == date(2026, 10, 20)
    assert left_on(leaver, people["u2"]) is None


@pytest.mark.parametrize("kind", ["shared_mailbox", "room_mailbox", "service_account"])
def test_what_is_nobody_s_account_is_left_out(con: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str) -> None:
    """The account of a shared mailbox is disabled for good; a large one needs its licence."""
    con.execute("update main.users set account_kind = ? where user_key = 1", [kind])
    assert about(con, tmp_path, 'kind = "disabled_licensed"\ndays = 1') == []
    assert about(con, tmp_path, 'kind = "leaver"\nmark = "disabled"') == []
    con.execute("update main.users set account_kind = 'guest' where user_key = 1")
    assert about(con, tmp_path, 'kind = "disabled_licensed"\ndays = 1') == ["ann"]


def test_the_allow_list_keeps_people_and_licences(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = 'kind = "disabled_licensed"\ndays = 1'
    allow = tmp_path / "allow_list.csv"
    allow.write_text("user_name\nANN@x.example\n")
    assert about(con, tmp_path, text) == []
    allow.write_text("user_name,valid_until\nu1,2026-10-29\n")
    assert about(con, tmp_path, text) == ["ann"]
    allow.write_text("user_name,sku\nann@x.example,spe_e3\n")
    seen = directory(con, tmp_path)
    (ann,) = candidates(one(tmp_path, text), seen)
    assert seen.is_kept(ann, "e3")
    assert not seen.is_kept(ann, "f1")
    assert about(con, tmp_path, 'kind = "leaver"\nmark = "disabled"') == [], "a leaver is kept as a whole"


def test_products_by_part_number_or_id(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    seen = directory(con, tmp_path)
    assert seen.sku_ids(("spe_E3", "E3")) == {"e3"}
    assert seen.prices == {"e3": (Decimal("36.00"), "EUR")}
    with pytest.raises(SettingsError, match=r"The tenant has no product E5; it has: spe_e3"):
        seen.sku_ids(("E5",))


# --- what people and Dagster are told -----------------------------------------------------------------------


def a_result(tmp_path: Path, state: State, *, new: bool = True, problem: str | None = None) -> PolicyResult:
    settings = Settings(
        _env_file=None, tenant_id="11111111-2222-3333-4444-555555555555", client_id="c", client_secret="s",
        data_dir=tmp_path,
    )  # fmt: skip
    target = Target(user_id="u1", user_principal_name="ann@x.example", display_name="Ann")
    step = make_step("remove_license", target, {"sku_id": "e3"}, reason="the account is disabled",
                     saving=Decimal("36.00"), currency="EUR")  # fmt: skip
    plan = make_plan("t", {"kind": "policy-p", "policy": "p"}, in_order([step]))
    policy = one(tmp_path, 'kind = "disabled_licensed"\nmax_changes = 2')
    result = PolicyResult(policy, settings.tenants()[0], state, new=[plan] if new else [], limit=2, problem=problem)
    result.steps_left = len(result.new)
    return result


def test_people_are_told_in_counts(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    result = a_result(tmp_path, State.WAITING)
    message = policy_message(settings, [result])
    assert message.title == "Policies: 1 new plan waits for somebody to look at"
    assert message.mood is Mood.ACTIONS
    assert "36.00 EUR" in message.as_text()
    assert "ann" not in message.as_text().lower().replace("plan", "")
    failed = policy_message(settings, [a_result(tmp_path, State.FAILED, problem="ann@x.example is not there.")])
    assert failed.mood is Mood.PROBLEM
    assert "ann@" not in failed.as_text()


def test_nobody_is_told_twice_or_of_nothing(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, notify_teams_url="http://no.example/")
    assert tell_of_policies(settings, [a_result(tmp_path, State.WAITING, new=False)]) == []
    warnings = tell_of_policies(settings, [a_result(tmp_path, State.WAITING)])
    assert len(warnings) == 1
    assert "https" in warnings[0], "it was to be sent, and what did not arrive is said"


def test_dagster_shows_counts_savings_and_the_plan(tmp_path: Path) -> None:
    result = a_result(tmp_path, State.OVER_LIMIT)
    metadata = metadata_of([result], tmp_path)
    assert (metadata["new_plans"], metadata["new_steps"], metadata["changes"]) == (1, 1, 0)
    assert metadata["planned_monthly_saving_EUR"] == 36
    assert "| 001 | 1 | remove direct licence | e3 | 36.00 EUR |" in metadata["plans"].value
    assert "ann@" not in str(metadata), "Dagster keeps it for good"
    assert "Ann" not in str(metadata)
    (record,) = metadata["policies"].records
    assert record.data["state"] == "over_limit"
    assert metadata_of([], tmp_path)["policies"] == "There are no policies."
