"""Where this house stands on GitHub: who may deploy it, and where the runbook is read."""

from constructs import IConstruct


def repository(scope: IConstruct) -> str:
    """`owner/name`; a fork says its own in cdk.json's context or with `-c repository=owner/name`."""
    return str(scope.node.try_get_context("repository") or "kinora/kinora")


def runbook_page(scope: IConstruct, anchor: str) -> str:
    """The page of `docs/runbook.md` under this heading."""
    return f"https://github.com/{repository(scope)}/blob/main/docs/runbook.md#{anchor}"
