import { afterAll } from 'vitest'
import { startSpeakingUpstream } from '../support/speaking-upstream.ts'
import { startTest } from '../support/trunkline.ts'
import { only, playTable, settingsFor } from './table.ts'

/** Every client library through Trunkline to every vendor: whatever the one speaks and the other answers. */

const upstream = await startSpeakingUpstream()
const settings = settingsFor(upstream, {
  openai: '/v1',
  deepseek: '/v1',
  anthropic: '',
  gemini: '/v1beta',
  bedrock: '',
})
/** Vendors who speak several dialects are asked in one of them each, so that it is known what stands behind. */
const trunkline = await startTest({
  settings: {
    ...settings,
    'providers.openai.dialects': only('openai-chat'),
    'providers.deepseek.dialects': only('openai-chat'),
    'providers.bedrock.dialects': only('bedrock-converse'),
  },
})
const withResponses = await startTest({
  settings: { ...settings, 'providers.openai.dialects': only('openai-responses') },
})

await playTable(upstream, [
  {
    name: 'openai-chat',
    behind: 'openai-chat',
    url: trunkline.url,
    model: 'openai/gpt-4.1',
    thinking: 'deepseek/deepseek-reasoner',
  },
  {
    name: 'openai-responses',
    behind: 'openai-responses',
    url: withResponses.url,
    model: 'openai/gpt-4.1',
    thinking: 'openai/gpt-5',
    lacks: new Set(['stops']),
  },
  {
    name: 'anthropic-messages',
    behind: 'anthropic-messages',
    url: trunkline.url,
    model: 'anthropic/claude-sonnet-4-5',
  },
  {
    name: 'gemini',
    behind: 'gemini',
    url: trunkline.url,
    model: 'gemini/gemini-2.5-flash',
    thinking: 'gemini/gemini-3-pro-preview',
  },
  {
    name: 'bedrock-converse',
    behind: 'bedrock-converse',
    url: trunkline.url,
    model: 'bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
  },
])

afterAll(async () => {
  await Promise.all([trunkline.stop(), withResponses.stop()])
  await upstream.close()
})
