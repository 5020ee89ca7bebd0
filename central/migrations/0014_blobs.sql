-- Pictures that facts name. A row is made by its fact, so that nobody sends what no fact names; the bytes come in
-- pieces behind everything else, sealed with the key of the subject.
CREATE TABLE blob (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    op bytea NOT NULL,
    subject bytea NOT NULL CHECK (octet_length(subject) = 17),
    author bytea NOT NULL,
    class_kind integer NOT NULL,
    form smallint NOT NULL,
    media smallint NOT NULL,
    bytes bigint NOT NULL,
    upto bigint NOT NULL DEFAULT 0,
    -- How often the whole was not what its name says.
    wrong smallint NOT NULL DEFAULT 0,
    whole_at timestamptz,
    first_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX blob_subject ON blob (subject);
CREATE TABLE blob_part (
    blob bytea NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
    start bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (blob, start)
);
-- Sealed bytes do not get smaller.
ALTER TABLE blob_part ALTER COLUMN bytes SET STORAGE EXTERNAL;
