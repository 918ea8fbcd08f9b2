/** A client's request on its way to each model that is asked in another way, without any network. */

import type { Dialect } from '../../src/dialects/dialect.ts'
import { type DialectName, dialects } from '../../src/dialects/index.ts'
import { withAllowedNames } from '../../src/gateway/tool-names.ts'
import { abilitiesFor } from '../../src/providers/abilities.ts'
import { fitted } from '../../src/providers/fit.ts'
import { rulesBroken } from './requests-rules.ts'

export interface Target {
  readonly dialect: DialectName
  readonly provider: string
  readonly model: string
}

const target = (dialect: DialectName, provider: string, model: string): Target => ({ dialect, provider, model })

/** One model of each kind that has rules of its own. */
export const targets = {
  'GPT-4.1': target('openai-chat', 'openai', 'gpt-4.1'),
  'GPT-5.2': target('openai-chat', 'openai', 'gpt-5.2'),
  Mistral: target('openai-chat', 'mistral', 'mistral-large-latest'),
  DeepSeek: target('openai-chat', 'deepseek', 'deepseek-chat'),
  'a local host': target('openai-chat', 'custom', 'qwen3'),
  'Responses GPT-4.1': target('openai-responses', 'openai', 'gpt-4.1'),
  'Responses GPT-5.2': target('openai-responses', 'openai', 'gpt-5.2'),
  'Claude 3.5': target('anthropic-messages', 'anthropic', 'claude-3-5-haiku-20241022'),
  'Claude 4.5': target('anthropic-messages', 'anthropic', 'claude-sonnet-4-5-20250929'),
  'Claude 5': target('anthropic-messages', 'anthropic', 'claude-sonnet-5'),
  'Gemini 2.0': target('gemini', 'gemini', 'gemini-2.0-flash'),
  'Gemini 2.5': target('gemini', 'gemini', 'gemini-2.5-flash'),
  'Gemini 3': target('gemini', 'gemini', 'gemini-3-flash-preview'),
  Gemma: target('gemini', 'gemini', 'gemma-3-27b-it'),
  'Bedrock Claude 4.5': target('bedrock-converse', 'bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'),
  'Bedrock Claude 5': target('bedrock-converse', 'bedrock', 'us.anthropic.claude-sonnet-5'),
  'Bedrock Nova': target('bedrock-converse', 'bedrock', 'amazon.nova-lite-v1:0'),
  'Bedrock Llama': target('bedrock-converse', 'bedrock', 'meta.llama3-1-70b-instruct-v1:0'),
  'Bedrock Mistral': target('bedrock-converse', 'bedrock', 'mistral.mistral-large-2407-v1:0'),
} satisfies Record<string, Target>

export type TargetName = keyof typeof targets
export const targetNames = Object.keys(targets) as readonly TargetName[]

// biome-ignore lint/suspicious/noExplicitAny: what a provider is sent is looked at as it is.
export type Wire = any

export interface Sent {
  readonly body: Wire
  readonly dropped: readonly string[]
  /** Which rules of its provider it breaks. */
  readonly broken: readonly string[]
}

/** What a target is sent for a client's request. */
export function sent(from: DialectName, body: unknown, name: TargetName): Sent {
  const { dialect, provider, model } = targets[name]
  const client: Dialect = dialects[from]
  const decoded = client.decodeRequest(body, { model, stream: false })
  // Who speaks as the provider does is not translated: this is how a client of another kind says the same.
  const asked = from === dialect ? { ...decoded, extra: { dialect: 'another', fields: {} } } : decoded
  const { effort, mode, budget } = asked.reasoning ?? {}
  const isOff = effort === 'none' || mode === 'off' || budget === 0
  const abilities = abilitiesFor({ name: provider, atHome: provider !== 'custom' }, model, dialect, isOff)
  const fit = fitted(withAllowedNames({ ...asked, model }).request, abilities)
  const encoded = dialects[dialect].encodeRequest(fit.request, abilities)
  const written = JSON.parse(JSON.stringify(encoded.body))
  return { body: written, dropped: [...fit.dropped, ...encoded.dropped], broken: rulesBroken(targets[name], written) }
}

/** A request of an OpenAI client, whom most of the rules of others surprise. */
export const chat = (messages: readonly unknown[], more: object = {}) => ({ model: 'a-model', messages, ...more })

export const said = (role: string, content: unknown): object => ({ role, content })

export const calls = (...named: readonly (readonly [id: string, name: string, args?: string])[]): object => ({
  role: 'assistant',
  content: null,
  tool_calls: named.map(([id, name, args = '{}']) => ({ id, type: 'function', function: { name, arguments: args } })),
})

export const result = (id: string, content: unknown): object => ({ role: 'tool', tool_call_id: id, content })

export const tool = (name: string, more: object = {}): object => ({
  type: 'function',
  function: {
    name,
    description: `Does ${name}.`,
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
    ...more,
  },
})
