"""Where findings point: the code points of the original text, whatever hides the words."""

from base64 import b64encode

import pytest
from screen_runs import comparable, run, said

from tocsin.forms import MARK_CLOSE, MARK_OPEN
from tocsin.screen import RuleDetector, rule_detector
from tocsin.screen.examples.scenes import GRAVE, event
from tocsin.screen.reference import REFERENCES
from tocsin.standard import Standard

CODED = b64encode(f"would you {GRAVE} tonight".encode()).decode()
HIDDEN = [
    (f"Now {GRAVE}, please", GRAVE),
    ("Now RING  the\n\tIRON bell", "RING  the\n\tIRON bell"),
    ("😀 ｒｉｎｇ\u3000ｔｈｅ ｉｒｏｎ ｂｅｌｌ！", "ｒｉｎｇ\u3000ｔｈｅ ｉｒｏｎ ｂｅｌｌ"),
    ("so r\u200bi\u200dng the i\u0301ron be\u00adll\u200b!", "r\u200bi\u200dng the i\u0301ron be\u00adll"),
    ("ﬁne: rіng thе irоn bеll", "rіng thе irоn bеll"),
    ("我说：敲響鐵鐘！", "敲響鐵鐘"),
    ("and r i n g t h e i r o n b e l l too", "r i n g t h e i r o n b e l l"),
    ("先 敲.响.铁.钟.吧 再说", "敲.响.铁.钟"),
]


@pytest.mark.parametrize(("text", "span"), HIDDEN)
def test_a_span_points_at_the_words_as_they_were_written(text: str, span: str, bell_detector: RuleDetector) -> None:
    (row,) = said(run([event("ann", 1, 0, text)], bell_detector)[0], "rules")
    assert text[row["span_start"] : row["span_end"]] == span
    assert f"{MARK_OPEN}{''.join(c if c.isprintable() else ' ' for c in span)}{MARK_CLOSE}" in row["evidence"]


@pytest.mark.parametrize("lead", ["", "x ", "先看 😀 "])
@pytest.mark.parametrize("width", [0, 24, 30])
def test_a_span_in_base64_points_at_the_signs_that_hold_the_words(
    lead: str, width: int, bell_detector: RuleDetector
) -> None:
    wrapped = "\n".join(CODED[i : i + width] for i in range(0, len(CODED), width)) if width else CODED
    text = lead + wrapped
    (row,) = said(run([event("ann", 1, 0, text)], bell_detector)[0], "rules")
    before, start = len("would you "), len(lead)
    held = text[row["span_start"] : row["span_end"]].replace("\n", "")
    assert row["span_start"] >= start
    assert held == CODED[before * 8 // 6 : ((before + len(GRAVE)) * 8 - 1) // 6 + 1]


def test_a_rule_speaks_once_of_an_event_where_it_matches_first(bell_detector: RuleDetector) -> None:
    text = f"{CODED} {GRAVE} and {GRAVE}"
    (row,) = said(run([event("ann", 1, 0, text)], bell_detector)[0], "rules")
    assert row["span_start"] == len(CODED) + 1


def test_evidence_can_be_left_out(bells: Standard) -> None:
    (row,) = said(run([event("ann", 1, 0, GRAVE)], rule_detector(bells, keep_evidence=False))[0], "rules")
    assert (row["span_start"], row["span_end"], row["evidence"]) == (0, len(GRAVE), None)


def test_shipped_rules_scan_as_they_read(shipped: Standard) -> None:
    forms = [rule.form.examples for rule in shipped.rules]
    texts = [t for f in forms for group in (f.positive, f.negative) for some in group.values() for t in some]
    events = [event(f"a{i}", i, 0, text) for i, text in enumerate(texts)]
    found = said(run(events, rule_detector(shipped))[0], "rules")
    assert len(found) > len(shipped.rules)
    assert comparable(found) == comparable(REFERENCES["rules"](events, shipped))
