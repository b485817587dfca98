"""Read a standard from its folder, prove every rule by its own examples, and refuse what does not hold."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from tocsin.forms import ConfigError, TransportError
from tocsin.standard.cache import engine_mark, keep
from tocsin.standard.match import Tree, alternatives, build_tree, demands
from tocsin.standard.model import Bilingual, Form, Head, Kind, Node, RuleFile, RuleForm
from tocsin.standard.reading import Line
from tocsin.text import fold_batch

NO_RULES = "M07"
_YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
F = TypeVar("F", bound=Form)


@dataclass(frozen=True)
class Rule:
    """Hold one rule and the lists that its file names; its match trees are compiled when they are first asked for."""

    form: RuleForm
    lists: Mapping[str, Sequence[Node]] = field(default_factory=dict, repr=False)

    @cached_property
    def alternatives(self) -> tuple[Tree, ...]:
        """The trees: the rule matches where one of them does."""
        return alternatives(build_tree(self.form.match, self.lists, check=False))

    @cached_property
    def unless(self) -> Tree | None:
        """The exception: where it matches, the rule does not."""
        return None if self.form.unless is None else build_tree(self.form.unless, self.lists, check=False)

    @property
    def id(self) -> str:
        """The rule's id, KIND.slug."""
        return self.form.id

    @property
    def kind(self) -> str:
        """The kind that the rule speaks of."""
        return self.form.kind

    def first(self, line: str, loose: bool = False, among: Sequence[int] | None = None) -> tuple[int, int] | None:
        """Find where the rule first matches a folded line; None where it does not or its exception holds.

        `among` names the only alternatives that can match, where that is known.
        """
        return self.first_in(Line(line.encode(), loose), among)

    def first_in(self, line: Line, among: Sequence[int] | None = None) -> tuple[int, int] | None:
        """Find what `first` finds; what was found in a line before need not be looked for again."""
        able = self.alternatives if among is None else [self.alternatives[i] for i in among]
        span = min((s for tree in able if (s := tree.first(line))), default=None)
        excepted = span is not None and self.unless is not None and self.unless.first(line) is not None
        return None if excepted else span


@dataclass(frozen=True)
class Standard:
    """Hold the kinds and rules in force; the version names its date and its content."""

    head: Head
    kinds: tuple[Kind, ...]
    rules: tuple[Rule, ...]
    digest: str

    @property
    def version(self) -> str:
        """The dated, content-addressed version."""
        return f"{self.head.version}+{self.digest[:12]}"

    @cached_property
    def names(self) -> Mapping[str, Bilingual]:
        """Name every kind, local ones included."""
        return {k.id: k.name for k in self.kinds} | {k.id: k.name for k in self.head.local_kinds}

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """Find a rule by its id."""
        return {rule.id: rule for rule in self.rules}


def shipped_folder() -> Path:
    """Name the folder of the standard that ships with Tocsin."""
    return Path(str(files("tocsin.standard")))


def load_standard(folder: Path | None = None, *, prove: bool = True, cache: Path | None = None) -> Standard:
    """Load the standard of a folder: standard.yaml, kinds/*.yaml, rules/*.yaml; the shipped ones stand in for what
    it lacks.

    Patterns and examples are proved, once for the same bytes where a cache folder keeps note of it; `prove=False` is
    for a standard that was proved before.

    Errors: ConfigError for a file that is not in the form, a rule whose examples fail, a kind or list that does not
    exist; TransportError where the folder cannot be read.
    """
    if folder is not None and not folder.is_dir():
        raise TransportError(f"no standard folder at {folder.name!r}", hint="name a folder with rules/*.yaml")
    paths = [path for pattern in ("standard.yaml", "kinds/*.yaml", "rules/*.yaml") for path in _part(folder, pattern)]
    raw = {path: _read(path) for path in paths}
    digest = blake2b(b"".join(len(r).to_bytes(8, "big") + r for r in raw.values()), digest_size=16).hexdigest()
    seal = cache / f"{digest}-{engine_mark()}.proved" if cache else None
    known = _kept(seal) if seal else None
    parsed = known if known and len(known) == len(raw) else [_parsed(path, r) for path, r in raw.items()]
    unproved = prove and parsed is not known
    standard = _standard(dict(zip(paths, parsed, strict=True)), digest, check=unproved)
    if unproved:
        _prove(standard)
        if seal:
            keep(seal, json.dumps(parsed, default=str).encode())
    return standard


