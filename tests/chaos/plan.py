"""The plan of a storm: its faults, how often each one fires, the random choice of moments, and the jobs concerned."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from random import Random

SERVICES = ("DynamoDB", "S3", "SQS", "Step Functions", "Lambda", "STS")
POINTS = ("claimed", "engine runs", "uploaded", "recorded", "reported")
SIGNALS = ("SIGKILL", "SIGSTOP", "SIGTERM")
CALLS = ("request lost", "answer lost", "500 after the write", "503 before the write", "throttled", "answer late")
OUTAGES = tuple(f"{service}: outage" for service in SERVICES)
PAUSED = "all services: paused"
RESTARTED = "gateway: killed and restarted"
LISTED_PLACES = 3

CHANCE = 0.2  # of a fault at a moment at which one is due
RARELY_POSSIBLE = 0.6  # the same, for faults with few moments
_RARE = 0.3  # weight of a fault that costs seconds of a process
_WEIGHTS: dict[str, float] = {
    **{f"{service}: {fault}": 1.0 for service in SERVICES for fault in CALLS},
    "Streams: request lost": 0.5,
    "Streams: answer lost": 0.5,
    "DynamoDB: conflict": 1,
    "S3: 404 for a stored object": 0.3,
    "S3: partial body": 1,
    "message: duplicate": 1,
    "message: late": 1,
    "message: overtaken": 1,
    "message: delivered again after its deletion": 1,
    "stream: duplicate records": 1,
    "stream: poisonous record": 0.5,
    **{f"worker: {signal}, {point}": _RARE for signal in SIGNALS for point in POINTS},
    "worker: engine raises": 0.5,
    "worker: clock one hour fast": _RARE,
    "worker: clock one hour slow": _RARE,
    "worker: clock jumps": _RARE,
    "user: answer lost": 1,
    "user: socket dropped": 1,
    "user: cancels": 1,
    "user: deletes": 0.5,
    "provider: busy": 0.3,
    "provider: submission not confirmed": 0.3,
    "provider: poll fails": 0.3,
    "provider: clip not served": 0.3,
    RESTARTED: 0.25,
}


class StormPlan:
    """The faults of one run: all, or those whose name contains `only`.

    `progress` (0..1) is the mean of the shares of submitted and of ended jobs.
    """

    def __init__(self, seed: int, faults: int, only: str = "") -> None:
        self.random = Random(seed)
        self.progress = 0.0
        self.calm = False
        outages = -(-faults // 2000) if faults >= 1000 else 0  # of each service; each lasts half a minute or more
        weights = {fault: weight for fault, weight in _WEIGHTS.items() if only in fault}
        total = sum(weights.values())
        self.targets = dict.fromkeys(_WEIGHTS, 0)
        self.targets |= {fault: max(1, round(faults * weight / total)) for fault, weight in weights.items()}
        self.targets |= {fault: outages * (only in fault) for fault in (*OUTAGES, PAUSED)}
        self._phases = {fault: self.random.random() for fault in self.targets}  # so that rare faults are spread
        mixed = self.random.sample(OUTAGES, len(OUTAGES))
        self.lanes = mixed[::2], mixed[1::2]
        self._phases |= {second: self._phases[first] for first, second in zip(*self.lanes, strict=True)}  # due together
        self.fired: Counter[str] = Counter()
        self.places: defaultdict[str, Counter[str]] = defaultdict(Counter)  # for each fault: where it fired
        self._jobs: defaultdict[str, set[str]] = defaultdict(set)  # for each fault: the jobs that it hit

    def due(self, fault: str) -> bool:
        """Return whether the fault has fired less often than the pace of the run requires."""
        expected = self.targets[fault] * min(1.0, 1.3 * self.progress)
        return not self.calm and self.fired[fault] + self._phases[fault] < expected

    def choose(self, faults: Sequence[str], place: str, chance: float = CHANCE, job_id: str = "") -> str | None:
        """Return the fault for this moment, or None for most moments. `place` names the moment in the report."""
        due = [fault for fault in faults if self.due(fault)]
        if not due or self.random.random() > chance:
            return None
        chosen = self.random.choice(due)
        self.note(chosen, place, job_id)
        return chosen

    def note(self, fault: str, place: str, job_id: str = "") -> None:
        """Count a fault."""
        self.fired[fault] += 1
        self.places[fault][place] += 1
        self._jobs[fault] |= {job_id} - {""}

    def missed(self) -> list[str]:
        """Return the faults that fired less often than planned, with both numbers."""
        rare = {fault: most for fault, most in self.targets.items() if self.fired[fault] < most}
        return [f"{fault} {self.fired[fault]}/{most}" for fault, most in rare.items()]

    def rows(self, ends: Mapping[str, str]) -> list[tuple[str, int, int, str, str]]:
        """Return each planned fault, its planned and its real number, its most frequent places, and its jobs' ends.

        `ends` are the ends of all jobs by id.
        """
        rows = []
        for fault, planned in ((fault, most) for fault, most in self.targets.items() if most):
            places = _listed(self.places[fault], LISTED_PLACES)
            ended = _listed(Counter(ends[job_id] for job_id in self._jobs[fault] if job_id in ends))
            rows.append((fault, planned, self.fired[fault], places, ended))
        return rows


def _listed(numbers: Counter[str], most: int | None = None) -> str:
    return ", ".join(f"{name} {number}".strip() for name, number in numbers.most_common(most))
