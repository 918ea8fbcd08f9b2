import { expect, test } from 'vitest'
import { load, problemsOf } from '../../test/support/loading.ts'

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
