"""Anchors as gossip, evidence that stands alone, and what all are reminded of."""

import msgspec
import pytest
from coalition_worlds import follow, forked, found, member, recovery, second, side, signer, told_time
from sealed_worlds import START, Room, alarm, box, terms

from tocsin.coalition import (
    LogReader,
    Prefix,
    Stamped,
    check_exhibit,
    exhibit_fields,
    exhibit_votes,
    find_conflicts,
    fork_evidence,
    learn,
    parse_exhibit,
    read_anchors,
    read_box,
    reminders,
    sign_statement,
    state,
    view,
)
from tocsin.coalition.anchors import is_worth
from tocsin.coalition.exhibits import Exhibit, Page
from tocsin.forms.errors import ConfigError, FormatError, TocsinError, VerificationError
from tocsin.forms.statements import Anchor, Inquiry, Key, Notice, Stamp, Vote
from tocsin.ledger import Checkpoint, Note, Range, leaf_hash, parse_note, verify_evidence
from tocsin.ledger.keys import sign_text


def test_an_anchor_of_another_tree_is_evidence_against_the_log_that_showed_it() -> None:
    room = Room()
    book = room.world.of("b0")
    for text in ("one", "two"):
        book.write(Notice(book.origin, "run", text, START))
    other = forked(book, 1, "fork")
    other.write(Notice(book.origin, "run", "three", START))
    room.world.books[book.origin] = other
    room.anchor("a0", "b0")  # of the other branch
    room.world.books[book.origin] = book
    book.write(Notice(book.origin, "run", "four", START))
    saws = read_anchors(room.known())
    assert [(saw.size, saw.agrees) for saw in saws] == [(2, False)]
    served = {book.origin: signed(book.prefix())}
    (shown,) = find_conflicts(room.known(), saws, served)
    assert verify_evidence(shown, room.first.policy) == [book.origin]
    assert find_conflicts(room.known(), saws, {}) == []


def signed(log: Prefix) -> Note:
    tree = Range()
    tree.extend(log.leaves[i : i + 32] for i in range(0, len(log.leaves), 32))
    return sign_text(Checkpoint(log.origin, log.size, tree.root()).text(), [signer(log.origin)], START)


def test_an_anchor_that_the_other_log_never_signed_shows_nothing() -> None:
    room = Room()
    room.world.of("b0").write(Notice("log.b0.0", "run", "one", START))
    book, note = room.world.of("a0"), signed(room.world.of("b0").prefix())
    for raw in (
        note.encode().decode(),
        sign_text(note.text, [signer("log.a1.0")], START).encode().decode(),
        sign_text(note.text.replace("log.b0.0", "log.a0.0"), [signer("log.a0.0")], START).encode().decode(),
        sign_text(note.text + "extension\n", [signer("log.b0.0")], START).encode().decode(),
        "no note",
    ):
        book.write(Anchor(book.origin, raw, []))
    assert [saw.index for saw in read_anchors(room.known())] == [0]


def test_two_logs_do_not_anchor_each_other_for_ever() -> None:
    room = Room()
    room.world.of("b0").write(Notice("log.b0.0", "run", "one", START))
    prefixes = lambda: (room.world.of("a0").prefix(), room.world.of("b0").prefix())  # noqa: E731
    assert is_worth(*prefixes(), [])
    room.anchor("a0", "b0")
    assert not is_worth(*prefixes(), [])
    room.anchor("b0", "a0")
    room.stamp("b0", 5)
    assert not is_worth(*prefixes(), [])
    assert is_worth(*prefixes(), [0])
    room.world.of("b0").write(Notice("log.b0.0", "run", "two", START))
    assert is_worth(*prefixes(), [])


