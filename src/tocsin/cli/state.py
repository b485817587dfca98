"""`tocsin state`: what the members' logs say, computed here from their bytes and the first charter alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.cosigning import now
from tocsin.cli.holding import hold
from tocsin.cli.rim import put_json, put_rows, say
from tocsin.cli.view import describe_view, see, view_rows
from tocsin.forms.statements import name_of

if TYPE_CHECKING:
    from tocsin.coalition import State

First = Annotated[Path, typer.Argument(metavar="CHARTER", help="The coalition's first charter, which you trust.")]
Addresses = Annotated[list[str], typer.Argument(metavar="LOG...", help="Logs or copies of them: URL or folder.")]
At = Annotated[int | None, typer.Option("--at", help="POSIX seconds; now when left out.")]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--view", metavar="KEY", help="Your box key, to see what is sealed for you; again for earlier ones."),
]
Bodies = Annotated[
    list[Path] | None, typer.Option("--bodies", help="Log folder that keeps bodies; those among LOG when left out.")
]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def state(
    first: First, logs: Addresses, at: At = None, keys: Keys = None, bodies: Bodies = None, as_json: Json = False
) -> None:
    """Compute the shared state at a time from logs, in any order; other holders of the same logs get the same.

    With a box key, what its member can open is added: agreements, alarms and what becomes of each, sightings, opinions.

    Example: tocsin state charter.json log-a log-b https://log.example.net --view box.key
    """
    from tocsin.coalition import state as compute

    held, time = hold(first, logs), now() if at is None else at
    known = held.know()
    if keys:
        seen = see(held, known, time, keys, bodies or [Path(one) for one in logs])
        shown, told = seen.shared, {**describe(seen.shared), "view": describe_view(seen)}
    else:
        shown = compute(known, time)
        told = describe(shown)
    if as_json:
        put_json(told)
        return
    say("settled" if shown.settled else f"provisional: waiting for stamps of {', '.join(shown.waiting)}")
    put_rows(("what", "where", "is"), [*_rows(told), *(view_rows(told["view"]) if keys else [])])


def describe(shown: "State") -> dict[str, Any]:
    """Write a state as plain values."""
    from tocsin.coalition import reminders

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
        "reminders": [
            {"origin": r.item.origin, "index": r.item.index, "to": r.to, "until": r.until, "is": r.status}
            for r in reminders(shown)
        ],
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
    rows += [("reminder", f"{r['origin']} {r['index']}", _reminder(r)) for r in told["reminders"]]
    rows += [(n["form"], f"{n['origin']} {n['index']}", "published") for n in told["published"]]
    rows += [("misconduct", m["origin"], "votes {} and {}".format(*m["votes"])) for m in told["misconduct"]]
    return rows


def _reminder(told: dict[str, Any]) -> str:
    if not told["to"]:
        return f"lasts until {told['until']}"
    return f"answer of {told['to']} {told['is']}, by {told['until']}"
