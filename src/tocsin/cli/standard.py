"""`tocsin standard`: list, show, check and lint the misuse standard."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.rim import cache_folder, check_lang, put_json, put_rows, say
from tocsin.forms.errors import ConfigError, VerificationError

_HELP = """List, show, check and lint the misuse standard.

Example: tocsin standard show M02
"""
app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[
    Path | None, typer.Option("--standard", help="Folder of a misuse standard; the shipped one when left out.")
]
Lang = Annotated[str, typer.Option(help="en or zh.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("list")
def list_kinds(standard: Folder = None, lang: Lang = "en", as_json: Json = False) -> None:
    """List the kinds and their rules.

    Example: tocsin standard list --json
    """
    from tocsin.flow import describe_standard  # kept out of `tocsin --help`

    kinds = describe_standard(standard)
    if as_json:
        put_json(kinds)
        return
    check_lang(lang)
    rows = [(k["id"], k["severity"], len(k["rules"]), k["name"][lang]) for k in kinds]
    put_rows(("kind", "severity", "rules", "name"), rows)


@app.command("show")
def show(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A kind, like M02, or a rule, like M12.ignore-instructions.")
    ],
    standard: Folder = None,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Show one kind or rule in full.

    Example: tocsin standard show M02 --lang zh
    """
    from tocsin.flow import describe

    shown = describe(name, standard)
    if shown is None:
        raise ConfigError(f"no kind or rule is named {name!r}", hint="see: tocsin standard list")
    check_lang(lang)
    put_json(shown) if as_json else typer.echo(_outline(shown, lang))


@app.command("check")
def check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder of a standard; the shipped one when left out.")
    ] = None,
) -> None:
    """Load a standard and prove every rule by its own examples.

    Example: tocsin standard check my-standard
    """
    from tocsin.standard import load_standard

    standard = load_standard(folder)
    say(f"standard {standard.version}: {len(standard.kinds)} kinds, {len(standard.rules)} rules, every example holds")


@app.command("lint")
def lint(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder of a standard; the shipped one when left out.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of the dearest rules to list.")] = 15,
    as_json: Json = False,
) -> None:
    """Price every rule on the built-in sample of traffic, dearest first; fail where one is too dear.

    Wasted are texts that the scanner handed to the rule's regular expressions for nothing, per 1,000 texts.

    Example: tocsin standard lint
    """
    from tocsin.flow import price_standard

    prices = price_standard(folder, cache_folder(), time.perf_counter)
    head = ("rule", "wasted_per_1000", "us_per_text", "us_worst_case", "advice")
    rows = [
        (p.rule, round(p.wasted_per_1000, 2), round(p.us_per_text, 2), round(p.us_worst_case), p.advice) for p in prices
    ]
    put_json([dict(zip(head, r, strict=True)) for r in rows]) if as_json else put_rows(head, rows[:top])
    dear = [p.rule for p in prices if p.advice]
    if dear:
        raise VerificationError(
            f"{len(dear)} of {len(prices)} rules are costly", hint="make their rarest part rarer: see docs/rules.md"
        )


@app.command("diff")
def diff(
    old: Annotated[Path, typer.Argument(metavar="A", help="Folder of the standard as it is.")],
    new: Annotated[Path, typer.Argument(metavar="B", help="Folder of the standard as it is to be.")],
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """List the kinds and rules that differ between two standards, with the fields that changed.

    Example: tocsin standard diff standard-1 standard-2 --lang zh
    """
    from tocsin.standard import CHANGES, compare, load_standard

    check_lang(lang)
    found = compare(load_standard(old), load_standard(new))
    if as_json:
        names = [{"en": c.name.en, "zh": c.name.zh} for c in found]
        put_json(
            [
                {"change": c.change, "what": c.what, "id": c.id, "name": name, "fields": list(c.fields)}
                for c, name in zip(found, names, strict=True)
            ]
        )
        return
    rows = [(CHANGES[c.change][lang], c.id, getattr(c.name, lang), " ".join(c.fields)) for c in found]
    put_rows(("change", "id", "name", "fields"), rows)


def _outline(value: Any, lang: str, depth: int = 0) -> str:
    pad = "  " * depth
    if isinstance(value, dict) and set(value) == {"en", "zh"} and isinstance(value["en"], str):
        return pad + str(value[lang])
    if isinstance(value, dict):
        return "\n".join(
            f"{pad}{key}:\n{_outline(inner, lang, depth + 1)}"
            for key, inner in value.items()
            if inner not in (None, [], {})
        )
    if isinstance(value, list):
        return "\n".join(f"{pad}- {_outline(inner, lang, depth + 1).strip()}" for inner in value)
    return pad + str(value)
