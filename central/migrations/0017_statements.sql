-- Statements of banks as they were imported, and what became of each line.

CREATE TABLE statement (
    -- BLAKE3 of the account and the file.
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    bank bytea NOT NULL CHECK (octet_length(bank) = 17),
    side smallint NOT NULL CHECK (side IN (1, 2)),
    format text NOT NULL,
    account text NOT NULL,
    number text NOT NULL,
    first_day date,
    last_day date,
    opening_paisa bigint,
    closing_paisa bigint,
    lines bigint NOT NULL,
    imported_by bytea NOT NULL CHECK (octet_length(imported_by) = 16),
    imported_at_ms bigint NOT NULL
);
CREATE INDEX statement_imported ON statement (imported_at_ms, id);

-- The names in it are of people and companies: finance reads them, no log and no metric does.
CREATE TABLE statement_line (
    -- Derived from the account and the line, so that a line of two statements that overlap is one.
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 17),
    statement bytea NOT NULL REFERENCES statement (id),
    bank bytea NOT NULL,
    side smallint NOT NULL,
    at bigint NOT NULL,
    day date NOT NULL,
    amount_paisa bigint NOT NULL,
    reference text NOT NULL,
    ids text[] NOT NULL,
    counterparty text NOT NULL,
    narration text NOT NULL,
    reversal boolean NOT NULL,
    -- matched: it is what these things say. booked: it stands on suspense (J29) or as a charge (J13c).
    -- open: money left, and nobody here says why.
    state text NOT NULL CHECK (state IN ('matched', 'booked', 'open')),
    -- How it was matched, or the type of the exception.
    why text NOT NULL,
    things bytea[] NOT NULL
);
CREATE INDEX statement_line_open ON statement_line (bank, day) WHERE state <> 'matched';
CREATE INDEX statement_line_statement ON statement_line (statement, at);
CREATE INDEX statement_line_things ON statement_line USING gin (things);
