"""Each case is one bad line between sound ones: they survive, it is refused, and its reason says why."""

import json
from typing import Any

import pytest
from traffic_reading import line, native

from tocsin.forms import FormatError
from tocsin.forms.limits import LINE_BYTES, TEXT_BYTES

STRINGS = ("session", "org", "key_id", "end_user", "client", "device", "payment", "model", "status", "tool", "lang")
DEEP = 200_000


def with_raw(raw: bytes) -> bytes:
    """A sound line with one more member given as bytes."""
    return line("bad")[:-1] + b"," + raw + b"}"


def broken_json() -> dict[str, tuple[bytes, str]]:
    whole = line("bad")
    texts = {
        "word": b"hello",
        "number": b"17",
        "null": b"null",
        "array": b"[1]",
        "string": b'"x"',
        "open bracket": b"{",
        "closed twice": whole + b"}",
        "two on a line": whole + whole,
        "trailing comma": whole[:-1] + b",}",
        "single quotes": whole.replace(b'"', b"'"),
        "comment": whole + b" // note",
        "python constants": with_raw(b'"x":True'),
        "nan": with_raw(b'"tokens_in":NaN'),
        "nan elsewhere": with_raw(b'"x":NaN'),
        "infinity": with_raw(b'"x":-Infinity'),
        "leading zero": with_raw(b'"x":01'),
        "hex number": with_raw(b'"x":0x10'),
        "unquoted key": with_raw(b"x:1"),
        "no colon": with_raw(b'"x" 1'),
        "bad escape": with_raw(b'"session":"\\q"'),
        "short escape": with_raw(b'"session":"\\u12"'),
        "raw tab": with_raw(b'"session":"a\tb"'),
        "raw nul": with_raw(b'"session":"a\x00b"'),
        "nul line": b"\x00" * 64,
        "nul inside": whole.replace(b":", b":\x00", 1),
        "bom in the middle": b"\xef\xbb\xbf" + whole,
        "lonely quote": b'"',
        "csv": b"id,time,account,role,text",
        "xml": b"<event/>",
        "open brackets": b"[" * DEEP,
        "unclosed array": b"[" * 50,
        "form feed": b"\x0c",
    }
    reasons = dict.fromkeys(texts, "not JSON") | dict.fromkeys(
        ("number", "null", "array", "string"), "not a JSON object"
    )
    reasons |= dict.fromkeys(("open brackets", "unclosed array"), "not a JSON object")
    cases = {name: (text, reasons[name]) for name, text in texts.items()}
    for cut in (1, 5, 20, 40, len(whole) - 1):
        cases[f"cut off after {cut}"] = (whole[:cut], "not JSON")
    for name, value in {"object": b'{"a":', "array": b"["}.items():
        cases[f"deep {name} as unknown field"] = (with_raw(b'"x":' + value * DEEP), "JSON is nested too deep")
        cases[f"deep {name} as attributes"] = (with_raw(b'"attributes":' + value * DEEP), "JSON is nested too deep")
    return cases


def bad_bytes() -> dict[str, tuple[bytes, str]]:
    cases = {}
    for name, raw in {"ff": b"\xff", "cut": b"\xe4\xb8", "overlong": b"\xc0\xaf", "surrogate": b"\xed\xa0\x80"}.items():
        for field in ("text", "account", "id"):
            cases[f"{name} in {field}"] = (line("bad", **{field: "@@"}).replace(b"@@", raw), "line is not UTF-8")
        cases[f"{name} in an unknown field"] = (with_raw(b'"x":"' + raw + b'"'), "line is not UTF-8")
    cases["utf-16"] = (line("bad").decode().encode("utf-16-le").replace(b"\n", b""), "not JSON")
    cases["latin-1"] = (line("bad", text="café").decode().encode("latin-1"), "line is not UTF-8")
    cases["gb18030"] = (line("bad", text="测试").decode().encode("gb18030"), "line is not UTF-8")
    for half in ("\\ud800", "\\udfff", "\\ud800x", "\\udc00\\ud800"):
        for field in ("text", "session", "id"):
            value = line("bad", **{field: "@@"}).replace(b"@@", half.encode())
            cases[f"{half} in {field}"] = (value, "lone surrogate")
    return cases


