"""What the commands of witnesses and mirrors share: their folders, their peers, and serving."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.rim import say
from tocsin.forms.errors import ConfigError, TocsinError

if TYPE_CHECKING:
    from tocsin.ledger import Peers, Policy, Source, Witness

Host = Annotated[str, typer.Option(help="Address to listen on; other machines reach only what you name.")]
Port = Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)]
Key = Annotated[Path | None, typer.Option(help="Key file of this type; a new key when left out.")]
MlDsa = Annotated[bool, typer.Option("--ml-dsa", help="Add an ML-DSA-44 key to the new key.")]
Without = Annotated[list[str] | None, typer.Option(help="Do without the word of this peer; may be repeated.")]

_RETRY_SECONDS = 2.0


def make(folder: Path, role: str, name: str, key: Path | None, ml_dsa: bool) -> None:
    """Make the folder of a witness or mirror; its verifier keys go to stdout."""
    from tocsin.ledger import KINDS, init_cosigner, new_key, read_key_file, seal_keys

    fresh = () if key else new_key(name, os.urandom, KINDS[role], ml_dsa=ml_dsa)
    file = read_key_file(key) if key else seal_keys(fresh, os.urandom)
    if file.keys[0].name != name:
        raise ConfigError(f"the key is named {file.keys[0].name!r}, the {role} {name!r}", hint="give the key's name")
    init_cosigner(folder, role, file)
    for one in file.keys:
        typer.echo(one.encode())


def add_log(folder: Path, role: str, key: str, url: str | None) -> None:
    """Follow a log from now on."""
    from tocsin.ledger import LogLine, open_cosigner, parse_key

    line = LogLine(parse_key(key), url)
    open_cosigner(folder, role).change(lambda policy: replace(policy, logs=(*policy.logs, line)))
    say(f"follows {line.key.name}")


def add_peer(folder: Path, role: str, name: str, key: str, url: str) -> None:
    """Ask a peer at every start from now on."""
    from tocsin.ledger import WitnessLine, open_cosigner, parse_key

    line = WitnessLine(name, parse_key(key), url)
    open_cosigner(folder, role).change(lambda policy: replace(policy, witnesses=(*policy.witnesses, line)))
    say(f"asks {name} at every start")


def source_at(address: str) -> "Source":
    """Open a log or mirror by its address or folder."""
    from tocsin.ledger import folder_source, http_source
    from tocsin.node import HttpTransport

    if address.startswith(("http://", "https://")):
        return http_source(HttpTransport(), address)
    return folder_source(Path(address))


def peers_of(policy: "Policy", without: list[str] | None) -> "Peers":
    """Name the peers to be asked."""
    from tocsin.ledger import Peers

    left_out = set(without or ())
    unknown = left_out - {line.name for line in policy.witnesses}
    if unknown:
        raise ConfigError(f"no peer is named {sorted(unknown)[0]!r}", hint="see the file `policy` in the folder")
    kept = tuple(line for line in policy.witnesses if line.name not in left_out)
    return Peers(replace(policy, witnesses=kept), source_at)


def ask_in_background(peers: "Peers", witness: "Witness", learned: Callable[[str, int], None]) -> Callable[[], bool]:
    """Ask the peers until all have answered; the result tells whether that is so. Reading is served meanwhile."""
    asked = threading.Event()
    told: set[str] = set()

    def ask() -> None:
        while not asked.is_set():
            try:
                for origin, size in peers.catch_up(witness).items():
                    learned(origin, size)
                asked.set()
            except TocsinError as error:
                if str(error) not in told:
                    say(f"not cosigning yet: {error}")
                told.add(str(error))
                time.sleep(_RETRY_SECONDS)

    threading.Thread(target=ask, daemon=True).start()
    return asked.is_set


def now() -> int:
    """Give POSIX seconds."""
    return int(time.time())
