import { afterAll } from 'vitest'
import { startSpeakingUpstream } from '../support/speaking-upstream.ts'
import { startTest } from '../support/trunkline.ts'
import { playTable, settingsFor } from './table.ts'

/** Every client library before models that have retired what others take, and before Claude on the clouds. */

const upstream = await startSpeakingUpstream()
const trunkline = await startTest({
  settings: settingsFor(upstream, {
    openai: '/v1',
    anthropic: '',
    bedrock: '',
    vertex: '/v1/projects/p/locations/global',
  }),
})

await playTable(upstream, [
  {
    name: 'Claude 5',
    behind: 'anthropic-messages',
    url: trunkline.url,
    model: 'anthropic/claude-sonnet-5',
    lacks: new Set(['temperature']),
    leavesOut: ({ speaks }) =>
      speaks === 'anthropic-messages' ? 'the program itself asks for what the model has retired' : undefined,
  },
  {
    name: 'GPT-5.6',
    behind: 'openai-responses',
    url: trunkline.url,
    model: 'openai/gpt-5.6',
    // Only tools beside thoughts are bridged to Responses.
    concerns: (_library, scene) => scene.startsWith('reasoning'),
    leavesOut: ({ name }) =>
      name === '@langchain/openai, chat completions'
        ? 'for this model it turns to Responses by itself, and takes along what it was given for chat completions'
        : undefined,
  },
  {
    name: 'Bedrock, invoke',
    behind: 'bedrock-invoke',
    url: trunkline.url,
    model: 'bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    // Others come to Bedrock by Converse.
    concerns: ({ speaks }) => speaks === 'anthropic-messages',
  },
  {
    name: 'Claude on Vertex',
    behind: 'vertex-anthropic',
    url: trunkline.url,
    model: 'vertex/claude-sonnet-4-5@20250929',
  },
])

afterAll(async () => {
  await trunkline.stop()
  await upstream.close()
})
