import dns, { type LookupAddress, type LookupAllOptions } from 'node:dns'
import { buildConnector } from 'undici'
import { GatewayError } from '../core/error.ts'
import { type AddressClass, addressClass, hostClass } from './addresses.ts'

/** Resolves a name to all of its addresses, as `dns.lookup` does. */
export type Lookup = (
  name: string,
  options: LookupAllOptions,
  found: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

type Closed = Exclude<AddressClass, 'public'>

/** Why an address may not be called; undefined for one that may. */
const closedTo = (found: AddressClass, mayBePrivate: boolean): Closed | undefined =>
  found === 'public' || (mayBePrivate && found !== 'refused') ? undefined : found

export interface EgressRules {
  /** Whether the address may be one of a private network or of this machine. */
  readonly mayBePrivate: boolean
  readonly timeoutMs: number
  readonly lookup?: Lookup
}

/**
 * Connects to what may be connected to. A name is resolved once: its addresses are checked, those that may not be used
 * are left out, and the connection goes to one of the rest, so nobody can answer differently a moment later.
 */
export function egressConnector({
  mayBePrivate,
  timeoutMs,
  lookup = dns.lookup,
}: EgressRules): buildConnector.connector {
  const checked = (
    name: string,
    options: LookupAllOptions,
    found: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
  ): void =>
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error) return found(error, [])
      const closed = addresses.map(({ address }) => closedTo(addressClass(address), mayBePrivate))
      const allowed = addresses.filter((_, index) => closed[index] === undefined)
      const [first] = allowed
      if (!first) return found(refusal(name, closed.find((one) => one !== 'refused') ?? 'refused'), [])
      if (options.all) found(null, allowed)
      else found(null, first.address, first.family)
    })
  const connect = buildConnector({ allowH2: false, timeout: timeoutMs, lookup: checked as never })
  return (to, done) => {
    const known = hostClass(to.hostname)
    const closed = known && closedTo(known, mayBePrivate)
    // Not before whoever asks has heard that it was asked.
    if (closed) process.nextTick(done, refusal(to.hostname, closed), null)
    else connect(to, done)
  }
}

/** Says no more of what a name resolves to than its kind: who may set an address need not learn what is behind it. */
const refusal = (host: string, found: Closed): GatewayError =>
  new GatewayError('egress_refused', `Nothing is sent to ${host}: it is ${described[found]}`)

const wayOut = 'If that is meant, let the operator say so: base_url of the provider in the configuration file.'

const described = {
  private: `an address of a private network. ${wayOut}`,
  loopback: `an address of this machine. ${wayOut}`,
  refused:
    'link-local, reserved, or where a cloud tells a machine its secrets. That is never called; give the provider another base_url. This machine is 127.0.0.1.',
} satisfies Record<Closed, string>
