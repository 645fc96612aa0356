"""The model of the protocol holds with all fixes, and needs each of them. `make protocol` checks more faults."""

import pytest

from tools.protocol import SMALL, STUCK, WITH_CANCEL, WITH_FAST_CLOCK, WORLDS, ModelWorld, check, without

PAID_FOR_NOTHING = "a creator pays for a film that does not exist"
EXPECTED = {
    "own_success": "a worker takes its own success for a refusal",
    "fencing": "a result of an old attempt counts",
    "lease_bound": STUCK,
    "keep_recorded": "a recorded result is deleted",
    "sending_number": "a step fails because of another sending",
    "lease_read": "a step fails while its worker has a lease",
    "film_verified": PAID_FOR_NOTHING,
    "one_end": "a job ends twice",
    "one_transaction": "job and hold disagree",
    "token_first": STUCK,
    "repeated_report": STUCK,
}


@pytest.mark.parametrize("world", [SMALL, WITH_CANCEL, WITH_FAST_CLOCK], ids=["small", "cancel", "fast clock"])
def test_the_protocol_breaks_no_rule_in_any_state(world: ModelWorld) -> None:
    verdict = check(world)
    assert verdict.violations == {}, verdict
    assert verdict.states > 3000, "the model reaches fewer states than expected"


@pytest.mark.parametrize("fix", WORLDS)
def test_without_a_fix_the_protocol_breaks_a_rule(fix: str) -> None:
    verdict = check(without(fix, world=WORLDS[fix]))
    assert EXPECTED[fix] in verdict.violations, verdict


def test_a_lost_answer_deletes_a_recorded_result_without_the_fixes_against_it() -> None:
    acts = check(without("own_success", "keep_recorded", world=SMALL)).violations["a recorded result is deleted"]
    assert acts[-3:] == [
        "a worker records, the answer is lost",
        "a repeated write is refused",
        "a stopped worker deletes its uploads",
    ]


def test_a_search_that_is_too_large_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.protocol.MOST_STATES", 100)
    with pytest.raises(RuntimeError, match="100"):
        check(SMALL)
