"""`make cross-check`: deploy the template into another emulator and compare a film's history with the laptop cloud.

The dev template is deployed into MiniStack. The workers run as processes with the variables of their task definitions.
A film is made through REST and WebSocket. Then the laptop cloud makes the same film. The exit status is 1 if the
histories of the two state machines differ.
"""

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic

import av

from local.cloud import laptop_cloud
from local.environment import ACCESS_KEY_ID, SECRET_ACCESS_KEY, for_process
from local.processes import Lifeline, Process, stop_all
from tools.cross_check.deployment import OMITTED_STACKS, OMITTED_TYPES, deploy, resource, set_variable
from tools.cross_check.emulator import Emulator, emulator
from tools.cross_check.films import FilmHistory, make_film
from tools.template import Assembly, synthesized

START_SECONDS = 60
TIMEOUT_SECONDS = 300
STAGE = "v1"


def write_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def credentials(cloud: Emulator) -> dict[str, str]:
    """Return the variables with which a process uses the emulator instead of AWS."""
    return {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


@contextmanager
def workers(assembly: Assembly, cloud: Emulator, folder: Path) -> Iterator[None]:
    """Run the command of every task definition with its variables as a process until the block ends."""
    lifeline, started = Lifeline(), list[Process]()
    try:
        for task in assembly.resources("AWS::ECS::TaskDefinition"):
            [container] = task["ContainerDefinitions"]
            given = {variable["Name"]: variable["Value"] for variable in container["Environment"]}
            _python, _m, module, *arguments = container["Command"]
            name = task["Family"]
            process = Process(
                name, module, arguments, environment=for_process(given | credentials(cloud)),
                log=folder / f"{name}.log", lifeline=lifeline,
            )  # fmt: skip
            process.start()
            started.append(process)
        for process in started:
            process.wait_ready(START_SECONDS)
        yield
    finally:
        stop_all(started)
        lifeline.cut()


def in_the_emulator(folder: Path) -> FilmHistory:
    assembly = synthesized("dev")
    with emulator(folder) as cloud:
        write_line(f"MiniStack at {cloud.url}; logs in {folder}")
        variables = credentials(cloud)
        for name, resources, seconds in deploy(assembly, cloud, variables):
            write_line(f"  {assembly.prefix}-{name}: {resources} resources in {seconds:.1f} s")
        address = partial("{}/_aws/execute-api/{}/{}".format, cloud.url)
        rest = address(resource(cloud, f"{assembly.prefix}-api", "AWS::ApiGateway::RestApi"), STAGE)
        socket = address(resource(cloud, f"{assembly.prefix}-api", "AWS::ApiGatewayV2::Api"), STAGE)
        set_variable(cloud, "KINORA_SOCKET_ENDPOINT_URL", socket)  # the template's value is an address of AWS
        machine = resource(cloud, f"{assembly.prefix}-pipeline", "AWS::StepFunctions::StateMachine")
        with workers(assembly, cloud, folder):
            film = make_film(rest, socket.replace("http", "ws", 1), cloud.client("stepfunctions"), machine)
            decode(film, cloud, folder)
            return film


def decode(film: FilmHistory, cloud: Emulator, folder: Path) -> None:
    """Decode the film from the bucket, because MiniStack has no CloudFront that serves its signed URL."""
    key = film.job["videoUrl"].partition("?")[0].partition("/media/")[2]
    bucket = next(b["Name"] for b in cloud.client("s3").list_buckets()["Buckets"] if "-media-" in b["Name"])
    path = folder / "film.mp4"
    cloud.client("s3").download_file(bucket, key, str(path))
    with av.open(path) as container:
        write_line(f"  film: {path.stat().st_size} bytes, {sum(1 for _ in container.decode(video=0))} frames")


def on_the_laptop(folder: Path) -> FilmHistory:
    with laptop_cloud(folder=folder) as cloud:
        machine = cloud.environment["KINORA_STATE_MACHINE_ARN"]
        return make_film(cloud.api_url, cloud.socket_url, cloud.client("stepfunctions"), machine)


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
