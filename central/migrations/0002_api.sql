-- What the HTTP API keeps for itself: who may call it, who may enrol, what is on offer, what was asked.
-- Moments by the wall clock are timestamptz; milliseconds of business time are bigint.

CREATE TABLE token (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    id bytea NOT NULL UNIQUE CHECK (octet_length(id) = 16),
    role text NOT NULL CHECK (role IN ('customer', 'operations', 'finance', 'vendor')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE site (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 17),
    name text NOT NULL UNIQUE
);
-- A district has one courier hub; '*' is every district that nobody else has.
CREATE TABLE site_district (
    district text PRIMARY KEY,
    site bytea NOT NULL REFERENCES site
);

CREATE TABLE vendor (
    slug text PRIMARY KEY,
    subject bytea NOT NULL UNIQUE CHECK (octet_length(subject) = 17),
    name text NOT NULL
);

CREATE TABLE offer (
    vendor text NOT NULL REFERENCES vendor,
    sku text NOT NULL,
    name_en text NOT NULL,
    name_bn text NOT NULL,
    unit text NOT NULL,
    unit_price_paisa bigint NOT NULL CHECK (unit_price_paisa > 0),
    PRIMARY KEY (vendor, sku)
);

-- The terms of trade by date; amounts are frozen into facts when an order is placed.
CREATE TABLE terms (
    effective_from timestamptz PRIMARY KEY,
    delivery_paisa bigint NOT NULL CHECK (delivery_paisa BETWEEN 0 AND 100000000000000),
    vat_bp integer NOT NULL CHECK (vat_bp BETWEEN 0 AND 10000),
    commission_bp integer NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
    cod_bp integer NOT NULL CHECK (cod_bp BETWEEN 0 AND 10000),
    rto_paisa bigint NOT NULL CHECK (rto_paisa BETWEEN 0 AND 100000000000000)
);
INSERT INTO terms (effective_from, delivery_paisa, vat_bp, commission_bp, cod_bp, rto_paisa)
    VALUES ('1970-01-01T00:00:00Z', 6000, 1500, 1000, 100, 5000);

-- Single use; the code itself is never stored.
CREATE TABLE enrol_code (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    role text NOT NULL CHECK (role IN ('site', 'agent', 'vendor', 'hub')),
    party bytea NOT NULL CHECK (octet_length(party) = 17),
    person bytea NOT NULL CHECK (octet_length(person) = 16),
    site bytea CHECK (octet_length(site) = 17),
    name text NOT NULL,
    cash_ceiling_paisa bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    author bytea
);

-- Who a seat was issued to, as operations named it.
CREATE TABLE enrolled (
    author bytea PRIMARY KEY CHECK (octet_length(author) = 8),
    name text NOT NULL,
    site bytea
);

-- One answer for one key of one caller; and whose an order is.
CREATE TABLE order_request (
    token bytea NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    order_subject bytea NOT NULL UNIQUE CHECK (octet_length(order_subject) = 17),
    reference text,
    answer text NOT NULL,
    placed_at_ms bigint NOT NULL,
    PRIMARY KEY (token, key)
);