def wrong_fields() -> dict[str, tuple[bytes, str]]:
    cases: dict[str, tuple[bytes, str]] = {}

    def bad(name: str, why: str, **fields: Any) -> None:
        cases[name] = (line("bad", **fields), why)

    for field in ("id", "time", "account", "role", "text"):
        bad(f"no {field}", f"{field} is missing", **{field: None})
        cases[f"null {field}"] = (json.dumps(native("bad") | {field: None}).encode(), f"{field} is missing")
        for name, value in {"number": 7, "list": ["x"], "object": {"a": 1}, "bool": True}.items():
            bad(f"{field} as {name}", f"{field} is not a string", **{field: value})
    for field in STRINGS:
        bad(f"{field} as number", f"{field} is not a string", **{field: 7})
        bad(f"{field} as list", f"{field} is not a string", **{field: []})
    for field in ("tokens_in", "tokens_out"):
        for value in (-1, 1.5, "7", True, 2**63, 10**400, [], {}):
            bad(f"{field} as {str(value)[:30]!r}", f"{field} is not a whole number", **{field: value})
    for role in ("", "User", "human", "developer", "function", " user", "user\n", "bot\u0000"):
        bad(f"role {role!r}", "unknown role", role=role)
    for status in ("", "OK", "done", "failed"):
        bad(f"status {status!r}", "unknown status", status=status)
    for field in ("time", "signed_up"):
        for value in WRONG_TIMES:
            bad(f"{field} {value!r}", f"{field} is not ISO 8601", **{field: value})
    for value in (7, [], True, {"asn": []}, {"asn": 1.5}, {"country": 7}):
        bad(f"network {value!r}", "network is not an object or a string", network=value)
    for attributes in ([], [1], "x", 7, True):
        bad(f"attributes {attributes!r}", "attributes is not a JSON object", attributes=attributes)
    nest: Any = 1
    for _ in range(101):
        nest = {"a": nest}
    bad("attributes nest", "attributes is nested deeper than 100", attributes=nest)
    bad("empty id", "id is empty", id="")
    bad("empty account", "account is empty", account="")
    return cases


WRONG_TIMES = (
    "",
    "now",
    "NaN",
    "1735689600",
    "2025",
    "2025-03",
    "2025-13-01T00:00:00Z",
    "2025-02-30T00:00:00Z",
    "2025-03-01T25:00:00Z",
    "2025-03-01T12:61:00Z",
    "2025-03-01T12:00:61Z",
    "2025-03-01T12:00:00+99:00",
    "2025-03-01T12:00:00 Europe/Paris",
    "2025/03/01 12:00:00",
    "01.03.2025",
    "20250301T120000Z",
    "2025-W09-6",
    "2025-03-01X12:00:00",
    "2025-03-01T12:00:00Zz",
    "٢٠٢٥-03-01T12:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "99999-01-01T00:00:00Z",
    "-2025-03-01T12:00:00Z",
    "2025-03-01T12:00:00Z" + "0" * 5000,
)


def too_long() -> dict[str, tuple[bytes, str]]:
    cases = {}
    for field, limit in {"id": 512, "account": 4096, "session": 4096, "device": 4096, "model": 4096}.items():
        cases[f"long {field}"] = (
            line("bad", **{field: "x" * (limit + 1)}),
            f"{field} is {limit + 1} bytes, limit {limit}",
        )
    cases["long id of wide signs"] = (line("bad", id="钟" * 171), "id is 513 bytes, limit 512")
    cases["long network"] = (line("bad", network="x" * 5000), "network.asn is 5000 bytes, limit 4096")
    cases["long country"] = (line("bad", network={"country": "x" * 5000}), "network.country is 5000 bytes, limit 4096")
    cases["long attributes"] = (line("bad", attributes={"a": "x" * 4096}), "attributes is 4105 bytes, limit 4096")
    cases["long text"] = (
        line("bad", text="x" * (TEXT_BYTES + 1)),
        f"text is {TEXT_BYTES + 1} bytes, limit {TEXT_BYTES}",
    )
    return cases


