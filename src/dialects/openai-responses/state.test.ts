import { expect, test } from 'vitest'
import { continued, dereferenced, inputItemsOf, isOurResponseId, referredResponses, refuseReferences } from './state.ts'

const previous = {
  id: 'resp_tl_1',
  response: {
    id: 'resp_tl_1',
    output: [
      { type: 'reasoning', id: 'rs_tl_1_0', summary: [], encrypted_content: 'sealed' },
      { type: 'function_call', id: 'fc_tl_1_1', call_id: 'c', name: 'f', arguments: '{}' },
    ],
  },
  input: [{ type: 'message', id: 'msg_tl_in_0', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
}

test('the items of a request can be listed with an id each', () => {
  expect(inputItemsOf({ input: 'Hi' })).toEqual([
    {
      type: 'message',
      id: 'msg_tl_in_0',
      role: 'user',
      status: 'completed',
      content: [{ type: 'input_text', text: 'Hi' }],
    },
  ])
  expect(
    inputItemsOf({
      input: [
        { role: 'assistant', content: 'So?' },
        { type: 'function_call_output', call_id: 'c', output: '7' },
        { type: 'reasoning', id: 'rs_1', summary: [] },
      ],
    }),
  ).toEqual([
    {
      type: 'message',
      id: 'msg_tl_in_0',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'So?', annotations: [] }],
    },
    { type: 'function_call_output', id: 'fco_tl_in_1', call_id: 'c', output: '7' },
    { type: 'reasoning', id: 'rs_1', summary: [] },
  ])
})

test('a request that goes on has all that was said before it, thoughts too', () => {
  const body = {
    model: 'm',
    previous_response_id: 'resp_tl_1',
    input: [{ type: 'function_call_output', call_id: 'c', output: '7' }],
  }
  expect(continued(previous, body)).toEqual({
    model: 'm',
    input: [...previous.input, ...previous.response.output, ...body.input],
  })
  expect(continued(previous, { input: 'And?' }).input).toHaveLength(4)
})

test('references to what was kept become the items themselves', () => {
  const body = {
    model: 'm',
    input: [{ type: 'item_reference', id: 'fc_tl_1_1' }, { id: 'rs_tl_1_0' }, { role: 'user', content: 'Hi' }],
  }
  expect(referredResponses(body)).toEqual(['resp_tl_1'])
  expect(dereferenced(body, [previous]).input).toEqual([
    previous.response.output[1],
    previous.response.output[0],
    { role: 'user', content: 'Hi' },
  ])
  expect(() => refuseReferences(dereferenced(body, [previous]))).not.toThrow()
  expect(() => refuseReferences(body)).toThrow(/input\[0\]/)
})

test('our ids are known from the provider’s', () => {
  expect([isOurResponseId('resp_tl_1'), isOurResponseId('resp_1')]).toEqual([true, false])
  expect(referredResponses({ input: [{ type: 'item_reference', id: 'msg_68c42' }] })).toEqual([])
})
