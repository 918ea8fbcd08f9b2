import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../core/error.ts'
import type { RequestFacts } from '../dialect.ts'
import { editRequest, readRequest } from './request.ts'

const limits = { jsonDepth: 8, jsonValues: 50 }
const read = (text: string): RequestFacts => readRequest(Buffer.from(text), limits, () => undefined)

function refused(text: string): GatewayError {
  try {
    read(text)
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown
    throw thrown
  }
  throw new Error(`Nobody refused ${text}.`)
}

test.each<[body: string, facts: Partial<RequestFacts>]>([
  ['{"model":"m","input":"Hi"}', { model: 'm', stream: false, asksUsage: true }],
  ['{"model":"m","input":[],"stream":true}', { stream: true }],
  ['{"model":"m","input":[{}],"store":null,"background":false,"conversation":{"id":"c"}}', { model: 'm' }],
  ['{"model":"m","previous_response_id":"resp_1"}', { model: 'm' }],
  ['{"model":"m","prompt":{"id":"p"}}', { model: 'm' }],
])('%s is read', (body, facts) => {
  expect(read(body)).toMatchObject(facts)
})

test.each<[body: string, param: string]>([
  ['{"input":"Hi"}', 'model'],
  ['{"model":"m"}', 'input'],
  ['{"model":"m","input":3}', 'input'],
  ['{"model":"m","input":["Hi"]}', 'input[0]'],
  ['{"model":"m","input":"","stream":1}', 'stream'],
  ['{"model":"m","input":"","previous_response_id":1}', 'previous_response_id'],
  ['{"model":"m","input":"","store":"yes"}', 'store'],
  ['{"model":"m","input":"","background":1}', 'background'],
  ['{"model":"m","input":"","conversation":1}', 'conversation'],
  ['{"model":"m","input":"","input":""}', 'input'],
  ['{"model":"m","input":"","router":{}}', 'router'],
])('%s is refused for %s', (body, param) => {
  expect(refused(body).details.param).toBe(param)
})

describe('the edit', () => {
  test('changes the name of the model and no other byte', () => {
    const body = '{ "input" : "\\u00fc", "model":"a/b","x":1e400 }'
    expect(editRequest(Buffer.from(body), read(body), { model: 'b', addUsage: true }).toString()).toBe(
      body.replace('a/b', 'b'),
    )
  })
})
