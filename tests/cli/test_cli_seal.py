"""Sealed entries by command: made, delivered, received, seen, disclosed to an auditor, and forgotten."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import Command

from tocsin.coalition import sign_statement
from tocsin.forms.statements import Anchor, Stamp
from tocsin.ledger import Checkpoint, Note, open_log, read_key_file
from tocsin.ledger.keys import sign_text

NOW = 1_800_000_000
MEMBERS = ("ant", "bee", "cat")
TERMS = """
parties = ["ant", "bee"]
kinds = ["M02"]
classes = ["behaviour"]
purpose = "protect-users"
legal_basis = ""
transfer_basis = ""
jurisdictions = []
actions = ["review", "watch"]
retention = 90
onward = "none"
quorum = "all"
expiry = 1805000000
"""
ALARM = """
agreement = "{agreement}"
kind = "{kind}"
subject = "5555555555555555555555555555555555555555555555555555555555555555"
severity = 3
confidence = 4
expiry = 1802000000
[detail.behaviour]
accounts = 12
"""


@dataclass
class Members:
    """Three members in one folder; their mirrors cosign when a test says so, at a time that it says."""

    root: Path
    tocsin: Command
    clock: Callable[[int], None]

    def run(self, name: str, line: str, *rest: str, code: int = 0) -> str:
        """Run a command as a member, from the folder of all; sealing gets its keys."""
        keys = ["--first", "first", "--key", f"{name}/statement", "--box", f"{name}/box"]
        told = self.tocsin(*line.split(), *rest, *(keys if line.startswith("seal") else []))
        assert told.code == code, told.err
        return told.err if code else told.out.strip()

    def stamp(self, *names: str) -> None:
        """Have logs cosigned by all mirrors, and the stamp entered; twice, as `tocsin stamp` does."""
        first = json.loads(self.tocsin("charter", "show", "first", "--json").out)["hash"]
        for name in [name for name in names for _ in range(2)]:
            log = open_log(self.root / name / "log")
            note = self.cosigned(name)
            form = Stamp(f"{name}.example/log", 0, first, note.encode().decode())
            signers = read_key_file(self.root / name / "statement").signers()
            log.log.append([sign_statement(first, form, signers)])
            self.cosigned(name)

    def cosigned(self, name: str) -> Note:
        log = open_log(self.root / name / "log")
        note = log.log.sign(log.key.signers(), self.time)
        mirrors = [s for m in MEMBERS for s in read_key_file(self.root / m / "mirror").signers()]
        note = Note(note.text, (*note.signatures, *(s.sign(note.text, self.time) for s in mirrors)))
        log.log.publish(note)
        return note

    time: int = NOW

    def at(self, time: int) -> None:
        self.time = time
        self.clock(time)

    def view(self, name: str, *more: str) -> dict:  # type: ignore[type-arg]
        logs = [f"{one}/log" for one in MEMBERS]
        told = self.tocsin("state", "first", *logs, "--view", f"{name}/box", "--json", *more, "--bodies", f"{name}/log")
        assert told.code == 0, told.err
        return json.loads(told.out)["view"]  # type: ignore[no-any-return]


@pytest.fixture
def members(tocsin: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Members:
    monkeypatch.chdir(tmp_path)
    lines = [f"from = 0\nexpiry = {NOW * 2}\nstandard = '{'1' * 64}'"]
    for name in MEMBERS:
        (tmp_path / name).mkdir()
        keys = {
            kind: tocsin("key", "new", "--type", kind, "--name", f"{name}.example/{kind}", "-o", f"{name}/{kind}").out
            for kind in ("recovery", "statement", "mirror", "box")
        }
        keys["log"] = tocsin("log", "init", f"{name}/log", "--origin", f"{name}.example/log").out
        lines.append(f"[[sides]]\nname = '{name[0]}'\nk = 1\n[[sides.members]]\nname = '{name}'")
        lines.append(f"origin = '{name}.example/log'\nmirror = ['{keys.pop('mirror').strip()}']")
        lines += [f"{kind} = '{value.strip()}'" for kind, value in keys.items()]
    (tmp_path / "terms").write_text("\n".join(lines))
    assert tocsin("charter", "new", "terms", "--key", "ant/recovery", "-o", "first").code == 0
    for name in MEMBERS[1:]:
        assert tocsin("charter", "sign", "first", "--key", f"{name}/recovery").code == 0
    (tmp_path / "agreement").write_text(TERMS)

    def clock(time: int) -> None:
        for module in ("body", "seal", "state", "statements", "verify"):
            monkeypatch.setattr(f"tocsin.cli.{module}.now", lambda: time)

    made = Members(tmp_path, tocsin, clock)
    made.at(NOW)
    made.stamp(*MEMBERS)
    return made


def agreed(members: Members) -> str:
    """Both parties accept; the first one's body travels to the other."""
    digest = members.run("ant", "seal agreement ant/log agreement")
    members.stamp("ant", "cat")
    pass_on(members, "ant", "bee", digest)
    members.run("bee", f"seal agreement bee/log --accept {digest[:8]}")
    members.stamp("bee")
    mine = next(line for line in members.run("bee", "body list bee/log --json").splitlines())
    theirs = next(row for row in json.loads(mine) if row["author"] == "bee")
    pass_on(members, "bee", "ant", theirs["digest"])
    return str(theirs["agreement"])


