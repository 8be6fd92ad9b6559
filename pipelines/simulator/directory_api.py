"""The directory on the wire: users, deleted users, products, subscriptions, organization, groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.simulator import access, odata, user_properties
from pipelines.simulator.identity import Grant
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, GraphError, Reply, directory_request, json_reply, unknown_segment

Json = dict[str, Any]

SIGN_IN_PAGE = 500
"""The largest page with `signInActivity`; a larger `$top` is cut without a word (Graph documentation)."""
_LIST_OPTIONS = frozenset({"$select", "$top", "$expand", "$filter", "$count", "$skiptoken"})
_RESOURCE_UNIT = {"x-ms-resource-unit": "1"}


class DirectoryApi:
    """`/users`, `/directory/…`, `/subscribedSkus`, `/organization`, `/groups`."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def users(self, call: Call, grant: Grant, tenant: Tenant) -> Reply:
        """`GET /users`."""
        access.require(grant, access.USERS_BASIC)
        query = call.query
        odata.refuse_options(query, _LIST_OPTIONS)
        select = odata.parse_select(query.get("$select"), user_properties.ALL, "user")
        expand = odata.parse_expand(query.get("$expand"), user_properties.ALL)
        matches = odata.parse_filter(query.get("$filter"), user_properties.ALL, "user")
        wants_sign_ins = select is not None and "signInActivity" in select
        if wants_sign_ins:
            require_sign_ins(grant, tenant)
        size = odata.parse_top(query.get("$top"), largest=SIGN_IN_PAGE if wants_sign_ins else odata.MAX_PAGE)
        everybody = tenant.users()
        found = [user for user in everybody if matches(user)]
        page = odata.page_of(found, size, _after(query))
        by_id = {str(user.get("id")): user for user in everybody} if expand else {}
        items = [self._user(user, select, expand, by_id, grant) for user in page.items]
        names = ",".join(select) if select else ""
        expanded = ("," if names else "") + "manager()" if expand else ""
        shape = f"({names}{expanded})" if names or expanded else ""
        extra = {}
        if query.get("$count", "").lower() == "true" and call.headers.get("consistencylevel", "").lower() == "eventual":
            extra = {"@odata.count": len(found)}
        return self._collection(call, f"#users{shape}", items, page.resume_after, extra)

    def user(self, call: Call, grant: Grant, tenant: Tenant, key: str, rest: tuple[str, ...]) -> Reply:
        """`GET /users/{id or userPrincipalName}` and its manager."""
        access.require(grant, access.USERS_BASIC)
        if len(rest) > 1 or rest not in ((), ("manager",)):
            raise unknown_segment(rest[0])
        odata.refuse_options(call.query, frozenset({"$select", "$expand"}))
        select = odata.parse_select(call.query.get("$select"), user_properties.ALL, "user")
        expand = odata.parse_expand(call.query.get("$expand"), user_properties.ALL)
        found = tenant.user(key)
        if found is None:
            raise _missing(key)
        if select is not None and "signInActivity" in select:
            require_sign_ins(grant, tenant)
            if str(found.get("id")).lower() != key.lower():
                raise directory_request("Get By Key only supports UserId and the key has to be a valid Guid")
        shown = found
        if rest:
            shown = _manager_of(tenant, found) or {}
            if not shown:
                raise _missing("manager")
        manager = _manager_of(tenant, shown) if expand is not None else None
        by_id = {} if manager is None else {str(manager.get("id")): manager}
        item = self._user(shown, select, expand, by_id, grant)
        context = {"@odata.context": f"{odata.METADATA}#users/$entity"}
        return json_reply(200, {**context, **item}, _RESOURCE_UNIT)

    def deleted_users(self, call: Call, grant: Grant, tenant: Tenant) -> Reply:
        """`GET /directory/deletedItems/microsoft.graph.user`."""
        access.require(grant, access.USERS)
        default = (*user_properties.DEFAULT, "deletedDateTime")
        return self._simple(call, tenant.deleted_users(), user_properties.ALL, "user", "#users", default)

    def subscribed_skus(self, call: Call, grant: Grant, tenant: Tenant, key: str | None = None) -> Reply:
        """`GET /subscribedSkus` and one of them by its id."""
        access.require(grant, access.SKUS)
        items = tenant.subscribed_skus()
        if key is not None:
            found = next((item for item in items if str(item.get("id", "")).lower() == key.lower()), None)
            if found is None:
                raise _missing(key)
            return json_reply(200, {"@odata.context": f"{odata.METADATA}#subscribedSkus/$entity", **found})
        odata.refuse_options(call.query, frozenset({"$select"}))
        return self._whole(call, items, "subscribedSku", "#subscribedSkus")

    def subscriptions(self, call: Call, grant: Grant, tenant: Tenant) -> Reply:
        """`GET /directory/subscriptions`."""
        access.require(grant, access.ORGANIZATION)
        odata.refuse_options(call.query, frozenset({"$select", "$top", "$filter"}))
        return self._whole(call, tenant.subscriptions(), "companySubscription", "#directory/subscriptions")

    def organization(self, call: Call, grant: Grant, tenant: Tenant) -> Reply:
        """`GET /organization`."""
        access.require(grant, access.ORGANIZATION)
        odata.refuse_options(call.query, frozenset({"$select"}))
        return self._whole(call, tenant.organization(), "organization", "#organization")

    def groups(self, call: Call, grant: Grant, tenant: Tenant) -> Reply:
        """`GET /groups`."""
        access.require(grant, access.GROUPS)
        items = tenant.groups()
        known = frozenset(name for item in items for name in item) | {"id", "displayName", "visibility", "mail"}
        return self._simple(call, items, known, "group", "#groups", None)

    def _whole(self, call: Call, items: list[Json], type_name: str, context: str) -> Reply:
        """A small collection in one page, its properties those that its items have."""
        known = frozenset(name for item in items for name in item) | {"id"}
        selected = call.query.get("$select")
        select = odata.parse_select(selected, known, type_name) if items else None
        matches = odata.parse_filter(call.query.get("$filter"), known, type_name)
        found = [item for item in items if matches(item)]
        if select is not None:
            context += f"({','.join(select)})"
            found = [{name: item.get(name) for name in select} for item in found]
        return self._collection(call, context, found, None)

    def _simple(
        self,
        call: Call,
        items: list[Json],
        known: frozenset[str],
        type_name: str,
        context: str,
        default: tuple[str, ...] | None,
    ) -> Reply:
        """A collection in pages with $select, $top and $filter."""
        query = call.query
        odata.refuse_options(query, _LIST_OPTIONS - {"$expand"})
        select = odata.parse_select(query.get("$select"), known, type_name)
        matches = odata.parse_filter(query.get("$filter"), known, type_name)
        size = odata.parse_top(query.get("$top"))
        page = odata.page_of([item for item in items if matches(item)], size, _after(query))
        shown = [odata.project(item, select, default or tuple(item)) for item in page.items]
        shape = f"({','.join(select)})" if select else ""
        return self._collection(call, context + shape, shown, page.resume_after)

    def _collection(
        self, call: Call, context: str, items: list[Json], resume_after: str | None, extra: Json | None = None
    ) -> Reply:
        content: Json = {"@odata.context": f"{odata.METADATA}{context}", **(extra or {})}
        if resume_after is not None:
            token = odata.encode_token({"after": resume_after})
            content["@odata.nextLink"] = odata.link_to(self._base_url, call, skiptoken=token)
        content["value"] = items
        return json_reply(200, content, _RESOURCE_UNIT)

    def _user(
        self,
        user: Json,
        select: tuple[str, ...] | None,
        expand: odata.Expand | None,
        by_id: dict[str, Json],
        grant: Grant,
    ) -> Json:
        may_see = _visible(grant)
        shown = may_see(odata.project(user, select, user_properties.DEFAULT))
        if select is not None and "id" not in select:
            shown.pop("id", None)
        manager = user.get("manager")
        if expand is not None and manager is not None:
            whole = by_id.get(str(manager.get("id"))) or manager
            properties = odata.project(whole, expand.select, user_properties.DEFAULT)
            shown["manager"] = {"@odata.type": "#microsoft.graph.user", **may_see(properties)}
        return shown


def require_sign_ins(grant: Grant, tenant: Tenant) -> None:
    """Refuse `signInActivity` without its permission or without Entra ID P1."""
    access.require(grant, access.SIGN_INS)
    if not tenant.spec.has_premium:
        raise GraphError(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )


def _visible(grant: Grant) -> Callable[[Json], Json]:
    if grant.permissions & access.USERS:
        return lambda user: user
    return lambda user: {n: v if n in user_properties.BASIC else None for n, v in user.items()}


def _manager_of(tenant: Tenant, user: Json) -> Json | None:
    """Somebody's manager with all properties, as far as the directory has them."""
    manager = user.get("manager")
    return None if manager is None else tenant.user(str(manager.get("id"))) or dict(manager)


def _missing(key: str) -> GraphError:
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


def _after(query: dict[str, str]) -> str | None:
    token = query.get("$skiptoken")
    if token is None:
        return None
    after = odata.decode_token(token).get("after")
    if not isinstance(after, str):
        odata.decode_token("")
    return str(after)
