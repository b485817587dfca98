"""With separate processes: two sides, each with a mirror and a witness, lose a part and get it back."""

import json
from hashlib import sha256
from pathlib import Path
from shutil import copytree

import pytest
from node_processes import Servers, code_of, run, run_here, write_entries

ORIGIN = "log.example.org/a"
HASH = sha256(ORIGIN.encode()).hexdigest()


class Coalition:
    """A served log, and the sides that cosign it."""

    def __init__(self, folder: Path, servers: Servers) -> None:
        self.folder, self.servers = folder, servers
        self.log, self.policy = folder / "log", folder / "policy"
        self.key = run_here("log", "init", self.log, "--origin", ORIGIN).strip()
        lines, names = [f"log {self.key}"], []
        for side in "ab":
            lines += self.join(side)
            names.append(f"side-{side}")
        self.policy.write_text("\n".join([*lines, f"group all-sides all {' '.join(names)}", "quorum all-sides", ""]))

    def join(self, side: str) -> list[str]:
        found = []
        for role in ("mirror", "witness"):
            name = f"{role}-{side}"
            made = run_here(role, "init", self.folder / name, "--name", f"{name}.example.org", *self.extra(role))
            run_here(role, "add-log", self.folder / name, self.key)
            url = self.start(name)
            found += [f"witness {name}{n} {key} {url}" for n, key in enumerate(made.split())]
        return [*found, f"group side-{side} all {' '.join(line.split()[1] for line in found)}"]

    def extra(self, role: str) -> list[str]:
        return ["--ml-dsa"] if role == "witness" else []

    def start(self, name: str) -> str:
        return self.servers.start(name, name.partition("-")[0], "serve", self.folder / name)

    def append(self, count: int, tag: str) -> list[int]:
        files = write_entries(self.folder / "entries", count, tag)
        return [int(index) for index in run_here("log", "append", self.log, *files).split()]

    def checkpoint(self, code: int = 0) -> str:
        done = run("log", "checkpoint", self.log, "--policy", self.policy, code=code)
        return done.stderr if code else done.stdout


@pytest.fixture
def coalition(tmp_path: Path, servers: Servers) -> Coalition:
    return Coalition(tmp_path, servers)


def test_a_side_that_is_stopped_is_named_and_both_recover(coalition: Coalition, tmp_path: Path) -> None:
    assert coalition.append(300, "first") == list(range(300))
    first = coalition.checkpoint()
    assert first.startswith(f"{ORIGIN}\n300\n")
    assert coalition.servers.stop("mirror-b") == 0, "a server that is told to end ends well"
    coalition.append(5, "second")
    told = coalition.checkpoint(code=4)
    assert "the cosignatures of side-b are missing" in told
    assert "side-a" not in told
    served = (coalition.log / "public" / "checkpoint").read_text()
    assert served == first, "what lacks its quorum is not published"
    coalition.start("mirror-b")
    assert coalition.checkpoint().startswith(f"{ORIGIN}\n305\n")
    proof, entry = tmp_path / "p", tmp_path / "entries" / "second-4"
    run_here("log", "prove", coalition.log, 304, "-o", proof)
    told = json.loads(run("verify", "proof", proof, "--entry", entry, "--policy", coalition.policy, "--json").stdout)
    assert (told["index"], told["size"], len(told["cosigned"])) == (304, 305, 6)
    run("verify", "proof", proof, "--entry", tmp_path / "entries" / "first-1", "--policy", coalition.policy, code=1)


@pytest.mark.minutes
def test_auditors_verify_log_and_mirrors_over_http(coalition: Coalition, tmp_path: Path) -> None:
    coalition.append(600, "entry")
    coalition.checkpoint()
    url = coalition.servers.start("log", "log", "serve", coalition.log)
    told = json.loads(run("verify", "log", url, "--policy", coalition.policy, "--ask", "--json").stdout)
    assert (told["origin"], told["size"]) == (ORIGIN, 600)
    for where in (coalition.servers.urls["mirror-a"], coalition.folder / "mirror-b"):
        mirror = json.loads(run("verify", "mirror", where, "--policy", coalition.policy, "--json").stdout)
        assert mirror["size"] == 600
    (coalition.log / "public" / "tile" / "entries" / "001").unlink()
    assert "tile/entries/001 is not served" in run("verify", "log", url, "--policy", coalition.policy, code=1).stderr
    coalition.servers.stop("log")
    assert "no answer" in run("verify", "log", url, "--policy", coalition.policy, code=4).stderr


def test_a_mirror_that_cannot_fetch_one_entry_does_not_cosign(coalition: Coalition, tmp_path: Path) -> None:
    coalition.append(600, "entry")
    run_here("log", "checkpoint", coalition.log)
    url = coalition.servers.start("log", "log", "serve", coalition.log)
    mirror = tmp_path / "puller"
    run_here("mirror", "init", mirror, "--name", "puller.example.org")
    run_here("mirror", "add-log", mirror, coalition.key, url)
    bundle = coalition.log / "public" / "tile" / "entries" / "001"
    raw = bundle.read_bytes()
    bundle.unlink()
    assert "tile/entries/001 is not served" in run("mirror", "sync", mirror, code=1).stderr
    assert not (mirror / "public" / HASH / "checkpoint").exists()
    bundle.write_bytes(raw)
    assert run("mirror", "sync", mirror).stdout == f"origin\tsize\n{ORIGIN}\t600\n"
    assert (mirror / "public" / HASH / "checkpoint").read_text().count("\n\u2014 ") == 2


@pytest.mark.minutes
def test_a_log_restored_from_backup_is_refused_and_recovers_from_a_mirror(coalition: Coalition, tmp_path: Path) -> None:
    coalition.append(10, "first")
    coalition.checkpoint()
    backup = tmp_path / "backup"
    coalition.log.rename(backup)
    copytree(backup, coalition.log)
    coalition.append(10, "second")
    coalition.checkpoint()
    coalition.log = backup
    assert coalition.append(1, "late") == [10], "nothing local can tell"
    done = run("log", "checkpoint", backup, "--policy", coalition.policy, code=5)
    assert "has seen 20 entries of the log, which has signed 10" in done.stderr
    assert "tocsin log recover" in done.stderr
    coalition.log = tmp_path / "recovered"
    run("log", "recover", backup, coalition.log, "--from", coalition.servers.urls["mirror-a"])
    assert coalition.append(1, "late") == [20]
    assert coalition.checkpoint().startswith(f"{ORIGIN}\n21\n")


@pytest.mark.minutes
def test_a_restarted_mirror_asks_its_peers_before_it_cosigns(
    coalition: Coalition, servers: Servers, tmp_path: Path
) -> None:
    a, b = tmp_path / "mirror-a", tmp_path / "mirror-b"
    key_b = run_here("key", "show", b).strip()
    run_here("mirror", "add-peer", a, "b", key_b, servers.urls["mirror-b"])
    coalition.append(5, "first")
    coalition.checkpoint()
    servers.stop("mirror-a")
    servers.stop("mirror-b")
    coalition.start("mirror-a")
    assert "503" in coalition.checkpoint(code=4)
    coalition.start("mirror-b")
    tries = (code_of("log", "checkpoint", coalition.log, "--policy", coalition.policy) for _ in range(60))
    assert 0 in tries
    servers.stop("mirror-b")
    servers.stop("mirror-a")
    process = servers.start("mirror-a", "mirror", "serve", a, "--without", "b")
    assert process == servers.urls["mirror-a"]
    run("mirror", "serve", a, "--port", "0", "--without", "nobody", code=2)
