"""Run one peer over rows, in the peers' own environment: `python peer.py NAME RULES ROWS SECONDS`, prints JSON.

Nothing of Tocsin is imported here. Building the peer is not timed; then rows are given to it one by one, as its own
interface asks, until the seconds of processor are spent or the rows are at an end.
"""

import asyncio
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path


def yara_python(rules):
    """One YARA rule a rule, true where a branch has one literal of each of its groups: what Tocsin's own scan asks."""
    import yara

    def one(number, rule):
        groups = sorted({tuple(group) for branch in rule["branches"] for group in branch})
        name = {group: f"g{n}" for n, group in enumerate(groups)}
        texts = "\n".join(f"    ${name[g]}_{i} = {quoted(text)}" for g in groups for i, text in enumerate(g))
        ways = " or ".join(
            "(" + " and ".join(f"any of (${name[tuple(g)]}_*)" for g in branch) + ")" for branch in rule["branches"]
        )
        return f"rule r{number} {{\n  strings:\n{texts}\n  condition: {ways}\n}}"

    def quoted(text):
        return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'

    compiled = yara.compile(source="\n".join(one(n, r) for n, r in enumerate(rules) if all(r["branches"])))
    return lambda text: len(compiled.match(data=text.encode()))


def presidio_analyzer(rules):
    """One PatternRecognizer a rule, its literals as the deny list; no language model."""
    from presidio_analyzer import PatternRecognizer

    recognizers = [PatternRecognizer(f"R{n}", deny_list=r["literals"]) for n, r in enumerate(rules) if r["literals"]]
    return lambda text: sum(bool(r.analyze(text, r.supported_entities)) for r in recognizers)


def nemoguardrails(rules):
    """The regex detection action with every trigger pattern."""
    from nemoguardrails import RailsConfig
    from nemoguardrails.library.regex.actions import detect_regex_pattern

    patterns = [f"(?a:{p})" for r in rules for p in r["patterns"]]
    config = RailsConfig.from_content(
        config={"models": [], "rails": {"config": {"regex_detection": {"input": {"patterns": patterns}}}}}
    )
    run = asyncio.new_event_loop().run_until_complete
    return lambda text: len(run(detect_regex_pattern("input", text, config)).metadata["detections"])


def threatexchange(rules):
    """The index of trend queries: every rule alternative as lists of which each must have a match."""
    from threatexchange.signal_type.trend_query import TrendQuerySignal

    index = TrendQuerySignal.get_index_cls()()
    for rule in rules:
        for query in rule["queries"]:
            groups = [{"or": [f'regex-"(?a:{p})"' for p in group]} for group in query]
            index.add(json.dumps({"and": groups, "not": [f'regex-"(?a:{p})"' for p in rule["not"]]}), rule["id"])
    return lambda text: len({match.metadata for match in index.query(text)})


PEERS = {
    "yara-python": yara_python,
    "presidio-analyzer": presidio_analyzer,
    "nemoguardrails": nemoguardrails,
    "threatexchange": threatexchange,
}


def main(name, rules, rows, seconds):
    started = time.process_time()
    ask = PEERS[name](json.loads(Path(rules).read_text("utf-8"))["rules"])
    built = time.process_time()
    lines = [json.loads(line) for line in Path(rows).read_text("utf-8").split("\n") if line]
    told = done = size = 0
    begin, wall = time.process_time(), time.perf_counter()
    for text, length in lines:
        told += ask(text) > 0
        done, size = done + 1, size + length
        if time.process_time() - begin > float(seconds):
            break
    spent = {"cpu_s": round(time.process_time() - begin, 3), "wall_s": round(time.perf_counter() - wall, 3)}
    print(
        json.dumps(
            {
                **spent,
                "build_s": round(built - started, 3),
                "version": version(name),
                "rows": done,
                "text_bytes": size,
                "rows_told": told,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
