import type { StoredResponse } from '../dialects/openai-responses/state.ts'
import type { ResponseStore } from './responses.ts'

/** How many characters of the newest answers are in memory: the next turn nearly always asks for one of them. */
const mostCharacters = 16 * 1024 * 1024

/** Where answers are kept for longer; whoever has them may take a while, and may not be there. */
export interface ResponseShelf {
  keep(detail: { readonly project: string; readonly id: string; readonly text: string }): Promise<void>
  find(detail: { readonly project: string; readonly id: string }): Promise<string | undefined>
  /** False when there was none. */
  remove(detail: { readonly project: string; readonly id: string }): Promise<boolean>
}

/** The newest answers in memory, all of them on a shelf behind. */
export class KeptResponses implements ResponseStore {
  private readonly shelf: ResponseShelf
  private readonly onTrouble: (error: unknown) => void
  private readonly texts = new Map<string, string>()
  private size = 0

  constructor(shelf: ResponseShelf, onTrouble: (error: unknown) => void) {
    this.shelf = shelf
    this.onTrouble = onTrouble
  }

  keep(project: string, response: StoredResponse, lasts = true): void {
    const { id } = response
    const text = JSON.stringify(response)
    this.add(keyOf(project, id), text)
    if (!lasts) return
    // Nobody waits for it: the call has ended. Until it is on the shelf it is in memory, if not for long.
    this.shelf.keep({ project, id, text }).catch(this.onTrouble)
  }

  async find(project: string, id: string): Promise<StoredResponse | undefined> {
    const text = this.texts.get(keyOf(project, id)) ?? (await this.shelf.find({ project, id }))
    return text === undefined ? undefined : (JSON.parse(text) as StoredResponse)
  }

  async remove(project: string, id: string): Promise<boolean> {
    const wasOnShelf = await this.shelf.remove({ project, id })
    return this.forget(keyOf(project, id)) || wasOnShelf
  }

  private add(key: string, text: string): void {
    this.forget(key)
    this.texts.set(key, text)
    this.size += text.length
    for (const oldest of this.texts.keys()) {
      if (this.size <= mostCharacters) break
      this.forget(oldest)
    }
  }

  /** False when it is not in memory. */
  private forget(key: string): boolean {
    this.size -= this.texts.get(key)?.length ?? 0
    return this.texts.delete(key)
  }
}

const keyOf = (project: string, id: string): string => `${project}\n${id}`
