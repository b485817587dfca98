"""One scenario for each attack: what the attacker holds, what they try, and where it ends."""

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from shutil import copytree, rmtree

import pytest
from ledger_worlds import ORIGIN, START, Branch, Clock, Cosigner, World, entries, key

from tocsin.forms.errors import FormatError, PolicyError, VerificationError
from tocsin.ledger.audit import MisconductError, audit_log, check_clock, check_seen
from tocsin.ledger.checkpoint import origin_hash, parse_checkpoint
from tocsin.ledger.evidence import Evidence, compare, find_rewind, parse_evidence, verify_evidence
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.follow import Peers
from tocsin.ledger.gather import Tender, check_not_restored, gather
from tocsin.ledger.keys import COSIGNER
from tocsin.ledger.merkle import leaf_hash
from tocsin.ledger.mirror import Mirror
from tocsin.ledger.note import NOTE_BYTES, Note, Signature, parse_note, parse_signatures
from tocsin.ledger.policy import LogLine, Policy, WitnessLine, check_note, parse_policy, quorum_time
from tocsin.ledger.proof import Proof, verify_proof
from tocsin.ledger.prove import prove_consistency, prove_inclusion
from tocsin.ledger.source import folder_source
from tocsin.ledger.tiles import BUNDLE_BYTES, read_bundle, write_bundle
from tocsin.ledger.witness import AddCheckpoint, Witness

LOG = key(ORIGIN)
HONEST = Branch(tuple(entries(301)))
YEAR = 365 * 86_400
NOBODY = lambda _: None  # noqa: E731


def fork_at(size: int) -> Branch:
    """The same entries up to one below `size`, then others."""
    return Branch((*HONEST.entries[: size - 1], *entries(302 - size, "forked")))


def add(witness: Witness, tree: Branch, old: int, new: int) -> int:
    proof = tuple(prove_consistency(tree.hashes, old, new)) if old else ()
    return witness.add_checkpoint(AddCheckpoint(old, proof, tree.note(LOG, new)).encode()).status


def witness_of(cosigner: Cosigner) -> Witness:
    assert isinstance(cosigner.app, Witness)
    return cosigner.app


def test_a_fork_at_every_size_up_to_300_is_refused_and_proved(world: World) -> None:
    """The log shows one tree to a witness and another, equal up to some size, to an auditor."""
    witness = witness_of(world.witness("w"))
    policy = world.follows()
    for size in range(1, 301):
        before = 0 if size == 1 else size - 1
        assert add(witness, HONEST, before, size) == 200
        other = fork_at(size)
        assert add(witness, other, size, size) == 422
        assert add(witness, other, size, 301) == 422
        assert witness.add_checkpoint(AddCheckpoint(size, (), other.note(LOG, 301)).encode()).status == 422
        evidence = compare(HONEST.note(LOG, size), other.note(LOG, 301), other.hashes)
        assert evidence and verify_evidence(parse_evidence(evidence.encode()), policy) == [ORIGIN]
        assert compare(HONEST.note(LOG, size), HONEST.note(LOG, 301), HONEST.hashes) is None


def test_a_witness_asked_twice_at_once_cosigns_one_branch(world: World) -> None:
    witness = witness_of(world.witness("w"))
    assert add(witness, HONEST, 0, 10) == 200
    branches = [fork_at(n) for n in range(11, 27)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda tree: add(witness, tree, 10, 300), branches))
    assert sorted(answers) == [200, *[409] * 15]
    latest = witness.latest(origin_hash(ORIGIN))
    assert latest and parse_checkpoint(latest.text).root == branches[answers.index(200)].root(300)


def test_a_mirror_asked_twice_at_once_holds_and_cosigns_one_branch(world: World) -> None:
    cosigners = [world.mirror("m")]
    policy = world.policy({"a": cosigners})
    branches = [fork_at(n) for n in (1, 2, 100, 200, 256, 257, 300)]

    def show(tree: Branch) -> Note:
        tender = Tender(tree.note(LOG), tree.hashes, lambda low, high: list(tree.entries[low:high]))  # type: ignore[arg-type]
        return gather(tender, policy, world.net).note

    with ThreadPoolExecutor(7) as pool:
        notes = list(pool.map(show, branches))
    won = [n for n, note in enumerate(notes) if len(note.signatures) == 2]
    assert len(won) == 1
    mirror = cosigners[0].app
    assert isinstance(mirror, Mirror)
    assert mirror.tree(ORIGIN).entries(0, 301) == list(branches[won[0]].entries)


