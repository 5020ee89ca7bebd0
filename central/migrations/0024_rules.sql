-- The version of the fold (`protocol::fold::RULES`) by which the books were folded last as a whole: of a program with
-- another one, `central restate` brings them up to it. Until now nothing kept it; it was 3.
ALTER TABLE log_head ADD COLUMN rules integer NOT NULL DEFAULT 3;
