import { mkdirSync, writeFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'

const results = '.test-results'

/** Vitest's own reports leave out why a test was skipped, and a skipped test without a reason is one that nobody misses. */
const skipped: Reporter = {
  onTestRunEnd(modules) {
    const lines = modules
      .flatMap((module) => [...module.children.allTests('skipped')])
      .map((test) => {
        const result = test.result()
        return `${test.fullName}: ${(result.state === 'skipped' && result.note) || 'no reason given'}`
      })
    mkdirSync(results, { recursive: true })
    writeFileSync(`${results}/skipped.txt`, lines.map((line) => `${line}\n`).join(''))
  },
}

const reporters = process.env.CI
  ? ['default', ['json', { outputFile: `${results}/vitest.json` }], skipped]
  : ['default']

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'threads',
    isolate: false,
    testTimeout: 20_000,
    reporters: reporters as Reporter[],
  },
})
