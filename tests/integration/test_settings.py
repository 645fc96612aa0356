"""Settings through the real handlers: profile, a new address, and the defaults of jobs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from functions.auth import accounts
from functions.settings import service
from shared.assets.record import AssetStatus, AssetType
from shared.core.clock import utc_now
from shared.credentials import passwords
from shared.mail.marks import Refusal, marks
from shared.users.store import users
from tests.support.studio import PASSWORD, Answer, Creator, Studio

PATH = "/api/settings"
ADA, NEW = "ada@example.com", "ada@new.example.com"
OFF = {"filmCompleted": False, "filmFailed": False, "lowCredits": False}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with minimum cost, so that a hash does not take 0.1 s."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._nobody.cache_clear()


def settings(creator: Creator) -> dict[str, Any]:
    answer = creator.get(PATH)
    assert answer.status == 200, answer.body
    return dict(answer.body)


def change(creator: Creator, **fields: object) -> dict[str, Any]:
    answer = creator.patch(PATH, fields)
    assert answer.status == 200, answer.body
    assert answer.body == settings(creator)
    return dict(answer.body)


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def move(creator: Creator, email: str = NEW, password: str = PASSWORD) -> Answer:
    return creator.patch(PATH, {"email": email, "currentPassword": password})


def confirm(studio: Studio, token: str) -> Answer:
    return studio.call("POST", "/api/auth/verify-email", {"token": token})


def sign_in(studio: Studio, email: str) -> int:
    return studio.call("POST", "/api/auth/login", {"email": email, "password": PASSWORD}).status


@pytest.mark.endpoint("GET /api/settings")
def test_a_new_user_has_the_defaults(ada: Creator) -> None:
    found = settings(ada)
    assert (found["email"], found["newEmail"], found["emailRefusal"]) == (ADA, None, None)
    assert found["notifications"] == OFF
    chosen = ("avatar", "avatarUrl", "defaultPresetId", "defaultAspectRatio", "locale")
    assert [found[name] for name in chosen] == [None] * 5
    assert found["theme"] == "SYSTEM"


def test_an_absent_field_stays_and_null_restores_the_default(ada: Creator) -> None:
    chosen = {
        "name": "Ada", "defaultPresetId": "orbit-left", "defaultAspectRatio": "9:16", "locale": "fr", "theme": "DARK",
    }  # fmt: skip
    assert chosen.items() <= change(ada, **chosen, notifications={"filmFailed": True}).items()
    assert change(ada, notifications={"lowCredits": True, "filmFailed": None})["notifications"] == OFF | {
        "lowCredits": True
    }
    assert (chosen | {"name": "Ada L."}).items() <= change(ada, name="Ada L.").items()
    cleared = change(ada, **dict.fromkeys(chosen), notifications=None)
    assert {name: cleared[name] for name in chosen} == dict.fromkeys(chosen) | {"theme": "SYSTEM"}
    assert cleared["notifications"] == OFF
    assert ada.get("/api/auth/me").body["name"] is None


@pytest.mark.parametrize(
    "body",
    [
        {}, {"theme": "PINK"}, {"locale": "xx"}, {"defaultAspectRatio": "1:7"}, {"email": NEW}, {"email": "ada"},
        {"notifications": {"weeklyDigest": True}}, {"notifications": {"filmFailed": "yes"}}, {"name": "\u202e"},
    ],
    ids=str,
)  # fmt: skip
def test_a_value_without_a_meaning_is_refused(studio: Studio, ada: Creator, body: dict[str, object]) -> None:
    before = studio.dump()
    assert ada.patch(PATH, body).status == 422
    assert studio.dump() == before


def test_an_unknown_preset_is_refused_with_similar_ones(ada: Creator) -> None:
    assert refusal(ada.patch(PATH, {"defaultPresetId": "crash-zoom-inn", "name": "x"})) == (404, "preset_not_found")
    assert settings(ada)["name"] is None


# --- the avatar


def test_an_avatar_is_a_ready_picture_of_the_user(ada: Creator, eve: Creator) -> None:
    refused = {
        eve.asset(): (404, "asset_not_found"),
        ada.asset(AssetType.VIDEO): (422, "invalid"),
        ada.asset(status=AssetStatus.VERIFYING): (409, "asset_not_ready"),
    }
    for asset_id, reason in refused.items():
        assert refusal(ada.patch(PATH, {"avatar": asset_id})) == reason
    mine = ada.asset()
    assert change(ada, avatar=mine)["avatarUrl"].startswith("https://")
    assert ada.get("/api/auth/me").body["avatar"] == mine
    assert ada.delete(f"/api/assets/{mine}").status == 204
    assert settings(ada)["avatar"] is None


# --- the address


def test_a_new_address_counts_after_its_proof_and_the_old_one_gets_a_notice(studio: Studio, ada: Creator) -> None:
    assert move(ada).body["newEmail"] == NEW
    assert NEW in studio.mails(ADA)[-1]
    assert [sign_in(studio, one) for one in (ADA, NEW)] == [200, 401]
    assert confirm(studio, studio.mailed(NEW)).status == 204
    found = settings(ada)
    assert (found["email"], found["newEmail"]) == (NEW, None)
    assert [sign_in(studio, one) for one in (ADA, NEW)] == [401, 200]
    assert (users.id_by_email(NEW), users.id_by_email(ADA)) == (ada.user_id, None)


@pytest.mark.endpoint("PATCH /api/settings")
def test_a_link_to_a_new_address_works_once(studio: Studio, ada: Creator) -> None:
    move(ada)
    token = studio.mailed(NEW)
    assert [confirm(studio, token).status for _ in range(2)] == [204, 409]


def test_a_new_address_needs_the_password(studio: Studio, ada: Creator) -> None:
    before = studio.dump()
    assert refusal(move(ada, password="wrong horse battery")) == (403, "wrong_password")  # a wrong one
    after = studio.dump()
    assert {name for name in after if after[name] != before[name]} == {"kinora-test-guesses"}
    assert studio.mails(NEW) == []


@pytest.mark.parametrize("withdrawn", [{"email": None}, {"email": ADA}, {"email": "ada@other.example.com"}], ids=str)
def test_a_withdrawn_address_cannot_be_confirmed(
    studio: Studio, ada: Creator, withdrawn: dict[str, str | None]
) -> None:
    move(ada)
    assert ada.patch(PATH, withdrawn | {"currentPassword": PASSWORD}).status == 200
    assert refusal(confirm(studio, studio.mailed(NEW))) == (409, "link_not_valid")
    assert settings(ada)["email"] == ADA


def test_a_link_to_a_new_address_expires(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    move(ada)
    monkeypatch.setattr(accounts, "utc_now", lambda: utc_now() + timedelta(days=1, seconds=1))
    assert refusal(confirm(studio, studio.mailed(NEW))) == (409, "link_not_valid")


def test_an_address_that_was_taken_meanwhile_stays_with_its_owner(studio: Studio, ada: Creator) -> None:
    move(ada)
    other = studio.arrive(NEW)
    assert refusal(confirm(studio, studio.mailed(NEW))) == (409, "link_not_valid")
    assert (users.id_by_email(NEW), users.id_by_email(ADA)) == (other.user_id, ada.user_id)


def test_answers_and_calls_do_not_tell_whether_an_address_is_taken(studio: Studio, ada: Creator) -> None:
    studio.arrive("eve@example.com")
    observed = []
    for email in ("eve@example.com", "nobody@example.com"):
        studio.cloud.calls.clear()
        answer = move(ada, email)
        shown = {name: value for name, value in answer.body.items() if name not in {"newEmail", "updatedAt"}}
        observed.append((answer.status, shown, studio.cloud.calls.copy(), len(studio.mails(email))))
    assert observed[0] == observed[1]
    assert "#token=" not in studio.mails("eve@example.com")[-1]


def test_a_user_cannot_fill_a_mailbox(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    at = utc_now().replace(microsecond=0)
    monkeypatch.setattr(service, "utc_now", lambda: at)
    assert {move(ada, "eve@example.com").status for _ in range(6)} == {200}
    assert len(studio.mails("eve@example.com")) == 4


@pytest.mark.parametrize("reason", Refusal)
def test_an_address_that_gets_no_email_is_shown_with_the_reason(studio: Studio, ada: Creator, reason: Refusal) -> None:
    marks.refuse(ADA, reason, at=utc_now())
    assert settings(ada)["emailRefusal"] == reason
    studio.call("POST", "/api/auth/forgot-password", {"email": ADA})
    assert studio.mails(ADA) == []


# --- the defaults of jobs


@pytest.fixture
def submit(ada: Creator) -> Callable[..., dict[str, Any]]:
    """A function that submits a job with these fields."""
    project = ada.project()

    def post(**fields: object) -> dict[str, Any]:
        answer = ada.post("/api/jobs", {"projectId": project, "prompt": "a lake", **fields})
        assert answer.status == 202, answer.body
        return dict(answer.body)

    return post


def test_a_job_takes_the_defaults_that_its_request_leaves_out(
    ada: Creator, submit: Callable[..., dict[str, Any]]
) -> None:
    assert "fromSettings" not in submit()
    change(ada, defaultPresetId="orbit-left", defaultAspectRatio="9:16")
    for fields, preset, ratio, filled in (
        ({}, "orbit-left", "9:16", ["presetId", "settings.aspectRatio"]),
        ({"presetId": "crash-zoom-in"}, "crash-zoom-in", "9:16", ["settings.aspectRatio"]),
        ({"settings": {"aspectRatio": "1:1"}}, "orbit-left", "1:1", ["presetId"]),
        ({"presetId": "crash-zoom-in", "settings": {"aspectRatio": "1:1"}}, "crash-zoom-in", "1:1", None),
    ):
        job = submit(**fields)
        assert (job["presetId"], job["settings"]["aspectRatio"], job.get("fromSettings")) == (preset, ratio, filled)
        assert "fromSettings" not in ada.get(f"/api/jobs/{job['id']}").body


def test_a_picture_keeps_its_own_ratio(ada: Creator, submit: Callable[..., dict[str, Any]]) -> None:
    change(ada, defaultAspectRatio="9:16")
    job = submit(inputs=[{"role": "picture", "assetId": ada.asset(width=400, height=300)}])
    assert (job["settings"]["aspectRatio"], "fromSettings" in job) == ("4:3", False)
