"""The environment variables of all functions and workers. The laptop cloud sets the same names."""

from aws_cdk import Stack

from infra.environments import Environment

WITHOUT_PLUGINS = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""To look for plugins, pydantic reads a file of each installed package at the start of a process."""


def common_variables(environment: Environment, stack: Stack) -> dict[str, str]:
    """Return the variables. They follow from names alone, so that no stack depends on another's output for them."""
    queues = f"https://sqs.{stack.region}.{stack.url_suffix}/{stack.account}"
    machines = f"arn:{stack.partition}:states:{stack.region}:{stack.account}:stateMachine"
    gpus = {
        "KINORA_GPU_ENGINES": ",".join(environment.gpu_engines),
        "KINORA_WEIGHTS": environment.weights,
        "KINORA_ACCEPTED_LICENCES": ",".join(environment.accepted_licences),
    }
    chosen = {"KINORA_DEFAULT_ENGINES": ",".join(environment.default_engines)}
    own = {
        "KINORA_ENVIRONMENT": environment.name,
        "KINORA_TABLE_PREFIX": environment.prefix,
        "KINORA_QUEUE_URL_PREFIX": f"{queues}/{environment.prefix}-",
        "KINORA_MEDIA_BUCKET": environment.media_bucket(stack.account),
        "KINORA_SECRET_PREFIX": environment.secret_prefix,
        "KINORA_STATE_MACHINE_ARN": f"{machines}:{environment.prefix}-generate-video",
        "KINORA_DATA_KEY": f"alias/{environment.prefix}-data",
        "KINORA_MAX_EXECUTIONS": str(environment.max_executions),
        "KINORA_PROVIDER_DAY_CENTS": str(environment.provider_day_cents),
        "POWERTOOLS_SERVICE_NAME": "kinora",
        "POWERTOOLS_METRICS_NAMESPACE": "Kinora",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        **WITHOUT_PLUGINS,
    }
    dsn = {"KINORA_SENTRY_DSN": environment.sentry_dsn}
    return (
        own
        | (dsn if environment.sentry_dsn else {})
        | (gpus if environment.gpu_engines else {})
        | (chosen if environment.default_engines else {})
    )
