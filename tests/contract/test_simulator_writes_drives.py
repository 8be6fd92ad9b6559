"""OneDrive of the simulated tenant: files drawn from the seed, folders made, copies with a monitor, permissions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from pipelines.simulator import ACTIONS_APP, Limits, Pace, SimulatorServer, Tenant, TenantSpec
from pipelines.simulator.drive_tree import drive_kind
from pipelines.simulator.drives import set_quota
from tests.contract.writing import Answer, Json, Writer, refusal

TODAY = date(2026, 9, 14)
SPEC = TenantSpec(users=120, today=TODAY)
CONFLICT = "@microsoft.graph.conflictBehavior"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[SimulatorServer]:
    with SimulatorServer(Tenant(SPEC), Limits.generous(), clock=clock, pace=Pace(0, 10, 0.01)) as running:
        yield running


def owners(tenant: Tenant, kind: str = "usual") -> list[Json]:
    """Employees with a licence that carries OneDrive and a drive of this kind."""
    people = [u for u in tenant.users() if u["employeeId"] and u["assignedLicenses"] and u["accountEnabled"]]
    return [u for u in people if drive_kind(SPEC.seed, u["id"]) == kind]


class Files:
    """The drive of one user."""

    def __init__(self, writer: Writer, user: Json) -> None:
        self.writer = writer
        self.drive = writer.get(f"/users/{user['id']}/drive")
        self.path = f"/drives/{self.drive['id']}"
        self.root = writer.get(f"{self.path}/root")

    def children(self, item: Json | None = None, top: int = 999) -> list[Json]:
        return self.writer.items(f"{self.path}/items/{(item or self.root)['id']}/children?$top={top}")

    def tree(self, item: Json | None = None) -> dict[str, int]:
        """Path → bytes of every file and notebook below an item."""
        found: dict[str, int] = {}
        for child in self.children(item):
            if "folder" in child:
                found |= {f"{child['name']}/{path}": size for path, size in self.tree(child).items()}
            else:
                found[child["name"]] = child["size"]
        return found

    def folder(self, name: str, conflict: str = "fail", parent: Json | None = None) -> Answer:
        body = {"name": name, "folder": {}, CONFLICT: conflict}
        return self.writer.ask("POST", f"{self.path}/items/{(parent or self.root)['id']}/children", body)

    def copy(self, item: Json, to: Files, parent: Json, conflict: str | None = None, **more: Any) -> Answer:
        query = f"?{CONFLICT}={conflict}" if conflict else ""
        body = {"parentReference": {"driveId": to.drive["id"], "id": parent["id"]}, **more}
        return self.writer.ask("POST", f"{self.path}/items/{item['id']}/copy{query}", body)


def state(writer: Writer, started: Answer) -> Json:
    """What the monitor tells somebody without a token."""
    assert started.status_code == 202, started.text
    return dict(writer.session.get(started.headers["Location"], timeout=10).json())


def done(writer: Writer, clock: Clock, started: Answer) -> Json:
    assert started.status_code == 202, started.text
    clock.now += 300
    return state(writer, started)


@pytest.fixture
def pair(server: SimulatorServer, writer: Writer) -> tuple[Files, Files]:
    one, two = owners(server.tenant)[:2]
    return Files(writer, one), Files(writer, two)


def file_in(files: Files) -> Json:
    return next(item for item in files.children() if "file" in item)


def folder_in(files: Files) -> Json:
    return next(item for item in files.children() if "folder" in item and item["folder"]["childCount"] > 1)


def test_a_drive_its_root_and_its_quota(server: SimulatorServer, writer: Writer) -> None:
    user = owners(server.tenant)[0]
    files = Files(writer, user)
    assert files.drive["driveType"] == "business"
    assert files.drive["owner"]["user"]["id"] == user["id"]
    assert files.drive == writer.get(files.path)
    quota = files.drive["quota"]
    assert (quota["state"], quota["used"] + quota["remaining"]) == ("normal", quota["total"])
    assert quota["used"] == files.root["size"] == sum(files.tree().values()) > 0
    assert files.root["root"] == {}
    assert "id" not in files.root["parentReference"]
    assert files.root == writer.get(f"{files.path}/items/root") == writer.get(f"/users/{user['id']}/drive/root")


def test_children_come_in_pages_and_lie_where_they_say(pair: tuple[Files, Files]) -> None:
    files = pair[0]
    children = files.children()
    assert files.root["folder"]["childCount"] == len(children) > 3
    assert files.children(top=2) == children
    assert len({c["id"] for c in children}) == len({c["name"].lower() for c in children}) == len(children)
    folder = folder_in(files)
    inside = files.children(folder)
    assert folder["folder"]["childCount"] == len(inside)
    assert folder["size"] == sum(files.tree(folder).values())
    item = inside[0]
    reference = item["parentReference"]
    assert (reference["driveId"], reference["id"], reference["name"]) == (
        files.drive["id"],
        folder["id"],
        folder["name"],
    )
    assert reference["path"] == f"{files.path}/root:/{folder['name']}"
    assert files.writer.get(f"{files.path}/items/{item['id']}") == files.writer.get(
        f"{files.path}/root:/{folder['name']}/{item['name']}:"
    )
    some = files.writer.get(f"{files.path}/items/{folder['id']}/children?$select=id,name&$top=1")
    assert set(some["value"][0]) == {"id", "name"}
    assert all(len(item["id"]) == 34 for item in children)


def test_the_same_files_in_every_process_and_on_every_day(server: SimulatorServer, pair: tuple[Files, Files]) -> None:
    before = pair[0].children()
    again = Tenant(replace(SPEC, today=date(2026, 10, 1)))
    with SimulatorServer(again, Limits.generous()) as other:
        writer = Writer(other)
        assert writer.items(f"{pair[0].path}/items/{pair[0].root['id']}/children") == before


def test_nobody_opened_it_or_nobody_may(server: SimulatorServer, writer: Writer) -> None:
    unopened = owners(server.tenant, "never")[0]
    mysite = (404, "ResourceNotFound", "User's mysite not found.")
    assert refusal(writer.ask("GET", f"/users/{unopened['id']}/drive")) == mysite
    unlicensed = next(u for u in server.tenant.users() if not u["assignedLicenses"])
    assert refusal(writer.ask("GET", f"/users/{unlicensed['id']}/drive")) == mysite
    assert refusal(writer.ask("GET", "/users/nobody/drive"))[:2] == (404, "Request_ResourceNotFound")
    assert refusal(writer.ask("GET", "/drives/nothing"))[:2] == (400, "invalidRequest")
    files = Files(writer, owners(server.tenant)[0])
    assert refusal(writer.ask("GET", f"{files.path}/items/01ABC"))[:2] == (404, "itemNotFound")
    reader = Writer(server, server.tenant.spec.apps[0])
    for method, path in (("GET", files.path), ("POST", f"{files.path}/items/root/copy")):
        assert refusal(reader.ask(method, path, {} if method == "POST" else None)) == (
            403,
            "accessDenied",
            "Access denied",
        )


def test_reading_files_is_not_writing_files() -> None:
    app = replace(ACTIONS_APP, permissions=frozenset({"Files.Read.All", "User.Read.All"}))
    with SimulatorServer(Tenant(replace(SPEC, actions_app=app)), Limits.generous()) as server:
        writer = Writer(server)
        files = Files(writer, owners(server.tenant)[0])
        assert refusal(files.folder("New"))[:2] == (403, "accessDenied")


def test_the_files_stay_when_the_licence_goes(server: SimulatorServer, writer: Writer) -> None:
    person = next(
        u for u in owners(server.tenant) if all(s["assignedByGroup"] is None for s in u["licenseAssignmentStates"])
    )
    removed = tuple(item["skuId"] for item in person["assignedLicenses"])
    assert writer.assign(person["id"], remove=removed).status_code == 200
    files = Files(writer, person)
    assert files.children()
    assert writer.ask("DELETE", f"/users/{person['id']}").status_code == 204
    assert writer.ask("GET", f"/users/{person['id']}/drive").status_code == 404
    assert files.children()


def test_folders_are_made_once(pair: tuple[Files, Files]) -> None:
    files = pair[0]
    made = files.folder("Files of N. N.")
    assert made.status_code == 201
    assert made.json()["folder"] == {"childCount": 0}
    assert refusal(files.folder("FILES of n. n."))[:2] == (409, "nameAlreadyExists")
    assert refusal(files.folder("Files of N. N.", "replace"))[:2] == (409, "nameAlreadyExists")
    assert files.folder("Files of N. N.", "rename").json()["name"] == "Files of N. N. 1"
    assert refusal(files.folder(folder_in(files)["name"]))[:2] == (409, "nameAlreadyExists")
    for body in (
        {"name": "x"},
        {"name": "a/b", "folder": {}},
        {"folder": {}},
        {"name": "x", "folder": {}, CONFLICT: "no"},
    ):
        answer = files.writer.ask("POST", f"{files.path}/items/{files.root['id']}/children", body)
        assert refusal(answer)[:2] == (400, "invalidRequest")
    below = files.folder("Below", parent=made.json())
    assert [item["id"] for item in files.children(made.json())] == [below.json()["id"]]


def test_a_copy_is_told_by_a_monitor_without_a_token(
    server: SimulatorServer, clock: Clock, pair: tuple[Files, Files]
) -> None:
    source, target = pair
    folder, into = folder_in(source), target.folder("Handed over").json()
    expected = source.tree(folder)
    started = source.copy(folder, target, into)
    location = started.headers["Location"]
    assert location.startswith(f"https://127.0.0.1:{server.port}/_api/v2.0/monitor/")
    first = state(source.writer, started)
    assert (first["status"], first["percentageComplete"]) == ("inProgress", 0.0)
    assert target.children(into) == []
    clock.now += 5
    half = state(source.writer, started)
    assert half["status"] == "inProgress"
    assert 30 < half["percentageComplete"] < 60
    clock.now += 6
    answer = source.writer.session.get(location, timeout=10)
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["percentageComplete"]) == ("completed", 100.0)
    (copied,) = target.children(into)
    assert copied["id"] == answer.json()["resourceId"]
    assert (copied["name"], copied["size"]) == (folder["name"], folder["size"])
    assert target.tree(copied) == expected
    assert source.tree(folder) == expected

    leaked = source.writer.session.get(location, headers={"Authorization": "Bearer x"}, timeout=10)
    assert leaked.status_code == 401
    wrong = source.writer.session.get(location.replace("tempauth=", "tempauth=x"), timeout=10)
    assert wrong.status_code == 404
    secret = location.rpartition("=")[2]
    records = server.requests.to("/monitor/")
    assert [record.had_bearer for record in records] == [False, False, False, True, False]
    assert not any(secret in str(record) for record in records)
    server.expire_links()
    assert source.writer.session.get(location, timeout=10).status_code == 404


def test_a_copy_is_a_new_item_without_permissions_and_versions(clock: Clock, pair: tuple[Files, Files]) -> None:
    source, target = pair
    item = next(
        i
        for i in source.children()
        if "file" in i and source.writer.items(f"{source.path}/items/{i['id']}/versions")[1:]
    )
    user = target.drive["owner"]["user"]["email"]
    body = {"requireSignIn": True, "sendInvitation": False, "roles": ["write"], "recipients": [{"email": user}]}
    assert source.writer.ask("POST", f"{source.path}/items/{item['id']}/invite", body).status_code == 200
    assert len(source.writer.items(f"{source.path}/items/{item['id']}/permissions")) > 1
    ended = done(source.writer, clock, source.copy(item, target, target.root, name="A copy.docx"))
    copied = target.writer.get(f"{target.path}/items/{ended['resourceId']}")
    assert (copied["name"], copied["size"]) == ("A copy.docx", item["size"])
    assert copied["createdDateTime"].startswith(TODAY.isoformat())
    assert copied["eTag"] != item["eTag"]
    (version,) = target.writer.items(f"{target.path}/items/{copied['id']}/versions")
    assert version["id"] == "1.0"
    (permission,) = target.writer.items(f"{target.path}/items/{copied['id']}/permissions")
    assert permission["roles"] == ["owner"]
    whole = done(source.writer, clock, source.copy(item, target, target.root, includeAllVersionHistory=True))
    kept = target.writer.items(f"{target.path}/items/{whole['resourceId']}/versions")
    assert len(kept) == len(source.writer.items(f"{source.path}/items/{item['id']}/versions"))


def test_conflicts_fail_are_replaced_or_renamed(clock: Clock, pair: tuple[Files, Files]) -> None:
    source, target = pair
    item, folder, into = file_in(source), folder_in(source), target.folder("Into").json()
    copies = [done(source.writer, clock, source.copy(item, target, into, conflict)) for conflict in (None, "fail")]
    assert copies[0]["status"] == "completed"
    assert (copies[1]["status"], copies[1]["error"]["code"]) == ("failed", "nameAlreadyExists")
    assert "percentageComplete" not in copies[1]
    assert done(source.writer, clock, source.copy(item, target, into, "rename"))["status"] == "completed"
    stem, _, extension = item["name"].rpartition(".")
    assert {c["name"] for c in target.children(into)} == {item["name"], f"{stem} 1.{extension}"}
    replaced = done(source.writer, clock, source.copy(item, target, into, "replace"))
    assert replaced["status"] == "completed"
    assert replaced["resourceId"] != copies[0]["resourceId"]
    assert len(target.children(into)) == 2
    for conflict, status in ((None, "completed"), ("replace", "failed"), ("rename", "completed")):
        assert done(source.writer, clock, source.copy(folder, target, into, conflict))["status"] == status
    names = sorted(c["name"] for c in target.children(into) if "folder" in c)
    assert names == [folder["name"], f"{folder['name']} 1"]


def test_what_cannot_be_copied(server: SimulatorServer, clock: Clock, pair: tuple[Files, Files]) -> None:
    source, target = pair
    item = file_in(source)
    assert refusal(source.copy(source.root, target, target.root)) == (
        400,
        "invalidRequest",
        "Cannot copy the root folder.",
    )
    assert "not valid for file items" in refusal(source.copy(item, target, target.root, childrenOnly=True))[2]
    assert (
        "alongside childrenOnly"
        in refusal(source.copy(source.root, target, target.root, childrenOnly=True, name="x"))[2]
    )
    assert refusal(source.copy(item, target, {"id": "nothing"}))[:2] == (404, "itemNotFound")
    assert refusal(source.copy(item, target, target.root, name="a:b"))[:2] == (400, "invalidRequest")
    assert refusal(source.copy(item, target, target.root, "maybe"))[:2] == (400, "invalidRequest")
    assert refusal(source.copy(item, target, file_in(target)))[:2] == (400, "invalidRequest")
    folder = folder_in(source)
    for inside in (folder, source.folder("Below", parent=folder).json()):
        assert "into itself" in refusal(source.copy(folder, source, inside))[2]
    into = target.folder("Gone soon").json()
    started = source.copy(item, target, into)
    assert source.writer.ask("DELETE", f"{target.path}/items/{into['id']}").status_code == 204
    assert done(source.writer, clock, started)["error"]["code"] == "itemNotFound"
    everything = done(
        source.writer, clock, source.copy(source.root, target, target.folder("All").json(), childrenOnly=True)
    )
    assert everything["status"] == "completed"
    assert sum(target.tree(target.writer.get(f"{target.path}/root:/All:")).values()) == source.root["size"]


def test_a_full_drive_takes_no_copy(server: SimulatorServer, clock: Clock, pair: tuple[Files, Files]) -> None:
    source, target = pair
    item = file_in(source)
    used = target.drive["quota"]["used"]
    set_quota(server.tenant, target.drive["owner"]["user"]["id"], used + item["size"] - 1)
    ended = done(source.writer, clock, source.copy(item, target, target.root, "rename"))
    assert (ended["status"], ended["error"]["code"]) == ("failed", "quotaLimitReached")
    assert target.writer.get(target.path)["quota"]["used"] == used
    set_quota(server.tenant, target.drive["owner"]["user"]["id"], used + item["size"])
    assert done(source.writer, clock, source.copy(item, target, target.root, "rename"))["status"] == "completed"
    quota = target.writer.get(target.path)["quota"]
    assert (quota["remaining"], quota["state"]) == (0, "critical")
    full = Files(source.writer, owners(server.tenant, "full")[0])
    assert full.drive["quota"]["state"] == "critical"


@pytest.mark.soak
def test_more_than_thirty_thousand_items_go_folder_by_folder(
    server: SimulatorServer, clock: Clock, writer: Writer
) -> None:
    source, target = (Files(writer, owners(server.tenant, kind)[0]) for kind in ("large", "usual"))
    archive = next(item for item in source.children() if item["name"] == "Archive")
    into = target.folder("Handed over").json()
    status, code, message = refusal(source.copy(archive, target, into))
    assert (status, code) == (400, "invalidRequest")
    assert "30000 items" in message
    begun = time.monotonic()
    parts = source.children(archive)
    assert sum(part["folder"]["childCount"] for part in parts) > 30_000
    for part in parts:
        assert done(writer, clock, source.copy(part, target, into))["status"] == "completed"
    copied = target.children(into)
    assert [(c["name"], c["folder"], c["size"]) for c in copied] == [(p["name"], p["folder"], p["size"]) for p in parts]
    names = [item["name"] for item in target.children(copied[0])]
    assert len(set(names)) == len(names) == parts[0]["folder"]["childCount"]
    assert time.monotonic() - begun < 30


def test_the_manager_may_look_until_it_is_taken_back(pair: tuple[Files, Files], server: SimulatorServer) -> None:
    files, other = pair
    where = f"{files.path}/items/{files.root['id']}"
    body = {
        "requireSignIn": True,
        "sendInvitation": False,
        "roles": ["read"],
        "recipients": [{"email": other.drive["owner"]["user"]["email"]}],
    }
    granted = [files.writer.ask("POST", f"{where}/invite", body) for _ in range(2)]
    assert [answer.status_code for answer in granted] == [200, 200]
    (permission,) = granted[0].json()["value"]
    assert permission["roles"] == ["read"]
    assert permission["grantedToV2"]["user"]["id"] == other.drive["owner"]["user"]["id"]
    listed = files.writer.items(f"{where}/permissions")
    assert [p["id"] for p in listed].count(permission["id"]) == 1
    inside = files.writer.items(f"{files.path}/items/{file_in(files)['id']}/permissions")
    assert next(p for p in inside if p["id"] == permission["id"])["inheritedFrom"]["id"] == files.root["id"]
    stranger = body | {"recipients": [{"email": "who@elsewhere.example"}]}
    assert refusal(files.writer.ask("POST", f"{where}/invite", stranger))[:2] == (400, "invalidRequest")
    for change in ({"roles": ["admin"]}, {"recipients": []}, {"requireSignIn": False}):
        assert refusal(files.writer.ask("POST", f"{where}/invite", body | change))[0] == 400
    assert files.writer.ask("DELETE", f"{where}/permissions/{permission['id']}").status_code == 204
    assert files.writer.ask("DELETE", f"{where}/permissions/{permission['id']}").status_code == 404
    owner = next(p for p in listed if p["roles"] == ["owner"])
    assert files.writer.ask("DELETE", f"{where}/permissions/{owner['id']}").status_code == 400


def test_entity_tags_guard_changes(pair: tuple[Files, Files]) -> None:
    files = pair[0]
    item = file_in(files)
    path = f"{files.path}/items/{item['id']}"
    assert files.writer.ask("GET", path, If_None_Match=item["eTag"]).status_code == 304
    renamed = files.writer.ask("PATCH", path, {"name": "Renamed.txt"}, If_Match=item["eTag"])
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Renamed.txt")
    assert renamed.json()["eTag"] != item["eTag"]
    assert refusal(files.writer.ask("PATCH", path, {"name": "Again.txt"}, If_Match=item["eTag"]))[:2] == (
        412,
        "resourceModified",
    )
    assert refusal(files.writer.ask("DELETE", path, If_Match=item["eTag"]))[0] == 412
    other = next(c for c in files.children() if c["id"] != item["id"])
    assert refusal(files.writer.ask("PATCH", path, {"name": other["name"]}))[:2] == (409, "nameAlreadyExists")
    size = files.writer.get(f"{files.path}/root")["size"]
    assert files.writer.ask("DELETE", path, If_Match=renamed.json()["eTag"]).status_code == 204
    assert files.writer.ask("GET", path).status_code == 404
    assert item["id"] not in {c["id"] for c in files.children()}
    assert files.writer.get(f"{files.path}/root")["size"] == size - item["size"]
    folder = folder_in(files)
    inside = files.children(folder)[0]
    assert files.writer.ask("DELETE", f"{files.path}/items/{folder['id']}").status_code == 204
    assert files.writer.ask("GET", f"{files.path}/items/{inside['id']}").status_code == 404
    assert files.writer.ask("DELETE", f"{files.path}/root").status_code == 400
