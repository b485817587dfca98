"""Read logs of AI traffic, whatever their form, as batches of TRAFFIC."""

from tocsin.traffic.identities import hash_identities
from tocsin.traffic.jsonl import read_lines
from tocsin.traffic.piece import Piece
from tocsin.traffic.pull import Pulled, pull
from tocsin.traffic.readers import FORMATS
from tocsin.traffic.seen import SeenIds
from tocsin.traffic.sources import SUFFIXES, find_sources

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Piece",
    "Pulled",
    "SeenIds",
    "find_sources",
    "hash_identities",
    "pull",
    "read_lines",
]
