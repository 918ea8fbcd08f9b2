import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../core/error.ts'
import type { RequestContext, RequestEdits, RequestFacts } from '../dialect.ts'
import { editRequest, readRequest } from './request.ts'

const limits: RequestContext = { jsonDepth: 8, jsonValues: 50 }
const read = (text: string, heard: string[] = []): RequestFacts =>
  readRequest(Buffer.from(text), limits, (model) => heard.push(model))

function edited(text: string, edits: Partial<RequestEdits>): string {
  const body = Buffer.from(text)
  const facts = read(text)
  return editRequest(body, facts, { model: facts.model, addUsage: false, ...edits }).toString()
}

function refused(text: string | Buffer, heard: string[] = []): GatewayError {
  try {
    readRequest(Buffer.from(text), limits, (model) => heard.push(model))
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown
    throw thrown
  }
  throw new Error(`Nobody refused ${text}.`)
}

const plain = '{"model":"m","messages":[],"stream":true}'

describe('what is read', () => {
  test.each<[body: string, facts: Partial<RequestFacts>]>([
    ['{"model":"m","messages":[]}', { model: 'm', stream: false, asksUsage: false }],
    [plain, { stream: true }],
    ['{"model":"m","messages":[],"stream":null}', { stream: false }],
    ['{"model":"m","messages":[{}],"stream_options":{"include_usage":true}}', { asksUsage: true }],
    ['{"model":"m","messages":[],"stream_options":{"include_usage":false}}', { asksUsage: false }],
    ['{"model":"m","messages":[],"stream_options":null}', { asksUsage: false }],
    [String.raw`{"mod\u0065l":"\u006d/ü","messages":[]}`, { model: 'm/ü' }],
    [' \r\n\t{ "messages" : [ ] , "model" : "m" } \n', { model: 'm' }],
  ])('%s', (body, facts) => {
    expect(read(body)).toMatchObject(facts)
  })
})