def test_all_are_reminded_of_what_is_due_and_of_what_is_overdue() -> None:
    room = Room()
    book, hour = room.world.of("a0"), 3600
    book.write(Notice(book.origin, "run", "a large run", START + 100 * hour))
    book.write(Inquiry(book.origin, "log.b0.0", "yours?", START + 60 * hour))
    room.stamp("a0", 1)
    told = {
        hours: [(r.status, r.to) for r in reminders(state(room.known(), START + hours * hour))]
        for hours in (1, 20, 61, 101)
    }
    due, notice = ("due", "log.b0.0"), ("lasts", "")
    assert told == {
        1: [notice],
        20: [due, notice],
        61: [("overdue", "log.b0.0"), notice],
        101: [("overdue", "log.b0.0")],
    }


class Real:
    """A log with real signatures, and stamps that all mirrors cosigned."""

    def __init__(self, name: str = "a0", rotate: bool = False) -> None:
        self.first = found([side(s, [member(f"{s}0")]) for s in "ab"], expiry=10**9)
        self.name, self.origin = name, member(name).origin
        self.key = signer(f"statement.{name}.0")
        self.raws: list[bytes] = []
        if rotate:
            self.write(Key(self.origin, "statement", signer("fresh").key.encode()), recovery(name))
            self.key = signer("fresh")

    def write(self, form: object, *more: object) -> int:
        self.raws.append(sign_statement(self.first.hash, form, [self.key, *more]))  # type: ignore[arg-type, list-item]
        return len(self.raws) - 1

    def note(self, at: int, raws: list[bytes] | None = None) -> Note:
        tree, held = Range(), self.raws if raws is None else raws
        tree.extend(map(leaf_hash, held))
        text = Checkpoint(self.origin, len(held), tree.root()).text()
        mirrors = [signer(f"mirror.{s}0.0", 4).sign(text, at) for s in "ab"]
        return Note(text, (*sign_text(text, [signer(self.origin)], at).signatures, *mirrors))

    def stamp(self, at: int) -> None:
        for _ in range(2):
            self.write(Stamp(self.origin, 0, self.first.hash, self.note(at).encode().decode()))

    def prefix(self) -> Prefix:
        reader = LogReader(member(self.name), self.first.hash)
        reader.feed(self.raws)
        return reader.prefix()

    def raw(self, _origin: str, index: int) -> bytes:
        return self.raws[index]


def double_vote(*, rotate: bool = False) -> tuple[Real, Exhibit]:
    log = Real(rotate=rotate)
    votes = [log.write(Vote(log.origin, log.first.hash, 0, follow(log.first, str(n)).hash)) for n in range(2)]
    log.stamp(second(0, 5))
    known = learn(log.first, lambda one: [log.prefix()] if one.origin == log.origin else [])
    assert [m[1:] for m in state(known, second(1)).misconduct] == [tuple(votes)]
    return log, exhibit_votes(known, log.raw, log.origin, *votes)


@pytest.mark.parametrize("rotate", [True, False])
def test_two_votes_are_shown_to_anybody_alone(rotate: bool) -> None:
    log, made = double_vote(rotate=rotate)
    pages = check_exhibit(parse_exhibit(made.encode()))
    assert [(p.origin, p.time) for p in pages] == [(log.origin, second(0, 5))] * 2


