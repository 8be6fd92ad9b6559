"""The products that the tenant owns, with Microsoft's own SKU and service plan ids.

Ids and names are those of Microsoft's public table of product names and service plan identifiers; a
product's minor service plans are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.simulator.columns import ALL_USE, PLATFORMS, use_mask

PLAN_IDS = {
    "AAD_PREMIUM": "41781fb2-bc02-4b7c-bd55-b576c07bb09d",
    "AAD_PREMIUM_P2": "eec0eb4f-6444-4f95-aba0-50c24d67f998",
    "AAD_SMB": "de377cbc-0019-4ec2-b77c-3f223947e102",
    "BI_AZURE_P0": "2049e525-b859-401b-b2a0-e0a31c4b1fe4",
    "BI_AZURE_P2": "70d33638-9c74-4d01-bfd3-562de28bd4ba",
    "BPOS_S_TODO_1": "5e62787c-c316-451f-b873-1d05acd4d12c",
    "BPOS_S_TODO_2": "c87f142c-d1e9-4363-8630-aaea9c4d9ae5",
    "BPOS_S_TODO_3": "3fb82609-8c27-4f7b-bd51-30634711ee67",
    "BPOS_S_TODO_FIRSTLINE": "80873e7a-cd2a-4e67-b061-1b5381a676a5",
    "COPILOT_STUDIO_IN_COPILOT_FOR_M365": "fe6c28b3-d468-44ea-bbd0-a10a5167435c",
    "DYN365_CDS_PROJECT": "50554c47-71d9-49fd-bc54-42a2765c555c",
    "DYN365_CDS_VIRAL": "17ab22cd-a0b3-4536-910a-cb6eb12696c0",
    "EXCHANGE_S_DESKLESS": "4a82b400-a79f-41a4-b4e2-e94f5787b113",
    "EXCHANGE_S_ENTERPRISE": "efb87545-963c-4e0d-99df-69c6916d9eb0",
    "EXCHANGE_S_FOUNDATION": "113feb6c-3fe4-4440-bddc-54d774bf0318",
    "EXCHANGE_S_STANDARD": "9aaf7827-d63c-4b61-89c3-182f06f82e5c",
    "FLOW_FOR_PROJECT": "fa200448-008c-4acb-abd4-ea106ed2199d",
    "FLOW_O365_P1": "0f9b09cb-62d1-4ff4-9129-43f4996f83f4",
    "FLOW_O365_P2": "76846ad7-7776-4c40-a281-a386362dd1b9",
    "FLOW_O365_P3": "07699545-9485-468e-95b6-2fca3738be01",
    "FLOW_O365_S1": "bd91b1a4-9f94-4ecf-b45b-3a65e5c8128a",
    "FLOW_P2_VIRAL": "50e68c76-46c6-4674-81f9-75456511b170",
    "FORMS_PLAN_E1": "159f4cd6-e380-449f-a816-af1a9ef76344",
    "FORMS_PLAN_E3": "2789c901-c14e-48ab-a76a-be334d9d793a",
    "FORMS_PLAN_E5": "e212cbc7-0961-4c40-9825-01117710dcb1",
    "FORMS_PLAN_K": "f07046bd-2a3c-4b96-b0be-dea79d7cbfb8",
    "GRAPH_CONNECTORS_COPILOT": "82d30987-df9b-4486-b146-198b21d164c7",
    "INTUNE_A": "c1ec4a95-1f05-45b3-a911-aa3fa01094f5",
    "INTUNE_O365": "882e1d05-acd1-4ccb-8708-6ee03664b117",
    "M365_COPILOT_APPS": "a62f8878-de10-42f3-b68f-6149a25ceb97",
    "M365_COPILOT_BUSINESS_CHAT": "3f30311c-6b1e-48a4-ab79-725b469da960",
    "M365_COPILOT_SHAREPOINT": "0aedf20c-091d-420b-aadf-30c042609612",
    "M365_COPILOT_TEAMS": "b95945de-b3bd-46db-8437-f2beb6ea2347",
    "MCOEV": "4828c8ec-dc2e-4779-b502-87ac9ce28ab7",
    "MCOIMP": "afc06cb0-b4f4-4473-8286-d644f70d8faf",
    "MCOMEETADV": "3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40",
    "MCOSTANDARD": "0feaeb32-d00e-4d66-bd5a-43b5b83db82c",
    "MCO_TEAMS_IW": "42a3ec34-28ba-46b6-992f-db53a675ac5b",
    "MFA_PREMIUM": "8a256a2b-b617-496d-b51b-e76466e88db0",
    "OFFICEMOBILE_SUBSCRIPTION": "c63d4d19-e8cb-460e-b37c-4d6c34603745",
    "OFFICESUBSCRIPTION": "43de0ff5-c92c-492b-9116-175376d08c38",
    "OFFICE_BUSINESS": "094e7854-93fc-4d55-b2c0-3ab5369ebdc1",
    "ONEDRIVE_BASIC": "da792a53-cbc0-4184-a10d-e544dd34b3c1",
    "PROJECTWORKMANAGEMENT": "b737dad2-2f6c-4c65-90e3-ca563267e8b9",
    "PROJECT_CLIENT_SUBSCRIPTION": "fafd7243-e5c1-4a3a-9e40-495efcb1d3c3",
    "PROJECT_PROFESSIONAL": "818523f5-016b-4355-9be8-ed6944946ea7",
    "RMS_S_ENTERPRISE": "bea4c11e-220a-4e6d-8eb8-8ea15d019f90",
    "SHAREPOINTDESKLESS": "902b47e5-dcb2-4fdc-858b-c63a90a2bdb9",
    "SHAREPOINTENTERPRISE": "5dbe027f-2339-4123-9542-606e4d348a72",
    "SHAREPOINTSTANDARD": "c7699d2e-19aa-44de-8edf-1736da088ca1",
    "SHAREPOINTSTORAGE": "be5a7ed5-c598-4fcd-a061-5e6724c68a58",
    "SHAREPOINTWAC": "e95bec33-7c88-4a70-8e19-b10bd9d0c014",
    "SWAY": "a23b959c-7ce8-4e57-9140-b90eb88a9e97",
    "TEAMS1": "57ff2da0-773e-42df-b2af-ffb7a2317929",
    "THREAT_INTELLIGENCE": "8e0c0a52-6a6c-4d40-8370-dd62790dcd70",
    "VISIOONLINE": "2bdbaf8f-738f-4ac7-9234-3c3ee2ce7d0f",
    "VISIO_CLIENT_SUBSCRIPTION": "663a804f-1c30-4ff0-9915-9db84f0d1cea",
    "WIN10_PRO_ENT_SUB": "21b439ba-a0ca-424f-a6cc-52f954a5b111",
    "WINBIZ": "8e229017-d77b-43d5-9305-903395523b99",
    "YAMMER_ENTERPRISE": "7547a3fe-08ee-4ccb-b430-5077c5041653",
}
"""Service plan name → service plan id."""


MAILBOX_PLANS = ("EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_STANDARD", "EXCHANGE_S_DESKLESS")
"""Service plans with a mailbox."""
MAX_ASSIGNED_PLANS = 6
"""How many service plans of a product are shown in `assignedPlans`."""


@dataclass(frozen=True)
class Sku:
    """One product: its ids, what it contains, and whether its holders have a row in the apps report."""

    part_number: str
    sku_id: str
    plans: tuple[str, ...]
    is_reported: bool = False
    applies_to: str = "User"

    @property
    def plan_ids(self) -> dict[str, str]:
        """Service plan name → id, in the product's order."""
        return {name: PLAN_IDS[name] for name in self.plans}


