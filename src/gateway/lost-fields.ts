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