def pass_on(members: Members, author: str, to: str, digest: str) -> None:
    members.run(author, f"body export {author}/log {digest} --to {to} --box {author}/box --charter first -o given")
    line = f"body import {to}/log given --from {author}/log --first first --box {to}/box"
    assert members.run(to, line) == digest


def issue(members: Members, agreement: str, kind: str = "M02", code: int = 0) -> str:
    (members.root / "alarm").write_text(ALARM.format(agreement=agreement[:10], kind=kind))
    return members.run("ant", "seal alarm ant/log alarm", code=code)


def test_an_alarm_from_agreement_to_retraction(members: Members) -> None:
    agreement = agreed(members)
    members.at(NOW + 10)
    alarm = issue(members, agreement)
    members.stamp("ant")
    assert [one["why"] for one in members.view("bee")["missing"]] == ["its body is missing"]
    pass_on(members, "ant", "bee", alarm)
    heard = members.view("bee")
    assert [(one["is"], one["digest"], one["independent"]) for one in heard["alarms"]] == [("heard", alarm, ["ant"])]
    assert [one["is"] for one in heard["agreements"]] == ["in force"]
    assert members.view("cat")["alarms"] == [] and members.view("cat")["sealed"]["ant.example/log"] == 2
    members.run("bee", f"seal receipt bee/log {alarm[:9]}")
    disagrees = members.run("bee", f"seal opinion bee/log {alarm[:9]} disagree")
    members.stamp("bee")
    pass_on(members, "bee", "ant", disagrees)
    assert [one["says"]["stance"] for one in members.view("ant")["opinions"]] == ["disagree"]
    taken = members.run("ant", f"seal retraction ant/log {alarm} --note mistaken")
    members.stamp("ant")
    pass_on(members, "ant", "bee", taken)
    assert [one["is"] for one in members.view("bee")["alarms"]] == ["retracted"]


def test_what_an_agreement_does_not_allow_is_refused_on_sending(members: Members) -> None:
    agreement = agreed(members)
    assert "the kind" in issue(members, agreement, "M03", code=5)
    (members.root / "alarm").write_text(ALARM.format(agreement=agreement, kind="M02"))
    members.run("ant", "seal alarm ant/log alarm --to cat", code=5)
    assert "0 agreements" in issue(members, "f" * 10, code=2)


def test_a_delivery_opens_for_its_addressee_only_and_is_not_passed_on(members: Members) -> None:
    digest = members.run("ant", "seal inquiry ant/log question? --to bee --deadline", str(NOW + 5))
    members.stamp("ant")
    members.run("ant", f"body export ant/log {digest} --to bee --box ant/box --charter first -o given")
    for name in ("cat", "ant"):
        members.run(name, f"body import {name}/log given --from ant/log --first first --box {name}/box", code=1)
    members.run("bee", "body import bee/log given --from ant/log --first first --box bee/box")
    members.run("bee", f"body export bee/log {digest} --to cat --box bee/box --charter first -o on", code=2)
    members.run("ant", f"body export ant/log {digest} --to cat --box ant/box --charter first -o on", code=2)
    raw = (members.root / "given").read_bytes()
    assert b"question" not in raw
    (members.root / "given").write_bytes(raw.replace(b"bee.example", b"cat.example"))
    members.run("cat", "body import cat/log given --from ant/log --first first --box cat/box", code=1)


