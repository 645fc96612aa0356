"""The deletion of an account (I18): afterwards no table and no object names the user, except under a pseudonym."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from functions.notices.send import handler as send
from functions.upkeep import audit, erase
from functions.upkeep.erase import TOKENS_END
from infra.tables import RECORDS
from shared.access.permissions import AccountRole
from shared.assets.store import assets
from shared.aws import media
from shared.core.clock import utc_now
from shared.core.slices import Slice
from shared.credentials import passwords
from shared.credits.record import LedgerRecord
from shared.jobs import settlement
from shared.jobs.record import JobRecord
from shared.jobs.store import jobs
from shared.mail.marks import marks
from shared.projects.store import projects
from shared.quotas.record import QuotaRecord
from shared.stages.queues import NOTICE_QUEUE
from shared.upkeep.record import PassRecord
from tests.support.steps import complete_steps
from tests.support.stripe import buy, deliver, handle_all, new_events
from tests.support.studio import PASSWORD, Answer, Creator, Studio

ADDRESS, NAME = "ada.lovelace@example.com", "Ada Lovelace"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with minimum cost, so that a hash does not take 0.1 s."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._nobody.cache_clear()


@pytest.fixture
def ada(studio: Studio) -> Creator:
    return studio.arrive(ADDRESS, credits=1000)


@pytest.fixture
def scans(studio: Studio) -> Iterator[None]:
    """Permission to scan, which tables do not have outside of upkeep."""
    studio.cloud.may_scan = True
    yield
    studio.cloud.may_scan = False


def close(creator: Creator, password: str = PASSWORD) -> Answer:
    return creator.studio.call("DELETE", "/api/auth/me", {"password": password}, token=creator.token)


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def finish(studio: Studio, begun: datetime) -> None:
    """Run the deletion as its schedule does, with billing and the notices, until no erasure is left."""
    for hours in range(1, 5):
        erase.erase(begun + timedelta(hours=hours))
        assert handle_all(studio) == []
        while delivery := studio.deliver(NOTICE_QUEUE):
            assert send({"Records": [{"messageId": "m", "body": delivery.body}]}, None) == {"batchItemFailures": []}
            delivery.delete()


def stored(studio: Studio) -> str:
    """Return all rows, also the quotas, and the keys of all versions of all objects."""
    tables = {record.__name__: [row.serialize() for row in record.scan()] for record in RECORDS}
    versions, _ = media.versions_page("")
    return json.dumps([tables, [version.key for version in versions]], ensure_ascii=False)


def finished(creator: Creator, project: str) -> str:
    job_id: str = creator.job(project)["id"]
    settlement.complete(complete_steps(job_id), at=utc_now())
    return job_id


def live(ada: Creator) -> dict[str, Any]:
    """Leave traces of Ada everywhere: own and shared work, money, sessions, and rows of other users that name her."""
    studio = ada.studio
    assert ada.patch("/api/settings", {"name": NAME, "avatar": ada.asset()}).status == 200
    ada.patch("/api/settings", {"email": "ada@new.example.com", "currentPassword": PASSWORD})
    own = ada.project(f"Films of {NAME}")
    ended, running = finished(ada, own), ada.job(own)["id"]
    ada.post("/api/jobs", {"projectId": own, "prompt": f"{NAME} at a lake"}, key="once")
    ada.post("/api/assets/upload", {"name": NAME, "type": "IMAGE", "contentType": "image/png", "size": 3})
    ada.key()
    ada.post("/api/auth/ws-ticket")
    assert studio.call("POST", "/api/auth/login", {"email": ADDRESS, "password": PASSWORD}).status == 200
    studio.call("POST", "/api/auth/forgot-password", {"email": ADDRESS})
    alone = ada.organization("adas-films", credits=50)
    finished(ada, ada.project(organization=alone))
    bob = studio.arrive("bob@example.com", credits=500)
    shared = bob.organization("bobs-films", credits=200)
    token = bob.invite(shared, ADDRESS, AccountRole.ADMIN)
    assert ada.post("/api/teams/accept", {"token": token}).status == 200
    ada.post(f"/api/teams/{shared}/credits", {"credits": 5})
    kept = finished(ada, ada.project("The harbour", organization=shared))
    ada.invite(shared, "carol@example.com")
    bob.invite(bob.organization("more-films"), ADDRESS)
    buy(ada, plan="PRO")
    deliver(studio, new_events(studio))
    with marks.once(f"low-credits#{ada.user_id}", life=timedelta(days=30), at=utc_now()):
        pass
    return {"own": own, "jobs": [ended, running], "alone": alone, "shared": shared, "bob": bob, "kept": kept}


def test_after_the_deletion_nothing_names_the_user(studio: Studio, ada: Creator, scans: None) -> None:
    world, begun = live(ada), utc_now()
    assert {ADDRESS, NAME, ada.user_id} <= {one for one in (ADDRESS, NAME, ada.user_id) if one in stored(studio)}
    assert close(ada).status == 202
    finish(studio, begun)
    left = stored(studio)
    for trace in (ADDRESS, NAME, ada.user_id, world["own"], world["alone"], "adas-films"):
        found = [f"{record.__name__}: {row.serialize()}" for record in RECORDS for row in record.scan()
                 if trace in json.dumps(row.serialize(), ensure_ascii=False)]  # fmt: skip
        assert found == []
        assert trace not in left
    keys = {version.key for version in media.versions_page("")[0]}
    assert {key.split("/")[1] for key in keys if key.startswith("jobs/")} == {world["kept"]}
    assert [key for key in keys if key.startswith(("assets/", "quarantine/"))] == []
    assert "are deleted" in studio.mails(ADDRESS)[-1], "the receipt"
    [customer] = [one for one in studio.stripe.books.objects.values() if one["object"] == "customer"]
    assert customer["deleted"]
    assert [one["status"] for one in studio.stripe.books.all("subscription")] == ["canceled"]


def test_the_organization_keeps_its_films_and_the_ledger_its_sum(studio: Studio, ada: Creator, scans: None) -> None:
    world, begun = live(ada), utc_now()
    bob, shared = world["bob"], world["shared"]
    before = sum(int(row.credits) for row in LedgerRecord.scan())
    close(ada)
    finish(studio, begun)
    assert [job["id"] for job in bob.list("/api/jobs", organizationId=shared)] == [world["kept"]]
    assert JobRecord.get(world["kept"]).owner_id.startswith("gone_")
    assert {one["userId"] for one in bob.list(f"/api/teams/{shared}/members")} == {bob.user_id}
    left = [one for one in bob.list(f"/api/teams/{shared}/audit") if one["action"] == "member.left"]
    assert [(one["userId"][:5], one["source"]) for one in left] == [("gone_", "-")]
    assert sum(int(row.credits) for row in LedgerRecord.scan()) == before
    assert list(audit.findings(begun + timedelta(days=4))) == []


def test_an_account_is_closed_at_once_and_its_address_is_free(studio: Studio, ada: Creator) -> None:
    signed_in = studio.call("POST", "/api/auth/login", {"email": ADDRESS, "password": PASSWORD})
    program = ada.key()
    assert close(ada).status == 202
    assert studio.call("POST", "/api/auth/login", {"email": ADDRESS, "password": PASSWORD}).status == 401
    cookie = signed_in.cookies[0].partition(";")[0]
    ours = {"origin": "https://kinora.test", "x-kinora-refresh": "1", "cookie": cookie}
    assert studio.call("POST", "/api/auth/refresh", headers=ours).status == 401
    assert program.get("/api/jobs").status == 401
    assert ada.get("/api/auth/me").status == 404
    studio.register(ADDRESS)


def test_a_new_account_with_the_address_stays(studio: Studio, ada: Creator, scans: None) -> None:
    begun = utc_now()
    close(ada)
    new = studio.sign_up(ADDRESS)
    finish(studio, begun)
    assert new.get("/api/auth/me").body["email"] == ADDRESS


def test_the_password_is_needed(studio: Studio, ada: Creator) -> None:
    before = studio.dump()
    assert refusal(close(ada, "wrong horse battery")) == (403, "wrong_password")
    after = studio.dump()
    assert {name for name in after if after[name] != before[name]} == {"kinora-test-guesses"}


def test_the_last_owner_of_an_organization_with_members_stays(studio: Studio, ada: Creator) -> None:
    organization = ada.organization()
    mate = ada.hire(organization, "mate@example.com", AccountRole.ADMIN)
    before = studio.dump()
    assert refusal(close(ada)) == (409, "last_owner")
    assert {name: rows for name, rows in studio.dump().items() if not name.endswith("guesses")} == {
        name: rows for name, rows in before.items() if not name.endswith("guesses")
    }
    assert ada.post(f"/api/teams/{organization}/transfer", {"memberId": mate.user_id}).status == 200
    assert close(ada).status == 202


@pytest.mark.endpoint("DELETE /api/auth/me")
def test_the_tables_are_searched_after_the_last_token_has_expired(studio: Studio, ada: Creator, scans: None) -> None:
    """Until then the token can write, for example another project."""
    begun = utc_now()
    close(ada)
    erase.erase(begun + timedelta(minutes=1))
    assert PassRecord.count("erase") == 0
    ada.project(f"Late films of {NAME}")
    finish(studio, begun)
    assert NAME not in stored(studio)


def test_a_run_that_stops_is_continued(studio: Studio, ada: Creator, scans: None) -> None:
    """Each call of AWS fails once. The next run repeats what the failed one has begun."""
    live(ada)
    begun = utc_now()
    close(ada)
    later = begun + TOKENS_END + timedelta(minutes=1)
    for operation in ("Scan", "TransactWriteItems", "DeleteItem", "DeleteObjects", "SendMessage"):
        studio.cloud.broken[operation] = ConnectionError("lost")
        try:
            erase.erase(later)
        except Exception:  # noqa: BLE001, S110  # Lambda reports it, and the schedule calls again
            pass
        finally:
            del studio.cloud.broken[operation]
    finish(studio, begun)
    assert ADDRESS not in stored(studio)
    assert ada.user_id not in stored(studio)


def test_all_tables_are_searched() -> None:
    assert set(erase.tables().values()) == set(RECORDS)


def test_other_addresses_that_contain_the_address_are_not_touched(studio: Studio, ada: Creator, scans: None) -> None:
    bob, begun = studio.arrive("bob@example.com"), utc_now()
    organization = bob.organization()
    for address in (ADDRESS, f"x{ADDRESS}", f"{ADDRESS}.au"):
        bob.invite(organization, address)
    close(ada)
    finish(studio, begun)
    assert {one["email"] for one in bob.list(f"/api/teams/{organization}/invites")} == {f"x{ADDRESS}", f"{ADDRESS}.au"}


def test_quotas_that_name_the_user_are_deleted(studio: Studio, ada: Creator, scans: None) -> None:
    begun = utc_now()
    ada.get("/api/auth/me")
    close(ada)
    finish(studio, begun)
    assert [row.bucket for row in QuotaRecord.scan() if ada.user_id in row.bucket] == []


def test_the_search_finds_what_no_index_lists(
    studio: Studio, ada: Creator, scans: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, begun = live(ada), utc_now()
    assert close(ada).status == 202
    monkeypatch.setattr(jobs, "newest", lambda **_: [])
    for store in (assets, projects):
        monkeypatch.setattr(store, "page", lambda **_: Slice([], None))
    finish(studio, begun)
    assert ada.user_id not in stored(studio)
    assert {one.job_id for one in JobRecord.scan()} == {world["kept"]}


def test_a_deleted_organization_leaves_nothing_that_names_it(studio: Studio, ada: Creator, scans: None) -> None:
    """Its presets, invites and subscription have no index that shows them to anybody afterwards."""
    organization, begun, seen = ada.organization(credits=50), utc_now(), len(studio.stripe.books.events)
    buy(ada, plan="PRO", organizationId=organization)
    deliver(studio, new_events(studio, seen))
    assert ada.post("/api/presets/dolly-in/duplicate", {"organizationId": organization}).status == 201
    ada.invite(organization, "carol@example.com")
    project = ada.project(organization=organization)
    job = finished(ada, project)
    assert [ada.delete(path).status for path in (f"/api/jobs/{job}", f"/api/projects/{project}")] == [204, 204]
    owned = ada.get("/api/auth/me").body["balance"]["available"] + credits_of(ada, organization)
    assert ada.delete(f"/api/teams/{organization}").status == 204
    finish(studio, begun)
    assert organization not in stored(studio)
    assert {one["status"] for one in studio.stripe.books.all("subscription")} == {"canceled"}
    assert ada.get("/api/auth/me").body["balance"]["available"] == owned
    assert list(audit.findings(begun + timedelta(days=4))) == []
    assert not any("are deleted" in mail for mail in studio.mails(ADDRESS)), "the receipt is for users"


def credits_of(creator: Creator, organization: str) -> int:
    return int(creator.get(f"/api/teams/{organization}").body["available"])
