"""Every sink writes what its receiver documents, in both languages, whatever stands in a name."""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from hmac import new as hmac_new
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from tocsin.cases import EFFECTS, REASONS, STATES, Effect, Reason, State
from tocsin.forms import ConfigError
from tocsin.node.sinks import (
    SINKS,
    About,
    Message,
    Told,
    read_message,
    read_secret,
    verify,
    write_message,
    write_secret,
)
from tocsin.node.sinks.chat import dingtalk_sign, feishu_sign
from tocsin.node.sinks.message import facts, title
from tocsin.standard import Bilingual

GOLDEN = Path(__file__).with_name("sinks_golden.json")
NOW = 1_793_740_500
KEY = bytes(range(32))
NAMES = {"M02": Bilingual(en="Phishing and social engineering", zh="网络钓鱼与社会工程攻击")}
BAN = Message(
    id="msg_2c8f",
    about=About.MADE,
    time=1_793_740_445_123_456,
    node="node.example.org",
    case="C-85dab173add2a4d",
    sequence=4,
    effect=Effect.BAN,
    before=Effect.WARN,
    reason=Reason.COORDINATED,
    people=2,
    kinds=("M02", "L-x-spam"),
    severity=3,
    accounts=("h:0123456789abcdef",),
)
URLS = {
    "syslog": "syslog+tcp://log.example.org:6514",
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=t",
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k",
}
SECRETS = {
    "webhook": write_secret(KEY),
    "splunk": "B5A79AAD-D822-46CC-80D1-819F80D7BFB0",
    "opensearch": "Basic dTpw",
    "jira": "Bearer t",
    "feishu": "demo",
    "dingtalk": "SECdemo",
}


def told(sink: str, lang: str = "en") -> Told:
    secrets = (SECRETS[sink],) if sink in SECRETS else ()
    url = URLS.get(sink, f"https://{sink}.example.org/in")
    return Told(url, lang, secrets, NOW, NAMES, "https://desk.example.org/cases/{case}", "ABUSE")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("sink", sorted(SINKS))
def test_each_sink_writes_its_golden_form(sink: str, lang: str) -> None:
    made = SINKS[sink].write(BAN, told(sink, lang))
    golden = json.loads(GOLDEN.read_text("utf-8"))[f"{sink}.{lang}"]
    assert {"url": made.url, "headers": dict(made.headers), "body": made.body.decode()} == golden


def test_the_goldens_are_of_what_there_is() -> None:
    assert set(json.loads(GOLDEN.read_text("utf-8"))) == {f"{s}.{lang}" for s in SINKS for lang in ("en", "zh")}


def body(sink: str, lang: str = "en", message: Message = BAN) -> dict:  # type: ignore[type-arg]
    return json.loads(SINKS[sink].write(message, told(sink, lang)).body)


def test_a_receivers_library_takes_a_webhook_and_refuses_a_changed_one() -> None:
    made = SINKS["webhook"].write(BAN, replace(told("webhook"), now=int(datetime.now(UTC).timestamp())))
    known = Webhook(write_secret(KEY))
    assert known.verify(made.body, dict(made.headers)) == json.loads(made.body)
    with pytest.raises(WebhookVerificationError):
        known.verify(made.body.replace(b'"ban"', b'"warn"'), dict(made.headers))
    with pytest.raises(WebhookVerificationError):
        known.verify(made.body, dict(made.headers) | {"webhook-id": "msg_other"})


def test_an_own_check_of_signatures_agrees_and_refuses_old_ones() -> None:
    made = SINKS["webhook"].write(BAN, told("webhook"))
    given_to = (BAN.id, NOW, made.body, made.headers["webhook-signature"])
    assert verify(KEY, *given_to, NOW + 299)
    assert not verify(KEY, *given_to, NOW + 301)
    assert not verify(KEY[::-1], *given_to, NOW)


def test_while_keys_change_both_sign() -> None:
    both = replace(told("webhook"), secrets=(write_secret(KEY), KEY[::-1].hex()))
    made = SINKS["webhook"].write(BAN, both)
    for key in (KEY, KEY[::-1]):
        assert verify(key, BAN.id, NOW, made.body, made.headers["webhook-signature"], NOW)


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_read_as_it_was_written(key: bytes) -> None:
    assert read_secret(write_secret(key)) == read_secret(key.hex()) == key


@pytest.mark.parametrize("wrong", ["", "whsec_", "whsec_!", "whsec_" + b64encode(bytes(23)).decode(), "00" * 65, "zz"])
def test_no_weak_or_broken_secret_is_taken(wrong: str) -> None:
    with pytest.raises(ConfigError):
        read_secret(wrong)


