"""Every form: only FormatError on arbitrary bytes, what is accepted is written back as it came, and bounds hold."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_worlds import ORIGIN, START, Branch, entries, key

from tocsin.forms.errors import FormatError
from tocsin.ledger.checkpoint import Checkpoint, parse_checkpoint
from tocsin.ledger.edge import Edge, grow, read_record, write_record
from tocsin.ledger.evidence import FORK, Evidence, parse_evidence
from tocsin.ledger.keyfile import KeyFile, parse_key_file, seal_keys
from tocsin.ledger.keys import COSIGNER, VerifierKey, parse_key, sign_text
from tocsin.ledger.note import MOST_SIGNATURES, NOTE_BYTES, Note, Signature, parse_note, parse_signatures
from tocsin.ledger.policy import Policy, parse_policy
from tocsin.ledger.proof import Proof, parse_proof
from tocsin.ledger.strict import read_decimal
from tocsin.ledger.tiles import is_tile_name, read_bundle, read_hashes, tile_name, write_bundle
from tocsin.ledger.tree import Head, parse_head
from tocsin.ledger.upload import MirrorInfo, Package, UploadHead, UploadReader, parse_mirror_info, parts
from tocsin.ledger.witness import AddCheckpoint, parse_add_checkpoint

SIGNERS = key(ORIGIN) + key("w", COSIGNER, ml_dsa=True)
NOTE = sign_text(Checkpoint(ORIGIN, 7, bytes(32)).text(), SIGNERS, START)
TREE = Branch(tuple(entries(40)))
HASHES = (bytes(32), bytes(range(32)))


class Form(Protocol):
    def encode(self) -> bytes: ...


def checkpoint_of(raw: bytes) -> Form:
    """A checkpoint is read from text."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8") from error
    return Encoded(parse_checkpoint(text).text().encode())


class Encoded:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def encode(self) -> bytes:
        return self.raw


def signatures_of(raw: bytes) -> Form:
    return Encoded("".join(s.line() for s in parse_signatures(raw)).encode())


def key_of(raw: bytes) -> Form:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8") from error
    return Encoded(parse_key(text).encode().encode())


def record_of(raw: bytes) -> Form:
    return Encoded(write_record(*read_record(raw)))


EXAMPLES: dict[str, tuple[Callable[[bytes], Form], list[bytes]]] = {
    "note": (parse_note, [NOTE.encode(), b"a\n\n\n\n\xe2\x80\x94 n AAAAAAA=\n"]),
    "signatures": (signatures_of, ["".join(s.line() for s in NOTE.signatures).encode()]),
    "checkpoint": (checkpoint_of, [NOTE.text.encode(), b"o\n0\n" + b"A" * 43 + b"=\nextension\n"]),
    "vkey": (key_of, [s.key.encode().encode() for s in SIGNERS]),
    "proof": (parse_proof, [Proof(3, p, NOTE, extra).encode() for p in ((), HASHES) for extra in (None, b"", b"x")]),
    "request": (parse_add_checkpoint, [AddCheckpoint(0, (), NOTE).encode(), AddCheckpoint(5, HASHES, NOTE).encode()]),
    "evidence": (parse_evidence, [Evidence(FORK, NOTE, NOTE, *more).encode() for more in ((), (HASHES[0], HASHES))]),
    "key file": (parse_key_file, [seal_keys(SIGNERS, bytes).encode()]),
    "head": (parse_head, [Head(5, HASHES[1]).encode()]),
    "record": (record_of, [write_record(grow(Edge(), entries(3)).edge, entries(2)), write_record(Edge(), [])]),
    "mirror info": (parse_mirror_info, [MirrorInfo(9, 4, b"t").encode(), MirrorInfo(0, 0, b"").encode()]),
}  # fmt: skip
FORMS = sorted(EXAMPLES)


def read_back(name: str, raw: bytes) -> bool:
    """Whether it is accepted; if so it must be written back alike."""
    try:
        found = EXAMPLES[name][0](raw)
    except FormatError:
        return False
    assert found.encode() == raw
    return True


@pytest.mark.parametrize("name", FORMS)
def test_examples_read_and_write_alike(name: str) -> None:
    assert all(read_back(name, raw) for raw in EXAMPLES[name][1])


@pytest.mark.parametrize("name", FORMS)
@given(raw=st.binary(max_size=400))
@settings(max_examples=150)
def test_arbitrary_bytes_raise_format_errors_only(name: str, raw: bytes) -> None:
    read_back(name, raw)


@pytest.mark.parametrize("name", FORMS)
@given(data=st.data())
@settings(max_examples=250)
def test_changed_examples_are_refused_or_written_back_alike(name: str, data: st.DataObject) -> None:
    read_back(name, data.draw(changed(st.sampled_from(EXAMPLES[name][1]))))


@st.composite
def changed(draw: Any, examples: st.SearchStrategy[bytes]) -> bytes:
    """An example with one stretch of it cut out, doubled or replaced."""
    raw = draw(examples)
    low = draw(st.integers(0, len(raw)))
    high = draw(st.integers(low, min(len(raw), low + 8)))
    with_ = draw(st.one_of(st.just(b""), st.just(raw[low:high] * 2), st.binary(max_size=4), st.sampled_from(PIECES)))
    return bytes(raw[:low] + with_ + raw[high:])


