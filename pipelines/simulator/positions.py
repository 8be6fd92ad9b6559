"""The positions of the company: departments, countries, managers, and what is special about each."""

from __future__ import annotations

from dataclasses import replace

from pipelines.simulator import dice, names
from pipelines.simulator.departments import DEPARTMENTS, Department, sizes
from pipelines.simulator.people import Position
from pipelines.simulator.places import BY_CODE, COUNTRIES

TEAM_SIZE = 9
STAFF_TURNOVER = 0.15
SEASONAL_LINES = 4
SEASONAL_FROM_USERS = 200

OFFICE_TRAITS: tuple[tuple[str, float], ...] = (
    ("never_used", 0.02),
    ("activated_never_used", 0.015),
    ("idle", 0.03),
    ("teams_only", 0.05),
    ("web_mobile", 0.03),
    ("web_only", 0.03),
    ("mac_only", 0.05),
    ("part_timer", 0.07),
    ("on_leave", 0.02),
    ("contractor", 0.02),
)
"""What is special about office people and how many of them it concerns; at least one where there is room."""

PRODUCTS: tuple[tuple[str, float], ...] = (
    ("copilot_refused", 0.003),
    ("visio", 0.04),
    ("copilot", 0.08),
    ("overlap", 0.015),
    ("twice", 0.03),
    ("project", 0.025),
    ("visio_even", 0.02),
    ("visio_odd", 0.02),
    ("e5_loan", 0.01),
    ("with_error", 0.003),
)
"""Licences of permanent office people beyond the base, and how many hold them; at least one of each.

`copilot_refused` wants a seat that is not there; `overlap` holds E5 by group and E3 directly; `twice` holds
E3 both ways; `visio_even` and `visio_odd` pass the same seats to and fro every quarter; `e5_loan` has E5 for
one quarter and E3 for the next; `with_error` has E3 by group with a plan that could not be given.
"""


def lay_out(seed: int, users: int) -> list[Position]:
    """Every position of a company of this size."""
    positions = [
        position
        for department, size in zip(DEPARTMENTS, sizes(users), strict=True)
        for position in _department_positions(seed, department, size)
    ]
    positions = [replace(position, index=index) for index, position in enumerate(positions)]
    positions = _with_managers(positions)
    return _with_traits(seed, _with_turnover(seed, positions))


def _department_positions(seed: int, department: Department, size: int) -> list[Position]:
    made = []
    for number in range(size):
        parts = (seed, department.name, number)
        ticket = dice.between(1, sum(country.weight for country in COUNTRIES), *parts, "country")
        country = COUNTRIES[-1]
        for candidate in COUNTRIES:
            ticket -= candidate.weight
            if ticket <= 0:
                country = candidate
                break
        city, office = dice.pick(country.offices, *parts, "office")
        is_mac = dice.between(0, 99, *parts, "device") < department.mac_percent
        made.append(
            Position(
                index=-1,
                department=department,
                title=department.head if number == 0 else dice.pick(department.titles, *parts, "title"),
                country=country.code,
                city=city,
                office=office,
                is_studio=department.name == "Customer Service" and country.code in ("BR", "PL", "UA"),
                manager=None,
                traits=frozenset(),
                device="mac" if is_mac and department.device == "windows" else department.device,
            )
        )
    return made


def _with_managers(positions: list[Position]) -> list[Position]:
    """The first of the company leads it, the first of a department leads that, and each team has a lead."""
    managed: list[Position] = []
    head = lead = 0
    for position in positions:
        is_head = position.index == 0 or position.department != positions[position.index - 1].department
        if is_head:
            head = lead = position.index
            manager = None if position.index == 0 else 0
        elif (position.index - head) % TEAM_SIZE == 0:
            lead, manager = position.index, head
        else:
            manager = lead
        managed.append(replace(position, manager=manager))
    return managed


def _with_turnover(seed: int, positions: list[Position]) -> list[Position]:
    leaders = {position.manager for position in positions}
    free = [p.index for p in positions if p.index not in leaders and p.department and not p.department.is_fixed]
    free = dice.shuffled(free, seed, "turnover")
    changed = list(positions)
    seasonal: list[int] = []
    if len(positions) >= SEASONAL_FROM_USERS:
        seasonal = [index for index in free if _is_frontline(positions[index])][:SEASONAL_LINES]
        for line, index in enumerate(seasonal):
            changed[index] = replace(positions[index], turnover=line, traits=frozenset({"seasonal"}))
    wanted = min(max(5, round(STAFF_TURNOVER * len(positions))), len(positions) // 3)
    staff = [index for index in free if index not in seasonal][:wanted]
    for line, index in enumerate(staff):
        changed[index] = replace(positions[index], turnover=line)
    return changed


def _with_traits(seed: int, positions: list[Position]) -> list[Position]:
    changed = list(positions)
    leaders = {position.manager for position in positions}
    plain = [
        p.index
        for p in positions
        if p.turnover is None
        and p.index not in leaders
        and p.department
        and not p.department.is_fixed
        and not _is_frontline(p)
    ]
    queue = dice.shuffled(plain, seed, "traits")
    devices = {"web_mobile": "web_mobile", "web_only": "web", "mac_only": "mac"}
    for trait, share in OFFICE_TRAITS:
        count = max(1, round(share * len(positions)))
        chosen, queue = queue[:count], queue[count:]
        for index in chosen:
            device = devices.get(trait, positions[index].device)
            changed[index] = replace(positions[index], traits=frozenset({trait}), device=device)
    for member, index in zip(names.CAST, queue, strict=False):
        changed[index] = _cast_as(positions[index], member)
    queue = dice.shuffled((index for index in plain if not changed[index].is_studio), seed, "products")
    for product, share in PRODUCTS:
        count = max(1, round(share * len(positions)))
        chosen, queue = queue[:count], queue[count:]
        for index in chosen:
            changed[index] = replace(changed[index], products=frozenset({product}))
    return changed


def _cast_as(position: Position, member: names.CastMember) -> Position:
    city, office = BY_CODE[member.country].offices[0]
    return replace(
        position,
        country=member.country,
        city=city,
        office=member.office or office,
        title=member.job_title or position.title,
        is_studio=False,
        cast=member,
    )


def _is_frontline(position: Position) -> bool:
    return position.department is not None and position.department.is_frontline
