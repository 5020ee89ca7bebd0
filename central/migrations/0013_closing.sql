-- Central's own hours, by which closing and revocation are told without anybody's clock: `number` grows by one an
-- hour of business time, `position` is where the log stood then.
CREATE TABLE beacon (
    number bigint PRIMARY KEY CHECK (number > 0),
    position bigint NOT NULL,
    at_ms bigint NOT NULL
);
-- What is open, oldest first: closing looks at nothing else.
CREATE INDEX member_open ON member (position) WHERE put_gen > close_gen;
-- Where the log stood when a set last changed: a device that was told up to there is owed nothing of it.
ALTER TABLE root ADD COLUMN moved bigint NOT NULL DEFAULT 0;
UPDATE root SET moved = (SELECT position FROM log_head);
