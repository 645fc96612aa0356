"""Schemathesis sends requests that it generates from the description, and checks every answer."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.cloud import Cloud, laptop_cloud
from local.studio import newest_token
from tests.strangers.conftest import BIN, DOCUMENT, run

# These operations also refuse what JSON Schema allows: an address that cannot receive mail, a content type of another
# kind of media, an engine of another deployment, an Idempotency-Key with another body,
# more credits than the account has, a camera move that no film can follow, a URL that is not on the public Internet, a
# preset or a picture that does not exist, another version than that of the resource.
# Sign-ins with wrong passwords delay the next one. Tokens of emails, cursors and signatures come from the server. A
# report has a maximum period.
# A repeated key gets the first answer, also after the project was deleted. So a created project may be missing.
RULES = """
[[operations]]
include-operation-id = [
  "login", "register", "createJob", "uploadAsset", "createProject",
  "createOrganization", "giveCredits", "inviteMember", "verifyEmail", "forgotPassword", "resetPassword",
  "changePassword", "createKey", "listProjects", "listJobs", "listAssets", "listAuditEntries", "getLedger", "getUsage",
  "createCheckout", "receiveStripeEvent", "quoteJob", "retryJob", "continueJob", "finishDraft", "extendJob",
  "importAsset", "importOutput", "createOwnPreset", "updateOwnPreset", "duplicatePreset", "createShare",
  "createWebhook", "updateWebhook", "listDeliveries", "updateSettings", "createTotp", "enableTotp", "deleteTotp",
  "deleteMe", "updateProject", "updateOrganization", "updateMember",
]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "402", "403", "404", "409", "410", "412", "422", "429", "5xx"]
"""


@pytest.fixture
def idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A cloud without workers: the jobs of a thousand requests stay queued. One creator may send all of them."""
    monkeypatch.setenv("KINORA_QUOTA_FACTOR", "100")
    with laptop_cloud(folder=tmp_path / "cloud", with_workers=False) as running:
        yield running


@pytest.mark.timeout(900)
def test_all_checks_find_nothing(idle: Cloud, tmp_path: Path) -> None:
    body = {"email": "ada@example.com", "password": "correct horse battery"}
    (tmp_path / "rules.toml").write_text(RULES)
    httpx.post(f"{idle.api_url}/api/auth/register", json=body)
    link = newest_token(httpx.get(idle.outbox_url).json(), body["email"])
    httpx.post(f"{idle.api_url}/api/auth/verify-email", json={"token": link})
    token = httpx.post(f"{idle.api_url}/api/auth/login", json=body).json()["accessToken"]
    report = run(
        BIN / "schemathesis", "--config-file", "rules.toml", "run", DOCUMENT, "--url", idle.api_url,
        "--checks", "all", "--exclude-checks", "ensure_resource_availability",
        "--header", f"Authorization: Bearer {token}", "--exclude-operation-id", "logout",
        "--max-examples", "5", "--seed", "7", "--no-color", "--generation-database", "none",
        folder=tmp_path, seconds=840,
    )  # fmt: skip
    assert "✅ Stateful" in report
    assert "❌" not in report
