"""Accounts and sessions through the real handlers and the real authorizer."""

import json
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from functions.authorizer.handler import handler as authorizer
from shared.access import tokens
from shared.aws.secrets import secret
from shared.aws.transactions import Transaction
from shared.core.clock import utc_now
from shared.credentials import passwords
from shared.credentials.refresh_tokens import RefreshToken, read_refresh_token
from shared.credentials.store import CredentialStore, SessionEnded
from shared.users.store import EmailTaken, UserStore
from tests.support.forge import refused_tokens
from tests.support.studio import PASSWORD, Answer, Creator, Studio

OURS = {"origin": "https://kinora.test", "x-kinora-refresh": "1"}
ARN = "arn:aws:execute-api:us-east-1:1:api/test/GET/api/jobs/job_1"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with minimum cost, so that a hash does not take 0.1 s."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._nobody.cache_clear()


def register(studio: Studio, email: str = "ada@example.com", password: str = PASSWORD) -> None:
    studio.register(email, password)


def login(studio: Studio, email: str = "ada@example.com", password: str = PASSWORD) -> Answer:
    return studio.call("POST", "/api/auth/login", {"email": email, "password": password})


def cookie(answer: Answer) -> str:
    """Return `name=value` of the refresh cookie."""
    return answer.cookies[0].partition(";")[0]


def refresh(studio: Studio, cookie: str, **headers: str) -> Answer:
    return studio.call("POST", "/api/auth/refresh", headers=OURS | headers | {"cookie": cookie})


# --- accounts


@pytest.mark.endpoint("POST /api/auth/login")
def test_a_new_user_can_sign_in(studio: Studio) -> None:
    ada = studio.sign_up("ada@example.com")
    me = ada.get("/api/auth/me").body
    assert (me["id"], me["email"]) == (ada.user_id, "ada@example.com")
    assert "password" not in json.dumps(me).lower()


def test_addresses_are_compared_without_case(studio: Studio) -> None:
    body = {"email": "Ada@Example.com", "password": PASSWORD}
    studio.call("POST", "/api/auth/register", body)
    assert studio.call("POST", "/api/auth/verify-email", {"token": studio.mailed("ada@example.com")}).status == 204
    studio.call("POST", "/api/auth/register", body | {"email": "ADA@EXAMPLE.COM"})
    assert "You have a Kinora account" not in studio.mails("ada@example.com")[0]
    assert "has an account already" in studio.mails("ada@example.com")[1]
    assert login(studio, "ada@EXAMPLE.com").status == 200


def test_two_concurrent_registrations_create_one_account(studio: Studio) -> None:
    """The transaction of the second registration fails on the first one's claim; neither request read the other's."""
    register(studio)
    at, tx = utc_now(), Transaction()
    UserStore().create("usr_second", email="ada@example.com", name=None, at=at, tx=tx)
    CredentialStore().set_password("usr_second", "hash", at=at, tx=tx)
    with pytest.raises(EmailTaken):
        tx.commit()
    assert UserStore().id_by_email("ada@example.com") != "usr_second"
    assert CredentialStore().password("usr_second") is None


def test_passwords_are_stored_as_argon2_only(studio: Studio) -> None:
    register(studio)
    stored = json.dumps(studio.dump())
    assert PASSWORD not in stored
    assert "$argon2id$" in stored


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(studio: Studio) -> None:
    register(studio)
    wrong, unknown = login(studio, password="wrong password"), login(studio, "nobody@example.com")
    assert (wrong.status, wrong.body["code"]) == (401, "wrong_credentials")
    assert wrong.body == unknown.body
    assert not wrong.cookies


def test_the_refresh_cookie_is_restricted_to_our_pages(studio: Studio) -> None:
    register(studio)
    set_cookie, _device = login(studio).cookies
    attributes = {part.strip().lower() for part in set_cookie.split(";")[1:]}
    assert set_cookie.startswith("__Host-")
    assert {"httponly", "secure", "samesite=strict", "path=/", f"max-age={7 * 86400}"} <= attributes


def test_a_guess_for_an_unknown_address_costs_as_much_as_any_other() -> None:
    assert not passwords._hasher().check_needs_rehash(passwords._nobody())
    with pytest.raises(VerifyMismatchError):  # another error would mean that nothing was hashed
        passwords._hasher().verify(passwords._nobody(), PASSWORD)


# --- access tokens, at the authorizer


def test_the_authorizer_refuses_forged_tokens(studio: Studio) -> None:
    signing = json.loads(secret("access-token-signing-key"))
    public = json.loads(secret("access-token-verification-keys"))["k1"]
    for wrong, token in refused_tokens(utc_now(), signing["pem"], public).items():
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer({"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": ARN}, None)
        assert studio.call("GET", "/api/auth/me", token=token).status == 401, wrong


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "{token}", "Token {token}"])
def test_the_authorizer_accepts_bearer_tokens_only(ada: Creator, header: str) -> None:
    event = {"type": "TOKEN", "authorizationToken": header.format(token=ada.token), "methodArn": ARN}
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer(event, None)


