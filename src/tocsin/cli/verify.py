"""`tocsin verify`: check what logs, witnesses and mirrors say, trusting nobody but a policy."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.cosigning import now, source_at
from tocsin.cli.rim import counting, put_json, put_rows, read_bytes, say
from tocsin.forms.errors import ConfigError, TocsinError, VerificationError

if TYPE_CHECKING:
    from tocsin.ledger import Note, Policy, Trusted

_HELP = """Verify proofs, whole logs and mirrors against a policy.

Example: tocsin verify log https://log.example.org --policy trust.policy
"""
app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None)
PolicyFile = Annotated[Path, typer.Option(help="Trust policy (tlog-policy text): logs, witnesses, quorum.")]
Band = Annotated[int, typer.Option(help="Seconds within which the clocks of a quorum must agree.", min=0)]
Address = Annotated[str, typer.Argument(metavar="URL_OR_DIR", help="Where it is served, or its folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("proof")
def proof(
    file: Annotated[Path, typer.Argument(metavar="PROOF", help="Proof that `tocsin log prove` wrote.")],
    entry: Annotated[Path, typer.Option(help="The entry, byte for byte.")],
    policy: PolicyFile,
    band: Band = 120,
    as_json: Json = False,
) -> None:
    """Verify, offline, that an entry is in a log.

    Example: tocsin verify proof entry.tlog-proof --entry statement.json --policy trust.policy
    """
    from tocsin.ledger import check_clock, parse_proof, verify_proof

    read = parse_proof(read_bytes(file, "proof"))
    trusted = verify_proof(read, read_bytes(entry, "entry"), _policy(policy), band)
    check_clock(trusted, now(), band)
    _put([trusted], as_json, index=read.index)


@app.command("log")
def log(
    address: Address,
    policy: PolicyFile,
    seen: Annotated[
        list[Path] | None,
        typer.Option(help="Checkpoint or proof of it from elsewhere; may be repeated."),
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask the policy's witnesses what they have seen of it.")] = False,
    evidence: Annotated[Path | None, typer.Option(help="File for evidence of misconduct, should there be any.")] = None,
    band: Band = 120,
    as_json: Json = False,
) -> None:
    """Verify a whole log: its quorum, its clocks, every entry and tile, and all that was seen of it before.

    Example: tocsin verify log https://log.example.org --policy trust.policy --seen old-checkpoint
    """
    from tocsin.ledger import audit_log, check_seen, read_checkpoint

    rules, source = _policy(policy), source_at(address)
    with counting("verify", "entries") as told:
        trusted = audit_log(source, rules, now(), told, band)
    others = [_note(path) for path in seen or ()] + (_asked(rules, trusted.checkpoint.origin) if ask else [])
    with _keeping(evidence):
        check_seen(source, read_checkpoint(source), others, rules)
    _put([trusted], as_json)


@app.command("mirror")
def mirror(address: Address, policy: PolicyFile, as_json: Json = False) -> None:
    """Verify a mirror: that it serves and has cosigned every entry of each log of the policy.

    Example: tocsin verify mirror https://mirror.example.net --policy trust.policy
    """
    from tocsin.ledger import audit_mirror, below, origin_hash

    rules, source = _policy(policy), source_at(address)
    origins = dict.fromkeys(line.key.name for line in rules.logs)
    with counting("verify", "entries") as told:
        found = [audit_mirror(below(source, origin_hash(origin)), rules, told) for origin in origins]
    _put(found, as_json)


@app.command("evidence")
def evidence(
    file: Annotated[Path, typer.Argument(metavar="EVIDENCE", help="Evidence that `tocsin verify log` wrote.")],
    policy: PolicyFile,
) -> None:
    """Verify evidence of misconduct; the names of those whom it convicts go to stdout.

    Example: tocsin verify evidence fork.evidence --policy trust.policy
    """
    from tocsin.ledger import parse_evidence, verify_evidence

    for name in verify_evidence(parse_evidence(read_bytes(file, "evidence")), _policy(policy)):
        typer.echo(name)


@app.command("coalition")
def coalition(
    first: Annotated[Path, typer.Argument(metavar="CHARTER", help="The coalition's first charter, which you trust.")],
    logs: Annotated[list[str], typer.Argument(metavar="LOG...", help="Logs or copies of them: URL or folder.")],
    evidence: Annotated[Path | None, typer.Option(help="Folder for evidence of misconduct, one file each.")] = None,
    keys: Annotated[
        list[Path] | None,
        typer.Option("--view", metavar="KEY", help="Your box key: what is sealed for you is looked at."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Recompute the chain of charters from logs, offline, and say for each decision which votes and stamps prove it.

    Fails where a log shows misconduct: votes that contradict each other, two branches, a checkpoint of another tree in
    some member's anchor, and with a box key alarms whose author knew that their agreement had ended.

    Example: tocsin verify coalition charter.json log-a log-b log-c --evidence shown
    """
    from tocsin.cli.holding import hold
    from tocsin.cli.misconduct import decisions, find_misconduct, put_evidence
    from tocsin.coalition import state

    held = hold(first, logs)
    known = held.know()
    rows = decisions(known)
    put_json(rows) if as_json else put_rows(list(DECISION), [[row[name] for name in DECISION] for row in rows])
    for origin in known.charter.members:
        counted = len(known.times[origin].stamps) if origin in known.times else 0
        say(f"{origin}: {counted} stamps count")
    waiting = state(known, now()).waiting
    say(f"provisional: waiting for stamps of {', '.join(waiting)}" if waiting else "settled")
    wrong = list(find_misconduct(held, known, now(), keys or [], [Path(one) for one in logs]))
    if evidence:
        put_evidence(evidence, wrong)
    if wrong:
        told = "; ".join(one.words for one in wrong)
        raise VerificationError(f"misconduct: {told}", hint="--evidence DIR writes what shows it to anybody")


