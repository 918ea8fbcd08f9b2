import { afterAll, describe, test } from 'vitest'
import type { refusals, Wire } from '../support/speaking/script.ts'
import { startSpeakingUpstream } from '../support/speaking-upstream.ts'
import { bedrockLibrary } from './libraries/bedrock.ts'
import { libraries } from './libraries.ts'
import { type SceneName, type Stage, scenes } from './scenes.ts'

/**
 * The vendors' own SDKs against the speaking upstream, without Trunkline between. What passes here shows that the upstream
 * speaks as the vendors do; what fails here is not Trunkline's fault.
 */

interface Vendor {
  readonly model: string
  readonly thinking: string
  readonly status: Partial<Record<(typeof refusals)[number], number>>
  readonly lacks?: readonly ('stops' | 'temperature')[]
}

const vendors: Readonly<Partial<Record<Wire, Vendor>>> = {
  'openai-chat': { model: 'gpt-4.1', thinking: 'deepseek-reasoner', status: {} },
  'openai-responses': { model: 'gpt-4.1', thinking: 'gpt-5', status: {}, lacks: ['stops'] },
  'anthropic-messages': { model: 'claude-sonnet-4-5', thinking: 'claude-sonnet-4-5', status: { overloaded: 529 } },
  // Google calls a bad key a bad request.
  gemini: { model: 'gemini-2.5-flash', thinking: 'gemini-3-pro-preview', status: { key: 400 } },
  'bedrock-converse': {
    model: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    thinking: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    status: { key: 403 },
  },
}

const usual = { invalid: 400, key: 401, busy: 429, overloaded: 503, 'too-long': 400 }
const upstream = await startSpeakingUpstream()
afterAll(() => upstream.close())

for (const library of [...libraries, bedrockLibrary]) {
  describe(library.name, () => {
    const vendor = vendors[library.speaks] as Vendor
    const at = { url: upstream.url, model: vendor.model, key: 'key-of-the-vendor' }
    const stage: Stage = {
      library,
      at,
      thinking: { ...at, model: vendor.thinking },
      behind: library.speaks,
      isDirect: true,
      upstream,
      key: at.key,
      statusesOf: (kind) => [vendor.status[kind] ?? usual[kind]],
      lacks: new Set(vendor.lacks),
      dropped: () => [],
    }
    for (const name of Object.keys(scenes) as SceneName[]) {
      test(name, async ({ skip }) => {
        upstream.taken()
        const reason = await scenes[name](stage)
        if (reason !== undefined) skip(reason)
      })
    }
  })
}
