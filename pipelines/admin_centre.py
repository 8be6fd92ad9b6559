"""Where an administrator finds what is to be mended: pages of the Entra admin centre, as its menus name them."""

from __future__ import annotations

_CENTRE = "Entra admin centre"
_APP = f"{_CENTRE} > App registrations > your app"

TENANT_ID_PAGE = f"{_CENTRE} > Overview: Tenant ID"
CLIENT_ID_PAGE = f"{_APP} > Overview: Application (client) ID"
SECRETS_PAGE = f"{_APP} > Certificates & secrets > Client secrets"
CERTIFICATES_PAGE = f"{_APP} > Certificates & secrets > Certificates"
FEDERATED_PAGE = f"{_APP} > Certificates & secrets > Federated credentials"
PERMISSIONS_PAGE = f"{_APP} > API permissions"
AUTHENTICATION_PAGE = f"{_APP} > Authentication"
ENTERPRISE_PAGE = f"{_CENTRE} > Enterprise applications > your app"
POLICIES_PAGE = f"{_CENTRE} > Conditional Access > Policies"
READER_PAGE = f"{_CENTRE} > Roles & admins > Reports Reader > Add assignments"
# Each sign-in with the reason why it was refused, found by its correlation id.
APP_SIGN_INS_PAGE = f"{_CENTRE} > Sign-in logs > Service principal sign-ins"
ACCOUNT_SIGN_INS_PAGE = f"{_CENTRE} > Sign-in logs"
