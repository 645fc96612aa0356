"""The repository on GitHub: its workflows deploy, and it serves the runbook."""

from constructs import IConstruct


def repository(scope: IConstruct) -> str:
    """`owner/name`; a fork says its own in cdk.json's context or with `-c repository=owner/name`."""
    return str(scope.node.try_get_context("repository") or "kinora/kinora")


def runbook_page(scope: IConstruct, anchor: str) -> str:
    """Return the address of this heading of `docs/runbook.md`."""
    return f"https://github.com/{repository(scope)}/blob/main/docs/runbook.md#{anchor}"
