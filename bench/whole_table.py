"""Render the tables of the whole path and of the fingerprints from bench/results/whole.json."""

from collections.abc import Iterator
from typing import Any

PEERS = ("yara-python", "presidio-analyzer", "nemoguardrails", "threatexchange")
BILLION = 1_000_000_000


def render_whole(result: dict[str, Any]) -> str:
    """Render what was measured as Markdown."""
    p, machine = result["pieces"], result["machine"]
    head = (
        f"Measured {result['made']}, seed {result['seed']}, on {machine['cpu']} with {machine['cores']} cores, Python "
        f"{machine['python']}. Processor seconds of one core; the load beside a row tells of other work."
    )
    parts = [_bank(p), _recall(p), _benign(p), _path(p), _stages(p), _peers(p), _workers(p), _growth(p)]
    return "\n".join([head, *(line for part in parts for line in ("", *part))])


def _bank(p: dict[str, Any]) -> Iterator[str]:
    bank, add = p["bank"], p.get("add")
    spent = bank["cpu_s"]
    yield (
        f"The bank: {bank['alarms']:,} alarms, {bank['templates']:,} of them templates, "
        f"{bank['disk_bytes'] / 1e6:.0f} MB on disk in {bank['segments']} segment. `tocsin fingerprint build` made the "
        f"templates in {spent['templates_by_command']:.1f} s; fingerprints of the others took "
        f"{spent['noise_fingerprints']:.0f} s, joining and writing {spent['join_and_write']:.1f} s."
    )
    if add:
        more = add["cpu_s"]
        yield (
            f"Adding one alarm took {more['one_alarm']:.1f} s, ten thousand {more['ten_thousand_alarms']:.1f} s, "
            f"of which opening the bank is {more['open']:.1f} s; the large segment was "
            f"{'kept as it was' if add['large_segment_kept'] else 'written anew'}."
        )


def _recall(p: dict[str, Any]) -> Iterator[str]:
    rows = p["recall"]["disguises"]
    yield "| disguise | least | English | Chinese |"
    yield "|---|---|---|---|"
    for name in dict.fromkeys(key.rpartition(", ")[0] for key in rows):
        en, zh = rows[f"{name}, en"], rows[f"{name}, zh"]
        yield f"| {name} | {en['least']:.0%} | {en['recall']:.2%} | {zh['recall']:.2%} |"
    en, zh = rows["exact, en"], rows["exact, zh"]
    yield ""
    yield f"{en['texts']:,} templates in English, {zh['texts']:,} in Chinese; found is one whose own alarm is told."


def _benign(p: dict[str, Any]) -> Iterator[str]:
    yield "| benign texts | texts | MB | told of an alarm |"
    yield "|---|---|---|---|"
    for piece in ("generated", "labelled"):
        for name, row in p.get(piece, {}).items():
            if isinstance(row, dict):
                yield f"| {name} | {row['texts']:,} | {row['text_mb']:.1f} | {row['hit']} |"


def _path(p: dict[str, Any]) -> Iterator[str]:
    read, whole = p["main"]["read"], p["main"]["whole"]
    yield "| run | rows | MB of text | processor s | MB/s | of the bare read | peak MB | load |"
    yield "|---|---|---|---|---|---|---|---|"
    runs = ("everything on", "main"), ("everything on, and `--scores`", "scored"), ("hostile rows", "hostile")
    for name, piece in runs:
        if piece in p:
            yield _run(name, p[piece]["text_mb"], p[piece]["whole"], p[piece]["read"], p[piece]["load"])
    for name, row in p.get("without", {}).items():
        if isinstance(row, dict):
            yield _run(
                f"without {name}", p["main"]["text_mb"] if name != "rows" else 0, row, read, p["without"]["load"]
            )
    yield ""
    yield (
        f"The bare Parquet read took {read['cpu_s']:.2f} s, {read['mb_per_s']:.0f} MB/s. Everything on, a run "
        f"wrote {whole['findings']:,} findings and {whole['cases']:,} cases."
    )


def _run(name: str, size: float, run: dict[str, Any], read: dict[str, Any], load: float) -> str:
    rate = f"{run['mb_per_s']:.1f} | {run['mb_per_s'] / read['mb_per_s']:.1%}" if size else "– | –"
    return f"| {name} | {run['rows']:,} | {size:.1f} | {run['cpu_s']:.1f} | {rate} | {run['peak_mb']:,.0f} | {load} |"


def _stages(p: dict[str, Any]) -> Iterator[str]:
    spent = p["stages"]["cpu_s"]
    yield "| stage | processor s | share |"
    yield "|---|---|---|"
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        yield f"| {name} | {seconds:.1f} | {seconds / sum(spent.values()):.1%} |"


def _peers(p: dict[str, Any]) -> Iterator[str]:
    whole = p["main"]["whole"]["mb_per_s"]
    yield "| peer, the same thousand rules | rows | processor s | MB/s | Tocsin is faster by |"
    yield "|---|---|---|---|---|"
    for name in (n for n in PEERS if n in p):
        row = p[name]
        rate = row["text_bytes"] / 1e6 / row["cpu_s"]
        yield f"| {name} | {row['rows']:,} | {row['cpu_s']:.1f} | {rate:.3f} | {whole / rate:,.0f} |"


def _workers(p: dict[str, Any]) -> Iterator[str]:
    found = [row for name, row in p.items() if name.startswith("workers-")]
    alone = {row["rows"]: row["wall_s"] for row in found if row["workers"] == 1}
    if found:
        yield "| rows | workers | wall s | faster than one | of it screening | load | MB beside file pages |"
        yield "|---|---|---|---|---|---|---|"
    for row in sorted(found, key=lambda row: (row["rows"], row["workers"])):
        own = ", ".join(f"{process['beside_files_mb']:.0f}" for process in row["memory"])
        gain = f"{alone[row['rows']] / row['wall_s']:.2f}" if row["rows"] in alone else "–"
        seconds = f"{row['wall_s']:.1f} | {gain} | {row['screening_s']:.1f}"
        yield f"| {row['rows']:,} | {row['workers']} | {seconds} | {row['load']} | {own} |"


def _growth(p: dict[str, Any]) -> Iterator[str]:
    found = {int(name.partition("-")[2]): row for name, row in p.items() if name.startswith("growth-")}
    yield "| rows | MB of text | processor s | s a million rows | MB/s | of the bare read | peak MB |"
    yield "|---|---|---|---|---|---|---|"
    for rows, row in sorted(found.items()):
        run, read = row["whole"], row["read"]
        each = run["cpu_s"] / rows * 1e6
        rate = f"{run['mb_per_s']:.1f} | {run['mb_per_s'] / read['mb_per_s']:.1%}"
        yield f"| {rows:,} | {row['text_mb']:.0f} | {run['cpu_s']:.1f} | {each:.1f} | {rate} | {run['peak_mb']:,.0f} |"
    if len(found) > 1:
        (few, less), (many, more) = sorted(found.items())[-2:]
        slope = (more["whole"]["cpu_s"] - less["whole"]["cpu_s"]) / (many - few)
        yield ""
        yield (
            f"Between the last two, another million rows cost {slope * 1e6:.1f} s. A billion rows at that rate, "
            f"{more['text_mb'] / many * BILLION / 1e6:.1f} TB of text, cost {slope * BILLION / 3600:.1f} core hours."
        )
