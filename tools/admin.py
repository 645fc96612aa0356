"""`make admin EMAIL=`: make the user with this address a platform admin, or with `DISMISS=1` no longer.

`ENV=dev` changes the account of your AWS credentials. `ENDPOINT=` changes the laptop cloud of `make dev`, whose AWS
endpoint it prints.
"""

import os
from typing import Annotated

import typer
from rich.console import Console

from local.environment import environment as laptop
from tools.audit import variables


def main(
    email: Annotated[str, typer.Option(help="The address of a registered user.")],
    env: Annotated[str, typer.Option(help="The environment; without one, the laptop cloud.")] = "",
    endpoint: Annotated[str, typer.Option(help="The laptop cloud's AWS endpoint.")] = "",
    dismiss: Annotated[bool, typer.Option(help="End the appointment.")] = False,
) -> None:
    if bool(env) == bool(endpoint):
        raise typer.BadParameter("give ENV=, or ENDPOINT= of the laptop cloud")
    os.environ |= laptop(endpoint, "") if endpoint else variables(env)
    user_id = appoint(email.strip().lower(), admin=not dismiss)
    if user_id is None:
        raise typer.BadParameter(f"there is no user with the address {email}")
    Console().print(f"{email} ({user_id}) is {'no longer ' if dismiss else ''}a platform admin.")


def appoint(email: str, *, admin: bool) -> str | None:
    """Appoint or dismiss the user, with an entry in the audit log of the deployment. Return the id, or None."""
    # Records read the environment at import.
    from shared.audit.store import DEPLOYMENT, AuditAction, audit_log  # noqa: PLC0415  # see above
    from shared.aws.transactions import transaction  # noqa: PLC0415  # see above
    from shared.core.clock import utc_now  # noqa: PLC0415  # see above
    from shared.users.store import users  # noqa: PLC0415  # see above

    user_id, at = users.id_by_email(email), utc_now()
    if user_id is None:
        return None
    with transaction() as tx:
        action = AuditAction.ADMIN_APPOINTED if admin else AuditAction.ADMIN_DISMISSED
        audit_log.add(DEPLOYMENT, action, user_id="operator", source="command", at=at, tx=tx, subject=user_id)
        users.appoint(user_id, admin=admin, at=at, tx=tx)
    return user_id


if __name__ == "__main__":
    typer.run(main)
