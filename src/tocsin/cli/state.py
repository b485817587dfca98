"""`tocsin state`: what the members' logs say, computed here from their bytes and the first charter alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.cosigning import now, source_at
from tocsin.cli.rim import put_json, put_rows, read_bytes, say
from tocsin.forms.statements import name_of

if TYPE_CHECKING:
    from tocsin.coalition import Known, Logs, State

First = Annotated[Path, typer.Argument(metavar="CHARTER", help="The coalition's first charter, which you trust.")]
Addresses = Annotated[list[str], typer.Argument(metavar="LOG...", help="Logs or copies of them: URL or folder.")]
At = Annotated[int | None, typer.Option("--at", help="POSIX seconds; now when left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def state(first: First, logs: Addresses, at: At = None, as_json: Json = False) -> None:
    """Compute the shared state at a time from logs, in any order; other holders of the same logs get the same.

    Example: tocsin state charter.json log-a log-b https://log.example.net
    """
    from tocsin.coalition import state as compute

    shown = compute(know(first, logs), now() if at is None else at)
    told = describe(shown)
    if as_json:
        put_json(told)
        return
    say("settled" if shown.settled else f"provisional: waiting for stamps of {', '.join(shown.waiting)}")
    put_rows(("what", "where", "is"), _rows(told))


def know(first: Path, addresses: Sequence[str]) -> "Known":
    """Read all logs and find the chain and the times that they prove.

    Errors: VerificationError for a first charter that not all of its members have signed.
    """
    from tocsin.coalition import check_founding, learn, parse_charter

    charter = parse_charter(read_bytes(first, "charter"))
    check_founding(charter)
    return learn(charter, _logs(addresses, charter.hash))


def _logs(addresses: Sequence[str], coalition: str) -> "Logs":
    from tocsin.coalition import LogReader, Member, Prefix
    from tocsin.ledger import parse_checkpoint, read_checkpoint, read_log

    sources = [source_at(address) for address in addresses]
    by_origin: dict[str, list[list[bytes]]] = {}
    for source in sources:
        origin = parse_checkpoint(read_checkpoint(source).text).origin
        by_origin.setdefault(origin, []).append(list(read_log(source)))
    read: dict[str, list[Prefix]] = {}

    def give(member: Member) -> list[Prefix]:
        if member.origin not in read:
            read[member.origin] = []
            for entries in by_origin.get(member.origin, ()):
                reader = LogReader(member, coalition)
                reader.feed(entries)
                read[member.origin].append(reader.prefix())
        return read[member.origin]

    return give


def describe(shown: "State") -> dict[str, Any]:
    """Write a state as plain values."""
    head = shown.chain[-1]
    return {
        "time": shown.time,
        "settled": shown.settled,
        "waiting": list(shown.waiting),
        "chain": [charter.hash for charter in shown.chain],
        "standard": head.text.standard,
        "logs": {
            log.member.origin: {
                "member": log.member.name,
                "side": log.side,
                "ended": log.ended,
                "frozen": log.frozen,
                "keys": dict(log.keys),
            }
            for log in shown.logs
        },
        "notices": [{"origin": i.origin, "index": i.index, "time": i.time} for i in shown.notices],
        "inquiries": [{"origin": a.item.origin, "index": a.item.index, "status": a.status} for a in shown.inquiries],
        "published": [{"origin": i.origin, "index": i.index, "form": name_of(i.form)} for i in shown.published],
        "misconduct": [{"origin": origin, "votes": [one, two]} for origin, one, two in shown.misconduct],
    }


def _rows(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = [("charter", str(version), name) for version, name in enumerate(told["chain"])]
    rows += [("standard", "", told["standard"])]
    for origin, log in told["logs"].items():
        status = [f"ended at {log['ended']}"] if log["ended"] is not None else []
        status += [f"frozen since {log['frozen']}"] if log["frozen"] is not None else []
        rows.append(("log", origin, ", ".join((f"{log['member']} of {log['side']}", *status))))
    rows += [("notice", f"{n['origin']} {n['index']}", str(n["time"])) for n in told["notices"]]
    rows += [("inquiry", f"{n['origin']} {n['index']}", n["status"]) for n in told["inquiries"]]
    rows += [(n["form"], f"{n['origin']} {n['index']}", "published") for n in told["published"]]
    rows += [("misconduct", m["origin"], "votes {} and {}".format(*m["votes"])) for m in told["misconduct"]]
    return rows
