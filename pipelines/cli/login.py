"""m365-usage login: the one time that a service account signs in with a code."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.console import messages
from pipelines.graph.login import log_in
from pipelines.graph.transport import TlsSession
from pipelines.settings import Settings, SettingsError, TenantSettings, load_settings
from pipelines.sign_in import DeviceCode


def login(
    tenant: Annotated[str | None, typer.Option(help="Which tenant, by id or name, where there are several.")] = None,
) -> None:
    """Sign a service account in with a code, for a tenant with M365_AUTH=device_code.

    Shows a code to enter in a browser and waits. Later runs use the sign-in without asking; its token is kept
    in the data folder, in a file that only its owner may read.
    """
    settings = load_settings()
    chosen = _the_tenant(settings, tenant)
    with TlsSession(settings.ca_bundle, graph_url=chosen.graph_url) as session:
        log_in(chosen, session, lambda message: print(message, flush=True))
    messages().print(f"Signed in to tenant {chosen.label}.", markup=False, highlight=False, soft_wrap=True)


def _the_tenant(settings: Settings, only: str | None) -> TenantSettings:
    tenants = settings.chosen_tenants(only)
    if len(tenants) > 1:
        tenants = [tenant for tenant in tenants if isinstance(tenant.sign_in, DeviceCode)]
    if len(tenants) != 1:
        known = ", ".join(tenant.label for tenant in tenants)
        raise SettingsError(
            f"Say which tenant with --tenant: {known}." if known else "No tenant is signed in to by device_code."
        )
    return tenants[0]
