import { expect, test } from 'vitest'
import { startApi, type Told } from '../support/management-api.ts'

const row = ({ body }: Told, key: string) => body.data.find((one: { key: string }) => one.key === key)

test('a setting is changed, is in force, and goes back to its default', async () => {
  await using api = await startApi()
  const before = await api.ask('GET', '/api/settings')
  expect(row(before, 'translation')).toMatchObject({
    value: 'lenient',
    source: 'default',
    editable: true,
    effect: 'now',
  })
  const changed = await api.ask('PATCH', '/api/settings', { translation: 'strict', 'timeouts.idle_ms': 5000 })
  expect(changed.status, changed.text).toBe(200)
  expect(row(changed, 'translation')).toMatchObject({ value: 'strict', source: 'database' })
  expect(row(changed, 'timeouts.idle_ms')).toMatchObject({ value: 5000, source: 'database' })
  const back = await api.ask('PATCH', '/api/settings', { translation: null })
  expect(row(back, 'translation')).toMatchObject({ value: 'lenient', source: 'default' })
  expect(row(back, 'timeouts.idle_ms')).toMatchObject({ value: 5000 })
})

test('what stands before the database cannot be changed here, and the answer says where it is', async () => {
  await using api = await startApi({
    file: 'timeouts:\n  idle_ms: 7000\n',
    environment: { TRUNKLINE_TRANSLATION: 'strict' },
    flags: { 'log.level': 'error' },
  })
  const places = {
    'timeouts.idle_ms': 'trunkline.yaml:2',
    translation: 'TRUNKLINE_TRANSLATION',
    'log.level': '--log-level',
  }
  for (const [key, place] of Object.entries(places)) {
    const told = await api.ask('PATCH', '/api/settings', { [key]: null, 'cancel.drain_ms': 5 })
    expect([key, told.status, told.body.error.param]).toEqual([key, 409, key])
    expect(told.body.error.message).toContain(place)
  }
  expect(row(await api.ask('GET', '/api/settings'), 'cancel.drain_ms')).toMatchObject({ source: 'default' })
})

test('what is no setting, may not be edited, or has a wrong value is refused', async () => {
  await using api = await startApi()
  const cases: readonly (readonly [object, string, string])[] = [
    [{ 'timeouts.idle': 5 }, 'timeouts.idle', 'perhaps "timeouts.idle_ms"'],
    [{ 'server.port': 1 }, 'server.port', 'configuration file'],
    [{ translation: 'loose' }, 'translation', 'strict'],
    [{ 'timeouts.idle_ms': -5 }, 'timeouts.idle_ms', 'whole number'],
    [{ 'timeouts.idle_ms': { a: 1 } }, 'timeouts.idle_ms', 'whole number'],
    [{ constructor: 1 }, 'constructor', 'is no setting'],
  ]
  for (const [body, param, message] of cases) {
    const told = await api.ask('PATCH', '/api/settings', body)
    expect([body, told.status, told.body.error.param]).toEqual([body, 400, param])
    expect(told.body.error.message).toContain(message)
  }
})

test('whoever has seen older settings changes nothing', async () => {
  await using api = await startApi()
  const etag = (await api.ask('GET', '/api/settings')).headers.get('etag') as string
  const seen = { headers: { 'if-match': etag } }
  expect((await api.ask('PATCH', '/api/settings', { translation: 'strict' }, seen)).status).toBe(200)
  expect((await api.ask('PATCH', '/api/settings', { translation: 'lenient' }, seen)).status).toBe(412)
})

test('a secret among the settings is hidden', async () => {
  await using api = await startApi({ file: 'providers: { openai: { api_key: sk-CANARY-of-the-file } }' })
  const { text } = await api.ask('GET', '/api/settings')
  expect(text).toContain('providers.openai.api_key')
  expect(text).not.toContain('CANARY')
})