def restored(world: World, name: str, backup: Path) -> Mirror:
    """The mirror after its folder was put back to what the backup held."""
    rmtree(world.folder / name)
    copytree(backup, world.folder / name)
    return Mirror(FileStore(world.folder / name), world.follows, key(name, COSIGNER), world.clock, bytes(32))


def test_a_mirror_restored_from_backup_cosigns_no_branch_that_its_peers_contradict(world: World) -> None:
    """The log waits for the restore, then shows a branch that the backup knows nothing against."""
    m, p = world.mirror("m"), world.mirror("p")
    policy = world.policy({"a": [m], "b": [p]})
    world.log.append(entries(100))
    world.cosigned(policy)
    copytree(world.folder / "m", world.folder / "backup")
    world.log.append(entries(200))
    world.cosigned(policy)
    naive = restored(world, "m", world.folder / "backup")
    branch = fork_at(150)
    assert add(naive.inbox, branch, 100, 300) == 200, "without its peers it would have been deceived"
    mirror = restored(world, "m", world.folder / "backup")
    line = WitnessLine("p", p.signers[0].key, str(world.folder / "p" / "public"))
    peers = Peers(Policy(world.follows().logs, (line,)), lambda url: folder_source(Path(url)))
    for origin, size in peers.catch_up(mirror.inbox).items():
        mirror.require(origin, size)
    assert add(mirror.inbox, branch, 200, 300) == 422
    m.app = mirror
    tender = Tender(branch.note(LOG, 150), branch.hashes, lambda low, high: list(branch.entries[low:high]))  # type: ignore[arg-type]
    assert len(gather(tender, policy, world.net).note.signatures) == 1
    world.log.append(entries(250))
    assert len(world.cosigned(policy).signatures) == 3


def test_a_restored_mirror_does_not_cosign_again_what_it_had_left_behind(world: World) -> None:
    m, p = world.mirror("m"), world.mirror("p")
    world.log.append(entries(100))
    old = world.cosigned(world.policy({"a": [m], "b": [p]}))
    copytree(world.folder / "m", world.folder / "backup")
    world.log.append(entries(200))
    world.cosigned(world.policy({"a": [m], "b": [p]}))
    mirror = restored(world, "m", world.folder / "backup")
    mirror.require(ORIGIN, 200)
    m.app = mirror
    tender = Tender(Note(old.text, old.signatures[:1]), world.log.tree.hashes(), world.log.tree.entries)
    assert "m" in gather(tender, world.policy({"a": [m]}), world.net).failures


def test_a_restored_mirror_with_a_branch_of_its_own_finds_that_its_peers_hold_another(world: World) -> None:
    m, p = world.mirror("m"), world.mirror("p")
    for cosigner, tree in ((m, fork_at(50)), (p, HONEST)):
        tender = Tender(
            tree.note(LOG, 300 if cosigner is p else 60), tree.hashes, lambda a, b, t=tree: list(t.entries[a:b])
        )  # type: ignore[arg-type]
        assert len(gather(tender, world.policy({"a": [cosigner]}), world.net).note.signatures) == 2
    line = WitnessLine("p", p.signers[0].key, str(world.folder / "p" / "public"))
    peers = Peers(Policy(world.follows().logs, (line,)), lambda url: folder_source(Path(url)))
    assert isinstance(m.app, Mirror)
    with pytest.raises(VerificationError, match="422"):
        peers.catch_up(m.app.inbox)


def test_a_rewind_of_the_log_is_refused_by_witnesses_and_told_by_auditors(world: World) -> None:
    w = world.witness("w")
    policy = world.policy({"a": [w]})
    world.log.append(entries(200))
    world.log.publish(world.checkpoint())
    seen = world.cosigned(policy)
    assert add(witness_of(w), fork_at(9), 200, 200) == 422
    assert add(witness_of(w), HONEST, 150, 160) == 409
    small = World(world.folder / "small")
    small.log.append(entries(150))
    small.net = world.net
    assert gather(
        Tender(small.checkpoint(), small.log.tree.hashes(), small.log.tree.entries), policy, world.net
    ).failures
    small.log.publish(small.checkpoint())
    source = folder_source(small.folder / "log")
    with pytest.raises(VerificationError, match="gone back from 200 entries to 150"):
        check_seen(source, small.checkpoint(), [seen], policy)


