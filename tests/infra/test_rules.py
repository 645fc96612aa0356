"""External rules: cdk-nag's packs, cfn-lint, and the limits of CloudFormation."""

import json
import subprocess

import pytest

from local.environment import ROOT
from tools.template import APPS, ENVIRONMENTS, Assembly, SynthFailed, run_app, run_program, synthesized

# The CDK writes a dependency that is also a reference. The second statement is harmless.
REDUNDANT_DEPENDENCY = "W3005"
PASSED = "cfn-lint.passed"
RESOURCES_IN_A_STACK = 500  # CloudFormation's limit
TEMPLATE_BYTES = 1_000_000  # CloudFormation's limit
# Violations that must end the synthesis, one for each pack of rules; the rest of the app is correct.
BREAKING = """
import sys
from aws_cdk import App, aws_lambda, aws_s3
from infra.app import build, flags
from infra.environments import ENVIRONMENTS
app = App(outdir=sys.argv[1], context=flags())
stack = build(app, ENVIRONMENTS["dev"]).web
{what}
app.synth()
"""
AN_OPEN_BUCKET = 'aws_s3.Bucket(stack, "open")'
A_FUNCTION_THAT_IS_NOT_TRACED = """
aws_lambda.CfnFunction(
    stack, "untraced", role="arn:aws:iam::123456789012:role/none", handler="index.handler",
    runtime="python3.13", code=aws_lambda.CfnFunction.CodeProperty(zip_file="pass"),
)
"""


def test_cdk_nag_finds_no_violation(cloud: Assembly) -> None:
    """The synthesis ends at a violation. The report confirms that there was none."""
    report = json.loads((cloud.folder / "validation-report.json").read_text())
    assert report["pluginReports"] == []


@pytest.mark.parametrize(
    ("what", "rule"),
    [(AN_OPEN_BUCKET, "AwsSolutions-S1"), (A_FUNCTION_THAT_IS_NOT_TRACED, "Serverless-LambdaTracing")],
)
def test_a_finding_of_either_pack_ends_the_synth(
    tmp_path_factory: pytest.TempPathFactory, what: str, rule: str
) -> None:
    folder = tmp_path_factory.mktemp("breaking")
    with pytest.raises(SynthFailed, match=rule):
        run_program(BREAKING.format(what=what), str(folder))


def test_each_acknowledgement_has_a_reason(cloud: Assembly) -> None:
    reasons = [
        (path, rule, reason)
        for path, entry in cloud.metadata() if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule, reason in entry["data"].items()
    ]  # fmt: skip
    assert reasons
    for path, rule, reason in reasons:
        assert len(reason.split()) >= 5, (path, rule)


def test_no_rule_is_acknowledged_for_a_whole_stack(cloud: Assembly) -> None:
    for path, entry in cloud.metadata():
        if entry["type"] == "aws:cdk:acknowledged-rules":
            assert path.count("/") > 1, path


def test_the_cdk_gives_no_warning(cloud: Assembly) -> None:
    warnings = [(path, entry["data"]) for path, entry in cloud.metadata() if entry["type"] == "aws:cdk:warning"]
    assert warnings == []


@pytest.mark.slow
def test_cfn_lint_finds_no_violation() -> None:
    """One process checks the templates of all environments: its start takes a second for each.

    It needs a minute, so a cached assembly that passed is not checked again: its name is the digest of its sources.
    """
    folders = [synthesized(name).folder for name in APPS]
    templates = [
        str(file)
        for folder in folders if not (folder / PASSED).exists()
        for file in sorted(folder.glob("*.template.json"))
    ]  # fmt: skip
    if not templates:
        return
    done = subprocess.run(  # noqa: S603  # our own arguments
        [str(ROOT / ".venv" / "bin" / "cfn-lint"), "--regions", "us-east-1", "--ignore-checks", REDUNDANT_DEPENDENCY,
         "--format", "parseable", "--", *templates],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    for folder in folders:
        (folder / PASSED).touch()


def test_stacks_stay_below_the_limits_of_cloudformation(cloud: Assembly) -> None:
    assert len(cloud.stacks) == 7
    for file in cloud.folder.glob("*.template.json"):
        assert file.stat().st_size < TEMPLATE_BYTES
    for name, template in cloud.stacks.items():
        assert len(template["Resources"]) < RESOURCES_IN_A_STACK, name


def test_an_unknown_environment_is_refused_by_name() -> None:
    with pytest.raises(SynthFailed, match=f"Unknown environment nowhere; there are {', '.join(ENVIRONMENTS)}"):
        run_app("-c", "env=nowhere")


def test_templates_depend_on_neither_the_machine_nor_an_account(cloud: Assembly) -> None:
    for file in cloud.folder.glob("*.template.json"):
        text = file.read_text()
        assert str(ROOT) not in text, file.name
        assert "123456789012" not in text, file.name


def test_resources_have_the_cost_tag_of_the_budget(cloud: Assembly) -> None:
    """The budget counts only resources with its tag."""
    [budget] = cloud.resources("AWS::Budgets::Budget")
    [filtered] = budget["Budget"]["CostFilters"]["TagKeyValue"]
    key, _, value = filtered.removeprefix("user:").rpartition("$")
    assert value == cloud.name
    for table in cloud.resources("AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::SQS::Queue"):
        assert {"Key": key, "Value": value} in table["Tags"], table
