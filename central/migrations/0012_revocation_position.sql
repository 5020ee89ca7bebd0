-- Whether a stretch of the log revokes somebody is asked at every move of it.
CREATE INDEX revocation_position ON revocation (position);
