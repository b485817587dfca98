"""Mirrors: cosign only what is held and served, however the entries come."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_worlds import ORIGIN, START, Between, Clock, Cosigner, World, entries, key, steady_random

from tocsin.forms.errors import FormatError, TransportError, VerificationError
from tocsin.ledger.audit import audit_mirror, walk
from tocsin.ledger.checkpoint import Checkpoint, origin_hash, parse_checkpoint
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.follow import Peers, read_tender, step, sync
from tocsin.ledger.gather import Tender, check_not_restored, cosign, gather, packages
from tocsin.ledger.keys import COSIGNER, sign_text, verify_note
from tocsin.ledger.leaves import LeafIndex
from tocsin.ledger.log import Log
from tocsin.ledger.mirror import Mirror, Upload
from tocsin.ledger.note import Note, parse_signatures
from tocsin.ledger.policy import LogLine, Policy, WitnessLine
from tocsin.ledger.recover import recover
from tocsin.ledger.source import Source, below, folder_source, http_source, read_checkpoint
from tocsin.ledger.tiles import WIDTH
from tocsin.ledger.upload import Package, UploadHead, parse_mirror_info
from tocsin.ledger.wire import MIRROR_INFO, Answer
from tocsin.ledger.witness import AddCheckpoint

LOG = origin_hash(ORIGIN)


def copy_of(world: World, name: str = "m") -> Source:
    return folder_source(world.folder / name / "public" / LOG)


def mirror_of(cosigner: Cosigner) -> Mirror:
    assert isinstance(cosigner.app, Mirror)
    return cosigner.app


def tender(world: World, note: Note) -> Tender:
    return Tender(note, world.log.tree.hashes(), world.log.tree.entries)


def begun(mirror: Mirror, start: int, end: int, ticket: bytes = b"") -> Upload:
    found = mirror.begin(UploadHead(ORIGIN, start, end, ticket))
    assert isinstance(found, Upload), found
    return found


def refused(mirror: Mirror, start: int, end: int, ticket: bytes = b"") -> Answer:
    found = mirror.begin(UploadHead(ORIGIN, start, end, ticket))
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize("sizes", [[1], [256], [255, 257], [3, 3, 700], [100, 300, 512]])
def test_a_mirror_serves_and_cosigns_every_entry(world: World, sizes: list[int]) -> None:
    m = world.mirror("m")
    policy = world.policy({"a": [m]})
    for size in sizes:
        world.log.append(entries(size))
        note = world.cosigned(policy)
        assert len(note.signatures) == 2
        served = read_checkpoint(copy_of(world))
        tree = parse_checkpoint(served.text)
        assert (tree.size, served.text) == (size, note.text)
        verify_note(served, [m.signers[0].key])
        walk(copy_of(world), tree, lambda _: None)


def test_a_mirror_that_pulls_ends_where_one_that_is_pushed_to_does(world: World) -> None:
    pulled, pushed = world.mirror("pulled"), world.mirror("pushed")
    world.log.append(entries(700))
    world.log.publish(world.checkpoint())
    assert sync(mirror_of(pulled), folder_source(world.folder / "log")).size == 700
    world.cosigned(world.policy({"a": [pushed]}))
    a, b = (folder_source(world.folder / name / "public" / LOG) for name in ("pulled", "pushed"))
    for name in ("tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/188"):
        assert a(name, 1 << 25) == b(name, 1 << 25) is not None
    assert sync(mirror_of(pulled), folder_source(world.folder / "log")).size == 700


def test_uploads_may_come_in_pieces_and_twice(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    world.log.append(entries(1000))
    note = world.checkpoint()
    show = tender(world, note)
    assert mirror.inbox.add_checkpoint(AddCheckpoint(0, (), note).encode()) == Answer(200, b"")
    sent = list(packages(show, 0, 1000))
    first = begun(mirror, 0, 1000)
    assert [first.take(package) for package in sent[:2]] == [None, None]
    early = first.finish(complete=False)
    info = parse_mirror_info(early.body)
    assert (early.status, early.content_type, info.size, info.next) == (202, MIRROR_INFO, 1000, 512)
    again, beside = begun(mirror, 300, 1000, info.ticket), begun(mirror, 512, 1000)
    for package in packages(show, 300, 1000):
        assert again.take(package) is None
    for package in packages(show, 512, 1000):
        assert beside.take(package) is None
    for upload in (again, beside):
        answer = upload.finish(complete=True)
        verify_note(Note(note.text, parse_signatures(answer.body)), [key("m", COSIGNER)[0].key])
    walk(copy_of(world), parse_checkpoint(note.text), lambda _: None)


def test_a_checkpoint_that_was_overtaken_is_finished_by_its_ticket(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    world.log.append(entries(600))
    old = world.checkpoint()
    old_tender = tender(world, old)
    step(mirror.inbox, old_tender.note, old_tender.hashes)
    start = begun(mirror, 0, 600)
    assert start.take(next(packages(old_tender, 0, 600))) is None
    info = parse_mirror_info(start.finish(complete=False).body)
    world.log.append(entries(900))
    step(mirror.inbox, world.checkpoint(), world.log.tree.hashes())
    assert refused(mirror, 256, 600).status == 409
    assert refused(mirror, 256, 600, bytes(32) + info.ticket[32:]).status == 409
    forward = begun(mirror, 256, 900)
    for package in packages(tender(world, world.checkpoint()), 256, 900):
        assert forward.take(package) is None
    late = parse_mirror_info(refused(mirror, 601, 600 + 1, info.ticket).body)
    assert (late.size, late.next) == (900, 900)
    on = begun(mirror, 256, 600, info.ticket)
    for package in packages(old_tender, 256, 600):
        assert on.take(package) is None
    assert on.finish(complete=True).status == 200
    assert parse_checkpoint(mirror.served(ORIGIN).text).size == 600  # type: ignore[union-attr]
    assert parse_checkpoint(mirror.pending(ORIGIN).text).size == 900  # type: ignore[union-attr]


def test_the_served_checkpoint_is_cosigned_again_and_never_shrinks(world: World) -> None:
    clock = Clock()
    m = world.mirror("m", clock=clock)
    mirror, policy = mirror_of(m), world.policy({"a": [m]})
    world.log.append(entries(300))
    first = world.cosigned(policy)
    clock.at += 60
    again = begun(mirror, 300, 300).finish(complete=True)
    assert parse_signatures(again.body)[0].signature[:8] == (START + 60).to_bytes(8, "big")
    late = begun(mirror, 300, 300)
    world.log.append(entries(400))
    world.cosigned(policy)
    answer = late.finish(complete=True)
    assert (answer.status, parse_mirror_info(answer.body).size) == (409, 400)
    assert parse_mirror_info(refused(mirror, 300, 300).body).size == 400, (
        "the size to go on with, not the one left behind"
    )
    assert parse_checkpoint(first.text).size == 300


def test_two_who_finish_at_once_both_are_cosigned(world: World) -> None:
    """Another upload of the same tree is committed between this one's reading and its swap."""
    m = world.mirror("m")
    world.log.append(entries(300))
    show = tender(world, world.checkpoint())
    between = Between(world.folder / "m", "checkpoint", lambda: gather(show, world.policy({"a": [m]}), world.net))
    mirror = Mirror(between, world.follows, m.signers, world.clock, bytes(32))
    mirror_of(m).inbox.add_checkpoint(AddCheckpoint(0, (), show.note).encode())
    upload = begun(mirror, 0, 300)
    for package in packages(show, 0, 300):
        assert upload.take(package) is None
    assert upload.finish(complete=True).status == 200
    assert between.met


