"""`tocsin demo`: screen the sample that ships with Tocsin and hold the result against the truth."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.rim import cache_folder, check_lang, progress, put_json, put_rows, say
from tocsin.forms.errors import VerificationError

_SENTENCES = {
    "en": (
        "{rows} events of {accounts} accounts screened",
        "{found} of {planted} planted campaigns found, {false} false cases",
        "open {report}",
        'next: tocsin cases {out}   ·   tocsin screen YOUR-LOGS --out run   ·   tocsin check "a text"',
    ),
    "zh": (
        "已筛查 {accounts} 个账号的 {rows} 条消息记录",
        "预置的 {planted} 起系列滥用活动中发现 {found} 起，误报个案 {false} 个",
        "打开 {report}",
        "接下来：tocsin cases {out} --lang zh   ·   tocsin screen 日志路径 --out run   ·   tocsin check 一段文字",
    ),
}


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the sample and everything the run writes.")] = Path(
        "tocsin-demo"
    ),
    seed: Annotated[int, typer.Option(help="Another seed: other accounts, words, times and sizes.")] = 1,
    without: Annotated[list[str] | None, typer.Option(help="Leave a planted campaign out; may be repeated.")] = None,
    lang: Annotated[str, typer.Option(help="Language of what is told: en or zh.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print planted, found and false as JSON.")] = False,
) -> None:
    """Build a sample of AI traffic with six planted campaigns, screen it for real, and compare.

    Example: tocsin demo --seed 7
    """
    from tocsin.flow import run_demo  # kept out of `tocsin --help`

    check_lang(lang)
    with progress("screening the sample") as tick:
        verdict = run_demo(out, seed, tuple(without or ()), cache_folder(), time.perf_counter, tick)
    if as_json:
        put_json({"planted": verdict.planted, "found": verdict.found, "false": verdict.false})
    else:
        _tell(verdict, out, lang)
    if verdict.found != verdict.planted or verdict.false:
        missed = len(verdict.planted) - len(verdict.found)
        raise VerificationError(
            f"{missed} planted campaigns missed, {len(verdict.false)} false cases", hint="please report the seed"
        )


def _tell(verdict: Any, out: Path, lang: str) -> None:
    yes, no = {"en": ("found", "missed"), "zh": ("已发现", "未发现")}[lang]
    head = {
        "en": ("campaign", "kind", "accounts", "result", "story"),
        "zh": ("系列活动", "类别", "账号数", "结果", "情节"),
    }[lang]
    rows = [
        (p.name, p.kind, len(p.accounts), yes if p.name in verdict.found else no, p.story.of(lang))
        for p in verdict.truth
    ]
    put_rows(head, rows)
    found, planted, false = len(verdict.found), len(verdict.planted), len(verdict.false)
    figures = {"rows": verdict.rows, "accounts": verdict.accounts, "found": found, "planted": planted, "false": false}
    for sentence in _SENTENCES[lang]:
        say(sentence.format(out=out, report=out / "report.html", **figures))
