-- What the lines of payouts have paid of an earning, kept with it, so that a payout run reads what waits and nothing older.
ALTER TABLE view_earning ADD COLUMN paid_paisa bigint NOT NULL DEFAULT 0;
UPDATE view_earning e SET paid_paisa = l.paid
FROM (SELECT earning, sum(net_paisa)::bigint AS paid FROM view_payout_line GROUP BY earning) AS l
WHERE e.subject = l.earning;
CREATE INDEX view_earning_unpaid ON view_earning (vendor, subject) WHERE available_paisa <> paid_paisa;
