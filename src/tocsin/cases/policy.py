"""A member's policy: what was found in a request, how probable misuse is and what leads say → allow, review or block.

A policy is a list of clauses. A clause holds where everything under its `when` does; the gravest clause that holds
gives the verdict. An alarm or a lead is a hint: what only they say never blocks, however a policy is written.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Annotated, Literal, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from tocsin.forms import ConfigError
from tocsin.standard import Bilingual

Verdict = Literal["allow", "review", "block"]
Role = Literal["user", "assistant", "system", "tool"]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Kind = Annotated[str, StringConstraints(pattern=r"^(M\d\d|L-[a-z0-9-]+)$")]
Level = Annotated[int, Field(ge=1, le=5)]
Share = Annotated[float, Field(ge=0, le=1)]

VERDICTS: tuple[Verdict, ...] = ("allow", "review", "block")  # in order of gravity
ALARM = "fingerprint"  # the detector that speaks for alarms of others
LOCAL = "L-"
NOTHING = Bilingual(en="Nothing that the policy names was found.", zh="未检出处置策略所列的情形。")
_MOST_BYTES = 1 << 20


class Said(Protocol):
    """A finding in one message."""

    @property
    def kind(self) -> str:
        """The kind of misuse."""
        ...

    @property
    def severity(self) -> int:
        """1 to 5."""
        ...

    @property
    def score(self) -> float:
        """How sure its detector is, 0 to 1."""
        ...

    @property
    def detector(self) -> str:
        """Who speaks."""
        ...

    @property
    def rule(self) -> str | None:
        """The rule of the standard that spoke, if one did."""
        ...

    @property
    def role(self) -> str:
        """Whose message it is in."""
        ...


@dataclass(frozen=True, slots=True)
class Chance:
    """Hold the probabilities of one message: `score` of any shared kind, and of each kind, local ones too.

    Where the text of an alarm made it more probable, `unheard` is what it is without any alarm.
    """

    role: str
    score: float
    kinds: Mapping[str, float]
    unheard: "Chance | None" = None

    @property
    def own(self) -> "Chance":
        """What the member's own rules and classifier say."""
        return self.unheard or self


@dataclass(frozen=True, slots=True)
class Lead:
    """Hold what a heard alarm, or an imported indicator, says of who asks: a kind of misuse."""

    kind: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold all that a policy looks at."""

    findings: Sequence[Said]
    chances: Sequence[Chance]
    leads: Sequence[Lead] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """Hold a verdict, the clauses behind it, their kinds gravest first, and why, in both languages."""

    verdict: Verdict
    clauses: tuple[str, ...]
    kinds: tuple[str, ...]
    reasons: Bilingual


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FindingIs(_Form):
    """Ask for a finding of the standard's rules or of the classifier; findings of alarms are asked for by `alarm`."""

    kinds: tuple[Kind, ...] = Field((), description="any of these kinds; none named: any kind")
    rules: tuple[Word, ...] = Field((), description="any of these rules; none named: any voice")
    not_rules: tuple[Word, ...] = Field((), description="rules that do not count here")
    detectors: tuple[Literal["rules", "classifier"], ...] = Field((), description="who speaks; none named: either")
    severity: Level = Field(1, description="the least severity")
    score: Share = Field(0.0, description="the least score of the finding")
    roles: tuple[Role, ...] = Field((), description="in messages of these roles; none named: all")

    def fits(self, found: Said) -> bool:
        """Say whether a finding is one that is asked for."""
        named = (
            (self.kinds, found.kind),
            (self.rules, found.rule),
            (self.detectors, found.detector),
            (self.roles, found.role),
        )
        return (
            found.detector != ALARM
            and found.severity >= self.severity
            and found.score >= self.score
            and found.rule not in self.not_rules
            and all(not wanted or value in wanted for wanted, value in named)
        )


