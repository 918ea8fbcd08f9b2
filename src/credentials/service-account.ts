import { bad } from '../core/checks.ts'
import { readServiceAccount } from '../providers/service-account.ts'

/** What Google's key files have and their library reads. */
const known = [
  'type',
  'project_id',
  'private_key_id',
  'private_key',
  'client_email',
  'client_id',
  'token_uri',
  'universe_domain',
] as const

/** Google's have 2048 bits, and nobody's more than 4096. To sign with a far longer one would keep everybody waiting. */
const longestKey = 4_096

const needed = ['private_key', 'client_email'] as const

/**
 * The key file of a service account, with only what is used of it. Where its tokens are asked for is Google's, unless the
 * operator says otherwise: the file is somebody's text, and the gateway would send a signed request there.
 */
export function serviceAccountKey(param: string, text: string, isOperators: boolean): string {
  const file = readServiceAccount(text) as Readonly<Record<string, unknown>> | undefined
  if (!file) throw bad(param, 'It must be the JSON of a key file, as Google hands it out.')
  if (file.type !== 'service_account')
    throw bad(param, 'It must be the key file of a service account, whose `type` is service_account.')
  const kept: Record<string, string> = {}
  for (const name of known) {
    const value = file[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || value.trim() === '') throw bad(param, `Its ${name} must be a text.`)
    kept[name] = value
  }
  for (const name of needed) if (kept[name] === undefined) throw bad(param, `The key file has no ${name}.`)
  if (!/^-----BEGIN (?:RSA )?PRIVATE KEY-----/.test(kept.private_key?.trim() ?? ''))
    throw bad(param, 'Its private_key is no private key in PEM.')
  if ((kept.private_key?.length ?? 0) > longestKey) throw bad(param, 'Its private_key is longer than any of Google.')
  if (!isOperators) checkHosts(param, kept)
  return JSON.stringify(kept)
}

function checkHosts(param: string, { token_uri, universe_domain }: Readonly<Record<string, string>>): void {
  if (universe_domain !== undefined && universe_domain !== 'googleapis.com')
    throw bad(param, 'Its universe_domain must be googleapis.com.')
  if (token_uri === undefined) return
  const url = URL.canParse(token_uri) ? new URL(token_uri) : undefined
  const isGoogles =
    url?.protocol === 'https:' && /^(?:[\w-]+\.)*(?:googleapis|accounts\.google)\.com$/.test(url.hostname)
  if (!isGoogles || url.port !== '' || url.username !== '')
    throw bad(param, "Its token_uri must be Google's, such as https://oauth2.googleapis.com/token.")
}
