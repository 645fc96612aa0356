"""Messages: each asynchronous path ends in a queue that an alarm watches."""

from collections import Counter

from infra.functions import ALIAS, MAIL_REFUSALS, REMOTE_ENGINES, STAGE_CALLER, UPKEEP, VERIFICATION_CALLER
from infra.stacks.api import WEBHOOKS_STREAM_RETRIES
from shared.stages.queues import QUEUES
from tools.template import Assembly

READERS_OF_A_STREAM = 2  # maximum; DynamoDB throttles more readers
TIMES_ITS_READER = 6  # visibility timeout of a queue / timeout of its function, as Lambda recommends
HIDING = {STAGE_CALLER.name, VERIFICATION_CALLER.name}  # they hide their message again and again
LEAST_RECEIVES = 5  # minimum `maxReceiveCount`, as Lambda recommends


def queue_names(cloud: Assembly) -> set[str]:
    return set(cloud.by("QueueName", "AWS::SQS::Queue"))


def named(arn: str, cloud: Assembly) -> str:
    return arn.removesuffix(f":{ALIAS}").rpartition(":")[2].removeprefix(f"{cloud.prefix}-")


def test_every_working_queue_has_dead_letters(cloud: Assembly) -> None:
    for queue in QUEUES:
        redrive = cloud.by("QueueName", "AWS::SQS::Queue")[queue.name]["RedrivePolicy"]
        assert named(redrive["deadLetterTargetArn"], cloud) in queue_names(cloud)
        assert redrive["maxReceiveCount"] >= LEAST_RECEIVES


def test_queues_are_encrypted_and_dead_letters_wait_two_weeks(cloud: Assembly) -> None:
    for name, queue in cloud.by("QueueName", "AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, name
        if name.endswith("-dlq"):
            assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600, name


def test_every_event_source_has_a_destination_for_failures(cloud: Assembly) -> None:
    """A stream names its destination. A queue has a dead-letter queue or is one."""
    for source in cloud.resources("AWS::Lambda::EventSourceMapping"):
        if ":dynamodb:" in source["EventSourceArn"]:
            assert named(source["DestinationConfig"]["OnFailure"]["Destination"], cloud) in queue_names(cloud)
            assert source["BisectBatchOnFunctionError"] is True
            most = WEBHOOKS_STREAM_RETRIES if "webhooks-notify" in str(source["FunctionName"]) else 10
            assert 0 < source["MaximumRetryAttempts"] <= most
        else:
            queue = cloud.by("QueueName", "AWS::SQS::Queue")[named(source["EventSourceArn"], cloud)]
            assert source["EventSourceArn"].endswith("-dlq") or "RedrivePolicy" in queue.properties
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_every_rule_and_its_target_have_a_destination_for_failures(cloud: Assembly) -> None:
    destinations = {
        named(config["FunctionName"], cloud): config["DestinationConfig"]["OnFailure"]["Destination"]
        for config in cloud.resources("AWS::Lambda::EventInvokeConfig")
    }
    rules = cloud.resources("AWS::Events::Rule")
    assert rules
    for rule in rules:
        for target in rule["Targets"]:
            assert named(target["DeadLetterConfig"]["Arn"], cloud) in queue_names(cloud), rule
            assert named(destinations[named(target["Arn"], cloud)], cloud) in queue_names(cloud), rule


def test_every_asynchronously_invoked_function_has_a_destination_for_failures(cloud: Assembly) -> None:
    """The callers are rules, Secrets Manager and CloudFormation (custom resources)."""
    configs = {
        named(config["FunctionName"], cloud): config for config in cloud.resources("AWS::Lambda::EventInvokeConfig")
    }
    by_services = {
        named(permission["FunctionName"], cloud) for permission in cloud.resources("AWS::Lambda::Permission")
        if permission["Principal"] in {"events.amazonaws.com", "secretsmanager.amazonaws.com"}
    }  # fmt: skip
    by_deployments = {
        named(found["ServiceToken"], cloud) for found in cloud.resources() if "ServiceToken" in found.properties
    }
    refusals = {MAIL_REFUSALS.name}  # only an environment with a domain sends email
    assert by_services - refusals == {
        "pipeline-reconcile", "canary", "rotation-rotate", *(row.name for row in UPKEEP),
    }  # fmt: skip
    assert by_deployments == {"rotation-begin"}
    assert set(configs) == by_services | by_deployments | refusals
    for name, config in configs.items():
        assert named(config["DestinationConfig"]["OnFailure"]["Destination"], cloud) in queue_names(cloud), name


def test_a_failed_canary_is_not_retried(cloud: Assembly) -> None:
    [config] = [
        config for config in cloud.resources("AWS::Lambda::EventInvokeConfig")
        if named(config["FunctionName"], cloud) == "canary"
    ]  # fmt: skip
    assert config["MaximumRetryAttempts"] == 0


def test_a_stream_has_at_most_two_readers(cloud: Assembly) -> None:
    readers = Counter(
        source["EventSourceArn"] for source in cloud.resources("AWS::Lambda::EventSourceMapping")
        if ":dynamodb:" in source["EventSourceArn"]
    )  # fmt: skip
    assert readers
    assert max(readers.values()) <= READERS_OF_A_STREAM


def test_a_visibility_timeout_is_six_times_the_timeout_of_the_function(cloud: Assembly) -> None:
    queues = cloud.by("QueueName", "AWS::SQS::Queue")
    read = 0
    for source in cloud.resources("AWS::Lambda::EventSourceMapping"):
        if ":sqs:" in source["EventSourceArn"]:
            visible_after = queues[named(source["EventSourceArn"], cloud)]["VisibilityTimeout"]
            reader = named(source["FunctionName"], cloud)
            times = 1 if reader in HIDING else TIMES_ITS_READER
            assert visible_after >= times * cloud.functions()[reader]["Timeout"], source
            read += 1
    of_callers = sum(queue.has_tasks for queue in QUEUES) - len(REMOTE_ENGINES) if cloud.isolated() else 0
    assert read == len(QUEUES) + len(REMOTE_ENGINES) + of_callers


def test_a_sweep_ends_before_the_next_begins(cloud: Assembly) -> None:
    assert cloud.functions()["pipeline-reconcile"]["Timeout"] < 60


def test_no_function_behind_the_api_exceeds_the_timeout_of_the_api(cloud: Assembly) -> None:
    for name, function in cloud.functions().items():
        if name.startswith(("rest-", "socket-", "authorizer")):
            assert function["Timeout"] <= 29, name


def test_the_state_machine_logs_without_the_data_that_holds_tokens(cloud: Assembly) -> None:
    [machine] = cloud.resources("AWS::StepFunctions::StateMachine")
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["TracingConfiguration"] == {"Enabled": True}
