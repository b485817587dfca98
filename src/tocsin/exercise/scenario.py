"""The scenario file: what is assumed, with ranges for what nobody knows."""

import math
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from tocsin.exercise.ranges import Range, within
from tocsin.forms import ConfigError, FormatError

MOST_PROVIDERS = 24
MOST_DAYS = 3660
MOST_BYTES = 1 << 20
MOST_LETTERS = 600
MOST_CAMPAIGNS = MOST_PEOPLE = 1_000_000  # a run
USUAL_NEED = 2  # providers that say the same
BUILT_IN = ("arms-length", "distrust", "poison", "open-weights")

Share = Annotated[Range, BeforeValidator(within(0, 1))]
Size = Annotated[Range, BeforeValidator(within(0.001, math.inf))]
Amount = Annotated[Range, BeforeValidator(within(0, math.inf))]
Frailty = Annotated[Range, BeforeValidator(within(0, 0.95))]
Error = Annotated[Range, BeforeValidator(within(0, 0.05))]
Likeness = Annotated[Range, BeforeValidator(within(1, 1000))]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Kind = Annotated[str, Field(pattern=r"^M(0[1-9]|1[0-4])$")]
NONE, ONE, UNBOUNDED = Range(0, 0), Range(1, 1), Range(math.inf, math.inf)


