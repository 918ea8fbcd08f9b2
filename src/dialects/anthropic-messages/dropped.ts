import type { Extra } from '../../core/chat.ts'
import { dialectName } from './wire.ts'

/** What Claude cannot take, each thing once. */
export class Dropped {
  private readonly found = new Set<string>()

  add(name: string): void {
    this.found.add(name)
  }

  /** The fields that only another dialect knows, by its own names. */
  extra(extra: Extra | undefined): void {
    if (!extra || extra.dialect === dialectName) return
    for (const name of Object.keys(extra.fields)) this.found.add(name)
  }

  names(): readonly string[] {
    return [...this.found]
  }
}
