import type { CredentialAnswer } from './api-types.ts'
import { oneCredential } from './one-credential.ts'
import { plainLine } from './text.ts'

export const credentialsRemove = oneCredential({
  name: 'remove',
  summary: 'Remove a credential; its secret cannot be had back',
  examples: [['trunkline credentials remove 0197a1b2-5c3d-7e4f-8a9b-0c1d2e3f4a5b', 'calls go on with the next one']],
  async work(api, path) {
    // To remove what is not there is no error of the API's, but a slip of the hand should be heard of.
    const credential = await api.get<CredentialAnswer>(path)
    await api.remove(path)
    return credential
  },
  lines: ({ name, id, provider }) => [`The credential ${plainLine(name ?? id)} for ${plainLine(provider)} is removed.`],
})
