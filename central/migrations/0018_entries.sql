-- What finance books on paper evidence, payouts that come back, and the accounts that vendors are paid to.

ALTER TABLE view_payout ADD COLUMN returned_by bytea;
ALTER TABLE view_payout ADD COLUMN return_reference text NOT NULL DEFAULT '';
ALTER TABLE view_payout ADD COLUMN return_reason smallint NOT NULL DEFAULT 0;

-- Projection. `available_paisa` is what it adds to what a vendor may have: a payout takes it as a line.
CREATE TABLE view_entry (
    subject bytea PRIMARY KEY,
    what text NOT NULL,
    owner bytea,
    other bytea,
    provider smallint NOT NULL,
    amount_paisa bigint NOT NULL,
    part_paisa bigint NOT NULL,
    available_paisa bigint NOT NULL,
    reference text NOT NULL,
    maker bytea,
    checker bytea,
    entered_by bytea,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE INDEX view_entry_paper ON view_entry (what, reference);
CREATE INDEX view_entry_other ON view_entry (other, what) WHERE other IS NOT NULL;

-- What the API keeps: entries that wait for a second person. `fact` is the payload that would be recorded.
CREATE TABLE proposed_entry (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 17),
    fact bytea NOT NULL,
    what text NOT NULL,
    owner bytea NOT NULL,
    other bytea,
    provider smallint NOT NULL,
    amount_paisa bigint NOT NULL,
    part_paisa bigint NOT NULL,
    reference text NOT NULL,
    maker bytea NOT NULL CHECK (octet_length(maker) = 16),
    proposed_at_ms bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'entered', 'withdrawn'))
);
CREATE INDEX proposed_entry_waiting ON proposed_entry (what, reference) WHERE state = 'waiting';

-- Finance's settings by date: what was decided under one of them is not judged by a later one.
CREATE TABLE finance_setting (
    effective_ms bigint PRIMARY KEY,
    two_people_from_paisa bigint NOT NULL CHECK (two_people_from_paisa BETWEEN 1 AND 100000000000000),
    unclaimed_after_days integer NOT NULL CHECK (unclaimed_after_days BETWEEN 1 AND 3650),
    cooling_hours integer NOT NULL CHECK (cooling_hours BETWEEN 0 AND 720),
    set_by bytea
);
INSERT INTO finance_setting (effective_ms, two_people_from_paisa, unclaimed_after_days, cooling_hours)
    VALUES (0, 500000, 90, 72);
CREATE TRIGGER finance_setting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON finance_setting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Where a vendor is paid. Every change stays; the last one holds, after its cooling time.
CREATE TABLE vendor_account (
    number bigserial PRIMARY KEY,
    vendor bytea NOT NULL,
    bank_name text NOT NULL,
    account_name text NOT NULL,
    account_number text NOT NULL,
    changed_ms bigint NOT NULL,
    changed_by bytea NOT NULL
);
CREATE INDEX vendor_account_vendor ON vendor_account (vendor, number);
CREATE TRIGGER vendor_account_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON vendor_account
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- As in 0016, with the two further ways in which missing cash ends.
CREATE OR REPLACE VIEW finance.difference AS
    SELECT d.first_position, d.account_code, coalesce(c.title, '') AS title, d.owner, d.subject, d.cause, d.rule, d.since,
        d.amount_paisa, coalesce(r.ruled_paisa, 0)::bigint AS ruled_paisa,
        (d.amount_paisa - coalesce(r.ruled_paisa, 0))::bigint AS open_paisa
    FROM (
        SELECT min(j.position) AS first_position, p.account_code, p.owner, j.subject, j.cause, max(j.rule) AS rule,
            min(j.posted_at) AS since,
            (sum(p.amount_paisa) * CASE WHEN p.account_code = 1140 THEN 1 ELSE -1 END)::bigint AS amount_paisa
        FROM posting p JOIN journal_log j ON j.id = p.journal
        WHERE p.account_code IN (1140, 2080, 2090, 2095)
          AND j.rule NOT IN ('J9a', 'J9b', 'J9c', 'J10a', 'J10b', 'J10c', 'J12b', 'J12c', 'J35')
        GROUP BY p.account_code, p.owner, j.subject, j.cause
    ) AS d
    LEFT JOIN (
        SELECT cause, owner, sum(amount_paisa) AS ruled_paisa,
            CASE WHEN how IN ('repaid', 'written_off', 'from_pay', 'from_security') THEN 1140
                 WHEN how IN ('to_customer', 'to_giver', 'unclaimed') THEN 2090
                 ELSE 2095 END AS account_code
        FROM view_ruling GROUP BY 1, 2, 4
    ) AS r ON r.cause = d.cause AND r.owner = d.owner AND r.account_code = d.account_code
    LEFT JOIN chart c ON c.code = d.account_code
    WHERE d.amount_paisa <> 0 OR r.ruled_paisa <> 0;

-- What finance calls the owner of an account.
CREATE VIEW owner_name AS
    SELECT subject, name FROM site
    UNION ALL SELECT subject, name FROM vendor
    UNION ALL SELECT subject, name FROM bank
    UNION ALL (SELECT DISTINCT ON (s.party) s.party, e.name FROM seat s JOIN enrolled e USING (author)
               WHERE s.role = 'agent' ORDER BY s.party, s.issued_at DESC, s.author);

-- Statements of providers (1030 to 1033) beside those of banks.
ALTER TABLE statement DROP CONSTRAINT statement_side_check;
ALTER TABLE statement ADD CONSTRAINT statement_side_check CHECK (side BETWEEN 1 AND 6);
