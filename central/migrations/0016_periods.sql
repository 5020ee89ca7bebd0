-- Months that close, days that are sealed, and what an account held at a past time.

-- When the last journal was posted, by central's clock, which never posts into its own past; and the last month that
-- takes nothing more ('' before the first).
ALTER TABLE log_head
    ADD COLUMN journal_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN closed_through text NOT NULL DEFAULT '';
UPDATE log_head SET journal_ms = coalesce(
    (SELECT (extract(epoch FROM max(posted_at)) * 1000)::bigint FROM journal_log), 0);

-- Primary, append-only. A seal names a day ('2026-11-25') or a month ('2026-11') and says where the journal log stood
-- at its end; central signs name, position, hash and totals. Whoever keeps one elsewhere can prove that nothing before
-- it was changed since, even by somebody who could compute the whole chain anew.
CREATE TABLE seal (
    name text PRIMARY KEY,
    position bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    totals bytea NOT NULL CHECK (octet_length(totals) = 32),
    author bytea NOT NULL CHECK (octet_length(author) = 8),
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    sealed_at timestamptz NOT NULL
);
CREATE TRIGGER seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The trial balance of a closed month as it was when it closed.
CREATE TABLE closed_balance (
    period text NOT NULL,
    account_code integer NOT NULL,
    debit_paisa bigint NOT NULL,
    credit_paisa bigint NOT NULL,
    PRIMARY KEY (period, account_code)
);
CREATE TRIGGER closed_balance_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON closed_balance
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The program chooses the open month; the database holds it to that.
CREATE FUNCTION refuse_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added, log_head WHERE added.period <= log_head.closed_through) THEN
        RAISE EXCEPTION 'this month is closed: post into the open one';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER journal_log_period AFTER INSERT ON journal_log
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed();

-- The place of its journal in the log, so that the lines of an account are read in order and from anywhere.
ALTER TABLE posting ADD COLUMN position bigint;
ALTER TABLE posting DISABLE TRIGGER posting_append_only;
UPDATE posting SET position = j.position FROM journal_log j WHERE j.id = posting.journal;
ALTER TABLE posting ENABLE TRIGGER posting_append_only;
ALTER TABLE posting ALTER COLUMN position SET NOT NULL;
DROP INDEX posting_account;
CREATE INDEX posting_account ON posting (account_code, owner, position);
CREATE INDEX journal_log_posted ON journal_log (posted_at);

-- Projection: what moved on an account in a day of Dhaka. A balance of any past time is the days before it, and the
-- postings of that day.
CREATE TABLE day_balance (
    account_code integer NOT NULL,
    owner bytea NOT NULL DEFAULT '',
    day date NOT NULL,
    debit_paisa bigint NOT NULL,
    credit_paisa bigint NOT NULL,
    PRIMARY KEY (account_code, owner, day)
);
INSERT INTO day_balance
    SELECT p.account_code, coalesce(p.owner, ''::bytea), (j.posted_at AT TIME ZONE interval '6 hours')::date,
        coalesce(sum(p.amount_paisa) FILTER (WHERE p.amount_paisa > 0), 0),
        coalesce(-sum(p.amount_paisa) FILTER (WHERE p.amount_paisa < 0), 0)
    FROM posting p JOIN journal_log j ON j.id = p.journal GROUP BY 1, 2, 3;

-- Lines of statements that nothing else explains, and rulings: projections ---------------------------

CREATE TABLE view_line (
    subject bytea PRIMARY KEY,
    bank bytea,
    state text NOT NULL,
    amount_paisa bigint NOT NULL,
    reference text NOT NULL,
    identified bytea,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE TABLE view_ruling (
    subject bytea PRIMARY KEY,
    how text NOT NULL,
    cause bytea,
    owner bytea,
    other bytea,
    amount_paisa bigint NOT NULL,
    reason text NOT NULL,
    maker bytea,
    checker bytea,
    ruled_by bytea,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE INDEX view_ruling_cause ON view_ruling (cause, owner);

-- What the API keeps: rulings that wait for a second person -------------------------------------------

CREATE TABLE proposed_ruling (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 17),
    how text NOT NULL,
    cause bytea NOT NULL CHECK (octet_length(cause) = 32),
    owner bytea NOT NULL CHECK (octet_length(owner) = 17),
    other bytea,
    amount_paisa bigint NOT NULL,
    reason text NOT NULL,
    maker bytea NOT NULL CHECK (octet_length(maker) = 16),
    proposed_at_ms bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'ruled', 'withdrawn'))
);
CREATE INDEX proposed_ruling_waiting ON proposed_ruling (subject) WHERE state = 'waiting';

-- What finance reads -----------------------------------------------------------------------------------

-- Every difference by the fact that made it and by whose it is, with what rulings have settled of it. A liability's
-- amount is turned, so that all are positive. What is taken back by a later fact is no difference any more.
CREATE VIEW finance.difference AS
    SELECT d.first_position, d.account_code, coalesce(c.title, '') AS title, d.owner, d.subject, d.cause, d.rule, d.since,
        d.amount_paisa, coalesce(r.ruled_paisa, 0)::bigint AS ruled_paisa,
        (d.amount_paisa - coalesce(r.ruled_paisa, 0))::bigint AS open_paisa
    FROM (
        SELECT min(j.position) AS first_position, p.account_code, p.owner, j.subject, j.cause, max(j.rule) AS rule,
            min(j.posted_at) AS since,
            (sum(p.amount_paisa) * CASE WHEN p.account_code = 1140 THEN 1 ELSE -1 END)::bigint AS amount_paisa
        FROM posting p JOIN journal_log j ON j.id = p.journal
        WHERE p.account_code IN (1140, 2080, 2090, 2095)
          AND j.rule NOT IN ('J9b', 'J9c', 'J10a', 'J10b', 'J10c', 'J12b', 'J12c')
        GROUP BY p.account_code, p.owner, j.subject, j.cause
    ) AS d
    LEFT JOIN (
        SELECT cause, owner, sum(amount_paisa) AS ruled_paisa,
            CASE WHEN how IN ('repaid', 'written_off') THEN 1140
                 WHEN how IN ('to_customer', 'to_giver', 'unclaimed') THEN 2090
                 ELSE 2095 END AS account_code
        FROM view_ruling GROUP BY 1, 2, 4
    ) AS r ON r.cause = d.cause AND r.owner = d.owner AND r.account_code = d.account_code
    LEFT JOIN chart c ON c.code = d.account_code
    WHERE d.amount_paisa <> 0 OR r.ruled_paisa <> 0;
