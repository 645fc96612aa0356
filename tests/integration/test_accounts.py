"""Accounts through the real handlers: proof of the address, new passwords, sessions, and the profile."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from botocore.exceptions import ClientError

from functions.auth import accounts, service
from functions.canary.handler import CanaryCreator
from shared.core.clock import utc_now
from shared.credentials import passwords
from shared.credentials.record import PasswordRecord, PasswordResetRecord
from shared.credentials.store import SessionEnded, credentials
from shared.credits.record import LedgerRecord
from shared.credits.store import credits
from shared.guesses.store import TooManyGuesses
from shared.mail.mail import MailConfig
from shared.proofs.proof import WrongPassword
from shared.stages.queues import FAN_OUT_QUEUE
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from shared.users.record import RegistrationRecord
from shared.users.registrations import LinkNotValid, registrations
from shared.users.store import users
from tests.support.studio import PASSWORD, Answer, Creator, Studio

ADA, NEW = "ada@example.com", "another horse battery"
OURS = {"origin": "https://kinora.test", "x-kinora-refresh": "1"}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with minimum cost, so that a hash does not take 0.1 s."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._nobody.cache_clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """A function that moves the clock of the requests that open accounts."""

    def move(by: timedelta) -> None:
        monkeypatch.setattr(accounts, "utc_now", lambda: utc_now() + by)

    return move


def post(studio: Studio, path: str, **body: str) -> Answer:
    return studio.call("POST", f"/api/auth/{path}", body)


def register(studio: Studio, email: str = ADA, password: str = PASSWORD) -> Answer:
    return post(studio, "register", email=email, password=password)


def sign_in(studio: Studio, password: str = PASSWORD) -> Answer:
    return post(studio, "login", email=ADA, password=password)


def refresh(studio: Studio, signed_in: Answer) -> Answer:
    cookie = signed_in.cookies[0].partition(";")[0]
    return studio.call("POST", "/api/auth/refresh", headers=OURS | {"cookie": cookie})


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


# --- proof of the address


def test_there_is_no_account_before_the_address_is_proved(studio: Studio) -> None:
    register(studio)
    assert users.id_by_email(ADA) is None
    assert refusal(sign_in(studio)) == (401, "wrong_credentials")
    assert post(studio, "verify-email", token=studio.mailed(ADA)).status == 204
    creator = Creator(studio, sign_in(studio).body["accessToken"], "")
    me = creator.get("/api/auth/me").body
    assert me["emailVerified"]
    assert (me["balance"], me["plan"], me["organizations"]) == ({"available": 100, "held": 0}, "FREE", [])


@pytest.mark.endpoint("POST /api/auth/register", "POST /api/auth/verify-email")
def test_a_link_opens_one_account_with_one_grant(studio: Studio) -> None:
    register(studio)
    token = studio.mailed(ADA)
    assert [post(studio, "verify-email", token=token).status for _ in range(2)] == [204, 409]
    user_id = users.id_by_email(ADA)
    assert user_id is not None
    assert [row.credits for row in LedgerRecord.query(user_id)] == [100]


def test_a_link_that_two_requests_use_at_the_same_time_opens_one_account(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request reads the registration before the first one uses it. The address is another one, for I11."""
    register(studio)
    token = studio.mailed(ADA)
    pending = registrations.read(token, at=utc_now())
    accounts.verify(token)
    pending.email = "eve@example.com"
    monkeypatch.setattr(registrations, "read", lambda *_, **__: pending)
    with pytest.raises(LinkNotValid):
        accounts.verify(token)
    assert users.id_by_email("eve@example.com") is None


def test_of_two_registrations_of_an_address_the_first_proof_decides(studio: Studio) -> None:
    register(studio)
    first = studio.mailed(ADA)
    register(studio, password=NEW)
    second = studio.mailed(ADA)
    assert post(studio, "verify-email", token=second).status == 204
    assert refusal(post(studio, "verify-email", token=first)) == (409, "link_not_valid")
    assert [sign_in(studio, one).status for one in (PASSWORD, NEW)] == [401, 200]


