-- Pickup points, orders paid ahead, refunds, and the codes of the counter.

-- Minutes after the delivery before an earning may mature; frozen into the terms of each parcel.
ALTER TABLE terms ADD COLUMN return_window_min integer NOT NULL DEFAULT 10080
    CHECK (return_window_min BETWEEN 0 AND 1000000);

-- A point hangs on the hub that its parcels go through. Its place is coarse on purpose: millionths of a
-- degree, as operations typed it.
ALTER TABLE site ADD COLUMN kind text NOT NULL DEFAULT 'hub' CHECK (kind IN ('hub', 'point'));
ALTER TABLE site ADD COLUMN partner boolean NOT NULL DEFAULT false;
ALTER TABLE site ADD COLUMN hub bytea REFERENCES site;
ALTER TABLE site ADD COLUMN lat_udeg integer CHECK (lat_udeg BETWEEN -90000000 AND 90000000);
ALTER TABLE site ADD COLUMN lon_udeg integer CHECK (lon_udeg BETWEEN -180000000 AND 180000000);
ALTER TABLE site ADD COLUMN district text;
ALTER TABLE site ADD COLUMN opening text NOT NULL DEFAULT '';
ALTER TABLE site ADD CHECK ((kind = 'point') = (hub IS NOT NULL AND lat_udeg IS NOT NULL AND lon_udeg IS NOT NULL));
CREATE INDEX site_district_of_point ON site (district) WHERE kind = 'point';

-- What a customer shows at the counter. The code and the token are in no op; `sealed` is the box that
-- goes to the point's devices, made after the answer, for it costs a tenth of a second of CPU.
CREATE TABLE handover_code (
    parcel bytea PRIMARY KEY CHECK (octet_length(parcel) = 17),
    point bytea NOT NULL CHECK (octet_length(point) = 17),
    code text NOT NULL,
    token bytea NOT NULL CHECK (octet_length(token) = 16),
    sealed bytea
);
CREATE INDEX handover_code_open ON handover_code (parcel) WHERE sealed IS NULL;

-- One reference of a provider pays one order, and pays back once.
CREATE TABLE payment (
    provider smallint NOT NULL,
    reference text NOT NULL,
    order_subject bytea NOT NULL UNIQUE CHECK (octet_length(order_subject) = 17),
    amount_paisa bigint NOT NULL CHECK (amount_paisa > 0),
    PRIMARY KEY (provider, reference)
);
CREATE TABLE refund (
    provider smallint NOT NULL,
    reference text NOT NULL,
    subject bytea NOT NULL CHECK (octet_length(subject) = 17),
    customer bytea NOT NULL CHECK (octet_length(customer) = 17),
    amount_paisa bigint NOT NULL CHECK (amount_paisa > 0),
    -- What is owed to the customer after it: 2050 is strict, so that a breach refuses the refund.
    owed_after_paisa bigint NOT NULL CONSTRAINT refund_owed CHECK (owed_after_paisa >= 0),
    PRIMARY KEY (provider, reference)
);

ALTER TABLE view_parcel ADD COLUMN point bytea;
ALTER TABLE view_parcel ADD COLUMN shelf text;
ALTER TABLE view_parcel ADD COLUMN step text;
ALTER TABLE view_parcel ADD COLUMN stop_requested boolean NOT NULL DEFAULT false;
ALTER TABLE view_parcel ADD COLUMN prepaid boolean NOT NULL DEFAULT false;
