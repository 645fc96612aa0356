"""The synthesized templates of all environments, cached by their sources, with CloudFormation's functions evaluated."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from select import select
from typing import Any, TextIO, cast

from infra.bundling.archive import BUILD, ROOT, digest
from local.environment import ACCOUNT, REGION

PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
ARNS = {  # value of `Fn::GetAtt` Arn for a resource with a fixed name
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{TableName}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{QueueName}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{FunctionName}}",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{{StateMachineName}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{BucketName}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{LogGroupName}}:*",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{{Name}}-??????",
    "AWS::ECS::Cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{{ClusterName}}",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{TopicName}}",
}
REFS = {  # value of `Ref` for types for which it is not the name
    "AWS::SQS::Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{{QueueName}}",
    "AWS::SecretsManager::Secret": ARNS["AWS::SecretsManager::Secret"],
    "AWS::SNS::Topic": ARNS["AWS::SNS::Topic"],
    "AWS::Lambda::Alias": ARNS["AWS::Lambda::Function"] + ":{Name}",
}
NAMES = ("TableName", "FunctionName", "BucketName", "LogGroupName", "ClusterName", "StageName", "RoleName")
CONTEXT = {"PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}  # node is in .venv
SYNTH_SECONDS = 200
CACHE_SECONDS = 3600  # age at which an assembly (14 MB) is deleted
ENVIRONMENTS = ("dev", "staging", "prod")
REPOSITORY = "example/studio"  # deploys from GitHub, in the templates
APPS = dict.fromkeys(ENVIRONMENTS, "infra.app") | {
    "elsewhere": "tools.elsewhere",
    "services": "tools.services",
}


@dataclass(frozen=True)
class Resource:
    """One resource of a stack. `raw` is its template; in `properties` all references are replaced by values."""

    stack: str
    id: str
    raw: Mapping[str, Any]
    assembly: "Assembly" = field(repr=False)

    @property
    def type(self) -> str:
        return str(self.raw["Type"])

    @property
    def properties(self) -> dict[str, Any]:
        filled: dict[str, Any] = self.assembly.fill(self.raw.get("Properties", {}), self.stack)
        return filled

    def __getitem__(self, name: str) -> Any:
        return self.properties[name]

    def __str__(self) -> str:
        return f"{self.stack}/{self.id}"


@dataclass(frozen=True)
class Assembly:
    """All stacks of one environment, by name without the environment's prefix: `data`, `pipeline`, ..."""

    name: str
    folder: Path

    @property
    def prefix(self) -> str:
        return f"kinora-{self.name}"

    @property
    def stacks(self) -> dict[str, dict[str, Any]]:
        return _stacks(self.folder, self.prefix)

    def resources(self, *types: str) -> list[Resource]:
        """Return all resources of these types; without arguments, of all types."""
        return [
            Resource(stack, name, raw, self)
            for stack, template in self.stacks.items()
            for name, raw in template["Resources"].items()
            if not types or raw["Type"] in types
        ]

    def by(self, property: str, type: str) -> dict[str, Resource]:  # noqa: A002  # CloudFormation's words
        """Return the resources of a type by the value of a naming property, without the environment's prefix."""
        return {str(found[property]).removeprefix(f"{self.prefix}-"): found for found in self.resources(type)}

    def functions(self) -> dict[str, Resource]:
        """Return the functions with a row in `infra/functions.py`."""
        every = self.by("FunctionName", "AWS::Lambda::Function")
        return {name: found for name, found in every.items() if "PackageType" not in found.properties}

    def isolated(self) -> dict[str, Resource]:
        """Return the functions that decode files of strangers. They are container images."""
        every = self.by("FunctionName", "AWS::Lambda::Function")
        return {name: found for name, found in every.items() if "PackageType" in found.properties}

    def metadata(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the path and each metadata entry of all constructs: acknowledgements, warnings, tags."""
        for file in sorted(self.folder.glob("*.metadata.json")):
            for path, entries in json.loads(file.read_text()).items():
                for entry in entries:
                    yield path, entry

    def asset(self, key: str) -> Path:
        """Return the path of the asset that a deployment uploads under this key."""
        return self.folder / f"asset.{key}"

    def fill(self, value: Any, stack: str) -> Any:
        """Return the value with its intrinsic functions evaluated. `{Id.Attribute}` stands for a value of AWS."""
        if isinstance(value, list):
            return [self.fill(inner, stack) for inner in value]
        if not isinstance(value, dict):
            return value
        for name, given in value.items():
            if name == "Ref" or name.startswith("Fn::"):
                return self._evaluated(name, given, stack)
        return {name: self.fill(inner, stack) for name, inner in value.items()}

    def _evaluated(self, function: str, given: Any, stack: str) -> Any:
        answer: Any
        match function, given:
            case "Ref", name:
                answer = self._ref(name, stack)
            case "Fn::GetAtt", [name, attribute]:
                answer = self._attribute(name, attribute, stack)
            case "Fn::ImportValue", export:  # in templates of the previous release
                exporter, output = self._export(export)
                answer = self.fill(output, exporter)
            case "Fn::GetStackOutput", {"StackName": producer, "OutputName": output}:
                producer = producer.removeprefix(f"{self.prefix}-")
                answer = self.fill(self.stacks[producer]["Outputs"][output]["Value"], producer)
            case "Fn::Join", [glue, parts]:
                answer = glue.join(str(self.fill(part, stack)) for part in parts)
            case "Fn::Sub", str(text):
                answer = re.sub(r"\$\{([^}]+)\}", lambda found: self._ref(found[1], stack), text)
            case "Fn::Split", [glue, text]:
                answer = self.fill(text, stack).split(glue)
            case "Fn::Select", [index, parts]:
                answer = self.fill(parts, stack)[int(index)]
            case "Fn::Base64", text:
                answer = self.fill(text, stack)
            case "Fn::FindInMap", [table, first, second]:
                answer = self.stacks[stack]["Mappings"][table][self.fill(first, stack)][second]
            case "Fn::GetAZs", _:
                answer = [f"{REGION}a", f"{REGION}b"]
            case _:
                raise NotImplementedError(f"{function} of {given}")
        return answer

    def _export(self, export: str) -> tuple[str, Any]:
        for stack, template in self.stacks.items():
            for output in template.get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == export:
                    return stack, output["Value"]
        raise LookupError(export)

    def _ref(self, name: str, stack: str) -> str:
        if name in PSEUDO:
            return PSEUDO[name]
        raw = self.stacks[stack]["Resources"].get(name)
        if raw is None:
            return f"{{{name}}}"  # a parameter
        own = raw.get("Properties", {})
        if raw["Type"] in REFS:
            return self._named(REFS[raw["Type"]], own, stack) or f"{{{name}}}"
        return next((str(self.fill(own[known], stack)) for known in NAMES if known in own), f"{{{name}}}")

    def _attribute(self, name: str, attribute: str, stack: str) -> str:
        raw = self.stacks[stack]["Resources"][name]
        own = raw.get("Properties", {})
        if attribute in own:
            return str(self.fill(own[attribute], stack))
        known = self._named(ARNS.get(raw["Type"], ""), own, stack)
        if attribute == "Arn" and known:
            return known
        if attribute == "StreamArn" and known:
            return f"{known}/stream/*"
        return f"{{{name}.{attribute}}}"

    def _named(self, form: str, properties: Mapping[str, Any], stack: str) -> str:
        try:
            return form.format_map({name: self.fill(value, stack) for name, value in properties.items()})
        except KeyError:
            return ""


@cache
def _stacks(folder: Path, prefix: str) -> dict[str, dict[str, Any]]:
    return {
        file.name.removeprefix(f"{prefix}-").removesuffix(".template.json"): json.loads(file.read_text())
        for file in sorted(folder.glob("*.template.json"))
    }


class SynthFailed(Exception):
    """The CDK app ended with an error. The message is its output."""


def run_program(program: str, *arguments: str) -> str:
    """Run a CDK program (Python code) without AWS and Kinora variables; return output. Raise SynthFailed."""
    process, log = _process()
    programs, answers = cast(TextIO, process.stdin), cast(TextIO, process.stdout)
    start = log.seek(0, os.SEEK_END)
    programs.write(json.dumps([program, *arguments]) + "\n")
    programs.flush()
    if not select([answers], [], [], SYNTH_SECONDS)[0]:
        process.kill()
    status = answers.readline()
    log.seek(start)
    if status != "0\n":
        raise SynthFailed(log.read())
    return log.read()


def run_app(*arguments: str, module: str = "infra.app") -> str:
    """Run the CDK app (`-c env=dev -o folder`) without AWS and Kinora variables; return output. Raise SynthFailed."""
    return run_program(f"import runpy; runpy.run_module({module!r}, run_name='__main__')", *arguments)


@cache
def _process() -> tuple[subprocess.Popen[str], TextIO]:
    """Start the process of all programs, and return it with the file that receives their output. It ends with ours."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KINORA_", "AWS_"))}
    log = tempfile.TemporaryFile("a+")  # noqa: SIM115  # open until this process ends
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.cdk_programs"], cwd=ROOT, env=environment | CONTEXT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=log, text=True,
    )  # fmt: skip
    return process, log


