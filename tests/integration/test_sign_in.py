"""Guesses of passwords: delays, refused passwords, and answers that do not tell whether an address has an account."""

from contextlib import suppress
from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher

from functions.auth import accounts, service
from functions.auth.service import SignIn, WrongCredentials
from shared.core.clock import utc_now
from shared.credentials import passwords
from shared.credentials.device_tokens import device_token, read_device_token
from shared.credentials.passwords import WeakPassword
from shared.credentials.record import PasswordRecord
from shared.credentials.store import credentials
from shared.guesses.record import GuessesRecord
from shared.guesses.store import Delay, TooManyGuesses
from shared.guesses.store import guesses as guesses_store
from shared.users.store import users
from tests.support.studio import PASSWORD, Answer, Studio

OWNER = "ada@example.com"
BEGUN = (utc_now() + timedelta(days=1)).replace(microsecond=0)  # the tests choose the times of all guesses


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with minimum cost, so that a hash does not take 0.1 s."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._nobody.cache_clear()


@pytest.fixture
def owned(studio: Studio) -> Studio:
    """A deployment with the owner's account."""
    studio.register(OWNER)
    return studio


def sign_in(
    password: str = PASSWORD, *, after: float = 0.0, email: str = OWNER, client: str = "192.0.2.1", device: str = ""
) -> SignIn:
    return service.login(email, password, client=client, device=device, at=BEGUN + timedelta(seconds=after))


def guess(number: int, **given: object) -> type[Exception]:
    """Try a wrong password. Return WrongCredentials if it was checked, and TooManyGuesses if it was not."""
    try:
        sign_in(f"wrong password {number}", **given)  # type: ignore[arg-type]  # forwarded
    except (WrongCredentials, TooManyGuesses) as error:
        return type(error)
    raise AssertionError("a wrong password was accepted")


def checked(guesses: list[type[Exception]]) -> int:
    return guesses.count(WrongCredentials)


# --- delays


def test_of_150_guesses_in_18_seconds_ten_are_checked(owned: Studio) -> None:
    assert checked([guess(number, after=number * 18 / 150) for number in range(150)]) == 10


def test_150_parallel_guesses_check_six(owned: Studio) -> None:
    assert checked([guess(number) for number in range(150)]) == 6


def test_one_client_has_fewer_than_120_guesses_in_a_day(owned: Studio) -> None:
    """The client tries again as soon as it may."""
    count, after = 0, 0.0
    while after < 86_400:
        try:
            sign_in("a wrong password", after=after)
        except TooManyGuesses as error:
            after += float(error.facts["headers"]["Retry-After"])
        except WrongCredentials:
            count += 1
    assert 90 < count < 120


def test_an_attack_from_one_client_does_not_delay_the_owner_at_another_address(owned: Studio) -> None:
    for number in range(150):
        guess(number, after=number * 18 / 150)
    with pytest.raises(TooManyGuesses):
        sign_in(after=18)
    assert sign_in(after=18, client="198.51.100.7")


def test_an_attack_from_a_hundred_clients_delays_the_owner_by_30_seconds_at_most(owned: Studio) -> None:
    guesses = [guess(number, after=number, client=f"198.51.100.{number % 100}") for number in range(300)]
    assert checked(guesses) < 70
    with pytest.raises(TooManyGuesses) as refused:
        sign_in(after=300)
    wait = int(refused.value.facts["headers"]["Retry-After"])
    assert wait <= 30
    assert sign_in(after=300 + wait)


def test_an_attack_does_not_delay_a_known_device(owned: Studio) -> None:
    device = sign_in().device_token
    for number in range(300):
        guess(number, after=10, client=f"198.51.100.{number % 100}")
    with pytest.raises(TooManyGuesses):
        sign_in(after=10)
    assert sign_in(after=10, device=device)


def test_a_stolen_device_has_delays_of_its_own(owned: Studio) -> None:
    device = sign_in().device_token
    assert checked([guess(number, after=10, device=device, client=f"c{number}") for number in range(150)]) == 6
    assert sign_in(after=10)


def test_a_device_is_known_for_its_own_address_only(owned: Studio) -> None:
    token = device_token("dev_1", email=OWNER, key=b"k")
    assert read_device_token(token, email=OWNER, key=b"k") == "dev_1"
    assert read_device_token(token, email="eve@example.com", key=b"k") is None
    assert read_device_token(token, email=OWNER, key=b"j") is None
    assert read_device_token(token.replace("dev_1", "dev_2"), email=OWNER, key=b"k") is None
    assert read_device_token("", email=OWNER, key=b"k") is None
    forged = [guess(number, device=f"dev_{number}.{token.partition('.')[2]}") for number in range(20)]
    assert checked(forged) == 6


def test_one_client_guesses_at_many_accounts_with_a_delay(owned: Studio) -> None:
    guesses = [guess(number, email=f"{number}@example.com") for number in range(150)]
    assert checked(guesses) == 21


def test_successful_sign_ins_of_one_office_have_no_delay(owned: Studio) -> None:
    for second in range(60):
        assert sign_in(after=second)


