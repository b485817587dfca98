"""The way out for a log that was restored from a backup: a new folder, filled from a mirror."""

from tocsin.forms.errors import VerificationError
from tocsin.ledger.checkpoint import Checkpoint, parse_checkpoint
from tocsin.ledger.keys import VerifierKey, verify_note
from tocsin.ledger.log import Log
from tocsin.ledger.source import Source, read_checkpoint, read_entries
from tocsin.ledger.tiles import WIDTH, tile_width

_BUNDLES = 64


def recover(log: Log, source: Source, keys: list[VerifierKey]) -> Checkpoint:
    """Fill an empty log with all that a mirror holds of it, and take the mirror's checkpoint for its last.

    Errors: VerificationError where the mirror's entries are not what the log had signed.
    """
    note = read_checkpoint(source)
    verify_note(note, keys)
    tree = parse_checkpoint(note.text)
    for first in range(0, -(-tree.size // WIDTH), _BUNDLES):
        entries = [
            entry
            for index in range(first, min(first + _BUNDLES, -(-tree.size // WIDTH)))
            for entry in read_entries(source, index, tile_width(0, index, tree.size))
        ]
        log.tree.extend(log.tree.head(), entries)
    if log.tree.head().root != tree.root or tree.origin != log.origin:
        raise VerificationError("the mirror's entries are not those that the log has signed", hint="try another mirror")
    log.adopt(note)
    return tree
