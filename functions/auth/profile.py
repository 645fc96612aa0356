"""The caller's profile."""

from functions.auth.schemas import BalanceView, MeView, OwnOrganizationView
from shared.access.permissions import AccountRole
from shared.credits.store import credits
from shared.members.store import members
from shared.organizations.store import organizations
from shared.subscriptions.store import subscriptions
from shared.users.store import users


def me(user_id: str) -> MeView:
    """Return the user with the own account's credits and plan. Raise UserNotFound."""
    user, account, memberships = users.get(user_id), credits.account(user_id), members.of_user(user_id)
    known = organizations.several([member.organization_id for member in memberships])
    return MeView(
        user_id=user.user_id,
        email=user.email,
        name=user.name,
        avatar=user.avatar,
        email_verified=user.email_verified,
        created_at=user.created_at,
        updated_at=user.updated_at,
        balance=BalanceView(available=int(account.available), held=int(account.held)),
        plan=subscriptions.plan(user_id),
        platform_admin=bool(user.platform_admin),
        organizations=[
            OwnOrganizationView(id=found.organization_id, name=found.name, slug=found.slug, role=AccountRole(one.role))
            for one in memberships
            if (found := known.get(one.organization_id))
        ],
    )
