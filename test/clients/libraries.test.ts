import { afterAll, beforeEach, describe, test } from 'vitest'
import { type RefusalKind, type Wire, wires } from '../support/speaking/script.ts'
import { startSpeakingUpstream } from '../support/speaking-upstream.ts'
import { startTest } from '../support/trunkline.ts'
import { libraries } from './libraries.ts'
import type { Address } from './library.ts'
import { type SceneName, type Stage, scenes } from './scenes.ts'
import { Scoreboard } from './scoreboard.ts'
import { startTap, type Tap } from './tap.ts'

/** Every client library through Trunkline to every vendor: whatever the one speaks and the other answers. */

const upstream = await startSpeakingUpstream()
const key = 'key-of-the-vendor'
const providers = { openai: '/v1', deepseek: '/v1', anthropic: '', gemini: '/v1beta', bedrock: '' } as const
const settings = Object.fromEntries(
  Object.entries(providers).flatMap(([name, path]) => [
    [`providers.${name}.base_url`, `${upstream.url}${path}`],
    [`providers.${name}.api_key`, key],
  ]),
)
/** A list, which only the configuration file can have. */
const only = (dialect: Wire): string => [dialect] as unknown as string
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
const [tap, tapWithResponses] = await Promise.all([startTap(trunkline.url), startTap(withResponses.url)])

interface Behind {
  readonly through: Tap
  readonly model: string
  readonly thinking: string
  readonly lacks?: readonly ('stops' | 'temperature')[]
}

const vendors: Readonly<Record<Wire, Behind>> = {
  'openai-chat': { through: tap, model: 'openai/gpt-4.1', thinking: 'deepseek/deepseek-reasoner' },
  'openai-responses': {
    through: tapWithResponses,
    model: 'openai/gpt-4.1',
    thinking: 'openai/gpt-5',
    lacks: ['stops'],
  },
  'anthropic-messages': {
    through: tap,
    model: 'anthropic/claude-sonnet-4-5',
    thinking: 'anthropic/claude-sonnet-4-5',
  },
  gemini: { through: tap, model: 'gemini/gemini-2.5-flash', thinking: 'gemini/gemini-3-pro-preview' },
  'bedrock-converse': {
    through: tap,
    model: 'bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    thinking: 'bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
  },
}

/** Where a client of each dialect is pointed: nothing but this changes for it. */
const doors: Readonly<Record<Wire, string>> = {
  'openai-chat': '',
  'openai-responses': '',
  'anthropic-messages': '/anthropic',
  gemini: '/gemini',
  'bedrock-converse': '',
}

/** A vendor who calls a bad key a bad request, or forbidden, is told as what it means. */
const statuses: Readonly<Record<RefusalKind, readonly number[]>> = {
  invalid: [400],
  key: [401],
  busy: [429],
  overloaded: [503, 529],
  'too-long': [400],
}

const board = new Scoreboard()
afterAll(async () => {
  console.log(board.text())
  await Promise.all([tap.close(), tapWithResponses.close()])
  await Promise.all([trunkline.stop(), withResponses.stop()])
  await upstream.close()
})
beforeEach(() => {
  upstream.taken()
  tap.dropped()
  tapWithResponses.dropped()
})

for (const library of libraries) {
  for (const [left, reason] of Object.entries(library.cannot ?? {})) board.note(library.name, left, reason)
  for (const behind of wires) {
    const { through, model, thinking, lacks } = vendors[behind]
    const at: Address = { url: `${through.url}${doors[library.speaks]}`, model, key: 'key-of-the-client' }
    const stage: Stage = {
      library,
      at,
      thinking: { ...at, model: thinking },
      behind,
      isDirect: library.speaks === behind,
      upstream,
      key,
      statusesOf: (kind) => statuses[kind],
      lacks: new Set(lacks),
      dropped: through.dropped,
    }
    describe(`${library.name}, ${behind} behind`, () => {
      for (const name of Object.keys(scenes) as SceneName[]) {
        test(name, async ({ skip }) => {
          const reason = await board.play({ row: library.name, column: behind, scene: name }, () => scenes[name](stage))
          if (reason !== undefined) skip(reason)
        })
      }
    })
  }
}