class ProbabilityIs(_Form):
    """Ask for a probability of misuse in one message."""

    at_least: Share = Field(description="the least probability, at even odds")
    kinds: tuple[Kind, ...] = Field(
        (), description="of these kinds together; none named: the score, of any shared kind"
    )
    roles: tuple[Role, ...] = Field(("user", "tool"), description="in messages of these roles")

    def fits(self, chance: Chance) -> bool:
        """Say whether a message is as probable as is asked for."""
        if chance.role not in self.roles:
            return False
        asked = sum(chance.kinds.get(kind, 0.0) for kind in self.kinds) if self.kinds else chance.score
        return asked >= self.at_least


class HintIs(_Form):
    """Ask for a hint from others: the text of an alarm in a message, or a lead about who asks."""

    kinds: tuple[Kind, ...] = Field((), description="any of these kinds; none named: any kind")
    score: Share = Field(0.0, description="of an alarm's text: the least score of the finding")


class When(_Form):
    """Name what must be there, all of it together."""

    finding: FindingIs | None = Field(None, description="a finding of the rules or the classifier")
    probability: ProbabilityIs | None = Field(None, description="a probability of misuse")
    alarm: HintIs | None = Field(None, description="a message holds the text of an alarm")
    lead: HintIs | None = Field(None, description="there is a lead about the account")

    @model_validator(mode="after")
    def _asks(self) -> "When":
        if not (self.finding or self.probability or self.alarm or self.lead):
            raise ValueError("a clause without a condition would always hold: name one under `when`")
        return self

    @property
    def rests_on_own(self) -> bool:
        """Say whether the member's own detectors must have spoken."""
        return bool(self.finding or self.probability)


class Clause(_Form):
    """Give a verdict where its conditions hold, and say why."""

    id: Word = Field(description="names the clause in answers and logs")
    verdict: Literal["review", "block"] = Field(description="review: let a person look; block: do not pass it on")
    when: When = Field(description="the conditions, all of which must hold")
    reason: Bilingual = Field(description="why, in English and Chinese: a sentence without its full stop")

    @model_validator(mode="after")
    def _hints_never_block(self) -> "Clause":
        if self.verdict == "block" and not self.when.rests_on_own:
            raise ValueError("an alarm or a lead alone never blocks: add `finding` or `probability`, or say review")
        return self

    def holds(self, evidence: Evidence) -> tuple[str, ...] | None:
        """Name the kinds for which the clause holds, none where it is about any; None where it does not hold.

        A clause that blocks reads probabilities as they are without alarms.
        """
        when, kinds = self.when, []
        if when.finding:
            kinds += [f.kind for f in evidence.findings if when.finding.fits(f)]
            if not kinds:
                return None
        if when.alarm:
            heard = [f.kind for f in evidence.findings if f.detector == ALARM and f.score >= when.alarm.score]
            if not (heard := _wanted(heard, when.alarm)):
                return None
            kinds += heard
        if when.lead:
            if not (led := _wanted([lead.kind for lead in evidence.leads], when.lead)):
                return None
            kinds += led
        if when.probability:
            chances = [c.own for c in evidence.chances] if self.verdict == "block" else evidence.chances
            likely = [c for c in chances if when.probability.fits(c)]
            if not likely:
                return None
            kinds += [] if kinds else [_likeliest(c, when.probability.kinds) for c in likely]
        return tuple(dict.fromkeys(k for k in kinds if k))


def _wanted(kinds: list[str], hint: HintIs) -> list[str]:
    return [k for k in kinds if not hint.kinds or k in hint.kinds]


def _likeliest(chance: Chance, among: Sequence[str]) -> str:
    """Name the likeliest of the kinds asked for, else of those that are shared."""
    shares = {k: p for k, p in chance.kinds.items() if (k in among if among else not k.startswith(LOCAL))}
    return max(shares, key=lambda k: shares[k], default="")