def test_signs_of_the_chat_robots_are_those_of_their_documents() -> None:
    """The vendors' own samples, written out: 飞书 has time and secret as key, 钉钉 the secret as key."""
    feishu = hmac_new(f"{NOW}\ndemo".encode(), b"", digestmod=sha256).digest()
    assert feishu_sign("demo", NOW) == b64encode(feishu).decode()
    dingtalk = hmac_new(b"SECdemo", f"{NOW}000\nSECdemo".encode(), digestmod=sha256).digest()
    assert dingtalk_sign("SECdemo", NOW * 1000) == b64encode(dingtalk).decode()
    query = parse_qs(urlsplit(SINKS["dingtalk"].write(BAN, told("dingtalk")).url).query)
    assert b64decode(query["sign"][0]) == dingtalk
    assert query["timestamp"] == [f"{NOW}000"]
    assert query["access_token"] == ["t"]


CEF_KEYS = [
    *("rt", "externalId", "dvchost", "cs1Label", "cs1", "cs2Label", "cs2", "act", "reason", "cat"),
    *("cn1Label", "cn1", "cn2Label", "cn2"),
]


def parse_cef(text: str) -> tuple[list[str], dict[str, str]]:
    """Read CEF as its description says, by hand: seven fields up to unescaped pipes, then keys before unescaped `=`."""
    *head, extension = re.split(r"(?<!\\)(?:\\\\)*\|", text, maxsplit=7)
    places = [(m.start(1), m.group(1), m.end()) for m in re.finditer(r"(?:^|(?<= ))([A-Za-z0-9]+)=", extension)]
    ends = [start - 1 for start, _, _ in places[1:]] + [len(extension)]
    pairs = {key: extension[at:end] for (_, key, at), end in zip(places, ends, strict=True)}
    undo = {"\\\\": "\\", "\\=": "=", "\\n": "\n", "\\r": "\r"}
    return head, {k: re.sub(r"\\[\\=nr]", lambda m: undo[m[0]], v) for k, v in pairs.items()}


RFC5424 = re.compile(
    r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) "
    r"([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) - (.*)",
    re.DOTALL,
)


def test_a_syslog_frame_is_counted_and_reads_back() -> None:
    frame = SINKS["syslog"].write(BAN, told("syslog")).body
    count, _, rest = frame.partition(b" ")
    assert int(count) == len(rest)
    found = RFC5424.fullmatch(rest.decode())
    assert found
    assert found.groups()[:6] == ("108", "2026-11-03T21:14:05.123Z", "node.example.org", "tocsin", "-", "decision.made")
    head, pairs = parse_cef(found[7])
    assert (head[:3], head[4:]) == (["CEF:0", "Tocsin", "node"], ["decision.made", "Ban in force", "6"])
    assert (pairs["cs1"], pairs["act"], pairs["cat"]) == (BAN.case, "ban", "M02,L-x-spam")
    assert pairs["duser"] == "h:0123456789abcdef"


def test_syslog_on_udp_is_not_counted() -> None:
    made = SINKS["syslog"].write(BAN, replace(told("syslog"), url="syslog+udp://log.example.org:514"))
    assert made.body.startswith(b"<108>1 ")


hostile = st.text(st.one_of(st.characters(), st.sampled_from('\r\n\\|= \x00\u2028\x85]"<>&*`[](){}')), max_size=40)


@given(hostile, hostile, hostile)
def test_no_name_breaks_out_of_a_log_line(node: str, case: str, kind: str) -> None:
    message = replace(BAN, node=node, case=case, kinds=(kind,), accounts=())
    frame = SINKS["syslog"].write(message, replace(told("syslog"), url="syslog+udp://x")).body.decode()
    assert len(frame.splitlines()) == 1
    found = RFC5424.fullmatch(frame)
    assert found
    head, pairs = parse_cef(found[7])
    assert len(head) == 7
    unescaped = [key for key in pairs if key in CEF_KEYS]
    assert unescaped == CEF_KEYS
    assert (pairs["act"], pairs["cn1"], pairs["cn2"]) == ("ban", "4", "2")


def test_a_forged_line_stays_inside_its_field() -> None:
    forged = "C-1\n<0>1 2026-01-01T00:00:00Z root su - - - ok act=dismiss|x"
    frame = SINKS["syslog"].write(replace(BAN, case=forged), told("syslog")).body
    assert b"\n" not in frame
    _, pairs = parse_cef(frame.decode())
    assert pairs["act"] == "ban"
    assert pairs["cs1"] == forged


