"""Read logs of AI traffic, whatever their form, as batches of TRAFFIC."""

from tocsin.traffic.calls import Turn, UnusableLineError, parts_unseen, read_turn
from tocsin.traffic.identities import hash_identifier, hash_identities
from tocsin.traffic.jsonl import read_lines
from tocsin.traffic.mixed import read_mixed
from tocsin.traffic.otlp import Span, decode_json, decode_protobuf
from tocsin.traffic.piece import Piece
from tocsin.traffic.pull import Pulled, pull
from tocsin.traffic.readers import FORMATS
from tocsin.traffic.retold import Told, tell
from tocsin.traffic.seen import SeenIds
from tocsin.traffic.sources import SUFFIXES, find_sources
from tocsin.traffic.spans import NO_CONTENT

__all__ = [
    "FORMATS",
    "NO_CONTENT",
    "SUFFIXES",
    "Piece",
    "Pulled",
    "SeenIds",
    "Span",
    "Told",
    "Turn",
    "UnusableLineError",
    "decode_json",
    "decode_protobuf",
    "find_sources",
    "hash_identifier",
    "hash_identities",
    "parts_unseen",
    "pull",
    "read_lines",
    "read_mixed",
    "read_turn",
    "tell",
]
