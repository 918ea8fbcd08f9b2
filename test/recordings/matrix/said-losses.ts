/** What a target has no place for has to be named: nothing is lost without a word. */
import type { ChatRequest, SettingName } from '../../../src/core/chat.ts'
import { isObj, obj, type Tree } from './oracle/tree.ts'
import type { Target } from './request-across.ts'

/** Where each setting stands in the target's body; one that is not in its table has no place there. */
const homes: Readonly<Record<Target, Partial<Record<SettingName, readonly string[]>>>> = {
  'openai-chat': {
    seed: ['seed'],
    frequencyPenalty: ['frequency_penalty'],
    presencePenalty: ['presence_penalty'],
    choices: ['n'],
    user: ['user', 'safety_identifier'],
    serviceTier: ['service_tier'],
    cacheKey: ['prompt_cache_key'],
    logprobs: ['logprobs'],
    modalities: ['modalities'],
    metadata: ['metadata'],
    verbosity: ['verbosity'],
    logitBias: ['logit_bias'],
  },
  'openai-responses': {
    user: ['user', 'safety_identifier'],
    serviceTier: ['service_tier'],
    cacheKey: ['prompt_cache_key'],
    logprobs: ['top_logprobs', 'include'],
    metadata: ['metadata'],
    verbosity: ['text.verbosity'],
  },
  'anthropic-messages': { user: ['metadata.user_id'], serviceTier: ['service_tier'] },
  gemini: {
    seed: ['generationConfig.seed'],
    frequencyPenalty: ['generationConfig.frequencyPenalty'],
    presencePenalty: ['generationConfig.presencePenalty'],
    choices: ['generationConfig.candidateCount'],
    logprobs: ['generationConfig.responseLogprobs'],
    modalities: ['generationConfig.responseModalities'],
    serviceTier: ['serviceTier'],
    metadata: ['labels'],
  },
  'bedrock-converse': {
    user: ['requestMetadata'],
    metadata: ['requestMetadata'],
    serviceTier: ['serviceTier.type'],
  },
}

/** What is read elsewhere, or is the gateway's own to do. */
const readElsewhere = new Set<string>(['maxTokens', 'temperature', 'topP', 'topK', 'stop', 'includeUsage', 'store'])

const thinking: Readonly<Record<Target, readonly string[]>> = {
  'openai-chat': ['reasoning_effort', 'reasoning', 'thinking'],
  'openai-responses': ['reasoning'],
  'anthropic-messages': ['thinking', 'output_config.effort'],
  gemini: ['generationConfig.thinkingConfig'],
  'bedrock-converse': ['additionalModelRequestFields', 'outputConfig.effort'],
}

const oneAtATime: Readonly<Record<Target, readonly string[]>> = {
  'openai-chat': ['parallel_tool_calls'],
  'openai-responses': ['parallel_tool_calls'],
  'anthropic-messages': ['tool_choice.disable_parallel_tool_use'],
  gemini: [],
  'bedrock-converse': ['additionalModelRequestFields.tool_choice'],
}

export function unsaid(
  request: ChatRequest,
  written: Tree,
  target: Target,
  dropped: readonly string[],
): readonly string[] {
  const isNamed = (name: string) => dropped.some((one) => one === name || one.startsWith(`${name}.`))
  const isThere = (paths: readonly string[]) => paths.some((path) => valueAt(written, path) !== undefined)
  const lost: string[] = []
  const look = (name: string, paths: readonly string[]) => {
    if (!isThere(paths) && !isNamed(name)) lost.push(`${name} is lost without a word`)
  }
  for (const [name, value] of Object.entries(request.settings)) {
    if (!readElsewhere.has(name) && !isDefault(name, value)) look(name, homes[target][name as SettingName] ?? [])
  }
  if (wantsThinking(request)) look('reasoning', thinking[target])
  if (request.parallelToolCalls === false && request.tools.some(({ kind }) => kind === 'function'))
    look('parallelToolCalls', oneAtATime[target])
  for (const name of Object.keys({ ...request.extra?.fields, ...request.reasoning?.extra?.fields })) look(name, [name])
  if (
    hasMarks(request) &&
    !/cache_control|cachePoint/.test(JSON.stringify(written)) &&
    !dropped.some((name) => /cache/.test(name))
  )
    lost.push('cache marks are lost without a word')
  return lost
}

/** What is so in any case need not be said. */
const isDefault = (name: string, value: unknown): boolean =>
  (name === 'choices' && value === 1) ||
  (name === 'modalities' && JSON.stringify(value) === '["text"]') ||
  (/Penalty$/.test(name) && value === 0) ||
  (name === 'serviceTier' && (value === 'auto' || value === 'default'))

/** How much it thinks is worth a word; that it does so as it likes, or not at all, is what models do unasked. */
const wantsThinking = ({ reasoning }: ChatRequest): boolean =>
  (reasoning?.effort ?? 'none') !== 'none' || (reasoning?.budget ?? 0) > 0

const hasMarks = ({ messages, tools }: ChatRequest): boolean =>
  messages.some(({ parts }) => parts.some(({ cache }) => cache)) || tools.some((tool) => 'cache' in tool && tool.cache)

function valueAt(tree: Tree, path: string): unknown {
  let value: unknown = tree
  for (const name of path.split('.')) value = isObj(value) ? obj(value)[name] : undefined
  return value
}