describe('what is refused', () => {
  test.each<[body: string, param: string, message: RegExp]>([
    ['{"messages":[]}', 'model', /missing/],
    ['{"model":7,"messages":[]}', 'model', /must be a string, not a number/],
    ['{"model":null,"messages":[]}', 'model', /not null/],
    ['{"model":" ","messages":[]}', 'model', /is empty/],
    ['{"model":"m"}', 'messages', /missing/],
    ['{"model":"m","messages":{}}', 'messages', /must be a list, not an object/],
    ['{"model":"m","messages":"Hi"}', 'messages', /not a string/],
    ['{"model":"m","messages":[{},"Hi"]}', 'messages[1]', /must be an object/],
    ['{"model":"m","messages":[[]]}', 'messages[0]', /not a list/],
    ['{"model":"m","messages":[null]}', 'messages[0]', /not null/],
    ['{"model":"m","messages":[],"stream":"yes"}', 'stream', /true or false, not a string/],
    ['{"model":"m","messages":[],"stream_options":true}', 'stream_options', /must be an object, not a boolean/],
    ['{"model":"m","messages":[],"stream_options":[]}', 'stream_options', /not a list/],
    ['{"model":"m","messages":[],"model":"n"}', 'model', /more than once/],
    [String.raw`{"model":"m","messages":[],"m\u006fdel":"n"}`, 'model', /more than once/],
    ['{"model":"m","messages":[],"messages":[]}', 'messages', /more than once/],
    ['{"model":"m","messages":[],"stream":true,"stream":false}', 'stream', /more than once/],
    ['{"model":"m","messages":[],"stream_options":{},"stream_options":{}}', 'stream_options', /more than once/],
  ])('%s names %s', (body, param, message) => {
    const { code, details, message: said } = refused(body)
    expect({ code, param: details.param }).toEqual({ code: 'bad_request', param })
    expect(said).toMatch(message)
  })

  test.each(['router', 'extra', 'mcp_servers'])('%s, which does nothing yet', (field) => {
    const { code, details } = refused(`{"model":"m","messages":[],"${field}":null}`)
    expect({ code, param: details.param }).toEqual({ code: 'unsupported_field', param: field })
  })

  test.each<[what: string, body: string | Buffer, code: string]>([
    ['nothing', '', 'invalid_json'],
    ['half an object', '{"model":"m",', 'invalid_json'],
    ['something after the object', '{"model":"m","messages":[]} x', 'invalid_json'],
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x7d]), 'invalid_json'],
    ['white space', ' \n', 'invalid_json'],
    ['a list', '[]', 'bad_request'],
    ['a list that nobody has measured', '['.repeat(100_000), 'bad_request'],
    ['a text', '"model"', 'bad_request'],
    ['null', 'null', 'bad_request'],
  ])('%s', (_what, body, code) => {
    expect(refused(body).code).toBe(code)
  })

  test('more depth than the limit, at exactly one past it', () => {
    const nested = (depth: number): string =>
      `{"model":"m","messages":[],"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
    expect(read(nested(limits.jsonDepth)).model).toBe('m')
    expect(refused(nested(limits.jsonDepth + 1)).message).toMatch(/more than 8 deep.*limits\.json_depth/)
  })

  test('more values than the limit, at exactly one past it', () => {
    const many = (commas: number): string => `{"model":"m","messages":[],"x":[${'0,'.repeat(commas - 2)}0]}`
    expect(read(many(limits.jsonValues)).model).toBe('m')
    expect(refused(many(limits.jsonValues + 1)).message).toMatch(/more than 50 values.*limits\.json_values/)
  })

  test('brackets and commas within a text count for nothing', () => {
    expect(read(`{"model":"m","messages":[{"content":"${'[{,'.repeat(99)}\\""}]}`).model).toBe('m')
  })
})

describe('the name of the model', () => {
  test.each([
    '{"model":"m"}',
    '{"model":"m","messages":[3]}',
    '{"model":"m","messages":[],"stream":1}',
    '{"model":"m","messages":[],"router":{}}',
    '{"model":"m","messages":[],"stream_options":1}',
  ])('is known before %s is refused', (body) => {
    const heard: string[] = []
    refused(body, heard)
    expect(heard).toEqual(['m'])
  })

  test('is said once for a good request, and never when there is none', () => {
    const heard: string[] = []
    read(plain, heard)
    refused('{"model":1,"messages":[]}', heard)
    expect(heard).toEqual(['m'])
  })
})

describe('the edit', () => {
  const odd = String.raw`{ "seed": 123456789012345678901234567890, "x":1e400,"x" : -0.0,
    "model" :  "a/b" , "text":"\u00fc\/ü😀\ud800", "messages":[{"content":"\"model\":\"a/b\"","role":"user"}],"stream":true}
  `

  test('puts another model in and leaves every other byte', () => {
    expect(edited(odd, { model: 'b "ü"' })).toBe(odd.replace('"model" :  "a/b"', String.raw`"model" :  "b \"ü\""`))
  })

  test('puts the question for usage in and leaves every other byte', () => {
    expect(edited(odd, { addUsage: true })).toBe(
      odd.replace('"stream":true}', '"stream":true,"stream_options":{"include_usage":true}}'),
    )
  })

  test('does both at once, in whichever order they stand', () => {
    const last = '{"stream":true,"stream_options":{},"messages":[],"model":"m"}'
    expect(edited(last, { model: 'n', addUsage: true })).toBe(
      '{"stream":true,"stream_options":{"include_usage":true},"messages":[],"model":"n"}',
    )
    expect(edited(plain, { model: 'n', addUsage: true })).toBe(
      '{"model":"n","messages":[],"stream":true,"stream_options":{"include_usage":true}}',
    )
  })

  test.each<[before: string, after: string]>([
    ['{}', '{"include_usage":true}'],
    ['{ }', '{"include_usage":true }'],
    ['null', '{"include_usage":true}'],
    ['{"include_usage":false}', '{"include_usage":true}'],
    ['{ "include_usage" : null }', '{ "include_usage" : true }'],
    ['{"a":[1,{"include_usage":false}] ,"b":2}', '{"include_usage":true,"a":[1,{"include_usage":false}] ,"b":2}'],
    ['{"a":1, "include_usage":false ,"b":2}', '{"a":1, "include_usage":true ,"b":2}'],
  ])('makes of the options %s %s', (before, after) => {
    const body = (options: string): string =>
      `{"model":"m", "stream_options": ${options} ,"stream":true,"messages":[],"n":1.0}`
    expect(edited(body(before), { addUsage: true })).toBe(body(after))
    expect(read(body(after)).asksUsage).toBe(true)
  })

  test.each<[why: string, body: string, edits: Partial<RequestEdits>]>([
    ['there is nothing to change', plain, {}],
    ['the client asked itself', `${plain.slice(0, -1)},"stream_options":{"include_usage":true}}`, { addUsage: true }],
    ['the answer does not stream', '{"model":"m","messages":[],"stream":false}', { addUsage: true }],
  ])('passes the very same buffer on when %s', (_why, text, edits) => {
    const body = Buffer.from(text)
    expect(editRequest(body, read(text), { model: 'm', addUsage: false, ...edits })).toBe(body)
  })
})

describe('a body with large pictures', () => {
  const picture = `data:image/png;base64,${'a'.repeat(400_000)}`
  const messages = `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"${picture}"}}]}]`

  test('is read like any other', () => {
    const { model, stream, asksUsage } = read(
      `{"model":"m","messages":${messages},"stream":true,"stream_options":{"include_usage":true}}`,
    )
    expect([model, stream, asksUsage]).toEqual(['m', true, true])
  })

  test.each<[what: string, text: string, code: string, param: string | undefined]>([
    ['ends in the middle', `{"model":"m","messages":${messages}`, 'invalid_json', undefined],
    ['has no model', `{"messages":${messages}}`, 'bad_request', 'model'],
    ['has a model that is none', `{"model":{},"messages":${messages}}`, 'bad_request', 'model'],
    ['has messages that are no list', `{"model":"m","messages":"${picture}"}`, 'bad_request', 'messages'],
    ['streams in a word', `{"model":"m","messages":${messages},"stream":"yes"}`, 'bad_request', 'stream'],
    ['has a model that is no JSON', `{"model":m,"messages":${messages}}`, 'invalid_json', undefined],
  ])('that %s is refused', (_what, text, code, param) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code, details: expect.objectContaining(param ? { param } : {}) }),
    )
  })
})
