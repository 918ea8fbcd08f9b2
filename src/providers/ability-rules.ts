import type { ModelAbilities, Rule } from './abilities.ts'

/** Models of OpenAI that think. `-chat` models do not; on Azure 3.5 is written 35. */
export const openaiThinks = /\b(o[1-9]|gpt-([5-9]|[12]\d)(?!\d))(?!.*-chat)/

const openaiFrom = {
  v51: /\bgpt-(5\.[1-9]|[6-9]|[12]\d)(?!\d)(?!.*-chat)/,
  v52: /\bgpt-(5\.[2-9]|[6-9]|[12]\d)(?!\d)(?!.*-chat)/,
  v54: /\bgpt-(5\.[4-9]|[6-9]|[12]\d)(?!\d)(?!.*-chat)/,
  v56: /\bgpt-(5\.[6-9]|[6-9]|[12]\d)(?!\d)(?!.*-chat)/,
}

/** Claude from a version on; behind the version may stand a date, which has eight digits. */
const claudeFrom = {
  v37: /claude-(3[-.]7|[a-z]+-([4-9]|\d\d)(?!\d))/,
  v46: /claude-[a-z]+-(4[-.][6-9]|[5-9]|\d\d)(?!\d)/,
  v47: /claude-[a-z]+-(4[-.][7-9]|[5-9]|\d\d)(?!\d)/,
  v5: /claude-[a-z]+-([5-9]|\d\d)(?!\d)/,
}

type Scope = Omit<Rule, 'models' | 'can'>

/** Rules for some models, or for `any`, of those who are meant together. */
const among =
  (scope: Scope) =>
  (models: RegExp, can: ModelAbilities): Rule => ({ ...scope, models, can })

const any = /^/

/** Who serves OpenAI's own models as OpenAI does. */
const openaiHosts = ['openai', 'azure', 'bedrock-mantle', 'github-models']
const openaiDialects = ['openai-chat', 'openai-responses']
const openai = among({ providers: openaiHosts, dialects: openaiDialects })
const openaiWhileThinking = among({ providers: openaiHosts, dialects: openaiDialects, isOff: false })
const openaiChat = among({ providers: openaiHosts, dialects: ['openai-chat'] })
const compatible = among({ except: openaiHosts, dialects: ['openai-chat'] })
const host = (...providers: readonly string[]) => among({ providers, dialects: ['openai-chat'] })

const sampling = ['temperature', 'topP', 'logprobs'] as const
const asOldHosts: ModelAbilities = { maxTokensField: 'max_tokens', instructions: 'system' }

/** OpenAI's, and what its compatible hosts make of it. */
const openaiRules: readonly Rule[] = [
  // Old compatible hosts know `max_tokens` and `system` only, and newer ones still take them.
  compatible(any, asOldHosts),
  // The same goes for somebody else's models on somebody else's host under the name of OpenAI.
  among({ providers: ['openai'], dialects: ['openai-chat'], atHome: false })(
    /^(?!.*\b(o[1-9]|gpt-\d|chatgpt))/,
    asOldHosts,
  ),
  // OpenAI answers a field that it does not know with a 400.
  among({ providers: ['openai'], dialects: ['openai-chat'], atHome: true })(any, { unknownFields: false }),
  host('azure', 'bedrock-mantle', 'github-models')(any, { unknownFields: false }),
  // Models that do not think refuse to be asked how much they should.
  openai(/\b(gpt-(3|4)|chatgpt|gpt-.*-chat)/, { reasoning: 'none' }),
  // The oldest know no developers; these two know no instructions at all.
  openaiChat(/\bgpt-(3|4(?![.o\d]))/, { instructions: 'system' }),
  openai(/\bo1-(mini|preview)/, { instructionsField: false }),
  // Those that think refuse biases and penalties, and to have their sampling changed while they think. Only from
  // GPT-5.1 on thinking can be turned off.
  openai(openaiThinks, {
    reasoning: 'effort',
    thinkingCanBeOff: false,
    refuses: ['frequencyPenalty', 'presencePenalty', 'logitBias'],
  }),
  openaiWhileThinking(openaiThinks, { refuses: sampling }),
  openai(/\b(o[1-9]|gpt-5(?![.\d]))(?!.*-chat)/, { refuses: sampling }),
  openai(openaiFrom.v51, { thinkingCanBeOff: true }),
  // o3, o4 and all of GPT-5 refuse stop sequences; o1 and o3-mini take them.
  openaiChat(/\b(o3(?!-mini)|o[4-9]|gpt-([5-9]|[12]\d)(?!\d))(?!.*-chat)/, { refuses: ['stop'] }),
  // Which words for effort there are has changed with nearly every version.
  openai(openaiThinks, { efforts: ['low', 'medium', 'high'] }),
  openai(/\bgpt-5(?![.\d])(?!.*-chat)/, { efforts: ['minimal', 'low', 'medium', 'high'] }),
  openai(openaiFrom.v51, { efforts: ['none', 'low', 'medium', 'high'] }),
  openai(openaiFrom.v52, { efforts: ['none', 'low', 'medium', 'high', 'xhigh'] }),
  openai(openaiFrom.v56, { efforts: ['none', 'low', 'medium', 'high', 'xhigh', 'max'] }),
  openai(/\bgpt-5-pro/, { efforts: ['high'] }),
  openai(/\bgpt-5.*codex/, { thinkingCanBeOff: false, efforts: ['low', 'medium', 'high'] }),
  openai(/\bgpt-5.*codex-max|\bgpt-5\.[2-9].*codex/, { efforts: ['low', 'medium', 'high', 'xhigh'] }),
  // "Function tools with reasoning_effort are not supported … in /v1/chat/completions": Responses takes both.
  host('openai', 'azure')(openaiFrom.v54, { bridgesTools: 'openai-responses' }),
]

