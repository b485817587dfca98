"""Write the part of docs/quality.md that speaks of the classifier, from bench/results/judgement.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

RESULTS = Path(__file__).parent.parent / "bench/results/judgement.json"
GROUPS = {
    "English jailbreaks": (
        "en",
        (
            "inthewild_jailbreak",
            "pyrit_jailbreak_templates",
            "gptfuzzer_templates",
            "eval_safety_integrated",
            "pyrit_injection",
            "cyberseceval_pi",
        ),
    ),
    "English harmful requests": (
        "en",
        (
            "advbench",
            "harmbench",
            "strongreject",
            "tdc2023",
            "simple_safety_tests",
            "multijail",
            "catqa",
            "dangerousqa",
            "harmfulqa",
            "mlc_v05_unsafe",
            "ailuminate_demo",
        ),
    ),
    "English content harm (hate sentences)": ("en", ("hatecheck",)),
    "Chinese harmful requests": ("zh", ("catqa", "multijail", "ailuminate_zh_moonshot", "jailbench_seed")),
    "Chinese jailbreaks": ("zh", ("jailbench", "cyberseceval_pi", "cyberseceval_pi_zh")),
    "Chinese content harm (comments)": ("zh", ("hatecheck", "cold")),
}
FAMILIES = {
    "characters without rules": ("en", ("inthewild_jailbreak", "pyrit_jailbreak_templates", "gptfuzzer_templates")),
    "a harmful task in such a frame": ("en", ("eval_safety_integrated",)),
    "asking for the system prompt": ("en", ("pyrit_injection",)),
    "orders against the system prompt": ("en", ("cyberseceval_pi",)),
    "abuse of a code interpreter": ("en", ("cyberseceval_interpreter",)),
    "red teams' requests in many styles": ("en", ("pyrit_airt",)),
    "a harmful question in a frame": ("zh", ("jailbench",)),
    "orders against the system prompt, told in Chinese": ("zh", ("cyberseceval_pi", "cyberseceval_pi_zh")),
}
STAGES = ("first, text alone", "second, text alone", "first", "second")
DOMAINS = {
    "pubmedqa": "medicine, biology",
    "cyberseceval_frr": "security, administration",
    "gsm8k": "education",
    "cvalues_resp": "law and society",
    "mlc_v05_safe": "safe twins of hazards",
    "gpteacher": "role-play, code",
    "plex_prompts_zh": "role prompts",
    "teleantifraud_0228": "phone dialogues, many turns",
    "clinc150": "assistant commands",
    "plex_questions_zh": "general questions",
}
HEAD = """
# Quality of the classifier

Made by `make quality` from `bench/results/judgement.json` (tools/measure_judgement.py, model {model}). What the stages are:
[the classifier](classifier.md).

**How it is measured.** Nine folds keep whole *families of sources* apart (those that share authors, templates or a generator leave
together), in both languages at once; benign sources leave likewise. Each family is ranked against an even share of plain benign texts of its
language that the fold kept apart too; the threshold is what 1 % of those exceed. AUPRC is at one misuse text to three benign ones. The
authored texts of the package are in every training set. Two sources (`xsafety`, `aig_eval`) are neither trained on nor measured by.

**"Text alone" is the honest column**: the rules were tuned on these very sources, so that what they add here they may not add elsewhere.
"""
ANCHORS = """
## Published anchors

Guard models of 0.6 to 9 billion parameters, on sets that are not ours; they show what a model a thousand times larger reaches.

| system | OpenAI moderation set AUPRC | F1 | Chinese prompts, mean F1 |
|---|---|---|---|
| ShieldGemma 9B / 2B | .907 / .887 | .82 / .81 | 44 (27B) |
| OpenAI moderation API (2023) | .856 | .79 | |
| Llama Guard 7B / Llama Guard 3 8B | .847 / – | .76 / .80 | 45.6 (3) |
| Qwen3Guard 0.6B / 8B | – | .78 / .81 | 80.8 / 85.1 |
| PolyGuard 7B | – | .74 | 68.4 |
| Perspective API | .787 | | |

