"""The second factor of sign-ins through the real handlers: TOTP and recovery codes."""

from base64 import b32decode
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher
from botocore.exceptions import ClientError

from functions.auth import erasure, second_factor, service
from shared.aws.sealing import unseal
from shared.core.clock import utc_now
from shared.credentials import passwords
from shared.credentials.record import PasswordRecord
from shared.credentials.totp import CODES, STEP_SECONDS, second_factors, totp
from tests.support.studio import PASSWORD, Answer, Creator, Studio

ADA = "ada@example.com"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with minimum cost, so that a hash does not take 0.1 s."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._nobody.cache_clear()


class Clock:
    """The time of the requests, which stands still between moves."""

    def __init__(self) -> None:
        self.now = utc_now().replace(microsecond=0)

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    for module in (second_factor, service, erasure):
        monkeypatch.setattr(module, "utc_now", lambda: one.now)
    return one


@pytest.fixture
def app(ada: Creator, clock: Clock) -> "App":
    """Ada's authenticator app, with an enabled second factor."""
    created = ada.post("/api/auth/totp", {"password": PASSWORD})
    assert created.status == 201, created.body
    one = App(created.body["secret"], clock)
    enabled = ada.post("/api/auth/totp/enable", {"code": one.code()})
    assert enabled.status == 200, enabled.body
    one.recovery = enabled.body["recoveryCodes"]
    clock.move(STEP_SECONDS)
    return one


class App:
    """An authenticator app."""

    recovery: list[str]

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret, self._clock = secret, clock

    def code(self, *, late_seconds: float = 0) -> str:
        at: datetime = self._clock.now - timedelta(seconds=late_seconds)
        return totp(b32decode(self._secret)).generate(int(at.timestamp())).decode()


def sign_in(studio: Studio, code: str | None = None, password: str = PASSWORD) -> Answer:
    body = {"email": ADA, "password": password} | ({"code": code} if code is not None else {})
    return studio.call("POST", "/api/auth/login", body)


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


