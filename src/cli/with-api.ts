import type { ApiClient, ApiOptions } from './api-client.ts'

/** Does some work by the API. It is loaded only now: a server that starts does not wait for it. */
export async function withApi<T>(
  dataDir: string,
  options: ApiOptions,
  work: (api: ApiClient) => Promise<T>,
): Promise<T> {
  const client = await import('./api-client.ts')
  return client.withApi(dataDir, options, work)
}
