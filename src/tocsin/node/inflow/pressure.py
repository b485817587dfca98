"""Whether the node has room: nobody brings more than it can keep up with."""

from tocsin.node.node import Node
from tocsin.node.stores import events


def waiting(node: Node) -> int:
    """Count the events that wait to be screened."""
    with node.database.reading() as connection:
        return events.waiting(connection)


def has_room(node: Node) -> bool:
    """Tell whether a source may bring more; it rests until half of what may wait has gone."""
    return waiting(node) < node.config.server.most_waiting // 2
