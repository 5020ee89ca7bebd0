-- The money's way from the till to the vendor: projections, what the API keeps for finance, and the
-- views of cash with bags and banks.

-- Projections: dropped and rebuilt byte-equal from op, as those before --------------------------------

ALTER TABLE view_earning
    ADD COLUMN prepaid boolean NOT NULL DEFAULT false,
    ADD COLUMN order_subject bytea,
    ADD COLUMN window_min bigint NOT NULL DEFAULT 0,
    ADD COLUMN available_paisa bigint NOT NULL DEFAULT 0,
    ADD COLUMN released_for bytea,
    ADD COLUMN matured_for bytea;
CREATE INDEX view_earning_state ON view_earning (state);

CREATE TABLE view_shift (
    subject bytea PRIMARY KEY,
    site bytea,
    state text NOT NULL,
    float_paisa bigint NOT NULL,
    z bigint,
    expected_paisa bigint NOT NULL,
    counted_paisa bigint,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE INDEX view_shift_site ON view_shift (site);

CREATE TABLE view_bag (
    subject bytea PRIMARY KEY,
    site bytea,
    seal text NOT NULL,
    amount_paisa bigint NOT NULL,
    sealed_by bytea,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE INDEX view_bag_seal ON view_bag (seal);

CREATE TABLE view_deposit (
    subject bytea PRIMARY KEY,
    bank bytea,
    slip text NOT NULL,
    state text NOT NULL,
    sealed_paisa bigint NOT NULL,
    reference text NOT NULL,
    credited_paisa bigint,
    confirmed_by bytea,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
-- A bag is in one deposit.
CREATE TABLE view_deposit_bag (
    bag bytea PRIMARY KEY,
    deposit bytea NOT NULL,
    site bytea NOT NULL,
    amount_paisa bigint NOT NULL,
    confirmed_paisa bigint
);
CREATE INDEX view_deposit_bag_deposit ON view_deposit_bag (deposit);

CREATE TABLE view_payout (
    subject bytea PRIMARY KEY,
    vendor bytea,
    state text NOT NULL,
    total_paisa bigint NOT NULL,
    lines bigint NOT NULL,
    bank bytea,
    reference text NOT NULL,
    confirmed_by bytea,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE INDEX view_payout_vendor ON view_payout (vendor);
-- An earning is in one payout.
CREATE TABLE view_payout_line (
    earning bytea PRIMARY KEY,
    payout bytea NOT NULL,
    net_paisa bigint NOT NULL
);
CREATE INDEX view_payout_line_payout ON view_payout_line (payout);

CREATE TABLE view_sweep (
    subject bytea PRIMARY KEY,
    from_bank bytea,
    to_bank bytea,
    amount_paisa bigint NOT NULL,
    reference text NOT NULL,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);
CREATE TABLE view_remittance (
    subject bytea PRIMARY KEY,
    site bytea,
    bank bytea,
    net_paisa bigint NOT NULL,
    commission_paisa bigint NOT NULL,
    reference text NOT NULL,
    remitted_by bytea,
    contested boolean NOT NULL,
    incomplete boolean NOT NULL,
    newer boolean NOT NULL
);

-- What the API keeps ------------------------------------------------------------------------------

-- The short names behind the ids of bank accounts.
CREATE TABLE bank (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 17),
    name text NOT NULL UNIQUE
);
-- One answer for one key of one caller.
CREATE TABLE finance_request (
    token bytea NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    answer text NOT NULL,
    recorded_at_ms bigint NOT NULL,
    PRIMARY KEY (token, key)
);

-- What finance reads ------------------------------------------------------------------------------

-- A bag that was credited is empty and is left out; people, tills and banks stay in the list.
CREATE OR REPLACE VIEW finance.cash_by_custodian AS
    SELECT p.account_code, coalesce(c.title, '') AS title, p.owner, sum(p.amount_paisa)::bigint AS balance
    FROM posting p LEFT JOIN chart c ON c.code = p.account_code
    WHERE p.account_code IN (1010, 1040, 1110, 1120)
    GROUP BY p.account_code, c.title, p.owner
    HAVING p.account_code <> 1040 OR sum(p.amount_paisa) <> 0;
