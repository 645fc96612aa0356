"""The request that deletes the caller's account (docs/adr/0044). `functions/upkeep/erase.py` deletes the data."""

from functions.auth.accounts import end_all
from functions.auth.second_factor import check_code
from shared.access.permissions import AccountRole
from shared.audit.store import AuditAction, audit_log
from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.errors import Conflict
from shared.credentials.store import credentials, generation_of
from shared.erasures.store import erasures
from shared.keys.store import api_keys
from shared.members.record import MemberRecord
from shared.members.store import members
from shared.organizations.store import organizations
from shared.proofs.proof import prove_password
from shared.users.store import users

_NO_PASSWORD = "erased"  # noqa: S105  # no password has this hash


def erase(user_id: str, password: str, code: str | None, *, source: str) -> None:
    """Close the account, and begin the deletion of its data. Raise WrongPassword, WrongCode or LastOwner.

    The user, the address and the sign-in are gone after one transaction. An organization without other members is
    deleted with the account. The others lose the member; each of them keeps an owner.
    """
    at = utc_now()
    stored = prove_password(user_id, password, at=at)
    check_code(stored, code, at=at)
    user, found = users.get(user_id), members.of_user(user_id)
    known = organizations.several(member.organization_id for member in found)
    own = [member for member in found if member.organization_id in known]
    alone = [known[one.organization_id] for one in own if int(known[one.organization_id].members) == 1]
    with transaction() as tx:
        erasures.begin(user_id, [one.organization_id for one in alone], email=user.email, at=at, tx=tx)
        users.remove(user, tx=tx)
        credentials.replace_password(
            user_id, _NO_PASSWORD, generation=generation_of(stored), otherwise=Conflict("Try again."), at=at, tx=tx
        )  # fmt: skip
        for organization in alone:
            organizations.delete(organization, tx=tx)
        for member in own:
            members.remove(member, tx=tx)
            if int(known[member.organization_id].members) > 1:
                _leave(member, tx)
            audit_log.add(
                member.organization_id, AuditAction.MEMBER_LEFT, user_id=user_id, source=source, at=at, tx=tx,
                subject=user_id,
            )  # fmt: skip
    end_all(user_id, at)
    for key in api_keys.of_user(user_id):
        with transaction() as tx:
            api_keys.revoke(key.key_id, user_id=user_id, tx=tx)


def _leave(member: MemberRecord, tx: Transaction) -> None:
    owners = -1 if member.role == AccountRole.OWNER else 0
    organizations.count(member.organization_id, members=-1, owners=owners, tx=tx)