class Table(BaseModel):
    """Refuse what the form does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Said(Table):
    """Say one thing in both languages."""

    en: Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
    zh: Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]


class Delay(Table):
    """Describe a lognormal number of days: its median, and sigma, the spread of its logarithm."""

    median: Amount = NONE
    sigma: Annotated[Range, BeforeValidator(within(0, 3))] = NONE


FOREVER = Delay.model_construct(median=UNBOUNDED, sigma=NONE)


class Provider(Table):
    """Describe `count` alike providers of one side.

    Units: `recall` is the chance a day that a campaign of a kind is found where it runs; `false_positives` the chance a
    year that an innocent person's account is taken for one; `capacity` alarms reviewed a day; `heed` the chance that
    an alarm of a side is taken up at all; `delay` days from an alarm's issue until it is acted on or waits for review.
    """

    side: Name
    count: Annotated[int, Field(ge=1, le=MOST_PROVIDERS)] = 1
    size: Size = ONE
    recall: Mapping[Kind, Share]
    false_positives: Mapping[Kind, Error] = {}
    capacity: Amount = UNBOUNDED
    heed: Mapping[Name, Share]
    delay: Amount = NONE


class Campaigns(Table):
    """Describe the campaigns of one kind.

    Units: `rate` new campaigns a day, `lifetime` days until one ends by itself, `displacement` the chance that it goes
    on after a ban, `return_delay` days until it does, `skill_growth` the share of its remaining findability that each
    ban teaches it to avoid, `harm` units a day.
    """

    kind: Kind
    rate: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
    lifetime: Delay = FOREVER
    displacement: Share = ONE
    return_delay: Delay = Delay()
    skill_growth: Annotated[Range, BeforeValidator(within(0, 0.95))] = NONE
    harm: Amount = ONE


class Outside(Table):
    """Describe what no alarm reaches: open-weight models and unwatched providers.

    Units: chances that a campaign begins there (`start`), goes there after a ban though a provider is open (`pull`), or
    when none is (`last_resort`); `harm` is a day there against a day inside.
    """

    start: Share = NONE
    pull: Share = NONE
    last_resort: Share = NONE
    harm: Amount = NONE


class Innocents(Table):
    """Describe people who do nothing wrong, each with accounts at some providers."""

    people: Annotated[int, Field(ge=0, le=MOST_PEOPLE)] = 0
    accounts: Annotated[int, Field(ge=1, le=MOST_PROVIDERS)] = 3


class Detectors(Table):
    """Describe how alike the providers' detectors err.

    `shared_misses` is the variance of a campaign's findability around 1, the same for all providers: 0 when detectors
    miss independently. `shared_errors` says how many times likelier a provider is to err about an innocent person about
    whom another one erred: 1 when errors are independent.
    """

    shared_misses: Frailty = NONE
    shared_errors: Likeness = ONE


class Review(Table):
    """Describe the review of a heard alarm: how often a true one is confirmed, an innocent person cleared, and how long
    it takes once begun.
    """

    confirms: Share = ONE
    clears: Share = ONE
    days: Delay = Delay()


class Poison(Table):
    """Describe providers of one side that issue false alarms about innocent people.

    Units: `rate` people a day; all `members` of them accuse the same person.
    """

    side: Name
    members: Annotated[int, Field(ge=1, le=MOST_PROVIDERS)] = 1
    rate: Annotated[Range, BeforeValidator(within(0, 1000))]


class Policy(Table):
    """Say with whom alarms are shared and what a provider does with one that it hears.

    `automatic` acts at once, `corroborated` once `need` providers say the same, `review` after a person looked.
    With `alone = false` a provider's own finding, too, is only one of those needed.
    """

    share: Literal["none", "side", "all"]
    act: Literal["automatic", "corroborated", "review"] = "automatic"
    need: Annotated[int, Field(ge=2, le=MOST_PROVIDERS)] = USUAL_NEED
    alone: bool = True

    @property
    def name(self) -> str:
        """Name the policy by what it does, and by what is unusual about it."""
        if self.share == "none":
            return "none"
        need = f"-{self.need}" if self.act == "corroborated" and self.need != USUAL_NEED else ""
        return f"{self.share}-{self.act}{need}{'' if self.alone else '-together'}"


USUAL = (
    Policy(share="none"),
    *(Policy(share=share, act=act) for share in ("side", "all") for act in ("automatic", "corroborated", "review")),
)


class Scenario(Table):
    """Hold everything that an exercise assumes."""

    name: Name
    title: Said
    about: Said
    days: Annotated[int, Field(ge=30, le=MOST_DAYS)] = 365
    begin: Literal["spread", "together"] = "spread"
    providers: Annotated[tuple[Provider, ...], Field(min_length=1)]
    campaigns: Annotated[tuple[Campaigns, ...], Field(min_length=1)]
    outside: Outside = Outside()
    innocents: Innocents = Innocents()
    detectors: Detectors = Detectors()
    review: Review = Review()
    poison: Poison | None = None
    policies: Annotated[tuple[Policy, ...], Field(min_length=1)] = USUAL

    @cached_property
    def sides(self) -> tuple[str, ...]:
        """Name the sides in the order of their providers."""
        return tuple(dict.fromkeys(p.side for p in self.providers))

    @cached_property
    def members(self) -> tuple[Provider, ...]:
        """List every single provider."""
        return tuple(p for p in self.providers for _ in range(p.count))

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        for complaint in _complaints(self):
            raise PydanticCustomError("whole", "{complaint}", {"complaint": complaint})
        return self


def _complaints(scenario: Scenario) -> Iterator[str]:
    """Find what single fields cannot know."""
    kinds, sides = {c.kind for c in scenario.campaigns}, scenario.sides
    known = "allowed " + ", ".join(sides)
    if (count := len(scenario.members)) > MOST_PROVIDERS:
        yield f"providers: count is {count} together, allowed 1 to {MOST_PROVIDERS}"
    for i, provider in enumerate(scenario.providers):
        yield from (f"providers[{i}].heed.{s} is no side, {known}" for s in provider.heed if s not in sides)
        yield from (f"providers[{i}].heed lacks side {s!r}, {known}" for s in sides if s not in provider.heed)
        yield from (
            f"providers[{i}].recall lacks kind {k!r}, which a campaign has"
            for k in sorted(kinds - set(provider.recall))
        )
    yield from _error_complaints(scenario)
    if (number := sum(round(c.rate * scenario.days) for c in scenario.campaigns)) > MOST_CAMPAIGNS:
        yield f"campaigns: the rates make {number} campaigns a run, allowed 0 to {MOST_CAMPAIGNS}"
    if len(kinds) < len(scenario.campaigns):
        yield "campaigns: a kind is there twice, allowed once each"
    if scenario.innocents.accounts > count and (scenario.innocents.people or scenario.poison):
        yield f"innocents.accounts is {scenario.innocents.accounts}, allowed 1 to {count}, the number of providers"
    yield from _poison_complaints(scenario, known)
    names = [p.name for p in scenario.policies]
    yield from (f"policies: {n!r} is there twice, allowed once" for n in sorted(set(names)) if names.count(n) > 1)


def _error_complaints(scenario: Scenario) -> Iterator[str]:
    """A second error cannot be surer than certain."""
    alike = scenario.detectors.shared_errors.high
    for i, provider in enumerate(scenario.providers):
        chance = sum(f.high for f in provider.false_positives.values())
        if chance * alike > 1:
            yield (
                f"detectors.shared_errors is up to {alike:g}, allowed up to {1 / chance:g} "
                f"where providers[{i}].false_positives add up to {chance:g}"
            )


def _poison_complaints(scenario: Scenario, known: str) -> Iterator[str]:
    if (poison := scenario.poison) is None:
        return
    able = sum(p.side == poison.side for p in scenario.members)
    if not able:
        yield f"poison.side is {poison.side!r}, {known}"
    elif poison.members > able:
        yield f"poison.members is {poison.members}, allowed 1 to {able}, the providers of side {poison.side!r}"


def built_in(name: str) -> bytes:
    """Read a scenario that ships with Tocsin."""
    return files("tocsin.exercise").joinpath("scenarios", f"{name}.toml").read_bytes()


def read_scenario(raw: bytes) -> Scenario:
    """Read a scenario file.

    Errors: FormatError where it is not TOML, ConfigError with the field, the value and what is allowed.
    """
    if len(raw) > MOST_BYTES:
        raise FormatError(f"the scenario is {len(raw)} bytes, limit {MOST_BYTES}", hint="a scenario is a page of TOML")
    try:
        return parse_scenario(tomllib.loads(raw.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"the scenario is not TOML: {error}", hint="see docs/exercise.md") from error


def parse_scenario(table: Mapping[str, Any]) -> Scenario:
    """Check a scenario that was read already.

    Errors: ConfigError with the field, the value and what is allowed.
    """
    try:
        return Scenario.model_validate(table)
    except ValidationError as error:
        told = [_told(e) for e in error.errors(include_url=False)]
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        raise ConfigError(f"scenario: {told[0]}{more}", hint="every field and its range: docs/exercise.md") from error


def scenario_digest(raw: bytes) -> str:
    """Name a scenario by its bytes."""
    return blake2b(raw, digest_size=16).hexdigest()


def _told(error: ErrorDetails) -> str:
    """Say which field, which value, what is allowed."""
    where = _place(error["loc"])
    if error["type"] == "whole":
        return str(error["ctx"]["complaint"])
    if error["type"] == "range":
        return f"{where} {error['msg']}"
    if error["type"] == "extra_forbidden":
        return f"{where} is no field here, allowed {', '.join(_fields(error['loc']))}"
    if error["type"] == "missing":
        return f"{where} is missing"
    return f"{where} is {error['input']!r:.80}, allowed: {_allowed(error)}"


def _place(loc: tuple[int | str, ...]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if part != "[key]"]
    return "".join(parts).removeprefix(".") or "file"


def _allowed(error: ErrorDetails) -> str:
    message = error["msg"]
    return message.removeprefix("Input should be ").removeprefix("String should ")


def _fields(loc: tuple[int | str, ...]) -> list[str]:
    """List the fields of the table that a place lies in."""
    form: Any = Scenario
    for part in loc[:-1]:
        if isinstance(part, str) and isinstance(form, type) and issubclass(form, Table):
            form = _table_in(form.model_fields[part].annotation)
    return list(form.model_fields) if isinstance(form, type) and issubclass(form, Table) else []


def _table_in(annotation: Any) -> Any:
    """Find the table inside `tuple[Table, ...]`, `Table | None` or `Table`."""
    inner = [a for a in getattr(annotation, "__args__", ()) if isinstance(a, type) and issubclass(a, Table)]
    return inner[0] if inner else annotation
