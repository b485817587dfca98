"""Keys, logs, witnesses, mirrors and proofs, from the command line."""

import json
import stat
from pathlib import Path

import pytest
from command import Command

ORIGIN = "example.org/log"


@pytest.fixture
def log(tocsin: Command, tmp_path: Path) -> Path:
    """A log of three entries with a published checkpoint, and a policy that knows it."""
    folder = tmp_path / "log"
    vkey = tocsin("log", "init", folder, "--origin", ORIGIN).out
    for name in "abc":
        (tmp_path / name).write_text(name)
    assert tocsin("log", "append", folder, *(tmp_path / name for name in "abc")).out == "0\n1\n2\n"
    assert tocsin("log", "checkpoint", folder).out.startswith(f"{ORIGIN}\n3\n")
    (tmp_path / "policy").write_text(f"log {vkey}quorum none\n")
    return folder


def test_a_key_is_made_shown_and_kept_to_its_owner(tocsin: Command, tmp_path: Path) -> None:
    made = tocsin("key", "new", "--name", ORIGIN, "-o", tmp_path / "k", "--ml-dsa")
    assert (made.code, made.out.count("\n")) == (0, 2)
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
    assert tocsin("key", "show", tmp_path / "k").out == made.out
    assert json.loads(tocsin("key", "show", tmp_path / "k", "--json").out) == made.out.split()
    assert all(line.startswith(f"{ORIGIN}+") for line in made.out.split())
    assert tocsin("key", "new", "--name", ORIGIN, "-o", tmp_path / "k").code == 2
    assert tocsin("key", "new", "--name", "a b", "-o", tmp_path / "j").code == 2
    assert tocsin("key", "new", "--name", ORIGIN, "-o", tmp_path / "j", "--type", "judge").code == 2
    assert tocsin("key", "show", tmp_path / "absent").code == 4