def _sku(part_number: str, sku_id: str, plans: str, is_reported: bool = False, applies_to: str = "User") -> Sku:
    return Sku(part_number, sku_id, tuple(plans.split()), is_reported, applies_to)


E5 = _sku(
    "SPE_E5",
    "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
    "AAD_PREMIUM AAD_PREMIUM_P2 EXCHANGE_S_ENTERPRISE OFFICESUBSCRIPTION SHAREPOINTENTERPRISE SHAREPOINTWAC "
    "TEAMS1 MCOSTANDARD MCOEV MCOMEETADV BI_AZURE_P2 INTUNE_A MFA_PREMIUM THREAT_INTELLIGENCE FLOW_O365_P3 "
    "FORMS_PLAN_E5 BPOS_S_TODO_3 PROJECTWORKMANAGEMENT RMS_S_ENTERPRISE SWAY WIN10_PRO_ENT_SUB YAMMER_ENTERPRISE",
    is_reported=True,
)
E3 = _sku(
    "SPE_E3",
    "05e9a617-0261-4cee-bb44-138d3ef5d965",
    "AAD_PREMIUM EXCHANGE_S_ENTERPRISE OFFICESUBSCRIPTION SHAREPOINTENTERPRISE SHAREPOINTWAC TEAMS1 MCOSTANDARD "
    "INTUNE_A MFA_PREMIUM FLOW_O365_P2 FORMS_PLAN_E3 BPOS_S_TODO_2 PROJECTWORKMANAGEMENT RMS_S_ENTERPRISE SWAY "
    "WIN10_PRO_ENT_SUB YAMMER_ENTERPRISE",
    is_reported=True,
)
F3 = _sku(
    "SPE_F1",
    "66b55226-6b4f-492c-910c-a3b7a3c9d993",
    "AAD_PREMIUM EXCHANGE_S_DESKLESS OFFICEMOBILE_SUBSCRIPTION SHAREPOINTDESKLESS SHAREPOINTWAC TEAMS1 MCOIMP "
    "INTUNE_A MFA_PREMIUM FLOW_O365_S1 FORMS_PLAN_K BPOS_S_TODO_FIRSTLINE PROJECTWORKMANAGEMENT RMS_S_ENTERPRISE "
    "SWAY YAMMER_ENTERPRISE",
    is_reported=True,
)
BUSINESS_PREMIUM = _sku(
    "SPB",
    "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46",
    "AAD_SMB EXCHANGE_S_STANDARD OFFICE_BUSINESS SHAREPOINTSTANDARD SHAREPOINTWAC TEAMS1 MCOSTANDARD INTUNE_A "
    "FLOW_O365_P1 FORMS_PLAN_E1 BPOS_S_TODO_1 PROJECTWORKMANAGEMENT RMS_S_ENTERPRISE SWAY WINBIZ YAMMER_ENTERPRISE",
    is_reported=True,
)
EXCHANGE_PLAN_1 = _sku(
    "EXCHANGESTANDARD",
    "4b9405b0-7788-4568-add1-99614e613b69",
    "EXCHANGE_S_STANDARD INTUNE_O365 BPOS_S_TODO_1",
    is_reported=True,
)
TEAMS_EXPLORATORY = _sku(
    "TEAMS_EXPLORATORY",
    "710779e8-3d4a-4c88-adb9-386c958d1fdf",
    "EXCHANGE_S_STANDARD SHAREPOINTSTANDARD SHAREPOINTWAC OFFICEMOBILE_SUBSCRIPTION TEAMS1 MCO_TEAMS_IW "
    "FLOW_O365_P1 FORMS_PLAN_E1 BPOS_S_TODO_1 PROJECTWORKMANAGEMENT INTUNE_O365 SWAY YAMMER_ENTERPRISE",
    is_reported=True,
)
COPILOT = _sku(
    "Microsoft_365_Copilot",
    "639dec6b-bb19-468b-871c-c5c441c4b0cb",
    "M365_COPILOT_APPS M365_COPILOT_BUSINESS_CHAT M365_COPILOT_SHAREPOINT M365_COPILOT_TEAMS "
    "GRAPH_CONNECTORS_COPILOT COPILOT_STUDIO_IN_COPILOT_FOR_M365",
)
VISIO_PLAN_2 = _sku(
    "VISIOCLIENT",
    "c5928f49-12ba-48f7-ada3-0d743a3601d5",
    "VISIO_CLIENT_SUBSCRIPTION VISIOONLINE ONEDRIVE_BASIC EXCHANGE_S_FOUNDATION",
)
PROJECT_PLAN_3 = _sku(
    "PROJECTPROFESSIONAL",
    "53818b1b-4a27-454b-8896-0dba576410e6",
    "PROJECT_CLIENT_SUBSCRIPTION PROJECT_PROFESSIONAL SHAREPOINTENTERPRISE SHAREPOINTWAC DYN365_CDS_PROJECT "
    "FLOW_FOR_PROJECT EXCHANGE_S_FOUNDATION",
)
POWER_BI_FREE = _sku("POWER_BI_STANDARD", "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", "BI_AZURE_P0 EXCHANGE_S_FOUNDATION")
FLOW_FREE = _sku(
    "FLOW_FREE",
    "f30db892-07e9-47e9-837c-80727f46fd3d",
    "DYN365_CDS_VIRAL FLOW_P2_VIRAL EXCHANGE_S_FOUNDATION",
)
EXTRA_STORAGE = _sku(
    "SHAREPOINTSTORAGE",
    "99049c9c-6011-4908-bf17-15f496e6519d",
    "SHAREPOINTSTORAGE",
    applies_to="Company",
)

