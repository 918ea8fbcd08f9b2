/** Names that say nothing, or what is clear already. */
const empty: ReadonlySet<string> = new Set([
  'Error',
  'TypeError',
  'AggregateError',
  'GaxiosError',
  'FetchError',
  'AuthenticationRequiredError',
  'AggregateAuthenticationError',
  'ClientAuthError',
  'ServerError',
])
/** What is said of a service that does not answer at all. */
const network =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ESOCKETTIMEDOUT|TimeoutError|network_error)$/
const most = 4
/** How deep the causes of an error are followed. */
const deepest = 4

/**
 * What of a vendor's error can be shown to anybody: names, codes and statuses, never its sentences, which may repeat what
 * was sent. What looks like a piece of a secret is left out, too.
 */
export function failureWords(thrown: unknown, secrets: readonly string[]): readonly string[] {
  const found = new Set<string>()
  collect(thrown, found, 0)
  const words = [...found].filter((word) => isHarmless(word, secrets))
  return [...words.filter((word) => !isStatus(word)), ...words.filter(isStatus)].slice(0, most)
}

const isStatus = (word: string): boolean => /^\d{3}$/.test(word)

const isHarmless = (word: string, secrets: readonly string[]): boolean =>
  (/^[A-Za-z][\w.-]{1,63}$/.test(word) || isStatus(word)) &&
  !empty.has(word) &&
  !secrets.some((secret) => secret !== '' && (word.includes(secret) || (word.length >= 6 && secret.includes(word))))

/** Whether the words are about the way to a service, and not about what it said. */
export const isUnreachable = (words: readonly string[]): boolean => words.some((word) => network.test(word))

function collect(thrown: unknown, found: Set<string>, depth: number): void {
  if (typeof thrown !== 'object' || thrown === null || depth > deepest) return
  const error = thrown as Readonly<Record<string, unknown>>
  for (const word of [
    error.name,
    error.code,
    error.errorCode,
    member(error.errorResponse, 'error'),
    member(member(error.response, 'data'), 'error'),
    error.status,
    error.statusCode,
    member(error.$metadata, 'httpStatusCode'),
    member(error.response, 'status'),
  ])
    if (typeof word === 'string' || typeof word === 'number') found.add(String(word))
  // The code of Entra ID stands in its sentence.
  for (const [code] of String(error.message).matchAll(/\bAADSTS\d{3,9}\b/g)) found.add(code)
  collect(error.cause, found, depth + 1)
  if (Array.isArray(error.errors)) for (const one of error.errors) collect(one, found, depth + 1)
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
