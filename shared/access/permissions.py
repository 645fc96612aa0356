"""The permissions of callers, and the roles that grant them, as data."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One kind of action, as `noun:verb`. The scopes of a token are permissions."""

    PROFILE_READ = "profile:read"
    ACCOUNT_READ = "account:read"  # see the user's sessions and keys
    ACCOUNT_WRITE = "account:write"  # change the user's password, sessions and keys
    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ASSETS_READ = "assets:read"
    ASSETS_WRITE = "assets:write"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"  # buy for the account
    PRESETS_READ = "presets:read"  # see the presets of the account; those of the studio are public
    PRESETS_WRITE = "presets:write"
    PRESETS_ADMIN = "presets:admin"  # change the presets of the studio
    SHARES_ADMIN = "shares:admin"  # take films down
    TEAMS_READ = "teams:read"
    TEAMS_JOIN = "teams:join"  # create, join and leave organizations
    TEAMS_WRITE = "teams:write"  # rename the organization, and give it credits
    MEMBERS_WRITE = "members:write"
    AUDIT_READ = "audit:read"
    TEAMS_OWN = "teams:own"  # delete the organization, or transfer it
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    USERS_ADMIN = "users:admin"  # see and suspend users, and read the audit log of the deployment
    CREDITS_ADMIN = "credits:admin"  # give credits to accounts
    ENGINES_ADMIN = "engines:admin"  # disable engines


class AccountRole(StrEnum):
    """The role in which a user acts on an account, highest first. On the own account a user is the OWNER."""

    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    VIEWER = "VIEWER"

    def covers(self, other: "AccountRole") -> bool:
        """Return whether this role is as high as the other one, or higher."""
        order = list(AccountRole)
        return order.index(self) <= order.index(other)


# Permissions of platform admins. They are on no account, and no role has them: the users table names the admins.
PLATFORM = frozenset(
    {
        Permission.USERS_ADMIN,
        Permission.CREDITS_ADMIN,
        Permission.ENGINES_ADMIN,
        Permission.PRESETS_ADMIN,
        Permission.SHARES_ADMIN,
    }
)

_VIEWER = {
    Permission.PROFILE_READ,
    Permission.ACCOUNT_READ,
    Permission.ACCOUNT_WRITE,
    Permission.PROJECTS_READ,
    Permission.JOBS_READ,
    Permission.ASSETS_READ,
    Permission.PRESETS_READ,
    Permission.TEAMS_READ,
    Permission.TEAMS_JOIN,
}
_MEMBER = _VIEWER | {
    Permission.PROJECTS_WRITE,
    Permission.JOBS_WRITE,
    Permission.ASSETS_WRITE,
    Permission.PRESETS_WRITE,
}
_ADMIN = _MEMBER | {
    Permission.TEAMS_WRITE,
    Permission.MEMBERS_WRITE,
    Permission.AUDIT_READ,
    Permission.BILLING_READ,
    Permission.WEBHOOKS_READ,
    Permission.WEBHOOKS_WRITE,
}

ROLES: Mapping[AccountRole, frozenset[Permission]] = {
    AccountRole.OWNER: frozenset(Permission) - PLATFORM,
    AccountRole.ADMIN: frozenset(_ADMIN),
    AccountRole.MEMBER: frozenset(_MEMBER),
    AccountRole.VIEWER: frozenset(_VIEWER),
}

# A key of a program may have all scopes but those with which it could make keys, lock its owner out, or buy.
KEY_SCOPES = ROLES[AccountRole.OWNER] - {Permission.ACCOUNT_READ, Permission.ACCOUNT_WRITE, Permission.BILLING_WRITE}
