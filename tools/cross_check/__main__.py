"""`make cross-check`: deploy the template into another emulator and compare a film's history with the laptop cloud.

The dev template is deployed into MiniStack. The functions that decode files run there too, with this source tree.
A film is made through REST and WebSocket. Then the laptop cloud makes the same film. The exit status is 1 if the
histories of the two state machines differ.
"""

import signal
import sys
import tempfile
from pathlib import Path
from time import monotonic

from local.cloud import laptop_cloud
from tools.cross_check.deployment import (
    OMITTED_STACKS,
    OMITTED_TYPES,
    SOCKET_VARIABLE,
    addresses,
    deploy,
    deploy_isolated,
    headers_of_cloudfront,
    resource,
    set_variable,
)
from tools.cross_check.emulator import emulator
from tools.cross_check.films import FilmHistory, decoded, make_film
from tools.template import synthesized

TIMEOUT_SECONDS = 300


def write_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def in_the_emulator(folder: Path) -> FilmHistory:
    assembly = synthesized("dev")
    with emulator(folder) as cloud:
        write_line(f"MiniStack at {cloud.url}; logs in {folder}")
        for name, resources, seconds in deploy(assembly, cloud, cloud.variables):
            write_line(f"  {assembly.prefix}-{name}: {resources} resources in {seconds:.1f} s")
        rest, socket = addresses(cloud, assembly)
        set_variable(cloud, SOCKET_VARIABLE, socket)
        machine = resource(cloud, f"{assembly.prefix}-pipeline", "AWS::StepFunctions::StateMachine")
        deploy_isolated(assembly, cloud)
        headers = headers_of_cloudfront(cloud)
        film = make_film(rest, socket.replace("http", "ws", 1), cloud.client("stepfunctions"), machine, headers)
        write_line(f"  film: {decoded(film.job, cloud, folder / 'film.mp4')} frames")
        return film


def on_the_laptop(folder: Path) -> FilmHistory:
    with laptop_cloud(folder=folder) as cloud:
        machine = cloud.environment["KINORA_STATE_MACHINE_ARN"]
        return make_film(
            cloud.api_url, cloud.socket_url, cloud.client("stepfunctions"), machine, outbox_url=cloud.outbox_url
        )


def differences(theirs: FilmHistory, ours: FilmHistory) -> list[str]:
    found = [
        f"{name}: {there} in MiniStack, {here} in the laptop cloud"
        for name, there, here in (
            ("status", theirs.status, ours.status),
            ("stages completed", theirs.completed, ours.completed),
            ("states entered", theirs.states, ours.states),
            ("first event", theirs.events[:1], ours.events[:1]),
            ("last event", theirs.events[-1:], ours.events[-1:]),
        )
        if there != here
    ]
    return found if ours.status == "COMPLETED" else [*found, f"the laptop cloud's job ended {ours.status}"]


def _time_out(*_: object) -> None:
    raise TimeoutError(f"not finished after {TIMEOUT_SECONDS} s")


def main() -> int:
    signal.signal(signal.SIGALRM, _time_out)  # the exception ends the blocks, which stop their processes
    signal.alarm(TIMEOUT_SECONDS)
    began = monotonic()
    for name, reason in (OMITTED_STACKS | OMITTED_TYPES).items():
        write_line(f"not deployed: {name}: {reason}")
    with tempfile.TemporaryDirectory(prefix="kinora-cross-check-") as there:
        theirs = in_the_emulator(Path(there))
    write_line(f"  states: {' > '.join(theirs.states)}; {len(theirs.events)} WebSocket events")
    with tempfile.TemporaryDirectory(prefix="kinora-cross-check-") as here:
        ours = on_the_laptop(Path(here))
    write_line(f"laptop cloud's states: {' > '.join(ours.states)}; {len(ours.events)} WebSocket events")
    for difference in (found := differences(theirs, ours)):
        write_line(f"DIFFERENT {difference}")
    write_line(f"{'different' if found else 'the same'} after {monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
