import { NewerFile } from '../migrations/form.ts'

/** What may be wrong with a file: how it is said, and what a person can do about it. */
const troubles = {
  locked: { is: 'another process has locked it', todo: 'End that process, or let it finish.' },
  full: { is: 'the disk is full', todo: 'Free some space there.' },
  readOnly: { is: 'it is read-only', todo: 'Make the file, its folder and its disk writable for this user.' },
  unopened: { is: 'it cannot be opened', todo: 'Its folder must be there and writable for this user.' },
  failing: { is: 'the disk reports an error', todo: 'Check the disk and whether it is still mounted.' },
  damaged: {
    is: 'it is damaged or no database',
    todo: 'Stop Trunkline, and go back to a backup with `trunkline db restore`, or move it away: the next start begins a new one.',
  },
} as const

export type Trouble = keyof typeof troubles | 'other'

/** By SQLite's number, whose lower byte is the kind of error. */
const byNumber: Readonly<Record<number, Trouble>> = {
  5: 'locked',
  6: 'locked',
  8: 'readOnly',
  10: 'failing',
  11: 'damaged',
  13: 'full',
  14: 'unopened',
  26: 'damaged',
}

/** By the system's name, where a file or a folder is made. */
const byCode: Readonly<Record<string, Trouble>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EROFS: 'readOnly',
  EACCES: 'readOnly',
  EPERM: 'readOnly',
  ENOENT: 'unopened',
  ENOTDIR: 'unopened',
  EISDIR: 'unopened',
  EEXIST: 'unopened',
  EIO: 'failing',
}

interface FileError {
  readonly code?: string
  readonly errcode?: number
}

export function troubleOf(thrown: unknown): Trouble {
  const { code = '', errcode = 0 } = thrown as FileError
  return byNumber[errcode & 0xff] ?? byCode[code] ?? 'other'
}

/** The trouble with a file in a sentence or two, such as "/data/traces.db cannot be written: the disk is full. Free …". */
export function inWords(path: string, cannot: 'opened' | 'read' | 'written', thrown: unknown): string {
  // It says all of this by itself.
  if (thrown instanceof NewerFile) return thrown.message
  const trouble = troubleOf(thrown)
  const { message } = thrown as Error
  if (trouble === 'other') return `${path} cannot be ${cannot}: ${message.replace(/\.$/, '')}.`
  const { is, todo } = troubles[trouble]
  return `${path} cannot be ${cannot}: ${is} (${message}). ${todo}`
}

/** Whether it is the row that cannot be stored and not the file that cannot be written: to try it again would be for nothing. */
export function isRefusal(thrown: unknown): boolean {
  const { code, errcode = 0 } = thrown as FileError
  return code === 'ERR_INVALID_ARG_TYPE' || code === 'ERR_OUT_OF_RANGE' || refusals.has(errcode & 0xff)
}

/** SQLite's numbers for too big, a broken constraint, a wrong type. */
const refusals: ReadonlySet<number> = new Set([18, 19, 20])
