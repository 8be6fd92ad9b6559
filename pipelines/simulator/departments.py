"""What the company does: departments with their sizes, titles and habits with the apps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Department:
    """A department.

    `weight` is its share of the people, or their fixed number when `is_fixed`. `use` is the chance, in
    percent, that somebody at work uses Outlook, Word, Excel, PowerPoint, OneNote and Teams that day.
    """

    name: str
    weight: int
    head: str
    titles: tuple[str, ...]
    use: tuple[int, int, int, int, int, int]
    device: str = "windows"
    mac_percent: int = 8
    is_frontline: bool = False
    is_fixed: bool = False
    e5_percent: int = 0


DEPARTMENTS = (
    Department(
        "Executive Office",
        3,
        "Chief Executive Officer",
        ("Chief Financial Officer", "Executive Assistant"),
        (98, 40, 35, 55, 25, 80),
        is_fixed=True,
        e5_percent=100,
    ),
    Department(
        "Engineering",
        18,
        "Vice President Engineering",
        ("Software Engineer", "Senior Engineer", "QA Engineer", "Architect", "Product Manager"),
        (82, 24, 26, 12, 34, 95),
        mac_percent=45,
        e5_percent=15,
    ),
    Department(
        "Sales",
        17,
        "Vice President Sales",
        ("Account Executive", "Account Manager", "Sales Engineer", "Sales Operations Analyst"),
        (96, 34, 42, 46, 16, 68),
        e5_percent=10,
    ),
    Department(
        "Operations",
        14,
        "Head of Operations",
        ("Operations Specialist", "Supply Planner", "Logistics Coordinator", "Buyer"),
        (92, 28, 62, 10, 9, 48),
        mac_percent=2,
    ),
    Department(
        "Stores",
        13,
        "Head of Stores",
        ("Store Associate", "Shift Lead", "Store Manager"),
        (36, 4, 7, 2, 2, 74),
        device="mobile",
        is_frontline=True,
    ),
    Department(
        "Customer Service",
        11,
        "Head of Customer Service",
        ("Service Agent", "Senior Service Agent", "Team Coordinator"),
        (90, 22, 28, 5, 26, 78),
        mac_percent=2,
    ),
    Department(
        "Finance",
        8,
        "Head of Finance",
        ("Accountant", "Controller", "Payroll Specialist", "Financial Analyst"),
        (97, 38, 95, 26, 9, 42),
        mac_percent=2,
        e5_percent=40,
    ),
    Department(
        "Marketing",
        6,
        "Head of Marketing",
        ("Brand Manager", "Content Editor", "Campaign Manager", "Designer"),
        (95, 50, 34, 76, 21, 78),
        mac_percent=55,
    ),
    Department(
        "IT",
        5,
        "Head of IT",
        ("Systems Engineer", "Service Desk Analyst", "Security Analyst"),
        (92, 24, 36, 12, 52, 97),
        mac_percent=15,
        e5_percent=80,
    ),
    Department(
        "Human Resources",
        5,
        "Head of People",
        ("HR Business Partner", "Recruiter", "Learning Specialist"),
        (97, 66, 46, 30, 21, 58),
    ),
    Department(
        "Legal, Risk & Compliance",
        3,
        "General Counsel",
        ("Legal Counsel", "Compliance Officer", "Paralegal"),
        (98, 93, 24, 18, 15, 34),
        e5_percent=100,
    ),
)


def sizes(users: int) -> list[int]:
    """How many positions each department has, in the order of DEPARTMENTS; they add up to `users`."""
    fixed = [department.weight if department.is_fixed else 0 for department in DEPARTMENTS]
    if users < 40:
        fixed = [min(size, 1) for size in fixed]
    left = users - sum(fixed)
    weights = [0 if department.is_fixed else department.weight for department in DEPARTMENTS]
    shares = [left * weight / sum(weights) for weight in weights]
    whole = [int(share) for share in shares]
    by_rest = sorted(range(len(shares)), key=lambda index: (whole[index] - shares[index], index))
    for index in by_rest[: left - sum(whole)]:
        whole[index] += 1
    return [fixed[index] + whole[index] for index in range(len(whole))]
