"""The Microsoft clouds by name, and what each of them offers.

Source: Microsoft Graph "National cloud deployments" and the CSDL of each cloud.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """Where one Microsoft cloud answers.

    has_usage_reports: the v1.0 usage reports and ``/admin/reportSettings`` exist there; directory and
    licence endpoints exist everywhere.
    """

    name: str
    authority_url: str
    graph_url: str
    has_usage_reports: bool

    @property
    def gap(self) -> str | None:
        """What is not to be had there, in one sentence; None when nothing is amiss."""
        if self.has_usage_reports:
            return None
        return "Microsoft offers no v1.0 usage reports in this cloud; people and licences are still synced."


CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud("global", "https://login.microsoftonline.com", "https://graph.microsoft.com", True),
        Cloud("gcc-high", "https://login.microsoftonline.us", "https://graph.microsoft.us", False),
        Cloud("dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us", False),
        Cloud("china", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn", False),
    )
}
