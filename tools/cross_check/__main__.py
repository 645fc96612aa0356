"""The second opinion, `make cross-check`: the template in another emulator, real workers beside it, one film.

The dev template is deployed into MiniStack; the workers run with the variables that their task definitions give them;
a film is made through REST and WebSocket. Then the laptop cloud makes the same film, and the histories of the two
state machines must be the same. Ends with an error where they are not.
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
from tools.cross_check.deployment import LEFT_OUT_STACKS, LEFT_OUT_TYPES, deploy, resource, tell_functions
from tools.cross_check.emulator import Emulator, emulator
from tools.cross_check.films import FilmHistory, make_film
from tools.template import Assembly, synthesized

START_SECONDS = 60
SECONDS_IN_ALL = 300
STAGE = "v1"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def credentials(cloud: Emulator) -> dict[str, str]:
    """By which a process reaches the emulator instead of AWS."""
    return {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


@contextmanager
def workers(assembly: Assembly, cloud: Emulator, folder: Path) -> Iterator[None]:
    """Every task definition's command, with its variables, as a process until the block ends."""
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
        say(f"MiniStack at {cloud.url}; logs in {folder}")
        variables = credentials(cloud)
        for name, resources, seconds in deploy(assembly, cloud, variables):
            say(f"  {assembly.prefix}-{name}: {resources} resources in {seconds:.1f} s")
        address = partial("{}/_aws/execute-api/{}/{}".format, cloud.url)
        rest = address(resource(cloud, f"{assembly.prefix}-api", "AWS::ApiGateway::RestApi"), STAGE)
        socket = address(resource(cloud, f"{assembly.prefix}-api", "AWS::ApiGatewayV2::Api"), STAGE)
        tell_functions(cloud, "KINORA_SOCKET_ENDPOINT_URL", socket)  # the template's is a name of AWS's own
        machine = resource(cloud, f"{assembly.prefix}-pipeline", "AWS::StepFunctions::StateMachine")
        with workers(assembly, cloud, folder):
            film = make_film(rest, socket.replace("http", "ws", 1), cloud.client("stepfunctions"), machine)
            look_at(film, cloud, folder)
            return film


def look_at(film: FilmHistory, cloud: Emulator, folder: Path) -> None:
    """Read the film from the bucket: MiniStack has no CloudFront that would check its signed address."""
    key = film.job["videoUrl"].partition("?")[0].partition("/media/")[2]
    bucket = next(b["Name"] for b in cloud.client("s3").list_buckets()["Buckets"] if "-media-" in b["Name"])
    path = folder / "film.mp4"
    cloud.client("s3").download_file(bucket, key, str(path))
    with av.open(path) as container:
        say(f"  its film: {path.stat().st_size} bytes, {sum(1 for _ in container.decode(video=0))} frames")


def on_the_laptop(folder: Path) -> FilmHistory:
    with laptop_cloud(folder=folder) as cloud:
        machine = cloud.environment["KINORA_STATE_MACHINE_ARN"]
        return make_film(cloud.api_url, cloud.socket_url, cloud.client("stepfunctions"), machine)


def differences(theirs: FilmHistory, ours: FilmHistory) -> list[str]:
    found = [
        f"{what}: {there} there, {here} here"
        for what, there, here in (
            ("status", theirs.status, ours.status),
            ("stages completed", theirs.completed, ours.completed),
            ("states entered", theirs.states, ours.states),
            ("first event", theirs.events[:1], ours.events[:1]),
            ("last event", theirs.events[-1:], ours.events[-1:]),
        )
        if there != here
    ]
    return found if ours.status == "COMPLETED" else [*found, f"the laptop's job ended {ours.status}"]


def _too_late(*_: object) -> None:
    raise TimeoutError(f"not done in {SECONDS_IN_ALL} s")


def main() -> int:
    signal.signal(signal.SIGALRM, _too_late)  # it unwinds: whatever was started is stopped
    signal.alarm(SECONDS_IN_ALL)
    began = monotonic()
    for name, reason in (LEFT_OUT_STACKS | LEFT_OUT_TYPES).items():
        say(f"left out: {name}: {reason}")
    with tempfile.TemporaryDirectory(prefix="kinora-cross-check-") as there:
        theirs = in_the_emulator(Path(there))
    say(f"  its states: {' > '.join(theirs.states)}; {len(theirs.events)} events by WebSocket")
    with tempfile.TemporaryDirectory(prefix="kinora-cross-check-") as here:
        ours = on_the_laptop(Path(here))
    say(f"laptop's states: {' > '.join(ours.states)}; {len(ours.events)} events by WebSocket")
    for difference in (found := differences(theirs, ours)):
        say(f"DIFFERENT {difference}")
    say(f"{'different' if found else 'the same'} in {monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