def test_a_sign_in_does_not_remove_earlier_failures(owned: Studio) -> None:
    """An attacker with an own account could otherwise begin again after each guess."""
    owned.register("eve@example.com")
    results = []
    for number in range(60):
        results.append(guess(number, email=f"{number}@example.com"))
        with suppress(TooManyGuesses):
            sign_in(email="eve@example.com")
    assert checked(results) == 21


def test_failures_are_forgotten_a_day_after_the_last_guess(owned: Studio) -> None:
    for number in range(10):
        guess(number)
    assert checked([guess(number, after=86_401) for number in range(10)]) == 6


def test_parallel_guesses_that_read_the_same_counters_are_not_checked_together(
    owned: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, results = GuessesRecord.batch_get, list[type[Exception]]()

    def read_slowly(*given: object, **options: object) -> object:
        """Begin another guess between the read and the write of this one."""
        rows = list(read(*given, **options))  # type: ignore[arg-type]  # forwarded
        if others:
            others.pop()
            results.append(guess(0))
        return rows

    others = list(range(5))
    monkeypatch.setattr(GuessesRecord, "batch_get", read_slowly)
    results += [guess(number) for number in range(20)]
    assert checked(results) == 6


def test_a_success_keeps_the_failure_of_a_parallel_guess(owned: Studio) -> None:
    one = {"pair:1": Delay(free=5, longest=timedelta(minutes=1))}
    first = guesses_store.begin(one, at=BEGUN)
    guesses_store.begin(one, at=BEGUN + timedelta(seconds=1))
    guesses_store.succeed(first)
    assert GuessesRecord.get("pair:1").failures == 1


def test_parallel_sign_ins_leave_no_failure(owned: Studio) -> None:
    """Otherwise a program with many threads would be delayed by its own successes."""
    one = {"pair:1": Delay(free=5, longest=timedelta(minutes=1))}
    for guess_ in [guesses_store.begin(one, at=BEGUN) for _ in range(4)]:
        guesses_store.succeed(guess_)
    assert GuessesRecord.get("pair:1").failures == 0


# --- the API


def login(studio: Studio, password: str = PASSWORD, email: str = OWNER, **headers: str) -> Answer:
    return studio.call("POST", "/api/auth/login", {"email": email, "password": password}, headers=headers)


def test_a_refused_guess_says_when_the_next_one_is_checked(owned: Studio) -> None:
    answers = [login(owned, "a wrong password") for _ in range(12)]
    refused = answers[-1]
    assert (refused.status, refused.body["code"]) == (429, "too_many_guesses")
    assert 1 <= int(refused.headers["retry-after"]) <= 4
    assert login(owned).body["code"] == "too_many_guesses"


def test_a_known_device_signs_in_during_an_attack(owned: Studio) -> None:
    _session, device = login(owned).cookies
    attributes = {part.strip().lower() for part in device.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/", f"max-age={180 * 86400}"} <= attributes
    for _ in range(12):
        login(owned, "a wrong password")
    assert login(owned).status == 429
    assert login(owned, cookie=device.partition(";")[0]).status == 200


def test_a_client_cannot_choose_its_address(owned: Studio) -> None:
    """CloudFront and API Gateway append the last two entries."""
    answers = [
        login(owned, "a wrong password", **{"x-forwarded-for": f"198.51.100.{number}, 192.0.2.9, 203.0.113.1"})
        for number in range(12)
    ]
    assert [answer.status for answer in answers].count(401) <= 7
    assert login(owned, **{"x-forwarded-for": "192.0.2.10, 203.0.113.1"}).status == 200


def test_addresses_of_one_ipv6_network_are_one_client(owned: Studio) -> None:
    answers = [
        login(owned, "a wrong password", **{"x-forwarded-for": f"2001:db8::{number:x}, 203.0.113.1"})
        for number in range(12)
    ]
    assert [answer.status for answer in answers].count(401) <= 7
    assert login(owned, **{"x-forwarded-for": "2001:db8:0:1::1, 203.0.113.1"}).status == 200


def test_an_unknown_address_gets_the_answers_of_a_known_one(owned: Studio) -> None:
    """The same statuses, bodies and calls of AWS, so neither answers nor times name the addresses with an account."""

    def answers(email: str, client: str) -> list[object]:
        owned.cloud.calls.clear()
        from_client = {"x-forwarded-for": f"{client}, 203.0.113.1"}
        found = [login(owned, " a wrong password ", email, **from_client) for _ in range(4)]
        return [*((one.status, one.body, one.headers.keys(), one.cookies) for one in found), owned.cloud.calls.copy()]

    assert answers(OWNER, "192.0.2.1") == answers("nobody@example.com", "192.0.2.2")


@pytest.mark.parametrize("exact", [True, None])
@pytest.mark.parametrize("password", ["a wrong password", " a wrong password\t"])
def test_an_unknown_address_and_a_known_one_check_equally_many_hashes(
    owned: Studio, monkeypatch: pytest.MonkeyPatch, exact: bool | None, password: str
) -> None:
    checks: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  # the library's name
            checks.append(str(hash))
            return super().verify(hash, password)

    counting = Counting(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: counting)
    store_hash(passwords.password_hash("something else"), exact=exact)
    counts = []
    for email in (OWNER, "nobody@example.com"):
        checks.clear()
        assert login(owned, password, email).status == 401
        counts.append(len(checks))
    assert counts[0] == counts[1] > 0


# --- passwords


def refused(password: str, email: str = "new@example.com") -> bool:
    try:
        accounts.register(email, password, None)
    except WeakPassword:
        return True
    return False


@pytest.mark.parametrize(
    "password", ["password", "Password", " password ", "12345678", "qwertyuiop", "iloveyou", "password1", "        "]
)
def test_the_commonest_passwords_are_refused(studio: Studio, password: str) -> None:
    before = studio.dump()
    answer = studio.call("POST", "/api/auth/register", {"email": OWNER, "password": password})
    assert (answer.status, answer.body["code"]) == (422, "weak_password")
    assert studio.dump() == before


def test_three_thousand_passwords_are_refused(studio: Studio) -> None:
    commonest = passwords._commonest()
    assert len(commonest) == 3000
    assert all(len(word) >= passwords.MIN_CHARACTERS for word in commonest)
    assert not refused("a lighthouse at dusk")


@pytest.mark.parametrize(
    "password", ["adalovelace@example.com", "AdaLovelace", "adalovelace", " ADALOVELACE@example.com "]
)
def test_the_address_and_its_local_part_are_refused(studio: Studio, password: str) -> None:
    assert refused(password, "adalovelace@example.com")
    assert not refused(password, "somebody@example.org")


def test_a_weak_password_is_refused_for_a_taken_address_too(owned: Studio) -> None:
    assert refused("password", OWNER)


SPELLINGS = ["lighthouse", " lighthouse", "lighthouse ", "\tlighthouse", "Lighthouse"]


@pytest.mark.parametrize("chosen", SPELLINGS)
def test_one_spelling_opens_an_account(studio: Studio, chosen: str) -> None:
    studio.register(OWNER, chosen)
    assert [one for one in SPELLINGS if login(studio, one).status == 200] == [chosen]


def test_a_password_may_be_composed_in_two_ways(studio: Studio) -> None:
    """Keyboards send the letter é as one character or as two. Both are the same in the normal form C."""
    studio.register(OWNER, "cafe\u0301 au lait")
    assert login(studio, "caf\u00e9 au lait").status == 200
    assert login(studio, "cafe\u0301 au lait").status == 200
    assert login(studio, "cafe au lait").status == 401


def test_names_and_addresses_are_still_read_without_whitespace(studio: Studio) -> None:
    body = {"email": f" {OWNER} ", "password": PASSWORD, "name": " Ada "}
    assert studio.call("POST", "/api/auth/register", body).status == 202
    accounts.verify(studio.mailed(OWNER))
    user_id = users.id_by_email(OWNER)
    assert user_id is not None
    assert users.get(user_id).name == "Ada"


def store_hash(argon2_hash: str, *, exact: bool | None) -> str:
    """Store a hash of the owner's password. Return the owner's id."""
    user_id = users.id_by_email(OWNER)
    assert user_id is not None
    PasswordRecord(user_id, argon2_hash=argon2_hash, exact=exact, updated_at=utc_now()).save()
    return user_id


def stored(user_id: str) -> PasswordRecord:
    found = credentials.password(user_id)
    assert found is not None
    return found


def test_a_password_that_was_stored_without_whitespace_opens_once_more_and_is_stored_exactly(owned: Studio) -> None:
    user_id = store_hash(passwords.password_hash("lighthouse"), exact=None)
    assert sign_in(" lighthouse ")
    assert stored(user_id).exact
    assert sign_in(" lighthouse ")
    assert [guess_with(one) for one in ("lighthouse", " lighthouse")] == [WrongCredentials, WrongCredentials]


def guess_with(password: str) -> type[Exception] | None:
    try:
        sign_in(password)
    except (WrongCredentials, TooManyGuesses) as error:
        return type(error)
    return None


def test_a_hash_with_weaker_parameters_is_replaced_at_the_next_sign_in(
    owned: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = store_hash(passwords.password_hash(PASSWORD), exact=True)
    stronger = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: stronger)
    assert guess(1) is WrongCredentials
    assert "t=1" in stored(user_id).argon2_hash
    assert sign_in()
    renewed = stored(user_id).argon2_hash
    assert "t=2" in renewed
    assert sign_in()
    assert stored(user_id).argon2_hash == renewed


def test_a_replaced_hash_does_not_undo_a_change_of_the_password(owned: Studio) -> None:
    user_id = store_hash(passwords.password_hash(PASSWORD), exact=None)
    read = stored(user_id)
    store_hash(passwords.password_hash("a new password"), exact=True)
    credentials.hash_again(read, passwords.password_hash(PASSWORD), at=utc_now())
    assert passwords.opens(stored(user_id), "a new password")


def test_a_hash_that_cannot_be_read_opens_nothing(owned: Studio) -> None:
    store_hash("broken", exact=True)
    assert guess(1) is WrongCredentials
