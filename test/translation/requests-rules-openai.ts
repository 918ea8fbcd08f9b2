/** What OpenAI and hosts that speak as it does refuse. */
import { isUnique, type Rule } from './requests-rule.ts'
import type { Target, Wire } from './requests-targets.ts'

export function openaiChatRules(body: Wire, rule: Rule, { provider, model }: Target): void {
  const { messages, tools } = body
  rule(messages.length > 0, 'no messages')
  rule(!(body.max_tokens !== undefined && body.max_completion_tokens !== undefined), 'two limits')
  rule(tools === undefined || tools.length > 0, 'an empty list of tools')
  rule(tools?.length > 0 || body.tool_choice === undefined, 'a choice without tools')
  rule(tools?.length > 0 || body.parallel_tool_calls === undefined, 'parallel calls without tools')
  rule(body.stream || body.stream_options === undefined, 'stream_options without stream')
  rule(body.stop === undefined || (body.stop.length >= 1 && body.stop.length <= 4), 'stops')
  for (const one of tools ?? [])
    rule(/^[a-zA-Z0-9_-]{1,64}$/.test((one.function ?? one.custom).name), 'the name of a tool')
  if (provider === 'openai') {
    rule(!('reasoning_content' in body), 'an unknown field')
    rule(/gpt-5/.test(model) ? body.stop === undefined : body.reasoning_effort === undefined, 'a setting it refuses')
    rule(!JSON.stringify(messages).includes('cache_control'), 'a mark of the cache')
    rule(!JSON.stringify(messages).includes('reasoning'), 'thoughts')
  }
  let open: string[] = []
  for (const message of messages) {
    const { role, content, tool_calls, tool_call_id } = message
    if (role === 'tool') {
      rule(open.includes(tool_call_id), 'a result without its call')
      open = open.filter((id) => id !== tool_call_id)
      rule(typeof content === 'string' || content.every(({ type }: Wire) => type === 'text'), 'media in a result')
      continue
    }
    rule(open.length === 0, 'a call without its result')
    open = (tool_calls ?? []).map(({ id }: Wire) => id)
    rule(tool_calls === undefined || tool_calls.length > 0, 'an empty list of calls')
    rule(isUnique(open), 'an id twice in a turn')
    for (const call of tool_calls ?? []) {
      rule(typeof (call.function?.arguments ?? call.custom?.input) === 'string', 'arguments')
      rule(provider !== 'mistral' || /^[a-zA-Z0-9]{9}$/.test(call.id), 'an id that Mistral refuses')
      rule(provider !== 'openai' || (call.id !== '' && call.id.length <= 40), 'an id that OpenAI refuses')
    }
    if (role === 'assistant')
      rule(content || tool_calls || message.refusal || message.audio || content === '', 'null without calls')
    else rule(typeof content === 'string' || content.length > 0, 'no content')
    if (Array.isArray(content)) rule(content.length > 0, 'no content')
    for (const part of Array.isArray(content) ? content : [])
      rule(
        ['text', 'image_url', 'input_audio', 'file', 'refusal', 'video_url', 'thinking'].includes(part.type),
        'an unknown part',
      )
  }
  rule(open.length === 0, 'a call without its result')
}

export function openaiResponsesRules(body: Wire, rule: Rule, { model }: Target): void {
  const { input, tools } = body
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input
  rule(items.length > 0 || body.instructions, 'no input')
  rule(tools === undefined || tools.length > 0, 'an empty list of tools')
  rule(tools || body.tool_choice === undefined, 'a choice without tools')
  rule(body.max_output_tokens === undefined || body.max_output_tokens >= 16, 'a limit below 16')
  rule(body.store !== undefined, 'it is kept at OpenAI without being asked to')
  rule(/gpt-5/.test(model) || body.reasoning === undefined, 'a wish to think')
  const known = [
    'message',
    undefined,
    'function_call',
    'function_call_output',
    'reasoning',
    'custom_tool_call',
    'custom_tool_call_output',
  ]
  const called = items.flatMap((item: Wire) => (/_call$/.test(item.type ?? '') ? [item.call_id] : []))
  const answered = items.flatMap((item: Wire) => (/_call_output$/.test(item.type ?? '') ? [item.call_id] : []))
  rule(
    answered.every((id: string) => called.includes(id)),
    'a result without its call',
  )
  rule(
    called.every((id: string) => answered.includes(id)),
    'a call without its result',
  )
  for (const [at, item] of items.entries()) {
    rule(known.includes(item.type), 'an unknown item')
    if (item.type === 'reasoning')
      rule(
        ['function_call', undefined, 'message', 'reasoning'].includes(items[at + 1]?.type) &&
          items[at + 1] &&
          items[at + 1].role !== 'user',
        'a thought without what it led to',
      )
    if (item.type === 'function_call')
      rule(typeof item.arguments === 'string' && item.call_id && item.call_id.length <= 64, 'a call')
    for (const part of Array.isArray(item.content) ? item.content : [])
      rule(
        item.role === 'assistant'
          ? /^(output_text|refusal)$/.test(part.type)
          : /^input_(text|image|file)$/.test(part.type),
        'a part',
      )
    if (item.role) rule(item.content.length > 0, 'no content')
  }
}
