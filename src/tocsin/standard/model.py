"""The standard as data: kinds, rules and their match trees, as the YAML files hold them."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Level = Annotated[int, Field(ge=1, le=5)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Role = Literal["user", "assistant", "system", "tool"]
RULE_ID = re.compile(r"(M\d\d|L-[a-z]+(?:-[a-z0-9]+)*)\.[a-z0-9]+(?:-[a-z0-9]+)*")


class Form(BaseModel):
    """Refuse what the form does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Bilingual(Form):
    """Say one thing in both languages."""

    en: Words
    zh: Words


class Named(Form):
    """Name one value of a closed list."""

    id: str
    name: Bilingual
    note: Bilingual | None = None


class Reference(Form):
    """Point at a clause of a source standard."""

    source: Words
    clause: Words


class Kind(Form):
    """Define one kind of misuse, clause by clause in both languages."""

    id: Annotated[str, StringConstraints(pattern=r"^M\d\d$")]
    slug: Words
    name: Bilingual
    channel: Literal["core", "behaviour", "referral", "one-side"]
    opt_in: bool
    severity: Level
    definition: Bilingual
    included: tuple[Bilingual, ...]
    excluded: tuple[Bilingual, ...]
    near_misses: tuple[Bilingual, ...]
    sub_codes: tuple[Named, ...] = ()
    references: tuple[Reference, ...]
    member_may: tuple[Bilingual, ...]


class Head(Form):
    """Date the standard, say what changed, and close its lists of facets and local kinds."""

    version: Words
    date: date
    changes: tuple[Bilingual, ...]
    facets: dict[str, tuple[Named, ...]]
    local_kinds: tuple[Named, ...]


class Regex(Form):
    """Match a regular expression over folded text."""

    regex: Words


class ListRef(Form):
    """Stand for any item of a list named in the same file."""

    list_: str = Field(alias="list")


class AnyOf(Form):
    """Match where at least one item matches."""

    any_: tuple["Node", ...] = Field(alias="any", min_length=1)


class AllOf(Form):
    """Match where every item matches, anywhere in the text."""

    all_: tuple["Node", ...] = Field(alias="all", min_length=2)


class NearForm(Form):
    """Name the items, the stretch of folded characters that must hold one span of each, and if sentences bound it."""

    within: Annotated[int, Field(ge=1, le=1000)]
    one_sentence: bool = False
    of: tuple["Node", ...] = Field(min_length=2)


class Near(Form):
    """Match where one span of every item lies within a stretch of text, in any order."""

    near: NearForm


Node = Words | Regex | ListRef | AnyOf | AllOf | Near
for _form in (AnyOf, AllOf, NearForm, Near):
    _form.model_rebuild()


class Examples(Form):
    """Prove a rule: texts that must make it speak and look-alikes that must not, at least two of each in each
    language.
    """

    positive: dict[Literal["en", "zh"], tuple[Words, ...]]
    negative: dict[Literal["en", "zh"], tuple[Words, ...]]

    @field_validator("positive", "negative")
    @classmethod
    def _two_in_each(cls, texts: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for lang in ("en", "zh"):
            if len(texts.get(lang, ())) < 2:
                raise ValueError(f"{len(texts.get(lang, ()))} examples in {lang}, need 2")
        return texts


class RuleForm(Form):
    """Write one rule of the standard."""

    id: str
    severity: Level
    confidence: Level = 3
    roles: tuple[Role, ...] = ("user", "tool")
    title: Bilingual
    explanation: Bilingual
    match: Node
    unless: Node | None = None
    examples: Examples

    @field_validator("id")
    @classmethod
    def _well_named(cls, rule_id: str) -> str:
        if not RULE_ID.fullmatch(rule_id):
            raise ValueError("a rule id is KIND.slug, like M12.ignore-instructions")
        return rule_id

    @property
    def kind(self) -> str:
        """Name the kind that the rule's id begins with."""
        return self.id.partition(".")[0]


class RuleFile(Form):
    """Hold the rules of one file and the lists of items that they share; a list names no other list."""

    lists: dict[str, tuple[Node, ...]] = {}
    rules: tuple[RuleForm, ...]

    @field_validator("lists", mode="before")
    @classmethod
    def _no_null(cls, lists: Any) -> Any:
        return lists or {}
