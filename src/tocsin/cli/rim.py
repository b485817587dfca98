"""What commands share of the outside world: the cache folder, progress on stderr, plain tables on stdout."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from tocsin.forms.errors import ConfigError, TransportError

LANGS = ("en", "zh")
LEAST_KEY_BYTES = 16


def cache_folder() -> Path:
    """Name the folder for compiled rule packs: XDG_CACHE_HOME, else ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tocsin"


def read_bytes(path: Path, what: str) -> bytes:
    """Read a small file that an option names.

    Errors: TransportError says which option's file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise TransportError(
            f"the {what} {path.name!r} cannot be read: {error.strerror}", hint="check the path"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a file that an option names, whole or not at all.

    Errors: TransportError where it cannot be written.
    """
    growing = path.with_name(f"{path.name}.growing")
    try:
        growing.write_text(text, encoding="utf-8")
        growing.replace(path)
    except OSError as error:
        raise TransportError(f"cannot write {path.name!r}: {error.strerror}", hint="check the path") from error


def read_key(path: Path) -> bytes:
    """Read a key file of at least 16 bytes; blanks round it do not count."""
    key = read_bytes(path, "key file").strip()
    if len(key) < LEAST_KEY_BYTES:
        raise ConfigError(f"the key is {len(key)} bytes, need {LEAST_KEY_BYTES}", hint="head -c 32 /dev/urandom > KEY")
    return key


def check_lang(lang: str) -> str:
    """Refuse a language that the texts are not written in."""
    if lang not in LANGS:
        raise ConfigError(f"no texts in language {lang!r}", hint="use en or zh")
    return lang


def say(text: str) -> None:
    """Tell the person something, on stderr."""
    typer.echo(text, err=True)


def put_json(value: object) -> None:
    """Put one JSON value on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def put_rows(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Put tab-separated rows on stdout, never wrapped or coloured."""
    for row in (head, *rows):
        typer.echo("\t".join(str(cell).replace("\t", " ") for cell in row))


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show events and megabytes so far."""
    with _status(label) as tell:
        yield lambda rows, size: tell(f"{rows:,} events, {size / 1e6:,.1f} MB")


@contextmanager
def counting(label: str, what: str) -> Iterator[Callable[[int], None]]:
    """Show a count so far."""
    with _status(label) as tell:
        yield lambda count: tell(f"{count:,} {what}")


@contextmanager
def steps(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show steps done, and of how many where that is known."""
    with _status(label) as tell:
        yield lambda done, of: tell(f"{done:,}" + (f" of {of:,}" if of else ""))


@contextmanager
def _status(label: str) -> Iterator[Callable[[str], None]]:
    """Keep a line on stderr where a person is watching, and nowhere else."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console  # kept out of `tocsin --help`
    from rich.status import Status

    with Status(label, console=Console(stderr=True)) as status:
        yield lambda text: status.update(f"{label}: {text}")
