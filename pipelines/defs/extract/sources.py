"""The endpoints of Microsoft Graph as external assets: where the lineage begins."""

import dagster as dg

from pipelines.defs.extract.assets import DIRECTORY_SOURCES, graph_source
from pipelines.defs.owners import OWNERS

_DESCRIPTIONS = {
    "getM365AppUserDetail": "Use of the Microsoft 365 apps per person and day (Reports.Read.All).",
    "getM365AppUserCounts": "Microsoft's own daily count of users per app (Reports.Read.All).",
    "reportSettings": "Whether names are concealed in reports (ReportSettings.Read.All).",
    "users": "People, managers and their licences (User.Read.All).",
    "deletedUsers": "People in the directory's bin (User.Read.All).",
    "subscribedSkus": "SKUs, with assigned and prepaid units (LicenseAssignment.Read.All or Organization.Read.All).",
    "subscriptions": "Subscriptions behind the SKUs, with renewal dates (Organization.Read.All).",
    "organization": "The tenant's name and domains (Organization.Read.All).",
}

endpoints = [
    dg.AssetSpec(
        graph_source(source),
        group_name="graph",
        owners=OWNERS,
        kinds={"microsoft"},
        description=_DESCRIPTIONS[source],
    )
    for source in ("getM365AppUserDetail", "reportSettings", *DIRECTORY_SOURCES.values())
]
