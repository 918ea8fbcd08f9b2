import { expect, test } from 'vitest'
import { pageHeaders, pageHeadersUnkept } from './page-headers.ts'

const policy = new Map(
  pageHeaders['content-security-policy'].split('; ').map((rule) => {
    const [name = '', ...sources] = rule.split(' ')
    return [name, sources] as const
  }),
)

test('checklist 5: a page of ours loads nothing from elsewhere and runs nothing that stands in it', () => {
  expect(policy.get('default-src')).toEqual(["'none'"])
  expect(policy.get('script-src')).toEqual(["'self'"])
  expect(policy.get('style-src')).toEqual(["'self'"])
  const sources = new Set([...policy.values()].flat())
  expect([...sources].toSorted()).toEqual(["'none'", "'self'", 'data:'])
  expect([...policy].filter(([, said]) => said.includes('data:')).map(([name]) => name)).toEqual(['img-src'])
})

test('checklist 5: a page of ours is in no frame of others, and tells nobody where it is', () => {
  expect(policy.get('frame-ancestors')).toEqual(["'none'"])
  expect(policy.get('base-uri')).toEqual(["'none'"])
  expect(pageHeaders).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  })
  expect(Object.keys(pageHeaders).some((name) => name.startsWith('access-control-'))).toBe(false)
})

test("what is the user's own is not kept on the way", () => {
  expect(pageHeadersUnkept).toEqual({ ...pageHeaders, 'cache-control': 'no-store' })
})
