"""Accounts with no employee behind them: guests, shared mailboxes, rooms, service accounts."""

from __future__ import annotations

from datetime import date, timedelta

from pipelines.simulator import dice, names
from pipelines.simulator.people import NamePeriod, Person, Position
from pipelines.simulator.places import COUNTRIES
from pipelines.simulator.spec import TenantSpec

FIRST_CREATED = date(2015, 1, 1)
CREATED_SPAN_DAYS = 3400


def initial_domain(spec: TenantSpec) -> str:
    """The domain that every tenant is born with, here under a reserved name."""
    return f"{spec.domain.split('.')[0]}.onmicrosoft.example"


def other_accounts(spec: TenantSpec) -> list[Person]:
    """About one account for every six positions."""
    accounts: list[Person] = []
    for number in range(max(2, round(spec.users * 0.08))):
        accounts.append(_guest(spec, number))
    for number in range(max(2, round(spec.users * 0.04))):
        local, shown = names.SHARED_MAILBOXES[number % len(names.SHARED_MAILBOXES)]
        accounts.append(_mailbox(spec, "shared_mailbox", number, local, shown, len(names.SHARED_MAILBOXES)))
    for number in range(max(1, round(spec.users * 0.02))):
        room = names.ROOMS[number % len(names.ROOMS)]
        local = "room-" + "-".join(room.lower().replace(".", "").split())
        accounts.append(_mailbox(spec, "room_mailbox", number, local, f"Room {room}", len(names.ROOMS)))
    for number in range(max(1, round(spec.users * 0.015))):
        local, shown = names.SERVICE_ACCOUNTS[number % len(names.SERVICE_ACCOUNTS)]
        accounts.append(_mailbox(spec, "service_account", number, local, shown, len(names.SERVICE_ACCOUNTS)))
    return accounts


def _place(kind: str, number: int, country: str) -> Position:
    return Position(
        index=-1 - number,
        department=None,
        title="",
        country=country,
        city="",
        office="",
        is_studio=False,
        manager=None,
        traits=frozenset({kind}),
        device="web",
    )


def _created(spec: TenantSpec, key: str) -> date:
    return FIRST_CREATED + timedelta(days=dice.between(0, CREATED_SPAN_DAYS, spec.seed, "account", key))


def _guest(spec: TenantSpec, number: int) -> Person:
    key = f"g{number}"
    country = dice.pick(COUNTRIES, spec.seed, "guest", key)
    given, plain_given = dice.pick(country.first_names, spec.seed, "first", key)
    surname, plain_surname = dice.pick(country.last_names, spec.seed, "last", key)
    partner = names.GUEST_DOMAINS[number % len(names.GUEST_DOMAINS)]
    suffix = "" if number < len(names.GUEST_DOMAINS) else str(number)
    upn = f"{plain_given}.{plain_surname}{suffix}_{partner}#EXT#@{initial_domain(spec)}"
    created = _created(spec, key)
    return Person(
        key,
        dice.guid(spec.seed, spec.tenant_id, "user", key),
        _place("guest", number, country.code),
        (NamePeriod(upn, given, surname, f"{given} {surname}", created, None),),
        created,
        user_type="Guest",
    )


def _mailbox(spec: TenantSpec, kind: str, number: int, local: str, shown: str, pool: int) -> Person:
    key = f"{kind[0]}{kind.split('_')[1][0]}{number}"
    round_number = number // pool
    if round_number:
        local, shown = f"{local}{round_number + 1}", f"{shown} {round_number + 1}"
    created = _created(spec, key)
    return Person(
        key,
        dice.guid(spec.seed, spec.tenant_id, "user", key),
        _place(kind, number, COUNTRIES[0].code),
        (NamePeriod(f"{local}@{spec.domain}", "", "", shown, created, None),),
        created,
        is_account_enabled=kind == "service_account",
        has_mail=kind != "service_account",
    )
