import { anthropicLibrary } from './libraries/anthropic.ts'
import { genaiLibrary } from './libraries/genai.ts'
import { langchainLibraries } from './libraries/langchain.ts'
import { openAiChatLibrary } from './libraries/openai-chat.ts'
import { openAiResponsesLibrary, openAiStoredLibrary } from './libraries/openai-responses.ts'
import { vercelLibraries } from './libraries/vercel.ts'
import type { Library } from './library.ts'

/** Every client library that has to work with Trunkline. To add one, add a file with its row. */
export const libraries: readonly Library[] = [
  openAiChatLibrary,
  openAiResponsesLibrary,
  openAiStoredLibrary,
  anthropicLibrary,
  genaiLibrary,
  ...vercelLibraries,
  ...langchainLibraries,
]
