-- 004_add_optimistic_locking: version columns, so that two workers cannot overwrite each other unseen
-- Created: 2026-11-08
-- Author: the migration-manager authors

-- A writer says which version it read: UPDATE … WHERE id = $1 AND version = $2. No row means that it was too late.
-- The trigger counts, so no writer can forget to.
CREATE OR REPLACE FUNCTION increment_version() RETURNS trigger
LANGUAGE plpgsql
SET search_path = ''
AS $$
BEGIN
  NEW.version := OLD.version + 1;
  RETURN NEW;
END;
$$;

ALTER TABLE mcp_service_table ADD COLUMN IF NOT EXISTS version integer NOT NULL DEFAULT 1;
ALTER TABLE mcp_credentials ADD COLUMN IF NOT EXISTS version integer NOT NULL DEFAULT 1;
ALTER TABLE account_credits ADD COLUMN IF NOT EXISTS version integer NOT NULL DEFAULT 1;

CREATE OR REPLACE TRIGGER mcp_service_table_increment_version
  BEFORE UPDATE ON mcp_service_table
  FOR EACH ROW EXECUTE FUNCTION increment_version();

CREATE OR REPLACE TRIGGER mcp_credentials_increment_version
  BEFORE UPDATE ON mcp_credentials
  FOR EACH ROW EXECUTE FUNCTION increment_version();

CREATE OR REPLACE TRIGGER account_credits_increment_version
  BEFORE UPDATE ON account_credits
  FOR EACH ROW EXECUTE FUNCTION increment_version();

-- verify: SELECT count(*) = 3 FROM pg_trigger WHERE tgfoid = to_regprocedure('public.increment_version()') AND tgenabled = 'O'

-- Rollback:
-- DROP TRIGGER IF EXISTS account_credits_increment_version ON account_credits;
-- DROP TRIGGER IF EXISTS mcp_credentials_increment_version ON mcp_credentials;
-- DROP TRIGGER IF EXISTS mcp_service_table_increment_version ON mcp_service_table;
-- ALTER TABLE account_credits DROP COLUMN IF EXISTS version;
-- ALTER TABLE mcp_credentials DROP COLUMN IF EXISTS version;
-- ALTER TABLE mcp_service_table DROP COLUMN IF EXISTS version;
-- DROP FUNCTION IF EXISTS increment_version();
