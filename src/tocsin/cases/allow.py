"""Allow-lists: findings of a rule, an account or a template that somebody vouches for, with a reason and an expiry."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from tocsin.forms import ConfigError

ABOUT_TEMPLATES = ("template", "coverage")
Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Allowance(BaseModel):
    """Silence findings that fit every field given, until a day: in the cases, never in the findings themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Filled | None = None
    account: Filled | None = None
    template: Filled | None = None
    reason: Filled
    until: date

    @model_validator(mode="after")
    def _names_something(self) -> "Allowance":
        if not (self.rule or self.account or self.template):
            raise ValueError("name a rule, an account or a template")
        return self

    def fits(self, finding: Mapping[str, Any], today: date) -> bool:
        """Say whether a finding is silenced today; the last day counts."""
        its = (finding["rule"], finding["account"], _template(finding))
        wanted = zip((self.rule, self.account, self.template), its, strict=True)
        return today <= self.until and all(own is None or own == given for own, given in wanted)

    def frees_template(self, today: date) -> bool:
        """Say whether a template as such, whoever uses it, is fine today."""
        return self.template is not None and self.rule is None and self.account is None and today <= self.until


def _template(finding: Mapping[str, Any]) -> str | None:
    """Name the template that a finding about behaviour speaks of: its figures begin with it."""
    if finding["detector"] not in ABOUT_TEMPLATES:
        return None
    return str(finding["evidence"]).partition(":")[0]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    allow: tuple[Allowance, ...]


def parse_allowances(raw: bytes) -> tuple[Allowance, ...]:
    """Parse an allow-list: YAML, `allow:` and a list of {rule | account | template, reason, until}.

    Errors: ConfigError names the entry and the field.
    """
    try:
        return _File.model_validate(yaml.safe_load(raw)).allow
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ConfigError(f"allow-list: {where}: {first['msg']}", hint="see docs/cases.md") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a day that no calendar has
        raise ConfigError("the allow-list is not YAML", hint="see docs/cases.md") from error


def allowed(finding: Mapping[str, Any], allowances: Sequence[Allowance], today: date) -> bool:
    """Say whether any allowance silences a finding."""
    return any(a.fits(finding, today) for a in allowances)