def test_an_upload_is_refused_for(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    assert mirror.begin(UploadHead("unknown", 0, 1)).status == 404  # type: ignore[union-attr]
    assert refused(mirror, 0, 10).status == 422
    world.log.append(entries(8_500))
    note = world.checkpoint()
    show = tender(world, note)
    step(mirror.inbox, show.note, show.hashes)
    assert (refused(mirror, 1, 8_500).status, refused(mirror, 0, 8_499).status) == (409, 409)
    upload = begun(mirror, 0, 8_500)
    for package in packages(show, 0, 8_500):
        assert upload.take(package) is None
    answer = refused(mirror, 0, 8_500)
    info = parse_mirror_info(answer.body)
    assert (answer.status, info.size, info.next) == (409, 8_500, 8_500)


def test_packages_that_do_not_fit_are_refused_and_not_kept(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    world.log.append(entries(600))
    show = tender(world, world.checkpoint())
    step(mirror.inbox, show.note, show.hashes)
    good = list(packages(show, 0, 600))
    wrong = [
        replace(good[0], entries=(b"other", *good[0].entries[1:])),
        replace(good[0], entries=good[0].entries[::-1]),
        replace(good[0], proof=good[1].proof),
        replace(good[0], proof=()),
        replace(good[0], proof=(*good[0].proof, bytes(32))),
    ]
    for package in wrong:
        upload = begun(mirror, 0, 600)
        answer = upload.take(package)
        assert answer and answer.status == 422
        assert upload.finish(complete=False).status == 400
    assert mirror.tree(ORIGIN).head().size == 0
    assert mirror.served(ORIGIN) is None


@settings(max_examples=8)
@given(sizes=st.lists(st.integers(1, 300), min_size=1, max_size=3), cut=st.integers(0, 900))
def test_packages_from_any_start_prove_themselves(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cut: int
) -> None:
    world = World(tmp_path_factory.mktemp("w"))
    mirror = mirror_of(world.mirror("m"))
    total = 0
    for count in sizes:
        total += count
        world.log.append(entries(total))
        show = tender(world, world.checkpoint())
        step(mirror.inbox, show.note, show.hashes)
        start = min(cut, mirror.tree(ORIGIN).head().size)
        upload = begun(mirror, start, total)
        assert [upload.take(package) for package in packages(show, start, total)] == [None] * (
            -(-total // WIDTH) - start // WIDTH if start < total else 0
        )
        assert upload.finish(complete=True).status == 200


def test_a_mirror_that_cannot_fetch_an_entry_cosigns_nothing(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    world.log.append(entries(700))
    world.log.publish(world.checkpoint())
    (world.folder / "log/public/tile/entries/001").unlink()
    with pytest.raises(VerificationError, match="tile/entries/001 is not served"):
        sync(mirror, folder_source(world.folder / "log"))
    assert mirror.served(ORIGIN) is None
    assert mirror.tree(ORIGIN).head().size == 256


def test_a_mirror_whose_log_serves_too_few_entries_cosigns_nothing(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    world.log.append(entries(700))
    world.log.publish(world.checkpoint())
    path = world.folder / "log/public/tile/entries/002.p/188"
    path.write_bytes(path.read_bytes()[: -(2 + len(b"entry 699"))])
    with pytest.raises(FormatError, match="holds 187 entries"):
        sync(mirror, folder_source(world.folder / "log"))
    path.write_bytes(path.read_bytes() + b"\0\x09entry 698")
    with pytest.raises(VerificationError, match="refused with 422"):
        sync(mirror, folder_source(world.folder / "log"))
    assert mirror.served(ORIGIN) is None


def test_a_mirror_that_pulls_refuses_a_log_that_went_back_or_aside(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    world.log.append(entries(30))
    world.log.publish(world.checkpoint())
    sync(mirror, folder_source(world.folder / "log"))
    for count, tag, why in ((20, "entry", "went back from 30"), (40, "other", "refused with 422")):
        world.log = Log(FileStore(world._new(tag + "2")), LeafIndex(":memory:"), ORIGIN)
        world.log.append(entries(count, tag))
        world.log.publish(world.checkpoint())
        with pytest.raises(VerificationError, match=why):
            sync(mirror, folder_source(world.folder / (tag + "2")))


def test_a_mirror_that_pulls_says_why_it_may_not(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    world.log.append(entries(30))
    world.log.publish(world.checkpoint())
    mirror.require(ORIGIN, 31)
    with pytest.raises(VerificationError, match="refused with 409"):
        sync(mirror, folder_source(world.folder / "log"))
    world.log_key = key("stranger")
    with pytest.raises(VerificationError, match="refused with 404"):
        sync(mirror, folder_source(world.folder / "log"))


def test_a_mirror_that_holds_other_entries_than_it_should_cosigns_nothing(world: World) -> None:
    mirror = mirror_of(world.mirror("m"))
    world.log.append(entries(30))
    world.log.publish(world.checkpoint())
    mirror.tree(ORIGIN).extend(mirror.tree(ORIGIN).head(), entries(30, "other"))
    with pytest.raises(VerificationError, match="another root"):
        sync(mirror, folder_source(world.folder / "log"))


def peers(world: World, lines: list[WitnessLine], logs: str | None = None) -> Peers:
    def at(url: str) -> Source:
        if url in world.net.down:
            raise TransportError(f"no answer: {url}")
        return folder_source(Path(url))

    return Peers(Policy((LogLine(world.log_key[0].key, logs),), tuple(lines)), at)


def line(world: World, cosigner: Cosigner, name: str) -> WitnessLine:
    return WitnessLine(name, cosigner.signers[0].key, str(world.folder / name / "public"))


def test_peers_that_know_less_or_nothing_change_nothing(world: World) -> None:
    m, p, q = world.mirror("m"), world.mirror("p"), world.mirror("q")
    world.log.append(entries(30))
    world.cosigned(world.policy({"a": [m, p]}))
    world.log.append(entries(60))
    world.cosigned(world.policy({"a": [m]}))
    found = peers(world, [line(world, p, "p"), line(world, q, "q")]).catch_up(mirror_of(m).inbox)
    assert found == {ORIGIN: 30}
    assert peers(world, []).catch_up(mirror_of(m).inbox) == {ORIGIN: 0}


def test_a_peer_that_does_not_answer_or_has_no_address_is_not_passed_over(world: World) -> None:
    m, p = world.mirror("m"), world.mirror("p")
    there = line(world, p, "p")
    with pytest.raises(TransportError, match="no address"):
        peers(world, [replace(there, url=None)]).catch_up(mirror_of(m).inbox)
    world.net.down.add(f"{there.url}/{LOG}")
    with pytest.raises(TransportError, match="no answer"):
        peers(world, [there]).catch_up(mirror_of(m).inbox)


def test_the_proof_to_a_peers_checkpoint_may_come_from_the_log(world: World) -> None:
    m, w = world.mirror("m"), world.witness("w")
    policy = world.policy({"a": [m, w]})
    world.log.append(entries(30))
    world.cosigned(policy)
    world.log.append(entries(60))
    world.cosigned(world.policy({"a": [w]}))
    there = WitnessLine("w", w.signers[0].key, str(world.folder / "w" / "witness"))
    with pytest.raises(VerificationError, match="not served"):
        peers(world, [there]).catch_up(mirror_of(m).inbox)
    assert peers(world, [there], str(world.folder / "log")).catch_up(mirror_of(m).inbox) == {ORIGIN: 60}
    assert parse_checkpoint(mirror_of(m).pending(ORIGIN).text).size == 60  # type: ignore[union-attr]


def test_a_peer_that_serves_another_log_or_another_tree_is_not_believed(world: World) -> None:
    m, p = world.mirror("m"), world.mirror("p")
    world.log.append(entries(30))
    world.cosigned(world.policy({"a": [m, p]}))
    there, place = line(world, p, "p"), world.folder / "p" / "public" / LOG / "checkpoint"
    for text, why in (("other", "knows no log"), (ORIGIN, "another tree of 30")):
        tree = Checkpoint(text, 30, bytes(32))
        signed = sign_text(tree.text(), [*world.log_key, *p.signers], START)
        place.write_bytes(signed.encode())
        with pytest.raises(VerificationError, match=why):
            peers(world, [there]).catch_up(mirror_of(m).inbox)
    second = Peers(Policy((*world.follows().logs, LogLine(key("second")[0].key)), (there,)), peers(world, []).at)
    place.write_bytes(
        sign_text(Checkpoint("second", 5, bytes(32)).text(), [*key("second"), *p.signers], START).encode()
    )
    with pytest.raises(VerificationError, match="another log's checkpoint"):
        second.catch_up(mirror_of(m).inbox)


def test_cosignatures_are_gathered_from_all_who_answer(world: World) -> None:
    m, w, v = world.mirror("m"), world.witness("w", ml_dsa=True), world.witness("v")
    policy = world.policy({"a": [m, w], "b": [v]})
    world.log.append(entries(10))
    note = world.cosigned(policy)
    assert [s.name for s in note.signatures] == [ORIGIN, "m", "w", "w", "v"]
    world.net.down.add("http://v")
    world.log.append(entries(20))
    found = gather(tender(world, world.checkpoint()), policy, world.net)
    assert found.failures == {"v": "no answer: http://v"}
    assert gather(tender(world, note), Policy(policy.logs), world.net).note == note


Lines = list[Answer]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([Answer(403, b"no\x1b[31m\n")], r"answers 403: no\[31m"),
        ([Answer(409, b"7\n")], "carries no size"),
        ([Answer(409, b"7", "text/x.tlog.size")], "carries no size"),
        ([Answer(409, b"07\n", "text/x.tlog.size")], "plain decimal"),
        ([Answer(409, b"99\n", "text/x.tlog.size")], "has seen 99 entries"),
        ([Answer(409, b"%d\n" % n, "text/x.tlog.size") for n in (1, 2, 3, 4)], "changed under every try"),
        ([Answer(200, b"nonsense\n")], "signature line"),
        ([Answer(200, b""), Answer(422, b"no")], "answers 422"),
        (
            [Answer(200, b""), Answer(202, b"10\n0\n\n", MIRROR_INFO), Answer(202, b"10\n0\n\n", MIRROR_INFO)],
            "stays at entry 0",
        ),
        ([Answer(200, b""), Answer(409, b"9\n0\n\n", MIRROR_INFO)], "entry 0 of 9"),
    ],
)
def test_a_cosigner_that_answers_oddly_is_told_from_one_that_cosigns(world: World, answers: Lines, why: str) -> None:
    world.log.append(entries(10))
    left = iter(answers)
    there = WitnessLine("w", key("w", COSIGNER)[0].key, "http://w")
    with pytest.raises((VerificationError, FormatError, TransportError), match=why):
        cosign(tender(world, world.checkpoint()), there, lambda *_: next(left))


def test_an_answer_signed_for_another_checkpoint_is_refused(world: World) -> None:
    world.log.append(entries(10))
    note = world.checkpoint()
    signer = key("w", COSIGNER)[0]
    wrong = signer.sign(note.text.replace("10", "11"), START).line().encode()
    with pytest.raises(VerificationError, match="does not hold"):
        cosign(tender(world, note), WitnessLine("w", signer.key, "http://w"), lambda *_: Answer(200, wrong))


def test_an_answer_by_other_keys_alone_is_no_cosignature(world: World) -> None:
    world.log.append(entries(10))
    note = world.checkpoint()
    other = key("v", COSIGNER)[0].sign(note.text, START).line().encode()
    with pytest.raises(VerificationError, match="no line of the key"):
        cosign(
            tender(world, note), WitnessLine("w", key("w", COSIGNER)[0].key, "http://w"), lambda *_: Answer(200, other)
        )


def test_large_uploads_go_in_several_requests(world: World) -> None:
    m = world.mirror("m")
    calls = []

    def counted(method: str, url: str, *more: object) -> Answer:
        calls.append(url.rpartition("/")[2])
        return world.net(method, url, *more)  # type: ignore[arg-type]

    big = [steady_random(i)(60_000) for i in range(300)]
    world.log.append(big)
    show = tender(world, world.checkpoint())
    there = WitnessLine("m", m.signers[0].key, m.url)
    assert len(cosign(show, there, counted)) == 1
    assert calls.count("add-entries") == 3


def test_a_log_asks_whether_it_was_restored(world: World) -> None:
    w = world.witness("w")
    policy = world.policy({"a": [w]})
    check_not_restored(None, policy, world.net)
    world.log.append(entries(10))
    note = world.cosigned(policy)
    check_not_restored(note, policy, world.net)
    world.net.down.add("http://w")
    check_not_restored(note, policy, world.net)


def test_an_address_is_read_like_a_folder(world: World) -> None:
    answers = {"x/checkpoint": Answer(200, b"abc"), "x/gone": Answer(404), "x/broken": Answer(500)}
    source = http_source(lambda method, url, body, headers, most: answers[url[7:]], "http://x/")
    assert (source("checkpoint", 3), source("gone", 3)) == (b"abc", None)
    with pytest.raises(TransportError, match="status 500"):
        source("broken", 3)
    with pytest.raises(FormatError, match="longer than the 2 bytes"):
        source("checkpoint", 2)
    assert below(lambda name, most: name.encode(), "folder")("name", 9) == b"folder/name"
    with pytest.raises(TransportError, match="no checkpoint"):
        read_checkpoint(lambda name, most: None)
    (world.folder / "log" / "public" / "checkpoint").mkdir(parents=True)
    with pytest.raises(TransportError, match="cannot be read"):
        folder_source(world.folder / "log")("checkpoint", 10)


def test_a_mirror_is_audited_by_its_own_word(world: World) -> None:
    m, w = world.mirror("m"), world.witness("w")
    world.log.append(entries(300))
    world.cosigned(world.policy({"a": [m, w]}))
    trusted = audit_mirror(copy_of(world), world.policy({"a": [m], "b": [w]}), lambda _: None)
    assert (trusted.checkpoint.size, dict(trusted.times), trusted.time) == (300, {"m": START}, START)
    with pytest.raises(VerificationError, match="no witness of the policy"):
        audit_mirror(copy_of(world), world.policy({"b": [w]}), lambda _: None)


def test_a_log_recovers_from_a_mirror_into_a_new_folder(world: World) -> None:
    m = world.mirror("m")
    world.log.append(entries(700))
    note = world.cosigned(world.policy({"a": [m]}))
    new = Log(FileStore(world._new("new")), LeafIndex(":memory:"), ORIGIN)
    assert recover(new, copy_of(world), [world.log_key[0].key]).size == 700
    assert parse_checkpoint(new.published().text) == parse_checkpoint(note.text)  # type: ignore[union-attr]
    assert new.append(entries(701)) == list(range(701))
    with pytest.raises(VerificationError, match="not those"):
        recover(new, copy_of(world), [world.log_key[0].key])
    with pytest.raises(VerificationError):
        other = Log(FileStore(world._new("newer")), LeafIndex(":memory:"), ORIGIN)
        recover(other, copy_of(world), [key("stranger")[0].key])


def test_what_is_shown_to_a_mirror_is_read_in_bundles(world: World) -> None:
    world.log.append(entries(300))
    world.log.publish(world.checkpoint())
    show = read_tender(folder_source(world.folder / "log"))
    assert show.entries(250, 256) == entries(300)[250:256]
    assert [p.entries for p in packages(show, 290, 300)] == [tuple(entries(300)[290:])]
    assert isinstance(next(packages(show, 0, 300)), Package)
