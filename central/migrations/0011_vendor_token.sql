-- A token of a vendor speaks for one vendor; and what that vendor reads is found by its id.

ALTER TABLE token ADD COLUMN vendor bytea REFERENCES vendor (subject);
ALTER TABLE token ADD CONSTRAINT token_vendor CHECK (vendor IS NULL OR role = 'vendor');
CREATE INDEX view_parcel_vendor ON view_parcel (vendor, subject);
