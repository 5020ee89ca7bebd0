-- What an agent was charged for cash that was never there is owed to him (J12d): it ends a difference as J12c does.
CREATE OR REPLACE VIEW finance.difference AS
    SELECT d.first_position, d.account_code, coalesce(c.title, '') AS title, d.owner, d.subject, d.cause, d.rule, d.since,
        d.amount_paisa, coalesce(r.ruled_paisa, 0)::bigint AS ruled_paisa,
        (d.amount_paisa - coalesce(r.ruled_paisa, 0))::bigint AS open_paisa
    FROM (
        SELECT min(j.position) AS first_position, p.account_code, p.owner, j.subject, j.cause, max(j.rule) AS rule,
            min(j.posted_at) AS since,
            (sum(p.amount_paisa) * CASE WHEN p.account_code IN (1140, 1190) THEN 1 ELSE -1 END)::bigint AS amount_paisa
        FROM posting p JOIN journal_log j ON j.position = p.position
        WHERE p.account_code IN (1140, 1190, 2080, 2090, 2095)
          AND j.rule NOT IN ('J9a', 'J9b', 'J9c', 'J10a', 'J10b', 'J10c', 'J11b', 'J12b', 'J12c', 'J12d', 'J27d', 'J35', 'J37a')
        GROUP BY p.account_code, p.owner, j.subject, j.cause
    ) AS d
    LEFT JOIN (
        SELECT cause, owner, sum(amount_paisa) AS ruled_paisa,
            -- 0x1e: a customer, whose only difference is what he was paid back twice.
            CASE WHEN get_byte(owner, 0) = 30 THEN 1190
                 WHEN how IN ('repaid', 'written_off', 'from_pay', 'from_security', 'expensed', 'conceded',
                             'conceded_by_vendor') THEN 1140
                 WHEN how IN ('to_customer', 'to_giver', 'unclaimed') THEN 2090
                 ELSE 2095 END AS account_code
        FROM view_ruling GROUP BY 1, 2, 4
    ) AS r ON r.cause = d.cause AND r.owner = d.owner AND r.account_code = d.account_code
    LEFT JOIN chart c ON c.code = d.account_code
    WHERE d.amount_paisa <> 0 OR r.ruled_paisa <> 0;
