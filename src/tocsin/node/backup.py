"""Backups: one file that holds a node whole, and that either kind of database can be restored from.

A tar file: manifest.json, home/ with the node's folder all but database and cache, and tables/NAME.msgpack, where each
row is an object in MessagePack behind its length in four bytes. It holds the keys: who reads it reads everything.
"""

import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from posixpath import normpath
from typing import IO, Any

import msgspec
from sqlalchemy import LargeBinary, MetaData, Table, insert, select
from sqlalchemy.engine import Connection

from tocsin import __version__
from tocsin.forms import ConfigError, FormatError, TransportError
from tocsin.node.config import DatabaseSection, read_config, write_config
from tocsin.node.db import Database, check_known, migrate_within, open_database, revision_of
from tocsin.node.home import Home, make_folder

FORMAT = 1
_LENGTH = 4
_HOME = "home/"
_ASIDE = ".growing-"
_DATABASE = ("node.db", "node.db-wal", "node.db-shm", "node.db-journal")  # it is in tables/
_ELSEWHERE = frozenset({*_DATABASE, "cache", "serving"})
_MOST_MANIFEST = 1 << 20
_FEW, _MANY = 8, 2000  # rows at a time, of tables with large values and without
_HINT = "make the backup again, or take another one"
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode
Progress = Callable[[int], None]


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself."""

    format: int
    version: str
    revision: str
    made: str
    rows: dict[str, int]


def back_up(folder: Path, file: Path, progress: Progress, clock: Callable[[], float]) -> Manifest:
    """Write a backup of one moment of a node, while it may be serving.

    Errors: TransportError where the node cannot be read or the file cannot be written; then it is not there.
    """
    home = Home(folder)
    database = open_database(home.database_url(read_config(home.settings)))
    growing = file.with_name(f"{file.name}.growing")
    try:
        made = datetime.fromtimestamp(clock(), UTC).isoformat(timespec="seconds")
        growing.unlink(missing_ok=True)
        with open(growing, "xb", opener=_private) as out, tarfile.open(fileobj=out, mode="w") as tar:
            manifest = _write(tar, home, database, made, progress)
        with growing.open("rb") as written:
            os.fsync(written.fileno())
        growing.replace(file)
    except OSError as error:
        raise TransportError(f"cannot write {file.name!r}: {error.strerror}", hint="check path and room") from error
    finally:
        growing.unlink(missing_ok=True)
        database.close()
    return manifest


def _is_kept(name: str) -> bool:
    """Say whether a backup holds what lies in a node's folder: compiled rules, for one, are trusted and made anew."""
    return name not in _ELSEWHERE and not name.startswith(_ASIDE)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(tar: tarfile.TarFile, home: Home, database: Database, made: str, progress: Progress) -> Manifest:
    rows: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=home.folder, prefix=_ASIDE) as aside, database.snapshot() as connection:
        revision = revision_of(database)
        for table in _tables(connection):
            path = Path(aside) / table.name
            with path.open("wb") as out:
                rows[table.name] = _dump(connection, table, out, progress)
            tar.add(path, f"tables/{table.name}.msgpack")
            path.unlink()
    for path in sorted(home.folder.iterdir()):
        if _is_kept(path.name):
            tar.add(path, f"{_HOME}{path.name}")
    manifest = Manifest(FORMAT, __version__, revision or "", made, rows)
    body = msgspec.json.encode(manifest)
    entry = tarfile.TarInfo("manifest.json")
    entry.size = len(body)
    tar.addfile(entry, io.BytesIO(body))
    return manifest


