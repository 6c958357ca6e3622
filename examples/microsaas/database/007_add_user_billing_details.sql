-- 007_add_user_billing_details: the address on a user's invoices
-- Created: 2026-11-18
-- Author: the migration-manager authors

CREATE TABLE IF NOT EXISTS user_billing_details (
  user_id       uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  name          text NOT NULL CHECK (name <> ''),
  company       text,
  tax_id        text,
  address_line1 text NOT NULL CHECK (address_line1 <> ''),
  address_line2 text,
  city          text NOT NULL CHECK (city <> ''),
  region        text,
  postal_code   text NOT NULL CHECK (postal_code <> ''),
  -- ISO 3166-1 alpha-2.
  country       text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);

CREATE OR REPLACE TRIGGER user_billing_details_set_updated_at
  BEFORE UPDATE ON user_billing_details
  FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- verify: SELECT to_regclass('public.user_billing_details') IS NOT NULL

-- Rollback:
-- DROP TABLE IF EXISTS user_billing_details;
