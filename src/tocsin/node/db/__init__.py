"""The node's database: its tables, how it is opened, and how it is brought up to date."""

from tocsin.node.db.engine import Database, open_database
from tocsin.node.db.migrate import head_of, is_current, migrate

__all__ = ["Database", "head_of", "is_current", "migrate", "open_database"]
