"""Leads are found where they stand, as a slow look at every text finds them."""

import sys
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.forms import TRAFFIC
from tocsin.node.leads import Lead, LeadBook, Sighting
from tocsin.text import fold_slowly

TEXTS = ["parcel lures for{}quillpost customers", "a phrase that is long enough", "请在小时内支付关税否则退回"]


def traffic(*rows: dict[str, Any]) -> pa.RecordBatch:
    base = {"role": "user", "text": "", "account": "a1"}
    made = [base | {"event_id": str(n), "time": n} | row for n, row in enumerate(rows)]
    return pa.RecordBatch.from_pylist(made, TRAFFIC)


def lead(form: str, value: str) -> Lead:
    return Lead(f"{form}-{value[:8]}", form, value, "M02", "test")


def test_each_form_is_met_and_counted_an_account() -> None:
    book = LeadBook((lead("account", "a2"), lead("network", "64500"), lead("client", "night"), lead("text", TEXTS[0])))
    batch = traffic(
        {"network": {"asn": "AS64500", "country": None}},
        {"network": {"asn": "64500", "country": None}},
        {"account": "a2", "client": "night"},
        {"text": "Pаrcel LURES for all of Quillpost  customers", "role": "tool"},  # with a Cyrillic letter
        {"text": "parcel lures for all of quillpost customers", "role": "assistant"},
        {"account": None, "client": "night"},
    )
    assert book.sightings(batch) == [
        Sighting("account-a2", "a2", 1, 2, 2),
        Sighting("client-night", "a2", 1, 2, 2),
        Sighting("network-64500", "a1", 2, 0, 1),
        Sighting("text-parcel l", "a1", 1, 3, 3),
    ]
    assert book.about(["Parcel lures for quillpost customers"], "a2") == [lead("account", "a2"), lead("text", TEXTS[0])]
    assert LeadBook().sightings(batch) == LeadBook().about(["x"], "a2") == []


pieces = st.sampled_from(
    ["parcel lures for", "quillpost customers", "a phrase that is long enough", "请在小时内", "支付关税否则退回"]
)
some_texts = st.lists(st.lists(pieces | st.text(max_size=5), max_size=5).map(" ".join), max_size=8)


@given(some_texts, st.sets(st.sampled_from(TEXTS)))
def test_the_fast_look_agrees_with_a_slow_one(texts: list[str], values: set[str]) -> None:
    book = LeadBook(tuple(lead("text", value) for value in sorted(values)))
    batch = traffic(*({"text": text, "account": f"a{n}"} for n, text in enumerate(texts)))
    found = {(sighting.lead, sighting.account) for sighting in book.sightings(batch)}
    assert found == {(lead("text", v).id, f"a{n}") for n, text in enumerate(texts) for v in values if slowly(v, text)}


def slowly(value: str, text: str) -> bool:
    rest = fold_slowly(text)
    for piece in value.split("{}"):
        _, there, rest = rest.partition(piece)
        if not there:
            return False
    return True


def test_without_re2_the_same_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    book = LeadBook(tuple(lead("text", value) for value in TEXTS))
    assert [one.value for one in book.about([f"so: {TEXTS[1]}", TEXTS[2]])] == TEXTS[1:]


def test_thousands_of_texts_are_all_found() -> None:
    values = [f"the template number {n * 7919} of a long list" for n in range(5000)]
    book = LeadBook(tuple(Lead(str(n), "text", value, "M02", "test") for n, value in enumerate(values)))
    asked = [values[n] for n in range(0, 5000, 50)]
    batch = traffic(*({"text": f"so: {text}!"} for text in asked))
    assert {sighting.lead for sighting in book.sightings(batch)} == {str(n) for n in range(0, 5000, 50)}