@cache
def synthesized(name: str) -> Assembly:
    """Return the environment's cloud assembly. It is cached below `build/` under the digest of its sources."""
    cached = BUILD / "cdk.tests" / f"{name}-{_sources()}"
    if not cached.exists():
        _delete_old(cached.parent)
        draft = Path(tempfile.mkdtemp(dir=cached.parent))
        run_app("-c", f"env={name}", "-c", f"repository={REPOSITORY}", "-o", str(draft), module=APPS[name])
        with suppress(OSError):  # another process was faster
            draft.rename(cached)
    return Assembly(name, cached)


def _sources() -> str:
    files = [ROOT / name for name in ("cdk.json", "pyproject.toml", "uv.lock", "tools/elsewhere.py")]
    for folder in ("infra", "shared", "functions", "workers", "stepfunctions", "layers"):
        files += (file for file in sorted((ROOT / folder).rglob("*")) if file.is_file() and file.suffix != ".pyc")
    return digest(*(part for file in files for part in (bytes(file), file.read_bytes())))


def _delete_old(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for cached in folder.iterdir():
        if time.time() - cached.stat().st_mtime > CACHE_SECONDS:
            shutil.rmtree(cached, ignore_errors=True)


def many(value: Any) -> list[Any]:
    """Return the value as a list. IAM and CloudFormation omit the list of a single element."""
    return value if isinstance(value, list) else [value]
