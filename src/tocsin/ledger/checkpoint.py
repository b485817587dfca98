"""Checkpoints, c2sp.org/tlog-checkpoint: what a log says its tree is."""

from dataclasses import dataclass
from hashlib import sha256

from tocsin.forms.errors import FormatError
from tocsin.ledger.merkle import EMPTY_ROOT, HASH_BYTES
from tocsin.ledger.strict import read_base64, read_decimal, write_base64


@dataclass(frozen=True)
class Checkpoint:
    """Origin, number of leaves, root hash; extension lines, which no monitor can audit, as they came."""

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()

    def text(self) -> str:
        """Write the text of the note."""
        return "".join(f"{x}\n" for x in (self.origin, self.size, write_base64(self.root), *self.extension))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note.

    Errors: FormatError.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise FormatError("the checkpoint is not three or more lines that hold something")
    size, root = read_decimal(lines[1], "tree size"), read_base64(lines[2], "root hash", HASH_BYTES)
    return Checkpoint(lines[0], size, root, tuple(lines[3:-1]))


def check_empty(checkpoint: Checkpoint) -> bool:
    """Tell whether a checkpoint of size zero has the root of the empty tree; every other size may have any root."""
    return checkpoint.size > 0 or checkpoint.root == EMPTY_ROOT


def origin_hash(origin: str) -> str:
    """Name a log in the paths of witnesses and mirrors (c2sp.org/tlog-witness)."""
    return sha256(origin.encode()).hexdigest()
