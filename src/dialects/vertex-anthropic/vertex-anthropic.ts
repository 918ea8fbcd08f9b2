import { anthropicMessages } from '../anthropic-messages/anthropic-messages.ts'
import { editRequest, readRequest } from '../bedrock-invoke/request.ts'
import type { Counting, Dialect } from '../dialect.ts'

const bodyVersion = 'vertex-2023-10-16'

/** Claude's messages on Google's Vertex: the model in the address, the version in the body, all else as at home. */
export const vertexAnthropic: Dialect & { readonly counting: Counting } = {
  ...anthropicMessages,
  name: 'vertex-anthropic',
  requestHeaders: ['accept', 'anthropic-beta'],
  readRequest,
  editRequest,
  // The model whose tokens are counted stands in the body, since the address names the one that counts.
  counting: {
    ...anthropicMessages.counting,
    encodeRequest(request, { bodyVersion: _, ...abilities }) {
      return anthropicMessages.counting.encodeRequest(request, abilities)
    },
  },
  decodeRequest: (body, asked) => ({ ...anthropicMessages.decodeRequest(body, asked), ...asked }),
  encodeRequest: (request, abilities) => anthropicMessages.encodeRequest(request, { bodyVersion, ...abilities }),
}
