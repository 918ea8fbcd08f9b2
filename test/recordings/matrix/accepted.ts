/**
 * Differences that were looked at and are right as they are, each with its reason. One that no longer occurs fails the
 * matrix, so that the list says what is true.
 */
export interface Accepted {
  /** As the matrix calls them. */
  readonly properties: readonly string[]
  readonly ids: readonly string[]
  readonly reason: string
}

/** The next turn, built from our reading of the answer and by the clients of each door. */
const nextTurns = [
  'next turn',
  'next turn via openai-chat',
  'next turn via openai-responses',
  'next turn via anthropic-messages',
  'next turn via gemini',
]

const otherDoors = ['next turn via openai-chat', 'next turn via anthropic-messages', 'next turn via gemini']

export const accepted: readonly Accepted[] = [
  {
    properties: ['answer'],
    ids: [
      'snowflake-test-snowflake-native-output-0-05994705',
      'snowflake-test-snowflake-openai-model-0-8c556795',
      'snowflake-test-snowflake-thinking-0-b90f85ba',
      'snowflake-test-snowflake-thinking-1-bc4ce33c',
      'snowflake-test-snowflake-tool-calling-0-dd2ebe3f',
      'snowflake-test-snowflake-tool-calling-1-d082b2dd',
    ],
    reason:
      'Snowflake writes every field of every kind with nothing in it, its finish reason and ids too: what is empty is not written again, and the answer ends as what was said ends',
  },
  {
    properties: ['stream', 'whole'],
    ids: ['snowflake-test-snowflake-thinking-streaming-0-5c34c59f'],
    reason:
      'the stream never says why it ends, so that at its [DONE] it ends as what was said ends; a whole answer need not',
  },
  {
    properties: nextTurns,
    ids: [
      'bedrock-mantle-test-reused-tool-call-ids-gpt-5-5-0-f8097538',
      'bedrock-mantle-test-reused-tool-call-ids-gpt-5-5-1-c6ca80bd',
      'bedrock-mantle-test-reused-tool-call-ids-request-0-8dfd17da',
      'bedrock-mantle-test-reused-tool-call-ids-request-1-02cd29eb',
    ],
    reason: 'the host uses the same call ids in every turn, and the recording client made them different',
  },
  {
    properties: nextTurns,
    ids: [
      'bedrock-test-bedrock-model-thinking-part-deepseek-0-266eb252',
      'cerebras-test-cerebras-zai-reasoning-replayed-as-think-tags-0-891390a1',
      'groq-test-groq-model-thinking-part-0-9105106c',
      'groq-test-tool-use-failed-error-1-e93f8771',
    ],
    reason: 'the recording client moves thoughts into the text, or out of it, in <think> tags',
  },
  {
    properties: nextTurns,
    ids: [
      'gemini-function-calling-can-use-parallel-tool-calls-0-6d773bc0',
      'vertex-function-calling-can-use-parallel-tool-calls-1-8c82123f',
      'vertex-ling-can-handle-multiple-tool-calls-in-a-single-response-1-b8e104ba',
      'gemini-with-schema-allows-removing-schema-mid-conversation-0-0eeb6f1c',
    ],
    reason:
      'the recording client puts the signature of the first call on all parallel calls, or that of a text on a thought of its own; we send it where Gemini put it',
  },
  {
    properties: nextTurns,
    ids: ['openai-test-openai-responses-model-retry-0-96e68626', 'openai-test-prompted-output-multiple-0-0a2a1915'],
    reason: 'the recording client adds a message without text that the model never wrote',
  },
  {
    properties: nextTurns,
    ids: [
      'avian-multi-tool-streaming-0-e9ee6b80',
      'openrouter-multi-tool-streaming-0-e1e3c035',
      'openai-test-openai-responses-thinking-with-modified-history-0-21011992',
    ],
    reason:
      "the recording client sends another text than the model's: it is meant to, or it lost a piece of the stream",
  },
  {
    properties: ['next turn', ...otherDoors],
    ids: ['openai-sted-tool-search-stateless-continuation-without-item-ids-0-81d7b659'],
    reason:
      "the recording client writes the arguments of OpenAI's tool search anew, and other doors do not show that tool",
  },
  {
    properties: otherDoors,
    ids: [
      'openai-sted-tool-search-stateless-continuation-without-item-ids-1-02e08dcc',
      'openai-test-live-tool-search-handoff-anthropic-openai-anthropic-2-b162fef0',
      'openai-test-live-tool-search-handoff-anthropic-to-openai-2-b82c8b00',
      'openai-test-openai-promotes-local-search-history-round-trip-0-1ba67b3e',
    ],
    reason: 'the namespace of a function is known to Responses only: a client of another door has no place to keep it',
  },
  {
    properties: ['next turn via openai-responses', 'next turn via anthropic-messages', 'next turn via gemini'],
    ids: ['mistral-reserves-thinking-signatures-between-turns-when-provided-0-0eb769f1'],
    reason: 'thoughts that nobody sealed go back only to hosts that want them, and Mistral does not ask for them',
  },
  {
    properties: ['request to openai-chat', 'request to gemini'],
    ids: ['bedrock-citations-cites-tool-results-returned-as-search-results-1-8f8acca0'],
    reason: 'a passage that was found is told as text where the target has no passages, with its title before it',
  },
  {
    properties: ['request to openai-chat'],
    ids: ['deepseek-st-deepseek-responses-rejects-interleaved-function-calls-0-cceacdac'],
    reason: 'in chat the texts of a turn stand before its calls: a text between two calls has no other place',
  },
]