PIECES = [
    b"\n",
    b"\n\n",
    b" ",
    b"=",
    b"0",
    b"+",
    b"-1",
    b"\r\n",
    b"\t",
    "\u00a0".encode(),
    "\u2014 ".encode(),
    b"\xff",
    b"\0",
]


@given(st.binary(max_size=300))
def test_bundles_read_and_write_alike(raw: bytes) -> None:
    with suppress(FormatError):
        assert write_bundle(read_bundle(raw)) == raw


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_of_any_entries(found: list[bytes]) -> None:
    assert read_bundle(write_bundle(found), len(found)) == tuple(found)


def test_a_bundle_of_another_width_and_a_tile_of_another_length_are_refused() -> None:
    with pytest.raises(FormatError, match="holds 2 entries, need 3"):
        read_bundle(write_bundle([b"a", b"b"]), 3)
    for raw in (b"\0", b"\0\2a", b"\0\1ab"):
        with pytest.raises(FormatError, match="ends inside"):
            read_bundle(raw)
    for length in (0, 31, 33, 64):
        with pytest.raises(FormatError, match="need 32"):
            read_hashes(bytes(length), 1)


@given(raw=st.binary(max_size=300))
def test_policies_raise_format_errors_only(raw: bytes) -> None:
    try:
        policy = parse_policy(raw)
    except FormatError:
        return
    assert parse_policy(policy.encode()) == policy


WORDS = [
    "log",
    "witness",
    "group",
    "quorum",
    "none",
    "a",
    "b",
    "any",
    "all",
    "1",
    "2",
    "#",
    " ",
    "\t",
    "\n",
    "\n",
    "\n",
]
KEYS = [s.key.encode() for s in (*key("l"), *key("w1", COSIGNER), *key("w2", COSIGNER))]


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*WORDS, *KEYS, "\u6728", "\udcff"]), max_size=40))
def test_policies_of_words_have_one_normal_form(words: list[str]) -> None:
    raw = " ".join(words).encode(errors="surrogateescape")
    try:
        policy = parse_policy(raw)
    except FormatError:
        return
    assert parse_policy(policy.encode()) == policy
    assert policy.encode() == parse_policy(policy.encode()).encode()


@given(st.text(alphabet="0123456789 +-_\u0661\u00b2", max_size=22))
def test_decimals_have_one_spelling(text: str) -> None:
    try:
        assert str(read_decimal(text, "number")) == text
    except FormatError:
        assert not (text.isascii() and text.isdigit() and str(int(text)) == text and int(text) < 2**63)


@given(st.one_of(st.just("entries"), st.integers(0, 63)), st.integers(0, 2**40), st.integers(1, 256))
def test_tiles_have_names_of_tiles(level: int | str, index: int, width: int) -> None:
    assert is_tile_name(tile_name(level, index, width))


@pytest.mark.parametrize(
    "name",
    ["checkpoint", "tile/64/000", "tile/0/00", "tile/0/1000", "tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/256",
     "tile/0/000.p/01", "tile/00/000", "tile/0/000/", "/tile/0/000", "tile/0/../000", "tile/0/x001",
     "tile/data/000", "tile/0/000\n"],
)  # fmt: skip
def test_no_other_name_is_that_of_a_tile(name: str) -> None:
    assert not is_tile_name(name)


def packages_of(start: int, end: int) -> list[Package]:
    return [
        Package(low, high, tuple(f"{i}".encode() for i in range(low, high)), HASHES) for low, high in parts(start, end)
    ]


@settings(max_examples=60)
@given(start=st.integers(0, 600), count=st.integers(0, 600), cuts=st.integers(1, 4000))
def test_an_upload_reads_alike_however_it_is_cut(start: int, count: int, cuts: int) -> None:
    head, sent = UploadHead(ORIGIN, start, start + count, b"ticket"), packages_of(start, start + count)
    raw = head.encode() + b"".join(package.encode() for package in sent)
    reader, found = UploadReader(), []
    for at in range(0, len(raw), cuts):
        found += list(reader.feed(raw[at : at + cuts]))
    assert (reader.head, found, reader.complete) == (head, sent, True)


@settings(max_examples=200)
@given(data=st.data())
def test_arbitrary_uploads_raise_format_errors_only(data: st.DataObject) -> None:
    raw = UploadHead(ORIGIN, 250, 260).encode() + b"".join(p.encode() for p in packages_of(250, 260))
    sent = data.draw(changed(st.just(raw)))
    with suppress(FormatError):
        list(UploadReader().feed(sent))


def test_an_upload_that_cannot_be_mended_is_refused_at_once() -> None:
    for head in (UploadHead(ORIGIN, 5, 4), UploadHead(ORIGIN, 0, 2**63)):
        with pytest.raises(FormatError, match="goes from"):
            list(UploadReader().feed(head.encode()))
    reader = UploadReader()
    with pytest.raises(FormatError, match="64 hashes"):
        list(reader.feed(UploadHead(ORIGIN, 0, 1).encode() + b"\0\1x" + bytes([64])))
    reader = UploadReader()
    list(reader.feed(UploadHead(ORIGIN, 1, 1).encode()))
    with pytest.raises(FormatError, match="after the last"):
        list(reader.feed(b"x"))


