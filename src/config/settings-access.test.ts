import { expect, test } from 'vitest'
import { loadAll } from '../../test/support/loading.ts'
import { rows } from './settings.ts'
import { checkStored, settingViews } from './settings-access.ts'

const yaml = `
timeouts: { idle_ms: 5 }
providers:
  groq: { api_key: sk-secret, headers: { x-a: sk-secret }, base_url: "https://h/v1?key=sk-secret" }
  vertex: { credential: { kind: google_service_account, key_json: '{"private_key":"sk-secret"}' } }
`

test('whoever sees the settings sees no secret', () => {
  const views = settingViews(loadAll({ yaml }))
  expect(JSON.stringify(views)).not.toContain('sk-secret')
  expect(views.find(({ key }) => key === 'providers.groq.api_key')).toMatchObject({ value: '(hidden)', source: 'file' })
})

test('a setting says where it comes from, and whether it can be edited', () => {
  const views = settingViews(loadAll({ yaml, stored: { translation: 'strict' } }))
  const viewOf = (key: string) => views.find((view) => view.key === key)
  expect(viewOf('timeouts.idle_ms')).toEqual({
    key: 'timeouts.idle_ms',
    value: 5,
    help: 'how long the provider may be silent within its answer',
    source: 'file',
    place: expect.stringMatching(/trunkline\.yaml:2:13$/),
    editable: true,
    effect: 'now',
  })
  expect(viewOf('translation')).toMatchObject({ value: 'strict', source: 'database', editable: true })
  expect(viewOf('server.port')).toMatchObject({ source: 'default', editable: false, effect: 'restart' })
  expect(viewOf('providers.xai.api_key')).toBeUndefined()
  expect(settingViews(loadAll({}), true).map(({ key }) => key)).toContain('providers.xai.api_key')
})

test('what is stored is checked first', () => {
  expect(checkStored('timeouts.idle_ms', 7)).toBe(7)
  expect(checkStored('translation', 'strict')).toBe('strict')
  expect(() => checkStored('timeouts.idle_ms', 0)).toThrow(
    'timeouts.idle_ms must be a whole number from 1 to 86400000, not 0.',
  )
  expect(() => checkStored('translation', { a: 1 })).toThrow('translation must be lenient, strict, not {"a":1}.')
  expect(() => checkStored('server.port', 1)).toThrow('server.port can be set by a flag, a variable or the file only.')
  expect(() => checkStored('__proto__', 1)).toThrow('There is no setting __proto__.')
})

test('nothing that is secret, or fixed at the start, can be stored', () => {
  const wrong = rows.filter(({ setting: { editable, secret, effect } }) => editable && (secret || effect === 'restart'))
  expect(wrong).toEqual([])
  expect(rows.filter(({ key, setting }) => setting.editable && key.startsWith('providers.'))).toEqual([])
})
