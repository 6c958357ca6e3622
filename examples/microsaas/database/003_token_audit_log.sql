-- 003_token_audit_log: what was done with the tokens of an instance
-- Created: 2026-11-06
-- Author: the migration-manager authors

CREATE TABLE IF NOT EXISTS token_audit_log (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- What happened is still of interest after the instance is gone.
  instance_id   uuid REFERENCES mcp_service_table (id) ON DELETE SET NULL,
  operation     text NOT NULL CHECK (operation IN ('create', 'read', 'refresh', 'validate', 'revoke', 'delete')),
  status        text NOT NULL CHECK (status IN ('success', 'failure')),
  error_code    text,
  error_message text,
  ip_address    inet,
  metadata      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  created_at    timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT token_audit_log_failure_has_code CHECK (status = 'success' OR error_code IS NOT NULL)
);

CREATE INDEX IF NOT EXISTS token_audit_log_user_id_idx ON token_audit_log (user_id, created_at DESC);
CREATE INDEX IF NOT EXISTS token_audit_log_instance_id_idx ON token_audit_log (instance_id, created_at DESC);
CREATE INDEX IF NOT EXISTS token_audit_log_failures_idx ON token_audit_log (created_at DESC) WHERE status = 'failure';

-- verify: SELECT to_regclass('public.token_audit_log') IS NOT NULL

-- Rollback:
-- DROP TABLE IF EXISTS token_audit_log;
