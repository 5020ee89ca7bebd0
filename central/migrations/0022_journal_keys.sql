-- A journal's id is made of its key and its revision, and is unique itself: a second index of the same two was written
-- with every journal, and nothing asked it.
ALTER TABLE journal_log DROP CONSTRAINT journal_log_key_rev_key;
