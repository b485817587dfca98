"""All tables of a node. Times are whole microseconds since 1970, UTC; `account` and `session` are keyed hashes.

A change here needs a migration: `python tools/make_migration.py` writes it, and a test holds the two against each
other.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_Big = BigInteger()
_Row = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows of this type alone


# Every id that ever came in, as a keyed hash: what came twice counts once, also when its text is long gone.
EVENTS = Table(
    "events",
    METADATA,
    Column("key", LargeBinary(16), primary_key=True),
    Column("parcel", _Big, nullable=False),
    Column("row", Integer, nullable=False),  # in the parcel
    Column("account", String(20)),
    Index(None, "parcel"),
    Index(None, "account"),
    sqlite_with_rowid=False,
)

# What came in together: a batch of TRAFFIC, compressed and sealed.
PARCELS = Table(
    "parcels",
    METADATA,
    Column("id", _Big, primary_key=True, autoincrement=False),  # begins with the time
    Column("received", _Big, nullable=False),
    Column("source", String(200), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("size", _Big, nullable=False),  # bytes before it was compressed
    Column("state", String(10), nullable=False),  # waiting | screened | failed
    Column("part", _Big),
    Column("claimed_by", String(40)),
    Column("claimed_until", _Big, nullable=False, server_default="0"),
    Column("traffic", LargeBinary),  # null once its time is over
    Column("tries", Integer, nullable=False, server_default="0"),  # how often a worker has taken it on
    Column("problem", String(200)),  # why it failed
    Index(None, "state", "id"),
    Index(None, "part"),
)

# What screened batches gave, sealed: Arrow streams of FINDINGS, COUNTS and SKETCHES. Parts merge in any grouping.
PARTS = Table(
    "parts",
    METADATA,
    Column("id", _Big, primary_key=True, autoincrement=False),
    Column("made", _Big, nullable=False),
    Column("rows", _Big, nullable=False),  # events that it speaks of
    Column("sketched", _Big, nullable=False),
    Column("size", _Big, nullable=False),
    Column("made_with", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# Cases as the casing job forms them; from `status` on it only keeps what people decided.
CASES = Table(
    "cases",
    METADATA,
    Column("case_id", String(40), primary_key=True),
    Column("campaign_id", String(40), index=True),
    Column("account", String(20), index=True),
    Column("kinds", JSON, nullable=False),
    Column("sessions", JSON, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("strength", Float, nullable=False),
    Column("weight", Float, nullable=False),
    Column("reach", Integer, nullable=False),
    Column("findings", _Big, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("links", JSON, nullable=False),
    Column("first", _Big, nullable=False),
    Column("last", _Big, nullable=False),
    Column("why_en", Text, nullable=False),
    Column("why_zh", Text, nullable=False),
    Column("excerpt", Text),
    Column("digest", LargeBinary(16), nullable=False),  # of the columns above
    Column("opened", _Big, nullable=False),
    Column("changed", _Big, nullable=False),
    Column("present", Boolean, nullable=False),  # still formed from what is kept
    Column("status", String(20), nullable=False, server_default="open"),
    Column("urgency", SmallInteger, nullable=False, server_default="1"),  # by status: what is looked at first
    Column("claimed_by", String(40)),
    Column("claimed_until", _Big, nullable=False, server_default="0"),
    Column("effect", String(20)),  # in force
    Index(None, "weight", "case_id"),
    Index(None, "urgency", "weight", "case_id"),
)

# What was done with cases: rows are only added. How a case stands is the fold of its acts.
ACTS = Table(
    "acts",
    METADATA,
    Column("case_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", _Big, nullable=False, index=True),
    Column("sort", String(20), nullable=False),
    Column("actor", String(40), nullable=False),  # a person, else a token
    Column("name", String(200), nullable=False),
    Column("is_person", Boolean, nullable=False),
    Column("effect", String(20)),
    Column("reason", String(30)),
    Column("speaks_of", Integer),
    Column("takes", SmallInteger, nullable=False),  # people
    Column("until", _Big),
    Column("seen", JSON, nullable=False),  # severity, kinds and findings of the case then
    Column("note", LargeBinary),  # sealed
)

PEOPLE = Table(
    "people",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("password", String(200)),  # argon2
    Column("subject", String(400), unique=True),  # of OpenID Connect
    Column("scopes", JSON, nullable=False),
    Column("made", _Big, nullable=False),
    Column("disabled", _Big),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),  # SHA-256
    Column("name", String(200), nullable=False),
    Column("start", String(20), nullable=False, server_default=""),  # of the token, by which its owner knows it again
    Column("scopes", JSON, nullable=False),
    Column("person", String(40), index=True),
    Column("made", _Big, nullable=False),
    Column("until", _Big),
    Column("revoked", _Big),
)

# Rows are only added; each is bound to the one before.
AUDIT = Table(
    "audit",
    METADATA,
    Column("id", _Row, primary_key=True, autoincrement=False),
    Column("time", _Big, nullable=False, index=True),
    Column("who", String(200), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(200), nullable=False, index=True),
    Column("details", JSON, nullable=False),
    Column("chain", LargeBinary(32), nullable=False),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", _Row, primary_key=True, autoincrement=True),
    Column("made", _Big, nullable=False),
    Column("sink", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False),  # waiting | sent | dead
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try", _Big, nullable=False),
    Column("settled", _Big),
    Column("problem", String(200)),
    Index(None, "state", "sink", "subject", "id"),
)

CURSORS = Table(
    "cursors",
    METADATA,
    Column("name", String(400), primary_key=True),
    Column("place", Text, nullable=False),
    Column("moved", _Big, nullable=False),
)

LEADS = Table(
    "leads",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("source", String(200), nullable=False),
    Column("form", String(40), nullable=False),
    Column("value", Text, nullable=False),
    Column("kind", String(40)),
    Column("details", JSON, nullable=False),
    Column("made", _Big, nullable=False),
    Column("until", _Big),
    Column("state", String(20), nullable=False),  # new: what came in before is still looked through | live
    Index(None, "source"),
)

# Which leads the events of an account met, parcel by parcel: looking twice changes nothing.
SIGHTINGS = Table(
    "sightings",
    METADATA,
    Column("lead", String(40), primary_key=True),
    Column("parcel", _Big, primary_key=True, autoincrement=False),
    Column("account", String(20), primary_key=True, index=True),
    Column("events", Integer, nullable=False),
    Column("first", _Big, nullable=False),
    Column("last", _Big, nullable=False),
)

HOLDS = Table(
    "holds",
    METADATA,
    Column("account", String(20), primary_key=True),
    Column("since", _Big, nullable=False),
    Column("until", _Big),
    Column("who", String(200), nullable=False),
    Column("reason", Text, nullable=False),
)

# Small facts of the node: counts that grow in the transaction of what they count, and what jobs note down.
TOTALS = Table("totals", METADATA, Column("name", String(60), primary_key=True), Column("value", _Big, nullable=False))
SETTINGS = Table(
    "settings", METADATA, Column("name", String(60), primary_key=True), Column("value", JSON, nullable=False)
)

# Who may do a job that only one worker does at a time.
LEASES = Table(
    "leases",
    METADATA,
    Column("name", String(60), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("until", _Big, nullable=False),
)
