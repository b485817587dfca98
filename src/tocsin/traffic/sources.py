"""Find what the inputs name: files, folders, globs and standard input, each once and in order of name."""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.forms import TocsinError, TransportError

STDIN = "-"
_PLAIN = (".jsonl", ".ndjson", ".json", ".parquet")
SUFFIXES = tuple(plain + packed for plain in _PLAIN for packed in ("", ".gz", ".zst"))


@dataclass(frozen=True, slots=True)
class Source:
    """Name one place to read from: `name` is always printable, `path` is what the system knows it by.

    A source with a `problem` cannot be read.
    """

    name: str
    path: Path
    problem: TocsinError | None = None


def find_sources(inputs: Sequence[str]) -> list[Source]:
    """List what the inputs name, sorted by name, each file once however often and by whatever path it was named."""
    found: dict[str, Source] = {}
    everything = [source for text in inputs for source in _named(text)]
    for source in sorted(everything, key=lambda s: (s.name, s.problem is None)):
        found.setdefault(_identity(source), source)
    return list(found.values())


def _identity(source: Source) -> str:
    readable = source.problem is None and source.name != STDIN
    return os.path.realpath(source.path) if readable else f"\0{source.name}"


def _named(text: str) -> Iterator[Source]:
    path = Path(text)
    if text == STDIN:
        yield Source(STDIN, path)
    elif _is(path.is_dir):
        files = list(_inside(path))
        yield from files or [_problem(path, "holds no traffic file", f"known names end in {', '.join(_PLAIN)}")]
    elif _is(path.exists):
        yield _source(path)
    else:
        yield from _matching(text) if glob.has_magic(text) else [_problem(path, "does not exist", "check the path")]


def _matching(pattern: str) -> Iterator[Source]:
    paths = [Path(found) for found in glob.iglob(pattern, recursive=True)]  # noqa: PTH207  may be absolute
    files = [source for path in paths for source in (_inside(path) if path.is_dir() else [_source(path)])]
    yield from files or [_problem(Path(pattern), "matches no file", "check the pattern, and quote it")]


def _inside(folder: Path) -> Iterator[Source]:
    unread: list[OSError] = []
    for at, _, names in os.walk(folder, onerror=unread.append):
        yield from (_source(Path(at, name)) for name in names if name.lower().endswith(SUFFIXES))
    for error in unread:
        yield _problem(Path(error.filename), f"cannot be read: {error.strerror}", "check its permissions")


def _is(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except (OSError, ValueError):  # a name too long, or a folder on the way that cannot be entered
        return False


def _source(path: Path, problem: TocsinError | None = None) -> Source:
    return Source(path.as_posix().encode(errors="backslashreplace").decode(), path, problem)


def _problem(path: Path, what: str, hint: str) -> Source:
    name = _source(path).name
    return _source(path, TransportError(f"input {name!r} {what}", hint=hint))
