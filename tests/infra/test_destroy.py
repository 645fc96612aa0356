"""`make destroy`: it refuses protected environments, needs a confirmation, and empties buckets first."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from infra.destroy import buckets, main
from infra.environments import ENVIRONMENTS
from infra.releases import Releases
from tools.template import Assembly

BUCKET, OTHER = "kinora-dev-media-123456789012", "kinora-dev-media-other"
CDK = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(' '.join(sys.argv[2:])); sys.exit(int(sys.argv[2]))"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A `dev` whose media bucket holds two versions of a film and a delete marker, beside another account's bucket."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)  # the guide sets AWS_REGION only, which boto3 does not read
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in (BUCKET, OTHER):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=OTHER, Key="film", Body=b"of another account")
        for body in (b"one", b"two"):
            s3.put_object(Bucket=BUCKET, Key="film", Body=body)
        s3.delete_object(Bucket=BUCKET, Key="film")
        Releases(ENVIRONMENTS["dev"]).store([{}])
        yield


def stored(bucket: str = BUCKET) -> int:
    found = boto3.client("s3").list_object_versions(Bucket=bucket)
    return len(found.get("Versions", ())) + len(found.get("DeleteMarkers", ()))


def cdk(folder: Path, code: int = 0) -> list[str]:
    """Return a command line that records its arguments in a file and exits with this code."""
    return [sys.executable, "-c", CDK, str(folder / "arguments"), str(code)]


def arguments(folder: Path) -> str | None:
    file = folder / "arguments"
    return file.read_text() if file.exists() else None


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("code", [0, 3])
def test_buckets_are_emptied_and_stacks_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setenv("CONFIRM", "kinora-dev")
    assert stored() == 3
    assert main("dev", cdk(tmp_path, code)) == code
    assert (stored(), stored(OTHER)) == (0, 1)
    assert Releases(ENVIRONMENTS["dev"]).known() == []
    assert arguments(tmp_path) == f"{code} -c repository=any/any destroy --all --force"


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("confirmation", ["", "y", "dev", "kinora-staging"])
def test_destroy_without_the_confirmed_name_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confirmation: str
) -> None:
    monkeypatch.setenv("CONFIRM", confirmation)
    assert main("dev", cdk(tmp_path)) == 1
    assert (stored(), arguments(tmp_path)) == (3, None)
    assert Releases(ENVIRONMENTS["dev"]).known() == [{}]


@pytest.mark.parametrize("name", [name for name, one in ENVIRONMENTS.items() if one.deletion_protection])
def test_a_protected_environment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("CONFIRM", f"kinora-{name}")
    assert main(name, cdk(tmp_path)) == 1
    assert f"make deploy ENV={name}" in capsys.readouterr().err
    assert arguments(tmp_path) is None


@pytest.mark.usefixtures("deployed")
def test_retained_buckets_are_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIRM", "kinora-dev")
    monkeypatch.setitem(ENVIRONMENTS, "dev", replace(ENVIRONMENTS["dev"], retain_data=True))
    assert main("dev", cdk(tmp_path)) == 0
    assert stored() == 3
    assert arguments(tmp_path) == "0 -c repository=any/any destroy --all --force"


def test_an_unknown_environment_is_refused_with_the_known_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("nowhere", cdk(tmp_path)) == 1
    assert "there are dev, staging, prod" in capsys.readouterr().err


def test_every_bucket_is_emptied(cloud: Assembly) -> None:
    names = {str(bucket["BucketName"]) for bucket in cloud.resources("AWS::S3::Bucket")}
    environment = replace(ENVIRONMENTS["dev"], name=cloud.name)
    assert names == set(buckets(environment, "123456789012"))
