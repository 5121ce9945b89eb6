import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // Tests share no module state (no module mocks, no module-level state), so one process may run many files: 0.7 s instead of 11 s for 60 files.
    isolate: false,
  },
})
