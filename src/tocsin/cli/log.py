"""`tocsin log`: a member's own transparency log."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.cosigning import Host, Port, now, source_at
from tocsin.cli.key import passphrase_for
from tocsin.cli.rim import put_json, read_bytes, say
from tocsin.forms.errors import TransportError

if TYPE_CHECKING:
    from tocsin.ledger import Log, Note, Policy, Signer

app = typer.Typer(
    help="Keep a transparency log: append, sign, prove, serve.\n\nExample: tocsin log append log statement.json",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the log.")]


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the log, new or empty.")],
    origin: Annotated[str, typer.Option(help="Name of the log for ever, best its URL without scheme.")],
    key: Annotated[Path | None, typer.Option(help="Key file named like the log; a new key when left out.")] = None,
) -> None:
    """Make a log; its verifier keys go to stdout.

    Example: tocsin log init log --origin example.org/log
    """
    from tocsin.ledger import init_log, new_key, read_key_file, seal_keys

    file = read_key_file(key) if key else seal_keys(new_key(origin, os.urandom), os.urandom)
    init_log(folder, origin, file)
    for one in file.keys:
        typer.echo(one.encode())


@app.command("append")
def append(
    folder: Folder,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Each file's bytes are one entry.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Append entries; the index of each goes to stdout once it is durable. What the log holds keeps its index.

    Example: tocsin log append log statement.json
    """
    from tocsin.ledger import open_log

    entries = [read_bytes(file, "entry") for file in files]
    indexes = open_log(folder).log.append(entries)
    if as_json:
        put_json(indexes)
        return
    for index in indexes:
        typer.echo(index)


@app.command("checkpoint")
def checkpoint(
    folder: Folder,
    policy: Annotated[
        Path | None, typer.Option(help="Trust policy; its witnesses and mirrors with an address are asked to cosign.")
    ] = None,
) -> None:
    """Sign a checkpoint of all entries, gather cosignatures, and publish it once it has its quorum.

    Example: tocsin log checkpoint log --policy trust.policy
    """
    from tocsin.ledger import open_log, parse_policy

    opened = open_log(folder)
    signers = opened.key.signers(passphrase_for(opened.key.sealed))
    if policy is None:
        note = opened.log.sign(signers, now())
    else:
        note = cosigned(opened.log, signers, parse_policy(read_bytes(policy, "policy")))
    opened.log.publish(note)
    typer.echo(note.encode().decode(), nl=False)


def cosigned(log: "Log", signers: "Sequence[Signer]", policy: "Policy") -> "Note":
    """Sign a checkpoint of all that the log holds, and gather a quorum's cosignatures.

    Errors: TransportError names the groups that are missing.
    """
    from tocsin.ledger import Tender, check_not_restored, check_note, cosigned_by, gather
    from tocsin.node import HttpTransport

    transport = HttpTransport()
    check_not_restored(log.signed(), policy, transport)
    signed = log.sign(signers, now())
    gathered = gather(Tender(signed, log.tree.hashes(), log.tree.entries), policy, transport)
    for name, why in gathered.failures.items():
        say(f"{name}: {why}")
    missing = policy.missing(cosigned_by(gathered.note, policy))
    if missing:
        raise TransportError(
            f"no quorum: the cosignatures of {', '.join(missing)} are missing",
            hint="nothing new is published; run the command again when they are back",
        )
    check_note(gathered.note, policy)
    return gathered.note


@app.command("prove")
def prove(
    folder: Folder,
    index: Annotated[int, typer.Argument(help="Index of the entry.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File for the proof.")],
) -> None:
    """Write a proof that an entry is in the log, to be verified without the log.

    Example: tocsin log prove log 0 -o entry.tlog-proof
    """
    from tocsin.ledger import open_log

    out.write_bytes(open_log(folder).log.prove(index).encode())
    say(f"proof of entry {index} in {out}")


@app.command("recover")
def recover(
    folder: Annotated[Path, typer.Argument(metavar="OLD", help="Folder that was restored from a backup.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Folder for the log from now on, new or empty.")],
    mirror: Annotated[str, typer.Option("--from", metavar="URL_OR_DIR", help="A mirror, or a folder of one.")],
) -> None:
    """Fill a new folder from a mirror, then append what only the old one holds.

    Example: tocsin log recover restored log --from https://mirror.example.net
    """
    from tocsin.ledger import below, init_log, open_log, origin_hash
    from tocsin.ledger import recover as fill

    old = open_log(folder)
    init_log(new, old.log.origin, old.key)
    log = open_log(new).log
    copy = below(source_at(mirror), origin_hash(log.origin))
    tree = fill(log, copy, [*old.key.keys])
    added = log.append(old.log.tree.entries(0, old.log.tree.head().size))
    late = sum(index >= tree.size for index in added)
    say(f"{tree.size} entries from the mirror, and {late} that only the old folder held; sign a checkpoint next")


@app.command("serve")
def serve(folder: Folder, port: Port, host: Host = "127.0.0.1") -> None:
    """Serve the log's public files; the address goes to stdout.

    Example: tocsin log serve log --port 8400
    """
    from tocsin.ledger import FileStore, open_log
    from tocsin.node import listen, log_app

    open_log(folder)
    port_open = listen(host, port)
    typer.echo(port_open.url)
    port_open.serve(log_app(FileStore(folder)))
