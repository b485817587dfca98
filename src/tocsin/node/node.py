"""An opened node: what routes and jobs are given."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tocsin.cases import starter_text
from tocsin.node.access import SCOPES, new_token
from tocsin.node.backlog import Backlog
from tocsin.node.config import CheckSection, DatabaseSection, NodeConfig, read_config, write_config
from tocsin.node.db import Database, check_current, migrate, open_database
from tocsin.node.home import Home, make_folder
from tocsin.node.intake import Intake
from tocsin.node.keys import Keys, Random, make_keys, read_keys
from tocsin.node.leads.shelf import LeadShelf
from tocsin.node.stores import events, tokens

POLICY = "policy.yaml"
Clock = Callable[[], float]  # POSIX seconds


@dataclass(frozen=True)
class Node:
    """Hold settings, keys, database and clock of one node in one process."""

    home: Home
    config: NodeConfig
    keys: Keys
    database: Database
    clock: Clock = time.time
    random: Random = field(default=os.urandom, repr=False)

    @cached_property
    def intake(self) -> Intake:
        """The one way in for events."""
        return Intake(self.database, self.keys, self.now)

    @cached_property
    def leads(self) -> LeadShelf:
        """The leads in force."""
        return LeadShelf(self.database)

    @cached_property
    def backlog(self) -> Backlog:
        """How much waits."""
        return Backlog(self._count_waiting, self.config.server.most_waiting, time.monotonic)

    def _count_waiting(self) -> int:
        with self.database.reading() as connection:
            return events.waiting(connection)

    def now(self) -> int:
        """Read the clock: microseconds since 1970."""
        return int(self.clock() * 1_000_000)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def open_node(folder: Path, clock: Clock = time.time, random: Random = os.urandom) -> Node:
    """Open a node.

    Errors: TransportError where settings, keys or database cannot be reached; ConfigError where settings are wrong, or
    the tables are those of another version.
    """
    home = Home(folder)
    config = read_config(home.settings)
    database = open_database(home.database_url(config))
    check_current(database)
    return Node(home, config, read_keys(home.keys), database, clock, random)


@dataclass(frozen=True)
class Made:
    """Say what `init_node` made: the first token is told here and never again."""

    token: str = field(repr=False)
    settings: Path


def init_node(folder: Path, url: str = "", clock: Clock = time.time, random: Random = os.urandom) -> Made:
    """Make a node: folder, settings, a policy to begin with, keys, tables, and a first token with every scope.

    Errors: ConfigError where the folder is not empty or the URL is wrong; TransportError where something cannot be
    written.
    """
    home = make_folder(folder)
    config = NodeConfig(database=DatabaseSection(url=url), check=CheckSection(policy=POLICY))
    database = open_database(home.database_url(config))
    migrate(database)
    make_keys(home.keys, random)
    (home.folder / POLICY).write_bytes(starter_text())
    home.settings.touch(mode=0o600)
    home.settings.write_text(write_config(config), encoding="utf-8")
    token = new_token(random)
    with database.writing() as connection:
        tokens.add(connection, token, "first", SCOPES, int(clock() * 1_000_000), random)
    database.close()
    return Made(token, home.settings)
