"""Alarms. Each has a description and a section of the runbook, and sends notices at its start and at its end."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.environments import Environment
from infra.repository import runbook_page

# Services that publish to the topic: alarms, budgets and cost anomaly detection.
PUBLISHERS = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com", "costalerts.amazonaws.com")


class AlarmTopic(sns.Topic):
    """The topic of the alarms. It sends e-mail to the operator if the environment has `alarm_email`."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
    ) -> None:
        # The policy of AWS's own key for topics does not allow these services, so the topic has its own key.
        key = kms.Key(
            scope,
            f"{id}Key",
            description=f"{environment.prefix} alarms",
            enable_key_rotation=True,
            removal_policy=environment.removal_policy,
        )
        super().__init__(scope, id, topic_name=f"{environment.prefix}-alarms", master_key=key, enforce_ssl=True)
        for publisher in PUBLISHERS:
            principal = iam.ServicePrincipal(
                publisher, conditions={"StringEquals": {"aws:SourceAccount": self.stack.account}}
            )
            key.grant(principal, "kms:Decrypt", "kms:GenerateDataKey")
            self.grant_publish(principal)
        if environment.alarm_email:
            mail = self.add_subscription(subscriptions.EmailSubscription(environment.alarm_email))
            reason = "A notice that arrives late has no use. The console shows the state of each alarm."
            acknowledge(mail, reason, "Serverless-SNSRedrivePolicy")


class Alarms(Construct):
    """The alarms of an environment. They publish to one topic."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id)
        self._prefix, self._topic = environment.prefix, topic
        self.all: list[cloudwatch.Alarm] = []

    def when(
        self,
        page: str,
        summary: str,
        metric: cloudwatch.IMetric,
        *,
        above: float,
        about: str = "",
        minutes: int = 5,
        times: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """Add an alarm that starts when `metric` is above the threshold for `times` periods of `minutes` in a row.

        `page` is the anchor of the heading in the runbook. `about` distinguishes several alarms of one page.
        """
        name = f"{page}-{about}" if about else page
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{self._prefix}-{name}",
            alarm_description=f"{summary} What to do: {runbook_page(self, page)}",
            metric=_over(metric, minutes),
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=times,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        alarm.add_ok_action(actions.SnsAction(self._topic))
        self.all.append(alarm)
        return alarm


def _over(metric: cloudwatch.IMetric, minutes: int) -> cloudwatch.IMetric:
    if isinstance(metric, cloudwatch.Metric | cloudwatch.MathExpression):
        return metric.with_(period=Duration.minutes(minutes))
    return metric
