-- The log of ops, what is folded from it, and the books. Ids are bytea; a subject is 17 bytes, a kind
-- byte and 16 of id. Keys lead by subject where a table is about subjects, so that a distributed
-- Postgres can place rows by subject.

-- Primary: the log ------------------------------------------------------------------------------

-- One row. `position` is the number of ops taken; a restore gets a new log_id.
CREATE TABLE log_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    log_id bytea NOT NULL CHECK (octet_length(log_id) = 8),
    position bigint NOT NULL,
    journals bigint NOT NULL,
    journal_hash bytea NOT NULL CHECK (octet_length(journal_hash) = 32)
);

-- One row: central is one author, whose chain goes on at `seq` after `prev`.
CREATE TABLE central_author (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    certificate bytea NOT NULL,
    inc bytea NOT NULL CHECK (octet_length(inc) = 4),
    seq bigint NOT NULL,
    prev bytea CHECK (octet_length(prev) = 32)
);

CREATE TABLE seat (
    author bytea PRIMARY KEY CHECK (octet_length(author) = 8),
    certificate bytea NOT NULL,
    public_key bytea NOT NULL UNIQUE CHECK (octet_length(public_key) = 32),
    role text NOT NULL,
    party bytea NOT NULL CHECK (octet_length(party) = 17),
    device_name text NOT NULL,
    issued_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX seat_party ON seat (party);

CREATE TABLE revocation (
    op bytea PRIMARY KEY,
    author bytea NOT NULL,
    revoked bytea NOT NULL,
    position bigint NOT NULL
);
CREATE INDEX revocation_author ON revocation (author);

-- Not unique by number: both sides of a fork are kept.
CREATE TABLE burst (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    author bytea NOT NULL,
    inc bytea NOT NULL,
    seq bigint NOT NULL,
    head bytea NOT NULL,
    sig bytea NOT NULL,
    ids bytea NOT NULL,
    answered bigint NOT NULL
);
CREATE INDEX burst_number ON burst (author, inc, seq);

CREATE TABLE chain (
    author bytea NOT NULL,
    inc bytea NOT NULL,
    upto bigint NOT NULL,
    highest bigint NOT NULL,
    forked boolean NOT NULL,
    PRIMARY KEY (author, inc)
);

CREATE TABLE op (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    position bigint NOT NULL UNIQUE,
    digest bytea NOT NULL,
    slot smallint NOT NULL,
    subject bytea NOT NULL CHECK (octet_length(subject) = 17),
    class_kind integer NOT NULL,
    lane smallint NOT NULL,
    time_ms bigint NOT NULL,
    author bytea NOT NULL,
    inc bytea NOT NULL,
    seq bigint NOT NULL,
    bytes bytea NOT NULL,
    apart text
);
CREATE INDEX op_subject ON op (subject, position);
CREATE INDEX op_digest ON op (digest, slot);
CREATE INDEX op_author ON op (author, inc, seq);

CREATE TABLE refused_slot (
    digest bytea NOT NULL,
    slot smallint NOT NULL,
    author bytea NOT NULL,
    inc bytea NOT NULL,
    seq bigint NOT NULL,
    code text NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (digest, slot)
);
CREATE INDEX refused_slot_author ON refused_slot (author, inc, seq);

-- Whole bursts that were refused, counted by known author (empty: unknown) and code, so that nobody
-- can fill the disk with rubbish. `digest` is the last one.
CREATE TABLE refused_burst (
    author bytea NOT NULL,
    code text NOT NULL,
    digest bytea NOT NULL,
    count bigint NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (author, code)
);

CREATE TABLE subject_key (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 17),
    key bytea NOT NULL CHECK (octet_length(key) = 32)
);

CREATE TABLE counter (name text PRIMARY KEY, value bigint NOT NULL);

CREATE TABLE device_status (
    author bytea PRIMARY KEY,
    last_seen timestamptz NOT NULL,
    waiting bigint NOT NULL,
    root_equal boolean NOT NULL,
    books_equal boolean NOT NULL,
    position bigint NOT NULL,
    ops bigint NOT NULL
);

-- Primary: the books ----------------------------------------------------------------------------

CREATE TABLE chart (code integer PRIMARY KEY, title text NOT NULL);

-- Append-only. Even revisions post, odd ones reverse the one before. `hash` is BLAKE3 over the hash
-- of the row before and this row with its postings.
CREATE TABLE journal_log (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    position bigint NOT NULL UNIQUE,
    key bytea NOT NULL CHECK (octet_length(key) = 16),
    rev integer NOT NULL,
    subject bytea NOT NULL CHECK (octet_length(subject) = 17),
    rule text NOT NULL,
    cause bytea NOT NULL CHECK (octet_length(cause) = 32),
    rules_version integer NOT NULL,
    period text NOT NULL,
    posted_at timestamptz NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    UNIQUE (key, rev)
);
CREATE INDEX journal_log_subject ON journal_log (subject);
CREATE INDEX journal_log_cause ON journal_log (cause);

