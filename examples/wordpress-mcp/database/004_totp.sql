-- Two-factor login. Columns only: a rebuild of users would take the rows of its children with it on D1.

ALTER TABLE users ADD COLUMN totp_secret_encrypted text;
ALTER TABLE users ADD COLUMN totp_enabled integer NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN totp_backup_codes text;

-- verify: SELECT count(*) = 3 FROM pragma_table_info('users') WHERE name LIKE 'totp_%'

-- Rollback:
-- ALTER TABLE users DROP COLUMN totp_backup_codes;
-- ALTER TABLE users DROP COLUMN totp_enabled;
-- ALTER TABLE users DROP COLUMN totp_secret_encrypted;
