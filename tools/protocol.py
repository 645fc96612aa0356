"""A model of one step's protocol, and a checker that visits each of its states. docs/protocol/README.md explains it.

It is one module of more than 300 lines, because each act needs the same state.

`python -m tools.protocol` checks the model with all fixes, then without each of them: `make protocol`.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Literal, NamedTuple

from minicheck import Protocol, check_liveness, check_safety

MOST_STATES = 200_000  # of one search; a longer search is refused


@dataclass(frozen=True)
class ProtocolFixes:
    """The guards of the protocol. Without any one of them, the checker finds a counterexample."""

    own_success: bool = True  # a conditional write recognizes its own earlier success (`done=`)
    fencing: bool = True  # a result counts from the current attempt only
    lease_bound: bool = True  # a lease that is too long to be true is not a lease
    keep_recorded: bool = True  # a stopped worker deletes no object of a recorded result
    sending_number: bool = True  # a dead letter of an earlier sending changes nothing
    lease_read: bool = True  # the reader of dead letters waits for a live lease
    film_verified: bool = True  # the settlement charges for a film that exists
    one_end: bool = True  # the settlement expects a live job
    one_transaction: bool = True  # status and hold change together
    token_first: bool = True  # dispatch stores the token, then sends the message
    repeated_report: bool = True  # a worker that finds a completed step reports it again


@dataclass(frozen=True)
class ModelWorld:
    """The constants of a search, and its fixes."""

    fixes: ProtocolFixes = ProtocolFixes()
    faults: int = 1  # in one run: lost answers, crashes, pauses, duplicates and others
    attempts: int = 1  # attempts after which a dead letter ends the step; 15 in the code
    cancel: bool = False  # the creator may cancel
    fast_clock: bool = False  # the first machine that claims may have a fast clock


class ModelWorker(NamedTuple):
    """A process that works on one delivery, or waits for one."""

    at: str = "idle"
    attempt: int = 0
    sending: int = 0  # of the message
    token: int = 0  # that the worker has read; 0 if there was none


IDLE = ModelWorker()
AT_WORK = {"working", "uploaded"}


class ModelMessage(NamedTuple):
    """A copy of a message. A visible one may be received at any time, also twice: then the visibility has ended."""

    sending: int
    dead: bool = False


class ModelState(NamedTuple):
    """The stored items, the queue, the state machine and the processes."""

    status: Literal["LIVE", "COMPLETED", "FAILED", "CANCELLED"] = "LIVE"
    hold: Literal["HELD", "CAPTURED", "RELEASED"] = "HELD"
    step: Literal["QUEUED", "RUNNING", "COMPLETED"] = "QUEUED"
    attempt: int = 0  # the current one
    attempts: int = 0
    lease: Literal["none", "live", "too long"] = "none"
    objects: frozenset[int] = frozenset()  # attempts whose objects S3 has
    token: int = 0  # the stored one
    machine: str = "dispatches"
    waits: int = 1  # the token of the state machine's present try
    messages: tuple[ModelMessage, ...] = ()
    workers: tuple[ModelWorker, ...] = (IDLE, IDLE)
    faults: int = 0
    wrong: str = ""  # the rule that the last act broke


Step = tuple[str, ModelState]


def steps(world: ModelWorld, state: ModelState) -> list[Step]:
    """Return each next state with the name of the act that leads to it."""
    state = state._replace(wrong="")
    acts = [*_machine(world, state), *_letters(world, state), *_environment(world, state)]
    for number, worker in enumerate(state.workers):
        if worker == IDLE and IDLE in state.workers[:number]:
            continue  # idle workers are the same
        acts += _worker(world, state, worker)
    if state.faults >= world.faults:
        return [(name, after) for name, after in acts if after.faults <= world.faults]
    return acts


# --- the state machine, dispatch and settle


def _machine(world: ModelWorld, state: ModelState) -> Iterator[Step]:
    fixes, now = world.fixes, state._replace
    match state.machine:
        case "dispatches" if state.status != "LIVE":
            yield "dispatch finds the job ended", now(machine="over")
        case "dispatches" if state.step == "COMPLETED":
            yield "dispatch finds the step completed", now(machine="settles")
        case "dispatches" if fixes.token_first:
            yield "dispatch stores the token", now(token=state.waits, machine="sends")
        case "dispatches":
            yield "dispatch sends the message", _sent(state)._replace(machine="stores")
        case "stores":
            yield "dispatch stores the token", now(token=state.waits, machine="waits")
        case "sends":
            sent, faulty = _sent(state)._replace(machine="waits"), now(faults=state.faults + 1)
            retried = faulty._replace(machine="dispatches", waits=state.waits + 1)
            yield "dispatch sends the message", sent
            yield "SQS stores the message twice", _sent(sent)._replace(faults=faulty.faults)
            yield "dispatch dies before it sends; Retry", retried
            yield "dispatch sends the message, its answer is lost; Retry", retried._replace(messages=sent.messages)
        case "settles" if state.step != "COMPLETED" or (fixes.film_verified and state.attempt not in state.objects):
            yield "settle finds no film", now(machine="fails")
        case "settles":
            yield "settle finds the film", now(machine="completes")
        case "completes" | "fails" as machine:
            if state.status != "LIVE" and fixes.one_end:
                yield "settle finds the job ended", now(machine="over")
                return
            done = machine == "completes"
            ended = now(
                status="COMPLETED" if done else "FAILED",
                machine="over",
                wrong="" if state.status == "LIVE" else "a job ends twice",
            )
            paid = ended._replace(hold="CAPTURED" if done else "RELEASED")
            yield f"settle {machine} the job", paid if fixes.one_transaction else ended


def _sent(state: ModelState) -> ModelState:
    return state._replace(messages=_order([*state.messages, ModelMessage(state.waits)]))


def _order(messages: list[ModelMessage]) -> tuple[ModelMessage, ...]:
    return tuple(sorted(messages))


def _without(state: ModelState, message: ModelMessage) -> ModelState:
    """Return the state without one copy of the message, if there is one."""
    left = list(state.messages)
    if message in left:
        left.remove(message)
    return state._replace(messages=tuple(left))


def _succeed(state: ModelState, token: int) -> ModelState:
    """Report success. The state machine ignores a token for which it does not wait."""
    waited = state.machine == "waits" and state.waits == token
    return state._replace(machine="settles") if waited else state


# --- the queue and the reader of dead letters


def _letters(world: ModelWorld, state: ModelState) -> Iterator[Step]:
    for message in sorted(set(state.messages)):
        rest = _without(state, message)
        if not message.dead:
            dead = _order([*rest.messages, message._replace(dead=True)])
            yield "SQS moves a message to the dead letters", state._replace(messages=dead)
        elif state.token == 0 or (world.fixes.sending_number and message.sending != state.token):
            yield "signal drops a letter of an earlier sending", rest
        elif state.status != "LIVE":
            yield "signal drops a letter of an ended job", rest
        elif state.step == "COMPLETED":
            yield "signal reports the completed step", _succeed(rest, state.token)
        elif _leased(world, state) and world.fixes.lease_read:
            continue
        elif state.attempts < world.attempts:
            again = _order([*rest.messages, message._replace(dead=False)])
            yield "signal sends the message again", state._replace(messages=again)
        elif state.machine == "waits" and state.waits == state.token:
            wrong = ""
            if any(worker.at in AT_WORK and worker.attempt == state.attempt for worker in state.workers):
                wrong = "a step fails while its worker has a lease" if state.lease == "live" else ""
            if message.sending != state.token:
                wrong = "a step fails because of another sending"
            yield "signal ends the step", rest._replace(machine="fails", wrong=wrong)


def _leased(world: ModelWorld, state: ModelState) -> bool:
    return state.lease == "live" or (state.lease == "too long" and not world.fixes.lease_bound)


# --- workers


def _worker(world: ModelWorld, state: ModelState, worker: ModelWorker) -> Iterator[Step]:
    def to(after: ModelWorker, changed: ModelState = state, *, faults: int = 0) -> ModelState:
        others = list(state.workers)
        others.remove(worker)
        return changed._replace(workers=tuple(sorted([*others, after])), faults=state.faults + faults)

    if worker != IDLE:
        yield "a worker dies", to(IDLE, faults=1)
    match worker.at:
        case "idle":
            for message in sorted({each for each in state.messages if not each.dead}):
                yield from _receive(world, state, message, to)
        case "claims again":
            yield from _claim_again(world, state, worker, to)
        case "working":
            yield from _work(world, state, worker, to)
        case "failed":  # Stage.Retryable: the state machine tries again with another token
            retried = state._replace(machine="dispatches", waits=state.waits + 1)
            waited = state.machine == "waits" and state.waits == worker.token
            yield "a worker reports the failure", to(worker._replace(at="deletes"), retried if waited else state)
        case "uploaded" if _current(world, state, worker):
            wrong = "" if worker.attempt == state.attempt else "a result of an old attempt counts"
            recorded = state._replace(step="COMPLETED", lease="none", wrong=wrong)
            yield "a worker records", to(worker._replace(at="reports"), recorded)
            yield "a worker records, the answer is lost", to(worker._replace(at="records again"), recorded, faults=1)
        case "uploaded":
            yield "a record is refused", to(worker._replace(at="stopped"))
        case "records again":
            own = (state.step, state.attempt) == ("COMPLETED", worker.attempt)
            yield from _own_success(world, own, worker, to, refused="stopped")
            yield "a beat is refused by the worker's own record", to(worker._replace(at="stopped"))
        case "stopped":
            yield from _stopped(world, state, worker, to)
        case "reports":
            yield "a worker reports success", to(worker._replace(at="deletes"), _succeed(state, worker.token))
        case "deletes":
            yield "a worker deletes its message", to(IDLE, _without(state, ModelMessage(worker.sending)))


To = Callable[..., ModelState]


def _work(world: ModelWorld, state: ModelState, worker: ModelWorker, to: To) -> Iterator[Step]:
    """Upload, beat, hand back or fail."""
    yield (
        "a worker uploads",
        to(worker._replace(at="uploaded"), state._replace(objects=state.objects | {worker.attempt})),
    )
    if not _current(world, state, worker):
        yield "a beat is refused", to(worker._replace(at="stopped"))
        return
    yield "a beat extends the lease", to(worker, state._replace(lease="live"))
    queued = state._replace(step="QUEUED", lease="none")
    yield "a worker hands back", to(IDLE, queued, faults=1)
    yield "an engine fails", to(worker._replace(at="failed"), queued, faults=1)


def _receive(world: ModelWorld, state: ModelState, message: ModelMessage, to: To) -> Iterator[Step]:
    """Claim the step of a message."""
    outdated = world.fixes.sending_number and message.sending != state.token
    report = ModelWorker("reports", 0, message.sending, state.token)
    if state.status != "LIVE":
        yield "a worker deletes the message of an ended job", to(IDLE, _without(state, message))
    elif state.step == "COMPLETED":
        after = report if world.fixes.repeated_report else report._replace(at="deletes")
        yield "a worker finds the step completed", to(after)
    elif _leased(world, state):
        if outdated:
            yield "a worker deletes an outdated message", to(IDLE, _without(state, message))
    else:
        attempt = state.attempts + 1
        claimed = state._replace(step="RUNNING", attempt=attempt, attempts=attempt, lease="live")
        working = ModelWorker("working", attempt, message.sending, state.token)
        yield "a worker claims", to(working, claimed)
        yield "a worker claims, the answer is lost", to(working._replace(at="claims again"), claimed, faults=1)
        if world.fast_clock and attempt == 1:
            yield "a worker with a fast clock claims", to(working, claimed._replace(lease="too long"))


def _claim_again(world: ModelWorld, state: ModelState, worker: ModelWorker, to: To) -> Iterator[Step]:
    """Send a claim again whose answer was lost."""
    own = (state.step, state.attempt) == ("RUNNING", worker.attempt)
    if state.status != "LIVE":
        yield "a worker deletes the message of an ended job", to(IDLE, _without(state, ModelMessage(worker.sending)))
    elif _leased(world, state) or state.step == "COMPLETED":
        yield from _own_success(world, own, worker._replace(token=state.token), to, refused="idle")
    else:
        claimed = state._replace(step="RUNNING", attempt=worker.attempt, attempts=state.attempts + 1, lease="live")
        yield "a worker claims again", to(worker._replace(at="working", token=state.token), claimed)


def _own_success(world: ModelWorld, own: bool, worker: ModelWorker, to: To, *, refused: str) -> Iterator[Step]:
    """Read the item after a refusal of a write that was sent again."""
    following = "working" if refused == "idle" else "reports"
    if own and world.fixes.own_success:
        yield "a worker recognizes its own write", to(worker._replace(at=following))
        return
    after = to(IDLE if refused == "idle" else worker._replace(at=refused))
    yield "a repeated write is refused", after._replace(wrong="a worker takes its own success for a refusal" * own)


def _stopped(world: ModelWorld, state: ModelState, worker: ModelWorker, to: To) -> Iterator[Step]:
    """Delete the uploads of a stopped attempt."""
    recorded = (state.step, state.attempt) == ("COMPLETED", worker.attempt)
    if recorded and world.fixes.keep_recorded:
        yield "a stopped worker finds its result recorded", to(worker._replace(at="reports"))
        return
    wrong = "a recorded result is deleted" if recorded and state.status == "LIVE" else ""
    deleted = state._replace(objects=state.objects - {worker.attempt}, wrong=wrong)
    after = IDLE if state.status == "LIVE" else worker._replace(at="deletes")
    yield "a stopped worker deletes its uploads", to(after, deleted)


def _current(world: ModelWorld, state: ModelState, worker: ModelWorker) -> bool:
    """Return the condition of beats and results."""
    own = state.attempt == worker.attempt or not world.fixes.fencing
    return state.status == "LIVE" and state.step == "RUNNING" and own


# --- time, S3 and the creator


def _environment(world: ModelWorld, state: ModelState) -> Iterator[Step]:
    if state.lease == "live":
        alive = any(worker.at in AT_WORK and worker.attempt == state.attempt for worker in state.workers)
        name = "a live worker pauses, its lease ends" if alive else "the lease of a dead worker ends"
        yield name, state._replace(lease="none", faults=state.faults + alive)
    if state.step == "COMPLETED" and state.attempt in state.objects and state.machine == "waits":
        lost = state.objects - {state.attempt}
        yield "S3 loses the film", state._replace(objects=lost, faults=state.faults + 1)
    if world.cancel and state.status == "LIVE":
        yield "the creator cancels", state._replace(status="CANCELLED", hold="RELEASED")


# --- the check

WRONGS = (
    "a worker takes its own success for a refusal",
    "a result of an old attempt counts",
    "a recorded result is deleted",
    "a step fails because of another sending",
    "a step fails while its worker has a lease",
    "a job ends twice",
)
INVARIANTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "a creator pays for a film that does not exist": lambda s: (
        s["status"] != "COMPLETED" or s["attempt"] in s["objects"]
    ),
    "job and hold disagree": lambda s: {
        "LIVE": "HELD", "COMPLETED": "CAPTURED", "FAILED": "RELEASED", "CANCELLED": "RELEASED",
    }[s["status"]] == s["hold"],
} | {wrong: partial(lambda wrong, s: s["wrong"] != wrong, wrong) for wrong in WRONGS}  # fmt: skip
STUCK = "a job never ends"


@dataclass(frozen=True)
class ModelVerdict:
    """The result of one search."""

    states: int
    violations: dict[str, list[str]]  # the acts of the shortest way to each violation

    def __str__(self) -> str:
        if not self.violations:
            return f"holds in all {self.states:,} states"
        name, acts = min(self.violations.items(), key=lambda found: len(found[1]))
        return "\n    ".join([f"{name}, after {len(acts)} acts:", *acts])


def check(world: ModelWorld) -> ModelVerdict:
    """Visit each state of the world. Raise RuntimeError if there are more than `MOST_STATES`."""
    protocol = Protocol(
        name="step", candidate=False, fields=ModelState._fields, initial=ModelState(),
        transitions=cache(partial(steps, world)), invariants=INVARIANTS,
        goal=lambda state: bool(state["status"] != "LIVE"),
    )  # fmt: skip
    safety = check_safety(protocol, MOST_STATES)
    if not safety["exhaustive"]:
        raise RuntimeError(safety["incomplete_reason"])
    found = {name: result["counterexample"] for name, result in safety["properties"].items() if not result["holds"]}
    if not world.cancel:  # a creator that may cancel can end each job
        ends = check_liveness(protocol)
        if ends["holds"] is None:
            raise RuntimeError(ends["incomplete_reason"])
        if not ends["holds"]:
            found[STUCK] = ends["counterexample"]
    acts = {name: [step["label"] for step in trace[1:]] for name, trace in found.items()}
    return ModelVerdict(safety["reachable_states"], acts)


def without(*fixes: str, world: ModelWorld) -> ModelWorld:
    """Return the world without these fixes."""
    return replace(world, fixes=replace(world.fixes, **dict.fromkeys(fixes, False)))


SMALL, WITH_CANCEL, WITH_FAST_CLOCK = ModelWorld(), ModelWorld(cancel=True), ModelWorld(fast_clock=True)
LARGE = (ModelWorld(faults=2), ModelWorld(faults=2, cancel=True), ModelWorld(cancel=True, fast_clock=True))
# The world in which each missing fix shows.
WORLDS = dict.fromkeys(ProtocolFixes.__dataclass_fields__, SMALL) | {
    "lease_bound": WITH_FAST_CLOCK,
    "one_end": WITH_CANCEL,
}


def main() -> int:
    """Print a verdict for each large world, and one without each fix. Return 1 if one of them is not as expected."""
    failed = False
    for world in LARGE:
        verdict = check(world)
        failed |= bool(verdict.violations)
        print(f"all fixes, faults={world.faults} cancel={world.cancel} fast_clock={world.fast_clock}: {verdict}")
    for name, world in WORLDS.items():
        verdict = check(without(name, world=world))
        failed |= not verdict.violations
        print(f"without {name}: {verdict}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
