"""`python -m local.dev`: run the laptop cloud until Ctrl-C."""

import os
from contextlib import ExitStack
from enum import StrEnum
from time import sleep
from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from local import terminal
from local.addresses import announced
from local.cloud import Cloud, laptop_cloud
from local.processes import CloudFailed


class Providers(StrEnum):
    """The providers that remote engines call."""

    REAL = "real"
    IMITATION = "imitation"


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The gateway's port; 0 means any free port.")] = 8700,
    providers: Annotated[
        Providers, typer.Option(help="real: those whose keys are in the environment. imitation: all, without a model.")
    ] = Providers.REAL,
) -> None:
    """Run the laptop cloud: the studio, REST, WebSocket, storage, the state machine and the workers."""
    try:
        terminal.title("laptop cloud", "everything on this machine")
        with ExitStack() as stack:
            with terminal.waiting("Starting", "Running"):
                cloud = stack.enter_context(
                    laptop_cloud(port=port, imitates_providers=providers is Providers.IMITATION)
                )
            stack.enter_context(announced(cloud, cloud.folder))
            _show(cloud)
            _keep(cloud)
    except CloudFailed as error:
        terminal.failure(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        terminal.note("Stopped.\n")
        raise typer.Exit(0) from None


def _show(cloud: Cloud) -> None:
    grid = Table.grid(padding=(0, 3, 0, 0))
    for name, value in (
        ("Studio", f"[bold]{cloud.api_url}[/]"),
        ("REST", f"{cloud.api_url}/api"),
        ("Docs", cloud.docs_url),
        ("Stripe", f"{cloud.api_url}/stripe, a fake: POST /api/billing/checkout returns its page"),
        ("WebSocket", cloud.socket_url),
        ("AWS endpoint", cloud.moto_url),
        ("Email", cloud.outbox_url),
        *([("Providers", f"{cloud.providers_url}, an imitation")] if cloud.providers_url else []),
        ("Logs", os.path.relpath(cloud.logs)),
    ):
        grid.add_row(f"[dim]{name}[/]", value)
    terminal.console.print()
    terminal.console.print(Padding(grid, (0, 0, 0, 4)))
    terminal.console.print("\n    [dim]Ctrl-C stops it.[/]")


def _keep(cloud: Cloud) -> None:
    """Wait until Ctrl-C. Raise CloudFailed when moto or the gateway ends."""
    while True:
        sleep(1)
        for service in cloud.services:
            if not service.alive:
                raise CloudFailed(f"The {service.name} process ended; its log is {service.log}.")


if __name__ == "__main__":
    typer.run(serve)