def test_an_address_that_is_not_proved_is_free_and_its_link_expires(
    studio: Studio, clock: Callable[[timedelta], None]
) -> None:
    register(studio)
    token = studio.mailed(ADA)
    [waiting] = list(RegistrationRecord.query(token.partition(".")[0]))
    assert timedelta(hours=23) < waiting.expires_at - utc_now() <= timedelta(days=1), "TTL deletes it"
    clock(timedelta(days=1, seconds=1))
    assert refusal(post(studio, "verify-email", token=token)) == (409, "link_not_valid")
    assert users.id_by_email(ADA) is None


@pytest.mark.parametrize("token", ["x", ".", "..", "{address}.", "{address}.x", ".{secret}", "{address}.{secret}x"])
def test_forged_links_open_nothing(studio: Studio, token: str) -> None:
    register(studio)
    address, _, secret = studio.mailed(ADA).partition(".")
    forged = token.format(address=address, secret=secret)
    for path, more in (("verify-email", {}), ("reset-password", {"password": NEW})):
        assert refusal(post(studio, path, token=forged, **more)) == (409, "link_not_valid")
    assert users.id_by_email(ADA) is None


def test_no_token_is_stored(studio: Studio) -> None:
    register(studio)
    secret = studio.mailed(ADA).partition(".")[2]
    studio.arrive("eve@example.com")
    post(studio, "forgot-password", email="eve@example.com")
    stored = str(studio.dump())
    assert secret not in stored
    assert studio.mailed("eve@example.com") not in stored


# --- nothing tells whether an address has an account


@pytest.fixture
def both(studio: Studio) -> tuple[Studio, str, str]:
    """A deployment with an address that has an account, and one that has none."""
    studio.arrive(ADA)
    return studio, ADA, "nobody@example.com"


PAIRS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "register": [("register", {"password": NEW})],
    "register twice": [("register", {"password": NEW}), ("register", {"password": NEW})],
    "register and sign in": [("register", {"password": NEW}), ("login", {"password": NEW})],
    "register many times": [("register", {"password": NEW})] * 6,
    "register with a weak password": [("register", {"password": "password"})],
    "forget": [("forgot-password", {})],
    "register and forget": [("register", {"password": NEW}), ("forgot-password", {})],
    "forget and sign in": [("forgot-password", {}), ("login", {"password": NEW})],
    "forget many times": [("forgot-password", {})] * 6,
}


