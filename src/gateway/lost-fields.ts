/** Settings whose name in a client's dialect is not simply ours in its way of writing. */
const ownNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'openai-chat': {
    choices: 'n',
    cacheKey: 'prompt_cache_key',
    format: 'response_format',
    reasoning: 'reasoning_effort',
  },
  'openai-responses': { cacheKey: 'prompt_cache_key', format: 'text.format', maxTokens: 'max_output_tokens' },
  'anthropic-messages': {
    stop: 'stop_sequences',
    format: 'output_config.format',
    reasoning: 'thinking',
    user: 'metadata.user_id',
  },
  gemini: {
    choices: 'candidateCount',
    maxTokens: 'maxOutputTokens',
    stop: 'stopSequences',
    format: 'responseSchema',
    reasoning: 'thinkingConfig',
    logprobs: 'responseLogprobs',
    modalities: 'responseModalities',
    toolChoice: 'toolConfig',
  },
}

/** Dialects whose fields are written in one word with capitals. */
const inCapitals: ReadonlySet<string> = new Set(['gemini'])

/** What was lost, as the client wrote it: a setting of ours in its dialect's words, a place in the messages as it is. */
export function fieldOf(dialect: string, name: string): string {
  const own = ownNames[dialect]
  if (own && Object.hasOwn(own, name)) return own[name] as string
  if (inCapitals.has(dialect) || !/^[a-z]+(?:[A-Z][a-z]*)+$/.test(name)) return name
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A client may call its fields what it likes, and send any number of them. */
const longestName = 100
const mostNames = 200
const mostInHeader = 240

/** All that was lost, as the client wrote it, each thing once; of very many the number. */
export function fieldsOfClient(dialect: string, names: readonly string[]): readonly string[] {
  const told = new Set<string>()
  for (const name of names.slice(0, mostNames)) told.add(shortened(fieldOf(dialect, name)))
  return names.length > mostNames ? [...told, andMore(names.length - mostNames)] : [...told]
}

/** In one header: whole names, and how many there are besides. */
export function lostInHeader(lost: readonly string[]): string {
  let text = lost[0] ?? ''
  for (const [index, name] of lost.entries()) {
    if (index === 0) continue
    if (text.length + name.length > mostInHeader) return `${text}, ${andMore(lost.length - index)}`
    text += `, ${name}`
  }
  return text
}

const shortened = (name: string): string => (name.length > longestName ? `${name.slice(0, longestName)}...` : name)

const andMore = (count: number): string => `and ${count} more`
