-- 002_mcp_tables: the registry of MCP services, the users' instances of them and their credentials
-- Created: 2026-11-03
-- Author: the migration-manager authors

-- The services that can be started. created_by is empty for those that came with the product.
CREATE TABLE IF NOT EXISTS mcp_table (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name            text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]*$'),
  display_name    text NOT NULL,
  description     text,
  credential_kind text NOT NULL DEFAULT 'api_key' CHECK (credential_kind IN ('none', 'api_key', 'oauth')),
  port            integer UNIQUE CHECK (port BETWEEN 1024 AND 65535),
  is_active       boolean NOT NULL DEFAULT true,
  created_by      uuid REFERENCES users (id) ON DELETE SET NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS mcp_table_created_by_idx ON mcp_table (created_by);

CREATE OR REPLACE TRIGGER mcp_table_set_updated_at
  BEFORE UPDATE ON mcp_table
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

INSERT INTO mcp_table (name, display_name, credential_kind, port)
VALUES
  ('github', 'GitHub', 'oauth', 49101),
  ('notion', 'Notion', 'api_key', 49102),
  ('slack', 'Slack', 'oauth', 49103)
ON CONFLICT (name) DO NOTHING;

-- A service as one user set it up; the same service may be set up several times.
CREATE TABLE IF NOT EXISTS mcp_service_table (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  mcp_id       uuid NOT NULL REFERENCES mcp_table (id) ON DELETE CASCADE,
  custom_name  text NOT NULL CHECK (custom_name <> ''),
  status       text NOT NULL DEFAULT 'inactive' CHECK (status IN ('active', 'inactive', 'expired')),
  usage_count  bigint NOT NULL DEFAULT 0 CHECK (usage_count >= 0),
  last_used_at timestamptz,
  expires_at   timestamptz,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, custom_name)
);

CREATE INDEX IF NOT EXISTS mcp_service_table_mcp_id_idx ON mcp_service_table (mcp_id);
CREATE INDEX IF NOT EXISTS mcp_service_table_user_id_status_idx ON mcp_service_table (user_id, status);
CREATE INDEX IF NOT EXISTS mcp_service_table_expires_at_idx
  ON mcp_service_table (expires_at) WHERE status = 'active';

CREATE OR REPLACE TRIGGER mcp_service_table_set_updated_at
  BEFORE UPDATE ON mcp_service_table
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- Encrypted by the application; one set of credentials an instance.
CREATE TABLE IF NOT EXISTS mcp_credentials (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id          uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  instance_id      uuid NOT NULL UNIQUE REFERENCES mcp_service_table (id) ON DELETE CASCADE,
  ciphertext       bytea NOT NULL CHECK (octet_length(ciphertext) > 0),
  iv               bytea NOT NULL CHECK (octet_length(iv) BETWEEN 12 AND 16),
  key_id           text NOT NULL CHECK (key_id <> ''),
  token_expires_at timestamptz,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS mcp_credentials_user_id_idx ON mcp_credentials (user_id);
CREATE INDEX IF NOT EXISTS mcp_credentials_token_expires_at_idx
  ON mcp_credentials (token_expires_at) WHERE token_expires_at IS NOT NULL;

CREATE OR REPLACE TRIGGER mcp_credentials_set_updated_at
  BEFORE UPDATE ON mcp_credentials
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- verify: SELECT count(*) = 3 FROM public.mcp_table WHERE name IN ('github', 'notion', 'slack')

-- Rollback:
-- DROP TABLE IF EXISTS mcp_credentials;
-- DROP TABLE IF EXISTS mcp_service_table;
-- DROP TABLE IF EXISTS mcp_table;
