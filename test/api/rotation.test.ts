import { expect, test } from 'vitest'
import { startApi } from '../support/management-api.ts'

test('credentials are put under a new master key, and go on to be used', async () => {
  await using api = await startApi()
  const made = await api.ask('POST', '/api/projects/default/credentials', {
    provider: 'groq',
    kind: 'api_key',
    fields: { api_key: 'sk-0123456789abcdef' },
  })
  expect(made.status, made.text).toBe(201)
  const first = await api.ask('POST', '/api/credentials/rotate')
  const second = await api.ask('POST', '/api/credentials/rotate')
  expect([first.status, first.body.credentials, second.body.credentials]).toEqual([200, 1, 1])
  expect(second.body.key_id).not.toBe(first.body.key_id)
  const [project] = (await api.stores.state()).projects
  expect(project?.credentials.map(({ credential }) => credential.fields)).toEqual([{ api_key: 'sk-0123456789abcdef' }])
  expect(api.stores.problems()).toEqual([])
})