@pytest.mark.endpoint("GET /api/auth/totp", "POST /api/auth/totp", "POST /api/auth/totp/enable")
def test_a_secret_counts_after_its_first_code(studio: Studio, ada: Creator, clock: Clock) -> None:
    created = ada.post("/api/auth/totp", {"password": PASSWORD}).body
    uri = urlsplit(created["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [created["secret"]]
    assert sign_in(studio).status == 200
    assert refusal(ada.post("/api/auth/totp/enable", {"code": "000000"})) == (403, "wrong_code")
    assert ada.get("/api/auth/totp").body == {"enabled": False, "recoveryCodesLeft": 0}
    assert ada.post("/api/auth/totp/enable", {"code": App(created["secret"], clock).code()}).status == 200
    assert ada.get("/api/auth/totp").body == {"enabled": True, "recoveryCodesLeft": CODES}


def test_a_sign_in_needs_the_code_after_the_password(studio: Studio, app: App) -> None:
    assert refusal(sign_in(studio)) == (403, "code_needed")
    assert refusal(sign_in(studio, "000000")) == (403, "wrong_code")
    assert refusal(sign_in(studio, app.code(), "wrong horse battery")) == (401, "wrong_credentials")
    assert refusal(sign_in(studio, None, "wrong horse battery")) == (401, "wrong_credentials")
    assert sign_in(studio, app.code()).status == 200


def test_a_code_works_once(studio: Studio, app: App) -> None:
    assert [sign_in(studio, app.code()).status for _ in range(2)] == [200, 403]


@pytest.mark.parametrize(("late_seconds", "status"), [(0, 200), (30, 403), (90, 403), (-30, 200), (-90, 403)])
def test_a_clock_may_be_a_step_wrong(studio: Studio, app: App, late_seconds: int, status: int) -> None:
    """The code of the step before was used to enable the second factor."""
    assert sign_in(studio, app.code(late_seconds=late_seconds)).status == status


@pytest.mark.parametrize("code", ["", "12345", "1234567", "ａｂｃ", "\u0661\u0662\u0663\u0664\u0665\u0666", "x" * 40])
def test_other_texts_are_wrong_codes(studio: Studio, app: App, code: str) -> None:
    assert refusal(sign_in(studio, code)) == (403, "wrong_code")


def test_a_recovery_code_replaces_a_code_once(studio: Studio, ada: Creator, app: App) -> None:
    assert len(set(app.recovery)) == CODES
    first, second = app.recovery[:2]
    assert [sign_in(studio, one).status for one in (first, first, second.upper())] == [200, 403, 200]
    assert ada.get("/api/auth/totp").body["recoveryCodesLeft"] == CODES - 2


def test_a_code_whose_answer_is_lost_works(studio: Studio, ada: Creator, app: App) -> None:
    for code in (app.code(), app.recovery[0]):
        [stored] = PasswordRecord.query(ada.user_id)
        studio.cloud.loses_once("UpdateItem")
        second_factors.use(stored, code, at=app._clock.now)


def test_guesses_of_codes_are_delayed(studio: Studio, app: App, clock: Clock) -> None:
    answers = [refusal(sign_in(studio, "000000")) for _ in range(8)]
    assert answers == [(403, "wrong_code")] * 6 + [(429, "too_many_guesses")] * 2
    assert refusal(sign_in(studio, app.code())) == (429, "too_many_guesses")
    clock.move(60)
    assert sign_in(studio, app.code()).status == 200


def test_neither_the_secret_nor_a_code_is_stored_as_text(studio: Studio, ada: Creator, app: App) -> None:
    [row] = PasswordRecord.query(ada.user_id)
    stored = str(studio.dump())
    assert app._secret not in stored
    assert not any(code in stored for code in app.recovery)
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        unseal(row.totp_sealed, purpose="totp", owner="usr_other")


@pytest.mark.endpoint("DELETE /api/auth/totp")
def test_the_second_factor_is_disabled_with_password_and_code(studio: Studio, ada: Creator, app: App) -> None:
    def disable(password: str, code: str) -> Answer:
        return studio.call("DELETE", "/api/auth/totp", {"password": password, "code": code}, token=ada.token)

    assert refusal(disable("wrong horse battery", app.code())) == (403, "wrong_password")
    assert refusal(disable(PASSWORD, "000000")) == (403, "wrong_code")
    assert disable(PASSWORD, app.recovery[0]).status == 204
    assert sign_in(studio).status == 200
    assert refusal(disable(PASSWORD, app.code())) == (409, "totp_not_enabled")
    assert ada.get("/api/auth/totp").body == {"enabled": False, "recoveryCodesLeft": 0}


def test_an_enabled_second_factor_is_not_replaced(ada: Creator, app: App) -> None:
    assert refusal(ada.post("/api/auth/totp", {"password": PASSWORD})) == (409, "totp_enabled")
    assert refusal(ada.post("/api/auth/totp/enable", {"code": app.code()})) == (409, "totp_enabled")


def test_a_new_password_keeps_the_second_factor(studio: Studio, app: App) -> None:
    studio.call("POST", "/api/auth/forgot-password", {"email": ADA})
    new = {"token": studio.mailed(ADA), "password": "another horse battery"}
    assert studio.call("POST", "/api/auth/reset-password", new).status == 204
    assert refusal(sign_in(studio, None, new["password"])) == (403, "code_needed")
    assert sign_in(studio, app.code(), new["password"]).status == 200


def test_an_account_with_a_second_factor_is_deleted_with_a_code(
    studio: Studio, ada: Creator, app: App, clock: Clock
) -> None:
    def close(**more: str) -> Answer:
        return studio.call("DELETE", "/api/auth/me", {"password": PASSWORD, **more}, token=ada.token)

    assert refusal(close()) == (403, "code_needed")
    assert refusal(close(code="000000")) == (403, "wrong_code")
    assert close(code=app.code()).status == 202
