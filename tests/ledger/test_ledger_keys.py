"""Keys: what each type signs, how files keep them, and what a wrong one meets."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_worlds import ORIGIN, START, Branch, entries, key, steady_random

from tocsin.forms.errors import ConfigError, FormatError, TransportError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint
from tocsin.ledger.folders import (
    init_cosigner,
    init_log,
    open_cosigner,
    open_log,
    read_key_file,
    write_key,
)
from tocsin.ledger.keyfile import KeyFile, new_key, parse_key_file, seal_keys
from tocsin.ledger.keys import COSIGNER, ML_DSA, VerifierKey, sign_text, signer_from_seed, verify_known, verify_note
from tocsin.ledger.note import Note, Signature
from tocsin.ledger.policy import LogLine, Policy

TREE = Branch(tuple(entries(5)))
TEXT = Checkpoint(ORIGIN, 5, TREE.root()).text()


def cosigned_message(name: str, time: int, origin: str, size: int, root: bytes) -> bytes:
    """The structure of c2sp.org/tlog-cosignature, field by field."""
    fields = [b"subtree/v1\n\0", bytes([len(name)]), name.encode(), time.to_bytes(8, "big"), bytes([len(origin)])]
    return b"".join([*fields, origin.encode(), (0).to_bytes(8, "big"), size.to_bytes(8, "big"), root])


def test_each_type_signs_its_own_message() -> None:
    (plain,), (ed, pq) = key(ORIGIN), key("w", COSIGNER, ml_dsa=True)
    lines = [signer.sign(TEXT, START) for signer in (plain, ed, pq)]
    stamp = START.to_bytes(8, "big")
    plain.private.public_key().verify(lines[0].signature, TEXT.encode())
    ed.private.public_key().verify(lines[1].signature[8:], f"cosignature/v1\ntime {START}\n{TEXT}".encode())
    pq.private.public_key().verify(lines[2].signature[8:], cosigned_message("w", START, ORIGIN, 5, TREE.root()))
    assert [line.signature[:8] == stamp for line in lines] == [False, True, True]
    assert [len(line.signature) for line in lines] == [64, 72, 2428]


def test_a_note_is_rejected_when_one_known_key_fails_or_none_signs() -> None:
    signers = key(ORIGIN) + key("w", COSIGNER, ml_dsa=True)
    note = sign_text(TEXT, signers, START)
    keys = [signer.key for signer in signers]
    assert [found.time for found in verify_note(note, keys)] == [None, START, START]
    for n, line in enumerate(note.signatures):
        bad = Signature(line.name, line.key_id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
        broken = Note(note.text, (*note.signatures[:n], bad, *note.signatures[n + 1 :]))
        with pytest.raises(VerificationError, match="does not hold"):
            verify_note(broken, keys)
        assert len(verify_note(broken, [k for k in keys if k != keys[n]])) == 2
    with pytest.raises(VerificationError, match="no signature of a known key"):
        verify_note(note, [key("stranger")[0].key])
    assert verify_known(note, []) == ()


@pytest.mark.parametrize("signature", [b"x", bytes(64), bytes(72), bytes(73), b"\xff" * 72, bytes(2428)])
def test_signatures_of_any_length_are_refused_not_choked_on(signature: bytes) -> None:
    for signer in key(ORIGIN) + key("w", COSIGNER, ml_dsa=True):
        note = Note(TEXT, (Signature(signer.key.name, signer.key.key_id, signature),))
        with pytest.raises(VerificationError):
            verify_note(note, [signer.key])


def test_a_name_or_an_id_alone_makes_no_known_key() -> None:
    one, two = key("w", COSIGNER)[0], key("v", COSIGNER)[0]
    note = sign_text(TEXT, [one], START)
    same_name = VerifierKey("w", COSIGNER, two.key.public)
    assert verify_known(note, [same_name, two.key]) == ()


def test_two_keys_of_one_name_and_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    one = key("w", COSIGNER)[0].key

    class Colliding(VerifierKey):
        key_id = one.key_id  # type: ignore[assignment]

    with pytest.raises(ConfigError, match="share the name"):
        verify_known(Note(TEXT, ()), [one, Colliding("w", COSIGNER, bytes(32))])


def test_a_name_that_no_line_can_carry_makes_no_key() -> None:
    for name in ("", "a b", "a+b", "a\u3000b", "a\nb", "\ud800", "\u6728" * 86):
        with pytest.raises(ConfigError, match="cannot name a key"):
            signer_from_seed(name, 1, bytes(32))


def test_an_ml_dsa_key_signs_checkpoints_of_short_origins_only() -> None:
    pq = key("w", COSIGNER, ml_dsa=True)[1]
    with pytest.raises(FormatError):
        pq.sign("no checkpoint\n", START)
    with pytest.raises(FormatError, match="255 bytes"):
        pq.sign(Checkpoint("o" * 256, 5, TREE.root()).text(), START)
    long = Note(Checkpoint("o" * 256, 5, TREE.root()).text(), (Signature("w", pq.key.key_id, bytes(2428)),))
    with pytest.raises(FormatError, match="255 bytes"):
        verify_note(long, [pq.key])


@pytest.mark.parametrize("passphrase", [b"", b"correct horse"])
@pytest.mark.parametrize("ml_dsa", [False, True])
def test_a_key_file_gives_its_keys_back(passphrase: bytes, ml_dsa: bool) -> None:
    signers = new_key("w", os.urandom, COSIGNER, ml_dsa=ml_dsa)
    file = parse_key_file(seal_keys(signers, os.urandom, passphrase).encode())
    assert file.sealed == bool(passphrase)
    assert [s.key for s in file.signers(passphrase)] == [s.key for s in signers] == list(file.keys)
    assert [s.key.kind for s in signers] == [COSIGNER, ML_DSA][: 1 + ml_dsa]


def test_a_sealed_key_opens_for_its_passphrase_and_its_own_name_only() -> None:
    file = seal_keys(key("w"), steady_random(1), b"right")
    with pytest.raises(ConfigError, match="passphrase"):
        file.signers(b"wrong")
    renamed = KeyFile((VerifierKey("v", 1, file.keys[0].public),), file.private)
    with pytest.raises(ConfigError, match="passphrase"):
        renamed.signers(b"right")


def test_a_key_file_whose_parts_do_not_fit_is_refused() -> None:
    one, two = seal_keys(key("w"), os.urandom), seal_keys(key("v"), os.urandom)
    broken = {
        "does not make": KeyFile(one.keys, two.private),
        "1 keys and 2 seeds": KeyFile(one.keys, (*one.private, *two.private)),
        "is not a seed": KeyFile(one.keys, ("sede x",)),
        "has 3 bytes": KeyFile(one.keys, ("seed AAAA",)),
        "sealed scrypt SALT": KeyFile(one.keys, ("sealed argon x y",)),
    }
    for why, file in broken.items():
        with pytest.raises(FormatError, match=why):
            file.signers()


def test_a_key_file_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    file = seal_keys(key("w"), os.urandom)
    write_key(tmp_path / "k", file)
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="there already"):
        write_key(tmp_path / "k", file)
    with pytest.raises(TransportError, match="cannot be written"):
        write_key(tmp_path / "no" / "k", file)
    with pytest.raises(TransportError, match="cannot be read"):
        read_key_file(tmp_path / "absent")
    assert read_key_file(tmp_path / "k") == file


def test_folders_are_made_once_and_opened_for_what_they_are(tmp_path: Path) -> None:
    log_key, witness_key = seal_keys(key(ORIGIN), os.urandom), seal_keys(key("w", COSIGNER), os.urandom)
    init_log(tmp_path / "log", ORIGIN, log_key)
    assert open_log(tmp_path / "log").log.origin == ORIGIN
    init_cosigner(tmp_path / "w", "witness", witness_key)
    assert open_cosigner(tmp_path / "w", "witness").key == witness_key
    wrong = [
        ("they must be", lambda: init_log(tmp_path / "new", "other", log_key)),
        ("name a new", lambda: init_log(tmp_path / "log", ORIGIN, log_key)),
        ("one of type", lambda: init_cosigner(tmp_path / "new", "mirror", log_key)),
        ("for ever", lambda: open_cosigner(tmp_path / "w", "mirror")),
        ("make one", lambda: open_log(tmp_path)),
    ]
    for hint, act in wrong:
        with pytest.raises(ConfigError) as told:
            act()
        assert hint in told.value.hint
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TransportError, match="cannot be made"):
        init_log(tmp_path / "file" / "log", ORIGIN, log_key)


def test_a_policy_of_a_folder_changes_only_to_what_can_be_read(tmp_path: Path) -> None:
    init_cosigner(tmp_path / "w", "witness", seal_keys(key("w", COSIGNER), os.urandom))
    folder = open_cosigner(tmp_path / "w", "witness")
    line = LogLine(key(ORIGIN)[0].key, "http://x")
    folder.change(lambda policy: type(policy)(logs=(*policy.logs, line)))
    assert folder.policy().logs == (line,)
    calls = []

    def slow(policy: Policy) -> Policy:
        """Another change is made while this one is considered."""
        calls.append(policy)
        if len(calls) == 1:
            folder.change(lambda p: replace(p, logs=(*p.logs, LogLine(key("second")[0].key))))
        return replace(policy, logs=(*policy.logs, LogLine(key("third")[0].key)))

    folder.change(slow)
    assert [log.key.name for log in folder.policy().logs] == [ORIGIN, "second", "third"]
    folder.change(lambda p: replace(p, logs=p.logs[:1]))
    with pytest.raises(FormatError, match="two lines"):
        folder.change(lambda policy: type(policy)(logs=(*policy.logs, line)))
    assert folder.policy().logs == (line,)