@given(hostile, hostile)
def test_no_name_becomes_a_link_or_a_mention_in_a_chat(case: str, kind: str) -> None:
    message = replace(BAN, case=case, kinds=(kind, "@all", "[x](http://evil.example)", "<!channel>"))
    for sink in ("dingtalk", "wecom"):
        markdown = body(sink, message=message)["markdown"]
        text = markdown.get("text") or markdown["content"]
        assert "@" not in text
        assert re.findall(r"\[[^\]]*\]\(", text) == ["[Open the case]("]
        assert len(text.splitlines()) == 2 * len(facts(message, NAMES, "en")) + 3
    fields = body("slack", message=message)["blocks"][1]["fields"]
    assert all("<" not in f["text"] and "@" not in f["text"] for f in fields)


def test_slack_takes_what_it_documents() -> None:
    made = body("slack")
    header, section, context = made["blocks"]
    assert header["text"]["type"] == "plain_text"
    assert len(header["text"]["text"]) <= 150
    assert len(section["fields"]) <= 10
    assert all(f["type"] == "mrkdwn" and len(f["text"]) <= 2000 for f in section["fields"])
    assert context["elements"][0]["text"].startswith("<https://desk.example.org/cases/C-85dab173add2a4d|")
    assert made["text"]


def test_wecom_keeps_within_its_bytes() -> None:
    long = replace(BAN, kinds=tuple(f"L-x-{'垃' * 40}{n}" for n in range(200)), accounts=("号" * 300,) * 9)
    assert len(body("wecom", "zh", long)["markdown"]["content"].encode()) <= 4096
    for sink in ("feishu", "dingtalk"):
        assert len(SINKS[sink].write(long, told(sink, "zh")).body) < 20_000


def test_opensearch_makes_one_document_however_often_it_is_tried() -> None:
    action, document, rest = SINKS["opensearch"].write(BAN, told("opensearch")).body.split(b"\n")
    assert rest == b""
    assert json.loads(action) == {"create": {"_index": "tocsin-decisions", "_id": BAN.id}}
    assert json.loads(document)["@timestamp"] == "2026-11-03T21:14:05.123Z"


ANSWERS = {
    "webhook": ([(200, b""), (204, b"")], [(302, b""), (410, b""), (500, b"")]),
    "jira": ([(201, b'{"key":"ABUSE-1"}')], [(400, b"{}")]),
    "slack": ([(200, b"ok")], [(403, b"invalid_token")]),
    "splunk": ([(200, b'{"text":"Success","code":0}')], [(403, b'{"code":4}'), (200, b"")]),
    "opensearch": (
        [
            (200, b'{"errors":false,"items":[{"create":{"status":201}}]}'),
            (200, b'{"errors":true,"items":[{"create":{"status":409}}]}'),
        ],
        [
            (200, b'{"errors":true,"items":[{"create":{"status":400}}]}'),
            (200, b'{"items":[]}'),
            (200, b"<html>"),
            (200, b'{"items":[1]}'),
        ],
    ),
    "feishu": ([(200, b'{"code":0,"msg":"success"}'), (200, b'{"StatusCode":0}')], [(200, b'{"code":19021}')]),
    "dingtalk": ([(200, b'{"errcode":0,"errmsg":"ok"}')], [(200, b'{"errcode":310000}'), (200, b"[")]),
    "wecom": ([(200, b'{"errcode":0,"errmsg":"ok"}')], [(200, b'{"errcode":93000}'), (200, b"[" * 99999)]),
}


@pytest.mark.parametrize("sink", sorted(ANSWERS))
def test_an_answer_is_a_yes_only_where_the_receiver_says_so(sink: str) -> None:
    good, bad = ANSWERS[sink]
    assert [SINKS[sink].took(*answer) for answer in good + bad] == [True] * len(good) + [False] * len(bad)


@pytest.mark.parametrize("sink", sorted(SINKS))
def test_identifiers_leave_only_where_they_may(sink: str) -> None:
    kept = SINKS[sink].write(BAN.without_accounts(), told(sink))
    assert b"0123456789abcdef" not in kept.body
    assert b"0123456789abcdef" in SINKS[sink].write(BAN, told(sink)).body


def test_a_message_is_read_as_it_was_written() -> None:
    assert read_message(write_message(BAN)) == BAN


def test_all_words_exist_in_both_languages() -> None:
    assert (set(EFFECTS), set(REASONS), set(STATES)) == (set(Effect), set(Reason), set(State))
    words = [*EFFECTS.values(), *REASONS.values(), *STATES.values()]
    assert all(re.search("[\u4e00-\u9fff]", w.zh) and re.search("[a-z]", w.en) for w in words)
    for about in About:
        message = replace(BAN, about=about)
        assert re.search("[\u4e00-\u9fff]", title(message, "zh"))
        assert not re.search("[\u4e00-\u9fff]", title(message, "en"))
    assert [len(facts(BAN, NAMES, lang)) for lang in ("en", "zh")] == [8, 8]