DECISION = ("version", "charter", "round", "voter", "vote", "time", "stamp", "cosigned")


@app.command("exhibit")
def exhibit(
    file: Annotated[
        Path, typer.Argument(metavar="EXHIBIT", help="What `verify coalition --evidence` or `disclose` wrote.")
    ],
    charter: Annotated[
        list[Path] | None, typer.Option(help="Charter that you trust; the file's own are only named when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify an exhibit, offline and alone: two votes, an alarm after an ending, or single fields of a sealed body.

    Example: tocsin verify exhibit fields.exhibit --charter charter.json
    """
    from tocsin.cli.misconduct import describe_exhibit
    from tocsin.coalition import check_exhibit, parse_charter, parse_exhibit

    read = parse_exhibit(read_bytes(file, "exhibit"))
    trusted = [parse_charter(read_bytes(path, "charter")).hash for path in charter or ()]
    under = [parse_charter(raw).hash for raw in read.charters]
    unknown = [name for name in under if trusted and name not in trusted]
    if unknown:
        raise VerificationError(f"the exhibit rests on charter {unknown[0]}, which is not the one given")
    rows = describe_exhibit(read, check_exhibit(read))
    if not trusted:
        say(f"it rests on {', '.join(under)}: trust it as far as you trust that charter")
    put_json(rows) if as_json else put_rows(("log", "entry", "time", "says"), [list(row.values()) for row in rows])


def _policy(path: Path) -> "Policy":
    from tocsin.ledger import parse_policy

    return parse_policy(read_bytes(path, "policy"))


def _note(path: Path) -> "Note":
    """Read a checkpoint, or the one inside a proof."""
    from tocsin.ledger import parse_note, parse_proof

    raw = read_bytes(path, "checkpoint")
    return parse_proof(raw).note if raw.startswith(b"c2sp.org/tlog-proof@") else parse_note(raw)


def _asked(policy: "Policy", origin: str) -> "list[Note]":
    """Read what the witnesses of a policy have seen last; who does not answer is named and passed over."""
    from tocsin.ledger import below, origin_hash, read_checkpoint

    found = []
    for line in policy.witnesses:
        if line.url:
            try:
                found.append(read_checkpoint(below(source_at(line.url), origin_hash(origin))))
            except TocsinError as error:
                say(f"{line.name}: {error}")
    return found


@contextmanager
def _keeping(path: Path | None) -> Iterator[None]:
    """Write the evidence that comes with an error to a file."""
    from tocsin.ledger import MisconductError

    try:
        yield
    except MisconductError as error:
        if path:
            path.write_bytes(error.evidence.encode())
            say(f"evidence in {path}")
        raise


def _put(found: "Sequence[Trusted]", as_json: bool, **more: int) -> None:
    if not found:
        raise ConfigError("the policy knows no log", hint="add a log line")
    rows: list[dict[str, Any]] = [
        {"origin": t.checkpoint.origin, "size": t.checkpoint.size, **more, "time": t.time, "cosigned": sorted(t.times)}
        for t in found
    ]
    if as_json:
        put_json(rows[0] if len(rows) == 1 else rows)
        return
    shown = [{**row, "time": row["time"] or "none", "cosigned": " ".join(row["cosigned"])} for row in rows]
    put_rows(list(rows[0]), [list(row.values()) for row in shown])
