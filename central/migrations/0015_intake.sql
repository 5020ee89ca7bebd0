-- What the intake writes with every op. Nothing finds ops by their burst; ops of an author are found through his bursts.
DROP INDEX op_digest;
DROP INDEX op_author;
-- Postings are written with their journals, in one statement each of one transaction, and never again; the hash chain
-- holds both, and `central verify-log` names a posting without a journal. The database looked at every one, and wrote
-- to the journal to do so.
ALTER TABLE posting DROP CONSTRAINT posting_journal_fkey;
