import {
  type Oracle,
  type Said,
  type SaidChoice,
  type SaidFinish,
  type SaidUsage,
  uniqueLinks,
  type WireEvent,
} from './said.ts'
import { isObj, list, num, obj, str, type Tree } from './tree.ts'

const finishes: Readonly<Record<string, SaidFinish>> = {
  stop: 'stop',
  eos: 'stop',
  length: 'length',
  model_length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
}

const parts = (content: unknown): readonly Tree[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : list(content)

const joined = (values: readonly unknown[]): string => values.map(str).join('')

function choiceOf(body: Tree, choice: Tree): SaidChoice {
  const message = obj(choice.message)
  const content = parts(message.content)
  const thought = content.filter(({ type }) => type === 'thinking').flatMap(({ thinking }) => list(thinking))
  const details = list(message.reasoning_details)
  const shown = str(message.reasoning_content) || str(message.reasoning)
  const calls = list(message.tool_calls).map((call) =>
    // Snowflake writes every field of every kind, most of them empty.
    str(obj(call.custom).name)
      ? { name: str(obj(call.custom).name), args: obj(call.custom).input }
      : { name: str(obj(call.function).name), args: obj(call.function).arguments ?? '' },
  )
  const legacy = str(obj(message.function_call).name)
    ? [{ name: str(obj(message.function_call).name), args: obj(message.function_call).arguments }]
    : []
  return {
    text: joined(content.filter(({ type }) => type === 'text').map(({ text }) => text)),
    refusal: str(message.refusal),
    reasoning:
      shown ||
      joined(thought.map(({ text }) => text)) ||
      joined(details.map((detail) => detail.text ?? detail.summary)),
    calls: [...calls, ...legacy],
    finish: choice.finish_reason ? (finishes[str(choice.finish_reason)] ?? 'other') : 'none',
    links: linksOf(body, message),
    quotes: list(message.annotations)
      .map(({ url_citation }) => obj(url_citation))
      .filter(({ url, end_index }) => typeof url === 'string' && num(end_index) > 0)
      .map(({ url, start_index, end_index }) => ({
        url: str(url),
        text: str(message.content).slice(num(start_index), num(end_index)),
      })),
    tokens: list(obj(choice.logprobs).content).map(({ token, logprob }) => ({
      token: str(token),
      logprob: num(logprob),
    })),
    media: [
      ...list(message.images).map(({ image_url }) =>
        str(obj(image_url).url)
          .replace(/^data:[^,]*,/, '')
          .slice(0, 40),
      ),
      ...(str(obj(message.audio).data) ? [str(obj(message.audio).data).slice(0, 40)] : []),
    ],
  }
}

/** Perplexity and xAI list their sources beside the choices, the former with titles in a second list. */
function linksOf(body: Tree, message: Tree) {
  const annotated = list(message.annotations)
    .filter(({ type }) => type === 'url_citation')
    .map(({ url_citation }) => ({ url: obj(url_citation).url, title: obj(url_citation).title }))
  if (annotated.length > 0) return uniqueLinks(annotated)
  const titles = new Map(list(body.search_results).map(({ url, title }) => [url, title]))
  const urls = Array.isArray(body.citations) ? body.citations : [...titles.keys()]
  return uniqueLinks(urls.map((url) => ({ url, title: titles.get(url) })))
}

function usageOf(body: Tree): SaidUsage | undefined {
  const usage = [body.usage, obj(body.x_groq).usage, ...list(body.choices).map((choice) => choice.usage)].find(isObj)
  if (!usage) return undefined
  const [into, out] = [obj(usage.prompt_tokens_details), obj(usage.completion_tokens_details)]
  const reasoning = num(out.reasoning_tokens ?? usage.reasoning_tokens)
  const [prompt, completion, total] = [num(usage.prompt_tokens), num(usage.completion_tokens), num(usage.total_tokens)]
  // Who leaves something out of the parts has it in the total: xAI its reasoning, Mistral the sound that it heard.
  const audio = num(into.audio_tokens)
  const isReasoningApart = reasoning > 0 && total === prompt + completion + reasoning
  const isAudioApart = audio > 0 && total === prompt + audio + completion
  const output = isReasoningApart ? completion + reasoning : completion
  const cached = num(
    into.cached_tokens ?? usage.prompt_cache_hit_tokens ?? usage.cached_tokens ?? usage.num_cached_tokens,
  )
  return {
    input: prompt + (isAudioApart ? audio : 0),
    output,
    // Grok on Azure has been seen to report more of the prompt as cached than there was.
    cached: Math.min(cached, prompt),
    written: num(into.cache_write_tokens ?? usage.cache_creation_input_tokens),
    reasoning: Math.min(reasoning, output),
  }
}

const firstStands = new Set(['id', 'model', 'created'])

/** What of a message's delta stands for itself: the last one that is said holds. */
const grows = ['content', 'reasoning', 'reasoning_content', 'refusal'] as const

function foldInto(choices: Map<number, Tree>, wire: Tree): void {
  const index = num(wire.index)
  const { delta: _delta, message: _message, index: _index, ...rest } = wire
  const choice = choices.get(index) ?? { index, message: { role: 'assistant' } }
  const message: Record<string, unknown> = { ...obj(choice.message) }
  const delta = obj(wire.delta)
  for (const [name, value] of Object.entries(delta)) {
    if (value === null || value === undefined || name === 'role' || name === 'index') continue
    if (name === 'tool_calls') message.tool_calls = withCalls(list(message.tool_calls), list(value))
    else if (name === 'audio') message.audio = withAudio(obj(message.audio), obj(value))
    else if (name === 'reasoning_details') message[name] = withDetails(list(message[name]), list(value))
    else if ((grows as readonly string[]).includes(name)) message[name] = grown(message[name], value)
    else if (name === 'executed_tools') message[name] = withTools(list(message[name]), list(value))
    else if (Array.isArray(value)) message[name] = [...list(message[name]), ...value]
    else message[name] = value
  }
  if (delta.content === null && message.content === undefined) message.content = null
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
  const filters = { ...obj(choice.content_filter_results), ...obj(wire.content_filter_results) }
  const logprobs = withLogprobs(obj(choice.logprobs), wire.logprobs)
  choices.set(index, {
    ...choice,
    ...known,
    message,
    ...(Object.keys(filters).length > 0 && { content_filter_results: filters }),
    ...(logprobs && { logprobs }),
  })
}

function grown(before: unknown, more: unknown): unknown {
  if (typeof more === 'string' && (before === undefined || before === null || typeof before === 'string'))
    return str(before) + more
  const merged: Tree[] = []
  for (const part of [...parts(before), ...parts(more)]) {
    const last = merged.at(-1)
    if (last && last.type === part.type && part.type === 'text')
      merged[merged.length - 1] = { ...last, text: str(last.text) + str(part.text) }
    else if (last && last.type === part.type && part.type === 'thinking')
      merged[merged.length - 1] = {
        ...last,
        ...part,
        thinking: joinedTexts([...list(last.thinking), ...list(part.thinking)]),
      }
    else if (part.type !== 'text' || str(part.text) !== '') merged.push(part)
  }
  return merged
}

const joinedTexts = (texts: readonly Tree[]): readonly Tree[] =>
  texts.length === 0 ? [] : [{ type: 'text', text: joined(texts.map(({ text }) => text)) }]

/** By id where a fragment has one, else by index, else more of the last. */
function withCalls(calls: readonly Tree[], pieces: readonly Tree[]): Tree[] {
  const all = [...calls]
  for (const piece of pieces) {
    const place = placeOf(all, piece)
    const before = all[place]
    if (before === undefined) {
      all.push(piece)
      continue
    }
    const field = str(obj(before.custom).name) ? 'custom' : 'function'
    const text = field === 'custom' ? 'input' : 'arguments'
    const [had, more] = [obj(before[field]), obj(piece[field])]
    all[place] = { ...before, [field]: { ...had, [text]: str(had[text]) + str(more[text]) } }
  }
  return all
}

function placeOf(calls: readonly Tree[], piece: Tree): number {
  if (piece.id) {
    const known = calls.findIndex(({ id }) => id === piece.id)
    return known < 0 ? calls.length : known
  }
  if (piece.index !== undefined) {
    const known = calls.findLastIndex(({ index }) => index === piece.index)
    return known < 0 ? calls.length : known
  }
  return calls.length - 1
}

const withAudio = (before: Tree, more: Tree): Tree => ({
  ...before,
  ...more,
  data: str(before.data) + str(more.data),
  transcript: str(before.transcript) + str(more.transcript),
})

/** Groq tells its own tools twice: when they are called, and with what came of them. */
function withTools(before: readonly Tree[], more: readonly Tree[]): Tree[] {
  const all = [...before]
  for (const tool of more) {
    const place = all.findIndex(({ index }) => index === tool.index)
    if (place < 0) all.push(tool)
    else all[place] = { ...all[place], ...tool }
  }
  return all
}

/** OpenRouter's details: pieces of one index and type are one detail. */
function withDetails(before: readonly Tree[], more: readonly Tree[]): Tree[] {
  const all = [...before]
  for (const piece of more) {
    const last = all.at(-1)
    if (last && last.type === piece.type && last.index === piece.index && piece.type !== 'reasoning.encrypted') {
      const text = piece.type === 'reasoning.summary' ? 'summary' : 'text'
      const known = Object.fromEntries(Object.entries(piece).filter(([, value]) => value !== null))
      all[all.length - 1] = { ...last, ...known, [text]: str(last[text]) + str(piece[text]) }
    } else all.push(piece)
  }
  return all
}

function withLogprobs(before: Tree, more: unknown): Tree | undefined {
  if (!isObj(more)) return Object.keys(before).length > 0 ? before : undefined
  const joinedLists = (name: string) =>
    Array.isArray(before[name]) || Array.isArray(more[name]) ? [...list(before[name]), ...list(more[name])] : null
  return { content: joinedLists('content'), refusal: joinedLists('refusal') }
}

export const openaiChat: Oracle = {
  said: (body): Said => ({
    choices: list(body.choices)
      .toSorted((a, b) => num(a.index) - num(b.index))
      .map((choice) => choiceOf(body, choice)),
    usage: usageOf(body),
  }),
  fold(events: readonly WireEvent[]) {
    const choices = new Map<number, Tree>()
    const whole: Record<string, unknown> = {}
    for (const { data } of events) {
      if (!isObj(data)) continue
      if (data.error) throw new Error(`The stream says an error: ${JSON.stringify(data.error)}`)
      const { choices: said, object: _object, ...rest } = data
      for (const [name, value] of Object.entries(rest)) {
        if (value === null || value === '' || name === 'obfuscation' || name === 'p') continue
        // Who gives each chunk a name of its own means the first.
        if (!(firstStands.has(name) && whole[name])) whole[name] = value
      }
      for (const choice of list(said)) foldInto(choices, choice)
    }
    const ordered = [...choices.values()].toSorted((a, b) => num(a.index) - num(b.index))
    // Groq tells usage in a place of its own to those who did not ask for it.
    const usage = whole.usage ?? obj(whole.x_groq).usage
    return { ...whole, ...(usage !== undefined && { usage }), object: 'chat.completion', choices: ordered }
  },
}