class Policy(_Form):
    """Hold a member's policy."""

    name: Word = Field(description="names the policy in answers")
    clauses: tuple[Clause, ...] = Field((), description="tried all; the gravest verdict of those that hold counts")
    flag_from: Literal["review", "block"] = Field(
        "review", description="from which verdict on /v1/moderations says flagged"
    )

    @model_validator(mode="after")
    def _ids_differ(self) -> "Policy":
        names = [clause.id for clause in self.clauses]
        if len(names) != len(set(names)):
            raise ValueError("two clauses have the same id")
        return self

    @cached_property
    def _gravest_first(self) -> tuple[Clause, ...]:
        return tuple(sorted(self.clauses, key=lambda c: -VERDICTS.index(c.verdict)))

    def decide(self, evidence: Evidence, names: Mapping[str, Bilingual]) -> Ruling:
        """Decide on a request; `names` gives the kinds' names."""
        behind: list[tuple[Clause, tuple[str, ...]]] = []
        for clause in self._gravest_first:
            if behind and clause.verdict != behind[0][0].verdict:
                break
            kinds = clause.holds(evidence)
            if kinds is not None:
                behind.append((clause, kinds))
        if not behind:
            return Ruling("allow", (), (), NOTHING)
        every = tuple(dict.fromkeys(k for _, kinds in behind for k in kinds))
        return Ruling(behind[0][0].verdict, tuple(c.id for c, _ in behind), every, _because(behind, names))


def _because(behind: Iterable[tuple[Clause, Sequence[str]]], names: Mapping[str, Bilingual]) -> Bilingual:
    """Say why in a sentence for each clause; no content, no identifier."""
    told = [
        _sentence(clause.reason, [names.get(k) or Bilingual(en=k, zh=k) for k in kinds]) for clause, kinds in behind
    ]
    return Bilingual(en=" ".join(t.en for t in told), zh="".join(t.zh for t in told))


def _sentence(reason: Bilingual, kinds: Sequence[Bilingual]) -> Bilingual:
    about = (f": {'; '.join(k.en for k in kinds)}", f"：{'；'.join(k.zh for k in kinds)}") if kinds else ("", "")
    return Bilingual(en=f"{reason.en}{about[0]}.", zh=f"{reason.zh}{about[1]}。")


def parse_policy(raw: bytes) -> Policy:
    """Parse a policy file: YAML in the form of `Policy`.

    Errors: ConfigError names the place and what is wrong with it.
    """
    if len(raw) > _MOST_BYTES:
        raise ConfigError(
            f"the policy has {len(raw)} bytes, at most {_MOST_BYTES} are read", hint="see docs/check-api.md"
        )
    try:
        return Policy.model_validate(yaml.safe_load(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ConfigError(f"policy: {where}: {first['msg']}", hint="see docs/check-api.md") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError("the policy is not YAML", hint="see docs/check-api.md") from error


def check_names(policy: Policy, kinds: Container[str], rules: Container[str]) -> None:
    """Refuse a policy that names a kind or a rule that nobody speaks of: its clause would never hold.

    Errors: ConfigError names the clause and the first such name.
    """
    for clause in policy.clauses:
        when = clause.when
        named = [
            kind for part in (when.finding, when.probability, when.alarm, when.lead) if part for kind in part.kinds
        ]
        unknown = [f"kind {kind!r}" for kind in named if kind not in kinds]
        if when.finding:
            of_rules = (*when.finding.rules, *when.finding.not_rules)
            unknown += [f"rule {rule!r}" for rule in of_rules if rule not in rules]
        if unknown:
            why = f"policy: clause {clause.id!r} names the {unknown[0]}, which the standard lacks"
            raise ConfigError(why, hint="`tocsin standard list` names them")


def starter_text() -> bytes:
    """Give the policy that ships, as the file that a member may copy and change."""
    return files("tocsin.cases").joinpath("policy_starter.yaml").read_bytes()


def starter_policy() -> Policy:
    """Read the policy that ships."""
    return parse_policy(starter_text())
