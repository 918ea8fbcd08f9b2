import { below, chat, messages, responses } from './compatible.ts'
import type { Provider } from './provider.ts'

const region = { help: 'the AWS region', env: ['AWS_REGION', 'AWS_DEFAULT_REGION'], fallback: 'us-east-1' }
const keyVariables = ['AWS_BEARER_TOKEN_BEDROCK']
const chain: NonNullable<Provider['chain']> = {
  kind: 'aws_default',
  variables: [
    ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
    ['AWS_PROFILE'],
    ['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN'],
    ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
    ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
  ],
}

/** Bedrock Runtime with a Bedrock API key. Clients of Claude reach it in their own words, all others by Converse. */
export const bedrock: Provider = {
  label: 'AWS Bedrock',
  baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
  ownHosts: /^bedrock-runtime(-fips)?\.[a-z0-9-]+\.amazonaws\.com$/,
  endpoints: [
    {
      dialect: 'bedrock-converse',
      whole: '/model/{model}/converse',
      stream: '/model/{model}/converse-stream',
      countTokens: '/model/{model}/count-tokens',
    },
    {
      dialect: 'bedrock-invoke',
      alike: 'anthropic-messages',
      models: /anthropic\.claude/,
      whole: '/model/{model}/invoke',
      stream: '/model/{model}/invoke-with-response-stream',
    },
  ],
  keyHeader: 'bearer',
  credentialKinds: ['aws_static', 'aws_profile', 'aws_role', 'aws_default'],
  chain,
  keyVariables,
  settings: { region },
  // The models are listed by another service of Bedrock, beside the one that runs them.
  listUrl: ({ origin }) => new URL('/foundation-models', origin.replace('//bedrock-runtime', '//bedrock')),
}

/** Bedrock's endpoint for the dialects of OpenAI and Anthropic. */
export const bedrockMantle: Provider = {
  label: 'AWS Bedrock (Mantle)',
  baseUrl: 'https://bedrock-mantle.{region}.api.aws',
  ownHosts: /^bedrock-mantle\.[a-z0-9-]+\.api\.aws$/,
  endpoints: [
    { ...below('/anthropic', messages), models: /claude/ },
    { ...below('/v1', chat), models: /^(?!.*claude)/ },
    { ...below('/openai/v1', responses), models: /^openai\.gpt-(?!oss)/ },
    { ...below('/v1', responses), models: /^(?!.*claude)/ },
  ],
  keyHeader: 'bearer',
  credentialKinds: ['aws_static', 'aws_profile', 'aws_role', 'aws_default'],
  chain,
  keyVariables,
  asksForStreamUsage: true,
  settings: { region },
  listUrl: ({ origin }) => new URL('/v1/models', origin),
}