REFUSED_NOTES = {
    "no signature": b"text\n\n",
    "no empty line": "text\n\u2014 n AAAAAAA=\n".encode(),
    "no last line break": NOTE.encode()[:-1],
    "a tab in the text": "te\txt\n\n\u2014 n AAAAAAA=\n".encode(),
    "a carriage return": "text\r\n\n\u2014 n AAAAAAA=\n".encode(),
    "a plus in the name": "text\n\n\u2014 n+m AAAAAAA=\n".encode(),
    "no name": "text\n\n\u2014  AAAAAAA=\n".encode(),
    "a wide space in the name": "text\n\n\u2014 n\u3000m AAAAAAA=\n".encode(),
    "a hyphen for the dash": b"text\n\n- n AAAAAAA=\n",
    "a key id alone": "text\n\n\u2014 n AAAAAA==\n".encode(),
    "stray bits in Base64": "text\n\n\u2014 n AAAAAAB=\n".encode(),
    "Base64 for URLs": "text\n\n\u2014 n AAAA_AA=\n".encode(),
    "no padding": "text\n\n\u2014 n AAAAAAA\n".encode(),
    "a blank behind": "text\n\n\u2014 n AAAAAAA= \n".encode(),
    "bytes that are no UTF-8": b"te\xffxt\n\n\xe2\x80\x94 n AAAAAAA=\n",
}


@pytest.mark.parametrize("name", REFUSED_NOTES)
def test_a_note_with(name: str) -> None:
    with pytest.raises(FormatError):
        parse_note(REFUSED_NOTES[name])


REFUSED_CHECKPOINTS = [
    "o\n1\n", "o\n1\n\n", "\n1\nA\n", "o\n01\n{}\n", "o\n-1\n{}\n", "o\n1\n{}\n\n", "o\n1\n{}",
    "o\n9999999999999999999\n{}\n", "o\n1 \n{}\n", "o\n\u0661\n{}\n", "o\n1\nAAAA\n", "o\n1\n{}\n\next\n",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED_CHECKPOINTS)
def test_a_checkpoint_that_is_none(text: str) -> None:
    with pytest.raises(FormatError):
        parse_checkpoint(text.format("A" * 43 + "="))


def test_sixteen_large_signatures_are_read_and_101_are_not() -> None:
    line = Signature("w", b"abcd", random.Random(1).randbytes(5000))
    many = Note(NOTE.text, (line,) * 16)
    assert parse_note(many.encode()) == many
    short = Signature("w", b"abcd", b"x")
    assert len(parse_note(Note(NOTE.text, (short,) * MOST_SIGNATURES).encode()).signatures) == MOST_SIGNATURES
    with pytest.raises(FormatError, match="101 signature lines"):
        parse_note(Note(NOTE.text, (short,) * (MOST_SIGNATURES + 1)).encode())


def test_sizes_are_bounded_before_anything_is_parsed() -> None:
    with pytest.raises(FormatError, match=str(NOTE_BYTES)):
        parse_note(b"x" * (NOTE_BYTES + 1))
    for parse in (parse_proof, parse_add_checkpoint, parse_evidence, parse_key_file, parse_mirror_info, parse_policy):
        with pytest.raises(FormatError):
            parse(b"x" * (5 << 20))


def test_a_key_file_says_what_is_wrong_with_it() -> None:
    raw = seal_keys(SIGNERS[:1], bytes).encode().decode()
    vkey = SIGNERS[0].key.encode()
    for wrong in (
        raw.replace("/v1", "/v2"),
        raw.replace(f"vkey {vkey}\n", ""),
        f"{raw}vkey {vkey}\n",
        raw.rstrip("\n"),
        "",
    ):
        with pytest.raises(FormatError):
            parse_key_file(wrong.encode())


def test_a_verifier_key_says_what_is_wrong_with_it() -> None:
    good = SIGNERS[0].key
    for wrong in ("", "name", "name+00000000", f"a b{good.encode()[len(ORIGIN):]}",
                  VerifierKey("n", 2, bytes(32)).encode(),
                  VerifierKey("n", 1, bytes(31)).encode(), VerifierKey("n", 6, bytes(32)).encode(), good.encode() + "=",
                  good.encode().replace(good.key_id.hex(), good.key_id.hex().upper())):  # fmt: skip
        with pytest.raises(FormatError):
            parse_key(wrong)


def test_the_policy_of_nothing_asks_for_nothing() -> None:
    assert parse_policy(b"quorum none\n") == Policy()
    assert Policy().met([]) and Policy().missing([]) == []


def test_a_key_file_keeps_its_lines() -> None:
    file = parse_key_file(seal_keys(SIGNERS, bytes).encode())
    assert isinstance(file, KeyFile)
    assert file.keys == tuple(s.key for s in SIGNERS)
    assert not file.sealed
