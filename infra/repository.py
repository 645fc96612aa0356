"""The repository on GitHub, whose workflows deploy and which contains the runbook."""

from constructs import IConstruct


def repository(scope: IConstruct) -> str:
    """Return `owner/name`. A fork sets its own in cdk.json's context or with `-c repository=owner/name`."""
    return str(scope.node.try_get_context("repository") or "kinora/kinora")


def runbook_page(scope: IConstruct, anchor: str) -> str:
    """Return the URL of this heading of `docs/runbook.md`."""
    return f"https://github.com/{repository(scope)}/blob/main/docs/runbook.md#{anchor}"
