"""The canary: a function that makes a small film through the public API every few hours and checks the file."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from constructs import Construct

from infra.constructs.function import KinoraFunction
from infra.constructs.stage_queue import DeadLetterQueue
from infra.environments import Environment
from infra.functions import CANARY, FILM_SECONDS


class Canary(Construct):
    """`.function` fails if the film cannot be made. `.dead_letters` receives its errors."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        site_url: str,
    ) -> None:
        super().__init__(scope, id)
        self.dead_letters = DeadLetterQueue(self, "failed", queue_name=f"{environment.prefix}-canary-dlq")
        self.function = KinoraFunction(
            self,
            CANARY,
            environment,
            variables={"KINORA_SITE_URL": site_url, "KINORA_CANARY_SECONDS": str(FILM_SECONDS)},
            on_failure=destinations.SqsDestination(self.dead_letters),
            retry_attempts=0,  # one failure is enough for the alarm, and each attempt creates a user and a film
        )
        events.Rule(
            self,
            "every-few-hours",
            rule_name=f"{environment.prefix}-canary",
            schedule=events.Schedule.rate(Duration.hours(environment.canary_every_hours)),
            targets=[targets.LambdaFunction(self.function.live, dead_letter_queue=self.dead_letters, retry_attempts=2)],
        )
