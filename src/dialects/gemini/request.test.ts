import { expect, test } from 'vitest'
import type { GatewayError } from '../../core/error.ts'
import { gemini } from './gemini.ts'
import { signatureOf } from './seals.ts'

const limits = { jsonDepth: 100, jsonValues: 10_000 }
const asked = { model: 'gemini-2.5-flash', stream: true }
const read = (body: object, from = asked) =>
  gemini.readRequest(Buffer.from(JSON.stringify(body)), { ...limits, asked: from }, () => undefined)

const refusal = (run: () => unknown): GatewayError => {
  try {
    run()
  } catch (thrown) {
    return thrown as GatewayError
  }
  throw new Error('Nothing was refused.')
}

test('the address says the model and whether to stream', () => {
  let heard = ''
  const body = Buffer.from(JSON.stringify({ contents: [{ parts: [{ text: 'Hi' }] }] }))
  const facts = gemini.readRequest(body, { ...limits, asked }, (model) => {
    heard = model
  })
  expect(facts).toMatchObject({ ...asked, asksUsage: true })
  expect(heard).toBe(asked.model)
})

test('what a client should mend is refused with its place', () => {
  expect(refusal(() => read({}))).toMatchObject({ code: 'bad_request', details: { param: 'contents' } })
  expect(refusal(() => read({ contents: 'Hi' }))).toMatchObject({ details: { param: 'contents' } })
  expect(refusal(() => read({ contents: [], mcp_servers: [] }))).toMatchObject({ code: 'unsupported_field' })
  expect(refusal(() => read({ contents: [] }, { model: '', stream: false }))).toMatchObject({
    details: { param: 'model' },
  })
  const decode = (contents: unknown) => refusal(() => gemini.decodeRequest({ contents }, asked)).details.param
  expect(decode('Hi')).toBe('contents')
  expect(decode([1])).toBe('contents[0]')
  expect(decode([{ parts: 'x' }])).toBe('contents[0].parts')
  expect(decode([{ parts: [{ text: 'x' }, 'y'] }])).toBe('contents[0].parts[1]')
})

test("the client's bytes go up as they came, but for thoughts that another provider sealed", () => {
  const edit = (body: Buffer) =>
    gemini.editRequest(body, read(JSON.parse(body.toString())), { model: 'x', addUsage: true })
  const plain = Buffer.from('{ "contents": [ {"parts":[{"text":"Hi","thoughtSignature":"QUJD"}]} ] }')
  expect(edit(plain)).toBe(plain)

  const thoughtSignature = signatureOf({ by: 'anthropic', value: 'sealed' })
  const model = { role: 'model', parts: [{ text: '', thought: true, thoughtSignature }, { text: 'Ho' }] }
  const carried = Buffer.from(JSON.stringify({ contents: [{ parts: [{ text: 'Hi' }] }, model] }))
  expect(JSON.parse(edit(carried).toString())).toEqual({
    contents: [{ parts: [{ text: 'Hi' }] }, { role: 'model', parts: [{ text: 'Ho' }] }],
  })
})
