"""Check messages while a gateway waits: screened as `tocsin screen` would, then judged by the member's policy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, Self

from tocsin.cases import Chance, Evidence, Lead, Policy, Ruling, starter_policy
from tocsin.flow.fingerprinting import AlarmBank
from tocsin.flow.judging import Judging
from tocsin.forms import FormatError
from tocsin.forms.limits import TEXT_BYTES
from tocsin.screen import Finding, Judged, Screens, rule_detector
from tocsin.standard import Bilingual, Standard, compile_pack, load_standard
from tocsin.traffic import UnusableLineError, parts_unseen, read_turn

Clock = Callable[[], float]  # seconds, monotonic
MOST_MESSAGES = 2048
_MOST_UNSEEN = 64
UNFINISHED = Bilingual(
    en="The rules could not look at all of the request in the time that a check has.",
    zh="规则未能在送检时限内检查完整个请求。",
)
_OPERATOR = "system"
_TRIED = 2  # texts that every rule is tried on, wherever candidates come from


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one message: who speaks, the text, and the types of parts that nobody looked at."""

    role: str
    text: str
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what is asked about at once: messages of one conversation in order, and the leads about who asks."""

    messages: tuple[Message, ...]
    leads: tuple[Lead, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """Hold the answer to one request; `row` of a finding is the number of its message.

    `score` is the greatest of the messages that are no operator's prompt; `seconds` what each stage took for `together`
    messages, those of requests judged at the same time included.
    """

    ruling: Ruling
    score: float
    findings: tuple[Finding, ...]
    judged: tuple[Judged, ...]
    stage: str
    seconds: dict[str, float]
    together: int
    complete: bool = True  # false where the rules could not try all in time


@dataclass(frozen=True)
class CheckSettings:
    """Say by what messages are checked."""

    standard: Path | None = None
    cache: Path | None = None
    alarms: AlarmBank | None = None
    judging: Judging = Judging()  # noqa: RUF009  # frozen


@dataclass(frozen=True)
class Checker:
    """Check requests by detectors that are loaded once; safe to call from several threads."""

    standard: Standard
    screens: Screens
    policy: Policy
    clock: Clock

    @classmethod
    def load(cls, settings: CheckSettings, clock: Clock, policy: Policy | None = None) -> Self:
        """Load rules, classifier and alarms; without a policy the one that ships.

        Errors: ConfigError, TransportError, FormatError as for a run of `tocsin screen`.
        """
        standard = load_standard(settings.standard, cache=settings.cache)
        rules = rule_detector(standard, compile_pack(standard, settings.cache), keep_evidence=False)
        classifier = settings.judging.detector(standard.version, keep_evidence=False)
        alarms = settings.alarms.detector(standard.version, keep_evidence=False) if settings.alarms else None
        return cls(standard, Screens(rules, classifier, alarms), policy or starter_policy(), clock)

    def warm(self) -> None:
        """Try every rule once on its own examples, so that what rules prepare when first needed is ready."""
        forms = (rule.form.examples for rule in self.standard.rules)
        examples = [
            text for form in forms for side in (form.positive, form.negative) for g in side.values() for text in g
        ]
        self.check([Request((Message("user", text),)) for text in examples])
        for rule in self.standard.rules:
            for text in examples[:_TRIED]:
                rule.first(text)

    @property
    def version(self) -> str:
        """Name what decides scores: the standard in force and the classifier's model."""
        return f"{self.standard.version} {self.screens.classifier.stages.model.digest}"

    def check(self, requests: Sequence[Request], patience: float = inf) -> list[Checked]:
        """Check requests, all in one batch; the answer to each is the same as if it were alone, times apart.

        `patience` is how many seconds the rules may take for all. What they could not finish is never allowed.
        """
        messages = [m for request in requests for m in request.messages]
        calls = [number for number, request in enumerate(requests) for _ in request.messages]
        texts, roles = [m.text for m in messages], [m.role for m in messages]
        heard = self.screens.screen(texts, roles, self.clock, patience, calls)
        findings: list[list[Finding]] = [[] for _ in messages]
        for found in heard.findings:
            findings[found.row].append(found)
        checked, at = [], 0
        for request in requests:
            end = at + len(request.messages)
            own = tuple(_numbered(f, number) for number, of in enumerate(findings[at:end]) for f in of)
            one = self._checked(request, own, heard.judged[at:end], heard.seconds, len(messages))
            checked.append(_unfinished(one) if heard.unread.intersection(range(at, end)) else one)
            at = end
        return checked

    def _checked(
        self,
        request: Request,
        findings: tuple[Finding, ...],
        judged: Sequence[Judged],
        seconds: dict[str, float],
        together: int,
    ) -> Checked:
        chances = [_chance(m.role, j) for m, j in zip(request.messages, judged, strict=True)]
        ruling = self.policy.decide(Evidence(findings, chances, request.leads), self.standard.names)
        asked = [c.score for c in chances if c.role != _OPERATOR] or [c.score for c in chances]
        stage = max((j.stage for j in judged), key=_STAGES.index, default="first")
        return Checked(ruling, max(asked, default=0.0), findings, tuple(judged), stage, seconds, together)


def _unfinished(checked: Checked) -> Checked:
    ruling = checked.ruling if checked.ruling.verdict != "allow" else Ruling("review", (), (), UNFINISHED)
    return replace(checked, ruling=ruling, complete=False)


_STAGES = ("first", "second", "unanswered", "guard")


def _numbered(found: Finding, number: int) -> Finding:
    return found if found.row == number else replace(found, row=number)


def _chance(role: str, judged: Judged) -> Chance:
    unheard = _chance(role, judged.unheard) if judged.unheard else None
    return Chance(role, judged.score, judged.kinds, unheard)


def read_messages(messages: Sequence[Any]) -> tuple[Message, ...]:
    """Read the messages of a chat-completion call, tool calls and parts of content included.

    Errors: FormatError names the message by its number, and what is wrong with it.
    """
    if not 0 < len(messages) <= MOST_MESSAGES:
        raise FormatError(f"{len(messages)} messages, not 1 to {MOST_MESSAGES}", hint="send the turns in question")
    return tuple(_read(message, number) for number, message in enumerate(messages))


def _read(message: Any, number: int) -> Message:
    try:
        turn = read_turn(message)
    except UnusableLineError as error:
        raise FormatError(
            f"message {number}: {error}", hint="send {role, content} as to a chat-completion call"
        ) from error
    if len(turn.text) > TEXT_BYTES // 4 and len(turn.text.encode()) > TEXT_BYTES:
        size = len(turn.text.encode())
        raise FormatError(f"message {number} has {size} bytes of text, limit {TEXT_BYTES}", hint="send it in parts")
    unseen = parts_unseen(message) if isinstance(message.get("content"), list) else ()
    return Message(turn.role, turn.text, unseen[:_MOST_UNSEEN])
