"""Policies: what the format refuses, what fills a quorum, and which time it then tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_worlds import ORIGIN, START, Branch, entries, key

from tocsin.forms.errors import FormatError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint
from tocsin.ledger.keys import COSIGNER, sign_text
from tocsin.ledger.merkle import EMPTY_ROOT
from tocsin.ledger.note import Note
from tocsin.ledger.policy import Group, LogLine, Policy, WitnessLine, check_log, check_note, parse_policy, quorum_time

LOG = key(ORIGIN)[0]
NAMES = ("a1", "a2", "a3", "b1", "b2", "b3")
COSIGNERS = {name: key(name, COSIGNER)[0] for name in NAMES}
SIDES = Policy(
    (LogLine(LOG.key),),
    tuple(WitnessLine(name, COSIGNERS[name].key) for name in NAMES),
    (Group("a", 2, NAMES[:3]), Group("b", 2, NAMES[3:]), Group("both", 2, ("a", "b"))),
    "both",
)
TREE = Branch(tuple(entries(9)))


def cosigned(times: dict[str, int], size: int = 9) -> Note:
    note = TREE.note([LOG], size)
    return Note(note.text, (*note.signatures, *(COSIGNERS[name].sign(note.text, at) for name, at in times.items())))


L, L2 = LOG.key.encode(), key("other")[0].key.encode()
W1, W2 = COSIGNERS["a1"].key.encode(), COSIGNERS["a2"].key.encode()
W1_RENAMED = type(LOG.key)("renamed", COSIGNER, COSIGNERS["a1"].key.public).encode()
REFUSED = {
    "no quorum line": f"log {L}\n",
    "two quorum lines": "quorum none\nquorum none\n",
    "an unknown quorum": "quorum x\n",
    "an unknown line": "logs x\nquorum none\n",
    "a log without key": "log\nquorum none\n",
    "a log with too many words": f"log {L} http://x y\nquorum none\n",
    "a cosigner's key for a log": f"log {W1}\nquorum none\n",
    "a log's key for a witness": f"witness w {L}\nquorum none\n",
    "one log on two lines": f"log {L}\nlog {L} http://x\nquorum none\n",
    "one key under two names": f"witness w {W1}\nwitness v {W1_RENAMED}\nquorum none\n",
    "one name for two witnesses": f"witness w {W1}\nwitness w {W2}\nquorum none\n",
    "one name for a witness and a group": f"witness w {W1}\ngroup w any w\nquorum none\n",
    "the name none for a witness": f"witness none {W1}\nquorum none\n",
    "the member none": "group g any none\nquorum none\n",
    "a member from below": f"group g any w\nwitness w {W1}\nquorum g\n",
    "a member of itself": "group g any g\nquorum g\n",
    "a member of two groups": f"witness w {W1}\ngroup g any w\ngroup h any w\nquorum g\n",
    "a member twice": f"witness w {W1}\ngroup g 1 w w\nquorum g\n",
    "no member": "group g any\nquorum none\n",
    "a threshold of 0": f"witness w {W1}\ngroup g 0 w\nquorum g\n",
    "a threshold above n": f"witness w {W1}\ngroup g 2 w\nquorum g\n",
    "a threshold in words": f"witness w {W1}\ngroup g most w\nquorum g\n",
    "a quorum from below": f"quorum w\nwitness w {W1}\n",
    "a carriage return": "quorum none\r\n",
    "a zero byte": "quorum none\n\0",
    "a delete character": "quorum none\n\x7f",
    "a key of no known type": "log x+00000000+AAAA\nquorum none\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_policy_is_refused_for(name: str) -> None:
    with pytest.raises(FormatError):
        parse_policy(REFUSED[name].encode())


def test_a_refusal_names_the_line() -> None:
    with pytest.raises(FormatError, match="line 3 of the policy"):
        parse_policy(f"# comment\n\nlog {W1}\nquorum none\n".encode())


def test_blanks_comments_and_octets_above_ascii_are_free() -> None:
    raw = f" \t# \u6ce8\n\n\twitness  \u7532\t{W1} http://x \n group g any \u7532\nquorum\tg".encode() + b"\n#\xff\xfe"
    policy = parse_policy(raw)
    assert policy.witnesses[0].url == "http://x"
    assert policy.quorum == "g"
    kelvin = f"witness K {W1}\nwitness \u212a {W2}\nquorum K\n".encode()
    assert [line.name.encode() for line in parse_policy(kelvin).witnesses] == [b"K", "\u212a".encode()]
    odd = b"witness \xff " + W1.encode() + b"\nquorum \xff\n"
    assert parse_policy(odd).encode() == odd


def test_32_of_everything_is_read() -> None:
    logs = [f"log {key(f'l{n}')[0].key.encode()}" for n in range(32)]
    names = [f"w{n}" for n in range(32)]
    witnesses = [f"witness {name} {key(name, COSIGNER)[0].key.encode()}" for name in names]
    groups = [f"group g{n} any w{n}" for n in range(31)]
    groups.append(f"group all 31 {' '.join(f'g{n}' for n in range(31))} w31")
    policy = parse_policy("\n".join([*logs, *witnesses, *groups, "quorum all", ""]).encode())
    assert policy.met(names[:31]) and not policy.met(names[:30])


@pytest.mark.parametrize(
    ("who", "missing"),
    [
        (NAMES, []),
        (("a1", "a3", "b1", "b2"), []),
        (NAMES[:3], ["b"]),
        (("a1", "b1", "b2", "b3"), ["a"]),
        ((), ["a", "b"]),
        (("a1", "b1"), ["a", "b"]),
    ],
)
def test_who_fills_the_quorum_and_which_side_is_missing(who: tuple[str, ...], missing: list[str]) -> None:
    assert SIDES.missing(who) == missing
    assert SIDES.met(who) == (not missing)
    note = cosigned(dict.fromkeys(who, START))
    if missing:
        with pytest.raises(VerificationError, match=", ".join(missing)):
            check_note(note, SIDES)
    else:
        assert check_note(note, SIDES).time == START


def test_a_lone_witness_beside_a_group_is_named_when_it_is_missing() -> None:
    policy = Policy(SIDES.logs, SIDES.witnesses, (SIDES.groups[0], Group("all", 2, ("a", "b1"))), "all")
    assert policy.missing(["a1", "a2"]) == ["b1"]
    assert Policy(SIDES.logs, SIDES.witnesses, (), "a1").missing([]) == ["a1"]


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 400)), st.integers(0, 200))
def test_the_time_of_a_quorum_is_the_greatest_that_one_fills_within_the_band(times: dict[str, int], band: int) -> None:
    found = quorum_time(SIDES, times, band)
    fits = [t for t in times.values() if t and SIDES.met([n for n in times if t - band <= times[n] <= t])]
    assert found == max(fits, default=None)


YEAR = 365 * 86_400


@pytest.mark.parametrize("off", [YEAR, -YEAR])
def test_one_clock_a_year_off_moves_nothing(off: int) -> None:
    note = cosigned({**dict.fromkeys(NAMES, START), "a1": START + off})
    assert check_note(note, SIDES).time == START


@pytest.mark.parametrize("off", [YEAR, -YEAR])
def test_a_quorum_that_needs_a_clock_a_year_off_is_none(off: int) -> None:
    note = cosigned({"a1": START + off, "a2": START, "b1": START, "b2": START})
    with pytest.raises(VerificationError, match="clocks"):
        check_note(note, SIDES)


def test_the_greatest_time_within_the_band_counts() -> None:
    times = {"a1": START, "a2": START + 120, "b1": START + 60, "b2": START + 119}
    assert check_note(cosigned(times), SIDES).time == START + 120
    with pytest.raises(VerificationError, match="clocks"):
        check_note(cosigned({**times, "a1": START - 1}), SIDES)


def test_the_greatest_of_two_cosignatures_by_one_key_is_its_own() -> None:
    twice = cosigned(dict.fromkeys(NAMES, START))
    more = COSIGNERS["a1"].sign(twice.text, START + 5)
    assert check_note(Note(twice.text, (more, *twice.signatures)), SIDES).times["a1"] == START + 5


def test_a_cosignature_without_time_counts_for_the_quorum_and_not_for_the_clock() -> None:
    signer = key("a1", COSIGNER, ml_dsa=True)[1]
    policy = Policy(SIDES.logs, (WitnessLine("pq", signer.key),), (), "pq")
    note = TREE.note([LOG])
    untimed = Note(note.text, (*note.signatures, signer.sign(note.text, 0)))
    with pytest.raises(VerificationError, match="clocks"):
        check_note(untimed, policy)
    timed = Note(note.text, (*note.signatures, signer.sign(note.text, START)))
    assert check_note(timed, policy).time == START


def test_no_quorum_asks_for_no_time() -> None:
    trusted = check_note(cosigned({}), Policy(SIDES.logs))
    assert (trusted.time, trusted.times, trusted.checkpoint.size) == (None, {}, 9)


def test_who_signs_for_a_log() -> None:
    stranger = key("stranger")[0]
    unsigned = Note(TREE.note([LOG]).text, TREE.note([stranger]).signatures)
    with pytest.raises(VerificationError, match="not signed by the log"):
        check_log(unsigned, SIDES)
    with pytest.raises(VerificationError, match="knows no log"):
        check_log(TREE.note([stranger], origin="stranger"), SIDES)
    with pytest.raises(VerificationError, match="does not hold"):
        bad = TREE.note([LOG])
        check_log(Note(bad.text, TREE.note([LOG], 8).signatures), SIDES)


def test_the_empty_tree_has_one_root() -> None:
    good = sign_text(Checkpoint(ORIGIN, 0, EMPTY_ROOT).text(), [LOG], 0)
    assert check_log(good, SIDES).size == 0
    with pytest.raises(VerificationError, match="root of its own"):
        check_log(sign_text(Checkpoint(ORIGIN, 0, bytes(32)).text(), [LOG], 0), SIDES)


def test_a_log_may_sign_with_two_algorithms() -> None:
    two = key(ORIGIN, ml_dsa=True)
    policy = Policy(tuple(LogLine(signer.key) for signer in two))
    note = TREE.note(two)
    for kept in (note, Note(note.text, note.signatures[:1]), Note(note.text, note.signatures[1:])):
        assert check_note(kept, parse_policy(policy.encode())).checkpoint.size == 9