CASES = broken_json() | bad_bytes() | wrong_fields() | too_long()


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 200


@pytest.mark.parametrize("name", CASES)
def test_a_bad_line_is_refused_and_the_others_survive(read, name: str) -> None:
    bad, why = CASES[name]
    for end in (b"\n", b"\r\n"):
        outcome = read(end.join([line(1), bad, line(2)]))
        assert outcome.ids == ["e1", "e2"]
        assert outcome.reasons == [(2, why)]
        assert outcome.failures == []


@pytest.mark.parametrize("name", [name for name in CASES if len(CASES[name][0]) < 10_000][::4])
def test_a_source_of_bad_lines_alone_fails(read, name: str) -> None:
    bad, why = CASES[name]
    outcome = read(bad + b"\n" + bad, form="jsonl")
    assert (outcome.ids, outcome.reasons) == ([], [(1, why), (2, why)])
    assert [type(failure) for failure in outcome.failures] == [FormatError]
    assert "all 2 rows were rejected" in str(outcome.failures[0])


@pytest.mark.parametrize("name", CASES)
def test_no_reason_repeats_what_the_line_held(name: str) -> None:
    assert "bad" not in CASES[name][1]


def test_the_10_mb_text_is_refused_as_a_line(read) -> None:
    outcome = read(b"\n".join([line(1), line("bad", text="x" * (10 << 20)), line(2)]))
    assert outcome.ids == ["e1", "e2"]
    assert outcome.reasons == [(2, f"line is longer than {LINE_BYTES} bytes")]


@pytest.mark.parametrize("excess", [0, 1])
def test_a_line_may_be_just_as_long_as_the_limit(read, excess: int) -> None:
    pad = b" " * (LINE_BYTES - len(line(2)) + excess)
    outcome = read(b"\n".join([line(1), line(2) + pad, line(3)]))
    assert outcome.ids == (["e1", "e3"] if excess else ["e1", "e2", "e3"])


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_last_line_that_is_too_long_is_told(read, end: bytes) -> None:
    outcome = read(line(1) + b"\n" + b"x" * (LINE_BYTES + 5) + end)
    assert (outcome.ids, outcome.reasons) == (["e1"], [(2, f"line is longer than {LINE_BYTES} bytes")])


def test_bom_blank_lines_and_line_ends_are_fine(read) -> None:
    outcome = read(b"\xef\xbb\xbf" + line(1) + b"\r\n\r\n \t\n\n" + b"  " + line(2) + b"  \n\n" + line(3))
    assert (outcome.ids, outcome.reasons, outcome.failures) == (["e1", "e2", "e3"], [], [])


def test_positions_count_every_line(read) -> None:
    lines = [line(n) if n % 7 else b"junk" if n % 2 else b"" for n in range(1, 20_000)]
    outcome = read(b"\n".join(lines))
    assert [position for position, _ in outcome.reasons] == [n for n in range(1, 20_000) if n % 14 == 7]
    assert len(outcome.ids) == sum(n % 7 != 0 for n in range(1, 20_000))


@pytest.mark.parametrize("empty", [b"", b"\n", b"\n\n\r\n", b"\xef\xbb\xbf", b"   "])
def test_an_empty_source_is_no_failure(read, empty: bytes) -> None:
    outcome = read(empty)
    assert (outcome.events, outcome.rejects, outcome.failures) == ([], [], [])


def test_texts_without_a_word_are_no_content(read) -> None:
    outcome = read(line(1, text="") + b"\n" + line(2, text=""))
    assert len(outcome.events) == 2
    assert "no content captured" in str(outcome.failures[0])