def test_an_exhibit_that_was_changed_anywhere_shows_nothing() -> None:
    log, made = double_vote(rotate=True)
    other = found([side(s, [member(f"{s}1")]) for s in "ab"])
    thief = Real()
    thief.key = signer("stolen")
    swapped = msgspec.structs.replace(made.pages[0], entry=made.pages[1].entry)
    honest = Real()
    honest.write(Notice(honest.origin, "run", "one", 1))
    wrong: list[Exhibit] = [
        msgspec.structs.replace(made, pages=[made.pages[0], made.pages[0]]),
        msgspec.structs.replace(made, pages=made.pages[:1]),
        msgspec.structs.replace(made, pages=[swapped, made.pages[1]]),
        msgspec.structs.replace(made, kind="fields"),
        msgspec.structs.replace(made, kind="ending"),
        msgspec.structs.replace(made, charters=[other.encode()]),
        msgspec.structs.replace(made, keys=[]),
        msgspec.structs.replace(made, keys=[*made.keys, *made.keys]),
        msgspec.structs.replace(made, keys=[made.pages[0]]),
        msgspec.structs.replace(made, pages=[msgspec.structs.replace(p, charter=1) for p in made.pages]),
    ]
    for exhibit in wrong:
        with pytest.raises(TocsinError):
            check_exhibit(exhibit)
    for raw in (made.encode() + b" ", made.encode()[:-1], made.encode().replace(b"exhibit/v1", b"exhibit/v2")):
        with pytest.raises(FormatError):
            parse_exhibit(raw)
    assert log.raws


def test_votes_that_a_quorum_has_not_cosigned_show_nothing() -> None:
    log, made = double_vote()
    bare = sign_text(parse_note(log.note(1).encode()).text, [signer(log.origin)], 1)

    def stripped(page: Page) -> Page:
        head, _, _ = page.proof.partition("\n\n")
        return msgspec.structs.replace(page, proof=f"{head}\n\n{bare.encode().decode()}")

    with pytest.raises(VerificationError):
        check_exhibit(msgspec.structs.replace(made, pages=[stripped(page) for page in made.pages]))


def test_what_no_stamp_covers_is_not_shown() -> None:
    log = Real()
    log.write(Vote(log.origin, log.first.hash, 0, "1" * 64))
    known = learn(log.first, lambda one: [log.prefix()] if one.origin == log.origin else [])
    with pytest.raises(ConfigError):
        exhibit_votes(known, log.raw, log.origin, 0, 0)


def test_two_branches_are_shown_by_their_stamps() -> None:
    branches = []
    for text in ("one", "two"):
        log = Real()
        log.write(Notice(log.origin, "run", text, 1))
        log.stamp(second(0, 5))
        branches.append(log.prefix())
    shown = fork_evidence(branches)
    assert shown and verify_evidence(shown, log.first.policy) == [log.origin]
    assert fork_evidence([branches[0], branches[0]]) is None


def test_fields_of_a_body_are_shown_only_where_a_stamp_of_the_charter_covers_it() -> None:
    room = Room()
    digest = room.say("a0", alarm(room.agree(terms("a0", "b0"))), ("b0",), at=10)
    log = room.known().logs["log.a0.0"]
    with pytest.raises(ConfigError):
        exhibit_fields(log, lambda *_: b"", 2, room.first, room.bodies[digest], ["kind"], lambda *_: None)


def test_faults_and_the_view_read_no_absence_of_an_anchor() -> None:
    """With or without anchors of what is true, alarms stand as they did."""
    room = Room()
    room.say("a0", alarm(room.agree(terms("a0", "b0"))), ("b0",), at=10)
    before = [one.status for one in room.view("b0", 100).alarms]
    room.anchor("b0", "a0", at=20)
    assert [one.status for one in room.view("b0", 100).alarms] == before == ["heard"]
    keys = [read_box(box("b0"))]
    known = learn(room.first, room.world.logs(), told_time)
    assert view(known, START + 100, [], keys).missing


def test_a_served_checkpoint_of_another_tree_keeps_no_log_fresh() -> None:
    from tocsin.coalition import as_served

    log = Real()
    log.write(Notice(log.origin, "run", "one", 1))
    log.stamp(second(0, 5))
    known = learn(log.first, lambda one: [log.prefix()] if one.origin == log.origin else [])
    good, odd = log.note(second(0, 9)), log.note(second(0, 9), [b"x"])
    assert as_served(known, {log.origin: good}) == {log.origin: Stamped(3, 3, 0, log.first.hash, good)}
    assert as_served(known, {log.origin: odd}) == as_served(known, {"log.b0.0": good}) == {}
