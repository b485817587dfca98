"""Allow-lists: findings of a rule, an account or a template that somebody vouches for, with a reason and an expiry."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from tocsin.forms import ConfigError

Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Allowance(BaseModel):
    """Silence findings that fit every field given, until a day: in the cases, never in the findings themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str | None = None
    account: str | None = None
    template: str | None = None
    reason: Filled
    until: date

    @model_validator(mode="after")
    def _names_something(self) -> "Allowance":
        if not (self.rule or self.account or self.template):
            raise ValueError("name a rule, an account or a template")
        return self

    def fits(self, finding: dict[str, Any], today: date) -> bool:
        """Say whether a finding is silenced today; the last day counts."""
        template = (finding["evidence"] or "").partition(":")[0] if finding["rule"] is None else None
        wanted = ((self.rule, finding["rule"]), (self.account, finding["account"]), (self.template, template))
        return today <= self.until and all(own is None or own == its for own, its in wanted)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    allow: tuple[Allowance, ...]


def parse_allowances(raw: bytes) -> tuple[Allowance, ...]:
    """Parse an allow-list: YAML, `allow:` and a list of {rule | account | template, reason, until}.

    Errors: ConfigError names the entry and the field.
    """
    try:
        return _File.model_validate(yaml.safe_load(raw)).allow
    except yaml.YAMLError as error:
        raise ConfigError("the allow-list is not YAML", hint="see docs/cases.md") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"allow-list: {where}: {first['msg']}", hint="see docs/cases.md") from error


def allowed(finding: dict[str, Any], allowances: Sequence[Allowance], today: date) -> bool:
    """Say whether any allowance silences a finding."""
    return any(a.fits(finding, today) for a in allowances)
