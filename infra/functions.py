"""Every Lambda function and what calls it, as data: the CDK app and the laptop cloud both build from it."""

from dataclasses import dataclass

from shared.stages.engines import ENGINES, Runs


@dataclass(frozen=True, slots=True)
class RestDomain:
    """One function behind `/api/{name}`; `public` routes need no access token."""

    name: str
    handler: str
    public: frozenset[str] = frozenset()  # "POST /api/auth/login"


REST_DOMAINS: tuple[RestDomain, ...] = (
    RestDomain(
        "auth",
        "functions.auth.handler:handler",
        public=frozenset(
            {"POST /api/auth/register", "POST /api/auth/login", "POST /api/auth/refresh", "POST /api/auth/logout"}
        ),
    ),
    RestDomain("projects", "functions.projects.handler:handler"),
    RestDomain("jobs", "functions.jobs.handler:handler"),
    RestDomain("assets", "functions.assets.handler:handler"),
    RestDomain("presets", "functions.presets.handler:handler"),
)

AUTHORIZER = "functions.authorizer.handler:handler"

# Functions that the state machine, queues, schedules and streams call, by the name they are deployed under.
PIPELINE: dict[str, str] = {
    "pipeline-dispatch": "functions.pipeline.dispatch:handler",
    "pipeline-settle": "functions.pipeline.settle:handler",
    "pipeline-signal": "functions.pipeline.signal:handler",  # stage dead-letter queues
    "pipeline-reconcile": "functions.pipeline.reconcile:handler",  # every minute
}

# Reads the remote engines' queue. It loads engines by the names that the catalogue gives their code.
REMOTE_ENGINES: dict[str, str] = {"remote-engine": "workers.runtime.lambda_entry:handler"}
LOADED_BY_NAME: dict[str, frozenset[str]] = {
    "workers.runtime.lambda_entry:handler": frozenset(
        engine.code.partition(":")[0] for engine in ENGINES if engine.runs is Runs.REMOTE
    )
}
REMOTE_ENGINE_SECONDS = 60  # a clip is fetched and stored in it

# WebSocket routes; $connect passes the authorizer first. The client's message names its route in `type`.
SOCKET_ROUTES: dict[str, str] = {
    "$connect": "functions.realtime.connect:handler",
    "$disconnect": "functions.realtime.disconnect:handler",
    "$default": "functions.realtime.unknown:handler",
    "subscribe": "functions.realtime.subscribe:handler",
    "unsubscribe": "functions.realtime.unsubscribe:handler",
}

# Reads the stream of the jobs table.
JOBS_STREAM: dict[str, str] = {"realtime-push": "functions.realtime.push:handler"}

RECONCILE_EVERY_SECONDS = 60