Sources: ShieldGemma (arXiv 2407.21772), Llama Guard model cards, Qwen3Guard (arXiv 2510.14276).
"""
ABOUT_STREAMS = """
Authored: two streams of 200,000 events of the bench's generator, one in 200 planted in rings; demo's: the sample of three seeds, with its
six campaigns. Rules, `near` and the template detector were mended by the false cases of streams of other seeds (205 a million before);
these two were first looked at when all was done.
"""
ABOUT_PEERS = """
Peers as they install, with nothing fetched at run time and nothing trained: of each what its wheel holds. **Not in the table**:
`metatronnanoguard` 0.1.0 judges one text a second on this machine, twelve hours for these folds; `gorget` 0.5.0 holds no detector
of misuse that works without a model from a hub. Neither `prismguard`'s nor `promptocyte`'s models come with them: their rules are measured.
"""
ABOUT_BENIGN = """
*first* and *second* use the threshold that 1 % of the plain benign texts of the fold exceed, which are of sources that the fold knows: so
much a new kind of text costs whoever fits a threshold on what he knows already. *As shipped*: the model's thresholds are fitted on benign
texts of whole sources that the scoring model had not seen; here, too, on those of other sources than the one measured.
"""
STOPS = """
## Where it stops

- **A chain of innocent steps** is hardly told from honest work: see sessions. That needs behaviour over time, or a reader of the whole session.
- **Twins that differ by a word** are the hardest single texts: see pairs. Naming a group is enough to raise a score.
- **A benign source of a new kind** is alarmed two to five times as often as the thresholds that ship say, sentences that name groups far more often: see
  unseen benign sources. Calibrate on your own traffic.
- **Injections whose carried instruction is harmless** are found by their form only.
- **Tried and dropped**: 2^18 rows instead of 2^16 (hardly better, four times as large), words and pairs without n-grams (worse in English), a hidden layer of 256 in place of two
  averaged ones of 128 (no better), dropping inputs in training (no better), encoding raw instead of folded text (as good, and open to
  disguise), refusals and mixed languages as inputs of the session's scale (no better on twins that are refused too). Teaching the first
  stage what the head says of 20,000 pieces cut from the training texts: English requests .897 → .885, Chinese .907 → .903, English
  jailbreaks .875 → .879 (AUPRC, text alone), benign sources 16.0 → 14.9 % alarmed: it trades, it does not gain. Four heads in place of
  two: at most .003, tried twice. Half the epochs, twice the dropping: worse. Sentences that name groups without malice, beyond those that there
  are: benign sources hardly better, hate sentences .96 → .92, twice.
- **Tried on windows, templates and tasks** (second stage, text alone, same folds; English jailbreaks, Chinese requests, hate sentences): windows of 240 (Chinese 100)
  characters of long texts read one by one, their greatest or mean score as a further input .904 / .945 / .969 and .905 / .946 / .969 from
  .906 / .947 / .969, in place of the head's .911 / .944 / .962; the length as an input .892 / .941 / .974; 3,000 requests of the training
  sources put into the written templates .912 / .946 / .957 from .912 / .949 / .965, with unseen benign sources 16.6 → 16.0 % alarmed;
  written everyday tasks of many trades and devices .912 / .945 / .954, benign sources 16.6 → 15.9 %. All trade one for another. Thresholds on which
  sources weigh by their roots: benign texts of unseen Chinese sources above the 0.1 % threshold 1.0 → 0.4 %, recall there 16 → 11 %.
- **What the newer authored texts changed** (set-ups of personas, injections, hard benign texts; second stage, text alone, same folds):
  English jailbreaks .863 / .61 → .906 / .68, Chinese jailbreaks .849 / .57 → .860 / .61, unseen benign sources 18.0 → 16.4 % alarmed, of which
  role-play and code 15 → 9 %, role prompts 30 → 19 %, safe twins of hazards 31 → 25 %, security work 33 → 31 %; at a price: hate
  sentences .976 → .969, Chinese requests .952 / .69 → .947 / .67, English ones .954 / .77 → .952 / .75. The texts were written from the
  standard's kinds, not from the sources, but which sections to keep was chosen by these folds, so that the figures flatter a little; and
  another draw of the same texts moves a group by up to .005 / .03, a single benign source by up to 10 points.
