import { describe, expect, test } from 'vitest'
import { failureWords, isUnreachable } from './failure-words.ts'

const secret = 'wJalrXUtnFEMIK7MDENG'

describe('of a failure', () => {
  test.each<[what: string, thrown: unknown, words: readonly string[]]>([
    [
      'of AWS',
      Object.assign(new Error('no'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }),
      ['AccessDenied', '403'],
    ],
    [
      'of Google',
      Object.assign(new Error('no'), { response: { status: 400, data: { error: 'invalid_grant' } } }),
      ['invalid_grant', '400'],
    ],
    [
      'of Entra ID',
      Object.assign(new Error('AADSTS7000215: Invalid'), {
        errorResponse: { error: 'invalid_client' },
        statusCode: 401,
      }),
      ['invalid_client', 'AADSTS7000215', '401'],
    ],
    [
      'of the network',
      new Error('no', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }),
      ['ECONNREFUSED'],
    ],
    ['of many', Object.assign(new Error('no'), { errors: [{ code: 'One' }, { code: 'Two' }] }), ['One', 'Two']],
    ['that is a text', secret, []],
    ['that is nothing', undefined, []],
  ])('%s only its codes are told', (_what, thrown, words) => {
    expect(failureWords(thrown, [secret])).toEqual(words)
  })

  test.each([secret, `x${secret}`, secret.slice(3, 12), 'a sentence with spaces', 'x'.repeat(100), `a\n${secret}`])(
    'nothing is told that could be a secret: %j',
    (code) => {
      expect(failureWords({ code, name: code, response: { data: { error: code } } }, [secret])).toEqual([])
    },
  )

  test('one that is its own cause is read once', () => {
    const error: Error & { code?: string } = Object.assign(new Error('no'), { code: 'ELOOP' })
    error.cause = error
    expect(failureWords(error, [])).toEqual(['ELOOP'])
  })

  test('it is told when nobody was there', () => {
    expect(isUnreachable(['EAI_AGAIN'])).toBe(true)
    expect(isUnreachable(['invalid_grant', '400'])).toBe(false)
  })
})
