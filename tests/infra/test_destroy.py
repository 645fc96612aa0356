"""`make destroy`: what is protected stays, what is meant to go is asked for twice, and full buckets are no obstacle."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from infra.destroy import buckets, main
from infra.environments import ENVIRONMENTS
from tools.template import Assembly

BUCKET, FOREIGN = "kinora-dev-media-123456789012", "kinora-dev-media-other"
CDK = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(' '.join(sys.argv[2:])); sys.exit(int(sys.argv[2]))"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A `dev` whose media bucket holds two versions of a film, and what was deleted."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", ENVIRONMENTS["dev"].region)
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in (BUCKET, FOREIGN):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=FOREIGN, Key="film", Body=b"of somebody else")
        for body in (b"one", b"two"):
            s3.put_object(Bucket=BUCKET, Key="film", Body=body)
        s3.delete_object(Bucket=BUCKET, Key="film")
        yield


def stored(bucket: str = BUCKET) -> int:
    found = boto3.client("s3").list_object_versions(Bucket=bucket)
    return len(found.get("Versions", ())) + len(found.get("DeleteMarkers", ()))


def cdk(folder: Path, code: int = 0) -> list[str]:
    """A command line that notes what it is asked, and ends with this code."""
    return [sys.executable, "-c", CDK, str(folder / "asked"), str(code)]


def asked(folder: Path) -> str | None:
    file = folder / "asked"
    return file.read_text() if file.exists() else None


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("code", [0, 3])
def test_buckets_are_emptied_and_stacks_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setenv("CONFIRM", "kinora-dev")
    assert stored() == 3
    assert main("dev", cdk(tmp_path, code)) == code
    assert (stored(), stored(FOREIGN)) == (0, 1)
    assert asked(tmp_path) == f"{code} destroy --all --force"


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("said", ["", "y", "dev", "kinora-staging"])
def test_nothing_happens_unless_the_name_is_said_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("CONFIRM", said)
    assert main("dev", cdk(tmp_path)) == 1
    assert (stored(), asked(tmp_path)) == (3, None)


@pytest.mark.parametrize("name", [name for name, one in ENVIRONMENTS.items() if one.deletion_protection])
def test_what_is_protected_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("CONFIRM", f"kinora-{name}")
    assert main(name, cdk(tmp_path)) == 1
    assert f"make deploy ENV={name}" in capsys.readouterr().err
    assert asked(tmp_path) is None


@pytest.mark.usefixtures("deployed")
def test_what_is_to_be_kept_is_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIRM", "kinora-dev")
    monkeypatch.setitem(ENVIRONMENTS, "dev", replace(ENVIRONMENTS["dev"], retain_data=True))
    assert main("dev", cdk(tmp_path)) == 0
    assert stored() == 3
    assert asked(tmp_path) == "0 destroy --all --force"


def test_an_unknown_environment_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("nowhere", cdk(tmp_path)) == 1
    assert "there are dev, staging, prod" in capsys.readouterr().err


def test_every_bucket_is_emptied(cloud: Assembly) -> None:
    names = {str(bucket["BucketName"]) for bucket in cloud.resources("AWS::S3::Bucket")}
    environment = replace(ENVIRONMENTS["dev"], name=cloud.name)
    assert names == set(buckets(environment, "123456789012"))