CREATE TABLE posting (
    journal bytea NOT NULL REFERENCES journal_log (id),
    line smallint NOT NULL,
    account_code integer NOT NULL,
    owner bytea CHECK (octet_length(owner) = 17),
    amount_paisa bigint NOT NULL,
    PRIMARY KEY (journal, line)
);
CREATE INDEX posting_account ON posting (account_code, owner);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the books are append-only: post a reversal instead of changing %', TG_TABLE_NAME;
END $$;
CREATE TRIGGER journal_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Projections: dropped and rebuilt byte-equal from op and journal_log ----------------------------

CREATE TABLE member (
    scope bytea NOT NULL,
    subject bytea NOT NULL,
    put_gen bigint NOT NULL,
    close_gen bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (scope, subject)
);
CREATE INDEX member_subject ON member (subject);
CREATE INDEX member_position ON member (scope, position);

CREATE TABLE root (
    scope bytea NOT NULL,
    lane smallint NOT NULL,
    count bigint NOT NULL,
    sum bytea NOT NULL CHECK (octet_length(sum) = 32),
    PRIMARY KEY (scope, lane)
);

CREATE TABLE balance (
    account_code integer NOT NULL,
    owner bytea NOT NULL DEFAULT '',
    amount_paisa bigint NOT NULL,
    PRIMARY KEY (account_code, owner)
);
CREATE INDEX balance_owner ON balance (owner);

CREATE TABLE view_order (
    subject bytea PRIMARY KEY,
    customer bytea,
    parcels bytea NOT NULL,
    total_paisa bigint,
    placed boolean NOT NULL,
    cancelled boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE TABLE view_parcel (
    subject bytea PRIMARY KEY,
    order_subject bytea,
    vendor bytea,
    site bytea,
    agent bytea,
    status text NOT NULL,
    custodian bytea,
    due_paisa bigint NOT NULL,
    collected_paisa bigint NOT NULL,
    attempts bigint NOT NULL,
    contested boolean NOT NULL,
    settled boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL,
    satisfied_by bytea,
    returned_by bytea,
    return_requested boolean NOT NULL
);
CREATE INDEX view_parcel_order ON view_parcel (order_subject);
CREATE INDEX view_parcel_status ON view_parcel (status);
CREATE TABLE view_earning (
    subject bytea PRIMARY KEY,
    parcel bytea,
    vendor bytea,
    state text NOT NULL,
    net_paisa bigint NOT NULL,
    distributed_for bytea,
    charged_for bytea,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE INDEX view_earning_vendor ON view_earning (vendor);
CREATE TABLE view_handin (
    subject bytea PRIMARY KEY,
    agent bytea,
    site bytea,
    offered_paisa bigint,
    counted_paisa bigint,
    state text NOT NULL,
    counted_by bytea,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
-- What each offer says of its giver's chain: until central holds it, a gap is only waiting.
CREATE TABLE view_offer (
    op bytea PRIMARY KEY,
    subject bytea NOT NULL,
    author bytea NOT NULL,
    inc bytea NOT NULL,
    upto bigint NOT NULL
);
CREATE INDEX view_offer_author ON view_offer (author);
-- What a person has to look at. `subject` is a thing, a scope (custody_gap) or a seat (refused);
-- `cause` the op, or the digest and slot that was refused.
CREATE TABLE exception (
    subject bytea NOT NULL,
    kind text NOT NULL,
    cause bytea NOT NULL,
    code text NOT NULL,
    opened_position bigint NOT NULL,
    PRIMARY KEY (subject, kind, cause, code)
);
CREATE INDEX exception_kind ON exception (kind, opened_position);

INSERT INTO counter (name, value)
    VALUES ('ops_taken', 0), ('duplicates_received', 0), ('slots_refused', 0), ('batches', 0);

-- What finance reads ------------------------------------------------------------------------------

CREATE SCHEMA finance;
CREATE VIEW finance.trial_balance AS
    SELECT p.account_code, coalesce(c.title, 'Account ' || p.account_code) AS title,
        coalesce(sum(p.amount_paisa) FILTER (WHERE p.amount_paisa > 0), 0)::bigint AS debit_paisa,
        coalesce(-sum(p.amount_paisa) FILTER (WHERE p.amount_paisa < 0), 0)::bigint AS credit_paisa,
        sum(p.amount_paisa)::bigint AS balance
    FROM posting p LEFT JOIN chart c ON c.code = p.account_code
    GROUP BY p.account_code, c.title;
CREATE VIEW finance.cash_by_custodian AS
    SELECT p.account_code, coalesce(c.title, '') AS title, p.owner, sum(p.amount_paisa)::bigint AS balance
    FROM posting p LEFT JOIN chart c ON c.code = p.account_code
    WHERE p.account_code IN (1110, 1120)
    GROUP BY p.account_code, c.title, p.owner;
CREATE VIEW finance.journal AS
    SELECT j.position, encode(j.id, 'hex') AS journal, j.rev, j.rule, j.subject, encode(j.cause, 'hex') AS cause,
        j.period, j.posted_at, p.line, p.account_code, coalesce(c.title, '') AS title, p.owner, p.amount_paisa
    FROM journal_log j JOIN posting p ON p.journal = j.id LEFT JOIN chart c ON c.code = p.account_code;
