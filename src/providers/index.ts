import { anthropic } from './anthropic.ts'
import { azure } from './azure.ts'
import { bedrock, bedrockMantle } from './bedrock.ts'
import { below, chat, local, messages, openaiCompatible, responses } from './compatible.ts'
import { gemini, vertex } from './google.ts'
import { mock } from './mock/mock.ts'
import { openai } from './openai.ts'
import type { Provider } from './provider.ts'

/** Every provider we know. To add one, add a row: its name, its type and its settings follow from here. */
export const providers = {
  openai,
  anthropic,
  gemini,
  azure,
  bedrock,
  'bedrock-mantle': bedrockMantle,
  vertex,
  // Vendors who speak OpenAI's chat dialect; what is peculiar to their models stands in abilities.ts.
  groq: openaiCompatible('Groq', 'https://api.groq.com/openai/v1', 'GROQ_API_KEY'),
  // Tells its usage unasked, and once refused the question.
  mistral: openaiCompatible('Mistral', 'https://api.mistral.ai/v1', 'MISTRAL_API_KEY', { asksForStreamUsage: false }),
  deepseek: openaiCompatible('DeepSeek', 'https://api.deepseek.com', 'DEEPSEEK_API_KEY', {
    endpoints: [chat, responses, below('/../anthropic', messages)],
  }),
  xai: openaiCompatible('xAI', 'https://api.x.ai/v1', 'XAI_API_KEY', { endpoints: [chat, responses] }),
  togetherai: openaiCompatible('Together AI', 'https://api.together.xyz/v1', 'TOGETHER_API_KEY'),
  fireworksai: openaiCompatible('Fireworks AI', 'https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY'),
  openrouter: openaiCompatible('OpenRouter', 'https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY', {
    endpoints: [chat, responses],
  }),
  deepinfra: openaiCompatible('DeepInfra', 'https://api.deepinfra.com/v1/openai', 'DEEPINFRA_API_KEY'),
  parasail: openaiCompatible('Parasail', 'https://api.parasail.io/v1', 'PARASAIL_API_KEY'),
  zai: openaiCompatible('Z.ai', 'https://api.z.ai/api/paas/v4', 'ZAI_API_KEY'),
  cerebras: openaiCompatible('Cerebras', 'https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY'),
  // Tells its usage in every chunk, unasked.
  perplexity: openaiCompatible('Perplexity', 'https://api.perplexity.ai', 'PERPLEXITY_API_KEY', {
    asksForStreamUsage: false,
  }),
  moonshot: openaiCompatible('Moonshot AI', 'https://api.moonshot.ai/v1', 'MOONSHOT_API_KEY', {
    endpoints: [chat, below('/../anthropic', messages)],
  }),
  alibaba: openaiCompatible(
    'Alibaba Cloud Model Studio',
    'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
    'DASHSCOPE_API_KEY',
  ),
  nvidia: openaiCompatible('NVIDIA', 'https://integrate.api.nvidia.com/v1', 'NVIDIA_API_KEY'),
  huggingface: openaiCompatible('Hugging Face', 'https://router.huggingface.co/v1', 'HF_TOKEN'),
  sambanova: openaiCompatible('SambaNova', 'https://api.sambanova.ai/v1', 'SAMBANOVA_API_KEY'),
  cohere: openaiCompatible('Cohere', 'https://api.cohere.ai/compatibility/v1', 'COHERE_API_KEY'),
  'github-models': openaiCompatible('GitHub Models', 'https://models.github.ai/inference', 'GITHUB_TOKEN'),
  // Servers on one's own machine, and any other host that speaks the dialect.
  ollama: local('Ollama', 'http://127.0.0.1:11434/v1', { dialect: 'ollama', whole: '/../api/chat', optional: true }),
  vllm: local('vLLM', 'http://127.0.0.1:8000/v1'),
  lmstudio: local('LM Studio', 'http://127.0.0.1:1234/v1'),
  llamacpp: local('llama.cpp', 'http://127.0.0.1:8080/v1'),
  custom: local('a host of your own', undefined),
  mock,
} satisfies Record<string, Provider>

export type ProviderName = keyof typeof providers

const rows: Readonly<Record<string, Provider>> = providers

/** The row of the table for a name; undefined for one that is not ours. */
export const providerNamed = (name: string): Provider | undefined =>
  Object.hasOwn(rows, name) ? rows[name] : undefined
