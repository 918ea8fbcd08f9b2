export type Header = readonly [name: string, value: string]

/** The ways in which providers want to be shown a key. */
export const keyHeaders = {
  bearer: (key) => ['authorization', `Bearer ${key}`],
  'x-api-key': (key) => ['x-api-key', key],
  'x-goog-api-key': (key) => ['x-goog-api-key', key],
  'api-key': (key) => ['api-key', key],
  none: () => undefined,
} satisfies Record<string, (key: string) => Header | undefined>

export type KeyHeader = keyof typeof keyHeaders
