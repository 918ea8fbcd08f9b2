/**
 * Every recording against every property of translation. The table of all of them is printed at the end and written whole
 * to `.test-results/matrix.tsv`; what does not hold is either in `matrix/accepted.ts` with its reason, or a failure here.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { index, noRecordings, recordingsFolder } from '../support/recordings.ts'
import { chatOf } from './matrix/formats.ts'
import { properties } from './matrix/properties.ts'
import { Table } from './matrix/table.ts'
import { judged, notApplicable } from './matrix/verdict.ts'

const here = recordingsFolder() !== undefined
const rows = here ? index() : []
const table = new Table()

if (!here) test.skip(`translation of the recordings: ${noRecordings}`, () => undefined)

describe.skipIf(!here)('translation of the recordings', () => {
  for (const { name, says, judge } of properties) {
    test(`${name}: ${says}`, { timeout: 60_000 }, () => {
      for (const { id } of rows) {
        const chat = chatOf(id)
        table.put(name, id, typeof chat === 'string' ? notApplicable(chat) : judged(() => judge(chat)))
      }
      expect(table.failures(name)).toEqual([])
    })
  }

  test('every accepted difference still occurs', () => {
    expect(table.stale()).toEqual([])
  })
})

afterAll(() => {
  if (!here) return
  mkdirSync('.test-results', { recursive: true })
  writeFileSync('.test-results/matrix.tsv', `${table.full(rows)}\n`)
  console.log(table.printed(rows))
})
