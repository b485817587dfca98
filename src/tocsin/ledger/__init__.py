"""Transparency logs that speak the C2SP specifications byte for byte: notes, tiles, cosignatures, policies, proofs."""

from tocsin.ledger.audit import MisconductError, audit_log, audit_mirror, check_clock, check_seen
from tocsin.ledger.checkpoint import Checkpoint, origin_hash, parse_checkpoint
from tocsin.ledger.evidence import Evidence, compare, find_rewind, parse_evidence, verify_evidence
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.folders import (
    CosignerFolder,
    LogFolder,
    init_cosigner,
    init_log,
    open_cosigner,
    open_log,
    read_key_file,
    write_key,
)
from tocsin.ledger.follow import Peers, sync
from tocsin.ledger.gather import Gathered, Tender, check_not_restored, gather
from tocsin.ledger.grouping import GroupedLog
from tocsin.ledger.keyfile import KINDS, KeyFile, new_key, seal_keys
from tocsin.ledger.keys import Signer, VerifierKey, parse_key, verify_known
from tocsin.ledger.log import Log
from tocsin.ledger.merkle import leaf_hash, perfect_root
from tocsin.ledger.mirror import Mirror, Upload
from tocsin.ledger.note import Note, parse_note
from tocsin.ledger.policy import (
    BAND,
    Group,
    LogLine,
    Policy,
    Trusted,
    WitnessLine,
    check_note,
    cosigned_by,
    parse_policy,
    quorum_time,
)
from tocsin.ledger.proof import Proof, parse_proof, verify_proof
from tocsin.ledger.prove import Hashes, prove_inclusion
from tocsin.ledger.range import Range
from tocsin.ledger.recover import recover
from tocsin.ledger.source import CHECKPOINT, Source, below, folder_source, http_source, read_checkpoint, read_log
from tocsin.ledger.stores import Objects, Registers, Store
from tocsin.ledger.tiles import is_tile_name
from tocsin.ledger.upload import UploadReader
from tocsin.ledger.wire import BINARY, TEXT, Answer, Transport, refuse
from tocsin.ledger.witness import REQUEST_BYTES as WITNESS_BYTES
from tocsin.ledger.witness import Witness

__all__ = [
    "BAND",
    "BINARY",
    "CHECKPOINT",
    "KINDS",
    "TEXT",
    "WITNESS_BYTES",
    "Answer",
    "Checkpoint",
    "CosignerFolder",
    "Evidence",
    "FileStore",
    "Gathered",
    "Group",
    "GroupedLog",
    "Hashes",
    "KeyFile",
    "Log",
    "LogFolder",
    "LogLine",
    "Mirror",
    "MisconductError",
    "Note",
    "Objects",
    "Peers",
    "Policy",
    "Proof",
    "Range",
    "Registers",
    "Signer",
    "Source",
    "Store",
    "Tender",
    "Transport",
    "Trusted",
    "Upload",
    "UploadReader",
    "VerifierKey",
    "Witness",
    "WitnessLine",
    "audit_log",
    "audit_mirror",
    "below",
    "check_clock",
    "check_not_restored",
    "check_note",
    "check_seen",
    "compare",
    "cosigned_by",
    "find_rewind",
    "folder_source",
    "gather",
    "http_source",
    "init_cosigner",
    "init_log",
    "is_tile_name",
    "leaf_hash",
    "new_key",
    "open_cosigner",
    "open_log",
    "origin_hash",
    "parse_checkpoint",
    "parse_evidence",
    "parse_key",
    "parse_note",
    "parse_policy",
    "parse_proof",
    "perfect_root",
    "prove_inclusion",
    "quorum_time",
    "read_checkpoint",
    "read_key_file",
    "read_log",
    "recover",
    "refuse",
    "seal_keys",
    "sync",
    "verify_evidence",
    "verify_known",
    "verify_proof",
    "write_key",
]
