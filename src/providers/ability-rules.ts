import type { Rule } from './abilities.ts'

/** Models of OpenAI that think. `-chat` models do not; on Azure 3.5 is written 35. */
export const openaiThinks = /\b(o[1-9]|gpt-([5-9]|[12]\d)(?!\d))(?!.*-chat)/

const openaiFrom = {
  gpt51: /\bgpt-(5\.[1-9]|[6-9]|[12]\d)(?!\d)(?!.*-chat)/,
  gpt52: /\bgpt-(5\.[2-9]|[6-9]|[12]\d)(?!\d)(?!.*-chat)/,
  gpt54: /\bgpt-(5\.[4-9]|[6-9]|[12]\d)(?!\d)(?!.*-chat)/,
  gpt56: /\bgpt-(5\.[6-9]|[6-9]|[12]\d)(?!\d)(?!.*-chat)/,
}

/** Claude from a version on; behind the version may stand a date, which has eight digits. */
const claudeFrom = {
  v37: /claude-(3[-.]7|[a-z]+-([4-9]|\d\d)(?!\d))/,
  v46: /claude-[a-z]+-(4[-.][6-9]|[5-9]|\d\d)(?!\d)/,
  v47: /claude-[a-z]+-(4[-.][7-9]|[5-9]|\d\d)(?!\d)/,
  v5: /claude-[a-z]+-([5-9]|\d\d)(?!\d)/,
}

const openaiDialects = ['openai-chat', 'openai-responses']
const messagesDialects = ['anthropic-messages', 'bedrock-invoke', 'vertex-anthropic']
const claudeDialects = [...messagesDialects, 'bedrock-converse']
/** Who serves OpenAI's own models as OpenAI does. */
const openaiHosts = ['openai', 'azure', 'bedrock-mantle', 'github-models']

const sampling = ['temperature', 'topP', 'topK'] as const

/** OpenAI's, and what its compatible hosts make of it. */
const chatRules: readonly Rule[] = [
  // Old compatible hosts know `max_tokens` and `system` only, and newer ones still take them.
  {
    except: openaiHosts,
    dialects: ['openai-chat'],
    can: { maxTokensField: 'max_tokens', instructions: 'system' },
  },
  // Somebody else's host under the name of OpenAI, with somebody else's models.
  {
    providers: ['openai'],
    atHome: false,
    dialects: ['openai-chat'],
    models: /^(?!.*\b(o[1-9]|gpt-\d|chatgpt))/,
    can: { maxTokensField: 'max_tokens', instructions: 'system' },
  },
  // OpenAI answers a field that it does not know with a 400.
  { providers: ['openai'], atHome: true, dialects: ['openai-chat'], can: { unknownFields: false } },
  {
    providers: openaiHosts.filter((name) => name !== 'openai'),
    dialects: ['openai-chat'],
    can: { unknownFields: false },
  },
  // Models that do not think refuse to be asked how much they should.
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: /\b(gpt-(3|4)|chatgpt|gpt-.*-chat)/,
    can: { reasoning: 'none' },
  },
  // The oldest know no developers.
  {
    providers: openaiHosts,
    dialects: ['openai-chat'],
    models: /\bgpt-(3|4(?![.o\d]))/,
    can: { instructions: 'system' },
  },
  // Those that think refuse to have their sampling changed: temperature, top_p and log probabilities always, but…
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: openaiThinks,
    can: {
      reasoning: 'effort',
      thinkingCanBeOff: false,
      efforts: ['low', 'medium', 'high'],
      refuses: ['frequencyPenalty', 'presencePenalty', 'logitBias'],
    },
  },
  // … from GPT-5.1 on they take these as long as they do not think.
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: openaiThinks,
    isOff: false,
    can: { refuses: ['temperature', 'topP', 'logprobs'] },
  },
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: /\b(o[1-9]|gpt-5(?![.\d]))(?!.*-chat)/,
    can: { refuses: ['temperature', 'topP', 'logprobs'] },
  },
  // o3, o4 and all of GPT-5 refuse stop sequences; o1 and o3-mini take them.
  {
    providers: openaiHosts,
    dialects: ['openai-chat'],
    models: /\b(o3(?!-mini)|o[4-9]|gpt-([5-9]|[12]\d)(?!\d))(?!.*-chat)/,
    can: { refuses: ['stop'] },
  },
  // Which words for effort there are has changed with nearly every version.
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: /\bgpt-5(?![.\d])(?!.*-chat)/,
    can: { efforts: ['minimal', 'low', 'medium', 'high'] },
  },
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: openaiFrom.gpt51,
    can: { thinkingCanBeOff: true, efforts: ['none', 'low', 'medium', 'high'] },
  },
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: openaiFrom.gpt52,
    can: { efforts: ['none', 'low', 'medium', 'high', 'xhigh'] },
  },
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: openaiFrom.gpt56,
    can: { efforts: ['none', 'low', 'medium', 'high', 'xhigh', 'max'] },
  },
  { providers: openaiHosts, dialects: openaiDialects, models: /\bgpt-5-pro/, can: { efforts: ['high'] } },
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: /\bgpt-5.*codex/,
    can: { thinkingCanBeOff: false, efforts: ['low', 'medium', 'high'] },
  },
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: /\bgpt-5.*codex-max|\bgpt-5\.[2-9].*codex/,
    can: { efforts: ['low', 'medium', 'high', 'xhigh'] },
  },
  // "Function tools with reasoning_effort are not supported … in /v1/chat/completions": Responses takes both.
  {
    providers: ['openai', 'azure'],
    dialects: ['openai-chat'],
    models: openaiFrom.gpt54,
    can: { bridgesTools: 'openai-responses' },
  },
  // These refuse `system` and `developer` alike.
  {
    providers: openaiHosts,
    dialects: openaiDialects,
    models: /\bo1-(mini|preview)/,
    can: { instructionsField: false },
  },
]

