-- A posting is found by the place of its journal in the log. The id of its journal stood in every one beside it and led
-- the primary key, in no order: each batch of the intake wrote all over that index, and a page of it into the WAL for
-- every few postings. (position, line) grows at its end.
--
-- The views are put in place of themselves, so that what a reader was granted stays his.
CREATE OR REPLACE VIEW finance.difference AS
    SELECT d.first_position, d.account_code, coalesce(c.title, '') AS title, d.owner, d.subject, d.cause, d.rule, d.since,
        d.amount_paisa, coalesce(r.ruled_paisa, 0)::bigint AS ruled_paisa,
        (d.amount_paisa - coalesce(r.ruled_paisa, 0))::bigint AS open_paisa
    FROM (
        SELECT min(j.position) AS first_position, p.account_code, p.owner, j.subject, j.cause, max(j.rule) AS rule,
            min(j.posted_at) AS since,
            (sum(p.amount_paisa) * CASE WHEN p.account_code = 1140 THEN 1 ELSE -1 END)::bigint AS amount_paisa
        FROM posting p JOIN journal_log j ON j.position = p.position
        WHERE p.account_code IN (1140, 2080, 2090, 2095)
          AND j.rule NOT IN ('J9a', 'J9b', 'J9c', 'J10a', 'J10b', 'J10c', 'J12b', 'J12c', 'J27d', 'J35')
        GROUP BY p.account_code, p.owner, j.subject, j.cause
    ) AS d
    LEFT JOIN (
        SELECT cause, owner, sum(amount_paisa) AS ruled_paisa,
            CASE WHEN how IN ('repaid', 'written_off', 'from_pay', 'from_security', 'expensed') THEN 1140
                 WHEN how IN ('to_customer', 'to_giver', 'unclaimed') THEN 2090
                 ELSE 2095 END AS account_code
        FROM view_ruling GROUP BY 1, 2, 4
    ) AS r ON r.cause = d.cause AND r.owner = d.owner AND r.account_code = d.account_code
    LEFT JOIN chart c ON c.code = d.account_code
    WHERE d.amount_paisa <> 0 OR r.ruled_paisa <> 0;
CREATE OR REPLACE VIEW finance.journal AS
    SELECT j.position, encode(j.id, 'hex') AS journal, j.rev, j.rule, j.subject, encode(j.cause, 'hex') AS cause,
        j.period, j.posted_at, p.line, p.account_code, coalesce(c.title, '') AS title, p.owner, p.amount_paisa
    FROM journal_log j JOIN posting p ON p.position = j.position LEFT JOIN chart c ON c.code = p.account_code;
ALTER TABLE posting DROP CONSTRAINT posting_pkey;
ALTER TABLE posting DROP COLUMN journal;
ALTER TABLE posting ADD PRIMARY KEY (position, line);

-- Who is a member of what, found by either in one index fewer: by subject in the primary key, by scope in
-- (scope, position), which is how pages are read.
ALTER TABLE member DROP CONSTRAINT member_pkey;
DROP INDEX member_subject;
ALTER TABLE member ADD PRIMARY KEY (subject, scope);
