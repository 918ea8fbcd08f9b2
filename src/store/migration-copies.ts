import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { copyDatabase } from './copies.ts'

/** How many are kept: one for each of the last changes of form. */
const mostCopies = 5

const copyName = /^config-.+-(\d{8}T\d{9}Z)\.db$/

/** What a start left that ended while it copied. */
const isLeft = (name: string): boolean => /^config-.+-\d{8}T\d{9}Z\.db\.partial$/.test(name)

/** Copies `config.db` as it was after one of its migrations, and forgets the oldest such copies. */
export async function copyBeforeMigration(
  database: DatabaseSync,
  folder: string,
  from: string,
  nowMs = Date.now(),
): Promise<void> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    const copy = await copyDatabase(database, join(folder, `config-${from}-${stampOf(nowMs)}.db`))
    copy.keep()
  } catch (cause) {
    throw new Error(
      `No backup of it could be made in ${folder}, so its form was not changed: ${(cause as Error).message}`,
      { cause },
    )
  }
  const names = readdirSync(folder)
  for (const name of [...oldest(names), ...names.filter(isLeft)]) rmSync(join(folder, name), { force: true })
}

/** A time that may stand in the name of a file, and sorts. */
export const stampOf = (ms: number): string => new Date(ms).toISOString().replaceAll(/[-:.]/g, '')

const oldest = (names: readonly string[]): string[] =>
  names
    .flatMap((name) => {
      const time = copyName.exec(name)?.[1]
      return time === undefined ? [] : [{ name, time }]
    })
    .toSorted((a, b) => (a.time < b.time ? 1 : -1))
    .slice(mostCopies)
    .map(({ name }) => name)
