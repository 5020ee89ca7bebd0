-- How far the log has been looked through for changes of products. An offer is what its product's
-- document says; setting the position to 0 does the work again, with the same outcome.
CREATE TABLE document_cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
);
INSERT INTO document_cursor (position) VALUES (0);
