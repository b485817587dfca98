"""What serves HTTP: a member's node, its log, witnesses and mirrors; and the way out to others' servers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tocsin.node.backup import back_up, restore
    from tocsin.node.leads.importing import take_leads
    from tocsin.node.listening import Listening, listen
    from tocsin.node.log import log_app
    from tocsin.node.mirror import mirror_app
    from tocsin.node.node import Node, init_node, open_node
    from tocsin.node.outbound import HttpTransport
    from tocsin.node.people import OPERATOR, Door
    from tocsin.node.sinks import write_secret
    from tocsin.node.starting import look_over
    from tocsin.node.stores.audit import rows as audit_rows
    from tocsin.node.stores.people import everybody
    from tocsin.node.stores.tokens import every as every_token
    from tocsin.node.supervise import become_supervisor
    from tocsin.node.upkeep import end_hold, forget_account, hold_account, list_holds, migrate_node, take_up_again
    from tocsin.node.witness import witness_app

__all__ = [
    "OPERATOR",
    "Door",
    "HttpTransport",
    "Listening",
    "Node",
    "audit_rows",
    "back_up",
    "become_supervisor",
    "end_hold",
    "every_token",
    "everybody",
    "forget_account",
    "hold_account",
    "init_node",
    "list_holds",
    "listen",
    "log_app",
    "look_over",
    "migrate_node",
    "mirror_app",
    "open_node",
    "restore",
    "take_leads",
    "take_up_again",
    "witness_app",
    "write_secret",
]

_WHERE = {
    "OPERATOR": "people",
    "Door": "people",
    "HttpTransport": "outbound",
    "Listening": "listening",
    "Node": "node",
    "audit_rows": "stores.audit:rows",
    "back_up": "backup",
    "become_supervisor": "supervise",
    "end_hold": "upkeep",
    "every_token": "stores.tokens:every",
    "everybody": "stores.people",
    "forget_account": "upkeep",
    "hold_account": "upkeep",
    "init_node": "node",
    "list_holds": "upkeep",
    "listen": "listening",
    "log_app": "log",
    "look_over": "starting",
    "migrate_node": "upkeep",
    "mirror_app": "mirror",
    "open_node": "node",
    "restore": "backup",
    "take_leads": "leads.importing",
    "take_up_again": "upkeep",
    "witness_app": "witness",
    "write_secret": "sinks",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for, and no more: one command, and one process of a node, needs little of all this."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, known_as = _WHERE[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), known_as or name)
