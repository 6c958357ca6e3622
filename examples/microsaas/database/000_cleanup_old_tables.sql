-- 000_cleanup_old_tables: makes room on databases that ran the service before it had migrations
-- Created: 2026-11-01
-- Author: the migration-manager authors

-- On a new database this does nothing. The rows of a dropped table are gone for good, so there is nothing that could
-- bring the schema back as it was, and no rollback is given. Take a backup first.

-- All in one statement, so that they may reference each other; without CASCADE, so that a view or a table nobody
-- thought of stops the drop instead of going with it.
DROP TABLE IF EXISTS
  otp_codes,
  refresh_tokens,
  password_resets,
  email_verifications,
  credits,
  payments,
  subscriptions,
  mcp_api_keys,
  mcp_instances,
  mcp_services;

DROP FUNCTION IF EXISTS touch_updated_at();

-- The first version of the service had users with serial keys. Accounts are nobody's leftovers, so they are not dropped
-- here; but CREATE TABLE IF NOT EXISTS in the next file would silently keep that table.
DO $$
BEGIN
  IF EXISTS (
    SELECT FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = 'users' AND column_name = 'id' AND data_type <> 'uuid'
  ) THEN
    RAISE EXCEPTION 'the table public.users is of the old version: its key is not a uuid'
      USING HINT = 'Move it out of the way: CREATE SCHEMA legacy; ALTER TABLE public.users SET SCHEMA legacy;';
  END IF;
END;
$$;
