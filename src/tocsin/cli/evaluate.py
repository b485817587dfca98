"""`tocsin evaluate`: how well the classifier ranks labelled texts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.rim import cache_folder, check_lang, put_json, put_rows, say, write_text

MEASURES = ("auroc", "auprc", "recall_at_1%", "recall_at_0.1%")


def evaluate(
    labelled: Annotated[list[Path], typer.Argument(help="Labelled texts, one JSON object a line.")],
    stage: Annotated[str, typer.Option(help="first or second.")] = "first",
    model: Annotated[Path | None, typer.Option(help="A model file; the shipped one when left out.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Also draw recall by kind into this SVG file.")] = None,
    diagram: Annotated[Path | None, typer.Option(help="Also draw what was said and what was so into this SVG.")] = None,
    lang: Annotated[str, typer.Option(help="Language of the charts: en or zh.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Measure how well the classifier ranks labelled texts, by language, kind, family of attack and source.

    Example: tocsin evaluate labelled.jsonl --stage second
    """
    from tocsin.flow import (  # kept out of `tocsin --help`
        as_stage,
        draw_evaluation,
        draw_said_and_so,
        evaluate_model,
        load_model,
        read_labelled,
    )

    found = evaluate_model(read_labelled(labelled), load_model(model), as_stage(stage), cache_folder())
    if chart:
        write_text(chart, draw_evaluation(found, check_lang(lang)))
    if diagram:
        write_text(diagram, draw_said_and_so(found, check_lang(lang)))
    if as_json:
        put_json(found)
        return
    put_rows(("language", "group", "misuse", "benign", *MEASURES, "false_alarms"), list(_rows(found)))
    say(f"stage {stage}, parity gap of recall at 1 %: {found['parity_gap']}")


def _rows(found: dict[str, Any]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for lang, all_ in found["languages"].items():
        shown = [f"{all_[m]['value']} ({all_[m]['low']}-{all_[m]['high']})" for m in MEASURES]
        rows.append((lang, "all", all_["misuse"], all_["benign"], *shown, all_["model_threshold"]["false_alarms"]))
        for what in ("kinds", "families", "sources"):
            for name, group in all_[what].items():
                cells = [group.get(m, "") for m in MEASURES]
                rows.append((lang, name, group["misuse"], group["benign"], *cells, group.get("false_alarms", "")))
    return rows
