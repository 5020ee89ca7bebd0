-- An earning may be in several payouts, once in each: a line is what it made available less what earlier ones paid of it.
ALTER TABLE view_payout_line DROP CONSTRAINT view_payout_line_pkey;
ALTER TABLE view_payout_line ADD PRIMARY KEY (earning, payout);
-- A payout that came back, and what finance entered, is in one.
CREATE UNIQUE INDEX view_payout_line_once ON view_payout_line (earning) WHERE get_byte(earning, 0) <> 18;
