"""The node's database: its tables, how it is opened, and how it is brought up to date."""

from tocsin.node.db.engine import Database, open_database
from tocsin.node.db.migrate import check_current, check_known, head_of, is_current, migrate, migrate_within, revision_of

__all__ = [
    "Database",
    "check_current",
    "check_known",
    "head_of",
    "is_current",
    "migrate",
    "migrate_within",
    "open_database",
    "revision_of",
]
