"""The repository on GitHub, whose workflows deploy and which contains the runbook."""

from constructs import IConstruct


def repository(scope: IConstruct) -> str | None:
    """Return `owner/name` from cdk.json's context or `-c repository=owner/name`. There is no default.

    This repository may deploy into the account, so only the operator can name it.
    """
    name = scope.node.try_get_context("repository")
    return str(name) if name else None


def runbook_page(scope: IConstruct, anchor: str) -> str:
    """Return the URL of this heading of `docs/runbook.md`, or its path without a repository."""
    page = f"docs/runbook.md#{anchor}"
    name = repository(scope)
    return f"https://github.com/{name}/blob/main/{page}" if name else page
