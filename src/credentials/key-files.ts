import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** How the file of keys is read and written; whoever tests what a crash leaves behind brings another. */
export interface KeyFiles {
  /** Undefined when it is not there. Throws when others may read it. */
  read(path: string): string | undefined
  /** As a whole or not at all, and on the disk when it returns. */
  write(path: string, text: string): void
  remove(path: string): void
}

export const keyFiles: KeyFiles = {
  read(path) {
    let mode: number
    try {
      mode = statSync(path).mode
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw thrown
    }
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Error(
        `${path} may be read by others (mode ${(mode & 0o777).toString(8)}), so it is not used. Close it: chmod 600 ${path}`,
      )
    return readFileSync(path, 'utf8')
  },

  write(path, text) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const draft = `${path}.new`
    // What a crash left of it may have other rights.
    rmSync(draft, { force: true })
    const file = openSync(draft, 'wx', 0o600)
    try {
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
    settle(dirname(path))
  },

  remove(path) {
    rmSync(path, { force: true })
    settle(dirname(path))
  },
}

/** The names in a folder are on the disk. Windows knows nothing of the kind. */
function settle(folder: string): void {
  if (process.platform === 'win32') return
  const opened = openSync(folder, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
