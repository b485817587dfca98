"""Transparency logs that speak the C2SP specifications byte for byte: notes, tiles, cosignatures, policies, proofs."""

from tocsin.ledger.folders import init_log, open_log, read_key_file, write_key
from tocsin.ledger.keyfile import KINDS, new_key, seal_keys
from tocsin.ledger.policy import parse_policy
from tocsin.ledger.proof import parse_proof, verify_proof

__all__ = [
    "KINDS",
    "init_log",
    "new_key",
    "open_log",
    "parse_policy",
    "parse_proof",
    "read_key_file",
    "seal_keys",
    "verify_proof",
    "write_key",
]