- **What more written injections changed** (orders in pieces, in other tongues, in documents, consoles, games and pleas, beside harmless texts of
  the same build): English jailbreaks .906 / .68 → .916 / .76, Chinese ones .860 / .61 → .880 / .60, Chinese requests .947 / .67 → .948 / .69; at a
  price: English requests .952 / .75 → .949 / .76, hate sentences .969 / .85 → .965 / .82, and ordinary authored events above even odds of harm
  4.3 → 7.1 %. They were written from general knowledge of such attacks, without looking at the sources; that they stay was decided by these folds.
- **The session so far** moves little (see sessions): at the second stage a retried request or a translated one is ranked somewhat higher; at the first
  stage nothing is gained.
"""


def judgement_page() -> str:
    """Write all sections that there are figures for."""
    held = json.loads(RESULTS.read_text("utf-8"))
    parts = [HEAD.format(model=held["model"])]
    parts += _table("## Aims", _aims(held))
    parts.append(
        "\nThe aims of the first stage are what a character model with logistic regression reaches on such sources.\n"
    )
    parts += _table("## Sources kept apart, in groups", _groups(held["apart"], held.get("peers", {})))
    parts.append(
        "\nAUPRC / recall at 1 % false alarms, mean over the sources of a group; texts a second on one core for peers.\n"
    )
    parts += _table("## Ways of attack: recall at 1 % false alarms", _families(held["apart"], held.get("peers", {})))
    parts.append(ABOUT_PEERS)
    parts += _table("## Each source kept apart", _sources(held["apart"]))
    parts += _table("## Unseen benign sources: share alarmed at the 1 % threshold", _benign(held["apart"]))
    parts.append(ABOUT_BENIGN)
    parts += _table("### With thresholds as they ship, mean over sources", _own(held["apart"]))
    parts += _table("## Kinds: recall at 1 % on unseen sources, mean over sources", _kinds(held["apart"]))
    parts += _table(
        "## Pairs: harmful goals that nothing was trained on, and their honest twins", _pairs(held["pairs"])
    )
    parts += _table("## Sessions", _sessions(held["sessions"]))
    parts.append(_about_sessions(held["sessions"]))
    parts += _table("## Disguises: recall at the model's threshold, before and after", _disguises(held["disguises"]))
    parts.append(
        f"\n`dev` misuse of at most 400 characters, model {held.get('disguises_by', held['model'])}; only the difference speaks. "
        "Base64 and spaced-out letters lose blanks or case.\n"
    )
    parts += _table("## Streams of ordinary events", _stream(held))
    parts.append(ABOUT_STREAMS)
    if "speed" in held:
        parts += _table("## Speed on one core", _speed(held["speed"]))
    return "\n".join([*parts, ANCHORS.strip("\n"), STOPS])


def _table(head: str, rows: Iterator[tuple[object, ...]]) -> list[str]:
    first, *rest = rows
    lines = [f"| {' | '.join(map(str, row))} |" for row in (first, ["---"] * len(first), *rest)]
    return [f"\n{head}\n", *lines]


def _aims(held: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    """Hold what was aimed at beside what was reached; ranking by text alone, and with the rules heard."""

    def ranks(stage: str, group: str) -> tuple[str, str]:
        lang, sources = GROUPS[group]
        return tuple(_pair(held["apart"][name]["sources"], lang, sources) for name in (f"{stage}, text alone", stage))

    yield ("what", "aim", "text alone", "with rules")
    for stage, group, aim in (
        ("second", "English jailbreaks", "0.92 / 0.70"),
        ("second", "Chinese harmful requests", "0.95 / 0.60"),
        ("second", "English content harm (hate sentences)", "0.63"),
        ("first", "English jailbreaks", "0.82 / 0.38"),
        ("first", "Chinese harmful requests", "0.91 / 0.33"),
        ("first", "English content harm (hate sentences)", "0.35"),
    ):
        yield (f"{group}, {stage} stage", aim, *ranks(stage, group))
    twins = " / ".join(f"{held['pairs'][lang]['second']['recall_at_8%_of_twins']:.0%}" for lang in ("en", "zh"))
    yield ("unsafe twins found with 8 % of safe twins alarmed, English / Chinese", "45 %", "–", twins)
    yield ("most points lost by a disguise", "2", "–", f"{100 * _most_lost(held['disguises']):.1f}")
    false = held["stream"]["with"]["false_cases_a_million_events"]
    yield ("false cases a million ordinary events", "20", "–", false)


def _most_lost(held: dict[str, Any]) -> float:
    stages = [stages[name] for stages in held.values() for name in ("first", "second")]
    return max(recalls["plain"] - recall for recalls in stages for recall in recalls.values())


def _of(rows: list[dict[str, Any]], lang: str, source: str, figure: str = "auprc") -> dict[str, Any]:
    """Find the row of a source that has a figure; a source may have left in one fold for misuse, in another for benign."""
    return next((r for r in rows if r["language"] == lang and r["source"] == source and figure in r), {})


def _pair(rows: list[dict[str, Any]], lang: str, sources: tuple[str, ...]) -> str:
    held = [r for r in (_of(rows, lang, s) for s in sources) if "auprc" in r]
    if not held:
        return "–"
    return f"{mean(r['auprc'] for r in held):.3f} / {mean(r['recall_at_1%'] for r in held):.2f}"


def _columns(apart: dict[str, Any], peers: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {name: apart[name]["sources"] for name in STAGES} | {name: p["sources"] for name, p in peers.items()}


def _groups(apart: dict[str, Any], peers: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    yield ("system", *GROUPS)
    for name, rows in _columns(apart, peers).items():
        shown = f"{name} ({peers[name]['texts_per_second']:,}/s)" if name in peers else f"**{name}**"
        yield (shown, *(_pair(rows, lang, sources) for lang, sources in GROUPS.values()))


def _families(apart: dict[str, Any], peers: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    """Show recall of each way of attack, for famous templates may carry a pooled figure."""
    columns = _columns(apart, peers)
    yield ("way of attack", "language", "texts", *columns)
    for name, (lang, sources) in FAMILIES.items():
        texts = sum(_of(apart["second"]["sources"], lang, s)["misuse"] for s in sources)
        recalls = (mean(_of(rows, lang, s)["recall_at_1%"] for s in sources) for rows in columns.values())
        yield (name, lang, texts, *(f"{r:.0%}" for r in recalls))


def _sources(apart: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    columns = _columns(apart, {})
    yield ("source", "language", "misuse", *columns)
    for row in apart["second"]["sources"]:
        if "auprc" in row:
            lang, source = row["language"], row["source"]
            yield (source, lang, row["misuse"], *(_pair(rows, lang, (source,)) for rows in columns.values()))


def _benign(apart: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    yield ("source", "domain", "language", "texts", "first", "second", "first, as shipped", "second, as shipped")
    for row in apart["second"]["sources"]:
        if "false_alarms" in row:
            first = _of(apart["first"]["sources"], row["language"], row["source"], "false_alarms")
            own = (r["shipped"]["0.01"]["benign"] for r in (first, row))
            shares = (f"{share:.1%}" for share in (first["false_alarms"], row["false_alarms"], *own))
            yield (row["source"], DOMAINS.get(row["source"], ""), row["language"], row["benign"], *shares)


def _own(apart: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    """Show what a member gets who changes nothing: the model's thresholds on sources that no fold had seen."""
    shares = {"1 %": "0.01", "0.1 % (findings)": "0.001"}
    yield ("language", "stage", *(f"{what}, {of}" for of in shares for what in ("benign alarmed", "recall")))
    for lang in ("en", "zh"):
        for stage in ("first", "second"):
            rows = [r for r in apart[stage]["sources"] if r["language"] == lang]
            benign = [r for r in rows if "false_alarms" in r]
            misuse = [r for r in rows if "auprc" in r]
            means = (
                mean(r["shipped"][share][side] for r in of)
                for share in shares.values()
                for of, side in ((benign, "benign"), (misuse, "misuse"))
            )
            yield (lang, stage, *(f"{m:.1%}" for m in means))


