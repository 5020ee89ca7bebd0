-- Parcels that another company carries (J14), and what it remits for them (J14a).

ALTER TABLE view_parcel
    ADD COLUMN courier bytea,
    ADD COLUMN consignment text,
    -- out, delivered or returned.
    ADD COLUMN carrying text,
    -- What the courier owes for it by what was posted (1130).
    ADD COLUMN courier_paisa bigint NOT NULL DEFAULT 0;
CREATE INDEX view_parcel_courier ON view_parcel (courier, consignment) WHERE courier IS NOT NULL;

ALTER TABLE statement DROP CONSTRAINT statement_side_check;
ALTER TABLE statement ADD CONSTRAINT statement_side_check CHECK (side BETWEEN 1 AND 7);

-- What a courier says in a file that he sends: one credit at the bank, posted (J14a) when a statement shows it.
CREATE TABLE courier_file (
    statement bytea PRIMARY KEY REFERENCES statement (id),
    remittance bytea NOT NULL UNIQUE CHECK (octet_length(remittance) = 17),
    courier bytea NOT NULL CHECK (octet_length(courier) = 17),
    -- The last day of its lines.
    day date NOT NULL,
    gross_paisa bigint NOT NULL,
    charge_paisa bigint NOT NULL,
    vat_paisa bigint NOT NULL,
    -- What every line of it names: the courier's own number of the payment.
    invoices text[] NOT NULL
);

CREATE OR REPLACE VIEW finance.cash_by_custodian AS
    SELECT p.account_code, coalesce(c.title, '') AS title, p.owner, sum(p.amount_paisa)::bigint AS balance
    FROM posting p LEFT JOIN chart c ON c.code = p.account_code
    WHERE p.account_code IN (1010, 1040, 1110, 1120, 1130)
    GROUP BY p.account_code, c.title, p.owner
    HAVING p.account_code NOT IN (1040, 1130) OR sum(p.amount_paisa) <> 0;
