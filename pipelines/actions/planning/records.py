"""The records of joiners: CSV with one row a person, or JSON with one object or a list of them.

Columns: mail, display_name, and as wished given_name, surname, department, job_title, office_location, company_name,
employee_id, usage_location, manager, groups, licences. Several groups or licences are separated by semicolons in CSV
and are a list in JSON.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from pipelines.sign_in import SettingsError

_MAIL = re.compile(r"^[^@\s,;<>\"#]+@[^@\s,;<>\"#]+\.[^@\s,;<>\"#]+$")
_ALIASES = {"licenses": "licences", "user_principal_name": "mail", "upn": "mail", "name": "display_name"}


class JoinerRecord(BaseModel):
    """One joiner. mail becomes the user principal name; manager, groups and licences are as people write them."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    mail: str
    display_name: str
    given_name: str | None = None
    surname: str | None = None
    department: str | None = None
    job_title: str | None = None
    office_location: str | None = None
    company_name: str | None = None
    employee_id: str | None = None
    usage_location: str | None = None
    manager: str | None = None
    groups: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()

    @field_validator("mail")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not _MAIL.match(value):
            raise ValueError("must be a mail address; it becomes the name with which the person signs in")
        return value

    @field_validator("display_name")
    @classmethod
    def _is_named(cls, value: str) -> str:
        if not value:
            raise ValueError("is missing")
        return value

    @field_validator("usage_location")
    @classmethod
    def _is_country(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[A-Za-z]{2}", value):
            raise ValueError("must be a country's two letters, such as DE")
        return value.upper() if value else None

    @field_validator("groups", "licences", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(";") if part.strip())
        return tuple(value) if isinstance(value, list) else value

    def graph_properties(self) -> dict[str, str]:
        """What the account is made with, by Graph's names."""
        named = {
            "displayName": self.display_name,
            "givenName": self.given_name,
            "surname": self.surname,
            "department": self.department,
            "jobTitle": self.job_title,
            "officeLocation": self.office_location,
            "companyName": self.company_name,
            "employeeId": self.employee_id,
            "usageLocation": self.usage_location,
        }
        return {name: value for name, value in named.items() if value}


def read_joiners(path: Path) -> list[JoinerRecord]:
    """The joiners of a file. Raises SettingsError naming the row and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}."
        ) from None
    rows = _json_rows(path, text) if text.lstrip().startswith(("{", "[")) else _csv_rows(text)
    found = [_record(path, number, row) for number, row in enumerate(rows, 1)]
    if not found:
        raise SettingsError(f"{path} names nobody.")
    names = [record.mail.lower() for record in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise SettingsError(f"{path} names {twice} twice.")
    return found


def _json_rows(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{path} is no valid JSON: {error}.") from None
    rows = content if isinstance(content, list) else [content]
    if not all(isinstance(row, dict) for row in rows):
        raise SettingsError(f"{path} must hold an object for each person.")
    return rows


def _csv_rows(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text), restkey="", restval=None))


def _record(path: Path, number: int, row: dict[str, Any]) -> JoinerRecord:
    named = {str(key or "").strip().lower().replace(" ", "_"): value for key, value in row.items()}
    given = {_ALIASES.get(key, key): value for key, value in named.items() if value not in (None, "")}
    try:
        return JoinerRecord.model_validate(given)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        key, kind = str(problem["loc"][0]) if problem["loc"] else "", problem["type"]
        words = problem["msg"].removeprefix("Value error, ")
        if kind == "missing":
            words = "is missing"
        elif kind == "extra_forbidden":
            words = f"is no column that is known; there are: {', '.join(JoinerRecord.model_fields)}"
        raise SettingsError(f"{path}, person {number}: {key or 'a cell too many'} {words}.") from None