CATALOG = (
    E5,
    E3,
    F3,
    BUSINESS_PREMIUM,
    EXCHANGE_PLAN_1,
    TEAMS_EXPLORATORY,
    COPILOT,
    VISIO_PLAN_2,
    PROJECT_PLAN_3,
    POWER_BI_FREE,
    FLOW_FREE,
    EXTRA_STORAGE,
)
BY_ID = {sku.sku_id: sku for sku in CATALOG}

_DOCUMENTS = ("Word", "Excel", "PowerPoint", "OneNote")
_INSTALLED = sum(use_mask(app, "Windows", "Mac", "Mobile") for app in (*_DOCUMENTS, "Outlook"))
_PLAN_USE = {
    "TEAMS1": use_mask("Teams", *PLATFORMS),
    "EXCHANGE_S_ENTERPRISE": use_mask("Outlook", "Mobile", "Web"),
    "EXCHANGE_S_STANDARD": use_mask("Outlook", "Mobile", "Web"),
    "EXCHANGE_S_DESKLESS": use_mask("Outlook", "Mobile", "Web"),
    "OFFICESUBSCRIPTION": _INSTALLED,
    "OFFICE_BUSINESS": _INSTALLED,
    "OFFICEMOBILE_SUBSCRIPTION": sum(use_mask(app, "Mobile") for app in _DOCUMENTS),
    "SHAREPOINTWAC": sum(use_mask(app, "Web") for app in _DOCUMENTS),
}


def entitled_use(sku: Sku, disabled_plans: tuple[str, ...] = ()) -> int:
    """The apps and platforms that a reported product lets its holder use, as a use mask."""
    if not sku.is_reported:
        return 0
    mask = 0
    for plan in sku.plans:
        if plan not in disabled_plans:
            mask |= _PLAN_USE.get(plan, 0)
    return mask & ALL_USE


def service_of(plan: str) -> str:
    """The service that a plan belongs to, as `assignedPlans` names it."""
    for prefix, service in (
        ("EXCHANGE", "exchange"),
        ("SHAREPOINT", "SharePoint"),
        ("TEAMS", "TeamspaceAPI"),
        ("MCO", "MicrosoftCommunicationsOnline"),
        ("OFFICE", "MicrosoftOffice"),
        ("AAD", "AADPremiumService"),
        ("BI_", "PowerBI"),
    ):
        if plan.startswith(prefix):
            return service
    return plan.split("_", maxsplit=1)[0].capitalize()