def _kept(seal: Path) -> list[Any] | None:
    """Read what a standard that was proved before says: YAML takes its time."""
    try:
        known = json.loads(seal.read_bytes())
    except (OSError, ValueError):
        return None
    return known if isinstance(known, list) else None


def _standard(parsed: Mapping[Path, Any], digest: str, *, check: bool) -> Standard:
    head, *_ = [_form(path, p, Head) for path, p in parsed.items() if path.name == "standard.yaml"]
    kinds = tuple(_form(path, p, Kind) for path, p in parsed.items() if path.parent.name == "kinds")
    files_ = [(path, _form(path, p, RuleFile)) for path, p in parsed.items() if path.parent.name == "rules"]
    standard = Standard(head, kinds, tuple(rule for path, file in files_ for rule in _rules(path, file, check)), digest)
    _check_ids(standard)
    return standard


def _prove(standard: Standard) -> None:
    failures = [failure for rule in standard.rules for failure in prove_rule(rule)]
    if failures:
        hint = f"{len(failures)} examples fail; mend the rule or the example"
        raise ConfigError("; ".join(failures[:5]), hint=hint)


def prove_rule(rule: Rule) -> Iterator[str]:
    """Try a rule on its own examples, disguises undone as in a run; yield one line for each that fails."""
    examples = rule.form.examples
    for wanted, texts in ((True, examples.positive), (False, examples.negative)):
        for lang, group in texts.items():
            for number, text in enumerate(group, start=1):
                if speaks(rule, text) is not wanted:
                    sort = "positive" if wanted else "negative"
                    yield f"rule {rule.id}: {sort} example {lang} {number} {'stays silent' if wanted else 'speaks'}"


def speaks(rule: Rule, text: str) -> bool:
    """Say whether a rule matches a text or a line derived from it: the slow reference of the scan."""
    import pyarrow as pa  # kept out of `tocsin --help`

    folded = fold_batch(pa.array([text], pa.string()))
    loose = (False, *(d.spaced for d in folded.derived))
    return any(rule.first(folded.line(i), loose[i]) for i in range(len(folded)))


def _part(folder: Path | None, pattern: str) -> Sequence[Path]:
    own = sorted(folder.glob(pattern)) if folder else []
    return own or sorted(shipped_folder().glob(pattern))


def _rules(path: Path, file: RuleFile, check: bool) -> Iterator[Rule]:
    for form in file.rules:
        rule = Rule(form, file.lists)
        try:
            if check:
                _check(rule)
        except ConfigError as error:
            raise ConfigError(f"{path.name}: rule {form.id}: {error}", hint=error.hint) from error
        yield rule


def _check(rule: Rule) -> None:
    """Refuse patterns outside the rule form, unknown lists, and alternatives that no literal gives away."""
    for node in (rule.form.match, rule.form.unless):
        if node is not None:
            build_tree(node, rule.lists)
    if not all(demand.sets for tree in rule.alternatives for demand in demands(tree)):
        hint = "give every alternative a literal of two letters or one Chinese character, or put it near one"
        raise ConfigError("an alternative has no literal to scan for", hint=hint)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TransportError(f"{path.name} cannot be read: {error.strerror}", hint="check its rights") from error


def _parsed(path: Path, raw: bytes) -> Any:
    try:
        return _parse_yaml(raw)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path.name} is not YAML{where}", hint="quote strings that hold ': ' or '#'") from error


def _form(path: Path, parsed: Any, form: type[F]) -> F:
    try:
        return form.model_validate(parsed)
    except ValidationError as error:
        first = min(error.errors(include_url=False, include_input=False), key=lambda e: len(e["loc"]))
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path.name}: {where}: {first['msg']}", hint="see docs/rules.md") from error


def _parse_yaml(raw: bytes) -> Any:
    # Aliases that name aliases grow without bound; nothing in the form needs them.
    if b"*" in raw and any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(raw, Loader=_YamlLoader)):
        raise yaml.YAMLError
    return yaml.load(raw, Loader=_YamlLoader)


def _check_ids(standard: Standard) -> None:
    seen: set[str] = set()
    for rule in standard.rules:
        if rule.id in seen:
            raise ConfigError(f"rule {rule.id} is there twice", hint="ids are unique over all files")
        if rule.kind == NO_RULES:
            raise ConfigError(f"rule {rule.id}: {NO_RULES} has no rules", hint="it is a referral flag only")
        if rule.kind not in standard.names and not rule.kind.startswith("L-x-"):
            raise ConfigError(
                f"rule {rule.id}: no kind {rule.kind}", hint="the list of kinds is closed; local ones are L-x-…"
            )
        seen.add(rule.id)
