"""A member's view for `tocsin state --view`: what its box key and the bodies that it keeps open."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.cli.holding import Holding
from tocsin.cli.rim import read_bytes

if TYPE_CHECKING:
    from tocsin.coalition import Body, Known, Opened, View

Row = tuple[str, str, str]


def see(held: Holding, known: "Known", time: int, keys: Sequence[Path], folders: Sequence[Path]) -> "View":
    """Compute a member's view, by its box keys and the bodies kept in log folders."""
    from tocsin.coalition import as_served, read_box, view

    opened = [read_box(read_bytes(path, "box key")) for path in keys]
    return view(known, time, bodies_in(folders), opened, as_served(known, held.served(known)))


def bodies_in(folders: Sequence[Path]) -> "Iterator[Body]":
    """Read the bodies that are kept in folders of logs."""
    from tocsin.coalition import BodyStore

    for folder in folders:
        if (folder / "bodies").is_dir():
            yield from (body for _, body in BodyStore(folder).bodies())


def describe_view(seen: "View") -> dict[str, Any]:
    """Write a view as plain values; the shared state is told apart."""
    time = seen.shared.time
    return {
        "viewer": seen.viewer,
        "agreements": [
            {"hash": a.hash, "is": a.status(time), "since": a.since, "until": a.until, "parties": a.terms.parties,
             "accepted": [o.author for o in a.accepted], "purpose": a.terms.purpose}
            for a in seen.agreements
        ],
        "alarms": [
            {**_told(h.said), "is": h.status, "why": h.why, "independent": list(h.independent), "sides": list(h.sides)}
            for h in seen.alarms
        ],
        "sightings": [_told(one) for one in seen.sightings],
        "opinions": [_told(one) for one in seen.opinions],
        "inquiries": [{**_told(q.said), "to": q.to, "is": q.status} for q in seen.questions],
        "receipts": [{**_place(r.said), "digest": r.said.digest, "by": list(r.by)} for r in seen.receipts],
        "faults": [
            {**_place(f.alarm), "ending": _place(f.ending), "anchor": f.anchor, "digest": f.alarm.digest}
            for f in seen.faults
        ],
        "missing": [{"origin": one.origin, "index": one.index, "why": one.why} for one in seen.missing],
        "sealed": _sealed(seen),
    }  # fmt: skip


def _sealed(seen: "View") -> dict[str, int]:
    found: dict[str, int] = {}
    for one in seen.sealed:
        found[one.origin] = found.get(one.origin, 0) + (not one.mine)
    return found


def _place(one: "Opened") -> dict[str, Any]:
    return {"origin": one.origin, "index": one.index, "time": one.time}


def _told(one: "Opened") -> dict[str, Any]:
    from tocsin.forms.bodies import values_of

    return {**_place(one), "author": one.author, "digest": one.digest, "says": values_of(one.form)}


def view_rows(told: dict[str, Any]) -> list[Row]:
    """Write a view as rows: what, where, is."""
    rows: list[Row] = [("agreement", a["hash"], f"{a['is']}, {', '.join(a['parties'])}") for a in told["agreements"]]
    for alarm in told["alarms"]:
        says = alarm["says"]
        seen = f"; seen by {', '.join(alarm['independent'])}" if alarm["independent"] else ""
        rows.append(("alarm", _at(alarm), f"{alarm['is']}, {says['kind']} {says['subject']}{seen}"))
    rows += [("sighting", _at(s), f"{s['says']['count']} of {s['says']['subject']}") for s in told["sightings"]]
    rows += [("opinion", _at(o), f"{o['says']['stance']} with {o['says']['target']}") for o in told["opinions"]]
    rows += [("private inquiry", _at(q), f"{q['is']}, to {q['to']}") for q in told["inquiries"]]
    rows += [("held by", _at(r), ", ".join(r["by"])) for r in told["receipts"] if r["by"]]
    rows += [("fault", _at(f), f"after the ending at {_at(f['ending'])}") for f in told["faults"]]
    rows += [("missing", _at(m), m["why"]) for m in told["missing"]]
    rows += [("sealed", origin, str(count)) for origin, count in told["sealed"].items() if count]
    return rows


def _at(told: dict[str, Any]) -> str:
    return f"{told['origin']} {told['index']}"
