/** An error as OpenAI words it. */
interface Refusal {
  readonly message: string
  readonly type: string
  readonly param?: string
  readonly code?: string
}

/** What OpenAI answers with each status. */
const refusals: Readonly<Record<number, (model: string) => Refusal>> = {
  400: () => ({
    message: "Invalid value for 'messages': the mock was asked to refuse this request.",
    type: 'invalid_request_error',
    param: 'messages',
    code: 'invalid_value',
  }),
  401: () => ({
    message:
      'Incorrect API key provided: mock. You can find your API key at https://platform.openai.com/account/api-keys.',
    type: 'invalid_request_error',
    code: 'invalid_api_key',
  }),
  403: () => ({
    message: 'Country, region, or territory not supported',
    type: 'request_forbidden',
    code: 'unsupported_country_region_territory',
  }),
  404: (model) => ({
    message: `The model \`${model}\` does not exist or you do not have access to it.`,
    type: 'invalid_request_error',
    code: 'model_not_found',
  }),
  429: (model) => ({
    message: `Rate limit reached for ${model} in organization org-mock on requests per min (RPM): Limit 60, Used 60, Requested 1. Please try again in 1s. Visit https://platform.openai.com/account/rate-limits to learn more.`,
    type: 'requests',
    code: 'rate_limit_exceeded',
  }),
  500: () => ({
    message: 'The server had an error while processing your request. Sorry about that!',
    type: 'server_error',
  }),
  503: () => ({ message: 'The engine is currently overloaded, please try again later', type: 'server_error' }),
}

/** The body of an error answer, and the data of an error event. */
export function errorBody(status: number, model: string, message?: string): string {
  const known = refusals[status]?.(model)
  const type = known?.type ?? (status >= 500 ? 'server_error' : 'invalid_request_error')
  return JSON.stringify({
    error: {
      message: message ?? known?.message ?? `The mock was asked to answer with status ${status}.`,
      type,
      param: known?.param ?? null,
      code: known?.code ?? null,
    },
  })
}

/** The headers that OpenAI sends beside a 429. */
export const rateLimitHeaders: Readonly<Record<string, string>> = {
  'x-ratelimit-limit-requests': '60',
  'x-ratelimit-limit-tokens': '90000',
  'x-ratelimit-remaining-requests': '0',
  'x-ratelimit-remaining-tokens': '89000',
  'x-ratelimit-reset-requests': '1s',
  'x-ratelimit-reset-tokens': '667ms',
}
