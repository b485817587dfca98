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
    Column("claimed_by", String(40)),
    Column("claimed_until", _Big, nullable=False, server_default="0"),
    Column("decision", String(40)),  # the one in force
    Index(None, "weight", "case_id"),
    Index(None, "status", "weight"),
)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("case_id", String(40), nullable=False, index=True),
    Column("time", _Big, nullable=False),
    Column("who", String(200), nullable=False),
    Column("effect", String(30), nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("state", String(20), nullable=False),  # proposed | in force | refused | undone
    Column("second", String(200)),  # the other pair of eyes
    Column("settled", _Big),
    Column("undoes", String(40)),
    Column("until", _Big),
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
    Column("scopes", JSON, nullable=False),
    Column("person", String(40)),
    Column("made", _Big, nullable=False),
    Column("until", _Big),
    Column("revoked", _Big),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", _Row, primary_key=True, autoincrement=True),
    Column("time", _Big, nullable=False, index=True),
    Column("who", String(200), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("details", JSON, nullable=False),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("made", _Big, nullable=False),
    Column("sink", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False),  # waiting | sent | given up
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_try", _Big, nullable=False),
    Column("claimed_until", _Big, nullable=False, server_default="0"),
    Column("problem", String(200)),
    Index(None, "state", "next_try"),
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
    Column("state", String(20), nullable=False),  # shadow | live | off
    Index(None, "form", "state"),
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
