"""`tocsin exercise`: simulate what sharing alarms is worth and what it costs."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.rim import put_json, put_rows, say, steps
from tocsin.forms.errors import ConfigError, VerificationError

if TYPE_CHECKING:
    from tocsin.exercise import Case

_HELP = """Simulate a coalition under attack: what sharing alarms is worth, and what it costs innocent people.

Example: tocsin exercise run arms-length --out exercise
"""
app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None)
Scenario = Annotated[
    str,
    typer.Argument(metavar="SCENARIO", help="A file, or arms-length, distrust, poison, open-weights, which ship."),
]
Seed = Annotated[
    int, typer.Option(min=0, max=2**32, help="The seed of all chance: the same one gives the same figures.")
]
Runs = Annotated[
    int, typer.Option(min=2, max=100_000, help="How many runs; each draws its own numbers from the ranges.")
]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("run")
def run(
    scenario: Scenario,
    out: Annotated[Path, typer.Option(help="Folder for results.parquet, summary.json and report.html.")],
    seed: Seed = 1,
    runs: Runs = 1000,
    as_json: Json = False,
) -> None:
    """Run a scenario under every policy on the same chances; print the median harm averted and what it costs.

    Example: tocsin exercise run arms-length --out exercise
    """
    from tocsin.flow import Exercise, write_exercise  # kept out of `tocsin --help`

    with steps("exercise") as tick:
        summary = write_exercise(Exercise(scenario, seed, runs), out, tick)
    put_json(summary) if as_json else _tell(summary, out)


def _tell(summary: dict[str, Any], out: Path) -> None:
    head = ("policy", "harm_averted", "known_share", "accounts", "reviews")
    rows = [[name, *(_figures(policy[m]) for m in head[1:])] for name, policy in summary["policies"].items()]
    put_rows(head, rows)
    say(f"medians, and 5 to 95 % of {summary['runs']} runs; {summary['caveat']}")
    say(f"read {out / 'report.html'}")


def _figures(quantiles: dict[str, float | None]) -> str:
    low, middle, high = ("-" if v is None else f"{v:.3g}" for v in (quantiles[q] for q in ("p5", "p50", "p95")))
    return f"{middle} ({low} to {high})"


@app.command("sensitivity")
def sensitivity(
    scenario: Scenario,
    policy: Annotated[str, typer.Option(help="A policy of the scenario, like all-review.")] = "all-review",
    measure: Annotated[
        str, typer.Option(help="A measure, like harm_averted, accounts or known_share.")
    ] = "harm_averted",
    seed: Seed = 1,
    runs: Runs = 1000,
    as_json: Json = False,
) -> None:
    """Rank what the outcome hangs on: rank correlations between what runs drew and what came out, strongest first.

    The runs are a Latin hypercube through all ranges of the scenario. Below 2 / √runs a correlation may be chance.

    Example: tocsin exercise sensitivity distrust --measure accounts
    """
    from tocsin.flow import Exercise, rank_ranges

    head = ("range", "correlation")
    with steps("exercise") as tick:
        rows = rank_ranges(Exercise(scenario, seed, runs), policy, measure, tick)
    rounded = [(path, round(r, 4)) for path, r in rows]
    put_json([dict(zip(head, row, strict=True)) for row in rounded]) if as_json else put_rows(head, rounded)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="arms-length, distrust, poison or open-weights.")],
) -> None:
    """Print a scenario that ships, as the beginning of one of your own.

    Example: tocsin exercise show arms-length
    """
    from tocsin.exercise import BUILT_IN, built_in

    if name not in BUILT_IN:
        raise ConfigError(f"no scenario is named {name!r}", hint=f"use one of {', '.join(BUILT_IN)}")
    typer.echo(built_in(name).decode(), nl=False)


def known_cases(seed: int) -> "Iterator[Case]":
    """Check the cases one after another."""
    from tocsin.exercise import check_cases  # kept out of `tocsin --help`

    return check_cases(seed)


@app.command("check")
def check(seed: Seed = 1, as_json: Json = False) -> None:
    """Check the engine against cases known exactly and published results, a million campaigns each.

    One of a thousand random cases may fall outside its 99.9 % interval for a seed of your own.

    Example: tocsin exercise check
    """
    head = ("case", "theory", "simulated", "low", "high", "ok")
    cases = []
    with steps("checking") as tick:
        for case in known_cases(seed):
            cases.append([getattr(case, field) for field in head])
            tick(len(cases), 0)
    put_json([dict(zip(head, c, strict=True)) for c in cases]) if as_json else put_rows(head, cases)
    if wrong := [c[0] for c in cases if not c[-1]]:
        raise VerificationError(
            f"{len(wrong)} of {len(cases)} cases fail, first {wrong[0]!r}", hint="run it with another seed"
        )
