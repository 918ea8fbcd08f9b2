/**
 * Where what comes back is not what was recorded, each with its reason. What does come back is held against the rule of the
 * documentation all the same, and one that does come back as it was recorded fails the test, so that the list stays true.
 */
export interface Told {
  readonly ids: readonly string[]
  readonly reason: string
  /** The status where it is not the recorded one. */
  readonly status?: number
}

export const toldAnew: readonly Told[] = [
  {
    ids: ['gemini-error-handling-raises-appropriate-auth-error-0-1b25d2ad'],
    reason: 'a bad key that is told as 400 is a 401',
    status: 401,
  },
  {
    ids: ['mistral-error-handling-raises-appropriate-auth-error-0-1e9d9947'],
    reason: 'the error is no object of OpenAI, only a `detail`',
  },
  {
    ids: [
      'openrouter-constructed-402',
      'openrouter-error-handling-raises-appropriate-auth-error-0-53bb7f98',
      'openrouter-l-error-scenarios-handles-context-length-exceeded-errors-0-e0fe027f',
      'openrouter-test-openrouter-errors-raised-0-140242e2',
      'openrouter-test-openrouter-errors-raised-1-690c7a70',
      'openrouter-test-openrouter-errors-raised-2-4ee011a1',
      'perplexity-error-handling-raises-appropriate-auth-error-0-95e8168a',
      'perplexity-l-error-scenarios-handles-context-length-exceeded-errors-0-5c0954d7',
    ],
    reason: 'the error has a number for its code, where clients of OpenAI read a word',
  },
]

export const toldAnewFor = (id: string): Told | undefined => toldAnew.find(({ ids }) => ids.includes(id))
