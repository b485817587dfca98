"""What serves HTTP, and the way out to others' servers."""

from tocsin.node.log import log_app
from tocsin.node.mirror import mirror_app
from tocsin.node.outbound import HttpTransport
from tocsin.node.serving import Listening, listen
from tocsin.node.witness import witness_app

__all__ = ["HttpTransport", "Listening", "listen", "log_app", "mirror_app", "witness_app"]
