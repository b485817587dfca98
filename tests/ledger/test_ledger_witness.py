"""Witnesses: every answer of c2sp.org/tlog-witness, in its order, and one atomic step."""

from collections.abc import Callable

import pytest
from ledger_worlds import ORIGIN, START, Branch, World, entries, key

from tocsin.ledger.checkpoint import Checkpoint, origin_hash, parse_checkpoint
from tocsin.ledger.keys import COSIGNER, sign_text, verify_known, verify_note
from tocsin.ledger.merkle import EMPTY_ROOT
from tocsin.ledger.note import Note, parse_note, parse_signatures
from tocsin.ledger.prove import prove_consistency
from tocsin.ledger.wire import SIZE, Answer
from tocsin.ledger.witness import AddCheckpoint, Witness

TREE = Branch(tuple(entries(300)))
LOG = key(ORIGIN)
KEYS = [signer.key for signer in key("w", COSIGNER, ml_dsa=True)]


def request(old: int, new: int, tree: Branch = TREE) -> AddCheckpoint:
    proof = tuple(prove_consistency(tree.hashes, old, new)) if 0 < old <= new else ()
    return AddCheckpoint(old, proof, tree.note(LOG, new))


@pytest.fixture
def witness(world: World) -> Witness:
    app = world.witness("w", ml_dsa=True).app
    assert isinstance(app, Witness)
    return app


def status(witness: Witness, asked: AddCheckpoint) -> int:
    return witness.add_checkpoint(asked.encode()).status


def test_a_witness_cosigns_what_grows(witness: Witness) -> None:
    size = 0
    for new in (0, 1, 1, 2, 255, 256, 256, 300):
        answer = witness.add_checkpoint(request(size, new).encode())
        note = TREE.note(LOG, new)
        lines = parse_signatures(answer.body)
        assert answer.status == 200
        assert [v.time for v in verify_note(Note(note.text, lines), KEYS)] == [START, START]
        size = new
        latest = witness.latest(origin_hash(ORIGIN))
        assert latest == Note(note.text, (*note.signatures, *lines))


def test_an_unknown_size_is_answered_with_the_known_one(witness: Witness) -> None:
    witness.add_checkpoint(request(0, 100).encode())
    for old in (0, 99, 101):
        assert witness.add_checkpoint(request(old, 200).encode()) == Answer(409, b"100\n", SIZE)
    fresh = Witness(witness._registers, "fresh", witness._policy, (), lambda: START)
    assert fresh.add_checkpoint(request(5, 200).encode()) == Answer(409, b"0\n", SIZE)
    assert fresh.latest(origin_hash(ORIGIN)) is None


STRANGER = key("stranger")
OTHER_LOG = key(ORIGIN + "x")
BAD = TREE.note(LOG, 50)


def signed_by(*notes: Note) -> AddCheckpoint:
    """A checkpoint of 50 with the signatures of other notes."""
    return AddCheckpoint(100, (), Note(BAD.text, tuple(line for note in notes for line in note.signatures)))


REFUSED: dict[str, tuple[int, Callable[[], AddCheckpoint | bytes]]] = {
    "bytes that are no request": (400, lambda: b"old x\n\n"),
    "64 hashes": (400, lambda: AddCheckpoint(100, (bytes(32),) * 64, TREE.note(LOG))),
    "a note that is no checkpoint": (400, lambda: AddCheckpoint(100, (), sign_text("hello\n", LOG, 0))),
    "an old size above the new": (400, lambda: AddCheckpoint(100, (), TREE.note(LOG, 99))),
    "a log that nobody knows": (404, lambda: AddCheckpoint(0, (), TREE.note(OTHER_LOG, 5, OTHER_LOG[0].key.name))),
    "no signature of the log": (403, lambda: signed_by(TREE.note(STRANGER, 50))),
    "a wrong signature of the log": (403, lambda: signed_by(TREE.note(LOG, 51))),
    "a good and a wrong signature": (403, lambda: signed_by(BAD, TREE.note(LOG, 51))),
    "no proof": (422, lambda: AddCheckpoint(100, (), TREE.note(LOG, 200))),
    "a proof of another tree": (422, lambda: AddCheckpoint(100, request(99, 200).proof, TREE.note(LOG, 200))),
    "another root of the same size": (422, lambda: AddCheckpoint(100, (), Branch(tuple(entries(100, "x"))).note(LOG))),
    "a proof for the same size": (422, lambda: AddCheckpoint(100, (bytes(32),), TREE.note(LOG, 100))),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_witness_refuses(witness: Witness, name: str) -> None:
    witness.add_checkpoint(request(0, 100).encode())
    before = witness.latest(origin_hash(ORIGIN))
    want, make = REFUSED[name]
    made = make()
    assert witness.add_checkpoint(made if isinstance(made, bytes) else made.encode()).status == want
    assert witness.latest(origin_hash(ORIGIN)) == before


def test_a_proof_from_nothing_must_be_nothing(witness: Witness) -> None:
    assert status(witness, AddCheckpoint(0, (bytes(32),), TREE.note(LOG))) == 422
    bad_root = sign_text(Checkpoint(ORIGIN, 0, bytes(32)).text(), LOG, 0)
    assert status(witness, AddCheckpoint(0, (), bad_root)) == 422
    good = sign_text(Checkpoint(ORIGIN, 0, EMPTY_ROOT).text(), LOG, 0)
    assert status(witness, AddCheckpoint(0, (), good)) == 200
    assert status(witness, AddCheckpoint(0, (bytes(32),), TREE.note(LOG))) == 422
    assert status(witness, AddCheckpoint(0, (), TREE.note(LOG))) == 200


def test_signatures_of_others_are_not_kept(witness: Witness) -> None:
    note = TREE.note(LOG, 5)
    forged = key("w", COSIGNER)[0].sign(TREE.note(LOG, 9).text, START)
    asked = AddCheckpoint(0, (), Note(note.text, (*note.signatures, *note.signatures, forged)))
    assert status(witness, asked) == 200
    latest = witness.latest(origin_hash(ORIGIN))
    assert latest is not None
    assert [line.name for line in latest.signatures] == [ORIGIN, "w", "w"]
    assert len(verify_known(latest, KEYS)) == 2


def test_a_log_of_two_keys_may_sign_with_either(world: World) -> None:
    world.log_key = key(ORIGIN, ml_dsa=True)
    app = world.witness("w").app
    assert isinstance(app, Witness)
    assert status(app, AddCheckpoint(0, (), TREE.note(world.log_key[1:], 5))) == 200
    proof = tuple(prove_consistency(TREE.hashes, 5, 9))
    assert status(app, AddCheckpoint(5, proof, TREE.note(world.log_key, 9))) == 200


def test_extension_lines_are_cosigned_as_they_came(world: World) -> None:
    app = world.witness("w").app
    assert isinstance(app, Witness)
    note = sign_text(Checkpoint(ORIGIN, 3, TREE.root(3), ("a line",)).text(), LOG, 0)
    answer = app.add_checkpoint(AddCheckpoint(0, (), note).encode())
    verify_note(Note(note.text, parse_signatures(answer.body)), [key("w", COSIGNER)[0].key])
    latest = app.latest(origin_hash(ORIGIN))
    assert latest and parse_checkpoint(parse_note(latest.encode()).text).extension == ("a line",)
