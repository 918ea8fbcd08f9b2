import fc from 'fast-check'
import { openaiChat as d } from './openai-chat.ts'
import { runStep } from '../../core/steps.ts'
const json = fc.json({ maxDepth: 6 }).map((t) => JSON.parse(t) as any)
const names = ['role', 'content', 'tool_calls', 'function_call', 'reasoning_details', 'audio', 'cache_control', 'tool_call_id', 'name', 'annotations', 'images','executed_tools','refusal','reasoning']
const detail = fc.record({ type: fc.constantFrom('reasoning.text', 'reasoning.encrypted', 'reasoning.summary'), text: json, data: json, signature: json, format: json, index: json, id: json }, { requiredKeys: [] })
const part = fc.record({ type: fc.constantFrom('text', 'image_url', 'input_audio', 'file', 'video_url', 'refusal', 'thinking', 'odd'), text: json, image_url: json, input_audio: json, file: json, video_url: json, thinking: json, cache_control: json }, { requiredKeys: ['type'] })
const msg = fc.dictionary(fc.constantFrom(...names), fc.oneof(json, fc.constantFrom('assistant', 'tool', 'function', 'user'), fc.array(part), fc.array(detail), fc.array(fc.record({ id: json, function: json, custom: json, index: json }))))
const req = fc.record({ model: json, messages: fc.array(msg), tools: fc.array(fc.oneof(json, fc.record({ type: json, function: json, custom: json }))), tool_choice: json, reasoning: json, thinking: json, stop: json, response_format: json, web_search_options: json, functions: fc.array(json) }, { requiredKeys: [] })
const c: any = { request: { model: 'm', stream: true, messages: [], tools: [], settings: {} }, createdS: 1, newId: () => 'x' }
let bad = 0
fc.assert(fc.property(req, fc.constantFrom({}, { unknownFields: false }, { thoughtsField: 'reasoning_details' as const }, { callIds: 'nine' as const, wantsThoughts: true }), (b, a) => { const q = d.decodeRequest(b, {} as any); JSON.stringify(d.encodeRequest(q, a)) }), { numRuns: 4000 })
fc.assert(fc.property(fc.array(msg, { minLength: 1, maxLength: 4 }), (list) => {
  try { JSON.stringify(d.encodeAnswer(d.decodeAnswer({ choices: list.map((message) => ({ message, finish_reason: 'stop' })) }), c)) } catch (t: any) { if (!t.code) throw t }
  let ev: any; try { ev = runStep(d.decodeStream(), [...list.map((delta) => ({ data: JSON.stringify({ choices: [{ index: 0, delta }] }) })), { data: '[DONE]' }]) } catch (t: any) { if (!t.code) throw t; return }
  for (const f of runStep(d.encodeStream(c), ev as any[])) if (f.data !== '[DONE]') JSON.parse(f.data)
}), { numRuns: 4000 })
console.log('ok', bad)
