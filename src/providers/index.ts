import { mock } from './mock/mock.ts'
import { openai } from './openai.ts'
import type { Provider } from './provider.ts'

/** Every provider we know. To add one, add a row: its name, its type and its settings follow from here. */
export const providers = {
  openai,
  mock,
} satisfies Record<string, Provider>
