-- What a payout costs its vendor, without VAT; nothing, until finance sets it.
ALTER TABLE finance_setting ADD COLUMN payout_fee_paisa bigint NOT NULL DEFAULT 0
    CHECK (payout_fee_paisa BETWEEN 0 AND 1000000);
-- Of a payout: what it cost, VAT included. Its total is what the bank sends.
ALTER TABLE view_payout ADD COLUMN fee_paisa bigint NOT NULL DEFAULT 0;
