import { expect, test } from 'vitest'
import { inWords, troubleOf } from './trouble.ts'

const failure = (message: string, numbers: object): Error => Object.assign(new Error(message), numbers)

test.each([
  ['database is locked', { errcode: 5 }, 'locked'],
  ['attempt to write a readonly database', { errcode: 1032 }, 'readOnly'],
  ['disk I/O error', { errcode: 4874 }, 'failing'],
  ['database disk image is malformed', { errcode: 779 }, 'damaged'],
  ['database or disk is full', { errcode: 13 }, 'full'],
  ['unable to open database file', { errcode: 14 }, 'unopened'],
  ['file is not a database', { errcode: 26 }, 'damaged'],
  ['ENOSPC: no space left on device, open', { code: 'ENOSPC' }, 'full'],
  ['EROFS: read-only file system, mkdir', { code: 'EROFS' }, 'readOnly'],
  ['no such table: spans', { errcode: 1, code: 'ERR_SQLITE_ERROR' }, 'other'],
])('%s', (message, numbers, trouble) => {
  expect(troubleOf(failure(message, numbers))).toBe(trouble)
})

test('a sentence names the file, what is wrong and what to do', () => {
  expect(inWords('/data/traces.db', 'written', failure('disk I/O error', { errcode: 778 }))).toBe(
    '/data/traces.db cannot be written: the disk reports an error (disk I/O error). Check the disk and whether it is still mounted.',
  )
  expect(inWords('/data/traces.db', 'read', failure('no such table: spans', { errcode: 1 }))).toBe(
    '/data/traces.db cannot be read: no such table: spans.',
  )
})
