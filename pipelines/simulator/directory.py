"""The directory as Graph's JSON: users, deleted users, licensing groups, the organization."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pipelines.simulator import dice, skus
from pipelines.simulator.accounts import initial_domain
from pipelines.simulator.activity import Activity
from pipelines.simulator.groups import PLAIN_GROUPS, SYNCED_LICENSE_GROUPS
from pipelines.simulator.licensing import GROUPS, Assignment, Licensing, group_id
from pipelines.simulator.people import Person
from pipelines.simulator.places import BY_CODE
from pipelines.simulator.roster import Roster
from pipelines.simulator.spec import TenantSpec

Json = dict[str, Any]

NO_CREATED_DATE_BEFORE = date(2018, 6, 1)
"""Accounts older than about that may have no `createdDateTime` (Graph's description of user)."""
ADMIN_ROLES = ("Global Administrator", "User Administrator")


class Directory:
    """The tenant's directory on `spec.today`."""

    def __init__(self, spec: TenantSpec, roster: Roster, licensing: Licensing, activity: Activity) -> None:
        self._spec = spec
        self._roster = roster
        self._licensing = licensing
        self._activity = activity

    def users(self, day: date) -> list[Json]:
        """Every user of the day with all modelled properties, ordered by object id."""
        people = sorted(self._roster.people_on(day), key=lambda person: person.user_id)
        return [self._user(person, day) for person in people]

    def assignment_states(self, person: Person, day: date) -> list[Json]:
        """Somebody's `licenseAssignmentStates` on the day."""
        return [self._state(assignment, person) for assignment in self._licensing.on(person, day)]

    def deleted_users(self, day: date) -> list[Json]:
        """The users among the deleted items of the day, ordered by object id."""
        people = [p for p in self._roster.people_between(day, day) if p.is_deleted_item_on(day)]
        found = []
        for person in sorted(people, key=lambda person: person.user_id):
            user = self._user(person, day)
            user["userPrincipalName"] = person.user_id.replace("-", "") + user["userPrincipalName"]
            user["deletedDateTime"] = self._instant(person.deleted or day, person.key, "deleted")
            user |= {"assignedLicenses": [], "assignedPlans": [], "licenseAssignmentStates": []}
            user.pop("manager", None)
            found.append(user)
        return found

    def organization(self) -> list[Json]:
        """`/organization`: one entry."""
        spec = self._spec

        def domain(name: str, is_default: bool, is_initial: bool) -> Json:
            return {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": is_default,
                "isInitial": is_initial,
                "name": name,
                "type": "Managed",
            }

        return [
            {
                "id": spec.tenant_id,
                "deletedDateTime": None,
                "businessPhones": ["+1 425 555 0100"],
                "city": "Seattle",
                "country": "United States",
                "countryLetterCode": "US",
                "createdDateTime": "2014-02-10T08:00:00Z",
                "defaultUsageLocation": "US",
                "displayName": spec.display_name,
                "onPremisesSyncEnabled": True,
                "preferredLanguage": "en",
                "technicalNotificationMails": [f"it@{spec.domain}"],
                "tenantType": "AAD",
                "verifiedDomains": [
                    domain(spec.domain, True, False),
                    domain(f"studio.{spec.domain}", False, False),
                    domain(initial_domain(spec), False, True),
                ],
            }
        ]

    def admins(self) -> dict[str, str]:
        """Object id → the administrator role of the people who hold one: the head of IT and one of the staff."""
        staff = [p for p in self._roster.positions if p.department and p.department.name == "IT" and p.turnover is None]
        found = self._roster.permanent_people(staff[:2])
        return {person.user_id: role for person, role in zip(found, ADMIN_ROLES, strict=False)}

    def groups(self) -> list[Json]:
        """The groups that licences are given through, and some others, ordered by object id."""
        groups: list[Json] = [
            {
                "id": group_id(self._spec, name),
                "displayName": name,
                "description": f"Members get {sku.part_number}",
                "mailEnabled": False,
                "mailNickname": name.lower(),
                "securityEnabled": True,
                "groupTypes": [],
                "createdDateTime": "2019-05-06T07:30:00Z",
                "assignedLicenses": [{"skuId": sku.sku_id, "disabledPlans": []}],
                **({"onPremisesSyncEnabled": True} if name in SYNCED_LICENSE_GROUPS else {}),
            }
            for name, sku in GROUPS.items()
        ]
        for plain in PLAIN_GROUPS:
            made = {"createdDateTime": "2019-05-06T07:30:00Z", "assignedLicenses": []}
            named = {"id": group_id(self._spec, plain.name), "displayName": plain.name}
            groups.append({**named, **plain.properties, **made})
        return sorted(groups, key=lambda group: str(group["id"]))

    def _instant(self, day: date, *parts: object) -> str:
        seconds = dice.between(6 * 3600, 20 * 3600, self._spec.seed, "instant", day, *parts)
        return f"{day}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"

    def _user(self, person: Person, day: date) -> Json:
        name, position = person.name_on(day), person.position
        country = BY_CODE[position.country]
        employed = person.is_employee
        held = self._licensing.on(person, day)
        draw = dice.number(self._spec.seed, "profile", person.key)
        is_undated = person.created < NO_CREATED_DATE_BEFORE and draw % 3 == 0
        guest_mail = name.upn.split("#EXT#")[0].replace("_", "@", 1)
        company = f"{self._spec.display_name} Studio" if position.is_studio else self._spec.display_name
        user: Json = {
            "id": person.user_id,
            "accountEnabled": person.is_enabled_on(day),
            "assignedLicenses": _assigned_licenses(held),
            "assignedPlans": self._assigned_plans(held),
            "businessPhones": [f"+1 425 555 {draw % 10000:04}"] if employed and draw % 3 else [],
            "city": position.city or None,
            "companyName": company if employed else None,
            "country": country.name if employed else None,
            "createdDateTime": None if is_undated else self._instant(person.created, person.key, "created"),
            "deletedDateTime": None,
            "department": department_of(self._spec.seed, person),
            "displayName": name.display_name,
            "employeeId": person.employee_id,
            "employeeType": ("Contractor" if "contractor" in position.traits else "Employee") if employed else None,
            "givenName": name.given_name or None,
            "jobTitle": position.title or None,
            "licenseAssignmentStates": [self._state(assignment, person) for assignment in held],
            "mail": (guest_mail if person.user_type == "Guest" else name.upn) if person.has_mail else None,
            "mailNickname": name.upn.split("@")[0].replace("#", ""),
            "mobilePhone": f"+1 206 555 {draw // 7 % 10000:04}" if employed and draw % 5 == 0 else None,
            "officeLocation": position.office or None,
            "onPremisesSyncEnabled": True if person.is_synced else None,
            "preferredLanguage": country.language if employed else None,
            "proxyAddresses": self._proxy_addresses(person, day),
            "surname": name.surname or None,
            "usageLocation": country.code if held or employed else None,
            "userPrincipalName": name.upn,
            "userType": person.user_type,
        }
        activity = self._sign_in_activity(person, day)
        if activity is not None:
            user["signInActivity"] = activity
        manager = self._roster.manager_of(person, day)
        if manager is not None:
            named = manager.name_on(day)
            user["manager"] = {
                "@odata.type": "#microsoft.graph.user",
                "id": manager.user_id,
                "displayName": named.display_name,
                "userPrincipalName": named.upn,
            }
        return user

    def _proxy_addresses(self, person: Person, day: date) -> list[str]:
        if not person.has_mail or person.user_type == "Guest":
            return []
        current = person.name_on(day)
        addresses = [f"SMTP:{current.upn}"]
        if person.keeps_alias:
            addresses += [f"smtp:{past.upn}" for past in person.names if past.valid_to and past.valid_to <= day]
        local = current.upn.split("@")[0].lower()
        addresses.append(f"smtp:{local}@{initial_domain(self._spec)}")
        return addresses

    def _assigned_plans(self, held: list[Assignment]) -> list[Json]:
        plans: dict[str, Json] = {}
        for assignment in held:
            if not assignment.is_held:
                continue
            for name, plan_id in list(skus.BY_ID[assignment.sku_id].plan_ids.items())[: skus.MAX_ASSIGNED_PLANS]:
                is_off = name in assignment.disabled_plans
                plans.setdefault(
                    plan_id,
                    {
                        "assignedDateTime": f"{assignment.valid_from}T08:00:00Z",
                        "capabilityStatus": "Deleted" if is_off else "Enabled",
                        "service": skus.service_of(name),
                        "servicePlanId": plan_id,
                    },
                )
        return list(plans.values())

    def _state(self, assignment: Assignment, person: Person) -> Json:
        return {
            "skuId": assignment.sku_id,
            "disabledPlans": [skus.PLAN_IDS[name] for name in assignment.disabled_plans],
            "assignedByGroup": assignment.assigned_by_group,
            "state": assignment.state,
            "error": assignment.error,
            "lastUpdatedDateTime": self._instant(assignment.valid_from, person.key, assignment.sku_id),
        }

    def _sign_in_activity(self, person: Person, day: date) -> Json | None:
        """None for somebody who never signed in: Graph then leaves the property out."""
        yesterday = day - timedelta(days=1)
        latest = self._activity.last_active(person, yesterday)
        if latest is None:
            latest = self._activity.last_activated(person, yesterday)
        if latest is None:
            return None
        succeeded = self._instant(latest, person.key, "sign-in")

        def request(kind: str) -> str:
            return dice.guid(self._spec.seed, "sign-in", person.key, latest, kind)

        return {
            "lastSignInDateTime": succeeded,
            "lastSignInRequestId": request("attempt"),
            "lastNonInteractiveSignInDateTime": self._instant(latest, person.key, "refresh"),
            "lastNonInteractiveSignInRequestId": request("refresh"),
            "lastSuccessfulSignInDateTime": succeeded,
            "lastSuccessfulSignInRequestId": request("success"),
        }


def department_of(seed: int, person: Person) -> str | None:
    """The department as the directory has it: now and then nobody filled it in."""
    department = person.position.department
    if department is None or dice.number(seed, "no department", person.key) % 37 == 0:
        return None
    return department.name


def _assigned_licenses(held: list[Assignment]) -> list[Json]:
    """Each product once; a service plan is off only where every source switches it off."""
    by_sku: dict[str, set[str]] = {}
    for assignment in held:
        if assignment.is_held:
            off = set(assignment.disabled_plans)
            by_sku[assignment.sku_id] = by_sku.get(assignment.sku_id, off) & off
    return [
        {"disabledPlans": [skus.PLAN_IDS[name] for name in sorted(off)], "skuId": sku_id}
        for sku_id, off in by_sku.items()
    ]
