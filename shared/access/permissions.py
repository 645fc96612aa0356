"""The permissions of callers, and the roles that grant them, as data."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One kind of action, as `noun:verb`. The scopes of a token are permissions."""

    PROFILE_READ = "profile:read"
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ASSETS_READ = "assets:read"
    ASSETS_WRITE = "assets:write"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    PRESETS_READ = "presets:read"


class AccountRole(StrEnum):
    """The role in which a user acts on an account."""

    OWNER = "OWNER"


ROLES: Mapping[AccountRole, frozenset[Permission]] = {
    AccountRole.OWNER: frozenset(Permission),
}