def test_a_private_inquiry_is_answered(members: Members) -> None:
    digest = members.run("ant", "seal inquiry ant/log question? --to bee --deadline", str(NOW + 5))
    members.stamp("ant")
    pass_on(members, "ant", "bee", digest)
    assert [one["is"] for one in members.view("ant", "--at", str(NOW + 6))["inquiries"]] == ["overdue"]
    answer = members.run("bee", f"seal answer bee/log {digest} no")
    members.stamp("bee")
    pass_on(members, "bee", "ant", answer)
    assert [one["is"] for one in members.view("ant")["inquiries"]] == ["answered"]


def test_single_fields_are_shown_to_an_auditor_and_nothing_else(members: Members) -> None:
    alarm = issue(members, agreed(members))
    members.run("ant", f"disclose ant/log {alarm} kind --charter first -o shown", code=1)  # it is not published yet
    members.stamp("ant")
    members.run("ant", f"disclose ant/log {alarm} type kind --charter first -o shown")
    told = members.run("auditor", "verify exhibit shown --charter first --json")
    assert [row["says"] for row in json.loads(told)] == ["type: alarm; kind: M02"]
    raw = (members.root / "shown").read_bytes()
    assert b"5" * 64 not in raw and b"\x55" * 32 not in raw and b"accounts" not in raw
    (members.root / "shown").write_bytes(raw.replace(b'"M02"', b'"M03"'))
    members.run("auditor", "verify exhibit shown --charter first", code=1)
    (members.root / "shown").write_bytes(raw[:-1])
    members.run("auditor", "verify exhibit shown", code=3)
    members.run("ant", f"disclose ant/log {alarm} sort --charter first -o shown", code=2)


def test_batches_go_at_a_cadence_topped_up_with_cover(members: Members) -> None:
    assert members.run("ant", "body list ant/log").count("\n") == 0
    assert members.tocsin("seal", "cadence", "ant/log").out == "at once\n"
    members.tocsin("seal", "cadence", "ant/log", "--every", "3600", "--cover", "3")
    digests = {members.run("ant", f"seal inquiry ant/log q{n} --to bee --deadline", str(NOW)) for n in range(4)}
    batch = ("seal", "batch", "ant/log", "--first", "first", "--key", "ant/statement")
    assert [len(members.tocsin(*batch).out.split()) for _ in range(2)] == [3, 0]
    members.at(NOW + 3600)
    assert len(members.tocsin(*batch).out.split()) == 3
    members.stamp("ant")
    shown = members.view("ant")
    assert {one["digest"] for one in shown["inquiries"]} == digests
    assert shown["sealed"]["ant.example/log"] == 2  # cover
    entries = open_log(members.root / "ant/log").log.tree.entries(2, 8)  # after the two stamps
    assert len({len(entry) for entry in entries}) == 1


def test_what_is_forgotten_is_sealed_again_for_everybody(members: Members) -> None:
    digest = members.run("ant", "seal inquiry ant/log question? --to bee --keep 20 --deadline", str(NOW + 5))
    members.stamp("ant")
    pass_on(members, "ant", "bee", digest)
    assert len(members.view("bee")["inquiries"]) == 1
    assert members.run("bee", "body forget bee/log --expired") == "0"
    members.at(NOW + 30 * 86_400)
    assert members.run("bee", "body forget bee/log --expired") == "1"
    assert members.run("ant", f"body forget ant/log {digest}") == "1"
    assert members.view("bee")["inquiries"] == members.view("ant")["inquiries"] == []
    kept = [path for path in members.root.rglob("*") if path.is_file() and digest in path.name]
    assert kept == []


def test_bodies_are_for_their_owner_only(members: Members) -> None:
    members.run("ant", "seal inquiry ant/log question? --to bee --deadline", str(NOW + 5))
    assert (members.root / "ant/log/bodies").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_terms_of_an_agreement_are_told_in_words(members: Members, lang: str) -> None:
    digest = members.run("ant", "seal agreement ant/log agreement")
    told = members.run("ant", f"body show ant/log {digest} --lang {lang}")
    assert {"en": "protect users from fraud", "zh": "保护用户免受欺诈"}[lang] in told