def test_a_cosigner_that_goes_back_is_convicted_by_its_own_lines(world: World) -> None:
    signer = key("w", COSIGNER)[0]
    policy = Policy(world.follows().logs, (WitnessLine("w", signer.key),), (), "w")

    def cosigned(size: int, at: int) -> Note:
        note = HONEST.note(LOG, size)
        return Note(note.text, (*note.signatures, signer.sign(note.text, at)))

    large, small = cosigned(200, START), cosigned(150, START + 1)
    evidence = find_rewind(large, small, policy)
    assert evidence and verify_evidence(parse_evidence(evidence.encode()), policy) == ["w"]
    for first, second in (
        (small, large),
        (large, cosigned(150, START - 1)),
        (large, large),
        (large, HONEST.note(LOG, 9)),
    ):
        assert find_rewind(first, second, policy) is None
        with pytest.raises(VerificationError, match="can be honest"):
            verify_evidence(Evidence("rewind", first, second), policy)


def test_evidence_that_shows_nothing_convicts_nobody(world: World) -> None:
    policy = world.follows()
    stranger, other = key("stranger"), fork_at(100)
    good = compare(HONEST.note(LOG, 200), other.note(LOG, 301), other.hashes)
    assert good and verify_evidence(good, policy) == [ORIGIN]
    nothing = [
        Evidence("fork", HONEST.note(LOG, 200), HONEST.note(LOG, 200)),
        Evidence("fork", HONEST.note(LOG, 200), other.note(LOG, 301)),
        Evidence("fork", HONEST.note(LOG, 200), other.note(stranger, 200)),
        Evidence("fork", HONEST.note(LOG, 200), other.note(LOG, 200, "other origin")),
        Evidence(
            "fork",
            good.first,
            HONEST.note(LOG, 301),
            HONEST.root(200),
            tuple(prove_consistency(HONEST.hashes, 200, 301)),
        ),
        Evidence("fork", good.first, HONEST.note(LOG, 301), good.root, good.proof),
        Evidence("fork", good.first, good.second, good.root, good.proof[1:]),
    ]
    for evidence in nothing:
        with pytest.raises(VerificationError):
            verify_evidence(evidence, policy)


def test_a_log_restored_from_an_old_backup_is_refused_before_it_signs(world: World) -> None:
    w = world.witness("w")
    policy = world.policy({"a": [w]})
    world.log.append(entries(100))
    world.cosigned(policy)
    copytree(world.folder / "log", world.folder / "backup")
    world.log.append(entries(200))
    world.cosigned(policy)
    old = World(world.folder / "second")
    rmtree(old.folder / "log")
    copytree(world.folder / "backup", old.folder / "log")
    assert old.log.append([b"taken after the restore"]) == [100]
    with pytest.raises(PolicyError, match="has seen 200 entries of the log, which has signed 100") as told:
        check_not_restored(old.log.signed(), policy, world.net)
    assert "tocsin log recover" in told.value.hint


@pytest.fixture
def served(world: World) -> Path:
    """A published log of 700 entries, to be spoilt."""
    world.log.append(entries(700))
    world.log.publish(world.checkpoint())
    return world.folder / "log" / "public"


def without_one(raw: bytes) -> bytes:
    kept = read_bundle(raw)
    return write_bundle((*kept[:100], *kept[101:]))


def with_another(raw: bytes) -> bytes:
    kept = read_bundle(raw)
    return write_bundle((*kept[:100], b"another", *kept[101:]))


def without_its_hash(raw: bytes) -> bytes:
    return raw[: 100 * 32] + raw[101 * 32 :] + bytes(32)


def with_a_bit(raw: bytes) -> bytes:
    return raw[:3200] + bytes([raw[3200] ^ 1]) + raw[3201:]


