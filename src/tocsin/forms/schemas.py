"""Arrow schemas of what passes between rooms. Changing a column is an ADR."""

import pyarrow as pa

_time = pa.timestamp("us", tz="UTC")

ROLES = ("user", "assistant", "system", "tool")
STATUSES = ("ok", "refused", "error")
NETWORK = pa.struct([("asn", pa.string()), ("country", pa.string())])

TRAFFIC = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("time", _time, nullable=False),
        ("account", pa.string()),  # null where a log names nobody
        ("session", pa.string()),
        pa.field("role", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        ("org", pa.string()),
        ("key_id", pa.string()),
        ("end_user", pa.string()),
        ("client", pa.string()),
        ("network", NETWORK),
        ("device", pa.string()),
        ("payment", pa.string()),
        ("signed_up", _time),
        ("model", pa.string()),
        ("tokens_in", pa.int64()),
        ("tokens_out", pa.int64()),
        ("status", pa.string()),
        ("tool", pa.string()),
        ("lang", pa.string()),
        ("attributes", pa.string()),  # one JSON object
    ]
)

FINDINGS = pa.schema(
    [
        ("event_id", pa.string()),  # null: the finding is about the account
        ("account", pa.string()),
        ("session", pa.string()),
        pa.field("time", _time, nullable=False),
        pa.field("detector", pa.string(), nullable=False),
        pa.field("detector_version", pa.string(), nullable=False),
        ("rule", pa.string()),  # null unless a rule of the standard spoke
        pa.field("kind", pa.string(), nullable=False),
        pa.field("severity", pa.int8(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        ("span_start", pa.int32()),  # code points of the original text
        ("span_end", pa.int32()),
        ("evidence", pa.string()),
        pa.field("standard_version", pa.string(), nullable=False),
    ]
)

# One row a (measure, value, account). `account` rows count an account's events, `device`, `client`, `network`,
# `payment` and `template` rows what it shares with others.
ACTIVITY = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("account", pa.string(), nullable=False),
        pa.field("events", pa.int64(), nullable=False),
        pa.field("refused", pa.int64(), nullable=False),
        pa.field("tokens_in", pa.int64(), nullable=False),
        pa.field("tokens_out", pa.int64(), nullable=False),
        pa.field("first", _time, nullable=False),
        pa.field("last", _time, nullable=False),
        ("signed_up", _time),
    ]
)

# The template sketch of one user text: sampled hashes of its folded windows, smallest first; `kind` is what a rule
# of severity 2 or more said of the event.
SKETCHES = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("account", pa.string(), nullable=False),
        ("session", pa.string()),
        pa.field("time", _time, nullable=False),
        ("kind", pa.string()),
        pa.field("hashes", pa.list_(pa.uint64()), nullable=False),
    ]
)

# One row for each alarm that an event holds the text of; spans count code points of the original text.
FINGERPRINTS = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("alarm", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("containment", pa.float32(), nullable=False),  # share of the alarm's windows that the span holds
        pa.field("span_start", pa.int32(), nullable=False),
        pa.field("span_end", pa.int32(), nullable=False),
    ]
)

# What the classifier says of an event: probabilities at even odds of any shared kind, of any kind, and of each label,
# the stage that had the last word (first, second, guard; unanswered: a guard was asked in vain), and a guard's cost.
LABELS = (
    "cyber",
    "fraud",
    "influence",
    "weapons_cbrn",
    "violence_extremism",
    "privacy_surveillance",
    "illegal_goods",
    "jailbreak_injection",
    "hate_harassment",
    "self_harm",
    "sexual",
    "other",
)
SCORED = pa.schema(
    [
        *((name, pa.float32()) for name in ("score", "harm", *LABELS)),
        ("stage", pa.string()),
        ("guard_cost", pa.float64()),
    ]
)

# What the score of a later turn of the same session may depend on: one row for each event of a named session that asks
# something or was refused. `row` is its place among the events of its batch, `logit` that of `harm` by the event alone,
# `over` by how much it exceeds what is ordinary, `sign` what the encoder makes of it; null where that did not look.
TURNS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("session", pa.string(), nullable=False),
        ("account", pa.string()),
        pa.field("asked", pa.bool_(), nullable=False),
        pa.field("refused", pa.bool_(), nullable=False),
        pa.field("logit", pa.float64(), nullable=False),
        pa.field("over", pa.float64(), nullable=False),
        ("sign", pa.binary(16)),
    ]
)

# What the user turns of a session add up to; partial rows of the same session merge.
SESSIONS = pa.schema(
    [
        ("session", pa.string()),
        ("account", pa.string()),
        *((name, pa.int64()) for name in ("turns", "weight", "features", "bad", "refused")),
        ("worst", pa.float64()),
        ("first", _time),
        ("last", _time),
    ]
)

# A session and, without its name, an account with all its sessions: `harm` is a probability at even odds.
SESSION_SCORES = pa.schema(
    [
        ("session", pa.string()),
        ("account", pa.string()),
        pa.field("turns", pa.int64(), nullable=False),
        pa.field("bad", pa.int64(), nullable=False),
        pa.field("refused", pa.int64(), nullable=False),
        pa.field("worst", pa.float32(), nullable=False),
        pa.field("harm", pa.float32(), nullable=False),
        pa.field("first", _time, nullable=False),
        pa.field("last", _time, nullable=False),
    ]
)

SCORES = pa.schema(
    [
        pa.field("event_id", pa.string(), nullable=False),
        ("kind", pa.string()),  # of the gravest finding
        *SCORED,
    ]
)

CASES = pa.schema(
    [
        pa.field("case_id", pa.string(), nullable=False),
        ("campaign_id", pa.string()),  # null: stands alone
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("kinds", pa.list_(pa.string()), nullable=False),
        pa.field("accounts", pa.list_(pa.string()), nullable=False),
        pa.field("sessions", pa.list_(pa.string()), nullable=False),
        pa.field("severity", pa.int8(), nullable=False),
        pa.field("strength", pa.float32(), nullable=False),
        pa.field("reach", pa.int32(), nullable=False),  # accounts of the campaign, 1 for a case alone
        pa.field("findings", pa.int64(), nullable=False),
        pa.field("rules", pa.list_(pa.string()), nullable=False),
        pa.field("links", pa.list_(pa.string()), nullable=False),  # measure:value shared with the campaign
        pa.field("first", _time, nullable=False),
        pa.field("last", _time, nullable=False),
        pa.field("why_en", pa.string(), nullable=False),
        pa.field("why_zh", pa.string(), nullable=False),
        ("excerpt", pa.string()),
    ]
)

# Evidence encloses the span that spoke in these two signs.
MARK_OPEN, MARK_CLOSE = "⟦", "⟧"