def _kinds(apart: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    yield ("kind in the data", "language", "texts", "sources", *STAGES)
    for row in apart["second"]["kinds"]:
        same = [
            next(r for r in apart[s]["kinds"] if (r["kind"], r["language"]) == (row["kind"], row["language"]))
            for s in STAGES
        ]
        yield (
            row["kind"],
            row["language"],
            row["texts"],
            row["sources"],
            *(f"{r['mean_of_sources']:.0%}" for r in same),
        )


def _pairs(pairs: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    yield (
        "language",
        "stage",
        "texts",
        "AUROC",
        "recall with 8 % of twins alarmed",
        "recall at the model's 1 %",
        "twins alarmed there",
    )
    for lang, stages in pairs.items():
        for stage, found in stages.items():
            shown = (f"{found[n]:.0%}" for n in ("recall_at_8%_of_twins", "recall_at_model_threshold", "twins_alarmed"))
            yield (lang, stage, found["texts"], f"{found['auroc']:.3f}", *shown)


def _sessions(held: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    ways = [name for name in held if isinstance(held[name], dict)]
    groups = list(held[ways[0]])
    yield ("judged by", *groups)
    for way in ways:
        yield (way, *(f"{held[way][g]['auroc']:.2f} / {held[way][g]['recall']:.0%}" for g in groups))


def _about_sessions(held: dict[str, Any]) -> str:
    return (
        f"\nAUROC / recall with 5 % of honest sessions alarmed. {held['sessions']} authored sessions in both languages, half of them honest "
        f"twins; {held['measured']} of them, of ideas that the scale was not fitted on, are measured. Their goals and steps are in no training "
        "set. *chain*: innocent steps towards harm; *split*: the same over several sessions of an account; *retry*: asked again after refusals; "
        "*translated*: asked again in the other language; *hidden*: one request among small talk. The twins are refused and retried as often. "
        f"*Turns*: all {held['first, turns']} of the sessions, small talk being harmless wherever it stands, at 5 % of harmless turns; *in its session*, "
        "each half of the ideas by slopes fitted on the other.\n"
    )


def _disguises(held: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    first = next(iter(held.values()))
    yield ("language", "stage", "texts", *first["first"])
    for lang, stages in held.items():
        for stage in ("first", "second"):
            yield (lang, stage, stages["texts"], *(f"{r:.1%}" for r in stages[stage].values()))


def _speed(held: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    yield (
        "language",
        "first stage, MB/s of folded text",
        "its kernel alone, MB/s",
        "second stage, texts a second",
        "kernels",
    )
    for lang in ("en", "zh"):
        found = held[lang]
        yield (
            lang,
            found["first_stage_mb_s"],
            found["kernel_alone_mb_s"],
            found["second_stage_texts_s"],
            held["kernels"],
        )


def _stream(held: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    parts = [held[part] for part in ("stream", "demo") if part in held]
    names = ["authored", "demo's"]
    ways = [(part, way) for part in parts for way in ("without", "with")]
    yield ("", *(f"{n}, {w} the classifier" for n, _ in zip(names, parts, strict=False) for w in ("without", "with")))
    yield ("events", *(f"{part['events']:,}" for part, _ in ways))
    yield (
        "findings of the classifier",
        *(part["findings_of_the_classifier"] if w == "with" else 0 for part, w in ways),
    )
    yield ("events above even odds of harm", *(f"{part['above_half']:.2%}" if w == "with" else "–" for part, w in ways))
    for name, shown in (
        ("cases", "cases"),
        ("false_cases", "false cases"),
        ("false_cases_a_million_events", "false cases a million events (aim ≤ 20)"),
        ("precision_of_top_100", "precision of the first 100 cases of a run"),
    ):
        yield (shown, *(part[way][name] for part, way in ways))
