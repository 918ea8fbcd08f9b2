import dns from 'node:dns'
import { afterEach, expect, test, vi } from 'vitest'
import { refusedUrl } from '../../test/support/faulty-upstream.ts'
import type { GatewayError } from '../core/error.ts'
import { upstreams } from './upstream.ts'

afterEach(() => void vi.restoreAllMocks())

test('a name with several addresses of which none answers is told with each of them', async () => {
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ]
  vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, found: (...args: unknown[]) => void) =>
    found(null, addresses)) as typeof dns.lookup)
  const { port } = new URL(await refusedUrl())
  const out = upstreams()
  const error = await new Promise<GatewayError>((fail) => {
    const origin = `http://provider.test:${port}`
    const request = { origin, path: '/', method: 'GET', headers: {}, body: Buffer.alloc(0), connectMs: 5_000 } as const
    out.send(request, { connected() {}, head() {}, data() {}, end() {}, fail })
  })
  expect(error.code).toBe('upstream_unreachable')
  for (const { address } of addresses) expect(error.message).toContain(`${address}:${port}`)
  await out.close()
})
