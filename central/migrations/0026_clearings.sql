-- What a payment is for: an order that is paid ahead, or a parcel that is paid at the door (J24).
ALTER TABLE payment RENAME COLUMN order_subject TO paid_for;

-- Contests that one person cleared and that need a second one.
CREATE TABLE clearing (
    subject bytea NOT NULL CHECK (octet_length(subject) = 17),
    op bytea NOT NULL CHECK (octet_length(op) = 32),
    code text NOT NULL,
    reason text NOT NULL,
    maker bytea NOT NULL CHECK (octet_length(maker) = 16),
    -- The last record of the subject that he can have seen.
    seen_position bigint NOT NULL,
    proposed_at_ms bigint NOT NULL,
    PRIMARY KEY (subject, op, code)
);
