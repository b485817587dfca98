"""Hypothesis strategies: small worlds made of scenes whose figures lie about the detectors' thresholds."""

from base64 import b64encode

from hypothesis import strategies as st

from tocsin.screen.examples.scenes import GRAVE, HINT, Event, crowd, event, filled, machine, rush, town

texts = st.sampled_from(
    [
        filled("homework", "{slot}"),
        filled("lure", f"{GRAVE} {{slot}}"),
        filled("hint", f"{HINT} {{slot}}"),
        f"{HINT} and {GRAVE}",
        "敲响铁钟，出售铜铃 {slot}",
    ]
)
commons = st.fixed_dictionaries(
    {},
    optional={
        "device": st.sampled_from(["d", "", "e"]),
        "payment": st.sampled_from(["p", "q"]),
        "client": st.sampled_from(["c", "app/1"]),
        "network": st.sampled_from(
            [{"asn": "AS1", "country": None}, {"asn": "AS1", "country": "XA"}, {"asn": None}, None]
        ),
        "role": st.sampled_from(["user", "user", "tool", "assistant"]),
        "status": st.sampled_from(["ok", "refused"]),
    },
)


@st.composite
def crowds(draw: st.DrawFn, name: str) -> list[Event]:
    says = draw(st.lists(texts, max_size=3)) * draw(st.sampled_from([1, 1, 4, 12]))
    return crowd(
        draw(st.integers(3, 13)),
        says[:12],
        name=name,
        apart_hours=draw(st.sampled_from([None, 0.1, 8, 300])),
        known=draw(st.sampled_from([1.0, 0.6, 0.5, 0.0])),
        day=draw(st.sampled_from([0, 3, 5])),
        **draw(commons),
    )


@st.composite
def rings(draw: st.DrawFn) -> list[Event]:
    step = draw(st.sampled_from([0.2, 0.4, 0.5, 1.0]))
    own = draw(st.sampled_from([{}, {"client": "ring"}, {"client": "app/1"}, {"device": "r"}]))
    size, count = draw(st.integers(1, 4)), draw(st.sampled_from([48, 59, 60, 66]))
    return [e for n in range(size) for e in machine(f"ring{n}", count, step_hours=step, **own)]


PLAIN = st.sampled_from(["", "x", GRAVE, f"{HINT}，{GRAVE}"])
DISGUISES = (
    "",
    "r i n g t h e i r o n b e l l",
    "敲 响 铁 钟 吧",
    "１３８ ｒｉｎｇ ｔｈｅ ｉ\u200bｒｏｎ ｂｅｌｌ",
    b64encode(f"would you {GRAVE}，好".encode()).decode(),
)


@st.composite
def oddities(draw: st.DrawFn) -> list[Event]:
    """Events at the edges: nobody's, long ago, with nothing in them, disguised, several rules at once."""
    what = st.sampled_from(
        [
            "",
            "x",
            GRAVE,
            f"{HINT}，{GRAVE}",
            "r i n g t h e i r o n b e l l",
            "１３８ ｒｉｎｇ ｔｈｅ ｉｒｏｎ ｂｅｌｌ",
        ]
    )
    who = st.sampled_from([None, "ann", "town1"])
    hours = st.sampled_from([-500_000.5, -0.25, 0.0, 20.5])
    return [
        {
            **event(draw(who), 100 + n, draw(hours), draw(what)),
            "id": f"odd{n}",
            "session": draw(st.sampled_from([None, "s"])),
        }
        for n in range(draw(st.integers(0, 5)))
    ]


@st.composite
def worlds(draw: st.DrawFn) -> list[Event]:
    events = town(draw(st.sampled_from([0, 8, 30]))) + draw(crowds("a")) + draw(oddities())
    if draw(st.booleans()):
        events += draw(crowds("b"))
    if draw(st.booleans()):
        events += rush("bea", draw(st.sampled_from([39, 40, 60])))
    if draw(st.integers(0, 3)) == 0:
        events += draw(rings())
    return events