def _tables(connection: Connection) -> list[Table]:
    """Read what tables there are, also those of an older version."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _at_once(table: Table) -> int:
    return _FEW if any(isinstance(column.type, LargeBinary) for column in table.columns) else _MANY


def _dump(connection: Connection, table: Table, out: IO[bytes], progress: Progress) -> int:
    count = 0
    streaming = connection.execution_options(stream_results=True, yield_per=_at_once(table))
    for row in streaming.execute(select(table)).mappings():
        raw = _encode(dict(row))
        out.write(len(raw).to_bytes(_LENGTH) + raw)
        count += 1
        progress(1)
    return count


def restore(file: Path, folder: Path, url: str | None, progress: Progress) -> Manifest:
    """Make a node from a backup, in a new folder; with `url`, in another database than it had.

    Errors: FormatError where the file is no backup; ConfigError where it is of a newer version, or where folder or
    database are not empty; TransportError. Nothing stays then.
    """
    staged = folder.with_name(f"{folder.name}.growing")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder.name!r} is not empty", hint="name a new folder")
    home = make_folder(staged)
    try:
        with _opened(file) as tar:
            manifest = _manifest(tar)
            _put_files(tar, home, url)
            with _restored_into(home) as database:
                _load(tar, database, manifest, progress)
        if folder.exists():
            folder.rmdir()
        staged.rename(folder)
    except BaseException:
        _remove(staged)
        raise
    return manifest


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:") as tar:
            yield tar
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise FormatError(f"{file.name!r} is no whole backup", hint=_HINT) from error
    except OSError as error:
        why = f"the backup {file.name!r} cannot be read: {error.strerror}"
        raise TransportError(why, hint="check the path") from error


def _manifest(tar: tarfile.TarFile) -> Manifest:
    try:
        manifest = msgspec.json.decode(_member(tar, "manifest.json").read(_MOST_MANIFEST), type=Manifest)
    except msgspec.MsgspecError as error:
        raise FormatError("the backup's manifest is not what it should be", hint=_HINT) from error
    if manifest.format > FORMAT:
        raise ConfigError(f"the backup has format {manifest.format}, known is {FORMAT}", hint="run a newer version")
    check_known(manifest.revision)
    return manifest


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found


def _put_files(tar: tarfile.TarFile, home: Home, url: str | None) -> None:
    """Unpack the folder; names that lead out of it and devices are refused, what no backup holds is left."""
    for member in tar.getmembers():
        name = member.name.removeprefix(_HOME)
        if member.name.startswith(_HOME) and _is_kept(normpath(name).lstrip("/").partition("/")[0]):
            tar.extract(member.replace(name=name, deep=False), home.folder, filter="data")
    if url is not None:
        config = read_config(home.settings).model_copy(update={"database": DatabaseSection(url=url)})
        home.settings.write_text(write_config(config), encoding="utf-8")


@contextmanager
def _restored_into(home: Home) -> Iterator[Database]:
    database = open_database(home.database_url(read_config(home.settings)))
    try:
        if revision_of(database) is not None:
            raise ConfigError("the database is not empty", hint="name another one with --db")
        yield database
    finally:
        database.close()


def _load(tar: tarfile.TarFile, database: Database, manifest: Manifest, progress: Progress) -> None:
    """Make the tables as they were, fill them, and bring them up to date: all in one transaction."""
    with database.writing() as connection:
        migrate_within(connection, manifest.revision)
        tables = {table.name: table for table in _tables(connection)}
        for name, expected in manifest.rows.items():
            found = _fill(connection, tables[name], _member(tar, f"tables/{name}.msgpack"), progress)
            if found != expected:
                raise FormatError(f"the backup holds {found} rows of {name!r}, not {expected}", hint=_HINT)
        _number_on(connection, tables)
        migrate_within(connection)


def _fill(connection: Connection, table: Table, source: IO[bytes], progress: Progress) -> int:
    count, held = 0, list[Mapping[str, Any]]()
    for row in _rows(source):
        held.append(row)
        if len(held) >= _at_once(table):
            connection.execute(insert(table), held)
            count, held = count + len(held), []
            progress(_at_once(table))
    if held:
        connection.execute(insert(table), held)
    return count + len(held)


def _rows(source: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    while length := source.read(_LENGTH):
        raw = source.read(int.from_bytes(length))
        try:
            yield _decode(raw)
        except msgspec.MsgspecError as error:
            raise FormatError("the backup is cut short", hint=_HINT) from error


def _number_on(connection: Connection, tables: Mapping[str, Table]) -> None:
    """Let PostgreSQL number new rows behind those that came back."""
    if connection.dialect.name == "sqlite":
        return
    for name, table in tables.items():
        for column in table.primary_key:
            if column.server_default is not None and "nextval" in str(getattr(column.server_default, "arg", "")):
                asked = "SELECT setval(pg_get_serial_sequence(%s, %s), coalesce(max(%s), 0) + 1, false) FROM %s"
                quoted = asked % (f"'{name}'", f"'{column.name}'", f'"{column.name}"', f'"{name}"')
                connection.exec_driver_sql(quoted)


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
