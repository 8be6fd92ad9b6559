"""The properties of Graph's user, as a client may select them."""

from __future__ import annotations

DEFAULT = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
"""What Graph answers without `$select`."""

BASIC = frozenset(DEFAULT) | {"userType"}
"""What `User.ReadBasic.All` alone may see; everything else comes as null."""

_OTHERS = """
aboutMe accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo birthday city companyName
consentProvidedForMinor country createdDateTime creationType customSecurityAttributes deletedDateTime department
employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType externalUserState
externalUserStateChangeDateTime faxNumber hireDate identities imAddresses interests isManagementRestricted
isResourceAccount lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates mailNickname
mailboxSettings mySite onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes
onPremisesImmutableId onPremisesLastSyncDateTime onPremisesProvisioningErrors onPremisesSamAccountName
onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails passwordPolicies
passwordProfile pastProjects postalCode preferredDataLocation preferredName print provisionedPlans proxyAddresses
refreshTokensValidFromDateTime responsibilities schools securityIdentifier serviceProvisioningErrors
showInAddressList signInActivity signInSessionsValidFromDateTime skills state streetAddress usageLocation userType
"""
ALL = frozenset(DEFAULT) | frozenset(_OTHERS.split())
"""Every property that may be selected. Those that the tenant does not model come as null."""