/** Vendors who are compatible with OpenAI, each with what its own API refuses. */
const hostRules: readonly Rule[] = [
  // One choice only, and neither log probabilities nor biases on most models.
  host('groq')(any, { unknownFields: false, reasoning: 'none', refuses: ['choices', 'logprobs', 'logitBias'] }),
  host('groq')(/gpt-oss/, { reasoning: 'effort', efforts: ['low', 'medium', 'high'] }),
  host('groq')(/qwen/, { reasoning: 'effort', efforts: ['none', 'default'] }),
  // What Mistral's schema does not name is a 422. Ids of calls have nine letters and digits.
  host('mistral')(any, {
    callIds: 'nine',
    requiredWord: 'any',
    seedField: 'random_seed',
    unknownFields: false,
    reasoning: 'none',
    refuses: ['logprobs', 'logitBias', 'user', 'serviceTier', 'store', 'cacheKey', 'verbosity', 'modalities', 'audio'],
  }),
  host('mistral')(/mistral-(small|medium)/, { reasoning: 'effort', efforts: ['none', 'high'] }),
  // DeepSeek, Kimi and GLM think by a switch. Their thoughts of a turn with tools have to come back, else it is a 400.
  host(
    'deepseek',
    'moonshot',
    'zai',
  )(any, {
    thinkingField: 'thinking',
    wantsThoughts: true,
    thoughtsField: 'reasoning_content',
  }),
  host('deepseek', 'zai')(any, { reasoning: 'effort' }),
  // JSON, but no schema for it.
  host('deepseek')(any, { schema: 'none', efforts: ['low', 'medium', 'high', 'max'] }),
  host('alibaba')(any, { thinkingField: 'enable_thinking' }),
  // Grok's thinking models refuse penalties and stops; only some let themselves be told how much to think.
  host('xai')(any, { reasoning: 'none' }),
  host('xai', 'azure')(/grok-(3-mini|[4-9]|code)(?!.*non-reasoning)/, {
    refuses: ['frequencyPenalty', 'presencePenalty', 'stop'],
  }),
  host('xai')(/grok-3-mini/, { reasoning: 'effort', efforts: ['low', 'high'] }),
  host('xai')(/grok-(4\.[2-9]|[5-9])/, { reasoning: 'effort', efforts: ['low', 'medium', 'high'] }),
  host('cerebras')(any, {
    unknownFields: false,
    refuses: ['frequencyPenalty', 'presencePenalty', 'logitBias', 'serviceTier'],
  }),
  host('perplexity')(any, { tools: false }),
  // It gives thoughts with their seals as a list, and wants the list back: of the vendor whose model it asks.
  host('openrouter')(any, {
    thinkingField: 'reasoning',
    wantsThoughts: true,
    thoughtsField: 'reasoning_details',
    seals: 'openrouter',
  }),
  host('openrouter')(/^~?anthropic\//, { seals: 'anthropic' }),
  host('openrouter')(/^~?google\//, { seals: 'gemini' }),
  host('openrouter')(/^~?openai\//, { seals: 'openai' }),
]

const messagesDialects = ['anthropic-messages', 'bedrock-invoke', 'vertex-anthropic']
/** Whoever is asked in Anthropic's words. */
const messages = among({ dialects: messagesDialects })
const claude = among({ dialects: [...messagesDialects, 'bedrock-converse'] })

/** Claude, at its vendor's and on the clouds. */
const claudeRules: readonly Rule[] = [
  // The body has to name a limit: the model's own, or one that all take.
  messages(any, { defaultMaxTokens: 8_192 }),
  messages(/claude-(instant|v2|2|3-(opus|sonnet|haiku))/, { defaultMaxTokens: 4_096 }),
  messages(claudeFrom.v37, { defaultMaxTokens: 64_000 }),
  messages(/claude-opus-4([-.][01])?(?![-.]\d(?!\d))(?!\d)/, { defaultMaxTokens: 32_000 }),
  messages(/claude-opus-(4[-.][6-9]|[5-9])(?!\d)/, { defaultMaxTokens: 128_000 }),
  // Hosts that only speak as Anthropic does know what Claude knew first.
  messages(/^(?!.*claude)/, { reasoning: 'budget', schema: 'tool' }),
  claude(/claude/, { seals: 'anthropic', reasoning: 'none', schema: 'tool', systemMidway: false }),
  // Until 4.5 thinking is given a budget; from 4.6 on the model itself decides how much, as far as the effort lets it.
  claude(claudeFrom.v37, { reasoning: 'budget' }),
  claude(claudeFrom.v46, { reasoning: 'adaptive', prefill: false, efforts: ['low', 'medium', 'high', 'max'] }),
  // From 4.7 on sampling cannot be changed any more.
  claude(claudeFrom.v47, {
    refuses: ['temperature', 'topP', 'topK'],
    efforts: ['low', 'medium', 'high', 'xhigh', 'max'],
  }),
  // Schemas of answers are known to Opus from 4.1 on, and to the others from 4.5 on.
  claude(/claude-(opus-4[-.]1|[a-z]+-4[-.][5-9])(?!\d)/, { schema: 'native' }),
  claude(claudeFrom.v5, { schema: 'native', systemMidway: true }),
  // These take a temperature or a top_p, but not both.
  claude(/claude-(opus-4[-.]1|[a-z]+-4[-.][56])(?!\d)/, { temperatureOrTopP: true }),
  // On the clouds the body says the version, and media have to come along.
  among({ dialects: ['bedrock-invoke'] })(any, { bodyVersion: 'bedrock-2023-05-31', urls: false }),
  among({ dialects: ['vertex-anthropic'] })(any, { bodyVersion: 'vertex-2023-10-16', urls: false }),
]

const bedrock = among({ dialects: ['bedrock-converse'] })

/** Everybody else on Bedrock. Whatever the model, media come as bytes. */
const bedrockRules: readonly Rule[] = [
  bedrock(any, { urls: false }),
  bedrock(/^(?!.*claude)/, { reasoning: 'none' }),
  bedrock(/^(?!.*(claude|nova))/, { prefill: false }),
  bedrock(/gpt-oss|nova-2|nova-premier-2/, { reasoning: 'effort' }),
  // A schema for the answer: Nova and Mistral can be made to call a tool with it, the older ones cannot even that.
  bedrock(/nova-|mistral-large|pixtral/, { schema: 'tool' }),
  bedrock(/llama|titan|cohere|ai21|mistral-7b|mixtral/, { schema: 'none' }),
  bedrock(/llama|mistral|deepseek|gpt-oss|cohere|ai21/, { mediaInResults: false }),
  bedrock(/mistral|pixtral|magistral/, { callIds: 'nine' }),
  // "This model doesn't support system messages": they go into the first turn.
  bedrock(/titan|mistral-7b|mixtral-8x7b/, { instructionsField: false }),
  bedrock(/titan|mistral-7b|llama3-(8b|70b)/, { tools: false }),
]

const gemini = among({ dialects: ['gemini'] })

/** Google's. Names without a number, such as gemini-flash-latest, are those of the newest. */
const geminiRules: readonly Rule[] = [
  gemini(any, { reasoning: 'effort', thinkingLevels: true }),
  // Flash can think next to nothing; Pro has no level for that, and the first one has none in the middle either.
  gemini(/gemini-.*pro/, { thinkingCanBeOff: false, efforts: ['low', 'medium', 'high'] }),
  gemini(/gemini-3-pro/, { efforts: ['low', 'high'] }),
  // Until 2.5 there were budgets, and before that no thoughts, and schemas in OpenAPI's subset only.
  gemini(/gemini-[12]\./, { thinkingLevels: false, efforts: undefined }),
  gemini(/gemini-2\.5/, { reasoning: 'budget' }),
  gemini(/gemini-(1\.|2\.[0-4])/, { reasoning: 'none', thinkingCanBeOff: true, jsonSchema: false }),
  gemini(/gemma/, { instructionsField: false, reasoning: 'none', thinkingLevels: false }),
  // Labels and log probabilities are Vertex's.
  among({ providers: ['gemini'] })(any, { refuses: ['metadata', 'logprobs'] }),
]

/** What models take, from the general to the particular. */
/** Encrypted thoughts can be read by the host alone that made them, though all of them call them the same. */
const sealRules: readonly Rule[] = ['azure', 'bedrock-mantle', 'xai', 'deepseek', 'openrouter'].map((name) => ({
  providers: [name],
  dialects: ['openai-responses'],
  can: { seals: name },
}))

export const rules: readonly Rule[] = [
  ...openaiRules,
  ...hostRules,
  ...claudeRules,
  ...bedrockRules,
  ...geminiRules,
  ...sealRules,
]