/** Vendors who are compatible with OpenAI, each with what its own API refuses. */
const hostRules: readonly Rule[] = [
  // One choice only, and neither log probabilities nor biases on most models.
  {
    providers: ['groq'],
    can: { unknownFields: false, reasoning: 'none', refuses: ['choices', 'logprobs', 'logitBias'] },
  },
  { providers: ['groq'], models: /gpt-oss/, can: { reasoning: 'effort', efforts: ['low', 'medium', 'high'] } },
  { providers: ['groq'], models: /qwen/, can: { reasoning: 'effort', efforts: ['none', 'default'] } },
  // What Mistral's schema does not name is a 422. Ids of calls have nine letters and digits.
  {
    providers: ['mistral'],
    can: {
      callIds: 'nine',
      requiredWord: 'any',
      seedField: 'random_seed',
      unknownFields: false,
      reasoning: 'none',
      refuses: [
        'topK',
        'logprobs',
        'logitBias',
        'user',
        'serviceTier',
        'store',
        'cacheKey',
        'verbosity',
        'modalities',
        'audio',
      ],
    },
  },
  { providers: ['mistral'], models: /mistral-(small|medium)/, can: { reasoning: 'effort', efforts: ['none', 'high'] } },
  // JSON, but no schema for it. Thoughts of a turn with tools have to come back, else it is a 400.
  {
    providers: ['deepseek'],
    dialects: ['openai-chat'],
    can: { schema: 'none', reasoning: 'effort', efforts: ['low', 'medium', 'high', 'max'] },
  },
  { providers: ['zai'], dialects: ['openai-chat'], can: { reasoning: 'effort' } },
  // DeepSeek, Kimi and GLM think by a switch, and want their thoughts back with tools.
  {
    providers: ['deepseek', 'moonshot', 'zai'],
    dialects: ['openai-chat'],
    can: { thinkingField: 'thinking', wantsThoughts: true, thoughtsField: 'reasoning_content' },
  },
  { providers: ['alibaba'], dialects: ['openai-chat'], can: { thinkingField: 'enable_thinking' } },
  // Grok's thinking models refuse penalties and stops; only some let themselves be told how much to think.
  { providers: ['xai'], dialects: ['openai-chat'], can: { reasoning: 'none' } },
  {
    providers: ['xai', 'azure'],
    dialects: ['openai-chat'],
    models: /grok-(3-mini|[4-9]|code)(?!.*non-reasoning)/,
    can: { refuses: ['frequencyPenalty', 'presencePenalty', 'stop'] },
  },
  { providers: ['xai'], models: /grok-3-mini/, can: { reasoning: 'effort', efforts: ['low', 'high'] } },
  {
    providers: ['xai'],
    models: /grok-(4\.[2-9]|[5-9])/,
    can: { reasoning: 'effort', efforts: ['low', 'medium', 'high'] },
  },
  {
    providers: ['cerebras'],
    can: { unknownFields: false, refuses: ['frequencyPenalty', 'presencePenalty', 'logitBias', 'serviceTier'] },
  },
  { providers: ['perplexity'], can: { tools: false } },
  // It gives thoughts with their seals as a list, and wants the list back: of the vendor whose model it asks.
  {
    providers: ['openrouter'],
    dialects: ['openai-chat'],
    can: {
      thinkingField: 'reasoning',
      wantsThoughts: true,
      thoughtsField: 'reasoning_details',
      seals: 'openrouter',
    },
  },
  { providers: ['openrouter'], models: /^~?anthropic\//, can: { seals: 'anthropic' } },
  { providers: ['openrouter'], models: /^~?google\//, can: { seals: 'gemini' } },
  { providers: ['openrouter'], models: /^~?openai\//, can: { seals: 'openai' } },
]

/** Claude, at its vendor's and on the clouds. */
const claudeRules: readonly Rule[] = [
  // The body has to name a limit. An unknown model gets one that all take.
  { dialects: messagesDialects, can: { defaultMaxTokens: 8_192 } },
  // Hosts that only speak as Anthropic does know what Claude knew first.
  { dialects: messagesDialects, models: /^(?!.*claude)/, can: { reasoning: 'budget', schema: 'tool' } },
  {
    dialects: claudeDialects,
    models: /claude/,
    can: { seals: 'anthropic', reasoning: 'none', schema: 'tool', systemMidway: false },
  },
  {
    dialects: messagesDialects,
    models: /claude-(instant|v2|2|3-(opus|sonnet|haiku))/,
    can: { defaultMaxTokens: 4_096 },
  },
  { dialects: messagesDialects, models: claudeFrom.v37, can: { defaultMaxTokens: 64_000 } },
  {
    dialects: messagesDialects,
    models: /claude-opus-4([-.][01])?(?![-.]\d(?!\d))(?!\d)/,
    can: { defaultMaxTokens: 32_000 },
  },
  { dialects: messagesDialects, models: /claude-opus-(4[-.][6-9]|[5-9])(?!\d)/, can: { defaultMaxTokens: 128_000 } },
  // Until 4.5 thinking is given a budget; from 4.6 on the model itself decides how much, as far as the effort lets it.
  { dialects: claudeDialects, models: claudeFrom.v37, can: { reasoning: 'budget' } },
  {
    dialects: claudeDialects,
    models: claudeFrom.v46,
    can: { reasoning: 'adaptive', prefill: false, efforts: ['low', 'medium', 'high', 'max'] },
  },
  // From 4.7 on sampling cannot be changed any more.
  {
    dialects: claudeDialects,
    models: claudeFrom.v47,
    can: { refuses: sampling, efforts: ['low', 'medium', 'high', 'xhigh', 'max'] },
  },
  // Schemas of answers are known to Opus from 4.1 on, and to the others from 4.5 on.
  { dialects: claudeDialects, models: /claude-(opus-4[-.]1|[a-z]+-4[-.][5-9])(?!\d)/, can: { schema: 'native' } },
  { dialects: claudeDialects, models: claudeFrom.v5, can: { schema: 'native', systemMidway: true } },
  // These take a temperature or a top_p, but not both.
  { dialects: claudeDialects, models: /claude-(opus-4[-.]1|[a-z]+-4[-.][56])(?!\d)/, can: { temperatureOrTopP: true } },
  // On the clouds the body says the version, and media have to come along.
  { dialects: ['bedrock-invoke'], can: { bodyVersion: 'bedrock-2023-05-31', urls: false } },
  { dialects: ['vertex-anthropic'], can: { bodyVersion: 'vertex-2023-10-16', urls: false } },
]

/** Everybody else on Bedrock. Whatever the model, media come as bytes. */
const bedrockRules: readonly Rule[] = [
  { dialects: ['bedrock-converse'], can: { urls: false } },
  { dialects: ['bedrock-converse'], models: /^(?!.*claude)/, can: { reasoning: 'none', prefill: false } },
  // A schema for the answer: Nova and Mistral can be made to call a tool with it, the older ones cannot even that.
  { dialects: ['bedrock-converse'], models: /nova-|mistral-large|pixtral/, can: { schema: 'tool' } },
  { dialects: ['bedrock-converse'], models: /llama|titan|cohere|ai21|mistral-7b|mixtral/, can: { schema: 'none' } },
  { dialects: ['bedrock-converse'], models: /gpt-oss|nova-2|nova-premier-2/, can: { reasoning: 'effort' } },
  {
    dialects: ['bedrock-converse'],
    models: /llama|mistral|deepseek|gpt-oss|cohere|ai21/,
    can: { mediaInResults: false },
  },
  { dialects: ['bedrock-converse'], models: /mistral|pixtral|magistral/, can: { callIds: 'nine' } },
  // "This model doesn't support system messages": they go into the first turn.
  { dialects: ['bedrock-converse'], models: /titan|mistral-7b|mixtral-8x7b/, can: { instructionsField: false } },
  { dialects: ['bedrock-converse'], models: /titan|mistral-7b|llama3-(8b|70b)/, can: { tools: false } },
]

/** Google's. Names without a number, such as gemini-flash-latest, are those of the newest. */
const geminiRules: readonly Rule[] = [
  { dialects: ['gemini'], can: { reasoning: 'effort', thinkingLevels: true } },
  // Flash can think next to nothing; Pro has no level for that, and the first one has none in the middle either.
  {
    dialects: ['gemini'],
    models: /gemini-.*pro/,
    can: { thinkingCanBeOff: false, efforts: ['low', 'medium', 'high'] },
  },
  { dialects: ['gemini'], models: /gemini-3-pro/, can: { efforts: ['low', 'high'] } },
  // Until 2.5 there were budgets, and before that no thoughts, and schemas in OpenAPI's subset only.
  { dialects: ['gemini'], models: /gemini-[12]\./, can: { thinkingLevels: false, efforts: undefined } },
  { dialects: ['gemini'], models: /gemini-2\.5/, can: { reasoning: 'budget' } },
  {
    dialects: ['gemini'],
    models: /gemini-(1\.|2\.[0-4])/,
    can: { reasoning: 'none', thinkingCanBeOff: true, jsonSchema: false },
  },
  {
    dialects: ['gemini'],
    models: /gemma/,
    can: { instructionsField: false, reasoning: 'none', thinkingLevels: false },
  },
  // Labels and log probabilities are Vertex's.
  { providers: ['gemini'], can: { refuses: ['metadata', 'logprobs'] } },
]

/** What models take, from the general to the particular. */
export const rules: readonly Rule[] = [...chatRules, ...hostRules, ...claudeRules, ...bedrockRules, ...geminiRules]
