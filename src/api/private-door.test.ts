import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/support/data-folder.ts'
import { openPrivateDoor } from './private-door.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

async function askAt(socketPath: string, question: object): Promise<unknown> {
  const response = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    request({ socketPath, method: 'POST' }).on('response', resolve).on('error', reject).end(JSON.stringify(question))
  })
  return JSON.parse(await text(response))
}

test('in a data folder that others may look into it is behind a folder that they may not', async () => {
  using folder = temporaryFolder()
  chmodSync(folder.path, 0o755)
  const door = await openPrivateDoor(folder.path, async (name, detail) => ({ name, detail }))
  expect(door.path).toBe(join(folder.path, 'run', 'control.sock'))
  expect([modeOf(dirname(door.path)), modeOf(door.path)]).toEqual(['700', '600'])
  const question = { name: 'listTraces', detail: { limit: 1 } }
  expect(await askAt(door.path, question)).toEqual({ answer: question })
  await door.close()
})

test('a folder that is there already must be closed to others', async () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'run'))
  chmodSync(join(folder.path, 'run'), 0o755)
  await expect(openPrivateDoor(folder.path, async () => undefined)).rejects.toThrow(
    `The folder ${folder.path}/run must belong to this user alone (mode 0700).`,
  )
})

test('where the path is too long for a socket it is in the folder for temporary files', async () => {
  using folder = temporaryFolder()
  const door = await openPrivateDoor(join(folder.path, 'long'.repeat(30)), async () => 'here')
  expect(dirname(dirname(door.path))).toBe(tmpdir())
  expect(modeOf(dirname(door.path))).toBe('700')
  expect(await askAt(door.path, { name: 'any' })).toEqual({ answer: 'here' })
  await door.close()
  rmSync(dirname(door.path), { recursive: true })
})
