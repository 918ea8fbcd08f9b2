import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/support/data-folder.ts'
import { closeToOthers, preparePrivateSockets, privateSockets } from './private-sockets.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test('in a data folder that others may look into they are in a folder that others may not', () => {
  using folder = temporaryFolder()
  chmodSync(folder.path, 0o755)
  const sockets = privateSockets(folder.path)
  expect(sockets).toEqual({
    commands: join(folder.path, 'run', 'control.sock'),
    api: join(folder.path, 'run', 'api.sock'),
  })
  preparePrivateSockets(sockets)
  writeFileSync(sockets.api, '')
  closeToOthers(sockets.api)
  expect([modeOf(dirname(sockets.commands)), modeOf(sockets.api)]).toEqual(['700', '600'])
})

test('what an ended process left behind goes', () => {
  using folder = temporaryFolder()
  const sockets = privateSockets(folder.path)
  preparePrivateSockets(sockets)
  writeFileSync(sockets.commands, '')
  preparePrivateSockets(sockets)
  expect(statSync(sockets.commands, { throwIfNoEntry: false })).toBeUndefined()
})

test('a folder that is there already must be closed to others', () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'run'))
  chmodSync(join(folder.path, 'run'), 0o755)
  expect(() => preparePrivateSockets(privateSockets(folder.path))).toThrow(
    `The folder ${folder.path}/run must belong to this user alone (mode 0700).`,
  )
})

test('where the path is too long for a socket it is in the folder for temporary files', () => {
  using folder = temporaryFolder()
  const sockets = privateSockets(join(folder.path, 'long'.repeat(30)))
  preparePrivateSockets(sockets)
  expect(dirname(dirname(sockets.commands))).toBe(tmpdir())
  expect(modeOf(dirname(sockets.commands))).toBe('700')
  rmSync(dirname(sockets.commands), { recursive: true })
})
