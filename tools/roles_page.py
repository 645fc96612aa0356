"""`docs/permissions.md`: the permissions of each role, and the routes that need them."""

from collections import defaultdict

from local.gateway.docs import openapi
from shared.access.permissions import PLATFORM, ROLES, AccountRole, Permission

_HEAD = """# Permissions

Written by `make docs` from `shared/access/permissions.py` and the routes. A user is the OWNER of the user's own
account. In an organization a user has the role of the membership. A route needs one permission: of the role on the
account on which the request acts, and among the scopes of the token, if the token has some. Platform admins operate the
deployment. Their permissions are in the users table, are read at each request, and do not apply to keys.

"""


def page() -> str:
    """Return the page."""
    routes: dict[str, list[str]] = defaultdict(list)
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            for needed in operation.get("security", []):
                for permission in needed.get("token", []):
                    routes[permission].append(f"`{method.upper()} {path}`")
    rows = [["permission", *AccountRole, "platform admin", "routes"], ["---", *[":-:"] * (len(AccountRole) + 1), "---"]]
    for permission in Permission:
        has = ["yes" if permission in ROLES[role] else "" for role in AccountRole]
        admin = "yes" if permission in PLATFORM else ""
        rows.append([f"`{permission}`", *has, admin, "<br>".join(routes[permission])])
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)
