"""Tables of the registry and the past. Times are UTC, energy is Wh, ids are prefixed ULIDs."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage.engine import UTCDateTime
from storage.samples import Samples

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_SERIAL = BigInteger().with_variant(Integer, "sqlite")  # SQLite autoincrements INTEGER alone

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("email", String(320), nullable=False),  # lower-cased
    Column("name", String(200), nullable=False),
    Column("company", String(200)),
    Column("password_hash", String(200), nullable=False),
    Column("token_epoch", Integer, nullable=False, server_default="0"),  # a token of an older
    # epoch is refused: a password change revokes all of them
    Column("created_at", UTCDateTime, nullable=False),
    Column("verified_at", UTCDateTime),  # somebody has shown to read its mail; null: nobody has
    Column("deleted_at", UTCDateTime, index=True),  # nobody is behind it since then
    UniqueConstraint("role", "email"),
)

account_sessions = Table(
    "account_sessions",
    metadata,
    Column("id", String(40), primary_key=True),  # the id in its token
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False, index=True),
    Column("address", String(100), nullable=False),
    Column("user_agent", String(200)),
    Index(None, "account_id", "id"),
)

account_events = Table(
    "account_events",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("event", String(40), nullable=False),  # AccountEvent
    Column("token_epoch", Integer, nullable=False),  # of the account, after it
    Column("address", String(100)),  # null: the engine
    Index(None, "account_id", "id"),
)

account_letters = Table(
    "account_letters",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("purpose", String(20), nullable=False),  # LetterPurpose
    Column("role", String(20), nullable=False),
    Column("email", String(320), nullable=False),  # lower-cased; it may be nobody's
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("asked_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False, index=True),
    Column("dispatched_at", UTCDateTime),
    Column("mailed_at", UTCDateTime),
    Column("used_at", UTCDateTime),
    Index(None, "role", "email"),
    Index(
        "ix_account_letters_to_dispatch",
        "id",
        postgresql_where=text("dispatched_at IS NULL"),
        sqlite_where=text("dispatched_at IS NULL"),
    ),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("token_id", String(40), primary_key=True),
    Column("expires_at", UTCDateTime, nullable=False, index=True),
)

throttles = Table(
    "throttles",
    metadata,
    Column("key", String(100), primary_key=True),  # an HMAC, no address and no e-mail in clear
    Column("count", Integer, nullable=False),
    Column("window_ends_at", UTCDateTime, nullable=False, index=True),
)

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("key", String(64), primary_key=True),  # an HMAC of account, route and Idempotency-Key
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("fingerprint", String(64), nullable=False),  # an HMAC: a body may hold what is secret
    Column("claim", String(32)),
    Column("claimed_until", UTCDateTime),
    Column("first_at", UTCDateTime, nullable=False),
    Column("done_at", UTCDateTime),
    Column("reference", String(40)),
    Column("status", Integer),
    Column("headers", JSON),
    Column("body", LargeBinary),
    Column("expires_at", UTCDateTime, nullable=False, index=True),
    Index(None, "account_id", "first_at"),
)

projects = Table(
    "projects",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("installer_id", ForeignKey("accounts.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("address", String(500), nullable=False),
    Column("site_owner_email", String(320), nullable=False),
    Column("status", String(20), nullable=False),
    Column("site_owner_id", ForeignKey("accounts.id"), index=True),
    Column("created_at", UTCDateTime, nullable=False),
    Column("handed_over_at", UTCDateTime),
    Column("sign_off_notes", Text),
    Column("installer_signature", String(200)),
    Column("handover_mailed_at", UTCDateTime),  # to its owner
    Column("access", String(10), nullable=False, server_default="listed"),  # AccessMode
    Column("access_set_as", String(20)),  # Role; null: nobody has chosen
    Column("offline", String(10)),  # OfflineAccess; null: nobody has chosen
    Column("access_changed_at", UTCDateTime),  # mode, id tags or what holds offline; null: never
    Column("max_amps", Float),  # of the supply, per phase; null: no limit
    Column("phases", Integer, nullable=False, server_default="3"),  # of the supply: 1 or 3
    Column("smart_charging_paused_at", UTCDateTime),
    Column("time_zone", String(64), nullable=False, server_default="UTC"),  # IANA
    Column("open_month", String(7)),  # statements of those before it are closed; null: not yet
    Column("archived_at", UTCDateTime),  # out of the lists since then; null: it is not
    Column("personal_erased_at", UTCDateTime),  # it holds nothing of people since then
    Column("checklist", JSON(none_as_null=True)),  # ChosenChecklist, as it was when it was chosen
    Column("contractor", JSON(none_as_null=True)),  # Contractor; null: the installer's account
    Index(None, "installer_id", "id"),
)

project_members = Table(
    "project_members",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("role", String(20), nullable=False),  # ProjectRole: lead or technician
    Column("joined_at", UTCDateTime, nullable=False),
    Index(None, "account_id", "project_id"),
)

id_tags = Table(
    "id_tags",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("tag_key", String(20), primary_key=True),  # trimmed, case-folded
    Column("id_tag", String(20), nullable=False),  # as the owner wrote it
    Column("label", String(200)),
    Column("set_as", String(20), nullable=False, server_default="site_owner"),  # Role
    Column("added_at", UTCDateTime, nullable=False),
)

charge_points = Table(
    "charge_points",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("serial_number", String(100), nullable=False),
    Column("serial_key", String(100), nullable=False),  # trimmed, case-folded
    Column("near_key", String(100), nullable=False, server_default=""),  # without separators, too
    Column("model", String(100), nullable=False),
    Column("vendor", String(100), nullable=False),
    Column("ocpp_version", String(10), nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("location_address", String(500)),
    Column("connectors", Integer),  # as declared; null: as many as it reports
    Column("status", String(30), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("provisioned_at", UTCDateTime),  # from then on a boot is answered Accepted
    Column("credential_hash", String(64)),  # HMAC-SHA-256, hex; null: an unauthenticated link
    Column("max_amps", Integer),  # of its cable, per phase; null: the usual
    Column("phases", String(8)),  # those of the site that it is connected to; null: all
    Column("voltage", Float),  # between one of them and neutral; null: the usual
    Column("watched_by", String(100)),  # workflow id that owns the charge point and hears events
    Column("watched_execution", String(40)),  # Temporal's run id: which execution of that id it is
    Column("watched_run", String(40)),  # commissioning id whose log takes the frames
    Column("habits", JSON),  # domain.habits.Habits; null: nothing is known of its ways
    Column("restart_for", JSON),  # values that count after a restart: {key: {value, at}}
    Column("restart_due", Boolean, nullable=False, server_default=text("false")),  # for its
    # configuration, when nobody charges any more
    Column("withdrawn_at", UTCDateTime),  # out of the project since then; null: it is not
    Column("withdrawn_by", String(320)),  # an e-mail
    Column("withdrawn_reason", String(500)),
    Column("withdrawal", JSON(none_as_null=True)),  # WithdrawalOrder, until what goes on has ended
    Column("replaces", String(40)),  # id of a withdrawn one of the project
    Column("replaced_by", String(40)),  # the other way round: the newest
    # The serial number of one that was withdrawn may be registered again.
    Index(
        "uq_charge_points_serial",
        "project_id",
        "serial_key",
        unique=True,
        postgresql_where=text("withdrawn_at IS NULL"),
        sqlite_where=text("withdrawn_at IS NULL"),
    ),
    Index(
        "ix_charge_points_withdrawal",
        "id",
        postgresql_where=text("withdrawal IS NOT NULL"),
        sqlite_where=text("withdrawal IS NOT NULL"),
    ),
    Index(None, "project_id", "id"),
    Index(None, "serial_key"),
    Index(None, "near_key"),
    Index(
        "ix_charge_points_watched",
        "id",
        postgresql_where=text("watched_by IS NOT NULL"),
        sqlite_where=text("watched_by IS NOT NULL"),
    ),
)

charge_point_features = Table(
    "charge_point_features",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("feature", String(20), primary_key=True),  # Feature
    Column("state", String(20), nullable=False),  # FeatureState
    Column("cause", String(500)),  # why it is not simply active
    Column("action", String(500)),  # what to do about it
    Column("changed_at", UTCDateTime, nullable=False),
)

identity_aliases = Table(
    "identity_aliases",
    metadata,
    Column("identity_key", String(100), primary_key=True),  # trimmed, case-folded
    Column(
        "charge_point_id",
        ForeignKey("charge_points.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("claimed_by", ForeignKey("accounts.id"), nullable=False),
    Column("claimed_at", UTCDateTime, nullable=False),
)

parameters = Table(
    "parameters",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(100), primary_key=True),
    Column("desired", String(500), nullable=False),  # as OCPP writes it: text
    Column("reported", String(2500)),
    Column("state", String(20), nullable=False),
    Column("detail", String(500)),
    Column("chosen_at", UTCDateTime, nullable=False),
    Column("updated_at", UTCDateTime, nullable=False),
    Index(
        "ix_parameters_queued",
        "charge_point_id",
        postgresql_where=text("state = 'queued'"),
        sqlite_where=text("state = 'queued'"),
    ),
)

reported_keys = Table(
    "reported_keys",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("names", JSON, nullable=False),  # {name: whether it is read-only}; never what they hold
)

local_lists = Table(
    "local_lists",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("state", String(20), nullable=False),  # ListState
    Column("version", Integer),  # of the list that it has, as far as is known
    Column("id_tags", Integer, nullable=False),  # how many it has
    Column("listed", Integer, nullable=False),  # how many it should have
    Column("detail", String(500)),
    Column("keys", JSON, nullable=False),  # {name: value} of those that decide who charges offline
    Column("in_use", Boolean, nullable=False),  # whether drivers might charge there then
    Column("of_change", UTCDateTime),  # projects.access_changed_at that it is brought to
    Column("generation", Integer, nullable=False),  # of the connection on which it was looked at
    Column("boot_at", UTCDateTime),  # the newest boot then
    Column("breaks", Integer, nullable=False),  # how often in a row the link broke at it
    Column("checked_at", UTCDateTime, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("started_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),  # a node not seen for a while holds no socket
)

connections = Table(
    "connections",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("node_id", String(40), nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("ocpp_version", String(10), nullable=False),
    Column("remote_address", String(100)),
    Column("connected_at", UTCDateTime, nullable=False),
    Column("disconnected_at", UTCDateTime),
    Column("last_seen_at", UTCDateTime),
    Column("last_heartbeat_at", UTCDateTime),
    Column("firmware_status", String(50)),  # the newest that was told, and when
    Column("firmware_status_at", UTCDateTime),
    Column("arrivals", JSON),  # the newest few accepted connections: [moment, remote address]
    # What it has had written on its newest day (UTC), against its daily budget.
    Column("budget_day", Date),
    Column("budget_bytes", BigInteger, nullable=False, server_default="0"),
    Column("budget_left_out", Integer, nullable=False, server_default="0"),  # readings, entries
    Column("budget_over_at", UTCDateTime),  # since when it was used up, the last time; null: never
    Column("adopts", Integer),  # the generation of the socket that goes on as this one
    # While several links speak as the charge point, nothing rests on any: see domain.contests.
    Column("contest_since", UTCDateTime),
    Column("contested_at", UTCDateTime),  # when all had shown that they live; null: still asked
    Column("contest_told_at", UTCDateTime),  # when a mail told of it
    Column("rivals", JSON(none_as_null=True)),
    Column("kept_at", UTCDateTime),  # when a person last decided
    Column("kept_address", String(100)),  # for the link from here
    Index(
        "ix_connections_contested",
        "charge_point_id",
        postgresql_where=text("contest_since IS NOT NULL"),
        sqlite_where=text("contest_since IS NOT NULL"),
    ),
)

connection_attempts = Table(
    "connection_attempts",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("identity", String(100), nullable=False),
    Column("identity_key", String(100), nullable=False, index=True),  # trimmed, case-folded
    Column("near_key", String(100), nullable=False, server_default="", index=True),
    Column("charge_point_id", String(40)),
    Column("at", UTCDateTime, nullable=False),
    Column("code", String(50), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("remote_address", String(100)),
    Column("project_id", String(40), index=True),  # of one that names no charge point
    # The same refusal again is a count: `at` is the newest.
    Column("times", Integer, nullable=False, server_default="1"),
    Column("first_at", UTCDateTime),  # of the first of them; null: there was one
    Column("moments", JSON),  # the newest few before `at`, newest first
    Column("digest", BigInteger),  # of all that makes two refusals the same one
    Index(None, "identity", "at"),
    Index(None, "charge_point_id", "at"),  # null: those of strangers, the oldest of which go
    UniqueConstraint("identity", "digest"),
)

boots = Table(
    "boots",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("vendor", String(100), nullable=False),
    Column("model", String(100), nullable=False),
    Column("charge_point_serial", String(100)),
    Column("charge_box_serial", String(100)),
    Column("firmware_version", String(100)),
    Column("registration", String(20), nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("payload", JSON, nullable=False),
    # The same boot again on one day is a count: `id` and `at` are those of the newest.
    Column("times", Integer, nullable=False, server_default="1"),
    Column("first_at", UTCDateTime),  # of the first of them; null: there was one
    Column("digest", BigInteger),  # of the day, and of all that was said and answered
    Column("contested_link", Integer),  # it came on this link while others spoke, too
    Index(None, "charge_point_id", "at"),
    Index(
        "ix_boots_contested",
        "charge_point_id",
        "at",
        postgresql_where=text("contested_link IS NOT NULL"),
        sqlite_where=text("contested_link IS NOT NULL"),
    ),
    UniqueConstraint("charge_point_id", "digest"),
)

connectors = Table(
    "connectors",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("connector_id", Integer, primary_key=True, autoincrement=False),
    Column("status", String(30), nullable=False),
    Column("error_code", String(50), nullable=False),
    Column("vendor_error_code", String(100)),
    Column("info", String(200)),
    Column("at", UTCDateTime, nullable=False),
    Column("contested_link", Integer),  # as of a boot
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), nullable=False),
    Column("connector_id", Integer, nullable=False),
    Column("since", UTCDateTime, nullable=False),  # the charger's clock
    Column("until", UTCDateTime),
    Index(None, "charge_point_id", "connector_id", "since"),
    Index(
        "uq_suspensions_one_open",
        "charge_point_id",
        "connector_id",
        unique=True,
        postgresql_where=text("until IS NULL"),
        sqlite_where=text("until IS NULL"),
    ),
)

transactions = Table(
    "transactions",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),  # transactionId of OCPP 1.6
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), nullable=False),
    Column("connector_id", Integer, nullable=False),
    Column("id_tag", String(40), nullable=False),
    Column("commissioning_id", String(40)),  # a test transaction of that run
    Column("started_at", UTCDateTime, nullable=False),  # the charger's clock
    Column("meter_start", BigInteger),  # Wh; null: it could not be read
    Column("received_at", UTCDateTime, nullable=False),
    Column("stopped_at", UTCDateTime),
    Column("meter_stop", BigInteger),
    Column("stop_reason", String(50)),
    Column("stop_received_at", UTCDateTime),
    Column("superseded", Boolean, nullable=False, server_default=text("false")),  # ended by the
    # engine: no stop was told
    Column("start_ahead_s", Float),  # of the charger's clock when it told the start; null: unknown
    Column("stop_ahead_s", Float),
    # Something of it came while several links spoke as the charge point.
    Column("contested", Boolean, nullable=False, server_default=text("false")),
    Column("contested_stops", JSON(none_as_null=True)),  # told then: storage.contested_stops
    Column("billing", String(10)),  # TransactionBilling; null: nothing was billed when it ended
    # A StartTransaction repeated after a lost reply is the same row. The order of the columns finds
    # what ran on a connector at a moment.
    UniqueConstraint("charge_point_id", "connector_id", "started_at", "id_tag", "meter_start"),
    # The newest; by their ids, PostgreSQL may walk through those of all others backwards.
    Index(None, "charge_point_id", "received_at"),
    Index(None, "charge_point_id", "stopped_at"),  # null: those that run
    Index(
        "ix_transactions_of_runs",
        "commissioning_id",
        postgresql_where=text("commissioning_id IS NOT NULL"),
        sqlite_where=text("commissioning_id IS NOT NULL"),
    ),
    # Sweeps walk those that run; ended ones are very many.
    Index(
        "ix_transactions_open",
        "id",
        postgresql_where=text("stopped_at IS NULL"),
        sqlite_where=text("stopped_at IS NULL"),
    ),
    Index(
        "ix_transactions_contested_stops",
        "charge_point_id",
        "id",
        postgresql_where=text("contested_stops IS NOT NULL"),
        sqlite_where=text("contested_stops IS NOT NULL"),
    ),
    Index(
        "ix_transactions_billing_due",
        "id",
        postgresql_where=text("billing = 'due'"),
        sqlite_where=text("billing = 'due'"),
    ),
)

meter_values = Table(
    "meter_values",
    metadata,
    # By far the most rows: what is of one size comes first, and largest first, so that PostgreSQL
    # fills nothing up.
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("transaction_id", BigInteger),
    Column("at", UTCDateTime, nullable=False),  # the charger's clock
    Column("received_at", UTCDateTime, nullable=False),
    Column("digest", BigInteger),  # of all that makes two values of one moment the same one
    Column("connector_id", Integer, nullable=False),
    # The transaction is the one that ran then: the message named none (that is its own).
    Column("inferred", Boolean, nullable=False, server_default=text("false")),
    Column("charge_point_id", String(40), nullable=False),
    Column("samples", Samples, nullable=False),  # sampledValue of OCPP 1.6 §7.43
    # A value that is repeated is one row; looking for it first would double the writing.
    Index("uq_meter_values_of_transactions", "transaction_id", "at", "digest", unique=True),
    Index(
        "uq_meter_values_outside_transactions",
        "charge_point_id",
        "at",
        "digest",
        unique=True,
        postgresql_where=text("transaction_id IS NULL"),
        sqlite_where=text("transaction_id IS NULL"),
    ),
)

commands = Table(
    "commands",
    metadata,
    Column("intent", String(100), primary_key=True),
    Column("charge_point_id", String(40), nullable=False),
    Column("operation", String(40), nullable=False),
    Column("sent_at", UTCDateTime, nullable=False),
    Column("reply", String(20)),  # null: sent, and the answer is not known
    Column("detail", String(500)),
    Index(None, "sent_at"),
)

reboot_slots = Table(
    "reboot_slots",
    metadata,
    Column("intent", String(100), primary_key=True),  # that of the restart in `commands`
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Index(None, "project_id", "at"),
)

awaited_tags = Table(  # the next unknown tag there is listed for its owner
    "awaited_tags",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("label", String(200)),
    Column("asked_by", ForeignKey("accounts.id"), nullable=False),
    Column("asked_email", String(320), nullable=False),
    Column("asked_at", UTCDateTime, nullable=False),
    Column("until", UTCDateTime, nullable=False),
    Column("id_tag", String(20)),  # the one that came; null: none has
)

commissioning_runs = Table(
    "commissioning_runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("charge_point_id", ForeignKey("charge_points.id"), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("status", String(20), nullable=False),
    Column("request", JSON, nullable=False),  # RunRequest, enough to start the workflow again
    Column("started_at", UTCDateTime, nullable=False),
    Column("completed_at", UTCDateTime),
    Column("id_tag", String(20)),  # accepted for this charge point while this run is open
    Column("view", JSON),  # RunView, once there is a verdict
    Column("failed_check", String(40)),
    Column("notified", Boolean, nullable=False, server_default=text("false")),
    # While it is open and waits for somebody, so that lists need not ask each workflow.
    Column("waiting_for", String(20)),
    Column("waiting", JSON),
    Column("wait_number", Integer, nullable=False, server_default="0"),
    Column("service_visit_id", ForeignKey("service_visits.id")),  # that it is of; null: of none
    Column("frames_gone", Integer, nullable=False, server_default="0"),  # logged, and kept no more
    Index(None, "charge_point_id", "id"),
    Index(None, "project_id", "id"),
    Index(
        "ix_commissioning_runs_completed",
        "charge_point_id",
        "id",
        postgresql_where=text("status = 'completed'"),
        sqlite_where=text("status = 'completed'"),
    ),
    Index(
        "uq_commissioning_runs_one_open",
        "charge_point_id",
        unique=True,
        postgresql_where=text("status IN ('starting', 'in_progress')"),
        sqlite_where=text("status IN ('starting', 'in_progress')"),
    ),
    # The reconciler walks the open ones; finished ones are very many.
    Index(
        "ix_commissioning_runs_in_progress",
        "id",
        postgresql_where=text("status = 'in_progress'"),
        sqlite_where=text("status = 'in_progress'"),
    ),
    Index(
        "ix_commissioning_runs_starting",
        "id",
        postgresql_where=text("status = 'starting'"),
        sqlite_where=text("status = 'starting'"),
    ),
)

batches = Table(
    "batches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("status", String(20), nullable=False),
    Column("request", JSON, nullable=False),  # BatchRequest
    Column("started_at", UTCDateTime, nullable=False),
    Column("completed_at", UTCDateTime),
    Column("cancel", JSON),  # CancelRequest, once somebody cancels it
    Index(None, "project_id", "id"),
    Index(
        "uq_batches_one_open",
        "project_id",
        unique=True,
        postgresql_where=text("status IN ('starting', 'in_progress')"),
        sqlite_where=text("status IN ('starting', 'in_progress')"),
    ),
    Index(
        "ix_batches_open",
        "id",
        postgresql_where=text("status IN ('starting', 'in_progress')"),
        sqlite_where=text("status IN ('starting', 'in_progress')"),
    ),
)

batch_members = Table(
    "batch_members",
    metadata,
    Column("batch_id", ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("commissioning_id", String(40)),  # the run that the batch started or found open
    Column("cancel_sent", Boolean, nullable=False, server_default=text("false")),
    Index(None, "charge_point_id"),
)

log_entries = Table(
    "log_entries",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("charge_point_id", String(40), nullable=False),
    Column("commissioning_id", String(40)),
    Column("at", UTCDateTime, nullable=False),
    Column("level", String(10), nullable=False),
    Column("kind", String(20), nullable=False),  # frame, step, verdict, connection
    Column("direction", String(3)),  # of a frame: in (from the charge point), out
    Column("action", String(50)),
    Column("message_id", String(36)),
    Column("text", Text, nullable=False),  # the frame as sent, secrets masked; or a sentence
    Column("entry_key", String(100), unique=True),  # a repeated activity writes an entry once
    # What is repeated on one day is its first entry, and a count that stands at the newest.
    Column("times", Integer, nullable=False, server_default="1"),
    Column("first_at", UTCDateTime),  # of the first that is counted here; null: there was one
    Index(None, "charge_point_id", "at", "id"),
    Index(None, "commissioning_id", "at", "id"),
    # The newest stay of each charge point.
    Index(
        "ix_log_entries_reports",
        "charge_point_id",
        "at",
        "id",
        postgresql_where=text("kind = 'report'"),
        sqlite_where=text("kind = 'report'"),
    ),
)

# What updates of a project's workflow say of people: its history has the id alone.
request_words = Table(
    "request_words",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("words", JSON, nullable=False),
    Column("at", UTCDateTime, nullable=False, index=True),
)

# How far retention has come with each kind of rows.
retention_marks = Table(
    "retention_marks",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("position", String(40), nullable=False),  # an id; all until there has been looked at
    Column("at", UTCDateTime, nullable=False),
)

# Messages of charge points that had to be read past something, or could not be read.
irregularities = Table(
    "irregularities",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), nullable=False),
    Column("commissioning_id", String(40), nullable=False),  # "": outside of a run
    Column("action", String(50), nullable=False),  # "": it could not be told
    Column("what", String(200), nullable=False),
    Column("refused", Boolean, nullable=False),
    Column("astray", Boolean, nullable=False, server_default=text("false")),  # it was of nothing
    # that is known here
    Column("times", Integer, nullable=False),
    Column("first_at", UTCDateTime, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    Column("excerpt", Text, nullable=False),  # of the first such frame, secrets masked
    UniqueConstraint("charge_point_id", "commissioning_id", "action", "what", "refused"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("action", String(50), nullable=False),
    Column("account_id", String(40)),
    Column("email", String(320)),  # as it was then
    Column("role", String(20), nullable=False),
    Column("address", String(100)),
    Column("target", String(100), nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("entry_key", String(100), unique=True),  # a repeated activity writes an entry once
    Column("service_visit_id", String(40)),  # in which it was done; null: in none
    Index(None, "project_id", "id"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("url", String(1000), nullable=False),
    Column("description", String(200)),
    Column("events", JSON, nullable=False),
    Column("status", String(20), nullable=False),
    Column("disabled_reason", String(500)),
    Column("secret_version", Integer, nullable=False),  # the secret itself is derived
    Column("retired_at", JSON),  # when the secrets before this one were, the newest first
    Column("failing_since", UTCDateTime),  # since then no call has succeeded
    Column("created_at", UTCDateTime, nullable=False),
    Index(None, "account_id", "id"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", String(40), nullable=False),  # the same for every webhook that gets it
    Column("event", String(50), nullable=False),
    Column("body", Text, nullable=False),  # as it is signed and sent, at every attempt
    Column("status", String(20), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("dispatched_at", UTCDateTime),  # its workflow was started
    Column("ended_at", UTCDateTime),
    Index(None, "webhook_id", "id"),
    Index(
        "ix_webhook_deliveries_pending",
        "id",
        postgresql_where=text("status = 'pending'"),
        sqlite_where=text("status = 'pending'"),
    ),
    Index(None, "ended_at"),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column(
        "delivery_id",
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("at", UTCDateTime, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("status_code", Integer),
    Column("error", String(500)),
    Column("response", String(1000)),  # the beginning of what was answered
)

service_visits = Table(
    "service_visits",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("opened_by", ForeignKey("accounts.id"), nullable=False),
    Column("opened_at", UTCDateTime, nullable=False),
    Column("ends_at", UTCDateTime, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("all_charge_points", Boolean, nullable=False),  # as it was asked for; the rows count
    Column("email", String(320), nullable=False),  # of the installer who is invited
    Column("invitation_id", String(40), nullable=False),  # fixed before its row is there
    Column("status", String(20), nullable=False),  # ServiceVisitStatus
    Column("installer_id", ForeignKey("accounts.id")),  # who has accepted
    Column("accepted_at", UTCDateTime),
    Column("closed_at", UTCDateTime),
    Column("closed_by", String(20)),  # a Role, or engine: its time was over
    Column("unfinished", Boolean, nullable=False, server_default=text("false")),
    Column("reason", String(500)),  # why it was closed unfinished, or declined
    Column("sign_off_notes", Text),
    Column("installer_signature", String(200)),
    Column("told_at", UTCDateTime),  # owner and installer know of its end
    Index(None, "project_id", "id"),
    Index(None, "installer_id", "id"),
    Index(
        "ix_service_visits_running",
        "id",
        postgresql_where=text("told_at IS NULL"),
        sqlite_where=text("told_at IS NULL"),
    ),
)

service_visit_charge_points = Table(
    "service_visit_charge_points",
    metadata,
    Column("service_visit_id", ForeignKey("service_visits.id"), primary_key=True),
    Column(
        "charge_point_id",
        ForeignKey("charge_points.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    Column("joined_at", UTCDateTime, nullable=False),  # later than its visit's opening: added in it
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False, index=True),
    Column("email", String(320), nullable=False),
    Column("role", String(20), nullable=False),  # ProjectRole, once it is accepted
    Column("invited_by", ForeignKey("accounts.id")),  # null: an operator, in Temporal
    Column("message", Text),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("status", String(20), nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("sent_at", UTCDateTime),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),  # it is not pending since then
    Column("accepted_by", ForeignKey("accounts.id")),
    Column("reason", String(500)),  # the owner's, for declining
    Column("told_at", UTCDateTime),  # the installer has been told of its end
    Column("service_visit_id", ForeignKey("service_visits.id")),  # that it is to; null: none
    Index(None, "email", "id"),
    Index(None, "invited_by", "accepted_by"),
    Index(
        "ix_invitations_to_settle",
        "id",
        postgresql_where=text("told_at IS NULL"),
        sqlite_where=text("told_at IS NULL"),
    ),
)

# An address is kept as an HMAC: who stops mail need not be known here.
mail_blocks = Table(
    "mail_blocks",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),  # whose mail is not wanted
    Column("recipient", String(64), primary_key=True),
    Column("blocked_at", UTCDateTime, nullable=False),
    # A way to a new password goes there once a week all the same: the last one.
    Column("reset_letter", String(40)),
    Column("reset_at", UTCDateTime),
)

# Notices that are about to leave, or wait for the next gathered mail. One that has left says
# nothing any more, and stays for as long as its activity may be done again.
mail_notices = Table(
    "mail_notices",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),  # that has caused it
    Column("recipient", String(64), nullable=False),
    Column("email", String(320), nullable=False),
    Column("about", String(100), nullable=False, unique=True),
    Column("subject", String(200), nullable=False),
    Column("detail", String(500), nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime),  # of the gathered mail; null: it leaves by itself, or has left
    Column("left_at", UTCDateTime),
    Index(None, "account_id", "recipient"),
    Index(
        "ix_mail_notices_due",
        "account_id",
        "recipient",
        postgresql_where=text("due_at IS NOT NULL"),
        sqlite_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_mail_notices_old",
        "created_at",
        postgresql_where=text("due_at IS NULL"),
        sqlite_where=text("due_at IS NULL"),
    ),
)

declarations = Table(
    "declarations",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("declared", JSON, nullable=False),
    Column("declared_by", String(320), nullable=False),  # an e-mail
    Column("declared_at", UTCDateTime, nullable=False),
)

checklist_answers = Table(
    "checklist_answers",
    metadata,
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), primary_key=True),
    Column("checklist_id", String(60), primary_key=True),  # of its project, or of one before
    Column("item_id", String(40), primary_key=True),
    Column("compliance", String(20), nullable=False),  # Compliance
    Column("remark", Text),
    Column("answered_by", String(320), nullable=False),  # an e-mail
    Column("answered_at", UTCDateTime, nullable=False),
)

photos = Table(
    "photos",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("charge_point_id", ForeignKey("charge_points.id", ondelete="CASCADE"), nullable=False),
    Column("caption", String(200)),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the picture, hex
    Column("picture", LargeBinary, nullable=False),  # JPEG, written anew: it has no metadata
    Column("thumbnail", LargeBinary, nullable=False),  # JPEG, as documents show it
    Column("added_by", String(320), nullable=False),
    Column("added_at", UTCDateTime, nullable=False),
    # The same picture sent again is the same row.
    UniqueConstraint("charge_point_id", "sha256"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("scope", String(20), nullable=False),
    Column("subject_id", String(40), nullable=False),  # of the charge point or the project
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("number", Integer, nullable=False),  # 1 is the subject's first
    Column("service_visit_id", ForeignKey("service_visits.id")),  # that it is of; subject: project
    Column("content_hash", String(64), nullable=False),  # of what it was made of, hex
    Column("sha256", String(64), nullable=False),  # of the file, hex
    Column("key_id", String(16), nullable=False),
    Column("token", String(27), nullable=False, unique=True),  # of its online copy
    Column("issued_at", UTCDateTime, nullable=False),
    Column("summary", JSON, nullable=False),  # what its public page says
    Column("file", LargeBinary, nullable=False),  # the signed PDF, as it was issued
    UniqueConstraint("subject_id", "number"),
)

certificate_keys = Table(
    "certificate_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("public_key", String(130), nullable=False),  # of documents.keys, hex; an old one is kept
    Column("first_used_at", UTCDateTime, nullable=False),
)

# Of the keys that every process must have, so that two with different ones are noticed.
key_fingerprints = Table(
    "key_fingerprints",
    metadata,
    Column("setting", String(40), primary_key=True),
    Column("fingerprint", String(16), nullable=False),  # hex; says nothing of the key
    Column("since", UTCDateTime, nullable=False),
)

tariffs = Table(
    "tariffs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("valid_from", UTCDateTime, nullable=False),
    Column("currency", String(3), nullable=False),  # the same in all tariffs of a project
    Column("elements", JSON, nullable=False),  # TariffElement of OCPI 2.2.1
    Column("set_by", ForeignKey("accounts.id"), nullable=False),
    Column("set_as", String(20), nullable=False),  # Role
    Column("created_at", UTCDateTime, nullable=False),
    Index(None, "project_id", "valid_from", "id"),
)

billing_accounts = Table(
    "billing_accounts",
    metadata,
    Column("project_id", ForeignKey("projects.id"), primary_key=True),
    Column("active_since", UTCDateTime, nullable=False),
)

billing_pauses = Table(
    "billing_pauses",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("project_id", ForeignKey("billing_accounts.project_id"), nullable=False),
    Column("paused_at", UTCDateTime, nullable=False),
    Column("resumed_at", UTCDateTime),
    Column("paused_by", ForeignKey("accounts.id"), nullable=False),
    Index(
        "uq_billing_pauses_one_open",
        "project_id",
        unique=True,
        postgresql_where=text("resumed_at IS NULL"),
        sqlite_where=text("resumed_at IS NULL"),
    ),
    Index(None, "project_id", "paused_at"),
)

# In whose name statements are; the newest counts, an old one for the months of its time.
billing_issuers = Table(
    "billing_issuers",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("valid_from", UTCDateTime, nullable=False),
    Column("name", String(200), nullable=False),
    Column("address", String(500)),
    Column("vat_number", String(20)),
    Index(None, "project_id", "valid_from", "id"),
)

# Rows are inserted and never updated.
cdrs = Table(
    "cdrs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("charge_point_id", String(40), nullable=False),  # outlives the charge point
    Column("transaction_id", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),  # 1, and one more after each correction
    Column("credit", Boolean, nullable=False),  # takes back the record of the same revision
    Column("issued_at", UTCDateTime, nullable=False),
    Column("month", String(7), nullable=False),  # of issued_at at the site; whose statement has it
    Column("document", JSON, nullable=False),  # Cdr of OCPI 2.2.1
    # One record a transaction, and one credit a record, whoever computes it how often.
    UniqueConstraint("transaction_id", "revision", "credit"),
    Index(None, "project_id", "month", "issued_at", "id"),
    Index(None, "project_id", "issued_at", "id"),
)

# What cannot be billed without the owner's word. One row a transaction, held again or not.
held_records = Table(
    "held_records",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("charge_point_id", String(40), nullable=False),  # outlives the charge point
    Column("transaction_id", BigInteger, nullable=False, unique=True),
    Column("cause", String(30), nullable=False),  # HoldCause
    Column("state", String(10), nullable=False),  # HoldState
    Column("held_at", UTCDateTime, nullable=False),
    Column("stop_received_at", UTCDateTime, nullable=False),  # of the stop that it was judged by
    Column("document", JSON, nullable=False),  # HeldDocument
    Column("decision", JSON(none_as_null=True)),  # the owner's, of a released one
    Column("decided_at", UTCDateTime),  # it is not held since then
    Column("decided_by", String(320)),  # an e-mail; null: nobody, its end came after all
    Column("mailed_at", UTCDateTime),  # the owner has been told
    Index(None, "project_id", "id"),
    Index(
        "ix_held_records_to_mail",
        "project_id",
        postgresql_where=text("mailed_at IS NULL AND state = 'held'"),
        sqlite_where=text("mailed_at IS NULL AND state = 'held'"),
    ),
)
