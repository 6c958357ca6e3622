import { defineConfig } from 'vitest/config'

/** Four rings, from instant to slow: unit (no I/O), contract (every driver), postgres (a real server), e2e (the built CLI). */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'server',
          include: ['test/contract/**/*.test.ts', 'test/postgres/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/server.setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Hours, if all of it is asked for; each case has its own deadline.
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/support/server.setup.ts', 'test/faults/build.setup.ts'],
          testTimeout: 4 * 3_600_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