@pytest.mark.parametrize("requests", PAIRS.values(), ids=PAIRS.keys())
def test_the_answers_and_the_calls_are_the_same_for_a_taken_and_a_free_address(
    both: tuple[Studio, str, str], requests: list[tuple[str, dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same calls of AWS and the same number of hashes, so times tell nothing either. Only the messages differ."""
    hashes: list[str] = []
    monkeypatch.setattr(accounts, "password_hash", lambda password: hashes.append(password) or "hash")  # type: ignore[func-returns-value]  # append returns None
    studio, *addresses = both
    observed = []
    for number, email in enumerate(addresses):
        studio.cloud.calls.clear()
        hashes.clear()
        from_client = {"x-forwarded-for": f"192.0.2.{number}, 203.0.113.1"}
        answers = [
            studio.call("POST", f"/api/auth/{path}", {"email": email, **body}, headers=from_client)
            for path, body in requests
        ]
        seen = [(one.status, one.body, sorted(one.headers), one.cookies) for one in answers]
        observed.append((seen, studio.cloud.calls.copy(), len(hashes), len(studio.mails(email))))
    assert observed[0] == observed[1]


@pytest.mark.parametrize("path", ["register", "forgot-password"])
def test_a_message_that_is_not_sent_is_reported_for_both_and_does_not_count(
    both: tuple[Studio, str, str], path: str
) -> None:
    studio, *addresses = both
    body = {"password": NEW} if path == "register" else {}
    for email in addresses:
        studio.cloud.broken["SendEmail"] = ClientError(
            {"Error": {"Code": "MessageRejected", "Message": ""}}, "SendEmail"
        )
        answers = [post(studio, path, email=email, **body) for _ in range(5)]
        assert [refusal(answer) for answer in answers] == [(503, "mail_unavailable")] * 5
        del studio.cloud.broken["SendEmail"]
        assert post(studio, path, email=email, **body).status == 202
        assert len(studio.mails(email)) == 1


def test_the_owner_of_a_taken_address_gets_a_message_and_the_account_does_not_change(studio: Studio) -> None:
    ada = studio.sign_up(ADA)
    before = {name: items for name, items in studio.dump().items() if name.endswith(("users", "passwords", "claims"))}
    register(studio, password=NEW)
    assert "has an account already" in studio.mails(ADA)[-1]
    after = studio.dump()
    assert {name: after[name] for name in before} == before
    assert [sign_in(studio, one).status for one in (PASSWORD, NEW)] == [200, 401]
    assert ada.get("/api/auth/me").status == 200


def test_one_address_gets_few_messages(studio: Studio, clock: Callable[[timedelta], None]) -> None:
    """Anybody can request them. The pauses grow to an hour, in which the last link still works."""
    for number in range(100):
        clock(timedelta(minutes=6 * number))
        accounts.forget("nobody@example.com")
    assert 15 < len(studio.mails("nobody@example.com")) < 25


def test_a_deployment_without_email_opens_the_account_at_once(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_MAIL_FROM", "")
    assert MailConfig().mail_from == ""
    assert register(studio).status == 202
    assert register(studio, password=NEW).status == 202
    assert [sign_in(studio, one).status for one in (PASSWORD, NEW)] == [200, 401]
    assert refusal(post(studio, "forgot-password", email=ADA)) == (503, "mail_unavailable")


def test_the_canary_proves_an_address_whose_mail_nobody_reads(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = CanaryCreator("https://kinora.test")
    monkeypatch.setattr(
        canary, "call", lambda method, path, body=None, **_: studio.call(method, path, body).body or {}
    )  # fmt: skip
    canary.sign_up()
    assert canary._token


# --- new passwords


def forgotten(studio: Studio) -> str:
    assert post(studio, "forgot-password", email=ADA).status == 202
    return studio.mailed(ADA)


@pytest.mark.endpoint("POST /api/auth/forgot-password", "POST /api/auth/reset-password")
def test_a_forgotten_password_is_replaced_and_all_sessions_end(studio: Studio) -> None:
    studio.register(ADA)
    sessions = [sign_in(studio) for _ in range(2)]
    token = forgotten(studio)
    assert post(studio, "reset-password", token=token, password=NEW).status == 204
    assert len({message["sessionId"] for message in studio.messages(FAN_OUT_QUEUE)}) == 2, "their sockets are closed"
    assert [refusal(refresh(studio, one)) for one in sessions] == [(401, "session_ended")] * 2
    assert [sign_in(studio, one).status for one in (PASSWORD, NEW)] == [401, 200]


def test_a_reset_works_once(studio: Studio) -> None:
    studio.register(ADA)
    token = forgotten(studio)
    statuses = [post(studio, "reset-password", token=token, password=one).status for one in (NEW, PASSWORD)]
    assert statuses == [204, 409]
    assert sign_in(studio, NEW).status == 200


def test_of_several_reset_links_one_works(studio: Studio) -> None:
    studio.register(ADA)
    tokens = [forgotten(studio) for _ in range(2)]
    statuses = [post(studio, "reset-password", token=token, password=NEW).status for token in tokens]
    assert statuses == [204, 409]


def test_a_reset_that_another_one_overtakes_changes_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request commits between the read and the commit of the first one."""
    studio.register(ADA)
    token, made = forgotten(studio), passwords.password_hash

    def slowly(password: str) -> str:
        monkeypatch.setattr(accounts, "password_hash", made)
        accounts.reset(token, NEW)
        return made(password)

    monkeypatch.setattr(accounts, "password_hash", slowly)
    with pytest.raises(LinkNotValid):
        accounts.reset(token, "the thief's password")
    assert [sign_in(studio, one).status for one in ("the thief's password", NEW)] == [401, 200]


def test_a_reset_link_expires_after_an_hour(studio: Studio, clock: Callable[[timedelta], None]) -> None:
    studio.register(ADA)
    token = forgotten(studio)
    clock(timedelta(hours=1, seconds=1))
    assert refusal(post(studio, "reset-password", token=token, password=NEW)) == (409, "link_not_valid")
    assert sign_in(studio).status == 200


def test_a_changed_password_makes_older_reset_links_void(studio: Studio) -> None:
    ada = studio.sign_up(ADA)
    token = forgotten(studio)
    change = {"currentPassword": PASSWORD, "newPassword": NEW}
    assert ada.post("/api/auth/change-password", change).status == 204
    assert refusal(post(studio, "reset-password", token=token, password="a third password")) == (409, "link_not_valid")


def test_a_weak_password_does_not_use_up_the_link(studio: Studio) -> None:
    studio.register(ADA)
    token = forgotten(studio)
    assert refusal(post(studio, "reset-password", token=token, password="password")) == (422, "weak_password")
    assert post(studio, "reset-password", token=token, password=NEW).status == 204


def test_the_link_of_an_unknown_address_sets_no_password(studio: Studio) -> None:
    post(studio, "forgot-password", email="nobody@example.com")
    assert "has no account" in studio.mails("nobody@example.com")[-1]
    studio.cloud.may_scan = True
    [stored] = list(PasswordResetRecord.scan())
    assert stored.user_id == service.NO_USER


def test_a_sign_in_that_began_before_a_reset_gets_no_session(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old password is checked, then the reset commits, then the session begins."""
    studio.register(ADA)
    token, begin = forgotten(studio), credentials.begin_family

    def begin_late(*given: str, **more: object) -> object:
        accounts.reset(token, NEW)
        return begin(*given, **more)  # type: ignore[arg-type]  # forwarded

    monkeypatch.setattr(credentials, "begin_family", begin_late)
    assert refusal(refresh(studio, sign_in(studio))) == (401, "session_ended")


@pytest.mark.endpoint("POST /api/auth/change-password")
def test_a_password_is_changed_by_its_owner_only_and_other_sessions_end(studio: Studio) -> None:
    studio.register(ADA)
    here, there = sign_in(studio), sign_in(studio)
    ada = Creator(studio, here.body["accessToken"], "")
    wrong = ada.post("/api/auth/change-password", {"currentPassword": "wrong password", "newPassword": NEW})
    assert refusal(wrong) == (403, "wrong_password")
    weak = ada.post("/api/auth/change-password", {"currentPassword": PASSWORD, "newPassword": "password"})
    assert refusal(weak) == (422, "weak_password")
    change = {"currentPassword": PASSWORD, "newPassword": NEW}
    assert ada.post("/api/auth/change-password", change).status == 204
    assert [refresh(studio, one).status for one in (here, there)] == [200, 401]
    assert [sign_in(studio, one).status for one in (PASSWORD, NEW)] == [401, 200]


def test_guesses_with_a_stolen_session_are_delayed(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    now, wrong = utc_now().replace(microsecond=0), 0
    monkeypatch.setattr(accounts, "utc_now", lambda: now)
    for _ in range(10):
        with pytest.raises((WrongPassword, TooManyGuesses)) as refused:
            accounts.change(ada.user_id, None, old="wrong password", new=NEW)
        wrong += refused.type is WrongPassword
    assert wrong == 6


def test_a_password_of_the_previous_release_is_replaced(studio: Studio) -> None:
    """Its record has no generation."""
    studio.register(ADA)
    user_id = users.id_by_email(ADA)
    assert PasswordRecord.get(user_id).generation is None
    assert post(studio, "reset-password", token=forgotten(studio), password=NEW).status == 204
    assert PasswordRecord.get(user_id).generation == 1
    assert post(studio, "reset-password", token=forgotten(studio), password=PASSWORD).status == 204
    assert PasswordRecord.get(user_id).generation == 2


# --- sessions


@pytest.mark.endpoint("GET /api/auth/sessions", "DELETE /api/auth/sessions/{session_id}")
def test_sessions_are_listed_and_ended_one_by_one(studio: Studio) -> None:
    studio.register(ADA)
    login = {"email": ADA, "password": PASSWORD}
    here = studio.call("POST", "/api/auth/login", login, headers={"user-agent": "Harbour browser"})
    there = sign_in(studio)
    ada = Creator(studio, here.body["accessToken"], "")
    newest, oldest = ada.list("/api/auth/sessions")
    assert (oldest["current"], oldest["userAgent"]) == (True, "Harbour browser")
    assert (newest["current"], newest["userAgent"]) == (False, None)
    assert ada.delete(f"/api/auth/sessions/{newest['id']}").status == 204
    assert [one["id"] for one in ada.list("/api/auth/sessions")] == [oldest["id"]]
    assert [message["sessionId"] for message in studio.messages(FAN_OUT_QUEUE)] == [newest["id"]]
    assert [refresh(studio, one).status for one in (here, there)] == [200, 401]


@pytest.mark.endpoint("DELETE /api/auth/sessions")
def test_all_sessions_end_at_once_with_their_reset_links(studio: Studio) -> None:
    studio.register(ADA)
    sessions = [sign_in(studio) for _ in range(3)]
    token = forgotten(studio)
    ada = Creator(studio, sessions[0].body["accessToken"], "")
    assert ada.delete("/api/auth/sessions").status == 204
    assert [refresh(studio, one).status for one in sessions] == [401] * 3
    assert ada.list("/api/auth/sessions") == []
    assert post(studio, "reset-password", token=token, password=NEW).status == 409
    assert refresh(studio, sign_in(studio)).status == 200


def test_a_session_that_the_index_does_not_show_yet_ends_too(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.register(ADA)
    session = sign_in(studio)
    monkeypatch.setattr(credentials, "families", lambda *_, **__: [])
    accounts.sign_out_everywhere(str(users.id_by_email(ADA)))
    assert refusal(refresh(studio, session)) == (401, "session_ended")


def test_a_user_without_a_password_has_no_session_of_another_generation(studio: Studio) -> None:
    token = credentials.begin_family("usr_1", at=utc_now())
    accounts.sign_out_everywhere("usr_1")
    with pytest.raises(SessionEnded):
        credentials.rotate(token, at=utc_now())


# --- the profile


@pytest.mark.endpoint("GET /api/auth/me")
def test_the_profile_shows_balance_plan_and_organizations(ada: Creator, eve: Creator) -> None:
    own = ada.organization("harbour", credits=30)
    other = eve.organization("lighthouse")
    token = eve.invite(other, ADA)
    ada.post("/api/teams/accept", {"token": token})
    subscriptions.put(ada.user_id, PlanType.PRO, SubscriptionStatus.ACTIVE, at=utc_now())
    ada.job(ada.project())
    me = ada.get("/api/auth/me").body
    account = credits.account(ada.user_id)
    assert me["balance"] == {"available": int(account.available), "held": int(account.held)}
    assert me["balance"]["held"] > 0
    assert me["plan"] == "PRO"
    assert {one["id"]: (one["slug"], one["role"]) for one in me["organizations"]} == {
        own: ("harbour", "OWNER"), other: ("lighthouse", "MEMBER"),
    }  # fmt: skip
