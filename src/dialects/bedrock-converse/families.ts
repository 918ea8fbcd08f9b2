import type { Fields } from '../values.ts'

/** What the models of one maker take where the format has no place of its own, or refuse. */
export interface Family {
  /** Whose sealed thoughts they take back. */
  readonly seals: string
  /** How a wish to think is told in `additionalModelRequestFields`. */
  readonly thinking?: 'claude' | 'nova' | 'effort'
  /** Where they have their limit of tokens to sample from. */
  readonly topK?: (topK: number) => Fields
  /** Whether at most one call a turn can be asked for. */
  readonly oneCall?: true
  /** False when marks of what may be cached are refused. */
  readonly caches?: false
  /** The form of call ids that they insist on. */
  readonly callIds?: 'nine'
  /** The tool by which they search the web themselves. */
  readonly webSearch?: string
  readonly codeExecution?: string
}

const topK = (value: number): Fields => ({ top_k: value })

const claude: Family = { seals: 'anthropic', thinking: 'claude', topK, oneCall: true }
const nova: Family = {
  seals: 'bedrock',
  thinking: 'nova',
  topK: (value) => ({ inferenceConfig: { topK: value } }),
  webSearch: 'nova_grounding',
  codeExecution: 'nova_code_interpreter',
}
const openai: Family = { seals: 'bedrock', thinking: 'effort', caches: false }
const mistral: Family = { seals: 'bedrock', topK, caches: false, callIds: 'nine' }
const cohere: Family = { seals: 'bedrock', topK: (value) => ({ k: value }), caches: false }
const plain: Family = { seals: 'bedrock', caches: false }
/** An inference profile's id may stand for any model. */
const unknown: Family = { seals: 'bedrock' }

/** By the provider's name for the model, the first that fits. */
const families: readonly (readonly [RegExp, Family])[] = [
  [/claude/i, claude],
  [/\bnova-/i, nova],
  [/gpt-oss|openai\./i, openai],
  [/mistral|mixtral|pixtral|magistral|voxtral/i, mistral],
  [/cohere|command-r/i, cohere],
  [/llama|titan|jamba|deepseek|qwen|kimi|minimax|glm|gemma|nemotron|palmyra/i, plain],
]

export const familyOf = (model: string, seals?: string): Family =>
  families.find(([pattern]) => pattern.test(model))?.[1] ?? (seals === 'anthropic' ? claude : unknown)