def test_a_sealed_key_signs_for_its_passphrase_only(
    tocsin: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_PASSPHRASE", "correct horse")
    assert tocsin("key", "new", "--name", ORIGIN, "-o", tmp_path / "k", "--passphrase").code == 0
    assert tocsin("log", "init", tmp_path / "log", "--origin", ORIGIN, "--key", tmp_path / "k").code == 0
    assert tocsin("log", "checkpoint", tmp_path / "log").code == 0
    monkeypatch.setenv("TOCSIN_PASSPHRASE", "wrong")
    told = tocsin("log", "checkpoint", tmp_path / "log")
    assert (told.code, told.out) == (2, "")
    assert "passphrase" in told.err


def test_an_entry_is_proved_and_verified_offline(tocsin: Command, log: Path, tmp_path: Path) -> None:
    proof, policy = tmp_path / "p", tmp_path / "policy"
    assert tocsin("log", "prove", log, 1, "-o", proof).code == 0
    good = tocsin("verify", "proof", proof, "--entry", tmp_path / "b", "--policy", policy)
    assert good.out == f"origin\tsize\tindex\ttime\tcosigned\n{ORIGIN}\t3\t1\tnone\t\n"
    asked = tocsin("verify", "proof", proof, "--entry", tmp_path / "b", "--policy", policy, "--json")
    assert json.loads(asked.out) == {"origin": ORIGIN, "size": 3, "index": 1, "time": None, "cosigned": []}
    assert tocsin("verify", "proof", proof, "--entry", tmp_path / "a", "--policy", policy).code == 1
    proof.write_bytes(proof.read_bytes()[:-1])
    assert tocsin("verify", "proof", proof, "--entry", tmp_path / "b", "--policy", policy).code == 3
    assert tocsin("verify", "proof", tmp_path / "no", "--entry", tmp_path / "b", "--policy", policy).code == 4


def test_what_a_log_refuses(tocsin: Command, log: Path, tmp_path: Path) -> None:
    assert tocsin("log", "prove", log, 3, "-o", tmp_path / "p").code == 2
    assert tocsin("log", "init", log, "--origin", ORIGIN).code == 2
    tocsin("key", "new", "--name", "other", "-o", tmp_path / "k")
    assert tocsin("log", "init", tmp_path / "new", "--origin", ORIGIN, "--key", tmp_path / "k").code == 2
    (tmp_path / "large").write_bytes(bytes(65_536))
    assert tocsin("log", "append", log, tmp_path / "large").code == 2
    assert tocsin("log", "append", log, tmp_path / "absent").code == 4
    assert tocsin("log", "append", tmp_path, tmp_path / "a").code == 2
    assert json.loads(tocsin("log", "append", log, tmp_path / "a", "--json").out) == [0]


def test_a_log_is_verified_from_its_folder_and_against_what_was_seen(
    tocsin: Command, log: Path, tmp_path: Path
) -> None:
    policy, seen, proof = tmp_path / "policy", tmp_path / "seen", tmp_path / "p"
    seen.write_bytes((log / "public" / "checkpoint").read_bytes())
    tocsin("log", "prove", log, 0, "-o", proof)
    (tmp_path / "d").write_text("d")
    tocsin("log", "append", log, tmp_path / "d")
    tocsin("log", "checkpoint", log)
    told = tocsin("verify", "log", log, "--policy", policy, "--seen", seen, "--seen", proof, "--ask", "--json")
    assert json.loads(told.out)["size"] == 4
    (log / "public" / "tile" / "0" / "000.p" / "4").write_bytes(bytes(128))
    assert tocsin("verify", "log", log, "--policy", policy).code == 1


def test_a_fork_is_told_with_evidence_that_others_can_check(tocsin: Command, log: Path, tmp_path: Path) -> None:
    policy, evidence = tmp_path / "policy", tmp_path / "fork"
    fork = tmp_path / "other"
    tocsin("log", "init", fork, "--origin", ORIGIN, "--key", log / "key")
    tocsin("log", "append", fork, tmp_path / "c", tmp_path / "a", tmp_path / "b", tmp_path / "policy")
    tocsin("log", "checkpoint", fork)
    seen = log / "public" / "checkpoint"
    told = tocsin("verify", "log", fork, "--policy", policy, "--seen", seen, "--evidence", evidence)
    assert (told.code, told.out) == (1, "")
    assert "contradict" in told.err
    assert tocsin("verify", "evidence", evidence, "--policy", policy).out == f"{ORIGIN}\n"
    assert tocsin("verify", "log", fork, "--policy", policy, "--seen", seen).code == 1
    text = evidence.read_text()
    evidence.write_text(text.replace("fork", "rewind", 1))
    assert tocsin("verify", "evidence", evidence, "--policy", policy).code == 1


def test_a_mirror_pulls_from_a_folder_and_is_verified(tocsin: Command, log: Path, tmp_path: Path) -> None:
    mirror, vkey = tmp_path / "mirror", tocsin("key", "show", log).out.strip()
    cosigner = tocsin("mirror", "init", mirror, "--name", "m").out.strip()
    assert tocsin("mirror", "sync", mirror).code == 2
    assert tocsin("mirror", "add-log", mirror, vkey, log).code == 0
    assert tocsin("mirror", "add-log", mirror, vkey).code == 3
    assert tocsin("mirror", "sync", mirror).out == f"origin\tsize\n{ORIGIN}\t3\n"
    assert tocsin("mirror", "sync", mirror, log).out == f"origin\tsize\n{ORIGIN}\t3\n"
    assert tocsin("mirror", "sync", mirror, tmp_path / "absent").code == 4
    policy = tmp_path / "mirror-policy"
    policy.write_text(f"log {vkey}\nwitness m {cosigner}\nquorum m\n")
    told = json.loads(tocsin("verify", "mirror", mirror, "--policy", policy, "--json").out)
    assert (told["size"], told["cosigned"]) == (3, ["m"])
    assert tocsin("verify", "mirror", tmp_path / "absent", "--policy", policy).code == 4
    recovered = tmp_path / "recovered"
    assert tocsin("log", "recover", log, recovered, "--from", mirror).code == 0
    assert tocsin("key", "show", recovered).out.strip() == vkey
    assert tocsin("verify", "log", recovered, "--policy", policy).code == 0


def test_a_witness_takes_logs_and_peers(tocsin: Command, log: Path, tmp_path: Path) -> None:
    witness, vkey = tmp_path / "w", tocsin("key", "show", log).out.strip()
    tocsin("key", "new", "--name", "w", "-o", tmp_path / "k", "--type", "witness")
    assert tocsin("witness", "init", witness, "--name", "w", "--key", tmp_path / "k").code == 0
    assert tocsin("witness", "init", tmp_path / "v", "--name", "v", "--key", tmp_path / "k").code == 2
    assert tocsin("witness", "add-log", witness, vkey, "--url", "http://127.0.0.1:1").code == 0
    peer = tocsin("key", "new", "--name", "p", "-o", tmp_path / "p", "--type", "witness").out.strip()
    assert tocsin("witness", "add-peer", witness, "p", peer, "http://127.0.0.1:1").code == 0
    assert (witness / "policy").read_text().startswith(f"log {vkey} http://127.0.0.1:1\nwitness p {peer}")
    assert tocsin("witness", "add-log", witness, "nonsense").code == 3
    assert tocsin("mirror", "sync", witness).code == 2


def test_a_checkpoint_without_its_quorum_is_not_published(tocsin: Command, log: Path, tmp_path: Path) -> None:
    peer = tocsin("key", "new", "--name", "p", "-o", tmp_path / "p", "--type", "witness").out.strip()
    vkey = tocsin("key", "show", log).out.strip()
    policy = tmp_path / "strict"
    policy.write_text(f"log {vkey}\nwitness p {peer} http://127.0.0.1:1\ngroup side-b all p\nquorum side-b\n")
    before = (log / "public" / "checkpoint").read_bytes()
    told = tocsin("log", "checkpoint", log, "--policy", policy)
    assert (told.code, told.out) == (4, "")
    assert "side-b" in told.err and "p: no answer" in told.err
    assert (log / "public" / "checkpoint").read_bytes() == before
