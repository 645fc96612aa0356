"""`make audit`: check the invariants of an environment's data, print the findings, and exit with 1 if there are any.

`ENV=dev` reads the account of your AWS credentials. Without it, the laptop cloud of `make dev` is read, at the AWS
endpoint that `make dev` prints. `--at-rest` also reports live jobs, open holds, messages, and orphans of any age.
`--tables` and `--at` audit restored tables as of the time to which they were restored.
"""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from local.environment import environment as laptop


def main(
    env: Annotated[str, typer.Option(help="The environment; without one, the laptop cloud.")] = "",
    endpoint: Annotated[str, typer.Option(help="The laptop cloud's AWS endpoint.")] = "",
    at_rest: Annotated[bool, typer.Option(help="Report everything that is unfinished, too.")] = False,
    tables: Annotated[str, typer.Option(help="The prefix of restored tables, instead of the environment's.")] = "",
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%SZ"], help="The time of the data, in UTC.")
    ] = None,
) -> None:
    """Print the findings as a table."""
    if bool(env) == bool(endpoint):
        raise typer.BadParameter("give ENV=, or ENDPOINT= of the laptop cloud")
    os.environ |= laptop(endpoint, "") if endpoint else variables(env)
    os.environ |= {"KINORA_TABLE_PREFIX": tables} if tables else {}
    from functions.upkeep.audit import findings  # noqa: PLC0415  # records read the environment at import
    from shared.core.clock import utc_now  # noqa: PLC0415  # imported with the line above

    table = Table("invariant", "subject", "finding")
    for finding in findings(at.replace(tzinfo=UTC) if at else utc_now(), at_rest=at_rest):
        table.add_row(finding.invariant, finding.subject, finding.sentence)
    console = Console()
    console.print(table if table.rows else "No findings.")
    raise typer.Exit(1 if table.rows else 0)


def variables(env: str) -> dict[str, str]:
    """Return the variables that the functions of the environment have, as far as the audit reads them."""
    import boto3  # noqa: PLC0415  # takes 350 ms

    from infra.environments import ENVIRONMENTS  # noqa: PLC0415  # imports the CDK

    if env not in ENVIRONMENTS:
        raise typer.BadParameter(f"unknown environment {env}; there are {', '.join(ENVIRONMENTS)}")
    chosen = ENVIRONMENTS[env]
    account = boto3.client("sts", region_name=chosen.region).get_caller_identity()["Account"]
    return {
        "KINORA_ENVIRONMENT": env,
        "KINORA_TABLE_PREFIX": chosen.prefix,
        "KINORA_MEDIA_BUCKET": chosen.media_bucket(account),
        "KINORA_QUEUE_URL_PREFIX": f"https://sqs.{chosen.region}.amazonaws.com/{account}/{chosen.prefix}-",
        "AWS_REGION": chosen.region,
        "AWS_DEFAULT_REGION": chosen.region,  # boto3 reads this variable only
    }


if __name__ == "__main__":
    typer.run(main)