def test_the_policy_covers_every_route_of_the_stage(ada: Creator) -> None:
    """The policy is cached by token. A policy for one method would refuse the next request of the caller."""
    answer = authorizer({"type": "TOKEN", "authorizationToken": f"bearer {ada.token}", "methodArn": ARN}, None)
    [statement] = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == "arn:aws:execute-api:us-east-1:1:api/test/*"
    assert (statement["Effect"], answer["context"]["userId"]) == ("Allow", ada.user_id)


def test_the_authorizer_reads_the_headers_of_sockets(ada: Creator) -> None:
    event = {"type": "REQUEST", "headers": {"Authorization": f"Bearer {ada.token}"}, "methodArn": ARN}
    assert authorizer(event, None)["principalId"] == ada.user_id


def test_a_cached_answer_of_the_authorizer_does_not_outlive_the_token(studio: Studio, ada: Creator) -> None:
    """API Gateway caches the answer for five minutes, also if the token expires before. Older answers have no time."""
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {ada.token}", "methodArn": ARN}
    cached = authorizer(event, None)["context"]
    assert studio.call("GET", "/api/auth/me", authorizer=cached).status == 200
    timeless = {name: value for name, value in cached.items() if name != "expiresAt"}
    for late in (cached | {"expiresAt": str(int(utc_now().timestamp()))}, timeless):
        answer = studio.call("GET", "/api/auth/me", authorizer=late)
        assert (answer.status, answer.body["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


# --- refresh tokens (I10)


@pytest.mark.endpoint("POST /api/auth/refresh")
def test_refreshing_returns_a_new_valid_pair(studio: Studio) -> None:
    register(studio)
    first = cookie(login(studio))
    second = refresh(studio, first)
    assert second.status == 200
    assert cookie(second) != first
    assert studio.call("GET", "/api/auth/me", token=second.body["accessToken"]).body["email"] == "ada@example.com"
    assert refresh(studio, cookie(second)).status == 200


def test_a_lost_refresh_answer_can_be_requested_again(studio: Studio) -> None:
    register(studio)
    first = cookie(login(studio))
    assert cookie(refresh(studio, first)) == cookie(refresh(studio, first))


@pytest.mark.parametrize("headers", [{}, {"origin": "https://kinora.test"}, {"x-kinora-refresh": "1"},
                                     {"origin": "https://evil.test", "x-kinora-refresh": "1"},
                                     {"origin": "https://kinora.test.evil.test", "x-kinora-refresh": "1"},
                                     {"origin": "null", "x-kinora-refresh": "1"}])  # fmt: skip
@pytest.mark.parametrize("path", ["refresh", "logout"])
def test_another_sites_page_cannot_renew_or_end_a_session(studio: Studio, path: str, headers: dict[str, str]) -> None:
    register(studio)
    first, before = cookie(login(studio)), studio.dump()
    answer = studio.call("POST", f"/api/auth/{path}", headers=headers | {"cookie": first})
    assert (answer.status, answer.body["code"]) == (403, "forbidden")
    assert studio.dump() == before
    assert not answer.cookies
    assert refresh(studio, first).status == 200


def test_a_forged_token_revokes_nothing(studio: Studio) -> None:
    register(studio)
    good = cookie(login(studio))
    name, _, text = good.partition("=")
    family, seq, mac = text.split(".")
    before = studio.dump()
    forged = [
        "", "x", "..", f"{family}.{seq}.", f"{family}.{seq}.{mac}.x", f"{family}.{seq}.{'A' * len(mac)}",
        f"{family}.1.{mac}", f"{family}.-1.{mac}",
        f"{family}.²0.{mac}", f"{family}.00.{mac}", f"rft_other.{seq}.{mac}",
    ]  # fmt: skip
    for text in forged:
        answer = refresh(studio, f"{name}={text}")
        assert (answer.status, answer.body["code"]) == (401, "session_ended"), text
        assert studio.call("POST", "/api/auth/logout", headers=OURS | {"cookie": f"{name}={text}"}).status == 204
    assert studio.dump() == before
    assert refresh(studio, good).status == 200


def test_a_stolen_token_ends_the_session_for_both(studio: Studio) -> None:
    register(studio)
    stolen = cookie(login(studio))
    current = cookie(refresh(studio, cookie(refresh(studio, stolen))))
    answer = refresh(studio, stolen)
    assert (answer.status, answer.body["code"]) == (401, "session_ended")
    assert not answer.cookies
    assert refresh(studio, current).status == 401


@pytest.mark.endpoint("POST /api/auth/logout")
def test_signing_out_ends_the_session_and_its_cookie(studio: Studio) -> None:
    register(studio)
    one, other = cookie(login(studio)), cookie(login(studio))
    answer = studio.call("POST", "/api/auth/logout", headers=OURS | {"cookie": one})
    assert answer.status == 204
    assert "max-age=0" in answer.cookies[0].lower()
    assert refresh(studio, one).status == 401
    assert refresh(studio, other).status == 200


# --- the token family over time

BEGUN = datetime.fromisoformat("2026-11-22T12:00:00+00:00")


def after(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def test_a_token_is_reissued_for_ten_seconds_and_then_ends_its_family(studio: Studio) -> None:
    store = CredentialStore()
    first = store.begin_family("usr_1", at=BEGUN)
    assert store.rotate(first, at=after(60)) == ("usr_1", RefreshToken(first.family_id, 1))
    assert store.rotate(first, at=after(70)) == ("usr_1", RefreshToken(first.family_id, 1))
    with pytest.raises(SessionEnded):
        store.rotate(first, at=after(70.5))
    with pytest.raises(SessionEnded):
        store.rotate(RefreshToken(first.family_id, 1), at=after(71))


def test_a_token_is_not_reissued_after_signing_out(studio: Studio) -> None:
    store = CredentialStore()
    first = store.begin_family("usr_1", at=BEGUN)
    _, second = store.rotate(first, at=after(60))
    store.revoke(second, at=after(61))
    with pytest.raises(SessionEnded):
        store.rotate(first, at=after(62))


def test_ending_an_unknown_family_writes_nothing(studio: Studio) -> None:
    before = studio.dump()
    CredentialStore().revoke(RefreshToken("rft_unknown", 0), at=BEGUN)
    assert studio.dump() == before


def test_a_token_two_generations_old_is_stale_at_once(studio: Studio) -> None:
    store = CredentialStore()
    first = store.begin_family("usr_1", at=BEGUN)
    _, second = store.rotate(first, at=after(1))
    _, third = store.rotate(second, at=after(2))
    with pytest.raises(SessionEnded):
        store.rotate(first, at=after(3))
    with pytest.raises(SessionEnded):
        store.rotate(third, at=after(4))


def test_a_family_ends_after_seven_days(studio: Studio) -> None:
    store = CredentialStore()
    token = store.begin_family("usr_1", at=BEGUN)
    for day in range(1, 7):
        _, token = store.rotate(token, at=after(86400 * day))
    with pytest.raises(SessionEnded):
        store.rotate(token, at=after(86400 * 7))


def test_an_unknown_family_counts_as_ended(studio: Studio) -> None:
    with pytest.raises(SessionEnded):
        CredentialStore().rotate(RefreshToken("rft_unknown", 0), at=BEGUN)
    CredentialStore().revoke(RefreshToken("rft_unknown", 0), at=BEGUN)
    assert studio.dump()["kinora-test-refresh-families"] == []


class Interrupted(CredentialStore):
    """A store that calls `meanwhile` between its read of the family and its write."""

    def __init__(self, meanwhile: object) -> None:
        self.meanwhile = meanwhile

    def _advance(self, token: RefreshToken, at: datetime) -> bool:
        assert callable(self.meanwhile)
        self.meanwhile()
        return super()._advance(token, at)


def test_two_concurrent_tabs_get_the_same_successor(studio: Studio) -> None:
    store = CredentialStore()
    first = store.begin_family("usr_1", at=BEGUN)
    other_tab: list[RefreshToken] = []
    late = Interrupted(lambda: other_tab.append(store.rotate(first, at=after(1))[1]))
    assert late.rotate(first, at=after(1)) == ("usr_1", other_tab[0])


def test_a_token_that_became_stale_meanwhile_does_not_reset_its_family(studio: Studio) -> None:
    store = CredentialStore()
    first = store.begin_family("usr_1", at=BEGUN)

    def rotate_twice() -> None:
        _, second = store.rotate(first, at=after(1))
        store.rotate(second, at=after(2))

    with pytest.raises(SessionEnded):
        Interrupted(rotate_twice).rotate(first, at=after(3))


def test_signing_out_during_a_refresh_ends_the_session(studio: Studio) -> None:
    store = CredentialStore()
    first = store.begin_family("usr_1", at=BEGUN)
    late = Interrupted(lambda: store.revoke(first, at=after(1)))
    with pytest.raises(SessionEnded):
        late.rotate(first, at=after(1))


# --- the tokens' text


def test_changed_refresh_tokens_are_refused() -> None:
    key, token = b"k" * 32, RefreshToken("rft_1", 3)
    text = token.text(key)
    assert read_refresh_token(text, key) == token
    assert read_refresh_token(text, b"j" * 32) is None
    assert read_refresh_token(text.replace(".3.", ".03."), key) is None
    assert read_refresh_token(text[:-1], key) is None


def test_an_access_token_identifies_its_user(studio: Studio) -> None:
    issued = tokens.issue("usr_9", signing_key=secret("access-token-signing-key"), at=utc_now())
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {issued}", "methodArn": ARN}
    assert authorizer(event, None)["principalId"] == "usr_9"
    assert studio.call("GET", "/api/auth/me", token=issued).status == 404
