"""The classifier's weights, and the file that holds them: a line of JSON, then the arrays it names, compressed."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tocsin.forms import LABELS, FormatError
from tocsin.screen.classifier.labelled import LANGUAGES
from tocsin.screen.classifier.scales import SHARES, Scale

MAGIC = b"tocsin-classifier 1\n"
MOST_BYTES = 1 << 26
COLUMNS = 1 + len(LABELS)  # any misuse, then each label given misuse
BITS, FEATURES = 16, 15
COUNT_LANE = 15  # every feature adds 1 here: how many there were
INPUTS = {"first": 3, "second": 4}  # of each stage's scale: its scores, then the voices of rules
SESSION_SLOPES = 3  # two inputs and the intercept
SO_FAR_SLOPES = 2  # the inputs of a turn's session so far, beside its own logit


class Card(msgspec.Struct, frozen=True):
    """What is known of a model besides its arrays: scales by stage and language, of sessions, and how it was made.

    `so_far` holds, by stage, the slopes of what a turn's session said before it.
    """

    scales: dict[str, dict[str, Scale]]
    sessions: list[float] = []
    so_far: dict[str, list[float]] = {}
    made: dict[str, Any] = {}


@dataclass(frozen=True)
class Model:
    """Hold a trained classifier.

    Shape: `table` 2^16 rows of 16 int8 weights; `lanes` the size of one step of each column, then `bias`; `hidden`
    512 x h with `hidden_bias`, and `head` h x 13 with `head_bias`, are the second stage.
    """

    card: Card
    table: NDArray[np.int8]
    lanes: NDArray[np.float32]
    bias: NDArray[np.float32]
    hidden: NDArray[np.float16]
    hidden_bias: NDArray[np.float32]
    head: NDArray[np.float32]
    head_bias: NDArray[np.float32]

    @cached_property
    def digest(self) -> str:
        """Name the model by its content."""
        return blake2b(b"".join(_parts(self)), digest_size=8).hexdigest()


ARRAYS = {
    "table": "int8",
    "lanes": "float32",
    "bias": "float32",
    "hidden": "float16",
    "hidden_bias": "float32",
    "head": "float32",
    "head_bias": "float32",
}


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    card: Card
    shapes: dict[str, list[int]]


def write_model(model: Model) -> bytes:
    """Write a model as the bytes of its file."""
    head, body = _parts(model)
    return MAGIC + head + b"\n" + zlib.compress(body, 9)


def _parts(model: Model) -> tuple[bytes, bytes]:
    arrays = {name: np.ascontiguousarray(getattr(model, name), dtype=kind) for name, kind in ARRAYS.items()}
    header = _Header(model.card, {name: list(array.shape) for name, array in arrays.items()})
    body = b"".join(a.tobytes() for a in arrays.values())
    return msgspec.json.encode(header, order="deterministic"), body


def read_model(raw: bytes) -> Model:
    """Read a model's file.

    Errors: FormatError where it is none, is cut short, or its arrays do not fit together.
    """
    try:
        return _read(raw)
    except (ValueError, KeyError, zlib.error, msgspec.DecodeError) as error:
        raise FormatError(f"not a classifier model: {error}", hint="make one with: tocsin train") from error


def _read(raw: bytes) -> Model:
    if not raw.startswith(MAGIC) or len(raw) > MOST_BYTES:
        raise ValueError("it does not begin as one, or is too long")
    head, _, packed = raw[len(MAGIC) :].partition(b"\n")
    header = msgspec.json.decode(head, type=_Header)
    sizes = {name: [int(n) for n in header.shapes[name]] for name in ARRAYS}
    whole = sum(int(np.prod(sizes[name])) * np.dtype(kind).itemsize for name, kind in ARRAYS.items())
    if whole > MOST_BYTES or min(n for shape in sizes.values() for n in shape) < 0:
        raise ValueError("its arrays are too large")
    unpacker = zlib.decompressobj()
    body = unpacker.decompress(packed, whole + 1)
    if len(body) != whole or not unpacker.eof or unpacker.unused_data:
        raise ValueError(f"its arrays take {len(body)} bytes, not {whole}, or more or less follows")
    arrays, at = {}, 0
    for name, kind in ARRAYS.items():
        count = int(np.prod(sizes[name]))
        arrays[name] = np.frombuffer(body, kind, count, at).reshape(sizes[name])
        at += count * np.dtype(kind).itemsize
    _check(arrays)
    _check_card(header.card)
    return Model(header.card, **arrays)


def _check_card(card: Card) -> None:
    """Hold the scales to what the stages put on them: one slope an input, one threshold a share."""
    for stage, inputs in INPUTS.items():
        for lang in LANGUAGES:
            scale = card.scales[stage][lang]
            if len(scale.slopes) != inputs or len(scale.exceeded) != len(SHARES):
                raise ValueError(f"the scale of stage {stage!r} has {len(scale.slopes)} slopes, not {inputs}")
        if len(slopes := card.so_far.get(stage, [])) != SO_FAR_SLOPES:
            raise ValueError(f"the session so far has {len(slopes)} slopes at stage {stage!r}, not {SO_FAR_SLOPES}")
    if len(card.sessions) != SESSION_SLOPES:
        raise ValueError(f"the scale of sessions has {len(card.sessions)} numbers, not {SESSION_SLOPES}")


def _check(arrays: dict[str, NDArray[Any]]) -> None:
    width = arrays["hidden_bias"].size
    expected = {
        "table": (1 << BITS, 16),
        "lanes": (COLUMNS,),
        "bias": (COLUMNS,),
        "hidden": (512, width),
        "hidden_bias": (width,),
        "head": (width, COLUMNS),
        "head_bias": (COLUMNS,),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape or not np.isfinite(arrays[name].astype(np.float64)).all():
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}, or holds no numbers")
