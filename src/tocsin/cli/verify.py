"""`tocsin verify`: check what logs, witnesses and mirrors say, trusting nobody but a policy."""

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.rim import put_json, put_rows, read_bytes

app = typer.Typer(
    help="Verify proofs, whole logs and mirrors against a policy.", no_args_is_help=True, rich_markup_mode=None
)
PolicyFile = Annotated[Path, typer.Option(help="Trust policy (tlog-policy text): logs, witnesses, quorum.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("proof")
def proof(
    file: Annotated[Path, typer.Argument(metavar="PROOF", help="Proof that `tocsin log prove` wrote.")],
    entry: Annotated[Path, typer.Option(help="The entry, byte for byte.")],
    policy: PolicyFile,
    as_json: Json = False,
) -> None:
    """Verify, offline, that an entry is in a log.

    Example: tocsin verify proof entry.tlog-proof --entry statement.json --policy trust.policy
    """
    from tocsin.ledger import parse_policy, parse_proof, verify_proof

    read = parse_proof(read_bytes(file, "proof"))
    trusted = verify_proof(read, read_bytes(entry, "entry"), parse_policy(read_bytes(policy, "policy")))
    tree = trusted.checkpoint
    told = {
        "origin": tree.origin,
        "index": read.index,
        "size": tree.size,
        "time": trusted.time,
        "cosigned": sorted(trusted.times),
    }
    if as_json:
        put_json(told)
    else:
        put_rows(
            list(told), [[told["origin"], read.index, tree.size, trusted.time or "", " ".join(sorted(trusted.times))]]
        )