SPOILT: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "an entry dropped from its bundle": ("tile/entries/001", without_one, "holds 255 entries"),
    "an entry replaced in its bundle": ("tile/entries/001", with_another, "first at entry 356"),
    "an entry dropped from the tree": ("tile/0/001", without_its_hash, "first at entry 356"),
    "a tampered tile": ("tile/0/001", with_a_bit, "first at entry 356"),
    "a tampered upper tile": ("tile/1/000.p/2", lambda raw: raw[::-1], "tile/1/000.p/2 does not fit"),
    "a tampered partial tile": ("tile/0/002.p/188", with_a_bit, "first at entry 612"),
    "a tile of the wrong length": ("tile/0/001", lambda raw: raw[:-1], "does not fit"),
    "a partial tile that is too long": ("tile/0/002.p/188", lambda raw: raw + bytes(32), "does not fit"),
    "a tile that is far too long": ("tile/0/001", lambda raw: raw * 1000, "longer than"),
    "a bundle that is far too long": ("tile/entries/001", lambda raw: bytes(BUNDLE_BYTES + 1), "longer than"),
    "a bundle that breaks off": ("tile/entries/002.p/188", lambda raw: raw[:-1], "ends inside its entry 187"),
    "an empty bundle": ("tile/entries/001", lambda raw: b"", "holds 0 entries"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_an_audit_finds(world: World, served: Path, name: str) -> None:
    file, spoil, why = SPOILT[name]
    source, policy = folder_source(world.folder / "log"), world.follows()
    assert audit_log(source, policy, START, NOBODY).checkpoint.size == 700
    (served / file).write_bytes(spoil((served / file).read_bytes()))
    with pytest.raises(VerificationError, match=why):
        audit_log(source, policy, START, NOBODY)


def test_an_audit_finds_entries_and_tiles_that_are_missing(world: World, served: Path) -> None:
    for file in ("tile/entries/000", "tile/entries/002.p/188", "tile/0/002.p/188", "tile/1/000.p/2"):
        raw = (served / file).read_bytes()
        (served / file).unlink()
        with pytest.raises(VerificationError, match=f"{file} is not served"):
            audit_log(folder_source(world.folder / "log"), world.follows(), START, NOBODY)
        (served / file).write_bytes(raw)


def test_an_audit_finds_a_whole_tree_that_is_not_the_signed_one(world: World, served: Path) -> None:
    """Entries, tiles and all replaced alike; only the checkpoint is what the witnesses saw."""
    other = World(world.folder / "other")
    other.log.append(entries(700, "other"))
    other.log.publish(other.checkpoint())
    (other.folder / "log/public/checkpoint").write_bytes((served / "checkpoint").read_bytes())
    with pytest.raises(VerificationError, match="another root"):
        audit_log(folder_source(other.folder / "log"), world.follows(), START, NOBODY)


def test_a_split_view_is_found_by_comparing_what_two_readers_saw(world: World, served: Path) -> None:
    source, policy = folder_source(world.folder / "log"), world.follows()
    note = parse_note((served / "checkpoint").read_bytes())
    mine = Branch(tuple(entries(600)))
    check_seen(source, note, [mine.note(LOG), mine.note(LOG, 1), note], policy)
    for other in (fork_at(100).note(LOG, 300), Branch(tuple(entries(700, "x"))).note(LOG)):
        with pytest.raises(MisconductError, match="fork") as told:
            check_seen(source, note, [mine.note(LOG), other], policy)
        assert verify_evidence(told.value.evidence, policy) == [ORIGIN]
    with pytest.raises(VerificationError, match="knows no log"):
        check_seen(source, note, [HONEST.note(key("x"), origin="x")], policy)


def test_checkpoints_of_another_log_of_the_policy_are_left_alone(world: World, served: Path) -> None:
    policy = Policy((*world.follows().logs, LogLine(key("x")[0].key)))
    note = parse_note((served / "checkpoint").read_bytes())
    check_seen(folder_source(world.folder / "log"), note, [HONEST.note(key("x"), 5, "x")], policy)


def test_all_keys_of_one_side_in_the_attackers_hands_forge_nothing_and_stall_that_side(world: World) -> None:
    """Side a and the log conspire, with every key they have; side b is honest."""
    a, b = [world.mirror(f"a{n}") for n in range(3)], [world.mirror(f"b{n}") for n in range(3)]
    policy = world.policy({"a": a, "b": b}, least=2)
    world.log.append(entries(100))
    world.cosigned(policy)
    forged = fork_at(50)
    note = forged.note(LOG, 200)
    stolen = [signer.sign(note.text, START) for cosigner in a for signer in cosigner.signers]
    fake_b = [key(f"b{n}", COSIGNER + 0)[0].key for n in range(3)]
    lies = [Signature(k.name, k.key_id, stolen[0].signature) for k in fake_b]
    with pytest.raises(VerificationError, match="lacks the cosignatures of b"):
        check_note(Note(note.text, (*note.signatures, *stolen)), policy)
    with pytest.raises(VerificationError, match="does not hold"):
        check_note(Note(note.text, (*note.signatures, *stolen, *lies)), policy)
    entry = forged.entries[60]
    proof = Proof(60, tuple(prove_inclusion(forged.hashes, 60, 200)), Note(note.text, (*note.signatures, *stolen)))
    with pytest.raises(VerificationError):
        verify_proof(proof, entry, policy)
    tender = Tender(note, forged.hashes, lambda low, high: list(forged.entries[low:high]))  # type: ignore[arg-type]
    assert policy.missing([n for n in ("b0", "b1", "b2") if n not in gather(tender, policy, world.net).failures]) == [
        "a",
        "b",
    ]


def test_a_side_that_is_silent_stalls_until_enough_of_it_return(world: World) -> None:
    a, b = [world.mirror(f"a{n}") for n in range(3)], [world.mirror(f"b{n}") for n in range(3)]
    policy = world.policy({"a": a, "b": b}, least=2)
    stalled = []
    for turn, down in enumerate([set(), {"b0"}, {"b0", "b1"}, {"b0", "b1", "b2"}, {"b2"}, set()]):
        world.net.down = {f"http://{name}" for name in down}
        world.log.append(entries(10 * (turn + 1)))
        note = gather(
            Tender(world.checkpoint(), world.log.tree.hashes(), world.log.tree.entries), policy, world.net
        ).note
        try:
            check_note(note, policy)
        except VerificationError:
            stalled.append(turn)
    assert stalled == [2, 3]


@pytest.mark.parametrize("off", [YEAR, -YEAR])
def test_a_clock_a_year_off_cannot_date_a_checkpoint(world: World, off: int) -> None:
    a = [world.witness("a0", clock=Clock(START + off)), world.witness("a1"), world.witness("a2")]
    b = [world.witness("b0"), world.witness("b1"), world.witness("b2")]
    policy = world.policy({"a": a, "b": b}, least=2)
    world.log.append(entries(5))
    note = world.cosigned(policy)
    assert check_note(note, policy).time == START
    with pytest.raises(VerificationError, match="clocks"):
        check_note(note, world.policy({"a": a, "b": b}))


def test_clocks_of_a_whole_side_a_year_back_date_nothing_back(world: World) -> None:
    a = [world.witness(f"a{n}", clock=Clock(START - YEAR)) for n in range(3)]
    b = [world.witness(f"b{n}") for n in range(3)]
    world.log.append(entries(5))
    policy = world.policy({"a": a, "b": b}, least=2)
    with pytest.raises(VerificationError, match="clocks"):
        check_note(world.cosigned(policy), policy)


def test_clocks_of_all_sides_a_year_ahead_are_seen_by_the_readers_own(world: World) -> None:
    w = world.witness("w", clock=Clock(START + YEAR))
    world.log.append(entries(5))
    policy = world.policy({"a": [w]})
    trusted = check_note(world.cosigned(policy), policy)
    assert trusted.time == quorum_time(policy, trusted.times) == START + YEAR
    with pytest.raises(VerificationError, match="seconds from now"):
        check_clock(trusted, START)
    check_clock(trusted, START + YEAR - 100)


def test_one_key_under_two_names_never_counts_twice() -> None:
    one = key("w", COSIGNER)[0].key
    two = type(one)("v", COSIGNER, one.public)
    text = f"witness a {one.encode()}\nwitness b {two.encode()}\ngroup g all a b\nquorum g\n"
    with pytest.raises(FormatError, match="two lines"):
        parse_policy(text.encode())


LINE = Signature("w", b"abcd", bytes(64))
HOSTILE = {
    "100,000 signature lines": lambda: Note("o\n1\n", (LINE,) * 100_000).encode(),
    "100,000 short lines": lambda: b"t\n\n" + "\u2014 n AAAAAAA=\n".encode() * 100_000,
    "10 MB of text": lambda: b"x" * 10_000_000 + b"\n\n" + LINE.line().encode(),
    "10 MB of empty lines": lambda: b"\n" * 10_000_000,
    "512 KiB of empty lines": lambda: b"\n" * (512 << 10),
    "512 KiB of extension lines": lambda: (
        b"o\n1\n" + b"A" * 43 + b"=\n" + b"x\n" * 250_000 + b"\n" + LINE.line().encode()
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_note_takes_little_memory(world: World, name: str) -> None:
    """What it takes of time is measured by the bench."""
    raw = HOSTILE[name]()
    witness = witness_of(world.witness("w"))
    tracemalloc.start()
    try:
        for read in (parse_note, parse_signatures):
            with suppress(FormatError):
                read(raw)
        assert witness.add_checkpoint(b"old 0\n\n" + raw).status in (400, 404)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(raw) + (24 << 20)
    assert parse_or_none(raw) is None or len(raw) <= NOTE_BYTES


def parse_or_none(raw: bytes) -> Note | None:
    try:
        return parse_note(raw)
    except FormatError:
        return None


def test_an_index_is_bound_to_the_entry_it_was_given(world: World) -> None:
    world.log.append(entries(40))
    world.log.publish(world.checkpoint())
    proof = world.log.prove(7)
    policy = world.follows()
    assert verify_proof(proof, entries(40)[7], policy).checkpoint.size == 40
    for index, entry in (
        (8, entries(40)[7]),
        (7, entries(40)[8]),
        (40, entries(40)[7]),
        (7, leaf_hash(entries(40)[7])),
    ):
        with pytest.raises(VerificationError):
            verify_proof(Proof(index, proof.path, proof.note), entry, policy)
