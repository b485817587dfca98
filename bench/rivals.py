"""Give peers the standard's rules in their own forms, and the same rows, already folded.

A peer has no rule trees and no fold. It is given less to do, never more: of each rule the trigger alone, the patterns
one of which every match holds, and texts that Tocsin has folded for it.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cost import keep
from environment import install
from tocsin.standard import Rule, load_standard
from tocsin.standard.match import All, Leaf, Tree, demands
from tocsin.standard.match import Any as AnyOf
from tocsin.text import fold_batch

HERE = Path(__file__).parent
BLOCK = 2048


def write_rules(path: Path, standard: Path | None = None) -> dict[str, int]:
    """Write the rules: trigger `patterns`, and/or `queries`, `literals` that every match holds one of, `branches`.

    A branch is what Tocsin's own scan asks of a text: of each of its groups of literals, one.
    """
    given = [_given(rule) for rule in load_standard(standard, prove=False).rules]
    keep(path, {"rules": given})
    counts = {name: sum(len(rule[name]) for rule in given) for name in ("patterns", "literals", "branches", "queries")}
    return {"rules": len(given), **counts}


def _given(rule: Rule) -> dict[str, Any]:
    found = [demand.sets for tree in rule.alternatives for demand in demands(tree)]
    return {
        "id": rule.id,
        "patterns": [pattern for tree in rule.alternatives for pattern in _triggers(tree)],
        "literals": sorted({_bare(factor) for branch in found for factor in branch[0]}),
        "branches": [[sorted({_bare(factor) for factor in group}) for group in branch] for branch in found],
        "queries": [[list(group) for group in query] for tree in rule.alternatives for query in _queries(tree)],
        "not": list(rule.unless.patterns) if isinstance(rule.unless, Leaf) else [],
    }


def write_rows(source: Path, path: Path, rows: int) -> None:
    """Write the first rows of a Parquet file as JSON lines: the folded text, and the bytes of the original."""
    growing = path.with_suffix(".growing")
    with pq.ParquetFile(source) as parquet, growing.open("w", encoding="utf-8") as out:
        left = rows
        for batch in parquet.iter_batches(BLOCK, columns=["text"]):
            texts = batch["text"].slice(0, left)
            folded = fold_batch(texts)
            for line, text in enumerate(texts.to_pylist()):
                out.write(json.dumps([folded.line(line), len(text.encode())], ensure_ascii=False) + "\n")
            left -= len(texts)
            if left <= 0:
                break
    growing.replace(path)


def _queries(tree: Tree) -> list[list[Sequence[str]]]:
    """List the ways in which a tree may match, each as groups of patterns that must all be there, however far apart."""
    if isinstance(tree, AnyOf):
        return [query for item in tree.items for query in _queries(item)]
    if isinstance(tree, All):
        return [[_triggers(item) for item in tree.items]]
    return [[tree.patterns]]


def _triggers(tree: Tree) -> Sequence[str]:
    """List patterns one of which every match holds; of what must stand together, those of the rarest item alone."""
    if isinstance(tree, AnyOf):
        return [pattern for item in tree.items for pattern in _triggers(item)]
    return tree.patterns if isinstance(tree, Leaf) else _triggers(tree.rarest_first[0])


def _bare(factor: Any) -> str:
    return str(factor).replace("\0", "")


def main(source: str, rows: str, venv: str, rules: str, lines: str, standard: str | None = None) -> None:
    """Prepare everything that peers need."""
    if not Path(lines).exists():
        write_rows(Path(source), Path(lines), int(rows))
    print(
        json.dumps(
            {
                "given": write_rules(Path(rules), Path(standard) if standard else None),
                "python": str(install(Path(venv), HERE / "peers.txt")),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
