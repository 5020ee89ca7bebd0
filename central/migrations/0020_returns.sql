-- Goods that customers bring back.

-- What the earning holds on 2010: it matures. Of what matured before, nothing.
ALTER TABLE view_earning ADD COLUMN held_paisa bigint NOT NULL DEFAULT 0;
ALTER TABLE view_earning ADD COLUMN returned_paisa bigint NOT NULL DEFAULT 0;
UPDATE view_earning SET held_paisa = net_paisa WHERE distributed_for IS NOT NULL AND matured_for IS NULL;

-- What the API keeps: what was asked for. What was accepted is a fact on the earning.
CREATE TABLE return_request (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 17),
    order_subject bytea NOT NULL,
    parcel bytea NOT NULL,
    earning bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('asked', 'accepted', 'refused')),
    reason smallint NOT NULL,
    late boolean NOT NULL,
    asked_ms bigint NOT NULL,
    asked_by bytea NOT NULL CHECK (octet_length(asked_by) = 16),
    decided_ms bigint,
    decided_by bytea CHECK (octet_length(decided_by) = 16),
    refusal text NOT NULL DEFAULT '',
    goods_paisa bigint,
    vendor_paisa bigint,
    owed_paisa bigint
);
CREATE INDEX return_request_earning ON return_request (earning);
CREATE UNIQUE INDEX return_request_open ON return_request (earning) WHERE state = 'asked';

CREATE TABLE return_line (
    request bytea NOT NULL REFERENCES return_request (subject),
    line smallint NOT NULL,
    sku text NOT NULL,
    asked integer NOT NULL CHECK (asked BETWEEN 1 AND 65535),
    counted integer CHECK (counted BETWEEN 0 AND asked),
    unit_price_paisa bigint NOT NULL,
    PRIMARY KEY (request, line)
);
