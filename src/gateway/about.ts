import type { GatewayState } from './state.ts'

/** What whoever starts a gateway wants to know of the state in force. */
export interface About {
  /** Whether only this machine reaches it. */
  readonly isHere: boolean
  /** Whether whoever reaches it may call: there is no client key. */
  readonly isOpen: boolean
  /** The providers of the default project that somebody has given something to pay with, or an address. */
  readonly configured: readonly {
    readonly name: string
    /** Scheme, host and port, where they are not the vendor's. */
    readonly elsewhere?: string
  }[]
  /** Those that are called with their clients' own keys. */
  readonly ofClients: readonly string[]
}

export function aboutOf({ keys, projects }: GatewayState, isHere: boolean): About {
  const isOpen = isHere && keys.size === 0
  const there = [...projects.standard.providers.values()]
  const isGiven = ({ own, standing, origin, atHome }: (typeof there)[number]): boolean =>
    own.length > 0 || standing !== undefined || (origin !== '' && !atHome)
  const others = there.filter((provider) => !isGiven(provider))
  return {
    isHere,
    isOpen,
    configured: there
      .filter(isGiven)
      .map(({ name, origin, atVendor }) => ({ name, ...(!atVendor && { elsewhere: origin }) })),
    ofClients: isOpen
      ? others.flatMap(({ name, provider, needsKey }) => (provider.clients && needsKey ? [name] : []))
      : [],
  }
}
