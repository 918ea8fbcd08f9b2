import type { Door } from '../http/exchange.ts'

/** What is at the root of the page's port: the way to what there is to read. */
export const pageDoors = (): Door[] => [
  {
    method: 'GET',
    path: '/',
    scope: 'public',
    handle: () => ({ status: 302, headers: { location: '/api/docs' }, body: '' }),
  },
]