def test_a_sender_at_fault_is_shown_to_anybody(members: Members) -> None:
    agreement = agreed(members)
    members.at(NOW + 10)
    ending = members.run("bee", f"seal ending bee/log {agreement[:8]}")
    members.stamp("bee")
    pass_on(members, "bee", "ant", ending)
    logs = [f"{one}/log" for one in MEMBERS]
    anchored = members.tocsin("anchor", "ant/log", "bee/log", "--first", "first", "--key", "ant/statement")
    assert anchored.code == 0
    members.at(NOW + 20)
    issue(members, agreement)
    members.stamp("ant")
    pass_on(members, "ant", "bee", sorted_alarm(members))
    told = members.tocsin("verify", "coalition", "first", *logs, "--view", "bee/box", "--evidence", "shown")
    assert told.code == 1 and "after the ending that it anchored" in told.err
    (file,) = (members.root / "shown").iterdir()
    told = members.tocsin("verify", "exhibit", file, "--charter", "first", "--json")
    assert [row["log"] for row in json.loads(told.out)] == ["bee.example/log", "ant.example/log", "ant.example/log"]
    assert b"accounts" not in file.read_bytes()


def sorted_alarm(members: Members) -> str:
    rows = json.loads(members.run("ant", "body list ant/log --json"))
    return next(str(row["digest"]) for row in rows if row["type"] == "alarm")


def test_an_anchor_names_what_did_not_come_and_is_not_made_for_stamps_alone(members: Members) -> None:
    asked = members.run("ant", "seal inquiry ant/log question? --to bee --deadline", str(NOW + 5))
    members.stamp("ant")
    line = ("anchor", "bee/log", "ant/log", "--first", "first", "--key", "bee/statement", "--box", "bee/box")
    assert members.tocsin(*line).out == "2\n"
    members.stamp("bee", "ant")
    assert members.view("ant")["receipts"][0]["by"] == []
    assert "less than an hour old" in members.tocsin(*line).err
    members.at(NOW + 3600)
    assert "nothing new" in members.tocsin(*line).err
    pass_on(members, "ant", "bee", asked)
    assert members.tocsin(*line).out == "5\n"
    members.stamp("bee")
    assert members.view("ant")["receipts"][0]["by"] == ["bee"]
    members.stamp("ant")
    members.at(NOW + 7200)
    assert "nothing new" in members.tocsin(*line).err


def test_misconduct_is_written_down_and_shown_to_anybody(members: Members) -> None:
    """Two votes of one round, and another tree shown to somebody who anchored it."""
    for number in range(2):
        (members.root / "other").write_text(
            (members.root / "terms").read_text().replace("1" * 64, f"{number + 2}" * 64)
        )
        members.tocsin("charter", "new", "other", "--after", "first", "--key", "ant/recovery", "-o", f"next{number}")
        vote = ("vote", "ant/log", f"next{number}", "--first", "first", "--key", "ant/statement", "--round", "1")
        assert members.tocsin(*vote).code == 0
    members.stamp("ant")
    forked = Tree(members, "bee")
    forked.anchor("cat")
    members.stamp("cat", "bee")
    logs = [f"{one}/log" for one in MEMBERS]
    told = members.tocsin("verify", "coalition", "first", *logs, "--evidence", "shown")
    assert told.code == 1 and "ant.example/log votes 2 and 3" in told.err and "another tree" in told.err
    assert members.tocsin("charter", "show", "first", "--policy").out
    (members.root / "policy").write_text(members.tocsin("charter", "show", "first", "--policy").out)
    by_name = {path.name.split("-")[0]: path for path in (members.root / "shown").iterdir()}
    assert set(by_name) == {"votes", "fork"}
    told = members.tocsin("verify", "exhibit", by_name["votes"])
    assert told.code == 0 and "two votes" in told.err and told.out.count("vote in round 1") == 2
    assert members.tocsin("verify", "evidence", by_name["fork"], "--policy", "policy").out == "bee.example/log\n"
    raw = by_name["votes"].read_bytes()
    changed = json.loads(raw)
    changed["pages"][1] = changed["pages"][0]
    by_name["votes"].write_text(json.dumps(changed, separators=(",", ":"), ensure_ascii=False))
    assert members.tocsin("verify", "exhibit", by_name["votes"]).code == 1
    assert members.tocsin("verify", "exhibit", by_name["votes"], "--charter", "next0").code == 1


@dataclass
class Tree:
    """A log that shows somebody another tree than its own."""

    members: Members
    name: str

    def anchor(self, to: str) -> None:
        first = json.loads(self.members.tocsin("charter", "show", "first", "--json").out)["hash"]
        log = open_log(self.members.root / self.name / "log")
        note = sign_text(Checkpoint(log.log.origin, 1, b"x" * 32).text(), log.key.signers(), NOW)
        signers = read_key_file(self.members.root / to / "statement").signers()
        form = Anchor(f"{to}.example/log", note.encode().decode(), [])
        open_log(self.members.root / to / "log").log.append([sign_statement(first, form, signers)])
