"""The packed use of one app on one day: the one place where its bits are named.

A packed value is 0 when the app was not used, else APP plus one bit per platform. The dbt macros read the
same bits from the variable ``usage_bits`` of dbt_project.yml; a test keeps the two equal.
"""

from __future__ import annotations

APP_BIT = 16
PLATFORM_BITS = {"windows": 1, "mac": 2, "mobile": 4, "web": 8}

# Column name in the warehouse -> name in Microsoft's report header.
APPS = {
    "outlook": "Outlook",
    "word": "Word",
    "excel": "Excel",
    "powerpoint": "PowerPoint",
    "onenote": "OneNote",
    "teams": "Teams",
}
PLATFORMS = {"windows": "Windows", "mac": "Mac", "mobile": "Mobile", "web": "Web"}
