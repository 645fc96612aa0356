"""The laptop cloud's environment: the names, addresses and dummy credentials that a deployment would set."""

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "123456789012"
PREFIX = "kinora-local"
MEDIA_BUCKET = f"{PREFIX}-media"
DATA_KEY = f"alias/{PREFIX}-data"
MAIL_DOMAIN = "kinora.example"
MEDIA_KEY_ID = "kinora-local"
SECRET_PREFIX = "kinora/local/"  # noqa: S105  # a prefix of names, not a secret
STATE_MACHINE = f"{PREFIX}-generate-video"
ACCESS_KEY_ID = "AKIAKINORALOCAL00000"
SECRET_ACCESS_KEY = "no-secret-it-opens-nothing-but-this-laptop"  # noqa: S105  # moto takes any

# Variables that would make a client use a real AWS account or another certificate authority.
_REAL_ACCOUNT = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CA_BUNDLE"}


MODELS = ROOT / "build" / "models"  # where `make models` installs the weights


def models() -> dict[str, str]:
    """Return the variable that names the folder of models to the workers; none before `make models`."""
    return {"KINORA_MODELS": str(MODELS)} if MODELS.is_dir() else {}


PROVIDER_KEYS = {  # a provider's secret -> the variable of its SDK with the key
    "fal-key": "FAL_KEY",
    "runway-key": "RUNWAYML_API_SECRET",
    "openai-key": "OPENAI_API_KEY",
    "flux-key": "BFL_API_KEY",
    "luma-key": "LUMA_AGENTS_API_KEY",
    "google-key": "GEMINI_API_KEY",
    "stability-key": "STABILITY_API_KEY",
    "elevenlabs-key": "ELEVENLABS_API_KEY",
}
IMITATED = {  # path of each dialect of the imitation
    "KINORA_FAL_URL": "/fal",
    "KINORA_FAL_JWKS_URL": "/fal/.well-known/jwks.json",
    "KINORA_RUNWAY_URL": "/runway",
    "KINORA_OPENAI_URL": "/openai",
    "KINORA_FLUX_URL": "/flux",
    "KINORA_LUMA_URL": "/luma",
    "KINORA_GOOGLE_URL": "/google",
    "KINORA_STABILITY_URL": "/stability",
    "KINORA_ELEVENLABS_URL": "/elevenlabs",
}


def imitated_providers(url: str, gateway_url: str) -> dict[str, str]:
    """Return the variables that connect the engines of all providers and the gateway to the imitation at `url`."""
    keys = dict.fromkeys(PROVIDER_KEYS.values(), "imitation")
    webhooks = {"KINORA_PROVIDER_WEBHOOK_URL": f"{gateway_url}/provider-webhooks/"}
    return keys | webhooks | {name: url + path for name, path in IMITATED.items()}


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}-{name}:live"


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}-{name}"


def environment(moto_url: str, gateway_url: str) -> dict[str, str]:
    """Return the variables that all processes of the laptop cloud share."""
    return {
        "KINORA_ENVIRONMENT": "local",
        "KINORA_TABLE_PREFIX": PREFIX,
        "KINORA_QUEUE_URL_PREFIX": f"{moto_url}/{ACCOUNT}/{PREFIX}-",
        "KINORA_MEDIA_BUCKET": MEDIA_BUCKET,
        "KINORA_MEDIA_URL": f"{gateway_url}/media",
        "KINORA_UPLOAD_ENDPOINT_URL": f"{gateway_url}/s3",
        "KINORA_SECRET_PREFIX": SECRET_PREFIX,
        "KINORA_STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STATE_MACHINE}",
        "KINORA_DATA_KEY": DATA_KEY,
        "KINORA_MAX_EXECUTIONS": "20",
        "KINORA_PROVIDER_DAY_CENTS": "100000",
        "KINORA_GRANT_FUNCTION": f"{PREFIX}-pipeline-grant:live",
        "KINORA_MEDIA_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-media",
        "KINORA_SOCKET_ENDPOINT_URL": f"{gateway_url}/socket",
        "KINORA_WEB_ORIGIN": gateway_url,
        "KINORA_MAIL_FROM": f"Kinora <no-reply@{MAIL_DOMAIN}>",
        "KINORA_STRIPE_URL": f"{gateway_url}/stripe",
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
        "POWERTOOLS_SERVICE_NAME": "kinora",
        "POWERTOOLS_METRICS_NAMESPACE": "Kinora",
        "POWERTOOLS_LOG_LEVEL": os.environ.get("KINORA_LOG", "INFO"),
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }


def for_process(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a process's whole environment: this process's, without real AWS credentials, and the cloud's variables."""
    inherited = {name: value for name, value in os.environ.items() if name not in _REAL_ACCOUNT}
    return {**inherited, **environment, "PYTHONUNBUFFERED": "1"}
