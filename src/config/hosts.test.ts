import { expect, test } from 'vitest'
import { load, problemsOf } from '../../test/support/loading.ts'
import { isLoopback } from './hosts.ts'

test.each(['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST'])(
  'only this machine reaches %s',
  (host) => {
    expect(isLoopback(host)).toBe(true)
  },
)

test.each([
  '0.0.0.0',
  '::',
  '192.168.0.1',
  '::ffff:10.0.0.1',
  'box.lan',
  '127.0.0.1.example.com',
  'localhost.evil',
  '',
])('others may reach %s', (host) => {
  expect(isLoopback(host)).toBe(false)
})

test('names by which clients may call are names, and small', () => {
  const yaml = 'server: { allowed_hosts: [Models.Example.com, box, 10.0.0.7] }'
  expect(load({ yaml }).server.allowedHosts).toEqual(['models.example.com', 'box', '10.0.0.7'])
})

test.each(['https://a.example', 'a.example:80', '*.example', 'a b', '', 'a/b', 'me@a.example', 'a..b'])(
  'a name with more than a name is refused: %j',
  (name) => {
    expect(problemsOf({ yaml: `server: { allowed_hosts: [${JSON.stringify(name)}] }` })).toEqual([
      `FILE:1:11: server.allowed_hosts must be a list of host names, each without scheme and port, not ${JSON.stringify(name)}.`,
    ])
  },
)
